//! Nothing that was started survives: random trees against terminate, the end of stdin and SIGKILL of the host.

use std::time::Duration;

use fastrand::Rng;
use rustix::process::Signal;
use serde_json::{Value, json};
use weir_tests::{
    Gate, Host, Json, Launch, LiveProcess, Process, RandomTree, chunks_of, listing, pushed, settings,
};

weir_tests::both_ways!(
    terminate_leaves_no_survivor,
    the_end_of_stdin_leaves_no_survivor,
    terminate_after_the_exit_ends_those_who_hold_the_streams,
    terminate_keeps_what_is_printed_on_the_way,
    leftovers_are_terminated_when_asked_for,
    leftovers_are_kept_by_default,
    a_signal_reaches_its_scope_and_no_more,
    terminate_of_a_closed_process_is_no_error,
    terminate_of_a_process_that_never_was_says_not_running,
    a_process_without_streams_is_closed_and_still_in_the_tree,
    a_lost_shim_is_reported_and_its_orphans_die,
    a_command_that_stops_its_shim_is_ended_all_the_same,
    cancelled_starts_are_stopped_before_shutdown_answers,
    a_burst_of_signals_is_answered,
);

mod killed {
    use super::*;

    weir_tests::binary_only!(a_killed_host_leaves_no_survivor, a_killed_fork_server_leaves_no_survivor);
}

/// How many random trees are grown.
fn trees() -> usize {
    settings::number("WEIR_TREES", 30)
}

/// The seed is printed, and shown when the test fails.
#[expect(clippy::print_stdout, reason = "the test runner shows it when the test fails")]
fn rng() -> Rng {
    let seed = settings::number("WEIR_SEED", fastrand::u64(..));
    println!("WEIR_SEED={seed}");
    Rng::with_seed(seed)
}

/// Starts a random tree and waits until it has grown.
#[track_caller]
fn plant<'h>(host: &'h Host, rng: &mut Rng, ready: &Gate) -> (Process<'h>, RandomTree) {
    let tree = RandomTree::grow(rng, ready);
    let process = host.probe(&tree.script);
    ready.hear(tree.staying);
    (process, tree)
}

#[track_caller]
fn assert_none(host: &Host, context: &str) {
    let survivors = host.live_probes();
    assert!(survivors.is_empty(), "survivors of {context}:\n{}", listing(&survivors));
}

fn terminate_leaves_no_survivor(launch: Launch) {
    let host = launch.start();
    let (ready, mut rng) = (host.gate("ready"), rng());
    for _ in 0..trees() {
        let (process, tree) = plant(&host, &mut rng, &ready);
        let live = host.live_probes().len();
        assert!(live >= tree.staying, "{live} of {} live: {}", tree.staying, tree.script);
        let result = process.call("process/terminate", json!({ "graceMs": 20 }));
        assert_none(&host, &tree.script);
        assert!(result.list("survivors").is_empty(), "{result} for {}", tree.script);
        assert!(result.flag("exited"), "{result}");
        let events = process.events();
        assert!(!pushed(&events, "stdout").is_empty());
        process.call("process/release", json!({}));
    }
}

fn the_end_of_stdin_leaves_no_survivor(launch: Launch) {
    let host = launch.start();
    let (ready, mut rng) = (host.gate("ready"), rng());
    let scripts: Vec<String> =
        (0..trees().div_ceil(3)).map(|_| plant(&host, &mut rng, &ready).1.script).collect();
    host.close();
    assert_eq!(host.wait_exit(), Ok(0));
    assert_none(&host, &scripts.join("\n"));
}

fn terminate_after_the_exit_ends_those_who_hold_the_streams(launch: Launch) {
    let host = launch.start();
    let ready = host.gate("ready");
    let script = format!("fork {{ setsid ignore SIGTERM emit stdout held tell-fifo {ready} hang }} exit 3");
    let process = host.probe(&script);
    ready.hear(1);
    let exited = process.expect_event("process/exited").0;
    assert_eq!(exited.int("exitCode"), 3);

    let list = host.call("process/list", json!({}));
    let entry = entry(&list, &process.id);
    let holders = entry.list("holders");
    assert_eq!(holders.len(), 1, "{entry}");
    let live = host.live_probes();
    assert_eq!(live.len(), 1, "{}", listing(&live));
    assert_eq!(holders[0].int("pid"), i64::from(live[0].pid));
    assert_eq!(holders[0].texts("argv"), live[0].argv);
    let mut streams = holders[0].texts("streams");
    streams.sort_unstable();
    assert_eq!(streams, ["stderr", "stdout"]);

    let result = process.call("process/terminate", json!({ "graceMs": 20 }));
    assert_none(&host, &script);
    assert!(result.list("survivors").is_empty(), "{result}");
    assert_eq!(result.int("exitCode"), 3, "the exit is the leader's own");
    process.expect_event("process/closed");
    let read = process.read_all();
    assert_eq!(chunks_of(&read, "stdout"), b"held");
    assert_eq!((read.int("exitCode"), read.flag("closed")), (3, true));
}

