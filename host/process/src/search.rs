//! Looking for a pattern in what is retained, line by line.

mod lane;
mod pattern;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::task::spawn_blocking;

use self::lane::Lane;
pub use self::pattern::{Pattern, PatternError};
use crate::log::{OutputLog, Stream};

/// What is looked through between two looks at the clock. A pattern takes time in proportion to this and to its own
/// size, which is bounded.
const PIECE: u64 = 256 * 1024;

/// What to look for, and how much of it to give.
#[derive(Debug, Clone)]
pub struct Query {
    /// The pattern. It never matches across lines.
    pub pattern: Pattern,
    /// Only chunks after this one are looked through.
    pub after_seq: u64,
    /// Only lines of each stream that begin at this offset or behind it are looked through.
    pub offsets: Offsets,
    /// The most matches to give.
    pub max_matches: usize,
    /// The most bytes of lines to give, context among them; the first match comes in any case.
    pub max_bytes: usize,
    /// Lines before and behind each match.
    pub context_lines: usize,
    /// How long to look.
    pub time: Duration,
}

/// A place in each stream, in the order of [`Stream::ALL`], in bytes.
pub type Offsets = [u64; Stream::ALL.len()];

/// What was found.
///
/// A search with `after_seq = next_seq - 1` and `offsets = next_offsets` goes on where this one has ended, whatever
/// ended it: no line with a match is missed, and none is given twice but one that had not ended yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// In the order in which they were printed, as far as that is known between two streams.
    pub matches: Vec<Match>,
    /// Why there may be more; none if everything was looked through.
    pub stopped: Option<Stopped>,
    /// How much was looked through, in bytes.
    pub searched_bytes: u64,
    /// How much was no longer there to be looked through.
    pub dropped_bytes: u64,
    /// Where the next search begins to read, for the lines at `next_offsets` and what is shown before them.
    pub next_seq: u64,
    /// Where each stream was not looked through any more. A line that had not ended comes again.
    pub next_offsets: Offsets,
}

/// Why a search has ended before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// There are more matches than were wanted.
    Matches,
    /// They are longer than what may be given.
    Bytes,
    /// It took longer than it may.
    Time,
}

/// A line with a match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The chunk in which the match begins.
    pub seq: u64,
    /// Where it was printed.
    pub stream: Stream,
    /// Where the first match of the line begins in all that its stream has carried.
    pub offset: u64,
    /// How many bytes it has.
    pub len: u64,
    /// The line.
    pub line: Line,
    /// Lines before it.
    pub before: Vec<Line>,
    /// Lines behind it.
    pub after: Vec<Line>,
}

/// A line, or the part of a long one that is worth showing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number within its stream, from 1.
    pub number: u64,
    /// The offset of the first byte given, within its stream.
    pub offset: u64,
    /// At most 4 KiB, without the line feed.
    pub bytes: Bytes,
    /// Whether there is more of it.
    pub cut: bool,
}

/// Looks through what is retained of a process at this moment. Runs on another thread; dropping the future stops it.
///
/// Streams are looked through each on its own, so a line is whole, however it was cut into chunks. A line of more than
/// 1 MiB counts as several. What is missing ends the line before it.
pub async fn search(log: Arc<OutputLog>, query: Query) -> Found {
    let given_up = GivenUp(Arc::new(AtomicBool::new(false)));
    let told = Arc::clone(&given_up.0);
    match spawn_blocking(move || look_through(&log, &query, &told)).await {
        Ok(found) => found,
        // Only if the runtime ends.
        Err(_) => std::future::pending().await,
    }
}

/// Tells the thread that nobody waits any more.
struct GivenUp(Arc<AtomicBool>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What is given so far, within its bounds.
pub(crate) struct Yield {
    matches: Vec<Match>,
    max_matches: usize,
    bytes_left: usize,
    stopped: Option<Stopped>,
}

fn look_through(log: &OutputLog, query: &Query, given_up: &AtomicBool) -> Found {
    let until = Instant::now() + query.time;
    let mut lanes =
        Stream::ALL.map(|stream| Lane::new(stream, query.offsets[stream.index()], query.context_lines));
    let mut found = Yield {
        matches: Vec::new(),
        max_matches: query.max_matches,
        bytes_left: query.max_bytes,
        stopped: None,
    };
    let (mut after, mut searched, mut missing) = (query.after_seq, 0, 0);
    let end = log.status().next_seq;
    loop {
        let batch = log.read(after, Some(PIECE));
        if let Some(dropped) = batch.dropped {
            missing += dropped.bytes;
            lanes.iter_mut().for_each(|lane| lane.end(&query.pattern, &mut found));
        }
        if batch.chunks.is_empty() || after + 1 >= end {
            break;
        }
        for chunk in &batch.chunks {
            if let Some(lane) = lanes.iter_mut().find(|lane| lane.stream() == chunk.stream) {
                searched += lane.push(chunk);
            }
        }
        lanes.iter_mut().for_each(|lane| lane.look(&query.pattern, &mut found));
        after = batch.next_seq - 1;
        if given_up.load(Ordering::Relaxed) || Instant::now() >= until {
            found.stopped.get_or_insert(Stopped::Time);
        }
        if found.stopped.is_some() && lanes.iter().all(|lane| !lane.owes_context()) {
            break;
        }
        if found.stopped == Some(Stopped::Time) {
            break;
        }
    }
    let next_seq = lanes.iter().filter_map(Lane::next_seq).fold(after + 1, u64::min);
    let next_offsets = lanes.each_ref().map(Lane::next_offset);
    // What is left are lines that have not ended, one a stream at the most: the next search begins with them in any
    // case, so none of them is refused.
    (found.max_matches, found.bytes_left) = (usize::MAX, usize::MAX);
    lanes.iter_mut().for_each(|lane| lane.end(&query.pattern, &mut found));
    found.matches.sort_by_key(|found| (found.seq, found.offset));
    let Yield { matches, stopped, .. } = found;
    Found { matches, stopped, searched_bytes: searched, dropped_bytes: missing, next_seq, next_offsets }
}

impl Yield {
    /// Whether a match, or more context of one, is wanted.
    fn is_open(&self) -> bool {
        self.stopped.is_none()
    }

    /// Takes a match, unless it exceeds a bound. Gives its place.
    fn take(&mut self, found: Match) -> Option<usize> {
        if self.matches.len() >= self.max_matches {
            self.stopped = Some(Stopped::Matches);
            return None;
        }
        let lines = found.before.iter().chain([&found.line]);
        let bytes: usize = lines.map(|line| line.bytes.len()).sum();
        if bytes > self.bytes_left && !self.matches.is_empty() {
            self.stopped = Some(Stopped::Bytes);
            return None;
        }
        self.bytes_left = self.bytes_left.saturating_sub(bytes);
        self.matches.push(found);
        Some(self.matches.len() - 1)
    }

    /// Takes a line behind a match. False if there is no room for it, and so for none behind it.
    fn take_behind(&mut self, place: usize, line: Line) -> bool {
        let fits = line.bytes.len() <= self.bytes_left;
        if fits {
            self.bytes_left -= line.bytes.len();
            self.matches[place].after.push(line);
        }
        fits
    }
}
