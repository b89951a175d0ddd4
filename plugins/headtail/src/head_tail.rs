//! The whole filter: the beginning as it comes, the end at the end, and a line between them.

use std::mem;

use memchr::memchr;

use crate::options::Options;
use crate::tail::Tail;

/// One stream. What comes out over all calls does not depend on how the input is cut, as long as
/// [`HeadTail::idle`] is not called.
///
/// Holds at most one line of `max_line_bytes` and the end.
#[derive(Debug)]
pub struct HeadTail {
    channel: &'static str,
    head_lines: u64,
    head_bytes: u64,
    in_head: bool,
    /// Bytes that a line may show: in the beginning, in the end.
    line_limits: [u64; 2],
    /// Bytes of whole lines that were taken in.
    offset: u64,
    /// The current line, as far as it can be shown, and a few bytes more.
    line: Vec<u8>,
    length: u64,
    /// Bytes of the current line that a pause has given.
    given: usize,
    /// Where what is left out begins.
    gap: u64,
    tail: Tail,
    out: Vec<u8>,
}

/// Bytes beyond the limit that are kept of a line: they tell whether a character would be cut.
const BEYOND: u64 = 1;

impl HeadTail {
    /// The start of a stream. `channel` is what the note calls it.
    pub fn new(options: &Options, channel: &'static str) -> Self {
        Self {
            channel,
            head_lines: options.head_lines,
            head_bytes: options.head_bytes,
            in_head: true,
            // A line end takes a byte as well, and one line always fits.
            line_limits: [options.head_bytes, options.tail_bytes]
                .map(|bytes| options.max_line_bytes.min(bytes.saturating_sub(1))),
            offset: 0,
            line: Vec::new(),
            length: 0,
            given: 0,
            gap: 0,
            tail: Tail::new(options.tail_lines, options.tail_bytes),
            out: Vec::new(),
        }
    }

    /// The next bytes. None: they pass as they are, and nothing is held.
    pub fn push(&mut self, chunk: &[u8]) -> Option<Vec<u8>> {
        let fresh = self.in_head && self.length == 0;
        let mut rest = chunk;
        while !rest.is_empty() {
            let end = memchr(b'\n', rest);
            let (text, later) = rest.split_at(end.unwrap_or(rest.len()));
            self.add(text);
            rest = later;
            if end.is_some() {
                rest = &rest[1..];
                self.end_line(b"\n");
            }
        }
        let out = mem::take(&mut self.out);
        if fresh && self.length == 0 && out == chunk { None } else { Some(out) }
    }

    /// Nothing came for a while. In the beginning the current line is given, as far as it fits: it may be a prompt.
    /// Of the end nothing is: only the end of the stream tells where it begins.
    pub fn idle(&mut self) -> Vec<u8> {
        let limit = self.line_limits[0].min(self.line.len() as u64);
        // A character that is not yet whole waits.
        let end = whole_chars(&self.line, usize::try_from(limit).unwrap_or(usize::MAX));
        if !self.fits_head(self.line.len() as u64 + 1) || end <= self.given {
            return Vec::new();
        }
        let text = self.line[self.given..end].to_vec();
        self.given = end;
        text
    }

    /// The end of the stream: what is left out is told, and the end is given.
    pub fn finish(mut self) -> Vec<u8> {
        if self.length > 0 {
            self.end_line(b"");
        }
        let (lines, bytes) = self.tail.dropped;
        if lines > 0 {
            let note = format!(
                "# {lines} {} ({bytes} {}) left out here: bytes {}..{} of {}\n",
                plural(lines, "line"),
                plural(bytes, "byte"),
                self.gap,
                self.gap + bytes,
                self.channel
            );
            self.out.extend_from_slice(note.as_bytes());
        }
        self.out.extend(self.tail.into_shown());
        self.out
    }

    fn add(&mut self, text: &[u8]) {
        self.length += text.len() as u64;
        let most = self.line_limits[0].max(self.line_limits[1]) + BEYOND;
        let room = usize::try_from(most.saturating_sub(self.line.len() as u64)).unwrap_or(usize::MAX);
        self.line.extend_from_slice(&text[..text.len().min(room)]);
    }

    fn end_line(&mut self, end: &[u8]) {
        let mut line = mem::take(&mut self.line);
        let total = self.length + end.len() as u64;
        let head = self.shown_length(&line, self.line_limits[0]);
        if self.given > 0 || self.fits_head(head as u64 + end.len() as u64) {
            self.head_lines = self.head_lines.saturating_sub(1);
            self.head_bytes = self.head_bytes.saturating_sub(head as u64 + end.len() as u64);
            self.gap = self.offset + total;
            let given = self.given.min(head);
            self.cut(&mut line, head, end);
            self.out.extend_from_slice(&line[given..]);
        } else {
            self.in_head = false;
            let shown = self.shown_length(&line, self.line_limits[1]);
            let note = self.cut(&mut line, shown, end);
            // What the filter says itself is not counted, so that a line that is cut fits as well.
            self.tail.push(&line, note, total);
        }
        line.clear();
        self.line = line;
        self.offset += total;
        self.length = 0;
        self.given = 0;
    }

    /// Leaves of a line what is shown of it, and adds the note and the end. Gives the note's length.
    fn cut(&self, line: &mut Vec<u8>, shown: usize, end: &[u8]) -> usize {
        line.truncate(shown);
        let left_out = self.length - shown as u64;
        if left_out > 0 {
            let from = self.offset + shown as u64;
            let note = format!(
                " # {left_out} {} of this line left out: bytes {from}..{} of {}",
                plural(left_out, "byte"),
                from + left_out,
                self.channel
            );
            line.extend_from_slice(note.as_bytes());
        }
        let note = line.len() - shown;
        line.extend_from_slice(end);
        note
    }

    fn fits_head(&self, bytes: u64) -> bool {
        self.in_head && self.head_lines > 0 && bytes <= self.head_bytes
    }

    /// Bytes of the current line that fit into the limit, characters whole.
    fn shown_length(&self, line: &[u8], limit: u64) -> usize {
        if self.length <= limit {
            return line.len();
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX).min(line.len());
        let mut at = limit;
        // Steps back over at most three bytes that continue a character; bytes that are no UTF-8 are cut anywhere.
        while at > 0 && limit - at < 3 && line.get(at).is_some_and(|byte| (0x80..0xc0).contains(byte)) {
            at -= 1;
        }
        if line.get(at).is_some_and(|byte| (0x80..0xc0).contains(byte)) { limit } else { at }
    }
}

/// The part of the first `limit` bytes that does not end within a character.
fn whole_chars(line: &[u8], limit: usize) -> usize {
    let text = &line[..limit.min(line.len())];
    for back in 1..=3.min(text.len()) {
        let at = text.len() - back;
        let needed = match text[at] {
            0x80..=0xbf => continue,
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => 1,
        };
        return if needed > back { at } else { text.len() };
    }
    text.len()
}

fn plural(count: u64, word: &str) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}
