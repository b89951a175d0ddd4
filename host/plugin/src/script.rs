//! What a command line means, as policies are told. The same as in `wit/host.wit`, in the host's own types.

use crate::bindings::weir::plugin::host as wit;

/// What a command runs, as far as the host can see through shells and wrappers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// Every simple command that may run, outermost first.
    pub commands: Vec<SimpleCommand>,
    /// Why something could not be seen through. Not empty: something else may run.
    pub opaque: Vec<String>,
}

/// A program with its arguments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SimpleCommand {
    /// The words, the program's first; may be empty.
    pub argv: Vec<Word>,
    /// The file that the first word resolves to.
    pub program: Option<String>,
    /// Variables that are set for it.
    pub assignments: Vec<Assignment>,
    /// Where its streams go and come from.
    pub redirects: Vec<Redirect>,
    /// Shells and wrappers around it.
    pub depth: u32,
    /// Which, outermost first.
    pub via: Vec<String>,
}

/// A word after quotes are taken away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Word {
    /// As the command sees it, or, if it is not literal, as it is written.
    pub text: String,
    /// False if it holds an expansion, a substitution or a pattern.
    pub literal: bool,
}

/// A variable that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assignment {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Word,
}

/// Where a stream goes or comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redirect {
    /// As it is written, without the descriptor.
    pub operator: String,
    /// The descriptor, where one is written.
    pub descriptor: Option<u32>,
    /// The file, the descriptor or the text.
    pub target: Word,
}

impl Script {
    pub(crate) fn to_wit(&self) -> wit::Script {
        wit::Script {
            commands: self.commands.iter().map(SimpleCommand::to_wit).collect(),
            opaque: self.opaque.clone(),
        }
    }
}

impl SimpleCommand {
    fn to_wit(&self) -> wit::SimpleCommand {
        wit::SimpleCommand {
            argv: self.argv.iter().map(Word::to_wit).collect(),
            program: self.program.clone(),
            assignments: self
                .assignments
                .iter()
                .map(|one| wit::Assignment { name: one.name.clone(), value: one.value.to_wit() })
                .collect(),
            redirects: self
                .redirects
                .iter()
                .map(|one| wit::Redirect {
                    operator: one.operator.clone(),
                    descriptor: one.descriptor,
                    target: one.target.to_wit(),
                })
                .collect(),
            depth: self.depth,
            via: self.via.clone(),
        }
    }
}

impl Word {
    fn to_wit(&self) -> wit::Word {
        wit::Word { text: self.text.clone(), literal: self.literal }
    }
}
