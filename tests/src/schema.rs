//! Checks JSON against a JSON Schema (draft 2020-12), as far as the schemas here go: a keyword that is not known is a
//! fault, never passed over.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Keywords that say something to people alone. Members that begin with `x-` are such, too.
const ANNOTATIONS: [&str; 6] = ["$schema", "$defs", "title", "description", "default", "format"];

/// What members an object may have that its schema does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unnamed {
    /// Any: so a peer reads, who may be older than the other.
    Ignored,
    /// None: so a test reads what it knows all of.
    Refused,
}

/// Checks values against schemas of one document.
#[derive(Debug, Clone, Copy)]
pub struct Validator<'d> {
    document: &'d Value,
    unnamed: Unnamed,
}

impl<'d> Validator<'d> {
    /// References are looked up in `document`.
    #[must_use]
    pub fn new(document: &'d Value, unnamed: Unnamed) -> Self {
        Self { document, unnamed }
    }

    /// Checks a value.
    ///
    /// # Errors
    ///
    /// The first place at fault, with what was expected and seen there; or what is wrong with the schema.
    pub fn check(&self, schema: &Value, value: &Value) -> Result<(), String> {
        self.check_at("", schema, value)
    }

    fn check_at(&self, at: &str, schema: &Value, value: &Value) -> Result<(), String> {
        let schema = match schema {
            Value::Bool(true) => return Ok(()),
            Value::Bool(false) => return Err(format!("`{at}`: expected nothing, saw {}", brief(value))),
            Value::Object(schema) => schema,
            other => return Err(format!("expected a schema, saw {other}")),
        };
        for (keyword, operand) in schema {
            self.check_keyword(at, schema, keyword, operand, value)?;
        }
        if let Value::Object(members) = value
            && self.unnamed == Unnamed::Refused
            && let Some(named) = self.named(schema)?
            && let Some(unnamed) = members.keys().find(|member| !named.contains(member.as_str()))
        {
            return Err(format!("`{at}`: expected no member `{unnamed}`, saw {}", brief(value)));
        }
        Ok(())
    }

    fn check_keyword(
        &self,
        at: &str,
        schema: &Map<String, Value>,
        keyword: &str,
        operand: &Value,
        value: &Value,
    ) -> Result<(), String> {
        let holds = match keyword {
            "$ref" => return self.check_at(at, self.resolve(operand)?, value),
            "type" => each(operand).any(|name| is_of_type(value, name)),
            "enum" => each(operand).any(|wanted| wanted == value),
            "const" => operand == value,
            "minimum" => !value.is_number() || value.as_f64() >= operand.as_f64(),
            "maximum" => !value.is_number() || value.as_f64() <= operand.as_f64(),
            "minLength" => length(value).is_none_or(|length| Some(length) >= operand.as_u64()),
            "maxLength" => length(value).is_none_or(|length| Some(length) <= operand.as_u64()),
            "minItems" => value.as_array().is_none_or(|items| Some(items.len() as u64) >= operand.as_u64()),
            "required" => match value.as_object() {
                Some(members) => {
                    each(operand).filter_map(Value::as_str).all(|name| members.contains_key(name))
                }
                None => true,
            },
            "properties" => {
                let members = operand.as_object().into_iter().flatten();
                for (name, schema) in members {
                    if let Some(value) = value.get(name) {
                        self.check_at(&format!("{at}/{name}"), schema, value)?;
                    }
                }
                true
            }
            "additionalProperties" => {
                let named = schema.get("properties").and_then(Value::as_object);
                for (name, value) in value.as_object().into_iter().flatten() {
                    if !named.is_some_and(|named| named.contains_key(name)) {
                        self.check_at(&format!("{at}/{name}"), operand, value)?;
                    }
                }
                true
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    self.check_at(&format!("{at}/{index}"), operand, item)?;
                }
                true
            }
            "allOf" => {
                for part in each(operand) {
                    Self { unnamed: Unnamed::Ignored, ..*self }.check_at(at, part, value)?;
                }
                true
            }
            "anyOf" => self.fitting(at, operand, value) >= 1,
            "oneOf" => self.fitting(at, operand, value) == 1,
            name if name.starts_with("x-") || ANNOTATIONS.contains(&name) => true,
            other => return Err(format!("`{at}`: the schema has the unknown keyword `{other}`")),
        };
        match holds {
            true => Ok(()),
            false => Err(format!("`{at}`: expected {keyword} {}, saw {}", brief(operand), brief(value))),
        }
    }

    fn fitting(&self, at: &str, schemas: &Value, value: &Value) -> usize {
        each(schemas).filter(|schema| self.check_at(at, schema, value).is_ok()).count()
    }

    /// The members that a schema names; none where it names none, or takes others as well, or leaves that to others.
    fn named<'s>(&'s self, schema: &'s Map<String, Value>) -> Result<Option<BTreeSet<&'s str>>, String> {
        if ["additionalProperties", "anyOf", "oneOf"].iter().any(|keyword| schema.contains_key(*keyword)) {
            return Ok(None);
        }
        let mut named: Option<BTreeSet<&str>> = None;
        if let Some(members) = schema.get("properties").and_then(Value::as_object) {
            named = Some(members.keys().map(String::as_str).collect());
        }
        let parts = schema.get("allOf").map(each).into_iter().flatten();
        for part in parts.chain(schema.get("$ref").map(|name| self.resolve(name)).transpose()?) {
            match part.as_object().map(|part| self.named(part)).transpose()?.flatten() {
                Some(members) => named.get_or_insert_default().extend(members),
                None => return Ok(None),
            }
        }
        Ok(named)
    }

    fn resolve(&self, name: &Value) -> Result<&'d Value, String> {
        let pointer = name.as_str().and_then(|name| name.strip_prefix('#'));
        let found = pointer.and_then(|pointer| self.document.pointer(pointer));
        found.ok_or_else(|| format!("the schema refers to {name}, which there is not"))
    }
}

