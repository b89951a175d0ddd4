//! Lists of path patterns, with exceptions: `["~/.ssh/**", "!**/*.pub"]`.

use crate::glob::{Glob, Token, intersect};
use crate::location::{Location, Part};
use crate::pattern::Match;

/// What a list's entry stands for.
#[derive(Clone, Debug)]
enum Kind {
    /// `/x`: from the root. `**/x`: anywhere.
    Absolute(Vec<Piece>),
    /// `~/x`: in a home directory.
    Home(Vec<Piece>),
    /// `./x`, `x`: in the command's directory.
    Here(Vec<Piece>),
    /// `..`: any directory above the command's.
    Above,
}

#[derive(Clone, Debug)]
enum Piece {
    One(Glob),
    /// `**`: any number of components, also none.
    Many,
}

/// Path patterns; an entry that begins with `!` takes away. Only exceptions: everything but those.
#[derive(Clone, Debug)]
pub struct PathList {
    wanted: Vec<Kind>,
    unwanted: Vec<Kind>,
}

impl PathList {
    /// From the entries as they are written. Fails on an empty entry.
    pub fn new(entries: &[String]) -> Result<Self, String> {
        let mut list = Self { wanted: Vec::new(), unwanted: Vec::new() };
        for entry in entries {
            let (kinds, text) = match entry.strip_prefix('!') {
                Some(text) => (&mut list.unwanted, text),
                None => (&mut list.wanted, entry.as_str()),
            };
            if text.is_empty() {
                return Err(format!("expected a path pattern, found `{entry}`"));
            }
            kinds.push(kind(text));
        }
        Ok(list)
    }

    /// Whether something at `location` is in the list. What an expansion may lead to is `Maybe`; what a shell's
    /// pattern may name is `Yes`, for it says what it wants. But `*` says nothing, and `**/x` is `Maybe` in it.
    pub fn has(&self, location: &Location, cwd: &Location) -> Match {
        let lost = location.absolute.is_none() && location.from_home.is_none();
        let wanted = self.wanted.is_empty() && !lost
            || self.wanted.iter().any(|kind| {
                kind.has(location, cwd, if kind.is_anywhere() { Piece::is_said } else { Piece::may_be })
            })
            || lost && self.wanted.iter().any(|kind| kind.has_tail(&location.tail));
        let unwanted = self.unwanted.iter().any(|kind| kind.has(location, cwd, Piece::covers));
        if wanted && !unwanted {
            Match::Yes
        } else if location.adrift
            || !unwanted && self.wanted.iter().any(|kind| kind.has(location, cwd, Piece::may_be))
        {
            Match::Maybe
        } else {
            Match::No
        }
    }

    /// Whether something of the list is at `location` or below it. A place in the list that is meant anywhere (`**/x`) may be
    /// below every directory: that alone says `Maybe`.
    pub fn has_below(&self, location: &Location, cwd: &Location) -> Match {
        match self.has(location, cwd) {
            Match::Yes => Match::Reaches,
            _ if self.wanted.iter().any(|kind| kind.begins_below(location, cwd)) => Match::Reaches,
            _ if location.adrift || self.wanted.iter().any(Kind::is_anywhere) => Match::Maybe,
            _ => Match::No,
        }
    }

    /// Whether a pattern for names, as of `find -name`, asks for something that the list means anywhere. A pattern that says next
    /// to nothing does not.
    pub fn is_asked_for(&self, name: &str) -> bool {
        let pattern = Glob::from_text(name);
        let says = pattern.tokens().iter().filter(|token| matches!(token, Token::Char(_))).count();
        (says >= 3 || says > 0 && name.starts_with('.'))
            && self.wanted.iter().filter(|kind| kind.is_anywhere()).any(|kind| match kind {
                Kind::Absolute(pieces) => pieces.last().is_some_and(|piece| match piece {
                    Piece::One(glob) => {
                        let least = |token: &Token| match token {
                            Token::Char(character) => Some(*character),
                            _ => None,
                        };
                        pattern.matches(&glob.tokens().iter().filter_map(least).collect::<String>())
                    }
                    Piece::Many => false,
                }),
                _ => false,
            })
    }

