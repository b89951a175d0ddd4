//! What views make of output, read in any steps, and what summaries say of it; the raw output stays what it was.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use weir_tests::{
    CommandLine, Finished, Host, Json, Launch, PluginEntry, Process, base64, chunks_of, settings,
};

weir_tests::binary_only!(
    a_view_read_in_small_steps_is_the_view_read_at_once,
    a_waiting_read_of_a_view_waits_for_what_the_filters_give,
    a_reader_of_a_view_rests_while_a_stream_is_held_after_the_exit,
    raw_output_and_views_have_their_cursors_in_common,
    what_was_dropped_before_it_could_be_read_shows_in_the_view,
    a_run_gives_what_the_view_makes_of_it,
    an_unknown_view_is_refused_before_anything_runs,
    a_process_keeps_the_view_it_was_started_with,
    progress_and_colours_and_repeats_are_tidied,
    the_first_and_the_last_lines_are_kept_and_the_rest_is_named_by_its_bytes,
    a_view_read_at_random_times_is_the_view_of_the_whole,
    a_summary_is_given_of_a_closed_process_alone,
    a_summary_sees_the_gap_in_what_is_retained,
    a_summary_of_tests_names_what_failed,
);

/// The configuration of most tests: two chains that change text, one that shortens it.
fn configuration() -> String {
    let headtail = PluginEntry::builtin("headtail").config("headLines = 2, tailLines = 1");
    format!(
        "{}{}{headtail}{}[views]\nbig = [\"upper\"]\nshown = [\"tidy\"]\nboth = [\"tidy\", \"upper\"]\nends = [\"headtail\"]\n",
        PluginEntry::fixture("upper"),
        PluginEntry::builtin("tidy"),
        PluginEntry::fixture("count"),
    )
}

/// Everything that one reader of a view was given, stream by stream.
#[derive(Debug, Default)]
struct Reader {
    cursor: i64,
    reads: usize,
    streams: BTreeMap<String, Vec<u8>>,
    /// The last raw seq that the view's chunks of a stream have covered.
    covered: BTreeMap<String, i64>,
    dropped: i64,
    passed_over: Vec<String>,
}

impl Reader {
    /// One read on from where the last one ended. Gives whether that was everything.
    #[track_caller]
    fn read(&mut self, process: &Process<'_>, view: &str, params: Value) -> bool {
        let own = json!({ "view": view, "afterSeq": self.cursor });
        let read = process.call("process/read", weir_tests::merge(own, params));
        self.take(&read)
    }

    #[track_caller]
    fn take(&mut self, read: &Value) -> bool {
        self.reads += 1;
        for chunk in read.list("chunks") {
            let (stream, from, to) = (chunk.text("stream"), chunk.int("fromSeq"), chunk.int("seq"));
            let covered = self.covered.entry(stream.to_owned()).or_default();
            assert!(
                *covered < from && from <= to,
                "{stream} had come to {covered}, saw {from}..={to}: {read}"
            );
            assert!(to > self.cursor, "seq {to} after {}: {read}", self.cursor);
            *covered = to;
            self.streams.entry(stream.to_owned()).or_default().extend(chunk.bytes("chunk"));
        }
        if read.has("dropped") {
            self.dropped += read.int("dropped.bytes");
        }
        if read.has("passedOver") {
            self.passed_over = read.texts("passedOver").into_iter().map(str::to_owned).collect();
        }
        let next = read.int("nextSeq") - 1;
        assert!(next >= self.cursor, "a cursor never goes back from {}: {read}", self.cursor);
        self.cursor = next;
        read.flag("closed") && read.list("chunks").is_empty() && !read.has("dropped")
    }

    /// Reads on to the end, as a client does.
    #[track_caller]
    fn finish(&mut self, process: &Process<'_>, view: &str, params: &Value) {
        while !self.read(process, view, params.clone()) {
            assert!(self.reads < 10_000, "no end after {} reads: {self:?}", self.reads);
        }
    }

    #[track_caller]
    fn whole(process: &Process<'_>, view: &str) -> Self {
        let mut reader = Self::default();
        reader.finish(process, view, &json!({ "waitMs": 60_000 }));
        reader
    }

    fn text(&self, stream: &str) -> String {
        String::from_utf8_lossy(self.streams.get(stream).map_or(&[], Vec::as_slice)).into_owned()
    }
}

