//! Where a word points, as far as the text tells: absolute, without `.` and `..`, the home directory recognised.
//! Links are not followed; nothing here reads a disk.

use crate::glob::{Glob, Shape, Token, intersect};
use crate::model::Word;

/// So many links of other processes are seen through in one path.
const MOST_LINKS: usize = 4;

/// Where a link of `/proc` leads.
enum Link {
    Root,
    /// The directory of the command itself.
    Directory,
    Unknown,
}

/// A component of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// As it stands.
    Name(String),
    /// What a pattern or an expansion may become; `hidden` if that may begin with a dot.
    Open {
        /// Its elements.
        tokens: Vec<Token>,
        /// Whether a name with a leading dot may come of it.
        hidden: bool,
    },
}

/// A place in the file system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Location {
    /// From the root; none if it is only known from a home directory.
    pub absolute: Option<Vec<Part>>,
    /// From a home directory, if it is in one: `~`, `/root`, `/home/NAME`, `/Users/NAME`.
    pub from_home: Option<Vec<Part>>,
    /// Whether an expansion may lead somewhere else altogether.
    pub adrift: bool,
    /// Of a path that begins nobody knows where: the components.
    pub tail: Vec<Part>,
}

impl Location {
    /// Of a directory as the host names it.
    pub fn directory(path: &str) -> Self {
        Self::absolute(names(path))
    }

    /// Of the path in `word`, seen from `cwd`. A path that ends in `/*` gives, beside itself, its directory: what
    /// takes everything in a directory takes the directory.
    pub fn of(word: &Word, cwd: &Self) -> Vec<Self> {
        Self::of_within(word, cwd, MOST_LINKS)
    }

    /// The same through at most so many links of which nobody knows where they lead.
    fn of_within(word: &Word, cwd: &Self, links: usize) -> Vec<Self> {
        if let Some((before, inside, after)) = braces(word) {
            let one = |part: &str| Word { text: format!("{before}{part}{after}"), literal: false };
            return inside.split(',').flat_map(|part| Self::of_within(&one(part), cwd, links)).collect();
        }
        let mut text = word.text.as_str();
        let unquoted;
        if !word.literal {
            unquoted = text.replace(['"', '\''], "");
            text = &unquoted;
        }
        let (base, rest) = root(text, word.literal, cwd);
        let mut location = base;
        let mut everything_in = None;
        let mut elsewhere = Vec::new();
        let mut rest_of = rest;
        while !rest_of.is_empty() {
            let (part, next) = rest_of.split_once('/').unwrap_or((rest_of, ""));
            rest_of = next;
            match part {
                "" | "." => {}
                ".." => location.up(),
                part if word.literal => location.push(Part::Name(part.to_owned())),
                part => {
                    location.adrift |= part.contains(['$', '`', '(']);
                    let part = open(part);
                    if rest_of.is_empty() && part.takes_everything() {
                        everything_in = Some(location.clone());
                    }
                    location.push(part);
                }
            }
            match location.link() {
                None => {}
                Some(Link::Root) => location = Self::absolute(Vec::new()),
                Some(Link::Directory) => location = cwd.clone(),
                // Of another process: where it is nobody knows. Often it is here, or at the root.
                Some(Link::Unknown) if links > 0 && elsewhere.is_empty() => {
                    let rest = Word { text: format!("/{rest_of}"), literal: word.literal };
                    elsewhere = Self::of_within(&rest, cwd, links - 1);
                    location = cwd.clone();
                }
                Some(Link::Unknown) => location = Self { adrift: true, ..Self::default() },
            }
        }
        let mut all = vec![location];
        all.extend(everything_in);
        all.extend(elsewhere);
        all
    }

    /// Whether this lies at or below `directory`. Not known is no.
    pub fn is_within(&self, directory: &Self) -> bool {
        fn starts(parts: &Option<Vec<Part>>, with: &Option<Vec<Part>>) -> bool {
            matches!((parts, with), (Some(parts), Some(with)) if parts.starts_with(with))
        }
        !self.adrift
            && (starts(&self.absolute, &directory.absolute)
                || directory.absolute.is_none() && starts(&self.from_home, &directory.from_home))
    }

