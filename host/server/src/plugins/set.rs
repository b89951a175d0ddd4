//! One generation of plugins.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use weir_plugin::{Engine, FilterChain, Kind, LoadError, Plugin, PolicyChain, Source, Verdict};

use super::file::{ASK_TIMEOUT, ConfigError, Entry, PluginFile};

/// Plugins that were loaded and proved together.
#[derive(Debug)]
pub(crate) struct PluginSet {
    /// Counted from 1; 0 if there is no configuration.
    pub(crate) generation: u64,
    pub(crate) ask_timeout: Duration,
    pub(crate) policies: PolicyChain,
    /// What output goes through before it is retained; none if there is nothing.
    pub(crate) ingest: Option<FilterChain>,
    pub(crate) views: BTreeMap<String, Vec<Arc<Plugin>>>,
    /// All of them, in the order of the file.
    pub(crate) plugins: Vec<Loaded>,
}

/// A plugin of a set.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) plugin: Arc<Plugin>,
    pub(crate) ingest: bool,
}

/// The components that a configuration names as files.
pub(super) fn files(file: &PluginFile) -> impl Iterator<Item = &Path> {
    file.plugins.iter().filter_map(|entry| match &entry.spec.source {
        Source::File(path) => Some(path.as_path()),
        Source::Builtin { .. } => None,
    })
}

impl PluginSet {
    /// No plugins: every command is allowed.
    pub(crate) fn none() -> Self {
        Self {
            generation: 0,
            ask_timeout: ASK_TIMEOUT,
            policies: PolicyChain { policies: Vec::new(), default: Verdict::Allow },
            ingest: None,
            views: BTreeMap::new(),
            plugins: Vec::new(),
        }
    }

    /// Whether commands are judged at all.
    pub(crate) fn judges(&self) -> bool {
        !self.policies.policies.is_empty() || self.policies.default != Verdict::Allow
    }

    /// The summary plugin of a name.
    /// The plugin that is called so, or else the first of this source (`builtin:NAME`).
    pub(crate) fn plugin(&self, name: &str) -> Option<&Arc<Plugin>> {
        let plugins = || self.plugins.iter().map(|loaded| &loaded.plugin);
        let builtin = name.strip_prefix("builtin:");
        let is_of = |plugin: &&Arc<Plugin>| matches!(&plugin.spec().source, Source::Builtin { name, .. } if Some(&**name) == builtin);
        plugins().find(|plugin| plugin.name() == name).or_else(|| plugins().find(is_of))
    }

    pub(super) async fn load(
        engine: &Engine,
        file: PluginFile,
        generation: u64,
    ) -> Result<Self, ConfigError> {
        let PluginFile { default, ask_timeout, plugins: entries, views, lines } = file;
        // All at once: what takes time is compiling, on threads of its own.
        let loads: Vec<_> = entries
            .into_iter()
            .map(|Entry { spec, ingest, at, config_at }| {
                let engine = engine.clone();
                let load = tokio::spawn(async move { Plugin::load(&engine, spec, generation).await });
                (load, ingest, at, config_at)
            })
            .collect();
        let mut plugins = Vec::new();
        let mut places = Vec::new();
        for (load, ingest, at, config_at) in loads {
            let plugin = match load.await {
                Ok(Ok(plugin)) => plugin,
                Ok(Err(failure)) => {
                    let at = if matches!(failure, LoadError::Refused { .. }) { config_at } else { at };
                    return Err(lines.fault(&at, failure.to_string()));
                }
                Err(failure) => {
                    return Err(lines.fault(&at, format!("the host failed to load it: {failure}")));
                }
            };
            plugins.push(Loaded { plugin, ingest });
            places.push(at);
        }
        let mut chains = BTreeMap::new();
        for (name, filters) in views {
            let mut chain = Vec::new();
            for filter in filters {
                let found = plugins.iter().zip(&places).find(|(loaded, _)| loaded.plugin.name() == filter);
                if let Some((loaded, at)) = found {
                    if !loaded.plugin.kinds().contains(&Kind::Filter) {
                        let message = format!("view `{name}`: expected `{filter}` to be a filter, saw none");
                        return Err(lines.fault(at, message));
                    }
                    chain.push(Arc::clone(&loaded.plugin));
                }
            }
            chains.insert(name, chain);
        }
        for (loaded, at) in plugins.iter().zip(&places) {
            let Loaded { plugin, ingest } = loaded;
            let name = plugin.name();
            let filters = plugin.kinds().contains(&Kind::Filter);
            if *ingest && !filters {
                return Err(lines.fault(at, format!("`{name}`: `ingest`: expected a filter, saw none")));
            }
            // A filter that somebody believes to be at work and is not would be worse than an error.
            let viewed = chains.values().flatten().any(|filter| Arc::ptr_eq(filter, plugin));
            if filters && !ingest && !viewed && plugin.kinds().len() == 1 {
                let message = format!(
                    "`{name}`: expected the filter to be used, saw it nowhere: set `ingest = true` or name it in a view"
                );
                return Err(lines.fault(at, message));
            }
        }
        let of = |wanted: &dyn Fn(&Loaded) -> bool| -> Vec<Arc<Plugin>> {
            plugins.iter().filter(|loaded| wanted(loaded)).map(|loaded| Arc::clone(&loaded.plugin)).collect()
        };
        let policies = of(&|loaded| loaded.plugin.kinds().contains(&Kind::Policy));
        let ingest = of(&|loaded| loaded.ingest);
        Ok(Self {
            generation,
            ask_timeout,
            policies: PolicyChain { policies, default },
            ingest: (!ingest.is_empty()).then(|| FilterChain::new(ingest)),
            views: chains,
            plugins,
        })
    }
}
