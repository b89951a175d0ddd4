//! `weir plugin test`

use serde_json::{Value, json};
use weir_tests::{Finished, Launch};

use super::{Place, prebuilt};

/// Runs cases through a component.
#[track_caller]
fn run(place: &Place, component: &str, cases: Value) -> Finished {
    let file = place.write("cases.json", cases.to_string());
    place.weir(&["test", &prebuilt(component), &file])
}

#[track_caller]
fn says(finished: &Finished, text: &str) {
    assert!(finished.stdout.contains(text), "expected `{text}`, saw {finished:?}");
}

pub(crate) fn policies_are_compared_with_their_cases(launch: Launch) {
    let place = Place::new(launch);
    let config = json!({
        "rm": {"verdict": "deny", "rule": "no-rm", "reason": "files would be lost"},
        "bash": {"verdict": "ask"},
    });
    let cases = json!([
        {"name": "denied", "command": "rm -r x", "verdict": "deny", "rule": "no-rm", "reasonContains": "lost"},
        {"name": "asked", "script": "echo a | cat", "verdict": "ask"},
        {"argv": ["git", "status with blanks"], "verdict": "pass"},
    ]);
    let finished = run(&place, "fixture-verdict", json!({"config": config, "cases": cases}));
    assert_eq!((finished.status, finished.stderr.as_str()), (0, ""));
    assert_eq!(finished.stdout, "ok    denied\nok    asked\nok    case 3\n3 cases, 0 failed\n");

    let cases = json!([
        {"name": "other", "command": "rm x", "verdict": "allow", "rule": "r", "reasonContains": "nothing"},
        {"name": "same", "command": "ls", "verdict": "pass"},
    ]);
    let finished = run(&place, "fixture-verdict", json!({"config": config, "cases": cases}));
    assert_eq!(finished.status, 1, "{finished:?}");
    says(
        &finished,
        "FAIL  other\n      verdict: expected allow, saw deny by rule `no-rm`: files would be lost\n",
    );
    says(&finished, "      rule: expected `r`, saw `no-rm`\n");
    says(&finished, "      reasonContains: expected `nothing` in it, saw `files would be lost`\n");
    says(&finished, "ok    same\n2 cases, 1 failed\n");
}

pub(crate) fn a_rewritten_command_is_compared(launch: Launch) {
    let place = Place::new(launch);
    let config = json!({"from": "grep", "argv": ["rg", "x"], "cwd": "/tmp"});
    let good = json!({"command": "grep x", "verdict": "allow", "argvAfter": ["rg", "x"], "cwdAfter": "/tmp"});
    let bad = json!({"command": "grep x", "verdict": "allow", "argvAfter": ["grep", "x"]});
    let finished = run(&place, "fixture-rewrite", json!({"config": config, "cases": [good, bad]}));
    assert_eq!(finished.status, 1, "{finished:?}");
    says(&finished, "ok    case 1\n");
    says(&finished, "argvAfter: expected [\"grep\", \"x\"], saw [\"rg\", \"x\"]");
}

pub(crate) fn filters_give_the_same_however_the_input_is_cut(launch: Launch) {
    let place = Place::new(launch);
    let long = "a line of text, and another one\n".repeat(400);
    let cases = json!([
        {"name": "words", "input": "two words\n", "output": "TWO WORDS\n"},
        {"name": "one byte", "input": "x", "output": "X"},
        {"name": "none", "input": "", "output": ""},
        {"name": "no text", "inputBase64": "/2EA", "outputBase64": "/0EA"},
        {"name": "long", "input": long, "output": long.to_uppercase()},
    ]);
    let finished = run(&place, "fixture-upper", json!({"cases": cases}));
    assert_eq!(finished.status, 0, "{finished:?}");
    says(&finished, "5 cases, 0 failed\n");

    let finished =
        run(&place, "fixture-upper", json!({"cases": [{"input": "two words", "output": "TWO wORDS"}]}));
    assert_eq!(finished.status, 1, "{finished:?}");
    says(&finished, "the output differs at byte 4\n");
    says(&finished, "expected 9 bytes; from byte 0 on: `TWO wORDS`");
    says(&finished, "saw      9 bytes; from byte 0 on: `TWO WORDS`");
}

