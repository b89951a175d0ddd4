//! A running host under test, and what must be true when it ends.

use std::fmt::Write as _;
use std::io::Read;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::Client;
use crate::gate::Gate;
use crate::launch::{Binaries, Launch};
use crate::live_process::{LiveProcess, listing};
use crate::process::{Process, merge};
use crate::settings;

/// How long the host's own processes may outlive it.
const HELPERS_END: Duration = Duration::from_secs(2);

/// A host and a client of it.
///
/// Dropping it closes the host's stdin and asserts: exit with the expected status within the deadline, one
/// response per request, no unclaimed error, no bad output, no process left that carries this host's mark. When
/// the test has failed already, it prints the report and kills what is left.
pub struct Host {
    client: Client,
    runtime: Mutex<Runtime>,
    mark: String,
    binaries: Binaries,
    expected_exit: Mutex<Option<i32>>,
    directory: TempDir,
    ask: bool,
    processes: AtomicUsize,
    outcome: OnceLock<Result<i32, String>>,
    finished: bool,
}

/// What runs the host.
pub(crate) enum Runtime {
    Child { child: Child, log: Arc<Mutex<Vec<u8>>>, reader: Option<JoinHandle<()>> },
    Thread { outcome: Receiver<Result<i32, String>> },
}

impl Host {
    /// The real binary over real pipes.
    #[must_use]
    pub fn binary(binaries: Binaries) -> Launch {
        Launch::new(binaries, false)
    }

    /// The library in this process, over two pipes.
    #[must_use]
    pub fn in_process(binaries: Binaries) -> Launch {
        Launch::new(binaries, true)
    }

    pub(crate) fn new(
        launch: Launch,
        mark: String,
        directory: TempDir,
        client: Client,
        runtime: Runtime,
    ) -> Self {
        let host = Self {
            client,
            runtime: Mutex::new(runtime),
            mark,
            binaries: launch.binaries,
            expected_exit: Mutex::new(launch.exit),
            directory,
            ask: launch.ask,
            processes: AtomicUsize::new(0),
            outcome: OnceLock::new(),
            finished: false,
        };
        if launch.initialize {
            host.initialize();
        }
        host
    }

    /// Shakes hands.
    #[track_caller]
    pub fn initialize(&self) -> Value {
        let params = json!({ "clientName": "weir-tests", "capabilities": { "ask": self.ask } });
        let result = self.call("initialize", params);
        self.notify("initialized", json!({}));
        result
    }

