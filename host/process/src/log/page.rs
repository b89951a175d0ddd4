//! Reading from the end backwards, and by lines.
//!
//! Both block for what is on disk, and belong on another thread then.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::characters::incomplete_suffix;
use super::entry::Entry;
use super::output_log::OutputLog;
use super::{Chunk, Dropped, Status, Stream};

/// The most that is given at once.
const MOST: u64 = 16 << 20;
/// What is looked through at once for lines.
const PIECE: u64 = 256 * 1024;

/// The answer to a read backwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackBatch {
    /// Chunks in the order in which they were printed, without a hole between them.
    pub chunks: Vec<Chunk>,
    /// What is missing between the last of them and the place where the read began.
    pub dropped: Option<Dropped>,
    /// Where to go on: the next `before_seq`. 1 when there is nothing more.
    pub before_seq: u64,
    /// Where to go on in the other direction: one more than where this read began.
    pub next_seq: u64,
    /// The log at the moment of this read.
    pub status: Status,
}

/// Lines of one stream, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineRange {
    /// The stream.
    pub stream: Stream,
    /// The first line wanted; less than zero counts from the end, where -1 is the last line. Never zero.
    pub from: i64,
    /// The last line wanted, in the same way.
    pub to: i64,
}

/// The answer to a read by lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineBatch {
    /// Chunks, the first and the last cut to what is part of the lines.
    pub chunks: Vec<Chunk>,
    /// The first line given; one more than the last if there is none.
    pub from: u64,
    /// The last line given. Go on from the one behind it.
    pub to: u64,
    /// Lines of the stream so far, a last one without a line feed among them.
    pub total: u64,
    /// Whether the last line given is longer than what was given of it.
    pub cut: bool,
    /// What is missing between the first line wanted and the first one given.
    pub dropped: Option<Dropped>,
    /// The log at the moment of this read.
    pub status: Status,
}

impl OutputLog {
    /// Chunks before `before_seq` (absent: the end): the last one whole, more before it while all together fit
    /// `max_bytes`, of which 16 MiB count at the most. Never crosses a hole: it begins behind it, and the next read tells
    /// of it.
    ///
    /// Whoever goes on with `before_seq` until it is 1 gets or is told of every byte once. Blocks for what is on disk.
    pub fn read_back(&self, before_seq: Option<u64>, max_bytes: u64) -> BackBatch {
        let max_bytes = max_bytes.min(MOST);
        loop {
            let (reading, status, before, later, clears) = {
                let state = self.lock();
                let status = state.status();
                let before = before_seq.unwrap_or(status.next_seq).min(status.next_seq);
                let (mut later, dropped) = state.retained.back(before, max_bytes);
                let first = later.last().map_or(before, |chunk| chunk.seq);
                later.reverse();
                // What is on disk comes before all that is in memory, unless a hole is between.
                let is_all = || {
                    dropped.is_none()
                        && matches!(&state.retained.back(first, 1), (more, None) if more.is_empty())
                };
                match state.retained.region().filter(|region| region.to_seq > 0 && first > 1 && is_all()) {
                    Some(region) => (
                        region.before(first, max_bytes.saturating_sub(size(&later))),
                        status,
                        before,
                        later,
                        state.clears,
                    ),
                    None => {
                        let first = later.first().map(|chunk| chunk.seq);
                        let before_seq = first.or(dropped.map(|dropped| dropped.from_seq)).unwrap_or(1);
                        return BackBatch { chunks: later, dropped, before_seq, next_seq: before, status };
                    }
                }
            };
            let first = later.first().map_or(before, |chunk| chunk.seq);
            let left = max_bytes.saturating_sub(size(&later));
            // One at least, be it too long.
            let least = usize::from(later.is_empty());
            let (mut entries, mut bytes) = (VecDeque::<Entry>::new(), 0);
            let scanned = reading.scan(|record| {
                if record.seq >= first {
                    return false;
                }
                bytes += record.bytes.len() as u64;
                entries.push_back(record.into());
                while bytes > left
                    && entries.len() > least
                    && let Some(gone) = entries.pop_front()
                {
                    bytes -= gone.bytes.len() as u64;
                }
                true
            });
            if let Err(error) = scanned {
                self.lose_disk(&error, clears);
                continue;
            }
            let chunks: Vec<Chunk> = entries.iter().map(Entry::chunk).chain(later).collect();
            let before_seq = chunks.first().map_or(1, |chunk| chunk.seq);
            return BackBatch { chunks, dropped: None, before_seq, next_seq: before, status };
        }
    }

