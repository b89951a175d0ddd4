//! Commands within limits: what they meet, what is told of it, and who else notices.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};
use weir_tests::{Host, Json, Launch, LiveProcess, Process, chunks_of, listing, merge, pushed, settings};

weir_tests::both_ways!(
    a_memory_hog_meets_its_limit_alone,
    a_hog_below_the_leader_is_the_commands_limit,
    a_fork_bomb_meets_its_limit_alone,
    a_command_that_cannot_fork_says_why,
    a_file_that_grows_too_large_meets_the_limit,
    a_busy_loop_meets_the_limit,
    open_files_are_limited,
    limits_are_told_with_their_mechanism,
    groups_are_removed_with_their_tree,
    limits_on_a_terminal_hold_as_well,
    a_limit_that_cannot_be_set_is_named,
    a_death_like_that_of_a_limit_is_not_one_without_it,
);

mod killed {
    use super::*;

    weir_tests::binary_only!(a_killed_host_leaves_no_group, groups_of_a_host_that_is_gone_are_swept);
}

const MIB: u64 = 1 << 20;

/// By which means a limit is held here, as `initialize` tells it.
#[track_caller]
fn mechanism(introduction: &Value, limit: &str) -> String {
    introduction.text(&format!("capabilities.processLimits.{limit}")).to_owned()
}

/// Starts a host that shakes hands in the test, for what it tells of itself.
#[track_caller]
fn introduced(launch: Launch) -> (Host, Value) {
    let host = launch.uninitialized().start();
    let introduction = host.initialize();
    (host, introduction)
}

/// A command beside it does not notice.
#[track_caller]
fn assert_neighbours_are_well(host: &Host) {
    let began = Instant::now();
    assert_eq!(pushed(&host.probe("emit stdout well").events(), "stdout"), b"well");
    assert!(began.elapsed() < Duration::from_secs(3), "a neighbour took {:?}", began.elapsed());
}

#[track_caller]
fn listed(host: &Host, process: &Process<'_>) -> Value {
    let list = host.call("process/list", json!({}));
    let entry = list.list("processes").iter().find(|entry| entry.text("processId") == process.id);
    entry.expect("it is listed").clone()
}

/// How a command ended that was started with limits.
#[track_caller]
fn end(host: &Host, argv: Value, limits: Value) -> (Value, String) {
    let process = host.start(json!({ "argv": argv, "cwd": host.directory(), "limits": limits }));
    let exited = process.expect_event("process/exited").0;
    process.terminate();
    let read = process.read_all();
    let said = [chunks_of(&read, "stdout"), chunks_of(&read, "stderr")].concat();
    assert_eq!(read.at("cause"), exited.at("cause"));
    (exited, String::from_utf8_lossy(&said).into_owned())
}

#[track_caller]
fn assert_limit(exited: &Value, limit: &str) {
    assert_eq!((exited.text("cause"), exited["limit"].as_str()), ("limit", Some(limit)), "{exited}");
}

const HOG: &str = "hold = []\nwhile True: hold.append(b'x' * 1000000)";

fn a_memory_hog_meets_its_limit_alone(launch: Launch) {
    let (host, introduction) = introduced(launch);
    let limits = json!({ "memoryBytes": 128 * MIB });
    let hog = host.start(json!({ "argv": ["python3", "-c", HOG], "limits": limits }));
    assert_neighbours_are_well(&host);
    let exited = hog.expect_event("process/exited").0;
    match mechanism(&introduction, "memoryBytes").as_str() {
        "cgroup" => {
            assert_limit(&exited, "memoryBytes");
            assert_eq!(exited.text("signal"), "SIGKILL");
            assert!(exited.int("usage.maxRssBytes") <= (140 * MIB) as i64, "{exited}");
        }
        // The hog is told by the kernel that there is no more, and ends by itself.
        "process" => assert_eq!((exited.text("cause"), exited.int("exitCode")), ("exit", 1)),
        other => panic!("nothing holds the memory: {other}"),
    }
    hog.expect_event("process/closed");
    assert_neighbours_are_well(&host);
    assert_eq!(hog.wait_close()["limit"], exited["limit"], "every answer tells the same");
}

