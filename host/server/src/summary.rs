//! What a summary plugin sees of a closed process: the retained output, a page at a time.

use bytes::Bytes;
use tokio::task::block_in_place;
use tracing::warn;
use weir_plugin::{Channel, RetainedOutput};
use weir_process::{Snapshot, SpilledOutput, Stream, StreamSnapshot};

use crate::pipeline::{ProcessFacts, channel};

/// The most that is handed out at once, in bytes.
const PAGE: usize = 1 << 20;

/// The retained output of a process at one moment. Copies none of it before it is read.
#[derive(Debug)]
pub(crate) struct Pages {
    streams: Vec<Paged>,
    exit_code: Option<i32>,
    argv: Vec<String>,
    cwd: String,
}

/// The retained bytes of a stream.
#[derive(Debug)]
struct Paged {
    channel: Channel,
    stream: Stream,
    /// What comes first, and how much of it there is.
    disk: Option<(SpilledOutput, u64)>,
    /// Each with the offset of its first byte.
    chunks: Vec<(u64, Bytes)>,
    size: u64,
    gap: Option<(u64, u64)>,
}

impl Pages {
    pub(crate) fn new(snapshot: Snapshot, facts: &ProcessFacts) -> Self {
        let disk = snapshot.spilled;
        Self {
            streams: snapshot
                .streams
                .into_iter()
                .map(|stream| Paged::new(stream, disk.clone(), facts.merged))
                .collect(),
            exit_code: snapshot.status.exit.map(|exit| exit.code).filter(|code| *code >= 0),
            argv: facts.argv.clone(),
            cwd: facts.cwd.clone(),
        }
    }

    fn stream(&self, channel: Channel) -> Option<&Paged> {
        self.streams.iter().find(|stream| stream.channel == channel)
    }
}

impl Paged {
    fn new(snapshot: StreamSnapshot, disk: Option<SpilledOutput>, merged: bool) -> Self {
        let StreamSnapshot { stream, spilled, before, dropped, after } = snapshot;
        let before_gap = spilled + before.iter().map(|chunk| chunk.len() as u64).sum::<u64>();
        let mut size = spilled;
        let chunks = before
            .into_iter()
            .chain(after)
            .map(|chunk| {
                let at = size;
                size += chunk.len() as u64;
                (at, chunk)
            })
            .collect();
        let gap = (dropped > 0).then_some((before_gap, dropped));
        let disk = disk.map(|disk| (disk, spilled));
        Self { channel: channel(stream, merged), stream, disk, chunks, size, gap }
    }

    /// A page does not cross the gap: what stands on its two sides does not belong together.
    fn read(&self, offset: u64, most: usize) -> Bytes {
        if let Some((disk, size)) = &self.disk
            && offset < *size
        {
            // The plugin waits for its page, and nobody else for this thread meanwhile.
            return block_in_place(|| disk.read(self.stream, offset, most)).unwrap_or_else(|error| {
                warn!(%error, "spilled output cannot be read");
                Bytes::new()
            });
        }
        let end = match self.gap {
            Some((at, _)) if offset < at => at,
            _ => self.size,
        };
        let most = usize::try_from(end.saturating_sub(offset)).unwrap_or(usize::MAX).min(most);
        let first = self.chunks.partition_point(|(at, _)| *at <= offset).saturating_sub(1);
        let mut page = Vec::new();
        for (at, chunk) in &self.chunks[first.min(self.chunks.len())..] {
            if page.len() >= most {
                break;
            }
            let skip = usize::try_from(offset.saturating_sub(*at)).unwrap_or(usize::MAX).min(chunk.len());
            let rest = chunk.slice(skip..);
            let take = rest.len().min(most - page.len());
            if page.is_empty() && take == most {
                return rest.slice(..take);
            }
            page.extend_from_slice(&rest[..take]);
        }
        page.into()
    }
}

impl RetainedOutput for Pages {
    fn channels(&self) -> Vec<Channel> {
        self.streams.iter().map(|stream| stream.channel).collect()
    }

    fn size(&self, channel: Channel) -> u64 {
        self.stream(channel).map_or(0, |stream| stream.size)
    }

    fn read(&self, channel: Channel, offset: u64, max: u32) -> Bytes {
        let most = usize::try_from(max).unwrap_or(usize::MAX).min(PAGE);
        self.stream(channel).map_or_else(Bytes::new, |stream| stream.read(offset, most))
    }

    fn gaps(&self, channel: Channel) -> Vec<(u64, u64)> {
        self.stream(channel).and_then(|stream| stream.gap).into_iter().collect()
    }

    fn exit_code(&self) -> Option<i32> {
        self.exit_code
    }

    fn argv(&self) -> Vec<String> {
        self.argv.clone()
    }

    fn cwd(&self) -> String {
        self.cwd.clone()
    }
}

#[cfg(test)]
mod tests {
    use weir_process::Stream;

    use super::*;

    #[test]
    fn pages_give_every_byte_and_do_not_cross_the_gap() {
        let chunk = |text: &'static str| Bytes::from_static(text.as_bytes());
        let paged = Paged::new(
            StreamSnapshot {
                stream: Stream::Stdout,
                spilled: 0,
                before: vec![chunk("ab"), chunk("cde")],
                dropped: 7,
                after: vec![chunk("f"), chunk("ghi")],
            },
            None,
            false,
        );
        assert_eq!(paged.gap, Some((5, 7)));
        for most in 1..12 {
            let (mut read, mut offset) = (Vec::new(), 0);
            while offset < paged.size {
                let page = paged.read(offset, most);
                assert!(!page.is_empty() && page.len() <= most, "{offset} {most}");
                assert!(offset >= 5 || offset + page.len() as u64 <= 5, "a page crosses the gap");
                offset += page.len() as u64;
                read.extend_from_slice(&page);
            }
            assert_eq!(read, b"abcdefghi");
            assert!(paged.read(9, most).is_empty() && paged.read(100, most).is_empty());
        }
    }
}
