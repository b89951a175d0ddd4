//! Jest.

use super::{Runner, Taken, counts};
use crate::{
    findings::{Findings, Run},
    lines::Line,
    place::{self, text},
    span::Spans,
    tool::Tool,
};

/// The recogniser.
pub struct Jest {
    open: bool,
    run: Run,
    /// The file that failed, as `FAIL` names it.
    file: Option<String>,
    section: Option<usize>,
    /// The line before was `Test Suites:`; what it said.
    suites: bool,
    /// Behind the totals.
    done: bool,
}

impl Default for Jest {
    fn default() -> Self {
        Self { open: false, run: Run::new(Tool::Jest), file: None, section: None, suites: false, done: false }
    }
}

/// `FAIL path` or `PASS path (5.1 s)`, in colour with blanks around the word: whether it failed, and the path.
fn suite(line: &[u8]) -> Option<(bool, &[u8])> {
    let coloured = line.starts_with(b" ") && line.get(6..7) == Some(b" ");
    let line = if coloured { &line[1..] } else { line };
    let rest = line.strip_prefix(b"FAIL ").or_else(|| line.strip_prefix(b"PASS "))?;
    let rest = if coloured { rest.trim_ascii_start() } else { rest };
    let path = match memchr::memmem::rfind(rest, b" (") {
        Some(at) if rest.ends_with(b"s)") => &rest[..at],
        _ => rest,
    };
    // A project's name may stand before the path.
    let last = path.rsplit(|b| *b == b' ').next().unwrap_or(path);
    let script =
        [&b".js"[..], b".jsx", b".ts", b".tsx", b".mjs", b".cjs", b".mts", b".cts", b".vue", b".svelte"];
    (!path.starts_with(b" ")
        && memchr::memmem::find(path, b" > ").is_none()
        && script.iter().any(|ending| last.ends_with(ending)))
    .then_some((line[0] == b'F', path.trim_ascii()))
}

/// `  ● name`.
fn bullet(line: &[u8]) -> Option<&[u8]> {
    line.strip_prefix("  ● ".as_bytes())
}

/// A line of the list of tests: `    ✓ name (3 ms)`.
fn listed(line: &[u8]) -> bool {
    let body = line.trim_ascii_start();
    body.len() < line.len() && ["✓ ", "○ ", "✎ ", "✕ "].iter().any(|mark| body.starts_with(mark.as_bytes()))
}

fn total(line: &[u8], word: &[u8]) -> Option<Vec<(String, u64)>> {
    let rest = line.strip_prefix(word)?;
    let found = counts(rest, b",");
    found.iter().any(|(word, _)| word == "total").then_some(found)
}

impl Runner for Jest {
    fn tool(&self) -> Tool {
        Tool::Jest
    }

    fn first_bytes(&self) -> &'static [u8] {
        b"FPT"
    }

    fn wakes(&self, line: &Line<'_>) -> bool {
        match line.text.first() {
            Some(b' ') => suite(line.text).is_some_and(|(failed, _)| failed || line.whole()),
            Some(b'F') => suite(line.text).is_some(),
            Some(b'P') => line.whole() && suite(line.text).is_some(),
            Some(b'T') => line.whole() && total(line.text, b"Test Suites: ").is_some(),
            _ => false,
        }
    }

    fn before(&mut self, unclaimed: &mut Spans) {
        // With --verbose what a test prints stands before its file.
        if !self.open {
            self.run.loose.append(unclaimed);
        }
    }

    fn take(&mut self, line: &Line<'_>, _findings: &mut Findings) -> Taken {
        self.open = true;
        let text_ = line.text;
        let suites = std::mem::take(&mut self.suites);
        if let Some((failed, path)) = suite(text_) {
            self.section = None;
            self.done = false;
            self.file = failed.then(|| text(path));
            self.run.failed |= failed;
            return Taken::Yes;
        }
        if let Some(name) = bullet(text_) {
            if let Some(file) = self.file.clone().filter(|_| name != b"Console") {
                self.section = self.run.failure(&format!("{file}: {}", text(name)), line);
                return Taken::Yes;
            }
            self.section = None;
            self.run.loose.push(line);
            return Taken::Yes;
        }
        if line.whole() {
            if total(text_, b"Test Suites: ").is_some() {
                self.run.results.push(line);
                self.suites = true;
                self.section = None;
                self.file = None;
                return Taken::Yes;
            }
            if let Some(found) = total(text_, b"Tests: ").filter(|_| suites) {
                self.total(found, line);
                return Taken::Yes;
            }
            if self.done && (text_.starts_with(b"Snapshots: ") || text_.starts_with(b"Time: ")) {
                return Taken::Yes;
            }
        }
        if let Some(failure) = self.section.and_then(|at| self.run.failures.get_mut(at)) {
            failure.spans.push(line);
            let body = text_.trim_ascii_start();
            if failure.message.is_none() && !body.is_empty() {
                failure.message = Some(text(body));
            }
            if failure.place.is_none() {
                failure.place = body.strip_prefix(b"at ").and_then(frame);
            }
            return Taken::Yes;
        }
        if self.done {
            return Taken::Perhaps;
        }
        if !text_.is_empty() && !listed(text_) {
            self.run.loose.push(line);
        }
        Taken::Yes
    }

    fn captive(&self) -> bool {
        self.section.is_some()
    }

    fn channel_end(&mut self, _findings: &mut Findings) {
        self.section = None;
        self.file = None;
        self.suites = false;
    }

    fn finish(&mut self, findings: &mut Findings) {
        let this = std::mem::take(self);
        if this.open {
            findings.run(this.run);
        }
    }
}

impl Jest {
    fn total(&mut self, found: Vec<(String, u64)>, line: &Line<'_>) {
        let found = found.into_iter().filter(|(word, _)| word != "total").collect();
        self.run.total(found, &["failed"], "line of totals", line);
        self.done = true;
    }
}

/// `fn (path:1:2)` or `path:1:2`, unless it is in a package or in node itself.
pub fn frame(body: &[u8]) -> Option<place::Place> {
    let inner = match memchr::memrchr(b'(', body) {
        Some(at) if body.ends_with(b")") => &body[at + 1..body.len() - 1],
        _ => body,
    };
    let foreign = memchr::memmem::find(inner, b"node_modules/").is_some() || inner.starts_with(b"node:");
    place::located(inner).filter(|found| !foreign && found.column.is_some()).map(|found| found.place())
}
