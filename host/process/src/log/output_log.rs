//! The log of one process: the retained entries behind a lock, and everyone who waits for them.

mod follower;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::characters::{Held, Joined};
use super::disk::SpilledOutput;
use super::entry::Spoils;
use super::input::Input;
use super::region::Region;
use super::retained::{Retained, line_feeds};
use super::state::{State, StreamState};
use super::store::{Account, Store};
use super::{Exit, Overflow, ReadBatch, Retention, Snapshot, Status, Stream, StreamSnapshot, Until, WaitFor};
use crate::spill::Spill;
use crate::spill::file::SpillFile;

/// What one process printed, and how it ended.
///
/// Shared by its producer, its readers and its follower through an `Arc`. Dropping the last handle frees the
/// bytes and gives them back to the [`Store`]; chunks that were read stay valid. No method blocks for longer
/// than the lock of the log (or, over the store's bound, of a few logs in turn) is held, which is never over
/// an await.
///
/// Order: entries have the order in which `append`, `record_exit` and `end_stream` were called. One stream
/// has one producer at a time.
pub struct OutputLog {
    pub(super) store: Arc<Store>,
    id: u64,
    account: Arc<Account>,
    /// What `append` needs to know without the lock.
    piece: usize,
    portion: usize,
    whole_characters: bool,
    overflow: Overflow,
    hold: Duration,
    /// The lock of the log. Plain data behind it, nothing awaited, no waker called, no other lock taken.
    state: Mutex<State>,
    /// Anything that a waiting read for output may wait for. Notified after the lock is released; waiters
    /// register before they look at the state, so that no notification falls between.
    news: Notify,
    /// The exit, the close, a clear.
    ends: Notify,
    /// There is something to do at the disk.
    pub(super) disk: Notify,
    pub(super) spill: Option<Arc<Spill>>,
    /// The follower took something, or what it had not taken is gone, or it is gone itself.
    progress: Notify,
}

impl OutputLog {
    pub(super) fn new(
        store: Arc<Store>,
        id: u64,
        account: Arc<Account>,
        retention: Retention,
        streams: &[Stream],
        file: Option<SpillFile>,
    ) -> Self {
        let mut retained = Retained::new(&retention);
        if let Some(file) = &file {
            retained.open_region(Region::new(Arc::clone(file.file())));
        }
        let spill = file.as_ref().map(|file| Arc::clone(file.spill()));
        let mut states = [StreamState::default(); 3];
        for stream in streams {
            states[stream.index()] = StreamState { declared: true, open: true, held: Held::default() };
        }
        Self {
            store,
            id,
            account,
            piece: retained.piece(),
            portion: retained.portion(),
            whole_characters: retention.whole_characters,
            overflow: retention.overflow,
            hold: retention.hold,
            state: Mutex::new(State {
                retained,
                streams: states,
                follower: None,
                input: Input::default(),
                clears: 0,
                taken_at: None,
                file,
            }),
            disk: Notify::new(),
            spill,
            news: Notify::new(),
            ends: Notify::new(),
            progress: Notify::new(),
        }
    }

    /// Appends what a stream delivered, as chunks of exactly their size, and drops what no longer fits.
    ///
    /// Never waits for room: see [`OutputLog::room_for_follower`]. A chunk is at most 64 KiB and at most a
    /// quarter of the log's bound; more bytes become several chunks. With `whole_characters` an incomplete
    /// character at the end is held back for the next call. Bytes for a stream that has ended, or that the
    /// log was not opened with, are a mistake of the caller's and ignored.
    pub fn append(&self, stream: Stream, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let held = match self.whole_characters {
            true => std::mem::take(&mut self.lock().streams[stream.index()].held),
            false => Held::default(),
        };
        let joined = Joined::new(held.as_slice(), bytes);
        let end = match self.whole_characters {
            true => joined.whole(0..joined.len()).end,
            false => joined.len(),
        };
        let waker = self.push(stream, joined, end);
        if end < joined.len() {
            let state = &mut self.lock().streams[stream.index()];
            if state.open {
                state.held = joined.hold_from(end);
            }
        }
        if end > 0 {
            self.announce_output(waker);
        }
    }

