//! A cell: one command, the shim above it, and everything that the command starts.
//!
//! The host's end is [`Cell`]; the fork server and the shims live in the modules below, each in a process of its own.
//! A cell knows nothing of output.

pub(crate) mod fork_server;
pub(crate) mod frame;
mod launch;
mod reap;
mod shim;
pub(crate) mod tree;

use std::io;
use std::time::Duration;

use tokio::net::UnixStream;

use self::frame::{Frame, FromShim, ToShim};

/// Descriptors of one request to the fork server: the shim's socket and three streams.
pub(crate) const MAX_DESCRIPTORS: usize = 4;
/// Bits of the request's byte: which streams follow the socket, in this order.
pub(crate) const HAS_STDIN: u8 = 1;
pub(crate) const HAS_STDOUT: u8 = 2;
pub(crate) const HAS_STDERR: u8 = 4;

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
}

impl Stage {
    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Fork, Self::Chdir, Self::Exec].into_iter().find(|stage| *stage as u8 == byte)
    }
}

/// The host's end of a shim's socket. Dropping it makes the shim end its tree: SIGTERM, then SIGKILL after 500 ms.
#[derive(Debug)]
pub(crate) struct Cell {
    socket: UnixStream,
    inbox: Vec<u8>,
}

impl Cell {
    pub(crate) fn new(socket: UnixStream) -> Self {
        Self { socket, inbox: Vec::new() }
    }

    /// Sends a frame. Cancelling it may leave half a frame on the way: only for a cell that is then dropped, or
    /// frames far below the socket's buffer, which never wait.
    pub(crate) async fn send(&self, frame: &ToShim) -> io::Result<()> {
        let bytes = frame.encode();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            self.socket.writable().await?;
            match self.socket.try_write(rest) {
                Ok(count) => rest = &rest[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The shim's next frame; none when the shim is gone. Cancel-safe.
    pub(crate) async fn next(&mut self) -> io::Result<Option<FromShim>> {
        loop {
            if let Some(frame) = FromShim::take(&mut self.inbox).map_err(io::Error::other)? {
                return Ok(Some(frame));
            }
            self.socket.readable().await?;
            let mut piece = [0; 4096];
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

/// How long a tree may take to end by itself after SIGTERM, unless the caller says otherwise.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(2);
