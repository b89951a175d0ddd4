//! Secrets that are known: the value of a variable, wherever and however it is written.

use std::collections::BTreeSet;

use crate::escapes::{Unit, spellings, unit};
use crate::invisible::shown_of;
use crate::outcome::{Hit, Outcome, View};
use crate::tag::Tagger;

/// Shorter values are not looked for: they are everywhere.
pub const SHORTEST: usize = 6;
/// Shorter lines of a value of several lines are not looked for alone.
pub const SHORTEST_LINE: usize = 8;
/// Of a longer value only the beginning is looked for, and its lines.
const LONGEST: usize = 8 * 1024;
/// No more text is held back for one value.
const LONGEST_TEXT: usize = 48 * 1024;
/// Line ends may stand within values from this length on.
const WRAPPED: usize = 16;
/// So many bytes in a row, if they are half of it, are masked although the value does not go on.
const LONG_PART: usize = 24;
/// So many bytes are evidence enough to hold them back, and to mask them at the end of the stream.
const EVIDENCE: usize = 4;

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As it is, or with escapes.
    Plain,
    /// In base64, so many bytes after a multiple of three.
    Base64(u8),
    Hex,
}

/// A value, or a line of one.
#[derive(Debug)]
pub struct Value {
    bytes: Vec<u8>,
    tag: u32,
}

impl Value {
    /// The values to look for in `text`: the whole and, if there are several, its lines; as they are and, if that is
    /// not the same, as they are shown.
    pub fn of(text: &[u8], salt: u64) -> Vec<Value> {
        let mut tagger = Tagger::new(salt);
        tagger.bytes(text);
        let tag = tagger.tag();
        let shown = shown_of(text);
        let mut parts = Value::parts(text);
        if shown != text && shown.len() >= SHORTEST {
            parts.extend(Value::parts(&shown));
        }
        parts.into_iter().map(|part| Value { bytes: part.to_vec(), tag }).collect()
    }

    fn parts(text: &[u8]) -> BTreeSet<&[u8]> {
        let whole = text.strip_suffix(b"\n").filter(|rest| rest.len() >= SHORTEST).unwrap_or(text);
        let mut parts = BTreeSet::from([&whole[..whole.len().min(LONGEST)]]);
        if whole.contains(&b'\n') {
            let lines =
                whole.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
            parts.extend(
                lines.filter(|line| line.len() >= SHORTEST_LINE).map(|line| &line[..line.len().min(LONGEST)]),
            );
        }
        parts
    }

    /// The first three bytes of every text that stands for it.
    pub fn anchors(&self) -> Vec<([u8; 3], Form)> {
        let wraps = self.bytes.len() >= WRAPPED;
        let mut found = Vec::new();
        let gaps: &[&[u8]] = if wraps { &[b"\n", b"\r\n"] } else { &[] };
        let plain = heads(self.bytes.len(), gaps, |at| spellings(&self.bytes[at..]));
        found.extend(plain.into_iter().map(|head| (head, Form::Plain)));
        let gaps: &[&[u8]] =
            if wraps { &[b"\n", b"\r\n", b"\\n", b"\\r", b"%0A", b"%0a", b"%0D", b"%0d"] } else { &[] };
        for shift in 0..3 {
            let heads = heads(self.sextets(shift), gaps, |at| {
                let texts: &[&[u8]] = match self.sextet(shift, at) {
                    62 => &[b"+", b"-", b"%2B", b"%2b"],
                    63 => &[b"/", b"_", b"\\/", b"%2F", b"%2f"],
                    other => &[&[b64(other)]],
                };
                texts.iter().map(|text| (text.to_vec(), 1)).collect()
            });
            found.extend(heads.into_iter().map(|head| (head, Form::Base64(shift))));
        }
        let gaps: &[&[u8]] = if wraps { &[b"\n", b"\r\n", b":", b" "] } else { &[b":", b" "] };
        let hex = heads(self.bytes.len(), gaps, |at| {
            let (high, low) = (nibble(self.bytes[at] >> 4), nibble(self.bytes[at] & 15));
            let cases = [high, high.to_ascii_uppercase()];
            let pairs = cases.iter().flat_map(|high| [[*high, low], [*high, low.to_ascii_uppercase()]]);
            pairs.map(|pair| (pair.to_vec(), 1)).collect()
        });
        found.extend(hex.into_iter().map(|head| (head, Form::Hex)));
        found
    }

