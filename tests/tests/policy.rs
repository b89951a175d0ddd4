//! Nothing runs that a policy did not let pass, whatever way it was asked for.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use weir_tests::{CommandLine, Host, Json, Launch, Received, RpcError, outline, pushed};

weir_tests::both_ways!(
    a_denied_command_leaves_nothing_behind,
    a_denied_run_and_a_denied_check_say_the_same,
    without_a_configuration_everything_runs_and_nobody_has_decided,
    the_default_holds_where_every_policy_passes,
    deny_beats_ask_and_ask_beats_allow_in_any_order,
    a_rewritten_command_is_judged_again_and_both_are_told,
    a_rewrite_in_the_final_pass_is_a_fault,
    a_policy_that_fails_is_a_policy_that_said_no,
    who_cannot_be_asked_gets_a_no,
    an_answer_lets_a_command_run_or_not,
    an_answer_for_the_session_holds_for_this_question_alone,
    a_nonsensical_answer_is_a_no,
    a_question_that_nobody_answers_in_time_is_a_no,
    a_cancelled_start_withdraws_its_question,
    terminating_what_waits_for_an_answer_withdraws_the_question,
    the_end_of_stdin_answers_every_question_with_no,
    a_shutdown_does_not_wait_for_an_answer,
    a_failure_may_be_asked_about,
    a_broken_configuration_runs_nothing_and_names_the_line,
    a_mended_configuration_is_taken_before_the_next_command,
    a_failed_reload_keeps_what_was_there_and_is_reported,
    a_file_that_is_emptied_keeps_what_was_there,
    a_configuration_that_is_no_file_stops_nobody_for_long,
    a_command_too_large_to_be_judged_is_refused_and_harms_no_policy,
    a_check_with_explain_says_what_was_seen_and_who_said_what,
    a_name_that_the_program_is_run_under_is_no_way_around,
    every_spawn_is_an_allowed_decision,
);

/// A prebuilt component.
fn prebuilt(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/prebuilt").join(format!("{name}.wasm"))
}

/// The entry of a plugin in a configuration.
fn plugin(fixture: &str, name: &str, config: &str, more: &str) -> String {
    let source = prebuilt(&format!("fixture-{fixture}"));
    format!(
        "[[plugin]]\nname = \"{name}\"\nsource = \"{}\"\nconfig = {{ {config} }}\n{more}\n",
        source.display()
    )
}

/// A policy that answers by the first word.
fn verdicts(config: &str) -> String {
    plugin("verdict", "verdict", config, "")
}

#[track_caller]
fn refused(host: &Host, argv: &[&str]) -> RpcError {
    host.refused("process/start", json!({ "processId": host.next_id(), "argv": argv }))
}

/// Starts a command, answers the question about it, and gives what the start came to.
#[track_caller]
fn answered(host: &Host, argv: &[&str], answer: &Value) -> Result<Value, RpcError> {
    let id = host.send_request("process/start", json!({ "processId": host.next_id(), "argv": argv }));
    answer_question(host, answer);
    host.response(id)
}

/// Claims the next question and answers it.
#[track_caller]
fn answer_question(host: &Host, answer: &Value) -> Value {
    let question = question(host).value;
    host.send(&json!({ "jsonrpc": "2.0", "id": question["id"], "result": answer }));
    question["params"].clone()
}

#[track_caller]
fn question(host: &Host) -> Received {
    host.try_other("policy/ask").unwrap_or_else(|missing| panic!("{missing}"))
}

#[track_caller]
fn assert_alive(host: &Host) {
    assert_eq!(pushed(&host.probe("emit stdout alive").events(), "stdout"), b"alive");
}

