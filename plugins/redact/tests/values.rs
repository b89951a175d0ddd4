//! Secrets that are known by their value: masked in every form, with the tag of the value, however the stream is cut.

#[path = "harness/stream.rs"]
mod stream;

use stream::{ALNUM, Random, SALT, Setup};
use weir_redact::tag::{Tagger, mask};

fn base64(bytes: &[u8], alphabet: &[u8; 64]) -> String {
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let mut word = [0; 3];
        word[..group.len()].copy_from_slice(group);
        let bits = u32::from(word[0]) << 16 | u32::from(word[1]) << 8 | u32::from(word[2]);
        for place in 0..=group.len() {
            out.push(char::from(alphabet[(bits >> (18 - 6 * place) & 63) as usize]));
        }
        out.extend(std::iter::repeat_n('=', 3 - group.len()));
    }
    out
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn each(value: &str, write: impl Fn(u8) -> String) -> String {
    value.bytes().map(write).collect()
}

fn percent(text: &str) -> String {
    each(text, |b| if unreserved(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
}

/// What bash's `printf %q` makes of it, but for line ends.
fn backslashed(text: &str) -> String {
    let escape = |c: char| {
        if c.is_ascii() && !c.is_ascii_alphanumeric() && !"-_./%+:@\n".contains(c) { "\\" } else { "" }
    };
    text.chars().map(|c| format!("{}{c}", escape(c))).collect()
}

/// The inside of `$'…'`.
fn ansi_c(text: &str) -> String {
    each(text, |b| match b {
        b'\n' => "\\n".to_owned(),
        b'\'' | b'\\' => format!("\\{}", char::from(b)),
        0x20..0x7f => char::from(b).to_string(),
        _ => format!("\\{b:03o}"),
    })
}

/// With something between all of its characters that nobody sees.
fn split(between: &str, text: &str) -> String {
    text.chars().map(String::from).collect::<Vec<_>>().join(between)
}

fn unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// The ways in which a value is written.
fn forms(value: &str) -> Vec<(&'static str, String)> {
    let json = serde_json::to_string(value).unwrap();
    let json = json[1..json.len() - 1].to_owned();
    let mut found = vec![
        ("plain", value.to_owned()),
        ("hex", each(value, |b| format!("{b:02x}"))),
        ("upper hex", each(value, |b| format!("{b:02X}"))),
        ("hex with colons", each(value, |b| format!("{b:02x}:"))),
        ("all percent", each(value, |b| format!("%{b:02X}"))),
        ("all percent, lower", each(value, |b| format!("%{b:02x}"))),
        (
            "percent",
            each(value, |b| if unreserved(b) { char::from(b).to_string() } else { format!("%{b:02X}") }),
        ),
        (
            "percent, lower",
            each(value, |b| if unreserved(b) { char::from(b).to_string() } else { format!("%{b:02x}") }),
        ),
        (
            "form",
            each(value, |b| {
                if b == b' ' {
                    "+".to_owned()
                } else if unreserved(b) {
                    char::from(b).to_string()
                } else {
                    format!("%{b:02X}")
                }
            }),
        ),
        ("json", json.clone()),
        ("json, slashes", json.replace('/', "\\/")),
        ("json in json", serde_json::to_string(&json).unwrap().trim_matches('"').to_owned()),
        ("json, all codes", value.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()),
        ("json, all codes, upper", value.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect()),
        ("c escapes", each(value, |b| format!("\\x{b:02x}"))),
        (
            "html",
            value.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;").replace('\'', "&#39;"),
        ),
        (
            "coloured",
            value
                .chars()
                .enumerate()
                .map(|(at, c)| if at == 2 { format!("\x1b[1;31m{c}") } else { c.to_string() })
                .collect(),
        ),
        ("crlf", value.replace('\n', "\r\n")),
        ("html, decimal", value.chars().map(|c| format!("&#{};", u32::from(c))).collect()),
        ("html, decimal, zeros", value.chars().map(|c| format!("&#{:04};", u32::from(c))).collect()),
        ("html, hex", value.chars().map(|c| format!("&#x{:x};", u32::from(c))).collect()),
        ("html, upper hex", value.chars().map(|c| format!("&#X{:X};", u32::from(c))).collect()),
        ("percent, twice", percent(&percent(value))),
        ("percent, three times", percent(&percent(&percent(value)))),
        ("all percent, twice", each(value, |b| format!("%25{b:02x}"))),
        ("octal", each(value, |b| format!("\\{b:03o}"))),
        ("printf %q", backslashed(value)),
        ("printf %q in the C locale", ansi_c(value)),
        ("single quotes of a shell", value.replace('\'', "'\\''")),
        ("shlex.quote", value.replace('\'', "'\"'\"'")),
        ("set split", split("\x1b(B", value)),
        ("nul split", split("\0", value)),
        ("zero-width split", split("\u{200b}", value)),
        ("link split", split("\x1b]8;;http://x/\x07", value)),
        ("split by all", split("\x1b7\x0f\u{9b}1m\u{2060}\x7f\x1b[K", value)),
        ("utf-16", value.encode_utf16().flat_map(u16::to_le_bytes).map(char::from).collect()),
    ];
    if !value.is_ascii() {
        found.retain(|(name, _)| *name != "utf-16");
    }
    for (name, alphabet) in [("base64", STANDARD), ("base64url", URL)] {
        for before in ["", "u", "us", "user:"] {
            let all = base64(format!("{before}{value}\n").as_bytes(), alphabet);
            found.push((name, all.clone()));
            if value.len() >= 16 {
                let lines: Vec<_> = all
                    .as_bytes()
                    .chunks(19)
                    .map(|line| String::from_utf8_lossy(line).into_owned())
                    .collect();
                found.push(("wrapped base64", lines.join("\n")));
                found.push(("wrapped base64, crlf", lines.join("\r\n")));
            }
        }
    }
    found
}

fn mask_of(value: &str) -> String {
    let mut tagger = Tagger::new(SALT);
    tagger.bytes(value.as_bytes());
    mask("value", tagger.tag())
}

const VALUES: &[&str] = &[
    "hunter2x",
    "s3cr3t",
    "p@ss w0rd/+&\"<x>'y\\z",
    "correct-horse-battery-staple",
    "ünïcödé-€-😀-pass",
    "%41%42%43abc",
    "\\\\server\\share",
    "first line 1\nsecond line 2\nthird line 3",
    "aaaaaaaaaaab",
    "////++++////",
];

#[test]
fn every_form_of_every_value_is_masked_with_the_tag_of_the_value() {
    for value in VALUES {
        let setup = Setup::with_values(&[value]);
        for (form, text) in forms(value) {
            let out = setup.cut(&format!("[{text}]\n"));
            let (masks, expected) = (out.matches("[redacted:").count(), mask_of(value));
            assert!(masks >= 1 && out.contains(&expected), "{form} of {value:?}: {text:?} gives {out:?}");
            let rest = out.replace(&expected, "").replace('\0', "");
            assert!(rest.len() <= 16 + masks, "{form} of {value:?}: {text:?} leaves {rest:?}");
        }
    }
}

#[test]
fn no_pause_lets_a_value_out() {
    for value in VALUES {
        let setup = Setup::with_values(&[value]);
        for (form, text) in forms(value) {
            for out in setup.paused(&format!("it is {text} indeed\n")) {
                assert!(!out.contains(&text), "{form} of {value:?} in {out:?}");
                let tail = &text
                    [text.len() - text.char_indices().rev().nth(3).map_or(0, |(at, _)| text.len() - at)..];
                let known = "it is  indeed\n".contains(tail) || form.contains("base64");
                assert!(
                    known || form.contains("hex with") || !out.contains(&format!("{tail} indeed")),
                    "{form} of {value:?} in {out:?}"
                );
            }
        }
    }
}

#[test]
fn lines_of_a_value_are_masked_alone_if_they_are_long_enough() {
    let setup = Setup::with_values(&["first line 1\nshort\nthird line 3"]);
    let mask = mask_of("first line 1\nshort\nthird line 3");
    assert_eq!(setup.cut("| third line 3 |\n"), format!("| {mask} |\n"));
    assert_eq!(setup.cut("short first line 1!\n"), format!("short {mask}!\n"));
}

#[test]
fn a_value_cut_by_the_end_is_masked_if_half_of_it_was_seen() {
    let setup = Setup::with_values(&["correcthorse"]);
    let mask = mask_of("correcthorse");
    assert_eq!(setup.cut("it is correct"), format!("it is {mask}"));
    assert_eq!(setup.cut("it is corre"), "it is corre");
    assert_eq!(setup.cut("it is correct indeed"), "it is correct indeed");
}

#[test]
fn a_value_within_a_token_or_across_its_end_is_masked_too() {
    let token = format!("ghp_{}", Random(2).text(ALNUM, 36));
    let setup = Setup::with_values(&[&token]);
    assert_eq!(setup.cut(&format!("GITHUB_TOKEN={token}\n")), format!("GITHUB_TOKEN={}\n", mask_of(&token)));
    assert_eq!(
        setup.cut(&format!("Authorization: Bearer {token}\n")),
        format!("Authorization: Bearer {}\n", mask_of(&token))
    );
    let across = format!("{}!!-rest-of-it", &token[30..]);
    let out = Setup::with_values(&[&across]).cut(&format!("{token}!!-rest-of-it\n"));
    assert!(!out.contains("rest-of-it") && !out.contains(&token[..20]), "{out}");
}

#[test]
fn short_values_are_named_and_not_looked_for() {
    let config = weir_redact::config::Config::parse("{}").unwrap();
    let variables = [("SHORT".to_owned(), "abc".to_owned()), ("EMPTY".to_owned(), String::new())];
    let (_, skipped) = weir_redact::rules::Rules::new(&config, &variables, SALT);
    assert_eq!(skipped.short, ["SHORT"]);
    assert_eq!(Setup::with_values(&["abc"]).cut("abc abcabc\n"), "abc abcabc\n");
}

#[test]
fn only_the_values_that_are_named_are_masked() {
    let mut setup = Setup::with_values(&["first-value", "second-value"]);
    setup.config = r#"{"values":["V1"]}"#.to_owned();
    assert_eq!(setup.cut("first-value second-value\n"), format!("first-value {}\n", mask_of("second-value")));
    let mut setup = Setup::with_values(&["first-value", "second-value"]);
    setup.config = r#"{"values":false}"#.to_owned();
    assert_eq!(setup.cut("first-value second-value\n"), "first-value second-value\n");
}

#[test]
fn random_mixes_give_the_same_however_they_are_cut_and_never_a_secret() {
    const WORDS: &[&str] = &[
        "compiling ",
        "token",
        "=",
        ": ",
        "\"",
        "\n",
        "\r\n",
        "https://",
        "user:",
        "@host/",
        "ghp_",
        "sk-",
        "AKIA",
        "eyJ",
        ".",
        "Bearer ",
        "Authorization: ",
        "password",
        "-----BEGIN PRIVATE KEY-----\n",
        "-----END PRIVATE KEY-----\n",
        "%",
        "\\",
        "\x1b[",
        "&",
        "MY_SECRET=",
        "--",
        " ",
        "key",
        "Cookie: ",
        "xoxb-",
        "[redacted:value:123456]",
    ];
    for seed in 1..=40 {
        let mut random = Random(seed * 7919);
        let values: Vec<String> = (0..3)
            .map(|_| {
                let count = 8 + random.below(24);
                random.text(b"ABCXYZabcxyz0189-_/+%\\\" ", count)
            })
            .collect();
        let setup = Setup::with_values(&values.iter().map(String::as_str).collect::<Vec<_>>());
        let mut input = String::new();
        for _ in 0..60 {
            match random.below(8) {
                0 => {
                    let forms = forms(&values[random.below(3)]);
                    input.push_str(&forms[random.below(forms.len())].1);
                }
                1 => {
                    let count = 1 + random.below(50);
                    input.push_str(&random.text(b"abcdefghijklmnopqrstuvwxyz", count));
                }
                2 => {
                    let count = 20 + random.below(50);
                    input.push_str(&random.text(ALNUM, count));
                }
                _ => input.push_str(WORDS[random.below(WORDS.len())]),
            }
        }
        let whole = setup.whole(&input);
        for value in &values {
            assert!(!whole.contains(value.as_str()), "seed {seed}: {value:?} in {whole:?} of {input:?}");
        }
        for round in 0..8 {
            let mut pieces = Vec::new();
            let mut rest = input.as_bytes();
            while !rest.is_empty() {
                let count = rest.len().min(1 + random.below([1, 4, 40, 400][round % 4]));
                pieces.push(&rest[..count]);
                rest = &rest[count..];
            }
            let (out, _) = setup.run(pieces.iter().copied(), false);
            assert_eq!(String::from_utf8_lossy(&out), whole, "seed {seed}");
            let (out, _) = setup.run(pieces.iter().copied(), true);
            let out = String::from_utf8_lossy(&out);
            for value in &values {
                assert!(!out.contains(value.as_str()), "seed {seed}, with pauses: {value:?} in {out:?}");
            }
        }
    }
}
