//! Outputs that the tools have really printed, and what the summary makes of them.

#[path = "support/support.rs"]
mod support;

use support::{Output, check, fixture};
use weir_tests::summary::Report;

fn report(name: &str) -> Report {
    let output = fixture(name);
    let report = output.summary().unwrap_or_else(|| panic!("nothing was recognised in `{name}`"));
    check(&output, &report);
    report
}

/// `path:line` of the diagnostic whose message begins so.
fn place(report: &Report, message: &str) -> String {
    let found = report
        .diagnostics
        .iter()
        .find(|found| found.message.starts_with(message))
        .unwrap_or_else(|| panic!("no `{message}` in {:#?}", report.diagnostics));
    found.place.as_ref().map(|place| place.display()).unwrap_or_default()
}

fn failures(report: &Report) -> Vec<&str> {
    let lines = report.text.lines().filter_map(|line| line.strip_prefix("# failed: "));
    lines
        .map(|name| {
            name.rsplit_once(" at ").filter(|(_, place)| place.contains(':')).map_or(name, |(name, _)| name)
        })
        .collect()
}

fn has(report: &Report, lines: &[&str]) {
    for line in lines {
        assert!(report.text.lines().any(|seen| seen == *line), "`{line}` is missing in\n{}", report.text);
    }
}

/// Every one of the lines, and in this order.
fn has_block(report: &Report, block: &str) {
    assert!(report.text.contains(block), "`{block}` is missing in\n{}", report.text);
}

fn note(report: &Report, name: &str) -> String {
    report.notes.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
}

const ALPHA: [&str; 5] = [
    "tests::adds_wrong",
    "tests::gives_an_error",
    "tests::panics_plainly",
    "tests::panics_with_other_words",
    "tests::should_have_panicked",
];

fn sorted(mut names: Vec<&str>) -> Vec<&str> {
    names.sort_unstable();
    names
}

#[test]
fn cargo_test_names_every_failure_with_its_place() {
    for name in [
        "cargo-test-no-fail-fast",
        "cargo-test-merged",
        "cargo-test-color",
        "cargo-test-nocapture",
        "cargo-test-nocapture-one-thread",
        "cargo-test-quiet",
    ] {
        let report = report(name);
        let mut expected = ALPHA.to_vec();
        expected.extend([
            "takes_from_none",
            "alpha/src/lib.rs - sub (line 14)",
            "alpha/src/lib.rs - sub (line 19)",
        ]);
        assert_eq!(sorted(failures(&report)), sorted(expected), "{name}\n{}", report.text);
        assert_eq!(place(&report, "tests::adds_wrong"), "alpha/src/lib.rs:41:9", "{name}");
        assert_eq!(place(&report, "tests::panics_plainly"), "alpha/src/lib.rs:46:9", "{name}");
        assert_eq!(place(&report, "takes_from_none"), "beta/tests/integration.rs:9:52", "{name}");
        assert_eq!(place(&report, "alpha/src/lib.rs - sub (line 14)"), "alpha/src/lib.rs:14", "{name}");
        has(&report, &["# cargo test: 4 passed, 8 failed, 1 ignored, in 5 runs", "# the exit code is 101"]);
        assert!(report.text.contains("about to add\n"), "{name}");
        has_block(
            &report,
            "\ntest result: ok. 100 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\non the other stream\n",
        );
        has_block(&report, "first line\nsecond line\n\nfourth line\n");
        assert!(report.text.contains("nothing in it\n"), "{name}");
        assert!(report.text.contains("in the doc test\n"), "{name}");
        assert_eq!(note(&report, "failures"), "8");
    }
}

#[test]
fn cargo_test_without_and_with_full_backtrace_finds_the_places() {
    let short = report("cargo-test-no-backtrace");
    assert_eq!(sorted(failures(&short)), ALPHA);
    assert_eq!(place(&short, "tests::should_have_panicked"), "alpha/src/lib.rs:56:8");
    assert_eq!(
        place(&short, "tests::adds_wrong: assertion `left == right` failed: sums must agree"),
        "alpha/src/lib.rs:41:9"
    );
    let full = report("cargo-test-full-backtrace");
    assert_eq!(failures(&full), ["takes_from_none"]);
    assert_eq!(place(&full, "takes_from_none: called `Result::unwrap()`"), "beta/tests/integration.rs:9:52");
}

#[test]
fn cargo_test_shows_what_passing_tests_printed_only_beside_failures() {
    let shown = report("cargo-test-show-output");
    assert_eq!(sorted(failures(&shown)), ALPHA);
    let passed = report("cargo-test-pass");
    assert!(failures(&passed).is_empty());
    has(&passed, &["# cargo test: 1 passed", "# the exit code is 0"]);
    assert!(!passed.text.contains("running 1 test"));
}

