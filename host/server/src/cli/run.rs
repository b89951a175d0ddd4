//! `weir run`: one command through the same path as `process/start`, for people and scripts.

use std::ffi::OsStr;
use std::fs::File;
use std::future::pending;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

use bytes::Bytes;
use tokio::signal::unix::{Signal as SignalStream, SignalKind, signal};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use weir_plugin::{Fault, FilterChain, FilterStream, Plugin};
use weir_process::{
    Command, Event, FailureDetail, Leftovers, Process, ProcessOptions, Retention, Scope, Signal, Stage,
    StartError, StdinSource, Stream,
};
use weir_protocol::{ErrorObject, OutputEncoding, ProcessId, encode_event};

use super::{OWN_FAULT, PluginArgs, RunArgs, caller, host_config, person, raise_descriptor_limit, tell};
use crate::convert::{self, StartSpec};
use crate::host::{Host, Shared};
use crate::pipeline::{self, ProcessFacts, StartFailure, Started};

/// Output that is taken at once.
const TURN: u64 = 256 * 1024;
/// How long a command is silent before the filters of a view give what they hold back: it may be a prompt. Longer than
/// the pauses of a progress display, which would come line by line.
const SILENCE: Duration = Duration::from_secs(1);
/// How long what has closed its output may take to end before it is told of as left behind.
const PARTING: Duration = Duration::from_millis(200);
/// As shells have it.
const NOT_FOUND: u8 = 127;
const NOT_EXECUTABLE: u8 = 126;
/// As the options that cannot be parsed have it.
const WRONG_USAGE: u8 = 2;

pub(super) fn run(args: &RunArgs, plugins: &PluginArgs) -> anyhow::Result<ExitCode> {
    let stdin = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    let host = Host::start(host_config(None, plugins)?)?;
    raise_descriptor_limit();
    let spec = StartSpec {
        command: Command {
            argv: args.command.clone(),
            arg0: None,
            cwd: None,
            env: std::env::vars_os().collect(),
            stdin: StdinSource::Descriptor(stdin),
        },
        options: ProcessOptions {
            // Whoever reads this output is waited for, however slow: nothing is ever dropped.
            retention: Retention { hold: Duration::MAX, ..Retention::default() },
            timeout: None,
            leftovers: Leftovers::Keep,
            grace: host.shared().config.grace,
            max_stdin_bytes: host.shared().config.max_stdin_bytes,
        },
        argv: args.command.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
        given_env: Vec::new(),
        metadata: Arc::from([]),
        encoding: OutputEncoding::Base64,
        view: args.view.clone(),
    };
    host.runtime().block_on(run_to_close(host.shared(), spec, args.json))
}

async fn run_to_close(shared: &Shared, spec: StartSpec, json: bool) -> anyhow::Result<ExitCode> {
    let view = spec.view.clone();
    let program = spec.command.program().to_owned();
    let mut interrupts =
        [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?];
    let id = ProcessId::from("run");
    let caller = caller("weir run", person::is_there().then_some(person::ask));
    let started = tokio::select! {
        started = pipeline::start(shared, spec, &id, &caller, || true) => started,
        // Given up before there was anything to pass it on to.
        kind = any(&mut interrupts) => return Ok(ExitCode::from(128 + kind.as_raw_value() as u8)),
    };
    let started = match started {
        Ok(started) => started,
        Err(failure) => return Ok(not_started(&failure)),
    };
    let viewed = view.map(|name| Viewed::new(&name, &started));
    let process = started.process;
    let mut output = Output::new(id, json, viewed)?;
    let news = Arc::new(News(Notify::new()));
    process.log().follow(Waker::from(Arc::clone(&news)));
    let mut events = Vec::new();
    let mut code = OWN_FAULT;
    let mut asked = 0;
    loop {
        let more = process.log().next_events(TURN, &mut events);
        for event in events.drain(..) {
            match &event {
                Event::Exited { exit, streams_open, .. } => {
                    code = u8::try_from(exit.code).unwrap_or(OWN_FAULT);
                    if !streams_open.is_empty() {
                        report_holders(&program, exit.code, &process);
                    }
                }
                Event::Output { dropped: Some(dropped), .. } => {
                    tell(&format!("{} bytes of output were lost here", dropped.bytes));
                }
                Event::Output { .. } | Event::Closed { .. } => {}
            }
            if let Event::Closed { withheld_bytes, withheld_reason: Some(reason), .. } = &event {
                tell(&format!("{withheld_bytes} bytes of output were withheld: {reason}"));
            }
            let closed = matches!(event, Event::Closed { .. });
            if let Err(error) = output.write(event).await {
                end_tree(&process, shared.config.lost_client_grace).await;
                return if error.kind() == ErrorKind::BrokenPipe {
                    Ok(ExitCode::from(128 + Signal::PIPE.number() as u8))
                } else {
                    Err(anyhow::Error::new(error).context("cannot pass the output on"))
                };
            }
            if closed {
                // Who has closed its output is most often about to end.
                if timeout(PARTING, process.tree_gone()).await.is_err() {
                    report_leftovers(&program, &process);
                }
                end_tree(&process, shared.config.grace).await;
                return Ok(ExitCode::from(code));
            }
        }
        if more {
            continue;
        }
        tokio::select! {
            () = news.0.notified() => {}
            () = output.silence() => output.idle().await?,
            kind = any(&mut interrupts) => {
                asked += 1;
                pass_on(&process, kind, asked, shared.config.grace);
            }
        }
    }
}

