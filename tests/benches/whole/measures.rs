//! What is measured.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::json;

use crate::Plan;
use crate::input;
use crate::plugins;
use crate::server::Server;
use crate::table::{Table, percentile};

type Measure = fn(&Plan, &mut Table) -> Result<()>;

/// Every measure by its name.
pub(crate) const ALL: [(&str, Measure); 11] = [
    ("initialize", initialize),
    ("start", start),
    ("flood", flood),
    ("behind-flood", behind_flood),
    ("behind-wait", behind_wait),
    ("many", many),
    ("input-told", input::told),
    ("input-watched", input::watched),
    ("plugins-ingest", plugins::ingest),
    ("plugins-start-up", plugins::start_up),
    ("plugins-memory", plugins::memory),
];

const MIB: f64 = 1_048_576.0;

/// From the spawn of the server to its answer to `initialize`.
fn initialize(plan: &Plan, table: &mut Table) -> Result<()> {
    let mut times = vec![Vec::new(); plan.subjects.len()];
    for _ in 0..plan.samples(20) {
        for (subject, times) in plan.subjects.iter().zip(&mut times) {
            times.push(Server::start(subject)?.ready_after);
        }
    }
    table.add_times("spawn of the server to the answer to initialize", &times);
    Ok(())
}

/// From the request to start `true` to the notification that it is closed, one after the other.
fn start(plan: &Plan, table: &mut Table) -> Result<()> {
    let mut servers = plan.subjects.iter().map(Server::start).collect::<Result<Vec<_>>>()?;
    let mut times = vec![Vec::new(); servers.len()];
    for sample in 0..plan.samples(200) {
        for (server, times) in servers.iter_mut().zip(&mut times) {
            let process = format!("p{sample}");
            let started = Instant::now();
            server.send("process/start", Server::start_params(&process, &["/bin/true"]))?;
            server.until_closed(&process)?;
            times.push(started.elapsed());
        }
    }
    table.add_times("start of `true` to closed", &times);
    let worst: Vec<Vec<Duration>> =
        times.iter().map(|times| percentile(times, 95).into_iter().collect()).collect();
    table.add_times("  the same, 95th percentile", &worst);
    Ok(())
}

/// Much output, received as pushes to its last byte; beside it the same bytes through a pipeline of the shell.
#[expect(clippy::disallowed_methods, reason = "the floor is a pipeline of the shell")]
fn flood(plan: &Plan, table: &mut Table) -> Result<()> {
    let bytes = plan.flood_bytes;
    let command = format!("head -c {bytes} /dev/zero");
    let mut times = vec![Vec::new(); plan.subjects.len()];
    let mut peaks = vec![None; plan.subjects.len()];
    let mut dropped = vec![0; plan.subjects.len()];
    let mut floor = Vec::new();
    for _ in 0..plan.samples(3) {
        let began = Instant::now();
        let pipeline = format!("{command} | cat | cat");
        Command::new("/bin/sh").args(["-c", &pipeline]).stdout(Stdio::null()).status()?;
        floor.push(began.elapsed());
        for (at, subject) in plan.subjects.iter().enumerate() {
            let mut server = Server::start(subject)?;
            let mut params = Server::start_params("flood", &["/bin/sh", "-c", &command]);
            if let (true, Some(overflow)) = (subject.is_weir(), &plan.overflow) {
                params["retention"] = json!({ "overflow": overflow });
            }
            let began = Instant::now();
            server.send("process/start", params)?;
            let received = server.until_closed("flood")?;
            times[at].push(began.elapsed());
            ensure!(
                received.delivered + received.dropped == bytes || !subject.is_weir(),
                "{}: {} bytes delivered and {} dropped of {bytes}",
                subject.name,
                received.delivered,
                received.dropped
            );
            dropped[at] = dropped[at].max(bytes - received.delivered);
            peaks[at] = Some(server.peak_memory()? as f64 / MIB);
        }
    }
    let mib = bytes as f64 / MIB;
    let speed = |times: &[Duration]| percentile(times, 50).map(|time| mib / time.as_secs_f64());
    let floor_speed = speed(&floor).unwrap_or_default();
    let speeds: Vec<Option<f64>> = times.iter().map(|times| speed(times)).collect();
    table.add_times(&format!("{mib} MiB of output to closed, all received as pushes"), &times);
    table.add("  the same, payload", "MiB/s", &speeds, "");
    let shares: Vec<Option<f64>> =
        speeds.iter().map(|speed| speed.map(|speed| floor_speed / speed)).collect();
    let note = format!("that moves {floor_speed:.0} MiB/s here");
    table.add("  the floor `head | cat | cat` is faster by", "times", &shares, &note);
    let lost: Vec<Option<f64>> = dropped.iter().map(|bytes| Some(*bytes as f64)).collect();
    table.add("  bytes that were not delivered (at most)", "bytes", &lost, "");
    table.add("  peak resident memory of the server itself", "MiB", &peaks, "");
    Ok(())
}

