//! Rust's own test harness, as `cargo test` and `rustdoc --test` run it.

use memchr::memmem;

use super::{Runner, Taken, counts};
use crate::{
    findings::{Findings, Run},
    lines::Line,
    place::{self, Place, number, text},
    span::Spans,
    tool::Tool,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No run.
    Idle,
    /// Tests report.
    Tests,
    /// What failing tests printed.
    Captured,
    /// Their names; unless one of them printed this.
    Names,
    /// The result was printed; unless a test printed it.
    Done,
}

/// The recogniser.
pub struct Libtest {
    state: State,
    run: Run,
    /// What `running N tests` said.
    announced: Option<u64>,
    /// The failure whose lines are read.
    section: Option<usize>,
    /// Lines of the list of names, or behind the result, while it is not sure that they are.
    tentative: Spans,
    names: Vec<String>,
    /// The test of a line `test NAME ... ` whose status comes later.
    pending: Option<String>,
    panics: Vec<(String, Place, Option<String>)>,
    /// The last panic has no message yet.
    awaits_message: Awaits,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaits {
    Nothing,
    ForPanic,
    ForSection,
}

/// As many panics are remembered to find the places of tests that are not captured.
const PANICS: usize = 4096;

impl Default for Libtest {
    fn default() -> Self {
        Self {
            state: State::Idle,
            run: Run::new(Tool::Cargo),
            announced: None,
            section: None,
            tentative: Spans::default(),
            names: Vec::new(),
            pending: None,
            panics: Vec::new(),
            awaits_message: Awaits::Nothing,
        }
    }
}

enum Status {
    Failed,
    Other,
}

/// `test NAME ... STATUS`: the name, and the status if it is there.
fn test_line(line: &[u8]) -> Option<(&[u8], Option<Status>)> {
    let body = line.strip_prefix(b"test ")?;
    let dots = memmem::rfind(body, b" ... ")?;
    let name = bare(&body[..dots]);
    let status = &body[dots + 5..];
    let word = status.split(|b| matches!(b, b' ' | b',' | b':')).next().unwrap_or(status);
    let timed = |rest: &[u8]| rest.is_empty() || (rest.starts_with(b" <") && rest.ends_with(b">"));
    let status = match word {
        b"FAILED" if timed(&status[6..]) => Some(Status::Failed),
        b"ok" if timed(&status[2..]) => Some(Status::Other),
        b"ignored" | b"bench" => Some(Status::Other),
        _ => None,
    };
    Some((name, status))
}

/// The name without what the harness says of the test's kind.
fn bare(name: &[u8]) -> &[u8] {
    [&b" - should panic"[..], b" - compile fail", b" - compile"]
        .iter()
        .find_map(|suffix| name.strip_suffix(*suffix))
        .unwrap_or(name)
}

/// The name of a line `---- NAME stdout ----`.
fn section(line: &[u8]) -> Option<&[u8]> {
    let name = line.strip_prefix(b"---- ")?.strip_suffix(b" ----")?;
    name.strip_suffix(b" stdout").or_else(|| name.strip_suffix(b" stderr"))
}

fn running(line: &[u8]) -> Option<u64> {
    let (count, rest) = number(line.strip_prefix(b"running ")?)?;
    matches!(rest, b" tests" | b" test").then_some(count)
}

/// A line of dots, as the quiet harness prints it.
fn dots(line: &[u8]) -> bool {
    let marks = line.iter().take_while(|b| matches!(b, b'.' | b'i' | b'F' | b'b')).count();
    let rest = line[marks..].trim_ascii();
    let progress = rest.iter().all(|b| b.is_ascii_digit() || *b == b'/');
    marks > 0 && progress && (rest.is_empty() || rest.contains(&b'/'))
}

fn quiet_failure(line: &[u8]) -> Option<&[u8]> {
    let name = line.strip_suffix(b" --- FAILED")?;
    Some(bare(name))
}

impl Runner for Libtest {
    fn tool(&self) -> Tool {
        Tool::Cargo
    }

    fn first_bytes(&self) -> &'static [u8] {
        b"rt-"
    }

    fn wakes(&self, line: &Line<'_>) -> bool {
        match line.text.first() {
            Some(b'r') => running(line.text).is_some() && line.whole(),
            Some(b't') => {
                (line.text.starts_with(b"test result: ") && line.whole())
                    || matches!(test_line(line.text), Some((_, Some(Status::Failed))))
            }
            Some(b'-') => section(line.text).is_some(),
            _ => false,
        }
    }

    fn take(&mut self, line: &Line<'_>, findings: &mut Findings) -> Taken {
        match self.state {
            State::Idle | State::Tests => self.tests(line, findings),
            State::Captured => self.captured(line),
            State::Names => self.named(line),
            State::Done => return self.done(line, findings),
        }
        Taken::Yes
    }

