//! Beside a real bash: every command that it runs was listed, or something is opaque.
//!
//! bash finds no programs (PATH is empty), so each command that is none of its own comes to `command_not_found_handle`,
//! which writes down its words.

#![expect(clippy::disallowed_methods, reason = "the shell that is compared with is a child of the test")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use weir_shell::Word;

use crate::common::bash;

const PROLOGUE: &str = "FUNCNEST=3\ncommand_not_found_handle() { printf '%s\\0' \"$#\" \"$@\" >>\"$SEEN\"; return \"$CODE\"; }\n";

/// What bash ran of a text, as lists of words.
fn ran(dir: &Path, case: usize, text: &str) -> Vec<Vec<String>> {
    let seen = dir.join(format!("seen-{case}"));
    fs::write(&seen, "").expect("a file");
    let cwd = dir.join("cwd");
    let _ = fs::remove_dir_all(&cwd);
    fs::create_dir(&cwd).expect("a directory");
    Command::new("/usr/bin/timeout")
        .args(["5", "/bin/bash", "-c", text])
        .env_clear()
        .env("PATH", "/nowhere")
        .env("BASH_ENV", dir.join("prologue"))
        .env("SEEN", &seen)
        .env("CODE", (case % 2).to_string())
        .current_dir(&cwd)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        // Reads to the end of the pipe, which what runs in the background holds, too.
        .output()
        .expect("bash");
    let bytes = fs::read(&seen).expect("what was seen");
    let text = String::from_utf8_lossy(&bytes);
    let mut fields = text.split('\0');
    let mut commands = Vec::new();
    while let Some(count) = fields.next().and_then(|count| count.parse::<usize>().ok()) {
        commands.push(fields.by_ref().take(count).map(str::to_owned).collect());
    }
    commands
}

/// Whether words that a shell made can come from these: a word that is not literal stands for any number of words.
fn fits(seen: &[Word], ran: &[String]) -> bool {
    match (seen.split_first(), ran.split_first()) {
        (None, None) => true,
        (None, Some(_)) => false,
        (Some((word, rest)), _) if !word.literal => (0..=ran.len()).any(|skip| fits(rest, &ran[skip..])),
        (Some((word, rest)), Some((first, others))) => word.text == *first && fits(rest, others),
        (Some(_), None) => false,
    }
}

fn compare(strategy: impl Strategy<Value = String>, cases: usize) -> (usize, usize) {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("prologue"), PROLOGUE).expect("a prologue");
    let seed = std::env::var("WEIR_SEED").unwrap_or_else(|_| "0".into());
    let mut bytes = [0_u8; 32];
    bytes[..seed.len().min(32)].copy_from_slice(&seed.as_bytes()[..seed.len().min(32)]);
    let mut runner =
        TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let (mut clear, mut commands) = (0, 0);
    for case in 0..cases {
        let text = strategy.new_tree(&mut runner).expect("a text").current();
        let script = bash(&text);
        if !script.opaque.is_empty() {
            continue;
        }
        clear += 1;
        for words in ran(dir.path(), case, &text) {
            commands += 1;
            let listed = script.commands.iter().any(|command| fits(&command.argv, &words));
            assert!(listed, "bash ran {words:?}, which is not listed, of\n{text}\n{script:#?}");
        }
    }
    (clear, commands)
}

