//! `weir hook`: the policies for agents that run commands themselves.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;
use weir_tests::{CommandLine, Finished, Json, Launch, PluginEntry};

weir_tests::binary_only!(
    a_command_that_is_denied_is_denied_with_the_reason,
    a_command_that_is_asked_about_is_put_to_the_user,
    a_command_that_is_allowed_runs_without_a_question,
    no_opinion_leaves_the_agent_its_own_rules,
    a_default_that_is_not_allow_decides,
    the_whole_line_is_seen_through,
    a_rewritten_command_takes_the_place_of_the_one_that_was_asked_for,
    a_tool_that_runs_no_commands_is_none_of_its_business,
    a_watched_command_is_judged_too,
    the_directory_is_that_of_the_event,
    a_policy_that_fails_blocks,
    a_failure_may_be_asked_about,
    a_broken_configuration_blocks,
    an_event_that_is_none_blocks,
    a_bad_command_line_blocks,
    cursor_gets_answers_of_its_own,
    cursor_is_told_what_to_run_instead,
    cursor_is_blocked_by_what_fails,
);

/// What a hook of this configuration answers.
#[track_caller]
fn hook(launch: &Launch, agent: &str, config: &str, event: &[u8]) -> Finished {
    let (_directory, path) = configured(config);
    CommandLine::start(launch, &["hook", agent, "--config", &path], event).finish()
}

fn configured(config: &str) -> (TempDir, String) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("weir.toml");
    fs::write(&path, config).expect("a file");
    let path = path.to_str().expect("UTF-8").to_owned();
    (directory, path)
}

/// An event of Claude Code.
fn pre_tool_use(tool: &str, input: Value) -> Vec<u8> {
    let event = json!({
        "session_id": "s1", "transcript_path": "/t.jsonl", "cwd": "/tmp", "permission_mode": "default",
        "hook_event_name": "PreToolUse", "tool_name": tool, "tool_input": input, "tool_use_id": "toolu_1",
    });
    event.to_string().into_bytes()
}

fn bash(line: &str) -> Vec<u8> {
    pre_tool_use("Bash", json!({ "command": line, "description": "what it is for", "timeout": 1000 }))
}

/// What Claude Code reads of the answer; null for no opinion.
#[track_caller]
fn decision(finished: &Finished) -> Value {
    assert_eq!(finished.status, 0, "{finished:?}");
    if finished.stdout.is_empty() {
        return Value::Null;
    }
    let answer: Value = serde_json::from_str(&finished.stdout).expect("one JSON text");
    let decision = answer["hookSpecificOutput"].clone();
    assert_eq!(decision["hookEventName"], "PreToolUse", "{answer}");
    decision
}

#[track_caller]
fn decided(launch: &Launch, config: &str, line: &str) -> Value {
    decision(&hook(launch, "claude-code", config, &bash(line)))
}

/// Asserts that it blocks, and says why.
#[track_caller]
fn blocks(finished: &Finished, why: &[&str]) {
    assert_eq!((finished.status, finished.stdout.as_str()), (2, ""), "{finished:?}");
    for text in why {
        assert!(finished.stderr.contains(text), "expected `{text}` on stderr: {finished:?}");
    }
}

fn rules() -> String {
    let rules = "deny = [\"git push ** --force\"], ask = [\"docker run **\"], allow = [\"just test **\"]";
    PluginEntry::builtin("rules").config(rules).to_string()
}

fn verdict(config: &str) -> PluginEntry {
    PluginEntry::fixture("verdict").config(config)
}

fn rewrite(config: &str) -> String {
    PluginEntry::fixture("rewrite").config(config).to_string()
}

fn a_command_that_is_denied_is_denied_with_the_reason(launch: Launch) {
    let decision = decided(&launch, &rules(), "cd /srv && git push origin main --force");
    assert_eq!(decision["permissionDecision"], "deny");
    let reason = decision.text("permissionDecisionReason");
    assert!(reason.contains("`rules`") && reason.contains("git push"), "{reason}");
    assert!(!decision.has("updatedInput"), "{decision}");
}

fn a_command_that_is_asked_about_is_put_to_the_user(launch: Launch) {
    let decision = decided(&launch, &rules(), "docker run alpine");
    assert_eq!(decision["permissionDecision"], "ask");
    assert!(decision.text("permissionDecisionReason").contains("docker run"), "{decision}");
}

fn a_command_that_is_allowed_runs_without_a_question(launch: Launch) {
    let decision = decided(&launch, &verdict("bash = { verdict = \"allow\" }").to_string(), "ls");
    assert_eq!(decision["permissionDecision"], "allow");
    assert!(decision.text("permissionDecisionReason").contains("`verdict`"), "{decision}");
}

