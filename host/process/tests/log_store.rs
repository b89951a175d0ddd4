//! The bound over all logs, and who gives way.

use std::sync::Arc;
use std::task::Waker;
use std::thread;
use std::time::Duration;

use weir_process::{
    Cause, Dropped, Event, Exit, OutputLog, Overflow, Retention, Store, StoreLimits, Stream, Usage,
};

use Stream::Stdout;

const EXIT: Exit = Exit { code: 0, signal: None, cause: Cause::Exit, usage: ZERO };
const ZERO: Usage =
    Usage { user: Duration::ZERO, system: Duration::ZERO, max_rss_bytes: 0, elapsed: Duration::ZERO };

fn open(store: &Arc<Store>, bytes: usize) -> Arc<OutputLog> {
    let log = store.open(Retention { max_bytes: 400, ..Retention::default() }, &[Stdout]);
    fill(&log, bytes);
    log
}

/// In chunks of ten bytes.
fn fill(log: &OutputLog, bytes: usize) {
    for _ in 0..bytes / 10 {
        log.append(Stdout, b"0123456789");
    }
}

fn close(log: &OutputLog) {
    log.end_stream(Stdout);
    log.record_exit(EXIT);
}

fn retained(log: &OutputLog) -> u64 {
    log.status().retained_bytes
}

#[test]
fn used_bytes_is_what_all_logs_retain() {
    let store = Store::new(StoreLimits { max_bytes: 10_000 });
    let first = open(&store, 1000);
    let second = open(&store, 50);
    assert_eq!((retained(&first), store.used_bytes()), (400, 450));
    first.clear();
    assert_eq!(store.used_bytes(), 50);
    drop(second);
    assert_eq!(store.used_bytes(), 0);
}

#[test]
fn closed_logs_give_way_first_and_the_one_that_closed_first_before_the_others() {
    let store = Store::new(StoreLimits { max_bytes: 250 });
    let logs = [(); 4].map(|()| open(&store, 50));
    close(&logs[2]);
    // The last stream may end after the exit as well as before.
    logs[0].record_exit(EXIT);
    logs[0].end_stream(Stdout);
    fill(&logs[1], 50);
    assert_eq!(logs.each_ref().map(|log| retained(log)), [50, 100, 50, 50]);
    fill(&logs[3], 10);
    assert_eq!(logs.each_ref().map(|log| retained(log)), [50, 100, 0, 60]);
    assert_eq!(logs[2].read(0, None).dropped, Some(Dropped { from_seq: 1, to_seq: 5, bytes: 50 }));
    let fifth = open(&store, 50);
    assert_eq!(logs.each_ref().map(|log| retained(log)), [0, 100, 0, 60]);
    assert_eq!(retained(&fifth), 50);
    assert!(logs[0].status().closed && logs[2].status().closed);
}

#[test]
fn the_largest_running_log_gives_way_on_both_sides_of_its_gap() {
    let store = Store::new(StoreLimits { max_bytes: 250 });
    let large = store.open(Retention { max_bytes: 200, ..Retention::default() }, &[Stdout]);
    fill(&large, 200);
    let small = open(&store, 100);
    assert_eq!((retained(&large), retained(&small)), (150, 100));
    assert_eq!(large.read(0, None).chunks.len(), 4);
    assert_eq!(large.read(4, None).dropped, Some(Dropped { from_seq: 5, to_seq: 9, bytes: 50 }));
}

#[test]
fn the_largest_running_log_gives_way_by_its_own_rule() {
    let store = Store::new(StoreLimits { max_bytes: 250 });
    let retention = Retention { max_bytes: 200, overflow: Overflow::DropOldest, ..Retention::default() };
    let large = store.open(retention, &[Stdout]);
    fill(&large, 200);
    let small = open(&store, 100);
    assert_eq!((retained(&large), retained(&small)), (150, 100));
    assert_eq!(large.read(0, None).dropped, Some(Dropped { from_seq: 1, to_seq: 5, bytes: 50 }));
}

