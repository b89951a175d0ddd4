//! The retained entries of one log: a head, one gap, a tail. Plain data: no lock, no waiting, no store.
//!
//! Every byte has an offset in what the process printed, and every entry knows the offset of its end. Head,
//! gap and tail cover all offsets without a hole, so what a cursor missed is a difference of two offsets.

mod pages;
mod spilled;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use super::bounds::Bounds;
use super::characters::Joined;
use super::cursor_table::CursorTable;
use super::entry::{Batch, Entry, ExitEntry, Gap, Spoils};
use super::region::{Reading, Region};
use super::{Chunk, Dropped, Event, Exit, Overflow, Retention, Stream};

/// Entries in the order of their numbers. Chunks that no longer fit fall into the gap; exit and close stay.
#[derive(Debug)]
pub(super) struct Retained {
    bounds: Bounds,
    /// How far everything may give way; none where that does not matter.
    taken: Option<Position>,
    /// What is on disk, before everything else. While more may go there, there is no head and no gap.
    region: Option<Region>,
    /// Whether everything is to go to disk.
    pressed: bool,
    stream_offsets: [u64; 3],
    lines: [u64; 3],
    /// Whether new chunks still go to the head: until it is full or anything was dropped, and never again.
    head_open: bool,
    head_bytes: u64,
    head: VecDeque<Entry>,
    gap: Option<Gap>,
    tail: VecDeque<Entry>,
    tail_bytes: u64,
    cursors: CursorTable,
    exit: Option<ExitEntry>,
    close_seq: Option<u64>,
    next_seq: u64,
    total_bytes: u64,
    withheld_bytes: u64,
    withheld_reason: Option<Arc<str>>,
}

/// The line feeds in a chunk, which is at most 64 KiB.
pub(super) fn line_feeds(bytes: &[u8]) -> u32 {
    memchr::memchr_iter(b'\n', bytes).count() as u32
}

/// How far a follower has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    /// The number of the last entry taken.
    pub(super) seq: u64,
    /// The offset of the next byte that it wants.
    pub(super) offset: u64,
}

impl Retained {
    pub(super) fn new(retention: &Retention) -> Self {
        Self {
            bounds: Bounds::new(retention),
            taken: (retention.overflow == Overflow::Backpressure).then_some(Position { seq: 0, offset: 0 }),
            region: None,
            pressed: false,
            stream_offsets: [0; 3],
            lines: [0; 3],
            head_open: true,
            head_bytes: 0,
            head: VecDeque::new(),
            gap: None,
            tail: VecDeque::new(),
            tail_bytes: 0,
            cursors: CursorTable::default(),
            exit: None,
            close_seq: None,
            next_seq: 1,
            total_bytes: 0,
            withheld_bytes: 0,
            withheld_reason: None,
        }
    }

    /// The most bytes that [`Retained::push`] may be given at once.
    pub(super) fn piece(&self) -> usize {
        self.bounds.piece
    }

    /// The most bytes to append after waiting for a follower.
    pub(super) fn portion(&self) -> usize {
        self.bounds.portion()
    }

    /// Bytes in memory.
    pub(super) fn bytes(&self) -> u64 {
        self.head_bytes + self.tail_bytes
    }

    /// Bytes on disk.
    pub(super) fn spilled_bytes(&self) -> u64 {
        self.region.as_ref().map_or(0, |region| region.end)
    }

    /// Retained bytes that must not give way.
    pub(super) fn untaken_bytes(&self) -> u64 {
        self.taken.map_or(0, |taken| (self.total_bytes - taken.offset).min(self.bytes()))
    }

    /// Lets everything up to `seq` give way. It never goes back.
    pub(super) fn acknowledge(&mut self, seq: u64) {
        let position = self.position_after(seq);
        if let Some(taken) = &mut self.taken
            && position.seq > taken.seq
        {
            *taken = position;
            self.make_room(0, 0);
        }
    }

    /// Whether there are chunks that must not give way, or will be.
    pub(super) fn keeps_everything(&self) -> bool {
        self.taken.is_some()
    }

    /// Whether appending `more` bytes would need room that only chunks have which must not give way.
    pub(super) fn is_full_of_untaken(&self, more: usize) -> bool {
        self.taken.is_some_and(|taken| self.would_drop_untaken(taken, more))
    }

    pub(super) fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    pub(super) fn withheld_bytes(&self) -> u64 {
        self.withheld_bytes
    }

