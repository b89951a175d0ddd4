//! Where a command would run, as far as it decides what its words mean.

use std::ffi::OsStr;
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
/// None if there is no such file. Reads the file system, and blocks while it does.
pub fn resolve(word: &str, setting: &Setting<'_>) -> Option<PathBuf> {
    if word.is_empty() || word.contains('\0') || word.len() > 4096 {
        return None;
    }
    if word.contains('/') {
        return executable(&setting.cwd.join(word));
    }
    let path = setting.path.unwrap_or(OsStr::new("/bin:/usr/bin"));
    path.as_bytes()
        .split(|&byte| byte == b':')
        .take(256)
        .find_map(|entry| executable(&setting.cwd.join(OsStr::from_bytes(entry)).join(word)))
}

/// Whether the search for a word passes a directory that is relative to the working one.
pub(crate) fn depends_on_cwd(word: &str, setting: &Setting<'_>) -> bool {
    if word.contains('/') {
        return !word.starts_with('/');
    }
    let path = setting.path.unwrap_or(OsStr::new("/bin"));
    path.as_bytes().split(|&byte| byte == b':').any(|entry| !entry.starts_with(b"/"))
}

fn executable(path: &Path) -> Option<PathBuf> {
    let meta = std::fs::metadata(path).ok()?;
    (meta.is_file() && meta.permissions().mode() & 0o111 != 0).then(|| std::fs::canonicalize(path).ok())?
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
    fn an_empty_path_entry_is_the_working_directory() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        program(&root, "here", 0o700);
        let setting = Setting { cwd: &root, path: Some(OsStr::new("/nowhere:")), env_names: &[] };
        assert_eq!(resolve("here", &setting), Some(root.join("here")));
    }
}
