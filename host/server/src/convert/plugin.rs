//! Between the vocabulary of plugins, that of shells, and the wire.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use weir_plugin::{self as plugin, Fault, FaultKind, Report, Source};
use weir_process::{Exit, Stream};
use weir_protocol as wire;
use weir_protocol::{ErrorKind, ErrorObject, ProcessId, Reply};
use weir_shell as shell;

use super::{StartSpec, start_error, stream};
use crate::outbox::Outcome;
use crate::pipeline::{DecidedBy, Decision, Denial, Judgement, StartFailure};
use crate::plugins::file::ConfigError;
use crate::plugins::{Loaded, PluginSet, Plugins, Standing};

pub(crate) fn plugin_fault(fault: &Fault) -> wire::PluginFault {
    wire::PluginFault {
        plugin: fault.plugin.clone(),
        digest: fault.digest.clone(),
        hook: fault.hook.word().to_owned(),
        kind: fault.kind.word().to_owned(),
        message: fault.message.clone(),
        log: fault.log.clone(),
    }
}

// Failures.

/// Why a start came to nothing.
pub(crate) fn start_failure(failure: &StartFailure) -> ErrorObject {
    match failure {
        StartFailure::Denied(denial) => denied(denial),
        StartFailure::PolicyFailed(fault) => policy_failed(fault),
        StartFailure::NotConfigured(error) => not_configured(error),
        StartFailure::NoSuchView(name, plugins) => no_such_view(name, plugins),
        StartFailure::Spawn(error) => start_error(error),
    }
}

fn denied(denial: &Denial) -> ErrorObject {
    let Denial { plugin, rule, reason } = denial;
    let by = match (plugin, rule) {
        (Some(plugin), Some(rule)) => format!(" by `{plugin}` (rule `{rule}`)"),
        (Some(plugin), None) => format!(" by `{plugin}`"),
        (None, _) => String::new(),
    };
    let mut error = ErrorObject::new(ErrorKind::PolicyDenied, format!("the command is denied{by}: {reason}"));
    for (name, value) in [("plugin", plugin), ("rule", rule), ("reason", &Some(reason.clone()))] {
        if let Some(value) = value {
            error = error.with(name, value.as_str());
        }
    }
    error
}

fn policy_failed(fault: &Fault) -> ErrorObject {
    let message = format!(
        "the command is not run, since plugin `{}` could not judge it: {}",
        fault.plugin, fault.message
    );
    ErrorObject::new(ErrorKind::PolicyFailed, message)
        .with("plugin", fault.plugin.as_str())
        .with("cause", fault.kind.word())
}

/// Nothing runs without the plugins that the configuration names.
pub(crate) fn not_configured(error: &ConfigError) -> ErrorObject {
    ErrorObject::new(ErrorKind::PolicyFailed, format!("the plugins cannot be loaded: {error}"))
        .with("cause", "configuration")
}

pub(crate) fn no_such_view(name: &str, plugins: &PluginSet) -> ErrorObject {
    let message = format!(
        "`view`: expected {}, saw `{name}`",
        one_of(plugins.views.keys().map(String::as_str), "view")
    );
    ErrorObject::new(ErrorKind::InvalidParams, message).with("member", "view")
}

pub(crate) fn no_such_summary(name: &str, plugins: &PluginSet) -> ErrorObject {
    let known = plugins.plugins.iter().map(|loaded| &loaded.plugin);
    let known =
        known.filter(|plugin| plugin.kinds().contains(&plugin::Kind::Summary)).map(|plugin| plugin.name());
    let message =
        format!("`process/summary`: `plugin`: expected {}, saw `{name}`", one_of(known, "summary plugin"));
    ErrorObject::new(ErrorKind::InvalidParams, message)
        .with("method", "process/summary")
        .with("member", "plugin")
}

/// Names to choose from.
fn one_of<'n>(names: impl Iterator<Item = &'n str>, what: &str) -> String {
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    if names.is_empty() { format!("no {what}, since none is configured") } else { names.join(" or ") }
}

pub(crate) fn not_closed(id: &ProcessId) -> ErrorObject {
    let message =
        format!("`process/summary`: expected a closed process, saw `{id}` still open: wait for its close");
    ErrorObject::new(ErrorKind::InvalidRequest, message).with("processId", &**id)
}

// Decisions.

