//! `process/wait`: the end of a process.

use serde::{Deserialize, Serialize};

use super::{Exit, Stream, Usage, nullable_exit};
use crate::ProcessId;
use crate::json;
use crate::params::{Fault, Params, from_json};

/// Params of `process/wait`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitParams {
    /// The process.
    pub process_id: ProcessId,
    /// What to wait for.
    pub until: Until,
    /// How long; for ever if there is none.
    pub timeout_ms: Option<u64>,
}

/// What a wait waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Until {
    /// The exit of the leader.
    Exit,
    /// The exit and the end of every stream.
    Close,
}

/// Result of `process/wait`: the state at the end of waiting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitResult {
    /// How it ended, if it did.
    #[serde(flatten, serialize_with = "nullable_exit")]
    pub exit: Option<Exit>,
    /// Whether both the exit is known and every stream has ended.
    pub closed: bool,
    /// Streams that have not ended.
    pub streams_open: Vec<Stream>,
    /// Everything that was printed so far.
    pub total_bytes: u64,
    /// How much of it is gone.
    pub dropped_bytes: u64,
    /// What was printed beside that and never retained, because a filter had failed; left out when that is nothing.
    #[serde(skip_serializing_if = "json::is_zero")]
    pub withheld_bytes: u64,
    /// Whether the time ran out before it came to what was waited for.
    pub timed_out: bool,
    /// What it used up, once it has exited.
    pub usage: Option<Usage>,
}

impl Params for WaitParams {
    fn decode(text: &str) -> Result<Self, Fault> {
        from_json(text)
    }
}
