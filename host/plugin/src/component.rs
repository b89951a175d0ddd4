//! What a component is, imports and exports: read from its bytes, before anything is compiled.

use sha2::{Digest, Sha256};
use wasmparser::{Encoding, Parser, Payload};

use crate::load_error::LoadError;
use crate::spec::Kind;

/// The package that plugins are written against.
pub(crate) const PACKAGE: &str = "weir:plugin";
/// The version of it that this host offers.
pub const WIT_VERSION: &str = "0.1.0";
/// Versions of this track work: the host may have gained functions since, and plugins use those that they know.
const TRACK: &str = "0.1.";
/// What there is of WASI, with nothing inside.
const WASI: [&str; 5] = ["cli", "clocks", "filesystem", "io", "random"];
/// How many bytes an error shows of something that is no WebAssembly.
const SHOWN: usize = 8;

/// What can be said of a component without running it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Component or core module.
    pub format: Format,
    /// What it imports, in its order; of a core module nothing is listed.
    pub imports: Vec<Import>,
    /// Names of what it exports.
    pub exports: Vec<String>,
    /// What it can be, by its exports.
    pub kinds: Vec<Kind>,
    /// Whether it exports `weir:plugin/plugin`, as each plugin must.
    pub has_init: bool,
    /// The version of `weir:plugin` that it was written against, if it names one.
    pub wit_version: Option<String>,
    /// The component's sha256 in hex.
    pub sha256: String,
    /// All its bytes.
    pub bytes: u64,
    /// Bytes of its functions.
    pub code_bytes: u64,
    /// Bytes of its constants and tables.
    pub data_bytes: u64,
    /// Bytes of names, debug information and the like, which do not run.
    pub custom_bytes: u64,
}

/// What a `.wasm` file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// What a plugin has to be.
    Component,
    /// A module without a component around it: the tool that made it has to be told to make a component.
    CoreModule,
}

/// One thing that a component imports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// As it is written in the component.
    pub name: String,
    /// What it takes to have it.
    pub need: Need,
}

/// What it takes to have an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: the host's own interface.
    Nothing,
    /// Nothing, but there is nothing inside: a clock and random numbers, no arguments, no variables, no input.
    Empty,
    /// Nothing, but there are no files unless the configuration grants directories with `read`.
    ReadGrant,
    /// It cannot be had: it would be a way out of the sandbox that the host never grants.
    Refused,
    /// It cannot be had: the host does not know it.
    Unknown,
    /// It cannot be had: another version of the host's own interface.
    WrongVersion,
}

/// Reads what `component` is, imports and exports. Runs and compiles nothing; the order of its parts is checked, its code
/// is not. Fails with [`LoadError::NotWasm`] or [`LoadError::Malformed`]; a core module is no error.
pub fn inspect(component: &[u8]) -> Result<Inspection, LoadError> {
    inspect_as("component", component)
}

