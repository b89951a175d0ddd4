//! Whatever a plugin does, the host answers in time, blames the right one for the right thing, and nobody else notices.

use std::time::Instant;

use serde_json::{Value, json};
use weir_tests::{
    Host, Json, Launch, LiveProcess, PluginEntry, Process, RpcError, chunks_of, outline, pushed, settings,
};

weir_tests::binary_only!(
    a_policy_that_misbehaves_lets_nothing_run_and_is_named,
    a_policy_that_merely_talks_too_much_still_decides,
    a_policy_that_failed_three_times_is_switched_off_and_still_lets_nothing_run,
    a_filter_that_fails_at_ingest_withholds_the_stream_and_the_count_is_exact,
    what_passed_before_a_filter_failed_stays,
    a_filter_that_fails_when_the_stream_pauses_or_ends_is_told,
    a_filter_that_is_switched_off_withholds_without_a_word,
    a_filter_that_fails_in_a_view_is_passed_over_and_the_rest_goes_on,
    a_summary_that_misbehaves_is_an_error_and_the_output_stays,
    neighbours_of_a_policy_that_spins_do_not_notice,
    neighbours_of_a_filter_that_spins_do_not_notice,
    neighbours_of_a_view_and_a_summary_that_spin_do_not_notice,
    a_plugin_that_fails_when_it_is_loaded_lets_nothing_run,
    two_hundred_faults_leave_no_memory_behind,
);

/// What a call may take in these tests, where it is meant to be cut off.
const LIMIT_MS: u64 = 200;

/// What every hook can do, and the kind of failure that it is.
const ACTS: [(&str, &str); 9] = [
    ("trap", "trap"),
    ("spin", "deadline"),
    ("sleep", "deadline"),
    ("hoard", "memory"),
    ("recurse", "trap"),
    ("exit", "trap"),
    ("fail", "failure"),
    ("hugeLog", "output"),
    ("longMask", "protocol"),
];

fn hostile(act: &str, hook: &str, after: u64) -> PluginEntry {
    let config = format!("do = \"{act}\", hook = \"{hook}\", after = {after}");
    let entry = PluginEntry::fixture("hostile").config(config);
    // What ends by itself must not be cut off on a busy machine.
    if matches!(act, "spin" | "sleep") { entry.time_ms(LIMIT_MS) } else { entry }
}

/// It does not even look at commands: it is there to filter or to report.
fn no_policy(entry: PluginEntry) -> PluginEntry {
    entry.with("kinds = [\"filter\", \"summary\"]")
}

#[track_caller]
fn configure(host: &Host, text: &str) {
    host.rewrite_config(text);
    host.call("plugin/reload", json!({}));
}

/// Claims the notification of a fault, and looks at the blame.
#[track_caller]
fn assert_blamed(host: &Host, hook: &str, kind: &str) -> Value {
    let told =
        host.try_other("plugin/fault").unwrap_or_else(|missing| panic!("{kind} in `{hook}`: {missing}"));
    let fault = told.value["params"].clone();
    let seen = (fault.text("plugin"), fault.text("hook"), fault.text("kind"));
    assert_eq!(seen, ("hostile", hook, kind), "{fault}");
    assert!(fault.text("digest").len() == 64 && !fault.text("message").is_empty(), "{fault}");
    assert!(fault.list("log").len() <= 20, "{fault}");
    fault
}

#[track_caller]
fn assert_policy_failed(error: &RpcError, cause: &str) {
    error.assert(-32021, "policyFailed", &["hostile"]);
    assert_eq!((error.data.text("plugin"), error.data.text("cause")), ("hostile", cause), "{error}");
}

#[track_caller]
fn assert_alive(host: &Host) {
    assert_eq!(pushed(&host.probe("emit stdout alive").events(), "stdout"), b"alive");
}

/// Something that has a limit ended by it, on a machine that others use as well.
#[track_caller]
fn assert_in_time(started: Instant, what: &str) {
    let took = started.elapsed();
    assert!(took < settings::deadline() / 2, "{what} took {took:?}, with a limit of {LIMIT_MS} ms a call");
}

