//! Weir: an exec host. Commands run in cells, their output is kept until the streams are closed, and a client drives
//! them with JSON-RPC over any pair of byte streams.
//!
//! The binary is a thin shell around this library: [`Host::serve`] is all of `weir serve` but the process's own
//! standard streams. A program that embeds it must be able to run the fork server as a process of its own; see
//! [`run_fork_server`].

pub mod cli;
mod config;
mod convert;
mod ends;
mod environment;
mod files;
mod host;
mod ingest;
mod outbox;
mod pipeline;
mod plugins;
mod push;
mod questions;
mod reader;
mod session;
mod summary;
mod view;

pub use config::HostConfig;
pub use host::Host;
pub use session::{Ended, Gone};
pub use weir_process::{ForkServerCommand, SpillOptions, run_fork_server};