    /// Whether everything that `location` may be is surely in the list.
    pub fn surely_has(&self, location: &Location, cwd: &Location) -> bool {
        !location.adrift
            && (self.wanted.is_empty()
                || self.wanted.iter().any(|kind| kind.has(location, cwd, Piece::covers)))
            && !self.unwanted.iter().any(|kind| kind.has(location, cwd, Piece::may_be))
    }
}

fn kind(text: &str) -> Kind {
    match text {
        ".." => Kind::Above,
        _ if text.starts_with('/') || text == "**" || text.starts_with("**/") => Kind::Absolute(pieces(text)),
        "~" => Kind::Home(Vec::new()),
        _ => match text.strip_prefix("~/") {
            Some(rest) => Kind::Home(pieces(rest)),
            None => Kind::Here(pieces(text)),
        },
    }
}

fn pieces(text: &str) -> Vec<Piece> {
    text.split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .map(|part| if part == "**" { Piece::Many } else { Piece::One(Glob::from_text(part)) })
        .collect()
}

type Fits = fn(&Glob, &Part) -> bool;

impl Kind {
    fn has(&self, location: &Location, cwd: &Location, fits: Fits) -> bool {
        let in_parts = |pieces: &[Piece], parts: &Option<Vec<Part>>| {
            parts.as_ref().is_some_and(|parts| matches(pieces, parts, fits))
        };
        match self {
            Self::Absolute(pieces) => {
                in_parts(pieces, &location.absolute)
                    || matches!(pieces.first(), Some(Piece::Many)) && in_parts(pieces, &location.from_home)
            }
            Self::Home(pieces) => in_parts(pieces, &location.from_home),
            Self::Here(pieces) => {
                let below = |parts: &Option<Vec<Part>>, base: &Option<Vec<Part>>| match (parts, base) {
                    (Some(parts), Some(base)) => {
                        parts.strip_prefix(base.as_slice()).is_some_and(|rest| matches(pieces, rest, fits))
                    }
                    _ => false,
                };
                below(&location.absolute, &cwd.absolute)
                    || location.absolute.is_none() && below(&location.from_home, &cwd.from_home)
            }
            Self::Above => {
                let above = |parts: &Option<Vec<Part>>, base: &Option<Vec<Part>>| match (parts, base) {
                    (Some(parts), Some(base)) => parts.len() < base.len() && base.starts_with(parts),
                    _ => false,
                };
                above(&location.absolute, &cwd.absolute)
                    || location.absolute.is_none() && above(&location.from_home, &cwd.from_home)
            }
        }
    }
}

impl Kind {
    /// Whether it is meant in every directory.
    fn is_anywhere(&self) -> bool {
        matches!(self, Self::Absolute(pieces) if matches!(pieces.first(), Some(Piece::Many)))
    }

    /// Whether it is what a path ends in of which nobody knows where it begins.
    fn has_tail(&self, tail: &[Part]) -> bool {
        let says = |glob: &Glob, part: &Part| match part {
            Part::Name(name) => glob.matches(name),
            Part::Open { tokens, .. } => {
                matches!(tokens.first(), Some(Token::Char(_))) && Piece::may_be(glob, part)
            }
        };
        matches!(self, Self::Absolute(pieces) if self.is_anywhere() && matches(pieces, tail, says))
    }

    /// Whether it is about places of which one is surely below `location`, or above it.
    fn begins_below(&self, location: &Location, cwd: &Location) -> bool {
        let begins = |pieces: &[Piece], parts: &Option<Vec<Part>>| {
            parts.as_ref().is_some_and(|parts| may_begin(pieces, parts))
        };
        match self {
            Self::Absolute(pieces) => !self.is_anywhere() && begins(pieces, &location.absolute),
            Self::Home(pieces) => {
                let above_homes = match location.absolute.as_deref() {
                    Some([]) => true,
                    Some([Part::Name(name)]) => name == "home" || name == "Users",
                    Some([Part::Open { .. }]) => true,
                    _ => false,
                };
                above_homes || begins(pieces, &location.from_home)
            }
            Self::Here(pieces) => match (&location.absolute, &cwd.absolute) {
                (Some(parts), Some(base)) => match parts.strip_prefix(base.as_slice()) {
                    Some(rest) => may_begin(pieces, rest),
                    None => base.starts_with(parts),
                },
                _ => begins(pieces, &location.from_home),
            },
            Self::Above => false,
        }
    }
}

