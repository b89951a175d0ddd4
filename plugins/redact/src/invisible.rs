//! What of a stream nobody sees: escape sequences, control characters without effect, characters without width.
//!
//! A secret with such bytes in it is whole again on a screen, or once somebody has removed them. So they are told from
//! what is shown, byte by byte as they come, and secrets are looked for in what is shown.

/// Bytes that a control sequence may have.
const LONGEST_CONTROL: usize = 256;
/// Bytes that a string sequence (a title, a link, an image) may have.
const LONGEST_STRING: usize = 256 << 10;

/// A part of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    Shown(&'a [u8]),
    /// Nobody sees it.
    Hidden(&'a [u8]),
    /// Nobody sees it, but it may be text of its own: a title, a link, a letter that ends a sequence which is not usual.
    Said(&'a [u8]),
    /// Nobody sees it, but it may stand between two values: a control character such as NUL or US.
    Separator(&'a [u8]),
}

impl<'a> Part<'a> {
    /// Its bytes.
    pub fn bytes(&self) -> &'a [u8] {
        let (Part::Shown(bytes) | Part::Hidden(bytes) | Part::Said(bytes) | Part::Separator(bytes)) = self;
        bytes
    }

    /// Whether secrets may stand in it, or end at it.
    pub fn is_worth_a_look(&self) -> bool {
        matches!(self, Part::Said(_) | Part::Separator(_))
    }
}

/// Tells what is shown from what is not.
#[derive(Clone, Copy, Debug, Default)]
pub struct Splitter {
    state: State,
    /// The beginning of a character of which it depends on the rest whether it is seen.
    pending: [u8; 4],
    count: usize,
    /// So much of it has been given away.
    given: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Ground,
    /// After `ESC`, and the bytes that say which set the final byte is of.
    Escape,
    /// After `ESC [` and so many bytes.
    Control(usize),
    /// In a string of so many bytes; `ESC` has come if so said.
    String { bell: bool, escape: bool, length: usize },
}

/// What a character is, as far as it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Open,
    Shown,
    Hidden,
    /// A control of C1, written as UTF-8: stands for `ESC` and this byte.
    Introducer(u8),
}

impl Splitter {
    /// Whether no sequence and no character stands open.
    pub fn is_calm(&self) -> bool {
        self.state == State::Ground && self.count == 0
    }

    /// The beginning of a character that has not been given away.
    pub fn pending(&self) -> &[u8] {
        &self.pending[self.given..self.count]
    }

    /// Says that `pending` has been given away.
    pub fn give(&mut self) {
        self.given = self.count;
    }

    /// Tells the parts of `bytes` in order, and of each how many bytes of it have been given away before.
    pub fn split(&mut self, bytes: &[u8], mut sink: impl FnMut(Part<'_>, usize)) {
        // What is shown from `from` on has not been told.
        let (mut from, mut at) = (0, 0);
        while at < bytes.len() {
            if self.is_calm() {
                at += shown(&bytes[at..]);
                let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) else { break };
                if let Some(length) = control_sequence(rest) {
                    if from < at {
                        sink(Part::Shown(&bytes[from..at]), 0);
                    }
                    let sequence = &rest[..length];
                    let usual = is_usual_end(rest[length - 1]);
                    sink(if usual { Part::Hidden(sequence) } else { Part::Said(sequence) }, 0);
                    at += length;
                    from = at;
                    continue;
                }
                // Most characters of several bytes are seen, and all of them are there.
                let whole = (2..=4).filter_map(|count| rest.get(..count));
                let decided =
                    whole.map(|part| (part.len(), classify(part))).find(|found| found.1 != Seen::Open);
                if let Some((count, Seen::Shown)) = decided.filter(|_| is_lead(rest[0])) {
                    at += count - 1;
                    continue;
                }
            }
            if from < at {
                sink(Part::Shown(&bytes[from..at]), 0);
            }
            at += usize::from(self.take(bytes[at], &mut sink));
            from = at;
        }
        if from < bytes.len() {
            sink(Part::Shown(&bytes[from..]), 0);
        }
    }

