//! `spill`: what memory does not hold is on disk and reads as if it were in memory; what the disk does not hold is counted.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rustix::process::Signal;
use serde_json::{Value, json};
use weir_tests::{Json, Launch, Ledger, PluginEntry, Process, merge, settings};

mod everywhere {
    use super::*;

    weir_tests::both_ways!(
        every_line_of_a_flood_is_read_back,
        a_client_that_stops_reading_gets_every_byte_from_the_disk,
        a_bound_on_disk_is_a_counted_drop,
        the_bound_of_all_files_is_given_back,
        memory_that_others_need_goes_to_disk,
        what_was_printed_before_the_end_of_the_tree_is_kept,
        a_run_returns_both_ends_of_what_is_on_disk,
        a_command_that_reads_the_directory_does_not_find_itself,
        a_directory_that_cannot_be_used_is_named,
        views_and_summaries_see_what_is_on_disk,
    );
}

mod binary_only {
    use super::*;

    weir_tests::binary_only!(a_full_disk_is_a_counted_drop, what_a_killed_host_left_is_removed_by_the_next,);
}

/// How much is printed where size matters: `WEIR_SPILL_BYTES`, for the full size of 5 GiB.
fn flood() -> u64 {
    settings::number("WEIR_SPILL_BYTES", 24_000_000)
}

fn spilled(max_bytes: u64, params: Value) -> Value {
    merge(json!({ "notify": false, "retention": { "maxBytes": max_bytes, "overflow": "spill" } }), params)
}

/// Reads a process to its end and gives what it was told is missing. Each read goes on from the one before.
#[track_caller]
fn read_to_end(process: &Process<'_>, max_bytes: u64, mut take: impl FnMut(&Value)) -> i64 {
    let (mut cursor, mut dropped) = (0, 0);
    loop {
        let params = json!({ "afterSeq": cursor, "maxBytes": max_bytes, "waitMs": 10_000 });
        let read = process.call("process/read", params);
        take(&read);
        cursor = read.int("nextSeq") - 1;
        if read.has("dropped") {
            dropped += read.int("dropped.bytes");
        }
        if read.flag("closed") && read.list("chunks").is_empty() && !read.has("dropped") {
            return dropped;
        }
    }
}

/// The same for what prints the numbered pattern to stdout.
#[track_caller]
fn balance(process: &Process<'_>, max_bytes: u64, total: u64) -> Ledger {
    let mut ledger = Ledger::default();
    read_to_end(process, max_bytes, |read| ledger.book_read(read));
    ledger.balance(&[("stdout", total), ("stderr", 0)]);
    ledger
}

fn every_line_of_a_flood_is_read_back(launch: Launch) {
    let in_process = launch.is_in_process();
    let host = launch.start();
    let lines = flood() / 10;
    let argv = host.shell_argv(&format!("seq 1000000001 {}", 1_000_000_000 + lines));
    let process = host.start(spilled(1 << 20, json!({ "argv": argv })));
    let (mut rest, mut next) = (Vec::new(), 1_000_000_001u64);
    let dropped = read_to_end(&process, 1 << 20, |read| {
        rest.extend(weir_tests::chunks_of(read, "stdout"));
        let whole = rest.len() - rest.len() % 11;
        for line in rest.drain(..whole).collect::<Vec<u8>>().chunks(11) {
            assert_eq!(line, format!("{next}\n").as_bytes());
            next += 1;
        }
    });
    assert_eq!((dropped, next, rest.len()), (0, 1_000_000_001 + lines, 0));
    // Once more from somewhere in the middle, and in one step from the beginning.
    let seq = process.read_all().int("nextSeq") / 2;
    let read = process.call("process/read", json!({ "afterSeq": seq, "maxBytes": 1 }));
    assert_eq!((read.list("chunks").len(), read.int("chunks.0.seq")), (1, seq + 1));
    let end = process.wait_close();
    assert_eq!((end.int("totalBytes") as u64, end.int("droppedBytes")), (11 * lines, 0));
    if !in_process {
        let status = fs::read_to_string(format!("/proc/{}/status", host.pid())).expect("the host lives");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        let kib: u64 = peak.trim().trim_end_matches("kB").trim().parse().expect("a number");
        assert!(kib < 256 * 1024, "{kib} KiB of memory at the peak");
    }
}

