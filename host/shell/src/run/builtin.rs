//! What shells do themselves.

use super::{meddling, shell};
use crate::script::Piece;
use crate::walker::{Dialect, Place, Walker};

/// Builtins that are no more than their words say.
const PLAIN: [&str; 28] = [
    ":", "true", "false", "echo", "pwd", "exit", "return", "break", "continue", "shift", "times", "ulimit",
    "umask", "wait", "kill", "type", "dirs", "disown", "bg", "fg", "suspend", "logout", "help", "caller",
    "history", "let", "jobs", "getopts",
];

/// Builtins that need a look.
const LOOKED_AT: [&str; 34] = [
    ".",
    "source",
    "eval",
    "trap",
    "command",
    "exec",
    "builtin",
    "cd",
    "chdir",
    "pushd",
    "popd",
    "alias",
    "unalias",
    "hash",
    "enable",
    "shopt",
    "set",
    "bind",
    "complete",
    "compgen",
    "compopt",
    "fc",
    "hist",
    "read",
    "mapfile",
    "readarray",
    "printf",
    "unset",
    "test",
    "[",
    "export",
    "readonly",
    "declare",
    "typeset",
];

/// Builtins of zsh and ksh that load or define something.
const FOREIGN: [&str; 19] = [
    "zmodload",
    "autoload",
    "emulate",
    "functions",
    "zle",
    "sched",
    "vared",
    "zcompile",
    "disable",
    "noglob",
    "setopt",
    "unsetopt",
    "options",
    "nameref",
    "integer",
    "float",
    "zstyle",
    "print",
    "whence",
];

/// Whether a shell runs this word itself instead of a program. Doubtful ones count: they then need a look.
pub(crate) fn is_builtin(word: &str, dialect: Dialect) -> bool {
    PLAIN.contains(&word)
        || LOOKED_AT.contains(&word)
        || word == "local"
        || word == "[["
        || matches!(dialect, Dialect::Zsh | Dialect::Ksh) && FOREIGN.contains(&word)
}

pub(crate) fn look(walker: &mut Walker<'_>, word: &str, pieces: &[Piece], place: &Place) {
    let args = &pieces[1..];
    let first = args.first().and_then(Piece::lit);
    match word {
        "." | "source" => {
            let file = args.first().map_or("", |piece| &piece.word.text);
            walker.note(format!("`{word}` reads commands from the file `{file}`"));
        }
        "eval" => eval(walker, args, place),
        "trap" => trap(walker, args, place),
        "command" | "builtin" | "exec" => run(walker, word, args, place),
        "cd" | "chdir" | "pushd" | "popd" => walker.moved = true,
        "hash" if args.is_empty() || first == Some("-r") && args.len() == 1 => {}
        "set" => set(walker, args),
        "shopt" => shopt(walker, args),
        "alias" | "unalias" | "hash" | "enable" | "bind" | "complete" | "compgen" | "compopt" | "fc"
        | "hist" | "let" => {
            walker.moved = true;
            walker.note(format!("`{word}` changes what later words mean, or evaluates its arguments"));
        }
        "jobs" if args.iter().any(|piece| piece.lit().is_none_or(|word| word.starts_with("-x"))) => {
            walker.note("`jobs -x` runs its arguments");
        }
        "printf"
            if args
                .first()
                .is_some_and(|piece| !piece.tame || first.is_some_and(|word| word.starts_with("-v"))) =>
        {
            names(walker, word, args);
        }
        "read" | "mapfile" | "readarray" | "unset" | "getopts" => names(walker, word, args),
        "test" | "[" | "[[" => test(walker, word, args),
        "export" | "readonly" | "declare" | "typeset" | "local" => declare(walker, word, args),
        _ if FOREIGN.contains(&word) => walker.note(format!("`{word}` changes what later words mean")),
        _ => {}
    }
}

fn eval(walker: &mut Walker<'_>, args: &[Piece], place: &Place) {
    let args = if args.first().and_then(Piece::lit) == Some("--") { &args[1..] } else { args };
    let words: Option<Vec<&str>> = args.iter().map(Piece::lit).collect();
    match words {
        Some(words) => walker.text(&words.join(" "), &place.within("eval")),
        None => walker.note("the text of `eval` is not literal"),
    }
}

fn trap(walker: &mut Walker<'_>, args: &[Piece], place: &Place) {
    let args = if args.first().and_then(Piece::lit) == Some("--") { &args[1..] } else { args };
    match args.first().map(|piece| (piece, piece.lit())) {
        None => {}
        Some((_, Some("-" | "-l" | "-p" | ""))) => {}
        Some((_, Some(text))) => walker.text(text, &place.within("trap")),
        Some((piece, None)) => {
            walker.note(format!("the text of `trap` is not literal: `{}`", piece.word.text))
        }
    }
}

