//! Finding something in retained output, and reading it from its end or by lines.

use std::time::Instant;

use serde_json::{Value, json};
use weir_tests::{Json, Launch, Process, base64, chunks_of, merge, settings};

weir_tests::both_ways!(
    matches_are_told_with_their_place_and_their_context,
    a_match_that_spans_two_chunks_is_found_once,
    what_is_on_disk_is_searched_as_well,
    what_is_missing_is_counted_and_lines_keep_their_numbers,
    matches_come_in_pages,
    a_search_goes_on_where_the_last_one_ended,
    bytes_that_are_no_text_are_found_and_given,
    a_wrong_pattern_is_refused_with_its_place,
    a_search_delays_nobody_and_can_be_cancelled,
    a_large_log_is_paged_from_its_end,
    lines_are_read_by_their_numbers,
    ways_to_read_are_not_mixed,
);

fn text(params: Value) -> Value {
    merge(json!({ "notify": false, "outputEncoding": "utf8" }), params)
}

fn lines(search: &Value) -> Vec<(i64, &str)> {
    search.list("matches").iter().map(|found| (found.int("line"), found.text("text"))).collect()
}

fn texts(read: &Value) -> String {
    read.list("chunks").iter().map(|chunk| chunk.text("text")).collect()
}

/// Runs a shell script to its close.
#[track_caller]
fn printed<'h>(host: &'h weir_tests::Host, script: &str, params: Value) -> Process<'h> {
    let process = host.start(merge(text(json!({ "argv": host.shell_argv(script) })), params));
    assert_eq!(process.wait_close().int("exitCode"), 0, "{script}");
    process
}

fn matches_are_told_with_their_place_and_their_context(launch: Launch) {
    let host = launch.start();
    let process = printed(&host, "printf 'one\\ntwo Error\\nthree\\n'; printf 'err error\\n' >&2", json!({}));
    let search =
        process.call("process/search", json!({ "pattern": "error", "ignoreCase": true, "contextLines": 1 }));
    let of = |stream: &str| -> Value {
        let found = search.list("matches").iter().find(|found| found.text("stream") == stream);
        found.unwrap_or_else(|| panic!("a match on {stream}: {search}")).clone()
    };
    let found = of("stdout");
    assert_eq!((found.int("line"), found.text("text")), (2, "two Error"));
    assert_eq!((found.int("offset"), found.int("length"), found.int("lineOffset")), (8, 5, 4));
    assert_eq!((found.int("before.0.line"), found.text("before.0.text")), (1, "one"));
    assert_eq!((found.int("after.0.line"), found.text("after.0.text")), (3, "three"));
    let read = process.call("process/read", json!({ "afterSeq": found.int("seq") - 1, "maxBytes": 1 }));
    assert_eq!(read.text("chunks.0.stream"), "stdout");
    assert_eq!((of("stderr").int("offset"), of("stderr").list("before").len()), (4, 0));
    assert!(!search.has("stopped") && search.int("droppedBytes") == 0, "{search}");
    assert_eq!(search.int("searchedBytes"), 30);
    let sensitive = process.call("process/search", json!({ "pattern": "error" }));
    assert_eq!(lines(&sensitive), [(1, "err error")]);
}

fn a_match_that_spans_two_chunks_is_found_once(launch: Launch) {
    let host = launch.start();
    let path = host.path("bytes");
    std::fs::write(&path, "a needle\nhay\nneedle").expect("a file");
    let script = format!("drip stdout {}", path.display());
    let process = host.start(text(json!({ "argv": host.probe_argv(&script) })));
    process.wait_close();
    assert!(process.read_all().list("chunks").len() > 10, "it came byte by byte");
    let search = process.call("process/search", json!({ "pattern": "needle" }));
    assert_eq!(lines(&search), [(1, "a needle"), (3, "needle")]);
    assert_eq!(search.int("matches.0.seq"), 3, "the chunk in which it begins");
}

fn what_is_on_disk_is_searched_as_well(launch: Launch) {
    let host = launch.start();
    let bytes: u64 = settings::number("WEIR_SEARCH_BYTES", 20_000_000);
    let last = bytes / 8;
    let retention = json!({ "maxBytes": 100_000, "overflow": "spill" });
    let process = printed(&host, &format!("seq 1 {last}"), json!({ "retention": retention }));
    let search = process.call("process/search", json!({ "pattern": format!("^(1|77777|{last})$") }));
    assert_eq!(lines(&search), [(1, "1"), (77_777, "77777"), (last as i64, &*last.to_string())]);
    assert_eq!(search.int("searchedBytes"), process.wait_close().int("totalBytes"));
}

