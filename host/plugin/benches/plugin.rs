//! What plugins cost: a verdict, a chunk through a filter, an instance, a load.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a bench that cannot go on has nothing to tell but that"
)]

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use tokio::runtime::Runtime;
use weir_plugin::{
    Channel, Command, Context, Engine, EngineOptions, Facts, Fault, FilterChain, Level, Observer, Plugin,
    PluginSpec, PolicyChain, Source, StreamFacts, Verdict,
};

const CHUNK: usize = 64 << 10;

fn main() {
    divan::main();
}

struct Deaf;

impl Observer for Deaf {
    fn fault(&self, fault: &Fault) {
        panic!("{fault}");
    }

    fn log(&self, _: &str, _: Level, _: &str) {}
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
});

static CACHE: LazyLock<PathBuf> =
    LazyLock::new(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench-compiled-plugins"));

fn engine(cache: Option<PathBuf>) -> Engine {
    Engine::new(EngineOptions { cache, ..EngineOptions::default() }, Arc::new(Deaf)).unwrap()
}

static ENGINE: LazyLock<Engine> = LazyLock::new(|| engine(Some(CACHE.clone())));

fn spec(fixture: &str, config: &str) -> PluginSpec {
    let path = format!("{}/../../plugins/prebuilt/fixture-{fixture}.wasm", env!("CARGO_MANIFEST_DIR"));
    PluginSpec { config: config.to_owned(), ..PluginSpec::new(fixture, Source::File(path.into())) }
}

fn load(engine: &Engine, fixture: &str, config: &str) -> Arc<Plugin> {
    RUNTIME.block_on(Plugin::load(engine, spec(fixture, config), 1)).unwrap()
}

fn facts() -> Arc<StreamFacts> {
    Arc::new(StreamFacts {
        process_id: String::from("p1"),
        channel: Channel::Stdout,
        argv: vec![String::from("make")],
        cwd: String::from("/"),
        env: Arc::default(),
        view: false,
        metadata: Vec::new(),
    })
}

/// A verdict of one policy on a warm instance, for a command of ten words.
#[divan::bench]
fn check(bencher: Bencher<'_, '_>) {
    let policy = load(&ENGINE, "verdict", r#"{"*": {"verdict": "allow"}}"#);
    let chain = PolicyChain { policies: vec![Arc::clone(&policy)], default: Verdict::Ask };
    let argv = "cargo test --workspace --locked --no-fail-fast -- --nocapture one two three".split(' ');
    let command =
        Command { argv: argv.map(str::to_owned).collect(), cwd: String::from("/work"), env: Vec::new() };
    let context =
        Context { session: String::from("s1"), client: String::from("bench"), ..Context::default() };
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| {
        let ruling = RUNTIME.block_on(chain.decide(command.clone(), &context, &|_| Facts::default(), false));
        assert_eq!(ruling.verdict, Verdict::Allow);
    });
    let figures = policy.figures();
    eprintln!("check: {} calls, p50 {:?}, p99 {:?}", figures.calls, figures.p50, figures.p99);
}

/// 64 KiB into a filter and out again: copied both ways, and given back as they are.
#[divan::bench(args = [r#"{"copy":true}"#, "{}"])]
fn push(bencher: Bencher<'_, '_>, config: &str) {
    let plugin = load(&ENGINE, "identity", config);
    let mut stream = FilterChain::new(vec![plugin]).open(facts());
    let chunk = Bytes::from(vec![b'x'; CHUNK]);
    bencher.counter(BytesCount::new(CHUNK)).bench_local(|| {
        let given = RUNTIME.block_on(stream.push(chunk.clone())).unwrap();
        assert_eq!(given.len(), CHUNK);
    });
}

/// The same bytes copied twice by the processor: what a push costs at least.
#[divan::bench]
fn copy_twice(bencher: Bencher<'_, '_>) {
    let chunk = vec![b'x'; CHUNK];
    let (mut once, mut twice) = (vec![0; CHUNK], vec![0; CHUNK]);
    bencher.counter(BytesCount::new(CHUNK)).bench_local(|| {
        divan::black_box(&mut once[..]).copy_from_slice(divan::black_box(&chunk));
        divan::black_box(&mut twice[..]).copy_from_slice(divan::black_box(&once));
    });
}

/// A stream from its first byte to its end: an instance, `init`, `open`, a push of a byte, `finish`.
#[divan::bench]
fn stream(bencher: Bencher<'_, '_>) {
    let chain = FilterChain::new(vec![load(&ENGINE, "identity", "{}")]);
    let facts = facts();
    bencher.bench_local(|| {
        RUNTIME.block_on(async {
            let mut stream = chain.open(Arc::clone(&facts));
            stream.push(Bytes::from_static(b"x")).await.unwrap();
            stream.finish().await.unwrap();
        });
    });
}

/// From a file to a plugin that was tried out, with compiled code from the cache.
#[divan::bench]
fn load_cached(bencher: Bencher<'_, '_>) {
    load(&ENGINE, "verdict", "{}");
    bencher.bench_local(|| assert!(load(&ENGINE, "verdict", "{}").load_times().cached));
}

/// The same with compiling.
#[divan::bench(sample_count = 10)]
fn load_cold(bencher: Bencher<'_, '_>) {
    let engine = engine(None);
    bencher.bench_local(|| assert!(!load(&engine, "verdict", "{}").load_times().cached));
}

/// An engine alone.
#[divan::bench]
fn engine_new(bencher: Bencher<'_, '_>) {
    bencher.bench_local(|| engine(None));
}

/// What a host does at its start: an engine, and five plugins side by side from the cache.
#[divan::bench]
fn start_with_five_plugins(bencher: Bencher<'_, '_>) {
    let fixtures = ["verdict", "rewrite", "upper", "count", "env"];
    let configs = [r"{}", r#"{"from": "ls"}"#, "{}", "{}", "{}"];
    let start = || {
        let engine = engine(Some(CACHE.clone()));
        RUNTIME.block_on(async {
            let loads: Vec<_> = fixtures
                .iter()
                .zip(configs)
                .map(|(fixture, config)| {
                    let (engine, spec) = (engine.clone(), spec(fixture, config));
                    tokio::spawn(async move { Plugin::load(&engine, spec, 1).await.unwrap() })
                })
                .collect();
            for load in loads {
                load.await.unwrap();
            }
        });
    };
    start();
    bencher.bench_local(start);
}
