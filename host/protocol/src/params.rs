//! From the JSON of params to typed params, with errors that name the member at fault.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::iter;
use std::marker::PhantomData;

use bytes::Bytes;
use serde::de::value::MapDeserializer;
use serde::de::{
    self, Deserialize, DeserializeOwned, Deserializer, Expected, IgnoredAny, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, Visitor,
};
use serde_json::value::RawValue;

use crate::{ErrorKind, ErrorObject};

/// Text from the client that an error repeats is cut to this many bytes, so that an answer to a huge message
/// is not huge as well.
const MAX_QUOTED: usize = 512;

/// What is wrong with params: the member, if it is one, and what was expected and seen there.
#[derive(Debug)]
pub(crate) struct Fault {
    member: Option<String>,
    what: String,
}

/// Params of a method.
pub(crate) trait Params: Sized {
    /// Parses the JSON text of an object; checks all that can be checked without asking the system.
    fn decode(text: &str) -> Result<Self, Fault>;
}

impl Fault {
    pub(crate) fn new(member: impl Into<String>, what: impl Into<String>) -> Self {
        Self { member: Some(member.into()), what: what.into() }
    }

    /// The error of a method whose params are at fault.
    pub(crate) fn into_error(self, method: &str) -> ErrorObject {
        let what = clip(&self.what);
        let message = match &self.member {
            Some(member) => format!("`{method}`: `{}`: {what}", clip(member)),
            None => format!("`{method}`: {what}"),
        };
        let error = ErrorObject::new(ErrorKind::InvalidParams, message).with("method", method);
        match self.member {
            Some(member) => error.with("member", clip(&member)),
            None => error,
        }
    }
}

/// Absent and null params count as an object without members.
pub(crate) fn decode<P: Params>(method: &str, params: Option<&RawValue>) -> Result<P, ErrorObject> {
    let text = params.map(RawValue::get).filter(|text| *text != "null").unwrap_or("{}");
    P::decode(text).map_err(|fault| fault.into_error(method))
}

/// Parses an object into `T`.
pub(crate) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(&mut deserializer, &mut track);
    named(tracked).map_err(|error| {
        let path = track.path().to_string();
        let member = (path != ".").then_some(path);
        describe(&error, member)
    })
}

/// Shortens text from the client.
pub(crate) fn clip(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_QUOTED {
        return text.into();
    }
    let mut end = MAX_QUOTED;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}...", &text[..end]).into()
}

/// What serde has to say, without the position: it counts from the start of params, which helps nobody.
fn describe(error: &serde_json::Error, member: Option<String>) -> Fault {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    let what = text.strip_suffix(&position).unwrap_or(&text);
    // The words of JSON, not those of the parser.
    let what = &what
        .replace("expected a sequence", "expected an array")
        .replace("expected a map", "expected an object")
        .replace("expected u64", "expected a whole number from 0 to 2^64 - 1")
        .replace("expected u16", "expected a whole number from 0 to 65535");
    let missing = what.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
    match (missing, member) {
        (Some(name), Some(path)) => {
            Fault::new(format!("{path}.{name}"), "expected a value, saw no such member")
        }
        (Some(name), None) => Fault::new(name, "expected a value, saw no such member"),
        (None, member) => Fault { member, what: what.to_owned() },
    }
}

/// For `deserialize_with`: null counts as absent, for a member with a default.
pub(crate) fn null_is_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + Default,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// For `deserialize_with`: an enum of words. Derived code takes `{"word": null}` as well.
pub(crate) fn word<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let word = String::deserialize(deserializer)?;
    T::deserialize(word.into_deserializer())
}

/// For `deserialize_with`: the same, where null counts as absent, for a member with a default.
pub(crate) fn word_or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + Default,
    D: Deserializer<'de>,
{
    match Option::<String>::deserialize(deserializer)? {
        Some(word) => T::deserialize(word.into_deserializer()),
        None => Ok(T::default()),
    }
}

/// For `deserialize_with`: an object with named members, or an array without any. Derived code takes an array by position
/// as well.
pub(crate) fn named<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(Named(deserializer))
}

/// For `deserialize_with`: the same, where null counts as absent.
pub(crate) fn optional_named<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    struct OptionVisitor<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for OptionVisitor<T> {
        type Value = Option<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_none<E>(self) -> Result<Option<T>, E> {
            Ok(None)
        }

        fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
            named(deserializer).map(Some)
        }
    }

    deserializer.deserialize_option(OptionVisitor(PhantomData))
}

