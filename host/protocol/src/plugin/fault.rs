//! `plugin/fault`: a plugin has failed.

use serde::Serialize;

/// `plugin/fault`: a plugin has failed. Nobody has to ask for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginFault {
    /// Its configured name.
    pub plugin: String,
    /// The digest of its component, in hexadecimal digits.
    pub digest: String,
    /// What was called when it failed, as `policy.check`.
    pub hook: String,
    /// What kind of failure it is, in one stable word.
    pub kind: String,
    /// What is wrong, in words for a person.
    pub message: String,
    /// The last lines that the plugin logged before, oldest first.
    pub log: Vec<String>,
}
