//! Secrets in many forms, each in its surroundings, made up anew by the same numbers each time.
//!
//! Prefixes of tokens are put together here, so that whoever scans this file for secrets finds none.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};
use weir_tests::base64;

const ALNUM: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const HEX: &[u8] = b"0123456789abcdef";
const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A secret as it is printed: what is before it and after it has to come out, what is between must not.
#[derive(Debug)]
pub(crate) struct Planted {
    kind: &'static str,
    form: String,
    before: String,
    /// Goes with the secret, but is no secret: `ghp_`.
    prefix: String,
    secret: String,
    after: String,
    /// A few bits of it may stay on both sides.
    loose: bool,
    /// So much of it in a row is too much: eight bytes, or, where escapes stand for single bytes, four of them.
    piece: usize,
}

/// What the granted variables hold.
pub(crate) fn variables() -> Value {
    let [password, phrase, lines] = values();
    json!({ "PLANTED_PASSWORD": password, "PLANTED_PHRASE": phrase, "PLANTED_LINES": lines })
}

fn values() -> [String; 3] {
    let mut random = fastrand::Rng::with_seed(41);
    // Nothing in a row that somebody's table of escapes may hold as well.
    let password: String =
        "/+&\"<>'\\ ".chars().map(|odd| format!("{odd}{}", text(&mut random, ALNUM, 3))).collect();
    let phrase = format!("ünïcödé-€-{}", text(&mut random, ALNUM, 9));
    let lines: Vec<String> = (0..3).map(|_| text(&mut random, ALNUM, 20)).collect();
    [password, phrase, lines.join("\n")]
}

fn text(random: &mut fastrand::Rng, alphabet: &[u8], count: usize) -> String {
    (0..count).map(|_| char::from(alphabet[random.usize(0..alphabet.len())])).collect()
}

impl Planted {
    /// All of them, each on a line of its own.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = tokens();
        all.extend(places());
        all.extend(blocks());
        all.extend(by_value());
        all
    }

    /// From a text in which the secret stands as `«…»`, from `⟨` on where something goes with it.
    fn new(kind: &'static str, marked: &str) -> Self {
        let (before, rest) = marked.split_once('«').expect("a beginning");
        let (secret, after) = rest.split_once('»').expect("an end");
        let (before, prefix) = before.split_once('⟨').unwrap_or((before, ""));
        let form = format!("{before}{prefix}…{}", after.trim_end());
        let [before, prefix, secret, after] = [before, prefix, secret, after].map(str::to_owned);
        Self { kind, form, before, prefix, secret, after, loose: false, piece: 8 }
    }

    /// For people.
    pub(crate) fn name(&self) -> String {
        format!("`{}` ({})", self.form.escape_debug(), self.kind)
    }

    /// What a command prints.
    pub(crate) fn printed(&self) -> String {
        [&*self.before, &self.prefix, &self.secret, &self.after].concat()
    }

    pub(crate) fn is_of_the_first_value(&self) -> bool {
        self.kind == "value" && self.form.starts_with("password")
    }

    /// The mask in what came out, if nothing else is different.
    pub(crate) fn mask_in(&self, out: &str) -> Result<String, String> {
        let complaint = || Err(format!("  {} came out as {out:?}", self.name()));
        let start = format!("[redacted:{}:", self.kind);
        let Some((left, rest)) = out.split_once(&start) else { return complaint() };
        let Some((tag, right)) = rest.split_once(']') else { return complaint() };
        let spare = if self.loose { 4 } else { 0 };
        let fits = |seen: &str, expected: &str| seen.len() <= expected.len() + spare;
        let around = left.starts_with(&self.before) && right.ends_with(&self.after);
        if !around || !fits(left, &self.before) || !fits(right, &self.after) || tag.len() != 6 {
            return complaint();
        }
        Ok(format!("{start}{tag}]"))
    }

    /// Whether what is around it has come out.
    pub(crate) fn rest_of(&self, out: &str) -> bool {
        out.starts_with(&self.before) && out.ends_with(&self.after)
    }

    /// Places within the prefix and the secret where a stream may pause, at most so many, over all of them.
    pub(crate) fn places(&self, most: usize) -> Vec<usize> {
        let (from, length) = (self.before.len() + 1, self.prefix.len() + self.secret.len() - 1);
        let count = most.clamp(1, length);
        (0..count).map(|index| from + index * length / count).collect()
    }
}

