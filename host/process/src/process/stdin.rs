//! A command's standard input: a queue, and the task that feeds the pipe from it.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::net::unix::pipe;
use tokio::sync::{mpsc, oneshot};

use super::Task;

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

/// The writer's end of the queue. Dropping it closes the pipe.
#[derive(Debug)]
pub(super) struct StdinQueue {
    items: mpsc::Sender<Item>,
    queued: Arc<AtomicUsize>,
    limit: usize,
    _feeder: Task,
}

#[derive(Debug)]
enum Item {
    Write { bytes: Bytes, id: Option<String>, reply: oneshot::Sender<WriteStatus> },
    Close { reply: oneshot::Sender<WriteStatus> },
}

impl StdinQueue {
    pub(super) fn new(pipe: pipe::Sender, limit: usize) -> Self {
        let (items, queue) = mpsc::channel(MAX_WRITES);
        let queued = Arc::new(AtomicUsize::new(0));
        let feeder = Feeder { pipe: Some(pipe), queued: Arc::clone(&queued), ids: RecentIds::default() };
        Self { items, queued, limit, _feeder: Task::spawn(feeder.run(queue)) }
    }

    pub(super) fn write(
        &self,
        bytes: Bytes,
        id: Option<String>,
    ) -> Result<oneshot::Receiver<WriteStatus>, StdinQueueFull> {
        // One write always fits, so that none is impossible.
        let queued = self.queued.load(Ordering::Relaxed);
        if queued > 0 && queued + bytes.len() > self.limit {
            return Err(self.full());
        }
        self.queued.fetch_add(bytes.len(), Ordering::Relaxed);
        let (reply, answer) = oneshot::channel();
        let size = bytes.len();
        self.push(Item::Write { bytes, id, reply }).inspect_err(|_| {
            self.queued.fetch_sub(size, Ordering::Relaxed);
        })?;
        Ok(answer)
    }

    pub(super) fn close(&self) -> Result<oneshot::Receiver<WriteStatus>, StdinQueueFull> {
        let (reply, answer) = oneshot::channel();
        self.push(Item::Close { reply })?;
        Ok(answer)
    }

    fn push(&self, item: Item) -> Result<(), StdinQueueFull> {
        self.items.try_send(item).map_err(|_| self.full())
    }

    fn full(&self) -> StdinQueueFull {
        StdinQueueFull {
            queued_bytes: self.queued.load(Ordering::Relaxed),
            queued_writes: MAX_WRITES - self.items.capacity(),
            limit: self.limit,
        }
    }
}

/// Feeds the pipe, in the order of the queue.
struct Feeder {
    /// None once it is closed.
    pipe: Option<pipe::Sender>,
    queued: Arc<AtomicUsize>,
    ids: RecentIds,
}

impl Feeder {
    async fn run(mut self, mut queue: mpsc::Receiver<Item>) {
        while let Some(item) = queue.recv().await {
            match item {
                Item::Write { bytes, id, reply } => {
                    let size = bytes.len();
                    // Whoever cancelled before its turn has written nothing.
                    if !reply.is_closed() {
                        let status = self.write(&bytes, id).await;
                        let _ = reply.send(status);
                    }
                    self.queued.fetch_sub(size, Ordering::Relaxed);
                }
                Item::Close { reply } => {
                    let status = match self.pipe.take() {
                        Some(_) => WriteStatus::Accepted,
                        None => WriteStatus::StdinClosed,
                    };
                    let _ = reply.send(status);
                }
            }
        }
    }

    async fn write(&mut self, bytes: &[u8], id: Option<String>) -> WriteStatus {
        if self.ids.seen(id) {
            return WriteStatus::Accepted;
        }
        let Some(pipe) = &self.pipe else { return WriteStatus::StdinClosed };
        match write_all(pipe, bytes).await {
            Ok(()) => WriteStatus::Accepted,
            Err(_) => {
                self.pipe = None;
                WriteStatus::StdinClosed
            }
        }
    }
}

async fn write_all(pipe: &pipe::Sender, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        pipe.writable().await?;
        match pipe.try_write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The ids of the last writes.
#[derive(Default)]
struct RecentIds {
    order: VecDeque<String>,
    known: HashSet<String>,
}

impl RecentIds {
    /// Whether the id is known already. It is from now on.
    fn seen(&mut self, id: Option<String>) -> bool {
        let Some(id) = id else { return false };
        if !self.known.insert(id.clone()) {
            return true;
        }
        self.order.push_back(id);
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
            assert!(!ids.seen(Some(id.to_string())));
        }
        assert!(ids.seen(Some(REMEMBERED_IDS.to_string())));
        assert!(!ids.seen(Some("0".to_owned())));
        assert!(!ids.seen(None));
    }
}
