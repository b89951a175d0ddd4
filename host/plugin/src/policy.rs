//! The policy chain: who is asked in which order, and what comes out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::bindings::weir::plugin::types;
use crate::fault::{Fault, Hook};
use crate::plugin::Plugin;
use crate::script::Script;
use crate::spec::OnFailure;

/// A command as it is asked for, or as it would run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Program and arguments; not empty.
    pub argv: Vec<String>,
    /// The directory: absolute.
    pub cwd: String,
    /// The variables that the caller sets itself, in its order.
    pub env: Vec<(String, String)>,
}

/// Who asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// The client's session.
    pub session: String,
    /// The client's name.
    pub client: String,
    /// Whether somebody can be asked.
    pub interactive: bool,
    /// Whether the command gets a terminal.
    pub tty: bool,
    /// What the client attached to the command.
    pub metadata: Vec<(String, String)>,
}

/// What the host knows of a command beyond what was asked.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The file that `argv[0]` resolves to.
    pub program: Option<String>,
    /// What the command means.
    pub script: Script,
    /// The child's whole environment; each plugin sees of it what it is granted.
    pub env: Arc<Vec<(String, String)>>,
}

/// What a policy says, from the most lenient to the strictest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// No opinion.
    Pass,
    /// May run.
    Allow,
    /// A person has to decide.
    Ask,
    /// Must not run.
    Deny,
}

impl Verdict {
    /// `pass`, `allow`, `ask` or `deny`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

/// Changes that a policy makes to a command. What is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patch {
    /// The whole new argv.
    pub argv: Option<Vec<String>>,
    /// The new directory.
    pub cwd: Option<String>,
    /// Variables to set, in this order, over those that the command has.
    pub env_set: Vec<(String, String)>,
    /// Names of variables to take away, before `env_set` is applied.
    pub env_unset: Vec<String>,
}

/// The policies that each command passes, in their order. Empty: the default decides.
#[derive(Debug, Clone)]
pub struct PolicyChain {
    /// In configured order; all of them are configured as policies.
    pub policies: Vec<Arc<Plugin>>,
    /// What holds if nobody has an opinion. `Pass` is taken as `Deny`: somebody has to decide.
    pub default: Verdict,
}

/// What came out.
#[derive(Debug, Clone)]
pub struct Ruling {
    /// `Allow`, `Deny` or `Ask`; never `Pass`.
    pub verdict: Verdict,
    /// Who said so: the first of those who said the strictest. `None`: nobody, the default held.
    pub decider: Option<Decider>,
    /// The command as it was asked for.
    pub asked: Command,
    /// The command as it would run, with every patch.
    pub command: Command,
    /// Names of inherited variables that a patch takes away: the command must not get them.
    pub env_unset: Vec<String>,
    /// All answers, in the order in which they were given.
    pub opinions: Vec<Opinion>,
    /// The fault, if it is one that decided.
    pub fault: Option<Fault>,
}

/// Who decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decider {
    /// The plugin's name.
    pub plugin: String,
    /// The plugin's own identifier of the rule that led to it.
    pub rule: Option<String>,
    /// Why, in words.
    pub reason: Option<String>,
}

/// One plugin's answer in one pass.
#[derive(Debug, Clone)]
pub struct Opinion {
    /// The plugin's name.
    pub plugin: String,
    /// 1, or 2 for the final pass over a command that was patched.
    pub pass: u8,
    /// What it said; `None` if it failed.
    pub verdict: Option<Verdict>,
    /// The plugin's own identifier of the rule that led to it.
    pub rule: Option<String>,
    /// Why, in words.
    pub reason: Option<String>,
    /// How it changed the command.
    pub patch: Option<Patch>,
    /// How long it took, with making an instance if there was none.
    pub time: Duration,
    /// How it failed.
    pub fault: Option<Fault>,
    /// Anything else it said.
    pub notes: Vec<(String, String)>,
}

/// What a policy can ask about while it is called.
pub(crate) struct Invocation {
    pub(crate) context: Arc<Context>,
    pub(crate) facts: Arc<Facts>,
    pub(crate) final_pass: bool,
}

/// The command on its way through the chain.
struct Passage<'a> {
    context: Arc<Context>,
    facts_of: &'a (dyn Fn(&Command) -> Facts + Send + Sync),
    command: Command,
    env_unset: Vec<String>,
    /// What policies are told of the command as it is now; made when the next one is asked.
    told: Option<(Arc<Facts>, Arc<types::Command>)>,
    opinions: Vec<Opinion>,
    strictest: Option<(Verdict, usize)>,
}

