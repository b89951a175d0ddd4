//! Sets of bytes, and the alphabets that tokens are written in.

/// A set of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByteSet([u32; 8]);

impl ByteSet {
    /// The bytes of `list`, where `a-z` in it is a range; a `-` at its end is itself.
    pub const fn new(list: &[u8]) -> ByteSet {
        let mut set = ByteSet([0; 8]);
        let mut at = 0;
        while at < list.len() {
            let first = list[at];
            let mut last = first;
            if at + 2 < list.len() && list[at + 1] == b'-' {
                last = list[at + 2];
                at += 2;
            }
            let mut byte = first as usize;
            while byte <= last as usize {
                set.0[byte / 32] |= 1 << (byte % 32);
                byte += 1;
            }
            at += 1;
        }
        set
    }

    /// Whether `byte` is in it.
    pub const fn contains(&self, byte: u8) -> bool {
        self.0[byte as usize / 32] >> (byte % 32) & 1 != 0
    }
}

/// `0-9A-Za-z`.
pub const ALNUM: ByteSet = ByteSet::new(b"0-9A-Za-z");
/// `0-9A-Za-z_`.
pub const WORD: ByteSet = ByteSet::new(b"0-9A-Za-z_");
/// The URL-safe alphabet of base64 (RFC 4648, 5).
pub const BASE64URL: ByteSet = ByteSet::new(b"0-9A-Za-z_-");
/// The same with dots.
pub const DOTTED: ByteSet = ByteSet::new(b"0-9A-Za-z_.-");
/// The alphabet of base64 (RFC 4648, 4) with padding.
pub const BASE64: ByteSet = ByteSet::new(b"0-9A-Za-z+/=");
/// Hexadecimal in lower case.
pub const LOWER_HEX: ByteSet = ByteSet::new(b"0-9a-f");
/// Hexadecimal.
pub const HEX: ByteSet = ByteSet::new(b"0-9a-fA-F");
/// The alphabet of base32 (RFC 4648, 6).
pub const BASE32: ByteSet = ByteSet::new(b"A-Z2-7");
/// Capitals and digits.
pub const UPPER: ByteSet = ByteSet::new(b"0-9A-Z");
/// Small letters and digits.
pub const LOWER: ByteSet = ByteSet::new(b"0-9a-z");
/// Paths of webhooks.
pub const PATH: ByteSet = ByteSet::new(b"0-9A-Za-z_./@-");
/// Slack's tokens, the ones of cookies percent-escaped.
pub const SLACK: ByteSet = ByteSet::new(b"0-9A-Za-z%-");
/// Whatever an `Authorization` header's token may hold (RFC 9110, token68).
pub const TOKEN68: ByteSet = ByteSet::new(b"0-9A-Za-z._~+/=-");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_ranges_single_bytes_and_a_dash_at_its_end() {
        let set = ByteSet::new(b"a-c_0-");
        let members: Vec<u8> = (0..=255).filter(|byte| set.contains(*byte)).collect();
        assert_eq!(members, b"-0_abc");
    }
}
