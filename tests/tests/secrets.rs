//! A secret that a command prints is nowhere to be found: not in what is pushed, read, viewed, reported, logged or
//! written, however the output is cut, and whatever other plugins do. Everything else stays as it was.

#[path = "secrets/planted.rs"]
mod planted;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use planted::{Pieces, Planted};
use serde_json::{Value, json};
use tempfile::TempDir;
use weir_tests::{CommandLine, Host, Json, Launch, PluginEntry, Process, merge, settings};

weir_tests::binary_only!(
    no_piece_of_a_secret_comes_out_byte_by_byte_and_all_else_does,
    no_piece_of_a_secret_comes_out_when_the_stream_pauses_within_it,
    nobody_who_breaks_down_lets_a_secret_through,
    what_is_run_by_hand_is_masked_as_well,
    a_command_with_a_mask_in_it_is_refused,
    the_words_of_who_holds_a_stream_are_masked,
    masking_changes_nothing_about_how_a_process_ends,
);

fn redact() -> PluginEntry {
    PluginEntry::builtin("redact").ingest().with("grants = { env = [\"PLANTED_*\"] }")
}

/// The filter, two views and a summary.
fn configuration() -> String {
    format!(
        "{}{}{}{}[views]\nsame = [\"identity\"]\nshown = [\"tidy\"]\n",
        redact(),
        PluginEntry::fixture("identity"),
        PluginEntry::builtin("tidy"),
        PluginEntry::fixture("count"),
    )
}

/// A host that has been told to tell as much as it can, with secrets in files that it does not know of.
struct Scene {
    host: Host,
    planted: Vec<Planted>,
    pieces: Pieces,
    files: TempDir,
    temporary: TempDir,
    started: SystemTime,
}

impl Scene {
    fn new(launch: Launch, config: &str) -> Self {
        let started = SystemTime::now();
        let (files, temporary) =
            (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
        let planted = Planted::all();
        for (index, secret) in planted.iter().enumerate() {
            std::fs::write(files.path().join(index.to_string()), secret.printed()).expect("a file");
        }
        let everything: String = planted.iter().map(Planted::printed).collect();
        std::fs::write(files.path().join("everything"), everything).expect("a file");
        let launch = launch.options(["--log", "trace"]).config(config);
        let host = launch.env("TMPDIR", temporary.path().to_str().expect("UTF-8")).start();
        Self { host, pieces: Pieces::of(&planted), planted, files, temporary, started }
    }

    fn file(&self, name: impl ToString) -> PathBuf {
        self.files.path().join(name.to_string())
    }

    /// Starts the probe, with the granted variables in its environment.
    #[track_caller]
    fn probe(&self, script: &str) -> Process<'_> {
        let params = json!({ "outputEncoding": "utf8", "env": planted::variables() });
        self.host.probe_with(script, params)
    }

    /// What the process has printed, if all that can be read of it is without a secret.
    #[track_caller]
    fn searched(&self, process: &Process<'_>, what: &str) -> String {
        let read = process.read_all();
        let all = text(&read);
        self.pieces.assert_none(&all, &format!("what can be read of {what}"));
        for view in ["same", "shown"] {
            let read = process.call("process/read", json!({ "view": view }));
            self.pieces.assert_none(text(&read), &format!("the view `{view}` of {what}"));
        }
        let summary = process.call("process/summary", json!({ "plugin": "count" }));
        self.pieces.assert_none(summary.to_string(), &format!("the summary of {what}"));
        all
    }

    /// Ends the host and looks through everything that is left of it.
    fn search_everything(self) {
        let log = self.host.whole_log();
        assert!(log.len() > 1_000, "the log tells nothing: {log}");
        self.pieces.assert_none(&log, "the host's log");
        let transcript = self.host.transcript().render();
        // What the client sent has the variables in it.
        for line in transcript.lines().filter(|line| !line.contains(" ms --> ")) {
            self.pieces.assert_none(line, "what the host said");
        }
        let cache = Path::new(weir_tests::binaries!().scratch);
        for root in [self.host.directory(), self.temporary.path(), cache] {
            for file in files_below(root, self.started) {
                if let Ok(bytes) = std::fs::read(&file) {
                    self.pieces.assert_none(bytes, &file.display().to_string());
                }
            }
        }
    }
}

