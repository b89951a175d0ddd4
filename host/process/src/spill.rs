//! Where output goes that leaves memory: files on disk, bounded each and in all.
//!
//! The files have no names. They are made in a directory that only this host uses, below one that only this user may
//! enter, and are gone with their last descriptor, however the host ends. So no command finds its own output there, and
//! what a killed host leaves behind is an empty directory, which the next one removes.

mod directory;
pub(crate) mod file;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};

use self::directory::Directory;
use self::file::SpillFile;

/// Turns at the disk at once. More would not make it faster, and a disk that hangs must not take every thread there is.
const TURNS: usize = 4;

/// Where output is spilled, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpillOptions {
    /// The directory below which each host has its own. Made if it is not there, of this user's alone.
    pub directory: PathBuf,
    /// The most bytes of one file: output and 40 bytes a chunk.
    pub max_bytes_per_process: u64,
    /// The most bytes of all files together.
    pub max_bytes_total: u64,
}

/// No file for spilled output can be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make a file for output in `{}`: {error}", directory.display())]
pub struct SpillError {
    /// The directory in question.
    pub directory: PathBuf,
    /// The kernel's reason, or what is wrong with the directory.
    pub error: std::io::Error,
}

/// The spilled output of a host. Dropping it removes the host's directory; files that are still open go on without.
#[derive(Debug)]
pub struct Spill {
    options: SpillOptions,
    used: AtomicU64,
    /// Made when the first file is. Locked over the few system calls that make it, by threads that may block.
    directory: Mutex<Option<Directory>>,
    turns: Semaphore,
}

impl Spill {
    /// Touches nothing on disk as yet.
    pub fn new(options: SpillOptions) -> Arc<Self> {
        Arc::new(Self {
            options,
            used: AtomicU64::new(0),
            directory: Mutex::new(None),
            turns: Semaphore::new(TURNS),
        })
    }

    /// Removes what hosts that are gone have left behind. Blocks.
    pub fn sweep(&self) {
        directory::sweep(&self.options.directory);
    }

    /// Where output is spilled, and how much of it.
    pub fn options(&self) -> &SpillOptions {
        &self.options
    }

    /// Bytes on disk at this moment.
    pub fn used_bytes(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether a file can be made at all. Blocks.
    ///
    /// # Errors
    ///
    /// As a process would have them that asks for one.
    pub fn probe(self: &Arc<Self>) -> Result<(), SpillError> {
        self.open().map(drop)
    }

    /// A file for one process. Blocks.
    ///
    /// # Errors
    ///
    /// If the directory is not, and cannot be made, one of this user's alone, or takes no file.
    pub(crate) fn open(self: &Arc<Self>) -> Result<SpillFile, SpillError> {
        let failed = |error| SpillError { directory: self.options.directory.clone(), error };
        let mut directory = self.directory.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = &*directory
            && let Ok(file) = made.open_file()
        {
            return Ok(SpillFile::new(file, Arc::clone(self)));
        }
        // The first one, or somebody has tidied up.
        let made = Directory::make(&self.options.directory).map_err(failed)?;
        let file = made.open_file().map_err(failed)?;
        *directory = Some(made);
        Ok(SpillFile::new(file, Arc::clone(self)))
    }

    /// Waits for a turn at the disk.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.turns.acquire().await.ok()
    }

    /// Books room for a file that has `has` bytes and wants `more`. False if there is none.
    fn reserve(&self, has: u64, more: u64) -> bool {
        let fits = |used: u64| used.checked_add(more).filter(|used| *used <= self.options.max_bytes_total);
        has + more <= self.options.max_bytes_per_process
            && self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok()
    }

    fn give_back(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}
