//! Finding the bytes that need a look, sixteen at a time. The loops over whole blocks have no branch, so that the
//! compiler turns them into vector code (SSE2, `simd128`).

/// Length of the longest prefix that a terminal shows as it is: printable ASCII, tabs and line feeds.
pub fn plain(bytes: &[u8]) -> usize {
    prefix(bytes, |byte| byte.wrapping_sub(0x20) < 0x5f || byte == b'\n' || byte == b'\t')
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
