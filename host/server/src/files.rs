//! Files, as the `fs/*` methods offer them: what is done on the disk, and how much of it at once.
//!
//! Nothing here knows of requests or of JSON-RPC. Everything that may block runs on the pool for blocking work, in
//! turns: a turn does a bounded piece of work, so that whoever gives a request up stops it at the next one. Few turns
//! run at once, so that a file system that hangs takes no more of that pool than these. What is held in memory has bounds
//! as well, whatever a client asks for at once.

mod contents;
mod copy;
mod error;
mod handles;
mod tree;
mod walk;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

pub(crate) use self::contents::{OpenFile, write_file};
pub(crate) use self::copy::Copy;
pub(crate) use self::error::FileError;
pub(crate) use self::handles::{Handles, MAX_OPEN_FILES, NoHandle};
pub(crate) use self::tree::{
    FileKind, Listed, Metadata, canonicalize, create_directory, metadata, read_directory, remove,
};
pub(crate) use self::walk::{Found, Stride, Walk, WalkLimits, Walked};
pub(crate) use self::watch::{Wanted, Watch};

/// The largest file that is given as a whole, in bytes.
pub(crate) const MAX_FILE_BYTES: u64 = 64 << 20;
/// What all contents that were read, and not written to the client yet, may take together, in bytes: the next waits. One
/// of any size fits.
const MAX_READ_BYTES: u64 = MAX_FILE_BYTES;
/// What all contents that were not written to their files yet may take together, in bytes: more are refused.
pub(crate) const MAX_WRITE_BYTES: u64 = 64 << 20;
/// What is counted of contents, in bytes.
const UNIT: u64 = 1024;
/// Turns that run at once.
const TURNS: usize = 16;
/// Walks and copies that are on their way at once: they hold what they have found, and directories open.
const JOURNEYS: usize = 8;

/// What keeps work on files within its bounds. One for all sessions.
#[derive(Debug)]
pub(crate) struct Files {
    turns: Arc<Semaphore>,
    read: Arc<Semaphore>,
    write: Arc<Semaphore>,
    journeys: Arc<Semaphore>,
}

/// A share of what contents may take.
pub(crate) type Share = OwnedSemaphorePermit;

/// Contents that were read, and their share.
struct Contents {
    bytes: Vec<u8>,
    _share: Share,
}

impl AsRef<[u8]> for Contents {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Files {
    pub(crate) fn new() -> Self {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self {
            turns: semaphore(TURNS),
            read: semaphore((MAX_READ_BYTES / UNIT) as usize),
            write: semaphore((MAX_WRITE_BYTES / UNIT) as usize),
            journeys: semaphore(JOURNEYS),
        }
    }

    /// Whether nothing is being done on files.
    pub(crate) fn is_idle(&self) -> bool {
        self.turns.available_permits() == TURNS
    }

    /// Does a bounded piece of work where it may block. It is not interrupted: who stops waiting stops what comes
    /// behind it.
    pub(crate) async fn turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, FileError> + Send + 'static,
    ) -> Result<T, FileError> {
        let Ok(permit) = Arc::clone(&self.turns).acquire_owned().await else {
            return Err(FileError::Stopped);
        };
        let done = spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        done.await.unwrap_or(Err(FileError::Stopped))
    }

    /// Reads a whole file, once there is room for it. The room is free again when the bytes are gone.
    pub(crate) async fn read_file(&self, path: PathBuf) -> Result<Bytes, FileError> {
        let file = self.turn(move || OpenFile::open(path)).await?;
        let size = file.size()?;
        if size > MAX_FILE_BYTES {
            return Err(FileError::TooLarge { path: file.into_path(), bytes: size, limit: MAX_FILE_BYTES });
        }
        let share = self.share(size).await?;
        let bytes = self.turn(move || file.read_all(size)).await?;
        Ok(Bytes::from_owner(Contents { bytes, _share: share }))
    }

    /// Reads a block, once there is room for it, and tells whether the file ends within or right behind it.
    pub(crate) async fn read_block(
        &self,
        file: Arc<OpenFile>,
        offset: u64,
        len: u64,
    ) -> Result<(Bytes, bool), FileError> {
        let share = self.share(len).await?;
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let (bytes, eof) = self.turn(move || file.read_block(offset, len)).await?;
        Ok((Bytes::from_owner(Contents { bytes, _share: share }), eof))
    }

    /// Room for contents that wait to be written to their file, until it is dropped. None if there is not enough.
    pub(crate) fn write_share(&self, bytes: usize) -> Option<Share> {
        Arc::clone(&self.write).try_acquire_many_owned(units(bytes as u64)).ok()
    }

    /// Leave to walk or to copy, until it is dropped.
    pub(crate) async fn journey(&self) -> Result<OwnedSemaphorePermit, FileError> {
        Arc::clone(&self.journeys).acquire_owned().await.map_err(|_| FileError::Stopped)
    }

    async fn share(&self, bytes: u64) -> Result<Share, FileError> {
        Arc::clone(&self.read).acquire_many_owned(units(bytes)).await.map_err(|_| FileError::Stopped)
    }
}

fn units(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX)
}
