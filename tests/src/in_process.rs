//! A session of the host's library over byte streams, in the process of the test.

use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use weir::{ForkServerCommand, Host, HostConfig, SpillOptions};

use crate::launch::Binaries;

/// Serves one session until it has ended and gives the exit status that the binary would have.
///
/// `options` are those of the command line (`--retention-ms`, `25`); the host's program is run once more as its fork
/// server.
///
/// This is the only function that calls the host's library.
///
/// # Errors
///
/// If the host cannot start, or an option has no meaning in process.
pub(crate) fn serve(
    options: &[String],
    binaries: Binaries,
    reader: impl Read + Send + 'static,
    writer: impl Write + Send + 'static,
) -> anyhow::Result<i32> {
    let fork_server = ForkServerCommand { program: binaries.host.into(), args: vec!["fork-server".into()] };
    let mut config = HostConfig::new(fork_server);
    config.plugin_cache = Some(Path::new(binaries.scratch).join("weir"));
    let mut spill = SpillOptions {
        directory: Path::new(binaries.scratch).join("weir").join("spill"),
        max_bytes_per_process: 8 << 30,
        max_bytes_total: 16 << 30,
    };
    for option in options.chunks(2) {
        let [name, value] = option else {
            anyhow::bail!("expected an option and its value, saw `{option:?}`")
        };
        if name == "--config" {
            config.plugin_file = Some(value.into());
            continue;
        }
        if name == "--spill-dir" {
            spill.directory = value.into();
            continue;
        }
        let value: u64 =
            value.parse().with_context(|| format!("`{name}`: expected a number, saw `{value}`"))?;
        match name.as_str() {
            "--retention-ms" => config.retention = Duration::from_millis(value),
            "--max-process-bytes" => config.max_bytes_per_process = value,
            "--max-total-bytes" => config.max_bytes_total = value,
            "--max-process-spill-bytes" => spill.max_bytes_per_process = value,
            "--max-total-spill-bytes" => spill.max_bytes_total = value,
            "--max-message-bytes" => config.max_message_bytes = usize::try_from(value)?,
            _ => anyhow::bail!("expected an option that has a meaning in process, saw `{name}`"),
        }
    }
    config.spill = Some(spill);
    Ok(Host::start(config)?.serve(reader, writer).exit_status().into())
}
