//! Text: characters arrive whole, however the pipe has cut them; what is no UTF-8 is counted; bytes stay what they were.

use std::fs;

use serde_json::{Value, json};
use weir_tests::{Host, Json, Launch, PluginEntry, merge};

weir_tests::both_ways!(
    a_character_that_is_cut_anywhere_arrives_whole,
    a_character_that_comes_byte_by_byte_arrives_whole,
    bytes_that_are_no_utf8_are_counted,
    the_same_bytes_in_base64_are_untouched,
    characters_stay_whole_where_the_bounds_cut_the_output,
    characters_stay_whole_behind_filters,
    characters_stay_whole_where_a_long_line_is_cut,
);

/// Characters of one to four bytes.
const TEXT: &str = "a\u{1F600}\u{E4}\u{20AC}\u{1F600}b";

/// The text of one stream in the chunks of a read or in one notification, and how many of its bytes were replaced.
fn text_of(chunks: &[Value]) -> (String, i64) {
    let invalid = |chunk: &Value| if chunk.has("invalidBytes") { chunk.int("invalidBytes") } else { 0 };
    (chunks.iter().map(|chunk| chunk.text("text")).collect(), chunks.iter().map(invalid).sum())
}

/// Pushed, read at once, read chunk by chunk, and what the params say beside that.
#[track_caller]
fn check(host: &Host, script: &str, params: Value, expected: (&str, i64)) {
    let text = merge(json!({ "outputEncoding": "utf8" }), params);
    let process = host.probe_with(script, text.clone());
    let events = process.events();
    let outputs: Vec<Value> = events
        .iter()
        .filter(|event| event.value["method"] == "process/output")
        .map(|event| event.value["params"].clone())
        .collect();
    let (pushed, invalid) = text_of(&outputs);
    assert_eq!((pushed.as_str(), invalid), expected, "{script}");
    let read = process.read_all();
    let (whole, invalid) = text_of(read.list("chunks"));
    assert_eq!((whole.as_str(), invalid), expected, "{script}");
    let mut stepped = (String::new(), 0);
    let mut cursor = 0;
    loop {
        let read = process.call("process/read", json!({ "afterSeq": cursor, "maxBytes": 1 }));
        if read.list("chunks").is_empty() {
            break;
        }
        let (step, invalid) = text_of(read.list("chunks"));
        stepped = (stepped.0 + &step, stepped.1 + invalid);
        cursor = read.int("nextSeq") - 1;
    }
    assert_eq!((stepped.0.as_str(), stepped.1), expected, "{script}");
    let run = host.call("process/run", merge(text, json!({ "argv": host.probe_argv(script) })));
    let invalid = if run.has("invalidBytes") { run.int("invalidBytes") } else { 0 };
    assert_eq!((run.text("stdout"), invalid), expected, "{script}");
}

fn file(host: &Host, bytes: &[u8]) -> String {
    let path = host.path("bytes");
    fs::write(&path, bytes).expect("a file");
    path.display().to_string()
}

/// Scripts that print `TEXT` in two pieces, the second once the first is taken, for every place of the cut.
fn cut_anywhere(host: &Host) -> Vec<String> {
    let head = host.path("head");
    let whole = file(host, TEXT.as_bytes());
    (1..TEXT.len())
        .map(|cut| {
            let head = format!("{}-{cut}", head.display());
            fs::write(&head, &TEXT.as_bytes()[..cut]).expect("a file");
            // `drip` waits until each byte is taken: what follows is another read.
            format!("drip stdout {head} piece stdout {whole} {cut} {}", TEXT.len())
        })
        .collect()
}

fn a_character_that_is_cut_anywhere_arrives_whole(launch: Launch) {
    let host = launch.start();
    for script in cut_anywhere(&host) {
        check(&host, &script, json!({}), (TEXT, 0));
    }
}

fn a_character_that_comes_byte_by_byte_arrives_whole(launch: Launch) {
    let host = launch.start();
    let path = file(&host, TEXT.repeat(20).as_bytes());
    check(&host, &format!("drip stdout {path}"), json!({}), (&TEXT.repeat(20), 0));
}