fn each(operand: &Value) -> impl Iterator<Item = &Value> {
    operand.as_array().map_or(std::slice::from_ref(operand), Vec::as_slice).iter()
}

fn is_of_type(value: &Value, name: &Value) -> bool {
    match name.as_str() {
        Some("null") => value.is_null(),
        Some("boolean") => value.is_boolean(),
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("number") => value.is_number(),
        Some("integer") => value.is_i64() || value.is_u64(),
        _ => false,
    }
}

fn length(value: &Value) -> Option<u64> {
    value.as_str().map(|text| text.chars().count() as u64)
}

fn brief(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(400) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(unnamed: Unnamed, schema: &Value, value: &Value) -> Result<(), String> {
        Validator::new(schema, unnamed).check(schema, value)
    }

    #[test]
    fn the_place_at_fault_is_named() {
        let schema = json!({
            "type": "object", "required": ["a"],
            "properties": { "a": { "type": "array", "items": { "$ref": "#/$defs/n" } } },
            "$defs": { "n": { "type": ["integer", "null"], "minimum": 2 } },
        });
        assert_eq!(check(Unnamed::Refused, &schema, &json!({ "a": [2, null] })), Ok(()));
        for (value, place) in [
            (json!({ "a": [2, 1] }), "`/a/1`: expected minimum 2, saw 1"),
            (json!({ "a": ["x"] }), "`/a/0`: expected type"),
            (json!({}), "expected required"),
            (json!({ "a": [], "b": 1 }), "expected no member `b`"),
        ] {
            let fault = check(Unnamed::Refused, &schema, &value).expect_err("a fault");
            assert!(fault.contains(place), "{fault}");
        }
        assert_eq!(check(Unnamed::Ignored, &schema, &json!({ "a": [], "b": 1 })), Ok(()));
    }

    #[test]
    fn parts_of_one_object_name_their_members_together() {
        let schema = json!({
            "properties": { "a": true },
            "allOf": [{ "properties": { "b": { "const": 1 } } }],
        });
        assert_eq!(check(Unnamed::Refused, &schema, &json!({ "a": 1, "b": 1 })), Ok(()));
        assert!(check(Unnamed::Refused, &schema, &json!({ "b": 2 })).is_err());
        assert!(check(Unnamed::Refused, &schema, &json!({ "c": 2 })).is_err());
    }

    #[test]
    fn a_keyword_that_is_not_known_is_a_fault() {
        let fault = check(Unnamed::Ignored, &json!({ "patternProperties": {} }), &json!({}));
        assert!(fault.expect_err("a fault").contains("patternProperties"));
    }
}