/// A read of a quiet process while another prints without end.
fn behind_flood(plan: &Plan, table: &mut Table) -> Result<()> {
    let mut servers = plan.subjects.iter().map(Server::start).collect::<Result<Vec<_>>>()?;
    let mut times = vec![Vec::new(); servers.len()];
    for round in 0..plan.samples(3) {
        for (server, times) in servers.iter_mut().zip(&mut times) {
            let (quiet, flood) = (format!("quiet{round}"), format!("flood{round}"));
            let id = server.send("process/start", Server::start_params(&quiet, &["sleep", "1000"]))?;
            server.response(id)?;
            let id = server.send("process/start", Server::start_params(&flood, &["yes"]))?;
            server.response(id)?;
            for _ in 0..50 {
                let sent = Instant::now();
                let id =
                    server.send("process/read", json!({ "processId": quiet, "afterSeq": 0, "waitMs": 0 }))?;
                server.response(id)?;
                times.push(sent.elapsed());
            }
            for process in [&quiet, &flood] {
                server.send("process/terminate", json!({ "processId": process }))?;
                server.until_closed(process)?;
            }
        }
    }
    table.add_times("a read behind a flood (`yes`)", &times);
    let worst: Vec<Vec<Duration>> =
        times.iter().map(|times| percentile(times, 95).into_iter().collect()).collect();
    table.add_times("  the same, 95th percentile", &worst);
    Ok(())
}

/// A read of one process behind a read of another that waits for a second.
fn behind_wait(plan: &Plan, table: &mut Table) -> Result<()> {
    let mut times = vec![Vec::new(); plan.subjects.len()];
    for _ in 0..plan.samples(3) {
        for (subject, times) in plan.subjects.iter().zip(&mut times) {
            let mut server = Server::start(subject)?;
            for process in ["a", "b"] {
                let id = server.send("process/start", Server::start_params(process, &["sleep", "1000"]))?;
                server.response(id)?;
            }
            server.send("process/read", json!({ "processId": "a", "afterSeq": 0, "waitMs": 1000 }))?;
            let sent = Instant::now();
            let id = server.send("process/read", json!({ "processId": "b", "afterSeq": 0, "waitMs": 0 }))?;
            server.response(id)?;
            times.push(sent.elapsed());
        }
    }
    table.add_times("a read behind another that waits for 1,000 ms", &times);
    Ok(())
}

/// Many processes started at once, kept, and ended at once.
fn many(plan: &Plan, table: &mut Table) -> Result<()> {
    let count = plan.starts;
    let none = || vec![Vec::new(); plan.subjects.len()];
    let (mut starts, mut ends) = (none(), none());
    let mut whole = vec![None; plan.subjects.len()];
    let mut own = vec![None; plan.subjects.len()];
    for _ in 0..plan.samples(2) {
        for (at, subject) in plan.subjects.iter().enumerate() {
            let mut server = Server::start(subject)?;
            let names: Vec<String> = (0..count).map(|n| format!("p{n}")).collect();
            let began = Instant::now();
            let requests = names
                .iter()
                .map(|name| ("process/start", Server::start_params(name, &["/bin/sleep", "1000"])))
                .collect();
            let (ids, writer) = server.send_all(requests);
            let mut open: BTreeSet<u64> = ids.into_iter().collect();
            while !open.is_empty() {
                let message = server.message()?;
                ensure!(message.get("error").is_none(), "a start fails: {message}");
                message["id"].as_u64().map(|id| open.remove(&id));
            }
            starts[at].push(began.elapsed());
            writer.join().expect("the writer ends")?;

            let tree = server.tree();
            let is_command =
                |process: &&weir_tests::LiveProcess| process.argv.last().is_some_and(|a| a == "1000");
            let sum = |all: &mut dyn Iterator<Item = &weir_tests::LiveProcess>| {
                all.map(weir_tests::LiveProcess::proportional_memory).sum::<u64>() as f64 / MIB
            };
            ensure!(tree.iter().filter(is_command).count() == count, "not all of the commands live");
            whole[at] = Some(sum(&mut tree.iter()));
            own[at] = Some(sum(&mut tree.iter().filter(|process| !is_command(process))));

            let began = Instant::now();
            let requests =
                names.iter().map(|name| ("process/terminate", json!({ "processId": name }))).collect();
            let (_, writer) = server.send_all(requests);
            let mut closed = 0;
            while closed < count {
                closed += usize::from(server.message()?["method"] == "process/closed");
            }
            ends[at].push(began.elapsed());
            writer.join().expect("the writer ends")?;
        }
    }
    table.add_times(&format!("{count} starts of `sleep` at once, all responses"), &starts);
    table.add("  memory then, commands included (Pss of the tree)", "MiB", &whole, "");
    table.add("  memory then, the server's own part", "MiB", &own, "shims and fork server included");
    table.add_times("  all of them terminated, all closed", &ends);
    Ok(())
}
