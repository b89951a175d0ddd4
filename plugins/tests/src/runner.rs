//! Recognisers of test runs. A run owns the lines of its channel from its first sign of life on, until another tool
//! shows a sign of its own.
//!
//! The one rule for all of them: of a run that has failed, or has not said how it ended, only lines that are known to
//! be the tool's own progress are left out. A test may print whatever a tool prints; then lines change their heading
//! and stay in the text.

pub mod go;
pub mod jest;
pub mod libtest;
pub mod nextest;
pub mod pytest;
pub mod vitest;

use crate::{findings::Findings, lines::Line, span::Spans, tool::Tool};

/// Whether a line was needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It belongs to the run.
    Yes,
    /// It may as well be somebody else's: a compiler's, between two runs.
    Perhaps,
}

/// A recogniser of one tool's test runs.
pub trait Runner {
    /// Whose.
    fn tool(&self) -> Tool;

    /// First bytes, behind blanks, of the lines that [`Runner::wakes`] may say yes to.
    fn first_bytes(&self) -> &'static [u8];

    /// Whether the line is a sign of this tool: it, or a print that pretends to be it.
    fn wakes(&self, line: &Line<'_>) -> bool;

    /// Called before the first line after others had the stream: what nobody has claimed since then.
    fn before(&mut self, _unclaimed: &mut Spans) {}

    /// Takes a line.
    fn take(&mut self, line: &Line<'_>, findings: &mut Findings) -> Taken;

    /// Whether it is within what a failing test printed, where signs of other tools are that test's words.
    fn captive(&self) -> bool;

    /// The channel has ended.
    fn channel_end(&mut self, findings: &mut Findings);

    /// Everything has been seen.
    fn finish(&mut self, _findings: &mut Findings) {}
}

/// Numbers with a word behind them, as in `3 passed, 1 failed` with `separators` between them. Stops at what is none.
pub fn counts(text: &[u8], separators: &[u8]) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    for part in text.split(|byte| separators.contains(byte)) {
        let part = part.trim_ascii();
        let Some((value, rest)) = crate::place::number(part) else { continue };
        let word = rest.trim_ascii_start();
        let letters = word.iter().take_while(|b| b.is_ascii_alphabetic()).count();
        if letters > 0 && rest.len() != word.len() {
            found.push((crate::place::text(&word[..letters]), value));
        }
    }
    found
}
