//! What holds of every output, however it is cut, mixed, or meant.

#[path = "support/support.rs"]
mod support;

use support::{Output, check, fixture, lines, names};
use weir_tests::source::{Channel, Gap};

/// A small generator: the same numbers on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }
}

#[test]
fn the_size_of_reads_changes_nothing() {
    for name in names() {
        let mut output = fixture(&name);
        let whole = output.summary();
        for page in [1, 7, 100, 4096] {
            output.page = page;
            assert_eq!(output.summary(), whole, "{name} read by {page}");
        }
    }
}

#[test]
fn an_output_cut_anywhere_invents_nothing() {
    let mut random = Random(42);
    for name in names() {
        let full = fixture(&name);
        let length = full.channels.iter().map(|(_, bytes)| bytes.len()).max().unwrap();
        for _ in 0..60 {
            let at = random.below(length);
            let mut output = fixture(&name);
            for (_, bytes) in &mut output.channels {
                bytes.truncate(at);
            }
            if let Some(report) = output.summary() {
                check(&output, &report);
            }
            let mut output = fixture(&name);
            for (_, bytes) in &mut output.channels {
                bytes.drain(..at.min(bytes.len()));
            }
            if let Some(report) = output.summary() {
                check(&output, &report);
            }
        }
    }
}

#[test]
fn a_gap_anywhere_is_told_and_joins_no_lines() {
    let mut random = Random(7);
    for name in names() {
        for _ in 0..20 {
            let mut output = fixture(&name);
            let (channel, bytes) = &output.channels[0];
            let gap = Gap { offset: random.below(bytes.len()) as u64, bytes: 1234 };
            output.gaps.push((*channel, gap));
            let Some(report) = output.summary() else { continue };
            check(&output, &report);
            let told = format!(
                "# the output has a gap of 1234 bytes at {} byte {}: this summary may be incomplete",
                channel_name(output.channels[0].0),
                gap.offset
            );
            assert!(report.text.lines().any(|line| line == told), "{}", report.text);
        }
    }
}

fn channel_name(channel: Channel) -> &'static str {
    channel.name()
}

#[test]
fn mixed_outputs_neither_panic_nor_invent() {
    let mut random = Random(99);
    let names = names();
    for _ in 0..150 {
        let mut mixed = Vec::new();
        let sources: Vec<Vec<u8>> = (0..3)
            .map(|_| fixture(&names[random.below(names.len())]).channels.swap_remove(0).1)
            // A sequence that is cut in two and goes on elsewhere is no sequence any more.
            .map(|bytes| bytes.into_iter().filter(|b| *b != 0x1b).collect())
            .collect();
        let mut positions = [0; 3];
        while positions.iter().zip(&sources).any(|(at, bytes)| *at < bytes.len()) {
            let pick = random.below(3);
            let rest = &sources[pick][positions[pick]..];
            let mut take = random.below(400).min(rest.len());
            if random.below(4) > 0 {
                take = rest[..take].iter().rposition(|b| *b == b'\n').map_or(take, |at| at + 1);
            }
            mixed.extend_from_slice(&rest[..take.max(1).min(rest.len())]);
            positions[pick] += take.max(1).min(rest.len());
        }
        let output = Output::new("make", 2).with(Channel::Merged, mixed);
        if let Some(report) = output.summary() {
            check(&output, &report);
        }
    }
}

/// Lines that a test may print to pass for a tool.
const LIES: [&str; 14] = [
    "test result: ok. 100 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
    "running 3 tests",
    "test lies ... ok",
    "failures:",
    "---- lies stdout ----",
    "=== 100 passed in 0.01s ===",
    "============================= 100 passed in 0.01s ==============================",
    "ok  \texample.org/all\t0.1s",
    "PASS",
    "--- PASS: TestLies (0.00s)",
    "PASS src/lies.test.js",
    "Tests:       100 passed, 100 total",
    "     Summary [   0.612s] 9 tests run: 9 passed, 0 skipped",
    "# cargo test: 100 passed",
];

#[test]
fn every_line_of_a_failing_cargo_test_survives_whatever_it_pretends() {
    let mut random = Random(3);
    for _ in 0..300 {
        let prints: Vec<String> = (0..1 + random.below(8))
            .map(|at| match random.below(2) {
                0 => LIES[random.below(LIES.len())].to_owned(),
                _ => format!("print {at} of {}", random.below(1000)),
            })
            .collect();
        let text = format!(
            "\nrunning 2 tests\ntest fine ... ok\ntest wrong ... FAILED\n\nfailures:\n\n---- wrong stdout ----\n{}\n\n\
             thread 'wrong' panicked at src/lib.rs:7:5:\nno\n\n\nfailures:\n    wrong\n\ntest result: FAILED. 1 passed; \
             1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\n",
            prints.join("\n")
        );
        let output = Output::new("cargo test", 101).with(Channel::Stdout, text.clone());
        let report = output.summary().unwrap();
        check(&output, &report);
        survive(&report.text, &prints);
        assert!(report.text.contains("# failed: wrong"), "{text}\n{}", report.text);
        assert!(report.text.contains("# the exit code is 101"), "{}", report.text);
        assert!(!report.text.contains("success"), "{}", report.text);
    }
}

