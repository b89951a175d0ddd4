//! The dialect of Claude Code's `PreToolUse` hooks.

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Answer, Asked};

/// Its event, and the one of the answer.
const EVENT: &str = "PreToolUse";

/// Its tools that give a line to a shell, as the member `command` of their input.
const SHELLS: [&str; 2] = ["Bash", "Monitor"];

#[derive(Debug, Deserialize)]
struct Event {
    hook_event_name: String,
    tool_name: String,
    #[serde(default)]
    tool_input: Value,
    session_id: Option<String>,
    cwd: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Output {
    hook_specific_output: Decision,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Decision {
    hook_event_name: &'static str,
    permission_decision: &'static str,
    permission_decision_reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_input: Option<Map<String, Value>>,
}

/// What the hook prints; nothing at all is no opinion.
pub(super) fn answer(
    event: &[u8],
    judge: impl FnOnce(Asked) -> anyhow::Result<Answer>,
) -> anyhow::Result<Vec<u8>> {
    let event: Event = serde_json::from_slice(event)
        .context("expected a `PreToolUse` event of Claude Code on standard input")?;
    if event.hook_event_name != EVENT {
        bail!("`hook_event_name`: expected `{EVENT}`, saw `{}`", event.hook_event_name);
    }
    if !SHELLS.contains(&event.tool_name.as_str()) {
        return Ok(Vec::new());
    }
    let Value::Object(input) = event.tool_input else {
        bail!("`tool_input`: expected an object, saw `{}`", event.tool_input);
    };
    let line = match input.get("command") {
        Some(Value::String(line)) => line.clone(),
        // It can watch other things than the output of a command.
        None if event.tool_name == "Monitor" => return Ok(Vec::new()),
        other => {
            let seen = other.map_or_else(|| "no such member".to_owned(), |value| format!("`{value}`"));
            bail!("`tool_input.command`: expected a string, saw {seen}");
        }
    };
    let cwd = event.cwd.filter(|cwd| !cwd.is_empty()).map(Into::into);
    let (permission_decision, reason, rewritten) =
        match judge(Asked { line, cwd, session: event.session_id })? {
            Answer::NoOpinion => return Ok(Vec::new()),
            Answer::Allow { reason, rewritten } => ("allow", reason, rewritten),
            Answer::Ask { reason, rewritten } => ("ask", reason, rewritten),
            Answer::Deny { reason } => ("deny", reason, None),
        };
    // It takes the place of the whole input.
    let updated_input = rewritten.map(|line| {
        let mut input = input;
        input.insert("command".to_owned(), line.into());
        input
    });
    let mut output = serde_json::to_vec(&Output {
        hook_specific_output: Decision {
            hook_event_name: EVENT,
            permission_decision,
            permission_decision_reason: reason,
            updated_input,
        },
    })?;
    output.push(b'\n');
    Ok(output)
}
