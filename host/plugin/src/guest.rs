//! A live instance of a plugin, and how it is called.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use wasmtime::component::{Component, InstancePre, Resource, ResourceAny};
use wasmtime::{Store, UpdateDeadline};

use crate::account::Account;
use crate::bindings::exports::weir::plugin as exports;
use crate::bindings::weir::plugin::types;
use crate::engine::ticker::{Running, TICK};
use crate::fault::{Fault, FaultKind, Hook};
use crate::load_error::LoadError;
use crate::spec::Kind;
use patience::WaitedTooLong;
use state::{GrantError, GuestState, Lent};

mod blame;
pub(crate) mod host;
pub(crate) mod log;
mod patience;
pub(crate) mod state;

/// Handles that an instance may hold: streams that a guest makes, and those that it is lent.
const HANDLES_MAX: usize = 4096;
/// What a guest may hand over beside its bytes: the frames of records and lists.
const FUEL_SLACK: usize = 4 << 10;
/// What a guest may wait for the host at the least: a busy machine is not the guest's fault.
const PATIENCE: Duration = Duration::from_secs(1);
/// Longest message of a failure that is kept.
const MESSAGE_MAX: usize = 16 << 10;

/// What instances are made from: compiled code, linked, with the places of its exports.
pub(crate) struct Blueprint {
    pub(crate) account: Arc<Account>,
    pre: InstancePre<GuestState>,
    init: exports::plugin::GuestIndices,
    policy: Option<exports::policy::GuestIndices>,
    filter: Option<exports::filter::GuestIndices>,
    summary: Option<exports::summary::GuestIndices>,
}

/// A store with one instance in it. Dead unless its last call was answered: a store whose guest trapped, was interrupted
/// or was dropped in the middle is not entered again.
pub(crate) struct Guest {
    store: Store<GuestState>,
    init: exports::plugin::Guest,
    policy: Option<exports::policy::Guest>,
    filter: Option<exports::filter::Guest>,
    summary: Option<exports::summary::Guest>,
    alive: bool,
    /// Faults are counted and reported; not while the plugin is tried out.
    published: bool,
}

/// Why there is no instance.
pub(crate) enum NoGuest {
    Mismatch { interface: String, detail: String },
    Grant(GrantError),
    Refused(types::Failure),
    Fault(Box<Fault>),
}

/// How long its making took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GuestTimes {
    pub(crate) instantiate: Duration,
    pub(crate) init: Duration,
}

/// A call under way. While it lives the ticker ticks.
struct Call {
    hook: Hook,
    started: Instant,
    /// What it may wait for in the host, beside what it may run.
    patience: Duration,
    yielded: Arc<AtomicBool>,
    _running: Running,
}

type Answer<T> = Result<wasmtime::Result<Result<T, types::Failure>>, WaitedTooLong>;

impl Blueprint {
    pub(crate) fn new(
        account: Arc<Account>,
        component: &Component,
        kinds: &[Kind],
    ) -> Result<Self, LoadError> {
        let plugin = || account.spec.name.clone();
        let pre = account
            .engine
            .shared()
            .linker
            .instantiate_pre(component)
            .map_err(|error| LoadError::Link { plugin: plugin(), detail: format!("{error:#}") })?;
        let mismatch = |interface: &str, error: &wasmtime::Error| LoadError::TypeMismatch {
            plugin: plugin(),
            interface: interface_name(interface),
            detail: format!("{error:#}"),
        };
        macro_rules! indices {
            ($interface:ident, $kind:expr) => {
                if kinds.contains(&$kind) {
                    let indices = exports::$interface::GuestIndices::new(&pre);
                    Some(indices.map_err(|error| mismatch(stringify!($interface), &error))?)
                } else {
                    None
                }
            };
        }
        Ok(Self {
            init: exports::plugin::GuestIndices::new(&pre).map_err(|error| mismatch("plugin", &error))?,
            policy: indices!(policy, Kind::Policy),
            filter: indices!(filter, Kind::Filter),
            summary: indices!(summary, Kind::Summary),
            pre,
            account,
        })
    }

    /// An instance for one of the kinds, with `init` done. A failure is a fault, counted and reported.
    pub(crate) async fn guest(&self, kind: Kind) -> Result<Guest, Box<Fault>> {
        let fault = |kind, message| self.account.fault(Hook::Init, kind, message, Vec::new());
        let fault = match self.make(&[kind], true).await {
            Ok((guest, _)) => return Ok(guest),
            // Reported where it happened.
            Err(NoGuest::Fault(fault)) => return Err(fault),
            Err(NoGuest::Refused(failure)) => fault(FaultKind::Failure, describe(&failure)),
            Err(NoGuest::Grant(GrantError { path, detail })) => {
                fault(FaultKind::Failure, format!("cannot grant `{path}`: {detail}"))
            }
            Err(NoGuest::Mismatch { interface, detail }) => {
                fault(FaultKind::Protocol, format!("the types of `{interface}` differ: {detail}"))
            }
        };
        self.account.report(&fault);
        Err(fault)
    }

