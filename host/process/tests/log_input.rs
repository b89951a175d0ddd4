//! Who waits for input, as a follower is told of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};
use std::time::{Duration, UNIX_EPOCH};

use weir_process::{
    Cause, Event, Exit, InputNews, OutputLog, Retention, Store, StoreLimits, Stream, Usage, WaitingForInput,
};

fn log() -> Arc<OutputLog> {
    Store::new(StoreLimits { max_bytes: 1 << 20 }).open(Retention::default(), &[Stream::Stdout])
}

fn waiting(pid: i32) -> Option<WaitingForInput> {
    Some(WaitingForInput { since: UNIX_EPOCH + Duration::from_secs(1), pid, descriptor: 0 })
}

const NOTHING: InputNews = InputNews { taken: false, waiting: None };
const TAKEN: InputNews = InputNews { taken: true, waiting: None };

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn follow(log: &OutputLog) -> Arc<Wakes> {
    let wakes = Arc::new(Wakes::default());
    log.follow(Waker::from(Arc::clone(&wakes)));
    wakes
}

fn next(log: &OutputLog) -> (Vec<Event>, InputNews) {
    let mut events = Vec::new();
    log.next_events(1, &mut events);
    (events, log.input_news())
}

fn exit() -> Exit {
    Exit { code: 0, signal: None, cause: Cause::Exit, usage: Usage::default() }
}

#[test]
fn a_follower_is_woken_and_told_once() {
    let log = log();
    let wakes = follow(&log);
    log.set_waiting_for_input(waiting(1));
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
    assert_eq!(next(&log), (vec![], InputNews { taken: false, waiting: waiting(1) }));
    log.set_waiting_for_input(waiting(1));
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1, "that is no news");
    assert_eq!(next(&log).1, NOTHING);
    log.set_waiting_for_input(None);
    assert_eq!(wakes.0.load(Ordering::Relaxed), 2);
    assert_eq!(next(&log).1, TAKEN);
}

#[test]
fn what_was_printed_before_is_taken_before() {
    let log = log();
    follow(&log);
    log.append(Stream::Stdout, b"one");
    log.append(Stream::Stdout, b"two");
    log.set_waiting_for_input(waiting(1));
    log.append(Stream::Stdout, b"three");
    assert_eq!(log.waiting_for_input(), waiting(1));
    for expected in [NOTHING, InputNews { taken: false, waiting: waiting(1) }, NOTHING] {
        let (events, news) = next(&log);
        assert_eq!((events.len(), news), (1, expected));
    }
}

#[test]
fn only_the_latest_is_told() {
    let log = log();
    follow(&log);
    log.set_waiting_for_input(waiting(1));
    log.set_waiting_for_input(None);
    assert_eq!(next(&log).1, NOTHING, "who came and went");
    log.set_waiting_for_input(waiting(1));
    next(&log);
    for pid in 2..100 {
        log.set_waiting_for_input(None);
        log.set_waiting_for_input(waiting(pid));
    }
    assert_eq!(next(&log).1, InputNews { taken: true, waiting: waiting(99) });
}

#[test]
fn who_is_told_of_is_taken_back_with_the_close_and_nothing_comes_behind_it() {
    let log = log();
    follow(&log);
    log.set_waiting_for_input(waiting(1));
    next(&log);
    log.record_exit(exit());
    log.end_stream(Stream::Stdout);
    assert_eq!(log.waiting_for_input(), None);
    log.set_waiting_for_input(waiting(2));
    let (events, news) = next(&log);
    assert!(matches!(events[..], [Event::Exited { .. }, Event::Closed { .. }]));
    assert_eq!(news, TAKEN);
    assert_eq!(next(&log), (vec![], NOTHING));
}

#[test]
fn who_does_not_follow_is_told_nothing_and_a_new_follower_the_present() {
    let log = log();
    log.set_waiting_for_input(waiting(1));
    assert_eq!(log.input_news(), NOTHING);
    for _ in 0..2 {
        follow(&log);
        assert_eq!(next(&log).1, InputNews { taken: false, waiting: waiting(1) });
        log.unfollow();
    }
}
