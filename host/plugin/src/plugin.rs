//! A loaded plugin.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::component::Component;

use crate::account::Account;
use crate::account::figures::Figures;
use crate::component::{Inspection, hex, inspect_as};
use crate::engine::Engine;
use crate::guest::{Blueprint, GuestTimes, NoGuest};
use crate::load_error::LoadError;
use crate::read_file::{ReadError, read_file};
use crate::spec::{Kind, PluginSpec, Source};
use crate::workers::Workers;

/// A plugin that was loaded, checked and tried out. Does not change, but for its warm instances and its figures.
/// Dropping the last handle drops the warm instances; streams that are open hold it.
pub struct Plugin {
    blueprint: Blueprint,
    workers: Workers,
    kinds: Vec<Kind>,
    inspection: Inspection,
    generation: u64,
    times: LoadTimes,
}

/// How long the parts of loading took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadTimes {
    /// Reading the file, its digest and its names.
    pub read: Duration,
    /// Compiling, or taking compiled code from the cache.
    pub compile: Duration,
    /// Whether compiled code came from the cache.
    pub cached: bool,
    /// Linking and making the first instance.
    pub instantiate: Duration,
    /// Its `init`.
    pub init: Duration,
}

/// What could be told before anything ran.
struct Prepared {
    blueprint: Blueprint,
    kinds: Vec<Kind>,
    inspection: Inspection,
    read: Duration,
    compile: Duration,
    cached: bool,
    link: Duration,
}

impl Plugin {
    /// Reads, checks, compiles and tries out a plugin: only one that could take its configuration, and whose every hook
    /// has the right types, comes back. `generation` is the caller's number for this load.
    ///
    /// Reading and compiling happen on a blocking thread; several loads run side by side. Needs a Tokio runtime with
    /// time. Dropping the future gives the load up, though compiling runs to its end.
    pub async fn load(engine: &Engine, spec: PluginSpec, generation: u64) -> Result<Arc<Self>, LoadError> {
        let engine = engine.clone();
        let name = spec.name.clone();
        let prepared = match tokio::task::spawn_blocking(move || Prepared::new(engine, spec)).await {
            Ok(prepared) => prepared?,
            Err(error) => return Err(LoadError::Compile { plugin: name, detail: error.to_string() }),
        };
        let (guest, GuestTimes { instantiate, init }) =
            prepared.blueprint.try_out(&prepared.kinds).await.map_err(|none| no_guest(name, none))?;
        let workers = Workers::new();
        if prepared.kinds.contains(&Kind::Policy) {
            workers.put_back(guest);
        }
        let Prepared { blueprint, kinds, inspection, read, compile, cached, link } = prepared;
        let times = LoadTimes { read, compile, cached, instantiate: link + instantiate, init };
        Ok(Arc::new(Self { blueprint, workers, kinds, inspection, generation, times }))
    }

    /// Its configured name.
    pub fn name(&self) -> &str {
        &self.spec().name
    }

    /// What it is used as.
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// The component's sha256 in hex.
    pub fn digest(&self) -> &str {
        &self.account().digest
    }

    /// The number of the load that it came from.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// As it was configured.
    pub fn spec(&self) -> &PluginSpec {
        &self.account().spec
    }

    /// What its component imports and exports.
    pub fn inspection(&self) -> &Inspection {
        &self.inspection
    }

    /// What it has done since it was loaded.
    pub fn figures(&self) -> Figures {
        self.account().figures.figures()
    }

    /// Whether it failed too often and is not called any more. It stays so: load it again.
    pub fn is_switched_off(&self) -> bool {
        self.account().is_switched_off()
    }

    /// How long the parts of loading took.
    pub fn load_times(&self) -> LoadTimes {
        self.times
    }

    pub(crate) fn account(&self) -> &Arc<Account> {
        &self.blueprint.account
    }

    pub(crate) fn blueprint(&self) -> &Blueprint {
        &self.blueprint
    }

