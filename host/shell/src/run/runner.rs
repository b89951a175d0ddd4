//! Programs that find or fetch the program that they run: in a project, an environment of their own, or a registry.
//!
//! What they run is listed, and opaque as well: it may be another program than PATH's.

use super::options::Options;
use super::wrapper::{self, PLAIN};
use crate::script::Piece;
use crate::walker::{Place, Walker};

/// A way in which such a program runs another.
struct Runner {
    names: &'static [&'static str],
    /// The words after the name that make it run something: each is a choice. None is as good as any.
    subcommands: &'static [&'static str],
    options: Options,
    /// Operands before the command.
    operands: usize,
    /// Options whose value is a shell's text.
    texts: &'static [&'static str],
    /// Options that give a shell the command, joined.
    joins: &'static [&'static str],
    /// The command begins only after one of these words.
    after: &'static [&'static str],
}

const BARE: Runner =
    Runner { names: &[], subcommands: &[], options: PLAIN, operands: 0, texts: &[], joins: &[], after: &[] };

const NPM: Options = Options {
    values: "pcwn",
    flags: "yqh",
    long_values: &[
        "package",
        "call",
        "workspace",
        "node-arg",
        "prefix",
        "cache",
        "userconfig",
        "registry",
        "shell",
        "loglevel",
        "script-shell",
        "npm",
    ],
    long_flags: &[
        "yes",
        "no",
        "no-install",
        "quiet",
        "silent",
        "ignore-existing",
        "workspaces",
        "include-workspace-root",
        "prefer-offline",
        "prefer-online",
        "offline",
        "always-spawn",
        "no-yes",
    ],
    // What they name runs before, or in place of, the command.
    wary: &["n", "node-arg", "shell", "script-shell", "npm", "userconfig"],
    ..PLAIN
};

const PNPM: Options = Options {
    values: "CF",
    flags: "crwysh",
    long_values: &[
        "package",
        "filter",
        "resume-from",
        "workspace-concurrency",
        "allow-build",
        "dir",
        "reporter",
        "loglevel",
        "filter-prod",
    ],
    long_flags: &[
        "shell-mode",
        "recursive",
        "parallel",
        "silent",
        "report-summary",
        "no-sort",
        "no-bail",
        "yes",
        "no-reporter-hide-prefix",
        "color",
        "no-color",
        "workspace-root",
    ],
    ..PLAIN
};

const BUN: Options = Options {
    values: "p",
    flags: "b",
    long_values: &["package", "filter", "cwd"],
    long_flags: &["bun", "no-install", "verbose", "silent", "if-present"],
    ..PLAIN
};

const UV: Options = Options {
    values: "pwifPCc",
    flags: "mnqUvs",
    long_values: &[
        "from",
        "with",
        "with-editable",
        "with-requirements",
        "python",
        "index",
        "index-url",
        "default-index",
        "extra-index-url",
        "find-links",
        "directory",
        "project",
        "cache-dir",
        "config-file",
        "color",
        "resolution",
        "prerelease",
        "constraints",
        "overrides",
        "env-file",
        "link-mode",
        "python-platform",
        "refresh-package",
        "upgrade-package",
        "config-setting",
        "extra",
        "group",
        "only-group",
        "no-group",
        "no-extra",
        "package",
        "exclude-newer",
        "index-strategy",
        "keyring-provider",
        "allow-insecure-host",
    ],
    long_flags: &[
        "module",
        "script",
        "all-extras",
        "dev",
        "no-dev",
        "only-dev",
        "isolated",
        "active",
        "frozen",
        "locked",
        "no-sync",
        "exact",
        "no-project",
        "all-packages",
        "gui-script",
        "no-env-file",
        "offline",
        "quiet",
        "verbose",
        "no-cache",
        "refresh",
        "reinstall",
        "upgrade",
        "managed-python",
        "no-managed-python",
        "no-config",
        "no-progress",
        "no-editable",
        "all-groups",
        "no-default-groups",
        "native-tls",
        "no-build",
        "no-binary",
        "no-index",
        "no-sources",
    ],
    ..PLAIN
};

