//! What is said of a value that is not of the type which its key wants: the key, what was expected, what was seen.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The message for a fault at a place of the file, from what the deserializer said of it.
pub(super) fn message(said: &str, text: &str, at: &Range<usize>) -> String {
    let said = said.trim_end();
    let written = said.strip_prefix("wanted ").zip(text.get(at.clone()).filter(|seen| seen.len() <= 80));
    let Some((expected, seen)) = taken_apart(said).or(written) else { return said.to_owned() };
    let key = DeTable::parse(text).ok().and_then(|table| key_in_table(table.get_ref(), at));
    match key {
        Some(key) => format!("`{key}`: expected {expected}, saw {seen}"),
        None => format!("expected {expected}, saw {seen}"),
    }
}

/// What was expected, and what was seen; none where nothing is said of a value.
fn taken_apart(said: &str) -> Option<(&str, &str)> {
    let rest = ["invalid type: ", "invalid value: ", "unknown variant "]
        .iter()
        .find_map(|kind| said.strip_prefix(kind))?;
    let (seen, expected) = rest.split_once(", expected ")?;
    Some((expected, seen))
}

fn key_in_table(table: &DeTable<'_>, at: &Range<usize>) -> Option<String> {
    table.iter().find_map(|(name, value)| {
        let rest = key_of(value, at)?;
        let separator = if rest.is_empty() || rest.starts_with('[') { "" } else { "." };
        Some(format!("{}{separator}{rest}", name.get_ref()))
    })
}

/// The rest of the key of the innermost value that holds the place; empty for the value itself.
fn key_of(value: &Spanned<DeValue<'_>>, at: &Range<usize>) -> Option<String> {
    let inner = match value.get_ref() {
        DeValue::Table(table) => key_in_table(table, at),
        DeValue::Array(values) => values.iter().enumerate().find_map(|(index, value)| {
            let rest = key_of(value, at)?;
            let separator = if rest.is_empty() || rest.starts_with('[') { "" } else { "." };
            Some(format!("[{index}]{separator}{rest}"))
        }),
        _ => None,
    };
    inner.or_else(|| (value.span() == *at).then(String::new))
}
