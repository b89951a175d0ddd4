//! Plugins: what is loaded, and what goes wrong with it.

mod fault;
mod list;
mod reload;

use serde::Serialize;

pub use fault::PluginFault;
pub use list::{DecisionCounts, PluginEntry, PluginGrants, PluginLimits, PluginListResult, ViewEntry};
pub use reload::PluginReloadResult;

/// What a plugin can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PluginKind {
    /// Judges commands before they run.
    Policy,
    /// Transforms what they print.
    Filter,
    /// Reports on what they have printed.
    Summary,
}
