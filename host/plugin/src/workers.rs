//! Warm instances of a policy.

use std::sync::{Mutex, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::guest::Guest;

/// Instances that wait for the next call.
const IDLE_MAX: usize = 2;
/// Calls of one plugin at once; others wait for their turn.
const AT_ONCE: usize = 8;

/// Instances between calls. One that is taken comes back only after a call that was answered: whoever fails, or is
/// dropped in the middle, drops it.
pub(crate) struct Workers {
    turns: Semaphore,
    // Held for a push or a pop.
    idle: Mutex<Vec<Guest>>,
}

impl Workers {
    pub(crate) fn new() -> Self {
        Self { turns: Semaphore::new(AT_ONCE), idle: Mutex::new(Vec::new()) }
    }

    /// Waits until there is room for one more call. `None` never happens: nobody closes the semaphore.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.acquire().await.ok()
    }

    pub(crate) fn take(&self) -> Option<Guest> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    pub(crate) fn put_back(&self, guest: Guest) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if guest.is_alive() && idle.len() < IDLE_MAX {
            idle.push(guest);
        }
    }
}