fn cases() -> usize {
    std::env::var("WEIR_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(400)
}

#[test]
fn bash_makes_the_same_words_of_quotes_and_escapes() {
    let parts = vec![
        "a", "b", "1", "'", "'", "\"", "\"", "\\", "$'", "\\x41", "\\n", "\\101", "\\u0041", "\\c", "\\'",
        "\\\"", "$", "{", "}", ",", "..", "~", "=", "#", "!", "-", "%", "@", "é", " ", "\t", "\\\n", ":",
        "[", "]", "*", "^", "+", "{}", "\\\\", "\\$", "\\`", "\"$\"", "$\"",
    ];
    let words = prop::collection::vec(prop::sample::select(parts), 1..10)
        .prop_map(|parts| format!("z {}", parts.concat()));
    let (clear, commands) = compare(words, cases());
    assert!(
        clear > cases() / 10 && commands > cases() / 10,
        "only {clear} texts were clear, with {commands} commands"
    );
}

#[test]
fn bash_runs_nothing_of_a_soup_of_tokens_that_is_not_listed() {
    let parts = vec![
        "a ",
        "b",
        "c\n",
        " ",
        " ",
        "\n",
        "; ",
        "&& ",
        "|| ",
        "| ",
        "& ",
        "( ",
        ") ",
        "{ ",
        "; } ",
        "$(",
        ")",
        "`",
        "'",
        "\"",
        "\\",
        "$x",
        "${x:-",
        "}",
        "${x#",
        "<<E\n",
        "E\n",
        "\nE\n",
        "<<'E'\n",
        "<<-E\n",
        "\t",
        "# ",
        "#",
        "if ",
        "; then ",
        "; fi",
        "case a in ",
        "a) ",
        ";; ",
        "esac",
        "for i in a b; ",
        "do ",
        "; done",
        "! ",
        "<(",
        ">f ",
        "2>&1 ",
        "&>f ",
        "$'",
        "\\x61",
        "[[ a ",
        "]] ",
        "x=",
        "((",
        "))",
        "$((",
        "1",
        "*",
        "~",
        "eval ",
        "\\\n",
        "f() ",
        "f ",
        "function f ",
        "time ",
        "coproc ",
        "{a,b}",
        "<<<",
        "=",
        "in ",
        "\\\\",
        "\"$(",
        ")\"",
        "else ",
        "elif ",
        "command ",
        "trap ",
        " EXIT",
        "=~ ",
        "(a|b)",
        "|& ",
        ";;& ",
        ";& ",
    ];
    let soup = prop::collection::vec(prop::sample::select(parts), 1..14).prop_map(|parts| parts.concat());
    let (clear, commands) = compare(soup, 4 * cases());
    assert!(
        clear > cases() / 10 && commands > cases() / 10,
        "only {clear} texts were clear, with {commands} commands"
    );
}

fn grammar() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "a", "b", "'c d'", "\"e f\"", "\"g $x\"", "h\\ i", "$'j\\tk'", "l=m", "\"\\\"\"", "#n", "o#p", "''",
        "{q,r}", "*", "if", "done", "}", "!", "[[", "case", "\"`a`\"", "$(b)",
    ]);
    let simple = prop::collection::vec(word, 0..4).prop_map(|words| format!("s {}", words.join(" ")));
    simple.prop_recursive(5, 24, 3, |inner| {
        let pair = (inner.clone(), inner.clone());
        let joined = (
            pair,
            prop::sample::select(vec!["; ", " && ", " || ", " | ", " & ", "\n", " |& ", " # c\n", " \\\n; "]),
        )
            .prop_map(|((one, other), sign)| format!("{one}{sign}{other}"));
        let around = (
            inner.clone(),
            prop::sample::select(vec![
                ("( ", " )"),
                ("{ ", "; }"),
                ("{\n", "\n}"),
                ("! ", ""),
                ("time ", ""),
                ("t $(", ")"),
                ("t \"$(", ")\""),
                ("x=$(", ")"),
                ("x=$( ", " ) t"),
                ("t ${y:-$(", ")}"),
                ("t <(", ")"),
                ("for i in 1 2; do ", "; done"),
                ("for i in 1\ndo\n", "\ndone"),
                ("if ", "; then t; else u; fi"),
                ("if t; then ", "; fi"),
                ("case a in (a) ", ";; esac"),
                ("case a in b) u;; *) ", "\nesac"),
                ("f() { ", "; }; f"),
                ("function f { ", "\n}\nf"),
                ("cat <<E\n$(", ")\nE"),
                ("cat <<'E' && ", "\n`t`\nE"),
                ("t <<-E\n\t$(", ")\n\tE"),
                ("[[ a ]] && ", ""),
                ("[[ $(", ") ]]"),
                ("", " > f 2>&1"),
                ("t `u` && ", ""),
                ("(", ")"),
                ("case $(", ") in *) t;; esac"),
                ("t 2> >(", ")"),
                ("x=(1 $(", "))"),
            ]),
        )
            .prop_map(|(inner, (open, close))| format!("{open}{inner}{close}"));
        let quoted =
            (inner, prop::sample::select(vec!["eval ", "trap -- ", "t "])).prop_map(|(inner, name)| {
                let exit = if name.starts_with("trap") { " EXIT" } else { "" };
                format!("{name}'{}'{exit}", inner.replace('\'', "'\\''"))
            });
        prop_oneof![joined, around, quoted]
    })
}

#[test]
fn bash_runs_nothing_of_the_grammar_that_is_not_listed() {
    let (clear, commands) = compare(grammar(), cases());
    assert!(
        clear > cases() / 4 && commands > cases(),
        "only {clear} texts were clear, with {commands} commands"
    );
}
