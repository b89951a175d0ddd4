//! `initialize` and `shutdown`: what client and host tell each other first.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::params::{self, Fault, Params, from_json};
use crate::{EnvironmentInfo, InputWatching, LimitMechanisms, PluginKind, Verdict};

/// The version of the wire contract.
pub const PROTOCOL_VERSION: u32 = 1;

/// Params of `initialize`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InitializeParams {
    /// The client's name.
    pub client_name: String,
    /// The client's version.
    pub client_version: Option<String>,
    /// The detached session to take up.
    pub resume_session_id: Option<String>,
    /// What the client can do.
    #[serde(default, deserialize_with = "params::named_or_default")]
    pub capabilities: ClientCapabilities,
}

/// What a client can do beyond asking and reading answers. What it does not state it cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientCapabilities {
    /// Answer [`policy/ask`](crate::ClientRequest::PolicyAsk).
    #[serde(default, deserialize_with = "params::null_is_default")]
    pub ask: bool,
}

impl Params for InitializeParams {
    fn decode(text: &str) -> Result<Self, Fault> {
        from_json(text)
    }
}

/// Result of `initialize`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InitializeResult {
    /// The id under which this session can be resumed.
    pub session_id: String,
    /// [`PROTOCOL_VERSION`].
    pub protocol_version: u32,
    /// Who answers.
    pub server_info: ServerInfo,
    /// What the host can do, and within which bounds.
    pub capabilities: Capabilities,
    /// Where commands run.
    pub environment_info: EnvironmentInfo,
}

/// The host's name and version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerInfo {
    /// The program's name.
    pub name: Cow<'static, str>,
    /// The program's version.
    pub version: Cow<'static, str>,
}

/// What the host can do, and within which bounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Capabilities {
    /// Bounds on memory and time.
    pub limits: Limits,
    /// How descendants are held.
    pub containment: Containment,
    /// By which means the `limits` of a process are held on this machine.
    pub process_limits: LimitMechanisms,
    /// Whether [`process/waitingForInput`](crate::Event::WaitingForInput) is told of here.
    pub waiting_for_input: InputWatching,
    /// Loaded plugins, in the order configured.
    pub plugins: Vec<PluginInfo>,
    /// Names of views that `process/read` and `process/run` take.
    pub views: Vec<String>,
    /// What judges commands; left out where everything runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyInfo>,
    /// Names of the methods that are answered, as in [`Call::METHODS`](crate::Call::METHODS).
    pub methods: Cow<'static, [&'static str]>,
}

/// Bounds on memory and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// The size of one message from the client, without its frame.
    pub max_message_bytes: u64,
    /// Messages in one batch: [`MAX_BATCH_MESSAGES`](crate::MAX_BATCH_MESSAGES).
    pub max_batch_messages: u64,
    /// Requests that wait for their answer at once.
    pub max_requests: u64,
    /// Processes at once.
    pub max_processes: u64,
    /// How long a process is kept after it closed, in milliseconds.
    pub retention_ms: u64,
    /// Retained output of one process.
    pub max_bytes_per_process: u64,
    /// Retained chunks of one process.
    pub max_chunks_per_process: u64,
    /// Retained output of all processes.
    pub max_bytes_total: u64,
    /// What may wait for one process to read its standard input.
    pub max_stdin_bytes: u64,
    /// Output of one process on disk.
    pub max_spill_bytes_per_process: u64,
    /// Output of all processes on disk.
    pub max_spill_bytes_total: u64,
    /// The size of a file that `fs/readFile` gives.
    pub max_file_bytes: u64,
    /// What may wait to be written to files.
    pub max_file_write_bytes: u64,
    /// Files that are open at once.
    pub max_open_files: u64,
}

/// How descendants of a command are held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Containment {
    /// The name of the mechanism.
    pub backend: Cow<'static, str>,
    /// Whether a descendant that leaves its process group and session is held as well.
    pub holds_descendants: bool,
    /// Whether everything is stopped when the host dies, however it dies.
    pub stops_with_host: bool,
}

/// A loaded plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginInfo {
    /// The configured name.
    pub name: String,
    /// What it can do.
    pub kinds: Vec<PluginKind>,
    /// The digest of the component, in hexadecimal digits.
    pub sha256: String,
    /// The generation that it was loaded in.
    pub generation: u64,
}

/// What judges commands. Members that do not apply are left out on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyInfo {
    /// What becomes of a command that no policy has an opinion on.
    pub default: Verdict,
    /// The configuration: an absolute native path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_file: Option<String>,
    /// The generation of the configuration: one more with each that was taken up.
    pub generation: u64,
    /// Why nothing may run, if the configuration is broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}