impl Piece {
    fn may_be(glob: &Glob, part: &Part) -> bool {
        match part {
            Part::Name(name) => glob.matches(name),
            Part::Open { tokens, hidden } => {
                (*hidden || glob.tokens().first() != Some(&Token::Char('.')))
                    && intersect(tokens, glob.tokens())
            }
        }
    }

    /// As `may_be`, but a pattern of wildcards alone is nothing in particular.
    fn is_said(glob: &Glob, part: &Part) -> bool {
        let says_nothing = matches!(part, Part::Open { tokens, hidden: false }
            if !tokens.iter().any(|token| matches!(token, Token::Char(_))));
        !(says_nothing && glob.has_literal()) && Self::may_be(glob, part)
    }

    fn covers(glob: &Glob, part: &Part) -> bool {
        match part {
            Part::Name(name) => glob.matches(name),
            // A character that no pattern names stands for what is open: only a wildcard can take it.
            Part::Open { tokens, .. } => {
                let stand_in: String = tokens
                    .iter()
                    .flat_map(|token| match token {
                        Token::Char(character) => [Some(*character), None],
                        Token::One => [Some('\u{1}'), None],
                        Token::Any | Token::Number => [Some('\u{1}'), Some('\u{1}')],
                    })
                    .flatten()
                    .collect();
                glob.is_any() || glob.matches(&stand_in)
            }
        }
    }
}

/// Whether what the pieces match may have `parts` as its beginning.
fn may_begin(pieces: &[Piece], parts: &[Part]) -> bool {
    match (pieces.split_first(), parts.split_first()) {
        (_, None) | (Some((Piece::Many, _)), _) => true,
        (None, _) => false,
        (Some((Piece::One(glob), pieces)), Some((part, parts))) => {
            Piece::may_be(glob, part) && may_begin(pieces, parts)
        }
    }
}

