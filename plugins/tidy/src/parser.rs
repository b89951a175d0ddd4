//! Takes escape sequences apart (ECMA-35, ECMA-48), byte by byte, and tells the screen what they mean.
//!
//! Nothing is swallowed that was not a whole sequence: where one breaks off or does not end within its bounds, its
//! introducer is removed and the rest is text.

use std::mem;

use crate::scan;
use crate::screen::{Params, Screen, next_char};

/// Bytes that a control sequence may have.
pub const CONTROL_LIMIT: usize = 256;
/// Bytes that a string sequence (a title, a link, an image) may have.
const STRING_LIMIT: usize = 256 << 10;

/// The state between two bytes.
#[derive(Debug, Default)]
pub struct Parser {
    state: State,
    /// Bytes of the sequence or character that is not yet whole, without the introducer.
    held: Vec<u8>,
    charsets: Charsets,
    /// Whether anything but a byte-order mark has come.
    begun: bool,
    /// Characters that no terminal shows and that were removed.
    pub invisible: u64,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Ground,
    /// Within a character of several bytes.
    Char,
    /// After `ESC`.
    Escape,
    /// After `ESC` and bytes that say which set the final byte is of.
    Intermediate,
    /// After `ESC [`.
    Control,
    /// In a string; `ESC` has come if so said.
    String { bell: bool, escape: bool },
}

/// Which of the sets G0 and G1 are DEC's line drawing, and which one is in use.
#[derive(Debug, Default)]
struct Charsets {
    drawing: [bool; 2],
    shifted: bool,
}

/// What DEC's line drawing shows from 0x60 on.
const DRAWING: &str = "◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·";

