//! What is known of one tree: its threads, and who of them waits for input.
//!
//! A thread that has not run since it was last looked at has neither gone on nor started anything: a tree that only
//! waits costs one small read a thread. Everything else is looked at anew.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};

use super::WaitingForInput;
use super::blocked::{self, Wait};
use super::proc::{Proc, Runs, RunsFile};
use crate::cell::tree;
use crate::streams::OtherEnd;

/// The time between two looks: with the second one, less than the second that is promised.
const PERIOD: Duration = Duration::from_millis(550);
/// The same where somebody is told of: what he is given is looked after by itself.
const TOLD_PERIOD: Duration = Duration::from_millis(700);
/// The same at first, and when something was given: many ask soon then. It grows from look to look.
const FIRST_PERIOD: Duration = Duration::from_millis(100);
/// How long somebody has to stay where he is to count as waiting, and how long one who is told of may be elsewhere
/// without anything given to him: many wait with a time limit, and wait again.
const MOMENT: Duration = Duration::from_millis(50);
/// The same for a large tree that moves, which costs milliseconds a look.
const LONG_MOMENT: Duration = Duration::from_millis(300);
/// Moments in a row after which one who does not stay is only looked at from period to period.
const MOMENTS: u32 = 4;
/// The most time of a look; what was not come to has its turn at the next one.
const MOST_TIME: Duration = Duration::from_millis(50);
/// The most threads of a tree that are looked at, so that a fork bomb keeps nobody else waiting.
const MOST_THREADS: usize = 4096;

/// The threads of a tree.
#[derive(Debug)]
pub(super) struct Tree {
    root: i32,
    input: OtherEnd,
    threads: Vec<(Thread, Option<RunsFile>)>,
    state: State,
    moments: u32,
    period: Duration,
    /// What had been given at the last look.
    given: u64,
}

#[derive(Debug, Clone, Copy)]
struct Thread {
    pid: i32,
    tid: i32,
    /// None if the kernel does not count.
    runs: Option<Runs>,
    wait: Option<Wait>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Nobody,
    /// Seen once.
    Seen(Found),
    /// Seen twice at the same place: told of.
    Told(Found),
    /// Told of, and elsewhere at the last look.
    Missed(Found),
}

/// Who waits.
#[derive(Debug, Clone, Copy)]
struct Found {
    thread: Thread,
    wait: Wait,
    waiting: WaitingForInput,
    /// What had been given when it was found.
    given: u64,
}

/// What a look came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Looked {
    /// Who waits, as is to be told.
    pub(super) waiting: Option<WaitingForInput>,
    /// When to look again.
    pub(super) after: Duration,
}

impl Tree {
    /// The tree below `root`, whose input is known as `input`.
    pub(super) fn new(root: i32, input: OtherEnd) -> Self {
        let (threads, state, period) = (Vec::new(), State::Nobody, FIRST_PERIOD);
        Self { root, input, threads, state, moments: 0, period, given: 0 }
    }

    /// Looks at it. `given` grows with everything that was given as input, and was read before.
    pub(super) fn look(&mut self, proc: &mut Proc, given: u64) -> Looked {
        let began = Instant::now();
        if !self.has_stood_still(proc) {
            self.walk(proc);
        }
        let now = self.who_waits();
        self.state = self.next_state(now, given);
        let (waiting, soon) = match self.state {
            State::Nobody => (None, false),
            State::Seen(_) => (None, true),
            State::Told(found) => (Some(found.waiting), false),
            State::Missed(found) => (Some(found.waiting), true),
        };
        self.moments = if soon { self.moments + 1 } else { 0 };
        let soon = soon && self.moments <= MOMENTS;
        let moment = (20 * began.elapsed()).clamp(MOMENT, LONG_MOMENT);
        if std::mem::replace(&mut self.given, given) != given {
            self.period = FIRST_PERIOD;
        }
        let period = if matches!(self.state, State::Told(_)) { TOLD_PERIOD } else { self.period };
        self.period = (2 * self.period).min(PERIOD);
        Looked { waiting, after: if soon { moment } else { period } }
    }

    /// Whether somebody is told of who may go on as soon as something is given.
    pub(super) fn is_told(&self) -> bool {
        matches!(self.state, State::Told(_) | State::Missed(_))
    }

    /// Whether none of the known threads has run.
    fn has_stood_still(&self, proc: &mut Proc) -> bool {
        let stands = |(thread, file): &(Thread, Option<RunsFile>)| {
            let runs = match file {
                Some(file) => proc.runs_again(file),
                None => proc.runs(thread.tid),
            };
            thread.runs.is_some() && thread.runs == runs
        };
        !self.threads.is_empty() && self.threads.iter().all(stands)
    }

    /// Looks at every thread that has run, and at every new one.
    fn walk(&mut self, proc: &mut Proc) {
        let mut known: HashMap<i32, (Thread, Option<RunsFile>)> =
            self.threads.drain(..).map(|known| (known.0.tid, known)).collect();
        let threads = tree::threads(self.root, MOST_THREADS);
        let began = Instant::now();
        for (pid, tid) in threads {
            // Before looking where it is: what happens after it shows at the next look.
            let (before, file) =
                known.remove(&tid).map_or((None, None), |(thread, file)| (Some(thread), file));
            let (runs, file) = match file.and_then(|file| Some((proc.runs_again(&file)?, file))) {
                Some((runs, file)) => (Some(runs), Some(file)),
                None => proc.runs_at_first(tid),
            };
            let thread = match before {
                Some(before) if before.pid == pid && runs.is_some() && runs == before.runs => before,
                _ if began.elapsed() > MOST_TIME => Thread { pid, tid, runs: None, wait: None },
                _ => Thread { pid, tid, runs, wait: blocked::wait(proc, pid, tid, self.input) },
            };
            self.threads.push((thread, file));
        }
    }