    /// The stream has ended: what stands open is no character.
    pub fn finish(&mut self, mut sink: impl FnMut(Part<'_>, usize)) {
        sink(Part::Shown(&self.pending[..self.count]), self.given);
        (self.count, self.given) = (0, 0);
    }

    /// Takes a byte, if it goes with what was; if not, it has to be looked at once more.
    fn take(&mut self, byte: u8, sink: &mut impl FnMut(Part<'_>, usize)) -> bool {
        if self.count == 0 && !(self.state == State::Ground && is_lead(byte)) {
            let separates = self.state == State::Ground && byte != 0x1b;
            let hidden = self.control(byte);
            if hidden {
                let bytes = &[byte];
                let part = match self.state {
                    _ if separates => Part::Separator(bytes),
                    State::String { .. } => Part::Said(bytes),
                    State::Ground if !is_usual_end(byte) => Part::Said(bytes),
                    _ => Part::Hidden(bytes),
                };
                sink(part, 0);
            }
            return hidden;
        }
        self.pending[self.count] = byte;
        let all = self.count + 1;
        let (second, part, taken) = match classify(&self.pending[..all]) {
            Seen::Open => {
                self.count = all;
                return true;
            }
            Seen::Shown => (None, Part::Shown(&self.pending[..self.count]), false),
            Seen::Hidden => (None, Part::Hidden(&self.pending[..all]), true),
            Seen::Introducer(second) => (Some(second), Part::Hidden(&self.pending[..all]), true),
        };
        sink(part, self.given);
        if let Some(second) = second {
            self.state = State::Escape;
            self.control(second);
        }
        (self.count, self.given) = (0, 0);
        taken
    }

    /// Takes a byte: whether it is part of a sequence, or a control character that is not seen.
    fn control(&mut self, byte: u8) -> bool {
        let string = |bell| State::String { bell, escape: false, length: 0 };
        let (next, hidden) = match (self.state, byte) {
            (State::Ground | State::Escape | State::Control(_), 0x1b) => (State::Escape, true),
            (State::Ground, _) => (State::Ground, is_control(byte)),
            (State::Escape, b'[') => (State::Control(0), true),
            (State::Escape, b']') => (string(true), true),
            (State::Escape, b'P' | b'X' | b'^' | b'_' | b'k') => (string(false), true),
            (State::Escape, 0x20..=0x2f) => (State::Escape, true),
            (State::Escape, 0x30..=0x7e) => (State::Ground, true),
            (State::Control(length), 0x20..=0x3f) if length < LONGEST_CONTROL => {
                (State::Control(length + 1), true)
            }
            (State::Control(_), 0x40..=0x7e) => (State::Ground, true),
            (State::String { escape: true, .. }, b'\\') => (State::Ground, true),
            (State::String { escape: true, .. }, _) => {
                // Another sequence: the string has broken off.
                self.state = State::Escape;
                return self.control(byte);
            }
            (State::String { bell: true, .. }, 0x07) | (State::String { .. }, 0x18 | 0x1a | 0x9c) => {
                (State::Ground, true)
            }
            (State::String { bell, length, .. }, 0x1b) => {
                (State::String { bell, escape: true, length }, true)
            }
            (State::String { bell, length, .. }, other) if other != b'\n' && length < LONGEST_STRING => {
                (State::String { bell, escape: false, length: length + 1 }, true)
            }
            // It has broken off.
            _ => (State::Ground, false),
        };
        self.state = next;
        hidden
    }
}

/// What is shown of `text`.
pub fn shown_of(text: &[u8]) -> Vec<u8> {
    let mut splitter = Splitter::default();
    let mut out = Vec::new();
    let mut keep = |part: Part<'_>, _| {
        if let Part::Shown(bytes) = part {
            out.extend_from_slice(bytes);
        }
    };
    splitter.split(text, &mut keep);
    splitter.finish(&mut keep);
    out
}

/// Control characters without effect, and those that begin a sequence.
fn is_control(byte: u8) -> bool {
    (byte < 0x20) & (byte.wrapping_sub(8) > 5) | (byte == 0x7f)
}

/// Bytes that begin characters of which some are not seen.
fn is_lead(byte: u8) -> bool {
    (byte == 0xc2) | (byte == 0xd8) | (byte == 0xe1) | (byte == 0xe2) | (byte == 0xef) | (byte == 0xf3)
}

/// What a character with such a beginning is: bidirectional controls, joiners and spaces without width, invisible
/// operators, tags, and the variation selectors that only carry data.
fn classify(bytes: &[u8]) -> Seen {
    match bytes {
        [0xc2, second @ 0x80..=0x9f] => Seen::Introducer(*second - 0x40),
        [0xd8, 0x9c]
        | [0xe1, 0xa0, 0x8e]
        | [0xe2, 0x80, 0x8b..=0x8f | 0xaa..=0xae]
        | [0xe2, 0x81, 0xa0..=0xaf]
        | [0xef, 0xbb, 0xbf]
        | [0xef, 0xbf, 0xb9..=0xbb]
        | [0xf3, 0xa0, 0x80..=0xbf, 0x80..=0xbf] => Seen::Hidden,
        [0xc2 | 0xd8 | 0xe1 | 0xe2 | 0xef | 0xf3]
        | [0xe1, 0xa0]
        | [0xe2, 0x80 | 0x81]
        | [0xef, 0xbb | 0xbf]
        | [0xf3, 0xa0]
        | [0xf3, 0xa0, 0x80..=0xbf] => Seen::Open,
        _ => Seen::Shown,
    }
}

/// Whether a sequence with this last byte is one for colours, for erasing, or for the usual character set.
fn is_usual_end(byte: u8) -> bool {
    matches!(byte, b'm' | b'K' | b'B')
}

/// Length of a whole control sequence (a colour).
fn control_sequence(bytes: &[u8]) -> Option<usize> {
    let [0x1b, b'[', rest @ ..] = bytes else { return None };
    let last = rest.iter().take(LONGEST_CONTROL + 1).position(|byte| !(0x20..0x40).contains(byte))?;
    (0x40..0x7f).contains(&rest[last]).then_some(last + 3)
}

/// Length of the longest prefix of which every byte is shown. The loop over a block has no branch, so that the
/// compiler turns it into vector code.
fn shown(bytes: &[u8]) -> usize {
    let good = |byte: &u8| !is_control(*byte) & !is_lead(*byte);
    let all = |block: &&[u8]| block.iter().fold(0, |bad, byte| bad | u8::from(!good(byte))) == 0;
    let blocks = bytes.chunks_exact(64).take_while(all).count() * 64;
    let blocks = blocks + bytes[blocks..].chunks_exact(16).take_while(all).count() * 16;
    blocks + bytes[blocks..].iter().take_while(|byte| good(byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is shown, and the rest, however `text` is cut.
    fn parts(text: &str) -> (String, Vec<u8>) {
        let whole = cut(text.as_bytes(), text.len());
        for size in 1..text.len() {
            assert_eq!(cut(text.as_bytes(), size), whole, "{text:?} in pieces of {size}");
        }
        (String::from_utf8(whole.0).expect("text"), whole.1)
    }

    fn cut(text: &[u8], size: usize) -> (Vec<u8>, Vec<u8>) {
        let (mut seen, mut rest) = (Vec::new(), Vec::new());
        let mut splitter = Splitter::default();
        let mut sink = |part: Part<'_>, given| {
            assert_eq!(given, 0);
            match part {
                Part::Shown(bytes) => seen.extend_from_slice(bytes),
                Part::Hidden(bytes) | Part::Said(bytes) | Part::Separator(bytes) => {
                    rest.extend_from_slice(bytes)
                }
            }
        };
        text.chunks(size.max(1)).for_each(|piece| splitter.split(piece, &mut sink));
        splitter.finish(&mut sink);
        (seen, rest)
    }

    #[test]
    fn what_no_terminal_shows_is_told_from_what_it_shows() {
        for (text, expected) in [
            ("plain\ttext\r\n", "plain\ttext\r\n"),
            ("a\x1b[1;31mb\x1b[0mc", "abc"),
            ("a\x1b(Bb\x1b7c", "abc"),
            ("a\x1b]0;title\x07b\x1b]8;;http://x/\x1b\\c", "abc"),
            ("a\x1bPq#0\x1b\\b", "ab"),
            ("a\0b\x0ec\x7fd", "abcd"),
            ("a\u{200b}b\u{feff}c\u{202e}d\u{e0041}e", "abcde"),
            ("a\u{9b}31mb\u{9d}0;t\u{9c}c", "abc"),
            ("ü – ─ ✓ é \u{a0}€ ｘ 😀", "ü – ─ ✓ é \u{a0}€ ｘ 😀"),
            // Sequences that break off.
            ("a\x1b]0;t\nb", "a\nb"),
            ("a\x1b[1\nb", "a\nb"),
            ("a\x1b[1\x1b[mb", "ab"),
        ] {
            let (seen, rest) = parts(text);
            assert_eq!(seen, expected, "{text:?}");
            assert_eq!(seen.len() + rest.len(), text.len(), "{text:?}");
        }
    }

    #[test]
    fn a_string_without_an_end_hides_so_much_and_no_more() {
        let text = format!("\x1b]0;{}", "x".repeat(LONGEST_STRING + 10));
        assert_eq!(cut(text.as_bytes(), 4096).0.len(), 12);
    }

    #[test]
    fn control_characters_may_separate_and_sequences_do_not() {
        let mut told = Vec::new();
        Splitter::default().split(b"a\0b\x1b[mc", |part, _| told.push(format!("{part:?}")));
        assert!(told[1].starts_with("Separator") && told[3].starts_with("Hidden"));
    }
}
