//! Commands that take too long, in all or without a word: the whole tree ends, and everything printed is kept.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use weir_tests::{Host, Json, Launch, LiveProcess, Process, chunks_of, listing, merge, pushed, settings};

weir_tests::both_ways!(
    a_flood_through_a_fifo_is_ended_and_kept,
    what_is_printed_on_the_way_to_the_end_is_kept,
    silence_ends_the_tree,
    who_keeps_printing_is_not_silent,
    silence_after_the_exit_ends_what_is_left,
    the_first_limit_to_pass_is_the_cause,
    a_run_answers_when_its_time_is_over,
    a_command_on_a_terminal_is_ended_as_well,
);

/// All chunks of a closed process, read page by page.
#[track_caller]
fn read_whole(process: &Process<'_>, stream: &str) -> Vec<u8> {
    let (mut bytes, mut cursor, mut total) = (Vec::new(), 0, 0);
    loop {
        let read = process.call("process/read", json!({ "afterSeq": cursor, "maxBytes": 1 << 20 }));
        assert!(!read.has("dropped"), "{}", read["dropped"]);
        if read.list("chunks").is_empty() {
            assert_eq!(read.int("totalBytes"), total);
            return bytes;
        }
        bytes.extend(chunks_of(&read, stream));
        total += read.list("chunks").iter().map(|chunk| chunk.bytes("chunk").len() as i64).sum::<i64>();
        cursor = read.int("nextSeq") - 1;
    }
}

#[track_caller]
fn assert_no_probe(host: &Host) {
    let left = LiveProcess::wait_gone(&host.live_probes(), settings::deadline());
    assert!(left.is_empty(), "{}", listing(&left));
}

fn a_flood_through_a_fifo_is_ended_and_kept(launch: Launch) {
    let host = launch.start();
    let params = json!({
        "argv": host.shell_argv("mkfifo p; yes > p & cat p"), "cwd": host.directory(), "timeoutMs": 300,
        "notify": false, "retention": { "maxBytes": 256 << 20, "overflow": "dropOldest" },
    });
    // Fast enough to fill any bound: what is over it is gone and counted, and the rest comes whole.
    let process = host.start(params);
    let exited = process.expect_event("process/exited").0;
    assert_eq!((exited.text("cause"), exited.text("signal")), ("timeout", "SIGTERM"));
    let closed = process.expect_event("process/closed").0;
    let marked = LiveProcess::with_argument(host.mark());
    assert!(marked.is_empty(), "{}", listing(&marked));
    let (mut total, mut cursor) = (0, 0);
    loop {
        let read = process.call("process/read", json!({ "afterSeq": cursor, "maxBytes": 4 << 20 }));
        if read.has("dropped") {
            total += read.int("dropped.bytes");
        }
        let bytes = chunks_of(&read, "stdout");
        assert!(bytes.chunks(2).all(|pair| pair == b"y\n" || pair == b"\ny" || pair.len() == 1));
        total += bytes.len() as i64;
        if bytes.is_empty() && !read.has("dropped") {
            break;
        }
        cursor = read.int("nextSeq") - 1;
    }
    assert!(total > 0);
    assert_eq!((total, total), (closed.int("totalBytes"), closed.int("totalBytes")));
}

fn what_is_printed_on_the_way_to_the_end_is_kept(launch: Launch) {
    let host = launch.start();
    // The last words come from two of the tree, one of them in a session of its own.
    let ready = host.gate("ready");
    let child =
        format!("trap 'echo child >&2; exit' TERM; echo > {ready}; while :; do sleep 1000 & wait; done");
    let script = format!(
        "echo before; setsid sh -c \"{child}\" & trap 'seq 20000; exit 7' TERM; read -r x < {ready}; while :; do sleep 1000 & wait; done"
    );
    let process = host.start(json!({ "argv": host.shell_argv(&script), "timeoutMs": 3000 }));
    let events = process.events();
    let exited = events.iter().find(|event| event.value["method"] == "process/exited").expect("an exit");
    assert_eq!((exited.value.text("params.cause"), exited.value.int("params.exitCode")), ("timeout", 7));
    let text = String::from_utf8(pushed(&events, "stdout")).expect("text");
    assert_eq!(read_whole(&process, "stdout"), text.as_bytes());
    let lines: Vec<&str> = text.lines().collect();
    let other = String::from_utf8(pushed(&events, "stderr")).expect("text");
    assert!(other.lines().any(|line| line == "child"), "the child's last word: {other}");
    let numbers: Vec<String> = (1..=20_000).map(|n| n.to_string()).collect();
    assert_eq!(lines[0], "before");
    assert_eq!(lines[1..], numbers);
}

