//! A copy of a file, a link or a tree, in turns.

use std::fs::{self, DirEntry, File, OpenOptions, ReadDir};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use super::contents::open_regular;
use super::error::FileError;
use super::tree::{FileKind, canonicalize};

/// Bytes that one turn copies.
const TURN_BYTES: u64 = 16 << 20;
/// Files, links and directories that one turn begins with.
const TURN_ENTRIES: usize = 256;

/// A copy on its way. Dropping it leaves what was copied so far.
#[derive(Debug)]
pub(crate) struct Copy {
    /// The directories that it is in, with what is left of them, outermost first.
    inside: Vec<(ReadDir, PathBuf, PathBuf)>,
    /// The file that it is at.
    file: Option<FileCopy>,
}

#[derive(Debug)]
struct FileCopy {
    from: File,
    to: File,
    source: PathBuf,
}

impl Copy {
    /// Checks what is to be copied, and begins with it. A link is copied as a link, and a directory only if
    /// `recursive`. Blocks.
    pub(crate) fn begin(source: &Path, destination: &Path, recursive: bool) -> Result<Self, FileError> {
        let metadata = fs::symlink_metadata(source).map_err(FileError::system("copy", source))?;
        let mut copy = Self { inside: Vec::new(), file: None };
        match FileKind::of(&metadata) {
            FileKind::Directory if !recursive => {
                return Err(FileError::Kind {
                    verb: "copy",
                    path: source.to_owned(),
                    expected: "a file or `recursive: true`",
                    seen: "a directory",
                });
            }
            FileKind::Directory => {
                let outer = canonicalize(source)?;
                if resolve(destination)?.starts_with(outer) {
                    return Err(FileError::IntoItself {
                        path: source.to_owned(),
                        destination: destination.to_owned(),
                    });
                }
                fs::create_dir_all(destination)
                    .map_err(FileError::system("make the directory", destination))?;
                copy.enter(source.to_owned(), destination.to_owned())?;
            }
            FileKind::Link => copy_link(source, destination)?,
            FileKind::File => copy.file = Some(FileCopy::begin(source, destination)?),
            kind => {
                return Err(FileError::Kind {
                    verb: "copy",
                    path: source.to_owned(),
                    expected: "a regular file, a directory or a link",
                    seen: kind.as_str(),
                });
            }
        }
        Ok(copy)
    }

    /// Goes on for a while. None once it is done. Blocks.
    pub(crate) fn turn(mut self) -> Result<Option<Self>, FileError> {
        let mut bytes = TURN_BYTES;
        for _ in 0..TURN_ENTRIES {
            if let Some(mut file) = self.file.take() {
                let copied = file.go_on(bytes)?;
                bytes -= copied.min(bytes);
                if bytes == 0 {
                    self.file = Some(file);
                    return Ok(Some(self));
                }
            }
            let Some((entries, source, destination)) = self.inside.last_mut() else { return Ok(None) };
            match entries.next() {
                None => drop(self.inside.pop()),
                Some(Err(error)) => {
                    return Err(FileError::System { verb: "list", path: source.clone(), error });
                }
                Some(Ok(entry)) => {
                    let to = destination.join(entry.file_name());
                    self.take_up(&entry, to)?;
                }
            }
        }
        Ok(Some(self))
    }

    /// Sockets, FIFOs and devices within a tree are passed over.
    fn take_up(&mut self, entry: &DirEntry, to: PathBuf) -> Result<(), FileError> {
        let from = entry.path();
        let kind = entry.file_type().map_err(FileError::system("copy", &from))?;
        if kind.is_dir() {
            match fs::create_dir(&to) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists && to.is_dir() => {}
                made => made.map_err(FileError::system("make the directory", &to))?,
            }
            self.enter(from, to)
        } else if kind.is_symlink() {
            copy_link(&from, &to)
        } else if kind.is_file() {
            self.file = Some(FileCopy::begin(&from, &to)?);
            Ok(())
        } else {
            Ok(())
        }
    }

    fn enter(&mut self, source: PathBuf, destination: PathBuf) -> Result<(), FileError> {
        let entries = fs::read_dir(&source).map_err(FileError::system("list", &source))?;
        self.inside.push((entries, source, destination));
        Ok(())
    }
}

impl FileCopy {
    /// Opens both, and gives the copy the mode of what is copied.
    fn begin(source: &Path, destination: &Path) -> Result<Self, FileError> {
        let mut options = OpenOptions::new();
        let from = open_regular("copy", source, options.read(true))?;
        let original = from.metadata().map_err(FileError::system("copy", source))?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(original.mode() & 0o777);
        let to = open_regular("write", destination, &mut options)?;
        let there = to.metadata().map_err(FileError::system("write", destination))?;
        if (there.dev(), there.ino()) == (original.dev(), original.ino()) {
            return Err(FileError::IntoItself {
                path: source.to_owned(),
                destination: destination.to_owned(),
            });
        }
        let ready = to.set_len(0).and_then(|()| to.set_permissions(original.permissions()));
        ready.map_err(FileError::system("write", destination))?;
        Ok(Self { from, to, source: source.to_owned() })
    }

    /// Copies at most so many bytes. Fewer: it is done.
    fn go_on(&mut self, most: u64) -> Result<u64, FileError> {
        let copied = io::copy(&mut (&self.from).take(most), &mut self.to);
        copied.map_err(FileError::system("copy", &self.source))
    }
}

fn copy_link(source: &Path, destination: &Path) -> Result<(), FileError> {
    let target = fs::read_link(source).map_err(FileError::system("copy", source))?;
    symlink(target, destination).map_err(FileError::system("make the link", destination))
}

/// The path without links, as far as it is there.
fn resolve(path: &Path) -> Result<PathBuf, FileError> {
    let there = path.ancestors().find(|ancestor| fs::symlink_metadata(ancestor).is_ok());
    let there = there.unwrap_or(Path::new("/"));
    let rest = path.strip_prefix(there).unwrap_or(Path::new(""));
    Ok(canonicalize(there)?.join(rest))
}
