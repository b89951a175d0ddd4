//! What an agent is told of its terminal.

use weir_process::Snapshot;
use weir_protocol as wire;
use weir_protocol::{Cause, Reply, TerminalExitStatus, TerminalOutputResult, WithheldOutput};

/// The end of what a terminal has printed: at most `limit` bytes, from the beginning of a character on.
pub(crate) fn terminal_output_reply(snapshot: &Snapshot, limit: Option<u64>) -> Reply {
    let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    let status = &snapshot.status;
    // There is one, since both streams share a pipe.
    let chunks: Vec<_> =
        snapshot.streams.iter().flat_map(|stream| stream.before.iter().chain(&stream.after)).collect();
    // Replacing what is no text makes nothing shorter, so more chunks than this are not needed.
    let (mut first, mut bytes) = (chunks.len(), 0);
    while first > 0 && bytes < limit {
        first -= 1;
        bytes += chunks[first].len();
    }
    let printed: Vec<u8> = chunks[first..].iter().flat_map(|chunk| chunk.iter().copied()).collect();
    let text = match String::from_utf8(printed) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    };
    let output = end_of(text, limit);
    let truncated = status.dropped_bytes > 0 || first > 0 || output.cut;
    let withheld = status.withheld_bytes > 0 || status.withheld_reason.is_some();
    Reply::TerminalOutput(Box::new(TerminalOutputResult {
        output: output.text,
        truncated,
        exit_status: status.exit.as_ref().map(|exit| terminal_exit_status(Some(&super::exit(exit)))),
        meta: withheld.then(|| WithheldOutput {
            withheld_bytes: status.withheld_bytes,
            withheld_reason: status.withheld_reason.as_deref().map(str::to_owned),
        }),
    }))
}

/// After a signal there is no exit code, where processes have 128 + n; if the end was not seen there is neither.
pub(crate) fn terminal_exit_status(exit: Option<&wire::Exit>) -> TerminalExitStatus {
    let signal = exit.and_then(|exit| exit.signal.as_deref()).map(str::to_owned);
    let seen = exit.filter(|exit| exit.signal.is_none() && exit.cause != Cause::Lost);
    TerminalExitStatus { exit_code: seen.and_then(|exit| u32::try_from(exit.exit_code).ok()), signal }
}

struct End {
    text: String,
    cut: bool,
}

/// The last `limit` bytes of a text, or a few less where that would cut a character.
fn end_of(mut text: String, limit: usize) -> End {
    let mut start = text.len().saturating_sub(limit);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text.drain(..start);
    End { text, cut: start > 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_its_beginning_and_between_characters() {
        let text = "aäß€😀z";
        for limit in 0..=text.len() + 1 {
            let end = end_of(text.to_owned(), limit);
            assert!(end.text.len() <= limit && text.ends_with(&end.text), "{limit}");
            assert_eq!(end.cut, limit < text.len(), "{limit}");
            // One more character would not fit.
            let before = text[..text.len() - end.text.len()].chars().next_back();
            assert!(before.is_none_or(|next| end.text.len() + next.len_utf8() > limit), "{limit}");
        }
    }
}
