//! What policies say of a command: verdicts, decisions, `policy/check` and `policy/ask`.

mod ask;
mod check;
mod decision;
mod script;
mod verdict;

pub use ask::{AskDecision, AskParams, AskResult, AskScope};
pub use check::{OpinionEntry, OpinionFault, PatchInfo, PolicyCheckParams, PolicyCheckResult, PolicyFailure};
pub use decision::{AskedCommand, DecidedBy, Decision};
pub use script::{ScriptAssignment, ScriptCommand, ScriptInfo, ScriptRedirect, ScriptWord};
pub use verdict::{PluginVerdict, Verdict};
