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
    /// pattern may name is `Yes`, for it says what it wants.
    pub fn has(&self, location: &Location, cwd: &Location) -> Match {
        let lost = location.absolute.is_none() && location.from_home.is_none();
        let wanted = self.wanted.is_empty() && !lost
            || self.wanted.iter().any(|kind| kind.has(location, cwd, Piece::may_be));
        let unwanted = self.unwanted.iter().any(|kind| kind.has(location, cwd, Piece::covers));
        if wanted && !unwanted {
            Match::Yes
        } else if location.adrift {
            Match::Maybe
        } else {
            Match::No
        }
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
