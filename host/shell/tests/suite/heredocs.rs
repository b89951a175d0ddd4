//! Here-documents beside real shells: what stands behind one is listed, or something is opaque.
//!
//! All texts over a small alphabet up to a length, which `WEIR_LENGTH` raises from what a test run has time for.

#![expect(clippy::disallowed_methods, reason = "the shells that are compared with are children of the test")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use weir_shell::Script;

use crate::common::{bash, look, quoted};

/// Whether the marker is listed, or may run as something that is not seen.
fn says(script: &Script) -> bool {
    !script.opaque.is_empty()
        || script.commands.iter().any(|command| command.argv.first().is_some_and(|word| word.text == "m"))
}

/// All strings over `alphabet` of up to `most` characters.
fn strings(alphabet: &[char], most: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut from = 0;
    for _ in 0..most {
        let to = all.len();
        for at in from..to {
            let longer: Vec<String> = alphabet.iter().map(|char| format!("{}{char}", all[at])).collect();
            all.extend(longer);
        }
        from = to;
    }
    all
}

/// The texts that run the marker `m` in a shell, by their index.
fn run_the_marker(shell: &str, texts: &[&str]) -> BTreeSet<usize> {
    let dir = tempfile::tempdir().expect("a directory");
    let hits = dir.path().join("hits");
    fs::write(&hits, "").expect("a file");
    let mut script = "m() { echo $i >>\"$HITS\"; }\n".to_owned();
    // The last one shows that the shell came to the end.
    for (index, text) in texts.iter().chain(&["m"]).enumerate() {
        let _ = writeln!(script, "i={index}; command eval {}", quoted(text));
    }
    fs::write(dir.path().join("script"), script).expect("a script");
    let status = Command::new(shell)
        .arg(dir.path().join("script"))
        .env_clear()
        .env("PATH", "/nowhere")
        .env("HITS", &hits)
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.unwrap_or_else(|error| panic!("{shell}: {error}"));
    let hits = fs::read_to_string(&hits).expect("the hits");
    let mut hits: BTreeSet<usize> = hits.lines().map(|line| line.parse().expect("an index")).collect();
    assert!(hits.remove(&texts.len()), "{shell} did not come to the end");
    hits
}

/// Gives how many texts were silent, and how many run the marker.
fn no_marker_runs_unseen(texts: &[String]) -> (usize, usize) {
    let silent: Vec<&str> = texts.iter().map(String::as_str).filter(|text| !says(&bash(text))).collect();
    let mut unseen = Vec::new();
    let mut ran = 0;
    for shell in ["/bin/bash", "/bin/dash"].into_iter().filter(|shell| fs::exists(shell).unwrap_or(false)) {
        assert_eq!(run_the_marker(shell, &["m", ": m", ": <<A\nA\nm"]), BTreeSet::from([0, 2]), "{shell}");
        let name = shell.rsplit('/').next().expect("a name");
        for index in run_the_marker(shell, &silent) {
            ran += 1;
            if !says(&look(&[name, "-c", silent[index]])) {
                unseen.push((name, silent[index]));
            }
        }
    }
    assert!(
        unseen.is_empty(),
        "{} run the marker unseen: {:#?}",
        unseen.len(),
        &unseen[..unseen.len().min(20)]
    );
    (silent.len(), ran)
}

fn length() -> usize {
    std::env::var("WEIR_LENGTH").ok().and_then(|length| length.parse().ok()).unwrap_or(5)
}

#[test]
fn nothing_runs_unseen_behind_any_short_here_document() {
    let mut texts = Vec::new();
    for body in strings(&['A', '\\', '\n', '\t', ' '], length()) {
        for operator in ["<<", "<<-"] {
            texts.push(format!(": {operator}A\n{body}\nm\nA\n"));
        }
    }
    let (silent, _) = no_marker_runs_unseen(&texts);
    assert!(silent > texts.len() / 4, "{silent} of {} are plain", texts.len());
}

