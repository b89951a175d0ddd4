//! The same requests to the host and to Codex's own server: where the dialect says what the answer is, both give it.
//!
//! The requests, and every wanted difference with its reason, are data: `clients/codex/differential.jsonl`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};
use weir_tests::{Client, Codex, Json, Launch, RpcError, binaries, merge};

weir_tests::both_ways!(answers_are_those_of_codex_but_for_what_is_listed);

/// A difference that is wanted.
#[derive(Clone, Copy)]
struct Listed<'d> {
    /// Where it is; with `*` at its end, everything below.
    member: &'d str,
    /// What both have to be: `"$any"` for anything.
    weir: &'d Value,
    codex: &'d Value,
    /// It has to be there, and is not up to the machine.
    is_certain: bool,
}

/// A difference that was found.
#[derive(Debug)]
struct Found {
    member: String,
    weir: Value,
    codex: Value,
}

fn answers_are_those_of_codex_but_for_what_is_listed(launch: Launch) {
    let Some(codex) = Codex::installed(binaries!()) else { return };
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/codex/differential.jsonl");
    let data = fs::read_to_string(data).expect("the data");
    let lines: Vec<Value> = data
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let (head, cases) = lines.split_first().expect("a first line");
    let host = launch.start();
    let peer = codex.server();
    for directory in [host.directory(), peer.directory()] {
        set_up(head.text("setup"), directory);
    }
    let everywhere = head.list("differs");
    let mut faults = Vec::new();
    for case in cases {
        let weir = answer(&host, host.directory(), case);
        let codex = answer(&peer, peer.directory(), case);
        let found = differences(&weir, &codex);
        let own = case.get("differs").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for fault in judge(everywhere, own, &found) {
            faults.push(format!("{}: {fault}\n  weir: {weir}\n  codex: {codex}", case.text("case")));
        }
    }
    assert!(faults.is_empty(), "{} differences:\n{}", faults.len(), faults.join("\n"));
}

/// Makes the files that the requests are about, alike for both.
#[expect(clippy::disallowed_methods, reason = "the harness makes its files itself")]
fn set_up(script: &str, directory: &Path) {
    let status = std::process::Command::new("/bin/sh").args(["-euc", script]).current_dir(directory).status();
    assert!(status.expect("a shell").success(), "the files cannot be made");
}

/// What a server makes of a case: the answer to its request, or to the start of its process with all that follows.
#[track_caller]
fn answer(server: &Client, directory: &Path, case: &Value) -> Value {
    // The directory as it is: what a path leads to, not what it is called.
    let directory = directory.canonicalize().expect("a path").display().to_string();
    let params = place(&case["params"], "${tmp}", &directory);
    let (method, params) = match case.get("method") {
        Some(method) => (method.as_str().expect("a method").to_owned(), params),
        None => ("process/start".to_owned(), merge(common_start(&directory), params)),
    };
    let mut answer = match server.request(&method, params.clone()) {
        Ok(result) => json!({ "result": result }),
        Err(error) => told(&error),
    };
    if method == "process/start" && answer.get("result").is_some() {
        let process = params.text("processId");
        let then = case.get("then").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut answers = Vec::new();
        for step in then {
            // Behind everything that the process does by itself.
            if step.get("closed").is_some() {
                answer["events"] = events(server, process);
                continue;
            }
            let params = merge(json!({ "processId": process }), place(&step["params"], "${tmp}", &directory));
            answers.push(match server.request(step.text("method"), params) {
                Ok(result) => json!({ "result": result }),
                Err(error) => told(&error),
            });
        }
        if answer.get("events").is_none() {
            answer["events"] = events(server, process);
        }
        answer["then"] = json!(answers);
    }
    if let Some(member) = case.get("unordered").and_then(Value::as_str)
        && let Some(items) = answer.pointer_mut(member).and_then(Value::as_array_mut)
    {
        items.sort_by_key(Value::to_string);
    }
    place(&answer, &directory, "${tmp}")
}

fn told(error: &RpcError) -> Value {
    json!({ "error": { "code": error.code } })
}

/// What Codex sends with every start.
fn common_start(directory: &str) -> Value {
    json!({
        "cwd": format!("file://{directory}"), "env": { "PATH": "/usr/bin:/bin" }, "tty": false, "pipeStdin": false, "arg0": null,
        "sandbox": null, "enforceManagedNetwork": false, "managedNetwork": null,
    })
}