    /// Judges the text at `at`.
    pub fn judge(&self, view: View<'_>, at: usize, form: Form, kind: u16) -> Outcome {
        let total = match form {
            Form::Base64(shift) => self.sextets(shift),
            _ => self.bytes.len(),
        };
        // A sextet is three quarters of a byte.
        let bytes = |done: usize| if matches!(form, Form::Base64(_)) { done * 3 / 4 } else { done };
        let (mut to, mut end, mut done) = (at, at, 0);
        let enough = loop {
            let step = match form {
                Form::Plain => unit(view.from(to), &self.bytes[done..], self.bytes.len() >= WRAPPED),
                Form::Base64(shift) => self.base64_unit(view.from(to), shift, done),
                Form::Hex => self.hex_unit(view.from(to), done),
            };
            match step {
                Unit::Take(used, more) => {
                    to += used;
                    done += more;
                    if more > 0 {
                        end = to;
                    }
                    if done >= total {
                        break true;
                    }
                    if done == 0 || to - at > LONGEST_TEXT || to - end > 64 {
                        break bytes(done) >= LONG_PART;
                    }
                }
                Unit::Wait if !view.ended => return Outcome::Wait((bytes(done) >= EVIDENCE).then_some(at)),
                Unit::Wait => break bytes(done) >= EVIDENCE && done * 2 >= total,
                Unit::Miss => break bytes(done) >= LONG_PART && done * 2 >= total,
            }
        };
        if !enough {
            return Outcome::Miss;
        }
        Outcome::Hit(Hit { tag: Some(self.tag), ..Hit::new(at, end, kind) })
    }

    /// Base64 characters that depend on this value alone.
    fn sextets(&self, shift: u8) -> usize {
        (self.bytes.len() * 8 - lead(shift)) / 6
    }

    fn sextet(&self, shift: u8, at: usize) -> u8 {
        let bit = lead(shift) + at * 6;
        let high = u16::from(self.bytes[bit / 8]) << 8;
        let pair = high | u16::from(self.bytes.get(bit / 8 + 1).copied().unwrap_or(0));
        (pair >> (10 - bit % 8) & 63) as u8
    }

    fn base64_unit(&self, text: &[u8], shift: u8, done: usize) -> Unit {
        let want = self.sextet(shift, done);
        let Some(&first) = text.first() else { return Unit::Wait };
        let wraps = done > 0 && self.bytes.len() >= WRAPPED;
        match (first, text.get(1), text.get(2)) {
            (b'-', _, _) if want == 62 => Unit::Take(1, 1),
            (b'_', _, _) if want == 63 => Unit::Take(1, 1),
            (b'\n' | b'\r', _, _) if wraps => Unit::Take(1, 0),
            (b'\\', None, _) | (b'%', None, _) | (b'%', Some(_), None) => Unit::Wait,
            (b'\\', Some(b'/'), _) if want == 63 => Unit::Take(2, 1),
            (b'\\', Some(b'n' | b'r'), _) if wraps => Unit::Take(2, 0),
            (b'%', Some(b'2'), Some(b'B' | b'b')) if want == 62 => Unit::Take(3, 1),
            (b'%', Some(b'2'), Some(b'F' | b'f')) if want == 63 => Unit::Take(3, 1),
            (b'%', Some(b'0'), Some(b'A' | b'a' | b'D' | b'd')) if wraps => Unit::Take(3, 0),
            _ if first == b64(want) => Unit::Take(1, 1),
            _ => Unit::Miss,
        }
    }

    fn hex_unit(&self, text: &[u8], done: usize) -> Unit {
        let byte = self.bytes[done];
        let same = |at: usize, want: u8| text.get(at).map(|seen| seen.to_ascii_lowercase() == nibble(want));
        match (text.first(), same(0, byte >> 4), same(1, byte & 15)) {
            (None, _, _) | (_, Some(true), None) => Unit::Wait,
            (_, Some(true), Some(true)) => Unit::Take(2, 1),
            (Some(b':' | b' '), _, _) if done > 0 => Unit::Take(1, 0),
            (Some(b'\n' | b'\r'), _, _) if done > 0 && self.bytes.len() >= WRAPPED => Unit::Take(1, 0),
            _ => Unit::Miss,
        }
    }
}

/// Bits of the value before the first base64 character that is its own.
fn lead(shift: u8) -> usize {
    [0, 4, 2][usize::from(shift)]
}

fn b64(sextet: u8) -> u8 {
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[usize::from(sextet)]
}

fn nibble(value: u8) -> u8 {
    b"0123456789abcdef"[usize::from(value)]
}

/// All first three bytes of texts that are made of one spelling for each place, with a gap before any but the first.
fn heads(count: usize, gaps: &[&[u8]], spell: impl Fn(usize) -> Vec<(Vec<u8>, usize)>) -> BTreeSet<[u8; 3]> {
    let mut found = BTreeSet::new();
    let mut open = vec![(Vec::new(), 0)];
    while let Some((text, at)) = open.pop() {
        if let [a, b, c, ..] = text[..] {
            found.insert([a, b, c]);
            continue;
        }
        if at >= count {
            continue;
        }
        for (spelling, used) in spell(at) {
            open.push(([&text[..], &spelling].concat(), at + used));
            if at > 0 {
                open.extend(gaps.iter().map(|gap| ([&text[..], gap, &spelling].concat(), at + used)));
            }
        }
    }
    found
}