    pub(super) fn withheld_reason(&self) -> Option<Arc<str>> {
        self.withheld_reason.clone()
    }

    /// Counts bytes that will never be here.
    pub(super) fn withhold(&mut self, bytes: u64, reason: Option<Arc<str>>) {
        self.withheld_bytes += bytes;
        self.withheld_reason = self.withheld_reason.take().or(reason);
    }

    pub(super) fn next_seq(&self) -> u64 {
        self.next_seq
    }

    pub(super) fn exit(&self) -> Option<Exit> {
        self.exit.as_ref().map(|entry| entry.exit)
    }

    pub(super) fn closed(&self) -> bool {
        self.close_seq.is_some()
    }

    /// Whether there is, or was, a chunk after this one. If so a read from there has something to tell.
    pub(super) fn chunk_after(&self, seq: u64) -> bool {
        let retained = self.last().map(|entry| entry.seq);
        let dropped = self.gap.map(|gap| gap.to);
        retained.max(dropped).is_some_and(|last| last > seq) || self.is_on_disk_after(seq)
    }

    /// Whether the chunk after this one is on disk.
    pub(super) fn is_on_disk_after(&self, seq: u64) -> bool {
        self.region.as_ref().is_some_and(|region| region.to_seq > seq)
    }

    /// Where the chunks after this one are, if they are on disk.
    pub(super) fn on_disk_after(&self, seq: u64) -> Option<Reading> {
        self.region.as_ref().filter(|region| region.to_seq > seq).map(|region| region.after(seq))
    }

    pub(super) fn exit_after(&self, seq: u64) -> bool {
        self.exit.as_ref().is_some_and(|entry| entry.seq > seq)
    }

    /// Whether a follower at `position` has anything to take.
    pub(super) fn event_after(&self, position: Position) -> bool {
        self.last().is_some_and(|entry| entry.seq > position.seq)
            || self.is_on_disk_after(position.seq)
            || self.exit_after(position.seq)
            || self.close_seq.is_some_and(|seq| seq > position.seq)
    }

    /// Appends a chunk of at most [`Retained::piece`] bytes, and drops what no longer fits. The chunk becomes
    /// two where the head's quarter ends.
    pub(super) fn push(&mut self, stream: Stream, mut bytes: Bytes, mut feeds: u32) {
        if self.head_open {
            match self.push_head(stream, bytes, feeds) {
                None => return,
                Some((rest, of_rest)) => (bytes, feeds) = (rest, of_rest),
            }
            self.head_open = false;
        }
        let len = bytes.len() as u64;
        self.make_room(len, 1);
        let entry = self.entry(stream, bytes, feeds);
        self.tail_bytes += len;
        self.tail.push_back(entry);
    }

    pub(super) fn record_exit(&mut self, exit: Exit, streams_open: Vec<Stream>) {
        let seq = self.take_seq();
        self.exit = Some(ExitEntry { seq, offset: self.total_bytes, exit, streams_open });
    }

    pub(super) fn record_close(&mut self) {
        self.close_seq = Some(self.take_seq());
    }

    /// Chunks after `after_seq`, what is missing before the first, and the number to go on with.
    pub(super) fn read(
        &mut self,
        after_seq: u64,
        max_bytes: Option<u64>,
    ) -> (Vec<Chunk>, Option<Dropped>, u64) {
        let in_head = self.head.partition_point(|entry| entry.seq <= after_seq);
        let before_gap = in_head < self.head.len();
        let dropped = if before_gap { None } else { self.missing_after(after_seq) };

        let mut batch = Batch::new(max_bytes);
        let mut cut = batch.take(&mut self.head, in_head);
        if before_gap && self.gap.is_some() {
            // The next read begins at the gap and reports it.
            cut = true;
        }
        if !cut {
            let in_tail = self.tail.partition_point(|entry| entry.seq <= after_seq);
            cut = batch.take(&mut self.tail, in_tail);
        }
        let chunks = batch.chunks;
        let next_seq = match chunks.last() {
            Some(last) if cut || max_bytes.is_some() => last.seq + 1,
            _ => self.next_seq,
        };
        self.mark_as_cursor(next_seq - 1);
        (chunks, dropped, next_seq)
    }

