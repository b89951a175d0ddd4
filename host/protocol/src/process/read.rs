//! `process/read`: retained output from a cursor on.

use serde::{Deserialize, Serialize};

use super::start::not_zero;
use super::{Exit, Stream, nullable_exit};
use crate::json;
use crate::params::{self, Fault, Params, from_json};
use crate::{OutputData, ProcessId};

/// Params of `process/read`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadParams {
    /// The process.
    pub process_id: ProcessId,
    /// The cursor: chunks after this seq are wanted; all if there is none.
    pub after_seq: Option<u64>,
    /// How much at most; the first chunk comes whole in any case. Never zero.
    pub max_bytes: Option<u64>,
    /// How long to wait for `waitFor`.
    pub wait_ms: Option<u64>,
    /// What to wait for.
    #[serde(default, deserialize_with = "params::null_is_default")]
    pub wait_for: WaitFor,
    /// The name of the view to read through; none reads what is retained as it is.
    pub view: Option<String>,
    /// Read backwards: so much at the most, from the end. Never zero; with neither a cursor, nor a wait, nor a view.
    pub from_end: Option<u64>,
    /// Where `fromEnd` counts from, instead of the end: only chunks before this seq.
    pub before_seq: Option<u64>,
    /// Read lines, instead of chunks from a cursor on.
    #[serde(default, deserialize_with = "params::optional_named")]
    pub lines: Option<LinesWanted>,
}

/// Lines of one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinesWanted {
    /// The stream.
    #[serde(default = "stdout", deserialize_with = "params::word")]
    pub stream: Stream,
    /// The first line: from 1, or from the end if it is less than zero. Never zero.
    pub from: i64,
    /// The last one, in the same way; the last there is if left out. Never zero.
    pub to: Option<i64>,
}

/// Which lines a read has given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LinesGiven {
    /// The stream.
    pub stream: Stream,
    /// The first line given.
    pub from: u64,
    /// The last one; one less than the first if there are none.
    pub to: u64,
    /// How many there are so far.
    pub total: u64,
    /// Whether the last one is longer than what was given of it; left out if not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

/// What a read waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WaitFor {
    /// A chunk, news of the exit, or the close.
    #[default]
    Output,
    /// The exit.
    Exit,
    /// The close.
    Close,
}

/// Result of `process/read`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadResult {
    /// Chunks in the order of their seq.
    pub chunks: Vec<ReadChunk>,
    /// The seq that a chunk after these would have; the next cursor is one less.
    pub next_seq: u64,
    /// How it ended, if it did.
    pub exit: Option<Exit>,
    /// Whether both the exit is known and every stream has ended.
    pub closed: bool,
    /// What went wrong with the process, if something did.
    pub failure: Option<String>,
    /// What is missing between the cursor and the first chunk.
    pub dropped: Option<Dropped>,
    /// Streams that have not ended.
    pub streams_open: Vec<Stream>,
    /// Everything that was printed so far.
    pub total_bytes: u64,
    /// How much of it is gone.
    pub dropped_bytes: u64,
    /// What was printed beside that and never retained, because a filter had failed; left out when that is nothing.
    pub withheld_bytes: u64,
    /// Why something was withheld; left out when nothing was.
    pub withheld_reason: Option<String>,
    /// Filters of the view that failed and were passed over, in the view's order; left out when there are none.
    pub passed_over: Vec<String>,
    /// Where to go on backwards, 1 at the beginning; none unless the read went that way.
    pub before_seq: Option<u64>,
    /// The lines given, if lines were wanted.
    pub lines: Option<LinesGiven>,
}

/// A piece of output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadChunk {
    /// The first of the retained chunks that a chunk of a view covers; `seq` is the last. None without a view.
    pub from_seq: Option<u64>,
    /// Its place among the events of its process.
    pub seq: u64,
    /// Where it came from.
    pub stream: Stream,
    /// The output.
    pub data: OutputData,
}

