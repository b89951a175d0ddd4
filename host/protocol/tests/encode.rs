//! What goes to the client is JSON with the members of the contract. The oracle is serde_json.

use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;
use serde_json::{Value, json};
use weir_protocol::{
    Call, Capabilities, Cause, ClosedEvent, Containment, Cut, DecidedBy, Decision, Dropped,
    EnvironmentCapabilities, EnvironmentInfo, EnvironmentState, EnvironmentStatus, ErrorKind, ErrorObject,
    Event, Exit, ExitedEvent, FrameError, HeldLimit, Holder, InitializeResult, InputWatching, Limit,
    LimitMechanisms, Limits, ListEntry, ListResult, Mechanism, OutputData, OutputEncoding, OutputEvent,
    PROTOCOL_VERSION, ProcessState, ReadChunk, ReadResult, Reply, RequestId, RunResult, SandboxType,
    SearchLine, SearchMatch, SearchResult, SearchStopped, ServerInfo, Shell, StartResult, Stream,
    StreamOffsets, TerminateResult, Timestamp, Usage, Verdict, WaitResult, WaitingForInput,
    WaitingForInputEvent, WriteResult, WriteStatus, encode_batch, encode_event, encode_response,
};

fn event(event: &Event) -> Value {
    let mut out = b"before".to_vec();
    encode_event(&mut out, event);
    let message: Value = serde_json::from_slice(&out[6..]).expect("JSON");
    assert_eq!(message["jsonrpc"], "2.0");
    assert_eq!(message["method"], event.method());
    assert_eq!(message.as_object().map(serde_json::Map::len), Some(3));
    message["params"].clone()
}

fn response(id: Option<&RequestId>, outcome: &Result<Reply, ErrorObject>) -> Value {
    let mut out = b"before".to_vec();
    encode_response(&mut out, id, outcome);
    assert!(!out.contains(&b'\n'), "a message is one line");
    let message: Value = serde_json::from_slice(&out[6..]).expect("JSON");
    assert_eq!(message["jsonrpc"], "2.0");
    assert_eq!(message.as_object().map(serde_json::Map::len), Some(3));
    message
}

fn result(reply: Reply) -> Value {
    let mut message = response(Some(&7_i64.into()), &Ok(reply));
    assert_eq!(message["id"], 7);
    message["result"].take()
}

fn killed() -> Exit {
    Exit { exit_code: 137, signal: Some("SIGKILL".into()), cause: Cause::Terminated, limit: None }
}

fn usage() -> Usage {
    Usage { user_ms: 1, system_ms: 2, max_rss_bytes: 3, elapsed_ms: 4 }
}

fn data(bytes: &[u8], encoding: OutputEncoding) -> OutputData {
    OutputData::new(bytes.to_vec(), encoding)
}

/// The member of an output event or a chunk, made the slow way.
fn data_oracle(bytes: &[u8], encoding: OutputEncoding) -> (&'static str, String, u64) {
    match encoding {
        OutputEncoding::Base64 => ("chunk", base64_simd::STANDARD.encode_to_string(bytes), 0),
        OutputEncoding::Utf8 => {
            let invalid = bytes.utf8_chunks().map(|chunk| chunk.invalid().len() as u64).sum();
            ("text", String::from_utf8_lossy(bytes).into_owned(), invalid)
        }
    }
}

#[test]
fn an_id_comes_back_as_it_was() {
    let outcome = Ok(Reply::Shutdown);
    assert_eq!(response(Some(&RequestId::Integer(u64::MAX.into())), &outcome)["id"], json!(u64::MAX));
    assert_eq!(response(Some(&i64::MIN.into()), &outcome)["id"], json!(i64::MIN));
    assert_eq!(response(Some(&"a\"\n".into()), &outcome)["id"], "a\"\n");
    assert_eq!(response(None, &outcome)["id"], Value::Null);
}