fn a_denied_command_leaves_nothing_behind(launch: Launch) {
    let config = verdicts("touch = { verdict = \"deny\", reason = \"no traces\", rule = \"r7\" }");
    let host = launch.config(config).start();
    let file = host.path("trace");
    let argv = ["touch", file.to_str().expect("a path in UTF-8")];
    let id = host.next_id();
    for _ in 0..3 {
        // The same id each time: it is free at once.
        let error = host.refused("process/start", json!({ "processId": id, "argv": argv }));
        error.assert(-32020, "policyDenied", &["no traces", "verdict", "r7"]);
        assert_eq!(error.data.text("plugin"), "verdict");
        assert_eq!(error.data.text("rule"), "r7");
        assert_eq!(error.data.text("reason"), "no traces");
    }
    assert!(!file.exists());
    assert!(host.call("process/list", json!({})).list("processes").is_empty());
    let process = host.start(json!({ "processId": id, "argv": host.probe_argv("emit stdout x") }));
    assert_eq!(pushed(&process.events(), "stdout"), b"x");
}

fn a_denied_run_and_a_denied_check_say_the_same(launch: Launch) {
    let config = verdicts("touch = { verdict = \"deny\", reason = \"because\", rule = \"r\" }");
    let host = launch.config(config).start();
    let file = host.path("trace");
    let params = json!({ "argv": ["touch", file.to_str().expect("UTF-8")] });
    let error = host.refused("process/run", params.clone());
    error.assert(-32020, "policyDenied", &["because"]);
    let check = host.call("policy/check", params);
    assert_eq!(check.text("verdict"), "deny");
    assert_eq!(check["decision"].text("reason"), "because");
    assert_eq!(check["decision"].text("plugin"), "verdict");
    assert!(check.get("opinions").is_none(), "only with explain: {check}");
    assert!(!file.exists());
}

fn without_a_configuration_everything_runs_and_nobody_has_decided(launch: Launch) {
    let host = launch.start();
    let result = host.call("process/run", json!({ "argv": ["true"] }));
    assert!(result.get("decision").is_none(), "{result}");
    let check = host.call("policy/check", json!({ "argv": ["rm", "-rf", "/"] }));
    assert_eq!((check.text("verdict"), check["decision"].text("by")), ("allow", "default"));
    let list = host.call("plugin/list", json!({}));
    assert_eq!((list.int("generation"), list.int("spawns")), (0, 1));
}

fn the_default_holds_where_every_policy_passes(launch: Launch) {
    let config = format!("default = \"deny\"\n{}", verdicts("true = { verdict = \"allow\", rule = \"t\" }"));
    let host = launch.config(config).start();
    refused(&host, &["sh", "-c", "true"]).assert(-32020, "policyDenied", &["default"]);
    let result = host.call("process/run", json!({ "argv": ["true"] }));
    assert_eq!((result["decision"].text("by"), result["decision"].text("rule")), ("plugin", "t"));
    let list = host.call("plugin/list", json!({}));
    assert_eq!(list.at("plugins.0").text("version"), "0.1.0", "of the interface: {list}");
}

fn deny_beats_ask_and_ask_beats_allow_in_any_order(launch: Launch) {
    let say = |name: &str, verdict: &str| {
        plugin("verdict", name, &format!("true = {{ verdict = \"{verdict}\" }}"), "")
    };
    let orders = [
        ["allow", "ask", "deny"],
        ["deny", "ask", "allow"],
        ["ask", "allow", "pass"],
        ["pass", "allow", "ask"],
    ];
    for verdicts in orders {
        let strictest = if verdicts.contains(&"deny") { "deny" } else { "ask" };
        let config: String = verdicts.iter().map(|verdict| say(verdict, verdict)).collect();
        let host = launch.clone().config(config).start();
        let check = host.call("policy/check", json!({ "argv": ["true"], "explain": true }));
        assert_eq!(check.text("verdict"), strictest, "{verdicts:?}");
        assert_eq!(check["decision"].text("plugin"), strictest);
        let said: Vec<_> =
            check.list("opinions").iter().map(|opinion| opinion.text("verdict").to_owned()).collect();
        assert_eq!(said, verdicts, "in the order of the file");
    }
}