fn a_policy_that_misbehaves_lets_nothing_run_and_is_named(launch: Launch) {
    let own = [
        ("floodOutput", "output"),
        ("badUtf8", "protocol"),
        ("badPointer", "protocol"),
        ("emptyArgv", "protocol"),
        ("badCwd", "protocol"),
        ("badName", "protocol"),
        ("nul", "protocol"),
        ("badPatch", "protocol"),
        ("patchTwice", "protocol"),
        ("shortMask", "protocol"),
    ];
    let host = launch.config("").start();
    let file = host.path("trace");
    let argv = ["touch", file.to_str().expect("a path in UTF-8")];
    for (act, kind) in ACTS.into_iter().chain(own) {
        configure(&host, &hostile(act, "check", 0).to_string());
        let started = Instant::now();
        assert_policy_failed(
            &host.refused("process/start", json!({ "processId": "same", "argv": argv })),
            kind,
        );
        assert_in_time(started, act);
        let fault = assert_blamed(&host, "check", kind);
        if act == "fail" {
            assert_eq!(fault.texts("log"), ["about to fail"]);
            assert!(fault.text("message").contains("it was told to fail"), "{fault}");
        }
        if act == "trap" {
            let log = fault.texts("log");
            assert!(log.iter().any(|line| line.contains("told to trap")), "the panic's own words: {log:?}");
        }
        assert_policy_failed(&host.refused("process/run", json!({ "argv": argv })), kind);
        assert_blamed(&host, "check", kind);
        assert!(!file.exists(), "`{act}`");
    }
    assert!(host.call("process/list", json!({})).list("processes").is_empty());
    assert_eq!(host.call("plugin/list", json!({})).int("spawns"), 0);
    configure(&host, "");
    assert_alive(&host);
}

fn a_policy_that_merely_talks_too_much_still_decides(launch: Launch) {
    let host = launch.options(["--log", "weir::guest=trace"]).config("").start();
    for act in ["floodLog", "longLog", "print"] {
        let config = format!("do = \"{act}\", hook = \"check\", times = 1000");
        let before = host.log().len();
        configure(&host, &PluginEntry::fixture("hostile").config(config).to_string());
        assert_alive(&host);
        let said = host.log().len() - before;
        assert!(said < 64 << 10, "`{act}` has put {said} bytes into the host's log");
    }
    let log = host.whole_log();
    assert!(log.contains("line 0") && !log.contains("line 999"), "a flood is cut: {log}");
}

fn a_policy_that_failed_three_times_is_switched_off_and_still_lets_nothing_run(launch: Launch) {
    let host = launch.config(hostile("fail", "check", 0).to_string()).start();
    let refuse = || host.refused("process/run", json!({ "argv": ["true"] }));
    let is_off = || host.call("plugin/list", json!({})).at("plugins.0").flag("switchedOff");
    for _ in 0..3 {
        assert!(!is_off());
        assert_policy_failed(&refuse(), "failure");
        assert_blamed(&host, "check", "failure");
    }
    assert!(is_off());
    for _ in 0..20 {
        assert_policy_failed(&refuse(), "switchedOff");
    }
    let list = host.call("plugin/list", json!({}));
    assert_eq!(
        (list.at("plugins.0").int("faults"), list.int("decisions.failed"), list.int("spawns")),
        (3, 23, 0)
    );
    host.call("plugin/reload", json!({}));
    assert!(!is_off(), "what is loaded anew is given another chance");
    assert_policy_failed(&refuse(), "failure");
    assert_blamed(&host, "check", "failure");
}

fn a_filter_that_fails_at_ingest_withholds_the_stream_and_the_count_is_exact(launch: Launch) {
    let host = launch.config("").start();
    for hook in ["open", "push"] {
        let own = match hook {
            "open" => vec![("badHandle", "protocol")],
            _ => vec![("floodOutput", "output"), ("badPointer", "protocol")],
        };
        for (act, kind) in ACTS.into_iter().chain(own) {
            configure(&host, &no_policy(hostile(act, hook, 0).ingest()).to_string());
            let started = Instant::now();
            let process = host.probe("emit-bytes stdout 100000 emit stderr some exit 7");
            let events = process.events();
            assert_in_time(started, act);
            // Each stream has an instance of its own, and each of them fails.
            for _ in 0..2 {
                assert_blamed(&host, hook, kind);
            }
            assert_eq!(outline(&events), ["process/exited", "process/closed"], "`{act}` in `{hook}`");
            assert_eq!(events[0].value.int("params.exitCode"), 7);
            let closed = &events[1].value["params"];
            assert_eq!(
                (closed.int("totalBytes"), closed.int("withheldBytes")),
                (0, 100_004),
                "`{act}` in `{hook}`"
            );
            let read = process.read_all();
            assert!(read.list("chunks").is_empty() && read.flag("closed"), "{read}");
            assert_eq!(read.int("withheldBytes"), 100_004);
        }
    }
}

