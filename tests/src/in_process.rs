//! A session of the host's library over byte streams, in the process of the test.

use std::io::{Read, Write};

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
    // TO BE FILLED IN with `weir::Host::start(...)` and `host.serve(reader, writer)`.
    drop((reader, writer));
    anyhow::bail!("no library to serve `{options:?}` with `{fork_server}` yet")
}
