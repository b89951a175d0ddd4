//! Files, as the `fs/*` methods offer them: what is done on the disk, and how much of it at once.
//!
//! Nothing here knows of requests or of JSON-RPC. Everything that may block runs on the pool for blocking work, in
//! turns: a turn does a bounded piece of work, so that whoever gives a request up stops it at the next one. Few turns
//! run at once, so that a file system that hangs takes no more of that pool than these.

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
/// What all files that are given as a whole, and not written to the client yet, may take together, in bytes: the next
/// one waits. One of any size fits.
const MAX_WHOLE_BYTES: u64 = MAX_FILE_BYTES;
/// What is counted of them, in bytes.
const WHOLE_UNIT: u64 = 1024;
/// Turns that run at once.
const TURNS: usize = 64;

/// What keeps work on files within its bounds. One for all sessions.
#[derive(Debug)]
pub(crate) struct Files {
    turns: Arc<Semaphore>,
    whole: Arc<Semaphore>,
}

/// A whole file, and its share of what such files may take.
struct Whole {
    bytes: Vec<u8>,
    _share: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Whole {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Files {
    pub(crate) fn new() -> Self {
        let whole = (MAX_WHOLE_BYTES / WHOLE_UNIT) as usize;
        Self { turns: Arc::new(Semaphore::new(TURNS)), whole: Arc::new(Semaphore::new(whole)) }
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
        // At least one, since a file may grow while it is read; what it is given then is counted as it was.
        let units = u32::try_from(size.div_ceil(WHOLE_UNIT).max(1)).unwrap_or(u32::MAX);
        let Ok(share) = Arc::clone(&self.whole).acquire_many_owned(units).await else {
            return Err(FileError::Stopped);
        };
        let bytes = self.turn(move || file.read_all(size)).await?;
        Ok(Bytes::from_owner(Whole { bytes, _share: share }))
    }
}
