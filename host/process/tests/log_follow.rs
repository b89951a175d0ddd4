//! The follower: what it takes, when it is woken, and how long the producer waits for it.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tokio::time::Instant;
use weir_process::{
    Cause, Dropped, Event, Exit, OutputLog, Overflow, Retention, Store, StoreLimits, Stream, Usage,
};

use Stream::{Stderr, Stdout};

const EXIT: Exit = Exit { code: 137, signal: Some(9), cause: Cause::Signal, usage: ZERO };
const ZERO: Usage =
    Usage { user: Duration::ZERO, system: Duration::ZERO, max_rss_bytes: 0, elapsed: Duration::ZERO };
const HOLD: Duration = Duration::from_millis(20);

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Wakes {
    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

fn open(max_bytes: u64, overflow: Overflow) -> Arc<OutputLog> {
    let retention = Retention { max_bytes, overflow, hold: HOLD, ..Retention::default() };
    Store::new(StoreLimits::default()).open(retention, &[Stdout, Stderr])
}

fn followed(max_bytes: u64) -> Arc<OutputLog> {
    let log = open(max_bytes, Overflow::DropMiddle);
    log.follow(Waker::noop().clone());
    log
}

fn take(log: &OutputLog, max_bytes: u64) -> (Vec<Event>, bool) {
    let mut events = Vec::new();
    let more = log.next_events(max_bytes, &mut events);
    (events, more)
}

fn seq(event: &Event) -> u64 {
    match event {
        Event::Output { chunk, .. } => chunk.seq,
        Event::Exited { seq, .. } | Event::Closed { seq, .. } => *seq,
    }
}

#[test]
fn events_come_in_order_and_once() {
    let log = followed(1 << 20);
    log.append(Stdout, b"a");
    log.end_stream(Stdout);
    log.record_exit(EXIT);
    log.append(Stderr, b"late");
    log.end_stream(Stderr);
    let (events, more) = take(&log, u64::MAX);
    assert!(!more);
    let [Event::Output { .. }, exited, Event::Output { chunk, .. }, closed] = &events[..] else {
        panic!("{events:?}")
    };
    let streams_open = vec![Stderr];
    assert_eq!(*exited, Event::Exited { seq: 2, exit: EXIT, streams_open, dropped: None });
    assert_eq!((chunk.seq, &chunk.bytes[..]), (3, &b"late"[..]));
    assert_eq!(
        *closed,
        Event::Closed {
            seq: 4,
            total_bytes: 5,
            dropped_bytes: 0,
            withheld_bytes: 0,
            withheld_reason: None,
            dropped: None
        }
    );
    assert_eq!(take(&log, u64::MAX), (vec![], false));
}

#[test]
fn a_turn_has_at_least_one_event_and_then_stops_at_its_bytes() {
    let log = followed(1 << 20);
    for _ in 0..4 {
        log.append(Stdout, b"0123456789");
    }
    log.record_exit(EXIT);
    let taken: Vec<_> = [0, 20, 100].map(|max_bytes| take(&log, max_bytes)).to_vec();
    let taken: Vec<_> =
        taken.iter().map(|(e, more)| (e.iter().map(seq).collect::<Vec<_>>(), *more)).collect();
    assert_eq!(taken, [(vec![1], true), (vec![2, 3], true), (vec![4, 5], false)]);
}

#[test]
fn what_was_dropped_is_told_with_the_next_event() {
    let log = open(40, Overflow::DropOldest);
    log.follow(Waker::noop().clone());
    log.append(Stdout, b"0123456789");
    assert_eq!(take(&log, u64::MAX).0.len(), 1);
    for _ in 0..10 {
        log.append(Stdout, b"0123456789");
    }
    let (events, _) = take(&log, 1);
    let [Event::Output { chunk, dropped }] = &events[..] else { panic!("{events:?}") };
    assert_eq!((chunk.seq, *dropped), (8, Some(Dropped { from_seq: 2, to_seq: 7, bytes: 60 })));
}

#[test]
fn an_exit_inside_the_gap_splits_what_is_told() {
    let log = open(40, Overflow::DropOldest);
    log.follow(Waker::noop().clone());
    log.append(Stdout, b"0123");
    log.record_exit(EXIT);
    for _ in 0..10 {
        log.append(Stdout, b"0123456789");
    }
    let (events, _) = take(&log, 10);
    let [Event::Exited { seq: 2, dropped: first, .. }, Event::Output { chunk, dropped: second }] =
        &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!(*first, Some(Dropped { from_seq: 1, to_seq: 1, bytes: 4 }));
    assert_eq!((chunk.seq, *second), (9, Some(Dropped { from_seq: 3, to_seq: 8, bytes: 60 })));
}

#[test]
fn a_loss_at_the_end_is_told_with_the_close() {
    let log = followed(1 << 20);
    log.append(Stdout, b"abc");
    log.clear();
    assert_eq!(take(&log, 1), (vec![], false));
    log.end_stream(Stdout);
    log.end_stream(Stderr);
    log.record_exit(EXIT);
    let (events, _) = take(&log, 1);
    let [Event::Exited { dropped: Some(Dropped { from_seq: 1, to_seq: 1, bytes: 3 }), .. }, closed] =
        &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!(
        *closed,
        Event::Closed {
            seq: 3,
            total_bytes: 3,
            dropped_bytes: 3,
            withheld_bytes: 0,
            withheld_reason: None,
            dropped: None
        }
    );
}

#[test]
fn a_follower_is_woken_once_until_it_has_taken_everything() {
    let wakes = Arc::new(Wakes::default());
    let log = open(1 << 20, Overflow::DropMiddle);
    log.follow(Waker::from(Arc::clone(&wakes)));
    assert_eq!(wakes.count(), 0);
    log.append(Stdout, b"a");
    log.append(Stdout, b"b");
    assert_eq!(wakes.count(), 1);
    assert!(take(&log, 0).1);
    log.append(Stdout, b"c");
    assert_eq!(wakes.count(), 1);
    assert!(!take(&log, 100).1);
    log.record_exit(EXIT);
    assert_eq!(wakes.count(), 2);
    take(&log, 100);
    log.end_stream(Stdout);
    assert_eq!(wakes.count(), 2);
    log.end_stream(Stderr);
    assert_eq!(wakes.count(), 3);
}

#[test]
fn following_wakes_at_once_if_there_is_something() {
    let wakes = Arc::new(Wakes::default());
    let log = open(1 << 20, Overflow::DropMiddle);
    log.append(Stdout, b"a");
    log.append(Stdout, b"b");
    log.follow(Waker::from(Arc::clone(&wakes)));
    assert_eq!(wakes.count(), 1);
    assert_eq!(take(&log, 100).0.len(), 2);
    log.follow_from(1, Waker::from(Arc::clone(&wakes)));
    assert_eq!(take(&log, 100).0.iter().map(seq).collect::<Vec<_>>(), [2]);
    log.follow_from(77, Waker::from(Arc::clone(&wakes)));
    assert_eq!((take(&log, 100), wakes.count()), ((vec![], false), 2));
}

#[test]
fn a_log_without_a_follower_has_no_events() {
    let log = followed(1 << 20);
    log.append(Stdout, b"a");
    log.unfollow();
    assert_eq!(take(&log, 100), (vec![], false));
}

/// Polls once, as a pump does that may be interrupted at any await.
fn poll_once(future: impl Future<Output = ()>) -> Poll<()> {
    std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

async fn waited_for_room(log: &OutputLog, bytes: usize) -> Duration {
    let start = Instant::now();
    log.room_for_follower(bytes).await;
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_without_a_follower_or_with_one_that_has_taken_what_would_go() {
    let log = open(100, Overflow::DropMiddle);
    log.append(Stdout, &[0; 100]);
    assert_eq!(waited_for_room(&log, 50).await, Duration::ZERO);
    log.follow(Waker::noop().clone());
    take(&log, u64::MAX);
    assert!(log.has_room_for_follower(50));
    assert_eq!(waited_for_room(&log, 50).await, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_while_everything_fits() {
    let log = followed(100);
    log.append(Stdout, &[0; 60]);
    assert_eq!(waited_for_room(&log, 40).await, Duration::ZERO);
    assert!(!log.has_room_for_follower(41));
}

#[tokio::test(start_paused = true)]
async fn a_follower_that_takes_nothing_is_waited_for_once() {
    let log = followed(100);
    log.append(Stdout, &[0; 100]);
    assert_eq!(waited_for_room(&log, 10).await, HOLD);
    for _ in 0..50 {
        log.append(Stdout, &[0; 10]);
        assert_eq!(waited_for_room(&log, 10).await, Duration::ZERO);
    }
    // Half caught up is not caught up.
    assert!(take(&log, 30).1);
    assert_eq!(waited_for_room(&log, 50).await, Duration::ZERO);
    assert!(!take(&log, u64::MAX).1);
    log.append(Stdout, &[0; 75]);
    assert_eq!(waited_for_room(&log, 50).await, HOLD);
}

#[tokio::test(start_paused = true)]
async fn progress_starts_the_hold_anew_and_room_ends_it() {
    let log = followed(100);
    log.append(Stdout, &[0; 100]);
    let follower = async {
        for _ in 0..4 {
            tokio::time::sleep(HOLD * 3 / 4).await;
            take(&log, 1);
        }
    };
    // Chunks of 25: one is the head, the second is what 25 more bytes need.
    let (waited, ()) = tokio::join!(waited_for_room(&log, 25), follower);
    assert_eq!(waited, HOLD * 3 / 2);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_given_up_is_not_forgotten() {
    let log = followed(100);
    log.append(Stdout, &[0; 100]);
    for _ in 0..4 {
        assert!(poll_once(log.room_for_follower(10)).is_pending());
        tokio::time::advance(HOLD / 4).await;
    }
    assert!(poll_once(log.room_for_follower(10)).is_ready());
    assert!(poll_once(log.room_for_follower(10)).is_ready());
}

#[tokio::test(start_paused = true)]
async fn letting_the_follower_go_ends_the_wait() {
    let log = followed(100);
    log.append(Stdout, &[0; 100]);
    let (waited, ()) = tokio::join!(waited_for_room(&log, 10), async { log.unfollow() });
    assert_eq!(waited, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_hold_without_end_waits_for_the_follower() {
    let retention = Retention { max_bytes: 100, hold: Duration::MAX, ..Retention::default() };
    let log = Store::new(StoreLimits::default()).open(retention, &[Stdout]);
    log.follow(Waker::noop().clone());
    log.append(Stdout, &[0; 100]);
    let follower = async {
        tokio::time::sleep(Duration::from_secs(3600)).await;
        take(&log, u64::MAX);
    };
    let (waited, ()) = tokio::join!(waited_for_room(&log, 10), follower);
    assert_eq!(waited, Duration::from_secs(3600));
}

#[tokio::test(start_paused = true)]
async fn the_number_of_chunks_is_waited_for_too() {
    let retention = Retention { max_chunks: 8, hold: HOLD, ..Retention::default() };
    let log = Store::new(StoreLimits::default()).open(retention, &[Stdout]);
    log.follow(Waker::noop().clone());
    for _ in 0..8 {
        log.append(Stdout, b"x");
    }
    assert_eq!(waited_for_room(&log, 1).await, HOLD);
}

#[test]
fn there_is_room_for_the_chunks_that_held_bytes_may_become() {
    let retention = Retention { max_chunks: 8, whole_characters: true, ..Retention::default() };
    let log = Store::new(StoreLimits::default()).open(retention, &[Stdout, Stderr]);
    log.follow(Waker::noop().clone());
    log.append(Stderr, b"\xe2");
    while log.has_room_for_follower(2) {
        log.append(Stdout, b"x\xe2");
    }
    log.end_stream(Stdout);
    log.end_stream(Stderr);
    assert_eq!((log.status().next_seq, log.status().dropped_bytes), (9, 0));
}

#[tokio::test(start_paused = true)]
async fn the_bound_over_all_logs_holds_up_nobody() {
    let store = Store::new(StoreLimits { max_bytes: 100 });
    let log = store.open(Retention { max_bytes: 1000, hold: HOLD, ..Retention::default() }, &[Stdout]);
    log.follow(Waker::noop().clone());
    log.append(Stdout, &[0; 100]);
    assert_eq!(waited_for_room(&log, 100).await, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_follower_that_keeps_taking_loses_nothing() {
    for (max_bytes, max_chunks) in [(1, 1000), (7, 1000), (64, 1000), (1000, 8), (1000, 2), (100_000, 1000)] {
        for overflow in [Overflow::DropMiddle, Overflow::DropOldest] {
            for whole_characters in [false, true] {
                let retention =
                    Retention { max_bytes, max_chunks, overflow, whole_characters, hold: Duration::MAX };
                let log = Store::new(StoreLimits::default()).open(retention, &[Stdout]);
                log.follow(Waker::noop().clone());
                let printed = "lossless? €😀ä ".repeat(max_bytes as usize / 3 + 20).into_bytes();
                let producer = async {
                    for portion in printed.chunks(log.portion()) {
                        log.room_for_follower(portion.len()).await;
                        log.append(Stdout, portion);
                    }
                    log.end_stream(Stdout);
                    log.record_exit(EXIT);
                };
                let follower = async {
                    let mut got = Vec::new();
                    loop {
                        for event in take(&log, 5).0 {
                            match event {
                                Event::Output { chunk, dropped: None } => got.extend_from_slice(&chunk.bytes),
                                Event::Exited { dropped: None, .. } => {}
                                Event::Closed { dropped: None, .. } => return got,
                                lost => panic!("{retention:?}: {lost:?}"),
                            }
                        }
                        tokio::task::yield_now().await;
                    }
                };
                let ((), got) = tokio::join!(producer, follower);
                assert_eq!(got, printed);
            }
        }
    }
}