    /// The link of `/proc` at which this ends: `/proc/self/root` is the root, whatever it is called.
    fn link(&self) -> Option<Link> {
        let parts = self.absolute.as_deref()?;
        let named = |part: &Part, name: &str| matches!(part, Part::Name(text) if text == name);
        let rest = parts.split_first().filter(|(first, _)| named(first, "proc")).map(|(_, rest)| rest)?;
        let (process, link) = match rest {
            [process, link] => (process, link),
            [process, task, _, link] if named(task, "task") => (process, link),
            _ => return None,
        };
        let own = named(process, "self") || named(process, "thread-self");
        match link {
            Part::Name(name) if name == "root" => Some(Link::Root),
            Part::Name(name) if name == "cwd" => Some(if own { Link::Directory } else { Link::Unknown }),
            Part::Name(_) => None,
            Part::Open { tokens, .. } => {
                (may_be(tokens, "root") || may_be(tokens, "cwd")).then_some(Link::Unknown)
            }
        }
    }

    fn absolute(parts: Vec<Part>) -> Self {
        let from_home = home_length(&parts).map(|length| parts[length..].to_vec());
        Self { absolute: Some(parts), from_home, adrift: false, tail: Vec::new() }
    }

    fn home() -> Self {
        Self { absolute: None, from_home: Some(Vec::new()), ..Self::default() }
    }

    fn push(&mut self, part: Part) {
        if let Some(parts) = &mut self.absolute {
            parts.push(part);
            self.from_home = home_length(parts).map(|length| parts[length..].to_vec());
        } else if let Some(parts) = &mut self.from_home {
            parts.push(part);
        } else {
            self.tail.push(part);
        }
    }

    fn up(&mut self) {
        if let Some(parts) = &mut self.absolute {
            parts.pop();
            self.from_home = home_length(parts).map(|length| parts[length..].to_vec());
        } else if let Some(parts) = &mut self.from_home {
            if parts.pop().is_none() {
                // Above a home directory: `/home`, or `/` for root's.
                *self = Self::absolute(vec![Part::Name("home".to_owned())]);
            }
        } else {
            self.tail.pop();
        }
    }
}

impl Part {
    fn takes_everything(&self) -> bool {
        match self {
            Self::Name(_) => false,
            Self::Open { tokens, .. } => {
                tokens.iter().all(|token| matches!(token, Token::Any | Token::One | Token::Char('.')))
                    && tokens.contains(&Token::Any)
            }
        }
    }
}

/// Whether a pattern may stand for a name.
fn may_be(tokens: &[Token], name: &str) -> bool {
    intersect(tokens, Glob::from_text(name).tokens())
}

/// The parts of a word with one `{a,b}` in it and nothing else that would have to be understood beside it.
fn braces(word: &Word) -> Option<(&str, &str, &str)> {
    let text = word.text.as_str();
    if word.literal || text.contains(['$', '`', '(', '\\', '"', '\'']) {
        return None;
    }
    let (before, rest) = text.split_once('{')?;
    let (inside, after) = rest.split_once('}')?;
    let is_simple =
        !inside.contains('{') && inside.contains(',') && !after.contains(['{', '}']) && !before.contains('}');
    is_simple.then_some((before, inside, after))
}

/// Where the text begins, and what follows.
fn root<'t>(text: &'t str, literal: bool, cwd: &Location) -> (Location, &'t str) {
    if let Some(rest) = text.strip_prefix('/') {
        return (Location::absolute(Vec::new()), rest);
    }
    // A literal `~` comes from quotes and is a file's name; the strict reading costs nothing.
    if let Some(rest) = text.strip_prefix('~') {
        return (Location::home(), rest.split_once('/').map_or("", |(_, rest)| rest));
    }
    if !literal {
        for name in ["$HOME", "${HOME}", "$PWD", "${PWD}"] {
            let rest = text.strip_prefix(name);
            if let Some(rest) = rest.filter(|rest| rest.is_empty() || rest.starts_with('/')) {
                let base = if name.contains("HOME") { Location::home() } else { cwd.clone() };
                return (base, rest);
            }
        }
        if text.starts_with(['$', '`']) {
            return (Location { adrift: true, ..Location::default() }, text);
        }
    }
    (cwd.clone(), text)
}

