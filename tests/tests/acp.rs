//! The terminals of the Agent Client Protocol: an editor hands an agent's requests on as they are.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use serde_json::{Value, json};
use weir_tests::{Host, Json, Launch, PluginEntry, RpcError, Unnamed, Validator, merge};

weir_tests::both_ways!(
    a_terminal_gives_what_was_printed_and_how_it_ended,
    output_is_given_while_the_command_runs,
    a_limit_cuts_the_beginning_between_characters,
    a_limit_holds_for_more_than_is_kept,
    what_is_no_text_is_replaced_within_the_limit,
    a_killed_terminal_can_be_read_until_it_is_released,
    a_release_ends_the_whole_tree,
    a_terminal_is_kept_until_it_is_released,
    variables_are_laid_over_what_is_inherited,
    a_terminal_belongs_to_its_session,
    a_terminal_is_a_process_like_others,
    policies_and_filters_hold_for_terminals,
    a_filter_that_fails_is_told_of,
    what_is_wrong_is_named,
);

/// The schemas of that protocol.
static SCHEMAS: LazyLock<Value> = LazyLock::new(|| {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("acp/terminal.schema.json");
    serde_json::from_str(&fs::read_to_string(file).expect("the schemas")).expect("JSON")
});

/// A request as an agent makes it. It and its answer must be what the protocol says, to the last member.
#[track_caller]
fn request(host: &Host, method: &str, params: Value) -> Result<Value, RpcError> {
    let params = merge(json!({ "sessionId": "sess_1" }), params);
    let schemas = &SCHEMAS["methods"][method];
    let validator = Validator::new(&SCHEMAS, Unnamed::Refused);
    validator.check(&schemas["params"], &params).expect("params of the protocol");
    let answer = host.request(method, params)?;
    validator.check(&schemas["result"], &answer).expect("a result of the protocol");
    Ok(answer)
}

#[track_caller]
fn about(host: &Host, method: &str, terminal: &str) -> Value {
    request(host, method, json!({ "terminalId": terminal }))
        .unwrap_or_else(|error| panic!("{method}: {error}"))
}

/// Creates a terminal that runs `argv`.
#[track_caller]
fn create(host: &Host, argv: &[String], more: Value) -> String {
    let params = merge(json!({ "command": argv[0], "args": argv[1..] }), more);
    request(host, "terminal/create", params).expect("a terminal").text("terminalId").to_owned()
}

#[track_caller]
fn sh(host: &Host, script: &str, more: Value) -> String {
    create(host, &host.shell_argv(script), more)
}

/// Its output when it has ended.
#[track_caller]
fn whole(host: &Host, terminal: &str) -> Value {
    host.call("process/wait", json!({ "processId": terminal, "until": "close" }));
    about(host, "terminal/output", terminal)
}

fn a_terminal_gives_what_was_printed_and_how_it_ended(launch: Launch) {
    let host = launch.start();
    let terminal = sh(&host, "echo out; echo err >&2; echo out; exit 3", json!({}));
    let status = json!({ "exitCode": 3, "signal": null });
    assert_eq!(about(&host, "terminal/wait_for_exit", &terminal), status);
    let output = about(&host, "terminal/output", &terminal);
    assert_eq!(output, json!({ "output": "out\nerr\nout\n", "truncated": false, "exitStatus": status }));
    assert_eq!(about(&host, "terminal/output", &terminal), output, "it can be read again");
    assert_eq!(about(&host, "terminal/release", &terminal), json!({}));
    let error = request(&host, "terminal/output", json!({ "terminalId": terminal })).expect_err("released");
    error.assert(-32600, "unknownProcess", &[&terminal]);
    let transcript = host.transcript().render();
    assert!(!transcript.contains("process/exited"), "an agent asks, nothing is pushed:\n{transcript}");
}

fn output_is_given_while_the_command_runs(launch: Launch) {
    let host = launch.start();
    let gate = host.gate("go");
    let terminal = create(
        &host,
        &host.probe_argv(&format!("line stdout early wait-fifo {gate} line stdout late")),
        json!({}),
    );
    host.call("process/read", json!({ "processId": terminal, "waitMs": 20_000 }));
    assert_eq!(
        about(&host, "terminal/output", &terminal),
        json!({ "output": "early\n", "truncated": false })
    );
    gate.release();
    assert_eq!(about(&host, "terminal/wait_for_exit", &terminal), json!({ "exitCode": 0, "signal": null }));
    assert_eq!(about(&host, "terminal/output", &terminal).text("output"), "early\nlate\n");
}

