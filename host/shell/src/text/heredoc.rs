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
        // A line that ends with a backslash goes on in the next one, which then cannot be the delimiter.
        let mut continued = false;
        loop {
            if self.at >= self.text.len() {
                return Err(Unclear(format!("the here-document `{}` is not closed", pending.delimiter)));
            }
            let rest = &self.text[self.at..];
            let end = rest.find('\n').unwrap_or(rest.len());
            let mut line = &rest[..end];
            self.at += (end + 1).min(rest.len());
            if pending.tabs && !continued {
                line = line.trim_start_matches('\t');
            }
            if line == pending.delimiter && !continued {
                break;
            }
            if continued && line == pending.delimiter {
                return Err(Unclear(format!("a continued line of the here-document `{}` is its end", line)));
            }
            continued =
                !pending.quoted && line.bytes().rev().take_while(|&byte| byte == b'\\').count() % 2 == 1;
            body.push_str(line);
            body.push('\n');
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
