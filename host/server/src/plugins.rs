//! The plugins of a host: what its configuration file says, loaded and proved, and replaced when it changes.
//!
//! A [`PluginSet`] never changes; whoever has one keeps it. A change of the configuration or of a component makes a new
//! set of the next generation, which takes the place of the old one only if all of it was proved.

pub(crate) mod bundled;
pub(crate) mod file;
pub(crate) mod locate;
mod misfit;
mod set;
mod stamp;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, Weak};
use std::time::Duration;

use tokio::sync::Mutex as AsyncMutex;
use tokio::task::spawn_blocking;
use tracing::{error, info};
use weir_plugin::{Engine, EngineOptions, Fault, Level, Observer};
use weir_protocol::Event;

use self::file::ConfigError;
pub(crate) use self::set::{Loaded, PluginSet};
use self::stamp::Stamps;
use crate::convert;
use crate::outbox::{Notice, Outbox};

/// The plugins of a host.
#[derive(Debug)]
pub(crate) struct Plugins {
    /// None: no plugins, every command is allowed.
    file: Option<PathBuf>,
    cache: Option<PathBuf>,
    engine: OnceLock<Engine>,
    /// Held to look at or to replace what is in it, never over an await.
    standing: RwLock<Standing>,
    /// Held while a set is loaded: one at a time.
    loading: AsyncMutex<Loading>,
    watchers: Arc<Watchers>,
    pub(crate) counts: Counts,
}

/// How long a configuration has to stay as it is before it is read.
const SETTLE: Duration = Duration::from_millis(50);
/// How often that is waited for.
const SETTLE_ROUNDS: u32 = 40;

/// What holds at this moment.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    /// None: there should be one, and nothing may run until there is.
    pub(crate) set: Option<Arc<PluginSet>>,
    /// Why there is none, or no newer one.
    pub(crate) failure: Option<Arc<ConfigError>>,
}

/// What has been asked and done.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) allowed: AtomicU64,
    pub(crate) denied: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) asked: AtomicU64,
    pub(crate) spawns: AtomicU64,
}

#[derive(Debug, Default)]
struct Loading {
    /// The files as they were when they were read; none before the first time.
    stamps: Option<Stamps>,
    generation: u64,
}

impl Plugins {
    /// Nothing is read or loaded yet.
    pub(crate) fn new(file: Option<PathBuf>, cache: Option<PathBuf>) -> Self {
        let set = match file {
            Some(_) => None,
            None => Some(Arc::new(PluginSet::none())),
        };
        Self {
            file,
            cache,
            engine: OnceLock::new(),
            standing: RwLock::new(Standing { set, failure: None }),
            loading: AsyncMutex::default(),
            watchers: Arc::default(),
            counts: Counts::default(),
        }
    }