#[test]
fn every_line_of_a_failing_pytest_survives_whatever_it_pretends() {
    let mut random = Random(5);
    let original = String::from_utf8(fixture("pytest").channels.swap_remove(0).1).unwrap();
    for _ in 0..200 {
        let prints: Vec<String> =
            (0..1 + random.below(6)).map(|_| LIES[random.below(LIES.len())].to_owned()).collect();
        let text = original.replacen(
            "adding up\n=== 100 passed",
            &format!("{}\n=== 100 passed", prints.join("\n")),
            1,
        );
        let text = text.replacen(
            "call -----------------------------\nadding up",
            &format!("call -----------------------------\n{}", prints.join("\n")),
            1,
        );
        let output = Output::new("pytest", 1).with(Channel::Stdout, text);
        let report = output.summary().unwrap();
        check(&output, &report);
        survive(&report.text, &prints);
        assert!(report.text.contains("# failed: test_shop.py::test_multi_line"), "{}", report.text);
        assert!(report.text.contains("4 failed"), "{}", report.text);
    }
}

fn survive(text: &str, prints: &[String]) {
    let seen = lines(text.as_bytes());
    for print in prints {
        let quoted = format!("# | {print}");
        assert!(seen.iter().any(|line| line == print || *line == quoted), "`{print}` is lost in\n{text}");
    }
}

#[test]
fn success_that_is_only_printed_is_contradicted_by_the_exit_code() {
    let lie = "running 1 test\ntest a ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
    let report = Output::new("cargo test", 101).with(Channel::Stdout, lie).summary().unwrap();
    let told = "# the exit code is 101 though every result that was printed tells of success: the last lines are below";
    assert!(report.text.lines().any(|line| line == told), "{}", report.text);
    let fixture = fixture("cargo-test-no-fail-fast");
    let mut output = Output::new("cargo test", 0);
    output.append(&fixture);
    let report = output.summary().unwrap();
    assert!(report.text.contains("# the exit code is 0 though failures were printed: they count"));
}

#[test]
fn an_unknown_output_is_none_and_a_silent_failure_of_a_known_tool_is_not() {
    assert_eq!(Output::new("ls", 2).with(Channel::Stderr, "ls: cannot access 'x'\n").summary(), None);
    assert_eq!(Output::new("cargo --version", 0).with(Channel::Stdout, "cargo 1.95.0\n").summary(), None);
    let report = Output::new("cargo test", 101).with(Channel::Stdout, "garbage\n").summary().unwrap();
    assert_eq!(
        report.text,
        "# the exit code is 101 and no failure was recognised: the last lines are below\n# the last lines of stdout:\ngarbage\n"
    );
}

#[test]
fn long_prints_are_cut_evenly_and_counted_exactly() {
    let mut text = "running 2 tests\ntest a ... FAILED\ntest b ... FAILED\n\nfailures:\n\n".to_owned();
    for name in ["a", "b"] {
        text.push_str(&format!("---- {name} stdout ----\n"));
        (0..10_000).for_each(|at| text.push_str(&format!("line {at} of {name}\n")));
    }
    text.push_str("\nfailures:\n    a\n    b\n\ntest result: FAILED. 0 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n");
    let output = Output::new("cargo test", 101).with(Channel::Stdout, text);
    let report = output.summary_with(r#"{"maxBytes": 4096}"#).unwrap();
    check(&output, &report);
    assert!(report.text.len() < 4096 + 1024, "{}", report.text.len());
    for name in ["a", "b"] {
        let kept = report.text.lines().filter(|line| line.ends_with(&format!(" of {name}"))).count() as u64;
        assert!(kept > 50 && report.text.contains(&format!("line 0 of {name}\n")), "{}", report.text);
        assert!(report.text.contains(&format!("line 9999 of {name}\n")), "{}", report.text);
    }
    let told: u64 = report
        .text
        .lines()
        .filter(|line| line.contains(" left out"))
        .map(|line| line[2..].split(' ').next().unwrap().parse::<u64>().unwrap())
        .sum();
    let kept =
        report.text.lines().filter(|line| line.contains(" of a") || line.contains(" of b")).count() as u64;
    // The sections' lines, and the blank one that ends the second.
    assert!((20_000..=20_001).contains(&(told + kept)), "{told} {kept}");
}

#[test]
fn only_the_chosen_tools_are_recognised() {
    let report = fixture("pytest").summary_with(r#"{"tools": ["pytest"]}"#).unwrap();
    assert!(report.text.contains("4 failed"));
    assert_eq!(
        fixture("gcc").summary_with(r#"{"tools": ["tsc"]}"#).map(|report| report.diagnostics.len()),
        Some(0)
    );
}
