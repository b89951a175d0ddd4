//! Requests from the client, one variant a method.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::params::{self, Fault, Params, clip, from_json};
use crate::{
    CloseStdinParams, ErrorKind, ErrorObject, FsCall, InitializeParams, Notice, PolicyCheckParams,
    ReadParams, ReleaseParams, ResizeParams, RunParams, SearchParams, SignalParams, StartParams,
    SummaryParams, TerminalCreateParams, TerminalParams, TerminateParams, WaitParams, WriteParams,
};

/// A request with its params, typed and checked as far as that goes without asking the system.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// `initialize`.
    Initialize(InitializeParams),
    /// `shutdown`.
    Shutdown,
    /// `environment/info`.
    EnvironmentInfo,
    /// `environment/status`.
    EnvironmentStatus,
    /// `process/start`.
    ProcessStart(Box<StartParams>),
    /// `process/read`.
    ProcessRead(Box<ReadParams>),
    /// `process/wait`.
    ProcessWait(WaitParams),
    /// `process/run`.
    ProcessRun(Box<RunParams>),
    /// `process/write`.
    ProcessWrite(WriteParams),
    /// `process/closeStdin`.
    ProcessCloseStdin(CloseStdinParams),
    /// `process/resize`.
    ProcessResize(ResizeParams),
    /// `process/signal`.
    ProcessSignal(SignalParams),
    /// `process/terminate`.
    ProcessTerminate(TerminateParams),
    /// `process/list`.
    ProcessList,
    /// `process/release`.
    ProcessRelease(ReleaseParams),
    /// `process/summary`.
    ProcessSummary(SummaryParams),
    /// `process/search`.
    ProcessSearch(SearchParams),
    /// `policy/check`.
    PolicyCheck(Box<PolicyCheckParams>),
    /// `plugin/list`.
    PluginList,
    /// `plugin/reload`.
    PluginReload,
    /// `terminal/create`.
    TerminalCreate(Box<TerminalCreateParams>),
    /// `terminal/output`.
    TerminalOutput(TerminalParams),
    /// `terminal/wait_for_exit`.
    TerminalWaitForExit(TerminalParams),
    /// `terminal/kill`.
    TerminalKill(TerminalParams),
    /// `terminal/release`.
    TerminalRelease(TerminalParams),
    /// `fs/*`.
    Fs(FsCall),
}

impl Call {
    /// The names of all methods.
    pub const METHODS: &[&str] = &[
        "initialize",
        "shutdown",
        "environment/info",
        "environment/status",
        "process/start",
        "process/read",
        "process/wait",
        "process/run",
        "process/write",
        "process/closeStdin",
        "process/resize",
        "process/signal",
        "process/terminate",
        "process/list",
        "process/release",
        "process/summary",
        "process/search",
        "policy/check",
        "plugin/list",
        "plugin/reload",
        "terminal/create",
        "terminal/output",
        "terminal/wait_for_exit",
        "terminal/kill",
        "terminal/release",
        "fs/readFile",
        "fs/writeFile",
        "fs/createDirectory",
        "fs/getMetadata",
        "fs/canonicalize",
        "fs/readDirectory",
        "fs/walk",
        "fs/remove",
        "fs/copy",
        "fs/open",
        "fs/readBlock",
        "fs/close",
        "fs/watchMissing",
    ];

