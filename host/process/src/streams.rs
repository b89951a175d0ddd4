//! A command's streams: the host's ends, which never block, and the ends that the command gets.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{OFlags, fcntl_setfl, fstat};
use rustix::io::ioctl_fionread;
use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};
use tokio::net::unix::pipe;

use crate::cell::{HAS_STDERR, HAS_STDIN, HAS_STDOUT, MAX_DESCRIPTORS};
use crate::command::{Output, StdinSource};
use crate::log::Stream;
use crate::terminal::{Master, Terminal, TerminalId, end_of_file, read_result};

/// What a terminal holds at the most of what was printed and not read, and more.
const TERMINAL_HOLDS: u64 = 128 * 1024;

/// Both sides, before the command has its own.
pub(crate) struct Streams {
    pub(crate) ours: Ours,
    /// In the order of the bits of `which`.
    pub(crate) theirs: Vec<OwnedFd>,
    pub(crate) which: u8,
}

/// The host's ends.
#[derive(Debug)]
pub(crate) struct Ours {
    /// None if standard input is not the host's to write to.
    pub(crate) stdin: Option<StdinEnd>,
    /// How what the host writes there is known to those who read it; none where there is no `stdin`.
    pub(crate) input: Option<OtherEnd>,
    /// One for each stream that there is.
    pub(crate) output: Vec<OutputEnd>,
    pub(crate) terminal: Option<Master>,
}

/// Where the host writes what the command reads.
#[derive(Debug)]
pub(crate) enum StdinEnd {
    Pipe(pipe::Sender),
    Terminal(pipe::Sender),
}

/// Where the host reads what the command prints.
#[derive(Debug)]
pub(crate) struct OutputEnd {
    pub(crate) stream: Stream,
    pub(crate) source: OutputSource,
    /// How the command's end is known in `/proc`.
    pub(crate) other_end: OtherEnd,
}

#[derive(Debug)]
pub(crate) enum OutputSource {
    Pipe(pipe::Receiver),
    Terminal(pipe::Receiver),
}

/// A stream's end that is not the host's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OtherEnd {
    /// The pipe of this inode.
    Pipe(u64),
    Terminal(TerminalId),
}

/// Why there are no streams.
#[derive(Debug)]
pub(crate) enum StreamsError {
    Pipes(io::Error),
    Terminal(io::Error),
}

impl Streams {
    pub(crate) fn open(stdin: &mut StdinSource, output: Output) -> Result<Self, StreamsError> {
        match output {
            Output::Terminal(size) => {
                Terminal::open(size).and_then(Self::of_terminal).map_err(StreamsError::Terminal)
            }
            Output::Separate => Self::pipes(stdin, false).map_err(StreamsError::Pipes),
            Output::Merged => Self::pipes(stdin, true).map_err(StreamsError::Pipes),
        }
    }

    fn of_terminal(terminal: Terminal) -> io::Result<Self> {
        let Terminal { master, receiver, sender, slave } = terminal;
        let other_end = OtherEnd::Terminal(TerminalId::of(&slave)?);
        let output = OutputEnd { stream: Stream::Pty, source: OutputSource::Terminal(receiver), other_end };
        let theirs = vec![slave.try_clone()?, slave.try_clone()?, slave];
        let ours = Ours {
            stdin: Some(StdinEnd::Terminal(sender)),
            input: Some(other_end),
            output: vec![output],
            terminal: Some(master),
        };
        Ok(Self { ours, theirs, which: HAS_STDIN | HAS_STDOUT | HAS_STDERR })
    }

