//! The closed list of error kinds, with their JSON-RPC codes.

/// Why a request failed, in one stable word that clients match on (`error.data.kind`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Not JSON.
    ParseError,
    /// JSON, but no JSON-RPC request.
    InvalidRequest,
    /// A message over the size limit.
    MessageTooLarge,
    /// No process with this id is retained.
    UnknownProcess,
    /// A process with this id is still retained.
    DuplicateProcess,
    /// No session with this id.
    UnknownSession,
    /// No method of this name.
    MethodNotFound,
    /// A member that is missing, ill-typed or out of range.
    InvalidParams,
    /// A fault of the host's own.
    Internal,
    /// The command could not be started; `stage` says how far it came.
    SpawnFailed,
    /// Anything but `initialize` came first.
    NotInitialized,
    /// No such file, or no such open file.
    NotFound,
    /// What is there is not of the kind that the request needs, or the id of an open file is in use.
    FileRefused,
    /// The system refused access to a file, or failed at it.
    FileFailed,
    /// The session is live on another connection.
    SessionAttached,
    /// A policy said no.
    PolicyDenied,
    /// A policy could not say anything, or the configuration is broken; `cause` says how. Nothing is run.
    PolicyFailed,
    /// A stated bound was reached.
    LimitExceeded,
    /// The client cancelled the request.
    RequestCancelled,
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: &[Self] = &[
        Self::ParseError,
        Self::InvalidRequest,
        Self::MessageTooLarge,
        Self::UnknownProcess,
        Self::DuplicateProcess,
        Self::UnknownSession,
        Self::MethodNotFound,
        Self::InvalidParams,
        Self::Internal,
        Self::SpawnFailed,
        Self::NotInitialized,
        Self::NotFound,
        Self::FileRefused,
        Self::FileFailed,
        Self::SessionAttached,
        Self::PolicyDenied,
        Self::PolicyFailed,
        Self::LimitExceeded,
        Self::RequestCancelled,
    ];

    /// The JSON-RPC error code. Several kinds may share one.
    pub const fn code(self) -> i64 {
        self.wire().0
    }

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        self.wire().1
    }

    const fn wire(self) -> (i64, &'static str) {
        match self {
            Self::ParseError => (-32700, "parseError"),
            Self::InvalidRequest => (-32600, "invalidRequest"),
            Self::MessageTooLarge => (-32600, "messageTooLarge"),
            Self::UnknownProcess => (-32600, "unknownProcess"),
            Self::DuplicateProcess => (-32600, "duplicateProcess"),
            Self::UnknownSession => (-32600, "unknownSession"),
            Self::MethodNotFound => (-32601, "methodNotFound"),
            Self::InvalidParams => (-32602, "invalidParams"),
            Self::Internal => (-32603, "internal"),
            Self::SpawnFailed => (-32603, "spawnFailed"),
            Self::NotInitialized => (-32002, "notInitialized"),
            Self::NotFound => (-32004, "notFound"),
            Self::FileRefused => (-32600, "fileRefused"),
            Self::FileFailed => (-32603, "fileFailed"),
            Self::SessionAttached => (-32010, "sessionAttached"),
            Self::PolicyDenied => (-32020, "policyDenied"),
            Self::PolicyFailed => (-32021, "policyFailed"),
            Self::LimitExceeded => (-32022, "limitExceeded"),
            Self::RequestCancelled => (-32800, "requestCancelled"),
        }
    }
}
