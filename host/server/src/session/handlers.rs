//! What each request does: a short function a method, which answers at once or hands on a future.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};
use tracing::warn;
use weir_plugin::Kind;
use weir_process::{OutputLog, Overflow, Process, Signal, Snapshot, TerminalSize, Until, search};
use weir_protocol::{
    Call, CloseStdinParams, EnvironmentState, EnvironmentStatus, ErrorKind, ErrorObject, InitializeParams,
    ListResult, Opaque, PolicyCheckParams, ProcessId, ReadParams, ReleaseParams, Reply, RequestId,
    ResizeParams, RunParams, SearchParams, SignalParams, StartParams, SummaryParams, TerminateParams,
    WaitParams, WriteParams, WriteResult, WriteStatus,
};

use super::processes::{Entry, Row};
use super::requests::{Concern, Stage};
use super::{Answer, CLOSE_DELAY, Done, Notify, Phase, Purpose, Session, Started};
use crate::convert::{self, StartSpec};
use crate::ends::Ends;
use crate::ingest::shown;
use crate::outbox::Outcome;
use crate::summary::Pages;
use crate::view::{View, Whole};
use crate::{environment, pipeline};

/// What a read of lines gives at the most, unless the client says otherwise.
const LINES: u64 = 1 << 20;

/// How a run goes on after its start.
#[derive(Debug, Clone)]
pub(super) struct RunPlan {
    /// It was started with a time limit: its end is not waited for beyond the end of its tree.
    limited: bool,
    /// The view that it returns instead of what was printed.
    pub(super) view: Option<String>,
    /// How much it returns at the most.
    most: u64,
}

/// The process that a request names: requests that name the same one are applied in the order of their arrival.
pub(super) fn process_of(call: &Call) -> Option<&ProcessId> {
    match call {
        Call::ProcessStart(params) => params.process_id.as_ref(),
        Call::ProcessRun(params) => params.start.process_id.as_ref(),
        Call::ProcessRead(params) => Some(&params.process_id),
        Call::ProcessWait(params) => Some(&params.process_id),
        Call::ProcessWrite(params) => Some(&params.process_id),
        Call::ProcessCloseStdin(params) => Some(&params.process_id),
        Call::ProcessResize(params) => Some(&params.process_id),
        Call::ProcessSignal(params) => Some(&params.process_id),
        Call::ProcessTerminate(params) => Some(&params.process_id),
        Call::ProcessRelease(params) => Some(&params.process_id),
        Call::ProcessSummary(params) => Some(&params.process_id),
        Call::ProcessSearch(params) => Some(&params.process_id),
        Call::TerminalOutput(params)
        | Call::TerminalWaitForExit(params)
        | Call::TerminalKill(params)
        | Call::TerminalRelease(params) => Some(&params.terminal_id),
        Call::Initialize(_)
        | Call::Shutdown
        | Call::EnvironmentInfo
        | Call::EnvironmentStatus
        | Call::ProcessList
        | Call::PolicyCheck(_)
        | Call::PluginList
        | Call::PluginReload
        | Call::TerminalCreate(_)
        | Call::Fs(_) => None,
    }
}

/// Whether a request makes the process that it names, instead of needing it.
pub(super) fn makes_process(call: &Call) -> bool {
    matches!(call, Call::ProcessStart(_) | Call::ProcessRun(_))
}

/// What a request comes to whose process there is not.
fn without_process(call: &Call, unknown: ErrorObject) -> Outcome {
    match call {
        Call::ProcessWrite(_) => Ok(Reply::ProcessWrite(WriteResult { status: WriteStatus::UnknownProcess })),
        _ => Err(unknown),
    }
}

