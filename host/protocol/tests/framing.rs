//! Frames do not depend on how the stream was cut, and trouble with one message ends with it.

use bytes::Bytes;
use proptest::prelude::*;
use weir_protocol::{Decoder, Encoder, FrameError, Framing};

const LIMIT: usize = 64;

type Frame = Result<Bytes, FrameError>;

fn drain(decoder: &mut Decoder, frames: &mut Vec<Frame>) {
    while let Some(frame) = decoder.next_frame() {
        frames.push(frame);
    }
}

fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, limit: usize) -> Vec<Frame> {
    let mut decoder = Decoder::new(limit);
    let mut frames = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        drain(&mut decoder, &mut frames);
    }
    while let Some(frame) = decoder.finish() {
        frames.push(frame);
    }
    assert_eq!(decoder.finish(), None, "a finished decoder has nothing more to say");
    frames
}

fn decode_whole(stream: &[u8]) -> Vec<Frame> {
    decode([stream], LIMIT)
}

fn decode_bytewise(stream: &[u8]) -> Vec<Frame> {
    decode(stream.chunks(1), LIMIT)
}

fn ok(text: &str) -> Frame {
    Ok(Bytes::copy_from_slice(text.as_bytes()))
}

fn too_large() -> Frame {
    Err(FrameError::TooLarge { limit: LIMIT })
}

fn header_error(frame: &Frame) -> &str {
    match frame {
        Err(FrameError::Header { seen, .. }) => seen,
        other => panic!("expected a header error, saw {other:?}"),
    }
}

#[track_caller]
fn assert_frames(stream: &[u8], expected: &[Frame]) {
    assert_eq!(decode_whole(stream), expected, "all at once");
    assert_eq!(decode_bytewise(stream), expected, "byte by byte");
}

#[test]
fn lines_are_frames_and_blank_ones_are_skipped() {
    assert_frames(b"\n \r\n{\"a\":1}\r\n\n\t\n[2]\n3", &[ok("{\"a\":1}"), ok("[2]"), ok("3")]);
}

#[test]
fn empty_input_has_no_frames_and_no_framing() {
    for stream in [&b""[..], b" \r\n\t", b"\xEF\xBB\xBF", b"\xEF\xBB\xBF\n"] {
        assert_frames(stream, &[]);
        let mut decoder = Decoder::new(LIMIT);
        decoder.push(stream);
        assert_eq!((decoder.next_frame(), decoder.framing()), (None, None));
    }
}

#[test]
fn the_first_byte_that_is_not_blank_decides_the_framing() {
    let cases = [
        (&b"{"[..], Framing::Ndjson),
        (b"[", Framing::Ndjson),
        (b"x", Framing::Ndjson),
        (b"\xEF{", Framing::Ndjson),
        (b"C", Framing::ContentLength),
        (b"\r\n  c", Framing::ContentLength),
        (b"\xEF\xBB\xBFC", Framing::ContentLength),
        (b"\xEF\xBB\xBF\n{", Framing::Ndjson),
    ];
    for (stream, framing) in cases {
        let mut decoder = Decoder::new(LIMIT);
        decoder.push(stream);
        decoder.next_frame();
        assert_eq!(decoder.framing(), Some(framing), "{stream:?}");
    }
}

#[test]
fn a_byte_order_mark_is_skipped_and_half_a_one_is_not() {
    assert_frames(b"\xEF\xBB\xBF{}\n", &[ok("{}")]);
    assert_frames(b"\xEF\xBB{}\n", &[Ok(Bytes::from_static(b"\xEF\xBB{}"))]);
    assert_frames(b"\xEF\xBB", &[Ok(Bytes::from_static(b"\xEF\xBB"))]);
}

#[test]
fn a_line_of_just_the_limit_passes_and_one_more_byte_does_not() {
    let fits = "x".repeat(LIMIT);
    let over = "y".repeat(LIMIT + 1);
    for end in ["\n", "\r\n"] {
        let stream = format!("{fits}{end}{over}{end}{fits}{end}");
        assert_frames(stream.as_bytes(), &[ok(&fits), too_large(), ok(&fits)]);
    }
    assert_frames(format!("{fits}\r").as_bytes(), &[ok(&fits)]);
    assert_frames(over.as_bytes(), &[too_large()]);
}