/// Who decided; none where nobody does.
pub(crate) fn decision(decision: &Decision) -> Option<wire::Decision> {
    decision.judged.then(|| told(decision))
}

fn told(decision: &Decision) -> wire::Decision {
    let decider = decision.decider.as_ref();
    wire::Decision {
        verdict: verdict(decision.verdict),
        plugin: decider.map(|decider| decider.plugin.clone()),
        rule: decider.and_then(|decider| decider.rule.clone()),
        reason: decider.and_then(|decider| decider.reason.clone()),
        by: match decision.by {
            DecidedBy::Default => wire::DecidedBy::Default,
            DecidedBy::Plugin => wire::DecidedBy::Plugin,
            DecidedBy::User => wire::DecidedBy::User,
            DecidedBy::Remembered => wire::DecidedBy::Remembered,
        },
        asked: decision.asked.clone().map(|(argv, cwd)| wire::AskedCommand { argv, cwd }),
        generation: decision.generation,
    }
}

/// A pass of all is no verdict of theirs: the default is.
fn verdict(verdict: plugin::Verdict) -> wire::Verdict {
    match verdict {
        plugin::Verdict::Allow => wire::Verdict::Allow,
        plugin::Verdict::Ask => wire::Verdict::Ask,
        plugin::Verdict::Deny | plugin::Verdict::Pass => wire::Verdict::Deny,
    }
}

fn plugin_verdict(verdict: plugin::Verdict) -> wire::PluginVerdict {
    match verdict {
        plugin::Verdict::Pass => wire::PluginVerdict::Pass,
        plugin::Verdict::Allow => wire::PluginVerdict::Allow,
        plugin::Verdict::Deny => wire::PluginVerdict::Deny,
        plugin::Verdict::Ask => wire::PluginVerdict::Ask,
    }
}

/// The answer to `policy/check`. With a script, everything is told that led to it.
pub(crate) fn check_reply(
    spec: &StartSpec,
    asked: &plugin::Command,
    judged: Result<Judgement, StartFailure>,
    script: Option<plugin::Script>,
) -> Outcome {
    let nobody = |reason: String, rule: Option<String>| wire::Decision {
        verdict: wire::Verdict::Deny,
        plugin: None,
        rule,
        reason: Some(reason),
        by: wire::DecidedBy::Default,
        asked: None,
        generation: 0,
    };
    let script_told = script.map(script_info);
    let denied = |decision: wire::Decision, failure| wire::PolicyCheckResult {
        verdict: wire::Verdict::Deny,
        argv: spec.argv.to_vec(),
        cwd: asked.cwd.clone(),
        decision,
        failure,
        opinions: script_told.is_some().then(Vec::new),
        script: script_told.clone(),
    };
    let result = match judged {
        Ok(judgement) => {
            let ruling = &judgement.ruling;
            let failure = ruling.fault.as_ref().map(|fault| wire::PolicyFailure {
                plugin: Some(fault.plugin.clone()),
                cause: fault.kind.word().to_owned(),
                message: fault.message.clone(),
            });
            wire::PolicyCheckResult {
                verdict: verdict(ruling.verdict),
                argv: ruling.command.argv.clone(),
                cwd: ruling.command.cwd.clone(),
                decision: told(&Decision::of(&judgement)),
                failure,
                opinions: script_told.is_some().then(|| ruling.opinions.iter().map(opinion).collect()),
                script: script_told,
            }
        }
        Err(StartFailure::Denied(denial)) => denied(nobody(denial.reason.clone(), denial.rule.clone()), None),
        Err(StartFailure::NotConfigured(error)) => {
            let failure = wire::PolicyFailure {
                plugin: None,
                cause: "configuration".to_owned(),
                message: error.to_string(),
            };
            denied(nobody(error.to_string(), None), Some(failure))
        }
        Err(failure) => return Err(start_failure(&failure)),
    };
    Ok(Reply::PolicyCheck(Box::new(result)))
}

