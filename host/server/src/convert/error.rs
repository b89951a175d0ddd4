//! From the errors of processes to those of the wire: the one map of codes, kinds and texts for clients.

use std::path::Path;

use weir_process::{
    FailureDetail, ResizeError, Signalled, SpillError, Stage, StartError, StdinQueueFull, TooManyOrders,
};
use weir_protocol::{ErrorKind, ErrorObject, ProcessId, Reply};

use crate::outbox::Outcome;

/// Why a command does not run, naming the program or the directory at fault.
pub(crate) fn start_error(error: &StartError) -> ErrorObject {
    match error {
        StartError::Refused { stage: Stage::Chdir, errno, cwd, .. } => {
            let cwd = cwd.as_deref().unwrap_or(Path::new("."));
            let message =
                format!("cannot enter the working directory `{}`: {}", cwd.display(), reason(*errno));
            refused("chdir", errno.raw_os_error(), message).with("cwd", cwd.to_string_lossy().into_owned())
        }
        StartError::Refused { stage: Stage::Exec, errno, program, detail, .. } => {
            let program = clip(&program.to_string_lossy());
            let message = match detail {
                FailureDetail::NotInPath(path) => {
                    format!("cannot run `{program}`: no such program in the PATH `{}`", path.display())
                }
                FailureDetail::NoInterpreter(interpreter) => {
                    format!(
                        "cannot run `{program}`: its interpreter `{}` does not exist",
                        interpreter.display()
                    )
                }
                FailureDetail::IsDirectory => format!("cannot run `{program}`: it is a directory"),
                _ => format!("cannot run `{program}`: {}", reason(*errno)),
            };
            refused("exec", errno.raw_os_error(), message).with("program", program)
        }
        StartError::Refused { stage: Stage::Fork, errno, program, .. } => {
            let message = format!("cannot make a process for `{}`: {}", program.display(), reason(*errno));
            refused("fork", errno.raw_os_error(), message).with("program", program.display().to_string())
        }
        StartError::Refused { stage: Stage::Pty, errno, program, .. } => {
            let program = program.display();
            let message =
                format!("cannot give `{program}` the terminal that was made for it: {}", reason(*errno));
            refused("pty", errno.raw_os_error(), message).with("program", program.to_string())
        }
        StartError::Refused { stage: Stage::Limits, errno, program, detail, .. } => {
            let (program, reason) = (program.display(), reason(*errno));
            let message = match detail {
                FailureDetail::Limit(limit) => {
                    let limit = super::limit(*limit).as_str();
                    format!("cannot set the limit `{limit}` of `{program}`: {reason}")
                }
                FailureDetail::Setting(file) => {
                    format!("cannot set a limit of `{program}` at `{}`: {reason}", file.display())
                }
                _ => format!("cannot limit `{program}`: {reason}"),
            };
            let error = refused("limits", errno.raw_os_error(), message).with("program", program.to_string());
            match detail {
                FailureDetail::Limit(limit) => error.with("limit", super::limit(*limit).as_str()),
                _ => error,
            }
        }
        StartError::LimitNotHeld { limit } => {
            let limit = super::limit(*limit).as_str();
            let message = format!(
                "nothing on this machine can hold the limit `{limit}`: no control group can be made, and the kernel does \
                 not count the processes of a privileged user"
            );
            refused("limits", 0, message).with("limit", limit)
        }
        StartError::Terminal(io) => {
            let message = format!("cannot make a terminal: {io}");
            refused("pty", io.raw_os_error().unwrap_or_default(), message)
        }
        StartError::Streams(io) => {
            let message = format!("cannot make the streams of a process: {io}");
            refused("streams", io.raw_os_error().unwrap_or_default(), message)
        }
        StartError::Spill(SpillError { directory, error }) => {
            let message = format!("cannot keep output on disk in `{}`: {error}", directory.display());
            refused("spill", error.raw_os_error().unwrap_or_default(), message)
                .with("directory", directory.display().to_string())
        }
        StartError::ForkServer(_) => ErrorObject::new(ErrorKind::Internal, error.to_string()),
    }
}

/// A name as far as anybody reads it.
pub(super) fn clip(text: &str) -> String {
    match text.char_indices().nth(512) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

fn refused(stage: &'static str, errno: i32, message: String) -> ErrorObject {
    ErrorObject::new(ErrorKind::SpawnFailed, message).with("stage", stage).with("errno", i64::from(errno))
}

/// The kernel's reason, without its number.
fn reason(errno: impl Into<std::io::Error>) -> String {
    let text = errno.into().to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

pub(crate) fn stdin_full(id: &ProcessId, size: usize, full: StdinQueueFull) -> ErrorObject {
    let StdinQueueFull { queued_bytes, queued_writes, limit } = full;
    let message = format!(
        "process `{id}` does not read its standard input: expected at most {limit} bytes to wait for it, \
         saw {size} more on top of {queued_bytes} (writes: {queued_writes})"
    );
    ErrorObject::new(ErrorKind::LimitExceeded, message)
        .with("limit", "maxStdinBytes")
        .with("value", limit as u64)
}

pub(crate) fn too_many_orders(error: TooManyOrders) -> ErrorObject {
    ErrorObject::new(ErrorKind::LimitExceeded, error.to_string())
        .with("limit", "maxOrders")
        .with("value", error.limit as u64)
}

pub(crate) fn not_resized(id: &ProcessId, error: ResizeError) -> ErrorObject {
    match error {
        ResizeError::TooManyOrders(error) => too_many_orders(error),
        ResizeError::NoTerminal => {
            let message = format!(
                "`process/resize`: `processId`: expected a process that was started with `tty`, saw `{id}`, which has no \
                 terminal"
            );
            ErrorObject::new(ErrorKind::InvalidParams, message)
                .with("method", "process/resize")
                .with("member", "processId")
        }
    }
}

pub(crate) fn unknown_signal(name: &str) -> ErrorObject {
    let message = format!("`process/signal`: `signal`: expected `interrupt` or a POSIX name, saw `{name}`");
    ErrorObject::new(ErrorKind::InvalidParams, message)
        .with("method", "process/signal")
        .with("member", "signal")
}

pub(crate) fn signalled(signalled: Signalled) -> Outcome {
    match signalled {
        Signalled { delivered: 0, errno } if errno != 0 => {
            let reason = reason(std::io::Error::from_raw_os_error(errno));
            let message = format!("cannot send the signal: {reason}");
            Err(ErrorObject::new(ErrorKind::Internal, message).with("errno", i64::from(errno)))
        }
        _ => Ok(Reply::ProcessSignal),
    }
}
