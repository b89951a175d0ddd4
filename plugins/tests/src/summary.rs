//! The summary: reads the output, weighs what was found against the exit code, and writes the report.

use crate::{
    findings::{Diagnostic, Findings, Run, Severity},
    options::Options,
    place::Place,
    scanner::Scanner,
    source::{Channel, Source},
    span::Spans,
    text::{Group, Text},
    tool::{self, Tool},
};

/// What is reported; as in the interface, without its bindings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Lines of the output, and lines that begin with `# `.
    pub text: String,
    /// Failed tests and what compilers have found, in the order in which they were printed, tests first.
    pub diagnostics: Vec<Finding>,
    /// Numbers.
    pub notes: Vec<(String, String)>,
}

/// A diagnostic of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its kind.
    pub severity: Severity,
    /// Of a failed test: its name, and the first words of the reason if they are known.
    pub message: String,
    /// Where.
    pub place: Option<Place>,
    /// The tool's own code.
    pub code: Option<String>,
    /// Where in the output.
    pub at: Option<(Channel, u64)>,
}

/// Reports on the output. None if there is nothing in it that the chosen tools print.
pub fn summarize(source: &dyn Source, options: &Options) -> Option<Report> {
    let argv = source.argv();
    let mut scanner = Scanner::new(options, &argv);
    let mut last = Vec::new();
    for channel in source.channels() {
        last.push((channel, scanner.channel(source, channel)));
    }
    let findings = scanner.finish();
    let exit = source.exit_code();
    let seen =
        !findings.totals.is_empty() || !findings.diagnostics.is_empty() || !findings.remarks.is_empty();
    let worth = exit.is_some_and(|code| code != 0) && tool::runs_a_tool(&argv);
    (seen || worth).then(|| Summary { source, options, findings, last, exit }.report())
}

struct Summary<'a> {
    source: &'a dyn Source,
    options: &'a Options,
    findings: Findings,
    last: Vec<(Channel, Spans)>,
    exit: Option<i32>,
}

