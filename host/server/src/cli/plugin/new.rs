//! `weir plugin new`: writes a plugin that builds as it is.

mod template;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use self::template::{Template, WIT};
use super::{NewArgs, print};

/// The longest name that is taken, in bytes.
const NAME_MAX: usize = 64;

pub(super) fn new(args: &NewArgs) -> anyhow::Result<ExitCode> {
    check_name(&args.name)?;
    let Some(template) = Template::find(args.lang, args.kind) else {
        bail!("expected --kind policy or --kind filter for --lang c, saw {}", args.kind.kind());
    };
    let folder = args.path.clone().unwrap_or_else(|| PathBuf::from(&args.name));
    make_empty(&folder)?;
    let interface = WIT.iter().map(|(path, text)| (path.to_string(), text.to_string()));
    let mut files: Vec<_> = template.files(&args.name).into_iter().chain(interface).collect();
    files.sort_unstable();
    let mut told =
        format!("A {} in {}, in the folder {}:\n\n", args.kind.kind(), template.language, folder.display());
    for (path, text) in &files {
        write(&folder.join(path), text)?;
        told.push_str(&format!("  {path}\n"));
    }
    told.push_str("\nREADME.md has the commands that build, check and try it.\n");
    print(&told)?;
    Ok(ExitCode::SUCCESS)
}

/// The name is that of a folder, a crate, a package and a file.
fn check_name(name: &str) -> anyhow::Result<()> {
    let plain = name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    let led = name.starts_with(|first: char| first.is_ascii_lowercase());
    let parted = !name.ends_with('-') && !name.contains("--");
    if !plain || !led || !parted || name.len() > NAME_MAX {
        bail!(
            "expected a name of at most {NAME_MAX} lower-case letters, digits and single hyphens, with a letter first, \
             saw `{name}`"
        );
    }
    Ok(())
}

/// Nothing of anybody's is ever overwritten.
fn make_empty(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    let mut entries = fs::read_dir(folder).with_context(|| format!("cannot read `{}`", folder.display()))?;
    if entries.next().is_some() {
        bail!("expected an empty folder or none, saw files in `{}`", folder.display());
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    }
    fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_no_crate_or_file_are_refused() {
        for name in ["a", "my-plugin", "deny-2"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", "My", "2a", "-a", "a-", "a--b", "a_b", "a/b", "ä", "a.b", &"a".repeat(65)] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
