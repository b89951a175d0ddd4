//! Tags: short keyed hashes that are equal for equal secrets within one run of the host, and tell nothing of them.
//!
//! SipHash-2-4 (Aumasson and Bernstein, 2012), computed as the bytes come, so that a secret that is swallowed needs
//! no memory.

/// A running SipHash-2-4 over the bytes of one secret.
#[derive(Clone, Debug)]
pub struct Tagger {
    state: [u64; 4],
    tail: u64,
    length: u64,
}

impl Tagger {
    /// A hash keyed with the host's salt. The second half of the key is a constant: the salt is all that is secret.
    pub fn new(salt: u64) -> Tagger {
        Tagger::with_key(salt, 0x7765_6972_5f72_6564)
    }

    fn with_key(k0: u64, k1: u64) -> Tagger {
        Tagger {
            state: [
                k0 ^ 0x736f_6d65_7073_6575,
                k1 ^ 0x646f_7261_6e64_6f6d,
                k0 ^ 0x6c79_6765_6e65_7261,
                k1 ^ 0x7465_6462_7974_6573,
            ],
            tail: 0,
            length: 0,
        }
    }

    /// Adds a byte.
    pub fn byte(&mut self, byte: u8) {
        let at = self.length % 8;
        self.tail |= u64::from(byte) << (8 * at);
        self.length = self.length.wrapping_add(1);
        if at == 7 {
            self.word(self.tail);
            self.tail = 0;
        }
    }

    /// Adds bytes in order.
    pub fn bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.byte(byte);
        }
    }

    /// The tag of what was added: the low 24 bits of the hash.
    pub fn tag(self) -> u32 {
        (self.hash() & 0xff_ffff) as u32
    }

    fn hash(mut self) -> u64 {
        let last = self.tail | (self.length << 56);
        self.word(last);
        self.state[2] ^= 0xff;
        for _ in 0..4 {
            self.round();
        }
        self.state[0] ^ self.state[1] ^ self.state[2] ^ self.state[3]
    }

    fn word(&mut self, word: u64) {
        self.state[3] ^= word;
        self.round();
        self.round();
        self.state[0] ^= word;
    }

    fn round(&mut self) {
        let [a, b, c, d] = &mut self.state;
        *a = a.wrapping_add(*b);
        *b = b.rotate_left(13) ^ *a;
        *a = a.rotate_left(32);
        *c = c.wrapping_add(*d);
        *d = d.rotate_left(16) ^ *c;
        *a = a.wrapping_add(*d);
        *d = d.rotate_left(21) ^ *a;
        *c = c.wrapping_add(*b);
        *b = b.rotate_left(17) ^ *c;
        *c = c.rotate_left(32);
    }
}

/// The mask that stands for a secret, as `[redacted:github-token:5f3a9c]`.
pub fn mask(kind: &str, tag: u32) -> String {
    format!("[redacted:{kind}:{:06x}]", tag & 0xff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_published_vectors() {
        let key = (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908);
        let of = |count: u8| {
            let mut tagger = Tagger::with_key(key.0, key.1);
            tagger.bytes(&(0..count).collect::<Vec<u8>>());
            tagger.hash()
        };
        assert_eq!(of(0), 0x726f_db47_dd0e_0e31);
        assert_eq!(of(8), 0x93f5_f579_9a93_2462);
        assert_eq!(of(15), 0xa129_ca61_49be_45e5);
    }

    #[test]
    fn equal_secrets_have_equal_tags_under_one_salt_and_others_under_another() {
        let tag = |salt, secret: &[u8]| {
            let mut tagger = Tagger::new(salt);
            tagger.bytes(secret);
            tagger.tag()
        };
        assert_eq!(tag(1, b"hunter2"), tag(1, b"hunter2"));
        assert_ne!(tag(1, b"hunter2"), tag(2, b"hunter2"));
        assert_ne!(tag(1, b"hunter2"), tag(1, b"hunter3"));
    }

    #[test]
    fn a_mask_names_kind_and_tag_in_six_digits() {
        assert_eq!(mask("github-token", 0x9c), "[redacted:github-token:00009c]");
    }
}
