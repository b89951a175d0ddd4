//! A `[[plugin]]` of a configuration, as text.

use std::fmt;
use std::path::Path;

/// One plugin of a `weir.toml`; its text with `to_string`. Several are written one after the other.
///
/// Its time limits are wide unless told otherwise: a test that is not about them must not fail on a busy machine.
#[derive(Clone, Debug)]
pub struct PluginEntry {
    name: String,
    source: String,
    config: String,
    time_ms: u64,
    more: Vec<String>,
}

impl PluginEntry {
    /// A fixture out of `plugins/fixtures`, called by its own name.
    #[must_use]
    pub fn fixture(fixture: &str) -> Self {
        let prebuilt = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/prebuilt");
        Self::new(fixture, prebuilt.join(format!("fixture-{fixture}.wasm")).display().to_string())
    }

    /// A plugin that comes with the host, called by its own name.
    #[must_use]
    pub fn builtin(name: &str) -> Self {
        Self::new(name, format!("builtin:{name}"))
    }

    fn new(name: &str, source: String) -> Self {
        Self { name: name.to_owned(), source, config: String::new(), time_ms: 10_000, more: Vec::new() }
    }

    /// Calls it something else.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }

    /// The inside of its `config`, an inline table.
    #[must_use]
    pub fn config(mut self, members: impl Into<String>) -> Self {
        self.config = members.into();
        self
    }

    /// How long each of its calls may take.
    #[must_use]
    pub fn time_ms(mut self, time_ms: u64) -> Self {
        self.time_ms = time_ms;
        self
    }

    /// Filters before output is retained.
    #[must_use]
    pub fn ingest(self) -> Self {
        self.with("ingest = true")
    }

    /// One more line.
    #[must_use]
    pub fn with(mut self, line: impl Into<String>) -> Self {
        self.more.push(line.into());
        self
    }
}

impl fmt::Display for PluginEntry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, source, config, time_ms, more } = self;
        writeln!(out, "[[plugin]]\nname = {name:?}\nsource = {source:?}\nconfig = {{ {config} }}")?;
        writeln!(out, "limits = {{ timeMs = {time_ms}, initTimeMs = 10000, summaryTimeMs = {time_ms} }}")?;
        more.iter().try_for_each(|line| writeln!(out, "{line}"))
    }
}
