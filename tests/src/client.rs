//! A blocking client over any pair of byte streams.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use serde_json::{Value, json};

use crate::framing::{FrameReader, Framing};
use crate::mailbox::{Mailbox, Missing, Received};
use crate::rpc_error::RpcError;
use crate::transcript::{Side, Transcript};

/// Frames that wait for the host to read them. More than any test has in flight: a full queue means that the host
/// stopped reading, which is a failure and must not become a hang.
const OUTGOING: usize = 8 * 1024;

/// Notifications of who waits for input.
const INPUT_EVENTS: [&str; 2] = ["process/waitingForInput", "process/inputTaken"];

/// Speaks JSON-RPC to a host. All methods take `&self` and may be called from several threads.
///
/// Waiting methods share one deadline and panic when it passes; the `try_` forms return what is missing instead.
/// Dropping a client closes the host's stdin.
pub struct Client {
    shared: Arc<Shared>,
    outgoing: Mutex<Option<SyncSender<Vec<u8>>>>,
    framing: Framing,
    next_id: AtomicU64,
    sent: Mutex<BTreeMap<String, usize>>,
}

/// What the client's threads share.
#[derive(Default)]
struct Shared {
    mailbox: Mailbox,
    transcript: Transcript,
    paused: Mutex<bool>,
    resumed: Condvar,
}

impl Client {
    /// Starts a reader thread over the host's output and a writer thread over its input.
    pub fn new(
        reader: impl Read + Send + 'static,
        writer: impl Write + Send + 'static,
        framing: Framing,
    ) -> Self {
        let shared = Arc::new(Shared::default());
        let (outgoing, queue) = sync_channel(OUTGOING);
        let for_reader = Arc::clone(&shared);
        thread::spawn(move || for_reader.read(FrameReader::new(reader, framing)));
        let for_writer = Arc::clone(&shared);
        thread::spawn(move || for_writer.write(writer, &queue));
        Self {
            shared,
            outgoing: Mutex::new(Some(outgoing)),
            framing,
            next_id: AtomicU64::new(1),
            sent: Mutex::default(),
        }
    }

    /// Sends a request and waits for its response.
    ///
    /// # Errors
    ///
    /// The response's error.
    #[track_caller]
    pub fn request(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        let id = self.send_request(method, params);
        self.response(id)
    }

