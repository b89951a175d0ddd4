//! The shim: one small process above each command, a subreaper that nothing below it can leave.
//!
//! It runs the command, reaps everything, passes signals on, ends the tree when told to or when the host is gone,
//! and says what became of it. It knows nothing of output: it closes the streams as soon as the command has them, and
//! a terminal when the leader has ended.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use rustix::process::{Signal, getpid};

use super::frame::{Frame, FromShim, LeaderExit, ToShim};
use super::group::Group;
use super::launch::{LaunchFailure, Stdio, launch};
use super::reap::{ChildSignal, Reaped, reap};
use super::{Scope, tree};

/// Grace between SIGTERM and SIGKILL when the host is gone: everything has to be stopped within 2 s then.
const ORPHAN_GRACE: Duration = Duration::from_millis(500);
/// Time after the first SIGKILL after which what is left is reported as surviving.
const SURVIVOR_DELAY: Duration = Duration::from_secs(2);
/// Pause between two rounds of SIGKILL: short at first, since a process dies in microseconds, then longer.
const ROUND_PAUSE: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(100));

/// Runs as a shim until the tree is gone.
pub(crate) fn run(host: UnixStream, mut stdio: Stdio) {
    let Some((command, inbox)) = first_frame(&host) else { return };
    let Ok(children) = ChildSignal::open() else { return };
    let started = Instant::now();
    let groups: Result<Vec<Group>, LaunchFailure> = command.groups.iter().map(Group::make).collect();
    let (groups, launched) = match groups {
        Ok(groups) => {
            let launched = launch(&command, &stdio, &groups);
            (groups, launched)
        }
        Err(failure) => (Vec::new(), Err(failure)),
    };
    let terminal = stdio.stdin.take().filter(|_| command.terminal && launched.is_ok());
    drop(stdio);
    let me = getpid().as_raw_nonzero().get();
    let frame = match &launched {
        Ok(pid) => FromShim::Started { shim: me, pid: *pid },
        Err(LaunchFailure { stage, errno, detail }) => {
            FromShim::Failed { stage: *stage, errno: *errno, detail: detail.clone() }
        }
    };
    let mut shim = Shim {
        me,
        host: Some(host),
        inbox,
        children,
        leader: launched.as_ref().ok().copied(),
        leader_group: launched.as_ref().copied().unwrap_or_default(),
        terminal,
        started,
        groups,
        ending: Ending::No,
    };
    shim.report(&frame);
    if launched.is_ok() {
        shim.run();
    }
    shim.groups.drain(..).for_each(Group::remove);
}

