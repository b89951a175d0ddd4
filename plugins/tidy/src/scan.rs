//! Finding the bytes that need a look, sixteen at a time where they are plain. The loops over whole blocks have no branch, so that the
//! compiler turns them into vector code (SSE2, `simd128`).

use memchr::memchr2;

use crate::parser::{CONTROL_LIMIT, is_invisible};

/// Length of the longest prefix that a terminal shows as it is: printable ASCII, tabs and line feeds.
pub fn plain(bytes: &[u8]) -> usize {
    prefix(bytes, |byte| byte.wrapping_sub(0x20) < 0x5f || byte == b'\n' || byte == b'\t')
}

/// The longest prefix that changes nothing on a terminal but what stands at the end of its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// Bytes of it.
    pub len: usize,
    /// Whether all of it is shown as it is; if not, [`strip`] gives what is shown.
    pub verbatim: bool,
}

/// Finds it: plain text, whole characters that are seen, line ends with carriage returns and, where they have no
/// meaning, colours.
pub fn settled(bytes: &[u8], colors_are_removed: bool) -> Settled {
    let mut found = Settled { len: 0, verbatim: true };
    loop {
        found.len += plain(&bytes[found.len..]);
        let rest = &bytes[found.len..];
        let taken = match rest {
            [b'\r', ..] => line_end(rest),
            [0x1b, ..] if colors_are_removed => color(rest),
            [0xc2..=0xff, ..] => {
                found.len += visible(rest);
                // Plain text follows, or nothing that is settled.
                match bytes.get(found.len) {
                    Some(0x80..) | None => return found,
                    Some(_) => continue,
                }
            }
            _ => 0,
        };
        if taken == 0 {
            return found;
        }
        found.verbatim = false;
        found.len += taken;
    }
}

/// What is shown of a settled prefix, into `out`.
pub fn strip(settled: &[u8], out: &mut Vec<u8>) {
    let mut rest = settled;
    while let Some(at) = memchr2(b'\r', 0x1b, rest) {
        out.extend_from_slice(&rest[..at]);
        let taken = if rest[at] == b'\r' { 1 } else { color(&rest[at..]).max(1) };
        rest = &rest[at + taken..];
    }
    out.extend_from_slice(rest);
}

/// Length of a line feed with carriage returns before it; 0 if it is none.
fn line_end(bytes: &[u8]) -> usize {
    let returns = bytes.iter().take_while(|&&byte| byte == b'\r').count();
    if bytes.get(returns) == Some(&b'\n') { returns + 1 } else { 0 }
}

/// Length of a whole sequence that chooses colours; 0 if it is none.
fn color(bytes: &[u8]) -> usize {
    let [0x1b, b'[', rest @ ..] = bytes else { return 0 };
    let end = rest.iter().take(CONTROL_LIMIT + 1).position(|byte| !(0x20..0x40).contains(byte));
    match end {
        Some(end) if rest[end] == b'm' => end + 3,
        _ => 0,
    }
}

/// Length of the characters beyond ASCII that are whole, valid and seen.
fn visible(bytes: &[u8]) -> usize {
    let run = &bytes[..prefix(bytes, |byte| byte >= 0x80)];
    let valid = match std::str::from_utf8(run) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&run[..error.valid_up_to()]).unwrap_or_default(),
    };
    valid.find(|char| char <= '\u{9f}' || is_invisible(char)).unwrap_or(valid.len())
}

/// Length of the longest prefix of printable ASCII.
pub fn printable(bytes: &[u8]) -> usize {
    prefix(bytes, |byte| byte.wrapping_sub(0x20) < 0x5f)
}

/// Whether both are the same bytes. Compares from the end: lines of a log begin alike and end differently.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let (mut a, mut b) = (a, b);
    while let (Some((rest_a, last_a)), Some((rest_b, last_b))) =
        (a.split_last_chunk::<8>(), b.split_last_chunk::<8>())
    {
        if u64::from_le_bytes(*last_a) != u64::from_le_bytes(*last_b) {
            return false;
        }
        (a, b) = (rest_a, rest_b);
    }
    a == b
}