#[test]
fn the_newest_output_of_a_log_that_is_all_head_is_kept() {
    let store = Store::new(StoreLimits { max_bytes: 250 });
    let log = store.open(Retention { max_bytes: 1200, ..Retention::default() }, &[Stdout]);
    fill(&log, 240);
    let other = open(&store, 20);
    assert_eq!((retained(&log), retained(&other)), (230, 20));
    fill(&log, 20);
    let snapshot = log.snapshot();
    let [stream] = &snapshot.streams[..] else { panic!("{snapshot:?}") };
    assert_eq!((stream.before.len(), stream.dropped, stream.after.len()), (21, 30, 2));
    assert_eq!(log.read(21, None).dropped, Some(Dropped { from_seq: 22, to_seq: 24, bytes: 30 }));
}

#[test]
fn a_log_may_be_larger_than_the_bound_over_all() {
    let store = Store::new(StoreLimits { max_bytes: 100 });
    let log = store.open(Retention { overflow: Overflow::DropOldest, ..Retention::default() }, &[Stdout]);
    fill(&log, 1000);
    assert_eq!((store.used_bytes(), log.status().dropped_bytes), (100, 900));
    log.append(Stdout, &[0; 500]);
    assert_eq!((store.used_bytes(), log.status().dropped_bytes), (0, 1500));
}

#[test]
fn little_more_than_necessary_is_dropped() {
    let bound = 8 << 20;
    let store = Store::new(StoreLimits { max_bytes: bound });
    let logs: Vec<_> = (0..10).map(|_| store.open(Retention::default(), &[Stdout])).collect();
    for round in 0..100 {
        for log in &logs {
            log.append(Stdout, &[0; 10_000]);
            assert!(store.used_bytes() <= bound);
        }
        assert!(round < 85 || store.used_bytes() >= bound - bound / 256 - 10_000);
    }
    let sizes = logs.iter().map(|log| retained(log));
    let (least, most) = (sizes.clone().min().unwrap(), sizes.max().unwrap());
    assert!(most - least <= 3 * 64 * 1024, "{least} {most}");
}

#[test]
fn a_follower_is_told_what_the_store_dropped() {
    let store = Store::new(StoreLimits { max_bytes: 100 });
    let log = open(&store, 50);
    log.follow(Waker::noop().clone());
    close(&log);
    let other = open(&store, 60);
    let mut events = Vec::new();
    assert!(!log.next_events(u64::MAX, &mut events));
    let [Event::Exited { dropped, .. }, Event::Closed { dropped: None, dropped_bytes: 50, .. }] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!(*dropped, Some(Dropped { from_seq: 1, to_seq: 5, bytes: 50 }));
    assert_eq!(retained(&other), 60);
}

#[test]
fn many_threads_stay_within_the_bound() {
    let bound = 1 << 20;
    let store = Store::new(StoreLimits { max_bytes: bound });
    thread::scope(|scope| {
        for thread in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for round in 0..60_usize {
                    let logs = [(); 3].map(|()| store.open(Retention::default(), &[Stdout]));
                    for turn in 0..40 {
                        let log = &logs[(round + turn) % 3];
                        log.append(Stdout, &vec![0; (thread + 1) * (round % 7 + 1) * 1000]);
                        log.read(0, Some(1000));
                    }
                    close(&logs[round % 3]);
                    logs[(round + 1) % 3].clear();
                    for log in &logs {
                        let status = log.status();
                        assert_eq!(status.retained_bytes + status.dropped_bytes, status.total_bytes);
                    }
                }
            });
        }
    });
    assert_eq!(store.used_bytes(), 0);
    let log = store.open(Retention::default(), &[Stdout]);
    log.append(Stdout, &vec![0; 2 << 20]);
    assert!(store.used_bytes() <= bound && store.used_bytes() >= bound - bound / 256 - 65_536);
}
