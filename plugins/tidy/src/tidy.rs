//! The whole filter: bytes in, lines as a terminal would finally show them out.

use std::mem;

use memchr::{memchr, memrchr};

use crate::fold::LIMIT;
use crate::options::Options;
use crate::parser::Parser;
use crate::scan::{self, Settled};
use crate::screen::Screen;

/// Bytes of settled text that make it worth to leave the screen and go on with bytes alone.
const WORTH: usize = 4 << 10;

/// One stream. What comes out over all calls does not depend on how the input is cut, as long as
/// [`Tidy::idle`] is not called.
///
/// Holds back the lines that can still be rewritten: at most `window` of them, and about 64 KiB.
#[derive(Debug)]
pub struct Tidy {
    parser: Parser,
    screen: Screen,
    /// The window while it is nothing but plain text, ended by the cursor: the screen is empty then.
    tail: Option<Vec<u8>>,
    /// What is shown of a stretch of text, kept for its memory.
    shown: Vec<u8>,
    window: usize,
    /// Whether lines never wrap, so that text needs no screen.
    endless: bool,
}

impl Tidy {
    /// The start of a stream.
    pub fn new(options: &Options) -> Self {
        Self {
            parser: Parser::default(),
            screen: Screen::new(options),
            tail: None,
            shown: Vec::new(),
            window: options.window,
            endless: options.width.is_none(),
        }
    }

    /// The next bytes. None: they pass as they are, and nothing is held.
    pub fn push(&mut self, chunk: &[u8]) -> Option<Vec<u8>> {
        let mut rest = chunk;
        let (folded, held) = (self.screen.fold.folded(), self.screen.fold.holds());
        let mut passes = !held && self.tail.as_ref().is_some_and(Vec::is_empty);
        self.screen.fold.out.reserve(chunk.len());
        while !rest.is_empty() {
            let settled = self.settled(rest);
            if settled.len >= WORTH {
                self.calm();
                if self.push_settled(&rest[..settled.len], settled.verbatim) {
                    passes &= settled.verbatim;
                    rest = &rest[settled.len..];
                    continue;
                }
            }
            passes = false;
            self.excite();
            let next = if self.endless { self.busy_until(rest, settled.len) } else { rest.len() };
            self.parser.feed(&rest[..next], &mut self.screen);
            rest = &rest[next..];
        }
        passes &= self.tail.as_ref().is_some_and(Vec::is_empty) && self.screen.fold.folded() == folded;
        let out = mem::take(&mut self.screen.fold.out);
        debug_assert!(!passes || out == chunk, "what passes is what came");
        if passes { None } else { Some(out) }
    }

    /// Nothing came for a while: everything that is shown is given, the last line without an end. Changes of it
    /// come as further lines.
    pub fn idle(&mut self) -> Vec<u8> {
        self.excite();
        self.screen.give();
        mem::take(&mut self.screen.fold.out)
    }

    /// The end of the stream.
    pub fn finish(mut self) -> Vec<u8> {
        self.excite();
        self.parser.finish(&mut self.screen);
        self.screen.finish();
        let fold = &mut self.screen.fold;
        fold.settle();
        let (invisible, screens) = (self.parser.invisible, self.screen.alternates);
        for (count, what) in [(invisible, "invisible character"), (screens, "full-screen display")] {
            if count > 0 {
                fold.close();
                let plural = if count == 1 { "" } else { "s" };
                fold.out.extend_from_slice(format!("# {count} {what}{plural} removed\n").as_bytes());
            }
        }
        mem::take(&mut fold.out)
    }

    /// Leaves the screen for bytes alone, if it has nothing but text.
    fn calm(&mut self) {
        if self.tail.is_none() && self.parser.is_calm() && self.screen.is_calm() {
            let mut tail = Vec::new();
            self.screen.unload(&mut tail);
            self.tail = Some(tail);
        }
    }

    /// Back to the screen.
    fn excite(&mut self) {
        if let Some(tail) = self.tail.take() {
            self.screen.load(&tail);
        }
    }

    fn settled(&self, bytes: &[u8]) -> Settled {
        if self.endless {
            scan::settled(bytes, !self.screen.keeps_colors())
        } else {
            Settled { len: 0, verbatim: true }
        }
    }

    /// Where in `rest` a stretch of settled text begins that is worth leaving the screen for; the end, if none.
    fn busy_until(&self, rest: &[u8], settled: usize) -> usize {
        let mut at = settled;
        while at < rest.len() {
            // The byte that is not settled, and what follows it.
            let from = at + 1;
            let ahead = self.settled(&rest[from..]).len;
            if ahead >= WORTH {
                // A sequence may end in it: its first line is left to the parser.
                let line = memchr(b'\n', &rest[from..from + ahead]).map_or(ahead, |at| at + 1);
                if ahead - line >= WORTH {
                    return from + line;
                }
            }
            at = from + ahead;
        }
        rest.len()
    }

    /// Settled text, without a screen.
    fn push_settled(&mut self, text: &[u8], verbatim: bool) -> bool {
        if verbatim {
            return self.push_plain(text);
        }
        let mut shown = mem::take(&mut self.shown);
        shown.clear();
        scan::strip(text, &mut shown);
        let pushed = self.push_plain(&shown);
        self.shown = shown;
        pushed
    }

    /// Text that is shown as it is, without a screen: all but the window's lines are final. False, and nothing done, if a line is
    /// too long to be held.
    fn push_plain(&mut self, text: &[u8]) -> bool {
        let Some(tail) = &mut self.tail else { return false };
        let last = memrchr(b'\n', text).map_or(0, |at| at + 1);
        let before = if last == 0 { tail.len() - memrchr(b'\n', tail).map_or(0, |at| at + 1) } else { 0 };
        if before + text.len() - last >= LIMIT {
            return false;
        }
        let fold = &mut self.screen.fold;
        let cut = final_part(text, self.window);
        match memchr(b'\n', &text[..cut]) {
            Some(first) => {
                // All of the old window is final.
                if tail.is_empty() {
                    fold.lines(&text[..cut]);
                    self.screen.pass(&text[..cut]);
                } else {
                    tail.extend_from_slice(&text[..=first]);
                    fold.lines(tail);
                    fold.lines(&text[first + 1..cut]);
                    self.screen.pass(tail);
                    self.screen.pass(&text[first + 1..cut]);
                }
                tail.clear();
                tail.extend_from_slice(&text[cut..]);
            }
            None => {
                tail.extend_from_slice(text);
                let cut = final_part(tail, self.window);
                fold.lines(&tail[..cut]);
                self.screen.pass(&self.tail.as_deref().unwrap_or_default()[..cut]);
                if let Some(tail) = &mut self.tail {
                    tail.drain(..cut);
                }
            }
        }
        true
    }
}

/// Length of the lines that have left a window of so many lines (the one without an end included) that holds less
/// than [`LIMIT`].
fn final_part(text: &[u8], window: usize) -> usize {
    let Some(mut end) = memrchr(b'\n', text) else { return 0 };
    let mut total = 0;
    for _ in 1..window {
        let start = memrchr(b'\n', &text[..end]).map_or(0, |at| at + 1);
        total += end - start;
        if total >= LIMIT {
            break;
        }
        if start == 0 {
            return 0;
        }
        end = start - 1;
    }
    end + 1
}
