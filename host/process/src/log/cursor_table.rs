//! Where dropped entries ended, for cursors that still point at them.
//!
//! A cursor is a bare sequence number, and sizes differ. To say how many bytes lie between a cursor and the
//! end of the gap, the end offset of every entry that was ever handed out as a cursor is remembered when the
//! entry goes. Equal sizes in a row, which is what a flood of output looks like, share one run.

use std::collections::VecDeque;

/// How many runs are kept. At 24 bytes each this is the most that a log costs beside its chunks (384 KiB);
/// a program would have to print that many chunks of changing sizes, each taken and then dropped, to fill it.
const MAX_RUNS: usize = 16 * 1024;

/// Known end offsets by sequence number, in ascending order, run-length encoded.
///
/// Full, it forgets its lowest numbers first.
#[derive(Debug)]
pub(super) struct CursorTable {
    runs: VecDeque<Run>,
    max_runs: usize,
}

/// The entries `seq`, `seq + 1`, … (`count` of them), of which the first ends at `end` and each further one
/// `stride` bytes after the one before.
#[derive(Debug, Clone, Copy)]
struct Run {
    seq: u64,
    end: u64,
    stride: u32,
    count: u32,
}

impl Default for CursorTable {
    fn default() -> Self {
        Self::with_max_runs(MAX_RUNS)
    }
}

impl CursorTable {
    fn with_max_runs(max_runs: usize) -> Self {
        Self { runs: VecDeque::new(), max_runs }
    }

    /// Adds an entry above all that are known. One that is not above them changes nothing.
    pub(super) fn push_back(&mut self, seq: u64, end: u64) {
        if let Some(last) = self.runs.back_mut() {
            if seq <= last.last_seq() {
                return;
            }
            if seq == last.last_seq() + 1 && last.count < u32::MAX {
                // One that stands alone has no stride yet and takes the first that comes.
                let step = end - last.last_end();
                if let Ok(step) = u32::try_from(step)
                    && (last.count == 1 || step == last.stride)
                {
                    last.stride = step;
                    last.count += 1;
                    return;
                }
            }
        }
        self.runs.push_back(Run { seq, end, stride: 0, count: 1 });
        if self.runs.len() > self.max_runs {
            self.runs.pop_front();
        }
    }

    /// Adds an entry below all that are known. One that is not below them changes nothing.
    pub(super) fn push_front(&mut self, seq: u64, end: u64) {
        if let Some(first) = self.runs.front_mut() {
            if seq >= first.seq {
                return;
            }
            if seq + 1 == first.seq && first.count < u32::MAX {
                let step = first.end - end;
                if let Ok(step) = u32::try_from(step)
                    && (first.count == 1 || step == first.stride)
                {
                    *first = Run { seq, end, stride: step, count: first.count + 1 };
                    return;
                }
            }
        }
        if self.runs.len() < self.max_runs {
            self.runs.push_front(Run { seq, end, stride: 0, count: 1 });
        }
    }

    /// The end of the nearest known entry at or below `seq`. Exact if `seq` is known.
    pub(super) fn floor(&self, seq: u64) -> Option<u64> {
        let above = self.runs.partition_point(|run| run.seq <= seq);
        let run = self.runs.get(above.checked_sub(1)?)?;
        let steps = (seq - run.seq).min(u64::from(run.count) - 1);
        Some(run.end + steps * u64::from(run.stride))
    }
}

impl Run {
    fn last_seq(&self) -> u64 {
        self.seq + u64::from(self.count) - 1
    }

    fn last_end(&self) -> u64 {
        self.end + (u64::from(self.count) - 1) * u64::from(self.stride)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_sizes_share_a_run() {
        let mut table = CursorTable::default();
        for seq in 1..=1000 {
            table.push_back(seq, seq * 64);
        }
        assert_eq!(table.runs.len(), 1);
        assert_eq!(table.floor(1), Some(64));
        assert_eq!(table.floor(777), Some(777 * 64));
        assert_eq!(table.floor(5000), Some(64_000));
        assert_eq!(table.floor(0), None);
    }

    #[test]
    fn entries_are_added_at_both_ends() {
        let mut table = CursorTable::default();
        table.push_back(10, 100);
        table.push_back(11, 107);
        table.push_front(9, 93);
        table.push_front(8, 1);
        table.push_front(5, 0);
        table.push_back(20, 200);
        for (seq, end) in [(5, 0), (7, 0), (8, 1), (9, 93), (10, 100), (11, 107), (19, 107), (20, 200)] {
            assert_eq!(table.floor(seq), Some(end), "seq {seq}");
        }
    }

    #[test]
    fn a_known_entry_is_not_added_twice() {
        let mut table = CursorTable::default();
        table.push_back(3, 30);
        table.push_back(4, 35);
        table.push_back(4, 99);
        table.push_front(3, 99);
        assert_eq!((table.floor(3), table.floor(4)), (Some(30), Some(35)));
    }

    #[test]
    fn a_full_table_forgets_its_lowest_numbers() {
        let mut table = CursorTable::with_max_runs(3);
        for seq in [10, 20, 30, 40] {
            table.push_back(seq, seq);
        }
        table.push_front(5, 5);
        assert_eq!(table.floor(10), None);
        assert_eq!(table.floor(25), Some(20));
        assert_eq!(table.floor(40), Some(40));
    }
}
