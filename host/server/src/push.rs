//! A process whose news is pushed to the client.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

use weir_process::{Event, OutputLog};
use weir_protocol::{Encoder, OutputEncoding, ProcessId, encode_event};

use crate::convert;
use crate::outbox::Outbox;

/// Output of one turn in bytes: small enough that nobody waits long for their own.
const TURN: u64 = 64 * 1024;

/// One process's place in the line for the writer. It and the log hold one another until its close is pushed or the
/// outbox is over.
#[derive(Debug)]
pub(crate) struct Push {
    process_id: ProcessId,
    encoding: OutputEncoding,
    /// Whether output is pushed, or only exit and close.
    output: bool,
    log: Arc<OutputLog>,
    outbox: Arc<Outbox>,
    /// It stands in line already.
    queued: AtomicBool,
}

impl Push {
    pub(crate) fn new(
        process_id: ProcessId,
        encoding: OutputEncoding,
        output: bool,
        log: Arc<OutputLog>,
        outbox: Arc<Outbox>,
    ) -> Arc<Self> {
        Arc::new(Self { process_id, encoding, output, log, outbox, queued: AtomicBool::new(false) })
    }

    /// Follows the log from its start. Before this, nothing of the process is pushed.
    pub(crate) fn begin(self: &Arc<Self>) {
        self.log.follow(Waker::from(Arc::clone(self)));
    }

    /// Lets go of the log, which holds this as long as it is followed: nothing is pushed any more.
    pub(crate) fn end(&self) {
        self.log.unfollow();
    }

    /// Encodes the next of the news behind `out`, and stands in line again if there is more. `events` is scratch.
    pub(crate) fn take_turn(
        self: &Arc<Self>,
        encoder: &mut Encoder,
        events: &mut Vec<Event>,
        out: &mut Vec<u8>,
    ) {
        // Before looking: what comes from here on puts it in line again.
        self.queued.store(false, Ordering::Release);
        let more = self.log.next_events(TURN, events);
        if self.output
            && let Some(last) = events.last()
        {
            // What is handed to the writer is taken.
            self.log.acknowledge(last.seq());
        }
        // Behind what was printed before; and the close is always last.
        let news = self.log.input_news();
        if matches!(events.last(), Some(Event::Closed { .. })) {
            self.end();
        }
        let mut input = convert::input_events(&self.process_id, news);
        for event in events.drain(..) {
            if matches!(event, Event::Closed { .. }) {
                input.by_ref().for_each(|event| encoder.frame(out, |out| encode_event(out, &event)));
            }
            if self.output || !matches!(event, Event::Output { .. }) {
                let event = convert::event(&self.process_id, self.encoding, self.output, event);
                encoder.frame(out, |out| encode_event(out, &event));
            }
        }
        input.for_each(|event| encoder.frame(out, |out| encode_event(out, &event)));
        if more {
            self.wake_by_ref();
        }
    }
}

impl Wake for Push {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.outbox.enqueue(Arc::clone(self));
        }
    }
}
