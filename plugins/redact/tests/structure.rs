//! Secrets that are known by their form: each is masked in each surrounding, however the stream is cut or pauses.

#[path = "harness/stream.rs"]
mod stream;

use stream::{ALNUM, HEX, Random, Setup, UPPER};

const CAPITALS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// Texts with one secret each, written `«…»`, and the kind of its mask.
fn planted() -> Vec<(String, &'static str)> {
    let mut random = Random(7);
    let mut alnum = |count| random.text(ALNUM, count);
    let mut found: Vec<(String, &'static str)> = Vec::new();
    for (kind, prefix, count) in [
        ("github-token", "ghp_", 36),
        ("github-token", "gho_", 36),
        ("github-token", "ghs_", 36),
        ("github-token", "github_pat_", 82),
        ("gitlab-token", "glpat-", 20),
        ("gitlab-token", "gldt-", 20),
        ("google-api-key", "AIza", 35),
        ("google-oauth", "ya29.", 60),
        ("google-oauth", "GOCSPX-", 28),
        ("anthropic-key", "sk-ant-", 90),
        ("openai-key", "sk-proj-", 60),
        ("openai-key", "sk-", 48),
        ("slack-token", "xoxb-", 40),
        ("slack-token", "xapp-", 60),
        ("stripe-key", "sk_live_", 24),
        ("stripe-key", "rk_live_", 24),
        ("stripe-key", "whsec_", 32),
        ("square-token", "sq0atp-", 22),
        ("npm-token", "npm_", 36),
        ("pypi-token", "pypi-", 150),
        ("crates-io-token", "cio", 32),
        ("docker-token", "dckr_pat_", 27),
        ("huggingface-token", "hf_", 34),
        ("vault-token", "hvs.", 90),
        ("linear-key", "lin_api_", 40),
        ("figma-token", "figd_", 40),
        ("groq-key", "gsk_", 52),
        ("google-api-key", "AQ.Ab", 48),
        ("slack-token", "xoxe.xoxp-1-", 163),
        ("facebook-token", "EAAG", 160),
        ("crates-io-token", "cio_tp_", 32),
        ("doppler-token", "dp.ct.", 43),
        ("doppler-token", "dp.sa.", 43),
        ("doppler-token", "dp.said.", 43),
        ("doppler-token", "dp.scim.", 43),
        ("doppler-token", "dp.audit.", 43),
        ("linear-key", "lin_oauth_", 64),
        ("figma-token", "figp_", 48),
        ("grafana-token", "eyJrIjoi", 64),
        ("newrelic-key", "NRII-", 32),
        ("newrelic-key", "NRIQ-", 25),
        ("planetscale-token", "pscale_oauth_", 43),
        ("fly-token", "fm1r_", 120),
        ("sonar-token", "sqco_", 59),
        ("buildkite-token", "bkua_", 53),
        ("buildkite-token", "bkaa_", 75),
        ("cloudflare-token", "cfk_", 48),
        ("cloudflare-token", "cfut_", 48),
        ("cloudflare-token", "cfat_", 48),
        ("vercel-token", "vcp_", 56),
        ("deno-token", "ddp_", 36),
        ("neon-key", "napi_", 64),
        ("supabase-token", "sb_secret_", 31),
        ("mongodb-token", "mdb_sa_sk_", 40),
        ("confluent-key", "cflt", 60),
        ("clickhouse-key", "4b1d", 38),
        ("scalingo-token", "tk-us-", 48),
        ("yandex-key", "AQVN", 36),
        ("nvidia-key", "nvapi-", 64),
        ("together-key", "tgp_v1_", 43),
        ("tavily-key", "tvly-", 32),
        ("jina-key", "jina_", 60),
        ("apify-token", "apify_api_", 36),
        ("posthog-key", "phx_", 47),
        ("contentful-token", "CFPAT-", 43),
        ("typeform-token", "tfp_", 59),
        ("dropbox-token", "sl.u.", 140),
        ("frameio-token", "fio-u-", 64),
        ("prefect-key", "pnu_", 36),
        ("adobe-key", "p8e-", 32),
        ("canva-key", "cnvca", 51),
        ("mailersend-token", "mlsn.", 64),
        ("duffel-token", "duffel_live_", 43),
        ("easypost-key", "EZAK", 54),
        ("flutterwave-key", "FLWSECK_TEST-", 12),
        ("defined-networking-key", "dnkey-", 79),
        ("discord-token", "mfa.", 84),
        ("artifactory-key", "cmVmdGtu", 56),
        ("sourcegraph-token", "sgp_", 64),
        ("logfire-token", "pylf_v1_us_", 43),
    ] {
        found.push((format!("«{prefix}{}»", alnum(count)), kind));
    }
    found.push((format!("«SG.{}.{}»", alnum(22), alnum(43)), "sendgrid-key"));
    found.push((format!("«eyJ{}.eyJ{}.{}»", alnum(33), alnum(60), alnum(43)), "jwt"));
    found.push((format!("«eyJ{}..{}.{}.{}»", alnum(33), alnum(16), alnum(300), alnum(22)), "jwt"));
    found.push((
        format!("https://hooks.slack.com/services/«T{}/B{}/{}»", alnum(8), alnum(8), alnum(24)),
        "webhook",
    ));
    found.push((format!("terraform {}.atlasv1.«{}»", "abcdefghijklmn", alnum(64)), "terraform-token"));
    for number in ["110201543", "71234", "123456789012"] {
        found.push((format!("bot {number}:«AA{}»", alnum(33)), "telegram-token"));
    }
    found.push((format!("«MTE4NzY1NDMyMTA5ODc2NTQz.G{}.{}»", alnum(5), alnum(38)), "discord-token"));
    found.push((format!("«MTE4NzY1NDMyMTA5ODc2NTQz.G{}.{}»", alnum(6), alnum(38)), "discord-token"));
    found.push((
        format!("«sntrys_eyJ{}==_{}+{}/{}»", alnum(120), alnum(20), alnum(10), alnum(11)),
        "sentry-token",
    ));
    found.push((format!("«xoxd-{}/{}+{}==»", alnum(60), alnum(60), alnum(20)), "slack-token"));
    found
        .push((format!("«ATATT3{}/{}+{}={}»", alnum(80), alnum(60), alnum(40), alnum(8)), "atlassian-token"));
    found.push((format!("«ATBB{}_{}.{}=»", alnum(12), alnum(12), alnum(6)), "atlassian-token"));
    found.push((format!("«BBDC-{}/{}+{}»", alnum(20), alnum(12), alnum(10)), "atlassian-token"));
    found.push((
        format!("«ops_eyJ{}-{}_{}+{}»", alnum(80), alnum(80), alnum(80), alnum(20)),
        "1password-token",
    ));
    found.push((format!("«EAAA{}+{}-{}=»", alnum(30), alnum(20), alnum(7)), "square-token"));
    found.push((format!("«xai-{}_{}-{}»", alnum(30), alnum(20), alnum(28)), "xai-key"));
    found.push((format!("«nfp_{}_{}»", alnum(20), alnum(15)), "netlify-token"));
    found.push((format!("«gho_{}_{}»", alnum(20), alnum(15)), "github-token"));
    found.push((format!("«t1.{}=.{}==»", alnum(60), alnum(86)), "yandex-key"));
    found.push((format!("«bedrock-api-key-{}+{}/{}==»", alnum(60), alnum(60), alnum(60)), "aws-bedrock-key"));
    found.push((format!("«CCIPRJ_{}_{}»", alnum(22), alnum(40)), "circleci-token"));
    found.push((format!("«CCDB1_{}_{}»", alnum(22), alnum(40)), "cockroachdb-key"));
    found.push((format!("«pcsk_{}_{}»", alnum(5), alnum(63)), "pinecone-key"));
    found.push((format!("«wandb_v1_{}_{}»", alnum(27), alnum(49)), "wandb-key"));
    found.push((format!("«pdl_live_apikey_{}_{}_{}»", alnum(26), alnum(22), alnum(3)), "paddle-key"));
    found.push((format!("AccountKey=«{}/{}+{}==»", alnum(40), alnum(30), alnum(14)), "azure-key"));
    found.push((format!("SharedAccessKey=«{}/{}+{}=»", alnum(20), alnum(10), alnum(11)), "azure-key"));
    found.push((format!("https://hooks.zapier.com/hooks/catch/«{}/{}/»", 1_234_567, alnum(7)), "webhook"));
    let mut letters = |count| random.text(&ALNUM[..52], count);
    found.push((format!("«npm_{}»", letters(36)), "npm-token"));
    found.push((format!("«cio{}»", letters(32)), "crates-io-token"));
    found.push((format!("«LTAI{}»", letters(12)), "alibaba-key"));
    found.push((format!("«LTAI{}»", letters(20)), "alibaba-key"));
    found.push((format!("«tskey-auth-k{}1CNTRL-{}»", letters(6), letters(20)), "tailscale-key"));
    found.push((format!("«sk-{}T3Blbk{}{}»", letters(20), "FJ", letters(20)), "openai-key"));
    let mut hex = |count| random.text(HEX, count);
    for (kind, before) in [
        ("hubspot-token", "pat-na1-"),
        ("hubspot-token", "pat-eu1-"),
        ("plaid-token", "access-production-"),
        ("plaid-token", "access-sandbox-"),
    ] {
        found.push((format!("{before}«{}»", uuid(&mut hex)), kind));
    }
    found.push((format!("«xaat-{}»", uuid(&mut hex)), "axiom-token"));
    found.push((format!("access_token$production$«{}${}»", hex(16), hex(32)), "braintree-token"));
    found.push((
        format!("https://outlook.office.com/webhook/«{}@{}»", uuid(&mut hex), uuid(&mut hex)),
        "webhook",
    ));
    found.push((format!("«xkeysib-{}-{}»", hex(64), hex(16)), "brevo-key"));
    found.push((format!("«lsv2_pt_{}_{}»", hex(32), hex(10)), "langsmith-key"));
    for (kind, prefix, count) in [
        ("databricks-token", "dose", 32),
        ("shopify-token", "shptka_", 32),
        ("supabase-token", "sbp_oauth_", 40),
        ("supabase-token", "sbp_v0_", 40),
        ("newrelic-key", "NRAA-", 27),
        ("newrelic-key", "NRRA-", 42),
        ("sourcegraph-token", "slk_", 64),
        ("elevenlabs-key", "sk_", 48),
        ("cerebras-key", "csk-", 48),
        ("sonar-token", "squ_", 40),
        ("shippo-token", "shippo_live_", 40),
        ("readme-key", "rdme_", 70),
    ] {
        found.push((format!("«{prefix}{}»", hex(count)), kind));
    }
    found.push((format!("«SK{}»", hex(32)), "twilio-key"));
    found.push((format!("«dapi{}»", hex(32)), "databricks-token"));
    found.push((format!("«dop_v1_{}»", hex(64)), "digitalocean-token"));
    found.push((format!("«shpat_{}»", hex(32)), "shopify-token"));
    for prefix in ["AKIA", "ASIA"] {
        found.push((format!("«{prefix}{}»", random.text(UPPER, 16)), "aws-access-key"));
    }
    found.push((format!("«AKIA{}»", random.text(CAPITALS, 16)), "aws-access-key"));
    found.push((format!("«A3T{}»", random.text(CAPITALS, 17)), "aws-access-key"));
    found
        .push((format!("«dt0s16.{}.{}»", random.text(UPPER, 24), random.text(UPPER, 64)), "dynatrace-token"));
    let secret_key: Vec<String> =
        [6, 6, 5, 5, 5, 5].iter().map(|count| random.text(CAPITALS, *count)).collect();
    found.push((format!("«A3-{}»", secret_key.join("-")), "1password-token"));
    found.push((
        format!("«AGE-SECRET-KEY-1{}»", random.text(b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58)),
        "age-key",
    ));
    found
}

fn uuid(hex: &mut impl FnMut(usize) -> String) -> String {
    [8, 4, 4, 4, 12].map(hex).join("-")
}

fn split(text: &str) -> (String, String, String) {
    let (before, rest) = text.split_once('«').expect("a beginning");
    let (secret, after) = rest.split_once('»').expect("an end");
    (before.to_owned(), secret.to_owned(), after.to_owned())
}

/// The text with the mask cut out; the mask has to be of the kind.
fn around(out: &str, kind: &str) -> String {
    let start = out.find("[redacted:").unwrap_or_else(|| panic!("no mask in {out:?}"));
    let end = start + out[start..].find(']').expect("an end of the mask") + 1;
    let tag = out[start..end]
        .strip_prefix(&format!("[redacted:{kind}:"))
        .unwrap_or_else(|| panic!("{out} for {kind}"));
    assert!(tag.len() == 7 && tag[..6].bytes().all(|b| b.is_ascii_hexdigit()), "{out}");
    format!("{}«»{}", &out[..start], &out[end..])
}

#[test]
fn tokens_are_masked_in_every_surrounding() {
    for (text, kind) in planted() {
        let (before, secret, after) = split(&text);
        for (left, right) in [
            ("", ""),
            ("", "\n"),
            ("got ", " ok\n"),
            ("\"", "\","),
            ("{\\\"t\\\":\\\"", "\\\"}"),
            ("x\\n", "\\ny"),
            ("\x1b[32m", "\x1b[0m\n"),
            ("a%3D", "&b=1"),
        ] {
            let spaced = secret.starts_with("eyJ") && left == "x\\n";
            let input = format!("{left}{before}{secret}{after}{right}");
            if spaced || kind == "webhook" && left.is_empty() && right.is_empty() {
                continue;
            }
            let out = Setup::plain().whole(&input);
            assert_eq!(around(&out, kind), format!("{left}{before}«»{after}{right}"), "{input}");
        }
    }
}

#[test]
fn tokens_are_masked_however_the_stream_is_cut_and_pauses() {
    for (text, kind) in planted() {
        let (before, secret, after) = split(&text);
        let input = format!("line one\n{before}{secret}{after}\nlast line\n");
        let out = Setup::plain().cut(&input);
        assert_eq!(around(&out, kind), format!("line one\n{before}«»{after}\nlast line\n"));
        let tail = &secret[secret.len() - secret.len().min(12)..];
        for out in Setup::plain().paused(&input) {
            assert!(!out.contains(&secret) && !out.contains(tail), "{out}");
            assert!(out.contains("[redacted:"), "{out}");
        }
    }
}

#[test]
fn a_token_that_the_end_cuts_is_masked_once_there_is_evidence() {
    let setup = Setup::plain();
    assert!(setup.cut("t ghp_AbCd1234Ef").starts_with("t [redacted:github-token:"));
    assert_eq!(setup.cut("t ghp_AbC"), "t ghp_AbC");
    assert_eq!(setup.cut("ta sk"), "ta sk");
}

#[test]
fn equal_secrets_have_equal_masks_and_each_occurrence_is_reported() {
    let token = format!("ghp_{}", Random(3).text(ALNUM, 36));
    let input = format!("A={token}\nB: {token} {token}\nGITHUB_TOKEN={token}\n");
    let (out, masked) = Setup::plain().run([input.as_bytes()], false);
    assert_eq!(masked.len(), 4);
    assert!(masked.iter().all(|one| *one == masked[0] && one.kind == "github-token"));
    let mask = &masked[0].mask;
    assert_eq!(String::from_utf8(out).unwrap(), format!("A={mask}\nB: {mask} {mask}\nGITHUB_TOKEN={mask}\n"));
}

#[test]
fn headers_urls_and_assignments_keep_what_is_around_the_secret() {
    let setup = Setup::plain();
    for (text, kind) in [
        ("Authorization: Bearer «AbCdEf0123456789-._~+/xyz=»\r\n", "authorization"),
        ("> authorization: Basic «dXNlcjpwYXNz»\n", "authorization"),
        ("curl -H 'Authorization: Token «9944b09199c62bcf9418ad846dd0e4bb»' http://x/\n", "authorization"),
        ("{\"Authorization\": \"Bearer «AbCdEf0123456789»\"}", "authorization"),
        ("{\\\"Authorization\\\":\\\"Bearer «AbCdEf0123456789»\\\"}", "authorization"),
        (
            "Proxy-Authorization: Digest «username=\"u\", realm=\"r r\", response=\"6629fae49393a05397450978507c4ef1\"»\n",
            "authorization",
        ),
        ("Authorization: «0123456789abcdefABCDEF»\n", "authorization"),
        ("sent Bearer «AbCdEf0123456789xyz» to it\n", "authorization"),
        ("X-Api-Key: «abcdef0123456789»\n", "header"),
        ("< set-cookie: session=«s3ss10n1d0123»; Path=/; HttpOnly\n", "cookie"),
        ("Cookie: a=«b; session=s3ss10n1d0123»\n", "cookie"),
        ("postgres://app:«s3cr3t%21»@db:5432/x\n", "url-password"),
        ("cloning https://«a1b2c3d4e5f6a7b8c9d0e1f2»@github.com/a/b.git\n", "url-password"),
        ("redis://:«p@ss:word1»@cache/0\n", "url-password"),
        ("GITHUB_TOKEN=«abcdefgh12345678»\n", "assignment"),
        ("export DB_PASSWORD=«p&ss;w0rd|(x)»\n", "assignment"),
        ("MY_SECRET='«with blank 1»'\n", "assignment"),
        ("FOO=1\nAPI_KEY=«correcthorsebattery»\nBAR=2\n", "assignment"),
        ("\"password\": \"«hunter2!»\",\n", "assignment"),
        ("{\\\"client_secret\\\":\\\"«Zm9vYmFy-12345»\\\"}", "assignment"),
        ("  password: «hunter2hunter2»\n", "assignment"),
        ("aws_secret_access_key = «wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzzKEY»\n", "assignment"),
        ("tool --token=«abcd1234efgh» run\n", "assignment"),
        ("GET /cb?access_token=«abcd1234efgh»&x=1\n", "assignment"),
        ("//registry.npmjs.org/:_authToken=«0a1b2c3d-1111-2222-3333-444455556666»\n", "assignment"),
        ("x\\nMY_TOKEN=«abcd1234efgh»\\ny", "assignment"),
        ("password = \"«tr0ub4dor&3»\"\n", "assignment"),
    ] {
        let (before, secret, after) = split(text);
        let out = setup.cut(&format!("{before}{secret}{after}"));
        assert_eq!(around(&out, kind), format!("{before}«»{after}"), "{text}");
        let tail = &secret[secret.len() - 6..];
        for out in setup.paused(&format!("{before}{secret}{after}")) {
            assert!(!out.contains(tail), "{out:?} of {text}");
        }
    }
}

/// A key block with so many lines.
fn key(label: &str, lines: usize) -> String {
    let mut random = Random(11);
    let body: String = (0..lines).map(|_| random.text(ALNUM, 64) + "\n").collect();
    format!("-----BEGIN {label}-----\n{body}{}==\n-----END {label}-----", random.text(ALNUM, 22))
}

#[test]
fn key_blocks_are_masked_as_a_whole() {
    for label in [
        "RSA PRIVATE KEY",
        "PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
        "EC PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
        "PGP PRIVATE KEY BLOCK",
    ] {
        let out = Setup::plain().cut(&format!("a\n{}\nb\n", key(label, 4)));
        assert_eq!(around(&out, "private-key"), "a\n«»\nb\n");
    }
    let headed = key("RSA PRIVATE KEY", 3).replacen(
        '\n',
        "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n",
        1,
    );
    assert_eq!(around(&Setup::plain().cut(&format!("{headed}\n$ ")), "private-key"), "«»\n$ ");
    let huge = format!("a\n{}\nb\n", key("RSA PRIVATE KEY", 5000));
    assert_eq!(around(&Setup::plain().whole(&huge), "private-key"), "a\n«»\nb\n");
}

#[test]
fn a_key_has_one_tag_with_line_ends_and_with_escapes() {
    let block = key("PRIVATE KEY", 5);
    let escaped = block.replace('\n', "\\n");
    let out = Setup::plain().cut(&format!("{{\"private_key\": \"{escaped}\\n\"}}"));
    assert_eq!(around(&out, "private-key"), "{\"private_key\": \"«»\\n\"}");
    let mask = out.split('"').find(|part| part.starts_with("[redacted")).unwrap();
    assert_eq!(format!("{}\\n", Setup::plain().whole(&block)), mask);
    for prefix in ["+", "app  | ", "    "] {
        let lines: Vec<String> = block.lines().map(|line| format!("{prefix}{line}")).collect();
        let out = Setup::plain().cut(&format!("{}\nrest\n", lines.join("\n")));
        assert_eq!(around(&out, "private-key"), format!("{prefix}«»\nrest\n"));
    }
}

#[test]
fn a_key_block_without_an_end_is_masked_and_the_log_goes_on_after_it() {
    let block = key("RSA PRIVATE KEY", 6);
    let cut = &block[..200];
    let log: String = (0..40).map(|line| format!("line {line} of the log\n")).collect();
    let out = Setup::plain().cut(&format!("{cut}\n{log}"));
    assert!(out.starts_with("[redacted:private-key:") && out.ends_with("line 39 of the log\n"), "{out}");
    assert!(out.contains("line 10 of") && !out.contains(&block[120..140]));
    let out = Setup::plain().cut(&block[..60]);
    assert_eq!(around(&out, "private-key"), "«»");
}

#[test]
fn long_secrets_are_swallowed_and_not_held() {
    let setup = Setup::plain();
    for before in [
        "eyJhbGciOiJSUzI1NiJ9.eyJ",
        "sk-ant-",
        "Authorization: Bearer ",
        "MY_TOKEN=",
        "\"password\":\"",
        "Cookie: a=",
    ] {
        let long = Random(5).text(ALNUM, 300_000);
        let mut redactor = setup.redactor();
        let mut out = Vec::new();
        let input = format!("{before}{long}\" end");
        for piece in input.as_bytes().chunks(5000) {
            match redactor.push(piece) {
                weir_redact::redactor::Pushed::Unchanged => out.extend_from_slice(piece),
                weir_redact::redactor::Pushed::Bytes(bytes) => out.extend(bytes),
            }
            assert!(redactor.held() <= 5000, "{before} holds {}", redactor.held());
        }
        out.extend(redactor.finish());
        assert!(out.len() < 100 && out.ends_with(b"\" end"), "{before}: {}", out.len());
    }
}

#[test]
fn prompts_and_beginnings_come_out_when_the_stream_pauses() {
    for text in [
        "Password: ",
        "g",
        "sk",
        "Enter token: ",
        "Username for 'https://github.com': ",
        "(gdb) ",
        "key: ",
        "-----",
        "$ eyJ",
        "http://localhost:3000",
        "Authorization: ",
        "API_KEY=",
    ] {
        let mut redactor = Setup::plain().redactor();
        let mut out = match redactor.push(text.as_bytes()) {
            weir_redact::redactor::Pushed::Unchanged => text.as_bytes().to_vec(),
            weir_redact::redactor::Pushed::Bytes(bytes) => bytes,
        };
        out.extend(redactor.idle());
        assert_eq!(String::from_utf8(out).unwrap(), text);
    }
    let mut redactor = Setup::plain().redactor();
    let mut out = Vec::new();
    for text in ["gh", "p_AbCd1234"] {
        if let weir_redact::redactor::Pushed::Bytes(bytes) = redactor.push(text.as_bytes()) {
            out.extend(bytes);
        }
        out.extend(redactor.idle());
    }
    assert_eq!(out, b"gh");
    redactor.push(&[b'a'; 30]);
    assert!(redactor.finish().starts_with(b"[redacted:github-token:"));
}

#[test]
fn masks_in_the_input_are_left_alone() {
    let setup = Setup::plain();
    for text in [
        "Authorization: Bearer [redacted:authorization:5f3a9c]\n",
        "GITHUB_TOKEN=[redacted:github-token:5f3a9c]\n",
        "https://user:[redacted:url-password:5f3a9c]@host/\n",
        "\"password\": \"[redacted:assignment:5f3a9c]\"\n",
        "Cookie: a=[redacted:cookie:5f3a9c]\n",
    ] {
        assert_eq!(setup.cut(text), text);
    }
}

#[test]
fn the_configuration_chooses_kinds_names_formats_and_exceptions() {
    let token = format!("ghp_{}", Random(9).text(ALNUM, 36));
    let both = format!("{token} MY_TOKEN=abcd1234efgh\n");
    let out = Setup::configured(r#"{"without":["github-token"]}"#).cut(&both);
    assert!(out.starts_with("ghp_") && out.contains("[redacted:assignment:"), "{out}");
    let out = Setup::configured(r#"{"structure":["github-token"]}"#).cut(&both);
    assert!(out.starts_with("[redacted:github-token:") && out.ends_with(" MY_TOKEN=abcd1234efgh\n"), "{out}");
    assert_eq!(Setup::configured(r#"{"structure":false}"#).cut(&both), both);
    let out = Setup::configured(r#"{"assignments":["*_pin"]}"#).cut("A_TOKEN=abcd1234 CARD_PIN=abcd1234\n");
    assert_eq!(around(&out, "assignment"), "A_TOKEN=abcd1234 CARD_PIN=«»\n");
    let extra =
        r#"{"extra":[{"kind":"acme-key","prefix":"acme_","alphabet":"hex","minLength":8,"maxLength":8}]}"#;
    let out = Setup::configured(extra).cut("acme_0123abcd acme_0123 acme_0123abcdef\n");
    assert_eq!(around(&out, "acme-key"), "«» acme_0123 acme_0123abcdef\n");
    let key = ["AKIA", "IOSFODNN7EXAMPLE"].concat();
    assert!(Setup::plain().cut(&key).contains("[redacted"));
    assert_eq!(Setup::configured(&format!(r#"{{"allow":["{key}"]}}"#)).cut(&key), key);
}
