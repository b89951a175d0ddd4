//! `weir run`: one command through the same path as `process/start`, for people and scripts.

mod output;

use std::ffi::OsStr;
use std::future::pending;
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use tokio::signal::unix::{Signal as SignalStream, SignalKind, signal};
use tokio::sync::Notify;
use tokio::time::timeout;
use weir_process::{
    Cause, Command, Event, Exit, FailureDetail, Leftovers, Output as Destination, Process, ProcessOptions,
    Retention, Scope, Signal, Stage, StartError, StdinSource, Stream, Variable,
};
use weir_protocol::{ErrorObject, OutputEncoding, ProcessId};

use self::output::{Output, Viewed};
use super::terminal::{self, Keyboard, RawMode};
use super::values;
use super::{OWN_FAULT, PluginArgs, RunArgs, caller, host_config, person, raise_descriptor_limit, tell};
use crate::convert::{self, StartSpec};
use crate::host::{Host, Shared};
use crate::ingest::shown;
use crate::pipeline::{self, ProcessFacts, StartFailure, Started};
use crate::plugins::PluginSet;

/// Output that is taken at once.
const TURN: u64 = 256 * 1024;
/// How long what has closed its output may take to end before it is told of as left behind.
const PARTING: Duration = Duration::from_millis(200);
/// As `timeout` has it.
const TIMED_OUT: u8 = 124;
/// As shells have it.
const NOT_FOUND: u8 = 127;
const NOT_EXECUTABLE: u8 = 126;
/// As the options that cannot be parsed have it.
const WRONG_USAGE: u8 = 2;

pub(super) fn run(args: &RunArgs, plugins: &PluginArgs) -> anyhow::Result<ExitCode> {
    let stdin = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    let (stdin, output, keyboard) = if args.tty {
        (StdinSource::Null, Destination::Terminal(terminal::size()), Some(stdin))
    } else {
        (StdinSource::Descriptor(stdin), Destination::Separate, None)
    };
    let host = Host::start(host_config(None, plugins)?)?;
    raise_descriptor_limit();
    let spec = StartSpec {
        command: Command {
            argv: args.command.clone(),
            arg0: None,
            cwd: None,
            env: environment(args.tty, !args.no_env_defaults),
            stdin,
            output,
            limits: values::limits(&args.limit),
        },
        options: ProcessOptions {
            // Whoever reads this output is waited for, however slow: nothing is ever dropped.
            retention: Retention { hold: Duration::MAX, ..Retention::default() },
            timeout: args.timeout,
            idle_timeout: None,
            leftovers: Leftovers::Keep,
            grace: host.shared().config.grace,
            max_stdin_bytes: host.shared().config.max_stdin_bytes,
            // Whoever sits at the terminal sees it.
            watch_input: args.json,
            followed: true,
        },
        argv: args.command.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
        given_env: Vec::new(),
        metadata: Arc::from([]),
        encoding: OutputEncoding::Base64,
        view: args.view.clone(),
    };
    host.runtime().block_on(run_to_close(host.shared(), spec, args.json, keyboard))
}

/// One's own. With `defaults`, what says that nobody sits at the command is laid over it; a terminal is of the same kind
/// as one's own, if that is known.
pub(super) fn environment(tty: bool, defaults: bool) -> Vec<Variable> {
    let mut env: Vec<Variable> = std::env::vars_os().collect();
    for (name, value) in convert::env_defaults(tty).into_iter().filter(|_| defaults) {
        match env.iter_mut().find(|(present, _)| *present == name) {
            Some(_) if tty => {}
            Some((_, present)) => *present = value,
            None => env.push((name, value)),
        }
    }
    env
}