    /// Moves a follower on by at least one event, if there is one, and by no more than `max_bytes` of chunks
    /// beyond the first.
    /// What is on disk comes from `ahead`; true if there is something there that is not in it yet.
    pub(super) fn take_events(
        &mut self,
        position: &mut Position,
        ahead: &mut VecDeque<Entry>,
        max_bytes: u64,
        out: &mut Vec<Event>,
    ) -> bool {
        let mut in_head = self.head.partition_point(|entry| entry.seq <= position.seq);
        let mut in_tail = self.tail.partition_point(|entry| entry.seq <= position.seq);
        let mut taken = 0;
        let mut first = true;
        loop {
            let on_disk = self.is_on_disk_after(position.seq);
            while ahead.front().is_some_and(|entry| entry.seq <= position.seq || !on_disk) {
                ahead.pop_front();
            }
            let chunk = match self.head.get(in_head) {
                _ if on_disk => ahead.front(),
                Some(entry) => Some(entry),
                None => self.tail.get(in_tail),
            };
            if on_disk
                && chunk.is_none()
                && self.exit.as_ref().is_none_or(|exit| exit.seq != position.seq + 1)
            {
                return true;
            }
            let exit = self
                .exit
                .as_ref()
                .filter(|exit| exit.seq > position.seq && chunk.is_none_or(|entry| exit.seq < entry.seq));
            if let Some(entry) = exit {
                let (seq, offset, exit) = (entry.seq, entry.offset, entry.exit);
                let streams_open = entry.streams_open.clone();
                let dropped = self.advance(position, seq, offset, 0);
                out.push(Event::Exited { seq, exit, streams_open, dropped });
            } else if let Some(entry) = chunk {
                let len = entry.bytes.len() as u64;
                if !first && taken + len > max_bytes {
                    return false;
                }
                taken += len;
                let chunk = entry.chunk();
                let start = entry.end - len;
                if on_disk {
                    position.offset = start;
                }
                let dropped = self.advance(position, chunk.seq, start, len);
                if on_disk {
                    ahead.pop_front();
                } else if in_head < self.head.len() {
                    self.head[in_head].delivered = true;
                    in_head += 1;
                } else {
                    self.tail[in_tail].delivered = true;
                    in_tail += 1;
                }
                out.push(Event::Output { chunk, dropped });
            } else if let Some(seq) = self.close_seq
                && seq > position.seq
            {
                let dropped = self.advance(position, seq, self.total_bytes, 0);
                let total_bytes = self.total_bytes;
                let dropped_bytes = total_bytes - self.bytes() - self.spilled_bytes();
                out.push(Event::Closed {
                    seq,
                    total_bytes,
                    dropped_bytes,
                    withheld_bytes: self.withheld_bytes,
                    withheld_reason: self.withheld_reason.clone(),
                    dropped,
                });
            } else {
                return false;
            }
            first = false;
        }
    }

    /// A follower that has everything up to and including `seq`.
    pub(super) fn position_after(&self, seq: u64) -> Position {
        let seq = seq.min(self.next_seq - 1);
        Position { seq, offset: self.offset_after(seq) }
    }

    /// Whether appending `more` bytes would drop a chunk that a follower at `position` has not taken.
    ///
    /// What is appended can itself be more than fits; that is not counted, since no waiting helps it.
    pub(super) fn would_drop_untaken(&self, position: Position, more: usize) -> bool {
        let excess = (self.bytes() + more as u64).saturating_sub(self.bounds.max_bytes).min(self.tail_bytes);
        let tail_start = self.total_bytes - self.tail_bytes;
        // Positions lie at chunk borders, so bytes decide for the whole chunk that they are part of.
        if excess > 0 && tail_start + excess > position.offset {
            return true;
        }
        // The head's end cuts a piece in two, and bytes held back may end as a chunk of each stream.
        let more_chunks = usize::from(self.head_open) + if self.bounds.whole_characters { 2 } else { 0 };
        let chunks = more.div_ceil(self.bounds.shortest_piece()).saturating_add(more_chunks);
        let excess = self.count().saturating_add(chunks).saturating_sub(self.bounds.max_chunks);
        match excess.min(self.tail.len()).checked_sub(1) {
            Some(last) => self.tail[last].end > position.offset,
            None => false,
        }
    }

