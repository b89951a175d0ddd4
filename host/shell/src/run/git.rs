//! `git`: which of its options and subcommands run something, or make it run something later.
//!
//! Its configuration and hooks are part of the setting: an alias cannot shadow a subcommand of git's own, so only a
//! subcommand that is none of those may be one.

use super::options::abbreviates;
use crate::script::Piece;
use crate::walker::Walker;

/// Subcommands of git that run nothing of their arguments.
const PLAIN: &[&str] = &[
    "add",
    "am",
    "annotate",
    "apply",
    "archive",
    "bisect",
    "blame",
    "branch",
    "bundle",
    "cat-file",
    "check-attr",
    "check-ignore",
    "check-mailmap",
    "check-ref-format",
    "checkout",
    "checkout-index",
    "cherry",
    "cherry-pick",
    "clean",
    "clone",
    "commit",
    "commit-graph",
    "commit-tree",
    "config",
    "count-objects",
    "describe",
    "diff",
    "diff-files",
    "diff-index",
    "diff-tree",
    "difftool",
    "fetch",
    "for-each-ref",
    "format-patch",
    "fsck",
    "gc",
    "grep",
    "hash-object",
    "help",
    "index-pack",
    "init",
    "log",
    "ls-files",
    "ls-remote",
    "ls-tree",
    "maintenance",
    "merge",
    "merge-base",
    "merge-file",
    "merge-tree",
    "mv",
    "name-rev",
    "notes",
    "pack-objects",
    "pack-refs",
    "prune",
    "pull",
    "push",
    "range-diff",
    "read-tree",
    "rebase",
    "reflog",
    "remote",
    "repack",
    "replace",
    "rerere",
    "reset",
    "restore",
    "rev-list",
    "rev-parse",
    "revert",
    "rm",
    "shortlog",
    "show",
    "show-branch",
    "show-index",
    "show-ref",
    "sparse-checkout",
    "stage",
    "stash",
    "status",
    "stripspace",
    "submodule",
    "switch",
    "symbolic-ref",
    "tag",
    "update-index",
    "update-ref",
    "update-server-info",
    "var",
    "verify-commit",
    "verify-pack",
    "verify-tag",
    "version",
    "whatchanged",
    "worktree",
    "write-tree",
];

/// Options that name a program, by subcommand; empty is each. A single letter counts within a cluster.
const PROGRAMS: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "--upload-pack",
            "--receive-pack",
            "--exec",
            "--ext-diff",
            "--open-files-in-pager",
            "--extcmd",
            "--upload-archive",
        ],
    ),
    ("clone", &["-u", "-c", "--config", "--template"]),
    ("init", &["--template"]),
    ("rebase", &["-x"]),
    ("grep", &["-O"]),
    ("difftool", &["-x"]),
    ("submodule", &["foreach"]),
    ("bisect", &["run"]),
    ("archive", &["--remote"]),
];