pub(crate) fn a_filter_that_depends_on_the_cut_is_found(launch: Launch) {
    let place = Place::new(launch);
    // It traps in its third push: whole and in two parts all is well.
    let config = json!({"do": "trap", "hook": "push", "after": 2});
    let cases = json!([{"name": "cut", "input": "abc", "output": "abc"}]);
    let finished = run(&place, "fixture-hostile", json!({"config": config, "cases": cases}));
    assert_eq!(finished.status, 1, "{finished:?}");
    says(&finished, "failed in `push` (trap)");
    says(&finished, "(with the input byte by byte)");
}

pub(crate) fn a_trap_fails_its_case_alone(launch: Launch) {
    let place = Place::new(launch);
    let config = json!({"do": "trap", "hook": "check"});
    let cases = json!([
        {"name": "first", "command": "a", "verdict": "allow"},
        {"name": "second", "command": "a", "verdict": "allow"},
        {"name": "third", "command": "a", "verdict": "allow"},
        {"name": "fourth", "command": "a", "verdict": "allow"},
        {"name": "other kind", "input": "x", "output": "x"},
    ]);
    let finished = run(&place, "fixture-hostile", json!({"config": config, "cases": cases}));
    assert_eq!(finished.status, 1, "{finished:?}");
    // None of them was switched off by those before it.
    assert_eq!(finished.stdout.matches("failed in `check` (trap)").count(), 4, "{finished:?}");
    says(&finished, "ok    other kind\n5 cases, 4 failed\n");
}

pub(crate) fn summaries_are_compared_with_their_cases(launch: Launch) {
    let place = Place::new(launch);
    let cases = json!([
        {"name": "free", "stdout": "one\n", "stderr": "two\n", "exitCode": 1},
        {"name": "wrong", "stdout": "one\n", "text": "another text"},
        {"name": "none", "stdout": "one\n", "none": true},
        {"name": "places", "stdout": "one\n", "diagnostics": [{"path": "a.c", "line": 1}]},
    ]);
    let finished =
        run(&place, "fixture-hostile", json!({"config": {"do": "trap", "hook": "nowhere"}, "cases": cases}));
    assert_eq!(finished.status, 1, "{finished:?}");
    says(&finished, "ok    free\n");
    says(&finished, "FAIL  wrong\n      text: expected `another text`");
    says(&finished, "FAIL  none\n      expected no report, saw `");
    says(&finished, "diagnostics: expected 1, saw 0");
}

pub(crate) fn variables_are_granted_to_cases(launch: Launch) {
    let place = Place::new(launch);
    // The fixture gives what its stream's context tells: the variables of the file, and none of ours.
    let case = json!({
        "input": "x",
        "output": "1 Channel::Stderr tool -v /tmp true Some(\"t-1\") [SEEN=x]",
        "channel": "stderr", "argv": ["tool", "-v"], "cwd": "/tmp", "view": true, "metadata": {"ticket": "t-1"},
    });
    let finished = run(&place, "fixture-env", json!({"env": {"SEEN": "x"}, "cases": [case]}));
    assert_eq!(finished.status, 0, "{finished:?}");
    let finished = run(&place, "fixture-env", json!({"cases": [case]}));
    assert_eq!(finished.status, 1, "{finished:?}");
    says(&finished, "[]`");
}

pub(crate) fn bad_case_files_are_refused_by_name(launch: Launch) {
    let place = Place::new(launch);
    for (cases, expected) in [
        (json!({"cases": []}), "`cases`: expected at least one"),
        (json!({"case": []}), "unknown field `case`"),
        (json!({"cases": [{"input": "x", "output": "x"}, {"name": "x"}]}), "`cases[1]`: expected `verdict`"),
        (json!({"cases": [{"input": "x", "output": "x", "idel": "equal"}]}), "unknown field `idel`"),
    ] {
        let finished = run(&place, "fixture-upper", cases);
        assert_eq!((finished.status, finished.stdout.as_str()), (125, ""), "{finished:?}");
        assert!(finished.stderr.contains(expected) && finished.stderr.contains("cases.json"), "{finished:?}");
    }
    // A case for something that the component is not.
    let finished = run(&place, "fixture-upper", json!({"cases": [{"command": "ls", "verdict": "pass"}]}));
    super::fails_with(&finished, "is no policy: expected the export `weir:plugin/policy@0.1.0`");
}
