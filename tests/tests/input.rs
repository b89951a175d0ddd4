//! Who waits for input: seen from the kernel, told behind what was printed before, and taken back.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use weir_tests::{Host, Json, Launch, Process, Received, Screen, merge, outline};

weir_tests::both_ways!(
    initialize_says_that_it_is_seen,
    a_shell_that_reads_its_open_stdin_is_seen,
    a_python_prompt_on_a_terminal_is_seen,
    who_opens_dev_tty_is_seen_while_stdin_is_elsewhere,
    a_grandchild_that_reads_is_seen,
    a_shell_with_line_editing_is_seen,
    an_event_loop_that_only_reads_is_seen,
    an_event_loop_that_listens_as_well_is_not_seen,
    who_computes_or_sleeps_is_never_seen,
    a_stopped_reader_is_not_seen,
    a_closed_stdin_is_taken,
    a_resize_is_no_input,
    the_prompt_comes_before,
    the_prompt_comes_before_through_a_filter,
    a_process_that_ends_while_it_waits_says_so_before_its_close,
    who_waits_behind_a_flood_is_seen,
    nobody_waits_where_input_is_not_open,
);

/// How long it may take to be told of who waits.
const PROMISED: Duration = Duration::from_secs(1);

/// Waits until somebody waits, and tells who.
#[track_caller]
fn waiting(process: &Process<'_>) -> Received {
    let event = process.input_event();
    assert_eq!(event.value["method"], "process/waitingForInput", "{}", event.value);
    let since = event.value.text("params.since");
    assert!(since.ends_with('Z') && since.len() == "2026-01-31T12:34:56.789Z".len(), "{since}");
    event
}

#[track_caller]
fn taken(process: &Process<'_>) -> Received {
    let event = process.input_event();
    assert_eq!(event.value["method"], "process/inputTaken", "{}", event.value);
    event
}

#[track_caller]
fn listed(host: &Host, process: &Process<'_>) -> Value {
    let list = host.call("process/list", json!({}));
    let entry = list.list("processes").iter().find(|entry| entry.text("processId") == process.id);
    entry.expect("it is listed").clone()
}

fn shell<'h>(host: &'h Host, script: &str, params: Value) -> Process<'h> {
    host.start(merge(json!({ "argv": host.shell_argv(script) }), params))
}

fn piped() -> Value {
    json!({ "pipeStdin": true })
}

fn on_terminal() -> Value {
    json!({ "tty": true })
}

/// Proves that `process` is not seen: a neighbour that begins to wait later is, twice, and it is not.
#[track_caller]
fn never_seen(host: &Host, process: &Process<'_>) {
    for _ in 0..2 {
        let neighbour = shell(host, "read x", piped());
        waiting(&neighbour);
        assert_eq!(process.pending_input_events(), 0, "{}", host.report());
        assert!(!listed(host, process).has("waitingForInput"));
        neighbour.terminate();
    }
}

fn initialize_says_that_it_is_seen(launch: Launch) {
    let host = launch.uninitialized().start();
    let capabilities = host.initialize()["capabilities"].clone();
    assert_eq!(capabilities["waitingForInput"], json!({ "seen": true }));
}

fn a_shell_that_reads_its_open_stdin_is_seen(launch: Launch) {
    let host = launch.start();
    // Asks for the second time once the first one is answered.
    let process = shell(&host, "read x; echo got $x; read y; echo got $y", piped());
    let started = Instant::now();
    let event = waiting(&process);
    assert!(event.at - started < PROMISED, "{:?}", event.at - started);
    assert_eq!(
        (event.value.int("params.pid"), event.value.int("params.descriptor")),
        (process.pid().into(), 0)
    );
    let entry = listed(&host, &process);
    for member in ["since", "pid", "descriptor"] {
        assert_eq!(entry["waitingForInput"][member], event.value["params"][member]);
    }
    for answer in ["one", "two"] {
        process.write(format!("{answer}\n"));
        taken(&process);
        if answer == "one" {
            waiting(&process);
        }
    }
    assert_eq!(process.wait_close().int("exitCode"), 0);
    assert!(!listed(&host, &process).has("waitingForInput"));
}

fn a_python_prompt_on_a_terminal_is_seen(launch: Launch) {
    let host = launch.start();
    let mut screen = Screen::of(&host, &["python3", "-c", "input('name? ')"], json!({}));
    screen.see("name? ");
    let shown = Instant::now();
    let event = waiting(&screen.process);
    assert!(event.at.saturating_duration_since(shown) < PROMISED);
    assert_eq!(event.value.int("params.descriptor"), 0);
    screen.write("weir\n");
    taken(&screen.process);
    assert_eq!(screen.close(), 0);
}

