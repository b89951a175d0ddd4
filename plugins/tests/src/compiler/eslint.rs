//! ESLint's own format: a file's path, then its findings, indented.

use super::{Compiler, Open, Step, severity};
use crate::{
    findings::{Findings, Severity},
    lines::Line,
    place::{Located, Place, is_path, number, text},
    tool::Tool,
};

/// The recogniser.
#[derive(Default)]
pub struct Eslint {
    path: Option<String>,
    open: Open,
}

/// Row, column, kind, message, and rule.
type Finding<'a> = (u32, u32, Severity, &'a [u8], Option<&'a [u8]>);

/// `  1:7  warning  message  rule`.
fn finding(line: &[u8]) -> Option<Finding<'_>> {
    let body = line.strip_prefix(b"  ")?.trim_ascii_start();
    let (row, rest) = number(body)?;
    let (column, rest) = number(rest.strip_prefix(b":")?)?;
    let (severity, rest) = severity(rest.strip_prefix(b"  ")?)?;
    let rest = rest.strip_prefix(b" ")?.trim_ascii();
    let (message, rule) = match memchr::memmem::rfind(rest, b"  ") {
        Some(at) => (rest[..at].trim_ascii_end(), Some(&rest[at + 2..])),
        None => (rest, None),
    };
    Some((u32::try_from(row).ok()?, u32::try_from(column).ok()?, severity, message, rule))
}

impl Compiler for Eslint {
    fn tool(&self) -> Tool {
        Tool::Eslint
    }

    fn first_bytes(&self) -> &'static [u8] {
        b"/ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    }

    fn begin(&mut self, line: &Line<'_>, _located: Option<&Located<'_>>, _findings: &mut Findings) -> Step {
        let drive = line.text.get(1..3) == Some(b":\\");
        if !(line.text[0] == b'/' || drive)
            || !line.whole()
            || line.text.contains(&b' ')
            || !is_path(line.text)
        {
            return Step::No;
        }
        self.path = Some(text(line.text));
        Step::Open
    }

    fn go_on(&mut self, line: &Line<'_>, _located: Option<&Located<'_>>, findings: &mut Findings) -> Step {
        let Some((path, found)) = self.path.as_ref().zip(finding(line.text)) else { return Step::No };
        let (row, column, severity, message, rule) = found;
        let place = Place { path: path.clone(), line: Some(row), column: Some(column) };
        self.open.begin(line, severity, message, Some(place), rule);
        self.open.close(findings);
        Step::Open
    }

    fn close(&mut self, _findings: &mut Findings) {
        self.path = None;
    }
}
