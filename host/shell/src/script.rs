//! What a command line means, as data: the simple commands that may run, and why there may be more.

use std::path::PathBuf;

/// What a command line means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// Every simple command that may run, outermost first: the command itself as it was asked for (all words
    /// literal, depth 0), and what it runs, to any depth. At most [`MAX_COMMANDS`](crate::MAX_COMMANDS).
    pub commands: Vec<SimpleCommand>,
    /// Why something could not be seen through, a line each, each once. Not empty: something else than `commands`
    /// may run, or they may mean something else than their words say.
    pub opaque: Vec<String>,
}

/// A program with its arguments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SimpleCommand {
    /// The words, the program's first. Empty if there are only assignments or redirects.
    pub argv: Vec<Word>,
    /// The file that the first word resolves to, links followed; none if it is not literal, not found, one of the
    /// shell's own (a function or a builtin), or found through a directory or a PATH that the script may have changed.
    pub program: Option<PathBuf>,
    /// Variables that are set for this command alone (`A=1 cmd`), or, without words, in the shell.
    pub assignments: Vec<Assignment>,
    /// Its redirects, in their order.
    pub redirects: Vec<Redirect>,
    /// 0 for the command as it was asked for, one more for each entry of `via`.
    pub depth: u32,
    /// What it is run by, outermost first: program names without directories, as `["env", "bash"]`; also `$()` for
    /// command substitutions, `<()` and `>()` for process substitutions, `function` for bodies of functions.
    pub via: Vec<String>,
}

/// A word after quotes are taken away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Word {
    /// What the command gets, or, if it is not literal, what is written.
    pub text: String,
    /// False if the text is not what the command would see: it holds an expansion, a substitution or a pattern.
    pub literal: bool,
}

/// A variable that is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The variable's name, without a subscript.
    pub name: String,
    /// Its value; not literal if it is an array or is appended to what there was.
    pub value: Word,
}

/// A redirect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// As it is written, without the descriptor: `>`, `>>`, `<`, `<<`, `<<-`, `<<<`, `<>`, `>|`, `>&`, `<&`, `&>`, `&>>`.
    pub operator: String,
    /// The descriptor, where one is written as a number.
    pub descriptor: Option<u32>,
    /// The file or descriptor; for a here-document its text.
    pub target: Word,
}

impl Word {
    /// A word that the command gets as it stands.
    pub fn literal(text: impl Into<String>) -> Self {
        Self { text: text.into(), literal: true }
    }

    /// The text, if it is what the command gets.
    pub fn as_literal(&self) -> Option<&str> {
        self.literal.then_some(self.text.as_str())
    }
}

/// A word inside this crate: what outsiders see, and what wrappers need to know to read their options.
#[derive(Debug, Clone, Default)]
pub(crate) struct Piece {
    pub(crate) word: Word,
    /// It is literal, or, whatever it expands to, no resulting word begins with `-` or `+` or is one that was hidden
    /// in a variable: patterns and braces that begin with a plain character.
    pub(crate) tame: bool,
}

impl Piece {
    pub(crate) fn literal(text: impl Into<String>) -> Self {
        Self { word: Word::literal(text), tame: true }
    }

    pub(crate) fn unknown(text: impl Into<String>) -> Self {
        Self { word: Word { text: text.into(), literal: false }, tame: false }
    }

    pub(crate) fn lit(&self) -> Option<&str> {
        self.word.as_literal()
    }
}
