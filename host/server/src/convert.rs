//! The one place where the vocabulary of the wire and that of processes meet: every map between them is here.

mod error;
mod file;
mod page;
mod plugin;
mod start;
mod terminal;

use bytes::Bytes;
use weir_process as process;
use weir_process::{Process, ReadBatch, Snapshot, Status, Terminated};
use weir_protocol as wire;
use weir_protocol::{OutputData, OutputEncoding, ProcessId, Reply};

pub(crate) use self::error::{
    not_resized, signalled, start_error, stdin_full, too_many_orders, unknown_signal,
};
pub(crate) use self::file::{
    directory_entry, file_error, file_metadata, file_path, file_uri, files_not_served, no_handle, no_sandbox,
    too_much_to_write, unknown_handle, walk_limits, walk_result,
};
pub(crate) use self::page::{back_reply, line_range, lines_reply, query, search_reply};
pub(crate) use self::plugin::{
    check_reply, decision, introduced, no_such_summary, no_such_view, not_closed, not_configured,
    plugin_fault, plugin_list, reload_reply, script, start_failure, summary_reply,
};
pub(crate) use self::start::{StartSpec, env_defaults, nobody_takes, start_spec};
pub(crate) use self::terminal::{terminal_exit_status, terminal_output_reply};
use crate::ends::StreamEnds;
use crate::pipeline::Decision;
use crate::view::{ViewBatch, ViewChunk, Whole};

pub(crate) fn event(
    id: &ProcessId,
    encoding: OutputEncoding,
    with_output: bool,
    event: process::Event,
) -> wire::Event {
    let process_id = id.clone();
    // Who gets no output is not told what of it is missing.
    let told = |dropped: Option<process::Dropped>| dropped.filter(|_| with_output).map(self::dropped);
    match event {
        process::Event::Output { chunk, dropped } => wire::Event::Output(wire::OutputEvent {
            process_id,
            seq: chunk.seq,
            stream: stream(chunk.stream),
            data: OutputData::new(chunk.bytes, encoding),
            dropped: told(dropped),
        }),
        process::Event::Exited { seq, exit, streams_open, dropped } => {
            wire::Event::Exited(wire::ExitedEvent {
                process_id,
                seq,
                exit: self::exit(&exit),
                streams_open: streams(&streams_open),
                usage: Some(usage(&exit.usage)),
                dropped: told(dropped),
            })
        }
        process::Event::Closed {
            seq,
            total_bytes,
            dropped_bytes,
            withheld_bytes,
            withheld_reason,
            dropped,
        } => wire::Event::Closed(wire::ClosedEvent {
            process_id,
            seq,
            total_bytes,
            dropped_bytes,
            withheld_bytes,
            withheld_reason: withheld_reason.as_deref().map(str::to_owned),
            dropped: told(dropped),
        }),
    }
}

/// What a client is told of who waits for input, in order.
pub(crate) fn input_events(id: &ProcessId, news: process::InputNews) -> impl Iterator<Item = wire::Event> {
    let taken = news.taken.then(|| wire::Event::InputTaken { process_id: id.clone() });
    let waiting = news.waiting.map(|waiting| {
        wire::Event::WaitingForInput(wire::WaitingForInputEvent {
            process_id: id.clone(),
            waiting: waiting_for_input(waiting),
        })
    });
    taken.into_iter().chain(waiting)
}

fn waiting_for_input(waiting: process::WaitingForInput) -> wire::WaitingForInput {
    wire::WaitingForInput {
        since: wire::Timestamp(waiting.since),
        pid: pid(waiting.pid),
        descriptor: waiting.descriptor,
    }
}

/// At first this looks into a child: blocks, for microseconds.
pub(crate) fn input_watching(cells: &process::Cells) -> wire::InputWatching {
    let seen = cells.sees_waiting_for_input();
    wire::InputWatching { seen: seen.is_ok(), reason: seen.err().map(ToString::to_string) }
}

pub(crate) fn read_reply(batch: ReadBatch, encoding: OutputEncoding) -> Reply {
    Reply::ProcessRead(Box::new(read_result(batch, encoding)))
}

