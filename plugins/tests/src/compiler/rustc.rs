//! rustc's findings as text, and what cargo says of a build.

use super::{Compiler, Open, Step, code, severity};
use crate::{
    findings::Findings,
    lines::Line,
    place::{Located, located},
    tool::Tool,
};

/// The recogniser.
#[derive(Default)]
pub struct Rustc {
    open: Open,
    /// The first line has come, the place has not.
    placeless: bool,
    /// Lines since the first one without a place.
    waited: usize,
    /// Cargo or rustc are known to run: their errors need no place.
    at_work: bool,
    /// Behind a remark whose reasons may follow.
    remark: bool,
}

impl Rustc {
    /// `at_work`: the command names cargo or rustc.
    pub fn new(at_work: bool) -> Self {
        Self { at_work, ..Self::default() }
    }
}

/// What cargo says of the whole, not of a place.
fn is_remark(line: &[u8]) -> bool {
    let starts = [
        &b"error: could not compile"[..],
        b"error: test failed",
        b"error: doctest failed",
        b"error: aborting due to",
        b"error: process didn't exit successfully",
        b"error: test run failed",
        b"error: build failed",
    ];
    starts.iter().any(|start| line.starts_with(start))
        || line.starts_with(b"error: ") && line.ends_with(b" targets failed:")
}

/// Cargo's own progress.
fn at_work(line: &[u8]) -> bool {
    let words =
        [&b"   Compiling "[..], b"    Checking ", b"    Finished ", b"     Running ", b"   Doc-tests "];
    words.iter().any(|word| line.starts_with(word))
}

fn is_chatter(line: &[u8]) -> bool {
    line.starts_with(b"warning: `") && memchr::memmem::find(line, b"` (").is_some()
        || line.starts_with(b"warning: build failed, waiting")
}

impl Compiler for Rustc {
    fn tool(&self) -> Tool {
        Tool::Rustc
    }

    fn first_bytes(&self) -> &'static [u8] {
        b"ew "
    }

    fn begin(&mut self, line: &Line<'_>, _located: Option<&Located<'_>>, findings: &mut Findings) -> Step {
        let text = line.text;
        if text.first() == Some(&b' ') {
            self.at_work |= at_work(text);
            return Step::No;
        }
        if line.headless || !(text.starts_with(b"error") || text.starts_with(b"warning")) {
            return Step::No;
        }
        if is_remark(text) {
            if !self.at_work && !text.starts_with(b"error: could not compile") {
                return Step::No;
            }
            findings.remark(line);
            self.remark = true;
            return Step::Open;
        }
        if is_chatter(text) {
            return Step::Closed;
        }
        let Some((severity, rest)) = severity(text) else { return Step::No };
        let (code, rest) = code(rest);
        let Some(message) = rest.strip_prefix(b": ") else { return Step::No };
        self.open.begin(line, severity, message, None, code);
        self.placeless = true;
        self.waited = 0;
        self.remark = false;
        Step::Open
    }

    fn go_on(&mut self, line: &Line<'_>, found: Option<&Located<'_>>, findings: &mut Findings) -> Step {
        let text = line.text;
        if self.remark {
            // `Caused by:`, names of targets.
            let reason = text.starts_with(b"  ") && text.get(2) != Some(&b' ') || text.starts_with(b"    `");
            if text.is_empty() || text.starts_with(b"Caused by:") || reason {
                if !text.is_empty() {
                    findings.remark(line);
                }
                return Step::Open;
            }
            return Step::No;
        }
        if found.is_some() || at_work(text) {
            return Step::No;
        }
        if text.is_empty() {
            self.close(findings);
            return Step::Closed;
        }
        if severity(text).is_some_and(|(severity, _)| severity < crate::findings::Severity::Note) {
            return Step::No;
        }
        let body = text.trim_ascii_start();
        if self.placeless {
            if let Some(found) = body.strip_prefix(b"--> ").and_then(located) {
                if let Some(open) = self.open.get() {
                    open.place = Some(found.place());
                }
                self.placeless = false;
            } else {
                self.waited += 1;
                if self.waited > 8 || !self.at_work {
                    return Step::No;
                }
            }
        } else {
            let gutter = text[0] == b' ' || text[0].is_ascii_digit() || text.starts_with(b"...");
            if !gutter && severity(text).is_none() {
                return Step::No;
            }
        }
        self.open.push(line);
        Step::Open
    }

    fn close(&mut self, findings: &mut Findings) {
        if self.placeless && !self.at_work {
            self.open.forget();
        }
        self.open.close(findings);
        self.placeless = false;
        self.remark = false;
    }
}
