//! `weir plugin bench`: how fast a plugin is.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use weir_plugin::{
    Channel, Engine, Facts, Fault, FilterChain, Kind, LoadError, LoadTimes, Plugin, PluginSpec, PolicyChain,
    Verdict,
};

use super::super::PluginArgs;
use super::sample::{self, Printed};
use super::target::{self, Listener};
use super::test::{Case, CaseFile};
use super::{BenchArgs, Report, count, quantiles, runtime, time};

/// Verdicts that are timed, and those before them that are not.
const CHECKS: usize = 10_000;
const WARM_UP: usize = 500;
/// What filters are given at once.
const CHUNK: usize = 64 << 10;
/// What a summary is given.
const PRINTED: usize = 8 << 20;
/// How often loading is timed where it is quick.
const LOADS: usize = 5;
/// How long each measurement may take.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) fn bench(args: &BenchArgs, configured: &PluginArgs) -> anyhow::Result<ExitCode> {
    let mut spec = args.target.spec(configured)?;
    let cases = args.cases.as_deref().map(CaseFile::read).transpose()?;
    if let Some(cases) = &cases {
        cases.apply(&mut spec);
    }
    let cases = cases.map(|file| file.cases).unwrap_or_default();
    let listener = Arc::<Listener>::default();
    let (cold, warm) = (target::engine(false, &listener)?, target::engine(true, &listener)?);
    let mut report = Report::default();
    let runtime = runtime()?;
    let plugin = match runtime.block_on(load(&cold, &warm, spec, &mut report)) {
        Ok(plugin) => plugin,
        Err(error) => {
            target::tell_load_error(&error);
            return Ok(ExitCode::FAILURE);
        }
    };
    report.print()?;
    for kind in plugin.kinds() {
        let result = match kind {
            Kind::Policy => runtime.block_on(policy(&plugin, &cases, &mut report)),
            Kind::Filter => runtime.block_on(filter(&plugin, &cases, &mut report)),
            Kind::Summary => runtime.block_on(summary(&plugin, &cases, &mut report)),
        };
        report.print()?;
        if let Err(fault) = result {
            target::tell_fault(&fault);
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn load(
    cold: &Engine,
    warm: &Engine,
    spec: PluginSpec,
    report: &mut Report,
) -> Result<Arc<Plugin>, LoadError> {
    let LoadTimes { read, compile, .. } = Plugin::load(cold, spec.clone(), 1).await?.load_times();
    report.line("load cold", format!("{}, of which compiling {}", time(read + compile), time(compile)));
    // Puts it into the cache.
    let mut plugin = Plugin::load(warm, spec.clone(), 2).await?;
    let mut loads = Vec::new();
    let mut instances = Vec::new();
    let mut inits = Vec::new();
    let mut cached = true;
    for generation in 3..3 + LOADS as u64 {
        plugin = Plugin::load(warm, spec.clone(), generation).await?;
        let times = plugin.load_times();
        cached &= times.cached;
        loads.push(times.read + times.compile);
        instances.push(times.instantiate);
        inits.push(times.init);
    }
    if cached {
        report.line("load cached", time(quantiles(&mut loads).0));
    } else {
        report.line("load cached", "there is no cache that can be used");
    }
    let (instance, init) = (quantiles(&mut instances).0, quantiles(&mut inits).0);
    report.line("instance", format!("{} with linking, and {} for `init`", time(instance), time(init)));
    Ok(plugin)
}

async fn policy(plugin: &Arc<Plugin>, cases: &[Case], report: &mut Report) -> Result<(), Box<Fault>> {
    let chain = PolicyChain { policies: vec![Arc::clone(plugin)], default: Verdict::Allow };
    let mut commands: Vec<_> = cases.iter().filter_map(Case::command).collect();
    if commands.is_empty() {
        commands = sample::COMMANDS.iter().map(|argv| sample::command(argv)).collect();
    }
    // What the host does before it asks is not the plugin's.
    let prepared: Vec<_> =
        commands.into_iter().map(|command| (sample::facts(&command, &[]), command)).collect();
    let context = sample::context();
    let mut times = Vec::with_capacity(CHECKS);
    let begun = Instant::now();
    for (index, (facts, command)) in prepared.iter().cycle().take(WARM_UP + CHECKS).enumerate() {
        let facts_of = |_: &weir_plugin::Command| -> Facts { facts.clone() };
        let command = command.clone();
        let started = Instant::now();
        let ruling = chain.decide(command, &context, &facts_of, true).await;
        let took = started.elapsed();
        if let Some(fault) = ruling.opinions.into_iter().find_map(|opinion| opinion.fault) {
            return Err(Box::new(fault));
        }
        if index >= WARM_UP.min(prepared.len()) {
            times.push(took);
        }
        if begun.elapsed() > PATIENCE {
            break;
        }
    }
    let calls = times.len() as u64;
    let (p50, p99) = quantiles(&mut times);
    report.line("verdict", format!("p50 {}, p99 {} of {} warm ones", time(p50), time(p99), count(calls)));
    Ok(())
}

async fn filter(plugin: &Arc<Plugin>, cases: &[Case], report: &mut Report) -> Result<(), Box<Fault>> {
    let mut text: Vec<u8> = cases.iter().filter_map(Case::input).flatten().copied().collect();
    if text.is_empty() {
        text = sample::build_log(4 << 20);
    }
    while text.len() < CHUNK {
        text.extend_from_within(..);
    }
    let text = Bytes::from(text);
    let chunks: Vec<_> = (0..text.len() / CHUNK).map(|at| text.slice(at * CHUNK..(at + 1) * CHUNK)).collect();
    let with = pushes(&FilterChain::new(vec![Arc::clone(plugin)]), &chunks).await?;
    let without = pushes(&FilterChain::new(Vec::new()), &chunks).await?;
    report.line(
        "filter",
        format!(
            "{:.0} MiB/s: {} for 64 KiB, and {} with no filter at all",
            (CHUNK as f64 / with.each.as_secs_f64()) / f64::from(1 << 20),
            time(with.each),
            time(without.each)
        ),
    );
    report.line(
        "stream",
        format!(
            "{} from opening to the end of the first chunk, and {} for the end",
            time(with.first),
            time(with.end)
        ),
    );
    Ok(())
}

/// What a stream has taken.
struct Pushes {
    first: Duration,
    each: Duration,
    end: Duration,
}

async fn pushes(chain: &FilterChain, chunks: &[Bytes]) -> Result<Pushes, Box<Fault>> {
    let mut stream = chain.open(Arc::new(sample::stream()));
    let started = Instant::now();
    stream.push(chunks[0].clone()).await?;
    let first = started.elapsed();
    let mut pushed = 0_u32;
    let started = Instant::now();
    while started.elapsed() < PATIENCE / 2 {
        for chunk in chunks {
            stream.push(chunk.clone()).await?;
            pushed += 1;
        }
    }
    let each = started.elapsed() / pushed.max(1);
    let started = Instant::now();
    stream.finish().await?;
    Ok(Pushes { first, each, end: started.elapsed() })
}

async fn summary(plugin: &Arc<Plugin>, cases: &[Case], report: &mut Report) -> Result<(), Box<Fault>> {
    let mut outputs: Vec<_> = cases.iter().filter_map(Case::printed).collect();
    if outputs.is_empty() {
        outputs.push(Arc::new(Printed {
            channels: vec![(Channel::Stdout, sample::build_log(PRINTED).into())],
            exit_code: Some(0),
            argv: vec!["make".to_owned()],
            cwd: sample::directory(),
        }));
    }
    let bytes: usize = outputs.iter().flat_map(|output| &output.channels).map(|(_, bytes)| bytes.len()).sum();
    let mut times = Vec::new();
    let begun = Instant::now();
    while times.len() < 3 || begun.elapsed() < PATIENCE / 3 {
        let started = Instant::now();
        for output in &outputs {
            plugin.summarize(Arc::<Printed>::clone(output), "{}".to_owned()).await?;
        }
        times.push(started.elapsed());
    }
    let (p50, _) = quantiles(&mut times);
    let speed = bytes as f64 / p50.as_secs_f64() / f64::from(1 << 20);
    report.line("summary", format!("{} for {} bytes: {speed:.0} MiB/s", time(p50), count(bytes as u64)));
    Ok(())
}
