//! Which plugin a command is about, with what configuration, limits and grants, and the engine that it runs on.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use clap::Args;
use serde_json::Value;
use weir_plugin::{Engine, EngineOptions, Fault, LoadError, Observer, PluginLimits, PluginSpec, Source};

use super::super::{PluginArgs, tell};
use crate::plugins::{bundled, file, locate};

/// Lines of guests that are kept until somebody wants them.
const LINES_KEPT: usize = 1000;

/// The plugin.
#[derive(Debug, Args)]
pub(super) struct TargetArgs {
    /// A component; `builtin:NAME` for one that comes with the host; `plugin:NAME` for one of the configuration, with
    /// all that is said of it there.
    #[arg(value_name = "FILE")]
    plugin: String,
    /// What is handed to `init`: a JSON object.
    #[arg(long, value_name = "JSON", conflicts_with = "plugin_config_file")]
    plugin_config: Option<String>,
    /// The same from a file.
    #[arg(long, value_name = "FILE")]
    plugin_config_file: Option<PathBuf>,
    /// A limit, named as in the configuration: timeMs, initTimeMs, summaryTimeMs, memoryBytes, outputBytes or
    /// componentBytes. May be repeated.
    #[arg(long, value_name = "NAME=NUMBER")]
    limit: Vec<String>,
    /// Grants a variable of the command's environment, `*` and `?` allowed. May be repeated.
    #[arg(long, value_name = "NAME")]
    grant_env: Vec<String>,
    /// Grants a directory to read. May be repeated.
    #[arg(long, value_name = "DIR")]
    grant_read: Vec<PathBuf>,
}

impl TargetArgs {
    /// The plugin as a configuration would have it.
    pub(super) fn spec(&self, configured: &PluginArgs) -> anyhow::Result<PluginSpec> {
        let mut spec = self.named(configured)?;
        if let Some(config) = &self.plugin_config {
            spec.config = object(config).context("--plugin-config")?;
        } else if let Some(path) = &self.plugin_config_file {
            spec.config = object(&read(path)?).with_context(|| path.display().to_string())?;
        }
        for limit in &self.limit {
            set_limit(&mut spec.limits, limit)?;
        }
        spec.grants.env.extend_from_slice(&self.grant_env);
        for directory in &self.grant_read {
            let whole = directory.canonicalize();
            let whole =
                whole.with_context(|| format!("--grant-read: cannot find `{}`", directory.display()))?;
            spec.grants.read.push(whole);
        }
        Ok(spec)
    }

    fn named(&self, configured: &PluginArgs) -> anyhow::Result<PluginSpec> {
        if let Some(name) = self.plugin.strip_prefix("builtin:") {
            let Some((name, component)) = bundled::find(name) else {
                let known: Vec<_> =
                    bundled::ALL.iter().map(|(name, _)| format!("`builtin:{name}`")).collect();
                bail!("expected one of {}, saw `{}`", known.join(", "), self.plugin);
            };
            return Ok(PluginSpec::new(name, Source::Builtin { name, component }));
        }
        if let Some(name) = self.plugin.strip_prefix("plugin:") {
            let path = configured.file().with_context(|| {
                format!(
                    "`{}` is looked for in the configuration, and there is none: no `weir.toml`",
                    self.plugin
                )
            })?;
            let plugins = file::read(&path)?.plugins;
            let known: Vec<_> = plugins.iter().map(|entry| format!("`plugin:{}`", entry.spec.name)).collect();
            let found = plugins.into_iter().find(|entry| entry.spec.name == name);
            return found.map(|entry| entry.spec).ok_or_else(|| {
                anyhow!("{}: expected one of {}, saw `{}`", path.display(), known.join(", "), self.plugin)
            });
        }
        let path = Path::new(&self.plugin);
        let name = path.file_stem().with_context(|| format!("expected a file, saw `{}`", self.plugin))?;
        Ok(PluginSpec::new(name.to_string_lossy(), Source::File(path.to_owned())))
    }
}

/// An engine, with the cache of the user's hosts if one is wanted.
pub(super) fn engine(cache: bool, listener: &Arc<Listener>) -> anyhow::Result<Engine> {
    let cache = if cache { locate::cache() } else { None };
    let observer: Arc<dyn Observer> = Arc::<Listener>::clone(listener);
    Engine::new(EngineOptions { cache, ..EngineOptions::default() }, observer)
        .context("the engine for plugins does not start")
}

/// Keeps what guests write, for those who want to see it.
#[derive(Debug, Default)]
pub(super) struct Listener(Mutex<Vec<String>>);

impl Listener {
    /// What guests wrote since this was asked the last time, the last thousand lines of it.
    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Observer for Listener {
    /// Whoever made the call sees it anyway.
    fn fault(&self, _fault: &Fault) {}

    fn log(&self, _plugin: &str, level: weir_plugin::Level, line: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() < LINES_KEPT {
            lines.push(format!("{}: {line}", format!("{level:?}").to_lowercase()));
        }
    }
}

/// Says why a plugin was not loaded, with what it wrote itself.
pub(super) fn tell_load_error(error: &LoadError) {
    tell(&error.to_string());
    if let LoadError::Fault(fault) = error {
        tell_log(&fault.log);
    }
}

/// Says how a plugin failed, with what it wrote itself.
pub(super) fn tell_fault(fault: &Fault) {
    tell(&fault.to_string());
    tell_log(&fault.log);
}

fn tell_log(lines: &[String]) {
    for line in lines {
        tell(&format!("  it wrote: {line}"));
    }
}

/// Text that is a JSON object, as it is handed to plugins.
fn object(text: &str) -> anyhow::Result<String> {
    match serde_json::from_str(text) {
        Ok(Value::Object(_)) => Ok(text.to_owned()),
        Ok(other) => bail!("expected a JSON object, saw `{other}`"),
        Err(error) => bail!("expected a JSON object: {error}"),
    }
}

pub(super) fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))
}

fn set_limit(limits: &mut PluginLimits, text: &str) -> anyhow::Result<()> {
    let wrong =
        || anyhow!("--limit: expected NAME=NUMBER with a number over 0, as `timeMs=500`, saw `{text}`");
    let (name, number) = text.split_once('=').ok_or_else(wrong)?;
    let number: u64 = number.parse().ok().filter(|number| *number > 0).ok_or_else(wrong)?;
    let time = Duration::from_millis(number);
    match name {
        "timeMs" => limits.time = time,
        "initTimeMs" => limits.init_time = time,
        "summaryTimeMs" => limits.summary_time = time,
        "memoryBytes" => limits.memory_bytes = number,
        "outputBytes" => limits.output_bytes = number,
        "componentBytes" => limits.component_bytes = number,
        _ => bail!(
            "--limit: expected `timeMs`, `initTimeMs`, `summaryTimeMs`, `memoryBytes`, `outputBytes` or \
             `componentBytes`, saw `{name}`"
        ),
    }
    Ok(())
}
