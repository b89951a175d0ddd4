//! `weir serve`: a session over this process's standard streams.

use std::future::{Future, pending};
use std::io::IsTerminal;
use std::process::ExitCode;
use std::thread;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::stdio::{self, Watch};
use super::{PluginArgs, ServeArgs, host_config, raise_descriptor_limit, tell};
use crate::host::Host;
use crate::session::Gone;

pub(super) fn serve(args: &ServeArgs, plugins: &PluginArgs) -> anyhow::Result<ExitCode> {
    if std::io::stdin().is_terminal() {
        tell(
            "an exec host; reads JSON-RPC 2.0 on standard input, one object a line or with Content-Length headers, \
             and is meant to be started by an editor or an agent; waiting for `initialize` (try `weir --help`)",
        );
    }
    // Before anything is started that could inherit or use them.
    let (input, output) = stdio::take().context("cannot take the standard streams")?;
    let watch = Watch::new(output.try_clone()?);
    let host = Host::start(host_config(Some(args), plugins)?)?;
    raise_descriptor_limit();

    let (sender, lost) = oneshot::channel();
    thread::spawn(move || sender.send(watch.wait()));
    let ended = {
        let _inside = host.runtime().enter();
        let gone = first_of(lost, signals()?);
        host.serve_until(input, output, gone)
    };
    Ok(ExitCode::from(ended.exit_status()))
}

async fn first_of(lost: oneshot::Receiver<Gone>, told: impl Future<Output = Gone>) -> Gone {
    let lost = async {
        match lost.await {
            Ok(gone) => gone,
            Err(_) => pending().await,
        }
    };
    tokio::select! {
        gone = lost => gone,
        gone = told => gone,
    }
}

/// The first signal that asks this process to end.
pub(super) fn signals() -> anyhow::Result<impl Future<Output = Gone>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(async move {
        let kind = tokio::select! {
            _ = terminate.recv() => SignalKind::terminate(),
            _ = interrupt.recv() => SignalKind::interrupt(),
            _ = hang_up.recv() => SignalKind::hangup(),
        };
        Gone::Signal(kind.as_raw_value())
    })
}
