//! What the lock of a log guards: the entries, the streams, the follower.

use std::collections::VecDeque;
use std::task::Waker;

use tokio::time::Instant;

use super::characters::Held;
use super::entry::Entry;
use super::input::Input;
use super::retained::{Position, Retained};
use super::{Status, Stream, WaitFor};
use crate::spill::file::SpillFile;

#[derive(Debug)]
pub(super) struct State {
    pub(super) retained: Retained,
    pub(super) streams: [StreamState; 3],
    pub(super) follower: Option<Follower>,
    pub(super) input: Input,
    /// How often the log was cleared: ends the reads that were waiting.
    pub(super) clears: u64,
    /// When somebody was last given chunks of it.
    pub(super) taken_at: Option<Instant>,
    /// The writing end of the file, if it is not in use.
    pub(super) file: Option<SpillFile>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StreamState {
    pub(super) declared: bool,
    pub(super) open: bool,
    pub(super) held: Held,
}

#[derive(Debug)]
pub(super) struct Follower {
    pub(super) position: Position,
    pub(super) waker: Waker,
    /// Whether it was woken and has not come for everything since: it knows.
    pub(super) told: bool,
    /// Whether it has let a hold pass and is not waited for until it has caught up.
    pub(super) lagging: bool,
    /// Since when it has kept the producer from appending without taking anything.
    pub(super) in_the_way_since: Option<Instant>,
    /// Chunks from disk that come next.
    pub(super) ahead: VecDeque<Entry>,
    /// Whether it waits for chunks from disk.
    pub(super) wants_disk: bool,
}

impl State {
    pub(super) fn streams_open(&self) -> Vec<Stream> {
        Stream::ALL.into_iter().filter(|stream| self.streams[stream.index()].open).collect()
    }

    pub(super) fn status(&self) -> Status {
        let (total_bytes, spilled_bytes) = (self.retained.total_bytes(), self.retained.spilled_bytes());
        let retained_bytes = self.retained.bytes() + spilled_bytes;
        Status {
            exit: self.retained.exit(),
            closed: self.retained.closed(),
            streams_open: self.streams_open(),
            total_bytes,
            dropped_bytes: total_bytes - retained_bytes,
            retained_bytes,
            spilled_bytes,
            withheld_bytes: self.retained.withheld_bytes(),
            withheld_reason: self.retained.withheld_reason(),
            next_seq: self.retained.next_seq(),
        }
    }

    /// Closes the log if nothing can follow. True if this call closed it.
    pub(super) fn close_if_over(&mut self) -> bool {
        let over = self.retained.exit().is_some() && !self.streams.iter().any(|stream| stream.open);
        if !over || self.retained.closed() {
            return false;
        }
        self.retained.record_close();
        self.input.end();
        true
    }

    pub(super) fn has(&self, wait_for: WaitFor, after_seq: u64) -> bool {
        self.retained.closed()
            || match wait_for {
                WaitFor::Output => {
                    self.retained.chunk_after(after_seq) || self.retained.exit_after(after_seq)
                }
                WaitFor::Exit => self.retained.exit().is_some(),
                WaitFor::Close => false,
            }
    }

    /// The waker to call once the lock is released, if the follower has something to take and was not told.
    pub(super) fn waker_for_news(&mut self) -> Option<Waker> {
        let follower = self.follower.as_mut().filter(|follower| !follower.told && !follower.wants_disk)?;
        if !self.retained.event_after(follower.position) && !self.input.has_news_at(follower.position.seq) {
            return None;
        }
        follower.told = true;
        Some(follower.waker.clone())
    }

    /// Whether nothing that is worth waiting for would be dropped to make room for `bytes`.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        let Some(follower) = self.follower.as_ref().filter(|follower| !follower.lagging) else { return true };
        !self.retained.would_drop_untaken(follower.position, bytes.saturating_add(self.held_bytes()))
    }

    /// Whether `bytes` fit without anything that must not give way. Where the bound of all logs is reached, only a log
    /// without such bytes has room: so none keeps all the others from going on.
    pub(super) fn has_room_for_all(&self, bytes: usize, store_is_full: bool) -> bool {
        let full = store_is_full && self.retained.untaken_bytes() > 0;
        !full && !self.retained.is_full_of_untaken(bytes.saturating_add(self.held_bytes()))
    }

    /// Whether there is anything to do at the disk: something to read for the follower, or to write.
    pub(super) fn has_disk_work(&self) -> bool {
        self.follower.as_ref().is_some_and(|follower| follower.wants_disk)
            || self.file.is_some() && self.retained.wants_disk()
    }

    fn held_bytes(&self) -> usize {
        self.streams.iter().map(|stream| stream.held.len()).sum()
    }
}
