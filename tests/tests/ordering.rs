//! Requests about one process are applied in the order in which they came; answers come before news.

use serde_json::{Value, json};
use weir_tests::{Json, Launch, Received, RpcError, base64, merge, outline, pushed, settings};

weir_tests::both_ways!(
    requests_sent_in_one_go_are_applied_in_order,
    many_writes_in_one_go_arrive_in_order,
    the_response_comes_before_the_first_notification,
    the_response_comes_before_the_first_notification_in_a_batch,
    a_repeated_write_is_accepted_and_not_written_again,
    an_id_is_released_and_used_again_in_one_go,
    a_request_id_is_free_once_it_is_answered,
    a_write_that_failed_is_not_taken_for_repeated,
    a_start_behind_a_failed_one_of_the_same_id_has_its_turn,
    a_writer_that_waits_delays_nobody,
    every_event_takes_the_next_seq,
    a_batch_is_answered_by_one_array,
    a_closing_write_ends_stdin_after_its_bytes,
);

fn runs() -> usize {
    settings::number("WEIR_RUNS", 50)
}

fn requests_sent_in_one_go_are_applied_in_order(launch: Launch) {
    let host = launch.start();
    for _ in 0..runs() {
        let id = json!({ "processId": host.next_id() });
        let argv = host.probe_argv("echo hang");
        let requests = [
            ("process/start", json!({ "argv": argv, "pipeStdin": true })),
            ("process/write", json!({ "chunk": base64("one ") })),
            ("process/write", json!({ "text": "two" })),
            ("process/closeStdin", json!({})),
            ("process/write", json!({ "text": "never" })),
            ("process/read", json!({ "waitMs": 10_000 })),
            ("process/terminate", json!({ "graceMs": 100 })),
        ];
        let (ids, messages): (Vec<u64>, Vec<Value>) = requests
            .into_iter()
            .map(|(method, params)| host.prepare(method, merge(id.clone(), params)))
            .unzip();
        // One write, so that all of them are there before the first is looked at.
        let lines: String = messages.iter().map(|message| format!("{message}\n")).collect();
        host.send_bytes(lines);
        let results: Vec<Value> = ids.iter().map(|id| host.response(*id).expect("a result")).collect();
        let statuses: Vec<&str> = [1, 2, 4].map(|at| results[at].text("status")).to_vec();
        assert_eq!(statuses, ["accepted", "accepted", "stdinClosed"]);
        assert!(results[6].list("survivors").is_empty());
        let events = host.events(id.text("processId"));
        assert!(b"one two".starts_with(&pushed(&events, "stdout")), "{events:?}");
    }
}

fn many_writes_in_one_go_arrive_in_order(launch: Launch) {
    let host = launch.start();
    let process = host.probe_with("echo", json!({ "pipeStdin": true }));
    let writes: Vec<u64> =
        (0..300).map(|n| process.send("process/write", json!({ "text": format!("{n:04} ") }))).collect();
    process.send("process/closeStdin", json!({}));
    for id in writes {
        assert_eq!(host.response(id).expect("a status").text("status"), "accepted");
    }
    let expected: String = (0..300).map(|n| format!("{n:04} ")).collect();
    assert_eq!(String::from_utf8_lossy(&pushed(&process.events(), "stdout")), expected);
}

fn the_response_comes_before_the_first_notification(launch: Launch) {
    let host = launch.start();
    for _ in 0..runs() {
        let id = host.next_id();
        let params = json!({ "processId": id, "argv": ["true"] });
        let request = host.send_request("process/start", params);
        let response = host.claim(&json!(request));
        let events = host.events(&id);
        assert!(response.frame < events[0].frame, "{events:?}");
    }
}

fn the_response_comes_before_the_first_notification_in_a_batch(launch: Launch) {
    let host = launch.start();
    for _ in 0..runs().div_ceil(5) {
        let ids = [host.next_id(), host.next_id()];
        // The slow member must not let the quick process's news overtake the array.
        let slow = json!({ "processId": ids[0], "argv": host.probe_argv("sleep 30 emit stdout slow") });
        let quick = json!({ "processId": ids[1], "argv": ["true"] });
        let wait = json!({ "processId": ids[0], "until": "close" });
        let batch = [("process/start", slow), ("process/start", quick), ("process/wait", wait)];
        host.send(&batch.map(|(method, params)| host.prepare(method, params).1).into());
        let answers = host.try_batch().expect("an array");
        assert_eq!(answers.value.as_array().map(Vec::len), Some(3), "{}", answers.value);
        for id in &ids {
            let first: &Received = &host.events(id)[0];
            assert!(answers.frame < first.frame, "news of `{id}` came before the array: {first:?}");
        }
    }
}