impl Session {
    pub(super) fn handle(&mut self, call: Call) -> Answer {
        if !makes_process(&call)
            && let Some(id) = process_of(&call)
            && let Err(unknown) = self.processes.get(id)
        {
            return Answer::Now(without_process(&call, unknown));
        }
        let answer = match call {
            Call::Initialize(params) => self.initialize(&params),
            Call::Shutdown => Ok(Answer::Shutdown),
            Call::EnvironmentInfo => {
                let info = environment::info(&self.shared.config);
                Ok(Answer::now(Reply::EnvironmentInfo(Box::new(info))))
            }
            Call::EnvironmentStatus => Ok(Answer::now(Reply::EnvironmentStatus(EnvironmentStatus {
                status: EnvironmentState::Ready,
            }))),
            Call::ProcessStart(params) => self.start(*params),
            Call::ProcessRun(params) => self.run_to_close(*params),
            Call::ProcessRead(params) => self.read(&params),
            Call::ProcessWait(params) => self.wait(&params),
            Call::ProcessWrite(params) => self.write(params),
            Call::ProcessCloseStdin(params) => self.close_stdin(&params),
            Call::ProcessResize(params) => self.resize(&params),
            Call::ProcessSignal(params) => self.signal(&params),
            Call::ProcessTerminate(params) => self.terminate(&params),
            Call::ProcessList => Ok(self.list()),
            Call::ProcessRelease(params) => self.release(params),
            Call::ProcessSummary(params) => self.summary(params),
            Call::ProcessSearch(params) => self.search(params),
            Call::PolicyCheck(params) => self.policy_check(*params),
            Call::PluginList => {
                Ok(Answer::now(Reply::PluginList(convert::plugin_list(&self.shared.plugins))))
            }
            Call::PluginReload => Ok(self.plugin_reload()),
            Call::TerminalCreate(params) => self.terminal_create(*params),
            Call::TerminalOutput(params) => self.terminal_output(&params),
            Call::TerminalWaitForExit(params) => self.terminal_wait_for_exit(params),
            Call::TerminalKill(params) => self.terminal_kill(params),
            Call::TerminalRelease(params) => self.terminal_release(params),
            Call::Fs(call) => self.file_call(call),
        };
        answer.unwrap_or_else(|error| Answer::Now(Err(error)))
    }

    fn initialize(&mut self, params: &InitializeParams) -> Result<Answer, ErrorObject> {
        if let Some(session) = &params.resume_session_id {
            let message =
                format!("no session `{session}` can be resumed: a session ends with its connection");
            return Err(ErrorObject::new(ErrorKind::UnknownSession, message).with("sessionId", &**session));
        }
        self.caller.client = params.client_name.as_str().into();
        if params.capabilities.ask && self.inbox.is_some() {
            self.caller.questions.open();
        }
        // From here on: what comes behind this request waits for the plugins by itself.
        self.phase = Phase::Serving;
        let (shared, session) = (Arc::clone(&self.shared), Arc::clone(&self.caller.session));
        if shared.plugins.file().is_none() {
            let introduction = environment::introduction(&shared, &session);
            return Ok(Answer::now(Reply::Initialize(Box::new(introduction))));
        }
        Ok(Answer::later(async move {
            // A failure is part of the introduction.
            drop(shared.plugins.current().await);
            Ok(Reply::Initialize(Box::new(environment::introduction(&shared, &session))))
        }))
    }

    fn start(&mut self, params: StartParams) -> Result<Answer, ErrorObject> {
        let notify = if params.notify.unwrap_or(true) { Notify::Everything } else { Notify::End };
        let wanted = params.process_id.clone();
        let spec = convert::start_spec("process/start", params, &self.shared.config)?;
        self.launch(wanted, spec, notify, Purpose::Start)
    }

    fn run_to_close(&mut self, params: RunParams) -> Result<Answer, ErrorObject> {
        // A run answers with everything at once: it pushes only if it was asked to.
        let notify = if params.start.notify.unwrap_or(false) { Notify::Everything } else { Notify::Nothing };
        let wanted = params.start.process_id.clone();
        let limited = params.start.timeout_ms.or(params.start.idle_timeout_ms).is_some();
        let view = params.view;
        let mut spec = convert::start_spec("process/run", params.start, &self.shared.config)?;
        if notify == Notify::Nothing && spec.options.retention.overflow == Overflow::Backpressure {
            return Err(convert::nobody_takes());
        }
        spec.view.clone_from(&view);
        if let Some(most) = params.max_output_bytes {
            let retention = &mut spec.options.retention;
            retention.max_bytes = retention.max_bytes.min(most);
        }
        let most = spec.options.retention.max_bytes;
        self.launch(wanted, spec, notify, Purpose::Run(RunPlan { limited, view, most }))
    }

    pub(super) fn launch(
        &mut self,
        wanted: Option<ProcessId>,
        mut spec: StartSpec,
        notify: Notify,
        purpose: Purpose,
    ) -> Result<Answer, ErrorObject> {
        spec.options.followed = notify == Notify::Everything;
        let id = self.processes.reserve(wanted, self.shared.config.max_processes)?;
        let (shared, caller, stage) = (Arc::clone(&self.shared), self.caller.clone(), Stage::default());
        let concern = Concern::Start(id.clone(), stage.clone());
        let start = async move {
            let (metadata, encoding) = (spec.metadata.clone(), spec.encoding);
            let result = pipeline::start(&shared, spec, &id, &caller, || stage.spawn()).await;
            Done::Started(Box::new(Started { id, result, metadata, encoding, notify, purpose }))
        };
        Ok(Answer::Later(Box::pin(start), concern))
    }

