//! `cargo nextest run`.

use super::{Runner, Taken, counts};
use crate::{
    findings::{Findings, Run},
    lines::Line,
    place::{self, number, text},
    tool::Tool,
};

/// The recogniser.
pub struct Nextest {
    open: bool,
    run: Run,
    /// The failure whose lines are read.
    section: Option<usize>,
    /// Attempts that failed: the test, whether a later one is known to have passed.
    attempts: Vec<(usize, bool)>,
    awaits_message: bool,
    /// Behind the summary, where other tools may speak again.
    summed_up: bool,
}

impl Default for Nextest {
    fn default() -> Self {
        Self {
            open: false,
            run: Run::new(Tool::Nextest),
            section: None,
            attempts: Vec::new(),
            awaits_message: false,
            summed_up: false,
        }
    }
}

enum Verdict {
    Failed,
    /// One of several attempts has failed.
    Attempt,
    Passed,
    Other,
}

/// `        FAIL [   0.031s] (2/9) crate module::test`: the verdict and the test. The status ends in the twelfth column.
fn status(line: &[u8]) -> Option<(Verdict, &[u8])> {
    let blanks = line.iter().take_while(|b| **b == b' ').count();
    let body = &line[blanks..];
    let open = memchr::memchr(b'[', body)?;
    let word = body[..open].strip_suffix(b" ")?;
    let capital =
        |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit() || matches!(b, b' ' | b'+' | b'-' | b'/');
    if blanks + word.len() < 12
        || word.is_empty()
        || !word.iter().all(capital)
        || !word[0].is_ascii_uppercase()
    {
        return None;
    }
    let close = memchr::memchr(b']', body)?;
    let time = body[open + 1..close].trim_ascii().trim_ascii_start();
    let time = time.strip_prefix(b">").unwrap_or(time);
    number(time.strip_suffix(b"s")?)?;
    let mut test = body[close + 1..].trim_ascii_start();
    if test.starts_with(b"(") {
        let end = memchr::memchr(b')', test)?;
        test = test[end + 1..].trim_ascii_start();
    }
    let again = word.strip_prefix(b"TRY ").and_then(number).map(|(_, rest)| rest.trim_ascii());
    let bad = |word: &[u8]| {
        word.starts_with(b"FAIL")
            || word.starts_with(b"SIG")
            || word.starts_with(b"FL+")
            || matches!(
                word,
                b"TIMEOUT" | b"TMT" | b"ABORT" | b"LEAK-FAIL" | b"LKFAIL" | b"XFAIL" | b"FLKY-FL"
            )
    };
    let verdict = match (again, word) {
        (Some(word), _) if bad(word) => Verdict::Attempt,
        (Some(_), _) => Verdict::Passed,
        (None, word) if bad(word) => Verdict::Failed,
        (None, b"PASS" | b"LEAK") => Verdict::Passed,
        (None, word) if word.starts_with(b"FLAKY") => Verdict::Passed,
        _ => Verdict::Other,
    };
    (!test.is_empty()).then_some((verdict, test))
}

fn starting(line: &[u8]) -> bool {
    let Some(rest) = line.trim_ascii_start().strip_prefix(b"Starting ") else { return false };
    number(rest).is_some_and(|(_, rest)| rest.starts_with(b" test"))
        && memchr::memmem::find(rest, b" across ").is_some()
}

fn summary(line: &[u8]) -> Option<&[u8]> {
    let body = line.strip_prefix(b"     Summary [")?;
    let close = memchr::memchr(b']', body)?;
    memchr::memmem::find(body, b" run: ")?;
    Some(&body[close + 1..])
}

/// `  stdout ───`.
fn heading(line: &[u8]) -> bool {
    line.starts_with(b"  ") && !line.starts_with(b"   ") && line.ends_with("───".as_bytes())
}

impl Runner for Nextest {
    fn tool(&self) -> Tool {
        Tool::Nextest
    }

