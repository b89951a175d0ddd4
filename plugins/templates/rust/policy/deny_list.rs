//! The list, and what it says of a script. No bindings are called here, so that `cargo test` runs it natively.

use serde::Deserialize;

use crate::weir::plugin::host::{Script, SimpleCommand, Word};
use crate::weir::plugin::types::{Decision, Verdict};

/// The configuration. Whatever is not named here is refused.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DenyList {
    /// Commands by their first words, as `git push`.
    #[serde(default)]
    deny: Vec<String>,
}

/// How a command compares with an entry of the list.
enum Match {
    No,
    /// Only the shell will know.
    Perhaps,
    Yes,
}

impl DenyList {
    pub fn parse(config: &str) -> Result<Self, String> {
        let list: Self = serde_json::from_str(config).map_err(|error| error.to_string())?;
        match list.deny.iter().position(|entry| entry.trim().is_empty()) {
            Some(index) => Err(format!(
                "`deny[{index}]`: expected the words of a command, saw none"
            )),
            None => Ok(list),
        }
    }

    /// Denies if one of the commands is on the list, asks if one may be, and passes otherwise: others may know better.
    pub fn judge(&self, script: &Script) -> Decision {
        let mut unclear = None;
        for command in &script.commands {
            for entry in &self.deny {
                match compare(command, entry) {
                    Match::Yes => {
                        return decision(
                            Verdict::Deny,
                            entry,
                            format!("`{entry}` is on the list of denied commands"),
                        );
                    }
                    Match::Perhaps => unclear = Some(entry),
                    Match::No => {}
                }
            }
        }
        if let Some(entry) = unclear {
            return decision(
                Verdict::Ask,
                "unclear",
                format!("this may run `{entry}`, which is denied"),
            );
        }
        match script.opaque.first() {
            Some(reason) if !self.deny.is_empty() => decision(
                Verdict::Ask,
                "opaque",
                format!("what this runs cannot be seen: {reason}"),
            ),
            _ => Decision {
                verdict: Verdict::Pass,
                reason: None,
                rule: None,
                patch: None,
                notes: Vec::new(),
            },
        }
    }
}

/// Compares word by word. The program may be written with a path.
fn compare(command: &SimpleCommand, entry: &str) -> Match {
    let mut words = command.argv.iter();
    for (index, expected) in entry.split_whitespace().enumerate() {
        match words.next() {
            Some(Word { literal: false, .. }) => return Match::Perhaps,
            Some(Word { text, .. }) if index == 0 && text.rsplit('/').next() == Some(expected) => {}
            Some(Word { text, .. }) if text == expected => {}
            _ => return Match::No,
        }
    }
    Match::Yes
}

fn decision(verdict: Verdict, rule: &str, reason: String) -> Decision {
    Decision {
        verdict,
        reason: Some(reason),
        rule: Some(rule.to_owned()),
        patch: None,
        notes: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words that begin with `$` are not literal.
    fn judge(commands: &[&str], opaque: &[&str]) -> Decision {
        let word = |text: &str| Word {
            text: text.to_owned(),
            literal: !text.starts_with('$'),
        };
        let command = |text: &&str| SimpleCommand {
            argv: text.split(' ').map(word).collect(),
            program: None,
            assignments: Vec::new(),
            redirects: Vec::new(),
            depth: 0,
            via: Vec::new(),
        };
        let script = Script {
            commands: commands.iter().map(command).collect(),
            opaque: opaque.iter().map(|reason| (*reason).to_owned()).collect(),
        };
        DenyList::parse(r#"{"deny": ["git push", "rm"]}"#)
            .unwrap()
            .judge(&script)
    }

    #[test]
    fn a_command_of_the_list_is_denied_wherever_it_stands() {
        for commands in [
            &["git push origin"][..],
            &["bash", "ls", "/usr/bin/git push"],
            &["rm"],
        ] {
            assert_eq!(judge(commands, &[]).verdict, Verdict::Deny, "{commands:?}");
        }
        assert_eq!(judge(&["git push"], &[]).rule.as_deref(), Some("git push"));
    }

    #[test]
    fn others_pass() {
        assert_eq!(
            judge(&["git status", "git", "rmdir x"], &[]).verdict,
            Verdict::Pass
        );
    }

    #[test]
    fn what_cannot_be_seen_is_asked_about() {
        assert_eq!(judge(&["git $verb"], &[]).verdict, Verdict::Ask);
        assert_eq!(
            judge(&["python3 x.py"], &["python runs a file"]).verdict,
            Verdict::Ask
        );
    }

    #[test]
    fn a_bad_configuration_is_refused_by_name() {
        for (config, expected) in [
            (r#"{"denny": []}"#, "denny"),
            (r#"{"deny": ["a", " "]}"#, "deny[1]"),
        ] {
            let error = DenyList::parse(config).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
