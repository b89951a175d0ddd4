//! Programs that take code, or the name of a program, in their arguments: opaque with those arguments.

use super::options::abbreviates;
use crate::script::Piece;
use crate::walker::Walker;

/// A program that takes code.
#[derive(Debug, PartialEq)]
pub(super) struct Coder {
    pub(super) names: &'static [&'static str],
    /// Letters that bring code, wherever they stand in a cluster.
    letters: &'static str,
    /// Letters whose value follows; they end a cluster.
    values: &'static str,
    /// Long options that bring code; GNU's abbreviations count.
    long: &'static [&'static str],
    /// Words that bring code, at their beginning.
    words: &'static [&'static str],
    /// Options end at the first operand: what follows is for the program that runs.
    stops: bool,
    /// Without an operand it reads code from standard input.
    bare: bool,
    /// Why it is always opaque.
    always: &'static str,
}

const NONE: Coder = Coder {
    names: &[],
    letters: "",
    values: "",
    long: &[],
    words: &[],
    stops: false,
    bare: false,
    always: "",
};

pub(super) const CODERS: &[Coder] = &[
    Coder {
        names: &["python", "pypy", "python3-intel64", "micropython", "ipython"],
        letters: "ci",
        values: "WXmQ",
        long: &["--command"],
        stops: true,
        bare: true,
        ..NONE
    },
    Coder { names: &["perl", "perl6", "raku"], letters: "eEMmnpixdsSaFIDc", stops: true, bare: true, ..NONE },
    Coder {
        names: &["ruby", "jruby", "truffleruby", "irb"],
        letters: "ernpiaxSsICFl",
        stops: true,
        bare: true,
        ..NONE
    },
    Coder {
        names: &["node", "nodejs", "iojs"],
        letters: "epri",
        long: &[
            "--eval",
            "--print",
            "--require",
            "--import",
            "--loader",
            "--experimental-loader",
            "--interactive",
            "--inspect-brk",
        ],
        stops: true,
        bare: true,
        ..NONE
    },
    Coder {
        names: &["bun"],
        letters: "epr",
        long: &["--eval", "--print", "--preload", "--require"],
        stops: true,
        ..NONE
    },
    Coder { names: &["deno"], words: &["eval", "repl"], bare: true, ..NONE },
    Coder {
        names: &["php", "php-cgi"],
        letters: "rfRBEadSFz",
        long: &[
            "--run",
            "--file",
            "--interactive",
            "--process-code",
            "--process-begin",
            "--process-end",
            "--process-file",
            "--define",
        ],
        stops: true,
        bare: true,
        ..NONE
    },
    Coder { names: &["lua", "luajit", "texlua", "luau"], letters: "eil", stops: true, bare: true, ..NONE },
    Coder {
        names: &[
            "tclsh",
            "wish",
            "expect",
            "guile",
            "sbcl",
            "clisp",
            "ecl",
            "racket",
            "scheme",
            "julia",
            "rscript",
            "r",
            "octave",
            "ghci",
            "ghc",
            "ocaml",
            "erl",
            "elixir",
            "iex",
            "escript",
            "scala",
            "groovy",
            "jshell",
            "clojure",
            "clj",
            "jrunscript",
            "osascript",
            "gforth",
            "swipl",
            "maxima",
            "gp",
            "bc",
            "dc",
            "m4",
            "gnuplot",
            "awkcli",
            "nu",
            "fish",
            "csh",
            "tcsh",
            "elvish",
            "xonsh",
            "osh",
            "ysh",
            "oil",
            "pwsh",
            "powershell",
            "cmd",
            "es",
            "rc",
            "scsh",
            "tcc",
            "ts-node",
            "tsx",
            "coffee",
            "esbuild-runner",
        ],
        always: "reads code or commands of its own language",
        ..NONE
    },
    Coder {
        names: &[
            "ssh", "slogin", "rsh", "rlogin", "mosh", "sshpass", "autossh", "dbclient", "pdsh", "pssh",
            "ansible", "salt", "fab", "telnet", "sftp", "scp",
        ],
        always: "runs a command on another machine, or programs that its options name",
        ..NONE
    },
    Coder {
        names: &[
            "docker",
            "podman",
            "nerdctl",
            "buildah",
            "lxc",
            "lxc-attach",
            "machinectl",
            "vagrant",
            "adb",
            "kubectl",
            "oc",
            "k3s",
            "microk8s",
            "docker-compose",
            "podman-compose",
            "distrobox",
            "toolbox",
            "flatpak",
            "snap",
            "minikube",
            "multipass",
            "limactl",
            "crictl",
            "ctr",
            "incus",
        ],
        words: &[
            "exec",
            "run",
            "attach",
            "shell",
            "ssh",
            "rsh",
            "debug",
            "create",
            "compose",
            "container",
            "up",
            "start",
            "build",
            "cp",
            "task",
            "c",
            "t",
            "node",
            "enter",
            "plugin",
            "config",
            "context",
            "proxy",
        ],
        ..NONE
    },
    Coder {
        names: &[
            "vim",
            "vi",
            "vim.basic",
            "vim.tiny",
            "view",
            "nvim",
            "gvim",
            "ex",
            "rvim",
            "vimdiff",
            "emacs",
            "emacsclient",
            "ed",
            "red",
            "nano",
            "pico",
            "joe",
            "mg",
            "micro",
            "kak",
            "hx",
            "helix",
            "mcedit",
        ],
        always: "is an editor, which runs commands",
        ..NONE
    },
    Coder {
        names: &[
            "gdb",
            "lldb",
            "rust-gdb",
            "rust-lldb",
            "cgdb",
            "dlv",
            "jdb",
            "pdb",
            "radare2",
            "r2",
            "bpftrace",
            "stap",
            "dtrace",
        ],
        always: "is a debugger, which runs programs and commands",
        ..NONE
    },
    Coder {
        names: &["make", "gmake", "bmake", "mingw32-make", "remake"],
        letters: "fIE",
        values: "jlowC",
        long: &["--file", "--makefile", "--eval", "--include-dir", "--environment-overrides"],
        words: &["SHELL=", ".SHELLFLAGS=", "MAKE=", "MAKEFLAGS=", "CC=", "CXX=", "LD=", "AR="],
        ..NONE
    },
    Coder {
        names: &["tar", "bsdtar", "gtar", "star"],
        letters: "IF",
        long: &[
            "--checkpoint-action",
            "--to-command",
            "--use-compress-program",
            "--rsh-command",
            "--rmt-command",
            "--info-script",
            "--new-volume-script",
        ],
        ..NONE
    },
    Coder {
        names: &["rsync"],
        letters: "e",
        long: &["--rsh", "--rsync-path", "--remote-option", "--config"],
        ..NONE
    },
    Coder { names: &["zip"], letters: "T", long: &["--unzip-command", "--test"], words: &["-TT"], ..NONE },
    Coder {
        names: &["sort"],
        long: &["--compress-program", "--output", "--temporary-directory"],
        letters: "o",
        values: "ktST",
        ..NONE
    },
    Coder { names: &["split"], long: &["--filter"], ..NONE },
    Coder { names: &["rg", "ripgrep"], long: &["--pre", "--hostname-bin"], ..NONE },
    Coder {
        names: &["fd", "fdfind"],
        letters: "xX",
        values: "etEdjcS",
        long: &["--exec", "--exec-batch"],
        ..NONE
    },
    Coder {
        names: &["install"],
        letters: "s",
        values: "gmotS",
        long: &["--strip-program", "--strip"],
        ..NONE
    },
    Coder {
        names: &[
            "less", "more", "most", "pg", "man", "info", "top", "htop", "mutt", "ftp", "lynx", "w3m",
            "links", "elinks", "mail", "mailx",
        ],
        words: &["+", "-P", "-H", "--pager", "--html", "-C", "-o", "-O", "-k"],
        letters: "oO",
        ..NONE
    },
    Coder {
        names: &[
            "at",
            "batch",
            "crontab",
            "atq",
            "anacron",
            "run-parts",
            "inotifywait",
            "incrontab",
            "fswatch",
            "watchexec",
            "nodemon",
            "chokidar",
            "cargo-watch",
            "reflex",
            "onchange",
            "concurrently",
            "npm-run-all",
        ],
        always: "runs commands later, or that it reads",
        ..NONE
    },
    Coder {
        names: &[
            "screen",
            "tmux",
            "zellij",
            "dtach",
            "abduco",
            "xterm",
            "gnome-terminal",
            "konsole",
            "alacritty",
            "kitty",
            "wezterm",
            "xdg-open",
            "open",
            "start",
            "wsl",
            "explorer",
        ],
        always: "runs commands in a terminal of its own",
        ..NONE
    },
    Coder {
        names: &["nc", "ncat", "netcat", "socat", "nmap", "tcpdump", "openvpn", "wpa_cli", "pppd"],
        always: "runs programs that its options name",
        ..NONE
    },
    Coder {
        names: &["sqlite3", "sqlite", "psql", "mysql", "mariadb", "mongo", "mongosh", "redis-cli", "duckdb"],
        letters: "cefi",
        long: &["--command", "--execute", "--file", "--cmd", "--init-command", "--eval"],
        words: &[".", "!"],
        bare: true,
        ..NONE
    },
    Coder {
        names: &["gcc", "cc", "g++", "c++", "clang", "clang++", "ld", "collect2"],
        words: &[
            "-wrapper", "-B", "@", "-fplugin", "-Xclang", "-load", "-specs", "--specs", "-fuse-ld",
            "-plugin", "--plugin", "-x",
        ],
        ..NONE
    },
    Coder {
        names: &["go"],
        words: &[
            "-exec",
            "--exec",
            "-toolexec",
            "--toolexec",
            "-vettool",
            "--vettool",
            "generate",
            "tool",
            "-overlay",
            "--overlay",
            "-pgo",
        ],
        ..NONE
    },
    Coder { names: &["cargo"], long: &["--config"], words: &["-Z", "watch"], ..NONE },
    Coder { names: &["cmake"], letters: "PE", words: &["-DCMAKE_TOOLCHAIN", "-C"], ..NONE },
    Coder { names: &["ctest"], letters: "S", long: &["--build-and-test", "--script", "--overwrite"], ..NONE },
    Coder {
        names: &["just"],
        letters: "cf",
        long: &["--command", "--shell", "--justfile", "--choose", "--chooser", "--edit", "--set"],
        ..NONE
    },
    Coder { names: &["ip"], words: &["netns", "vrf", "-b", "-batch", "-force"], ..NONE },
    Coder {
        names: &["nix-shell", "nix", "guix", "nix-build"],
        always: "builds and runs what an expression says",
        ..NONE
    },
    Coder {
        names: &[
            "dpkg", "apt", "apt-get", "aptitude", "yum", "dnf", "rpm", "apk", "pacman", "brew", "dpkg-deb",
        ],
        letters: "oc",
        long: &["--option", "--config-file", "--eval", "--pipe", "--setopt", "--define"],
        ..NONE
    },
    Coder {
        names: &["curl", "wget", "aria2c"],
        letters: "K",
        long: &["--config", "--use-askpass", "--on-download-complete", "--post-file", "--engine"],
        ..NONE
    },
    Coder { names: &["gh", "glab", "hub"], words: &["alias", "extension", "codespace", "cs"], ..NONE },
    Coder {
        names: &["java"],
        words: &["-agent", "-javaagent", "-XX:OnError", "-XX:OnOutOfMemoryError", "-XX:+", "@"],
        ..NONE
    },
    Coder {
        names: &[
            "ld.so",
            "ld-linux",
            "ld-linux-x86-64.so",
            "ld-linux-aarch64.so",
            "ld-musl-x86_64.so",
            "linker",
            "linker64",
        ],
        always: "is the loader, which runs another program",
        ..NONE
    },
];