fn read_result(batch: ReadBatch, encoding: OutputEncoding) -> wire::ReadResult {
    let ReadBatch { chunks, dropped, next_seq, status } = batch;
    let chunk = |chunk: process::Chunk| wire::ReadChunk {
        from_seq: None,
        seq: chunk.seq,
        stream: stream(chunk.stream),
        data: OutputData::new(chunk.bytes, encoding),
    };
    wire::ReadResult {
        chunks: chunks.into_iter().map(chunk).collect(),
        next_seq,
        exit: status.exit.as_ref().map(exit),
        closed: status.closed,
        failure: failure(&status),
        dropped: dropped.map(self::dropped),
        streams_open: streams(&status.streams_open),
        total_bytes: status.total_bytes,
        dropped_bytes: status.dropped_bytes,
        withheld_bytes: status.withheld_bytes,
        withheld_reason: status.withheld_reason.as_deref().map(str::to_owned),
        passed_over: Vec::new(),
        before_seq: None,
        lines: None,
    }
}

/// A read of a view: the raw output's state, and chunks of its own.
pub(crate) fn view_reply(batch: ViewBatch, encoding: OutputEncoding) -> Reply {
    let ViewBatch { chunks, dropped, next_seq, status, passed_over, .. } = batch;
    let mut reply = read_result(ReadBatch { chunks: Vec::new(), dropped, next_seq, status }, encoding);
    let chunk = |chunk: ViewChunk| wire::ReadChunk {
        from_seq: Some(chunk.from_seq),
        seq: chunk.seq,
        stream: stream(chunk.stream),
        data: OutputData::new(chunk.bytes, encoding),
    };
    reply.chunks = chunks.into_iter().map(chunk).collect();
    reply.passed_over = passed_over;
    Reply::ProcessRead(Box::new(reply))
}

/// What went wrong with the process on the host's side.
fn failure(status: &Status) -> Option<String> {
    let lost = status.exit.is_some_and(|exit| exit.cause == process::Cause::Lost);
    lost.then(|| "the end of the process was not seen: its shim was killed".to_owned())
}

pub(crate) fn start_result(
    id: &ProcessId,
    pid: i32,
    argv: &[String],
    decision: &Decision,
) -> wire::StartResult {
    wire::StartResult {
        process_id: id.clone(),
        pid: self::pid(pid),
        argv: argv.to_vec(),
        sandbox_type: wire::SandboxType::None,
        decision: self::decision(decision),
    }
}

pub(crate) fn wait_reply(status: Status, timed_out: bool) -> Reply {
    Reply::ProcessWait(wire::WaitResult {
        exit: status.exit.as_ref().map(exit),
        closed: status.closed,
        streams_open: streams(&status.streams_open),
        total_bytes: status.total_bytes,
        dropped_bytes: status.dropped_bytes,
        withheld_bytes: status.withheld_bytes,
        timed_out,
        usage: status.exit.as_ref().map(|exit| usage(&exit.usage)),
    })
}

/// A run that has come to its close.
pub(crate) struct Run<'a> {
    pub(crate) id: ProcessId,
    pub(crate) pid: i32,
    pub(crate) argv: &'a [String],
    pub(crate) encoding: OutputEncoding,
    pub(crate) decision: &'a Decision,
    pub(crate) view: Option<String>,
}

pub(crate) fn run_reply(run: Run<'_>, snapshot: &Snapshot, viewed: Option<Whole>) -> Reply {
    let Snapshot { streams, status, .. } = snapshot;
    let mut cuts = Vec::new();
    // What a terminal carries is told as the standard output that it is.
    let mut output = |wanted: &[process::Stream]| {
        let found = streams.iter().find(|snapshot| wanted.contains(&snapshot.stream));
        let stream = found.map_or(wanted[0], |snapshot| snapshot.stream);
        let ends = match (&viewed, found) {
            (Some(whole), _) => whole.output.of(stream),
            (None, Some(snapshot)) => StreamEnds {
                before: snapshot.before.clone(),
                dropped: snapshot.dropped,
                after: snapshot.after.clone(),
            },
            (None, None) => StreamEnds::default(),
        };
        let (bytes, cut) = join(stream, &ends);
        cuts.extend(cut);
        OutputData::new(bytes, run.encoding)
    };
    let stdout = output(&[process::Stream::Stdout, process::Stream::Pty]);
    let stderr = output(&[process::Stream::Stderr]);
    let dropped_bytes = match &viewed {
        // With what is kept on disk and does not fit into this answer.
        Some(whole) if run.view.is_none() => whole.output.dropped(),
        _ => status.dropped_bytes,
    };
    Reply::ProcessRun(Box::new(wire::RunResult {
        process_id: run.id,
        pid: self::pid(run.pid),
        argv: run.argv.to_vec(),
        sandbox_type: wire::SandboxType::None,
        stdout,
        stderr,
        exit: status.exit.as_ref().map(exit),
        closed: status.closed,
        total_bytes: status.total_bytes,
        dropped_bytes,
        withheld_bytes: status.withheld_bytes,
        withheld_reason: status.withheld_reason.as_deref().map(str::to_owned),
        usage: status.exit.as_ref().map(|exit| usage(&exit.usage)),
        cuts,
        decision: decision(run.decision),
        view: run.view,
        passed_over: viewed.map(|whole| whole.passed_over).unwrap_or_default(),
    }))
}

