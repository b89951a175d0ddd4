//! From the params of a start to a command, its bounds and its environment.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use weir_process::{
    Command, EnvPolicy, Inherit, Leftovers, Limits, Output, Overflow, ProcessOptions, Retention, StdinSource,
    TerminalSize, Variable,
};
use weir_protocol as wire;
use weir_protocol::{ErrorKind, ErrorObject, OutputEncoding, StartParams, Tty};

use super::file_path;
use crate::config::HostConfig;

/// Bytes of a process's metadata, which is kept as long as the process.
const MAX_METADATA: usize = 64 * 1024;

/// What to start, in the words of processes.
#[derive(Debug)]
pub(crate) struct StartSpec {
    pub(crate) command: Command,
    pub(crate) options: ProcessOptions,
    /// What was asked for, as it is told to the client and to plugins.
    pub(crate) argv: Arc<[String]>,
    /// The variables that the caller sets itself.
    pub(crate) given_env: Vec<(String, String)>,
    pub(crate) metadata: Arc<[(String, String)]>,
    pub(crate) encoding: OutputEncoding,
    /// The view that will be wanted: nothing runs if there is none of this name.
    pub(crate) view: Option<String>,
}

impl StartSpec {
    /// The name that the program is run under, if it is another one than the command says.
    pub(crate) fn arg0_of(&self, command: &weir_plugin::Command) -> Option<String> {
        let arg0 = self.command.arg0.as_ref().filter(|_| command.argv[..] == self.argv[..])?;
        let (arg0, program) = (Path::new(arg0), Path::new(command.argv.first()?));
        let differs = arg0.file_name() != program.file_name();
        differs.then(|| arg0.to_string_lossy().into_owned())
    }
}

/// Takes the params of a start apart, which several methods have.
pub(crate) fn start_spec(
    method: &'static str,
    params: StartParams,
    config: &HostConfig,
) -> Result<StartSpec, ErrorObject> {
    refuse_unsupported(method, &params)?;
    let metadata: usize = params.metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if metadata > MAX_METADATA {
        return Err(invalid(
            method,
            "metadata",
            &format!("expected at most {MAX_METADATA} bytes, saw {metadata}"),
        ));
    }
    let cwd = params.cwd.as_deref().map(|cwd| path(method, "cwd", cwd)).transpose()?;
    let defaults = match params.env_defaults {
        Some(false) => Vec::new(),
        Some(true) | None => env_defaults(params.tty != Tty::Off),
    };
    let env = environment(params.env.as_deref(), params.env_policy.as_ref(), defaults);
    let set = params.env_policy.as_ref().and_then(|policy| policy.set.as_deref()).unwrap_or_default();
    let given_env = [set, params.env.as_deref().unwrap_or_default()].concat();
    let command = Command {
        argv: params.argv.iter().map(OsString::from).collect(),
        arg0: params.arg0.map(OsString::from),
        cwd,
        env,
        stdin: if params.pipe_stdin { StdinSource::Pipe } else { StdinSource::Null },
        output: output(params.tty, params.merge_stderr),
        limits: limits(params.limits.unwrap_or_default()),
    };
    let asked = params.retention.unwrap_or_default();
    let retention = Retention {
        max_bytes: asked.max_bytes.unwrap_or(config.max_bytes_per_process),
        max_chunks: config.max_chunks_per_process,
        overflow: overflow(asked.overflow),
        whole_characters: params.output_encoding == OutputEncoding::Utf8,
        hold: config.hold,
    };
    let options = ProcessOptions {
        retention,
        timeout: params.timeout_ms.map(Duration::from_millis),
        idle_timeout: params.idle_timeout_ms.map(Duration::from_millis),
        leftovers: match params.leftovers {
            wire::Leftovers::Keep => Leftovers::Keep,
            wire::Leftovers::Terminate => Leftovers::Terminate,
        },
        grace: config.grace,
        max_stdin_bytes: config.max_stdin_bytes,
        watch_input: true,
        followed: false,
    };
    Ok(StartSpec {
        command,
        options,
        argv: params.argv.into(),
        given_env,
        metadata: params.metadata.into(),
        encoding: params.output_encoding,
        view: None,
    })
}

/// What the host has not got is refused by name, never passed over.
fn refuse_unsupported(method: &'static str, params: &StartParams) -> Result<(), ErrorObject> {
    let unsupported = [
        // Running without the sandbox, or past the proxy, that was asked for would be worse than an error.
        ("sandbox", params.sandbox.is_some()),
        ("enforceManagedNetwork", params.enforce_managed_network),
    ];
    match unsupported.into_iter().find(|(_, asked)| *asked) {
        Some((member, _)) => Err(invalid(method, member, "expected none, since the host has none, saw one")),
        None => Ok(()),
    }
}