fn open(part: &str) -> Part {
    if !part.contains(['*', '?', '[', '{', '$', '`', '(', '\\']) {
        return Part::Name(part.to_owned());
    }
    let mut tokens = Shape::new(part).first;
    tokens.dedup_by(|a, b| *a == Token::Any && *b == Token::Any);
    let hidden = !matches!(part.as_bytes().first(), Some(b'*' | b'?' | b'['));
    Part::Open { tokens, hidden }
}

fn names(path: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(Part::Name(part.to_owned())),
        }
    }
    parts
}

/// How many components lead to the home directory that the path is in.
fn home_length(parts: &[Part]) -> Option<usize> {
    match parts {
        [Part::Name(first), ..] if first == "root" => Some(1),
        [Part::Name(first), _, ..] if first == "home" || first == "Users" => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(parts: &Option<Vec<Part>>) -> String {
        parts.as_ref().map_or("-".to_owned(), |parts| {
            parts
                .iter()
                .map(|part| match part {
                    Part::Name(name) => format!("/{name}"),
                    Part::Open { .. } => "/*".to_owned(),
                })
                .collect()
        })
    }

    fn at(text: &str, literal: bool) -> Vec<(String, String)> {
        let cwd = Location::directory("/home/me/work");
        Location::of(&Word { text: text.to_owned(), literal }, &cwd)
            .iter()
            .map(|location| (show(&location.absolute), show(&location.from_home)))
            .collect()
    }

    fn pair(absolute: &str, home: &str) -> (String, String) {
        (absolute.to_owned(), home.to_owned())
    }

    #[test]
    fn dots_are_resolved_and_homes_recognised() {
        assert_eq!(at("a/./b/../c", true), [pair("/home/me/work/a/c", "/work/a/c")]);
        assert_eq!(at("../../../etc//shadow", true), [pair("/etc/shadow", "-")]);
        assert_eq!(at("/../..", true), [pair("", "-")]);
        assert_eq!(at("~/.ssh/id_rsa", false), [pair("-", "/.ssh/id_rsa")]);
        assert_eq!(at("\"$HOME\"/x", false), [pair("-", "/x")]);
        assert_eq!(at("${HOME}/..", false), [pair("/home", "-")]);
        assert_eq!(at("/root/x", true), [pair("/root/x", "/x")]);
        assert_eq!(at("$PWD/x", false), [pair("/home/me/work/x", "/work/x")]);
    }

    #[test]
    fn everything_in_a_directory_is_the_directory_too() {
        assert_eq!(at("/*", false), [pair("/*", "-"), pair("", "-")]);
        assert_eq!(at("../*", false), [pair("/home/me/*", "/*"), pair("/home/me", "")]);
        assert_eq!(at("../*.rs", false).len(), 1);
    }

    #[test]
    fn expansions_set_adrift() {
        let cwd = Location::directory("/w");
        let of = |text: &str| Location::of(&Word { text: text.to_owned(), literal: false }, &cwd)[0].adrift;
        assert!(of("$x"));
        assert!(of("a/$x"));
        assert!(of("`x`"));
        assert!(!of("a/*.rs"));
        assert!(!of("$HOME/a"));
    }

    #[test]
    fn within_is_by_components() {
        let here = Location::directory("/home/me/work");
        assert!(Location::directory("/home/me/work/a").is_within(&here));
        assert!(!Location::directory("/home/me/workshop").is_within(&here));
        assert!(!Location::directory("/home/me").is_within(&here));
    }
}
