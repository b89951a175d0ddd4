//! The ways in which programs write a byte: as it is, in URLs (once or more), JSON, sources, shells' quotes and HTML.

/// What stands at a place, compared with the bytes of a secret that are wanted there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// So many bytes of text stand for so many bytes of the secret; for none where they only interrupt it.
    Take(usize, usize),
    /// It depends on what comes.
    Wait,
    Miss,
}

/// Entities by name; any character may be one by its number.
const ENTITIES: &[(u8, &str)] =
    &[(b'&', "&amp;"), (b'<', "&lt;"), (b'>', "&gt;"), (b'"', "&quot;"), (b'\'', "&apos;")];
/// A numeric entity has at most so many digits.
const LONGEST_ENTITY: usize = 8;
/// A byte is escaped for a URL at most so many times.
const LONGEST_PERCENT: usize = 4;
/// How a quote stands within a quoted word of a shell: closed, written otherwise, and opened again.
const SHELL_QUOTES: &[&[u8]] = &[b"'\\''", b"'\"'\"'"];
const SHORT: &[(u8, u8)] = &[
    (b'\n', b'n'),
    (b'\r', b'r'),
    (b'\t', b't'),
    (8, b'b'),
    (12, b'f'),
    (0x1b, b'e'),
    (0x1b, b'E'),
    (7, b'a'),
    (11, b'v'),
    (b'"', b'"'),
    (b'\'', b'\''),
    (b'/', b'/'),
];

