//! What it costs to search a gibibyte of output, in memory and on disk.

use std::sync::Arc;
use std::time::Duration;

use divan::Bencher;
use divan::counter::BytesCount;
use weir_process::{
    OutputLog, Overflow, Pattern, Query, Retention, Spill, SpillOptions, Store, StoreLimits, Stream, search,
};

const SIZE: u64 = 1 << 30;

fn main() {
    divan::main();
}

/// A log of a gibibyte of lines as a build prints them.
fn log(spill: Option<&Arc<Spill>>) -> Arc<OutputLog> {
    let store = Store::with_spill(StoreLimits { max_bytes: 2 * SIZE }, spill.cloned());
    let retention =
        |max_bytes, overflow| Retention { max_bytes, max_chunks: 1 << 20, overflow, ..Retention::default() };
    let log = match spill {
        Some(_) => {
            store.open_spilling(retention(16 << 20, Overflow::Spill), &[Stream::Stdout]).expect("a file")
        }
        None => store.open(retention(2 * SIZE, Overflow::DropOldest), &[Stream::Stdout]),
    };
    let mut piece = Vec::new();
    let mut line = 0_u64;
    while log.status().total_bytes < SIZE {
        piece.clear();
        while piece.len() < 64 * 1024 {
            line += 1;
            piece.extend_from_slice(
                format!("[{line:>9}] Compiling some-crate v1.2.{line} (target)\n").as_bytes(),
            );
        }
        log.append(Stream::Stdout, &piece);
        while log.disk_turn() {}
    }
    log
}

fn run(bencher: Bencher<'_, '_>, pattern: &str, spill: Option<&Arc<Spill>>) {
    let log = log(spill);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let query = Query {
        pattern: Pattern::new(pattern, false).expect("a pattern"),
        after_seq: 0,
        offsets: [0; 3],
        max_matches: 100,
        max_bytes: 8 << 20,
        context_lines: 0,
        time: Duration::from_secs(60),
    };
    bencher.counter(BytesCount::new(log.status().total_bytes)).bench_local(|| {
        let found = runtime.block_on(search(Arc::clone(&log), query.clone()));
        assert!(found.stopped.is_none() && found.searched_bytes >= SIZE, "{found:?}");
    });
}

/// A word that is not there, one with a class in it, and one that matches nowhere but nearly.
const PATTERNS: [&str; 3] = ["error: aborting", r"error\[E\d{4}\]", r"(?i)compiling .* FAILED$"];

#[divan::bench(args = PATTERNS, sample_count = 3, sample_size = 1)]
fn in_memory(bencher: Bencher<'_, '_>, pattern: &str) {
    run(bencher, pattern, None);
}

#[divan::bench(args = PATTERNS, sample_count = 3, sample_size = 1)]
fn on_disk(bencher: Bencher<'_, '_>, pattern: &str) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let spill = Spill::new(SpillOptions {
        directory: directory.path().join("spill"),
        max_bytes_per_process: 4 * SIZE,
        max_bytes_total: 4 * SIZE,
    });
    run(bencher, pattern, Some(&spill));
}
