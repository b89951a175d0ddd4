//! The cheapest client there is: lines out of big blocks, payloads counted and never decoded.

use std::io::Read;
use std::process::ChildStdout;

use anyhow::{Result, bail};
use memchr::{memchr, memmem};
use serde_json::Value;

/// Lines of a host's output.
pub(crate) struct Lines {
    stream: ChildStdout,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Lines {
    pub(crate) fn new(stream: ChildStdout) -> Self {
        Self { stream, buffer: vec![0; 1 << 20], start: 0, end: 0 }
    }

    /// The next line, without its end. Blocks.
    pub(crate) fn next_line(&mut self) -> Result<&[u8]> {
        let mut searched = self.start;
        loop {
            if let Some(found) = memchr(b'\n', &self.buffer[searched..self.end]) {
                let line = self.start..searched + found;
                self.start = line.end + 1;
                return Ok(&self.buffer[line]);
            }
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            }
            searched = self.end;
            if self.end == self.buffer.len() {
                self.buffer.resize(2 * self.buffer.len(), 0);
            }
            match self.stream.read(&mut self.buffer[self.end..])? {
                0 => bail!("the output ends"),
                count => self.end += count,
            }
        }
    }
}

/// Whether a line is a push of output: told by its beginning, which carries no payload.
pub(crate) fn is_output(line: &[u8]) -> bool {
    memmem::find(&line[..line.len().min(64)], b"\"process/output\"").is_some()
}

/// The bytes that a push of output delivers, by the length of its base64, and those it says are dropped.
pub(crate) fn payload(line: &[u8]) -> Result<(u64, u64)> {
    let (mut delivered, mut rest) = (0, line.len());
    let mut head = line;
    const CHUNK: &[u8] = b"\"chunk\":\"";
    if let Some(at) = memmem::find(line, CHUNK) {
        let chunk = &line[at + CHUNK.len()..];
        let length = memchr(b'"', chunk).unwrap_or(chunk.len());
        let padding = chunk[..length].iter().rev().take_while(|byte| **byte == b'=').count();
        delivered = (length / 4 * 3 - padding) as u64;
        rest = at + CHUNK.len() + length;
        head = &line[..at];
    }
    let marked = [head, &line[rest..]].iter().any(|part| memmem::find(part, b"\"dropped\":{").is_some());
    if !marked {
        return Ok((delivered, 0));
    }
    let message: Value = serde_json::from_slice(line)?;
    Ok((delivered, message["params"]["dropped"]["bytes"].as_u64().unwrap_or(0)))
}
