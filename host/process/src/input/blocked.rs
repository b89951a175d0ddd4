//! What a thread waits for: from the system call that it sleeps in to the descriptor of its command's input, if that is
//! what it waits at.
//!
//! Reading waits for nothing else. Who waits at several descriptors at once (poll, select, epoll) waits for input if
//! everything else there is a wake-up of its own: a prompt that also listens to signals does, a server that also
//! watches the keyboard does not. Time limits do not matter. What the kernel does not show is not seen: reads through
//! io_uring, processes that this user may not look into.

use std::fs;

use libc::c_long;

use super::descriptor::{Descriptors, Kind};
use super::proc::{Proc, Syscall, read_memory};
use crate::cell::tree;
use crate::streams::OtherEnd;

/// Whether the arguments of the system calls are where they are looked for.
pub(super) const ARCHITECTURE_IS_KNOWN: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));

/// The most descriptors of a set that is looked through: prompts have a handful.
const MOST: usize = 64;
/// The most descriptors that a set of bits can name.
const MOST_BITS: usize = 4096;

/// Descriptors are read from the first argument, or where it is said.
const READS: &[(c_long, usize)] = &[
    (libc::SYS_read, 0),
    (libc::SYS_readv, 0),
    (libc::SYS_pread64, 0),
    (libc::SYS_preadv, 0),
    (libc::SYS_preadv2, 0),
    (libc::SYS_splice, 0),
    (libc::SYS_tee, 0),
    (libc::SYS_sendfile, 1),
];
#[cfg(target_arch = "x86_64")]
const POLLS: &[c_long] = &[libc::SYS_poll, libc::SYS_ppoll];
#[cfg(target_arch = "x86_64")]
const SELECTS: &[c_long] = &[libc::SYS_select, libc::SYS_pselect6];
#[cfg(target_arch = "x86_64")]
const EPOLLS: &[c_long] = &[libc::SYS_epoll_wait, libc::SYS_epoll_pwait, libc::SYS_epoll_pwait2];
// Newer architectures have the newer calls alone.
#[cfg(not(target_arch = "x86_64"))]
const POLLS: &[c_long] = &[libc::SYS_ppoll];
#[cfg(not(target_arch = "x86_64"))]
const SELECTS: &[c_long] = &[libc::SYS_pselect6];
#[cfg(not(target_arch = "x86_64"))]
const EPOLLS: &[c_long] = &[libc::SYS_epoll_pwait, libc::SYS_epoll_pwait2];

/// A thread that waits for input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wait {
    pub(super) descriptor: i32,
    pub(super) call: Syscall,
}

/// What thread `tid` of process `pid` waits for, if it is `input`.
pub(super) fn wait(proc: &mut Proc, pid: i32, tid: i32, input: OtherEnd) -> Option<Wait> {
    let call = proc.syscall(tid)?;
    let number = call.number as c_long;
    let argument = |index: usize| call.arguments[index];
    let mut descriptors = Descriptors::new(pid, input);
    let descriptor = if let Some((_, place)) = READS.iter().find(|(known, _)| *known == number) {
        let descriptor = argument(*place) as i32;
        (descriptors.kind(descriptor) == Kind::Input).then_some(descriptor)
    } else if POLLS.contains(&number) {
        polled(tid, argument(0), argument(1)).and_then(|asked| asked.input(&mut descriptors))
    } else if SELECTS.contains(&number) {
        selected(tid, argument(0), [argument(1), argument(2), argument(3)])
            .and_then(|asked| asked.input(&mut descriptors))
    } else if EPOLLS.contains(&number) {
        let epoll = argument(0) as i32;
        let info = fs::read_to_string(format!("/proc/{tid}/fdinfo/{epoll}")).ok()?;
        Asked::of_epoll(&info).and_then(|asked| asked.input(&mut descriptors))
    } else {
        None
    }?;
    // Who was stopped in a call waits for whoever lets it go on.
    (tree::stat(tid)?.state == b'S').then_some(Wait { descriptor, call })
}

/// Descriptors that somebody waits at, and whether to read there.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked(Vec<(i32, bool)>);

impl Asked {
    /// The descriptor of the input, if nothing but the process itself can wake it otherwise.
    fn input(self, descriptors: &mut Descriptors) -> Option<i32> {
        let mut found = None;
        for (descriptor, reads) in self.0 {
            match descriptors.kind(descriptor) {
                Kind::Input if reads => found = found.or(Some(descriptor)),
                Kind::OwnWakeUp if reads => {}
                // Room to write is somebody else's to make.
                Kind::Input | Kind::OwnWakeUp | Kind::Other => return None,
            }
        }
        found
    }

    /// `struct pollfd`s.
    fn of_polls(bytes: &[u8]) -> Self {
        let (polls, _) = bytes.as_chunks::<8>();
        let asked = polls.iter().filter_map(|[a, b, c, d, low, high, ..]| {
            let events = i16::from_ne_bytes([*low, *high]);
            Self::one(i32::from_ne_bytes([*a, *b, *c, *d]), u32::from(events.cast_unsigned()))
        });
        Self(asked.collect())
    }

