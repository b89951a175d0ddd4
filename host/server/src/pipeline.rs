//! The one way from a request to a running process: judged by the policies, asked about if they want that, spawned with
//! the filters on its streams. Every method that starts something goes through [`start`], every one that only wants to
//! know goes through [`judge`].

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::info;
use weir_plugin::{
    Channel, Command, Context, Decider, Facts, Fault, FaultKind, Ruling, StreamFacts, Verdict,
};
use weir_process::{Ingest, Output, Process, StartError, Stream, Variable};
use weir_protocol::{AskDecision, AskParams, ProcessId};
use weir_shell::Setting;

use crate::convert::{self, StartSpec};
use crate::host::Shared;
use crate::ingest::Filtered;
use crate::outbox::Outcome;
use crate::plugins::file::ConfigError;
use crate::plugins::{Counts, PluginSet};
use crate::questions::{Answer, Exactly, Questions};

/// Who wants something to run.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) session: Arc<str>,
    pub(crate) client: Arc<str>,
    pub(crate) questions: Arc<Questions>,
}

/// A process that runs, and on whose word.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) process: Process,
    pub(crate) decision: Decision,
    /// What really runs.
    pub(crate) argv: Arc<[String]>,
    /// The plugins that hold for it, for as long as it is known.
    pub(crate) plugins: Arc<PluginSet>,
    /// What its plugins may know of it.
    pub(crate) facts: Arc<ProcessFacts>,
}

/// The largest command that policies are asked about.
const MAX_WORDS: usize = 16_384;
const MAX_WORD_BYTES: usize = 1 << 20;

/// What filters and summaries may know of a process.
#[derive(Debug, Clone)]
pub(crate) struct ProcessFacts {
    pub(crate) process_id: String,
    pub(crate) argv: Vec<String>,
    pub(crate) cwd: String,
    pub(crate) env: Arc<Vec<(String, String)>>,
    /// Both streams share a pipe.
    pub(crate) merged: bool,
    pub(crate) metadata: Vec<(String, String)>,
}

/// Who let a command run, or would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) verdict: Verdict,
    pub(crate) by: DecidedBy,
    pub(crate) decider: Option<Decider>,
    /// The command that was asked for, if another one runs.
    pub(crate) asked: Option<(Vec<String>, String)>,
    pub(crate) generation: u64,
    /// Whether there is anything that decides.
    pub(crate) judged: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DecidedBy {
    Default,
    Plugin,
    User,
    Remembered,
}

/// Why nothing runs.
#[derive(Debug)]
pub(crate) enum StartFailure {
    /// Somebody said no.
    Denied(Box<Denial>),
    /// Somebody who should have decided could not.
    PolicyFailed(Box<Fault>),
    /// There is a configuration, and it does not hold.
    NotConfigured(Arc<ConfigError>),
    /// Its output is wanted as a view that there is not.
    NoSuchView(String, Arc<PluginSet>),
    /// It was let run, and does not.
    Spawn(StartError),
}

/// A no.
#[derive(Debug)]
pub(crate) struct Denial {
    pub(crate) plugin: Option<String>,
    pub(crate) rule: Option<String>,
    pub(crate) reason: String,
}

/// What the policies say of a command.
#[derive(Debug)]
pub(crate) struct Judgement {
    pub(crate) ruling: Ruling,
    pub(crate) plugins: Arc<PluginSet>,
}

/// Judges what was asked for and runs it. `spawning` is told right before the spawn and may still stop it. Dropping the
/// future ends what it has started, and withdraws a question that waits.
pub(crate) async fn start(
    host: &Shared,
    mut spec: StartSpec,
    id: &ProcessId,
    caller: &Caller,
    spawning: impl FnOnce() -> bool,
) -> Result<Started, StartFailure> {
    let counts = &host.plugins.counts;
    let (Judgement { ruling, plugins }, decision) =
        decide(host, &spec, id, caller).await.inspect_err(|failure| {
            match failure {
                StartFailure::Denied(_) => Counts::one(&counts.denied),
                // Nothing was decided.
                StartFailure::NoSuchView(..) => {}
                _ => Counts::one(&counts.failed),
            }
            audit_refusal(&spec, failure);
        })?;
    apply(&ruling, &mut spec);
    if !spawning() {
        let reason = "the start was cancelled".to_owned();
        return Err(StartFailure::Denied(Box::new(Denial { plugin: None, rule: None, reason })));
    }
    Counts::one(&counts.allowed);
    let facts = Arc::new(ProcessFacts {
        process_id: id.to_string(),
        argv: ruling.command.argv.clone(),
        cwd: ruling.command.cwd.clone(),
        env: Arc::new(texts(&spec.command.env)),
        merged: spec.command.output == Output::Merged,
        metadata: spec.metadata.to_vec(),
    });
    let ingest = |stream: Stream| -> Option<Box<dyn Ingest>> {
        let chain = plugins.ingest.as_ref()?;
        Some(Box::new(Filtered(chain.open(facts.of_stream(stream, false)))))
    };
    Counts::one(&counts.spawns);
    let process = Process::start(&host.cells, &host.store, spec.command, spec.options, ingest)
        .await
        .map_err(StartFailure::Spawn)?;
    audit_start(&process, &decision, &ruling.command);
    Ok(Started { process, decision, argv: ruling.command.argv.into(), plugins, facts })
}

