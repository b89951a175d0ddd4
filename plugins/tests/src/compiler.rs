//! Recognisers of compilers' findings. They see the lines that no test run owns.

pub mod eslint;
pub mod gcc;
pub mod go;
pub mod python;
pub mod rustc;
pub mod tsc;

use crate::{
    findings::{Diagnostic, Findings, Severity},
    lines::Line,
    place::{Located, Place, text},
    span::Spans,
    tool::Tool,
};

/// What came of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Not this tool's.
    No,
    /// Taken; the next line may go on with it and comes here first.
    Open,
    /// Taken, and over.
    Closed,
}

/// A recogniser of one compiler's findings.
pub trait Compiler {
    /// Whose.
    fn tool(&self) -> Tool;

    /// First bytes of the lines, blanks counted as such, that may begin a finding without a place in front.
    fn first_bytes(&self) -> &'static [u8];

    /// A line that may begin a finding. `located`: the place in front of it.
    fn begin(&mut self, line: &Line<'_>, located: Option<&Located<'_>>, findings: &mut Findings) -> Step;

    /// The line behind one that was answered with [`Step::Open`]. With [`Step::No`] the finding is over and the line
    /// is looked at like any other.
    fn go_on(&mut self, line: &Line<'_>, located: Option<&Located<'_>>, findings: &mut Findings) -> Step;

    /// The finding is over, whatever may be missing.
    fn close(&mut self, findings: &mut Findings);
}

/// A finding that is being read.
#[derive(Debug, Default)]
pub struct Open(Option<Diagnostic>);

impl Open {
    /// Begins one.
    pub fn begin(
        &mut self,
        line: &Line<'_>,
        severity: Severity,
        message: &[u8],
        place: Option<Place>,
        code: Option<&[u8]>,
    ) {
        let mut spans = Spans::default();
        spans.push(line);
        self.0 = Some(Diagnostic {
            severity,
            message: text(message),
            place,
            code: code.map(text),
            at: (line.channel, line.start),
            spans,
        });
    }

    /// Adds a line to it.
    pub fn push(&mut self, line: &Line<'_>) {
        if let Some(open) = &mut self.0 {
            open.spans.push(line);
        }
    }

    /// What is being read.
    pub fn get(&mut self) -> Option<&mut Diagnostic> {
        self.0.as_mut()
    }

    /// Ends it.
    pub fn close(&mut self, findings: &mut Findings) {
        if let Some(diagnostic) = self.0.take() {
            findings.diagnostic(diagnostic);
        }
    }

    /// Forgets it.
    pub fn forget(&mut self) {
        self.0 = None;
    }
}

/// The severity at the front of `error: …`, and what follows the word.
pub fn severity(words: &[u8]) -> Option<(Severity, &[u8])> {
    let known = [
        (&b"fatal error"[..], Severity::Error),
        (b"error", Severity::Error),
        (b"warning", Severity::Warning),
        (b"note", Severity::Note),
        (b"remark", Severity::Note),
        (b"help", Severity::Help),
    ];
    known.iter().find_map(|(word, severity)| {
        let rest = words.strip_prefix(*word)?;
        matches!(rest.first(), Some(b':' | b'[' | b' ')).then_some((*severity, rest))
    })
}

/// `[CODE]` at the front: the code and what follows.
pub fn code(rest: &[u8]) -> (Option<&[u8]>, &[u8]) {
    if let Some(inner) = rest.strip_prefix(b"[") {
        if let Some(end) = memchr::memchr(b']', inner) {
            return (Some(&inner[..end]), &inner[end + 1..]);
        }
    }
    (None, rest)
}
