//! Examples in rules: command lines that a rule must match, or must not.

use crate::environment::is_identifier;
use crate::location::{Location, Part};
use crate::model::{Assignment, Redirect, Simple, Verdict, Word};
use crate::pattern::Match;
use crate::rule::{Context, Rule, views};
use crate::split::{Quoted, split, text};

/// Checks a rule's own conditions against its examples; what a wrapper would run, and what keeps an allowed command from
/// being allowed, is not looked at. The error begins with the member.
pub fn check(rule: &Rule, matching: &[String], others: &[String]) -> Result<(), String> {
    for (member, examples, expected) in [("match", matching, true), ("notMatch", others, false)] {
        for (index, example) in examples.iter().enumerate() {
            let at = format!(".{member}[{index}]");
            let command = parse(example).map_err(|error| format!("{at}: {error}"))?;
            if matches(rule, &command) != expected {
                let (wanted, seen) =
                    if expected { ("match", "it does not") } else { ("not match", "it does") };
                return Err(format!(
                    "{at}: expected the rule `{}` to {wanted} `{example}`, and {seen}",
                    rule.id
                ));
            }
        }
    }
    Ok(())
}

fn matches(rule: &Rule, command: &Simple) -> bool {
    // An example says nothing of a directory: it is judged in one that the rule is about.
    let cwds = [match rule.cwd.first() {
        Some(Location { absolute: Some(_), .. }) => rule.cwd[0].clone(),
        Some(Location { from_home: Some(parts), .. }) => below_a_home(parts),
        _ => Location::directory("/home/user/project"),
    }];
    let context = Context { cwds: &cwds, lost: false, commands: std::slice::from_ref(command), env: &[] };
    if rule.verdict == Verdict::Allow {
        rule.matches_plainly(command, &context).is_some()
    } else {
        rule.matches_strictly(command, &views(command), false, &context) >= Match::Reaches
    }
}

fn below_a_home(parts: &[Part]) -> Location {
    let mut path = "/home/user".to_owned();
    for part in parts {
        if let Part::Name(name) = part {
            path.push('/');
            path.push_str(name);
        }
    }
    Location::directory(&path)
}

/// A simple command: `NAME=value` before it, words with plain quoting, `>`, `>>` or `<` with a file. Whatever a shell
/// would do more with is refused.
fn parse(line: &str) -> Result<Simple, String> {
    let mut command = Simple::default();
    let words = split(line)?;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if let Some(operator) = operator(word) {
            let target = words.next().filter(|target| self::operator(target).is_none());
            let target = target.ok_or_else(|| format!("expected a file after `{operator}`, found none"))?;
            refuse_syntax(target)?;
            let target = Word::plain(&text(target));
            command.redirects.push(Redirect { operator, descriptor: None, target });
            continue;
        }
        refuse_syntax(word)?;
        let text = text(word);
        match text.split_once('=') {
            Some((name, value)) if command.argv.is_empty() && is_identifier(name) && !word[0].quoted => {
                command.assignments.push(Assignment { name: name.to_owned(), value: Word::plain(value) });
            }
            _ => command.argv.push(Word::plain(&text)),
        }
    }
    match command.argv.first() {
        None if command.assignments.is_empty() && command.redirects.is_empty() => {
            Err("expected a command, found nothing".to_owned())
        }
        first => {
            let path = first.filter(|word| word.text.starts_with('/')).map(|word| word.text.clone());
            command.program = path;
            Ok(command)
        }
    }
}

fn operator(word: &[Quoted]) -> Option<String> {
    let operator = text(word);
    (matches!(operator.as_str(), ">" | ">>" | "<") && word.iter().all(|quoted| !quoted.quoted))
        .then_some(operator)
}

fn refuse_syntax(word: &[Quoted]) -> Result<(), String> {
    let special = |quoted: &&Quoted| !quoted.quoted && "$`|&;<>(){}*?[]#!~\n".contains(quoted.character);
    // `~` and `#` mean something at the beginning of a word alone.
    let found = word.iter().enumerate().find(|(index, quoted)| {
        special(quoted) && (*index == 0 || !matches!(quoted.character, '~' | '#' | '!' | ']' | '}'))
    });
    match found {
        None => Ok(()),
        Some((_, quoted)) => Err(format!(
            "expected a simple command with plain words, found `{}`; put it in quotes if it is meant as it stands",
            quoted.character
        )),
    }
}
