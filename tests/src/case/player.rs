//! Plays the lines of a case against a host.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::shape;
use crate::gate::Gate;
use crate::host::Host;
use crate::json::{Json, base64};
use crate::rpc_error::RpcError;

/// The state of a case that is being played. Dropping it lets every waiting child go on.
pub(super) struct Player<'h> {
    host: &'h Host,
    gates: BTreeMap<String, Gate>,
}

impl<'h> Player<'h> {
    pub(super) fn new(host: &'h Host) -> Self {
        Self { host, gates: BTreeMap::new() }
    }

    /// Plays one line.
    pub(super) fn step(&mut self, line: &str) -> Result<(), String> {
        let directory = self.host.directory().to_str().ok_or("the temporary directory is not UTF-8")?;
        let step: Value =
            serde_json::from_str(&line.replace("${tmp}", directory)).map_err(|e| e.to_string())?;
        let step =
            step.as_object().filter(|step| step.len() == 1).ok_or("expected an object of one member")?;
        let (word, operand) = step.iter().next().ok_or("expected a step")?;
        match word.as_str() {
            "comment" => Ok(()),
            "send" => {
                self.host.send(operand);
                Ok(())
            }
            "sendRaw" => self.send_bytes(text(operand)?.as_bytes().to_vec()),
            "sendBase64" => self
                .send_bytes(base64_simd::STANDARD.decode_to_vec(text(operand)?).map_err(|e| e.to_string())?),
            "sendRepeat" => {
                let times = usize::try_from(operand.int("times")).map_err(|error| error.to_string())?;
                let part =
                    |name: &str| operand.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
                let repeated = part("text").repeat(times);
                self.send_bytes([part("before"), repeated, part("after")].concat().into_bytes())
            }
            "expect" => self.expect(operand),
            "expectEvents" => self.expect_events(operand),
            "fifo" => {
                let path = text(operand)?;
                self.gates.insert(path.to_owned(), Gate::new(path));
                Ok(())
            }
            "release" => {
                let gate = self.gates.get(text(operand)?).ok_or("no such fifo in this case")?;
                // A shell reads a line.
                fs::write(gate.to_string(), "\n").map_err(|error| error.to_string())
            }
            "file" => write_file(operand),
            "close" => {
                self.host.close();
                Ok(())
            }
            "end" => {
                let status = i32::try_from(operand.int("exit")).map_err(|error| error.to_string())?;
                self.host.expect_exit(Some(status));
                let seen = self.host.wait_exit()?;
                if seen == status { Ok(()) } else { Err(format!("the host ended with {seen}")) }
            }
            _ => Err(format!("no step `{word}`")),
        }
    }

    fn send_bytes(&self, bytes: Vec<u8>) -> Result<(), String> {
        self.host.send_bytes(bytes);
        Ok(())
    }

    fn expect(&self, shape: &Value) -> Result<(), String> {
        if let Value::Array(shapes) = shape {
            let batch = self.host.try_batch().map_err(|missing| missing.to_string())?.value;
            return shape::set_matches(shapes, batch.as_array().map_or(&[], Vec::as_slice), "batch");
        }
        let seen = match (shape.get("id"), shape.get("method").and_then(Value::as_str)) {
            (Some(id), None) => self.host.try_claim(id),
            (_, Some(method)) => match shape.pointer("/params/processId").and_then(Value::as_str) {
                Some(process) if shape.get("id").is_none() => self.host.try_event_of(process, method),
                _ => self.host.try_other(method),
            },
            (None, None) => return Err("expected a shape with an `id`, a `method` or both".to_owned()),
        };
        let seen = seen.map_err(|missing| missing.to_string())?.value;
        shape::matches(shape, Some(&seen), "message")?;
        // An error that was not spelled out is not what the case expected.
        match (RpcError::of(&seen), shape.get("error")) {
            (Some(error), None) => Err(error.to_string()),
            _ => Ok(()),
        }
    }

    /// All notifications about a process, with outputs of one stream next to each other joined.
    fn expect_events(&self, operand: &Value) -> Result<(), String> {
        let process = operand.text("processId");
        let mut seen: Vec<Value> = Vec::new();
        while seen.last().is_none_or(|last| last["method"] != "process/closed") {
            let event = self.host.try_event(process).map_err(|missing| missing.to_string())?.value;
            match seen.last_mut().filter(|last| joins(last, &event)) {
                Some(last) => join(last, &event),
                None => seen.push(event),
            }
        }
        shape::matches(&operand["events"], Some(&json!(seen)), "events")
    }
}

/// Whether two notifications are of the same stream with nothing in between.
fn joins(last: &Value, next: &Value) -> bool {
    [last, next].iter().all(|event| event["method"] == "process/output" && !event.at("params").has("dropped"))
        && last["params"]["stream"] == next["params"]["stream"]
}

fn join(last: &mut Value, next: &Value) {
    if next.at("params").has("text") {
        let joined = format!("{}{}", last.text("params.text"), next.text("params.text"));
        last["params"]["text"] = joined.into();
    } else {
        let joined = [last.bytes("params.chunk"), next.bytes("params.chunk")].concat();
        last["params"]["chunk"] = base64(joined).into();
    }
}

fn write_file(operand: &Value) -> Result<(), String> {
    let path = operand.text("path");
    fs::write(path, operand.text("text")).map_err(|error| format!("{path}: {error}"))?;
    let mode = operand.get("mode").and_then(Value::as_str).unwrap_or("644");
    let mode = u32::from_str_radix(mode, 8).map_err(|error| error.to_string())?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(|error| format!("{path}: {error}"))
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| format!("expected a string, saw {value}"))
}
