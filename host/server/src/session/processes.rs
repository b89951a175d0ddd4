//! The processes of a session, by the id that the client knows them by.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use weir_process::Process;
use weir_protocol::{Call, ErrorKind, ErrorObject, OutputEncoding, ProcessId, RequestId};

use super::terminals::Terminal;
use crate::pipeline::{Decision, ProcessFacts};
use crate::plugins::PluginSet;
use crate::view::Views;

/// Terminals that are kept although their processes are closed: agents are to release them, and not all do.
const MAX_CLOSED_TERMINALS: usize = 1024;

/// How soon a tree is looked at again that lives on after its process was to be forgotten.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The table, and what is left of processes that were released.
#[derive(Debug, Default)]
pub(super) struct Processes {
    table: HashMap<ProcessId, Slot>,
    /// Trees that live on although their process was released. They end with the session.
    leftovers: HashMap<Key, Arc<Process>>,
    /// When which closed process is forgotten, or looked at again, soonest first.
    evictions: VecDeque<(Instant, ProcessId, Key)>,
    /// Closed terminals, the first to close first: no time runs for them, but there are only so many.
    closed_terminals: VecDeque<(ProcessId, Key)>,
    /// Starts and trees that count towards the limit: what is closed costs memory only, which has its own bound.
    live: usize,
    next_key: u64,
    next_id: u64,
}

/// What an id stands for.
#[derive(Debug)]
enum Slot {
    /// Reserved; requests that name it wait for its start, in order.
    Starting {
        deferred: Vec<(RequestId, Call)>,
    },
    Present(Entry),
    /// Being released: unknown to every request, but not free yet. Who wants the id anew waits in line.
    Releasing {
        entry: Entry,
        deferred: Vec<(RequestId, Call)>,
    },
}

/// A process that was started.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) process: Arc<Process>,
    pub(super) argv: Arc<[String]>,
    pub(super) metadata: Arc<[(String, String)]>,
    pub(super) encoding: OutputEncoding,
    pub(super) decision: Arc<Decision>,
    /// Those that held when it was started, for as long as it is known.
    pub(super) plugins: Arc<PluginSet>,
    pub(super) facts: Arc<ProcessFacts>,
    pub(super) views: Arc<Views>,
    /// An agent has it as a terminal.
    pub(super) terminal: Option<Terminal>,
    /// Whether what a read asks to go on from counts as taken: where output is pushed, what is pushed does.
    pub(super) reads_acknowledge: bool,
    pub(super) key: Key,
}

/// Tells processes apart whose id was used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key(u64);

/// A row of `process/list`.
pub(super) enum Row {
    Starting(ProcessId),
    Present(ProcessId, Entry),
}

impl Processes {
    /// Reserves an id: the client's, or one that is free.
    pub(super) fn reserve(
        &mut self,
        wanted: Option<ProcessId>,
        limit: usize,
    ) -> Result<ProcessId, ErrorObject> {
        if self.live >= limit {
            let message = format!("expected fewer than {limit} processes at once, saw {}", self.live);
            return Err(ErrorObject::new(ErrorKind::LimitExceeded, message)
                .with("limit", "maxProcesses")
                .with("value", limit as u64));
        }
        let id = match wanted {
            Some(id) if self.table.contains_key(&id) => {
                let message =
                    format!("process id `{id}` is in use until its process is closed and forgotten");
                return Err(ErrorObject::new(ErrorKind::DuplicateProcess, message).with("processId", &*id));
            }
            Some(id) => id,
            None => self.free_id(),
        };
        self.table.insert(id.clone(), Slot::Starting { deferred: Vec::new() });
        self.live += 1;
        Ok(id)
    }

    fn free_id(&mut self) -> ProcessId {
        loop {
            self.next_id += 1;
            let id = ProcessId::from(format!("process-{}", self.next_id));
            if !self.table.contains_key(&id) {
                return id;
            }
        }
    }

