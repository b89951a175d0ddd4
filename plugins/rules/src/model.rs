//! What is judged: a command line taken apart, in types of this crate's own, so that the logic needs no bindings.

use crate::location::Location;

/// A word after quotes are taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// What the command would see, or, if the word is not literal, the word as it is written.
    pub text: String,
    /// False if the text holds an expansion, a substitution or a pattern.
    pub literal: bool,
}

impl Word {
    /// A word that the command sees as it stands.
    pub fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), literal: true }
    }

    /// The text, if it is what the command would see.
    pub fn literal_text(&self) -> Option<&str> {
        self.literal.then_some(self.text.as_str())
    }
}

/// A variable that is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The variable.
    pub name: String,
    /// What it is set to.
    pub value: Word,
}

/// A redirect of a simple command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// As it is written, without the descriptor.
    pub operator: String,
    /// The descriptor, where one is written.
    pub descriptor: Option<u32>,
    /// The file or descriptor; for a here-document its text.
    pub target: Word,
}

impl Redirect {
    /// Whether a file (not a descriptor, not one of the harmless devices) may be written. An operator that is not
    /// known counts as writing.
    pub fn writes_a_file(&self) -> bool {
        match self.operator.as_str() {
            "<" | "<<" | "<<-" | "<<<" | "<&" => false,
            ">&" if self.is_descriptor() => false,
            _ => !matches!(
                self.target.literal_text(),
                Some("/dev/null" | "/dev/stdout" | "/dev/stderr" | "/dev/tty")
            ),
        }
    }

    /// Whether the target names a file, for reading or for writing.
    pub fn names_a_file(&self) -> bool {
        match self.operator.as_str() {
            "<<" | "<<-" | "<<<" => false,
            ">&" | "<&" => !self.is_descriptor(),
            _ => true,
        }
    }

    /// Whether the target is one of bash's network pseudo-files.
    pub fn opens_a_connection(&self) -> bool {
        self.target.text.contains("/dev/tcp/") || self.target.text.contains("/dev/udp/")
    }

    fn is_descriptor(&self) -> bool {
        let digits = self.target.text.strip_suffix('-').unwrap_or(&self.target.text);
        self.target.literal && digits.bytes().all(|b| b.is_ascii_digit())
    }
}

/// A program with its arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Simple {
    /// The words, the program's first. May be empty.
    pub argv: Vec<Word>,
    /// The file that the first word resolves to, links followed.
    pub program: Option<String>,
    /// Variables that are set for this command alone, or, without words, in the shell.
    pub assignments: Vec<Assignment>,
    /// Redirects, in order.
    pub redirects: Vec<Redirect>,
    /// 0 for the command as it was asked for, one more for each shell or wrapper around it.
    pub depth: u32,
    /// What it is run by, outermost first.
    pub via: Vec<String>,
    /// Words that `find` or `xargs` puts in. Found by the judgement, not given.
    pub handed: Option<Handed>,
}

/// Words that a program hands over to the one that it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handed {
    /// Which words of the command are handed over whole.
    pub words: Vec<usize>,
    /// By whom.
    pub by: String,
    /// Below which places all of them lie; none if that cannot be seen.
    pub places: Option<Vec<Location>>,
}

impl Simple {
    /// A command of literal words and nothing else.
    pub fn plain(words: &[&str]) -> Self {
        Self { argv: words.iter().map(|word| Word::plain(word)).collect(), ..Self::default() }
    }

    /// The first word's last path component, if the word is literal.
    pub fn name(&self) -> Option<&str> {
        self.argv.first()?.literal_text().map(basename)
    }

    /// The words after the program; empty if there is no program.
    pub fn arguments(&self) -> &[Word] {
        self.argv.get(1..).unwrap_or_default()
    }

    /// Whether the command runs in a shell of this family (`zsh`, `ksh`, `mksh`), which evaluates arithmetic in
    /// more places than others do.
    pub fn in_arithmetic_shell(&self) -> bool {
        self.via.iter().any(|by| by.ends_with("zsh") || by.ends_with("ksh"))
    }
}

/// What is judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The directory that the command would run in: an absolute path.
    pub cwd: String,
    /// Variables that the caller sets.
    pub env: Vec<(String, String)>,
    /// Everything that may run, outermost first.
    pub commands: Vec<Simple>,
    /// Why something could not be seen through.
    pub opaque: Vec<String>,
}

/// What a policy says, strictest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// No opinion.
    Pass,
    /// May run.
    Allow,
    /// A person decides.
    Ask,
    /// Must not run.
    Deny,
}

impl Verdict {
    /// The word of the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The strictest over all commands and rules.
    pub verdict: Verdict,
    /// Why, for a person or a model. With `pass`: what kept it from being allowed.
    pub reason: Option<String>,
    /// The rule's stable id; none if no rule led to the verdict.
    pub rule: Option<String>,
    /// Beside the reason: `command` (the simple command that decided) and the like.
    pub notes: Vec<(String, String)>,
}

/// The last component of a path; the whole of what has no `/`.
pub fn basename(path: &str) -> &str {
    path.rsplit('/').find(|part| !part.is_empty()).unwrap_or(path)
}