#[test]
fn headers_of_any_case_and_order_frame_a_body() {
    let stream = b"Content-Length: 2\r\n\r\n{}content-length:3\nContent-Type: x; charset=utf-8\n\n[1]\
        \r\n C-Other: y\r\nCONTENT-LENGTH: \t 0004 \r\nContent-Length: 4\r\n\r\n\n\n\n\n";
    assert_frames(stream, &[ok("{}"), ok("[1]"), ok("\n\n\n\n")]);
}

#[test]
fn a_body_over_the_limit_is_skipped_and_told_once() {
    let big = "z".repeat(10 * LIMIT);
    let stream = format!("Content-Length: {}\r\n\r\n{big}Content-Length: 2\r\n\r\n{{}}", big.len());
    assert_frames(stream.as_bytes(), &[too_large(), ok("{}")]);
    let cut = &stream.as_bytes()[..3 * LIMIT];
    assert_frames(cut, &[too_large()]);
}

#[test]
fn input_that_ends_in_a_body_is_truncated() {
    assert_frames(
        b"Content-Length: 10\r\n\r\n{\"a\"",
        &[Err(FrameError::Truncated { expected: 10, seen: 4 })],
    );
}

#[test]
fn input_that_ends_in_a_header_is_an_error() {
    for stream in [&b"C"[..], b"Content-Length: 5", b"Content-Length: 5\r\n", b"Content-Length: 5\r\n\r"] {
        let frames = decode_bytewise(stream);
        assert_eq!(frames, decode_whole(stream));
        assert_eq!(frames.iter().map(header_error).collect::<Vec<_>>(), ["the end of input"]);
    }
}

