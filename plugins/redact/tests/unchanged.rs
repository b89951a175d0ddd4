//! What is no secret passes as it is: sources, lock files, digests, logs.

#[path = "harness/stream.rs"]
mod stream;

use stream::Setup;

const LINES: &str = include_str!("unchanged/lines.txt");

#[test]
fn every_line_of_the_corpus_passes_unchanged() {
    let setup = Setup::plain();
    let changed: Vec<String> = LINES
        .lines()
        .map(|line| setup.whole(&format!("{line}\n")))
        .filter(|out| out.contains("[redacted"))
        .collect();
    assert!(changed.is_empty(), "{} lines changed:\n{}", changed.len(), changed.concat());
    assert!(LINES.lines().count() >= 120, "the corpus has {} lines", LINES.lines().count());
    assert_eq!(setup.whole(LINES), LINES);
}

#[test]
fn the_corpus_passes_unchanged_in_small_pieces_and_with_pauses() {
    for size in [1, 7, 64] {
        for idle in [false, true] {
            let (out, masked) = Setup::plain().run(LINES.as_bytes().chunks(size), idle);
            assert!(masked.is_empty(), "{masked:?}");
            assert!(out == LINES.as_bytes());
        }
    }
}

#[test]
fn the_sources_of_this_filter_pass_but_for_what_looks_like_a_key() {
    let sources = [
        include_str!("../src/assignment.rs"),
        include_str!("../src/format.rs"),
        include_str!("../src/redactor.rs"),
        include_str!("../src/names.rs"),
        include_str!("../src/header.rs"),
        include_str!("../src/config.rs"),
        include_str!("../src/lib.rs"),
        include_str!("../src/judge.rs"),
        include_str!("../src/formats.rs"),
        include_str!("../src/block.rs"),
        include_str!("../src/rules.rs"),
    ];
    for source in sources {
        let out = Setup::plain().whole(source);
        let changed: Vec<&str> =
            out.lines().filter(|line| line.contains("[redacted:") && !source.contains(*line)).collect();
        assert!(changed.is_empty(), "{changed:#?}");
    }
}

#[test]
fn a_chunk_without_secrets_is_unchanged_and_nothing_is_held() {
    let mut redactor = Setup::plain().redactor();
    let chunk: String =
        (0..2000).map(|line| format!("   Compiling crate-{line} v1.0.{line} (/home/me/shop)\n")).collect();
    assert_eq!(redactor.push(chunk.as_bytes()), weir_redact::redactor::Pushed::Unchanged);
    assert_eq!(redactor.held(), 0);
}

#[test]
fn bytes_that_are_no_text_pass() {
    let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let (out, masked) = Setup::plain().run(bytes.chunks(4096), true);
    assert!(out == bytes && masked.is_empty());
}