fn a_client_that_stops_reading_gets_every_byte_from_the_disk(launch: Launch) {
    let host = launch.start();
    let (id, total) = (host.next_id(), 9_000_000);
    let done = host.gate(&id);
    let argv = host.probe_argv(&format!("emit-bytes stdout {total} emit-bytes stderr 100 tell-fifo {done}"));
    host.pause_reading();
    let params = spilled(100_000, json!({ "processId": id, "argv": argv, "notify": true }));
    let start = host.send_request("process/start", params);
    // The process ends although nobody reads.
    done.hear(1);
    host.resume_reading();
    host.response(start).expect("a start");
    let mut ledger = Ledger::default();
    ledger.book_events(&host.events(&id));
    ledger.balance(&[("stdout", total), ("stderr", 100)]);
    assert_eq!(ledger.dropped(), 0);
}

fn a_bound_on_disk_is_a_counted_drop(launch: Launch) {
    let host = launch.options(["--max-process-spill-bytes", "1000000"]).start();
    let total = 8_000_000;
    let process = host.probe_with(&format!("emit-bytes stdout {total}"), spilled(200_000, json!({})));
    let end = process.wait_close();
    let kept = total - end.int("droppedBytes") as u64;
    assert!(kept > 900_000 && kept <= 1_200_000, "{end}");
    for max_bytes in [1, 70_000, 1 << 30] {
        let ledger = balance(&process, max_bytes, total);
        assert_eq!(ledger.dropped(), total - kept);
    }
    // Others have their own.
    let process = host.probe_with("emit-bytes stdout 700000", spilled(100_000, json!({})));
    assert_eq!(balance(&process, 1 << 20, 700_000).dropped(), 0);
}

fn the_bound_of_all_files_is_given_back(launch: Launch) {
    let host = launch.options(["--max-total-spill-bytes", "4000000"]).start();
    for _ in 0..3 {
        let script = "emit-bytes stdout 3000000";
        let first = host.probe_with(script, spilled(100_000, json!({})));
        assert_eq!(balance(&first, 1 << 20, 3_000_000).dropped(), 0);
        let second = host.probe_with(script, spilled(100_000, json!({})));
        let end = second.wait_close();
        assert!(end.int("droppedBytes") > 1_000_000, "{end}");
        balance(&second, 1 << 20, 3_000_000);
        for process in [first, second] {
            process.call("process/release", json!({}));
        }
    }
}

fn memory_that_others_need_goes_to_disk(launch: Launch) {
    let host = launch.options(["--max-total-bytes", "1500000"]).start();
    let total = 3_000_000;
    let script = format!("emit-bytes stdout {total}");
    let spilling: Vec<Process<'_>> =
        (0..5).map(|_| host.probe_with(&script, spilled(1_000_000, json!({})))).collect();
    for process in &spilling {
        process.wait_close();
    }
    // What they hold in memory by now goes to disk, and makes room.
    let give_up = Instant::now() + settings::deadline();
    loop {
        let script = "emit-bytes stdout 1000000";
        let run = host.call("process/run", json!({ "argv": host.probe_argv(script) }));
        if run.int("droppedBytes") == 0 {
            break;
        }
        assert!(Instant::now() < give_up, "{} bytes are dropped", run.int("droppedBytes"));
    }
    for process in &spilling {
        assert_eq!(balance(process, 1 << 20, total).dropped(), 0);
    }
}

fn what_was_printed_before_the_end_of_the_tree_is_kept(launch: Launch) {
    let host = launch.start();
    let process = host.probe_with("emit-bytes stdout 500000000", spilled(300_000, json!({})));
    process.call("process/read", json!({ "waitMs": 10_000 }));
    let ended = process.terminate();
    assert_eq!(ended.text("cause"), "terminated");
    let end = process.wait_close();
    let total = u64::try_from(end.int("totalBytes")).expect("a count");
    assert_eq!(balance(&process, 1 << 20, total).dropped(), 0);
}

