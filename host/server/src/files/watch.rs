//! A watch over what is not there, by inotify.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use tokio::net::unix::pipe;

/// Paths that one watch may be about.
const MAX_PATHS: usize = 256;
/// Bytes of events that are read at once: room for at least a dozen of the longest.
const EVENTS: usize = 4096;
/// Bytes of an event before its name (inotify(7)): the watch, what has happened, a cookie, the length of the name, each
/// of four bytes.
const HEADER: usize = 16;

/// What is to be watched.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// What is not there.
    pub(crate) missing: Vec<PathBuf>,
    /// What is there, and matters as well.
    pub(crate) present: Option<PathBuf>,
}

/// A watch. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Watch {
    /// Not really a pipe, but read like one.
    events: pipe::Receiver,
    /// Names that matter, by the number of the directory that they are in.
    names: HashSet<(i32, OsString)>,
}

/// A watch that is not waited on yet.
#[derive(Debug)]
pub(crate) struct Prepared {
    events: OwnedFd,
    names: HashSet<(i32, OsString)>,
}

impl Prepared {
    /// Registers it with the runtime that this is called in.
    pub(crate) fn arm(self) -> io::Result<Watch> {
        let events = pipe::Receiver::from_file_unchecked(File::from(self.events))?;
        Ok(Watch { events, names: self.names })
    }
}

impl Wanted {
    /// Makes the watch: on the directories in which something would first appear. None where that cannot be, or things
    /// are not as the client thinks they are: then it has to look again by itself. Blocks.
    pub(crate) fn prepare(&self) -> Option<Prepared> {
        let paths = self.missing.len();
        if paths == 0 || paths > MAX_PATHS {
            return None;
        }
        let first: Option<Vec<&Path>> = self.missing.iter().map(|path| first_missing(path)).collect();
        let first = first?;
        let events = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok()?;
        let flags = WatchFlags::CREATE
            | WatchFlags::MOVED_TO
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        let mut names = HashSet::new();
        for path in first.iter().copied().chain(self.present.as_deref()) {
            let directory = inotify::add_watch(&events, path.parent()?, flags).ok()?;
            names.insert((directory, path.file_name()?.to_owned()));
        }
        // Looked at once more: what has come before the watch was there is not told by it.
        let still = self.missing.iter().map(|path| first_missing(path)).eq(first.into_iter().map(Some));
        let present = self.present.as_deref().is_none_or(|path| path.symlink_metadata().is_ok());
        (still && present).then_some(Prepared { events, names })
    }
}

impl Watch {
    /// Waits until something that matters has happened, or may have.
    pub(crate) async fn changed(self) {
        loop {
            let mut events = [0; EVENTS];
            // What cannot be read may have mattered.
            if self.events.readable().await.is_err() {
                return;
            }
            match self.events.try_read(&mut events) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(length) if !self.matter(&events[..length]) => {}
                Ok(_) | Err(_) => return,
            }
        }
    }

    /// Whether one of these events matters.
    fn matter(&self, mut events: &[u8]) -> bool {
        let lost = ReadFlags::DELETE_SELF
            | ReadFlags::MOVE_SELF
            | ReadFlags::IGNORED
            | ReadFlags::QUEUE_OVERFLOW
            | ReadFlags::UNMOUNT;
        while let Some((header, rest)) = events.split_first_chunk::<HEADER>() {
            let [watch, happened, _, length] = [0, 4, 8, 12]
                .map(|at| u32::from_ne_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]));
            let (name, rest) = rest.split_at(rest.len().min(length as usize));
            // Filled up with zeros.
            let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
            let named = self.names.contains(&(watch.cast_signed(), OsStr::from_bytes(name).to_owned()));
            if named || ReadFlags::from_bits_retain(happened).intersects(lost) {
                return true;
            }
            events = rest;
        }
        false
    }
}

/// The first part of a path that is not there: its parent is. None if all of it is.
fn first_missing(path: &Path) -> Option<&Path> {
    let mut missing = None;
    for ancestor in path.ancestors() {
        if ancestor.symlink_metadata().is_ok() {
            return missing;
        }
        missing = Some(ancestor);
    }
    missing
}
