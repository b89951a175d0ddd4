//! The pump: from a command's streams into its log, through what stands between them.

use std::cell::Cell;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::ingest::{IDLE, Ingest, Withhold};
use crate::log::{OutputLog, Stream};
use crate::streams::{OutputEnd, OutputSource};

/// Bytes of one read. A pipe has 64 KiB unless it was enlarged.
const READ: usize = 128 * 1024;
/// Reads of one stream before the other one and the cell have their turn.
const READS: usize = 4;
/// What the pipe of a command that fills it is enlarged to: fewer switches between it and the host. Not from the
/// start, since the kernel limits what one user's pipes may hold in all.
const LARGE_PIPE: usize = 1024 * 1024;

/// Bytes of a page.
const PAGE: usize = 4096;

thread_local! {
    /// One buffer a thread: what a process printed is copied out of it at its exact size. Whoever reads takes it, and
    /// brings it back to the thread on which it has done with the bytes.
    static SCRATCH: Cell<Option<Scratch>> = const { Cell::new(None) };
}

/// A buffer that begins in the middle of a page. Some processors copy up to fifteen times slower where the two places are
/// 1 to 31 bytes apart, modulo a page: what is in a pipe begins at a page, and what an allocator gives for many bytes, here
/// or within a plugin, begins shortly behind the beginning of one.
struct Scratch {
    bytes: Box<[u8]>,
    start: usize,
}

impl Scratch {
    fn new() -> Self {
        let bytes = vec![0; READ + 2 * PAGE].into_boxed_slice();
        // No offset at all is correct too, if slower.
        let start = bytes.as_ptr().align_offset(PAGE).min(PAGE) + PAGE / 2;
        Self { bytes, start }
    }

    fn first(&mut self, count: usize) -> &mut [u8] {
        &mut self.bytes[self.start..][..count]
    }
}

/// The streams of a process.
pub(super) struct Pump {
    log: Arc<OutputLog>,
    /// Two at the most; none once it has ended.
    sources: [Option<Source>; 2],
    /// When a stream last carried something; at first, when the pump was made.
    active_at: Instant,
}

struct Source {
    stream: Stream,
    source: OutputSource,
    /// Bytes that were taken.
    taken: u64,
    enlarged: bool,
    way: Way,
}

/// How what a stream carries gets into the log.
enum Way {
    Straight,
    Through {
        /// Never locked, only ever reached through `&mut`: it makes the pump fit to be looked at by a future.
        ingest: Mutex<Box<dyn Ingest>>,
        /// When it is told that nothing comes; none if it was told.
        idle_at: Option<Instant>,
    },
    /// Counted, and nothing else.
    Withheld,
}

/// How far each stream will have come once everything is in the log that was printed at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark([u64; 2]);

/// What one read came to.
enum Got {
    Bytes(usize),
    NothingYet,
    End,
}

impl Pump {
    pub(super) fn new(
        log: Arc<OutputLog>,
        ends: Vec<OutputEnd>,
        mut ingest: impl FnMut(Stream) -> Option<Box<dyn Ingest>>,
    ) -> Self {
        let mut ends = ends.into_iter();
        let sources = [ends.next(), ends.next()].map(|end| {
            let OutputEnd { stream, source, .. } = end?;
            let way = match ingest(stream) {
                Some(ingest) => Way::Through { ingest: Mutex::new(ingest), idle_at: None },
                None => Way::Straight,
            };
            Some(Source { stream, source, taken: 0, enlarged: false, way })
        });
        Self { log, sources, active_at: Instant::now() }
    }

    pub(super) fn log(&self) -> &OutputLog {
        &self.log
    }

    pub(super) fn has_ended(&self) -> bool {
        self.sources.iter().all(Option::is_none)
    }

    /// Waits until a stream has something and the log has room for it. Cancel-safe: takes nothing.
    pub(super) async fn ready(&self) -> Stream {
        let stream = tokio::select! {
            stream = readable(self.sources[0].as_ref()) => stream,
            stream = readable(self.sources[1].as_ref()) => stream,
        };
        self.log.room_for_follower(most(&self.log)).await;
        stream
    }