    fn captive(&self) -> bool {
        matches!(self.state, State::Captured | State::Names)
    }

    fn channel_end(&mut self, findings: &mut Findings) {
        self.close(findings);
    }
}

impl Libtest {
    fn tests(&mut self, line: &Line<'_>, findings: &mut Findings) {
        let text_ = line.text;
        if let Some(count) = running(text_).filter(|_| line.whole()) {
            self.close(findings);
            self.state = State::Tests;
            self.announced = Some(count);
            return;
        }
        self.state = State::Tests;
        if let Some((name, status)) = test_line(text_) {
            match status {
                Some(Status::Failed) => {
                    self.failing(&text(name), line);
                    return;
                }
                Some(Status::Other) => return,
                None => {
                    self.pending = Some(text(name));
                    if text_.ends_with(b" ... ") {
                        return;
                    }
                }
            }
        } else if let Some(name) = quiet_failure(text_) {
            self.failing(&text(name), line);
            return;
        } else if text_ == b"failures:" {
            self.state = State::Captured;
            self.section = None;
            return;
        } else if let Some(name) = section(text_).filter(|_| self.announced.is_none()) {
            // The front is missing; otherwise such a line is of `--show-output`, or printed by a test.
            self.state = State::Captured;
            self.section = self.failing(&text(name), line);
            return;
        } else if (text_ == b"FAILED" || text_ == b"ok") && self.pending.is_some() {
            if let Some(name) = self.pending.take().filter(|_| text_ == b"FAILED") {
                self.failing(&name, line);
            }
            return;
        } else if text_.is_empty() && self.run.loose.is_empty() || dots(text_) || self.result(line) {
            return;
        }
        self.look(line, None);
        self.run.loose.push(line);
    }

    fn captured(&mut self, line: &Line<'_>) {
        if let Some(name) = section(line.text) {
            let name = text(name);
            let known = self.run.find(&name).is_some();
            if known || self.section.is_none() || self.run.failures.is_empty() || self.announced.is_none() {
                self.section = self.failing(&name, line);
                self.awaits_message = Awaits::ForSection;
                return;
            }
        }
        if line.text == b"failures:" {
            self.state = State::Names;
            self.tentative = Spans::default();
            self.tentative.push(line);
            self.names.clear();
            return;
        }
        self.content(line);
    }

    fn content(&mut self, line: &Line<'_>) {
        self.look(line, self.section);
        match self.section {
            Some(at) => self.run.failures[at].spans.push(line),
            None if line.text.is_empty() => {}
            None => self.run.loose.push(line),
        }
    }

    /// Within the list of names.
    fn named(&mut self, line: &Line<'_>) {
        if let Some(name) = line.text.strip_prefix(b"    ").filter(|name| !name.starts_with(b" ")) {
            if self.names.len() < crate::findings::LISTED {
                self.names.push(text(name));
            }
            self.tentative.push(line);
        } else if line.text.is_empty() {
            self.tentative.push(line);
        } else if self.result(line) {
            for name in std::mem::take(&mut self.names) {
                self.failing(&name, line);
            }
            self.tentative = Spans::default();
        } else {
            // It was no list: a test had printed it.
            let mut lines = std::mem::take(&mut self.tentative);
            match self.section {
                Some(at) => self.run.failures[at].spans.append(&mut lines),
                None => self.run.loose.append(&mut lines),
            }
            self.state = State::Captured;
            self.captured(line);
        }
    }

    /// Behind a result, which may have been a test's own print.
    fn done(&mut self, line: &Line<'_>, findings: &mut Findings) -> Taken {
        if running(line.text).is_some() && line.whole() {
            self.tests(line, findings);
            return Taken::Yes;
        }
        let again = matches!(test_line(line.text), Some((_, Some(_))))
            || line.text == b"failures:"
            || section(line.text).is_some()
            || line.text.starts_with(b"test result: ");
        if !again {
            self.tentative.push(line);
            return Taken::Perhaps;
        }
        self.run.contradict("a result was printed before the last test of its run had reported".to_owned());
        let mut lines = std::mem::take(&mut self.tentative);
        self.run.loose.append(&mut lines);
        self.state = State::Tests;
        self.tests(line, findings);
        Taken::Yes
    }

