//! A pseudo-terminal: the master, which the host keeps, and the slave, which the command gets.
//!
//! Knows nothing of who is on the other side. The kernel ends the output of a terminal (`EIO`) when nobody has the
//! slave open any more.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{OFlags, fcntl_setfl, fstat};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{SpecialCodeIndex, Winsize, tcgetattr, tcsetwinsize};
use tokio::net::unix::pipe;

/// The size of a terminal, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TerminalSize {
    /// Characters in a line.
    pub cols: u16,
    /// Lines.
    pub rows: u16,
}

/// A new terminal. When the last descriptor of its master goes, it hangs up: the kernel sends SIGHUP to the session
/// that it controls, and whoever still has it open can neither read nor write.
#[derive(Debug)]
pub(crate) struct Terminal {
    pub(crate) master: Master,
    pub(crate) receiver: pipe::Receiver,
    pub(crate) sender: pipe::Sender,
    pub(crate) slave: OwnedFd,
}

/// The master, to be asked and told about the terminal itself.
#[derive(Debug)]
pub(crate) struct Master(OwnedFd);

/// What `/proc` shows of a terminal that somebody has open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TerminalId {
    /// The file system and the file below `/dev/pts`.
    pub(crate) file: (u64, u64),
    /// The device, as in `/proc/PID/stat`.
    pub(crate) device: u64,
}

impl Terminal {
    /// Makes a terminal of this size. Needs a tokio runtime with I/O.
    pub(crate) fn open(size: TerminalSize) -> io::Result<Self> {
        // Whoever runs the host as leader of a session without a terminal must not get this one for its own.
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags)?;
        unlockpt(&master)?;
        let slave = ioctl_tiocgptpeer(&master, flags)?;
        // The mode is the master's alone: what the command gets stays blocking.
        fcntl_setfl(&master, OFlags::RDWR | OFlags::NONBLOCK)?;
        // No pipes, but read, written and waited for like pipes.
        let receiver = pipe::Receiver::from_owned_fd_unchecked(master.try_clone()?)?;
        let sender = pipe::Sender::from_owned_fd_unchecked(master.try_clone()?)?;
        let master = Master(master);
        master.resize(size)?;
        Ok(Self { master, receiver, sender, slave })
    }
}

impl Master {
    /// Sets the size. If it is another one, the kernel sends SIGWINCH to the foreground group.
    pub(crate) fn resize(&self, size: TerminalSize) -> io::Result<()> {
        let size = Winsize { ws_row: size.rows, ws_col: size.cols, ws_xpixel: 0, ws_ypixel: 0 };
        Ok(tcsetwinsize(&self.0, size)?)
    }
}

/// The character that ends the input where a terminal looks for such a character: the one that its reader has set, or
/// Ctrl-D if there is none.
pub(crate) fn end_of_file(master: impl AsFd) -> u8 {
    const CTRL_D: u8 = 4;
    let set = tcgetattr(master).map_or(0, |modes| modes.special_codes[SpecialCodeIndex::VEOF]);
    if set == 0 { CTRL_D } else { set }
}

/// What a read of a master means. 0: nobody has the slave open, and everything was read; the kernel gives what is left
/// before it says so.
pub(crate) fn read_result(result: io::Result<usize>) -> io::Result<usize> {
    match result {
        Err(error) if error.raw_os_error() == Some(libc::EIO) => Ok(0),
        result => result,
    }
}

impl TerminalId {
    pub(crate) fn of(slave: impl AsFd) -> io::Result<Self> {
        let stat = fstat(slave)?;
        Ok(Self { file: (stat.st_dev, stat.st_ino), device: stat.st_rdev })
    }
}
