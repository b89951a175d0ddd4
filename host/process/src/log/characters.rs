//! Where a UTF-8 character ends, over bytes that arrive in pieces.

use std::ops::Range;

use bytes::Bytes;

/// The longest beginning of a character that is not yet a character.
const MAX_INCOMPLETE: usize = 3;

/// The beginning of a character whose rest has not arrived.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Held {
    bytes: [u8; MAX_INCOMPLETE],
    len: u8,
}

impl Held {
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    pub(super) fn len(&self) -> usize {
        usize::from(self.len)
    }
}

/// Held bytes and new ones, seen as one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Joined<'a> {
    front: &'a [u8],
    back: &'a [u8],
}

impl<'a> Joined<'a> {
    /// `front` is at most three bytes.
    pub(super) fn new(front: &'a [u8], back: &'a [u8]) -> Self {
        Self { front, back }
    }

    pub(super) fn len(&self) -> usize {
        self.front.len() + self.back.len()
    }

    /// The longest prefix of `range` that does not end inside a character. Empty if `range` is no more than
    /// the beginning of one. Bytes that can never become a character end anywhere.
    pub(super) fn whole(&self, range: Range<usize>) -> Range<usize> {
        let mut last = [0; MAX_INCOMPLETE];
        let len = range.len().min(MAX_INCOMPLETE);
        for (place, index) in last.iter_mut().zip(range.end - len..range.end) {
            *place = self.at(index);
        }
        range.start..range.end - incomplete_suffix(&last[..len])
    }

    /// A copy of exactly this range.
    pub(super) fn copy(&self, range: Range<usize>) -> Bytes {
        let split = self.front.len();
        if range.start >= split {
            return Bytes::copy_from_slice(&self.back[range.start - split..range.end - split]);
        }
        let mut bytes = Vec::with_capacity(range.len());
        bytes.extend_from_slice(&self.front[range.start..range.end.min(split)]);
        bytes.extend_from_slice(&self.back[..range.end.saturating_sub(split)]);
        Bytes::from(bytes)
    }

    /// What follows `start`: the incomplete end that [`Joined::whole`] left over.
    pub(super) fn hold_from(&self, start: usize) -> Held {
        let mut held = Held::default();
        for (place, index) in held.bytes.iter_mut().zip(start..self.len()) {
            *place = self.at(index);
            held.len += 1;
        }
        held
    }

    fn at(&self, index: usize) -> u8 {
        match self.front.get(index) {
            Some(byte) => *byte,
            None => self.back[index - self.front.len()],
        }
    }
}

/// How many bytes at the end are the beginning of a UTF-8 character that more bytes could complete.
pub fn incomplete_suffix(bytes: &[u8]) -> usize {
    for len in 1..=bytes.len().min(MAX_INCOMPLETE) {
        let suffix = &bytes[bytes.len() - len..];
        let continues_another = suffix[0] & 0b1100_0000 == 0b1000_0000;
        if !continues_another {
            // `error_len` is absent if the input ended too early, and present if it can never be right.
            return match std::str::from_utf8(suffix) {
                Err(error) if error.error_len().is_none() => len,
                _ => 0,
            };
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_a_beginning_that_can_be_completed_is_incomplete() {
        let cases: [(&[u8], usize); 13] = [
            (b"", 0),
            (b"abc", 0),
            (b"a\xc3", 1),
            (b"\xc3\xa4", 0),
            (b"\xe2\x82", 2),
            (b"\xe2\x82\xac", 0),
            (b"a\xf0\x9f\x98", 3),
            (b"\xf0\x9f\x98\x80", 0),
            // Never a character: overlong, a surrogate, above the last code point, no beginning.
            (b"\xc0", 0),
            (b"\xed\xa0", 0),
            (b"\xf4\x90", 0),
            (b"\xff", 0),
            (b"\x80\x80\x80", 0),
        ];
        for (bytes, expected) in cases {
            assert_eq!(incomplete_suffix(bytes), expected, "{bytes:x?}");
        }
    }

    proptest! {
        #[test]
        fn text_cut_anywhere_is_cut_at_the_character_before(text in "\\PC{0,12}", at in 0usize..64) {
            let bytes = text.as_bytes();
            let at = at.min(bytes.len());
            let mut border = at;
            while !text.is_char_boundary(border) {
                border -= 1;
            }
            for split in 0..=at.min(3) {
                let joined = Joined::new(&bytes[..split], &bytes[split..]);
                prop_assert_eq!(joined.whole(0..at), 0..border);
                prop_assert_eq!(&joined.copy(0..border)[..], &bytes[..border]);
                let inner = split / 2..border.max(split / 2);
                prop_assert_eq!(&joined.copy(inner.clone())[..], &bytes[inner]);
                let short = Joined::new(&bytes[..split], &bytes[split..at]);
                let held = short.hold_from(border);
                prop_assert_eq!(held.as_slice(), &bytes[border..at]);
            }
        }
    }
}