    /// Starts a process.
    #[track_caller]
    pub fn start(&self, params: Value) -> Process<'_> {
        let named = merge(json!({ "processId": self.next_id() }), params);
        Process::new(&self.client, self.call("process/start", named))
    }

    /// Starts the probe with a script: instructions separated by blanks.
    #[track_caller]
    pub fn probe(&self, script: &str) -> Process<'_> {
        self.probe_with(script, json!({}))
    }

    /// Starts the probe with a script and more params.
    #[track_caller]
    pub fn probe_with(&self, script: &str, params: Value) -> Process<'_> {
        self.start(merge(json!({ "argv": self.probe_argv(script) }), params))
    }

    /// The arguments that run the probe with a script. They carry the mark.
    #[must_use]
    pub fn probe_argv(&self, script: &str) -> Vec<String> {
        let head = [self.binaries.probe, "marker", &self.mark];
        head.into_iter().chain(script.split_whitespace()).map(str::to_owned).collect()
    }

    /// The arguments that run a shell with a script. They carry the mark.
    #[must_use]
    pub fn shell_argv(&self, script: &str) -> Vec<String> {
        ["/bin/sh", "-c", script, &self.mark].map(str::to_owned).to_vec()
    }

    /// A process id that this host has not used.
    #[must_use]
    pub fn next_id(&self) -> String {
        format!("p{}", self.processes.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// A FIFO in the directory of this host.
    #[must_use]
    pub fn gate(&self, name: &str) -> Gate {
        Gate::new(self.path(name))
    }

    /// Replaces the configuration of a host that was launched with one.
    pub fn rewrite_config(&self, text: &str) {
        let text = said(text.to_owned());
        std::fs::write(self.path(crate::launch::CONFIG), text).expect("a configuration file");
    }

    /// A path in the directory of this host, which is removed with it.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The directory of this host.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The word that marks this host and its probes.
    #[must_use]
    pub fn mark(&self) -> &str {
        &self.mark
    }

    /// The host's own pid; in process, the test's.
    #[must_use]
    pub fn pid(&self) -> i32 {
        match &*self.lock() {
            Runtime::Child { child, .. } => child.id() as i32,
            Runtime::Thread { .. } => std::process::id() as i32,
        }
    }

    /// Probes of this host that live, found by their arguments anywhere in the system.
    #[must_use]
    pub fn live_probes(&self) -> Vec<LiveProcess> {
        LiveProcess::with_argument(&self.mark)
    }

    /// What the host has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        match &*self.lock() {
            Runtime::Child { log, .. } => {
                String::from_utf8_lossy(&log.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
            }
            Runtime::Thread { .. } => String::new(),
        }
    }

    /// Ends the host and gives all that it has logged (the binary's only).
    #[must_use]
    pub fn whole_log(&self) -> String {
        self.client.close();
        // What is wrong with its end is told when it is dropped.
        let _ = self.wait_exit();
        if let Runtime::Child { reader, .. } = &mut *self.lock()
            && let Some(reader) = reader.take()
        {
            reader.join().expect("the log is read to its end");
        }
        self.log()
    }

    /// Another exit status is expected from now on; `None` for any.
    pub fn expect_exit(&self, status: Option<i32>) {
        *self.expected_exit.lock().unwrap_or_else(PoisonError::into_inner) = status;
    }

    /// Sends the host a signal (the binary's only).
    pub fn signal(&self, signal: Signal) {
        assert!(matches!(*self.lock(), Runtime::Child { .. }), "only a binary can be signalled");
        LiveProcess::read(self.pid()).expect("the host lives").signal(signal);
    }

    /// Waits for the host's end and gives its exit status; -1 for a death by signal.
    ///
    /// # Errors
    ///
    /// If it does not end within the deadline, or failed.
    pub fn wait_exit(&self) -> Result<i32, String> {
        self.outcome.get_or_init(|| self.lock().wait()).clone()
    }

    /// Ends the host as a drop does, but tells what is wrong instead of panicking.
    ///
    /// # Errors
    ///
    /// The report, if anything is wrong.
    pub fn finish(mut self) -> Result<(), String> {
        self.end()
    }

    /// Ends the host by force and gives the report: for a test that has failed without a panic.
    #[must_use]
    pub fn abandon(mut self) -> String {
        self.finished = true;
        let report = self.report();
        self.kill();
        report
    }

    /// Transcript, log and live processes, for people.
    #[must_use]
    pub fn report(&self) -> String {
        let mut report = format!("--- transcript\n{}", self.client.transcript().render());
        let _ = write!(report, "--- log of the host\n{}", self.log());
        let mut live = LiveProcess::descendants_of(self.pid());
        live.extend(LiveProcess::with_mark(&self.mark));
        live.sort_by_key(|process| process.pid);
        live.dedup_by_key(|process| process.pid);
        let _ = write!(report, "--- live processes\n{}", listing(&live));
        report
    }

    fn end(&mut self) -> Result<(), String> {
        self.finished = true;
        self.client.resume_reading();
        self.client.close();
        let mut complaints = Vec::new();
        let expected = *self.expected_exit.lock().unwrap_or_else(PoisonError::into_inner);
        match (self.wait_exit(), expected) {
            (Ok(status), Some(expected)) if status != expected => {
                complaints.push(format!("the host ended with {status}, expected {expected}"));
            }
            (Ok(_), _) => {}
            (Err(error), _) => complaints.push(error),
        }
        if let Err(missing) = self.client.try_end() {
            complaints.push(missing.to_string());
        }
        complaints.extend(self.client.complaints());
        // The host's own helpers see its end and follow; what it was asked to run must be gone before it.
        let mut survivors = self.live_probes();
        survivors.extend(LiveProcess::wait_gone(&LiveProcess::with_mark(&self.mark), HELPERS_END));
        if !survivors.is_empty() {
            complaints.push(format!("processes survive the host:\n{}", listing(&survivors)));
        }
        if complaints.is_empty() {
            return Ok(());
        }
        let report = self.report();
        self.kill();
        Err(format!("{}\n{report}", complaints.join("\n")))
    }

    fn kill(&self) {
        if let Runtime::Child { child, .. } = &mut *self.lock() {
            let _ = child.kill();
            let _ = child.wait();
        }
        for process in LiveProcess::with_mark(&self.mark) {
            process.signal(Signal::KILL);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Runtime> {
        self.runtime.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for Host {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Host {
    #[expect(clippy::print_stderr, reason = "the test runner shows a failed test's stderr")]
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("{}", self.report());
            self.client.close();
            self.kill();
        } else if !self.finished
            && let Err(report) = self.end()
        {
            panic!("{report}");
        }
    }
}

impl Runtime {
    pub(crate) fn child(child: Child, mut stderr: ChildStderr) -> Self {
        let log = Arc::new(Mutex::new(Vec::new()));
        let for_thread = Arc::clone(&log);
        let reader = thread::spawn(move || {
            let mut block = [0; 4096];
            while let Ok(count @ 1..) = stderr.read(&mut block) {
                for_thread.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&block[..count]);
            }
        });
        Self::Child { child, log, reader: Some(reader) }
    }

    pub(crate) fn thread(outcome: Receiver<Result<i32, String>>) -> Self {
        Self::Thread { outcome }
    }

    /// Waits for the end, once.
    fn wait(&mut self) -> Result<i32, String> {
        let limit = settings::deadline();
        match self {
            Self::Child { child, .. } => {
                let ended = LiveProcess::read(child.id() as i32)
                    .is_none_or(|process| process.ends_before(Instant::now() + limit));
                if !ended {
                    return Err(format!("the host has not ended within {limit:?}"));
                }
                let status = child.wait().map_err(|error| error.to_string())?;
                Ok(status.code().unwrap_or(-1))
            }
            Self::Thread { outcome } => match outcome.recv_timeout(limit) {
                Ok(outcome) => outcome,
                Err(_) => Err(format!("the session has not ended within {limit:?}")),
            },
        }
    }
}

/// No configuration in words: an empty file is none.
pub(crate) fn said(text: String) -> String {
    if text.is_empty() { "default = \"allow\"\n".to_owned() } else { text }
}
