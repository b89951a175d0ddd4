//! Options before a wrapper's command, as getopt reads them with the operands last.

use crate::script::Piece;
use crate::walker::Walker;

/// What a program's options look like.
#[derive(Debug, PartialEq)]
pub(super) struct Options {
    /// Letters that take a value.
    pub(super) values: &'static str,
    /// Letters that take none.
    pub(super) flags: &'static str,
    /// Letters whose value, if any, is attached.
    pub(super) attached: &'static str,
    /// Long names that take a value.
    pub(super) long_values: &'static [&'static str],
    /// Long names that take none, or one after `=` only.
    pub(super) long_flags: &'static [&'static str],
    /// Letters and long names that make the program do more than run its arguments.
    pub(super) wary: &'static [&'static str],
}

/// An option that was read: its letter or its whole long name, and its value.
pub(super) type Given = (String, Option<Piece>);

impl Options {
    /// Reads options from `pieces[1]` on. Gives the index of the first operand. What is unknown is noted.
    pub(super) fn read(&self, walker: &mut Walker<'_>, name: &str, pieces: &[Piece]) -> (Vec<Given>, usize) {
        let mut given = Vec::new();
        let mut at = 1;
        while let Some(piece) = pieces.get(at) {
            let Some(word) = piece.lit() else {
                if !piece.tame {
                    walker.note(format!("`{name}` has words that may be options: `{}`", piece.word.text));
                }
                break;
            };
            if word == "--" {
                at += 1;
                break;
            }
            if !word.starts_with('-') || word == "-" {
                break;
            }
            at += 1;
            if let Some(long) = word.strip_prefix("--") {
                let (long, value) =
                    long.split_once('=').map_or((long, None), |(long, value)| (long, Some(value)));
                let value = value.map(Piece::literal);
                if let Some(full) = complete(self.long_values, self.long_flags, long) {
                    let value = value.or_else(|| {
                        at += 1;
                        pieces.get(at - 1).cloned()
                    });
                    given.push((full.to_owned(), value));
                } else if let Some(full) = complete(self.long_flags, self.long_values, long) {
                    given.push((full.to_owned(), value));
                } else if long != "help" && long != "version" {
                    walker.note(format!("`{name}` with the unknown option `{word}`"));
                }
            } else {
                self.letters(walker, name, &word[1..], pieces, &mut at, &mut given);
            }
        }
        for (option, _) in &given {
            if self.wary.contains(&option.as_str()) {
                walker.note(format!("`{name}` with the option `{option}` does more than run its arguments"));
            }
        }
        (given, at)
    }

    fn letters(
        &self,
        walker: &mut Walker<'_>,
        name: &str,
        letters: &str,
        pieces: &[Piece],
        at: &mut usize,
        given: &mut Vec<Given>,
    ) {
        if letters.bytes().all(|byte| byte.is_ascii_digit()) && self.flags.contains('0') {
            return given.push(("0".into(), Some(Piece::literal(letters))));
        }
        for (index, letter) in letters.char_indices() {
            let rest = &letters[index + letter.len_utf8()..];
            if self.values.contains(letter) {
                let value = if rest.is_empty() {
                    *at += 1;
                    pieces.get(*at - 1).cloned()
                } else {
                    Some(Piece::literal(rest))
                };
                return given.push((letter.into(), value));
            }
            if self.attached.contains(letter) {
                return given.push((letter.into(), (!rest.is_empty()).then(|| Piece::literal(rest))));
            }
            if !self.flags.contains(letter) {
                return walker.note(format!("`{name}` with the unknown option `-{letter}`"));
            }
            given.push((letter.into(), None));
        }
    }
}

/// The name in `names` that `long` is, or that it alone abbreviates.
fn complete(names: &'static [&'static str], others: &[&str], long: &str) -> Option<&'static str> {
    if let Some(name) = names.iter().find(|name| **name == long) {
        return Some(name);
    }
    if others.contains(&long) || long.is_empty() {
        return None;
    }
    names.iter().find(|name| name.starts_with(long)).copied()
}

/// Whether `word` is the long option `long`, with or without a value, or may abbreviate it.
pub(super) fn abbreviates(word: &str, long: &str) -> bool {
    let name = word.split('=').next().unwrap_or(word);
    name.len() > 3 && name.starts_with("--") && long.starts_with(name)
}