/// All the text of a read, of both streams in turn.
fn text(read: &Value) -> String {
    read.list("chunks").iter().map(|chunk| chunk.text("text")).collect()
}

/// Files that were written since.
fn files_below(root: &Path, since: SystemTime) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.path().symlink_metadata() else { continue };
            if metadata.is_dir() {
                folders.push(entry.path());
            } else if metadata.is_file() && metadata.modified().is_ok_and(|at| at >= since) {
                found.push(entry.path());
            }
        }
    }
    found
}

fn no_piece_of_a_secret_comes_out_byte_by_byte_and_all_else_does(launch: Launch) {
    let scene = Scene::new(launch, &configuration());
    assert!(scene.planted.len() >= 40, "{} secrets", scene.planted.len());
    let start = |(index, secret): (usize, _)| {
        let (file, length) = (scene.file(index), Planted::printed(secret).len());
        let at_once = scene.probe(&format!("piece stdout {} 0 {length} exit 7", file.display()));
        let in_drips = scene.probe(&format!("drip stdout {} exit 7", file.display()));
        (at_once, in_drips, secret)
    };
    let started: Vec<_> = scene.planted.iter().enumerate().map(start).collect();
    let mut complaints = Vec::new();
    let mut tags = BTreeSet::new();
    for (at_once, in_drips, secret) in &started {
        let [at_once, in_drips] = [at_once, in_drips].map(|process| {
            let events = process.events();
            let outputs = events.iter().filter(|event| event.value["method"] == "process/output");
            let pushed: String = outputs.map(|event| event.value.text("params.text").to_owned()).collect();
            scene.pieces.assert_none(&pushed, &format!("what was pushed of {}", secret.name()));
            let out = scene.searched(process, &secret.name());
            assert_eq!(out, pushed);
            assert_eq!(process.wait_close().int("exitCode"), 7);
            out
        });
        match secret.mask_in(&at_once) {
            Ok(mask) if secret.is_of_the_first_value() => drop(tags.insert(mask)),
            Ok(_) => {}
            Err(complaint) => complaints.push(complaint),
        }
        // On a busy machine the drips are pauses, and a few bytes that are no evidence may be out before the mask.
        if !in_drips.contains("[redacted:") || !secret.rest_of(&in_drips) {
            complaints.push(format!("  {} came out in drips as {in_drips:?}", secret.name()));
        }
    }
    assert!(complaints.is_empty(), "{} of {}:\n{}", complaints.len(), started.len(), complaints.join("\n"));
    assert_eq!(tags.len(), 1, "one value has one mask, whatever its form: {tags:?}");
    let list = scene.host.call("plugin/list", json!({}));
    let redact = list.at("plugins.0");
    assert!(redact.int("masked") >= 2 * started.len() as i64 && redact.int("faults") == 0, "{redact}");
    drop(started);
    scene.search_everything();
}

/// For each place within a secret a process that pauses there for as long as the filter needs to be asked for what it
/// holds back.
fn no_piece_of_a_secret_comes_out_when_the_stream_pauses_within_it(launch: Launch) {
    let scene = Scene::new(launch, &configuration());
    let most = settings::number("WEIR_CUTS", 6);
    let gate = scene.host.gate("gate");
    let calls = || scene.host.call("plugin/list", json!({})).at("plugins.0").int("calls");
    for (index, secret) in scene.planted.iter().enumerate() {
        let file = scene.file(index);
        let length = secret.printed().len();
        let places = secret.places(most);
        let before = calls();
        let start = |place: &usize| {
            let file = file.display();
            let script = format!(
                "piece stdout {file} 0 {place} wait-fifo {gate} piece stdout {file} {place} {length}"
            );
            scene.probe(&script)
        };
        let processes: Vec<Process<'_>> = places.iter().map(start).collect();
        // Each stream was opened, given bytes, and asked for what it need not hold back.
        let paused = before + 3 * places.len() as i64;
        let until = std::time::Instant::now() + settings::deadline();
        while calls() < paused {
            assert!(std::time::Instant::now() < until, "{}: {} of {paused} calls", secret.name(), calls());
        }
        gate.release_many(places.len());
        for (process, place) in processes.iter().zip(&places) {
            process.expect_event("process/closed");
            let what = format!("{} with a pause after byte {place}", secret.name());
            let out = text(&process.read_all());
            scene.pieces.assert_none(&out, &what);
            let rest = secret.rest_of(&out);
            assert!(out.contains("[redacted:"), "expected a mask in {what}, saw {out:?}");
            assert!(rest, "expected all that is around {what}, saw {out:?}");
            process.call("process/release", json!({}));
        }
    }
    scene.search_everything();
}

