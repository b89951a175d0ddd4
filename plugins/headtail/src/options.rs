//! What the configuration may say.

use serde_json::{Map, Value};

/// The plugin's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Lines of the beginning; 0 to 1,000,000.
    pub head_lines: u64,
    /// Lines of the end; 0 to 1,000,000.
    pub tail_lines: u64,
    /// Bytes of the beginning; 0 to 1 MiB.
    pub head_bytes: u64,
    /// Bytes of the end; 0 to 1 MiB. They are held in memory.
    pub tail_bytes: u64,
    /// Bytes that are shown of one line; 16 to 1 MiB.
    pub max_line_bytes: u64,
}

const MIB: u64 = 1 << 20;

impl Default for Options {
    fn default() -> Self {
        Self {
            head_lines: 100,
            tail_lines: 100,
            head_bytes: 16 << 10,
            tail_bytes: 16 << 10,
            max_line_bytes: 2_000,
        }
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
            let (member, least, most) = match name.as_str() {
                "headLines" => (&mut options.head_lines, 0, 1_000_000),
                "tailLines" => (&mut options.tail_lines, 0, 1_000_000),
                "headBytes" => (&mut options.head_bytes, 0, MIB),
                "tailBytes" => (&mut options.tail_bytes, 0, MIB),
                "maxLineBytes" => (&mut options.max_line_bytes, 16, MIB),
                _ => {
                    return Err(format!(
                        "unknown member `{name}`: expected `headLines`, `tailLines`, `headBytes`, `tailBytes` or \
                         `maxLineBytes`"
                    ));
                }
            };
            *member = value.as_u64().filter(|number| (least..=most).contains(number)).ok_or_else(|| {
                let seen = match value {
                    Value::Array(_) => "a list".to_owned(),
                    Value::Object(_) => "an object".to_owned(),
                    other => format!("`{other}`"),
                };
                format!("member `{name}`: expected a whole number from {least} to {most}, saw {seen}")
            })?;
        }
        Ok(options)
    }
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
        let config = r#"{"headLines":1,"tailLines":2,"headBytes":3,"tailBytes":4,"maxLineBytes":50}"#;
        let expected =
            Options { head_lines: 1, tail_lines: 2, head_bytes: 3, tail_bytes: 4, max_line_bytes: 50 };
        assert_eq!(Options::parse(config), Ok(expected));
    }

    #[test]
    fn a_wrong_member_is_refused_with_its_name_what_was_expected_and_what_was_seen() {
        for (config, message) in [
            (r#"{"lines":1}"#, "unknown member `lines`: expected `headLines`"),
            (
                r#"{"headLines":-1}"#,
                "member `headLines`: expected a whole number from 0 to 1000000, saw `-1`",
            ),
            (r#"{"tailBytes":1048577}"#, "member `tailBytes`: expected a whole number from 0 to 1048576"),
            (r#"{"maxLineBytes":15}"#, "expected a whole number from 16 to 1048576, saw `15`"),
            (r#"{"headBytes":{}}"#, "saw an object"),
            ("7", "expected the configuration to be a JSON object: "),
        ] {
            let error = Options::parse(config).expect_err(config);
            assert!(error.contains(message), "{config}: {error}");
        }
    }
}
