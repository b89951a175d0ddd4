//! `weir plugin check`

use std::fs;

use weir_tests::Launch;

use super::{Place, fails_with, line, prebuilt};

pub(crate) fn check_tells_what_a_component_is_and_tries_it(launch: Launch) {
    let place = Place::new(launch);
    let identity = prebuilt("fixture-identity");
    let finished = place.weir(&["check", &identity]);
    assert_eq!((finished.status, finished.stderr.as_str()), (0, ""), "{finished:?}");
    let bytes = fs::metadata(&identity).expect("the component").len();
    let digits: String = line(&finished, "size").split(" bytes").next().unwrap_or("").replace(',', "");
    assert_eq!(digits, bytes.to_string());
    assert_eq!(line(&finished, "component"), identity);
    assert_eq!(line(&finished, "kinds"), "filter");
    assert!(line(&finished, "interface").starts_with("weir:plugin 0.1.0; this host has 0.1.0"));
    assert!(finished.stdout.contains("weir:plugin/host@0.1.0"), "{finished:?}");
    assert!(finished.stdout.contains("there, with nothing inside"), "{finished:?}");
    for name in ["compile", "load", "instance", "filter"] {
        assert!(line(&finished, name).contains('s'), "{name} has a time: {finished:?}");
    }
    assert_eq!(line(&finished, "result"), "it works");
}

pub(crate) fn check_takes_compiled_code_from_the_cache(launch: Launch) {
    let place = Place::new(launch);
    let identity = prebuilt("fixture-identity");
    let first = place.weir(&["check", &identity]);
    assert!(!line(&first, "compile").contains("was done before"), "{first:?}");
    assert!(line(&first, "load").contains("from the cache"), "{first:?}");
    let again = place.weir(&["check", &identity]);
    assert!(line(&again, "compile").contains("was done before"), "{again:?}");
    let without = place.weir(&["check", &identity, "--no-cache"]);
    assert!(line(&without, "load").contains("without a cache"), "{without:?}");
}

pub(crate) fn check_names_what_is_no_plugin(launch: Launch) {
    let place = Place::new(launch);
    let whole = fs::read(prebuilt("fixture-identity")).expect("the component");
    for (name, bytes, expected) in [
        ("text.wasm", &b"#!/bin/sh\necho no\n"[..], "expected a WebAssembly component, saw text"),
        ("empty.wasm", b"", "saw an empty file"),
        ("core.wasm", b"\0asm\x01\0\0\0", "expected a component, saw a core module"),
        ("half.wasm", &whole[..whole.len() / 2], "the component is damaged"),
        ("nothing.wasm", b"\0asm\x0d\0\x01\0", "does not export `weir:plugin/plugin@0.1.0`"),
    ] {
        let file = place.write(name, bytes);
        fails_with(&place.weir(&["check", &file]), expected);
    }
    fails_with(&place.weir(&["check", "missing.wasm"]), "cannot read `missing.wasm`");
    fs::create_dir(place.path("folder")).expect("a folder");
    fails_with(&place.weir(&["check", "folder"]), "expected a regular file");
}

pub(crate) fn check_names_the_import_that_is_foreign(launch: Launch) {
    let place = Place::new(launch);
    for (import, need, expected) in [
        ("acme:radio/send@1.0.0", "REFUSED: this host does not know it", "imports `acme:radio/send@1.0.0`"),
        ("wasi:sockets/tcp@0.2.0", "REFUSED: never granted to plugins", "imports `wasi:sockets/tcp@0.2.0`"),
        ("weir:plugin/host@0.2.0", "REFUSED: another version", "is of version `0.2.0`, expected `0.1.x`"),
    ] {
        let file = place.write("foreign.wasm", importing(import));
        let finished = place.weir(&["check", &file]);
        fails_with(&finished, expected);
        assert!(line(&finished, "imports").contains(need), "{finished:?}");
    }
}