/// Prints each of `pieces` (without blanks) as a chunk of its own, on the two streams in turn.
fn in_chunks<'h>(host: &'h Host, pieces: &[&str]) -> Process<'h> {
    let gate = host.gate(&format!("gate-{}", host.next_id()));
    let mut script = String::new();
    for (index, piece) in pieces.iter().enumerate() {
        let stream = ["stdout", "stderr"][index % 2];
        script += &format!("emit {stream} {piece} wait-fifo {gate} ");
    }
    let process = host.probe(&script);
    for _ in pieces {
        process.expect_event("process/output");
        gate.release();
    }
    process.expect_event("process/closed");
    process
}

fn a_view_read_in_small_steps_is_the_view_read_at_once(launch: Launch) {
    let host = launch.config(configuration()).start();
    let process = in_chunks(&host, &["abc", "123", "def", "x", "g", "y", "hijk", "zzz"]);
    for (view, stdout, stderr) in [("big", "ABCDEFGHIJK", "123XYZZZ"), ("shown", "abcdefghijk", "123xyzzz")] {
        let at_once = Reader::whole(&process, view);
        assert_eq!((at_once.text("stdout").as_str(), at_once.text("stderr").as_str()), (stdout, stderr));
        for max_bytes in [1, 2, 3, 7, 1_000] {
            let mut reader = Reader::default();
            reader.finish(&process, view, &json!({ "maxBytes": max_bytes }));
            assert_eq!(reader.streams, at_once.streams, "`{view}` in steps of {max_bytes}");
            assert_eq!(reader.dropped, 0);
        }
    }
    // Reading through a view takes nothing away.
    assert_eq!(chunks_of(&process.read_all(), "stdout"), b"abcdefghijk");
    assert!(!process.read_all().list("chunks")[0].has("fromSeq"), "only views have it");
}

fn a_waiting_read_of_a_view_waits_for_what_the_filters_give(launch: Launch) {
    let host = launch.config(configuration()).start();
    let gate = host.gate("gate");
    let script = format!(
        "emit stdout one wait-fifo {gate} emit stdout T wait-fifo {gate} emit stdout wo wait-fifo {gate}"
    );
    let process = host.probe(&script);
    process.expect_event("process/output");
    let mut reader = Reader::default();
    let waiting = json!({ "waitMs": 60_000 });
    reader.read(&process, "big", waiting.clone());
    assert_eq!(reader.text("stdout"), "ON", "one byte is held back");
    let params = json!({ "view": "big", "afterSeq": reader.cursor, "waitMs": 60_000 });
    let id = process.send("process/read", params);
    assert_eq!(host.call("environment/status", json!({})).text("status"), "ready");
    assert!(!host.is_answered(id), "nothing was printed");
    gate.release();
    reader.take(&host.response(id).expect("it is answered"));
    assert_eq!(reader.text("stdout"), "ONE");
    gate.release();
    reader.read(&process, "big", waiting.clone());
    assert_eq!(reader.text("stdout"), "ONETW");
    gate.release();
    reader.finish(&process, "big", &waiting);
    assert_eq!(reader.text("stdout"), "ONETWO", "the end gives the rest");
    assert!(reader.reads < 10, "each read was worth its while: {reader:?}");
}

fn a_reader_of_a_view_rests_while_a_stream_is_held_after_the_exit(launch: Launch) {
    let host = launch.config(configuration()).start();
    let gate = host.gate("gate");
    let process =
        host.probe(&format!("emit stdout early fork {{ wait-fifo {gate} emit stdout late }} exit 3"));
    process.expect_event("process/exited");
    let mut reader = Reader::default();
    let resting = (0..4).find_map(|_| {
        let params = json!({ "view": "big", "afterSeq": reader.cursor, "waitMs": 60_000 });
        let id = process.send("process/read", params);
        // Answers of others in between: what has something to say has said it by then.
        (0..20).for_each(|_| drop(host.call("process/list", json!({}))));
        if host.is_answered(id) {
            reader.take(&host.response(id).expect("a read"));
            return None;
        }
        Some(id)
    });
    let id = resting.unwrap_or_else(|| panic!("the news of the exit was told again and again: {reader:?}"));
    gate.release();
    reader.take(&host.response(id).expect("a read"));
    reader.finish(&process, "big", &json!({ "waitMs": 60_000 }));
    assert_eq!(reader.text("stdout"), "EARLYLATE");
}

