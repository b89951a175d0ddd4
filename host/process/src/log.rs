//! What a process printed, kept within bounds: entries with sequence numbers, and cursors into them.
//!
//! An [`OutputLog`] belongs to one process. Every chunk, the exit and the close take one sequence number
//! each, from 1, in one counter. The log is bounded by bytes and by number of chunks; a [`Store`] bounds all
//! logs together. What no longer fits leaves as one contiguous gap between a kept head and a kept tail, and
//! every cursor that meets the gap is told exactly how many bytes it missed.
//!
//! Three kinds of users share a log: the producer appends, readers ask by sequence number and leave no state
//! behind, and at most one follower takes everything in order, once.
//!
//! This module does not know where the bytes come from, how they are sent on, or what they mean, except for
//! where a UTF-8 character ends.
//!
//! Locks, in the order in which they may be taken: the store's registry, then one log. Never a log and then
//! the registry, never two logs, never either over an await or while a waker is called.

mod bounds;
mod characters;
mod cursor_table;
mod disk;
mod entry;
mod input;
mod output_log;
mod page;
mod region;
mod retained;
mod state;
mod store;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

pub use self::characters::incomplete_suffix;
pub use self::disk::SpilledOutput;
pub use self::input::InputNews;
pub use self::output_log::OutputLog;
pub use self::page::{BackBatch, LineBatch, LineRange};
pub use self::store::{Store, StoreLimits};
use crate::limits::Limit;

/// Which of a process's streams a chunk came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output, or both when they share a pipe.
    Stdout,
    /// Standard error.
    Stderr,
    /// A terminal, which carries both.
    Pty,
}

impl Stream {
    /// Every stream there is, in the order in which sets of streams are listed.
    pub const ALL: [Self; 3] = [Self::Stdout, Self::Stderr, Self::Pty];

    pub(crate) fn index(self) -> usize {
        match self {
            Self::Stdout => 0,
            Self::Stderr => 1,
            Self::Pty => 2,
        }
    }
}

/// What a full log gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Overflow {
    /// Keep the first quarter of the bound and the newest rest; lose the middle.
    #[default]
    DropMiddle,
    /// Keep the newest; lose the oldest.
    DropOldest,
    /// Keep everything until it is [acknowledged](OutputLog::acknowledge); then lose the oldest of that. The producer
    /// waits for room. What it appends without waiting is kept as well, beyond the bound.
    Backpressure,
    /// What leaves memory goes to a file: see [`OutputLog::disk_turn`]. The producer waits for room. Once the file
    /// takes no more, because a bound is reached or the disk fails, the newest is kept beside it, and the gap between
    /// the two grows.
    Spill,
}

/// The bounds of one log, and how it behaves at them.
///
/// The bounds count bytes of output. What a chunk costs beside its bytes (about 100 bytes) is bounded
/// through `max_chunks`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The most bytes retained. Less than 1 counts as 1 (with `whole_characters`, less than 4 as 4).
    ///
    /// A chunk is at most a quarter of this and at most 64 KiB.
    pub max_bytes: u64,
    /// The most chunks retained. Zero counts as 1.
    pub max_chunks: usize,
    /// What gives way.
    pub overflow: Overflow,
    /// Whether a UTF-8 character is kept in one piece: the up to three bytes of one that is not yet complete
    /// wait for the rest, or for the end of their stream.
    pub whole_characters: bool,
    /// How long the producer waits for a follower that makes no progress before bytes that it has not taken
    /// are dropped; [`Duration::MAX`] waits for as long as it takes. See [`OutputLog::room_for_follower`].
    pub hold: Duration,
}

impl Default for Retention {
    /// 16 MiB, 50,000 chunks, the middle is dropped, bytes as they come, 20 ms of hold.
    fn default() -> Self {
        Self {
            max_bytes: 16 << 20,
            max_chunks: 50_000,
            overflow: Overflow::default(),
            whole_characters: false,
            hold: Duration::from_millis(20),
        }
    }
}

/// A piece of output: at most 64 KiB of one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Its place among all entries of the log.
    pub seq: u64,
    /// Where it came from.
    pub stream: Stream,
    /// The offset of its first byte in all that its stream has carried.
    pub offset: u64,
    /// How many line feeds its stream has carried before it.
    pub line: u64,
    /// Its bytes, shared with the log: cloning copies nothing, and holding on to them outlives the log.
    pub bytes: Bytes,
}

/// A run of chunks that a cursor can no longer get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    /// The first sequence number that is missing.
    pub from_seq: u64,
    /// The last sequence number that is missing. In a [`ReadBatch`] the exit's own number may lie in between;
    /// the exit is never lost.
    pub to_seq: u64,
    /// How many bytes the missing chunks had.
    pub bytes: u64,
}