/// What the policies say, without asking anybody and without running anything. With `all`, everybody is heard even after
/// a deny.
pub(crate) async fn judge(
    host: &Shared,
    spec: &StartSpec,
    caller: &Caller,
    all: bool,
) -> Result<Judgement, StartFailure> {
    let plugins = host.plugins.current().await.map_err(StartFailure::NotConfigured)?;
    let command = asked(spec);
    refuse_size(&plugins, &command)?;
    refuse_masks(host, &command)?;
    let context = Context {
        session: caller.session.to_string(),
        client: caller.client.to_string(),
        interactive: caller.questions.is_open(),
        tty: matches!(spec.command.output, Output::Terminal(_)),
        metadata: spec.metadata.to_vec(),
    };
    let facts = |command: &Command| facts(spec, command);
    let ruling = plugins.policies.decide(command, &context, &facts, all).await;
    refuse_masks(host, &ruling.command)?;
    Ok(Judgement { ruling, plugins })
}

/// Answers `policy/check`: what a start would come to, as far as that can be told without asking anybody.
pub(crate) async fn check(host: &Shared, spec: &StartSpec, caller: &Caller, explain: bool) -> Outcome {
    let judged = judge(host, spec, caller, explain).await;
    let script = explain.then(|| facts(spec, &asked(spec)).script);
    convert::check_reply(spec, &asked(spec), judged, script)
}

async fn decide(
    host: &Shared,
    spec: &StartSpec,
    id: &ProcessId,
    caller: &Caller,
) -> Result<(Judgement, Decision), StartFailure> {
    let judgement = judge(host, spec, caller, false).await?;
    // Nobody is asked about what will not run.
    if let Some(view) = &spec.view
        && !judgement.plugins.views.contains_key(view)
    {
        return Err(StartFailure::NoSuchView(view.clone(), judgement.plugins));
    }
    let mut decision = Decision::of(&judgement);
    match judgement.ruling.verdict {
        Verdict::Allow => Ok((judgement, decision)),
        Verdict::Ask => {
            Counts::one(&host.plugins.counts.asked);
            let ruling = &judgement.ruling;
            let (exactly, question) = (exactly(&judgement, spec), question(&judgement, id));
            match caller.questions.ask(question, exactly, judgement.plugins.ask_timeout).await {
                Answer::Given { allow: true, remembered, .. } => {
                    decision.verdict = Verdict::Allow;
                    decision.by = if remembered { DecidedBy::Remembered } else { DecidedBy::User };
                    Ok((judgement, decision))
                }
                Answer::Given { allow: false, reason, .. } => {
                    let reason = reason.unwrap_or_else(|| "the user said no".to_owned());
                    Err(denial(ruling, reason))
                }
                Answer::None(why) => match &ruling.fault {
                    Some(fault) => Err(StartFailure::PolicyFailed(Box::new(fault.clone()))),
                    None => {
                        let asked = ruling.decider.as_ref().and_then(|decider| decider.reason.clone());
                        let asked = asked.unwrap_or_else(|| undecided(ruling));
                        let asked = if asked.is_empty() { asked } else { format!(" ({asked})") };
                        Err(denial(ruling, format!("it has to be asked about{asked}, and {why}")))
                    }
                },
            }
        }
        Verdict::Deny | Verdict::Pass => Err(refusal(&judgement.ruling)),
    }
}

/// A ruling that is a no, as a failure.
pub(crate) fn refusal(ruling: &Ruling) -> StartFailure {
    match &ruling.fault {
        Some(fault) => StartFailure::PolicyFailed(Box::new(fault.clone())),
        None => {
            let reason = ruling.decider.as_ref().and_then(|decider| decider.reason.clone());
            let reason = reason.unwrap_or_else(|| match &ruling.decider {
                Some(decider) => format!("plugin `{}` denies it", decider.plugin),
                None => format!("the default is to deny, and {}", undecided(ruling)),
            });
            denial(ruling, reason)
        }
    }
}

