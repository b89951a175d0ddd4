//! Filter streams: what goes in comes out as the filters say, however it is cut.

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use weir_plugin::{CHUNK_MAX, FaultKind, FilterChain, Plugin};

use super::support::{Host, spec, stream_facts};

fn chain(filters: &[&Arc<Plugin>]) -> FilterChain {
    FilterChain::new(filters.iter().map(|plugin| Arc::clone(plugin)).collect())
}

#[tokio::test]
async fn what_is_held_back_comes_at_idle_or_at_the_end() {
    let host = Host::new();
    let upper = host.fixture("upper", "{}").await;
    let mut stream = chain(&[&upper]).open(stream_facts());
    assert_eq!(stream.idle().await.unwrap(), "", "nothing has come yet");
    assert_eq!(stream.push(Bytes::from_static(b"abc")).await.unwrap(), "AB");
    assert_eq!(stream.idle().await.unwrap(), "C");
    assert_eq!(stream.idle().await.unwrap(), "");
    assert_eq!(stream.push(Bytes::from_static(b"def")).await.unwrap(), "DE");
    assert_eq!(stream.finish().await.unwrap(), "F");
    let figures = upper.figures();
    assert_eq!((figures.bytes_in, figures.bytes_out, figures.faults), (6, 6, 0));
}

#[tokio::test]
async fn what_filters_hold_back_goes_through_those_behind_them() {
    let host = Host::new();
    let upper = host.fixture("upper", "{}").await;
    let mut stream = chain(&[&upper, &upper, &upper]).open(stream_facts());
    assert_eq!(stream.push(Bytes::from_static(b"ab")).await.unwrap(), "");
    assert_eq!(stream.idle().await.unwrap(), "AB");
    assert_eq!(stream.push(Bytes::from_static(b"cdefg")).await.unwrap(), "CD");
    assert_eq!(stream.finish().await.unwrap(), "EFG");
}

#[tokio::test]
async fn unchanged_bytes_are_given_back_without_a_copy() {
    let host = Host::new();
    let behaves = host.fixture("hostile", "{}").await;
    let mut stream = chain(&[&behaves, &behaves]).open(stream_facts());
    let chunk = Bytes::from(vec![b'x'; 64 << 10]);
    let given = stream.push(chunk.clone()).await.unwrap();
    assert_eq!((given.as_ptr(), given.len()), (chunk.as_ptr(), chunk.len()));
}

