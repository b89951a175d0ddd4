//! `weir init`: a configuration to start from.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use anyhow::{Context, bail};

use super::tell;

const FILE: &str = "weir.toml";

/// What is written. Tests load it as it is.
pub(crate) const TEMPLATE: &str = include_str!("init/weir.toml");

pub(super) fn init() -> anyhow::Result<ExitCode> {
    let mut file = match OpenOptions::new().write(true).create_new(true).open(FILE) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("`{FILE}`: expected no such file yet, saw one; it is left as it is")
        }
        Err(error) => return Err(error).context(format!("cannot write `{FILE}`")),
    };
    file.write_all(TEMPLATE.as_bytes()).with_context(|| format!("cannot write `{FILE}`"))?;
    tell(&format!("wrote `{FILE}`; try `weir policy check --explain -- git push`"));
    Ok(ExitCode::SUCCESS)
}