fn silence_ends_the_tree(launch: Launch) {
    let host = launch.start();
    let script = "emit stdout x emit stderr y fork { setsid hang } hang";
    let process = host.probe_with(script, json!({ "idleTimeoutMs": 300 }));
    let exited = process.expect_event("process/exited").0;
    assert_eq!((exited.text("cause"), exited.text("signal")), ("idleTimeout", "SIGTERM"));
    process.expect_event("process/closed");
    let read = process.read_all();
    assert_eq!((chunks_of(&read, "stdout"), chunks_of(&read, "stderr")), (b"x".to_vec(), b"y".to_vec()));
    assert_no_probe(&host);
}

fn who_keeps_printing_is_not_silent(launch: Launch) {
    let host = launch.start();
    // Each stream counts; together they take longer than either may be silent.
    let script = "for n in 1 2 3 4 5; do sleep 0.4; echo $n; sleep 0.4; echo $n >&2; done";
    let began = Instant::now();
    let params = json!({ "argv": host.shell_argv(script), "idleTimeoutMs": 2500, "outputEncoding": "utf8" });
    let run = host.call("process/run", params);
    assert!(began.elapsed() > Duration::from_millis(2500), "{:?}", began.elapsed());
    assert_eq!((run.text("cause"), run.int("exitCode")), ("exit", 0));
    assert_eq!((run.text("stdout"), run.text("stderr")), ("1\n2\n3\n4\n5\n", "1\n2\n3\n4\n5\n"));
}

fn silence_after_the_exit_ends_what_is_left(launch: Launch) {
    let host = launch.start();
    let ready = host.gate("ready");
    let script = format!("fork {{ setsid tell-fifo {ready} hang }} wait-fifo {ready} exit 3");
    let process = host.probe_with(&script, json!({ "idleTimeoutMs": 300 }));
    let closed = process.wait_close();
    assert_eq!((closed.text("cause"), closed.int("exitCode")), ("exit", 3), "the cause is the leader's");
    assert_no_probe(&host);
}

fn the_first_limit_to_pass_is_the_cause(launch: Launch) {
    let host = launch.start();
    for (total, idle, cause) in [(300, 15_000, "timeout"), (15_000, 300, "idleTimeout")] {
        let params = json!({ "timeoutMs": total, "idleTimeoutMs": idle });
        let process = host.probe_with("emit stdout x hang", params);
        assert_eq!(process.wait_close().text("cause"), cause);
    }
    // The client's word is its own cause.
    let process = host.probe_with("hang", json!({ "timeoutMs": 15_000, "idleTimeoutMs": 15_000 }));
    assert_eq!(process.terminate().text("cause"), "terminated");
    // Neither is a matter of a command that is quick.
    let quick = host.probe_with("exit 3", json!({ "timeoutMs": 15_000, "idleTimeoutMs": 15_000 }));
    assert_eq!(quick.wait_close().text("cause"), "exit");
}

fn a_run_answers_when_its_time_is_over(launch: Launch) {
    let host = launch.start();
    let params =
        json!({ "argv": host.probe_argv("emit stdout x ignore SIGTERM hang"), "idleTimeoutMs": 200 });
    let run = host.call("process/run", params);
    // It has had its grace.
    assert_eq!((run.text("cause"), run.text("signal")), ("idleTimeout", "SIGKILL"));
    assert_eq!(run.bytes("stdout"), b"x");
}

fn a_command_on_a_terminal_is_ended_as_well(launch: Launch) {
    let host = launch.start();
    for limit in [json!({ "timeoutMs": 400 }), json!({ "idleTimeoutMs": 400 })] {
        let params: Value = merge(json!({ "tty": true }), limit.clone());
        let process = host.probe_with("emit stdout x fork { setsid hang } hang", params);
        let closed = process.wait_close();
        let cause = if limit.has("timeoutMs") { "timeout" } else { "idleTimeout" };
        assert_eq!((closed.text("cause"), closed.text("signal")), (cause, "SIGTERM"));
        assert_eq!(chunks_of(&process.read_all(), "pty"), b"x");
        assert_no_probe(&host);
    }
}
