//! The end of a process.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use super::Limit;

/// How a process ended. On the wire: `exitCode`, `signal`, `cause`, and with `cause: limit` also `limit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exit {
    /// The exit status; 128 + n after signal n; -1 if the end was not seen.
    pub exit_code: i32,
    /// The name of the signal that ended it, with `SIG`.
    pub signal: Option<Cow<'static, str>>,
    /// What brought it about.
    pub cause: Cause,
    /// The limit that it was; left out for every other cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
}

/// What ended a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Cause {
    /// It exited.
    Exit,
    /// A signal that the host did not send of its own accord.
    Signal,
    /// `timeoutMs` ran out.
    Timeout,
    /// `idleTimeoutMs` ran out.
    IdleTimeout,
    /// The client or the end of the session stopped it.
    Terminated,
    /// A limit was reached.
    Limit,
    /// Its end was not seen.
    Lost,
}

/// What a process has used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Time on a processor in its own code, in milliseconds.
    pub user_ms: u64,
    /// Time on a processor in the kernel, in milliseconds.
    pub system_ms: u64,
    /// The most memory that was resident at once.
    pub max_rss_bytes: u64,
    /// Time from spawn to exit by the monotonic clock, in milliseconds.
    pub elapsed_ms: u64,
}

/// For `serialize_with` on a flattened member: `exited`, and the rest or nulls.
pub(crate) fn nullable<S: Serializer>(exit: &Option<Exit>, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Members<'a> {
        exited: bool,
        exit_code: Option<i32>,
        signal: Option<&'a str>,
        cause: Option<Cause>,
        #[serde(skip_serializing_if = "Option::is_none")]
        limit: Option<Limit>,
    }

    let members = Members {
        exited: exit.is_some(),
        exit_code: exit.as_ref().map(|exit| exit.exit_code),
        signal: exit.as_ref().and_then(|exit| exit.signal.as_deref()),
        cause: exit.as_ref().map(|exit| exit.cause),
        limit: exit.as_ref().and_then(|exit| exit.limit),
    };
    members.serialize(serializer)
}