fn who_opens_dev_tty_is_seen_while_stdin_is_elsewhere(launch: Launch) {
    let host = launch.start();
    // As ssh asks for a password.
    let script = "exec </dev/null 7</dev/tty; stty -echo <&7; printf 'password: '; read x <&7; stty echo <&7";
    let mut screen = Screen::new(shell(&host, script, on_terminal()));
    screen.see("password: ");
    let event = waiting(&screen.process);
    assert_eq!(event.value.int("params.pid"), i64::from(screen.process.pid()));
    screen.write("secret\n");
    taken(&screen.process);
    assert_eq!(screen.close(), 0);
}

fn a_grandchild_that_reads_is_seen(launch: Launch) {
    let host = launch.start();
    for (params, script) in [
        (piped(), "(sh -c 'echo $$; read x; exit 3'; exit $?); exit $?"),
        // Its leader is gone, and so is its parent.
        (piped(), "(setsid sh -c 'echo $$; exec cat' <&3 &) 3<&0"),
        (on_terminal(), "sh -c 'echo $$; read x; exit 3'; exit $?"),
    ] {
        let process = shell(&host, script, params);
        let (printed, _) = process.expect_event("process/output");
        let printed = String::from_utf8(printed.bytes("chunk")).expect("text");
        let event = waiting(&process);
        assert_eq!(event.value.int("params.pid").to_string(), printed.trim(), "{script}");
        process.write("x\n");
        taken(&process);
        process.terminate();
    }
}

fn a_shell_with_line_editing_is_seen(launch: Launch) {
    let host = launch.start();
    let env = json!({ "envPolicy": { "set": { "PS1": "<$?> ", "HISTFILE": "" } } });
    let mut screen = Screen::of(&host, &["bash", "--noprofile", "--norc", "-i"], env);
    screen.see("<0> ");
    waiting(&screen.process);
    screen.write("cat; false\n");
    taken(&screen.process);
    // The cat reads now.
    let event = waiting(&screen.process);
    assert_ne!(event.value.int("params.pid"), i64::from(screen.process.pid()));
    screen.process.call("process/closeStdin", json!({}));
    taken(&screen.process);
    screen.see("<1> ");
    let event = waiting(&screen.process);
    assert_eq!(event.value.int("params.pid"), i64::from(screen.process.pid()));
    screen.write("exit\n");
    taken(&screen.process);
    assert_eq!(screen.close(), 1);
}

/// A program in Python that waits in an epoll.
fn event_loop(more: &str) -> Vec<String> {
    let program = format!(
        "import os, select, signal, socket\n\
         e = select.epoll()\n\
         e.register(0, select.EPOLLIN)\n\
         r, w = os.pipe()\n\
         e.register(r, select.EPOLLIN)\n\
         a, b = socket.socketpair()\n\
         e.register(a, select.EPOLLIN)\n\
         {more}\n\
         print('ready', flush=True)\n\
         e.poll()\n\
         os.read(0, 1)\n"
    );
    ["python3", "-c", &program].map(str::to_owned).to_vec()
}

fn an_event_loop_that_only_reads_is_seen(launch: Launch) {
    let host = launch.start();
    for params in [piped(), on_terminal()] {
        let process = host.start(merge(json!({ "argv": event_loop("") }), params));
        waiting(&process);
        process.write("x\n");
        taken(&process);
        assert_eq!(process.wait_close().int("exitCode"), 0);
    }
}

fn an_event_loop_that_listens_as_well_is_not_seen(launch: Launch) {
    let host = launch.start();
    let listens = "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); e.register(s, select.EPOLLIN)";
    // The other end of the pipe is a child's.
    let hears = "p = os.popen('sleep 1000'); e.register(p.fileno(), select.EPOLLIN)";
    for more in [listens, hears] {
        let process = host.start(merge(json!({ "argv": event_loop(more) }), piped()));
        process.event();
        never_seen(&host, &process);
        process.terminate();
    }
}

fn who_computes_or_sleeps_is_never_seen(launch: Launch) {
    let host = launch.start();
    let other = host.gate("other");
    let waits_for_another = format!("read x < {other}");
    for params in [piped(), on_terminal()] {
        let processes: Vec<_> =
            ["while :; do :; done", "sleep 1000", "sleep 1000 & wait", &waits_for_another]
                .into_iter()
                .map(|script| shell(&host, script, params.clone()))
                .collect();
        for process in &processes {
            never_seen(&host, process);
        }
        for process in &processes {
            process.terminate();
        }
    }
}

