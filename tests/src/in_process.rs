//! A session of the host's library over byte streams, in the process of the test.

use std::io::{Read, Write};
use std::time::Duration;

use anyhow::Context;
use weir::{ForkServerCommand, Host, HostConfig};

/// Serves one session until it has ended and gives the exit status that the binary would have.
///
/// `options` are those of the command line (`--retention-ms`, `25`), `fork_server` is the program that the host
/// runs once more as its fork server.
///
/// This is the only function that calls the host's library.
///
/// # Errors
///
/// If the host cannot start, or an option has no meaning in process.
pub(crate) fn serve(
    options: &[String],
    fork_server: &str,
    reader: impl Read + Send + 'static,
    writer: impl Write + Send + 'static,
) -> anyhow::Result<i32> {
    let fork_server = ForkServerCommand { program: fork_server.into(), args: vec!["fork-server".into()] };
    let mut config = HostConfig::new(fork_server);
    for option in options.chunks(2) {
        let [name, value] = option else {
            anyhow::bail!("expected an option and its value, saw `{option:?}`")
        };
        let value: u64 =
            value.parse().with_context(|| format!("`{name}`: expected a number, saw `{value}`"))?;
        match name.as_str() {
            "--retention-ms" => config.retention = Duration::from_millis(value),
            "--max-process-bytes" => config.max_bytes_per_process = value,
            "--max-total-bytes" => config.max_bytes_total = value,
            "--max-message-bytes" => config.max_message_bytes = usize::try_from(value)?,
            _ => anyhow::bail!("expected an option that has a meaning in process, saw `{name}`"),
        }
    }
    Ok(Host::start(config)?.serve(reader, writer).exit_status().into())
}
