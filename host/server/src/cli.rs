//! The command line.

mod doctor;
mod hook;
mod init;
mod person;
mod plugin;
mod policy;
mod run;
mod serve;
mod stdio;
mod terminal;
mod values;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use rustix::process::{Resource, getrlimit, setrlimit};
use tracing::debug;
use tracing_subscriber::EnvFilter;
use weir_process::{ForkServerCommand, SpillOptions};
use weir_protocol::AskParams;

use self::values::LimitValue;
use crate::config::HostConfig;
use crate::pipeline::Caller;
use crate::plugins::locate;
use crate::questions::{Asking, Questions};

/// The argument that makes this executable the fork server.
const FORK_SERVER: &str = "fork-server";

/// What goes to disk of one process, and of all of them, unless other bounds are set.
const MAX_PROCESS_SPILL_BYTES: u64 = 8 << 30;
const MAX_TOTAL_SPILL_BYTES: u64 = 16 << 30;

/// What ends `weir` itself: a fault of its own, as `env` and `docker run` have it.
const OWN_FAULT: u8 = 125;

/// An exec host: runs commands for editors and agents, and keeps what they print until their streams are closed.
///
/// Without a command it serves JSON-RPC 2.0 on standard input and output.
#[derive(Debug, Parser)]
#[command(name = "weir", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
    #[command(flatten)]
    plugins: PluginArgs,
    /// What is logged to standard error: a level (error, warn, info, debug, trace) or a `tracing` filter.
    /// Errors, unless told otherwise.
    #[arg(long, global = true, env = "WEIR_LOG", value_name = "FILTER")]
    log: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve JSON-RPC 2.0 on standard input and output (the default).
    Serve(ServeArgs),
    /// Run one command, pass its output and exit code on, and say what was held or lost.
    Run(RunArgs),
    /// Say what this machine offers, which limits hold and which configuration does.
    Doctor,
    /// Write a configuration to start from: `weir.toml` in this directory.
    Init,
    /// Ask the policies.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Answer the hook of an agent that runs commands itself: an event on standard input, what the policies say of its
    /// command on standard output.
    #[command(subcommand)]
    Hook(hook::HookCommand),
    /// Make, check and try plugins.
    #[command(subcommand)]
    Plugin(plugin::PluginCommand),
}

/// Where the configuration is.
#[derive(Debug, Clone, Args)]
struct PluginArgs {
    /// The configuration file, instead of the first `weir.toml` from this directory upwards or the user's own.
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "no_config")]
    config: Option<PathBuf>,
    /// No configuration: no plugins, every command is allowed.
    #[arg(long, global = true)]
    no_config: bool,
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    /// Say whether a command may run, without running it.
    Check(CheckArgs),
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// Also what was seen in the command, and what each policy says and in which time.
    #[arg(long)]
    explain: bool,
    /// The answer of `policy/check` as JSON.
    #[arg(long)]
    json: bool,
    /// The directory it would run in, instead of this one.
    #[arg(long, value_name = "DIR")]
    cwd: Option<PathBuf>,
    /// The command and its arguments.
    #[arg(trailing_var_arg = true, required = true, num_args = 1.., value_name = "CMD")]
    command: Vec<OsString>,
}

/// Bounds of a host.
#[derive(Debug, Clone, Args)]
struct ServeArgs {
    /// How long a process is remembered after its close, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 30_000)]
    retention_ms: u64,
    /// The most output retained of one process, in bytes, unless the client says otherwise.
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 20, value_parser = clap::value_parser!(u64).range(1..))]
    max_process_bytes: u64,
    /// The most output retained of all processes together, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 256 << 20, value_parser = clap::value_parser!(u64).range(1..))]
    max_total_bytes: u64,
    /// The directory for output that is kept on disk (`spill`); by default `weir/spill` in the user's cache directory.
    #[arg(long, value_name = "DIR")]
    spill_dir: Option<PathBuf>,
    /// The most output of one process on disk, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = MAX_PROCESS_SPILL_BYTES)]
    max_process_spill_bytes: u64,
    /// The most output of all processes on disk, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = MAX_TOTAL_SPILL_BYTES)]
    max_total_spill_bytes: u64,
    /// Serve no `fs/*`: the client then has no way to files but commands, which policies judge.
    #[arg(long)]
    no_fs: bool,
    /// The largest message that is read, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 20, value_parser = clap::value_parser!(u64).range(1..))]
    max_message_bytes: u64,
}

