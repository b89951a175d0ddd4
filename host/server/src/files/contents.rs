//! What is in regular files: whole, in blocks, and written anew.
//!
//! Nothing but a regular file is ever opened: a FIFO would wait for somebody at its other end, and devices may do
//! anything.

use std::fs::{File, Metadata, OpenOptions, metadata};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::error::FileError;
use super::tree::FileKind;

/// A regular file that is open for reading.
#[derive(Debug)]
pub(crate) struct OpenFile {
    file: File,
    path: PathBuf,
}

impl OpenFile {
    /// Blocks.
    pub(crate) fn open(path: PathBuf) -> Result<Self, FileError> {
        let mut options = OpenOptions::new();
        let file = open_regular("read", &path, options.read(true))?;
        Ok(Self { file, path })
    }

    pub(crate) fn into_path(self) -> PathBuf {
        self.path
    }

    /// Blocks, though not for long: the file is open.
    pub(crate) fn size(&self) -> Result<u64, FileError> {
        Ok(self.file.metadata().map_err(FileError::system("read", &self.path))?.len())
    }

    /// The first `size` bytes, or all if there are fewer. Blocks.
    pub(super) fn read_all(self, size: u64) -> Result<Vec<u8>, FileError> {
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        let read = (&self.file).take(size).read_to_end(&mut bytes);
        read.map_err(FileError::system("read", &self.path))?;
        Ok(bytes)
    }

    /// A block, and whether the file ends within or right behind it. Blocks.
    pub(crate) fn read_block(&self, offset: u64, len: usize) -> Result<(Vec<u8>, bool), FileError> {
        let system = |error| FileError::System { verb: "read", path: self.path.clone(), error };
        // What the file has not got needs no room.
        let left = self.file.metadata().map_err(system)?.len().saturating_sub(offset);
        let mut block = vec![0; len.min(usize::try_from(left).unwrap_or(usize::MAX))];
        let mut filled = 0;
        while filled < block.len() {
            match self.file.read_at(&mut block[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(system(error)),
            }
        }
        block.truncate(filled);
        Ok((block, filled as u64 >= left))
    }
}

/// Makes a file, or replaces the content of one: in place, so that its mode, its owner and its other names stay.
/// Blocks.
pub(crate) fn write_file(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let mut options = OpenOptions::new();
    let mut file = open_regular("write", path, options.write(true).create(true).truncate(false))?;
    let written = file.set_len(0).and_then(|()| file.write_all(content));
    written.map_err(FileError::system("write", path))
}

/// Opens a regular file with these options. It is looked at before, since opening something else may have effects, and
/// after, since another one may have been put in its place.
pub(super) fn open_regular(
    verb: &'static str,
    path: &Path,
    options: &mut OpenOptions,
) -> Result<File, FileError> {
    let check = |metadata: &Metadata| match FileKind::of(metadata) {
        FileKind::File => Ok(()),
        kind => {
            let seen = kind.as_str();
            Err(FileError::Kind { verb, path: path.to_owned(), expected: "a regular file", seen })
        }
    };
    if let Ok(metadata) = metadata(path) {
        check(&metadata)?;
    }
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = options.custom_flags(flags).open(path).map_err(FileError::system(verb, path))?;
    check(&file.metadata().map_err(FileError::system(verb, path))?)?;
    Ok(file)
}
