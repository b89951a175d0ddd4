//! `process/start`: what to run, and how.

use serde::{Deserialize, Deserializer, Serialize};

use crate::params::{self, Fault, Params, from_json};
use crate::{Decision, Opaque, OutputEncoding, ProcessId};

/// Params of `process/start`. Everything that the contract names is here, whether the host supports it or not.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StartParams {
    /// The id that the client chose; the host makes one if there is none.
    pub process_id: Option<ProcessId>,
    /// Program and arguments. Never empty, and no NUL bytes.
    pub argv: Vec<String>,
    /// The working directory as it was sent: a native path or a `file:` URI. No NUL bytes.
    pub cwd: Option<String>,
    /// Variables in the order sent, each name once. No NUL bytes; names are not empty and hold no `=`.
    #[serde(default, deserialize_with = "params::string_map")]
    pub env: Option<Vec<(String, String)>>,
    /// Which variables of the host come before `env`.
    #[serde(default, deserialize_with = "params::optional_named")]
    pub env_policy: Option<EnvPolicy>,
    /// Whether the host chooses variables that keep commands from asking and from colouring; absent: it does.
    pub env_defaults: Option<bool>,
    /// Whether it runs on a terminal.
    #[serde(default, deserialize_with = "params::null_is_default")]
    pub tty: Tty,
    /// Whether stdin stays open for `process/write`.
    #[serde(default, deserialize_with = "params::null_is_default")]
    pub pipe_stdin: bool,
    /// Whether stdout and stderr share one pipe.
    #[serde(default, deserialize_with = "params::null_is_default")]
    pub merge_stderr: bool,
    /// What the command sees as its own name. No NUL bytes.
    pub arg0: Option<String>,
    /// Stop the tree after so long in all.
    pub timeout_ms: Option<u64>,
    /// Stop the tree after so long without output.
    pub idle_timeout_ms: Option<u64>,
    /// Limits of the kernel's.
    #[serde(default, deserialize_with = "params::optional_named")]
    pub limits: Option<ProcessLimits>,
    /// How much output is kept, and what happens to more.
    #[serde(default, deserialize_with = "params::optional_named")]
    pub retention: Option<Retention>,
    /// What becomes of descendants after the leader exits.
    #[serde(default, deserialize_with = "params::null_is_default")]
    pub leftovers: Leftovers,
    /// Whether output is pushed. Left out: it is after `process/start`, it is not during `process/run`.
    pub notify: Option<bool>,
    /// The form of output on the wire.
    #[serde(default, deserialize_with = "params::null_is_default")]
    pub output_encoding: OutputEncoding,
    /// For plugins and the audit log, in the order sent; values that are null were left out.
    #[serde(default, deserialize_with = "params::sparse_string_map")]
    pub metadata: Vec<(String, String)>,
    /// A sandbox that a Codex client asks for.
    pub sandbox: Option<Opaque>,
    /// Whether a Codex client insists on its network proxy.
    #[serde(default, deserialize_with = "params::null_is_default")]
    pub enforce_managed_network: bool,
    /// The network proxy of a Codex client.
    pub managed_network: Option<Opaque>,
}

/// Which variables of the host a command gets. `env` is laid over what this gives.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvPolicy {
    /// Where to begin.
    #[serde(default, deserialize_with = "params::null_is_default")]
    pub inherit: EnvInherit,
    /// Patterns of names to drop.
    #[serde(default, deserialize_with = "params::null_is_default")]
    pub exclude: Vec<String>,
    /// Variables to set, in the order sent, each name once.
    #[serde(default, deserialize_with = "params::string_map")]
    pub set: Option<Vec<(String, String)>>,
    /// Patterns of names to keep; all if there are none.
    #[serde(default, deserialize_with = "params::null_is_default")]
    pub include_only: Vec<String>,
    /// Whether names that look like credentials are kept.
    #[serde(default, deserialize_with = "params::null_is_default")]
    pub ignore_default_excludes: bool,
}

/// Which variables of the host an [`EnvPolicy`] begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EnvInherit {
    /// Every one.
    All,
    /// Those that nearly every program needs.
    #[default]
    Core,
    /// None.
    None,
}

/// Whether a command runs on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Tty {
    /// On pipes.
    #[default]
    Off,
    /// On a terminal of this size.
    On(TerminalSize),
}

/// The size of a terminal in characters. Neither is ever zero when parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TerminalSize {
    /// Characters in a line.
    pub cols: u16,
    /// Lines.
    pub rows: u16,
}

/// Limits of the kernel's on a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessLimits {
    /// Memory.
    pub memory_bytes: Option<u64>,
    /// Time on a processor.
    pub cpu_seconds: Option<u64>,
    /// Open descriptors.
    pub open_files: Option<u64>,
    /// The size of a file it writes.
    pub file_bytes: Option<u64>,
    /// Processes.
    pub processes: Option<u64>,
}

