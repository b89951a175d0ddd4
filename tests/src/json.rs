//! Small typed looks into a `Value`, which say what they saw when it is not what was asked for.

use serde_json::Value;

/// Accessors that panic with the whole value when a member is missing or of another type.
///
/// `path` is a member's name, or several joined by dots; a number is an index into an array.
pub trait Json {
    /// The member, whatever it is.
    fn at(&self, path: &str) -> &Value;
    /// Whether the member is there and not null.
    fn has(&self, path: &str) -> bool;
    /// A string.
    fn text(&self, path: &str) -> &str;
    /// A number without a fraction.
    fn int(&self, path: &str) -> i64;
    /// A boolean.
    fn flag(&self, path: &str) -> bool;
    /// An array.
    fn list(&self, path: &str) -> &[Value];
    /// An array of strings.
    fn texts(&self, path: &str) -> Vec<&str>;
    /// Bytes out of padded base64.
    fn bytes(&self, path: &str) -> Vec<u8>;
}

impl Json for Value {
    #[track_caller]
    fn at(&self, path: &str) -> &Value {
        find(self, path).unwrap_or_else(|| panic!("no member `{path}` in {self:#}"))
    }

    fn has(&self, path: &str) -> bool {
        find(self, path).is_some_and(|value| !value.is_null())
    }

    #[track_caller]
    fn text(&self, path: &str) -> &str {
        self.at(path).as_str().unwrap_or_else(|| panic!("expected a string at `{path}` in {self:#}"))
    }

    #[track_caller]
    fn int(&self, path: &str) -> i64 {
        self.at(path).as_i64().unwrap_or_else(|| panic!("expected an integer at `{path}` in {self:#}"))
    }

    #[track_caller]
    fn flag(&self, path: &str) -> bool {
        self.at(path).as_bool().unwrap_or_else(|| panic!("expected a boolean at `{path}` in {self:#}"))
    }

    #[track_caller]
    fn list(&self, path: &str) -> &[Value] {
        self.at(path).as_array().unwrap_or_else(|| panic!("expected an array at `{path}` in {self:#}"))
    }

    #[track_caller]
    fn texts(&self, path: &str) -> Vec<&str> {
        self.list(path)
            .iter()
            .map(|item| item.as_str().unwrap_or_else(|| panic!("expected strings at `{path}` in {self:#}")))
            .collect()
    }

    #[track_caller]
    fn bytes(&self, path: &str) -> Vec<u8> {
        let text = self.text(path);
        base64_simd::STANDARD
            .decode_to_vec(text)
            .unwrap_or_else(|error| panic!("expected padded base64 at `{path}` ({error}) in {self:#}"))
    }
}

/// `bytes` in padded standard base64.
#[must_use]
pub fn base64(bytes: impl AsRef<[u8]>) -> String {
    base64_simd::STANDARD.encode_to_string(bytes)
}

fn find<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |value, step| match value {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        _ => value.get(step),
    })
}