    /// Moves some of what a stream has, after [`Pump::ready`] has named it. To be awaited to its end.
    pub(super) async fn advance(&mut self, stream: Stream) {
        let Some(slot) =
            self.sources.iter_mut().find(|slot| slot.as_ref().is_some_and(|source| source.stream == stream))
        else {
            return;
        };
        for turn in 0..READS {
            if turn > 0 && !self.log.has_room_for_follower(most(&self.log)) {
                return;
            }
            let Some(source) = slot else { return };
            match source.read(&self.log).await {
                Got::Bytes(_) => self.active_at = Instant::now(),
                Got::End => end(&self.log, slot).await,
                Got::NothingYet => return,
            }
        }
    }

    /// Moves what is in the pipes at this moment, and notices streams that have ended: bounded by the pipes' size,
    /// however fast somebody fills them. Leaves alone what the log could only take by dropping what its follower is
    /// about to take; a log that keeps everything takes this much beyond its bound. To be awaited to its end.
    pub(super) async fn drain(&mut self) {
        for source in &mut self.sources {
            let mut left = match source {
                Some(source) => source.source.holds(),
                None => continue,
            };
            loop {
                let before = left;
                if !self.log.keeps_everything() && !self.log.has_room_for_follower(most(&self.log)) {
                    break;
                }
                let Some(open) = source else { break };
                match open.read_now(&self.log).await {
                    Got::Bytes(count) => {
                        left = left.saturating_sub(count as u64);
                        self.active_at = Instant::now();
                    }
                    Got::End => end(&self.log, source).await,
                    Got::NothingYet => break,
                }
                // One read more than there were bytes: it sees the end.
                if before == 0 {
                    break;
                }
            }
        }
    }

    /// When a stream last carried something.
    pub(super) fn active_at(&self) -> Instant {
        self.active_at
    }

    pub(super) fn note_activity(&mut self, now: Instant) {
        self.active_at = now;
    }

    /// Whether something was printed that is not taken yet.
    pub(super) fn is_anything_waiting(&self) -> bool {
        self.sources.iter().flatten().any(|source| source.source.is_ready())
    }

    /// What has been printed at this moment, in the log or on its way.
    pub(super) fn mark(&self) -> Mark {
        let of = |source: &Option<Source>| {
            source.as_ref().map_or(0, |source| source.taken + source.source.unread())
        };
        Mark([of(&self.sources[0]), of(&self.sources[1])])
    }

    /// Whether everything before a mark is in the log.
    pub(super) fn has_passed(&self, mark: Mark) -> bool {
        // What filters hold back of it comes with what is behind it, or when nothing has come for a while.
        let has = |(source, mark): (&Option<Source>, u64)| {
            source.as_ref().is_none_or(|source| {
                source.taken > mark || source.taken == mark && source.way.idle_at().is_none()
            })
        };
        self.sources.iter().zip(mark.0).all(has)
    }

    /// When a stream will have been silent for long enough to say so.
    pub(super) fn idle_at(&self) -> Option<Instant> {
        self.sources.iter().flatten().filter_map(|source| source.way.idle_at()).min()
    }

    /// Tells the ways of the streams that have been silent until `now`. To be awaited to its end.
    pub(super) async fn idle(&mut self, now: Instant) {
        for source in self.sources.iter_mut().flatten() {
            if source.way.idle_at().is_some_and(|at| at <= now) {
                source.idle(&self.log).await;
            }
        }
    }

    /// As [`Pump::idle`], however long ago the last bytes came.
    pub(super) async fn idle_now(&mut self) {
        for source in self.sources.iter_mut().flatten() {
            if source.way.idle_at().is_some() {
                source.idle(&self.log).await;
            }
        }
    }

    /// Ends the streams, whatever is in them or on the way.
    pub(super) fn give_up(&mut self) {
        for source in self.sources.iter_mut().filter_map(Option::take) {
            self.log.end_stream(source.stream);
        }
    }
}

