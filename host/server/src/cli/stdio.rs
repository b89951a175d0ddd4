//! The process's own standard streams, put in safety: nothing else that this process does can touch the protocol.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::pipe::fcntl_setpipe_size;
use rustix::process::{Pid, PidfdFlags, getppid, pidfd_open};
use rustix::stdio::{dup2_stdin, dup2_stdout, stderr, stdin, stdout};

use crate::session::Gone;

/// What the pipe to the client is enlarged to.
const LARGE_PIPE: usize = 1024 * 1024;

/// Moves standard input and output to descriptors of their own, which no child inherits. Descriptor 0 is
/// `/dev/null` from then on and descriptor 1 is standard error: a stray print is a line in the log.
pub(super) fn take() -> io::Result<(Patient, Patient)> {
    let input = fcntl_dupfd_cloexec(stdin(), 3)?;
    let output = fcntl_dupfd_cloexec(stdout(), 3)?;
    dup2_stdin(open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)?;
    dup2_stdout(stderr())?;
    // Fewer switches between this process and its client. What is no pipe, or may not be larger, stays as it is.
    let _ = fcntl_setpipe_size(&output, LARGE_PIPE);
    Ok((Patient(input.into()), Patient(output.into())))
}

/// A stream that blocks although its descriptor may not: its mode is shared with whoever else has it, and is not
/// this process's to change.
#[derive(Debug)]
pub(super) struct Patient(File);

impl Patient {
    pub(super) fn try_clone(&self) -> io::Result<OwnedFd> {
        Ok(self.0.try_clone()?.into())
    }

    fn wait(&self, flags: PollFlags) -> io::Result<()> {
        match poll(&mut [PollFd::new(&self.0, flags)], None) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.wait(PollFlags::IN)?,
                result => return result,
            }
        }
    }
}

impl Write for Patient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.0.write(bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.wait(PollFlags::OUT)?,
                result => return result,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Whose end is watched.
#[derive(Debug)]
pub(super) struct Watch {
    output: OwnedFd,
    /// None if there is no parent to watch: it is init, or in another namespace.
    parent: Option<OwnedFd>,
}

impl Watch {
    pub(super) fn new(output: OwnedFd) -> Self {
        Self { output, parent: parent() }
    }

    /// Waits until nobody reads the output, or the parent has ended. Blocks.
    pub(super) fn wait(&self) -> Gone {
        loop {
            // Errors and hang-ups are reported without being asked for.
            let mut watched = vec![PollFd::new(&self.output, PollFlags::empty())];
            if let Some(parent) = &self.parent {
                watched.push(PollFd::from_borrowed_fd(parent.as_fd(), PollFlags::IN));
            }
            match poll(&mut watched, None) {
                Ok(_) if watched.first().is_some_and(|output| !output.revents().is_empty()) => {
                    return Gone::Output;
                }
                Ok(_) => return Gone::Parent,
                Err(_) => {}
            }
        }
    }
}

/// The parent, if it is still the one at whose hands this process was started. Not a parent-death signal: that fires
/// when the parent's *thread* ends.
fn parent() -> Option<OwnedFd> {
    let parent = getppid().filter(|parent| *parent != Pid::INIT)?;
    let watched = pidfd_open(parent, PidfdFlags::empty()).ok()?;
    (getppid() == Some(parent)).then_some(watched)
}