fn a_rewritten_command_is_judged_again_and_both_are_told(launch: Launch) {
    let rewrite = plugin(
        "rewrite",
        "rewrite",
        "from = \"ls\", argv = [\"sh\", \"-c\", \"echo $LATER in $PWD\"], cwd = \"/\", envSet = [[\"LATER\", \"rewritten\"]]",
        "",
    );
    let host = launch.clone().config(rewrite.clone()).start();
    let result =
        host.call("process/run", json!({ "argv": ["ls", "-l"], "cwd": "/usr", "outputEncoding": "utf8" }));
    assert_eq!(result.text("stdout"), "rewritten in /\n");
    assert_eq!(result["argv"], json!(["sh", "-c", "echo $LATER in $PWD"]));
    assert_eq!(result["decision"]["asked"], json!({ "argv": ["ls", "-l"], "cwd": "/usr" }));
    drop(host);
    // Whoever comes before the rewriter judges the new command too.
    let host =
        launch.config(verdicts("sh = { verdict = \"deny\", reason = \"no shells\" }") + &rewrite).start();
    refused(&host, &["ls"]).assert(-32020, "policyDenied", &["no shells"]);
}

fn a_rewrite_in_the_final_pass_is_a_fault(launch: Launch) {
    let host = launch
        .config(plugin("rewrite", "again", "from = \"ls\", argv = [\"ls\", \"x\"], again = true", ""))
        .start();
    let error = refused(&host, &["ls"]);
    error.assert(-32021, "policyFailed", &["again"]);
    assert_eq!(error.data.text("cause"), "protocol");
    let fault = host.try_other("plugin/fault").expect("the client is told");
    assert_eq!(fault.value["params"].text("hook"), "check");
}

fn a_policy_that_fails_is_a_policy_that_said_no(launch: Launch) {
    for (act, cause) in [("trap", "trap"), ("spin", "deadline"), ("hoard", "memory"), ("fail", "failure")] {
        // Little memory, so that it is used up in time on a busy machine too.
        let limits = "limits = { memoryBytes = 4_194_304 }";
        let config = plugin("hostile", "hostile", &format!("do = \"{act}\", hook = \"check\""), limits);
        let host = launch.clone().config(config).start();
        let file = host.path("trace");
        let error = refused(&host, &["touch", file.to_str().expect("UTF-8")]);
        error.assert(-32021, "policyFailed", &["hostile"]);
        assert_eq!((error.data.text("plugin"), error.data.text("cause")), ("hostile", cause), "{act}");
        assert!(!file.exists());
        let fault = host.try_other("plugin/fault").expect("the client is told");
        assert_eq!(fault.value["params"].text("kind"), cause);
    }
}

fn ask(more: &str) -> String {
    format!("{more}\n{}", verdicts("sh = { verdict = \"ask\", reason = \"really?\", rule = \"r\" }"))
}

fn who_cannot_be_asked_gets_a_no(launch: Launch) {
    let host = launch.config(ask("")).start();
    refused(&host, &["sh", "-c", ":"]).assert(-32020, "policyDenied", &["really?", "nobody can be asked"]);
    assert_eq!(host.call("policy/check", json!({ "argv": ["sh"] })).text("verdict"), "ask");
}

fn an_answer_lets_a_command_run_or_not(launch: Launch) {
    let host = launch.config(ask("")).asking().start();
    let id = host.send_request(
        "process/start",
        json!({ "processId": "asked", "argv": ["sh", "-c", "echo ran"], "outputEncoding": "utf8" }),
    );
    let asked = answer_question(&host, &json!({ "decision": "allow" }));
    assert_eq!(asked["argv"], json!(["sh", "-c", "echo ran"]));
    assert_eq!(asked["choices"], json!(["allow", "deny"]));
    let texts = ["processId", "question", "plugin", "rule"].map(|member| asked.text(member));
    assert_eq!(texts, ["asked", "really?", "verdict", "r"]);
    let started = host.response(id).expect("it was let run");
    assert_eq!(started["decision"].text("by"), "user");
    assert_eq!(outline(&host.events("asked")).last(), Some(&"process/closed"));

    let error = answered(&host, &["sh", "-c", ":"], &json!({ "decision": "deny", "reason": "not today" }));
    error.expect_err("it was not").assert(-32020, "policyDenied", &["not today"]);
}

