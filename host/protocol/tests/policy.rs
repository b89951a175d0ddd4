//! Decisions as the client is told them, and the questions that it is asked. Members that do not apply are left out.

use proptest::prelude::*;
use serde_json::{Value, json};
use weir_protocol::{
    AskDecision, AskParams, AskResult, AskScope, AskedCommand, ClientRequest, DecidedBy, Decision, Detail,
    ErrorKind, ErrorObject, Event, Incoming, OpinionEntry, OpinionFault, PatchInfo, PluginVerdict,
    PolicyCheckResult, PolicyFailure, Reply, RequestId, SandboxType, ScriptAssignment, ScriptCommand,
    ScriptInfo, ScriptRedirect, ScriptWord, StartResult, Verdict, encode_event, encode_request,
    encode_response, parse,
};

fn result(reply: Reply) -> Value {
    let mut out = Vec::new();
    encode_response(&mut out, Some(&7_i64.into()), &Ok(reply));
    let mut message: Value = serde_json::from_slice(&out).expect("JSON");
    message["result"].take()
}

fn request(id: &str, request: &ClientRequest) -> Value {
    let mut out = b"before".to_vec();
    encode_request(&mut out, id, request);
    assert!(!out.contains(&b'\n'), "a message is one line");
    serde_json::from_slice(&out[6..]).expect("JSON")
}

