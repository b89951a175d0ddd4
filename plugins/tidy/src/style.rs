//! Colours and attributes of a character, as `ESC [ … m` sets them (ECMA-48 8.3.117, and xterm's colours).

/// Attributes of a character in one number; 0 is the terminal's default. The colour of underlines is not kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style(u64);

const COLOR: u64 = (1 << 26) - 1;
const BACKGROUND: u32 = 26;
const FLAGS: u32 = 52;
const INDEXED: u64 = 1 << 24;
const DIRECT: u64 = 2 << 24;
/// The parameters that switch an attribute on, in the order of their bits.
const ON: [u16; 10] = [1, 2, 3, 4, 5, 7, 8, 9, 21, 53];

impl Style {
    /// Applies the parameters of one sequence; those that are unknown change nothing. `colon` tells which of them
    /// hang on the one before with a colon.
    pub fn apply(&mut self, params: &[u16], colon: &[bool]) {
        let mut at = 0;
        while let Some(&param) = params.get(at) {
            let attached = colon[at + 1..params.len()].iter().take_while(|&&colon| colon).count();
            match param {
                0 => *self = Self::default(),
                4 if attached > 0 && params[at + 1] == 0 => self.clear(&[4, 21]),
                22 => self.clear(&[1, 2]),
                23 => self.clear(&[3]),
                24 => self.clear(&[4, 21]),
                25 => self.clear(&[5]),
                27 => self.clear(&[7]),
                28 => self.clear(&[8]),
                29 => self.clear(&[9]),
                55 => self.clear(&[53]),
                30..=37 => self.set(0, INDEXED | u64::from(param - 30)),
                39 => self.set(0, 0),
                40..=47 => self.set(BACKGROUND, INDEXED | u64::from(param - 40)),
                49 => self.set(BACKGROUND, 0),
                90..=97 => self.set(0, INDEXED | u64::from(param - 82)),
                100..=107 => self.set(BACKGROUND, INDEXED | u64::from(param - 92)),
                38 | 48 | 58 => {
                    let rest = &params[at + 1..];
                    let rest = if attached > 0 { &rest[..attached] } else { rest };
                    let (color, used) = extended(rest, attached > 0);
                    if let (Some(color), 38 | 48) = (color, param) {
                        self.set(if param == 38 { 0 } else { BACKGROUND }, color);
                    }
                    at += if attached > 0 { 0 } else { used };
                }
                _ => {
                    if let Some(bit) = ON.iter().position(|&on| on == param) {
                        self.0 |= 1 << (FLAGS as usize + bit);
                    }
                }
            }
            at += 1 + attached;
        }
    }

    /// Writes the sequence that leads to this style from any other.
    pub fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\x1b[");
        if self == Self::default() {
            out.push(b'm');
            return;
        }
        let mut text = String::from("0");
        for (bit, on) in ON.iter().enumerate() {
            if self.0 >> (FLAGS as usize + bit) & 1 == 1 {
                text += &format!(";{on}");
            }
        }
        for (shift, base) in [(0, 30), (BACKGROUND, 40)] {
            let color = self.0 >> shift & COLOR;
            let value = color & (INDEXED - 1);
            text += &match color - value {
                INDEXED if value < 8 => format!(";{}", base + value),
                INDEXED if value < 16 => format!(";{}", base + 52 + value),
                INDEXED => format!(";{};5;{value}", base + 8),
                DIRECT => format!(";{};2;{};{};{}", base + 8, value >> 16, value >> 8 & 255, value & 255),
                _ => String::new(),
            };
        }
        out.extend_from_slice(text.as_bytes());
        out.push(b'm');
    }

    fn set(&mut self, shift: u32, color: u64) {
        self.0 = self.0 & !(COLOR << shift) | color << shift;
    }

    fn clear(&mut self, params: &[u16]) {
        for (bit, on) in ON.iter().enumerate() {
            if params.contains(on) {
                self.0 &= !(1 << (FLAGS as usize + bit));
            }
        }
    }
}

/// The colour after 38 or 48, and how many parameters it took.
fn extended(rest: &[u16], colons: bool) -> (Option<u64>, usize) {
    match rest {
        [5, index, ..] => (Some(INDEXED | u64::from(index & 255)), 2),
        // With colons a colour space may stand before the three.
        [2, _, r, g, b, ..] if colons => (Some(direct(*r, *g, *b)), 5),
        [2, r, g, b, ..] => (Some(direct(*r, *g, *b)), 4),
        _ => (None, rest.len()),
    }
}

fn direct(r: u16, g: u16, b: u16) -> u64 {
    DIRECT | u64::from(r & 255) << 16 | u64::from(g & 255) << 8 | u64::from(b & 255)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(sequences: &[&[u16]]) -> String {
        let mut style = Style::default();
        for params in sequences {
            style.apply(params, &vec![false; params.len()]);
        }
        let mut out = Vec::new();
        style.write(&mut out);
        String::from_utf8(out).expect("ascii")
    }

    #[test]
    fn attributes_add_up_until_they_are_taken_away() {
        assert_eq!(shown(&[&[1], &[31]]), "\x1b[0;1;31m");
        assert_eq!(shown(&[&[1, 4, 97, 42], &[22]]), "\x1b[0;4;97;42m");
        assert_eq!(shown(&[&[38, 5, 200, 48, 2, 1, 2, 3]]), "\x1b[0;38;5;200;48;2;1;2;3m");
        assert_eq!(shown(&[&[1, 31], &[0]]), "\x1b[m");
    }

    #[test]
    fn colors_with_colons_take_no_parameter_of_others() {
        let mut style = Style::default();
        style.apply(&[38, 2, 0, 9, 8, 7, 1], &[false, true, true, true, true, true, false]);
        let mut out = Vec::new();
        style.write(&mut out);
        assert_eq!(out, b"\x1b[0;1;38;2;9;8;7m");
    }

    #[test]
    fn unfinished_colors_change_nothing() {
        assert_eq!(shown(&[&[38]]), "\x1b[m");
        assert_eq!(shown(&[&[38, 2, 1]]), "\x1b[m");
        assert_eq!(shown(&[&[77, 200, 65535]]), "\x1b[m");
    }
}
