//! `process/write` and `process/closeStdin`: a process's input.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::params::{self, Fault, Params, from_json};
use crate::{ProcessId, RequestId};

/// Params of `process/write`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteParams {
    /// The process.
    pub process_id: ProcessId,
    /// What to write: the decoded `chunk`, or `text`. None if only `close` was asked for.
    pub data: Option<Bytes>,
    /// Names the write, so that a repetition of it is not written again.
    pub write_id: Option<RequestId>,
    /// Whether stdin ends behind it.
    pub close: bool,
}

/// Params of `process/closeStdin`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CloseStdinParams {
    /// The process.
    pub process_id: ProcessId,
}

/// Result of `process/write` and `process/closeStdin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WriteResult {
    /// What became of it.
    pub status: WriteStatus,
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum WriteStatus {
    /// It is written, or will be, in order.
    Accepted,
    /// No such process.
    UnknownProcess,
    /// Stdin is closed, or was never open.
    StdinClosed,
    /// The process is not running yet.
    Starting,
}

impl Params for WriteParams {
    fn decode(text: &str) -> Result<Self, Fault> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Wire {
            process_id: ProcessId,
            #[serde(default, deserialize_with = "params::base64")]
            chunk: Option<Bytes>,
            text: Option<String>,
            write_id: Option<RequestId>,
            #[serde(default, deserialize_with = "params::null_is_default")]
            close: bool,
        }

        let wire: Wire = from_json(text)?;
        let data = match (wire.chunk, wire.text) {
            (Some(_), Some(_)) => return Err(Fault::new("text", "expected `chunk` or `text`, saw both")),
            (None, None) if !wire.close => {
                return Err(Fault::new("chunk", "expected `chunk` or `text`, saw neither"));
            }
            (chunk, text) => chunk.or(text.map(Bytes::from)),
        };
        Ok(Self { process_id: wire.process_id, data, write_id: wire.write_id, close: wire.close })
    }
}

impl Params for CloseStdinParams {
    fn decode(text: &str) -> Result<Self, Fault> {
        from_json(text)
    }
}
