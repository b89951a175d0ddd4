//! Results, one variant a method.

use crate::{
    EnvironmentInfo, EnvironmentStatus, FsReply, InitializeResult, ListResult, PluginListResult,
    PluginReloadResult, PolicyCheckResult, ReadResult, RunResult, SearchResult, StartResult, SummaryResult,
    TerminalCreateResult, TerminalExitStatus, TerminalOutputResult, TerminateResult, WaitResult, WriteResult,
    json,
};

/// The result of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// Of `initialize`.
    Initialize(Box<InitializeResult>),
    /// Of `shutdown`: null.
    Shutdown,
    /// Of `environment/info`.
    EnvironmentInfo(Box<EnvironmentInfo>),
    /// Of `environment/status`.
    EnvironmentStatus(EnvironmentStatus),
    /// Of `process/start`.
    ProcessStart(StartResult),
    /// Of `process/read`.
    ProcessRead(Box<ReadResult>),
    /// Of `process/wait`.
    ProcessWait(WaitResult),
    /// Of `process/run`.
    ProcessRun(Box<RunResult>),
    /// Of `process/write`.
    ProcessWrite(WriteResult),
    /// Of `process/closeStdin`.
    ProcessCloseStdin(WriteResult),
    /// Of `process/resize`: an empty object.
    ProcessResize,
    /// Of `process/signal`: an empty object.
    ProcessSignal,
    /// Of `process/terminate`.
    ProcessTerminate(TerminateResult),
    /// Of `process/list`.
    ProcessList(ListResult),
    /// Of `process/release`: an empty object.
    ProcessRelease,
    /// Of `process/summary`.
    ProcessSummary(SummaryResult),
    /// Of `process/search`.
    ProcessSearch(Box<SearchResult>),
    /// Of `policy/check`.
    PolicyCheck(Box<PolicyCheckResult>),
    /// Of `plugin/list`.
    PluginList(PluginListResult),
    /// Of `plugin/reload`.
    PluginReload(PluginReloadResult),
    /// Of `terminal/create`.
    TerminalCreate(TerminalCreateResult),
    /// Of `terminal/output`.
    TerminalOutput(Box<TerminalOutputResult>),
    /// Of `terminal/wait_for_exit`.
    TerminalWaitForExit(TerminalExitStatus),
    /// Of `terminal/kill`: an empty object.
    TerminalKill,
    /// Of `terminal/release`: an empty object.
    TerminalRelease,
    /// Of `fs/*`.
    Fs(FsReply),
}

impl Reply {
    /// Appends the result as JSON.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Initialize(result) => json::write_value(out, result),
            Self::Shutdown => out.extend_from_slice(b"null"),
            Self::EnvironmentInfo(result) => json::write_value(out, result),
            Self::EnvironmentStatus(result) => json::write_value(out, result),
            Self::ProcessStart(result) => json::write_value(out, result),
            Self::ProcessRead(result) => result.write(out),
            Self::ProcessWait(result) => json::write_value(out, result),
            Self::ProcessRun(result) => result.write(out),
            Self::ProcessWrite(result) | Self::ProcessCloseStdin(result) => json::write_value(out, result),
            Self::ProcessResize
            | Self::ProcessSignal
            | Self::ProcessRelease
            | Self::TerminalKill
            | Self::TerminalRelease => out.extend_from_slice(b"{}"),
            Self::ProcessTerminate(result) => json::write_value(out, result),
            Self::ProcessList(result) => json::write_value(out, result),
            Self::ProcessSummary(result) => json::write_value(out, result),
            Self::ProcessSearch(result) => result.write(out),
            Self::PolicyCheck(result) => json::write_value(out, result),
            Self::PluginList(result) => json::write_value(out, result),
            Self::PluginReload(result) => json::write_value(out, result),
            Self::TerminalCreate(result) => json::write_value(out, result),
            Self::TerminalOutput(result) => json::write_value(out, result),
            Self::TerminalWaitForExit(result) => json::write_value(out, result),
            Self::Fs(result) => result.write(out),
        }
    }
}