    fn read(&self, params: &ReadParams) -> Result<Answer, ErrorObject> {
        let entry = self.processes.get(&params.process_id)?;
        let (log, encoding) = (Arc::clone(entry.process.log()), entry.encoding);
        if let Some(bytes) = params.from_end {
            let before = params.before_seq;
            return Ok(Answer::later(async move {
                Ok(convert::back_reply(log.fetch_back(before, bytes).await, encoding))
            }));
        }
        if let Some(lines) = params.lines {
            let most = params.max_bytes.unwrap_or(LINES);
            let range = convert::line_range(lines);
            return Ok(Answer::later(async move {
                Ok(convert::lines_reply(log.fetch_lines(range, most).await, lines, encoding))
            }));
        }
        let after = params.after_seq.unwrap_or(0);
        if entry.reads_acknowledge {
            log.acknowledge(after);
        }
        let most = params.max_bytes;
        let wait = params.wait_ms.filter(|wait| *wait > 0).map(Duration::from_millis);
        let wait_for = convert::wait_for(params.wait_for);
        if let Some(name) = &params.view {
            let view = self.view(entry, name)?;
            return Ok(Answer::later(async move {
                let batch = match wait {
                    None => view.read(after, most).await,
                    Some(wait) => view.read_waiting(after, most, wait_for, wait).await,
                };
                Ok(convert::view_reply(batch, encoding))
            }));
        }
        let Some(wait) = wait else {
            return Ok(match log.try_read(after, most) {
                Some(batch) => Answer::now(convert::read_reply(batch, encoding)),
                None => {
                    Answer::later(
                        async move { Ok(convert::read_reply(log.fetch(after, most).await, encoding)) },
                    )
                }
            });
        };
        Ok(Answer::later(async move {
            let batch = log.read_waiting(after, most, wait_for, Some(wait)).await;
            Ok(convert::read_reply(batch, encoding))
        }))
    }

    /// A view of a process, made with the filters that held when it was started.
    pub(super) fn view(&self, entry: &Entry, name: &str) -> Result<Arc<View>, ErrorObject> {
        let Some(filters) = entry.plugins.views.get(name) else {
            return Err(convert::no_such_view(name, &entry.plugins));
        };
        let log = entry.process.log();
        Ok(entry.views.get(name, filters, &entry.facts, log, &self.shared.views))
    }

    fn summary(&self, params: SummaryParams) -> Result<Answer, ErrorObject> {
        let entry = self.processes.get(&params.process_id)?;
        let Some(plugin) =
            entry.plugins.plugin(&params.plugin).filter(|plugin| plugin.kinds().contains(&Kind::Summary))
        else {
            return Err(convert::no_such_summary(&params.plugin, &entry.plugins));
        };
        let (log, facts, plugin) =
            (Arc::clone(entry.process.log()), Arc::clone(&entry.facts), Arc::clone(plugin));
        let snapshot = log.snapshot();
        if !snapshot.status.closed {
            return Err(convert::not_closed(&params.process_id));
        }
        Ok(Answer::later(async move {
            let (exit, dropped) = (snapshot.status.exit, snapshot.status.dropped_bytes);
            let pages = Arc::new(Pages::new(snapshot, &facts));
            let options = params.options.as_ref().map_or("{}", Opaque::as_str).to_owned();
            let report = plugin.summarize(pages, options).await;
            convert::summary_reply(params.process_id, plugin.name(), report, exit, dropped)
        }))
    }

    fn search(&self, params: SearchParams) -> Result<Answer, ErrorObject> {
        let entry = self.processes.get(&params.process_id)?;
        let (log, encoding) = (Arc::clone(entry.process.log()), entry.encoding);
        let shared = Arc::clone(&self.shared);
        Ok(Answer::later(async move {
            // It is not closed before the host is.
            let _turn = shared.searches.acquire().await;
            let query = convert::query(params).await?;
            Ok(convert::search_reply(search(log, query).await, encoding))
        }))
    }

    fn policy_check(&self, params: PolicyCheckParams) -> Result<Answer, ErrorObject> {
        let explain = params.explain;
        let spec = convert::start_spec("policy/check", params.start, &self.shared.config)?;
        let (shared, caller) = (Arc::clone(&self.shared), self.caller.clone());
        Ok(Answer::later(async move { pipeline::check(&shared, &spec, &caller, explain).await }))
    }