fn matches(pieces: &[Piece], parts: &[Part], fits: Fits) -> bool {
    match pieces.split_first() {
        None => parts.is_empty(),
        Some((Piece::Many, [])) => true,
        Some((Piece::Many, rest)) => (0..=parts.len()).any(|skip| matches(rest, &parts[skip..], fits)),
        Some((Piece::One(glob), rest)) => {
            parts.split_first().is_some_and(|(part, parts)| fits(glob, part) && matches(rest, parts, fits))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Word;

    fn has(entries: &[&str], text: &str, literal: bool) -> Match {
        let entries: Vec<String> = entries.iter().map(|entry| (*entry).to_owned()).collect();
        let list = PathList::new(&entries).unwrap();
        let cwd = Location::directory("/home/me/work");
        let word = Word { text: text.to_owned(), literal };
        Location::of(&word, &cwd).iter().map(|location| list.has(location, &cwd)).max().unwrap()
    }

    #[test]
    fn entries_are_found_however_the_path_is_written() {
        let keys = ["~/.ssh/id_*", "!**/*.pub"];
        for path in
            ["/home/me/.ssh/id_rsa", "../.ssh/id_rsa", "/root/.ssh/id_x", "/home/me/work/../.ssh//id_rsa"]
        {
            assert_eq!(has(&keys, path, true), Match::Yes, "{path}");
        }
        for path in
            ["~/.ssh/id_rsa", "\"$HOME\"/.ssh/id_rsa", "~/.ssh/*", "~/.ssh/id_?sa", "~/.ssh/{id_rsa,x}"]
        {
            assert_eq!(has(&keys, path, false), Match::Yes, "{path}");
        }
        assert_eq!(has(&keys, "/home/me/.ssh/id_rsa.pub", true), Match::No);
        assert_eq!(has(&keys, "~/.ssh/*.pub", false), Match::No);
        assert_eq!(has(&keys, "$x", false), Match::Maybe);
        assert_eq!(has(&keys, "*", false), Match::No);
    }

    #[test]
    fn a_star_of_the_shell_names_no_hidden_file() {
        assert_eq!(has(&["**/.env"], "*", false), Match::No);
        assert_eq!(has(&["**/.env"], ".*", false), Match::Yes);
        assert_eq!(has(&["**/.env"], "a/.env", true), Match::Yes);
    }

    #[test]
    fn wildcards_alone_say_nothing_of_what_may_be_anywhere() {
        assert_eq!(has(&["**/id_rsa"], "src/*", false), Match::Maybe);
        assert_eq!(has(&["**/id_rsa"], "src/id_*", false), Match::Yes);
        assert_eq!(has(&["./src/id_rsa"], "src/*", false), Match::Yes);
        assert_eq!(has(&["**/.env"], "src/{.env,x}", false), Match::Yes);
        assert_eq!(has(&["**/.env"], "src/{a,b}.rs", false), Match::No);
        assert_eq!(has(&["**/.env"], "$x/.env", false), Match::Yes);
        assert_eq!(has(&["**/.env"], "$x/../env", false), Match::Maybe);
    }

    #[test]
    fn a_directory_reaches_what_is_below_it() {
        let keys = PathList::new(&["~/.ssh/**".to_owned(), "/etc/shadow*".to_owned(), "**/.env".to_owned()])
            .unwrap();
        let cwd = Location::directory("/home/me/work");
        let below = |text: &str| {
            let word = Word { text: text.to_owned(), literal: false };
            Location::of(&word, &cwd).iter().map(|location| keys.has_below(location, &cwd)).max().unwrap()
        };
        for path in [
            "/", "/home", "/home/me", "/root", "~", "$HOME", "..", "../..", "/etc", "~/.ssh", "~/.ssh/x",
            "/h*", "~/.s*",
        ] {
            assert_eq!(below(path), Match::Reaches, "{path}");
        }
        for path in [".", "src", "../other", "/usr", "/etc/ssl", "~/.config", "$x"] {
            assert_eq!(below(path), Match::Maybe, "{path}");
        }
    }

    #[test]
    fn a_pattern_for_names_asks_for_what_it_says() {
        let keys =
            PathList::new(&["**/.env".to_owned(), "**/id_rsa".to_owned(), "~/.netrc".to_owned()]).unwrap();
        for name in [".env", ".env*", "*.env", "id_*", "*_rsa", ".*"] {
            assert!(keys.is_asked_for(name), "{name}");
        }
        for name in ["*", "*.*", "*.rs", "*.e*", "?*", "*.netrc"] {
            assert!(!keys.is_asked_for(name), "{name}");
        }
    }

    #[test]
    fn exceptions_alone_mean_everything_else() {
        let outside = ["!./**", "!/tmp/**"];
        assert_eq!(has(&outside, "a/b", true), Match::No);
        assert_eq!(has(&outside, "/tmp/x", true), Match::No);
        assert_eq!(has(&outside, "../x", true), Match::Yes);
        assert_eq!(has(&outside, "~/work/x", false), Match::No);
        assert_eq!(has(&outside, "~/x", false), Match::Yes);
        assert_eq!(has(&outside, "a/$x", false), Match::Maybe);
        assert_eq!(has(&outside, "$x", false), Match::Maybe);
    }

    #[test]
    fn broad_places_are_found() {
        let broad = ["/", "/*", "~", ".."];
        for (path, literal) in [
            ("/", true),
            ("//", true),
            ("/usr", true),
            ("/.", true),
            ("..", true),
            ("../..", true),
            ("/home/me", true),
            ("~", false),
            ("~/", false),
            ("$HOME", false),
            ("\"$HOME\"", false),
            ("/*", false),
            ("~/*", false),
            ("../*", false),
        ] {
            assert_eq!(has(&broad, path, literal), Match::Yes, "{path}");
        }
        for path in ["target", "./target", "/home/me/other", "/usr/lib", "."] {
            assert_eq!(has(&broad, path, true), Match::No, "{path}");
        }
    }

    #[test]
    fn sure_means_all_that_it_may_be() {
        let list = PathList::new(&["./out/**".to_owned()]).unwrap();
        let cwd = Location::directory("/w");
        let sure = |text: &str, literal| {
            let word = Word { text: text.to_owned(), literal };
            Location::of(&word, &cwd).iter().all(|location| list.surely_has(location, &cwd))
        };
        assert!(sure("out/x", true));
        assert!(!sure("out/../x", true));
        assert!(!sure("out/$x", false));
        assert!(!sure("*", false));
    }
}