impl PolicyChain {
    /// Asks every policy in order. A patch applies at once, so that later ones see the patched command, and brings one
    /// more pass of all over what came out, in which another patch is a fault. The strictest of all opinions holds:
    /// deny, ask, allow, pass. A fault counts as a deny, or, where the plugin is so configured and somebody can be
    /// asked, as an ask.
    ///
    /// Stops at the first deny unless `all` opinions are wanted. `facts` is asked once for each version of the command,
    /// and not at all if there are no policies. Dropping the future costs an instance and decides nothing.
    pub async fn decide(
        &self,
        command: Command,
        context: &Context,
        facts: &(dyn Fn(&Command) -> Facts + Send + Sync),
        all: bool,
    ) -> Ruling {
        let asked = command.clone();
        let mut passage = Passage {
            context: Arc::new(context.clone()),
            facts_of: facts,
            command,
            env_unset: Vec::new(),
            told: None,
            opinions: Vec::with_capacity(self.policies.len()),
            strictest: None,
        };
        let patched = passage.run(&self.policies, false, all).await;
        if patched && (all || !passage.is_denied()) {
            passage.run(&self.policies, true, all).await;
        }
        passage.ruling(asked, self.default)
    }
}

impl Passage<'_> {
    /// One pass. True if somebody patched the command.
    async fn run(&mut self, policies: &[Arc<Plugin>], final_pass: bool, all: bool) -> bool {
        let mut patched = false;
        for plugin in policies {
            let (facts, command) = self.told();
            let context = Arc::clone(&self.context);
            let started = Instant::now();
            let answer = plugin.check(&command, Invocation { context, facts, final_pass }).await;
            let opinion = opinion(plugin, answer, final_pass, started.elapsed());
            if let Some(patch) = &opinion.patch {
                patch.apply(&mut self.command, &mut self.env_unset);
                (patched, self.told) = (true, None);
            }
            self.take(plugin, opinion);
            if self.is_denied() && !all {
                break;
            }
        }
        patched
    }

    fn told(&mut self) -> (Arc<Facts>, Arc<types::Command>) {
        let told =
            self.told.take().unwrap_or_else(|| (Arc::new(self.facts()), Arc::new(to_wit(&self.command))));
        self.told.insert(told).clone()
    }

    fn take(&mut self, plugin: &Plugin, opinion: Opinion) {
        let verdict = opinion.verdict.unwrap_or(match plugin.spec().on_failure {
            OnFailure::Ask if self.context.interactive => Verdict::Ask,
            OnFailure::Ask | OnFailure::Deny => Verdict::Deny,
        });
        if self.strictest.is_none_or(|(strictest, _)| verdict > strictest) {
            self.strictest = Some((verdict, self.opinions.len()));
        }
        self.opinions.push(opinion);
    }

    fn is_denied(&self) -> bool {
        self.strictest.is_some_and(|(verdict, _)| verdict == Verdict::Deny)
    }

    /// The host computes them from the command alone, which cannot say what is taken away from what it inherits.
    fn facts(&self) -> Facts {
        let mut facts = (self.facts_of)(&self.command);
        let is_set = |name: &String| self.command.env.iter().any(|(set, _)| set == name);
        if self.env_unset.iter().any(|name| !is_set(name)) {
            let kept = |name: &String| !self.env_unset.contains(name) || is_set(name);
            facts.env = Arc::new(facts.env.iter().filter(|(name, _)| kept(name)).cloned().collect());
        }
        facts
    }

    fn ruling(self, asked: Command, default: Verdict) -> Ruling {
        let default = if default == Verdict::Pass { Verdict::Deny } else { default };
        let (verdict, decider) = match self.strictest {
            Some((verdict, index)) if verdict != Verdict::Pass => (verdict, self.opinions.get(index)),
            _ => (default, None),
        };
        Ruling {
            verdict,
            fault: decider.and_then(|opinion| opinion.fault.clone()),
            decider: decider.map(|opinion| Decider {
                plugin: opinion.plugin.clone(),
                rule: opinion.rule.clone(),
                reason: opinion
                    .reason
                    .clone()
                    .or_else(|| opinion.fault.as_ref().map(|fault| fault.message.clone())),
            }),
            asked,
            command: self.command,
            env_unset: self.env_unset,
            opinions: self.opinions,
        }
    }
}