fn no_opinion_leaves_the_agent_its_own_rules(launch: Launch) {
    assert_eq!(decided(&launch, &rules(), "uname -a"), Value::Null);
    assert_eq!(decided(&launch, "default = \"allow\"", "rm -rf /"), Value::Null);
    let finished = CommandLine::start(&launch, &["hook", "claude-code", "--no-config"], &bash("ls")).finish();
    assert_eq!(decision(&finished), Value::Null);
}

fn a_default_that_is_not_allow_decides(launch: Launch) {
    for verdict in ["ask", "deny"] {
        let decision = decided(&launch, &format!("default = \"{verdict}\"\n{}", rules()), "uname -a");
        assert_eq!(decision["permissionDecision"], verdict);
        assert!(decision.text("permissionDecisionReason").contains("no policy has an opinion"), "{decision}");
    }
}

fn the_whole_line_is_seen_through(launch: Launch) {
    for line in [
        "x=$(git push origin main --force)",
        "true; env A=1 sh -c 'git push o m --force'",
        "echo a\ngit push o m --force",
    ] {
        assert_eq!(decided(&launch, &rules(), line)["permissionDecision"], "deny", "{line}");
    }
}

fn a_rewritten_command_takes_the_place_of_the_one_that_was_asked_for(launch: Launch) {
    // Another line for the same shell.
    let config = rewrite("from = \"bash\", argv = [\"bash\", \"-c\", \"ls -l | wc -l\"]");
    let decision = decided(&launch, &config, "ls");
    assert_eq!(decision["permissionDecision"], "allow");
    let input = &decision["updatedInput"];
    assert_eq!(
        input,
        &json!({ "command": "ls -l | wc -l", "description": "what it is for", "timeout": 1000 })
    );

    // Another command altogether, elsewhere, with variables: as a line that does just that.
    let argv = "argv = [\"sh\", \"-c\", \"echo \\\"$LATER\\\" in $PWD\"]";
    let config = rewrite(&format!(
        "from = \"bash\", {argv}, cwd = \"/usr/bin\", envSet = [[\"LATER\", \"it's $late\"]]"
    ));
    let decision = decided(&launch, &config, "ls");
    let line = decision.text("updatedInput.command");
    let finished =
        CommandLine::start(&launch, &["--no-config", "run", "--", "bash", "-c", line], b"").finish();
    assert_eq!(finished.stdout, "it's $late in /usr/bin\n", "{line}");

    // It is judged once more.
    let config = verdict("sh = { verdict = \"deny\", reason = \"no shells\" }").to_string() + &config;
    assert_eq!(decided(&launch, &config, "ls")["permissionDecision"], "deny");
}

fn a_tool_that_runs_no_commands_is_none_of_its_business(launch: Launch) {
    for (tool, input) in [("Read", json!({ "file_path": "/etc/passwd" })), ("mcp__x__run", json!(null))] {
        let finished = hook(&launch, "claude-code", "default = \"deny\"", &pre_tool_use(tool, input));
        assert_eq!(decision(&finished), Value::Null, "{tool}");
    }
}

fn a_watched_command_is_judged_too(launch: Launch) {
    let watch = |input| hook(&launch, "claude-code", &rules(), &pre_tool_use("Monitor", input));
    let finished = watch(json!({ "description": "d", "command": "git push a b --force" }));
    assert_eq!(decision(&finished)["permissionDecision"], "deny");
    assert_eq!(decision(&watch(json!({ "description": "d" }))), Value::Null);
}

fn the_directory_is_that_of_the_event(launch: Launch) {
    let rule = "{ verdict = \"deny\", words = \"make **\", cwd = \"/srv/production\" }";
    let config = PluginEntry::builtin("rules").config(format!("rules = [{rule}]")).to_string();
    let asked = |cwd: &str| {
        let event = json!({ "hook_event_name": "PreToolUse", "tool_name": "Bash", "cwd": cwd, "tool_input": { "command": "make" } });
        hook(&launch, "claude-code", &config, event.to_string().as_bytes())
    };
    assert_eq!(decision(&asked("/srv/production/app"))["permissionDecision"], "deny");
    assert_eq!(decision(&asked("/srv/test")), Value::Null);
    // None: this process's own.
    assert_eq!(decision(&asked("")), Value::Null);
    blocks(&asked("production"), &["`cwd`", "absolute", "`production`"]);
}

/// A policy that cannot judge.
fn failing() -> PluginEntry {
    PluginEntry::fixture("hostile").config("do = \"trap\", hook = \"check\"")
}

fn a_policy_that_fails_blocks(launch: Launch) {
    let finished = hook(&launch, "claude-code", &failing().to_string(), &bash("ls"));
    blocks(&finished, &["`hostile` could not judge it"]);
}