fn a_hog_below_the_leader_is_the_commands_limit(launch: Launch) {
    let (host, introduction) = introduced(launch);
    if mechanism(&introduction, "memoryBytes") != "cgroup" {
        // Each by itself: there is no limit of the whole tree here, and `initialize` says so.
        return;
    }
    fs::write(host.path("hog.py"), HOG).expect("a file");
    let argv = json!(host.shell_argv("echo before; python3 hog.py; exit $?"));
    let (exited, said) = end(&host, argv, json!({ "memoryBytes": 128 * MIB }));
    assert_limit(&exited, "memoryBytes");
    assert!(said.starts_with("before\n"), "{said}");
}

fn a_fork_bomb_meets_its_limit_alone(launch: Launch) {
    let (host, introduction) = introduced(launch);
    let params = json!({
        "argv": ["bash", "-c", "bomb() { bomb | bomb & }; bomb; sleep 1000", host.mark()], "limits": { "processes": 40 },
    });
    if mechanism(&introduction, "processes") == "none" {
        let error = host.refused("process/start", params);
        error.assert(-32603, "spawnFailed", &["processes"]);
        assert_eq!((error.data.text("stage"), error.data.text("limit")), ("limits", "processes"));
        return;
    }
    let bomb = host.start(params);
    // It has gone off when somebody complains.
    while chunks_of(&bomb.read_all(), "stderr").is_empty() {
        bomb.call("process/read", json!({ "afterSeq": 0, "waitMs": 10_000 }));
    }
    assert_neighbours_are_well(&host);
    let entry = listed(&host, &bomb);
    assert!(entry.int("descendants") <= 40, "{entry}");
    assert!(bomb.terminate().list("survivors").is_empty());
    let left = LiveProcess::wait_gone(&LiveProcess::with_argument(host.mark()), settings::deadline());
    assert!(left.is_empty(), "{}", listing(&left));
    assert_neighbours_are_well(&host);
}

fn a_command_that_cannot_fork_says_why(launch: Launch) {
    let (host, introduction) = introduced(launch);
    let by = mechanism(&introduction, "processes");
    if by == "none" {
        return;
    }
    let argv = json!(host.shell_argv("while :; do sleep 1000 & done"));
    let (exited, said) = end(&host, argv, json!({ "processes": 20 }));
    assert_ne!(exited.int("exitCode"), 0, "{said}");
    if by == "cgroup" {
        assert_limit(&exited, "processes");
    }
}

fn a_file_that_grows_too_large_meets_the_limit(launch: Launch) {
    let host = launch.start();
    let dd = json!(["dd", "if=/dev/zero", "of=file", "bs=65536"]);
    let (exited, _) = end(&host, dd, json!({ "fileBytes": MIB }));
    assert_limit(&exited, "fileBytes");
    assert_eq!((exited.text("signal"), exited.int("exitCode")), ("SIGXFSZ", 153));
    assert_eq!(fs::metadata(host.path("file")).expect("a file").len(), MIB);
    // A shell passes the end of its child on.
    let argv = json!(host.shell_argv("dd if=/dev/zero of=other bs=65536; exit $?"));
    assert_limit(&end(&host, argv, json!({ "fileBytes": MIB })).0, "fileBytes");
    assert_neighbours_are_well(&host);
}

