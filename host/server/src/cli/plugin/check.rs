//! `weir plugin check`: what a component is and needs, and whether it works.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use weir_plugin::{
    Channel, Engine, Fault, FilterChain, Format, Inspection, Kind, LoadTimes, Need, Plugin, PluginSpec,
    PolicyChain, Source, Verdict, WIT_VERSION,
};

use super::super::{PluginArgs, tell};
use super::sample::{self, Printed};
use super::target::{self, Listener};
use super::{CheckArgs, Report, count, quantiles, runtime, time, words};

/// Warm calls, of which the middle one is told.
const WARM: usize = 100;
/// What filters are given at once.
const CHUNK: usize = 64 << 10;

pub(super) fn check(args: &CheckArgs, configured: &PluginArgs) -> anyhow::Result<ExitCode> {
    let spec = args.target.spec(configured)?;
    let mut report = Report::default();
    // Before anything runs: what it imports is worth knowing above all where it does not load.
    if let Some(inspection) = inspected(&spec) {
        inspection_lines(&mut report, &spec, &inspection);
    }
    report.print()?;
    let listener = Arc::<Listener>::default();
    let engine = target::engine(!args.no_cache, &listener)?;
    let sound = runtime()?.block_on(try_out(&engine, spec, !args.no_cache, &mut report));
    report.print()?;
    if sound.is_ok() {
        for line in listener.take() {
            tell(&format!("it wrote: {line}"));
        }
    }
    Ok(match sound {
        Ok(()) => {
            report.line("result", "it works");
            report.print()?;
            ExitCode::SUCCESS
        }
        Err(Broken::Load(error)) => {
            target::tell_load_error(&error);
            ExitCode::FAILURE
        }
        Err(Broken::Call(fault)) => {
            target::tell_fault(&fault);
            ExitCode::FAILURE
        }
    })
}

/// Why a plugin does not work.
enum Broken {
    Load(Box<weir_plugin::LoadError>),
    Call(Box<Fault>),
}

impl From<weir_plugin::LoadError> for Broken {
    fn from(error: weir_plugin::LoadError) -> Self {
        Self::Load(Box::new(error))
    }
}

impl From<Box<Fault>> for Broken {
    fn from(fault: Box<Fault>) -> Self {
        Self::Call(fault)
    }
}

/// None where loading will say what is wrong.
fn inspected(spec: &PluginSpec) -> Option<Inspection> {
    match &spec.source {
        Source::Builtin { component, .. } => weir_plugin::inspect(component).ok(),
        Source::File(path) => {
            weir_plugin::inspect(&weir_plugin::read_file(path, spec.limits.component_bytes).ok()?).ok()
        }
    }
}

fn inspection_lines(report: &mut Report, spec: &PluginSpec, inspection: &Inspection) {
    let Inspection { format, imports, kinds, wit_version, sha256, .. } = inspection;
    let what = match format {
        Format::Component => "component",
        Format::CoreModule => "core module",
    };
    report.line(what, spec.source.to_string());
    report.line("sha256", sha256);
    report.line(
        "size",
        format!(
            "{} bytes: code {}, data {}, names and other sections {}",
            count(inspection.bytes),
            count(inspection.code_bytes),
            count(inspection.data_bytes),
            count(inspection.custom_bytes)
        ),
    );
    if *format == Format::CoreModule {
        return;
    }
    report.line("kinds", words(kinds));
    let version = wit_version.as_deref().unwrap_or("no version of it");
    report.line("interface", format!("weir:plugin {version}; this host has {WIT_VERSION}"));
    let width = imports.iter().map(|import| import.name.len()).max().unwrap_or(0);
    for (index, import) in imports.iter().enumerate() {
        let need = match import.need {
            Need::Nothing => "the host's own",
            Need::Empty => "there, with nothing inside",
            Need::ReadGrant => "there, without files unless `grants.read` names directories",
            Need::Refused => "REFUSED: never granted to plugins",
            Need::Unknown => "REFUSED: this host does not know it",
            Need::WrongVersion => "REFUSED: another version of the host's interface",
        };
        let name = if index == 0 { "imports" } else { "" };
        report.line(name, format!("{:width$}  {need}", import.name));
    }
}

