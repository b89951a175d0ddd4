//! The way in: a thread that turns bytes into messages.

use std::io::{ErrorKind, Read};
use std::sync::Arc;

use tokio::sync::mpsc;
use tracing::{debug, warn};
use weir_protocol::{Decoder, FrameError, Incoming, parse};

use crate::outbox::Outbox;

/// Bytes of one read.
const READ: usize = 64 * 1024;

/// What comes in.
#[derive(Debug)]
pub(crate) enum Input {
    Message(Incoming),
    /// There will be no more.
    End,
}

/// Reads until the end of `input` or of the session. Blocks.
pub(crate) fn read_from(
    mut input: impl Read,
    max_message_bytes: usize,
    outbox: &Arc<Outbox>,
    inbox: &mpsc::Sender<Input>,
) {
    let mut decoder = Decoder::new(max_message_bytes);
    let mut piece = vec![0; READ];
    let mut framed = false;
    loop {
        match input.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => decoder.push(&piece[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => {
                warn!(%error, "the input failed; taken as its end");
                break;
            }
        }
        while let Some(frame) = decoder.next_frame() {
            if !framed && let Some(framing) = decoder.framing() {
                outbox.set_framing(framing);
                framed = true;
            }
            if !deliver(frame, outbox, inbox) {
                return;
            }
        }
    }
    while let Some(frame) = decoder.finish() {
        if !deliver(frame, outbox, inbox) {
            return;
        }
    }
    debug!("end of input");
    // If nobody takes it, the session has ended already.
    let _ = inbox.blocking_send(Input::End);
}

/// False if the session has ended.
fn deliver(
    frame: Result<impl AsRef<[u8]>, FrameError>,
    outbox: &Arc<Outbox>,
    inbox: &mpsc::Sender<Input>,
) -> bool {
    outbox.wait_for_room();
    let message = match frame {
        Ok(frame) => parse(frame.as_ref()),
        Err(error) => Incoming::Invalid { id: None, error: error.into() },
    };
    inbox.blocking_send(Input::Message(message)).is_ok()
}