/// A terminal carries both streams in any case.
fn output(tty: Tty, merge_stderr: bool) -> Output {
    match (tty, merge_stderr) {
        (Tty::On(wire::TerminalSize { cols, rows }), _) => Output::Terminal(TerminalSize { cols, rows }),
        (Tty::Off, true) => Output::Merged,
        (Tty::Off, false) => Output::Separate,
    }
}

fn limits(limits: wire::ProcessLimits) -> Limits {
    let wire::ProcessLimits { memory_bytes, cpu_seconds, open_files, file_bytes, processes } = limits;
    Limits { memory_bytes, cpu_seconds, open_files, file_bytes, processes }
}

fn overflow(overflow: wire::Overflow) -> Overflow {
    match overflow {
        wire::Overflow::DropMiddle => Overflow::DropMiddle,
        wire::Overflow::DropOldest => Overflow::DropOldest,
        wire::Overflow::Backpressure => Overflow::Backpressure,
        wire::Overflow::Spill => Overflow::Spill,
    }
}

/// A run that would wait for ever once its bound is reached.
pub(crate) fn nobody_takes() -> ErrorObject {
    invalid(
        "process/run",
        "retention.overflow",
        "expected `backpressure` with `notify: true` or in a `process/start`, saw it where nobody takes output before \
         the end",
    )
}

fn invalid(method: &'static str, member: &'static str, what: &str) -> ErrorObject {
    ErrorObject::new(ErrorKind::InvalidParams, format!("`{method}`: `{member}`: {what}"))
        .with("method", method)
        .with("member", member)
}

/// An absolute path in UTF-8: policies judge directories as text.
fn path(method: &'static str, member: &'static str, given: &str) -> Result<PathBuf, ErrorObject> {
    let path = file_path(method, member, given)?;
    if path.to_str().is_none() {
        let what = format!("expected an absolute path or a `file:` URI, saw `{given}`, which is no UTF-8");
        return Err(invalid(method, member, &what));
    }
    Ok(path)
}

/// What a command that nobody sits at is told by its variables: that there is nobody to page for, to ask or to colour
/// for. What is inherited of them is about the host's terminal, not about the command's.
pub(crate) fn env_defaults(tty: bool) -> Vec<Variable> {
    let chosen: &[(&str, &str)] = match tty {
        true => &[("TERM", "xterm-256color")],
        false => &[
            ("TERM", "dumb"),
            ("PAGER", "cat"),
            ("GIT_PAGER", "cat"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("NO_COLOR", "1"),
        ],
    };
    chosen.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

/// `env` alone is everything; a policy makes an environment that `env` is laid over; neither: the core.
fn environment(
    env: Option<&[(String, String)]>,
    policy: Option<&wire::EnvPolicy>,
    defaults: Vec<Variable>,
) -> Vec<Variable> {
    let overlay = variables(env.unwrap_or_default());
    match (env, policy) {
        (Some(_), None) => overlay,
        (_, policy) => {
            let mut policy = policy.map(env_policy).unwrap_or_default();
            policy.defaults = defaults;
            policy.apply(std::env::vars_os(), &overlay)
        }
    }
}

fn env_policy(policy: &wire::EnvPolicy) -> EnvPolicy {
    EnvPolicy {
        inherit: match policy.inherit {
            wire::EnvInherit::All => Inherit::All,
            wire::EnvInherit::Core => Inherit::Core,
            wire::EnvInherit::None => Inherit::Nothing,
        },
        defaults: Vec::new(),
        ignore_default_excludes: policy.ignore_default_excludes,
        exclude: policy.exclude.clone(),
        set: variables(policy.set.as_deref().unwrap_or_default()),
        include_only: policy.include_only.clone(),
    }
}

fn variables(pairs: &[(String, String)]) -> Vec<Variable> {
    pairs.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_native_or_a_file_uri() {
        for (given, expected) in [
            ("/tmp", "/tmp"),
            ("file:///tmp/a%20b", "/tmp/a b"),
            ("FILE:/tmp", "/tmp"),
            ("file://localhost/tmp", "/tmp"),
            ("/tmp/100%", "/tmp/100%"),
        ] {
            assert_eq!(path("process/start", "cwd", given).unwrap(), PathBuf::from(expected), "{given}");
        }
    }

    #[test]
    fn a_path_that_is_not_absolute_is_named_in_the_error() {
        for given in ["tmp", "./tmp", "", "file:tmp", "file://server/tmp", "file:///a%00b", "file:///%ff"] {
            let error = path("process/start", "cwd", given).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidParams, "{given}");
            assert!(
                error.message().starts_with("`process/start`: `cwd`: expected an absolute path"),
                "{}",
                error.message()
            );
        }
    }
}
