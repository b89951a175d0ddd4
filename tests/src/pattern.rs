//! The numbered bytes that the probe prints, so that any cut of them tells where it belongs.

/// Bytes of one record: fifteen digits of its number and a line feed.
const RECORD: u64 = 16;

/// The bytes from `offset` on of an endless stream of numbered records.
#[must_use]
pub fn pattern(offset: u64, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 2 * RECORD as usize);
    let mut record = offset / RECORD;
    let skip = (offset % RECORD) as usize;
    while bytes.len() < skip + length {
        bytes.extend_from_slice(format!("{record:015}\n").as_bytes());
        record += 1;
    }
    bytes.drain(..skip);
    bytes.truncate(length);
    bytes
}

/// Where in the stream `bytes` stand, if they hold a whole record and are a piece of the stream.
#[must_use]
pub fn locate(bytes: &[u8]) -> Option<u64> {
    let end = memchr::memchr_iter(b'\n', bytes).find(|end| *end as u64 >= RECORD - 1)?;
    let digits = std::str::from_utf8(bytes.get(end + 1 - RECORD as usize..end)?).ok()?;
    let start = (digits.parse::<u64>().ok()? * RECORD).checked_sub((end + 1) as u64 - RECORD)?;
    (pattern(start, bytes.len()) == bytes).then_some(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_is_located() {
        for offset in [0, 1, 15, 16, 17, 4_711] {
            assert_eq!(locate(&pattern(offset, 40)), Some(offset));
        }
        assert_eq!(locate(b"no pattern, but\nlines\n"), None);
        assert_eq!(locate(&pattern(3, 12)), None);
    }
}
