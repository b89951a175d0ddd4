//! Params become typed params, or an error that names the member at fault.

use weir_protocol::{
    Call, Detail, EnvInherit, ErrorKind, ErrorObject, Incoming, Leftovers, OutputEncoding, Overflow,
    RequestId, Scope, Stream, StreamOffsets, TerminalSize, Tty, Until, WaitFor, parse,
};

fn parse_text(text: &str) -> Incoming {
    parse(text.as_bytes())
}

/// Parses the params of a method as request 7.
#[track_caller]
fn call(method: &str, params: &str) -> Result<Call, ErrorObject> {
    let text = format!(r#"{{"id":7,"method":"{method}","params":{params}}}"#);
    match parse_text(&text) {
        Incoming::Request { id: RequestId::Integer(7), method: seen, call } if seen == method => call,
        other => panic!("expected a request, saw {other:?}"),
    }
}

#[track_caller]
fn params_error(method: &str, params: &str) -> ErrorObject {
    let error = call(method, params).expect_err("params are at fault");
    assert_eq!(error.kind(), ErrorKind::InvalidParams);
    assert_eq!(error.detail("method"), Some(&Detail::from(method)));
    error
}

#[test]
fn every_method_is_known_by_its_name() {
    let params = r#"{"clientName":"c","processId":"p","argv":["x"],"until":"exit","text":"","signal":"TERM","plugin":"t",
        "pattern":"x","cols":1,"rows":1,"sessionId":"s","command":"x","terminalId":"t",
        "path":"/x","dataBase64":"","sourcePath":"/x","destinationPath":"/y",
        "handleId":"h","offset":0,"len":1,"watchId":1,"missing":[],
        "options":{"maxDepth":0,"maxDirectories":1,"maxEntries":1}}"#;
    for method in Call::METHODS {
        assert_eq!(call(method, params).expect("sound params").method(), *method);
    }
}

