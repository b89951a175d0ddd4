//! What the client is told of plugins, and what they report. Members that do not apply are left out.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use weir_protocol::{
    Call, Capabilities, Containment, DecisionCounts, Diagnostic, Event, InputWatching, LimitMechanisms,
    Limits, Mechanism, OutputPlace, PluginEntry, PluginFault, PluginGrants, PluginInfo, PluginKind,
    PluginLimits, PluginListResult, PluginReloadResult, PolicyInfo, Reply, Stream, SummaryResult, Verdict,
    ViewEntry, encode_event, encode_response,
};

fn text(reply: Reply) -> String {
    let mut out = Vec::new();
    encode_response(&mut out, Some(&7_i64.into()), &Ok(reply));
    String::from_utf8(out).expect("UTF-8")
}

fn result(reply: Reply) -> Value {
    let mut message: Value = serde_json::from_str(&text(reply)).expect("JSON");
    message["result"].take()
}

fn event(event: &Event) -> Value {
    let mut out = Vec::new();
    encode_event(&mut out, event);
    assert!(!out.contains(&b'\n'), "a message is one line");
    serde_json::from_slice(&out).expect("JSON")
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn summary() -> SummaryResult {
    SummaryResult {
        process_id: "p".into(),
        plugin: "tests".into(),
        recognised: false,
        text: String::new(),
        diagnostics: vec![],
        notes: vec![],
        exit_code: None,
        dropped_bytes: 0,
    }
}

#[test]
fn capabilities_name_plugins_views_and_the_policy() {
    let capabilities = |policy| Capabilities {
        limits: Limits {
            max_message_bytes: 1,
            max_batch_messages: 1,
            max_requests: 1,
            max_processes: 1,
            retention_ms: 1,
            max_bytes_per_process: 1,
            max_chunks_per_process: 1,
            max_bytes_total: 1,
            max_stdin_bytes: 1,
            max_spill_bytes_per_process: 1,
            max_spill_bytes_total: 1,
            max_file_bytes: 1,
            max_file_write_bytes: 1,
            max_open_files: 1,
        },
        containment: Containment { backend: "x".into(), holds_descendants: true, stops_with_host: true },
        waiting_for_input: InputWatching { seen: true, reason: None },
        process_limits: LimitMechanisms {
            memory_bytes: Mechanism::Process,
            cpu_seconds: Mechanism::Process,
            open_files: Mechanism::Process,
            file_bytes: Mechanism::Process,
            processes: Mechanism::Process,
        },
        plugins: vec![PluginInfo {
            name: "rules".into(),
            kinds: vec![PluginKind::Policy, PluginKind::Filter, PluginKind::Summary],
            sha256: "ab".into(),
            generation: 2,
        }],
        views: strings(&["tidy"]),
        policy,
        methods: Call::METHODS.into(),
    };
    let value = |policy| serde_json::to_value(capabilities(policy)).expect("JSON");
    let none = value(None);
    assert_eq!(
        none["plugins"],
        json!([{"name": "rules", "kinds": ["policy", "filter", "summary"], "sha256": "ab", "generation": 2}])
    );
    assert_eq!(none["views"], json!(["tidy"]));
    assert_eq!(none.get("policy"), None);

    let sound = PolicyInfo {
        default: Verdict::Ask,
        config_file: Some("/w/weir.toml".into()),
        generation: 2,
        failure: None,
    };
    let expected = json!({"default": "ask", "configFile": "/w/weir.toml", "generation": 2});
    assert_eq!(value(Some(sound))["policy"], expected);
    let broken = PolicyInfo {
        default: Verdict::Deny,
        config_file: None,
        generation: 0,
        failure: Some("line 3".into()),
    };
    let expected = json!({"default": "deny", "generation": 0, "failure": "line 3"});
    assert_eq!(value(Some(broken))["policy"], expected);
}

#[test]
fn a_list_of_plugins_has_their_figures() {
    let entry = PluginEntry {
        name: "redact".into(),
        kinds: vec![PluginKind::Filter],
        version: None,
        sha256: "ab".into(),
        source: "builtin:redact".into(),
        generation: 4,
        ingest: true,
        switched_off: false,
        grants: PluginGrants::default(),
        limits: PluginLimits {
            time_ms: 1,
            init_time_ms: 4,
            summary_time_ms: 5,
            memory_bytes: 2,
            output_bytes: 3,
            component_bytes: 6,
        },
        calls: 4,
        faults: 5,
        p50_us: 6,
        p99_us: 7,
        bytes_in: 8,
        bytes_out: 9,
        masked: 10,
    };
    let granted = PluginEntry {
        version: Some("1.2.3".into()),
        grants: PluginGrants { env: strings(&["HOME"]), read: strings(&["/etc/weir"]) },
        ..entry.clone()
    };
    let mut list = PluginListResult {
        generation: 4,
        config_file: None,
        failure: None,
        default: Verdict::Allow,
        decisions: DecisionCounts { allowed: 1, denied: 2, failed: 3, asked: 4 },
        spawns: 1,
        plugins: vec![entry, granted],
        views: vec![ViewEntry { name: "tidy".into(), filters: strings(&["tidy", "headtail"]) }],
    };
    let plain = json!({"name": "redact", "kinds": ["filter"], "sha256": "ab", "source": "builtin:redact",
        "generation": 4, "ingest": true, "switchedOff": false, "grants": {"env": [], "read": []},
        "limits": {"timeMs": 1, "initTimeMs": 4, "summaryTimeMs": 5, "memoryBytes": 2, "outputBytes": 3,
            "componentBytes": 6}, "calls": 4, "faults": 5, "p50Us": 6,
        "p99Us": 7, "bytesIn": 8, "bytesOut": 9, "masked": 10});
    let mut granted = plain.clone();
    granted["version"] = "1.2.3".into();
    granted["grants"] = json!({"env": ["HOME"], "read": ["/etc/weir"]});
    let mut expected = json!({"generation": 4, "default": "allow", "spawns": 1, "plugins": [plain, granted],
        "decisions": {"allowed": 1, "denied": 2, "failed": 3, "asked": 4},
        "views": [{"name": "tidy", "filters": ["tidy", "headtail"]}]});
    assert_eq!(result(Reply::PluginList(list.clone())), expected);

    list.config_file = Some("/w/weir.toml".into());
    list.failure = Some("line 3".into());
    expected["configFile"] = "/w/weir.toml".into();
    expected["failure"] = "line 3".into();
    assert_eq!(result(Reply::PluginList(list)), expected);

    let reloaded = PluginReloadResult { generation: 5, plugins: 2 };
    assert_eq!(result(Reply::PluginReload(reloaded)), json!({"generation": 5, "plugins": 2}));
}

#[test]
fn a_summary_has_diagnostics_with_their_places() {
    assert_eq!(
        result(Reply::ProcessSummary(summary())),
        json!({"processId": "p", "plugin": "tests", "recognised": false, "text": "", "diagnostics": [],
            "notes": {}, "droppedBytes": 0})
    );
    let bare = Diagnostic {
        severity: "note".into(),
        message: "m".into(),
        path: None,
        line: None,
        column: None,
        code: None,
        at: None,
    };
    let placed = Diagnostic {
        severity: "error".into(),
        path: Some("src/a.rs".into()),
        line: Some(1),
        column: Some(2),
        code: Some("E0382".into()),
        at: Some(OutputPlace { stream: Stream::Stderr, offset: 9 }),
        ..bare.clone()
    };
    let report = SummaryResult {
        recognised: true,
        text: "# 1 failed\nx".into(),
        diagnostics: vec![bare, placed],
        notes: vec![("failed".into(), "1".into())],
        exit_code: Some(-1),
        dropped_bytes: 7,
        ..summary()
    };
    assert_eq!(
        result(Reply::ProcessSummary(report)),
        json!({"processId": "p", "plugin": "tests", "recognised": true, "text": "# 1 failed\nx",
            "diagnostics": [
                {"severity": "note", "message": "m"},
                {"severity": "error", "message": "m", "path": "src/a.rs", "line": 1, "column": 2,
                    "code": "E0382", "at": {"stream": "stderr", "offset": 9}},
            ],
            "notes": {"failed": "1"}, "exitCode": -1, "droppedBytes": 7})
    );
}

#[test]
fn faults_and_reloads_are_told_at_once() {
    let fault = PluginFault {
        plugin: "rules".into(),
        digest: "ab".into(),
        hook: "policy.check".into(),
        kind: "trap".into(),
        message: "unreachable".into(),
        log: strings(&["one\ntwo", "three"]),
    };
    assert_eq!(
        event(&Event::PluginFault(fault)),
        json!({"jsonrpc": "2.0", "method": "plugin/fault", "params": {"plugin": "rules", "digest": "ab",
            "hook": "policy.check", "kind": "trap", "message": "unreachable", "log": ["one\ntwo", "three"]}})
    );
    let reloaded = |failure| event(&Event::PluginsReloaded { generation: 2, failure });
    assert_eq!(
        reloaded(None),
        json!({"jsonrpc": "2.0", "method": "plugin/reloaded", "params": {"generation": 2}})
    );
    assert_eq!(reloaded(Some("line 3".into()))["params"], json!({"generation": 2, "failure": "line 3"}));
}

proptest! {
    #[test]
    fn notes_have_each_name_once_and_the_last_counts(
        notes in prop::collection::vec(("[ab\"\n]{0,2}", any::<String>()), 0..12),
    ) {
        let expected: BTreeMap<_, _> = notes.iter().cloned().collect();
        let reply = Reply::ProcessSummary(SummaryResult { notes, ..summary() });
        // The same length: no name stands there twice.
        let empty = text(Reply::ProcessSummary(summary())).len() - "{}".len();
        prop_assert_eq!(text(reply.clone()).len() - empty, json!(expected).to_string().len());
        prop_assert_eq!(result(reply)["notes"].take(), json!(expected));
    }
}