impl Coder {
    /// Notes the arguments that bring code, or that may.
    pub(super) fn look(&self, walker: &mut Walker<'_>, name: &str, pieces: &[Piece]) {
        if !self.always.is_empty() {
            return walker.note(format!("`{name}` {}", self.always));
        }
        let args = &pieces[1..];
        let mut operands = 0;
        let (mut skip, mut ended) = (false, false);
        if name.ends_with("tar")
            && args.first().and_then(Piece::lit).is_some_and(|word| self.brings_code(&format!("-{word}")))
        {
            walker.note(format!("`{name}` names a program to run"));
        }
        for piece in args {
            if std::mem::replace(&mut skip, false) {
                continue;
            }
            let Some(word) = piece.lit() else {
                if !piece.tame && (self.takes_code() || self.bare) {
                    walker.note(format!("`{name}` has words that may be options: `{}`", piece.word.text));
                }
                operands += 1;
                if self.stops { break } else { continue }
            };
            if word == "-" && self.bare
                || word == "/dev/stdin"
                || word.starts_with("/dev/fd/")
                || word.starts_with("/proc/")
            {
                walker.note(format!("`{name}` reads from standard input or another descriptor"));
            }
            if word == "--" && !self.stops {
                ended = true;
            }
            if self.brings_code(word) && !(ended && word.starts_with('-')) {
                walker.note(format!("`{name} {word}` brings code, or names a program to run"));
            }
            if let Some(module) = self.module(word, args) {
                return module_run(walker, name, module);
            }
            if word == "--version" || word == "--help" || word == "-V" || word == "-v" && self.bare {
                operands += 1;
            }
            if word.starts_with('-') && word.len() > 1 {
                if word == "--" && self.stops {
                    continue;
                }
                skip = !word.starts_with("--") && word.ends_with(|letter| self.values.contains(letter));
            } else {
                operands += 1;
                if self.stops {
                    break;
                }
            }
        }
        if operands == 0 && self.bare {
            walker.note(format!("`{name}` reads code from standard input"));
        }
    }

