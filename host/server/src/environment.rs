//! What the host says of itself and of the machine.

use std::borrow::Cow;
use std::env;
use std::path::Path;

use weir_protocol::{
    Call, Capabilities, Containment, EnvironmentCapabilities, EnvironmentInfo, FsCall, InitializeResult,
    Limits, MAX_BATCH_MESSAGES, PROTOCOL_VERSION, ServerInfo, Shell,
};

use crate::config::HostConfig;
use crate::convert::{self, file_uri};
use crate::files::{MAX_FILE_BYTES, MAX_OPEN_FILES, MAX_WRITE_BYTES};
use crate::host::Shared;

/// The answer to `initialize`.
pub(crate) fn introduction(shared: &Shared, session: &str) -> InitializeResult {
    let config = &shared.config;
    let (plugins, views, policy) = convert::introduced(&shared.plugins);
    InitializeResult {
        session_id: session.to_owned(),
        protocol_version: PROTOCOL_VERSION,
        server_info: ServerInfo { name: "weir".into(), version: env!("CARGO_PKG_VERSION").into() },
        capabilities: Capabilities {
            limits: Limits {
                max_message_bytes: config.max_message_bytes as u64,
                max_batch_messages: MAX_BATCH_MESSAGES as u64,
                max_requests: config.max_requests as u64,
                max_processes: config.max_processes as u64,
                retention_ms: config.retention.as_millis() as u64,
                max_bytes_per_process: config.max_bytes_per_process,
                max_chunks_per_process: config.max_chunks_per_process as u64,
                max_bytes_total: config.max_bytes_total,
                max_stdin_bytes: config.max_stdin_bytes as u64,
                max_spill_bytes_per_process: config
                    .spill
                    .as_ref()
                    .map_or(0, |spill| spill.max_bytes_per_process),
                max_spill_bytes_total: config.spill.as_ref().map_or(0, |spill| spill.max_bytes_total),
                max_file_bytes: if config.files { MAX_FILE_BYTES } else { 0 },
                max_file_write_bytes: if config.files { MAX_WRITE_BYTES } else { 0 },
                max_open_files: if config.files { MAX_OPEN_FILES as u64 } else { 0 },
            },
            containment: Containment {
                backend: "subreaper".into(),
                holds_descendants: true,
                stops_with_host: true,
            },
            process_limits: convert::limit_mechanisms(&shared.cells),
            waiting_for_input: convert::input_watching(&shared.cells),
            plugins,
            views,
            policy,
            methods: methods(config),
        },
        environment_info: info(config),
    }
}

/// The answer to `environment/info`.
pub(crate) fn info(config: &HostConfig) -> EnvironmentInfo {
    let shell = shell();
    EnvironmentInfo {
        shell: Shell {
            name: Path::new(&shell).file_name().unwrap_or_default().to_string_lossy().into_owned(),
            path: shell,
        },
        executor_version: env!("CARGO_PKG_VERSION").into(),
        cwd: env::current_dir().ok().map(|path| file_uri(&path)),
        user_home_dir: env::home_dir().map(|path| file_uri(&path)),
        platform_os: env::consts::OS.into(),
        temporary_directories: Vec::new(),
        temp_dir: Some(file_uri(&env::temp_dir())),
        capabilities: EnvironmentCapabilities {
            fs_watch_missing: config.files,
            ..EnvironmentCapabilities::default()
        },
    }
}

/// What is served.
fn methods(config: &HostConfig) -> Cow<'static, [&'static str]> {
    match config.files {
        true => Call::METHODS.into(),
        false => Call::METHODS.iter().copied().filter(|method| !method.starts_with(FsCall::PREFIX)).collect(),
    }
}

/// The user's shell, or the first usual one that is there.
fn shell() -> String {
    let usual = ["/bin/bash", "/bin/sh"].map(str::to_owned);
    let named = env::var("SHELL").ok();
    let mut shells = named.into_iter().chain(usual);
    shells
        .find(|shell| Path::new(shell).is_absolute() && Path::new(shell).exists())
        .unwrap_or("/bin/sh".to_owned())
}