/// Compares the beginning of `text` with `wanted`, which is not empty. `wraps`: line ends may stand between.
pub fn unit(text: &[u8], wanted: &[u8], wraps: bool) -> Unit {
    let Some(&first) = text.first() else { return Unit::Wait };
    let want = wanted[0];
    let escaped = match first {
        b'%' => percent(text, wanted),
        b'\\' => backslash(text, wanted),
        b'&' => entity(text, wanted),
        b'\'' if want == b'\'' => shell_quote(text, wanted),
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
    // `%25` is a percent sign, which may be that of another escape.
    let again = text[1..].chunks(2).take(LONGEST_PERCENT).take_while(|pair| *pair == b"25").count();
    let digits = &text[1 + 2 * again..];
    if again > 0 && hex_open(digits, 2) {
        return Unit::Wait;
    }
    if wanted[0] == b'%' && again > 0 {
        return Unit::Take(1 + 2 * again, 1);
    }
    let code = if again > 0 { digits.get(..2).and_then(hex) } else { Some(code) };
    match (u32::from(wanted[0]), code) {
        (want, Some(code)) if want == code => Unit::Take(3 + 2 * again, 1),
        (0x20, Some(0x2b)) => Unit::Take(3 + 2 * again, 1),
        (0x0a, Some(0x0d)) => Unit::Take(3 + 2 * again, 0),
        _ => Unit::Miss,
    }
}

fn shell_quote(text: &[u8], wanted: &[u8]) -> Unit {
    for quote in SHELL_QUOTES.iter().filter(|quote| !wanted.starts_with(&quote[..2])) {
        if text.starts_with(quote) {
            return Unit::Take(quote.len(), 1);
        }
        if text.len() > 1 && quote.starts_with(text) {
            return Unit::Wait;
        }
    }
    Unit::Miss
}

fn backslash(text: &[u8], wanted: &[u8]) -> Unit {
    let count = text.iter().take(17).take_while(|byte| **byte == b'\\').count();
    let Some(&letter) = text.get(count) else { return if count > 16 { Unit::Miss } else { Unit::Wait } };
    let digits = &text[count + 1..];
    // A backslash may itself be written by its code.
    for (code, letter_of) in [(&b"5c"[..], b'x'), (b"005c", b'u'), (b"34", b'1')] {
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
        b'0'..=b'3' => octal(&text[count..], wanted[0], count),
        // A shell puts a backslash before everything that is not plain.
        _ if letter == wanted[0] && !letter.is_ascii_alphanumeric() => Unit::Take(count + 1, 1),
        _ => Unit::Miss,
    }
}

fn octal(digits: &[u8], want: u8, slashes: usize) -> Unit {
    let seen = &digits[..digits.len().min(3)];
    if !seen.iter().all(|digit| (b'0'..=b'7').contains(digit)) {
        return Unit::Miss;
    }
    match seen.iter().fold(0, |code, digit| code * 8 + u32::from(digit - b'0')) {
        _ if seen.len() < 3 => Unit::Wait,
        code if code == u32::from(want) => Unit::Take(slashes + 3, 1),
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
    for (_, name) in ENTITIES.iter().filter(|(byte, _)| *byte == wanted[0]) {
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
    match text.get(1) {
        None => Unit::Wait,
        Some(b'#') => number(text, wanted),
        Some(_) => Unit::Miss,
    }
}

/// `&#65;` and `&#x41;`.
fn number(text: &[u8], wanted: &[u8]) -> Unit {
    let (radix, from) = match text.get(2) {
        None => return Unit::Wait,
        Some(b'x' | b'X') => (16, 3),
        Some(_) => (10, 2),
    };
    let digits = &text[from..];
    let digit = |byte: &&u8| char::from(**byte).is_digit(radix);
    let count = digits.iter().take(LONGEST_ENTITY + 1).take_while(digit).count();
    match digits.get(count) {
        None if count <= LONGEST_ENTITY => return Unit::Wait,
        Some(b';') if count > 0 && count <= LONGEST_ENTITY => {}
        _ => return Unit::Miss,
    }
    let used = from + count + 1;
    if wanted.starts_with(&text[..used]) {
        return Unit::Miss;
    }
    let code =
        std::str::from_utf8(&digits[..count]).ok().and_then(|digits| u32::from_str_radix(digits, radix).ok());
    let Some(character) = code.and_then(char::from_u32) else { return Unit::Miss };
    let mut buffer = [0; 4];
    let bytes = character.encode_utf8(&mut buffer).as_bytes();
    match wanted.starts_with(bytes) {
        true => Unit::Take(used, bytes.len()),
        false if (wanted[0], character) == (b'\n', '\r') => Unit::Take(used, 0),
        false => Unit::Miss,
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
        (format!("\\{byte:03o}").into_bytes(), 1),
        // An escape within an escape: more of them begin with the same three bytes.
        (format!("%25{byte:02X}").into_bytes(), 1),
        (format!("%2525{byte:02x}").into_bytes(), 1),
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
        found.extend(character.chars().flat_map(|one| {
            let code = u32::from(one);
            [format!("&#{code};"), format!("&#0{code};"), format!("&#x{code:x};"), format!("&#X{code:X};")]
                .map(|text| (text.into_bytes(), width))
        }));
    }
    for (_, letter) in SHORT.iter().filter(|(short, _)| *short == byte) {
        found.push((vec![b'\\', *letter], 1));
    }
    found.extend(
        ENTITIES.iter().filter(|(one, _)| *one == byte).map(|(_, name)| (name.as_bytes().to_vec(), 1)),
    );
    if byte == b' ' {
        found.extend([b"+".to_vec(), b"%2B".to_vec(), b"%2b".to_vec()].map(|text| (text, 1)));
    }
    if byte == b'\'' {
        found.extend(SHELL_QUOTES.iter().map(|quote| (quote.to_vec(), 1)));
    }
    if !byte.is_ascii_alphanumeric() {
        found.push((vec![b'\\', byte], 1));
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
        for text in ["%", "%4", "%25", "%254", "\\", "\\u", "\\u00", "\\x4", "\\10", "&", "&#", "&#6", "&#x"]
        {
            assert_eq!(unit(text.as_bytes(), b"A", false), Unit::Wait, "{text:?}");
        }
        assert_eq!(unit(b"&am", b"&", false), Unit::Wait);
    }

    #[test]
    fn line_ends_only_interrupt() {
        assert_eq!(unit(b"\r\nA", b"A", true), Unit::Take(2, 0));
        assert_eq!(unit(b"\nA", b"A", false), Unit::Miss);
    }
}