/// A component that does nothing but import an empty instance.
fn importing(name: &str) -> Vec<u8> {
    let mut import = vec![1, 0, u8::try_from(name.len()).expect("a short name")];
    import.extend_from_slice(name.as_bytes());
    // An instance of type 0.
    import.extend_from_slice(&[5, 0]);
    let mut component = b"\0asm\x0d\0\x01\0".to_vec();
    // One type: an instance without exports.
    component.extend_from_slice(&[7, 3, 1, 0x42, 0]);
    component.extend_from_slice(&[10, u8::try_from(import.len()).expect("a short section")]);
    component.extend(import);
    component
}

pub(crate) fn check_hands_the_configuration_over(launch: Launch) {
    let place = Place::new(launch);
    let upper = prebuilt("fixture-upper");
    assert_eq!(place.weir(&["check", &upper, "--plugin-config", r#"{"notFor": "cat"}"#]).status, 0);
    let finished = place.weir(&["check", &upper, "--plugin-config", r#"{"notfor": "cat"}"#]);
    fails_with(&finished, "refused its configuration: unknown field `notfor`");
    let file = place.write("config.json", r#"{"notfor": 1}"#);
    fails_with(&place.weir(&["check", &upper, "--plugin-config-file", &file]), "unknown field `notfor`");
    let finished = place.weir(&["check", &upper, "--plugin-config", "[]"]);
    assert_eq!(finished.status, 125, "{finished:?}");
    assert!(finished.stderr.contains("--plugin-config: expected a JSON object, saw `[]`"), "{finished:?}");
}

pub(crate) fn check_names_the_limit_and_the_call(launch: Launch) {
    let place = Place::new(launch);
    let hostile = prebuilt("fixture-hostile");
    for (config, expected) in [
        (r#"{"do": "trap", "hook": "init"}"#, "broke down when it was tried (trap)"),
        (r#"{"do": "trap", "hook": "check"}"#, "failed in `check` (trap)"),
        (r#"{"do": "spin", "hook": "push"}"#, "failed in `push` (deadline)"),
        (r#"{"do": "trap", "hook": "summarize"}"#, "failed in `summarize` (trap)"),
    ] {
        fails_with(&place.weir(&["check", &hostile, "--plugin-config", config]), expected);
    }
    let limited = place.weir(&["check", &hostile, "--limit", "memoryBytes=65536"]);
    fails_with(&limited, "memory");
    let finished = place.weir(&["check", &hostile, "--limit", "componentBytes=1000"]);
    fails_with(&finished, "expected at most 1000");
    for limit in ["memory=1", "timeMs=0", "timeMs", "timeMs=soon"] {
        let finished = place.weir(&["check", &hostile, "--limit", limit]);
        assert_eq!(finished.status, 125, "{finished:?}");
        assert!(finished.stderr.contains("--limit: expected"), "{finished:?}");
    }
}

pub(crate) fn check_takes_plugins_out_of_the_configuration(launch: Launch) {
    let place = Place::new(launch);
    let upper = prebuilt("fixture-upper");
    place.write(
        "weir.toml",
        format!("[[plugin]]\nname = \"loud\"\nsource = \"{upper}\"\ningest = true\nconfig = {{ notFor = \"cat\" }}\n"),
    );
    let finished = place.weir(&["check", "plugin:loud"]);
    assert_eq!((finished.status, line(&finished, "kinds")), (0, "filter"), "{finished:?}");
    let finished = place.weir(&["check", "plugin:quiet"]);
    assert_eq!(finished.status, 125, "{finished:?}");
    assert!(finished.stderr.contains("expected one of `plugin:loud`, saw `plugin:quiet`"), "{finished:?}");
    let finished = place.weir(&["check", "plugin:loud", "--no-config"]);
    assert!(finished.stderr.contains("no `weir.toml`"), "{finished:?}");
}

pub(crate) fn check_tries_what_comes_with_the_host(launch: Launch) {
    let place = Place::new(launch);
    for name in ["rules", "redact", "tidy", "headtail", "tests"] {
        let finished = place.weir(&["check", &format!("builtin:{name}")]);
        assert_eq!(finished.status, 0, "{name}: {finished:?}");
        assert_eq!(line(&finished, "result"), "it works");
    }
    let finished = place.weir(&["check", "builtin:nothing"]);
    assert_eq!(finished.status, 125, "{finished:?}");
    assert!(finished.stderr.contains("`builtin:rules`"), "{finished:?}");
}
