//! Who holds a stream open, found through `/proc`.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use crate::cell::tree::{self, processes};
use crate::log::Stream;
use crate::streams::OtherEnd;
use crate::terminal::TerminalId;

/// A process that has the writing end of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The process.
    pub pid: i32,
    /// Its program and arguments.
    pub argv: Vec<OsString>,
    /// The streams that it can still write to.
    pub streams: Vec<Stream>,
}

/// Every process with a descriptor open for writing on one of the streams. `tree` is that of the command.
pub(super) fn find(ends: &[(Stream, OtherEnd)], tree: &[i32]) -> Vec<Holder> {
    let names: Vec<_> = ends.iter().map(|(stream, end)| (*stream, Name::of(*end))).collect();
    processes()
        .filter_map(|pid| {
            let streams = held_by(pid, &names, tree.contains(&pid));
            (!streams.is_empty()).then(|| Holder { pid, argv: argv_of(pid), streams })
        })
        .collect()
}

/// How a stream shows among the descriptors of a process.
enum Name {
    /// By the text of the link.
    Pipe(String),
    Terminal(TerminalId),
}

impl Name {
    fn of(end: OtherEnd) -> Self {
        match end {
            OtherEnd::Pipe(inode) => Self::Pipe(format!("pipe:[{inode}]")),
            OtherEnd::Terminal(id) => Self::Terminal(id),
        }
    }

    fn is_at(&self, descriptor: &Path, target: &Path, pid: i32, in_tree: bool) -> bool {
        match self {
            Self::Pipe(name) => target.as_os_str() == name.as_str(),
            // The general name stands for the process's controlling terminal, which it loses with the leader.
            Self::Terminal(id) if target == Path::new("/dev/tty") => tree::stat(pid)
                .is_some_and(|stat| stat.terminal == id.device || stat.terminal == 0 && in_tree),
            // Not by its name: other name spaces have terminals of the same one.
            Self::Terminal(id) => {
                target.starts_with("/dev/pts")
                    && fs::metadata(descriptor).is_ok_and(|file| (file.dev(), file.ino()) == id.file)
            }
        }
    }
}

fn held_by(pid: i32, names: &[(Stream, Name)], in_tree: bool) -> Vec<Stream> {
    let mut held = Vec::new();
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else { return held };
    for descriptor in descriptors.flatten() {
        let Ok(target) = fs::read_link(descriptor.path()) else { continue };
        let Some((stream, _)) =
            names.iter().find(|(_, name)| name.is_at(&descriptor.path(), &target, pid, in_tree))
        else {
            continue;
        };
        // The link's own mode tells how the descriptor was opened; the host's end is for reading.
        let writes = descriptor.metadata().is_ok_and(|link| link.permissions().mode() & 0o200 != 0);
        if writes && !held.contains(stream) {
            held.push(*stream);
        }
    }
    held
}

fn argv_of(pid: i32) -> Vec<OsString> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let line = line.strip_suffix(b"\0").unwrap_or(&line);
    line.split(|byte| *byte == 0).map(|argument| OsString::from_vec(argument.to_vec())).collect()
}
