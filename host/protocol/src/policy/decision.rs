//! Who decided on a command, what, and why.

use serde::Serialize;

use super::Verdict;

/// What was decided on a command. Members that do not apply are left out on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// What becomes of it.
    pub verdict: Verdict,
    /// The plugin that decided, or that asked the question which was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
    /// The plugin's rule: a stable identifier of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Why, in words for a person or a model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who decided.
    pub by: DecidedBy,
    /// The command as it was asked for; only if what runs differs from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<AskedCommand>,
    /// The generation of the plugins that were asked.
    pub generation: u64,
}

/// Who decided on a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum DecidedBy {
    /// Nobody had an opinion: the configured default.
    Default,
    /// A plugin.
    Plugin,
    /// A person who was asked.
    User,
    /// A person who was asked the same earlier in the session.
    Remembered,
}

/// A command as it was asked for, before a policy rewrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AskedCommand {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// The directory: an absolute native path.
    pub cwd: String,
}
