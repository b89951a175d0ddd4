//! The one who follows a log, and how the producer waits for it.

use std::collections::VecDeque;
use std::task::Waker;

use tokio::time::Instant;

use super::OutputLog;
use crate::log::Event;
use crate::log::state::Follower;

impl OutputLog {
    /// The most bytes to append at once for [`OutputLog::room_for_follower`] to keep its promise, at least 1.
    pub fn portion(&self) -> usize {
        self.portion
    }

    /// Waits, but not for long, until `bytes` more can be appended without dropping what the follower has not
    /// taken.
    ///
    /// Returns at once if there is no follower, if it has taken what would be dropped, or if it is lagging.
    /// A follower that is in the way and takes nothing for the log's `hold` becomes lagging, and is not
    /// waited for again until it has caught up with the log's end. So a client that keeps reading loses
    /// nothing, and one that has stopped delays the producer once. Only the log's own bound is looked at,
    /// never the store's.
    ///
    /// With [`Overflow::Backpressure`](crate::Overflow::Backpressure) it waits for as long as it takes until enough was acknowledged, with
    /// [`Overflow::Spill`](crate::Overflow::Spill) until enough is on disk, whoever follows; over the store's bound, until all of this log's
    /// bytes were, or there is room again.
    ///
    /// Ask for no more than [`OutputLog::portion`] and append no more than was asked for: what does not fit
    /// beside the head is dropped in any case. Cancel-safe: the time for which the follower has already been
    /// waited for is not forgotten. Needs a tokio runtime with time when it has to wait.
    pub async fn room_for_follower(&self, bytes: usize) {
        loop {
            let progress = self.progress.notified();
            tokio::pin!(progress);
            // Registered before the look at the state: what happens after the look wakes it.
            progress.as_mut().enable();
            if self.keeps_everything() {
                let room = self.store.room();
                tokio::pin!(room);
                room.as_mut().enable();
                if self.has_room_for_follower(bytes) {
                    return;
                }
                if self.press() {
                    self.disk.notify_one();
                }
                tokio::select! {
                    () = progress => {}
                    () = room => {}
                }
                continue;
            }
            let deadline = {
                let mut state = self.lock();
                if state.has_room(bytes) {
                    return;
                }
                let Some(follower) = &mut state.follower else { return };
                let now = Instant::now();
                let deadline = follower.in_the_way_since.get_or_insert(now).checked_add(self.hold);
                if deadline.is_some_and(|deadline| deadline <= now) {
                    follower.lagging = true;
                    return;
                }
                deadline
            };
            match deadline {
                None => progress.await,
                Some(deadline) => {
                    // In time or not, the state says what to do.
                    let _in_time = tokio::time::timeout_at(deadline, progress).await;
                }
            }
        }
    }

    /// Whether [`OutputLog::room_for_follower`] would return at once because nothing is in the way.
    pub fn has_room_for_follower(&self, bytes: usize) -> bool {
        if self.keeps_everything() {
            let store_is_full = !self.store.has_room(bytes);
            return self.lock().has_room_for_all(bytes, store_is_full);
        }
        self.lock().has_room(bytes)
    }

    /// Makes the caller the follower, from the first entry on. Replaces one that was there.
    ///
    /// The waker is called, from whichever thread brings the news and outside every lock, when there is
    /// something to take: once, and again only after [`OutputLog::next_events`] has returned false. If there
    /// already is something, it is called before this returns. A waker that owns a handle on this log keeps
    /// the log alive until [`OutputLog::unfollow`].
    pub fn follow(&self, waker: Waker) {
        self.follow_from(0, waker);
    }

    /// [`OutputLog::follow`], but only what comes after `after_seq`: to go on where one before stopped.
    pub fn follow_from(&self, after_seq: u64, waker: Waker) {
        let (before, waker) = {
            let mut state = self.lock();
            let position = state.retained.position_after(after_seq);
            let follower = Follower {
                position,
                waker,
                told: false,
                lagging: false,
                in_the_way_since: None,
                ahead: VecDeque::new(),
                wants_disk: false,
            };
            state.input.begin();
            (state.follower.replace(follower), state.waker_for_news())
        };
        // A waker is foreign code even when it goes.
        drop(before);
        self.progress.notify_waiters();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Lets the follower go, if there is one: nobody waits for it any more.
    pub fn unfollow(&self) {
        let before = self.lock().follower.take();
        drop(before);
        self.progress.notify_waiters();
    }

    /// Takes the follower's next events and appends them to `out`: at least one if there is any, then more
    /// while the chunks among them fit `max_bytes`. True if more is waiting: come again, the waker is not
    /// called for it.
    ///
    /// In the order of the sequence numbers, each once. What is on disk comes once a [turn](OutputLog::disk_turn) has
    /// read it: until then there is nothing, and the waker is called. What was dropped before the follower came is told
    /// with the event after it.
    pub fn next_events(&self, max_bytes: u64, out: &mut Vec<Event>) -> bool {
        let more = {
            let mut guard = self.lock();
            let state = &mut *guard;
            let Some(follower) = &mut state.follower else { return false };
            let before = follower.position;
            let Follower { position, ahead, .. } = follower;
            follower.wants_disk = state.retained.take_events(position, ahead, max_bytes, out);
            if follower.wants_disk {
                self.disk.notify_one();
            }
            let more = !follower.wants_disk && state.retained.event_after(follower.position);
            if !more {
                follower.told = false;
                follower.lagging = false;
            }
            if follower.position == before {
                return false;
            }
            follower.in_the_way_since = None;
            more
        };
        self.progress.notify_waiters();
        more
    }
}