/// As [`inspect`], with the plugin's name for errors.
pub(crate) fn inspect_as(plugin: &str, component: &[u8]) -> Result<Inspection, LoadError> {
    check_magic(plugin, component)?;
    let malformed = |error: wasmparser::BinaryReaderError| LoadError::Malformed {
        plugin: plugin.to_owned(),
        detail: error.to_string(),
    };
    let mut found = Inspection {
        format: Format::CoreModule,
        imports: Vec::new(),
        exports: Vec::new(),
        kinds: Vec::new(),
        has_init: false,
        wit_version: None,
        sha256: hex(&Sha256::digest(component)),
        bytes: component.len() as u64,
        code_bytes: 0,
        data_bytes: 0,
        custom_bytes: 0,
    };
    // Nested modules and components have imports of their own, which are the component's business.
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(malformed)? {
            Payload::Version { encoding, .. } if depth == 0 && encoding == Encoding::Component => {
                found.format = Format::Component;
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CodeSectionStart { size, .. } => found.code_bytes += u64::from(size),
            Payload::DataSection(section) => {
                found.data_bytes += (section.range().end - section.range().start) as u64
            }
            Payload::CustomSection(section) => {
                found.custom_bytes += (section.range().end - section.range().start) as u64;
            }
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    let name = import.map_err(malformed)?.name.name.to_owned();
                    found.imports.push(Import { need: need(&name), name });
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    found.exports.push(export.map_err(malformed)?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    let version = found.versions().next().map(|(_, version)| version.to_owned());
    found.wit_version = version;
    let exports = |interface: &str| found.exports.iter().any(|name| is_interface(name, interface));
    found.has_init = exports("plugin");
    found.kinds = Kind::ALL.into_iter().filter(|kind| exports(kind.word())).collect();
    Ok(found)
}

impl Inspection {
    /// Every use of the host's package: the whole name, and the version in it.
    fn versions(&self) -> impl Iterator<Item = (&str, &str)> {
        let imports = self.imports.iter().map(|import| import.name.as_str());
        let names = imports.chain(self.exports.iter().map(String::as_str));
        names.filter_map(|name| package_version(name, PACKAGE).map(|version| (name, version)))
    }

    /// Whether everything that it imports can be had, in the version that it wants.
    pub(crate) fn check(&self, plugin: &str) -> Result<(), LoadError> {
        let plugin = || plugin.to_owned();
        if self.format == Format::CoreModule {
            return Err(LoadError::CoreModule { plugin: plugin() });
        }
        if let Some((name, seen)) = self.versions().find(|(_, version)| !version.starts_with(TRACK)) {
            return Err(LoadError::WrongVersion {
                plugin: plugin(),
                name: name.to_owned(),
                expected: format!("{TRACK}x"),
                seen: if seen.is_empty() { String::from("none") } else { seen.to_owned() },
            });
        }
        for Import { name, need } in &self.imports {
            match need {
                Need::Refused => {
                    return Err(LoadError::NotGranted { plugin: plugin(), import: name.clone() });
                }
                Need::Unknown | Need::WrongVersion => {
                    return Err(LoadError::ForeignImport { plugin: plugin(), import: name.clone() });
                }
                Need::Nothing | Need::Empty | Need::ReadGrant => {}
            }
        }
        if !self.has_init {
            return Err(LoadError::MissingInit { plugin: plugin() });
        }
        Ok(())
    }
}

fn check_magic(plugin: &str, component: &[u8]) -> Result<(), LoadError> {
    if component.starts_with(b"\0asm") {
        return Ok(());
    }
    let start = &component[..component.len().min(SHOWN)];
    let seen = if component.is_empty() {
        String::from("an empty file")
    } else if component.starts_with(b"\x7fELF") {
        String::from("a native program (ELF), as compiled plugins of a cache are; those are never taken")
    } else if component.trim_ascii_start().starts_with(b"(component")
        || component.trim_ascii_start().starts_with(b"(module")
    {
        String::from("the text format (WAT): assemble it first")
    } else if start.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n')) {
        format!("text that begins with `{}`", start.escape_ascii())
    } else {
        format!("bytes {}", hex(start))
    };
    Err(LoadError::NotWasm { plugin: plugin.to_owned(), seen })
}

fn need(name: &str) -> Need {
    if let Some(version) = package_version(name, PACKAGE) {
        return if version.starts_with(TRACK) { Need::Nothing } else { Need::WrongVersion };
    }
    let Some(rest) = name.strip_prefix("wasi:") else { return Need::Unknown };
    let Some((package, rest)) = rest.split_once('/') else { return Need::Unknown };
    if !WASI.contains(&package) {
        return Need::Refused;
    }
    match rest.split_once('@') {
        Some((_, version)) if version.starts_with("0.2.") => {
            if package == "filesystem" {
                Need::ReadGrant
            } else {
                Need::Empty
            }
        }
        _ => Need::Unknown,
    }
}

/// The version in a name of this package, empty if there is none; `None` if it is another package's.
fn package_version<'a>(name: &'a str, package: &str) -> Option<&'a str> {
    let rest = name.strip_prefix(package)?.strip_prefix('/')?;
    Some(rest.split_once('@').map_or("", |(_, version)| version))
}

fn is_interface(name: &str, interface: &str) -> bool {
    let rest = name.strip_prefix(PACKAGE).and_then(|rest| rest.strip_prefix('/'));
    rest.is_some_and(|rest| rest.split('@').next() == Some(interface))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_follow_from_names() {
        for (name, expected) in [
            ("weir:plugin/host@0.1.0", Need::Nothing),
            ("weir:plugin/host@0.1.7", Need::Nothing),
            ("weir:plugin/host@0.2.0", Need::WrongVersion),
            ("weir:plugin/host@0.10.0", Need::WrongVersion),
            ("weir:plugin/host", Need::WrongVersion),
            ("weir:plugins/host@0.1.0", Need::Unknown),
            ("wasi:cli/environment@0.2.6", Need::Empty),
            ("wasi:cli/environment@0.3.0", Need::Unknown),
            ("wasi:filesystem/types@0.2.0", Need::ReadGrant),
            ("wasi:sockets/tcp@0.2.0", Need::Refused),
            ("wasi:http/outgoing-handler@0.2.0", Need::Refused),
            ("acme:thing/part@1.0.0", Need::Unknown),
            ("do-something", Need::Unknown),
        ] {
            assert_eq!(need(name), expected, "{name}");
        }
    }

    #[test]
    fn what_is_no_webassembly_is_named() {
        for (bytes, expected) in [
            (&b""[..], "empty"),
            (b"#!/bin/sh\n", "#!/bin/s"),
            (b"\x7fELF\x02\x01", "ELF"),
            (b"(component)", "WAT"),
            (b"\x89PNG\r\n", "89504e470d0a"),
        ] {
            let error = inspect(bytes).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