fn a_repeated_write_is_accepted_and_not_written_again(launch: Launch) {
    let host = launch.start();
    let process = host.probe_with("echo", json!({ "pipeStdin": true }));
    // An integer and the string of its digits are two ids.
    let (seven, word) = (json!(7), json!("7"));
    let [a, b, c] = ["a", "b", "c"].map(|id| json!(id));
    for (write, text) in
        [(&a, "1"), (&b, "2"), (&a, "1"), (&b, "2"), (&c, "3"), (&seven, "4"), (&word, "5"), (&seven, "4")]
    {
        let written = process.call("process/write", json!({ "text": text, "writeId": write }));
        assert_eq!(written.text("status"), "accepted");
    }
    process.call("process/closeStdin", json!({}));
    assert_eq!(pushed(&process.events(), "stdout"), b"12345");
}

/// Sends requests in one write, with the same process id in each; answers in the order of the requests.
fn in_one_go(
    host: &weir_tests::Host,
    id: &str,
    requests: Vec<(&str, Value)>,
) -> Vec<Result<Value, RpcError>> {
    let (ids, messages): (Vec<u64>, Vec<Value>) = requests
        .into_iter()
        .map(|(method, params)| host.prepare(method, merge(json!({ "processId": id }), params)))
        .unzip();
    host.send_bytes(messages.iter().map(|message| format!("{message}\n")).collect::<String>());
    ids.into_iter().map(|id| host.response(id)).collect()
}

fn a_request_id_is_free_once_it_is_answered(launch: Launch) {
    let host = launch.start();
    let ready = host.gate("ready");
    let deaf = host.probe(&format!("ignore SIGTERM tell-fifo {ready} hang"));
    ready.hear(1);
    let release = deaf.send("process/release", json!({}));
    host.notify("$/cancelRequest", json!({ "id": release }));
    host.response(release).expect_err("a cancelled request").assert(-32800, "requestCancelled", &[]);
    // The release goes on until its grace is over, and must not answer for the request that has its id now.
    let other = host.probe("hang");
    let wait = json!({ "jsonrpc": "2.0", "id": release, "method": "process/wait",
        "params": other.params(json!({ "until": "close", "timeoutMs": 4_000 })) });
    host.send(&wait);
    let answer = host.claim(&json!(release)).value;
    assert_eq!(answer["result"]["timedOut"], json!(true), "{answer}");
    other.terminate();
}

fn a_write_that_failed_is_not_taken_for_repeated(launch: Launch) {
    let host = launch.start();
    let ready = host.gate("ready");
    let process =
        host.probe_with(&format!("close stdin tell-fifo {ready} hang"), json!({ "pipeStdin": true }));
    ready.hear(1);
    for _ in 0..2 {
        let write = process.call("process/write", json!({ "text": "x", "writeId": "w" }));
        assert_eq!(write.text("status"), "stdinClosed");
    }
    process.terminate();
}

fn an_id_is_released_and_used_again_in_one_go(launch: Launch) {
    let host = launch.start();
    for _ in 0..runs() {
        let id = host.next_id();
        let start =
            |script: &str| ("process/start", json!({ "argv": host.probe_argv(script), "notify": false }));
        let requests = vec![
            start("hang"),
            ("process/release", json!({})),
            start("emit stdout second"),
            ("process/wait", json!({ "until": "close" })),
            ("process/release", json!({})),
            start("emit stdout third"),
            ("process/read", json!({ "waitFor": "close", "waitMs": 20_000 })),
        ];
        let answers: Vec<Value> =
            in_one_go(&host, &id, requests).into_iter().map(|answer| answer.expect("a result")).collect();
        assert_eq!(weir_tests::chunks_of(&answers[6], "stdout"), b"third");
        host.call("process/release", json!({ "processId": id }));
        host.refused("process/read", json!({ "processId": id })).assert(-32600, "unknownProcess", &[&id]);
    }
}