/// For `deserialize_with`: the same, for a member with a default.
pub(crate) fn named_or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + Default,
    D: Deserializer<'de>,
{
    optional_named(deserializer).map(Option::unwrap_or_default)
}

/// For `deserialize_with`: an array of such objects, where null counts as absent.
pub(crate) fn named_items<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    struct Item<T>(T);

    impl<'de, T: Deserialize<'de>> Deserialize<'de> for Item<T> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            named(deserializer).map(Item)
        }
    }

    let items = Option::<Vec<Item<T>>>::deserialize(deserializer)?;
    Ok(items.unwrap_or_default().into_iter().map(|Item(item)| item).collect())
}

/// For `deserialize_with`: a map of strings, in the order sent; of members with one name the last counts.
pub(crate) fn string_map<'de, D>(deserializer: D) -> Result<Option<Vec<(String, String)>>, D::Error>
where
    D: Deserializer<'de>,
{
    let map = Option::<StringMap<String>>::deserialize(deserializer)?;
    Ok(map.map(|map| map.0))
}

/// For `deserialize_with`: the same, where members that are null count as absent.
pub(crate) fn sparse_string_map<'de, D>(deserializer: D) -> Result<Vec<(String, String)>, D::Error>
where
    D: Deserializer<'de>,
{
    let map = Option::<StringMap<Option<String>>>::deserialize(deserializer)?;
    let members = map.map(|map| map.0).unwrap_or_default();
    Ok(members.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
}

/// For `deserialize_with`: bytes in padded standard base64, decoded from the JSON text without a copy between.
pub(crate) fn base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Bytes>, D::Error> {
    let decoded = Option::<Base64>::deserialize(deserializer)?;
    Ok(decoded.map(|decoded| decoded.0))
}

/// A deserializer that lets a struct be read from an object only.
struct Named<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Named<D> {
    type Error = D::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        members: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_struct(name, members, NamedVisitor(visitor))
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct NamedVisitor<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for NamedVisitor<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with named members")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<V::Value, A::Error> {
        no_elements(seq, &self)?;
        self.0.visit_map(MapDeserializer::new(iter::empty::<((), ())>()))
    }
}

/// An empty array counts as an object without members: languages with one kind of table (Lua, PHP) write both alike.
fn no_elements<'de, A: SeqAccess<'de>>(mut seq: A, expected: &dyn Expected) -> Result<(), A::Error> {
    match seq.next_element::<IgnoredAny>()? {
        None => Ok(()),
        Some(_) => Err(de::Error::invalid_type(Unexpected::Seq, expected)),
    }
}

struct StringMap<T>(Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for StringMap<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MapVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for MapVisitor<T> {
            type Value = StringMap<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object whose values are strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<StringMap<T>, A::Error> {
                let mut members = Vec::<(String, T)>::new();
                let mut places = HashMap::new();
                while let Some((name, value)) = map.next_entry::<String, T>()? {
                    match places.get(&name) {
                        Some(&place) => members[place] = (name, value),
                        None => {
                            places.insert(name.clone(), members.len());
                            members.push((name, value));
                        }
                    }
                }
                Ok(StringMap(members))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<StringMap<T>, A::Error> {
                no_elements(seq, &self)?;
                Ok(StringMap(Vec::new()))
            }
        }

        deserializer.deserialize_any(MapVisitor(PhantomData))
    }
}

struct Base64(Bytes);

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Base64Visitor;

        impl Visitor<'_> for Base64Visitor {
            type Value = Base64;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("padded standard base64")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Base64, E> {
                match base64_simd::STANDARD.decode_to_vec(text) {
                    Ok(bytes) => Ok(Base64(bytes.into())),
                    Err(_) => Err(E::invalid_value(Unexpected::Other(&base64_fault(text)), &self)),
                }
            }
        }

        deserializer.deserialize_str(Base64Visitor)
    }
}

/// What makes `text` no base64.
fn base64_fault(text: &str) -> String {
    let is_digit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/');
    let digits = text.trim_end_matches('=');
    if let Some((at, c)) = digits.char_indices().find(|(_, c)| !is_digit(*c)) {
        return format!("character {c:?} at byte {at}");
    }
    if !text.len().is_multiple_of(4) {
        return format!("a length of {}, which is no multiple of 4", text.len());
    }
    "wrong padding".to_owned()
}
