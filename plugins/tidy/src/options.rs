//! What the configuration may say.

use serde::Deserialize;
use serde_json::{Map, Value};

/// The plugin's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Whether colours and other attributes of characters stay.
    pub colors: Colors,
    /// Lines that come at least so many times in a row are folded; none: no folding. 2 to 100.
    pub repeats: Option<usize>,
    /// Whether lines that differ in nothing but numbers count as repeated.
    pub ignore_numbers: bool,
    /// How many lines can still be rewritten, the last one included. 1 to 1,000.
    pub window: usize,
    /// Columns after which a line wraps; none: lines never wrap. 2 to 10,000.
    pub width: Option<usize>,
}

/// What becomes of colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Colors {
    /// Text only.
    Remove,
    /// Each line keeps the attributes of what is finally shown, as `ESC [ … m`.
    Keep,
}

impl Default for Options {
    fn default() -> Self {
        Self { colors: Colors::Remove, repeats: Some(4), ignore_numbers: false, window: 64, width: None }
    }
}

impl Options {
    /// Reads the configuration's table.
    ///
    /// # Errors
    ///
    /// A sentence that names the member, what was expected and what was seen.
    pub fn parse(config: &str) -> Result<Self, String> {
        let members: Map<String, Value> = serde_json::from_str(config)
            .map_err(|error| format!("expected the configuration to be a JSON object: {error}"))?;
        let mut options = Self::default();
        for (name, value) in &members {
            match name.as_str() {
                "colors" => {
                    options.colors = Colors::deserialize(value)
                        .map_err(|_| unexpected(name, "\"remove\" or \"keep\"", value))?;
                }
                "repeats" => {
                    options.repeats = match value {
                        Value::Bool(false) => None,
                        Value::Bool(true) => Self::default().repeats,
                        _ => Some(number(name, value, 2, 100, "true, false or ")?),
                    };
                }
                "ignoreNumbers" => {
                    options.ignore_numbers =
                        value.as_bool().ok_or_else(|| unexpected(name, "true or false", value))?;
                }
                "window" => options.window = number(name, value, 1, 1_000, "")?,
                "width" => options.width = Some(number(name, value, 2, 10_000, "")?),
                _ => {
                    return Err(format!(
                        "unknown member `{name}`: expected `colors`, `repeats`, `ignoreNumbers`, `window` or `width`"
                    ));
                }
            }
        }
        Ok(options)
    }
}

fn number(name: &str, value: &Value, least: u64, most: u64, or: &str) -> Result<usize, String> {
    value
        .as_u64()
        .filter(|number| (least..=most).contains(number))
        .and_then(|number| usize::try_from(number).ok())
        .ok_or_else(|| unexpected(name, &format!("{or}a whole number from {least} to {most}"), value))
}

fn unexpected(name: &str, expected: &str, seen: &Value) -> String {
    let seen = match seen {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        other => format!("`{other}`"),
    };
    format!("member `{name}`: expected {expected}, saw {seen}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_table_gives_the_defaults() {
        assert_eq!(Options::parse("{}"), Ok(Options::default()));
    }

    #[test]
    fn every_member_is_read() {
        let config = r#"{"colors":"keep","repeats":2,"ignoreNumbers":true,"window":1,"width":80}"#;
        let expected = Options {
            colors: Colors::Keep,
            repeats: Some(2),
            ignore_numbers: true,
            window: 1,
            width: Some(80),
        };
        assert_eq!(Options::parse(config), Ok(expected));
        assert_eq!(Options::parse(r#"{"repeats":false}"#).map(|options| options.repeats), Ok(None));
    }

    #[test]
    fn a_wrong_member_is_refused_with_its_name_what_was_expected_and_what_was_seen() {
        for (config, message) in [
            (r#"{"colours":1}"#, "unknown member `colours`: expected `colors`"),
            (r#"{"colors":"blue"}"#, "member `colors`: expected \"remove\" or \"keep\", saw `\"blue\"`"),
            (
                r#"{"repeats":1}"#,
                "member `repeats`: expected true, false or a whole number from 2 to 100, saw `1`",
            ),
            (r#"{"window":0}"#, "member `window`: expected a whole number from 1 to 1000, saw `0`"),
            (r#"{"width":[80]}"#, "member `width`: expected a whole number from 2 to 10000, saw a list"),
            (r#"{"width":80.5}"#, "saw `80.5`"),
            (r#"{"ignoreNumbers":"no"}"#, "member `ignoreNumbers`: expected true or false, saw `\"no\"`"),
            ("[]", "expected the configuration to be a JSON object: "),
        ] {
            let error = Options::parse(config).expect_err(config);
            assert!(error.contains(message), "{config}: {error}");
        }
    }
}
