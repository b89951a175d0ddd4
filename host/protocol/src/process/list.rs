//! `process/list`: every process that is retained.

use serde::Serialize;

use super::{Exit, HeldLimit, Stream, WaitingForInput, nullable_exit};
use crate::{ProcessId, json};

/// Result of `process/list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListResult {
    /// One entry a process.
    pub processes: Vec<ListEntry>,
}

/// A process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListEntry {
    /// Its id.
    pub process_id: ProcessId,
    /// The leader, once there is one.
    pub pid: Option<u32>,
    /// What really runs.
    pub argv: Vec<String>,
    /// How far it has come.
    pub state: ProcessState,
    /// How the leader ended, if it did.
    #[serde(flatten, serialize_with = "nullable_exit")]
    pub exit: Option<Exit>,
    /// Streams that have not ended.
    pub streams_open: Vec<Stream>,
    /// Living processes of its tree other than the leader.
    pub descendants: u64,
    /// Who keeps the streams open after the leader's exit; left out when it was not asked or there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holders: Vec<Holder>,
    /// Who of it waits for input; left out when nobody is seen to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_for_input: Option<WaitingForInput>,
    /// Everything that was printed so far.
    pub total_bytes: u64,
    /// How much of it is gone.
    pub dropped_bytes: u64,
    /// What was printed beside that and never retained, because a filter had failed; left out when that is nothing.
    #[serde(skip_serializing_if = "json::is_zero")]
    pub withheld_bytes: u64,
    /// The limits that it was started with, and by which means they hold; left out when there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<HeldLimit>,
    /// What the client said of it; left out when that is nothing.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "json::string_map")]
    pub metadata: Vec<(String, String)>,
}

/// How far a process has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ProcessState {
    /// Its id is reserved.
    Starting,
    /// The leader runs.
    Running,
    /// The leader has exited, but a stream is open.
    Exited,
    /// Nothing more will come.
    Closed,
}

/// A process that keeps a stream open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// What it runs.
    pub argv: Vec<String>,
    /// What it keeps open.
    pub streams: Vec<Stream>,
}
