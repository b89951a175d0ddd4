//! Files that somebody else names: read whole, within a bound, whatever they are.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// Why there are no bytes.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system says so.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A pipe, a device, a directory.
    #[error("expected a regular file")]
    NotRegular,
    /// It has at least so many bytes.
    #[error("it is too large: {0} bytes")]
    TooLarge(u64),
}

/// Reads a regular file of at most `limit` bytes. Anything else is an error at once: a pipe without a writer would block
/// the open, and a device could go on for ever.
///
/// # Errors
///
/// See [`ReadError`].
pub fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(path)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(ReadError::NotRegular);
    }
    if found.len() > limit {
        return Err(ReadError::TooLarge(found.len()));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(found.len()).unwrap_or(0) + 1);
    // It may grow while it is read.
    file.take(limit + 1).read_to_end(&mut bytes)?;
    let seen = bytes.len() as u64;
    if seen > limit { Err(ReadError::TooLarge(seen)) } else { Ok(bytes) }
}