    /// The configuration file, if there is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// What holds, without looking whether a file has changed.
    pub(crate) fn standing(&self) -> Standing {
        self.standing.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The plugins that hold now. Loads them first if that was not done yet or if a file has changed since.
    ///
    /// # Errors
    ///
    /// If there is a configuration file and no set of it was ever proved.
    pub(crate) async fn current(&self) -> Result<Arc<PluginSet>, Arc<ConfigError>> {
        if let Some(file) = &self.file {
            let mut loading = self.loading.lock().await;
            if loading.stamps.as_ref().is_none_or(Stamps::have_changed) {
                self.load(file, &mut loading).await;
            }
        }
        let Standing { set, failure } = self.standing();
        match (set, failure) {
            (Some(set), _) => Ok(set),
            (None, Some(failure)) => Err(failure),
            (None, None) => Err(Arc::new(ConfigError {
                file: self.file.clone().unwrap_or_default(),
                line: None,
                message: "the plugins are not loaded".to_owned(),
            })),
        }
    }

    /// Loads everything anew, changed or not.
    ///
    /// # Errors
    ///
    /// If something does not load. What was there before stays.
    pub(crate) async fn reload(&self) -> Result<Arc<PluginSet>, Arc<ConfigError>> {
        if let Some(file) = &self.file {
            let mut loading = self.loading.lock().await;
            self.load(file, &mut loading).await;
        }
        let Standing { set, failure } = self.standing();
        match (failure, set) {
            (Some(failure), _) => Err(failure),
            (None, Some(set)) => Ok(set),
            (None, None) => self.current().await,
        }
    }

    async fn load(&self, file: &Path, loading: &mut Loading) {
        let first = loading.stamps.is_none();
        let generation = loading.generation + 1;
        // Taken before the files are read: a change while they are being read is seen the next time.
        let settled = settled(file).await;
        let mut stamps = Stamps::of([file]);
        let read = settled.and_then(|()| file::read(file));
        let loaded = match read {
            Ok(read) => {
                stamps.add(set::files(&read));
                match self.engine().await {
                    Ok(engine) => PluginSet::load(&engine, read, generation).await,
                    Err(message) => Err(ConfigError { file: file.to_owned(), line: None, message }),
                }
            }
            Err(failure) => Err(failure),
        };
        loading.stamps = Some(stamps);
        let told = match loaded {
            Ok(set) => {
                loading.generation = generation;
                info!(generation, file = %file.display(), "plugins loaded");
                self.replace(Standing { set: Some(Arc::new(set)), failure: None });
                None
            }
            Err(failure) => {
                error!(target: "weir::loading", %failure, "the plugins are not loaded");
                let set = self.standing().set;
                let message = failure.to_string();
                self.replace(Standing { set, failure: Some(Arc::new(failure)) });
                Some(message)
            }
        };
        if !first {
            self.watchers
                .tell(|| Event::PluginsReloaded { generation: loading.generation, failure: told.clone() });
        }
    }

    fn replace(&self, standing: Standing) {
        let before =
            std::mem::replace(&mut *self.standing.write().unwrap_or_else(PoisonError::into_inner), standing);
        // Freeing compiled code takes time: not under the lock.
        drop(before);
    }

    /// The engine, made when the first plugin is loaded: a host without plugins does without.
    async fn engine(&self) -> Result<Engine, String> {
        if let Some(engine) = self.engine.get() {
            return Ok(engine.clone());
        }
        let options = EngineOptions { cache: self.cache.clone(), ..EngineOptions::default() };
        let observer = Arc::clone(&self.watchers);
        let made = spawn_blocking(move || Engine::new(options, observer)).await;
        match made {
            Ok(Ok(engine)) => Ok(self.engine.get_or_init(|| engine).clone()),
            Ok(Err(failure)) => Err(format!("the engine for plugins does not start: {failure}")),
            Err(failure) => Err(format!("the engine for plugins does not start: {failure}")),
        }
    }

    /// The first mask in `texts` that a filter has put in the place of a secret.
    pub(crate) fn mask_in<'t>(&self, texts: impl IntoIterator<Item = &'t str>) -> Option<String> {
        let masks = self.engine.get()?.masks();
        texts.into_iter().find_map(|text| masks.find_in(text))
    }

    /// Tells a client of faults and of new generations from now on.
    pub(crate) fn watch(&self, outbox: &Arc<Outbox>) {
        self.watchers.lock().push(Arc::downgrade(outbox));
    }
}

/// Waits until the file has not been written to for a while: half of it would be other rules.
async fn settled(file: &Path) -> Result<(), ConfigError> {
    for _ in 0..SETTLE_ROUNDS {
        let written = std::fs::metadata(file).and_then(|found| found.modified());
        // A file that cannot be looked at, or that comes from the future, is not waited for.
        let age = written.ok().and_then(|written| written.elapsed().ok());
        match age.and_then(|age| SETTLE.checked_sub(age)) {
            None => return Ok(()),
            Some(left) => tokio::time::sleep(left).await,
        }
    }
    let message = "is being written to all the time".to_owned();
    Err(ConfigError { file: file.to_owned(), line: None, message })
}

/// The clients that are told of faults.
#[derive(Debug, Default)]
struct Watchers(Mutex<Vec<Weak<Outbox>>>);

impl Watchers {
    /// Tells everyone who is still there.
    fn tell(&self, event: impl Fn() -> Event) {
        let mut watchers = self.lock();
        watchers.retain(|outbox| match outbox.upgrade() {
            Some(outbox) => {
                outbox.notify(Notice::Event(Box::new(event())));
                true
            }
            None => false,
        });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Outbox>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Watchers {
    fn fault(&self, fault: &Fault) {
        error!(
            plugin = fault.plugin,
            hook = fault.hook.word(),
            kind = fault.kind.word(),
            message = fault.message,
            "a plugin failed"
        );
        self.tell(|| Event::PluginFault(convert::plugin_fault(fault)));
    }

    fn log(&self, plugin: &str, level: Level, line: &str) {
        match level {
            Level::Trace => tracing::trace!(target: "weir::guest", plugin, "{line}"),
            Level::Debug => tracing::debug!(target: "weir::guest", plugin, "{line}"),
            Level::Info => tracing::info!(target: "weir::guest", plugin, "{line}"),
            Level::Warn => tracing::warn!(target: "weir::guest", plugin, "{line}"),
            Level::Error => tracing::error!(target: "weir::guest", plugin, "{line}"),
        }
    }
}

impl Counts {
    pub(crate) fn one(counter: &AtomicU64) {
        // Figures that guard nothing.
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