#[derive(Debug, Args)]
struct RunArgs {
    /// Print the events of the process as they go over the wire, one JSON object a line, instead of its output.
    #[arg(long)]
    json: bool,
    /// Print what this view of the configuration makes of the output.
    #[arg(long, value_name = "NAME", conflicts_with = "json")]
    view: Option<String>,
    /// Give the command a terminal of its own: of the size of this one, which passes on every key.
    #[arg(long)]
    tty: bool,
    /// End the command and all that it has started after so long: `90`, `1.5s`, `200ms`, `10m`, `2h`.
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    timeout: Option<Duration>,
    /// A limit: memoryBytes, cpuSeconds, openFiles, fileBytes or processes, a number with K, M, G or T or without.
    /// Can be given several times.
    #[arg(long, value_name = "NAME=VALUE")]
    limit: Vec<LimitValue>,
    /// Leave the variables alone that tell the command that nobody sits at it (PAGER, GIT_PAGER, GIT_TERMINAL_PROMPT,
    /// NO_COLOR and TERM; with --tty a TERM where there is none).
    #[arg(long)]
    no_env_defaults: bool,
    /// The command and its arguments.
    #[arg(trailing_var_arg = true, required = true, num_args = 1.., value_name = "CMD")]
    command: Vec<OsString>,
}

/// Runs the command line of this process. The first thing a `main` has to do: this process may be a fork server,
/// which must not have threads.
pub fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == FORK_SERVER) {
        // Nobody is there to read an error: the host sees the end of the socket.
        return weir_process::run_fork_server().map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS);
    }
    let cli = Cli::parse();
    let filter = match (&cli.log, &cli.command) {
        (Some(filter), _) => filter,
        (None, None | Some(Command::Serve(_))) => "error",
        // The others tell the person themselves why plugins are not loaded.
        (None, Some(_)) => "error,weir::loading=off",
    };
    let fault = if matches!(cli.command, Some(Command::Hook(_))) { hook::fail_closed() } else { OWN_FAULT };
    let result = start_log(filter).and_then(|()| match &cli.command {
        None => serve::serve(&cli.serve, &cli.plugins),
        Some(Command::Serve(args)) => serve::serve(args, &cli.plugins),
        Some(Command::Run(args)) => run::run(args, &cli.plugins),
        Some(Command::Doctor) => doctor::doctor(&cli.plugins),
        Some(Command::Init) => init::init(&cli.plugins),
        Some(Command::Policy(PolicyCommand::Check(args))) => policy::check(args, &cli.plugins),
        Some(Command::Hook(command)) => hook::run(command, &cli.plugins),
        Some(Command::Plugin(command)) => plugin::run(command, &cli.plugins),
    });
    result.unwrap_or_else(|error| {
        tell(&format!("{error:#}"));
        ExitCode::from(fault)
    })
}

/// Says something to the person at the terminal.
#[expect(clippy::print_stderr, reason = "the command line speaks to people on standard error")]
fn tell(message: &str) {
    eprintln!("weir: {message}");
}

fn start_log(filter: &str) -> anyhow::Result<()> {
    let filter =
        EnvFilter::try_new(filter).with_context(|| format!("--log: expected a filter, saw `{filter}`"))?;
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).init();
    Ok(())
}

fn host_config(args: Option<&ServeArgs>, plugins: &PluginArgs) -> anyhow::Result<HostConfig> {
    let program =
        std::env::current_exe().context("cannot find this executable to run it as the fork server")?;
    let mut config = HostConfig::new(ForkServerCommand { program, args: vec![FORK_SERVER.into()] });
    config.plugin_file = plugins.file();
    config.plugin_cache = locate::cache();
    config.spill = Some(SpillOptions {
        directory: locate::spill(),
        max_bytes_per_process: MAX_PROCESS_SPILL_BYTES,
        max_bytes_total: MAX_TOTAL_SPILL_BYTES,
    });
    if let Some(args) = args {
        config.retention = Duration::from_millis(args.retention_ms);
        config.max_bytes_per_process = args.max_process_bytes;
        config.max_bytes_total = args.max_total_bytes;
        config.spill = Some(SpillOptions {
            directory: match &args.spill_dir {
                Some(directory) => std::path::absolute(directory).unwrap_or_else(|_| directory.clone()),
                None => locate::spill(),
            },
            max_bytes_per_process: args.max_process_spill_bytes,
            max_bytes_total: args.max_total_spill_bytes,
        });
        config.files = !args.no_fs;
        config.max_message_bytes = usize::try_from(args.max_message_bytes).unwrap_or(usize::MAX);
    }
    Ok(config)
}

/// Who calls from the command line; `person` answers what has to be asked.
fn caller(name: &str, person: Option<fn(AskParams, Duration) -> Asking>) -> Caller {
    let questions = Questions::to_person(person);
    Caller { session: "command-line".into(), client: name.into(), questions }
}

impl PluginArgs {
    /// The configuration that holds: the one that was named, or the first that is found.
    fn file(&self) -> Option<PathBuf> {
        match (&self.config, self.no_config) {
            (Some(file), _) => Some(std::path::absolute(file).unwrap_or_else(|_| file.clone())),
            (None, true) => None,
            (None, false) => std::env::current_dir().ok().and_then(|directory| locate::find(&directory)),
        }
    }
}

/// A process takes four descriptors of the host's, and a few more where it is seen who waits for its input; many systems
/// allow 1,024 at first. Commands keep the limit that the host was born with: the fork server runs already.
fn raise_descriptor_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        debug!(%error, "the limit of open files stays as it is");
    }
}
