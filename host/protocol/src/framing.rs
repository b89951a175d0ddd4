//! Where one message ends and the next begins: newlines or `Content-Length` headers.
//!
//! Knows nothing of JSON beyond the first byte that tells the two framings apart.

mod content_length;
mod decoder;
mod encoder;
mod ndjson;

use bytes::{Bytes, BytesMut};

pub use decoder::Decoder;
pub use encoder::Encoder;

/// How messages are told apart on a byte stream. A connection has one framing, chosen by its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Framing {
    /// One JSON value a line, as in MCP and ACP.
    Ndjson,
    /// `Content-Length: n`, an empty line and n bytes, as in LSP and DAP.
    ContentLength,
}

/// A message that could not be taken from the stream. The decoder has already found its way past it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A message over the size limit. Its bytes were discarded as they came.
    #[error("message too large: expected at most {limit} bytes, saw more")]
    TooLarge {
        /// The limit in bytes, as given to [`Decoder::new`].
        limit: usize,
    },
    /// A `Content-Length` header block that cannot be understood.
    #[error("header: expected {expected}, saw {seen}")]
    Header {
        /// What would have been right.
        expected: &'static str,
        /// What was there instead, shortened.
        seen: String,
    },
    /// The input ended inside the body of a message with a `Content-Length`.
    #[error("truncated message: expected {expected} bytes, saw {seen}")]
    Truncated {
        /// The length that the header announced.
        expected: usize,
        /// The bytes of the body that came.
        seen: usize,
    },
}

/// What both framings hand up: a message without its frame, or why there is none.
type Frame = Result<Bytes, FrameError>;

/// Memory behind a message above this size is given back once the message is taken, not kept for the next.
const KEEP_BYTES: usize = 256 << 10;

/// A remainder up to this size is cheap to move to a small buffer of its own.
const MOVE_BYTES: usize = 64 << 10;

/// Lets go of the large allocation behind `taken` when little of `buf` is left in it.
fn give_back(buf: &mut BytesMut, taken: usize) {
    if taken > KEEP_BYTES && buf.len() <= MOVE_BYTES {
        *buf = BytesMut::from(&buf[..]);
    }
}

/// White space between messages, as JSON defines it.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// The end of a line without its `\r`.
fn trim_line_end(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}
