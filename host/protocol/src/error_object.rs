//! The error of a response.

use std::borrow::Cow;
use std::fmt;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::{ErrorKind, FrameError};

/// Why a request failed: a kind for programs, a message for people, and the facts behind both.
///
/// On the wire: `{"code", "message", "data": {"kind", ...details}}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorObject {
    kind: ErrorKind,
    message: String,
    details: Vec<(&'static str, Detail)>,
}

/// A fact that goes with an error, as a member of its `data`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Detail {
    /// A name, a path, a text.
    String(String),
    /// An errno, a negative number.
    Signed(i64),
    /// A size, a count, a limit.
    Unsigned(u64),
    /// A yes or no.
    Bool(bool),
}

impl ErrorObject {
    /// An error without details. `message` is in lower case, has no full stop, and names the thing at fault.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), details: Vec::new() }
    }

    /// Adds a member to `data`, behind those already there.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Detail>) -> Self {
        self.details.push((name, value.into()));
        self
    }

    /// The kind, which decides the code.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The JSON-RPC error code.
    pub fn code(&self) -> i64 {
        self.kind.code()
    }

    /// The message for people.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// A member of `data`, if it is there.
    pub fn detail(&self, name: &str) -> Option<&Detail> {
        self.details.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

impl fmt::Display for ErrorObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ErrorObject {}

impl Serialize for ErrorObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("code", &self.code())?;
        map.serialize_entry("message", &self.message)?;
        map.serialize_entry("data", &Data(self))?;
        map.end()
    }
}

impl From<FrameError> for ErrorObject {
    fn from(error: FrameError) -> Self {
        let message = error.to_string();
        match error {
            FrameError::TooLarge { limit } => Self::new(ErrorKind::MessageTooLarge, message)
                .with("limit", "maxMessageBytes")
                .with("value", limit),
            FrameError::Header { expected, seen } => {
                Self::new(ErrorKind::ParseError, message).with("expected", expected).with("seen", seen)
            }
            FrameError::Truncated { expected, seen } => {
                Self::new(ErrorKind::ParseError, message).with("expected", expected).with("seen", seen)
            }
        }
    }
}

struct Data<'a>(&'a ErrorObject);

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1 + self.0.details.len()))?;
        map.serialize_entry("kind", self.0.kind.as_str())?;
        for (name, value) in &self.0.details {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl From<&str> for Detail {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl From<String> for Detail {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

impl From<Cow<'_, str>> for Detail {
    fn from(value: Cow<'_, str>) -> Self {
        Self::String(value.into_owned())
    }
}

impl From<i32> for Detail {
    fn from(value: i32) -> Self {
        Self::Signed(value.into())
    }
}

impl From<i64> for Detail {
    fn from(value: i64) -> Self {
        Self::Signed(value)
    }
}

impl From<u32> for Detail {
    fn from(value: u32) -> Self {
        Self::Unsigned(value.into())
    }
}

impl From<u64> for Detail {
    fn from(value: u64) -> Self {
        Self::Unsigned(value)
    }
}

impl From<usize> for Detail {
    fn from(value: usize) -> Self {
        Self::Unsigned(value as u64)
    }
}

impl From<bool> for Detail {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}
