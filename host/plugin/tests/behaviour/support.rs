//! What the tests share: an engine with an observer that remembers, and short ways to load fixtures.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use weir_plugin::{
    Command, Context, Engine, EngineOptions, Facts, Fault, Level, LoadError, Observer, Plugin, PluginSpec,
    PolicyChain, Ruling, Source, StreamFacts, Verdict,
};

/// Remembers what it was told.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) faults: Mutex<Vec<Fault>>,
    pub(crate) lines: Mutex<Vec<(String, Level, String)>>,
}

impl Observer for Told {
    fn fault(&self, fault: &Fault) {
        self.faults.lock().unwrap().push(fault.clone());
    }

    fn log(&self, plugin: &str, level: Level, line: &str) {
        self.lines.lock().unwrap().push((plugin.to_owned(), level, line.to_owned()));
    }
}

pub(crate) struct Host {
    pub(crate) engine: Engine,
    pub(crate) told: Arc<Told>,
}

impl Host {
    /// With a cache that all tests of this binary share, and that the next run finds.
    pub(crate) fn new() -> Self {
        Self::with_cache(Some(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("compiled-plugins")))
    }

    pub(crate) fn with_cache(cache: Option<PathBuf>) -> Self {
        let told = Arc::new(Told::default());
        let options = EngineOptions { cache, ..EngineOptions::default() };
        Self { engine: Engine::new(options, told.clone()).unwrap(), told }
    }

    pub(crate) async fn load(&self, spec: PluginSpec) -> Arc<Plugin> {
        let name = spec.name.clone();
        self.try_load(spec).await.unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) async fn try_load(&self, spec: PluginSpec) -> Result<Arc<Plugin>, LoadError> {
        Plugin::load(&self.engine, spec, 1).await
    }

    /// A fixture with this configuration, and everything else as by default.
    pub(crate) async fn fixture(&self, fixture: &str, config: &str) -> Arc<Plugin> {
        self.load(spec(fixture, config)).await
    }

    pub(crate) fn faults(&self) -> Vec<Fault> {
        self.told.faults.lock().unwrap().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.told.lines.lock().unwrap().iter().map(|(_, _, line)| line.clone()).collect()
    }
}

pub(crate) fn prebuilt(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../../plugins/prebuilt/{name}.wasm"))
}

pub(crate) fn spec(fixture: &str, config: &str) -> PluginSpec {
    let source = Source::File(prebuilt(&format!("fixture-{fixture}")));
    PluginSpec { config: config.to_owned(), ..PluginSpec::new(fixture, source) }
}

pub(crate) fn command(words: &str) -> Command {
    Command { argv: words.split(' ').map(str::to_owned).collect(), cwd: "/work".to_owned(), env: Vec::new() }
}

pub(crate) fn context() -> Context {
    Context { session: "s1".into(), client: "test".into(), interactive: true, ..Context::default() }
}

pub(crate) fn no_facts(_: &Command) -> Facts {
    Facts::default()
}

/// A chain whose default is an ask, so that it differs from every verdict that tests look for.
pub(crate) fn chain(policies: &[&Arc<Plugin>]) -> PolicyChain {
    PolicyChain {
        policies: policies.iter().map(|plugin| Arc::clone(plugin)).collect(),
        default: Verdict::Ask,
    }
}

pub(crate) async fn decide(policies: &[&Arc<Plugin>], words: &str) -> Ruling {
    chain(policies).decide(command(words), &context(), &no_facts, false).await
}

pub(crate) fn stream_facts() -> Arc<StreamFacts> {
    Arc::new(StreamFacts {
        process_id: "p1".into(),
        channel: weir_plugin::Channel::Stdout,
        argv: vec!["cat".into(), "file".into()],
        cwd: "/work".into(),
        env: Arc::new(vec![("HOME".into(), "/root".into()), ("API_TOKEN".into(), "t0k3n".into())]),
        view: false,
        metadata: vec![("ticket".into(), "42".into())],
    })
}
