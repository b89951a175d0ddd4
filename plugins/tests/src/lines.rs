//! Cuts a channel into lines, page by page.
//!
//! A line is what stands between line ends: LF, CR LF, or CR alone (a progress bar is many lines). Escape sequences
//! are taken out. What stands before and after a gap are two lines, both marked as cut.

use std::ops::Range;

use memchr::{memchr, memchr_iter};

use crate::{
    escape,
    source::{Channel, Source},
};

/// As much of a line is looked at; what comes behind it is kept by its place alone.
pub const SEEN: usize = 8 * 1024;
const PAGE: u32 = 512 * 1024;

/// A line, as recognisers see it.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// Without line end and escapes; at most [`SEEN`] bytes.
    pub text: &'a [u8],
    /// Where it begins in its channel.
    pub start: u64,
    /// Where it ends, behind its line end.
    pub end: u64,
    /// The channel.
    pub channel: Channel,
    /// It begins behind a gap: the front may be missing.
    pub headless: bool,
    /// It has no line end: the back may be missing.
    pub tailless: bool,
}

impl Line<'_> {
    /// Whether it is all there.
    pub fn whole(&self) -> bool {
        !self.headless && !self.tailless && self.text.len() < SEEN
    }
}

/// Gives the lines of `channel` within `range`, in order; of each at most `seen` bytes. Blank lines count, empty text
/// before a CR does not.
pub fn each(
    source: &dyn Source,
    channel: Channel,
    range: Range<u64>,
    seen: usize,
    sink: &mut dyn FnMut(Line<'_>),
) {
    let Range { start, end } = range;
    let gaps = source.gaps(channel);
    let mut gaps = gaps.iter().map(|gap| gap.offset).filter(|&at| at > start && at < end).peekable();
    let headless = source.gaps(channel).iter().any(|gap| gap.offset == start);
    let mut splitter =
        Splitter { channel, start, carry: Vec::new(), length: 0, headless, clean: Vec::new(), seen };
    let mut offset = start;
    while offset < end {
        let until = gaps.peek().copied().unwrap_or(end);
        let max = u64::from(PAGE).min(until - offset) as u32;
        let page = source.read(channel, offset, max);
        if page.is_empty() {
            break;
        }
        let page = &page[..page.len().min(max as usize)];
        splitter.page(page, offset, sink);
        offset += page.len() as u64;
        if gaps.next_if_eq(&offset).is_some() {
            splitter.cut(offset, sink);
        }
    }
    splitter.cut(offset, sink);
}

struct Splitter {
    channel: Channel,
    /// Where the line that is carried begins.
    start: u64,
    carry: Vec<u8>,
    /// How long it is so far; the carry keeps less of a very long one.
    length: u64,
    headless: bool,
    clean: Vec<u8>,
    seen: usize,
}

impl Splitter {
    fn page(&mut self, bytes: &[u8], offset: u64, sink: &mut dyn FnMut(Line<'_>)) {
        let plain = memchr(b'\r', bytes).is_none() && memchr(0x1b, bytes).is_none();
        let mut position = 0;
        for end in memchr_iter(b'\n', bytes) {
            let raw = &bytes[position..end];
            let after = offset + end as u64 + 1;
            if self.length > 0 {
                self.carry(raw);
                let carry = std::mem::take(&mut self.carry);
                self.line(&carry, self.start, after, false, sink);
                self.carry = carry;
                self.carry.clear();
                self.length = 0;
            } else if plain {
                let text = &raw[..raw.len().min(self.seen)];
                let start = offset + position as u64;
                sink(Line {
                    text,
                    start,
                    end: after,
                    channel: self.channel,
                    headless: self.headless,
                    tailless: false,
                });
                self.headless = false;
            } else {
                self.line(raw, offset + position as u64, after, false, sink);
            }
            position = end + 1;
            self.start = after;
        }
        let mut rest = &bytes[position..];
        // A progress bar may print megabytes without a line feed.
        if let Some(last) = memchr::memrchr(b'\r', rest).filter(|&at| at > 0) {
            self.carry(&rest[..last]);
            let carry = std::mem::take(&mut self.carry);
            let after = offset + (position + last) as u64;
            self.line(&carry, self.start, after, false, sink);
            self.carry = carry;
            self.carry.clear();
            self.length = 0;
            self.start = after;
            rest = &rest[last..];
        }
        self.carry(rest);
    }

    fn carry(&mut self, raw: &[u8]) {
        self.length += raw.len() as u64;
        let room = (2 * self.seen).saturating_sub(self.carry.len());
        self.carry.extend_from_slice(&raw[..raw.len().min(room)]);
    }

    /// The bytes end here, at a gap or for good.
    fn cut(&mut self, offset: u64, sink: &mut dyn FnMut(Line<'_>)) {
        if self.length > 0 {
            let carry = std::mem::take(&mut self.carry);
            let ended = self.length == carry.len() as u64 && carry.ends_with(b"\r");
            self.line(&carry, self.start, offset, !ended, sink);
        }
        self.carry.clear();
        self.length = 0;
        self.start = offset;
        self.headless = true;
    }

    /// The line `raw`, and each of the lines in it if it holds carriage returns.
    fn line(&mut self, raw: &[u8], start: u64, end: u64, tailless: bool, sink: &mut dyn FnMut(Line<'_>)) {
        let trimmed = raw.len() - raw.iter().rev().take_while(|b| **b == b'\r').count();
        let body = &raw[..trimmed];
        let mut from = 0;
        let mut segment_start = start;
        loop {
            let cr = memchr(b'\r', &body[from..]).map(|at| from + at);
            let segment = &body[from..cr.unwrap_or(body.len())];
            let segment_end = cr.map_or(end, |at| start + at as u64 + 1);
            if cr.is_none() || !segment.is_empty() {
                self.clean.clear();
                escape::strip(segment, &mut self.clean);
                let text = &self.clean[..self.clean.len().min(self.seen)];
                let tailless = tailless && cr.is_none();
                sink(Line {
                    text,
                    start: segment_start,
                    end: segment_end,
                    channel: self.channel,
                    headless: self.headless,
                    tailless,
                });
                self.headless = false;
            }
            let Some(at) = cr else { break };
            from = at + 1;
            segment_start = segment_end;
        }
    }
}
