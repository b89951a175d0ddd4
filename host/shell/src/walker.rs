//! The walk from a command to what it runs: what was found, within which bounds, and in which surroundings.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::run;
use crate::script::{Assignment, Piece, Redirect, Script, SimpleCommand, Word};
use crate::setting::{Setting, depends_on_cwd, is_unshared, resolve};
use crate::text::Text;

/// Bytes of a shell text, and of the words of a command that runs its arguments. Longer ones are opaque.
pub const MAX_TEXT: usize = 256 * 1024;
/// Commands that are listed. What follows is opaque.
pub const MAX_COMMANDS: usize = 10_000;
/// Shells, wrappers, substitutions and functions within each other. What is deeper is opaque.
pub const MAX_DEPTH: usize = 16;

/// Compound commands, expansions and shells within each other: bounds the recursion.
const MAX_NEST: usize = 48;
/// Bytes of all words that are listed, counted at each level: wrappers repeat what they run.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Reasons that are kept, and the bytes of one.
const MAX_REASONS: usize = 32;
const MAX_REASON: usize = 200;

/// Takes a command apart: the command itself comes first, what it runs follows.
///
/// `argv` is what would be given to execvp; a shell's text is one of its words. Never panics, and is bounded in time,
/// memory and depth whatever the input. Reads the file system (PATH), and nothing else.
pub fn see_through(argv: &[String], setting: &Setting<'_>) -> Script {
    let mut walker = Walker::new(setting);
    for name in setting.meddlers() {
        walker.note(format!("the environment has `{name}`, which changes what programs run"));
    }
    if argv.is_empty() {
        walker.note("there is no program");
        return walker.script;
    }
    let pieces: Vec<Piece> = argv.iter().map(Piece::literal).collect();
    walker.run(&pieces, Vec::new(), &Place::default());
    walker.finish()
}

/// Which shell reads a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// bash by name.
    Bash,
    /// `sh` and the small shells: only what POSIX says is plain, and `sh` may be bash as well.
    Posix,
    /// ksh and its relatives.
    Ksh,
    /// zsh.
    Zsh,
}

/// What could not be read, and why: the rest of the text is given up.
#[derive(Debug)]
pub(crate) struct Unclear(pub(crate) String);

pub(crate) type Clear<T = ()> = Result<T, Unclear>;

/// The surroundings of a command.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place {
    pub(crate) via: Vec<String>,
    pub(crate) nest: usize,
    /// The shell that runs it, if it is one: builtins and functions come before programs there.
    pub(crate) shell: Option<Dialect>,
    /// The directory or the root may be another than the setting's.
    pub(crate) elsewhere: bool,
}

impl Place {
    /// One level further in, run by `name` and by no shell.
    pub(crate) fn inside(&self, name: &str) -> Self {
        let mut via = self.via.clone();
        via.push(name.to_owned());
        Self { via, nest: self.nest + 1, shell: None, elsewhere: self.elsewhere }
    }

    /// One level further in, still within the same shell.
    pub(crate) fn within(&self, name: &str) -> Self {
        Self { shell: self.shell, ..self.inside(name) }
    }
}

/// Where a command that is still being read will stand in the list; none beyond the bounds.
pub(crate) type Slot = Option<usize>;

/// What was found so far.
pub(crate) struct Walker<'s> {
    pub(crate) script: Script,
    setting: &'s Setting<'s>,
    bytes: usize,
    /// Functions that the texts define.
    pub(crate) functions: BTreeSet<String>,
    /// A text has changed the directory, or what words are found as.
    pub(crate) moved: bool,
    found: BTreeMap<String, Option<PathBuf>>,
    /// Words with a slash, and whether their paths are not the same for the child.
    unshared: BTreeMap<String, bool>,
}

impl<'s> Walker<'s> {
    fn new(setting: &'s Setting<'s>) -> Self {
        Self {
            script: Script::default(),
            setting,
            bytes: 0,
            functions: BTreeSet::new(),
            moved: false,
            found: BTreeMap::new(),
            unshared: BTreeMap::new(),
        }
    }

    /// Records why something is not certain: once, shortened, without control characters.
    pub(crate) fn note(&mut self, reason: impl Into<String>) {
        let reason: String = reason.into();
        let mut line = String::with_capacity(reason.len().min(MAX_REASON + 4));
        for char in reason.chars() {
            if line.len() >= MAX_REASON {
                line.push('…');
                break;
            }
            if char.is_control() { line.extend(char.escape_default()) } else { line.push(char) }
        }
        if self.script.opaque.len() < MAX_REASONS && !self.script.opaque.contains(&line) {
            self.script.opaque.push(line);
        }
    }

    /// Keeps a place in the list for a command whose words are still to be read.
    pub(crate) fn reserve(&mut self, place: &Place) -> Slot {
        if self.script.commands.len() >= MAX_COMMANDS || self.bytes > MAX_BYTES {
            self.note("there are too many commands to list");
            return None;
        }
        self.script.commands.push(SimpleCommand {
            depth: u32::try_from(place.via.len()).unwrap_or(u32::MAX),
            via: place.via.clone(),
            ..SimpleCommand::default()
        });
        self.bytes += place.via.iter().map(String::len).sum::<usize>();
        Some(self.script.commands.len() - 1)
    }

