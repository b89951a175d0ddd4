//! The dialect of Cursor's `beforeShellExecution` hooks.

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use super::{Answer, Asked};

const EVENT: &str = "beforeShellExecution";

#[derive(Debug, Deserialize)]
struct Event {
    hook_event_name: Option<String>,
    command: String,
    cwd: Option<String>,
    #[serde(default)]
    workspace_roots: Vec<String>,
    conversation_id: Option<String>,
}

/// Without a permission, Cursor's own rules apply.
#[derive(Debug, Default, Serialize)]
struct Output {
    #[serde(skip_serializing_if = "Option::is_none")]
    permission: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_message: Option<String>,
}

/// What the hook prints.
pub(super) fn answer(
    event: &[u8],
    judge: impl FnOnce(Asked) -> anyhow::Result<Answer>,
) -> anyhow::Result<Vec<u8>> {
    let event: Event = serde_json::from_slice(event)
        .context("expected a `beforeShellExecution` event of Cursor on standard input")?;
    if let Some(name) = event.hook_event_name.filter(|name| name != EVENT) {
        bail!("`hook_event_name`: expected `{EVENT}`, saw `{name}`");
    }
    // The directory is not always told.
    let cwd = event.cwd.into_iter().chain(event.workspace_roots).find(|cwd| !cwd.is_empty());
    let asked = Asked { line: event.command, cwd: cwd.map(Into::into), session: event.conversation_id };
    let output = match judge(asked)? {
        Answer::NoOpinion => Output::default(),
        // This event's answer cannot change the command.
        Answer::Allow { rewritten: Some(line), .. } | Answer::Ask { rewritten: Some(line), .. } => {
            let reason = format!("a policy wants this to be run instead: {line}");
            Output::new("deny", reason)
        }
        Answer::Allow { reason, .. } => Output::new("allow", reason),
        Answer::Ask { reason, .. } => Output::new("ask", reason),
        Answer::Deny { reason } => Output::new("deny", reason),
    };
    let mut output = serde_json::to_vec(&output)?;
    output.push(b'\n');
    Ok(output)
}

impl Output {
    fn new(permission: &'static str, reason: String) -> Self {
        Self { permission: Some(permission), user_message: Some(reason.clone()), agent_message: Some(reason) }
    }
}
