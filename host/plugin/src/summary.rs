//! Summaries: reports on what a closed process has printed.

use std::sync::Arc;

use bytes::Bytes;

use crate::bindings::weir::plugin::types;
use crate::fault::{Fault, FaultKind, Hook};
use crate::filter::Channel;
use crate::plugin::Plugin;
use crate::spec::Kind;

/// What a closed process has printed, read in pages. Called on the task that awaits the summary: must not block.
pub trait RetainedOutput: Send + Sync {
    /// The channels that there are.
    fn channels(&self) -> Vec<Channel>;
    /// Bytes that are retained of a channel.
    fn size(&self, channel: Channel) -> u64;
    /// At most `max` bytes from `offset`; fewer at the end and at a gap.
    fn read(&self, channel: Channel, offset: u64, max: u32) -> Bytes;
    /// Where bytes are missing, and how many.
    fn gaps(&self, channel: Channel) -> Vec<(u64, u64)>;
    /// `None` if the end of the process was not seen.
    fn exit_code(&self) -> Option<i32>;
    /// The command.
    fn argv(&self) -> Vec<String>;
    /// Its directory.
    fn cwd(&self) -> String;
}

/// What a summary gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// For a person or a model.
    pub text: String,
    /// Findings with a place.
    pub diagnostics: Vec<Diagnostic>,
    /// Counts and the like.
    pub notes: Vec<(String, String)>,
}

/// A finding with a place, as editors show it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostic {
    /// `error`, `warning`, `note` or `help`, by the rules; the guest's word as it is.
    pub severity: String,
    /// What is wrong.
    pub message: String,
    /// As it was printed.
    pub path: Option<String>,
    /// Counted from 1.
    pub line: Option<u32>,
    /// Counted from 1.
    pub column: Option<u32>,
    /// The tool's own code.
    pub code: Option<String>,
    /// The channel and the offset in it, in bytes.
    pub at: Option<(Channel, u64)>,
}

impl Plugin {
    /// Asks for a report, on an instance of its own. `options` is a JSON object. `None`: not output that this plugin
    /// knows. Fails if the plugin does, and at once if it is switched off or is no summary. Dropping the future ends the
    /// guest.
    pub async fn summarize(
        &self,
        output: Arc<dyn RetainedOutput>,
        options: String,
    ) -> Result<Option<Report>, Box<Fault>> {
        self.account().check_switched_on(Hook::Summarize)?;
        if !self.kinds().contains(&Kind::Summary) {
            let message = String::from("it is not configured as a summary");
            return Err(self.account().fault(Hook::Summarize, FaultKind::Protocol, message, Vec::new()));
        }
        let _turn = self.workers().turn().await;
        let mut guest = self.blueprint().guest(Kind::Summary).await?;
        let report = guest.summarize(output, &options).await?;
        Ok(report.map(from_wit))
    }
}

fn from_wit(report: types::Report) -> Report {
    let diagnostics = report.diagnostics.into_iter().map(|found| Diagnostic {
        severity: found.severity,
        message: found.message,
        path: found.path,
        line: found.line,
        column: found.column,
        code: found.code,
        at: found.at.map(|(channel, offset)| (channel.into(), offset)),
    });
    Report { text: report.text, diagnostics: diagnostics.collect(), notes: report.notes }
}
