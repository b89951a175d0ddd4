//! Exit is not the end of output: what comes late is kept, pushed and told apart from loss.

use std::ops::Deref;
use std::time::{Duration, Instant};

use serde_json::json;
use weir_tests::{Gate, Host, Json, Launch, Process, chunks_of, outline, pushed, settings};

weir_tests::both_ways!(
    output_after_the_exit_is_pushed_and_kept,
    output_after_the_exit_comes_every_time,
    output_after_the_exit_outlives_a_short_retention,
    output_after_the_exit_is_kept_for_four_at_once,
    a_waiting_read_gets_output_after_the_exit,
    closing_ends_every_wait_at_once,
    a_wait_for_the_exit_does_not_wait_for_the_streams,
    a_waiting_read_delays_no_other_request,
    a_closed_process_is_forgotten_after_the_retention,
    a_released_id_is_free_at_once,
    a_reader_that_stopped_gets_everything_later,
    each_stream_ends_on_its_own,
);

/// How many times the races are run.
fn runs() -> usize {
    settings::number("WEIR_RUNS", 50)
}

/// A leader that exits with 3 once told to, with a child that holds the streams and prints once told to.
struct Late<'h> {
    process: Process<'h>,
    exit: Gate,
    print: Gate,
}

impl<'h> Late<'h> {
    fn start(host: &'h Host, name: &str) -> Self {
        let (exit, print) = (host.gate(&format!("{name}-exit")), host.gate(&format!("{name}-print")));
        let script = format!(
            "emit stdout early fork {{ wait-fifo {print} emit stdout late }} wait-fifo {exit} exit 3"
        );
        Self { process: host.probe(&script), exit, print }
    }

    /// The whole story as it must be pushed; gives how long after the order to exit the exit was told.
    #[track_caller]
    fn check_pushes(&self) -> Duration {
        let ordered = Instant::now();
        self.exit.release();
        let events = self.process.events_until("process/exited");
        let exited = &events[events.len() - 1];
        assert_eq!(pushed(&events, "stdout"), b"early");
        assert_eq!(exited.value.int("params.exitCode"), 3);
        assert_eq!(exited.value.text("params.cause"), "exit");
        assert!(exited.value.texts("params.streamsOpen").contains(&"stdout"), "{}", exited.value);

        self.print.release();
        let rest = self.process.events();
        assert_eq!(pushed(&rest, "stdout"), b"late");
        assert_eq!(outline(&rest), ["process/output", "process/closed"]);
        let exit_seq = exited.value.int("params.seq");
        assert!(rest[0].value.int("params.seq") > exit_seq, "{}", rest[0].value);
        exited.at.saturating_duration_since(ordered)
    }

    /// The same by reading.
    #[track_caller]
    fn check_kept(&self) {
        let read = self.process.read_all();
        assert_eq!(chunks_of(&read, "stdout"), b"earlylate");
        assert_eq!((read.int("exitCode"), read.flag("closed")), (3, true));
        assert_eq!((read.int("totalBytes"), read.int("droppedBytes")), (9, 0));
        assert!(!read.has("dropped"), "{read}");
        assert!(read.list("streamsOpen").is_empty(), "{read}");
    }
}

impl<'h> Deref for Late<'h> {
    type Target = Process<'h>;

    fn deref(&self) -> &Process<'h> {
        &self.process
    }
}

fn output_after_the_exit_is_pushed_and_kept(launch: Launch) {
    let host = launch.start();
    let late = Late::start(&host, "a");
    late.check_pushes();
    late.check_kept();
}

fn output_after_the_exit_comes_every_time(launch: Launch) {
    let host = launch.start();
    let mut delays: Vec<Duration> = Vec::new();
    for run in 0..runs() {
        let late = Late::start(&host, &run.to_string());
        delays.push(late.check_pushes());
        late.check_kept();
        late.call("process/release", json!({}));
    }
    delays.sort();
    // The exit is told before the late output exists, every time; how fast is a matter of the machine's load.
    let median = delays[delays.len() / 2];
    assert!(median < Duration::from_millis(100), "median of {median:?} from exit to `process/exited`");
}

fn output_after_the_exit_outlives_a_short_retention(launch: Launch) {
    let host = launch.options(["--retention-ms", "25"]).start();
    for run in 0..runs().div_ceil(10) {
        let late = Late::start(&host, &run.to_string());
        late.exit.release();
        let exit_seq = late.expect_event("process/exited").0.int("seq");
        // Several retentions pass between the exit and the close.
        let waited =
            late.call("process/read", json!({ "afterSeq": exit_seq, "waitMs": 150, "waitFor": "close" }));
        assert_eq!((waited.flag("closed"), waited.flag("exited")), (false, true));
        let waiting = late.send("process/read", json!({ "afterSeq": exit_seq, "waitMs": 15_000 }));
        late.print.release();
        let read = host.response(waiting).expect("the entry is kept until its streams close");
        assert_eq!(chunks_of(&read, "stdout"), b"late");
        assert_eq!(pushed(&late.events(), "stdout"), b"late");
    }
}

fn output_after_the_exit_is_kept_for_four_at_once(launch: Launch) {
    let host = launch.start();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let host = &host;
            scope.spawn(move || {
                for run in 0..runs().div_ceil(4) {
                    let late = Late::start(host, &format!("{thread}-{run}"));
                    late.check_pushes();
                    late.check_kept();
                }
            });
        }
    });
}

fn a_waiting_read_gets_output_after_the_exit(launch: Launch) {
    let host = launch.start();
    let late = Late::start(&host, "a");
    late.exit.release();
    let exit_seq = late.expect_event("process/exited").0.int("seq");
    let waiting = late.send("process/read", json!({ "afterSeq": exit_seq, "waitMs": 15_000 }));
    late.print.release();
    let read = host.response(waiting).expect("a read");
    assert_eq!(chunks_of(&read, "stdout"), b"late");
    assert!(read.int("chunks.0.seq") > exit_seq);
    assert_eq!(read.int("nextSeq"), read.int("chunks.0.seq") + 1 + i64::from(read.flag("closed")));
}

