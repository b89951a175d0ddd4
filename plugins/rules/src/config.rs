//! The configuration: JSON to a policy. Whatever is not known or of another type is refused by its path.

use serde_json::{Map, Value};

use crate::example;
use crate::glob::Glob;
use crate::location::Location;
use crate::model::{Verdict, Word};
use crate::option_words::OptionPattern;
use crate::path_list::PathList;
use crate::pattern::Pattern;
use crate::policy::Policy;
use crate::rule::{ProgramPattern, Rule};

/// The rules of `preset = "cautious"`, in the language of `rules`.
const CAUTIOUS: &str = include_str!("preset/cautious.json");

/// More rules than this are refused: each is looked at for each command.
const MAX_RULES: usize = 2000;

type Result<T> = std::result::Result<T, String>;

/// Reads the configuration and checks the examples. An error names the member, what was expected and what was seen.
pub fn read(config: &str) -> Result<Policy> {
    let value: Value =
        serde_json::from_str(config).map_err(|error| format!("config: expected JSON, found {error}"))?;
    let object = object(&value, "config")?;
    known(
        object,
        "",
        &[
            "preset",
            "without",
            "allow",
            "ask",
            "deny",
            "rules",
            "opaque",
            "trustedDirs",
            "harmlessEnv",
            "writes",
        ],
    )?;
    let mut rules = Vec::new();
    for (member, verdict) in [("deny", Verdict::Deny), ("ask", Verdict::Ask), ("allow", Verdict::Allow)] {
        for (index, pattern) in list(object, member)?.iter().enumerate() {
            rules.push(short_rule(pattern, verdict).map_err(|error| format!("{member}[{index}]: {error}"))?);
        }
    }
    for (index, value) in array(object, "rules")?.iter().enumerate() {
        rules.push(full_rule(value, &format!("rules[{index}]"), Examples::Checked)?);
    }
    refuse_repeated_ids(object, &rules)?;
    rules.extend(preset(object, &rules)?);
    if rules.len() > MAX_RULES {
        return Err(format!("config: expected at most {MAX_RULES} rules, found {}", rules.len()));
    }
    let opaque = match object.get("opaque") {
        None => Verdict::Ask,
        Some(value) => match string(value, "opaque")? {
            "ask" => Verdict::Ask,
            "deny" => Verdict::Deny,
            "pass" => Verdict::Pass,
            other => return Err(format!("opaque: expected `ask`, `deny` or `pass`, found `{other}`")),
        },
    };
    let (allow, strict): (Vec<Rule>, Vec<Rule>) =
        rules.into_iter().partition(|rule| rule.verdict == Verdict::Allow);
    Ok(Policy {
        strict,
        allow,
        opaque,
        trusted: directories(object, "trustedDirs", "trustedDirs")?,
        harmless: globs(object, "harmlessEnv", "harmlessEnv")?,
        writes: path_list(object, "writes", "writes")?,
    })
}

/// The rules of the preset that `without` leaves.
fn preset(object: &Map<String, Value>, own: &[Rule]) -> Result<Vec<Rule>> {
    let without = list(object, "without")?;
    let name = match object.get("preset") {
        None => "none",
        Some(value) => string(value, "preset")?,
    };
    let text = match name {
        "none" => "[]",
        "cautious" => CAUTIOUS,
        other => return Err(format!("preset: expected `cautious` or `none`, found `{other}`")),
    };
    let values: Vec<Value> = serde_json::from_str(text).map_err(|error| format!("preset {name}: {error}"))?;
    let mut rules = Vec::new();
    for (index, value) in values.iter().enumerate() {
        // Its examples are checked where it is tested, not at each start.
        rules.push(full_rule(value, &format!("preset {name}[{index}]"), Examples::Passed)?);
    }
    for (index, id) in without.iter().enumerate() {
        if !rules.iter().any(|rule| rule.id == *id) {
            return Err(format!(
                "without[{index}]: expected the id of a rule of the preset `{name}`, found `{id}`"
            ));
        }
    }
    rules.retain(|rule| !without.contains(&rule.id.as_str()));
    if let Some(rule) = own.iter().find(|own| rules.iter().any(|rule| rule.id == own.id)) {
        return Err(format!("rules: expected ids that the preset does not have, found `{}`", rule.id));
    }
    Ok(rules)
}

