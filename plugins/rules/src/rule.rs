//! A rule: conditions and a verdict.

use crate::environment::assignment;
use crate::glob::Glob;
use crate::handed::after_pattern;
use crate::location::Location;
use crate::model::{Simple, Verdict, Word, basename};
use crate::option_words::{OptionPattern, is_option};
use crate::path_list::PathList;
use crate::pattern::{Argument, Match, Names, Pattern};
use crate::split::{split, text};

/// A program of a `program` condition.
#[derive(Clone, Debug)]
pub struct ProgramPattern {
    /// Over the name, or over the resolved path if it holds a `/`.
    pub glob: Glob,
    /// Whether it holds a `/`.
    pub is_path: bool,
}

/// One rule. All conditions that are given must hold; of a list, one entry.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The stable id.
    pub id: String,
    /// `Allow`, `Ask` or `Deny`.
    pub verdict: Verdict,
    /// The verdict where the rule may match but need not, for a word is not literal.
    pub unsure: Verdict,
    /// The verdict where it may match because of a word that another program hands over, nobody sees from where.
    pub unseen: Verdict,
    /// Patterns over the words.
    pub words: Vec<Pattern>,
    /// Whether nothing but options may follow the pattern (of `ask` and `deny`).
    pub exact: bool,
    /// Programs.
    pub program: Vec<ProgramPattern>,
    /// Options that must not be there.
    pub except: Vec<OptionPattern>,
    /// Directories: the command must run at or below one of them.
    pub cwd: Vec<Location>,
    /// `ask`, `deny`: some writing redirect leads here. `allow`: these may be written.
    pub redirect: Option<PathList>,
    /// `ask`, `deny`: some argument or redirect names such a path.
    pub path: Option<PathList>,
    /// Whether `path` is also about what is below the directories that are named, and, if none is, below the working directory.
    pub deep: bool,
    /// `ask`, `deny`: one of these is set. `allow`: these may be set though they are dangerous.
    pub env: Vec<Glob>,
    /// `ask`, `deny`: another command of the script is one of these.
    pub along: Vec<Glob>,
    /// Why, and what to do instead.
    pub reason: Option<String>,
}

/// A view of a command for strict rules: a program by its names, with the arguments that it then has.
#[derive(Clone, Debug)]
pub struct View<'a> {
    names: Names<'a>,
    /// The name that tells which options take values.
    name: &'a str,
    arguments: Vec<Argument<'a>>,
}

/// How an allowed program is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meant {
    /// By its name, found with `PATH`.
    Name,
    /// By the path that was typed.
    Path,
    /// By the file that it resolves to.
    File,
}

/// What surrounds a command.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// Where the command may run; never empty.
    pub cwds: &'a [Location],
    /// Whether it may run somewhere else still.
    pub lost: bool,
    /// All commands of the script.
    pub commands: &'a [Simple],
    /// What the caller sets.
    pub env: &'a [(String, String)],
}

/// Every way in which a command may be read: as it is, and what a multi-call binary makes of it.
pub fn views(command: &Simple) -> Vec<View<'_>> {
    let Some(program) = command.argv.first() else {
        return Vec::new();
    };
    let word = program.literal_text();
    let resolved = command.program.as_deref();
    let mut arguments: Vec<Argument<'_>> = command.arguments().iter().map(Argument::new).collect();
    let name = word.or(resolved).map_or("", basename);
    if name == "git" && redefines_git(command) {
        // An alias may make a push of any subcommand.
        arguments.push(Argument::new(ANYTHING.get_or_init(|| Word { text: "$".to_owned(), literal: false })));
        arguments.rotate_right(1);
    }
    let mut all = vec![View { names: Names::new(word, resolved), name, arguments }];
    for (place, name) in [word, resolved].into_iter().enumerate() {
        let Some(name) = name.map(basename) else { continue };
        // A link to a box is the one program that it is called.
        let is_called_so = place == 0 || word.is_none();
        let is_box = is_called_so && matches!(name, "busybox" | "toybox" | "coreutils" | "box")
            || is_dynamic_loader(name);
        if is_box {
            let inner = command.arguments().iter().position(|word| !is_option(&word.text));
            if let Some(inner) = inner {
                let words = &command.arguments()[inner..];
                all.push(View {
                    names: Names::new(words[0].literal_text(), None),
                    name: words[0].literal_text().map_or("", basename),
                    arguments: words[1..].iter().map(Argument::new).collect(),
                });
            }
        } else if let Some(subcommand) = name.strip_prefix("git-") {
            let rest = command.arguments().iter().map(Argument::new);
            all.push(View {
                names: Names::new(Some("git"), None),
                name: "git",
                arguments: std::iter::once(Argument::Literal(subcommand)).chain(rest).collect(),
            });
        }
    }
    all
}

