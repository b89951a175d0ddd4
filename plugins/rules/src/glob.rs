//! Patterns over the characters of one word, and what a word that is not literal may become.

use crate::split::{Quoted, text};

/// An element of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// This character.
    Char(char),
    /// Any one character.
    One,
    /// Any number of characters, also none.
    Any,
    /// A number: all the digits that stand there, at least one.
    Number,
}

/// A pattern over one word: `*`, `?` and `{n}`, all else stands for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    tokens: Vec<Token>,
    /// The text, if there is nothing but characters: the case that is worth being fast.
    exact: Option<String>,
}

impl Glob {
    /// From a word of a pattern; quoted `*` and `?` stand for themselves; `{n}` is a number
    /// in quotes too (it has to stand beside a `$`, as in `'{n},$p'`).
    pub fn new(word: &[Quoted]) -> Self {
        let mut tokens = Vec::with_capacity(word.len());
        let mut at = 0;
        while let Some(quoted) = word.get(at) {
            at += 1;
            let number = word.get(at - 1..at + 2).is_some_and(|three| text(three) == "{n}");
            match quoted.character {
                '{' if number => {
                    tokens.push(Token::Number);
                    at += 2;
                }
                '*' if !quoted.quoted => {
                    if tokens.last() != Some(&Token::Any) {
                        tokens.push(Token::Any);
                    }
                }
                '?' if !quoted.quoted => tokens.push(Token::One),
                character => tokens.push(Token::Char(character)),
            }
        }
        Self::from_tokens(tokens)
    }

    /// From text in which every `*` and `?` is a wildcard.
    pub fn from_text(text: &str) -> Self {
        let word: Vec<Quoted> = text.chars().map(|character| Quoted { character, quoted: false }).collect();
        Self::new(&word)
    }

    fn from_tokens(tokens: Vec<Token>) -> Self {
        let exact = tokens
            .iter()
            .map(|token| match token {
                Token::Char(character) => Some(*character),
                _ => None,
            })
            .collect();
        Self { tokens, exact }
    }

    /// The text, if the pattern has no wildcard.
    pub fn exact(&self) -> Option<&str> {
        self.exact.as_deref()
    }

    /// Whether it matches every word.
    pub fn is_any(&self) -> bool {
        self.tokens == [Token::Any]
    }

    /// Whether any character stands for itself.
    pub fn has_literal(&self) -> bool {
        self.tokens.iter().any(|token| matches!(token, Token::Char(_)))
    }

    /// The elements.
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// Whether the whole of `text` matches.
    pub fn matches(&self, text: &str) -> bool {
        match &self.exact {
            Some(exact) => exact == text,
            None => matches_tokens(&self.tokens, text, |a, b| a == b),
        }
    }

    /// As `matches`, but letters `A` to `Z` equal `a` to `z`: there are file systems that think so.
    pub fn matches_ignoring_case(&self, text: &str) -> bool {
        match &self.exact {
            Some(exact) => exact.eq_ignore_ascii_case(text),
            None => matches_tokens(&self.tokens, text, |a, b| a.eq_ignore_ascii_case(&b)),
        }
    }
}

/// Greedy, going back to the last `Any` alone: linear but for that, and never exponential.
fn matches_tokens(tokens: &[Token], text: &str, equal: impl Fn(char, char) -> bool) -> bool {
    let mut at = 0;
    let mut rest = text.chars();
    let mut back: Option<(usize, std::str::Chars<'_>)> = None;
    loop {
        if tokens.get(at) == Some(&Token::Any) {
            at += 1;
            back = Some((at, rest.clone()));
            continue;
        }
        if tokens.get(at) == Some(&Token::Number) {
            let digits = rest.as_str().bytes().take_while(u8::is_ascii_digit).count();
            if digits > 0 {
                rest = rest.as_str()[digits..].chars();
                at += 1;
                continue;
            }
        }
        let Some(character) = rest.next() else {
            return at == tokens.len();
        };
        let fits = match tokens.get(at) {
            Some(Token::Char(expected)) => equal(*expected, character),
            Some(Token::One) => true,
            _ => false,
        };
        if fits {
            at += 1;
            continue;
        }
        // One character more for the last `Any`.
        let Some((after, from)) = &mut back else {
            return false;
        };
        if from.next().is_none() {
            return false;
        }
        at = *after;
        rest = from.clone();
    }
}

/// Whether some text matches both; a number is taken for any text, so that it is rather said too often.
pub fn intersect(left: &[Token], right: &[Token]) -> bool {
    let is_run = |token: &Token| matches!(token, Token::Any | Token::Number);
    // `row[j]`: a text exists that the first `i` of `left` and the first `j` of `right` both match.
    let mut row = vec![false; right.len() + 1];
    row[0] = true;
    for j in 0..right.len() {
        row[j + 1] = row[j] && is_run(&right[j]);
    }
    for token in left {
        let mut next = vec![false; right.len() + 1];
        next[0] = row[0] && is_run(token);
        for (j, other) in right.iter().enumerate() {
            next[j + 1] = match (token, other) {
                // `Any` on one side takes nothing, or takes what the other side has.
                (a, b) if is_run(a) || is_run(b) => row[j + 1] || next[j],
                (Token::Char(a), Token::Char(b)) => row[j] && a.eq_ignore_ascii_case(b),
                _ => row[j],
            };
        }
        row = next;
    }
    row[right.len()]
}

/// What a word that is not literal may become. Always too much rather than too little.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The first of the words that come of it.
    pub first: Vec<Token>,
    /// Those that follow, if there may be such.
    pub more: Vec<Token>,
    /// Whether it may come to nothing.
    pub may_vanish: bool,
}

