//! Searches and pages over random output in random pieces, against what a look at the whole would find.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use weir_process::{
    LineRange, OutputLog, Overflow, Pattern, PatternError, Query, Retention, Spill, SpillOptions, Store,
    StoreLimits, Stream, search,
};

/// A match: stream, line, offset, length, the line, those before it, those behind it.
type Row = (Stream, u64, u64, u64, Vec<u8>, Vec<Vec<u8>>, Vec<Vec<u8>>);

fn query(pattern: &str) -> Query {
    Query {
        pattern: Pattern::new(pattern, false).expect("a pattern"),
        after_seq: 0,
        offsets: [0; 3],
        max_matches: 100_000,
        max_bytes: 64 << 20,
        context_lines: 0,
        time: Duration::from_secs(60),
    }
}

/// Runs a future that needs a runtime.
fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

/// A log with this output, in memory or mostly on disk. The directory lives as long as it is needed.
fn log_of(pieces: &[(Stream, Vec<u8>)], on_disk: bool) -> (Arc<OutputLog>, tempfile::TempDir) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let options = SpillOptions {
        directory: directory.path().join("spill"),
        max_bytes_per_process: 1 << 30,
        max_bytes_total: 1 << 30,
    };
    let store = Store::with_spill(StoreLimits::default(), Some(Spill::new(options)));
    let streams = [Stream::Stdout, Stream::Stderr];
    let log = match on_disk {
        true => {
            let retention = Retention { max_bytes: 64, overflow: Overflow::Spill, ..Retention::default() };
            store.open_spilling(retention, &streams).expect("a file")
        }
        false => store.open(Retention::default(), &streams),
    };
    for (stream, bytes) in pieces {
        log.append(*stream, bytes);
        while log.disk_turn() {}
    }
    (log, directory)
}

fn of(pieces: &[(Stream, Vec<u8>)], stream: Stream) -> Vec<u8> {
    pieces.iter().filter(|(of, _)| *of == stream).flat_map(|(_, bytes)| bytes.clone()).collect()
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    if lines.last().is_some_and(|last| last.is_empty()) {
        lines.pop();
    }
    lines
}

fn pieces() -> impl Strategy<Value = Vec<(Stream, Vec<u8>)>> {
    let stream = prop_oneof![3 => Just(Stream::Stdout), 1 => Just(Stream::Stderr)];
    prop::collection::vec((stream, "[abc\n\u{20AC}]{1,12}".prop_map(String::into_bytes)), 1..40)
}

