//! Which variables can make an allowed program do something else.

use crate::glob::Glob;
use crate::model::Word;

/// Where programs lie that nobody but an administrator can replace.
pub const SYSTEM_DIRECTORIES: &[&str] = &["/usr", "/bin", "/sbin", "/lib", "/opt", "/nix/store", "/snap"];

/// Harmless in spite of what they are called.
const HARMLESS: &[&str] = &[
    "CARGO_INCREMENTAL",
    "CARGO_NET_OFFLINE",
    "CARGO_TERM_COLOR",
    "CARGO_TERM_PROGRESS_WHEN",
    "CARGO_TERM_QUIET",
    "GIT_AUTHOR_DATE",
    "GIT_AUTHOR_EMAIL",
    "GIT_AUTHOR_NAME",
    "GIT_COMMITTER_DATE",
    "GIT_COMMITTER_EMAIL",
    "GIT_COMMITTER_NAME",
    "GIT_OPTIONAL_LOCKS",
    "GIT_TERMINAL_PROMPT",
    "NODE_ENV",
    "NODE_NO_WARNINGS",
    "NPM_CONFIG_COLOR",
    "NPM_CONFIG_FUND",
    "NPM_CONFIG_LOGLEVEL",
    "NPM_CONFIG_PROGRESS",
    "NPM_CONFIG_YES",
    "PIP_DISABLE_PIP_VERSION_CHECK",
    "PIP_NO_INPUT",
    "PIP_PROGRESS_BAR",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHASHSEED",
    "PYTHONIOENCODING",
    "PYTHONUNBUFFERED",
    "PYTHONUTF8",
    "SSH_AUTH_SOCK",
    "SSH_CLIENT",
    "SSH_CONNECTION",
    "SSH_TTY",
    "XDG_CURRENT_DESKTOP",
    "XDG_MENU_PREFIX",
    "XDG_RUNTIME_DIR",
    "XDG_SEAT",
    "XDG_SESSION_CLASS",
    "XDG_SESSION_DESKTOP",
    "XDG_SESSION_ID",
    "XDG_SESSION_TYPE",
    "XDG_VTNR",
];

/// Dangerous by the whole name.
const NAMES: &[&str] = &[
    "AR",
    "AS",
    "AWK",
    "CC",
    "CPP",
    "CXX",
    "ENV",
    "EXINIT",
    "FC",
    "FIGNORE",
    "GLOBIGNORE",
    "HOSTALIASES",
    "IFS",
    "INPUTRC",
    "LD",
    "LOCALDOMAIN",
    "MAKE",
    "MYVIMRC",
    "NM",
    "NULLCMD",
    "OBJCOPY",
    "POSIXLY_CORRECT",
    "PS0",
    "PS1",
    "PS2",
    "PS3",
    "PS4",
    "RANLIB",
    "READNULLCMD",
    "SED",
    "STRIP",
    "TERMCAP",
    "TERMINFO",
    "TERMINFO_DIRS",
    "TMPDIR",
    "TZDIR",
    "VIMINIT",
    "VISUAL",
    "ZDOTDIR",
];

