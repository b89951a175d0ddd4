//! `weir hook`: the policies for agents that run commands themselves, and ask a hook before they do.
//!
//! The hook of an agent is a program that reads an event and answers. What an event says and an answer looks like is the
//! dialect's affair (`claude_code.rs`, `cursor.rs`); between them stands the policy chain, as for `process/start`.
//!
//! To these agents a hook that fails is a hook that has no objection, unless it ends with 2. So everything here that goes
//! wrong ends with 2, whatever it is.

mod claude_code;
mod cursor;
mod rewritten;

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Subcommand;
use weir_plugin::{Ruling, Verdict};

use super::policy::{print, to_judge};
use super::{PluginArgs, host_config, person};
use crate::convert;
use crate::host::Host;
use crate::pipeline::{self, Caller, Judgement, StartFailure};
use crate::questions::Questions;

/// What every such agent takes for a no.
const BLOCKED: u8 = 2;

/// The largest event that is read.
const MAX_EVENT_BYTES: u64 = 16 << 20;

/// How these agents run a command line.
const SHELL: [&str; 2] = ["bash", "-c"];

#[derive(Debug, Subcommand)]
pub(super) enum HookCommand {
    /// A `PreToolUse` hook of Claude Code.
    ClaudeCode,
    /// A `beforeShellExecution` hook of Cursor.
    Cursor,
}

/// A command that an agent wants to run.
#[derive(Debug)]
struct Asked {
    /// A line for a shell.
    line: String,
    cwd: Option<PathBuf>,
    session: Option<String>,
}

/// What the policies make of it.
#[derive(Debug)]
enum Answer {
    /// The agent's own rules apply.
    NoOpinion,
    Allow {
        reason: String,
        rewritten: Option<String>,
    },
    /// The agent's user decides.
    Ask {
        reason: String,
        rewritten: Option<String>,
    },
    Deny {
        reason: String,
    },
}

/// From now on a panic blocks too. Gives the status with which everything else that goes wrong has to end.
pub(super) fn fail_closed() -> u8 {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        std::process::exit(BLOCKED.into());
    }));
    BLOCKED
}

pub(super) fn run(command: &HookCommand, plugins: &PluginArgs) -> anyhow::Result<ExitCode> {
    let event = event()?;
    let answer = match command {
        HookCommand::ClaudeCode => claude_code::answer(&event, |asked| judged(asked, "claude-code", plugins)),
        HookCommand::Cursor => cursor::answer(&event, |asked| judged(asked, "cursor", plugins)),
    };
    print(&answer?).context("cannot write the answer")?;
    Ok(ExitCode::SUCCESS)
}

fn event() -> anyhow::Result<Vec<u8>> {
    let mut event = Vec::new();
    let stdin = std::io::stdin().lock();
    stdin.take(MAX_EVENT_BYTES + 1).read_to_end(&mut event).context("cannot read the event")?;
    if event.len() as u64 > MAX_EVENT_BYTES {
        bail!("expected an event of at most {MAX_EVENT_BYTES} bytes on standard input, saw more");
    }
    Ok(event)
}

/// Puts a command to the policies. An error is none of their verdicts: somebody who should have judged could not.
fn judged(asked: Asked, client: &str, plugins: &PluginArgs) -> anyhow::Result<Answer> {
    let cwd = match asked.cwd {
        Some(cwd) if cwd.is_absolute() => cwd,
        Some(cwd) => bail!("`cwd`: expected an absolute path, saw `{}`", cwd.display()),
        None => std::env::current_dir().context("cannot tell this directory")?,
    };
    let caller = Caller {
        session: asked.session.unwrap_or_else(|| "hook".to_owned()).into(),
        client: client.into(),
        // The agent's user can be asked, by the agent.
        questions: Questions::to_person(Some(person::ask)),
    };
    let host = Host::start(host_config(None, plugins)?)?;
    let argv = SHELL.into_iter().chain([asked.line.as_str()]).map(Into::into).collect();
    let spec = to_judge(&host, argv, cwd, std::env::vars_os().collect());
    match host.runtime().block_on(pipeline::judge(host.shared(), &spec, &caller, false)) {
        Ok(judgement) => of(&judgement),
        Err(failure) => refused(&failure),
    }
}

fn of(Judgement { ruling, .. }: &Judgement) -> anyhow::Result<Answer> {
    let rewritten = rewritten::line(ruling);
    match ruling.verdict {
        Verdict::Allow => Ok(match (&ruling.decider, rewritten) {
            (Some(_), rewritten) => Answer::Allow { reason: said(ruling, "allowed"), rewritten },
            // That nobody objects is enough for Weir, which has nobody else to ask; here others may still object.
            (None, None) => Answer::NoOpinion,
            (None, rewritten) => {
                let reason = "it was rewritten by a policy, and none allows the result".to_owned();
                Answer::Ask { reason, rewritten }
            }
        }),
        Verdict::Ask => Ok(Answer::Ask { reason: said(ruling, &pipeline::why_asked(ruling)), rewritten }),
        Verdict::Deny | Verdict::Pass => refused(&pipeline::refusal(ruling)),
    }
}

fn refused(failure: &StartFailure) -> anyhow::Result<Answer> {
    let error = convert::start_failure(failure);
    match failure {
        StartFailure::Denied(_) => Ok(Answer::Deny { reason: error.message().to_owned() }),
        _ => bail!("{}", error.message()),
    }
}

/// Who decided, and why.
fn said(ruling: &Ruling, otherwise: &str) -> String {
    let (Some(decider), None) = (&ruling.decider, &ruling.fault) else { return otherwise.to_owned() };
    let reason = decider.reason.as_deref().unwrap_or(otherwise);
    match &decider.rule {
        Some(rule) => format!("`{}` (rule `{rule}`): {reason}", decider.plugin),
        None => format!("`{}`: {reason}", decider.plugin),
    }
}