async fn try_out(engine: &Engine, spec: PluginSpec, cached: bool, report: &mut Report) -> Result<(), Broken> {
    let plugin = Plugin::load(engine, spec.clone(), 1).await?;
    let mut times = plugin.load_times();
    if times.cached {
        report.line("compile", "was done before: `--no-cache` tells how long it takes");
    } else {
        report.line("compile", time(times.compile));
    }
    if cached && !times.cached {
        // Now it is in the cache, if there is one that can be used.
        times = Plugin::load(engine, spec, 2).await?.load_times();
    }
    let LoadTimes { read, compile, instantiate, init, cached } = times;
    let from = if cached { "from the cache" } else { "without a cache" };
    report
        .line("load", format!("{} {from}; reading and hashing the file took {}", time(compile), time(read)));
    report.line("instance", format!("made in {}, `init` took {}", time(instantiate), time(init)));
    for kind in plugin.kinds() {
        let (first, warm) = match kind {
            Kind::Policy => judge(&plugin).await?,
            Kind::Filter => filter(&plugin).await?,
            Kind::Summary => summarize(&plugin).await?,
        };
        let call = match kind {
            Kind::Policy => "check of a command",
            Kind::Filter => "push of 64 KiB",
            Kind::Summary => "summary of 64 KiB",
        };
        report.line(kind.word(), format!("{call}: first {}, then {} (median)", time(first), time(warm)));
    }
    Ok(())
}

async fn judge(plugin: &Arc<Plugin>) -> Result<(Duration, Duration), Box<Fault>> {
    let chain = PolicyChain { policies: vec![Arc::clone(plugin)], default: Verdict::Allow };
    let mut times = Vec::new();
    for argv in sample::COMMANDS.iter().cycle().take(WARM) {
        let command = sample::command(argv);
        let facts = sample::facts(&command, &[]);
        let ruling = chain.decide(command, &sample::context(), &|_| facts.clone(), true).await;
        for opinion in ruling.opinions {
            if let Some(fault) = opinion.fault {
                return Err(Box::new(fault));
            }
            times.push(opinion.time);
        }
    }
    Ok(first_and_middle(times))
}

async fn filter(plugin: &Arc<Plugin>) -> Result<(Duration, Duration), Box<Fault>> {
    let mut stream = FilterChain::new(vec![Arc::clone(plugin)]).open(Arc::new(sample::stream()));
    let chunk = Bytes::from(sample::build_log(CHUNK));
    let mut times = Vec::new();
    for _ in 0..WARM {
        let started = Instant::now();
        stream.push(chunk.clone()).await?;
        times.push(started.elapsed());
    }
    stream.idle().await?;
    stream.finish().await?;
    Ok(first_and_middle(times))
}

async fn summarize(plugin: &Arc<Plugin>) -> Result<(Duration, Duration), Box<Fault>> {
    let output = Arc::new(Printed {
        channels: vec![(Channel::Stdout, sample::build_log(CHUNK).into())],
        exit_code: Some(0),
        argv: vec!["make".to_owned()],
        cwd: sample::directory(),
    });
    let mut times = Vec::new();
    for _ in 0..WARM / 10 {
        let started = Instant::now();
        plugin.summarize(Arc::<Printed>::clone(&output), "{}".to_owned()).await?;
        times.push(started.elapsed());
    }
    Ok(first_and_middle(times))
}

fn first_and_middle(mut times: Vec<Duration>) -> (Duration, Duration) {
    let first = times.first().copied().unwrap_or_default();
    (first, quantiles(&mut times).0)
}
