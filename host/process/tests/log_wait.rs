//! Waiting: what ends a wait, and that no wake-up is lost.

use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use weir_process::{
    Cause, Event, Exit, OutputLog, Overflow, ReadBatch, Retention, Store, StoreLimits, Stream, Until, Usage,
    WaitFor,
};

use Stream::{Stderr, Stdout};

const EXIT: Exit = Exit { code: 0, signal: None, cause: Cause::Exit, usage: ZERO };
const ZERO: Usage =
    Usage { user: Duration::ZERO, system: Duration::ZERO, max_rss_bytes: 0, elapsed: Duration::ZERO };
const LONG: Option<Duration> = Some(Duration::from_secs(3600));

fn open() -> Arc<OutputLog> {
    Store::new(StoreLimits::default()).open(Retention::default(), &[Stdout])
}

/// Whether a wait that has begun before an operation is over after it.
fn ends<T>(wait: impl Future<Output = T>, operation: impl FnOnce()) -> bool {
    let mut wait = std::pin::pin!(wait);
    let mut context = Context::from_waker(Waker::noop());
    assert!(wait.as_mut().poll(&mut context).is_pending());
    operation();
    wait.as_mut().poll(&mut context).is_ready()
}

fn read(log: &Arc<OutputLog>, after_seq: u64, wait_for: WaitFor) -> impl Future<Output = ReadBatch> + '_ {
    log.read_waiting(after_seq, None, wait_for, None)
}

fn read_now(log: &Arc<OutputLog>, after_seq: u64, wait_for: WaitFor) -> Option<ReadBatch> {
    let read = std::pin::pin!(log.read_waiting(after_seq, None, wait_for, LONG));
    match read.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(batch) => Some(batch),
        Poll::Pending => None,
    }
}

#[test]
fn a_chunk_ends_only_a_wait_for_output() {
    let log = open();
    assert!(ends(read(&log, 0, WaitFor::Output), || log.append(Stdout, b"a")));
    assert!(!ends(read(&log, 0, WaitFor::Exit), || log.append(Stdout, b"a")));
    assert!(!ends(read(&log, 0, WaitFor::Close), || log.append(Stdout, b"a")));
    assert!(!ends(read(&log, 5, WaitFor::Output), || log.append(Stdout, b"a")));
}

#[test]
fn the_exit_ends_a_wait_for_output_or_exit() {
    for (wait_for, expected) in [(WaitFor::Output, true), (WaitFor::Exit, true), (WaitFor::Close, false)] {
        let log = open();
        assert_eq!(ends(read(&log, 0, wait_for), || log.record_exit(EXIT)), expected, "{wait_for:?}");
    }
    for (until, expected) in [(Until::Exit, true), (Until::Close, false)] {
        let log = open();
        assert_eq!(ends(log.wait(until), || log.record_exit(EXIT)), expected, "{until:?}");
    }
}

#[test]
fn an_exit_that_the_cursor_has_passed_is_no_news() {
    let log = open();
    log.record_exit(EXIT);
    assert!(ends(read(&log, 1, WaitFor::Output), || log.append(Stdout, b"a")));
}

#[test]
fn the_close_ends_every_wait() {
    for wait_for in [WaitFor::Output, WaitFor::Exit, WaitFor::Close] {
        let log = open();
        log.end_stream(Stdout);
        assert!(ends(read(&log, 9, wait_for), || log.record_exit(EXIT)));
        assert!(read_now(&log, 9, wait_for).is_some_and(|batch| batch.status.closed));
    }
    let log = open();
    log.record_exit(EXIT);
    assert!(ends(log.wait(Until::Close), || log.end_stream(Stdout)));
}

#[test]
fn a_wait_for_what_is_there_returns_at_once() {
    let log = open();
    log.append(Stdout, b"a");
    assert!(read_now(&log, 0, WaitFor::Output).is_some());
    log.clear();
    let told = read_now(&log, 0, WaitFor::Output).and_then(|batch| batch.dropped);
    assert!(told.is_some(), "a gap is news");
    log.record_exit(EXIT);
    assert!(read_now(&log, 1, WaitFor::Output).is_some());
    assert!(read_now(&log, 5, WaitFor::Exit).is_some());
}

