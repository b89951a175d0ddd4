//! Requests that wait for their answer: each id gets exactly one.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::task;
use weir_protocol::{ProcessId, RequestId};

use crate::outbox::{Content, Outbox, Outcome, Response};
use crate::push::Push;

/// The table of requests that were received and not yet answered, and of the batches they came in.
#[derive(Debug, Default)]
pub(super) struct Requests {
    waiting: HashMap<RequestId, Waiting>,
    tasks: HashMap<task::Id, RequestId>,
    batches: HashMap<BatchId, Batch>,
    next_batch: u64,
}

/// A request that waits.
#[derive(Debug)]
struct Waiting {
    batch: Option<BatchId>,
    task: Option<task::AbortHandle>,
    concern: Concern,
}

/// What else a request's end concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Concern {
    /// Nothing.
    Nothing,
    /// The start of this process, and how far it has come.
    Start(ProcessId, Stage),
    /// The run of this process, which is in the table already.
    Run(ProcessId),
    /// The end of this process, which goes on even if nobody waits for it.
    Release(ProcessId),
    /// The end of all processes, which cannot be taken back.
    Shutdown,
}

/// How far a start has come: it is being judged until it spawns or is cancelled, whichever comes first.
#[derive(Debug, Clone, Default)]
pub(super) struct Stage(Arc<AtomicU8>);

const JUDGING: u8 = 0;
const SPAWNING: u8 = 1;
const CANCELLED: u8 = 2;

impl Stage {
    /// The command is about to be spawned. False if the start was cancelled: it must not be.
    pub(super) fn spawn(&self) -> bool {
        self.go(SPAWNING)
    }

    /// Cancels the start. False if it may have spawned something already.
    pub(super) fn cancel(&self) -> bool {
        self.go(CANCELLED)
    }

    fn go(&self, to: u8) -> bool {
        self.0.compare_exchange(JUDGING, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

impl PartialEq for Stage {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Stage {}

/// A batch whose responses are being gathered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct BatchId(u64);

#[derive(Debug)]
struct Batch {
    missing: usize,
    responses: Vec<(Option<RequestId>, Outcome)>,
    then_push: Vec<Arc<Push>>,
}

impl Requests {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// A request with this id waits already.
    pub(super) fn contains(&self, id: &RequestId) -> bool {
        self.waiting.contains_key(id)
    }

    /// Every request that waits.
    pub(super) fn ids(&self) -> Vec<RequestId> {
        self.waiting.keys().cloned().collect()
    }

    /// Opens a batch that expects `missing` responses.
    pub(super) fn open_batch(&mut self, missing: usize) -> BatchId {
        self.next_batch += 1;
        let id = BatchId(self.next_batch);
        self.batches
            .insert(id, Batch { missing, responses: Vec::with_capacity(missing), then_push: Vec::new() });
        id
    }

    pub(super) fn insert(&mut self, id: RequestId, batch: Option<BatchId>) {
        self.waiting.insert(id, Waiting { batch, task: None, concern: Concern::Nothing });
    }

    /// A task works on the request from now on.
    pub(super) fn attend(&mut self, id: &RequestId, task: task::AbortHandle, concern: Concern) {
        if let Some(waiting) = self.waiting.get_mut(id) {
            self.tasks.insert(task.id(), id.clone());
            waiting.task = Some(task);
            waiting.concern = concern;
        }
    }

    /// The request waits for this, with no task of its own.
    pub(super) fn set_concern(&mut self, id: &RequestId, concern: Concern) {
        if let Some(waiting) = self.waiting.get_mut(id) {
            waiting.concern = concern;
        }
    }

    pub(super) fn concern(&self, id: &RequestId) -> Option<&Concern> {
        self.waiting.get(id).map(|waiting| &waiting.concern)
    }

    /// The request that wants to start this process.
    pub(super) fn start_of(&self, process: &ProcessId) -> Option<RequestId> {
        let starts = |concern: &Concern| matches!(concern, Concern::Start(of, _) if of == process);
        self.waiting.iter().find(|(_, waiting)| starts(&waiting.concern)).map(|(id, _)| id.clone())
    }

    /// A task has ended: whose it was, unless that request is answered already.
    pub(super) fn task_ended(&mut self, task: task::Id) -> Option<RequestId> {
        self.tasks.remove(&task)
    }

    /// Takes the task from a request that has one; whatever it comes to belongs to nobody then.
    pub(super) fn detach(&mut self, id: &RequestId) -> Option<task::AbortHandle> {
        let task = self.waiting.get_mut(id)?.task.take()?;
        self.tasks.remove(&task.id());
        Some(task)
    }

    /// Answers a request, now or together with its batch.
    pub(super) fn answer(
        &mut self,
        id: RequestId,
        outcome: Outcome,
        then_push: Option<Arc<Push>>,
        outbox: &Outbox,
    ) {
        let Some(waiting) = self.waiting.remove(&id) else { return };
        // A task that goes on speaks for nobody: the id is free for another request.
        if let Some(task) = waiting.task {
            self.tasks.remove(&task.id());
        }
        self.respond(Some(id), outcome, waiting.batch, then_push, outbox);
    }

    /// Answers what never became a request.
    pub(super) fn respond(
        &mut self,
        id: Option<RequestId>,
        outcome: Outcome,
        batch: Option<BatchId>,
        then_push: Option<Arc<Push>>,
        outbox: &Outbox,
    ) {
        let Some(batch_id) = batch else {
            let then_push = then_push.into_iter().collect();
            return outbox.send(Response { content: Content::Single(id, outcome), then_push });
        };
        let Some(batch) = self.batches.get_mut(&batch_id) else { return };
        batch.responses.push((id, outcome));
        batch.then_push.extend(then_push);
        batch.missing -= 1;
        if batch.missing == 0
            && let Some(Batch { responses, then_push, .. }) = self.batches.remove(&batch_id)
        {
            outbox.send(Response { content: Content::Batch(responses), then_push });
        }
    }
}
