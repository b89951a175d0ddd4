//! What a command line means, as far as the host can see through it.

use serde::Serialize;

/// What a command runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScriptInfo {
    /// Every simple command that may run, outermost first: the command itself, and what it runs, to any depth.
    pub commands: Vec<ScriptCommand>,
    /// Why something could not be seen through, a line each. If there are any, something else than `commands` may
    /// run.
    pub opaque: Vec<String>,
}

/// A program with its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScriptCommand {
    /// The words, the program's first. Empty if there are only assignments or redirects.
    pub argv: Vec<ScriptWord>,
    /// The file that the first word resolves to, links followed; left out if it is not literal, not found, or one
    /// of the shell's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// Variables that are set for this command alone, or, without words, in the shell.
    pub assignments: Vec<ScriptAssignment>,
    /// Redirections in the order written.
    pub redirects: Vec<ScriptRedirect>,
    /// 0 for the command as it was asked for, one more for each shell or wrapper around it.
    pub depth: u32,
    /// What it is run by, outermost first.
    pub via: Vec<String>,
}

/// A word after quotes are taken away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScriptWord {
    /// The text.
    pub text: String,
    /// False if the text is not what the command would see: it holds an expansion, a substitution or a pattern, as
    /// it is written.
    pub literal: bool,
}

/// A variable that is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScriptAssignment {
    /// The variable.
    pub name: String,
    /// What it is set to.
    pub value: ScriptWord,
}

/// A redirection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScriptRedirect {
    /// As it is written, without the descriptor.
    pub operator: String,
    /// The descriptor; left out where none is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub descriptor: Option<u32>,
    /// The file or descriptor; for a here-document its text.
    pub target: ScriptWord,
}
