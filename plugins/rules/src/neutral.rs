//! Builtins of the shell that do no harm of themselves: they need no rule of their own beside an allowed command.

use crate::environment::{assignment, hides_a_substitution, is_dangerous, is_identifier};
use crate::glob::Glob;
use crate::model::{Simple, Word};

/// Names of builtins, for which no file is looked up in a shell.
const BUILTINS: &[&str] = &[
    ":", "true", "false", "cd", "pushd", "popd", "dirs", "pwd", "echo", "printf", "test", "[", "[[", "exit",
    "return", "break", "continue", "shift", "wait", "sleep", "export", "readonly", "local", "declare",
    "typeset", "unset", "read", "set", "shopt", "type", "command", "exec",
];

/// Whether a shell finds this name in itself.
pub fn is_builtin(name: &str) -> bool {
    BUILTINS.contains(&name)
}

/// Whether the command does nothing but steer the shell, print its arguments, or set harmless variables. Redirects
/// and the assignments before it are somebody else's to judge.
pub fn is_neutral(command: &Simple, harmless: &[Glob]) -> bool {
    let Some((program, words)) = command.argv.split_first() else {
        // Assignments alone; a value that is evaluated later could run what nobody saw.
        return command
            .assignments
            .iter()
            .all(|set| !hides_a_substitution(&set.value.text) || !set.value.literal);
    };
    let Some(name) = program.literal_text() else {
        return false;
    };
    if name == "echo" {
        return true;
    }
    if words.iter().any(|word| word.literal && hides_a_substitution(&word.text)) {
        return false;
    }
    let arithmetic = command.in_arithmetic_shell();
    match name {
        ":" | "true" | "false" | "pwd" | "dirs" | "cd" | "pushd" | "popd" => true,
        "sleep" => words.iter().all(|word| word.literal),
        "printf" => !arithmetic && !may_have_option(words.first(), "-v"),
        "test" | "[" => {
            let open = words.iter().any(|word| !is_number(word) && !word.literal);
            !(asks_for_a_name(words) || arithmetic && open)
        }
        "[[" => {
            let evaluates = words
                .iter()
                .any(|word| matches!(word.text.as_str(), "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge"));
            let names = words.iter().any(|word| !is_number(word) && !word.text.starts_with(['-', '[', ']']));
            !(asks_for_a_name(words) || evaluates && names)
        }
        "exit" | "return" | "break" | "continue" | "shift" => {
            words.len() <= 1 && words.iter().all(|word| is_number(word) || !word.literal && !arithmetic)
        }
        "wait" => words.iter().all(|word| !word.text.starts_with('-') && (is_number(word) || !arithmetic)),
        "export" | "readonly" | "local" | "declare" | "typeset" => {
            words.iter().all(|word| is_harmless_declaration(word, harmless))
        }
        "unset" => words.iter().all(|word| {
            word.literal
                && (matches!(word.text.as_str(), "-v" | "-f")
                    || is_identifier(&word.text) && !is_dangerous(&word.text, None, harmless))
        }),
        "read" => reads_into_harmless_names(words, harmless),
        "set" => sets_harmless_options(words),
        "shopt" => {
            words.first().is_some_and(|word| matches!(word.text.as_str(), "-s" | "-u"))
                && words.iter().skip(1).all(|word| {
                    matches!(
                        word.text.as_str(),
                        "nullglob" | "globstar" | "dotglob" | "failglob" | "inherit_errexit"
                    )
                })
        }
        "type" => words.iter().all(|word| word.literal),
        "command" => {
            words.first().is_some_and(|word| matches!(word.text.as_str(), "-v" | "-V"))
                && words.iter().all(|word| word.literal)
        }
        // Without words: redirects for the rest of the shell.
        "exec" => words.is_empty(),
        _ => false,
    }
}

/// Whether a test looks up a variable by name, and evaluates its subscript.
fn asks_for_a_name(words: &[Word]) -> bool {
    words.iter().any(|word| word.text == "-v" || word.text == "-R")
}

