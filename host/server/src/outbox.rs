//! The way out: what waits to be written, and the thread that writes it.
//!
//! Responses go before notifications. What plugins have to say, and questions to the client, come next, in a short queue.
//! Notifications of processes are not queued: a process that has news stands in line, and when
//! its turn comes it is asked for the next of it, so a client that stops reading costs no memory.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tracing::warn;
use weir_protocol::{
    ClientRequest, Encoder, ErrorObject, Event, Framing, Reply, RequestId, encode_batch, encode_event,
    encode_request, encode_response,
};

use crate::push::Push;

/// What is gathered before it is written, unless there is nothing more to gather.
const WRITE_AT: usize = 128 * 1024;
/// Responses that may wait to be written before no more requests are read: a client that does not read its answers
/// gets no more of them.
const MAX_RESPONSES: usize = 1024;
/// A response without output, in bytes.
const ORDINARY_RESPONSE: usize = 1024;
/// The same in bytes of memory that they hold.
const MAX_RESPONSE_BYTES: usize = 32 << 20;

/// Notices that may wait to be written; more are lost, and logged. There is one question a start at the most, and a plugin
/// that fails often is switched off.
const MAX_NOTICES: usize = 16_384 + 256;

/// What a request came to.
pub(crate) type Outcome = Result<Reply, ErrorObject>;

/// Responses that are written together, and what may be pushed once they are.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) content: Content,
    /// Processes whose notifications must not come before this response.
    pub(crate) then_push: Vec<Arc<Push>>,
}

#[derive(Debug)]
pub(crate) enum Content {
    Single(Option<RequestId>, Outcome),
    Batch(Vec<(Option<RequestId>, Outcome)>),
}

/// What the host says by itself, beside the news of processes.
#[derive(Debug)]
pub(crate) enum Notice {
    Event(Box<Event>),
    Request(String, Box<ClientRequest>),
}

/// Shared by the session, the reader, the processes that have news, and the writer.
#[derive(Debug)]
pub(crate) struct Outbox {
    /// Held to put something in or take something out, never over an await or a write.
    state: Mutex<State>,
    /// Something came, or the state has changed.
    news: Condvar,
    /// Responses were written.
    room: Condvar,
}

#[derive(Debug)]
struct State {
    responses: VecDeque<Response>,
    response_bytes: usize,
    notices: VecDeque<Notice>,
    /// Processes with news. Each stands here once at the most.
    turns: VecDeque<Arc<Push>>,
    framing: Framing,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// What waits is written, then the writer ends.
    Finishing,
    /// The writer has ended: nothing is taken any more.
    Over,
}

/// What the writer does next.
#[expect(clippy::large_enum_variant, reason = "one of them at a time, on the writer's stack")]
enum Work {
    Encode(Response, Framing),
    Tell(Notice, Framing),
    Turn(Arc<Push>, Framing),
    /// Nothing more for now: write what was gathered.
    Write,
    End,
}

impl Outbox {
    pub(crate) fn new() -> Arc<Self> {
        let state = State {
            responses: VecDeque::new(),
            response_bytes: 0,
            notices: VecDeque::new(),
            turns: VecDeque::new(),
            framing: Framing::Ndjson,
            phase: Phase::Open,
        };
        Arc::new(Self { state: Mutex::new(state), news: Condvar::new(), room: Condvar::new() })
    }

    /// Answers in the client's framing from now on.
    pub(crate) fn set_framing(&self, framing: Framing) {
        self.lock().framing = framing;
    }

    /// Queues a response. Bounded by [`Outbox::wait_for_room`], which keeps more requests from coming.
    pub(crate) fn send(&self, response: Response) {
        let mut state = self.lock();
        if state.phase != Phase::Over {
            state.response_bytes += response.size();
            state.responses.push_back(response);
            self.news.notify_one();
        }
    }

    /// Queues what the host says by itself.
    pub(crate) fn notify(&self, notice: Notice) {
        let mut state = self.lock();
        if state.phase == Phase::Over {
            return;
        }
        if state.notices.len() >= MAX_NOTICES {
            drop(state);
            warn!("the client reads nothing: a notification is lost");
            return;
        }
        state.notices.push_back(notice);
        self.news.notify_one();
    }

    /// Puts a process in line.
    pub(crate) fn enqueue(&self, push: Arc<Push>) {
        let mut state = self.lock();
        if state.phase == Phase::Over {
            drop(state);
            push.end();
        } else {
            state.turns.push_back(push);
            self.news.notify_one();
        }
    }

