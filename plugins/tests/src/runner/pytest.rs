//! pytest, in all its ways to show a traceback.

use super::{Runner, Taken};
use crate::{
    findings::{Diagnostic, Findings, Run, Severity, sum},
    lines::Line,
    place::{Place, located, number, text},
    span::Spans,
    tool::Tool,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    /// Dots and names.
    Progress,
    /// `FAILURES` and `ERRORS`.
    Failures,
    /// `warnings summary`.
    Warnings,
    /// `short test summary info`.
    Names,
    /// Any other part.
    Other,
    /// The numbers were printed; unless a test printed them.
    Done,
}

/// The recogniser.
pub struct Pytest {
    state: State,
    run: Run,
    /// How long the lines across the screen are, in characters.
    width: Option<usize>,
    section: Option<usize>,
    /// Within the section: behind the traceback, in what the test printed.
    captured: bool,
    /// Lines of `--tb=line`: the place and the words behind it.
    one_liners: Vec<(Place, String)>,
    tail: Spans,
    names: Spans,
}

impl Default for Pytest {
    fn default() -> Self {
        Self {
            state: State::Idle,
            run: Run::new(Tool::Pytest),
            width: None,
            section: None,
            captured: false,
            one_liners: Vec::new(),
            tail: Spans::default(),
            names: Spans::default(),
        }
    }
}

/// The title in a line `=== title ===`, and the line's length in characters.
fn rule(line: &[u8], mark: u8) -> Option<(&[u8], usize)> {
    let left = line.iter().take_while(|b| **b == mark).count();
    let right = line.iter().rev().take_while(|b| **b == mark).count();
    if left == 0 || right == 0 || left.abs_diff(right) > 1 || left + right + 2 >= line.len() {
        return None;
    }
    let title = line[left..line.len() - right].strip_prefix(b" ")?.strip_suffix(b" ")?;
    let all = line.iter().filter(|b| (**b & 0xc0) != 0x80).count();
    (!title.is_empty() && title[0] != b' ').then_some((title, all))
}

/// `4 failed, 4 passed, 1 warning in 0.11s`: the numbers.
fn totals(title: &[u8]) -> Option<Vec<(String, u64)>> {
    let at = memchr::memmem::rfind(title, b" in ")?;
    let (_, rest) = number(&title[at + 4..])?;
    rest.strip_prefix(b".").and_then(number).map(|(_, rest)| rest).filter(|rest| rest.starts_with(b"s"))?;
    let head = &title[..at];
    if head == b"no tests ran" {
        return Some(Vec::new());
    }
    let known = [
        "failed",
        "passed",
        "skipped",
        "deselected",
        "xfailed",
        "xpassed",
        "warning",
        "warnings",
        "error",
        "errors",
        "rerun",
        "subtests",
    ];
    let mut found = Vec::new();
    for part in head.split(|b| *b == b',') {
        let (count, word) = number(part.trim_ascii())?;
        let word = text(word.strip_prefix(b" ")?);
        if !known.contains(&word.split(' ').next().unwrap_or("")) {
            return None;
        }
        found.push((word, count));
    }
    Some(found)
}

/// Words of the totals that speak of failures.
const BAD: &[&str] = &["failed", "error", "errors"];

/// `FAILED path::name - reason`: the node and the reason.
fn named(line: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let rest = line.strip_prefix(b"FAILED ").or_else(|| line.strip_prefix(b"ERROR "))?;
    let from = memchr::memmem::find(rest, b"] - ").filter(|_| rest.contains(&b'[')).map_or(0, |at| at + 1);
    let (node, reason) = match memchr::memmem::find(&rest[from..], b" - ") {
        Some(at) => (&rest[..from + at], Some(&rest[from + at + 3..])),
        None => (rest, None),
    };
    let file = node.split(|b| *b == b':').next().unwrap_or(node);
    (file.ends_with(b".py") || memchr::memmem::find(node, b"::").is_some()).then_some((node, reason))
}