fn an_answer_for_the_session_holds_for_this_question_alone(launch: Launch) {
    let host = launch.config(ask("")).asking().start();
    let session = json!({ "decision": "allow", "scope": "session" });
    answered(&host, &["sh", "-c", ":"], &session).expect("it was let run");
    // The same again: nobody is asked.
    let again = host.call("process/run", json!({ "argv": ["sh", "-c", ":"] }));
    assert_eq!(again["decision"].text("by"), "remembered");
    // Anything else: other words, another directory, other variables.
    let no = json!({ "decision": "deny" });
    for other in [
        json!({ "argv": ["sh", "-c", ": "] }),
        json!({ "argv": ["sh", "-c", ":"], "cwd": "/" }),
        json!({ "argv": ["sh", "-c", ":"], "envPolicy": { "set": { "BASH_ENV": "x" } } }),
        json!({ "argv": ["sh", "-c", ":"], "envPolicy": { "inherit": "none" } }),
        json!({ "argv": ["sh", "-c", ":"], "envPolicy": { "exclude": ["PATH"] } }),
        json!({ "argv": ["sh", "-c", ":"], "arg0": "rm" }),
    ] {
        let id = host.send_request("process/run", other);
        answer_question(&host, &no);
        host.response(id).expect_err("asked anew, and denied").assert(-32020, "policyDenied", &[]);
    }
}

fn a_nonsensical_answer_is_a_no(launch: Launch) {
    let host = launch.config(ask("")).asking().start();
    for answer in
        [json!("yes"), json!({}), json!({ "decision": "maybe" }), json!({ "decision": true }), json!(null)]
    {
        let error = answered(&host, &["sh", "-c", ":"], &answer).expect_err("no clear yes");
        error.assert(-32020, "policyDenied", &[]);
    }
    let id = host.send_request("process/start", json!({ "processId": host.next_id(), "argv": ["sh"] }));
    let asked = question(&host).value;
    let error = json!({ "code": -32601, "message": "what?" });
    host.send(&json!({ "jsonrpc": "2.0", "id": asked["id"], "error": error }));
    host.response(id).expect_err("an error is no yes").assert(-32020, "policyDenied", &["what?"]);
    // Too late, and never asked: ignored.
    host.send(&json!({ "jsonrpc": "2.0", "id": asked["id"], "result": { "decision": "allow" } }));
    host.send(&json!({ "jsonrpc": "2.0", "id": "ask-999", "result": { "decision": "allow" } }));
    assert_alive(&host);
}

fn a_question_that_nobody_answers_in_time_is_a_no(launch: Launch) {
    let host = launch.config(ask("askTimeoutMs = 50")).asking().start();
    let id = host.send_request("process/start", json!({ "processId": host.next_id(), "argv": ["sh"] }));
    let asked = question(&host).value;
    host.response(id).expect_err("nobody answered").assert(-32020, "policyDenied", &["0.05 s"]);
    let withdrawn = host.try_other("$/cancelRequest").expect("the client need not answer any more");
    assert_eq!(withdrawn.value["params"]["id"], asked["id"]);
}

fn a_cancelled_start_withdraws_its_question(launch: Launch) {
    let host = launch.config(ask("")).asking().start();
    let id = host.send_request("process/start", json!({ "processId": "p", "argv": ["sh"] }));
    let asked = question(&host).value;
    host.notify("$/cancelRequest", json!({ "id": id }));
    host.response(id).expect_err("cancelled").assert(-32800, "requestCancelled", &[]);
    let withdrawn = host.try_other("$/cancelRequest").expect("the question is withdrawn");
    assert_eq!(withdrawn.value["params"]["id"], asked["id"]);
    // A yes that comes too late starts nothing, and the id is free.
    host.send(&json!({ "jsonrpc": "2.0", "id": asked["id"], "result": { "decision": "allow" } }));
    let process = host.start(json!({ "processId": "p", "argv": host.probe_argv("emit stdout x") }));
    assert_eq!(pushed(&process.events(), "stdout"), b"x");
    assert_eq!(host.call("plugin/list", json!({})).int("spawns"), 1);
}

