//! `environment/info` and `environment/status`: where commands run.

use std::borrow::Cow;

use serde::Serialize;

/// Where commands run. Result of `environment/info` and a part of that of `initialize`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentInfo {
    /// The user's shell.
    pub shell: Shell,
    /// The host's version.
    pub executor_version: Cow<'static, str>,
    /// The default working directory, as a `file:` URI.
    pub cwd: Option<String>,
    /// The user's home directory.
    pub user_home_dir: Option<String>,
    /// `linux`, `macos`, ...
    pub platform_os: Cow<'static, str>,
    /// Every directory for temporary files.
    pub temporary_directories: Vec<String>,
    /// The first choice for temporary files.
    pub temp_dir: Option<String>,
    /// What the client may use.
    pub capabilities: EnvironmentCapabilities,
}

/// A shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shell {
    /// `bash`, `zsh`, ...
    pub name: String,
    /// Its absolute path.
    pub path: String,
}

/// What a Codex client may use beyond the core. Everything is off by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names and their meaning are Codex's")]
pub struct EnvironmentCapabilities {
    pub network_proxy_launch: bool,
    pub capability_discovery_sandbox: bool,
    pub environment_config_read: bool,
    pub http_header_env_vars: bool,
    pub sandboxed_file_streaming: bool,
    pub shell_snapshot_v2: bool,
    pub fs_watch_missing: bool,
    pub file_write_streaming: bool,
}

/// Result of `environment/status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentStatus {
    /// Whether commands can be run.
    pub status: EnvironmentState,
}

/// Whether commands can be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum EnvironmentState {
    /// They can.
    Ready,
}
