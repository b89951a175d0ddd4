//! Values with holes: what is expected of a message.

use serde_json::Value;

/// Compares `seen` (`None` if the member is absent) with `shape`; an error names the place by its path.
///
/// # Errors
///
/// The first difference.
pub(super) fn matches(shape: &Value, seen: Option<&Value>, path: &str) -> Result<(), String> {
    if let Value::String(hole) = shape
        && let Some(hole) = hole.strip_prefix('$')
    {
        return fills(hole, seen).map_err(|expected| differ(path, &expected, seen));
    }
    match (shape, seen) {
        (Value::Object(members), Some(seen)) if members.len() == 1 && members.contains_key("$set") => {
            let expected = members["$set"].as_array().ok_or("`$set` takes an array")?;
            let seen = seen.as_array().ok_or_else(|| differ(path, "an array", Some(seen)))?;
            set_matches(expected, seen, path)
        }
        (Value::Object(members), Some(Value::Object(seen))) => members
            .iter()
            .try_for_each(|(name, shape)| matches(shape, seen.get(name), &format!("{path}.{name}"))),
        (Value::Array(shapes), Some(Value::Array(items))) => {
            if shapes.len() != items.len() {
                return Err(differ(path, &format!("{} items", shapes.len()), seen));
            }
            let mut pairs = shapes.iter().zip(items).enumerate();
            pairs.try_for_each(|(at, (shape, item))| matches(shape, Some(item), &format!("{path}.{at}")))
        }
        (shape, Some(seen)) if shape == seen => Ok(()),
        _ => Err(differ(path, &shape.to_string(), seen)),
    }
}

/// Compares without regard to order: every shape has an item of its own, and none is left over.
///
/// # Errors
///
/// The first shape without an item.
pub(super) fn set_matches(shapes: &[Value], items: &[Value], path: &str) -> Result<(), String> {
    let mut left: Vec<&Value> = items.iter().collect();
    for shape in shapes {
        let found = left.iter().position(|item| matches(shape, Some(item), path).is_ok());
        match found {
            Some(at) => drop(left.remove(at)),
            None => return Err(format!("at `{path}`: nothing is like {shape} among {items:?}")),
        }
    }
    if left.is_empty() { Ok(()) } else { Err(format!("at `{path}`: {left:?} was not expected")) }
}

fn fills(hole: &str, seen: Option<&Value>) -> Result<(), String> {
    let (name, operand) = hole.split_once(':').unwrap_or((hole, ""));
    let text = seen.and_then(Value::as_str);
    let int = seen.and_then(Value::as_i64);
    let decoded = || text.and_then(|text| base64_simd::STANDARD.decode_to_vec(text).ok());
    let filled = match name {
        "any" => seen.is_some(),
        "absent" => seen.is_none(),
        "none" => seen.is_none_or(Value::is_null),
        "int" => int.is_some(),
        "pid" => int.is_some_and(|pid| pid > 1),
        "min" => int.is_some_and(|int| operand.parse().is_ok_and(|least: i64| int >= least)),
        "bool" => seen.is_some_and(Value::is_boolean),
        "object" => seen.is_some_and(Value::is_object),
        "array" => seen.is_some_and(Value::is_array),
        "string" => text.is_some_and(|text| !text.is_empty()),
        "contains" => text.is_some_and(|text| text.contains(operand)),
        "base64" => decoded().is_some_and(|bytes| bytes == operand.as_bytes()),
        _ => return Err(format!("no hole `${hole}`; a fault of the case, expected one of the README's")),
    };
    if filled { Ok(()) } else { Err(format!("${hole}")) }
}

fn differ(path: &str, expected: &str, seen: Option<&Value>) -> String {
    match seen {
        Some(seen) => format!("at `{path}`: expected {expected}, saw {seen}"),
        None => format!("at `{path}`: expected {expected}, saw nothing"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(shape: Value, seen: Value) -> Result<(), String> {
        matches(&shape, Some(&seen), "it")
    }

    #[test]
    fn holes_take_what_they_name() {
        let seen = json!({ "a": 5, "b": "aGk=", "c": null, "d": [1, "x"], "e": { "f": true } });
        check(json!({ "a": "$int", "b": "$base64:hi", "c": "$none", "d": "$array" }), seen.clone()).unwrap();
        check(json!({ "a": "$min:5", "d": { "$set": ["x", 1] }, "g": "$absent", "e": {} }), seen.clone())
            .unwrap();
        for shape in [
            json!({ "a": "$min:6" }),
            json!({ "b": "$base64:ho" }),
            json!({ "c": "$absent" }),
            json!({ "d": ["$int"] }),
            json!({ "d": { "$set": ["x"] } }),
            json!({ "e": { "f": false } }),
            json!({ "g": "$any" }),
            json!({ "a": "$nonsense" }),
        ] {
            assert!(check(shape.clone(), seen.clone()).is_err(), "{shape}");
        }
    }

    #[test]
    fn a_difference_is_named_by_its_path() {
        let error = check(json!({ "a": { "b": [1] } }), json!({ "a": { "b": [2] } })).unwrap_err();
        assert_eq!(error, "at `it.a.b.0`: expected 1, saw 2");
    }
}