    /// [`OutputLog::append`] without a copy, where the bytes fit one chunk. They have to be an allocation of their own:
    /// a slice would keep in memory what it was cut from.
    pub fn append_own(&self, stream: Stream, bytes: Bytes) {
        if self.whole_characters || bytes.is_empty() || bytes.len() > self.piece {
            return self.append(stream, &bytes);
        }
        let waker = self.push_piece(stream, bytes);
        self.announce_output(waker);
    }

    /// The most bytes that become one chunk.
    pub fn piece(&self) -> usize {
        self.piece
    }

    /// Counts bytes that were printed and will not be appended. The first reason that is given stays.
    pub fn withhold(&self, bytes: usize, reason: Option<Arc<str>>) {
        self.lock().retained.withhold(bytes as u64, reason);
    }

    /// Ends a stream; the last one after the exit closes the log. Ending it again does nothing.
    ///
    /// Held bytes of an incomplete character become a chunk first.
    pub fn end_stream(&self, stream: Stream) {
        let held = std::mem::take(&mut self.lock().streams[stream.index()].held);
        let flushed = Joined::new(held.as_slice(), &[]);
        let flush_waker = self.push(stream, flushed, flushed.len());
        let (closed, waker) = {
            let mut state = self.lock();
            state.streams[stream.index()].open = false;
            let closed = state.close_if_over();
            (closed, if closed { state.waker_for_news() } else { None })
        };
        if closed {
            self.store.note_closed(self.id);
            self.ends.notify_waiters();
        }
        if closed || flushed.len() > 0 {
            self.announce_output(flush_waker.or(waker));
        }
    }

    /// Records how the process ended; closes the log if every stream has ended. Only the first exit counts.
    pub fn record_exit(&self, exit: Exit) {
        let (closed, waker) = {
            let mut state = self.lock();
            if state.retained.exit().is_some() {
                return;
            }
            let streams_open = state.streams_open();
            state.retained.record_exit(exit, streams_open);
            (state.close_if_over(), state.waker_for_news())
        };
        if closed {
            self.store.note_closed(self.id);
        }
        self.ends.notify_waiters();
        self.announce_output(waker);
    }

    /// Whether what is appended without waiting for room is kept, beyond the bound: with
    /// [`Overflow::Backpressure`], and with [`Overflow::Spill`] while the file takes more.
    pub fn keeps_everything(&self) -> bool {
        self.is_kept_for_readers() && self.lock().retained.keeps_everything()
    }

    /// Whether it was to be kept until somebody has read it.
    pub fn is_kept_for_readers(&self) -> bool {
        matches!(self.overflow, Overflow::Backpressure | Overflow::Spill)
    }

    /// Whether somebody follows it.
    pub fn is_followed(&self) -> bool {
        self.lock().follower.is_some()
    }

    /// With [`Overflow::Backpressure`]: somebody has everything up to and including the entry `seq`, and will not ask
    /// for it again. It stays readable until room is needed. Otherwise nothing.
    pub fn acknowledge(&self, seq: u64) {
        if self.overflow != Overflow::Backpressure {
            return;
        }
        {
            let mut state = self.lock();
            state.retained.acknowledge(seq);
            self.book(&state);
        }
        self.store.relieve();
        self.progress.notify_waiters();
    }

    /// When a read last gave chunks. None before that.
    pub fn last_read(&self) -> Option<Instant> {
        self.lock().taken_at
    }

