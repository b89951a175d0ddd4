//! The plugin's table of the configuration.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::byte_set::{
    ALNUM, BASE32, BASE64, BASE64URL, ByteSet, DOTTED, HEX, LOWER, LOWER_HEX, UPPER, WORD,
};
use crate::format::Format;
use crate::formats::FORMATS;
use crate::names::Names;
use crate::rules::OTHER_KINDS;

/// Most formats of one's own, and most strings in a list.
const MOST: usize = 256;

/// What is to be masked. README.md describes the members.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Kinds that are used; all if none are given.
    only: Option<BTreeSet<String>>,
    without: BTreeSet<String>,
    assignments: Option<Vec<String>>,
    values: Values,
    pub extra: Vec<Format>,
    pub allow: Vec<String>,
}

#[derive(Clone, Debug, Default)]
enum Values {
    #[default]
    All,
    None,
    Named(BTreeSet<String>),
}

impl Config {
    /// Reads the table. The error names the member, what was expected, and what was seen.
    pub fn parse(json: &str) -> Result<Config, String> {
        let value: Value = serde_json::from_str(json).map_err(|error| format!("expected JSON: {error}"))?;
        let Value::Object(table) = value else {
            return Err(expected("the configuration", "a table", &value));
        };
        let mut config = Config::default();
        for (name, value) in &table {
            match name.as_str() {
                "structure" => {
                    config.only = match value {
                        Value::Bool(true) => None,
                        Value::Bool(false) => Some(BTreeSet::new()),
                        _ => Some(kinds(name, value, "true, false or a list of kinds")?),
                    }
                }
                "without" => config.without = kinds(name, value, "a list of kinds")?,
                "assignments" => {
                    let patterns = strings(name, value, "a list of names")?;
                    Names::of(patterns.clone()).map_err(|error| format!("`assignments`: {error}"))?;
                    config.assignments = Some(patterns);
                }
                "values" => {
                    config.values = match value {
                        Value::Bool(true) => Values::All,
                        Value::Bool(false) => Values::None,
                        _ => Values::Named(
                            strings(name, value, "true, false or a list of names")?.into_iter().collect(),
                        ),
                    }
                }
                "extra" => config.extra = extra(value)?,
                "allow" => config.allow = strings(name, value, "a list of strings")?,
                _ => {
                    return Err(unknown(
                        "",
                        name,
                        &["structure", "without", "assignments", "values", "extra", "allow"],
                    ));
                }
            }
        }
        Ok(config)
    }

    /// Whether secrets of this kind, which is none of `extra`, are masked.
    pub fn uses(&self, kind: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(kind)) && !self.without.contains(kind)
    }

    /// Whether the variable's value is looked for.
    pub fn wants_value(&self, name: &str) -> bool {
        match &self.values {
            Values::All => true,
            Values::None => false,
            Values::Named(names) => names.contains(name),
        }
    }

    /// The names that the configuration lists for `values`.
    pub fn named_values(&self) -> impl Iterator<Item = &str> {
        let names = if let Values::Named(names) = &self.values { Some(names) } else { None };
        names.into_iter().flatten().map(String::as_str)
    }

    /// The patterns for assignments.
    pub fn names(&self) -> Names {
        self.assignments.clone().and_then(|patterns| Names::of(patterns).ok()).unwrap_or_else(Names::standard)
    }
}

/// All kinds that there are without `extra`.
pub fn all_kinds() -> BTreeSet<&'static str> {
    let tokens = FORMATS.iter().filter_map(|format| match format.kind {
        Cow::Borrowed(kind) => Some(kind),
        Cow::Owned(_) => None,
    });
    tokens.chain(OTHER_KINDS.iter().copied().filter(|kind| *kind != "value")).collect()
}

fn expected(path: &str, what: &str, seen: &Value) -> String {
    let mut seen = seen.to_string();
    if seen.len() > 60 {
        let cut = (0..=57).rev().find(|at| seen.is_char_boundary(*at)).unwrap_or(0);
        seen.truncate(cut);
        seen.push('…');
    }
    format!("`{path}`: expected {what}, saw `{seen}`")
}

fn unknown(path: &str, name: &str, members: &[&str]) -> String {
    format!("`{path}{name}`: unknown member, expected one of `{}`", members.join("`, `"))
}

fn strings(path: &str, value: &Value, what: &str) -> Result<Vec<String>, String> {
    let Value::Array(items) = value else { return Err(expected(path, what, value)) };
    if items.len() > MOST {
        return Err(format!("`{path}`: expected at most {MOST} items, saw {}", items.len()));
    }
    let item = |(index, item): (usize, &Value)| match item {
        Value::String(text) if !text.is_empty() => Ok(text.clone()),
        _ => Err(expected(&format!("{path}[{index}]"), "a string that is not empty", item)),
    };
    items.iter().enumerate().map(item).collect()
}

fn kinds(path: &str, value: &Value, what: &str) -> Result<BTreeSet<String>, String> {
    let names = strings(path, value, what)?;
    let known = all_kinds();
    match names.iter().position(|name| !known.contains(name.as_str())) {
        Some(index) => {
            let list = known.into_iter().collect::<Vec<_>>().join("`, `");
            Err(format!("`{path}[{index}]`: expected one of `{list}`, saw `{}`", names[index]))
        }
        None => Ok(names.into_iter().collect()),
    }
}