fn what_passed_before_a_filter_failed_stays(launch: Launch) {
    let host = launch.config("").start();
    for (act, kind) in ACTS {
        configure(&host, &no_policy(hostile(act, "push", 1).ingest()).to_string());
        let gate = host.gate(&format!("gate-{act}"));
        let process =
            host.probe(&format!("emit stdout before wait-fifo {gate} emit-bytes stdout 50000 exit 7"));
        let (first, _) = process.expect_event("process/output");
        assert_eq!(first.bytes("chunk"), b"before");
        gate.release();
        let events = process.events();
        assert_blamed(&host, "push", kind);
        assert_eq!(outline(&events), ["process/exited", "process/closed"], "`{act}`");
        let closed = &events[1].value["params"];
        assert_eq!((closed.int("totalBytes"), closed.int("withheldBytes")), (6, 50_000), "`{act}`");
        assert_eq!(chunks_of(&process.read_all(), "stdout"), b"before");
        let run = json!({ "argv": host.probe_argv("emit-bytes stderr 10"), "outputEncoding": "utf8" });
        assert!(
            !host.call("process/run", run).has("withheldBytes"),
            "the next process has streams of its own"
        );
    }
}

fn a_filter_that_fails_when_the_stream_pauses_or_ends_is_told(launch: Launch) {
    let host = launch.config("").start();
    for (act, kind) in ACTS.into_iter().chain([("floodOutput", "output")]) {
        configure(&host, &no_policy(hostile(act, "idle", 0).ingest()).to_string());
        let gate = host.gate(&format!("gate-{act}"));
        let process = host.probe(&format!("emit stdout before wait-fifo {gate} emit stdout after exit 7"));
        process.expect_event("process/output");
        // The pause is there when the filter has failed at it.
        assert_blamed(&host, "idle", kind);
        gate.release();
        let closed = process.events_until("process/closed").pop().expect("a close").value;
        assert_eq!((closed.int("params.totalBytes"), closed.int("params.withheldBytes")), (6, 5), "`{act}`");
        assert_eq!(chunks_of(&process.read_all(), "stdout"), b"before");

        configure(&host, &no_policy(hostile(act, "finish", 0).ingest()).to_string());
        let process = host.probe("emit stdout everything exit 7");
        let events = process.events();
        assert_blamed(&host, "finish", kind);
        assert_eq!(pushed(&events, "stdout"), b"everything", "`{act}`");
        assert_eq!(outline(&events).last(), Some(&"process/closed"));
        assert_eq!(process.wait_close().int("exitCode"), 7);
    }
}

fn a_filter_that_is_switched_off_withholds_without_a_word(launch: Launch) {
    let host = launch.config(no_policy(hostile("trap", "push", 0).ingest()).to_string()).start();
    for _ in 0..3 {
        host.probe("emit stdout 123").events();
        assert_blamed(&host, "push", "trap");
    }
    let process = host.probe("emit stdout 123 exit 7");
    let events = process.events();
    assert_eq!(outline(&events), ["process/exited", "process/closed"]);
    assert_eq!(events[1].value.int("params.withheldBytes"), 3, "an ingest filter is never left out");
    let list = host.call("plugin/list", json!({}));
    assert!(list.at("plugins.0").flag("switchedOff"), "{list}");
}

fn a_filter_that_fails_in_a_view_is_passed_over_and_the_rest_goes_on(launch: Launch) {
    let host = launch.config("").start();
    for hook in ["open", "push", "finish"] {
        for (act, kind) in ACTS {
            let hostile = no_policy(hostile(act, hook, 0));
            let upper = PluginEntry::fixture("upper");
            configure(
                &host,
                &format!("{upper}{hostile}[views]\nv = [\"hostile\", \"upper\"]\nw = [\"hostile\"]\n"),
            );
            let process = host.probe("emit stdout abc emit stderr def exit 7");
            process.wait_close();
            let started = Instant::now();
            let read = process.call("process/read", json!({ "view": "v" }));
            assert_in_time(started, act);
            assert_blamed(&host, hook, kind);
            assert_eq!(read.texts("passedOver"), ["hostile"], "`{act}` in `{hook}`");
            assert_eq!(
                (chunks_of(&read, "stdout"), chunks_of(&read, "stderr")),
                (b"ABC".to_vec(), b"DEF".to_vec())
            );
            let again = process.call("process/read", json!({ "view": "v" }));
            assert_eq!(again, read, "`{act}` in `{hook}`: a view that was made anew stays as it is");
            let raw = process.read_all();
            assert!(!raw.has("passedOver"), "{raw}");
            assert_eq!(
                (chunks_of(&raw, "stdout"), chunks_of(&raw, "stderr")),
                (b"abc".to_vec(), b"def".to_vec())
            );
            let run =
                json!({ "argv": host.probe_argv("emit stdout abc"), "view": "w", "outputEncoding": "utf8" });
            let result = host.call("process/run", run);
            assert_blamed(&host, hook, kind);
            assert_eq!(
                (result.text("stdout"), result.texts("passedOver")),
                ("abc", vec!["hostile"]),
                "`{act}`"
            );
        }
    }
}

