//! Views: what a named chain of filters makes of what a process has printed, computed from the retained output when it is
//! read.
//!
//! A chunk of a view has the seq of the last raw chunk that it was made from, so that raw output and views share their
//! cursors; what filters hold back until the end has the seq of the close. What was computed is kept, and thrown away
//! again over a bound on all views together: reading it anew computes it anew.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;
use weir_plugin::{Fault, FilterChain, FilterStream, Plugin};
use weir_process::{Dropped, OutputLog, ReadBatch, Status, Stream, WaitFor, incomplete_suffix};

use crate::ends::Ends;
use crate::pipeline::ProcessFacts;

/// Raw output that is taken at once.
const TURN: u64 = 1 << 20;
/// What is computed ahead of a reader, where there is more raw output than memory holds.
const AHEAD: u64 = 16 << 20;

/// A bound over what all views keep.
#[derive(Debug, Clone)]
pub(crate) struct ViewBudget {
    used: Arc<AtomicU64>,
    most: u64,
}

impl ViewBudget {
    pub(crate) fn new(most: u64) -> Self {
        Self { used: Arc::default(), most }
    }

    fn is_over(&self) -> bool {
        self.used.load(Ordering::Relaxed) > self.most
    }
}

/// The views of one process that were read so far.
#[derive(Debug, Default)]
pub(crate) struct Views(Mutex<HashMap<String, Arc<View>>>);

impl Views {
    /// The view of a name, which goes through `filters`.
    pub(crate) fn get(
        &self,
        name: &str,
        filters: &[Arc<Plugin>],
        facts: &Arc<ProcessFacts>,
        log: &Arc<OutputLog>,
        budget: &ViewBudget,
    ) -> Arc<View> {
        let mut views = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let view = views.entry(name.to_owned()).or_insert_with(|| {
            let made = Made::new(filters.to_vec(), Vec::new(), budget.clone());
            Arc::new(View { facts: Arc::clone(facts), log: Arc::clone(log), made: AsyncMutex::new(made) })
        });
        Arc::clone(view)
    }
}

/// A view of one process.
#[derive(Debug)]
pub(crate) struct View {
    facts: Arc<ProcessFacts>,
    log: Arc<OutputLog>,
    /// Held while filters compute: readers of the same view take turns.
    made: AsyncMutex<Made>,
}

/// A chunk of a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ViewChunk {
    /// The first raw chunk that it may hold something of.
    pub(crate) from_seq: u64,
    /// The last one.
    pub(crate) seq: u64,
    pub(crate) stream: Stream,
    pub(crate) bytes: Bytes,
}

/// The answer to a read of a view.
#[derive(Debug)]
pub(crate) struct ViewBatch {
    pub(crate) chunks: Vec<ViewChunk>,
    pub(crate) dropped: Option<Dropped>,
    pub(crate) next_seq: u64,
    pub(crate) status: Status,
    /// Whether the exit is behind the cursor: news to whoever reads from there.
    pub(crate) exit_is_news: bool,
    /// Filters that failed and were left out.
    pub(crate) passed_over: Vec<String>,
}

/// A whole view.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) output: Ends,
    pub(crate) passed_over: Vec<String>,
}

/// What was computed so far.
#[derive(Debug)]
struct Made {
    filters: Vec<Arc<Plugin>>,
    passed_over: Vec<String>,
    ways: HashMap<Stream, Way>,
    /// The last raw seq that went in.
    cursor: u64,
    /// The last seq that was there when nothing more was to be put in: that of a chunk, the exit, or the close.
    seen: u64,
    /// [`Self::seen`] when the exit was there for the first time.
    exit_seen: Option<u64>,
    chunks: VecDeque<ViewChunk>,
    /// Chunks up to this one were thrown away.
    forgotten: u64,
    /// Raw output that was gone before it could go in.
    gaps: Vec<Dropped>,
    finished: bool,
    bytes: u64,
    budget: ViewBudget,
}

/// One stream's way through the filters.
struct Way {
    filters: FilterStream,
    /// The first raw seq that nothing was given for yet.
    from_seq: Option<u64>,
    /// Where chunks end where characters end, those of a view do too: the beginning of a character whose rest the
    /// filters have not given yet.
    held: Option<Bytes>,
}

impl std::fmt::Debug for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Way").field("from_seq", &self.from_seq).finish_non_exhaustive()
    }
}

impl Way {
    /// What is to be added of what the filters gave. The rest waits.
    fn complete(&mut self, given: Bytes) -> Bytes {
        let Some(held) = self.held.take() else { return given };
        let mut bytes = match held.is_empty() {
            true => given,
            false => {
                let mut joined = BytesMut::from(&held[..]);
                joined.extend_from_slice(&given);
                joined.freeze()
            }
        };
        self.held = Some(bytes.split_off(bytes.len() - incomplete_suffix(&bytes)));
        bytes
    }

    /// What waits, and what the filters gave at the end: a character that is incomplete now stays so.
    fn complete_last(&mut self, given: Bytes) -> Bytes {
        match self.held.take().filter(|held| !held.is_empty()) {
            Some(held) => [held, given].concat().into(),
            None => given,
        }
    }
}