static ANYTHING: std::sync::OnceLock<Word> = std::sync::OnceLock::new();

fn is_dynamic_loader(name: &str) -> bool {
    name.starts_with("ld-linux") || name.starts_with("ld-musl") || name == "ld.so"
}

/// Whether configuration on the command line or around it may give git's subcommands other meanings.
fn redefines_git(command: &Simple) -> bool {
    let has_alias = command.argv.windows(2).any(|pair| {
        matches!(pair[0].text.as_str(), "-c" | "--config-env")
            && (!pair[1].literal || starts_with_alias(&pair[1].text))
    });
    let attached = command.argv.iter().any(|word| {
        let value = word.text.strip_prefix("--config-env=").or_else(|| word.text.strip_prefix("-c"));
        value.is_some_and(starts_with_alias)
    });
    has_alias || attached || command.assignments.iter().any(|set| set.name.starts_with("GIT_CONFIG"))
}

fn starts_with_alias(text: &str) -> bool {
    // Sections compare without case; `include.path` brings a file of any content.
    ["alias.", "include"]
        .iter()
        .any(|key| text.get(..key.len()).is_some_and(|start| start.eq_ignore_ascii_case(key)))
}

impl Rule {
    /// Whether an `ask` or `deny` rule is about this command. `seen_through`: the command only runs others; its text
    /// is not searched for paths.
    pub fn matches_strictly(
        &self,
        command: &Simple,
        views: &[View<'_>],
        seen_through: bool,
        context: &Context<'_>,
    ) -> Match {
        let by_words = self.words_match(command, views);
        if by_words == Match::No {
            return Match::No;
        }
        let mut result = by_words;
        if !self.cwd.is_empty() {
            let inside = context.cwds.iter().any(|cwd| self.is_inside(cwd));
            result = result.min(if inside {
                Match::Yes
            } else if context.lost {
                Match::Maybe
            } else {
                Match::No
            });
        }
        if !self.env.is_empty() {
            result = result.min(self.sets_a_name(command, context).into());
        }
        if !self.along.is_empty() {
            let found = context.commands.iter().any(|other| {
                let name = other.name().or(other.program.as_deref().map(basename));
                !std::ptr::eq(other, command)
                    && name.is_some_and(|name| self.along.iter().any(|glob| glob.matches(name)))
            });
            result = result.min(found.into());
        }
        if result != Match::No
            && let Some(list) = &self.redirect
        {
            let targets = command
                .redirects
                .iter()
                .filter(|redirect| redirect.writes_a_file() && !is_substituted_file(&redirect.target));
            result = result.min(found_in(list, targets.map(|redirect| &redirect.target), context));
        }
        if result != Match::No
            && let Some(list) = &self.path
        {
            result = result.min(self.path_matches(list, command, seen_through, context));
        }
        result
    }

    fn path_matches(
        &self,
        list: &PathList,
        command: &Simple,
        seen_through: bool,
        context: &Context<'_>,
    ) -> Match {
        let handed = command.handed.as_ref().filter(|_| !seen_through);
        let mut best =
            handed.map_or(Match::No, |handed| found_below(list, handed.places.as_deref(), context));
        let mut words: Vec<Word> = Vec::new();
        if !seen_through {
            let arguments = command.arguments().iter().enumerate();
            let given = arguments
                .filter(|(index, _)| !handed.is_some_and(|handed| handed.words.contains(&(index + 1))));
            words.extend(given.flat_map(|(_, word)| path_words(word)));
        }
        if command.argv.is_empty() {
            // What a variable of the shell is set to is used sooner or later.
            words.extend(command.assignments.iter().flat_map(|set| values(&set.value)));
        }
        let files = command.redirects.iter().filter(|redirect| redirect.names_a_file());
        words.extend(files.map(|redirect| redirect.target.clone()));
        words.retain(|word| !is_substituted_file(word));
        best = best.max(found_in(list, words.iter(), context));
        if self.deep && best < Match::Reaches {
            let places = searched(command, context);
            best = best.max(found_below(list, Some(&places), context));
        }
        if command.name() == Some("find") && best < Match::Yes {
            let mut names = command.arguments().iter().filter_map(Word::literal_text);
            best =
                best.max(Match::from(names.any(|name| name.contains(['*', '?']) && list.is_asked_for(name))));
        }
        best
    }

    fn words_match(&self, command: &Simple, views: &[View<'_>]) -> Match {
        if self.words.is_empty() && self.program.is_empty() && self.except.is_empty() {
            return Match::Yes;
        }
        views.iter().map(|view| self.view_matches(command, view)).max().unwrap_or(Match::No)
    }

    fn view_matches(&self, command: &Simple, view: &View<'_>) -> Match {
        let unknown = view.names.has_no_word() && command.argv.first().is_some_and(|word| !word.literal);
        let mut result = Match::Yes;
        if !self.program.is_empty() {
            let is = self.program.iter().any(|program| view.names.are(&program.glob, program.is_path));
            result = if is { Match::Yes } else { Match::from(unknown).min(Match::Maybe) };
        }
        if result != Match::No && !self.words.is_empty() {
            let best = self.words.iter().map(|pattern| {
                let program = pattern.program();
                let by_name = view.names.are(program, pattern.names_a_path());
                if by_name || program.is_any() {
                    pattern.matches_strictly(view.name, &view.arguments, self.exact)
                } else if unknown {
                    pattern.matches_strictly("", &view.arguments, self.exact).min(Match::Maybe)
                } else {
                    Match::No
                }
            });
            result = result.min(best.max().unwrap_or(Match::No));
        }
        if result != Match::No && self.except.iter().any(|option| has_option(option, command.arguments())) {
            result = Match::No;
        }
        result
    }

    /// Whether and how an `allow` rule is about this command: by its words and its directory. What is set and
    /// written is for the caller to judge, and, if it is meant by its name, whether the program is what it is called.
    pub fn matches_plainly(&self, command: &Simple, context: &Context<'_>) -> Option<Meant> {
        let program = command.argv.first()?.literal_text()?;
        let resolved = command.program.as_deref();
        let by_file = self.program.iter().any(|pattern| {
            pattern.is_path && resolved.is_some_and(|resolved| pattern.glob.matches(resolved))
        });
        let by_program = self.program.is_empty()
            || by_file
            || self.program.iter().any(|pattern| !pattern.is_path && pattern.glob.matches(program));
        if !by_program || self.except.iter().any(|option| may_have_option(option, command.arguments())) {
            return None;
        }
        if !self.cwd.is_empty() && (context.lost || !context.cwds.iter().all(|cwd| self.is_inside(cwd))) {
            return None;
        }
        let by_words = |pattern: &&Pattern| {
            let name = if by_file && !pattern.names_a_path() { basename(program) } else { program };
            pattern.program().matches(name) && pattern.matches_plainly(command.arguments())
        };
        let pattern = self.words.iter().find(by_words);
        match pattern {
            None if !self.words.is_empty() => None,
            _ if by_file => Some(Meant::File),
            Some(pattern) if pattern.names_a_path() => Some(Meant::Path),
            _ => Some(Meant::Name),
        }
    }

    /// How many words of the command the rule has written out, if it is plainly about it.
    pub fn writes_out(&self, command: &Simple, context: &Context<'_>) -> usize {
        if self.matches_plainly(command, context).is_none() {
            return 0;
        }
        let program = command.name().unwrap_or_default();
        let fits = |pattern: &&Pattern| {
            pattern.program().matches(program) && pattern.matches_plainly(command.arguments())
        };
        self.words.iter().filter(fits).map(Pattern::written_out).max().unwrap_or(0)
    }

    /// Whether the rule lets this variable be set.
    pub fn lets_set(&self, name: &str) -> bool {
        self.env.iter().any(|glob| glob.matches(name))
    }

    fn is_inside(&self, cwd: &Location) -> bool {
        self.cwd.iter().any(|directory| cwd.is_within(directory))
    }

    fn sets_a_name(&self, command: &Simple, context: &Context<'_>) -> bool {
        let named = |name: &str| self.env.iter().any(|glob| glob.matches(name));
        command.assignments.iter().any(|set| named(&set.name))
            || context.env.iter().any(|(name, _)| named(name))
            || matches!(command.name(), Some("env" | "export" | "declare" | "typeset" | "local" | "readonly"))
                && command.arguments().iter().filter_map(assignment).any(|(name, _)| named(name))
    }
}

impl ProgramPattern {
    /// From text; fails on a text that is not one word.
    pub fn parse(pattern: &str) -> Result<Self, String> {
        match split(pattern)?.as_slice() {
            [word] if !word.is_empty() => {
                Ok(Self { glob: Glob::new(word), is_path: text(word).contains('/') })
            }
            words => Err(format!("expected one word, found {}", words.len())),
        }
    }
}

fn has_option(option: &OptionPattern, words: &[Word]) -> bool {
    option.is_among(words.iter().filter_map(Word::literal_text))
}

fn may_have_option(option: &OptionPattern, words: &[Word]) -> bool {
    has_option(option, words)
        || words.iter().any(|word| !word.literal && crate::glob::Shape::new(&word.text).may_be_option())
}

/// The best of what the words name.
fn found_in<'w>(list: &PathList, words: impl Iterator<Item = &'w Word>, context: &Context<'_>) -> Match {
    let mut best = Match::No;
    for word in words {
        let relative = !word.text.starts_with(['/', '~']);
        for cwd in context.cwds {
            for location in Location::of(word, cwd) {
                best = best.max(list.has(&location, &context.cwds[0]));
            }
        }
        if relative && context.lost {
            best = best.max(Match::Maybe);
        }
    }
    best
}

/// The best of what lies below these places; if they are not known, that nobody sees it.
fn found_below(list: &PathList, places: Option<&[Location]>, context: &Context<'_>) -> Match {
    places.map_or(Match::Unseen, |places| {
        places.iter().map(|place| list.has_below(place, &context.cwds[0])).max().unwrap_or(Match::No)
    })
}

/// The words that a variable is set to: the one, or those of a list.
fn values(value: &Word) -> Vec<Word> {
    if value.literal || !value.text.starts_with('(') {
        return vec![value.clone()];
    }
    let list = value.text[1..].strip_suffix(')').unwrap_or(&value.text[1..]);
    let words = list.split_whitespace().map(|text| text.rsplit_once("]=").map_or(text, |(_, text)| text));
    // What a substitution in it prints is not known.
    let text = |text: &str| if text.contains('(') { "$".to_owned() } else { text.to_owned() };
    words.map(|word| Word { text: text(word), literal: false }).collect()
}

/// The directories that a program searches which takes them with all that is below: those that are named, and the working
/// directory unless so many words are no options that one must be a path.
fn searched(command: &Simple, context: &Context<'_>) -> Vec<Location> {
    let searches =
        matches!(command.name(), Some("grep" | "egrep" | "fgrep" | "zgrep" | "rg" | "ag" | "ack" | "ugrep"));
    let words = if searches { after_pattern(command.arguments()) } else { command.arguments() };
    let mut paths: Vec<Word> = words.iter().flat_map(path_words).collect();
    let operands = words.iter().filter(|word| !is_option(&word.text)).count();
    // `--long value` and `-A 3`: each may take an operand away.
    let takes = |word: &&Word| {
        let text = word.text.as_str();
        !text.contains('=')
            && match text.strip_prefix('-') {
                Some(long) if long.starts_with('-') => long.len() > 1,
                Some(cluster) => cluster.ends_with(|letter| "ABCmdDefgtTMjrEX".contains(letter)),
                None => false,
            }
    };
    if searches && operands <= command.arguments().iter().filter(takes).count() {
        paths.push(Word::plain("."));
    }
    let places = paths.iter().flat_map(|path| context.cwds.iter().flat_map(|cwd| Location::of(path, cwd)));
    places.collect()
}

/// Whether the word is all of it a process substitution: it stands for a pipe, not for a file that has a name.
fn is_substituted_file(word: &Word) -> bool {
    let text = word.text.as_str();
    let is_open = text.starts_with("<(") || text.starts_with(">(");
    if word.literal || !is_open || text.contains(['"', '\'', '\\', '#']) {
        return false;
    }
    let mut open = 0_usize;
    for (at, character) in text.char_indices() {
        match character {
            '(' => open += 1,
            ')' => open = open.saturating_sub(1),
            _ => {}
        }
        if open == 0 && at > 0 {
            return at + 1 == text.len();
        }
    }
    false
}

/// What of an argument may be a path: the word, the value after `=`, the value attached to a short option, and
/// what follows `@`.
fn path_words(word: &Word) -> Vec<Word> {
    let part = |text: &str| Word { text: text.to_owned(), literal: word.literal };
    let text = word.text.as_str();
    let mut parts = Vec::new();
    if !text.starts_with('-') {
        parts.push(word.clone());
    } else if let Some(value) = text.get(2..).filter(|value| value.starts_with(['/', '~', '.', '$'])) {
        parts.push(part(value));
    }
    if let Some((_, value)) = text.split_once('=') {
        parts.push(part(value));
    }
    if let Some((_, value)) = text.split_once('@') {
        parts.push(part(value));
    }
    parts
}