fn terminating_what_waits_for_an_answer_withdraws_the_question(launch: Launch) {
    let host = launch.config(ask("")).asking().start();
    let id = host.send_request("process/start", json!({ "processId": "p", "argv": ["sh"] }));
    question(&host);
    host.refused("process/terminate", json!({ "processId": "p" })).assert(-32600, "unknownProcess", &["p"]);
    host.response(id).expect_err("stopped").assert(-32800, "requestCancelled", &["stopped before it ran"]);
    host.try_other("$/cancelRequest").expect("the question is withdrawn");
}

fn the_end_of_stdin_answers_every_question_with_no(launch: Launch) {
    let host = launch.config(ask("")).asking().start();
    let id = host.send_request("process/start", json!({ "processId": "p", "argv": ["sh"] }));
    question(&host);
    host.close();
    host.response(id).expect_err("nobody can answer").assert(-32020, "policyDenied", &["gone"]);
    host.try_other("$/cancelRequest").ok();
}

fn a_shutdown_does_not_wait_for_an_answer(launch: Launch) {
    let host = launch.config(ask("")).asking().start();
    let id = host.send_request("process/start", json!({ "processId": "p", "argv": ["sh"] }));
    question(&host);
    host.call("shutdown", json!({}));
    host.response(id).expect_err("nothing starts any more").assert(-32020, "policyDenied", &[]);
}

fn a_failure_may_be_asked_about(launch: Launch) {
    let config = plugin("hostile", "hostile", "do = \"trap\", hook = \"check\"", "onFailure = \"ask\"");
    let host = launch.clone().config(config.clone()).asking().start();
    let id = host.send_request("process/run", json!({ "argv": ["true"] }));
    let asked = answer_question(&host, &json!({ "decision": "allow" }));
    assert!(asked.text("question").contains("cannot decide"), "{asked}");
    host.try_other("plugin/fault").expect("the client is told");
    assert_eq!(host.response(id).expect("let run").int("exitCode"), 0);
    drop(host);
    let host = launch.config(config).start();
    refused(&host, &["true"]).assert(-32021, "policyFailed", &["hostile"]);
    host.try_other("plugin/fault").expect("the client is told");
}

fn a_file_that_is_emptied_keeps_what_was_there(launch: Launch) {
    let host = launch.config("default = \"deny\"").start();
    for text in ["", "\n", "# being written\n"] {
        std::fs::write(host.path("weir.toml"), text).expect("a file");
        refused(&host, &["true"]).assert(-32020, "policyDenied", &["default"]);
    }
    let list = host.call("plugin/list", json!({}));
    assert!(list.text("failure").contains("saw nothing"), "{list}");
    host.rewrite_config("default = \"allow\"");
    host.call("process/run", json!({ "argv": ["true"] }));
}

fn a_configuration_that_is_no_file_stops_nobody_for_long(launch: Launch) {
    let host = launch.config("default = \"deny\"").start();
    let file = host.path("weir.toml");
    std::fs::remove_file(&file).expect("it is there");
    rustix::fs::mkfifoat(rustix::fs::CWD, &file, rustix::fs::Mode::RWXU).expect("a pipe");
    refused(&host, &["true"]).assert(-32020, "policyDenied", &["default"]);
    let failure = host.refused("plugin/reload", json!({}));
    assert!(failure.message.contains("expected a regular file"), "{failure}");
    std::fs::remove_file(&file).expect("it is there");
    std::os::unix::fs::symlink("/dev/zero", &file).expect("a link");
    let failure = host.refused("plugin/reload", json!({}));
    assert!(failure.message.contains("expected a regular file"), "{failure}");
    std::fs::remove_file(&file).expect("it is there");
    host.rewrite_config("default = \"allow\"");
    host.call("process/run", json!({ "argv": ["true"] }));
}

fn a_command_too_large_to_be_judged_is_refused_and_harms_no_policy(launch: Launch) {
    let host = launch.config(verdicts("true = { verdict = \"allow\" }")).start();
    let words = vec!["true"; 20_000];
    for _ in 0..5 {
        refused(&host, &words).assert(-32020, "policyDenied", &["16384", "20000"]);
    }
    host.call("process/run", json!({ "argv": ["true"] }));
}

