//! What a child is born with: variables, directory, descriptors, signals, arguments.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};
use weir_tests::{Host, Json, Launch, chunks_of, merge, pushed};

weir_tests::both_ways!(
    env_alone_is_exactly_the_environment,
    a_child_has_three_descriptors,
    a_child_has_no_signal_blocked_or_ignored,
    a_directory_is_a_path_or_a_uri,
    the_name_can_differ_from_the_program,
    arguments_arrive_as_they_were_sent,
    a_program_is_found_along_its_own_path,
    stdin_is_at_its_end_by_default,
    without_a_terminal_nobody_is_there_to_page_or_to_ask,
    metadata_and_unknown_members_do_no_harm,
    the_host_tells_about_its_environment,
);

mod inherited {
    use super::*;

    weir_tests::binary_only!(
        the_policy_decides_what_is_inherited,
        names_like_credentials_are_not_inherited_unless_asked_for,
        the_directory_is_the_hosts_by_default,
        a_child_inherits_nothing_of_the_hosts_own,
        the_hosts_own_pager_is_inherited_only_if_it_is_asked_for_by_name,
    );
}

/// What the probe prints under a script and more params.
#[track_caller]
fn printed(host: &Host, script: &str, params: Value) -> String {
    let process = host.probe_with(script, params);
    let events = process.events();
    let errors = pushed(&events, "stderr");
    assert!(errors.is_empty(), "{}", String::from_utf8_lossy(&errors));
    String::from_utf8(pushed(&events, "stdout")).expect("text")
}