#[tokio::test]
async fn a_filter_that_a_stream_is_not_for_costs_nothing_more() {
    let host = Host::new();
    let not_for = host.fixture("upper", r#"{"notFor": "cat"}"#).await;
    let mut stream = chain(&[&not_for]).open(stream_facts());
    assert!(!stream.is_transparent(), "nobody was asked yet");
    assert_eq!(stream.push(Bytes::from_static(b"abc")).await.unwrap(), "abc");
    assert!(stream.is_transparent());
    let calls = not_for.figures().calls;
    assert_eq!(stream.push(Bytes::from_static(b"def")).await.unwrap(), "def");
    assert_eq!(stream.finish().await.unwrap(), "");
    assert_eq!(not_for.figures().calls, calls);
    assert!(chain(&[]).open(stream_facts()).is_transparent());
}

#[tokio::test]
async fn a_large_chunk_is_cut_for_the_filter_and_comes_out_whole() {
    for config in ["{}", r#"{"copy":true}"#] {
        let host = Host::new();
        let identity = host.fixture("identity", config).await;
        let mut stream = chain(&[&identity]).open(stream_facts());
        let chunk: Bytes = (0..3 * CHUNK_MAX + 17).map(|number| (number % 251) as u8).collect();
        assert_eq!(stream.push(chunk.clone()).await.unwrap(), chunk, "{config}");
        assert_eq!(identity.figures().calls, 1 + 4, "one `open`, four pieces");
    }
}

#[tokio::test]
async fn lent_bytes_come_back_only_if_they_were_changed() {
    let host = Host::new();
    let same = host.fixture("identity", "{}").await;
    let copy = host.fixture("identity", r#"{"copy":true}"#).await;
    let upper = host.fixture("upper", "{}").await;
    let lent = [b'x'; CHUNK_MAX + 3];
    let mut stream = chain(&[&same, &same]).open(stream_facts());
    assert_eq!(stream.push_lent(&lent).await.unwrap(), None);
    assert_eq!(stream.finish().await.unwrap(), "");
    let mut stream = chain(&[&same, &copy]).open(stream_facts());
    assert_eq!(stream.push_lent(&lent).await.unwrap().as_deref(), Some(&lent[..]));
    // It holds the last byte back until the end.
    let mut stream = chain(&[&same, &upper, &same]).open(stream_facts());
    let first = stream.push_lent(&lent).await.unwrap().unwrap();
    let last = stream.finish().await.unwrap();
    assert_eq!([first, last].concat(), lent.to_ascii_uppercase());
}

#[tokio::test]
async fn pieces_of_a_chunk_may_come_out_changed_behind_others_that_do_not() {
    let host = Host::new();
    let chunk: Bytes = (0..2 * CHUNK_MAX + 5).map(|number| (number % 251) as u8).collect();
    let pieces: Vec<&[u8]> = chunk.chunks(CHUNK_MAX).collect();
    let expected = [pieces[0], pieces[1], pieces[1], pieces[2], pieces[2]].concat();
    let config = r#"{"do": "echoTwice", "hook": "push", "after": 1}"#;
    let (lent, own) = (host.fixture("hostile", config).await, host.fixture("hostile", config).await);
    let given = chain(&[&lent]).open(stream_facts()).push_lent(&chunk).await.unwrap();
    assert_eq!(given.as_deref(), Some(&expected[..]));
    assert_eq!(chain(&[&own]).open(stream_facts()).push(chunk.clone()).await.unwrap(), expected);
}

#[tokio::test]
async fn what_a_chain_makes_of_one_push_is_bounded() {
    let host = Host::new();
    let mut spec = spec("hostile", r#"{"do": "echoTwice", "hook": "push"}"#);
    spec.limits.output_bytes = 300 << 10;
    let doubles = host.load(spec).await;
    let mut stream = chain(&[&doubles]).open(stream_facts());
    let chunk = Bytes::from(vec![b'x'; 100 << 10]);
    assert_eq!(stream.push(chunk).await.unwrap().len(), 200 << 10);
    let fault = stream.push(Bytes::from(vec![b'x'; 1 << 20])).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Output, "{fault}");
}

#[tokio::test]
async fn after_the_end_nothing_more_is_taken() {
    let host = Host::new();
    let upper = host.fixture("upper", "{}").await;
    let mut stream = chain(&[&upper]).open(stream_facts());
    stream.push(Bytes::from_static(b"abc")).await.unwrap();
    assert_eq!(stream.finish().await.unwrap(), "C");
    assert_eq!(stream.finish().await.unwrap(), "");
    let fault = stream.push(Bytes::from_static(b"abc")).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Protocol, "bytes must not be lost silently: {fault}");
}

#[tokio::test]
async fn a_dropped_call_ends_its_stream_and_no_other() {
    let host = Host::new();
    let spinning = host.fixture("hostile", r#"{"do": "spin", "hook": "push", "after": 1}"#).await;
    let chain = chain(&[&spinning]);
    let (mut first, mut second) = (chain.open(stream_facts()), chain.open(stream_facts()));
    let chunk = Bytes::from_static(b"abc");
    assert_eq!(first.push(chunk.clone()).await.unwrap(), chunk);
    tokio::select! {
        biased;
        _ = first.push(chunk.clone()) => panic!("a guest that spins gives way before it is interrupted"),
        () = tokio::task::yield_now() => {}
    }
    let fault = first.push(chunk.clone()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Deadline);
    assert!(fault.message.contains("dropped"), "{fault}");
    assert_eq!(first.finish().await.unwrap_err(), fault);
    assert!(!first.is_transparent());
    assert_eq!(second.push(chunk.clone()).await.unwrap(), chunk);
    assert_eq!((host.faults(), spinning.figures().faults), (Vec::new(), 0), "nobody is blamed for it");
}

#[tokio::test]
async fn masks_that_a_filter_made_are_known_to_the_host() {
    let host = Host::new();
    let upper = host.fixture("upper", "{}").await;
    let mut stream = chain(&[&upper]).open(stream_facts());
    stream.push(Bytes::from_static(b"a secret and another secret")).await.unwrap();
    assert_eq!((host.engine.masks().count(), upper.figures().masked), (2, 2));
    assert_eq!(host.engine.masks().find_in("echo [masked:0001]").as_deref(), Some("[masked:0001]"));
    assert_eq!(host.engine.masks().count_by_kind(), [("test".to_owned(), 2)]);
}

#[tokio::test]
async fn a_filter_is_told_of_its_stream_and_sees_granted_variables_alone() {
    let host = Host::new();
    let mut spec = spec("env", "{}");
    spec.grants.env = vec!["HOME".into()];
    let env = host.load(spec).await;
    let mut stream = chain(&[&env]).open(stream_facts());
    let told = stream.push(Bytes::from_static(b"x")).await.unwrap();
    assert_eq!(told, r#"p1 Channel::Stdout cat file /work false Some("42") [HOME=/root]"#);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    #[test]
    fn the_same_bytes_come_out_however_they_are_cut(
        bytes in prop::collection::vec(any::<u8>(), 0..3000),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..20),
    ) {
        let mut cuts: Vec<(usize, bool)> =
            cuts.iter().map(|(index, idle)| (index.index(bytes.len() + 1), *idle)).collect();
        cuts.sort_unstable();
        let given = with_filters(|runtime, chain| runtime.block_on(async {
            let mut stream = chain.open(stream_facts());
            let mut given = Vec::new();
            let mut from = 0;
            for (cut, idle) in cuts {
                given.extend(stream.push(Bytes::copy_from_slice(&bytes[from..cut])).await.unwrap());
                if idle {
                    given.extend(stream.idle().await.unwrap());
                }
                from = cut;
            }
            given.extend(stream.push(Bytes::copy_from_slice(&bytes[from..])).await.unwrap());
            given.extend(stream.finish().await.unwrap());
            given
        }));
        prop_assert_eq!(given, bytes.to_ascii_uppercase());
    }
}

/// A chain of a filter that copies and two that hold back, loaded once for all cases.
fn with_filters<T>(run: impl FnOnce(&tokio::runtime::Runtime, &FilterChain) -> T) -> T {
    static LOADED: std::sync::OnceLock<(tokio::runtime::Runtime, FilterChain)> = std::sync::OnceLock::new();
    let (runtime, chain) = LOADED.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let chain = runtime.block_on(async {
            let host = Host::new();
            let (identity, upper) = (host.fixture("identity", "{}").await, host.fixture("upper", "{}").await);
            chain(&[&upper, &identity, &upper])
        });
        (runtime, chain)
    });
    run(runtime, chain)
}