fn a_broken_configuration_runs_nothing_and_names_the_line(launch: Launch) {
    let missing = prebuilt("no-such-plugin");
    for (config, named) in [
        ("defualt = \"allow\"".to_owned(), vec![":1:", "defualt"]),
        (format!("\n[[plugin]]\nsource = \"{}\"", missing.display()), vec![":2:", "no-such-plugin"]),
        (verdicts("true = 7"), vec![":4:", "verdict"]),
        (
            plugin("verdict", "pinned", "", &format!("sha256 = \"{}\"", "0".repeat(64))),
            vec!["pinned", "0000"],
        ),
        (plugin("identity", "idle", "", ""), vec!["idle", "ingest"]),
        (plugin("verdict", "v", "", "ingest = true"), vec!["`v`", "expected a filter"]),
    ] {
        let host = launch.clone().config(&*config).start();
        let error = refused(&host, &["true"]);
        error.assert(-32021, "policyFailed", &named);
        assert!(error.message.contains("weir.toml"), "{error}");
        assert_eq!(error.data.text("cause"), "configuration");
        host.refused("process/run", json!({ "argv": ["true"] })).assert(-32021, "policyFailed", &[]);
        let list = host.call("plugin/list", json!({}));
        assert!(!list.text("failure").is_empty());
        assert_eq!(list.int("spawns"), 0);
    }
}

fn a_mended_configuration_is_taken_before_the_next_command(launch: Launch) {
    let host = launch.config("nonsense").start();
    refused(&host, &["true"]).assert(-32021, "policyFailed", &[":1:"]);
    host.rewrite_config(&verdicts("true = { verdict = \"deny\", reason = \"first\" }"));
    refused(&host, &["true"]).assert(-32020, "policyDenied", &["first"]);
    let told = host.try_other("plugin/reloaded").expect("the client is told");
    assert_eq!(told.value["params"].int("generation"), 1);
    host.rewrite_config(&verdicts("true = { verdict = \"deny\", reason = \"second, longer\" }"));
    refused(&host, &["true"]).assert(-32020, "policyDenied", &["second"]);
    let reloaded = host.call("plugin/reload", json!({}));
    assert_eq!((reloaded.int("generation"), reloaded.int("plugins")), (3, 1));
}

fn a_failed_reload_keeps_what_was_there_and_is_reported(launch: Launch) {
    let host = launch.config(verdicts("true = { verdict = \"deny\", reason = \"still here\" }")).start();
    refused(&host, &["true"]).assert(-32020, "policyDenied", &["still here"]);
    host.rewrite_config("[[plugin]]\nsource = 7");
    refused(&host, &["true"]).assert(-32020, "policyDenied", &["still here"]);
    let told = host.try_other("plugin/reloaded").expect("the client is told").value["params"].clone();
    assert_eq!(told.int("generation"), 1);
    assert!(told.text("failure").contains(":2:"), "{told}");
    host.refused("plugin/reload", json!({})).assert(-32021, "policyFailed", &[":2:"]);
    assert!(host.call("plugin/list", json!({})).text("failure").contains(":2:"));
}

fn a_check_with_explain_says_what_was_seen_and_who_said_what(launch: Launch) {
    let host = launch.config(verdicts("bash = { verdict = \"allow\", rule = \"r\" }")).start();
    let argv = json!(["bash", "-lc", "cd /tmp && X=1 git push \"$remote\" > out"]);
    let check = host.call("policy/check", json!({ "argv": argv, "explain": true }));
    assert_eq!(check.text("verdict"), "allow");
    let opinion = &check.list("opinions")[0];
    assert_eq!(
        (opinion.text("plugin"), opinion.text("verdict"), opinion.text("rule")),
        ("verdict", "allow", "r")
    );
    let commands = check["script"].list("commands");
    let words = |command: &Value| -> Vec<String> {
        command.list("argv").iter().map(|word| word.text("text").to_owned()).collect()
    };
    let push = commands.iter().find(|command| words(command).first().is_some_and(|word| word == "git"));
    let push = push.unwrap_or_else(|| panic!("expected `git push` to be seen, saw {check}"));
    assert_eq!(push.list("argv")[1], json!({ "text": "push", "literal": true }));
    assert_eq!(push.list("argv")[2]["literal"], json!(false));
    assert_eq!(push.list("assignments")[0].text("name"), "X");
    assert_eq!(push.list("redirects")[0].text("operator"), ">");
}

