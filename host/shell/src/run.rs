//! What programs run: which ones run their arguments, which take code, and what shells do themselves.

pub(crate) mod builtin;
mod code;
mod env;
mod filter;
mod find;
mod git;
pub(crate) mod meddling;
mod options;
mod runner;
mod shell;
mod wrapper;
mod xargs;

use std::path::Path;

use crate::script::Piece;
use crate::walker::{Dialect, Place, Walker};

/// What is known of a program by its name.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Shell(Dialect),
    /// busybox and toybox: the first argument is the program.
    Applets,
    Env,
    Xargs,
    Find,
    Git,
    Awk,
    Sed,
    Wrapper(&'static wrapper::Wrapper),
    Coder(&'static code::Coder),
    Runner(&'static str),
}

/// Programs that other systems install with a `g` before their name.
const GNU: [&str; 13] = [
    "env", "xargs", "find", "sed", "nice", "nohup", "timeout", "time", "stdbuf", "split", "sort", "install",
    "tar",
];

/// The name of a program's file, without what login shells put before it.
fn base(word: &str) -> &str {
    let base = word.rsplit('/').next().unwrap_or(word);
    base.strip_prefix('-').unwrap_or(base)
}

/// What is known of a name; versions (`python3.12`) and GNU's prefix elsewhere (`gxargs`) are looked through.
fn kind(name: &str) -> Option<Kind> {
    let lower = name.to_ascii_lowercase();
    let unversioned =
        lower.trim_end_matches(|char: char| char.is_ascii_digit() || char == '.' || char == '-');
    exact_kind(&lower)
        .or_else(|| if unversioned == lower { None } else { exact_kind(unversioned) })
        .or_else(|| lower.strip_prefix('g').filter(|name| GNU.contains(name)).and_then(exact_kind))
        .or_else(|| lower.strip_suffix(".exe").and_then(exact_kind))
}

fn exact_kind(name: &str) -> Option<Kind> {
    Some(match name {
        "bash" | "rbash" => Kind::Shell(Dialect::Bash),
        "sh" | "dash" | "ash" | "yash" | "posh" | "hush" | "bosh" => Kind::Shell(Dialect::Posix),
        "ksh" | "ksh93" | "rksh" | "mksh" | "lksh" | "pdksh" | "oksh" | "loksh" => Kind::Shell(Dialect::Ksh),
        "zsh" | "rzsh" => Kind::Shell(Dialect::Zsh),
        "busybox" | "toybox" | "coreutils" => Kind::Applets,
        "env" => Kind::Env,
        "xargs" => Kind::Xargs,
        "find" => Kind::Find,
        "git" => Kind::Git,
        "awk" | "gawk" | "mawk" | "nawk" | "original-awk" => Kind::Awk,
        "sed" | "ssed" => Kind::Sed,
        _ if name.starts_with("git-") => Kind::Git,
        _ => {
            let wrapper = wrapper::WRAPPERS.iter().find(|wrapper| wrapper.names.contains(&name));
            let coder = || code::CODERS.iter().find(|coder| coder.names.contains(&name));
            let runner = || runner::known(name).map(Kind::Runner);
            return wrapper.map(Kind::Wrapper).or_else(|| coder().map(Kind::Coder)).or_else(runner);
        }
    })
}

/// The kinds of a program: by its word, and by its file where that is another.
fn kinds(word: &str, program: Option<&Path>) -> [Option<Kind>; 2] {
    let by_word = kind(base(word));
    let file = program.and_then(Path::file_name).and_then(|name| name.to_str());
    // What is run under another name does what that name says: `cargo` is a link to `rustup`.
    let by_own_name = |file: &&str| {
        !matches!(*file, "rustup" | "mise" | "asdf" | "rbenv" | "pyenv" | "nodenv" | "volta-shim")
    };
    let by_file = file.filter(|file| *file != base(word)).filter(by_own_name).and_then(kind);
    match (by_word, by_file) {
        // A link to a program of many names runs as the name that was typed.
        (_, Some(Kind::Applets)) => [by_word, None],
        (Some(Kind::Shell(_)), Some(Kind::Shell(_))) => [by_word, None],
        (one, other) if one == other => [one, None],
        (one, other) => [one, other],
    }
}

/// Whether more is known of a program than that it is one.
pub(crate) fn concerns(word: &str, program: Option<&Path>, place: &Place) -> bool {
    place.shell.is_some_and(|dialect| builtin::is_builtin(word, dialect))
        || kinds(word, program).iter().any(Option::is_some)
}

/// Goes on to what a command runs. The first word is literal, and is `word`.
pub(crate) fn dispatch(
    walker: &mut Walker<'_>,
    word: &str,
    program: Option<&Path>,
    pieces: &[Piece],
    place: &Place,
) {
    if let Some(dialect) = place.shell
        && builtin::is_builtin(word, dialect)
    {
        return builtin::look(walker, word, pieces, place);
    }
    for kind in kinds(word, program).into_iter().flatten() {
        let name = base(word);
        match kind {
            Kind::Shell(dialect) => {
                let file = program.and_then(Path::file_name).and_then(|name| name.to_str());
                let dialect =
                    if dialect == Dialect::Posix && file == Some("bash") { Dialect::Bash } else { dialect };
                shell::look(walker, name, dialect, pieces, place);
            }
            Kind::Applets => match pieces.get(1) {
                Some(applet) if applet.lit().is_some_and(|applet| applet.starts_with("--")) => {}
                Some(_) => walker.run(&pieces[1..], Vec::new(), &place.inside(name)),
                None => {}
            },
            Kind::Env => env::look(walker, pieces, place),
            Kind::Xargs => xargs::look(walker, pieces, place),
            Kind::Find => find::look(walker, pieces, place),
            Kind::Git => git::look(walker, name, pieces),
            Kind::Awk => filter::awk(walker, pieces),
            Kind::Sed => filter::sed(walker, pieces),
            Kind::Wrapper(wrapper) => wrapper.look(walker, name, pieces, place),
            Kind::Coder(coder) => {
                coder.look(walker, name, pieces);
                // A few do both.
                if let Some(known) = runner::known(name).or_else(|| runner::known(coder.names[0])) {
                    runner::look(walker, known, pieces, place);
                }
            }
            Kind::Runner(known) => runner::look(walker, known, pieces, place),
        }
    }
}
