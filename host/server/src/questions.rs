//! Questions to the client: may this command run?

use std::collections::{HashMap, VecDeque};
use std::ffi::OsString;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;
use tracing::warn;
use weir_protocol::{
    AskDecision, AskParams, AskResult, AskScope, ClientRequest, Event, Opaque, ProcessId, RequestId,
    ResponseError,
};

use crate::outbox::{Notice, Outbox};

/// Answers for the whole session that are remembered; beyond that the oldest is forgotten and asked anew.
const MAX_REMEMBERED: usize = 1024;

/// An answer that is being waited for.
pub(crate) type Asking = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// The questions of one session. Whoever asks waits; the session hands the answers in.
pub(crate) struct Questions {
    outbox: Arc<Outbox>,
    /// A person who is asked in the client's place.
    person: Option<fn(AskParams, Duration) -> Asking>,
    /// Whether the client said that it can be asked, and is still there to answer.
    open: AtomicBool,
    next: AtomicU64,
    /// Held to put something in or take something out, never over an await.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: HashMap<String, Waiting>,
    remembered: HashMap<Exactly, bool>,
    order: VecDeque<Exactly>,
}

/// A question that was asked.
struct Waiting {
    process: Option<ProcessId>,
    sender: oneshot::Sender<Result<AskResult, String>>,
}

/// What an answer for the session holds for: this command, under these plugins, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Exactly {
    pub(crate) generation: u64,
    pub(crate) argv: Vec<String>,
    pub(crate) cwd: String,
    /// What the caller and policies set.
    pub(crate) env: Vec<(String, String)>,
    /// All that the command would get: what is inherited may change what the words mean as well.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// Anything else that changes what the words mean.
    pub(crate) arg0: Option<String>,
}

/// What a question came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// By the client, now or for this session.
    Given { allow: bool, remembered: bool, reason: Option<String> },
    /// There is none, and why.
    None(String),
}

impl Questions {
    /// Questions that go to the client, once it has said that it can be asked.
    pub(crate) fn new(outbox: Arc<Outbox>) -> Arc<Self> {
        Arc::new(Self::to(outbox, None))
    }

    /// Questions that a person answers, by way of this function; none: that nobody answers.
    pub(crate) fn to_person(person: Option<fn(AskParams, Duration) -> Asking>) -> Arc<Self> {
        Arc::new(Self::to(Outbox::new(), person))
    }

    fn to(outbox: Arc<Outbox>, person: Option<fn(AskParams, Duration) -> Asking>) -> Self {
        let open = AtomicBool::new(person.is_some());
        Self { outbox, person, open, next: AtomicU64::new(1), state: Mutex::default() }
    }

    /// The client has said that it can be asked.
    pub(crate) fn open(&self) {
        self.open.store(true, Ordering::Release);
    }

    /// Whether there is somebody to ask.
    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// Nobody will answer any more: what waits is told so, and so is what asks later.
    pub(crate) fn close(&self) {
        self.open.store(false, Ordering::Release);
        let waiting = std::mem::take(&mut self.lock().waiting);
        drop(waiting);
    }

    /// Whether the client is being asked about this process.
    pub(crate) fn is_about(&self, process: &ProcessId) -> bool {
        self.lock().waiting.values().any(|waiting| waiting.process.as_ref() == Some(process))
    }

    /// Asks, and waits for the answer for at most `limit`. Dropping the future withdraws the question.
    pub(crate) async fn ask(&self, params: AskParams, exactly: Exactly, limit: Duration) -> Answer {
        if let Some(person) = self.person {
            return person(params, limit).await;
        }
        let id = format!("ask-{}", self.next.fetch_add(1, Ordering::Relaxed));
        let (sender, answer) = oneshot::channel();
        {
            let mut state = self.lock();
            if let Some(allow) = state.remembered.get(&exactly).copied() {
                return Answer::Given { allow, remembered: true, reason: None };
            }
            // Under the lock: `close` either finds the question or is seen here.
            if !self.is_open() {
                return Answer::None("nobody can be asked".to_owned());
            }
            state.waiting.insert(id.clone(), Waiting { process: params.process_id.clone(), sender });
        }
        let mut question = Question { questions: self, id: &id, answered: false };
        self.outbox.notify(Notice::Request(id.clone(), Box::new(ClientRequest::PolicyAsk(params))));
        let answer = match timeout(limit, answer).await {
            Ok(answer) => {
                question.answered = true;
                answer
            }
            Err(_) => return Answer::None(format!("nobody answered within {} s", limit.as_secs_f64())),
        };
        match answer {
            Ok(Ok(AskResult { decision, scope, reason })) => {
                let allow = decision == AskDecision::Allow;
                if scope == AskScope::Session {
                    self.lock().remember(exactly, allow);
                }
                Answer::Given { allow, remembered: false, reason }
            }
            Ok(Err(why)) => Answer::None(why),
            Err(_) => Answer::None("the client has gone before it answered".to_owned()),
        }
    }

    /// Hands in a client's response. False if it answers no question that waits.
    pub(crate) fn answer(&self, id: &RequestId, outcome: Result<Opaque, ResponseError>) -> bool {
        let RequestId::String(id) = id else { return false };
        let Some(Waiting { sender, .. }) = self.lock().waiting.remove(&**id) else { return false };
        let answer = match outcome {
            Ok(result) => AskResult::decode(&result).map_err(|error| {
                warn!(message = error.message(), "an answer to `policy/ask` is taken as none");
                error.message().to_owned()
            }),
            Err(error) => Err(format!("the client answered with error {}: {}", error.code, error.message)),
        };
        // Whoever asked may have been cancelled meanwhile.
        let _ = sender.send(answer);
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn remember(&mut self, exactly: Exactly, allow: bool) {
        if self.remembered.insert(exactly.clone(), allow).is_none() {
            self.order.push_back(exactly);
        }
        if self.order.len() > MAX_REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.remembered.remove(&oldest);
        }
    }
}

/// A question that waits. Dropping it unanswered tells the client that it need not answer.
struct Question<'a> {
    questions: &'a Questions,
    id: &'a str,
    answered: bool,
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.questions.lock().waiting.remove(self.id);
            let id = self.id.to_owned();
            self.questions.outbox.notify(Notice::Event(Box::new(Event::CancelRequest { id })));
        }
    }
}

impl fmt::Debug for Questions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Questions").field("open", &self.is_open()).finish_non_exhaustive()
    }
}
