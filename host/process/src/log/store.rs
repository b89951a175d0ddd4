//! All logs together: one bound over their bytes, and who gives way when it is reached.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::entry::Spoils;
use super::{OutputLog, Retention, Stream};
use crate::spill::file::SpillFile;
use crate::spill::{Spill, SpillError};

/// The least that a running log gives way by, if that much is needed: so that many logs of the same size do
/// not take turns chunk by chunk.
const TURN: u64 = 64 * 1024;

/// The part of the bound that is freed beyond it when running logs give way, so that looking for the largest
/// log is not done for every chunk.
const SLACK: u64 = 256;

/// The bound over all logs of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreLimits {
    /// The most bytes retained in all.
    pub max_bytes: u64,
}

impl Default for StoreLimits {
    /// 256 MiB.
    fn default() -> Self {
        Self { max_bytes: 256 << 20 }
    }
}

/// Opens logs and keeps their bytes, summed up, within a bound.
///
/// Over the bound, closed logs give way first: all bytes of the one that closed first, then of the next.
/// Then the largest of the running logs widens its gap, so that a quarter of what is left stays its head (all
/// of it tail, if it drops its oldest), until the sum is 1/256 below the bound. What gives way is counted in
/// its log as dropped.
///
/// What a log with [`Overflow::Backpressure`](super::Overflow::Backpressure) must not drop never gives way: over the
/// bound such a log has no room instead, unless it is without such bytes. So the sum goes over the bound by a portion
/// of each such log at the most, and by what is appended to them without waiting for room.
///
/// Logs own the store, not the other way round; a log that is dropped gives its bytes back. When
/// [`OutputLog::append`] returns, the sum is within the bound, unless another thread has appended since.
#[derive(Debug)]
pub struct Store {
    limits: StoreLimits,
    spill: Option<Arc<Spill>>,
    used: AtomicU64,
    /// The part of it that must not give way.
    untaken: AtomicU64,
    /// That part has become less.
    room: Notify,
    /// The registry. Taken before the lock of one log, never after it; not touched below the bound except to
    /// open, close and drop a log.
    seats: Mutex<Seats>,
}

#[derive(Debug, Default)]
struct Seats {
    by_id: HashMap<u64, Seat>,
    next_id: u64,
    next_close: u64,
}

/// A log's place in the store.
#[derive(Debug)]
struct Seat {
    log: Weak<OutputLog>,
    account: Arc<Account>,
    /// When it closed, in the order of closing.
    closed: Option<u64>,
}

/// How many bytes a log retains, and how many of them must not give way, readable without its lock.
#[derive(Debug, Default)]
pub(super) struct Account {
    bytes: AtomicU64,
    untaken: AtomicU64,
}

impl Store {
    /// A store without logs.
    pub fn new(limits: StoreLimits) -> Arc<Self> {
        Self::with_spill(limits, None)
    }

    /// A store without logs, and where its logs may spill to.
    pub fn with_spill(limits: StoreLimits, spill: Option<Arc<Spill>>) -> Arc<Self> {
        Arc::new(Self {
            limits,
            spill,
            used: AtomicU64::new(0),
            untaken: AtomicU64::new(0),
            room: Notify::new(),
            seats: Mutex::default(),
        })
    }

    /// Opens a log for a process with these streams. One without streams closes with the exit.
    ///
    /// The store keeps no handle on it: the log is gone when its last handle is.
    pub fn open(self: &Arc<Self>, retention: Retention, streams: &[Stream]) -> Arc<OutputLog> {
        self.open_with(retention, streams, None)
    }

    /// [`Store::open`] with a file for what leaves memory, as [`Overflow::Spill`](super::Overflow::Spill) has it.
    /// Blocks.
    ///
    /// # Errors
    ///
    /// If there is no such file: the store has no place for them, or it cannot be made.
    pub fn open_spilling(
        self: &Arc<Self>,
        retention: Retention,
        streams: &[Stream],
    ) -> Result<Arc<OutputLog>, SpillError> {
        let file = self.spill_file()?;
        Ok(self.open_with(retention, streams, Some(file)))
    }

    pub(crate) fn spill_file(&self) -> Result<SpillFile, SpillError> {
        match &self.spill {
            Some(spill) => spill.open(),
            None => Err(SpillError {
                directory: PathBuf::new(),
                error: io::Error::new(io::ErrorKind::Unsupported, "no directory is set for it"),
            }),
        }
    }

    pub(crate) fn open_with(
        self: &Arc<Self>,
        retention: Retention,
        streams: &[Stream],
        file: Option<SpillFile>,
    ) -> Arc<OutputLog> {
        let account = Arc::<Account>::default();
        let mut seats = self.lock();
        let id = seats.next_id;
        seats.next_id += 1;
        let log =
            Arc::new(OutputLog::new(Arc::clone(self), id, Arc::clone(&account), retention, streams, file));
        seats.by_id.insert(id, Seat { log: Arc::downgrade(&log), account, closed: None });
        log
    }

