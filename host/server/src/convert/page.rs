//! Reads from the end, reads by lines, and searches.

use std::time::Duration;

use tokio::task::spawn_blocking;
use weir_process as process;
use weir_process::{BackBatch, Found, LineBatch, LineRange, Pattern, PatternError, Query, ReadBatch, Stream};
use weir_protocol as wire;
use weir_protocol::{
    ErrorKind, ErrorObject, LinesGiven, LinesWanted, OutputData, OutputEncoding, Reply, SearchParams,
    StreamOffsets,
};

use super::{read_result, stream};

/// Matches that a search gives, unless the client says otherwise.
const MATCHES: u64 = 100;
/// Bytes of lines that one search gives.
const SEARCH_BYTES: usize = 8 << 20;
/// How long one search may take.
const SEARCH_TIME: Duration = Duration::from_secs(10);

pub(crate) fn back_reply(batch: BackBatch, encoding: OutputEncoding) -> Reply {
    let BackBatch { chunks, dropped, before_seq, next_seq, status } = batch;
    let mut reply = read_result(ReadBatch { chunks, dropped, next_seq, status }, encoding);
    reply.before_seq = Some(before_seq);
    Reply::ProcessRead(Box::new(reply))
}

pub(crate) fn line_range(lines: LinesWanted) -> LineRange {
    let stream = match lines.stream {
        wire::Stream::Stdout => process::Stream::Stdout,
        wire::Stream::Stderr => process::Stream::Stderr,
        wire::Stream::Pty => process::Stream::Pty,
    };
    LineRange { stream, from: lines.from, to: lines.to.unwrap_or(-1) }
}

pub(crate) fn lines_reply(batch: LineBatch, lines: LinesWanted, encoding: OutputEncoding) -> Reply {
    let LineBatch { chunks, from, to, total, cut, dropped, status } = batch;
    let next_seq = status.next_seq;
    let mut reply = read_result(ReadBatch { chunks, dropped, next_seq, status }, encoding);
    reply.lines = Some(LinesGiven { stream: lines.stream, from, to, total, cut });
    Reply::ProcessRead(Box::new(reply))
}

/// Compiles the pattern, which takes a moment, on another thread.
pub(crate) async fn query(mut params: SearchParams) -> Result<Query, ErrorObject> {
    let (pattern, ignore_case) = (params.pattern, params.ignore_case);
    let compiled =
        spawn_blocking(move || Pattern::new(&pattern, ignore_case).map_err(|error| wrong_pattern(&error)));
    let pattern = compiled
        .await
        .unwrap_or_else(|_| Err(ErrorObject::new(ErrorKind::Internal, "the host failed at this pattern")))?;
    let size = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    Ok(Query {
        pattern,
        after_seq: params.after_seq.unwrap_or(0),
        offsets: Stream::ALL.map(|of| *at(&mut params.offsets, of)),
        max_matches: size(params.max_matches.unwrap_or(MATCHES)),
        max_bytes: SEARCH_BYTES,
        context_lines: size(params.context_lines.unwrap_or(0)),
        time: SEARCH_TIME,
    })
}

fn wrong_pattern(error: &PatternError) -> ErrorObject {
    let message =
        format!("`process/search`: `pattern`: expected a regular expression, saw a wrong one: {error}");
    let wrong = ErrorObject::new(ErrorKind::InvalidParams, message)
        .with("method", "process/search")
        .with("member", "pattern");
    match error {
        PatternError::Syntax { position, .. } => wrong.with("position", *position as u64),
        PatternError::TooLarge { .. } => wrong,
    }
}

pub(crate) fn search_reply(found: Found, encoding: OutputEncoding) -> Reply {
    let Found { matches, stopped, searched_bytes, dropped_bytes, next_seq, next_offsets: next } = found;
    let mut next_offsets = StreamOffsets::default();
    for (of, offset) in Stream::ALL.into_iter().zip(next) {
        *at(&mut next_offsets, of) = offset;
    }
    let line = |line: process::Line| wire::SearchLine {
        line: line.number,
        line_offset: line.offset,
        data: OutputData::new(line.bytes, encoding),
        cut: line.cut,
    };
    let lines = |lines: Vec<process::Line>| lines.into_iter().map(line).collect();
    let found = |found: process::Match| wire::SearchMatch {
        seq: found.seq,
        stream: stream(found.stream),
        offset: found.offset,
        length: found.len,
        line: line(found.line),
        before: lines(found.before),
        after: lines(found.after),
    };
    Reply::ProcessSearch(Box::new(wire::SearchResult {
        matches: matches.into_iter().map(found).collect(),
        stopped: stopped.map(|stopped| match stopped {
            process::Stopped::Matches => wire::SearchStopped::Matches,
            process::Stopped::Bytes => wire::SearchStopped::Bytes,
            process::Stopped::Time => wire::SearchStopped::Time,
        }),
        searched_bytes,
        dropped_bytes,
        next_seq,
        next_offsets,
    }))
}

fn at(offsets: &mut StreamOffsets, stream: Stream) -> &mut u64 {
    match stream {
        Stream::Stdout => &mut offsets.stdout,
        Stream::Stderr => &mut offsets.stderr,
        Stream::Pty => &mut offsets.pty,
    }
}