fn event(event: &Event) -> Value {
    let mut out = Vec::new();
    encode_event(&mut out, event);
    serde_json::from_slice(&out).expect("JSON")
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn word(text: &str, literal: bool) -> ScriptWord {
    ScriptWord { text: text.into(), literal }
}

/// A decision of which nothing more is to be said.
fn decision(verdict: Verdict, by: DecidedBy) -> Decision {
    Decision { verdict, plugin: None, rule: None, reason: None, by, asked: None, generation: 3 }
}

fn check(verdict: Verdict) -> PolicyCheckResult {
    PolicyCheckResult {
        verdict,
        argv: strings(&["ls"]),
        cwd: "/tmp".into(),
        decision: decision(verdict, DecidedBy::Plugin),
        failure: None,
        opinions: None,
        script: None,
    }
}

fn opinion(plugin: &str) -> OpinionEntry {
    OpinionEntry {
        plugin: plugin.into(),
        pass: 1,
        verdict: Some(PluginVerdict::Pass),
        rule: None,
        reason: None,
        time_us: 5,
        patch: None,
        fault: None,
        notes: vec![],
    }
}

#[test]
fn a_start_says_who_decided_and_what_was_asked_for() {
    let start = |decision| {
        let (pid, argv) = (5, strings(&["ls", "-l"]));
        let sandbox_type = SandboxType::None;
        result(Reply::ProcessStart(StartResult { process_id: "p".into(), pid, argv, sandbox_type, decision }))
    };
    assert_eq!(start(None).get("decision"), None);
    let rewritten = Decision {
        plugin: Some("rules".into()),
        rule: Some("ls".into()),
        reason: Some("longer is better".into()),
        asked: Some(AskedCommand { argv: strings(&["ls"]), cwd: "/tmp".into() }),
        ..decision(Verdict::Allow, DecidedBy::Plugin)
    };
    let expected = json!({"verdict": "allow", "plugin": "rules", "rule": "ls", "reason": "longer is better",
        "by": "plugin", "asked": {"argv": ["ls"], "cwd": "/tmp"}, "generation": 3});
    assert_eq!(start(Some(rewritten))["decision"], expected);

    for (by, word) in [
        (DecidedBy::Default, "default"),
        (DecidedBy::Plugin, "plugin"),
        (DecidedBy::User, "user"),
        (DecidedBy::Remembered, "remembered"),
    ] {
        let expected = json!({"verdict": "allow", "by": word, "generation": 3});
        assert_eq!(start(Some(decision(Verdict::Allow, by)))["decision"], expected);
    }
}

#[test]
fn a_check_gives_the_verdict_and_no_explanation_unasked() {
    for (verdict, word) in [(Verdict::Allow, "allow"), (Verdict::Deny, "deny"), (Verdict::Ask, "ask")] {
        assert_eq!(
            result(Reply::PolicyCheck(Box::new(check(verdict)))),
            json!({"verdict": word, "argv": ["ls"], "cwd": "/tmp",
                "decision": {"verdict": word, "by": "plugin", "generation": 3}})
        );
    }
    for plugin in [None, Some("rules")] {
        let failure = PolicyFailure {
            plugin: plugin.map(Into::into),
            cause: "deadline".into(),
            message: "too slow".into(),
        };
        let failed = PolicyCheckResult { failure: Some(failure), ..check(Verdict::Deny) };
        let mut expected = json!({"cause": "deadline", "message": "too slow"});
        if let Some(plugin) = plugin {
            expected["plugin"] = plugin.into();
        }
        assert_eq!(result(Reply::PolicyCheck(Box::new(failed)))["failure"], expected);
    }
}

#[test]
fn an_explanation_tells_what_each_plugin_said_in_each_pass() {
    let patch = PatchInfo {
        argv: Some(strings(&["ls", "-l"])),
        cwd: Some("/".into()),
        env_set: vec![pair("A", "1"), pair("A", "2")],
        env_unset: strings(&["B"]),
    };
    let opinions = vec![
        opinion("first"),
        OpinionEntry {
            verdict: Some(PluginVerdict::Allow),
            rule: Some("r".into()),
            reason: Some("why".into()),
            patch: Some(patch),
            notes: vec![pair("z", "1"), pair("a", "2")],
            ..opinion("second")
        },
        OpinionEntry { pass: 2, patch: Some(PatchInfo::default()), ..opinion("first") },
        OpinionEntry {
            pass: 2,
            verdict: None,
            fault: Some(OpinionFault { kind: "trap".into(), message: "unreachable".into() }),
            ..opinion("second")
        },
    ];
    let explained = PolicyCheckResult { opinions: Some(opinions), ..check(Verdict::Deny) };
    assert_eq!(
        result(Reply::PolicyCheck(Box::new(explained)))["opinions"],
        json!([
            {"plugin": "first", "pass": 1, "verdict": "pass", "timeUs": 5, "notes": {}},
            {"plugin": "second", "pass": 1, "verdict": "allow", "rule": "r", "reason": "why", "timeUs": 5,
                "patch": {"argv": ["ls", "-l"], "cwd": "/", "envSet": [["A", "1"], ["A", "2"]],
                    "envUnset": ["B"]},
                "notes": {"a": "2", "z": "1"}},
            {"plugin": "first", "pass": 2, "verdict": "pass", "timeUs": 5, "patch": {}, "notes": {}},
            {"plugin": "second", "pass": 2, "timeUs": 5, "fault": {"kind": "trap", "message": "unreachable"},
                "notes": {}},
        ])
    );
    let unasked = PolicyCheckResult { opinions: Some(vec![]), ..check(Verdict::Allow) };
    assert_eq!(result(Reply::PolicyCheck(Box::new(unasked)))["opinions"], json!([]));
    for (verdict, word) in [
        (PluginVerdict::Pass, "pass"),
        (PluginVerdict::Allow, "allow"),
        (PluginVerdict::Deny, "deny"),
        (PluginVerdict::Ask, "ask"),
    ] {
        assert_eq!(json!(verdict), word);
    }
}

#[test]
fn an_explanation_tells_what_the_host_saw_in_the_command() {
    let plain = ScriptCommand {
        argv: vec![word("sh", true), word("-c", true)],
        program: Some("/usr/bin/dash".into()),
        assignments: vec![],
        redirects: vec![],
        depth: 0,
        via: vec![],
    };
    let inner = ScriptCommand {
        argv: vec![word("$X", false)],
        program: None,
        assignments: vec![ScriptAssignment { name: "A".into(), value: word("1", true) }],
        redirects: vec![
            ScriptRedirect { operator: ">".into(), descriptor: Some(2), target: word("/dev/null", true) },
            ScriptRedirect { operator: "<<".into(), descriptor: None, target: word("$Y\n", false) },
        ],
        depth: 1,
        via: strings(&["sh"]),
    };
    let script = ScriptInfo { commands: vec![plain, inner], opaque: strings(&["`$X` is not literal"]) };
    let explained = PolicyCheckResult { script: Some(script), ..check(Verdict::Ask) };
    assert_eq!(
        result(Reply::PolicyCheck(Box::new(explained)))["script"],
        json!({
            "commands": [
                {"argv": [{"text": "sh", "literal": true}, {"text": "-c", "literal": true}],
                    "program": "/usr/bin/dash", "assignments": [], "redirects": [], "depth": 0, "via": []},
                {"argv": [{"text": "$X", "literal": false}],
                    "assignments": [{"name": "A", "value": {"text": "1", "literal": true}}],
                    "redirects": [
                        {"operator": ">", "descriptor": 2, "target": {"text": "/dev/null", "literal": true}},
                        {"operator": "<<", "target": {"text": "$Y\n", "literal": false}}],
                    "depth": 1, "via": ["sh"]},
            ],
            "opaque": ["`$X` is not literal"],
        })
    );
}

#[test]
fn a_question_is_a_request_and_can_be_withdrawn() {
    let bare = AskParams {
        process_id: None,
        argv: strings(&["git", "push"]),
        cwd: "/w".into(),
        plugin: None,
        rule: None,
        question: "May `git push` run?".into(),
        choices: AskDecision::ALL.to_vec(),
        timeout_ms: 60_000,
    };
    let mut params = json!({"argv": ["git", "push"], "cwd": "/w", "question": "May `git push` run?",
        "choices": ["allow", "deny"], "timeoutMs": 60_000});
    assert_eq!(
        request("weir-1", &ClientRequest::PolicyAsk(bare.clone())),
        json!({"jsonrpc": "2.0", "id": "weir-1", "method": "policy/ask", "params": params})
    );
    let full = AskParams {
        process_id: Some("p".into()),
        plugin: Some("rules".into()),
        rule: Some("push".into()),
        ..bare
    };
    params["processId"] = "p".into();
    params["plugin"] = "rules".into();
    params["rule"] = "push".into();
    assert_eq!(request("weir-2", &ClientRequest::PolicyAsk(full))["params"], params);

    assert_eq!(
        event(&Event::CancelRequest { id: "weir-\"1".into() }),
        json!({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": "weir-\"1"}})
    );
}

