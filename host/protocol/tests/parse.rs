//! What a client sends becomes a typed message, or an error that names the thing at fault.

use proptest::prelude::*;
use weir_protocol::{
    AskResult, Call, ErrorKind, ErrorObject, Incoming, MAX_BATCH_MESSAGES, Notice, RequestId, parse,
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
fn invalid(text: &str) -> (Option<RequestId>, ErrorObject) {
    match parse_text(text) {
        Incoming::Invalid { id, error } => (id, error),
        other => panic!("{text}: expected no message, saw {other:?}"),
    }
}

#[test]
fn a_request_with_and_without_the_version_is_understood() {
    for version in ["", r#""jsonrpc":"2.0","#, r#""jsonrpc":"\u0032.0","#] {
        let incoming = parse_text(&format!(r#"{{{version}"id":"a","method":"process/list"}}"#));
        let expected =
            Incoming::Request { id: "a".into(), method: "process/list".into(), call: Ok(Call::ProcessList) };
        assert_eq!(incoming, expected);
    }
}

#[test]
fn ids_are_strings_and_integers_up_to_64_bits() {
    let max = RequestId::Integer(u64::MAX.into());
    let min = RequestId::Integer(i64::MIN.into());
    for (text, id) in [
        ("0", 0_i64.into()),
        ("18446744073709551615", max),
        ("-9223372036854775808", min),
        ("\"\"", "".into()),
        ("\"\\u00e4\"", "ä".into()),
    ] {
        let incoming = parse_text(&format!(r#"{{"id":{text},"method":"shutdown"}}"#));
        assert_eq!(incoming, Incoming::Request { id, method: "shutdown".into(), call: Ok(Call::Shutdown) });
    }
}

#[test]
fn an_id_of_another_type_makes_an_invalid_request_without_id() {
    for id in ["null", "1.5", "1.0", "1e3", "true", "{}", "[1]", "18446744073709551616", "-1e400"] {
        for rest in [r#""method":"shutdown""#, r#""params":1"#] {
            let (seen, error) = invalid(&format!(r#"{{"id":{id},{rest}}}"#));
            assert_eq!((seen, error.code()), (None, -32600), "{id}");
            assert!(error.message().starts_with("`id`: expected a string or an integer, saw"), "{error}");
        }
    }
}

#[test]
fn what_is_no_request_keeps_its_id() {
    for text in [
        r#"{"id":3}"#,
        r#"{"id":3,"method":5}"#,
        r#"{"id":3,"method":"shutdown","jsonrpc":"1.0"}"#,
        r#"{"id":3,"method":"shutdown","jsonrpc":null}"#,
        r#"{"id":3,"error":7}"#,
        r#"{"id":3,"error":null}"#,
    ] {
        let (id, error) = invalid(text);
        assert_eq!((id, error.kind()), (Some(3_i64.into()), ErrorKind::InvalidRequest), "{text}");
    }
}

#[test]
fn what_is_no_object_is_no_request() {
    for (text, seen) in [("1", "a number"), ("\"x\"", "a string"), ("null", "null"), (" true ", "a boolean")]
    {
        let (id, error) = invalid(text);
        assert_eq!((id, error.code()), (None, -32600));
        assert_eq!(error.message(), format!("expected a message as an object, saw {seen}"));
    }
}

#[test]
fn half_a_surrogate_pair_is_json_but_no_text() {
    for text in
        [r#""\ud800""#, r#"{"id":1,"\ud800":1,"method":"shutdown"}"#, r#"{"id":"\ud800","method":"x"}"#]
    {
        let (id, error) = invalid(text);
        assert_eq!((id, error.code()), (None, -32600), "{text}");
    }
    let error = call("process/start", r#"{"argv":["\ud800"]}"#).expect_err("no text");
    assert_eq!(error.detail("member"), Some(&"argv[0]".into()));
    assert!(call("shutdown", r#"{"newer":"\ud800"}"#).is_ok());
}

#[test]
fn what_is_no_json_is_a_parse_error_with_its_position() {
    let cases = [
        ("{\"id\":1", "line 1 column 7"),
        ("{\"id\":1}x", "line 1 column 9"),
        ("[1,]", "line 1 column 4"),
        ("", "line 1 column 0"),
        ("hello", "line 1 column 1"),
    ];
    for (text, position) in cases {
        let (id, error) = invalid(text);
        assert_eq!((id, error.code()), (None, -32700), "{text}");
        assert!(error.message().ends_with(position), "{text}: {error}");
    }
}

#[test]
fn what_is_no_utf8_is_a_parse_error_even_in_a_member_that_is_ignored() {
    let Incoming::Invalid { id: None, error } = parse(b"{\"id\":1,\"x\":\"\xFF\"}") else { panic!() };
    assert_eq!(error.code(), -32700);
    assert_eq!(error.message(), "expected UTF-8, saw another byte at byte 13");
}

#[test]
fn an_unknown_method_is_named() {
    let error = call("process/fly", "{}").unwrap_err();
    assert_eq!(error.code(), -32601);
    assert_eq!(error.message(), "expected a known method, saw `process/fly`");
    assert_eq!(error.detail("method"), Some(&"process/fly".into()));
    assert!(call("exit", "{}").unwrap_err().message().contains("is a notification"));
}

#[test]
fn notifications_are_told_apart() {
    let cases = [
        (r#"{"method":"initialized"}"#, Notice::Initialized),
        (r#"{"method":"initialized","params":[7]}"#, Notice::Initialized),
        (r#"{"method":"exit"}"#, Notice::Exit),
        (r#"{"method":"$/cancelRequest","params":{"id":4}}"#, Notice::Cancel { id: 4_i64.into() }),
        (
            r#"{"method":"notifications/cancelled","params":{"requestId":"a","reason":"x"}}"#,
            Notice::Cancel { id: "a".into() },
        ),
        (r#"{"method":"process/start"}"#, Notice::Unknown { method: "process/start".into() }),
    ];
    for (text, notice) in cases {
        assert_eq!(parse_text(text), Incoming::Notification(notice), "{text}");
    }
    for (params, member) in [("{}", "id"), (r#"{"id":null}"#, "id"), (r#"{"id":1.5}"#, "id")] {
        let text = format!(r#"{{"method":"$/cancelRequest","params":{params}}}"#);
        let Incoming::Notification(Notice::Malformed { method, error }) = parse_text(&text) else { panic!() };
        assert_eq!(method, "$/cancelRequest");
        assert_eq!(error.detail("member"), Some(&member.into()));
    }
}

#[test]
fn responses_are_told_from_requests() {
    let Incoming::Response { id, outcome: Ok(result) } = parse_text(r#"{"id":2,"result":{"a": [1]}}"#) else {
        panic!()
    };
    assert_eq!((id, result.as_str()), (Some(2_i64.into()), r#"{"a": [1]}"#));

    let text = r#"{"id":null,"result":null,"error":{"code":-1,"message":"no","data":{"k":1},"more":2}}"#;
    let Incoming::Response { id: None, outcome: Err(error) } = parse_text(text) else { panic!() };
    assert_eq!((error.code, error.message.as_str()), (-1, "no"));
    assert_eq!(error.data.map(|data| data.as_str().to_owned()).as_deref(), Some(r#"{"k":1}"#));

    let text = r#"{"id":2,"result":null,"error":null}"#;
    assert!(matches!(parse_text(text), Incoming::Response { outcome: Ok(_), .. }));
}

#[test]
fn a_batch_keeps_its_order_and_its_bad_elements() {
    let text = r#" [{"id":1,"method":"shutdown"}, 5, [], {"method":"exit"}, [{"id":2,"method":"shutdown"}]]"#;
    let Incoming::Batch(messages) = parse_text(text) else { panic!() };
    assert!(matches!(
        &messages[..],
        [
            Incoming::Request { .. },
            Incoming::Invalid { .. },
            Incoming::Invalid { .. },
            Incoming::Notification(Notice::Exit),
            Incoming::Invalid { id: None, .. },
        ]
    ));
    let (_, error) = invalid("[]");
    assert_eq!((error.code(), error.message()), (-32600, "expected messages in a batch, saw none"));
}

#[test]
fn a_batch_has_a_bound() {
    let batch = |count| format!("[{}]", vec!["1"; count].join(","));
    let Incoming::Batch(messages) = parse_text(&batch(MAX_BATCH_MESSAGES)) else { panic!() };
    assert_eq!(messages.len(), MAX_BATCH_MESSAGES);
    let (_, error) = invalid(&batch(MAX_BATCH_MESSAGES + 1));
    assert_eq!(error.message(), "expected at most 4096 messages in a batch, saw 4097");
}

#[test]
fn errors_repeat_no_more_than_a_little_of_a_huge_message() {
    let huge = "é".repeat(1 << 20);
    let texts = [
        format!(r#"{{"id":1,"method":"{huge}"}}"#),
        format!(r#"{{"id":["{huge}"],"method":"x"}}"#),
        format!(r#"{{"id":1,"jsonrpc":"{huge}"}}"#),
        format!(r#"{{"id":1,"method":"process/start","params":{{"argv":["x"],"tty":"{huge}"}}}}"#),
        format!(r#"{{"id":1,"method":"process/start","params":{{"argv":["x"],"env":{{"{huge}=":"x"}}}}}}"#),
        format!(r#"{{"id":1,"method":"process/start","params":{{"argv":["x"],"env":{{"{huge}":5}}}}}}"#),
        format!(r#"{{"id":1,"method":"process/write","params":{{"processId":"p","chunk":"{huge}"}}}}"#),
    ];
    for text in texts {
        let (Incoming::Request { call: Err(error), .. } | Incoming::Invalid { error, .. }) =
            parse_text(&text)
        else {
            panic!()
        };
        assert!(error.message().len() < 2048, "a message of {} bytes", error.message().len());
    }
}

#[test]
fn nesting_takes_no_stack_and_no_time() {
    const DEPTH: usize = 2 << 20;
    let brackets = "[".repeat(DEPTH) + &"]".repeat(DEPTH);
    let objects = "{\"a\":".repeat(DEPTH) + "1" + &"}".repeat(DEPTH);
    let texts = [
        "[".repeat(16 << 20),
        "{\"a\":".repeat(3 << 20),
        "{\"params\":".repeat(1 << 20),
        "[{\"id\":".repeat(1 << 20),
        brackets.clone(),
        objects.clone(),
        format!(r#"{{"id":{brackets},"method":"x"}}"#),
        format!(r#"{{"id":1,"method":{brackets}}}"#),
        format!(r#"{{"id":1,"method":"shutdown","params":{objects}}}"#),
        format!(r#"{{"id":1,"method":"process/start","params":{{"argv":["x"],"sandbox":{brackets}}}}}"#),
        format!(r#"{{"id":1,"method":"process/start","params":{{"argv":{brackets}}}}}"#),
        format!(r#"{{"id":1,"method":"process/start","params":{{"argv":["x"],"tty":{objects}}}}}"#),
        format!(r#"{{"id":1,"method":"process/start","params":{{"argv":["x"],"env":{objects}}}}}"#),
        format!(r#"{{"id":1,"method":"initialize","params":{{"clientName":"c","capabilities":{objects}}}}}"#),
        format!(
            r#"{{"id":1,"method":"process/summary","params":{{"processId":"p","plugin":"t","options":{objects}}}}}"#
        ),
        format!(r#"{{"id":1,"method":"policy/check","params":{{"argv":["x"],"explain":{brackets}}}}}"#),
        format!(r#"{{"id":1,"result":{brackets}}}"#),
        format!(r#"{{"id":1,"result":{objects}}}"#),
        format!(r#"{{"id":1,"result":{{"decision":{objects}}}}}"#),
        format!(r#"{{"id":1,"error":{{"code":1,"message":"m","data":{objects}}}}}"#),
    ];
    let thread = std::thread::Builder::new().stack_size(256 << 10).spawn(move || {
        for text in texts {
            if let Incoming::Response { outcome: Ok(result), .. } = parse_text(&text) {
                assert!(AskResult::decode(&result).is_err());
            }
        }
    });
    thread.expect("a thread").join().expect("no overflow");
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        any::<f64>()
            .prop_filter("JSON has no infinity", |value| value.is_finite())
            .prop_map(|v| format!("{v:e}")),
        "[a-zA-Z0-9=+/]{0,9}".prop_map(|text| format!("\"{text}\"")),
        prop::sample::select(vec![
            "2.0", "p", "exit", "close", "all", "allow", "session", "\\u0000", "\\ud800"
        ])
        .prop_map(|text| format!("\"{text}\"")),
    ];
    let name = prop::sample::select(vec![
        "jsonrpc",
        "id",
        "method",
        "params",
        "result",
        "error",
        "code",
        "message",
        "processId",
        "argv",
        "cwd",
        "env",
        "envPolicy",
        "tty",
        "cols",
        "rows",
        "retention",
        "maxBytes",
        "chunk",
        "text",
        "close",
        "until",
        "signal",
        "metadata",
        "sandbox",
        "clientName",
        "capabilities",
        "ask",
        "plugin",
        "options",
        "explain",
        "view",
        "decision",
        "scope",
        "reason",
        "",
    ]);
    leaf.prop_recursive(4, 32, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((name.clone(), inner), 0..8).prop_map(|members| {
                let members: Vec<_> =
                    members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes_are_parsed_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        parse(&bytes);
    }

    #[test]
    fn any_json_is_parsed_without_a_parse_error(text in json()) {
        if let Incoming::Invalid { error, .. } = parse_text(&text) {
            prop_assert_ne!(error.kind(), ErrorKind::ParseError);
        }
    }

    #[test]
    fn any_params_are_judged_without_a_panic(params in json(), method in prop::sample::select(Call::METHODS)) {
        let text = format!(r#"{{"id":1,"method":"{method}","params":{params}}}"#);
        let is_request = matches!(parse_text(&text), Incoming::Request { .. });
        prop_assert!(is_request);
    }

    #[test]
    fn any_answer_is_judged_without_a_panic(result in json()) {
        let text = format!(r#"{{"id":"q","result":{result}}}"#);
        let Incoming::Response { outcome: Ok(result), .. } = parse_text(&text) else { panic!("{text}") };
        if let Err(error) = AskResult::decode(&result) {
            prop_assert_eq!(error.kind(), ErrorKind::InvalidParams);
        }
    }
}
