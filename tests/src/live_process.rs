//! What /proc says about processes: who lives, below whom, with which descriptors and how much memory.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

/// A process as it was when /proc was read.
#[derive(Clone, Debug)]
pub struct LiveProcess {
    /// Its id.
    pub pid: i32,
    /// Its parent's id.
    pub parent: i32,
    /// One letter: R, S, D, Z (dead, not yet reaped) and so on.
    pub state: char,
    /// Its arguments; empty for a zombie and for threads of the kernel.
    pub argv: Vec<String>,
}

impl LiveProcess {
    /// Every process of the system.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let entries = fs::read_dir("/proc").expect("/proc is mounted");
        entries.filter_map(|entry| Self::read(entry.ok()?.file_name().to_str()?.parse().ok()?)).collect()
    }

    /// The process `pid`, if it exists.
    #[must_use]
    pub fn read(pid: i32) -> Option<Self> {
        // The name stands in parentheses and may hold anything, so the fields count from the last one.
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        let state = fields.next()?.chars().next()?;
        let parent = fields.next()?.parse().ok()?;
        let argv = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        Some(Self { pid, parent, state, argv: words(&argv) })
    }

    /// Those that have `argument` among their arguments, alone or as a part of one.
    #[must_use]
    pub fn with_argument(argument: &str) -> Vec<Self> {
        Self::all()
            .into_iter()
            .filter(|process| process.argv.iter().any(|word| word.contains(argument)))
            .collect()
    }

    /// Those that have `mark` among their arguments or in the environment that they were started with.
    #[must_use]
    pub fn with_mark(mark: &str) -> Vec<Self> {
        let marked = |process: &Self| {
            let environ = fs::read(format!("/proc/{}/environ", process.pid)).unwrap_or_default();
            process.argv.iter().any(|word| word.contains(mark))
                || words(&environ).iter().any(|word| word.contains(mark))
        };
        Self::all().into_iter().filter(marked).collect()
    }

    /// All below `root`, without itself.
    #[must_use]
    pub fn descendants_of(root: i32) -> Vec<Self> {
        let all = Self::all();
        let mut children: BTreeMap<i32, Vec<&Self>> = BTreeMap::new();
        for process in &all {
            children.entry(process.parent).or_default().push(process);
        }
        let mut found = Vec::new();
        let mut queue = vec![root];
        let mut seen = BTreeSet::new();
        while let Some(pid) = queue.pop() {
            for &child in children.get(&pid).into_iter().flatten().filter(|child| seen.insert(child.pid)) {
                found.push(child.clone());
                queue.push(child.pid);
            }
        }
        found
    }

    /// Waits until all of `processes` have ended, for as long as `limit`; gives those that have not.
    pub fn wait_gone(processes: &[Self], limit: Duration) -> Vec<Self> {
        let until = Instant::now() + limit;
        processes.iter().filter(|process| !process.ends_before(until)).cloned().collect()
    }

    /// Waits for this process to end (being reaped is not waited for), at most until then.
    #[must_use]
    pub fn ends_before(&self, until: Instant) -> bool {
        let Some(pid) = Pid::from_raw(self.pid) else { return true };
        let Ok(descriptor) = pidfd_open(pid, PidfdFlags::empty()) else { return true };
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let timeout = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) };
            match poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], Some(&timeout)) {
                Ok(0) => return false,
                Ok(_) => return true,
                Err(_) => {}
            }
        }
    }

    /// Sends a signal; a process that is gone already is fine.
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.pid) {
            let _ = kill_process(pid, signal);
        }
    }

    /// What its descriptors refer to, by number.
    #[must_use]
    pub fn descriptors(&self) -> BTreeMap<i32, String> {
        let Ok(entries) = fs::read_dir(format!("/proc/{}/fd", self.pid)) else { return BTreeMap::new() };
        entries
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let target = fs::read_link(entry.path()).ok()?;
                Some((entry.file_name().to_str()?.parse().ok()?, target.display().to_string()))
            })
            .collect()
    }

    /// Its proportional share of memory in bytes; 0 if it is gone.
    #[must_use]
    pub fn proportional_memory(&self) -> u64 {
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.pid)).unwrap_or_default();
        let pss = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
        pss.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
    }
}

impl fmt::Display for LiveProcess {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} (parent {}, {}) {}", self.pid, self.parent, self.state, self.argv.join(" "))
    }
}

/// One process a line.
#[must_use]
pub fn listing(processes: &[LiveProcess]) -> String {
    processes.iter().map(|process| format!("  {process}\n")).collect()
}

fn words(bytes: &[u8]) -> Vec<String> {
    let words = bytes.split(|&byte| byte == 0).filter(|word| !word.is_empty());
    words.map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_found_and_has_memory() {
        let own = LiveProcess::read(std::process::id() as i32).unwrap();
        assert!(own.proportional_memory() > 0);
        assert!(own.descriptors().contains_key(&0));
        assert!(LiveProcess::descendants_of(own.parent).iter().any(|process| process.pid == own.pid));
        assert!(!own.ends_before(Instant::now()));
    }
}
