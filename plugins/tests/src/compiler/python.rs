//! Python's own tracebacks, and its syntax errors.

use super::{Compiler, Open, Step};
use crate::{
    findings::{Findings, Severity},
    lines::Line,
    place::{Located, Place, number, text},
    tool::Tool,
};

/// The recogniser.
#[derive(Default)]
pub struct Python {
    open: Open,
}

/// `  File "path", line 12, in name`.
pub fn frame(line: &[u8]) -> Option<Place> {
    let rest = line.trim_ascii_start().strip_prefix(b"File \"")?;
    let quote = memchr::memchr(b'"', rest)?;
    let (row, _) = number(rest[quote..].strip_prefix(b"\", line ")?)?;
    Some(Place { path: text(&rest[..quote]), line: Some(u32::try_from(row).ok()?), column: None })
}

/// `package.Error: message`, `KeyboardInterrupt`.
fn exception(line: &[u8]) -> bool {
    let name = line.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_')).count();
    name > 0 && !line[0].is_ascii_digit() && (name == line.len() || line[name] == b':')
}

impl Compiler for Python {
    fn tool(&self) -> Tool {
        Tool::Python
    }

    fn first_bytes(&self) -> &'static [u8] {
        b"T "
    }

    fn begin(&mut self, line: &Line<'_>, _located: Option<&Located<'_>>, _findings: &mut Findings) -> Step {
        if line.text == b"Traceback (most recent call last):" {
            self.open.begin(line, Severity::Error, b"", None, None);
            return Step::Open;
        }
        if line.text.starts_with(b"  File \"") && !line.headless {
            if let Some(place) = frame(line.text) {
                self.open.begin(line, Severity::Error, b"", Some(place), None);
                return Step::Open;
            }
        }
        Step::No
    }

    fn go_on(&mut self, line: &Line<'_>, _located: Option<&Located<'_>>, findings: &mut Findings) -> Step {
        if line.text.starts_with(b" ") {
            self.open.push(line);
            if let (Some(open), Some(place)) = (self.open.get(), frame(line.text)) {
                open.place = Some(place);
            }
            return Step::Open;
        }
        if exception(line.text) && self.open.get().is_some_and(|open| open.place.is_some()) {
            self.open.push(line);
            if let Some(open) = self.open.get() {
                open.message = text(line.text);
            }
            self.open.close(findings);
            return Step::Closed;
        }
        self.open.forget();
        Step::No
    }

    fn close(&mut self, _findings: &mut Findings) {
        // Without its last line it says nothing.
        self.open.forget();
    }
}
