//! Splits patterns and examples into words. Quotes as in a shell; nothing else of a shell's grammar.

/// A character of a word, and whether it was quoted (then `*` and `?` stand for themselves).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted {
    /// The character.
    pub character: char,
    /// Whether it stood in quotes or behind a backslash.
    pub quoted: bool,
}

/// Splits at blanks; `'…'`, `"…"` and `\` quote. In double quotes a backslash quotes only `"`, `\`, `$` and a backtick.
/// Fails on a quote that is not closed.
pub fn split(text: &str) -> Result<Vec<Vec<Quoted>>, String> {
    let mut words = Vec::new();
    let mut word: Option<Vec<Quoted>> = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            ' ' | '\t' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next() {
                        Some('\'') => break,
                        Some(character) => word.push(Quoted { character, quoted: true }),
                        None => return Err("expected a closing `'`, found the end".to_owned()),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    let character = match characters.next() {
                        Some('"') => break,
                        Some('\\') if matches!(characters.peek(), Some('"' | '\\' | '$' | '`')) => {
                            characters.next().unwrap_or('\\')
                        }
                        Some(character) => character,
                        None => return Err("expected a closing `\"`, found the end".to_owned()),
                    };
                    word.push(Quoted { character, quoted: true });
                }
            }
            '\\' => match characters.next() {
                Some(character) => word.get_or_insert_default().push(Quoted { character, quoted: true }),
                None => return Err("expected a character after `\\`, found the end".to_owned()),
            },
            character => word.get_or_insert_default().push(Quoted { character, quoted: false }),
        }
    }
    words.extend(word);
    Ok(words)
}

/// The word without its marks.
pub fn text(word: &[Quoted]) -> String {
    word.iter().map(|quoted| quoted.character).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        split(line).unwrap().iter().map(|word| text(word)).collect()
    }

    #[test]
    fn blanks_separate_and_quotes_join() {
        assert_eq!(words("  git  commit\t-m 'a b' "), ["git", "commit", "-m", "a b"]);
        assert_eq!(words(r#"a"b 'c'"d \"x\" \\ "\n\"""#), [r"ab 'c'd", "\"x\"", r"\", r#"\n""#]);
        assert_eq!(words("'' \"\""), ["", ""]);
    }

    #[test]
    fn quoted_stars_are_marked() {
        let words = split(r"* '*' \*").unwrap();
        assert_eq!(words.iter().map(|word| word[0].quoted).collect::<Vec<_>>(), [false, true, true]);
    }

    #[test]
    fn an_open_quote_is_refused_by_name() {
        assert_eq!(split("a 'b").unwrap_err(), "expected a closing `'`, found the end");
        assert_eq!(split("a \"b").unwrap_err(), "expected a closing `\"`, found the end");
        assert_eq!(split("a \\").unwrap_err(), "expected a character after `\\`, found the end");
    }
}
