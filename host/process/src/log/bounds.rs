//! A retention in the form in which it is applied.

use super::{Overflow, Retention};

/// The most bytes in a chunk.
const MAX_CHUNK: u64 = 64 * 1024;

/// A log's retention in the form in which it is applied.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) max_bytes: u64,
    pub(super) max_chunks: usize,
    pub(super) head_bytes: u64,
    pub(super) head_chunks: usize,
    pub(super) piece: usize,
    pub(super) whole_characters: bool,
}

impl Bounds {
    pub(super) fn new(retention: &Retention) -> Self {
        // Less could not hold a single piece.
        let least = if retention.whole_characters { 4 } else { 1 };
        let max_bytes = retention.max_bytes.max(least);
        let max_chunks = retention.max_chunks.max(1);
        let (head_bytes, head_chunks) = match retention.overflow {
            Overflow::DropMiddle => (max_bytes / 4, max_chunks / 4),
            Overflow::DropOldest | Overflow::Backpressure | Overflow::Spill => (0, 0),
        };
        let piece = (max_bytes / 4).clamp(least, MAX_CHUNK);
        Self {
            max_bytes,
            max_chunks,
            head_bytes,
            head_chunks,
            piece: usize::try_from(piece).unwrap_or(usize::MAX),
            whole_characters: retention.whole_characters,
        }
    }

    /// How short a piece can be that is not the last of its bytes: it ends before a character that it would
    /// cut.
    pub(super) fn shortest_piece(&self) -> usize {
        if self.whole_characters { self.piece - 3 } else { self.piece }
    }

    /// How many bytes surely fit beside the head, with a chunk to spare where the head's end cuts one.
    pub(super) fn portion(&self) -> usize {
        let bytes = usize::try_from(self.max_bytes / 2).unwrap_or(usize::MAX);
        let chunks = (self.max_chunks / 2).max(1);
        bytes.min(self.shortest_piece().saturating_mul(chunks)).max(1)
    }
}
