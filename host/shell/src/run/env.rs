//! `env`, with GNU's and BSD's options.

use super::meddling;
use super::options::Options;
use crate::script::{Assignment, Piece, Word};
use crate::walker::{Place, Walker};

const OPTIONS: Options = Options {
    values: "uCSPLUa",
    flags: "iv0",
    attached: "",
    long_values: &["unset", "chdir", "split-string", "argv0"],
    long_flags: &[
        "ignore-environment",
        "null",
        "debug",
        "list-signal-handling",
        "block-signal",
        "default-signal",
        "ignore-signal",
    ],
    wary: &["P", "L", "U"],
};

pub(super) fn look(walker: &mut Walker<'_>, pieces: &[Piece], place: &Place) {
    let mut pieces = pieces.to_vec();
    let mut inner = place.inside("env");
    // `-S` puts words in its place, which may be options again. Each turn takes one such option away.
    for _ in 0..8 {
        let (given, mut at) = OPTIONS.read(walker, "env", &pieces);
        let mut split = None;
        for (option, value) in &given {
            match option.as_str() {
                "C" | "chdir" => inner.elsewhere = true,
                "S" | "split-string" => split = Some(value.as_ref()),
                "i" | "ignore-environment" => inner.elsewhere = true,
                "u" | "unset" if value.as_ref().and_then(Piece::lit) == Some("PATH") => {
                    walker.note("`env -u PATH` changes where programs are found");
                }
                _ => {}
            }
        }
        if let Some(text) = split {
            // What follows the text belongs to the command in it, also if it looks like an option.
            let splits = |option: &str| option == "S" || option == "split-string";
            let last = given.last().is_some_and(|(option, _)| splits(option));
            let once = given.iter().filter(|(option, _)| splits(option)).count() == 1;
            if !last || !once || pieces.get(at - 1).and_then(Piece::lit) == Some("--") {
                return walker.note("`env -S` with options after its text");
            }
            let Some(words) = text.and_then(Piece::lit).and_then(split_string) else {
                return walker.note("the text of `env -S` has quotes, escapes or variables");
            };
            let rest = pieces.split_off(at.min(pieces.len()));
            pieces.truncate(1);
            pieces.extend(words.into_iter().map(Piece::literal));
            pieces.extend(rest);
            continue;
        }
        if pieces.get(at).and_then(Piece::lit) == Some("-") {
            at += 1;
        }
        let (assignments, at) = assignments(walker, &pieces, at);
        if let Some(command) = pieces.get(at..).filter(|command| !command.is_empty()) {
            walker.run(command, assignments, &inner);
        } else {
            meddling::check(walker, &assignments, None);
        }
        return;
    }
    walker.note("`env -S` within itself");
}

/// The words of `-S` where they are plain: GNU's and BSD's quotes, escapes and variables differ from the shell's.
fn split_string(text: &str) -> Option<Vec<&str>> {
    let plain = !text.contains(['\\', '\'', '"', '$', '#']);
    plain.then(|| text.split_whitespace().collect())
}

/// Reads `NAME=value` words from `at` on.
pub(super) fn assignments(
    walker: &mut Walker<'_>,
    pieces: &[Piece],
    mut at: usize,
) -> (Vec<Assignment>, usize) {
    let mut assignments = Vec::new();
    while let Some(piece) = pieces.get(at) {
        let Some((name, value)) = piece.word.text.split_once('=') else { break };
        if !piece.word.literal && !meddling::is_name(name) {
            // It may be an assignment or the program: what follows may be either, too.
            break;
        }
        let value = Word { text: value.to_owned(), literal: piece.word.literal };
        assignments.push(Assignment { name: name.to_owned(), value });
        at += 1;
        if assignments.len() > 256 {
            walker.note("more than 256 assignments");
            break;
        }
    }
    (assignments, at)
}
