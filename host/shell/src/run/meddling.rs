//! Variables that change what programs do: assigning one is noted.

use crate::script::Assignment;
use crate::walker::Walker;

/// Whether `name` can name a variable.
pub(crate) fn is_name(name: &str) -> bool {
    !name.starts_with(|char: char| char.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Notes the assignments that change what a command, or what follows it, does.
pub(crate) fn check(walker: &mut Walker<'_>, assignments: &[Assignment], program: Option<&str>) {
    for assignment in assignments {
        if assignment.name == "IFS" && program == Some("read") {
            continue;
        }
        assigned(walker, &assignment.name, assignment.value.as_literal());
    }
}

/// Notes an assignment if it changes what programs do. Without a value it may be any.
pub(crate) fn assigned(walker: &mut Walker<'_>, name: &str, value: Option<&str>) {
    if name == "PATH" || name == "path" {
        walker.moved = true;
    }
    if meddles(name, value) {
        walker.note(format!("`{name}` is set, which changes what programs run"));
    }
}

/// Variables that name code, programs, or files with either.
const NAMES: [&str; 73] = [
    "PATH",
    "path",
    "fpath",
    "FPATH",
    "cdpath",
    "CDPATH",
    "module_path",
    "IFS",
    "BASH_ENV",
    "ENV",
    "ZDOTDIR",
    "PS0",
    "PS1",
    "PS2",
    "PS4",
    "PROMPT_COMMAND",
    "SHELLOPTS",
    "BASHOPTS",
    "BASH_CMDS",
    "BASH_ALIASES",
    "BASH_COMPAT",
    "POSIXLY_CORRECT",
    "SHELL",
    "HOME",
    "FCEDIT",
    "HISTFILE",
    "XDG_CONFIG_HOME",
    "XDG_CONFIG_DIRS",
    "GCONV_PATH",
    "LOCPATH",
    "LESSOPEN",
    "LESSCLOSE",
    "LESSEDIT",
    "LESSKEY",
    "BROWSER",
    "SSH_ASKPASS",
    "SUDO_ASKPASS",
    "PYTHONSTARTUP",
    "PYTHONHOME",
    "PYTHONBREAKPOINT",
    "PYTHONINSPECT",
    "PYTHONWARNINGS",
    "PERL5OPT",
    "PERL5DB",
    "PERL5LIB",
    "PERLLIB",
    "RUBYOPT",
    "RUBYLIB",
    "JAVA_TOOL_OPTIONS",
    "_JAVA_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "LUA_INIT",
    "LUA_PATH",
    "LUA_CPATH",
    "PHPRC",
    "PHP_INI_SCAN_DIR",
    "RUSTC",
    "RUSTDOC",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "MAKEFLAGS",
    "GNUMAKEFLAGS",
    "MAKEFILES",
    "TAR_OPTIONS",
    "RSYNC_RSH",
    "CVS_RSH",
    "SVN_SSH",
    "VIMINIT",
    "EXINIT",
    "CURL_HOME",
    "WGETRC",
    "OPENSSL_CONF",
    "KUBECONFIG",
];

fn meddles(name: &str, value: Option<&str>) -> bool {
    let one_of = |fine: &[&str]| value.is_some_and(|value| fine.contains(&value));
    if NAMES.contains(&name) {
        return true;
    }
    match name {
        "PAGER" | "MANPAGER" | "EDITOR" | "VISUAL" => !one_of(&["", "cat", "less", "more", "true", ":"]),
        "CC" | "CXX" | "LD" | "HOSTCC" => !one_of(&["gcc", "cc", "clang", "g++", "c++", "clang++", "tcc"]),
        "NODE_OPTIONS" => !value.is_some_and(|value| {
            value
                .split_whitespace()
                .all(|word| word.starts_with("--max-old-space-size=") || word == "--no-warnings")
        }),
        "GOFLAGS" => !value.is_some_and(|value| !value.contains("exec") && !value.contains("tool")),
        _ if name.starts_with("GIT_") => {
            let fine = ["GIT_TERMINAL_PROMPT", "GIT_OPTIONAL_LOCKS", "GIT_LFS_SKIP_SMUDGE"];
            let viewer = ["GIT_PAGER", "GIT_EDITOR", "GIT_SEQUENCE_EDITOR"];
            !(fine.contains(&name)
                || name.starts_with("GIT_AUTHOR_")
                || name.starts_with("GIT_COMMITTER_")
                || viewer.contains(&name) && one_of(&["", "cat", "less", "true", ":"]))
        }
        _ => {
            let begins = [
                "LD_",
                "DYLD_",
                "BASH_FUNC_",
                "BASH_LOADABLES",
                "CARGO_ALIAS_",
                "CARGO_BUILD_RUST",
                "VSCODE_",
            ];
            let ends = [
                "_WRAPPER",
                "_RUNNER",
                "_LAUNCHER",
                "_LINKER",
                "_COMMAND",
                "_ASKPASS",
                "_PAGER",
                "_EDITOR",
                "_SHELL",
                "_PRELOAD",
            ];
            let upper = name.to_ascii_uppercase();
            begins.iter().any(|begin| name.starts_with(begin)) || ends.iter().any(|end| upper.ends_with(end))
        }
    }
}
