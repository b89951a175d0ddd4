//! What the caller may choose. The same members are taken from the configuration (as defaults) and from each call.

use serde_json::Value;

use crate::tool::{Tool, Tools};

/// The choices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How many bytes of output the text may hold, not counting names of failures, first lines of errors, and the
    /// summary's own lines. At least 1024.
    pub max_bytes: u64,
    /// Which tools are recognised.
    pub tools: Tools,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_bytes: 64 * 1024, tools: Tools::all() }
    }
}

impl Options {
    /// The choices in `text`, a JSON object; what it does not name stays as in `self`. The error names the member,
    /// what was expected, and what was seen.
    pub fn with(mut self, text: &str) -> Result<Self, String> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| format!("expected a JSON object: {error}"))?;
        let Value::Object(members) = value else {
            return Err(format!("expected a JSON object, saw {}", seen(&value)));
        };
        for (name, value) in &members {
            match name.as_str() {
                "maxBytes" => {
                    self.max_bytes = value
                        .as_u64()
                        .filter(|bytes| (1024..=64 << 20).contains(bytes))
                        .ok_or_else(|| {
                            format!(
                                "`maxBytes`: expected a number from 1024 to 67108864, saw {}",
                                seen(value)
                            )
                        })?;
                }
                "tools" => self.tools = tools(value)?,
                _ => return Err(format!("`{name}`: expected `maxBytes` or `tools`, saw an unknown member")),
            }
        }
        Ok(self)
    }
}

fn tools(value: &Value) -> Result<Tools, String> {
    let Value::Array(names) = value else {
        return Err(format!("`tools`: expected an array of names, saw {}", seen(value)));
    };
    let mut tools = Tools::none();
    for (index, name) in names.iter().enumerate() {
        let tool =
            Tool::ALL.into_iter().find(|tool| name.as_str() == Some(tool.name())).ok_or_else(|| {
                let known: Vec<String> = Tool::ALL.iter().map(|tool| format!("`{}`", tool.name())).collect();
                format!("`tools[{index}]`: expected one of {}, saw {}", known.join(", "), seen(name))
            })?;
        tools = tools.with(tool);
    }
    Ok(tools)
}

/// The value, in few words.
fn seen(value: &Value) -> String {
    match value {
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::String(text) if text.chars().count() > 40 => "a long string".to_owned(),
        Value::String(text) => format!("`\"{text}\"`"),
        Value::Number(number) => format!("`{number}`"),
        Value::Bool(value) => format!("`{value}`"),
        Value::Null => "`null`".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_named_leaves_the_defaults() {
        assert_eq!(Options::default().with("{}"), Ok(Options::default()));
    }

    #[test]
    fn members_are_taken() {
        let options = Options::default().with(r#"{"maxBytes": 2048, "tools": ["pytest", "gcc"]}"#).unwrap();
        assert_eq!(options.max_bytes, 2048);
        assert!(
            options.tools.has(Tool::Pytest)
                && options.tools.has(Tool::Gcc)
                && !options.tools.has(Tool::Cargo)
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, words) in [
            ("[]", "expected a JSON object, saw an array"),
            ("{", "expected a JSON object: "),
            (r#"{"max": 1}"#, "`max`: expected `maxBytes` or `tools`, saw an unknown member"),
            (r#"{"maxBytes": "1"}"#, "`maxBytes`: expected a number from 1024 to 67108864, saw `\"1\"`"),
            (r#"{"maxBytes": 10}"#, "saw `10`"),
            (r#"{"tools": "gcc"}"#, "`tools`: expected an array of names, saw `\"gcc\"`"),
            (r#"{"tools": ["gcc", "mocha"]}"#, "`tools[1]`: expected one of `cargo`"),
        ] {
            let message = Options::default().with(text).unwrap_err();
            assert!(message.contains(words), "{message}");
        }
    }
}