fn a_stopped_reader_is_not_seen(launch: Launch) {
    let host = launch.start();
    let process = shell(&host, "kill -STOP $$; read x", piped());
    never_seen(&host, &process);
    process.call("process/signal", json!({ "signal": "CONT" }));
    waiting(&process);
    process.call("process/signal", json!({ "signal": "STOP" }));
    taken(&process);
    process.call("process/signal", json!({ "signal": "CONT" }));
    waiting(&process);
    process.terminate();
}

fn a_closed_stdin_is_taken(launch: Launch) {
    let host = launch.start();
    let process = shell(&host, "cat; read x; sleep 1000", piped());
    waiting(&process);
    process.call("process/closeStdin", json!({}));
    taken(&process);
    never_seen(&host, &process);
    process.terminate();
}

fn a_resize_is_no_input(launch: Launch) {
    let host = launch.start();
    let mut screen = Screen::of(&host, &["bash", "--noprofile", "--norc", "-i"], json!({}));
    waiting(&screen.process);
    for rows in [30, 31, 32] {
        screen.resize(90, rows);
    }
    // It is looked at while the neighbour is.
    never_taken(&host, &screen.process);
    screen.write("exit\n");
    taken(&screen.process);
    screen.see("exit");
}

#[track_caller]
fn never_taken(host: &Host, process: &Process<'_>) {
    let neighbour = shell(host, "read x", piped());
    waiting(&neighbour);
    assert_eq!(process.pending_input_events(), 0, "{}", host.report());
    assert!(listed(host, process).has("waitingForInput"));
    neighbour.terminate();
}

fn the_prompt_comes_before(launch: Launch) {
    let host = launch.start();
    for params in [piped(), on_terminal()] {
        let process = shell(&host, "printf 'one? '; read x; printf 'two? '; read x", params);
        let prompt = process.event();
        let event = waiting(&process);
        assert!(prompt.frame < event.frame);
        process.write("x\n");
        taken(&process);
        let second = waiting(&process);
        let mut printed = Vec::new();
        while !printed.ends_with(b"two? ") {
            let output = process.event();
            assert!(output.frame < second.frame, "{}", host.report());
            printed.extend(output.value.bytes("params.chunk"));
        }
        process.terminate();
    }
}

fn the_prompt_comes_before_through_a_filter(launch: Launch) {
    // It holds back what may be the beginning of a secret.
    let host = launch.config("[[plugin]]\nsource = \"builtin:redact\"\ningest = true\n").start();
    let process = shell(&host, "printf 'ghp_'; read x", piped());
    let event = waiting(&process);
    let prompt = process.event();
    assert_eq!(prompt.value.bytes("params.chunk"), b"ghp_");
    assert!(prompt.frame < event.frame, "{}", host.report());
    process.terminate();
}

fn a_process_that_ends_while_it_waits_says_so_before_its_close(launch: Launch) {
    let host = launch.start();
    for params in [piped(), on_terminal()] {
        let process = shell(&host, "read x", params);
        waiting(&process);
        process.call("process/signal", json!({ "signal": "KILL" }));
        let events = process.events();
        assert_eq!(outline(&events), ["process/exited", "process/closed"]);
        assert!(taken(&process).frame < events[1].frame);
        // Who has nothing but its close to tell is not told of.
        assert!(!listed(&host, &process).has("waitingForInput"));
        never_pending(&host, &process);
    }
}

/// Nothing comes behind the close.
#[track_caller]
fn never_pending(host: &Host, process: &Process<'_>) {
    let neighbour = shell(host, "read x", piped());
    waiting(&neighbour);
    assert_eq!(process.pending_input_events(), 0, "{}", host.report());
    neighbour.terminate();
}

fn who_waits_behind_a_flood_is_seen(launch: Launch) {
    let host = launch.start();
    let process = shell(&host, "yes & exec cat", piped());
    let event = waiting(&process);
    assert_eq!(event.value.int("params.pid"), i64::from(process.pid()));
    process.terminate();
}

fn nobody_waits_where_input_is_not_open(launch: Launch) {
    let host = launch.start();
    // Its input is at its end, and a reader of another pipe waits for somebody else.
    let process = shell(&host, "sleep 1000 | cat", json!({}));
    never_seen(&host, &process);
    process.terminate();
}