const RUNNERS: &[Runner] = &[
    Runner { names: &["npx"], options: NPM, texts: &["c", "call"], ..BARE },
    Runner { names: &["npm"], subcommands: &["exec", "x"], options: NPM, texts: &["c", "call"], ..BARE },
    Runner { names: &["pnpx"], options: PNPM, joins: &["c", "shell-mode"], ..BARE },
    Runner {
        names: &["pnpm"],
        subcommands: &["exec", "dlx", "create"],
        options: PNPM,
        joins: &["c", "shell-mode"],
        ..BARE
    },
    Runner {
        names: &["yarn", "yarnpkg"],
        subcommands: &["exec", "dlx"],
        options: Options {
            values: "p",
            flags: "q",
            long_values: &["package"],
            long_flags: &["quiet"],
            ..PLAIN
        },
        ..BARE
    },
    Runner { names: &["bunx"], options: BUN, ..BARE },
    Runner { names: &["bun"], subcommands: &["x"], options: BUN, ..BARE },
    Runner { names: &["uvx"], options: UV, ..BARE },
    Runner { names: &["uv"], subcommands: &["run", "tool run"], options: UV, ..BARE },
    Runner {
        names: &["pipx"],
        subcommands: &["run"],
        options: Options {
            flags: "vq",
            long_values: &["spec", "python", "pip-args", "index-url", "with"],
            long_flags: &[
                "no-cache",
                "path",
                "pypackages",
                "verbose",
                "quiet",
                "system-site-packages",
                "fetch-missing-python",
            ],
            ..PLAIN
        },
        ..BARE
    },
    Runner {
        names: &["poetry", "pipenv", "pdm", "rye", "hatch", "coverage"],
        subcommands: &["run"],
        options: Options { values: "peCP", flags: "qvsl", long_values: &["project", "env"], ..PLAIN },
        ..BARE
    },
    Runner {
        names: &["conda", "mamba", "micromamba"],
        subcommands: &["run"],
        options: Options {
            values: "np",
            flags: "v",
            long_values: &["name", "prefix", "cwd"],
            long_flags: &["live-stream", "no-capture-output", "verbose", "dev"],
            ..PLAIN
        },
        ..BARE
    },
    Runner { names: &["pixi"], subcommands: &["run", "exec", "x"], ..BARE },
    Runner {
        names: &["bundle", "bundler"],
        subcommands: &["exec"],
        options: Options {
            long_values: &["gemfile"],
            long_flags: &["keep-file-descriptors", "no-keep-file-descriptors"],
            ..PLAIN
        },
        ..BARE
    },
    Runner {
        names: &["rustup"],
        subcommands: &["run"],
        options: Options { long_flags: &["install"], ..PLAIN },
        operands: 1,
        ..BARE
    },
    Runner {
        names: &["mise", "rtx"],
        subcommands: &["exec", "x"],
        options: Options { values: "cCEj", flags: "qvy", long_values: &["command", "cd", "env"], ..PLAIN },
        texts: &["c", "command"],
        after: &["--"],
        ..BARE
    },
    Runner { names: &["direnv"], subcommands: &["exec"], operands: 1, ..BARE },
    Runner { names: &["kcov"], operands: 1, ..BARE },
    Runner {
        names: &["asdf", "opam", "cabal", "stack", "rbenv", "pyenv", "nodenv", "fnm", "goenv"],
        subcommands: &["exec"],
        ..BARE
    },
    Runner { names: &["volta", "devbox"], subcommands: &["run"], ..BARE },
    Runner { names: &["doppler", "op", "dotenvx"], subcommands: &["run"], after: &["--"], ..BARE },
    Runner {
        names: &["nix"],
        subcommands: &["shell", "develop", "run"],
        after: &["-c", "--command"],
        ..BARE
    },
    Runner {
        names: &["nix-shell"],
        options: Options { long_values: &["run", "command"], ..PLAIN },
        texts: &["run", "command"],
        after: &["--run", "--command"],
        ..BARE
    },
    Runner { names: &["guix"], subcommands: &["shell", "environment"], after: &["--"], ..BARE },
    Runner { names: &["corepack"], ..BARE },
];

