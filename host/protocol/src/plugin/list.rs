//! `plugin/list`: what is loaded, with its figures.

use serde::Serialize;

use super::PluginKind;
use crate::Verdict;

/// Result of `plugin/list`. Members that do not apply are left out on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginListResult {
    /// The generation of the configuration: one more with each that was taken up.
    pub generation: u64,
    /// The file that it came from: an absolute native path. None without a configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_file: Option<String>,
    /// Why nothing may run, if the configuration is broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// What becomes of a command that no policy has an opinion on.
    pub default: Verdict,
    /// What was decided since the host's start.
    pub decisions: DecisionCounts,
    /// Commands that were started since the host's start.
    pub spawns: u64,
    /// The plugins, in the order configured.
    pub plugins: Vec<PluginEntry>,
    /// The views, in the order configured.
    pub views: Vec<ViewEntry>,
}

/// How often what was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DecisionCounts {
    /// The command could run.
    pub allowed: u64,
    /// It could not, because of a verdict or an answer.
    pub denied: u64,
    /// It could not, because a policy failed.
    pub failed: u64,
    /// Questions that were put to a person, however they were answered.
    pub asked: u64,
}

/// A loaded plugin. The figures count from its loading in this generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginEntry {
    /// The configured name.
    pub name: String,
    /// What it can do.
    pub kinds: Vec<PluginKind>,
    /// The version of `weir:plugin` that it was written against; left out if it names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The digest of the component, in hexadecimal digits.
    pub sha256: String,
    /// Where the component came from: an absolute native path, or `builtin:` and a name.
    pub source: String,
    /// The generation that it was loaded in.
    pub generation: u64,
    /// Whether it filters output before that is retained.
    pub ingest: bool,
    /// Whether it has failed too often and is not called any more.
    pub switched_off: bool,
    /// What it may see beyond what it is called with.
    pub grants: PluginGrants,
    /// What one call may take.
    pub limits: PluginLimits,
    /// Calls, those that failed included.
    pub calls: u64,
    /// Calls that failed.
    pub faults: u64,
    /// Half of the calls took at most so long, in microseconds; 0 before the first.
    pub p50_us: u64,
    /// 99 of 100 calls took at most so long, in microseconds; 0 before the first.
    pub p99_us: u64,
    /// Output that it was given.
    pub bytes_in: u64,
    /// Output that it gave.
    pub bytes_out: u64,
    /// Secrets that it has masked.
    pub masked: u64,
}

/// What a plugin may see beyond what it is called with.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginGrants {
    /// Names of variables.
    pub env: Vec<String>,
    /// Files and directories: absolute native paths.
    pub read: Vec<String>,
}

/// What one call of a plugin may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginLimits {
    /// Time of any call but those below, in milliseconds.
    pub time_ms: u64,
    /// Time of `init`.
    pub init_time_ms: u64,
    /// Time of a summary.
    pub summary_time_ms: u64,
    /// Memory of an instance.
    pub memory_bytes: u64,
    /// What it may give.
    pub output_bytes: u64,
    /// Size of the component.
    pub component_bytes: u64,
}

/// A view: a named chain of filters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ViewEntry {
    /// The name that `process/read` takes.
    pub name: String,
    /// Names of plugins, in the order in which output goes through them.
    pub filters: Vec<String>,
}
