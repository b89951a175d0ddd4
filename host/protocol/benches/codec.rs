//! How fast frames are cut, requests parsed and output encoded, beside the floors: base64 and a copy.

use std::hint::black_box;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, bench};
use weir_protocol::{
    Decoder, Encoder, Event, Framing, OutputData, OutputEncoding, OutputEvent, Stream, encode_event, parse,
};

const READ: usize = 64 << 10;
const CHUNK: usize = 64 << 10;

const START: &[u8] = br#"{"id":17,"method":"process/start","params":{"processId":"0f8fad5b-d9cb-469f-a165-70867728950e","argv":["/bin/bash","-lc","cargo test --workspace"],"cwd":"file:///home/user/project","envPolicy":{"inherit":"all","ignoreDefaultExcludes":false,"exclude":[],"set":{},"includeOnly":[]},"env":{"PATH":"/usr/local/bin:/usr/bin:/bin","HOME":"/home/user","LANG":"C.UTF-8","TERM":"dumb"},"tty":false,"pipeStdin":false,"arg0":null,"sandbox":null,"enforceManagedNetwork":false,"managedNetwork":null,"metadata":{"threadId":"t","toolCallId":"c"}}}"#;

fn main() {
    divan::main();
}

fn stream_of(framing: Framing, message_bytes: usize) -> Vec<u8> {
    let mut encoder = Encoder::new(framing);
    let body = format!("{{\"a\":\"{}\"}}", "x".repeat(message_bytes));
    let mut out = Vec::new();
    while out.len() < 8 << 20 {
        encoder.frame(&mut out, |out| out.extend_from_slice(body.as_bytes()));
    }
    out
}

fn decode(bencher: Bencher<'_, '_>, framing: Framing, message_bytes: usize) {
    let stream = stream_of(framing, message_bytes);
    bencher.counter(BytesCount::new(stream.len())).bench(|| {
        let mut decoder = Decoder::new(16 << 20);
        let mut frames = 0;
        for piece in stream.chunks(READ) {
            decoder.push(piece);
            while let Some(frame) = decoder.next_frame() {
                frames += usize::from(black_box(frame).is_ok());
            }
        }
        frames
    });
}

#[bench(args = [100, 1000, 100_000])]
fn decode_ndjson(bencher: Bencher<'_, '_>, message_bytes: usize) {
    decode(bencher, Framing::Ndjson, message_bytes);
}

#[bench(args = [100, 1000, 100_000])]
fn decode_content_length(bencher: Bencher<'_, '_>, message_bytes: usize) {
    decode(bencher, Framing::ContentLength, message_bytes);
}

#[bench]
fn parse_start(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(1_usize)).bench(|| parse(black_box(START)));
}

#[bench]
fn parse_write_of_64_kib(bencher: Bencher<'_, '_>) {
    let chunk = base64_simd::STANDARD.encode_to_string(noise());
    let frame =
        format!(r#"{{"id":1,"method":"process/write","params":{{"processId":"p","chunk":"{chunk}"}}}}"#);
    bencher.counter(BytesCount::new(CHUNK)).bench(|| parse(black_box(frame.as_bytes())));
}

fn noise() -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..CHUNK).map(|_| next()).collect()
}

fn log_text() -> Vec<u8> {
    let line = b"\x1B[32m   Compiling\x1B[0m weir-protocol v0.1.0 (/home/user/\"weir\"/host/protocol)\n";
    line.iter().copied().cycle().take(CHUNK).collect()
}

fn encode(bencher: Bencher<'_, '_>, bytes: Vec<u8>, encoding: OutputEncoding, framing: Framing) {
    let event = Event::Output(OutputEvent {
        process_id: "0f8fad5b-d9cb-469f-a165-70867728950e".into(),
        seq: 123_456,
        stream: Stream::Stdout,
        data: OutputData::new(bytes, encoding),
        dropped: None,
    });
    let mut encoder = Encoder::new(framing);
    let mut out = Vec::new();
    bencher.counter(BytesCount::new(CHUNK)).bench_local(|| {
        out.clear();
        encoder.frame(&mut out, |out| encode_event(out, black_box(&event)));
        out.len()
    });
}

#[bench]
fn encode_output_base64(bencher: Bencher<'_, '_>) {
    encode(bencher, noise(), OutputEncoding::Base64, Framing::Ndjson);
}

#[bench]
fn encode_output_base64_with_header(bencher: Bencher<'_, '_>) {
    encode(bencher, noise(), OutputEncoding::Base64, Framing::ContentLength);
}

#[bench]
fn encode_output_text_of_a_log(bencher: Bencher<'_, '_>) {
    encode(bencher, log_text(), OutputEncoding::Utf8, Framing::Ndjson);
}

#[bench]
fn encode_output_text_of_noise(bencher: Bencher<'_, '_>) {
    encode(bencher, noise(), OutputEncoding::Utf8, Framing::Ndjson);
}

/// Text with one bad byte at its very beginning: what a whole-slice check alone would not help.
#[bench]
fn encode_output_text_of_a_log_with_a_bad_byte(bencher: Bencher<'_, '_>) {
    let mut bytes = log_text();
    bytes[0] = 0xFF;
    encode(bencher, bytes, OutputEncoding::Utf8, Framing::Ndjson);
}

#[bench]
fn floor_base64(bencher: Bencher<'_, '_>) {
    let bytes = noise();
    let mut out = Vec::new();
    bencher.counter(BytesCount::new(CHUNK)).bench_local(|| {
        out.clear();
        base64_simd::STANDARD.encode_append(black_box(&bytes), &mut out);
        out.len()
    });
}

#[bench]
fn floor_copy(bencher: Bencher<'_, '_>) {
    const PAGE: usize = 4096;
    let bytes = noise();
    let mut out = vec![0; CHUNK + PAGE];
    // Some processors copy twenty times slower when the target is a few bytes past the source modulo a page.
    // Where the allocator puts things must not decide the figure, so they are kept half a page apart.
    let apart = (bytes.as_ptr() as usize).wrapping_sub(out.as_ptr() as usize) % PAGE;
    let start = (apart + PAGE / 2) % PAGE;
    bencher.counter(BytesCount::new(CHUNK)).bench_local(|| {
        out[start..start + CHUNK].copy_from_slice(black_box(&bytes));
        black_box(&mut out).len()
    });
}
