//! The masks that filters have put where secrets stood.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{PoisonError, RwLock};

/// Shortest mask that is taken: shorter ones would be found in innocent commands.
pub(crate) const MASK_MIN: usize = 8;
/// Longest mask that is taken.
pub(crate) const MASK_MAX: usize = 256;
/// Kinds that are counted by name; what comes beyond is counted as `other`.
const KINDS_MAX: usize = 64;

/// All masks that filters said they made, so that a command that contains one can be refused: it would write the mask
/// where the secret belongs.
///
/// Holds a bounded number of different masks; when it is full the oldest is forgotten and counted.
#[derive(Debug)]
pub struct Masks {
    // The only lock here; held for a look-up or an insertion, never over an await.
    inner: RwLock<Inner>,
    max: usize,
}

#[derive(Debug)]
struct Inner {
    /// By their first eight bytes: what a search hashes at each place that can begin a mask.
    by_start: HashMap<[u8; MASK_MIN], Vec<String>>,
    /// Which pairs of bytes begin a mask, a bit each: nearly every place of a text is passed over here.
    starts: Box<[u64; 1024]>,
    oldest_first: VecDeque<String>,
    kinds: BTreeMap<String, u64>,
    count: u64,
    forgotten: u64,
}

impl Masks {
    pub(crate) fn new(max: usize) -> Self {
        let inner = Inner {
            by_start: HashMap::new(),
            starts: Box::new([0; 1024]),
            oldest_first: VecDeque::new(),
            kinds: BTreeMap::new(),
            count: 0,
            forgotten: 0,
        };
        Self { inner: RwLock::new(inner), max: max.max(1) }
    }

    /// The first mask that stands in `text`, if there is one.
    pub fn find_in<'t>(&self, text: &'t str) -> Option<String> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        if inner.oldest_first.is_empty() {
            return None;
        }
        let bytes: &'t [u8] = text.as_bytes();
        for (at, window) in bytes.windows(MASK_MIN).enumerate() {
            if !inner.begins(window) {
                continue;
            }
            let Ok(start) = <[u8; MASK_MIN]>::try_from(window) else { continue };
            let Some(candidates) = inner.by_start.get(&start) else { continue };
            let longest = candidates.iter().filter(|mask| bytes[at..].starts_with(mask.as_bytes()));
            if let Some(mask) = longest.max_by_key(|mask| mask.len()) {
                return Some(mask.clone());
            }
        }
        None
    }

    /// How many secrets were masked, over all filters and since the start.
    pub fn count(&self) -> u64 {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).count
    }

    /// How many of each kind (`github-token`), by name. At most 64 kinds are told apart; the rest counts as `other`.
    pub fn count_by_kind(&self) -> Vec<(String, u64)> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        inner.kinds.iter().map(|(kind, count)| (kind.clone(), *count)).collect()
    }

    /// How many masks were forgotten because there were too many different ones.
    pub fn forgotten(&self) -> u64 {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).forgotten
    }

    /// Counts an occurrence of `mask`, and remembers it. The caller has checked its length.
    pub(crate) fn add(&self, mask: String, kind: String) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        inner.count += 1;
        let full = inner.kinds.len() >= KINDS_MAX;
        let kind = if full && !inner.kinds.contains_key(&kind) { String::from("other") } else { kind };
        *inner.kinds.entry(kind).or_default() += 1;
        let Some(start) = mask.as_bytes().first_chunk::<MASK_MIN>().copied() else { return };
        if inner.by_start.get(&start).is_some_and(|known| known.contains(&mask)) {
            return;
        }
        if inner.oldest_first.len() >= self.max {
            inner.forget_oldest();
        }
        inner.mark(&start);
        inner.by_start.entry(start).or_default().push(mask.clone());
        inner.oldest_first.push_back(mask);
    }
}

impl Inner {
    fn begins(&self, window: &[u8]) -> bool {
        let pair = usize::from(window[0]) << 8 | usize::from(window[1]);
        self.starts[pair / 64] >> (pair % 64) & 1 == 1
    }

    fn mark(&mut self, start: &[u8]) {
        let pair = usize::from(start[0]) << 8 | usize::from(start[1]);
        self.starts[pair / 64] |= 1 << (pair % 64);
    }

    /// The pair of bytes stays marked: it costs a look-up now and then, and an account of who else needs it costs more.
    fn forget_oldest(&mut self) {
        let Some(mask) = self.oldest_first.pop_front() else { return };
        self.forgotten += 1;
        let Some(start) = mask.as_bytes().first_chunk::<MASK_MIN>() else { return };
        if let Some(known) = self.by_start.get_mut(start) {
            known.retain(|other| *other != mask);
            if known.is_empty() {
                self.by_start.remove(start);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masks(max: usize, of: &[&str]) -> Masks {
        let masks = Masks::new(max);
        for mask in of {
            masks.add((*mask).to_owned(), String::from("token"));
        }
        masks
    }

    #[test]
    fn a_mask_is_found_wherever_it_stands() {
        let masks = masks(10, &["<masked:1>", "<masked:22>"]);
        assert_eq!(masks.find_in("echo <masked:22> x").as_deref(), Some("<masked:22>"));
        assert_eq!(masks.find_in("<masked:1>").as_deref(), Some("<masked:1>"));
        assert_eq!(masks.find_in("echo <masked:3>"), None);
        assert_eq!(masks.find_in("<mask"), None);
        assert_eq!(masks.find_in(""), None);
    }

    #[test]
    fn of_two_masks_at_one_place_the_longer_is_named() {
        let masks = masks(10, &["abcdefgh", "abcdefghij"]);
        assert_eq!(masks.find_in("xabcdefghijk").as_deref(), Some("abcdefghij"));
    }

    #[test]
    fn the_oldest_is_forgotten_when_there_are_too_many_and_occurrences_stay_counted() {
        let masks = masks(2, &["mask-one", "mask-two", "mask-two", "mask-three"]);
        assert_eq!((masks.count(), masks.forgotten()), (4, 1));
        assert_eq!(masks.find_in("mask-one"), None);
        assert_eq!(masks.find_in("mask-two").as_deref(), Some("mask-two"));
        assert_eq!(masks.find_in("mask-three").as_deref(), Some("mask-three"));
    }

    #[test]
    fn kinds_beyond_the_bound_are_counted_together() {
        let masks = Masks::new(10);
        for kind in 0..100 {
            masks.add(String::from("some-mask"), format!("kind-{kind}"));
        }
        let counts = masks.count_by_kind();
        assert!(counts.len() <= KINDS_MAX + 1);
        assert_eq!(counts.iter().map(|(_, count)| count).sum::<u64>(), 100);
    }
}