fn raw_output_and_views_have_their_cursors_in_common(launch: Launch) {
    let host = launch.config(configuration()).start();
    let process = in_chunks(&host, &["first", "other", "second", "another", "third"]);
    let raw = process.read_all();
    let all = process.call("process/read", json!({ "view": "big" }));
    assert_eq!(all.int("nextSeq"), raw.int("nextSeq"));
    let seqs: Vec<i64> = raw.list("chunks").iter().map(|chunk| chunk.int("seq")).collect();
    for after in 0..=raw.int("nextSeq") {
        let part = process.call("process/read", json!({ "view": "big", "afterSeq": after }));
        let expected: Vec<&Value> =
            all.list("chunks").iter().filter(|chunk| chunk.int("seq") > after).collect();
        assert_eq!(part.list("chunks").iter().collect::<Vec<_>>(), expected, "after {after}");
    }
    let close = raw.int("nextSeq") - 1;
    for chunk in all.list("chunks") {
        let seq = chunk.int("seq");
        assert!(seqs.contains(&seq) || seq == close, "a seq of the raw output or that of the close: {chunk}");
    }
}

fn what_was_dropped_before_it_could_be_read_shows_in_the_view(launch: Launch) {
    let host = launch.config(configuration()).start();
    for overflow in ["dropMiddle", "dropOldest"] {
        let retention = json!({ "maxBytes": 8_192, "overflow": overflow });
        let params = json!({ "notify": false, "retention": retention });
        let process = host.probe_with("lines 20000", params);
        process.wait_close();
        let raw = process.read_all();
        let (mut printed, mut gap) =
            (chunks_of(&raw, "stdout"), raw.has("dropped").then(|| raw["dropped"].clone()));
        let mut cursor = raw.int("nextSeq") - 1;
        for _ in 0..3 {
            let more = process.call("process/read", json!({ "afterSeq": cursor }));
            gap = gap.or_else(|| more.has("dropped").then(|| more["dropped"].clone()));
            printed.extend(chunks_of(&more, "stdout"));
            cursor = more.int("nextSeq") - 1;
        }
        let gap = gap.unwrap_or_else(|| panic!("{overflow}: expected something to be dropped, saw {raw}"));
        for max_bytes in [1, 1_000, 1_000_000] {
            let mut reader = Reader::default();
            reader.finish(&process, "big", &json!({ "maxBytes": max_bytes }));
            assert_eq!(
                reader.text("stdout").as_bytes(),
                printed.to_ascii_uppercase(),
                "{overflow}, {max_bytes}"
            );
            assert_eq!(reader.dropped, gap.int("bytes"), "{overflow}, {max_bytes}: {reader:?}");
            let total = raw.int("totalBytes");
            assert_eq!(reader.text("stdout").len() as i64 + reader.dropped, total, "{overflow}, {max_bytes}");
        }
        process.call("process/release", json!({}));
    }
}

fn a_run_gives_what_the_view_makes_of_it(launch: Launch) {
    let host = launch.config(configuration()).start();
    let script = "printf 'one\\ntwo'; printf 'err\\n' >&2; exit 7";
    let params = json!({ "argv": ["sh", "-c", script], "view": "big", "outputEncoding": "utf8" });
    let result = host.call("process/run", params);
    assert_eq!((result.text("stdout"), result.text("stderr")), ("ONE\nTWO", "ERR\n"));
    assert_eq!((result.int("exitCode"), result.int("totalBytes"), result.text("view")), (7, 11, "big"));
    assert!(!result.has("passedOver"), "{result}");
    drop(host);
    let directory = tempfile::tempdir().expect("a directory");
    let ran = by_hand(&directory, &["--view", "big", "--", "sh", "-c", script]);
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (7, "ONE\nTWO", "ERR\n"));
    let ran = by_hand(&directory, &["--view", "ends", "--", "seq", "100"]);
    assert_eq!(ran.stdout, "1\n2\n# 97 lines (284 bytes) left out here: bytes 4..288 of stdout\n100\n");
    let ran = by_hand(&directory, &["--view", "both", "--", "printf", "\\033[31mred\\033[0m\\n1%%\\r2%%\\n"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (0, "RED\n2%\n"));
}

