//! What the recognisers find.

use std::collections::{BTreeMap, BTreeSet};

use crate::{lines::Line, place::Place, source::Channel, span::Spans, tool::Tool};

/// So many failures, and as many diagnostics, are told one by one; the rest are counted.
pub const LISTED: usize = 10_000;

/// A test, or something bigger, that did not succeed.
#[derive(Debug, Clone, Default)]
pub struct Failure {
    /// As the tool calls it.
    pub name: String,
    /// Where, if it was printed.
    pub place: Option<Place>,
    /// The first words of the reason, if they were told apart.
    pub message: Option<String>,
    /// All that is known to belong to it.
    pub spans: Spans,
    /// Where it was first named.
    pub at: Option<(Channel, u64)>,
}

/// One run of a tool: a test binary, a session.
#[derive(Debug, Clone)]
pub struct Run {
    /// The tool.
    pub tool: Tool,
    /// Numbers as the tool printed them, in its words and order.
    pub counts: Vec<(String, u64)>,
    /// The lines they were printed in.
    pub results: Spans,
    /// What failed.
    pub failures: Vec<Failure>,
    /// Failures that are not in the list because there were too many.
    pub unlisted: u64,
    /// Lines of a failed run that cannot be told to belong to one test.
    pub loose: Spans,
    /// The tool itself said that it failed.
    pub failed: bool,
    /// The tool said how it ended.
    pub ended: bool,
    /// What does not fit together, in words.
    pub contradictions: Vec<String>,
    index: BTreeMap<String, usize>,
    words: usize,
}

impl Run {
    /// A run of which nothing is known yet.
    pub fn new(tool: Tool) -> Self {
        Self {
            tool,
            counts: Vec::new(),
            results: Spans::default(),
            failures: Vec::new(),
            unlisted: 0,
            loose: Spans::default(),
            failed: false,
            ended: false,
            contradictions: Vec::new(),
            index: BTreeMap::new(),
            words: 0,
        }
    }

    /// The failure of this name; made if there is none. None if there are too many.
    pub fn failure(&mut self, name: &str, line: &Line<'_>) -> Option<usize> {
        if let Some(at) = self.find(name) {
            return Some(at);
        }
        self.failed = true;
        if self.failures.len() >= LISTED || self.words >= WORDS {
            self.unlisted += 1;
            return None;
        }
        let at = Some((line.channel, line.start));
        self.words += name.len();
        self.index.insert(name.to_owned(), self.failures.len());
        self.failures.push(Failure { name: name.to_owned(), at, ..Failure::default() });
        Some(self.failures.len() - 1)
    }

    /// The failure of this name.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }

    /// Gives a failure the name that the tool uses for it in the end.
    pub fn rename(&mut self, at: usize, name: &str) {
        // The old name goes on leading here: it is met again where a section is continued.
        if self.find(name).is_none() {
            self.index.insert(name.to_owned(), at);
            self.failures[at].name = name.to_owned();
        }
    }

    /// Makes one of failures that were met under two names: `short` gives the other name of the first kind, and which
    /// of the two stays (true: the other).
    pub fn unite(&mut self, short: impl Fn(&str) -> Option<(String, bool)>) {
        let mut gone = BTreeSet::new();
        for at in 0..self.failures.len() {
            let Some((name, renamed)) = short(&self.failures[at].name) else { continue };
            let Some(other) = self.find(&name).filter(|other| *other != at && !gone.contains(other)) else {
                continue;
            };
            let mut double = std::mem::take(&mut self.failures[other]);
            let kept = &mut self.failures[at];
            if renamed {
                kept.name = name;
            }
            kept.spans.append(&mut double.spans);
            kept.place = kept.place.take().or(double.place);
            kept.message = kept.message.take().or(double.message);
            gone.insert(other);
        }
        let mut position = 0;
        self.failures.retain(|_| {
            position += 1;
            !gone.contains(&(position - 1))
        });
        self.index.clear();
        for (at, failure) in self.failures.iter().enumerate() {
            self.index.insert(failure.name.clone(), at);
        }
    }

    /// Takes a failure over from another run.
    pub fn keep(&mut self, failure: Failure) {
        self.failed = true;
        self.index.insert(failure.name.clone(), self.failures.len());
        self.failures.push(failure);
    }

    /// Takes in the numbers of a line in which the tool says how all of it went; `words` are those that speak of
    /// failures. Of several such lines (`what`) the strictest one counts.
    pub fn total(&mut self, found: Vec<(String, u64)>, words: &[&str], what: &str, line: &Line<'_>) {
        if self.ended {
            self.contradict(format!("more than one {what} was printed: the strictest one counts"));
        }
        let failed = sum(&found, words);
        if !self.ended || failed >= sum(&self.counts, words) {
            self.failed |= failed > 0;
            self.counts = found;
        }
        self.results.push(line);
        self.ended = true;
    }