/// A stream in one piece, and where something is missing in it.
fn join(of: process::Stream, ends: &StreamEnds) -> (Bytes, Option<wire::Cut>) {
    let StreamEnds { before, dropped, after } = ends;
    let at_byte = before.iter().map(Bytes::len).sum::<usize>() as u64;
    let bytes = match (before.as_slice(), after.as_slice()) {
        ([only], []) | ([], [only]) => only.clone(),
        (before, after) => [before, after].concat().concat().into(),
    };
    let cut = (*dropped > 0).then(|| wire::Cut { stream: stream(of), at_byte, bytes: *dropped });
    (bytes, cut)
}

pub(crate) fn terminate_reply(terminated: &Terminated, status: &Status) -> Reply {
    Reply::ProcessTerminate(wire::TerminateResult {
        running: terminated.running,
        exit: status.exit.as_ref().map(exit),
        survivors: terminated.survivors.iter().copied().map(pid).collect(),
    })
}

pub(crate) fn list_entry_starting(id: ProcessId) -> wire::ListEntry {
    wire::ListEntry {
        process_id: id,
        pid: None,
        argv: Vec::new(),
        state: wire::ProcessState::Starting,
        exit: None,
        streams_open: Vec::new(),
        descendants: 0,
        holders: Vec::new(),
        waiting_for_input: None,
        total_bytes: 0,
        dropped_bytes: 0,
        withheld_bytes: 0,
        limits: Vec::new(),
        metadata: Vec::new(),
    }
}

pub(crate) fn list_entry(
    id: ProcessId,
    process: &Process,
    argv: &[String],
    metadata: &[(String, String)],
    status: &Status,
    holders: Vec<process::Holder>,
) -> wire::ListEntry {
    let state = match (status.exit, status.closed) {
        (None, _) => wire::ProcessState::Running,
        (Some(_), false) => wire::ProcessState::Exited,
        (Some(_), true) => wire::ProcessState::Closed,
    };
    // The leader is one of the tree until its exit.
    let leader = usize::from(status.exit.is_none());
    wire::ListEntry {
        process_id: id,
        pid: Some(pid(process.pid())),
        argv: argv.to_vec(),
        state,
        exit: status.exit.as_ref().map(exit),
        streams_open: streams(&status.streams_open),
        descendants: process.descendants().saturating_sub(leader) as u64,
        holders: holders.into_iter().map(holder).collect(),
        waiting_for_input: process.log().waiting_for_input().map(waiting_for_input),
        total_bytes: status.total_bytes,
        dropped_bytes: status.dropped_bytes,
        withheld_bytes: status.withheld_bytes,
        limits: process.limits().iter().map(held_limit).collect(),
        metadata: metadata.to_vec(),
    }
}

fn holder(holder: process::Holder) -> wire::Holder {
    wire::Holder {
        pid: pid(holder.pid),
        argv: holder.argv.into_iter().map(|argument| argument.to_string_lossy().into_owned()).collect(),
        streams: streams(&holder.streams),
    }
}

/// Pids are positive.
fn pid(pid: i32) -> u32 {
    pid.unsigned_abs()
}

