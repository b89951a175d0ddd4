//! One look at a stream: what is held back, what goes out, and the masks between. It may be told to look past bytes
//! that nobody sees: they stand between those that are judged, and go out where they stood, or are masked with them.
//!
//! Rules answer for a place in the stream, and an answer other than "wait" does not change with more bytes. So what
//! comes out depends on the bytes alone, and not on where they are cut.

use std::collections::VecDeque;
use std::ops::Range;
use std::rc::Rc;

use crate::block::Fed;
use crate::invisible::Part;
use crate::outcome::{CONTEXT, Hit, Outcome, Swallow, View};
use crate::rules::Rules;
use crate::tag::{Tagger, mask};

/// Input is taken in pieces of this size, so that little memory is needed.
pub const PIECE: usize = 16 * 1024;
/// So many bytes that nobody sees are held back; more are judged like any others.
const MOST_HIDDEN: usize = 512 * 1024;

/// A mask that was put into the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masked {
    pub mask: String,
    pub kind: String,
}

/// A look at a stream.
#[derive(Debug)]
pub struct Matcher {
    rules: Rc<Rules>,
    salt: u64,
    /// Context that has gone out, then what has not.
    buffer: Vec<u8>,
    /// Places before this one are decided.
    scan: usize,
    /// Bytes before this one have gone out, or were masked.
    emitted: usize,
    /// What nobody sees of what has not gone out: the bytes, and where they stand.
    hidden: VecDeque<u8>,
    gaps: VecDeque<Gap>,
    /// Places of the buffer before which something stands or stood that nobody sees.
    marks: Vec<usize>,
    /// Masks that another look has made; nothing begins within one.
    masks: VecDeque<Range<usize>>,
    /// For a second look at all that is printed: where in the buffer stands what is worth it. Nothing else counts
    /// than what that makes a difference to.
    unseen: Option<VecDeque<Range<usize>>>,
    swallowing: Option<Swallowing>,
    masked: Vec<Masked>,
}

/// Bytes that nobody sees, before a place of the buffer.
#[derive(Clone, Copy, Debug)]
struct Gap {
    at: usize,
    length: usize,
    /// Whether they may stand between two values.
    separates: bool,
    /// Whether they are worth a second look.
    again: bool,
}

#[derive(Debug)]
struct Swallowing {
    rest: Swallow,
    tagger: Tagger,
    kind: u16,
}

impl Matcher {
    /// A stream at its beginning. `salt` keys the tags.
    pub fn new(rules: Rc<Rules>, salt: u64) -> Matcher {
        Matcher {
            rules,
            salt,
            buffer: Vec::new(),
            scan: 0,
            emitted: 0,
            hidden: VecDeque::new(),
            gaps: VecDeque::new(),
            marks: Vec::new(),
            masks: VecDeque::new(),
            unseen: None,
            swallowing: None,
            masked: Vec::new(),
        }
    }

    /// A second look at a stream.
    pub fn second(rules: Rc<Rules>, salt: u64) -> Matcher {
        Matcher { unseen: Some(VecDeque::new()), ..Matcher::new(rules, salt) }
    }

    /// Takes the next part, of which `given` bytes have gone out already. It is judged with `advance`.
    pub fn take(&mut self, part: Part<'_>, given: usize) {
        if let Some(unseen) = &mut self.unseen {
            let bytes = part.bytes();
            let from = self.buffer.len() - given;
            self.buffer.extend_from_slice(&bytes[given..]);
            match unseen.back_mut() {
                _ if !part.is_worth_a_look() => {}
                Some(last) if last.end == from => last.end = self.buffer.len(),
                _ => unseen.push_back(from..self.buffer.len()),
            }
            return;
        }
        let (bytes, separates) = (part.bytes(), matches!(part, Part::Separator(_)));
        if matches!(part, Part::Shown(_)) || self.hidden.len() >= MOST_HIDDEN {
            self.emitted += given;
            self.buffer.extend_from_slice(bytes);
            return;
        }
        let (at, length) = (self.buffer.len(), bytes.len() - given);
        self.hidden.extend(&bytes[given..]);
        if self.marks.last() != Some(&at) {
            self.marks.push(at);
        }
        match self.gaps.back_mut() {
            Some(last) if last.at == at => {
                last.length += length;
                last.separates |= separates;
                last.again |= part.is_worth_a_look();
            }
            _ => self.gaps.push_back(Gap { at, length, separates, again: part.is_worth_a_look() }),
        }
    }

    /// Takes a mask that another look has made.
    pub fn take_mask(&mut self, mask: &[u8]) {
        self.masks.push_back(self.buffer.len()..self.buffer.len() + mask.len());
        self.buffer.extend_from_slice(mask);
    }

