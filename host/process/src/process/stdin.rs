//! A command's standard input: the pipe or the terminal, and a queue of what it has not taken yet.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::streams::StdinEnd;

/// Writes that may wait, whatever their size.
const MAX_WRITES: usize = 1024;
/// Write ids that are remembered.
const REMEMBERED_IDS: usize = 4096;

/// What became of a write or a close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteStatus {
    /// The pipe has taken it; or it was taken before, under the same id.
    Accepted,
    /// There is no standard input any more: it was closed, nobody reads it, or it was never kept open.
    StdinClosed,
}

/// More waits for the command to read it than may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{queued_bytes} bytes in {queued_writes} writes wait for standard input to be read")]
pub struct StdinQueueFull {
    /// Bytes that wait.
    pub queued_bytes: usize,
    /// Writes that wait.
    pub queued_writes: usize,
    /// Bytes that may wait.
    pub limit: usize,
}

/// How much waits: shared by those who write and the one who feeds the pipe.
#[derive(Debug, Default)]
pub(super) struct Load {
    bytes: AtomicUsize,
    writes: AtomicUsize,
}

impl Load {
    /// Takes a place for a write of so many bytes. One always fits, so that none is impossible.
    pub(super) fn take(&self, bytes: usize, limit: usize) -> Result<(), StdinQueueFull> {
        let StdinQueueFull { queued_bytes, queued_writes, .. } = self.full(limit);
        if queued_writes >= MAX_WRITES || queued_bytes > 0 && queued_bytes + bytes > limit {
            return Err(self.full(limit));
        }
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.writes.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn full(&self, limit: usize) -> StdinQueueFull {
        let queued_bytes = self.bytes.load(Ordering::Relaxed);
        StdinQueueFull { queued_bytes, queued_writes: self.writes.load(Ordering::Relaxed), limit }
    }

    pub(super) fn give_back(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.writes.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A write that waits for its turn. Its place is taken in [`Load`] already.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) bytes: Bytes,
    pub(super) id: Option<String>,
    pub(super) reply: oneshot::Sender<WriteStatus>,
}

/// The way to the command and what waits for it, in order.
pub(super) struct Stdin {
    /// None once it is closed.
    end: Option<StdinEnd>,
    queue: VecDeque<Item>,
    /// Bytes of the first write that the pipe has taken; none while its turn has not come.
    begun: Option<usize>,
    load: Arc<Load>,
    ids: RecentIds,
}

enum Item {
    Write(Write),
    Close(oneshot::Sender<WriteStatus>),
}

/// What an attempt to write came to.
enum Turn {
    Done(WriteStatus),
    Full,
}

impl Stdin {
    pub(super) fn new(end: StdinEnd, load: Arc<Load>) -> Self {
        Self { end: Some(end), queue: VecDeque::new(), begun: None, load, ids: RecentIds::default() }
    }

    /// Queues a write, and writes at once what the pipe takes: what is asked for next finds it done.
    pub(super) fn write(&mut self, write: Write) {
        self.queue.push_back(Item::Write(write));
        self.feed_with(StdinEnd::write);
    }

    /// Queues the close.
    pub(super) fn close(&mut self, reply: oneshot::Sender<WriteStatus>) {
        self.queue.push_back(Item::Close(reply));
        self.feed_with(StdinEnd::write);
    }

    /// Closes it at once; what waits comes to nothing.
    pub(super) fn end(&mut self) {
        self.end = None;
        self.feed();
    }

    /// Whether more can be given.
    pub(super) fn is_open(&self) -> bool {
        self.end.is_some()
    }

    /// Waits until the pipe takes more of what waits; for ever if nothing does. Cancel-safe.
    pub(super) async fn writable(&self) {
        match &self.end {
            Some(end) if !self.queue.is_empty() => end.ready().await,
            _ => std::future::pending().await,
        }
    }

    /// Writes what the pipe takes, after it was said to be writable.
    pub(super) fn feed(&mut self) {
        self.feed_with(StdinEnd::try_write);
    }

    fn feed_with(&mut self, write: impl Fn(&StdinEnd, &[u8]) -> io::Result<usize>) {
        while let Some(item) = self.queue.front() {
            let turn = match item {
                Item::Close(_) => match self.end.as_ref().map(StdinEnd::end_of_file) {
                    // Its reader may read on behind it, as it does for a person at a keyboard: nothing is closed.
                    Some(Some(end_of_file)) => {
                        let begun = self.begun.get_or_insert(0);
                        write_on(&mut self.end, &[end_of_file], begun, &write)
                    }
                    Some(None) => {
                        self.end = None;
                        Turn::Done(WriteStatus::Accepted)
                    }
                    None => Turn::Done(WriteStatus::StdinClosed),
                },
                // Whoever cancelled before its turn has written nothing.
                Item::Write(item) if self.begun.is_none() && item.reply.is_closed() => {
                    Turn::Done(WriteStatus::Accepted)
                }
                Item::Write(item) if self.begun.is_none() && self.ids.seen(item.id.as_deref()) => {
                    Turn::Done(WriteStatus::Accepted)
                }
                Item::Write(item) => {
                    let begun = self.begun.get_or_insert(0);
                    write_on(&mut self.end, &item.bytes, begun, &write)
                }
            };
            let Turn::Done(status) = turn else { return };
            if let Item::Write(Write { id: Some(id), .. }) = item
                && status == WriteStatus::StdinClosed
            {
                self.ids.forget(id);
            }
            self.begun = None;
            match self.queue.pop_front() {
                Some(Item::Write(item)) => {
                    self.load.give_back(item.bytes.len());
                    let _ = item.reply.send(status);
                }
                Some(Item::Close(reply)) => {
                    let _ = reply.send(status);
                }
                None => {}
            }
        }
    }
}

/// Goes on with a write of which `begun` bytes are written.
fn write_on(
    end: &mut Option<StdinEnd>,
    bytes: &[u8],
    begun: &mut usize,
    write: impl Fn(&StdinEnd, &[u8]) -> io::Result<usize>,
) -> Turn {
    loop {
        let Some(open) = end else { return Turn::Done(WriteStatus::StdinClosed) };
        let rest = &bytes[*begun..];
        if rest.is_empty() {
            return Turn::Done(WriteStatus::Accepted);
        }
        match write(open, rest) {
            Ok(count) => *begun += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Turn::Full,
            // Nobody reads any more.
            Err(_) => *end = None,
        }
    }
}

/// The ids of the last writes.
#[derive(Default)]
struct RecentIds {
    order: VecDeque<String>,
    known: HashSet<String>,
}

impl RecentIds {
    /// A write that failed may be tried again.
    fn forget(&mut self, id: &str) {
        if self.known.remove(id) {
            self.order.retain(|known| known != id);
        }
    }

    /// Whether the id is known already. It is from now on.
    fn seen(&mut self, id: Option<&str>) -> bool {
        let Some(id) = id else { return false };
        if !self.known.insert(id.to_owned()) {
            return true;
        }
        self.order.push_back(id.to_owned());
        if self.order.len() > REMEMBERED_IDS
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_write_id_is_forgotten_first() {
        let mut ids = RecentIds::default();
        for id in 0..=REMEMBERED_IDS {
            assert!(!ids.seen(Some(&id.to_string())));
        }
        assert!(ids.seen(Some(&REMEMBERED_IDS.to_string())));
        assert!(!ids.seen(Some("0")));
        assert!(!ids.seen(None));
    }
}
