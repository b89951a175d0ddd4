//! The ways in which programs write a byte: as it is, in URLs, JSON, sources, HTML, and between a terminal's colours.

/// What stands at a place, compared with the bytes of a secret that are wanted there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// So many bytes of text stand for so many bytes of the secret; for none where they only interrupt it.
    Take(usize, usize),
    /// It depends on what comes.
    Wait,
    Miss,
}

const ENTITIES: &[(u8, &[&str])] = &[
    (b'&', &["&amp;", "&#38;", "&#x26;"]),
    (b'<', &["&lt;", "&#60;", "&#x3c;", "&#x3C;"]),
    (b'>', &["&gt;", "&#62;", "&#x3e;", "&#x3E;"]),
    (b'"', &["&quot;", "&#34;", "&#x22;"]),
    (b'\'', &["&#39;", "&#x27;", "&#039;", "&apos;"]),
];
const SHORT: &[(u8, u8)] = &[
    (b'\n', b'n'),
    (b'\r', b'r'),
    (b'\t', b't'),
    (8, b'b'),
    (12, b'f'),
    (0x1b, b'e'),
    (b'"', b'"'),
    (b'\'', b'\''),
    (b'/', b'/'),
];
/// A control sequence is at most so long.
const LONGEST_CONTROL: usize = 24;

/// Compares the beginning of `text` with `wanted`, which is not empty. `wraps`: line ends may stand between.
pub fn unit(text: &[u8], wanted: &[u8], wraps: bool) -> Unit {
    let Some(&first) = text.first() else { return Unit::Wait };
    let want = wanted[0];
    let escaped = match first {
        b'%' => percent(text, wanted),
        b'\\' => backslash(text, wanted),
        b'&' => entity(text, wanted),
        0x1b => control(text, want),
        b'+' if want == b' ' => Unit::Take(1, 1),
        b'\r' if want == b'\n' => Unit::Take(1, 0),
        b'\n' if wraps && want != b'\n' => Unit::Take(1, 0),
        b'\r' if wraps && want != b'\r' => match text.get(1) {
            None => Unit::Wait,
            Some(b'\n') => Unit::Take(2, 0),
            Some(_) => Unit::Miss,
        },
        _ => Unit::Miss,
    };
    match escaped {
        Unit::Miss if first == want => Unit::Take(1, 1),
        other => other,
    }
}

fn hex(bytes: &[u8]) -> Option<u32> {
    bytes.iter().try_fold(0, |value, byte| Some(value * 16 + char::from(*byte).to_digit(16)?))
}

/// Whether fewer than `count` hexadecimal digits have come, and nothing else.
fn hex_open(bytes: &[u8], count: usize) -> bool {
    bytes.len() < count && bytes.iter().all(u8::is_ascii_hexdigit)
}

fn percent(text: &[u8], wanted: &[u8]) -> Unit {
    if hex_open(&text[1..], 2) {
        return Unit::Wait;
    }
    let Some(code) = text.get(1..3).and_then(hex) else { return Unit::Miss };
    if wanted.starts_with(&text[..3]) {
        return Unit::Take(3, 3);
    }
    match (u32::from(wanted[0]), code) {
        (want, code) if want == code => Unit::Take(3, 1),
        (0x0a, 0x0d) => Unit::Take(3, 0),
        _ => Unit::Miss,
    }
}

