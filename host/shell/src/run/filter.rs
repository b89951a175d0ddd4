//! `awk` and `sed`: programs in their arguments that are mostly harmless, read far enough to tell.

use super::options::Options;
use crate::script::Piece;
use crate::walker::Walker;

const AWK: Options = Options {
    values: "Fvf",
    flags: "",
    attached: "",
    long_values: &["field-separator", "assign", "file"],
    long_flags: &["posix", "traditional", "re-interval", "csv", "sandbox"],
    wary: &["f", "file"],
};

/// A program is plain if it is literal and has none of: `system`, a pipe, `getline`, `@`, a redirect of output. What it
/// prints to (`> "file"`) and compares with (`>`) look alike, so both are noted.
pub(super) fn awk(walker: &mut Walker<'_>, pieces: &[Piece]) {
    let (given, at) = AWK.read(walker, "awk", pieces);
    if given.iter().any(|(option, _)| option == "f" || option == "file") {
        return;
    }
    let Some(piece) = pieces.get(at) else { return };
    let Some(program) = piece.lit() else {
        return walker.note(format!("the program of `awk` is not literal: `{}`", piece.word.text));
    };
    let bars = program.replace("||", "");
    let runs = ["system", "getline", "@", "extension"].iter().any(|word| program.contains(word));
    if runs || bars.contains('|') {
        walker.note("the program of `awk` runs or reads something");
    } else if program.contains('>') && (program.contains("print") || program.contains('\\')) {
        walker.note("the program of `awk` may write a file");
    }
}

const SED: Options = Options {
    values: "efl",
    flags: "nrEszub",
    attached: "iI",
    long_values: &["expression", "file", "line-length"],
    long_flags: &[
        "quiet",
        "silent",
        "in-place",
        "regexp-extended",
        "separate",
        "null-data",
        "unbuffered",
        "posix",
        "sandbox",
        "follow-symlinks",
        "debug",
        "binary",
    ],
    wary: &["f", "file"],
};

/// A script is plain if it is literal and of the forms in [`is_plain_sed`]. Writing in place (`-i`) is a word for the rules.
pub(super) fn sed(walker: &mut Walker<'_>, pieces: &[Piece]) {
    // Options may follow operands.
    let Some(last) = pieces
        .iter()
        .rposition(|piece| piece.lit().is_some_and(|word| word.starts_with('-') && word.len() > 1))
    else {
        return script(walker, pieces.get(1));
    };
    let (given, mut at) = SED.read(walker, "sed", pieces);
    let mut scripts: Vec<Option<Piece>> = Vec::new();
    for (option, value) in given {
        match option.as_str() {
            "e" | "expression" => scripts.push(value),
            _ => {}
        }
    }
    if at <= last && pieces.get(at.wrapping_sub(1)).and_then(Piece::lit) != Some("--") {
        let late = |piece: &Piece| {
            piece
                .lit()
                .is_none_or(|word| word.starts_with('-') && (word.contains(['e', 'f']) || word.len() > 3))
        };
        if pieces[at..].iter().skip(1).any(late) {
            walker.note("`sed` with options after its operands");
        }
    }
    if scripts.is_empty() {
        script(walker, pieces.get(at));
        at += 1;
    }
    for piece in &scripts {
        script(walker, piece.as_ref());
    }
    if let Some(piece) =
        pieces.get(at..).into_iter().flatten().find(|piece| !piece.tame && !piece.word.text.starts_with('"'))
    {
        walker.note(format!("`sed` has words that may be options: `{}`", piece.word.text));
    }
}

fn script(walker: &mut Walker<'_>, piece: Option<&Piece>) {
    let Some(piece) = piece else { return };
    match piece.lit() {
        None => walker.note(format!("the script of `sed` is not literal: `{}`", piece.word.text)),
        Some(script) if !is_plain_sed(script) => {
            walker.note(format!("the script of `sed` may run or write something: `{script}`"));
        }
        Some(_) => {}
    }
}