    /// Waits until few enough responses wait. Blocks: for the reader's thread, and for work whose answer is long.
    pub(crate) fn wait_for_room(&self) {
        let full = |state: &mut State| {
            state.phase == Phase::Open
                && (state.responses.len() >= MAX_RESPONSES || state.response_bytes >= MAX_RESPONSE_BYTES)
        };
        drop(self.room.wait_while(self.lock(), full).unwrap_or_else(PoisonError::into_inner));
    }

    /// Lets the writer end once everything that waits is written.
    pub(crate) fn finish(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Open {
            state.phase = Phase::Finishing;
        }
        self.news.notify_all();
        self.room.notify_all();
    }

    /// The writer: encodes and writes until it is told to finish. Blocks.
    ///
    /// # Errors
    ///
    /// As the output gives them; everything that waits is thrown away then. Whatever comes later is in any case.
    pub(crate) fn write_to(&self, mut output: impl Write) -> io::Result<()> {
        let written = self.write_all_to(&mut output);
        let mut state = self.lock();
        state.phase = Phase::Over;
        let (responses, turns) = (mem::take(&mut state.responses), mem::take(&mut state.turns));
        self.room.notify_all();
        // Letting go of them may drop logs: not under the lock.
        drop(state);
        drop(responses);
        turns.iter().for_each(|push| push.end());
        written
    }

    fn write_all_to(&self, output: &mut impl Write) -> io::Result<()> {
        let mut gathered = Vec::with_capacity(2 * WRITE_AT);
        let mut events = Vec::new();
        loop {
            let mut write = false;
            match self.next_work(gathered.is_empty()) {
                Work::Encode(response, framing) => {
                    response.encode(&mut Encoder::new(framing), &mut gathered);
                    response.then_push.iter().for_each(Push::begin);
                }
                Work::Tell(notice, framing) => {
                    Encoder::new(framing).frame(&mut gathered, |out| match &notice {
                        Notice::Event(event) => encode_event(out, event),
                        Notice::Request(id, request) => encode_request(out, id, request),
                    });
                }
                Work::Turn(push, framing) => {
                    push.take_turn(&mut Encoder::new(framing), &mut events, &mut gathered)
                }
                Work::Write => write = true,
                Work::End => return output.flush(),
            }
            if write || gathered.len() >= WRITE_AT {
                output.write_all(&gathered)?;
                output.flush()?;
                gathered.clear();
                // A large answer, once in a while, is no reason to keep its room.
                gathered.shrink_to(2 * WRITE_AT);
            }
        }
    }

    fn next_work(&self, may_wait: bool) -> Work {
        let mut state = self.lock();
        loop {
            if let Some(response) = state.responses.pop_front() {
                state.response_bytes -= response.size();
                self.room.notify_all();
                return Work::Encode(response, state.framing);
            }
            if let Some(notice) = state.notices.pop_front() {
                return Work::Tell(notice, state.framing);
            }
            if let Some(push) = state.turns.pop_front() {
                return Work::Turn(push, state.framing);
            }
            if !may_wait {
                return Work::Write;
            }
            if state.phase != Phase::Open {
                return Work::End;
            }
            state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Response {
    fn encode(&self, encoder: &mut Encoder, out: &mut Vec<u8>) {
        encoder.frame(out, |out| match &self.content {
            Content::Single(id, outcome) => encode_response(out, id.as_ref(), outcome),
            Content::Batch(responses) => {
                encode_batch(out, responses.iter().map(|(id, outcome)| (id.as_ref(), outcome)));
            }
        });
    }

    /// About how much memory it holds.
    fn size(&self) -> usize {
        let of = |(id, outcome): (&Option<RequestId>, &Outcome)| {
            let id = match id {
                Some(RequestId::String(id)) => id.len(),
                _ => 0,
            };
            let content: usize = match outcome {
                Ok(Reply::ProcessRead(read)) => {
                    read.chunks.iter().map(|chunk| chunk.data.bytes().len()).sum()
                }
                Ok(Reply::ProcessSearch(search)) => {
                    let lines = search
                        .matches
                        .iter()
                        .flat_map(|found| found.before.iter().chain([&found.line]).chain(&found.after));
                    lines.map(|line| 128 + line.data.bytes().len()).sum()
                }
                Ok(Reply::ProcessRun(run)) => run.stdout.bytes().len() + run.stderr.bytes().len(),
                Ok(Reply::Fs(reply)) => reply.size(),
                Ok(Reply::ProcessList(list)) => list.processes.len() * ORDINARY_RESPONSE,
                Ok(_) => 0,
                Err(error) => 2 * error.message().len(),
            };
            ORDINARY_RESPONSE + id + content
        };
        match &self.content {
            Content::Single(id, outcome) => of((id, outcome)),
            Content::Batch(responses) => responses.iter().map(|(id, outcome)| of((id, outcome))).sum(),
        }
    }
}
