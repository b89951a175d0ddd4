//! Programs that run their arguments.

use super::options::Options;
use super::{env, meddling};
use crate::script::{Assignment, Piece};
use crate::walker::{Dialect, Place, Walker};

/// How a wrapper takes the command that it runs.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Takes {
    /// As words.
    Words,
    /// As words, with assignments before them.
    Assignments,
    /// As words that it joins and gives to a shell.
    Joined,
}

/// A program that runs its arguments.
#[derive(Debug, PartialEq)]
pub(super) struct Wrapper {
    pub(super) names: &'static [&'static str],
    options: Options,
    /// Operands before the command.
    operands: usize,
    takes: Takes,
    /// Options whose value is a shell's text.
    texts: &'static [&'static str],
    /// Why it is more than a wrapper, if it always is.
    opaque: &'static str,
}

/// A program without options.
pub(super) const PLAIN: Options =
    Options { values: "", flags: "", attached: "", long_values: &[], long_flags: &[], wary: &[] };
const BARE: Wrapper =
    Wrapper { names: &[], options: PLAIN, operands: 0, takes: Takes::Words, texts: &[], opaque: "" };

/// The wrappers that are known.
pub(super) const WRAPPERS: &[Wrapper] = &[
    Wrapper {
        names: &[
            "nohup",
            "command",
            "catchsegv",
            "chronic",
            "ifne",
            "dbus-run-session",
            "fakeroot",
            "unbuffer",
            "ccache",
            "sccache",
            "distcc",
        ],
        ..BARE
    },
    Wrapper {
        names: &["nice"],
        options: Options { values: "n", flags: "0", long_values: &["adjustment"], ..PLAIN },
        ..BARE
    },
    Wrapper {
        names: &["timeout"],
        options: Options {
            values: "ks",
            flags: "vfp",
            long_values: &["kill-after", "signal"],
            long_flags: &["foreground", "preserve-status", "verbose"],
            ..PLAIN
        },
        operands: 1,
        ..BARE
    },
    Wrapper {
        names: &["time"],
        options: Options {
            values: "fo",
            flags: "apvqlV",
            long_values: &["format", "output"],
            long_flags: &["append", "portability", "verbose", "quiet"],
            attached: "",
            wary: &["o", "output"],
        },
        ..BARE
    },
    Wrapper {
        names: &["stdbuf"],
        options: Options { values: "ioe", long_values: &["input", "output", "error"], ..PLAIN },
        ..BARE
    },
    Wrapper {
        names: &["setsid"],
        options: Options { flags: "cfw", long_flags: &["ctty", "fork", "wait"], ..PLAIN },
        ..BARE
    },
    Wrapper {
        names: &["ionice"],
        options: Options {
            values: "cnpPu",
            flags: "t",
            long_values: &["class", "classdata", "pid", "pgid", "uid"],
            long_flags: &["ignore"],
            ..PLAIN
        },
        ..BARE
    },
    Wrapper {
        names: &["chrt"],
        options: Options {
            values: "TPDp",
            flags: "abfiordRmv",
            long_values: &["sched-runtime", "sched-period", "sched-deadline", "pid"],
            long_flags: &[
                "all-tasks",
                "batch",
                "fifo",
                "idle",
                "other",
                "rr",
                "deadline",
                "reset-on-fork",
                "max",
                "verbose",
            ],
            ..PLAIN
        },
        operands: 1,
        ..BARE
    },
    Wrapper {
        names: &["taskset"],
        options: Options { flags: "acp", long_flags: &["all-tasks", "cpu-list", "pid"], ..PLAIN },
        operands: 1,
        ..BARE
    },
    Wrapper {
        names: &["sudo"],
        options: Options {
            values: "ughpCrtTUDRa",
            flags: "AbBEeHiKklnPsSvVN",
            attached: "",
            long_values: &[
                "user",
                "group",
                "host",
                "prompt",
                "close-from",
                "role",
                "type",
                "command-timeout",
                "other-user",
                "chdir",
                "chroot",
            ],
            long_flags: &[
                "askpass",
                "background",
                "bell",
                "preserve-env",
                "edit",
                "set-home",
                "login",
                "remove-timestamp",
                "reset-timestamp",
                "list",
                "non-interactive",
                "preserve-groups",
                "shell",
                "stdin",
                "validate",
                "no-update",
            ],
            wary: &["e", "edit", "i", "login", "s", "shell", "R", "chroot", "D", "chdir", "A", "askpass"],
        },
        takes: Takes::Assignments,
        ..BARE
    },
    Wrapper {
        names: &["doas"],
        options: Options { values: "uCa", flags: "nsL", wary: &["s", "C"], ..PLAIN },
        takes: Takes::Assignments,
        ..BARE
    },
    Wrapper {
        names: &[
            "pkexec",
            "run0",
            "systemd-run",
            "gosu",
            "su-exec",
            "setpriv",
            "capsh",
            "prlimit",
            "setarch",
            "linux64",
            "linux32",
            "numactl",
            "cgexec",
            "cpulimit",
            "chpst",
            "firejail",
            "bwrap",
            "proot",
            "fakechroot",
            "eatmydata",
            "xvfb-run",
            "valgrind",
            "perf",
            "rlwrap",
            "caffeinate",
            "arch",
            "start-stop-daemon",
            "daemonize",
            "tini",
            "dumb-init",
            "schroot",
        ],
        opaque: "changes more than its arguments show",
        ..BARE
    },
    Wrapper {
        names: &["unshare"],
        options: Options {
            values: "SGRw",
            flags: "fcrVh",
            attached: "imnpuUCT",
            long_values: &[
                "setuid",
                "setgid",
                "root",
                "wd",
                "propagation",
                "setgroups",
                "map-user",
                "map-group",
                "map-users",
                "map-groups",
            ],
            long_flags: &[
                "fork",
                "mount",
                "uts",
                "ipc",
                "net",
                "pid",
                "user",
                "cgroup",
                "time",
                "mount-proc",
                "map-root-user",
                "map-current-user",
                "map-auto",
                "kill-child",
                "keep-caps",
            ],
            wary: &["R", "root", "w", "wd"],
        },
        opaque: "runs a command in other namespaces",
        ..BARE
    },
    Wrapper {
        names: &["nsenter"],
        options: Options {
            values: "tSG",
            flags: "aFZ",
            attached: "muinpUCTrw",
            long_values: &["target", "setuid", "setgid"],
            long_flags: &[
                "all",
                "mount",
                "uts",
                "ipc",
                "net",
                "pid",
                "user",
                "cgroup",
                "time",
                "root",
                "wd",
                "preserve-credentials",
                "no-fork",
            ],
            wary: &[],
        },
        opaque: "runs a command in other namespaces",
        ..BARE
    },
    Wrapper {
        names: &["chroot"],
        options: Options { long_values: &["userspec", "groups"], long_flags: &["skip-chdir"], ..PLAIN },
        operands: 1,
        opaque: "runs a command below another root",
        ..BARE
    },
    Wrapper {
        names: &["flock"],
        options: Options {
            values: "wEc",
            flags: "esxnouFv",
            long_values: &["timeout", "wait", "conflict-exit-code", "command"],
            long_flags: &["exclusive", "shared", "nonblock", "nb", "unlock", "close", "no-fork", "verbose"],
            ..PLAIN
        },
        operands: 1,
        texts: &["c", "command"],
        ..BARE
    },
    Wrapper {
        names: &["strace", "ltrace"],
        options: Options {
            values: "aeEIoOpPsSuXbUnlAx",
            flags: "cCdDfFhikqrtTvVwyYzZ",
            wary: &["o", "E", "p", "u", "b"],
            ..PLAIN
        },
        takes: Takes::Assignments,
        ..BARE
    },
    Wrapper {
        names: &["watch"],
        options: Options {
            values: "nqs",
            flags: "bceghprtwxC",
            attached: "d",
            long_values: &["interval", "equexit", "shotsdir"],
            long_flags: &[
                "beep",
                "color",
                "no-color",
                "differences",
                "errexit",
                "chgexit",
                "precise",
                "no-rerun",
                "no-title",
                "no-wrap",
                "exec",
            ],
            wary: &["s", "shotsdir"],
        },
        takes: Takes::Joined,
        ..BARE
    },
    Wrapper {
        names: &["entr"],
        options: Options { flags: "acdnprszx", ..PLAIN },
        opaque: "puts names of files into its command, or gives it to a shell",
        ..BARE
    },
    Wrapper {
        names: &["parallel", "sem"],
        options: Options { values: "jnNLdIaS", flags: "0kmXqtuv", ..PLAIN },
        takes: Takes::Joined,
        opaque: "gives a shell what it reads",
        ..BARE
    },
    Wrapper {
        names: &["su"],
        options: Options {
            values: "cgGsw",
            flags: "lmpfPh",
            long_values: &[
                "command",
                "group",
                "supp-group",
                "shell",
                "session-command",
                "whitelist-environment",
            ],
            long_flags: &["login", "preserve-environment", "fast", "pty"],
            ..PLAIN
        },
        texts: &["c", "command", "session-command"],
        opaque: "runs another user's shell",
        ..BARE
    },
    Wrapper {
        names: &["runuser"],
        options: Options {
            values: "ucgGsw",
            flags: "lmpfPh",
            long_values: &["user", "command", "group", "supp-group", "shell", "session-command"],
            long_flags: &["login", "preserve-environment", "fast", "pty"],
            ..PLAIN
        },
        texts: &["c", "command", "session-command"],
        opaque: "runs as another user",
        ..BARE
    },
    Wrapper {
        names: &["script"],
        options: Options {
            values: "cEoBIOTm",
            flags: "aefqt",
            long_values: &[
                "command",
                "echo",
                "output-limit",
                "log-in",
                "log-out",
                "log-io",
                "log-timing",
                "logging-format",
            ],
            long_flags: &["append", "return", "flush", "force", "quiet", "timing"],
            ..PLAIN
        },
        operands: 1,
        texts: &["c", "command"],
        opaque: "writes a file, and runs a shell",
        ..BARE
    },
    Wrapper {
        names: &["hyperfine"],
        options: Options {
            values: "wmMrpcnSuN",
            flags: "i",
            long_values: &[
                "warmup",
                "runs",
                "min-runs",
                "max-runs",
                "prepare",
                "cleanup",
                "shell",
                "setup",
                "command-name",
                "export-json",
                "export-csv",
                "export-markdown",
            ],
            long_flags: &["ignore-failure", "show-output"],
            ..PLAIN
        },
        takes: Takes::Joined,
        opaque: "gives each argument to a shell",
        ..BARE
    },
    Wrapper { names: &["cross-env", "dotenv"], takes: Takes::Assignments, ..BARE },
];