/// A hole in the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dropped {
    /// The first seq that is missing.
    pub from_seq: u64,
    /// The last seq that is missing.
    pub to_seq: u64,
    /// How much was in them.
    pub bytes: u64,
}

impl Params for ReadParams {
    fn decode(text: &str) -> Result<Self, Fault> {
        let params: Self = from_json(text)?;
        not_zero("maxBytes", params.max_bytes)?;
        params.check()?;
        Ok(params)
    }
}

impl ReadParams {
    /// There are three ways to read, and each has members of its own.
    fn check(&self) -> Result<(), Fault> {
        not_zero("fromEnd", self.from_end)?;
        not_zero("beforeSeq", self.before_seq)?;
        for (member, line) in [
            ("lines.from", self.lines.map(|lines| lines.from)),
            ("lines.to", self.lines.and_then(|lines| lines.to)),
        ] {
            if line == Some(0) {
                return Err(Fault::new(member, "expected a line from 1, or from -1 backwards, saw 0"));
            }
        }
        if self.before_seq.is_some() && self.from_end.is_none() {
            return Err(Fault::new("beforeSeq", "expected it beside `fromEnd`, saw it without"));
        }
        let way = match (self.from_end, self.lines) {
            (None, None) => return Ok(()),
            (Some(_), Some(_)) => {
                return Err(Fault::new("lines", "expected no `lines` beside `fromEnd`, saw both"));
            }
            (Some(_), None) => "fromEnd",
            (None, Some(_)) => "lines",
        };
        let others = [
            ("afterSeq", self.after_seq.is_some()),
            ("waitMs", self.wait_ms.is_some()),
            ("view", self.view.is_some()),
            ("maxBytes", self.max_bytes.is_some() && self.from_end.is_some()),
        ];
        match others.into_iter().find(|(_, there)| *there) {
            Some((member, _)) => {
                Err(Fault::new(member, format!("expected no `{member}` beside `{way}`, saw both")))
            }
            None => Ok(()),
        }
    }
}

fn stdout() -> Stream {
    Stream::Stdout
}

impl ReadResult {
    /// Appends the result as JSON. By hand: chunks go straight from the retained bytes into the message.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"chunks\":[");
        for (index, chunk) in self.chunks.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.push(b'{');
            if let Some(from_seq) = chunk.from_seq {
                out.extend_from_slice(b"\"fromSeq\":");
                json::write_number(out, from_seq);
                out.push(b',');
            }
            out.extend_from_slice(b"\"seq\":");
            json::write_number(out, chunk.seq);
            out.extend_from_slice(b",\"stream\":\"");
            out.extend_from_slice(chunk.stream.as_str().as_bytes());
            out.extend_from_slice(b"\",");
            chunk.data.write_member(out);
            out.push(b'}');
        }
        out.push(b']');
        json::write_members(
            out,
            &Rest {
                next_seq: self.next_seq,
                exit: &self.exit,
                closed: self.closed,
                failure: self.failure.as_deref(),
                dropped: self.dropped,
                streams_open: &self.streams_open,
                total_bytes: self.total_bytes,
                dropped_bytes: self.dropped_bytes,
                withheld_bytes: self.withheld_bytes,
                withheld_reason: self.withheld_reason.as_deref(),
                passed_over: &self.passed_over,
                before_seq: self.before_seq,
                lines: self.lines,
                sandbox_denied: false,
            },
        );
        out.push(b'}');
    }
}

/// Everything but the chunks.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rest<'a> {
    next_seq: u64,
    #[serde(flatten, serialize_with = "nullable_exit")]
    exit: &'a Option<Exit>,
    closed: bool,
    failure: Option<&'a str>,
    dropped: Option<Dropped>,
    streams_open: &'a [Stream],
    total_bytes: u64,
    dropped_bytes: u64,
    #[serde(skip_serializing_if = "json::is_zero")]
    withheld_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    withheld_reason: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    passed_over: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    before_seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<LinesGiven>,
    sandbox_denied: bool,
}