/// The answer to a read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadBatch {
    /// Chunks in order, without a hole between them.
    pub chunks: Vec<Chunk>,
    /// What is missing between the cursor and the first chunk (or the end, if there is no chunk).
    pub dropped: Option<Dropped>,
    /// Where to go on: the next read's `after_seq` is one less than this.
    pub next_seq: u64,
    /// The log at the moment of this read.
    pub status: Status,
}

/// The state of a log at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// How the process ended, once that is known.
    pub exit: Option<Exit>,
    /// Whether the exit is known and every stream has ended: nothing can follow.
    pub closed: bool,
    /// The streams that have not ended.
    pub streams_open: Vec<Stream>,
    /// Bytes appended so far. Bytes of an incomplete character count once they are appended as a chunk.
    pub total_bytes: u64,
    /// Bytes appended but no longer retained: `total_bytes` less `retained_bytes`.
    pub dropped_bytes: u64,
    /// Bytes that can still be read.
    pub retained_bytes: u64,
    /// Those of them that are on disk.
    pub spilled_bytes: u64,
    /// Bytes that were printed and not appended, because what they had to go through failed. Not part of
    /// `total_bytes`, and without sequence numbers; what was on the way when it failed is not counted.
    pub withheld_bytes: u64,
    /// Why, if something was withheld: the first reason.
    pub withheld_reason: Option<Arc<str>>,
    /// The sequence number that the next entry will take.
    pub next_seq: u64,
}

/// Everything that a log retains, by stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// One element for each stream that the log was opened with, in the order of [`Stream::ALL`].
    pub streams: Vec<StreamSnapshot>,
    /// What is on disk: it comes before everything else.
    pub spilled: Option<SpilledOutput>,
    /// The log at the moment of the snapshot.
    pub status: Status,
}

/// What is retained of one stream in memory: `before`, then `dropped` bytes that are gone, then `after`. What is on
/// disk comes first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSnapshot {
    /// The stream.
    pub stream: Stream,
    /// How many bytes of it are on disk.
    pub spilled: u64,
    /// The bytes before the gap, or all of them if nothing was dropped.
    pub before: Vec<Bytes>,
    /// How many bytes of this stream the gap swallowed.
    pub dropped: u64,
    /// The bytes after the gap.
    pub after: Vec<Bytes>,
}

/// What a follower takes, in the order of the sequence numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A chunk.
    Output {
        /// The chunk.
        chunk: Chunk,
        /// What is missing between the event before and this one.
        dropped: Option<Dropped>,
    },
    /// The process has ended. Output may follow.
    Exited {
        /// The exit's sequence number.
        seq: u64,
        /// How it ended.
        exit: Exit,
        /// The streams that were open at the moment of the exit.
        streams_open: Vec<Stream>,
        /// What is missing between the event before and this one.
        dropped: Option<Dropped>,
    },
    /// The exit is known and every stream has ended. Always last, once.
    Closed {
        /// The close's sequence number.
        seq: u64,
        /// Bytes appended in all.
        total_bytes: u64,
        /// Bytes no longer retained when the event was taken, whoever had read them before.
        dropped_bytes: u64,
        /// Bytes that were printed and not appended: see [`Status::withheld_bytes`].
        withheld_bytes: u64,
        /// Why, if something was.
        withheld_reason: Option<Arc<str>>,
        /// What is missing between the event before and this one.
        dropped: Option<Dropped>,
    },
}

impl Event {
    /// Its sequence number.
    pub fn seq(&self) -> u64 {
        match self {
            Self::Output { chunk, .. } => chunk.seq,
            Self::Exited { seq, .. } | Self::Closed { seq, .. } => *seq,
        }
    }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// The exit code: 128 + n after signal n, -1 if the end was not seen.
    pub code: i32,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Why it ended.
    pub cause: Cause,
    /// What it used.
    pub usage: Usage,
}

/// Why a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// It exited by itself.
    Exit,
    /// A signal that the host did not send ended it.
    Signal,
    /// It ran for longer than it may.
    Timeout,
    /// It printed nothing for longer than it may.
    IdleTimeout,
    /// The client asked for its end.
    Terminated,
    /// It met a limit of the kernel's that the host has set for it.
    Limit(Limit),
    /// Its end was not seen.
    Lost,
}

/// What a process used, as the kernel counted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Processor time in user mode.
    pub user: Duration,
    /// Processor time in the kernel.
    pub system: Duration,
    /// The largest resident set, in bytes.
    pub max_rss_bytes: u64,
    /// Time from start to exit, by the monotonic clock.
    pub elapsed: Duration,
}

/// What a waiting read waits for. Whatever it waits for, a close ends the wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum WaitFor {
    /// A chunk or a loss after the cursor, or an exit after the cursor.
    #[default]
    Output,
    /// The exit.
    Exit,
    /// The close.
    Close,
}

/// What [`OutputLog::wait`] waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Until {
    /// The exit is known. Output may follow.
    Exit,
    /// The exit is known and every stream has ended.
    Close,
}