/// Ends a stream: what its way still holds goes before.
async fn end(log: &OutputLog, slot: &mut Option<Source>) {
    let Some(mut source) = slot.take() else { return };
    if let Way::Through { ingest, .. } = &mut source.way {
        let given = exclusive(ingest).finish().await;
        source.pass(log, given);
    }
    log.end_stream(source.stream);
}

fn exclusive(ingest: &mut Mutex<Box<dyn Ingest>>) -> &mut dyn Ingest {
    &mut **ingest.get_mut().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes of one read into this log: what it can take without losing what somebody is about to take.
fn most(log: &OutputLog) -> usize {
    match log.is_followed() || log.keeps_everything() {
        true => READ.min(log.portion()),
        false => READ,
    }
}

async fn readable(source: Option<&Source>) -> Stream {
    match source {
        Some(source) => {
            source.source.ready().await;
            source.stream
        }
        None => std::future::pending().await,
    }
}

impl Source {
    /// Reads after the stream was said to be readable.
    async fn read(&mut self, log: &OutputLog) -> Got {
        self.read_with(log, OutputSource::try_read).await
    }

    /// Reads whether or not the runtime has heard yet that there is something.
    async fn read_now(&mut self, log: &OutputLog) -> Got {
        self.read_with(log, OutputSource::read).await
    }

    async fn read_with(
        &mut self,
        log: &OutputLog,
        read: impl FnOnce(&OutputSource, &mut [u8]) -> io::Result<usize>,
    ) -> Got {
        let mut scratch = SCRATCH.take().unwrap_or_else(Scratch::new);
        let got = match read(&self.source, scratch.first(most(log))) {
            Ok(0) => Got::End,
            Ok(count) => {
                self.take(log, &scratch.first(count)[..]).await;
                if count >= READ / 2 && !self.enlarged {
                    self.enlarge();
                }
                Got::Bytes(count)
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                Got::NothingYet
            }
            Err(error) => {
                warn!(stream = ?self.stream, %error, "a stream failed");
                Got::End
            }
        };
        SCRATCH.set(Some(scratch));
        got
    }

    /// Sends what was read on its way.
    async fn take(&mut self, log: &OutputLog, bytes: &[u8]) {
        self.taken += bytes.len() as u64;
        if let Way::Straight = self.way {
            return log.append(self.stream, bytes);
        }
        // In pieces that the log takes as they are, if they come out as long as they went in.
        for piece in bytes.chunks(log.piece()) {
            let Way::Through { ingest, idle_at } = &mut self.way else {
                log.withhold(piece.len(), None);
                continue;
            };
            *idle_at = Some(Instant::now() + IDLE);
            match exclusive(ingest).push(piece).await {
                Ok(None) => log.append(self.stream, piece),
                Ok(Some(bytes)) => log.append_own(self.stream, bytes),
                Err(reason) => self.withhold(log, piece.len(), reason),
            }
        }
    }

    async fn idle(&mut self, log: &OutputLog) {
        if let Way::Through { ingest, idle_at } = &mut self.way {
            *idle_at = None;
            let given = exclusive(ingest).idle().await;
            self.pass(log, given);
        }
    }

    /// Appends what the way gave at an end.
    fn pass(&mut self, log: &OutputLog, given: Result<Bytes, Withhold>) {
        match given {
            Ok(bytes) => log.append_own(self.stream, bytes),
            Err(reason) => self.withhold(log, 0, reason),
        }
    }

    /// Blocks the way, with `taken` bytes on it.
    fn withhold(&mut self, log: &OutputLog, taken: usize, Withhold(reason): Withhold) {
        self.way = Way::Withheld;
        log.withhold(taken, Some(reason));
    }

    fn enlarge(&mut self) {
        self.enlarged = true;
        if let Err(error) = self.source.enlarge(LARGE_PIPE) {
            debug!(%error, "a pipe stays as small as it is");
        }
    }
}

impl Way {
    fn idle_at(&self) -> Option<Instant> {
        match self {
            Self::Through { idle_at, .. } => *idle_at,
            Self::Straight | Self::Withheld => None,
        }
    }
}
