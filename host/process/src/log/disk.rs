//! A log's dealings with the disk: what goes there, what is read from there, and what becomes of both when it fails.
//!
//! All of it blocks, and none of it holds the log's lock meanwhile. Whoever owns the process takes the
//! [turns](OutputLog::disk_turn); readers come by themselves.

use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::sync::SemaphorePermit;
use tokio::task::spawn_blocking;
use tracing::{debug, warn};

use super::entry::Entry;
use super::output_log::OutputLog;
use super::region::{Reading, Region};
use super::{Chunk, ReadBatch, Stream};
use crate::spill::file::{Record, SpillFile, WriteError};

/// The most that is written, or read ahead for a follower, in one turn.
const TURN: u64 = 1 << 20;
/// The most that one read gives of what is on disk.
const READ: u64 = 16 << 20;

/// What is on disk of a process at one moment. It stays readable, whatever becomes of the process.
#[derive(Debug, Clone)]
pub struct SpilledOutput(Arc<Region>);

impl PartialEq for SpilledOutput {
    /// Whether it is the same moment of the same process.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for SpilledOutput {}

/// What a turn found to do.
enum Work {
    /// Chunks after a seq, for the follower.
    ReadAhead(Reading, u64),
    Write(SpillFile, Vec<Record>),
}

impl OutputLog {
    /// Whether what leaves memory goes to disk.
    pub fn spills(&self) -> bool {
        self.spill.is_some()
    }

    /// Waits until there is something to do at the disk. Cancel-safe. For one task alone.
    pub async fn disk_work(&self) {
        while !self.lock().has_disk_work() {
            self.disk.notified().await;
        }
    }

    /// Does the next thing that is to do at the disk: writes what is to leave memory, or reads what the follower waits
    /// for. False if there was nothing to do. Blocks, for no longer than the disk does.
    ///
    /// What cannot be written, since a bound is reached or the disk is full or fails, ends the spilling of this log:
    /// what does not fit into memory is dropped from then on, and counted. What cannot be read any more is dropped and
    /// counted as well.
    pub fn disk_turn(&self) -> bool {
        let (work, clears) = {
            let mut guard = self.lock();
            let state = &mut *guard;
            let clears = state.clears;
            let wanted = state.follower.as_ref().filter(|follower| follower.wants_disk);
            let work = match wanted.map(|follower| follower.position.seq) {
                Some(seq) => match state.retained.on_disk_after(seq) {
                    Some(reading) => Work::ReadAhead(reading, seq),
                    None => {
                        drop(guard);
                        return self.give_ahead(Vec::new(), clears);
                    }
                },
                None if !state.retained.wants_disk() => return false,
                None => match state.file.take() {
                    Some(file) => Work::Write(file, state.retained.next_for_disk(TURN)),
                    None => return false,
                },
            };
            (work, clears)
        };
        match work {
            Work::ReadAhead(reading, seq) => match reading.chunks(seq, TURN) {
                Ok(entries) => self.give_ahead(entries, clears),
                Err(error) => {
                    self.lose_disk(&error, clears);
                    self.give_ahead(Vec::new(), clears)
                }
            },
            Work::Write(mut file, records) => {
                let written = file.append(&records);
                self.note_written(file, &records, written, clears);
                true
            }
        }
    }

    /// [`OutputLog::read`], for those who must not block: what is on disk is read on another thread.
    pub async fn fetch(self: &Arc<Self>, after_seq: u64, max_bytes: Option<u64>) -> ReadBatch {
        if let Some(batch) = self.try_read(after_seq, max_bytes) {
            return batch;
        }
        let _turn = self.turn().await;
        let log = Arc::clone(self);
        match spawn_blocking(move || log.read(after_seq, max_bytes)).await {
            Ok(batch) => batch,
            // Only if the runtime ends.
            Err(_) => std::future::pending().await,
        }
    }

