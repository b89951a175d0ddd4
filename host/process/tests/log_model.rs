//! Random histories of several logs in one store, against a model that keeps everything.
//!
//! The model knows every byte in the order in which it was printed. A reader's place in that order is the sum
//! of what it was given and what it was told is missing: if either were off by one byte, the next chunk would
//! not be what the model has at that place.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};
use std::time::Duration;

use proptest::prelude::*;
use weir_process::{
    Cause, Chunk, Dropped, Event, Exit, OutputLog, Overflow, Retention, Spill, SpillOptions, Store,
    StoreLimits, Stream, Usage,
};

const STREAMS: [Stream; 2] = [Stream::Stdout, Stream::Stderr];
const EXIT: Exit = Exit {
    code: 3,
    signal: None,
    cause: Cause::Exit,
    usage: Usage { user: Duration::ZERO, system: Duration::ZERO, max_rss_bytes: 0, elapsed: Duration::ZERO },
};

#[derive(Debug, Clone)]
enum Op {
    Append { log: usize, stream: usize, bytes: Vec<u8> },
    EndStream { log: usize, stream: usize },
    Exit { log: usize },
    Clear { log: usize },
    Read { log: usize, reader: usize, max_bytes: Option<u64>, go_on: GoOn },
    Follow { log: usize, max_bytes: u64 },
    FollowAnew { log: usize },
    GoBack { log: usize, reader: usize, to: usize },
    Acknowledge { log: usize, to: usize },
    DiskTurn { log: usize },
}

/// Which of the cursors that a batch offers the reader goes on with.
#[derive(Debug, Clone, Copy)]
enum GoOn {
    NextSeq,
    Chunk(usize),
    GapEnd,
    Stay,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A chunk within these offsets, which one append covered.
    Chunk {
        from: usize,
        to: usize,
    },
    Exit {
        offset: usize,
    },
    Close,
}

#[derive(Debug, Clone, Copy, Default)]
struct Cursor {
    seq: u64,
    offset: usize,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

struct Modelled {
    log: Arc<OutputLog>,
    retention: Retention,
    printed: Vec<(Stream, u8)>,
    held: [Vec<u8>; 2],
    ended: [bool; 2],
    exited: bool,
    open_at_exit: Vec<Stream>,
    /// Index 0 is seq 1.
    kinds: Vec<Kind>,
    /// What anybody has seen of a chunk: where it starts, how long it is.
    seen: BTreeMap<u64, (usize, usize)>,
    readers: [Cursor; 3],
    /// Every cursor that anybody was given.
    given: Vec<Cursor>,
    follower: Cursor,
    follower_exited: bool,
    follower_closed: bool,
    /// The last `next_events` returned false: it may only find something if it was woken.
    asleep: bool,
    woken: Arc<Woken>,
    /// How far the log may drop, if it may not drop everything.
    acknowledged: Cursor,
    cleared: bool,
    /// Something other than the log's own bound may have dropped bytes.
    pressed: bool,
}

impl Modelled {
    fn new(store: &Arc<Store>, retention: Retention) -> Self {
        let log = match retention.overflow {
            Overflow::Spill => store.open_spilling(retention, &STREAMS).expect("a file"),
            _ => store.open(retention, &STREAMS),
        };
        let woken = Arc::new(Woken(AtomicBool::new(false)));
        log.follow(Waker::from(Arc::clone(&woken)));
        Self {
            log,
            retention,
            printed: Vec::new(),
            held: Default::default(),
            ended: [false; 2],
            exited: false,
            open_at_exit: Vec::new(),
            kinds: Vec::new(),
            seen: BTreeMap::new(),
            readers: [Cursor::default(); 3],
            given: vec![Cursor::default()],
            follower: Cursor::default(),
            follower_exited: false,
            follower_closed: false,
            asleep: true,
            woken,
            acknowledged: Cursor::default(),
            cleared: false,
            pressed: false,
        }
    }