fn a_run_returns_both_ends_of_what_is_on_disk(launch: Launch) {
    let host = launch.start();
    let total = 2_000_000;
    let argv = host.probe_argv(&format!("emit-bytes stdout {total}"));
    let run = host.call("process/run", spilled(100_000, json!({ "argv": argv })));
    let kept = run.bytes("stdout");
    let (cut, missing) = (run.int("cuts.0.atByte") as usize, run.int("cuts.0.bytes") as u64);
    assert!(kept.len() > 50_000 && kept.len() <= 100_000, "{} bytes", kept.len());
    assert_eq!(kept[..cut], weir_tests::pattern(0, cut));
    let tail = kept.len() - cut;
    assert_eq!(kept[cut..], weir_tests::pattern(total - tail as u64, tail));
    assert_eq!((missing, run.int("droppedBytes") as u64), (total - kept.len() as u64, missing));
    // The rest is kept for whoever asks.
    let process = Process::new(&host, run);
    assert_eq!(balance(&process, 1 << 20, total).dropped(), 0);
}

fn a_command_that_reads_the_directory_does_not_find_itself(launch: Launch) {
    let own = tempfile::tempdir().expect("a temporary directory");
    let directory = own.path().join("self");
    let host = launch.options(["--spill-dir".to_owned(), directory.display().to_string()]).start();
    let script = format!(
        "head -c 3000000 /dev/zero; find {} -type f -size +0 -exec cat {{}} +; echo end",
        directory.display()
    );
    let process = host.start(spilled(100_000, json!({ "argv": host.shell_argv(&script) })));
    let end = process.wait_close();
    assert_eq!((end.int("totalBytes"), end.int("droppedBytes")), (3_000_004, 0));
    let made = own_directories(&directory);
    assert_eq!(made.len(), 1);
    for path in [&directory, &made[0]] {
        assert_eq!(path.metadata().expect("a directory").permissions().mode() & 0o777, 0o700);
    }
    drop(host);
    // The library ends with its threads, a moment after its session.
    gone(&made[0]);
}

fn a_directory_that_cannot_be_used_is_named(launch: Launch) {
    let own = tempfile::tempdir().expect("a temporary directory");
    let place = own.path().join("file");
    fs::write(&place, b"").expect("a file");
    let host = launch.options(["--spill-dir".to_owned(), place.display().to_string()]).start();
    let params = spilled(1_000, json!({ "argv": host.probe_argv("emit stdout x") }));
    let error = host.refused("process/start", params);
    error.assert(-32603, "spawnFailed", &[&place.display().to_string()]);
    assert_eq!(error.data.text("stage"), "spill");
    assert_eq!(error.data.text("directory"), place.display().to_string());
    assert!(host.live_probes().is_empty());
    let run = host.call("process/run", json!({ "argv": host.probe_argv("emit stdout x") }));
    assert_eq!(run.bytes("stdout"), b"x");
}

fn views_and_summaries_see_what_is_on_disk(launch: Launch) {
    let ingest = PluginEntry::fixture("upper").ingest();
    let count = PluginEntry::fixture("count");
    let text = PluginEntry::builtin("headtail").config("headLines = 2, tailLines = 1");
    let views = "[views]\nends = [\"headtail\"]\nall = [\"tidy\"]\n";
    let host = launch.config(format!("{ingest}{count}{text}{}{views}", PluginEntry::builtin("tidy"))).start();
    let lines = 60_000;
    let script = format!("seq -f 'line %.0f' 1 {lines}");
    let process = host.start(spilled(50_000, json!({ "argv": host.shell_argv(&script) })));
    let end = process.wait_close();
    let expected: String = (1..=lines).map(|line| format!("LINE {line}\n")).collect();
    assert_eq!(end.int("totalBytes") as usize, expected.len());
    for max_bytes in [40_000, 1 << 20] {
        let (mut viewed, mut cursor) = (Vec::new(), 0);
        loop {
            let params = json!({ "view": "all", "afterSeq": cursor, "maxBytes": max_bytes });
            let read = process.call("process/read", params);
            viewed.extend(weir_tests::chunks_of(&read, "stdout"));
            assert!(!read.has("dropped"), "{}", read["dropped"]);
            cursor = read.int("nextSeq") - 1;
            if read.list("chunks").is_empty() {
                break;
            }
        }
        assert!(viewed == expected.as_bytes(), "{} of {} bytes", viewed.len(), expected.len());
    }
    let told = process.call("process/summary", json!({ "plugin": "count" }));
    assert!(told.text("text").contains(&format!("{} bytes", expected.len())), "{told}");
    let run = json!({ "argv": host.shell_argv(&script), "view": "ends", "outputEncoding": "utf8" });
    let run = host.call("process/run", spilled(50_000, run));
    let stdout = run.text("stdout");
    assert!(
        stdout.starts_with("LINE 1\nLINE 2\n") && stdout.ends_with(&format!("LINE {lines}\n")),
        "{stdout}"
    );
}

