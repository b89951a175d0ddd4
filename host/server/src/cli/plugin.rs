//! `weir plugin`: for those who write plugins. Makes, checks, tests and measures them, with the same engine, cache and
//! limits as the host has.

mod base64;
mod bench;
mod check;
mod list;
mod new;
mod sample;
mod target;
mod test;

use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use tokio::runtime::Runtime;
use weir_plugin::Kind;

use self::target::TargetArgs;
use super::PluginArgs;

#[derive(Debug, Subcommand)]
pub(super) enum PluginCommand {
    /// Write a plugin that builds as it is, with tests: a folder of this name.
    New(NewArgs),
    /// Say what a component is and needs, and try it: imports, sizes, times. Exits with 1 if it is no plugin.
    Check(CheckArgs),
    /// Run cases through a plugin and compare. Exits with 1 if one fails.
    Test(TestArgs),
    /// Measure a plugin: loading, instances, calls.
    Bench(BenchArgs),
    /// List the plugins of the configuration, and those that come with the host.
    List,
}

#[derive(Debug, Args)]
pub(super) struct NewArgs {
    /// The plugin's name: lower-case letters, digits and single hyphens, a letter first.
    name: String,
    /// What it is to do.
    #[arg(long, value_enum)]
    kind: KindWord,
    /// What it is to be written in.
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    lang: Language,
    /// The folder that it is written into; made if it is not there. By default the name, below this directory.
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// Compile it, and keep nothing: tells how long that takes.
    #[arg(long)]
    no_cache: bool,
}

#[derive(Debug, Args)]
pub(super) struct TestArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// Files of cases, as `weir plugin new` writes one.
    #[arg(required = true, value_name = "CASES")]
    cases: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct BenchArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// A file of cases: its commands and inputs are used instead of ordinary ones.
    #[arg(value_name = "CASES")]
    cases: Option<PathBuf>,
}

/// What a plugin does, as it is written on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum KindWord {
    /// Judges commands before they run.
    Policy,
    /// Changes what they print.
    Filter,
    /// Reports on what they have printed.
    Summary,
}

/// What `weir plugin new` can write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Language {
    /// Small and fast.
    Rust,
    /// Smallest; policies and filters.
    C,
    /// Carries an interpreter.
    Js,
    /// Carries an interpreter.
    Python,
}

pub(super) fn run(command: &PluginCommand, configured: &PluginArgs) -> anyhow::Result<ExitCode> {
    match command {
        PluginCommand::New(args) => new::new(args),
        PluginCommand::Check(args) => check::check(args, configured),
        PluginCommand::Test(args) => test::test(args, configured),
        PluginCommand::Bench(args) => bench::bench(args, configured),
        PluginCommand::List => list::list(configured),
    }
}

impl KindWord {
    fn kind(self) -> Kind {
        match self {
            Self::Policy => Kind::Policy,
            Self::Filter => Kind::Filter,
            Self::Summary => Kind::Summary,
        }
    }
}

/// Lines of a name and what is to be said of it; more about the same follows without the name.
#[derive(Default)]
struct Report(String);

impl Report {
    fn line(&mut self, name: &str, what: impl AsRef<str>) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{name:<11} {}", what.as_ref());
    }

    fn print(&mut self) -> std::io::Result<()> {
        print(&std::mem::take(&mut self.0))
    }
}

/// Prints at once, so that nothing is lost if what follows breaks down.
#[expect(clippy::disallowed_methods, reason = "no connection uses standard output here")]
fn print(text: &str) -> std::io::Result<()> {
    let mut stdout = std::io::stdout();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// What plugins are loaded and called on: they need time and a thread to block.
fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build()
}

/// As people read times: three digits that count.
fn time(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    match micros {
        ..10.0 => format!("{micros:.2} µs"),
        ..1_000.0 => format!("{micros:.0} µs"),
        ..100_000.0 => format!("{:.2} ms", micros / 1e3),
        ..1_000_000.0 => format!("{:.0} ms", micros / 1e3),
        _ => format!("{:.2} s", micros / 1e6),
    }
}

/// A number with its thousands apart.
fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Words in a line, as in `policy, filter`.
fn words(kinds: &[Kind]) -> String {
    if kinds.is_empty() {
        return "none".to_owned();
    }
    kinds.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(", ")
}

/// The middle one of sorted times, and the one that one in a hundred is over.
fn quantiles(times: &mut [Duration]) -> (Duration, Duration) {
    times.sort_unstable();
    let at = |part: usize| times.get((times.len() * part / 100).min(times.len().saturating_sub(1)));
    (at(50).copied().unwrap_or_default(), at(99).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_thousands_apart() {
        for (number, expected) in [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345_678, "12,345,678")] {
            assert_eq!(count(number), expected);
        }
    }

    #[test]
    fn quantiles_are_of_the_sorted_times() {
        let mut times: Vec<_> = (1..=100).rev().map(Duration::from_micros).collect();
        assert_eq!(quantiles(&mut times), (Duration::from_micros(51), Duration::from_micros(100)));
        assert_eq!(quantiles(&mut []), (Duration::ZERO, Duration::ZERO));
    }
}
