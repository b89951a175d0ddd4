//! Codex CLI, the real one, with the host as its environment and a model that does what it is told.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use weir_tests::{Codex, Desk, Session, Turn, binaries};

/// A token as GitHub makes them; nobody's.
const SECRET: &str = "ghp_0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1wX";

/// Calls the tool that runs commands.
fn run(command: &str) -> Option<Value> {
    run_with(command, json!({}))
}

fn run_with(command: &str, more: Value) -> Option<Value> {
    let arguments = weir_tests::merge(json!({ "cmd": command, "yield_time_ms": 20_000 }), more);
    Some(json!({ "name": "exec_command", "arguments": arguments }))
}

/// Calls the tool that types into a command that goes on, or only looks at it.
fn write(session: u64, text: &str) -> Option<Value> {
    let arguments = json!({ "session_id": session, "chars": text, "yield_time_ms": 20_000 });
    Some(json!({ "name": "write_stdin", "arguments": arguments }))
}

/// A desk, or none where Codex cannot be had: that was said.
fn desk() -> Option<Desk> {
    Codex::installed(binaries!()).map(|codex| codex.desk())
}

/// A model that runs one command after the other.
#[track_caller]
fn commands(desk: &Desk, commands: &[&str]) -> Session {
    let commands: Vec<String> = commands.iter().map(|&command| command.to_owned()).collect();
    desk.exec(move |turn| commands.get(turn.number).and_then(|command| run(command)))
}

#[test]
fn commands_run_through_the_host_one_after_the_other() {
    let Some(desk) = desk() else { return };
    let session = commands(
        &desk,
        &["tr '\\0' ' ' < /proc/$PPID/cmdline", "echo err >&2; exit 3", "pwd", "echo $PAGER"],
    );
    assert!(
        session.output(0).contains("fork-server"),
        "the command's parent is a shim of the host\n{session}"
    );
    assert!(
        session.output(1).contains("err\n") && session.output(1).contains("exited with code 3"),
        "{session}"
    );
    let project = desk.project().display().to_string();
    assert!(session.output(2).contains(&project), "{session}");
    assert!(session.output(3).contains("cat\n"), "its variables come as Codex sets them\n{session}");
}

#[test]
fn a_denied_command_does_not_run_and_the_model_reads_why() {
    let Some(desk) = desk() else { return };
    let session = commands(&desk, &["touch ran; git push origin main", "ls"]);
    let told = session.output(0);
    assert!(told.contains("pushing is for people") && told.contains("no-push"), "{session}");
    assert!(!desk.project().join("ran").exists());
    assert!(session.output(1).contains("exited with code 0"), "the next one runs\n{session}");
}

#[test]
fn a_secret_in_the_output_never_reaches_the_model() {
    let Some(desk) = desk() else { return };
    fs::write(desk.project().join(".env"), format!("GITHUB_TOKEN={SECRET}\n")).expect("a file");
    // Once in two pieces, as a command that is slow at it would print it.
    let slowly = "head -c 30 .env; sleep 0.02; tail -c +31 .env; cat .env >&2";
    let session = commands(&desk, &["cat .env", slowly]);
    for number in [0, 1] {
        assert!(session.output(number).contains("[redacted:github-token"), "{session}");
    }
    assert!(!session.model_has_read(SECRET) && !session.model_has_read(&SECRET[10..]), "{session}");
}

#[test]
fn a_command_in_the_background_is_polled_until_it_ends() {
    let Some(desk) = desk() else { return };
    let go = desk.project().join("go");
    let command = "echo begun; until [ -e go ]; do sleep 0.05; done; echo ended; exit 7";
    let session = desk.exec(move |turn: &Turn| match turn.number {
        0 => run_with(command, json!({ "yield_time_ms": 250 })),
        1 => {
            fs::write(&go, "").expect("a file");
            write(turn.session(), "")
        }
        _ => None,
    });
    assert!(session.output(0).contains("begun") && !session.output(0).contains("ended"), "{session}");
    assert!(session.output(1).contains("ended") && session.output(1).contains("code 7"), "{session}");
}

