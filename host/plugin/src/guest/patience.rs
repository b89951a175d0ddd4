//! How long the host waits for a guest that waits for the host.

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

/// The guest waited too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WaitedTooLong;

/// Awaits a call, in which the guest may wait for the host (a clock, a file) so long in all.
///
/// `yielded` says that the guest gave way because of a tick. Until it has its next turn the time is not its own: on a busy
/// machine a blameless guest would be too late. What it runs is bounded by its ticks.
pub(crate) async fn bound<T>(
    limit: Duration,
    yielded: &AtomicBool,
    call: impl Future<Output = T>,
) -> Result<T, WaitedTooLong> {
    let mut call = pin!(call);
    let mut left = limit;
    let mut wait: Option<(Instant, Pin<Box<Sleep>>)> = None;
    std::future::poll_fn(move |context| {
        // Set by the guest's task itself, while it is polled.
        yielded.store(false, Ordering::Relaxed);
        if let Poll::Ready(answer) = call.as_mut().poll(context) {
            return Poll::Ready(Ok(answer));
        }
        if yielded.load(Ordering::Relaxed) {
            if let Some((since, _)) = wait.take() {
                left = left.saturating_sub(since.elapsed());
            }
            return Poll::Pending;
        }
        let (_, end) = wait.get_or_insert_with(|| (Instant::now(), Box::pin(sleep(left))));
        end.as_mut().poll(context).map(|()| Err(WaitedTooLong))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_millis(100);

    #[tokio::test(start_paused = true)]
    async fn waits_add_up_and_turns_of_others_do_not_count() {
        let yielded = AtomicBool::new(false);
        let others_have_their_turn = async |time| {
            let mut turn = pin!(sleep(time));
            std::future::poll_fn(|context| {
                let poll = turn.as_mut().poll(context);
                yielded.store(poll.is_pending(), Ordering::Relaxed);
                poll
            })
            .await;
        };
        let call = async |waits: Duration, times| {
            for _ in 0..times {
                sleep(waits).await;
                others_have_their_turn(Duration::from_secs(60)).await;
            }
            "answer"
        };
        let wait = Duration::from_millis(40);
        assert_eq!(bound(LIMIT, &yielded, call(wait, 2)).await, Ok("answer"));
        assert_eq!(bound(LIMIT, &yielded, call(wait, 3)).await, Err(WaitedTooLong));
        assert_eq!(bound(LIMIT, &yielded, call(Duration::ZERO, 1000)).await, Ok("answer"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_without_end_ends_at_the_limit() {
        let started = Instant::now();
        let yielded = AtomicBool::new(false);
        assert_eq!(bound(LIMIT, &yielded, std::future::pending::<()>()).await, Err(WaitedTooLong));
        assert_eq!(started.elapsed(), LIMIT);
    }
}
