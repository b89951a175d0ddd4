//! Everything that went over the wire, in both directions, for the report of a failure.

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::settings;

/// A log of what was sent, received and noticed. Shared by the threads of one client.
pub struct Transcript {
    started: Instant,
    lines: Mutex<Vec<Line>>,
}

/// Who said it.
#[derive(Clone, Copy, Debug)]
pub enum Side {
    /// The client sent it.
    Sent,
    /// The host sent it.
    Received,
    /// The harness noticed it.
    Note,
}

struct Line {
    at: Duration,
    side: Side,
    text: String,
    cut: usize,
}

impl Default for Transcript {
    fn default() -> Self {
        Self { started: Instant::now(), lines: Mutex::default() }
    }
}

impl Transcript {
    /// Notes `bytes`; what is beyond the width is cut, and the report says how much.
    pub fn note(&self, side: Side, bytes: &[u8]) {
        let width = settings::transcript_width();
        let kept = &bytes[..bytes.len().min(width)];
        let text = String::from_utf8_lossy(kept).trim_end().to_owned();
        let line = Line { at: self.started.elapsed(), side, text, cut: bytes.len() - kept.len() };
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    /// The log for people: milliseconds since the start, direction, text.
    #[must_use]
    pub fn render(&self) -> String {
        let mut out = String::new();
        for line in &*self.lines.lock().unwrap_or_else(PoisonError::into_inner) {
            let arrow = match line.side {
                Side::Sent => "-->",
                Side::Received => "<--",
                Side::Note => " ! ",
            };
            let _ = write!(out, "{:>9.1} ms {arrow} {}", line.at.as_secs_f64() * 1e3, line.text);
            if line.cut > 0 {
                let _ = write!(out, " [and {} bytes more]", line.cut);
            }
            out.push('\n');
        }
        out
    }
}
