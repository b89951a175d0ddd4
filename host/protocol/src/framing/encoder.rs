//! The encoder: puts a frame around a message in place.

use super::Framing;

const NAME: &[u8] = b"Content-Length: ";
const END: &[u8] = b"\r\n\r\n";

/// Frames messages for one connection. Holds no bytes: everything goes to the caller's buffer.
#[derive(Debug, Clone)]
pub struct Encoder {
    framing: Framing,
    /// Digits of the last length. Most messages have as many as the one before, and then the body, which is
    /// written before its length is known, is already in its place.
    digits: usize,
}

impl Encoder {
    /// An encoder that answers in the client's framing.
    pub fn new(framing: Framing) -> Self {
        Self { framing, digits: 3 }
    }

    /// The framing it was made for.
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// Appends one framed message to `out`. `body` must append the message, without raw line breaks, and must
    /// not touch what is in `out` already.
    pub fn frame(&mut self, out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
        match self.framing {
            Framing::Ndjson => {
                body(out);
                out.push(b'\n');
            }
            Framing::ContentLength => self.frame_with_length(out, body),
        }
    }

    fn frame_with_length(&mut self, out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
        let start = out.len();
        let guess = NAME.len() + self.digits + END.len();
        out.resize(start + guess, 0);
        body(out);

        let length = out.len() - start - guess;
        let mut buffer = itoa::Buffer::new();
        let digits = buffer.format(length).as_bytes();
        if digits.len() != self.digits {
            let header = NAME.len() + digits.len() + END.len();
            let zeros = std::iter::repeat_n(0, header);
            out.splice(start..start + guess, zeros);
            self.digits = digits.len();
        }
        let (name, rest) = out[start..].split_at_mut(NAME.len());
        name.copy_from_slice(NAME);
        let (number, rest) = rest.split_at_mut(digits.len());
        number.copy_from_slice(digits);
        rest[..END.len()].copy_from_slice(END);
    }
}