    /// Lines of a stream, as many as fit `max_bytes` (16 MiB at the most); of the first at least that much. Line feeds
    /// are part of them. Lines that are missing are passed over, and told. Blocks for what is on disk.
    pub fn read_lines(&self, range: LineRange, max_bytes: u64) -> LineBatch {
        let max_bytes = max_bytes.clamp(1, MOST);
        let (status, total) = {
            let state = self.lock();
            let status = state.status();
            let (feeds, _) = state.retained.stream_size(range.stream);
            (status, feeds)
        };
        let total = total + u64::from(!self.ends_a_line(range.stream));
        let number = |line: i64| match u64::try_from(line) {
            Ok(line) => line,
            Err(_) => (total + 1).saturating_sub(line.unsigned_abs()),
        };
        let (first, last) = (number(range.from).max(1), number(range.to).min(total));
        let mut lines = Lines::new(first, last, max_bytes, self.whole_characters());
        let mut after = self.lock().retained.seq_before_feed(range.stream, first - 1);
        while first <= last && !lines.full {
            let batch = self.read(after, Some(PIECE));
            if let Some(dropped) = batch.dropped {
                lines.miss(dropped);
            }
            if batch.chunks.is_empty() {
                break;
            }
            for chunk in batch.chunks.iter().filter(|chunk| chunk.stream == range.stream) {
                lines.push(chunk);
            }
            after = batch.next_seq - 1;
        }
        let Lines { chunks, given, dropped, cut, .. } = lines;
        let (from, to) = given.unwrap_or((first, first - 1));
        LineBatch { chunks, from, to, total, cut, dropped, status }
    }

    /// [`OutputLog::read_back`], for those who must not block.
    pub async fn fetch_back(self: &Arc<Self>, before_seq: Option<u64>, max_bytes: u64) -> BackBatch {
        let _turn = self.turn().await;
        let log = Arc::clone(self);
        elsewhere(move || log.read_back(before_seq, max_bytes)).await
    }

    /// [`OutputLog::read_lines`], for those who must not block.
    pub async fn fetch_lines(self: &Arc<Self>, range: LineRange, max_bytes: u64) -> LineBatch {
        let _turn = self.turn().await;
        let log = Arc::clone(self);
        elsewhere(move || log.read_lines(range, max_bytes)).await
    }

    /// Whether the last byte of a stream is a line feed, or there is none.
    fn ends_a_line(&self, stream: Stream) -> bool {
        let (size, in_memory, spilled) = {
            let state = self.lock();
            let retained = &state.retained;
            let spilled = retained.region().map(super::disk::SpilledOutput::new);
            (retained.stream_size(stream).1, retained.ends_a_line(stream), spilled)
        };
        match spilled {
            Some(disk) if size > 0 && disk.size(stream) == size => {
                disk.read(stream, size - 1, 1).is_ok_and(|last| &last[..] == b"\n")
            }
            _ => in_memory,
        }
    }
}

/// On a thread that may block.
async fn elsewhere<T: Send + 'static>(read: impl FnOnce() -> T + Send + 'static) -> T {
    match spawn_blocking(read).await {
        Ok(batch) => batch,
        // Only if the runtime ends.
        Err(_) => std::future::pending().await,
    }
}

