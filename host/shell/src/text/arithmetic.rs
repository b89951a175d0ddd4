//! Arithmetic. Bash evaluates the *values* of the variables in it as expressions, in which a subscript may hold a
//! substitution: `x='a[$(cmd)]'; echo $((x))` runs `cmd`. So only numbers are plain.

use super::Text;
use crate::run::meddling;
use crate::walker::{Clear, Unclear};

impl Text<'_, '_, '_> {
    /// Reads up to the two parentheses that close it, which are passed.
    pub(super) fn arithmetic(&mut self, clauses: bool) -> Clear {
        let mut open = 0_usize;
        loop {
            self.no_heredoc_waits("arithmetic")?;
            let byte = self.peek(0);
            match byte {
                b'(' => {
                    open += 1;
                    self.at += 1;
                }
                b')' if open > 0 => {
                    open -= 1;
                    self.at += 1;
                }
                b')' if self.peek(1) == b')' => {
                    self.at += 2;
                    return Ok(());
                }
                b'$' if b"#?$".contains(&self.peek(1)) => self.at += 2,
                b'$' => {
                    self.evaluates("an expansion");
                    self.dollar(true)?;
                }
                b'`' => {
                    self.evaluates("a substitution");
                    self.backquotes(true)?;
                }
                b';' if clauses => self.at += 1,
                b'0'..=b'9' => {
                    while self.peek(0).is_ascii_alphanumeric() || self.peek(0) == b'#' {
                        self.at += 1;
                    }
                }
                b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                    let rest = &self.text[self.at..];
                    let end = rest
                        .bytes()
                        .position(|byte| !byte.is_ascii_alphanumeric() && byte != b'_')
                        .unwrap_or(rest.len());
                    self.evaluates(&format!("the variable `{}`", &rest[..end]));
                    meddling::assigned(self.walker, &rest[..end], None);
                    self.at += end;
                }
                b' ' | b'\t' | b'\n' | b'+' | b'-' | b'*' | b'/' | b'%' | b'=' | b'!' | b'<' | b'>'
                | b'&' | b'|' | b'^' | b'~' | b'?' | b':' | b',' | b'[' | b']' => self.at += 1,
                _ => return Err(Unclear(self.unexpected("in arithmetic").0)),
            }
        }
    }

    fn evaluates(&mut self, what: &str) {
        self.walker.note(format!("arithmetic evaluates {what}, whose value may hold a substitution"));
    }
}