fn refuse_repeated_ids(object: &Map<String, Value>, rules: &[Rule]) -> Result<()> {
    for (index, value) in array(object, "rules")?.iter().enumerate() {
        if let Some(id) = value.get("id").and_then(Value::as_str)
            && rules.iter().filter(|rule| rule.id == id).count() > 1
        {
            return Err(format!("rules[{index}].id: expected an id of its own, found `{id}` a second time"));
        }
    }
    Ok(())
}

fn short_rule(pattern: &str, verdict: Verdict) -> Result<Rule> {
    let pattern = Pattern::parse(pattern)?;
    if verdict == Verdict::Allow {
        refuse_any_program(&pattern)?;
    }
    Ok(Rule { words: vec![pattern.clone()], ..empty(pattern.text().to_owned(), verdict) })
}

fn empty(id: String, verdict: Verdict) -> Rule {
    Rule {
        id,
        verdict,
        unsure: verdict,
        unseen: verdict,
        words: Vec::new(),
        exact: false,
        deep: false,
        program: Vec::new(),
        except: Vec::new(),
        cwd: Vec::new(),
        redirect: None,
        path: None,
        env: Vec::new(),
        along: Vec::new(),
        reason: None,
    }
}

/// Whether a rule's examples are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Examples {
    Checked,
    Passed,
}

fn full_rule(value: &Value, at: &str, examples: Examples) -> Result<Rule> {
    let object = object(value, at)?;
    known(
        object,
        at,
        &[
            "id", "verdict", "words", "program", "except", "exact", "cwd", "redirect", "path", "env",
            "along", "deep", "unsure", "unseen", "reason", "match", "notMatch",
        ],
    )?;
    let verdict = match object.get("verdict") {
        None => return Err(format!("{at}.verdict: expected `allow`, `ask` or `deny`, found nothing")),
        Some(value) => match string(value, &format!("{at}.verdict"))? {
            "allow" => Verdict::Allow,
            "ask" => Verdict::Ask,
            "deny" => Verdict::Deny,
            other => return Err(format!("{at}.verdict: expected `allow`, `ask` or `deny`, found `{other}`")),
        },
    };
    let mut rule = empty(String::new(), verdict);
    let texts = |member: &str| strings(object, member, &format!("{at}.{member}"));
    for (index, text) in texts("words")?.iter().enumerate() {
        rule.words.push(Pattern::parse(text).map_err(|error| format!("{at}.words[{index}]: {error}"))?);
    }
    for (index, text) in texts("program")?.iter().enumerate() {
        let program =
            ProgramPattern::parse(text).map_err(|error| format!("{at}.program[{index}]: {error}"))?;
        rule.program.push(program);
    }
    for (index, text) in texts("except")?.iter().enumerate() {
        if !text.starts_with(['-', '+']) {
            return Err(format!(
                "{at}.except[{index}]: expected an option (`-x` or `--long`), found `{text}`"
            ));
        }
        rule.except.push(OptionPattern::new(Glob::from_text(text)));
    }
    rule.exact = boolean(object, "exact", at)?;
    rule.deep = boolean(object, "deep", at)?;
    rule.cwd = directories(object, "cwd", &format!("{at}.cwd"))?;
    rule.redirect = path_list(object, "redirect", &format!("{at}.redirect"))?;
    rule.path = path_list(object, "path", &format!("{at}.path"))?;
    rule.env = globs(object, "env", &format!("{at}.env"))?;
    rule.along = globs(object, "along", &format!("{at}.along"))?;
    rule.reason = text(object, "reason", at)?;
    rule.id = text(object, "id", at)?.unwrap_or_else(|| id_of(&rule));
    check_conditions(&mut rule, object, at)?;
    if examples == Examples::Checked {
        example::check(&rule, &texts("match")?, &texts("notMatch")?)
            .map_err(|error| format!("{at}{error}"))?;
    }
    Ok(rule)
}

