//! gcc, clang, rustc's short format, mypy, and whatever else prints `path:line:column: error: message`.

use super::{Compiler, Open, Step, code, severity};
use crate::{
    findings::{Findings, Severity},
    lines::Line,
    place::{Located, Place, text},
    span::Spans,
    tool::Tool,
};

/// The recogniser.
#[derive(Default)]
pub struct Gcc {
    open: Open,
    /// `In file included from …` and the like, before the finding that they explain.
    context: Spans,
    /// Lines since the first one.
    lines: usize,
    /// A line that belongs to the finding if the next one points at something in it.
    held: Option<Spans>,
    /// The finding has a margin with line numbers.
    margin: bool,
}

/// Whether the file is of a kind whose findings may come without a column.
fn source_file(path: &[u8]) -> bool {
    let name = path.rsplit(|b| matches!(b, b'/' | b'\\')).next().unwrap_or(path);
    let Some(dot) = memchr::memrchr(b'.', name) else { return name.eq_ignore_ascii_case(b"makefile") };
    const KINDS: [&[u8]; 24] = [
        b"c", b"h", b"cc", b"hh", b"cpp", b"hpp", b"cxx", b"hxx", b"C", b"H", b"m", b"mm", b"s", b"S", b"rs",
        b"py", b"pyi", b"go", b"f90", b"d", b"y", b"l", b"cu", b"inc",
    ];
    KINDS.contains(&&name[dot + 1..])
}

fn context(line: &[u8]) -> bool {
    line.starts_with(b"In file included from ")
        || line.starts_with(b"                 from ")
        || line.starts_with(b"In module ")
        || [
            &b": In function "[..],
            b": In member function ",
            b": At global scope:",
            b": At top level:",
            b": In instantiation of ",
            b": In constructor ",
            b": In substitution of ",
            b":   required from ",
            b":   required by ",
        ]
        .iter()
        .any(|words| memchr::memmem::find(line, words).is_some())
}

/// `… [-Wflag]` and mypy's `…  [code]` at the end: the message and the code.
fn trailing_code(message: &[u8]) -> (&[u8], Option<&[u8]>) {
    let Some(inner) = message.strip_suffix(b"]") else { return (message, None) };
    let Some(open) = memchr::memrchr(b'[', inner) else { return (message, None) };
    let code = &inner[open + 1..];
    let flag = code.starts_with(b"-W") || message[..open].ends_with(b"  ");
    if flag && !code.is_empty() && !code.contains(&b' ') {
        return (message[..open].trim_ascii_end(), Some(code));
    }
    (message, None)
}

/// `collect2: error: …`: programs whose errors have no place.
fn driver(line: &[u8]) -> Option<(Severity, &[u8])> {
    let colon = memchr::memchr(b':', line)?;
    let name = line[..colon].rsplit(|b| *b == b'/').next()?;
    let name = name.split(|b| *b == b'-').next()?;
    const DRIVERS: [&[u8]; 10] =
        [b"collect2", b"clang", b"clang++", b"gcc", b"g++", b"cc", b"c++", b"cc1", b"cc1plus", b"ld.lld"];
    if !DRIVERS.contains(&name) {
        return None;
    }
    let (severity, rest) = severity(line[colon + 1..].strip_prefix(b" ")?)?;
    Some((severity, rest.strip_prefix(b": ")?))
}

/// `file.c:(.text+0x5): undefined reference to …`: the file and the message.
fn undefined(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memmem::find(line, b":(.")?;
    let end = memchr::memmem::find(line, b"): ")?;
    let message = line.get(end + 3..)?;
    let path = line[..at].rsplit(|b| *b == b' ').next()?;
    (message.starts_with(b"undefined reference to ") || message.starts_with(b"multiple definition of "))
        .then_some((path, message))
}

impl Gcc {
    fn start(
        &mut self,
        line: &Line<'_>,
        severity: Severity,
        message: &[u8],
        place: Option<Place>,
        code: Option<&[u8]>,
    ) {
        self.open.begin(line, severity, message, place, code);
        if let Some(open) = self.open.get().filter(|_| !self.context.is_empty()) {
            let mut spans = std::mem::take(&mut self.context);
            spans.append(&mut open.spans);
            open.spans = spans;
        }
        self.lines = 0;
        self.margin = false;
        self.held = None;
    }
}

impl Compiler for Gcc {
    fn tool(&self) -> Tool {
        Tool::Gcc
    }

    fn first_bytes(&self) -> &'static [u8] {
        b"Icgl/ m"
    }

    fn begin(&mut self, line: &Line<'_>, located: Option<&Located<'_>>, findings: &mut Findings) -> Step {
        let words = line.text;
        if let Some(found) = located.filter(|_| !line.headless) {
            if let Some((severity, rest)) = found.rest.strip_prefix(b": ").and_then(severity) {
                let (front, rest) = code(rest);
                let Some(message) = rest.strip_prefix(b": ") else { return Step::No };
                if found.column.is_none() && !source_file(found.path) {
                    return Step::No;
                }
                let (message, back) = trailing_code(message);
                self.start(line, severity, message, Some(found.place()), front.or(back));
                return Step::Open;
            }
        }
        if let Some((severity, message)) = driver(words) {
            self.start(line, severity, message, None, None);
            return Step::Open;
        }
        if let Some((path, message)) = undefined(words) {
            let place = Place { path: text(path), line: None, column: None };
            self.start(line, Severity::Error, message, Some(place), None);
            return Step::Open;
        }
        if words.starts_with(b"make") && memchr::memmem::find(words, b": *** ").is_some() {
            findings.remark(line);
            return Step::Closed;
        }
        if context(words) {
            if self.context.lines() < 64 {
                self.context.push(line);
            }
            return Step::Closed;
        }
        Step::No
    }

    fn go_on(&mut self, line: &Line<'_>, located: Option<&Located<'_>>, _findings: &mut Findings) -> Step {
        let text = line.text;
        self.lines += 1;
        if located.is_some() || text.is_empty() || self.lines > 40 || context(text) || driver(text).is_some()
        {
            return Step::No;
        }
        // gcc's margin: `   12 | code` and `      |  ^~~`.
        let body = text.trim_ascii_start();
        let digits = body.iter().take_while(|b| b.is_ascii_digit()).count();
        if text[0] == b' ' && (body[digits..].starts_with(b" |") || digits == 0 && body.starts_with(b"|")) {
            self.margin = true;
            self.open.push(line);
            return Step::Open;
        }
        if self.margin || self.lines > 3 {
            return Step::No;
        }
        // clang's: the code, then a line that points into it, perhaps then what to write there.
        let points =
            body.contains(&b'^') && body.iter().all(|b| b" ^~|".contains(b)) || body.starts_with(b"~");
        match (&mut self.held, points) {
            (None, false) if self.lines == 1 => {
                let mut spans = Spans::default();
                spans.push(line);
                self.held = Some(spans);
                Step::Open
            }
            (Some(held), true) => {
                if let Some(open) = self.open.get() {
                    open.spans.append(held);
                    open.spans.push(line);
                }
                Step::Open
            }
            (Some(held), false) if held.is_empty() && text[0] == b' ' => {
                self.open.push(line);
                Step::Closed
            }
            _ => Step::No,
        }
    }

    fn close(&mut self, findings: &mut Findings) {
        self.held = None;
        self.open.close(findings);
    }
}
