//! Where the configuration is looked for.

use std::env;
use std::path::{Path, PathBuf};

/// The file's name in a project.
const NAME: &str = "weir.toml";

/// A place where a configuration may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layer {
    /// What the place is, in words.
    pub(crate) what: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) exists: bool,
}

/// The places in the order in which they are looked at: the first file that exists is the configuration, alone.
/// Upwards from `directory`, then the user's own (`$XDG_CONFIG_HOME/weir/weir.toml`, by default below `~/.config`).
pub(crate) fn layers(directory: &Path) -> Vec<Layer> {
    let layer = |what, path: PathBuf| Layer { what, exists: path.is_file(), path };
    let mut layers: Vec<_> =
        directory.ancestors().map(|directory| layer("project", directory.join(NAME))).collect();
    // A relative path is no path here: https://specifications.freedesktop.org/basedir-spec/latest/
    let given = env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(home) = given.or_else(|| env::home_dir().map(|home| home.join(".config"))) {
        layers.push(layer("user", home.join("weir").join(NAME)));
    }
    layers
}

/// The configuration file that holds in `directory`, if there is one.
pub(crate) fn find(directory: &Path) -> Option<PathBuf> {
    layers(directory).into_iter().find(|layer| layer.exists).map(|layer| layer.path)
}

/// Where output that is kept on disk goes, unless another place is named: `spill` in Weir's cache directory, or beside
/// other temporary files for a user without a home. Never in a project.
pub(crate) fn spill() -> PathBuf {
    let uid = rustix::process::geteuid().as_raw();
    cache().map_or_else(|| env::temp_dir().join(format!("weir-spill-{uid}")), |cache| cache.join("spill"))
}

/// Where compiled plugins are kept: `$XDG_CACHE_HOME/weir`, by default below `~/.cache`.
pub(crate) fn cache() -> Option<PathBuf> {
    let given = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    given.or_else(|| env::home_dir().map(|home| home.join(".cache"))).map(|cache| cache.join("weir"))
}