/// A line of progress with nothing else in it.
fn progress(line: &[u8]) -> bool {
    if line.is_empty() {
        return true;
    }
    let starts = [
        &b"platform "[..],
        b"rootdir: ",
        b"plugins: ",
        b"collected ",
        b"collecting ",
        b"cachedir: ",
        b"configfile: ",
        b"testpaths: ",
        b"created: ",
        b"asyncio: ",
        b"Using --randomly-seed",
        b"hypothesis profile",
    ];
    if starts.iter().any(|start| line.starts_with(start)) {
        return true;
    }
    let body = match memchr::memrchr(b'[', line) {
        Some(at) if line.ends_with(b"%]") => line[..at].trim_ascii_end(),
        _ => line,
    };
    let marks = body.split(|b| *b == b' ').next_back().unwrap_or(body);
    let path = body.len() - marks.len();
    let dots = marks.iter().all(|b| b".FEsxXpPR".contains(b));
    dots && (path == 0 || body[..path].trim_ascii_end().ends_with(b".py"))
}

/// The node and the verdict of a line `path::name FAILED   [ 18%]`, or of xdist's `[gw0] [ 9%] FAILED path::name`.
fn verbose(line: &[u8]) -> Option<(&[u8], &[u8])> {
    const WORDS: [&[u8]; 7] = [b"PASSED", b"FAILED", b"ERROR", b"SKIPPED", b"XFAIL", b"XPASS", b"RERUN"];
    if line.starts_with(b"[gw") {
        let at = memchr::memmem::find(line, b"%] ")? + 3;
        let space = at + memchr::memchr(b' ', &line[at..])?;
        return WORDS.contains(&&line[at..space]).then_some((line[space..].trim_ascii(), &line[at..space]));
    }
    let colons = memchr::memmem::find(line, b"::")?;
    let body = match memchr::memrchr(b'[', line) {
        Some(at) if line.ends_with(b"%]") => line[..at].trim_ascii_end(),
        _ => line,
    };
    WORDS.iter().find_map(|word| {
        let at = colons + memchr::memmem::find(&body[colons..], word)?;
        let after = &body[at + word.len()..];
        let ends = after.is_empty() || after.starts_with(b" (");
        (ends && at > 0 && body[at - 1] == b' ').then(|| (body[..at].trim_ascii_end(), *word))
    })
}

impl Runner for Pytest {
    fn tool(&self) -> Tool {
        Tool::Pytest
    }

    fn first_bytes(&self) -> &'static [u8] {
        b"=0123456789FE"
    }

    fn wakes(&self, line: &Line<'_>) -> bool {
        match line.text.first() {
            Some(b'=') => rule(line.text, b'=').is_some_and(|(title, length)| {
                length >= 20
                    && (matches!(
                        title,
                        b"test session starts" | b"FAILURES" | b"ERRORS" | b"short test summary info"
                    ) || totals(title).is_some() && line.whole())
            }),
            Some(b'0'..=b'9') => line.whole() && totals(line.text).is_some(),
            Some(b'F' | b'E') => {
                named(line.text).is_some_and(|(node, _)| memchr::memmem::find(node, b".py::").is_some())
            }
            _ => false,
        }
    }

    fn take(&mut self, line: &Line<'_>, findings: &mut Findings) -> Taken {
        if let Some((title, length)) = rule(line.text, b'=').filter(|(_, length)| self.fits(*length)) {
            if self.heading(title, length, line, findings) {
                return Taken::Yes;
            }
        } else if line.whole() && line.text.first().is_some_and(u8::is_ascii_digit) && !self.captive() {
            if let Some(found) = totals(line.text) {
                self.total(found, line);
                return Taken::Yes;
            }
        }
        match self.state {
            State::Idle | State::Progress => self.progress(line),
            State::Failures => self.failures(line),
            State::Warnings => self.warnings(line, findings),
            State::Names => self.named(line),
            State::Other => self.run.loose.push(line),
            State::Done => return self.done(line),
        }
        Taken::Yes
    }

    fn captive(&self) -> bool {
        self.state == State::Failures
    }

    fn channel_end(&mut self, findings: &mut Findings) {
        self.close(findings);
    }
}