/// Programs that run a program of PATH where the project has no script of that name.
const FALLS_BACK: [(&str, &str); 2] = [("pnpm", ""), ("bun", "run")];

/// Words after those that are commands of their own, or what projects call their scripts.
const SCRIPTS: &[&str] = &[
    "add",
    "approve-builds",
    "audit",
    "bench",
    "bin",
    "build",
    "c",
    "cat-file",
    "cat-index",
    "check",
    "clean",
    "compile",
    "config",
    "coverage",
    "create",
    "ci",
    "dedupe",
    "deploy",
    "dev",
    "dlx",
    "docs",
    "doctor",
    "e2e",
    "env",
    "exec",
    "fetch",
    "find-hash",
    "fmt",
    "format",
    "get",
    "help",
    "i",
    "ignored-builds",
    "import",
    "init",
    "install",
    "install-test",
    "it",
    "la",
    "licenses",
    "lint",
    "link",
    "list",
    "ll",
    "ln",
    "login",
    "logout",
    "ls",
    "outdated",
    "pack",
    "patch",
    "patch-commit",
    "patch-remove",
    "prettier",
    "preview",
    "prune",
    "publish",
    "rb",
    "rebuild",
    "remove",
    "rm",
    "root",
    "run",
    "run-script",
    "self-update",
    "serve",
    "server",
    "set",
    "setup",
    "start",
    "storybook",
    "store",
    "t",
    "test",
    "tst",
    "type-check",
    "typecheck",
    "un",
    "uninstall",
    "unlink",
    "up",
    "update",
    "upgrade",
    "version",
    "view",
    "watch",
    "why",
];

/// The name, if a program of that name may run another one.
pub(super) fn known(name: &str) -> Option<&'static str> {
    let names = RUNNERS.iter().flat_map(|runner| runner.names);
    let name = name.strip_suffix(".cmd").unwrap_or(name);
    names.copied().find(|known| *known == name)
}

/// Lists what a program runs, if it runs something.
pub(super) fn look(walker: &mut Walker<'_>, name: &str, pieces: &[Piece], place: &Place) {
    for runner in RUNNERS.iter().filter(|runner| runner.names.contains(&name)) {
        if runner.subcommands.is_empty() {
            runner.runs(walker, name, pieces, place);
            continue;
        }
        let mut uncertain = false;
        if let Some(at) = runner.subcommand(pieces, &mut uncertain) {
            runner.runs(walker, name, &pieces[at..], place);
        }
        if uncertain {
            walker.note(format!("`{name}` has words that are not literal before what it runs"));
        }
    }
    falls_back(walker, name, pieces, place);
}

/// `pnpm curl` and `bun run curl`, which run `curl` where there is no such script.
fn falls_back(walker: &mut Walker<'_>, name: &str, pieces: &[Piece], place: &Place) {
    for (_, subcommand) in FALLS_BACK.iter().filter(|(program, _)| *program == name) {
        let mut at = 1;
        while pieces.get(at).and_then(Piece::lit).is_some_and(|word| word.starts_with('-')) {
            let value = matches!(pieces[at].word.text.as_str(), "-C" | "--dir" | "-F" | "--filter" | "--cwd");
            at += 1 + usize::from(value);
        }
        if !subcommand.is_empty() {
            if pieces.get(at).and_then(Piece::lit) != Some(subcommand) {
                continue;
            }
            at += 1;
            while pieces.get(at).and_then(Piece::lit).is_some_and(|word| word.starts_with('-')) {
                at += 1;
            }
        }
        let Some(word) = pieces.get(at).and_then(Piece::lit) else { continue };
        let is_file = word.contains('/') && !word.starts_with('/') || word.contains(['.', ':']);
        // `rm` is pnpm's own, and a program of PATH to bun.
        let is_script = SCRIPTS.contains(&word) && (subcommand.is_empty() || word != "rm");
        if !is_file && !is_script {
            command(walker, name, &pieces[at..], place, false);
        }
    }
}