fn opinion(opinion: &plugin::Opinion) -> wire::OpinionEntry {
    wire::OpinionEntry {
        plugin: opinion.plugin.clone(),
        pass: opinion.pass,
        verdict: opinion.verdict.map(plugin_verdict),
        rule: opinion.rule.clone(),
        reason: opinion.reason.clone(),
        time_us: micros(opinion.time),
        patch: opinion.patch.as_ref().map(|patch| wire::PatchInfo {
            argv: patch.argv.clone(),
            cwd: patch.cwd.clone(),
            env_set: patch.env_set.clone(),
            env_unset: patch.env_unset.clone(),
        }),
        fault: opinion.fault.as_ref().map(|fault| wire::OpinionFault {
            kind: fault.kind.word().to_owned(),
            message: fault.message.clone(),
        }),
        notes: opinion.notes.clone(),
    }
}

fn micros(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

// Shells.

/// What the host saw in a command line, for plugins.
pub(crate) fn script(script: shell::Script) -> plugin::Script {
    plugin::Script {
        commands: script.commands.into_iter().map(simple_command).collect(),
        opaque: script.opaque,
    }
}

fn simple_command(command: shell::SimpleCommand) -> plugin::SimpleCommand {
    let word = |word: shell::Word| plugin::Word { text: word.text, literal: word.literal };
    plugin::SimpleCommand {
        argv: command.argv.into_iter().map(word).collect(),
        program: command.program.map(|program| program.to_string_lossy().into_owned()),
        assignments: command
            .assignments
            .into_iter()
            .map(|assignment| plugin::Assignment { name: assignment.name, value: word(assignment.value) })
            .collect(),
        redirects: command
            .redirects
            .into_iter()
            .map(|redirect| plugin::Redirect {
                operator: redirect.operator,
                descriptor: redirect.descriptor,
                target: word(redirect.target),
            })
            .collect(),
        depth: command.depth,
        via: command.via,
    }
}

/// The same for the client.
fn script_info(script: plugin::Script) -> wire::ScriptInfo {
    let word = |word: plugin::Word| wire::ScriptWord { text: word.text, literal: word.literal };
    let command = |command: plugin::SimpleCommand| wire::ScriptCommand {
        argv: command.argv.into_iter().map(word).collect(),
        program: command.program,
        assignments: command
            .assignments
            .into_iter()
            .map(|assignment| wire::ScriptAssignment { name: assignment.name, value: word(assignment.value) })
            .collect(),
        redirects: command
            .redirects
            .into_iter()
            .map(|redirect| wire::ScriptRedirect {
                operator: redirect.operator,
                descriptor: redirect.descriptor,
                target: word(redirect.target),
            })
            .collect(),
        depth: command.depth,
        via: command.via,
    };
    wire::ScriptInfo { commands: script.commands.into_iter().map(command).collect(), opaque: script.opaque }
}

// What is loaded.

fn kinds(of: &[plugin::Kind]) -> Vec<wire::PluginKind> {
    of.iter()
        .map(|kind| match kind {
            plugin::Kind::Policy => wire::PluginKind::Policy,
            plugin::Kind::Filter => wire::PluginKind::Filter,
            plugin::Kind::Summary => wire::PluginKind::Summary,
        })
        .collect()
}

/// What `initialize` tells of plugins.
pub(crate) fn introduced(
    plugins: &Plugins,
) -> (Vec<wire::PluginInfo>, Vec<String>, Option<wire::PolicyInfo>) {
    let Standing { set, failure } = plugins.standing();
    let config_file = plugins.file().map(|file| file.display().to_string());
    let infos = set.iter().flat_map(|set| &set.plugins).map(|Loaded { plugin, .. }| wire::PluginInfo {
        name: plugin.name().to_owned(),
        kinds: kinds(plugin.kinds()),
        sha256: plugin.digest().to_owned(),
        generation: plugin.generation(),
    });
    let views = set.iter().flat_map(|set| set.views.keys().cloned()).collect();
    let policy = config_file.is_some().then(|| wire::PolicyInfo {
        default: set.as_ref().map_or(wire::Verdict::Deny, |set| verdict(set.policies.default)),
        config_file,
        generation: set.as_ref().map_or(0, |set| set.generation),
        failure: failure.map(|failure| failure.to_string()),
    });
    (infos.collect(), views, policy)
}

/// The answer to `plugin/list`.
pub(crate) fn plugin_list(plugins: &Plugins) -> wire::PluginListResult {
    let Standing { set, failure } = plugins.standing();
    // Figures that guard nothing.
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let counts = &plugins.counts;
    wire::PluginListResult {
        generation: set.as_ref().map_or(0, |set| set.generation),
        config_file: plugins.file().map(|file| file.display().to_string()),
        failure: failure.map(|failure| failure.to_string()),
        default: set.as_ref().map_or(wire::Verdict::Deny, |set| verdict(set.policies.default)),
        decisions: wire::DecisionCounts {
            allowed: count(&counts.allowed),
            denied: count(&counts.denied),
            failed: count(&counts.failed),
            asked: count(&counts.asked),
        },
        spawns: count(&counts.spawns),
        plugins: set.iter().flat_map(|set| &set.plugins).map(plugin_entry).collect(),
        views: set
            .iter()
            .flat_map(|set| &set.views)
            .map(|(name, filters)| wire::ViewEntry {
                name: name.clone(),
                filters: filters.iter().map(|filter| filter.name().to_owned()).collect(),
            })
            .collect(),
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn plugin_entry(loaded: &Loaded) -> wire::PluginEntry {
    let Loaded { plugin, ingest } = loaded;
    let (spec, figures) = (plugin.spec(), plugin.figures());
    wire::PluginEntry {
        name: plugin.name().to_owned(),
        kinds: kinds(plugin.kinds()),
        version: plugin.inspection().wit_version.clone(),
        sha256: plugin.digest().to_owned(),
        source: match &spec.source {
            Source::File(path) => path.display().to_string(),
            Source::Builtin { name, .. } => format!("builtin:{name}"),
        },
        generation: plugin.generation(),
        ingest: *ingest,
        switched_off: plugin.is_switched_off(),
        grants: wire::PluginGrants {
            env: spec.grants.env.clone(),
            read: spec.grants.read.iter().map(|path| path.display().to_string()).collect(),
        },
        limits: wire::PluginLimits {
            time_ms: millis(spec.limits.time),
            init_time_ms: millis(spec.limits.init_time),
            summary_time_ms: millis(spec.limits.summary_time),
            memory_bytes: spec.limits.memory_bytes,
            output_bytes: spec.limits.output_bytes,
            component_bytes: spec.limits.component_bytes,
        },
        calls: figures.calls,
        faults: figures.faults,
        p50_us: micros(figures.p50),
        p99_us: micros(figures.p99),
        bytes_in: figures.bytes_in,
        bytes_out: figures.bytes_out,
        masked: figures.masked,
    }
}

pub(crate) fn reload_reply(set: &PluginSet) -> Reply {
    Reply::PluginReload(wire::PluginReloadResult { generation: set.generation, plugins: set.plugins.len() })
}

// Summaries.

pub(crate) fn summary_reply(
    process_id: ProcessId,
    plugin: &str,
    report: Result<Option<Report>, Box<Fault>>,
    exit: Option<Exit>,
    dropped_bytes: u64,
) -> Outcome {
    let report = report.map_err(|fault| {
        let message = format!("plugin `{}` failed at its summary: {}", fault.plugin, fault.message);
        // A plugin that refuses in words refuses what it was asked: its options.
        let kind = match fault.kind {
            FaultKind::Failure => ErrorKind::InvalidParams,
            _ => ErrorKind::PolicyFailed,
        };
        ErrorObject::new(kind, message).with("plugin", fault.plugin.as_str()).with("cause", fault.kind.word())
    })?;
    let recognised = report.is_some();
    let Report { text, diagnostics, notes } = report.unwrap_or_default();
    Ok(Reply::ProcessSummary(wire::SummaryResult {
        process_id,
        plugin: plugin.to_owned(),
        recognised,
        text,
        diagnostics: diagnostics.into_iter().map(diagnostic).collect(),
        notes,
        exit_code: exit.map(|exit| exit.code),
        dropped_bytes,
    }))
}

fn diagnostic(found: plugin::Diagnostic) -> wire::Diagnostic {
    wire::Diagnostic {
        severity: found.severity,
        message: found.message,
        path: found.path,
        line: found.line,
        column: found.column,
        code: found.code,
        at: found
            .at
            .map(|(channel, offset)| wire::OutputPlace { stream: stream(of_channel(channel)), offset }),
    }
}

/// The stream of a channel; both in one come as standard output.
fn of_channel(channel: plugin::Channel) -> Stream {
    match channel {
        plugin::Channel::Stdout | plugin::Channel::Merged => Stream::Stdout,
        plugin::Channel::Stderr => Stream::Stderr,
        plugin::Channel::Pty => Stream::Pty,
    }
}