fn a_summary_that_misbehaves_is_an_error_and_the_output_stays(launch: Launch) {
    let host = launch.config("").start();
    let own = [("floodOutput", "output"), ("badUtf8", "protocol")];
    for (act, kind) in ACTS.into_iter().chain(own) {
        configure(&host, &no_policy(hostile(act, "summarize", 0)).to_string());
        let process = host.probe("emit stdout abc exit 7");
        process.wait_close();
        let started = Instant::now();
        let error = host.refused("process/summary", process.params(json!({ "plugin": "hostile" })));
        assert_in_time(started, act);
        if kind == "failure" {
            // It has said no to what it was asked.
            error.assert(-32602, "invalidParams", &["`hostile`"]);
        } else {
            assert_policy_failed(&error, kind);
        }
        assert_blamed(&host, "summarize", kind);
        assert_eq!(chunks_of(&process.read_all(), "stdout"), b"abc", "`{act}`");
    }
}

/// A process that echoes, filtered by a plugin that behaves, in a view as well; started before anybody misbehaves.
struct Neighbour<'h> {
    host: &'h Host,
    process: Process<'h>,
}

impl<'h> Neighbour<'h> {
    fn start(host: &'h Host) -> Self {
        let upper = PluginEntry::fixture("upper").ingest();
        configure(host, &format!("{upper}[views]\nv = [\"upper\"]\n"));
        Self { host, process: host.probe_with("echo", json!({ "pipeStdin": true })) }
    }

    /// Does all that a process can do up to its close, with every kind of request, and asserts that `attack` was not
    /// answered before that: the attacker was at work all the while.
    #[track_caller]
    fn lives_through(&self, attack: u64) -> RpcOutcome {
        let Self { host, process } = self;
        for _ in 0..10 {
            process.write(b"abc\n");
            process.expect_event("process/output");
            assert_eq!(host.call("environment/status", json!({})).text("status"), "ready");
            let view = process.call("process/read", json!({ "view": "v" }));
            assert!(!view.list("chunks").is_empty(), "{view}");
        }
        process.call("process/closeStdin", json!({}));
        let closed = process.events().pop().expect("a close");
        assert_eq!(closed.value.int("params.totalBytes"), 40);
        assert_eq!(chunks_of(&process.read_all(), "stdout"), b"ABC\n".repeat(10));
        let answer = host.claim(&json!(attack));
        assert!(
            closed.frame < answer.frame,
            "the neighbour's close was frame {}, the attacker's answer frame {}: {}",
            closed.frame,
            answer.frame,
            answer.value
        );
        RpcError::of(&answer.value).map_or_else(|| Ok(answer.value["result"].clone()), Err)
    }
}

type RpcOutcome = Result<Value, RpcError>;

/// It spins for long enough that everything else has to come between.
fn spinning(hook: &str) -> PluginEntry {
    hostile("spin", hook, 0).time_ms(3_000)
}

fn neighbours_of_a_policy_that_spins_do_not_notice(launch: Launch) {
    let host = launch.config("").start();
    let neighbour = Neighbour::start(&host);
    configure(&host, &spinning("check").to_string());
    let attack = host.send_request("process/run", json!({ "argv": ["true"] }));
    let error = neighbour.lives_through(attack).expect_err("it was not let run");
    assert_policy_failed(&error, "deadline");
    assert_blamed(&host, "check", "deadline");
}