fn a_failure_may_be_asked_about(launch: Launch) {
    let config = failing().with("onFailure = \"ask\"").to_string();
    let decision = decided(&launch, &config, "ls");
    assert_eq!(decision["permissionDecision"], "ask");
    assert!(decision.text("permissionDecisionReason").contains("`hostile` cannot decide"), "{decision}");
}

fn a_broken_configuration_blocks(launch: Launch) {
    for (config, why) in
        [("[[plugin]]\nsource = 7", "weir.toml:2"), ("colour = 1", "colour"), ("[", "weir.toml:1")]
    {
        blocks(&hook(&launch, "claude-code", config, &bash("ls")), &["plugins cannot be loaded", why]);
    }
    let words = ["hook", "claude-code", "--config", "/no/such/weir.toml"];
    blocks(&CommandLine::start(&launch, &words, &bash("ls")).finish(), &["/no/such/weir.toml"]);
}

fn an_event_that_is_none_blocks(launch: Launch) {
    let other =
        json!({ "hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_input": {} }).to_string();
    let huge = format!("{{\"tool_name\":\"{}\"}}", "x".repeat(17 << 20));
    for (event, why) in [
        ("", "PreToolUse"),
        ("ls", "expected value"),
        ("[1]", "PreToolUse"),
        ("{}", "hook_event_name"),
        (r#"{"hook_event_name":"PreToolUse"}"#, "tool_name"),
        (other.as_str(), "saw `PostToolUse`"),
        (r#"{"hook_event_name":"PreToolUse","tool_name":"Bash"}"#, "`tool_input`"),
        (r#"{"hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{}}"#, "no such member"),
        (
            r#"{"hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"command":["ls"]}}"#,
            "a string",
        ),
        (huge.as_str(), "16777216 bytes"),
    ] {
        blocks(&hook(&launch, "claude-code", "", event.as_bytes()), &[why]);
    }
    let not_text = [&bash("ls")[..20], b"\xff\xfe"].concat();
    blocks(&hook(&launch, "claude-code", "", &not_text), &["PreToolUse"]);
}

fn a_bad_command_line_blocks(launch: Launch) {
    for words in [&["hook"][..], &["hook", "emacs"], &["hook", "claude-code", "--log", "a=b=c"]] {
        assert_eq!(CommandLine::start(&launch, words, &bash("ls")).finish().status, 2, "{words:?}");
    }
    let launch = launch.env("WEIR_LOG", "a=b=c");
    assert_eq!(CommandLine::start(&launch, &["hook", "claude-code"], &bash("ls")).finish().status, 2);
}

/// An event of Cursor.
fn before_shell(line: &str) -> Vec<u8> {
    let event = json!({
        "hook_event_name": "beforeShellExecution", "conversation_id": "c1", "generation_id": "g1", "command": line,
        "cwd": "", "workspace_roots": ["/tmp"], "cursor_version": "2.0.77",
    });
    event.to_string().into_bytes()
}

#[track_caller]
fn permission(launch: &Launch, config: &str, line: &str) -> Value {
    let finished = hook(launch, "cursor", config, &before_shell(line));
    assert_eq!(finished.status, 0, "{finished:?}");
    serde_json::from_str(&finished.stdout).expect("one JSON text")
}

fn cursor_gets_answers_of_its_own(launch: Launch) {
    for (line, expected) in [("git push a b --force", "deny"), ("docker run alpine", "ask")] {
        let answer = permission(&launch, &rules(), line);
        assert_eq!(answer["permission"], expected, "{answer}");
        for member in ["user_message", "agent_message"] {
            assert!(answer.text(member).contains(&line[..6]), "{answer}");
        }
    }
    let allowing = verdict("bash = { verdict = \"allow\" }").to_string();
    assert_eq!(permission(&launch, &allowing, "ls")["permission"], "allow");
    assert_eq!(permission(&launch, &rules(), "uname -a"), json!({}));
}

fn cursor_is_told_what_to_run_instead(launch: Launch) {
    let config = rewrite("from = \"bash\", argv = [\"bash\", \"-c\", \"ls -l\"]");
    let answer = permission(&launch, &config, "ls");
    assert_eq!(answer["permission"], "deny");
    assert!(answer.text("agent_message").ends_with("run instead: ls -l"), "{answer}");
}

fn cursor_is_blocked_by_what_fails(launch: Launch) {
    blocks(
        &hook(&launch, "cursor", &failing().to_string(), &before_shell("ls")),
        &["`hostile` could not judge it"],
    );
    blocks(&hook(&launch, "cursor", "[", &before_shell("ls")), &["weir.toml"]);
    blocks(&hook(&launch, "cursor", "", b"{}"), &["command"]);
    let other = br#"{"hook_event_name":"beforeReadFile","command":"x"}"#;
    blocks(&hook(&launch, "cursor", "", other), &["saw `beforeReadFile`"]);
}
