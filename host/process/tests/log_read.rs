//! What is retained, what is dropped, and what a reader is told about it.

use std::sync::Arc;
use std::time::Duration;

use weir_process::{
    Cause, Dropped, Exit, OutputLog, Overflow, ReadBatch, Retention, Store, StoreLimits, Stream, Usage,
};

use Stream::{Stderr, Stdout};

const EXIT: Exit = Exit { code: 0, signal: None, cause: Cause::Exit, usage: ZERO };
const ZERO: Usage =
    Usage { user: Duration::ZERO, system: Duration::ZERO, max_rss_bytes: 0, elapsed: Duration::ZERO };

fn open(retention: Retention) -> Arc<OutputLog> {
    Store::new(StoreLimits::default()).open(retention, &[Stdout, Stderr])
}

fn bounded(max_bytes: u64, overflow: Overflow) -> Arc<OutputLog> {
    open(Retention { max_bytes, overflow, ..Retention::default() })
}

fn whole_characters(max_bytes: u64) -> Arc<OutputLog> {
    open(Retention { max_bytes, whole_characters: true, ..Retention::default() })
}

/// Ten chunks of ten bytes each, in a log for 80: a head of two, a gap of two, a tail of six.
fn ten_of_which_eight_fit() -> Arc<OutputLog> {
    let log = bounded(80, Overflow::DropMiddle);
    for digit in b"0123456789" {
        log.append(Stdout, &[*digit; 10]);
    }
    log
}

fn seqs(batch: &ReadBatch) -> Vec<u64> {
    batch.chunks.iter().map(|chunk| chunk.seq).collect()
}

fn text(batch: &ReadBatch) -> String {
    batch.chunks.iter().map(|chunk| String::from_utf8_lossy(&chunk.bytes)).collect()
}

fn sizes(batch: &ReadBatch) -> Vec<usize> {
    batch.chunks.iter().map(|chunk| chunk.bytes.len()).collect()
}

#[test]
fn entries_are_numbered_from_one_in_one_counter() {
    let log = open(Retention::default());
    assert_eq!(log.read(0, None).next_seq, 1);
    log.append(Stdout, b"out");
    log.append(Stderr, b"err");
    log.record_exit(EXIT);
    log.append(Stdout, b"late");
    log.end_stream(Stdout);
    log.end_stream(Stderr);
    let batch = log.read(0, None);
    let chunks: Vec<_> = batch.chunks.iter().map(|c| (c.seq, c.stream, &c.bytes[..])).collect();
    assert_eq!(chunks, [(1, Stdout, &b"out"[..]), (2, Stderr, b"err"), (4, Stdout, b"late")]);
    assert_eq!((batch.next_seq, batch.status.next_seq), (6, 6));
    assert_eq!(batch.dropped, None);
}

#[test]
fn reading_removes_nothing() {
    let log = ten_of_which_eight_fit();
    assert_eq!(log.read(4, None), log.read(4, None));
    assert_eq!(log.read(0, Some(1)), log.read(0, Some(1)));
}

#[test]
fn the_first_chunk_is_returned_whole_and_later_ones_while_they_fit() {
    let log = open(Retention::default());
    for _ in 0..5 {
        log.append(Stdout, b"0123456789");
    }
    for (max_bytes, expected) in [(0, 1), (1, 1), (19, 1), (20, 2), (29, 2), (50, 5), (1000, 5)] {
        let batch = log.read(0, Some(max_bytes));
        assert_eq!(batch.chunks.len(), expected, "{max_bytes}");
        assert_eq!(batch.next_seq, expected as u64 + 1, "{max_bytes}");
    }
}

#[test]
fn next_seq_passes_the_exit_only_if_nothing_is_left_behind() {
    let log = open(Retention::default());
    log.append(Stdout, b"x");
    log.record_exit(EXIT);
    assert_eq!(log.read(0, None).next_seq, 3);
    assert_eq!(log.read(0, Some(100)).next_seq, 2);
    assert_eq!(log.read(1, Some(100)).next_seq, 3);
    log.append(Stdout, b"y");
    assert_eq!(log.read(0, Some(1)).next_seq, 2);
    assert_eq!(log.read(0, None).next_seq, 4);
}

#[test]
fn a_cursor_beyond_the_end_gets_nothing() {
    let log = open(Retention::default());
    log.append(Stdout, b"x");
    for after_seq in [1, 2, 1000, u64::MAX] {
        let batch = log.read(after_seq, None);
        assert_eq!((batch.chunks.len(), batch.dropped, batch.next_seq), (0, None, 2), "{after_seq}");
    }
}

#[test]
fn a_large_append_becomes_chunks_of_64_kib() {
    let log = open(Retention::default());
    log.append(Stdout, &vec![7; 150_000]);
    assert_eq!(sizes(&log.read(0, None)), [65_536, 65_536, 18_928]);
}

