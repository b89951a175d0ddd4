//! JSON written by hand, straight into the output buffer, for the messages that carry output; and what serde needs
//! to be told for the others.

use std::collections::HashMap;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// Appends `value` as JSON.
///
/// # Panics
///
/// If the value has no JSON form. No type of this crate can: map keys are strings and memory takes every byte.
pub(crate) fn write_value(out: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(out, value).expect("every wire type has a JSON form");
}

/// Appends the members of `value`, which must be an object with at least one, each with a comma before it.
pub(crate) fn write_members(out: &mut Vec<u8>, value: &impl Serialize) {
    let start = out.len();
    write_value(out, value);
    debug_assert!(out[start..].starts_with(b"{\"") && out.ends_with(b"}"));
    out[start] = b',';
    out.pop();
}

/// Appends a number in decimal digits.
pub(crate) fn write_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends `text` as a JSON string.
pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    write_escaped(out, text);
    out.push(b'"');
}

/// Appends `bytes` as a JSON string in which each maximal sequence that is no UTF-8 has become one U+FFFD.
/// Returns how many bytes were replaced.
pub(crate) fn write_lossy_string(out: &mut Vec<u8>, bytes: &[u8]) -> u64 {
    out.reserve(bytes.len() + bytes.len() / 8 + 2);
    out.push(b'"');
    let mut replaced = 0;
    // Validating all at once is far faster than going by chunks, and most output is text.
    match std::str::from_utf8(bytes) {
        Ok(text) => write_escaped(out, text),
        Err(_) => {
            for chunk in bytes.utf8_chunks() {
                write_escaped(out, chunk.valid());
                if !chunk.invalid().is_empty() {
                    out.extend_from_slice("\u{FFFD}".as_bytes());
                    replaced += chunk.invalid().len();
                }
            }
        }
    }
    out.push(b'"');
    replaced as u64
}

/// Appends `bytes` as a JSON string of padded standard base64.
pub(crate) fn write_base64_string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(base64_simd::STANDARD.encoded_length(bytes.len()) + 2);
    out.push(b'"');
    base64_simd::STANDARD.encode_append(bytes, out);
    out.push(b'"');
}

/// For `skip_serializing_if`: a count of nothing.
pub(crate) fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// For `serialize_with`: an object whose values are strings, in order. Of pairs with one name the last counts, as
/// for a client that sends such an object.
pub(crate) fn string_map<S: Serializer>(
    members: &[(String, String)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let last: HashMap<&str, usize> =
        members.iter().enumerate().map(|(place, (name, _))| (name.as_str(), place)).collect();
    let mut map = serializer.serialize_map(Some(last.len()))?;
    for (place, (name, value)) in members.iter().enumerate() {
        if last[name.as_str()] == place {
            map.serialize_entry(name, value)?;
        }
    }
    map.end()
}

fn write_escaped(out: &mut Vec<u8>, text: &str) {
    escape_bytes(out, text.as_bytes());
}

/// Copies runs that need no escape, and escapes the bytes between them. `bytes` must be UTF-8.
fn escape_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    let mut rest = bytes;
    loop {
        let plain = plain_length(rest);
        out.extend_from_slice(&rest[..plain]);
        let Some(&byte) = rest.get(plain) else { return };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0C => out.extend_from_slice(b"\\f"),
            _ => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                let [high, low] = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
            }
        }
        rest = &rest[plain + 1..];
    }
}

/// How many bytes at the front of `bytes` need no escape. Eight at a time: this is the hot loop of text output.
fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    // The high bit of each byte that is zero. Bits above the lowest hit may be wrong, so only that one is used.
    const fn zeros(word: u64) -> u64 {
        word.wrapping_sub(ONES) & !word & HIGHS
    }

    let (words, tail) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        let quote = zeros(word ^ (ONES * u64::from(b'"')));
        let backslash = zeros(word ^ (ONES * u64::from(b'\\')));
        let hits = control | quote | backslash;
        if hits != 0 {
            return index * 8 + hits.trailing_zeros() as usize / 8;
        }
    }
    let needs_escape = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\');
    let in_tail = tail.iter().position(needs_escape).unwrap_or(tail.len());
    words.len() * 8 + in_tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_that_needs_an_escape_is_found_at_every_place() {
        for length in 0..24 {
            assert_eq!(plain_length(&vec![b'~'; length]), length);
            for place in 0..length {
                for byte in 0..=u8::MAX {
                    let mut bytes = vec![b'!'; length];
                    bytes[place] = byte;
                    // What follows a hit must not be taken for it.
                    bytes[place + 1..].fill(b'"');
                    let plain = byte >= 0x20 && byte != b'"' && byte != b'\\';
                    assert_eq!(plain_length(&bytes), place + usize::from(plain), "{byte:#x} at {place}");
                }
            }
        }
    }
}