#[test]
fn a_bad_length_names_what_was_seen_and_the_next_message_is_found() {
    let cases = [
        ("Content-Length: x\r\n\r\n{}", "`Content-Length: x`"),
        ("Content-Length:\r\n\r\n{}", "`Content-Length:`"),
        ("Content-Length: -1\r\n\r\n{}", "`Content-Length: -1`"),
        ("Content-Length: +1\r\n\r\n{}", "`Content-Length: +1`"),
        ("Content-Length: 18446744073709551616\r\n\r\n{}", "`Content-Length: 18446744073709551616`"),
        ("Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "`2` and `3`"),
        ("Content-Type: json\r\n\r\n{}", "headers without one"),
        ("Content-Length 2\r\n\r\n{}", "`Content-Length 2`"),
        ("Content-Length : 2\r\n\r\n{}", "`Content-Length : 2`"),
    ];
    for (bad, seen) in cases {
        let stream = format!("{bad}Content-Length: 4\r\n\r\ntrue");
        let frames = decode_whole(stream.as_bytes());
        assert_eq!(frames, decode_bytewise(stream.as_bytes()), "{bad:?}");
        assert_eq!(frames.len(), 2, "{bad:?}: {frames:?}");
        assert_eq!(header_error(&frames[0]), seen, "{bad:?}");
        assert_eq!(frames[1], ok("true"), "{bad:?}");
    }
}

#[test]
fn a_length_that_is_too_short_costs_no_other_message() {
    let stream = b"Content-Length: 3\r\n\r\n{\"a\":1}Content-Length: 2\r\nX: y\r\n\r\n{}";
    let frames = decode_whole(stream);
    assert_eq!(frames, decode_bytewise(stream));
    assert_eq!(frames.len(), 3, "{frames:?}");
    assert_eq!(frames[0], ok("{\"a"));
    assert_eq!(header_error(&frames[1]), "`\\\":1}Content-Length: 2`");
    assert_eq!(frames[2], ok("{}"));
}

#[test]
fn a_json_string_about_headers_is_not_taken_for_one() {
    let body = r#"{"text":"Content-Length: 9\r\n\r\n"}"#;
    let stream = format!("Content-Length: none\r\n\r\n{body}Content-Length: 2\r\n\r\n{{}}");
    let frames = decode_whole(stream.as_bytes());
    assert_eq!(frames[1..], [ok("{}")]);
}

#[test]
fn a_header_is_searched_for_within_the_same_distance_however_the_stream_is_cut() {
    for (blanks, found) in [(100, true), (120, false)] {
        let blanks = " ".repeat(blanks);
        let stream = format!("Content-Length: x\r\n\r\n{{}}Content-Length:{blanks}2\r\n\r\n{{}}");
        let frames = decode_whole(stream.as_bytes());
        assert_eq!(frames, decode_bytewise(stream.as_bytes()));
        assert_eq!(frames.len() == 2, found, "{frames:?}");
    }
}

#[test]
fn a_large_message_in_single_bytes_is_not_scanned_again_with_each() {
    let body = "x".repeat(4 << 20);
    let started = std::time::Instant::now();
    for (start, end) in [("{", "\n"), ("Content-Length: 4194305\r\n\r\n{", "")] {
        let frames = decode(format!("{start}{body}{end}").as_bytes().chunks(1), 16 << 20);
        assert_eq!(frames.len(), 1);
        assert!(frames[0].as_ref().is_ok_and(|frame| frame.len() == 4_194_305));
    }
    // Seconds where it is linear, many minutes where it is not.
    assert!(started.elapsed().as_secs() < 120, "took {:?}", started.elapsed());
}

#[test]
fn a_header_block_over_its_bound_is_an_error_however_it_is_made() {
    let long_line = format!("Content-Length: 2\r\nX: {}", "x".repeat(9000));
    let many_lines = format!("Content-Length: 2\r\n{}", "X: y\r\n".repeat(3000));
    for block in [long_line, many_lines] {
        let stream = format!("{block}\r\n\r\n{{}}Content-Length: 4\r\n\r\ntrue");
        let frames = decode_whole(stream.as_bytes());
        assert_eq!(frames, decode_bytewise(stream.as_bytes()));
        assert_eq!(frames.iter().map(Result::is_ok).collect::<Vec<_>>(), [false, true], "{frames:?}");
        assert_eq!(frames[1], ok("true"));
    }
}

#[test]
fn an_endless_message_is_discarded_as_it_comes() {
    let piece = vec![b'x'; 1 << 16];
    for start in [&b"{"[..], b"Content-Length: 99999999999\r\n\r\n", b"Content-Length: x\r\n\r\n"] {
        let mut decoder = Decoder::new(1 << 10);
        let mut frames = Vec::new();
        decoder.push(start);
        for _ in 0..2000 {
            drain(&mut decoder, &mut frames);
            decoder.push(&piece);
        }
        drain(&mut decoder, &mut frames);
        assert!(frames.len() <= 1, "{frames:?}");
        let held = format!("{decoder:?}").len();
        assert!(held < 8 << 10, "the decoder holds {held} characters of an endless message");
    }
}

#[test]
fn encoded_frames_are_decoded_again_whatever_their_length() {
    for framing in [Framing::Ndjson, Framing::ContentLength] {
        let mut encoder = Encoder::new(framing);
        let mut out = Vec::new();
        let bodies: Vec<String> =
            [2, 2000, 7, 99, 100, 9, 10, 20000, 1].iter().map(|length| "x".repeat(*length)).collect();
        for body in &bodies {
            encoder.frame(&mut out, |out| out.extend_from_slice(body.as_bytes()));
        }
        let mut decoder = Decoder::new(1 << 20);
        // The framing is told by the first byte, and these bodies begin with none that JSON has.
        decoder.push(&out);
        let decoded: Vec<_> = std::iter::from_fn(|| decoder.next_frame()).collect();
        assert_eq!(decoded, bodies.iter().map(|body| ok(body)).collect::<Vec<_>>(), "{framing:?}");
        assert_eq!(decoder.framing(), Some(framing));
    }
}

#[test]
fn an_encoded_header_has_the_exact_length_and_no_padding() {
    let mut encoder = Encoder::new(Framing::ContentLength);
    let mut out = b"before".to_vec();
    encoder.frame(&mut out, |out| out.extend_from_slice(b"{}"));
    encoder.frame(&mut out, |out| out.extend_from_slice(b"[1,2,3,4,5]"));
    assert_eq!(out, b"beforeContent-Length: 2\r\n\r\n{}Content-Length: 11\r\n\r\n[1,2,3,4,5]");
}

/// A piece of a stream: sound messages, and everything that goes wrong.
fn ndjson_piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => "\\{\"[a-z]{0,70}\":1\\}\r?\n".prop_map(String::into_bytes),
        1 => "[ \t\r]{0,80}\n".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..200),
    ]
}

