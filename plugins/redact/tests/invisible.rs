//! Secrets with bytes between that nobody sees: they are masked as if those were not there.

#[path = "harness/stream.rs"]
mod stream;

use stream::{ALNUM, Random, Setup};

/// What stands between, and nobody sees.
const BETWEEN: &[&str] = &[
    "\x1b(B",
    "\x1b[0m",
    "\x1b[1;31m\x1b[K",
    "\x1b]0;a title\x07",
    "\x1b]8;;http://example.org\x1b\\",
    "\x1b7",
    "\0",
    "\x0e\x0f",
    "\x7f",
    "\u{200b}",
    "\u{feff}",
    "\u{202e}\u{202c}",
    "\u{9b}0m",
];

fn token() -> String {
    format!("ghp_{}", Random(3).text(ALNUM, 36))
}

#[test]
fn a_token_in_pieces_is_masked_with_what_is_between_them() {
    let setup = Setup::plain();
    let token = token();
    let mask = setup.whole(&token);
    for between in BETWEEN {
        for at in [1, 2, 3, 4, 20, 39] {
            let (left, right) = token.split_at(at);
            assert_eq!(
                setup.cut(&format!("a {left}{between}{right} b\n")),
                format!("a {mask} b\n"),
                "{between:?}"
            );
            let text = format!("a {between}{left}{between}{right}{between} b\n");
            assert_eq!(setup.whole(&text), format!("a {between}{mask}{between} b\n"));
        }
        let spread: Vec<String> = token.chars().map(String::from).collect();
        assert_eq!(setup.cut(&format!("{}\n", spread.join(between))), format!("{mask}\n"), "{between:?}");
    }
}

#[test]
fn a_pause_within_what_nobody_sees_lets_no_secret_out() {
    let token = token();
    for between in BETWEEN {
        let (left, right) = token.split_at(12);
        let text = format!("a {left}{between}{right} b\n");
        for out in Setup::plain().paused(&text) {
            let shown = weir_redact::invisible::shown_of(out.as_bytes());
            let shown = String::from_utf8_lossy(&shown);
            assert!(!shown.contains(&token[..12]) && !shown.contains(&token[28..]), "{out:?}");
        }
    }
}

#[test]
fn named_values_are_seen_between_colours_and_end_at_control_characters() {
    let setup = Setup::plain();
    let out = setup.cut("\x1b[34m\"password\"\x1b[0m:\x1b[32m\"hun\x1b[mter2!\"\x1b[0m,\n");
    assert!(out.starts_with("\x1b[34m\"password\"\x1b[0m:\x1b[32m\"[redacted:assignment:"), "{out:?}");
    assert!(out.ends_with("]\"\x1b[0m,\n") && !out.contains("ter2"), "{out:?}");
    let out = setup.cut("HOME=/root\0API_TOKEN=abcd1234efgh\0EDITOR=vi\0PATH=/bin:/usr/bin\0");
    assert!(out.starts_with("HOME=/root\0API_TOKEN=[redacted:assignment:"), "{out:?}");
    assert!(out.ends_with("]\0EDITOR=vi\0PATH=/bin:/usr/bin\0"), "{out:?}");
}

#[test]
fn what_stands_within_a_sequence_is_masked_as_well() {
    let setup = Setup::plain();
    let token = token();
    let mask = setup.whole(&token);
    for (before, after) in [
        (&*format!("\x1b]8;;http://example.org/{}?t=", "path/".repeat(60)), "\x1b\\"),
        ("\x1b]0;", "\x07"),
        ("\x1b]52;c;", "\x1b\\"),
        ("\x1bP", "\x1b\\"),
        ("\x1b[", "m"),
    ] {
        let text = |middle: &str| format!("one\n{before}{middle} {after}two\n");
        assert_eq!(setup.cut(&text(&token)), text(&mask));
    }
}

#[test]
fn a_token_ends_where_a_colour_ends_and_begins_where_one_begins() {
    let key = ["AKIA", "QPZRY2X3GF2TVDW4"].concat();
    let out = Setup::plain().cut(&format!("key\x1b[32m{key}\x1b[0mnext\n"));
    assert!(
        out.starts_with("key\x1b[32m[redacted:aws-access-key:") && out.ends_with("]\x1b[0mnext\n"),
        "{out:?}"
    );
}

#[test]
fn what_holds_no_secret_passes_as_it_is_with_whatever_nobody_sees() {
    let mut random = Random(17);
    let mut text = String::new();
    for line in include_str!("unchanged/lines.txt").lines() {
        let between = BETWEEN[random.below(BETWEEN.len())];
        for word in line.split_inclusive(' ') {
            text.push_str(word);
            if random.below(3) == 0 && !between.starts_with('\0') {
                text.push_str(between);
            }
        }
        text.push('\n');
    }
    let (out, masked) = Setup::plain().run([text.as_bytes()], false);
    // Placeholders behind an escape, in places that hold a secret.
    assert!(masked.len() <= 4 && masked.iter().all(|one| one.kind.starts_with('a')), "{masked:?}");
    for size in [1, 7, 100, 1000] {
        assert!(Setup::plain().run(text.as_bytes().chunks(size), false).0 == out, "in pieces of {size}");
    }
}