impl Parser {
    /// Whether nothing is held and text means what it says. Asked where plain text follows.
    pub fn is_calm(&mut self) -> bool {
        self.begun = true;
        self.state == State::Ground && !self.draws()
    }

    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8], screen: &mut Screen) {
        let mut at = 0;
        while at < bytes.len() {
            let taken = if self.state == State::Ground { self.whole(&bytes[at..], screen) } else { 0 };
            if taken == 0 {
                self.byte(bytes[at], screen);
            }
            at += taken.max(1);
        }
    }

    /// Takes what is most frequent in one go, where all of it is there: text, control sequences, characters of
    /// several bytes. Gives the bytes taken; 0 where it has to go byte by byte.
    fn whole(&mut self, bytes: &[u8], screen: &mut Screen) -> usize {
        match bytes {
            [0x20..=0x7e, ..] => {
                self.begun = true;
                let run = scan::printable(bytes);
                self.print_ascii(&bytes[..run], screen);
                run
            }
            [0x1b, b'[', rest @ ..] => {
                let params =
                    rest.iter().take(CONTROL_LIMIT + 1).position(|byte| !(0x20..0x40).contains(byte));
                let Some((params, last @ 0x40..=0x7e)) = params.map(|end| (&rest[..end], rest[end])) else {
                    return 0;
                };
                self.begun = true;
                if last != b'm' || screen.keeps_colors() {
                    if let Some(params) = Params::parse(params) {
                        screen.control(&params, last);
                    }
                }
                params.len() + 3
            }
            // Not the lead byte of C1 controls, and not a byte-order mark.
            [0xc3..=0xff, ..] if self.begun => {
                let (bytes, _) = next_char(bytes);
                match std::str::from_utf8(bytes).ok().and_then(|text| text.chars().next()) {
                    Some(char) => {
                        self.print_char(char, bytes, screen);
                        bytes.len()
                    }
                    None => 0,
                }
            }
            _ => 0,
        }
    }

    /// The stream has ended: what was held is no sequence.
    pub fn finish(&mut self, screen: &mut Screen) {
        self.put_back(screen);
    }

    fn draws(&self) -> bool {
        self.charsets.drawing[usize::from(self.charsets.shifted)]
    }

    fn print_ascii(&self, text: &[u8], screen: &mut Screen) {
        if !self.draws() {
            screen.print_ascii(text);
            return;
        }
        for byte in text {
            let drawn = byte.checked_sub(0x60).and_then(|at| DRAWING.chars().nth(at.into()));
            match drawn {
                Some(char) => screen.print(char.encode_utf8(&mut [0; 4]).as_bytes()),
                None => screen.print_ascii(&[*byte]),
            }
        }
    }

    fn byte(&mut self, byte: u8, screen: &mut Screen) {
        match self.state {
            State::Ground => self.ground(byte, screen),
            State::Char => self.char(byte, screen),
            State::Escape => self.escape(byte, screen),
            State::Intermediate => match byte {
                0x20..=0x2f if self.held.len() < CONTROL_LIMIT => self.held.push(byte),
                0x30..=0x7e => {
                    if let [set @ (b'(' | b')')] = self.held[..] {
                        self.charsets.drawing[usize::from(set == b')')] = byte == b'0';
                    }
                    self.end();
                }
                _ => self.broken(byte, screen),
            },
            State::Control => match byte {
                0x20..=0x3f if self.held.len() < CONTROL_LIMIT => self.held.push(byte),
                0x40..=0x7e => {
                    if let Some(params) = Params::parse(&self.held) {
                        screen.control(&params, byte);
                    }
                    self.end();
                }
                _ => self.broken(byte, screen),
            },
            State::String { bell, escape } => self.string(byte, bell, escape, screen),
        }
    }

    fn ground(&mut self, byte: u8, screen: &mut Screen) {
        if byte < 0x80 {
            self.begun = true;
        }
        match byte {
            0x1b => self.state = State::Escape,
            b'\n' | 0x0b | 0x0c => screen.line_feed(),
            b'\r' => screen.carriage_return(),
            b'\t' => screen.tab(),
            0x08 => screen.backspace(),
            0x0e => self.charsets.shifted = true,
            0x0f => self.charsets.shifted = false,
            0x20..=0x7e => self.print_ascii(&[byte], screen),
            0xc2..=0xf4 => {
                self.held.push(byte);
                self.state = State::Char;
            }
            0x80.. => {
                self.begun = true;
                screen.print(&[byte]);
            }
            _ => {}
        }
    }

    fn char(&mut self, byte: u8, screen: &mut Screen) {
        let lead = self.held[0];
        let expected = match lead {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            _ => 4,
        };
        if !(0x80..0xc0).contains(&byte) {
            self.put_back(screen);
            self.byte(byte, screen);
            return;
        }
        self.held.push(byte);
        if self.held.len() < expected {
            return;
        }
        let held = mem::take(&mut self.held);
        self.state = State::Ground;
        let begun = mem::replace(&mut self.begun, true);
        match std::str::from_utf8(&held).ok().and_then(|text| text.chars().next()) {
            Some('\u{feff}') if !begun => {}
            Some(char @ '\u{80}'..='\u{9f}') => self.escape((u32::from(char) as u8) - 0x40, screen),
            Some(char) => self.print_char(char, &held, screen),
            None => held.iter().for_each(|byte| screen.print(&[*byte])),
        }
        // Keeps the allocation.
        self.recycle(held);
    }

    fn print_char(&mut self, char: char, bytes: &[u8], screen: &mut Screen) {
        if is_invisible(char) {
            self.invisible += 1;
        } else {
            screen.print(bytes);
        }
    }

    fn escape(&mut self, byte: u8, screen: &mut Screen) {
        self.state = match byte {
            b'[' => State::Control,
            b']' => State::String { bell: true, escape: false },
            b'P' | b'X' | b'^' | b'_' | b'k' => State::String { bell: false, escape: false },
            0x20..=0x2f => {
                self.held.push(byte);
                State::Intermediate
            }
            0x30..=0x7e => {
                if byte == b'c' {
                    self.charsets = Charsets::default();
                }
                screen.escape(byte);
                State::Ground
            }
            _ => return self.broken(byte, screen),
        };
    }

    fn string(&mut self, byte: u8, bell: bool, escape: bool, screen: &mut Screen) {
        match byte {
            b'\\' if escape => self.end(),
            _ if escape => {
                self.put_back(screen);
                self.state = State::Escape;
                self.byte(byte, screen);
            }
            0x07 if bell => self.end(),
            0x9c if self.held.last() == Some(&0xc2) => self.end(),
            0x18 | 0x1a => self.end(),
            0x1b => self.state = State::String { bell, escape: true },
            b'\n' => self.broken(byte, screen),
            _ if self.held.len() >= STRING_LIMIT => self.broken(byte, screen),
            _ => self.held.push(byte),
        }
    }

    /// A byte that cannot stand in the sequence.
    fn broken(&mut self, byte: u8, screen: &mut Screen) {
        if matches!(byte, 0x18 | 0x1a) {
            self.end();
            return;
        }
        self.put_back(screen);
        self.byte(byte, screen);
    }

    fn end(&mut self) {
        self.state = State::Ground;
        self.held.clear();
        self.held.shrink_to(CONTROL_LIMIT);
    }

    /// What was held becomes text. Control characters in it have no meaning, so that this is done once for each
    /// byte, whatever it is.
    fn put_back(&mut self, screen: &mut Screen) {
        self.state = State::Ground;
        let held = mem::take(&mut self.held);
        let mut rest = &held[..];
        while !rest.is_empty() {
            let run = scan::printable(rest);
            self.print_ascii(&rest[..run], screen);
            rest = &rest[run..];
            let (char, _) = next_char(rest);
            rest = &rest[char.len()..];
            self.begun |= !char.is_empty();
            match std::str::from_utf8(char).ok().and_then(|text| text.chars().next()) {
                Some('\t') => screen.tab(),
                Some(control) if control.is_control() => {}
                Some(other) => self.print_char(other, char, screen),
                None if char.is_empty() => {}
                None => screen.print(char),
            }
        }
        self.recycle(held);
    }

    fn recycle(&mut self, held: Vec<u8>) {
        if self.held.is_empty() {
            self.held = held;
            self.held.clear();
            self.held.shrink_to(CONTROL_LIMIT);
        }
    }
}

/// Characters that are not seen and can hide or turn text: bidirectional controls, joiners and spaces without
/// width, invisible operators, tags, and the variation selectors that only carry data.
pub fn is_invisible(char: char) -> bool {
    matches!(
        u32::from(char),
        0x61c | 0x180e | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0xfeff | 0xfff9..=0xfffb
            | 0xe0000..=0xe0fff
    )
}
