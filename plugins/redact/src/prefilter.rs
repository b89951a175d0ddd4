//! Finds the places where something may begin, by the first three bytes, and nothing more.
//!
//! Every rule says with which three bytes its matches begin (or, for names, which three bytes they hold). A bitmap
//! over a hash of three bytes rejects nearly all positions in about two cycles a byte; what it lets through is looked
//! up exactly.

/// Rules in the order in which they are asked, by the three bytes that they want to see.
#[derive(Debug)]
pub struct Prefilter<R> {
    bits: Box<[u32; BITS / 32]>,
    /// Exact: whether two bytes begin an anchor. For the end of what has come.
    pairs: Box<[u32; 65536 / 32]>,
    firsts: [bool; 256],
    /// Sorted by the three bytes, then by order.
    anchors: Vec<(u32, R)>,
    /// Open addressing over `anchors`: index of the first of its three bytes, `EMPTY` where there is none.
    slots: Vec<u16>,
}

const BITS: usize = 65536;
const EMPTY: u16 = u16::MAX;
/// So many anchors are taken; more would not fit the index. A rule has between one and about a hundred.
pub const MAX_ANCHORS: usize = 32_000;

fn key(bytes: &[u8; 3]) -> u32 {
    u32::from(bytes[0]) | u32::from(bytes[1]) << 8 | u32::from(bytes[2]) << 16
}

fn hash(key: u32) -> u32 {
    key.wrapping_mul(0x9e37_79b1)
}

impl<R: Copy> Prefilter<R> {
    /// Builds it from anchors in the order in which rules are to be asked at one place.
    pub fn new(mut anchors: Vec<([u8; 3], R)>) -> Prefilter<R> {
        anchors.truncate(MAX_ANCHORS);
        let mut sorted: Vec<(u32, R)> = anchors.iter().map(|(bytes, rule)| (key(bytes), *rule)).collect();
        sorted.sort_by_key(|(key, _)| *key);
        let mut filter = Prefilter {
            bits: Box::new([0; BITS / 32]),
            pairs: Box::new([0; 65536 / 32]),
            firsts: [false; 256],
            slots: vec![EMPTY; (sorted.len() * 2).next_power_of_two().max(16)],
            anchors: sorted,
        };
        for index in 0..filter.anchors.len() {
            let key = filter.anchors[index].0;
            let bit = hash(key) >> 16;
            filter.bits[bit as usize / 32] |= 1 << (bit % 32);
            filter.pairs[(key & 0xffff) as usize / 32] |= 1 << (key % 32);
            filter.firsts[(key & 0xff) as usize] = true;
            if index == 0 || filter.anchors[index - 1].0 != key {
                let mut slot = filter.slot(key);
                while filter.slots[slot] != EMPTY {
                    slot = (slot + 1) & (filter.slots.len() - 1);
                }
                filter.slots[slot] = index as u16;
            }
        }
        filter
    }

    fn slot(&self, key: u32) -> usize {
        (hash(key) >> 8) as usize & (self.slots.len() - 1)
    }

    /// The first place at or after `from` whose three bytes may be an anchor's.
    #[inline]
    pub fn next(&self, bytes: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        while let Some(window) = bytes.get(at..at + 8) {
            let Ok(window) = <[u8; 8]>::try_from(window) else { break };
            let word = u64::from_le_bytes(window);
            let mut hits = 0;
            for lane in 0..6 {
                let bit = hash((word >> (8 * lane)) as u32 & 0xff_ffff) >> 16;
                hits |= (self.bits[(bit >> 5) as usize] >> (bit & 31) & 1) << lane;
            }
            if hits != 0 {
                return Some(at + hits.trailing_zeros() as usize);
            }
            at += 6;
        }
        while let Some(&[a, b, c]) = bytes.get(at..at + 3) {
            let bit = hash(key(&[a, b, c])) >> 16;
            if self.bits[(bit >> 5) as usize] >> (bit & 31) & 1 != 0 {
                return Some(at);
            }
            at += 1;
        }
        None
    }

