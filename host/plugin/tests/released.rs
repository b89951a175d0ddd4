//! What was released stays: plugins that were compiled against 0.1 go on working.
//!
//! Types and exported interfaces stay word for word, as one more member or function would break every plugin. The host's
//! own interface may gain functions, resources and methods; none goes or changes. Comments may be bettered.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A file of `.wit` without comments, with single spaces.
fn text(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(!text.contains("/*"), "{}: comments are of whole lines", path.display());
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

/// What stands between the outer braces after `opening`.
fn inside<'a>(text: &'a str, opening: &str) -> &'a str {
    let from = text.find(opening).unwrap_or_else(|| panic!("`{opening}` is missing")) + opening.len();
    let mut depth = 1;
    for (at, character) in text[from..].char_indices() {
        depth += match character {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        if depth == 0 {
            return text[from..from + at].trim();
        }
    }
    panic!("`{opening}` is not closed")
}

/// The items of a body, each up to its `;` or its closing brace.
fn items(body: &str) -> Vec<&str> {
    let (mut items, mut depth, mut from) = (Vec::new(), 0, 0);
    for (at, character) in body.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        // `use types.{a};` ends at its `;`, `record r { … }` at its brace.
        let ends = character == ';' || character == '}' && !body[from..at].trim_start().starts_with("use ");
        if depth == 0 && ends {
            items.push(body[from..=at].trim());
            from = at + 1;
        }
    }
    assert!(body[from..].trim().is_empty(), "`{}` has no end", &body[from..]);
    items
}

/// By its head: `record word`, `resource retained`, `salt: func() -> u64;`. A resource is its methods.
fn by_head(body: &str) -> BTreeMap<&str, Vec<&str>> {
    items(body)
        .into_iter()
        .map(|item| match item.split_once(" {") {
            Some((head, methods)) if head.starts_with("resource ") => {
                (head, items(methods.trim_end_matches('}').trim()))
            }
            Some((head, _)) if !item.starts_with("use ") => (head, vec![item]),
            _ => (item, vec![item]),
        })
        .collect()
}

/// Why `now` is not what `released` has grown into, if it is not.
fn broken(released: &str, now: &str) -> Option<String> {
    let (released, now) =
        (by_head(inside(released, "interface host {")), by_head(inside(now, "interface host {")));
    for (head, parts) in released {
        let Some(there) = now.get(head) else { return Some(format!("`{head}` is gone or changed")) };
        for part in &parts {
            if !there.contains(part) {
                return Some(format!("`{part}` of `{head}` is gone or changed"));
            }
        }
        if !head.starts_with("resource ") && parts.len() != there.len() {
            return Some(format!("`{head}` has grown"));
        }
    }
    None
}

#[test]
fn types_and_exported_interfaces_stay_as_they_were_released() {
    let mut files = 0;
    for released in fs::read_dir(here("tests/released/0.1.0")).unwrap() {
        let released = released.unwrap().path();
        let name = released.file_name().unwrap().to_str().unwrap();
        let now = here("../../wit").join(name);
        if name == "host.wit" {
            continue;
        }
        assert_eq!(text(&now), text(&released), "{name}");
        files += 1;
    }
    assert_eq!(files, 6);
}

#[test]
fn the_host_may_only_gain_functions() {
    let (now, released) = (text(&here("../../wit/host.wit")), text(&here("tests/released/0.1.0/host.wit")));
    assert_eq!(broken(&released, &now), None);
}

#[test]
fn a_change_of_the_host_would_be_seen() {
    let released = text(&here("tests/released/0.1.0/host.wit"));
    for (from, to, is_broken) in [
        ("salt: func() -> u64;", "salt: func() -> u64; more: func();", false),
        ("tty: func() -> bool;", "tty: func() -> bool; more: func() -> string;", false),
        ("resource retained {", "resource other { a: func(); } resource retained {", false),
        ("salt: func() -> u64;", "salt: func() -> u32;", true),
        ("salt: func() -> u64;", "", true),
        ("tty: func() -> bool;", "", true),
        ("tty: func() -> bool;", "tty: func() -> option<bool>;", true),
        ("literal: bool,", "literal: bool, more: bool,", true),
        ("warn, error", "warn, error, fatal", true),
        ("record redirect {", "record redirection {", true),
    ] {
        assert!(released.contains(from), "`{from}` is not there to be changed");
        let now = released.replacen(from, to, 1);
        assert_eq!(
            broken(&released, &now).is_some(),
            is_broken,
            "`{from}` to `{to}`: {:?}",
            broken(&released, &now)
        );
    }
}
