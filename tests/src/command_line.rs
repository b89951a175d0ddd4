//! The binary used by hand: arguments, three streams, an exit status.

use std::io::{Read, Write};
use std::process::{Child, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use crate::launch::Launch;
use crate::live_process::{LiveProcess, listing};
use crate::settings;

/// A run of the binary with arguments. Dropping it kills what is left.
pub struct CommandLine {
    child: Child,
    mark: String,
    stdout: Arc<Growing>,
    stderr: Arc<Growing>,
}

/// What a run has left.
#[derive(Debug)]
pub struct Finished {
    /// Its exit status; -1 for a death by signal.
    pub status: i32,
    /// All of its stdout.
    pub stdout: String,
    /// All of its stderr.
    pub stderr: String,
}

#[derive(Default)]
struct Growing {
    state: Mutex<(Vec<u8>, bool)>,
    grown: Condvar,
}

impl CommandLine {
    /// Runs the binary; `input` is all of its stdin.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    #[must_use]
    #[track_caller]
    pub fn start(launch: &Launch, words: &[&str], input: &[u8]) -> Self {
        let mark = format!("weir-mark-{:016x}", fastrand::u64(..));
        let mut command = launch.command(&mark);
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let mut stdin = child.stdin.take().expect("stdin is piped");
        let input = input.to_owned();
        // A run that does not read its input is none of the input's business.
        thread::spawn(move || drop(stdin.write_all(&input)));
        let stdout = Growing::follow(child.stdout.take().expect("stdout is piped"));
        let stderr = Growing::follow(child.stderr.take().expect("stderr is piped"));
        Self { child, mark, stdout, stderr }
    }

    /// Waits until its stdout contains `text`.
    ///
    /// # Panics
    ///
    /// When the common deadline passes, or the output ends without it.
    #[track_caller]
    pub fn see(&self, text: &str) {
        let found = self.stdout.wait(|bytes| memchr::memmem::find(bytes, text.as_bytes()).is_some());
        assert!(
            found,
            "expected `{text}` on stdout, saw `{}`, stderr `{}`",
            self.stdout.text(),
            self.stderr.text()
        );
    }

    /// Whether its stdout contains `text` by now.
    #[must_use]
    pub fn has_seen(&self, text: &str) -> bool {
        self.stdout.text().contains(text)
    }

    /// Waits for its end and gives what it left.
    ///
    /// # Panics
    ///
    /// When the common deadline passes, or a process that it started survives it.
    #[must_use]
    #[track_caller]
    pub fn finish(mut self) -> Finished {
        let until = Instant::now() + settings::deadline();
        let ended =
            LiveProcess::read(self.child.id() as i32).is_none_or(|process| process.ends_before(until));
        assert!(ended, "no end; stdout `{}`, stderr `{}`", self.stdout.text(), self.stderr.text());
        let status = self.child.wait().expect("a status").code().unwrap_or(-1);
        assert!(self.stdout.wait(|_| false) || self.stdout.has_ended(), "stdout outlives the run");
        assert!(self.stderr.wait(|_| false) || self.stderr.has_ended(), "stderr outlives the run");
        let left = LiveProcess::wait_gone(&LiveProcess::with_mark(&self.mark), settings::deadline() / 10);
        assert!(left.is_empty(), "processes survive the run:\n{}", listing(&left));
        Finished { status, stdout: self.stdout.text(), stderr: self.stderr.text() }
    }
}

impl Drop for CommandLine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Growing {
    fn follow(mut stream: impl Read + Send + 'static) -> Arc<Self> {
        let growing = Arc::new(Self::default());
        let for_thread = Arc::clone(&growing);
        thread::spawn(move || {
            let mut block = vec![0; 64 * 1024];
            loop {
                let count = stream.read(&mut block).unwrap_or(0);
                let mut state = for_thread.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.0.extend_from_slice(&block[..count]);
                state.1 = count == 0;
                for_thread.grown.notify_all();
                if state.1 {
                    return;
                }
            }
        });
        growing
    }

    /// Waits until `enough`; false if the stream or the deadline ends first.
    fn wait(&self, enough: impl Fn(&[u8]) -> bool) -> bool {
        let until = Instant::now() + settings::deadline();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if enough(&state.0) {
                return true;
            }
            if state.1 || left.is_zero() {
                return false;
            }
            state = self.grown.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn has_ended(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.state.lock().unwrap_or_else(PoisonError::into_inner).0).into_owned()
    }
}
