//! Commands on a terminal: programs that people use there, its size, its input, and the end of what it carries.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use serde_json::{Value, json};
use weir_tests::{Host, Json, Launch, Process, Screen, base64, chunks_of, merge, outline, pattern, pushed};

weir_tests::both_ways!(
    the_terminal_controls_the_session_of_the_command,
    both_streams_come_as_one,
    a_run_returns_what_the_terminal_carried,
    the_size_follows_resize_before_during_and_after_output,
    a_change_of_size_is_seen_as_sigwinch,
    resize_of_a_process_without_a_terminal_is_refused,
    bash_is_driven,
    a_python_prompt_is_driven,
    less_pages,
    vim_edits,
    a_password_is_not_echoed,
    bursts_and_an_exit_at_once_are_never_short,
    much_output_comes_whole,
    late_output_of_a_grandchild_is_retained,
    who_has_opened_dev_tty_holds_the_stream,
    a_terminal_that_nobody_has_open_is_opened_again,
    a_child_that_does_not_read_makes_its_write_wait_alone,
    close_stdin_sends_the_end_of_file_character_that_is_set,
    close_stdin_in_raw_mode_is_a_byte_like_others,
    terminate_ends_an_interactive_shell_at_once,
    terminate_lets_a_command_end_in_its_own_way,
    the_end_of_the_session_hangs_up,
    term_says_what_the_command_has,
    filters_and_views_work_on_what_a_terminal_carries,
);

mod refused {
    use super::*;

    weir_tests::binary_only!(a_terminal_that_cannot_be_made_is_told);
}

/// All that a command prints on a terminal.
#[track_caller]
fn printed(host: &Host, script: &str, params: Value) -> String {
    let params = merge(json!({ "argv": host.shell_argv(script), "tty": true }), params);
    let events = host.start(params).events();
    assert_eq!(outline(&events).last(), Some(&"process/closed"));
    String::from_utf8(pushed(&events, "pty")).expect("text")
}

fn the_terminal_controls_the_session_of_the_command(launch: Launch) {
    let host = launch.start();
    let script = "test -t 0 && test -t 1 && test -t 2 && echo three; : < /dev/tty && echo controlled; \
                  set -- $(cut -d')' -f2 /proc/$$/stat); echo $(( $4 == $$ )) $(( $6 == $$ ))";
    // It leads its session, and its group is in the foreground.
    assert_eq!(printed(&host, script, json!({})), "three\r\ncontrolled\r\n1 1\r\n");
    assert_eq!(printed(&host, "stty size", json!({})), "24 80\r\n");
    assert_eq!(printed(&host, "stty size", json!({ "tty": { "cols": 7, "rows": 5 } })), "5 7\r\n");
}

fn both_streams_come_as_one(launch: Launch) {
    let host = launch.start();
    let process = host.probe_with("emit stdout a emit stderr b emit stdout c", json!({ "tty": true }));
    process.wait_close();
    let read = process.read_all();
    assert_eq!(chunks_of(&read, "pty"), b"abc");
    assert_eq!(read.list("streamsOpen").len(), 0);
    assert_eq!(read.int("totalBytes"), 3);
}

fn a_run_returns_what_the_terminal_carried(launch: Launch) {
    let host = launch.start();
    let params = json!({ "argv": host.shell_argv("echo out; echo err >&2; exit 3"), "tty": true,
        "outputEncoding": "utf8" });
    let run = host.call("process/run", params);
    assert_eq!((run.text("stdout"), run.text("stderr"), run.int("exitCode")), ("out\r\nerr\r\n", "", 3));
}

fn the_size_follows_resize_before_during_and_after_output(launch: Launch) {
    let host = launch.start();
    // Prints until the size has changed: it changes during the output, however late that is asked for.
    let much = "until [ \"$(stty size)\" = '32 80' ]; do seq 5000; done";
    let script = format!("while read -r line; do if [ \"$line\" = much ]; then {much}; fi; stty size; done");
    let mut screen =
        Screen::of(&host, &["/bin/sh", "-c", &script], json!({ "tty": { "cols": 100, "rows": 30 } }));
    screen.write("\n");
    screen.see("30 100\r\n");
    screen.resize(90, 31);
    screen.write("\n");
    screen.see("31 90\r\n");
    screen.write("much\n");
    screen.see("\r\n100\r\n");
    screen.resize(80, 32);
    screen.see("\r\n5000\r\n32 80\r\n");
    screen.resize(70, 33);
    screen.write("\n");
    screen.see("33 70\r\n");
    screen.process.call("process/closeStdin", json!({}));
    assert_eq!(screen.close(), 0);
    // There is nothing left that could have a size, and nobody is told that it has not.
    screen.resize(60, 34);
}

