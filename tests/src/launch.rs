//! How a host is started: which one, with what options.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use crate::client::Client;
use crate::framing::Framing;
use crate::host::{Host, Runtime};
use crate::in_process;
use crate::settings;

/// Where this package's programs are. Made by `binaries!()`, in the tests and benches that Cargo builds them for.
#[derive(Clone, Copy, Debug)]
pub struct Binaries {
    /// The host.
    pub host: &'static str,
    /// The scripted child.
    pub probe: &'static str,
    /// Where tests may leave what is worth keeping, as compiled plugins.
    pub scratch: &'static str,
}

/// A host that is to be started. Every part has a default.
#[derive(Clone, Debug)]
pub struct Launch {
    pub(crate) binaries: Binaries,
    pub(crate) initialize: bool,
    pub(crate) exit: Option<i32>,
    in_process: bool,
    options: Vec<String>,
    env: Vec<(String, Option<String>)>,
    cwd: Option<PathBuf>,
    framing: Framing,
    through: Vec<String>,
    config: Option<String>,
    pub(crate) ask: bool,
}

impl Launch {
    pub(crate) fn new(binaries: Binaries, in_process: bool) -> Self {
        Self {
            binaries,
            initialize: true,
            exit: Some(0),
            in_process,
            options: Vec::new(),
            env: Vec::new(),
            cwd: None,
            framing: Framing::Lines,
            through: Vec::new(),
            config: None,
            ask: false,
        }
    }

    /// What stands in the host's configuration file. Without this there is none, whatever the user has.
    #[must_use]
    pub fn config(mut self, text: impl Into<String>) -> Self {
        self.config = Some(crate::host::said(text.into()));
        self
    }

    /// The client says that it can be asked.
    #[must_use]
    pub fn asking(mut self) -> Self {
        self.ask = true;
        self
    }

    /// Adds words to the host's command line.
    #[must_use]
    pub fn options<I: IntoIterator<Item: Into<String>>>(mut self, words: I) -> Self {
        self.options.extend(words.into_iter().map(Into::into));
        self
    }

    /// Sets a variable in the host's environment (the binary's only).
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), Some(value.to_owned())));
        self
    }

    /// Removes a variable from the host's environment (the binary's only).
    #[must_use]
    pub fn without_env(mut self, name: &str) -> Self {
        self.env.push((name.to_owned(), None));
        self
    }

    /// The host's working directory (the binary's only).
    #[must_use]
    pub fn cwd(mut self, path: impl Into<PathBuf>) -> Self {
        self.cwd = Some(path.into());
        self
    }

    /// A program that starts the host, with its arguments: the host's command line comes behind them. It has to become
    /// the host (the binary's only).
    #[must_use]
    pub fn through<I: IntoIterator<Item: Into<String>>>(mut self, words: I) -> Self {
        self.through = words.into_iter().map(Into::into).collect();
        self
    }

    /// The framing that the client uses.
    #[must_use]
    pub fn framing(mut self, framing: Framing) -> Self {
        self.framing = framing;
        self
    }

    /// Leaves the handshake to the test.
    #[must_use]
    pub fn uninitialized(mut self) -> Self {
        self.initialize = false;
        self
    }

    /// The exit status that the host must end with; `None` for any.
    #[must_use]
    pub fn expect_exit(mut self, status: Option<i32>) -> Self {
        self.exit = status;
        self
    }

    /// Whether the host will be in this process.
    #[must_use]
    pub fn is_in_process(&self) -> bool {
        self.in_process
    }

    /// Starts the host, and shakes hands unless told not to.
    ///
    /// # Panics
    ///
    /// If it cannot be started or refuses the handshake.
    #[must_use]
    #[track_caller]
    pub fn start(mut self) -> Host {
        let mark = format!("weir-mark-{:016x}", fastrand::u64(..));
        let directory = tempfile::tempdir().expect("a temporary directory");
        match &self.config {
            Some(text) => {
                let file = directory.path().join(CONFIG);
                fs::write(&file, text).expect("a configuration file");
                self.options.extend(["--config".to_owned(), file.display().to_string()]);
            }
            None if !self.in_process && !self.options.iter().any(|option| option == "--config") => {
                self.options.push("--no-config".to_owned());
            }
            None => {}
        }
        let (client, runtime) = if self.in_process { self.serve() } else { self.spawn(&mark) };
        Host::new(self, mark, directory, client, runtime)
    }

    /// The binary's command line, without streams.
    #[expect(
        clippy::disallowed_methods,
        reason = "the harness launches the host itself, which no cell can hold"
    )]
    pub(crate) fn command(&self, mark: &str) -> Command {
        let host = settings::shipped_command().unwrap_or_else(|| vec![self.binaries.host.to_owned()]);
        let words = [self.through.as_slice(), &host, &self.options].concat();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env(MARK, mark);
        // Compiled plugins are kept from run to run, and not among the user's own.
        command.env("XDG_CACHE_HOME", self.binaries.scratch);
        for (name, value) in &self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(cwd) = &self.cwd {
            command.current_dir(cwd);
        }
        command
    }

    fn spawn(&self, mark: &str) -> (Client, Runtime) {
        let mut command = self.command(mark);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child: Child =
            command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let stdin = child.stdin.take().expect("stdin is piped");
        let stdout = child.stdout.take().expect("stdout is piped");
        let stderr = child.stderr.take().expect("stderr is piped");
        (Client::new(stdout, stdin, self.framing), Runtime::child(child, stderr))
    }

    fn serve(&self) -> (Client, Runtime) {
        assert!(self.env.is_empty() && self.cwd.is_none(), "a host in this process shares its environment");
        let (host_reads, client_writes) = io::pipe().expect("a pipe");
        let (client_reads, host_writes) = io::pipe().expect("a pipe");
        let (options, binaries) = (self.options.clone(), self.binaries);
        let (done, outcome): (_, Receiver<Result<i32, String>>) = sync_channel(1);
        thread::spawn(move || {
            let served = in_process::serve(&options, binaries, host_reads, host_writes);
            // Nobody listens any more when the test has failed already.
            let _ = done.send(served.map_err(|error| format!("{error:#}")));
        });
        (Client::new(client_reads, client_writes, self.framing), Runtime::thread(outcome))
    }
}

/// The configuration file in the host's directory.
pub(crate) const CONFIG: &str = "weir.toml";

/// The variable that marks a host and whatever inherits its environment.
pub(crate) const MARK: &str = "WEIR_TEST_MARK";