fn a_limit_cuts_the_beginning_between_characters(launch: Launch) {
    let host = launch.start();
    // Each ä has two bytes.
    for (limit, output, truncated) in [
        (0, "", true),
        (1, "z", true),
        (2, "z", true),
        (7, "äääz", true),
        (9, "ääääz", false),
        (100, "ääääz", false),
    ] {
        let terminal = sh(&host, "printf ääääz", json!({ "outputByteLimit": limit }));
        let seen = whole(&host, &terminal);
        assert_eq!((seen.text("output"), seen.flag("truncated")), (output, truncated), "{limit}");
    }
}

fn a_limit_holds_for_more_than_is_kept(launch: Launch) {
    let host = launch.start();
    let script = "i=0; while [ $i -lt 30000 ]; do echo line $i of many; i=$((i+1)); done";
    let printed: String = (0..30_000).map(|i| format!("line {i} of many\n")).collect();
    for limit in [1, 1000, 100_000] {
        let terminal = sh(&host, script, json!({ "outputByteLimit": limit }));
        let seen = whole(&host, &terminal);
        assert!(seen.flag("truncated"));
        assert_eq!(seen.text("output"), &printed[printed.len() - limit..], "{limit}");
        about(&host, "terminal/release", &terminal);
    }
}

fn what_is_no_text_is_replaced_within_the_limit(launch: Launch) {
    let host = launch.start();
    let terminal = sh(&host, r"printf 'a\377b\377c'", json!({ "outputByteLimit": 6 }));
    let seen = whole(&host, &terminal);
    assert_eq!((seen.text("output"), seen.flag("truncated")), ("b\u{FFFD}c", true));
}

fn a_killed_terminal_can_be_read_until_it_is_released(launch: Launch) {
    let host = launch.start();
    let terminal = create(&host, &host.probe_argv("line stdout here fork { hang } hang"), json!({}));
    host.call("process/read", json!({ "processId": terminal, "waitMs": 20_000 }));
    let params = json!({ "sessionId": "sess_1", "terminalId": terminal });
    let waiting = host.send_request("terminal/wait_for_exit", params);
    assert_eq!(about(&host, "terminal/kill", &terminal), json!({}));
    assert!(host.live_probes().is_empty(), "the whole tree");
    let status = json!({ "exitCode": null, "signal": "SIGTERM" });
    assert_eq!(host.response(waiting).expect("an exit"), status);
    assert_eq!(about(&host, "terminal/kill", &terminal), json!({}), "what is gone already is no error");
    let output = about(&host, "terminal/output", &terminal);
    assert_eq!(output, json!({ "output": "here\n", "truncated": false, "exitStatus": status }));
    about(&host, "terminal/release", &terminal);
}

fn a_release_ends_the_whole_tree(launch: Launch) {
    let host = launch.start();
    let terminal =
        create(&host, &host.probe_argv("fork { setsid fork { hang } hang } line stdout up hang"), json!({}));
    host.call("process/read", json!({ "processId": terminal, "waitMs": 20_000 }));
    assert_eq!(about(&host, "terminal/release", &terminal), json!({}));
    assert!(host.live_probes().is_empty());
    assert_eq!(host.call("process/list", json!({})), json!({ "processes": [] }));
}

fn a_terminal_is_kept_until_it_is_released(launch: Launch) {
    let host = launch.options(["--retention-ms", "1"]).start();
    let terminal = sh(&host, "echo kept", json!({}));
    whole(&host, &terminal);
    let process = host.start(json!({ "argv": ["true"] }));
    process.events();
    // Forgotten after the terminal would have been.
    while host.request("process/read", process.params(json!({ "waitMs": 10, "waitFor": "exit" }))).is_ok() {}
    assert_eq!(about(&host, "terminal/output", &terminal).text("output"), "kept\n");
    about(&host, "terminal/release", &terminal);
}

fn variables_are_laid_over_what_is_inherited(launch: Launch) {
    let host = launch.start();
    let env = json!([{ "name": "A", "value": "1" }, { "name": "PAGER", "value": "less" }, { "name": "A", "value": "2" }]);
    let script = "echo $A $PAGER $GIT_PAGER ${PATH:+path}; pwd";
    let terminal = sh(&host, script, json!({ "env": env, "cwd": "/" }));
    assert_eq!(whole(&host, &terminal).text("output"), "2 less cat path\n/\n");
}

