//! A FIFO between a test and its children: releases them, or hears from them, without any sleep.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};

use crate::settings;

/// One direction of signals, a byte each. The probe's `wait-fifo` takes one, its `tell-fifo` gives one.
///
/// Dropping it lets every waiting child go on.
pub struct Gate {
    path: PathBuf,
    both_ends: File,
}

impl Gate {
    /// Makes the FIFO.
    ///
    /// # Panics
    ///
    /// If the file system refuses.
    #[must_use]
    pub fn new(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref().to_owned();
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a FIFO can be made");
        // Both ends at once: neither opening blocks, here or in the child.
        let flags = OFlags::NONBLOCK.bits() as i32;
        let both_ends = OpenOptions::new().read(true).write(true).custom_flags(flags).open(&path);
        Self { path, both_ends: both_ends.expect("a FIFO can be opened") }
    }

    /// Lets one waiting child go on, or the next one that comes to wait.
    pub fn release(&self) {
        self.release_many(1);
    }

    /// Lets `count` children go on.
    ///
    /// # Panics
    ///
    /// If more signals are unread than a pipe holds.
    pub fn release_many(&self, count: usize) {
        (&self.both_ends).write_all(&vec![b'.'; count]).expect("a FIFO takes a byte");
    }

    /// Waits until `count` children have told.
    ///
    /// # Panics
    ///
    /// When the common deadline passes.
    #[track_caller]
    pub fn hear(&self, count: usize) {
        let until = Instant::now() + settings::deadline();
        let mut heard = 0;
        while heard < count {
            let left = until.saturating_duration_since(Instant::now());
            let timeout = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) };
            let ready = poll(&mut [PollFd::new(&self.both_ends, PollFlags::IN)], Some(&timeout));
            assert_ne!(ready, Ok(0), "heard {heard} of {count} at {self} within {:?}", settings::deadline());
            heard += (&self.both_ends).read(&mut vec![0; count - heard]).unwrap_or(0);
        }
    }

    /// How many children have told by now. Does not wait.
    pub fn heard(&self) -> usize {
        (&self.both_ends).read(&mut [0; 4096]).unwrap_or(0)
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(out)
    }
}
