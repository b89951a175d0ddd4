//! The error object of a response.

use std::fmt;

use serde_json::Value;

use crate::json::Json;

/// What a request was refused with.
#[derive(Clone, Debug)]
pub struct RpcError {
    /// The number of JSON-RPC.
    pub code: i64,
    /// `data.kind`, the word that clients match on; empty if there is none.
    pub kind: String,
    /// The sentence for people.
    pub message: String,
    /// All of `data`; null if there is none.
    pub data: Value,
}

impl RpcError {
    /// The error in `response`, if it carries one.
    ///
    /// # Panics
    ///
    /// If the error object lacks its code or message.
    #[must_use]
    pub fn of(response: &Value) -> Option<Self> {
        let error = response.get("error")?;
        let data = error.get("data").cloned().unwrap_or(Value::Null);
        let kind = data.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(Self { code: error.int("code"), kind, message: error.text("message").to_owned(), data })
    }

    /// Asserts code and kind, and that the message names every one of `named`.
    ///
    /// # Panics
    ///
    /// If one of them differs.
    #[track_caller]
    pub fn assert(&self, code: i64, kind: &str, named: &[&str]) {
        assert_eq!((self.code, self.kind.as_str()), (code, kind), "{self}");
        for name in named {
            assert!(self.message.contains(name), "expected a message that names `{name}`, saw {self}");
        }
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "error {} {}: {} {}", self.code, self.kind, self.message, self.data)
    }
}

impl std::error::Error for RpcError {}
