//! Programs that run their arguments and do nothing else: where they are seen through, the inner commands decide.

use crate::environment::{assignment, is_dangerous};
use crate::glob::Glob;
use crate::handed::Find;
use crate::model::{Simple, Word};

/// How a wrapper's own words look.
struct Wrapper {
    name: &'static str,
    flags: &'static [&'static str],
    /// Options that take a value: as the next word, attached to a short one, or after `=`.
    values: &'static [&'static str],
    /// Words between the options and the command.
    operands: usize,
}

const WRAPPERS: &[Wrapper] = &[
    Wrapper {
        name: "env",
        flags: &["-i", "-", "--ignore-environment", "-v"],
        values: &["-u", "--unset"],
        operands: 0,
    },
    Wrapper {
        name: "timeout",
        flags: &["--preserve-status", "--foreground", "-f", "-v", "--verbose"],
        values: &["-k", "--kill-after", "-s", "--signal"],
        operands: 1,
    },
    Wrapper { name: "nice", flags: &[], values: &["-n", "--adjustment"], operands: 0 },
    Wrapper { name: "ionice", flags: &["-t"], values: &["-c", "-n", "--class", "--classdata"], operands: 0 },
    Wrapper { name: "nohup", flags: &[], values: &[], operands: 0 },
    Wrapper { name: "time", flags: &["-p", "-v"], values: &[], operands: 0 },
    Wrapper {
        name: "stdbuf",
        flags: &[],
        values: &["-i", "-o", "-e", "--input", "--output", "--error"],
        operands: 0,
    },
    Wrapper { name: "setsid", flags: &["-w", "--wait", "-f", "--fork"], values: &[], operands: 0 },
    Wrapper { name: "command", flags: &["-p"], values: &[], operands: 0 },
    Wrapper { name: "builtin", flags: &[], values: &[], operands: 0 },
    Wrapper { name: "exec", flags: &[], values: &[], operands: 0 },
    Wrapper {
        name: "xargs",
        flags: &["-0", "--null", "-r", "--no-run-if-empty", "-t", "--verbose", "-x", "--exit"],
        values: &[
            "-n",
            "--max-args",
            "-L",
            "--max-lines",
            "-P",
            "--max-procs",
            "-I",
            "-d",
            "--delimiter",
            "-s",
            "--max-chars",
            "-E",
        ],
        operands: 0,
    },
];

const SHELLS: &[&str] = &["sh", "bash", "dash", "zsh", "ash", "ksh", "mksh"];

/// Whether the command at `index` does nothing but run commands that stand in the list too. The caller has made sure
/// that nothing is opaque, and that the program is what its name says. Assignments before it and redirects are
/// somebody else's to judge.
pub fn is_seen_through(commands: &[Simple], index: usize, harmless: &[Glob]) -> bool {
    let command = &commands[index];
    let Some(name) = command.name() else {
        return false;
    };
    let words = command.arguments();
    if SHELLS.contains(&name) {
        return is_shell_text(command, words, &commands[index + 1..]);
    }
    if name == "eval" {
        return words.iter().all(|word| word.literal) && has_inner(command, &commands[index + 1..], |_| true);
    }
    if name == "find" {
        let runs_what_is_listed = |find: Find<'_>| {
            !find.runs.is_empty()
                && find.runs.iter().all(|run| {
                    has_inner(command, &commands[index + 1..], |candidate| {
                        is_run_by_find(run, &candidate.argv)
                    })
                })
        };
        return Find::read(words, true).is_some_and(runs_what_is_listed);
    }
    let Some(wrapper) = WRAPPERS.iter().find(|wrapper| wrapper.name == name) else {
        return false;
    };
    let Some(inner) = inner_words(wrapper, words, harmless) else {
        return false;
    };
    let appends = wrapper.name == "xargs";
    has_inner(command, &commands[index + 1..], |candidate| is_same(inner, &candidate.argv, appends))
}