fn nobody_who_breaks_down_lets_a_secret_through(launch: Launch) {
    let scene = Scene::new(launch, &configuration());
    let everything = scene.file("everything");
    for act in ["trap", "fail", "exit"] {
        for after in [0, 1, 100, 600] {
            let hostile = PluginEntry::fixture("hostile")
                .config(format!("do = \"{act}\", hook = \"push\", after = {after}"))
                .with("kinds = [\"filter\", \"summary\"]")
                .ingest();
            for first in [true, false] {
                let (one, other) =
                    if first { (hostile.clone(), redact()) } else { (redact(), hostile.clone()) };
                scene.host.rewrite_config(&format!("{one}{other}{}", PluginEntry::fixture("count")));
                scene.host.call("plugin/reload", json!({}));
                let process = scene.probe(&format!("drip stdout {} exit 7", everything.display()));
                let events = process.events();
                let what = format!("everything, with `{act}` after {after} calls, first: {first}");
                for event in &events {
                    scene.pieces.assert_none(event.value.to_string(), &what);
                }
                scene.pieces.assert_none(text(&process.read_all()), &what);
                let closed = &events[events.len() - 1].value["params"];
                assert!(closed.int("withheldBytes") > 0, "{what}: {closed}");
                assert_eq!(process.wait_close().int("exitCode"), 7, "{what}");
                scene.host.try_other("plugin/fault").unwrap_or_else(|missing| panic!("{what}: {missing}"));
            }
        }
    }
    scene.search_everything();
}

fn what_is_run_by_hand_is_masked_as_well(mut launch: Launch) {
    let files = tempfile::tempdir().expect("a directory");
    let (config, everything) = (files.path().join("weir.toml"), files.path().join("everything"));
    let planted = Planted::all();
    let pieces = Pieces::of(&planted);
    std::fs::write(&config, configuration()).expect("a file");
    std::fs::write(&everything, planted.iter().map(Planted::printed).collect::<String>()).expect("a file");
    for (name, value) in planted::variables().as_object().expect("variables") {
        launch = launch.env(name, value.as_str().expect("a value"));
    }
    let (config, everything) = (config.display().to_string(), everything.display().to_string());
    for more in [&[][..], &["--json"], &["--view", "shown"], &["--view", "same"]] {
        let words =
            [&["run", "--config", &config, "--log", "trace"], more, &["--", "cat", &everything]].concat();
        let ran = CommandLine::start(&launch, &words, b"").finish();
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        pieces.assert_none(&ran.stderr, "stderr");
        let printed = if more == ["--json"] {
            let events = ran.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
            let outputs = events.filter(|event| event["method"] == "process/output");
            let bytes: Vec<u8> = outputs.flat_map(|event| event.bytes("params.chunk")).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        } else {
            ran.stdout
        };
        pieces.assert_none(&printed, &format!("what `weir run` gave with {more:?}"));
        assert!(printed.matches("[redacted:").count() >= planted.len(), "with {more:?}: {printed}");
    }
}

fn the_words_of_who_holds_a_stream_are_masked(launch: Launch) {
    let secret = "correct-horse-battery-staple-42";
    let host = launch.config(redact().to_string()).start();
    let script = "(exec -a \"tok-$PLANTED_KEY\" sleep 1000) & until [ -d /proc/$! ] && \
                  tr '\\0' ' ' </proc/$!/cmdline | grep -q '^tok-'; do :; done";
    let process = host.start(json!({
        "argv": ["bash", "-c", script],
        "envPolicy": { "inherit": "core", "set": { "PLANTED_KEY": secret } },
    }));
    process.call("process/wait", json!({ "until": "exit" }));
    let list = host.call("process/list", json!({}));
    let holder = list.at("processes.0.holders.0");
    assert!(holder.to_string().contains("tok-[redacted:value"), "{list}");
    assert!(!list.to_string().contains(secret), "{list}");
}