fn entry<'l>(list: &'l Value, id: &str) -> &'l Value {
    list.list("processes").iter().find(|entry| entry.text("processId") == id).expect("the process is listed")
}

fn terminate_keeps_what_is_printed_on_the_way(launch: Launch) {
    let host = launch.start();
    let ready = host.gate("ready");
    let script =
        format!("trap 'echo bye; exit 5' TERM; echo ready; echo . > {ready}; while :; do sleep 1; done");
    let process = host.start(json!({ "argv": host.shell_argv(&script) }));
    ready.hear(1);
    let result = process.call("process/terminate", json!({ "graceMs": 10_000 }));
    assert_eq!(result.int("exitCode"), 5, "{result}");
    let events = process.events();
    assert_eq!(pushed(&events, "stdout"), b"ready\nbye\n");
    assert_eq!(events[events.len() - 2].value.text("params.cause"), "terminated");
}

fn leftovers_are_terminated_when_asked_for(launch: Launch) {
    let host = launch.start();
    let ready = host.gate("ready");
    let script = format!("fork {{ setsid tell-fifo {ready} hang }} wait-fifo {ready} exit 0");
    let process = host.probe_with(&script, json!({ "leftovers": "terminate" }));
    let closed = process.wait_close();
    assert_eq!((closed.int("exitCode"), closed.flag("closed")), (0, true));
    let left = LiveProcess::wait_gone(&host.live_probes(), settings::deadline());
    assert!(left.is_empty(), "{}", listing(&left));
}

fn leftovers_are_kept_by_default(launch: Launch) {
    let host = launch.start();
    let ready = host.gate("ready");
    let script = format!("fork {{ hold-stream stdin tell-fifo {ready} hang }} wait-fifo {ready} exit 0");
    let process = host.probe(&script);
    process.events();
    assert_eq!(host.live_probes().len(), 1);
    assert_eq!(entry(&host.call("process/list", json!({})), &process.id).int("descendants"), 1);
    process.terminate();
    assert_none(&host, &script);
}

fn a_signal_reaches_its_scope_and_no_more(launch: Launch) {
    let host = launch.start();
    let ready = host.gate("ready");
    let script = format!("fork {{ tell-fifo {ready} hang }} fork {{ setsid tell-fifo {ready} hang }} hang");
    for (scope, left) in [("leader", 2), ("group", 1), ("tree", 0)] {
        let process = host.probe(&script);
        ready.hear(2);
        let before = host.live_probes();
        assert_eq!(before.len(), 3, "{}", listing(&before));
        process.call("process/signal", json!({ "signal": "SIGUSR1", "scope": scope }));
        let exited = process.expect_event("process/exited").0;
        assert_eq!((exited.int("exitCode"), exited.text("signal")), (128 + 10, "SIGUSR1"), "{scope}");
        assert_eq!(exited.text("cause"), "signal");
        let gone =
            LiveProcess::wait_gone(&before, Duration::from_millis(if left == 0 { 10_000 } else { 300 }));
        assert_eq!(gone.len(), left, "scope {scope} leaves\n{}", listing(&gone));
        process.terminate();
        assert_none(&host, scope);
    }
}

fn terminate_of_a_closed_process_is_no_error(launch: Launch) {
    let host = launch.start();
    let process = host.probe("emit stdout x exit 3");
    process.events();
    let result = process.terminate();
    assert_eq!((result.flag("running"), result.int("exitCode")), (false, 3));
    assert_eq!(chunks_of(&process.read_all(), "stdout"), b"x");
}

fn terminate_of_a_process_that_never_was_says_not_running(launch: Launch) {
    let host = launch.start();
    match host.request("process/terminate", json!({ "processId": "nobody" })) {
        Ok(result) => assert!(!result.flag("running"), "{result}"),
        Err(error) => error.assert(-32600, "unknownProcess", &["nobody"]),
    }
}

fn a_process_without_streams_is_closed_and_still_in_the_tree(launch: Launch) {
    let host = launch.start();
    let process = host.probe("emit stdout x close stdout close stderr hang");
    let id = process.send("process/read", json!({ "afterSeq": 1, "waitMs": 100, "waitFor": "close" }));
    let read = host.response(id).expect("a read");
    assert_eq!((read.flag("exited"), read.flag("closed")), (false, false), "closed needs the exit as well");
    let result = process.terminate();
    assert!(result.list("survivors").is_empty());
    assert_eq!(
        weir_tests::outline(&process.events()),
        ["process/output", "process/exited", "process/closed"]
    );
}

