//! What real tools print on a terminal (`real/*.raw`, recorded with `script`; `docker` is written by hand after
//! BuildKit), and what is made of it (`real/*.txt`).

use std::fs;
use std::path::Path;

use weir_tidy::{Options, Tidy};

#[test]
fn what_tools_print_becomes_what_a_terminal_finally_shows() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real");
    let mut seen = 0;
    for entry in fs::read_dir(&folder).expect("a folder") {
        let raw = entry.expect("an entry").path();
        if raw.extension().is_none_or(|extension| extension != "raw") {
            continue;
        }
        let input = fs::read(&raw).expect("readable");
        for length in [1, 7, 100, input.len()] {
            let mut tidy = Tidy::new(&Options::default());
            let mut out = Vec::new();
            for chunk in input.chunks(length) {
                out.extend(tidy.push(chunk).unwrap_or_else(|| chunk.to_vec()));
            }
            out.extend(tidy.finish());
            let expected = fs::read(raw.with_extension("txt")).unwrap_or_default();
            let (out, expected) = (String::from_utf8_lossy(&out), String::from_utf8_lossy(&expected));
            assert!(
                out == expected,
                "{} cut every {length}:\n{out}\n--- expected:\n{expected}",
                raw.display()
            );
        }
        seen += 1;
    }
    assert_eq!(seen, 7, "recordings in {}", folder.display());
}