/// Wakes this task.
struct News(Notify);

impl Wake for News {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

async fn any(signals: &mut [SignalStream; 3]) -> SignalKind {
    let [interrupt, terminate, hang_up] = signals;
    tokio::select! {
        _ = interrupt.recv() => SignalKind::interrupt(),
        _ = terminate.recv() => SignalKind::terminate(),
        _ = hang_up.recv() => SignalKind::hangup(),
    }
}

/// The first interrupt is the command's own affair; anything more ends the tree.
fn pass_on(process: &Process, kind: SignalKind, asked: u32, grace: Duration) {
    // The future only waits for the answer; the order is given.
    if kind == SignalKind::interrupt() && asked == 1 {
        drop(process.signal(Scope::Group, Signal::INTERRUPT));
    } else {
        drop(process.terminate(grace));
    }
}

async fn end_tree(process: &Process, grace: Duration) {
    if let Ok(terminated) = process.terminate(grace) {
        let survivors = terminated.await.survivors;
        if !survivors.is_empty() {
            tell(&format!("these processes survive SIGKILL: {survivors:?}"));
        }
    }
}

fn not_started(failure: &StartFailure) -> ExitCode {
    let told: ErrorObject = convert::start_failure(failure);
    tell(told.message());
    let code = match failure {
        StartFailure::Denied(_) => NOT_EXECUTABLE,
        StartFailure::NoSuchView(..) => WRONG_USAGE,
        StartFailure::Spawn(StartError::Refused { stage: Stage::Exec, detail, errno, .. }) => {
            let is_directory = matches!(detail, FailureDetail::IsDirectory);
            if !is_directory && errno.raw_os_error() == 2 { NOT_FOUND } else { NOT_EXECUTABLE }
        }
        _ => OWN_FAULT,
    };
    ExitCode::from(code)
}

fn report_holders(program: &OsStr, code: i32, process: &Process) {
    let program = program.display();
    let holders = process.holders();
    if holders.is_empty() {
        return;
    }
    let holders = holders.iter().map(|holder| {
        let argv = holder.argv.join(OsStr::new(" "));
        let streams: Vec<_> = holder.streams.iter().map(|stream| stream_name(*stream)).collect();
        format!("{} (`{}`) holds {}", holder.pid, argv.display(), streams.join(" and "))
    });
    let holders: Vec<String> = holders.collect();
    tell(&format!(
        "`{program}` exited with code {code}; waiting for its output to end: {}",
        holders.join(", ")
    ));
}

fn report_leftovers(program: &OsStr, process: &Process) {
    let left = process.descendants();
    if left > 0 {
        let processes = if left == 1 { "a process".to_owned() } else { format!("{left} processes") };
        tell(&format!("`{}` left {processes} behind; ending what is left", program.display()));
    }
}

fn stream_name(stream: Stream) -> &'static str {
    match stream {
        Stream::Stdout => "stdout",
        Stream::Stderr => "stderr",
        Stream::Pty => "the terminal",
    }
}

/// Where the command's output goes.
struct Output {
    stdout: File,
    stderr: File,
    /// Events instead of output.
    json: Option<Vec<u8>>,
    viewed: Option<Viewed>,
    process_id: ProcessId,
}

