//! A refusal names what is at fault, and the connection lives on.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use weir_tests::{Framing, Json, Launch, RpcError, merge, pushed};

weir_tests::both_ways!(
    a_missing_program_is_named,
    a_program_that_may_not_run_is_named,
    a_missing_directory_is_named,
    a_directory_that_is_a_file_is_named,
    a_script_without_an_interpreter_is_told_apart_from_a_missing_one,
    a_wrong_member_is_named,
    what_is_not_supported_is_refused_by_name,
    a_number_out_of_range_is_named,
    a_failed_start_leaves_the_id_free,
    a_process_id_in_use_is_refused,
    a_process_that_never_was_is_unknown,
    a_write_says_why_nothing_was_written,
    a_bad_signal_is_named,
    a_cancelled_wait_is_answered_at_once,
    a_message_over_the_limit_costs_one_error,
    nothing_but_initialize_comes_first,
    an_unknown_method_is_named,
    a_sandbox_that_cannot_be_had_is_refused,
);

/// Refuses a start with these params.
#[track_caller]
fn refused_start(host: &weir_tests::Host, params: Value) -> RpcError {
    host.refused("process/start", weir_tests::merge(json!({ "processId": host.next_id() }), params))
}

/// The host still works.
#[track_caller]
fn assert_alive(host: &weir_tests::Host) {
    assert_eq!(pushed(&host.probe("emit stdout alive").events(), "stdout"), b"alive");
}

fn a_missing_program_is_named(launch: Launch) {
    let host = launch.start();
    for program in ["/no/such/program", "no-such-program-in-path"] {
        let error = refused_start(&host, json!({ "argv": [program] }));
        error.assert(-32603, "spawnFailed", &[program]);
        assert_eq!(error.data.text("stage"), "exec");
        assert_eq!(error.data.text("program"), program);
        assert_eq!(error.data.int("errno"), 2);
    }
    assert_alive(&host);
}

fn a_program_that_may_not_run_is_named(launch: Launch) {
    let host = launch.start();
    let path = host.path("plain.txt");
    fs::write(&path, "text").expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("a mode");
    for program in [&path, host.directory()] {
        let program = program.to_str().expect("a path in UTF-8");
        let error = refused_start(&host, json!({ "argv": [program] }));
        error.assert(-32603, "spawnFailed", &[program]);
        assert_eq!((error.data.text("stage"), error.data.int("errno")), ("exec", 13));
    }
    assert_alive(&host);
}

fn a_missing_directory_is_named(launch: Launch) {
    let host = launch.start();
    let error = refused_start(&host, json!({ "argv": ["true"], "cwd": "/no/such/directory" }));
    error.assert(-32603, "spawnFailed", &["/no/such/directory"]);
    assert_eq!(error.data.text("stage"), "chdir");
    assert_eq!(error.data.text("cwd"), "/no/such/directory");
    assert_eq!(error.data.int("errno"), 2);
    assert!(!error.message.contains("true"), "the program is not at fault: {error}");
}

fn a_directory_that_is_a_file_is_named(launch: Launch) {
    let host = launch.start();
    let path = host.path("file");
    fs::write(&path, "").expect("a file");
    let path = path.to_str().expect("a path in UTF-8");
    let error = refused_start(&host, json!({ "argv": ["true"], "cwd": path }));
    error.assert(-32603, "spawnFailed", &[path]);
    assert_eq!((error.data.text("stage"), error.data.int("errno")), ("chdir", 20));
}

fn a_script_without_an_interpreter_is_told_apart_from_a_missing_one(launch: Launch) {
    let host = launch.start();
    for (name, text, errno) in [("no-line", "echo x\n", 8), ("no-program", "#!/no/such/interpreter\n", 2)] {
        let path = host.path(name);
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
        let path = path.to_str().expect("a path in UTF-8");
        let error = refused_start(&host, json!({ "argv": [path] }));
        error.assert(-32603, "spawnFailed", &[path]);
        assert_eq!((error.data.text("stage"), error.data.int("errno")), ("exec", errno));
    }
}

fn what_is_not_supported_is_refused_by_name(launch: Launch) {
    let host = launch.start();
    for (member, params) in [
        ("sandbox", json!({ "sandbox": { "type": "readOnly" } })),
        ("enforceManagedNetwork", json!({ "enforceManagedNetwork": true })),
    ] {
        let error = refused_start(&host, merge(json!({ "argv": ["true"] }), params));
        error.assert(-32602, "invalidParams", &[member]);
        assert_eq!(error.data.text("member"), member);
    }
    // What asks for nothing is not refused.
    for params in [json!({ "tty": false, "mergeStderr": false, "limits": null, "sandbox": null }), json!({})]
    {
        host.call("process/start", merge(json!({ "argv": ["true"] }), params));
    }
    assert_alive(&host);
}

