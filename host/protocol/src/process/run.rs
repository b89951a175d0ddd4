//! `process/run`: start, wait for the close, return everything.

use serde::{Deserialize, Serialize};

use super::start::not_zero;
use super::{Exit, SandboxType, StartParams, Stream, Usage, nullable_exit};
use crate::json;
use crate::output_data::write_invalid_bytes;
use crate::params::{Fault, Params, from_json};
use crate::{Decision, OutputData, ProcessId};

/// Params of `process/run`.
#[derive(Debug, Clone, PartialEq)]
pub struct RunParams {
    /// What to run.
    pub start: StartParams,
    /// How much output to return; the host's default if there is none. Never zero.
    pub max_output_bytes: Option<u64>,
    /// The name of the view to return output through; none returns what is retained as it is.
    pub view: Option<String>,
}

/// Result of `process/run`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunResult {
    /// The id, chosen by the client or made by the host.
    pub process_id: ProcessId,
    /// The leader.
    pub pid: u32,
    /// What really ran.
    pub argv: Vec<String>,
    /// The sandbox it ran in.
    pub sandbox_type: SandboxType,
    /// What it printed to stdout, or to its terminal. On the wire a string in the encoding asked for.
    pub stdout: OutputData,
    /// What it printed to stderr.
    pub stderr: OutputData,
    /// How it ended, if it did.
    pub exit: Option<Exit>,
    /// Whether both the exit is known and every stream has ended.
    pub closed: bool,
    /// Everything that was printed.
    pub total_bytes: u64,
    /// How much of it is not returned.
    pub dropped_bytes: u64,
    /// What was printed beside that and never retained, because a filter had failed; left out when that is nothing.
    pub withheld_bytes: u64,
    /// Why something was withheld; left out when nothing was.
    pub withheld_reason: Option<String>,
    /// What it used up.
    pub usage: Option<Usage>,
    /// Where something is missing.
    pub cuts: Vec<Cut>,
    /// The view that output went through, if one was asked for.
    pub view: Option<String>,
    /// Filters of the view that failed and were passed over, in the view's order; left out when there are none.
    pub passed_over: Vec<String>,
    /// What policies decided on it; none where there is no policy.
    pub decision: Option<Decision>,
}

/// A place in returned output where something is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cut {
    /// The stream it is missing from.
    pub stream: Stream,
    /// The place, in bytes of what is returned, before any encoding.
    pub at_byte: u64,
    /// How much is missing.
    pub bytes: u64,
}

impl Params for RunParams {
    fn decode(text: &str) -> Result<Self, Fault> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Own {
            max_output_bytes: Option<u64>,
            view: Option<String>,
        }

        let start = StartParams::decode(text)?;
        let Own { max_output_bytes, view } = from_json(text)?;
        not_zero("maxOutputBytes", max_output_bytes)?;
        Ok(Self { start, max_output_bytes, view })
    }
}

impl RunResult {
    /// Appends the result as JSON. By hand: output goes straight from the retained bytes into the message.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"stdout\":");
        let invalid_stdout = self.stdout.write_string(out);
        out.extend_from_slice(b",\"stderr\":");
        let invalid_stderr = self.stderr.write_string(out);
        write_invalid_bytes(out, invalid_stdout + invalid_stderr);
        json::write_members(
            out,
            &Rest {
                process_id: &self.process_id,
                pid: self.pid,
                argv: &self.argv,
                sandbox_type: self.sandbox_type,
                exit: &self.exit,
                closed: self.closed,
                total_bytes: self.total_bytes,
                dropped_bytes: self.dropped_bytes,
                withheld_bytes: self.withheld_bytes,
                withheld_reason: self.withheld_reason.as_deref(),
                usage: self.usage,
                cuts: &self.cuts,
                view: self.view.as_deref(),
                passed_over: &self.passed_over,
                decision: self.decision.as_ref(),
            },
        );
        out.push(b'}');
    }
}

/// Everything but the output.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rest<'a> {
    process_id: &'a ProcessId,
    pid: u32,
    argv: &'a [String],
    sandbox_type: SandboxType,
    #[serde(flatten, serialize_with = "nullable_exit")]
    exit: &'a Option<Exit>,
    closed: bool,
    total_bytes: u64,
    dropped_bytes: u64,
    #[serde(skip_serializing_if = "json::is_zero")]
    withheld_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    withheld_reason: Option<&'a str>,
    usage: Option<Usage>,
    cuts: &'a [Cut],
    #[serde(skip_serializing_if = "Option::is_none")]
    view: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    passed_over: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<&'a Decision>,
}
