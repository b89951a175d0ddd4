//! Here-documents.

use super::{Pending, Text};
use crate::script::Word;
use crate::walker::{Clear, Unclear};

impl Text<'_, '_, '_> {
    /// Reads the texts of the here-documents that wait, after a newline.
    pub(super) fn here_documents(&mut self) -> Clear {
        for pending in std::mem::take(&mut self.heredocs) {
            self.here_document(&pending)?;
        }
        Ok(())
    }

    fn here_document(&mut self, pending: &Pending) -> Clear {
        let mut body = String::new();
        // Where the lines that a backslash joins with the next one begin in the body.
        let mut joined: Vec<usize> = Vec::new();
        loop {
            if self.at >= self.text.len() {
                return Err(Unclear(format!("the here-document `{}` is not closed", pending.delimiter)));
            }
            let rest = &self.text[self.at..];
            let end = rest.find('\n').unwrap_or(rest.len());
            let mut line = &rest[..end];
            self.at += (end + 1).min(rest.len());
            if pending.tabs && joined.is_empty() {
                line = line.trim_start_matches('\t');
            }
            if line == pending.delimiter && joined.is_empty() {
                break;
            }
            let continued =
                !pending.quoted && line.bytes().rev().take_while(|&byte| byte == b'\\').count() % 2 == 1;
            if continued || !joined.is_empty() {
                joined.push(body.len());
            }
            body.push_str(line);
            body.push('\n');
            if !continued && !joined.is_empty() {
                no_delimiter(&body, &joined, &pending.delimiter)?;
                joined.clear();
            }
        }
        let target = if pending.quoted { Word::literal(body) } else { self.expanded(body)? };
        self.walker.set_target(pending.slot, pending.redirect, target);
        Ok(())
    }

    /// The text of a here-document whose delimiter was not quoted; its substitutions run.
    fn expanded(&mut self, body: String) -> Clear<Word> {
        let mut text = Text::new(&body, self.place.clone(), self.walker);
        let mut decoded = String::with_capacity(body.len());
        let mut literal = true;
        while let Some(char) = text.text[text.at..].chars().next() {
            match char {
                '$' => match text.dollar(true)? {
                    true => literal = false,
                    false => decoded.push('$'),
                },
                '`' => {
                    text.backquotes(false)?;
                    literal = false;
                }
                '\\' => match text.peek(1) {
                    b'\n' => text.continuation_in_quotes()?,
                    byte @ (b'$' | b'`' | b'\\') => {
                        decoded.push(char::from(byte));
                        text.at += 2;
                    }
                    _ => {
                        decoded.push('\\');
                        text.at += 1;
                    }
                },
                _ => {
                    decoded.push(char);
                    text.at += char.len_utf8();
                }
            }
        }
        Ok(if literal { Word::literal(decoded) } else { Word { text: body, literal: false } })
    }
}

/// Bytes of the longest delimiter that joined lines are compared with.
const MAX_DELIMITER: usize = 64;

/// Makes sure that no run of joined lines, which begin at `joined` in the body and end with it, is the delimiter.
///
/// Shells join such lines before they look for it, and differ in where they do, and in which tabs they take away. So
/// neither blanks nor backslashes count here, and the run may begin and end with any of the lines.
fn no_delimiter(body: &str, joined: &[usize], delimiter: &str) -> Clear {
    let unclear = || Err(Unclear(format!("joined lines of the here-document `{delimiter}` may be its end")));
    let bare = |text: &str| -> String { text.chars().filter(|&char| !is_passed_over(char)).collect() };
    let wanted = bare(delimiter);
    if wanted.is_empty() || delimiter.len() > MAX_DELIMITER {
        return unclear();
    }
    // The delimiter's beginnings that a run which ends with the line before makes.
    let mut begun: Vec<usize> = Vec::new();
    for (index, &start) in joined.iter().enumerate() {
        let end = joined.get(index + 1).copied().unwrap_or(body.len());
        let line = bare(&body[start..end]);
        if line.is_empty() && index + 1 < joined.len() {
            return unclear();
        }
        begun.push(0);
        begun.retain_mut(|length| {
            let goes_on = wanted[*length..].starts_with(&line);
            *length += line.len();
            goes_on
        });
        if begun.contains(&wanted.len()) {
            return unclear();
        }
    }
    Ok(())
}

fn is_passed_over(char: char) -> bool {
    char.is_whitespace() || char == '\\'
}
