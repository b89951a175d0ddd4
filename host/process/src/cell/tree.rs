//! Walks a tree of processes through `/proc` and signals it.
//!
//! A walk is a snapshot: processes come and go while it is made. Whoever must reach every process repeats it until
//! the kernel says that no child is left (`ECHILD`), which no descendant of a subreaper can evade.

use std::fs;
use std::path::Path;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};

/// Every descendant of `root` at some moment during the call, parents before children; `root` itself is not among
/// them. Zombies are included.
pub(crate) fn descendants(root: i32) -> Vec<i32> {
    let mut found = Vec::new();
    let mut next = 0;
    children_of(root, &mut found);
    while let Some(pid) = found.get(next).copied() {
        children_of(pid, &mut found);
        next += 1;
    }
    found
}

/// The children of `parent` at some moment during the call.
pub(crate) fn children(parent: i32) -> Vec<i32> {
    let mut found = Vec::new();
    children_of(parent, &mut found);
    found
}

/// The threads of every descendant of `root` at some moment during the call, `most` at the most, as (process, thread):
/// parents before children, and the first thread of a process before its others.
pub(crate) fn threads(root: i32, most: usize) -> Vec<(i32, i32)> {
    let (mut found, mut known, mut next) = (Vec::new(), vec![root], 0);
    // Kernels without CONFIG_PROC_CHILDREN: everybody is asked for the parent, once.
    let parents: Option<Vec<(i32, i32)>> = (!Path::new("/proc/thread-self/children").exists())
        .then(|| processes().filter_map(|pid| Some((pid, stat(pid)?.parent))).collect());
    while let Some(pid) = known.get(next).copied()
        && found.len() < most
    {
        next += 1;
        let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { continue };
        for tid in tasks.flatten().filter_map(|task| task.file_name().to_str()?.parse().ok()) {
            if pid != root {
                found.push((pid, tid));
            }
            if parents.is_none()
                && let Ok(children) = fs::read_to_string(format!("/proc/{pid}/task/{tid}/children"))
            {
                known.extend(children.split_ascii_whitespace().filter_map(|pid| pid.parse::<i32>().ok()));
            }
        }
        let children = parents.iter().flatten().filter(|(_, parent)| *parent == pid);
        known.extend(children.map(|(child, _)| *child));
    }
    found.truncate(most);
    found
}

/// Sends `signal` to each of `pids`. Returns how many got it, and the last error of those that did not; a process
/// that is gone already is no error.
pub(crate) fn signal_all(pids: &[i32], signal: Signal) -> (u32, Option<Errno>) {
    let mut delivered = 0;
    let mut last_error = None;
    for pid in pids {
        match Pid::from_raw(*pid).map_or(Err(Errno::SRCH), |pid| kill_process(pid, signal)) {
            Ok(()) => delivered += 1,
            Err(Errno::SRCH) => {}
            Err(error) => last_error = Some(error),
        }
    }
    (delivered, last_error)
}

/// What `/proc/PID/stat` tells of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) state: u8,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    /// The device of its controlling terminal, 0 if it has none.
    pub(crate) terminal: u64,
}

/// Reads `/proc/PID/stat`; none if the process is gone.
pub(crate) fn stat(pid: i32) -> Option<Stat> {
    parse_stat(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// Whether a process ignores a signal.
pub(crate) fn ignores(pid: i32, signal: Signal) -> bool {
    is_in_mask(pid, "SigIgn:", signal)
}

/// Whether a process has a handler for a signal.
pub(crate) fn catches(pid: i32, signal: Signal) -> bool {
    is_in_mask(pid, "SigCgt:", signal)
}

fn is_in_mask(pid: i32, name: &str, signal: Signal) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix(name));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal.as_raw() - 1) & 1 == 1
}

fn parse_stat(line: &[u8]) -> Option<Stat> {
    // The name stands in parentheses and may itself hold any byte: fields are counted from the last one.
    let end = line.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(line.get(end + 2..)?).ok()?;
    let mut fields = rest.split(' ');
    Some(Stat {
        state: *fields.next()?.as_bytes().first()?,
        parent: fields.next()?.parse().ok()?,
        group: fields.next()?.parse().ok()?,
        // Behind the session. The kernel prints the 32 bits of a device as a signed number.
        terminal: fields.nth(1)?.parse::<i32>().ok()?.cast_unsigned().into(),
    })
}

/// Appends the children of every thread of `pid`.
fn children_of(pid: i32, found: &mut Vec<i32>) {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return };
    for task in tasks.flatten() {
        match fs::read_to_string(task.path().join("children")) {
            Ok(list) => found.extend(list.split_ascii_whitespace().filter_map(|pid| pid.parse::<i32>().ok())),
            // Kernels without CONFIG_PROC_CHILDREN have no such file (a thread that just ended has none either).
            Err(_) if !task.path().join("children").exists() && stat(pid).is_some() => {
                return children_by_scan(pid, found);
            }
            Err(_) => {}
        }
    }
}

/// The slow way: every process of the machine whose parent is `parent`.
fn children_by_scan(parent: i32, found: &mut Vec<i32>) {
    let children = processes().filter(|pid| stat(*pid).is_some_and(|stat| stat.parent == parent));
    for child in children {
        if !found.contains(&child) {
            found.push(child);
        }
    }
}

/// Every process that `/proc` shows.
pub(crate) fn processes() -> impl Iterator<Item = i32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str().and_then(|name| name.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_blanks_does_not_shift_the_fields() {
        let line = b"42 (a) b (c) R 7 42 41 34816 -1 4194304";
        assert_eq!(parse_stat(line), Some(Stat { state: b'R', parent: 7, group: 42, terminal: 34816 }));
        assert_eq!(parse_stat(b"42 (cut"), None);
    }
}
