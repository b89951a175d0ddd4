//! `weir run` with a terminal, with a time and with limits, used by hand: on a terminal that a host under test gives it.

use std::fs;
use std::time::Instant;

use rustix::process::Signal;
use serde_json::{Value, json};
use weir_tests::{CommandLine, Finished, Host, Json, Launch, LiveProcess, Screen, settings};

weir_tests::binary_only!(
    the_size_is_passed_on_and_followed,
    vim_feels_native,
    keys_are_the_commands_own,
    the_terminal_is_given_back_on_every_way_out,
    a_signal_gives_the_terminal_back,
    a_terminal_without_a_terminal_takes_what_is_piped,
    a_shell_in_a_terminal_in_a_terminal_has_jobs,
    a_person_at_the_terminal_is_asked,
    a_time_that_is_over_is_told,
    a_limit_that_is_met_is_told,
    wrong_values_are_named,
    variables_say_whether_somebody_sits_there,
    events_say_who_waits_for_input,
);

/// Runs the binary on a terminal of 80x24.
#[track_caller]
fn screen<'h>(host: &'h Host, options: &[&str], command: &[&str]) -> Screen<'h> {
    let weir = [weir_tests::binaries!().host, "--no-config", "run", "--tty"];
    let argv: Vec<&str> = [&weir[..], options, &["--"], command].concat();
    Screen::of(host, &argv, marked(host))
}

/// What is started has the mark of the test.
fn marked(host: &Host) -> Value {
    json!({ "envPolicy": { "set": { "WEIR_TEST_MARK": host.mark() } } })
}

fn variables_say_whether_somebody_sits_there(launch: Launch) {
    let own =
        launch.env("PAGER", "most").env("TERM", "vt220").without_env("NO_COLOR").without_env("GIT_PAGER");
    let script = "echo $PAGER $TERM ${NO_COLOR-none} ${GIT_PAGER-none}";
    for (options, expected) in [
        (&[][..], "cat dumb 1 cat\n"),
        (&["--no-env-defaults"], "most vt220 none none\n"),
        (&["--tty"], "most vt220 none none\r\n"),
        (&["--tty", "--no-env-defaults"], "most vt220 none none\r\n"),
    ] {
        let words = [&["run"], options, &["--", "sh", "-c", script]].concat();
        let finished = CommandLine::start(&own, &words, b"").finish();
        assert_eq!((finished.status, finished.stdout.as_str()), (0, expected), "{options:?}: {finished:?}");
    }
}

fn events_say_who_waits_for_input(launch: Launch) {
    // What is piped in ends the first of the two.
    let words = ["run", "--tty", "--json", "--timeout", "3s", "--", "sh", "-c", "cat; exec cat"];
    let finished = CommandLine::start(&launch, &words, b"").finish();
    assert_eq!(finished.status, 124, "{finished:?}");
    let events: Vec<Value> =
        finished.stdout.lines().map(|line| serde_json::from_str(line).expect("an event")).collect();
    let methods: Vec<&str> = events.iter().map(|event| event.text("method")).collect();
    let waits = methods.iter().position(|method| *method == "process/waitingForInput").expect("it waits");
    let taken = methods.iter().rposition(|method| *method == "process/inputTaken").expect("it is ended");
    assert!(waits < taken && taken < methods.len() - 1, "{methods:?}");
    assert_eq!(methods.last(), Some(&"process/closed"));
}

fn the_size_is_passed_on_and_followed(launch: Launch) {
    let host = launch.start();
    let script = "trap 'stty size' WINCH; stty size; while :; do sleep 1000 & wait; done";
    let mut screen = screen(&host, &[], &["sh", "-c", script]);
    screen.see("24 80\r\n");
    for (cols, rows) in [(100, 30), (7, 5)] {
        screen.resize(cols, rows);
        screen.see(&format!("{rows} {cols}\r\n"));
    }
    assert!(screen.process.terminate().list("survivors").is_empty());
}