/// Commands between `;` and newlines, each an address (numbers, `$`, `/regex/`) and one of `p d q Q = n N g G h H x D P l`,
/// `s` with the flags `g p i I m M` and numbers, or `y`. Neither `e`, `w`, `r` nor any other.
fn is_plain_sed(script: &str) -> bool {
    let mut rest = script;
    loop {
        rest = rest.trim_start_matches(|char: char| char.is_ascii_whitespace() || char == ';');
        let Some(after) = address(rest) else { return false };
        rest = after.trim_start_matches([' ', '\t', '!']);
        if rest.is_empty() {
            return after.trim().is_empty();
        }
        let command = rest.as_bytes()[0];
        if !rest.is_char_boundary(1) {
            return false;
        }
        rest = &rest[1..];
        match command {
            b'p' | b'd' | b'=' | b'n' | b'N' | b'g' | b'G' | b'h' | b'H' | b'x' | b'D' | b'P' | b'l'
            | b'{' | b'}' => {}
            b'q' | b'Q' => rest = rest.trim_start_matches(|char: char| char.is_ascii_digit() || char == ' '),
            b's' | b'y' => {
                let Some(delimiter) =
                    rest.chars().next().filter(|char| char.is_ascii_punctuation() && *char != '\\')
                else {
                    return false;
                };
                let Some(after) =
                    delimited(&rest[1..], delimiter).and_then(|rest| delimited(rest, delimiter))
                else {
                    return false;
                };
                rest =
                    after.trim_start_matches(|char: char| char.is_ascii_digit() || "gpiImM".contains(char));
            }
            _ => return false,
        }
        let ends = rest.trim_start_matches([' ', '\t']);
        if !(ends.is_empty() || ends.starts_with([';', '\n', '}']) || command == b'{' || command == b'}') {
            return false;
        }
    }
}

/// What follows an address, or two with a comma.
fn address(text: &str) -> Option<&str> {
    let mut rest = one_address(text)?;
    if let Some(second) = rest.strip_prefix(',') {
        let second = second.trim_start_matches([' ', '+', '~']);
        rest = one_address(second).filter(|after| after.len() < second.len())?;
    }
    Some(rest)
}

fn one_address(text: &str) -> Option<&str> {
    match text.as_bytes().first() {
        Some(b'$') => Some(&text[1..]),
        Some(b'0'..=b'9') => Some(text.trim_start_matches(|char: char| char.is_ascii_digit() || char == '~')),
        Some(b'/') => delimited(&text[1..], '/').map(|rest| rest.trim_start_matches(['I', 'M'])),
        _ => Some(text),
    }
}

/// What follows the next delimiter that is neither escaped nor in brackets; none if that is not certain.
fn delimited(text: &str, delimiter: char) -> Option<&str> {
    let mut escaped = false;
    for (at, char) in text.char_indices() {
        match char {
            _ if escaped => escaped = false,
            '\n' => return None,
            '\\' => escaped = true,
            _ if char == delimiter => {
                // Within brackets a delimiter may be plain: then the parts are not certain.
                let before = &text[..at];
                let open = before.matches('[').count() != before.matches(']').count();
                return (!open).then(|| &text[at + char.len_utf8()..]);
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sed_scripts_of_every_day_are_plain() {
        for script in [
            "1,5p",
            "$p",
            "/foo/,/bar/p",
            "s/a/b/",
            "s/a/b/g;s|x|y|2p",
            "10q",
            "/^$/d",
            "1!d",
            "1~2d",
            "1,+3p",
            "y/abc/xyz/",
            "",
            "$!N",
            "/a/{p;d}",
        ] {
            assert!(is_plain_sed(script), "{script}");
        }
    }

    #[test]
    fn sed_scripts_that_run_or_write_are_not_plain() {
        for script in [
            "1e rm x",
            "s/a/rm x/e",
            "s/a/b/w out",
            "w out",
            "r in",
            "s/a/b/ge",
            "1,2w x",
            "e",
            "s/[/]/;e rm #/p",
            "a\\\nfoo",
            "s\\a\\b\\e",
            "/x/e",
            "s/a/b\ne rm/",
            "1!e rm",
            "F;e",
            "W out",
            "}e rm",
            "{e rm",
            "s,a,b,;1e",
            "p e",
        ] {
            assert!(!is_plain_sed(script), "{script}");
        }
    }
}
