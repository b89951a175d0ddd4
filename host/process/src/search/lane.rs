//! One stream on its way through a search.

use bytes::Bytes;

use super::{Line, Match, Pattern, Yield};
use crate::log::{Chunk, Stream};

/// The longest line that is looked through in one piece.
const MAX_LINE: usize = 1 << 20;
/// What is shown of a line.
const MAX_SHOWN: usize = 4 * 1024;
/// How much of that comes before the match, in a long line.
const SHOWN_BEFORE: usize = 1024;
/// What is kept of lines that were looked through, for those before a match.
const MAX_BEFORE: usize = 256 * 1024;

/// Lines that were looked through, for the context of later ones, and bytes that were not.
pub(super) struct Lane {
    stream: Stream,
    /// Lines that begin before this offset were looked through by somebody else.
    from: u64,
    context_lines: usize,
    buffer: Vec<u8>,
    /// Up to where it was looked through. At the beginning of a line.
    looked: usize,
    /// The offset of the buffer in the stream.
    offset: u64,
    /// Line feeds of the stream before [`Lane::looked`].
    line: u64,
    /// The chunks in the buffer: where each begins in the stream.
    chunks: Vec<(u64, u64)>,
    /// Matches that lack lines behind them: their place, and how many.
    owed: Vec<(usize, usize)>,
    /// The first line that was not looked through since no more was wanted: its offset, and the chunk in which what is
    /// shown before it begins.
    refused: Option<(u64, u64)>,
}

impl Lane {
    pub(super) fn new(stream: Stream, from: u64, context_lines: usize) -> Self {
        Self {
            stream,
            from,
            context_lines,
            buffer: Vec::new(),
            looked: 0,
            offset: 0,
            line: 0,
            chunks: Vec::new(),
            owed: Vec::new(),
            refused: None,
        }
    }

    pub(super) fn stream(&self) -> Stream {
        self.stream
    }

    /// Where the first line begins that was not looked through, or had not ended.
    pub(super) fn next_offset(&self) -> u64 {
        self.refused.map_or((self.offset + self.looked as u64).max(self.from), |(offset, _)| offset)
    }

    /// The chunk in which that line begins, or what is shown before it; none if nothing of that is here.
    pub(super) fn next_seq(&self) -> Option<u64> {
        let next = || {
            let at = self.lines_before(self.looked, 0);
            (at < self.buffer.len()).then(|| self.seq_at(at))
        };
        self.refused.map(|(_, seq)| seq).or_else(next)
    }

    pub(super) fn owes_context(&self) -> bool {
        !self.owed.is_empty()
    }

    /// Takes a chunk. Gives how many of its bytes are to be looked through.
    pub(super) fn push(&mut self, chunk: &Chunk) -> u64 {
        if self.buffer.is_empty() {
            (self.offset, self.line) = (chunk.offset, chunk.line);
        }
        self.chunks.push((chunk.offset, chunk.seq));
        self.buffer.extend_from_slice(&chunk.bytes);
        let all = chunk.bytes.len() as u64;
        let Some(known) = self.from.checked_sub(self.offset + self.looked as u64).filter(|known| *known > 0)
        else {
            return all;
        };
        let begin = self.looked;
        self.looked += (self.buffer.len() - begin).min(usize::try_from(known).unwrap_or(usize::MAX));
        self.line += feeds(&self.buffer[begin..self.looked]);
        self.forget();
        all - self.from.saturating_sub(chunk.offset).min(all)
    }

    /// Looks through the whole lines that there are.
    pub(super) fn look(&mut self, pattern: &Pattern, found: &mut Yield) {
        let new = &self.buffer[self.looked..];
        match memchr::memrchr(b'\n', new) {
            Some(last) => self.look_up_to(self.looked + last + 1, pattern, found),
            None if new.len() >= MAX_LINE => self.look_up_to(self.buffer.len(), pattern, found),
            None => {}
        }
    }

    /// Nothing that follows belongs to what there is.
    pub(super) fn end(&mut self, pattern: &Pattern, found: &mut Yield) {
        self.look_up_to(self.buffer.len(), pattern, found);
        self.offset += self.buffer.len() as u64;
        self.buffer.clear();
        self.chunks.clear();
        self.owed.clear();
        self.looked = 0;
    }