    /// Lets out what is decided.
    pub fn advance(&mut self, ended: bool, out: &mut Output<'_>) {
        self.judge(ended, out);
        self.trim();
    }

    /// Whether everything is decided and has gone out.
    pub fn is_settled(&self) -> bool {
        self.scan == self.buffer.len() && self.held() == 0 && self.swallowing.is_none()
    }

    /// Whether something is held back that is worth a second look.
    pub fn holds_more(&self) -> bool {
        self.gaps.iter().any(|gap| gap.again)
    }

    /// Takes what has gone out without being looked at, as the context of what comes. Everything before is settled.
    pub fn pass(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(&bytes[bytes.len().saturating_sub(CONTEXT)..]);
        (self.scan, self.emitted) = (self.buffer.len(), self.buffer.len());
        self.trim();
    }

    /// Gives what is held back and is no evidence of a secret. What was given stays known: the rest of a secret that
    /// began in it is still masked.
    pub fn idle(&mut self, out: &mut Output<'_>) {
        if self.swallowing.is_some() {
            return;
        }
        let view = View { bytes: &self.buffer, marks: &self.marks, ended: false };
        let mut hold = self.buffer.len();
        let mut from = self.scan;
        while let Some(at) = self.rules.next(view, from).filter(|at| *at < hold) {
            if let Some(evidence) = self.rules.evidence(view, at) {
                hold = hold.min(evidence.max(self.emitted));
            }
            from = at + 1;
        }
        self.emit(hold, out);
    }

    /// The masks that were put in since the last call, in order, one for each occurrence.
    pub fn take_masked(&mut self) -> Vec<Masked> {
        std::mem::take(&mut self.masked)
    }

    /// Bytes that are held back.
    pub fn held(&self) -> usize {
        self.buffer.len() - self.emitted + self.hidden.len()
    }

    fn judge(&mut self, ended: bool, out: &mut Output<'_>) {
        loop {
            if self.swallowing.is_some() && !self.swallow(ended, out) {
                return;
            }
            let view = View { bytes: &self.buffer, marks: &self.marks, ended };
            let Some(at) = self.rules.next(view, self.scan) else {
                let tail = if ended { self.buffer.len() } else { self.rules.tail(view, self.scan) };
                self.emit(tail, out);
                self.scan = tail;
                return;
            };
            if let Some(mask) = self.masks.iter().find(|mask| mask.contains(&at)) {
                self.scan = mask.end;
                continue;
            }
            match self.rules.judge(view, at) {
                Outcome::Miss => self.scan = at + 1,
                Outcome::Wait(_) => {
                    self.emit(at, out);
                    self.scan = at;
                    return;
                }
                Outcome::Hit(hit) if self.is_divided(&hit) || !self.is_news(&hit) => self.scan = at + 1,
                Outcome::Hit(hit) => self.mask(hit, out),
            }
        }
    }

    /// Whether it is no one value: what stands after a name ends where another value may begin, as in lists whose
    /// members end with NUL.
    fn is_divided(&self, hit: &Hit) -> bool {
        let within = |gap: &Gap| gap.separates && hit.start < gap.at && gap.at < hit.end;
        self.rules.is_named(hit.kind) && self.gaps.iter().any(within)
    }

    /// Whether a first look may have missed it: what is worth a second one stands in it, near before it, or right
    /// behind it.
    fn is_news(&self, hit: &Hit) -> bool {
        let Some(unseen) = &self.unseen else { return true };
        let from = hit.start.saturating_sub(CONTEXT);
        unseen.iter().any(|range| range.end > from && range.start <= hit.end)
    }

    /// Lets out what stands before `to`.
    fn emit(&mut self, to: usize, out: &mut Output<'_>) {
        while let Some(gap) = self.gaps.front().copied().filter(|gap| gap.at <= to) {
            self.gaps.pop_front();
            self.emit_shown(gap.at, out);
            let (bytes, more) = self.hidden.as_slices();
            let first = gap.length.min(bytes.len());
            out.raw(&bytes[..first]);
            out.raw(&more[..gap.length - first]);
            self.hidden.drain(..gap.length);
        }
        self.emit_shown(to, out);
    }

    fn emit_shown(&mut self, to: usize, out: &mut Output<'_>) {
        if to > self.emitted {
            out.raw(&self.buffer[self.emitted..to]);
            self.emitted = to;
        }
    }

    /// What nobody sees within a secret goes with it.
    fn drop_hidden(&mut self, to: usize) {
        while let Some(gap) = self.gaps.front().copied().filter(|gap| gap.at < to) {
            self.gaps.pop_front();
            self.hidden.drain(..gap.length);
        }
    }

