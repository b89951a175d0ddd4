//! Small files of `/proc`, read at the least cost: thousands of them a second.

use std::fmt::Write;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, pread, read};
use rustix::process::{Resource, getrlimit};

/// Bytes of the longest file that is read whole.
const MOST: usize = 512;
/// The most files that are kept open, and which part of the descriptors that this process may have they may be:
/// reading one again costs a fraction of opening it.
const MOST_KEPT: u64 = 4096;
const KEPT_PART: u64 = 8;

/// A reader with its buffers.
pub(super) struct Proc {
    path: String,
    content: [u8; MOST],
    most_kept: usize,
    /// Each file that is kept has one more.
    kept: Arc<()>,
}

/// A file that tells how often a thread has run.
#[derive(Debug)]
pub(super) struct RunsFile {
    file: OwnedFd,
    _kept: Arc<()>,
}

/// How often a thread has run, and for how long: what has not changed has not run, and so has neither gone on nor
/// started anything.
pub(super) type Runs = (u64, u64);

/// A system call that a thread sleeps in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Syscall {
    pub(super) number: i64,
    pub(super) arguments: [u64; 6],
    pub(super) stack: u64,
    counter: u64,
}

impl Proc {
    pub(super) fn new() -> Self {
        let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        Self {
            path: String::with_capacity(64),
            content: [0; MOST],
            most_kept: (descriptors / KEPT_PART).min(MOST_KEPT) as usize,
            kept: Arc::default(),
        }
    }

    /// How often a thread has run. None if it is gone, or if the kernel does not count that.
    pub(super) fn runs(&mut self, tid: i32) -> Option<Runs> {
        parse_runs(self.read(tid, "schedstat").ok()?)
    }

    /// The same, with the file to ask again, if one more can be kept.
    pub(super) fn runs_at_first(&mut self, tid: i32) -> (Option<Runs>, Option<RunsFile>) {
        if Arc::strong_count(&self.kept) > self.most_kept {
            return (self.runs(tid), None);
        }
        let Ok(file) = self.open(tid, "schedstat") else { return (None, None) };
        let file = RunsFile { file, _kept: Arc::clone(&self.kept) };
        let runs = self.runs_again(&file);
        (runs, runs.map(|_| file))
    }

    /// The same of the thread that the file is of: nobody else gets its number meanwhile.
    pub(super) fn runs_again(&mut self, file: &RunsFile) -> Option<Runs> {
        let count = pread(&file.file, &mut self.content, 0).ok()?;
        parse_runs(str::from_utf8(&self.content[..count]).ok()?.trim_end())
    }

    /// What a thread sleeps in. None while it runs, outside of a system call, or if it is gone or not to be looked at.
    pub(super) fn syscall(&mut self, tid: i32) -> Option<Syscall> {
        parse_syscall(self.read(tid, "syscall").ok()?)
    }

    /// The text of a file of a process or a thread, 512 bytes at the most.
    pub(super) fn read(&mut self, pid: i32, name: &str) -> Result<&str, Errno> {
        let file = self.open(pid, name)?;
        let count = read(&file, &mut self.content)?;
        Ok(str::from_utf8(&self.content[..count]).unwrap_or_default().trim_end())
    }

    fn open(&mut self, pid: i32, name: &str) -> Result<OwnedFd, Errno> {
        self.path.clear();
        // A string takes everything.
        let _ = write!(self.path, "/proc/{pid}/{name}");
        open(self.path.as_str(), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
    }
}

/// Fills `bytes` from the memory of a process. False if it is gone, not to be looked at, or has nothing there.
pub(super) fn read_memory(pid: i32, address: u64, bytes: &mut [u8]) -> bool {
    File::open(format!("/proc/{pid}/mem")).is_ok_and(|memory| memory.read_exact_at(bytes, address).is_ok())
}

fn parse_runs(text: &str) -> Option<Runs> {
    let mut numbers = text.split(' ');
    // Time on a processor, time in line for one, and how often it had one.
    let (time, _, count) = (numbers.next()?, numbers.next()?, numbers.next()?);
    let runs = (time.parse().ok()?, count.parse().ok()?);
    // Nothing but zeros: a kernel that does not count.
    (runs != (0, 0)).then_some(runs)
}

pub(super) fn parse_syscall(text: &str) -> Option<Syscall> {
    let mut words = text.split(' ');
    let number = words.next()?.parse().ok()?;
    let mut next = || u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok();
    let mut arguments = [0; 6];
    for argument in &mut arguments {
        *argument = next()?;
    }
    Some(Syscall { number, arguments, stack: next()?, counter: next()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_call_has_six_arguments_a_stack_and_a_counter() {
        let line = "0 0x3 0x7ff3f1015000 0x20000 0x7ff3f10a8b60 0xffffffff 0x0 0x7fff97aae608 0x7ff3f11912ad";
        let call = parse_syscall(line).expect("a call");
        assert_eq!((call.number, call.arguments[0], call.arguments[2]), (0, 3, 0x20000));
        assert_eq!((call.stack, call.counter), (0x7fff97aae608, 0x7ff3f11912ad));
        for other in ["running", "-1 0x7ffe 0x7f94", "", "0 0x3", "0 3 4 5 6 7 8 9 10"] {
            assert_eq!(parse_syscall(other), None, "{other}");
        }
    }

    #[test]
    fn files_are_kept_as_far_as_descriptors_allow() {
        let me = std::process::id().cast_signed();
        let mut proc = Proc { most_kept: 2, ..Proc::new() };
        let mut files: Vec<_> = (0..3).map(|_| proc.runs_at_first(me)).collect();
        assert_eq!(files.iter().map(|(_, file)| file.is_some()).collect::<Vec<_>>(), [true, true, false]);
        assert!(files.iter().all(|(runs, _)| runs.is_some()));
        let kept = files.pop().and(files.pop()).and_then(|(_, file)| file).expect("a file");
        assert!(proc.runs_again(&kept).is_some());
        assert!(proc.runs_at_first(me).1.is_none());
        drop(kept);
        assert!(proc.runs_at_first(me).1.is_some());
        assert!(proc.runs_at_first(-1).0.is_none());
    }

    #[test]
    fn a_kernel_that_does_not_count_says_zeros() {
        assert_eq!(parse_runs("1641820 17 3"), Some((1641820, 3)));
        assert_eq!(parse_runs("0 0 1"), Some((0, 1)));
        for none in ["0 0 0", "", "1 2"] {
            assert_eq!(parse_runs(none), None, "{none}");
        }
    }
}
