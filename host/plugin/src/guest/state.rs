//! What a store holds beside the guest: its limits, what it is lent, and the blame if something goes wrong.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use wasmtime::ResourceLimiter;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use super::log::{SharedLog, Sink, Standard};
use crate::account::Account;
use crate::fault::FaultKind;
use crate::filter::StreamFacts;
use crate::policy::Invocation;
use crate::summary::RetainedOutput;

/// Resources of the host that an instance may hold at once: streams, descriptors, pollables.
const TABLE_MAX: usize = 1024;
/// Elements that the tables of an instance may grow to, together.
const TABLE_ELEMENTS_MAX: usize = 1 << 20;
/// Random bytes that are given at once.
const RANDOM_MAX: u64 = 1 << 20;

pub(crate) struct GuestState {
    pub(crate) account: Arc<Account>,
    pub(crate) memory: Memory,
    pub(crate) log: SharedLog,
    pub(crate) lent: Lent,
    /// Set by whoever ends a call from within; wins over what the runtime makes of it.
    pub(crate) blame: Option<(FaultKind, String)>,
    /// Ticks that the guest was seen running in this call, and those that it may.
    pub(crate) ticks: u32,
    pub(crate) ticks_max: u32,
    /// Whether it gave way because of a tick, and not because it waits.
    pub(crate) yielded: Arc<AtomicBool>,
    table: ResourceTable,
    wasi: WasiCtx,
}

/// What a guest may ask about in its current call. The handle that it has says only that it has one.
pub(crate) enum Lent {
    Nothing,
    Invocation(Invocation),
    Stream(Arc<StreamFacts>),
    Retained(Arc<dyn RetainedOutput>),
}

/// A directory that was granted and cannot be opened.
#[derive(Debug)]
pub(crate) struct GrantError {
    pub(crate) path: String,
    pub(crate) detail: String,
}

impl GuestState {
    pub(crate) fn new(account: Arc<Account>) -> Result<Self, GrantError> {
        let log = SharedLog::new(&account.spec.name, Arc::clone(&account.engine.shared().observer));
        let mut wasi = WasiCtxBuilder::new();
        wasi.stdout(Sink(log.clone(), Standard::Output))
            .stderr(Sink(log.clone(), Standard::Error))
            .max_random_size(RANDOM_MAX)
            .allow_tcp(false)
            .allow_udp(false);
        for directory in &account.spec.grants.read {
            let path = directory.to_string_lossy();
            wasi.preopened_dir(directory, &path, FsPerms::ReadOnly).map_err(|error| GrantError {
                path: path.clone().into_owned(),
                detail: format!("{error:#}"),
            })?;
        }
        let mut table = ResourceTable::new();
        table.set_max_capacity(TABLE_MAX);
        Ok(Self {
            memory: Memory::new(account.spec.limits.memory_bytes),
            account,
            log,
            lent: Lent::Nothing,
            blame: None,
            ticks: 0,
            ticks_max: 0,
            yielded: Arc::default(),
            table,
            wasi: wasi.build(),
        })
    }
}

impl WasiView for GuestState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// Sums up what all memories of an instance take, and remembers that it refused: the guest itself then breaks down
/// somewhere else, with an error of its own.
#[derive(Debug)]
pub(crate) struct Memory {
    max: u64,
    used: u64,
    elements: usize,
    refused: Option<String>,
}

impl Memory {
    fn new(max: u64) -> Self {
        Self { max, used: 0, elements: 0, refused: None }
    }

    pub(crate) fn forget_refusal(&mut self) {
        self.refused = None;
    }

    pub(crate) fn refusal(&mut self) -> Option<String> {
        self.refused.take()
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let used = self.used + (desired.saturating_sub(current)) as u64;
        if used > self.max {
            let max = self.max;
            self.refused =
                Some(format!("it wanted {used} bytes of memory, expected at most {max} (`memoryBytes`)"));
            return Ok(false);
        }
        self.used = used;
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let elements = self.elements + desired.saturating_sub(current);
        if elements > TABLE_ELEMENTS_MAX {
            self.refused =
                Some(format!("it wanted {elements} table elements, expected at most {TABLE_ELEMENTS_MAX}"));
            return Ok(false);
        }
        self.elements = elements;
        Ok(true)
    }
}
