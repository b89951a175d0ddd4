//! `weir policy check`: what the policies say of a command, without running it.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use weir_process::{Command, Leftovers, Limits, Output, ProcessOptions, Retention, StdinSource, Variable};
use weir_protocol::{
    OutputEncoding, PluginVerdict, PolicyCheckResult, Reply, ScriptCommand, ScriptWord, Verdict,
};

use super::{CheckArgs, OWN_FAULT, PluginArgs, caller, host_config};
use crate::convert::StartSpec;
use crate::host::Host;
use crate::pipeline;

/// How the verdict shows in the exit code.
const DENIED: u8 = 1;
const ASKED: u8 = 3;

pub(super) fn check(args: &CheckArgs, plugins: &PluginArgs) -> anyhow::Result<ExitCode> {
    let cwd = match &args.cwd {
        Some(cwd) => std::path::absolute(cwd).context("cannot tell the directory")?,
        None => std::env::current_dir().context("cannot tell this directory")?,
    };
    let host = Host::start(host_config(None, plugins)?)?;
    let shared = host.shared();
    let spec = to_judge(&host, args.command.clone(), cwd, super::run::environment(false, true));
    let checked = host.runtime().block_on(pipeline::check(
        shared,
        &spec,
        &caller("weir policy check", None),
        args.explain,
    ));
    let result = match checked {
        Ok(Reply::PolicyCheck(result)) => result,
        Ok(_) => bail!("the host gave another answer than was asked for"),
        Err(error) => bail!("{}", error.message()),
    };
    if args.json {
        let mut json = serde_json::to_vec_pretty(&*result)?;
        json.push(b'\n');
        print(&json)?;
    } else {
        print(told(&result, plugins.file().is_none()).as_bytes())?;
    }
    if result.failure.is_some() {
        return Ok(ExitCode::from(OWN_FAULT));
    }
    Ok(match result.verdict {
        Verdict::Allow => ExitCode::SUCCESS,
        Verdict::Deny => ExitCode::from(DENIED),
        Verdict::Ask => ExitCode::from(ASKED),
    })
}

/// A command that is judged and not run, with the variables of this process.
pub(super) fn to_judge(host: &Host, argv: Vec<OsString>, cwd: PathBuf, env: Vec<Variable>) -> StartSpec {
    let config = &host.shared().config;
    StartSpec {
        argv: argv.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
        command: Command {
            argv,
            arg0: None,
            cwd: Some(cwd),
            env,
            stdin: StdinSource::Null,
            output: Output::Separate,
            limits: Limits::default(),
        },
        options: ProcessOptions {
            retention: Retention::default(),
            timeout: None,
            idle_timeout: None,
            leftovers: Leftovers::Keep,
            grace: config.grace,
            max_stdin_bytes: config.max_stdin_bytes,
            watch_input: false,
            followed: false,
        },
        given_env: Vec::new(),
        metadata: Arc::from([]),
        encoding: OutputEncoding::Utf8,
        view: None,
    }
}

#[expect(clippy::disallowed_methods, reason = "no connection uses standard output here")]
pub(super) fn print(bytes: &[u8]) -> std::io::Result<()> {
    let mut stdout = std::io::stdout();
    stdout.write_all(bytes)?;
    stdout.flush()
}

/// The answer for people: the verdict first, then why, then what was seen and who said what.
fn told(result: &PolicyCheckResult, unconfigured: bool) -> String {
    let mut text = String::new();
    let decision = &result.decision;
    let by = match (&decision.plugin, &decision.rule) {
        (Some(plugin), Some(rule)) => format!(" by `{plugin}`, rule `{rule}`"),
        (Some(plugin), None) => format!(" by `{plugin}`"),
        (None, _) if result.failure.is_some() => String::new(),
        (None, _) if unconfigured => " since no plugins are configured".to_owned(),
        (None, _) => " by default: no policy has an opinion".to_owned(),
    };
    put(&mut text, format_args!("{}{by}", word(result.verdict)));
    if let Some(reason) = &decision.reason {
        put(&mut text, format_args!("  {reason}"));
    }
    if let Some(failure) = &result.failure {
        put(&mut text, format_args!("  failed ({}): {}", failure.cause, failure.message));
    }
    if let Some(asked) = &decision.asked {
        put(&mut text, format_args!("  asked for: {}", asked.argv.join(" ")));
        put(&mut text, format_args!("  would run: {} in {}", result.argv.join(" "), result.cwd));
    }
    if let Some(script) = &result.script {
        put(&mut text, format_args!("\nseen in the command:"));
        for command in &script.commands {
            put(&mut text, format_args!("  {}", seen(command)));
        }
        for why in &script.opaque {
            put(&mut text, format_args!("  not seen through: {why}"));
        }
    }
    if let Some(opinions) = &result.opinions {
        put(&mut text, format_args!("\npolicies:"));
        for opinion in opinions {
            let verdict = match (&opinion.verdict, &opinion.fault) {
                (Some(verdict), _) => format!("{verdict:?}").to_lowercase(),
                (None, Some(fault)) => format!("failed ({}): {}", fault.kind, fault.message),
                (None, None) => "failed".to_owned(),
            };
            let rule = opinion.rule.as_ref().map(|rule| format!(" (`{rule}`)")).unwrap_or_default();
            let patch = if opinion.patch.is_some() { ", rewrites the command" } else { "" };
            let pass = if opinion.pass > 1 { " again, of the final command" } else { "" };
            put(
                &mut text,
                format_args!("  {}{pass}: {verdict}{rule}{patch}, {} µs", opinion.plugin, opinion.time_us),
            );
            if let Some(reason) =
                opinion.reason.as_ref().filter(|_| opinion.verdict == Some(PluginVerdict::Pass))
            {
                put(&mut text, format_args!("    {reason}"));
            }
        }
    }
    text
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "allow",
        Verdict::Deny => "deny",
        Verdict::Ask => "ask",
    }
}

/// A simple command on one line: what is not literal stands in braces.
fn seen(command: &ScriptCommand) -> String {
    let word = |word: &ScriptWord| match (word.literal, word.text.is_empty()) {
        (true, true) => "''".to_owned(),
        (true, false) => word.text.escape_debug().to_string(),
        (false, _) => format!("{{{}}}", word.text.escape_debug()),
    };
    let mut parts: Vec<String> = Vec::new();
    for assignment in &command.assignments {
        parts.push(format!("{}={}", assignment.name, word(&assignment.value)));
    }
    parts.extend(command.argv.iter().map(word));
    for redirect in &command.redirects {
        let descriptor = redirect.descriptor.map(|number| number.to_string()).unwrap_or_default();
        parts.push(format!("{descriptor}{} {}", redirect.operator, word(&redirect.target)));
    }
    let mut line = format!("{}{}", "  ".repeat(command.depth as usize), parts.join(" "));
    if let Some(program) = &command.program {
        line.push_str(&format!("   -> {program}"));
    }
    if !command.via.is_empty() {
        line.push_str(&format!("   (via {})", command.via.join(", ")));
    }
    line
}
