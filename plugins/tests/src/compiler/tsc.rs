//! TypeScript's compiler, in both formats; and others that print `path(line,column): error CODE: message`.

use super::{Compiler, Open, Step, severity};
use crate::{
    findings::{Findings, Severity},
    lines::Line,
    place::Located,
    tool::Tool,
};

/// The recogniser.
#[derive(Default)]
pub struct Tsc {
    open: Open,
    pretty: bool,
    lines: usize,
}

/// ` TS2322: message` behind the severity: the code and the message.
fn coded(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = rest.strip_prefix(b" ")?;
    let colon = memchr::memchr(b':', rest)?;
    let code = &rest[..colon];
    let letters = code.iter().take_while(|b| b.is_ascii_uppercase()).count();
    let shaped = letters > 0 && letters < code.len() && code[letters..].iter().all(u8::is_ascii_digit);
    shaped.then_some((code, rest[colon + 1..].trim_ascii_start()))
}

impl Compiler for Tsc {
    fn tool(&self) -> Tool {
        Tool::Tsc
    }

    fn first_bytes(&self) -> &'static [u8] {
        b"e"
    }

    fn begin(&mut self, line: &Line<'_>, located: Option<&Located<'_>>, _findings: &mut Findings) -> Step {
        let (words, pretty, place) = match located.filter(|_| !line.headless) {
            Some(found) => match (found.rest.strip_prefix(b": "), found.rest.strip_prefix(b" - ")) {
                (Some(words), _) => (words, false, Some(found.place())),
                (None, Some(words)) => (words, true, Some(found.place())),
                (None, None) => return Step::No,
            },
            // Of no file: `error TS5023: Unknown compiler option`.
            None if line.text.starts_with(b"error TS") => (line.text, false, None),
            None => return Step::No,
        };
        let Some((severity, rest)) = severity(words) else { return Step::No };
        let Some((code, message)) = coded(rest) else { return Step::No };
        if severity > Severity::Warning {
            return Step::No;
        }
        self.open.begin(line, severity, message, place, Some(code));
        self.pretty = pretty;
        self.lines = 0;
        Step::Open
    }

    fn go_on(&mut self, line: &Line<'_>, located: Option<&Located<'_>>, findings: &mut Findings) -> Step {
        self.lines += 1;
        let text = line.text;
        if located.is_some() || self.lines > 40 {
            return Step::No;
        }
        let indented = text.first() == Some(&b' ');
        if self.pretty {
            let source = text.first().is_some_and(u8::is_ascii_digit);
            if !(text.is_empty() || indented || source) {
                return Step::No;
            }
            if !text.is_empty() {
                self.open.push(line);
            }
            return Step::Open;
        }
        if indented {
            self.open.push(line);
            return Step::Open;
        }
        self.close(findings);
        Step::No
    }

    fn close(&mut self, findings: &mut Findings) {
        self.open.close(findings);
    }
}