    /// Sends a request whose success is a matter of course.
    #[track_caller]
    pub fn call(&self, method: &str, params: Value) -> Value {
        self.request(method, params).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Sends a request whose refusal is the point.
    #[track_caller]
    pub fn refused(&self, method: &str, params: Value) -> RpcError {
        match self.request(method, params) {
            Ok(result) => panic!("expected {method} to be refused, saw {result}"),
            Err(error) => error,
        }
    }

    /// Sends a request; its response is claimed later.
    pub fn send_request(&self, method: &str, params: Value) -> u64 {
        let (id, message) = self.prepare(method, params);
        self.send(&message);
        id
    }

    /// A request with a fresh id, not sent: for batches.
    #[must_use]
    pub fn prepare(&self, method: &str, params: Value) -> (u64, Value) {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        (id, json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
    }

    /// Claims the response to `id`.
    ///
    /// # Errors
    ///
    /// The response's error.
    #[track_caller]
    pub fn response(&self, id: u64) -> Result<Value, RpcError> {
        let response = self.claim(&json!(id)).value;
        match RpcError::of(&response) {
            Some(error) => Err(error),
            None => Ok(response.get("result").cloned().unwrap_or(Value::Null)),
        }
    }

    /// Claims the response to `id` as it came.
    #[track_caller]
    pub fn claim(&self, id: &Value) -> Received {
        self.try_claim(id).unwrap_or_else(|missing| panic!("{missing}"))
    }

    /// Claims the response to `id` as it came.
    ///
    /// # Errors
    ///
    /// If it does not come.
    pub fn try_claim(&self, id: &Value) -> Result<Received, Missing> {
        let key = id.to_string();
        self.shared.mailbox.take(
            || format!("the response to request {id}"),
            |state| state.responses.get_mut(&key).and_then(|queue| queue.pop_front()),
        )
    }

    /// Whether a response to `id` has come and is unclaimed. Does not wait.
    pub fn is_answered(&self, id: u64) -> bool {
        self.shared.mailbox.state().responses.get(&id.to_string()).is_some_and(|queue| !queue.is_empty())
    }

    /// Sends a notification.
    pub fn notify(&self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Claims the next notification about the process, in the order in which they came. Those of who waits for input
    /// come when they come: they are passed over, and claimed with [`Client::input_event`].
    #[track_caller]
    pub fn event(&self, process: &str) -> Received {
        self.try_event(process).unwrap_or_else(|missing| panic!("{missing}"))
    }

    /// Claims the next notification about the process.
    ///
    /// # Errors
    ///
    /// If it does not come.
    pub fn try_event(&self, process: &str) -> Result<Received, Missing> {
        self.take_event(process, "the next notification", |method| !INPUT_EVENTS.contains(&method))
    }

    /// Claims the next notification of who waits for input in the tree of the process.
    #[track_caller]
    pub fn input_event(&self, process: &str) -> Received {
        self.take_event(process, "the next of who waits for input", |method| INPUT_EVENTS.contains(&method))
            .unwrap_or_else(|missing| panic!("{missing}"))
    }

    /// Claims the next notification about the process of this method, leaving those before it.
    ///
    /// # Errors
    ///
    /// If it does not come.
    pub fn try_event_of(&self, process: &str, method: &str) -> Result<Received, Missing> {
        self.take_event(process, method, |seen| seen == method)
    }

    fn take_event(
        &self,
        process: &str,
        what: &str,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Received, Missing> {
        self.shared.mailbox.take(
            || format!("{what} about process `{process}`"),
            |state| {
                let queue = state.events.get_mut(process)?;
                let method = |event: &Received| event.value["method"].as_str().is_some_and(&wanted);
                let found = queue.iter().position(method)?;
                queue.remove(found)
            },
        )
    }

    /// Claims the notifications about the process up to its `process/closed`, which is the last of them.
    #[track_caller]
    pub fn events(&self, process: &str) -> Vec<Received> {
        let mut events: Vec<Received> = Vec::new();
        while events.last().is_none_or(|event| event.value["method"] != "process/closed") {
            events.push(self.event(process));
        }
        events
    }

    /// How many notifications of who waits for input in the tree of the process have come and are unclaimed. Does not
    /// wait.
    pub fn pending_input_events(&self, process: &str) -> usize {
        let is_of_input = |event: &&Received| {
            event.value["method"].as_str().is_some_and(|method| INPUT_EVENTS.contains(&method))
        };
        let state = self.shared.mailbox.state();
        state.events.get(process).map_or(0, |queue| queue.iter().filter(is_of_input).count())
    }

    /// Claims the next message that is neither a response nor about a process and has this method.
    ///
    /// # Errors
    ///
    /// If it does not come.
    pub fn try_other(&self, method: &str) -> Result<Received, Missing> {
        self.shared.mailbox.take(
            || format!("a message `{method}`"),
            |state| {
                let found = state.others.iter().position(|other| other.value["method"] == method)?;
                state.others.remove(found)
            },
        )
    }

    /// Claims the next array.
    ///
    /// # Errors
    ///
    /// If it does not come.
    pub fn try_batch(&self) -> Result<Received, Missing> {
        self.shared.mailbox.take(|| "an array of responses".to_owned(), |state| state.batches.pop_front())
    }

    /// Sends one message (an array is a batch) and notes the ids that must be answered.
    pub fn send(&self, message: &Value) {
        self.expect_answers(message);
        self.write(self.framing.encode(message.to_string().as_bytes()));
    }

    /// Sends bytes as they are. Lines among them that happen to be requests are expected to be answered; so is the
    /// text after the headers, if there are any.
    pub fn send_bytes(&self, bytes: impl Into<Vec<u8>>) {
        let bytes = bytes.into();
        match memchr::memmem::find(&bytes, b"\r\n\r\n") {
            Some(end) => self.expect_answers_to(&bytes[end + 4..]),
            None => bytes.split(|&byte| byte == b'\n').for_each(|line| self.expect_answers_to(line)),
        }
        self.write(bytes);
    }

    /// Closes the host's stdin once everything that was sent is written.
    pub fn close(&self) {
        if self.outgoing.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            self.shared.transcript.note(Side::Note, b"stdin is closed");
        }
    }

    /// Waits until the host's output has ended.
    ///
    /// # Errors
    ///
    /// If it does not end.
    pub fn try_end(&self) -> Result<(), Missing> {
        self.shared.mailbox.take(|| "the end of output".to_owned(), |state| state.ended.then_some(()))
    }

    /// Stops reading the host's output; what is in flight (a pipe, a buffer) still comes.
    pub fn pause_reading(&self) {
        self.set_paused(true);
    }

    /// Reads on.
    pub fn resume_reading(&self) {
        self.set_paused(false);
    }

    /// Everything that went to and fro.
    #[must_use]
    pub fn transcript(&self) -> &Transcript {
        &self.shared.transcript
    }

    /// What is wrong at the end of a session: ids without exactly one response, unclaimed errors, bad output.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let state = self.shared.mailbox.state();
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = state.faults.clone();
        if state.versionless > 0 {
            found.push(format!("{} messages without \"jsonrpc\":\"2.0\"", state.versionless));
        }
        for (id, times) in &*sent {
            let answers = state.answers.get(id).copied().unwrap_or(0);
            if answers != *times {
                found.push(format!("request {id} was sent {times} times and answered {answers} times"));
            }
        }
        for id in state.answers.keys().filter(|id| *id != "null" && !sent.contains_key(*id)) {
            found.push(format!("response to request {id}, which was never sent"));
        }
        for response in state.responses.values().flatten() {
            if response.value.get("error").is_some() {
                found.push(format!("unclaimed error {}", response.value));
            }
        }
        for other in &state.others {
            if other.value["method"] == "plugin/fault" {
                found.push(format!("unclaimed fault {}", other.value));
            }
        }
        found
    }

    fn expect_answers_to(&self, text: &[u8]) {
        if let Ok(message) = serde_json::from_slice(text) {
            self.expect_answers(&message);
        }
    }

    fn expect_answers(&self, message: &Value) {
        if let Value::Array(members) = message {
            return members.iter().for_each(|member| self.expect_answers(member));
        }
        let answer = message.get("result").is_some() || message.get("error").is_some();
        if let (false, Some(id @ (Value::String(_) | Value::Number(_)))) = (answer, message.get("id")) {
            *self.sent.lock().unwrap_or_else(PoisonError::into_inner).entry(id.to_string()).or_default() += 1;
        }
    }

    #[track_caller]
    fn write(&self, bytes: Vec<u8>) {
        self.shared.transcript.note(Side::Sent, &bytes);
        let outgoing = self.outgoing.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = outgoing.as_ref().expect("stdin is still open");
        match queue.try_send(bytes) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                panic!("{OUTGOING} messages are unread: the host has stopped reading")
            }
            // The host is gone: whoever waits for an answer learns it from the end of its output.
            Err(TrySendError::Disconnected(_)) => {}
        }
    }

    fn set_paused(&self, paused: bool) {
        *self.shared.paused.lock().unwrap_or_else(PoisonError::into_inner) = paused;
        self.shared.resumed.notify_all();
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.resume_reading();
    }
}

impl Shared {
    fn read(&self, mut frames: FrameReader<impl Read>) {
        let fault = loop {
            self.wait_while_paused();
            match frames.next_frame() {
                Ok(Some(frame)) => {
                    self.transcript.note(Side::Received, &frame);
                    self.mailbox.deliver(&frame);
                }
                Ok(None) => break None,
                Err(error) => break Some(format!("bad output: {error}")),
            }
        };
        self.transcript.note(Side::Note, fault.as_deref().unwrap_or("the output has ended").as_bytes());
        self.mailbox.end(fault);
    }

    fn write(&self, mut writer: impl Write, queue: &Receiver<Vec<u8>>) {
        for bytes in queue {
            if let Err(error) = writer.write_all(&bytes).and_then(|()| writer.flush()) {
                self.transcript.note(Side::Note, format!("cannot write to the host: {error}").as_bytes());
                return;
            }
        }
    }

    fn wait_while_paused(&self) {
        let mut paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        while *paused {
            paused = self.resumed.wait(paused).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