async fn run_to_close(
    shared: &Shared,
    spec: StartSpec,
    json: bool,
    keyboard: Option<OwnedFd>,
) -> anyhow::Result<ExitCode> {
    let view = spec.view.clone();
    let program = spec.command.program().to_owned();
    let limit = spec.options.timeout;
    let mut signals = Signals::new()?;
    let id = ProcessId::from("run");
    let caller = caller("weir run", person::is_there().then_some(person::ask));
    let started = tokio::select! {
        started = pipeline::start(shared, spec, &id, &caller, || true) => started,
        // Given up before there was anything to pass it on to.
        kind = signals.end() => return Ok(ExitCode::from(128 + kind.as_raw_value() as u8)),
    };
    let started = match started {
        Ok(started) => started,
        Err(failure) => return Ok(not_started(&failure)),
    };
    let viewed = view.map(|name| Viewed::new(&name, &started));
    let Started { process, plugins, facts, .. } = started;
    let mut output = Output::new(id, json, viewed)?;
    let mut raw = None;
    if keyboard.is_some() {
        raw = RawMode::enter(rustix::stdio::stdin()).context("cannot set the mode of this terminal")?;
        // It may have changed while the command was starting.
        drop(process.resize(terminal::size()));
    }
    let mut keyboard = keyboard.map(Keyboard::new);
    let news = Arc::new(News(Notify::new()));
    process.log().follow(Waker::from(Arc::clone(&news)));
    let mut events = Vec::new();
    let mut code = OWN_FAULT;
    let mut asked = 0;
    loop {
        let more = process.log().next_events(TURN, &mut events);
        let mut input = Some(process.log().input_news());
        for event in events.drain(..) {
            match &event {
                Event::Exited { exit, streams_open, .. } => {
                    // What comes now is for whoever started this.
                    raw = None;
                    code = exit_code(exit);
                    report_end(&program, exit, limit);
                    if !streams_open.is_empty() {
                        report_holders(&program, exit.code, &process, &plugins, &facts).await;
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
            let news = input.take_if(|_| closed).unwrap_or_default();
            let written = match output.input(news) {
                Ok(()) => output.write(event).await,
                failed => failed,
            };
            if let Err(error) = written {
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
        output.input(input.take().unwrap_or_default())?;
        if more {
            continue;
        }
        tokio::select! {
            () = news.0.notified() => {}
            () = output.silence() => output.idle().await?,
            typed = next_typed(&mut keyboard) => {
                if let Some(keyboard) = &mut keyboard {
                    keyboard.pass_on(typed, &process);
                }
            }
            signal = signals.next() => match signal {
                Signalled::End(kind) => {
                    asked += 1;
                    pass_on(&process, kind, asked, shared.config.grace);
                }
                Signalled::Resized | Signalled::Continued if keyboard.is_none() => {}
                Signalled::Resized => drop(process.resize(terminal::size())),
                Signalled::Continued => {
                    if let Some(raw) = &raw {
                        raw.set().context("cannot set the mode of this terminal")?;
                    }
                    drop(process.resize(terminal::size()));
                }
            },
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

/// The signals that mean something here.
struct Signals {
    interrupt: SignalStream,
    terminate: SignalStream,
    hang_up: SignalStream,
    resized: SignalStream,
    continued: SignalStream,
}

/// What a signal means.
enum Signalled {
    /// Somebody wants an end.
    End(SignalKind),
    /// The user's terminal has another size.
    Resized,
    /// This process was stopped, and somebody else had the terminal.
    Continued,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            resized: signal(SignalKind::window_change())?,
            continued: signal(SignalKind::from_raw(Signal::CONTINUE.number()))?,
        })
    }

    /// Waits until somebody wants an end.
    async fn end(&mut self) -> SignalKind {
        loop {
            if let Signalled::End(kind) = self.next().await {
                return kind;
            }
        }
    }

    /// Cancel-safe.
    async fn next(&mut self) -> Signalled {
        tokio::select! {
            _ = self.interrupt.recv() => Signalled::End(SignalKind::interrupt()),
            _ = self.terminate.recv() => Signalled::End(SignalKind::terminate()),
            _ = self.hang_up.recv() => Signalled::End(SignalKind::hangup()),
            _ = self.resized.recv() => Signalled::Resized,
            _ = self.continued.recv() => Signalled::Continued,
        }
    }
}

/// What is typed next, for as long as somebody listens.
async fn next_typed(keyboard: &mut Option<Keyboard>) -> Option<Bytes> {
    match keyboard {
        Some(keyboard) => keyboard.next().await,
        None => pending().await,
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

fn exit_code(exit: &Exit) -> u8 {
    match exit.cause {
        Cause::Timeout => TIMED_OUT,
        _ => u8::try_from(exit.code).unwrap_or(OWN_FAULT),
    }
}

/// Says why it has ended, if that was not its own doing.
fn report_end(program: &OsStr, exit: &Exit, timeout: Option<Duration>) {
    let program = program.display();
    match (exit.cause, timeout) {
        (Cause::Timeout, Some(timeout)) => tell(&format!("`{program}` was ended after {timeout:?}")),
        (Cause::Limit(limit), _) => {
            let limit = convert::limit(limit).as_str();
            tell(&format!("`{program}` was ended by its limit `{limit}`"));
        }
        _ => {}
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

async fn report_holders(
    program: &OsStr,
    code: i32,
    process: &Process,
    plugins: &PluginSet,
    facts: &ProcessFacts,
) {
    let program = program.display();
    let mut holders = Vec::new();
    for holder in process.holders() {
        let words = holder.argv.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let argv = shown(plugins, facts, words).await.join(" ");
        let streams: Vec<_> = holder.streams.iter().map(|stream| stream_name(*stream)).collect();
        holders.push(format!("{} (`{argv}`) holds {}", holder.pid, streams.join(" and ")));
    }
    if holders.is_empty() {
        return;
    }
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