fn neighbours_of_a_filter_that_spins_do_not_notice(launch: Launch) {
    let host = launch.config("").start();
    let neighbour = Neighbour::start(&host);
    configure(&host, &no_policy(spinning("push").ingest()).to_string());
    let attack =
        host.send_request("process/run", json!({ "argv": host.probe_argv("emit stdout abc exit 7") }));
    let result = neighbour.lives_through(attack).expect("it ran");
    assert_eq!((result.int("exitCode"), result.int("withheldBytes"), result.text("stdout")), (7, 3, ""));
    assert!(result.text("withheldReason").contains("`hostile`"), "who is to blame: {result}");
    assert_blamed(&host, "push", "deadline");
}

fn neighbours_of_a_view_and_a_summary_that_spin_do_not_notice(launch: Launch) {
    let host = launch.config("").start();
    let with = |hook: &str| format!("{}[views]\nbad = [\"hostile\"]\n", no_policy(spinning(hook)));
    let neighbour = Neighbour::start(&host);
    configure(&host, &with("push"));
    let process = host.probe("emit stdout abc");
    process.wait_close();
    let attack = process.send("process/read", json!({ "view": "bad" }));
    assert_eq!(chunks_of(&process.read_all(), "stdout"), b"abc", "its raw output is not held up either");
    let result = neighbour.lives_through(attack).expect("it is answered");
    assert_eq!(
        (result.texts("passedOver"), chunks_of(&result, "stdout")),
        (vec!["hostile"], b"abc".to_vec())
    );
    assert_blamed(&host, "push", "deadline");

    let neighbour = Neighbour::start(&host);
    configure(&host, &with("summarize"));
    let process = host.probe("emit stdout abc");
    process.wait_close();
    let attack = process.send("process/summary", json!({ "plugin": "hostile" }));
    let error = neighbour.lives_through(attack).expect_err("no report");
    assert_policy_failed(&error, "deadline");
    assert_blamed(&host, "summarize", "deadline");
}

fn a_plugin_that_fails_when_it_is_loaded_lets_nothing_run(launch: Launch) {
    for (act, _) in ACTS {
        let entry = hostile(act, "init", 0).to_string().replace("initTimeMs = 10000", "initTimeMs = 300");
        let text = format!("# The plugin stands in line 3.\n\n{entry}");
        let host = launch.clone().config(text).start();
        let file = host.path("trace");
        let argv = ["touch", file.to_str().expect("a path in UTF-8")];
        for method in ["process/start", "process/run"] {
            let error = host.refused(method, json!({ "argv": argv }));
            error.assert(-32021, "policyFailed", &["weir.toml:", "`hostile`"]);
            assert_eq!(error.data.text("cause"), "configuration");
            // The plugin's own no is about its `config`, everything else about the plugin.
            let line = if act == "fail" { "weir.toml:6:" } else { "weir.toml:3:" };
            assert!(error.message.contains(line), "`{act}`: expected {line} in {error}");
        }
        assert!(!file.exists(), "`{act}`");
        let list = host.call("plugin/list", json!({}));
        assert!(list.int("spawns") == 0 && list.text("failure").contains("hostile"), "{list}");
    }
}

fn two_hundred_faults_leave_no_memory_behind(launch: Launch) {
    let entries = [
        hostile("trap", "check", 0).to_string(),
        no_policy(hostile("fail", "push", 0).ingest()).to_string(),
        hostile("recurse", "check", 0).to_string(),
        no_policy(hostile("hoard", "push", 0).ingest()).to_string(),
    ];
    let host = launch.config("").start();
    let host_itself = LiveProcess::read(host.pid()).expect("the host lives");
    let mut faults = 0;
    let mut commit = |rounds: usize| {
        for round in 0..rounds {
            // Anew each time: after three faults it would not be called any more.
            configure(&host, &entries[round % entries.len()]);
            for _ in 0..2 {
                // Refused, or with its output withheld.
                let run = json!({ "argv": host.probe_argv("emit-bytes stdout 1000") });
                if let Ok(result) = host.request("process/run", run) {
                    assert_eq!(result.int("withheldBytes"), 1_000);
                    host.call("process/release", json!({ "processId": result.text("processId") }));
                }
                host.try_other("plugin/fault").unwrap_or_else(|missing| panic!("{missing}"));
                faults += 1;
            }
        }
        host_itself.proportional_memory()
    };
    // What is kept for reuse is there after a while.
    let before = commit(20);
    let after = commit(80);
    assert_eq!(faults, 200);
    let grown = after.saturating_sub(before);
    assert!(grown < 24 << 20, "160 faults left {grown} bytes behind: {before} before, {after} after");
    configure(&host, "");
    assert_alive(&host);
}