pub(super) fn look(walker: &mut Walker<'_>, name: &str, pieces: &[Piece]) {
    let mut at = 1;
    let sub = if let Some(sub) = name.strip_prefix("git-") {
        sub
    } else {
        loop {
            let Some(piece) = pieces.get(at) else { return };
            let Some(word) = piece.lit() else {
                return walker
                    .note(format!("which subcommand of `git` runs is not literal: `{}`", piece.word.text));
            };
            at += 1;
            match word {
                "-C" | "--namespace" => at += 1,
                "-p"
                | "-P"
                | "--paginate"
                | "--no-pager"
                | "--no-optional-locks"
                | "--bare"
                | "--literal-pathspecs"
                | "--no-replace-objects"
                | "--no-advice" => {}
                "--version" | "-v" | "--help" | "-h" | "--html-path" | "--man-path" | "--info-path"
                | "--exec-path" => return,
                "-c" | "--config-env" => {
                    if !pieces.get(at).and_then(Piece::lit).is_some_and(is_plain_setting) {
                        walker.note("`git -c` sets what git runs, or may");
                    }
                    at += 1;
                }
                _ if word.starts_with('-') => {
                    walker.note(format!("`git {word}` changes where git finds what it runs, or may"));
                    at += usize::from(
                        ["--git-dir", "--work-tree", "--super-prefix", "--attr-source"].contains(&word),
                    );
                }
                _ => break word,
            }
        }
    };
    if !PLAIN.contains(&sub) {
        return walker.note(format!("`git {sub}` is an alias, another program, or runs others"));
    }
    let args = &pieces[at.min(pieces.len())..];
    if sub == "config" {
        return config(walker, args);
    }
    for piece in args {
        let Some(word) = piece.lit() else {
            let remote = [
                "clone",
                "fetch",
                "pull",
                "push",
                "ls-remote",
                "rebase",
                "grep",
                "difftool",
                "bisect",
                "submodule",
                "archive",
            ];
            if !piece.tame && remote.contains(&sub) {
                walker.note(format!("`git {sub}` has words that may be options: `{}`", piece.word.text));
            }
            continue;
        };
        if word == "--" && !["submodule", "bisect"].contains(&sub) {
            break;
        }
        if names_program(sub, word) {
            walker.note(format!("`git {sub} {word}` runs a program that is named in its arguments"));
        }
        if word.starts_with("ext::") || word.starts_with("fd::") {
            walker.note(format!("`git {sub}` with the address `{word}` runs it"));
        }
    }
}

fn names_program(sub: &str, word: &str) -> bool {
    PROGRAMS.iter().filter(|(only, _)| only.is_empty() || *only == sub).flat_map(|(_, options)| *options).any(
        |option| {
            if option.starts_with("--") {
                return abbreviates(word, option) && word.len() > 4;
            }
            match option.strip_prefix('-') {
                Some(letter) => word.starts_with('-') && !word.starts_with("--") && word.contains(letter),
                None => word == *option,
            }
        },
    )
}

/// Settings that name no program.
fn is_plain_setting(setting: &str) -> bool {
    let name = setting.split('=').next().unwrap_or(setting).to_ascii_lowercase();
    let plain = [
        "user.name",
        "user.email",
        "color.ui",
        "core.quotepath",
        "core.autocrlf",
        "core.longpaths",
        "advice.detachedhead",
        "init.defaultbranch",
        "commit.gpgsign",
        "tag.gpgsign",
        "gc.auto",
        "log.showsignature",
        "merge.conflictstyle",
        "diff.renames",
        "pull.rebase",
        "rebase.autostash",
    ];
    plain.contains(&name.as_str())
}

/// `git config`: reading is plain, and so is writing what names no program.
fn config(walker: &mut Walker<'_>, args: &[Piece]) {
    let words: Option<Vec<&str>> = args.iter().map(Piece::lit).collect();
    let Some(words) = words else {
        return walker.note("`git config` with words that are not literal");
    };
    let reads = ["--get", "--get-all", "--get-regexp", "--list", "-l", "list", "get", "--get-urlmatch"];
    let operands: Vec<&&str> = words.iter().filter(|word| !word.starts_with('-')).collect();
    let edits = words.iter().any(|word| abbreviates(word, "--edit") || *word == "-e" || *word == "edit");
    let plain = !edits
        && (words.iter().any(|word| reads.contains(word))
            || operands.len() < 2
            || operands.iter().find(|word| word.contains('.')).is_some_and(|name| is_plain_setting(name)));
    if !plain {
        walker.note("`git config` sets what git runs later, or may");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_name_programs_are_seen_abbreviated() {
        assert!(names_program("fetch", "--upload-pa=x"));
        assert!(names_program("grep", "-nOless"));
        assert!(names_program("rebase", "-x"));
        assert!(!names_program("log", "-x"));
        assert!(!names_program("commit", "--amend"));
        assert!(!names_program("push", "--force-with-lease"));
    }
}
