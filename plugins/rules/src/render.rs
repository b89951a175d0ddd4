//! Commands as a person would type them, for reasons and notes.

use crate::model::{Simple, Word};

/// Longer than this is cut.
const MAX_CHARACTERS: usize = 160;

/// The command with its assignments and redirects, quoted where needed and cut where too long. Control characters
/// are shown as escapes: what is refused must not rewrite what a person sees.
pub fn command(command: &Simple) -> String {
    let mut parts: Vec<String> =
        command.assignments.iter().map(|set| format!("{}={}", set.name, word(&set.value))).collect();
    parts.extend(command.argv.iter().map(word));
    for redirect in &command.redirects {
        let descriptor = redirect.descriptor.map(|number| number.to_string()).unwrap_or_default();
        let target =
            if redirect.operator.starts_with("<<") { "…".to_owned() } else { word(&redirect.target) };
        let space = if redirect.operator.ends_with('&') { "" } else { " " };
        parts.push(format!("{descriptor}{}{space}{target}", redirect.operator));
    }
    cut(&parts.join(" "))
}

/// Text of others, made fit to stand in a line of ours.
pub fn cut(text: &str) -> String {
    let mut out = String::new();
    for (count, character) in text.chars().enumerate() {
        if count == MAX_CHARACTERS {
            out.push('…');
            break;
        }
        if character.is_control() || is_invisible(character) {
            out.extend(character.escape_debug());
        } else {
            out.push(character);
        }
    }
    out
}

fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn word(word: &Word) -> String {
    let plain = |character: char| character.is_alphanumeric() || "-_./:=,+@%^".contains(character);
    if !word.literal || !word.text.is_empty() && word.text.chars().all(plain) {
        return word.text.clone();
    }
    format!("'{}'", word.text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_as_needed() {
        let mut simple = Simple::plain(&["git", "commit", "-m", "it's", ""]);
        simple.argv.push(Word { text: "$x".to_owned(), literal: false });
        assert_eq!(command(&simple), r"git commit -m 'it'\''s' '' $x");
    }

    #[test]
    fn long_and_deceptive_text_is_tamed() {
        assert_eq!(cut("a\u{202e}b\n\u{1b}[2J"), r"a\u{202e}b\n\u{1b}[2J");
        assert_eq!(cut(&"x".repeat(500)).chars().count(), MAX_CHARACTERS + 1);
    }
}
