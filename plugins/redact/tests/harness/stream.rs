//! Runs streams through the filter, cut in all ways.

#![allow(dead_code, reason = "each test takes what it needs")]

use std::cell::OnceCell;
use std::rc::Rc;

use weir_redact::config::Config;
use weir_redact::redactor::{Masked, Pushed, Redactor};
use weir_redact::rules::Rules;

pub const SALT: u64 = 0x1234_5678_9abc_def0;

/// A filter for a configuration and granted variables.
pub struct Setup {
    pub config: String,
    pub variables: Vec<(String, String)>,
    rules: OnceCell<Rc<Rules>>,
}

impl Setup {
    pub fn plain() -> Setup {
        Setup { config: "{}".to_owned(), variables: Vec::new(), rules: OnceCell::new() }
    }

    pub fn with_values(values: &[&str]) -> Setup {
        let variables =
            values.iter().enumerate().map(|(index, value)| (format!("V{index}"), (*value).to_owned()));
        Setup { config: "{}".to_owned(), variables: variables.collect(), rules: OnceCell::new() }
    }

    pub fn configured(config: &str) -> Setup {
        Setup { config: config.to_owned(), variables: Vec::new(), rules: OnceCell::new() }
    }

    pub fn redactor(&self) -> Redactor {
        let rules = self.rules.get_or_init(|| {
            let config = Config::parse(&self.config).expect("a good configuration");
            Rc::new(Rules::new(&config, &self.variables, SALT).0)
        });
        Redactor::new(Rc::clone(rules), SALT)
    }

    /// What comes out, and the masks, if the input comes in these pieces, with a pause after each if `idle`.
    pub fn run<'a>(&self, pieces: impl IntoIterator<Item = &'a [u8]>, idle: bool) -> (Vec<u8>, Vec<Masked>) {
        let mut redactor = self.redactor();
        let mut out = Vec::new();
        for piece in pieces {
            match redactor.push(piece) {
                Pushed::Unchanged => {
                    assert_eq!(redactor.held(), 0, "unchanged although something is held back");
                    out.extend_from_slice(piece);
                }
                Pushed::Bytes(bytes) => out.extend(bytes),
            }
            if idle {
                out.extend(redactor.idle());
            }
        }
        out.extend(redactor.finish());
        let masked = redactor.take_masked();
        (out, masked)
    }

    pub fn whole(&self, input: &str) -> String {
        let (out, masked) = self.run([input.as_bytes()], false);
        let out = String::from_utf8(out).expect("text");
        // Where there is a second look, it may mask what is around a mask of the first.
        let one_look = weir_redact::invisible::shown_of(input.as_bytes()) == input.as_bytes();
        for Masked { mask, .. } in masked.iter().filter(|_| one_look) {
            assert!(out.contains(mask.as_str()), "{mask} is reported and missing in {out}");
        }
        out
    }

    /// The same, after it was seen that no cut changes it.
    pub fn cut(&self, input: &str) -> String {
        let whole = self.whole(input);
        let bytes = input.as_bytes();
        for at in 1..bytes.len() {
            let (out, _) = self.run([&bytes[..at], &bytes[at..]], false);
            assert_eq!(String::from_utf8_lossy(&out), whole, "cut at {at} of {input:?}");
        }
        let (out, _) = self.run(bytes.chunks(1), false);
        assert_eq!(String::from_utf8_lossy(&out), whole, "byte by byte: {input:?}");
        whole
    }

    /// What comes out with a pause at each single place, and with one after each byte.
    pub fn paused(&self, input: &str) -> Vec<String> {
        let bytes = input.as_bytes();
        let text = |(out, _): (Vec<u8>, _)| String::from_utf8_lossy(&out).into_owned();
        let mut all = vec![text(self.run(bytes.chunks(1), true))];
        all.extend((1..bytes.len()).map(|at| text(self.run([&bytes[..at], &bytes[at..]], true))));
        all
    }
}

/// A small generator of numbers (xorshift64*): the same in every run.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }

    /// So many characters of an alphabet, with a capital, a small letter and a digit where the alphabet has them.
    pub fn text(&mut self, alphabet: &[u8], count: usize) -> String {
        loop {
            let text: Vec<u8> = (0..count).map(|_| alphabet[self.below(alphabet.len())]).collect();
            let tests: [fn(&u8) -> bool; 3] =
                [u8::is_ascii_digit, u8::is_ascii_lowercase, u8::is_ascii_uppercase];
            if tests.iter().all(|test| {
                !alphabet.iter().any(test) || text.iter().filter(|b| test(b)).count() > count / 16
            }) {
                return String::from_utf8(text).expect("ASCII");
            }
        }
    }
}

pub const ALNUM: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
pub const HEX: &[u8] = b"0123456789abcdef";
pub const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
