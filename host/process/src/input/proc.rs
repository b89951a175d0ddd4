//! Small files of `/proc`, read at the least cost: thousands of them a second.

use std::fmt::Write;
use std::fs::File;
use std::os::unix::fs::FileExt;

use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, read};

/// Bytes of the longest file that is read whole.
const MOST: usize = 512;

/// A reader with its buffers.
pub(super) struct Proc {
    path: String,
    content: [u8; MOST],
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
        Self { path: String::with_capacity(64), content: [0; MOST] }
    }

    /// How often a thread has run. None if it is gone, or if the kernel does not count that.
    pub(super) fn runs(&mut self, tid: i32) -> Option<Runs> {
        parse_runs(self.read(tid, "schedstat").ok()?)
    }

    /// What a thread sleeps in. None while it runs, outside of a system call, or if it is gone or not to be looked at.
    pub(super) fn syscall(&mut self, tid: i32) -> Option<Syscall> {
        parse_syscall(self.read(tid, "syscall").ok()?)
    }

    /// The text of a file of a process or a thread, 512 bytes at the most.
    pub(super) fn read(&mut self, pid: i32, name: &str) -> Result<&str, Errno> {
        self.path.clear();
        // A string takes everything.
        let _ = write!(self.path, "/proc/{pid}/{name}");
        let file = open(self.path.as_str(), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        let count = read(&file, &mut self.content)?;
        Ok(str::from_utf8(&self.content[..count]).unwrap_or_default().trim_end())
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
    fn a_kernel_that_does_not_count_says_zeros() {
        assert_eq!(parse_runs("1641820 17 3"), Some((1641820, 3)));
        assert_eq!(parse_runs("0 0 1"), Some((0, 1)));
        for none in ["0 0 0", "", "1 2"] {
            assert_eq!(parse_runs(none), None, "{none}");
        }
    }
}
