//! Tokens that begin with a fixed prefix and go on in a fixed alphabet.

use std::borrow::Cow;

use crate::byte_set::ByteSet;
use crate::outcome::{Hit, Outcome, Swallow, View};

/// A run that is longer is swallowed instead of held.
const LONGEST_HELD: usize = 256;
/// So much of the alphabet after a complete prefix is evidence enough when the stream ends within a token.
const TRUNCATED: usize = 8;

/// The public format of a kind of token.
#[derive(Clone, Debug)]
pub struct Format {
    pub kind: Cow<'static, str>,
    pub prefix: Cow<'static, str>,
    pub body: ByteSet,
    /// Fewest bytes after the prefix.
    pub least: usize,
    /// Most bytes after the prefix: a longer run is something else. `None`: a longer run is masked as a whole.
    pub most: Option<usize>,
    /// Whether a letter or digit before the prefix speaks against it.
    pub border: bool,
    /// Fewest digits among the bytes after the prefix.
    pub digits: usize,
    /// So much of the prefix is no secret and stays.
    pub keep: usize,
}

impl Format {
    /// A format of which a run of any length from `least` on is masked.
    pub const fn open(kind: &'static str, prefix: &'static str, body: ByteSet, least: usize) -> Format {
        let (kind, prefix) = (Cow::Borrowed(kind), Cow::Borrowed(prefix));
        Format { kind, prefix, body, least, most: None, border: false, digits: 0, keep: 0 }
    }

    /// A format of which runs of exactly `count` bytes are masked, where no letter or digit precedes.
    pub const fn exact(kind: &'static str, prefix: &'static str, body: ByteSet, count: usize) -> Format {
        let mut format = Format::open(kind, prefix, body, count);
        format.most = Some(count);
        format.border = true;
        format
    }

    /// The same with a border before it and at least `digits` digits: for short prefixes.
    pub const fn weak(mut self, digits: usize) -> Format {
        self.border = true;
        self.digits = digits;
        self
    }

    /// The same where a run of more than `count` bytes is something else.
    pub const fn at_most(mut self, count: usize) -> Format {
        self.most = Some(count);
        self
    }

    /// The same with so much of the prefix left to be seen.
    pub const fn keep(mut self, count: usize) -> Format {
        self.keep = count;
        self
    }

    /// The first three bytes of every match.
    pub fn anchors(&self) -> Vec<[u8; 3]> {
        match self.prefix.as_bytes() {
            [a, b, c, ..] => vec![[*a, *b, *c]],
            [a, b] => (0..=255).filter(|c| self.body.contains(*c)).map(|c| [*a, *b, c]).collect(),
            _ => Vec::new(),
        }
    }

    /// Judges the token at `at`.
    pub fn judge(&self, view: View<'_>, at: usize, kind: u16) -> Outcome {
        let prefix = self.prefix.as_bytes();
        match view.literal(at, prefix, false) {
            None => return Outcome::Wait(None),
            Some(false) => return Outcome::Miss,
            Some(true) if self.border && !view.border(at) => return Outcome::Miss,
            Some(true) => {}
        }
        let start = at + self.keep;
        let from = at + prefix.len();
        let limit = self.most.map_or(LONGEST_HELD, |most| most + 1);
        let (end, open) = view.run(from, &self.body, limit);
        let length = end - from;
        if open {
            return Outcome::Wait((prefix.len() + length >= 6 && length > 0).then_some(start));
        }
        // What follows it in another colour is something else.
        let most = self.most.filter(|most| length > *most);
        let end = most.and_then(|most| view.mark(from, self.least..=most)).unwrap_or(end);
        let length = end - from;
        let body = &view.bytes[from..end];
        let truncated = view.ended && end == view.bytes.len() && length >= TRUNCATED;
        let enough = length >= self.least || truncated;
        if !enough || self.most.is_some_and(|most| length > most) {
            return Outcome::Miss;
        }
        let digits = body.iter().filter(|byte| byte.is_ascii_digit()).count();
        if digits < self.digits && !(truncated && digits > 0) || body.iter().all(|byte| *byte == body[0]) {
            return Outcome::Miss;
        }
        let then = (self.most.is_none() && length == limit).then_some(Swallow::While(self.body));
        Outcome::Hit(Hit { then, ..Hit::new(start, end, kind) })
    }
}
