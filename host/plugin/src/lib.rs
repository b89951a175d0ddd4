//! Plugins: WebAssembly components that judge commands, filter what they print and report on it.
//!
//! An [`Engine`] is what all plugins of a host share. [`Plugin::load`] reads a component, checks what it imports and
//! exports, compiles it or takes it from the cache, and tries it out; what comes back works. A [`PolicyChain`] asks
//! policies of a command, a [`FilterChain`] opens a [`FilterStream`] for each stream of bytes, [`Plugin::summarize`] asks
//! for a report. Whatever a guest does ends in an answer or in a [`Fault`] that says whose it is.
//!
//! Knows no JSON-RPC, no serde, no children; no type of wasmtime is in its public interface.
//!
//! # Map
//!
//! | module | what it owns |
//! |---|---|
//! | `engine` | the runtime and how it comes to memory, the linker, the observer; `engine/ticker`: the thread that interrupts; `engine/compiled`: compiled code on disk, and all `unsafe` of this crate |
//! | `component` | what can be said of a component by reading its bytes: format, imports, exports, versions |
//! | `plugin` | loading, in its order of checks; `load_error` says what was wrong; `spec` what was configured |
//! | `account` | who a plugin is, what it is granted, its faults and figures: what all its instances share |
//! | `guest` | a store with an instance in it, and how it is called; `guest/state`: limits and what is lent for a call; `guest/host`: what guests can call; `guest/log`: what they write; `guest/patience`: how long it may wait; `guest/blame`: what a failed call was |
//! | `policy`, `filter`, `summary` | the three kinds; `workers` keeps warm instances of policies, `script` is what a policy is told of shell text |
//! | `masks` | the masks that filters made |
//! | `bindings` | what wasmtime makes of `wit/`; nothing of it leaves the crate |
//!
//! # Invariants
//!
//! - **A store is dead unless its last call was answered.** It is marked dead before a call and alive after it. Whoever
//!   traps, is interrupted, hands over what is not valid, or whose call is dropped, is never entered again; one store has
//!   one instance, so nothing piles up in it.
//! - **Nobody runs without an end.** A guest is interrupted every 5 ms: others of its thread have their turn, and after
//!   so many ticks as it may have it ends. What it waits for in the host is bounded on the clock; what it loses to others
//!   on a busy machine is not held against it. A store has its deadline set before every entry.
//! - **Nothing is granted that is not asked for by name.** The linker holds `weir:plugin/host` and WASI 0.2 without
//!   sockets; no arguments, variables or input; files only below granted directories, and never to be written; variables
//!   of the command only through `env`, filtered by the granted names.
//! - **A fault is never an opinion.** It counts as a deny, or as an ask where that is configured and somebody is there;
//!   nothing turns it into an allow, and no later answer softens an earlier one.
//! - **A stream that failed stays failed.** No byte that a filter has taken comes out again except through the filter.
//! - **Native code is run only from this user's own hands**: files of the cache are private, complete to the last byte,
//!   written beside and renamed, and never changed; a person's file is never taken for compiled code.
//! - **What a guest hands over is bounded** before it is copied: bytes of a call, lines of a call, handles, memory,
//!   masks.
//! - **Locks are held for a few instructions**, never over an await, and never while a guest runs; the exception is the log
//!   of an instance, which only that instance writes to, while the [`Observer`] is told of a line.

mod account;
mod bindings;
mod component;
mod engine;
mod fault;
mod filter;
mod guest;
mod load_error;
mod masks;
mod plugin;
mod policy;
mod read_file;
mod script;
mod spec;
mod summary;
mod workers;

pub use account::figures::Figures;
pub use component::{Format, Import, Inspection, Need, WIT_VERSION, inspect};
pub use engine::{Allocation, Engine, EngineError, EngineOptions, Level, Observer};
pub use fault::{Fault, FaultKind, Hook};
pub use filter::{CHUNK_MAX, Channel, FilterChain, FilterStream, StreamFacts};
pub use load_error::LoadError;
pub use masks::Masks;
pub use plugin::{LoadTimes, Plugin};
pub use policy::{Command, Context, Decider, Facts, Opinion, Patch, PolicyChain, Ruling, Verdict};
pub use read_file::{ReadError, read_file};
pub use script::{Assignment, Redirect, Script, SimpleCommand, Word};
pub use spec::{Grants, Kind, OnFailure, PluginLimits, PluginSpec, Source};
pub use summary::{Diagnostic, Report, RetainedOutput};