#[test]
fn an_empty_append_takes_no_number() {
    let log = open(Retention::default());
    log.append(Stdout, b"");
    assert_eq!(log.status().next_seq, 1);
}

#[test]
fn drop_middle_keeps_the_first_quarter_and_the_newest_rest() {
    let log = ten_of_which_eight_fit();
    let head = log.read(0, None);
    assert_eq!((text(&head).as_str(), seqs(&head)), ("00000000001111111111", vec![1, 2]));
    assert_eq!((head.dropped, head.next_seq), (None, 3));
    let tail = log.read(2, None);
    assert_eq!(tail.dropped, Some(Dropped { from_seq: 3, to_seq: 4, bytes: 20 }));
    assert_eq!(seqs(&tail), [5, 6, 7, 8, 9, 10]);
    assert_eq!(
        (tail.status.total_bytes, tail.status.dropped_bytes, tail.status.retained_bytes),
        (100, 20, 80)
    );
}

#[test]
fn the_head_is_filled_to_its_quarter_exactly() {
    let log = bounded(400, Overflow::DropMiddle);
    log.append(Stdout, &[b'a'; 70]);
    log.append(Stdout, &[b'b'; 70]);
    for _ in 0..10 {
        log.append(Stdout, &[b'c'; 70]);
    }
    let head = log.read(0, None);
    assert_eq!(sizes(&head), [70, 30]);
    assert_eq!(head.status.retained_bytes, 100 + 4 * 70);
}

#[test]
fn drop_oldest_keeps_the_newest() {
    let log = bounded(40, Overflow::DropOldest);
    for digit in b"0123456789" {
        log.append(Stdout, &[*digit; 10]);
    }
    let batch = log.read(0, None);
    assert_eq!(batch.dropped, Some(Dropped { from_seq: 1, to_seq: 6, bytes: 60 }));
    assert_eq!((seqs(&batch), batch.next_seq), (vec![7, 8, 9, 10], 11));
}

#[test]
fn the_number_of_chunks_is_bounded_too() {
    for (overflow, kept) in [
        (Overflow::DropMiddle, [1, 2, 15, 16, 17, 18, 19, 20]),
        (Overflow::DropOldest, [13, 14, 15, 16, 17, 18, 19, 20]),
    ] {
        let log = open(Retention { max_chunks: 8, overflow, ..Retention::default() });
        for _ in 0..20 {
            log.append(Stdout, b"x");
        }
        let mut all = seqs(&log.read(0, None));
        if overflow == Overflow::DropMiddle {
            all.extend(seqs(&log.read(2, None)));
        }
        assert_eq!(all, kept);
        assert_eq!(log.status().dropped_bytes, 12);
    }
}

#[test]
fn tiny_bounds_work() {
    for overflow in [Overflow::DropMiddle, Overflow::DropOldest] {
        for max_bytes in 0..20 {
            for max_chunks in 0..5 {
                for whole_characters in [false, true] {
                    let log = open(Retention {
                        max_bytes,
                        max_chunks,
                        overflow,
                        whole_characters,
                        ..Retention::default()
                    });
                    for _ in 0..5 {
                        log.append(Stdout, "häß€😀".as_bytes());
                    }
                    let status = log.status();
                    let least = if whole_characters { 4 } else { 1 };
                    assert!(status.retained_bytes <= max_bytes.max(least), "{max_bytes} {max_chunks}");
                    assert!(status.retained_bytes > 0, "{max_bytes} {max_chunks}");
                    assert_eq!(status.total_bytes, 5 * 12);
                }
            }
        }
    }
}

#[test]
fn a_gap_with_nothing_behind_it_is_reported_alone() {
    let log = open(Retention::default());
    log.append(Stdout, b"abc");
    log.append(Stderr, b"de");
    log.clear();
    for (max_bytes, after_seq, from_seq, bytes) in [(None, 0, 1, 5), (Some(1), 0, 1, 5)] {
        let batch = log.read(after_seq, max_bytes);
        assert_eq!(batch.dropped, Some(Dropped { from_seq, to_seq: 2, bytes }));
        assert_eq!((batch.chunks.len(), batch.next_seq), (0, 3));
    }
    assert_eq!(log.read(2, None).dropped, None);
    log.append(Stdout, b"f");
    assert_eq!(text(&log.read(2, None)), "f");
    assert_eq!(log.status().dropped_bytes, 5);
}