    /// The three sets of a select: to read, to write, exceptions.
    fn of_sets(sets: &[Vec<u8>; 3], count: usize) -> Option<Self> {
        let has = |set: &[u8], at: usize| set.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1);
        let [reads, others @ ..] = sets;
        let mut asked = Vec::new();
        for at in 0..count {
            let reads = has(reads, at);
            if reads || others.iter().any(|set| has(set, at)) {
                asked.push((at as i32, reads));
            }
        }
        (asked.len() <= MOST).then_some(Self(asked))
    }

    /// The `tfd:` lines of an epoll's `fdinfo`.
    fn of_epoll(info: &str) -> Option<Self> {
        let mut asked = Vec::new();
        for line in info.lines().filter_map(|line| line.strip_prefix("tfd:")) {
            let mut words = line.split_ascii_whitespace();
            let descriptor = words.next()?.parse().ok()?;
            let events = u32::from_str_radix(words.nth(1)?, 16).ok()?;
            asked.extend(Self::one(descriptor, events));
        }
        (asked.len() <= MOST).then_some(Self(asked))
    }

    /// None where nothing is asked for. Poll and epoll have the same bits.
    fn one(descriptor: i32, events: u32) -> Option<(i32, bool)> {
        const READ: u32 = (libc::POLLIN | libc::POLLRDNORM | libc::POLLPRI | libc::POLLRDBAND) as u32;
        const WRITE: u32 = (libc::POLLOUT | libc::POLLWRNORM | libc::POLLWRBAND) as u32;
        let wanted = descriptor >= 0 && events & (READ | WRITE) != 0;
        wanted.then_some((descriptor, events & READ != 0))
    }
}

fn polled(tid: i32, address: u64, count: u64) -> Option<Asked> {
    let count = usize::try_from(count).ok().filter(|count| (1..=MOST).contains(count))?;
    let mut bytes = [0; 8 * MOST];
    let bytes = &mut bytes[..8 * count];
    read_memory(tid, address, bytes).then(|| Asked::of_polls(bytes))
}

fn selected(tid: i32, count: u64, addresses: [u64; 3]) -> Option<Asked> {
    // The kernel takes an int.
    let count = usize::try_from(count as i32).ok().filter(|count| (1..=MOST_BITS).contains(count))?;
    let mut sets = [Vec::new(), Vec::new(), Vec::new()];
    for (set, address) in sets.iter_mut().zip(addresses).filter(|(_, address)| *address != 0) {
        set.resize(count.div_ceil(64) * 8, 0);
        if !read_memory(tid, address, set) {
            return None;
        }
    }
    Asked::of_sets(&sets, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poll_asks_at_what_it_names() {
        let mut bytes = Vec::new();
        for (descriptor, events) in [(0, libc::POLLIN), (-1, libc::POLLIN), (7, libc::POLLOUT), (8, 0)] {
            bytes.extend(i32::to_ne_bytes(descriptor));
            bytes.extend(i16::to_ne_bytes(events));
            bytes.extend([0, 0]);
        }
        assert_eq!(Asked::of_polls(&bytes), Asked(vec![(0, true), (7, false)]));
    }

    #[test]
    fn a_select_asks_at_the_bits_of_its_sets() {
        let sets = [vec![0b1, 0b10, 0, 0, 0, 0, 0, 0], vec![0b100, 0, 0, 0, 0, 0, 0, 0], Vec::new()];
        assert_eq!(Asked::of_sets(&sets, 10), Some(Asked(vec![(0, true), (2, false), (9, true)])));
        assert_eq!(Asked::of_sets(&sets, 9), Some(Asked(vec![(0, true), (2, false)])), "only so many count");
        let many = vec![0xff; MOST_BITS / 8];
        assert_eq!(Asked::of_sets(&[many, Vec::new(), Vec::new()], MOST_BITS), None);
    }

    #[test]
    fn an_epoll_asks_at_what_was_added_to_it() {
        let info = "pos:\t0\nflags:\t02\nmnt_id:\t15\nino:\t1055\n\
                    tfd:        0 events:       19 data:                0  pos:0 ino:5 sdev:1a\n\
                    tfd:        5 events: 80000005 data:                5  pos:0 ino:6 sdev:1a\n\
                    tfd:        6 events:        0 data:                6  pos:0 ino:6 sdev:1a\n\
                    tfd:        7 events:        4 data:                7  pos:0 ino:7 sdev:1a\n";
        assert_eq!(Asked::of_epoll(info), Some(Asked(vec![(0, true), (5, true), (7, false)])));
        assert_eq!(Asked::of_epoll("tfd: x"), None);
    }

    #[test]
    fn who_waits_at_nothing_waits_for_no_input() {
        assert_eq!(Asked::default().input(&mut Descriptors::new(1, OtherEnd::Pipe(0))), None);
    }
}
