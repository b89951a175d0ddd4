//! Where a command would run, as far as it decides what its words mean.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Variables of a command's environment that run or load something in every shell or program below it.
const MEDDLERS: [&str; 9] = [
    "BASH_ENV",
    "SHELLOPTS",
    "BASHOPTS",
    "LD_PRELOAD",
    "LD_AUDIT",
    "DYLD_INSERT_LIBRARIES",
    "PROMPT_COMMAND",
    "GIT_EXTERNAL_DIFF",
    "GIT_CONFIG_COUNT",
];

/// Where a command would run.
#[derive(Debug, Clone)]
pub struct Setting<'a> {
    /// Its directory, absolute.
    pub cwd: &'a Path,
    /// The PATH of the child; none is `/bin:/usr/bin`, as for execvp.
    pub path: Option<&'a OsStr>,
    /// Names of variables in the child's environment. Those that make shells or the loader run something before or
    /// beside the command (`BASH_ENV`, exported functions, `LD_PRELOAD`, …) are reported as opaque; others are
    /// passed over. Values are not looked at.
    pub env_names: &'a [&'a OsStr],
}

impl Setting<'_> {
    /// The variables of the environment that change what a command does, in their order.
    pub(crate) fn meddlers(&self) -> impl Iterator<Item = &str> {
        self.env_names.iter().filter_map(|name| name.to_str()).filter(|name| {
            MEDDLERS.contains(name) || name.starts_with("BASH_FUNC_") || name.starts_with("GIT_CONFIG_KEY_")
        })
    }
}

/// The file that `word` would run, as execvp finds it, links followed: a word with a slash is a path from the
/// setting's directory; any other is searched in PATH, whose relative and empty entries stand for directories below
/// the setting's. Only regular files with an execute bit count (whose bit is not looked at).
///
/// None if there is no such file, or if the search comes to a path that passes through `/proc` or `/dev`, which are not the
/// same for the child (`/proc/self/cwd`, `/dev/fd/3`). Reads the file system, and blocks while it does.
pub fn resolve(word: &str, setting: &Setting<'_>) -> Option<PathBuf> {
    if word.is_empty() || word.contains('\0') || word.len() > 4096 {
        return None;
    }
    if word.contains('/') {
        return executable(&setting.cwd.join(word)).ok()?;
    }
    let path = setting.path.unwrap_or(OsStr::new("/bin:/usr/bin"));
    let entries = path.as_bytes().split(|&byte| byte == b':').take(256);
    for entry in entries {
        if let Some(found) = executable(&setting.cwd.join(OsStr::from_bytes(entry)).join(word)).ok()? {
            return Some(found);
        }
    }
    None
}

/// A path that leads through what each process sees differently.
#[derive(Debug, PartialEq)]
struct Unshared;

/// Directories below which paths depend on the process.
const UNSHARED: [&str; 2] = ["/proc", "/dev"];
/// Links that are followed for a path, as Linux has it.
const MAX_LINKS: usize = 40;

/// Whether a word names a program by a path that each process sees differently.
pub(crate) fn is_unshared(word: &str, setting: &Setting<'_>) -> bool {
    word.contains('/')
        && word.len() <= 4096
        && !word.contains('\0')
        && shared(&setting.cwd.join(word)).is_err()
}

/// Follows an absolute path, component by component.
fn shared(path: &Path) -> Result<(), Unshared> {
    let mut rest: Vec<OsString> = Vec::new();
    let push = |rest: &mut Vec<OsString>, path: &Path| {
        rest.extend(path.components().rev().map(|component| component.as_os_str().to_owned()));
    };
    push(&mut rest, path);
    let mut at = PathBuf::from("/");
    let mut links = 0;
    while let Some(component) = rest.pop() {
        match component.as_bytes() {
            b"." => continue,
            b".." => {
                at.pop();
                continue;
            }
            // Joined with the root, a path is the root.
            _ => at.push(&component),
        }
        if UNSHARED.iter().any(|directory| at.starts_with(directory)) {
            return Err(Unshared);
        }
        if let Ok(target) = std::fs::read_link(&at) {
            links += 1;
            if links > MAX_LINKS {
                return Ok(());
            }
            at.pop();
            push(&mut rest, &target);
        }
    }
    Ok(())
}

