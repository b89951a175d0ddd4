//! How a session ends, and what is still done before it does.

use std::fs;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use weir_tests::{Framing, Host, Json, Launch, LiveProcess, chunks_of, listing, settings};

weir_tests::both_ways!(
    a_piped_script_gets_all_of_its_answers,
    the_end_of_stdin_stops_what_runs,
    shutdown_answers_when_everything_is_stopped,
    exit_after_shutdown_is_a_success,
    exit_behind_shutdown_in_one_go_is_a_success,
    exit_without_shutdown_is_a_failure,
    content_length_is_answered_in_kind,
    a_time_limit_ends_the_tree_and_keeps_the_output,
    a_death_by_signal_is_told_as_shells_tell_it,
);

mod alone {
    use super::*;

    weir_tests::binary_only!(
        a_killed_parent_ends_everything,
        a_parent_that_is_gone_is_not_waited_for,
        a_reader_that_is_gone_ends_everything,
        a_signal_ends_everything,
        nothing_but_messages_is_on_stdout,
    );
}

fn a_piped_script_gets_all_of_its_answers(launch: Launch) {
    let host = launch.uninitialized().start();
    let run = |script: &str| json!({ "argv": host.probe_argv(script), "outputEncoding": "utf8" });
    let ids = [
        host.send_request("initialize", json!({ "clientName": "script" })),
        host.send_request("process/run", run("sleep 300 emit stdout one exit 3")),
        host.send_request("process/run", run("emit stderr two")),
        host.send_request("environment/info", json!({})),
    ];
    // The end of stdin is behind them, and they are answered all the same.
    host.close();
    let [_, one, two, _] = ids.map(|id| host.response(id).expect("an answer"));
    assert_eq!((one.text("stdout"), one.int("exitCode")), ("one", 3));
    assert_eq!((two.text("stderr"), two.int("exitCode")), ("two", 0));
    assert_eq!(host.wait_exit(), Ok(0));
}

fn the_end_of_stdin_stops_what_runs(launch: Launch) {
    let host = launch.start();
    let ready = host.gate("ready");
    let process = host.probe(&format!("emit stdout x fork {{ setsid tell-fifo {ready} hang }} hang"));
    ready.hear(1);
    host.close();
    // The output is flushed and the end is told before the host leaves.
    let events = process.events();
    assert_eq!(weir_tests::pushed(&events, "stdout"), b"x");
    assert_eq!(host.wait_exit(), Ok(0));
    assert!(host.live_probes().is_empty());
}

fn shutdown_answers_when_everything_is_stopped(launch: Launch) {
    let host = launch.start();
    let ready = host.gate("ready");
    host.probe(&format!("fork {{ setsid ignore SIGTERM tell-fifo {ready} hang }} ignore SIGTERM hang"));
    ready.hear(1);
    host.call("shutdown", json!({}));
    let live = host.live_probes();
    assert!(live.is_empty(), "{}", listing(&live));
    host.notify("exit", json!({}));
    assert_eq!(host.wait_exit(), Ok(0));
}

fn exit_after_shutdown_is_a_success(launch: Launch) {
    let host = launch.start();
    host.call("shutdown", json!({}));
    host.notify("exit", json!({}));
    assert_eq!(host.wait_exit(), Ok(0));
}

fn exit_behind_shutdown_in_one_go_is_a_success(launch: Launch) {
    let host = launch.start();
    let ready = host.gate("ready");
    host.probe(&format!("ignore SIGTERM tell-fifo {ready} hang"));
    ready.hear(1);
    let (id, shutdown) = host.prepare("shutdown", json!({}));
    host.send_bytes(format!("{shutdown}\n{}\n", json!({ "method": "exit" })));
    assert_eq!(host.response(id).expect("an answer"), Value::Null);
    assert_eq!(host.wait_exit(), Ok(0));
    assert!(host.live_probes().is_empty());
}

fn exit_without_shutdown_is_a_failure(launch: Launch) {
    let host = launch.expect_exit(Some(1)).start();
    let ready = host.gate("ready");
    host.probe(&format!("tell-fifo {ready} hang"));
    ready.hear(1);
    host.notify("exit", json!({}));
    assert_eq!(host.wait_exit(), Ok(1));
    assert!(host.live_probes().is_empty());
}

fn content_length_is_answered_in_kind(launch: Launch) {
    let host = launch.framing(Framing::ContentLength).start();
    let process = host.probe_with("echo", json!({ "pipeStdin": true }));
    process.write("x\ny");
    process.call("process/closeStdin", json!({}));
    assert_eq!(weir_tests::pushed(&process.events(), "stdout"), b"x\ny");
}

fn a_time_limit_ends_the_tree_and_keeps_the_output(launch: Launch) {
    let host = launch.start();
    let process = host.probe_with("emit stdout x fork { setsid hang } hang", json!({ "timeoutMs": 200 }));
    let exited = process.expect_event("process/exited").0;
    assert_eq!(exited.text("cause"), "timeout");
    process.expect_event("process/closed");
    assert!(host.live_probes().is_empty());
    assert_eq!(chunks_of(&process.read_all(), "stdout"), b"x");
    // One that ends in time is not touched.
    let quick = host.probe_with("exit 3", json!({ "timeoutMs": 15_000 }));
    assert_eq!(quick.expect_event("process/exited").0.text("cause"), "exit");
}

