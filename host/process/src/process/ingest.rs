//! What may stand between a stream and the log: something that changes bytes before they are retained.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

/// The way of one stream into the log. Made by the owner of the process, one for each stream.
///
/// What a call gives is appended to the log. The calls come one after the other, none is cancelled while the
/// process has an owner, and the driver of the process waits for them: a call has to end in bounded time. After an
/// error nothing is asked any more, and the rest of the stream is [withheld](crate::Status::withheld_bytes).
pub trait Ingest: Send {
    /// The next bytes, never empty. None if they go into the log as they are.
    fn push<'a>(&'a mut self, bytes: &'a [u8]) -> Ingesting<'a, Option<Bytes>>;
    /// Nothing has come for 60 ms, and what is held back may be a prompt that somebody waits for.
    fn idle(&mut self) -> Ingesting<'_>;
    /// The stream has ended. The last call.
    fn finish(&mut self) -> Ingesting<'_>;
}

/// A call to an [`Ingest`].
pub type Ingesting<'a, T = Bytes> = Pin<Box<dyn Future<Output = Result<T, Withhold>> + Send + 'a>>;

/// The way is blocked: nothing of what was not given yet may pass. Why, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withhold(pub Arc<str>);

/// How long a stream is silent before its [`Ingest`] is told: shorter than what a person who waits for a prompt
/// notices, longer than the pauses within one piece of output.
pub(super) const IDLE: std::time::Duration = std::time::Duration::from_millis(60);
