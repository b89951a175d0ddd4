//! Codex CLI, the real one, as a client of the host and as the peer of its dialect.

mod install;
mod peer;
mod responses;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use self::responses::Api;
use crate::launch::{Binaries, MARK};
use crate::live_process::{LiveProcess, listing};
use crate::settings;

pub use self::peer::Peer;
pub use self::responses::Turn;

/// Codex takes a while to start, more so on a busy machine.
const RUNS: u32 = 4;
/// How long what Codex has started may outlive it: it gives its environment 2 s.
const LAST_WORDS: Duration = Duration::from_secs(4);

/// An installed Codex.
#[derive(Clone, Debug)]
pub struct Codex {
    program: PathBuf,
    binaries: Binaries,
}

/// A directory for one run: a project, a home of Codex's, its configuration.
pub struct Desk {
    codex: Codex,
    directory: TempDir,
    environment: (String, Vec<String>),
    sandbox_mode: &'static str,
}

/// What a run has left.
pub struct Session {
    /// What the model was asked, in order.
    pub turns: Vec<Turn>,
    /// When each of them came.
    pub times: Vec<Instant>,
    log: String,
}

impl Codex {
    /// The Codex of `WEIR_CODEX`, or one out of npm; it is installed if it is not there yet. None, and a loud line, if
    /// the registry cannot be reached.
    ///
    /// # Panics
    ///
    /// If it cannot be installed for another reason.
    #[must_use]
    pub fn installed(binaries: Binaries) -> Option<Self> {
        install::program(binaries).map(|program| Self { program, binaries })
    }

    /// Its own server, which speaks the dialect that Weir speaks as well.
    ///
    /// # Panics
    ///
    /// If it cannot be started or refuses the handshake.
    #[must_use]
    pub fn server(&self) -> Peer {
        Peer::start(&self.program)
    }

    /// A desk with Weir as the environment, with the configuration that comes as an example.
    ///
    /// # Panics
    ///
    /// If files cannot be written.
    #[must_use]
    pub fn desk(&self) -> Desk {
        let host = settings::shipped_binary().unwrap_or_else(|| self.binaries.host.to_owned());
        let directory = tempfile::tempdir_in(self.binaries.scratch).expect("a temporary directory");
        let config = directory.path().join("weir.toml");
        fs::write(&config, example("weir.toml")).expect("a configuration");
        for name in ["project", "home", "codex"] {
            fs::create_dir(directory.path().join(name)).expect("a directory");
        }
        let arguments = vec!["--config".to_owned(), config.display().to_string()];
        let desk = Desk {
            codex: self.clone(),
            directory,
            environment: (host, arguments),
            sandbox_mode: "danger-full-access",
        };
        desk.compile_plugins();
        // Where a project begins.
        fs::create_dir(desk.project().join(".git")).expect("a directory");
        desk
    }
}

impl Desk {
    /// More words for the command line of the environment.
    #[must_use]
    pub fn with_arguments<const N: usize>(mut self, words: [&str; N]) -> Self {
        self.environment.1.extend(words.map(str::to_owned));
        self
    }

    /// Codex's own server as the environment instead of Weir.
    #[must_use]
    pub fn with_peer(mut self) -> Self {
        let words = ["exec-server", "--listen", "stdio"].map(str::to_owned).to_vec();
        self.environment = (self.codex.program.display().to_string(), words);
        self
    }

    /// Another `sandbox_mode` than the example's.
    #[must_use]
    pub fn with_sandbox(mut self, mode: &'static str) -> Self {
        self.sandbox_mode = mode;
        self
    }

    /// Where Codex works.
    #[must_use]
    pub fn project(&self) -> PathBuf {
        self.directory.path().join("project")
    }

    /// Runs `codex exec` with a model that does what `script` says: it is told each turn and gives the tool that is to
    /// be called, or None for the last word.
    ///
    /// # Panics
    ///
    /// If Codex fails, does not end, or leaves a process behind.
    #[track_caller]
    pub fn exec(&self, script: impl FnMut(&Turn) -> Option<Value> + Send + 'static) -> Session {
        let api = Api::serve(script);
        self.write_configuration(api.port());
        let mark = format!("weir-mark-{:016x}", fastrand::u64(..));
        let log = self.directory.path().join("log");
        let output = File::create(&log).expect("a log");
        let mut command = self.command(&mark);
        command.stdin(Stdio::null()).stderr(output.try_clone().expect("a log")).stdout(output);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let until = Instant::now() + settings::deadline() * RUNS;
        let ended = LiveProcess::read(child.id() as i32).is_none_or(|process| process.ends_before(until));
        if !ended {
            let _ = child.kill();
        }
        let status = child.wait().expect("a status");
        let left = LiveProcess::wait_gone(&LiveProcess::with_mark(&mark), LAST_WORDS);
        left.iter().for_each(|process| process.signal(Signal::KILL));
        let log = fs::read_to_string(&log).unwrap_or_default();
        let (turns, times, fault) = api.finish();
        let session = Session { turns, times, log };
        assert!(fault.is_none(), "{}\n{session}", fault.unwrap_or_default());
        assert!(ended, "codex does not end\n{session}");
        assert!(status.success(), "codex failed: {status}\n{session}");
        assert!(left.is_empty(), "processes survive codex:\n{}{session}", listing(&left));
        session
    }