impl Pytest {
    /// Whether a line across the screen is as long as pytest's own.
    fn fits(&self, length: usize) -> bool {
        self.width.is_none_or(|width| length.abs_diff(width) <= 1 || length > width)
    }

    fn heading(&mut self, title: &[u8], length: usize, line: &Line<'_>, findings: &mut Findings) -> bool {
        if title == b"test session starts" && self.state != State::Failures {
            self.close(findings);
            self.state = State::Progress;
            self.width = Some(length);
            return true;
        }
        let state = match title {
            b"FAILURES" | b"ERRORS" => State::Failures,
            b"warnings summary" | b"warnings summary (final)" => State::Warnings,
            b"short test summary info" => State::Names,
            b"PASSES" | b"XPASSES" | b"XFAILURES" => State::Other,
            _ if title.starts_with(b"slowest ") => State::Other,
            _ => match totals(title).filter(|_| line.whole() && length >= 20) {
                // Totals without a failure do not stand behind failures: a test has printed them.
                Some(found) if self.state != State::Failures || sum(&found, BAD) > 0 => {
                    self.total(found, line);
                    return true;
                }
                _ => return false,
            },
        };
        self.reopen();
        self.width.get_or_insert(length);
        self.state = state;
        self.section = None;
        self.captured = false;
        true
    }

    fn total(&mut self, found: Vec<(String, u64)>, line: &Line<'_>) {
        self.reopen();
        self.run.total(found, BAD, "line of totals", line);
        self.state = State::Done;
        self.section = None;
    }

    /// What came behind the totals belongs to the run after all.
    fn reopen(&mut self) {
        let mut tail = std::mem::take(&mut self.tail);
        self.run.loose.append(&mut tail);
    }

    fn progress(&mut self, line: &Line<'_>) {
        self.state = State::Progress;
        if let Some((node, word)) = verbose(line.text) {
            if matches!(word, b"FAILED" | b"ERROR") {
                self.run.failure(&text(node), line);
            }
        } else if let Some((node, _)) = named(line.text) {
            self.run.failure(&text(node), line);
        } else if !progress(line.text) {
            if line.text.starts_with(b"INTERNALERROR>") {
                if let Some(at) = self.run.failure("INTERNALERROR", line) {
                    self.run.failures[at].spans.push(line);
                }
                return;
            }
            self.run.loose.push(line);
        }
    }

    fn failures(&mut self, line: &Line<'_>) {
        let text_ = line.text;
        if text_.starts_with(b"_") && !text_.starts_with(b"_ _") {
            if let Some((title, _)) = rule(text_, b'_').filter(|(_, length)| self.fits(*length)) {
                self.section = self.run.failure(&text(title), line);
                self.captured = false;
                return;
            }
        }
        let Some(failure) = self.section.and_then(|at| self.run.failures.get_mut(at)) else {
            if let Some(found) = located(text_).filter(|found| found.rest.starts_with(b": ")) {
                if self.one_liners.len() < crate::findings::LISTED {
                    self.one_liners.push((found.place(), text(&found.rest[2..])));
                }
            }
            self.run.loose.push(line);
            return;
        };
        failure.spans.push(line);
        if self.captured {
            return;
        }
        if text_.starts_with(b"---")
            && rule(text_, b'-').is_some_and(|(title, _)| title.starts_with(b"Captured "))
        {
            self.captured = true;
        } else if let Some(words) = text_.strip_prefix(b"E   ") {
            failure.message.get_or_insert(text(words.trim_ascii_start()));
        } else if let Some(found) = located(text_) {
            // The last one is where it was raised.
            failure.place = Some(found.place());
        } else if let Some(found) = crate::compiler::python::frame(text_) {
            failure.place = Some(found);
        }
    }