#[test]
fn a_cursor_that_falls_into_the_gap_is_told_of_the_bytes_after_it() {
    let log = bounded(100, Overflow::DropOldest);
    let sizes: [usize; 12] = [3, 9, 4, 1, 7, 20, 2, 25, 13, 8, 6, 11];
    let mut cursors = vec![(0, 0)];
    let mut total = 0;
    for size in sizes {
        log.append(Stdout, &vec![b'x'; size]);
        total += size as u64;
        cursors.push((log.read(0, None).next_seq - 1, total));
    }
    for _ in 0..40 {
        log.append(Stdout, b"yyyyyyyyyy");
    }
    let gap_end = log.status().dropped_bytes;
    for (seq, offset) in cursors {
        let dropped = log.read(seq, None).dropped.map(|dropped| (dropped.from_seq, dropped.bytes));
        assert_eq!(dropped, Some((seq + 1, gap_end - offset)), "cursor {seq}");
    }
}

#[test]
fn the_end_of_a_reported_gap_is_a_cursor_like_any_other() {
    let log = bounded(40, Overflow::DropOldest);
    log.append(Stdout, b"abc");
    log.append(Stdout, b"defgh");
    log.clear();
    let told = log.read(0, None);
    assert_eq!((told.dropped.map(|dropped| dropped.bytes), told.next_seq), (Some(8), 3));
    for _ in 0..30 {
        log.append(Stdout, b"0123456");
    }
    let missed = log.read(told.next_seq - 1, None);
    let delivered: u64 = sizes(&missed).iter().map(|size| *size as u64).sum();
    assert_eq!(8 + missed.dropped.map_or(0, |dropped| dropped.bytes) + delivered, missed.status.total_bytes);
}

#[test]
fn the_number_that_a_cursor_beyond_the_end_gets_is_exact_later() {
    let log = bounded(40, Overflow::DropOldest);
    log.append(Stdout, b"abc");
    log.append(Stdout, b"defgh");
    let next_seq = log.read(1000, None).next_seq;
    for _ in 0..4 {
        log.append(Stdout, b"0123456789");
    }
    log.append(Stdout, b"x");
    assert_eq!(log.read(next_seq - 1, None).dropped.map(|dropped| dropped.bytes), Some(10));
}

#[test]
fn a_cursor_that_nobody_was_given_gets_an_upper_bound() {
    let log = bounded(40, Overflow::DropOldest);
    log.append(Stdout, b"abc");
    log.read(0, None);
    for _ in 0..20 {
        log.append(Stdout, b"0123456789");
    }
    // Chunk 5 was never handed out: the nearest known place below is the end of chunk 1.
    assert_eq!(log.read(5, None).dropped, Some(Dropped { from_seq: 6, to_seq: 17, bytes: 160 }));
}

#[test]
fn the_exit_is_never_dropped() {
    let log = bounded(40, Overflow::DropOldest);
    log.append(Stdout, b"before");
    log.record_exit(EXIT);
    for _ in 0..20 {
        log.append(Stdout, b"0123456789");
    }
    let batch = log.read(0, None);
    assert_eq!(batch.dropped, Some(Dropped { from_seq: 1, to_seq: 18, bytes: 6 + 160 }));
    assert_eq!(batch.status.exit, Some(EXIT));
    // Right behind the exit, and right before it, the count is exact.
    assert_eq!(log.read(2, None).dropped, Some(Dropped { from_seq: 3, to_seq: 18, bytes: 160 }));
    assert_eq!(log.read(1, None).dropped, Some(Dropped { from_seq: 3, to_seq: 18, bytes: 160 }));
}

#[test]
fn close_comes_once_when_the_exit_is_known_and_every_stream_has_ended() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let log = open(Retention::default());
        for (done, step) in order.into_iter().enumerate() {
            assert!(!log.status().closed, "{order:?} after {done}");
            for _ in 0..2 {
                match step {
                    0 => log.record_exit(EXIT),
                    1 => log.end_stream(Stdout),
                    _ => log.end_stream(Stderr),
                }
            }
        }
        assert!(log.status().closed);
        assert_eq!(log.status().next_seq, 3);
        log.record_exit(Exit { code: 9, ..EXIT });
        log.end_stream(Stdout);
        assert_eq!((log.status().next_seq, log.status().exit), (3, Some(EXIT)));
    }
}

#[test]
fn a_log_without_streams_closes_with_the_exit() {
    let log = Store::new(StoreLimits::default()).open(Retention::default(), &[]);
    log.record_exit(EXIT);
    assert!(log.status().closed);
}

#[test]
fn streams_are_listed_until_they_end() {
    let log = open(Retention::default());
    assert_eq!(log.status().streams_open, [Stdout, Stderr]);
    log.end_stream(Stdout);
    assert_eq!(log.status().streams_open, [Stderr]);
    log.end_stream(Stream::Pty);
    assert_eq!(log.status().streams_open, [Stderr]);
}