impl View {
    /// Chunks after `after_seq`, as [`OutputLog::read`] has it. A filter that fails is left out, and the view is made
    /// anew without it.
    pub(crate) async fn read(&self, after_seq: u64, max_bytes: Option<u64>) -> ViewBatch {
        let mut made = self.made.lock().await;
        let enough = max_bytes.unwrap_or(AHEAD).min(AHEAD);
        let status = self.catch_up(&mut made, after_seq, enough).await;
        made.batch(after_seq, max_bytes, status)
    }

    /// All of it, by stream, as far as it has no more than `most` bytes, and the filters that were left out. For a closed
    /// process.
    pub(crate) async fn whole(&self, most: u64) -> Whole {
        let mut whole = Whole { output: Ends::new(most), passed_over: Vec::new() };
        let mut after = 0;
        loop {
            let ViewBatch { chunks, next_seq, status, passed_over, .. } = self.read(after, None).await;
            if passed_over != whole.passed_over {
                // A filter failed on the way: the view was made anew, and so is this.
                whole = Whole { output: Ends::new(most), passed_over };
                if after > 0 {
                    after = 0;
                    continue;
                }
            }
            for chunk in chunks {
                whole.output.push(chunk.stream, chunk.bytes);
            }
            if next_seq >= status.next_seq || next_seq <= after + 1 {
                return whole;
            }
            after = next_seq - 1;
        }
    }

    /// [`View::read`] once there is what it waits for, or the timeout is over.
    pub(crate) async fn read_waiting(
        &self,
        after_seq: u64,
        max_bytes: Option<u64>,
        wait_for: WaitFor,
        timeout: Duration,
    ) -> ViewBatch {
        let deadline = Instant::now().checked_add(timeout);
        loop {
            let batch = self.read(after_seq, max_bytes).await;
            let enough = match wait_for {
                WaitFor::Output => !batch.chunks.is_empty() || batch.exit_is_news,
                WaitFor::Exit => batch.status.exit.is_some(),
                WaitFor::Close => false,
            };
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            if enough || batch.status.closed || left.is_some_and(|left| left.is_zero()) {
                return batch;
            }
            let raw = batch.next_seq - 1;
            self.log.read_waiting(raw.max(after_seq), Some(1), wait_for, left).await;
        }
    }

    /// Puts in what is there and is not in yet; of what is on disk, only until there is `enough` behind the cursor.
    async fn catch_up(&self, made: &mut Made, after_seq: u64, enough: u64) -> Status {
        if after_seq < made.forgotten {
            made.start_again();
        }
        loop {
            let batch = self.log.fetch(made.cursor, Some(TURN)).await;
            let (status, nothing_more, next_seq) =
                (batch.status.clone(), batch.chunks.is_empty(), batch.next_seq);
            if let Err(fault) = self.put_in(made, batch).await {
                made.pass_over(&fault);
                continue;
            }
            if nothing_more {
                made.seen = next_seq - 1;
                if status.exit.is_some() {
                    made.exit_seen.get_or_insert(made.seen);
                }
                return status;
            }
            if status.spilled_bytes > 0 && made.bytes_after(after_seq) >= enough {
                return status;
            }
        }
    }

    async fn put_in(&self, made: &mut Made, batch: ReadBatch) -> Result<(), Box<Fault>> {
        if let Some(dropped) = batch.dropped {
            // What comes after a gap is no continuation of what came before it.
            made.finish_ways(dropped.to_seq).await?;
            made.gaps.push(dropped);
            made.cursor = dropped.to_seq;
        }
        for chunk in batch.chunks {
            let way = made.ways.entry(chunk.stream).or_insert_with(|| Way {
                filters: FilterChain::new(made.filters.clone())
                    .open(self.facts.of_stream(chunk.stream, true)),
                from_seq: None,
                held: self.log.whole_characters().then(Bytes::new),
            });
            let from_seq = *way.from_seq.get_or_insert(chunk.seq);
            let given = way.filters.push(chunk.bytes).await?;
            let bytes = way.complete(given);
            if !bytes.is_empty() {
                way.from_seq = None;
                made.add(ViewChunk { from_seq, seq: chunk.seq, stream: chunk.stream, bytes });
            }
            made.cursor = chunk.seq;
        }
        if batch.status.closed && batch.next_seq == batch.status.next_seq && !made.finished {
            // The close is the last of all seqs.
            made.finish_ways(batch.status.next_seq - 1).await?;
            made.finished = true;
        }
        Ok(())
    }
}

impl Made {
    fn new(filters: Vec<Arc<Plugin>>, passed_over: Vec<String>, budget: ViewBudget) -> Self {
        Self {
            filters,
            passed_over,
            ways: HashMap::new(),
            cursor: 0,
            seen: 0,
            exit_seen: None,
            chunks: VecDeque::new(),
            forgotten: 0,
            gaps: Vec::new(),
            finished: false,
            bytes: 0,
            budget,
        }
    }

