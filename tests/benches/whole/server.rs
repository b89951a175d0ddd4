//! A server under measurement.

use std::io::Write;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use weir_tests::LiveProcess;

use crate::lines::{Lines, is_output, payload};

/// What is measured: a program that speaks the dialect that Weir and Codex share.
#[derive(Clone)]
pub(crate) struct Subject {
    /// Its name in the table.
    pub(crate) name: &'static str,
    program: String,
    arguments: Vec<String>,
}

impl Subject {
    pub(crate) fn weir(program: String) -> Self {
        Self { name: "weir", program, arguments: vec!["--no-config".to_owned()] }
    }

    pub(crate) fn codex(program: String) -> Self {
        let arguments = ["exec-server", "--listen", "stdio"].map(str::to_owned).to_vec();
        Self { name: "codex", program, arguments }
    }

    /// The same program with other arguments.
    pub(crate) fn with<const N: usize>(&self, arguments: [String; N]) -> Self {
        Self { name: self.name, program: self.program.clone(), arguments: arguments.to_vec() }
    }

    /// Whether it knows more than the common dialect.
    pub(crate) fn is_weir(&self) -> bool {
        self.name == "weir"
    }
}

/// A running server. Dropping it kills it.
pub(crate) struct Server {
    child: Child,
    stdin: Arc<Mutex<ChildStdin>>,
    lines: Lines,
    next_id: u64,
    /// From the spawn to the answer to initialize.
    pub(crate) ready_after: Duration,
}

/// What a flood brought.
#[derive(Default)]
pub(crate) struct Received {
    pub(crate) delivered: u64,
    pub(crate) dropped: u64,
}

impl Server {
    /// Starts a server and shakes hands.
    #[expect(clippy::disallowed_methods, reason = "a bench launches the servers that it measures")]
    pub(crate) fn start(subject: &Subject) -> Result<Self> {
        let started = Instant::now();
        let mut child = Command::new(&subject.program)
            .args(&subject.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start `{}`", subject.program))?;
        let stdin = Arc::new(Mutex::new(child.stdin.take().context("stdin is piped")?));
        let lines = Lines::new(child.stdout.take().context("stdout is piped")?);
        let mut server = Self { child, stdin, lines, next_id: 1, ready_after: Duration::ZERO };
        let id = server.send("initialize", json!({ "clientName": "bench" }))?;
        server.response(id)?;
        server.ready_after = started.elapsed();
        server.write(&json!({ "method": "initialized" }))?;
        Ok(server)
    }

    /// The params that start `argv`, as both dialects have them.
    pub(crate) fn start_params(process: &str, argv: &[&str]) -> Value {
        let environment = json!({ "PATH": "/usr/local/bin:/usr/bin:/bin" });
        json!({
            "processId": process, "argv": argv, "cwd": "file:///", "env": environment,
            "tty": false, "pipeStdin": false, "arg0": null,
        })
    }

    pub(crate) fn send(&mut self, method: &str, params: Value) -> Result<u64> {
        let (id, message) = self.prepare(method, params);
        self.write(&message)?;
        Ok(id)
    }

    /// Sends many requests from a thread, since the server may want to be read meanwhile.
    pub(crate) fn send_all(&mut self, requests: Vec<(&str, Value)>) -> (Vec<u64>, JoinHandle<Result<()>>) {
        let (ids, messages): (Vec<u64>, Vec<Value>) =
            requests.into_iter().map(|(method, params)| self.prepare(method, params)).unzip();
        let stdin = Arc::clone(&self.stdin);
        let lines: String = messages.iter().map(|message| format!("{message}\n")).collect();
        let writer = thread::spawn(move || {
            let mut stdin = stdin.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(stdin.write_all(lines.as_bytes())?)
        });
        (ids, writer)
    }

    /// Passes over everything until the response to `id`.
    pub(crate) fn response(&mut self, id: u64) -> Result<Value> {
        loop {
            let message = self.message()?;
            if message["id"] == id {
                ensure!(message.get("error").is_none(), "request {id} fails: {message}");
                return Ok(message["result"].clone());
            }
        }
    }

    /// Counts output until the process is closed.
    pub(crate) fn until_closed(&mut self, process: &str) -> Result<Received> {
        let mut received = Received::default();
        loop {
            let line = self.lines.next_line()?;
            let (delivered, dropped) = payload(line)?;
            received.delivered += delivered;
            received.dropped += dropped;
            if is_output(line) {
                continue;
            }
            let message: Value = serde_json::from_slice(line)?;
            ensure!(message.get("error").is_none(), "a request fails: {message}");
            if message["method"] == "process/closed" && message["params"]["processId"] == process {
                return Ok(received);
            }
        }
    }

    /// The next message that is not a push of output.
    pub(crate) fn message(&mut self) -> Result<Value> {
        loop {
            let line = self.lines.next_line()?;
            if !is_output(line) {
                return Ok(serde_json::from_slice(line)?);
            }
        }
    }

    /// The server and everything below it.
    pub(crate) fn tree(&self) -> Vec<LiveProcess> {
        let pid = self.child.id() as i32;
        LiveProcess::read(pid).into_iter().chain(LiveProcess::descendants_of(pid)).collect()
    }

    /// The most memory that the server itself ever had resident, in bytes.
    pub(crate) fn peak_memory(&self) -> Result<u64> {
        self.status("VmHWM:")
    }

    /// The memory that the server itself has resident, in bytes.
    pub(crate) fn memory(&self) -> Result<u64> {
        self.status("VmRSS:")
    }

    /// The time on a processor that the server itself has used, without its children.
    pub(crate) fn processor_time(&self) -> Result<Duration> {
        /// `USER_HZ`, whatever the kernel's own clock.
        const TICK: Duration = Duration::from_millis(10);
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name stands in parentheses and may hold anything.
        let fields: Vec<&str> = stat.rsplit_once(") ").context("no name")?.1.split(' ').collect();
        let (user, system) = (fields.get(11).context("no utime")?, fields.get(12).context("no stime")?);
        Ok(TICK * (user.parse::<u32>()? + system.parse::<u32>()?))
    }

    fn status(&self, name: &str) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line =
            status.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name}"))?;
        Ok(line.trim().trim_end_matches("kB").trim().parse::<u64>()? * 1024)
    }

    fn prepare(&mut self, method: &str, params: Value) -> (u64, Value) {
        let id = self.next_id;
        self.next_id += 1;
        (id, json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
    }

    fn write(&self, message: &Value) -> Result<()> {
        let mut stdin = self.stdin.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(stdin.write_all(format!("{message}\n").as_bytes())?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let below = self.tree();
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Not every server ends what it has started.
        for process in below {
            process.signal(rustix::process::Signal::KILL);
        }
    }
}