    fn pipes(stdin: &mut StdinSource, merged: bool) -> io::Result<Self> {
        let mut theirs = Vec::with_capacity(MAX_DESCRIPTORS);
        let mut which = HAS_STDOUT | HAS_STDERR;
        let mut input = None;
        let stdin = match std::mem::take(stdin) {
            StdinSource::Null => None,
            StdinSource::Descriptor(descriptor) => {
                which |= HAS_STDIN;
                theirs.push(descriptor);
                None
            }
            StdinSource::Pipe => {
                which |= HAS_STDIN;
                let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
                // The mode belongs to one end alone: what the command gets stays blocking.
                fcntl_setfl(&write, OFlags::NONBLOCK)?;
                input = Some(OtherEnd::Pipe(fstat(&read)?.st_ino));
                theirs.push(read);
                Some(StdinEnd::Pipe(pipe::Sender::from_owned_fd(write)?))
            }
        };
        let (stdout, write) = output_pipe(Stream::Stdout)?;
        let output = if merged {
            theirs.extend([write.try_clone()?, write]);
            vec![stdout]
        } else {
            theirs.push(write);
            let (stderr, write) = output_pipe(Stream::Stderr)?;
            theirs.push(write);
            vec![stdout, stderr]
        };
        Ok(Self { ours: Ours { stdin, input, output, terminal: None }, theirs, which })
    }
}

fn output_pipe(stream: Stream) -> io::Result<(OutputEnd, OwnedFd)> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    fcntl_setfl(&read, OFlags::NONBLOCK)?;
    let other_end = OtherEnd::Pipe(fstat(&read)?.st_ino);
    let source = OutputSource::Pipe(pipe::Receiver::from_owned_fd(read)?);
    Ok((OutputEnd { stream, source, other_end }, write))
}

impl OutputSource {
    /// Waits until there may be something to read. Cancel-safe.
    pub(crate) async fn ready(&self) {
        let (Self::Pipe(receiver) | Self::Terminal(receiver)) = self;
        // An error shows itself at the read.
        drop(receiver.readable().await);
    }

    /// Reads after [`OutputSource::ready`]. 0: nobody can write any more.
    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Pipe(pipe) => pipe.try_read(buffer),
            Self::Terminal(master) => read_result(master.try_read(buffer)),
        }
    }

    /// Reads whether or not the runtime has heard yet that there is something.
    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Pipe(pipe) => Ok(rustix::io::read(pipe, buffer)?),
            Self::Terminal(master) => read_result(rustix::io::read(master, buffer).map_err(Into::into)),
        }
    }

    /// Whether there is something to read.
    pub(crate) fn is_ready(&self) -> bool {
        self.unread() > 0
    }

    /// What there is to read, without what a terminal was given in the last moment.
    pub(crate) fn unread(&self) -> u64 {
        let (Self::Pipe(receiver) | Self::Terminal(receiver)) = self;
        ioctl_fionread(receiver).unwrap_or(0)
    }

    /// At least what can be read at this moment, and bounded however fast somebody prints.
    pub(crate) fn holds(&self) -> u64 {
        match self {
            Self::Pipe(pipe) => ioctl_fionread(pipe).unwrap_or(0),
            // What it was given in the last moment is still on its way, and counted nowhere.
            Self::Terminal(_) => TERMINAL_HOLDS,
        }
    }

    /// Makes room for more between the command and the host, where that can be done.
    pub(crate) fn enlarge(&self, bytes: usize) -> io::Result<()> {
        match self {
            Self::Pipe(pipe) => fcntl_setpipe_size(pipe, bytes).map(drop).map_err(Into::into),
            Self::Terminal(_) => Ok(()),
        }
    }
}

impl StdinEnd {
    /// Waits until there may be room. Cancel-safe.
    pub(crate) async fn ready(&self) {
        let (Self::Pipe(sender) | Self::Terminal(sender)) = self;
        // An error shows itself at the write.
        drop(sender.writable().await);
    }

    /// Writes after [`StdinEnd::ready`].
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let (Self::Pipe(sender) | Self::Terminal(sender)) = self;
        sender.try_write(bytes)
    }

    /// Writes whether or not the runtime has heard yet that there is room.
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let (Self::Pipe(sender) | Self::Terminal(sender)) = self;
        Ok(rustix::io::write(sender, bytes)?)
    }

    /// What has to be written for the command to see an end of its input; none if the end has to be closed for that.
    pub(crate) fn end_of_file(&self) -> Option<u8> {
        match self {
            Self::Pipe(_) => None,
            Self::Terminal(master) => Some(end_of_file(master)),
        }
    }
}