fn content_length_piece() -> impl Strategy<Value = Vec<u8>> {
    let sound = prop::collection::vec(any::<u8>(), 0..100).prop_map(|body| {
        let mut piece = format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes();
        piece.extend(body);
        piece
    });
    prop_oneof![
        6 => sound,
        1 => "[Cc]ontent-[Ll]ength ?:? ?[0-9x]{0,22}\r?\n(\r?\n)?".prop_map(String::into_bytes),
        1 => "[A-Z]{1,3}: [a-z]{0,9000}\r\n".prop_map(String::into_bytes),
        1 => "[ \r\n]{0,9}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..200),
    ]
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let ndjson = prop::collection::vec(ndjson_piece(), 0..20).prop_map(|pieces| pieces.concat());
    let headers = prop::collection::vec(content_length_piece(), 0..20)
        .prop_map(|pieces| [b"C: \n".to_vec(), pieces.concat()].concat());
    let mark = prop::sample::select(vec![&b""[..], b"\xEF\xBB\xBF", b"\xEF", b"\n\t"]);
    (mark, prop_oneof![ndjson, headers]).prop_map(|(mark, rest)| [mark, &rest].concat())
}

proptest! {
    #[test]
    fn cutting_the_stream_anywhere_changes_no_frame(
        stream in stream(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let whole = decode_whole(&stream);
        prop_assert_eq!(&decode_bytewise(&stream), &whole);

        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        places.extend([0, stream.len()]);
        places.sort_unstable();
        let pieces: Vec<&[u8]> = places.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
        prop_assert_eq!(&decode(pieces, LIMIT), &whole);
    }

    #[test]
    fn frames_keep_to_the_limit(stream in stream()) {
        for frame in decode_whole(&stream) {
            prop_assert!(frame.is_err() || frame.is_ok_and(|frame| frame.len() <= LIMIT));
        }
    }

    #[test]
    fn a_message_behind_a_garbage_line_is_found(
        garbage in prop::collection::vec(any::<u8>(), 0..200),
        body in "\\{\"[a-z]{0,40}\":1\\}",
    ) {
        let mut stream = b"{".to_vec();
        stream.extend(garbage.iter().filter(|byte| **byte != b'\n'));
        stream.push(b'\n');
        stream.extend_from_slice(body.as_bytes());
        let frames = decode_whole(&stream);
        prop_assert_eq!(frames.len(), 2);
        prop_assert_eq!(&frames[1], &ok(&body));
    }

    #[test]
    fn a_message_behind_a_garbage_header_is_found(
        garbage in "[ -~&&[^:]]{0,200}",
        body in prop::collection::vec(any::<u8>(), 0..LIMIT),
    ) {
        let mut stream = format!("C {garbage}\r\n{garbage}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
        stream.extend_from_slice(&body);
        let frames = decode_whole(&stream);
        prop_assert_eq!(frames.len(), 2, "{:?}", frames);
        prop_assert_eq!(&frames[1], &Ok(Bytes::from(body)));
    }

    #[test]
    fn encoded_messages_survive_any_cut(
        bodies in prop::collection::vec("\\{[a-z]{0,60}\\}", 1..10),
        piece in 1_usize..40,
        headers in any::<bool>(),
    ) {
        let mut encoder = Encoder::new(if headers { Framing::ContentLength } else { Framing::Ndjson });
        let mut out = Vec::new();
        for body in &bodies {
            encoder.frame(&mut out, |out| out.extend_from_slice(body.as_bytes()));
        }
        let expected: Vec<Frame> = bodies.iter().map(|body| ok(body)).collect();
        prop_assert_eq!(decode(out.chunks(piece), LIMIT), expected);
    }
}
