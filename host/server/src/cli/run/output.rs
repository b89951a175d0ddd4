//! Where the output of a command that is run by hand goes: on, as events, or through a view.

use std::fs::File;
use std::future::pending;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::sleep;
use weir_plugin::{Fault, FilterChain, FilterStream, Plugin};
use weir_process::{Event, InputNews, Stream};
use weir_protocol::{OutputEncoding, ProcessId, encode_event};

use super::super::tell;
use crate::convert;
use crate::pipeline::{ProcessFacts, Started};

/// How long a command is silent before the filters of a view give what they hold back: it may be a prompt. Longer than
/// the pauses of a progress display, which would come line by line.
const SILENCE: Duration = Duration::from_secs(1);

/// Where the command's output goes.
pub(super) struct Output {
    stdout: File,
    stderr: File,
    /// Events instead of output.
    json: Option<Vec<u8>>,
    viewed: Option<Viewed>,
    process_id: ProcessId,
}

impl Output {
    pub(super) fn new(process_id: ProcessId, json: bool, viewed: Option<Viewed>) -> io::Result<Self> {
        Ok(Self {
            stdout: File::from(rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?),
            stderr: File::from(rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stderr(), 3)?),
            json: json.then(Vec::new),
            viewed,
            process_id,
        })
    }

    pub(super) async fn write(&mut self, event: Event) -> io::Result<()> {
        if let Some(line) = &mut self.json {
            line.clear();
            encode_event(line, &convert::event(&self.process_id, OutputEncoding::Base64, true, event));
            line.push(b'\n');
            return self.stdout.write_all(line);
        }
        match (event, &mut self.viewed) {
            (Event::Output { chunk, .. }, None) => self.pass(chunk.stream, &chunk.bytes),
            (Event::Output { chunk, .. }, Some(viewed)) => {
                let bytes = viewed.push(chunk.stream, chunk.bytes).await;
                self.pass(chunk.stream, &bytes)
            }
            (Event::Closed { .. }, Some(viewed)) => {
                for (stream, bytes) in viewed.finish().await {
                    self.pass(stream, &bytes)?;
                }
                Ok(())
            }
            (Event::Exited { .. } | Event::Closed { .. }, _) => Ok(()),
        }
    }

    /// Tells who waits for input, among events.
    pub(super) fn input(&mut self, news: InputNews) -> io::Result<()> {
        let Some(line) = &mut self.json else { return Ok(()) };
        line.clear();
        for event in convert::input_events(&self.process_id, news) {
            encode_event(line, &event);
            line.push(b'\n');
        }
        self.stdout.write_all(line)
    }

    fn pass(&mut self, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        match stream {
            Stream::Stderr => self.stderr.write_all(bytes),
            Stream::Stdout | Stream::Pty => self.stdout.write_all(bytes),
        }
    }

    /// Waits until nothing has come for a while.
    pub(super) async fn silence(&self) {
        match &self.viewed {
            Some(viewed) if viewed.talking => sleep(SILENCE).await,
            _ => pending().await,
        }
    }

    pub(super) async fn idle(&mut self) -> io::Result<()> {
        let Some(viewed) = &mut self.viewed else { return Ok(()) };
        for (stream, bytes) in viewed.idle().await {
            self.pass(stream, &bytes)?;
        }
        Ok(())
    }
}

/// The filters of a view, fed while the command runs: here nothing is ever dropped before they have had it.
pub(super) struct Viewed {
    filters: Vec<Arc<Plugin>>,
    facts: Arc<ProcessFacts>,
    /// In the order in which the streams spoke. None: its filters have failed.
    ways: Vec<(Stream, Option<FilterStream>)>,
    /// Whether anything came since the last silence.
    talking: bool,
}

impl Viewed {
    pub(super) fn new(name: &str, started: &Started) -> Self {
        let filters = started.plugins.views.get(name).cloned().unwrap_or_default();
        Self { filters, facts: Arc::clone(&started.facts), ways: Vec::new(), talking: false }
    }

    async fn push(&mut self, stream: Stream, bytes: Bytes) -> Bytes {
        self.talking = true;
        if !self.ways.iter().any(|(of, _)| *of == stream) {
            let chain = FilterChain::new(self.filters.clone());
            self.ways.push((stream, Some(chain.open(self.facts.of_stream(stream, true)))));
        }
        let Some((_, way)) = self.ways.iter_mut().find(|(of, _)| *of == stream) else { return bytes };
        let Some(filters) = way else { return bytes };
        match filters.push(bytes.clone()).await {
            Ok(given) => given,
            Err(fault) => {
                *way = None;
                passed_over(&fault);
                bytes
            }
        }
    }

    async fn idle(&mut self) -> Vec<(Stream, Bytes)> {
        self.talking = false;
        self.each(async |filters| filters.idle().await).await
    }

    async fn finish(&mut self) -> Vec<(Stream, Bytes)> {
        self.each(async |filters| filters.finish().await).await
    }

    async fn each(
        &mut self,
        mut call: impl AsyncFnMut(&mut FilterStream) -> Result<Bytes, Box<Fault>>,
    ) -> Vec<(Stream, Bytes)> {
        let mut given = Vec::new();
        for (stream, way) in &mut self.ways {
            let Some(filters) = way else { continue };
            match call(filters).await {
                Ok(bytes) => given.push((*stream, bytes)),
                Err(fault) => {
                    *way = None;
                    passed_over(&fault);
                }
            }
        }
        given
    }
}

fn passed_over(fault: &Fault) {
    tell(&format!(
        "filter `{}` of the view failed ({}): the rest of this stream comes as it was printed, and what the filter held \
         back is missing",
        fault.plugin, fault.message
    ));
}
