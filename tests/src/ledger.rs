//! Keeps the account of one reader: what it was given, what it was told is missing, and whether both are true.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::json::Json;
use crate::mailbox::Received;
use crate::pattern::{locate, pattern};

/// The account of one reader of a process that prints nothing but the numbered pattern, on each stream its own.
///
/// Since every byte tells where it belongs, the ledger sees a gap that nobody mentioned, one in the wrong place, a
/// repetition, and a wrong count. All methods panic when they see one.
#[derive(Debug, Default)]
pub struct Ledger {
    delivered: u64,
    dropped: u64,
    last_seq: i64,
    lanes: BTreeMap<String, Lane>,
}

/// One stream as seen by one reader.
#[derive(Debug, Default)]
struct Lane {
    /// Where in the stream the next byte stands, if nothing is missing.
    position: u64,
    /// Something may be missing before the next chunk.
    gap: bool,
    /// Bytes after a gap, too few as yet to tell where they belong.
    pending: Vec<u8>,
    /// Bytes between two gaps that were too few for ever.
    unplaced: u64,
    /// Bytes that are missing by the evidence of those which are there.
    missing: u64,
}

impl Ledger {
    /// Books the notifications of a process.
    #[track_caller]
    pub fn book_events(&mut self, events: &[Received]) {
        for event in events {
            let params = event.value.at("params");
            self.book_gap(params);
            let seq = params.int("seq");
            assert_eq!(seq, self.last_seq + 1, "pushes leave out nothing without saying so: {params}");
            if event.value["method"] == "process/output" {
                self.book_chunk(params);
            }
            self.last_seq = seq;
        }
    }

    /// Books the result of a `process/read`.
    #[track_caller]
    pub fn book_read(&mut self, read: &Value) {
        self.book_gap(read);
        for chunk in read.list("chunks") {
            let seq = chunk.int("seq");
            assert!(seq > self.last_seq, "seq {seq} after {}: {read}", self.last_seq);
            self.book_chunk(chunk);
            self.last_seq = seq;
        }
    }

    /// Balances the account at the end; `totals` is what each stream was given by the child.
    #[track_caller]
    pub fn balance(&self, totals: &[(&str, u64)]) {
        let total: u64 = totals.iter().map(|(_, total)| total).sum();
        assert_eq!(self.delivered + self.dropped, total, "delivered and dropped make the total: {self:?}");
        let mut missing = 0;
        for (stream, total) in totals {
            let none = Lane::default();
            let lane = self.lanes.get(*stream).unwrap_or(&none);
            let seen = lane.position + lane.unplaced + lane.pending.len() as u64;
            assert!(seen <= *total, "more of {stream} than there is: {self:?}");
            missing += lane.missing + (total - seen);
        }
        assert_eq!(missing, self.dropped, "the bytes that are missing are those that were counted: {self:?}");
    }

    /// Bytes that were told to be missing.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    #[track_caller]
    fn book_gap(&mut self, holder: &Value) {
        if !holder.has("dropped") {
            return;
        }
        let (from, to) = (holder.int("dropped.fromSeq"), holder.int("dropped.toSeq"));
        let bytes = u64::try_from(holder.int("dropped.bytes")).expect("a count");
        assert!(from > self.last_seq && to >= from, "a gap {from}..={to} after {}: {holder}", self.last_seq);
        assert!(bytes > 0, "a gap of nothing: {holder}");
        self.dropped += bytes;
        self.last_seq = to;
        for stream in ["stdout", "stderr"] {
            let lane = self.lanes.entry(stream.to_owned()).or_default();
            lane.gap = true;
            lane.unplaced += lane.pending.len() as u64;
            lane.pending.clear();
        }
    }

    #[track_caller]
    fn book_chunk(&mut self, chunk: &Value) {
        let bytes = chunk.bytes("chunk");
        assert!(!bytes.is_empty(), "a chunk of nothing: {chunk}");
        self.delivered += bytes.len() as u64;
        self.lanes.entry(chunk.text("stream").to_owned()).or_default().place(&bytes);
    }
}

impl Lane {
    #[track_caller]
    fn place(&mut self, bytes: &[u8]) {
        if !self.gap {
            let right = pattern(self.position, bytes.len()) == bytes;
            assert!(right, "{} bytes at {} are not what stands there", bytes.len(), self.position);
            self.position += bytes.len() as u64;
            return;
        }
        self.pending.extend_from_slice(bytes);
        let Some(start) = locate(&self.pending) else {
            assert!(self.pending.len() < 32, "{} bytes that are no piece of the stream", self.pending.len());
            return;
        };
        let missing = start.checked_sub(self.position + self.unplaced);
        self.missing +=
            missing.unwrap_or_else(|| panic!("bytes at {start} after those at {}", self.position));
        self.position = start + self.pending.len() as u64;
        self.pending.clear();
        self.unplaced = 0;
        self.gap = false;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::json::base64;

    fn chunk(seq: i64, offset: u64, length: usize) -> Value {
        json!({ "seq": seq, "stream": "stdout", "chunk": base64(pattern(offset, length)) })
    }

    #[test]
    fn a_counted_gap_balances() {
        let mut ledger = Ledger::default();
        ledger.book_read(&json!({ "chunks": [chunk(1, 0, 100)] }));
        let dropped = json!({ "fromSeq": 2, "toSeq": 3, "bytes": 50 });
        ledger.book_read(&json!({ "dropped": dropped, "chunks": [chunk(4, 150, 10), chunk(5, 160, 40)] }));
        ledger.balance(&[("stdout", 200), ("stderr", 0)]);
    }

    #[test]
    #[should_panic(expected = "are not what stands there")]
    fn an_unmentioned_gap_is_seen() {
        let mut ledger = Ledger::default();
        ledger.book_read(&json!({ "chunks": [chunk(1, 0, 100), chunk(2, 101, 20)] }));
    }

    #[test]
    #[should_panic(expected = "make the total")]
    fn a_wrong_count_is_seen() {
        let mut ledger = Ledger::default();
        let dropped = json!({ "fromSeq": 1, "toSeq": 3, "bytes": 49 });
        ledger.book_read(&json!({ "dropped": dropped, "chunks": [chunk(4, 50, 50)] }));
        ledger.balance(&[("stdout", 100)]);
    }
}