    pub(crate) fn workers(&self) -> &Workers {
        &self.workers
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin")
            .field("name", &self.name())
            .field("kinds", &self.kinds)
            .field("digest", &self.digest())
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

impl Prepared {
    fn new(engine: Engine, spec: PluginSpec) -> Result<Self, LoadError> {
        let started = Instant::now();
        let bytes = read(&spec)?;
        let name = &spec.name;
        let inspection = inspect_as(name, &bytes)?;
        if let Some(pinned) =
            spec.sha256.map(|pinned| hex(&pinned)).filter(|pinned| *pinned != inspection.sha256)
        {
            let seen = inspection.sha256;
            return Err(LoadError::Digest { plugin: name.clone(), expected: pinned, seen });
        }
        inspection.check(name)?;
        let kinds = kinds(&spec, &inspection)?;
        let read = started.elapsed();

        let started = Instant::now();
        let (component, cached) = compile(&engine, name, &bytes, &inspection.sha256)?;
        let compile = started.elapsed();

        let started = Instant::now();
        let account = Arc::new(Account::new(engine, spec, inspection.sha256.clone()));
        let blueprint = Blueprint::new(account, &component, &kinds)?;
        Ok(Self { blueprint, kinds, inspection, read, compile, cached, link: started.elapsed() })
    }
}

/// The component's bytes, if it is a file of a sensible size.
fn read(spec: &PluginSpec) -> Result<std::borrow::Cow<'static, [u8]>, LoadError> {
    let limit = spec.limits.component_bytes;
    let too_large = |seen| LoadError::TooLarge { plugin: spec.name.clone(), limit, seen };
    match &spec.source {
        Source::Builtin { component, .. } if component.len() as u64 > limit => {
            Err(too_large(component.len() as u64))
        }
        Source::Builtin { component, .. } => Ok((*component).into()),
        Source::File(path) => {
            let unreadable = |detail: String| LoadError::Unreadable {
                plugin: spec.name.clone(),
                path: path.display().to_string(),
                detail,
            };
            read_file(path, limit).map(Into::into).map_err(|error| match error {
                ReadError::TooLarge(seen) => too_large(seen),
                error => unreadable(error.to_string()),
            })
        }
    }
}

/// What it is to be used as, if it can.
fn kinds(spec: &PluginSpec, inspection: &Inspection) -> Result<Vec<Kind>, LoadError> {
    let mut kinds = spec.kinds.clone().unwrap_or_else(|| inspection.kinds.clone());
    kinds.sort_unstable();
    kinds.dedup();
    if let Some(kind) = kinds.iter().find(|kind| !inspection.kinds.contains(kind)) {
        let exports = inspection.exports.iter().map(|name| format!("`{name}`")).collect();
        return Err(LoadError::MissingExport { plugin: spec.name.clone(), kind: *kind, exports });
    }
    if kinds.is_empty() {
        return Err(LoadError::NoKind { plugin: spec.name.clone() });
    }
    Ok(kinds)
}

/// Native code, from the cache or made now.
fn compile(engine: &Engine, name: &str, bytes: &[u8], digest: &str) -> Result<(Component, bool), LoadError> {
    if let Some(component) =
        engine.shared().cache.as_ref().and_then(|cache| cache.get(&engine.shared().wasm, digest))
    {
        return Ok((component, true));
    }
    let component = Component::from_binary(&engine.shared().wasm, bytes)
        .map_err(|error| LoadError::Compile { plugin: name.to_owned(), detail: format!("{error:#}") })?;
    if let Some(cache) = &engine.shared().cache {
        cache.put(&component, digest);
    }
    Ok((component, false))
}

fn no_guest(plugin: String, none: NoGuest) -> LoadError {
    match none {
        NoGuest::Mismatch { interface, detail } => LoadError::TypeMismatch { plugin, interface, detail },
        NoGuest::Grant(grant) => LoadError::Grant { plugin, path: grant.path, detail: grant.detail },
        NoGuest::Refused(failure) => {
            LoadError::Refused { plugin, code: failure.code, message: failure.message }
        }
        NoGuest::Fault(fault) => LoadError::Fault(fault),
    }
}