fn backslash(text: &[u8], wanted: &[u8]) -> Unit {
    let count = text.iter().take(17).take_while(|byte| **byte == b'\\').count();
    let Some(&letter) = text.get(count) else { return if count > 16 { Unit::Miss } else { Unit::Wait } };
    let digits = &text[count + 1..];
    // A backslash may itself be written by its code.
    for (code, letter_of) in [(&b"5c"[..], b'x'), (b"005c", b'u')] {
        if wanted[0] == b'\\' && letter == letter_of {
            let seen = digits.len().min(code.len());
            match digits[..seen].eq_ignore_ascii_case(&code[..seen]) {
                true if seen < code.len() => return Unit::Wait,
                true => return Unit::Take(count + 1 + seen, 1),
                false => {}
            }
        }
    }
    let own = wanted.iter().take_while(|byte| **byte == b'\\').count();
    if own > 0 {
        return match count {
            _ if count >= 4 * own => Unit::Take(4 * own, own),
            _ if count >= 2 * own => Unit::Take(2 * own, own),
            _ if count >= own => Unit::Take(own, own),
            _ => Unit::Take(count, count),
        };
    }
    if SHORT.contains(&(wanted[0], letter)) {
        return Unit::Take(count + 1, 1);
    }
    match letter {
        b'r' if wanted[0] == b'\n' => Unit::Take(count + 1, 0),
        b'x' if hex_open(digits, 2) => Unit::Wait,
        b'x' if digits.get(..2).and_then(hex) == Some(u32::from(wanted[0])) => Unit::Take(count + 3, 1),
        b'u' => unicode(digits, wanted, count),
        _ => Unit::Miss,
    }
}

fn unicode(digits: &[u8], wanted: &[u8], slashes: usize) -> Unit {
    if hex_open(digits, 4) {
        return Unit::Wait;
    }
    let Some(high) = digits.get(..4).and_then(hex) else { return Unit::Miss };
    let mut used = slashes + 5;
    let mut code = high;
    if (0xd800..0xdc00).contains(&high) {
        let next = &digits[4..];
        let intro = next.iter().take(slashes).take_while(|byte| **byte == b'\\').count();
        let rest = &next[intro..];
        if rest.is_empty() || rest[0] == b'u' && hex_open(&rest[1..], 4) {
            return Unit::Wait;
        }
        let Some(low) = rest.get(1..5).and_then(hex).filter(|low| (0xdc00..0xe000).contains(low)) else {
            return Unit::Miss;
        };
        code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        used += intro + 5;
    }
    let Some(character) = char::from_u32(code) else { return Unit::Miss };
    let mut buffer = [0; 4];
    let bytes = character.encode_utf8(&mut buffer).as_bytes();
    if wanted.starts_with(bytes) { Unit::Take(used, bytes.len()) } else { Unit::Miss }
}

fn entity(text: &[u8], wanted: &[u8]) -> Unit {
    let Some((_, names)) = ENTITIES.iter().find(|(byte, _)| *byte == wanted[0]) else { return Unit::Miss };
    for name in *names {
        let name = name.as_bytes();
        if wanted.starts_with(name) {
            return Unit::Miss;
        }
        if text.starts_with(name) {
            return Unit::Take(name.len(), 1);
        }
        if name.starts_with(text) {
            return Unit::Wait;
        }
    }
    Unit::Miss
}

fn control(text: &[u8], want: u8) -> Unit {
    if want == 0x1b {
        return Unit::Take(1, 1);
    }
    match text.get(1) {
        None => return Unit::Wait,
        Some(b'[') => {}
        Some(_) => return Unit::Miss,
    }
    let body = &text[2..];
    match body.iter().take(LONGEST_CONTROL).position(|byte| !(0x20..0x40).contains(byte)) {
        Some(last) if (0x40..0x7f).contains(&body[last]) => Unit::Take(last + 3, 0),
        None if body.len() < LONGEST_CONTROL => Unit::Wait,
        _ => Unit::Miss,
    }
}

