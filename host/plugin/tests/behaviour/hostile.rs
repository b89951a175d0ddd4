//! Whatever a guest does, the host answers in time, blames the right one for the right thing, and goes on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use weir_plugin::{
    Channel, Fault, FaultKind, FilterChain, Hook, LoadError, Plugin, PluginSpec, RetainedOutput, Verdict,
};

use super::support::{Host, decide, spec, stream_facts};

/// What two hundred milliseconds of running may take on a machine that others use as well.
const PATIENCE: Duration = Duration::from_secs(20);

struct Nothing;

impl RetainedOutput for Nothing {
    fn channels(&self) -> Vec<Channel> {
        vec![Channel::Stdout]
    }
    fn size(&self, _: Channel) -> u64 {
        3
    }
    fn read(&self, _: Channel, _: u64, _: u32) -> Bytes {
        Bytes::from_static(b"abc")
    }
    fn gaps(&self, _: Channel) -> Vec<(u64, u64)> {
        Vec::new()
    }
    fn exit_code(&self) -> Option<i32> {
        Some(0)
    }
    fn argv(&self) -> Vec<String> {
        vec!["true".into()]
    }
    fn cwd(&self) -> String {
        "/".into()
    }
}

/// With little time for acts that never end, and much for others: the machine may have other things to do.
fn hostile(act: &str, hook: Hook) -> PluginSpec {
    let mut spec = spec("hostile", &format!(r#"{{"do": "{act}", "hook": "{hook}"}}"#));
    if ["spin", "sleep"].contains(&act) {
        spec.limits.summary_time = spec.limits.time;
    } else {
        (spec.limits.time, spec.limits.init_time) = (PATIENCE, PATIENCE);
    }
    spec
}

/// Calls the hook, whatever it takes to come to it.
async fn provoke(plugin: &Arc<Plugin>, hook: Hook) -> Option<Box<Fault>> {
    let mut stream = FilterChain::new(vec![Arc::clone(plugin)]).open(stream_facts());
    let chunk = Bytes::from_static(b"some bytes");
    match hook {
        Hook::Init => panic!("cannot be provoked after loading"),
        Hook::Check => decide(&[plugin], "ls").await.fault.map(Box::new),
        Hook::Open | Hook::Push => stream.push(chunk).await.err(),
        Hook::Idle => {
            stream.push(chunk).await.unwrap();
            stream.idle().await.err()
        }
        Hook::Finish => {
            stream.push(chunk).await.unwrap();
            stream.finish().await.err()
        }
        Hook::Summarize => plugin.summarize(Arc::new(Nothing), "{}".into()).await.err(),
    }
}

const HOOKS: [Hook; 6] = [Hook::Check, Hook::Open, Hook::Push, Hook::Idle, Hook::Finish, Hook::Summarize];

/// Does it in every hook, and looks at the blame.
async fn everywhere(act: &str, kind: FaultKind, message: &str) {
    let host = Host::new();
    for hook in HOOKS {
        let plugin = host.load(hostile(act, hook)).await;
        let started = Instant::now();
        let fault =
            provoke(&plugin, hook).await.unwrap_or_else(|| panic!("`{act}` in `{hook}` was no fault"));
        assert!(started.elapsed() < PATIENCE, "`{act}` in `{hook}` took {:?}", started.elapsed());
        assert_eq!((fault.kind, fault.hook), (kind, hook), "{fault}");
        assert_eq!((fault.plugin.as_str(), fault.digest.as_str()), ("hostile", plugin.digest()));
        assert!(fault.message.contains(message), "`{act}` in `{hook}`: {fault}");
        let reported = host.faults();
        assert_eq!(reported.last(), Some(&*fault), "the observer was told once of what the caller got");
        host.told.faults.lock().unwrap().clear();
        assert_eq!((reported.len(), plugin.figures().faults), (1, 1));
    }
}

#[tokio::test]
async fn a_trap_names_the_function_and_the_last_lines_whatever_the_hook() {
    everywhere("trap", FaultKind::Trap, "told_to_trap").await;
    let host = Host::new();
    let plugin = host.load(hostile("trap", Hook::Push)).await;
    let fault = provoke(&plugin, Hook::Push).await.unwrap();
    assert!(fault.log.iter().any(|line| line.contains("told to trap")), "the panic's text: {:?}", fault.log);
}

#[tokio::test]
async fn a_guest_that_never_ends_is_interrupted() {
    everywhere("spin", FaultKind::Deadline, "longer than the 100 ms that it may (`").await;
}

#[tokio::test]
async fn a_guest_that_waits_is_interrupted() {
    let host = Host::new();
    let plugin = host.load(hostile("sleep", Hook::Check)).await;
    let fault = provoke(&plugin, Hook::Check).await.unwrap();
    assert_eq!(fault.kind, FaultKind::Deadline, "{fault}");
    assert!(fault.message.starts_with("it waited"), "{fault}");
}

#[tokio::test]
async fn a_guest_that_hoards_memory_is_refused_and_blamed_for_it() {
    everywhere("hoard", FaultKind::Memory, "expected at most 67108864 (`memoryBytes`)").await;
}

#[tokio::test]
async fn a_guest_that_recurses_for_ever_traps_and_the_host_does_not() {
    everywhere("recurse", FaultKind::Trap, "").await;
}

#[tokio::test]
async fn a_guest_that_exits_is_blamed_and_the_host_goes_on() {
    everywhere("exit", FaultKind::Trap, "`exit` with status").await;
}

#[tokio::test]
async fn a_guest_that_says_it_cannot_is_believed() {
    everywhere("fail", FaultKind::Failure, "told-to: it was told to fail").await;
    let host = Host::new();
    let plugin = host.load(hostile("fail", Hook::Check)).await;
    assert_eq!(provoke(&plugin, Hook::Check).await.unwrap().log, ["about to fail"]);
}

#[tokio::test]
async fn too_much_output_is_refused() {
    let host = Host::new();
    for hook in [Hook::Check, Hook::Push, Hook::Idle, Hook::Finish, Hook::Summarize] {
        let plugin = host.load(hostile("floodOutput", hook)).await;
        let fault = provoke(&plugin, hook).await.unwrap();
        assert_eq!((fault.kind, fault.hook), (FaultKind::Output, hook), "{fault}");
        assert!(fault.message.contains("more than 8388608 bytes"), "{fault}");
    }
}

#[tokio::test]
async fn values_that_are_not_valid_are_refused() {
    let host = Host::new();
    for (act, hook) in [
        ("badUtf8", Hook::Check),
        ("badUtf8", Hook::Summarize),
        ("badPointer", Hook::Check),
        ("badPointer", Hook::Push),
        ("badHandle", Hook::Open),
        ("manyHandles", Hook::Open),
        ("shortMask", Hook::Push),
        ("longMask", Hook::Push),
        ("emptyArgv", Hook::Check),
        ("badPatch", Hook::Check),
        ("badCwd", Hook::Check),
        ("badName", Hook::Check),
        ("nul", Hook::Check),
        ("patchTwice", Hook::Check),
    ] {
        let plugin = host.load(hostile(act, hook)).await;
        let fault =
            provoke(&plugin, hook).await.unwrap_or_else(|| panic!("`{act}` in `{hook}` was no fault"));
        let expected = if act == "manyHandles" { fault.kind } else { FaultKind::Protocol };
        assert_eq!((fault.kind, fault.hook), (expected, hook), "`{act}`: {fault}");
        assert!(fault.kind != FaultKind::Deadline, "{fault}");
    }
    assert_eq!(host.engine.masks().count(), 0);
}

#[tokio::test]
async fn what_a_guest_prints_is_a_line_in_the_log_and_breaks_nothing() {
    let host = Host::new();
    for hook in HOOKS {
        let plugin = host.load(hostile("print", hook)).await;
        assert_eq!(provoke(&plugin, hook).await, None);
        let lines = std::mem::take(&mut *host.told.lines.lock().unwrap());
        let lines: Vec<&str> = lines.iter().map(|(_, _, line)| line.as_str()).collect();
        assert_eq!(lines, ["to standard output", "to standard error"], "in `{hook}`");
    }
}

#[tokio::test]
async fn a_flood_of_lines_is_cut_and_counted() {
    let host = Host::new();
    for act in ["floodLog", "print"] {
        let config = format!(r#"{{"do": "{act}", "hook": "check", "times": 1000}}"#);
        let plugin = host.fixture("hostile", &config).await;
        assert_eq!(provoke(&plugin, Hook::Check).await, None, "`{act}`");
        let lines = std::mem::take(&mut *host.told.lines.lock().unwrap());
        assert_eq!(lines.len(), 101);
        let expected =
            if act == "print" { "902 more lines in this call" } else { "900 more lines in this call" };
        assert_eq!(lines.last().unwrap().2, expected);
    }
    let plugin = host.load(hostile("longLog", Hook::Check)).await;
    assert_eq!(provoke(&plugin, Hook::Check).await, None);
    assert_eq!(host.lines().iter().map(String::len).collect::<Vec<_>>(), [4096]);
    let plugin = host.load(hostile("hugeLog", Hook::Check)).await;
    assert_eq!(provoke(&plugin, Hook::Check).await.unwrap().kind, FaultKind::Output);
}

#[tokio::test]
async fn a_plugin_that_breaks_down_in_init_is_not_loaded() {
    let host = Host::new();
    for (act, kind) in [
        ("trap", FaultKind::Trap),
        ("hoard", FaultKind::Memory),
        ("recurse", FaultKind::Trap),
        ("exit", FaultKind::Trap),
    ] {
        match host.try_load(hostile(act, Hook::Init)).await {
            Err(LoadError::Fault(fault)) => {
                assert_eq!((fault.kind, fault.hook), (kind, Hook::Init), "{fault}")
            }
            other => panic!("`{act}`: {other:?}"),
        }
    }
    let mut spec = hostile("spin", Hook::Init);
    spec.limits.init_time = Duration::from_millis(50);
    let error = host.try_load(spec).await.unwrap_err();
    assert!(error.to_string().contains("50 ms that it may (`initTime`)"), "{error}");
    match host.try_load(hostile("fail", Hook::Init)).await.unwrap_err() {
        LoadError::Refused { plugin, code, message } => {
            assert_eq!((plugin.as_str(), code.as_str()), ("hostile", "told-to"));
            assert_eq!(message, "it was told to fail");
        }
        other => panic!("{other}"),
    }
    assert_eq!(host.faults(), [], "the caller has the error; nothing was in use yet");
}

#[tokio::test]
async fn init_that_fails_later_is_a_fault_of_the_call_that_needed_it() {
    let host = Host::new();
    // The filter's instance is the second: the first was made to try the plugin out.
    let state = r#"{"do": "trap", "hook": "open"}"#;
    let plugin = host.fixture("hostile", state).await;
    let fault = provoke(&plugin, Hook::Open).await.unwrap();
    assert_eq!((fault.kind, fault.hook), (FaultKind::Trap, Hook::Open));
}

#[tokio::test(start_paused = true)]
async fn three_faults_within_a_minute_switch_a_plugin_off() {
    let host = Host::new();
    let plugin = host.load(hostile("fail", Hook::Check)).await;
    for _ in 0..2 {
        assert_eq!(provoke(&plugin, Hook::Check).await.unwrap().kind, FaultKind::Failure);
    }
    tokio::time::advance(Duration::from_secs(61)).await;
    for _ in 0..3 {
        assert!(!plugin.is_switched_off());
        assert_eq!(provoke(&plugin, Hook::Check).await.unwrap().kind, FaultKind::Failure);
    }
    assert!(plugin.is_switched_off());
    for hook in [Hook::Check, Hook::Push, Hook::Summarize] {
        assert_eq!(provoke(&plugin, hook).await.unwrap().kind, FaultKind::SwitchedOff);
    }
    tokio::time::advance(Duration::from_secs(3600)).await;
    let ruling = decide(&[&plugin], "ls").await;
    assert_eq!((ruling.verdict, ruling.fault.unwrap().kind), (Verdict::Deny, FaultKind::SwitchedOff));
    assert_eq!(host.faults().len(), 5, "being switched off is not reported again and again");
}

#[tokio::test]
async fn streams_that_are_open_outlive_the_switching_off_of_their_plugin() {
    let host = Host::new();
    let plugin = host.load(hostile("fail", Hook::Check)).await;
    let mut stream = FilterChain::new(vec![Arc::clone(&plugin)]).open(stream_facts());
    stream.push(Bytes::from_static(b"before")).await.unwrap();
    for _ in 0..3 {
        provoke(&plugin, Hook::Check).await.unwrap();
    }
    assert!(plugin.is_switched_off());
    assert_eq!(stream.push(Bytes::from_static(b"after")).await.unwrap(), "after");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neighbours_do_not_notice() {
    let host = Host::new();
    let upper = host.fixture("upper", "{}").await;
    let mut expected = Vec::new();
    let mut neighbour = FilterChain::new(vec![Arc::clone(&upper)]).open(stream_facts());
    let mut given = Vec::new();
    for act in ["trap", "spin", "hoard", "recurse", "exit", "floodOutput", "badPointer"] {
        let plugin = host.load(hostile(act, Hook::Push)).await;
        let attack = tokio::spawn(async move { provoke(&plugin, Hook::Push).await });
        let started = Instant::now();
        let mut pushes = 0_u32;
        while !attack.is_finished() {
            given.extend(neighbour.push(Bytes::from_static(b"abc")).await.unwrap());
            expected.extend(b"ABC");
            pushes += 1;
            tokio::task::yield_now().await;
        }
        assert!(attack.await.unwrap().is_some(), "`{act}`");
        let each = started.elapsed() / pushes.max(1);
        assert!(each < Duration::from_millis(100), "`{act}`: a neighbour's push took {each:?}");
    }
    given.extend(neighbour.finish().await.unwrap());
    assert_eq!(String::from_utf8(given), String::from_utf8(expected));
    assert_eq!(upper.figures().faults, 0);
}

#[tokio::test(flavor = "current_thread")]
async fn a_guest_that_spins_lets_other_tasks_of_its_thread_go_on() {
    let host = Host::new();
    let plugin = host.load(hostile("spin", Hook::Push)).await;
    let attack = tokio::spawn(async move { provoke(&plugin, Hook::Push).await });
    let mut turns = 0;
    while !attack.is_finished() {
        tokio::task::yield_now().await;
        turns += 1;
    }
    assert!(turns >= 20, "the other task had {turns} turns in 20 ticks");
}

#[tokio::test]
async fn other_streams_of_a_filter_that_failed_go_on() {
    let host = Host::new();
    let plugin = host.fixture("hostile", r#"{"do": "trap", "hook": "push", "after": 2}"#).await;
    let chain = FilterChain::new(vec![plugin]);
    let (mut first, mut second) = (chain.open(stream_facts()), chain.open(stream_facts()));
    for _ in 0..2 {
        first.push(Bytes::from_static(b"x")).await.unwrap();
    }
    let fault = first.push(Bytes::from_static(b"x")).await.unwrap_err();
    assert_eq!(first.push(Bytes::from_static(b"y")).await.unwrap_err(), fault, "a dead stream stays dead");
    assert_eq!(first.idle().await.unwrap_err(), fault);
    assert_eq!(first.finish().await.unwrap_err(), fault);
    assert_eq!(second.push(Bytes::from_static(b"x")).await.unwrap(), "x");
}
