//! The output is the same however the input is cut, and what the last lines of a real terminal show.

use proptest::prelude::*;
use weir_tidy::{Options, Tidy};

fn run<'a>(options: &Options, chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut tidy = Tidy::new(options);
    let mut out = Vec::new();
    for chunk in chunks {
        match tidy.push(chunk) {
            Some(bytes) => out.extend(bytes),
            None => out.extend_from_slice(chunk),
        }
    }
    out.extend(tidy.finish());
    out
}

/// Cuts by the lengths, over and over; an input that is long, into longer parts.
fn cut<'a>(input: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let scale = input.len() / 4_000 + 1;
    let mut rest = input;
    let mut chunks = Vec::new();
    for &length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, later) = rest.split_at((length * scale).min(rest.len()));
        chunks.push(chunk);
        rest = later;
    }
    chunks
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => "[a-c ]{0,6}\n".prop_map(String::into_bytes),
        2 => "(x\n){1,6}".prop_map(String::into_bytes),
        3 => "[a-z\t]{1,12}".prop_map(String::into_bytes),
        1 => (0usize..3).prop_map(|n| "plain text of a log, line after line\n".repeat(n * 150).into_bytes()),
        1 => (0usize..3).prop_map(|n| "\x1b[1mgrün\x1b[0m — 漢字\r\n".repeat(n * 150).into_bytes()),
        1 => (0usize..3).prop_map(|n| "long ".repeat(n * 7000).into_bytes()),
        2 => "\r|\r\n|\x08|\x1b\\[K|\x1b\\[2K|\x1b\\[1K|\x1b\\[J|\x1b\\[2J|\x1b\\[H".prop_map(String::into_bytes),
        3 => "\x1b\\[[0-9;:?]{0,5}[@-~]".prop_map(String::into_bytes),
        1 => "\x1b[0-~]|\x1b[(][0AB]|\x0e|\x0f".prop_map(String::into_bytes),
        1 => "\x1b[\\]PX^_k][a-z;]{0,5}(\x07|\x1b\\\\|\n|\x1b|\u{9c}|\x18)".prop_map(String::into_bytes),
        1 => "[é漢🎉\u{301}\u{200b}\u{202e}\u{9b}\u{9d}\u{feff}]{1,3}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 1..5),
        1 => Just(b"\x1b[?1049h".to_vec()),
        1 => Just(b"\x1b[?1049l".to_vec()),
    ]
}

fn options() -> impl Strategy<Value = Options> {
    let window = prop_oneof![Just(1), Just(2), Just(5), Just(64)];
    let width = prop_oneof![4 => Just(None), 1 => Just(Some(7))];
    (any::<bool>(), prop_oneof![Just(None), Just(Some(2)), Just(Some(4))], any::<bool>(), window, width)
        .prop_map(|(keep, repeats, ignore_numbers, window, width)| Options {
            colors: if keep { weir_tidy::Colors::Keep } else { weir_tidy::Colors::Remove },
            repeats,
            ignore_numbers,
            window,
            width,
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn the_output_does_not_depend_on_where_the_input_is_cut(
        pieces in prop::collection::vec(piece(), 0..40),
        lengths in prop::collection::vec(prop_oneof![1usize..4, 1usize..300, 1000usize..9000], 1..8),
        options in options(),
    ) {
        let input = pieces.concat();
        let whole = run(&options, [&input[..]].into_iter().filter(|all| !all.is_empty()));
        let parts = run(&options, cut(&input, &lengths));
        prop_assert!(whole == parts, "{:?}\n---\n{:?}", String::from_utf8_lossy(&whole), String::from_utf8_lossy(&parts));
        if input.len() < 2_000 {
            let bytes = run(&options, input.chunks(1));
            prop_assert!(whole == bytes, "{:?}\n---\n{:?}", String::from_utf8_lossy(&whole), String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn text_without_controls_or_repeats_comes_out_as_it_went_in(
        text in "[ -~\t\n]{0,3000}",
        lengths in prop::collection::vec(1usize..900, 1..5),
    ) {
        let options = Options { repeats: None, ..Options::default() };
        prop_assert_eq!(run(&options, cut(text.as_bytes(), &lengths)), text.as_bytes());
    }

    #[test]
    fn pauses_anywhere_lose_no_line_and_never_fail(
        pieces in prop::collection::vec(piece(), 0..40),
        lengths in prop::collection::vec(1usize..60, 1..8),
        options in options(),
    ) {
        let input = pieces.concat();
        let mut tidy = Tidy::new(&options);
        for chunk in cut(&input, &lengths) {
            tidy.push(chunk);
            tidy.idle();
            prop_assert_eq!(tidy.idle(), b"");
        }
        tidy.finish();
    }

    #[test]
    fn plain_lines_come_out_whole_with_pauses_anywhere(
        text in "[a-z\n]{0,400}",
        lengths in prop::collection::vec(1usize..60, 1..8),
    ) {
        let mut tidy = Tidy::new(&Options { repeats: None, ..Options::default() });
        let mut out = Vec::new();
        for chunk in cut(text.as_bytes(), &lengths) {
            out.extend(tidy.push(chunk).unwrap_or_else(|| chunk.to_vec()));
            out.extend(tidy.idle());
        }
        out.extend(tidy.finish());
        prop_assert_eq!(out, text.as_bytes());
    }
}