#[test]
fn an_error_has_its_code_its_kind_and_its_details() {
    let error = ErrorObject::new(ErrorKind::SpawnFailed, "`frob`: no such program")
        .with("stage", "exec")
        .with("errno", 2)
        .with("program", "frob")
        .with("size", u64::MAX)
        .with("again", false);
    let message = response(Some(&1_i64.into()), &Err(error));
    let expected = json!({"code": -32603, "message": "`frob`: no such program", "data": {"kind": "spawnFailed",
        "stage": "exec", "errno": 2, "program": "frob", "size": u64::MAX, "again": false}});
    assert_eq!(message["error"], expected);
}

#[test]
fn every_kind_has_a_word_of_its_own() {
    let words: std::collections::BTreeSet<_> = ErrorKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(words.len(), ErrorKind::ALL.len());
    assert!(ErrorKind::ALL.iter().all(|kind| (-32800..=-32000).contains(&kind.code())));
}

#[test]
fn a_frame_error_becomes_an_error_of_the_contract() {
    let cases = [
        (FrameError::TooLarge { limit: 9 }, ErrorKind::MessageTooLarge),
        (FrameError::Header { expected: "a", seen: "b".into() }, ErrorKind::ParseError),
        (FrameError::Truncated { expected: 2, seen: 1 }, ErrorKind::ParseError),
    ];
    for (frame_error, kind) in cases {
        assert_eq!(ErrorObject::from(frame_error).kind(), kind);
    }
}

#[test]
fn a_batch_of_responses_is_one_array_and_none_is_nothing() {
    let (one, outcome, failed) =
        (1_i64.into(), Ok(Reply::ProcessSignal), Err(ErrorObject::new(ErrorKind::Internal, "x")));
    let mut out = b"x".to_vec();
    assert!(encode_batch(&mut out, [(Some(&one), &outcome), (None, &failed)]));
    let array: Value = serde_json::from_slice(&out[1..]).unwrap();
    assert_eq!(array[0], json!({"jsonrpc": "2.0", "id": 1, "result": {}}));
    assert_eq!(array[1]["error"]["data"]["kind"], "internal");
    assert_eq!(array.as_array().map(Vec::len), Some(2));

    let mut out = b"x".to_vec();
    assert!(!encode_batch(&mut out, []));
    assert_eq!(out, b"x");
}

#[test]
fn an_initialize_result_has_what_a_codex_client_needs() {
    let environment_info = EnvironmentInfo {
        shell: Shell { name: "bash".into(), path: "/bin/bash".into() },
        executor_version: "1".into(),
        cwd: None,
        user_home_dir: Some("/root".into()),
        platform_os: "linux".into(),
        temporary_directories: vec!["/tmp".into()],
        temp_dir: Some("/tmp".into()),
        capabilities: EnvironmentCapabilities::default(),
    };
    let environment = json!({"shell": {"name": "bash", "path": "/bin/bash"}, "executorVersion": "1", "cwd": null,
        "userHomeDir": "/root", "platformOs": "linux", "temporaryDirectories": ["/tmp"], "tempDir": "/tmp",
        "capabilities": {"networkProxyLaunch": false, "capabilityDiscoverySandbox": false,
            "environmentConfigRead": false, "httpHeaderEnvVars": false, "sandboxedFileStreaming": false,
            "shellSnapshotV2": false, "fsWatchMissing": false, "fileWriteStreaming": false}});
    assert_eq!(result(Reply::EnvironmentInfo(Box::new(environment_info.clone()))), environment);

    let initialized = InitializeResult {
        session_id: "s".into(),
        protocol_version: PROTOCOL_VERSION,
        server_info: ServerInfo { name: "weir".into(), version: "1".into() },
        capabilities: Capabilities {
            limits: Limits {
                max_requests: 7,
                max_stdin_bytes: 8,
                max_spill_bytes_per_process: 9,
                max_spill_bytes_total: 10,
                max_file_bytes: 11,
                max_file_write_bytes: 13,
                max_open_files: 12,
                max_message_bytes: 1,
                max_batch_messages: 2,
                max_processes: 3,
                retention_ms: 4,
                max_bytes_per_process: 5,
                max_chunks_per_process: 6,
                max_bytes_total: 7,
            },
            containment: Containment {
                backend: "cells".into(),
                holds_descendants: true,
                stops_with_host: true,
            },
            waiting_for_input: InputWatching { seen: false, reason: Some("no such file".into()) },
            process_limits: LimitMechanisms {
                memory_bytes: Mechanism::Cgroup,
                cpu_seconds: Mechanism::Process,
                open_files: Mechanism::Process,
                file_bytes: Mechanism::None,
                processes: Mechanism::User,
            },
            plugins: vec![],
            views: vec![],
            policy: None,
            methods: Call::METHODS.into(),
        },
        environment_info,
    };
    let expected = json!({"sessionId": "s", "protocolVersion": 1, "serverInfo": {"name": "weir", "version": "1"},
        "capabilities": {
            "limits": {"maxMessageBytes": 1, "maxBatchMessages": 2, "maxProcesses": 3, "retentionMs": 4,
                "maxBytesPerProcess": 5, "maxChunksPerProcess": 6, "maxBytesTotal": 7, "maxRequests": 7, "maxStdinBytes": 8, "maxSpillBytesPerProcess": 9,
                "maxSpillBytesTotal": 10, "maxFileBytes": 11, "maxFileWriteBytes": 13, "maxOpenFiles": 12},
            "containment": {"backend": "cells", "holdsDescendants": true, "stopsWithHost": true},
            "processLimits": {"memoryBytes": "cgroup", "cpuSeconds": "process", "openFiles": "process",
                "fileBytes": "none", "processes": "user"},
            "waitingForInput": {"seen": false, "reason": "no such file"},
            "plugins": [], "views": [], "methods": Call::METHODS},
        "environmentInfo": environment});
    assert_eq!(result(Reply::Initialize(Box::new(initialized))), expected);
}

