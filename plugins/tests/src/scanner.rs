//! Reads a channel once and hands each line to whom it may concern.

use memchr::memchr;

use crate::{
    compiler::{
        Compiler, Step, eslint::Eslint, gcc::Gcc, go::GoBuild, python::Python, rustc::Rustc, tsc::Tsc,
    },
    findings::Findings,
    lines::{self, Line},
    options::Options,
    place::{self, Located},
    runner::{
        Runner, Taken, go::Go, jest::Jest, libtest::Libtest, nextest::Nextest, pytest::Pytest, vitest::Vitest,
    },
    source::{Channel, Source},
    span::{Span, Spans},
};

/// So many of the last lines of a channel are remembered.
pub const LAST: usize = 40;

/// The recognisers at work.
pub struct Scanner {
    runners: Vec<Box<dyn Runner>>,
    compilers: Vec<Box<dyn Compiler>>,
    /// For each first byte behind blanks: the runners that may wake.
    wake: [u16; 256],
    /// For each first byte: the compilers that may begin.
    begin: [u16; 256],
    owner: Option<usize>,
    /// The compiler whose finding is open.
    open: Option<usize>,
    /// Lines since the last one that somebody took.
    unclaimed: Spans,
    last: Last,
    /// What was found.
    pub findings: Findings,
}

/// The last lines of a channel, as two blocks that take turns: never fewer than [`LAST`] if there are so many.
#[derive(Default)]
struct Last {
    full: Option<Span>,
    open: Option<Span>,
}

impl Last {
    fn push(&mut self, line: &Line<'_>) {
        match &mut self.open {
            Some(open) if open.lines < LAST as u64 && !line.headless => {
                open.end = line.end;
                open.lines += 1;
            }
            _ => {
                self.full = self.open.take();
                self.open = Some(Span { channel: line.channel, start: line.start, end: line.end, lines: 1 });
            }
        }
    }
}

impl Scanner {
    /// Recognisers of the chosen tools.
    pub fn new(options: &Options, argv: &[String]) -> Self {
        let cargo = argv.iter().any(|word| {
            word.split([' ', '\n', ';', '&', '|', '/'])
                .any(|word| matches!(word, "cargo" | "rustc" | "cargo-nextest"))
        });
        let mut runners: Vec<Box<dyn Runner>> = vec![
            Box::new(Libtest::default()),
            Box::new(Nextest::default()),
            Box::new(Pytest::default()),
            Box::new(Go::default()),
            Box::new(Jest::default()),
            Box::new(Vitest::default()),
        ];
        runners.retain(|runner| options.tools.has(runner.tool()));
        let mut compilers: Vec<Box<dyn Compiler>> = vec![
            Box::new(Rustc::new(cargo)),
            Box::new(Gcc::default()),
            Box::new(Tsc::default()),
            Box::new(GoBuild::default()),
            Box::new(Eslint::default()),
            Box::new(Python::default()),
        ];
        compilers.retain(|compiler| options.tools.has(compiler.tool()));
        let mut wake = [0; 256];
        for (at, runner) in runners.iter().enumerate() {
            runner.first_bytes().iter().for_each(|byte| wake[usize::from(*byte)] |= 1 << at);
        }
        let mut begin = [0; 256];
        for (at, compiler) in compilers.iter().enumerate() {
            compiler.first_bytes().iter().for_each(|byte| begin[usize::from(*byte)] |= 1 << at);
        }
        Self {
            runners,
            compilers,
            wake,
            begin,
            owner: None,
            open: None,
            unclaimed: Spans::default(),
            last: Last::default(),
            findings: Findings::default(),
        }
    }

    /// Reads a channel. Gives the place of its last lines.
    pub fn channel(&mut self, source: &dyn Source, channel: Channel) -> Spans {
        let end = source.size(channel);
        lines::each(source, channel, 0..end, lines::SEEN, &mut |line| self.line(&line));
        self.close_finding();
        for runner in &mut self.runners {
            runner.channel_end(&mut self.findings);
        }
        self.owner = None;
        self.unclaimed = Spans::default();
        let last = std::mem::take(&mut self.last);
        let mut spans = Spans::default();
        [last.full, last.open].into_iter().flatten().for_each(|span| spans.push_span(span));
        spans
    }

    /// Everything was read.
    pub fn finish(mut self) -> Findings {
        for runner in &mut self.runners {
            runner.finish(&mut self.findings);
        }
        self.findings
    }

    fn line(&mut self, line: &Line<'_>) {
        self.last.push(line);
        self.pass(line);
        if let Some(owner) = self.owner {
            if self.runners[owner].take(line, &mut self.findings) == Taken::Yes {
                if !self.unclaimed.is_empty() {
                    self.unclaimed = Spans::default();
                }
                return;
            }
        }
        let Some(&first) = line.text.first() else {
            if self.open.is_some() {
                self.go_on(line, None);
            }
            return;
        };
        let mask = self.begin[usize::from(first)];
        // A place stands in front, without blanks.
        let located = match first {
            b' ' | b'\t' => None,
            _ => memchr(b':', line.text).and_then(|colon| self.located(line.text, colon)),
        };
        if self.open.is_some() && self.go_on(line, located.as_ref()) {
            return;
        }
        if mask != 0 || located.is_some() {
            for at in 0..self.compilers.len() {
                if mask & (1 << at) == 0 && located.is_none() {
                    continue;
                }
                match self.compilers[at].begin(line, located.as_ref(), &mut self.findings) {
                    Step::No => continue,
                    Step::Open => self.open = Some(at),
                    Step::Closed => {}
                }
                return;
            }
        }
        self.unclaimed.push(line);
    }

    fn located<'a>(&self, text: &'a [u8], colon: usize) -> Option<Located<'a>> {
        // Nearly all colons are followed by a blank, and then only `path(1,2): ` is a place.
        let next = *text.get(colon + 1)?;
        let drive = colon == 1 && matches!(next, b'\\' | b'/');
        let bracket = colon > 0 && text[colon - 1] == b')' && next == b' ';
        (next.is_ascii_digit() || bracket || drive).then(|| place::located(text)).flatten()
    }

    /// Lets the stream pass to the runner that gives a sign of life.
    fn pass(&mut self, line: &Line<'_>) {
        let Some(&first) = line.text.iter().find(|b| **b != b' ') else { return };
        let mask = self.wake[usize::from(first)];
        if mask == 0 || self.owner.is_some_and(|owner| self.runners[owner].captive()) {
            return;
        }
        for at in 0..self.runners.len() {
            if mask & (1 << at) == 0 || self.owner == Some(at) || !self.runners[at].wakes(line) {
                continue;
            }
            self.close_finding();
            let mut unclaimed = std::mem::take(&mut self.unclaimed);
            self.runners[at].before(&mut unclaimed);
            self.owner = Some(at);
            return;
        }
    }

    /// Gives the line to the finding that is open. False: it is over, and the line is nobody's.
    fn go_on(&mut self, line: &Line<'_>, located: Option<&Located<'_>>) -> bool {
        let Some(at) = self.open else { return false };
        match self.compilers[at].go_on(line, located, &mut self.findings) {
            Step::Open => true,
            Step::Closed => {
                self.close_finding();
                true
            }
            Step::No => {
                self.close_finding();
                false
            }
        }
    }

    fn close_finding(&mut self) {
        if let Some(at) = self.open.take() {
            self.compilers[at].close(&mut self.findings);
        }
    }
}
