//! What becomes of those whom the leader leaves behind, in sessions of their own.

use serde_json::json;
use weir_tests::{Json, Launch, LiveProcess, chunks_of, listing, outline, pushed, settings};

weir_tests::both_ways!(
    a_server_that_is_kept_goes_on_until_the_session_ends,
    leftovers_that_are_terminated_have_their_last_words,
    leftovers_that_do_not_listen_are_killed,
    who_ends_by_himself_in_time_is_not_ended,
    leftovers_without_a_stream_are_terminated_as_well,
    leftovers_on_a_terminal_are_terminated,
);

fn a_server_that_is_kept_goes_on_until_the_session_ends(launch: Launch) {
    let host = launch.start();
    let (ready, go) = (host.gate("ready"), host.gate("go"));
    let serve = format!("wait-fifo {go} line stdout served").repeat(2).replace("servedwait", "served wait");
    let script = format!("fork {{ setsid tell-fifo {ready} {serve} hang }} wait-fifo {ready} exit 0");
    let process = host.probe_with(&script, json!({ "leftovers": "keep" }));
    let exited = process.expect_event("process/exited").0;
    assert_eq!(exited.texts("streamsOpen"), ["stdout", "stderr"]);
    for _ in 0..2 {
        go.release();
        let output = process.expect_event("process/output").0;
        assert_eq!(output.bytes("chunk"), b"served\n");
    }
    let live = host.live_probes();
    assert_eq!(live.len(), 1, "{}", listing(&live));
    host.close();
    assert_eq!(host.wait_exit(), Ok(0));
    assert!(host.live_probes().is_empty());
}

fn leftovers_that_are_terminated_have_their_last_words(launch: Launch) {
    let host = launch.start();
    let ready = host.gate("ready");
    let child =
        format!("trap 'echo last words; exit' TERM; echo > {ready}; while :; do sleep 1000 & wait; done");
    let script = format!("setsid sh -c \"{child}\" & read -r x < {ready}; exit 3");
    let params = json!({ "argv": host.shell_argv(&script), "leftovers": "terminate" });
    let process = host.start(params);
    let events = process.events();
    assert_eq!(outline(&events), ["process/exited", "process/output", "process/closed"]);
    assert_eq!(pushed(&events, "stdout"), b"last words\n");
    let exited = &events[0].value;
    assert_eq!((exited.text("params.cause"), exited.int("params.exitCode")), ("exit", 3));
    let left = LiveProcess::with_argument(host.mark());
    assert!(left.is_empty(), "{}", listing(&left));
}

fn leftovers_that_do_not_listen_are_killed(launch: Launch) {
    let host = launch.start();
    let ready = host.gate("ready");
    let child = format!("setsid ignore SIGTERM ignore SIGHUP tell-fifo {ready} hang");
    let script =
        format!("fork {{ {child} }} double-fork {{ {child} }} wait-fifo {ready} wait-fifo {ready} exit 0");
    let process = host.probe_with(&script, json!({ "leftovers": "terminate" }));
    process.expect_event("process/closed");
    let left = LiveProcess::wait_gone(&host.live_probes(), settings::deadline());
    assert!(left.is_empty(), "{}", listing(&left));
}

fn who_ends_by_himself_in_time_is_not_ended(launch: Launch) {
    let host = launch.start();
    // Ends as soon as the leader is gone: its own pipe from the leader ends then.
    let script = "mkfifo p; (setsid sh -c 'trap \"echo ended by force\" TERM; cat <&3; echo drained' 3<p) & \
                  exec 3>p; exit 0";
    let params =
        json!({ "argv": host.shell_argv(script), "cwd": host.directory(), "leftovers": "terminate" });
    let process = host.start(params);
    assert_eq!(pushed(&process.events(), "stdout"), b"drained\n");
}

fn leftovers_without_a_stream_are_terminated_as_well(launch: Launch) {
    let host = launch.start();
    let ready = host.gate("ready");
    let script =
        format!("fork {{ setsid hold-stream stdin tell-fifo {ready} hang }} wait-fifo {ready} exit 0");
    let process = host.probe_with(&script, json!({ "leftovers": "terminate" }));
    // Its streams are at their end before it is.
    process.expect_event("process/closed");
    let left = LiveProcess::wait_gone(&host.live_probes(), settings::deadline());
    assert!(left.is_empty(), "{}", listing(&left));
}

fn leftovers_on_a_terminal_are_terminated(launch: Launch) {
    let host = launch.start();
    let ready = host.gate("ready");
    let script = format!("fork {{ setsid emit stdout x tell-fifo {ready} hang }} wait-fifo {ready} exit 0");
    let process = host.probe_with(&script, json!({ "leftovers": "terminate", "tty": true }));
    let exited = process.expect_event("process/exited").0;
    assert_eq!(exited.texts("streamsOpen"), ["pty"]);
    process.expect_event("process/closed");
    assert_eq!(chunks_of(&process.read_all(), "pty"), b"x");
    let left = LiveProcess::wait_gone(&host.live_probes(), settings::deadline());
    assert!(left.is_empty(), "{}", listing(&left));
}
