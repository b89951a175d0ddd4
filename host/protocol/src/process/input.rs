//! A process that waits for input.

use serde::Serialize;

use crate::{ProcessId, Timestamp};

/// Who waits for input, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitingForInput {
    /// When it was first seen to wait.
    pub since: Timestamp,
    /// The process: the leader or another one of its tree.
    pub pid: u32,
    /// The descriptor that it waits at.
    pub descriptor: i32,
}

/// `process/waitingForInput`: a process of its tree waits for input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitingForInputEvent {
    /// The process.
    pub process_id: ProcessId,
    /// Who waits.
    #[serde(flatten)]
    pub waiting: WaitingForInput,
}

/// Whether processes that wait for input are seen on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InputWatching {
    /// Whether they are.
    pub seen: bool,
    /// Why not; left out if they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