#[test]
fn a_snapshot_counts_the_gap_for_each_stream() {
    let log = bounded(40, Overflow::DropMiddle);
    for round in 0..10 {
        log.append(Stdout, format!("out{round}.").as_bytes());
        log.append(Stderr, format!("e{round}").as_bytes());
    }
    let snapshot = log.snapshot();
    let [out, err] = &snapshot.streams[..] else { panic!("{snapshot:?}") };
    assert_eq!((out.stream, err.stream), (Stdout, Stderr));
    assert_eq!((&out.before.concat()[..], &err.before.concat()[..]), (&b"out0.out"[..], &b"e0"[..]));
    assert_eq!(out.before.concat().len() + err.before.concat().len(), 10);
    let lens = |stream: &weir_process::StreamSnapshot| {
        stream.before.concat().len() as u64 + stream.dropped + stream.after.concat().len() as u64
    };
    assert_eq!((lens(out), lens(err)), (50, 20));
    assert_eq!(out.dropped + err.dropped, snapshot.status.dropped_bytes);
    assert!(out.after.concat().ends_with(b"out9.") && err.after.concat().ends_with(b"e9"));
}

#[test]
fn a_snapshot_of_an_unbroken_log_has_no_gap() {
    let log = bounded(40, Overflow::DropMiddle);
    log.append(Stdout, &[b'x'; 30]);
    let snapshot = log.snapshot();
    assert_eq!((snapshot.streams[0].before.concat().len(), snapshot.streams[0].dropped), (30, 0));
    assert!(snapshot.streams[0].after.is_empty());
}

#[test]
fn bytes_that_were_read_outlive_the_log() {
    let log = bounded(40, Overflow::DropOldest);
    log.append(Stdout, b"abc");
    let batch = log.read(0, None);
    log.clear();
    drop(log);
    assert_eq!(text(&batch), "abc");
}

#[test]
fn a_character_cut_by_a_chunk_border_goes_into_the_next_chunk_of_its_stream() {
    let log = whole_characters(1 << 20);
    log.append(Stdout, b"a\xe2\x82");
    assert_eq!(log.status().total_bytes, 1);
    log.append(Stderr, b"b\xc3");
    log.append(Stdout, b"\xac");
    log.append(Stderr, b"\xa4");
    let batch = log.read(0, None);
    let chunks: Vec<_> = batch.chunks.iter().map(|c| (c.stream, &c.bytes[..])).collect();
    let expected = [(Stdout, "a"), (Stderr, "b"), (Stdout, "€"), (Stderr, "ä")];
    assert_eq!(chunks, expected.map(|(stream, text)| (stream, text.as_bytes())));
}

#[test]
fn a_character_may_arrive_byte_by_byte() {
    let log = whole_characters(1 << 20);
    for byte in "😀x".as_bytes() {
        log.append(Stdout, &[*byte]);
    }
    assert_eq!((text(&log.read(0, None)).as_str(), log.status().next_seq), ("😀x", 3));
}

#[test]
fn held_bytes_come_out_when_the_stream_ends() {
    let log = whole_characters(1 << 20);
    log.append(Stdout, b"a\xf0\x9f\x98");
    log.record_exit(EXIT);
    log.end_stream(Stderr);
    log.end_stream(Stdout);
    let batch = log.read(0, None);
    let chunks: Vec<_> = batch.chunks.iter().map(|c| (c.seq, &c.bytes[..])).collect();
    assert_eq!(chunks, [(1, &b"a"[..]), (3, b"\xf0\x9f\x98")]);
    assert_eq!((batch.status.total_bytes, batch.next_seq), (4, 5));
}

#[test]
fn bytes_that_never_become_a_character_are_not_held_back() {
    let log = whole_characters(1 << 20);
    for bytes in [&b"\xff"[..], b"\xc0", b"\xed\xa0", b"\x80\x80", b"\xf5\x80"] {
        let before = log.status().total_bytes;
        log.append(Stdout, bytes);
        assert_eq!(log.status().total_bytes - before, bytes.len() as u64, "{bytes:x?}");
    }
    log.append(Stdout, b"\xe2");
    log.append(Stdout, b"x");
    assert_eq!(&log.read(5, None).chunks[0].bytes[..], b"\xe2x");
}

#[test]
fn without_whole_characters_bytes_come_as_they_are() {
    let log = open(Retention::default());
    log.append(Stdout, b"\xe2\x82");
    assert_eq!(log.status().total_bytes, 2);
}

#[test]
fn pieces_end_at_characters() {
    let log = whole_characters(1 << 20);
    let printed = format!("x{}", "€".repeat(40_000));
    log.append(Stdout, printed.as_bytes());
    let batch = log.read(0, None);
    assert_eq!(sizes(&batch)[0], 65_536);
    assert_eq!(sizes(&batch)[1], 54_465);
    assert!(batch.chunks.iter().all(|chunk| std::str::from_utf8(&chunk.bytes).is_ok()));
    assert_eq!(text(&batch), printed);
}
