//! What a rule says of a place, and the window of the stream through which it looks.

use std::ops::RangeInclusive;

use crate::block::BlockBody;
use crate::byte_set::ByteSet;

/// Bytes that are kept before the place that is judged, so that names and borders can be seen. No rule looks back
/// further, or what comes out would depend on where the input is cut.
pub const CONTEXT: usize = 128;

/// The bytes that are there: context, and what has come since.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub bytes: &'a [u8],
    /// Places before which something stands that nobody sees, in order.
    pub marks: &'a [usize],
    /// Whether nothing comes after them.
    pub ended: bool,
}

impl<'a> View<'a> {
    /// The byte at `at`, if it has come.
    pub fn get(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    /// What has come from `at` on.
    pub fn from(&self, at: usize) -> &'a [u8] {
        self.bytes.get(at..).unwrap_or_default()
    }

    /// The end of the run of `set` from `at`, of at most `limit` bytes, and whether more of it may come.
    pub fn run(&self, at: usize, set: &ByteSet, limit: usize) -> (usize, bool) {
        let rest = self.from(at);
        let rest = &rest[..rest.len().min(limit)];
        let length = rest.iter().take_while(|byte| set.contains(**byte)).count();
        let open = length < limit && at + length >= self.bytes.len() && !self.ended;
        (at + length, open)
    }

    /// Whether `literal` stands at `at`: `None` while more bytes are needed to know. `fold` ignores case.
    pub fn literal(&self, at: usize, literal: &[u8], fold: bool) -> Option<bool> {
        let rest = self.from(at);
        let seen = rest.len().min(literal.len());
        let same =
            rest[..seen] == literal[..seen] || fold && rest[..seen].eq_ignore_ascii_case(&literal[..seen]);
        match (same, seen == literal.len()) {
            (false, _) => Some(false),
            (true, true) => Some(true),
            (true, false) if self.ended => Some(false),
            (true, false) => None,
        }
    }

    /// Where what nobody sees stands in the bytes from `from` on, at one of these distances: the last such place.
    pub fn mark(&self, from: usize, distances: RangeInclusive<usize>) -> Option<usize> {
        let upto = self.marks.partition_point(|mark| *mark <= from + distances.end());
        let mark = *self.marks[..upto].last()?;
        (mark >= from + distances.start()).then_some(mark)
    }

    /// Whether a word may begin at `at`: what stands before is no letter or digit, or is the end of an escape
    /// (`\n`, `%3D`, `\u0022`, a colour).
    pub fn border(&self, at: usize) -> bool {
        let before = &self.bytes[..at];
        let Some(last) = before.last() else { return true };
        if self.marks.binary_search(&at).is_ok() || !last.is_ascii_alphanumeric() {
            return true;
        }
        let back = |count: usize| before.len().checked_sub(count).map(|index| before[index]);
        let hex = |count: usize| {
            before.len() >= count && before[before.len() - count..].iter().all(u8::is_ascii_hexdigit)
        };
        if back(2) == Some(b'\\') && matches!(last, b'n' | b'r' | b't' | b'b' | b'f') {
            return true;
        }
        if back(3) == Some(b'%') && hex(2) || back(6) == Some(b'\\') && back(5) == Some(b'u') && hex(4) {
            return true;
        }
        if *last != b'm' {
            return false;
        }
        let parameters = before[..before.len() - 1]
            .iter()
            .rev()
            .take(16)
            .take_while(|byte| byte.is_ascii_digit() || **byte == b';')
            .count();
        back(parameters + 2) == Some(b'[') && back(parameters + 3) == Some(0x1b)
    }
}

/// A rule's answer for one place. `Miss` and `Hit` are final: more bytes would not change them.
#[derive(Debug)]
pub enum Outcome {
    Miss,
    /// It depends on what comes. With a place: what stands from there on is already evidence of a secret, and is
    /// held back even if somebody waits.
    Wait(Option<usize>),
    Hit(Hit),
}

/// A secret that was found.
#[derive(Debug)]
pub struct Hit {
    pub start: usize,
    pub end: usize,
    /// Index of the kind's name.
    pub kind: u16,
    /// The tag where it is not that of the bytes themselves.
    pub tag: Option<u32>,
    /// The secret goes on beyond `end`: for how long.
    pub then: Option<Swallow>,
}

impl Hit {
    /// A secret that ends at `end`, with a tag of its bytes.
    pub fn new(start: usize, end: usize, kind: u16) -> Hit {
        Hit { start, end, kind, tag: None, then: None }
    }
}

/// How the rest of a secret is told while it is swallowed, in constant memory.
#[derive(Clone, Debug)]
pub enum Swallow {
    /// As long as bytes are in the set.
    While(ByteSet),
    /// Until a byte of the set that no backslash precedes; the flag is whether the last byte was one.
    Until(ByteSet, bool),
    /// The body of a key block.
    Block(BlockBody),
}
