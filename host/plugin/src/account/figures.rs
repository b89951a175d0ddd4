//! What a plugin has done so far, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Parts that each doubling is divided into: figures are right to an eighth.
const PARTS: u64 = 8;
/// From a nanosecond to half an hour.
const BUCKETS: usize = 320;

/// What a plugin has done since it was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Calls that were answered or failed, without `init`.
    pub calls: u64,
    /// Calls and instances that failed.
    pub faults: u64,
    /// Half of the calls took at most this; right to an eighth.
    pub p50: Duration,
    /// Of a hundred calls 99 took at most this; right to an eighth.
    pub p99: Duration,
    /// Bytes that were pushed into its filters.
    pub bytes_in: u64,
    /// Bytes that its filters gave.
    pub bytes_out: u64,
    /// Secrets that it said it masked.
    pub masked: u64,
}

/// Counts without locks; reads may be a call apart from one another.
#[derive(Debug)]
pub(crate) struct Recorder {
    times: Box<[AtomicU64; BUCKETS]>,
    faults: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    masked: AtomicU64,
}

impl Default for Recorder {
    fn default() -> Self {
        Self {
            times: Box::new([const { AtomicU64::new(0) }; BUCKETS]),
            faults: AtomicU64::new(0),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            masked: AtomicU64::new(0),
        }
    }
}

impl Recorder {
    pub(crate) fn call(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.times[bucket(nanos)].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn fault(&self) {
        self.faults.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn masked(&self) {
        self.masked.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn bytes(&self, taken: usize, given: usize) {
        self.bytes_in.fetch_add(taken as u64, Ordering::Relaxed);
        self.bytes_out.fetch_add(given as u64, Ordering::Relaxed);
    }

    pub(crate) fn figures(&self) -> Figures {
        let times: Vec<u64> = self.times.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let calls = times.iter().sum();
        Figures {
            calls,
            faults: self.faults.load(Ordering::Relaxed),
            p50: quantile(&times, calls, 50),
            p99: quantile(&times, calls, 99),
            bytes_in: self.bytes_in.load(Ordering::Relaxed),
            bytes_out: self.bytes_out.load(Ordering::Relaxed),
            masked: self.masked.load(Ordering::Relaxed),
        }
    }
}

/// Eight buckets for each doubling, the first eight of a nanosecond each.
fn bucket(nanos: u64) -> usize {
    if nanos < PARTS {
        return nanos as usize;
    }
    let exponent = u64::from(nanos.ilog2());
    let part = nanos >> (exponent - 3) & (PARTS - 1);
    (((exponent - 2) * PARTS + part) as usize).min(BUCKETS - 1)
}

/// The largest value of a bucket.
fn upper(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < PARTS {
        return bucket;
    }
    let (exponent, part) = (bucket / PARTS + 2, bucket % PARTS);
    ((PARTS + part + 1) << (exponent - 3)) - 1
}

fn quantile(times: &[u64], calls: u64, percent: u64) -> Duration {
    let wanted = (calls * percent).div_ceil(100);
    let mut seen = 0;
    for (bucket, count) in times.iter().enumerate() {
        seen += count;
        if *count > 0 && seen >= wanted {
            return Duration::from_nanos(upper(bucket));
        }
    }
    Duration::ZERO
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_bucket_and_is_right_to_an_eighth() {
        for exponent in 0..40 {
            for offset in [0, 1, 7, 1 << (exponent / 2)] {
                let nanos = (1_u64 << exponent) + offset;
                let upper = upper(bucket(nanos));
                assert!(upper >= nanos, "{nanos} is over {upper}");
                assert!(upper - nanos <= nanos / 8 + 1, "{nanos} is far below {upper}");
            }
        }
    }

    #[test]
    fn half_and_nearly_all_of_a_hundred_calls() {
        let recorder = Recorder::default();
        for call in 1..=100 {
            recorder.call(Duration::from_micros(call));
        }
        let figures = recorder.figures();
        assert_eq!(figures.calls, 100);
        assert!(
            figures.p50 >= Duration::from_micros(50) && figures.p50 < Duration::from_micros(57),
            "{figures:?}"
        );
        assert!(
            figures.p99 >= Duration::from_micros(99) && figures.p99 < Duration::from_micros(113),
            "{figures:?}"
        );
    }

    #[test]
    fn without_calls_there_is_no_time() {
        assert_eq!(Recorder::default().figures().p99, Duration::ZERO);
    }
}
