//! Places in source files, as tools print them.

use memchr::memmem;

/// A file, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// As it was printed.
    pub path: String,
    /// From 1.
    pub line: Option<u32>,
    /// From 1.
    pub column: Option<u32>,
}

impl Place {
    /// `path:line:column`, as far as known.
    pub fn display(&self) -> String {
        let mut text = self.path.clone();
        for number in [self.line, self.column].into_iter().flatten() {
            text.push(':');
            text.push_str(&number.to_string());
        }
        text
    }
}

/// A place at the front of a text.
#[derive(Debug, Clone, Copy)]
pub struct Located<'a> {
    /// The path.
    pub path: &'a [u8],
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: Option<u32>,
    /// What follows: begins with `:`, or a space, or with nothing.
    pub rest: &'a [u8],
}

impl Located<'_> {
    /// As a place of its own.
    pub fn place(&self) -> Place {
        Place { path: text(self.path), line: Some(self.line), column: self.column }
    }
}

/// Text of the output as a string; what is no UTF-8 shows as U+FFFD.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A number at the front, and what follows. None if there is none, or if it is too large.
pub fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let digits = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    if digits == 0 || digits > 18 {
        return None;
    }
    let value = bytes[..digits].iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0'));
    Some((value, &bytes[digits..]))
}

fn number32(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (value, rest) = number(bytes)?;
    Some((u32::try_from(value).ok()?, rest))
}

/// `path:line`, `path:line:column` or `path(line,column)` at the front of `text`. The path must look like one: a letter
/// in it, and a dot or a slash; no quotes, tabs, or brackets that would make it a sentence.
pub fn located(text: &[u8]) -> Option<Located<'_>> {
    let mut from = 0;
    if text.len() > 2 && text[1] == b':' && text[0].is_ascii_alphabetic() && matches!(text[2], b'\\' | b'/') {
        from = 2;
    }
    let colon = from + memchr::memchr(b':', &text[from..])?;
    if colon > 1 && text[colon - 1] == b')' {
        let open = memchr::memrchr(b'(', &text[..colon])?;
        let (line, rest) = number32(&text[open + 1..])?;
        let (column, rest) = match rest.strip_prefix(b",") {
            Some(rest) => number32(rest).map(|(column, rest)| (Some(column), rest))?,
            None => (None, rest),
        };
        if !rest.starts_with(b"):") || !is_path(&text[..open]) {
            return None;
        }
        return Some(Located { path: &text[..open], line, column, rest: &text[colon..] });
    }
    let after = text.get(colon + 1..)?;
    if !after.first()?.is_ascii_digit() {
        return None;
    }
    let (line, mut rest) = number32(after)?;
    let mut column = None;
    if let Some((value, further)) = rest.strip_prefix(b":").and_then(number32) {
        (column, rest) = (Some(value), further);
    }
    let bounded = matches!(rest.first(), None | Some(b':' | b' ' | b')' | b','));
    (line > 0 && bounded && is_path(&text[..colon])).then_some(Located {
        path: &text[..colon],
        line,
        column,
        rest,
    })
}

/// Whether it looks like the path of a file.
pub fn is_path(path: &[u8]) -> bool {
    let mark = path.iter().any(|b| matches!(b, b'.' | b'/' | b'\\')) || is_makefile(path);
    mark && path.len() <= 1024
        && path.iter().any(u8::is_ascii_alphabetic)
        && path[0] != b' '
        && !path.iter().any(|b| {
            matches!(b, b'\t' | b'"' | b'\'' | b'`' | b'<' | b'>' | b'|' | b'*' | b'?' | b'=' | 0..=8)
        })
        && !path.windows(2).any(|pair| pair == b": " || pair == b"  ")
        && !path.starts_with(b"http")
        && !path.starts_with(b"In file included")
}

fn is_makefile(path: &[u8]) -> bool {
    path == b"Makefile" || path == b"makefile" || path == b"GNUmakefile"
}

/// The thread's name (empty if there is none) and the place of a line `thread 'NAME' (ID) panicked at PATH:LINE:COL:`,
/// also in the older shape `panicked at 'MESSAGE', PATH:LINE:COL`, with the message of that.
pub fn panic(line: &[u8]) -> Option<(&[u8], Place, Option<String>)> {
    let at = memmem::find(line, b" panicked at ")?;
    let head = line[..at].strip_prefix(b"thread '")?;
    let name = &head[..memchr::memrchr(b'\'', head)?];
    let tail = &line[at + b" panicked at ".len()..];
    if let Some(place) = located(tail) {
        return Some((name, place.place(), None));
    }
    let comma = memmem::rfind(tail, b"', ")?;
    let place = located(&tail[comma + 3..])?;
    Some((name, place.place(), tail[..comma].strip_prefix(b"'").map(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> Option<String> {
        located(line.as_bytes()).map(|found| format!("{} |{}", found.place().display(), text(found.rest)))
    }

    #[test]
    fn places_in_all_spellings_are_read() {
        assert_eq!(shown("src/a.c:1:20: error: x").unwrap(), "src/a.c:1:20 |: error: x");
        assert_eq!(shown("a.py:7: ValueError").unwrap(), "a.py:7 |: ValueError");
        assert_eq!(shown("ts/a.ts(2,22): error TS1").unwrap(), "ts/a.ts:2:22 |: error TS1");
        assert_eq!(shown("ts/a.ts:2:22 - error TS1").unwrap(), "ts/a.ts:2:22 | - error TS1");
        assert_eq!(shown("C:\\x\\a.c:3:4: error: x").unwrap(), "C:\\x\\a.c:3:4 |: error: x");
        assert_eq!(shown("Makefile:3: *** missing").unwrap(), "Makefile:3 |: *** missing");
    }

    #[test]
    fn times_addresses_and_sentences_are_no_places() {
        for line in [
            "12:30:45: error: x",
            "2024-01-01T12:30:45: error",
            "http://host:80: error",
            "key: value",
            "a:b",
            "In file included from a.c:2:",
            "x.c:99999999999999999999: y",
            "x.c:0: y",
            ":1:2",
            "",
            ":",
            "f(x): y",
            "(1):",
            "said 'a.c':3: no",
        ] {
            assert_eq!(shown(line), None, "{line}");
        }
    }

    #[test]
    fn panics_of_both_shapes_are_read() {
        let (name, place, message) = panic(b"thread 'a::b' (12) panicked at src/lib.rs:4:9:").unwrap();
        assert_eq!((name, place.display(), message), (&b"a::b"[..], "src/lib.rs:4:9".into(), None));
        let (name, place, message) =
            panic(b"thread 'a::b' panicked at 'it's bad, is it', src/lib.rs:4:9").unwrap();
        assert_eq!(
            (name, place.display(), message.unwrap()),
            (&b"a::b"[..], "src/lib.rs:4:9".into(), "it's bad, is it".into())
        );
        assert!(panic(b"thread panicked at nothing").is_none());
    }
}
