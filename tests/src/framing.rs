//! The two ways a JSON text travels over a byte stream, as a client sees them.
//!
//! Independent of the host's own frame code on purpose: both sides agreeing with one shared mistake would prove
//! nothing.

use std::io::{self, BufRead, BufReader, Read};

/// How messages are told apart on the wire.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Framing {
    /// One JSON text a line (MCP, ACP, Codex).
    Lines,
    /// `Content-Length` headers (LSP, DAP).
    ContentLength,
}

impl Framing {
    /// The bytes that carry `body` in this framing.
    #[must_use]
    pub fn encode(self, body: &[u8]) -> Vec<u8> {
        let mut bytes = match self {
            Self::Lines => Vec::with_capacity(body.len() + 1),
            Self::ContentLength => format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes(),
        };
        bytes.extend_from_slice(body);
        if self == Self::Lines {
            bytes.push(b'\n');
        }
        bytes
    }
}

/// Takes a byte stream apart into frames. It is strict: a host that answers in another framing is an error.
pub struct FrameReader<R> {
    input: BufReader<R>,
    framing: Framing,
}

impl<R: Read> FrameReader<R> {
    /// A reader of frames over `input`.
    pub fn new(input: R, framing: Framing) -> Self {
        Self { input: BufReader::with_capacity(64 * 1024, input), framing }
    }

    /// The next frame, without what frames it; `None` at the end of the stream. Blocks.
    ///
    /// # Errors
    ///
    /// Those of the stream, `UnexpectedEof` where it ends within a frame, and `InvalidData` for a bad header.
    pub fn next_frame(&mut self) -> io::Result<Option<Vec<u8>>> {
        match self.framing {
            Framing::Lines => self.line(),
            Framing::ContentLength => self.headed(),
        }
    }

    fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        if self.input.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        if line.pop() != Some(b'\n') {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the output ends within a line"));
        }
        Ok(Some(line))
    }

    fn headed(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut length = None;
        let mut first = true;
        loop {
            let mut header = Vec::new();
            if self.input.read_until(b'\n', &mut header)? == 0 {
                let cut = io::Error::new(io::ErrorKind::UnexpectedEof, "the output ends within headers");
                return if first { Ok(None) } else { Err(cut) };
            }
            first = false;
            let header = String::from_utf8_lossy(&header);
            let Some(header) = header.strip_suffix("\r\n") else {
                return Err(invalid(format!(
                    "expected a header ended by CR LF, saw `{}`",
                    header.trim_end()
                )));
            };
            if header.is_empty() {
                break;
            }
            match header.split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length =
                        Some(value.trim().parse().map_err(|_| invalid(format!("bad length `{value}`")))?);
                }
                Some(_) => {}
                None => return Err(invalid(format!("expected a header, saw `{header}`"))),
            }
        }
        let length: usize = length.ok_or_else(|| invalid("no Content-Length header".to_owned()))?;
        let mut body = vec![0; length];
        self.input.read_exact(&mut body)?;
        Ok(Some(body))
    }
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_framings_come_back_as_they_were_sent() {
        for framing in [Framing::Lines, Framing::ContentLength] {
            let bytes = [framing.encode(b"{\"a\":1}"), framing.encode(b"[2]")].concat();
            let mut reader = FrameReader::new(bytes.as_slice(), framing);
            assert_eq!(reader.next_frame().unwrap().unwrap(), b"{\"a\":1}");
            assert_eq!(reader.next_frame().unwrap().unwrap(), b"[2]");
            assert!(reader.next_frame().unwrap().is_none());
        }
    }

    #[test]
    fn a_cut_frame_is_an_error() {
        assert!(FrameReader::new(&b"{\"a\""[..], Framing::Lines).next_frame().is_err());
        assert!(
            FrameReader::new(&b"Content-Length: 9\r\n\r\n{}"[..], Framing::ContentLength)
                .next_frame()
                .is_err()
        );
    }
}
