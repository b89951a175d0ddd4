//! `policy/ask`: a question to the client's person, whether a command may run.

use serde::{Deserialize, Serialize};

use crate::params::{self, Fault, Params, from_json};
use crate::{ErrorObject, Opaque, ProcessId};

/// Params of `policy/ask`, a request to the client. Members that do not apply are left out on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AskParams {
    /// The process that would run it; none if nothing is run, as for `policy/check`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process_id: Option<ProcessId>,
    /// What would run: rewritten, if a policy has done that.
    pub argv: Vec<String>,
    /// The directory that it would run in: an absolute native path.
    pub cwd: String,
    /// The plugin that wants to know; none if it is the configured default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
    /// The plugin's rule: a stable identifier of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The question, in words for a person.
    pub question: String,
    /// What may be decided.
    pub choices: Vec<AskDecision>,
    /// How long the host waits for the answer, in milliseconds. Afterwards the command does not run, and the
    /// question is withdrawn with [`Event::CancelRequest`](crate::Event::CancelRequest).
    pub timeout_ms: u64,
}

/// The client's answer to `policy/ask`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AskResult {
    /// What the person decided.
    #[serde(deserialize_with = "params::word")]
    pub decision: AskDecision,
    /// How far that reaches.
    #[serde(default, deserialize_with = "params::word_or_default")]
    pub scope: AskScope,
    /// Why, in the person's words.
    pub reason: Option<String>,
}

/// What a person decides on a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AskDecision {
    /// It may run.
    Allow,
    /// It must not run.
    Deny,
}

/// How far a person's decision reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AskScope {
    /// For this command, now.
    #[default]
    Once,
    /// For exactly this question, until the session ends.
    Session,
}

impl AskDecision {
    /// Both.
    pub const ALL: &[Self] = &[Self::Allow, Self::Deny];
}

impl AskResult {
    /// Takes the result of a response apart. Unknown members are ignored.
    ///
    /// # Errors
    ///
    /// [`InvalidParams`](crate::ErrorKind::InvalidParams), with the member at fault. The client is not told, since a
    /// response is not answered: it is for the log, and the command must not run.
    pub fn decode(result: &Opaque) -> Result<Self, ErrorObject> {
        <Self as Params>::decode(result.as_str()).map_err(|fault| fault.into_error("policy/ask"))
    }
}

impl Params for AskResult {
    fn decode(text: &str) -> Result<Self, Fault> {
        from_json(text)
    }
}