/// Whether the words are options that change nothing, one with `c`, and the text; or a here-document is the text.
fn is_shell_text(command: &Simple, words: &[Word], later: &[Simple]) -> bool {
    let mut has_text = false;
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let Some(text) = word.literal_text() else {
            return false;
        };
        match text {
            "--" => {
                // The text, then `$0` and arguments, which the host has put in their places or called not literal.
                return has_text && rest.next().is_some_and(|word| word.literal);
            }
            "--noprofile" | "--norc" | "--login" | "--posix" | "-" => {}
            "-o" | "+o" => {
                let name = rest.next().and_then(Word::literal_text);
                if !matches!(name, Some("pipefail" | "errexit" | "nounset" | "xtrace" | "noglob")) {
                    return false;
                }
            }
            _ if text.starts_with(['-', '+']) && text.len() > 1 => {
                let letters = &text[1..];
                if !letters.bytes().all(|letter| b"celuxvifo".contains(&letter)) {
                    return false;
                }
                has_text |= text.starts_with('-') && letters.contains('c');
                if letters.contains('o') {
                    let name = rest.next().and_then(Word::literal_text);
                    if !matches!(name, Some("pipefail" | "errexit" | "nounset" | "xtrace" | "noglob")) {
                        return false;
                    }
                }
            }
            _ => return has_text,
        }
    }
    let here = command.redirects.iter().any(|redirect| {
        matches!(redirect.operator.as_str(), "<<" | "<<-" | "<<<")
            && redirect.descriptor.unwrap_or(0) == 0
            && redirect.target.literal
    });
    !has_text && here && has_inner(command, later, |_| true)
}

/// The words of the command that a wrapper runs; none if its own words are not all known.
fn inner_words<'a>(wrapper: &Wrapper, words: &'a [Word], harmless: &[Glob]) -> Option<&'a [Word]> {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let text = word.literal_text()?;
        if text == "--" {
            at += 1;
            break;
        }
        if !text.starts_with('-') {
            break;
        }
        if wrapper.flags.contains(&text) || wrapper.name == "nice" && is_niceness(text) {
            at += 1;
        } else if wrapper.values.contains(&text) {
            words.get(at + 1)?.literal_text()?;
            at += 2;
        } else if wrapper.values.iter().any(|value| has_value_attached(text, value)) {
            at += 1;
        } else {
            return None;
        }
    }
    for _ in 0..wrapper.operands {
        words.get(at)?.literal_text()?;
        at += 1;
    }
    if wrapper.name == "env" {
        while let Some((name, value)) = words.get(at).and_then(assignment) {
            if is_dangerous(name, value, harmless) {
                return None;
            }
            at += 1;
        }
    }
    words.get(at..).filter(|inner| !inner.is_empty())
}

fn is_niceness(text: &str) -> bool {
    text.strip_prefix('-').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'))
}

fn has_value_attached(text: &str, option: &str) -> bool {
    match option.starts_with("--") {
        true => text.strip_prefix(option).is_some_and(|rest| rest.starts_with('=')),
        false => text.len() > option.len() && text.starts_with(option),
    }
}

/// Whether a command stands in the list that this one runs.
fn has_inner(command: &Simple, later: &[Simple], fits: impl Fn(&Simple) -> bool) -> bool {
    later.iter().any(|other| other.depth == command.depth + 1 && fits(other))
}

/// Whether a listed command is what `find` runs: the words are the same, and those with a `{}` are not literal.
fn is_run_by_find(words: &[Word], listed: &[Word]) -> bool {
    words.len() == listed.len()
        && words
            .iter()
            .zip(listed)
            .all(|(a, b)| a.text == b.text && b.literal == (a.literal && !a.text.contains("{}")))
}

/// Whether a listed command is what the wrapper's words say. `appends`: more words follow that nobody knows, so the
/// list must have some that are not literal.
fn is_same(words: &[Word], listed: &[Word], appends: bool) -> bool {
    let same = |a: &Word, b: &Word| !b.literal || a.literal && a.text == b.text;
    if !appends {
        return words == listed;
    }
    listed.len() >= words.len()
        && words.iter().zip(listed).all(|(a, b)| same(a, b))
        && listed.iter().any(|word| !word.literal)
}
