//! Words: quotes taken away, and what is not plain told apart.

use super::Text;
use crate::script::{Piece, Word};
use crate::walker::{Clear, Dialect, Unclear};

/// Where a word stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// An argument, a target, a pattern: patterns and braces are expanded.
    Word,
    /// The value of an assignment: neither patterns nor braces, but a tilde after each colon.
    Value,
    /// What follows `=~`: parentheses and bars belong to it.
    Regex,
}

/// A word that was read.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) piece: Piece,
    pub(super) start: usize,
    /// Some of it was quoted, by whatever means.
    pub(super) quoted: bool,
    /// It goes on over the end of a line.
    pub(super) continued: bool,
}

/// What is known of a word while it is read.
#[derive(Default)]
struct Draft {
    text: String,
    /// An expansion: the text is not what the command gets.
    expands: bool,
    /// A pattern or a tilde.
    pattern: bool,
    brace: bool,
    /// A comma or `..` that was not quoted.
    separator: bool,
    quoted: bool,
    continued: bool,
    parentheses: usize,
}

impl Text<'_, '_, '_> {
    /// Reads a word, which must not be empty; its substitutions run.
    pub(super) fn word(&mut self, mode: Mode) -> Clear<Scan> {
        let start = self.at;
        let mut draft = Draft::default();
        while self.at < self.text.len() && self.part(mode, start, &mut draft)? {}
        if self.at == start {
            return Err(self.unexpected("in place of a word"));
        }
        let braces = draft.brace && draft.separator && mode != Mode::Value;
        let literal = !(draft.expands || draft.pattern || braces || mode == Mode::Regex);
        let raw = &self.text[start..self.at];
        if raw.contains('\n') && !self.heredocs.is_empty() {
            return Err(Unclear("a word goes over the line at which a here-document begins".into()));
        }
        let first = raw.trim_start_matches('"').bytes().next().unwrap_or(b'-');
        let tame =
            literal || !draft.expands && (first.is_ascii_alphanumeric() || b"./_~*?[".contains(&first));
        let text = if literal { draft.text } else { raw.to_owned() };
        let tame = tame && (literal || first != b'*' && first != b'?' && first != b'[');
        let piece = Piece { word: Word { text, literal }, tame };
        Ok(Scan { piece, start, quoted: draft.quoted, continued: draft.continued })
    }

    /// Reads one part of a word; false at its end, which stays.
    fn part(&mut self, mode: Mode, start: usize, draft: &mut Draft) -> Clear<bool> {
        let byte = self.peek(0);
        match byte {
            b' ' | b'\t' | b'\n' if draft.parentheses == 0 || byte == b'\n' => return Ok(false),
            b'(' if mode == Mode::Regex => {
                draft.parentheses += 1;
                self.at += 1;
            }
            b')' if mode == Mode::Regex && draft.parentheses > 0 => {
                draft.parentheses -= 1;
                self.at += 1;
            }
            b'|' if mode == Mode::Regex && draft.parentheses > 0 => self.at += 1,
            b'<' | b'>' if self.peek(1) == b'(' && self.at == start => {
                self.only_in_bash("a process substitution")?;
                self.process_substitution()?;
                draft.expands = true;
            }
            b'<' | b'>' if self.peek(1) == b'(' => {
                return Err(self.unexpected("in the midst of a word"));
            }
            b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')' => return Ok(false),
            b'\'' => {
                draft.quoted = true;
                self.at += 1;
                let rest = &self.text[self.at..];
                let Some(end) = rest.find('\'') else {
                    return Err(Unclear("a single quote is not closed".into()));
                };
                draft.text.push_str(&rest[..end]);
                self.at += end + 1;
            }
            b'"' => {
                draft.quoted = true;
                self.at += 1;
                let outside = draft.expands;
                draft.expands = false;
                self.double_quotes(&mut draft.text, &mut draft.expands)?;
                draft.expands |= outside;
            }
            b'\\' if self.peek(1) == b'\n' => {
                draft.continued = true;
                self.continuation()?;
            }
            b'\\' => {
                draft.quoted = true;
                self.at += 1;
                let Some(char) = self.text[self.at..].chars().next() else {
                    return Err(Unclear("the text ends with a backslash".into()));
                };
                draft.text.push(char);
                self.at += char.len_utf8();
            }
            b'$' if self.peek(1) == b'\'' => {
                draft.quoted = true;
                self.ansi_quotes(draft)?;
            }
            b'$' if self.peek(1) == b'"' => {
                draft.expands = true;
                self.at += 1;
            }
            b'$' => match self.dollar(false)? {
                true => draft.expands = true,
                false => draft.text.push('$'),
            },
            b'`' => {
                self.backquotes(false)?;
                draft.expands = true;
            }
            _ => self.plain(byte, mode, start, draft),
        }
        Ok(true)
    }

    /// A character that is no quote, expansion or operator.
    fn plain(&mut self, byte: u8, mode: Mode, start: usize, draft: &mut Draft) {
        let Some(char) = self.text[self.at..].chars().next() else { return };
        match byte {
            b'*' | b'?' => draft.pattern |= mode != Mode::Value,
            b'[' => {
                let alone = self.at == start && b" \t\n;&|\0".contains(&self.peek(1));
                draft.pattern |= mode != Mode::Value && !alone;
            }
            b'~' => {
                let before = if self.at == start { b':' } else { self.bytes()[self.at - 1] };
                draft.pattern |= before == b':' || before == b'=' && self.at > start + 1;
            }
            b'{' => draft.brace = true,
            b',' => draft.separator = true,
            b'.' if self.peek(1) == b'.' => draft.separator = true,
            _ => {}
        }
        if self.dialect() == Dialect::Zsh
            && (byte == b'^' || byte == b'#' && self.at > start || byte == b'=' && self.at == start)
        {
            draft.pattern = true;
        }
        draft.pattern |= char.is_whitespace() || char.is_control();
        draft.text.push(char);
        self.at += char.len_utf8();
    }

    /// Reads up to the closing double quote, which is passed.
    pub(super) fn double_quotes(&mut self, text: &mut String, expands: &mut bool) -> Clear {
        loop {
            let Some(char) = self.text[self.at..].chars().next() else {
                return Err(Unclear("a double quote is not closed".into()));
            };
            match char {
                '"' => {
                    self.at += 1;
                    return Ok(());
                }
                '\\' => match self.peek(1) {
                    b'\n' => self.continuation_in_quotes()?,
                    byte @ (b'$' | b'`' | b'"' | b'\\') => {
                        text.push(char::from(byte));
                        self.at += 2;
                    }
                    _ => {
                        text.push('\\');
                        self.at += 1;
                    }
                },
                '$' => match self.dollar(true)? {
                    true => *expands = true,
                    false => text.push('$'),
                },
                '`' => {
                    self.backquotes(true)?;
                    *expands = true;
                }
                '!' if self.dialect() == Dialect::Zsh => {
                    text.push('!');
                    self.at += 1;
                }
                _ => {
                    text.push(char);
                    self.at += char.len_utf8();
                }
            }
        }
    }

    /// Passes a line continuation in double quotes or a here-document, where it cannot have joined an expansion.
    pub(super) fn continuation_in_quotes(&mut self) -> Clear {
        let before = if self.at == 0 { b' ' } else { self.bytes()[self.at - 1] };
        if b"$`\\{".contains(&before) {
            return Err(Unclear("a line is continued in the midst of an expansion".into()));
        }
        self.at += 2;
        Ok(())
    }

    /// `$'…'`: decoded where the shell is bash and the bytes are text; else not literal.
    fn ansi_quotes(&mut self, draft: &mut Draft) -> Clear {
        let start = self.at;
        self.at += 2;
        let mut bytes = Vec::new();
        let mut exact = self.dialect() == Dialect::Bash;
        loop {
            if self.at >= self.text.len() {
                return Err(Unclear("`$'` is not closed".into()));
            }
            let byte = self.peek(0);
            self.at += 1;
            match byte {
                b'\'' => break,
                b'\\' => exact &= self.escape(&mut bytes),
                _ => bytes.push(byte),
            }
        }
        match String::from_utf8(bytes) {
            Ok(text) if exact && !text.contains('\0') => draft.text.push_str(&text),
            _ => draft.expands = true,
        }
        if self.dialect() == Dialect::Posix {
            let raw = &self.text[start..self.at];
            return Err(Unclear(format!("`{raw}` is not the same in every `sh`")));
        }
        Ok(())
    }

    /// Reads an escape of `$'…'` after its backslash; false if what it stands for is not certain.
    fn escape(&mut self, bytes: &mut Vec<u8>) -> bool {
        let byte = self.peek(0);
        if byte == 0 {
            return false;
        }
        let simple = match byte {
            b'a' => 7,
            b'b' => 8,
            b'e' | b'E' => 27,
            b'f' => 12,
            b'n' => 10,
            b'r' => 13,
            b't' => 9,
            b'v' => 11,
            b'\\' | b'\'' | b'"' | b'?' => byte,
            b'x' => return self.coded(bytes, 1, 2, 16),
            b'u' => return self.coded(bytes, 1, 4, 16),
            b'U' => return self.coded(bytes, 1, 8, 16),
            b'0'..=b'7' => return self.coded(bytes, 0, 3, 8),
            _ => {
                // An unknown escape keeps its backslash; a character of many bytes follows as it is.
                bytes.push(b'\\');
                if byte.is_ascii() {
                    bytes.push(byte);
                    self.at += 1;
                }
                return byte != b'c';
            }
        };
        bytes.push(simple);
        self.at += 1;
        true
    }

    fn coded(&mut self, bytes: &mut Vec<u8>, skip: usize, most: usize, radix: u32) -> bool {
        let unicode = skip == 1 && most > 2;
        self.at += skip;
        let mut value = 0;
        let mut digits = 0;
        while digits < most
            && let Some(digit) = char::from(self.peek(0)).to_digit(radix)
        {
            value = value * radix + digit;
            self.at += 1;
            digits += 1;
        }
        // Beyond ASCII, `\u` depends on the locale, and `\400` on the shell.
        match u8::try_from(value) {
            Ok(byte) if digits > 0 && byte != 0 && (!unicode || byte.is_ascii()) => {
                bytes.push(byte);
                true
            }
            _ => false,
        }
    }
}