impl Summary<'_> {
    fn report(&self) -> Report {
        let mut text = Text::new(self.source);
        self.totals(&mut text);
        self.verdict(&mut text);
        self.gaps(&mut text);
        let groups = self.groups();
        text.groups(&groups, self.options.max_bytes);
        let left_out = text.left_out;
        Report { text: text.finish(), diagnostics: self.diagnostics(), notes: self.notes(left_out) }
    }

    /// A line for each tool, with the numbers that it printed.
    fn totals(&self, text: &mut Text<'_>) {
        for (tool, total) in &self.findings.totals {
            let words: Vec<String> = total
                .counts
                .iter()
                .filter(|(word, count)| *count > 0 && !matches!(word.as_str(), "measured" | "filtered"))
                .map(
                    |(word, count)| {
                        if *tool == Tool::Go { package(word, *count) } else { format!("{count} {word}") }
                    },
                )
                .collect();
            let mut line =
                if words.is_empty() { "no numbers were printed".to_owned() } else { words.join(", ") };
            if total.runs > 1 {
                line.push_str(&format!(", in {} runs", total.runs));
            }
            text.own(&format!("{}: {line}", tool.title()));
            let unended = total.unended;
            if unended > 0 {
                let noun = if unended == 1 { "run has" } else { "runs have" };
                text.own(&format!("{}: {unended} {noun} not said how it ended", tool.title()));
            }
            let hidden =
                total.failed.saturating_sub(self.runs(*tool).filter(|run| run.failed).count() as u64);
            if hidden > 0 {
                text.own(&format!("{}: {hidden} more failed runs are not listed", tool.title()));
            }
            let unlisted: u64 = self.runs(*tool).map(|run| run.unlisted).sum();
            if unlisted > 0 {
                text.own(&format!("{}: {unlisted} more failures are not listed", tool.title()));
            }
        }
        let (errors, others) = (self.errors(), self.others());
        if errors + others > 0 {
            text.own(&format!("diagnostics: {errors} errors, {others} warnings and notes"));
        }
        let (errors, others) = self.findings.unlisted;
        if errors + others > 0 {
            text.own(&format!("{errors} more errors and {others} more warnings and notes are not listed"));
        }
    }

    fn runs(&self, tool: Tool) -> impl Iterator<Item = &Run> {
        self.findings.runs.iter().filter(move |run| run.tool == tool)
    }

    fn errors(&self) -> u64 {
        let listed =
            self.findings.diagnostics.iter().filter(|found| found.severity == Severity::Error).count();
        listed as u64 + self.findings.unlisted.0
    }

    fn others(&self) -> u64 {
        (self.findings.diagnostics.len() as u64 + self.findings.unlisted.0 + self.findings.unlisted.1)
            - self.errors()
    }

    /// Whether tests are known to have failed.
    fn tests_failed(&self) -> bool {
        self.findings.totals.values().any(|total| total.failed > 0)
    }

    /// Whether anything explains an exit code other than 0.
    fn explained(&self) -> bool {
        self.tests_failed() || self.errors() > 0
    }

    /// The exit code, and what does not fit to it.
    fn verdict(&self, text: &mut Text<'_>) {
        let unended = self.findings.totals.values().any(|total| total.unended > 0);
        match self.exit {
            None => text.own("the end of the process was not seen: more may have failed"),
            Some(0) if self.tests_failed() => {
                text.own("the exit code is 0 though failures were printed: they count");
            }
            Some(0) if self.errors() > 0 => text.own("the exit code is 0 though errors were printed"),
            Some(0) => text.own("the exit code is 0"),
            Some(code) if self.explained() => text.own(&format!("the exit code is {code}")),
            Some(code) => {
                let though = match (self.findings.totals.is_empty(), unended) {
                    (true, _) => "and no failure was recognised",
                    (false, true) => "and no failing test was named",
                    (false, false) => "though every result that was printed tells of success",
                };
                text.own(&format!("the exit code is {code} {though}: the last lines are below"));
            }
        }
        for run in &self.findings.runs {
            for words in &run.contradictions {
                text.own(&format!("{}: contradiction: {words}", run.tool.title()));
            }
        }
    }

    fn gaps(&self, text: &mut Text<'_>) {
        for channel in self.source.channels() {
            let gaps = self.source.gaps(channel);
            for gap in gaps.iter().take(8) {
                text.own(&format!(
                    "the output has a gap of {} bytes at {} byte {}: this summary may be incomplete",
                    gap.bytes,
                    channel.name(),
                    gap.offset
                ));
            }
            if gaps.len() > 8 {
                let bytes: u64 = gaps[8..].iter().map(|gap| gap.bytes).sum();
                let more = gaps.len() - 8;
                text.own(&format!("{} has {more} more gaps, of {bytes} bytes in all", channel.name()));
            }
        }
    }

    fn groups(&self) -> Vec<Group<'_>> {
        let mut groups = Vec::new();
        for run in &self.findings.runs {
            let head = format!("{}:", run.tool.title());
            groups.push(Group { head, spans: &run.results, keep: None, tier: 0 });
            for failure in &run.failures {
                let place = failure
                    .place
                    .as_ref()
                    .map(|place| format!(" at {}", place.display()))
                    .unwrap_or_default();
                let head = format!("failed: {}{place}", failure.name);
                groups.push(Group { head, spans: &failure.spans, keep: None, tier: 0 });
            }
            if !run.loose.is_empty() {
                let head = format!("printed by {} and its tests, not told apart:", run.tool.title());
                groups.push(Group { head, spans: &run.loose, keep: None, tier: 0 });
            }
        }
        let mut severity = None;
        let mut tell = |found: &Diagnostic| {
            let errors = found.severity == Severity::Error;
            let new = severity.replace(errors) != Some(errors);
            let words = if errors { "errors:" } else { "warnings and notes:" };
            if new { words.to_owned() } else { String::new() }
        };
        for found in &self.findings.diagnostics {
            let errors = found.severity == Severity::Error;
            let keep = errors.then_some(found.at);
            groups.push(Group { head: tell(found), spans: &found.spans, keep, tier: u8::from(!errors) });
        }
        if !self.findings.remarks.is_empty() {
            let head = "said of the whole:".to_owned();
            groups.push(Group { head, spans: &self.findings.remarks, keep: None, tier: 0 });
        }
        if self.exit.is_some_and(|code| code != 0) && !self.explained() {
            for (channel, spans) in self.last.iter().filter(|(_, spans)| !spans.is_empty()) {
                let head = format!("the last lines of {}:", channel.name());
                groups.push(Group { head, spans, keep: None, tier: 0 });
            }
        }
        groups
    }

    fn diagnostics(&self) -> Vec<Finding> {
        let failures = self.findings.runs.iter().flat_map(|run| &run.failures).map(|failure| Finding {
            severity: Severity::Error,
            message: match &failure.message {
                Some(words) => format!("{}: {words}", failure.name),
                None => failure.name.clone(),
            },
            place: failure.place.clone(),
            code: None,
            at: failure.at,
        });
        let found = self.findings.diagnostics.iter().map(|found| Finding {
            severity: found.severity,
            message: found.message.clone(),
            place: found.place.clone(),
            code: found.code.clone(),
            at: Some(found.at),
        });
        failures.chain(found).collect()
    }

    fn notes(&self, left_out: u64) -> Vec<(String, String)> {
        let mut notes = Vec::new();
        for (tool, total) in &self.findings.totals {
            notes.push((format!("{}.runs", tool.name()), total.runs.to_string()));
            for (word, count) in &total.counts {
                notes.push((format!("{}.{word}", tool.name()), count.to_string()));
            }
        }
        let failures: u64 =
            self.findings.runs.iter().map(|run| run.failures.len() as u64 + run.unlisted).sum();
        let missing: u64 = self
            .source
            .channels()
            .into_iter()
            .flat_map(|channel| self.source.gaps(channel))
            .map(|gap| gap.bytes)
            .sum();
        for (name, value) in [
            ("failures", failures),
            ("errors", self.errors()),
            ("warningsAndNotes", self.others()),
            ("leftOutBytes", left_out),
            ("missingBytes", missing),
        ] {
            notes.push((name.to_owned(), value.to_string()));
        }
        notes
    }
}

/// What go prints of packages: it counts no tests.
fn package(word: &str, count: u64) -> String {
    format!("{word} for {count} {}", if count == 1 { "package" } else { "packages" })
}