    fn plugin_reload(&self) -> Answer {
        let shared = Arc::clone(&self.shared);
        Answer::later(async move {
            match shared.plugins.reload().await {
                Ok(set) => Ok(convert::reload_reply(&set)),
                Err(failure) => Err(convert::not_configured(&failure)),
            }
        })
    }

    pub(super) fn wait(&self, params: &WaitParams) -> Result<Answer, ErrorObject> {
        let log = Arc::clone(self.processes.get(&params.process_id)?.process.log());
        let until = convert::until(params.until);
        let limit = params.timeout_ms.map_or(Duration::MAX, Duration::from_millis);
        Ok(Answer::later(async move {
            let timed_out = timeout(limit, log.wait(until)).await.is_err();
            Ok(convert::wait_reply(log.status(), timed_out))
        }))
    }

    fn write(&self, params: WriteParams) -> Result<Answer, ErrorObject> {
        let process = &self.processes.get(&params.process_id)?.process;
        // Told apart by type: 7 is not "7".
        let id = params.write_id.map(|id| match id {
            RequestId::Integer(id) => id.to_string(),
            RequestId::String(id) => format!("\"{id}"),
        });
        let size = params.data.as_ref().map_or(0, Bytes::len);
        let written = params.data.map(|data| process.write(data, id)).transpose();
        let written = written.map_err(|full| convert::stdin_full(&params.process_id, size, full))?;
        // In the queue behind the bytes, whatever becomes of them.
        let closed =
            params.close.then(|| process.close_stdin()).transpose().map_err(convert::too_many_orders)?;
        Ok(Answer::later(async move {
            let written = match written {
                Some(written) => Some(written.await),
                None => None,
            };
            let closed = match closed {
                Some(closed) => Some(closed.await),
                None => None,
            };
            let status = written.or(closed).map_or(WriteStatus::Accepted, convert::write_status);
            Ok(Reply::ProcessWrite(WriteResult { status }))
        }))
    }

    fn close_stdin(&self, params: &CloseStdinParams) -> Result<Answer, ErrorObject> {
        let process = &self.processes.get(&params.process_id)?.process;
        let closed = process.close_stdin().map_err(convert::too_many_orders)?;
        Ok(Answer::later(async move {
            Ok(Reply::ProcessCloseStdin(WriteResult { status: convert::write_status(closed.await) }))
        }))
    }

    fn resize(&self, params: &ResizeParams) -> Result<Answer, ErrorObject> {
        let id = &params.process_id;
        let resized =
            self.processes.get(id)?.process.resize(TerminalSize { cols: params.cols, rows: params.rows });
        let resized = resized.map_err(|error| convert::not_resized(id, error))?;
        Ok(Answer::later(async move {
            resized.await;
            Ok(Reply::ProcessResize)
        }))
    }

    fn signal(&self, params: &SignalParams) -> Result<Answer, ErrorObject> {
        let process = &self.processes.get(&params.process_id)?.process;
        let signal = match params.signal.as_str() {
            "interrupt" => Some(Signal::INTERRUPT),
            name => Signal::from_name(name),
        };
        let Some(signal) = signal else { return Err(convert::unknown_signal(&params.signal)) };
        let sent = process.signal(convert::scope(params.scope), signal).map_err(convert::too_many_orders)?;
        Ok(Answer::later(async move { convert::signalled(sent.await) }))
    }

    pub(super) fn terminate(&self, params: &TerminateParams) -> Result<Answer, ErrorObject> {
        let process = &self.processes.get(&params.process_id)?.process;
        let log = Arc::clone(process.log());
        let grace = params.grace_ms.map_or(self.shared.config.grace, Duration::from_millis);
        let terminated = process.terminate(grace).map_err(convert::too_many_orders)?;
        Ok(Answer::later(async move {
            let terminated = terminated.await;
            Ok(convert::terminate_reply(&terminated, &log.status()))
        }))
    }

    fn list(&self) -> Answer {
        let rows = self.processes.rows();
        Answer::later(async move {
            // Looks through /proc.
            let entries: Result<Vec<_>, _> =
                spawn_blocking(|| rows.into_iter().map(list_entry).collect()).await;
            match entries {
                Ok(entries) => {
                    let mut processes = Vec::with_capacity(entries.len());
                    for (mut listed, entry) in entries {
                        if let Some(Entry { plugins, facts, .. }) = entry {
                            for holder in &mut listed.holders {
                                holder.argv = shown(&plugins, &facts, std::mem::take(&mut holder.argv)).await;
                            }
                        }
                        processes.push(listed);
                    }
                    Ok(Reply::ProcessList(ListResult { processes }))
                }
                Err(failed) => {
                    warn!(%failed, "the list of processes failed");
                    Err(ErrorObject::new(
                        ErrorKind::Internal,
                        "the host failed to look through the processes",
                    ))
                }
            }
        })
    }

