//! Shell text: a strict reader of the grammar that bash, dash, ksh and zsh have in common.
//!
//! One pass, no backtracking beyond a token, recursion bounded by [`Walker::may_nest`]. Commands go to the walker as they are
//! read; nothing is built. What shells read differently is an error, which the walker turns into a reason; what was
//! read before it stays listed. Where this reader takes what a shell refuses, nothing is lost: the shell runs less.

mod arithmetic;
mod compound;
mod expansion;
mod heredoc;
mod simple;
mod word;

use crate::walker::{Clear, Dialect, Place, Slot, Unclear, Walker};

/// A text that is being read.
pub(crate) struct Text<'t, 'w, 's> {
    text: &'t str,
    at: usize,
    place: Place,
    walker: &'w mut Walker<'s>,
    /// Here-documents whose text begins after the next newline.
    heredocs: Vec<Pending>,
    /// The next command follows a `|` or `coproc`, where bash takes `time` for a program.
    piped: bool,
}

/// A here-document that was announced.
struct Pending {
    slot: Slot,
    redirect: usize,
    delimiter: String,
    /// No expansions: the delimiter was quoted.
    quoted: bool,
    /// `<<-`: leading tabs are taken away.
    tabs: bool,
}

/// Words that end a list where they stand in place of a command.
const ENDS: [&str; 8] = ["then", "do", "done", "fi", "elif", "else", "esac", "}"];

/// Words that are not commands, where they are not quoted.
const RESERVED: [&str; 23] = [
    "then", "do", "done", "fi", "elif", "else", "esac", "}", "!", "{", "if", "while", "until", "for",
    "select", "case", "[[", "function", "coproc", "time", "in", "]]", "repeat",
];

impl<'t, 'w, 's> Text<'t, 'w, 's> {
    pub(crate) fn new(text: &'t str, place: Place, walker: &'w mut Walker<'s>) -> Self {
        Self { text, at: 0, place, walker, heredocs: Vec::new(), piped: false }
    }

    /// Reads the whole text.
    pub(crate) fn program(&mut self) -> Clear {
        self.list()?;
        if self.at < self.text.len() {
            return Err(self.unexpected("in place of a command"));
        }
        if let Some(pending) = self.heredocs.first() {
            return Err(Unclear(format!("the here-document `{}` has no text", pending.delimiter)));
        }
        Ok(())
    }

    fn dialect(&self) -> Dialect {
        self.place.shell.unwrap_or(Dialect::Posix)
    }

    fn bytes(&self) -> &'t [u8] {
        self.text.as_bytes()
    }

    /// The byte `ahead` of the next one; 0 at the end.
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    fn starts(&self, with: &str) -> bool {
        self.bytes()[self.at..].starts_with(with.as_bytes())
    }

    fn unexpected(&self, place: &str) -> Unclear {
        let rest: String = self.text.get(self.at..).unwrap_or("").chars().take(24).collect();
        if rest.is_empty() {
            return Unclear(format!("the text ends {place}"));
        }
        Unclear(format!("`{rest}` {place} is not understood"))
    }

    /// Passes blanks, line continuations and, at a token's start, a comment.
    fn blanks(&mut self) -> Clear {
        loop {
            match self.peek(0) {
                b' ' | b'\t' => self.at += 1,
                b'\\' if self.peek(1) == b'\n' => self.continuation()?,
                b'#' => {
                    if self.dialect() == Dialect::Zsh {
                        self.walker.note("a comment, which zsh may take for words");
                    }
                    let rest = &self.bytes()[self.at..];
                    self.at += rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
                }
                _ => return Ok(()),
            }
        }
    }

    /// Passes a backslash and a newline, where they cannot have joined an operator or an expansion.
    fn continuation(&mut self) -> Clear {
        let before = if self.at == 0 { b' ' } else { self.bytes()[self.at - 1] };
        let after = self.peek(2);
        let plain =
            |byte: u8| byte.is_ascii_alphanumeric() || b"-_./=,:+%@\"'".contains(&byte) || byte >= 0x80;
        let blank = |byte: u8| b" \t\n\0".contains(&byte);
        let fine = if blank(before) {
            after != b'\\' || self.peek(3) != b'\n'
        } else {
            blank(after) && before != b'\\' && before != b'$'
                || plain(after) && (plain(before) || b"&|;(".contains(&before))
        };
        if !fine {
            return Err(Unclear("a line is continued in the midst of an operator or an expansion".into()));
        }
        self.at += 2;
        Ok(())
    }

    /// Passes blanks, comments and newlines; reads the here-documents that a newline begins.
    fn newlines(&mut self) -> Clear {
        loop {
            self.blanks()?;
            if self.peek(0) != b'\n' {
                return Ok(());
            }
            self.at += 1;
            self.here_documents()?;
        }
    }

    /// Whether the text of a here-document begins at a newline that stands here, within `what`, is not for a guess.
    fn no_heredoc_waits(&self, what: &str) -> Clear {
        match self.heredocs.first() {
            Some(pending) if self.peek(0) == b'\n' => {
                Err(Unclear(format!("{what} goes over the line at which `{}` begins", pending.delimiter)))
            }
            _ => Ok(()),
        }
    }

    /// The unquoted plain word at this point, without passing it.
    fn keyword(&self) -> &'t str {
        let rest = &self.text[self.at..];
        let end = rest.bytes().position(|byte| b" \t\n;&|<>()".contains(&byte)).unwrap_or(rest.len());
        let word = &rest[..end];
        if word.bytes().all(|byte| byte.is_ascii_lowercase() || b"{}![]".contains(&byte)) { word } else { "" }
    }

    /// Passes `word`, which must stand here.
    fn expect(&mut self, word: &str) -> Clear {
        self.newlines()?;
        if self.keyword() != word {
            return Err(self.unexpected(&format!("in place of `{word}`")));
        }
        self.at += word.len();
        Ok(())
    }

    /// Reads commands up to a word or sign that ends a list, which stays.
    fn list(&mut self) -> Clear {
        loop {
            self.newlines()?;
            if self.at >= self.text.len()
                || self.peek(0) == b')'
                || self.starts(";;")
                || self.starts(";&")
                || ENDS.contains(&self.keyword())
            {
                return Ok(());
            }
            self.and_or()?;
            self.blanks()?;
            match (self.peek(0), self.peek(1)) {
                (b';', b';' | b'&') => return Ok(()),
                (b';', _) | (b'&', _) => self.at += 1,
                _ => {}
            }
        }
    }

    fn and_or(&mut self) -> Clear {
        loop {
            self.pipeline()?;
            self.blanks()?;
            if !(self.starts("&&") || self.starts("||")) {
                return Ok(());
            }
            self.at += 2;
            self.newlines()?;
        }
    }

    fn pipeline(&mut self) -> Clear {
        loop {
            self.command()?;
            self.blanks()?;
            if self.peek(0) != b'|' || self.peek(1) == b'|' {
                return Ok(());
            }
            self.at += 1;
            if self.peek(0) == b'&' {
                self.at += 1;
            }
            self.newlines()?;
            self.piped = true;
        }
    }

    /// Runs `read` one level of nesting further in, and, if it has a name, within that.
    fn nested(&mut self, name: Option<&str>, read: impl FnOnce(&mut Self) -> Clear) -> Clear {
        Walker::may_nest(&self.place)?;
        let mut place = self.place.clone();
        match name {
            Some(name) => place = place.within(name),
            None => place.nest += 1,
        }
        let outside = std::mem::replace(&mut self.place, place);
        let read = read(self);
        self.place = outside;
        read
    }
}
