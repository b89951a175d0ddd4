//! Any stream, cut in any way: the same frames, within the limit, and each of them parses without a panic,
//! and so does an answer in it.
//!
//! The first byte is the size of the pieces.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use weir_protocol::{AskResult, Decoder, FrameError, Incoming, parse};

const LIMIT: usize = 256;

fn decode(stream: &[u8], piece: usize) -> Vec<Result<Bytes, FrameError>> {
    let mut decoder = Decoder::new(LIMIT);
    let mut frames = Vec::new();
    for piece in stream.chunks(piece) {
        decoder.push(piece);
        frames.extend(std::iter::from_fn(|| decoder.next_frame()));
    }
    frames.extend(std::iter::from_fn(|| decoder.finish()));
    frames
}

fuzz_target!(|input: &[u8]| {
    let Some((piece, stream)) = input.split_first() else { return };
    let whole = decode(stream, stream.len().max(1));
    assert_eq!(decode(stream, usize::from(*piece).max(1)), whole, "the cut changes the frames");
    for frame in whole.into_iter().flatten() {
        assert!(frame.len() <= LIMIT, "a frame of {} bytes", frame.len());
        if let Incoming::Response { outcome: Ok(result), .. } = parse(&frame) {
            let _ = AskResult::decode(&result);
        }
    }
});