    pub(super) fn release(&mut self, params: ReleaseParams) -> Result<Answer, ErrorObject> {
        let id = params.process_id;
        let process = self.processes.begin_release(&id)?.process;
        let grace = self.shared.config.grace;
        let released = id.clone();
        let release = async move {
            let outcome = match process.terminate(grace) {
                Ok(terminated) => {
                    terminated.await;
                    Ok(Reply::ProcessRelease)
                }
                Err(too_many) => Err(convert::too_many_orders(too_many)),
            };
            process.log().clear();
            Done::Released(released, outcome)
        };
        Ok(Answer::Later(Box::pin(release), Concern::Release(id)))
    }
}

impl Answer {
    pub(super) fn now(reply: Reply) -> Self {
        Self::Now(Ok(reply))
    }

    pub(super) fn later(outcome: impl Future<Output = Outcome> + Send + 'static) -> Self {
        Self::Later(Box::pin(async { Done::Answered(outcome.await) }), Concern::Nothing)
    }

    /// The same, told in other words.
    pub(super) fn map(self, told: fn(Reply) -> Reply) -> Self {
        match self {
            Self::Now(outcome) => Self::Now(outcome.map(told)),
            Self::Later(done, concern) => {
                let done = async move {
                    match done.await {
                        Done::Answered(outcome) => Done::Answered(outcome.map(told)),
                        Done::Released(process, outcome) => Done::Released(process, outcome.map(told)),
                        // What it is for says how it is told.
                        other @ (Done::Started(_) | Done::Watching(_)) => other,
                    }
                };
                Self::Later(Box::pin(done), concern)
            }
            Self::Shutdown => Self::Shutdown,
        }
    }
}

/// A row, with the entry that it is of.
fn list_entry(row: Row) -> (weir_protocol::ListEntry, Option<Entry>) {
    match row {
        Row::Starting(id) => (convert::list_entry_starting(id), None),
        Row::Present(id, entry) => {
            let Entry { process, argv, metadata, .. } = &entry;
            let status = process.log().status();
            let holders =
                if status.exit.is_some() && !status.closed { process.holders() } else { Vec::new() };
            (convert::list_entry(id, process, argv, metadata, &status, holders), Some(entry))
        }
    }
}

/// The second half of a run: waits for the close, and collects what was printed, or what a view makes of it.
pub(super) async fn run_result(id: ProcessId, entry: Entry, plan: RunPlan, view: Option<Arc<View>>) -> Done {
    wait_for_close(&entry.process, &plan).await;
    let snapshot: Snapshot = entry.process.log().snapshot();
    let log = entry.process.log();
    let viewed = match &view {
        Some(view) => Some(view.whole(plan.most).await),
        // More than memory holds.
        None if snapshot.spilled.is_some() => {
            Some(Whole { output: spilled(log, &snapshot, plan.most).await, passed_over: Vec::new() })
        }
        None => None,
    };
    let Entry { process, argv, encoding, decision, .. } = entry;
    let run =
        convert::Run { id, pid: process.pid(), argv: &argv, encoding, decision: &decision, view: plan.view };
    Done::Answered(Ok(convert::run_reply(run, &snapshot, viewed)))
}

/// What was printed, in part from disk.
async fn spilled(log: &Arc<OutputLog>, snapshot: &Snapshot, most: u64) -> Ends {
    let (mut ends, mut after) = (Ends::new(most), 0);
    loop {
        let batch = log.fetch(after, Some(1 << 20)).await;
        if batch.dropped.is_some() {
            ends.miss(snapshot.streams.iter().map(|stream| (stream.stream, stream.dropped)));
        }
        if batch.chunks.is_empty() {
            return ends;
        }
        for chunk in batch.chunks {
            ends.push(chunk.stream, chunk.bytes);
        }
        after = batch.next_seq - 1;
    }
}

async fn wait_for_close(process: &Process, plan: &RunPlan) {
    let close = process.log().wait(Until::Close);
    if plan.limited {
        tokio::select! {
            () = close => {}
            // Whoever set a limit gets an answer even if somebody outside the tree holds a stream.
            () = async { process.tree_gone().await; sleep(CLOSE_DELAY).await } => {}
        }
    } else {
        close.await;
    }
}
