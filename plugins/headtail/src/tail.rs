//! The last lines, in bounded memory.

use std::collections::VecDeque;

/// The last lines that fit into so many lines and so many shown bytes.
#[derive(Debug)]
pub struct Tail {
    shown: VecDeque<u8>,
    /// Of each line, its end included: bytes held, how many of them are the filter's own note, original bytes.
    lines: VecDeque<(usize, usize, u64)>,
    /// Sum of the notes' bytes.
    notes: usize,
    max_lines: u64,
    max_bytes: u64,
    /// Lines that no longer fit, and their original bytes.
    pub dropped: (u64, u64),
}

impl Tail {
    /// An empty one.
    pub fn new(max_lines: u64, max_bytes: u64) -> Self {
        Self {
            shown: VecDeque::new(),
            lines: VecDeque::new(),
            notes: 0,
            max_lines,
            max_bytes,
            dropped: (0, 0),
        }
    }

    /// One more line: what is shown of it, how much of that is the filter's note (it takes no room), and how many
    /// bytes the line had. The first lines make room.
    pub fn push(&mut self, shown: &[u8], note: usize, bytes: u64) {
        self.shown.extend(shown);
        self.lines.push_back((shown.len(), note, bytes));
        self.notes += note;
        while self.lines.len() as u64 > self.max_lines
            || (self.shown.len() - self.notes) as u64 > self.max_bytes
        {
            let Some((shown, note, bytes)) = self.lines.pop_front() else { break };
            self.notes -= note;
            self.shown.drain(..shown);
            self.dropped.0 += 1;
            self.dropped.1 += bytes;
        }
    }

    /// What is shown of the lines that are held.
    pub fn into_shown(self) -> Vec<u8> {
        self.shown.into()
    }
}