fn a_change_of_size_is_seen_as_sigwinch(launch: Launch) {
    let host = launch.start();
    let script = "trap 'stty size' WINCH; echo ready; while :; do sleep 1000 & wait; done";
    let mut screen = Screen::of(&host, &["/bin/sh", "-c", script], json!({}));
    screen.see("ready");
    for rows in [11, 12, 13] {
        screen.resize(99, rows);
        screen.see(&format!("{rows} 99\r\n"));
    }
    screen.process.terminate();
}

fn resize_of_a_process_without_a_terminal_is_refused(launch: Launch) {
    let host = launch.start();
    let process = host.probe("hang");
    let size = json!({ "cols": 80, "rows": 24 });
    let error = host.refused("process/resize", process.params(size.clone()));
    error.assert(-32602, "invalidParams", &[&process.id, "tty"]);
    for (wrong, member) in [
        (json!({ "cols": 0, "rows": 24 }), "cols"),
        (json!({ "cols": 80, "rows": 70_000 }), "rows"),
        (json!({ "cols": 80 }), "rows"),
    ] {
        let error = host.refused("process/resize", process.params(wrong));
        error.assert(-32602, "invalidParams", &[member]);
    }
    let unknown = host.refused("process/resize", merge(size, json!({ "processId": "nobody" })));
    unknown.assert(-32600, "unknownProcess", &["nobody"]);
    process.terminate();
}

fn bash_is_driven(launch: Launch) {
    let host = launch.start();
    let env = json!({ "envPolicy": { "set": { "PS1": "<$?> ", "HISTFILE": "" } } });
    let mut screen = Screen::of(&host, &["bash", "--noprofile", "--norc", "-i"], env);
    screen.see("<0> ");
    assert!(!screen.text().contains("job control"), "{}", screen.text());
    screen.write("echo $((6 * 7))\n");
    screen.see("\r42\r\n");
    screen.see("<0> ");
    // Ctrl-C is for what runs in the foreground, not for the shell.
    screen.write("cat\n");
    // The shell has given the terminal back to what it is about to run.
    screen.see("\x1b[?2004l\r");
    screen.write("once\n");
    screen.see("once\r\nonce\r\n");
    screen.write("\x03");
    screen.see("<130> ");
    // Ctrl-Z stops a job, which goes on in the background.
    screen.write("cat\n");
    screen.see("\x1b[?2004l\r");
    screen.write("again\n");
    screen.see("again\r\nagain\r\n");
    screen.write("\x1a");
    screen.see("Stopped");
    screen.see("> ");
    screen.write("kill %1; fg; echo gone\n");
    screen.see("\ngone\r\n");
    screen.see("<0> ");
    screen.process.call("process/closeStdin", json!({}));
    screen.see("exit");
    assert_eq!(screen.close(), 0);
}

fn a_python_prompt_is_driven(launch: Launch) {
    let host = launch.start();
    let mut screen = Screen::of(&host, &["python3", "-q"], json!({}));
    screen.see(">>> ");
    screen.write("print('a' * 3 + str(6 * 7))\n");
    screen.see("\naaa42\r\n");
    screen.see(">>> ");
    screen.write("name = input('who? ')\n");
    screen.see("\nwho? ");
    screen.write("me\n");
    screen.see(">>> ");
    screen.write("name + '!'\n");
    screen.see("'me!'\r\n");
    screen.see(">>> ");
    screen.process.call("process/closeStdin", json!({}));
    assert_eq!(screen.close(), 0);
}

fn less_pages(launch: Launch) {
    let host = launch.start();
    let lines: String = (1..=100).map(|n| format!("line {n} of the file\n")).collect();
    fs::write(host.path("file"), lines).expect("a file");
    let file = host.path("file").display().to_string();
    let mut screen = Screen::of(&host, &["less", &file], json!({ "tty": { "cols": 80, "rows": 11 } }));
    screen.see("line 1 of");
    screen.see("line 10 of");
    assert!(!screen.text().contains("line 11 of"), "{}", screen.text());
    screen.write(" ");
    screen.see("line 20 of");
    screen.write("/line 73\n");
    screen.see("73");
    screen.see("line 80 of");
    screen.write("q");
    assert_eq!(screen.close(), 0);
}

