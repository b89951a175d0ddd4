//! What is on disk of one log: from its first chunk up to some later one, without a hole.

use std::fs::File;
use std::io;
use std::sync::Arc;

use super::Stream;
use super::entry::Entry;
use crate::spill::file::{Record, scan};

/// Bytes of the file between two places that are remembered: what has to be gone through to find a chunk.
const BLOCK: u64 = 256 * 1024;

/// An index into the file. Cheap to look at; reading goes through a [`Reading`], without the log's lock.
#[derive(Debug, Clone)]
pub(super) struct Region {
    file: Arc<File>,
    blocks: Vec<Block>,
    len: u64,
    /// The last chunk that is here.
    pub(super) to_seq: u64,
    /// The offset after it.
    pub(super) end: u64,
    pub(super) by_stream: [u64; 3],
    lines: [u64; 3],
    /// Whether more will come; if not, it has ended for ever.
    pub(super) open: bool,
}

/// What is known of a place in the file, where a record begins.
#[derive(Debug, Clone, Copy)]
struct Block {
    place: u64,
    seq: u64,
    /// Of each stream, the bytes and the line feeds before.
    stream_offsets: [u64; 3],
    lines: [u64; 3],
}

/// A part of the file that holds certain chunks, and more before them.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    file: Arc<File>,
    from: u64,
    to: u64,
}

impl Region {
    pub(super) fn new(file: Arc<File>) -> Self {
        Self {
            file,
            blocks: Vec::new(),
            len: 0,
            to_seq: 0,
            end: 0,
            by_stream: [0; 3],
            lines: [0; 3],
            open: true,
        }
    }

    /// Takes note of records that were written. `places` has where each begins, and the end of the last.
    pub(super) fn note(&mut self, records: &[Record], places: &[u64]) {
        for (record, place) in records.iter().zip(places) {
            if self.blocks.last().is_none_or(|last| last.place + BLOCK <= *place) {
                self.blocks.push(Block {
                    place: *place,
                    seq: record.seq,
                    stream_offsets: self.by_stream,
                    lines: self.lines,
                });
            }
            let len = record.bytes.len() as u64;
            self.to_seq = record.seq;
            self.end = record.offset + len;
            self.by_stream[record.stream.index()] += len;
            self.lines[record.stream.index()] = record.line + u64::from(record.feeds);
        }
        self.len = places.last().copied().unwrap_or(self.len);
    }

    /// Where the chunks after `seq` are.
    pub(super) fn after(&self, seq: u64) -> Reading {
        self.reading(self.blocks.partition_point(|block| block.seq <= seq.saturating_add(1)))
    }

    /// Where the byte of a stream at `offset` is, and what follows.
    pub(super) fn at_stream_offset(&self, stream: Stream, offset: u64) -> Reading {
        self.reading(self.blocks.partition_point(|block| block.stream_offsets[stream.index()] <= offset))
    }

    /// Where the chunks before `seq` are that have the last `bytes` bytes together, and more before them.
    pub(super) fn before(&self, seq: u64, bytes: u64) -> Reading {
        let offset = |block: &Block| block.stream_offsets.iter().sum::<u64>();
        let last = self.blocks.partition_point(|block| block.seq < seq);
        let wanted = last.checked_sub(1).map_or(0, |last| offset(&self.blocks[last])).saturating_sub(bytes);
        let first = self.reading(self.blocks.partition_point(|block| offset(block) <= wanted));
        Reading { to: self.blocks.get(last).map_or(self.len, |block| block.place), ..first }
    }

    /// The chunk from which on the line feed number `feeds` of a stream can be found.
    pub(super) fn seq_before_feed(&self, stream: Stream, feeds: u64) -> u64 {
        let next = self.blocks.partition_point(|block| block.lines[stream.index()] < feeds);
        next.checked_sub(1).map_or(0, |block| self.blocks[block].seq - 1)
    }

    /// Whether the line feed number `feeds` of a stream is here.
    pub(super) fn has_feed(&self, stream: Stream, feeds: u64) -> bool {
        self.lines[stream.index()] >= feeds
    }

    /// From the block before the one that is `next` in the list.
    fn reading(&self, next: usize) -> Reading {
        let from =
            next.checked_sub(1).and_then(|block| self.blocks.get(block)).map_or(0, |block| block.place);
        Reading { file: Arc::clone(&self.file), from, to: self.len }
    }
}

impl Reading {
    /// Goes through the chunks until `take` has enough. Blocks.
    pub(super) fn scan(&self, take: impl FnMut(Record) -> bool) -> io::Result<()> {
        scan(&self.file, self.from, self.to, take)
    }

    /// Chunks after `seq`: the first whole, then more while all together have no more than `max_bytes`. Blocks.
    pub(super) fn chunks(&self, seq: u64, max_bytes: u64) -> io::Result<Vec<Entry>> {
        let (mut entries, mut bytes) = (Vec::new(), 0);
        self.scan(|record| {
            if record.seq <= seq {
                return true;
            }
            bytes += record.bytes.len() as u64;
            let fits = entries.is_empty() || bytes <= max_bytes;
            if fits {
                entries.push(Entry::from(record));
            }
            fits
        })?;
        Ok(entries)
    }
}