#[test]
fn a_terminal_is_one_and_takes_what_is_typed() {
    let Some(desk) = desk() else { return };
    let command = "test -t 0 && test -t 1 && echo a terminal; read line; echo \"read $line\"; tput cols 2>&1";
    let session = desk.exec(move |turn: &Turn| match turn.number {
        0 => run_with(command, json!({ "tty": true, "yield_time_ms": 500 })),
        1 => write(turn.session(), "this\n"),
        _ => None,
    });
    assert!(session.output(0).contains("a terminal"), "{session}");
    assert!(session.output(1).contains("read this") && session.output(1).contains("code 0"), "{session}");
}

#[test]
fn a_patch_goes_through_the_host_too() {
    let Some(codex) = Codex::installed(binaries!()) else { return };
    let patch = "apply_patch <<'EOF'\n*** Begin Patch\n*** Add File: sub/new.txt\n+new\n*** Update File: old.txt\n@@\n\
                 -before\n+after\n*** Delete File: gone.txt\n*** End Patch\nEOF";
    for served in [true, false] {
        let desk = if served { codex.desk() } else { codex.desk().with_arguments(["--no-fs"]) };
        let project = desk.project();
        fs::write(project.join("old.txt"), "first\nbefore\nlast\n").expect("a file");
        fs::write(project.join("gone.txt"), "x\n").expect("a file");
        let session = commands(&desk, &[patch, "echo still here"]);
        assert_eq!(session.output(0).contains("Success"), served, "{session}");
        assert!(session.output(1).contains("still here\n"), "commands run either way\n{session}");
        let read = |name: &str| fs::read_to_string(project.join(name)).ok();
        let expected = if served { "first\nafter\nlast\n" } else { "first\nbefore\nlast\n" };
        assert_eq!(read("old.txt").as_deref(), Some(expected));
        assert_eq!(read("sub/new.txt").as_deref(), served.then_some("new\n"));
        assert_eq!(read("gone.txt").is_some(), !served);
    }
}

#[test]
fn two_mebibytes_of_output_arrive() {
    let Some(desk) = desk() else { return };
    let last: u64 = 320_000;
    let bytes: usize = (1..=last).map(|number| number.to_string().len() + 1).sum();
    assert!(bytes >= 2 << 20);
    let session = commands(&desk, &[&format!("seq 1 {last}")]);
    let output = session.output(0);
    // The model gets both ends of it; Codex counts a token for each four bytes of the whole.
    assert!(output.contains("\n1\n2\n3\n") && output.contains(&format!("\n{last}\n")), "{session}");
    let tokens = format!("original token count: {}", bytes.div_ceil(4));
    assert!(output.to_lowercase().contains(&tokens), "expected `{tokens}`\n{session}");
}

#[test]
fn a_sandbox_that_the_host_has_not_got_is_refused_aloud() {
    let Some(desk) = desk() else { return };
    let desk = desk.with_sandbox("workspace-write");
    let session = commands(&desk, &["touch ran"]);
    assert!(!desk.project().join("ran").exists());
    assert!(session.output(0).contains("`sandbox`: expected none"), "{session}");
}

/// Tells how long it takes until the model reads the first output of a command, beside the command alone. It is no
/// measurement to be judged by, but the README's figures come out of it.
#[test]
fn the_time_to_the_first_output_is_told() {
    let Some(codex) = Codex::installed(binaries!()) else { return };
    let runs = weir_tests::settings::number("WEIR_CODEX_RUNS", 5);
    let mut told = String::new();
    for (name, desk) in [("weir", codex.desk()), ("codex exec-server", codex.desk().with_peer())] {
        let session = desk.exec(move |turn| (turn.number <= runs).then(|| run("echo x")).flatten());
        let mut times: Vec<Duration> =
            session.times.windows(2).skip(1).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(times.len(), runs, "{session}");
        told += &format!(", {name} {:.0} ms", median(&mut times));
    }
    let home = tempfile::tempdir().expect("a directory");
    let mut direct: Vec<Duration> = (0..runs)
        .map(|_| {
            let started = Instant::now();
            assert_eq!(bash("echo x", home.path()), b"x\n");
            started.elapsed()
        })
        .collect();
    let directly = median(&mut direct);
    let line = format!(
        "codex: from the model's call to its reading of the output: directly {directly:.0} ms{told}\n"
    );
    let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1000.0
}

/// What Codex runs for a command, without anybody in between.
#[expect(clippy::disallowed_methods, reason = "it is what the host is compared with")]
fn bash(command: &str, home: &Path) -> Vec<u8> {
    let output = std::process::Command::new("/bin/bash").args(["-lc", command]).env("HOME", home).output();
    output.expect("a shell").stdout
}
