//! Where Codex comes from.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::say;
use crate::launch::Binaries;

/// What a package manager says if nobody answers.
const UNREACHABLE: [&str; 7] =
    ["ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "ECONNREFUSED", "ENETUNREACH", "EHOSTUNREACH", "ECONNRESET"];

/// The program, once in this process.
pub(super) fn program(binaries: Binaries) -> Option<PathBuf> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    PROGRAM
        .get_or_init(|| match std::env::var_os("WEIR_CODEX").filter(|path| !path.is_empty()) {
            Some(path) => Some(path.into()),
            None => install(&Path::new(binaries.scratch).join("codex")),
        })
        .clone()
}

/// Installs what the example's `package.json` names below `place`, unless it is there.
#[expect(clippy::disallowed_methods, reason = "the harness installs its clients itself")]
fn install(place: &Path) -> Option<PathBuf> {
    let program = place.join("node_modules/.bin/codex");
    let wanted = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/codex/package.json");
    let wanted = fs::read_to_string(&wanted).expect("the example has a package.json");
    let installed = place.join("installed.json");
    if program.exists() && fs::read_to_string(&installed).is_ok_and(|known| known == wanted) {
        return Some(native(place));
    }
    fs::create_dir_all(place).expect("a directory");
    fs::write(place.join("package.json"), &wanted).expect("a file");
    let words = ["install", "--no-fund", "--no-audit", "--no-package-lock", "--fetch-retries", "1"];
    let mut npm = Command::new("npm");
    let output = npm.args(words).current_dir(place).output();
    let output = output.unwrap_or_else(|error| {
        panic!("cannot run `npm`, which installs Codex (or name one with WEIR_CODEX): {error}")
    });
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        assert!(UNREACHABLE.iter().any(|word| told.contains(word)), "cannot install Codex: {told}");
        say("\n!! NOT TESTED: Codex, since the registry of npm cannot be reached");
        return None;
    }
    fs::write(installed, wanted).expect("a file");
    Some(native(place))
}

/// The program itself, past the script that starts it: signals and the end then concern nobody else.
fn native(place: &Path) -> PathBuf {
    let scope = place.join("node_modules/@openai");
    let packages = fs::read_dir(&scope).into_iter().flatten().flatten();
    let vendors =
        packages.flat_map(|package| fs::read_dir(package.path().join("vendor")).into_iter().flatten());
    let mut programs = vendors.flatten().map(|vendor| vendor.path().join("bin/codex"));
    programs.find(|program| program.exists()).unwrap_or_else(|| place.join("node_modules/.bin/codex"))
}
