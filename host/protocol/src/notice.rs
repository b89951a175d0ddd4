//! Notifications from the client.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::params::{self, Fault, Params, from_json};
use crate::{ErrorObject, RequestId};

/// A notification from the client. None of them is answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// `initialized`.
    Initialized,
    /// `exit`.
    Exit,
    /// `$/cancelRequest` or `notifications/cancelled`.
    Cancel {
        /// The request that is no longer wanted.
        id: RequestId,
    },
    /// One of another name, which is to be ignored.
    Unknown {
        /// Its name.
        method: String,
    },
    /// A known one with params that cannot be understood. For the log.
    Malformed {
        /// Its name.
        method: String,
        /// What is wrong with it.
        error: ErrorObject,
    },
}

impl Notice {
    /// Names that are notifications, and are not to be sent with an id.
    pub(crate) fn is_known(method: &str) -> bool {
        matches!(method, "initialized" | "exit" | "$/cancelRequest" | "notifications/cancelled")
    }

    pub(crate) fn decode(method: String, params: Option<&RawValue>) -> Self {
        let id = match method.as_str() {
            "initialized" => return Self::Initialized,
            "exit" => return Self::Exit,
            "$/cancelRequest" => params::decode(&method, params).map(|CancelRequest { id }| id),
            "notifications/cancelled" => {
                params::decode(&method, params).map(|Cancelled { request_id }| request_id)
            }
            _ => return Self::Unknown { method },
        };
        match id {
            Ok(id) => Self::Cancel { id },
            Err(error) => Self::Malformed { method, error },
        }
    }
}

/// As in LSP.
#[derive(Deserialize)]
struct CancelRequest {
    id: RequestId,
}

/// As in MCP.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cancelled {
    request_id: RequestId,
}

impl Params for CancelRequest {
    fn decode(text: &str) -> Result<Self, Fault> {
        from_json(text)
    }
}

impl Params for Cancelled {
    fn decode(text: &str) -> Result<Self, Fault> {
        from_json(text)
    }
}