fn a_full_disk_is_a_counted_drop(launch: Launch) {
    let own = tempfile::tempdir().expect("a temporary directory");
    let directory = own.path().join("small");
    fs::create_dir(&directory).expect("a directory");
    let script = "mount -t tmpfs -o size=1m none \"$0\" && exec \"$@\"";
    let mount = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script];
    let words = mount.into_iter().map(str::to_owned).chain([directory.display().to_string()]);
    let spill = directory.join("spill").display().to_string();
    let host = launch.through(words).options(["--spill-dir".to_owned(), spill]).start();
    let total = 5_000_000;
    let process = host.probe_with(&format!("emit-bytes stdout {total}"), spilled(200_000, json!({})));
    let end = process.wait_close();
    assert_eq!(end.int("exitCode"), 0);
    let ledger = balance(&process, 100_000, total);
    assert_eq!(ledger.dropped() as i64, end.int("droppedBytes"));
    assert!(ledger.dropped() > total - (1 << 20) - 200_000 && ledger.dropped() < total - 500_000, "{end}");
    // The host and others go on, and what is released can be used again.
    let run = host.call("process/run", json!({ "argv": host.probe_argv("emit stdout x") }));
    assert_eq!(run.bytes("stdout"), b"x");
    process.call("process/release", json!({}));
    let process = host.probe_with("emit-bytes stdout 600000", spilled(100_000, json!({})));
    assert_eq!(balance(&process, 100_000, 600_000).dropped(), 0);
}

fn what_a_killed_host_left_is_removed_by_the_next(launch: Launch) {
    let own = tempfile::tempdir().expect("a temporary directory");
    let directory = own.path().join("killed");
    let option = ["--spill-dir".to_owned(), directory.display().to_string()];
    let launch = launch.options(option);
    let start = |launch: &Launch| {
        let host = launch.clone().start();
        let process = host.probe_with("emit-bytes stdout 1000000", spilled(100_000, json!({})));
        assert_eq!(process.wait_close().int("droppedBytes"), 0);
        host
    };
    let killed = start(&launch);
    let left = own_directories(&directory);
    assert_eq!(left.len(), 1);
    killed.signal(Signal::KILL);
    killed.expect_exit(None);
    drop(killed);
    assert!(left[0].exists(), "nobody was there to remove it");
    let living = start(&launch);
    gone(&left[0]);
    let living_own = own_directories(&directory);
    assert_eq!(living_own.len(), 1);
    // A third one leaves alone what belongs to the living.
    let third = start(&launch);
    assert_eq!(own_directories(&directory).len(), 2);
    assert!(living_own[0].exists());
    drop((living, third));
    assert!(own_directories(&directory).is_empty(), "whoever ends in order leaves nothing");
}

/// The directories of hosts in the one for all of them.
fn own_directories(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root).expect("a directory");
    entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir()).collect()
}

#[track_caller]
fn gone(path: &Path) {
    let give_up = Instant::now() + settings::deadline();
    while path.exists() {
        assert!(Instant::now() < give_up, "{} is still there", path.display());
        std::thread::yield_now();
    }
}