/// Waits for the command. None if the host went away first, or sent anything else.
fn first_frame(mut host: &UnixStream) -> Option<(super::frame::Launch, Vec<u8>)> {
    let mut inbox = Vec::new();
    let mut piece = [0; 16 * 1024];
    loop {
        match ToShim::take(&mut inbox) {
            Ok(Some(ToShim::Launch(launch))) => return Some((launch, inbox)),
            Ok(None) => {}
            _ => return None,
        }
        match host.read(&mut piece) {
            Ok(0) => return None,
            Ok(count) => inbox.extend(&piece[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}

struct Shim {
    me: i32,
    /// None once the host is gone.
    host: Option<UnixStream>,
    inbox: Vec<u8>,
    children: ChildSignal,
    /// The command's pid until it is reaped: a reaped pid may belong to somebody else.
    leader: Option<i32>,
    leader_group: i32,
    /// That of the leader's session, until the leader has ended: as long as it lives everybody in its session can open
    /// the terminal anew by the name `/dev/tty`, so that nobody else has it open is no end.
    terminal: Option<OwnedFd>,
    started: Instant,
    /// Those that the command is in.
    groups: Vec<Group>,
    ending: Ending,
}

/// How far the tree's end has come.
#[derive(Debug, Clone, Copy)]
enum Ending {
    No,
    /// SIGTERM is sent; a hang-up may follow, and SIGKILL does at `kill_at`.
    Asked {
        hang_up_at: Option<Instant>,
        kill_at: Instant,
    },
    /// SIGKILL goes round until nothing is left.
    Killing {
        next_round: Instant,
        pause: Duration,
        report_at: Option<Instant>,
    },
}

impl Shim {
    fn run(&mut self) {
        loop {
            if self.reap_children() {
                return self.report(&FromShim::Empty);
            }
            self.advance_ending();
            self.wait_for_news();
            self.listen();
        }
    }

    /// Takes what the host has said, without waiting for more.
    fn listen(&mut self) {
        let Some(host) = &self.host else { return };
        let mut piece = [0; 4096];
        match recv(host, &mut piece, RecvFlags::DONTWAIT) {
            Ok((0, _)) => return self.lose_host(),
            Ok((count, _)) => self.inbox.extend(&piece[..count]),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => return self.lose_host(),
        }
        loop {
            match ToShim::take(&mut self.inbox) {
                Ok(Some(frame)) => self.obey(frame),
                Ok(None) => return,
                Err(_) => return self.lose_host(),
            }
        }
    }

    fn obey(&mut self, frame: ToShim) {
        match frame {
            ToShim::Launch(_) => self.lose_host(),
            ToShim::Signal { scope, number } => {
                let (delivered, errno) = self.signal(scope, number);
                self.report(&FromShim::Signalled { delivered, errno });
            }
            ToShim::Terminate { grace } => self.terminate(grace),
        }
    }

    fn signal(&self, scope: Scope, number: i32) -> (u32, i32) {
        let Some(signal) = Signal::from_named_raw(number) else { return (0, libc::EINVAL) };
        let (delivered, error) = match scope {
            Scope::Leader => tree::signal_all(self.leader.as_slice(), signal),
            Scope::Group => {
                // Members are looked up one by one: after the leader's end its number may name another group.
                let mut members = tree::descendants(self.me);
                members.retain(|pid| tree::stat(*pid).is_some_and(|stat| stat.group == self.leader_group));
                tree::signal_all(&members, signal)
            }
            Scope::Tree => tree::signal_all(&tree::descendants(self.me), signal),
        };
        (delivered, error.map_or(0, rustix::io::Errno::raw_os_error))
    }

    /// Starts the end of the tree, or hastens it: a second request never prolongs the first one's grace.
    fn terminate(&mut self, grace: Duration) {
        let wanted = Instant::now() + grace;
        self.ending = match self.ending {
            Ending::No if grace.is_zero() => killing(),
            Ending::No => {
                let tree = tree::descendants(self.me);
                tree::signal_all(&tree, Signal::TERM);
                // What was being forked meanwhile, and no child of one that handles the signal: that may have been
                // made to clean up. What is missed here gets SIGKILL with the rest.
                let mut late = tree::descendants(self.me);
                late.retain(|pid| {
                    !tree.contains(pid)
                        && tree::stat(*pid).is_some_and(|stat| !tree::catches(stat.parent, Signal::TERM))
                });
                tree::signal_all(&late, Signal::TERM);
                // A stopped process takes SIGTERM only when it goes on.
                tree::signal_all(&tree, Signal::CONT);
                Ending::Asked { hang_up_at: self.first_hang_up(grace), kill_at: wanted }
            }
            Ending::Asked { .. } if grace.is_zero() => killing(),
            Ending::Asked { hang_up_at, kill_at } => {
                Ending::Asked { hang_up_at, kill_at: kill_at.min(wanted) }
            }
            // Whoever asks again wants to hear again what is left.
            Ending::Killing { next_round, pause, report_at } => {
                let report_at = report_at.or(Some(Instant::now() + SURVIVOR_DELAY));
                Ending::Killing { next_round, pause, report_at }
            }
        };
    }

    /// Tells the leader that its terminal is gone, as the kernel does where it really is, if it ignores SIGTERM as
    /// interactive shells do. Gives when to tell it (again): others have half of the grace to end in their own way,
    /// since SIGHUP would overtake SIGTERM; and a shell that is about to read a line can miss one.
    fn first_hang_up(&self, grace: Duration) -> Option<Instant> {
        let leader = self.leader.filter(|_| self.terminal.is_some())?;
        if tree::ignores(leader, Signal::TERM) {
            tree::signal_all(&[leader], Signal::HUP);
        }
        Some(Instant::now() + grace / 2)
    }

    fn lose_host(&mut self) {
        self.host = None;
        self.inbox.clear();
        self.terminate(ORPHAN_GRACE);
    }

    fn advance_ending(&mut self) {
        let now = Instant::now();
        if let Ending::Asked { hang_up_at: Some(hang_up_at), kill_at } = self.ending
            && now >= hang_up_at
        {
            tree::signal_all(self.leader.as_slice(), Signal::HUP);
            self.ending = Ending::Asked { hang_up_at: None, kill_at };
        }
        if let Ending::Asked { kill_at, .. } = self.ending
            && now >= kill_at
        {
            self.ending = killing();
        }
        if let Ending::Killing { next_round, pause, report_at } = self.ending
            && now >= next_round
        {
            let left = tree::descendants(self.me);
            tree::signal_all(&left, Signal::KILL);
            let report = report_at.is_some_and(|at| now >= at);
            if report {
                self.report(&FromShim::Survivors(left));
            }
            self.ending = Ending::Killing {
                next_round: now + pause,
                pause: (pause * 2).min(ROUND_PAUSE.1),
                report_at: report_at.filter(|_| !report),
            };
        }
    }

    /// Waits for a frame, for a child's end or for the next step of the ending.
    fn wait_for_news(&mut self) {
        let until = match self.ending {
            Ending::No => None,
            Ending::Asked { hang_up_at, kill_at } => Some(hang_up_at.map_or(kill_at, |at| at.min(kill_at))),
            Ending::Killing { next_round, .. } => Some(next_round),
        };
        let timeout = until.map(|at| {
            let left = at.saturating_duration_since(Instant::now());
            Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() }
        });
        let mut watched = Vec::with_capacity(2);
        watched.push(PollFd::new(&self.children, PollFlags::IN));
        if let Some(host) = &self.host {
            watched.push(PollFd::from_borrowed_fd(host.as_fd(), PollFlags::IN));
        }
        // Interrupted or failed alike: every source is looked at again anyway.
        let _ = poll(&mut watched, timeout.as_ref());
    }

    /// Reaps every child that has ended. True if none is left at all.
    fn reap_children(&mut self) -> bool {
        self.children.clear();
        loop {
            match reap() {
                Reaped::NoChildren => return true,
                Reaped::NoneEnded => return false,
                Reaped::Stopped { .. } => {}
                Reaped::Ended { pid, wait_status, usage } if Some(pid) == self.leader => {
                    self.leader = None;
                    self.terminal = None;
                    self.report(&FromShim::Exited(LeaderExit {
                        wait_status,
                        user: usage.user,
                        system: usage.system,
                        max_rss_bytes: usage.max_rss_bytes,
                        elapsed: self.started.elapsed(),
                        met: self.groups.iter().flat_map(Group::met).collect(),
                    }));
                }
                Reaped::Ended { .. } => {}
            }
        }
    }

    fn report(&mut self, frame: &FromShim) {
        if let Some(mut host) = self.host.as_ref()
            && host.write_all(&frame.encode()).is_err()
        {
            self.lose_host();
        }
    }
}

fn killing() -> Ending {
    let now = Instant::now();
    Ending::Killing { next_round: now, pause: ROUND_PAUSE.0, report_at: Some(now + SURVIVOR_DELAY) }
}