/// Dangerous by how the name begins.
const BEGINNINGS: &[&str] = &[
    "ANSIBLE_",
    "ANT_",
    "AWS_",
    "AZURE_",
    "BASH",
    "BAT_",
    "BUNDLE_",
    "BUN_",
    "CARGO_",
    "CGO_",
    "CLOUDSDK_",
    "CMAKE_",
    "COMPLUS_",
    "CONDA_",
    "COREPACK_",
    "CORECLR_",
    "DELTA_",
    "DENO_",
    "DJANGO_",
    "DOCKER_",
    "DOTNET_",
    "DYLD_",
    "EMACS",
    "ERL_",
    "FZF_",
    "GCC_",
    "GCONV_",
    "GEM_",
    "GHC_",
    "GIT_",
    "GLIBC_",
    "GOAUTH",
    "GOBIN",
    "GOCACHE",
    "GOENV",
    "GOINSECURE",
    "GONO",
    "GOPRIVATE",
    "GOROOT",
    "GOSUMDB",
    "GOTOOL",
    "GOVCS",
    "GRADLE_",
    "GREP_",
    "GUIX_",
    "HELM_",
    "HG",
    "JAVA",
    "JDK_",
    "JEST_",
    "JULIA_",
    "KUBE",
    "LD_",
    "LESS",
    "LOCPATH",
    "LUA_",
    "MAKE",
    "MALLOC_",
    "MAN",
    "MAVEN_",
    "MIX_",
    "MSBUILD",
    "NIX_",
    "NLSPATH",
    "NODE_",
    "NPM_",
    "NUGET_",
    "NVIM",
    "OCAML",
    "OPENSSL_",
    "PERL",
    "PHP",
    "PIPENV_",
    "PIP_",
    "PKG_",
    "PNPM_",
    "POETRY_",
    "PROMPT",
    "PYTEST_",
    "PYTHON",
    "RBENV_",
    "RIPGREP_",
    "RSYNC_",
    "RUBY",
    "RUSTC",
    "RUSTDOC",
    "RUSTUP_",
    "SSH_",
    "SSL",
    "SUDO_",
    "SVN_",
    "TAR_",
    "TF_",
    "TOX_",
    "UV_",
    "VIM",
    "XDG_",
    "YARN_",
    "_JAVA",
];

/// Dangerous wherever the name holds them.
const FRAGMENTS: &[&str] = &[
    "ARGS",
    "ASKPASS",
    "BROWSER",
    "CMD",
    "COMMAND",
    "COMPILER",
    "CONF",
    "DRIVER",
    "EDITOR",
    "EXEC",
    "FLAGS",
    "HOME",
    "HOOK",
    "INIT",
    "LINKER",
    "LOADER",
    "MODULE",
    "OPTIONS",
    "OPTS",
    "PAGER",
    "PATH",
    "PLUGIN",
    "PRELOAD",
    "PROFILE",
    "PROXY",
    "RUNNER",
    "SCRIPT",
    "SHELL",
    "STARTUP",
    "TOOLCHAIN",
    "WRAPPER",
];

/// Whether setting `name` may change what programs do that read it: code that they load, files that they trust,
/// programs that they start. `value` is none where it is not literal. `harmless` are the configuration's own.
pub fn is_dangerous(name: &str, value: Option<&str>, harmless: &[Glob]) -> bool {
    if harmless.iter().any(|glob| glob.matches(name)) {
        return false;
    }
    if !is_identifier(name) {
        return true;
    }
    let upper = name.to_ascii_uppercase();
    let suspect = NAMES.contains(&upper.as_str())
        || BEGINNINGS.iter().any(|beginning| upper.starts_with(beginning))
        || FRAGMENTS.iter().any(|fragment| upper.contains(fragment));
    suspect && !HARMLESS.contains(&upper.as_str()) && !value.is_some_and(|value| is_usual(name, value))
}

/// Whether the text is a variable's name: letters, digits and `_`, no digit first.
pub fn is_identifier(name: &str) -> bool {
    !name.is_empty()
        && !name.as_bytes()[0].is_ascii_digit()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether a word that a shell will not evaluate now could be evaluated later: `a[$(…)]` in arithmetic.
pub fn hides_a_substitution(text: &str) -> bool {
    text.contains("$(") || text.contains('`') || text.contains("${") && text.contains('[')
}

/// A dangerous variable that an expansion may set by itself, as `${PATH:=x}` and `$((PATH=1))` do.
pub fn set_by_expansion<'t>(text: &'t str, harmless: &[Glob]) -> Option<&'t str> {
    let may_set = ["${", "$((", "$["].iter().any(|begin| text.contains(begin))
        && ["=", "++", "--"].iter().any(|operator| text.contains(operator));
    if !may_set {
        return None;
    }
    text.split(|character: char| !(character.is_ascii_alphanumeric() || character == '_'))
        .find(|name| is_identifier(name) && name.len() > 1 && is_dangerous(name, None, harmless))
}