fn vim_edits(launch: Launch) {
    let host = launch.start();
    fs::write(host.path("file"), "one\ntwo\n").expect("a file");
    let file = host.path("file").display().to_string();
    let screen = Screen::of(&host, &["vim", "-N", "-u", "NONE", "-i", "NONE", "-n", "-es", &file], json!({}));
    screen.write("%s/two/three/\nwq\n");
    assert_eq!(screen.close(), 0);
    assert_eq!(fs::read_to_string(&file).expect("a file"), "one\nthree\n");
}

fn a_password_is_not_echoed(launch: Launch) {
    let host = launch.start();
    let script = "stty -echo; printf 'Password: '; read -r word; stty echo; echo; echo \"${#word} characters\"; \
                  read -r line; echo \"and $line\"";
    let mut screen = Screen::of(&host, &["/bin/sh", "-c", script], json!({}));
    screen.see("Password: ");
    screen.write("swordfish\n");
    screen.see("9 characters\r\n");
    screen.write("plaice\n");
    screen.see("plaice\r\nand plaice\r\n");
    assert_eq!(screen.close(), 0);
    let all = chunks_of(&screen.process.read_all(), "pty");
    assert!(memchr::memmem::find(&all, b"swordfish").is_none(), "{}", String::from_utf8_lossy(&all));
}

/// What a terminal makes of line feeds.
fn as_shown(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| if *byte == b'\n' { b"\r\n".to_vec() } else { vec![*byte] }).collect()
}

fn bursts_and_an_exit_at_once_are_never_short(launch: Launch) {
    let host = launch.start();
    let (start, expected) = (json!({ "tty": true, "notify": false }), as_shown(&pattern(0, 4096)));
    let processes: Vec<_> =
        (0..100).map(|_| host.probe_with("emit-bytes stdout 4096", start.clone())).collect();
    for process in processes {
        // Whether the terminal has ended by then is another matter: the server of forks closes its own copy when it gets
        // the processor, which on a busy machine may be after a command that prints and exits at once.
        process.expect_event("process/exited");
        let read = process.read_all();
        assert_eq!(chunks_of(&read, "pty").len(), expected.len());
        assert_eq!(chunks_of(&read, "pty"), expected);
        process.expect_event("process/closed");
    }
}

fn much_output_comes_whole(launch: Launch) {
    let host = launch.start();
    let process = host.probe_with("emit-bytes stdout 3000000", json!({ "tty": true }));
    assert!(pushed(&process.events(), "pty") == as_shown(&pattern(0, 3_000_000)));
}

fn late_output_of_a_grandchild_is_retained(launch: Launch) {
    let host = launch.start();
    let (ready, go) = (host.gate("ready"), host.gate("go"));
    let script = format!(
        "emit stdout early fork {{ ignore SIGHUP tell-fifo {ready} wait-fifo {go} emit stdout late }} \
         wait-fifo {ready} exit 3"
    );
    let process = host.probe_with(&script, json!({ "tty": true }));
    let exited = process.expect_event("process/exited").0;
    assert_eq!((exited.int("exitCode"), exited.texts("streamsOpen")), (3, vec!["pty"]));
    let entry = listed(&host, &process);
    assert_eq!(entry.list("holders").len(), 1, "{entry}");
    assert_eq!(entry.texts("holders.0.streams"), ["pty"]);
    go.release();
    process.expect_event("process/closed");
    assert_eq!(chunks_of(&process.read_all(), "pty"), b"earlylate");
}

/// The entry of a process in the list.
#[track_caller]
fn listed(host: &Host, process: &Process<'_>) -> Value {
    let list = host.call("process/list", json!({}));
    let entry = list.list("processes").iter().find(|entry| entry.text("processId") == process.id);
    entry.expect("it is listed").clone()
}

/// A descendant opens the terminal by its general name, and prints after the exit.
fn who_has_opened_dev_tty_holds_the_stream(launch: Launch) {
    let host = launch.start();
    let (ready, go) = (host.gate("ready"), host.gate("go"));
    let script = format!(
        "(trap '' HUP; exec 3>/dev/tty </dev/null >/dev/null 2>&1; echo > {ready}; read -r x < {go}; echo late >&3) & \
         read -r x < {ready}"
    );
    let process = host.start(json!({ "argv": host.shell_argv(&script), "tty": true }));
    let exited = process.expect_event("process/exited").0;
    assert_eq!(exited.texts("streamsOpen"), ["pty"]);
    let entry = listed(&host, &process);
    let holders = entry.list("holders");
    assert_eq!(holders.len(), 1, "{entry}");
    assert_eq!(holders[0].texts("streams"), ["pty"]);
    assert_ne!(holders[0].int("pid"), i64::from(process.pid()));
    fs::write(go.to_string(), "\n").expect("the child reads");
    process.expect_event("process/closed");
    assert_eq!(chunks_of(&process.read_all(), "pty"), b"late\r\n");
}

