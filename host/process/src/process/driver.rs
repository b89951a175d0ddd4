//! The driver: the one task of a process that listens to its cell, obeys its owner and turns the pump.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};
use tracing::{debug, warn};

use super::input::InputState;
use super::pump::Pump;
use super::stdin::{Stdin, Write, WriteStatus};
use super::{Leftovers, ProcessOptions, Signal, Signalled, Terminated};
use crate::cell::frame::{FromShim, LeaderExit, ToShim};
use crate::cell::{Cell, Scope, tree};
use crate::input::Watched;
use crate::limits::{HeldLimit, Limit};
use crate::log::{Cause, Exit, Usage};
use crate::terminal::{Master, TerminalSize};

/// How long what the leader left behind may take to end by itself before `leftovers: terminate` ends it.
const LEFTOVER_DELAY: Duration = Duration::from_millis(250);

/// What the owner of a process asks for.
#[derive(Debug)]
pub(super) enum Order {
    Signal { scope: Scope, signal: Signal, reply: oneshot::Sender<Signalled> },
    Terminate { grace: Duration, reply: oneshot::Sender<Terminated> },
    Write(Write),
    CloseStdin { reply: oneshot::Sender<WriteStatus> },
    Resize { size: TerminalSize, reply: oneshot::Sender<()> },
}

/// Ends when the tree is gone and every stream has ended. Dropping it earlier closes the log and the cell.
pub(super) struct Driver {
    pid: i32,
    started: Instant,
    /// None once the tree is gone.
    cell: Option<Cell>,
    pump: Pump,
    /// None if it was never kept open.
    stdin: Option<Stdin>,
    terminal: Option<Master>,
    input: InputState,
    orders: mpsc::Receiver<Order>,
    gone: watch::Sender<bool>,
    signals: VecDeque<oneshot::Sender<Signalled>>,
    terminations: Vec<(bool, oneshot::Sender<Terminated>)>,
    leader: Leader,
    timeout_at: Option<Instant>,
    /// None once it has passed.
    idle_timeout: Option<Duration>,
    leftovers: Leftovers,
    leftovers_at: Option<Instant>,
    grace: Duration,
    limits: Vec<HeldLimit>,
}

/// What is known of the leader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leader {
    Running,
    /// Still there, but told to end, for this cause.
    Ending(Cause),
    Exited,
}

/// What a process is made of.
pub(super) struct Parts {
    pub(super) pid: i32,
    pub(super) cell: Cell,
    pub(super) pump: Pump,
    pub(super) stdin: Option<Stdin>,
    pub(super) terminal: Option<Master>,
    pub(super) watched: Option<Watched>,
    pub(super) limits: Vec<HeldLimit>,
}

impl Driver {
    pub(super) fn new(
        parts: Parts,
        orders: mpsc::Receiver<Order>,
        gone: watch::Sender<bool>,
        options: &ProcessOptions,
    ) -> Self {
        let Parts { pid, cell, pump, stdin, terminal, watched, limits } = parts;
        let started = Instant::now();
        Self {
            pid,
            started,
            cell: Some(cell),
            pump,
            stdin,
            terminal,
            input: InputState::new(watched),
            orders,
            gone,
            signals: VecDeque::new(),
            terminations: Vec::new(),
            leader: Leader::Running,
            timeout_at: options.timeout.and_then(|timeout| started.checked_add(timeout)),
            idle_timeout: options.idle_timeout,
            leftovers: options.leftovers,
            leftovers_at: None,
            grace: options.grace,
            limits,
        }
    }

    pub(super) async fn run(mut self) {
        while self.cell.is_some() || !self.pump.has_ended() {
            self.hang_up_if_over();
            self.input.advance(&self.pump);
            let alarms = [self.timeout_at, self.idle_timeout_at(), self.leftovers_at, self.pump.idle_at()];
            let alarm = alarms.into_iter().flatten().min();
            let busy = self.cell.as_ref().is_some_and(Cell::is_busy);
            tokio::select! {
                biased;
                frame = next_frame(&mut self.cell), if self.cell.is_some() => self.hear(frame).await,
                Some(order) = self.orders.recv(), if !busy => self.obey(order),
                () = writable(self.stdin.as_ref()) => self.give(Stdin::feed),
                () = sleep_until(alarm.unwrap_or(self.started)), if alarm.is_some() => self.ring().await,
                seen = self.input.seen() => self.input.note(seen, &self.pump),
                stream = self.pump.ready(), if !self.pump.has_ended() => self.pump.advance(stream).await,
            }
        }
    }

