//! The corpora that the rules are tested with, against a plain judge: no bypass may look allowed, and what is opaque in
//! everyday commands is counted.

use crate::common::{corpus, look};
use weir_shell::{Script, SimpleCommand};

/// As rules would: everything is seen, and each command that runs nothing else has an allowed name and writes nothing.
fn allowed(script: &Script) -> bool {
    let word = |command: &SimpleCommand, at: usize| {
        command.argv.get(at).filter(|word| word.literal).map(|word| word.text.clone()).unwrap_or_default()
    };
    let plain = |command: &SimpleCommand| {
        ["ls", "cat", "echo"].contains(&word(command, 0).as_str())
            || word(command, 0) == "git" && word(command, 1) == "status"
            || command.argv.is_empty()
    };
    // Only the shell of the line is passed over: it is depth 0, and what it runs follows.
    let shell = |at: usize| at == 0 && word(&script.commands[0], 0) == "bash";
    script.opaque.is_empty()
        && !script.commands.is_empty()
        && script.commands.iter().enumerate().all(|(at, command)| {
            let writes = command.redirects.iter().any(|redirect| {
                let duplicates = redirect.operator == ">&" && redirect.target.text.parse::<u8>().is_ok();
                redirect.operator.contains('>') && !duplicates
            });
            (shell(at) || plain(command)) && !writes
        })
}

#[test]
fn no_bypass_looks_allowed() {
    let lines = corpus(include_str!("../../../../tests/corpora/bypass.txt"));
    assert!(lines.len() >= 260, "{} lines", lines.len());
    let words = |argv: &[String]| argv.iter().map(String::as_str).collect::<Vec<_>>().join("\u{1}");
    let mut passed: Vec<&str> = Vec::new();
    for (line, argv) in &lines {
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        if allowed(&look(&argv)) {
            passed.push(line);
        }
    }
    assert!(passed.is_empty(), "look allowed: {passed:#?}");
    assert!(lines.iter().all(|(_, argv)| words(argv).len() < 1000));
}

#[test]
fn the_allowed_commands_themselves_look_allowed() {
    for text in [
        "ls",
        "git status --short",
        "ls -la && cat x | cat",
        "echo $(ls)",
        "cat <<'E'\nrm x\nE",
        "echo 'rm x'; # rm y",
        "ls 2>&1",
        "for f in *.rs; do cat \"$f\"; done",
        "if ls; then echo a; fi",
        "{ ls; }; (ls)",
        "case a in a) ls;; esac",
    ] {
        let script = look(&["bash", "-lc", text]);
        assert!(allowed(&script), "{text}: {script:#?}");
    }
}

#[test]
fn everyday_commands_are_seen_through() {
    let lines = corpus(include_str!("../../../../tests/corpora/everyday.txt"));
    assert!(lines.len() >= 120, "{} lines", lines.len());
    let mut opaque: Vec<(&str, Vec<String>)> = Vec::new();
    for (line, argv) in &lines {
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        let script = look(&argv);
        assert!(!script.commands.is_empty(), "{line}");
        if !script.opaque.is_empty() {
            opaque.push((line, script.opaque));
        }
    }
    // What xargs appends may be an option, and sed takes code in options; npx may fetch what it runs.
    let known = [
        "rg -l foo | xargs sed -n 1,5p",
        "npx tsc --noEmit",
        "npx jest src/a.test.ts",
        "npx eslint src --ext .ts",
    ];
    opaque.retain(|(line, _)| !known.contains(line));
    assert!(opaque.is_empty(), "opaque: {opaque:#?}");
}
