//! Who holds a stream open, found through `/proc`.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;

use crate::cell::tree::processes;
use crate::log::Stream;

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

/// Every process with a descriptor open for writing on one of the pipes, which are given by inode.
pub(super) fn find(pipes: &[(Stream, u64)]) -> Vec<Holder> {
    if pipes.is_empty() {
        return Vec::new();
    }
    let names: Vec<_> = pipes.iter().map(|(stream, inode)| (*stream, format!("pipe:[{inode}]"))).collect();
    processes()
        .filter_map(|pid| {
            let streams = held_by(pid, &names);
            (!streams.is_empty()).then(|| Holder { pid, argv: argv_of(pid), streams })
        })
        .collect()
}

fn held_by(pid: i32, names: &[(Stream, String)]) -> Vec<Stream> {
    let mut held = Vec::new();
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else { return held };
    for descriptor in descriptors.flatten() {
        let Ok(target) = fs::read_link(descriptor.path()) else { continue };
        let Some((stream, _)) =
            names.iter().find(|(_, name)| target.as_os_str().as_bytes() == name.as_bytes())
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
