//! `terminal/*`: what an agent asks of its editor in the Agent Client Protocol, version 1
//! (<https://agentclientprotocol.com/protocol/terminals>), in that protocol's own words.
//!
//! `_meta` is ignored like every member that means nothing here.

use serde::{Deserialize, Serialize};

use crate::ProcessId;
use crate::json;
use crate::params::{self, Fault, Params, clip, from_json};
use crate::process::no_nul;

/// The longest id of a session: it is kept with each of its terminals.
const MAX_SESSION_ID: usize = 1024;

/// Params of `terminal/create`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TerminalCreateParams {
    /// The session of the agent that wants it, by its own name for it.
    pub session_id: String,
    /// The program. Never empty, and no NUL bytes.
    pub command: String,
    /// Its arguments. No NUL bytes.
    #[serde(default, deserialize_with = "params::null_is_default")]
    pub args: Vec<String>,
    /// Variables beside those that are inherited. No NUL bytes; names are not empty and hold no `=`.
    #[serde(default, deserialize_with = "params::named_items")]
    pub env: Vec<EnvVariable>,
    /// The working directory as it was sent. No NUL bytes.
    pub cwd: Option<String>,
    /// How much output is given: its last bytes. What the host keeps without that if there is none.
    pub output_byte_limit: Option<u64>,
}

/// A variable of a command's environment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvVariable {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Params of the other methods of a terminal.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TerminalParams {
    /// The session that has created it.
    pub session_id: String,
    /// The terminal.
    pub terminal_id: ProcessId,
}

/// Result of `terminal/create`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TerminalCreateResult {
    /// The id of its process as well.
    pub terminal_id: ProcessId,
}

/// Result of `terminal/output`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TerminalOutputResult {
    /// The last of what it has printed, within its limit. Bytes that are no UTF-8 have become U+FFFD.
    pub output: String,
    /// Whether something is missing before that.
    pub truncated: bool,
    /// How it ended; left out as long as it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_status: Option<TerminalExitStatus>,
    /// What a client of that protocol need not know; left out when there is nothing.
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    pub meta: Option<WithheldOutput>,
}

/// Output that was never retained, because a filter had failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WithheldOutput {
    /// How much.
    #[serde(skip_serializing_if = "json::is_zero")]
    pub withheld_bytes: u64,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withheld_reason: Option<String>,
}

/// How a command ended. Result of `terminal/wait_for_exit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TerminalExitStatus {
    /// Its exit status; null if a signal ended it.
    pub exit_code: Option<u32>,
    /// The name of the signal that ended it, with `SIG`; null if none did.
    pub signal: Option<String>,
}

impl Params for TerminalCreateParams {
    fn decode(text: &str) -> Result<Self, Fault> {
        let params: Self = from_json(text)?;
        params.check()?;
        Ok(params)
    }
}

impl TerminalCreateParams {
    fn check(&self) -> Result<(), Fault> {
        if self.session_id.len() > MAX_SESSION_ID {
            let what =
                format!("expected at most {MAX_SESSION_ID} bytes, saw a string of {}", self.session_id.len());
            return Err(Fault::new("sessionId", what));
        }
        if self.command.is_empty() {
            return Err(Fault::new("command", "expected a program, saw an empty string"));
        }
        no_nul(|| "command".to_owned(), &self.command)?;
        for (index, arg) in self.args.iter().enumerate() {
            no_nul(|| format!("args[{index}]"), arg)?;
        }
        if let Some(cwd) = &self.cwd {
            no_nul(|| "cwd".to_owned(), cwd)?;
        }
        for (index, EnvVariable { name, value }) in self.env.iter().enumerate() {
            if name.is_empty() || name.contains('=') {
                let what = format!("expected a variable's name without `=`, saw `{}`", clip(name));
                return Err(Fault::new(format!("env[{index}].name"), what));
            }
            no_nul(|| format!("env[{index}].name"), name)?;
            no_nul(|| format!("env[{index}].value"), value)?;
        }
        Ok(())
    }
}

impl Params for TerminalParams {
    fn decode(text: &str) -> Result<Self, Fault> {
        from_json(text)
    }
}