impl Patch {
    /// Changes the command; `env_unset` gathers names that are taken away from what it inherits.
    fn apply(&self, command: &mut Command, env_unset: &mut Vec<String>) {
        if let Some(argv) = &self.argv {
            command.argv.clone_from(argv);
        }
        if let Some(cwd) = &self.cwd {
            command.cwd.clone_from(cwd);
        }
        command.env.retain(|(name, _)| !self.env_unset.contains(name));
        for name in &self.env_unset {
            if !env_unset.contains(name) {
                env_unset.push(name.clone());
            }
        }
        for (name, value) in &self.env_set {
            env_unset.retain(|unset| unset != name);
            command.env.retain(|(known, _)| known != name);
            command.env.push((name.clone(), value.clone()));
        }
    }

    fn from_wit(patch: types::Patch) -> Self {
        let types::Patch { argv, cwd, env_set, env_unset } = patch;
        Self { argv, cwd, env_set, env_unset }
    }

    /// What is wrong with it, if something is.
    fn problem(&self) -> Option<String> {
        let has_nul = |text: &String| text.contains('\0');
        let bad_name = |name: &String| name.is_empty() || name.contains(['=', '\0']);
        let names = self.env_set.iter().map(|(name, _)| name).chain(&self.env_unset);
        if self.argv.as_ref().is_some_and(Vec::is_empty) {
            return Some(String::from("a patch with an empty `argv`, expected a program at least"));
        }
        if self
            .argv
            .iter()
            .flatten()
            .chain(&self.cwd)
            .chain(self.env_set.iter().map(|(_, value)| value))
            .any(has_nul)
        {
            return Some(String::from("a patch with a NUL byte, expected text that a command can be given"));
        }
        if let Some(cwd) = self.cwd.as_ref().filter(|cwd| !std::path::Path::new(cwd).is_absolute()) {
            return Some(format!("a patch with the `cwd` `{cwd}`, expected an absolute path"));
        }
        if let Some(name) = names.into_iter().find(|name| bad_name(name)) {
            let name = name.escape_debug();
            return Some(format!("a patch of a variable `{name}`, expected a name without `=` and NUL"));
        }
        None
    }
}

/// What is wrong with a decision, if something is: what the types cannot say.
pub(crate) fn problem(decision: &types::Decision, final_pass: bool) -> Option<String> {
    let patch = decision.patch.as_ref()?;
    if final_pass {
        return Some(String::from("a patch in the final pass, expected a verdict alone"));
    }
    if !matches!(decision.verdict, types::Verdict::Allow | types::Verdict::Ask) {
        let verdict = from_wit(decision.verdict);
        return Some(format!("a patch with the verdict `{verdict}`, expected `allow` or `ask`"));
    }
    Patch::from_wit(patch.clone()).problem()
}

fn opinion(
    plugin: &Plugin,
    answer: Result<types::Decision, Box<Fault>>,
    final_pass: bool,
    time: Duration,
) -> Opinion {
    let mut opinion = Opinion {
        plugin: plugin.name().to_owned(),
        pass: if final_pass { 2 } else { 1 },
        verdict: None,
        rule: None,
        reason: None,
        patch: None,
        time,
        fault: None,
        notes: Vec::new(),
    };
    match answer {
        Ok(decision) => {
            opinion.verdict = Some(from_wit(decision.verdict));
            opinion.rule = decision.rule;
            opinion.reason = decision.reason;
            opinion.patch = decision.patch.map(Patch::from_wit);
            opinion.notes = decision.notes;
        }
        Err(fault) => opinion.fault = Some(*fault),
    }
    opinion
}

fn from_wit(verdict: types::Verdict) -> Verdict {
    match verdict {
        types::Verdict::Pass => Verdict::Pass,
        types::Verdict::Allow => Verdict::Allow,
        types::Verdict::Deny => Verdict::Deny,
        types::Verdict::Ask => Verdict::Ask,
    }
}

fn to_wit(command: &Command) -> types::Command {
    types::Command { argv: command.argv.clone(), cwd: command.cwd.clone(), env: command.env.clone() }
}

impl Plugin {
    /// Asks one policy, on a warm instance if there is one.
    async fn check(
        &self,
        command: &types::Command,
        invocation: Invocation,
    ) -> Result<types::Decision, Box<Fault>> {
        self.account().check_switched_on(Hook::Check)?;
        let final_pass = invocation.final_pass;
        let _turn = self.workers().turn().await;
        // Others may have failed while this one waited: a queue before a plugin that hangs must not hang with it.
        self.account().check_switched_on(Hook::Check)?;
        let mut guest = match self.workers().take() {
            Some(guest) => guest,
            None => self.blueprint().guest(crate::Kind::Policy).await?,
        };
        let decision = guest.check(command, invocation).await?;
        if let Some(problem) = problem(&decision, final_pass) {
            return Err(guest.broke_a_rule(Hook::Check, problem));
        }
        self.workers().put_back(guest);
        Ok(decision)
    }
}
