//! A process on a terminal, as somebody sees it who sits there.

use serde_json::{Value, json};

use crate::host::Host;
use crate::json::Json;
use crate::process::{Process, merge};

/// What a terminal has shown so far.
pub struct Screen<'h> {
    /// The process.
    pub process: Process<'h>,
    seen: Vec<u8>,
}

impl<'h> Screen<'h> {
    /// The terminal of a process that was started with `tty`.
    #[must_use]
    pub fn new(process: Process<'h>) -> Self {
        Self { process, seen: Vec::new() }
    }

    /// Starts a command on a terminal of 80x24, or as `params` say.
    #[must_use]
    #[track_caller]
    pub fn of(host: &'h Host, argv: &[&str], params: Value) -> Self {
        let params = merge(json!({ "argv": argv, "tty": true }), params);
        Self::new(host.start(params))
    }

    /// Waits for `text`; what comes up to its end is passed over from then on.
    ///
    /// # Panics
    ///
    /// If the process ends without it, or the common deadline passes.
    #[track_caller]
    pub fn see(&mut self, text: &str) {
        while !self.try_see(text) {
            let event = self.process.event().value;
            assert_eq!(event["method"], "process/output", "`{text}` does not come: {:?}", self.text());
            assert_eq!(event.text("params.stream"), "pty");
            self.seen.extend(event.bytes("params.chunk"));
        }
    }

    fn try_see(&mut self, text: &str) -> bool {
        let found = memchr::memmem::find(&self.seen, text.as_bytes());
        found.map(|at| self.seen.drain(..at + text.len())).is_some()
    }

    /// What has come and was not passed over.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    /// Types something.
    #[track_caller]
    pub fn write(&self, text: &str) {
        assert_eq!(self.process.write(text).text("status"), "accepted");
    }

    /// Gives the terminal another size.
    #[track_caller]
    pub fn resize(&self, cols: u16, rows: u16) {
        assert_eq!(self.process.call("process/resize", json!({ "cols": cols, "rows": rows })), json!({}));
    }

    /// The exit code, once everything has ended.
    #[track_caller]
    #[must_use]
    pub fn close(&self) -> i64 {
        self.process.wait_close().int("exitCode")
    }
}
