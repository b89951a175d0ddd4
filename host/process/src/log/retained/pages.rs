//! What reads by lines and from the end want to know of the entries.

use super::Retained;
use crate::log::entry::Entry;
use crate::log::{Chunk, Dropped, Stream};

impl Retained {
    /// Line feeds and bytes of a stream so far.
    pub(in crate::log) fn stream_size(&self, stream: Stream) -> (u64, u64) {
        (self.lines[stream.index()], self.stream_offsets[stream.index()])
    }

    /// Whether the last thing that a stream has carried was a line feed, as far as that is in memory or nothing is.
    pub(in crate::log) fn ends_a_line(&self, stream: Stream) -> bool {
        let entries = self.tail.iter().rev().chain(self.head.iter().rev());
        let last = entries.filter(|entry| entry.stream == stream).find_map(|entry| entry.bytes.last());
        last.is_none_or(|byte| *byte == b'\n')
    }

    /// The chunk after which the line feed number `feeds` of a stream is found, or, if it was dropped, what comes first
    /// behind it.
    pub(in crate::log) fn seq_before_feed(&self, stream: Stream, feeds: u64) -> u64 {
        if let Some(region) = self.region.as_ref().filter(|region| region.has_feed(stream, feeds)) {
            return region.seq_before_feed(stream, feeds);
        }
        let reaches = |entry: &&Entry| entry.stream == stream && entry.line + u64::from(entry.feeds) >= feeds;
        if let Some(entry) = self.head.iter().find(reaches) {
            return entry.seq - 1;
        }
        match (self.tail.iter().find(reaches), self.gap) {
            // It may be in the gap, which the reader is told of then.
            (Some(entry), Some(gap)) if entry.line >= feeds => gap.from - 1,
            (Some(entry), _) => entry.seq - 1,
            (None, _) => self.next_seq - 1,
        }
    }

    /// Chunks before `seq`, the nearest first, as far as they are in memory and nothing is missing between them; and
    /// what is missing between them and `seq`.
    pub(in crate::log) fn back(&self, seq: u64, max_bytes: u64) -> (Vec<Chunk>, Option<Dropped>) {
        let in_tail = self.tail.partition_point(|entry| entry.seq < seq);
        let in_head = self.head.partition_point(|entry| entry.seq < seq);
        let gap = self.gap.filter(|gap| gap.from < seq);
        let dropped = gap.filter(|_| in_tail == 0).map(|gap| {
            let to_seq = gap.to.min(seq - 1);
            let end = if seq > gap.to { gap.end } else { self.offset_after(to_seq) };
            Dropped { from_seq: gap.from, to_seq, bytes: end - gap.start }
        });
        let head = if gap.is_some() && in_tail > 0 { 0 } else { in_head };
        let (mut chunks, mut bytes) = (Vec::new(), 0);
        for entry in self.tail.range(..in_tail).rev().chain(self.head.range(..head).rev()) {
            bytes += entry.bytes.len() as u64;
            if !chunks.is_empty() && bytes > max_bytes {
                break;
            }
            chunks.push(entry.chunk());
        }
        (chunks, dropped)
    }
}
