//! What a host has said and nobody has claimed yet.
//!
//! Knows nothing of who waits or why; the reader thread puts frames in, the test takes them out.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::Value;

use crate::settings;

/// A message as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// The number of the frame that carried it, from 1: tells which of two messages came first.
    pub frame: usize,
    /// When its frame had been read.
    pub at: Instant,
    /// The message; for a batch, the array.
    pub value: Value,
}

/// Something that was waited for and did not come.
#[derive(Debug)]
pub struct Missing {
    what: String,
    ended: bool,
}

impl fmt::Display for Missing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ended {
            write!(out, "{} never came: the host's output has ended", self.what)
        } else {
            write!(out, "{} did not come within {:?}", self.what, settings::deadline())
        }
    }
}

impl std::error::Error for Missing {}

/// Unclaimed messages by kind.
#[derive(Default)]
pub(crate) struct State {
    /// Frames so far.
    pub(crate) frames: usize,
    /// Unclaimed responses by the JSON text of their id.
    pub(crate) responses: BTreeMap<String, VecDeque<Received>>,
    /// How many responses an id got, claimed or not.
    pub(crate) answers: BTreeMap<String, usize>,
    /// Unclaimed notifications about a process, in order.
    pub(crate) events: BTreeMap<String, VecDeque<Received>>,
    /// Unclaimed arrays.
    pub(crate) batches: VecDeque<Received>,
    /// Unclaimed notifications about no process, and requests of the host.
    pub(crate) others: VecDeque<Received>,
    /// What must never come: bytes that are no message.
    pub(crate) faults: Vec<String>,
    /// Messages that lack `"jsonrpc":"2.0"`.
    pub(crate) versionless: usize,
    /// No more will come.
    pub(crate) ended: bool,
}

/// A `State` that can be waited on. Its lock is never held while anything else is waited for.
#[derive(Default)]
pub(crate) struct Mailbox {
    state: Mutex<State>,
    changed: Condvar,
}

impl Mailbox {
    /// A look at what is there.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sorts one frame in and wakes those who wait.
    pub(crate) fn deliver(&self, frame: &[u8]) {
        let at = Instant::now();
        let mut state = self.state();
        state.frames += 1;
        let frame_number = state.frames;
        match serde_json::from_slice::<Value>(frame) {
            Ok(value) => state.sort(Received { frame: frame_number, at, value }),
            Err(error) => {
                let start = String::from_utf8_lossy(&frame[..frame.len().min(200)]).into_owned();
                state.faults.push(format!("unparseable output ({error}): `{start}`"));
            }
        }
        self.changed.notify_all();
    }

    /// Notes that the stream is over, and what went wrong if something did.
    pub(crate) fn end(&self, fault: Option<String>) {
        let mut state = self.state();
        state.faults.extend(fault);
        state.ended = true;
        self.changed.notify_all();
    }

    /// Waits until `pick` finds what it looks for, for as long as the common deadline.
    pub(crate) fn take<T>(
        &self,
        what: impl FnOnce() -> String,
        mut pick: impl FnMut(&mut State) -> Option<T>,
    ) -> Result<T, Missing> {
        let until = Instant::now() + settings::deadline();
        let mut state = self.state();
        loop {
            if let Some(found) = pick(&mut state) {
                return Ok(found);
            }
            let left = until.saturating_duration_since(Instant::now());
            if state.ended || left.is_zero() {
                return Err(Missing { what: what(), ended: state.ended });
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl State {
    fn sort(&mut self, received: Received) {
        if let Value::Array(members) = &received.value {
            if members.is_empty() {
                self.faults
                    .push("an empty array: a batch without answers is answered with nothing".to_owned());
            }
            for member in members.clone() {
                self.check_version(&member);
                if let Some(id) = response_id(&member) {
                    *self.answers.entry(id).or_default() += 1;
                }
            }
            self.batches.push_back(received);
            return;
        }
        self.check_version(&received.value);
        if let Some(id) = response_id(&received.value) {
            *self.answers.entry(id.clone()).or_default() += 1;
            self.responses.entry(id).or_default().push_back(received);
            return;
        }
        match received.value.pointer("/params/processId").and_then(Value::as_str) {
            Some(process) if received.value.get("id").is_none() => {
                self.events.entry(process.to_owned()).or_default().push_back(received);
            }
            _ => self.others.push_back(received),
        }
    }

    fn check_version(&mut self, message: &Value) {
        if message.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
            self.versionless += 1;
        }
    }
}

/// The id of a response as JSON text; `None` for anything else.
fn response_id(message: &Value) -> Option<String> {
    let answers = message.get("result").is_some() || message.get("error").is_some();
    answers.then(|| message.get("id").unwrap_or(&Value::Null).to_string())
}