/// Why the default holds: what the policies said who had no opinion.
fn undecided(ruling: &Ruling) -> String {
    let passes = ruling.opinions.iter().filter(|opinion| opinion.verdict == Some(Verdict::Pass));
    let reasons =
        passes.filter_map(|opinion| Some(format!("`{}`: {}", opinion.plugin, opinion.reason.as_ref()?)));
    let mut reasons: Vec<String> = reasons.collect();
    reasons.dedup();
    let none = "no policy has an opinion";
    if reasons.is_empty() { none.to_owned() } else { format!("{none}: {}", reasons.join("; ")) }
}

fn denial(ruling: &Ruling, reason: String) -> StartFailure {
    let decider = ruling.decider.as_ref();
    StartFailure::Denied(Box::new(Denial {
        plugin: decider.map(|decider| decider.plugin.clone()),
        rule: decider.and_then(|decider| decider.rule.clone()),
        reason,
    }))
}

/// A command of a size that nobody types is not put to policies: who sends it could make them miss their deadlines, and
/// have them switched off for everybody.
fn refuse_size(plugins: &PluginSet, command: &Command) -> Result<(), StartFailure> {
    let bytes: usize = command.argv.iter().map(String::len).sum();
    if !plugins.judges() || (command.argv.len() <= MAX_WORDS && bytes <= MAX_WORD_BYTES) {
        return Ok(());
    }
    Err(StartFailure::Denied(Box::new(Denial {
        plugin: None,
        rule: Some("size".to_owned()),
        reason: format!(
            "policies judge commands of at most {MAX_WORDS} words and {MAX_WORD_BYTES} bytes, and this one has {} and \
             {bytes}: put its input into a file",
            command.argv.len()
        ),
    })))
}

/// A command with a mask in it would write the mask where the secret belongs.
fn refuse_masks(host: &Shared, command: &Command) -> Result<(), StartFailure> {
    let texts = command.argv.iter().map(String::as_str).chain([command.cwd.as_str()]);
    let texts = texts.chain(command.env.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]));
    match host.plugins.mask_in(texts) {
        None => Ok(()),
        Some(mask) => Err(StartFailure::Denied(Box::new(Denial {
            plugin: None,
            rule: Some("mask".to_owned()),
            reason: format!(
                "the command contains `{mask}`, which stands for a secret that was withheld from the output: it would \
                 be used as if it were the secret; refer to the variable or the file that holds the secret instead"
            ),
        }))),
    }
}

impl Decision {
    pub(crate) fn of(judgement: &Judgement) -> Self {
        let ruling = &judgement.ruling;
        let changed = ruling.asked.argv != ruling.command.argv || ruling.asked.cwd != ruling.command.cwd;
        Self {
            verdict: ruling.verdict,
            by: if ruling.decider.is_some() { DecidedBy::Plugin } else { DecidedBy::Default },
            decider: ruling.decider.clone(),
            asked: changed.then(|| (ruling.asked.argv.clone(), ruling.asked.cwd.clone())),
            generation: judgement.plugins.generation,
            judged: judgement.plugins.judges(),
        }
    }
}

impl ProcessFacts {
    /// What the filters of a stream may know.
    pub(crate) fn of_stream(&self, stream: Stream, view: bool) -> Arc<StreamFacts> {
        Arc::new(StreamFacts {
            process_id: self.process_id.clone(),
            channel: channel(stream, self.merged),
            argv: self.argv.clone(),
            cwd: self.cwd.clone(),
            env: Arc::clone(&self.env),
            view,
            metadata: self.metadata.clone(),
        })
    }
}

pub(crate) fn channel(stream: Stream, merged: bool) -> Channel {
    match stream {
        Stream::Stdout if merged => Channel::Merged,
        Stream::Stdout => Channel::Stdout,
        Stream::Stderr => Channel::Stderr,
        Stream::Pty => Channel::Pty,
    }
}

// From what was asked for to what policies see, and back.

/// The command as it was asked for.
fn asked(spec: &StartSpec) -> Command {
    Command {
        argv: spec.argv.to_vec(),
        cwd: directory(spec).to_string_lossy().into_owned(),
        env: spec.given_env.clone(),
    }
}

fn directory(spec: &StartSpec) -> PathBuf {
    match &spec.command.cwd {
        Some(cwd) => cwd.clone(),
        None => std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
    }
}

/// What the host knows of a command that a policy judges.
fn facts(spec: &StartSpec, command: &Command) -> Facts {
    let mut env = spec.command.env.clone();
    lay_over(&mut env, &command.env);
    let path = env.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_os_str());
    let names: Vec<&OsStr> = env.iter().map(|(name, _)| name.as_os_str()).collect();
    let setting = Setting { cwd: Path::new(&command.cwd), path, env_names: &names };
    let mut script = weir_shell::see_through(&command.argv, &setting);
    // A program that looks at its own name does what the name says.
    if let Some(arg0) = spec.arg0_of(command) {
        script.opaque.push(format!("the program is run under the name `{arg0}`"));
    }
    Facts {
        program: command.argv.first().and_then(|word| weir_shell::resolve(word, &setting)).map(text),
        script: convert::script(script),
        env: Arc::new(texts(&env)),
    }
}

