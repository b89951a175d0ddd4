//! What begins with a dollar or a backquote.

use super::Text;
use crate::run::meddling;
use crate::walker::{Clear, Dialect, Unclear};

impl Text<'_, '_, '_> {
    /// Reads what begins with the dollar that stands here; false if it is only a dollar. Substitutions run.
    pub(super) fn dollar(&mut self, quoted: bool) -> Clear<bool> {
        match self.peek(1) {
            b'(' if self.peek(2) == b'(' => {
                self.at += 3;
                self.nested(None, |text| text.arithmetic(false))?;
            }
            b'(' => {
                self.at += 1;
                self.substitution("$()")?;
            }
            b'{' => {
                self.at += 2;
                self.nested(None, |text| text.parameter(quoted))?;
            }
            b'[' => return Err(self.unexpected("is arithmetic in some shells, and")),
            b'\\' if self.peek(2) == b'\n' => return Err(self.unexpected("is continued, and")),
            byte if byte.is_ascii_alphabetic() || byte == b'_' => {
                self.at += 1;
                while self.peek(0).is_ascii_alphanumeric() || self.peek(0) == b'_' {
                    self.at += 1;
                }
                if self.peek(0) == b'[' && matches!(self.dialect(), Dialect::Zsh) {
                    return Err(self.unexpected("is a subscript in zsh, and"));
                }
            }
            byte if byte.is_ascii_digit() || (byte != 0 && b"@*#?-$!".contains(&byte)) => self.at += 2,
            b'+' | b'=' | b'^' | b'~' | b':' if self.dialect() == Dialect::Zsh => {
                return Err(self.unexpected("is an expansion in zsh, and"));
            }
            _ => {
                self.at += 1;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads `( … )`, whose commands run, from its parenthesis on.
    fn substitution(&mut self, name: &str) -> Clear {
        if !self.heredocs.is_empty() {
            return Err(Unclear("a substitution between a here-document and its text".into()));
        }
        self.at += 1;
        self.nested(Some(name), |text| {
            text.list()?;
            text.close_parenthesis()
        })?;
        if !self.heredocs.is_empty() {
            return Err(Unclear("a here-document that its substitution does not hold".into()));
        }
        Ok(())
    }

    pub(super) fn process_substitution(&mut self) -> Clear {
        let name = if self.peek(0) == b'<' { "<()" } else { ">()" };
        self.at += 1;
        self.substitution(name)
    }

    /// Reads from a backquote to the next; the text between, with escapes taken away, runs.
    pub(super) fn backquotes(&mut self, quoted: bool) -> Clear {
        self.at += 1;
        let mut inner = String::new();
        let mut chars = self.text[self.at..].char_indices();
        while let Some((offset, char)) = chars.next() {
            match char {
                '`' => {
                    self.at += offset + 1;
                    let place = self.place.within("$()");
                    self.walker.text(&inner, &place);
                    return Ok(());
                }
                '\\' => {
                    let next = chars.next().map(|(_, char)| char);
                    match next {
                        Some(char @ ('$' | '`' | '\\')) => inner.push(char),
                        Some('"') if quoted => inner.push('"'),
                        _ => {
                            inner.push('\\');
                            inner.extend(next);
                        }
                    }
                    self.walker.note("a backslash within backquotes, which shells read differently");
                }
                _ => inner.push(char),
            }
        }
        Err(Unclear("a backquote is not closed".into()))
    }

    /// Reads `${ … }` after its brace.
    fn parameter(&mut self, quoted: bool) -> Clear {
        let start = self.at;
        if self.peek(0) == b'!' && self.peek(1) != b'}' {
            self.walker.note("`${!` names a variable by another, whose value is evaluated");
            self.at += 1;
        } else if self.peek(0) == b'#' && self.peek(1) != b'}' {
            self.at += 1;
        }
        let name = self.at;
        if self.peek(0) != 0 && b"@*#?-$!".contains(&self.peek(0)) {
            self.at += 1;
        } else {
            while self.peek(0).is_ascii_alphanumeric() || self.peek(0) == b'_' {
                self.at += 1;
            }
        }
        if self.at == name {
            self.at = start;
            return Err(self.unexpected("after `${`"));
        }
        let name = &self.text[name..self.at];
        if self.peek(0) == b'[' {
            self.at += 1;
            let from = self.at;
            while self.peek(0).is_ascii_digit() || self.peek(0) == b'@' || self.peek(0) == b'*' {
                self.at += 1;
            }
            if self.at == from || self.peek(0) != b']' {
                return Err(self.unexpected("is a subscript, which is evaluated, and"));
            }
            self.at += 1;
        }
        match (self.peek(0), self.peek(1)) {
            (b'}', _) => {}
            (b'@', b'Q' | b'U' | b'u' | b'L' | b'a') => self.at += 2,
            (b'=', _) | (b':', b'=') => meddling::assigned(self.walker, name, None),
            (b':', b'-' | b'+' | b'?') => self.at += 2,
            (b':', b'0'..=b'9') => {
                while self.peek(0).is_ascii_digit() || self.peek(0) == b':' {
                    self.at += 1;
                }
                if self.peek(0) != b'}' {
                    return Err(self.unexpected("is arithmetic, and"));
                }
            }
            (b'-' | b'+' | b'?' | b'#' | b'%' | b'/' | b'^' | b',', _) => self.at += 1,
            _ => return Err(self.unexpected("after a variable's name")),
        }
        self.operand(quoted)
    }

    /// Reads up to the brace that closes an expansion, which is passed.
    fn operand(&mut self, quoted: bool) -> Clear {
        loop {
            match self.peek(0) {
                0 if self.at >= self.text.len() => return Err(Unclear("`${` is not closed".into())),
                b'}' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\'' | b'"' | b'{' if quoted => {
                    return Err(self.unexpected("within `\"${` is read differently by shells, and"));
                }
                b'{' => return Err(self.unexpected("within `${`")),
                b'<' | b'>' if self.peek(1) == b'(' => return Err(self.unexpected("within `${`")),
                b'\'' => {
                    let rest = &self.bytes()[self.at + 1..];
                    let Some(end) = rest.iter().position(|&byte| byte == b'\'') else {
                        return Err(Unclear("a single quote is not closed".into()));
                    };
                    self.at += end + 2;
                }
                b'"' => {
                    self.at += 1;
                    self.double_quotes(&mut String::new(), &mut false)?;
                }
                b'\\' if self.peek(1) == b'\n' => self.continuation_in_quotes()?,
                b'\\' => {
                    self.at += 1;
                    self.at += self.text[self.at..].chars().next().map_or(0, char::len_utf8);
                }
                b'`' => self.backquotes(quoted)?,
                b'$' if self.peek(1) == b'\'' => return Err(self.unexpected("within `${`")),
                b'$' if self.peek(1) == b'"' => self.at += 1,
                b'$' => {
                    self.dollar(quoted)?;
                }
                _ => self.at += self.text[self.at..].chars().next().map_or(1, char::len_utf8),
            }
        }
    }
}