fn a_command_with_a_mask_in_it_is_refused(launch: Launch) {
    let scene = Scene::new(launch, &configuration());
    let host = &scene.host;
    let run = json!({ "argv": ["cat", scene.file(0).display().to_string()], "outputEncoding": "utf8" });
    let mask = scene.planted[0].mask_in(host.call("process/run", run).text("stdout")).expect("a mask");
    let trace = host.path("trace");
    let touch = json!({ "argv": ["touch", trace.display().to_string()] });
    let script =
        format!("curl -H 'Authorization: Bearer {mask}' http://localhost; touch {}", trace.display());
    for params in [
        json!({ "argv": ["sh", "-c", script] }),
        json!({ "argv": ["touch", trace.display().to_string(), mask] }),
        merge(touch.clone(), json!({ "env": { "TOKEN": format!("x{mask}") } })),
        merge(touch.clone(), json!({ "envPolicy": { "set": { "TOKEN": mask } } })),
        merge(touch.clone(), json!({ "cwd": format!("/tmp/{mask}") })),
    ] {
        for method in ["process/start", "process/run"] {
            let error = host.refused(method, params.clone());
            error.assert(-32020, "policyDenied", &[&mask]);
            assert_eq!(error.data.text("rule"), "mask", "{error}");
        }
        let check = host.call("policy/check", params);
        assert_eq!((check.text("verdict"), check["decision"].text("rule")), ("deny", "mask"));
    }
    assert!(!trace.exists());
    // Half of a mask, or one that nobody made, is no mask.
    let (half, other) = (&mask[..mask.len() - 3], "[redacted:github-token:ffffff]");
    assert_eq!(host.call("process/run", json!({ "argv": ["true", half, other] })).int("exitCode"), 0);
    scene.search_everything();
}

fn masking_changes_nothing_about_how_a_process_ends(launch: Launch) {
    let plain = launch.clone().start();
    let masked = launch.config(format!("{}{}", redact(), PluginEntry::fixture("identity").ingest())).start();
    let scripts = [
        "exit 0",
        "emit stdout GITHUB_TOKEN=abcdefgh12345678 exit 3",
        "emit stdout out emit stderr err exit 255",
        "emit stdout ghp_ kill-self SIGKILL",
        "emit stderr xoxb- kill-self SIGSEGV",
        "close stdout emit stderr x exit 4",
        "close stdout close stderr exit 5",
    ];
    for script in scripts {
        let [without, with] = [&plain, &masked].map(|host| {
            let events = host.probe(script).events();
            let exited =
                events.iter().find(|event| event.value["method"] == "process/exited").expect("an exit");
            let facts = ["exitCode", "signal", "cause"].map(|name| exited.value["params"][name].clone());
            let last = events[events.len() - 1].value["method"].clone();
            (facts, last)
        });
        assert_eq!(with, without, "`{script}`");
    }
    let [without, with] = [&plain, &masked].map(|host| {
        let gate = host.gate("gate");
        let script = format!("emit stdout early fork {{ wait-fifo {gate} emit stdout late }} exit 3");
        let process = host.probe(&script);
        let exited = process.expect_event("process/exited").0;
        gate.release();
        let closed = process.expect_event("process/closed").0;
        let held = exited.texts("streamsOpen").join(" ");
        (exited.int("exitCode"), held, closed.int("totalBytes"), closed.get("withheldBytes").cloned())
    });
    assert_eq!(with, without);
    assert_eq!(with.1, "stdout stderr");
    let [without, with] = [&plain, &masked].map(|host| {
        let process = host.probe_with("emit stdout x hang", json!({ "timeoutMs": 1 }));
        let exited = process.expect_event("process/exited").0;
        (exited.int("exitCode"), exited.text("cause").to_owned())
    });
    assert_eq!(with, without);
}
