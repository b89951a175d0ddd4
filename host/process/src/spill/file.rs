//! The file of one process: chunks one after the other, each behind a header that says all about it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;

use super::Spill;
use crate::log::Stream;

/// Bytes of a header: seq, offset, offset in the stream, line (8 each), length (4), stream (1), line feeds (3).
const HEADER: usize = 40;
/// Bytes that are read at once: more than the longest record.
const READ: usize = 512 * 1024;

/// A chunk on disk.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) seq: u64,
    /// The offset of its first byte in all that was printed.
    pub(crate) offset: u64,
    /// The same within its stream.
    pub(crate) stream_offset: u64,
    /// Line feeds of its stream before it.
    pub(crate) line: u64,
    /// Line feeds in it.
    pub(crate) feeds: u32,
    pub(crate) stream: Stream,
    pub(crate) bytes: Bytes,
}

/// The writing end of a file. Dropping it gives its room back; those who still read it keep the file.
#[derive(Debug)]
pub(crate) struct SpillFile {
    file: Arc<File>,
    len: u64,
    spill: Arc<Spill>,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    #[error("the bound of spilled output is reached")]
    Bound,
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl SpillFile {
    pub(super) fn new(file: File, spill: Arc<Spill>) -> Self {
        Self { file: Arc::new(file), len: 0, spill }
    }

    /// For those who read.
    pub(crate) fn file(&self) -> &Arc<File> {
        &self.file
    }

    pub(crate) fn spill(&self) -> &Arc<Spill> {
        &self.spill
    }

    /// Appends records, all or none. Gives where each begins, and the end. Blocks.
    pub(crate) fn append(&mut self, records: &[Record]) -> Result<Vec<u64>, WriteError> {
        let size: usize = records.iter().map(|record| HEADER + record.bytes.len()).sum();
        if !self.spill.reserve(self.len, size as u64) {
            return Err(WriteError::Bound);
        }
        let mut buffer = Vec::with_capacity(size);
        let mut places = Vec::with_capacity(records.len() + 1);
        for record in records {
            places.push(self.len + buffer.len() as u64);
            record.write(&mut buffer);
        }
        if let Err(error) = self.file.write_all_at(&buffer, self.len) {
            self.spill.give_back(size as u64);
            return Err(error.into());
        }
        self.len += size as u64;
        places.push(self.len);
        Ok(places)
    }
}

impl Drop for SpillFile {
    fn drop(&mut self) {
        self.spill.give_back(self.len);
    }
}

impl Record {
    fn write(&self, out: &mut Vec<u8>) {
        for number in [self.seq, self.offset, self.stream_offset, self.line] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        // A chunk is at most 64 KiB.
        out.extend_from_slice(&(self.bytes.len() as u32).to_le_bytes());
        let stream = Stream::ALL.iter().position(|stream| *stream == self.stream).unwrap_or_default();
        out.push(stream as u8);
        // No more than it has bytes.
        out.extend_from_slice(&self.feeds.to_le_bytes()[..3]);
        out.extend_from_slice(&self.bytes);
    }

    /// The record at the beginning of `buffer`, and its size; none if it is not all there.
    fn parse(buffer: &Bytes) -> io::Result<Option<(Self, usize)>> {
        if buffer.len() < HEADER {
            return Ok(None);
        }
        let number = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&buffer[at..at + 8]);
            u64::from_le_bytes(bytes)
        };
        let (len, stream) = (number(32) as u32 as usize, usize::from(buffer[36]));
        let Some(stream) = Stream::ALL.get(stream).filter(|_| len > 0 && len <= READ - HEADER) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a file of spilled output was changed"));
        };
        if buffer.len() < HEADER + len {
            return Ok(None);
        }
        let record = Self {
            seq: number(0),
            offset: number(8),
            stream_offset: number(16),
            line: number(24),
            feeds: (number(32) >> 40) as u32,
            stream: *stream,
            bytes: buffer.slice(HEADER..HEADER + len),
        };
        Ok(Some((record, HEADER + len)))
    }
}

/// Goes through the records between two places, until `take` has enough. Blocks.
pub(crate) fn scan(
    file: &File,
    mut from: u64,
    to: u64,
    mut take: impl FnMut(Record) -> bool,
) -> io::Result<()> {
    while from < to {
        let size = usize::try_from(to - from).unwrap_or(usize::MAX).min(READ);
        let mut buffer = vec![0; size];
        file.read_exact_at(&mut buffer, from)?;
        let mut rest = Bytes::from(buffer);
        let mut parsed = 0;
        while let Some((record, size)) = Record::parse(&rest)? {
            rest = rest.slice(size..);
            parsed += size as u64;
            if !take(record) {
                return Ok(());
            }
        }
        if parsed == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a file of spilled output is cut off"));
        }
        from += parsed;
    }
    Ok(())
}
