//! A host: everything that sessions share, and the runtime they run on.

use std::future::{Future, pending};
use std::io::{Read, Write};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tracing::debug;
use weir_process::{Cells, Spill, Store, StoreLimits};

use crate::config::HostConfig;
use crate::files::Files;
use crate::outbox::Outbox;
use crate::plugins::Plugins;
use crate::reader;
use crate::session::{Ended, Gone, Session};
use crate::view::ViewBudget;

/// Messages that wait for the session, which never waits itself: a handful covers a burst.
const INBOX: usize = 64;

/// Searches that run at once. More wait for their turn, each for a bounded time.
const SEARCHES: usize = 2;

/// How long work on files may go on when the host is dropped: a file system may never answer.
const LAST_WORK: Duration = Duration::from_millis(250);

/// An exec host. Dropping it ends every process that it has started.
#[derive(Debug)]
pub struct Host {
    /// None only while it is dropped.
    runtime: Option<Runtime>,
    shared: Arc<Shared>,
}

/// What sessions share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: HostConfig,
    pub(crate) cells: Cells,
    pub(crate) store: Arc<Store>,
    pub(crate) plugins: Plugins,
    pub(crate) views: ViewBudget,
    /// Searches that run at once: they may take all the processors that they get.
    pub(crate) searches: Semaphore,
    pub(crate) files: Files,
}

impl Host {
    /// Starts the fork server and a runtime of its own. Not to be called from inside another runtime.
    ///
    /// # Errors
    ///
    /// If the fork server's executable cannot be run, or threads cannot be made.
    pub fn start(config: HostConfig) -> anyhow::Result<Self> {
        let threads = thread::available_parallelism().map_or(2, |count| count.get().clamp(2, 8));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("weir-worker")
            .enable_all()
            .build()
            .context("cannot start the runtime")?;
        let cells = {
            let _inside = runtime.enter();
            Cells::launch(config.fork_server.clone()).with_context(|| {
                format!("cannot run the fork server `{}`", config.fork_server.program.display())
            })?
        };
        let spill = config.spill.clone().map(Spill::new);
        if let Some(spill) = spill.clone() {
            // What a killed host has left behind. Nobody waits for it.
            runtime.spawn_blocking(move || spill.sweep());
        }
        let store = Store::with_spill(StoreLimits { max_bytes: config.max_bytes_total }, spill);
        let plugins = Plugins::new(config.plugin_file.clone(), config.plugin_cache.clone());
        let views = ViewBudget::new(config.max_view_bytes);
        let searches = Semaphore::new(SEARCHES);
        let shared = Arc::new(Shared { config, cells, store, plugins, views, searches, files: Files::new() });
        if shared.plugins.file().is_some() {
            // While the client is still introducing itself. A failure is kept, and told to whoever asks.
            let shared = Arc::clone(&shared);
            runtime.spawn(async move { drop(shared.plugins.current().await) });
        }
        Ok(Self { runtime: Some(runtime), shared })
    }

    /// Serves one client until it is done: requests from `input`, responses and notifications to `output`. Blocks.
    ///
    /// The end of `input` ends the session in order: requests already received are answered, every process is
    /// stopped, output is flushed. If the session ends before the input does, the thread that reads it stays until
    /// its read returns.
    pub fn serve(&self, input: impl Read + Send + 'static, output: impl Write + Send + 'static) -> Ended {
        self.serve_until(input, output, pending())
    }

    /// As [`Host::serve`], until `gone` says that nobody is there any more: then nothing is waited for, and
    /// everything is stopped within 2 s.
    pub fn serve_until(
        &self,
        input: impl Read + Send + 'static,
        output: impl Write + Send + 'static,
        gone: impl Future<Output = Gone> + Send,
    ) -> Ended {
        let outbox = Outbox::new();
        let (sender, inbox) = mpsc::channel(INBOX);
        let max_message_bytes = self.shared.config.max_message_bytes;
        let for_reader = Arc::clone(&outbox);
        thread::spawn(move || reader::read_from(input, max_message_bytes, &for_reader, &sender));

        let (done, written) = oneshot::channel();
        let for_writer = Arc::clone(&outbox);
        thread::spawn(move || {
            let result = for_writer.write_to(output);
            if let Err(error) = &result {
                debug!(%error, "the output is gone");
            }
            // The session may not be listening any more.
            let _ = done.send(result.is_ok());
        });

        let session = Session::new(Arc::clone(&self.shared), Arc::clone(&outbox), inbox);
        self.runtime().block_on(session.run(gone, written))
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("there is a runtime until the host is dropped")
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take()
            && !self.shared.files.is_idle()
        {
            runtime.shutdown_timeout(LAST_WORK);
        }
    }
}