/// The pattern's text, or the program's, or the first thing that is given.
fn id_of(rule: &Rule) -> String {
    rule.words.first().map_or_else(
        || format!("{} rule without words", rule.verdict.word()),
        |words| words.text().to_owned(),
    )
}

fn check_conditions(rule: &mut Rule, object: &Map<String, Value>, at: &str) -> Result<()> {
    rule.unsure = milder(object, "unsure", at)?.unwrap_or(rule.verdict);
    rule.unseen = milder(object, "unseen", at)?.unwrap_or(rule.unsure);
    if rule.deep && rule.path.is_none() {
        return Err(format!("{at}.deep: expected it with `path`, found none"));
    }
    if rule.verdict == Verdict::Allow {
        for member in ["path", "along", "deep", "unsure", "unseen", "exact"] {
            if object.contains_key(member) {
                return Err(format!(
                    "{at}.{member}: expected it with `ask` or `deny` only, found it with `allow`"
                ));
            }
        }
        if rule.words.is_empty() && rule.program.is_empty() {
            return Err(format!("{at}: expected `words` or `program` in a rule that allows, found neither"));
        }
        for pattern in &rule.words {
            refuse_any_program(pattern).map_err(|error| format!("{at}.words: {error}"))?;
        }
        if let Some(program) = rule.program.iter().find(|program| !program.glob.has_literal()) {
            return Err(format!(
                "{at}.program: expected a program's name, found `{:?}`",
                program.glob.tokens()
            ));
        }
    } else if rule.words.is_empty()
        && rule.program.is_empty()
        && rule.redirect.is_none()
        && rule.path.is_none()
        && rule.cwd.is_empty()
        && rule.env.is_empty()
    {
        return Err(format!(
            "{at}: expected a condition (`words`, `program`, `cwd`, `redirect`, `path` or `env`), found none"
        ));
    }
    Ok(())
}

fn milder(object: &Map<String, Value>, member: &str, at: &str) -> Result<Option<Verdict>> {
    let Some(value) = object.get(member) else {
        return Ok(None);
    };
    match string(value, &format!("{at}.{member}"))? {
        "deny" => Ok(Some(Verdict::Deny)),
        "ask" => Ok(Some(Verdict::Ask)),
        "pass" => Ok(Some(Verdict::Pass)),
        other => Err(format!("{at}.{member}: expected `deny`, `ask` or `pass`, found `{other}`")),
    }
}

fn refuse_any_program(pattern: &Pattern) -> Result<()> {
    match pattern.program().has_literal() {
        true => Ok(()),
        false => Err(format!("expected a rule that allows to name its program, found `{}`", pattern.text())),
    }
}

fn known(object: &Map<String, Value>, at: &str, members: &[&str]) -> Result<()> {
    match object.keys().find(|key| !members.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => {
            let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
            let expected: Vec<String> = members.iter().map(|member| format!("`{member}`")).collect();
            Err(format!("{path}: expected one of {}, found `{key}`", expected.join(", ")))
        }
    }
}

fn object<'v>(value: &'v Value, at: &str) -> Result<&'v Map<String, Value>> {
    value.as_object().ok_or_else(|| format!("{at}: expected an object, found {}", kind(value)))
}

fn string<'v>(value: &'v Value, at: &str) -> Result<&'v str> {
    value.as_str().ok_or_else(|| format!("{at}: expected a string, found {}", kind(value)))
}

