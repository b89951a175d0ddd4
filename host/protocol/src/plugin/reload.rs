//! `plugin/reload`: reading the configuration anew.

use serde::Serialize;

/// Result of `plugin/reload`: what holds for every command from now on.
///
/// Where something is wrong with the new configuration the request fails with
/// [`PolicyFailed`](crate::ErrorKind::PolicyFailed), `cause` says what, and the generation before stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginReloadResult {
    /// The new generation.
    pub generation: u64,
    /// How many plugins it has.
    pub plugins: usize,
}
