//! The committed components come out of the sources that are committed beside them.

#![allow(clippy::unwrap_used, reason = "tests and what they share")]

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

fn plugins() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins")
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// Every file below `path`, named as `find` would from `plugins/`.
fn files(path: &str, found: &mut Vec<String>) {
    let full = plugins().join(path);
    if full.is_dir() {
        for entry in fs::read_dir(full).unwrap() {
            files(&format!("{path}/{}", entry.unwrap().file_name().to_str().unwrap()), found);
        }
    } else if !path.ends_with(".md") {
        found.push(path.to_owned());
    }
}

/// What `.ci/guests` computes with `find`, `sort` and `sha256sum`.
fn sources(guest: &str) -> String {
    let mut found = Vec::new();
    for path in
        [&format!("{guest}/Cargo.toml"), &format!("{guest}/src"), "Cargo.toml", "Cargo.lock", "../wit"]
    {
        files(path, &mut found);
    }
    found.sort_unstable();
    let list = found.iter().fold(String::new(), |list, path| {
        list + &format!("{}  {path}\n", hex(&fs::read(plugins().join(path)).unwrap()))
    });
    hex(list.as_bytes())
}

/// The names, without their ends, of the files in `prebuilt` that end so.
fn prebuilt(end: &str) -> BTreeSet<String> {
    let names = fs::read_dir(plugins().join("prebuilt")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter_map(|name| name.strip_suffix(end).map(str::to_owned)).collect()
}

#[test]
fn prebuilt_components_are_those_of_their_digests_and_their_sources() {
    let mut stale = String::new();
    for name in prebuilt(".digest") {
        let line = fs::read_to_string(plugins().join(format!("prebuilt/{name}.digest"))).unwrap();
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [component, made_from, named, guest] = fields[..] else { panic!("`{name}.digest` is `{line}`") };
        assert_eq!(named, name);
        let seen = hex(&fs::read(plugins().join(format!("prebuilt/{name}.wasm"))).unwrap());
        if seen != component {
            writeln!(stale, "{name}.wasm: expected {component}, saw {seen}").unwrap();
        }
        let seen = sources(guest);
        if seen != made_from {
            writeln!(stale, "{name}.wasm: made from sources {made_from}, those of `{guest}` are {seen}")
                .unwrap();
        }
    }
    assert!(stale.is_empty(), "run `.ci/guests` and commit what it makes:\n{stale}");
}

#[test]
fn every_component_has_a_digest_and_every_guest_a_component() {
    assert_eq!(prebuilt(".wasm"), prebuilt(".digest"), "components, and what `.ci/guests` noted of them");
    let mut guests: Vec<PathBuf> = ["rules", "redact", "tidy", "headtail", "tests"].map(PathBuf::from).into();
    guests.extend(fs::read_dir(plugins().join("fixtures")).unwrap().map(|entry| entry.unwrap().path()));
    let packages = guests.iter().map(|guest| {
        let manifest = fs::read_to_string(plugins().join(guest).join("Cargo.toml")).unwrap();
        let name =
            manifest.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).unwrap();
        name.strip_prefix("weir-").unwrap_or(name).to_owned()
    });
    assert_eq!(packages.collect::<BTreeSet<_>>(), prebuilt(".wasm"));
}
