//! Who waits for input, as the follower is told of it: the latest state alone, behind what was printed before.

use super::OutputLog;
use crate::input::WaitingForInput;

/// What a follower is told of who waits for input, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InputNews {
    /// The one who was told of last waits no more.
    pub taken: bool,
    /// This one waits.
    pub waiting: Option<WaitingForInput>,
}

/// The state that the lock of a log guards.
#[derive(Debug, Default)]
pub(super) struct Input {
    waiting: Option<WaitingForInput>,
    /// The last entry before it became so.
    after_seq: u64,
    /// What the follower knows.
    told: Option<WaitingForInput>,
}

impl Input {
    /// Whether a follower that has taken everything up to `seq` is to be told something.
    pub(super) fn has_news_at(&self, seq: u64) -> bool {
        self.waiting != self.told && seq >= self.after_seq
    }

    /// A new follower knows nothing.
    pub(super) fn begin(&mut self) {
        self.told = None;
    }

    /// Nobody waits any more, and nobody will.
    pub(super) fn end(&mut self) {
        (self.waiting, self.after_seq) = (None, 0);
    }

    fn take_news_at(&mut self, seq: u64) -> InputNews {
        if !self.has_news_at(seq) {
            return InputNews::default();
        }
        let before = std::mem::replace(&mut self.told, self.waiting);
        InputNews { taken: before.is_some(), waiting: self.waiting }
    }
}

impl OutputLog {
    /// Notes who waits for input, behind what has been appended so far. Once the log is closed nobody does.
    pub fn set_waiting_for_input(&self, waiting: Option<WaitingForInput>) {
        let waker = {
            let mut state = self.lock();
            if state.retained.closed() || state.input.waiting == waiting {
                return;
            }
            let after_seq = state.retained.next_seq() - 1;
            let input = &mut state.input;
            (input.waiting, input.after_seq) = (waiting, after_seq);
            state.waker_for_news()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Who waits for input.
    pub fn waiting_for_input(&self) -> Option<WaitingForInput> {
        self.lock().input.waiting
    }

    /// What the follower has to be told of who waits for input, once it has taken what was printed before: to be asked
    /// after [`OutputLog::next_events`]. The latest state alone: who came and went meanwhile is not told of. Belongs
    /// before the close.
    pub fn input_news(&self) -> InputNews {
        let mut state = self.lock();
        let Some(position) = state.follower.as_ref().map(|follower| follower.position.seq) else {
            return InputNews::default();
        };
        state.input.take_news_at(position)
    }
}