fn what_is_missing_is_counted_and_lines_keep_their_numbers(launch: Launch) {
    let host = launch.start();
    for overflow in ["dropMiddle", "dropOldest"] {
        let retention = json!({ "maxBytes": 50_000, "overflow": overflow });
        let process = printed(&host, "seq 1 100000", json!({ "retention": retention }));
        let search = process.call("process/search", json!({ "pattern": "^99999$|^50000$" }));
        assert_eq!(lines(&search), [(99_999, "99999")]);
        assert_eq!(search.int("droppedBytes"), process.wait_close().int("droppedBytes"));
        let read = process.call("process/read", json!({ "lines": { "from": 99_990, "to": 99_991 } }));
        assert_eq!(texts(&read), "99990\n99991\n");
        // Those that are missing are passed over, and told.
        let read = process.call("process/read", json!({ "lines": { "from": 50_000 }, "maxBytes": 100 }));
        assert!(read.has("dropped") && read.int("lines.from") > 50_000, "{read}");
        let first: i64 = texts(&read).lines().nth(1).expect("a line").parse().expect("a number");
        assert_eq!(first, read.int("lines.from") + 1);
    }
}

fn matches_come_in_pages(launch: Launch) {
    let host = launch.start();
    let script = "for i in $(seq 1 300); do echo $i; echo $i >&2; done";
    let process = printed(&host, script, json!({}));
    for (max_matches, context_lines) in [(10, 0), (7, 2), (1, 1)] {
        let mut found = Vec::new();
        let (mut after, mut offsets) = (0, json!({}));
        loop {
            let params = json!({ "pattern": "7", "maxMatches": max_matches, "contextLines": context_lines,
                "afterSeq": after, "offsets": offsets });
            let search = process.call("process/search", params);
            for found in search.list("matches") {
                let before = context_lines.min(found.int("line") - 1);
                assert_eq!(found.list("before").len() as i64, before, "{found}");
            }
            found.extend(
                search
                    .list("matches")
                    .iter()
                    .map(|found| (found.text("stream") == "stderr", found.int("line"))),
            );
            if !search.has("stopped") {
                break;
            }
            assert_eq!(
                (search.text("stopped"), search.list("matches").len() as i64),
                ("matches", max_matches)
            );
            (after, offsets) = (search.int("nextSeq") - 1, search["nextOffsets"].clone());
        }
        found.sort_unstable();
        let lines = (1..=300).filter(|number| number.to_string().contains('7'));
        let expected: Vec<_> =
            [false, true].into_iter().flat_map(|of| lines.clone().map(move |line| (of, line))).collect();
        assert_eq!(found, expected);
    }
}

fn a_search_goes_on_where_the_last_one_ended(launch: Launch) {
    let host = launch.start();
    let gate = host.gate("gate");
    let script =
        format!("line stdout first-x emit stdout second- wait-fifo {gate} line stdout x line stdout third");
    let process = host.start(text(json!({ "argv": host.probe_argv(&script) })));
    let mut read = process.call("process/read", json!({ "waitMs": 10_000 }));
    while read.int("totalBytes") < 15 {
        read = process.call("process/read", json!({ "afterSeq": read.int("nextSeq") - 1, "waitMs": 10_000 }));
    }
    let search = process.call("process/search", json!({ "pattern": "x" }));
    assert_eq!(lines(&search), [(1, "first-x")]);
    gate.release();
    process.wait_close();
    let after = search.int("nextSeq") - 1;
    let search = process.call("process/search", json!({ "pattern": "second-x", "afterSeq": after }));
    assert_eq!(lines(&search), [(2, "second-x")], "the line that had not ended is whole");
    let search =
        process.call("process/search", json!({ "pattern": "x", "afterSeq": search.int("nextSeq") - 1 }));
    assert!(search.list("matches").is_empty(), "{search}");
}

