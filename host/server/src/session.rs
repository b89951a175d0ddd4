//! A session: one client, one task that owns every table.
//!
//! It receives, decides and hands on; it never waits for anything but its inbox and its tasks. What takes time is a
//! task of its own, whose result comes back here.

mod files;
mod handlers;
mod outcomes;
mod processes;
mod requests;
mod terminals;

use std::collections::HashSet;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::{self, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{debug, info, warn};
use uuid::Uuid;
use weir_protocol::{
    Call, ErrorKind, ErrorObject, Incoming, Notice, OutputEncoding, ProcessId, Reply, RequestId,
};

use self::files::{SessionFiles, Watching};
use self::handlers::RunPlan;
use self::processes::{Key, Processes};
use self::requests::{BatchId, Concern, Requests};
use self::terminals::Terminal;
use crate::host::Shared;
use crate::outbox::{Outbox, Outcome};
use crate::pipeline::{self, Caller, StartFailure};
use crate::push::Push;
use crate::questions::Questions;
use crate::reader::Input;

/// How long streams may take to end once the tree is gone: only a process outside the tree can hold them then.
const CLOSE_DELAY: Duration = Duration::from_secs(1);
/// When a session without a client ends although something is left; the shims go on without the host.
const LOST_CLIENT_DEADLINE: Duration = Duration::from_millis(1500);

/// How long a cancelled start may take to come to its end.
const CANCELLED_START_TIME: Duration = Duration::from_secs(2);

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The client closed its end, and everything was answered.
    InputEnded,
    /// The client sent `exit`.
    Exit {
        /// It had sent `shutdown` before.
        after_shutdown: bool,
    },
    /// Nobody was there any more.
    Gone(Gone),
}

impl Ended {
    /// The exit status of a process that served this session and nothing else: 0 if it ended in order, 1 if the
    /// client left without a word (as the Language Server Protocol has it for `exit` without `shutdown`), 128 + n
    /// after signal n.
    pub fn exit_status(self) -> u8 {
        match self {
            Self::InputEnded | Self::Exit { after_shutdown: true } => 0,
            Self::Exit { after_shutdown: false } | Self::Gone(Gone::Output | Gone::Parent) => 1,
            Self::Gone(Gone::Signal(number)) => u8::try_from(128 + number).unwrap_or(u8::MAX),
        }
    }
}

/// Why nobody is there any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// Nobody reads the output.
    Output,
    /// The parent process has ended.
    Parent,
    /// The host was told to stop by this signal.
    Signal(i32),
}

/// One client's state.
pub(crate) struct Session {
    shared: Arc<Shared>,
    outbox: Arc<Outbox>,
    caller: Caller,
    /// None once there will be no more.
    inbox: Option<mpsc::Receiver<Input>>,
    phase: Phase,
    requests: Requests,
    processes: Processes,
    files: SessionFiles,
    tasks: JoinSet<Done>,
    watches: JoinSet<Watched>,
    /// Processes that are being stopped.
    stopping: usize,
    /// Starts that were cancelled, and whose processes are stopped as soon as they are there.
    cancelled_starts: HashSet<task::Id>,
}

/// How far the session has come.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    /// Nothing but `initialize` is served.
    New,
    Serving,
    /// Every process is being stopped, for this request; then the session is over if the client has said so.
    ShuttingDown {
        request: RequestId,
        then_exit: bool,
    },
    /// `shutdown` is answered.
    ShutDown,
    /// Every process is being stopped; then the session is over.
    Ending(Ended),
}

/// What became of a request's task.
enum Done {
    Answered(Outcome),
    Started(Box<Started>),
    Released(ProcessId, Outcome),
    Watching(Watching),
}

/// The end of a start.
struct Started {
    id: ProcessId,
    result: Result<pipeline::Started, StartFailure>,
    metadata: Arc<[(String, String)]>,
    encoding: OutputEncoding,
    notify: Notify,
    purpose: Purpose,
}