    /// One who waits: the one who was found, if he still does.
    fn who_waits(&self) -> Option<(Thread, Wait)> {
        let found = match self.state {
            State::Nobody => None,
            State::Seen(found) | State::Told(found) | State::Missed(found) => Some(found),
        };
        let waiting = || self.threads.iter().filter_map(|(thread, _)| Some((*thread, thread.wait?)));
        let at_his_place = found.and_then(|found| waiting().find(|(thread, wait)| found.is(thread, wait)));
        at_his_place.or_else(|| waiting().next())
    }

    fn next_state(&self, now: Option<(Thread, Wait)>, given: u64) -> State {
        let anew = || match now {
            Some((thread, wait)) => State::Seen(Found {
                thread,
                wait,
                waiting: WaitingForInput {
                    since: SystemTime::now(),
                    pid: thread.pid,
                    descriptor: wait.descriptor,
                },
                given,
            }),
            None => State::Nobody,
        };
        let (found, told) = match self.state {
            State::Nobody => return anew(),
            State::Seen(found) => (found, false),
            State::Told(found) | State::Missed(found) => (found, true),
        };
        match now {
            Some((thread, wait)) if found.is(&thread, &wait) => {
                let (stayed, untouched) = (found.stayed(&thread, &wait), found.given == given);
                let goes_on = if told { stayed || untouched } else { stayed && untouched };
                if goes_on { State::Told(Found { thread, wait, ..found }) } else { anew() }
            }
            _ if matches!(self.state, State::Told(_)) && found.given == given && self.lives(&found) => {
                State::Missed(found)
            }
            _ => anew(),
        }
    }

    fn lives(&self, found: &Found) -> bool {
        self.threads.iter().any(|(thread, _)| thread.pid == found.thread.pid)
    }
}

impl Found {
    /// Whether it is the same process at the same descriptor.
    fn is(&self, thread: &Thread, wait: &Wait) -> bool {
        self.thread.pid == thread.pid && self.wait.descriptor == wait.descriptor
    }

    /// Whether it has not moved since the last look.
    fn stayed(&self, thread: &Thread, wait: &Wait) -> bool {
        self.thread.tid == thread.tid
            && match (self.thread.runs, thread.runs) {
                (Some(before), Some(now)) => before == now,
                _ => self.wait.call == wait.call,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::proc::parse_syscall;

    /// A tree of processes 1 and 2, and what it is said to look like.
    struct Looks(Tree);

    impl Looks {
        fn new() -> Self {
            Self(Tree::new(0, OtherEnd::Pipe(0)))
        }

        /// Process `pid` waits at descriptor 0 and has run so often; nobody if it is 0. Gives who is told of.
        fn see(&mut self, pid: i32, runs: u64, given: u64) -> Option<i32> {
            let call = parse_syscall("0 0x0 0x1 0x2 0x3 0x4 0x5 0x6 0x7").expect("a call");
            let wait = Wait { descriptor: 0, call };
            let thread = |of: i32| {
                let wait = (of == pid).then_some(wait);
                (Thread { pid: of, tid: of, runs: Some((runs, runs)), wait }, None)
            };
            self.0.threads = vec![thread(1), thread(2)];
            let now = self.0.who_waits();
            self.0.state = self.0.next_state(now, given);
            match self.0.state {
                State::Nobody | State::Seen(_) => None,
                State::Told(found) | State::Missed(found) => Some(found.waiting.pid),
            }
        }
    }

    #[test]
    fn who_stays_is_told_of_at_the_second_look() {
        let mut looks = Looks::new();
        assert_eq!(looks.see(1, 1, 0), None);
        assert_eq!(looks.see(1, 2, 0), None, "it has run meanwhile");
        assert_eq!(looks.see(1, 2, 0), Some(1));
    }

    #[test]
    fn who_was_given_something_and_has_run_has_taken_it() {
        let mut looks = Looks::new();
        looks.see(1, 1, 0);
        assert_eq!(looks.see(1, 1, 0), Some(1));
        assert_eq!(looks.see(1, 1, 1), Some(1), "it has not taken it yet");
        assert_eq!(looks.see(1, 2, 1), None, "it waits anew");
        assert_eq!(looks.see(1, 2, 1), Some(1));
    }

    #[test]
    fn a_time_limit_and_a_signal_are_no_input() {
        let mut looks = Looks::new();
        looks.see(1, 1, 7);
        for runs in 1..10 {
            assert_eq!(looks.see(1, runs, 7), Some(1));
        }
        assert_eq!(looks.see(0, 10, 7), Some(1), "elsewhere for a moment");
        assert_eq!(looks.see(1, 11, 7), Some(1));
        looks.see(0, 12, 7);
        assert_eq!(looks.see(0, 13, 7), None, "elsewhere for longer");
    }

    #[test]
    fn one_is_told_of_as_long_as_it_waits() {
        let mut looks = Looks::new();
        looks.see(2, 1, 0);
        assert_eq!(looks.see(2, 1, 0), Some(2));
        looks.see(1, 2, 0);
        assert_eq!(looks.see(1, 2, 0), None, "the other one, for the first time");
        assert_eq!(looks.see(1, 2, 0), Some(1));
    }

    #[test]
    fn what_is_given_on_the_way_makes_it_begin_anew() {
        let mut looks = Looks::new();
        looks.see(1, 1, 0);
        assert_eq!(looks.see(1, 1, 1), None);
        assert_eq!(looks.see(1, 1, 1), Some(1));
    }
}
