//! Filter streams: chains of filters over what a command prints.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use wasmtime::component::ResourceAny;

use crate::bindings::weir::plugin::types;
use crate::fault::{Fault, FaultKind, Hook};
use crate::guest::Guest;
use crate::plugin::Plugin;
use crate::spec::Kind;

/// The most that a filter is given at once.
pub const CHUNK_MAX: usize = 128 << 10;

/// Where bytes came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// Both through one pipe.
    Merged,
    /// A terminal.
    Pty,
}

impl Channel {
    pub(crate) fn to_wit(self) -> types::Channel {
        match self {
            Self::Stdout => types::Channel::Stdout,
            Self::Stderr => types::Channel::Stderr,
            Self::Merged => types::Channel::Merged,
            Self::Pty => types::Channel::Pty,
        }
    }
}

impl From<types::Channel> for Channel {
    fn from(channel: types::Channel) -> Self {
        match channel {
            types::Channel::Stdout => Self::Stdout,
            types::Channel::Stderr => Self::Stderr,
            types::Channel::Merged => Self::Merged,
            types::Channel::Pty => Self::Pty,
        }
    }
}

/// What a filter may know of the stream that it is opened for.
#[derive(Debug, Clone)]
pub struct StreamFacts {
    /// The process that prints.
    pub process_id: String,
    /// Where it prints to.
    pub channel: Channel,
    /// The command as it was run.
    pub argv: Vec<String>,
    /// Its directory.
    pub cwd: String,
    /// Its whole environment; each plugin sees of it what it is granted.
    pub env: Arc<Vec<(String, String)>>,
    /// Whether the bytes are read for a view, after they were retained.
    pub view: bool,
    /// What the client attached to the command.
    pub metadata: Vec<(String, String)>,
}

/// Filters in their order. Cheap to clone.
#[derive(Debug, Clone)]
pub struct FilterChain {
    filters: Arc<[Arc<Plugin>]>,
}

/// One stream on its way through a chain. Each filter has an instance of its own, made when the first bytes reach it.
///
/// After an error it is dead: every later call gives the same error, and the instances are gone. Dropping it drops the
/// instances. **Not cancel-safe**: dropping the future of a call ends the stream with a [`FaultKind::Deadline`] that is
/// not counted against the plugin, since what was in the filters cannot be told any more.
pub struct FilterStream {
    facts: Arc<StreamFacts>,
    links: Vec<Link>,
    /// What all calls are answered with, once something failed. Set before a call and taken back after it.
    dead: Option<Box<Fault>>,
    under_way: bool,
}

/// One filter in a stream.
enum Link {
    /// No bytes have reached it yet.
    Unopened(Arc<Plugin>),
    Open(Arc<Plugin>, Box<Guest>, ResourceAny),
    /// It said that the stream is not for it.
    Passing,
    /// Its end was told.
    Finished(Arc<Plugin>),
}

/// What is asked for beside passing bytes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    More,
    Idle,
    Finish,
}

/// Bytes put together: without a copy as long as there is one piece.
#[derive(Default)]
struct Output {
    first: Bytes,
    rest: BytesMut,
}

impl FilterChain {
    /// A chain of plugins that are configured as filters; the first gets the bytes first.
    pub fn new(filters: Vec<Arc<Plugin>>) -> Self {
        Self { filters: filters.into() }
    }

    /// The filters' names, in order.
    pub fn names(&self) -> Vec<&str> {
        self.filters.iter().map(|plugin| plugin.name()).collect()
    }

    /// A stream. Nothing is made before the first bytes come.
    pub fn open(&self, facts: Arc<StreamFacts>) -> FilterStream {
        let links = self.filters.iter().map(|plugin| Link::Unopened(Arc::clone(plugin))).collect();
        FilterStream { facts, links, dead: None, under_way: false }
    }
}

impl FilterStream {
    /// Passes bytes on, and gives what comes out: maybe nothing, if filters hold it back. A chunk that no filter changed
    /// is given back without a copy. Chunks over 128 KiB are cut on the way.
    pub async fn push(&mut self, chunk: Bytes) -> Result<Bytes, Box<Fault>> {
        self.run(chunk, Ending::More).await
    }

    /// Nothing came for a while: gives what was held back and need not be.
    pub async fn idle(&mut self) -> Result<Bytes, Box<Fault>> {
        self.run(Bytes::new(), Ending::Idle).await
    }

    /// The stream has ended: gives the rest. Later calls give nothing; bytes pushed later are an error.
    pub async fn finish(&mut self) -> Result<Bytes, Box<Fault>> {
        self.run(Bytes::new(), Ending::Finish).await
    }

    /// Whether every filter has said that the stream is not for it: bytes come out as they go in.
    pub fn is_transparent(&self) -> bool {
        self.dead.is_none() && !self.under_way && self.links.iter().all(|link| matches!(link, Link::Passing))
    }