#[test]
fn a_clear_ends_every_waiting_read() {
    for wait_for in [WaitFor::Output, WaitFor::Exit, WaitFor::Close] {
        let log = open();
        log.append(Stdout, b"a");
        assert!(ends(read(&log, 1, wait_for), || log.clear()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_timeout_ends_the_wait_with_what_there_is() {
    let log = open();
    log.append(Stdout, b"a");
    for timeout in [Duration::ZERO, Duration::from_millis(50)] {
        let start = Instant::now();
        let batch = log.read_waiting(0, None, WaitFor::Close, Some(timeout)).await;
        assert_eq!((batch.chunks.len(), start.elapsed()), (1, timeout));
    }
    let start = Instant::now();
    let never = log.read_waiting(1, None, WaitFor::Output, Some(Duration::MAX));
    assert!(tokio::time::timeout(Duration::from_secs(60), never).await.is_err());
    assert_eq!(start.elapsed(), Duration::from_secs(60));
}

/// Wakes a task through a `Notify`: what a writer that takes turns over logs boils down to.
struct Bell(Notify);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

/// Follows from now on. The task takes everything up to the close, and returns how many bytes it got and how
/// many were dropped.
fn follow(log: Arc<OutputLog>, max_bytes: u64) -> impl Future<Output = (u64, u64)> {
    let bell = Arc::new(Bell(Notify::new()));
    log.follow(Waker::from(Arc::clone(&bell)));
    take_to_the_end(log, bell, max_bytes)
}

async fn take_to_the_end(log: Arc<OutputLog>, bell: Arc<Bell>, max_bytes: u64) -> (u64, u64) {
    let (mut events, mut delivered, mut lost) = (Vec::new(), 0, 0);
    loop {
        bell.0.notified().await;
        loop {
            let more = log.next_events(max_bytes, &mut events);
            for event in events.drain(..) {
                let (Event::Output { dropped, .. }
                | Event::Exited { dropped, .. }
                | Event::Closed { dropped, .. }) = &event;
                lost += dropped.map_or(0, |dropped| dropped.bytes);
                match event {
                    Event::Output { chunk, .. } => delivered += chunk.bytes.len() as u64,
                    Event::Exited { .. } => {}
                    Event::Closed { total_bytes, .. } => {
                        assert_eq!(delivered + lost, total_bytes);
                        return (delivered, lost);
                    }
                }
            }
            if !more {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
}

async fn read_to_the_end(log: Arc<OutputLog>, max_bytes: Option<u64>) -> u64 {
    let (mut after_seq, mut accounted) = (0, 0);
    loop {
        let batch = log.read_waiting(after_seq, max_bytes, WaitFor::Output, None).await;
        accounted += batch.dropped.map_or(0, |dropped| dropped.bytes);
        accounted += batch.chunks.iter().map(|chunk| chunk.bytes.len() as u64).sum::<u64>();
        after_seq = batch.next_seq - 1;
        if batch.status.closed && batch.next_seq == batch.status.next_seq {
            assert_eq!(accounted, batch.status.total_bytes);
            return accounted;
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_time().build().expect("a runtime")
}

/// The one deadline of the stress tests: a lost wake-up is a test that would never end.
async fn in_time<T>(done: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(120), done).await.expect("a wake-up was lost")
}

#[test]
fn no_wake_up_is_lost_between_a_producer_thread_and_waiting_readers() {
    let runtime = runtime();
    let store = Store::new(StoreLimits { max_bytes: 4000 });
    for round in 0..3000_u64 {
        let overflow = if round % 2 == 0 { Overflow::DropMiddle } else { Overflow::DropOldest };
        let retention = Retention { max_bytes: 100 + round % 50, overflow, ..Retention::default() };
        let log = store.open(retention, &[Stdout, Stderr]);
        let readers = [None, Some(round % 40)]
            .map(|max_bytes| runtime.spawn(read_to_the_end(Arc::clone(&log), max_bytes)));
        let follower = runtime.spawn(follow(Arc::clone(&log), round % 40));
        let waits = [WaitFor::Exit, WaitFor::Close].map(|wait_for| {
            let log = Arc::clone(&log);
            runtime.spawn(async move { log.read_waiting(0, Some(1), wait_for, None).await.status })
        });
        let ends = [Until::Exit, Until::Close].map(|until| {
            let log = Arc::clone(&log);
            runtime.spawn(async move { log.wait(until).await })
        });
        let producer = thread::spawn(move || {
            let mut total = 0;
            for turn in 0..round % 60 {
                let bytes = vec![0; (turn * 7 % 23 + 1) as usize];
                log.append(if turn % 3 == 0 { Stderr } else { Stdout }, &bytes);
                total += bytes.len() as u64;
            }
            match round % 3 {
                0 => log.record_exit(EXIT),
                1 => log.end_stream(Stderr),
                _ => {}
            }
            log.append(Stdout, b"late");
            log.end_stream(Stdout);
            log.end_stream(Stderr);
            log.record_exit(EXIT);
            total + 4
        });
        runtime.block_on(in_time(async {
            let mut accounted = Vec::new();
            for reader in readers {
                accounted.push(reader.await.unwrap());
            }
            let (delivered, lost) = follower.await.unwrap();
            accounted.push(delivered + lost);
            for wait in waits {
                assert!(wait.await.unwrap().exit.is_some());
            }
            for end in ends {
                end.await.unwrap();
            }
            let total = producer.join().unwrap();
            assert_eq!(accounted, [total; 3]);
        }));
    }
    assert_eq!(store.used_bytes(), 0);
}

#[test]
fn no_wake_up_is_lost_between_a_producer_and_the_follower_that_it_waits_for() {
    let runtime = runtime();
    let store = Store::new(StoreLimits::default());
    for round in 0..1000_usize {
        // With a hold without end a missed wake-up would not be papered over by the timer.
        let retention =
            Retention { max_bytes: 64 + round as u64 % 64, hold: Duration::MAX, ..Retention::default() };
        let log = store.open(retention, &[Stdout]);
        let follower = runtime.spawn(follow(Arc::clone(&log), round as u64 % 40));
        let producer = runtime.spawn(async move {
            let portion = vec![0; (round % 16 + 1).min(log.portion())];
            for _ in 0..200 {
                log.room_for_follower(portion.len()).await;
                log.append(Stdout, &portion);
            }
            log.end_stream(Stdout);
            log.record_exit(EXIT);
            200 * portion.len() as u64
        });
        runtime.block_on(in_time(async {
            let total = producer.await.unwrap();
            assert_eq!(follower.await.unwrap(), (total, 0));
        }));
    }
}