    fn append(&mut self, stream: usize, bytes: &[u8]) {
        if self.ended[stream] {
            return;
        }
        self.log.append(STREAMS[stream], bytes);
        let mut bytes = [std::mem::take(&mut self.held[stream]), bytes.to_vec()].concat();
        if self.retention.whole_characters {
            let incomplete = bytes.utf8_chunks().last().map_or(&[][..], |last| last.invalid());
            if std::str::from_utf8(incomplete).is_err_and(|error| error.error_len().is_none()) {
                self.held[stream] = bytes.split_off(bytes.len() - incomplete.len());
            }
        }
        self.print(stream, &bytes);
    }

    fn end_stream(&mut self, stream: usize) {
        self.log.end_stream(STREAMS[stream]);
        let held = std::mem::take(&mut self.held[stream]);
        self.print(stream, &held);
        self.ended[stream] = true;
        self.note_close();
    }

    fn exit(&mut self) {
        self.log.record_exit(EXIT);
        if !self.exited {
            self.exited = true;
            self.kinds.push(Kind::Exit { offset: self.printed.len() });
            self.open_at_exit = (0..2).filter(|stream| !self.ended[*stream]).map(|i| STREAMS[i]).collect();
        }
        self.note_close();
    }

    fn print(&mut self, stream: usize, bytes: &[u8]) {
        let from = self.printed.len();
        self.printed.extend(bytes.iter().map(|byte| (STREAMS[stream], *byte)));
        let to = self.printed.len();
        // How many pieces it became is the log's business; that they stay within these offsets is not.
        let closes = u64::from(self.log.status().closed && !self.kinds.contains(&Kind::Close));
        let chunks = self.log.status().next_seq - 1 - self.kinds.len() as u64 - closes;
        assert_eq!(chunks == 0, bytes.is_empty());
        self.kinds.extend((0..chunks).map(|_| Kind::Chunk { from, to }));
    }

    fn note_close(&mut self) {
        if self.exited && self.ended == [true; 2] && self.kinds.last() != Some(&Kind::Close) {
            self.kinds.push(Kind::Close);
        }
    }

    fn kind(&self, seq: u64) -> Kind {
        self.kinds[seq as usize - 1]
    }

    fn check_chunk(&mut self, chunk: &Chunk, offset: usize) {
        let len = chunk.bytes.len();
        let expected: Vec<_> = chunk.bytes.iter().map(|byte| (chunk.stream, *byte)).collect();
        assert_eq!(&self.printed[offset..offset + len], expected, "chunk {} at {offset}", chunk.seq);
        let earlier: Vec<u8> = self.printed[..offset]
            .iter()
            .filter(|(stream, _)| *stream == chunk.stream)
            .map(|(_, byte)| *byte)
            .collect();
        let lines = earlier.iter().filter(|byte| **byte == b'\n').count() as u64;
        assert_eq!((chunk.offset, chunk.line), (earlier.len() as u64, lines), "chunk {}", chunk.seq);
        let Kind::Chunk { from, to } = self.kind(chunk.seq) else { panic!("{} is no chunk", chunk.seq) };
        assert!(from <= offset && offset + len <= to);
        assert!(len > 0 && len as u64 <= (self.retention.max_bytes / 4).clamp(4, 65536));
        assert_eq!(*self.seen.entry(chunk.seq).or_insert((offset, len)), (offset, len));
        if self.retention.whole_characters {
            let index = usize::from(chunk.stream == Stream::Stderr);
            let last = chunk.bytes.utf8_chunks().last().map_or(&[][..], |last| last.invalid());
            let rest = self.printed[offset + len..].iter().filter(|(stream, _)| *stream == chunk.stream);
            let rest: Vec<u8> = rest.map(|(_, byte)| *byte).chain(self.held[index].iter().copied()).collect();
            let incomplete = std::str::from_utf8(last).is_err_and(|error| error.error_len().is_none());
            // What never becomes a character may end anywhere.
            let whole =
                [last, &rest].concat().utf8_chunks().next().is_some_and(|next| !next.valid().is_empty());
            assert!(!incomplete || !whole, "chunk {} ends inside a character", chunk.seq);
            assert!(!incomplete || !rest.is_empty() || self.ended[index], "chunk {} came early", chunk.seq);
        }
    }

