//! The binary used by hand.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use weir_tests::{CommandLine, Finished, Gate, Json, Launch};

weir_tests::binary_only!(
    run_passes_the_exit_code,
    run_tells_a_death_by_signal_as_shells_do,
    run_prints_output_as_it_comes,
    run_keeps_the_streams_apart,
    run_passes_stdin_on,
    run_tells_who_holds_the_stream,
    run_tells_what_was_lost,
    run_tells_of_itself_in_json,
    a_missing_program_is_127,
    the_version_is_told,
    the_doctor_finds_what_works,
    a_bad_option_is_refused,
    a_piped_file_of_requests_is_answered,
);

/// Runs the binary to its end.
#[track_caller]
fn weir(launch: &Launch, words: &[&str]) -> Finished {
    CommandLine::start(launch, words, b"").finish()
}

fn run_passes_the_exit_code(launch: Launch) {
    for (script, status) in [("exit 3", 3), ("true", 0), ("exit 255", 255)] {
        assert_eq!(weir(&launch, &["run", "--", "sh", "-c", script]).status, status);
    }
}

fn run_tells_a_death_by_signal_as_shells_do(launch: Launch) {
    assert_eq!(weir(&launch, &["run", "--", "sh", "-c", "kill -9 $$"]).status, 137);
}

fn run_prints_output_as_it_comes(launch: Launch) {
    let directory = tempfile::tempdir().expect("a directory");
    let gate = Gate::new(directory.path().join("gate"));
    let script = format!("echo first; read x < {gate}; echo second");
    let run = CommandLine::start(&launch, &["run", "--", "sh", "-c", &script], b"");
    run.see("first\n");
    assert!(!run.has_seen("second"));
    fs::write(gate.to_string(), "\n").expect("the script reads");
    let finished = run.finish();
    assert_eq!((finished.status, finished.stdout.as_str()), (0, "first\nsecond\n"));
}

fn run_keeps_the_streams_apart(launch: Launch) {
    let finished = weir(&launch, &["run", "--", "sh", "-c", "echo out; echo err >&2"]);
    assert_eq!((finished.status, finished.stdout.as_str()), (0, "out\n"));
    assert!(finished.stderr.contains("err\n"), "{finished:?}");
}

fn run_passes_stdin_on(launch: Launch) {
    let input = weir_tests::pattern(0, 300_000);
    let finished = CommandLine::start(&launch, &["run", "--", "cat"], &input).finish();
    assert_eq!((finished.status, finished.stdout.as_bytes()), (0, input.as_slice()));
}

fn run_tells_who_holds_the_stream(launch: Launch) {
    let finished = weir(&launch, &["run", "--", "sh", "-c", "(sleep 2; echo late) & echo early; exit 3"]);
    assert_eq!((finished.status, finished.stdout.as_str()), (3, "early\nlate\n"));
    assert!(finished.stderr.contains("stdout"), "the stream that is held is named: {finished:?}");
}

fn run_tells_what_was_lost(launch: Launch) {
    // Nothing is lost when the reader keeps up, so nothing is said.
    let finished = weir(&launch, &["run", "--", "sh", "-c", "head -c 30000000 /dev/zero | tr '\\0' x"]);
    assert_eq!((finished.status, finished.stdout.len()), (0, 30_000_000));
    assert_eq!(finished.stderr, "");
}

fn run_tells_of_itself_in_json(launch: Launch) {
    let finished = weir(&launch, &["run", "--json", "--", "sh", "-c", "echo out; exit 3"]);
    assert_eq!(finished.status, 3);
    let lines: Vec<Value> =
        finished.stdout.lines().map(|line| serde_json::from_str(line).expect("a JSON text a line")).collect();
    let whole = serde_json::to_string(&lines).expect("text");
    assert!(whole.contains("\"exitCode\":3"), "{whole}");
}

fn a_missing_program_is_127(launch: Launch) {
    let finished = weir(&launch, &["run", "--", "/no/such/program"]);
    assert_eq!((finished.status, finished.stdout.as_str()), (127, ""));
    assert!(finished.stderr.contains("/no/such/program"), "{finished:?}");
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("plain");
    fs::write(&path, "").expect("a file");
    assert_eq!(weir(&launch, &["run", "--", path.to_str().expect("UTF-8")]).status, 126);
}

fn the_version_is_told(launch: Launch) {
    let finished = weir(&launch, &["--version"]);
    assert_eq!((finished.status, finished.stderr.as_str()), (0, ""));
    assert!(finished.stdout.starts_with("weir "), "{finished:?}");
    assert!(finished.stdout.contains(char::is_numeric), "{finished:?}");
}

fn the_doctor_finds_what_works(launch: Launch) {
    let finished = weir(&launch, &["doctor"]);
    assert_eq!(finished.status, 0, "{finished:?}");
    for line in
        ["containment ", "terminals ", "input        who waits for it is seen", "memoryBytes ", "processes "]
    {
        assert!(finished.stdout.contains(line), "{finished:?}");
    }
}

fn a_bad_option_is_refused(launch: Launch) {
    for words in [&["--no-such-option"][..], &["no-such-command"], &["run"], &["--retention-ms", "soon"]] {
        let finished = weir(&launch, words);
        assert_eq!((finished.status, finished.stdout.as_str()), (2, ""), "{words:?}");
        assert!(!finished.stderr.is_empty());
    }
}

fn a_piped_file_of_requests_is_answered(launch: Launch) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/hello.jsonl");
    let hello = fs::read(path).expect("hello.jsonl");
    let finished = CommandLine::start(&launch, &[], &hello).finish();
    assert_eq!(finished.status, 0, "{finished:?}");
    let answers: Vec<Value> =
        finished.stdout.lines().map(|line| serde_json::from_str(line).expect("a JSON text a line")).collect();
    let requests = String::from_utf8(hello).expect("text");
    for request in requests.lines().map(|line| serde_json::from_str::<Value>(line).expect("a request")) {
        let Some(id) = request.get("id") else { continue };
        let answers: Vec<&Value> = answers.iter().filter(|answer| answer.get("id") == Some(id)).collect();
        assert_eq!(answers.len(), 1, "one answer to {request}");
        assert!(answers[0].get("result").is_some(), "{}", answers[0]);
    }
    // The end of the file stops nothing that was asked for before.
    let run = answers.iter().find(|answer| answer.get("id") == Some(&json!(2))).expect("the run's answer");
    let said = |stream: &str| run.text(&format!("result.{stream}")).to_owned();
    assert_eq!(
        (said("stdout"), said("stderr")),
        ("hello from a shell\n".into(), "and from its stderr\n".into())
    );
    assert_eq!(run.int("result.exitCode"), 3);
}
