//! Patterns over the words of a command: a plain one for `allow`, a strict one for `ask` and `deny`.

use crate::glob::{Glob, Shape};
use crate::model::{Word, basename};
use crate::option_words::{Arity, OptionPattern, arity, is_option};
use crate::split::{split, text};

/// The most words of a pattern.
pub const MAX_WORDS: usize = 48;

/// Whether something matches, where not everything is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Match {
    /// In no case.
    No,
    /// If a word that is not literal becomes something that it may become.
    Maybe,
    /// If a word that `find` or `xargs` hands over becomes something that it may become, and nobody sees from where.
    Unseen,
    /// What is handed over comes from a place with such things in it.
    Reaches,
    /// In every case.
    Yes,
}

impl From<bool> for Match {
    fn from(value: bool) -> Self {
        if value { Self::Yes } else { Self::No }
    }
}

/// A word of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slot {
    /// One word like this.
    Word(Glob),
    /// Any number of words, also none.
    Many,
}

/// A pattern over the words of a command.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    program: Glob,
    is_path: bool,
    slots: Vec<Slot>,
    /// The slots that are no options.
    places: Vec<Slot>,
    /// A bit for each place that stands behind an option in the pattern: it may be that option's value.
    after_option: u64,
    /// The options, wherever they stand.
    options: Vec<OptionPattern>,
}

/// A word of a command, made ready once for many patterns.
#[derive(Clone, Debug)]
pub enum Argument<'a> {
    /// What the command sees.
    Literal(&'a str),
    /// What may become anything of this shape.
    Open(Shape),
}

impl<'a> Argument<'a> {
    /// From a word.
    pub fn new(word: &'a Word) -> Self {
        if word.literal { Self::Literal(&word.text) } else { Self::Open(Shape::new(&word.text)) }
    }

    fn literal(&self) -> Option<&'a str> {
        match self {
            Self::Literal(text) => Some(text),
            Self::Open(_) => None,
        }
    }
}

