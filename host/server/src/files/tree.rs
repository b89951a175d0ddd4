//! Names and directories: what is there, making and removing it. All of it blocks.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::error::FileError;

/// The most entries of a directory that are given as a whole.
const MAX_LISTED: u64 = 100_000;

/// What something is, links followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    File,
    Directory,
    /// A link itself; only where links are not followed.
    Link,
    Fifo,
    Socket,
    Device,
}

impl FileKind {
    pub(super) fn of(metadata: &fs::Metadata) -> Self {
        let kind = metadata.file_type();
        match () {
            () if kind.is_file() => Self::File,
            () if kind.is_dir() => Self::Directory,
            () if kind.is_symlink() => Self::Link,
            () if kind.is_fifo() => Self::Fifo,
            () if kind.is_socket() => Self::Socket,
            () => Self::Device,
        }
    }

    /// As people call it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::File => "a regular file",
            Self::Directory => "a directory",
            Self::Link => "a symbolic link",
            Self::Fifo => "a FIFO",
            Self::Socket => "a socket",
            Self::Device => "a device",
        }
    }
}

/// What is known of a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Metadata {
    /// Links followed.
    pub(crate) kind: FileKind,
    /// Whether the path itself is a link.
    pub(crate) is_link: bool,
    pub(crate) size: u64,
    /// None where the file system does not know.
    pub(crate) created: Option<SystemTime>,
    pub(crate) modified: Option<SystemTime>,
}

impl Metadata {
    /// Milliseconds since 1970, as far as they are known.
    pub(crate) fn ms(time: Option<SystemTime>) -> i64 {
        let Some(time) = time else { return 0 };
        let ms = |duration: std::time::Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        match time.duration_since(UNIX_EPOCH) {
            Ok(since) => ms(since),
            Err(before) => -ms(before.duration()),
        }
    }
}

pub(crate) fn metadata(path: &Path) -> Result<Metadata, FileError> {
    let system = |error| FileError::System { verb: "look at", path: path.to_owned(), error };
    let own = fs::symlink_metadata(path).map_err(system)?;
    let is_link = own.file_type().is_symlink();
    let metadata = if is_link { fs::metadata(path).map_err(system)? } else { own };
    Ok(Metadata {
        kind: FileKind::of(&metadata),
        is_link,
        size: metadata.len(),
        created: metadata.created().ok(),
        modified: metadata.modified().ok(),
    })
}

pub(crate) fn canonicalize(path: &Path) -> Result<PathBuf, FileError> {
    fs::canonicalize(path).map_err(FileError::system("resolve", path))
}

/// Makes a directory; with `recursive` its parents as well, and one that is there already is fine.
pub(crate) fn create_directory(path: &Path, recursive: bool) -> Result<(), FileError> {
    let made = if recursive { fs::create_dir_all(path) } else { fs::create_dir(path) };
    made.map_err(FileError::system("make the directory", path))
}

/// An entry of a directory.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) path: PathBuf,
    /// Links followed.
    pub(crate) kind: FileKind,
    pub(super) is_link: bool,
}

/// What is in a directory, by name. Links that lead nowhere are passed over, as what has gone meanwhile.
pub(crate) fn read_directory(path: &Path) -> Result<Vec<Listed>, FileError> {
    let (entries, complete) = list(path, MAX_LISTED)?;
    if complete { Ok(entries) } else { Err(FileError::TooMany { path: path.to_owned(), limit: MAX_LISTED }) }
}

/// The same, at most so many names, and whether those are all.
pub(super) fn list(path: &Path, most: u64) -> Result<(Vec<Listed>, bool), FileError> {
    let system = |error| FileError::System { verb: "list", path: path.to_owned(), error };
    let (mut entries, mut seen, mut complete) = (Vec::new(), 0, true);
    for entry in fs::read_dir(path).map_err(system)? {
        let entry = entry.map_err(system)?;
        if seen == most {
            complete = false;
            break;
        }
        seen += 1;
        let path = entry.path();
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        if let Ok(metadata) = fs::metadata(&path) {
            entries.push(Listed { kind: FileKind::of(&metadata), path, is_link });
        }
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok((entries, complete))
}

/// Removes what is there: a link itself, a directory with all that is in it if `recursive`. With `force` it is fine if
/// there is nothing. One piece of work, however much there is: taking a tree apart by hand in several could be led
/// astray by links that somebody puts there meanwhile.
pub(crate) fn remove(path: &Path, recursive: bool, force: bool) -> Result<(), FileError> {
    let removed = fs::symlink_metadata(path).and_then(|metadata| match metadata.is_dir() {
        true if recursive => fs::remove_dir_all(path),
        true => fs::remove_dir(path),
        false => fs::remove_file(path),
    });
    match removed {
        Err(error) if force && error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(FileError::system("remove", path)),
    }
}