    /// An instance that shows whether the plugin works: all kinds are looked at, and faults are the caller's to report.
    pub(crate) async fn try_out(&self, kinds: &[Kind]) -> Result<(Guest, GuestTimes), NoGuest> {
        let (mut guest, times) = self.make(kinds, false).await?;
        guest.published = true;
        Ok((guest, times))
    }

    async fn make(&self, kinds: &[Kind], published: bool) -> Result<(Guest, GuestTimes), NoGuest> {
        let limits = &self.account.spec.limits;
        let state = GuestState::new(Arc::clone(&self.account)).map_err(NoGuest::Grant)?;
        let mut store = Store::new(&self.account.engine.shared().wasm, state);
        store.limiter(|state| &mut state.memory);
        let output = usize::try_from(limits.output_bytes).unwrap_or(usize::MAX);
        store.set_hostcall_fuel(output.saturating_add(FUEL_SLACK));
        store.set_max_component_handles(HANDLES_MAX);
        store.epoch_deadline_callback(|mut context| {
            let state = context.data_mut();
            state.ticks += 1;
            if state.ticks > state.ticks_max {
                return Ok(UpdateDeadline::Interrupt);
            }
            // Others of this thread have their turn, then it goes on.
            state.yielded.store(true, Ordering::Relaxed);
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
        });
        let call = begin(&mut store, Hook::Init, limits.init_time, Lent::Nothing);
        let instance = match call.bound(self.pre.instantiate_async(&mut store)).await {
            Ok(Ok(instance)) => instance,
            answer => {
                let error = answer.map(|made| made.map(|_| ()));
                return Err(NoGuest::Fault(blame::fault(&mut store, Hook::Init, error, published)));
            }
        };
        let instantiate = call.started.elapsed();
        macro_rules! load {
            ($indices:expr, $interface:literal) => {
                $indices.load(&mut store, &instance).map_err(|error| NoGuest::Mismatch {
                    interface: interface_name($interface),
                    detail: format!("{error:#}"),
                })?
            };
        }
        macro_rules! load_if_wanted {
            ($indices:expr, $kind:expr, $interface:literal) => {
                match &$indices {
                    Some(indices) if kinds.contains(&$kind) => Some(load!(indices, $interface)),
                    _ => None,
                }
            };
        }
        let init = load!(self.init, "plugin");
        let policy = load_if_wanted!(self.policy, Kind::Policy, "policy");
        let filter = load_if_wanted!(self.filter, Kind::Filter, "filter");
        let summary = load_if_wanted!(self.summary, Kind::Summary, "summary");
        let mut guest = Guest { store, init, policy, filter, summary, alive: false, published };
        // The time for `init` is what is left; the call goes on.
        let answer = call.bound(guest.init.call_init(&mut guest.store, &self.account.spec.config)).await;
        let init = call.started.elapsed().saturating_sub(instantiate);
        match guest.end(&call, answer).map_err(NoGuest::Fault)? {
            Ok(()) => Ok((guest, GuestTimes { instantiate, init })),
            Err(failure) => Err(NoGuest::Refused(failure)),
        }
    }
}

impl Guest {
    /// Asks a policy. The guest is alive afterwards only if it answered.
    pub(crate) async fn check(
        &mut self,
        command: &types::Command,
        invocation: crate::policy::Invocation,
    ) -> Result<types::Decision, Box<Fault>> {
        let call = self.begin(Hook::Check, self.limits().time, Lent::Invocation(invocation))?;
        let Some(policy) = &self.policy else { return Err(self.not_a(Kind::Policy, Hook::Check)) };
        let answer = call.bound(policy.call_check(&mut self.store, command, Resource::new_borrow(1))).await;
        self.finish_call(&call, answer)
    }

    /// Begins a stream. `None`: not for this filter.
    pub(crate) async fn open(
        &mut self,
        facts: Arc<crate::filter::StreamFacts>,
    ) -> Result<Option<ResourceAny>, Box<Fault>> {
        let call = self.begin(Hook::Open, self.limits().time, Lent::Stream(facts))?;
        let Some(filter) = &self.filter else { return Err(self.not_a(Kind::Filter, Hook::Open)) };
        let streams = filter.filter_stream();
        let answer = call.bound(streams.call_open(&mut self.store, Resource::new_borrow(1))).await;
        self.finish_call(&call, answer)
    }

    /// Hands bytes to a stream.
    pub(crate) async fn push(
        &mut self,
        stream: ResourceAny,
        chunk: &[u8],
    ) -> Result<types::ChunkResult, Box<Fault>> {
        let call = self.begin(Hook::Push, self.limits().time, Lent::Nothing)?;
        let Some(filter) = &self.filter else { return Err(self.not_a(Kind::Filter, Hook::Push)) };
        let answer = call.bound(filter.filter_stream().call_push(&mut self.store, stream, chunk)).await;
        self.finish_call(&call, answer)
    }