proptest! {
    #[test]
    fn every_line_that_matches_is_found_once(
        pieces in pieces(),
        pattern in prop::sample::select(vec!["a", "ab+c", "^b", "c$", "a\\s*b", "", "^$", "\\Aa", "b\\z", "[^a]c", "\u{20AC}."]),
        on_disk in any::<bool>(),
        context_lines in 0usize..3,
        max_matches in prop_oneof![Just(100_000), 1usize..5],
        max_bytes in prop_oneof![Just(64 << 20), 1usize..30],
    ) {
        let (log, _directory) = log_of(&pieces, on_disk);
        let regex = regex::bytes::RegexBuilder::new(pattern).multi_line(true).crlf(true).build().unwrap();
        let mut expected = Vec::new();
        for stream in [Stream::Stdout, Stream::Stderr] {
            let text = of(&pieces, stream);
            let lines = lines(&text);
            let mut offset = 0;
            for (index, line) in lines.iter().enumerate() {
                if let Some(found) = regex.find(line) {
                    let context = |range: std::ops::Range<usize>| -> Vec<Vec<u8>> {
                        lines[range].iter().map(|line| line.to_vec()).collect()
                    };
                    expected.push((
                        stream,
                        index as u64 + 1,
                        (offset + found.start()) as u64,
                        found.len() as u64,
                        line.to_vec(),
                        context(index.saturating_sub(context_lines)..index),
                        context(index + 1..(index + 1 + context_lines).min(lines.len())),
                    ));
                }
                offset += line.len() + 1;
            }
        }
        // In as many searches as it takes, each of which goes on where the last one has ended.
        let mut asked = Query { context_lines, max_matches, max_bytes, ..query(pattern) };
        let mut matches = Vec::new();
        loop {
            let found = wait(search(Arc::clone(&log), asked.clone()));
            // A line that has not ended comes on top, one a stream.
            prop_assert!(found.matches.len() <= max_matches + 2 && !(found.matches.is_empty() && found.stopped.is_some()));
            matches.extend(found.matches);
            (asked.after_seq, asked.offsets) = (found.next_seq - 1, found.next_offsets);
            if found.stopped.is_none() {
                break;
            }
        }
        let text = |lines: &[weir_process::Line]| -> Vec<Vec<u8>> {
            lines.iter().map(|line| line.bytes.to_vec()).collect()
        };
        let mut seen: Vec<_> = matches
            .iter()
            .map(|found| {
                let line = &found.line;
                (found.stream, line.number, found.offset, found.len, line.bytes.to_vec(), text(&found.before), text(&found.after))
            })
            .collect();
        for found in &matches {
            for (line, back) in found.before.iter().rev().zip(1..) {
                prop_assert_eq!(line.number, found.line.number - back);
            }
            for (line, on) in found.after.iter().zip(1..) {
                prop_assert_eq!(line.number, found.line.number + on);
            }
            let chunks = log.read(found.seq - 1, Some(1)).chunks;
            let chunk = &chunks[0];
            prop_assert_eq!((chunk.seq, chunk.stream), (found.seq, found.stream));
            prop_assert!(chunk.offset <= found.offset && found.offset <= chunk.offset + chunk.bytes.len() as u64);
        }
        // Bytes that are short cut the lines behind a match.
        if max_bytes < 64 << 20 {
            seen.iter_mut().chain(&mut expected).for_each(|row| row.6.clear());
        }
        let key = |found: &Row| (found.0 == Stream::Stderr, found.2, found.1);
        seen.sort_by_key(key);
        expected.sort_by_key(key);
        // A match in a line that had not ended may come again.
        let has_ended = |row: &Row| {
            let text = of(&pieces, row.0);
            text.ends_with(b"\n") || row.1 < text.split(|byte| *byte == b'\n').count() as u64
        };
        seen.dedup_by(|again, first| again == first && !has_ended(first));
        prop_assert_eq!(seen, expected);
    }

    #[test]
    fn pages_from_the_end_give_everything_once(pieces in pieces(), on_disk in any::<bool>(), max_bytes in 1u64..60) {
        let (log, _directory) = log_of(&pieces, on_disk);
        let (mut before, mut chunks, mut last) = (None, Vec::new(), 0);
        loop {
            let page = log.read_back(before, max_bytes);
            let bytes: usize = page.chunks.iter().map(|chunk| chunk.bytes.len()).sum();
            prop_assert!(page.chunks.len() <= 1 || bytes as u64 <= max_bytes);
            // As many as fit, wherever they are.
            let one_more = page.chunks.last().map_or(0, |chunk| chunk.bytes.len());
            prop_assert!(before.is_none() || (last + one_more) as u64 > max_bytes);
            last = bytes;
            prop_assert_eq!(page.dropped, None);
            prop_assert!(page.chunks.windows(2).all(|pair| pair[0].seq + 1 == pair[1].seq));
            prop_assert_eq!(page.chunks.last().map_or(1, |chunk| chunk.seq + 1), page.next_seq);
            chunks.splice(0..0, page.chunks);
            if page.before_seq == 1 {
                break;
            }
            before = Some(page.before_seq);
        }
        let forward: Vec<_> = {
            let (mut after, mut all) = (0, Vec::new());
            loop {
                let batch = log.read(after, None);
                if batch.chunks.is_empty() {
                    break all;
                }
                after = batch.next_seq - 1;
                all.extend(batch.chunks);
            }
        };
        prop_assert_eq!(chunks, forward);
    }

    #[test]
    fn pages_from_the_end_tell_what_is_missing(
        pieces in pieces(),
        overflow in prop_oneof![Just(Overflow::DropMiddle), Just(Overflow::DropOldest)],
        max_bytes in 1u64..60,
    ) {
        let store = Store::new(StoreLimits::default());
        let retention = Retention { max_bytes: 40, overflow, ..Retention::default() };
        let log = store.open(retention, &[Stream::Stdout, Stream::Stderr]);
        pieces.iter().for_each(|(stream, bytes)| log.append(*stream, bytes));
        let (mut before, mut seen, mut missing) = (None, 0, 0);
        loop {
            let page = log.read_back(before, max_bytes);
            seen += page.chunks.iter().map(|chunk| chunk.bytes.len() as u64).sum::<u64>();
            missing += page.dropped.map_or(0, |dropped| dropped.bytes);
            if page.before_seq == 1 {
                break;
            }
            prop_assert!(before.is_none_or(|before| page.before_seq < before));
            before = Some(page.before_seq);
        }
        prop_assert_eq!((seen, missing), (log.status().retained_bytes, log.status().dropped_bytes));
    }

    #[test]
    fn lines_are_those_of_the_whole(
        pieces in pieces(),
        on_disk in any::<bool>(),
        from in prop_oneof![1i64..12, -12i64..0],
        count in 0i64..6,
        max_bytes in prop_oneof![Just(1u64 << 20), 1u64..30],
    ) {
        let (log, _directory) = log_of(&pieces, on_disk);
        let text = of(&pieces, Stream::Stdout);
        let all: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
        let total = all.len() as i64;
        let first = if from < 0 { (total + 1 + from).max(1) } else { from };
        let to = if from < 0 { (from + count).min(-1) } else { from + count };
        let last = if to < 0 { total + 1 + to } else { to.min(total) };
        let given = log.read_lines(LineRange { stream: Stream::Stdout, from, to }, max_bytes);
        prop_assert_eq!(given.total as i64, total);
        let bytes: Vec<u8> = given.chunks.iter().flat_map(|chunk| chunk.bytes.to_vec()).collect();
        prop_assert!(bytes.len() as u64 <= max_bytes);
        if first > last {
            prop_assert!(bytes.is_empty());
            return Ok(());
        }
        let mut expected = Vec::new();
        let mut upto = first - 1;
        for line in &all[first as usize - 1..last as usize] {
            if !expected.is_empty() && (expected.len() + line.len()) as u64 > max_bytes {
                break;
            }
            expected.extend_from_slice(line);
            upto += 1;
        }
        let cut = expected.len() as u64 > max_bytes;
        expected.truncate(max_bytes as usize);
        prop_assert_eq!((given.from as i64, given.to as i64, given.cut), (first, upto, cut));
        prop_assert_eq!(bytes, expected);
        for chunk in &given.chunks {
            let offset = chunk.offset as usize;
            prop_assert_eq!(&text[offset..offset + chunk.bytes.len()], &chunk.bytes[..]);
        }
    }
}

