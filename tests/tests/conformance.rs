//! Plays every case of conformance/cases.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use weir_tests::{Case, Launch};

weir_tests::both_ways!(every_case_holds);

fn every_case_holds(launch: Launch) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/cases");
    let wanted = std::env::var("WEIR_CASE").unwrap_or_default();
    let mut cases = Case::all_in(&directory);
    cases.retain(|case| case.name().contains(&wanted));
    assert!(!cases.is_empty(), "no case is named like `{wanted}`");
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            // One case must not hide the others, however it fails.
            let played = catch_unwind(AssertUnwindSafe(|| case.play(launch.clone())));
            played.unwrap_or_else(|_| Err(format!("{} panics, see above", case.name()))).err()
        })
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {} cases fail:\n\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n\n")
    );
}
