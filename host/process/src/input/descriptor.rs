//! What a descriptor of a process stands for, as far as it matters to whoever waits at it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use super::socket_pair;
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

/// The most descriptors of a process that are looked through for the other end of one.
const MOST: usize = 1024;

/// The descriptors of a process.
pub(super) struct Descriptors {
    pid: i32,
    /// How the input of its command is known.
    input: OtherEnd,
    /// What they stand for, once that was asked for.
    targets: Option<Vec<PathBuf>>,
}

impl Descriptors {
    pub(super) fn new(pid: i32, input: OtherEnd) -> Self {
        Self { pid, input, targets: None }
    }

    /// What one of them is.
    pub(super) fn kind(&mut self, descriptor: i32) -> Kind {
        let pid = self.pid;
        let Ok(target) = fs::read_link(format!("/proc/{pid}/fd/{descriptor}")) else { return Kind::Other };
        let Some(name) = target.to_str() else { return Kind::Other };
        match self.input {
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
            _ if self.has_both_ends(name) => Kind::OwnWakeUp,
            _ => Kind::Other,
        }
    }

    /// Whether the process has both ends of a pipe or of a pair of sockets: as those have it that wake themselves from
    /// a signal's handler or from another thread. What comes from a child has one end here.
    fn has_both_ends(&mut self, name: &str) -> bool {
        // Both ends of a pipe have one name.
        let (other, times) = match socket_inode(name).map(socket_pair::other_end) {
            Some(Some(inode)) => (format!("socket:[{inode}]"), 1),
            None if pipe_inode(name).is_some() => (name.to_owned(), 2),
            _ => return false,
        };
        let targets = self.targets.get_or_insert_with(|| targets(self.pid));
        targets.iter().filter(|target| target.as_os_str() == other.as_str()).nth(times - 1).is_some()
    }
}

fn targets(pid: i32) -> Vec<PathBuf> {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    descriptors.take(MOST).filter_map(|entry| fs::read_link(entry.path()).ok()).collect()
}

fn pipe_inode(name: &str) -> Option<u64> {
    name.strip_prefix("pipe:[")?.strip_suffix(']')?.parse().ok()
}

fn socket_inode(name: &str) -> Option<u64> {
    name.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::fd::{AsFd, AsRawFd};
    use std::os::unix::net::UnixStream;

    use super::*;

    fn kind(of: impl AsFd, input: OtherEnd) -> Kind {
        let me = std::process::id().cast_signed();
        Descriptors::new(me, input).kind(of.as_fd().as_raw_fd())
    }

    #[test]
    fn a_pipe_is_known_by_its_inode() {
        assert_eq!(pipe_inode("pipe:[4711]"), Some(4711));
        for other in ["socket:[4711]", "pipe:4711", "pipe:[x]", "/dev/pts/1"] {
            assert_eq!(pipe_inode(other), None, "{other}");
        }
    }

    #[test]
    fn what_a_process_has_both_ends_of_is_its_own() {
        let none = OtherEnd::Pipe(0);
        let (read, write) = std::io::pipe().expect("a pipe");
        assert_eq!(kind(&read, none), Kind::OwnWakeUp);
        let inode = rustix::fs::fstat(&read).expect("a file").st_ino;
        assert_eq!(kind(&read, OtherEnd::Pipe(inode)), Kind::Input);
        drop(write);
        assert_eq!(kind(&read, none), Kind::Other);
        let (a, b) = UnixStream::pair().expect("a pair");
        assert_eq!(kind(&a, none), Kind::OwnWakeUp);
        drop(b);
        assert_eq!(kind(&a, none), Kind::Other);
        assert_eq!(kind(std::fs::File::open("/dev/null").expect("a file"), none), Kind::Other);
        assert_eq!(Descriptors::new(std::process::id().cast_signed(), none).kind(-1), Kind::Other);
    }
}
