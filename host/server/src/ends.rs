//! Output of unknown size within a bound: its beginning and its end.

use std::collections::VecDeque;

use bytes::Bytes;
use weir_process::{Stream, incomplete_suffix};

/// The first quarter and the last three of what came, within a bound, and how much is missing between them.
///
/// What is cut is cut where a UTF-8 character ends, if it is text.
#[derive(Debug)]
pub(crate) struct Ends {
    max: u64,
    head: Vec<(Stream, Bytes)>,
    head_bytes: u64,
    tail: VecDeque<(Stream, Bytes)>,
    tail_bytes: u64,
    dropped: [u64; 3],
}

/// One stream of it: what came before the cut, how much is missing, what came after.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct StreamEnds {
    pub(crate) before: Vec<Bytes>,
    pub(crate) dropped: u64,
    pub(crate) after: Vec<Bytes>,
}

impl Ends {
    pub(crate) fn new(max: u64) -> Self {
        Self { max, head: Vec::new(), head_bytes: 0, tail: VecDeque::new(), tail_bytes: 0, dropped: [0; 3] }
    }

    pub(crate) fn push(&mut self, stream: Stream, mut bytes: Bytes) {
        // So that the end is not lost with a chunk that is larger than it.
        let piece = usize::try_from(self.max / 4).unwrap_or(usize::MAX).max(4);
        while bytes.len() > piece {
            let whole = piece - incomplete_suffix(&bytes[..piece]);
            self.push_piece(stream, bytes.split_to(whole));
        }
        self.push_piece(stream, bytes);
    }

    fn push_piece(&mut self, stream: Stream, bytes: Bytes) {
        let len = bytes.len() as u64;
        if self.tail.is_empty() && self.dropped() == 0 && self.head_bytes + len <= self.max / 4 {
            self.head_bytes += len;
            return self.head.push((stream, bytes));
        }
        self.tail_bytes += len;
        self.tail.push_back((stream, bytes));
        while self.head_bytes + self.tail_bytes > self.max
            && let Some((stream, bytes)) = self.tail.pop_front()
        {
            self.tail_bytes -= bytes.len() as u64;
            self.dropped[index(stream)] += bytes.len() as u64;
        }
    }

    /// Something was gone before it could come. There is one cut alone: what came before it and is no beginning goes too.
    pub(crate) fn miss(&mut self, missing: impl IntoIterator<Item = (Stream, u64)>) {
        let tail = std::mem::take(&mut self.tail);
        let tail = tail.into_iter().map(|(stream, bytes)| (stream, bytes.len() as u64));
        for (stream, bytes) in tail.chain(missing) {
            self.dropped[index(stream)] += bytes;
        }
        self.tail_bytes = 0;
    }

    /// How much is missing of all streams.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.iter().sum()
    }

    pub(crate) fn of(&self, stream: Stream) -> StreamEnds {
        let own = |(of, bytes): &(Stream, Bytes)| (*of == stream).then(|| bytes.clone());
        StreamEnds {
            before: self.head.iter().filter_map(own).collect(),
            dropped: self.dropped[index(stream)],
            after: self.tail.iter().filter_map(own).collect(),
        }
    }
}

fn index(stream: Stream) -> usize {
    Stream::ALL.iter().position(|other| *other == stream).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_kept_and_the_middle_is_counted() {
        let text: Vec<u8> =
            (0..10_000u32).flat_map(|number| format!("{number:04}\u{20AC}").into_bytes()).collect();
        for step in [1, 6, 7, 100, 70_000] {
            for max in [0u64, 3, 40, 1_001, 70_000, 1 << 20] {
                let mut ends = Ends::new(max);
                for piece in text.chunks(step) {
                    ends.push(Stream::Stdout, Bytes::copy_from_slice(piece));
                }
                let StreamEnds { before, dropped, after } = ends.of(Stream::Stdout);
                let (before, after) = (before.concat(), after.concat());
                assert!((before.len() + after.len()) as u64 <= max);
                assert_eq!((before.len() + after.len()) as u64 + dropped, text.len() as u64);
                assert!(text.starts_with(&before) && text.ends_with(&after));
                if dropped > 0 && step >= 70_000 {
                    let whole = [before, after].map(|end| std::str::from_utf8(&end).is_ok());
                    assert_eq!(whole, [true; 2], "{max}");
                }
            }
        }
        assert_eq!(Ends::new(1).of(Stream::Stderr), StreamEnds::default());
    }
}
