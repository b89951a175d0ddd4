//! The wire vocabulary of Weir: bytes to typed JSON-RPC messages and back.
//!
//! Owns the framing, the message envelope, the parameters of every method, the results, the events and the
//! error kinds. It must not know what a process is, how one is started, or where bytes come from: no async,
//! no processes, no I/O.
//!
//! The way in is [`Decoder`] (bytes to frames) and [`parse`] (a frame to an [`Incoming`]); the way out is
//! [`Encoder`] (a frame around a message) with [`encode_response`], [`encode_batch`],
//! [`encode_event`] and [`encode_request`].
//!
//! ```
//! use weir_protocol::{Call, Decoder, Incoming, parse};
//!
//! let mut decoder = Decoder::new(16 << 20);
//! decoder.push(b"{\"id\":1,\"method\":\"process/list\"}\n");
//! let frame = decoder.next_frame().expect("a whole line").expect("a sound frame");
//! assert!(matches!(parse(&frame), Incoming::Request { call: Ok(Call::ProcessList), .. }));
//! ```

pub mod fs;

mod call;
mod client_request;
mod encode;
mod environment;
mod error_kind;
mod error_object;
mod event;
mod framing;
mod incoming;
mod json;
mod lifecycle;
mod notice;
mod opaque;
mod output_data;
mod params;
mod plugin;
mod policy;
mod process;
mod process_id;
mod reply;
mod request_id;
mod terminal;
mod timestamp;

pub use call::Call;
pub use client_request::ClientRequest;
pub use encode::{encode_batch, encode_event, encode_request, encode_response};
pub use environment::{EnvironmentCapabilities, EnvironmentInfo, EnvironmentState, EnvironmentStatus, Shell};
pub use error_kind::ErrorKind;
pub use error_object::{Detail, ErrorObject};
pub use event::{ClosedEvent, Event, ExitedEvent, OutputEvent};
pub use framing::{Decoder, Encoder, FrameError, Framing};
pub use fs::{FsCall, FsReply};
pub use incoming::{Incoming, MAX_BATCH_MESSAGES, ResponseError, parse};
pub use lifecycle::{
    Capabilities, ClientCapabilities, Containment, InitializeParams, InitializeResult, Limits,
    PROTOCOL_VERSION, PluginInfo, PolicyInfo, ServerInfo,
};
pub use notice::Notice;
pub use opaque::Opaque;
pub use output_data::{OutputData, OutputEncoding};
pub use plugin::{
    DecisionCounts, PluginEntry, PluginFault, PluginGrants, PluginKind, PluginLimits, PluginListResult,
    PluginReloadResult, ViewEntry,
};
pub use policy::{
    AskDecision, AskParams, AskResult, AskScope, AskedCommand, DecidedBy, Decision, OpinionEntry,
    OpinionFault, PatchInfo, PluginVerdict, PolicyCheckParams, PolicyCheckResult, PolicyFailure,
    ScriptAssignment, ScriptCommand, ScriptInfo, ScriptRedirect, ScriptWord, Verdict,
};
pub use process::{
    Cause, CloseStdinParams, Cut, Diagnostic, Dropped, EnvInherit, EnvPolicy, Exit, HeldLimit, Holder,
    InputWatching, Leftovers, Limit, LimitMechanisms, LinesGiven, LinesWanted, ListEntry, ListResult,
    Mechanism, OutputPlace, Overflow, ProcessLimits, ProcessState, ReadChunk, ReadParams, ReadResult,
    ReleaseParams, ResizeParams, Retention, RunParams, RunResult, SandboxType, Scope, SearchLine,
    SearchMatch, SearchParams, SearchResult, SearchStopped, SignalParams, StartParams, StartResult, Stream,
    StreamOffsets, SummaryParams, SummaryResult, TerminalSize, TerminateParams, TerminateResult, Tty, Until,
    Usage, WaitFor, WaitParams, WaitResult, WaitingForInput, WaitingForInputEvent, WriteParams, WriteResult,
    WriteStatus,
};
pub use process_id::ProcessId;
pub use reply::Reply;
pub use request_id::RequestId;
pub use terminal::{
    EnvVariable, TerminalCreateParams, TerminalCreateResult, TerminalExitStatus, TerminalOutputResult,
    TerminalParams, WithheldOutput,
};
pub use timestamp::Timestamp;
