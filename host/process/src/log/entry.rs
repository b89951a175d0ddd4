//! What a log is made of: chunks, the exit, the gap, and the batches in which they leave.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{Chunk, Exit, Stream};
use crate::spill::file::Record;

/// A retained chunk.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) seq: u64,
    /// The offset after its last byte.
    pub(super) end: u64,
    pub(super) stream: Stream,
    /// The offset of its first byte in its stream.
    pub(super) stream_offset: u64,
    /// Line feeds of its stream before it.
    pub(super) line: u64,
    /// Line feeds in it.
    pub(super) feeds: u32,
    /// Whether somebody got it, and so may hold its number as a cursor.
    pub(super) delivered: bool,
    pub(super) bytes: Bytes,
}

/// The dropped chunks. The exit's number may lie between them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gap {
    /// The lowest and the highest number of a dropped chunk.
    pub(super) from: u64,
    pub(super) to: u64,
    /// The offsets before and after the dropped bytes.
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) by_stream: [u64; 3],
}

/// The exit: a number, and its place between the bytes.
#[derive(Debug, Clone)]
pub(super) struct ExitEntry {
    pub(super) seq: u64,
    pub(super) offset: u64,
    pub(super) exit: Exit,
    pub(super) streams_open: Vec<Stream>,
}

/// Chunks on their way to a reader.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) chunks: Vec<Chunk>,
    bytes: u64,
    max_bytes: u64,
}

/// Entries taken out, to be freed once no lock is held.
#[derive(Debug, Default)]
#[must_use = "freeing many chunks takes time: do it after the lock"]
pub(super) struct Spoils(#[expect(dead_code, reason = "kept only to be dropped")] [VecDeque<Entry>; 2]);

impl Spoils {
    pub(super) fn new(head: VecDeque<Entry>, tail: VecDeque<Entry>) -> Self {
        Self([head, tail])
    }
}

impl Entry {
    pub(super) fn start(&self) -> u64 {
        self.end - self.bytes.len() as u64
    }

    pub(super) fn chunk(&self) -> Chunk {
        Chunk {
            seq: self.seq,
            stream: self.stream,
            offset: self.stream_offset,
            line: self.line,
            bytes: self.bytes.clone(),
        }
    }

    pub(super) fn record(&self) -> Record {
        Record {
            seq: self.seq,
            offset: self.start(),
            stream_offset: self.stream_offset,
            line: self.line,
            feeds: self.feeds,
            stream: self.stream,
            bytes: self.bytes.clone(),
        }
    }
}

impl From<Record> for Entry {
    fn from(record: Record) -> Self {
        let Record { seq, offset, stream_offset, line, feeds, stream, bytes } = record;
        let end = offset + bytes.len() as u64;
        Self { seq, end, stream, stream_offset, line, feeds, delivered: false, bytes }
    }
}

impl Gap {
    /// An empty gap in front of an entry.
    pub(super) fn before(entry: &Entry) -> Self {
        Self { from: entry.seq, to: entry.seq, start: entry.start(), end: entry.start(), by_stream: [0; 3] }
    }

    /// An empty gap behind an entry.
    pub(super) fn after(entry: &Entry) -> Self {
        Self { from: entry.seq, to: entry.seq, start: entry.end, end: entry.end, by_stream: [0; 3] }
    }
}

impl Batch {
    pub(super) fn new(max_bytes: Option<u64>) -> Self {
        Self { chunks: Vec::new(), bytes: 0, max_bytes: max_bytes.unwrap_or(u64::MAX) }
    }

    /// Takes entries from an index on while they fit; the first always fits. True if one did not.
    pub(super) fn take(&mut self, entries: &mut VecDeque<Entry>, from: usize) -> bool {
        for entry in entries.range_mut(from..) {
            let len = entry.bytes.len() as u64;
            if !self.chunks.is_empty() && self.bytes + len > self.max_bytes {
                return true;
            }
            self.bytes += len;
            entry.delivered = true;
            self.chunks.push(entry.chunk());
        }
        false
    }
}
