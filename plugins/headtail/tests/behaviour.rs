//! What comes out for what goes in, and that every byte is shown or counted.

use proptest::prelude::*;
use weir_headtail::{HeadTail, Options};

fn run<'a>(options: &Options, chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut filter = HeadTail::new(options, "stdout");
    let mut out = Vec::new();
    for chunk in chunks {
        match filter.push(chunk) {
            Some(bytes) => out.extend(bytes),
            None => out.extend_from_slice(chunk),
        }
    }
    out.extend(filter.finish());
    out
}

fn filtered(config: &str, input: &str) -> String {
    let options = Options::parse(config).expect("a good configuration");
    let whole = run(&options, [input.as_bytes()]);
    assert_eq!(run(&options, input.as_bytes().chunks(1)), whole, "cut at every byte: `{input}`");
    String::from_utf8(whole).expect("cut at character borders")
}

#[test]
fn what_fits_stays_as_it_is() {
    for text in ["", "\n", "one", "one\ntwo\n", "one\n\ntwo"] {
        assert_eq!(filtered("{}", text), text);
        assert_eq!(filtered(r#"{"headLines":1,"tailLines":2}"#, text), text);
    }
}

#[test]
fn lines_in_the_middle_are_left_out_and_counted() {
    let input: String = (0..10).map(|line| format!("line {line}\n")).collect();
    assert_eq!(
        filtered(r#"{"headLines":2,"tailLines":1}"#, &input),
        "line 0\nline 1\n# 7 lines (49 bytes) left out here: bytes 14..63 of stdout\nline 9\n"
    );
    assert_eq!(
        filtered(r#"{"headBytes":15,"tailBytes":20}"#, &input),
        "line 0\nline 1\n# 6 lines (42 bytes) left out here: bytes 14..56 of stdout\nline 8\nline 9\n"
    );
    assert_eq!(
        filtered(r#"{"headLines":0,"tailLines":0}"#, "a\n"),
        "# 1 line (2 bytes) left out here: bytes 0..2 of stdout\n"
    );
    assert_eq!(
        filtered(r#"{"headLines":1,"tailLines":1}"#, "a\nb\nc"),
        "a\n# 1 line (2 bytes) left out here: bytes 2..4 of stdout\nc"
    );
}

#[test]
fn long_lines_are_cut_between_characters() {
    let options = r#"{"maxLineBytes":16}"#;
    assert_eq!(
        filtered(options, "0123456789abcdefgh\nx\n"),
        "0123456789abcdef # 2 bytes of this line left out: bytes 16..18 of stdout\nx\n"
    );
    assert_eq!(
        filtered(options, "0123456789abcd漢x\n"),
        "0123456789abcd # 4 bytes of this line left out: bytes 14..18 of stdout\n"
    );
    assert_eq!(filtered(options, "0123456789abcdef\n"), "0123456789abcdef\n");
    assert_eq!(filtered(options, "0123456789abc漢\n"), "0123456789abc漢\n");
}

#[test]
fn a_line_longer_than_the_whole_is_cut_to_it() {
    assert_eq!(
        filtered(r#"{"headBytes":5,"tailBytes":5}"#, "0123456789\n0123456789\n0123456789\n"),
        "0123 # 6 bytes of this line left out: bytes 4..10 of stdout\n\
         # 1 line (11 bytes) left out here: bytes 11..22 of stdout\n\
         0123 # 6 bytes of this line left out: bytes 26..32 of stdout\n"
    );
}

#[test]
fn a_pause_gives_a_prompt_in_the_beginning_and_nothing_of_the_end() {
    let options = Options { head_lines: 1, ..Options::default() };
    let mut filter = HeadTail::new(&options, "stdout");
    assert_eq!(filter.push(b"Name\xc3"), Some(Vec::new()));
    assert_eq!(filter.idle(), b"Name");
    assert_eq!(filter.idle(), b"");
    assert_eq!(filter.push(b"\xa9: "), Some(Vec::new()));
    assert_eq!(filter.idle(), "é: ".as_bytes());
    assert_eq!(filter.push(b"Ann\nmore"), Some(b"Ann\n".to_vec()));
    assert_eq!(filter.idle(), b"");
    assert_eq!(filter.finish(), b"more");
}

#[test]
fn nothing_is_copied_in_the_beginning() {
    let mut filter = HeadTail::new(&Options::default(), "stdout");
    assert_eq!(filter.push(b"one\ntwo\n"), None);
    assert_eq!(filter.push(b"par"), Some(Vec::new()));
    assert_eq!(filter.push(b"t\n"), Some(b"part\n".to_vec()));
}

/// Bytes that notes say are left out, and the text without the notes.
fn counted(out: &str) -> (u64, String) {
    let mut left_out = 0;
    let mut text = String::new();
    for line in out.split_inclusive('\n') {
        let (shown, note) = match line.find("# ") {
            Some(0) => ("", &line[2..]),
            Some(at) => (&line[..at - 1], &line[at + 2..]),
            None => (line, ""),
        };
        text += shown;
        if !note.is_empty() {
            let range = note.split("bytes ").last().and_then(|text| text.split(' ').next()).expect("a range");
            let (from, to) = range.split_once("..").expect("two ends");
            let (from, to): (u64, u64) = (from.parse().expect("a number"), to.parse().expect("a number"));
            let stated = note.trim_start_matches(|c: char| c != '(').trim_start_matches('(');
            let stated = if stated.is_empty() { note } else { stated };
            let stated: u64 = stated.split(' ').next().and_then(|n| n.parse().ok()).expect("a count");
            assert_eq!(stated, to - from, "{note}");
            left_out += to - from;
            text += if line.starts_with("# ") || !line.ends_with('\n') { "" } else { "\n" };
        }
    }
    (left_out, text)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn every_byte_is_shown_or_counted_however_the_input_is_cut(
        input in "([a-zé漢]{0,40}\n?){0,40}",
        lengths in prop::collection::vec(1usize..50, 1..6),
        (head_lines, tail_lines, head_bytes, tail_bytes) in (0u64..8, 0u64..8, 0u64..200, 0u64..200),
        max_line_bytes in 16u64..60,
    ) {
        let options = Options { head_lines, tail_lines, head_bytes, tail_bytes, max_line_bytes };
        let whole = run(&options, [input.as_bytes()]);
        let mut rest = input.as_bytes();
        let mut chunks = Vec::new();
        for &length in lengths.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (chunk, later) = rest.split_at(length.min(rest.len()));
            chunks.push(chunk);
            rest = later;
        }
        prop_assert_eq!(&run(&options, chunks), &whole);
        let out = String::from_utf8(whole).expect("cut at character borders");
        let (left_out, text) = counted(&out);
        prop_assert_eq!(left_out + text.len() as u64, input.len() as u64, "{:?}", out);
        prop_assert!(text.len() as u64 <= head_bytes + tail_bytes, "{:?}", out);
    }

    #[test]
    fn bytes_that_are_no_text_never_fail_and_pauses_lose_nothing(
        input in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'\n')], 0..300),
        lengths in prop::collection::vec(1usize..50, 1..6),
    ) {
        let mut filter = HeadTail::new(&Options::default(), "stdout");
        let mut out = Vec::new();
        let mut rest = &input[..];
        for &length in lengths.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (chunk, later) = rest.split_at(length.min(rest.len()));
            out.extend(filter.push(chunk).unwrap_or_else(|| chunk.to_vec()));
            out.extend(filter.idle());
            rest = later;
        }
        out.extend(filter.finish());
        let lines = input.split(|&byte| byte == b'\n').count();
        prop_assume!(lines <= 200);
        prop_assert_eq!(out, input);
    }
}