/// What a process is started for: how its start is answered.
enum Purpose {
    /// For itself.
    Start,
    /// For its output: a run goes on from here.
    Run(RunPlan),
    /// For an agent.
    Terminal(Terminal),
}

/// What is pushed of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Notify {
    Everything,
    /// Exit and close.
    End,
    Nothing,
}

/// A handler's answer.
enum Answer {
    Now(Outcome),
    Later(Pin<Box<dyn Future<Output = Done> + Send>>, Concern),
    /// It comes when every process is stopped.
    Shutdown,
}

/// What was waited for beside requests.
enum Watched {
    Closed(ProcessId, Key),
    TreeGone(Key),
    Stopped,
    Nothing,
}

impl Session {
    pub(crate) fn new(shared: Arc<Shared>, outbox: Arc<Outbox>, inbox: mpsc::Receiver<Input>) -> Self {
        shared.plugins.watch(&outbox);
        let caller = Caller {
            session: Uuid::new_v4().to_string().into(),
            client: "".into(),
            questions: Questions::new(Arc::clone(&outbox)),
        };
        Self {
            shared,
            outbox,
            caller,
            inbox: Some(inbox),
            phase: Phase::New,
            requests: Requests::default(),
            processes: Processes::default(),
            files: SessionFiles::default(),
            tasks: JoinSet::new(),
            watches: JoinSet::new(),
            stopping: 0,
            cancelled_starts: HashSet::new(),
        }
    }

    /// Serves until the session is over. `written` tells when the writer has ended, and whether it could write.
    pub(crate) async fn run(
        mut self,
        gone: impl Future<Output = Gone>,
        mut written: oneshot::Receiver<bool>,
    ) -> Ended {
        let mut gone = pin!(gone);
        let mut deadline = None;
        let ended = loop {
            if let Some(ended) = self.advance() {
                break ended;
            }
            let eviction = self.processes.next_eviction();
            let listening = self.inbox.is_some();
            let client_is_there = deadline.is_none();
            tokio::select! {
                input = next_input(&mut self.inbox), if listening => self.receive(input),
                Some(done) = self.tasks.join_next_with_id() => self.task_ended(done),
                Some(watched) = self.watches.join_next() => self.watched(watched),
                () = until(eviction), if eviction.is_some() => {
                    self.processes.evict(self.shared.config.retention);
                }
                reason = &mut gone, if client_is_there => deadline = Some(self.lose_client(reason)),
                _ = &mut written, if client_is_there => deadline = Some(self.lose_client(Gone::Output)),
                () = until(deadline), if deadline.is_some() => {
                    warn!("some processes have not ended yet; their shims see to it");
                    break self.ending();
                }
            }
        };
        self.outbox.finish();
        if !matches!(ended, Ended::Gone(_)) {
            // What waits is written first, unless nobody is there to read it.
            tokio::select! {
                _ = &mut written => {}
                _ = &mut gone => {}
            }
        }
        info!(?ended, "session ended");
        ended
    }

    /// Goes on where nothing has to be waited for any more. Some when all is over.
    fn advance(&mut self) -> Option<Ended> {
        if self.inbox.is_none() && self.requests.is_empty() && !matches!(self.phase, Phase::Ending(_)) {
            self.end(Ended::InputEnded, self.shared.config.grace);
        }
        if self.stopping > 0 || !self.cancelled_starts.is_empty() {
            return None;
        }
        match &self.phase {
            Phase::ShuttingDown { request, then_exit } if !self.processes.is_any_starting() => {
                let (request, then_exit) = (request.clone(), *then_exit);
                self.phase = Phase::ShutDown;
                self.answer(request, Ok(Reply::Shutdown), None);
                if then_exit {
                    self.exit();
                }
                self.advance()
            }
            Phase::Ending(ended) => Some(*ended),
            _ => None,
        }
    }

    fn ending(&self) -> Ended {
        match self.phase {
            Phase::Ending(ended) => ended,
            _ => Ended::InputEnded,
        }
    }

    // What comes in.

    fn receive(&mut self, input: Option<Input>) {
        match input {
            Some(Input::Message(message)) => self.message(message),
            Some(Input::End) | None => {
                self.inbox = None;
                self.caller.questions.close();
            }
        }
    }

