//! `weir plugin list`: what the configuration loads, and what there is without one.

use std::process::ExitCode;
use std::sync::Arc;

use weir_plugin::{Plugin, PluginLimits, PluginSpec};

use super::super::{PluginArgs, tell};
use super::target::{self, Listener};
use super::{Report, count, runtime, words};
use crate::plugins::bundled;
use crate::plugins::file::{self, Entry, PluginFile};

pub(super) fn list(configured: &PluginArgs) -> anyhow::Result<ExitCode> {
    let mut report = Report::default();
    let mut sound = true;
    match configured.file() {
        None => report.line("file", "none: no plugins, every command is allowed"),
        Some(path) => {
            report.line("file", path.display().to_string());
            match file::read(&path) {
                Ok(file) => sound = configured_lines(&mut report, file)?,
                Err(error) => {
                    sound = false;
                    tell(&error.to_string());
                }
            }
        }
    }
    report.0.push('\n');
    for (name, component) in bundled::ALL {
        let what = match weir_plugin::inspect(component) {
            Ok(found) => {
                format!("{}, {} bytes, sha256 {}", words(&found.kinds), count(found.bytes), found.sha256)
            }
            Err(error) => error.to_string(),
        };
        report.line("bundled", format!("builtin:{name}: {what}"));
    }
    report.print()?;
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// False if one does not load.
fn configured_lines(report: &mut Report, file: PluginFile) -> anyhow::Result<bool> {
    let engine = target::engine(true, &Arc::<Listener>::default())?;
    let runtime = runtime()?;
    let mut sound = true;
    report.line("default", file.default.word());
    for Entry { spec, ingest, at, .. } in file.plugins {
        report.0.push('\n');
        report.line("plugin", &spec.name);
        report.line("source", spec.source.to_string());
        let views: Vec<_> = file
            .views
            .iter()
            .filter(|(_, chain)| chain.contains(&spec.name))
            .map(|(view, _)| view.as_str())
            .collect();
        match runtime.block_on(Plugin::load(&engine, spec.clone(), 1)) {
            Ok(plugin) => {
                report.line("kinds", words(plugin.kinds()));
                report.line("sha256", plugin.digest());
            }
            Err(error) => {
                sound = false;
                report.line("BROKEN", file.lines.fault(&at, error.to_string()).to_string());
            }
        }
        if ingest {
            report.line("filters", "all output, before it is retained");
        }
        if !views.is_empty() {
            report.line("views", views.join(", "));
        }
        setting_lines(report, &spec);
    }
    Ok(sound)
}

fn setting_lines(report: &mut Report, spec: &PluginSpec) {
    let PluginLimits { time, init_time, summary_time, memory_bytes, output_bytes, component_bytes } =
        &spec.limits;
    report.line("config", &spec.config);
    let env = spec.grants.env.iter().map(|name| format!("variable {name}"));
    let read = spec.grants.read.iter().map(|path| format!("files below {}", path.display()));
    let grants: Vec<_> = env.chain(read).collect();
    report.line("grants", if grants.is_empty() { "nothing".to_owned() } else { grants.join(", ") });
    report.line(
        "limits",
        format!(
            "timeMs {}, initTimeMs {}, summaryTimeMs {}, memoryBytes {}, outputBytes {}, componentBytes {}",
            time.as_millis(),
            init_time.as_millis(),
            summary_time.as_millis(),
            memory_bytes,
            output_bytes,
            component_bytes
        ),
    );
}
