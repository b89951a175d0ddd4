//! Limits of the kernel's on a command: what can be asked for, and by which means it is held.
//!
//! Two means: a control group, which counts a whole tree, where one can be made; and the limits of `setrlimit`, which
//! every process of the tree inherits and which count each by itself (or, for the number of processes, all of a user).

use std::fs;
use std::io;

use crate::cell::frame::{GroupPlan, ResourceLimit};
use crate::cgroup::{Cgroups, Controller};

/// Something that a command can be limited in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Memory, in bytes. Over it the kernel kills a process (control group: the largest of the tree, or all of it), or
    /// refuses more address space.
    Memory = 0,
    /// Time on a processor, in seconds. SIGXCPU, and SIGKILL a second later.
    Cpu = 1,
    /// Open descriptors. Over it opening fails.
    OpenFiles = 2,
    /// The size of a file that is written, in bytes. SIGXFSZ, or, where that is ignored, writing fails.
    FileSize = 3,
    /// Processes and threads. Over it making one fails.
    Processes = 4,
}

/// What a command is limited to; none: no limit of the host's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// [`Limit::Memory`].
    pub memory_bytes: Option<u64>,
    /// [`Limit::Cpu`].
    pub cpu_seconds: Option<u64>,
    /// [`Limit::OpenFiles`].
    pub open_files: Option<u64>,
    /// [`Limit::FileSize`].
    pub file_bytes: Option<u64>,
    /// [`Limit::Processes`].
    pub processes: Option<u64>,
}

/// Who counts what a limit is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mechanism {
    /// A control group: the whole tree together.
    Cgroup,
    /// Each process of the tree by itself.
    Process,
    /// All processes of the user together. What the user has besides is added to the limit when the command starts.
    User,
}

/// A limit that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldLimit {
    /// What is limited.
    pub limit: Limit,
    /// To what.
    pub value: u64,
    /// By which means.
    pub by: Mechanism,
}

/// What a command's limits come to.
#[derive(Debug, Default)]
pub(crate) struct Enforcement {
    pub(crate) resources: Vec<ResourceLimit>,
    pub(crate) groups: Vec<GroupPlan>,
    pub(crate) held: Vec<HeldLimit>,
}

/// A limit that nothing on this machine can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotHeld(pub(crate) Limit);

impl Limit {
    /// Every limit there is.
    pub const ALL: [Self; 5] = [Self::Memory, Self::Cpu, Self::OpenFiles, Self::FileSize, Self::Processes];

    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|limit| *limit as u8 == byte)
    }

    /// By which means it is held on this machine; none: not at all.
    pub(crate) fn mechanism(self, cgroups: &Cgroups) -> Option<Mechanism> {
        match self {
            Self::Memory if cgroups.has(Controller::Memory) => Some(Mechanism::Cgroup),
            Self::Processes if cgroups.has(Controller::Pids) => Some(Mechanism::Cgroup),
            // The kernel does not count the processes of who may do anything.
            Self::Processes if is_privileged() => None,
            Self::Processes => Some(Mechanism::User),
            Self::Memory | Self::Cpu | Self::OpenFiles | Self::FileSize => Some(Mechanism::Process),
        }
    }

    fn resource(self) -> libc::c_int {
        let resource = match self {
            Self::Memory => libc::RLIMIT_AS,
            Self::Cpu => libc::RLIMIT_CPU,
            Self::OpenFiles => libc::RLIMIT_NOFILE,
            Self::FileSize => libc::RLIMIT_FSIZE,
            Self::Processes => libc::RLIMIT_NPROC,
        };
        resource as libc::c_int
    }
}

impl Limits {
    /// The limit of one kind.
    pub fn get(&self, limit: Limit) -> Option<u64> {
        match limit {
            Limit::Memory => self.memory_bytes,
            Limit::Cpu => self.cpu_seconds,
            Limit::OpenFiles => self.open_files,
            Limit::FileSize => self.file_bytes,
            Limit::Processes => self.processes,
        }
    }

    /// How they are held on this machine. May read `/proc`: blocks.
    pub(crate) fn enforcement(&self, cgroups: &Cgroups) -> Result<Enforcement, NotHeld> {
        let mut plan = Enforcement::default();
        let mut grouped = Vec::new();
        for limit in Limit::ALL {
            let Some(value) = self.get(limit) else { continue };
            let by = limit.mechanism(cgroups).ok_or(NotHeld(limit))?;
            plan.held.push(HeldLimit { limit, value, by });
            let most = match (limit, by) {
                (_, Mechanism::Cgroup) => {
                    grouped.push((limit, value));
                    continue;
                }
                (_, Mechanism::User) => value.saturating_add(processes_of_user()),
                (_, Mechanism::Process) => value,
            };
            // Who does not end for SIGXCPU is killed a second later.
            let hard = if limit == Limit::Cpu { most.saturating_add(1) } else { most };
            plan.resources.push(ResourceLimit { limit, resource: limit.resource(), soft: most, hard });
        }
        plan.groups = cgroups.plan(&grouped);
        Ok(plan)
    }
}

/// Whether the kernel lets this process make more processes than its user may have.
fn is_privileged() -> bool {
    const CAP_SYS_ADMIN: u32 = 21;
    const CAP_SYS_RESOURCE: u32 = 24;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let effective = effective.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    rustix::process::getuid().is_root() || effective & (1 << CAP_SYS_ADMIN | 1 << CAP_SYS_RESOURCE) != 0
}

/// Processes and threads that the user of this process has at this moment.
fn processes_of_user() -> u64 {
    let own = rustix::process::getuid().as_raw().to_string();
    let threads = |pid: i32| -> io::Result<Option<u64>> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next())
        };
        let is_own = field("Uid:") == Some(own.as_str());
        Ok(field("Threads:").filter(|_| is_own).and_then(|count| count.parse().ok()))
    };
    // Who has just ended counts no more.
    crate::cell::tree::processes().filter_map(|pid| threads(pid).ok().flatten()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_group_holds_is_held_for_each_process() {
        let limits = Limits { memory_bytes: Some(1 << 30), cpu_seconds: Some(5), ..Limits::default() };
        let plan = limits.enforcement(&Cgroups::none()).unwrap();
        assert!(plan.groups.is_empty());
        let held: Vec<_> = plan.held.iter().map(|held| (held.limit, held.value, held.by)).collect();
        assert_eq!(held, [(Limit::Memory, 1 << 30, Mechanism::Process), (Limit::Cpu, 5, Mechanism::Process)]);
        let set: Vec<_> = plan.resources.iter().map(|limit| (limit.soft, limit.hard)).collect();
        assert_eq!(set, [(1 << 30, 1 << 30), (5, 6)]);
    }

    #[test]
    fn this_user_has_this_process() {
        assert!(processes_of_user() > 0);
    }
}