/// How much output is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Retention {
    /// The bound; the host's default if there is none. Never zero.
    pub max_bytes: Option<u64>,
    /// What happens to output over the bound.
    #[serde(default, deserialize_with = "params::null_is_default")]
    pub overflow: Overflow,
}

/// What happens to output over the bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Overflow {
    /// The beginning and the end are kept.
    #[default]
    DropMiddle,
    /// The end is kept.
    DropOldest,
    /// The command waits until output was read.
    Backpressure,
    /// Output goes to a file.
    Spill,
}

/// What becomes of descendants after the leader exits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Leftovers {
    /// They live on, within the session.
    #[default]
    Keep,
    /// They are stopped.
    Terminate,
}

/// Result of `process/start`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StartResult {
    /// The id, chosen by the client or made by the host.
    pub process_id: ProcessId,
    /// The leader.
    pub pid: u32,
    /// What really runs.
    pub argv: Vec<String>,
    /// The sandbox it runs in.
    pub sandbox_type: SandboxType,
    /// What policies decided on it; left out where there is no policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
}

/// A sandbox that a command runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SandboxType {
    /// No sandbox.
    #[default]
    None,
}

impl Default for TerminalSize {
    /// 80x24.
    fn default() -> Self {
        Self { cols: 80, rows: 24 }
    }
}

impl Params for StartParams {
    fn decode(text: &str) -> Result<Self, Fault> {
        let params: Self = from_json(text)?;
        params.check()?;
        Ok(params)
    }
}

impl StartParams {
    fn check(&self) -> Result<(), Fault> {
        if self.argv.is_empty() {
            return Err(Fault::new("argv", "expected a program, saw an empty array"));
        }
        if self.argv[0].is_empty() {
            return Err(Fault::new("argv[0]", "expected a program, saw an empty string"));
        }
        for (index, arg) in self.argv.iter().enumerate() {
            no_nul(|| format!("argv[{index}]"), arg)?;
        }
        for (name, text) in [("cwd", &self.cwd), ("arg0", &self.arg0)] {
            if let Some(text) = text {
                no_nul(|| name.to_owned(), text)?;
            }
        }
        check_env("env", self.env.as_deref())?;
        check_env("envPolicy.set", self.env_policy.as_ref().and_then(|policy| policy.set.as_deref()))?;
        if let Tty::On(size) = self.tty {
            not_zero("tty.cols", Some(size.cols.into()))?;
            not_zero("tty.rows", Some(size.rows.into()))?;
        }
        not_zero("timeoutMs", self.timeout_ms)?;
        not_zero("idleTimeoutMs", self.idle_timeout_ms)?;
        if let Some(limits) = self.limits {
            // A file of no bytes is one; the others would let nothing run at all.
            not_zero("limits.memoryBytes", limits.memory_bytes)?;
            not_zero("limits.cpuSeconds", limits.cpu_seconds)?;
            not_zero("limits.openFiles", limits.open_files)?;
            not_zero("limits.processes", limits.processes)?;
        }
        not_zero("retention.maxBytes", self.retention.and_then(|retention| retention.max_bytes))
    }
}

/// Refuses a size of zero: it can only be a mistake, and would mean that nothing is ever returned.
pub(crate) fn not_zero(member: &str, size: Option<u64>) -> Result<(), Fault> {
    match size {
        Some(0) => Err(Fault::new(member, "expected at least 1, saw 0")),
        _ => Ok(()),
    }
}

fn check_env(member: &str, env: Option<&[(String, String)]>) -> Result<(), Fault> {
    for (name, value) in env.unwrap_or_default() {
        if name.is_empty() {
            return Err(Fault::new(member, "expected a variable's name, saw an empty one"));
        }
        if name.contains('=') {
            let what = format!("expected a variable's name without `=`, saw `{}`", params::clip(name));
            return Err(Fault::new(member, what));
        }
        no_nul(|| member.to_owned(), name)?;
        no_nul(|| format!("{member}.{name}"), value)?;
    }
    Ok(())
}

/// Refuses what could not be passed on: the kernel takes strings up to a NUL byte.
pub(crate) fn no_nul(member: impl Fn() -> String, text: &str) -> Result<(), Fault> {
    match memchr::memchr(0, text.as_bytes()) {
        Some(at) => Err(Fault::new(member(), format!("expected no NUL byte, saw one at byte {at}"))),
        None => Ok(()),
    }
}

impl<'de> Deserialize<'de> for Tty {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TtyVisitor;

        impl<'de> serde::de::Visitor<'de> for TtyVisitor {
            type Value = Tty;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a boolean or an object with `cols` and `rows`")
            }

            fn visit_bool<E>(self, on: bool) -> Result<Tty, E> {
                Ok(if on { Tty::On(TerminalSize::default()) } else { Tty::Off })
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Tty, A::Error> {
                let size = TerminalSize::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(Tty::On(size))
            }
        }

        deserializer.deserialize_any(TtyVisitor)
    }
}