fn prefix(bytes: &[u8], good: impl Fn(u8) -> bool + Copy) -> usize {
    let mut at = 0;
    at += blocks::<64>(&bytes[at..], good);
    at += blocks::<16>(&bytes[at..], good);
    at + bytes[at..].iter().position(|&byte| !good(byte)).unwrap_or(bytes.len() - at)
}

fn blocks<const N: usize>(bytes: &[u8], good: impl Fn(u8) -> bool) -> usize {
    let mut at = 0;
    while let Some(block) = bytes[at..].first_chunk::<N>() {
        if block.iter().fold(0, |bad, &byte| bad | u8::from(!good(byte))) != 0 {
            break;
        }
        at += N;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_ends_a_prefix_exactly_where_it_stands() {
        for byte in 0..=255u8 {
            for at in 0..90 {
                let mut text = vec![b'x'; 90];
                text[at] = byte;
                let shown = (0x20..0x7f).contains(&byte);
                assert_eq!(printable(&text), if shown { 90 } else { at }, "byte {byte} at {at}");
                let passes = shown || byte == b'\n' || byte == b'\t';
                assert_eq!(plain(&text), if passes { 90 } else { at }, "byte {byte} at {at}");
            }
        }
    }

    #[test]
    fn settled_text_is_visible_whole_and_stays_where_it_is() {
        let found = |text: &str, removed| {
            let found = settled(text.as_bytes(), removed);
            let mut shown = Vec::new();
            strip(&text.as_bytes()[..found.len], &mut shown);
            assert_eq!(found.verbatim, shown.len() == found.len, "`{text}`");
            (String::from_utf8(shown).expect("text"), text[found.len..].to_owned())
        };
        for (text, shown, left) in [
            ("a\tb\n", "a\tb\n", ""),
            ("a\r\nb\r\r\nc", "a\nb\nc", ""),
            ("a\rb", "a", "\rb"),
            ("a\r", "a", "\r"),
            ("\u{1b}[1;31mred\u{1b}[m\n", "red\n", ""),
            ("red\u{1b}[2K\n", "red", "\u{1b}[2K\n"),
            ("red\u{1b}[1", "red", "\u{1b}[1"),
            ("Grüße — ✓ 漢字\n", "Grüße — ✓ 漢字\n", ""),
            ("ü\u{200b}x", "ü", "\u{200b}x"),
            ("ü\u{9b}1A", "ü", "\u{9b}1A"),
            ("\u{feff}x", "", "\u{feff}x"),
            ("a\u{8}", "a", "\u{8}"),
        ] {
            assert_eq!(found(text, true), (shown.to_owned(), left.to_owned()), "`{text}`");
        }
        assert_eq!(found("a\u{1b}[1mb", false).1, "\u{1b}[1mb");
    }

    #[test]
    fn bytes_that_are_no_utf8_and_characters_that_are_not_whole_are_not_settled() {
        for (bytes, len) in [(&b"a\xc3"[..], 1), (b"a\xe2\x80", 1), (b"\xc3\xa4\xff\n", 2), (b"\x80", 0)] {
            assert_eq!(settled(bytes, true).len, len, "{bytes:?}");
        }
    }

    #[test]
    fn one_different_byte_anywhere_makes_two_texts_different() {
        let text: Vec<u8> = (0..40).collect();
        for len in 0..40 {
            assert!(same(&text[..len], &text.clone()[..len]));
            assert!(!same(&text[..len], &text[..len + 1]));
            for at in 0..len {
                let mut other = text[..len].to_vec();
                other[at] ^= 0x80;
                assert!(!same(&text[..len], &other), "length {len}, byte {at}");
            }
        }
    }
}