impl Pattern {
    /// From text as `git push **`. Fails on open quotes, on no words, on more than [`MAX_WORDS`] and on `**` as
    /// the program.
    pub fn parse(pattern: &str) -> Result<Self, String> {
        let words = split(pattern)?;
        if words.len() > MAX_WORDS {
            return Err(format!("expected at most {MAX_WORDS} words, found {}", words.len()));
        }
        let is_many =
            |word: &[crate::split::Quoted]| text(word) == "**" && word.iter().all(|quoted| !quoted.quoted);
        let Some((first, rest)) = words.split_first() else {
            return Err("expected words, found none".to_owned());
        };
        if is_many(first) {
            return Err("expected a program as the first word (`*` stands for any), found `**`".to_owned());
        }
        if first.is_empty() {
            return Err("expected a program as the first word, found an empty word".to_owned());
        }
        let mut slots = Vec::new();
        let mut places = Vec::new();
        let mut options = Vec::new();
        let mut after_option = 0;
        let mut behind = false;
        for word in rest {
            let slot = if is_many(word) { Slot::Many } else { Slot::Word(Glob::new(word)) };
            match &slot {
                Slot::Word(glob) if is_option(&text(word)) => {
                    options.push(OptionPattern::new(glob.clone()));
                    behind = true;
                }
                place => {
                    if behind {
                        after_option |= 1 << places.len();
                    }
                    behind = false;
                    places.push(place.clone());
                }
            }
            slots.push(slot);
        }
        Ok(Self {
            text: pattern.to_owned(),
            program: Glob::new(first),
            is_path: text(first).contains('/'),
            slots,
            places,
            after_option,
            options,
        })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The first word.
    pub fn program(&self) -> &Glob {
        &self.program
    }

    /// Whether the first word is a path.
    pub fn names_a_path(&self) -> bool {
        self.is_path
    }

    /// Whether it matches every command of its program: nothing follows but `**`.
    pub fn takes_all(&self) -> bool {
        self.slots.iter().all(|slot| *slot == Slot::Many)
    }

    /// How many words from the beginning are written out, the program's name included.
    pub fn written_out(&self) -> usize {
        let exact = |slot: &&Slot| matches!(slot, Slot::Word(glob) if glob.exact().is_some());
        match self.program.exact() {
            Some(_) => 1 + self.slots.iter().take_while(exact).count(),
            None => 0,
        }
    }

    /// Plain: word for word, to the end. A word that is not literal is matched by `**`, and by `*` if it is
    /// surely one word; by nothing else.
    pub fn matches_plainly(&self, arguments: &[Word]) -> bool {
        let mut states = close(&self.slots, 1);
        for word in arguments {
            let mut next = 0;
            for (i, slot) in self.slots.iter().enumerate() {
                if states & (1 << i) == 0 {
                    continue;
                }
                match slot {
                    Slot::Many => next |= 1 << i,
                    Slot::Word(glob) if word.literal && glob.matches(&word.text) => next |= 1 << (i + 1),
                    Slot::Word(glob) if glob.is_any() && is_one_word(word) => next |= 1 << (i + 1),
                    Slot::Word(_) => {}
                }
            }
            states = close(&self.slots, next);
            if states == 0 {
                return false;
            }
        }
        states & (1 << self.slots.len()) != 0
    }

    /// Strict: what follows the pattern does not matter (unless `exact`), options may stand anywhere, and those of
    /// the pattern are found in any spelling. The program is not looked at, but its name tells which options
    /// take a value.
    pub fn matches_strictly(&self, program: &str, arguments: &[Argument<'_>], exact: bool) -> Match {
        let all_literal = arguments.iter().all(|argument| argument.literal().is_some());
        if self.matches_as(program, arguments, exact, false) {
            Match::Yes
        } else if !all_literal && self.matches_as(program, arguments, exact, true) {
            Match::Maybe
        } else {
            Match::No
        }
    }

    fn matches_as(&self, program: &str, arguments: &[Argument<'_>], exact: bool, maybe: bool) -> bool {
        self.has_options(arguments, maybe) && self.has_places(program, arguments, exact, maybe)
    }

    fn has_options(&self, arguments: &[Argument<'_>], maybe: bool) -> bool {
        self.options.iter().all(|option| {
            option.is_among(arguments.iter().filter_map(Argument::literal))
                || maybe && arguments.iter().any(|argument| may_be_option(argument, option))
        })
    }

    /// `states` has a bit for each number of places that the words so far may have filled, `pending` those where
    /// the next word may be the value of an option.
    fn has_places(&self, program: &str, arguments: &[Argument<'_>], exact: bool, maybe: bool) -> bool {
        let end = 1 << self.places.len();
        let mut states = close(&self.places, 1);
        let mut pending = 0_u64;
        for argument in arguments {
            if !exact && states & end != 0 {
                return true;
            }
            let mut next = pending;
            let mut next_pending = 0;
            let from = states | (pending & self.after_option);
            match argument {
                Argument::Literal(text) => {
                    next |= self.step(from, |glob| glob.matches(text));
                    if is_option(text) {
                        let known = if states & 1 != 0 { arity(program, text) } else { Arity::Unknown };
                        // The table is of options before the subcommand.
                        if known != Arity::Value {
                            next |= states;
                        }
                        if known != Arity::Flag {
                            next_pending |= states;
                        }
                    }
                }
                Argument::Open(shape) if maybe => {
                    let mut reached = self.step(from, |glob| shape.may_begin_as(glob));
                    loop {
                        let more = reached
                            | close(&self.places, self.step(reached, |glob| shape.may_go_on_as(glob)));
                        if more == reached {
                            break;
                        }
                        reached = more;
                    }
                    next |= reached;
                    if shape.may_vanish || shape.may_be_option() {
                        next |= states;
                    }
                    if shape.may_be_option() {
                        next_pending |= states | reached;
                    }
                }
                Argument::Open(_) => {
                    next |= states & many(&self.places);
                }
            }
            states = close(&self.places, next);
            pending = next_pending;
            if states | pending == 0 {
                return false;
            }
        }
        (states | pending) & end != 0
    }

    /// The states that one word leads to.
    fn step(&self, from: u64, fits: impl Fn(&Glob) -> bool) -> u64 {
        let mut next = 0;
        for (i, place) in self.places.iter().enumerate() {
            if from & (1 << i) == 0 {
                continue;
            }
            match place {
                Slot::Many => next |= 1 << i,
                Slot::Word(glob) if fits(glob) => next |= 1 << (i + 1),
                Slot::Word(_) => {}
            }
        }
        next
    }
}

/// Adds the states behind each `**` that may stay empty.
fn close(slots: &[Slot], mut states: u64) -> u64 {
    for (i, slot) in slots.iter().enumerate() {
        if *slot == Slot::Many && states & (1 << i) != 0 {
            states |= 1 << (i + 1);
        }
    }
    states
}

/// A bit for each `**`.
fn many(slots: &[Slot]) -> u64 {
    slots.iter().enumerate().filter(|(_, slot)| **slot == Slot::Many).map(|(i, _)| 1 << i).sum()
}

fn may_be_option(argument: &Argument<'_>, option: &OptionPattern) -> bool {
    match argument {
        Argument::Literal(_) => false,
        Argument::Open(shape) => {
            shape.may_begin_as(option.glob()) || shape.may_go_on_as(option.glob()) || shape.may_be_option()
        }
    }
}

/// Whether a word that is not literal surely becomes one word: all of it in double quotes, and no `@` in it.
fn is_one_word(word: &Word) -> bool {
    let inside = word.text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inside.is_some_and(|inside| !inside.contains(['"', '@']))
}

/// Whether a file of this name does what the name says that it is run under.
pub fn is_many_programs(name: &str) -> bool {
    matches!(
        name,
        "busybox"
            | "toybox"
            | "coreutils"
            | "box"
            | "rustup"
            | "pyenv"
            | "rbenv"
            | "asdf"
            | "mise"
            | "volta-shim"
            | "proto-shim"
    )
}

/// The names of a program: the word that was typed and the file that it resolves to, with their last components taken
/// once for all patterns.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    paths: [Option<&'a str>; 2],
    names: [Option<&'a str>; 2],
}

impl<'a> Names<'a> {
    /// From the word, if it is literal, and the resolved file, if there is one.
    ///
    /// A file that is many programs and goes by the name that it is run under counts by that name alone: `cargo` is no
    /// `rustup`, though it is a link to it.
    pub fn new(word: Option<&'a str>, resolved: Option<&'a str>) -> Self {
        let mut names = [word, resolved].map(|path| path.map(basename));
        if names[0].is_some() && names[1].is_some_and(is_many_programs) {
            names[1] = None;
        }
        Self { paths: [word, resolved], names }
    }

    /// Whether no word is known.
    pub fn has_no_word(&self) -> bool {
        self.paths[0].is_none()
    }

    /// Whether one of them is what the pattern names, as a path or as a name.
    pub fn are(&self, glob: &Glob, is_path: bool) -> bool {
        if is_path {
            self.paths.iter().flatten().any(|path| glob.matches(path))
        } else {
            self.names.iter().flatten().any(|name| glob.matches_ignoring_case(name))
        }
    }
}