    /// Chunks after `after_seq`, in order. Removes nothing, so it can be repeated.
    ///
    /// The first chunk is returned whole, later ones only while all together fit `max_bytes`. A read never
    /// crosses the gap: it stops before it, and the next one reports what is missing.
    ///
    /// A reader that goes on from the number of a chunk it got, or from `next_seq` less one, gets or is told
    /// of every byte exactly once, however slow it is. The end offsets of dropped chunks that were handed out
    /// are remembered for that, in up to 16,384 runs of equal sizes; beyond that, and for a made-up
    /// `after_seq` inside the gap, `dropped.bytes` is an upper bound. An `after_seq` beyond the end is fine.
    ///
    /// Blocks for what is on disk (see [`OutputLog::fetch`]), of which it gives at most 16 MiB at once.
    pub fn read(&self, after_seq: u64, max_bytes: Option<u64>) -> ReadBatch {
        loop {
            // What is between the two can have moved.
            let memory = self.try_read(after_seq, max_bytes);
            if let Some(batch) = memory.or_else(|| self.read_disk(after_seq, max_bytes)) {
                return batch;
            }
        }
    }

    /// [`OutputLog::read`], if what it would give is in memory.
    pub fn try_read(&self, after_seq: u64, max_bytes: Option<u64>) -> Option<ReadBatch> {
        let mut state = self.lock();
        if state.retained.is_on_disk_after(after_seq) {
            return None;
        }
        let (chunks, dropped, next_seq) = state.retained.read(after_seq, max_bytes);
        if !chunks.is_empty() {
            state.taken_at = Some(Instant::now());
        }
        Some(ReadBatch { chunks, dropped, next_seq, status: state.status() })
    }

    /// [`OutputLog::read`] once there is what it waits for, or the timeout is over, or the log was cleared.
    ///
    /// Returns at once if the log is closed. Without a timeout it waits for as long as it takes. Cancel-safe:
    /// a read that is given up leaves nothing behind. Needs a tokio runtime with time for a timeout.
    pub async fn read_waiting(
        self: &Arc<Self>,
        after_seq: u64,
        max_bytes: Option<u64>,
        wait_for: WaitFor,
        timeout: Option<Duration>,
    ) -> ReadBatch {
        let clears = {
            let state = self.lock();
            if state.has(wait_for, after_seq) { None } else { Some(state.clears) }
        };
        if let Some(clears) = clears {
            let news = match wait_for {
                WaitFor::Output => &self.news,
                WaitFor::Exit | WaitFor::Close => &self.ends,
            };
            let ready = self.until(news, |state| state.has(wait_for, after_seq) || state.clears != clears);
            match timeout {
                None => ready.await,
                Some(timeout) if timeout.is_zero() => {}
                // Whether it was in time shows in what there is to read.
                Some(timeout) => {
                    let _in_time = tokio::time::timeout(timeout, ready).await;
                }
            }
        }
        self.fetch(after_seq, max_bytes).await
    }

    /// Waits for the exit or the close, whether they are still to come or long past. Cancel-safe.
    pub async fn wait(&self, until: Until) {
        self.until(&self.ends, |state| match until {
            Until::Exit => state.retained.exit().is_some(),
            Until::Close => state.retained.closed(),
        })
        .await;
    }

    /// Whether its chunks end where characters end: see [`Retention::whole_characters`].
    pub fn whole_characters(&self) -> bool {
        self.whole_characters
    }

    /// The log at this moment.
    pub fn status(&self) -> Status {
        self.lock().status()
    }

    /// Everything that is retained, by stream. Copies no bytes.
    pub fn snapshot(&self) -> Snapshot {
        let state = self.lock();
        let declared = Stream::ALL.into_iter().filter(|stream| state.streams[stream.index()].declared);
        let streams = declared
            .map(|stream| {
                let (before, dropped, after) = state.retained.of_stream(stream);
                let spilled = state.retained.region().map_or(0, |region| region.by_stream[stream.index()]);
                StreamSnapshot { stream, spilled, before, dropped, after }
            })
            .collect();
        let spilled = state.retained.region().filter(|region| region.end > 0).map(SpilledOutput::new);
        Snapshot { streams, spilled, status: state.status() }
    }

