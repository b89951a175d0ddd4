//! From a frame to a typed message.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::params::clip;
use crate::{Call, ErrorKind, ErrorObject, Notice, Opaque, RequestId};

/// A batch of more messages than this is refused as one, so that a small frame cannot ask for a huge answer.
pub const MAX_BATCH_MESSAGES: usize = 4096;

/// What a frame from the client holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    /// A request. It must be answered, exactly once.
    Request {
        /// What ties the answer to it.
        id: RequestId,
        /// The method, known or not.
        method: String,
        /// What is asked for, or why that cannot be understood.
        call: Result<Call, ErrorObject>,
    },
    /// A notification. It must not be answered.
    Notification(Notice),
    /// The answer to a request of the host's. It must not be answered.
    Response {
        /// The request; none if the client could not read its id.
        id: Option<RequestId>,
        /// Its result as JSON, or its error.
        outcome: Result<Opaque, ResponseError>,
    },
    /// No message. It must be answered with this error.
    Invalid {
        /// Its id, if it has a sound one.
        id: Option<RequestId>,
        /// What is wrong with it.
        error: ErrorObject,
    },
    /// Several messages, whose answers go into one array. Never empty, and none of them is a batch.
    Batch(Vec<Self>),
}

/// The error of a client's response.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
pub struct ResponseError {
    /// The code.
    pub code: i64,
    /// The message.
    pub message: String,
    /// Whatever else there is.
    pub data: Option<Opaque>,
}

/// Parses a frame. Never fails: what is no message is [`Incoming::Invalid`].
///
/// Takes time linear in the frame's length, and no stack for nesting. Members of one name: the last counts.
pub fn parse(frame: &[u8]) -> Incoming {
    // Checked here and not in passing: JSON parsers look at strings they keep, not at those they skip.
    let text = match std::str::from_utf8(frame) {
        Ok(text) => text,
        Err(error) => {
            return not_json(format!("expected UTF-8, saw another byte at byte {}", error.valid_up_to()));
        }
    };
    if text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('[') {
        parse_batch(text)
    } else {
        parse_message(text)
    }
}

fn parse_batch(text: &str) -> Incoming {
    match serde_json::from_str(text) {
        Err(error) => not_json(error.to_string()),
        Ok(Batch { count: 0, .. }) => invalid(None, "expected messages in a batch, saw none"),
        Ok(Batch { count, .. }) if count > MAX_BATCH_MESSAGES => {
            let message = format!("expected at most {MAX_BATCH_MESSAGES} messages in a batch, saw {count}");
            let error = ErrorObject::new(ErrorKind::InvalidRequest, message)
                .with("limit", "maxBatchMessages")
                .with("value", MAX_BATCH_MESSAGES);
            Incoming::Invalid { id: None, error }
        }
        Ok(batch) => Incoming::Batch(batch.messages.iter().map(|raw| parse_message(raw.get())).collect()),
    }
}

fn parse_message(text: &str) -> Incoming {
    match serde_json::from_str::<Message<'_>>(text) {
        Ok(message) => message.classify(),
        // By JSON's grammar a string may hold half a surrogate pair, though there is no such Unicode text: what
        // cannot be read may still be JSON.
        Err(error) if serde_json::from_str::<&RawValue>(text).is_ok() => match kind_of(text) {
            Some(kind) => invalid(None, format!("expected a message as an object, saw {kind}")),
            None => invalid(None, format!("expected member names in Unicode, saw another: {error}")),
        },
        Err(error) => not_json(error.to_string()),
    }
}

fn not_json(message: String) -> Incoming {
    let error = ErrorObject::new(ErrorKind::ParseError, message);
    Incoming::Invalid { id: None, error }
}

fn invalid(id: Option<RequestId>, message: impl Into<String>) -> Incoming {
    Incoming::Invalid { id, error: ErrorObject::new(ErrorKind::InvalidRequest, message) }
}

/// The members of a message that mean something, as they stand.
#[derive(Default)]
struct Message<'a> {
    jsonrpc: Option<&'a RawValue>,
    id: Option<&'a RawValue>,
    method: Option<&'a RawValue>,
    params: Option<&'a RawValue>,
    result: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
}

