//! The fork server: a small process with one thread that does nothing but forking shims.
//!
//! It is the second line as well: the orphans of a shim that was killed come to it, and it ends them.
#![allow(unsafe_code, reason = "shims are forked here")]

use std::collections::HashSet;
use std::io::{self, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use rustix::process::{Signal, getpid, set_child_subreaper, setsid};

use super::frame::{FailureDetail, FromShim};
use super::launch::Stdio;
use super::reap::{ChildSignal, Reaped, ignore_stray_signals, reap_or_stopped};
use super::{HAS_STDERR, HAS_STDIN, HAS_STDOUT, MAX_DESCRIPTORS, Stage, shim, tree};

/// Pause between two rounds over orphans that have not died yet.
const ROUND_PAUSE: Duration = Duration::from_millis(10);

/// Runs as the fork server until the host is gone and every shim has ended. The host's socket is standard input.
///
/// Must be called in a process of its own, before any thread is started.
///
/// # Errors
///
/// If standard input is not the host's socket, or the kernel refuses what a fork server needs.
pub fn run() -> io::Result<()> {
    ignore_stray_signals();
    // Away from the terminal and from the host's group: what is sent to those must not stop the clean-up.
    let _ = setsid();
    set_child_subreaper(Some(getpid()))?;
    let _ = rustix::thread::set_name(c"cell-server");
    let control = take_standard_input()?;
    let children = ChildSignal::open()?;
    let server = ForkServer { control: Some(control), children, shims: HashSet::new(), orphaned: false };
    if let Some(NewShim { host, stdio }) = server.run()? {
        set_child_subreaper(Some(getpid()))?;
        let _ = rustix::thread::set_name(c"cell");
        shim::run(host, stdio);
    }
    Ok(())
}

/// Moves the socket away from standard input, where commands will have `/dev/null`, and closes everything else that
/// this process was born with.
fn take_standard_input() -> io::Result<OwnedFd> {
    let control = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    let null = rustix::fs::open("/dev/null", rustix::fs::OFlags::RDWR, rustix::fs::Mode::empty())?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    drop(null);
    // Those two are the only ones known here; others that the host's parent left open are closed unseen.
    fcntl_setfd(&control, FdFlags::CLOEXEC)?;
    let keep = control.as_raw_fd();
    // SAFETY: no descriptor in these ranges is owned by a value of this process.
    unsafe {
        libc::syscall(libc::SYS_close_range, 3, keep - 1, 0);
        libc::syscall(libc::SYS_close_range, keep + 1, libc::c_uint::MAX, 0);
    }
    Ok(control)
}

struct ForkServer {
    /// None once the host is gone.
    control: Option<OwnedFd>,
    children: ChildSignal,
    shims: HashSet<i32>,
    /// A shim was killed, and what it left behind is not all gone yet.
    orphaned: bool,
}

/// What a freshly forked shim goes on with.
struct NewShim {
    host: UnixStream,
    stdio: Stdio,
}

impl ForkServer {
    /// Returns twice like a fork: nothing when all is over, and in each child what it is to run.
    fn run(mut self) -> io::Result<Option<NewShim>> {
        loop {
            let orphans = self.reap_children();
            if orphans.is_empty() && self.control.is_none() && self.shims.is_empty() {
                return Ok(None);
            }
            for orphan in &orphans {
                tree::signal_all(&tree::descendants(*orphan), Signal::KILL);
            }
            tree::signal_all(&orphans, Signal::KILL);

            let pause = Timespec { tv_sec: 0, tv_nsec: ROUND_PAUSE.subsec_nanos().into() };
            let mut watched = vec![PollFd::new(&self.children, PollFlags::IN)];
            if let Some(control) = &self.control {
                watched.push(PollFd::from_borrowed_fd(control.as_fd(), PollFlags::IN));
            }
            // Interrupted or failed alike: every source is looked at again anyway.
            let _ = poll(&mut watched, (!orphans.is_empty()).then_some(&pause));
            drop(watched);
            if let Some(request) = self.next_request()?
                && let Some(shim) = self.fork_shim(request)
            {
                return Ok(Some(shim));
            }
        }
    }

    /// Reaps what has ended. Returns children that are no shims: what shims that were killed have left behind.
    fn reap_children(&mut self) -> Vec<i32> {
        self.children.clear();
        loop {
            match reap_or_stopped() {
                // A shim that ends by itself leaves nothing behind.
                Reaped::Ended { pid, wait_status, .. } => {
                    self.orphaned |= !self.shims.remove(&pid) || wait_status != 0;
                }
                // A command can stop the shim above it, but not for long: its tree has to be within reach.
                Reaped::Stopped { pid } => drop(tree::signal_all(&[pid], Signal::CONT)),
                Reaped::NoneEnded | Reaped::NoChildren => break,
            }
        }
        if !self.orphaned {
            return Vec::new();
        }
        let mut children = tree::children(getpid().as_raw_nonzero().get());
        children.retain(|pid| !self.shims.contains(pid));
        self.orphaned = !children.is_empty();
        children
    }

    /// The next request of the host, if there is one. An end of the connection is remembered.
    fn next_request(&mut self) -> io::Result<Option<NewShim>> {
        let Some(control) = &self.control else { return Ok(None) };
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut which = [0];
        let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        match recvmsg(control, &mut [IoSliceMut::new(&mut which)], &mut ancillary, flags) {
            Ok(message) if message.bytes > 0 => {}
            Ok(_) => {
                self.control = None;
                return Ok(None);
            }
            Err(Errno::AGAIN | Errno::INTR) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let mut descriptors = ancillary.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
            _ => None,
        });
        let mut descriptors = descriptors.by_ref().flatten();
        let host = descriptors.next();
        let mut stream = |bit: u8| (which[0] & bit != 0).then(|| descriptors.next()).flatten();
        let stdio =
            Stdio { stdin: stream(HAS_STDIN), stdout: stream(HAS_STDOUT), stderr: stream(HAS_STDERR) };
        Ok(host.map(|host| NewShim { host: host.into(), stdio }))
    }

    /// Some in the child, none in the fork server.
    fn fork_shim(&mut self, new: NewShim) -> Option<NewShim> {
        // SAFETY: this process has one thread, so the child may go on like any other program.
        match unsafe { libc::fork() } {
            0 => return Some(new),
            -1 => {
                let errno = io::Error::last_os_error().raw_os_error().unwrap_or_default();
                let failed = FromShim::Failed { stage: Stage::Fork, errno, detail: FailureDetail::None };
                // The host may be gone; then nobody is left to tell.
                let _ = (&new.host).write_all(&failed.encode());
            }
            pid => {
                self.shims.insert(pid);
            }
        }
        None
    }
}
