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

/// Bytes between two filters.
enum Carried<'a> {
    /// As they came, and their owner's.
    Lent(&'a [u8]),
    Own(Bytes),
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
        self.run(Carried::Own(chunk), Ending::More).await.map(Carried::into_bytes)
    }

    /// As [`FilterStream::push`] for bytes that are only lent: none if no filter changed them.
    pub async fn push_lent(&mut self, chunk: &[u8]) -> Result<Option<Bytes>, Box<Fault>> {
        Ok(match self.run(Carried::Lent(chunk), Ending::More).await? {
            Carried::Lent(_) => None,
            Carried::Own(bytes) => Some(bytes),
        })
    }

    /// Nothing came for a while: gives what was held back and need not be.
    pub async fn idle(&mut self) -> Result<Bytes, Box<Fault>> {
        self.run(Carried::Own(Bytes::new()), Ending::Idle).await.map(Carried::into_bytes)
    }

    /// The stream has ended: gives the rest. Later calls give nothing; bytes pushed later are an error.
    pub async fn finish(&mut self) -> Result<Bytes, Box<Fault>> {
        self.run(Carried::Own(Bytes::new()), Ending::Finish).await.map(Carried::into_bytes)
    }

    /// Whether every filter has said that the stream is not for it: bytes come out as they go in.
    pub fn is_transparent(&self) -> bool {
        self.dead.is_none() && !self.under_way && self.links.iter().all(|link| matches!(link, Link::Passing))
    }

    async fn run<'a>(&mut self, chunk: Carried<'a>, ending: Ending) -> Result<Carried<'a>, Box<Fault>> {
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

    async fn pass<'a>(&mut self, chunk: Carried<'a>, ending: Ending) -> Result<Carried<'a>, Box<Fault>> {
        let mut carried = chunk;
        for link in &mut self.links {
            if carried.bytes().is_empty() && ending == Ending::More {
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
    async fn pass<'a>(
        &mut self,
        facts: &Arc<StreamFacts>,
        input: Carried<'a>,
        ending: Ending,
    ) -> Result<Carried<'a>, Box<Fault>> {
        if !input.bytes().is_empty() {
            self.open(facts).await?;
        }
        let (plugin, guest, stream) = match self {
            Self::Open(plugin, guest, stream) => (&*plugin, guest, *stream),
            Self::Passing => return Ok(input),
            Self::Unopened(_) | Self::Finished(_) => return Ok(Carried::Own(Bytes::new())),
        };
        let taken = input.bytes().len();
        // What came out, once it is no longer just the beginning of the input.
        let mut output: Option<Output> = None;
        let mut passed = 0;
        for piece in input.bytes().chunks(CHUNK_MAX) {
            match (guest.push(stream, piece).await?, &mut output) {
                (types::ChunkResult::Unchanged, None) => {}
                (types::ChunkResult::Unchanged, Some(output)) => {
                    output.add(input.slice(passed..passed + piece.len()))
                }
                (types::ChunkResult::Bytes(bytes), output) => {
                    output.get_or_insert_with(|| Output::of(input.slice(0..passed))).add(bytes.into());
                }
            }
            passed += piece.len();
            let limit = plugin.spec().limits.output_bytes.saturating_add(taken as u64);
            let made = output.as_ref().map_or(passed, Output::len);
            if made as u64 > limit {
                return Err(too_much(plugin, made, limit));
            }
        }
        let rest = match ending {
            Ending::More => Vec::new(),
            Ending::Idle => guest.idle(stream).await?,
            Ending::Finish => guest.finish(stream).await?,
        };
        if !rest.is_empty() {
            output.get_or_insert_with(|| Output::of(input.slice(0..taken))).add(rest.into());
        }
        plugin.account().figures.bytes(taken, output.as_ref().map_or(taken, Output::len));
        if ending == Ending::Finish {
            *self = Self::Finished(Arc::clone(plugin));
        }
        Ok(match output {
            None => input,
            Some(output) => Carried::Own(output.into_bytes()),
        })
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

impl Carried<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Lent(bytes) => bytes,
            Self::Own(bytes) => bytes,
        }
    }

    fn slice(&self, range: std::ops::Range<usize>) -> Bytes {
        match self {
            Self::Lent(bytes) => Bytes::copy_from_slice(&bytes[range]),
            Self::Own(bytes) => bytes.slice(range),
        }
    }

    fn into_bytes(self) -> Bytes {
        match self {
            Self::Lent(bytes) => Bytes::copy_from_slice(bytes),
            Self::Own(bytes) => bytes,
        }
    }
}

impl Output {
    fn of(bytes: Bytes) -> Self {
        Self { first: bytes, rest: BytesMut::new() }
    }

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