#[test]
fn results_without_output_have_the_members_of_the_contract() {
    let status = EnvironmentStatus { status: EnvironmentState::Ready };
    assert_eq!(result(Reply::EnvironmentStatus(status)), json!({"status": "ready"}));
    assert_eq!(result(Reply::Shutdown), Value::Null);
    assert_eq!(result(Reply::ProcessSignal), json!({}));
    assert_eq!(result(Reply::ProcessRelease), json!({}));
    for (status, word) in [
        (WriteStatus::Accepted, "accepted"),
        (WriteStatus::UnknownProcess, "unknownProcess"),
        (WriteStatus::StdinClosed, "stdinClosed"),
        (WriteStatus::Starting, "starting"),
    ] {
        assert_eq!(result(Reply::ProcessWrite(WriteResult { status })), json!({"status": word}));
        assert_eq!(result(Reply::ProcessCloseStdin(WriteResult { status })), json!({"status": word}));
    }
    let start = StartResult {
        process_id: "p".into(),
        pid: 5,
        argv: vec!["a".into()],
        sandbox_type: SandboxType::None,
        decision: None,
    };
    assert_eq!(
        result(Reply::ProcessStart(start)),
        json!({"processId": "p", "pid": 5, "argv": ["a"], "sandboxType": "none"})
    );
    let terminated = TerminateResult { running: true, exit: Some(killed()), survivors: vec![9] };
    assert_eq!(
        result(Reply::ProcessTerminate(terminated)),
        json!({"running": true, "exited": true, "exitCode": 137, "signal": "SIGKILL", "cause": "terminated",
            "survivors": [9]})
    );
    let mut waited = WaitResult {
        exit: None,
        closed: false,
        streams_open: vec![Stream::Stdout, Stream::Pty],
        total_bytes: 8,
        dropped_bytes: 2,
        withheld_bytes: 0,
        timed_out: true,
        usage: None,
    };
    let mut expected = json!({"exited": false, "exitCode": null, "signal": null, "cause": null, "closed": false,
        "streamsOpen": ["stdout", "pty"], "totalBytes": 8, "droppedBytes": 2, "timedOut": true, "usage": null});
    assert_eq!(result(Reply::ProcessWait(waited.clone())), expected);
    waited.exit = Some(Exit { exit_code: 0, signal: None, cause: Cause::Exit, limit: None });
    waited.usage = Some(usage());
    waited.withheld_bytes = 5;
    expected["withheldBytes"] = 5.into();
    expected["exited"] = true.into();
    expected["exitCode"] = 0.into();
    expected["cause"] = "exit".into();
    expected["usage"] = json!({"userMs": 1, "systemMs": 2, "maxRssBytes": 3, "elapsedMs": 4});
    assert_eq!(result(Reply::ProcessWait(waited)), expected);
}

