//! `Content-Length` headers, an empty line, a body.

use bytes::{Buf, BytesMut};
use memchr::memchr;

use super::{Frame, FrameError, give_back, is_blank, trim_line_end};

/// A header block, its final empty line included, has at most this many bytes.
const MAX_BLOCK: usize = 8 << 10;

/// How far back from a line break a `Content-Length` header is looked for while resynchronising.
const MAX_RESYNC_LINE: usize = 128;

const CONTENT_LENGTH: &[u8] = b"content-length";

/// How many bytes of a bad header an error shows.
const MAX_SEEN: usize = 80;

/// Where the scan for the next message stands.
#[derive(Debug, Default)]
pub(super) struct Headers {
    state: State,
    /// Bytes at the front of the buffer that are known to hold no newline. Used in `Block` and `Resync`.
    scanned: usize,
}

#[derive(Debug)]
enum State {
    /// In a header block of which `taken` bytes are behind us.
    Block { taken: usize, length: Option<u64> },
    /// In a body.
    Body { length: usize },
    /// In a body over the limit.
    Discard { left: u64 },
    /// Behind a bad header block.
    Resync,
}

const NEXT_BLOCK: State = State::Block { taken: 0, length: None };

impl Default for State {
    fn default() -> Self {
        NEXT_BLOCK
    }
}

impl Headers {
    pub(super) fn next(&mut self, buf: &mut BytesMut, limit: usize) -> Option<Frame> {
        loop {
            match self.state {
                State::Block { taken, length } => {
                    if let Err(error) = self.step_block(taken, length, buf, limit)? {
                        self.scanned = 0;
                        self.state = State::Resync;
                        return Some(Err(error));
                    }
                }
                State::Body { length } => {
                    if buf.len() < length {
                        return None;
                    }
                    let body = buf.split_to(length);
                    give_back(buf, length);
                    self.state = NEXT_BLOCK;
                    return Some(Ok(body.freeze()));
                }
                State::Discard { left } => {
                    let here = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
                    buf.advance(here);
                    let left = left - here as u64;
                    self.state = State::Discard { left };
                    if left > 0 {
                        return None;
                    }
                    self.state = NEXT_BLOCK;
                    return Some(Err(FrameError::TooLarge { limit }));
                }
                State::Resync => self.step_resync(buf)?,
            }
        }
    }

    pub(super) fn finish(&mut self, buf: &mut BytesMut, limit: usize) -> Option<Frame> {
        let rest = std::mem::take(buf);
        self.scanned = 0;
        match std::mem::take(&mut self.state) {
            State::Block { taken: 0, .. } if rest.is_empty() => None,
            State::Block { .. } => Some(Err(FrameError::Header {
                expected: "an empty line after the headers",
                seen: "the end of input".to_owned(),
            })),
            State::Body { length } => Some(Err(FrameError::Truncated { expected: length, seen: rest.len() })),
            State::Discard { .. } => Some(Err(FrameError::TooLarge { limit })),
            State::Resync => None,
        }
    }

    /// Takes one line of a header block. None: more bytes are needed. On an error the buffer is left where
    /// the search for the next header is to begin.
    fn step_block(
        &mut self,
        taken: usize,
        length: Option<u64>,
        buf: &mut BytesMut,
        limit: usize,
    ) -> Option<Result<(), FrameError>> {
        if taken == 0 && self.scanned == 0 {
            let blanks = buf.iter().take_while(|byte| is_blank(**byte)).count();
            buf.advance(blanks);
        }
        let window = buf.len().min(MAX_BLOCK - taken);
        let Some(found) = memchr(b'\n', &buf[self.scanned..window]) else {
            if taken + window == MAX_BLOCK {
                return Some(Err(FrameError::Header {
                    expected: "at most 8192 bytes of headers",
                    seen: "more".to_owned(),
                }));
            }
            self.scanned = window;
            return None;
        };
        let end = self.scanned + found;
        let line = trim_line_end(&buf[..end]);
        let parsed = if line.is_empty() { Ok(None) } else { parse_header(line).map(Some) };
        let done = line.is_empty();
        match parsed {
            // The line may be the end of a body with the next header run into it, so it is searched as well.
            Err(BadHeader::Syntax(error)) => return Some(Err(error)),
            Err(BadHeader::Length(error)) => {
                buf.advance(end + 1);
                return Some(Err(error));
            }
            Ok(Some(Some(new))) if length.is_some_and(|known| known != new) => {
                buf.advance(end + 1);
                let seen = format!("`{}` and `{new}`", length.unwrap_or_default());
                return Some(Err(FrameError::Header { expected: "one `Content-Length`", seen }));
            }
            Ok(new) => {
                buf.advance(end + 1);
                self.scanned = 0;
                let length = new.flatten().or(length);
                self.state = State::Block { taken: taken + end + 1, length };
                if !done {
                    return Some(Ok(()));
                }
                let Some(length) = length else {
                    return Some(Err(FrameError::Header {
                        expected: "a `Content-Length`",
                        seen: "headers without one".to_owned(),
                    }));
                };
                self.state = match usize::try_from(length) {
                    Ok(length) if length <= limit => State::Body { length },
                    _ => State::Discard { left: length },
                };
            }
        }
        Some(Ok(()))
    }

