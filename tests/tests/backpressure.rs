//! `backpressure`: a command waits for its reader, and nothing that the reader has not taken is lost.

use serde_json::{Value, json};
use weir_tests::{Json, Launch, Ledger, Process, merge, pattern, pushed, settings};

weir_tests::both_ways!(
    a_reader_in_small_steps_gets_every_byte_of_a_flood,
    a_client_that_stops_reading_gets_every_byte_later,
    a_neighbour_is_not_held_back,
    what_a_held_back_command_printed_is_kept_when_it_is_ended,
    the_exit_of_a_held_back_command_is_told,
    the_furthest_of_two_readers_decides,
    logs_that_hold_back_share_the_bound_of_all,
    a_run_that_nobody_could_take_from_is_refused,
    a_process_that_is_still_read_is_not_forgotten,
);

/// Bytes of a flood: `WEIR_FLOOD_BYTES`, for the full size of 5 GiB.
fn flood() -> u64 {
    settings::number("WEIR_FLOOD_BYTES", 12_000_000)
}

/// Small against what a pipe takes, so that every flood is held back.
const MAX_BYTES: u64 = 256 * 1024;

fn held(params: Value) -> Value {
    merge(
        json!({ "notify": false, "retention": { "maxBytes": MAX_BYTES, "overflow": "backpressure" } }),
        params,
    )
}

/// Reads to the end, `max_bytes` at a time, each read taking what the one before gave.
#[track_caller]
fn read_to_end(process: &Process<'_>, max_bytes: u64, total: u64) {
    let mut ledger = Ledger::default();
    let mut cursor = 0;
    loop {
        let params = json!({ "afterSeq": cursor, "maxBytes": max_bytes, "waitMs": 10_000 });
        let read = process.call("process/read", params);
        let retained = read.int("totalBytes") - read.int("droppedBytes");
        // Beyond its own bound only what the pipe holds at the exit: 1 MiB at the most.
        assert!(retained as u64 <= MAX_BYTES + (1 << 20), "{retained} bytes are retained");
        ledger.book_read(&read);
        cursor = read.int("nextSeq") - 1;
        if read.flag("closed") && read.list("chunks").is_empty() {
            break;
        }
    }
    ledger.balance(&[("stdout", total), ("stderr", 0)]);
    assert_eq!(ledger.dropped(), 0);
}

fn a_reader_in_small_steps_gets_every_byte_of_a_flood(launch: Launch) {
    let host = launch.start();
    let done = host.gate("done");
    let total = flood();
    let process = host.probe_with(&format!("emit-bytes stdout {total} tell-fifo {done}"), held(json!({})));
    // Somebody else comes and goes; the flood is where its bound and its pipe have stopped it.
    host.call("process/run", json!({ "argv": host.probe_argv("emit stdout x") }));
    assert_eq!(done.heard(), 0, "a child that nobody reads from does not come to its end");
    read_to_end(&process, 50_000, total);
    done.hear(1);
}

fn a_client_that_stops_reading_gets_every_byte_later(launch: Launch) {
    let host = launch.start();
    let total = flood();
    host.pause_reading();
    let id = host.next_id();
    let script = format!("emit-bytes stdout {total} exit 3");
    let params = json!({ "processId": id, "argv": host.probe_argv(&script), "notify": true });
    let start = host.send_request("process/start", merge(held(json!({})), params));
    // Another one runs to its end meanwhile, although nobody reads what it has to say.
    let done = host.gate("done");
    let script = format!("emit-bytes stdout 5000000 tell-fifo {done}");
    let other =
        host.send_request("process/start", json!({ "argv": host.probe_argv(&script), "notify": false }));
    done.hear(1);
    host.resume_reading();
    host.response(start).expect("a start");
    host.response(other).expect("a start");
    let mut ledger = Ledger::default();
    ledger.book_events(&host.events(&id));
    ledger.balance(&[("stdout", total), ("stderr", 0)]);
    assert_eq!(ledger.dropped(), 0);
}

fn a_neighbour_is_not_held_back(launch: Launch) {
    let host = launch.start();
    let flooding = host.probe_with("emit-bytes stdout 50000000", held(json!({})));
    for _ in 0..3 {
        let script = "emit-bytes stdout 5000000 emit-bytes stderr 1000";
        let run = host.call("process/run", json!({ "argv": host.probe_argv(script) }));
        assert_eq!((run.int("droppedBytes"), run.int("totalBytes")), (0, 5_001_000));
        let process = host.probe("emit-bytes stdout 3000000");
        assert_eq!(pushed(&process.events(), "stdout"), pattern(0, 3_000_000));
    }
    assert!(!flooding.read_all().flag("exited"), "still held back");
    flooding.terminate();
}