#[test]
fn a_list_tells_who_holds_streams_and_leaves_out_what_is_empty() {
    let running = ListEntry {
        process_id: "p".into(),
        pid: None,
        argv: vec![],
        state: ProcessState::Starting,
        exit: None,
        streams_open: vec![],
        descendants: 0,
        holders: vec![],
        waiting_for_input: None,
        total_bytes: 0,
        dropped_bytes: 0,
        withheld_bytes: 0,
        limits: vec![],
        metadata: vec![],
    };
    let held = ListEntry {
        pid: Some(4),
        state: ProcessState::Exited,
        exit: Some(Exit {
            exit_code: -1,
            signal: None,
            cause: Cause::Limit,
            limit: Some(Limit::MemoryBytes),
        }),
        limits: vec![HeldLimit { limit: Limit::MemoryBytes, value: 9, by: Mechanism::Cgroup }],
        streams_open: vec![Stream::Stderr],
        descendants: 1,
        holders: vec![Holder { pid: 6, argv: vec!["sleep".into()], streams: vec![Stream::Stderr] }],
        waiting_for_input: Some(waiting()),
        withheld_bytes: 7,
        metadata: vec![("k".into(), "v".into())],
        ..running.clone()
    };
    let expected = json!({"processes": [
        {"processId": "p", "pid": null, "argv": [], "state": "starting", "exited": false, "exitCode": null,
            "signal": null, "cause": null, "streamsOpen": [], "descendants": 0, "totalBytes": 0, "droppedBytes": 0},
        {"processId": "p", "pid": 4, "argv": [], "state": "exited", "exited": true, "exitCode": -1,
            "signal": null, "cause": "limit", "limit": "memoryBytes", "limits": [{"limit": "memoryBytes", "value": 9, "by": "cgroup"}], "streamsOpen": ["stderr"], "descendants": 1, "totalBytes": 0,
            "droppedBytes": 0, "holders": [{"pid": 6, "argv": ["sleep"], "streams": ["stderr"]}],
            "waitingForInput": {"since": "1970-01-01T00:00:01.500Z", "pid": 8, "descriptor": 3},
            "withheldBytes": 7, "metadata": {"k": "v"}},
    ]});
    assert_eq!(result(Reply::ProcessList(ListResult { processes: vec![running, held] })), expected);
}

fn waiting() -> WaitingForInput {
    WaitingForInput { since: Timestamp(UNIX_EPOCH + Duration::from_millis(1500)), pid: 8, descriptor: 3 }
}

#[test]
fn who_waits_for_input_is_told_with_the_process_and_the_descriptor() {
    let waits = WaitingForInputEvent { process_id: "p".into(), waiting: waiting() };
    assert_eq!(
        event(&Event::WaitingForInput(waits)),
        json!({"processId": "p", "since": "1970-01-01T00:00:01.500Z", "pid": 8, "descriptor": 3})
    );
    assert_eq!(event(&Event::InputTaken { process_id: "p".into() }), json!({"processId": "p"}));
}

