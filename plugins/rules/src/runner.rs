//! Programs that find or fetch the program that they run: `uv run`, `npx`, `bundle exec`.
//!
//! What they run may be another program than the one that a rule means by its name, so the host lists it and calls it
//! opaque, and no rule for `pytest` lets `uv run pytest` be run. A rule for `uv run pytest` itself does: whoever wrote
//! both names out has meant just that.

use crate::model::{Request, Simple};
use crate::rule::{Context, Rule};

/// With more reasons some may have been left out.
const MOST_REASONS: usize = 8;

/// The request without what rules for runners answer for: the commands that those run, and the reasons why these cannot be seen through. None if something else cannot be seen
/// through, or if there is no such rule.
pub fn vouched(request: &Request, allow: &[Rule], context: &Context<'_>) -> Option<Request> {
    if request.opaque.len() > MOST_REASONS {
        return None;
    }
    let commands = &request.commands;
    let mut answered = vec![false; commands.len()];
    let mut runners: Vec<(&str, &str)> = Vec::new();
    for (index, command) in commands.iter().enumerate() {
        let Some((inner, name)) = runs(commands, index) else { continue };
        let first = command.argv.len() - commands[inner].argv.len();
        if allow.iter().any(|rule| rule.writes_out(command, context) > first) {
            answered[inner] = true;
            runners.push((name, commands[inner].argv[0].text.as_str()));
        } else if request.opaque.iter().any(|why| is_about(why, name)) {
            return None;
        }
    }
    let explained = |why: &String| {
        runners.iter().any(|(name, program)| *why == in_its_own(name) || *why == another(name, program))
    };
    // One that runs something that is not listed in its own words: nobody has answered for that.
    let alone = commands.iter().enumerate().any(|(index, command)| {
        runners.iter().any(|(name, _)| command.name() == Some(name)) && runs(commands, index).is_none()
    });
    if alone || !request.opaque.iter().all(explained) {
        return None;
    }
    let mut answered = answered.into_iter();
    let mut rest = request.clone();
    rest.opaque.clear();
    rest.commands.retain(|_| !answered.next().unwrap_or(false));
    Some(rest)
}

/// The one command that this one runs, if it is listed in the same words and runs nothing else; and this one's name.
fn runs(commands: &[Simple], index: usize) -> Option<(usize, &str)> {
    let command = &commands[index];
    let below = commands[index + 1..].iter().take_while(|other| other.depth > command.depth).count();
    let inner = &commands.get(index + 1)?;
    let written = !inner.argv.is_empty()
        && inner.argv.len() < command.argv.len()
        && command.argv.ends_with(&inner.argv)
        && inner.argv[0].literal
        && inner.assignments.is_empty()
        && inner.redirects.is_empty();
    (below == 1 && inner.depth == command.depth + 1 && written).then_some((index + 1, command.name()?))
}

fn is_about(why: &str, name: &str) -> bool {
    why == in_its_own(name) || why.starts_with(&format!("what `{name}` runs as "))
}

// What the host says of runners, in its words.

fn in_its_own(name: &str) -> String {
    format!("`{name}` runs its arguments in an environment of its own, or fetches what it runs")
}

fn another(name: &str, program: &str) -> String {
    format!("what `{name}` runs as `{program}` may be another program than that of PATH")
}
