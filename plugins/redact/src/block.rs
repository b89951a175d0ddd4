//! Private keys between `-----BEGIN … PRIVATE KEY-----` and `-----END …`: PEM (RFC 7468, RFC 1421), OpenSSH, SSH2
//! (RFC 4716) and OpenPGP (RFC 9580).
//!
//! A marker alone is no secret: sources are full of them. The block begins for certain with the first run of base64
//! near its marker; from then on nothing is kept but the hash.

use crate::byte_set::{BASE64, ByteSet};
use crate::outcome::{Hit, Outcome, Swallow, View};
use crate::tag::Tagger;

/// So far after the marker the key has to begin, or it is only spoken of.
const NEAR: usize = 512;
/// A run of base64 that makes a key certain.
const KEY_RUN: usize = 32;
/// A line with such a run belongs to the body.
const BODY_RUN: usize = 16;
/// So many lines in a row that do not belong to it end a body that has no end marker.
const FOREIGN_LINES: usize = 4;
/// So many bytes without such a run do the same.
const FOREIGN_BYTES: usize = 1024;
const LABEL: ByteSet = ByteSet::new(b"A-Z0-9 ");

/// Judges `-----BEGIN` at `at`; a fifth dash, if there is one, need not be the first.
pub fn judge_block(view: View<'_>, at: usize, kind: u16) -> Outcome {
    let dashes = view.from(at).iter().take(6).take_while(|byte| **byte == b'-').count();
    if dashes == view.from(at).len() && dashes < 6 && !view.ended {
        return Outcome::Wait(None);
    }
    if !(4..=5).contains(&dashes) {
        return Outcome::Miss;
    }
    let label = at + dashes + usize::from(view.get(at + dashes) == Some(b' '));
    match view.literal(label, b"BEGIN ", false) {
        None => return Outcome::Wait(None),
        Some(false) => return Outcome::Miss,
        Some(true) => {}
    }
    let (close, open) = view.run(label, &LABEL, 64);
    if open {
        return Outcome::Wait(None);
    }
    let name = &view.bytes[label..close];
    if !name.windows(11).any(|window| window == b"PRIVATE KEY") {
        return Outcome::Miss;
    }
    match view.literal(close, b"----", false) {
        None => return Outcome::Wait(None),
        Some(false) => return Outcome::Miss,
        Some(true) => {}
    }
    let rest = view.from(close + 4);
    let window = &rest[..rest.len().min(NEAR)];
    match certain(window) {
        Some(true) => {
            let body = Swallow::Block(BlockBody::default());
            Outcome::Hit(Hit { then: Some(body), ..Hit::new(at, close + 4, kind) })
        }
        Some(false) => Outcome::Miss,
        None if window.len() == NEAR => Outcome::Miss,
        None if !view.ended => Outcome::Wait(Some(at)),
        None if longest_run(window) >= 8 => Outcome::Hit(Hit::new(at, view.bytes.len(), kind)),
        None => Outcome::Miss,
    }
}

/// Whether a key begins in `window`; `None` if it cannot be told yet.
fn certain(window: &[u8]) -> Option<bool> {
    let mut from = 0;
    for (index, byte) in window.iter().enumerate() {
        // An end, or another beginning, before a key.
        let marker = [&b"----END"[..], b"----BEGIN"].iter().any(|marker| window[from..].starts_with(marker));
        if marker && index == from {
            return Some(false);
        }
        if !BASE64.contains(*byte) {
            from = index + 1;
            continue;
        }
        let run = &window[from..=index];
        let has = |test: fn(&u8) -> bool| run.iter().any(test);
        if run.len() >= KEY_RUN
            && has(u8::is_ascii_uppercase)
            && has(u8::is_ascii_lowercase)
            && has(u8::is_ascii_digit)
        {
            return Some(true);
        }
    }
    None
}

fn longest_run(bytes: &[u8]) -> usize {
    bytes.split(|byte| !BASE64.contains(*byte)).map(<[u8]>::len).max().unwrap_or(0)
}

/// What a byte is to something that is being swallowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fed {
    /// Part of it, and more may follow.
    More,
    /// Its last byte.
    Last,
    /// The first byte behind it.
    Past,
}

/// Where in a key block the stream is.
#[derive(Clone, Debug, Default)]
pub struct BlockBody {
    run: usize,
    /// Whether the current line holds a run of base64 that is long enough.
    native: bool,
    foreign_lines: usize,
    foreign_bytes: usize,
    escaped: bool,
    /// How much of `----END` was seen.
    end: usize,
    /// Dashes that were seen after the label of the end marker.
    closing: usize,
}

const END: &[u8] = b"----END";

impl BlockBody {
    /// Takes a byte. What looks like base64 goes into the tag, so that a key has the
    /// same one with line ends and with `\n` escapes.
    pub fn feed(&mut self, byte: u8, tagger: &mut Tagger) -> Fed {
        if self.end == END.len() {
            return self.feed_end(byte);
        }
        self.end = match byte {
            b'-' if self.end >= 4 => 4,
            _ if byte == END[self.end] => self.end + 1,
            b'-' => 1,
            _ => 0,
        };
        let escape = self.escaped;
        self.escaped = byte == b'\\' && !escape;
        let line_end = byte == b'\n' || escape && byte == b'n';
        self.foreign_bytes += 1;
        if BASE64.contains(byte) && !escape {
            tagger.byte(byte);
            self.run += 1;
            if self.run >= BODY_RUN {
                self.native = true;
                self.foreign_lines = 0;
                self.foreign_bytes = 0;
            }
        } else {
            self.run = 0;
        }
        if line_end {
            self.foreign_lines += usize::from(!self.native);
            self.native = false;
        }
        if self.foreign_lines >= FOREIGN_LINES || self.foreign_bytes >= FOREIGN_BYTES {
            Fed::Last
        } else {
            Fed::More
        }
    }

    fn feed_end(&mut self, byte: u8) -> Fed {
        match byte {
            b'-' => self.closing += 1,
            _ if self.closing == 0 && LABEL.contains(byte) => return Fed::More,
            _ => return Fed::Past,
        }
        if self.closing >= 5 { Fed::Last } else { Fed::More }
    }
}