    fn takes_code(&self) -> bool {
        !(self.letters.is_empty() && self.long.is_empty() && self.words.is_empty())
    }

    fn brings_code(&self, word: &str) -> bool {
        if self.words.iter().any(|begin| {
            if begin.starts_with(|char: char| char.is_ascii_lowercase()) {
                word == *begin
            } else {
                word.starts_with(begin)
            }
        }) {
            return true;
        }
        if word.starts_with("--") {
            return self.long.iter().any(|long| abbreviates(word, long));
        }
        let Some(cluster) = word.strip_prefix('-') else { return false };
        let end = cluster.find(|letter| self.values.contains(letter)).unwrap_or(cluster.len());
        cluster[..end].contains(|letter| self.letters.contains(letter))
    }

    /// The module that python is asked to run.
    fn module<'p>(&self, word: &'p str, args: &'p [Piece]) -> Option<&'p str> {
        if !self.names.contains(&"python") || !word.starts_with('-') || word.starts_with("--") {
            return None;
        }
        let at = word.find('m')?;
        if word[1..at].contains(['W', 'X', 'Q', 'c']) {
            return None;
        }
        let attached = &word[at + 1..];
        if !attached.is_empty() {
            return Some(attached);
        }
        let index = args.iter().position(|piece| std::ptr::eq(piece.word.text.as_str(), word))?;
        Some(args.get(index + 1).and_then(Piece::lit).unwrap_or(""))
    }
}

/// Modules of python that do what their arguments say and run no code out of them.
fn module_run(walker: &mut Walker<'_>, name: &str, module: &str) {
    let plain = [
        "pytest",
        "unittest",
        "pip",
        "venv",
        "json.tool",
        "build",
        "mypy",
        "ruff",
        "black",
        "flake8",
        "isort",
        "compileall",
        "py_compile",
        "pylint",
        "tox",
        "pyright",
        "http.server",
        "ensurepip",
        "virtualenv",
        "doctest",
        "django",
        "twine",
        "pycodestyle",
        "bandit",
    ];
    if !plain.contains(&module) {
        walker.note(format!("`{name} -m {module}` runs a module that may run its arguments"));
    }
}