fn bytes_that_are_no_utf8_are_counted(launch: Launch) {
    let host = launch.start();
    // A byte that is none, a character that is never completed, one of them at the end.
    let path = file(&host, b"a\xffb\xf0\x9f\x98c\xe2\x82");
    for way in ["drip stdout", "piece stdout"] {
        let range = if way.starts_with("piece") { " 0 9" } else { "" };
        let expected = ("a\u{FFFD}b\u{FFFD}c\u{FFFD}", 6);
        check(&host, &format!("{way} {path}{range}"), json!({}), expected);
    }
}

fn the_same_bytes_in_base64_are_untouched(launch: Launch) {
    let host = launch.start();
    let bytes: Vec<u8> = (0..=255).chain(TEXT.bytes()).chain(b"\xf0\x9f\x98".iter().copied()).collect();
    let path = file(&host, &bytes);
    for script in [format!("drip stdout {path}"), format!("piece stdout {path} 0 {}", bytes.len())] {
        let process = host.probe(&script);
        assert_eq!(weir_tests::pushed(&process.events(), "stdout"), bytes);
        assert_eq!(weir_tests::chunks_of(&process.read_all(), "stdout"), bytes);
        let run = host.call("process/run", json!({ "argv": host.probe_argv(&script) }));
        assert_eq!(run.bytes("stdout"), bytes);
        assert!(!run.has("invalidBytes"), "{run}");
    }
}

fn characters_stay_whole_where_the_bounds_cut_the_output(launch: Launch) {
    let host = launch.start();
    let text = "\u{1F600}".repeat(5_000);
    let path = file(&host, text.as_bytes());
    for max_bytes in [4, 5, 6, 7, 1_001, 1_002, 1_003, 19_999] {
        for overflow in ["dropMiddle", "dropOldest"] {
            let retention = json!({ "maxBytes": max_bytes, "overflow": overflow });
            let script = format!("piece stdout {path} 0 {}", text.len());
            let params =
                json!({ "argv": host.probe_argv(&script), "outputEncoding": "utf8", "retention": retention });
            let run = host.call("process/run", params);
            let kept = run.text("stdout");
            assert!(!kept.is_empty() && kept.chars().all(|c| c == '\u{1F600}'), "{max_bytes}: {kept}");
            assert!(!run.has("invalidBytes"), "{max_bytes}, {overflow}: {run}");
            assert_eq!(kept.len() as i64 + run.int("droppedBytes"), text.len() as i64);
        }
    }
}

fn characters_stay_whole_behind_filters(launch: Launch) {
    let upper = PluginEntry::fixture("upper").ingest();
    let tidy = PluginEntry::builtin("tidy");
    let host = launch.config(format!("{upper}{tidy}[views]\nshown = [\"tidy\"]\n")).start();
    let expected = TEXT.replace('a', "A").replace('b', "B");
    for script in cut_anywhere(&host) {
        check(&host, &script, json!({}), (&expected, 0));
        let params = json!({ "argv": host.probe_argv(&script), "outputEncoding": "utf8", "view": "shown" });
        assert_eq!(host.call("process/run", params).text("stdout"), expected);
    }
}

fn characters_stay_whole_where_a_long_line_is_cut(launch: Launch) {
    let host = launch.start();
    let script = format!("piece stdout {} 0 {}", file(&host, TEXT.as_bytes()), TEXT.len());
    let process = host.probe_with(&script, json!({ "outputEncoding": "utf8" }));
    process.wait_close();
    for most in 1..=TEXT.len() {
        let read = process.call("process/read", json!({ "lines": { "from": 1 }, "maxBytes": most }));
        let whole = (0..=most).rev().find(|end| TEXT.is_char_boundary(*end)).expect("0 is one");
        assert_eq!(text_of(read.list("chunks")), (TEXT[..whole].to_owned(), 0), "{most}");
        assert_eq!(read.has("lines.cut"), most < TEXT.len(), "{read}");
    }
}
