//! `go build`, `go vet`, and the builds of `go test`: `# package`, then `file.go:6:6: message`.

use super::{Compiler, Open, Step};
use crate::{
    findings::{Findings, Severity},
    lines::Line,
    place::{Located, located as place_of},
    tool::Tool,
};

/// The recogniser.
#[derive(Default)]
pub struct GoBuild {
    open: Open,
}

impl Compiler for GoBuild {
    fn tool(&self) -> Tool {
        Tool::Go
    }

    fn first_bytes(&self) -> &'static [u8] {
        b"#v"
    }

    fn begin(&mut self, line: &Line<'_>, _located: Option<&Located<'_>>, _findings: &mut Findings) -> Step {
        if let Some(found) =
            line.text.strip_prefix(b"vet: ").and_then(place_of).filter(|found| found.column.is_some())
        {
            if let Some(message) = found.rest.strip_prefix(b": ").filter(|_| found.path.ends_with(b".go")) {
                self.open.begin(line, Severity::Error, message, Some(found.place()), None);
                return Step::Open;
            }
        }
        let Some(package) = line.text.strip_prefix(b"# ") else { return Step::No };
        let name = package.split(|b| *b == b' ').next().unwrap_or(package);
        let rest = &package[name.len()..];
        let named = !name.is_empty() && (rest.is_empty() || rest.starts_with(b" [") && rest.ends_with(b"]"));
        if named && line.whole() { Step::Open } else { Step::No }
    }

    fn go_on(&mut self, line: &Line<'_>, located: Option<&Located<'_>>, findings: &mut Findings) -> Step {
        let line_of_go = located.filter(|found| found.path.ends_with(b".go"));
        if let Some((found, message)) =
            line_of_go.and_then(|found| Some((found, found.rest.strip_prefix(b": ")?)))
        {
            self.open.close(findings);
            self.open.begin(line, Severity::Error, message, Some(found.place()), None);
            return Step::Open;
        }
        if line.text.starts_with(b"\t") {
            self.open.push(line);
            return Step::Open;
        }
        Step::No
    }

    fn close(&mut self, findings: &mut Findings) {
        self.open.close(findings);
    }
}
