//! What it costs to retain, take and read output, beside copying the same bytes once.

use std::hint::black_box;
use std::sync::Arc;
use std::task::Waker;

use bytes::Bytes;
use divan::Bencher;
use divan::counter::BytesCount;
use weir_process::{OutputLog, Retention, Store, StoreLimits, Stream};

const LARGE: usize = 64 * 1024;
const SMALL: usize = 64;

fn main() {
    divan::main();
}

fn open() -> Arc<OutputLog> {
    Store::new(StoreLimits::default()).open(Retention::default(), &[Stream::Stdout, Stream::Stderr])
}

fn full(size: usize) -> Arc<OutputLog> {
    let log = open();
    let bytes = vec![7; size];
    while log.status().dropped_bytes == 0 {
        log.append(Stream::Stdout, &bytes);
    }
    log
}

/// The floor: the bytes copied into memory that is there.
#[divan::bench(args = [SMALL, LARGE])]
fn memcpy(bencher: Bencher<'_, '_>, size: usize) {
    let source = vec![7_u8; size];
    let mut target = vec![0_u8; size];
    bencher
        .counter(BytesCount::new(size))
        .bench_local(|| black_box(&mut target).copy_from_slice(black_box(&source)));
}

/// The floor of a log of exact copies: an allocation and a copy, kept for as long as a full log would.
#[divan::bench(args = [SMALL, LARGE])]
fn copy_into_a_ring(bencher: Bencher<'_, '_>, size: usize) {
    let source = vec![7_u8; size];
    let count = ((16 << 20) / size).min(50_000);
    let mut ring: Vec<Bytes> = (0..count).map(|_| Bytes::copy_from_slice(&source)).collect();
    let mut next = 0;
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        ring[next] = Bytes::copy_from_slice(black_box(&source));
        next = (next + 1) % count;
    });
}

#[divan::bench(args = [SMALL, LARGE])]
fn append_with_overflow(bencher: Bencher<'_, '_>, size: usize) {
    let source = vec![7_u8; size];
    let log = full(size);
    bencher.counter(BytesCount::new(size)).bench_local(|| log.append(Stream::Stdout, black_box(&source)));
}

#[divan::bench(args = [SMALL, LARGE])]
fn append_whole_characters(bencher: Bencher<'_, '_>, size: usize) {
    let source = "a€".repeat(size / 4).into_bytes();
    let store = Store::new(StoreLimits::default());
    let log = store.open(Retention { whole_characters: true, ..Retention::default() }, &[Stream::Stdout]);
    bencher.counter(BytesCount::new(size)).bench_local(|| log.append(Stream::Stdout, black_box(&source)));
}

/// Over the bound of the store, with 100 logs that share it.
#[divan::bench(args = [SMALL, LARGE])]
fn append_under_store_pressure(bencher: Bencher<'_, '_>, size: usize) {
    let source = vec![7_u8; size];
    let store = Store::new(StoreLimits { max_bytes: 32 << 20 });
    let logs: Vec<_> = (0..100).map(|_| store.open(Retention::default(), &[Stream::Stdout])).collect();
    for log in &logs {
        log.append(Stream::Stdout, &vec![7; 1 << 20]);
    }
    let mut next = 0;
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        logs[next].append(Stream::Stdout, black_box(&source));
        next = (next + 1) % logs.len();
    });
}

/// One chunk in, one event out.
#[divan::bench(args = [SMALL, LARGE])]
fn append_and_follow(bencher: Bencher<'_, '_>, size: usize) {
    let source = vec![7_u8; size];
    let log = full(size);
    log.follow(Waker::noop().clone());
    let mut events = Vec::new();
    while log.next_events(1 << 20, &mut events) {
        events.clear();
    }
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        log.append(Stream::Stdout, black_box(&source));
        events.clear();
        log.next_events(1 << 20, &mut events)
    });
}

/// A full log taken from its beginning, 256 KiB a turn.
#[divan::bench(args = [SMALL, LARGE])]
fn follower_drain(bencher: Bencher<'_, '_>, size: usize) {
    let log = full(size);
    let mut events = Vec::new();
    bencher.counter(BytesCount::new(log.status().retained_bytes)).bench_local(|| {
        log.follow(Waker::noop().clone());
        while log.next_events(256 << 10, &mut events) {
            events.clear();
        }
        events.clear();
    });
}

/// 64 KiB from anywhere, the gap included.
#[divan::bench(args = [SMALL, LARGE])]
fn read_at_random_cursors(bencher: Bencher<'_, '_>, size: usize) {
    let log = full(size);
    let end = log.status().next_seq;
    let mut seed = 1_u64;
    bencher.counter(BytesCount::new(LARGE)).bench_local(|| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        log.read((seed >> 33) % end, Some(LARGE as u64))
    });
}