/// `NAME=value` of a word; none if it is no assignment. A value that is not literal is none.
pub fn assignment(word: &Word) -> Option<(&str, Option<&str>)> {
    let (name, value) = word.text.split_once('=')?;
    let name = name.strip_suffix('+').unwrap_or(name);
    is_identifier(name).then_some((name, word.literal.then_some(value)))
}

/// Whether a `PATH` that the caller gives leads nowhere that a command of the project could have written to: no
/// relative entries, none at or below `cwd`, none where everybody may write.
pub fn path_is_sound(value: &str, cwd: &str) -> bool {
    value.split(':').all(|entry| {
        let entry = entry.strip_suffix('/').unwrap_or(entry);
        // Another way of writing a place would not be compared with the places below.
        let is_plain = |path: &str| !path.split('/').any(|part| matches!(part, "" | "." | ".."));
        // `/proc` and `/dev` have other places for each process: `/proc/self/cwd`.
        let open = ["/tmp", "/var/tmp", "/run/user", "/proc", "/dev"];
        entry.strip_prefix('/').is_some_and(is_plain)
            && !is_below(entry, cwd)
            && !open.iter().any(|open| is_below(entry, open))
    })
}

/// Whether a path is a directory or lies below it, by components. Both absolute; `..` is not below anything.
pub fn is_below(path: &str, directory: &str) -> bool {
    let directory = directory.trim_end_matches('/');
    !path.split('/').any(|part| part == "..")
        && path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Values that everybody has, for names that would be dangerous with others.
fn is_usual(name: &str, value: &str) -> bool {
    match name {
        "PAGER" | "GIT_PAGER" | "MANPAGER" | "GH_PAGER" | "SYSTEMD_PAGER" | "AWS_PAGER" => {
            matches!(value, "" | "cat" | "less" | "more" | "less -R" | "less -FRX" | "less -FX")
        }
        "EDITOR" | "VISUAL" | "GIT_EDITOR" | "GIT_SEQUENCE_EDITOR" => matches!(
            value,
            "" | ":"
                | "true"
                | "false"
                | "cat"
                | "vi"
                | "vim"
                | "nvim"
                | "nano"
                | "emacs"
                | "hx"
                | "code --wait"
        ),
        "SHELL" => SYSTEM_DIRECTORIES.iter().any(|directory| is_below(value, directory)),
        "HOME" => is_home(value),
        "XDG_CONFIG_HOME" => value.strip_suffix("/.config").is_some_and(is_home),
        "XDG_CACHE_HOME" => value.strip_suffix("/.cache").is_some_and(is_home),
        "XDG_DATA_HOME" => value.strip_suffix("/.local/share").is_some_and(is_home),
        "XDG_STATE_HOME" => value.strip_suffix("/.local/state").is_some_and(is_home),
        "XDG_DATA_DIRS" | "XDG_CONFIG_DIRS" => value.split(':').all(|entry| {
            ["/usr", "/etc", "/opt", "/snap", "/var/lib/snapd", "/var/lib/flatpak", "/nix/store"]
                .iter()
                .any(|directory| is_below(entry, directory))
        }),
        "CARGO_HOME" => value.strip_suffix("/.cargo").is_some_and(is_home),
        "RUSTUP_HOME" => value.strip_suffix("/.rustup").is_some_and(is_home),
        "LESSOPEN" => matches!(value, "| /usr/bin/lesspipe %s" | "||/usr/bin/lesspipe.sh %s"),
        "LESSCLOSE" => value == "/usr/bin/lesspipe %s %s",
        "LESS" => matches!(value, "-R" | "-FRX" | "FRX" | "-FX" | "R"),
        "TMPDIR" => matches!(value, "/tmp" | "/tmp/" | "/var/tmp"),
        "TERMINFO" => is_below(value, "/usr/share"),
        _ => false,
    }
}

fn is_home(path: &str) -> bool {
    let path = path.strip_suffix('/').unwrap_or(path);
    path == "/root"
        || ["/home/", "/Users/"].iter().any(|base| {
            path.strip_prefix(base)
                .is_some_and(|name| !name.is_empty() && name != ".." && !name.contains('/'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_lead_to_code_are_dangerous() {
        for name in [
            "PATH",
            "LD_PRELOAD",
            "LD_LIBRARY_PATH",
            "BASH_ENV",
            "ENV",
            "IFS",
            "GIT_SSH_COMMAND",
            "GIT_DIR",
            "PAGER",
            "EDITOR",
            "VISUAL",
            "NODE_OPTIONS",
            "PYTHONPATH",
            "PYTHONSTARTUP",
            "PERL5LIB",
            "PERL5OPT",
            "RUBYOPT",
            "JAVA_TOOL_OPTIONS",
            "PROMPT_COMMAND",
            "PS4",
            "SHELLOPTS",
            "BASHOPTS",
            "HOME",
            "ZDOTDIR",
            "CDPATH",
            "RUSTC_WRAPPER",
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER",
            "CC",
            "MAKEFLAGS",
            "GOFLAGS",
            "npm_config_script_shell",
            "http_proxy",
            "BASH_FUNC_ls%%",
            "a b",
            "",
            "LESSOPEN",
            "TAR_OPTIONS",
            "ld_preload",
        ] {
            assert!(is_dangerous(name, Some("/x/y"), &[]), "{name}");
            assert!(is_dangerous(name, None, &[]), "{name}");
        }
    }

    #[test]
    fn everyday_variables_are_not() {
        for (name, value) in [
            ("FOO", "bar"),
            ("CI", "1"),
            ("RUST_LOG", "debug"),
            ("RUST_BACKTRACE", "1"),
            ("NODE_ENV", "test"),
            ("LANG", "C"),
            ("LC_ALL", "C"),
            ("TZ", "UTC"),
            ("TERM", "dumb"),
            ("NO_COLOR", "1"),
            ("PORT", "1"),
            ("DATABASE_URL", "x"),
            ("GIT_PAGER", "cat"),
            ("PAGER", "cat"),
            ("EDITOR", "true"),
            ("HOME", "/home/me"),
            ("SHELL", "/bin/bash"),
            ("XDG_CONFIG_HOME", "/home/me/.config"),
            ("XDG_DATA_DIRS", "/usr/local/share:/usr/share"),
            ("USER", "me"),
        ] {
            assert!(!is_dangerous(name, Some(value), &[]), "{name}={value}");
        }
        assert!(is_dangerous("HOME", Some("/home/me/evil"), &[]));
        assert!(is_dangerous("HOME", Some("/home/.."), &[]));
        assert!(is_dangerous("PAGER", None, &[]));
    }

    #[test]
    fn expansions_that_set_variables_are_found() {
        for text in ["${PATH:=x}", "\"${PATH=x}\"", "$((PATH=1))", "$(( x + PATH++ ))", "$[PATH=1]"] {
            assert_eq!(set_by_expansion(text, &[]), Some("PATH"), "{text}");
        }
        for text in ["$PATH", "${PATH}", "${x:=y}", "$((x=1))", "${HOME}/x"] {
            assert_eq!(set_by_expansion(text, &[]), None, "{text}");
        }
    }

    #[test]
    fn the_configuration_may_trust_names() {
        assert!(!is_dangerous("NODE_OPTIONS", Some("x"), &[Glob::from_text("NODE_*")]));
    }

    #[test]
    fn a_path_is_sound_without_places_that_a_command_can_write_to() {
        assert!(path_is_sound("/home/me/.cargo/bin:/usr/bin:/bin", "/home/me/work"));
        assert!(path_is_sound("/usr/bin/:/bin", "/home/me/work"));
        for path in ["", ".:/usr/bin", "/usr/bin:", "/tmp/x:/usr/bin", "/home/me/work/bin", "/usr/../tmp"] {
            assert!(!path_is_sound(path, "/home/me/work"), "{path}");
        }
        for path in [
            "/proc/self/cwd",
            "/proc/thread-self/cwd/",
            "/dev/fd/3",
            "/./tmp/x",
            "//tmp/x",
            "/home/me//work/bin",
            "/",
        ] {
            assert!(!path_is_sound(&format!("{path}:/usr/bin"), "/home/me/work"), "{path}");
        }
    }
}
