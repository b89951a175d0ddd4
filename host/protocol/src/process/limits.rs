//! Limits on a process: their names on the wire, and by which means they are held.

use serde::Serialize;

/// Something that a process can be limited in: a member of [`ProcessLimits`](super::ProcessLimits).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Limit {
    /// Memory.
    MemoryBytes,
    /// Time on a processor.
    CpuSeconds,
    /// Open descriptors.
    OpenFiles,
    /// The size of a file it writes.
    FileBytes,
    /// Processes.
    Processes,
}

/// Who counts what a limit is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Mechanism {
    /// A control group: the whole tree together.
    Cgroup,
    /// Each process of the tree by itself.
    Process,
    /// All processes of the user together.
    User,
    /// Nobody: asking for it is refused.
    None,
}

/// A limit that holds for a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldLimit {
    /// What is limited.
    pub limit: Limit,
    /// To what.
    pub value: u64,
    /// By which means.
    pub by: Mechanism,
}

/// By which means each limit is held on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LimitMechanisms {
    /// For `memoryBytes`.
    pub memory_bytes: Mechanism,
    /// For `cpuSeconds`.
    pub cpu_seconds: Mechanism,
    /// For `openFiles`.
    pub open_files: Mechanism,
    /// For `fileBytes`.
    pub file_bytes: Mechanism,
    /// For `processes`.
    pub processes: Mechanism,
}

impl Limit {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MemoryBytes => "memoryBytes",
            Self::CpuSeconds => "cpuSeconds",
            Self::OpenFiles => "openFiles",
            Self::FileBytes => "fileBytes",
            Self::Processes => "processes",
        }
    }
}
