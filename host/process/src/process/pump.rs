//! The pump: from a command's streams into its log.

use std::cell::RefCell;
use std::io;
use std::sync::Arc;

use rustix::io::ioctl_fionread;
use rustix::pipe::fcntl_setpipe_size;
use tokio::net::unix::pipe;
use tracing::{debug, warn};

use crate::log::{OutputLog, Stream};

/// Bytes of one read. A pipe has 64 KiB unless it was enlarged.
const READ: usize = 128 * 1024;
/// Reads of one stream before the other one and the cell have their turn.
const READS: usize = 4;
/// What the pipe of a command that fills it is enlarged to: fewer switches between it and the host. Not from the
/// start, since the kernel limits what one user's pipes may hold in all.
const LARGE_PIPE: usize = 1024 * 1024;

/// Bytes of a page.
const PAGE: usize = 4096;

thread_local! {
    /// One buffer a thread: what a process printed is copied out of it at its exact size.
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::new());
}

/// A buffer that begins at a page, as what is in a pipe does: where the two are 1 to 31 bytes apart, some processors
/// copy several times slower.
struct Scratch {
    bytes: Box<[u8]>,
    start: usize,
}

impl Scratch {
    fn new() -> Self {
        let bytes = vec![0; READ + PAGE].into_boxed_slice();
        // No offset at all is correct too, if slower.
        let start = bytes.as_ptr().align_offset(PAGE).min(PAGE);
        Self { bytes, start }
    }

    fn first(&mut self, count: usize) -> &mut [u8] {
        &mut self.bytes[self.start..][..count]
    }
}

/// Both streams of a process.
pub(super) struct Pump {
    log: Arc<OutputLog>,
    stdout: Option<Source>,
    stderr: Option<Source>,
}

struct Source {
    stream: Stream,
    pipe: pipe::Receiver,
    enlarged: bool,
}

/// What one read came to.
enum Got {
    Bytes(usize),
    NothingYet,
    End,
}

impl Pump {
    pub(super) fn new(log: Arc<OutputLog>, stdout: pipe::Receiver, stderr: pipe::Receiver) -> Self {
        let source = |stream, pipe| Some(Source { stream, pipe, enlarged: false });
        Self { log, stdout: source(Stream::Stdout, stdout), stderr: source(Stream::Stderr, stderr) }
    }

    pub(super) fn log(&self) -> &OutputLog {
        &self.log
    }

    pub(super) fn has_ended(&self) -> bool {
        self.stdout.is_none() && self.stderr.is_none()
    }

    /// Waits until a stream has something, and moves some of it. Cancel-safe: nothing is taken out of a pipe that is
    /// not in the log when this returns or is dropped.
    pub(super) async fn step(&mut self) {
        let source = tokio::select! {
            () = readable(self.stdout.as_ref()) => &mut self.stdout,
            () = readable(self.stderr.as_ref()) => &mut self.stderr,
        };
        for _ in 0..READS {
            self.log.room_for_follower(most(&self.log)).await;
            if !move_some(&self.log, source) {
                return;
            }
        }
    }

    /// Moves what is in the pipes at this moment, and notices streams that have ended: bounded by the pipes' size,
    /// however fast somebody fills them. Leaves alone what the log could only take by dropping what its follower is
    /// about to take.
    pub(super) fn drain(&mut self) {
        for source in [&mut self.stdout, &mut self.stderr] {
            let mut left = match source {
                Some(source) => ioctl_fionread(&source.pipe).unwrap_or(0),
                None => continue,
            };
            loop {
                let before = left;
                if !self.log.has_room_for_follower(most(&self.log)) {
                    break;
                }
                match source.as_mut().map(|source| source.read_now(&self.log)) {
                    Some(Got::Bytes(count)) => left = left.saturating_sub(count as u64),
                    Some(Got::End) => end(&self.log, source),
                    Some(Got::NothingYet) | None => break,
                }
                // One read more than there were bytes: it sees the end.
                if before == 0 {
                    break;
                }
            }
        }
    }

    /// Ends the streams, whatever is in them.
    pub(super) fn give_up(&mut self) {
        end(&self.log, &mut self.stdout);
        end(&self.log, &mut self.stderr);
    }
}

/// Reads once. False if there is nothing more for now.
fn move_some(log: &OutputLog, source: &mut Option<Source>) -> bool {
    match source.as_mut().map(|source| source.read(log)) {
        Some(Got::Bytes(_)) => true,
        Some(Got::End) => {
            end(log, source);
            false
        }
        Some(Got::NothingYet) | None => false,
    }
}

fn end(log: &OutputLog, source: &mut Option<Source>) {
    if let Some(source) = source.take() {
        log.end_stream(source.stream);
    }
}

/// Bytes of one read into this log: what it can take without losing what its follower is about to take.
fn most(log: &OutputLog) -> usize {
    READ.min(log.portion())
}

async fn readable(source: Option<&Source>) {
    match source {
        // An error shows itself at the read.
        Some(source) => drop(source.pipe.readable().await),
        None => std::future::pending().await,
    }
}

impl Source {
    /// Reads after the pipe was said to be readable.
    fn read(&mut self, log: &OutputLog) -> Got {
        self.read_with(log, |pipe, scratch| pipe.try_read(scratch))
    }

    /// Reads whether or not the runtime has heard yet that there is something.
    fn read_now(&mut self, log: &OutputLog) -> Got {
        self.read_with(log, |pipe, scratch| Ok(rustix::io::read(pipe, scratch)?))
    }

    fn read_with(
        &mut self,
        log: &OutputLog,
        read: impl FnOnce(&pipe::Receiver, &mut [u8]) -> io::Result<usize>,
    ) -> Got {
        SCRATCH.with_borrow_mut(|scratch| match read(&self.pipe, scratch.first(most(log))) {
            Ok(0) => Got::End,
            Ok(count) => {
                log.append(self.stream, scratch.first(count));
                if count >= READ / 2 && !self.enlarged {
                    self.enlarge();
                }
                Got::Bytes(count)
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                Got::NothingYet
            }
            Err(error) => {
                warn!(stream = ?self.stream, %error, "a stream failed");
                Got::End
            }
        })
    }

    fn enlarge(&mut self) {
        self.enlarged = true;
        if let Err(error) = fcntl_setpipe_size(&self.pipe, LARGE_PIPE) {
            debug!(%error, "a pipe stays as small as it is");
        }
    }
}