fn closing_ends_every_wait_at_once(launch: Launch) {
    let host = launch.start();
    let late = Late::start(&host, "a");
    late.exit.release();
    late.expect_event("process/exited");
    let waits = [
        late.send("process/read", json!({ "afterSeq": 1_000_000, "waitMs": 15_000, "waitFor": "close" })),
        late.send("process/read", json!({ "afterSeq": 1_000_000, "waitMs": 15_000 })),
        late.send("process/wait", json!({ "until": "close" })),
        late.send("process/wait", json!({ "until": "close", "timeoutMs": 15_000 })),
    ];
    let released = Instant::now();
    late.print.release();
    late.expect_event("process/closed");
    for id in waits {
        let state = host.response(id).expect("a state");
        assert!(state.flag("closed") && state.flag("exited"), "{state}");
        assert_eq!(state.int("exitCode"), 3);
    }
    assert!(released.elapsed() < Duration::from_secs(5), "no wait went on until its own end");
}

fn a_wait_for_the_exit_does_not_wait_for_the_streams(launch: Launch) {
    let host = launch.start();
    let late = Late::start(&host, "a");
    let exit = late.send("process/wait", json!({ "until": "exit" }));
    let close = late.send("process/wait", json!({ "until": "close", "timeoutMs": 20 }));
    let timed_out = host.response(close).expect("a state");
    assert!(timed_out.flag("timedOut"), "{timed_out}");
    late.exit.release();
    let state = host.response(exit).expect("a state");
    assert_eq!(state.int("exitCode"), 3);
    assert!(!state.has("timedOut") || !state.flag("timedOut"), "{state}");
    late.print.release();
    late.wait_close();
}

fn a_waiting_read_delays_no_other_request(launch: Launch) {
    let host = launch.start();
    let quiet = host.probe("hang");
    let other = host.probe("emit stdout x");
    let waiting = quiet.send("process/read", json!({ "waitMs": 2_000 }));
    let other_read = other.send("process/read", json!({ "waitMs": 1_000 }));
    let same_read = quiet.send("process/read", json!({}));
    let list = host.send_request("process/list", json!({}));
    for id in [other_read, same_read, list] {
        host.response(id).expect("an answer");
    }
    assert!(!host.is_answered(waiting), "the others are answered while it waits");
    let ordered = Instant::now();
    let terminated = quiet.terminate();
    assert!(terminated.list("survivors").is_empty());
    assert!(ordered.elapsed() < Duration::from_millis(1_500), "terminate takes {:?}", ordered.elapsed());
    assert!(host.response(waiting).expect("a read").flag("exited"));
}

fn a_closed_process_is_forgotten_after_the_retention(launch: Launch) {
    let host = launch.options(["--retention-ms", "25"]).start();
    let process = host.probe("emit stdout x");
    process.events();
    let give_up = Instant::now() + settings::deadline();
    loop {
        match host.request("process/read", process.params(json!({}))) {
            Ok(read) => assert_eq!(chunks_of(&read, "stdout"), b"x"),
            Err(error) => {
                error.assert(-32600, "unknownProcess", &[&process.id]);
                break;
            }
        }
        assert!(Instant::now() < give_up, "still kept");
    }
    let again = host.start(json!({ "processId": process.id, "argv": host.probe_argv("emit stdout y") }));
    assert_eq!(pushed(&again.events(), "stdout"), b"y");
}

fn a_released_id_is_free_at_once(launch: Launch) {
    let host = launch.start();
    let first = host.probe("hang");
    first.call("process/release", json!({}));
    assert!(host.live_probes().is_empty(), "what is released is stopped");
    host.refused("process/read", first.params(json!({}))).assert(-32600, "unknownProcess", &[&first.id]);
    let list = host.call("process/list", json!({}));
    assert!(list.list("processes").is_empty(), "{list}");
    first.events();
    let again = host.start(json!({ "processId": first.id, "argv": host.probe_argv("emit stdout y") }));
    assert_eq!(pushed(&again.events(), "stdout"), b"y");
}

fn a_reader_that_stopped_gets_everything_later(launch: Launch) {
    let host = launch.start();
    let done = host.gate("done");
    host.pause_reading();
    let id = host.next_id();
    let argv = host.probe_argv(&format!("emit-bytes stdout 3000000 tell-fifo {done} exit 3"));
    let start = host.send_request("process/start", json!({ "processId": id, "argv": argv }));
    // The process ends although nobody reads.
    done.hear(1);
    host.resume_reading();
    host.response(start).expect("a start");
    let events = host.events(&id);
    assert_eq!(pushed(&events, "stdout"), weir_tests::pattern(0, 3_000_000));
    assert_eq!(outline(&events), ["process/output", "process/exited", "process/closed"]);
}

fn each_stream_ends_on_its_own(launch: Launch) {
    let host = launch.start();
    let gate = host.gate("gate");
    let script = format!("fork {{ hold-stream stderr wait-fifo {gate} emit stderr late }} exit 0");
    let process = host.probe(&script);
    let exited = process.expect_event("process/exited").0;
    let open = exited.texts("streamsOpen");
    assert!(open.contains(&"stderr"), "{exited}");
    let give_up = Instant::now() + settings::deadline();
    while process.read_all().texts("streamsOpen") != ["stderr"] {
        assert!(Instant::now() < give_up, "stdout is not open any more");
    }
    gate.release();
    assert_eq!(pushed(&process.events(), "stderr"), b"late");
}