#[test]
fn a_test_binary_that_dies_is_no_success() {
    let report = report("cargo-test-abort");
    assert!(failures(&report).is_empty());
    has(
        &report,
        &[
            "# cargo test: 1 run has not said how it ended",
            "# the exit code is 101 and no failing test was named: the last lines are below",
            "test tests::fine ... ok",
            "error: test failed, to rerun pass `--lib`",
            "Caused by:",
        ],
    );
    assert!(report.text.contains("SIGABRT"));
}

#[test]
fn compile_errors_of_rustc_are_diagnostics() {
    for name in ["cargo-test-compile-error", "cargo-build-color", "cargo-build-short"] {
        let report = report(name);
        assert_eq!(place(&report, "borrow of moved value: `s`"), "src/lib.rs:5:5", "{name}");
        assert_eq!(place(&report, "mismatched types"), "src/lib.rs:9:5", "{name}");
        assert_eq!(place(&report, "unused import: `std::collections::HashMap`"), "src/lib.rs:1:5", "{name}");
        let codes: Vec<_> = report.diagnostics.iter().filter_map(|found| found.code.as_deref()).collect();
        assert!(codes.contains(&"E0382") && codes.contains(&"E0308"), "{name} {codes:?}");
        assert!(report.text.contains("error: could not compile `gamma` (lib)"), "{name}");
    }
    has(
        &report("cargo-test-compile-error"),
        &["5 |     s.len()", "  |     ^ value borrowed here after move"],
    );
}

#[test]
fn nextest_names_every_failure_with_its_place() {
    for name in ["nextest", "nextest-color", "nextest-final"] {
        let report = report(name);
        let mut expected: Vec<String> = ALPHA.iter().map(|name| format!("alpha {name}")).collect();
        expected.push("beta::integration takes_from_none".to_owned());
        assert_eq!(sorted(failures(&report)), expected, "{name}\n{}", report.text);
        assert_eq!(
            place(&report, "alpha tests::adds_wrong: assertion `left == right` failed: sums must agree"),
            "alpha/src/lib.rs:41:9",
            "{name}"
        );
        assert_eq!(
            place(&report, "beta::integration takes_from_none"),
            "beta/tests/integration.rs:9:52",
            "{name}"
        );
        assert_eq!(place(&report, "alpha tests::should_have_panicked"), "alpha/src/lib.rs:56:8", "{name}");
        has(
            &report,
            &[
                "# cargo nextest: 3 passed, 6 failed, 1 skipped",
                "# the exit code is 100",
                "    about to add",
                "    on the other stream",
            ],
        );
    }
    let stopped = report("nextest-fail-fast");
    assert_eq!(failures(&stopped), ["alpha tests::gives_an_error", "alpha tests::adds_wrong"]);
    let aborted = report("nextest-abort");
    assert_eq!(failures(&aborted), ["delta tests::aborts"]);
    has(&aborted, &["    before the abort", "    (test aborted with signal 6: SIGABRT)"]);
}

const SHOP: [&str; 6] = [
    "ERROR at setup of test_with_database",
    "ERROR at teardown of test_teardown",
    "test_shop.py::TestDiscount::test_half[0]",
    "test_shop.py::TestDiscount::test_too_much",
    "test_shop.py::test_multi_line",
    "test_shop.py::test_total_is_wrong",
];

#[test]
fn pytest_names_every_failure_with_its_place() {
    for name in [
        "pytest",
        "pytest-v",
        "pytest-q",
        "pytest-tb-short",
        "pytest-tb-long",
        "pytest-tb-native",
        "pytest-xdist",
        "pytest-s",
        "pytest-color",
        "pytest-rA",
    ] {
        let report = report(name);
        assert_eq!(sorted(failures(&report)), SHOP, "{name}\n{}", report.text);
        assert!(place(&report, "test_shop.py::test_total_is_wrong").contains("test_shop.py:20"), "{name}");
        assert!(
            place(&report, "test_shop.py::TestDiscount::test_too_much").contains("pkg/shop.py:7"),
            "{name}"
        );
        assert!(place(&report, "ERROR at setup of test_with_database").contains("test_shop.py:35"), "{name}");
        has(
            &report,
            &[
                "# pytest: 4 failed, 4 passed, 1 skipped, 1 xfailed, 1 warning, 2 errors",
                "# the exit code is 1",
                "=== 100 passed in 0.01s ===",
                "on the other stream",
            ],
        );
        assert!(report.text.contains("adding up\n"), "{name}");
        let warning =
            report.diagnostics.iter().find(|found| found.message.starts_with("DeprecationWarning")).unwrap();
        assert_eq!(warning.place.as_ref().unwrap().line, Some(63));
    }
}