    fn start_again(&mut self) {
        let (filters, passed_over) =
            (std::mem::take(&mut self.filters), std::mem::take(&mut self.passed_over));
        *self = Self::new(filters, passed_over, self.budget.clone());
    }

    fn pass_over(&mut self, fault: &Fault) {
        self.filters.retain(|plugin| plugin.name() != fault.plugin);
        if !self.passed_over.contains(&fault.plugin) {
            self.passed_over.push(fault.plugin.clone());
        }
        self.start_again();
    }

    /// Ends all streams: what filters hold back goes under `seq`.
    async fn finish_ways(&mut self, seq: u64) -> Result<(), Box<Fault>> {
        for stream in Stream::ALL {
            let Some(mut way) = self.ways.remove(&stream) else { continue };
            let given = way.filters.finish().await?;
            let bytes = way.complete_last(given);
            if !bytes.is_empty() {
                self.add(ViewChunk { from_seq: way.from_seq.unwrap_or(seq), seq, stream, bytes });
            }
        }
        Ok(())
    }

    fn bytes_after(&self, seq: u64) -> u64 {
        let first = self.chunks.partition_point(|chunk| chunk.seq <= seq);
        self.chunks.range(first..).map(|chunk| chunk.bytes.len() as u64).sum()
    }

    fn add(&mut self, chunk: ViewChunk) {
        let bytes = chunk.bytes.len() as u64;
        self.bytes += bytes;
        self.budget.used.fetch_add(bytes, Ordering::Relaxed);
        self.chunks.push_back(chunk);
    }

    fn batch(&mut self, after_seq: u64, max_bytes: Option<u64>, status: Status) -> ViewBatch {
        let max_bytes = max_bytes.unwrap_or(u64::MAX);
        let first = self.chunks.partition_point(|chunk| chunk.seq <= after_seq);
        let gap_after =
            |seq: u64| self.gaps.iter().find(move |gap| gap.from_seq > seq).map(|gap| gap.from_seq);
        let mut chunks = Vec::<ViewChunk>::new();
        let mut bytes = 0;
        let mut all = true;
        // The gap that lies before the first chunk is told with it; a later one ends the batch.
        let stop = self.chunks.get(first).and_then(|chunk| gap_after(chunk.seq)).unwrap_or(u64::MAX);
        for chunk in self.chunks.iter().skip(first) {
            let together = chunks.last().is_some_and(|last| last.seq == chunk.seq);
            let size = chunk.bytes.len() as u64;
            if !together && !chunks.is_empty() && (bytes + size > max_bytes || chunk.seq > stop) {
                all = false;
                break;
            }
            bytes += size;
            chunks.push(chunk.clone());
        }
        let upto = chunks.first().map_or(self.cursor, |chunk| chunk.seq);
        let dropped = self.gaps.iter().find(|gap| gap.to_seq > after_seq && gap.from_seq <= upto).copied();
        let next_seq = match chunks.last() {
            Some(last) if !all => last.seq + 1,
            // Exit and close have seqs that no chunk has.
            _ if self.finished => status.next_seq,
            _ => self.cursor.max(self.seen).max(after_seq) + 1,
        };
        let exit_is_news = self.exit_seen.is_some_and(|seen| seen > after_seq);
        if self.budget.is_over() {
            self.forget(after_seq);
        }
        ViewBatch { chunks, dropped, next_seq, status, exit_is_news, passed_over: self.passed_over.clone() }
    }

    /// Throws away what the reader has.
    fn forget(&mut self, after_seq: u64) {
        while self.chunks.front().is_some_and(|chunk| chunk.seq <= after_seq)
            && let Some(chunk) = self.chunks.pop_front()
        {
            let bytes = chunk.bytes.len() as u64;
            self.bytes -= bytes;
            self.budget.used.fetch_sub(bytes, Ordering::Relaxed);
            self.forgotten = self.forgotten.max(chunk.seq);
        }
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use weir_plugin::{Channel, StreamFacts};

    use super::*;

    #[test]
    fn a_character_that_filters_have_cut_is_put_together() {
        let facts = StreamFacts {
            process_id: "p".to_owned(),
            channel: Channel::Stdout,
            argv: Vec::new(),
            cwd: "/".to_owned(),
            env: Arc::default(),
            view: true,
            metadata: Vec::new(),
        };
        let text = "a\u{1F600}b\u{20AC}".as_bytes();
        for (first, second) in (0..=text.len()).flat_map(|a| (a..=text.len()).map(move |b| (a, b))) {
            let filters = FilterChain::new(Vec::new()).open(Arc::new(facts.clone()));
            let mut way = Way { filters, from_seq: None, held: Some(Bytes::new()) };
            let mut whole = Vec::new();
            for piece in [&text[..first], &text[first..second], &text[second..]] {
                let given = way.complete(Bytes::copy_from_slice(piece));
                assert!(std::str::from_utf8(&given).is_ok(), "{first}, {second}: {given:x?}");
                whole.extend_from_slice(&given);
            }
            whole.extend_from_slice(&way.complete_last(Bytes::from_static(b"\xf0\x9f")));
            assert_eq!(whole, [text, b"\xf0\x9f"].concat());
        }
    }
}
