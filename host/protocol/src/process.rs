//! The `process/*` methods: params and results.

mod exit;
mod input;
mod limits;
mod list;
mod read;
mod resize;
mod run;
mod search;
mod signal;
mod start;
mod stream;
mod summary;
mod wait;
mod write;

pub use exit::{Cause, Exit, Usage};
pub use input::{InputWatching, WaitingForInput, WaitingForInputEvent};
pub use limits::{HeldLimit, Limit, LimitMechanisms, Mechanism};
pub use list::{Holder, ListEntry, ListResult, ProcessState};
pub use read::{Dropped, LinesGiven, LinesWanted, ReadChunk, ReadParams, ReadResult, WaitFor};
pub use resize::ResizeParams;
pub use run::{Cut, RunParams, RunResult};
pub use search::{SearchLine, SearchMatch, SearchParams, SearchResult, SearchStopped, StreamOffsets};
pub use signal::{ReleaseParams, Scope, SignalParams, TerminateParams, TerminateResult};
pub(crate) use start::not_zero;
pub use start::{
    EnvInherit, EnvPolicy, Leftovers, Overflow, ProcessLimits, Retention, SandboxType, StartParams,
    StartResult, TerminalSize, Tty,
};
pub use stream::Stream;
pub use summary::{Diagnostic, OutputPlace, SummaryParams, SummaryResult};
pub use wait::{Until, WaitParams, WaitResult};
pub use write::{CloseStdinParams, WriteParams, WriteResult, WriteStatus};

pub(crate) use exit::nullable as nullable_exit;
pub(crate) use start::no_nul;
