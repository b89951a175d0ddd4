//! `weir doctor`: what this machine offers.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit};
use rustix::system::uname;
use weir_process::{
    Command, Leftovers, Limit, Output, Process, ProcessOptions, Retention, Spill, SpillOptions, TerminalSize,
    Until,
};

use super::{PluginArgs, host_config};
use crate::files::MAX_FILE_BYTES;
use crate::host::{Host, Shared};
use crate::plugins::{Loaded, locate};

/// A cell that does not answer within this time does not work.
const PATIENCE: Duration = Duration::from_secs(10);

/// The limits that a command can be given, and what their lines are called.
const LIMITS: &[(&str, Limit)] = &[
    ("memoryBytes", Limit::Memory),
    ("cpuSeconds", Limit::Cpu),
    ("openFiles", Limit::OpenFiles),
    ("fileBytes", Limit::FileSize),
    ("processes", Limit::Processes),
];

pub(super) fn doctor(plugins: &PluginArgs) -> anyhow::Result<ExitCode> {
    let system = uname();
    let mut report = Report::default();
    report.line(
        "weir",
        format!(
            "{} on {} {}",
            env!("CARGO_PKG_VERSION"),
            system.sysname().to_string_lossy(),
            system.release().to_string_lossy()
        ),
    );

    let config = host_config(None, plugins)?;
    let host = Host::start(config.clone())?;
    let cell = host.runtime().block_on(try_cell(host.shared(), Output::Separate));
    let mut works = cell.is_ok();
    report.line(
        "containment",
        match cell {
            Ok(time) => {
                format!("subreaper cells; `true` ran in one in {:.1} ms", time.as_secs_f64() * 1000.0)
            }
            Err(error) => format!("BROKEN: {error:#}"),
        },
    );
    let size = TerminalSize { cols: 80, rows: 24 };
    let terminal = host.runtime().block_on(try_cell(host.shared(), Output::Terminal(size)));
    report.line(
        "terminals",
        match terminal {
            Ok(_) => "can be made".to_owned(),
            Err(error) => format!("none can be made: {error:#}"),
        },
    );
    let fast = Path::new("/proc/thread-self/children").exists();
    report.line(
        "trees",
        if fast { "read from /proc/PID/task/TID/children" } else { "read by scanning /proc: slower" },
    );
    report.line(
        "input",
        match host.shared().cells.sees_waiting_for_input() {
            Ok(()) => "who waits for it is seen".to_owned(),
            Err(reason) => format!("who waits for it is not seen: {reason}"),
        },
    );
    for (name, limit) in LIMITS {
        report.line(name, host.shared().cells.describe_mechanism(*limit));
    }
    report.line("open files", limit(getrlimit(Resource::Nofile)));
    report.line("rlimit nproc", limit(getrlimit(Resource::Nproc)));
    report.line("pipe size", format!("up to {} bytes", system_value("fs/pipe-max-size")));
    works &= plugin_lines(&mut report, &host, plugins);
    report.line(
        "retention",
        format!(
            "{} s after close; {} MiB and {} chunks a process, {} MiB in all",
            config.retention.as_secs(),
            config.max_bytes_per_process >> 20,
            config.max_chunks_per_process,
            config.max_bytes_total >> 20
        ),
    );
    report.line("spill", spill(config.spill.as_ref()));
    report.line(
        "files",
        format!("`fs/*` is served, unless with --no-fs; whole files up to {} MiB", MAX_FILE_BYTES >> 20),
    );
    report.line("messages", format!("up to {} MiB", config.max_message_bytes >> 20));
    report.print()?;
    Ok(if works { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[derive(Default)]
struct Report(String);

impl Report {
    fn line(&mut self, name: &str, what: impl AsRef<str>) {
        self.0.push_str(&format!("{name:<12} {}\n", what.as_ref()));
    }

    #[expect(clippy::disallowed_methods, reason = "no connection uses standard output here")]
    fn print(&self) -> std::io::Result<()> {
        std::io::stdout().write_all(self.0.as_bytes())
    }
}

/// Where the configuration is looked for, which one holds, and whether its plugins load. False if they do not.
fn plugin_lines(report: &mut Report, host: &Host, args: &PluginArgs) -> bool {
    let file = host.shared().plugins.file();
    if args.config.is_none() && !args.no_config {
        let directory = std::env::current_dir().unwrap_or_default();
        for layer in locate::layers(&directory) {
            let state = match (layer.exists, Some(layer.path.as_path()) == file) {
                (true, true) => "used",
                (true, false) => "not used: another one comes first",
                (false, _) => "none",
            };
            report.line("config", format!("{} {}: {state}", layer.what, layer.path.display()));
        }
    } else if let Some(file) = file {
        report.line("config", format!("{}: used, as told by --config", file.display()));
    }
    if file.is_none() {
        report.line(
            "plugins",
            "none configured: every command is allowed (`weir init` writes a configuration)",
        );
        return true;
    }
    let started = Instant::now();
    let set = match host.runtime().block_on(host.shared().plugins.current()) {
        Ok(set) => set,
        Err(failure) => {
            report.line("plugins", format!("BROKEN, no command runs: {failure}"));
            return false;
        }
    };
    report.line(
        "plugins",
        format!(
            "{} loaded in {:.1} ms; if every policy passes: {:?}",
            set.plugins.len(),
            started.elapsed().as_secs_f64() * 1000.0,
            set.policies.default
        )
        .to_lowercase(),
    );
    for Loaded { plugin, ingest } in &set.plugins {
        let kinds: Vec<_> = plugin.kinds().iter().map(|kind| format!("{kind:?}").to_lowercase()).collect();
        let ingest = if *ingest { ", at ingest" } else { "" };
        report.line("plugin", format!("{}: {}{ingest}", plugin.name(), kinds.join(", ")));
    }
    for (name, filters) in &set.views {
        let filters: Vec<_> = filters.iter().map(|filter| filter.name()).collect();
        report.line("view", format!("{name}: {}", filters.join(", then ")));
    }
    true
}

/// Runs a command in a cell, to its close.
async fn try_cell(shared: &Shared, output: Output) -> anyhow::Result<Duration> {
    let started = Instant::now();
    let command = Command {
        argv: vec!["true".into()],
        env: std::env::vars_os().filter(|(name, _)| name == "PATH").collect(),
        output,
        ..Command::default()
    };
    let options = ProcessOptions {
        retention: Retention::default(),
        timeout: Some(PATIENCE),
        idle_timeout: None,
        leftovers: Leftovers::Keep,
        grace: Duration::ZERO,
        max_stdin_bytes: 0,
        watch_input: false,
        followed: false,
    };
    let process = Process::start(&shared.cells, &shared.store, command, options, |_| None).await?;
    process.log().wait(Until::Close).await;
    match process.log().status().exit {
        Some(exit) if exit.code == 0 => Ok(started.elapsed()),
        exit => anyhow::bail!("expected `true` to exit with 0, saw {exit:?}"),
    }
}

/// Where output can be kept on disk, tried out.
fn spill(options: Option<&SpillOptions>) -> String {
    let Some(options) = options else { return "off".to_owned() };
    let SpillOptions { directory, max_bytes_per_process, max_bytes_total } = options;
    let place = directory.display();
    match Spill::new(options.clone()).probe() {
        Ok(()) => format!(
            "to files in {place}; {} MiB a process, {} MiB in all",
            max_bytes_per_process >> 20,
            max_bytes_total >> 20
        ),
        Err(failed) => format!("not possible: {failed}"),
    }
}

fn limit(limit: Rlimit) -> String {
    let of = |value: Option<u64>| value.map_or("unlimited".to_owned(), |value| value.to_string());
    format!("{} (at most {})", of(limit.current), of(limit.maximum))
}

fn system_value(name: &str) -> String {
    fs::read_to_string(Path::new("/proc/sys").join(name))
        .map_or("?".to_owned(), |value| value.trim().to_owned())
}
