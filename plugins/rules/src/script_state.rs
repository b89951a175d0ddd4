//! Where the commands of a script may run.

use crate::location::Location;
use crate::model::Simple;

/// More directories than this are not followed.
const MAX_DIRECTORIES: usize = 8;

/// Every directory that a command of the script may run in, the given one first, and whether there may be others:
/// each `cd` may have been done before any of the commands.
pub fn directories(cwd: &str, commands: &[Simple]) -> (Vec<Location>, bool) {
    let mut all = vec![Location::directory(cwd)];
    let mut lost = false;
    for command in commands {
        match command.name() {
            Some("cd" | "pushd") => {
                let mut targets = command.arguments().iter().filter(|word| {
                    !(word.literal && matches!(word.text.as_str(), "-L" | "-P" | "-e" | "--"))
                });
                match (targets.next(), targets.next()) {
                    (Some(word), None) if !word.text.starts_with(['-', '+']) => {
                        for index in 0..all.len() {
                            let location = Location::of(word, &all[index]).swap_remove(0);
                            lost |= location.adrift || !word.literal && word.text.contains('{');
                            if !all.contains(&location) {
                                all.push(location);
                            }
                        }
                    }
                    (None, _) if command.name() == Some("cd") => {
                        let home = crate::model::Word { text: "~".to_owned(), literal: false };
                        all.push(Location::of(&home, &all[0]).swap_remove(0));
                    }
                    _ => lost = true,
                }
            }
            Some("popd") => {}
            Some("env" | "sudo" | "doas") => {
                lost |= command.arguments().iter().any(|word| {
                    word.text.starts_with("-C")
                        || word.text.starts_with("--chdir")
                        || word.text.starts_with("-D")
                });
            }
            _ => {}
        }
        if all.len() > MAX_DIRECTORIES {
            all.truncate(1);
            lost = true;
        }
    }
    (all, lost)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_of_directory_adds_one() {
        let (all, lost) = directories("/w", &[Simple::plain(&["cd", "a"]), Simple::plain(&["cd", "/b"])]);
        assert_eq!(all, [Location::directory("/w"), Location::directory("/w/a"), Location::directory("/b")]);
        assert!(!lost);
    }

    #[test]
    fn what_cannot_be_followed_is_said() {
        for words in [&["cd", "-"][..], &["pushd", "+1"], &["env", "-C", "/x", "ls"], &["pushd"]] {
            assert!(directories("/w", &[Simple::plain(words)]).1, "{words:?}");
        }
    }
}
