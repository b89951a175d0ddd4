//! Who waits for the input of a process, on the way into its log: behind what was printed before.

use super::pump::{Mark, Pump};
use crate::input::{WaitingForInput, Watched};

/// What is seen, and what of it is not told yet.
pub(super) struct InputState {
    /// None if nobody looks.
    watched: Option<Watched>,
    /// Who waits, until what was printed before is in the log.
    due: Option<(WaitingForInput, Mark)>,
}

impl InputState {
    pub(super) fn new(watched: Option<Watched>) -> Self {
        Self { watched, due: None }
    }

    /// Something is about to be given.
    pub(super) fn give(&self) {
        self.watched.iter().for_each(Watched::give);
    }

    /// A process may be elsewhere by now, or gone.
    pub(super) fn stir(&self) {
        self.watched.iter().for_each(Watched::stir);
    }

    /// A process of the tree has ended.
    pub(super) fn leave(&mut self, pid: i32, pump: &Pump) {
        self.stir();
        self.due = self.due.filter(|(waiting, _)| waiting.pid != pid);
        if pump.log().waiting_for_input().is_some_and(|waiting| waiting.pid == pid) {
            pump.log().set_waiting_for_input(None);
        }
    }

    /// No more can be given.
    pub(super) fn close(&self) {
        self.watched.iter().for_each(Watched::end);
    }

    /// Waits until another one is seen waiting, or nobody. Cancel-safe.
    pub(super) async fn seen(&mut self) -> Option<WaitingForInput> {
        if let Some(watched) = &mut self.watched
            && let Some(seen) = watched.changed().await
        {
            return seen;
        }
        self.watched = None;
        std::future::pending().await
    }

    /// Notes what was seen.
    pub(super) fn note(&mut self, seen: Option<WaitingForInput>, pump: &Pump) {
        self.due = seen.map(|waiting| (waiting, pump.mark()));
        // Whoever is told of now waits no more, or waits anew.
        pump.log().set_waiting_for_input(None);
        self.advance(pump);
    }

    /// Tells who waits once what was printed before is told.
    pub(super) fn advance(&mut self, pump: &Pump) {
        if let Some((waiting, mark)) = self.due
            && pump.has_passed(mark)
        {
            self.due = None;
            pump.log().set_waiting_for_input(Some(waiting));
        }
    }

    /// The tree is gone.
    pub(super) fn end(&mut self, pump: &Pump) {
        (self.watched, self.due) = (None, None);
        pump.log().set_waiting_for_input(None);
    }
}