    pub(super) fn new_key(&mut self) -> Key {
        self.next_key += 1;
        Key(self.next_key)
    }

    /// Puts a started process in its reserved place. Returns what has waited for it.
    pub(super) fn insert(&mut self, id: ProcessId, entry: Entry) -> Vec<(RequestId, Call)> {
        match self.table.insert(id, Slot::Present(entry)) {
            Some(Slot::Starting { deferred }) => deferred,
            _ => Vec::new(),
        }
    }

    /// Frees a reserved id. Returns what has waited for it.
    pub(super) fn abandon(&mut self, id: &ProcessId) -> Vec<(RequestId, Call)> {
        if !matches!(self.table.get(id), Some(Slot::Starting { .. })) {
            return Vec::new();
        }
        self.live -= 1;
        match self.table.remove(id) {
            Some(Slot::Starting { deferred }) => deferred,
            _ => Vec::new(),
        }
    }

    /// Whether a request that names the id has to wait, with [`Processes::defer`]: for its start, or, if it wants to
    /// start it anew or comes after one that does, for its release.
    pub(super) fn must_wait(&self, id: &ProcessId, makes_process: bool) -> bool {
        match self.table.get(id) {
            Some(Slot::Starting { .. }) => true,
            Some(Slot::Releasing { deferred, .. }) => makes_process || !deferred.is_empty(),
            Some(Slot::Present(_)) | None => false,
        }
    }

    pub(super) fn is_any_starting(&self) -> bool {
        self.table.values().any(|slot| matches!(slot, Slot::Starting { .. }))
    }

    pub(super) fn defer(&mut self, id: &ProcessId, request: RequestId, call: Call) {
        if let Some(Slot::Starting { deferred } | Slot::Releasing { deferred, .. }) = self.table.get_mut(id) {
            deferred.push((request, call));
        }
    }

    /// Takes a request that waits for a start out of the line.
    pub(super) fn forget_deferred(&mut self, request: &RequestId) {
        for slot in self.table.values_mut() {
            if let Slot::Starting { deferred } | Slot::Releasing { deferred, .. } = slot {
                deferred.retain(|(waiting, _)| waiting != request);
            }
        }
    }

    pub(super) fn get(&self, id: &ProcessId) -> Result<&Entry, ErrorObject> {
        match self.table.get(id) {
            Some(Slot::Present(entry)) => Ok(entry),
            _ => Err(unknown(id)),
        }
    }

    /// Makes the id unknown, but keeps it reserved until [`Processes::released`].
    pub(super) fn begin_release(&mut self, id: &ProcessId) -> Result<Entry, ErrorObject> {
        match self.table.get_mut(id) {
            Some(slot @ Slot::Present(_)) => {
                let Slot::Present(entry) = slot else { return Err(unknown(id)) };
                let entry = entry.clone();
                *slot = Slot::Releasing { entry: entry.clone(), deferred: Vec::new() };
                Ok(entry)
            }
            _ => Err(unknown(id)),
        }
    }

    /// Frees the id of a released process. What is left of its tree is kept until it is gone. Returns what has waited
    /// for the id.
    pub(super) fn released(&mut self, id: &ProcessId) -> Vec<(RequestId, Call)> {
        if !matches!(self.table.get(id), Some(Slot::Releasing { .. })) {
            return Vec::new();
        }
        match self.table.remove(id) {
            Some(Slot::Releasing { entry, deferred }) => {
                self.closed_terminals.retain(|(_, key)| *key != entry.key);
                self.keep_tree(entry);
                deferred
            }
            _ => Vec::new(),
        }
    }

