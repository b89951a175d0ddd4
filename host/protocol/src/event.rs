//! Notifications to the client.

use serde::Serialize;

use crate::{Dropped, Exit, OutputData, PluginFault, ProcessId, Stream, Usage, WaitingForInputEvent, json};

/// News of a process, of plugins, or of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// `process/output`.
    Output(OutputEvent),
    /// `process/exited`.
    Exited(ExitedEvent),
    /// `process/closed`.
    Closed(ClosedEvent),
    /// `process/waitingForInput`.
    WaitingForInput(WaitingForInputEvent),
    /// `process/inputTaken`: who was said to wait for input waits no more.
    InputTaken {
        /// The process.
        process_id: ProcessId,
    },
    /// `plugin/fault`.
    PluginFault(PluginFault),
    /// `plugin/reloaded`: the configuration was read anew.
    PluginsReloaded {
        /// The generation that holds from now on; the one before, if there is a failure.
        generation: u64,
        /// Why it was not taken up, if it was not.
        failure: Option<String>,
    },
    /// `$/cancelRequest`: the answer to a request to the client is no longer wanted.
    CancelRequest {
        /// The id that the request had.
        id: String,
    },
    /// `fs/missingChanged`: what was missing may be there now, or what was there may be gone. Once a watch.
    MissingChanged {
        /// The id of the watch.
        watch_id: u64,
    },
}

/// `process/output`: it printed something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputEvent {
    /// The process.
    pub process_id: ProcessId,
    /// Its place among the events of its process.
    pub seq: u64,
    /// Where it came from.
    pub stream: Stream,
    /// The output.
    pub data: OutputData,
    /// What is missing before it.
    pub dropped: Option<Dropped>,
}

/// `process/exited`: its leader has exited. Output may still follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExitedEvent {
    /// The process.
    pub process_id: ProcessId,
    /// Its place among the events of its process.
    pub seq: u64,
    /// How it ended.
    pub exit: Exit,
    /// Streams that have not ended.
    pub streams_open: Vec<Stream>,
    /// What it used up; null on the wire if its end was not seen.
    pub usage: Option<Usage>,
    /// What is missing before it.
    pub dropped: Option<Dropped>,
}

/// `process/closed`: nothing more will come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClosedEvent {
    /// The process.
    pub process_id: ProcessId,
    /// Its place among the events of its process.
    pub seq: u64,
    /// Everything that was printed.
    pub total_bytes: u64,
    /// How much of it is gone.
    pub dropped_bytes: u64,
    /// What was printed beside that and never retained, because a filter had failed; left out when that is nothing.
    #[serde(skip_serializing_if = "json::is_zero")]
    pub withheld_bytes: u64,
    /// Why something was withheld; left out when nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withheld_reason: Option<String>,
    /// What is missing before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped: Option<Dropped>,
}

impl Event {
    /// The method of the notification.
    pub const fn method(&self) -> &'static str {
        match self {
            Self::Output(_) => "process/output",
            Self::Exited(_) => "process/exited",
            Self::Closed(_) => "process/closed",
            Self::WaitingForInput(_) => "process/waitingForInput",
            Self::InputTaken { .. } => "process/inputTaken",
            Self::PluginFault(_) => "plugin/fault",
            Self::PluginsReloaded { .. } => "plugin/reloaded",
            Self::CancelRequest { .. } => "$/cancelRequest",
            Self::MissingChanged { .. } => "fs/missingChanged",
        }
    }

    /// Appends the params as JSON.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Output(event) => event.write(out),
            Self::Exited(event) => event.write(out),
            Self::Closed(event) => json::write_value(out, event),
            Self::WaitingForInput(event) => json::write_value(out, event),
            Self::InputTaken { process_id } => json::write_value(out, &Named { process_id }),
            Self::PluginFault(event) => json::write_value(out, event),
            Self::PluginsReloaded { generation, failure } => {
                let event = Reloaded { generation: *generation, failure: failure.as_deref() };
                json::write_value(out, &event);
            }
            Self::CancelRequest { id } => json::write_value(out, &Cancel { id }),
            Self::MissingChanged { watch_id } => {
                json::write_value(out, &MissingChanged { watch_id: *watch_id });
            }
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reloaded<'a> {
    generation: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Named<'a> {
    process_id: &'a ProcessId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Cancel<'a> {
    id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MissingChanged {
    watch_id: u64,
}

impl OutputEvent {
    /// By hand: output goes straight from the retained bytes into the message.
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"processId\":");
        json::write_string(out, &self.process_id);
        out.extend_from_slice(b",\"seq\":");
        json::write_number(out, self.seq);
        out.extend_from_slice(b",\"stream\":\"");
        out.extend_from_slice(self.stream.as_str().as_bytes());
        out.extend_from_slice(b"\",");
        self.data.write_member(out);
        if let Some(dropped) = &self.dropped {
            out.extend_from_slice(b",\"dropped\":");
            json::write_value(out, dropped);
        }
        out.push(b'}');
    }
}

impl ExitedEvent {
    fn write(&self, out: &mut Vec<u8>) {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Wire<'a> {
            process_id: &'a ProcessId,
            seq: u64,
            #[serde(flatten)]
            exit: &'a Exit,
            streams_open: &'a [Stream],
            usage: Option<Usage>,
            sandbox_denied: bool,
            #[serde(skip_serializing_if = "Option::is_none")]
            dropped: Option<Dropped>,
        }

        let wire = Wire {
            process_id: &self.process_id,
            seq: self.seq,
            exit: &self.exit,
            streams_open: &self.streams_open,
            usage: self.usage,
            sandbox_denied: false,
            dropped: self.dropped,
        };
        json::write_value(out, &wire);
    }
}