    /// Everything from `seq` up to, but without, `to` takes a number and no bytes.
    fn check_no_chunks(&self, seqs: std::ops::Range<u64>) {
        for seq in seqs {
            assert!(!matches!(self.kind(seq), Kind::Chunk { .. }), "chunk {seq} was passed over in silence");
        }
    }

    fn check_dropped(&self, dropped: Dropped, after_seq: u64) {
        assert!(dropped.bytes > 0 && dropped.from_seq <= dropped.to_seq && dropped.from_seq > after_seq);
        self.check_no_chunks(after_seq + 1..dropped.from_seq);
        for seq in [dropped.from_seq, dropped.to_seq] {
            assert!(matches!(self.kind(seq), Kind::Chunk { .. }), "{seq} was no chunk");
        }
    }

    /// Returns whether the reader has come to the end.
    fn read(&mut self, reader: usize, max_bytes: Option<u64>, go_on: GoOn) -> bool {
        let start = self.readers[reader];
        let batch = self.log.read(start.seq, max_bytes);
        let mut at = start;
        if let Some(dropped) = batch.dropped {
            self.check_dropped(dropped, at.seq);
            at = Cursor { seq: dropped.to_seq, offset: at.offset + dropped.bytes as usize };
        }
        let gap_end = at;
        self.given.push(at);
        let mut cursors = Vec::new();
        for chunk in &batch.chunks {
            self.check_no_chunks(at.seq + 1..chunk.seq);
            self.check_chunk(chunk, at.offset);
            at = Cursor { seq: chunk.seq, offset: at.offset + chunk.bytes.len() };
            cursors.push(at);
        }
        let delivered: usize = batch.chunks.iter().map(|chunk| chunk.bytes.len()).sum();
        assert!(batch.chunks.len() <= 1 || max_bytes.is_none_or(|max| delivered as u64 <= max));
        self.check_no_chunks(at.seq + 1..batch.next_seq);
        assert!(batch.next_seq > at.seq && batch.next_seq <= batch.status.next_seq);
        if max_bytes.is_some()
            && let Some(last) = batch.chunks.last()
        {
            assert_eq!(batch.next_seq, last.seq + 1);
        }
        let end = Cursor { seq: batch.next_seq - 1, offset: at.offset };
        self.given.extend_from_slice(&cursors);
        self.given.push(end);
        let at_end = end.offset == self.printed.len();
        assert!(at_end || !batch.chunks.is_empty(), "a read must get on");
        if at_end && max_bytes.is_none() && batch.status.spilled_bytes == 0 {
            assert_eq!(batch.next_seq, batch.status.next_seq);
        }
        self.readers[reader] = match go_on {
            GoOn::Stay => start,
            GoOn::GapEnd => gap_end,
            GoOn::Chunk(index) if !cursors.is_empty() => cursors[index % cursors.len()],
            GoOn::Chunk(_) | GoOn::NextSeq => end,
        };
        at_end
    }

    fn skip_to(&mut self, seq: u64, dropped: Option<Dropped>) {
        let mut at = self.follower;
        if let Some(dropped) = dropped {
            self.check_dropped(dropped, at.seq);
            assert_eq!(dropped.from_seq, at.seq + 1);
            at = Cursor { seq: dropped.to_seq, offset: at.offset + dropped.bytes as usize };
            self.given.push(at);
        }
        assert_eq!(seq, at.seq + 1, "a follower gets or is told of every number");
        self.follower = Cursor { seq, offset: at.offset };
    }

    fn end_event(&mut self, bytes: usize) {
        self.follower.offset += bytes;
        self.given.push(self.follower);
    }