    /// Drops at least `bytes`, on both sides of the gap, as if the bound had been lower from the start: the
    /// back of a head that is more than a quarter, else the front of the tail. So the newest bytes of a log
    /// that has little beside its head are not dropped the moment they come.
    pub(super) fn give_way(&mut self, bytes: u64) {
        let target = self.bytes().saturating_sub(bytes);
        while self.bytes() > target {
            self.head_open = false;
            let head_is_large = self.head_bytes.saturating_mul(4) > self.bytes();
            if !(head_is_large && self.drop_head() || self.drop_one()) {
                break;
            }
        }
    }

    /// Drops every chunk.
    pub(super) fn clear(&mut self) -> Spoils {
        self.lose_region();
        let (head, tail) = (std::mem::take(&mut self.head), std::mem::take(&mut self.tail));
        for entry in head.iter().rev() {
            self.swallow_previous(entry);
        }
        for entry in &tail {
            self.swallow_next(entry);
        }
        self.head_bytes = 0;
        self.tail_bytes = 0;
        self.head_open = false;
        Spoils::new(head, tail)
    }

    /// The retained bytes of one stream before and after the gap, and how many it lost in between.
    pub(super) fn of_stream(&self, stream: Stream) -> (Vec<Bytes>, u64, Vec<Bytes>) {
        let pick = |entries: &VecDeque<Entry>| -> Vec<Bytes> {
            entries.iter().filter(|entry| entry.stream == stream).map(|entry| entry.bytes.clone()).collect()
        };
        let (mut before, mut after) = (pick(&self.head), pick(&self.tail));
        match self.gap {
            Some(gap) => (before, gap.by_stream[stream.index()], after),
            None => {
                before.append(&mut after);
                (before, 0, after)
            }
        }
    }

    fn count(&self) -> usize {
        self.head.len() + self.tail.len()
    }

    fn last(&self) -> Option<&Entry> {
        self.tail.back().or(self.head.back())
    }

    fn take_seq(&mut self) -> u64 {
        let seq = self.next_seq;
        self.next_seq += 1;
        seq
    }

    fn entry(&mut self, stream: Stream, bytes: Bytes, feeds: u32) -> Entry {
        let (stream_offset, line) = (self.stream_offsets[stream.index()], self.lines[stream.index()]);
        self.total_bytes += bytes.len() as u64;
        self.stream_offsets[stream.index()] += bytes.len() as u64;
        self.lines[stream.index()] += u64::from(feeds);
        let (seq, end) = (self.take_seq(), self.total_bytes);
        Entry { seq, end, stream, stream_offset, line, feeds, delivered: false, bytes }
    }

    /// Appends to the open head. Returns what is for the tail once the head is full.
    fn push_head(&mut self, stream: Stream, bytes: Bytes, feeds: u32) -> Option<(Bytes, u32)> {
        if self.head.len() >= self.bounds.head_chunks {
            return Some((bytes, feeds));
        }
        let room = usize::try_from(self.bounds.head_bytes - self.head_bytes).unwrap_or(usize::MAX);
        if bytes.len() <= room {
            self.head_bytes += bytes.len() as u64;
            let entry = self.entry(stream, bytes, feeds);
            self.head.push_back(entry);
            return None;
        }
        let fits = match self.bounds.whole_characters {
            true => Joined::new(&[], &bytes).whole(0..room).end,
            false => room,
        };
        if fits == 0 {
            return Some((bytes, feeds));
        }
        // Copies, not slices: a slice would keep the whole piece in memory for as long as either half lives.
        self.head_bytes += fits as u64;
        let of_head = line_feeds(&bytes[..fits]);
        let entry = self.entry(stream, Bytes::copy_from_slice(&bytes[..fits]), of_head);
        self.head.push_back(entry);
        Some((Bytes::copy_from_slice(&bytes[fits..]), feeds - of_head))
    }

    /// Drops what has to go for so much more, as far as it may go.
    fn make_room(&mut self, bytes: u64, chunks: usize) {
        while self.bytes() + bytes > self.bounds.max_bytes || self.count() + chunks > self.bounds.max_chunks {
            if !self.drop_one() {
                break;
            }
        }
    }

    fn may_drop(&self, entry: Option<&Entry>) -> bool {
        match (self.taken, entry) {
            (Some(taken), Some(entry)) => entry.end <= taken.offset,
            _ => true,
        }
    }

