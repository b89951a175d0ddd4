//! The configuration file, `weir.toml`: from its text to what is to be loaded, with the line of every fault.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;
use weir_plugin::{Grants, Kind, OnFailure, PluginLimits, PluginSpec, ReadError, Source, Verdict, read_file};

use super::{bundled, misfit};

/// The largest configuration file, in bytes.
const MAX_FILE: u64 = 1 << 20;
/// Plugins of one file. Each takes memory of its own, and policies are asked one after the other.
const MAX_PLUGINS: usize = 64;
/// How long a question waits for its answer, unless the file says otherwise.
pub(crate) const ASK_TIMEOUT: Duration = Duration::from_secs(60);

/// What a configuration file says.
#[derive(Debug)]
pub(crate) struct PluginFile {
    /// What holds if every policy passes.
    pub(crate) default: Verdict,
    pub(crate) ask_timeout: Duration,
    /// In the order of the file.
    pub(crate) plugins: Vec<Entry>,
    /// Names of filters, in the order in which output goes through them.
    pub(crate) views: BTreeMap<String, Vec<String>>,
    pub(crate) lines: Lines,
}

/// A plugin of the file.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) spec: PluginSpec,
    /// Whether it filters before output is retained.
    pub(crate) ingest: bool,
    /// Where it stands in the file.
    pub(crate) at: Range<usize>,
    /// Where its `config` stands.
    pub(crate) config_at: Range<usize>,
}

/// Why there is no configuration although there should be: the file, the line, the thing at fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConfigError {
    pub(crate) file: PathBuf,
    /// Counted from 1.
    pub(crate) line: Option<usize>,
    pub(crate) message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        write!(f, " {}", self.message)
    }
}

impl std::error::Error for ConfigError {}

/// From places in a file to lines.
#[derive(Debug)]
pub(crate) struct Lines {
    file: PathBuf,
    /// Offsets at which lines begin.
    starts: Vec<usize>,
}

impl Lines {
    fn new(file: &Path, text: &str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { file: file.to_owned(), starts }
    }

    /// A fault at a place.
    pub(crate) fn fault(&self, at: &Range<usize>, message: impl Into<String>) -> ConfigError {
        let line = self.starts.partition_point(|start| *start <= at.start);
        ConfigError { file: self.file.clone(), line: Some(line), message: message.into() }
    }
}

/// The file as it is written. Members are named as on the wire.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    #[serde(default)]
    default: DefaultVerdict,
    ask_timeout_ms: Option<Spanned<u64>>,
    #[serde(default)]
    plugin: Vec<Spanned<WrittenPlugin>>,
    #[serde(default)]
    views: BTreeMap<Spanned<String>, Spanned<Vec<Spanned<String>>>>,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "camelCase")]
enum DefaultVerdict {
    #[default]
    Allow,
    Ask,
    Deny,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenPlugin {
    name: Option<Spanned<String>>,
    source: Spanned<String>,
    kinds: Option<Vec<WrittenKind>>,
    #[serde(default)]
    ingest: bool,
    #[serde(default)]
    on_failure: WrittenOnFailure,
    sha256: Option<Spanned<String>>,
    config: Option<Spanned<toml::Table>>,
    #[serde(default)]
    limits: WrittenLimits,
    #[serde(default)]
    grants: WrittenGrants,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "camelCase")]
enum WrittenKind {
    Policy,
    Filter,
    Summary,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "camelCase")]
