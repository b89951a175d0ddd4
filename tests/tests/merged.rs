//! Both streams through one pipe: their order is the kernel's.

use serde_json::{Value, json};
use weir_tests::{Json, Launch, chunks_of, merge, outline, pushed};

weir_tests::both_ways!(
    merged_streams_keep_the_order_of_printing,
    a_merged_stream_ends_when_neither_is_open,
    a_run_of_merged_streams_has_all_in_stdout,
    filters_are_told_that_streams_are_merged,
);

fn merged_streams_keep_the_order_of_printing(launch: Launch) {
    let host = launch.start();
    let script: String = (0..2000).map(|n| format!("line stdout out{n} line stderr err{n} ")).collect();
    let process = host.probe_with(&script, json!({ "mergeStderr": true }));
    let expected: String = (0..2000).map(|n| format!("out{n}\nerr{n}\n")).collect();
    let events = process.events();
    assert_eq!(outline(&events), ["process/output", "process/exited", "process/closed"]);
    assert_eq!(String::from_utf8(pushed(&events, "stdout")).expect("text"), expected);
    assert_eq!(pushed(&events, "stderr"), b"");
}

fn a_merged_stream_ends_when_neither_is_open(launch: Launch) {
    let host = launch.start();
    let (ready, go) = (host.gate("ready"), host.gate("go"));
    let script = format!(
        "fork {{ hold-stream stderr tell-fifo {ready} wait-fifo {go} emit stderr late }} wait-fifo {ready} \
         emit stdout early close stdout exit 0"
    );
    let process = host.probe_with(&script, json!({ "mergeStderr": true }));
    let exited = process.expect_event("process/exited").0;
    assert_eq!(exited.texts("streamsOpen"), ["stdout"]);
    let list = host.call("process/list", json!({}));
    let entry: &Value = &list.list("processes")[0];
    assert_eq!(entry.texts("holders.0.streams"), ["stdout"]);
    go.release();
    process.expect_event("process/closed");
    assert_eq!(chunks_of(&process.read_all(), "stdout"), b"earlylate");
}

fn a_run_of_merged_streams_has_all_in_stdout(launch: Launch) {
    let host = launch.start();
    let params = json!({ "argv": host.shell_argv("echo a >&2; echo b; echo c >&2"), "mergeStderr": true });
    let run = host.call("process/run", merge(params, json!({ "outputEncoding": "utf8" })));
    assert_eq!((run.text("stdout"), run.text("stderr")), ("a\nb\nc\n", ""));
}

fn filters_are_told_that_streams_are_merged(launch: Launch) {
    let config = "[[plugin]]\nsource = \"builtin:redact\"\ningest = true\n";
    let host = launch.config(config).start();
    // The two halves of a secret come through different descriptors, and meet in one stream.
    let (head, tail) = (format!("ghp_{}", "a1B2c3".repeat(3)), "a1B2c3".repeat(3));
    let script = format!("emit stdout {head} emit stderr {tail} line stdout .");
    let process = host.probe_with(&script, json!({ "mergeStderr": true }));
    let text = String::from_utf8(pushed(&process.events(), "stdout")).expect("text");
    assert!(text.starts_with("[redacted") && !text.contains(&tail), "{text}");
}
