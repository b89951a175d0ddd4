//! Why a plugin was not loaded.

use crate::fault::Fault;
use crate::spec::Kind;

/// Why a plugin was not loaded. Each names the plugin and the thing at fault, and where it applies what was expected and
/// what was seen.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file is not there, is no regular file, or cannot be read.
    #[error("plugin `{plugin}`: cannot read `{path}`: {detail}")]
    Unreadable {
        /// The plugin's configured name, as in all others.
        plugin: String,
        /// The file.
        path: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The file is larger than `component_bytes`.
    #[error("plugin `{plugin}`: the component has {seen} bytes, expected at most {limit}")]
    TooLarge {
        /// The plugin's configured name.
        plugin: String,
        /// The limit in bytes.
        limit: u64,
        /// The size in bytes.
        seen: u64,
    },
    /// It is no WebAssembly at all.
    #[error("plugin `{plugin}`: expected a WebAssembly component, saw {seen}")]
    NotWasm {
        /// The plugin's configured name.
        plugin: String,
        /// What it looks like.
        seen: String,
    },
    /// Its parts do not follow one another as they should.
    #[error("plugin `{plugin}`: the component is damaged: {detail}")]
    Malformed {
        /// The plugin's configured name.
        plugin: String,
        /// Where and what.
        detail: String,
    },
    /// It is WebAssembly, but no component.
    #[error(
        "plugin `{plugin}`: expected a component, saw a core module: build it for `wasm32-wasip2`, or wrap it with `wasm-tools component new`"
    )]
    CoreModule {
        /// The plugin's configured name.
        plugin: String,
    },
    /// It is not the file that was pinned.
    #[error("plugin `{plugin}`: expected sha256 `{expected}`, saw `{seen}`")]
    Digest {
        /// The plugin's configured name.
        plugin: String,
        /// The digest that the configuration gives, in hex.
        expected: String,
        /// The component's digest, in hex.
        seen: String,
    },
    /// It imports something that the host does not know.
    #[error(
        "plugin `{plugin}`: imports `{import}`, which this host does not offer; expected `weir:plugin/*@0.1.x` and WASI 0.2 without sockets and http"
    )]
    ForeignImport {
        /// The plugin's configured name.
        plugin: String,
        /// The import's whole name.
        import: String,
    },
    /// It imports something that is a way out of the sandbox.
    #[error("plugin `{plugin}`: imports `{import}`, which plugins are never granted")]
    NotGranted {
        /// The plugin's configured name.
        plugin: String,
        /// The import's whole name.
        import: String,
    },
    /// It was made for another version of the interface.
    #[error(
        "plugin `{plugin}`: `{name}` is of version `{seen}`, expected `{expected}`: it was made for another version of this host"
    )]
    WrongVersion {
        /// The plugin's configured name.
        plugin: String,
        /// The import or export that says so.
        name: String,
        /// What this host offers.
        expected: String,
        /// What the component wants.
        seen: String,
    },
    /// It does not export `weir:plugin/plugin`, which every plugin must.
    #[error("plugin `{plugin}`: does not export `weir:plugin/plugin@0.1.0`, expected of every plugin")]
    MissingInit {
        /// The plugin's configured name.
        plugin: String,
    },
    /// It is configured as something that it is not.
    #[error("plugin `{plugin}`: is no {kind}: expected the export `weir:plugin/{kind}@0.1.0`, saw {}", exports.join(", "))]
    MissingExport {
        /// The plugin's configured name.
        plugin: String,
        /// What it should be.
        kind: Kind,
        /// What it exports instead, each in backticks.
        exports: Vec<String>,
    },
    /// It is nothing that the host can use.
    #[error(
        "plugin `{plugin}`: is nothing: expected an export of `weir:plugin/policy`, `filter` or `summary`"
    )]
    NoKind {
        /// The plugin's configured name.
        plugin: String,
    },
    /// It exports an interface by name whose types are others.
    #[error("plugin `{plugin}`: the types of `{interface}` differ from this host's: {detail}")]
    TypeMismatch {
        /// The plugin's configured name.
        plugin: String,
        /// The interface's whole name.
        interface: String,
        /// Where they differ.
        detail: String,
    },
    /// It is not valid, or uses what is switched off (threads, 64-bit memories).
    #[error("plugin `{plugin}`: cannot be compiled: {detail}")]
    Compile {
        /// The plugin's configured name.
        plugin: String,
        /// What the compiler said.
        detail: String,
    },
    /// What it imports by name has another type here.
    #[error("plugin `{plugin}`: its imports do not fit this host: {detail}")]
    Link {
        /// The plugin's configured name.
        plugin: String,
        /// Which, and how they differ.
        detail: String,
    },
    /// A directory that it is granted cannot be opened.
    #[error("plugin `{plugin}`: cannot grant `{path}`: {detail}")]
    Grant {
        /// The plugin's configured name.
        plugin: String,
        /// The directory.
        path: String,
        /// What is wrong with it.
        detail: String,
    },
    /// It said no to its configuration, or cannot work for another reason of its own.
    #[error("plugin `{plugin}`: refused its configuration: {message} (`{code}`)")]
    Refused {
        /// The plugin's configured name.
        plugin: String,
        /// The plugin's own short word.
        code: String,
        /// What it says is wrong.
        message: String,
    },
    /// It broke down when it was tried.
    #[error("plugin `{}`: broke down when it was tried ({}): {}", .0.plugin, .0.kind, .0.message)]
    Fault(Box<Fault>),
}

impl LoadError {
    /// The name of the plugin that was not loaded.
    pub fn plugin(&self) -> &str {
        match self {
            Self::Unreadable { plugin, .. }
            | Self::TooLarge { plugin, .. }
            | Self::NotWasm { plugin, .. }
            | Self::Malformed { plugin, .. }
            | Self::CoreModule { plugin }
            | Self::Digest { plugin, .. }
            | Self::ForeignImport { plugin, .. }
            | Self::NotGranted { plugin, .. }
            | Self::WrongVersion { plugin, .. }
            | Self::MissingInit { plugin }
            | Self::MissingExport { plugin, .. }
            | Self::NoKind { plugin }
            | Self::TypeMismatch { plugin, .. }
            | Self::Compile { plugin, .. }
            | Self::Link { plugin, .. }
            | Self::Grant { plugin, .. }
            | Self::Refused { plugin, .. } => plugin,
            Self::Fault(fault) => &fault.plugin,
        }
    }
}