/// Tokens that are known by their form.
fn tokens() -> Vec<Planted> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut found = Vec::new();
    for (kind, prefix, alphabet, count) in [
        ("github-token", ["gh", "p_"], ALNUM, 36),
        ("github-token", ["gh", "s_"], ALNUM, 36),
        ("github-token", ["github", "_pat_"], ALNUM, 82),
        ("gitlab-token", ["gl", "pat-"], ALNUM, 20),
        ("google-api-key", ["AI", "za"], ALNUM, 35),
        ("google-oauth", ["ya", "29."], ALNUM, 60),
        ("anthropic-key", ["sk-", "ant-"], ALNUM, 90),
        ("openai-key", ["sk-", "proj-"], ALNUM, 60),
        ("slack-token", ["xo", "xb-"], ALNUM, 40),
        ("stripe-key", ["sk_", "live_"], ALNUM, 24),
        ("stripe-key", ["wh", "sec_"], ALNUM, 32),
        ("npm-token", ["np", "m_"], ALNUM, 36),
        ("pypi-token", ["py", "pi-"], ALNUM, 150),
        ("docker-token", ["dckr", "_pat_"], ALNUM, 27),
        ("huggingface-token", ["h", "f_"], ALNUM, 34),
        ("vault-token", ["hv", "s."], ALNUM, 90),
        ("linear-key", ["lin", "_api_"], ALNUM, 40),
        ("figma-token", ["fi", "gd_"], ALNUM, 40),
        ("groq-key", ["gs", "k_"], ALNUM, 52),
        ("aws-access-key", ["AK", "IA"], UPPER, 16),
        ("aws-access-key", ["AS", "IA"], UPPER, 16),
        ("twilio-key", ["S", "K"], HEX, 32),
        ("databricks-token", ["da", "pi"], HEX, 32),
        ("digitalocean-token", ["dop", "_v1_"], HEX, 64),
        ("shopify-token", ["shp", "at_"], HEX, 32),
    ] {
        let secret = text(&mut random, alphabet, count);
        found.push(Planted::new(kind, &format!("got ⟨{}«{secret}» ok\n", prefix.concat())));
    }
    let mut alnum = |count| text(&mut random, ALNUM, count);
    // Its header tells how it is signed, which is no secret.
    let jwt = format!("⟨eyJ{}.eyJ«{}.{}»", alnum(33), alnum(60), alnum(43));
    found.push(Planted::new("jwt", &format!("session {jwt} ok\n")));
    found.push(Planted::new("sendgrid-key", &format!("mail ⟨SG.«{}.{}» ok\n", alnum(22), alnum(43))));
    let host = ["https://hooks.", "slack.com/services/"].concat();
    found.push(Planted::new("webhook", &format!("{host}⟨T«{}/B{}/{}» ok\n", alnum(8), alnum(8), alnum(24))));
    found
}

/// Secrets that are known by what stands before them.
fn places() -> Vec<Planted> {
    let mut random = fastrand::Rng::with_seed(8);
    let mut alnum = |count| text(&mut random, ALNUM, count);
    vec![
        Planted::new("authorization", &format!("Authorization: Bearer «{}»\r\nAccept: */*\n", alnum(30))),
        Planted::new("authorization", &format!("> authorization: Basic «{}»\n", base64(alnum(21)))),
        Planted::new("authorization", &format!("{{\"Authorization\": \"Bearer «{}»\"}}\n", alnum(24))),
        Planted::new("header", &format!("X-Api-Key: «{}9»\n", alnum(24))),
        Planted::new("cookie", &format!("< set-cookie: session=«{}»; Path=/; HttpOnly\n", alnum(24))),
        Planted::new("url-password", &format!("postgres://app:«{}»@db:5432/x\n", alnum(20))),
        Planted::new("url-password", &format!("redis://:«{}@{}»@cache/0\n", alnum(10), alnum(10))),
        Planted::new("assignment", &format!("A=1\nSERVICE_TOKEN=«{}»\nB=2\n", alnum(20))),
        Planted::new("assignment", &format!("export DB_PASSWORD=«{}&;|(x){}9»\n", alnum(8), alnum(8))),
        Planted::new("assignment", &format!("\"password\": \"«{}7»\",\n", alnum(20))),
        Planted::new("assignment", &format!("tool --token=«{}7» run\n", alnum(20))),
        Planted::new("assignment", &format!("GET /cb?access_token=«{}7»&x=1\n", alnum(20))),
    ]
}

/// Private keys.
fn blocks() -> Vec<Planted> {
    let mut random = fastrand::Rng::with_seed(9);
    let mut found = Vec::new();
    for label in ["RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "PRIVATE KEY"] {
        let lines: Vec<String> = (0..4).map(|_| text(&mut random, ALNUM, 64)).collect();
        let mut block = Planted::new(
            "private-key",
            &format!("key\n⟨-----BEGIN {label}-----\n«{}»\n-----END {label}-----\nnext\n", lines.join("\n")),
        );
        // The end of the block goes with it.
        let end = format!("\n-----END {label}-----");
        block.after = block.after.replacen(&end, "", 1);
        block.secret += &end;
        found.push(block);
    }
    found
}

