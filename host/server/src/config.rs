//! What a host is started with.

use std::path::PathBuf;
use std::time::Duration;

use weir_process::{ForkServerCommand, SpillOptions};

/// Settings of a host. [`HostConfig::new`] gives the defaults; the members are stated to every client as
/// `capabilities.limits`.
#[derive(Debug, Clone)]
pub struct HostConfig {
    /// How to run the fork server.
    pub fork_server: ForkServerCommand,
    /// The configuration file of the plugins. None: no plugins, every command is allowed.
    pub plugin_file: Option<PathBuf>,
    /// Where compiled plugins are kept, so that they need not be compiled again; a directory of this user's alone.
    pub plugin_cache: Option<PathBuf>,
    /// The largest message that is read, in bytes.
    pub max_message_bytes: usize,
    /// How many processes may be starting or open at once.
    pub max_processes: usize,
    /// How many requests may be waiting for their answer at once.
    pub max_requests: usize,
    /// How long a process is remembered after its close.
    pub retention: Duration,
    /// The most output that is retained of one process, in bytes, unless the client asks for less or more.
    pub max_bytes_per_process: u64,
    /// The most chunks that are retained of one process.
    pub max_chunks_per_process: usize,
    /// The most output that is retained of all processes together, in bytes.
    pub max_bytes_total: u64,
    /// The most that is kept of all views, in bytes, so that they need not be computed again.
    pub max_view_bytes: u64,
    /// Where output goes that is to be kept on disk. None: no process can ask for that.
    pub spill: Option<SpillOptions>,
    /// Whether `fs/*` is served.
    pub files: bool,
    /// The most that may wait for one process to read its standard input, in bytes.
    pub max_stdin_bytes: usize,
    /// How long a process is held back for a client that takes nothing of its output, before output that was not
    /// pushed yet may be dropped.
    pub hold: Duration,
    /// Between SIGTERM and SIGKILL, unless the client says otherwise.
    pub grace: Duration,
    /// The same when the client is gone: everything has to be stopped within 2 s then.
    pub lost_client_grace: Duration,
}

impl HostConfig {
    /// The defaults, with this fork server.
    pub fn new(fork_server: ForkServerCommand) -> Self {
        Self {
            fork_server,
            plugin_file: None,
            plugin_cache: None,
            max_message_bytes: 16 << 20,
            max_processes: 10_000,
            max_requests: 16_384,
            retention: Duration::from_secs(30),
            max_bytes_per_process: 16 << 20,
            max_chunks_per_process: 50_000,
            max_bytes_total: 256 << 20,
            max_view_bytes: 64 << 20,
            spill: None,
            files: true,
            max_stdin_bytes: 16 << 20,
            hold: Duration::from_millis(100),
            grace: weir_process::DEFAULT_GRACE,
            lost_client_grace: Duration::from_millis(500),
        }
    }
}