    async fn hear(&mut self, frame: Option<FromShim>) {
        match frame {
            Some(FromShim::Exited(exit)) => self.leader_exited(&exit).await,
            Some(FromShim::Signalled { delivered, errno }) => {
                if let Some(reply) = self.signals.pop_front() {
                    let _ = reply.send(Signalled { delivered, errno });
                }
            }
            Some(FromShim::Survivors(survivors)) => {
                warn!(pid = self.pid, ?survivors, "processes survive SIGKILL");
                self.answer_terminations(&survivors);
            }
            Some(FromShim::Empty) => {
                // What the tree has printed is in the pipes by now: whoever asked for its end finds it in the log.
                self.pump.drain().await;
                self.tree_ended(&[]);
            }
            Some(unexpected @ (FromShim::Started { .. } | FromShim::Failed { .. })) => {
                warn!(pid = self.pid, ?unexpected, "a shim spoke out of turn");
            }
            None => self.lose_shim(),
        }
    }

    async fn leader_exited(&mut self, exit: &LeaderExit) {
        // What the leader printed before it ended goes before its exit, and streams that ended with it are known.
        self.pump.drain().await;
        self.pump.idle_now().await;
        let signal = libc::WIFSIGNALED(exit.wait_status).then(|| libc::WTERMSIG(exit.wait_status));
        let code = signal.map_or_else(|| libc::WEXITSTATUS(exit.wait_status), |signal| 128 + signal);
        let cause = match (self.leader, signal) {
            (Leader::Ending(cause), _) => cause,
            (_, signal) => match (self.limit_met(exit, code), signal) {
                (Some(limit), _) => Cause::Limit(limit),
                (None, Some(_)) => Cause::Signal,
                (None, None) => Cause::Exit,
            },
        };
        let usage = Usage {
            user: exit.user,
            system: exit.system,
            max_rss_bytes: exit.max_rss_bytes,
            elapsed: exit.elapsed,
        };
        debug!(pid = self.pid, code, ?cause, "leader exited");
        self.leader = Leader::Exited;
        self.pump.log().record_exit(Exit { code, signal, cause, usage });
        self.input.leave(self.pid, &self.pump);
        if self.leftovers == Leftovers::Terminate {
            self.leftovers_at = Some(Instant::now() + LEFTOVER_DELAY);
        }
    }