#[test]
fn pytest_without_tracebacks_still_names_failures() {
    let lines = report("pytest-tb-line");
    assert!(place(&lines, "test_shop.py::test_total_is_wrong: assert 3 == 4").ends_with("test_shop.py:20"));
    assert!(place(&lines, "test_shop.py::TestDiscount::test_too_much").ends_with("pkg/shop.py:7"));
    has(&lines, &["adding up", "on the other stream"]);
    let none = report("pytest-tb-no");
    assert_eq!(failures(&none).len(), 6);
    let first = report("pytest-x");
    assert_eq!(failures(&first), ["test_shop.py::test_total_is_wrong"]);
}

#[test]
fn pytest_errors_of_collection_are_failures() {
    let report = report("pytest-collect");
    assert_eq!(failures(&report), ["ERROR collecting test_broken.py", "ERROR collecting test_syntax.py"]);
    assert_eq!(place(&report, "ERROR collecting test_broken.py: ModuleNotFoundError"), "test_broken.py:1");
    has(&report, &["# pytest: 2 errors", "# the exit code is 2"]);
}

#[test]
fn python_tracebacks_are_diagnostics() {
    let report = report("python-traceback");
    assert!(place(&report, "RuntimeError: cannot read the settings").ends_with("main.py:11"));
    assert!(place(&report, "json.decoder.JSONDecodeError").contains("decoder.py:353"));
    let syntax = self::report("python-syntax");
    assert!(place(&syntax, "SyntaxError: invalid syntax").ends_with("bad.py:1"));
}

#[test]
fn go_test_names_every_failure_with_its_place() {
    for name in ["go-test", "go-test-v"] {
        let report = report(name);
        let names = failures(&report);
        for expected in [
            "TestPanics",
            "TestTotalWrong",
            "TestTable",
            "TestTable/case_2",
            "example.org/shop/broken [build failed]",
        ] {
            assert!(names.contains(&expected), "{name}: {expected} in {names:?}");
        }
        assert_eq!(names.len(), 5, "{name}");
        assert_eq!(place(&report, "TestTotalWrong"), "shop_test.go:20", "{name}");
        assert_eq!(place(&report, "TestTable/case_2: case 2 fails"), "shop_test.go:29", "{name}");
        assert!(place(&report, "TestPanics").ends_with("crash/crash_test.go:13"), "{name}");
        assert_eq!(place(&report, "undefined: undefined"), "broken/broken_test.go:7:2", "{name}");
        has(
            &report,
            &[
                "# go test: FAIL for 3 packages, ok for 1 package",
                "adding up",
                "ok  \texample.org/shop/all\t0.001s",
                "    shop_test.go:20: Total = 3, want 4",
                "        second line",
                "in case 2",
                "before the panic",
            ],
        );
    }
    assert!(!report("go-test-v").text.contains("a pass prints this"));
    let fine = report("go-test-fine");
    assert!(failures(&fine).is_empty());
    has(&fine, &["# go test: ok for 1 package", "# the exit code is 0"]);
    assert_eq!(place(&report("go-vet"), "undeclared name: undefined"), "broken/broken_test.go:7:2");
}

#[test]
fn jest_names_every_failure_with_its_place() {
    for name in ["jest", "jest-verbose", "jest-color"] {
        let report = report(name);
        let names = failures(&report);
        for expected in [
            "jest-tests/shop.test.js: shop › adds up wrongly",
            "jest-tests/shop.test.js: shop › discounts too much",
            "jest-tests/shop.test.js: shop › matches the snapshot",
            "jest-tests/shop.test.js: shop › stored snapshot",
            "jest-tests/broken.test.js: Test suite failed to run",
            "jest-tests/syntax.test.js: Test suite failed to run",
        ] {
            assert!(names.contains(&expected), "{name}: {expected} in {names:?}");
        }
        assert_eq!(names.len(), 6, "{name}");
        assert_eq!(
            place(&report, "jest-tests/shop.test.js: shop › adds up wrongly"),
            "jest-tests/shop.test.js:10:27"
        );
        assert_eq!(
            place(&report, "jest-tests/shop.test.js: shop › discounts too much: percent must be"),
            "shop.js:5:28"
        );
        assert_eq!(place(&report, "jest-tests/broken.test.js: "), "jest-tests/broken.test.js:1:11");
        assert!(report.text.contains("Tests:       100 passed, 100 total"), "{name}");
        assert!(report.text.contains("adding up"), "{name}");
        has(
            &report,
            &["# jest: 4 failed, 1 skipped, 1 todo, 2 passed", "    -   \"a\": 1,", "    +   \"a\": \"7\","],
        );
    }
    has(&report("jest-one"), &["# jest: 1 passed", "# the exit code is 0"]);
}