    /// Has the plugins compiled before anybody's clock runs: Codex gives its environment a few seconds to begin.
    #[expect(clippy::disallowed_methods, reason = "the harness launches the host itself")]
    fn compile_plugins(&self) {
        let (program, arguments) = &self.environment;
        let mut check = Command::new(program);
        check.args(arguments).args(["policy", "check", "--", "true"]);
        let output = check.env("XDG_CACHE_HOME", self.codex.binaries.scratch).output();
        let output = output.unwrap_or_else(|error| panic!("cannot start {check:?}: {error}"));
        assert!(output.status.success(), "{check:?} fails: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn write_configuration(&self, port: u16) {
        let home = self.directory.path().join("codex");
        let mut environments = example("environments.toml");
        let (program, arguments) = &self.environment;
        let stands = r#"args = ["--config", "/etc/weir/codex.toml"]"#;
        for (example, real) in
            [(r#""/usr/local/bin/weir""#, format!("{program:?}")), (stands, format!("args = {arguments:?}"))]
        {
            assert!(environments.contains(example), "expected `{example}` in the example");
            environments = environments.replace(example, &real);
        }
        fs::write(home.join("environments.toml"), environments).expect("a configuration");
        let mode = format!("sandbox_mode = {:?}", self.sandbox_mode);
        let config = example("config.toml").replace(r#"sandbox_mode = "danger-full-access""#, &mode);
        let provider = format!(
            "model = \"scripted\"\nmodel_provider = \"scripted\"\ncheck_for_update_on_startup = false\n{config}\n\
             [analytics]\nenabled = false\n\
             [model_providers.scripted]\nname = \"scripted\"\nbase_url = \"http://127.0.0.1:{port}/v1\"\n\
             wire_api = \"responses\"\nrequest_max_retries = 0\nstream_max_retries = 0\n"
        );
        fs::write(home.join("config.toml"), provider).expect("a configuration");
    }

    #[expect(clippy::disallowed_methods, reason = "the harness launches the client itself")]
    fn command(&self, mark: &str) -> Command {
        let place = self.directory.path();
        let mut command = Command::new(&self.codex.program);
        command.args(["exec", "--skip-git-repo-check", "do as you are told"]);
        command.current_dir(self.project());
        command.env("RUST_LOG", "error,codex_exec_server=debug");
        command.env(MARK, mark).env("CODEX_HOME", place.join("codex")).env("HOME", place.join("home"));
        // Compiled plugins are kept from run to run, and not among the user's own.
        command.env("XDG_CACHE_HOME", self.codex.binaries.scratch);
        for proxy in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env_remove(proxy);
        }
        command
    }
}

impl Session {
    /// What the model has read of the tool that it called in turn `number`, counted from 0.
    ///
    /// # Panics
    ///
    /// If there was no such turn.
    #[must_use]
    #[track_caller]
    pub fn output(&self, number: usize) -> &str {
        match self.turns.get(number + 1).and_then(|turn| turn.output.as_deref()) {
            Some(output) => output,
            None => panic!("expected the output of the tool called in turn {number}, saw none\n{self}"),
        }
    }

    /// Whether anything that was sent to the model has `text` in it.
    #[must_use]
    pub fn model_has_read(&self, text: &str) -> bool {
        self.turns.iter().any(|turn| turn.request.contains(text))
    }
}

impl std::fmt::Display for Session {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (number, turn) in self.turns.iter().enumerate() {
            let output: String = turn.output.as_deref().unwrap_or("nothing").chars().take(2000).collect();
            writeln!(out, "--- turn {number}: the model has read: {output}")?;
        }
        write!(out, "--- log of codex\n{}", self.log)
    }
}

/// A file of the example, as people copy it.
fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/codex").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What threads of the harness share.
type Shared<T> = Arc<Mutex<T>>;

fn locked<T>(shared: &Shared<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says something that the test runner must not swallow.
fn say(text: &str) {
    let _ = io::Write::write_all(&mut io::stderr(), format!("{text}\n").as_bytes());
}