/// The values of the granted variables in what tools make of them.
fn by_value() -> Vec<Planted> {
    let [password, phrase, lines] = values();
    let mut found = Vec::new();
    for (name, value) in [("password", &password), ("phrase", &phrase), ("lines", &lines)] {
        for (form, piece, printed) in forms(value) {
            let mut planted = Planted::new("value", &format!("{name}, {form}: [«{printed}»] ok\n"));
            planted.form = format!("{name}, {form}");
            planted.piece = piece;
            found.push(planted);
        }
        for (index, before) in ["", "u", "us", "user:"].into_iter().enumerate() {
            let whole = base64(format!("{before}{value}\n"));
            // Characters of base64 that hold nothing else but bits of the value.
            let (from, to) = ((before.len() * 8).div_ceil(6), (before.len() + value.len()) * 8 / 6);
            let marked = format!("{name}: [{}«{}»{}] ok\n", &whole[..from], &whole[from..to], &whole[to..]);
            let mut planted = Planted::new("value", &marked);
            planted.form = format!("{name}, base64 behind {} bytes", before.len());
            planted.loose = true;
            if index == 3 {
                planted.secret = planted.secret.replace('+', "-").replace('/', "_");
            }
            found.push(planted);
        }
    }
    found.push(Planted::new("value", &format!("| «{}» |\n", lines.lines().next().expect("a line"))));
    found
}

/// The name of each form, how long a piece of it is too long, and the value in it.
fn forms(value: &str) -> Vec<(&'static str, usize, String)> {
    let each = |form: &dyn Fn(u8) -> String| value.bytes().map(form).collect::<String>();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let quoted = Value::from(value).to_string();
    let json = quoted[1..quoted.len() - 1].to_owned();
    let nested = Value::from(&*json).to_string();
    let mut coloured = value.to_owned();
    coloured.insert_str(2, "\x1b[1;31m");
    // In three pieces; together they would be whole in a view that removes what is between.
    let split = |between: &str| {
        let characters: Vec<char> = value.chars().collect();
        let pieces: Vec<String> =
            characters.chunks(characters.len().div_ceil(3)).map(|piece| piece.iter().collect()).collect();
        pieces.join(between)
    };
    vec![
        ("as it is", 8, value.to_owned()),
        ("hex", 8, each(&|byte| format!("{byte:02x}"))),
        ("HEX", 8, each(&|byte| format!("{byte:02X}"))),
        (
            "URL",
            12,
            each(&|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }),
        ),
        ("all percent", 12, each(&|byte| format!("%{byte:02x}"))),
        ("JSON", 8, json),
        ("JSON in JSON", 8, nested[1..nested.len() - 1].to_owned()),
        ("JSON codes", 24, value.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()),
        ("C", 16, each(&|byte| format!("\\x{byte:02x}"))),
        (
            "HTML",
            8,
            value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;"),
        ),
        ("coloured", 15, coloured),
        ("in pieces, by a character set", 8, split("\x1b(B")),
        ("in pieces, by NUL", 8, split("\0")),
        ("in pieces, by characters without width", 8, split("\u{200b}")),
        ("HTML, decimal", 24, value.chars().map(|one| format!("&#{};", u32::from(one))).collect()),
        ("HTML, hex", 24, value.chars().map(|one| format!("&#x{:x};", u32::from(one))).collect()),
        (
            "URL twice",
            20,
            each(&|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%25{byte:02X}") }),
        ),
        ("printf %q", 8, shell(value)),
        ("CR LF", 9, value.replace('\n', "\r\n")),
    ]
}

/// All pieces of all secrets that are too long to be told.
pub(crate) struct Pieces {
    /// Which three bytes begin a piece: nearly every place of a text is passed over here.
    starts: Vec<bool>,
    by_length: BTreeMap<usize, HashMap<Vec<u8>, String>>,
}

impl Pieces {
    pub(crate) fn of(planted: &[Planted]) -> Self {
        let mut pieces = Self { starts: vec![false; 1 << 24], by_length: BTreeMap::new() };
        for secret in planted {
            // What goes with the secret is none, and neither is the end of a block.
            let body = secret.secret.split("\n-----END ").next().expect("a first part");
            let same = pieces.by_length.entry(secret.piece).or_default();
            for piece in body.as_bytes().windows(secret.piece) {
                pieces.starts[start(piece)] = true;
                same.insert(piece.to_owned(), secret.name());
            }
        }
        pieces
    }

    /// Panics if there is one of them in it.
    #[track_caller]
    pub(crate) fn assert_none(&self, seen: impl AsRef<[u8]>, what: &str) {
        let seen = seen.as_ref();
        for at in (0..seen.len().saturating_sub(2)).filter(|at| self.starts[start(&seen[*at..])]) {
            for (length, pieces) in &self.by_length {
                let piece = seen.get(at..at + length).and_then(|piece| pieces.get(piece));
                if let Some(name) = piece {
                    let around = &seen[at.saturating_sub(60)..seen.len().min(at + 60)];
                    let around = String::from_utf8_lossy(around);
                    panic!("a piece of {name} is in {what}, at byte {at}: {around:?}");
                }
            }
        }
    }
}

/// The first three bytes as a number.
fn start(bytes: &[u8]) -> usize {
    bytes[..3].iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

/// What bash's `printf %q` makes of it.
fn shell(value: &str) -> String {
    if value.contains('\n') {
        // The inside of `$'…'`.
        return value.replace('\n', "\\n");
    }
    let plain = |one: char| one.is_ascii_alphanumeric() || !one.is_ascii() || "-_./%+:@".contains(one);
    value.chars().flat_map(|one| (!plain(one)).then_some('\\').into_iter().chain([one])).collect()
}