fn bytes_that_are_no_text_are_found_and_given(launch: Launch) {
    let host = launch.start();
    let path = host.path("bytes");
    std::fs::write(&path, b"a\n\xff\x00b\n").expect("a file");
    let argv = ["/bin/cat".to_owned(), path.display().to_string()];
    let process = host.start(json!({ "argv": argv, "notify": false }));
    process.wait_close();
    let search = process.call("process/search", json!({ "pattern": r"(?-u:\xff)", "contextLines": 1 }));
    assert_eq!(search.text("matches.0.chunk"), base64(b"\xff\x00b"));
    assert_eq!(search.text("matches.0.before.0.chunk"), base64(b"a"));
}

fn a_wrong_pattern_is_refused_with_its_place(launch: Launch) {
    let host = launch.start();
    let process = printed(&host, "echo x", json!({}));
    let error = host.refused("process/search", process.params(json!({ "pattern": "a(b" })));
    error.assert(-32602, "invalidParams", &["pattern", "unclosed group", "character 1"]);
    assert_eq!((error.data.text("member"), error.data.int("position")), ("pattern", 1));
    let error = host.refused("process/search", process.params(json!({ "pattern": r"(\w{1000}){1000}" })));
    error.assert(-32602, "invalidParams", &["pattern", "1048576"]);
    for (member, params) in [
        ("pattern", json!({})),
        ("pattern", json!({ "pattern": "a".repeat(20_000) })),
        ("maxMatches", json!({ "pattern": "a", "maxMatches": 0 })),
        ("maxMatches", json!({ "pattern": "a", "maxMatches": 1_000_000 })),
        ("contextLines", json!({ "pattern": "a", "contextLines": 101 })),
    ] {
        let error = host.refused("process/search", process.params(params));
        error.assert(-32602, "invalidParams", &[member]);
        assert_eq!(error.data.text("member"), member);
    }
    let error = host.refused("process/search", json!({ "processId": "nobody", "pattern": "x" }));
    error.assert(-32600, "unknownProcess", &["nobody"]);
}

fn a_search_delays_nobody_and_can_be_cancelled(launch: Launch) {
    let host = launch.start();
    // As slow as a pattern can be, over more than it can come through in the time that a search has.
    let process = printed(&host, "head -c 12000000 /dev/zero | tr '\\0' a", json!({}));
    let slow = json!({ "pattern": "(?:a?){400}(?:a+b|a*){40}c" });
    let searches: Vec<u64> = (0..3).map(|_| process.send("process/search", slow.clone())).collect();
    let started = Instant::now();
    for _ in 0..10 {
        let run = host.call("process/run", json!({ "argv": host.probe_argv("emit stdout x") }));
        assert_eq!(run.bytes("stdout"), b"x");
    }
    assert!(started.elapsed() < settings::deadline() / 2, "{:?}", started.elapsed());
    let open: Vec<&u64> = searches.iter().filter(|id| !host.is_answered(**id)).collect();
    for id in &open {
        host.notify("$/cancelRequest", json!({ "id": id }));
    }
    for id in searches {
        if let Err(error) = host.response(id) {
            error.assert(-32800, "requestCancelled", &[]);
        }
    }
    // Those that were cancelled hold nobody up.
    let search = process.call("process/search", json!({ "pattern": "b" }));
    assert!(search.list("matches").is_empty());
}

fn a_large_log_is_paged_from_its_end(launch: Launch) {
    let host = launch.start();
    let bytes: u64 = settings::number("WEIR_PAGE_BYTES", 20_000_000);
    let last = bytes / 8;
    let retention = json!({ "maxBytes": 1_000_000, "overflow": "spill" });
    let process = printed(&host, &format!("seq 1 {last}"), json!({ "retention": retention }));
    let mut page = process.call("process/read", json!({ "fromEnd": 200_000 }));
    assert!(texts(&page).ends_with(&format!("{last}\n")), "the first page is the end");
    // A page is no matter of how much there is before it.
    let (mut rest, mut next) = (String::new(), last);
    loop {
        rest.insert_str(0, &texts(&page));
        // The first line may have begun on the page before.
        let whole = rest.find('\n').map_or(0, |feed| feed + 1);
        let whole = if page.int("beforeSeq") == 1 { 0 } else { whole };
        for line in rest[whole..].lines().rev() {
            assert_eq!(line, next.to_string());
            next -= 1;
        }
        rest.truncate(whole);
        assert!(!page.has("dropped"), "{}", page["dropped"]);
        if page.int("beforeSeq") == 1 {
            break;
        }
        let params = json!({ "fromEnd": 1_000_000, "beforeSeq": page.int("beforeSeq") });
        page = process.call("process/read", params);
    }
    assert_eq!(next, 0);
    // From any page on forwards.
    let page = process.call("process/read", json!({ "fromEnd": 1 }));
    assert_eq!(page.list("chunks").len(), 1);
    let forward = process.call("process/read", json!({ "afterSeq": page.int("beforeSeq") - 1 }));
    assert_eq!(texts(&forward), texts(&page));
}

