//! `process/signal`, `process/terminate` and `process/release`: ending a process.

use serde::{Deserialize, Serialize};

use super::{Exit, nullable_exit};
use crate::ProcessId;
use crate::params::{self, Fault, Params, from_json};

/// Params of `process/signal`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignalParams {
    /// The process.
    pub process_id: ProcessId,
    /// `interrupt` or a POSIX name, as it was sent.
    pub signal: String,
    /// Who gets it.
    #[serde(default, deserialize_with = "params::null_is_default")]
    pub scope: Scope,
}

/// Who gets a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Scope {
    /// The command itself.
    Leader,
    /// Its process group, as a terminal's interrupt key has it.
    #[default]
    Group,
    /// The command and every descendant.
    Tree,
}

/// Params of `process/terminate`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TerminateParams {
    /// The process.
    pub process_id: ProcessId,
    /// How long the tree has between SIGTERM and SIGKILL; the host's default if there is none.
    pub grace_ms: Option<u64>,
}

/// Result of `process/terminate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TerminateResult {
    /// Whether anything was running when the request came.
    pub running: bool,
    /// How the leader ended, if it did.
    #[serde(flatten, serialize_with = "nullable_exit")]
    pub exit: Option<Exit>,
    /// What could not be stopped.
    pub survivors: Vec<u32>,
}

/// Params of `process/release`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseParams {
    /// The process.
    pub process_id: ProcessId,
}

impl Params for SignalParams {
    fn decode(text: &str) -> Result<Self, Fault> {
        from_json(text)
    }
}

impl Params for TerminateParams {
    fn decode(text: &str) -> Result<Self, Fault> {
        from_json(text)
    }
}

impl Params for ReleaseParams {
    fn decode(text: &str) -> Result<Self, Fault> {
        from_json(text)
    }
}