    fn follow(&mut self, max_bytes: u64) -> bool {
        let mut events = Vec::new();
        let woken = self.woken.0.swap(false, Ordering::SeqCst);
        let more = self.log.next_events(max_bytes, &mut events);
        assert!(woken || !self.asleep || events.is_empty(), "news without a wake-up");
        assert!(!more || !events.is_empty());
        self.asleep = !more;
        let delivered = events.iter().map(|event| match event {
            Event::Output { chunk, .. } => chunk.bytes.len(),
            _ => 0,
        });
        let delivered: Vec<_> = delivered.filter(|len| *len > 0).collect();
        assert!(delivered.len() <= 1 || delivered.iter().sum::<usize>() as u64 <= max_bytes);
        for event in events {
            assert!(!self.follower_closed);
            match event {
                Event::Output { chunk, dropped } => {
                    self.skip_to(chunk.seq, dropped);
                    self.check_chunk(&chunk, self.follower.offset);
                    self.end_event(chunk.bytes.len());
                }
                Event::Exited { seq, exit, streams_open, dropped } => {
                    self.skip_to(seq, dropped);
                    assert_eq!(self.kind(seq), Kind::Exit { offset: self.follower.offset });
                    assert!(!std::mem::replace(&mut self.follower_exited, true));
                    self.end_event(0);
                    assert_eq!((exit, &streams_open), (EXIT, &self.open_at_exit));
                }
                Event::Closed { seq, total_bytes, dropped_bytes, dropped, .. } => {
                    self.skip_to(seq, dropped);
                    assert_eq!(self.kind(seq), Kind::Close);
                    assert_eq!(total_bytes, self.printed.len() as u64);
                    assert_eq!(self.follower.offset, self.printed.len());
                    assert_eq!(dropped_bytes, self.log.status().dropped_bytes);
                    self.follower_closed = true;
                }
            }
        }
        more
    }

    fn acknowledge(&mut self, cursor: Cursor) {
        self.log.acknowledge(cursor.seq);
        if cursor.seq > self.acknowledged.seq {
            self.acknowledged = cursor;
        }
    }

    /// Bytes that are retained beyond every bound.
    fn untaken(&self) -> u64 {
        match self.retention.overflow {
            Overflow::Backpressure => {
                let untaken = (self.printed.len() - self.acknowledged.offset) as u64;
                untaken.min(self.log.status().retained_bytes)
            }
            // Until something had to be dropped, the disk takes it all, a turn later.
            Overflow::Spill if self.log.status().dropped_bytes == 0 => self.memory(),
            Overflow::Spill => 0,
            _ => 0,
        }
    }

    fn memory(&self) -> u64 {
        let status = self.log.status();
        status.retained_bytes - status.spilled_bytes
    }

    fn check_state(&self) {
        let snapshot = self.log.snapshot();
        let status = &snapshot.status;
        let total = self.printed.len();
        assert_eq!(status.total_bytes, total as u64);
        assert_eq!(status.dropped_bytes + status.retained_bytes, status.total_bytes);
        assert_eq!(status.next_seq, self.kinds.len() as u64 + 1);
        assert_eq!(status.closed, self.kinds.contains(&Kind::Close));
        assert_eq!(status.exit.is_some(), self.exited);
        let chunks: usize = snapshot.streams.iter().map(|s| s.before.len() + s.after.len()).sum();
        if self.untaken() == 0 {
            assert!(self.memory() <= self.retention.max_bytes.max(4), "{status:?}");
            assert!(chunks <= self.retention.max_chunks);
        }

        let before: usize = snapshot.streams.iter().flat_map(|s| &s.before).map(|bytes| bytes.len()).sum();
        let after: usize = snapshot.streams.iter().flat_map(|s| &s.after).map(|bytes| bytes.len()).sum();
        let spilled = status.spilled_bytes as usize;
        let before = spilled + before;
        for stream in &snapshot.streams {
            let of = |range: &[(Stream, u8)]| -> Vec<u8> {
                range.iter().filter(|(s, _)| *s == stream.stream).map(|(_, byte)| *byte).collect()
            };
            let on_disk: Vec<u8> = match &snapshot.spilled {
                // In steps that meet every chunk somewhere.
                Some(disk) => (0..stream.spilled)
                    .step_by(37)
                    .flat_map(|at| disk.read(stream.stream, at, 37).expect("a file").to_vec())
                    .collect(),
                None => Vec::new(),
            };
            assert_eq!(on_disk.len() as u64, stream.spilled);
            let expected = of(&self.printed[..before]);
            assert_eq!([on_disk, stream.before.concat()].concat(), expected);
            assert_eq!(stream.after.concat(), of(&self.printed[total - after..]));
            let gone =
                if before + after == total { 0 } else { of(&self.printed[before..total - after]).len() };
            assert_eq!(stream.dropped, gone as u64);
        }
        if self.retention.overflow == Overflow::Backpressure {
            if !self.cleared && status.dropped_bytes > 0 {
                assert!(before == 0 && total - after <= self.acknowledged.offset, "{status:?}");
            }
        } else if self.retention.overflow != Overflow::Spill && !self.pressed && status.dropped_bytes > 0 {
            let max_bytes = self.retention.max_bytes;
            let piece = (max_bytes / 4).max(if self.retention.whole_characters { 4 } else { 1 });
            assert!(
                status.retained_bytes + piece > max_bytes || chunks == self.retention.max_chunks,
                "more was dropped than had to be"
            );
            let head: usize = snapshot.streams.iter().map(|stream| stream.before.len()).sum();
            let slack = if self.retention.whole_characters { 3 } else { 0 };
            match self.retention.overflow {
                Overflow::DropOldest => assert_eq!(before, 0),
                Overflow::Backpressure | Overflow::Spill => {
                    unreachable!("dropped is only what was acknowledged")
                }
                Overflow::DropMiddle => assert!(
                    before as u64 + slack >= max_bytes / 4 || head == self.retention.max_chunks / 4,
                    "the head is not a quarter"
                ),
            }
        }
    }

