//! Programs that find or fetch what they run: a rule that names both lets both run, and no other rule does.

mod support;

use support::{at, expect, policy};
use weir_rules::model::{Request, Verdict};

/// A runner with what it runs, as the host lists it.
fn run(outer: &str, inner: &str) -> Request {
    let name = outer.split(' ').next().unwrap_or_default();
    let program = inner.split(' ').next().unwrap_or_default();
    Request {
        cwd: "/home/me/work".to_owned(),
        commands: vec![at(0, outer), at(1, inner)],
        opaque: vec![
            format!("`{name}` runs its arguments in an environment of its own, or fetches what it runs"),
            format!("what `{name}` runs as `{program}` may be another program than that of PATH"),
        ],
        ..Request::default()
    }
}

#[test]
fn a_rule_that_names_the_runner_and_the_program_allows_both() {
    let rules = policy(r#"{"allow": ["uv run pytest **", "npx tsc --noEmit"]}"#);
    expect(&rules, &run("uv run pytest -x tests", "pytest -x tests"), Verdict::Allow);
    expect(&rules, &run("uv run pytest", "pytest"), Verdict::Allow);
    expect(&rules, &run("npx tsc --noEmit", "tsc --noEmit"), Verdict::Allow);
    // Other words before the program are another command.
    expect(&rules, &run("uv run --with x pytest", "pytest"), Verdict::Ask);
    expect(&rules, &run("npx -p y tsc --noEmit", "tsc --noEmit"), Verdict::Ask);
}

#[test]
fn a_rule_for_the_program_or_for_any_program_allows_nothing_that_a_runner_runs() {
    for allow in [
        r#"["pytest **"]"#,
        r#"["uv **", "pytest **"]"#,
        r#"["uv run **", "pytest **"]"#,
        r#"["uv run *", "pytest"]"#,
        r#"["uv run py*"]"#,
    ] {
        expect(&policy(&format!(r#"{{"allow": {allow}}}"#)), &run("uv run pytest", "pytest"), Verdict::Ask);
    }
}

#[test]
fn ask_and_deny_see_what_runs() {
    let rules = policy(r#"{"allow": ["uv run rm **", "uv run curl **"], "deny": ["rm"], "ask": ["curl"]}"#);
    expect(&rules, &run("uv run rm x", "rm x"), Verdict::Deny);
    expect(&rules, &run("uv run curl x", "curl x"), Verdict::Ask);
}

#[test]
fn another_runner_beside_it_needs_a_rule_of_its_own() {
    let rules = policy(r#"{"allow": ["uv run pytest", "uv **", "pytest **", "ruff **"]}"#);
    let mut both = run("uv run pytest", "pytest");
    both.commands.extend(run("uv run pytest x", "pytest x").commands);
    expect(&rules, &both, Verdict::Ask);
    let mut both = run("uv run pytest", "pytest");
    let other = run("uv run ruff", "ruff");
    both.commands.extend(other.commands);
    both.opaque.push(other.opaque[1].clone());
    expect(&rules, &both, Verdict::Ask);
    // What is listed in other words than its own.
    let mut both = run("uv run pytest", "pytest");
    both.commands.extend(run("uv run -c x", "rm").commands);
    expect(&rules, &both, Verdict::Ask);
}

#[test]
fn what_else_cannot_be_seen_through_stays_so() {
    let rules = policy(r#"{"allow": ["uv run bash **", "uv run pytest"]}"#);
    let mut shell = run("uv run bash -c x", "bash -c x");
    shell.commands.push(at(2, "x"));
    expect(&rules, &shell, Verdict::Ask);
    let mut other = run("uv run pytest", "pytest");
    other.opaque.push("`ssh` runs something elsewhere".to_owned());
    expect(&rules, &other, Verdict::Ask);
    let mut set = run("uv run pytest", "pytest");
    set.env.push(("UV_CONFIG_FILE".to_owned(), "x".to_owned()));
    expect(&rules, &set, Verdict::Ask);
}
