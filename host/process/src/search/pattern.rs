//! A pattern, bounded in what it may cost.

use std::ops::Range;

use regex::bytes::{Regex, RegexBuilder};

/// The most memory of a compiled pattern, which is also what bounds the time that a byte takes.
const MAX_COMPILED: usize = 1 << 20;
/// What a pattern may use beside that, to be fast.
const MAX_CACHE: usize = 8 << 20;
/// How deep its groups may go.
const MAX_NESTING: u32 = 100;

/// A regular expression, in the syntax of the `regex` crate: it takes linear time, since it knows neither
/// backreferences nor look-around. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Pattern {
    regex: Regex,
    /// Whether it can tell the ends of a text from those of a line.
    anchored_to_text: bool,
}

/// Why a pattern is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It does not follow the syntax.
    #[error("{what} at character {position}")]
    Syntax {
        /// What is wrong.
        what: String,
        /// Where, counted in characters from 0.
        position: usize,
    },
    /// It is too large once it is compiled.
    #[error("it compiles to more than {limit} bytes")]
    TooLarge {
        /// The bound.
        limit: usize,
    },
}

impl Pattern {
    /// Compiles a pattern. `^` and `$` match at the ends of lines.
    ///
    /// # Errors
    ///
    /// If it is none, with the place that is at fault, or if it is too large.
    pub fn new(pattern: &str, ignore_case: bool) -> Result<Self, PatternError> {
        let regex = RegexBuilder::new(pattern)
            .case_insensitive(ignore_case)
            .multi_line(true)
            .crlf(true)
            .nest_limit(MAX_NESTING)
            .size_limit(MAX_COMPILED)
            .dfa_size_limit(MAX_CACHE)
            .build()
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(limit) => PatternError::TooLarge { limit },
                _ => syntax(pattern, &error),
            })?;
        // Where `\\` comes before the letter, this is more careful than it has to be.
        let anchored_to_text = ["\\A", "\\z"].iter().any(|anchor| pattern.contains(anchor));
        Ok(Self { regex, anchored_to_text })
    }

    /// The next line of `text` from `from` on that has a match: the line, and the match in it. `from` is at the
    /// beginning of a line, and `text` ends with one.
    pub(super) fn next_line(&self, text: &[u8], mut from: usize) -> Option<(Range<usize>, Range<usize>)> {
        while from < text.len() {
            let at = match self.anchored_to_text {
                true => from,
                // Looking through everything at once is far faster than line by line.
                false => self.regex.find_at(text, from)?.start(),
            };
            let start = memchr::memrchr(b'\n', &text[from..at]).map_or(from, |feed| from + feed + 1);
            let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |feed| at + feed);
            // By itself: a match may not go on in the next line, and what it hides may be one.
            if start < text.len()
                && let Some(found) = self.regex.find(&text[start..end])
            {
                return Some((start..end, start + found.start()..start + found.end()));
            }
            from = end + 1;
        }
        None
    }
}

fn syntax(pattern: &str, error: &regex::Error) -> PatternError {
    // The same parser once more: it is the one that knows the place.
    let mut parser = regex_syntax::ParserBuilder::new()
        .utf8(false)
        .multi_line(true)
        .crlf(true)
        .nest_limit(MAX_NESTING)
        .build();
    let (what, at) = match parser.parse(pattern) {
        Err(regex_syntax::Error::Parse(error)) => (error.kind().to_string(), error.span().start.offset),
        Err(regex_syntax::Error::Translate(error)) => (error.kind().to_string(), error.span().start.offset),
        _ => (error.to_string(), 0),
    };
    PatternError::Syntax { what, position: pattern[..at].chars().count() }
}
