//! What a descriptor of a process stands for, as far as it matters to whoever waits at it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::cell::tree;
use crate::streams::OtherEnd;

/// What a thread can wait at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The input of its command.
    Input,
    /// Nobody but the process itself wakes it there.
    OwnWakeUp,
    /// News of somebody else.
    Other,
}

/// What `descriptor` of a process is. `input` is how the input of the command is known.
pub(super) fn kind(pid: i32, descriptor: i32, input: OtherEnd) -> Kind {
    let Some(target) = target(pid, descriptor) else { return Kind::Other };
    let Some(name) = target.to_str() else { return Kind::Other };
    match input {
        OtherEnd::Pipe(inode) if pipe_inode(name) == Some(inode) => return Kind::Input,
        OtherEnd::Terminal(id) if name == "/dev/tty" => {
            // The general name stands for the terminal that controls the session.
            let ours = tree::stat(pid).is_some_and(|stat| stat.terminal == id.device);
            return if ours { Kind::Input } else { Kind::Other };
        }
        // Not by its name: other name spaces have terminals of the same one. No other file is asked, since a dead
        // server of files would not answer.
        OtherEnd::Terminal(id) if name.starts_with("/dev/") => {
            let file = fs::metadata(format!("/proc/{pid}/fd/{descriptor}"));
            let ours = file.is_ok_and(|file| (file.dev(), file.ino()) == id.file);
            return if ours { Kind::Input } else { Kind::Other };
        }
        _ => {}
    }
    match name {
        "anon_inode:[eventfd]" | "anon_inode:[signalfd]" | "anon_inode:[timerfd]" => Kind::OwnWakeUp,
        _ if name.starts_with("pipe:") && has_both_ends(pid, &target) => Kind::OwnWakeUp,
        _ => Kind::Other,
    }
}

fn target(pid: i32, descriptor: i32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/fd/{descriptor}")).ok()
}

fn pipe_inode(name: &str) -> Option<u64> {
    name.strip_prefix("pipe:[")?.strip_suffix(']')?.parse().ok()
}

/// Whether the process has a pipe open twice: as those have it that wake themselves from a signal's handler. What comes
/// from a child has one end here.
fn has_both_ends(pid: i32, pipe: &Path) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    let links = descriptors.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    links.filter(|link| link == pipe).nth(1).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_is_known_by_its_inode() {
        assert_eq!(pipe_inode("pipe:[4711]"), Some(4711));
        for other in ["socket:[4711]", "pipe:4711", "pipe:[x]", "/dev/pts/1"] {
            assert_eq!(pipe_inode(other), None, "{other}");
        }
    }

    #[test]
    fn a_pipe_that_a_process_has_both_ends_of_is_its_own() {
        let me = std::process::id().cast_signed();
        let (read, write) = std::io::pipe().expect("a pipe");
        let number = std::os::fd::AsRawFd::as_raw_fd(&read);
        assert_eq!(kind(me, number, OtherEnd::Pipe(0)), Kind::OwnWakeUp);
        let inode =
            pipe_inode(target(me, number).expect("a link").to_str().expect("text")).expect("an inode");
        assert_eq!(kind(me, number, OtherEnd::Pipe(inode)), Kind::Input);
        drop(write);
        assert_eq!(kind(me, number, OtherEnd::Pipe(0)), Kind::Other);
        assert_eq!(kind(me, -1, OtherEnd::Pipe(0)), Kind::Other);
    }
}