fn what_a_held_back_command_printed_is_kept_when_it_is_ended(launch: Launch) {
    let host = launch.start();
    for notify in [false, true] {
        let process = host.probe_with("emit-bytes stdout 50000000", held(json!({ "notify": notify })));
        if !notify {
            process.call("process/read", json!({ "waitMs": 10_000 }));
        }
        let ended = process.terminate();
        assert!(ended.list("survivors").is_empty(), "{ended}");
        assert_eq!(ended.text("cause"), "terminated");
        let end = process.wait_close();
        let total = u64::try_from(end.int("totalBytes")).expect("a count");
        if notify {
            assert_eq!(pushed(&process.events(), "stdout"), pattern(0, total as usize));
        } else {
            assert!(total > 0, "{end}");
            read_to_end(&process, 100_000, total);
        }
    }
}

fn the_exit_of_a_held_back_command_is_told(launch: Launch) {
    let host = launch.start();
    // More than the bound, and what is left fits the pipe: it exits although nobody reads.
    let retention = json!({ "maxBytes": 40_000, "overflow": "backpressure" });
    let process =
        host.probe_with("emit-bytes stdout 60000 exit 7", json!({ "notify": false, "retention": retention }));
    assert_eq!(process.wait_exit().int("exitCode"), 7);
    assert_eq!(process.wait_close().int("droppedBytes"), 0);
    read_to_end(&process, 1, 60_000);
}

fn the_furthest_of_two_readers_decides(launch: Launch) {
    let host = launch.start();
    let total = flood().min(5_000_000);
    let process = host.probe_with(&format!("emit-bytes stdout {total}"), held(json!({})));
    let mut slow = Ledger::default();
    let first = process.call("process/read", json!({ "waitMs": 10_000, "maxBytes": 1 }));
    slow.book_read(&first);
    read_to_end(&process, 30_000, total);
    let mut cursor = first.int("nextSeq") - 1;
    loop {
        let read = process.call("process/read", json!({ "afterSeq": cursor }));
        slow.book_read(&read);
        cursor = read.int("nextSeq") - 1;
        if read.list("chunks").is_empty() {
            break;
        }
    }
    slow.balance(&[("stdout", total), ("stderr", 0)]);
    assert!(slow.dropped() > 0, "who is behind is told what it has lost");
}

fn logs_that_hold_back_share_the_bound_of_all(launch: Launch) {
    let host = launch.options(["--max-total-bytes", "400000"]).start();
    let total = flood().min(3_000_000);
    let script = format!("emit-bytes stdout {total}");
    let processes: Vec<Process<'_>> = (0..4).map(|_| host.probe_with(&script, held(json!({})))).collect();
    // They are read one after the other: those that nobody reads yet have taken the room of all, and keep nobody
    // from going on.
    let run = host.call("process/run", json!({ "argv": host.probe_argv("emit-bytes stdout 200000") }));
    assert_eq!(run.int("totalBytes"), 200_000);
    for process in &processes {
        read_to_end(process, 60_000, total);
    }
}

fn a_run_that_nobody_could_take_from_is_refused(launch: Launch) {
    let host = launch.start();
    let params = |notify: bool| {
        let argv = host.probe_argv("emit-bytes stdout 3000000");
        merge(
            held(json!({ "argv": argv })),
            json!({ "notify": notify, "processId": format!("run-{notify}") }),
        )
    };
    let error = host.refused("process/run", params(false));
    error.assert(-32602, "invalidParams", &["retention.overflow", "notify"]);
    assert_eq!(error.data.text("member"), "retention.overflow");
    let run = host.call("process/run", params(true));
    assert_eq!(run.int("totalBytes"), 3_000_000);
    assert_eq!(pushed(&host.events("run-true"), "stdout"), pattern(0, 3_000_000));
}

fn a_process_that_is_still_read_is_not_forgotten(launch: Launch) {
    let retention_ms = 1_000;
    let host = launch.options(["--retention-ms", &retention_ms.to_string()]).start();
    let process = host.probe_with("emit-bytes stdout 100000", held(json!({})));
    process.wait_close();
    let closed = std::time::Instant::now();
    while closed.elapsed().as_millis() < 3 * retention_ms {
        assert!(!process.read_all().list("chunks").is_empty());
        // Nothing comes any more: this is a pause.
        let quiet = host.probe("hang");
        quiet.call("process/read", json!({ "waitMs": 100 }));
        quiet.terminate();
    }
    // And once nobody reads, it is.
    let give_up = std::time::Instant::now() + settings::deadline();
    while host
        .call("process/list", json!({}))
        .list("processes")
        .iter()
        .any(|row| row["processId"] == *process.id)
    {
        assert!(std::time::Instant::now() < give_up, "still kept");
    }
}