fn a_death_by_signal_is_told_as_shells_tell_it(launch: Launch) {
    let host = launch.start();
    for (signal, number) in [("SIGKILL", 9), ("SIGSEGV", 11), ("SIGABRT", 6), ("SIGHUP", 1)] {
        let exited = host.probe(&format!("kill-self {signal}")).expect_event("process/exited").0;
        assert_eq!(exited.int("exitCode"), 128 + number, "{exited}");
        assert_eq!((exited.text("signal"), exited.text("cause")), (signal, "signal"));
    }
    let exited = host.probe("exit 137").expect_event("process/exited").0;
    assert_eq!((exited.int("exitCode"), exited.has("signal")), (137, false), "{exited}");
}

/// A script for the host that starts a tree which ignores SIGTERM and tells `ready` twice.
fn tree_script(host: &Host, ready: &weir_tests::Gate) -> String {
    let argv = host.probe_argv(&format!(
        "fork {{ setsid ignore SIGTERM tell-fifo {ready} hang }} ignore SIGTERM tell-fifo {ready} hang"
    ));
    [
        json!({ "id": 1, "method": "initialize", "params": { "clientName": "script" } }),
        json!({ "id": 2, "method": "process/start", "params": { "processId": "tree", "argv": argv } }),
        json!({ "id": 3, "method": "process/wait", "params": { "processId": "tree", "until": "close" } }),
    ]
    .map(|message| format!("{message}\n"))
    .concat()
}

/// The program that is the host, for scripts that start it themselves.
fn host_program() -> String {
    settings::shipped_binary().unwrap_or_else(|| weir_tests::binaries!().host.to_owned())
}

fn a_killed_parent_ends_everything(launch: Launch) {
    let outer = launch.start();
    let ready = outer.gate("ready");
    let (script, out) = (outer.path("script.jsonl"), outer.path("out.jsonl"));
    fs::write(&script, tree_script(&outer, &ready)).expect("a file");
    // The outer host only holds the probe that is the parent of an inner one.
    let mut argv = outer.probe_argv("parent");
    argv.extend([host_program(), script.display().to_string(), out.display().to_string()]);
    let parent = outer.start(json!({ "argv": argv }));
    ready.hear(2);
    let parent_process = LiveProcess::read(parent.pid()).expect("the parent lives");
    let below: Vec<LiveProcess> = LiveProcess::descendants_of(parent.pid());
    assert!(below.len() >= 3, "a host and a tree:\n{}", listing(&below));
    parent_process.signal(Signal::KILL);
    let left = LiveProcess::wait_gone(&below, Duration::from_secs(2));
    assert!(left.is_empty(), "survivors after 2 s:\n{}", listing(&left));
}

fn a_parent_that_is_gone_is_not_waited_for(launch: Launch) {
    let outer = launch.start();
    let ready = outer.gate("ready");
    let (input, output) = (outer.gate("input"), outer.path("output"));
    // A shell is the parent; the ends of the inner host's streams outlive it, as in a wrapper that is killed.
    let script = format!("{} <{input} >{}; :", host_program(), output.display());
    let parent = outer.start(json!({ "argv": outer.shell_argv(&script) }));
    fs::write(input.to_string(), tree_script(&outer, &ready)).expect("the host reads");
    ready.hear(2);
    let parent_process = LiveProcess::read(parent.pid()).expect("the parent lives");
    let below = LiveProcess::descendants_of(parent.pid());
    parent_process.signal(Signal::KILL);
    drop(input);
    let left = LiveProcess::wait_gone(&below, Duration::from_secs(2));
    assert!(left.is_empty(), "survivors after 2 s:\n{}", listing(&left));
}

fn a_reader_that_is_gone_ends_everything(launch: Launch) {
    let outer = launch.start();
    let ready = outer.gate("ready");
    let (input, leave) = (outer.gate("input"), outer.gate("leave"));
    // The reader leaves while the host and its stdin live on.
    let script = format!("{} <{input} | read x <{leave}", host_program());
    let parent = outer.start(json!({ "argv": outer.shell_argv(&script) }));
    fs::write(input.to_string(), tree_script(&outer, &ready)).expect("the host reads");
    ready.hear(2);
    let below = LiveProcess::descendants_of(parent.pid());
    assert!(below.len() >= 3, "a host and a tree:\n{}", listing(&below));
    fs::write(leave.to_string(), "\n").expect("the reader reads");
    drop(input);
    let left = LiveProcess::wait_gone(&below, Duration::from_secs(2));
    assert!(left.is_empty(), "survivors after 2 s:\n{}", listing(&left));
}

fn a_signal_ends_everything(launch: Launch) {
    for (signal, number) in [(Signal::TERM, 15), (Signal::INT, 2), (Signal::HUP, 1)] {
        let host = launch.clone().expect_exit(Some(128 + number)).start();
        let ready = host.gate("ready");
        host.probe(&format!("fork {{ setsid ignore SIGTERM tell-fifo {ready} hang }} hang"));
        ready.hear(1);
        let live = LiveProcess::with_mark(host.mark());
        host.signal(signal);
        assert_eq!(host.wait_exit(), Ok(128 + number));
        let left = LiveProcess::wait_gone(&live, Duration::from_secs(2));
        assert!(left.is_empty(), "{}", listing(&left));
    }
}

fn nothing_but_messages_is_on_stdout(launch: Launch) {
    // The loudest log there is goes to stderr; the harness fails on anything else in the output.
    let host = launch.env("RUST_LOG", "trace").env("WEIR_LOG", "trace").start();
    host.probe("emit stdout x").events();
    host.refused("no/such", json!({})).assert(-32601, "methodNotFound", &[]);
}