fn a_terminal_that_nobody_has_open_is_opened_again(launch: Launch) {
    let host = launch.start();
    let go = host.gate("go");
    let script = format!("exec </dev/null >/dev/null 2>&1; read -r x < {go}; echo back > /dev/tty");
    let process = host.start(json!({ "argv": host.shell_argv(&script), "tty": true }));
    fs::write(go.to_string(), "\n").expect("the child reads");
    assert_eq!(pushed(&process.events(), "pty"), b"back\r\n");
}

fn a_child_that_does_not_read_makes_its_write_wait_alone(launch: Launch) {
    const SIZE: usize = 1_000_000;
    let host = launch.start();
    let (ready, go) = (host.gate("ready"), host.gate("go"));
    let probe =
        host.probe_argv(&format!("tell-fifo {ready} wait-fifo {go} read {SIZE} emit stdout all")).join(" ");
    let mut screen =
        Screen::of(&host, &["/bin/sh", "-c", &format!("stty raw -echo; exec {probe}")], json!({}));
    ready.hear(1);
    let write = screen.process.send("process/write", json!({ "chunk": base64(pattern(0, SIZE)) }));
    // Others are served, this process among them.
    assert_eq!(pushed(&host.probe("emit stdout neighbour").events(), "stdout"), b"neighbour");
    screen.resize(90, 30);
    assert!(!host.is_answered(write), "a terminal holds no megabyte");
    go.release();
    screen.see("all");
    assert_eq!(host.response(write).expect("it is written").text("status"), "accepted");
    assert_eq!(screen.close(), 0);
}

fn close_stdin_sends_the_end_of_file_character_that_is_set(launch: Launch) {
    let host = launch.start();
    for setting in ["true", "stty eof ^B", "stty eof undef; stty -icanon; stty icanon eof ^D"] {
        let script = format!("{setting}; echo ready; cat; echo first; cat; echo second");
        let mut screen = Screen::of(&host, &["/bin/sh", "-c", &script], json!({}));
        screen.see("ready\r\n");
        screen.write("words\n");
        screen.see("words\r\nwords\r\n");
        // It ends one reader's input; the next one's goes on.
        assert_eq!(screen.process.call("process/closeStdin", json!({})).text("status"), "accepted");
        screen.see("first\r\n");
        let write = json!({ "chunk": base64("more\n"), "close": true });
        assert_eq!(screen.process.call("process/write", write).text("status"), "accepted");
        screen.see("more\r\nmore\r\n");
        screen.see("second\r\n");
        assert_eq!(screen.close(), 0);
        let late = screen.process.write("x");
        assert_eq!(late.text("status"), "stdinClosed", "nobody reads any more");
    }
}

fn close_stdin_in_raw_mode_is_a_byte_like_others(launch: Launch) {
    let host = launch.start();
    let script = "stty raw -echo; echo ready; od -An -tx1 -N3";
    let mut screen = Screen::of(&host, &["/bin/sh", "-c", script], json!({}));
    screen.see("ready");
    screen.write("a");
    screen.process.call("process/closeStdin", json!({}));
    screen.write("b");
    screen.see("61 04 62");
    assert_eq!(screen.close(), 0);
}

fn terminate_ends_an_interactive_shell_at_once(launch: Launch) {
    let host = launch.start();
    let mut screen = Screen::of(
        &host,
        &["bash", "--noprofile", "--norc", "-i"],
        json!({ "envPolicy": { "set": { "PS1": "> ", "HISTFILE": "" } } }),
    );
    screen.see("> ");
    let asked = Instant::now();
    let result = screen.process.call("process/terminate", json!({ "graceMs": 15_000 }));
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    assert_eq!((result.text("cause"), result.text("signal")), ("terminated", "SIGHUP"));
    assert!(result.list("survivors").is_empty(), "{result}");
}