    async fn run(&mut self, chunk: Bytes, ending: Ending) -> Result<Bytes, Box<Fault>> {
        if let Some(fault) = &self.dead {
            return Err(fault.clone());
        }
        if std::mem::replace(&mut self.under_way, true) {
            return Err(self.die(self.dropped()));
        }
        let result = self.pass(chunk, ending).await;
        self.under_way = false;
        result.map_err(|fault| self.die(fault))
    }

    async fn pass(&mut self, chunk: Bytes, ending: Ending) -> Result<Bytes, Box<Fault>> {
        let mut carried = chunk;
        for link in &mut self.links {
            if carried.is_empty() && ending == Ending::More {
                break;
            }
            carried = link.pass(&self.facts, carried, ending).await?;
        }
        Ok(carried)
    }

    /// Instances are dropped at once; the stream may be kept for long.
    fn die(&mut self, fault: Box<Fault>) -> Box<Fault> {
        self.links.clear();
        self.dead = Some(fault.clone());
        fault
    }

    fn dropped(&self) -> Box<Fault> {
        let message =
            String::from("a call was dropped before it was answered: what the filters held is lost");
        let plugin = self.links.iter().find_map(|link| match link {
            Link::Unopened(plugin) | Link::Open(plugin, ..) => Some(plugin),
            Link::Passing | Link::Finished(_) => None,
        });
        match plugin {
            Some(plugin) => plugin.account().fault(Hook::Push, FaultKind::Deadline, message, Vec::new()),
            None => Box::new(Fault {
                plugin: String::new(),
                digest: String::new(),
                hook: Hook::Push,
                kind: FaultKind::Deadline,
                message,
                log: Vec::new(),
            }),
        }
    }
}

impl std::fmt::Debug for FilterStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FilterStream")
            .field("facts", &self.facts)
            .field("dead", &self.dead)
            .finish_non_exhaustive()
    }
}

impl Link {
    async fn pass(
        &mut self,
        facts: &Arc<StreamFacts>,
        bytes: Bytes,
        ending: Ending,
    ) -> Result<Bytes, Box<Fault>> {
        if !bytes.is_empty() {
            self.open(facts).await?;
        }
        let (plugin, guest, stream) = match self {
            Self::Open(plugin, guest, stream) => (&*plugin, guest, *stream),
            Self::Passing => return Ok(bytes),
            Self::Unopened(_) | Self::Finished(_) => return Ok(Bytes::new()),
        };
        let taken = bytes.len();
        let mut output = Output::default();
        let mut rest = bytes;
        while !rest.is_empty() {
            let piece = rest.split_to(rest.len().min(CHUNK_MAX));
            match guest.push(stream, &piece).await? {
                types::ChunkResult::Unchanged => output.add(piece),
                types::ChunkResult::Bytes(bytes) => output.add(bytes.into()),
            }
            let limit = plugin.spec().limits.output_bytes.saturating_add(taken as u64);
            if output.len() as u64 > limit {
                return Err(too_much(plugin, output.len(), limit));
            }
        }
        match ending {
            Ending::More => {}
            Ending::Idle => output.add(guest.idle(stream).await?.into()),
            Ending::Finish => output.add(guest.finish(stream).await?.into()),
        }
        plugin.account().figures.bytes(taken, output.len());
        if ending == Ending::Finish {
            *self = Self::Finished(Arc::clone(plugin));
        }
        Ok(output.into_bytes())
    }

    async fn open(&mut self, facts: &Arc<StreamFacts>) -> Result<(), Box<Fault>> {
        let plugin = match self {
            Self::Unopened(plugin) => Arc::clone(plugin),
            Self::Open(..) | Self::Passing => return Ok(()),
            Self::Finished(plugin) => {
                let message = String::from("bytes came after the end of the stream");
                return Err(plugin.account().fault(Hook::Push, FaultKind::Protocol, message, Vec::new()));
            }
        };
        // Only here: a stream that is open goes on to its end, since what failed were other instances.
        plugin.account().check_switched_on(Hook::Open)?;
        let mut guest = plugin.blueprint().guest(Kind::Filter).await?;
        *self = match guest.open(Arc::clone(facts)).await? {
            Some(stream) => Self::Open(plugin, Box::new(guest), stream),
            None => Self::Passing,
        };
        Ok(())
    }
}

fn too_much(plugin: &Plugin, seen: usize, limit: u64) -> Box<Fault> {
    let message = format!(
        "it made {seen} bytes of one push, expected at most {limit} (`outputBytes` and what came in)"
    );
    let fault = plugin.account().fault(Hook::Push, FaultKind::Output, message, Vec::new());
    plugin.account().report(&fault);
    fault
}

impl Output {
    fn add(&mut self, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        if self.first.is_empty() && self.rest.is_empty() {
            self.first = bytes;
            return;
        }
        if self.rest.is_empty() {
            self.rest.reserve(self.first.len() + bytes.len());
            self.rest.extend_from_slice(&std::mem::take(&mut self.first));
        }
        self.rest.extend_from_slice(&bytes);
    }

    fn len(&self) -> usize {
        self.first.len() + self.rest.len()
    }

    fn into_bytes(self) -> Bytes {
        if self.rest.is_empty() { self.first } else { self.rest.freeze() }
    }
}
