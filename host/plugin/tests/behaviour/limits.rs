//! What it costs when there is much of it, or when there is little room. Each in a process of its own.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use weir_plugin::{Allocation, FilterChain, Verdict};

use super::support::{Host, decide, spec, stream_facts};

/// Names the test that this process is for.
const ALONE: &str = "WEIR_TEST_ALONE";

/// Runs the test of this name in a process of its own, with so many KiB of address space. True in that process.
fn alone(test: &str, address_space: Option<u64>) -> bool {
    if std::env::var(ALONE).as_deref() == Ok(test) {
        return true;
    }
    let limit = address_space.map_or(String::from("unlimited"), |kib| kib.to_string());
    #[allow(clippy::disallowed_methods, reason = "the test's own binary, and there is no cell to run it in")]
    let output = std::process::Command::new("sh")
        .args(["-c", "ulimit -v \"$1\" && shift && exec \"$@\"", "sh", &limit])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("behaviour::limits::{test}"), "--nocapture"])
        .env(ALONE, test)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}\n{errors}");
    false
}

/// Of this process, in KiB: memory that is its own, and address space.
fn memory() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let field = |name: &str| -> u64 {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    (field("RssAnon:"), field("VmSize:"))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn a_hundred_processes_with_three_filters_take_little_memory() {
    if !alone("a_hundred_processes_with_three_filters_take_little_memory", None) {
        return;
    }
    runtime().block_on(async {
        let host = Host::new();
        assert_eq!(host.engine.allocation(), Allocation::Pool);
        let filters = vec![
            host.fixture("upper", "{}").await,
            host.fixture("identity", "{}").await,
            host.fixture("hostile", "{}").await,
        ];
        let chain = FilterChain::new(filters);
        let before = memory();
        let mut streams: Vec<_> = (0..200).map(|_| chain.open(stream_facts())).collect();
        let line = Bytes::from("a line of output as commands print them\n".repeat(100));
        for stream in &mut streams {
            for _ in 0..3 {
                stream.push(line.clone()).await.unwrap();
            }
        }
        let after = memory();
        let taken = (after.0 - before.0) / 1024;
        eprintln!("600 instances take {taken} MiB; address space {} GiB", after.1 >> 20);
        assert!(taken <= 64, "600 instances take {taken} MiB");
        drop(streams);
        let left = memory().0.saturating_sub(before.0) / 1024;
        eprintln!("{left} MiB are left when they are gone");
        assert!(left <= 16, "{left} MiB are left when 600 instances are gone");
    });
}

#[test]
fn faults_leave_no_memory_behind() {
    if !alone("faults_leave_no_memory_behind", None) {
        return;
    }
    runtime().block_on(async {
        let host = Host::new();
        let mut low = Vec::new();
        for round in 0..4 {
            for act in ["trap", "recurse", "hoard", "floodOutput", "badPointer", "exit", "fail"] {
                // A plugin is switched off after three: each round is a load of its own, as after a reload.
                for _ in 0..10 {
                    let config = format!(r#"{{"do": "{act}", "hook": "push"}}"#);
                    let mut spec = spec("hostile", &config);
                    (spec.limits.memory_bytes, spec.limits.time) = (16 << 20, Duration::from_secs(20));
                    let chain = FilterChain::new(vec![host.load(spec).await]);
                    for _ in 0..3 {
                        let mut stream = chain.open(stream_facts());
                        assert!(stream.push(Bytes::from_static(b"x")).await.is_err(), "`{act}`");
                    }
                }
            }
            host.told.faults.lock().unwrap().clear();
            host.told.lines.lock().unwrap().clear();
            low.push(memory().0);
            eprintln!("after round {round}: {} KiB", memory().0);
        }
        let grown = low[3].saturating_sub(low[1]);
        assert!(grown < 4096, "420 faults cost {grown} KiB: {low:?}");
    });
}

#[test]
fn a_warm_policy_keeps_its_size() {
    if !alone("a_warm_policy_keeps_its_size", None) {
        return;
    }
    runtime().block_on(async {
        let host = Host::new();
        let plugin = host.fixture("verdict", r#"{"*": {"verdict": "allow", "tell": true}}"#).await;
        let mut sizes = Vec::new();
        for _ in 0..3 {
            for _ in 0..5000 {
                assert_eq!(decide(&[&plugin], "git status").await.verdict, Verdict::Allow);
            }
            sizes.push(memory().0);
        }
        assert!(sizes[2] <= sizes[0] + 1024, "10,000 calls cost {sizes:?} KiB");
    });
}

#[test]
fn plugins_work_where_address_space_is_limited() {
    if !alone("plugins_work_where_address_space_is_limited", Some(8 << 20)) {
        return;
    }
    runtime().block_on(async {
        let host = Host::new();
        assert_eq!(host.engine.allocation(), Allocation::Small);
        let deny = host.fixture("verdict", r#"{"rm": {"verdict": "deny"}}"#).await;
        assert_eq!(decide(&[&deny], "rm x").await.verdict, Verdict::Deny);
        let chain = FilterChain::new(vec![host.fixture("upper", "{}").await]);
        let mut streams: Vec<_> = (0..200).map(|_| chain.open(stream_facts())).collect();
        for stream in &mut streams {
            stream.push(Bytes::from_static(b"abc")).await.unwrap();
        }
        eprintln!("address space: {} MiB", memory().1 >> 10);
        // A memory that outgrows what was reserved for it moves.
        let mut spec = spec("hostile", r#"{"do": "hoard", "hook": "push"}"#);
        (spec.limits.memory_bytes, spec.limits.time) = (48 << 20, Duration::from_secs(20));
        let mut stream = FilterChain::new(vec![host.load(spec).await]).open(stream_facts());
        let fault = stream.push(Bytes::from_static(b"x")).await.unwrap_err();
        assert_eq!(fault.kind, weir_plugin::FaultKind::Memory, "{fault}");
    });
}

#[test]
fn more_instances_than_there_is_room_for_are_an_answer_and_no_crash() {
    if !alone("more_instances_than_there_is_room_for_are_an_answer_and_no_crash", None) {
        return;
    }
    runtime().block_on(async {
        let host = Host::new();
        let chain = FilterChain::new(vec![host.fixture("identity", "{}").await]);
        let mut streams = Vec::new();
        let fault = loop {
            let mut stream = chain.open(stream_facts());
            match stream.push(Bytes::from_static(b"x")).await {
                Ok(_) => streams.push(stream),
                Err(fault) => break fault,
            }
            assert!(streams.len() < 5000);
        };
        assert!(streams.len() >= 1000, "{} live: {fault}", streams.len());
        assert_eq!(fault.kind, weir_plugin::FaultKind::Memory, "{fault}");
        streams.truncate(10);
        let again = Arc::new(chain);
        again.open(stream_facts()).push(Bytes::from_static(b"x")).await.unwrap();
        for stream in &mut streams {
            assert_eq!(stream.push(Bytes::from_static(b"y")).await.unwrap(), "y");
        }
    });
}

#[test]
fn engines_that_are_gone_give_their_address_space_back() {
    if !alone("engines_that_are_gone_give_their_address_space_back", None) {
        return;
    }
    runtime().block_on(async {
        let mut sizes = Vec::new();
        for _ in 0..80 {
            let host = Host::new();
            // Together they would not fit into what a process can address.
            assert_eq!(host.engine.allocation(), Allocation::Pool);
            let chain = FilterChain::new(vec![host.fixture("upper", "{}").await]);
            chain.open(stream_facts()).push(Bytes::from_static(b"x")).await.unwrap();
            let policy = host.fixture("verdict", "{}").await;
            decide(&[&policy], "ls").await;
            drop((chain, policy, host));
            sizes.push(memory().0);
        }
        eprintln!("KiB after 20, 80 engines: {} {}", sizes[20], sizes[79]);
        assert!(sizes[79] <= sizes[20] + 2048, "engines leave memory behind: {sizes:?}");
    });
}