#[track_caller]
fn environment(host: &Host, params: Value) -> BTreeMap<String, String> {
    let text = printed(host, "print-env", params);
    let pairs = text.lines().map(|line| line.split_once('=').expect("NAME=VALUE"));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn env_alone_is_exactly_the_environment(launch: Launch) {
    let host = launch.start();
    for env in [json!({}), json!({ "A": "1", "EMPTY": "", "SECRET_KEY": "told so", "UMLAUT": "ü=ö" })] {
        let seen = environment(&host, json!({ "env": env.clone() }));
        assert_eq!(json!(seen), env);
    }
}

/// A host with an environment of its own making.
fn furnished(launch: Launch) -> Host {
    launch
        .env("HOME", "/home/weir")
        .env("USER", "weir")
        .env("SHELL", "/bin/sh")
        .env("PLAIN", "plain")
        .env("KEEP_ONE", "1")
        .env("KEEP_TWO", "2")
        .env("OPENAI_API_KEY", "k")
        .env("MY_SECRET_THING", "s")
        .env("GITHUB_TOKEN", "t")
        .env("aws_secret_access_key", "a")
        .start()
}

const CREDENTIALS: [&str; 4] = ["OPENAI_API_KEY", "MY_SECRET_THING", "GITHUB_TOKEN", "aws_secret_access_key"];

fn the_policy_decides_what_is_inherited(launch: Launch) {
    let host = furnished(launch);
    // What is given, what must be there, what must not be there.
    let table: [(Value, &[&str], &[&str]); 9] = [
        (json!({}), &["PATH", "HOME=/home/weir", "USER=weir"], &["PLAIN", "KEEP_ONE", "GITHUB_TOKEN"]),
        (
            json!({ "envPolicy": { "inherit": "core" } }),
            &["PATH", "HOME=/home/weir", "SHELL=/bin/sh"],
            &["PLAIN"],
        ),
        (json!({ "envPolicy": { "inherit": "none" } }), &[], &["PATH", "HOME", "PLAIN"]),
        (json!({ "envPolicy": { "inherit": "all" } }), &["PATH", "PLAIN=plain", "KEEP_ONE=1"], &CREDENTIALS),
        (
            json!({ "envPolicy": { "inherit": "all", "exclude": ["KEEP_*", "PLAIN"] } }),
            &["PATH", "HOME"],
            &["PLAIN", "KEEP_ONE", "KEEP_TWO"],
        ),
        (
            json!({ "envPolicy": { "inherit": "all", "includeOnly": ["KEEP_*", "HOME"] } }),
            &["KEEP_ONE=1", "KEEP_TWO=2", "HOME=/home/weir"],
            &["PATH", "PLAIN", "USER"],
        ),
        (
            json!({ "envPolicy": { "inherit": "none", "set": { "A": "1", "PLAIN": "set" } } }),
            &["A=1", "PLAIN=set"],
            &["PATH", "HOME"],
        ),
        (
            json!({ "envPolicy": { "inherit": "all", "set": { "A": "1", "PLAIN": "set" } }, "env": { "A": "2" } }),
            &["A=2", "PLAIN=set", "PATH"],
            &[],
        ),
        (
            json!({ "envPolicy": { "inherit": "none" }, "env": { "GITHUB_TOKEN": "given" } }),
            &["GITHUB_TOKEN=given"],
            &["PATH"],
        ),
    ];
    for (params, present, absent) in table {
        let seen = environment(&host, params.clone());
        for expected in present {
            let (name, value) = expected.split_once('=').map_or((*expected, None), |(n, v)| (n, Some(v)));
            let found = seen.get(name).unwrap_or_else(|| panic!("no {name} under {params}: {seen:?}"));
            assert!(value.is_none_or(|value| value == found), "{name} is {found} under {params}");
        }
        for name in absent {
            assert!(!seen.contains_key(*name), "{name} under {params}: {seen:?}");
        }
    }
}

fn names_like_credentials_are_not_inherited_unless_asked_for(launch: Launch) {
    let host = furnished(launch);
    let kept = environment(&host, json!({ "envPolicy": { "inherit": "all" } }));
    let all = environment(&host, json!({ "envPolicy": { "inherit": "all", "ignoreDefaultExcludes": true } }));
    for name in CREDENTIALS {
        assert!(!kept.contains_key(name), "{name} is inherited");
        assert!(all.contains_key(name), "{name} was asked for");
    }
}

/// What a command that nobody sits at is told.
const DEFAULTS: [(&str, &str); 5] = [
    ("GIT_PAGER", "cat"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("NO_COLOR", "1"),
    ("PAGER", "cat"),
    ("TERM", "dumb"),
];

/// Those of them that are there, with their values.
#[track_caller]
fn defaults(host: &Host, params: Value) -> Vec<(String, String)> {
    let mut seen = environment(host, params).into_iter().collect::<Vec<_>>();
    seen.retain(|(name, _)| DEFAULTS.iter().any(|(known, _)| known == name));
    seen
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn without_a_terminal_nobody_is_there_to_page_or_to_ask(launch: Launch) {
    let host = launch.start();
    for params in [
        json!({}),
        json!({ "envDefaults": true }),
        json!({ "envDefaults": null }),
        json!({ "pipeStdin": true }),
        json!({ "envPolicy": { "inherit": "all" } }),
        json!({ "envPolicy": {}, "env": { "A": "1" } }),
    ] {
        assert_eq!(defaults(&host, params.clone()), owned(&DEFAULTS), "{params}");
    }
    // What the request says itself holds.
    for (params, expected) in [
        (json!({ "env": {} }), &[][..]),
        (json!({ "env": { "PAGER": "less" } }), &[("PAGER", "less")][..]),
        (json!({ "envPolicy": { "inherit": "none" } }), &[][..]),
        (json!({ "envPolicy": { "exclude": ["GIT_*", "no_color", "TERM"] } }), &[("PAGER", "cat")][..]),
        (
            json!({ "envPolicy": { "includeOnly": ["*PAGER"] } }),
            &[("GIT_PAGER", "cat"), ("PAGER", "cat")][..],
        ),
        (
            json!({ "envPolicy": { "set": { "TERM": "vt100" }, "exclude": ["*PAGER"] }, "env": { "NO_COLOR": "" } }),
            &[("GIT_TERMINAL_PROMPT", "0"), ("NO_COLOR", ""), ("TERM", "vt100")][..],
        ),
        (json!({ "envDefaults": false }), &[][..]),
        (json!({ "envDefaults": false, "env": { "TERM": "x" }, "envPolicy": {} }), &[("TERM", "x")][..]),
    ] {
        assert_eq!(defaults(&host, params.clone()), owned(expected), "{params}");
    }
    let process = host.probe_with("print-env", json!({ "tty": true }));
    let printed = String::from_utf8(pushed(&process.events(), "pty")).expect("text");
    assert!(printed.contains("TERM=xterm-256color") && !printed.contains("PAGER"), "{printed}");
}

fn the_hosts_own_pager_is_inherited_only_if_it_is_asked_for_by_name(launch: Launch) {
    let host = launch.env("PAGER", "most").env("TERM", "vt220").without_env("NO_COLOR").start();
    let all = |more: Value| json!({ "envPolicy": merge(json!({ "inherit": "all" }), more) });
    assert_eq!(defaults(&host, all(json!({}))), owned(&DEFAULTS));
    assert_eq!(
        defaults(&host, all(json!({ "includeOnly": ["PAGER", "TERM", "NO_COLOR"] }))),
        owned(&[("NO_COLOR", "1"), ("PAGER", "most"), ("TERM", "vt220")])
    );
    assert_eq!(
        defaults(&host, all(json!({ "includeOnly": ["PAGE?", "TER*"] }))),
        owned(&[("PAGER", "cat"), ("TERM", "dumb")])
    );
    let off = merge(all(json!({})), json!({ "envDefaults": false }));
    assert_eq!(defaults(&host, off), owned(&[("PAGER", "most"), ("TERM", "vt220")]));
}

fn the_directory_is_the_hosts_by_default(launch: Launch) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().canonicalize().expect("a path");
    let host = launch.cwd(&path).start();
    assert_eq!(printed(&host, "print-cwd", json!({})), path.display().to_string());
}

fn a_child_inherits_nothing_of_the_hosts_own(launch: Launch) {
    let host = launch.env("PLAIN", "plain").start();
    let seen = environment(&host, json!({ "envPolicy": { "inherit": "all" } }));
    assert_eq!(seen.get("PLAIN").map(String::as_str), Some("plain"));
    let own: Vec<_> = seen
        .keys()
        .filter(|name| name.starts_with("WEIR_") && !std::env::vars().any(|(n, _)| n == **name))
        .collect();
    assert_eq!(own, ["WEIR_TEST_MARK"], "only what the host was given itself");
}

fn a_child_has_three_descriptors(launch: Launch) {
    assert_three_descriptors(
        launch,
        &[
            json!({}),
            json!({ "pipeStdin": true }),
            json!({ "notify": false }),
            json!({ "mergeStderr": true }),
            json!({ "tty": true }),
        ],
    );
}

fn assert_three_descriptors(launch: Launch, variants: &[Value]) {
    let host = launch.start();
    // Others that run at the same time must not leak in either.
    let other = host.probe_with("hang", json!({ "pipeStdin": true }));
    for params in variants {
        let process = host.probe_with("print-fds", params.clone());
        process.wait_close();
        let stream = if params.has("tty") { "pty" } else { "stdout" };
        let text = String::from_utf8(chunks_of(&process.read_all(), stream)).expect("text");
        let numbers: Vec<&str> = text.lines().filter_map(|line| line.split(' ').next()).collect();
        assert_eq!(numbers, ["0", "1", "2"], "{params}:\n{text}");
    }
    other.terminate();
}

fn a_child_has_no_signal_blocked_or_ignored(launch: Launch) {
    let host = launch.start();
    let text = printed(&host, "print-signals", json!({}));
    for line in text.lines() {
        let (name, mask) = line.split_once(": ").expect("NAME: MASK");
        // The probe catches what its runtime catches, which is nothing inherited.
        if name != "SigCgt" {
            let mask = u64::from_str_radix(mask.trim(), 16).expect("a mask");
            assert_eq!(mask, 0, "{text}");
        }
    }
}

fn a_directory_is_a_path_or_a_uri(launch: Launch) {
    let host = launch.start();
    let odd = host.path("a b%20ü");
    fs::create_dir(&odd).expect("a directory");
    let odd = odd.canonicalize().expect("a path").display().to_string();
    let uri = format!("file://{}", odd.replace('%', "%25").replace(' ', "%20").replace('ü', "%C3%BC"));
    for cwd in [odd.clone(), uri.clone(), uri.replace("file://", "file://localhost")] {
        assert_eq!(printed(&host, "print-cwd", json!({ "cwd": cwd })), odd, "{cwd}");
    }
}

fn the_name_can_differ_from_the_program(launch: Launch) {
    let host = launch.start();
    let text = printed(&host, "print-args", json!({ "arg0": "another name" }));
    assert_eq!(text.lines().next(), Some("another name"));
    let own = printed(&host, "print-args", json!({}));
    assert_eq!(own.lines().next(), Some(weir_tests::binaries!().probe));
}

fn arguments_arrive_as_they_were_sent(launch: Launch) {
    let host = launch.start();
    let odd = ["", " ", "a b", "'\"\\", "$HOME `x` *", "ü\u{1F600}"];
    let mut argv = host.probe_argv("print-args");
    for word in odd {
        argv.extend(["marker".to_owned(), word.to_owned()]);
    }
    let process = host.start(json!({ "argv": argv }));
    assert_eq!(process.started.texts("argv"), argv);
    let text = String::from_utf8(pushed(&process.events(), "stdout")).expect("text");
    assert_eq!(text.lines().collect::<Vec<_>>(), argv);
}

fn a_program_is_found_along_its_own_path(launch: Launch) {
    let host = launch.start();
    std::os::unix::fs::symlink("/bin/echo", host.path("only-here")).expect("a link");
    let params = json!({ "argv": ["only-here", "found"], "env": { "PATH": host.directory() } });
    assert_eq!(pushed(&host.start(params).events(), "stdout"), b"found\n");
    let relative = json!({ "argv": ["./only-here", "found"], "cwd": host.directory() });
    assert_eq!(pushed(&host.start(relative).events(), "stdout"), b"found\n");
}

fn stdin_is_at_its_end_by_default(launch: Launch) {
    let host = launch.start();
    assert_eq!(printed(&host, "echo emit stdout end", json!({})), "end");
}

fn metadata_and_unknown_members_do_no_harm(launch: Launch) {
    let host = launch.start();
    let params =
        json!({ "metadata": { "threadId": "1" }, "brandNew": { "a": [1] }, "arg0": null, "cwd": null });
    assert_eq!(printed(&host, "emit stdout x", merge(params, json!({ "tty": false }))), "x");
}

fn the_host_tells_about_its_environment(launch: Launch) {
    let host = launch.start();
    let info = host.call("environment/info", json!({}));
    for member in ["shell.name", "shell.path", "executorVersion", "platformOs", "tempDir", "capabilities"] {
        assert!(info.has(member), "no `{member}` in {info}");
    }
    assert_eq!(info.text("platformOs"), "linux");
    host.call("environment/status", json!({}));
}
