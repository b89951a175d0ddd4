//! What to run.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use crate::limits::Limits;
use crate::terminal::TerminalSize;

/// A command, as the kernel will see it: nothing is added, nothing is expanded.
#[derive(Debug, Default)]
pub struct Command {
    /// Program and arguments, at least one. A program without a slash is looked for in the `PATH` of `env`.
    pub argv: Vec<OsString>,
    /// What the program sees as its own name instead of `argv[0]`.
    pub arg0: Option<OsString>,
    /// The working directory; none: the host's.
    pub cwd: Option<PathBuf>,
    /// All of the environment.
    pub env: Vec<(OsString, OsString)>,
    /// Where standard input comes from.
    pub stdin: StdinSource,
    /// Where its output goes.
    pub output: Output,
    /// What it may use, with all that it starts.
    pub limits: Limits,
}

/// Where a command's standard input comes from.
#[derive(Debug, Default)]
pub enum StdinSource {
    /// Nowhere: it is at its end from the start.
    #[default]
    Null,
    /// A pipe that the owner of the process writes to.
    Pipe,
    /// This descriptor.
    Descriptor(OwnedFd),
}

/// Where a command's output goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Output {
    /// To two pipes, one for each stream.
    #[default]
    Separate,
    /// To one pipe for both, so that their order is the kernel's. The stream is [`Stream::Stdout`](crate::Stream).
    Merged,
    /// To a terminal of this size, which is its standard input as well (whatever [`StdinSource`] says), and controls
    /// its session. The stream is [`Stream::Pty`](crate::Stream).
    Terminal(TerminalSize),
}

impl Command {
    /// The program as it was named; empty if `argv` is.
    pub fn program(&self) -> &OsStr {
        self.argv.first().map_or(OsStr::new(""), OsString::as_os_str)
    }
}