enum WrittenOnFailure {
    #[default]
    Deny,
    Ask,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenLimits {
    time_ms: Option<Spanned<u64>>,
    init_time_ms: Option<Spanned<u64>>,
    summary_time_ms: Option<Spanned<u64>>,
    memory_bytes: Option<Spanned<u64>>,
    output_bytes: Option<Spanned<u64>>,
    component_bytes: Option<Spanned<u64>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenGrants {
    #[serde(default)]
    env: Vec<Spanned<String>>,
    #[serde(default)]
    read: Vec<Spanned<String>>,
}

/// Reads a configuration file. Nothing is loaded yet.
pub(crate) fn read(path: &Path) -> Result<PluginFile, ConfigError> {
    let fault = |message: String| ConfigError { file: path.to_owned(), line: None, message };
    let bytes = read_file(path, MAX_FILE).map_err(|error| match error {
        ReadError::TooLarge(seen) => fault(format!("expected at most {MAX_FILE} bytes, saw {seen}")),
        ReadError::NotRegular => fault(error.to_string()),
        ReadError::Io(error) => fault(format!("cannot be read: {error}")),
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes()[..good].iter().filter(|byte| **byte == b'\n').count();
        ConfigError { line: Some(line), ..fault("expected UTF-8".to_owned()) }
    })?;
    // A file that is being written is empty at first: nobody's rules may be gone for that.
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Err(fault("expected at least `default` or a `[[plugin]]`, saw nothing".to_owned()));
    }
    parse(path, &text)
}

fn parse(path: &Path, text: &str) -> Result<PluginFile, ConfigError> {
    let lines = Lines::new(path, text);
    let written: Written = toml::from_str(text).map_err(|error| match error.span() {
        Some(at) => lines.fault(&at, misfit::message(error.message(), text, &at)),
        None => ConfigError { file: path.to_owned(), line: None, message: error.message().to_owned() },
    })?;
    if let Some(first_too_many) = written.plugin.get(MAX_PLUGINS) {
        let seen = written.plugin.len();
        let message = format!("`plugin`: expected at most {MAX_PLUGINS} plugins, saw {seen}");
        return Err(lines.fault(&first_too_many.span(), message));
    }
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut plugins = Vec::<Entry>::new();
    for plugin in written.plugin {
        let entry = entry(plugin, directory, &lines)?;
        if plugins.iter().any(|other| other.spec.name == entry.spec.name) {
            let name = &entry.spec.name;
            let message = format!("expected each plugin's `name` once, saw `{name}` again");
            return Err(lines.fault(&entry.at, message));
        }
        plugins.push(entry);
    }
    let mut views = BTreeMap::new();
    for (name, filters) in written.views {
        let at = name.span();
        let name = name.into_inner();
        if filters.get_ref().is_empty() {
            return Err(lines.fault(&at, format!("view `{name}`: expected at least one filter, saw none")));
        }
        let mut chain = Vec::new();
        for filter in filters.into_inner() {
            if !plugins.iter().any(|entry| entry.spec.name == *filter.get_ref()) {
                let known: Vec<_> = plugins.iter().map(|entry| format!("`{}`", entry.spec.name)).collect();
                let message = format!(
                    "view `{name}`: expected the name of a plugin of this file ({}), saw `{}`",
                    known.join(", "),
                    filter.get_ref()
                );
                return Err(lines.fault(&filter.span(), message));
            }
            chain.push(filter.into_inner());
        }
        views.insert(name, chain);
    }
    let ask_timeout = match written.ask_timeout_ms {
        Some(ms) => Duration::from_millis(not_zero("askTimeoutMs", &ms, &lines)?),
        None => ASK_TIMEOUT,
    };
    let default = match written.default {
        DefaultVerdict::Allow => Verdict::Allow,
        DefaultVerdict::Ask => Verdict::Ask,
        DefaultVerdict::Deny => Verdict::Deny,
    };
    Ok(PluginFile { default, ask_timeout, plugins, views, lines })
}

fn entry(plugin: Spanned<WrittenPlugin>, directory: &Path, lines: &Lines) -> Result<Entry, ConfigError> {
    let at = plugin.span();
    let plugin = plugin.into_inner();
    let (source, usual_name) = source(&plugin.source, directory, lines)?;
    let name = match plugin.name {
        Some(name) if name.get_ref().is_empty() => {
            return Err(lines.fault(&name.span(), "`name`: expected a name, saw none"));
        }
        Some(name) => name.into_inner(),
        None => usual_name,
    };
    let config_at = plugin.config.as_ref().map_or(at.clone(), Spanned::span);
    let config = plugin.config.map(Spanned::into_inner).unwrap_or_default();
    let config = json(toml::Value::Table(config)).to_string();
    let kinds = plugin.kinds.map(|kinds| {
        kinds
            .into_iter()
            .map(|kind| match kind {
                WrittenKind::Policy => Kind::Policy,
                WrittenKind::Filter => Kind::Filter,
                WrittenKind::Summary => Kind::Summary,
            })
            .collect()
    });
    let sha256 = plugin.sha256.map(|pin| digest(&pin, lines)).transpose()?;
    let spec = PluginSpec {
        name,
        source,
        kinds,
        config,
        limits: limits(&plugin.limits, lines)?,
        grants: grants(plugin.grants, directory, lines)?,
        sha256,
        on_failure: match plugin.on_failure {
            WrittenOnFailure::Deny => OnFailure::Deny,
            WrittenOnFailure::Ask => OnFailure::Ask,
        },
    };
    Ok(Entry { spec, ingest: plugin.ingest, at, config_at })
}

/// A `builtin:` or a file, and what the plugin is called unless it has a name.
fn source(
    source: &Spanned<String>,
    directory: &Path,
    lines: &Lines,
) -> Result<(Source, String), ConfigError> {
    let text = source.get_ref();
    if let Some(name) = text.strip_prefix("builtin:") {
        let Some((name, component)) = bundled::find(name) else {
            let known: Vec<_> = bundled::ALL.iter().map(|(name, _)| format!("`builtin:{name}`")).collect();
            let message = format!("`source`: expected {} or a path, saw `{text}`", known.join(", "));
            return Err(lines.fault(&source.span(), message));
        };
        return Ok((Source::Builtin { name, component }, name.to_owned()));
    }
    let file = directory.join(text);
    let Some(stem) = file.file_stem().filter(|_| !text.is_empty()) else {
        let message = format!("`source`: expected the path of a component, saw `{text}`");
        return Err(lines.fault(&source.span(), message));
    };
    let name = stem.to_string_lossy().into_owned();
    Ok((Source::File(file), name))
}

fn limits(written: &WrittenLimits, lines: &Lines) -> Result<PluginLimits, ConfigError> {
    let mut limits = PluginLimits::default();
    let bytes = |name: &str, value: &Option<Spanned<u64>>, slot: &mut u64| {
        if let Some(value) = value {
            *slot = not_zero(name, value, lines)?;
        }
        Ok(())
    };
    bytes("limits.memoryBytes", &written.memory_bytes, &mut limits.memory_bytes)?;
    bytes("limits.outputBytes", &written.output_bytes, &mut limits.output_bytes)?;
    bytes("limits.componentBytes", &written.component_bytes, &mut limits.component_bytes)?;
    let time = |name: &str, value: &Option<Spanned<u64>>, slot: &mut Duration| {
        if let Some(value) = value {
            *slot = Duration::from_millis(not_zero(name, value, lines)?);
        }
        Ok(())
    };
    time("limits.timeMs", &written.time_ms, &mut limits.time)?;
    time("limits.initTimeMs", &written.init_time_ms, &mut limits.init_time)?;
    time("limits.summaryTimeMs", &written.summary_time_ms, &mut limits.summary_time)?;
    Ok(limits)
}

fn grants(written: WrittenGrants, directory: &Path, lines: &Lines) -> Result<Grants, ConfigError> {
    let mut grants = Grants::default();
    for name in written.env {
        if name.get_ref().is_empty() || name.get_ref().contains(['=', '\0']) {
            let message = format!("`grants.env`: expected the name of a variable, saw `{}`", name.get_ref());
            return Err(lines.fault(&name.span(), message));
        }
        grants.env.push(name.into_inner());
    }
    for path in written.read {
        let full = directory.join(path.get_ref());
        if !full.is_dir() {
            let message = format!("`grants.read`: expected a directory, saw `{}`", full.display());
            return Err(lines.fault(&path.span(), message));
        }
        grants.read.push(full);
    }
    Ok(grants)
}

fn not_zero(name: &str, value: &Spanned<u64>, lines: &Lines) -> Result<u64, ConfigError> {
    match *value.get_ref() {
        0 => Err(lines.fault(&value.span(), format!("`{name}`: expected more than 0, saw 0"))),
        value => Ok(value),
    }
}

fn digest(pin: &Spanned<String>, lines: &Lines) -> Result<[u8; 32], ConfigError> {
    let text = pin.get_ref();
    let mut digest = [0; 32];
    let digits = text.as_bytes().chunks_exact(2);
    let sound = text.len() == 64
        && digits.zip(&mut digest).all(|(digits, byte)| {
            let parsed = std::str::from_utf8(digits).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
            parsed.map(|value| *byte = value).is_some()
        });
    if sound {
        Ok(digest)
    } else {
        Err(lines.fault(&pin.span(), format!("`sha256`: expected 64 hexadecimal digits, saw `{text}`")))
    }
}

/// A table as the JSON that a plugin gets: dates and times as their text.
fn json(value: toml::Value) -> serde_json::Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(truth) => truth.into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(values) => values.into_iter().map(json).collect(),
        toml::Value::Table(table) => table.into_iter().map(|(name, value)| (name, json(value))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        parse(Path::new("/etc/weir.toml"), text).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn a_file_names_plugins_views_and_the_default() {
        let text = "default = \"ask\"\n[[plugin]]\nsource = \"builtin:rules\"\nconfig = { preset = \"cautious\" }\n\
            [[plugin]]\nname = \"mine\"\nsource = \"plugins/mine.wasm\"\ningest = true\n\
            limits = { timeMs = 50 }\n[views]\ntidy = [\"mine\"]\n";
        let file = parse(Path::new("/etc/weir.toml"), text).unwrap();
        assert_eq!(file.default, Verdict::Ask);
        assert_eq!(file.plugins[0].spec.name, "rules");
        assert_eq!(file.plugins[0].spec.config, r#"{"preset":"cautious"}"#);
        let mine = &file.plugins[1];
        assert!(mine.ingest);
        assert_eq!(mine.spec.limits.time, Duration::from_millis(50));
        assert!(
            matches!(&mine.spec.source, Source::File(path) if path == Path::new("/etc/plugins/mine.wasm"))
        );
        assert_eq!(file.views["tidy"], ["mine"]);
    }

    #[test]
    fn a_fault_names_the_line_and_what_was_expected() {
        let crowd: String = (0..65).map(|index| format!("[[plugin]]\nsource = \"{index}.wasm\"\n")).collect();
        for (text, expected) in [
            ("defualt = \"ask\"", "/etc/weir.toml:1: unknown field `defualt`"),
            (
                "\n[[plugin]]\nsource = \"builtin:rules\"\nonfailure = 1",
                "/etc/weir.toml:4: unknown field `onfailure`",
            ),
            ("[[plugin]]\nsource = \"builtin:nothing\"", "/etc/weir.toml:2: `source`: expected `builtin:"),
            ("[[plugin]]\nsource = \"a.wasm\"\nsha256 = \"abc\"", "/etc/weir.toml:3: `sha256`: expected 64"),
            (
                "[[plugin]]\nsource = \"a.wasm\"\n[[plugin]]\nsource = \"b/a.wasm\"",
                "/etc/weir.toml:3: expected each",
            ),
            ("[views]\nbrief = [\"x\"]", "/etc/weir.toml:2: view `brief`: expected the name"),
            ("[views]\nbrief = []", "/etc/weir.toml:2: view `brief`: expected at least one"),
            ("[[plugin]]\nsource = \"a.wasm\"\nlimits = { timeMs = 0 }", "/etc/weir.toml:3: `limits.timeMs`"),
            (
                "[[plugin]]\nsource = \"a.wasm\"\ngrants = { read = [\"/no/such\"] }",
                "/etc/weir.toml:3: `grants.read`",
            ),
            ("[[plugin]]\nname = \"x\"", "/etc/weir.toml:1: missing field `source`"),
            ("x = ", "/etc/weir.toml:1: "),
            ("default = 5", "/etc/weir.toml:1: `default`: expected string or table, saw 5"),
            (
                "default = \"no\"",
                "/etc/weir.toml:1: `default`: expected one of `allow`, `ask`, `deny`, saw `no`",
            ),
            ("\naskTimeoutMs = \"5\"", "/etc/weir.toml:2: `askTimeoutMs`: expected u64, saw string \"5\""),
            ("plugin = 1", "/etc/weir.toml:1: `plugin`: expected "),
            (
                "[[plugin]]\nsource = \"a.wasm\"\n[[plugin]]\nsource = \"b.wasm\"\ningest = \"yes\"",
                "/etc/weir.toml:5: `plugin[1].ingest`: expected a boolean, saw string \"yes\"",
            ),
            (
                "[[plugin]]\nsource = \"a.wasm\"\ngrants = { env = [\"A\", 5] }",
                "/etc/weir.toml:3: `plugin[0].grants.env[1]`: expected a string, saw integer `5`",
            ),
            (
                "[[plugin]]\nsource = \"a.wasm\"\n[plugin.limits]\ntimeMs = -1",
                "/etc/weir.toml:4: `plugin[0].limits.timeMs`: expected u64, saw integer `-1`",
            ),
            (
                "[[plugin]]\nsource = 5",
                "/etc/weir.toml:2: `plugin[0].source`: expected a string, saw integer `5`",
            ),
            (
                "[views]\nbrief = \"x\"",
                "/etc/weir.toml:2: `views.brief`: expected a sequence, saw string \"x\"",
            ),
            (&crowd, "/etc/weir.toml:129: `plugin`: expected at most 64 plugins, saw 65"),
        ] {
            let seen = fault(text);
            assert!(seen.starts_with(expected), "expected `{expected}`, saw `{seen}`");
        }
    }
}