    /// A number that the tool printed.
    pub fn count(&self, word: &str) -> u64 {
        sum(&self.counts, &[word])
    }

    /// Says what does not fit together, once.
    pub fn contradict(&mut self, words: String) {
        if self.contradictions.len() < 8 && !self.contradictions.contains(&words) {
            self.contradictions.push(words);
        }
    }
}

/// The numbers that stand with one of these words, added up.
pub fn sum(counts: &[(String, u64)], words: &[&str]) -> u64 {
    counts.iter().filter(|(word, _)| words.contains(&word.as_str())).map(|(_, count)| count).sum()
}

/// Of what kind a diagnostic is, as it was printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// `error`, also fatal ones.
    Error,
    /// `warning`.
    Warning,
    /// `note`, `remark`, `info`.
    Note,
    /// `help`.
    Help,
}

impl Severity {
    /// The word of the interface.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
            Severity::Help => "help",
        }
    }
}

/// A finding of a compiler.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// Its kind.
    pub severity: Severity,
    /// The words.
    pub message: String,
    /// Where.
    pub place: Option<Place>,
    /// The tool's own code.
    pub code: Option<String>,
    /// Where its first line stands.
    pub at: (Channel, u64),
    /// Its lines, with what was printed around it to explain it.
    pub spans: Spans,
}

/// What is known of all runs of a tool, also of those that are not told one by one.
#[derive(Debug, Clone, Default)]
pub struct Total {
    /// How many runs.
    pub runs: u64,
    /// Their numbers, summed up by word, in the order in which the words were met.
    pub counts: Vec<(String, u64)>,
    /// Runs that have failed.
    pub failed: u64,
    /// Runs that have not said how they ended.
    pub unended: u64,
}

/// All that was found.
#[derive(Debug, Default)]
pub struct Findings {
    /// Runs that have failed, or not said how they ended, or that do not fit together; in the order in which they ended.
    pub runs: Vec<Run>,
    /// Every run.
    pub totals: BTreeMap<Tool, Total>,
    /// In the order in which they were printed.
    pub diagnostics: Vec<Diagnostic>,
    /// Diagnostics that are not in the list because there were too many: errors, others.
    pub unlisted: (u64, u64),
    /// What tools say of the whole, as `error: could not compile`.
    pub remarks: Spans,
    /// Failures in the list.
    listed: usize,
    /// Bytes of words in the list.
    words: usize,
}

/// Failed runs beyond these are counted and no more.
const RUNS: usize = 2_000;
/// Names and messages are kept up to so many bytes in all.
const WORDS: usize = 8 << 20;

impl Findings {
    /// Takes a run that is over.
    pub fn run(&mut self, mut run: Run) {
        // The others tell nothing, or not always.
        let unended = !run.ended && matches!(run.tool, Tool::Cargo | Tool::Nextest | Tool::Pytest);
        run.failed |= !run.failures.is_empty() || run.unlisted > 0;
        let total = self.totals.entry(run.tool).or_default();
        total.runs += 1;
        total.failed += u64::from(run.failed);
        total.unended += u64::from(unended);
        for (word, count) in &run.counts {
            let room = total.counts.len() < 64;
            match total.counts.iter_mut().find(|(name, _)| name == word) {
                Some(entry) => entry.1 = entry.1.saturating_add(*count),
                None if room => total.counts.push((word.clone(), *count)),
                None => {}
            }
        }
        let telling = run.failed || unended || !run.contradictions.is_empty();
        if !telling || self.runs.len() >= RUNS {
            return;
        }
        let room = LISTED - self.listed;
        if run.failures.len() > room {
            run.unlisted += (run.failures.len() - room) as u64;
            run.failures.truncate(room);
        }
        self.listed += run.failures.len();
        self.runs.push(run);
    }

    /// Adds a diagnostic, or counts it.
    pub fn diagnostic(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() < LISTED && self.words < WORDS {
            self.words += diagnostic.message.len();
            self.diagnostics.push(diagnostic);
        } else if diagnostic.severity == Severity::Error {
            self.unlisted.0 += 1;
        } else {
            self.unlisted.1 += 1;
        }
    }

    /// Adds a line that a tool says of the whole.
    pub fn remark(&mut self, line: &Line<'_>) {
        self.remarks.push(line);
    }
}