/// Takes the result of a response with id `q` apart, as it comes in.
#[track_caller]
fn answer(result: &str) -> Result<AskResult, ErrorObject> {
    let frame = format!(r#"{{"id":"q","result":{result}}}"#);
    let Incoming::Response { id: Some(RequestId::String(id)), outcome: Ok(result) } = parse(frame.as_bytes())
    else {
        panic!("expected a response, saw {frame}")
    };
    assert_eq!(id, "q");
    AskResult::decode(&result)
}

#[test]
fn an_answer_holds_once_unless_it_says_otherwise() {
    let once = AskResult { decision: AskDecision::Allow, scope: AskScope::Once, reason: None };
    for text in [
        r#"{"decision":"allow"}"#,
        r#"{"decision":"allow","scope":null,"reason":null,"newer":[1]}"#,
        r#" {"scope":"once","decision":"allow"} "#,
    ] {
        assert_eq!(answer(text), Ok(once.clone()), "{text}");
    }
    let reason = Some("never push".to_owned());
    assert_eq!(
        answer(r#"{"decision":"deny","scope":"session","reason":"never push"}"#),
        Ok(AskResult { decision: AskDecision::Deny, scope: AskScope::Session, reason })
    );
}

#[test]
fn an_answer_that_is_none_is_never_taken_for_a_yes() {
    let cases = [
        ("{}", Some("decision"), "expected a value, saw no such member"),
        (r#"{"decision":null}"#, Some("decision"), "invalid type: null, expected a string"),
        (r#"{"decision":true}"#, Some("decision"), "invalid type: boolean `true`, expected a string"),
        (r#"{"decision":"Allow"}"#, Some("decision"), "unknown variant `Allow`, expected `allow` or `deny`"),
        (r#"{"decision":{"allow":null}}"#, Some("decision"), "invalid type: map, expected a string"),
        (
            r#"{"decision":"allow","scope":{"session":null}}"#,
            Some("scope"),
            "invalid type: map, expected a string",
        ),
        (
            r#"{"decision":"allow","scope":"forever"}"#,
            Some("scope"),
            "unknown variant `forever`, expected `once` or `session`",
        ),
        (
            r#"{"decision":"allow","reason":7}"#,
            Some("reason"),
            "invalid type: integer `7`, expected a string",
        ),
        (r#"{"decision":"deny","decision":"allow"}"#, None, "duplicate field `decision`"),
        (r#"["allow"]"#, None, "invalid type: sequence, expected an object with named members"),
        ("null", None, "invalid type: null, expected an object with named members"),
        (r#""allow""#, None, "invalid type: string \"allow\", expected an object with named members"),
    ];
    for (text, member, what) in cases {
        let error = answer(text).expect_err(text);
        assert_eq!(error.kind(), ErrorKind::InvalidParams);
        assert_eq!(error.detail("method"), Some(&"policy/ask".into()));
        assert_eq!(error.detail("member"), member.map(Detail::from).as_ref(), "{text}: {error}");
        let place = member.map_or_else(String::new, |member| format!("`{member}`: "));
        assert_eq!(error.message(), format!("`policy/ask`: {place}{what}"), "{text}");
    }
}

proptest! {
    #[test]
    fn a_question_carries_any_text(
        id in any::<String>(), argv in prop::collection::vec(any::<String>(), 1..4), question in any::<String>(),
    ) {
        let ask = AskParams {
            process_id: None,
            argv: argv.clone(),
            cwd: "/".into(),
            plugin: None,
            rule: None,
            question: question.clone(),
            choices: vec![AskDecision::Deny],
            timeout_ms: u64::MAX,
        };
        let params = json!({"argv": argv, "cwd": "/", "question": question, "choices": ["deny"],
            "timeoutMs": u64::MAX});
        prop_assert_eq!(
            request(&id, &ClientRequest::PolicyAsk(ask)),
            json!({"jsonrpc": "2.0", "id": id, "method": "policy/ask", "params": params})
        );
    }
}
