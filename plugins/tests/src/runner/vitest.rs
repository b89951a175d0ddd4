//! Vitest. It prints its results to stdout and its failures to stderr; one run takes both.

use super::{Runner, Taken, counts};
use crate::{
    findings::{Findings, Run},
    lines::Line,
    place::{self, text},
    tool::Tool,
};

/// The recogniser.
pub struct Vitest {
    open: bool,
    run: Run,
    section: Option<usize>,
    /// The line before named a failure too: they have the same reason.
    heads: Vec<usize>,
    done: bool,
    /// Behind `Unhandled Errors`.
    unhandled: bool,
}

impl Default for Vitest {
    fn default() -> Self {
        let run = Run::new(Tool::Vitest);
        Self { open: false, run, section: None, heads: Vec::new(), done: false, unhandled: false }
    }
}

const DASH: &str = "⎯";

/// ` FAIL  path > suite > name`.
fn fail(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b" FAIL ")?.trim_ascii_start();
    // Jest's line in colour has a path alone.
    (memchr::memmem::find(rest, b" > ").is_some() || rest.ends_with(b" ]")).then_some(rest)
}

/// A line of long dashes: the title or mark in it.
fn dashes(line: &[u8]) -> Option<&[u8]> {
    let dash = DASH.as_bytes();
    let mut middle = line;
    while let Some(rest) = middle.strip_prefix(dash) {
        middle = rest;
    }
    let left = line.len() - middle.len();
    while let Some(rest) = middle.strip_suffix(dash) {
        middle = rest;
    }
    (left >= 3 * dash.len()).then_some(middle.trim_ascii())
}

fn total<'a>(line: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let body = line.strip_prefix(b" ")?.trim_ascii_start();
    let rest = body.strip_prefix(word)?.strip_prefix(b"  ")?;
    rest.first().is_some_and(u8::is_ascii_digit).then_some(rest)
}

/// A line of the list of files and tests.
fn listed(line: &[u8]) -> bool {
    let body = line.trim_ascii_start();
    body.len() < line.len()
        && (["✓ ", "× ", "↓ ", "□ ", "→ "].iter().any(|mark| body.starts_with(mark.as_bytes()))
            || body.starts_with("❯ ".as_bytes()) && body.ends_with(b")") | body.ends_with(b"ms")
            || ["RUN  ", "Start at ", "Duration ", "Snapshots ", "Test Files "]
                .iter()
                .any(|word| body.starts_with(word.as_bytes())))
}

impl Runner for Vitest {
    fn tool(&self) -> Tool {
        Tool::Vitest
    }

    fn first_bytes(&self) -> &'static [u8] {
        // The first byte of ⎯, too.
        b"RFT\xe2"
    }

    fn wakes(&self, line: &Line<'_>) -> bool {
        let text_ = line.text;
        text_.starts_with(b" RUN  v")
            || fail(text_).is_some()
            || total(text_, b"Test Files").is_some() && line.whole()
            || dashes(text_)
                .is_some_and(|title| title.starts_with(b"Failed ") || title.starts_with(b"Unhandled "))
    }

    fn take(&mut self, line: &Line<'_>, _findings: &mut Findings) -> Taken {
        self.open = true;
        let text_ = line.text;
        if let Some(name) = fail(text_) {
            self.done = false;
            self.unhandled = false;
            if self.section.is_some_and(|at| !self.run.failures[at].spans.is_empty()) {
                self.heads.clear();
            }
            // A failing file is named twice: `path [ path ]`.
            let name = match memchr::memmem::rfind(name, b" [ ") {
                Some(at) if name.ends_with(b" ]") => &name[..at],
                _ => name,
            };
            self.section = self.run.failure(&text(name), line);
            self.heads.extend(self.section);
            return Taken::Yes;
        }
        if let Some(title) = dashes(text_) {
            if title.starts_with(b"Unhandled ") {
                self.unhandled = true;
                self.section = self.run.failure(&text(title), line);
                self.heads = self.section.into_iter().collect();
            } else if title.ends_with(b"]") || title.starts_with(b"Failed ") {
                self.section = None;
                self.heads.clear();
            } else if let Some(failure) = self.section.and_then(|at| self.run.failures.get_mut(at)) {
                failure.spans.push(line);
            }
            return Taken::Yes;
        }
        if line.whole() && (self.section.is_none() || self.unhandled) {
            if total(text_, b"Test Files").is_some() {
                self.run.results.push(line);
                self.section = None;
                return Taken::Yes;
            }
            if let Some(rest) = total(text_, b"Tests") {
                self.total(counts(rest, b"|"), line);
                return Taken::Yes;
            }
            if total(text_, b"Errors").is_some() {
                self.run.results.push(line);
                self.run.failed = true;
                return Taken::Yes;
            }
        }
        if let Some(at) = self.section {
            let place = text_.strip_prefix(" ❯ ".as_bytes()).and_then(|rest| {
                let last = rest.rsplit(|b| *b == b' ').next().unwrap_or(rest);
                place::located(last).or_else(|| place::located(rest)).map(|found| found.place())
            });
            let foreign = memchr::memmem::find(text_, b"node_modules/").is_some();
            self.run.failures[at].spans.push(line);
            for &head in &self.heads {
                let failure = &mut self.run.failures[head];
                if failure.message.is_none() && !text_.is_empty() {
                    failure.message = Some(text(text_));
                }
                if let Some(place) = place.clone().filter(|_| !foreign) {
                    failure.place.get_or_insert(place);
                }
            }
            return Taken::Yes;
        }
        if self.done && !text_.starts_with(b" ") {
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
        self.heads.clear();
        self.done = false;
        self.unhandled = false;
    }

    fn finish(&mut self, findings: &mut Findings) {
        let this = std::mem::take(self);
        if this.open {
            findings.run(this.run);
        }
    }
}

impl Vitest {
    fn total(&mut self, found: Vec<(String, u64)>, line: &Line<'_>) {
        self.run.total(found, &["failed"], "line of totals", line);
        self.done = true;
    }
}