fn a_wrong_member_is_named(launch: Launch) {
    let host = launch.start();
    for (params, member) in [
        (json!({}), "argv"),
        (json!({ "argv": [] }), "argv"),
        (json!({ "argv": "true" }), "argv"),
        (json!({ "argv": ["true", 1] }), "argv"),
        (json!({ "argv": ["a\0b"] }), "argv"),
        (json!({ "argv": ["true"], "cwd": "relative/path" }), "cwd"),
        (json!({ "argv": ["true"], "cwd": "/a\0b" }), "cwd"),
        (json!({ "argv": ["true"], "cwd": "http://host/path" }), "cwd"),
        (json!({ "argv": ["true"], "cwd": 1 }), "cwd"),
        (json!({ "argv": ["true"], "env": ["A=1"] }), "env"),
        (json!({ "argv": ["true"], "env": { "A": 1 } }), "env"),
        (json!({ "argv": ["true"], "env": { "A=B": "1" } }), "env"),
        (json!({ "argv": ["true"], "env": { "A": "1\u{0}" } }), "env"),
        (json!({ "argv": ["true"], "envPolicy": { "inherit": "some" } }), "inherit"),
        (json!({ "argv": ["true"], "timeoutMs": "soon" }), "timeoutMs"),
        (json!({ "argv": ["true"], "timeoutMs": -1 }), "timeoutMs"),
        (json!({ "argv": ["true"], "tty": { "cols": 0, "rows": 24 } }), "cols"),
        (json!({ "argv": ["true"], "tty": { "cols": 70_000, "rows": 24 } }), "cols"),
        (json!({ "argv": ["true"], "outputEncoding": "latin1" }), "outputEncoding"),
        (json!({ "argv": ["true"], "retention": { "overflow": "ignore" } }), "overflow"),
        (json!({ "argv": ["true"], "leftovers": true }), "leftovers"),
        (json!({ "argv": ["true"], "arg0": "\u{0}" }), "arg0"),
    ] {
        let error = refused_start(&host, params.clone());
        assert_eq!((error.code, error.kind.as_str()), (-32602, "invalidParams"), "{params}: {error}");
        assert!(error.message.contains(member), "expected `{member}` to be named for {params}, saw {error}");
    }
    assert_alive(&host);
}

fn a_number_out_of_range_is_named(launch: Launch) {
    let host = launch.start();
    let process = host.probe("hang");
    for (method, params, member) in [
        ("process/read", json!({ "afterSeq": -1 }), "afterSeq"),
        ("process/read", json!({ "afterSeq": "1" }), "afterSeq"),
        ("process/read", json!({ "maxBytes": 0 }), "maxBytes"),
        ("process/read", json!({ "waitFor": "rain" }), "waitFor"),
        ("process/wait", json!({ "until": "never" }), "until"),
        ("process/wait", json!({ "timeoutMs": 1.5 }), "timeoutMs"),
        ("process/write", json!({ "chunk": "?" }), "chunk"),
        ("process/write", json!({ "chunk": 1 }), "chunk"),
        ("process/signal", json!({}), "signal"),
        ("process/signal", json!({ "signal": "SIGINT", "scope": "world" }), "scope"),
        ("process/terminate", json!({ "graceMs": [] }), "graceMs"),
    ] {
        let error = host.refused(method, process.params(params.clone()));
        assert_eq!(
            (error.code, error.kind.as_str()),
            (-32602, "invalidParams"),
            "{method} {params}: {error}"
        );
        assert!(error.message.contains(member), "expected `{member}` to be named for {params}, saw {error}");
    }
    process.terminate();
}

fn a_failed_start_leaves_the_id_free(launch: Launch) {
    let host = launch.start();
    for params in [json!({ "argv": ["/no/such/program"] }), json!({ "argv": [] })] {
        host.refused("process/start", weir_tests::merge(json!({ "processId": "same" }), params));
        host.refused("process/read", json!({ "processId": "same" })).assert(
            -32600,
            "unknownProcess",
            &["same"],
        );
    }
    let process = host.start(json!({ "processId": "same", "argv": host.probe_argv("emit stdout x") }));
    assert_eq!(pushed(&process.events(), "stdout"), b"x");
}

fn a_process_id_in_use_is_refused(launch: Launch) {
    let host = launch.start();
    let running = host.probe("hang");
    let closed = host.probe("exit 0");
    closed.events();
    for process in [&running, &closed] {
        let error = host.refused("process/start", process.params(json!({ "argv": ["true"] })));
        error.assert(-32600, "duplicateProcess", &[&process.id]);
    }
    assert!(!running.read_all().flag("exited"), "the first of the name is untouched");
    running.terminate();
}