fn vim_feels_native(launch: Launch) {
    let host = launch.start();
    let file = host.path("file").display().to_string();
    let mut screen = screen(&host, &[], &["vim", "-N", "-u", "NONE", "-i", "NONE", "-n", &file]);
    // Its last line is where the last line of the terminal is.
    screen.see("\x1b[24;1H");
    screen.write("ihello from vim");
    screen.see("hello from vim");
    screen.write("\x1b");
    screen.write(":wq\r");
    assert_eq!(screen.close(), 0);
    assert_eq!(fs::read_to_string(&file).expect("a file"), "hello from vim\n");
}

fn keys_are_the_commands_own(launch: Launch) {
    let host = launch.start();
    // Ctrl-C interrupts the command and not its terminal's owner; Ctrl-D ends the input, not the terminal.
    let script = "trap 'echo interrupted' INT; echo ready; cat; trap - INT; cat; exit 5";
    let mut screen = screen(&host, &[], &["sh", "-c", script]);
    screen.see("ready\r\n");
    screen.write("one\n");
    screen.see("one\r\none\r\n");
    screen.write("\x03");
    screen.see("interrupted\r\n");
    screen.write("two\n");
    screen.see("two\r\ntwo\r\n");
    screen.write("\x04");
    assert_eq!(screen.close(), 5);
}

fn the_terminal_is_given_back_on_every_way_out(launch: Launch) {
    let host = launch.start();
    let weir = format!("{} --no-config run --tty", weir_tests::binaries!().host);
    for (command, status) in [
        ("-- true", 0),
        ("-- sh -c 'exit 3'", 3),
        ("-- sh -c 'stty raw -echo; exit 4'", 4),
        ("-- sh -c 'kill -KILL $$'", 137),
        ("-- /no/such/program", 127),
        ("--timeout 300ms -- sleep 1000", 124),
        ("--limit fileBytes=0 -- dd if=/dev/zero of=file", 153),
        ("--view nothing -- true", 2),
    ] {
        let script = format!(
            "before=$(stty -g); {weir} {command}; echo \"status $?\"; test \"$before\" = \"$(stty -g)\" && echo same"
        );
        let mut params = marked(&host);
        params["cwd"] = json!(host.directory());
        let mut screen = Screen::of(&host, &["sh", "-c", &script], params);
        screen.see(&format!("status {status}\r\n"));
        screen.see("same\r\n");
        assert_eq!(screen.close(), 0, "{command}");
    }
}

fn a_person_at_the_terminal_is_asked(launch: Launch) {
    let host = launch.start();
    let config = host.path("ask.toml");
    fs::write(&config, "default = \"ask\"\n[[plugin]]\nsource = \"builtin:rules\"\n").expect("a file");
    let weir = weir_tests::binaries!().host;
    let config = config.to_str().expect("UTF-8");
    for (answer, status, there) in [("y\n", 0, true), ("\n", 126, false), ("no\n", 126, false)] {
        let file = host.path("trace");
        let argv = [weir, "--config", config, "run", "touch", file.to_str().expect("UTF-8")];
        let mut screen = Screen::of(&host, &argv, marked(&host));
        screen.see("Run it? [y/N] ");
        screen.write(answer);
        assert_eq!(screen.close(), status, "{answer:?}");
        assert_eq!(fs::remove_file(&file).is_ok(), there, "{answer:?}");
    }
}

fn a_signal_gives_the_terminal_back(launch: Launch) {
    let host = launch.start();
    let weir = format!("{} --no-config run --tty", weir_tests::binaries!().host);
    for (signal, name) in [(Signal::TERM, "SIGTERM"), (Signal::HUP, "SIGHUP")] {
        let marker = format!("{}-{name}", host.mark());
        let script = format!(
            "before=$(stty -g); {weir} -- sh -c 'echo ready; exec sleep 1000' {marker}; echo \"status $?\"; \
             test \"$before\" = \"$(stty -g)\" && echo same"
        );
        let mut screen = Screen::of(&host, &["sh", "-c", &script], marked(&host));
        screen.see("ready\r\n");
        let found = LiveProcess::with_argument(&marker);
        let own =
            found.iter().find(|process| process.argv.iter().any(|word| word == "run")).expect("weir runs");
        own.signal(signal);
        screen.see("status 143\r\n");
        screen.see("same\r\n");
        assert!(own.ends_before(Instant::now() + settings::deadline()));
    }
}

