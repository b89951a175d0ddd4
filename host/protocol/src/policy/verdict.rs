//! What may become of a command.

use serde::Serialize;

/// What becomes of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// It runs.
    Allow,
    /// It does not run.
    Deny,
    /// A person has to decide. Where nobody can be asked it does not run.
    Ask,
}

/// What one plugin says of a command. Over all of them deny beats ask, ask beats allow, allow beats pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PluginVerdict {
    /// No opinion.
    Pass,
    /// It may run, unless another plugin is stricter.
    Allow,
    /// It must not run.
    Deny,
    /// A person has to decide.
    Ask,
}