impl Message<'_> {
    fn classify(self) -> Incoming {
        let id = match self.id.map(|raw| (raw, serde_json::from_str::<RequestId>(raw.get()))) {
            None => Ok(None),
            Some((_, Ok(id))) => Ok(Some(id)),
            Some((raw, Err(_))) => Err(raw),
        };
        let sound_id = id.as_ref().ok().cloned().flatten();
        if let Some(version) = self.jsonrpc
            && serde_json::from_str::<Cow<'_, str>>(version.get()).ok().as_deref() != Some("2.0")
        {
            return invalid(sound_id, format!("`jsonrpc`: expected `\"2.0\"`, saw {}", quote(version)));
        }
        if let Some(method) = self.method {
            let Ok(method) = serde_json::from_str::<String>(method.get()) else {
                return invalid(sound_id, format!("`method`: expected a string, saw {}", quote(method)));
            };
            return match id {
                Ok(Some(id)) => {
                    let call = Call::decode(&method, self.params);
                    Incoming::Request { id, method, call }
                }
                Ok(None) => Incoming::Notification(Notice::decode(method, self.params)),
                Err(raw) => bad_id(raw),
            };
        }
        if self.result.is_none() && self.error.is_none() {
            return match id {
                Err(raw) => bad_id(raw),
                Ok(id) => invalid(id, "expected a `method`, saw no such member"),
            };
        }
        match id {
            Err(raw) if raw.get() != "null" => bad_id(raw),
            _ => self.into_response(sound_id),
        }
    }

    fn into_response(self, id: Option<RequestId>) -> Incoming {
        // Some peers send both members and leave one null.
        let error = self.error.filter(|raw| raw.get() != "null");
        match (error, self.result) {
            (Some(raw), _) => match serde_json::from_str(raw.get()) {
                Ok(error) => Incoming::Response { id, outcome: Err(error) },
                Err(_) => {
                    invalid(id, format!("`error`: expected a `code` and a `message`, saw {}", quote(raw)))
                }
            },
            (None, Some(result)) => Incoming::Response { id, outcome: Ok(Opaque::new(result)) },
            (None, None) => invalid(id, "`error`: expected an object, saw `null`"),
        }
    }
}

fn bad_id(id: &RawValue) -> Incoming {
    invalid(None, format!("`id`: expected a string or an integer, saw {}", quote(id)))
}

fn quote(raw: &RawValue) -> String {
    format!("`{}`", clip(raw.get()))
}

/// What a JSON text is, unless it is an object.
pub(crate) fn kind_of(text: &str) -> Option<&'static str> {
    match text.trim_start().bytes().next() {
        Some(b'{') => None,
        Some(b'[') => Some("an array"),
        Some(b'"') => Some("a string"),
        Some(b't' | b'f') => Some("a boolean"),
        Some(b'n') => Some("null"),
        _ => Some("a number"),
    }
}

/// Whether a sound JSON text is an array without elements.
pub(crate) fn is_empty_array(text: &str) -> bool {
    let inner = text.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inner.is_some_and(|inner| inner.trim().is_empty())
}

impl<'de> Deserialize<'de> for Message<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MessageVisitor;

        impl<'de> Visitor<'de> for MessageVisitor {
            type Value = Message<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Message<'de>, A::Error> {
                let mut message = Message::default();
                while let Some(name) = map.next_key::<MemberName>()? {
                    let member = match name {
                        MemberName::Jsonrpc => &mut message.jsonrpc,
                        MemberName::Id => &mut message.id,
                        MemberName::Method => &mut message.method,
                        MemberName::Params => &mut message.params,
                        MemberName::Result => &mut message.result,
                        MemberName::Error => &mut message.error,
                        MemberName::Other => {
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    };
                    *member = Some(map.next_value()?);
                }
                Ok(message)
            }
        }

        deserializer.deserialize_map(MessageVisitor)
    }
}

#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum MemberName {
    Jsonrpc,
    Id,
    Method,
    Params,
    Result,
    Error,
    #[serde(other)]
    Other,
}

/// The messages of a batch as they stand, up to the limit, and how many there were.
struct Batch<'a> {
    messages: Vec<&'a RawValue>,
    count: usize,
}

impl<'de> Deserialize<'de> for Batch<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BatchVisitor;

        impl<'de> Visitor<'de> for BatchVisitor {
            type Value = Batch<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Batch<'de>, A::Error> {
                let mut batch = Batch { messages: Vec::new(), count: 0 };
                while let Some(message) = seq.next_element()? {
                    batch.count += 1;
                    if batch.count <= MAX_BATCH_MESSAGES {
                        batch.messages.push(message);
                    }
                }
                Ok(batch)
            }
        }

        deserializer.deserialize_seq(BatchVisitor)
    }
}