fn a_busy_loop_meets_the_limit(launch: Launch) {
    let host = launch.start();
    let limits = json!({ "cpuSeconds": 1 });
    let (exited, _) = end(&host, json!(host.shell_argv("while :; do :; done")), limits.clone());
    assert_limit(&exited, "cpuSeconds");
    assert_eq!(exited.text("signal"), "SIGXCPU");
    let stubborn = json!(host.shell_argv("trap '' XCPU; while :; do :; done"));
    let (exited, _) = end(&host, stubborn, limits);
    assert_limit(&exited, "cpuSeconds");
    assert_eq!(exited.text("signal"), "SIGKILL");
}

fn open_files_are_limited(launch: Launch) {
    let host = launch.start();
    let argv = json!(host.shell_argv("ulimit -n; ulimit -Hn; sh -c 'ulimit -n'"));
    let (exited, said) = end(&host, argv, json!({ "openFiles": 17 }));
    assert_eq!((said.as_str(), exited.text("cause")), ("17\n17\n17\n", "exit"));
    let script = "import os\nwhile True: os.open('/dev/null', 0)";
    let (exited, said) = end(&host, json!(["python3", "-c", script]), json!({ "openFiles": 30 }));
    assert!(said.contains("Too many open files"), "{said}");
    assert_eq!((exited.text("cause"), exited.int("exitCode")), ("exit", 1));
}

fn limits_are_told_with_their_mechanism(launch: Launch) {
    let (host, introduction) = introduced(launch);
    let mut limits = json!({ "memoryBytes": 1 << 30, "cpuSeconds": 60, "openFiles": 50, "fileBytes": 0 });
    if mechanism(&introduction, "processes") != "none" {
        limits["processes"] = json!(30);
    }
    let process = host.probe_with("hang", json!({ "limits": limits }));
    let entry = listed(&host, &process);
    let held = entry.list("limits");
    assert_eq!(held.len(), limits.as_object().expect("an object").len());
    for held in held {
        let name = held.text("limit");
        assert_eq!(held["value"], limits[name], "{entry}");
        assert_eq!(held.text("by"), mechanism(&introduction, name), "{entry}");
    }
    assert!(!listed(&host, &host.probe("hang")).has("limits"), "where there are none, none are told");
}

/// The groups that a command says it is in.
#[track_caller]
fn groups(host: &Host, said: &str) -> Vec<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("/proc is mounted");
    let mut found = Vec::new();
    for line in said.lines().filter(|line| line.contains("/weir-")) {
        let name = line.rsplit('/').next().expect("a name").trim();
        for mount in mounts.lines().filter(|mount| mount.contains(" - cgroup")) {
            let point = mount.split(' ').nth(4).expect("a mount point");
            let path = line.splitn(3, ':').nth(2).expect("a path").trim();
            let group = PathBuf::from(format!("{point}{path}"));
            if group.is_dir() && !found.contains(&group) {
                found.push(group);
            }
        }
        assert!(name.starts_with(&format!("weir-{}-", host.pid())), "{name}");
    }
    found
}

/// A process with limits that groups hold, and its groups. None where there are no groups.
#[track_caller]
fn grouped<'h>(host: &'h Host, introduction: &Value) -> Option<(Process<'h>, Vec<PathBuf>)> {
    if mechanism(introduction, "memoryBytes") != "cgroup" {
        return None;
    }
    let mut limits = json!({ "memoryBytes": 64 * MIB });
    if mechanism(introduction, "processes") == "cgroup" {
        limits["processes"] = json!(10);
    }
    // Forked before and after: nobody of the tree is outside.
    let script = "cat /proc/self/cgroup; setsid sh -c 'cat /proc/self/cgroup; echo .; sleep 1000'";
    let process = host.start(json!({ "argv": host.shell_argv(script), "limits": limits }));
    let mut said = Vec::new();
    while !said.ends_with(b".\n") {
        said.extend(process.expect_event("process/output").0.bytes("chunk"));
    }
    let said = String::from_utf8(said).expect("text");
    let mine = said.lines().filter(|line| line.contains("/weir-")).count();
    let groups = groups(host, &said);
    assert!(!groups.is_empty() && mine == 2 * groups.len(), "{said}");
    Some((process, groups))
}

