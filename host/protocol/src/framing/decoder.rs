//! The decoder: finds the framing, then lets that framing cut the stream into messages.

use bytes::{Buf, BytesMut};

use super::content_length::Headers;
use super::ndjson::Lines;
use super::{Frame, Framing, is_blank};

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Cuts a byte stream into messages. Push bytes as they come, then take frames until there are none.
///
/// The framing is found from the first byte that is not blank: `C` or `c` means `Content-Length` headers,
/// anything else one message a line. A UTF-8 byte order mark before it is skipped. Blank lines are skipped, and
/// lines may end in `\r\n`. The frames do not depend on how the bytes were cut into pushes.
///
/// After an error the decoder goes on with the next message:
/// - An oversized message is skipped to its end.
/// - Behind a bad header block it skips to the next line that ends in `Content-Length: <digits>`. A JSON text
///   cannot hold such a line, since a line break inside a JSON string is escaped, so bodies are never mistaken
///   for headers, even where a wrong length has run two messages together.
///
/// Memory is bounded by the size limit (8 KiB for headers) and one push, provided that frames are taken after
/// each push; buffers grow by doubling. Time is linear in the bytes pushed. It never blocks.
#[derive(Debug)]
pub struct Decoder {
    buf: BytesMut,
    limit: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Nothing seen yet: a byte order mark may follow.
    Start,
    /// Only blanks seen.
    Blank,
    Ndjson(Lines),
    ContentLength(Headers),
}

impl Decoder {
    /// A decoder for one connection. Messages of more than `max_message_bytes` (without their frame) are errors.
    pub fn new(max_message_bytes: usize) -> Self {
        Self { buf: BytesMut::new(), limit: max_message_bytes, state: State::Start }
    }

    /// Takes in bytes from the stream, however they are cut.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buf.extend_from_slice(bytes);
    }

    /// The next whole message, or why one had to be skipped; none when more bytes are needed.
    pub fn next_frame(&mut self) -> Option<Frame> {
        self.detect(false);
        match &mut self.state {
            State::Start | State::Blank => None,
            State::Ndjson(lines) => lines.next(&mut self.buf, self.limit),
            State::ContentLength(headers) => headers.next(&mut self.buf, self.limit),
        }
    }

    /// The next message after the input has ended; none when all is told. Call it until then.
    ///
    /// A last line without a newline is a message. Half a header or half a body is an error.
    pub fn finish(&mut self) -> Option<Frame> {
        self.detect(true);
        if let Some(frame) = self.next_frame() {
            return Some(frame);
        }
        match &mut self.state {
            State::Start | State::Blank => None,
            State::Ndjson(lines) => lines.finish(&mut self.buf, self.limit),
            State::ContentLength(headers) => headers.finish(&mut self.buf, self.limit),
        }
    }

    /// The client's framing; none before its first byte that is not blank.
    pub fn framing(&self) -> Option<Framing> {
        match self.state {
            State::Start | State::Blank => None,
            State::Ndjson(_) => Some(Framing::Ndjson),
            State::ContentLength(_) => Some(Framing::ContentLength),
        }
    }

    fn detect(&mut self, at_end: bool) {
        if matches!(self.state, State::Start) {
            if self.buf.starts_with(BYTE_ORDER_MARK) {
                self.buf.advance(BYTE_ORDER_MARK.len());
            } else if BYTE_ORDER_MARK.starts_with(&self.buf) && !at_end {
                return;
            }
            self.state = State::Blank;
        }
        if matches!(self.state, State::Blank) {
            let blanks = self.buf.iter().take_while(|byte| is_blank(**byte)).count();
            self.buf.advance(blanks);
            match self.buf.first() {
                None => {}
                Some(b'C' | b'c') => self.state = State::ContentLength(Headers::default()),
                Some(_) => self.state = State::Ndjson(Lines::default()),
            }
        }
    }
}
