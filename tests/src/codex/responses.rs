//! A model that does what it is told: the Responses API on loopback, as much of it as Codex uses.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use serde_json::{Value, json};

use super::{Shared, locked};

/// What the model is asked once.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Counted from 0.
    pub number: usize,
    /// What the tool printed that was called last.
    pub output: Option<String>,
    /// The whole request, as it came.
    pub request: String,
}

type Script = Box<dyn FnMut(&Turn) -> Option<Value> + Send>;

/// The server. It ends with its last connection.
pub(super) struct Api {
    port: u16,
    state: Shared<State>,
    over: Arc<AtomicBool>,
}

struct State {
    script: Script,
    turns: Vec<Turn>,
    times: Vec<Instant>,
    fault: Option<String>,
}

impl Turn {
    /// The number of the session that a command goes on in, told as `session ID 7`.
    ///
    /// # Panics
    ///
    /// If the output tells of none.
    #[must_use]
    #[track_caller]
    pub fn session(&self) -> u64 {
        let output = self.output.as_deref().unwrap_or_default();
        let told = output.split("session ID ").nth(1).unwrap_or_else(|| panic!("no session in {output:?}"));
        let digits: String = told.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().expect("the number of a session")
    }
}

impl Api {
    pub(super) fn serve(script: impl FnMut(&Turn) -> Option<Value> + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port on loopback");
        let port = listener.local_addr().expect("an address").port();
        let state = State { script: Box::new(script), turns: Vec::new(), times: Vec::new(), fault: None };
        let api = Self { port, state: Shared::new(state.into()), over: Arc::default() };
        let (state, over) = (Arc::clone(&api.state), Arc::clone(&api.over));
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept()
                && !over.load(Ordering::Acquire)
            {
                let state = Arc::clone(&state);
                // A connection that breaks is the client's affair.
                thread::spawn(move || drop(converse(&stream, &state)));
            }
        });
        api
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// What was asked when, and what was wrong with the script.
    pub(super) fn finish(self) -> (Vec<Turn>, Vec<Instant>, Option<String>) {
        self.over.store(true, Ordering::Release);
        // Wakes the one that accepts.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
        let mut state = locked(&self.state);
        (std::mem::take(&mut state.turns), std::mem::take(&mut state.times), state.fault.take())
    }
}

/// Answers the requests of a connection.
fn converse(stream: &TcpStream, state: &Shared<State>) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let is_post = line.starts_with("POST ");
        let mut length = 0;
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let (kind, body) = match is_post {
            true => ("text/event-stream", events(String::from_utf8_lossy(&body).into_owned(), state)),
            false => ("application/json", r#"{"data":[],"models":[]}"#.to_owned()),
        };
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n", body.len());
        let mut writer = stream;
        writer.write_all((head + &body).as_bytes())?;
    }
}

/// The answer to one request: a tool to call, or the last word.
fn events(request: String, state: &Shared<State>) -> String {
    let mut state = locked(state);
    let State { script, turns, times, fault } = &mut *state;
    times.push(Instant::now());
    let turn = Turn { number: turns.len(), output: last_output(&request), request };
    turns.push(turn.clone());
    let called = catch_unwind(AssertUnwindSafe(|| script(&turn))).unwrap_or_else(|_| {
        fault.get_or_insert_with(|| format!("the script failed in turn {}", turn.number));
        None
    });
    let number = turn.number;
    let item = match called {
        Some(call) => json!({
            "type": "function_call", "id": format!("item-{number}"), "call_id": format!("call-{number}"),
            "name": call["name"], "arguments": call["arguments"].to_string(),
        }),
        None => json!({
            "type": "message", "id": format!("item-{number}"), "role": "assistant",
            "content": [{ "type": "output_text", "text": "done" }],
        }),
    };
    let id = format!("response-{number}");
    let usage = json!({
        "input_tokens": 1, "input_tokens_details": null, "output_tokens": 1, "output_tokens_details": null,
        "total_tokens": 2,
    });
    [
        json!({ "type": "response.created", "response": { "id": id } }),
        json!({ "type": "response.output_item.done", "output_index": 0, "item": item }),
        json!({ "type": "response.completed", "response": { "id": id, "usage": usage } }),
    ]
    .iter()
    .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default()))
    .collect()
}

/// What the last tool has given, as the model reads it.
fn last_output(request: &str) -> Option<String> {
    let request: Value = serde_json::from_str(request).ok()?;
    let items = request["input"].as_array()?;
    let item = items.iter().rev().find(|item| item["type"] == "function_call_output")?;
    match &item["output"] {
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