    /// The name of the method.
    pub fn method(&self) -> &'static str {
        match self {
            Self::Initialize(_) => "initialize",
            Self::Shutdown => "shutdown",
            Self::EnvironmentInfo => "environment/info",
            Self::EnvironmentStatus => "environment/status",
            Self::ProcessStart(_) => "process/start",
            Self::ProcessRead(_) => "process/read",
            Self::ProcessWait(_) => "process/wait",
            Self::ProcessRun(_) => "process/run",
            Self::ProcessWrite(_) => "process/write",
            Self::ProcessCloseStdin(_) => "process/closeStdin",
            Self::ProcessResize(_) => "process/resize",
            Self::ProcessSignal(_) => "process/signal",
            Self::ProcessTerminate(_) => "process/terminate",
            Self::ProcessList => "process/list",
            Self::ProcessRelease(_) => "process/release",
            Self::ProcessSummary(_) => "process/summary",
            Self::ProcessSearch(_) => "process/search",
            Self::PolicyCheck(_) => "policy/check",
            Self::PluginList => "plugin/list",
            Self::PluginReload => "plugin/reload",
            Self::TerminalCreate(_) => "terminal/create",
            Self::TerminalOutput(_) => "terminal/output",
            Self::TerminalWaitForExit(_) => "terminal/wait_for_exit",
            Self::TerminalKill(_) => "terminal/kill",
            Self::TerminalRelease(_) => "terminal/release",
            Self::Fs(call) => call.method(),
        }
    }

    pub(crate) fn decode(method: &str, params: Option<&RawValue>) -> Result<Self, ErrorObject> {
        Ok(match method {
            "initialize" => Self::Initialize(params::decode(method, params)?),
            "shutdown" => params::decode(method, params).map(|NoParams {}| Self::Shutdown)?,
            "environment/info" => params::decode(method, params).map(|NoParams {}| Self::EnvironmentInfo)?,
            "environment/status" => {
                params::decode(method, params).map(|NoParams {}| Self::EnvironmentStatus)?
            }
            "process/start" => Self::ProcessStart(Box::new(params::decode(method, params)?)),
            "process/read" => Self::ProcessRead(Box::new(params::decode(method, params)?)),
            "process/wait" => Self::ProcessWait(params::decode(method, params)?),
            "process/run" => Self::ProcessRun(Box::new(params::decode(method, params)?)),
            "process/write" => Self::ProcessWrite(params::decode(method, params)?),
            "process/closeStdin" => Self::ProcessCloseStdin(params::decode(method, params)?),
            "process/resize" => Self::ProcessResize(params::decode(method, params)?),
            "process/signal" => Self::ProcessSignal(params::decode(method, params)?),
            "process/terminate" => Self::ProcessTerminate(params::decode(method, params)?),
            "process/list" => params::decode(method, params).map(|NoParams {}| Self::ProcessList)?,
            "process/release" => Self::ProcessRelease(params::decode(method, params)?),
            "process/summary" => Self::ProcessSummary(params::decode(method, params)?),
            "process/search" => Self::ProcessSearch(params::decode(method, params)?),
            "policy/check" => Self::PolicyCheck(Box::new(params::decode(method, params)?)),
            "plugin/list" => params::decode(method, params).map(|NoParams {}| Self::PluginList)?,
            "plugin/reload" => params::decode(method, params).map(|NoParams {}| Self::PluginReload)?,
            "terminal/create" => Self::TerminalCreate(Box::new(params::decode(method, params)?)),
            "terminal/output" => Self::TerminalOutput(params::decode(method, params)?),
            "terminal/wait_for_exit" => Self::TerminalWaitForExit(params::decode(method, params)?),
            "terminal/kill" => Self::TerminalKill(params::decode(method, params)?),
            "terminal/release" => Self::TerminalRelease(params::decode(method, params)?),
            other => match FsCall::decode(other, params) {
                Some(call) => Self::Fs(call?),
                None => return Err(no_such_method(other)),
            },
        })
    }
}

/// Params of a method that takes none; whatever members are there are ignored.
#[derive(Deserialize)]
struct NoParams {}

impl Params for NoParams {
    fn decode(text: &str) -> Result<Self, Fault> {
        from_json(text)
    }
}

fn no_such_method(method: &str) -> ErrorObject {
    let method = clip(method);
    let message = if Notice::is_known(&method) {
        format!("`{method}` is a notification: expected no `id`, saw one")
    } else {
        format!("expected a known method, saw `{method}`")
    };
    ErrorObject::new(ErrorKind::MethodNotFound, message).with("method", method)
}