fn groups_are_removed_with_their_tree(launch: Launch) {
    let (host, introduction) = introduced(launch);
    let Some((process, groups)) = grouped(&host, &introduction) else { return };
    let leader = LiveProcess::read(process.pid()).expect("it lives");
    let shim = LiveProcess::read(leader.parent).expect("a shim");
    process.terminate();
    assert!(shim.ends_before(Instant::now() + settings::deadline()));
    for group in groups {
        assert!(!group.exists(), "{} is left", group.display());
    }
}

fn a_killed_host_leaves_no_group(launch: Launch) {
    let (host, introduction) = introduced(launch.expect_exit(None));
    let Some((process, groups)) = grouped(&host, &introduction) else { return };
    let leader = LiveProcess::read(process.pid()).expect("it lives");
    let shim = LiveProcess::read(leader.parent).expect("a shim");
    host.signal(Signal::KILL);
    assert!(shim.ends_before(Instant::now() + settings::deadline()));
    for group in groups {
        assert!(!group.exists(), "{} is left", group.display());
    }
}

fn groups_of_a_host_that_is_gone_are_swept(launch: Launch) {
    let (host, introduction) = introduced(launch.clone().expect_exit(None));
    let Some((process, groups)) = grouped(&host, &introduction) else { return };
    let tree = LiveProcess::with_mark(host.mark());
    let leader = LiveProcess::read(process.pid()).expect("it lives");
    let shim = LiveProcess::read(leader.parent).expect("a shim");
    // Nobody who could clean up survives.
    shim.signal(Signal::KILL);
    host.signal(Signal::KILL);
    let left = LiveProcess::wait_gone(&tree, settings::deadline());
    assert!(left.is_empty(), "{}", listing(&left));
    assert!(groups.iter().all(|group| group.exists()));
    let (next, introduction) = introduced(launch);
    assert_eq!(mechanism(&introduction, "memoryBytes"), "cgroup");
    for group in groups {
        assert!(!group.exists(), "{} is left", group.display());
    }
    drop(next);
}

fn limits_on_a_terminal_hold_as_well(launch: Launch) {
    let host = launch.start();
    let params = json!({ "argv": host.shell_argv("ulimit -n; ulimit -t"), "tty": true,
        "limits": { "openFiles": 20, "cpuSeconds": 9 } });
    assert_eq!(pushed(&host.start(params).events(), "pty"), b"20\r\n9\r\n");
}

fn a_limit_that_cannot_be_set_is_named(launch: Launch) {
    let host = launch.start();
    let params = json!({ "processId": "p", "argv": ["true"] });
    let error = host
        .refused("process/start", merge(params.clone(), json!({ "limits": { "openFiles": 1_u64 << 40 } })));
    error.assert(-32603, "spawnFailed", &["openFiles"]);
    assert_eq!((error.data.text("stage"), error.data.text("limit")), ("limits", "openFiles"));
    for member in ["memoryBytes", "cpuSeconds", "openFiles", "processes"] {
        let error = host.refused("process/start", merge(params.clone(), json!({ "limits": { member: 0 } })));
        error.assert(-32602, "invalidParams", &[member]);
    }
    host.call("process/start", params);
}

fn a_death_like_that_of_a_limit_is_not_one_without_it(launch: Launch) {
    let host = launch.start();
    for (signal, limits) in
        [("XFSZ", json!(null)), ("XCPU", json!({ "fileBytes": 5 })), ("KILL", json!({ "cpuSeconds": 9 }))]
    {
        let script = format!("kill -{signal} $$");
        let (exited, _) = end(&host, json!(host.shell_argv(&script)), limits);
        assert_eq!(
            (exited.text("cause"), exited.text("signal")),
            ("signal", format!("SIG{signal}").as_str())
        );
        assert!(!exited.has("limit"));
    }
}