fn a_terminal_belongs_to_its_session(launch: Launch) {
    let host = launch.start();
    let terminal = sh(&host, "echo mine", json!({}));
    let process = host.probe("hang");
    for (session, id) in [("sess_2", terminal.as_str()), ("sess_1", &process.id), ("sess_1", "none")] {
        for method in ["terminal/output", "terminal/wait_for_exit", "terminal/kill", "terminal/release"] {
            let params = json!({ "sessionId": session, "terminalId": id });
            let error = request(&host, method, params).expect_err("another's");
            error.assert(-32600, "unknownProcess", &[id]);
        }
    }
    assert_eq!(host.live_probes().len(), 1, "nothing was killed");
    assert_eq!(whole(&host, &terminal).text("output"), "mine\n");
}

fn a_terminal_is_a_process_like_others(launch: Launch) {
    let host = launch.start();
    let terminal = sh(&host, "echo hello", json!({}));
    whole(&host, &terminal);
    let list = host.call("process/list", json!({}));
    assert_eq!(list.text("processes.0.processId"), terminal);
    assert_eq!(list.text("processes.0.metadata.sessionId"), "sess_1");
    let read = host.call("process/read", json!({ "processId": terminal }));
    assert_eq!(read.text("chunks.0.text"), "hello\n");
}

fn policies_and_filters_hold_for_terminals(launch: Launch) {
    let denying = launch.clone().config("default = \"deny\"\n").start();
    let params = json!({ "command": "true" });
    let error = request(&denying, "terminal/create", params).expect_err("denied");
    error.assert(-32020, "policyDenied", &[]);
    assert_eq!(denying.call("process/list", json!({})), json!({ "processes": [] }));
    drop(denying);
    let host = launch.config("[[plugin]]\nsource = \"builtin:redact\"\ningest = true\n").start();
    let secret = format!("ghp_{}", "a1B2c3".repeat(6));
    let terminal = sh(&host, &format!("echo {secret}"), json!({}));
    let output = whole(&host, &terminal);
    assert!(output.text("output").starts_with("[redacted"), "{output}");
}

fn a_filter_that_fails_is_told_of(launch: Launch) {
    let hostile = PluginEntry::fixture("hostile").config("do = \"trap\", hook = \"push\", after = 0");
    let config = hostile.ingest().with("kinds = [\"filter\"]").to_string();
    let host = launch.config(config).start();
    let terminal = sh(&host, "echo hidden", json!({}));
    let output = whole(&host, &terminal);
    assert_eq!((output.text("output"), output.int("_meta.withheldBytes")), ("", 7), "{output}");
    assert!(output.text("_meta.withheldReason").contains("hostile"), "{output}");
    host.try_other("plugin/fault").expect("the fault");
}

fn what_is_wrong_is_named(launch: Launch) {
    let host = launch.start();
    for (params, member) in [
        (json!({ "command": "true" }), "sessionId"),
        (json!({ "sessionId": "s" }), "command"),
        (json!({ "sessionId": "s", "command": "" }), "command"),
        (json!({ "sessionId": "s", "command": "a\0b" }), "command"),
        (json!({ "sessionId": "s", "command": "true", "args": ["a\0"] }), "args[0]"),
        (json!({ "sessionId": "s", "command": "true", "args": "-v" }), "args"),
        (json!({ "sessionId": "s", "command": "true", "cwd": "here" }), "cwd"),
        (json!({ "sessionId": "s", "command": "true", "env": { "A": "1" } }), "env"),
        (json!({ "sessionId": "s", "command": "true", "env": [["A", "1"]] }), "env[0]"),
        (
            json!({ "sessionId": "s", "command": "true", "env": [{ "name": "A=B", "value": "" }] }),
            "env[0].name",
        ),
        (json!({ "sessionId": "s", "command": "true", "outputByteLimit": -1 }), "outputByteLimit"),
        (json!({ "sessionId": "s".repeat(1025), "command": "true" }), "sessionId"),
    ] {
        let error = host.refused("terminal/create", params);
        error.assert(-32602, "invalidParams", &["terminal/create", member]);
        assert_eq!(error.data.text("member"), member);
    }
    let error = host.refused("terminal/create", json!({ "sessionId": "s", "command": "/no/such/program" }));
    error.assert(-32603, "spawnFailed", &["/no/such/program"]);
    host.refused("terminal/output", json!({ "sessionId": "s" })).assert(
        -32602,
        "invalidParams",
        &["terminalId"],
    );
}