fn lines_are_read_by_their_numbers(launch: Launch) {
    let host = launch.start();
    for overflow in ["dropMiddle", "spill"] {
        let retention =
            json!({ "maxBytes": if overflow == "spill" { 20_000 } else { 1 << 20 }, "overflow": overflow });
        let script = "seq 1 20000; printf end; seq 1 10 >&2";
        let process = printed(&host, script, json!({ "retention": retention }));
        let read = |wanted: Value, more: Value| {
            process.call("process/read", merge(json!({ "lines": wanted }), more))
        };
        let first = read(json!({ "from": 1, "to": 3 }), json!({}));
        assert_eq!(texts(&first), "1\n2\n3\n");
        assert_eq!(first["lines"], json!({ "stream": "stdout", "from": 1, "to": 3, "total": 20_001 }));
        assert_eq!(texts(&read(json!({ "from": 12_345, "to": 12_345 }), json!({}))), "12345\n");
        assert_eq!(texts(&read(json!({ "from": -2 }), json!({}))), "20000\nend");
        assert_eq!(texts(&read(json!({ "stream": "stderr", "from": -3, "to": -2 }), json!({}))), "8\n9\n");
        let cut = read(json!({ "from": 10_000 }), json!({ "maxBytes": 14 }));
        assert_eq!((texts(&cut).as_str(), cut.int("lines.to")), ("10000\n10001\n", 10_001));
        let cut = read(json!({ "from": 10_000 }), json!({ "maxBytes": 3 }));
        assert_eq!((texts(&cut).as_str(), cut.flag("lines.cut")), ("100", true));
        let none = read(json!({ "from": 30_000, "to": 30_005 }), json!({}));
        assert!(none.list("chunks").is_empty(), "{none}");
        // Page by page.
        let (mut all, mut from) = (String::new(), 1);
        while from <= 20_001 {
            let page = read(json!({ "from": from }), json!({ "maxBytes": 10_000 }));
            all += &texts(&page);
            from = page.int("lines.to") + 1;
        }
        let expected: String =
            (1..=20_000).map(|line| format!("{line}\n")).chain(["end".to_owned()]).collect();
        assert!(all == expected, "{} of {} bytes", all.len(), expected.len());
    }
    let process = host.start(json!({ "argv": host.probe_argv("line stdout x"), "notify": false }));
    process.wait_close();
    let read = process.call("process/read", json!({ "lines": { "from": 1 } }));
    assert_eq!(chunks_of(&read, "stdout"), b"x\n");
}

fn ways_to_read_are_not_mixed(launch: Launch) {
    let host = launch.start();
    let process = printed(&host, "echo x", json!({}));
    for (member, params) in [
        ("afterSeq", json!({ "fromEnd": 1, "afterSeq": 1 })),
        ("maxBytes", json!({ "fromEnd": 1, "maxBytes": 1 })),
        ("waitMs", json!({ "lines": { "from": 1 }, "waitMs": 1 })),
        ("view", json!({ "lines": { "from": 1 }, "view": "x" })),
        ("lines", json!({ "lines": { "from": 1 }, "fromEnd": 1 })),
        ("beforeSeq", json!({ "beforeSeq": 1 })),
        ("fromEnd", json!({ "fromEnd": 0 })),
        ("lines.from", json!({ "lines": { "from": 0 } })),
        ("lines.to", json!({ "lines": { "from": 1, "to": 0 } })),
        ("lines.from", json!({ "lines": {} })),
        ("lines.stream", json!({ "lines": { "from": 1, "stream": "stdin" } })),
    ] {
        let error = host.refused("process/read", process.params(params.clone()));
        error.assert(-32602, "invalidParams", &[member]);
        assert_eq!(error.data.text("member"), member, "{params}");
    }
}
