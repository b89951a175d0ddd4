//! Shells: `-c` in all its spellings.

use crate::script::Piece;
use crate::walker::{Dialect, Place, Walker};

/// Letters of options that change nothing about what a text's words mean.
const PLAIN: &str = "abefhlmnptuvxBCDEHPT";
const PLAIN_LONG: [&str; 6] = ["--login", "--noprofile", "--norc", "--posix", "--noediting", "--verbose"];
const PLAIN_NAMES: [&str; 15] = [
    "errexit",
    "nounset",
    "pipefail",
    "xtrace",
    "verbose",
    "noglob",
    "noclobber",
    "noexec",
    "allexport",
    "posix",
    "notify",
    "monitor",
    "ignoreeof",
    "err_exit",
    "no_rcs",
];

/// Whether `set -o NAME` leaves words as they are.
pub(super) fn is_plain_name(name: &str) -> bool {
    PLAIN_NAMES.contains(&name) && name != "allexport"
}

pub(super) fn look(walker: &mut Walker<'_>, name: &str, dialect: Dialect, pieces: &[Piece], place: &Place) {
    let (mut command, mut input, mut at) = (false, false, 1);
    while let Some(piece) = pieces.get(at) {
        let Some(word) = piece.lit() else {
            return walker.note(format!("`{name}` has words that are not literal: `{}`", piece.word.text));
        };
        if word == "--" || word == "-" {
            at += 1;
            break;
        }
        if word.len() < 2 || !word.starts_with(['-', '+']) {
            break;
        }
        at += 1;
        if word == "--rcfile" || word == "--init-file" {
            walker.note(format!("`{name} {word}` reads commands from a file"));
            at += 1;
        } else if word == "--version" || word == "--help" {
            return;
        } else if word.starts_with("--") {
            if !PLAIN_LONG.contains(&word) {
                walker.note(format!("`{name}` with the unknown option `{word}`"));
            }
        } else {
            for letter in word[1..].chars() {
                match letter {
                    'c' => command = true,
                    's' => input = true,
                    'i' => walker
                        .note(format!("`{name} -i` reads startup files, and expands aliases and history")),
                    'o' | 'O' => {
                        let value = pieces.get(at).and_then(Piece::lit).unwrap_or("");
                        at += 1;
                        let value = value.to_ascii_lowercase();
                        if letter == 'O' || !PLAIN_NAMES.contains(&value.as_str()) {
                            walker.note(format!("`{name} -{letter} {value}` changes what words mean"));
                        }
                    }
                    _ if dialect == Dialect::Zsh && !"efluvxnd".contains(letter)
                        || !PLAIN.contains(letter) && letter != 'd' =>
                    {
                        walker.note(format!("`{name}` with the option `-{letter}`"));
                    }
                    _ => {}
                }
            }
        }
    }
    let Some(piece) = pieces.get(at) else {
        if command {
            return walker.note(format!("`{name} -c` has no text"));
        }
        return walker.note(format!("`{name}` reads commands from standard input"));
    };
    if !command {
        let what = if input {
            "commands from standard input".into()
        } else {
            format!("the file `{}`", piece.word.text)
        };
        return walker.note(format!("`{name}` reads {what}"));
    }
    let mut inner = place.inside(name);
    inner.shell = Some(dialect);
    match piece.lit() {
        Some(text) => walker.text(text, &inner),
        None => walker.note(format!("the text of `{name} -c` is not literal: `{}`", piece.word.text)),
    }
}