#[test]
fn the_end_of_a_process_is_told_in_two_events() {
    let dropped = Some(Dropped { from_seq: 1, to_seq: 2, bytes: 3 });
    let mut exited = ExitedEvent {
        process_id: "p".into(),
        seq: 9,
        exit: killed(),
        streams_open: vec![Stream::Stdout],
        usage: Some(usage()),
        dropped: None,
    };
    let mut expected = json!({"processId": "p", "seq": 9, "exitCode": 137, "signal": "SIGKILL",
        "cause": "terminated", "streamsOpen": ["stdout"], "sandboxDenied": false,
        "usage": {"userMs": 1, "systemMs": 2, "maxRssBytes": 3, "elapsedMs": 4}});
    assert_eq!(event(&Event::Exited(exited.clone())), expected);
    exited.dropped = dropped;
    expected["dropped"] = json!({"fromSeq": 1, "toSeq": 2, "bytes": 3});
    assert_eq!(event(&Event::Exited(exited)), expected);

    let closed = ClosedEvent {
        process_id: "p".into(),
        seq: 10,
        total_bytes: 5,
        dropped_bytes: 3,
        withheld_bytes: 0,
        withheld_reason: None,
        dropped: None,
    };
    assert_eq!(
        event(&Event::Closed(closed.clone())),
        json!({"processId": "p", "seq": 10, "totalBytes": 5, "droppedBytes": 3})
    );
    let withheld_reason = Some("broken".to_owned());
    let withheld =
        event(&Event::Closed(ClosedEvent { dropped, withheld_bytes: 4, withheld_reason, ..closed }));
    assert_eq!((&withheld["dropped"]["toSeq"], &withheld["withheldBytes"]), (&json!(2), &json!(4)));
    assert_eq!(withheld["withheldReason"], "broken");
}

#[test]
fn text_counts_the_bytes_it_could_not_show() {
    let output = OutputEvent {
        process_id: "p".into(),
        seq: 1,
        stream: Stream::Stdout,
        data: data(b"a\xFFb\xE2\x82c\x1B[0m\xF0\x9F", OutputEncoding::Utf8),
        dropped: None,
    };
    assert_eq!(
        event(&Event::Output(output)),
        json!({"processId": "p", "seq": 1, "stream": "stdout",
            "text": "a\u{FFFD}b\u{FFFD}c\u{1B}[0m\u{FFFD}", "invalidBytes": 5})
    );
}

#[test]
fn matches_carry_their_place_and_their_lines() {
    let line = |line, bytes: &[u8], encoding| SearchLine {
        line,
        line_offset: 10 * line,
        data: data(bytes, encoding),
        cut: line == 3,
    };
    let search = |encoding| SearchResult {
        matches: vec![SearchMatch {
            seq: 7,
            stream: Stream::Stderr,
            offset: 21,
            length: 2,
            line: line(2, b"a\"b", encoding),
            before: vec![],
            after: vec![line(3, b"\xff", encoding), line(4, b"", encoding)],
        }],
        stopped: Some(SearchStopped::Matches),
        searched_bytes: 100,
        dropped_bytes: 3,
        next_seq: 9,
        next_offsets: StreamOffsets { stdout: 0, stderr: 44, pty: 0 },
    };
    let text = result(Reply::ProcessSearch(Box::new(search(OutputEncoding::Utf8))));
    assert_eq!(
        text,
        json!({"matches": [{"seq": 7, "stream": "stderr", "offset": 21, "length": 2, "line": 2, "lineOffset": 20,
            "text": "a\"b", "before": [], "after": [
                {"line": 3, "lineOffset": 30, "text": "\u{FFFD}", "invalidBytes": 1, "cut": true},
                {"line": 4, "lineOffset": 40, "text": ""}]}],
            "stopped": "matches", "searchedBytes": 100, "droppedBytes": 3, "nextSeq": 9, "nextOffsets": {"stderr": 44}})
    );
    let exact = result(Reply::ProcessSearch(Box::new(search(OutputEncoding::Base64))));
    assert_eq!((&exact["matches"][0]["chunk"], &exact["matches"][0]["text"]), (&json!("YSJi"), &Value::Null));
}

fn output_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        prop::collection::vec(
            prop::sample::select(b"\"\\\n\r\t\x08\x0C\x00\x1F\x7F a\xC3\xA9".to_vec()),
            0..60
        ),
        any::<String>().prop_map(String::into_bytes),
        ("[ -~]{0,40}", "\\PC{0,5}", "[ -~]{0,40}").prop_map(|(a, b, c)| format!("{a}{b}{c}").into_bytes()),
    ]
}