impl Runner {
    /// Where the last word of a subcommand stands, after options and what may be their values.
    fn subcommand(&self, pieces: &[Piece], uncertain: &mut bool) -> Option<usize> {
        let mut value = false;
        for at in 1..pieces.len() {
            let Some(word) = pieces[at].lit() else {
                *uncertain |= !pieces[at].tame;
                if value {
                    value = false;
                    continue;
                }
                return None;
            };
            let matches = |subcommand: &&&str| {
                subcommand
                    .split(' ')
                    .enumerate()
                    .all(|(index, part)| pieces.get(at + index).and_then(Piece::lit) == Some(part))
            };
            if let Some(found) = self.subcommands.iter().find(matches) {
                return Some(at + found.split(' ').count() - 1);
            }
            if word.starts_with('-') {
                value = !word.contains('=');
            } else if !std::mem::replace(&mut value, false) {
                return None;
            }
        }
        None
    }

    /// Lists what runs: the options begin after the first of the pieces.
    fn runs(&self, walker: &mut Walker<'_>, name: &str, pieces: &[Piece], place: &Place) {
        if pieces.get(1).is_none() {
            return;
        }
        walker.note(format!(
            "`{name}` runs its arguments in an environment of its own, or fetches what it runs"
        ));
        let (given, at) = if self.after.is_empty() || !self.texts.is_empty() {
            self.options.read(walker, name, pieces)
        } else {
            (Vec::new(), 1)
        };
        let inner = Place { elsewhere: true, ..place.inside(name) };
        for (_, value) in given.iter().filter(|(option, _)| self.texts.contains(&option.as_str())) {
            wrapper::text(walker, name, value.as_ref(), &inner);
        }
        if !self.texts.is_empty() && given.iter().any(|(option, _)| self.texts.contains(&option.as_str())) {
            return;
        }
        let at = match pieces
            .iter()
            .position(|piece| piece.lit().is_some_and(|word| self.after.contains(&word)))
        {
            Some(sign) => sign + 1,
            // Some versions take the command without the sign.
            None => at + self.operands,
        };
        if let Some(piece) = pieces[..at.min(pieces.len())].iter().skip(1).find(|piece| !piece.tame) {
            walker.note(format!("`{name}` has a word that may be several: `{}`", piece.word.text));
        }
        let words = pieces.get(at..).unwrap_or_default();
        let words = if words.first().and_then(Piece::lit) == Some("--") { &words[1..] } else { words };
        let joins = given.iter().any(|(option, _)| self.joins.contains(&option.as_str()));
        command(walker, name, words, place, joins);
    }
}

fn command(walker: &mut Walker<'_>, name: &str, words: &[Piece], place: &Place, joins: bool) {
    let Some(first) = words.first() else { return };
    walker.note(format!(
        "what `{name}` runs as `{}` may be another program than that of PATH",
        first.word.text
    ));
    let inner = Place { elsewhere: true, ..place.inside(name) };
    let is_text =
        first.lit().is_some_and(|word| word.contains(|char: char| " \t\n;&|<>()$`'\"\\".contains(char)));
    if joins || is_text {
        let literal: Option<Vec<&str>> = words.iter().map(Piece::lit).collect();
        return wrapper::text(
            walker,
            name,
            literal.map(|words| Piece::literal(words.join(" "))).as_ref(),
            &inner,
        );
    }
    walker.run(words, Vec::new(), &inner);
    // `hatch run ENVIRONMENT:PROGRAM`.
    if let Some((_, program)) = first.lit().and_then(|word| word.split_once(':')).filter(|_| name == "hatch")
    {
        let mut words = words.to_vec();
        words[0] = Piece::literal(program);
        walker.run(&words, Vec::new(), &inner);
    }
}
