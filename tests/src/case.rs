//! Conformance cases: a script a file, in a form that another implementation's runner can read as well.
//!
//! conformance/README.md describes the form.

mod player;
mod shape;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::framing::Framing;
use crate::json::Json;
use crate::launch::Launch;

/// One file of a script.
#[derive(Debug)]
pub struct Case {
    path: PathBuf,
    header: Value,
    lines: Vec<(usize, String)>,
}

impl Case {
    /// The cases in a directory, by name.
    ///
    /// # Panics
    ///
    /// If it cannot be read or a header is not one.
    #[must_use]
    pub fn all_in(directory: &Path) -> Vec<Self> {
        let entries =
            fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
        paths.sort();
        paths.into_iter().map(Self::read).collect()
    }

    fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let numbered = text.lines().enumerate().map(|(index, line)| (index + 1, line.to_owned()));
        let mut lines: Vec<(usize, String)> = numbered.filter(|(_, line)| !line.trim().is_empty()).collect();
        assert!(!lines.is_empty(), "{}: no header", path.display());
        let (number, header) = lines.remove(0);
        let header: Value = serde_json::from_str(&header)
            .unwrap_or_else(|error| panic!("{}:{number}: {error}: {header}", path.display()));
        assert!(header.has("case"), "{}:{number}: expected a header with `case`", path.display());
        Self { path, header, lines }
    }

    /// Its name: that of the file.
    #[must_use]
    pub fn name(&self) -> String {
        self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Plays it against a host started by `launch`.
    ///
    /// # Errors
    ///
    /// What differs, with file and line, and the report of the host.
    pub fn play(&self, launch: Launch) -> Result<(), String> {
        let mut launch = launch;
        if self.header.has("options") {
            launch = launch.options(self.header.texts("options"));
        }
        if self.header.get("framing").is_some_and(|framing| framing == "contentLength") {
            launch = launch.framing(Framing::ContentLength);
        }
        if self.header.get("initialize").is_some_and(|initialize| initialize == false) {
            launch = launch.uninitialized();
        }
        let host = launch.start();
        let mut player = player::Player::new(&host);
        for (number, line) in &self.lines {
            if let Err(error) = player.step(line) {
                drop(player);
                return Err(format!("{}:{number}: {error}\n{line}\n{}", self.path.display(), host.abandon()));
            }
        }
        drop(player);
        host.finish().map_err(|report| format!("{}: at the end: {report}", self.path.display()))
    }
}
