//! What of the entries is on disk, or is to go there.

use super::{Position, Retained};
use crate::log::entry::{Entry, Gap};
use crate::log::region::Region;
use crate::spill::file::Record;

impl Retained {
    pub(in crate::log) fn region(&self) -> Option<&Region> {
        self.region.as_ref()
    }

    /// From now on, what leaves memory goes to disk.
    pub(in crate::log) fn open_region(&mut self, region: Region) {
        self.region = Some(region);
        self.taken = Some(Position { seq: 0, offset: 0 });
    }

    /// Wants everything on disk, if anything is to go there at all. True if there is something to do.
    pub(in crate::log) fn press(&mut self) -> bool {
        self.pressed = !self.tail.is_empty() && self.region.as_ref().is_some_and(|region| region.open);
        self.pressed
    }

    /// Whether something is to go to disk.
    pub(in crate::log) fn wants_disk(&self) -> bool {
        let full = self.tail_bytes > self.bounds.max_bytes / 4 || self.count() > self.bounds.max_chunks / 4;
        let open = self.region.as_ref().is_some_and(|region| region.open);
        open && !self.tail.is_empty() && (self.pressed || full)
    }

    /// The next chunks that are to go to disk, in memory for now.
    pub(in crate::log) fn next_for_disk(&self, max_bytes: u64) -> Vec<Record> {
        let mut bytes = 0;
        let fits = |entry: &&Entry| {
            bytes += entry.bytes.len() as u64;
            bytes <= max_bytes
        };
        self.tail.iter().take_while(fits).map(Entry::record).collect()
    }

    /// Lets go of what is on disk now.
    pub(in crate::log) fn note_on_disk(&mut self, records: &[Record], places: &[u64]) {
        let Some(region) = &mut self.region else { return };
        region.note(records, places);
        for _ in records {
            let Some(entry) = self.tail.pop_front() else { break };
            self.tail_bytes -= entry.bytes.len() as u64;
            if entry.delivered {
                self.cursors.push_back(entry.seq, entry.end);
            }
        }
        self.taken = Some(Position { seq: region.to_seq, offset: region.end });
        self.pressed &= !self.tail.is_empty();
    }

    /// Nothing more goes to disk: what no longer fits is dropped.
    pub(in crate::log) fn close_region(&mut self) {
        if let Some(region) = &mut self.region {
            region.open = false;
            self.head_open = false;
        }
        (self.taken, self.pressed) = (None, false);
        self.make_room(0, 0);
    }

    /// What is on disk cannot be read any more.
    pub(in crate::log) fn lose_region(&mut self) {
        self.close_region();
        let Some(region) = self.region.take().filter(|region| region.to_seq > 0) else { return };
        let gap = self.gap.get_or_insert(Gap {
            from: 1,
            to: region.to_seq,
            start: 0,
            end: region.end,
            by_stream: [0; 3],
        });
        // The first number is a chunk's, unless the exit had it.
        gap.from = if self.exit.as_ref().is_some_and(|exit| exit.seq == 1) { 2 } else { 1 };
        gap.start = 0;
        for (all, lost) in gap.by_stream.iter_mut().zip(region.by_stream) {
            *all += lost;
        }
    }
}