    /// Gives back a place that turned out to be no command. Only the last one can be given back.
    pub(crate) fn release(&mut self, slot: Slot) {
        if slot.is_some_and(|at| at + 1 == self.script.commands.len()) {
            self.script.commands.pop();
        }
    }

    /// Lists a command that another one runs with these words, and what it runs itself.
    pub(crate) fn run(&mut self, pieces: &[Piece], assignments: Vec<Assignment>, place: &Place) {
        let slot = self.reserve(place);
        self.fill(slot, pieces, assignments, Vec::new(), place);
    }

    /// Completes a command in the list, and goes on to what it runs.
    pub(crate) fn fill(
        &mut self,
        slot: Slot,
        pieces: &[Piece],
        assignments: Vec<Assignment>,
        redirects: Vec<Redirect>,
        place: &Place,
    ) {
        let Some(at) = slot else { return };
        let size: usize = pieces.iter().map(|piece| piece.word.text.len() + 8).sum();
        self.bytes += size;
        run::meddling::check(self, &assignments, pieces.first().and_then(Piece::lit));
        let first = pieces.first().and_then(Piece::lit);
        let program = first.and_then(|word| self.find(word, place));
        let command = &mut self.script.commands[at];
        command.argv = pieces.iter().map(|piece| piece.word.clone()).collect();
        command.assignments = assignments;
        command.redirects = redirects;
        command.program.clone_from(&program);
        match (pieces.first(), first) {
            (None, _) => {}
            (Some(piece), None) => {
                self.note(format!("which program runs is not written: `{}`", piece.word.text));
            }
            (Some(_), Some(word)) => {
                // POSIX lets such programs exist, and some systems have them: what they run is not looked at.
                if place.shell.is_none()
                    && ["eval", "exec", "command", "builtin", "trap", ".", "source"].contains(&word)
                {
                    self.note(format!("`{word}` is a shell's own, and no shell runs it here"));
                }
                if self.is_unshared(word) {
                    self.note(format!("`{word}` may stand for another program than here"));
                }
                if run::concerns(word, program.as_deref(), place) {
                    if size > MAX_TEXT && !place.via.is_empty() || size > 2 * MAX_TEXT {
                        self.note(format!("the arguments of `{word}` are longer than {MAX_TEXT} bytes"));
                    } else if place.via.len() >= MAX_DEPTH || place.nest >= MAX_NEST {
                        self.note(format!("`{word}` is more than {MAX_DEPTH} levels deep"));
                    } else {
                        run::dispatch(self, word, program.as_deref(), pieces, place);
                    }
                }
            }
        }
    }

    /// The file of a program's word, searched once.
    fn find(&mut self, word: &str, place: &Place) -> Option<PathBuf> {
        if place.shell.is_some_and(|dialect| run::builtin::is_builtin(word, dialect)) {
            return None;
        }
        if (self.moved || place.elsewhere) && depends_on_cwd(word, self.setting) {
            return None;
        }
        if let Some(found) = self.found.get(word) {
            return found.clone();
        }
        let found = if self.found.len() < 256 { resolve(word, self.setting) } else { None };
        self.found.insert(word.to_owned(), found.clone());
        found
    }

    /// Whether a program's path leads through what each process sees differently, looked at once.
    fn is_unshared(&mut self, word: &str) -> bool {
        if !word.contains('/') {
            return false;
        }
        if let Some(&unshared) = self.unshared.get(word) {
            return unshared;
        }
        let unshared = self.unshared.len() >= 256 || is_unshared(word, self.setting);
        if self.unshared.len() < 256 {
            self.unshared.insert(word.to_owned(), unshared);
        }
        unshared
    }

    /// Reads a text as the shell of `place` would.
    pub(crate) fn text(&mut self, text: &str, place: &Place) {
        if text.len() > MAX_TEXT {
            return self.note(format!("a shell's text is longer than {MAX_TEXT} bytes"));
        }
        if place.via.len() > MAX_DEPTH || place.nest >= MAX_NEST {
            return self.note(format!("a shell's text is more than {MAX_DEPTH} levels deep"));
        }
        if let Some(char) = text.chars().find(|&char| char.is_control() && char != '\n' && char != '\t') {
            self.note(format!("a shell's text has the control character {:?}", char));
        }
        if let Err(Unclear(why)) = Text::new(text, place.clone(), self).program() {
            self.note(why);
        }
    }

    /// Whether compound commands may be entered once more.
    pub(crate) fn may_nest(place: &Place) -> Clear {
        if place.nest >= MAX_NEST || place.via.len() > MAX_DEPTH {
            return Err(Unclear(format!("the text is nested more than {MAX_DEPTH} levels deep")));
        }
        Ok(())
    }

    /// Completes the redirect of a here-document once its text is read.
    pub(crate) fn set_target(&mut self, slot: Slot, redirect: usize, target: Word) {
        self.bytes += target.text.len();
        let command = slot.and_then(|at| self.script.commands.get_mut(at));
        if let Some(redirect) = command.and_then(|command| command.redirects.get_mut(redirect)) {
            redirect.target = target;
        }
    }

    fn finish(mut self) -> Script {
        for command in &mut self.script.commands {
            if command.argv.first().is_some_and(|word| self.functions.contains(&word.text)) {
                command.program = None;
            }
        }
        self.script
    }
}
