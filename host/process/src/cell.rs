//! A cell: one command, the shim above it, and everything that the command starts.
//!
//! The host's end is [`Cell`]; the fork server and the shims live in the modules below, each in a process of its own.
//! A cell knows nothing of output.

pub(crate) mod fork_server;
pub(crate) mod frame;
mod group;
mod launch;
mod reap;
mod shim;
pub(crate) mod tree;

use std::io;
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::UnixStream;

use self::frame::{Frame, FromShim, ToShim};

/// Descriptors of one request to the fork server: the shim's socket and three streams.
pub(crate) const MAX_DESCRIPTORS: usize = 4;
/// Bits of the request's byte: which streams follow the socket, in this order.
pub(crate) const HAS_STDIN: u8 = 1;
pub(crate) const HAS_STDOUT: u8 = 2;
pub(crate) const HAS_STDERR: u8 = 4;

/// Bytes of frames that may wait for a shim: thousands of them.
const MAX_OUTBOX: usize = 64 * 1024;

/// Which processes of a cell a signal goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The command's first process alone.
    Leader = 0,
    /// The processes of the cell that are in the leader's process group: what Ctrl-C reaches in a terminal.
    Group = 1,
    /// Every process that the command has started, wherever it went.
    Tree = 2,
}

impl Scope {
    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Leader, Self::Group, Self::Tree].into_iter().find(|scope| *scope as u8 == byte)
    }
}

/// The step at which a command failed to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Making the processes.
    Fork = 0,
    /// Entering the working directory.
    Chdir = 1,
    /// Executing the program.
    Exec = 2,
    /// Making the terminal, or making it control the command's session.
    Pty = 3,
    /// Setting a limit.
    Limits = 4,
}

impl Stage {
    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Fork, Self::Chdir, Self::Exec, Self::Pty, Self::Limits]
            .into_iter()
            .find(|stage| *stage as u8 == byte)
    }
}

/// The host's end of a shim's socket. Dropping it makes the shim end its tree: SIGTERM, then SIGKILL after 500 ms.
#[derive(Debug)]
pub(crate) struct Cell {
    socket: UnixStream,
    inbox: Vec<u8>,
    /// What the socket has not taken yet. The driver goes on listening meanwhile: a shim that waits to be heard does
    /// not listen itself.
    outbox: Vec<u8>,
}

impl Cell {
    pub(crate) fn new(socket: UnixStream) -> Self {
        Self { socket, inbox: Vec::new(), outbox: Vec::new() }
    }

    /// Queues a frame. [`Cell::next`] sends it, in order.
    pub(crate) fn queue(&mut self, frame: &ToShim) {
        self.outbox.extend(frame.encode());
    }

    /// Whether so much waits for the shim that it should not be asked for more.
    pub(crate) fn is_busy(&self) -> bool {
        self.outbox.len() >= MAX_OUTBOX
    }

    /// The shim's next frame; none when the shim is gone. Meanwhile sends what is queued. Cancel-safe.
    pub(crate) async fn next(&mut self) -> io::Result<Option<FromShim>> {
        let mut piece = [0; 4096];
        loop {
            if let Some(frame) = FromShim::take(&mut self.inbox).map_err(io::Error::other)? {
                return Ok(Some(frame));
            }
            let interest = match self.outbox.is_empty() {
                true => Interest::READABLE,
                false => Interest::READABLE | Interest::WRITABLE,
            };
            let ready = self.socket.ready(interest).await?;
            if ready.is_writable() && !self.outbox.is_empty() {
                match self.socket.try_write(&self.outbox) {
                    Ok(count) => drop(self.outbox.drain(..count)),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    // The shim takes no more, but what it said last is still to be heard.
                    Err(_) => self.outbox.clear(),
                }
            }
            if ready.is_readable() {
                match self.socket.try_read(&mut piece) {
                    Ok(0) => return Ok(None),
                    Ok(count) => self.inbox.extend(&piece[..count]),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
                    Err(error) => return Err(error),
                }
            }
        }
    }
}

/// How long a tree may take to end by itself after SIGTERM, unless the caller says otherwise.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(2);