#[test]
fn a_wrong_pattern_is_told_with_its_place() {
    let at = |pattern: &str| match Pattern::new(pattern, false) {
        Err(PatternError::Syntax { position, what }) => (position, what),
        other => panic!("{pattern}: {other:?}"),
    };
    assert_eq!(at("\u{20AC}b(c").0, 2);
    assert_eq!(at("a**[").0, 3);
    assert_eq!(at("x\\y").0, 1);
    assert!(at("(?=a)").1.contains("look-around"), "{:?}", at("(?=a)"));
    assert!(matches!(Pattern::new("(\\w{1000}){1000}", false), Err(PatternError::TooLarge { .. })));
}

#[test]
fn a_pathological_pattern_ends_in_time() {
    let text = vec![(Stream::Stdout, vec![b'a'; 4 << 20])];
    let (log, _directory) = log_of(&text, false);
    let time = Duration::from_millis(300);
    let started = std::time::Instant::now();
    let found = wait(search(log, Query { time, ..query("(?:a?){500}(?:a*)*b(?:x+x+)+y") }));
    assert!(found.matches.is_empty());
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn a_line_longer_than_a_piece_is_found_and_shown_in_part() {
    let mut line = vec![b'x'; 300_000];
    line.extend_from_slice(b"needle");
    line.extend_from_slice(&vec![b'y'; 300_000]);
    line.push(b'\n');
    let (log, _directory) = log_of(&[(Stream::Stdout, line)], false);
    let found = wait(search(log, Query { context_lines: 2, ..query("needle") }));
    let [found] = &found.matches[..] else { panic!("{found:?}") };
    assert_eq!((found.offset, found.len, found.line.number), (300_000, 6, 1));
    assert!(found.line.cut && found.line.bytes.len() == 4096);
    let at = (found.offset - found.line.offset) as usize;
    assert_eq!(&found.line.bytes[at..at + 6], b"needle");
}