/// Lines as they are gathered.
struct Lines {
    first: u64,
    last: u64,
    max_bytes: u64,
    /// A line is cut before a character that does not fit.
    whole_characters: bool,
    bytes: u64,
    chunks: Vec<Chunk>,
    /// The first and the last line given.
    given: Option<(u64, u64)>,
    /// Chunks and bytes up to the end of the last whole line.
    whole: (usize, u64),
    dropped: Option<Dropped>,
    cut: bool,
    /// There is nothing more to gather.
    full: bool,
}

impl Lines {
    fn new(first: u64, last: u64, max_bytes: u64, whole_characters: bool) -> Self {
        Self {
            first,
            last,
            max_bytes,
            whole_characters,
            bytes: 0,
            chunks: Vec::new(),
            given: None,
            whole: (0, 0),
            dropped: None,
            cut: false,
            full: false,
        }
    }

    /// A hole: what comes behind it is no continuation.
    fn miss(&mut self, dropped: Dropped) {
        if self.chunks.is_empty() {
            self.dropped = Some(dropped);
        } else {
            // The next read tells of it. What there is of a line before it is a line.
            self.full = true;
        }
    }

    /// Takes of a chunk what is part of the lines.
    fn push(&mut self, chunk: &Chunk) {
        let (mut line, mut at) = (chunk.line + 1, 0);
        while at < chunk.bytes.len() && !self.full {
            let feed = memchr::memchr(b'\n', &chunk.bytes[at..]);
            let end = feed.map_or(chunk.bytes.len(), |feed| at + feed + 1);
            if line >= self.first && line <= self.last {
                self.take(chunk, at..end, line, feed.is_some());
            }
            self.full |= line > self.last || line == self.last && feed.is_some();
            line += u64::from(feed.is_some());
            at = end;
        }
    }

    fn take(&mut self, chunk: &Chunk, part: std::ops::Range<usize>, line: u64, ends: bool) {
        let room = usize::try_from(self.max_bytes - self.bytes).unwrap_or(usize::MAX);
        if part.len() > room {
            self.full = true;
            let (chunks, bytes) = self.whole;
            if bytes > 0 {
                // Without the line that does not fit.
                self.cut_back(chunks, bytes);
                return;
            }
            self.cut = true;
        }
        let mut part = part.start..part.end.min(part.start + room);
        if self.cut && self.whole_characters {
            part.end -= incomplete_suffix(&chunk.bytes[part.clone()]);
        }
        self.bytes += part.len() as u64;
        self.given = Some((self.given.map_or(line, |(first, _)| first), line));
        match self.chunks.last_mut() {
            // One part after the other of the same chunk is one part.
            Some(last) if last.seq == chunk.seq => {
                let start = (last.offset - chunk.offset) as usize;
                last.bytes = chunk.bytes.slice(start..part.end);
            }
            _ if !part.is_empty() => self.chunks.push(Chunk {
                offset: chunk.offset + part.start as u64,
                line: line - 1,
                bytes: chunk.bytes.slice(part),
                ..chunk.clone()
            }),
            _ => {}
        }
        if ends && !self.cut {
            self.whole = (self.chunks.len(), self.bytes);
        }
    }

    /// Goes back to the end of the last whole line.
    fn cut_back(&mut self, chunks: usize, bytes: u64) {
        self.chunks.truncate(chunks);
        let mut surplus: u64 = self.chunks.iter().map(|chunk| chunk.bytes.len() as u64).sum::<u64>() - bytes;
        if let Some(last) = self.chunks.last_mut() {
            surplus = surplus.min(last.bytes.len() as u64);
            last.bytes.truncate(last.bytes.len() - surplus as usize);
        }
        let to = self.chunks.last().map_or(0, |last| last.line)
            + self.chunks.last().map_or(0, |last| memchr::memchr_iter(b'\n', &last.bytes).count() as u64);
        self.given = self.given.map(|(first, _)| (first, to));
    }
}

fn size(chunks: &[Chunk]) -> u64 {
    chunks.iter().map(|chunk| chunk.bytes.len() as u64).sum()
}