    /// Drops all bytes, counted as dropped, and ends every waiting read. Exit and close stay known.
    pub fn clear(&self) {
        let spoils = {
            let mut state = self.lock();
            state.clears += 1;
            if let Some(follower) = &mut state.follower {
                follower.wants_disk = false;
                follower.ahead.clear();
            }
            (self.clear_locked(&mut state), state.file.take(), state.waker_for_news())
        };
        let (spoils, file, waker) = spoils;
        drop((spoils, file));
        if let Some(waker) = waker {
            waker.wake();
        }
        self.news.notify_waiters();
        self.ends.notify_waiters();
        self.progress.notify_waiters();
    }

    /// Drops everything that may give way; for the store, which frees it and tells the others once it has let go of
    /// its lock.
    pub(super) fn give_up(&self) -> Spoils {
        let mut state = self.lock();
        if state.retained.untaken_bytes() > 0 || state.retained.spilled_bytes() > 0 {
            state.retained.give_way(u64::MAX);
            self.book(&state);
            return Spoils::default();
        }
        self.clear_locked(&mut state)
    }

    /// Drops at least `bytes`; for the store.
    pub(super) fn give_way(&self, bytes: u64) {
        let mut state = self.lock();
        state.retained.give_way(bytes);
        self.book(&state);
    }

    /// Wants everything on disk that can be there. True if there is something to do: its own part of telling it is
    /// [`OutputLog::announce_loss`].
    pub(super) fn press(&self) -> bool {
        self.lock().retained.press()
    }

    /// Tells those who wait that bytes have gone, or are to go.
    pub(super) fn announce_loss(&self) {
        self.disk.notify_one();
        self.news.notify_waiters();
        self.progress.notify_waiters();
    }

    /// Pushes `..end` in pieces, each copied before the lock is taken. Returns the waker to call.
    fn push(&self, stream: Stream, joined: Joined<'_>, end: usize) -> Option<Waker> {
        let mut waker = None;
        let mut start = 0;
        while start < end {
            let piece = start..end.min(start + self.piece);
            let piece = match self.whole_characters && piece.end < end {
                true => joined.whole(piece),
                false => piece,
            };
            start = piece.end;
            waker = self.push_piece(stream, joined.copy(piece)).or(waker);
        }
        waker
    }

    /// One chunk.
    fn push_piece(&self, stream: Stream, bytes: Bytes) -> Option<Waker> {
        let feeds = line_feeds(&bytes);
        let mut state = self.lock();
        if !state.streams[stream.index()].open {
            debug_assert!(false, "append to {stream:?}, which is not open");
            return None;
        }
        state.retained.push(stream, bytes, feeds);
        self.book(&state);
        if state.has_disk_work() {
            self.disk.notify_one();
        }
        state.waker_for_news()
    }

    /// After a push: the bound over all logs, then the news. No lock is held.
    fn announce_output(&self, waker: Option<Waker>) {
        self.store.relieve();
        self.news.notify_waiters();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn clear_locked(&self, state: &mut State) -> Spoils {
        let spoils = state.retained.clear();
        self.book(state);
        spoils
    }

    pub(super) fn book(&self, state: &State) {
        self.store.book(&self.account, state.retained.bytes(), state.retained.untaken_bytes());
    }

    async fn until(&self, news: &Notify, ready: impl Fn(&State) -> bool) {
        loop {
            let notified = news.notified();
            tokio::pin!(notified);
            // Registered before the look at the state: what happens after the look wakes it.
            notified.as_mut().enable();
            if ready(&self.lock()) {
                return;
            }
            notified.await;
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Poisoned only by a panic among plain assignments, which would be a defect of this file: what is
        // retained is still worth more than another panic in everyone who asks.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for OutputLog {
    /// What it holds in figures, not in bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputLog").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl Drop for OutputLog {
    fn drop(&mut self) {
        self.store.leave(self.id, &self.account);
    }
}
