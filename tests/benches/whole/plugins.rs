//! What plugins cost the whole: the same requests to hosts that differ in nothing but their configuration.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use weir_tests::PluginEntry;

use crate::Plan;
use crate::server::{Server, Subject};
use crate::table::{Table, percentile};

const MIB: f64 = 1_048_576.0;

/// A host with this configuration, in `directory`.
fn configured(plan: &Plan, directory: &Path, name: &str, entries: &[PluginEntry]) -> Result<Subject> {
    let entries: String = entries.iter().map(PluginEntry::to_string).collect();
    let text = format!("default = \"allow\"\n{entries}");
    let file = directory.join(format!("{name}.toml"));
    std::fs::write(&file, text).with_context(|| format!("writing `{}`", file.display()))?;
    Ok(plan.subjects[0].with(["--config".to_owned(), file.display().to_string()]))
}

/// What a build prints.
fn build_log(bytes: usize) -> String {
    let mut log = String::with_capacity(bytes + 200);
    for line in 0.. {
        if log.len() >= bytes {
            break;
        }
        let _ = match line % 50 {
            0 => writeln!(log, "src/part_{line}.c:{}:7: warning: unused variable 'x' [-Wunused]", line % 900),
            1 => writeln!(log, "make[2]: Entering directory '/home/user/project/build/part-{line}'"),
            _ => {
                writeln!(log, "[{:3}%] Building C object lib/core.dir/src/file_{line}.c.o", line % 100)
            }
        };
    }
    log
}

/// The flood once more, of a build's lines, through filters at ingest.
pub(crate) fn ingest(plan: &Plan, table: &mut Table) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let log = build_log(8 << 20);
    let file = directory.path().join("log");
    std::fs::write(&file, &log)?;
    let times = (plan.flood_bytes as usize).div_ceil(log.len()).max(1);
    let bytes = (times * log.len()) as u64;
    let files = vec![file.display().to_string(); times].join(" ");
    let command = format!("cat {files}");
    let identity = || PluginEntry::fixture("identity").ingest();
    let hosts = [
        ("none", configured(plan, directory.path(), "none", &[])?),
        ("identity", configured(plan, directory.path(), "identity", &[identity()])?),
        (
            "`redact`",
            configured(plan, directory.path(), "redact", &[PluginEntry::builtin("redact").ingest()])?,
        ),
        ("identity that copies", {
            let copying = identity().config("copy = true");
            configured(plan, directory.path(), "copying", &[copying])?
        }),
        ("three identities", {
            let three = ["one", "two", "three"].map(|name| identity().named(name));
            configured(plan, directory.path(), "three", &three)?
        }),
    ];
    let mut taken = vec![Vec::new(); hosts.len()];
    for _ in 0..plan.samples(5) {
        for ((_, host), taken) in hosts.iter().zip(&mut taken) {
            let mut server = Server::start(host)?;
            let began = Instant::now();
            server.send("process/start", Server::start_params("flood", &["/bin/sh", "-c", &command]))?;
            let received = server.until_closed("flood")?;
            taken.push(began.elapsed());
            ensure!(
                received.delivered + received.dropped == bytes,
                "{} bytes delivered and {} dropped of {bytes}",
                received.delivered,
                received.dropped
            );
        }
    }
    let rates: Vec<f64> = taken
        .iter()
        .map(|taken| percentile(taken, 50).map_or(0.0, |time| bytes as f64 / MIB / time.as_secs_f64()))
        .collect();
    for ((name, _), rate) in hosts.iter().zip(&rates) {
        let note = format!("{:.0} % of that without", 100.0 * rate / rates[0]);
        table.add(
            &format!("{:.0} MiB of lines, at ingest: {name}", bytes as f64 / MIB),
            "MiB/s",
            &[Some(*rate)],
            &note,
        );
    }
    Ok(())
}

/// The start of the host with the five plugins that come with it, compiled before.
pub(crate) fn start_up(plan: &Plan, table: &mut Table) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let five = ["rules", "redact", "tidy", "headtail", "tests"].map(PluginEntry::builtin);
    let hosts = [
        configured(plan, directory.path(), "none", &[])?,
        configured(plan, directory.path(), "five", &five)?,
    ];
    let mut times = vec![Vec::new(); hosts.len()];
    for sample in 0..=plan.samples(20) {
        for (host, times) in hosts.iter().zip(&mut times) {
            let mut server = Server::start(host)?;
            let began = Instant::now();
            // Answered when the plugins have been loaded.
            let id = server.send("plugin/list", json!({}))?;
            server.response(id)?;
            if sample > 0 {
                times.push(server.ready_after + began.elapsed());
            }
        }
    }
    let median = |times: &[Duration]| percentile(times, 50).map(|time| time.as_secs_f64() * 1e3);
    table.add("spawn to the list of plugins, without any", "ms", &[median(&times[0])], "");
    table.add("  the same with the five that come with it", "ms", &[median(&times[1])], "compiled before");
    Ok(())
}

/// The memory of a host that runs a hundred processes, each with two streams, through three filters or none.
pub(crate) fn memory(plan: &Plan, table: &mut Table) -> Result<()> {
    const PROCESSES: usize = 100;
    let directory = tempfile::tempdir()?;
    let three = [
        PluginEntry::builtin("redact").ingest(),
        PluginEntry::fixture("identity").ingest(),
        PluginEntry::builtin("tidy").ingest(),
    ];
    let hosts = [
        configured(plan, directory.path(), "none", &[])?,
        configured(plan, directory.path(), "three", &three)?,
    ];
    let mut resident = Vec::new();
    for host in &hosts {
        let mut server = Server::start(host)?;
        let script = "for i in 1 2 3 4 5 6 7 8; do echo some line of output $i; echo and another >&2; done; exec sleep 1000";
        for at in 0..PROCESSES {
            let id = server
                .send("process/start", Server::start_params(&format!("p{at}"), &["/bin/sh", "-c", script]))?;
            server.response(id)?;
        }
        for at in 0..PROCESSES {
            let params = json!({ "processId": format!("p{at}"), "afterSeq": 0, "waitMs": 10_000 });
            let id = server.send("process/read", params)?;
            server.response(id)?;
        }
        resident.push(server.memory()? as f64 / MIB);
    }
    table.add("100 live processes, memory of the host itself", "MiB", &[Some(resident[0])], "");
    let note = format!("{:.1} MiB more", resident[1] - resident[0]);
    table.add("  the same with three filters at ingest", "MiB", &[Some(resident[1])], &note);
    Ok(())
}
