//! The terminal of whoever runs `weir run --tty`: its size, its mode, and what is typed on it.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::pin::Pin;
use std::thread;

use bytes::Bytes;
use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::sync::mpsc;
use weir_process::{Process, TerminalSize, WriteStatus};

/// What a terminal has that does not tell its size.
const USUAL_SIZE: TerminalSize = TerminalSize { cols: 80, rows: 24 };
/// Reads of what is typed that may wait for the command to take them: then typing waits, as on any terminal.
const WAITING_READS: usize = 4;
/// Bytes of one read.
const READ: usize = 16 * 1024;

/// The size of the terminal that this process has, on whichever stream.
pub(super) fn size() -> TerminalSize {
    let streams = [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()];
    let sizes = streams.into_iter().filter_map(|stream| tcgetwinsize(stream).ok());
    let known = sizes.map(|size| TerminalSize { cols: size.ws_col, rows: size.ws_row });
    known.into_iter().find(|size| size.cols > 0 && size.rows > 0).unwrap_or(USUAL_SIZE)
}

/// A terminal that passes on every key as it is: interrupts, suspension and line editing are the affair of the terminal
/// that the command has. Dropping it gives the terminal back as it was.
#[derive(Debug)]
pub(super) struct RawMode {
    terminal: OwnedFd,
    before: Termios,
}

impl RawMode {
    /// None if `terminal` is no terminal.
    pub(super) fn enter(terminal: impl AsFd) -> io::Result<Option<Self>> {
        if !isatty(&terminal) {
            return Ok(None);
        }
        let terminal = rustix::io::fcntl_dupfd_cloexec(terminal, 3)?;
        let mode = Self { before: tcgetattr(&terminal)?, terminal };
        mode.set()?;
        Ok(Some(mode))
    }

    /// Makes it raw again, after somebody else has had the terminal meanwhile.
    pub(super) fn set(&self) -> io::Result<()> {
        let mut raw = self.before.clone();
        raw.make_raw();
        Ok(tcsetattr(&self.terminal, OptionalActions::Now, &raw)?)
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        // A terminal that is gone has no mode.
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}

/// What is typed, on its way to the command.
pub(super) struct Keyboard {
    /// None once it is at its end.
    typed: Option<mpsc::Receiver<Bytes>>,
    /// The write that the command has not taken yet.
    writing: Option<Pin<Box<dyn Future<Output = WriteStatus> + Send>>>,
    /// What was typed last did not end its line.
    in_line: bool,
}

impl Keyboard {
    /// Reads `input` in a thread, whose last read stays until it returns.
    pub(super) fn new(input: OwnedFd) -> Self {
        let (sender, typed) = mpsc::channel(WAITING_READS);
        thread::spawn(move || {
            let (mut input, mut buffer) = (File::from(input), vec![0; READ]);
            loop {
                match input.read(&mut buffer) {
                    Ok(count @ 1..) => {
                        if sender.blocking_send(Bytes::copy_from_slice(&buffer[..count])).is_err() {
                            return;
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Ok(0) | Err(_) => return,
                }
            }
        });
        Self { typed: Some(typed), writing: None, in_line: false }
    }

    /// Waits until the command has taken what was typed before, and for what is typed next; none at its end, once.
    /// Cancel-safe.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        if let Some(writing) = &mut self.writing {
            writing.await;
            self.writing = None;
        }
        match &mut self.typed {
            Some(typed) => typed.recv().await,
            None => std::future::pending().await,
        }
    }

    /// Types it for the command; the end is typed as well.
    pub(super) fn pass_on(&mut self, typed: Option<Bytes>, process: &Process) {
        match typed {
            // One at a time always fits.
            Some(bytes) => {
                self.in_line = bytes.last().is_some_and(|last| !matches!(last, b'\n' | b'\r'));
                self.writing = process.write(bytes, None).ok().map(|written| Box::pin(written) as _)
            }
            None => {
                self.typed = None;
                // Within a line the first one only ends that. The orders are given; nobody waits for the answers.
                for _ in 0..=u8::from(self.in_line) {
                    drop(process.close_stdin());
                }
            }
        }
    }
}