fn terminate_lets_a_command_end_in_its_own_way(launch: Launch) {
    let host = launch.start();
    let script = "trap 'echo last words; exit 7' TERM; echo ready; while :; do sleep 1000 & wait; done";
    let mut screen = Screen::of(&host, &["/bin/sh", "-c", script], json!({}));
    screen.see("ready\r\n");
    let result = screen.process.call("process/terminate", json!({ "graceMs": 15_000 }));
    assert_eq!((result.text("cause"), result.int("exitCode")), ("terminated", 7));
    screen.see("last words\r\n");
}

fn the_end_of_the_session_hangs_up(launch: Launch) {
    let host = launch.start();
    let file = host.path("heard");
    let script = format!(
        "trap '' TERM; trap 'echo hup > {}; exit' HUP; echo ready; while :; do sleep 1000 & wait; done",
        file.display()
    );
    let mut screen = Screen::of(&host, &["/bin/sh", "-c", &script], json!({}));
    screen.see("ready");
    host.close();
    assert_eq!(host.wait_exit(), Ok(0));
    assert_eq!(fs::read_to_string(file).expect("it was heard"), "hup\n");
}

fn term_says_what_the_command_has(launch: Launch) {
    let host = launch.start();
    let term = |params: Value| {
        let script = "echo \"${TERM-none}\"";
        let run = merge(json!({ "argv": host.shell_argv(script), "outputEncoding": "utf8" }), params);
        host.call("process/run", run).text("stdout").trim().to_owned()
    };
    let all = json!({ "inherit": "all" });
    for (params, without, with) in [
        (json!({}), "dumb", "xterm-256color"),
        (json!({ "envPolicy": all }), "dumb", "xterm-256color"),
        (json!({ "envPolicy": { "set": { "TERM": "vt100" } } }), "vt100", "vt100"),
        (json!({ "envPolicy": {}, "env": { "TERM": "vt100" } }), "vt100", "vt100"),
        (json!({ "envPolicy": { "exclude": ["TERM"] } }), "none", "none"),
        (json!({ "envPolicy": { "inherit": "none" } }), "none", "none"),
        (json!({ "env": { "PATH": "/usr/bin:/bin" } }), "none", "none"),
    ] {
        assert_eq!(term(params.clone()), without, "{params}");
        assert_eq!(term(merge(params.clone(), json!({ "tty": true }))), with, "{params}");
    }
}

fn filters_and_views_work_on_what_a_terminal_carries(launch: Launch) {
    let config = "[[plugin]]\nsource = \"builtin:redact\"\ningest = true\n\
                  [[plugin]]\nsource = \"builtin:tidy\"\n[views]\ntidy = [\"tidy\"]\n";
    let host = launch.config(config).start();
    let token = format!("ghp_{}", "a1B2c3".repeat(6));
    let script = format!("printf '\\033[31mred\\033[0m\\n'; echo {token}");
    let process = host.start(json!({ "argv": host.shell_argv(&script), "tty": true }));
    let raw = pushed(&process.events(), "pty");
    assert!(memchr::memmem::find(&raw, token.as_bytes()).is_none(), "{}", String::from_utf8_lossy(&raw));
    assert!(raw.starts_with(b"\x1b[31mred"), "{}", String::from_utf8_lossy(&raw));
    let view = process.call("process/read", json!({ "afterSeq": 0, "view": "tidy" }));
    let tidy = String::from_utf8(chunks_of(&view, "pty")).expect("text");
    assert!(tidy.starts_with("red\n[redacted"), "{tidy:?}");
}

fn a_terminal_that_cannot_be_made_is_told(launch: Launch) {
    let host = launch.start();
    let pid = Pid::from_raw(host.pid());
    let maximum = getrlimit(Resource::Nofile).maximum;
    let before = prlimit(pid, Resource::Nofile, Rlimit { current: Some(0), maximum }).expect("it can be set");
    // No descriptor can be had from now on, and the terminal is what is asked for first.
    let error = host.refused("process/start", json!({ "processId": "p", "argv": ["true"], "tty": true }));
    error.assert(-32603, "spawnFailed", &["terminal"]);
    assert_eq!(error.data.text("stage"), "pty");
    assert_eq!(error.data.int("errno"), 24);
    prlimit(pid, Resource::Nofile, before).expect("it can be set back");
    // Nothing is left of it.
    assert_eq!(
        host.start(json!({ "processId": "p", "argv": ["true"], "tty": true })).wait_close().int("exitCode"),
        0
    );
}
