//! A walk through a tree, level by level, in turns.

use std::collections::{HashSet, VecDeque};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::error::FileError;
use super::tree::{FileKind, list};

/// Entries that one turn looks at, and more only to finish a directory.
const TURN_ENTRIES: u64 = 4096;
/// The most names of one directory that are looked at.
const MAX_NAMES: u64 = 100_000;
/// The most that a walk tells of, in bytes of paths.
const MAX_BYTES: usize = 8 << 20;

/// How far a walk goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WalkLimits {
    pub(crate) depth: u64,
    /// Directories that are looked into.
    pub(crate) directories: u64,
    /// Entries that are looked at.
    pub(crate) entries: u64,
    /// Whether links to directories are followed, each directory once.
    pub(crate) follow: bool,
}

/// A walk on its way.
#[derive(Debug)]
pub(crate) struct Walk {
    limits: WalkLimits,
    /// Directories that are to be looked into, and how deep they are.
    ahead: VecDeque<(PathBuf, u64)>,
    /// Directories that were looked into, by device and number: a link may lead back.
    visited: HashSet<(u64, u64)>,
    directories: u64,
    entries: u64,
    bytes: usize,
    walked: Walked,
}

/// What a walk has come by.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    /// Files, and directories: links to them only where those are followed.
    pub(crate) found: Vec<Found>,
    /// Directories that could not be looked into.
    pub(crate) faults: Vec<(PathBuf, FileError)>,
    /// There is more.
    pub(crate) truncated: bool,
}

/// How far a turn has brought a walk.
#[derive(Debug)]
pub(crate) enum Stride {
    OnItsWay(Walk),
    Done(Walked),
}

/// Something that a walk has come by.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) is_directory: bool,
}

impl Walk {
    /// Looks at where it begins; what is no directory has nothing in it. Blocks.
    pub(crate) fn begin(path: PathBuf, limits: WalkLimits) -> Result<Self, FileError> {
        let system = |error| FileError::System { verb: "walk through", path: path.clone(), error };
        let is_link = fs::symlink_metadata(&path).map_err(system)?.file_type().is_symlink();
        let is_directory = fs::metadata(&path).map_err(system)?.is_dir();
        let mut ahead = VecDeque::new();
        if is_directory {
            // The first directory's own fault is the walk's.
            fs::read_dir(&path).map_err(system)?;
            if !is_link || limits.follow {
                ahead.push_back((path, 0));
            }
        }
        Ok(Self {
            limits,
            ahead,
            visited: HashSet::new(),
            directories: 0,
            entries: 0,
            bytes: 0,
            walked: Walked::default(),
        })
    }

    /// Goes on for a while. Blocks.
    pub(crate) fn turn(mut self) -> Stride {
        let until = self.entries + TURN_ENTRIES;
        while self.entries < until {
            let Some((directory, depth)) = self.ahead.pop_front() else { return Stride::Done(self.walked) };
            if !self.look_into(&directory, depth) {
                self.walked.truncated = true;
                return Stride::Done(self.walked);
            }
        }
        Stride::OnItsWay(self)
    }

    /// False where the walk ends before its end.
    fn look_into(&mut self, directory: &Path, depth: u64) -> bool {
        if let Ok(metadata) = fs::metadata(directory)
            && !self.visited.insert((metadata.dev(), metadata.ino()))
        {
            return true;
        }
        if self.directories == self.limits.directories {
            return false;
        }
        self.directories += 1;
        let (listed, complete) = match list(directory, MAX_NAMES) {
            Ok(listed) => listed,
            Err(fault) => {
                self.bytes += directory.as_os_str().len();
                self.walked.faults.push((directory.to_owned(), fault));
                return self.bytes <= MAX_BYTES;
            }
        };
        for entry in listed {
            if self.entries == self.limits.entries || self.bytes > MAX_BYTES {
                return false;
            }
            self.entries += 1;
            let is_directory = match (entry.kind, entry.is_link) {
                (FileKind::Directory, is_link) if !is_link || self.limits.follow => true,
                (FileKind::File, false) => false,
                _ => continue,
            };
            if is_directory && depth < self.limits.depth {
                self.ahead.push_back((entry.path.clone(), depth + 1));
            }
            self.bytes += entry.path.as_os_str().as_bytes().len();
            self.walked.found.push(Found { path: entry.path, is_directory });
        }
        complete
    }
}