impl Output {
    fn new(process_id: ProcessId, json: bool, viewed: Option<Viewed>) -> io::Result<Self> {
        Ok(Self {
            stdout: File::from(rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?),
            stderr: File::from(rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stderr(), 3)?),
            json: json.then(Vec::new),
            viewed,
            process_id,
        })
    }

    async fn write(&mut self, event: Event) -> io::Result<()> {
        if let Some(line) = &mut self.json {
            line.clear();
            encode_event(line, &convert::event(&self.process_id, OutputEncoding::Base64, true, event));
            line.push(b'\n');
            return self.stdout.write_all(line);
        }
        match (event, &mut self.viewed) {
            (Event::Output { chunk, .. }, None) => self.pass(chunk.stream, &chunk.bytes),
            (Event::Output { chunk, .. }, Some(viewed)) => {
                let bytes = viewed.push(chunk.stream, chunk.bytes).await;
                self.pass(chunk.stream, &bytes)
            }
            (Event::Closed { .. }, Some(viewed)) => {
                for (stream, bytes) in viewed.finish().await {
                    self.pass(stream, &bytes)?;
                }
                Ok(())
            }
            (Event::Exited { .. } | Event::Closed { .. }, _) => Ok(()),
        }
    }

    fn pass(&mut self, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        match stream {
            Stream::Stderr => self.stderr.write_all(bytes),
            Stream::Stdout | Stream::Pty => self.stdout.write_all(bytes),
        }
    }

    /// Waits until nothing has come for a while.
    async fn silence(&self) {
        match &self.viewed {
            Some(viewed) if viewed.talking => sleep(SILENCE).await,
            _ => pending().await,
        }
    }

    async fn idle(&mut self) -> io::Result<()> {
        let Some(viewed) = &mut self.viewed else { return Ok(()) };
        for (stream, bytes) in viewed.idle().await {
            self.pass(stream, &bytes)?;
        }
        Ok(())
    }
}

/// The filters of a view, fed while the command runs: here nothing is ever dropped before they have had it.
struct Viewed {
    filters: Vec<Arc<Plugin>>,
    facts: Arc<ProcessFacts>,
    /// In the order in which the streams spoke. None: its filters have failed.
    ways: Vec<(Stream, Option<FilterStream>)>,
    /// Whether anything came since the last silence.
    talking: bool,
}

impl Viewed {
    fn new(name: &str, started: &Started) -> Self {
        let filters = started.plugins.views.get(name).cloned().unwrap_or_default();
        Self { filters, facts: Arc::clone(&started.facts), ways: Vec::new(), talking: false }
    }

    async fn push(&mut self, stream: Stream, bytes: Bytes) -> Bytes {
        self.talking = true;
        if !self.ways.iter().any(|(of, _)| *of == stream) {
            let chain = FilterChain::new(self.filters.clone());
            self.ways.push((stream, Some(chain.open(self.facts.of_stream(stream, true)))));
        }
        let Some((_, way)) = self.ways.iter_mut().find(|(of, _)| *of == stream) else { return bytes };
        let Some(filters) = way else { return bytes };
        match filters.push(bytes.clone()).await {
            Ok(given) => given,
            Err(fault) => {
                *way = None;
                passed_over(&fault);
                bytes
            }
        }
    }

    async fn idle(&mut self) -> Vec<(Stream, Bytes)> {
        self.talking = false;
        self.each(async |filters| filters.idle().await).await
    }

    async fn finish(&mut self) -> Vec<(Stream, Bytes)> {
        self.each(async |filters| filters.finish().await).await
    }

    async fn each(
        &mut self,
        mut call: impl AsyncFnMut(&mut FilterStream) -> Result<Bytes, Box<Fault>>,
    ) -> Vec<(Stream, Bytes)> {
        let mut given = Vec::new();
        for (stream, way) in &mut self.ways {
            let Some(filters) = way else { continue };
            match call(filters).await {
                Ok(bytes) => given.push((*stream, bytes)),
                Err(fault) => {
                    *way = None;
                    passed_over(&fault);
                }
            }
        }
        given
    }
}

fn passed_over(fault: &Fault) {
    tell(&format!(
        "filter `{}` of the view failed ({}): the rest of this stream comes as it was printed, and what the filter held \
         back is missing",
        fault.plugin, fault.message
    ));
}
