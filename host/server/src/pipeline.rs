//! The one way from a request to a running process, and the one place where a process and a plugin will meet:
//! before the spawn, between the pump and the log, and when the log is read. Every method that starts something
//! goes through [`start`].

use tracing::info;
use weir_process::{Process, StartError};

use crate::convert::StartSpec;
use crate::host::Shared;

/// Runs what was asked for. Dropping the future ends what it has started.
pub(crate) async fn start(host: &Shared, spec: StartSpec) -> Result<Process, StartError> {
    let StartSpec { command, options, .. } = spec;
    let program = command.program().to_owned();
    let process = Process::start(&host.cells, &host.store, command, options).await?;
    // The program alone: arguments may be secrets.
    info!(pid = process.pid(), program = %program.display(), "process started");
    Ok(process)
}
