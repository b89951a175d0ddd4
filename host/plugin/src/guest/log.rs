//! What a guest writes: through `host.log`, and to standard output and error.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::engine::{Level, Observer};

/// Longest line that is kept; what is over is cut.
pub(crate) const LINE_MAX: usize = 4 << 10;
/// Lines of one call that the observer is told; the rest is counted.
const LINES_PER_CALL: usize = 100;
/// Lines that a fault remembers.
const KEPT: usize = 20;
/// What the sink takes at once. It never refuses: a guest must not break because somebody does not read what it prints.
const WRITE_MAX: usize = 64 << 10;

/// The lines of an instance's current call.
pub(crate) struct GuestLog {
    plugin: Arc<str>,
    observer: Arc<dyn Observer>,
    told: usize,
    untold: u64,
    last: VecDeque<String>,
    /// What was written to standard output and error without a line end yet.
    begun: [Vec<u8>; 2],
}

/// A handle: one is the store's, one each for standard output and error.
#[derive(Clone)]
pub(crate) struct SharedLog(Arc<Mutex<GuestLog>>);

impl SharedLog {
    pub(crate) fn new(plugin: &str, observer: Arc<dyn Observer>) -> Self {
        Self(Arc::new(Mutex::new(GuestLog {
            plugin: plugin.into(),
            observer,
            told: 0,
            untold: 0,
            last: VecDeque::new(),
            begun: [Vec::new(), Vec::new()],
        })))
    }

    pub(crate) fn write(&self, level: Level, message: &str) {
        // The lock is the store's own: nobody else writes to it while the guest runs. Held while the observer is told,
        // which must not block.
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for line in message.lines() {
            log.line(level, line);
        }
    }

    pub(crate) fn begin_call(&self) {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (log.told, log.untold) = (0, 0);
        log.last.clear();
    }

    /// Tells what is left, and how much was not told. The last lines are given only to faults.
    pub(crate) fn end_call(&self, failed: bool) -> Vec<String> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for stream in [Standard::Output, Standard::Error] {
            let begun = std::mem::take(&mut log.begun[stream as usize]);
            if !begun.is_empty() {
                log.line(stream.level(), &String::from_utf8_lossy(&begun));
            }
        }
        if log.untold > 0 {
            let line = format!("{} more lines in this call", log.untold);
            log.observer.log(&log.plugin, Level::Warn, &line);
        }
        if failed { std::mem::take(&mut log.last).into() } else { Vec::new() }
    }

    fn write_standard(&self, stream: Standard, bytes: &[u8]) {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, behind) = rest.split_at(end);
            rest = &behind[1..];
            let begun = std::mem::take(&mut log.begun[stream as usize]);
            if begun.is_empty() {
                log.line(stream.level(), &String::from_utf8_lossy(line));
            } else {
                let whole = [&begun[..], &line[..line.len().min(LINE_MAX)]].concat();
                log.line(stream.level(), &String::from_utf8_lossy(&whole));
            }
        }
        let begun = &mut log.begun[stream as usize];
        // One more than what fits: so that the cut shows.
        let room = (LINE_MAX + 1).saturating_sub(begun.len());
        begun.extend_from_slice(&rest[..rest.len().min(room)]);
    }
}

impl GuestLog {
    fn line(&mut self, level: Level, line: &str) {
        let line = cut(line, LINE_MAX);
        if self.told < LINES_PER_CALL {
            self.told += 1;
            self.observer.log(&self.plugin, level, &line);
        } else {
            self.untold += 1;
        }
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        self.last.push_back(line.into_owned());
    }
}

/// At most so many bytes, at a character's border, with `…` if something was cut.
pub(crate) fn cut(text: &str, max: usize) -> std::borrow::Cow<'_, str> {
    if text.len() <= max {
        return text.into();
    }
    let mark = '…';
    let mut end = max - mark.len_utf8();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{mark}", &text[..end]).into()
}

/// Standard output or error of a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standard {
    Output = 0,
    Error = 1,
}

impl Standard {
    fn level(self) -> Level {
        match self {
            Self::Output => Level::Info,
            Self::Error => Level::Warn,
        }
    }
}

/// A sink for one of them.
#[derive(Clone)]
pub(crate) struct Sink(pub(crate) SharedLog, pub(crate) Standard);

impl IsTerminal for Sink {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Sink {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for Sink {
    async fn ready(&mut self) {}
}

impl OutputStream for Sink {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.0.write_standard(self.1, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_MAX)
    }
}

impl AsyncWrite for Sink {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.0.write_standard(self.1, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fault;

    #[derive(Default)]
    struct Lines(Mutex<Vec<(Level, String)>>);

    impl Observer for Lines {
        fn fault(&self, _: &Fault) {}

        fn log(&self, plugin: &str, level: Level, line: &str) {
            assert_eq!(plugin, "p");
            self.0.lock().unwrap().push((level, line.to_owned()));
        }
    }

    fn log() -> (SharedLog, Arc<Lines>) {
        let lines = Arc::new(Lines::default());
        (SharedLog::new("p", lines.clone()), lines)
    }

    fn taken(lines: &Lines) -> Vec<(Level, String)> {
        std::mem::take(&mut lines.0.lock().unwrap())
    }

    #[test]
    fn lines_are_put_together_from_pieces_and_the_last_needs_no_end() {
        let (log, lines) = log();
        log.begin_call();
        log.write_standard(Standard::Output, b"one\ntw");
        log.write_standard(Standard::Error, b"oops");
        log.write_standard(Standard::Output, b"o\n");
        assert_eq!(log.end_call(true), ["one", "two", "oops"]);
        let told = taken(&lines);
        assert_eq!(
            told,
            [(Level::Info, "one".into()), (Level::Info, "two".into()), (Level::Warn, "oops".into())]
        );
    }

    #[test]
    fn too_many_lines_are_counted_and_the_last_twenty_kept_for_a_fault() {
        let (log, lines) = log();
        log.begin_call();
        for number in 0..1000 {
            log.write(Level::Info, &number.to_string());
        }
        let last = log.end_call(true);
        assert_eq!(
            (last.len(), last.first().unwrap().as_str(), last.last().unwrap().as_str()),
            (20, "980", "999")
        );
        let told = taken(&lines);
        assert_eq!((told.len(), told.last().unwrap().1.as_str()), (101, "900 more lines in this call"));
        log.begin_call();
        assert_eq!((log.end_call(true).len(), taken(&lines).len()), (0, 0));
    }

    #[test]
    fn an_endless_line_is_cut_and_costs_no_memory() {
        let (log, lines) = log();
        log.begin_call();
        for _ in 0..1000 {
            log.write_standard(Standard::Output, "ä".repeat(10_000).as_bytes());
        }
        assert!(log.0.lock().unwrap().begun[0].capacity() <= 4 * LINE_MAX);
        log.end_call(false);
        let told = taken(&lines);
        assert!(told.len() == 1 && told[0].1.len() <= LINE_MAX && told[0].1.ends_with('…'));
    }
}