fn a_start_behind_a_failed_one_of_the_same_id_has_its_turn(launch: Launch) {
    let host = launch.start();
    let id = host.next_id();
    let start = |argv: Value| ("process/start", json!({ "argv": argv, "notify": false }));
    let requests = vec![start(json!(["/no/such/program"])), start(json!(["true"])), start(json!(["true"]))];
    let mut answers = in_one_go(&host, &id, requests).into_iter();
    answers.next().expect("an answer").expect_err("a failure").assert(-32603, "spawnFailed", &[]);
    answers.next().expect("an answer").expect("a start");
    answers.next().expect("an answer").expect_err("a failure").assert(-32600, "duplicateProcess", &[&id]);
}

fn a_writer_that_waits_delays_nobody(launch: Launch) {
    let host = launch.start();
    let read = host.gate("read");
    let script = format!("wait-fifo {read} echo");
    let deaf = host.probe_with(&script, json!({ "pipeStdin": true }));
    let bytes = weir_tests::pattern(0, 8 << 20);
    let write = deaf.send("process/write", json!({ "chunk": base64(&bytes) }));
    let close = deaf.send("process/closeStdin", json!({}));
    let other = host.probe_with("echo", json!({ "pipeStdin": true }));
    assert_eq!(other.write("x").text("status"), "accepted");
    other.call("process/closeStdin", json!({}));
    assert_eq!(pushed(&other.events(), "stdout"), b"x");
    assert!(!deaf.read_all().flag("exited"));
    read.release();
    assert_eq!(host.response(write).expect("a status").text("status"), "accepted");
    host.response(close).expect("an end of file after what is queued");
    assert_eq!(pushed(&deaf.events(), "stdout"), bytes);
}

fn every_event_takes_the_next_seq(launch: Launch) {
    let host = launch.start();
    let script: String = (0..100).map(|n| format!("line stdout o{n} line stderr e{n} ")).collect();
    let process = host.probe(&script);
    let events = process.events();
    let seqs: Vec<i64> = events.iter().map(|event| event.value.int("params.seq")).collect();
    assert_eq!(seqs, (1..=seqs.len() as i64).collect::<Vec<_>>());
    assert_eq!(outline(&events).last(), Some(&"process/closed"));
    let read = process.read_all();
    let read_seqs: Vec<i64> = read.list("chunks").iter().map(|chunk| chunk.int("seq")).collect();
    let outputs = events.iter().filter(|event| event.value["method"] == "process/output");
    let pushed_seqs: Vec<i64> = outputs.map(|event| event.value.int("params.seq")).collect();
    assert_eq!(read_seqs, pushed_seqs, "reads and pushes tell of the same chunks");
    assert_eq!(read.int("nextSeq"), seqs.len() as i64 + 1);
}

fn a_batch_is_answered_by_one_array(launch: Launch) {
    let host = launch.start();
    let (first, one) = host.prepare("process/list", json!({}));
    let (second, two) = host.prepare("no/such", json!({}));
    let notification = json!({ "jsonrpc": "2.0", "method": "no/such", "params": {} });
    host.send(&json!([one, notification, 7, two]));
    let answers = host.try_batch().expect("an array").value;
    let mut ids: Vec<Value> = answers.as_array().expect("an array").iter().map(|a| a["id"].clone()).collect();
    ids.sort_by_key(Value::as_u64);
    assert_eq!(ids, [Value::Null, json!(first), json!(second)]);
    // Notifications alone are answered with nothing, and an empty array with one error.
    host.send(&json!([notification]));
    host.send(&json!([]));
    let empty = host.claim(&Value::Null).value;
    assert_eq!(empty.int("error.code"), -32600);
}

fn a_closing_write_ends_stdin_after_its_bytes(launch: Launch) {
    let host = launch.start();
    let process = host.probe_with("echo", json!({ "pipeStdin": true }));
    process.call("process/write", json!({ "text": "all", "close": true }));
    assert_eq!(pushed(&process.events(), "stdout"), b"all");
}