fn a_process_that_never_was_is_unknown(launch: Launch) {
    let host = launch.start();
    for (method, params) in [
        ("process/read", json!({})),
        ("process/wait", json!({ "until": "exit" })),
        ("process/signal", json!({ "signal": "interrupt" })),
        ("process/release", json!({})),
    ] {
        let error = host.refused(method, weir_tests::merge(json!({ "processId": "nobody" }), params));
        error.assert(-32600, "unknownProcess", &["nobody"]);
    }
}

fn a_write_says_why_nothing_was_written(launch: Launch) {
    let host = launch.start();
    let unknown = host.call("process/write", json!({ "processId": "nobody", "chunk": "eA==" }));
    assert_eq!(unknown.text("status"), "unknownProcess");
    let without = host.probe("hang");
    assert_eq!(without.write("x").text("status"), "stdinClosed");
    let with = host.probe_with("echo", json!({ "pipeStdin": true }));
    assert_eq!(with.write("x").text("status"), "accepted");
    with.call("process/closeStdin", json!({}));
    assert_eq!(with.write("y").text("status"), "stdinClosed");
    assert_eq!(pushed(&with.events(), "stdout"), b"x");
    without.terminate();
}

fn a_bad_signal_is_named(launch: Launch) {
    let host = launch.start();
    let process = host.probe("hang");
    for signal in ["SIGNOTHING", "9", ""] {
        let error = host.refused("process/signal", process.params(json!({ "signal": signal })));
        error.assert(-32602, "invalidParams", &["signal"]);
    }
    process.terminate();
}

fn a_cancelled_wait_is_answered_at_once(launch: Launch) {
    let host = launch.start();
    let process = host.probe("hang");
    for method in ["$/cancelRequest", "notifications/cancelled"] {
        let member = if method.starts_with('$') { "id" } else { "requestId" };
        let waits = [
            process.send("process/wait", json!({ "until": "exit" })),
            process.send("process/read", json!({ "waitMs": 60_000 })),
        ];
        for id in waits {
            host.notify(method, json!({ member: id }));
            let error = host.response(id).expect_err("a cancelled request");
            error.assert(-32800, "requestCancelled", &[]);
        }
    }
    // What was answered or never asked is no one's to cancel.
    host.notify("$/cancelRequest", json!({ "id": 1 }));
    host.notify("$/cancelRequest", json!({ "id": "never" }));
    host.notify("$/cancelRequest", json!({}));
    assert!(!process.read_all().flag("exited"), "a cancelled wait stops nothing");
    process.terminate();
}

fn a_message_over_the_limit_costs_one_error(launch: Launch) {
    for framing in [Framing::Lines, Framing::ContentLength] {
        let host = launch.clone().framing(framing).start();
        let id = host.next_id();
        let huge = "x".repeat(20 << 20);
        host.send_bytes(framing.encode(format!("{{\"method\":\"{huge}\",\"id\":{{}}}}").as_bytes()));
        let error = host.claim(&Value::Null).value;
        let error = RpcError::of(&error).expect("an error");
        error.assert(-32600, "messageTooLarge", &[]);
        let process = host.start(json!({ "processId": id, "argv": host.probe_argv("emit stdout x") }));
        assert_eq!(pushed(&process.events(), "stdout"), b"x");
    }
}

fn nothing_but_initialize_comes_first(launch: Launch) {
    let host = launch.uninitialized().start();
    for method in ["process/start", "process/list", "environment/info", "shutdown", "no/such"] {
        host.refused(method, json!({ "argv": ["true"] })).assert(-32002, "notInitialized", &["initialize"]);
    }
    let result = host.initialize();
    for member in ["sessionId", "protocolVersion", "serverInfo", "capabilities", "environmentInfo"] {
        assert!(result.has(member), "no `{member}` in {result}");
    }
    assert_alive(&host);
}

fn an_unknown_method_is_named(launch: Launch) {
    let host = launch.start();
    host.refused("process/levitate", json!({})).assert(-32601, "methodNotFound", &["process/levitate"]);
    host.notify("process/levitated", json!({}));
    assert_alive(&host);
}

fn a_sandbox_that_cannot_be_had_is_refused(launch: Launch) {
    let host = launch.start();
    for params in [
        json!({ "argv": ["true"], "sandbox": { "type": "read-only" } }),
        json!({ "argv": ["true"], "enforceManagedNetwork": true }),
    ] {
        let member = if params.has("sandbox") { "sandbox" } else { "enforceManagedNetwork" };
        assert!(refused_start(&host, params).message.contains(member));
    }
    let fine = json!({ "argv": ["true"], "sandbox": null, "enforceManagedNetwork": false });
    host.start(fine).events();
}