pub(crate) fn exit(exit: &process::Exit) -> wire::Exit {
    wire::Exit {
        exit_code: exit.code,
        signal: exit.signal.map(|number| process::Signal::name_of(number).into()),
        limit: match exit.cause {
            process::Cause::Limit(limit) => Some(self::limit(limit)),
            _ => None,
        },
        cause: match exit.cause {
            process::Cause::Exit => wire::Cause::Exit,
            process::Cause::Signal => wire::Cause::Signal,
            process::Cause::Timeout => wire::Cause::Timeout,
            process::Cause::IdleTimeout => wire::Cause::IdleTimeout,
            process::Cause::Terminated => wire::Cause::Terminated,
            process::Cause::Limit(_) => wire::Cause::Limit,
            process::Cause::Lost => wire::Cause::Lost,
        },
    }
}

pub(crate) fn limit(limit: process::Limit) -> wire::Limit {
    match limit {
        process::Limit::Memory => wire::Limit::MemoryBytes,
        process::Limit::Cpu => wire::Limit::CpuSeconds,
        process::Limit::OpenFiles => wire::Limit::OpenFiles,
        process::Limit::FileSize => wire::Limit::FileBytes,
        process::Limit::Processes => wire::Limit::Processes,
    }
}

fn mechanism(mechanism: process::Mechanism) -> wire::Mechanism {
    match mechanism {
        process::Mechanism::Cgroup => wire::Mechanism::Cgroup,
        process::Mechanism::Process => wire::Mechanism::Process,
        process::Mechanism::User => wire::Mechanism::User,
    }
}

fn held_limit(held: &process::HeldLimit) -> wire::HeldLimit {
    wire::HeldLimit { limit: limit(held.limit), value: held.value, by: mechanism(held.by) }
}

/// May look for control groups: blocks, for milliseconds.
pub(crate) fn limit_mechanisms(cells: &process::Cells) -> wire::LimitMechanisms {
    let by = |limit| cells.mechanism(limit).map_or(wire::Mechanism::None, mechanism);
    wire::LimitMechanisms {
        memory_bytes: by(process::Limit::Memory),
        cpu_seconds: by(process::Limit::Cpu),
        open_files: by(process::Limit::OpenFiles),
        file_bytes: by(process::Limit::FileSize),
        processes: by(process::Limit::Processes),
    }
}

fn usage(usage: &process::Usage) -> wire::Usage {
    wire::Usage {
        user_ms: usage.user.as_millis() as u64,
        system_ms: usage.system.as_millis() as u64,
        max_rss_bytes: usage.max_rss_bytes,
        elapsed_ms: usage.elapsed.as_millis() as u64,
    }
}

fn dropped(dropped: process::Dropped) -> wire::Dropped {
    wire::Dropped { from_seq: dropped.from_seq, to_seq: dropped.to_seq, bytes: dropped.bytes }
}

fn stream(stream: process::Stream) -> wire::Stream {
    match stream {
        process::Stream::Stdout => wire::Stream::Stdout,
        process::Stream::Stderr => wire::Stream::Stderr,
        process::Stream::Pty => wire::Stream::Pty,
    }
}

fn streams(of: &[process::Stream]) -> Vec<wire::Stream> {
    of.iter().copied().map(stream).collect()
}

pub(crate) fn wait_for(wait_for: wire::WaitFor) -> process::WaitFor {
    match wait_for {
        wire::WaitFor::Output => process::WaitFor::Output,
        wire::WaitFor::Exit => process::WaitFor::Exit,
        wire::WaitFor::Close => process::WaitFor::Close,
    }
}

pub(crate) fn until(until: wire::Until) -> process::Until {
    match until {
        wire::Until::Exit => process::Until::Exit,
        wire::Until::Close => process::Until::Close,
    }
}

pub(crate) fn scope(scope: wire::Scope) -> process::Scope {
    match scope {
        wire::Scope::Leader => process::Scope::Leader,
        wire::Scope::Group => process::Scope::Group,
        wire::Scope::Tree => process::Scope::Tree,
    }
}

pub(crate) fn write_status(status: process::WriteStatus) -> wire::WriteStatus {
    match status {
        process::WriteStatus::Accepted => wire::WriteStatus::Accepted,
        process::WriteStatus::StdinClosed => wire::WriteStatus::StdinClosed,
    }
}