    fn mask(&mut self, hit: Hit, out: &mut Output<'_>) {
        self.emit(hit.start, out);
        self.drop_hidden(hit.end);
        let mut tagger = Tagger::new(self.salt);
        let block = matches!(hit.then, Some(Swallow::Block(_)));
        if !block {
            tagger.bytes(&self.buffer[hit.start..hit.end]);
        }
        // Something that went out as a whole when the stream was idle cannot be taken back.
        let gone = hit.end <= self.emitted && hit.then.is_none();
        self.emitted = self.emitted.max(hit.end);
        self.scan = self.scan.max(hit.end);
        match hit.then {
            Some(rest) => self.swallowing = Some(Swallowing { rest, tagger, kind: hit.kind }),
            None if gone => self.scan = self.scan.max(hit.end),
            None => self.put(hit.kind, hit.tag.unwrap_or_else(|| tagger.tag()), out),
        }
    }

    fn put(&mut self, kind: u16, tag: u32, out: &mut Output<'_>) {
        let kind = self.rules.kind_name(kind);
        let mask = mask(kind, tag);
        out.mask(mask.as_bytes());
        self.masked.push(Masked { mask, kind: kind.to_owned() });
    }

    /// Swallows what belongs to the secret: false if that was all that has come.
    fn swallow(&mut self, ended: bool, out: &mut Output<'_>) -> bool {
        let Some(mut active) = self.swallowing.take() else { return true };
        let mut at = self.scan;
        let mut over = ended;
        while let Some(byte) = self.buffer.get(at) {
            let fed = active.feed(*byte);
            at += usize::from(fed != Fed::Past);
            if fed != Fed::More {
                over = true;
                break;
            }
        }
        self.scan = at;
        self.emitted = self.emitted.max(at);
        self.drop_hidden(at);
        if over {
            self.put(active.kind, active.tagger.tag(), out);
        } else {
            self.swallowing = Some(active);
        }
        over
    }

    fn trim(&mut self) {
        let keep = self.scan.min(self.emitted).saturating_sub(CONTEXT);
        if keep > 0 {
            self.buffer.drain(..keep);
            self.scan -= keep;
            self.emitted -= keep;
            self.gaps.iter_mut().for_each(|gap| gap.at -= keep);
            let old = self.marks.partition_point(|mark| *mark < keep);
            self.marks.drain(..old);
            self.marks.iter_mut().for_each(|mark| *mark -= keep);
            for ranges in [Some(&mut self.masks), self.unseen.as_mut()].into_iter().flatten() {
                ranges.retain(|range| range.end > keep);
                for range in ranges {
                    *range = range.start.saturating_sub(keep)..range.end - keep;
                }
            }
        }
        if self.buffer.capacity() > 4 * PIECE && self.buffer.len() < PIECE {
            self.buffer.shrink_to(2 * PIECE);
        }
    }
}

impl Swallowing {
    fn feed(&mut self, byte: u8) -> Fed {
        match &mut self.rest {
            Swallow::Block(body) => return body.feed(byte, &mut self.tagger),
            Swallow::While(set) if !set.contains(byte) => return Fed::Past,
            Swallow::Until(set, slash) if set.contains(byte) && !*slash => return Fed::Past,
            Swallow::Until(_, slash) => *slash = byte == b'\\' && !*slash,
            Swallow::While(_) => {}
        }
        self.tagger.byte(byte);
        Fed::More
    }
}

/// What goes out for a chunk; nothing is copied as long as it is the chunk's own beginning.
pub struct Output<'a> {
    chunk: &'a [u8],
    same: usize,
    verbatim: bool,
    bytes: Vec<u8>,
    masks: Vec<Range<usize>>,
}

impl<'a> Output<'a> {
    /// For a chunk whose beginning comes first: nothing before it is held back.
    pub fn of(chunk: &'a [u8], first: bool) -> Output<'a> {
        Output { chunk, same: 0, verbatim: first, bytes: Vec::new(), masks: Vec::new() }
    }

    /// Adds bytes of the stream, in order.
    pub fn raw(&mut self, bytes: &[u8]) {
        if self.verbatim {
            self.same += bytes.len();
        } else {
            self.bytes.extend_from_slice(bytes);
        }
    }

    fn mask(&mut self, mask: &[u8]) {
        if self.verbatim {
            self.verbatim = false;
            self.bytes.extend_from_slice(&self.chunk[..self.same]);
        }
        self.masks.push(self.bytes.len()..self.bytes.len() + mask.len());
        self.bytes.extend_from_slice(mask);
    }

    /// Whether it is the chunk, and nothing else.
    pub fn is_unchanged(&self) -> bool {
        self.verbatim && self.same == self.chunk.len()
    }

    /// All of it, and where masks stand in it.
    pub fn finish(mut self) -> (Vec<u8>, Vec<Range<usize>>) {
        if self.verbatim {
            self.bytes.extend_from_slice(&self.chunk[..self.same]);
        }
        (self.bytes, self.masks)
    }
}