    fn message(&mut self, message: Incoming) {
        let Incoming::Batch(messages) = message else { return self.single(message, None) };
        let expects_answer = |message: &&Incoming| {
            matches!(message, Incoming::Request { .. } | Incoming::Invalid { .. } | Incoming::Batch(_))
        };
        let missing = messages.iter().filter(expects_answer).count();
        let batch = (missing > 0).then(|| self.requests.open_batch(missing));
        messages.into_iter().for_each(|message| self.single(message, batch));
    }

    fn single(&mut self, message: Incoming, batch: Option<BatchId>) {
        match message {
            Incoming::Request { id, method, call } => self.request(id, &method, call, batch),
            Incoming::Notification(notice) => self.notice(notice),
            Incoming::Response { id, outcome } => {
                if !id.as_ref().is_some_and(|id| self.caller.questions.answer(id, outcome)) {
                    debug!(?id, "a response to no request of the host's is ignored");
                }
            }
            Incoming::Invalid { id, error } => self.refuse(id, error, batch),
            Incoming::Batch(_) => {
                let error =
                    ErrorObject::new(ErrorKind::InvalidRequest, "expected a message, saw a batch in a batch");
                self.refuse(None, error, batch);
            }
        }
    }

    fn request(
        &mut self,
        id: RequestId,
        method: &str,
        call: Result<Call, ErrorObject>,
        batch: Option<BatchId>,
    ) {
        debug!(%id, method, "request");
        if self.requests.contains(&id) {
            let error = invalid(format!("expected a request id that is not in use, saw `{id}` again"));
            return self.refuse(Some(id), error, batch);
        }
        let limit = self.shared.config.max_requests;
        if self.requests.len() >= limit {
            let message = format!("expected at most {limit} unanswered requests, saw one more");
            let error = ErrorObject::new(ErrorKind::LimitExceeded, message)
                .with("limit", "maxRequests")
                .with("value", limit as u64);
            return self.refuse(Some(id), error, batch);
        }
        if let Err(error) = self.admit(method) {
            return self.refuse(Some(id), error, batch);
        }
        self.requests.insert(id.clone(), batch);
        match call {
            Ok(call) => self.dispatch(id, call),
            Err(error) => self.answer(id, Err(error), None),
        }
    }

    /// Whether a method may be called as far as the session has come.
    fn admit(&self, method: &str) -> Result<(), ErrorObject> {
        match (&self.phase, method) {
            (Phase::New, "initialize") | (Phase::Serving, _)
                if method != "initialize" || self.phase == Phase::New =>
            {
                Ok(())
            }
            (Phase::New, _) => {
                let message = format!("expected `initialize` first, saw `{method}`");
                Err(ErrorObject::new(ErrorKind::NotInitialized, message))
            }
            (Phase::Serving, _) => Err(invalid("expected `initialize` once, saw it again")),
            _ => Err(invalid(format!("expected `exit` after `shutdown`, saw `{method}`"))),
        }
    }

    /// Carries out a request that waits for its answer; in its turn, if the process that it names is only starting.
    fn dispatch(&mut self, id: RequestId, call: Call) {
        if let Some(process) = handlers::process_of(&call)
            && self.processes.must_wait(process, handlers::makes_process(&call))
        {
            let process = process.clone();
            if matches!(call, Call::ProcessTerminate(_) | Call::ProcessRelease(_))
                && self.caller.questions.is_about(&process)
                && let Some(start) = self.requests.start_of(&process)
            {
                // A person's answer is not waited for, to stop what runs only after it.
                self.cancel(&start, "the process was stopped before it ran");
            } else {
                return self.processes.defer(&process, id, call);
            }
        }
        match self.handle(call) {
            Answer::Now(outcome) => self.answer(id, outcome, None),
            Answer::Later(future, concern) => {
                let task = self.tasks.spawn(future);
                self.requests.attend(&id, task, concern);
            }
            Answer::Shutdown => {
                self.requests.set_concern(&id, Concern::Shutdown);
                self.phase = Phase::ShuttingDown { request: id, then_exit: false };
                self.caller.questions.close();
                self.stop_all(self.shared.config.grace);
            }
        }
    }

    fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::Initialized => {}
            Notice::Exit => match &mut self.phase {
                Phase::ShuttingDown { then_exit, .. } => *then_exit = true,
                _ => self.exit(),
            },
            Notice::Cancel { id } => {
                if self.requests.concern(&id) != Some(&Concern::Shutdown) {
                    self.cancel(&id, "the client cancelled the request");
                }
            }
            Notice::Unknown { method } => debug!(method, "an unknown notification is ignored"),
            Notice::Malformed { method, error } => {
                warn!(method, kind = error.kind().as_str(), "a malformed notification is ignored")
            }
        }
    }

    /// The client has nothing more to say, and wants no more answers.
    fn exit(&mut self) {
        let after_shutdown = self.phase == Phase::ShutDown;
        for id in self.requests.ids() {
            self.cancel(&id, "the host exits");
        }
        self.inbox = None;
        self.end(Ended::Exit { after_shutdown }, self.shared.config.lost_client_grace);
    }

    /// Answers a request at once, and stops what it has begun.
    fn cancel(&mut self, id: &RequestId, why: &str) {
        let Some(concern) = self.requests.concern(id).cloned() else { return };
        match (&concern, self.requests.detach(id)) {
            // Nothing was spawned yet, and nothing will be: a question that waits is withdrawn.
            (Concern::Start(_, stage), Some(task)) if stage.cancel() => task.abort(),
            (Concern::Start(..), Some(task)) => self.cancel_start(task),
            (Concern::Release(_), _) | (_, None) => {}
            (_, Some(task)) => task.abort(),
        }
        self.processes.forget_deferred(id);
        self.answer(id.clone(), Err(ErrorObject::new(ErrorKind::RequestCancelled, why)), None);
        match concern {
            Concern::Start(process, _) => self.abandon(&process),
            Concern::Run(process) => {
                if let Ok(entry) = self.processes.get(&process) {
                    let process = Arc::clone(&entry.process);
                    self.stop(process, self.shared.config.grace);
                }
            }
            Concern::Nothing | Concern::Release(_) | Concern::Shutdown => {}
        }
    }

    /// Lets a start go on until there is something to stop, but not for long: dropping it is left to the shim alone.
    fn cancel_start(&mut self, task: task::AbortHandle) {
        self.cancelled_starts.insert(task.id());
        self.watches.spawn(async move {
            sleep(CANCELLED_START_TIME).await;
            task.abort();
            Watched::Nothing
        });
    }

    /// Nobody is there any more. Returns when the session is over at the latest.
    fn lose_client(&mut self, gone: Gone) -> Instant {
        info!(?gone, "the client is gone");
        self.inbox = None;
        self.caller.questions.close();
        self.tasks.abort_all();
        self.cancelled_starts.clear();
        self.requests = Requests::default();
        self.end(Ended::Gone(gone), self.shared.config.lost_client_grace);
        Instant::now() + LOST_CLIENT_DEADLINE
    }

    // Answers.

    fn answer(&mut self, id: RequestId, outcome: Outcome, then_push: Option<Arc<Push>>) {
        self.requests.answer(id, outcome, then_push, &self.outbox);
    }

    /// Answers what is not carried out at all.
    fn refuse(&mut self, id: Option<RequestId>, error: ErrorObject, batch: Option<BatchId>) {
        // Not its message: that quotes what the client has sent.
        debug!(?id, kind = error.kind().as_str(), "refused");
        self.requests.respond(id, Err(error), batch, None, &self.outbox);
    }
}

fn invalid(message: impl Into<String>) -> ErrorObject {
    ErrorObject::new(ErrorKind::InvalidRequest, message)
}

async fn next_input(inbox: &mut Option<mpsc::Receiver<Input>>) -> Option<Input> {
    inbox.as_mut()?.recv().await
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