fn encoding() -> impl Strategy<Value = OutputEncoding> {
    prop::sample::select(vec![OutputEncoding::Base64, OutputEncoding::Utf8])
}

fn stream() -> impl Strategy<Value = Stream> {
    prop::sample::select(vec![Stream::Stdout, Stream::Stderr, Stream::Pty])
}

fn dropped() -> impl Strategy<Value = Option<Dropped>> {
    prop::option::of(any::<(u64, u64, u64)>().prop_map(|(from_seq, to_seq, bytes)| Dropped {
        from_seq,
        to_seq,
        bytes,
    }))
}

fn put_data(object: &mut Value, bytes: &[u8], encoding: OutputEncoding) {
    let (name, text, invalid) = data_oracle(bytes, encoding);
    object[name] = text.into();
    if invalid > 0 {
        object["invalidBytes"] = invalid.into();
    }
}

proptest! {
    #[test]
    fn an_output_event_equals_the_oracle(
        id in any::<String>(), seq in any::<u64>(), stream in stream(), bytes in output_bytes(),
        encoding in encoding(), dropped in dropped(),
    ) {
        let output = OutputEvent {
            process_id: id.as_str().into(), seq, stream, data: data(&bytes, encoding), dropped,
        };
        let mut expected = json!({"processId": id, "seq": seq, "stream": stream});
        put_data(&mut expected, &bytes, encoding);
        if let Some(dropped) = dropped {
            expected["dropped"] = json!(dropped);
        }
        prop_assert_eq!(event(&Event::Output(output)), expected);
    }

    #[test]
    fn text_is_escaped_just_as_serde_json_does_it(bytes in output_bytes()) {
        let output = OutputEvent {
            process_id: "p".into(), seq: 1, stream: Stream::Pty, data: data(&bytes, OutputEncoding::Utf8), dropped: None,
        };
        let mut out = Vec::new();
        encode_event(&mut out, &Event::Output(output));
        let text = serde_json::to_string(&String::from_utf8_lossy(&bytes)).unwrap();
        let out = String::from_utf8(out).unwrap();
        let member = format!("\"text\":{text}");
        prop_assert!(out.contains(&member), "{} in {}", member, out);
    }

    #[test]
    fn a_read_result_equals_the_oracle(
        chunks in prop::collection::vec(
            (prop::option::of(any::<u64>()), any::<u64>(), stream(), output_bytes(), encoding()), 0..4,
        ),
        exited in any::<bool>(), closed in any::<bool>(), failure in prop::option::of(any::<String>()),
        dropped in dropped(), numbers in any::<(u64, u64, u64)>(), withheld_bytes in 0..2_u64,
        streams_open in prop::collection::vec(stream(), 0..3),
        passed_over in prop::collection::vec(any::<String>(), 0..2),
    ) {
        let (next_seq, total_bytes, dropped_bytes) = numbers;
        let exit = exited.then(killed);
        let mut expected = json!({"chunks": [], "nextSeq": next_seq, "exited": exited, "exitCode": null,
            "signal": null, "cause": null, "closed": closed, "failure": failure, "dropped": dropped,
            "streamsOpen": streams_open, "totalBytes": total_bytes, "droppedBytes": dropped_bytes,
            "sandboxDenied": false});
        if exited {
            expected["exitCode"] = 137.into();
            expected["signal"] = "SIGKILL".into();
            expected["cause"] = "terminated".into();
        }
        if withheld_bytes > 0 {
            expected["withheldBytes"] = withheld_bytes.into();
            expected["withheldReason"] = "broken".into();
        }
        if !passed_over.is_empty() {
            expected["passedOver"] = json!(passed_over);
        }
        let mut parts = Vec::new();
        let mut objects = Vec::new();
        for (from_seq, seq, stream, bytes, encoding) in &chunks {
            let data = data(bytes, *encoding);
            parts.push(ReadChunk { from_seq: *from_seq, seq: *seq, stream: *stream, data });
            let mut object = json!({"seq": seq, "stream": stream});
            if let Some(from_seq) = from_seq {
                object["fromSeq"] = json!(from_seq);
            }
            put_data(&mut object, bytes, *encoding);
            objects.push(object);
        }
        expected["chunks"] = objects.into();
        let read = ReadResult {
            chunks: parts, next_seq, exit, closed, failure, dropped, streams_open, total_bytes, dropped_bytes,
            withheld_bytes, withheld_reason: (withheld_bytes > 0).then(|| "broken".into()), passed_over,
            before_seq: None,
            lines: None,
        };
        prop_assert_eq!(result(Reply::ProcessRead(Box::new(read))), expected);
    }

    #[test]
    fn a_run_result_equals_the_oracle(
        stdout in output_bytes(), stderr in output_bytes(), encoding in encoding(), exited in any::<bool>(),
        plugins in any::<bool>(),
    ) {
        let (_, stdout_text, stdout_invalid) = data_oracle(&stdout, encoding);
        let (_, stderr_text, stderr_invalid) = data_oracle(&stderr, encoding);
        let run = RunResult {
            process_id: "p".into(),
            pid: 3,
            argv: vec!["x".into()],
            sandbox_type: SandboxType::None,
            stdout: data(&stdout, encoding),
            stderr: data(&stderr, encoding),
            exit: exited.then(killed),
            closed: exited,
            total_bytes: 10,
            dropped_bytes: 4,
            withheld_bytes: if plugins { 6 } else { 0 },
            withheld_reason: plugins.then(|| "broken".into()),
            usage: exited.then(usage),
            cuts: vec![Cut { stream: Stream::Stderr, at_byte: 5, bytes: 4 }],
            view: plugins.then(|| "tidy".into()),
            passed_over: if plugins { vec!["fold".into()] } else { vec![] },
            decision: plugins.then_some(Decision {
                verdict: Verdict::Allow,
                plugin: None,
                rule: None,
                reason: None,
                by: DecidedBy::Default,
                asked: None,
                generation: 1,
            }),
        };
        let mut expected = json!({"processId": "p", "pid": 3, "argv": ["x"], "sandboxType": "none",
            "stdout": stdout_text, "stderr": stderr_text, "exited": exited, "exitCode": null, "signal": null,
            "cause": null, "closed": exited, "totalBytes": 10, "droppedBytes": 4, "usage": null,
            "cuts": [{"stream": "stderr", "atByte": 5, "bytes": 4}]});
        if exited {
            expected["exitCode"] = 137.into();
            expected["signal"] = "SIGKILL".into();
            expected["cause"] = "terminated".into();
            expected["usage"] = json!(usage());
        }
        if plugins {
            expected["withheldBytes"] = 6.into();
            expected["withheldReason"] = "broken".into();
            expected["view"] = "tidy".into();
            expected["passedOver"] = json!(["fold"]);
            expected["decision"] = json!({"verdict": "allow", "by": "default", "generation": 1});
        }
        if stdout_invalid + stderr_invalid > 0 {
            expected["invalidBytes"] = (stdout_invalid + stderr_invalid).into();
        }
        prop_assert_eq!(result(Reply::ProcessRun(Box::new(run))), expected);
    }

    #[test]
    fn base64_survives_the_way_out_and_in(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let output = OutputEvent {
            process_id: "p".into(), seq: 1, stream: Stream::Stdout,
            data: data(&bytes, OutputEncoding::Base64), dropped: None,
        };
        let chunk = event(&Event::Output(output))["chunk"].to_string();
        let text = format!(r#"{{"id":1,"method":"process/write","params":{{"processId":"p","chunk":{chunk}}}}}"#);
        let incoming = weir_protocol::parse(text.as_bytes());
        let weir_protocol::Incoming::Request { call: Ok(Call::ProcessWrite(write)), .. } = incoming else {
            panic!("expected a write, saw {incoming:?}")
        };
        prop_assert_eq!(write.data.as_deref(), Some(&bytes[..]));
    }
}
