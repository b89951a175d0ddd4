//! Places of lines in the output: what is kept instead of the lines themselves.

use crate::{lines::Line, source::Channel};

/// A group keeps so many separate spans; lines beyond them are counted and no more.
const GROUP: usize = 32 * 1024;

/// Lines that follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Where they are.
    pub channel: Channel,
    /// Where the first begins.
    pub start: u64,
    /// Where the last ends.
    pub end: u64,
    /// How many.
    pub lines: u64,
}

/// Lines that belong together, in the order in which they were printed.
#[derive(Debug, Clone, Default)]
pub struct Spans {
    list: Vec<Span>,
    bytes: u64,
    lines: u64,
}

impl Spans {
    /// Adds a line.
    pub fn push(&mut self, line: &Line<'_>) {
        let span = Span { channel: line.channel, start: line.start, end: line.end, lines: 1 };
        self.add(span, line.headless);
    }

    /// Adds all of `other`.
    pub fn append(&mut self, other: &mut Spans) {
        let (bytes, lines) = (self.bytes + other.bytes, self.lines + other.lines);
        for span in std::mem::take(other).list {
            self.add(span, false);
        }
        // With what `other` had only counted.
        (self.bytes, self.lines) = (bytes, lines);
    }

    /// Adds one span.
    pub fn push_span(&mut self, span: Span) {
        self.add(span, false);
    }

    fn add(&mut self, span: Span, apart: bool) {
        self.bytes += span.end - span.start;
        self.lines += span.lines;
        let room = self.list.len() < GROUP;
        match self.list.last_mut() {
            Some(last) if !apart && last.channel == span.channel && last.end == span.start => {
                last.end = span.end;
                last.lines += span.lines;
            }
            _ if room => self.list.push(span),
            _ => {}
        }
    }

    /// The spans.
    pub fn list(&self) -> &[Span] {
        &self.list
    }

    /// Bytes of all lines, with their ends and escapes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many lines.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lines == 0
    }
}