#[test]
fn nothing_runs_unseen_behind_here_documents_of_longer_delimiters_and_in_substitutions() {
    let mut texts = Vec::new();
    for body in strings(&['A', 'B', '\\', '\n', '\t'], length() - 1) {
        for operator in ["<<", "<<-"] {
            texts.push(format!(": {operator}AB\n{body}\nm\nAB\n"));
            texts.push(format!(": {operator}'AB'\n{body}\nm\nAB\n"));
            texts.push(format!(": $(: {operator}AB\n{body}\nm\nAB\n)"));
            texts.push(format!("(: {operator}B\n{body}\nm\nB\n)"));
            texts.push(format!(": {operator}A <<B\n{body}\nA\nm\nB\n"));
        }
    }
    let (silent, _) = no_marker_runs_unseen(&texts);
    assert!(silent > texts.len() / 4, "{silent} of {} are plain", texts.len());
}

#[test]
fn continued_lines_that_cannot_be_the_end_stay_plain() {
    for text in [
        "cat <<EOF\ndocker run \\\n  -it x \\\n  y\nEOF\nls",
        "cat <<-EOF\n\tfoo \\\n\tbar\n\tEOF\nls",
        "cat <<EOF\nRUN a \\\n && b\n\n\\\\\nEOF",
        "cat <<'EOF'\nEO\\\nF\nEOF",
        "cat <<EOF\nTHE E\\\nND\nEOF",
    ] {
        assert_eq!(bash(text).opaque, Vec::<String>::new(), "{text}");
    }
    for text in [
        "cat <<EOF\nEO\\\nF\nrm victim\nEOF",
        "cat <<-A\n\\\n\tA\nrm victim\nA",
        "cat <<A\nA\\\n\nrm victim\nA",
        "cat <<EOF\nx\\\nE\\\nOF\nrm victim\nEOF",
    ] {
        assert!(!bash(text).opaque.is_empty(), "{text}");
    }
}

#[test]
fn here_documents_whose_text_begins_within_something_are_opaque() {
    for text in [
        "cat <<A; a=(1\nA\n)\n",
        "cat <<A a=(1\nA\n)\n",
        "a=(1 2) b=(\n) cat <<A; a=(1\nA\n)\n",
        "cat <<A; declare a=(\nA\n)",
        "cat <<A; ((1 +\nA\n2))",
        "cat <<A \"x\nA\n\"\nA\n",
        "cat <<A; a=$(b\nA\n)",
        "for ((i=0;\nA\n;)) do cat <<A; a=(\nA\n); done",
    ] {
        assert!(!bash(text).opaque.is_empty(), "{text}");
    }
}

/// Tokens that begin something over several lines, and here-documents between them.
fn tokens() -> impl Strategy<Value = String> {
    let parts = vec![
        "cat <<A",
        "cat <<-A",
        "<<'A'",
        "<<B",
        "\nA\n",
        "\n\tA\n",
        "\nB\n",
        "\n",
        "; ",
        " ",
        "m",
        "\nm\n",
        "a=(1",
        "a=(",
        ")",
        "declare a=(",
        "$(",
        "\"$(",
        ")\"",
        "`",
        "<(",
        "${x:-",
        "}",
        "((1",
        "$((1",
        "))",
        "case a in",
        " a)",
        ";;",
        " esac",
        "[[ a ",
        " ]]",
        "f() ",
        "function f",
        "{ ",
        "; }",
        "( ",
        "if ",
        "; then ",
        "; fi",
        "for i in 1",
        "; do ",
        "; done",
        "| ",
        "&& ",
        "# c",
        "\\\n",
        "\"",
        "'",
        "é",
        ">x",
        "2>&1",
        "coproc ",
        "time ",
        "! ",
        "eval ",
    ];
    prop::collection::vec(prop::sample::select(parts), 1..16).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn here_documents_among_anything_are_taken_without_a_panic(text in tokens()) {
        bash(&text);
        look(&["sh", "-c", &text]);
        look(&["zsh", "-c", &text]);
    }
}

#[test]
fn nothing_runs_unseen_among_here_documents_in_anything() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let texts: Vec<String> =
        (0..400 * length()).map(|_| tokens().new_tree(&mut runner).expect("a text").current()).collect();
    no_marker_runs_unseen(&texts);
}