#[test]
fn vitest_names_every_failure_with_its_place() {
    for name in ["vitest-plain", "vitest-split", "vitest-color"] {
        let report = report(name);
        let names = failures(&report);
        for expected in [
            "vitest-tests/shop.test.mjs > shop > adds up wrongly",
            "vitest-tests/shop.test.mjs > shop > discounts too much",
            "vitest-tests/shop.test.mjs > shop > matches the snapshot",
            "vitest-tests/shop.test.mjs > shop > stored snapshot",
            "vitest-tests/broken.test.mjs",
        ] {
            assert!(names.contains(&expected), "{name}: {expected} in {names:?}");
        }
        assert_eq!(names.len(), 5, "{name}");
        assert_eq!(
            place(&report, "vitest-tests/shop.test.mjs > shop > adds up wrongly: AssertionError"),
            "vitest-tests/shop.test.mjs:12:27"
        );
        assert_eq!(place(&report, "vitest-tests/shop.test.mjs > shop > discounts too much"), "shop.js:5:28");
        has(
            &report,
            &[
                "# vitest: 4 failed, 2 passed, 1 skipped, 1 todo",
                "adding up",
                "Tests:       100 passed, 100 total",
                "-   \"a\": 1,",
            ],
        );
    }
}

#[test]
fn findings_of_gcc_and_clang_are_diagnostics() {
    for name in ["gcc", "gcc-color", "make", "clang"] {
        let report = report(name);
        assert!(place(&report, "redefinition of ").ends_with("b.h:3:8"), "{name}");
        assert_eq!(place(&report, "expected ';'"), "a.c:12:13", "{name}");
        assert_eq!(note(&report, "errors"), "3", "{name}");
        assert!(report.text.contains("In file included from a.c:2:"), "{name}");
    }
    let gcc = report("gcc");
    assert_eq!(gcc.diagnostics.len(), 12);
    let unused = gcc.diagnostics.iter().find(|found| found.message == "unused variable 'unused'").unwrap();
    assert_eq!(unused.code.as_deref(), Some("-Wunused-variable"));
    has(&gcc, &["      |              |     int", "      | ~            "]);
    has(&report("clang"), &["    twice(1, 2);", "    ~~~~~    ^"]);
    has(&report("make"), &["make: *** [Makefile:3: a.o] Error 1"]);
    for name in ["gcc-fatal", "clang-fatal"] {
        assert_eq!(
            place(&report(name), if name == "gcc-fatal" { "nowhere.h: No such" } else { "'nowhere.h' file" }),
            "f.c:1:10"
        );
    }
    let linked = report("gcc-link");
    assert_eq!(place(&linked, "undefined reference to `missing'"), "l.c");
    has(&linked, &["collect2: error: ld returned 1 exit status"]);
}

#[test]
fn findings_of_tsc_and_eslint_are_diagnostics() {
    for name in ["tsc", "tsc-pretty"] {
        let report = report(name);
        assert_eq!(place(&report, "Cannot find name 'undefinedThing'."), "ts/a.ts:6:1", "{name}");
        assert_eq!(report.diagnostics.len(), 3, "{name}");
        assert_eq!(report.diagnostics[2].code.as_deref(), Some("TS2304"), "{name}");
    }
    has(&report("tsc-pretty"), &["6 undefinedThing();"]);
    let lint = report("eslint");
    assert!(place(&lint, "'foo' is not defined").ends_with("lint/x.js:2:1"));
    assert!(place(&lint, "Parsing error: Unexpected token ;").ends_with("lint/y.js:1:7"));
    assert_eq!(lint.diagnostics[0].code.as_deref(), Some("no-unused-vars"));
}

#[test]
fn several_tools_in_one_output_are_all_reported() {
    let mut output = Output::new("sh -c make && cargo test && pytest && go test ./...", 1);
    for name in ["make", "cargo-test-merged", "pytest", "go-test", "nextest"] {
        output.append(&fixture(name));
    }
    let report = output.summary().unwrap();
    check(&output, &report);
    has(
        &report,
        &[
            "# cargo test: 4 passed, 8 failed, 1 ignored, in 5 runs",
            "# cargo nextest: 3 passed, 6 failed, 1 skipped",
            "# pytest: 4 failed, 4 passed, 1 skipped, 1 xfailed, 1 warning, 2 errors",
            "# go test: FAIL for 3 packages, ok for 1 package",
        ],
    );
    assert_eq!(failures(&report).len(), 8 + 6 + 6 + 5);
}