    fn finish(&mut self) {
        self.exit();
        self.end_stream(0);
        self.end_stream(1);
        for reader in 0..self.readers.len() {
            while !self.read(reader, Some(7), GoOn::NextSeq) {}
            assert_eq!(self.readers[reader].offset, self.printed.len());
        }
        loop {
            while self.follow(7) {}
            if !self.log.disk_turn() {
                break;
            }
        }
        assert!(self.follower_exited && self.follower_closed);
    }
}

fn op() -> impl Strategy<Value = Op> {
    let log = 0usize..3;
    let text = prop_oneof![
        prop::collection::vec(any::<u8>(), 1..60),
        "[a-zä-ü€😀\n]{1,20}".prop_map(String::into_bytes),
        ("[ä€😀]{1,4}", 0usize..8).prop_map(|(text, cut)| {
            let mut bytes = text.into_bytes();
            bytes.truncate((bytes.len() - cut.min(bytes.len() - 1)).max(1));
            bytes
        }),
        prop::collection::vec(any::<u8>(), 1..4),
    ];
    let go_on = prop_oneof![
        4 => Just(GoOn::NextSeq),
        2 => any::<usize>().prop_map(GoOn::Chunk),
        1 => Just(GoOn::GapEnd),
        1 => Just(GoOn::Stay),
    ];
    let max_bytes = prop_oneof![Just(None), (0u64..80).prop_map(Some)];
    prop_oneof![
        30 => (log.clone(), 0usize..2, text)
            .prop_map(|(log, stream, bytes)| Op::Append { log, stream, bytes }),
        1 => (log.clone(), 0usize..2).prop_map(|(log, stream)| Op::EndStream { log, stream }),
        1 => log.clone().prop_map(|log| Op::Exit { log }),
        1 => log.clone().prop_map(|log| Op::Clear { log }),
        14 => (log.clone(), 0usize..3, max_bytes, go_on)
            .prop_map(|(log, reader, max_bytes, go_on)| Op::Read { log, reader, max_bytes, go_on }),
        8 => (log.clone(), 0u64..80).prop_map(|(log, max_bytes)| Op::Follow { log, max_bytes }),
        1 => log.clone().prop_map(|log| Op::FollowAnew { log }),
        3 => (log.clone(), 0usize..3, any::<usize>())
            .prop_map(|(log, reader, to)| Op::GoBack { log, reader, to }),
        3 => (log.clone(), any::<usize>()).prop_map(|(log, to)| Op::Acknowledge { log, to }),
        8 => log.prop_map(|log| Op::DiskTurn { log }),
    ]
}

fn retention() -> impl Strategy<Value = Retention> {
    let overflow = prop_oneof![
        Just(Overflow::DropMiddle),
        Just(Overflow::DropOldest),
        Just(Overflow::Backpressure),
        Just(Overflow::Spill),
    ];
    let max_chunks = prop_oneof![1usize..12, Just(1000)];
    (4u64..260, max_chunks, overflow, any::<bool>()).prop_map(
        |(max_bytes, max_chunks, overflow, whole_characters)| Retention {
            max_bytes,
            max_chunks,
            overflow,
            whole_characters,
            hold: Duration::ZERO,
        },
    )
}

proptest! {
    #[test]
    fn every_byte_is_delivered_or_counted_as_dropped(
        retentions in prop::array::uniform3(retention()),
        max_bytes in prop_oneof![20u64..400, Just(1 << 20)],
        disk_bytes in prop_oneof![
            (100u64..4_000, 100u64..8_000),
            Just((1u64 << 30, 1u64 << 30)),
        ],
        ops in prop::collection::vec(op(), 1..250),
    ) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let spill = Spill::new(SpillOptions {
            directory: directory.path().join("spill"),
            max_bytes_per_process: disk_bytes.0,
            max_bytes_total: disk_bytes.1,
        });
        let store = Store::with_spill(StoreLimits { max_bytes }, Some(Arc::clone(&spill)));
        let mut logs = retentions.map(|retention| Modelled::new(&store, retention));
        for op in ops {
            match op {
                Op::Append { log, stream, bytes } => logs[log].append(stream, &bytes),
                Op::EndStream { log, stream } => logs[log].end_stream(stream),
                Op::Exit { log } => logs[log].exit(),
                Op::DiskTurn { log } => drop(logs[log].log.disk_turn()),
                // What is on disk has its exact offsets there, and loses them with it.
                Op::Clear { log } if logs[log].retention.overflow == Overflow::Spill => {}
                Op::Clear { log } => {
                    logs[log].log.clear();
                    logs[log].pressed = true;
                    logs[log].cleared = true;
                    prop_assert_eq!(logs[log].log.status().retained_bytes, 0);
                }
                Op::Read { log, reader, max_bytes, go_on } => {
                    logs[log].read(reader, max_bytes, go_on);
                }
                Op::Follow { log, max_bytes } => {
                    logs[log].follow(max_bytes);
                }
                Op::Acknowledge { log, to } => {
                    let log = &mut logs[log];
                    let to = log.given.get(to % log.given.len().max(1)).copied();
                    log.acknowledge(to.unwrap_or_default());
                }
                Op::GoBack { log, reader, to } => {
                    let log = &mut logs[log];
                    log.readers[reader] = log.given[to % log.given.len()];
                }
                Op::FollowAnew { log } => {
                    let log = &mut logs[log];
                    (log.follower_exited, log.follower_closed, log.asleep) = (false, false, true);
                    log.follower = Cursor::default();
                    log.woken.0.store(false, Ordering::SeqCst);
                    log.log.follow(Waker::from(Arc::clone(&log.woken)));
                }
            }
            let retained: u64 = logs.iter().map(Modelled::memory).sum();
            let on_disk: u64 = logs.iter().map(|log| log.log.status().spilled_bytes).sum();
            prop_assert!(on_disk <= spill.used_bytes() && spill.used_bytes() <= disk_bytes.1);
            prop_assert_eq!(store.used_bytes(), retained);
            let untaken: u64 = logs.iter().map(Modelled::untaken).sum();
            prop_assert!(retained - untaken <= max_bytes.saturating_sub(untaken));
            for log in &mut logs {
                log.pressed |= max_bytes < 1 << 20;
                log.check_state();
            }
        }
        for log in &mut logs {
            log.finish();
        }
        drop(logs);
        prop_assert_eq!(store.used_bytes(), 0);
        prop_assert_eq!(spill.used_bytes(), 0);
    }
}