    /// Asks a stream for what it need not hold back.
    pub(crate) async fn idle(&mut self, stream: ResourceAny) -> Result<Vec<u8>, Box<Fault>> {
        let call = self.begin(Hook::Idle, self.limits().time, Lent::Nothing)?;
        let Some(filter) = &self.filter else { return Err(self.not_a(Kind::Filter, Hook::Idle)) };
        let answer = call.bound(filter.filter_stream().call_idle(&mut self.store, stream)).await;
        self.finish_call(&call, answer)
    }

    /// Ends a stream, and asks it for the rest.
    pub(crate) async fn finish(&mut self, stream: ResourceAny) -> Result<Vec<u8>, Box<Fault>> {
        let call = self.begin(Hook::Finish, self.limits().time, Lent::Nothing)?;
        let Some(filter) = &self.filter else { return Err(self.not_a(Kind::Filter, Hook::Finish)) };
        let answer = call.bound(filter.filter_stream().call_finish(&mut self.store, stream)).await;
        self.finish_call(&call, answer)
    }

    /// Asks for a report.
    pub(crate) async fn summarize(
        &mut self,
        output: Arc<dyn crate::summary::RetainedOutput>,
        options: &str,
    ) -> Result<Option<types::Report>, Box<Fault>> {
        let call = self.begin(Hook::Summarize, self.limits().summary_time, Lent::Retained(output))?;
        let Some(summary) = &self.summary else { return Err(self.not_a(Kind::Summary, Hook::Summarize)) };
        let answer =
            call.bound(summary.call_summarize(&mut self.store, Resource::new_borrow(1), options)).await;
        self.finish_call(&call, answer)
    }

    /// A fault of a rule that the runtime does not know of; the instance is dead afterwards.
    pub(crate) fn broke_a_rule(&mut self, hook: Hook, message: String) -> Box<Fault> {
        self.alive = false;
        let account = &self.store.data().account;
        let fault = account.fault(hook, FaultKind::Protocol, message, Vec::new());
        account.report(&fault);
        fault
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.alive
    }

    fn limits(&self) -> &crate::spec::PluginLimits {
        &self.store.data().account.spec.limits
    }

    fn begin(&mut self, hook: Hook, limit: Duration, lent: Lent) -> Result<Call, Box<Fault>> {
        if !std::mem::replace(&mut self.alive, false) {
            let message = String::from("the call before it was dropped before it was answered");
            return Err(self.store.data().account.fault(hook, FaultKind::Deadline, message, Vec::new()));
        }
        Ok(begin(&mut self.store, hook, limit, lent))
    }

    /// The guest's own failure is a fault as well.
    fn finish_call<T>(&mut self, call: &Call, answer: Answer<T>) -> Result<T, Box<Fault>> {
        let result = self.end(call, answer);
        self.store.data().account.figures.call(call.started.elapsed());
        result?.map_err(|failure| {
            self.alive = false;
            let log = self.store.data().log.end_call(true);
            let account = &self.store.data().account;
            let fault = account.fault(call.hook, FaultKind::Failure, describe(&failure), log);
            account.report(&fault);
            fault
        })
    }

    /// Alive again only if there is an answer.
    fn end<T>(&mut self, call: &Call, answer: Answer<T>) -> Result<Result<T, types::Failure>, Box<Fault>> {
        match answer {
            Ok(Ok(answer)) => {
                let state = self.store.data_mut();
                state.lent = Lent::Nothing;
                if answer.is_ok() {
                    state.log.end_call(false);
                }
                self.alive = true;
                Ok(answer)
            }
            failed => {
                let failed = failed.map(|result| result.map(|_| ()));
                Err(blame::fault(&mut self.store, call.hook, failed, self.published))
            }
        }
    }

    fn not_a(&self, kind: Kind, hook: Hook) -> Box<Fault> {
        let message = format!("it is not configured as a {kind}");
        self.store.data().account.fault(hook, FaultKind::Protocol, message, Vec::new())
    }
}

impl Call {
    /// The ticks bound what the guest runs; this bounds what it waits for.
    async fn bound<T>(&self, future: impl Future<Output = T>) -> Result<T, WaitedTooLong> {
        patience::bound(self.patience, &self.yielded, future).await
    }
}

fn begin(store: &mut Store<GuestState>, hook: Hook, limit: Duration, lent: Lent) -> Call {
    let state = store.data_mut();
    state.log.begin_call();
    state.memory.forget_refusal();
    state.lent = lent;
    state.blame = None;
    state.ticks = 0;
    // The first tick may come at once, and one may come early: see the ticker.
    state.ticks_max = u32::try_from(limit.as_millis().div_ceil(TICK.as_millis())).unwrap_or(u32::MAX - 1) + 1;
    let yielded = Arc::clone(&state.yielded);
    let running = state.account.engine.shared().ticker.running();
    store.set_epoch_deadline(1);
    let patience = limit.max(PATIENCE);
    Call { hook, started: Instant::now(), patience, yielded, _running: running }
}

fn describe(failure: &types::Failure) -> String {
    log::cut(&format!("{}: {}", failure.code, failure.message), MESSAGE_MAX).into_owned()
}

fn interface_name(interface: &str) -> String {
    format!("{}/{interface}@{}", crate::component::PACKAGE, crate::component::WIT_VERSION)
}