impl Wrapper {
    pub(super) fn look(&self, walker: &mut Walker<'_>, name: &str, pieces: &[Piece], place: &Place) {
        if !self.opaque.is_empty() {
            walker.note(format!("`{name}` {}", self.opaque));
        }
        let (given, mut at) = self.options.read(walker, name, pieces);
        let mut inner = place.inside(name);
        inner.elsewhere |= !self.opaque.is_empty();
        for (_, value) in given.iter().filter(|(option, _)| self.texts.contains(&option.as_str())) {
            text(walker, name, value.as_ref(), &inner);
        }
        let asks_only = given.iter().any(|(option, _)| {
            ["ionice", "chrt", "taskset"].contains(&name)
                && ["p", "P", "u", "pid", "pgid", "uid"].contains(&option.as_str())
        });
        if asks_only {
            return;
        }
        for _ in 0..self.operands {
            let priority = name != "chrt"
                || pieces.get(at).and_then(Piece::lit).is_some_and(|word| word.parse::<u32>().is_ok());
            if pieces.get(at).is_some_and(|piece| !piece.tame) {
                walker.note(format!("`{name}` has a word that may be several: `{}`", pieces[at].word.text));
            }
            at += usize::from(priority);
        }
        if name == "flock" && matches!(pieces.get(at).and_then(Piece::lit), Some("-c" | "--command")) {
            return text(walker, name, pieces.get(at + 1), &inner);
        }
        if ["su", "script"].contains(&name) {
            for (index, piece) in pieces.iter().enumerate().skip(at) {
                if piece.lit().is_some_and(|word| {
                    word.starts_with("-c") || word.ends_with('c') && word.starts_with('-')
                }) {
                    text(walker, name, pieces.get(index + 1), &inner);
                }
            }
            return;
        }
        if pieces.get(at).and_then(Piece::lit) == Some("--") {
            at += 1;
        }
        let (assignments, at) = match self.takes {
            Takes::Assignments => env::assignments(walker, pieces, at),
            _ => (Vec::<Assignment>::new(), at),
        };
        let Some(command) = pieces.get(at..).filter(|command| !command.is_empty()) else {
            return meddling::check(walker, &assignments, None);
        };
        let directly = given.iter().any(|(option, _)| option == "x" || option == "exec");
        if self.takes == Takes::Joined && !directly {
            let words: Option<Vec<&str>> = command.iter().map(Piece::lit).collect();
            let joined = words.map(|words| Piece::literal(words.join(" ")));
            return text(walker, name, joined.as_ref(), &inner);
        }
        walker.run(command, assignments, &inner);
    }
}

pub(super) fn text(walker: &mut Walker<'_>, name: &str, text: Option<&Piece>, inner: &Place) {
    match text.and_then(Piece::lit) {
        Some(text) => walker.text(text, &Place { shell: Some(Dialect::Posix), ..inner.clone() }),
        None => walker.note(format!("the text that `{name}` gives to a shell is not literal")),
    }
}
