//! One message a line.

use bytes::BytesMut;
use memchr::memchr;

use super::{Frame, FrameError, give_back, is_blank, trim_line_end};

/// Where the scan for the next line stands.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// Bytes at the front of the buffer that are known to hold no newline.
    scanned: usize,
    /// The current line is over the limit; what has come of it is gone.
    discarding: bool,
}

impl Lines {
    pub(super) fn next(&mut self, buf: &mut BytesMut, limit: usize) -> Option<Frame> {
        loop {
            let Some(found) = memchr(b'\n', &buf[self.scanned..]) else {
                // One byte over the limit may still be the `\r` of the line's end; two are too much for sure.
                if self.discarding {
                    buf.clear();
                } else if buf.len() > limit.saturating_add(1) {
                    self.discarding = true;
                    *buf = BytesMut::new();
                }
                self.scanned = buf.len();
                return None;
            };
            let mut line = buf.split_to(self.scanned + found + 1);
            self.scanned = 0;
            give_back(buf, line.len());
            line.truncate(trim_line_end(&line[..line.len() - 1]).len());
            if let Some(frame) = self.close_line(line, limit) {
                return Some(frame);
            }
        }
    }

    pub(super) fn finish(&mut self, buf: &mut BytesMut, limit: usize) -> Option<Frame> {
        let mut line = std::mem::take(buf);
        self.scanned = 0;
        line.truncate(trim_line_end(&line).len());
        self.close_line(line, limit)
    }

    fn close_line(&mut self, line: BytesMut, limit: usize) -> Option<Frame> {
        if std::mem::take(&mut self.discarding) || line.len() > limit {
            return Some(Err(FrameError::TooLarge { limit }));
        }
        if line.iter().all(|byte| is_blank(*byte)) {
            return None;
        }
        Some(Ok(line.freeze()))
    }
}