    fn look_up_to(&mut self, end: usize, pattern: &Pattern, found: &mut Yield) {
        let begin = self.looked;
        self.pay(begin, end, found);
        let (mut from, mut counted, mut line) = (begin, begin, self.line);
        while found.is_open()
            && let Some((at, matched)) = pattern.next_line(&self.buffer[..end], from)
        {
            line += feeds(&self.buffer[counted..at.start]);
            counted = at.start;
            let taken = found.take(Match {
                seq: self.seq_at(matched.start),
                stream: self.stream,
                offset: self.offset + matched.start as u64,
                len: matched.len() as u64,
                line: self.shown(at.clone(), matched.start, line + 1),
                before: self.before(at.start, line),
                after: Vec::new(),
            });
            // Where it was refused, the next search begins.
            let Some(place) = taken else {
                from = at.start;
                break;
            };
            from = at.end + 1;
            if self.context_lines > 0 {
                self.behind(place, self.context_lines, from.min(end), end, line + 1, found);
            }
        }
        if !found.is_open() && from < end && self.refused.is_none() {
            let seq = self.seq_at(self.lines_before(from, 0));
            self.refused = Some((self.offset + from as u64, seq));
        }
        self.line += feeds(&self.buffer[begin..end]);
        self.looked = end;
        self.forget();
    }

    /// Gives earlier matches the lines that they lack.
    fn pay(&mut self, from: usize, end: usize, found: &mut Yield) {
        for (place, lacking) in std::mem::take(&mut self.owed) {
            self.behind(place, lacking, from, end, self.line, found);
        }
    }

    /// Gives a match lines from `from` on, and notes what it lacks then. `line` is the number of line feeds before.
    fn behind(
        &mut self,
        place: usize,
        mut lacking: usize,
        mut from: usize,
        end: usize,
        mut line: u64,
        found: &mut Yield,
    ) {
        while lacking > 0 && from < end {
            let stop = memchr::memchr(b'\n', &self.buffer[from..end]).map_or(end, |feed| from + feed);
            line += 1;
            if !found.take_behind(place, self.shown(from..stop, from, line)) {
                return;
            }
            from = stop + 1;
            lacking -= 1;
        }
        if lacking > 0 {
            self.owed.push((place, lacking));
        }
    }

    /// The lines before the one at `start`, the first of them first. `line` is the number of line feeds before it.
    fn before(&self, start: usize, line: u64) -> Vec<Line> {
        let (mut lines, mut end) = (Vec::new(), start);
        // Where a long line was cut, there is no line feed, and what is before it is the same line.
        while lines.len() < self.context_lines && end > 0 && self.buffer[end - 1] == b'\n' {
            let from = memchr::memrchr(b'\n', &self.buffer[..end - 1]).map_or(0, |feed| feed + 1);
            lines.push(self.shown(from..end - 1, from, line - lines.len() as u64));
            end = from;
        }
        lines.reverse();
        lines
    }

    fn shown(&self, line: std::ops::Range<usize>, from: usize, number: u64) -> Line {
        let start = match line.len() > MAX_SHOWN {
            true => from.saturating_sub(SHOWN_BEFORE).max(line.start),
            false => line.start,
        };
        let shown = &self.buffer[start..line.end.min(start + MAX_SHOWN)];
        Line {
            number,
            offset: self.offset + start as u64,
            bytes: Bytes::copy_from_slice(shown),
            cut: shown.len() < line.len(),
        }
    }

    fn seq_at(&self, at: usize) -> u64 {
        let offset = self.offset + at as u64;
        let next = self.chunks.partition_point(|(start, _)| *start <= offset);
        self.chunks.get(next.saturating_sub(1)).map_or(0, |(_, seq)| *seq)
    }

    /// Where the lines begin that are shown before one at `at`, not before `least`.
    fn lines_before(&self, at: usize, least: usize) -> usize {
        let mut keep = at;
        for _ in 0..self.context_lines {
            if keep <= least {
                break;
            }
            match memchr::memrchr(b'\n', &self.buffer[least..keep - 1]) {
                Some(feed) => keep = least + feed + 1,
                None if least == 0 => return 0,
                None => break,
            }
        }
        keep
    }

    /// Lets go of what was looked through, but for the lines that may come before a match.
    fn forget(&mut self) {
        let keep = self.lines_before(self.looked, self.looked.saturating_sub(MAX_BEFORE));
        self.buffer.drain(..keep);
        self.looked -= keep;
        self.offset += keep as u64;
        let gone = self.chunks.partition_point(|(start, _)| *start <= self.offset).saturating_sub(1);
        self.chunks.drain(..gone);
    }
}

fn feeds(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}
