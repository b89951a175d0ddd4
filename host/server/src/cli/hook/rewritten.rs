//! A command that a policy has rewritten, as a line for a shell.

use weir_plugin::Ruling;

use super::SHELL;

/// What runs instead of the line that was asked for, with its directory and variables; none if that is the line itself.
pub(super) fn line(ruling: &Ruling) -> Option<String> {
    let (asked, command) = (&ruling.asked, &ruling.command);
    let patches = || ruling.opinions.iter().filter_map(|opinion| opinion.patch.as_ref());
    patches().next()?;
    // In the order in which the variables of a command that Weir runs are changed: the last word on a name counts.
    let mut changes: Vec<(&str, Option<&str>)> = Vec::new();
    let mut change = |name, value| {
        changes.retain(|(known, _)| *known != name);
        changes.push((name, value));
    };
    ruling.env_unset.iter().for_each(|name| change(name.as_str(), None));
    for patch in patches() {
        patch.env_unset.iter().for_each(|name| change(name.as_str(), None));
        patch.env_set.iter().for_each(|(name, value)| change(name.as_str(), Some(value.as_str())));
    }
    let unset = changes.iter().filter(|(_, value)| value.is_none());
    let mut env: Vec<String> = unset.map(|(name, _)| format!("-u {}", quoted(name))).collect();
    let set = changes.iter().filter_map(|(name, value)| Some((name, (*value)?)));
    env.extend(set.map(|(name, value)| format!("{}={}", quoted(name), quoted(value))));
    let mut line = match command.argv.as_slice() {
        [shell, option, line] if env.is_empty() && SHELL == [shell.as_str(), option.as_str()] => line.clone(),
        argv => argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
    };
    if !env.is_empty() {
        line = format!("env {} {line}", env.join(" "));
    }
    if asked.cwd != command.cwd {
        // The agent's shell stays where it is. On lines of their own, whatever the line ends with.
        line = format!("(cd {} || exit\n{line}\n)", quoted(&command.cwd));
    }
    Some(line)
}

/// A word that a shell takes as it is.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+:,./-_".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_what_they_are() {
        for (word, expected) in [
            ("ls", "ls"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("A=1", "'A=1'"),
            ("$x", "'$x'"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }
}