    fn first_bytes(&self) -> &'static [u8] {
        b"SFTAXL"
    }

    fn wakes(&self, line: &Line<'_>) -> bool {
        line.text.first() == Some(&b' ')
            && (starting(line.text)
                || summary(line.text).is_some() && line.whole()
                || matches!(status(line.text), Some((Verdict::Failed | Verdict::Attempt, _))))
    }

    fn take(&mut self, line: &Line<'_>, findings: &mut Findings) -> Taken {
        let text_ = line.text;
        if text_.first() == Some(&b' ') {
            if starting(text_) && line.whole() {
                self.close(findings);
                self.open = true;
                return Taken::Yes;
            }
            self.open = true;
            if let Some(body) = summary(text_).filter(|_| line.whole()) {
                self.sum_up(body, line);
                return Taken::Yes;
            }
            if let Some((verdict, test)) = status(text_) {
                self.status(verdict, test, line);
                return Taken::Yes;
            }
            if heading(text_) {
                self.awaits_message = false;
            }
        } else if text_.starts_with("────".as_bytes()) {
            self.section = None;
            return Taken::Yes;
        } else if self.summed_up && self.section.is_none() {
            return Taken::Perhaps;
        } else if self.summed_up && text_.starts_with(b"error: ") {
            self.section = None;
            return Taken::Perhaps;
        }
        self.open = true;
        self.content(line);
        Taken::Yes
    }

    fn captive(&self) -> bool {
        self.section.is_some()
    }

    fn channel_end(&mut self, findings: &mut Findings) {
        self.close(findings);
    }
}

impl Nextest {
    fn status(&mut self, verdict: Verdict, test: &[u8], line: &Line<'_>) {
        let name = text(test);
        self.awaits_message = false;
        self.section = match verdict {
            Verdict::Failed => {
                let at = self.run.failure(&name, line);
                self.attempts.retain(|(attempt, _)| Some(*attempt) != at);
                at
            }
            Verdict::Attempt => {
                let known = self.run.find(&name);
                let at = self.run.failure(&name, line);
                if let Some(at) = at.filter(|_| known.is_none()) {
                    self.attempts.push((at, false));
                }
                at
            }
            Verdict::Passed => {
                if let Some(at) = self.run.find(&name) {
                    self.attempts
                        .iter_mut()
                        .filter(|(attempt, _)| *attempt == at)
                        .for_each(|entry| entry.1 = true);
                }
                None
            }
            Verdict::Other => None,
        };
    }

    fn content(&mut self, line: &Line<'_>) {
        let text_ = line.text.strip_prefix(b"    ").unwrap_or(line.text);
        let Some(failure) = self.section.and_then(|at| self.run.failures.get_mut(at)) else {
            if !line.text.is_empty() {
                self.run.loose.push(line);
            }
            return;
        };
        failure.spans.push(line);
        if let Some((thread, place, message)) = place::panic(text_) {
            let own = failure.name.as_bytes().ends_with(thread);
            if failure.place.is_none() || own {
                failure.place = Some(place);
                failure.message = message;
                self.awaits_message = failure.message.is_none();
            }
        } else if let Some(rest) = text_.strip_prefix(b"note: test did not panic as expected at ") {
            failure.message.get_or_insert(text(text_));
            failure.place = place::located(rest).map(|found| found.place());
        } else if self.awaits_message && !text_.is_empty() {
            failure.message = Some(text(text_));
            self.awaits_message = false;
        } else if failure.message.is_none() && text_.starts_with(b"Error: ") {
            failure.message = Some(text(text_));
        }
    }

    /// `9 tests run: 3 passed, 6 failed, 1 skipped`.
    fn sum_up(&mut self, body: &[u8], line: &Line<'_>) {
        let at = memchr::memmem::find(body, b" run: ").map_or(0, |at| at + 6);
        // `3 passed (1 flaky), 6 failed`
        let found = counts(&body[at..], b",(");
        self.run.total(found, &["failed", "timed"], "summary", line);
        self.section = None;
        self.summed_up = true;
    }

    fn close(&mut self, findings: &mut Findings) {
        let mut this = std::mem::take(self);
        if !this.open {
            return;
        }
        // An attempt that failed is no failure if the test has passed later, and the summary agrees.
        let passed: Vec<usize> = this.attempts.iter().filter(|entry| entry.1).map(|entry| entry.0).collect();
        let said = this.run.count("failed") + this.run.count("timed");
        let listed = this.run.failures.len() as u64 + this.run.unlisted;
        if this.run.ended && !passed.is_empty() && listed - passed.len() as u64 <= said {
            let mut run = Run::new(Tool::Nextest);
            run.counts = this.run.counts;
            run.results = this.run.results;
            run.loose = this.run.loose;
            run.unlisted = this.run.unlisted;
            run.failed = said > 0;
            run.ended = true;
            run.contradictions = this.run.contradictions;
            for (at, mut failure) in this.run.failures.into_iter().enumerate() {
                if passed.contains(&at) {
                    run.loose.append(&mut failure.spans);
                } else {
                    run.keep(failure);
                }
            }
            this.run = run;
        }
        if this.run.ended && said > listed {
            this.run.contradict(format!("{said} failures were counted, {listed} were named"));
        }
        findings.run(this.run);
    }
}
