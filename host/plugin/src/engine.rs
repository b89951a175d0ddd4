//! The engine: what all plugins of a host share.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::component::Linker;
use wasmtime::{Config, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::Fault;
use crate::guest::state::GuestState;
use crate::masks::Masks;
use compiled::CompiledCache;
use ticker::Ticker;

pub(crate) mod compiled;
pub(crate) mod ticker;

/// Instances that the pool has room for: a hundred processes with two streams and three filters each, and the warm
/// instances of policies. Costs address space alone (4 GiB each), no memory before an instance lives.
const POOL_SLOTS: u32 = 1024;
/// What a guest may have on its stack. A frame more is a trap, not a crash.
const WASM_STACK: usize = 512 << 10;
/// A fiber's stack: the guest's and the host functions above it.
const FIBER_STACK: usize = 2 << 20;

/// What the engine needs to know.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Where compiled code is kept between runs; made with mode 0700 if it is not there. `None`: it is not kept.
    /// A directory that belongs to somebody else, or that others can look into, is not used.
    pub cache: Option<PathBuf>,
    /// How many different masks are remembered.
    pub masks_max: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { cache: None, masks_max: 10_000 }
    }
}

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The runtime refused every way of reserving memory.
    #[error("cannot set up the WebAssembly runtime: {detail}")]
    Runtime {
        /// What the runtime said.
        detail: String,
    },
    /// No thread for the ticker.
    #[error("cannot start the thread that interrupts plugins: {0}")]
    Thread(#[source] std::io::Error),
}

/// How important a guest finds a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For whoever debugs the plugin.
    Trace,
    /// As above, but less of it.
    Debug,
    /// What it wrote to its standard output goes here as well.
    Info,
    /// What it wrote to its standard error goes here as well.
    Warn,
    /// Something is broken.
    Error,
}

/// Who wants to know of faults and lines. Called at once, from within calls of plugins: must not block.
pub trait Observer: Send + Sync {
    /// A plugin failed. Not called for [`FaultKind::SwitchedOff`](crate::FaultKind::SwitchedOff): the third fault was
    /// reported already.
    fn fault(&self, fault: &Fault);
    /// A plugin wrote a line; without its line end, at most 4 KiB. At most 100 per call; what is more is counted, and
    /// the count is a line.
    fn log(&self, plugin: &str, level: Level, line: &str);
}

/// How instances come to their memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allocation {
    /// From a pool of address space that is reserved at the start. The fastest, and the usual one.
    Pool,
    /// Each for itself, with address space reserved so that no access needs a check.
    OnDemand,
    /// Each for itself, small: where address space is limited (`ulimit -v`). Guests run a little slower.
    Small,
}

/// The WebAssembly engine with everything that plugins share: the compile cache, the masks, the thread that interrupts.
/// Cheap to clone. Dropping the last clone, which plugins hold too, ends the thread.
#[derive(Clone)]
pub struct Engine(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) wasm: wasmtime::Engine,
    pub(crate) linker: Linker<GuestState>,
    pub(crate) ticker: Ticker,
    pub(crate) cache: Option<CompiledCache>,
    pub(crate) masks: Masks,
    pub(crate) salt: u64,
    pub(crate) observer: Arc<dyn Observer>,
    allocation: Allocation,
    start_time: Duration,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("allocation", &self.0.allocation).finish_non_exhaustive()
    }
}

impl Engine {
    /// Sets the runtime up; 3-4 ms, most of it for the guards of the pool's stacks. Where address space is short it takes less of it instead of failing.
    pub fn new(options: EngineOptions, observer: Arc<dyn Observer>) -> Result<Self, EngineError> {
        let started = Instant::now();
        let (wasm, allocation) = runtime()?;
        let linker = crate::guest::host::linker(&wasm)
            .map_err(|error| EngineError::Runtime { detail: format!("{error:#}") })?;
        let ticker = Ticker::start(&wasm).map_err(EngineError::Thread)?;
        Ok(Self(Arc::new(Shared {
            cache: options.cache.and_then(|directory| CompiledCache::open(directory, &wasm)),
            wasm,
            linker,
            ticker,
            masks: Masks::new(options.masks_max),
            // The standard library's keys come from the system's randomness; nothing else is to be had of them.
            salt: RandomState::new().build_hasher().finish(),
            observer,
            allocation,
            start_time: started.elapsed(),
        })))
    }

    /// The masks that filters have made.
    pub fn masks(&self) -> &Masks {
        &self.0.masks
    }

    /// How instances come to their memory on this machine.
    pub fn allocation(&self) -> Allocation {
        self.0.allocation
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.0
    }

    /// How long it took to set up.
    pub fn start_time(&self) -> Duration {
        self.0.start_time
    }
}

/// The first way of reserving memory that the machine lets us have.
fn runtime() -> Result<(wasmtime::Engine, Allocation), EngineError> {
    let mut ways = &[Allocation::Pool, Allocation::OnDemand, Allocation::Small][..];
    if address_space().is_some() {
        // One instance on demand may well fit where the second does not: with a limit only the small way is sure.
        ways = &[Allocation::Small];
    }
    let mut detail = String::new();
    for way in ways {
        match wasmtime::Engine::new(&config(*way)) {
            Ok(engine) => return Ok((engine, *way)),
            Err(error) => detail = format!("{error:#}"),
        }
    }
    Err(EngineError::Runtime { detail })
}

/// The limit of this process's address space, where there is one that matters.
fn address_space() -> Option<u64> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::As).current?;
    let needed = u64::from(POOL_SLOTS) * (4 << 30) * 2;
    (limit < needed).then_some(limit)
}

fn config(allocation: Allocation) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .concurrency_support(false)
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(FIBER_STACK)
        .wasm_memory64(false)
        .wasm_relaxed_simd(false)
        .wasm_component_model(true);
    match allocation {
        Allocation::Pool => {
            config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
        }
        Allocation::OnDemand => {
            config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
        }
        Allocation::Small => {
            // Memories move when they outgrow what is reserved.
            config
                .allocation_strategy(InstanceAllocationStrategy::OnDemand)
                .memory_reservation(4 << 20)
                .memory_reservation_for_growth(16 << 20)
                .memory_guard_size(64 << 10)
                .guard_before_linear_memory(false)
                .memory_may_move(true);
        }
    }
    config
}

fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    // A component of Rust has three core instances and two tables: its own, and those of the adapter's shim. Ones that
    // are linked from parts have more, and interpreters have large tables.
    pool.total_component_instances(POOL_SLOTS)
        .total_memories(POOL_SLOTS)
        .total_stacks(POOL_SLOTS)
        .total_core_instances(POOL_SLOTS * 8)
        .total_tables(POOL_SLOTS * 4)
        .max_tables_per_module(4)
        .table_elements(32_768)
        .max_memories_per_module(2)
        .max_core_instance_size(4 << 20)
        .max_component_instance_size(4 << 20)
        // Slots that are free keep nothing resident: what an idle host holds is what lives in it.
        .max_unused_warm_slots(64);
    pool
}
