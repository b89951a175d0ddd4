//! A plugin's account: who it is, what it may see, what it has done.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use wildmatch::WildMatch;

use crate::engine::Engine;
use crate::fault::{Fault, FaultKind, Hook};
use crate::spec::PluginSpec;
use figures::Recorder;

pub(crate) mod figures;

/// So many faults …
const FAULTS_MAX: usize = 3;
/// … within so much time switch a plugin off.
const FAULTS_WITHIN: Duration = Duration::from_secs(60);

/// What all instances of a plugin share.
pub(crate) struct Account {
    pub(crate) engine: Engine,
    pub(crate) spec: PluginSpec,
    pub(crate) digest: String,
    pub(crate) figures: Recorder,
    env: Vec<WildMatch>,
    // Held for a few instructions, at a fault and before a call.
    history: Mutex<History>,
}

#[derive(Debug, Default)]
struct History {
    recent: VecDeque<Instant>,
    off: bool,
}

impl Account {
    pub(crate) fn new(engine: Engine, spec: PluginSpec, digest: String) -> Self {
        let env = spec.grants.env.iter().map(|pattern| WildMatch::new(pattern)).collect();
        Self { engine, spec, digest, figures: Recorder::default(), env, history: Mutex::default() }
    }

    /// What of an environment is granted.
    pub(crate) fn granted(&self, env: &[(String, String)]) -> Vec<(String, String)> {
        if self.env.is_empty() {
            return Vec::new();
        }
        let granted = |name: &str| self.env.iter().any(|pattern| pattern.matches(name));
        env.iter().filter(|(name, _)| granted(name)).cloned().collect()
    }

    /// Says who failed, where and how; reported and counted with [`Account::report`].
    pub(crate) fn fault(&self, hook: Hook, kind: FaultKind, message: String, log: Vec<String>) -> Box<Fault> {
        let (plugin, digest) = (self.spec.name.clone(), self.digest.clone());
        Box::new(Fault { plugin, digest, hook, kind, message, log })
    }

    /// Counts a fault, switches the plugin off if it is one too many, and tells the observer.
    pub(crate) fn report(&self, fault: &Fault) {
        self.figures.fault();
        {
            let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            history.recent.push_back(now);
            while history.recent.front().is_some_and(|then| now.duration_since(*then) > FAULTS_WITHIN) {
                history.recent.pop_front();
            }
            history.off |= history.recent.len() >= FAULTS_MAX;
        }
        self.engine.shared().observer.fault(fault);
    }

    pub(crate) fn is_switched_off(&self) -> bool {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).off
    }

    /// The fault that every call is answered with once the plugin is switched off.
    pub(crate) fn check_switched_on(&self, hook: Hook) -> Result<(), Box<Fault>> {
        if !self.is_switched_off() {
            return Ok(());
        }
        let message = String::from(
            "it failed three times within a minute and is switched off until it is loaded again",
        );
        Err(self.fault(hook, FaultKind::SwitchedOff, message, Vec::new()))
    }
}