    /// Looks for a line break right behind a `Content-Length` header. None: more bytes are needed.
    fn step_resync(&mut self, buf: &mut BytesMut) -> Option<()> {
        let Some(found) = memchr(b'\n', &buf[self.scanned..]) else {
            buf.advance(buf.len().saturating_sub(MAX_RESYNC_LINE));
            self.scanned = buf.len();
            return None;
        };
        let end = self.scanned + found;
        let from = end.saturating_sub(MAX_RESYNC_LINE);
        match find_header(&buf[from..end]) {
            Some(start) => {
                buf.advance(from + start);
                self.state = NEXT_BLOCK;
            }
            None => buf.advance(end + 1),
        }
        self.scanned = 0;
        Some(())
    }
}

enum BadHeader {
    Syntax(FrameError),
    Length(FrameError),
}

/// The length, if the line is a `Content-Length` header; none for any other header.
fn parse_header(line: &[u8]) -> Result<Option<u64>, BadHeader> {
    let name_end = memchr(b':', line).unwrap_or(line.len());
    let (name, value) = line.split_at(name_end);
    if name.is_empty() || value.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
        let expected = "`name: value`";
        return Err(BadHeader::Syntax(FrameError::Header { expected, seen: quote(line) }));
    }
    if !name.eq_ignore_ascii_case(CONTENT_LENGTH) {
        return Ok(None);
    }
    parse_length(value[1..].trim_ascii()).map(Some).ok_or_else(|| {
        let expected = "a `Content-Length` in decimal digits, below 2^64";
        BadHeader::Length(FrameError::Header { expected, seen: quote(line) })
    })
}

fn parse_length(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Where in `line` a `Content-Length` header starts that runs to the line's end.
fn find_header(line: &[u8]) -> Option<usize> {
    let rest = line.trim_ascii_end();
    let name = rest.trim_suffix_while(u8::is_ascii_digit);
    if name.len() == rest.len() {
        return None;
    }
    let name = name.trim_ascii_end().strip_suffix(b":")?;
    let start = name.len().checked_sub(CONTENT_LENGTH.len())?;
    name[start..].eq_ignore_ascii_case(CONTENT_LENGTH).then_some(start)
}

trait TrimSuffix {
    fn trim_suffix_while(&self, matches: impl Fn(&u8) -> bool) -> &[u8];
}

impl TrimSuffix for [u8] {
    fn trim_suffix_while(&self, matches: impl Fn(&u8) -> bool) -> &[u8] {
        let kept = self.iter().rposition(|byte| !matches(byte)).map_or(0, |last| last + 1);
        &self[..kept]
    }
}

/// What a header name is made of (RFC 9110, section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn quote(line: &[u8]) -> String {
    let cut = if line.len() > MAX_SEEN { "..." } else { "" };
    format!("`{}{cut}`", String::from_utf8_lossy(&line[..line.len().min(MAX_SEEN)]).escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_found_only_where_it_runs_to_the_end_of_the_line() {
        let cases = [
            ("Content-Length: 5", Some(0)),
            ("content-length:5 \t\r", Some(0)),
            ("{\"a\":1}CONTENT-LENGTH:  0123", Some(7)),
            ("Content-Length: 1Content-Length: 2", Some(17)),
            ("Content-Length : 5", None),
            ("Content-Length: ", None),
            ("Content-Length: 5}", None),
            ("ontent-Length: 5", None),
            ("5", None),
            ("", None),
        ];
        for (line, start) in cases {
            assert_eq!(find_header(line.as_bytes()), start, "{line:?}");
        }
    }

    #[test]
    fn what_is_found_again_is_a_header_that_parses() {
        let line = b"x}Content-Length: 007\r";
        let start = find_header(line).unwrap();
        assert!(matches!(parse_header(trim_line_end(&line[start..])), Ok(Some(7))));
    }
}