/// `weir run` with the configuration of most tests.
fn by_hand(directory: &tempfile::TempDir, words: &[&str]) -> Finished {
    std::fs::write(directory.path().join("weir.toml"), configuration()).expect("a file");
    let launch = Host::binary(weir_tests::binaries!()).cwd(directory.path());
    CommandLine::start(&launch, &[&["run"], words].concat(), b"").finish()
}

fn an_unknown_view_is_refused_before_anything_runs(launch: Launch) {
    let host = launch.config(configuration()).start();
    let file = host.path("trace");
    let argv = ["touch", file.to_str().expect("a path in UTF-8")];
    let error = host.refused("process/run", json!({ "argv": argv, "view": "nope" }));
    error.assert(-32602, "invalidParams", &["`nope`", "`big`", "`shown`"]);
    assert_eq!(error.data.text("member"), "view");
    assert!(!file.exists());
    assert!(host.call("process/list", json!({})).list("processes").is_empty());
    let list = host.call("plugin/list", json!({}));
    assert_eq!((list.int("spawns"), list.int("decisions.allowed")), (0, 0), "{list}");
    let process = host.probe("emit stdout x");
    process.wait_close();
    let error = host.refused("process/read", process.params(json!({ "view": "nope" })));
    error.assert(-32602, "invalidParams", &["`nope`"]);
    drop(host);
    let directory = tempfile::tempdir().expect("a directory");
    let trace = directory.path().join("trace");
    let ran = by_hand(&directory, &["--view", "nope", "--", "touch", trace.to_str().expect("UTF-8")]);
    assert_eq!(ran.status, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("`nope`") && !trace.exists(), "{}", ran.stderr);
}

fn a_process_keeps_the_view_it_was_started_with(launch: Launch) {
    let with = |filter: &PluginEntry| format!("{}[views]\nv = [\"f\"]\n", filter.clone().named("f"));
    let host = launch.config(with(&PluginEntry::fixture("upper"))).start();
    let gate = host.gate("gate");
    let old = host.probe(&format!("emit stdout before wait-fifo {gate} emit stdout after"));
    old.expect_event("process/output");
    host.rewrite_config(&with(&PluginEntry::fixture("identity")));
    let reloaded = host.call("plugin/reload", json!({}));
    assert_eq!(reloaded.int("generation"), 2);
    let new = host.probe("emit stdout before emit stdout after");
    gate.release();
    assert_eq!(Reader::whole(&new, "v").text("stdout"), "beforeafter");
    assert_eq!(Reader::whole(&old, "v").text("stdout"), "BEFOREAFTER");
    // A view that is no longer configured is still there for those that began with it, and for nobody else.
    host.rewrite_config("default = \"allow\"");
    host.call("plugin/reload", json!({}));
    assert_eq!(Reader::whole(&old, "v").text("stdout"), "BEFOREAFTER");
    let newest = host.probe("emit stdout x");
    newest.wait_close();
    let error = host.refused("process/read", newest.params(json!({ "view": "v" })));
    error.assert(-32602, "invalidParams", &["none is configured"]);
    assert_eq!(host.call("plugin/list", json!({})).int("generation"), 3);
}

fn progress_and_colours_and_repeats_are_tidied(launch: Launch) {
    let host = launch.config(configuration()).start();
    let script = "printf '\\033[1;31merror\\033[0m: bad\\n'; printf '10%%\\r 50%%\\r100%%\\n'; \
        for i in 1 2 3 4 5 6; do echo again; done; echo done";
    let params = json!({ "argv": ["sh", "-c", script], "view": "shown", "outputEncoding": "utf8" });
    let result = host.call("process/run", params);
    assert_eq!(result.text("stdout"), "error: bad\n100%\nagain\n# repeated 5 more times\ndone\n");
    let raw = host.call("process/read", json!({ "processId": result.text("processId") }));
    let texts: String = raw.list("chunks").iter().map(|chunk| chunk.text("text")).collect();
    assert!(
        texts.contains("\x1b[1;31merror") && texts.matches("again").count() == 6,
        "raw output stays: {texts:?}"
    );
}

