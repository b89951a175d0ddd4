//! `weir init`: a configuration to start from.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};

use super::{PluginArgs, tell};

const FILE: &str = "weir.toml";

/// What is written. Tests load it as it is.
pub(crate) const TEMPLATE: &str = include_str!("init/weir.toml");

pub(super) fn init(plugins: &PluginArgs) -> anyhow::Result<ExitCode> {
    let path = plugins.config.as_deref().unwrap_or(Path::new(FILE));
    let name = path.display();
    let mut file = match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("`{name}`: expected no such file yet, saw one; it is left as it is")
        }
        Err(error) => return Err(error).context(format!("cannot write `{name}`")),
    };
    file.write_all(TEMPLATE.as_bytes()).with_context(|| format!("cannot write `{name}`"))?;
    tell(&format!("wrote `{name}`; try `weir policy check --explain -- git push`"));
    Ok(ExitCode::SUCCESS)
}