/// What a process has pushed: its streams, each in one piece, and its end.
#[track_caller]
fn events(server: &Client, process: &str) -> Value {
    let mut streams = BTreeMap::<String, Vec<u8>>::new();
    let mut end = Map::new();
    for (place, event) in server.events(process).into_iter().enumerate() {
        let params = event.value.at("params");
        assert_eq!(params.int("seq"), place as i64 + 1, "seqs have no holes");
        match event.value.text("method") {
            "process/output" => {
                streams.entry(params.text("stream").to_owned()).or_default().extend(params.bytes("chunk"));
            }
            "process/exited" => {
                end.insert("exitCode".into(), params["exitCode"].clone());
                end.insert("sandboxDenied".into(), params["sandboxDenied"].clone());
            }
            _ => {}
        }
    }
    for (stream, bytes) in streams {
        end.insert(stream, String::from_utf8_lossy(&bytes).into());
    }
    end.into()
}

/// Replaces a text wherever it stands in a value.
fn place(value: &Value, from: &str, to: &str) -> Value {
    match value {
        Value::String(text) => text.replace(from, to).into(),
        Value::Array(items) => items.iter().map(|item| place(item, from, to)).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, member)| (name.clone(), place(member, from, to))).collect()
        }
        other => other.clone(),
    }
}

/// Where two answers differ. If one of them is an error, that is all there is to say.
fn differences(weir: &Value, codex: &Value) -> Vec<Found> {
    let code = |answer: &Value| answer.pointer("/error/code").cloned().unwrap_or_default();
    let (weir_code, codex_code) = (code(weir), code(codex));
    let mut found = Vec::new();
    if weir_code != codex_code {
        found.push(Found { member: "error.code".to_owned(), weir: weir_code, codex: codex_code });
    } else {
        differ(String::new(), weir, codex, &mut found);
    }
    found
}

/// Looks for everything that Codex's answer has: the host's may have more.
fn differ(member: String, weir: &Value, codex: &Value, found: &mut Vec<Found>) {
    let below = |name: &str| if member.is_empty() { name.to_owned() } else { format!("{member}.{name}") };
    match (weir, codex) {
        (_, Value::Object(members)) if weir.is_object() || weir.is_null() => {
            for (name, codex) in members {
                differ(below(name), weir.get(name).unwrap_or(&Value::Null), codex, found);
            }
        }
        (Value::Array(items), Value::Array(codex)) if items.len() == codex.len() => {
            for (place, (weir, codex)) in items.iter().zip(codex).enumerate() {
                differ(below(&place.to_string()), weir, codex, found);
            }
        }
        _ if weir == codex => {}
        _ => found.push(Found { member, weir: weir.clone(), codex: codex.clone() }),
    }
}

/// What was found and is not listed, and what is listed and was not found.
fn judge(everywhere: &[Value], own: &[Value], found: &[Found]) -> Vec<String> {
    let listed: Vec<Listed<'_>> = own.iter().map(|entry| Listed::new(entry, true)).collect();
    let common = everywhere.iter().map(|entry| Listed::new(entry, false));
    let mut faults = Vec::new();
    for Found { member, weir, codex } in found {
        let mut entries = listed.iter().filter(|entry| entry.is_about(member));
        match entries.next().copied().or_else(|| common.clone().find(|entry| entry.is_about(member))) {
            None => faults.push(format!("`{member}` differs: weir has {weir}, codex {codex}")),
            Some(entry) if !entry.takes(weir, codex) => {
                faults.push(format!(
                    "`{member}` differs otherwise than listed: weir has {weir}, codex {codex}"
                ));
            }
            Some(_) => {}
        }
    }
    let stale = listed
        .iter()
        .filter(|entry| entry.is_certain && !found.iter().any(|found| entry.is_about(&found.member)));
    faults.extend(stale.map(|entry| format!("`{}` is listed and does not differ", entry.member)));
    faults
}

impl<'d> Listed<'d> {
    fn new(entry: &'d Value, is_certain: bool) -> Self {
        assert!(!entry.text("reason").is_empty(), "a difference without a reason: {entry}");
        Self {
            member: entry.text("member"),
            weir: entry.at("weir"),
            codex: entry.at("codex"),
            is_certain: is_certain && entry.get("sometimes").is_none(),
        }
    }

    fn is_about(&self, member: &str) -> bool {
        match self.member.strip_suffix('*') {
            Some(above) => member.starts_with(above),
            None => member == self.member,
        }
    }

    fn takes(&self, weir: &Value, codex: &Value) -> bool {
        let is = |wanted: &Value, seen: &Value| wanted == "$any" || wanted == seen;
        is(self.weir, weir) && is(self.codex, codex)
    }
}
