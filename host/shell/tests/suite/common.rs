//! What the tests share: how commands are given and shown.

use std::ffi::OsStr;
use std::path::Path;

use weir_shell::{Script, Setting, SimpleCommand, see_through};

pub(crate) fn look(argv: &[&str]) -> Script {
    let argv: Vec<String> = argv.iter().map(|word| (*word).to_owned()).collect();
    let setting = Setting { cwd: Path::new("/"), path: Some(OsStr::new("/usr/bin:/bin")), env_names: &[] };
    see_through(&argv, &setting)
}

pub(crate) fn bash(text: &str) -> Script {
    look(&["bash", "-c", text])
}

/// A word of a shell that stands for this text.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The words of a command, a `?` after those that are not literal.
pub(crate) fn shown(command: &SimpleCommand) -> String {
    let words: Vec<String> = command
        .argv
        .iter()
        .map(|word| format!("{}{}", word.text, if word.literal { "" } else { "?" }))
        .collect();
    words.join(" ")
}

/// The commands of a corpus: a text for bash in each line, or `argv ` and a JSON array; `#` begins a comment.
pub(crate) fn corpus(text: &str) -> Vec<(String, Vec<String>)> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let argv = |line: &str| match line.strip_prefix("argv ") {
        Some(array) => strings(array),
        None => vec!["bash".into(), "-c".into(), line.into()],
    };
    lines.map(|line| (line.to_owned(), argv(line))).collect()
}

/// The strings of a JSON array of strings.
fn strings(array: &str) -> Vec<String> {
    let mut strings = Vec::new();
    let mut chars = array.chars();
    while let Some(char) = chars.next() {
        if char != '"' {
            continue;
        }
        let mut string = String::new();
        loop {
            match chars.next().expect("a string that is closed") {
                '"' => break,
                '\\' => match chars.next().expect("an escape") {
                    'n' => string.push('\n'),
                    't' => string.push('\t'),
                    'r' => string.push('\r'),
                    'u' => {
                        let digits: String = chars.by_ref().take(4).collect();
                        let code = u32::from_str_radix(&digits, 16).expect("four digits");
                        string.push(char::from_u32(code).expect("a character"));
                    }
                    other => string.push(other),
                },
                other => string.push(other),
            }
        }
        strings.push(string);
    }
    strings
}