fn extra(value: &Value) -> Result<Vec<Format>, String> {
    let Value::Array(items) = value else { return Err(expected("extra", "a list of tables", value)) };
    if items.len() > MOST {
        return Err(format!("`extra`: expected at most {MOST} items, saw {}", items.len()));
    }
    items.iter().enumerate().map(|(index, item)| format(&format!("extra[{index}]"), item)).collect()
}

fn format(path: &str, value: &Value) -> Result<Format, String> {
    let Value::Object(table) = value else { return Err(expected(path, "a table", value)) };
    let members = ["kind", "prefix", "alphabet", "minLength", "maxLength"];
    if let Some(name) = table.keys().find(|name| !members.contains(&name.as_str())) {
        return Err(unknown(&format!("{path}."), name, &members));
    }
    let kind = text(path, table, "kind", "1 to 40 of `a-z`, `0-9` and `-`", |kind| {
        kind.len() <= 40 && kind.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    })?;
    let prefix = text(path, table, "prefix", "3 to 64 ASCII characters without blanks", |prefix| {
        (3..=64).contains(&prefix.len()) && prefix.bytes().all(|b| b.is_ascii_graphic())
    })?;
    let alphabet = match table.get("alphabet") {
        None => BASE64URL,
        Some(value) => value.as_str().and_then(alphabet).ok_or_else(|| {
            let names = ALPHABETS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join("`, `");
            expected(&format!("{path}.alphabet"), &format!("one of `{names}`"), value)
        })?,
    };
    let number = |name: &str, least: u64, most: u64| match table.get(name) {
        None => Ok(None),
        Some(value) => match value.as_u64().filter(|number| (least..=most).contains(number)) {
            Some(number) => Ok(Some(number as usize)),
            None => {
                Err(expected(&format!("{path}.{name}"), &format!("a number from {least} to {most}"), value))
            }
        },
    };
    let least = number("minLength", 1, 256)?.unwrap_or(16);
    let most = number("maxLength", least as u64, 4096)?;
    Ok(Format {
        kind: Cow::Owned(kind),
        prefix: Cow::Owned(prefix),
        body: alphabet,
        least,
        most,
        border: false,
        digits: 0,
        keep: 0,
    })
}

fn text(
    path: &str,
    table: &Map<String, Value>,
    name: &str,
    what: &str,
    good: impl Fn(&str) -> bool,
) -> Result<String, String> {
    let path = format!("{path}.{name}");
    match table.get(name) {
        None => Err(format!("`{path}`: expected {what}, saw nothing")),
        Some(Value::String(text)) if !text.is_empty() && good(text) => Ok(text.clone()),
        Some(other) => Err(expected(&path, what, other)),
    }
}

const ALPHABETS: &[(&str, ByteSet)] = &[
    ("alphanumeric", ALNUM),
    ("word", WORD),
    ("base64", BASE64),
    ("base64url", BASE64URL),
    ("base32", BASE32),
    ("hex", HEX),
    ("lowerHex", LOWER_HEX),
    ("lower", LOWER),
    ("upper", UPPER),
    ("dotted", DOTTED),
];

fn alphabet(name: &str) -> Option<ByteSet> {
    ALPHABETS.iter().find(|(known, _)| *known == name).map(|(_, set)| *set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_table_uses_everything() {
        let config = Config::parse("{}").unwrap();
        assert!(all_kinds().iter().all(|kind| config.uses(kind)));
        assert!(config.wants_value("ANY"));
    }

    #[test]
    fn kinds_are_chosen_and_left_out() {
        let config = Config::parse(r#"{"structure":["jwt","cookie"],"without":["cookie"]}"#).unwrap();
        assert!(config.uses("jwt") && !config.uses("cookie") && !config.uses("github-token"));
        assert!(!Config::parse(r#"{"structure":false}"#).unwrap().uses("jwt"));
        let named = Config::parse(r#"{"values":["A"]}"#).unwrap();
        assert!(named.wants_value("A") && !named.wants_value("B"));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_path() {
        for (json, parts) in [
            ("[]", &["table", "[]"][..]),
            ("{", &["JSON"]),
            (r#"{"structures":true}"#, &["`structures`", "unknown member"]),
            (r#"{"structure":3}"#, &["`structure`", "true, false or a list", "`3`"]),
            (r#"{"without":["gitub-token"]}"#, &["`without[0]`", "`github-token`", "saw `gitub-token`"]),
            (r#"{"assignments":["*"]}"#, &["`assignments`", "three characters"]),
            (r#"{"values":[""]}"#, &["`values[0]`", "not empty"]),
            (r#"{"allow":"x"}"#, &["`allow`", "list of strings"]),
            (r#"{"extra":[{"kind":"a","prefix":"ab"}]}"#, &["`extra[0].prefix`", "3 to 64", "\"ab\""]),
            (r#"{"extra":[{"kind":"A","prefix":"abc"}]}"#, &["`extra[0].kind`"]),
            (r#"{"extra":[{"prefix":"abc"}]}"#, &["`extra[0].kind`", "saw nothing"]),
            (
                r#"{"extra":[{"kind":"a","prefix":"abc","regex":"x"}]}"#,
                &["`extra[0].regex`", "unknown member"],
            ),
            (r#"{"extra":[{"kind":"a","prefix":"abc","alphabet":"x"}]}"#, &["`extra[0].alphabet`", "`hex`"]),
            (
                r#"{"extra":[{"kind":"a","prefix":"abc","minLength":9,"maxLength":8}]}"#,
                &["maxLength", "9 to"],
            ),
        ] {
            let error = Config::parse(json).unwrap_err();
            assert!(parts.iter().all(|part| error.contains(part)), "{json}: {error}");
        }
    }
}