    /// A read of what is on disk. None if it is not there any more, or never was.
    pub(super) fn read_disk(&self, after_seq: u64, max_bytes: Option<u64>) -> Option<ReadBatch> {
        let (reading, clears) = {
            let state = self.lock();
            (state.retained.on_disk_after(after_seq)?, state.clears)
        };
        let entries = match reading.chunks(after_seq, max_bytes.unwrap_or(READ).min(READ)) {
            Ok(entries) => entries,
            Err(error) => {
                self.lose_disk(&error, clears);
                return None;
            }
        };
        let mut state = self.lock();
        if state.clears != clears {
            return None;
        }
        state.taken_at = Some(tokio::time::Instant::now());
        let chunks: Vec<Chunk> = entries.iter().map(Entry::chunk).collect();
        let next_seq = chunks.last()?.seq + 1;
        Some(ReadBatch { chunks, dropped: None, next_seq, status: state.status() })
    }

    /// Waits for a turn at the disk.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        match &self.spill {
            Some(spill) => spill.turn().await,
            None => None,
        }
    }

    /// Hands chunks to the follower that waits for them, and wakes it.
    fn give_ahead(&self, entries: Vec<Entry>, clears: u64) -> bool {
        let waker = {
            let mut guard = self.lock();
            let state = &mut *guard;
            let current = state.clears == clears;
            let Some(follower) = state.follower.as_mut().filter(|follower| follower.wants_disk) else {
                return true;
            };
            if current {
                follower.ahead = entries.into();
            }
            follower.wants_disk = false;
            follower.told = true;
            follower.waker.clone()
        };
        waker.wake();
        true
    }

    fn note_written(
        &self,
        file: SpillFile,
        records: &[Record],
        written: Result<Vec<u64>, WriteError>,
        clears: u64,
    ) {
        // Dropped after the lock: giving up a large file takes time.
        let mut left = Some(file);
        {
            let mut state = self.lock();
            match written {
                _ if state.clears != clears => {}
                Ok(places) => {
                    state.retained.note_on_disk(records, &places);
                    state.file = left.take();
                }
                Err(error) => {
                    match error {
                        WriteError::Bound => debug!("the bound of spilled output is reached"),
                        WriteError::Io(error) => warn!(%error, "output cannot be spilled any more"),
                    }
                    state.retained.close_region();
                    // What is there stays on the account for as long as it is there.
                    state.file = left.take();
                }
            }
            self.book(&state);
        }
        drop(left);
        self.store.relieve();
        self.announce_loss();
    }

    /// What is on disk is gone.
    pub(super) fn lose_disk(&self, error: &io::Error, clears: u64) {
        warn!(%error, "spilled output cannot be read");
        let file = {
            let mut state = self.lock();
            if state.clears != clears {
                return;
            }
            state.clears += 1;
            state.retained.lose_region();
            self.book(&state);
            state.file.take()
        };
        // After the lock: giving up a large file takes time.
        drop(file);
        self.store.relieve();
        self.announce_loss();
    }
}

impl SpilledOutput {
    pub(super) fn new(region: &Region) -> Self {
        Self(Arc::new(region.clone()))
    }

    /// Bytes of a stream.
    pub(super) fn size(&self, stream: Stream) -> u64 {
        self.0.by_stream[stream.index()]
    }

    /// Bytes of a stream from `offset` on, at most `max`, fewer only at the end of what is on disk. Blocks.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn read(&self, stream: Stream, offset: u64, max: usize) -> io::Result<Bytes> {
        let end = self.0.by_stream[stream.index()].min(offset.saturating_add(max as u64));
        let mut page = BytesMut::new();
        if offset >= end {
            return Ok(page.freeze());
        }
        self.0.at_stream_offset(stream, offset).scan(|record| {
            if record.stream != stream {
                return true;
            }
            let (start, stop) = (record.stream_offset, record.stream_offset + record.bytes.len() as u64);
            if stop > offset {
                let from = offset.saturating_sub(start) as usize;
                let to = (end.min(stop) - start) as usize;
                page.extend_from_slice(&record.bytes[from..to]);
            }
            stop < end
        })?;
        Ok(page.freeze())
    }
}
