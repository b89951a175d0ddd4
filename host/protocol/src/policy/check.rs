//! `policy/check`: the decision on a command, without running it.

use serde::{Deserialize, Serialize};

use super::{Decision, PluginVerdict, ScriptInfo, Verdict};
use crate::StartParams;
use crate::json;
use crate::params::{self, Fault, Params, from_json};

/// Params of `policy/check`.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyCheckParams {
    /// What would be run: every param of `process/start`, checked as that does.
    pub start: StartParams,
    /// Whether the result says how the decision came about.
    pub explain: bool,
}

/// Result of `policy/check`. Members that do not apply are left out on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyCheckResult {
    /// What would become of the command. The same as the decision's.
    pub verdict: Verdict,
    /// What would run: rewritten, if a policy does that.
    pub argv: Vec<String>,
    /// The directory that it would run in: an absolute native path.
    pub cwd: String,
    /// Who decided, and why.
    pub decision: Decision,
    /// Why there is no proper decision; then the command would be answered `policyFailed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<PolicyFailure>,
    /// What each policy said, in the order in which they were asked. Only with `explain`, and then even if there
    /// are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opinions: Option<Vec<OpinionEntry>>,
    /// What the host saw in the command, as the policies were shown it. Only with `explain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script: Option<ScriptInfo>,
}

/// Why policies could not decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyFailure {
    /// The plugin that failed; none if it is the configuration that is broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
    /// What kind of failure it is, in one stable word. The same as `cause` of the error `policyFailed`.
    pub cause: String,
    /// What is wrong, in words for a person.
    pub message: String,
}

/// What one policy said. Members that do not apply are left out on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OpinionEntry {
    /// The plugin.
    pub plugin: String,
    /// 1 for the command as it was asked for, 2 for the final look at the rewritten one.
    pub pass: u8,
    /// What it said; none if it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<PluginVerdict>,
    /// Its rule: a stable identifier of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Why, in words for a person or a model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How long it took, by the monotonic clock, in microseconds.
    pub time_us: u64,
    /// How it rewrote the command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch: Option<PatchInfo>,
    /// How it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<OpinionFault>,
    /// What else it said: an object on the wire, where of several with one name the last counts.
    #[serde(serialize_with = "json::string_map")]
    pub notes: Vec<(String, String)>,
}

/// How a policy rewrote a command. What stays as it is is left out on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PatchInfo {
    /// The new program and arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub argv: Option<Vec<String>>,
    /// The new directory: an absolute native path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// Variables that are set, in this order, after `env_unset`: arrays of name and value on the wire.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env_set: Vec<(String, String)>,
    /// Names of variables that are taken away.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env_unset: Vec<String>,
}

/// How a policy failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OpinionFault {
    /// What kind of failure it is, in one stable word.
    pub kind: String,
    /// What is wrong, in words for a person.
    pub message: String,
}

impl Params for PolicyCheckParams {
    fn decode(text: &str) -> Result<Self, Fault> {
        #[derive(Deserialize)]
        struct Own {
            #[serde(default, deserialize_with = "params::null_is_default")]
            explain: bool,
        }

        let start = StartParams::decode(text)?;
        let Own { explain } = from_json(text)?;
        Ok(Self { start, explain })
    }
}
