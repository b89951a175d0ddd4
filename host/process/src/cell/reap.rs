//! Reaping: what `waitpid` tells, and a descriptor that says when to ask.
#![allow(unsafe_code, reason = "`wait4` and `signalfd` have no safe wrapper")]

use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;
use std::time::Duration;

/// The answer of one look at this process's children.
#[derive(Debug)]
pub(crate) enum Reaped {
    /// A child has ended and is reaped.
    Ended { pid: i32, wait_status: i32, usage: ChildUsage },
    /// A child was stopped. Only if that was asked for.
    Stopped { pid: i32 },
    /// There are children, none has ended.
    NoneEnded,
    /// There is no child at all, not even a zombie.
    NoChildren,
}

/// What a child and the descendants that it waited for used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChildUsage {
    pub(crate) user: Duration,
    pub(crate) system: Duration,
    pub(crate) max_rss_bytes: u64,
}

/// Reaps one child if one has ended; never waits.
pub(crate) fn reap() -> Reaped {
    look(libc::WNOHANG)
}

/// The same, and tells of a child that was stopped.
pub(crate) fn reap_or_stopped() -> Reaped {
    look(libc::WNOHANG | libc::WUNTRACED)
}

fn look(options: i32) -> Reaped {
    loop {
        let mut wait_status = 0;
        // SAFETY: both out-pointers are valid; all-zero is a valid `rusage`.
        let (pid, usage) = unsafe {
            let mut usage = mem::zeroed::<libc::rusage>();
            (libc::wait4(-1, &mut wait_status, options, &mut usage), usage)
        };
        match pid {
            0 => return Reaped::NoneEnded,
            -1 if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            -1 => return Reaped::NoChildren,
            pid if libc::WIFSTOPPED(wait_status) => return Reaped::Stopped { pid },
            pid => return Reaped::Ended { pid, wait_status, usage: ChildUsage::from(usage) },
        }
    }
}

impl From<libc::rusage> for ChildUsage {
    fn from(usage: libc::rusage) -> Self {
        let duration = |time: libc::timeval| {
            Duration::from_secs(time.tv_sec.unsigned_abs())
                + Duration::from_micros(time.tv_usec.unsigned_abs())
        };
        Self {
            user: duration(usage.ru_utime),
            system: duration(usage.ru_stime),
            max_rss_bytes: usage.ru_maxrss.unsigned_abs() * 1024,
        }
    }
}

/// A descriptor that is readable once SIGCHLD has come. For single-threaded processes: the signal is blocked.
#[derive(Debug)]
pub(crate) struct ChildSignal(OwnedFd);

impl ChildSignal {
    pub(crate) fn open() -> io::Result<Self> {
        // SAFETY: the set is initialised before its use; the descriptor is fresh and owned by nobody else.
        unsafe {
            let mut set = mem::zeroed::<libc::sigset_t>();
            libc::sigemptyset(&mut set);
            libc::sigaddset(&mut set, libc::SIGCHLD);
            if libc::sigprocmask(libc::SIG_BLOCK, &set, ptr::null_mut()) < 0 {
                return Err(io::Error::last_os_error());
            }
            match libc::signalfd(-1, &set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) {
                -1 => Err(io::Error::last_os_error()),
                descriptor => Ok(Self(OwnedFd::from_raw_fd(descriptor))),
            }
        }
    }

    /// Makes it unreadable until the next SIGCHLD. To be called before reaping, never after.
    pub(crate) fn clear(&self) {
        let mut one = [0_u8; mem::size_of::<libc::signalfd_siginfo>()];
        // SIGCHLD is pending once at the most.
        // SAFETY: the buffer is valid for its length.
        unsafe { libc::read(self.0.as_raw_fd(), one.as_mut_ptr().cast(), one.len()) };
    }
}

impl AsFd for ChildSignal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Ignores what a terminal or a careless `kill` sends to everything in reach: the fork server and the shims must
/// outlast the host, to clean up after it.
pub(crate) fn ignore_stray_signals() {
    for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM, libc::SIGPIPE, libc::SIGTSTP] {
        // SAFETY: ignoring a signal installs no handler.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}