fn text(object: &Map<String, Value>, member: &str, at: &str) -> Result<Option<String>> {
    let Some(value) = object.get(member) else {
        return Ok(None);
    };
    match string(value, &format!("{at}.{member}"))? {
        "" => Err(format!("{at}.{member}: expected some text, found none")),
        text => Ok(Some(text.to_owned())),
    }
}

fn boolean(object: &Map<String, Value>, member: &str, at: &str) -> Result<bool> {
    match object.get(member) {
        None => Ok(false),
        Some(Value::Bool(value)) => Ok(*value),
        Some(other) => Err(format!("{at}.{member}: expected `true` or `false`, found {}", kind(other))),
    }
}

fn array<'v>(object: &'v Map<String, Value>, member: &str) -> Result<&'v [Value]> {
    match object.get(member) {
        None => Ok(&[]),
        Some(Value::Array(values)) => Ok(values),
        Some(other) => Err(format!("{member}: expected a list, found {}", kind(other))),
    }
}

fn list<'v>(object: &'v Map<String, Value>, member: &str) -> Result<Vec<&'v str>> {
    let values = array(object, member)?.iter().enumerate();
    values.map(|(index, value)| string(value, &format!("{member}[{index}]"))).collect()
}

/// A string, or a list of them that is not empty; nothing if the member is missing.
fn strings(object: &Map<String, Value>, member: &str, at: &str) -> Result<Vec<String>> {
    match object.get(member) {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![text.clone()]),
        // An empty list would be a condition that silently is none.
        Some(Value::Array(values)) if values.is_empty() => {
            Err(format!("{at}: expected at least one string, found an empty list"))
        }
        Some(Value::Array(values)) => {
            let values = values.iter().enumerate();
            values.map(|(index, value)| string(value, &format!("{at}[{index}]")).map(str::to_owned)).collect()
        }
        Some(other) => Err(format!("{at}: expected a string or a list of strings, found {}", kind(other))),
    }
}

fn globs(object: &Map<String, Value>, member: &str, at: &str) -> Result<Vec<Glob>> {
    let texts = strings_or_none(object, member, at)?;
    for (index, text) in texts.iter().enumerate() {
        if text.is_empty() {
            return Err(format!("{at}[{index}]: expected a name, found none"));
        }
    }
    Ok(texts.iter().map(|text| Glob::from_text(text)).collect())
}

fn path_list(object: &Map<String, Value>, member: &str, at: &str) -> Result<Option<PathList>> {
    let texts = strings_or_none(object, member, at)?;
    if texts.is_empty() {
        return Ok(None);
    }
    PathList::new(&texts).map(Some).map_err(|error| format!("{at}: {error}"))
}

/// Directories: absolute or in the home directory.
fn directories(object: &Map<String, Value>, member: &str, at: &str) -> Result<Vec<Location>> {
    let root = Location::directory("/");
    let texts = strings_or_none(object, member, at)?;
    let places = texts.iter().enumerate().map(|(index, text)| {
        if text.starts_with('/') || text == "~" || text.starts_with("~/") {
            Ok(Location::of(&Word::plain(text), &root).swap_remove(0))
        } else {
            Err(format!("{at}[{index}]: expected an absolute directory or one below `~/`, found `{text}`"))
        }
    });
    places.collect()
}

/// As `strings`; at the top an empty list is harmless.
fn strings_or_none(object: &Map<String, Value>, member: &str, at: &str) -> Result<Vec<String>> {
    match object.get(member) {
        Some(Value::Array(values)) if values.is_empty() && member == at => Ok(Vec::new()),
        _ => strings(object, member, at),
    }
}

fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => format!("`{value}`"),
        Value::Number(number) => format!("the number `{number}`"),
        Value::String(text) => format!("the string `{text}`"),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_presets_examples_hold() {
        let values: Vec<Value> = serde_json::from_str(CAUTIOUS).unwrap();
        for (index, value) in values.iter().enumerate() {
            full_rule(value, &format!("[{index}]"), Examples::Checked).unwrap();
        }
    }
}