fn is_number(word: &Word) -> bool {
    let text = word.text.trim_matches('"');
    matches!(text, "$?" | "$#" | "$!" | "$$")
        || word.literal && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn may_have_option(word: Option<&Word>, option: &str) -> bool {
    word.is_some_and(|word| {
        word.text.starts_with(option) || !word.literal && !word.text.starts_with(['"', '\'', '%'])
    })
}

fn is_harmless_declaration(word: &Word, harmless: &[Glob]) -> bool {
    if let Some((name, value)) = assignment(word) {
        return !is_dangerous(name, value, harmless);
    }
    word.literal
        && (matches!(
            word.text.as_str(),
            "-x" | "-r" | "-g" | "-a" | "-A" | "-p" | "-gx" | "-rx" | "-xr" | "--"
        ) || is_identifier(&word.text) && !is_dangerous(&word.text, None, harmless))
}

fn reads_into_harmless_names(words: &[Word], harmless: &[Glob]) -> bool {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.text.as_str() {
            _ if !word.literal => return false,
            "-r" | "-s" | "-rs" | "-sr" | "-a" | "-ra" => {}
            "-n" | "-N" | "-p" | "-d" | "-t" | "-rd" | "-rp" | "-rn" => {
                words.next();
            }
            name if is_identifier(name) && !is_dangerous(name, None, harmless) => {}
            _ => return false,
        }
    }
    true
}

fn sets_harmless_options(words: &[Word]) -> bool {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let Some(letters) = word.literal_text().and_then(|text| text.strip_prefix(['-', '+'])) else {
            return false;
        };
        if letters == "-" {
            return true;
        }
        if !letters.bytes().all(|letter| b"eufxvCnbho".contains(&letter)) {
            return false;
        }
        if letters.ends_with('o')
            && !words.next().is_some_and(|name| {
                matches!(
                    name.text.as_str(),
                    "pipefail" | "errexit" | "nounset" | "noglob" | "xtrace" | "noclobber" | "verbose"
                )
            })
        {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(line: &str) -> Simple {
        // A word with `$` stands for one that is not literal, unless it begins with `!`.
        Simple {
            argv: line
                .split(' ')
                .map(|word| match word.strip_prefix('!') {
                    Some(word) if !word.is_empty() => Word::plain(word),
                    _ => Word { text: word.to_owned(), literal: !word.contains('$') },
                })
                .collect(),
            ..Simple::default()
        }
    }

    #[test]
    fn steering_and_printing_are_neutral() {
        for line in [
            "cd src",
            "true",
            "echo $x",
            "printf %s\\n $x",
            "[ -f x ]",
            "[ $? -eq 0 ]",
            "[[ -n $x ]]",
            "[[ $? -eq 0 ]]",
            "test -d $x",
            "export FOO=$x",
            "export CI=1",
            "local x=1",
            "set -euo pipefail",
            "set -e",
            "set -- a",
            "exit 1",
            "exit $rc",
            "wait",
            "sleep 1",
            "read -r line",
            "unset FOO",
            "command -v cargo",
            "type ls",
            "shopt -s nullglob",
            "exec",
        ] {
            assert!(is_neutral(&command(line), &[]), "{line}");
        }
    }

    #[test]
    fn what_sets_dangerous_names_or_evaluates_is_not() {
        for line in [
            "export PATH=/tmp",
            "export LD_PRELOAD=$x",
            "declare -i x=1",
            "declare -n x=PATH",
            "read PATH",
            "unset PATH",
            "printf -v PATH x",
            "printf $x y",
            "[ -v !a[$(id)] ]",
            "test !a[$(id)]",
            "[[ $x -eq 1 ]]",
            "[[ x -eq 1 ]]",
            "alias ls=rm",
            "hash -p /tmp/x ls",
            "enable -f x y",
            "trap x EXIT",
            "eval x",
            "source x",
            ". x",
            "export $x",
            "set -k",
            "set -a",
            "shopt -s expand_aliases",
            "command ls",
            "exec ls",
            "cat x",
            "ls",
            "read -u 3 x",
        ] {
            assert!(!is_neutral(&command(line), &[]), "{line}");
        }
    }

    #[test]
    fn shells_that_evaluate_more_are_given_less() {
        let mut test = command("[ $x -eq 1 ]");
        assert!(is_neutral(&test, &[]));
        test.via = vec!["zsh".to_owned()];
        assert!(!is_neutral(&test, &[]));
    }
}