    /// The bytes that all logs retain.
    pub fn used_bytes(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Books a log's bytes. The log's lock is held, so that its own bookings do not overtake each other.
    pub(super) fn book(&self, account: &Account, bytes: u64, untaken: u64) {
        change(&self.used, &account.bytes, bytes);
        if change(&self.untaken, &account.untaken, untaken) {
            self.room.notify_waiters();
        }
    }

    /// Whether so many bytes more are within the bound, once everything has given way that may.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.untaken.load(Ordering::Relaxed) + bytes as u64 <= self.limits.max_bytes
    }

    /// Waits until there may be room.
    pub(super) fn room(&self) -> Notified<'_> {
        self.room.notified()
    }

    /// Notes that a log has closed. No log's lock is held.
    pub(super) fn note_closed(&self, id: u64) {
        let mut seats = self.lock();
        let order = seats.next_close;
        seats.next_close += 1;
        if let Some(seat) = seats.by_id.get_mut(&id) {
            seat.closed = Some(order);
        }
    }

    /// Forgets a log that is being dropped, and takes its bytes back.
    pub(super) fn leave(&self, id: u64, account: &Account) {
        self.book(account, 0, 0);
        self.lock().by_id.remove(&id);
    }

    /// Brings the sum within the bound. No log's lock is held.
    pub(super) fn relieve(&self) {
        if self.used_bytes() <= self.limits.max_bytes {
            return;
        }
        // Declared before the guard, so that it goes after it: the last handle on a log takes the registry's
        // lock, and freeing takes time.
        let mut gave_way: Vec<(Arc<OutputLog>, Spoils)> = Vec::new();
        {
            let mut seats = self.lock();
            while self.used_bytes() > self.limits.max_bytes {
                let Some(id) = seats.first_closed() else { break };
                if let Some(log) = self.upgrade(&mut seats, id) {
                    let spoils = log.give_up();
                    gave_way.push((log, spoils));
                }
            }
            if self.used_bytes() > self.limits.max_bytes {
                // What can go to disk does, and makes room before long.
                for id in seats.untaken() {
                    if let Some(log) = self.upgrade(&mut seats, id)
                        && log.press()
                    {
                        gave_way.push((log, Spoils::default()));
                    }
                }
                let target = self.limits.max_bytes - self.limits.max_bytes / SLACK;
                while let Some(excess) = self.used_bytes().checked_sub(target).filter(|excess| *excess > 0) {
                    let Some((id, lead)) = seats.largest() else { break };
                    if let Some(log) = self.upgrade(&mut seats, id) {
                        log.give_way(excess.min(lead.max(TURN)));
                        gave_way.push((log, Spoils::default()));
                    }
                }
            }
        }
        for (log, _) in &gave_way {
            log.announce_loss();
        }
    }

    /// A handle on a log. One that is just being dropped has its bytes taken back here and now.
    fn upgrade(&self, seats: &mut Seats, id: u64) -> Option<Arc<OutputLog>> {
        let seat = seats.by_id.get(&id)?;
        let log = seat.log.upgrade();
        if log.is_none() {
            self.book(&seat.account, 0, 0);
            seats.by_id.remove(&id);
        }
        log
    }

    fn lock(&self) -> MutexGuard<'_, Seats> {
        // Poisoned only by a panic between plain assignments: the table is still good.
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seats {
    /// The closed log that closed first and still has bytes that may give way.
    fn first_closed(&self) -> Option<u64> {
        let closed = self.by_id.iter().filter(|(_, seat)| seat.account.droppable() > 0);
        closed.filter_map(|(id, seat)| Some((seat.closed?, *id))).min().map(|(_, id)| id)
    }

    /// The logs that have bytes which must not give way.
    fn untaken(&self) -> Vec<u64> {
        let untaken = |seat: &Seat| seat.account.untaken.load(Ordering::Relaxed) > 0;
        self.by_id.iter().filter(|(_, seat)| untaken(seat)).map(|(id, _)| *id).collect()
    }

    /// The log with the most bytes that may give way, and by how many it leads.
    fn largest(&self) -> Option<(u64, u64)> {
        let (mut largest, mut second) = ((0, u64::MAX), 0);
        for (id, seat) in &self.by_id {
            let bytes = seat.account.droppable();
            // Of two equals the older one.
            if (bytes, Reverse(*id)) > (largest.0, Reverse(largest.1)) {
                second = largest.0;
                largest = (bytes, *id);
            } else {
                second = second.max(bytes);
            }
        }
        (largest.0 > 0).then_some((largest.1, largest.0 - second))
    }
}

impl Account {
    fn droppable(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed).saturating_sub(self.untaken.load(Ordering::Relaxed))
    }
}

/// Replaces one log's part of a sum. True if the sum is less than before.
fn change(sum: &AtomicU64, part: &AtomicU64, now: u64) -> bool {
    // Counters that guard nothing: each change is atomic in itself, so relaxed is enough.
    let before = part.swap(now, Ordering::Relaxed);
    if now >= before {
        sum.fetch_add(now - before, Ordering::Relaxed);
    } else {
        sum.fetch_sub(before - now, Ordering::Relaxed);
    }
    now < before
}
