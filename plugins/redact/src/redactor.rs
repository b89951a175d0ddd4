//! A stream on its way through two looks: at what is shown of it, and at what is printed.
//!
//! The first sees a secret that escape sequences or characters without width cut into pieces; the second one that
//! stands within a title or a link, or ends at a control character. Where there are none of these the second has
//! nothing to add, and is left out.

use std::ops::Range;
use std::rc::Rc;

use crate::invisible::{Part, Splitter};
pub use crate::matcher::Masked;
use crate::matcher::{Matcher, Output, PIECE};
use crate::outcome::CONTEXT;
use crate::rules::Rules;

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
    splitter: Splitter,
    shown: Matcher,
    printed: Matcher,
    /// Over what the second look is given.
    again: Splitter,
    /// Bytes since the last part that is worth a second look: what stands near after it may be seen by that alone.
    since: usize,
}

impl Redactor {
    /// A stream at its beginning. `salt` keys the tags.
    pub fn new(rules: Rc<Rules>, salt: u64) -> Redactor {
        Redactor {
            splitter: Splitter::default(),
            shown: Matcher::new(Rc::clone(&rules), salt),
            printed: Matcher::second(rules, salt),
            again: Splitter::default(),
            since: CONTEXT,
        }
    }

    /// Takes the next bytes.
    pub fn push(&mut self, chunk: &[u8]) -> Pushed {
        let plain = self.is_plain();
        let mut out = Output::of(chunk, self.shown.held() == 0 && self.splitter.pending().is_empty());
        let mut again = false;
        for piece in chunk.chunks(PIECE) {
            self.splitter.split(piece, |part, given| {
                again |= part.is_worth_a_look();
                self.shown.take(part, given);
            });
            self.shown.advance(false, &mut out);
        }
        let same = out.is_unchanged();
        let (bytes, masks) = if same { (Vec::new(), Vec::new()) } else { out.finish() };
        let first = if same { chunk } else { &bytes };
        if plain && !again && self.splitter.is_calm() {
            self.printed.pass(first);
        } else {
            self.since = if again { 0 } else { self.since.saturating_add(first.len()) };
            let mut out = Output::of(first, self.printed.held() == 0);
            self.look(first, &masks, &mut out);
            if !out.is_unchanged() {
                return Pushed::Bytes(out.finish().0);
            }
        }
        if same { Pushed::Unchanged } else { Pushed::Bytes(bytes) }
    }

    /// Gives what is held back and is no evidence of a secret. What was given stays known: the rest of a secret that
    /// began in it is still masked.
    pub fn idle(&mut self) -> Vec<u8> {
        let mut out = Output::of(&[], false);
        self.shown.idle(&mut out);
        if self.shown.held() == 0 {
            out.raw(self.splitter.pending());
            self.splitter.give();
        }
        let (shown, masks) = out.finish();
        let mut out = Output::of(&[], false);
        self.look(&shown, &masks, &mut out);
        self.printed.idle(&mut out);
        out.finish().0
    }

    /// Gives the rest: the stream has ended.
    pub fn finish(&mut self) -> Vec<u8> {
        let mut out = Output::of(&[], false);
        self.splitter.finish(|part, given| self.shown.take(part, given));
        self.shown.advance(true, &mut out);
        let (shown, masks) = out.finish();
        let mut out = Output::of(&[], false);
        self.look(&shown, &masks, &mut out);
        self.printed.advance(true, &mut out);
        out.finish().0
    }

    /// The masks that were put in since the last call, one for each occurrence.
    pub fn take_masked(&mut self) -> Vec<Masked> {
        let mut masked = self.shown.take_masked();
        masked.extend(self.printed.take_masked());
        masked
    }

    /// Bytes that are held back.
    pub fn held(&self) -> usize {
        self.shown.held() + self.printed.held() + self.splitter.pending().len()
    }

    /// Whether nothing near is worth a second look, nor anything undecided.
    fn is_plain(&self) -> bool {
        self.since >= CONTEXT
            && self.splitter.is_calm()
            && self.again.is_calm()
            && !self.shown.holds_more()
            && self.printed.is_settled()
    }

    /// The second look, at `bytes` with these masks in them.
    fn look(&mut self, bytes: &[u8], masks: &[Range<usize>], out: &mut Output<'_>) {
        let mut from = 0;
        for mask in masks {
            self.look_at(&bytes[from..mask.start], out);
            // No sequence goes on through a mask.
            self.again = Splitter::default();
            self.printed.take_mask(&bytes[mask.clone()]);
            from = mask.end;
        }
        self.look_at(&bytes[from..], out);
    }

    fn look_at(&mut self, bytes: &[u8], out: &mut Output<'_>) {
        for piece in bytes.chunks(PIECE) {
            self.again.split(piece, |part, given| self.printed.take(part, given));
            self.printed.take(Part::Shown(self.again.pending()), 0);
            self.again.give();
            self.printed.advance(false, out);
        }
    }
}
