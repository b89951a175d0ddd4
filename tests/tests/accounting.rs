//! Loss is never silent: for any reader of any speed, what it was given and what it was told is missing make the
//! total.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use weir_tests::{Host, Json, Launch, Ledger, Process, settings};

weir_tests::both_ways!(
    delivered_and_dropped_make_the_total,
    a_reader_that_stopped_is_told_what_was_lost,
    an_overflow_keeps_both_ends_and_counts_the_middle,
    an_overflow_keeps_the_newest_when_asked_for,
    a_read_takes_the_first_chunk_whole_and_later_ones_while_they_fit,
    the_total_of_all_processes_is_bounded,
);

/// What is done in one case.
#[derive(Clone, Debug)]
struct Scenario {
    writes: Vec<(Stream, u32)>,
    max_bytes: u32,
    overflow: Overflow,
    pushes: Pushes,
    readers: Vec<Reader>,
}

#[derive(Clone, Copy, Debug)]
enum Stream {
    Stdout,
    Stderr,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Overflow {
    DropMiddle,
    DropOldest,
    Backpressure,
    Spill,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Pushes {
    Off,
    Followed,
    /// Nothing is read until the child has ended.
    Late,
}

/// A reader by `process/read`.
#[derive(Clone, Debug)]
struct Reader {
    max_bytes: Option<u32>,
    /// Only after the close.
    late: bool,
}

fn scenarios() -> impl Strategy<Value = Scenario> {
    let stream = prop_oneof![3 => Just(Stream::Stdout), 1 => Just(Stream::Stderr)];
    let size = prop_oneof![3 => 1..200u32, 2 => 200..20_000u32, 1 => 20_000..300_000u32];
    let overflow = prop_oneof![
        Just(Overflow::DropMiddle),
        Just(Overflow::DropOldest),
        Just(Overflow::Backpressure),
        Just(Overflow::Spill),
    ];
    let pushes = prop_oneof![Just(Pushes::Off), Just(Pushes::Followed), Just(Pushes::Late)];
    let reader = (prop::option::of(1..200_000u32), any::<bool>())
        .prop_map(|(max_bytes, late)| Reader { max_bytes, late });
    (
        prop::collection::vec((stream, size), 1..20),
        prop_oneof![Just(4_096u32), Just(65_536), Just(300_000), Just(16 << 20)],
        overflow,
        pushes,
        prop::collection::vec(reader, 1..3),
    )
        .prop_map(|(writes, max_bytes, overflow, pushes, readers)| Scenario {
            writes,
            max_bytes,
            overflow,
            pushes,
            readers,
        })
}

impl Scenario {
    fn play(&self, host: &Host) {
        // A child that is held back would not tell that it has printed everything.
        let late = self.pushes == Pushes::Late && self.overflow != Overflow::Backpressure;
        if late {
            host.pause_reading();
        }
        let id = host.next_id();
        let done = host.gate(&id);
        let start = host.send_request("process/start", self.params(host, &id, &done.to_string()));
        if late {
            done.hear(1);
        }
        host.resume_reading();
        let process = Process::new(host, host.response(start).expect("a start"));
        std::thread::scope(|scope| {
            // Whoever holds the child back has to take part from the beginning.
            let taking = self.overflow == Overflow::Backpressure && self.pushes == Pushes::Off;
            if taking {
                scope.spawn(|| {
                    Reader { max_bytes: Some(10_000), late: false }.check(&process, &self.totals())
                });
            }
            for reader in self.readers.iter().filter(|reader| !reader.late) {
                scope.spawn(|| reader.check(&process, &self.totals()));
            }
        });
        let end = process.wait_close();
        assert_eq!(end.int("exitCode"), 0);
        if self.pushes != Pushes::Off {
            let mut ledger = Ledger::default();
            ledger.book_events(&process.events());
            ledger.balance(&self.totals());
        }
        for reader in self.readers.iter().filter(|reader| reader.late) {
            reader.check(&process, &self.totals());
        }
        process.call("process/release", json!({}));
    }

    fn params(&self, host: &Host, id: &str, done: &str) -> Value {
        let mut script: String = self
            .writes
            .iter()
            .map(|(stream, size)| match stream {
                Stream::Stdout => format!("emit-bytes stdout {size} "),
                Stream::Stderr => format!("emit-bytes stderr {size} "),
            })
            .collect();
        script.push_str(&format!("tell-fifo {done}"));
        let overflow = match self.overflow {
            Overflow::DropMiddle => "dropMiddle",
            Overflow::DropOldest => "dropOldest",
            Overflow::Backpressure => "backpressure",
            Overflow::Spill => "spill",
        };
        json!({
            "processId": id,
            "argv": host.probe_argv(&script),
            "notify": self.pushes != Pushes::Off,
            "retention": { "maxBytes": self.max_bytes, "overflow": overflow },
        })
    }

    fn totals(&self) -> [(&'static str, u64); 2] {
        let total = |wanted: fn(&Stream) -> bool| {
            self.writes.iter().filter(|(stream, _)| wanted(stream)).map(|(_, size)| u64::from(*size)).sum()
        };
        [
            ("stdout", total(|stream| matches!(stream, Stream::Stdout))),
            ("stderr", total(|stream| matches!(stream, Stream::Stderr))),
        ]
    }
}

impl Reader {
    fn check(&self, process: &Process<'_>, totals: &[(&str, u64)]) {
        let mut ledger = Ledger::default();
        let mut cursor = 0;
        loop {
            let mut params = json!({ "afterSeq": cursor, "waitMs": 5_000 });
            if let Some(max_bytes) = self.max_bytes {
                params["maxBytes"] = max_bytes.into();
            }
            let read = process.call("process/read", params);
            let sizes: Vec<usize> =
                read.list("chunks").iter().map(|chunk| chunk.bytes("chunk").len()).collect();
            if let (Some(max_bytes), 2..) = (self.max_bytes, sizes.len()) {
                assert!(sizes.iter().sum::<usize>() <= max_bytes as usize, "{sizes:?} within {max_bytes}");
            }
            ledger.book_read(&read);
            cursor = cursor.max(read.int("nextSeq") - 1);
            if read.flag("closed") && sizes.is_empty() {
                let total: u64 = totals.iter().map(|(_, total)| total).sum();
                assert_eq!(read.int("totalBytes") as u64, total);
                return ledger.balance(totals);
            }
        }
    }
}

fn delivered_and_dropped_make_the_total(launch: Launch) {
    let host = launch.start();
    let cases = settings::number("WEIR_CASES", 24);
    let config = Config { cases, max_shrink_iters: 30, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    if let Err(error) = runner.run(&scenarios(), |scenario| {
        scenario.play(&host);
        Ok(())
    }) {
        panic!("{error}");
    }
}

/// Runs a child that prints `total` bytes to stdout under `retention` and gives what a late reader finds.
fn late_read(host: &Host, total: u64, retention: Value) -> Value {
    let argv = host.probe_argv(&format!("emit-bytes stdout {total}"));
    let process = host.start(json!({ "argv": argv, "notify": false, "retention": retention }));
    process.wait_close();
    let read = process.read_all();
    Reader { max_bytes: None, late: true }.check(&process, &[("stdout", total), ("stderr", 0)]);
    assert_eq!(read.int("totalBytes") as u64, total);
    read
}

fn an_overflow_keeps_both_ends_and_counts_the_middle(launch: Launch) {
    let host = launch.start();
    let total = 2_000_000;
    let process_bytes = 100_000;
    let argv = host.probe_argv(&format!("emit-bytes stdout {total}"));
    let retention = json!({ "maxBytes": process_bytes });
    let process = host.start(json!({ "argv": argv, "notify": false, "retention": retention }));
    let end = process.wait_close();
    let mut kept = Vec::new();
    let mut cursor = 0;
    loop {
        let read = process.call("process/read", json!({ "afterSeq": cursor }));
        if read.list("chunks").is_empty() {
            break;
        }
        kept.extend(read.list("chunks").iter().map(|chunk| chunk.bytes("chunk")));
        cursor = read.int("nextSeq") - 1;
    }
    let bytes: usize = kept.iter().map(Vec::len).sum();
    assert!(bytes <= process_bytes && bytes > process_bytes / 3, "{bytes} bytes are kept");
    assert_eq!(kept[0], weir_tests::pattern(0, kept[0].len()), "the head is kept");
    let tail = kept.last().expect("a tail");
    assert_eq!(*tail, weir_tests::pattern(total - tail.len() as u64, tail.len()), "the tail is kept");
    assert_eq!(end.int("exitCode"), 0);
    Reader { max_bytes: None, late: true }.check(&process, &[("stdout", total), ("stderr", 0)]);
}

fn an_overflow_keeps_the_newest_when_asked_for(launch: Launch) {
    let host = launch.start();
    let total = 2_000_000;
    let read = late_read(&host, total, json!({ "maxBytes": 100_000, "overflow": "dropOldest" }));
    assert_eq!(read.int("dropped.fromSeq"), 1, "{}", read["dropped"]);
    let kept = weir_tests::chunks_of(&read, "stdout");
    assert_eq!(kept, weir_tests::pattern(total - kept.len() as u64, kept.len()));
    assert_eq!(read.int("dropped.bytes") as u64, total - kept.len() as u64);
    assert_eq!(read.int("droppedBytes"), read.int("dropped.bytes"));
}

fn a_reader_that_stopped_is_told_what_was_lost(launch: Launch) {
    let host = launch.start();
    for overflow in ["dropMiddle", "dropOldest"] {
        let (id, total) = (host.next_id(), 8_000_000);
        let done = host.gate(&id);
        let argv = host.probe_argv(&format!("emit-bytes stdout {total} tell-fifo {done}"));
        let retention = json!({ "maxBytes": 200_000, "overflow": overflow });
        host.pause_reading();
        let params = json!({ "processId": id, "argv": argv, "retention": retention });
        let start = host.send_request("process/start", params);
        // The process ends although nobody reads.
        done.hear(1);
        host.resume_reading();
        host.response(start).expect("a start");
        let mut ledger = Ledger::default();
        ledger.book_events(&host.events(&id));
        ledger.balance(&[("stdout", total), ("stderr", 0)]);
        assert!(ledger.dropped() > total / 2, "{} of {total} bytes are lost", ledger.dropped());
    }
}

fn a_read_takes_the_first_chunk_whole_and_later_ones_while_they_fit(launch: Launch) {
    let host = launch.start();
    let gates = [host.gate("first"), host.gate("second")];
    let script = format!(
        "emit-bytes stdout 1000 wait-fifo {} emit-bytes stdout 200 wait-fifo {} emit-bytes stdout 300",
        gates[0], gates[1]
    );
    let process = host.probe(&script);
    for gate in &gates {
        process.event();
        gate.release();
    }
    process.wait_close();
    let read =
        |after: i64, max: i64| process.call("process/read", json!({ "afterSeq": after, "maxBytes": max }));
    let seqs = |read: &Value| read.list("chunks").iter().map(|chunk| chunk.int("seq")).collect::<Vec<_>>();
    let first = read(0, 1);
    assert_eq!((seqs(&first), first.int("nextSeq")), (vec![1], 2));
    assert_eq!(first.bytes("chunks.0.chunk").len(), 1_000);
    assert_eq!(seqs(&read(0, 1_199)), [1]);
    assert_eq!(seqs(&read(0, 1_200)), [1, 2]);
    assert_eq!(seqs(&read(0, 1_500)), [1, 2, 3]);
    assert_eq!(seqs(&read(1, 1)), [2]);
    assert_eq!(seqs(&read(3, 1)), [0i64; 0]);
    assert_eq!(seqs(&read(0, 1_500)), [1, 2, 3], "reading removes nothing");
}

fn the_total_of_all_processes_is_bounded(launch: Launch) {
    let host = launch.start();
    // 20 closed processes of 15 MiB each are more than the 256 MiB that are kept in all.
    let each: u64 = 15 << 20;
    let start = || {
        let argv = host.shell_argv(&format!("head -c {each} /dev/zero"));
        let process = host.start(json!({ "argv": argv, "notify": false }));
        assert_eq!(process.wait_close().int("exitCode"), 0);
        process
    };
    let all: Vec<Process<'_>> = (0..20).map(|_| start()).collect();
    // Closed ones go first, oldest first, and what is gone is counted.
    let kept: Vec<i64> = all
        .iter()
        .map(|process| match host.request("process/read", process.params(json!({ "maxBytes": 1 }))) {
            Ok(read) => {
                assert_eq!(read.int("totalBytes") as u64, each);
                read.int("totalBytes") - read.int("droppedBytes")
            }
            Err(error) => {
                error.assert(-32600, "unknownProcess", &[&process.id]);
                0
            }
        })
        .collect();
    assert!(kept.iter().sum::<i64>() <= 256 << 20, "{kept:?}");
    assert_eq!(kept.last(), Some(&(each as i64)), "{kept:?}");
    assert!(kept.is_sorted(), "{kept:?}");
}
