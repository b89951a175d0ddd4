//! What the configuration says of a plugin.

use std::path::PathBuf;
use std::time::Duration;

/// A plugin as it is configured.
#[derive(Debug, Clone)]
pub struct PluginSpec {
    /// What the person calls it; unique among the plugins of one configuration. Named in every error and fault.
    pub name: String,
    /// Where the component is.
    pub source: Source,
    /// The kinds it is used as; `None` for all that it exports.
    pub kinds: Option<Vec<Kind>>,
    /// A JSON object, handed to `init` of every instance as it is; `{}` if there is nothing to say.
    pub config: String,
    /// What it may use up.
    pub limits: PluginLimits,
    /// What it may see beside what it is called with.
    pub grants: Grants,
    /// The digest that the component must have.
    pub sha256: Option<[u8; 32]>,
    /// What a fault means where it judges commands.
    pub on_failure: OnFailure,
}

impl PluginSpec {
    /// A plugin of this name with the defaults: every kind, empty config, default limits, no grants, no pin, and
    /// faults that deny.
    pub fn new(name: impl Into<String>, source: Source) -> Self {
        Self {
            name: name.into(),
            source,
            kinds: None,
            config: String::from("{}"),
            limits: PluginLimits::default(),
            grants: Grants::default(),
            sha256: None,
            on_failure: OnFailure::Deny,
        }
    }
}

/// Where a component comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A file, read when the plugin is loaded and not looked at again.
    File(PathBuf),
    /// One that is part of the binary.
    Builtin {
        /// Its name without the `builtin:` before it.
        name: &'static str,
        /// The component's bytes.
        component: &'static [u8],
    },
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Builtin { name, .. } => write!(f, "builtin:{name}"),
        }
    }
}

/// What a plugin can be. A component may be several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Judges commands before they run.
    Policy,
    /// Transforms what a command prints.
    Filter,
    /// Reports on what a closed process has printed.
    Summary,
}

impl Kind {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 3] = [Self::Policy, Self::Filter, Self::Summary];

    /// `policy`, `filter` or `summary`: also the name of the interface in `wit/`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Filter => "filter",
            Self::Summary => "summary",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

/// What a policy's fault means for the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// It does not run.
    Deny,
    /// A person is asked; where there is none it does not run.
    Ask,
}

/// What a plugin may use up. All of them hold per instance or call, none over the plugin's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginLimits {
    /// How long a call of a policy or filter may run, and how long it may wait for the host (a clock, a file) beside that.
    /// Counted in ticks of 5 ms in which the guest itself runs; time in which others have their turn is not its own.
    pub time: Duration,
    /// The same for making an instance together with its `init`.
    pub init_time: Duration,
    /// The same for a summary.
    pub summary_time: Duration,
    /// All memories of an instance together.
    pub memory_bytes: u64,
    /// What one call may hand out, and what a filter may give for one push beside the bytes that went in.
    pub output_bytes: u64,
    /// The largest component that is read.
    pub component_bytes: u64,
}

impl Default for PluginLimits {
    fn default() -> Self {
        Self {
            time: Duration::from_millis(100),
            init_time: Duration::from_secs(1),
            summary_time: Duration::from_secs(10),
            memory_bytes: 64 << 20,
            output_bytes: 8 << 20,
            component_bytes: 64 << 20,
        }
    }
}

/// What a plugin may see. Nothing by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// Names of variables of the command's environment; `*` stands for any characters, `?` for one.
    pub env: Vec<String>,
    /// Absolute directories that the guest may read, with everything below, under the same path. Each instance holds a
    /// descriptor for each.
    pub read: Vec<PathBuf>,
}