    /// Drops the chunk whose turn it is: the front of the tail, or the back of the head if there is no tail.
    /// False if there is none, or if it must not give way.
    fn drop_one(&mut self) -> bool {
        if !self.may_drop(self.tail.front()) {
            return false;
        }
        self.head_open = false;
        let Some(entry) = self.tail.pop_front() else { return self.drop_head() };
        self.tail_bytes -= entry.bytes.len() as u64;
        self.swallow_next(&entry);
        true
    }

    /// Drops the back of the head. False if there is none.
    fn drop_head(&mut self) -> bool {
        let Some(entry) = self.head.pop_back() else { return false };
        self.head_bytes -= entry.bytes.len() as u64;
        self.swallow_previous(&entry);
        true
    }

    /// Extends the gap by the chunk after it.
    fn swallow_next(&mut self, entry: &Entry) {
        let gap = self.gap.get_or_insert_with(|| Gap::before(entry));
        gap.to = entry.seq;
        gap.end = entry.end;
        gap.by_stream[entry.stream.index()] += entry.bytes.len() as u64;
        if entry.delivered {
            self.cursors.push_back(entry.seq, entry.end);
        }
    }

    /// Extends the gap by the chunk in front of it.
    fn swallow_previous(&mut self, entry: &Entry) {
        let gap = self.gap.get_or_insert_with(|| Gap::after(entry));
        gap.from = entry.seq;
        gap.start = entry.start();
        gap.by_stream[entry.stream.index()] += entry.bytes.len() as u64;
        if entry.delivered {
            self.cursors.push_front(entry.seq, entry.end);
        }
    }

    /// What the gap holds for a cursor that has every retained chunk before it.
    fn missing_after(&mut self, after_seq: u64) -> Option<Dropped> {
        let gap = self.gap.filter(|gap| gap.to > after_seq)?;
        let mut from_seq = gap.from.max(after_seq.saturating_add(1));
        if self.exit.as_ref().is_some_and(|exit| exit.seq == from_seq) {
            from_seq += 1;
        }
        let bytes = gap.end - self.offset_after(after_seq).max(gap.start);
        self.mark_as_cursor(gap.to);
        Some(Dropped { from_seq, to_seq: gap.to, bytes })
    }

    /// Moves a follower over the entry `seq` of `len` bytes at `start`, and says what it skipped.
    fn advance(&mut self, position: &mut Position, seq: u64, start: u64, len: u64) -> Option<Dropped> {
        let dropped = (start > position.offset).then(|| Dropped {
            from_seq: position.seq + 1,
            to_seq: seq - 1,
            bytes: start - position.offset,
        });
        if let Some(dropped) = dropped {
            self.mark_as_cursor(dropped.to_seq);
        }
        *position = Position { seq, offset: start + len };
        dropped
    }

    /// The offset of the first byte after the entry `seq`.
    ///
    /// Exact for every number that was handed out, unless the table of dropped ones has forgotten it; for any
    /// other number inside the gap it is the nearest known offset below, so that more is reported as dropped
    /// than was, never less.
    fn offset_after(&self, seq: u64) -> u64 {
        let up_to = |entries: &VecDeque<Entry>| -> Option<u64> {
            let above = entries.partition_point(|entry| entry.seq <= seq);
            entries.get(above.checked_sub(1)?).map(|entry| entry.end)
        };
        if let Some(end) = up_to(&self.tail) {
            return end;
        }
        match self.gap {
            Some(gap) if seq >= gap.to => gap.end,
            Some(gap) if seq >= gap.from => {
                // The exit takes a number but no bytes: the number before it ends where it stands.
                let exit = self.exit.as_ref().filter(|exit| exit.seq <= seq + 1).map(|exit| exit.offset);
                gap.start.max(self.cursors.floor(seq).max(exit).unwrap_or(0))
            }
            // Of what is on disk, the exact offset of a chunk is there as well: nothing below it was dropped.
            _ => match &self.region {
                Some(region) if seq >= region.to_seq => region.end,
                Some(_) => self.cursors.floor(seq).unwrap_or(0),
                None => up_to(&self.head).unwrap_or(0),
            },
        }
    }

    /// Remembers that somebody may come back with `seq`, if it is the last chunk or the gap's end.
    fn mark_as_cursor(&mut self, seq: u64) {
        if let Some(entry) = self.tail.back_mut().or(self.head.back_mut())
            && entry.seq == seq
        {
            entry.delivered = true;
        } else if let Some(gap) = self.gap
            && gap.to == seq
        {
            self.cursors.push_back(gap.to, gap.end);
        }
    }
}