fn the_first_and_the_last_lines_are_kept_and_the_rest_is_named_by_its_bytes(launch: Launch) {
    let host = launch.config(configuration()).start();
    let process = host.probe("lines 1000");
    process.wait_close();
    let shown = Reader::whole(&process, "ends").text("stdout");
    let raw = chunks_of(&process.read_all(), "stdout");
    let (head, rest) = shown.split_once("# ").expect("a note");
    let (note, tail) = rest.split_once('\n').expect("a line");
    assert_eq!((head, tail), ("1\n2\n", "1000\n"));
    let range = note.rsplit_once("bytes ").and_then(|(_, range)| range.strip_suffix(" of stdout"));
    let (from, to) =
        range.and_then(|range| range.split_once("..")).unwrap_or_else(|| panic!("no range in `{note}`"));
    let (from, to): (usize, usize) = (from.parse().expect("a number"), to.parse().expect("a number"));
    let left_out = String::from_utf8_lossy(&raw[from..to]).into_owned();
    assert!(left_out.starts_with("3\n4\n") && left_out.ends_with("\n999\n"), "{note}");
    assert!(note.starts_with(&format!("997 lines ({} bytes)", to - from)), "{note}");
}

/// Writes random pieces of a random text to a process that echoes them, and reads views at random times meanwhile.
fn a_view_read_at_random_times_is_the_view_of_the_whole(launch: Launch) {
    let host = launch.config(configuration()).start();
    let seed = settings::number("WEIR_SEED", fastrand::u64(..));
    for case in 0..settings::number("WEIR_CASES", 24) {
        let mut random = fastrand::Rng::with_seed(seed ^ case);
        let text = printed(&mut random);
        let process = host.probe_with("echo", json!({ "pipeStdin": true }));
        let views = ["big", "shown", "both"];
        let mut readers = views.map(|_| Reader::default());
        let mut rest = text.as_slice();
        while !rest.is_empty() {
            let most = [1, 8, 200][random.usize(0..3)].min(rest.len());
            let count = random.usize(1..=most);
            let (piece, after) = rest.split_at(count);
            process.call("process/write", json!({ "chunk": base64(piece), "close": after.is_empty() }));
            rest = after;
            for (view, reader) in views.iter().zip(&mut readers) {
                if random.u8(0..4) == 0 {
                    let params = match random.u8(0..3) {
                        0 => json!({}),
                        1 => json!({ "maxBytes": random.u64(1..100) }),
                        _ => json!({ "waitMs": 1, "maxBytes": random.u64(1..100) }),
                    };
                    reader.read(&process, view, params);
                }
            }
        }
        process.wait_close();
        let file = host.path(&format!("case-{case}"));
        std::fs::write(&file, &text).expect("a file");
        for (view, reader) in views.iter().zip(&mut readers) {
            reader.finish(&process, view, &json!({ "maxBytes": random.u64(1..200) }));
            let params = json!({ "argv": ["cat", file.display().to_string()], "view": view });
            let at_once = host.call("process/run", params).bytes("stdout");
            let seen = (reader.text("stdout"), Reader::whole(&process, view).text("stdout"));
            let expected = String::from_utf8_lossy(&at_once).into_owned();
            let told = String::from_utf8_lossy(&text);
            assert_eq!(
                seen,
                (expected.clone(), expected),
                "`{view}` of {told:?} with WEIR_SEED={seed}, case {case}"
            );
        }
        process.call("process/release", json!({}));
    }
}

/// Something with what the filters look at: repeats, colours, carriage returns, cursor movement, broken characters.
fn printed(random: &mut fastrand::Rng) -> Vec<u8> {
    const WORDS: [&[u8]; 16] = [
        b"line\n",
        b"same\nsame\nsame\nsame\nsame\n",
        b"10%\r",
        b"\x1b[31m",
        b"\x1b[0m",
        b"\x1b[K",
        b"\x1b[2A",
        b"\x1b[",
        b"\t",
        b"\x08",
        "\u{fc}\u{20ac}".as_bytes(),
        b"\xff",
        b"\r\n",
        b"words and words ",
        b"\n",
        b"\x1b]0;title\x07",
    ];
    let mut text = Vec::new();
    for _ in 0..random.usize(1..80) {
        text.extend_from_slice(WORDS[random.usize(0..WORDS.len())]);
    }
    text
}

