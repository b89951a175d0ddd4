//! Requests to the client.

use crate::{AskParams, json};

/// A request to the client, one variant a method. Its answer comes in as
/// [`Incoming::Response`](crate::Incoming::Response).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientRequest {
    /// `policy/ask`, which [`AskResult`](crate::AskResult) answers. Only for clients with the capability `ask`.
    PolicyAsk(AskParams),
}

impl ClientRequest {
    /// The name of the method.
    pub const fn method(&self) -> &'static str {
        match self {
            Self::PolicyAsk(_) => "policy/ask",
        }
    }

    /// Appends the params as JSON.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::PolicyAsk(params) => json::write_value(out, params),
        }
    }
}
