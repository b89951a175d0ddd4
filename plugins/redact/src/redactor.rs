//! A stream on its way: what is held back, what goes out, and the masks between.
//!
//! Rules answer for a place in the stream, and an answer other than "wait" does not change with more bytes. So what
//! comes out depends on the bytes alone, and not on where they are cut.

use std::rc::Rc;

use crate::block::Fed;
use crate::outcome::{CONTEXT, Hit, Outcome, Swallow, View};
use crate::rules::Rules;
use crate::tag::{Tagger, mask};

/// Input is taken in pieces of this size, so that little memory is needed.
const PIECE: usize = 16 * 1024;

/// A mask that was put into the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masked {
    pub mask: String,
    pub kind: String,
}

/// What became of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It goes out as it is, and nothing is held back.
    Unchanged,
    /// These bytes go out instead.
    Bytes(Vec<u8>),
}

/// The state of one stream.
#[derive(Debug)]
pub struct Redactor {
    rules: Rc<Rules>,
    salt: u64,
    /// Context that has gone out, then what has not.
    buffer: Vec<u8>,
    /// Places before this one are decided.
    scan: usize,
    /// Bytes before this one have gone out, or were masked.
    emitted: usize,
    swallowing: Option<Swallowing>,
    masked: Vec<Masked>,
}

#[derive(Debug)]
struct Swallowing {
    rest: Swallow,
    tagger: Tagger,
    kind: u16,
}

impl Redactor {
    /// A stream at its beginning. `salt` keys the tags.
    pub fn new(rules: Rc<Rules>, salt: u64) -> Redactor {
        Redactor {
            rules,
            salt,
            buffer: Vec::new(),
            scan: 0,
            emitted: 0,
            swallowing: None,
            masked: Vec::new(),
        }
    }

    /// Takes the next bytes.
    pub fn push(&mut self, chunk: &[u8]) -> Pushed {
        let fresh = self.swallowing.is_none() && self.emitted == self.buffer.len();
        let mut out = Output { chunk, same: 0, verbatim: fresh, bytes: Vec::new() };
        for piece in chunk.chunks(PIECE) {
            self.buffer.extend_from_slice(piece);
            self.advance(false, &mut out);
            self.trim();
        }
        if out.verbatim && out.same == chunk.len() { Pushed::Unchanged } else { Pushed::Bytes(out.finish()) }
    }

    /// Gives what is held back and is no evidence of a secret. What was given stays known: the rest of a secret that
    /// began in it is still masked.
    pub fn idle(&mut self) -> Vec<u8> {
        if self.swallowing.is_some() {
            return Vec::new();
        }
        let view = View { bytes: &self.buffer, ended: false };
        let mut hold = self.buffer.len();
        let mut from = self.scan;
        while let Some(at) = self.rules.next(view, from).filter(|at| *at < hold) {
            if let Some(evidence) = self.rules.evidence(view, at) {
                hold = hold.min(evidence.max(self.emitted));
            }
            from = at + 1;
        }
        let released = self.buffer[self.emitted.min(hold)..hold].to_vec();
        self.emitted = self.emitted.max(hold);
        released
    }

    /// Gives the rest: the stream has ended.
    pub fn finish(&mut self) -> Vec<u8> {
        let mut out = Output { chunk: &[], same: 0, verbatim: false, bytes: Vec::new() };
        self.advance(true, &mut out);
        out.finish()
    }

    /// The masks that were put in since the last call, in order, one for each occurrence.
    pub fn take_masked(&mut self) -> Vec<Masked> {
        std::mem::take(&mut self.masked)
    }

    /// Bytes that are held back.
    pub fn held(&self) -> usize {
        self.buffer.len() - self.emitted
    }

    fn advance(&mut self, ended: bool, out: &mut Output<'_>) {
        loop {
            if self.swallowing.is_some() && !self.swallow(ended, out) {
                return;
            }
            let view = View { bytes: &self.buffer, ended };
            let Some(at) = self.rules.next(view, self.scan) else {
                let tail = if ended { self.buffer.len() } else { self.rules.tail(view, self.scan) };
                self.emit(tail, out);
                self.scan = tail;
                return;
            };
            match self.rules.judge(view, at) {
                Outcome::Miss => self.scan = at + 1,
                Outcome::Wait(_) => {
                    self.emit(at, out);
                    self.scan = at;
                    return;
                }
                Outcome::Hit(hit) => self.take(hit, out),
            }
        }
    }

    /// Lets out what stands before `to`.
    fn emit(&mut self, to: usize, out: &mut Output<'_>) {
        if to > self.emitted {
            out.raw(&self.buffer[self.emitted..to]);
            self.emitted = to;
        }
    }

    fn take(&mut self, hit: Hit, out: &mut Output<'_>) {
        self.emit(hit.start, out);
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
struct Output<'a> {
    chunk: &'a [u8],
    same: usize,
    verbatim: bool,
    bytes: Vec<u8>,
}

impl Output<'_> {
    fn raw(&mut self, bytes: &[u8]) {
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
        self.bytes.extend_from_slice(mask);
    }

    fn finish(mut self) -> Vec<u8> {
        if self.verbatim {
            self.bytes.extend_from_slice(&self.chunk[..self.same]);
        }
        self.bytes
    }
}
