//! Children in cells, their trees, and their retained output.
//!
//! A [`Process`] is a command that runs in a cell of its own: a small shim above it reaps, signals and ends its whole
//! tree, even if the host is gone. What it prints is kept in an [`OutputLog`] until its streams are really closed;
//! exit and close are separate facts. [`Cells`] makes cells, a [`Store`] bounds what all logs keep.
//!
//! Knows no JSON-RPC, no serde, no WebAssembly.

#[cfg(not(target_os = "linux"))]
compile_error!("cells need Linux: subreapers, signalfd, /proc");

mod cell;
mod cells;
mod cgroup;
mod command;
mod environment;
mod input;
mod limits;
mod log;
mod process;
mod search;
mod spill;
mod streams;
mod terminal;

pub use cell::fork_server::run as run_fork_server;
pub use cell::frame::FailureDetail;
pub use cell::{DEFAULT_GRACE, Scope, Stage};
pub use cells::{Cells, ForkServerCommand, StartError};
pub use command::{Command, Output, StdinSource};
pub use environment::{EnvPolicy, Inherit, Variable};
pub use input::{InputNotSeen, WaitingForInput};
pub use limits::{HeldLimit, Limit, Limits, Mechanism};
pub use log::{
    BackBatch, Cause, Chunk, Dropped, Event, Exit, InputNews, LineBatch, LineRange, OutputLog, Overflow,
    ReadBatch, Retention, Snapshot, SpilledOutput, Status, Store, StoreLimits, Stream, StreamSnapshot, Until,
    Usage, WaitFor, incomplete_suffix,
};
pub use process::holders::Holder;
pub use process::ingest::{Ingest, Ingesting, Withhold};
pub use process::stdin::{StdinQueueFull, WriteStatus};
pub use process::{
    Leftovers, Process, ProcessOptions, ResizeError, Signal, Signalled, Terminated, TooManyOrders,
};
pub use search::{Found, Line, Match, Offsets, Pattern, PatternError, Query, Stopped, search};
pub use spill::{Spill, SpillError, SpillOptions};
pub use terminal::TerminalSize;
