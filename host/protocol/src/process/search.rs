//! `process/search`: a pattern in retained output.

use serde::{Deserialize, Serialize};

use super::Stream;
use super::start::not_zero;
use crate::json;
use crate::params::{self, Fault, Params, from_json};
use crate::{OutputData, ProcessId};

/// The most lines before and behind a match.
const MAX_CONTEXT_LINES: u64 = 100;
/// The most matches of one search.
const MAX_MATCHES: u64 = 10_000;
/// The longest pattern, in bytes.
const MAX_PATTERN: usize = 16 * 1024;

/// Params of `process/search`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SearchParams {
    /// The process.
    pub process_id: ProcessId,
    /// A regular expression. At most 16 KiB.
    pub pattern: String,
    /// Whether letters match whatever their case.
    #[serde(default, deserialize_with = "params::null_is_default")]
    pub ignore_case: bool,
    /// Lines before and behind each match: at most 100; none if there is none.
    pub context_lines: Option<u64>,
    /// How many matches to give: at most 10,000; the host's default if there is none. Never zero.
    pub max_matches: Option<u64>,
    /// The cursor: chunks after this seq are looked through; all if there is none.
    pub after_seq: Option<u64>,
    /// The cursor within chunks: lines that begin before these offsets are passed over.
    #[serde(default, deserialize_with = "params::null_is_default")]
    pub offsets: StreamOffsets,
}

/// A place in each stream, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamOffsets {
    /// In stdout.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub stdout: u64,
    /// In stderr.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub stderr: u64,
    /// In what a terminal has shown.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub pty: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's way to ask")]
fn is_zero(offset: &u64) -> bool {
    *offset == 0
}

/// Result of `process/search`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchResult {
    /// Lines with a match, in the order of their seq.
    pub matches: Vec<SearchMatch>,
    /// Why there may be more; none if everything was looked through.
    pub stopped: Option<SearchStopped>,
    /// How much was looked through.
    pub searched_bytes: u64,
    /// How much was no longer there.
    pub dropped_bytes: u64,
    /// Where the next search begins to read; its cursor is one less.
    pub next_seq: u64,
    /// Where it begins to look: its `offsets`.
    pub next_offsets: StreamOffsets,
}

/// Why a search has ended before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SearchStopped {
    /// There are more matches than were wanted.
    Matches,
    /// They are longer than one answer may be.
    Bytes,
    /// It took longer than it may.
    Time,
}

/// A line with a match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchMatch {
    /// The chunk in which the match begins.
    pub seq: u64,
    /// Where it was printed.
    pub stream: Stream,
    /// Where the line's first match begins in its stream, in bytes.
    pub offset: u64,
    /// How many bytes it has.
    pub length: u64,
    /// The line.
    pub line: SearchLine,
    /// Lines before it.
    pub before: Vec<SearchLine>,
    /// Lines behind it.
    pub after: Vec<SearchLine>,
}

/// A line, or a part of a long one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchLine {
    /// Its number in its stream, from 1.
    pub line: u64,
    /// Where what is given of it begins in its stream, in bytes.
    pub line_offset: u64,
    /// The line, without the line feed.
    pub data: OutputData,
    /// Whether there is more of it; left out if not.
    pub cut: bool,
}

impl Params for SearchParams {
    fn decode(text: &str) -> Result<Self, Fault> {
        let params: Self = from_json(text)?;
        not_zero("maxMatches", params.max_matches)?;
        for (member, value, most) in [
            ("maxMatches", params.max_matches, MAX_MATCHES),
            ("contextLines", params.context_lines, MAX_CONTEXT_LINES),
            ("pattern", Some(params.pattern.len() as u64), MAX_PATTERN as u64),
        ] {
            if let Some(value) = value.filter(|value| *value > most) {
                let unit = if member == "pattern" { " bytes" } else { "" };
                return Err(Fault::new(member, format!("expected at most {most}{unit}, saw {value}{unit}")));
            }
        }
        Ok(params)
    }
}

impl SearchResult {
    /// Appends the result as JSON. By hand: lines go straight from their bytes into the message.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"matches\":[");
        for (index, found) in self.matches.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            found.write(out);
        }
        out.push(b']');
        json::write_members(
            out,
            &Rest {
                stopped: self.stopped,
                searched_bytes: self.searched_bytes,
                dropped_bytes: self.dropped_bytes,
                next_seq: self.next_seq,
                next_offsets: self.next_offsets,
            },
        );
        out.push(b'}');
    }
}

/// Everything but the matches.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rest {
    stopped: Option<SearchStopped>,
    searched_bytes: u64,
    dropped_bytes: u64,
    next_seq: u64,
    next_offsets: StreamOffsets,
}

impl SearchMatch {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"seq\":");
        json::write_number(out, self.seq);
        out.extend_from_slice(b",\"stream\":\"");
        out.extend_from_slice(self.stream.as_str().as_bytes());
        out.extend_from_slice(b"\",\"offset\":");
        json::write_number(out, self.offset);
        out.extend_from_slice(b",\"length\":");
        json::write_number(out, self.length);
        out.push(b',');
        self.line.write_members(out);
        for (name, lines) in [("before", &self.before), ("after", &self.after)] {
            out.extend_from_slice(b",\"");
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":[");
            for (index, line) in lines.iter().enumerate() {
                out.extend_from_slice(if index > 0 { b",{" } else { b"{" });
                line.write_members(out);
                out.push(b'}');
            }
            out.push(b']');
        }
        out.push(b'}');
    }
}

impl SearchLine {
    fn write_members(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\"line\":");
        json::write_number(out, self.line);
        out.extend_from_slice(b",\"lineOffset\":");
        json::write_number(out, self.line_offset);
        out.push(b',');
        self.data.write_member(out);
        if self.cut {
            out.extend_from_slice(b",\"cut\":true");
        }
    }
}
