//! A process that was started through the client under test.

use std::time::Instant;

use serde_json::{Value, json};

use crate::client::Client;
use crate::json::{Json, base64};
use crate::mailbox::Received;

/// A handle: a client and a process id. Dropping it does nothing.
#[derive(Clone)]
pub struct Process<'h> {
    client: &'h Client,
    /// The id on the wire.
    pub id: String,
    /// The result of `process/start`.
    pub started: Value,
}

impl<'h> Process<'h> {
    /// A handle on a process that `client` has started.
    #[must_use]
    pub fn new(client: &'h Client, started: Value) -> Self {
        Self { client, id: started.text("processId").to_owned(), started }
    }

    /// The pid of the leader.
    #[track_caller]
    pub fn pid(&self) -> i32 {
        i32::try_from(self.started.int("pid")).expect("a pid")
    }

    /// A request about this process; `params` need not name it.
    #[track_caller]
    pub fn call(&self, method: &str, params: Value) -> Value {
        self.client.call(method, self.params(params))
    }

    /// Sends a request about this process; the response is claimed later.
    pub fn send(&self, method: &str, params: Value) -> u64 {
        self.client.send_request(method, self.params(params))
    }

    /// `params` with the id of this process.
    #[must_use]
    pub fn params(&self, params: Value) -> Value {
        merge(json!({ "processId": self.id }), params)
    }

    /// All that is retained now, in one read without waiting.
    #[track_caller]
    pub fn read_all(&self) -> Value {
        self.call("process/read", json!({ "afterSeq": 0 }))
    }

    /// Waits for the close by `process/wait`.
    #[track_caller]
    pub fn wait_close(&self) -> Value {
        self.call("process/wait", json!({ "until": "close" }))
    }

    /// Waits for the exit by `process/wait`.
    #[track_caller]
    pub fn wait_exit(&self) -> Value {
        self.call("process/wait", json!({ "until": "exit" }))
    }

    /// Writes to its stdin.
    #[track_caller]
    pub fn write(&self, bytes: impl AsRef<[u8]>) -> Value {
        self.call("process/write", json!({ "chunk": base64(bytes) }))
    }

    /// Ends the tree.
    #[track_caller]
    pub fn terminate(&self) -> Value {
        self.call("process/terminate", json!({ "graceMs": 100 }))
    }

    /// The next notification about it.
    #[track_caller]
    pub fn event(&self) -> Received {
        self.client.event(&self.id)
    }

    /// The next notification of who waits for input in its tree.
    #[track_caller]
    pub fn input_event(&self) -> Received {
        self.client.input_event(&self.id)
    }

    /// How many of those have come and are unclaimed. Does not wait.
    #[must_use]
    pub fn pending_input_events(&self) -> usize {
        self.client.pending_input_events(&self.id)
    }

    /// The notifications up to and with the next one of this method.
    #[track_caller]
    pub fn events_until(&self, method: &str) -> Vec<Received> {
        let mut events = vec![self.event()];
        while events[events.len() - 1].value["method"] != method {
            events.push(self.event());
        }
        events
    }

    /// The params of the next notification of this method, passing over others, and when it came.
    #[track_caller]
    pub fn expect_event(&self, method: &str) -> (Value, Instant) {
        let last = self.events_until(method).pop().expect("at least one");
        (last.value["params"].clone(), last.at)
    }

    /// The notifications up to the close.
    #[track_caller]
    pub fn events(&self) -> Vec<Received> {
        self.client.events(&self.id)
    }
}

/// Lays the members of `over` on top of those of `under`.
#[must_use]
pub fn merge(mut under: Value, over: Value) -> Value {
    if let (Value::Object(under), Value::Object(over)) = (&mut under, over) {
        under.extend(over);
    }
    under
}

/// The bytes of one stream in the chunks of a read.
#[must_use]
#[track_caller]
pub fn chunks_of(read: &Value, stream: &str) -> Vec<u8> {
    let chunks = read.list("chunks").iter().filter(|chunk| chunk.text("stream") == stream);
    chunks.flat_map(|chunk| chunk.bytes("chunk")).collect()
}

/// The bytes of one stream in notifications.
#[must_use]
#[track_caller]
pub fn pushed(events: &[Received], stream: &str) -> Vec<u8> {
    let outputs = events.iter().filter(|event| event.value["method"] == "process/output");
    let outputs = outputs.filter(|event| event.value.text("params.stream") == stream);
    outputs.flat_map(|event| event.value.bytes("params.chunk")).collect()
}

/// The names of notifications in order, with outputs next to each other counted once.
#[must_use]
pub fn outline(events: &[Received]) -> Vec<&str> {
    let mut names: Vec<&str> = events.iter().map(|event| event.value.text("method")).collect();
    names.dedup_by(|next, last| next == last && *next == "process/output");
    names
}