/// Makes the command that was asked for the one that is to run.
fn apply(ruling: &Ruling, spec: &mut StartSpec) {
    let (asked, command) = (&ruling.asked, &ruling.command);
    if asked.argv != command.argv {
        spec.command.argv = command.argv.iter().map(Into::into).collect();
        spec.command.arg0 = None;
    }
    if asked.cwd != command.cwd {
        spec.command.cwd = Some(PathBuf::from(&command.cwd));
    }
    spec.command.env.retain(|(name, _)| !ruling.env_unset.iter().any(|unset| OsStr::new(unset) == name));
    for patch in ruling.opinions.iter().filter_map(|opinion| opinion.patch.as_ref()) {
        spec.command.env.retain(|(name, _)| !patch.env_unset.iter().any(|unset| OsStr::new(unset) == name));
        lay_over(&mut spec.command.env, &patch.env_set);
    }
}

fn lay_over(env: &mut Vec<Variable>, over: &[(String, String)]) {
    for (name, value) in over {
        match env.iter_mut().find(|(known, _)| known == OsStr::new(name)) {
            Some((_, slot)) => *slot = value.into(),
            None => env.push((name.into(), value.into())),
        }
    }
}

fn texts(env: &[Variable]) -> Vec<(String, String)> {
    let text = |text: &OsStr| text.to_string_lossy().into_owned();
    env.iter().map(|(name, value)| (text(name), text(value))).collect()
}

fn text(path: PathBuf) -> String {
    path.to_string_lossy().into_owned()
}

/// Why a command has to be asked about.
pub(crate) fn why_asked(ruling: &Ruling) -> String {
    let reason = ruling.decider.as_ref().and_then(|decider| decider.reason.clone());
    match (&ruling.fault, reason) {
        (Some(fault), _) => format!("plugin `{}` cannot decide: {}", fault.plugin, fault.message),
        (None, Some(reason)) => reason,
        (None, None) => undecided(ruling),
    }
}

fn question(judgement: &Judgement, id: &ProcessId) -> AskParams {
    let ruling = &judgement.ruling;
    let decider = ruling.decider.as_ref();
    AskParams {
        process_id: Some(id.clone()),
        argv: ruling.command.argv.clone(),
        cwd: ruling.command.cwd.clone(),
        plugin: decider.map(|decider| decider.plugin.clone()),
        rule: decider.and_then(|decider| decider.rule.clone()),
        question: why_asked(ruling),
        choices: AskDecision::ALL.to_vec(),
        timeout_ms: judgement.plugins.ask_timeout.as_millis() as u64,
    }
}

fn exactly(judgement: &Judgement, spec: &StartSpec) -> Exactly {
    let command = &judgement.ruling.command;
    Exactly {
        generation: judgement.plugins.generation,
        argv: command.argv.clone(),
        cwd: command.cwd.clone(),
        env: command.env.clone(),
        environment: spec.command.env.clone(),
        arg0: spec.arg0_of(command),
    }
}

// The audit: what was asked, what runs, who decided.

fn audit_start(process: &Process, decision: &Decision, command: &Command) {
    let Decision { by, decider, asked, generation, judged, .. } = decision;
    if !judged {
        // The program alone: arguments may be secrets, and nobody has asked for an audit.
        let program = command.argv.first().map_or("", String::as_str);
        return info!(pid = process.pid(), program, "process started");
    }
    let decider = decider.as_ref();
    info!(
        target: "weir::audit",
        pid = process.pid(),
        argv = ?command.argv,
        cwd = command.cwd,
        asked = ?asked.as_ref().map(|(argv, _)| argv),
        by = ?by,
        plugin = decider.map(|decider| decider.plugin.as_str()),
        rule = decider.and_then(|decider| decider.rule.as_deref()),
        generation,
        "process started"
    );
}

fn audit_refusal(spec: &StartSpec, failure: &StartFailure) {
    match failure {
        StartFailure::Denied(denial) => info!(
            target: "weir::audit",
            argv = ?spec.argv,
            plugin = denial.plugin,
            rule = denial.rule,
            reason = denial.reason,
            "command denied"
        ),
        StartFailure::PolicyFailed(fault) => {
            let kind: FaultKind = fault.kind;
            info!(target: "weir::audit", argv = ?spec.argv, plugin = fault.plugin, kind = kind.word(), "command not judged");
        }
        StartFailure::NotConfigured(error) => {
            info!(target: "weir::audit", argv = ?spec.argv, %error, "command not judged");
        }
        StartFailure::NoSuchView(..) | StartFailure::Spawn(_) => {}
    }
}