fn a_name_that_the_program_is_run_under_is_no_way_around(launch: Launch) {
    let host = launch.config("default = \"allow\"").start();
    let params = json!({ "argv": ["busybox"], "arg0": "rm", "explain": true });
    let check = host.call("policy/check", params);
    let opaque = check["script"].list("opaque");
    assert!(opaque.iter().any(|why| why.as_str().is_some_and(|why| why.contains("`rm`"))), "{check}");
}

fn every_spawn_is_an_allowed_decision(launch: Launch) {
    let config = verdicts(
        "true = { verdict = \"allow\" }, false = { verdict = \"deny\" }, sh = { verdict = \"ask\" }, \
         \"/no/such\" = { verdict = \"allow\" }",
    );
    let host = launch.config(config).asking().start();
    for _ in 0..5 {
        host.call("process/run", json!({ "argv": ["true"] }));
        refused(&host, &["false"]);
        answered(&host, &["sh", "-c", ":"], &json!({ "decision": "allow" })).expect("let run");
        answered(&host, &["sh", "-c", ":"], &json!({ "decision": "deny" })).expect_err("denied");
        refused(&host, &["/no/such"]).assert(-32603, "spawnFailed", &[]);
        host.call("policy/check", json!({ "argv": ["true"] }));
    }
    let list = host.call("plugin/list", json!({}));
    let decisions = &list["decisions"];
    let counts = ["allowed", "denied", "failed", "asked"].map(|name| decisions.int(name));
    assert_eq!(counts, [15, 10, 0, 10]);
    assert_eq!(list.int("spawns"), 15, "each allowed command was spawned, and nothing else");
}

#[test]
fn the_command_line_asks_the_same_policies() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = directory.path().join("weir.toml");
    let text = verdicts("rm = { verdict = \"deny\", reason = \"no rm\" }, sh = { verdict = \"ask\" }");
    std::fs::write(&config, text).expect("a file");
    let launch = Host::binary(weir_tests::binaries!()).cwd(directory.path());
    let run = |words: &[&str]| CommandLine::start(&launch, words, b"").finish();
    let denied = run(&["run", "--", "rm", "-rf", "x"]);
    assert_eq!(denied.status, 126);
    assert!(denied.stderr.contains("no rm"), "{}", denied.stderr);
    assert_eq!(run(&["run", "--", "echo", "fine"]).stdout, "fine\n");
    assert_eq!(run(&["run", "--no-config", "--", "rm", "--version"]).status, 0);
    let checks = [(["rm", "x"], 1), (["echo", "x"], 0), (["sh", "x"], 3)];
    for (command, status) in checks {
        let words = [&["policy", "check", "--explain", "--"], &command[..]].concat();
        assert_eq!(run(&words).status, status, "{command:?}");
    }
    let explained = run(&["policy", "check", "--explain", "--", "bash", "-c", "rm x | cat"]);
    let told = explained.stdout;
    assert!(told.contains("rm x") && told.contains("verdict"), "{told}");
}

#[test]
fn a_new_configuration_loads_as_it_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let launch = Host::binary(weir_tests::binaries!()).cwd(directory.path());
    let run = |words: &[&str]| CommandLine::start(&launch, words, b"").finish();
    assert_eq!(run(&["init"]).status, 0);
    assert_eq!(run(&["init"]).status, 125, "what is there is left alone");
    let doctor = run(&["doctor"]);
    let told = doctor.stdout;
    assert!(told.contains("5 loaded") && !told.contains("BROKEN"), "{told}");
    assert!(told.contains("used"), "{told}");
    assert_eq!(run(&["policy", "check", "--", "ls"]).status, 0);
    assert_eq!(run(&["policy", "check", "--", "git", "push"]).status, 3);
    assert_eq!(run(&["policy", "check", "--", "rm", "-rf", "/"]).status, 1);
}