    /// The limit that a leader has failed at. Its own death is a fact; for what happened below it, the kernel's count
    /// says that a limit was met, and the leader's exit code that it did not get over it.
    fn limit_met(&self, exit: &LeaderExit, code: i32) -> Option<Limit> {
        let holds = |limit: Limit| self.limits.iter().find(|held| held.limit == limit).map(|held| held.value);
        let used = exit.user + exit.system;
        let failed_at = |limit: Limit| match limit {
            Limit::Cpu => {
                code == 128 + libc::SIGXCPU
                    || code == 128 + libc::SIGKILL
                        && holds(limit).is_some_and(|most| used > Duration::from_secs(most))
            }
            Limit::FileSize => code == 128 + libc::SIGXFSZ,
            Limit::Memory | Limit::Processes => code != 0 && exit.met.contains(limit),
            // Nobody counts how often opening has failed.
            Limit::OpenFiles => false,
        };
        Limit::ALL.into_iter().find(|limit| holds(*limit).is_some() && failed_at(*limit))
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Signal { scope, signal, reply } => {
                if self.tell(&ToShim::Signal { scope, number: signal.number() }) {
                    self.signals.push_back(reply);
                    self.input.stir();
                }
            }
            Order::Write(write) => {
                self.give(|stdin| stdin.write(write));
            }
            Order::CloseStdin { reply } => {
                self.give(|stdin| stdin.close(reply));
            }
            Order::Resize { size, reply } => {
                if let Some(master) = &self.terminal
                    && let Err(error) = master.resize(size)
                {
                    warn!(pid = self.pid, %error, "a terminal keeps its size");
                }
                let _ = reply.send(());
            }
            Order::Terminate { grace, reply } => {
                let running = self.leader != Leader::Exited;
                if self.end_tree(Cause::Terminated, grace) {
                    self.terminations.push((running, reply));
                } else {
                    let _ = reply.send(Terminated { running, survivors: Vec::new() });
                }
            }
        }
    }

    /// Does something about standard input, if there is one.
    fn give(&mut self, how: impl FnOnce(&mut Stdin)) {
        if let Some(stdin) = &mut self.stdin {
            self.input.give();
            how(stdin);
            if !stdin.is_open() {
                self.input.close();
            }
        }
    }

    /// A deadline has passed.
    async fn ring(&mut self) {
        let now = Instant::now();
        self.pump.idle(now).await;
        if self.timeout_at.is_some_and(|at| at <= now) {
            self.timeout_at = None;
            self.end_tree(Cause::Timeout, self.grace);
        }
        if self.idle_timeout_at().is_some_and(|at| at <= now) {
            // What waits to be taken was printed: it is the host that is behind.
            if self.pump.is_anything_waiting() {
                self.pump.note_activity(now);
            } else {
                self.idle_timeout = None;
                self.end_tree(Cause::IdleTimeout, self.grace);
            }
        }
        if self.leftovers_at.is_some_and(|at| at <= now) {
            self.leftovers_at = None;
            self.end_tree(Cause::Terminated, self.grace);
        }
    }

    fn idle_timeout_at(&self) -> Option<Instant> {
        self.idle_timeout.and_then(|timeout| self.pump.active_at().checked_add(timeout))
    }

    /// Has the shim end the tree. False if there is none.
    fn end_tree(&mut self, cause: Cause, grace: Duration) -> bool {
        if self.leader == Leader::Running {
            self.leader = Leader::Ending(cause);
        }
        self.tell(&ToShim::Terminate { grace })
    }

    /// False if the shim is gone. What then becomes of the tree comes with the end of its socket.
    fn tell(&mut self, frame: &ToShim) -> bool {
        match &mut self.cell {
            Some(cell) => {
                cell.queue(frame);
                true
            }
            None => false,
        }
    }

    /// The shim has ended without saying that the tree is gone: somebody killed it. Its orphans are the fork
    /// server's, which ends them.
    fn lose_shim(&mut self) {
        warn!(pid = self.pid, "the shim is gone; its tree is being ended");
        if self.leader != Leader::Exited {
            self.leader = Leader::Exited;
            self.pump.log().record_exit(lost(self.started));
        }
        let left: Vec<i32> =
            tree::stat(self.pid).filter(|stat| stat.state != b'Z').map(|_| self.pid).into_iter().collect();
        self.tree_ended(&left);
    }

    /// The kernel goes on taking what nobody can read any more; here it is refused.
    fn hang_up_if_over(&mut self) {
        if self.pump.has_ended() && self.terminal.take().is_some() {
            self.give(Stdin::end);
        }
    }

    fn tree_ended(&mut self, survivors: &[i32]) {
        self.cell = None;
        self.input.end(&self.pump);
        (self.timeout_at, self.idle_timeout, self.leftovers_at) = (None, None, None);
        self.signals.clear();
        self.answer_terminations(survivors);
        self.gone.send_replace(true);
    }

    fn answer_terminations(&mut self, survivors: &[i32]) {
        for (running, reply) in self.terminations.drain(..) {
            let _ = reply.send(Terminated { running, survivors: survivors.to_vec() });
        }
    }
}

impl Drop for Driver {
    /// Nobody may wait for ever for a process that nobody watches any more.
    fn drop(&mut self) {
        if self.leader != Leader::Exited {
            self.pump.log().record_exit(lost(self.started));
        }
        self.pump.give_up();
    }
}

fn lost(started: Instant) -> Exit {
    let usage = Usage { elapsed: started.elapsed(), ..Usage::default() };
    Exit { code: -1, signal: None, cause: Cause::Lost, usage }
}

/// Waits until standard input takes more of what waits for it.
async fn writable(stdin: Option<&Stdin>) {
    match stdin {
        Some(stdin) => stdin.writable().await,
        None => std::future::pending().await,
    }
}

/// The shim's next frame; none when it is gone, for whatever reason.
async fn next_frame(cell: &mut Option<Cell>) -> Option<FromShim> {
    let frame = cell.as_mut()?.next().await;
    frame.unwrap_or_else(|error| {
        warn!(%error, "a shim's socket failed");
        None
    })
}