fn a_terminal_without_a_terminal_takes_what_is_piped(launch: Launch) {
    let words = ["--no-config", "run", "--tty", "--", "sh", "-c", "stty size; cat; test -t 0 && echo end"];
    // The end of what is piped in is the end of the input, be it within a line.
    for piped in ["words\n", "words"] {
        let finished = CommandLine::start(&launch, &words, piped.as_bytes()).finish();
        assert_eq!(finished.status, 0, "{finished:?}");
        let shown = finished.stdout.replace("\r\n", "\n");
        // What is typed is shown, wherever the command is by then.
        assert_eq!(shown.matches(piped).count(), 2, "{finished:?}");
        assert!(shown.contains("24 80\n") && shown.ends_with("end\n"), "{finished:?}");
    }
}

fn a_shell_in_a_terminal_in_a_terminal_has_jobs(launch: Launch) {
    let host = launch.start();
    let mut screen =
        screen(&host, &[], &["env", "PS1=<$?> ", "HISTFILE=", "bash", "--noprofile", "--norc", "-i"]);
    screen.see("<0> ");
    screen.write("cat\n");
    screen.see("\x1b[?2004l\r");
    screen.write("word\n");
    screen.see("word\r\nword\r\n");
    screen.write("\x1a");
    screen.see("Stopped");
    screen.write("kill %1; fg; echo gone\n");
    screen.see("\ngone\r\n");
    screen.write("exit 6\n");
    assert_eq!(screen.close(), 6);
}

/// Runs the binary to its end.
#[track_caller]
fn weir(launch: &Launch, words: &[&str]) -> Finished {
    CommandLine::start(launch, words, b"").finish()
}

fn a_time_that_is_over_is_told(launch: Launch) {
    let script = "echo out; sleep 1000 & sleep 1000";
    let finished = weir(&launch, &["--no-config", "run", "--timeout", "0.5", "--", "sh", "-c", script]);
    assert_eq!((finished.status, finished.stdout.as_str()), (124, "out\n"));
    assert!(finished.stderr.contains("500ms"), "{finished:?}");
    let quick = weir(&launch, &["--no-config", "run", "--timeout", "1m", "--", "sh", "-c", "exit 3"]);
    assert_eq!((quick.status, quick.stderr.as_str()), (3, ""));
}

fn a_limit_that_is_met_is_told(launch: Launch) {
    let directory = tempfile::tempdir().expect("a directory");
    let file = format!("of={}", directory.path().join("file").display());
    let limits = ["--limit", "fileBytes=4K", "--limit", "openFiles=40"];
    let words =
        [&["--no-config", "run"], &limits[..], &["--", "dd", "if=/dev/zero", &file, "bs=1K"]].concat();
    let finished = weir(&launch, &words);
    assert_eq!(finished.status, 153, "{finished:?}");
    assert!(finished.stderr.contains("`fileBytes`"), "{finished:?}");
    let words = [&["--no-config", "run"], &limits[..], &["--", "sh", "-c", "ulimit -n"]].concat();
    assert_eq!(weir(&launch, &words).stdout, "40\n");
}

fn wrong_values_are_named(launch: Launch) {
    for (words, seen) in [
        (["--timeout", "soon"], "`soon`"),
        (["--timeout", "0"], "`0`"),
        (["--limit", "memory=1"], "`memory`"),
        (["--limit", "memoryBytes=much"], "`much`"),
        (["--limit", "memoryBytes"], "`memoryBytes`"),
    ] {
        let finished = weir(&launch, &[&["run"], &words[..], &["--", "true"]].concat());
        assert_eq!((finished.status, finished.stdout.as_str()), (2, ""), "{words:?}");
        assert!(finished.stderr.contains(seen), "{finished:?}");
    }
}
