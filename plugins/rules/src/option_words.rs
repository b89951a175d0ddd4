//! Option words: how one is recognised in its spellings, and which take a value.

use crate::glob::Glob;

/// Whether a word may be an option: `-x`, `--long`, and `+toolchain` as cargo has it.
pub fn is_option(word: &str) -> bool {
    word.len() > 1 && (word.starts_with('-') || word.starts_with('+'))
}

/// An option word of a pattern, recognised in every spelling that programs usually take:
/// `-f` also within a cluster (`-rf`) or with its value attached; `-rf` as the letters together or apart, in any order
/// (up to three letters); `--force` also shortened (`--forc`) and with `=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionPattern {
    glob: Glob,
    letters: Vec<char>,
}

impl OptionPattern {
    /// From a word of a pattern that begins with `-` or `+`.
    pub fn new(glob: Glob) -> Self {
        let letters = match glob.exact().and_then(|text| text.strip_prefix('-')) {
            Some(rest) if rest.len() <= 3 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                rest.chars().collect()
            }
            _ => Vec::new(),
        };
        Self { glob, letters }
    }

    /// Whether the option is among these words.
    pub fn is_among<'a>(&self, words: impl Iterator<Item = &'a str> + Clone) -> bool {
        if words.clone().any(|word| self.is(word)) {
            return true;
        }
        !self.letters.is_empty()
            && self.letters.iter().all(|letter| words.clone().any(|word| cluster_has(word, *letter)))
    }

    /// Whether a word that becomes one of these shapes may be the option.
    pub fn glob(&self) -> &Glob {
        &self.glob
    }

    fn is(&self, word: &str) -> bool {
        if self.glob.matches(word) {
            return true;
        }
        let Some(option) = self.glob.exact() else {
            return false;
        };
        match option.strip_prefix("--") {
            Some(long) if !long.is_empty() => {
                let name = word.split('=').next().unwrap_or(word);
                name.strip_prefix("--").is_some_and(|name| !name.is_empty() && long.starts_with(name))
            }
            // A long option with one dash may have its value attached, as `-o=x` or `-exec=x`.
            _ => word.split('=').next() == Some(option),
        }
    }
}

/// Whether a word of one dash has this letter: `-rf`, `-ofile`.
fn cluster_has(word: &str, letter: char) -> bool {
    let Some(cluster) = word.strip_prefix('-') else {
        return false;
    };
    !cluster.starts_with('-')
        && cluster.chars().take_while(|character| character.is_ascii_alphanumeric()).any(|c| c == letter)
}

/// What an option does with the word after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    /// Leaves it alone.
    Flag,
    /// Takes it.
    Value,
    /// Nobody knows: both must be thought of.
    Unknown,
}

/// What is known of options that stand before a subcommand. What is not listed is `Unknown`.
struct Known {
    program: &'static str,
    flags: &'static [&'static str],
    values: &'static [&'static str],
}

const KNOWN: &[Known] = &[
    Known {
        program: "git",
        flags: &[
            "-p",
            "--paginate",
            "-P",
            "--no-pager",
            "--bare",
            "--no-replace-objects",
            "--no-lazy-fetch",
            "--no-optional-locks",
            "--no-advice",
            "--literal-pathspecs",
            "--glob-pathspecs",
            "--noglob-pathspecs",
            "--icase-pathspecs",
            "--html-path",
            "--man-path",
            "--info-path",
            "--exec-path",
        ],
        values: &["-C", "-c", "--git-dir", "--work-tree", "--namespace", "--config-env", "--attr-source"],
    },
    Known {
        program: "cargo",
        flags: &["-v", "-vv", "-q", "--verbose", "--quiet", "--locked", "--offline", "--frozen"],
        values: &["-C", "-Z", "--config", "--color"],
    },
    Known {
        program: "npm",
        flags: &["-s", "--silent", "-q", "--quiet", "-d"],
        values: &["--prefix", "-w", "-C"],
    },
    Known {
        program: "pnpm",
        flags: &["-r", "--recursive", "-s", "-w"],
        values: &["-C", "--dir", "-F", "--filter"],
    },
    Known { program: "yarn", flags: &["-s", "--silent"], values: &["--cwd"] },
    Known {
        program: "docker",
        flags: &["-D", "--debug", "--tls", "--tlsverify"],
        values: &["-H", "--host", "-c", "--context", "-l", "--log-level", "--config"],
    },
    Known {
        program: "kubectl",
        flags: &["--insecure-skip-tls-verify"],
        values: &["-n", "--namespace", "--context", "--cluster", "--kubeconfig", "-s", "--server", "--user"],
    },
];

/// What an option before the subcommand of `program` does with the word after it.
pub fn arity(program: &str, option: &str) -> Arity {
    if option == "--" || option.starts_with('+') || (option.starts_with("--") && option.contains('=')) {
        return Arity::Flag;
    }
    match KNOWN.iter().find(|known| known.program == program) {
        Some(known) if known.flags.contains(&option) => Arity::Flag,
        Some(known) if known.values.contains(&option) => Arity::Value,
        _ => Arity::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, words: &[&str]) -> bool {
        OptionPattern::new(Glob::from_text(pattern)).is_among(words.iter().copied())
    }

    #[test]
    fn an_option_is_found_in_every_spelling() {
        for words in [&["-rf"][..], &["-fr"], &["-r", "-f"], &["-f", "x", "-r"], &["-rvf"], &["-vr", "-xf"]] {
            assert!(found("-rf", words), "{words:?}");
        }
        assert!(found("-o", &["-ofile"]));
        assert!(found("--force", &["--force"]));
        assert!(found("--force", &["--forc"]));
        assert!(found("--output", &["--output=x"]));
        assert!(found("--output", &["--out=x"]));
        assert!(found("--force*", &["--force-with-lease"]));
    }

    #[test]
    fn other_options_are_not_it() {
        assert!(!found("-rf", &["-r", "--f"]));
        assert!(!found("--force", &["--force-with-lease"]));
        assert!(!found("--force", &["--no-force"]));
        assert!(!found("--force", &["--"]));
        assert!(!found("-delete", &["-type", "-maxdepth", "-ls", "-d"]));
        assert!(!found("-f", &["f", "--f", "-"]));
    }

    #[test]
    fn what_is_not_known_is_unknown() {
        assert_eq!(arity("git", "-C"), Arity::Value);
        assert_eq!(arity("git", "--no-pager"), Arity::Flag);
        assert_eq!(arity("git", "--git-dir=x"), Arity::Flag);
        assert_eq!(arity("git", "--new"), Arity::Unknown);
        assert_eq!(arity("made-up", "-C"), Arity::Unknown);
    }
}
