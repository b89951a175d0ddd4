//! Takes terminal escapes out of a line.
//!
//! What a terminal would hide stays: a sequence that does not end takes no text with it.

use memchr::memchr;

const ESC: u8 = 0x1b;

/// Appends `raw` without its escape sequences to `out`.
pub fn strip(raw: &[u8], out: &mut Vec<u8>) {
    let mut rest = raw;
    while let Some(at) = memchr(ESC, rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + sequence(&rest[at..])..];
    }
    out.extend_from_slice(rest);
}

/// How many bytes of `text`, which begins with ESC, are one sequence.
fn sequence(text: &[u8]) -> usize {
    match text.get(1) {
        Some(b'[') => {
            let parameters = text[2..].iter().take_while(|b| (0x20..=0x3f).contains(*b)).count();
            let end = 2 + parameters;
            end + usize::from(text.get(end).is_some_and(|b| (0x40..=0x7e).contains(b)))
        }
        Some(b']' | b'P' | b'X' | b'^' | b'_') => {
            for (at, byte) in text.iter().enumerate().skip(2) {
                match byte {
                    0x07 => return at + 1,
                    &ESC if text.get(at + 1) == Some(&b'\\') => return at + 2,
                    &ESC => break,
                    _ => {}
                }
            }
            2
        }
        Some(0x20..=0x2f) => {
            let end = 1 + text[1..].iter().take_while(|b| (0x20..=0x2f).contains(*b)).count();
            end + usize::from(text.get(end).is_some_and(|b| (0x30..=0x7e).contains(b)))
        }
        Some(0x30..=0x7e) => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::strip;

    fn stripped(raw: &str) -> String {
        let mut out = Vec::new();
        strip(raw.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn colours_titles_and_links_go() {
        assert_eq!(
            stripped("a\x1b[1;31mb\x1b[0mc\x1b]0;title\x07d\x1b]8;;http://x\x1b\\e\x1b(Bf\x1b7g"),
            "abcdefg"
        );
    }

    #[test]
    fn an_unfinished_sequence_hides_no_text() {
        assert_eq!(stripped("\x1b]0;FAILED"), "0;FAILED");
        assert_eq!(stripped("x\x1b[3\u{fc}"), "x\u{fc}");
        assert_eq!(stripped("x\x1b"), "x");
        assert_eq!(stripped("x\x1b["), "x");
    }
}