/// `command`, `builtin` and `exec`, which run their arguments.
fn run(walker: &mut Walker<'_>, word: &str, args: &[Piece], place: &Place) {
    let mut at = 0;
    let mut inner = if word == "exec" { place.inside(word) } else { place.within(word) };
    while let Some(piece) = args.get(at) {
        let Some(option) = piece.lit().filter(|option| option.len() > 1 && option.starts_with('-')) else {
            break;
        };
        at += 1;
        match (word, option) {
            (_, "--") => break,
            ("command", "-v" | "-V" | "-pv" | "-pV") => return,
            ("command", "-p") => inner.elsewhere = true,
            ("exec", "-a") => at += 1,
            ("exec", "-c" | "-l" | "-cl" | "-lc") => {}
            _ => walker.note(format!("`{word}` with the unknown option `{option}`")),
        }
    }
    if let Some(command) = args.get(at..).filter(|command| !command.is_empty()) {
        walker.run(command, Vec::new(), &inner);
    }
}

fn set(walker: &mut Walker<'_>, args: &[Piece]) {
    let mut args = args.iter();
    while let Some(piece) = args.next() {
        let Some(word) = piece.lit() else {
            if !piece.tame {
                walker.note(format!("`set` has words that may be options: `{}`", piece.word.text));
            }
            return;
        };
        if word == "--" || word == "-" || !word.starts_with(['-', '+']) {
            return;
        }
        let mut plain = true;
        for letter in word[1..].chars() {
            plain &= match letter {
                'o' => args.next().is_none_or(|name| name.lit().is_some_and(shell::is_plain_name)),
                _ => "euxvfnCbhmE".contains(letter),
            };
        }
        if !plain {
            walker.note(format!("`set {word}` changes what later words mean"));
        }
    }
}

fn shopt(walker: &mut Walker<'_>, args: &[Piece]) {
    let plain = [
        "-s",
        "-u",
        "-q",
        "-p",
        "nullglob",
        "globstar",
        "dotglob",
        "failglob",
        "nocaseglob",
        "nocasematch",
        "inherit_errexit",
    ];
    if !args.iter().all(|piece| piece.lit().is_some_and(|word| plain.contains(&word))) {
        walker.note("`shopt` changes what later words mean");
    }
}

/// Builtins that assign to the names in their arguments, whose subscripts they evaluate.
fn names(walker: &mut Walker<'_>, word: &str, args: &[Piece]) {
    let mut prompt = false;
    for piece in args {
        let is_prompt = std::mem::replace(&mut prompt, false);
        match piece.lit() {
            _ if is_prompt => {}
            Some(option) if option.starts_with('-') => {
                prompt = word == "read" && option.ends_with(['p', 'd', 't', 'n', 'N', 'u', 'i']);
                if option.contains('[')
                    || word == "mapfile" && option.contains('C')
                    || word == "readarray" && option.contains('C')
                {
                    walker.note(format!("`{word} {option}` evaluates its argument"));
                }
                if let Some(name) = option.strip_prefix("-v") {
                    meddling::assigned(walker, name, None);
                }
            }
            Some(name)
                if name.contains('[') && word != "printf" || name.contains("$(") || name.contains('`') =>
            {
                walker.note(format!("`{word}` evaluates the subscript of `{name}`"));
            }
            Some(name) => meddling::assigned(walker, name, None),
            None if word == "printf" && piece.tame => {}
            None => walker.note(format!("`{word}` assigns to `{}`, which is not literal", piece.word.text)),
        }
    }
}

fn test(walker: &mut Walker<'_>, word: &str, args: &[Piece]) {
    let numeric = ["-eq", "-ne", "-lt", "-le", "-gt", "-ge"];
    let is_number = |piece: &Piece| piece.lit().is_some_and(|word| word.parse::<i64>().is_ok());
    for (index, piece) in args.iter().enumerate() {
        let next = args.get(index + 1);
        match piece.lit() {
            Some("-v" | "-R")
                if next.is_some_and(|next| next.lit().is_none_or(|name| !meddling::is_name(name))) =>
            {
                walker.note(format!("`{word} -v` evaluates a subscript"));
            }
            Some(operator) if word == "[[" && numeric.contains(&operator) => {
                let before = index.checked_sub(1).and_then(|before| args.get(before));
                if ![before, next].into_iter().flatten().all(is_number) {
                    walker.note(format!(
                        "`[[ … {operator} … ]]` evaluates a value, which may hold a substitution"
                    ));
                }
            }
            None if word != "[[" && !(piece.word.text.starts_with('"') && piece.word.text.ends_with('"')) => {
                walker.note(format!("`{word}` has a word that may become several: `{}`", piece.word.text));
            }
            None if word != "[["
                && index == 0
                && args.len() <= 3
                && next.is_some_and(|next| next.lit().is_none()) =>
            {
                walker.note(format!("`{word}` has an operator that is not literal"));
            }
            _ => {}
        }
    }
}

fn declare(walker: &mut Walker<'_>, word: &str, args: &[Piece]) {
    for piece in args {
        let Some(text) = piece.lit() else {
            if !piece.tame {
                walker.note(format!("`{word}` assigns to `{}`, which is not literal", piece.word.text));
            }
            continue;
        };
        if let Some(letters) = text.strip_prefix(['-', '+']) {
            if !letters.chars().all(|letter| "xrgpaAfFlu-".contains(letter)) {
                walker.note(format!("`{word} {text}` evaluates values"));
            }
            continue;
        }
        let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        if !meddling::is_name(name.trim_end_matches('+')) {
            walker.note(format!("`{word}` evaluates the subscript of `{name}`"));
        } else if let Some(value) = value {
            meddling::assigned(walker, name.trim_end_matches('+'), Some(value));
        }
    }
}
