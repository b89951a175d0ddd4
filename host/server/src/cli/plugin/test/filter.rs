//! Cases of filters: bytes go in, whole and cut in every way, and the same must come out each time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use weir_plugin::{Fault, FilterChain, Plugin, StreamFacts};

use super::super::{count, sample, time};
use super::Outcome;
use super::case::{FilterCase, Idle};

/// Inputs up to this size are cut at every place.
const EVERY_PLACE: usize = 4096;
/// At how many places larger ones are cut.
const PLACES: usize = 64;
/// What the cuts of one case may take; where a plugin is slow there are fewer of them, and that is said.
const PATIENCE: Duration = Duration::from_secs(20);
/// How much of a difference is shown.
const SHOWN: usize = 60;

/// How the input is handed over.
#[derive(Clone, Copy)]
enum Way {
    Whole,
    /// In two parts.
    Cut(usize),
    /// The same, with a pause between them.
    CutIdle(usize),
    /// Byte by byte.
    Bytes,
}

pub(super) async fn run(plugin: &Arc<Plugin>, case: &FilterCase, env: &[(String, String)]) -> Outcome {
    let chain = FilterChain::new(vec![Arc::clone(plugin)]);
    let facts = Arc::new(StreamFacts {
        channel: case.channel.into(),
        argv: case.argv.clone().unwrap_or_else(|| sample::stream().argv),
        cwd: case.cwd.clone().unwrap_or_else(sample::directory),
        env: Arc::new(env.to_vec()),
        view: case.view,
        metadata: case.metadata.clone().into_iter().collect(),
        ..sample::stream()
    });
    let length = case.given.len();
    let started = Instant::now();
    let mut each = Duration::ZERO;
    let mut tried = 0;
    let ways = ways(length, case.idle);
    for way in &ways {
        if started.elapsed() > PATIENCE {
            let pace = format!("{} each", time(each));
            let remark = format!("{} of {} ways to cut it, {pace}", count(tried), count(ways.len() as u64));
            return Outcome::Passed(Some(remark));
        }
        match pass(&chain, &facts, &case.given, *way).await {
            Err(fault) => return Outcome::fault(&fault, &told(*way)),
            Ok(output) if output != case.expected => {
                return Outcome::Failed(difference(&case.expected, &output, *way));
            }
            Ok(_) => {}
        }
        tried += 1;
        each = started.elapsed() / u32::try_from(tried).unwrap_or(u32::MAX);
    }
    Outcome::Passed(None)
}

/// Every way that is tried: whole and byte by byte first, then the cuts in an order that visits all parts of the input
/// early.
fn ways(length: usize, idle: Idle) -> Vec<Way> {
    let mut ways = vec![Way::Whole];
    let mut places: Vec<usize> = (1..length).collect();
    shuffle(&mut places);
    if length > EVERY_PLACE {
        places.truncate(PLACES);
    } else if length > 2 {
        ways.push(Way::Bytes);
    }
    for place in places {
        ways.push(Way::Cut(place));
        if idle == Idle::Equal {
            ways.push(Way::CutIdle(place));
        }
    }
    ways
}

/// The same order each time, so that a failure comes back.
fn shuffle(places: &mut [usize]) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for last in (1..places.len()).rev() {
        // xorshift64: Marsaglia, "Xorshift RNGs", 2003
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        places.swap(last, usize::try_from(state % (last as u64 + 1)).unwrap_or(0));
    }
}

async fn pass(
    chain: &FilterChain,
    facts: &Arc<StreamFacts>,
    input: &Bytes,
    way: Way,
) -> Result<Vec<u8>, Box<Fault>> {
    let mut stream = chain.open(Arc::clone(facts));
    let mut output = Vec::new();
    let parts = match way {
        Way::Whole => vec![input.clone()],
        Way::Cut(place) | Way::CutIdle(place) => vec![input.slice(..place), input.slice(place..)],
        Way::Bytes => (0..input.len()).map(|at| input.slice(at..=at)).collect(),
    };
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        output.extend_from_slice(&stream.push(part).await?);
        if matches!(way, Way::CutIdle(_)) {
            output.extend_from_slice(&stream.idle().await?);
        }
    }
    output.extend_from_slice(&stream.finish().await?);
    Ok(output)
}

fn told(way: Way) -> String {
    match way {
        Way::Whole => String::new(),
        Way::Cut(place) => format!(" (with the input cut at byte {place})"),
        Way::CutIdle(place) => {
            format!(" (with the input cut at byte {place}, and a pause there and at the end)")
        }
        Way::Bytes => " (with the input byte by byte)".to_owned(),
    }
}

/// What was expected and what was seen, from a little before the first byte that differs.
fn difference(expected: &[u8], seen: &[u8], way: Way) -> Vec<String> {
    let at = expected.iter().zip(seen).take_while(|(one, other)| one == other).count();
    let from = at.saturating_sub(SHOWN / 3);
    let show = |bytes: &[u8]| {
        let shown = &bytes[from.min(bytes.len())..bytes.len().min(from + SHOWN)];
        format!("{} bytes; from byte {from} on: `{}`", count(bytes.len() as u64), shown.escape_ascii())
    };
    vec![
        format!("the output differs at byte {at}{}", told(way)),
        format!("expected {}", show(expected)),
        format!("saw      {}", show(seen)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_inputs_are_cut_at_every_place_and_large_ones_at_some() {
        let cuts = |length, idle| {
            let mut cuts: Vec<_> = ways(length, idle)
                .iter()
                .filter_map(|way| if let Way::Cut(place) = way { Some(*place) } else { None })
                .collect();
            cuts.sort_unstable();
            cuts
        };
        assert_eq!(cuts(6, Idle::Ignore), [1, 2, 3, 4, 5]);
        assert_eq!(cuts(EVERY_PLACE, Idle::Equal).len(), EVERY_PLACE - 1);
        assert_eq!(cuts(1 << 20, Idle::Equal).len(), PLACES);
        assert_eq!(ways(0, Idle::Equal).len(), 1);
        assert_eq!(ways(6, Idle::Equal).len(), 12);
    }

    #[test]
    fn a_difference_is_shown_with_what_is_around_it() {
        let lines = difference(b"one two three", b"one two\x00three", Way::Cut(4));
        assert_eq!(lines[0], "the output differs at byte 7 (with the input cut at byte 4)");
        assert!(lines[2].ends_with(r"`one two\x00three`"), "{}", lines[2]);
    }
}