/// The texts that may stand for the first of `bytes`, or for its first character.
pub fn spellings(bytes: &[u8]) -> Vec<(Vec<u8>, usize)> {
    let byte = bytes[0];
    let mut found = vec![
        (vec![byte], 1),
        (format!("%{byte:02x}").into_bytes(), 1),
        (format!("%{byte:02X}").into_bytes(), 1),
        (format!("\\x{byte:02x}").into_bytes(), 1),
        (format!("\\x{byte:02X}").into_bytes(), 1),
    ];
    // Hexadecimal digits of mixed case.
    if let [high, low] = format!("{byte:02x}").as_bytes() {
        found.push((vec![b'%', *high, low.to_ascii_uppercase()], 1));
        found.push((vec![b'%', high.to_ascii_uppercase(), *low], 1));
    }
    let width = match byte {
        0..0x80 => 1,
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        _ => 4,
    };
    let character = bytes.get(..width).and_then(|part| std::str::from_utf8(part).ok());
    if let Some(character) = character {
        let units = || character.encode_utf16();
        found.push((units().map(|unit| format!("\\u{unit:04x}")).collect::<String>().into_bytes(), width));
        found.push((units().map(|unit| format!("\\u{unit:04X}")).collect::<String>().into_bytes(), width));
    }
    for (_, letter) in SHORT.iter().filter(|(short, _)| *short == byte) {
        found.push((vec![b'\\', *letter], 1));
    }
    for (_, names) in ENTITIES.iter().filter(|(entity, _)| *entity == byte) {
        found.extend(names.iter().map(|name| (name.as_bytes().to_vec(), 1)));
    }
    if byte == b' ' {
        found.push((vec![b'+'], 1));
    }
    if byte == b'\\' {
        found.push((vec![b'\\', b'\\'], 1));
    }
    if byte == b'\n' {
        found.extend(
            [b"\r\n".to_vec(), b"\\r\\n".to_vec(), b"%0D%0A".to_vec(), b"%0d%0a".to_vec()]
                .map(|text| (text, 1)),
        );
    }
    for level in [3, 2] {
        let again: Vec<_> = found
            .iter()
            .filter(|(text, _)| text.len() > 1 && text[0] == b'\\' && text[1] != b'\\')
            .map(|(text, count)| ([&vec![b'\\'; level - 1][..], text].concat(), *count))
            .collect();
        found.extend(again);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_understood_and_waits_while_it_is_incomplete() {
        for secret in ["a", "/", "\"", "\n", "\\x", "%", "&", " ", "ü", "€", "😀", "'"] {
            let bytes = secret.as_bytes();
            for (text, count) in spellings(bytes) {
                let text = [&text[..], b"|"].concat();
                let (mut at, mut done) = (0, 0);
                while done < count {
                    match unit(&text[at..], &bytes[done..], false) {
                        Unit::Take(used, more) => (at, done) = (at + used, done + more),
                        other => panic!("{secret:?} as {:?}: {other:?}", String::from_utf8_lossy(&text)),
                    }
                }
                assert_eq!(at, text.len() - 1, "{secret:?} as {:?}", String::from_utf8_lossy(&text));
            }
        }
    }

    #[test]
    fn an_escape_that_is_part_of_the_secret_is_taken_as_it_is() {
        assert_eq!(unit(b"%41!", b"%41", false), Unit::Take(3, 3));
        assert_eq!(unit(b"%2541", b"%41", false), Unit::Take(3, 1));
        assert_eq!(unit(b"\\\\n", b"\\n", false), Unit::Take(2, 1));
    }

    #[test]
    fn half_an_escape_waits() {
        for text in ["%", "%4", "\\", "\\u", "\\u00", "\\x4", "\x1b", "\x1b[3"] {
            assert_eq!(unit(text.as_bytes(), b"A", false), Unit::Wait, "{text:?}");
        }
        assert_eq!(unit(b"&am", b"&", false), Unit::Wait);
    }

    #[test]
    fn colours_and_line_ends_only_interrupt() {
        assert_eq!(unit(b"\x1b[1;31mA", b"A", false), Unit::Take(7, 0));
        assert_eq!(unit(b"\r\nA", b"A", true), Unit::Take(2, 0));
        assert_eq!(unit(b"\nA", b"A", false), Unit::Miss);
    }
}