impl Shape {
    /// From the word as it is written.
    pub fn new(text: &str) -> Self {
        let mut first = Vec::new();
        let mut splits = false;
        for character in text.chars() {
            match character {
                // What follows may be several words, or may be quoted in a way that is not known here.
                '$' | '`' | '{' | '[' => {
                    first.push(Token::Any);
                    splits |= character != '[';
                    break;
                }
                '(' | '|' => {
                    // An extended pattern: what stands before it may belong to it.
                    first = vec![Token::Any];
                    break;
                }
                '*' | '?' | '~' | '\'' | '"' | '\\' => first.push(Token::Any),
                character => first.push(Token::Char(character)),
            }
        }
        let may_vanish = !(splits && first.iter().any(|token| matches!(token, Token::Char(_))));
        let more = if splits { vec![Token::Any] } else { first.clone() };
        Self { first, more, may_vanish }
    }

    /// Whether the first of its words may match.
    pub fn may_begin_as(&self, glob: &Glob) -> bool {
        intersect(&self.first, glob.tokens())
    }

    /// Whether a later one may match.
    pub fn may_go_on_as(&self, glob: &Glob) -> bool {
        intersect(&self.more, glob.tokens())
    }

    /// Whether any of its words may begin with `-` or `+`.
    pub fn may_be_option(&self) -> bool {
        let begins = |tokens: &[Token]| {
            matches!(tokens.first(), Some(Token::Any | Token::One | Token::Char('-' | '+')))
        };
        begins(&self.first) || begins(&self.more)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The simplest matcher there is.
    fn reference(tokens: &[Token], text: &[char]) -> bool {
        match (tokens.split_first(), text.split_first()) {
            (None, None) => true,
            (Some((Token::Any, rest)), _) => (0..=text.len()).any(|skip| reference(rest, &text[skip..])),
            (Some((Token::One, tokens)), Some((_, text))) => reference(tokens, text),
            (Some((Token::Char(a), tokens)), Some((b, text))) => a == b && reference(tokens, text),
            (Some((Token::Number, tokens)), _) => {
                let digits = text.iter().take_while(|character| character.is_ascii_digit()).count();
                digits > 0 && reference(tokens, &text[digits..])
            }
            _ => false,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn matches_what_the_reference_matches(pattern in "[abä*?1]{0,7}(\\{n\\})?[a*]{0,2}", text in "[abä12]{0,9}") {
            let glob = Glob::from_text(&pattern);
            let characters: Vec<char> = text.chars().collect();
            prop_assert_eq!(glob.matches(&text), reference(glob.tokens(), &characters));
        }

        #[test]
        fn two_patterns_that_match_one_text_intersect(a in "[ab*?]{0,6}", b in "[ab*?]{0,6}", text in "[ab]{0,6}") {
            let (a, b) = (Glob::from_text(&a), Glob::from_text(&b));
            if a.matches(&text) && b.matches(&text) {
                prop_assert!(intersect(a.tokens(), b.tokens()));
            }
        }

    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn what_intersects_has_a_text_in_common(a in "[ab*?]{0,4}", b in "[ab*?]{0,4}") {
            let (a, b) = (Glob::from_text(&a), Glob::from_text(&b));
            let mut texts = vec![String::new()];
            for length in 0..8 {
                let longest: Vec<String> = texts.iter().filter(|text| text.len() == length).cloned().collect();
                texts.extend(longest.iter().flat_map(|text| [format!("{text}a"), format!("{text}b")]));
            }
            let common = texts.iter().any(|text| a.matches(text) && b.matches(text));
            prop_assert_eq!(intersect(a.tokens(), b.tokens()), common);
        }
    }

    #[test]
    fn many_stars_take_no_long_time() {
        let glob = Glob::from_text(&"*a".repeat(40));
        assert!(!glob.matches(&"b".repeat(20_000)));
        assert!(glob.matches(&"ba".repeat(5_000)));
    }

    #[test]
    fn a_shape_holds_everything_that_the_word_may_become() {
        for (word, becomes) in [
            ("$x", "anything"),
            ("a$x", "ab"),
            ("a*c", "abc"),
            ("src/{a,b}", "src/b"),
            ("'a'$x", "ab"),
            ("@(rm|x)", "rm"),
            ("+(a)", "aa"),
            ("~", "/home/me"),
            ("[ab]c", "ac"),
            ("a\\*b", "a*b"),
            ("`x`", "rm"),
            ("r$(x)", "rm"),
            ("{rm,x}", "rm"),
        ] {
            assert!(Shape::new(word).may_begin_as(&Glob::from_text(becomes)), "{word} {becomes}");
        }
        assert!(!Shape::new("src/*.rs").may_begin_as(&Glob::from_text("/etc/shadow")));
        assert!(!Shape::new("a$x").may_begin_as(&Glob::from_text("push")));
        assert!(Shape::new("a$x").may_go_on_as(&Glob::from_text("push")));
        assert!(Shape::new("$x").may_vanish);
        assert!(!Shape::new("a$x").may_vanish);
        assert!(Shape::new("*").may_be_option());
    }
}