fn a_lost_shim_is_reported_and_its_orphans_die(launch: Launch) {
    let host = launch.start();
    let ready = host.gate("ready");
    let script = format!("emit stdout x fork {{ setsid ignore SIGTERM tell-fifo {ready} hang }} hang");
    let process = host.probe(&script);
    ready.hear(1);
    let leader = LiveProcess::read(process.pid()).expect("the leader lives");
    let shim = LiveProcess::read(leader.parent).expect("the shim lives");
    assert_ne!(shim.pid, host.pid(), "the leader is a child of its shim");
    let orphans = host.live_probes();
    assert_eq!(orphans.len(), 2, "{}", listing(&orphans));
    shim.signal(Signal::KILL);
    let exited = process.expect_event("process/exited").0;
    assert_eq!((exited.text("cause"), exited.int("exitCode")), ("lost", -1), "{exited}");
    process.expect_event("process/closed");
    let left = LiveProcess::wait_gone(&orphans, Duration::from_secs(2));
    assert!(left.is_empty(), "{}", listing(&left));
    assert_eq!(chunks_of(&process.read_all(), "stdout"), b"x");
    // The others go on.
    assert_eq!(pushed(&host.probe("emit stdout y").events(), "stdout"), b"y");
}

fn a_command_that_stops_its_shim_is_ended_all_the_same(launch: Launch) {
    let host = launch.start();
    let ready = host.gate("ready");
    let script = format!("kill -STOP $PPID; echo > {ready}; exec sleep 1000");
    let process = host.start(json!({ "argv": host.shell_argv(&script) }));
    ready.hear(1);
    assert!(process.call("process/terminate", json!({ "graceMs": 100 })).list("survivors").is_empty());
    process.expect_event("process/closed");
}

fn cancelled_starts_are_stopped_before_shutdown_answers(launch: Launch) {
    let host = launch.start();
    let script = "fork { ignore SIGTERM hang } ignore SIGTERM hang";
    let starts: Vec<u64> = (0..20)
        .map(|_| host.send_request("process/start", json!({ "argv": host.probe_argv(script) })))
        .collect();
    for id in &starts {
        host.notify("$/cancelRequest", json!({ "id": id }));
    }
    host.call("shutdown", json!({}));
    let live = host.live_probes();
    assert!(live.is_empty(), "{}", listing(&live));
    // Started or cancelled, each has its one answer.
    for id in starts {
        drop(host.response(id));
    }
}

fn a_burst_of_signals_is_answered(launch: Launch) {
    let host = launch.start();
    let ready = host.gate("ready");
    let process = host.probe(&format!("fork {{ hang }} tell-fifo {ready} hang"));
    ready.hear(1);
    for _ in 0..3 {
        let ids: Vec<u64> = (0..2000)
            .map(|_| process.send("process/signal", json!({ "signal": "URG", "scope": "tree" })))
            .collect();
        for id in ids {
            // Too many at once are refused; none stays without an answer.
            if let Err(error) = host.response(id) {
                error.assert(-32022, "limitExceeded", &[]);
            }
        }
    }
    assert!(process.terminate().list("survivors").is_empty());
}

fn a_killed_host_leaves_no_survivor(launch: Launch) {
    let host = launch.expect_exit(None).start();
    let (ready, mut rng) = (host.gate("ready"), rng());
    for _ in 0..trees().div_ceil(3) {
        plant(&host, &mut rng, &ready);
    }
    let live = LiveProcess::with_mark(host.mark());
    host.signal(Signal::KILL);
    let left = LiveProcess::wait_gone(&live, Duration::from_secs(2));
    assert!(left.is_empty(), "survivors after 2 s:\n{}", listing(&left));
    assert_none(&host, "SIGKILL of the host");
}

fn a_killed_fork_server_leaves_no_survivor(launch: Launch) {
    let host = launch.start();
    let ready = host.gate("ready");
    let process = host.probe(&format!("fork {{ setsid tell-fifo {ready} hang }} hang"));
    ready.hear(1);
    let live = host.live_probes();
    let shim =
        LiveProcess::read(process.pid()).and_then(|leader| LiveProcess::read(leader.parent)).expect("a shim");
    let fork_server = LiveProcess::read(shim.parent).expect("a fork server");
    assert_ne!(fork_server.pid, host.pid(), "a shim is a child of the fork server");
    fork_server.signal(Signal::KILL);
    // Whether the host goes on with a new one or gives up is its own affair; the trees are not left behind.
    host.expect_exit(None);
    host.close();
    host.wait_exit().expect("an end");
    let left = LiveProcess::wait_gone(&live, Duration::from_secs(2));
    assert!(left.is_empty(), "{}", listing(&left));
}
