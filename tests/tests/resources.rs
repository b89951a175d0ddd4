//! Nothing is left behind in the host: no zombie, no descriptor, no shim.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::json;
use weir_tests::{Host, Json, Launch, LiveProcess, listing, settings};

weir_tests::binary_only!(
    spawns_one_after_the_other_leave_nothing_behind,
    spawns_at_once_leave_nothing_behind,
    failed_spawns_leave_nothing_behind,
    a_thousand_answers_for_a_thousand_requests,
);

/// What the host holds: the number of descriptors of itself and of every process below it.
#[derive(Debug, PartialEq)]
struct Holdings(BTreeMap<String, usize>);

impl Holdings {
    fn of(host: &Host) -> Self {
        let own = LiveProcess::read(host.pid()).expect("the host lives");
        let all = LiveProcess::descendants_of(host.pid()).into_iter().chain([own]);
        Self(
            all.map(|process| {
                (format!("{} {}", process.pid, process.argv.join(" ")), process.descriptors().len())
            })
            .collect(),
        )
    }

    /// The host comes back to these holdings; its round trips set the pace.
    #[track_caller]
    fn assert_again(&self, host: &Host) {
        let until = Instant::now() + settings::deadline();
        loop {
            host.call("environment/status", json!({}));
            let now = Self::of(host);
            if now == *self {
                return;
            }
            assert!(Instant::now() < until, "before: {self:#?}\nnow: {now:#?}");
        }
    }
}

/// A host that has run a process or two, so that whatever is made once is there.
fn settled(launch: Launch) -> (Host, Holdings) {
    let host = launch.start();
    for _ in 0..3 {
        host.probe("emit stdout x").events();
    }
    let until = Instant::now() + settings::deadline();
    while LiveProcess::descendants_of(host.pid()).len() > 1 {
        assert!(Instant::now() < until, "{}", listing(&LiveProcess::descendants_of(host.pid())));
    }
    let holdings = Holdings::of(&host);
    (host, holdings)
}

fn spawns_one_after_the_other_leave_nothing_behind(launch: Launch) {
    let (host, before) = settled(launch);
    for run in 0..settings::number("WEIR_SPAWNS", 200) {
        let process =
            host.probe_with("emit stdout x emit stderr y exit 3", json!({ "pipeStdin": run % 2 == 0 }));
        let events = process.events();
        assert_eq!(events[events.len() - 2].value.int("params.exitCode"), 3);
    }
    before.assert_again(&host);
}

fn spawns_at_once_leave_nothing_behind(launch: Launch) {
    let (host, before) = settled(launch);
    let count: usize = settings::number("WEIR_SPAWNS_AT_ONCE", 100);
    let ready = host.gate("ready");
    let script = format!("fork {{ setsid hang }} tell-fifo {ready} hang");
    let ids: Vec<String> = (0..count).map(|_| host.next_id()).collect();
    let starts: Vec<u64> = ids
        .iter()
        .map(|id| {
            host.send_request("process/start", json!({ "processId": id, "argv": host.probe_argv(&script) }))
        })
        .collect();
    for id in starts {
        host.response(id).expect("a start");
    }
    ready.hear(count);
    let list = host.call("process/list", json!({}));
    let live = list.list("processes").iter().filter(|entry| !entry.flag("exited")).count();
    assert_eq!(live, count);
    let zombies: Vec<LiveProcess> =
        LiveProcess::descendants_of(host.pid()).into_iter().filter(|process| process.state == 'Z').collect();
    assert!(zombies.is_empty(), "{}", listing(&zombies));
    let ends: Vec<u64> = ids
        .iter()
        .map(|id| host.send_request("process/terminate", json!({ "processId": id, "graceMs": 1_000 })))
        .collect();
    for id in ends {
        assert!(host.response(id).expect("a report").list("survivors").is_empty());
    }
    assert!(host.live_probes().is_empty(), "{}", listing(&host.live_probes()));
    for id in &ids {
        host.events(id);
    }
    before.assert_again(&host);
}

fn failed_spawns_leave_nothing_behind(launch: Launch) {
    let (host, before) = settled(launch);
    for params in [
        json!({ "argv": ["/no/such/program"] }),
        json!({ "argv": ["true"], "cwd": "/no/such/directory" }),
        json!({ "argv": ["/no/such/program"], "pipeStdin": true }),
    ] {
        for _ in 0..25 {
            let named = weir_tests::merge(json!({ "processId": "same" }), params.clone());
            host.refused("process/start", named).assert(-32603, "spawnFailed", &["/no/such/"]);
        }
    }
    before.assert_again(&host);
}

fn a_thousand_answers_for_a_thousand_requests(launch: Launch) {
    let (host, before) = settled(launch);
    let process = host.probe("hang");
    let ids: Vec<u64> = (0..1_000)
        .map(|n| match n % 4 {
            0 => host.send_request("process/list", json!({})),
            1 => process.send("process/read", json!({ "waitMs": 50 })),
            2 => process.send("process/wait", json!({ "until": "exit", "timeoutMs": 50 })),
            _ => host.send_request("environment/info", json!({})),
        })
        .collect();
    for id in ids {
        host.response(id).expect("an answer");
    }
    process.terminate();
    before.assert_again(&host);
}
