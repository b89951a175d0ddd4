//! Whether files have changed since they were read.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Files as they were at one moment.
#[derive(Debug)]
pub(super) struct Stamps(Vec<(PathBuf, Stamp)>);

/// What tells one content of a file from another. None if there is no such file.
type Stamp = Option<(u64, u64, u64, i64, i64, i64, i64)>;

impl Stamps {
    pub(super) fn of<'p>(files: impl IntoIterator<Item = &'p Path>) -> Self {
        let mut stamps = Self(Vec::new());
        stamps.add(files);
        stamps
    }

    pub(super) fn add<'p>(&mut self, files: impl IntoIterator<Item = &'p Path>) {
        self.0.extend(files.into_iter().map(|file| (file.to_owned(), stamp(file))));
    }

    /// Asks the file system about each file: a few microseconds.
    pub(super) fn have_changed(&self) -> bool {
        self.0.iter().any(|(file, before)| stamp(file) != *before)
    }
}

fn stamp(file: &Path) -> Stamp {
    let found = fs::metadata(file).ok()?;
    Some((
        found.dev(),
        found.ino(),
        found.size(),
        found.mtime(),
        found.mtime_nsec(),
        found.ctime(),
        found.ctime_nsec(),
    ))
}