/// Whether the search for a word passes a directory that is relative to the working one.
pub(crate) fn depends_on_cwd(word: &str, setting: &Setting<'_>) -> bool {
    if word.contains('/') {
        return !word.starts_with('/');
    }
    let path = setting.path.unwrap_or(OsStr::new("/bin"));
    path.as_bytes().split(|&byte| byte == b':').any(|entry| !entry.starts_with(b"/"))
}

fn executable(path: &Path) -> Result<Option<PathBuf>, Unshared> {
    shared(path)?;
    let Ok(meta) = std::fs::metadata(path) else { return Ok(None) };
    let runs = meta.is_file() && meta.permissions().mode() & 0o111 != 0;
    Ok(runs.then(|| std::fs::canonicalize(path).ok()).flatten())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn program(dir: &Path, name: &str, mode: u32) {
        fs::create_dir_all(dir).unwrap();
        fs::write(dir.join(name), "#!/bin/sh\n").unwrap();
        fs::set_permissions(dir.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn resolve_searches_path_in_order_and_follows_links() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        program(&root.join("a"), "tool", 0o644);
        program(&root.join("b"), "real", 0o755);
        std::os::unix::fs::symlink(root.join("b/real"), root.join("b/tool")).unwrap();
        fs::create_dir_all(root.join("c/tool")).unwrap();
        let path = format!("{0}/a:{0}/c:b", root.display());
        let setting = Setting { cwd: &root, path: Some(OsStr::new(&path)), env_names: &[] };
        assert_eq!(
            resolve("tool", &setting),
            Some(root.join("b/real")),
            "not the one without an execute bit, nor the directory"
        );
        assert_eq!(resolve("./b/tool", &setting), Some(root.join("b/real")));
        assert_eq!(resolve("a/tool", &setting), None);
        assert_eq!(resolve("missing", &setting), None);
        assert_eq!(resolve("", &setting), None);
        assert_eq!(resolve("to\0ol", &setting), None);
        assert!(depends_on_cwd("tool", &setting));
        assert!(!depends_on_cwd("/bin/sh", &setting));
    }

    #[test]
    fn nothing_is_resolved_through_what_each_process_sees_differently() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        program(&root.join("bin"), "tool", 0o755);
        program(&root.join("bin"), "other", 0o755);
        program(&root.join("first"), "first", 0o755);
        std::os::unix::fs::symlink("/proc/self/cwd", root.join("here")).unwrap();
        std::os::unix::fs::symlink("here/..", root.join("chain")).unwrap();
        std::os::unix::fs::symlink("/proc/self/exe", root.join("bin/itself")).unwrap();
        std::os::unix::fs::symlink("loop", root.join("loop")).unwrap();
        let bin = root.join("bin");
        let entries = [
            "/proc/self/cwd".to_owned(),
            "/proc/thread-self/cwd".to_owned(),
            format!("/proc/{}/cwd", std::process::id()),
            "/proc/1/cwd".to_owned(),
            format!("/proc/self/root{}", bin.display()),
            format!("/proc/self/root/proc/self/root{}", bin.display()),
            "/dev/fd/3".to_owned(),
            "//proc//self/./cwd".to_owned(),
            "/usr/../proc/self/cwd".to_owned(),
            format!("{}/here", root.display()),
            format!("{}/chain", root.display()),
            format!("{}/here/bin", root.display()),
        ];
        for entry in entries {
            let path = format!("{}:{entry}:{}", root.join("first").display(), bin.display());
            let setting = Setting { cwd: &root, path: Some(OsStr::new(&path)), env_names: &[] };
            assert_eq!(resolve("tool", &setting), None, "{entry}");
            assert_eq!(resolve("first", &setting), Some(root.join("first/first")), "before {entry}");
            assert_eq!(resolve(&format!("{entry}/tool"), &setting), None, "{entry}");
            assert!(is_unshared(&format!("{entry}/tool"), &setting), "{entry}");
        }
        let path = format!("{0}/missing:{0}/loop:{0}/bin/../bin", root.display());
        let setting = Setting { cwd: &root, path: Some(OsStr::new(&path)), env_names: &[] };
        assert_eq!(resolve("tool", &setting), Some(bin.join("tool")));
        assert_eq!(resolve("itself", &setting), None, "what the child itself is");
        assert!(!is_unshared("./bin/tool", &setting));
    }

    #[test]
    fn an_empty_path_entry_is_the_working_directory() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        program(&root, "here", 0o700);
        let setting = Setting { cwd: &root, path: Some(OsStr::new("/nowhere:")), env_names: &[] };
        assert_eq!(resolve("here", &setting), Some(root.join("here")));
    }
}