    fn warnings(&mut self, line: &Line<'_>, findings: &mut Findings) {
        if let Some(found) = line.text.strip_prefix(b"  ").and_then(located) {
            let words = found.rest.strip_prefix(b": ").unwrap_or(b"");
            let kind = words.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
            if words[..kind].ends_with(b"Warning") {
                let mut spans = Spans::default();
                spans.push(line);
                findings.diagnostic(Diagnostic {
                    severity: Severity::Warning,
                    message: text(words),
                    place: Some(found.place()),
                    code: None,
                    at: (line.channel, line.start),
                    spans,
                });
            }
        }
    }

    fn named(&mut self, line: &Line<'_>) {
        let Some((node, reason)) = named(line.text) else {
            if line.text.starts_with(b"!!!") {
                self.run.results.push(line);
            } else if !line.text.starts_with(b"SKIPPED ")
                && !line.text.starts_with(b"X")
                && !line.text.starts_with(b"PASSED ")
            {
                self.run.loose.push(line);
            }
            return;
        };
        self.names.push(line);
        let node = text(node);
        let whole = !line.tailless;
        // The heading of a section is the node without its file, with dots.
        let (file, inner) = node.split_once("::").unwrap_or((&node, ""));
        let dotted = inner.replace("::", ".");
        let titles = if line.text.starts_with(b"FAILED") {
            vec![dotted]
        } else if inner.is_empty() {
            vec![format!("ERROR collecting {file}")]
        } else {
            vec![format!("ERROR at setup of {dotted}"), format!("ERROR at teardown of {dotted}")]
        };
        let error = line.text.starts_with(b"ERROR");
        let found = titles.iter().find_map(|title| self.run.find(title));
        let at = match (found, error) {
            (Some(at), false) => {
                self.run.rename(at, &node);
                Some(at)
            }
            (Some(at), true) => Some(at),
            (None, _) if whole => self.run.failure(&node, line),
            (None, _) => None,
        };
        let Some(failure) = at.and_then(|at| self.run.failures.get_mut(at)) else { return };
        let Some(reason) = reason else { return };
        let reason = text(reason);
        if failure.place.is_none() {
            let start = reason.strip_suffix("...").unwrap_or(&reason);
            if let Some(one) = self.one_liners.iter().position(|(_, words)| words.starts_with(start)) {
                failure.place = Some(self.one_liners.remove(one).0);
            }
        }
        failure.message.get_or_insert(reason);
    }

    /// Behind the totals, which a test may have printed.
    fn done(&mut self, line: &Line<'_>) -> Taken {
        let section = line.text.starts_with(b"__")
            && rule(line.text, b'_').is_some_and(|(_, length)| self.fits(length));
        let captured = line.text.starts_with(b"---")
            && rule(line.text, b'-').is_some_and(|(title, _)| title.starts_with(b"Captured "));
        let error = named(line.text).is_some();
        if section || captured || error {
            self.run.contradict("totals were printed before the last test had reported".to_owned());
            self.reopen();
            self.state = if error { State::Names } else { State::Failures };
            match self.state {
                State::Names => self.named(line),
                _ => self.failures(line),
            }
            return Taken::Yes;
        }
        self.tail.push(line);
        Taken::Perhaps
    }

    fn close(&mut self, findings: &mut Findings) {
        let mut this = std::mem::take(self);
        if this.state == State::Idle {
            return;
        }
        // Names of progress lines are nodes; the same failures may have been met as sections.
        if this.run.failures.is_empty() && sum(&this.run.counts, BAD) > 0 {
            this.run.loose.append(&mut this.names);
        }
        let dotted = |name: &str| name.split_once("::").map(|(_, inner)| inner.replace("::", "."));
        this.run.unite(|name| dotted(name).map(|name| (name, false)));
        for when in ["setup", "teardown"] {
            this.run.unite(|name| dotted(name).map(|name| (format!("ERROR at {when} of {name}"), true)));
        }
        findings.run(this.run);
    }
}