fn a_summary_is_given_of_a_closed_process_alone(launch: Launch) {
    let host = launch.config(configuration()).start();
    let gate = host.gate("gate");
    let process =
        host.probe(&format!("line stdout one line stdout two line stderr three wait-fifo {gate} exit 3"));
    let summary = |more: Value| process.params(weir_tests::merge(json!({ "plugin": "count" }), more));
    let error = host.refused("process/summary", summary(json!({})));
    error.assert(-32600, "invalidRequest", &[&process.id, "closed"]);
    gate.release();
    process.wait_close();
    let told = host.call("process/summary", summary(json!({})));
    assert!(told.flag("recognised"));
    assert_eq!((told.text("plugin"), told.int("exitCode"), told.int("droppedBytes")), ("count", 3, 0));
    let text = told.text("text");
    assert!(text.contains("# Channel::Stdout: 8 bytes, 2 lines, 0 gaps\n"), "{text}");
    assert!(text.contains("# Channel::Stderr: 6 bytes, 1 lines, 0 gaps\n"), "{text}");
    assert_eq!(told.at("notes"), &json!({ "exit": "Some(3)" }));
    assert_eq!(told.at("diagnostics.0.at"), &json!({ "stream": "stdout", "offset": 0 }));
    let none = host.call("process/summary", summary(json!({ "options": { "unknown": true } })));
    assert_eq!((none.flag("recognised"), none.text("text")), (false, ""));
    let error = host.refused("process/summary", summary(json!({ "options": { "nonsense": 1 } })));
    error.assert(-32602, "invalidParams", &["count", "nonsense"]);
    host.try_other("plugin/fault").expect("a summary that fails is a fault");
    for (plugin, named) in [("nobody", "`count`"), ("upper", "`count`")] {
        let error = host.refused("process/summary", process.params(json!({ "plugin": plugin })));
        error.assert(-32602, "invalidParams", &[named, plugin]);
    }
}

fn a_summary_sees_the_gap_in_what_is_retained(launch: Launch) {
    let host = launch.config(configuration()).start();
    let params = json!({ "notify": false, "retention": { "maxBytes": 8_192 } });
    let process = host.probe_with("lines 20000", params);
    let closed = process.wait_close();
    let told = process.call("process/summary", json!({ "plugin": "count" }));
    let dropped = told.int("droppedBytes");
    assert!(dropped > 0 && dropped == closed.int("droppedBytes"), "{told}");
    let kept = closed.int("totalBytes") - dropped;
    let text = told.text("text");
    assert!(text.contains(&format!("# Channel::Stdout: {kept} bytes")) && text.contains("1 gaps"), "{text}");
}

fn a_summary_of_tests_names_what_failed(launch: Launch) {
    let host = launch.config(PluginEntry::builtin("tests").to_string()).start();
    let file = host.path("output");
    std::fs::write(&file, LIBTEST).expect("a file");
    let script = format!("cat {}; exit 101", file.display());
    let process = host.start(json!({ "argv": ["sh", "-c", script] }));
    process.wait_close();
    let told = process.call("process/summary", json!({ "plugin": "tests" }));
    assert!(told.flag("recognised"), "{told}");
    assert_eq!(told.int("exitCode"), 101);
    let text = told.text("text");
    for expected in ["tests::adds_wrongly", "left: 4", "right: 5", "1 failed", "a line that the test printed"]
    {
        assert!(text.contains(expected), "expected `{expected}` in {text}");
    }
    let own = |line: &&str| !line.starts_with("# ") && !LIBTEST.lines().any(|printed| printed == *line);
    assert_eq!(text.lines().filter(own).collect::<Vec<_>>(), Vec::<&str>::new(), "lines that nobody printed");
    let first = &told.list("diagnostics")[0];
    assert_eq!((first.text("severity"), first.int("line")), ("error", 12));
    assert!(
        first.text("path").ends_with("src/lib.rs") && first.text("message").contains("adds_wrongly"),
        "{first}"
    );
    let noise = host.probe("line stdout nothing-of-the-kind");
    noise.wait_close();
    assert!(!noise.call("process/summary", json!({ "plugin": "tests" })).flag("recognised"));
}

/// What `cargo test` prints for a test that fails.
const LIBTEST: &str = "
running 2 tests
test tests::adds ... ok
test tests::adds_wrongly ... FAILED

failures:

---- tests::adds_wrongly stdout ----
a line that the test printed

thread 'tests::adds_wrongly' (4711) panicked at src/lib.rs:12:9:
assertion `left == right` failed
  left: 4
 right: 5
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace


failures:
    tests::adds_wrongly

test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

error: test failed, to rerun pass `--lib`
";