    /// Starts the time after which a closed process is forgotten. A terminal is kept until it is released, or until
    /// [`MAX_CLOSED_TERMINALS`] others have closed after it.
    pub(super) fn closed(&mut self, id: ProcessId, key: Key, retention: Duration) {
        match self.table.get(&id) {
            Some(Slot::Present(entry)) if entry.key == key && entry.terminal.is_some() => {
                self.closed_terminals.push_back((id, key));
                if self.closed_terminals.len() > MAX_CLOSED_TERMINALS
                    && let Some((oldest, key)) = self.closed_terminals.pop_front()
                {
                    self.forget_at(Instant::now(), oldest, key);
                }
            }
            _ => self.forget_at(Instant::now() + retention, id, key),
        }
    }

    fn forget_at(&mut self, at: Instant, id: ProcessId, key: Key) {
        let place = self.evictions.partition_point(|(other, ..)| *other <= at);
        self.evictions.insert(place, (at, id, key));
    }

    /// When the next process is to be forgotten.
    pub(super) fn next_eviction(&self) -> Option<Instant> {
        self.evictions.front().map(|(at, ..)| *at)
    }

    /// Forgets every process whose time has come: `retention` after its close, where nothing may be lost after its last
    /// read, and never before its tree is gone.
    pub(super) fn evict(&mut self, retention: Duration) {
        let now = Instant::now();
        while self.next_eviction().is_some_and(|at| at <= now)
            && let Some((_, id, key)) = self.evictions.pop_front()
        {
            let Some(Slot::Present(entry)) = self.table.get(&id) else { continue };
            if entry.key != key {
                continue;
            }
            if let Some(at) = entry.kept_until(retention).filter(|at| *at > now) {
                self.forget_at(at, id, key);
            } else {
                self.table.remove(&id);
            }
        }
    }

    fn keep_tree(&mut self, entry: Entry) {
        if !entry.process.is_tree_gone() {
            self.leftovers.insert(entry.key, entry.process);
        }
    }

    /// A tree is gone. Once for each process that was inserted.
    pub(super) fn tree_gone(&mut self, key: Key) {
        self.live -= 1;
        self.leftovers.remove(&key);
    }

    /// Every process of which something may be left.
    pub(super) fn all(&self) -> Vec<Arc<Process>> {
        let present = self.table.values().filter_map(|slot| match slot {
            Slot::Present(entry) | Slot::Releasing { entry, .. } => Some(&entry.process),
            Slot::Starting { .. } => None,
        });
        present.chain(self.leftovers.values()).cloned().collect()
    }

    /// Every process that the client may ask for, by id.
    pub(super) fn rows(&self) -> Vec<Row> {
        let mut rows: Vec<_> = self
            .table
            .iter()
            .filter_map(|(id, slot)| match slot {
                Slot::Starting { .. } => Some(Row::Starting(id.clone())),
                Slot::Present(entry) => Some(Row::Present(id.clone(), entry.clone())),
                Slot::Releasing { .. } => None,
            })
            .collect();
        rows.sort_by(|a, b| a.id().cmp(b.id()));
        rows
    }
}

impl Entry {
    /// When to look again, for what is not to be forgotten yet: something of its tree lives, which the client may want
    /// to stop, or a reader is not through, where output is kept until it was read.
    fn kept_until(&self, retention: Duration) -> Option<Instant> {
        let log = self.process.log();
        if !self.process.is_tree_gone() {
            return Instant::now().checked_add(retention.max(LOOK_AGAIN));
        }
        match log.is_kept_for_readers() {
            // It goes as soon as it has pushed the close.
            true if log.is_followed() => Instant::now().checked_add(retention),
            true => log.last_read()?.checked_add(retention),
            false => None,
        }
    }
}

impl Row {
    fn id(&self) -> &ProcessId {
        match self {
            Self::Starting(id) | Self::Present(id, _) => id,
        }
    }
}

/// No process of this id is known.
fn unknown(id: &ProcessId) -> ErrorObject {
    ErrorObject::new(ErrorKind::UnknownProcess, format!("no process `{id}` is known"))
        .with("processId", &**id)
}