    /// The rules that want the three bytes at `at`, in order. Empty where the bitmap was wrong.
    pub fn rules(&self, bytes: &[u8], at: usize) -> &[(u32, R)] {
        let Some(&[a, b, c]) = bytes.get(at..at + 3) else { return &[] };
        let wanted = key(&[a, b, c]);
        let mut slot = self.slot(wanted);
        loop {
            let index = self.slots[slot];
            if index == EMPTY {
                return &[];
            }
            let rest = &self.anchors[usize::from(index)..];
            if rest[0].0 == wanted {
                let count = rest.iter().take_while(|(key, _)| *key == wanted).count();
                return &rest[..count];
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
    }

    /// Where an anchor may begin of which less than three bytes have come: the length of `bytes` if nowhere.
    pub fn tail(&self, bytes: &[u8], from: usize) -> usize {
        let end = bytes.len();
        if let Some(at) = end.checked_sub(2).filter(|at| *at >= from) {
            let pair = u32::from(bytes[at]) | u32::from(bytes[at + 1]) << 8;
            if self.pairs[pair as usize / 32] >> (pair % 32) & 1 != 0 {
                return at;
            }
        }
        match end.checked_sub(1).filter(|at| *at >= from) {
            Some(at) if self.firsts[usize::from(bytes[at])] => at,
            _ => end,
        }
    }
}

/// The three bytes of `literal` that are rarest in ordinary text, in every combination of upper and lower case; for
/// rules that find their match around the anchor. None if it has fewer than three bytes.
pub fn rarest(literal: &str) -> Option<Vec<[u8; 3]>> {
    let best = literal.as_bytes().windows(3).max_by_key(|window| window.iter().map(rarity).sum::<u32>())?;
    let mut found = vec![[best[0], best[1], best[2]]];
    for at in 0..3 {
        for index in 0..found.len() {
            let mut other = found[index];
            other[at] = other[at].to_ascii_uppercase();
            found[index][at] = found[index][at].to_ascii_lowercase();
            if other != found[index] {
                found.push(other);
            }
        }
    }
    Some(found)
}

fn rarity(byte: &u8) -> u32 {
    const BY_FREQUENCY: &[u8] = b"etaoinsrhldcumfpgwybvkxjqz";
    let lower = byte.to_ascii_lowercase();
    match BY_FREQUENCY.iter().position(|letter| *letter == lower) {
        Some(place) => place as u32,
        None => 18,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchors(words: &[&[u8; 3]]) -> Prefilter<usize> {
        Prefilter::new(words.iter().enumerate().map(|(index, word)| (**word, index)).collect())
    }

    #[test]
    fn every_anchor_is_found_at_every_place() {
        let filter = anchors(&[b"ghp", b"AKI", b"://"]);
        for (index, word) in ["ghp", "AKI", "://"].iter().enumerate() {
            for before in 0..40 {
                for after in 0..12 {
                    let text = format!("{}{word}{}", ".".repeat(before), ".".repeat(after));
                    let at = filter.next(text.as_bytes(), 0);
                    assert_eq!(at, Some(before), "{text}");
                    let rules = filter.rules(text.as_bytes(), before);
                    assert_eq!(rules.iter().map(|(_, rule)| *rule).collect::<Vec<_>>(), [index]);
                }
            }
        }
    }

    #[test]
    fn rules_of_one_anchor_keep_their_order() {
        let filter = anchors(&[b"abc", b"xyz", b"abc", b"abc"]);
        assert_eq!(filter.rules(b"abc", 0).iter().map(|(_, rule)| *rule).collect::<Vec<_>>(), [0, 2, 3]);
        assert!(filter.rules(b"abd", 0).is_empty());
    }

    #[test]
    fn the_tail_is_the_longest_end_that_may_begin_an_anchor() {
        let filter = anchors(&[b"ghp"]);
        assert_eq!(filter.tail(b"..gh", 0), 2);
        assert_eq!(filter.tail(b"..hg", 0), 3);
        assert_eq!(filter.tail(b"..hh", 0), 4);
        assert_eq!(filter.tail(b"gh", 1), 2);
        assert_eq!(filter.tail(b"", 0), 0);
    }

    #[test]
    fn rare_letters_are_preferred_and_both_cases_are_given() {
        let found = rarest("token").unwrap();
        assert_eq!(found.len(), 8);
        assert!(found.contains(b"kEn"), "{found:?}");
        assert_eq!(rarest("_ke").unwrap().len(), 4);
        assert!(rarest("ab").is_none());
    }
}