#[test]
fn params_may_be_absent_null_or_empty_where_none_are_needed() {
    for params in ["", r#","params":null"#, r#","params":{}"#, r#","params":[]"#, r#","params":{"new":[1]}"#]
    {
        let incoming = parse_text(&format!(r#"{{"id":1,"method":"environment/info"{params}}}"#));
        assert!(matches!(incoming, Incoming::Request { call: Ok(Call::EnvironmentInfo), .. }), "{params}");
    }
}

#[test]
fn params_by_position_are_refused() {
    for method in Call::METHODS {
        let error = params_error(method, r#"["p"]"#);
        let expected = format!("`{method}`: invalid type: sequence, expected an object with named members");
        assert_eq!(error.message(), expected);
    }
    let error = params_error("process/start", r#"{"argv":["x"],"retention":[5,"spill"]}"#);
    assert_eq!(error.detail("member"), Some(&"retention".into()));
}

#[test]
fn an_empty_array_is_an_object_without_members() {
    let error = params_error("process/start", "[]");
    assert_eq!(error.detail("member"), Some(&"argv".into()));
    let text = r#"{"argv":["x"],"env":[],"envPolicy":[],"retention":[],"limits":[],"metadata":[]}"#;
    let empty = text.replace("[]", "{}");
    assert_eq!(call("process/start", text), call("process/start", &empty));
    assert!(
        matches!(call("process/start", text), Ok(Call::ProcessStart(start)) if start.metadata.is_empty())
    );
    for member in ["env", "envPolicy", "retention", "limits", "metadata"] {
        let error = params_error("process/start", &format!(r#"{{"argv":["x"],"{member}":[[]]}}"#));
        assert_eq!(error.detail("member"), Some(&member.into()));
        assert!(
            error.message().contains("invalid type: sequence, expected an object"),
            "{}",
            error.message()
        );
    }
}

#[test]
fn a_start_has_the_defaults_of_the_contract() {
    let Ok(Call::ProcessStart(start)) = call("process/start", r#"{"argv":["true"]}"#) else { panic!() };
    assert_eq!(start.argv, ["true"]);
    assert_eq!((start.tty, start.leftovers, start.notify), (Tty::Off, Leftovers::Keep, None));
    assert_eq!(start.output_encoding, OutputEncoding::Base64);
    assert!(!start.pipe_stdin && !start.merge_stderr && !start.enforce_managed_network);
    assert!(start.env.is_none() && start.env_policy.is_none() && start.retention.is_none());
    assert!(start.process_id.is_none() && start.sandbox.is_none() && start.metadata.is_empty());
}

#[test]
fn null_counts_as_absent() {
    let nulls = r#"{"argv":["true"],"processId":null,"cwd":null,"env":null,"envPolicy":null,"tty":null,
        "pipeStdin":null,"envDefaults":null,"mergeStderr":null,"arg0":null,"timeoutMs":null,"idleTimeoutMs":null,"limits":null,
        "retention":null,"leftovers":null,"notify":null,"outputEncoding":null,"metadata":null,
        "sandbox":null,"enforceManagedNetwork":null,"managedNetwork":null}"#;
    assert_eq!(call("process/start", nulls), call("process/start", r#"{"argv":["true"]}"#));

    let nulls = r#"{"processId":"p","afterSeq":null,"maxBytes":null,"waitMs":null,"waitFor":null,"view":null,
            "fromEnd":null,"beforeSeq":null,"lines":null}"#;
    assert_eq!(call("process/read", nulls), call("process/read", r#"{"processId":"p"}"#));
    let Ok(Call::ProcessRead(read)) = call("process/read", nulls) else { panic!() };
    assert_eq!(read.wait_for, WaitFor::Output);

    for (method, nulls, bare) in [
        ("process/run", r#"{"argv":["true"],"maxOutputBytes":null,"view":null}"#, r#"{"argv":["true"]}"#),
        ("policy/check", r#"{"argv":["true"],"explain":null}"#, r#"{"argv":["true"]}"#),
        (
            "process/summary",
            r#"{"processId":"p","plugin":"t","options":null}"#,
            r#"{"processId":"p","plugin":"t"}"#,
        ),
        ("initialize", r#"{"clientName":"c","capabilities":null}"#, r#"{"clientName":"c"}"#),
        ("initialize", r#"{"clientName":"c","capabilities":{"ask":null}}"#, r#"{"clientName":"c"}"#),
    ] {
        let bare = call(method, bare).expect("sound params");
        assert_eq!(call(method, nulls), Ok(bare), "{nulls}");
    }
}

#[test]
fn a_start_with_everything_is_understood() {
    let text = r#"{"processId":"p","argv":["a","b c"],"cwd":"file:///tmp","env":{"Z":"1","A":"2","Z":"3"},
        "envPolicy":{"inherit":"all","exclude":["X*"],"set":{"B":"4"},"includeOnly":[],"ignoreDefaultExcludes":true},
        "tty":{"cols":100,"rows":30},"pipeStdin":true,"envDefaults":false,"mergeStderr":true,"arg0":"-a","timeoutMs":1,
        "idleTimeoutMs":2,"limits":{"memoryBytes":3,"cpuSeconds":4,"openFiles":5,"fileBytes":0,"processes":7},
        "retention":{"maxBytes":8,"overflow":"spill"},"leftovers":"terminate","notify":false,
        "outputEncoding":"utf8","metadata":{"threadId":"t","toolCallId":null},
        "sandbox":{"type":"x"},"enforceManagedNetwork":true,"managedNetwork":[1],"newer":{}}"#;
    let Ok(Call::ProcessStart(start)) = call("process/start", text) else { panic!() };
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(start.env, Some(vec![pair("Z", "3"), pair("A", "2")]));
    assert_eq!(start.tty, Tty::On(TerminalSize { cols: 100, rows: 30 }));
    let policy = start.env_policy.expect("a policy");
    assert_eq!(policy.inherit, EnvInherit::All);
    assert_eq!(policy.set, Some(vec![pair("B", "4")]));
    assert_eq!(start.limits.and_then(|limits| limits.file_bytes), Some(0));
    assert_eq!(start.retention.map(|retention| retention.overflow), Some(Overflow::Spill));
    assert_eq!(start.metadata, [pair("threadId", "t")]);
    assert_eq!(start.sandbox.map(|sandbox| sandbox.as_str().to_owned()).as_deref(), Some(r#"{"type":"x"}"#));
    assert_eq!(start.output_encoding, OutputEncoding::Utf8);
    assert_eq!((start.timeout_ms, start.idle_timeout_ms), (Some(1), Some(2)));
    assert!(
        start.pipe_stdin
            && start.env_defaults == Some(false)
            && start.merge_stderr
            && start.enforce_managed_network
            && start.notify == Some(false)
    );
}

#[test]
fn a_terminal_of_the_usual_size_is_asked_for_with_true() {
    let Ok(Call::ProcessStart(start)) = call("process/start", r#"{"argv":["x"],"tty":true}"#) else {
        panic!()
    };
    assert_eq!(start.tty, Tty::On(TerminalSize { cols: 80, rows: 24 }));
}

#[test]
fn ill_typed_params_are_named_by_path_with_what_was_expected_and_seen() {
    let cases = [
        (r#"{"argv":["a",3]}"#, "argv[1]", "invalid type: integer `3`, expected a string"),
        (r#"{}"#, "argv", "expected a value, saw no such member"),
        (r#"{"argv":["a"],"tty":{"cols":1}}"#, "tty.rows", "expected a value, saw no such member"),
        (
            r#"{"argv":["a"],"tty":"yes"}"#,
            "tty",
            "invalid type: string \"yes\", expected a boolean or an object with `cols` and `rows`",
        ),
        (
            r#"{"argv":["a"],"tty":{"cols":70000,"rows":1}}"#,
            "tty.cols",
            "invalid value: integer `70000`, expected a whole number from 0 to 65535",
        ),
        (r#"{"argv":["a"],"tty":{"cols":0,"rows":1}}"#, "tty.cols", "expected at least 1, saw 0"),
        (r#"{"argv":["a"],"env":{"A":1}}"#, "env.A", "invalid type: integer `1`, expected a string"),
        (
            r#"{"argv":["a"],"envPolicy":{"inherit":"some"}}"#,
            "envPolicy.inherit",
            "unknown variant `some`, expected one of `all`, `core`, `none`",
        ),
        (
            r#"{"argv":["a"],"timeoutMs":-1}"#,
            "timeoutMs",
            "invalid value: integer `-1`, expected a whole number from 0 to 2^64 - 1",
        ),
        (
            r#"{"argv":["a"],"limits":{"openFiles":"x"}}"#,
            "limits.openFiles",
            "invalid type: string \"x\", expected a whole number from 0 to 2^64 - 1",
        ),
        (
            r#"{"argv":["a"],"processId":""}"#,
            "processId",
            "invalid value: string \"\", expected a string that is not empty",
        ),
        (r#"{"argv":[]}"#, "argv", "expected a program, saw an empty array"),
        (r#"{"argv":[""]}"#, "argv[0]", "expected a program, saw an empty string"),
        (r#"{"argv":["a","b\u0000"]}"#, "argv[1]", "expected no NUL byte, saw one at byte 1"),
        (r#"{"argv":["a"],"cwd":"/\u0000"}"#, "cwd", "expected no NUL byte, saw one at byte 1"),
        (r#"{"argv":["a"],"arg0":"\u0000"}"#, "arg0", "expected no NUL byte, saw one at byte 0"),
        (r#"{"argv":["a"],"env":{"A":"\u0000"}}"#, "env.A", "expected no NUL byte, saw one at byte 0"),
        (r#"{"argv":["a"],"env":{"A\u0000":""}}"#, "env", "expected no NUL byte, saw one at byte 1"),
        (r#"{"argv":["a"],"env":{"":"x"}}"#, "env", "expected a variable's name, saw an empty one"),
        (
            r#"{"argv":["a"],"envPolicy":{"set":{"A=B":"x"}}}"#,
            "envPolicy.set",
            "expected a variable's name without `=`, saw `A=B`",
        ),
        (r#"{"argv":["a"],"retention":{"maxBytes":0}}"#, "retention.maxBytes", "expected at least 1, saw 0"),
        (
            r#"{"argv":["a"],"retention":{"overflow":"drop"}}"#,
            "retention.overflow",
            "unknown variant `drop`, expected one of `dropMiddle`, `dropOldest`, `backpressure`, `spill`",
        ),
    ];
    for method in ["process/start", "process/run", "policy/check"] {
        for (params, member, what) in cases {
            let error = params_error(method, params);
            assert_eq!(error.message(), format!("`{method}`: `{member}`: {what}"));
            assert_eq!(error.detail("member"), Some(&member.into()));
        }
    }
    for (method, member) in [("process/read", "maxBytes"), ("process/run", "maxOutputBytes")] {
        let error = params_error(method, &format!(r#"{{"processId":"p","argv":["x"],"{member}":0}}"#));
        assert_eq!(error.message(), format!("`{method}`: `{member}`: expected at least 1, saw 0"));
    }
}

#[test]
fn the_other_methods_take_their_params() {
    let Ok(Call::ProcessWait(wait)) =
        call("process/wait", r#"{"processId":"p","until":"close","timeoutMs":5}"#)
    else {
        panic!()
    };
    assert_eq!((wait.until, wait.timeout_ms, wait.process_id.as_str()), (Until::Close, Some(5), "p"));
    let Ok(Call::ProcessRun(run)) = call("process/run", r#"{"argv":["x"],"maxOutputBytes":9,"view":"v"}"#)
    else {
        panic!()
    };
    assert_eq!((run.max_output_bytes, run.start.argv.len(), run.view.as_deref()), (Some(9), 1, Some("v")));
    let Ok(Call::ProcessSignal(signal)) =
        call("process/signal", r#"{"processId":"p","signal":"interrupt","scope":"tree"}"#)
    else {
        panic!()
    };
    assert_eq!((signal.signal.as_str(), signal.scope), ("interrupt", Scope::Tree));
    let Ok(Call::ProcessResize(resize)) = call("process/resize", r#"{"processId":"p","cols":7,"rows":5}"#)
    else {
        panic!()
    };
    assert_eq!((resize.process_id.as_str(), resize.cols, resize.rows), ("p", 7, 5));
    let Ok(Call::ProcessTerminate(terminate)) = call("process/terminate", r#"{"processId":"p","graceMs":0}"#)
    else {
        panic!()
    };
    assert_eq!(terminate.grace_ms, Some(0));
    let text = r#"{"clientName":"codex-environment","resumeSessionId":null,"capabilities":{"x":1}}"#;
    let Ok(Call::Initialize(initialize)) = call("initialize", text) else { panic!() };
    assert_eq!((initialize.client_name.as_str(), initialize.resume_session_id), ("codex-environment", None));
    assert_eq!(params_error("process/wait", r#"{"processId":"p"}"#).detail("member"), Some(&"until".into()));
}

#[test]
fn a_client_can_be_asked_only_if_it_says_so() {
    let ask = |capabilities: &str| {
        let text = format!(r#"{{"clientName":"c"{capabilities}}}"#);
        match call("initialize", &text) {
            Ok(Call::Initialize(initialize)) => initialize.capabilities.ask,
            other => panic!("{capabilities}: expected capabilities, saw {other:?}"),
        }
    };
    assert!(ask(r#","capabilities":{"ask":true}"#));
    assert!(ask(r#","capabilities":{"newer":{"ask":false},"ask":true}"#));
    for capabilities in ["", r#","capabilities":{}"#, r#","capabilities":{"ask":false}"#] {
        assert!(!ask(capabilities), "{capabilities}");
    }
    for (capabilities, member, what) in [
        ("[true]", "capabilities", "invalid type: sequence, expected an object with named members"),
        ("true", "capabilities", "invalid type: boolean `true`, expected an object with named members"),
        (r#"{"ask":{}}"#, "capabilities.ask", "invalid type: map, expected a boolean"),
    ] {
        let error =
            params_error("initialize", &format!(r#"{{"clientName":"c","capabilities":{capabilities}}}"#));
        assert_eq!(error.message(), format!("`initialize`: `{member}`: {what}"));
    }
}

#[test]
fn a_check_takes_the_params_of_a_start_and_whether_to_explain() {
    let start =
        r#""processId":"p","argv":["a","b"],"cwd":"/tmp","env":{"A":"1"},"tty":true,"metadata":{"k":"v"}"#;
    let Ok(Call::ProcessStart(expected)) = call("process/start", &format!("{{{start}}}")) else { panic!() };
    for (explain, text) in [(false, ""), (false, r#","explain":false"#), (true, r#","explain":true"#)] {
        let Ok(Call::PolicyCheck(check)) = call("policy/check", &format!("{{{start}{text}}}")) else {
            panic!()
        };
        assert_eq!((&check.start, check.explain), (&*expected, explain));
    }
    let error = params_error("policy/check", r#"{"argv":["a"],"explain":"why"}"#);
    assert_eq!(
        error.message(),
        "`policy/check`: `explain`: invalid type: string \"why\", expected a boolean"
    );
}

#[test]
fn a_summary_takes_options_as_an_object_of_any_content() {
    let summary =
        |options: &str| call("process/summary", &format!(r#"{{"processId":"p","plugin":"tests"{options}}}"#));
    let Ok(Call::ProcessSummary(params)) = summary(r#","options": {"a": [1, null]} "#) else { panic!() };
    assert_eq!((params.process_id.as_str(), params.plugin.as_str()), ("p", "tests"));
    assert_eq!(params.options.as_ref().map(|options| options.as_str()), Some(r#"{"a": [1, null]}"#));
    for none in ["", r#","options":null"#, r#","options":[ ]"#] {
        let Ok(Call::ProcessSummary(params)) = summary(none) else { panic!("{none}") };
        assert!(params.options.is_none(), "{none}");
    }

    for (options, seen) in
        [("[1]", "an array"), ("\"{}\"", "a string"), ("true", "a boolean"), ("-1", "a number")]
    {
        let error = summary(&format!(r#","options":{options}"#)).expect_err("no object");
        let expected = format!("`process/summary`: `options`: expected an object, saw {seen}");
        assert_eq!((error.kind(), error.message()), (ErrorKind::InvalidParams, expected.as_str()));
        assert_eq!(error.detail("member"), Some(&"options".into()));
    }
    let error = params_error("process/summary", r#"{"processId":"p"}"#);
    assert_eq!(error.message(), "`process/summary`: `plugin`: expected a value, saw no such member");
}

#[test]
fn a_write_carries_bytes_text_or_only_a_close() {
    let write = |rest: &str| match call("process/write", &format!(r#"{{"processId":"p"{rest}}}"#)) {
        Ok(Call::ProcessWrite(write)) => write,
        other => panic!("expected a write, saw {other:?}"),
    };
    assert_eq!(write(r#","chunk":"AP8=""#).data.as_deref(), Some(&[0, 255][..]));
    assert_eq!(write(r#","chunk":"QUJ\u0044""#).data.as_deref(), Some(&b"ABC"[..]));
    assert_eq!(write(r#","chunk":"","text":null"#).data.as_deref(), Some(&[][..]));
    let last = write(r#","text":"ä","writeId":"w","close":true"#);
    assert_eq!((last.data.as_deref(), last.close), (Some("ä".as_bytes()), true));
    assert_eq!(last.write_id, Some("w".into()));
    let close = write(r#","close":true"#);
    assert_eq!((close.data, close.close), (None, true));
}

#[test]
fn a_write_of_neither_or_both_or_no_base64_names_the_member() {
    let cases = [
        ("", "chunk", "expected `chunk` or `text`, saw neither"),
        (r#","chunk":"","text":"""#, "text", "expected `chunk` or `text`, saw both"),
        (r#","chunk":"A===""#, "chunk", "invalid value: wrong padding, expected padded standard base64"),
        (
            r#","chunk":"AAA""#,
            "chunk",
            "invalid value: a length of 3, which is no multiple of 4, expected padded standard base64",
        ),
        (
            r#","chunk":"AA-_""#,
            "chunk",
            "invalid value: character '-' at byte 2, expected padded standard base64",
        ),
        (r#","chunk":7"#, "chunk", "invalid type: integer `7`, expected padded standard base64"),
    ];
    for (rest, member, what) in cases {
        let error = params_error("process/write", &format!(r#"{{"processId":"p"{rest}}}"#));
        assert_eq!(error.message(), format!("`process/write`: `{member}`: {what}"));
    }
}

#[test]
fn a_search_has_bounds_and_defaults() {
    let Ok(Call::ProcessSearch(search)) =
        call("process/search", r#"{"processId":"p","pattern":"","offsets":null}"#)
    else {
        panic!()
    };
    assert_eq!((search.pattern.as_str(), search.ignore_case, search.max_matches), ("", false, None));
    assert_eq!(
        (search.context_lines, search.offsets, search.after_seq),
        (None, StreamOffsets::default(), None)
    );
    for (members, member) in [
        (r#""maxMatches":0"#, "maxMatches"),
        (r#""maxMatches":10001"#, "maxMatches"),
        (r#""contextLines":101"#, "contextLines"),
        (r#""ignoreCase":1"#, "ignoreCase"),
    ] {
        let error =
            params_error("process/search", &format!(r#"{{"processId":"p","pattern":"x",{members}}}"#));
        assert_eq!(error.detail("member"), Some(&Detail::from(member)), "{members}");
    }
}

#[test]
fn a_read_goes_one_way() {
    let Ok(Call::ProcessRead(read)) = call("process/read", r#"{"processId":"p","lines":{"from":-2}}"#) else {
        panic!()
    };
    let lines = read.lines.expect("lines");
    assert_eq!((lines.stream, lines.from, lines.to), (Stream::Stdout, -2, None));
    for (members, member) in [
        (r#""lines":{"from":1},"fromEnd":1"#, "lines"),
        (r#""fromEnd":1,"afterSeq":0"#, "afterSeq"),
        (r#""beforeSeq":2"#, "beforeSeq"),
        (r#""lines":{"from":0}"#, "lines.from"),
        (r#""lines":{"from":1,"stream":"stdin"}"#, "lines.stream"),
        (r#""lines":[1]"#, "lines"),
    ] {
        let error = params_error("process/read", &format!(r#"{{"processId":"p",{members}}}"#));
        assert_eq!(error.detail("member"), Some(&Detail::from(member)), "{members}");
    }
}