    /// Takes `test result: …`. False if it cannot be this run's.
    fn result(&mut self, line: &Line<'_>) -> bool {
        let Some(body) = line.text.strip_prefix(b"test result: ").filter(|_| line.whole()) else {
            return false;
        };
        let failed = body.starts_with(b"FAILED. ");
        if !failed && !body.starts_with(b"ok. ") {
            return false;
        }
        let body = &body[memchr::memchr(b' ', body).unwrap_or(0)..];
        let counts = counts(body, b";,");
        let sum: u64 = counts.iter().filter(|(word, _)| word != "filtered").map(|(_, count)| count).sum();
        if self.announced.is_some_and(|announced| announced != sum) {
            self.run.contradict(format!(
                "a result was printed that counts {sum} tests, where the run had announced {}",
                self.announced.unwrap_or(0)
            ));
            return false;
        }
        if !failed && !self.run.failures.is_empty() {
            self.run.contradict("a result says ok, though tests of its run have failed".to_owned());
            return false;
        }
        // Of two results the stricter one counts.
        let worse = counts.iter().any(|(word, count)| word == "failed" && *count > self.run.count("failed"));
        if self.run.counts.is_empty() || worse || failed && !self.run.failed {
            self.run.counts = counts;
        }
        self.run.results.push(line);
        self.run.failed |= failed;
        self.run.ended = true;
        self.state = State::Done;
        self.tentative = Spans::default();
        true
    }

    fn failing(&mut self, name: &str, line: &Line<'_>) -> Option<usize> {
        let at = self.run.failure(name, line)?;
        if let Some((place, message)) = self
            .panics
            .iter()
            .find(|(thread, ..)| thread == name)
            .map(|(_, place, message)| (place.clone(), message.clone()))
        {
            let failure = &mut self.run.failures[at];
            failure.place.get_or_insert(place);
            failure.message = failure.message.take().or(message);
        }
        Some(at)
    }

    /// Looks for a place and a reason.
    fn look(&mut self, line: &Line<'_>, section: Option<usize>) {
        match self.awaits_message {
            Awaits::ForPanic => {
                if let Some((_, _, message)) = self.panics.last_mut() {
                    *message = Some(text(line.text));
                }
                self.awaits_message = Awaits::Nothing;
            }
            Awaits::ForSection if !line.text.is_empty() => {
                if let Some(failure) = section.and_then(|at| self.run.failures.get_mut(at)) {
                    failure.message.get_or_insert(text(line.text));
                }
                self.awaits_message = Awaits::Nothing;
            }
            _ => {}
        }
        if let Some((thread, place, message)) = place::panic(line.text) {
            match section.and_then(|at| self.run.failures.get_mut(at)) {
                Some(failure) => {
                    // The test's own thread is the better witness.
                    let own = thread == failure.name.as_bytes();
                    let doc = thread == b"main" && failure.name.contains(" (line ");
                    if !doc && (failure.place.is_none() || own) {
                        failure.place = Some(place);
                    }
                    if own || doc || failure.message.is_none() || self.awaits_message != Awaits::Nothing {
                        failure.message = message;
                        self.awaits_message = Awaits::ForSection;
                    }
                }
                None if self.panics.len() < PANICS => {
                    self.awaits_message = if message.is_none() { Awaits::ForPanic } else { Awaits::Nothing };
                    self.panics.push((text(thread), place, message));
                }
                None => {}
            }
        } else if let Some(rest) = line.text.strip_prefix(b"note: test did not panic as expected at ") {
            if let Some((failure, place)) =
                section.and_then(|at| self.run.failures.get_mut(at)).zip(place::located(rest))
            {
                failure.place.get_or_insert(place.place());
            }
        }
    }

    fn close(&mut self, findings: &mut Findings) {
        let mut this = std::mem::take(self);
        match this.state {
            State::Idle => return,
            State::Names => {
                // Cut short: names all the same, and nothing of it is lost.
                let mut lines = std::mem::take(&mut this.tentative);
                match this.section {
                    Some(at) => this.run.failures[at].spans.append(&mut lines),
                    None => this.run.loose.append(&mut lines),
                }
            }
            _ => {}
        }
        for failure in &mut this.run.failures {
            if failure.place.is_none() {
                failure.place = doc_test(&failure.name);
            }
            if let Some((_, place, message)) = this.panics.iter().find(|(thread, ..)| *thread == failure.name)
            {
                failure.place.get_or_insert(place.clone());
                failure.message = failure.message.take().or(message.clone());
            }
        }
        findings.run(this.run);
    }
}

/// The place in a documentation test's name: `src/lib.rs - module::item (line 14)`.
fn doc_test(name: &str) -> Option<Place> {
    let (path, rest) = name.split_once(" - ")?;
    let (_, line) = rest.rsplit_once("(line ")?;
    let line = line.strip_suffix(')')?.parse().ok()?;
    Some(Place { path: path.to_owned(), line: Some(line), column: None })
}
