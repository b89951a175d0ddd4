//! Simple commands: assignments, words, redirects.

use super::word::{Mode, Scan};
use super::{Pending, Text};
use crate::run::meddling;
use crate::script::{Assignment, Piece, Redirect, Word};
use crate::walker::{Clear, Dialect, Slot, Unclear};

/// What stands around a simple command's words while it is read.
#[derive(Default)]
struct Parts {
    pieces: Vec<Piece>,
    assignments: Vec<Assignment>,
    redirects: Vec<Redirect>,
    /// Where the command will stand in the list: its here-documents are completed there.
    slot: Slot,
}

impl Text<'_, '_, '_> {
    pub(super) fn simple(&mut self) -> Clear {
        let slot = self.walker.reserve(&self.place);
        let mut parts = Parts { slot, ..Parts::default() };
        let start = self.at;
        let mut read = self.parts(&mut parts);
        if let (Ok(()), Some(piece)) = (&read, parts.pieces.first())
            && self.peek(0) == b'('
            && !piece.word.literal
        {
            read = Err(Unclear("a function whose name is not literal".into()));
        }
        if read.is_ok() && self.peek(0) == b'(' {
            read = self.function_parentheses();
            if read.is_ok() {
                self.walker.release(slot);
                let name = parts.pieces[0].word.text.clone();
                return self.function(name);
            }
        }
        if self.at == start && read.is_ok() {
            return Err(self.unexpected("in place of a command"));
        }
        // What was read before something unclear is listed, too.
        let place = self.place.clone();
        self.walker.fill(slot, &parts.pieces, parts.assignments, parts.redirects, &place);
        read
    }

    /// Reads up to the command's end, or to the parenthesis after a function's name.
    fn parts(&mut self, parts: &mut Parts) -> Clear {
        loop {
            self.blanks()?;
            if self.at >= self.text.len() || b"\n;|)".contains(&self.peek(0)) {
                return Ok(());
            }
            if self.peek(0) == b'&' && self.peek(1) != b'>' {
                return Ok(());
            }
            if self.redirect(parts)? {
                continue;
            }
            if self.peek(0) == b'(' {
                if parts.pieces.len() == 1 && parts.assignments.is_empty() && parts.redirects.is_empty() {
                    return Ok(());
                }
                return Err(self.unexpected("after a word"));
            }
            let declares =
                parts.pieces.first().and_then(Piece::lit).is_some_and(|name| {
                    ["declare", "typeset", "local", "export", "readonly"].contains(&name)
                });
            if (parts.pieces.is_empty() || declares)
                && let Some(assignment) = self.assignment()?
            {
                if parts.pieces.is_empty() {
                    parts.assignments.push(assignment);
                } else {
                    meddling::check(self.walker, std::slice::from_ref(&assignment), None);
                    let literal = assignment.value.literal;
                    let text = format!("{}={}", assignment.name, assignment.value.text);
                    parts.pieces.push(Piece { word: Word { text, literal }, tame: true });
                }
                continue;
            }
            let word = self.word(Mode::Word)?;
            self.first_word(&word, parts)?;
            parts.pieces.push(word.piece);
        }
    }

    /// What is not the same in all shells about a command's first word.
    fn first_word(&mut self, word: &Scan, parts: &Parts) -> Clear {
        let raw = &self.text[word.start..self.at];
        if parts.pieces.is_empty() && raw.starts_with('%') {
            return Err(Unclear(format!("`{raw}` names a job")));
        }
        if parts.pieces.is_empty()
            && !word.quoted
            && word.continued
            && super::RESERVED.contains(&word.piece.word.text.as_str())
        {
            return Err(Unclear(format!("the keyword `{}` is written over two lines", word.piece.word.text)));
        }
        if self.dialect() == Dialect::Zsh && !word.quoted {
            if raw.starts_with('=') {
                return Err(Unclear(format!("`{raw}` is a program's path in zsh")));
            }
            if raw != "{}" && raw.contains(['{', '}', '^']) || parts.pieces.is_empty() && raw == "-" {
                return Err(Unclear(format!("`{raw}` is not plain in zsh")));
            }
        }
        Ok(())
    }

    fn function_parentheses(&mut self) -> Clear {
        self.at += 1;
        self.blanks()?;
        if self.peek(0) != b')' {
            return Err(self.unexpected("after a word and `(`"));
        }
        self.at += 1;
        Ok(())
    }

    /// Reads the redirects after a compound command; they are listed as a command without words.
    pub(super) fn redirects_alone(&mut self) -> Clear {
        let mut parts = Parts::default();
        loop {
            self.blanks()?;
            if parts.slot.is_none() && (self.at_redirect().is_some() || self.starts("&>")) {
                parts.slot = self.walker.reserve(&self.place);
            }
            if !self.redirect(&mut parts)? {
                break;
            }
        }
        if parts.redirects.is_empty() {
            self.walker.release(parts.slot);
            return Ok(());
        }
        let place = self.place.clone();
        self.walker.fill(parts.slot, &[], Vec::new(), parts.redirects, &place);
        Ok(())
    }

    /// Bytes of the descriptor or `{name}` before a redirect that stands here.
    fn at_redirect(&self) -> Option<usize> {
        let rest = &self.bytes()[self.at..];
        let mut end = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        if end == 0 && rest.first() == Some(&b'{') {
            let close = rest.iter().position(|&byte| byte == b'}')?;
            if meddling::is_name(std::str::from_utf8(&rest[1..close]).ok()?) {
                end = close + 1;
            }
        }
        match rest.get(end)? {
            b'<' | b'>' if end > 0 || rest.get(end + 1) != Some(&b'(') => Some(end),
            _ => None,
        }
    }

    /// Reads a redirect, if one stands here.
    fn redirect(&mut self, parts: &mut Parts) -> Clear<bool> {
        let mut descriptor = None;
        if self.starts("&>") {
            self.only_in_bash("`&>`")?;
        } else if let Some(length) = self.at_redirect() {
            let written = &self.text[self.at..self.at + length];
            if let Some(name) = written.strip_prefix('{') {
                self.only_in_bash("a descriptor in a variable")?;
                meddling::assigned(self.walker, name.trim_end_matches('}'), None);
            } else if !written.is_empty() {
                let number: Option<u32> = written.parse().ok().filter(|_| length <= 4);
                descriptor = Some(number.ok_or_else(|| Unclear(format!("the descriptor `{written}`")))?);
                if length > 1 {
                    self.only_in_bash("a descriptor of two digits")?;
                }
            }
            self.at += length;
        } else {
            return Ok(false);
        }
        let operators = ["&>>", "&>", "<<<", "<<-", "<<", "<&", "<>", "<", ">>", ">|", ">&", ">"];
        let operator = operators.into_iter().find(|operator| self.starts(operator)).unwrap_or("<");
        self.at += operator.len();
        if operator == "<<<" {
            self.only_in_bash("`<<<`")?;
        }
        if matches!(self.peek(0), b'!') && self.dialect() == Dialect::Zsh {
            return Err(self.unexpected("after a redirect"));
        }
        self.blanks()?;
        if self.at >= self.text.len() || b"\n;&|".contains(&self.peek(0)) {
            return Err(self.unexpected("in place of a redirect's target"));
        }
        let word = self.word(Mode::Word)?;
        let mut target = word.piece.word;
        if operator.starts_with("<<") && operator != "<<<" {
            let raw = &self.text[word.start..self.at];
            if !target.literal || raw.contains(['$', '`', '\n']) || self.heredocs.len() >= 64 {
                return Err(Unclear(format!("the delimiter `{raw}` of a here-document")));
            }
            let delimiter = std::mem::take(&mut target.text);
            // Nothing is known of the text until it is read.
            target.literal = false;
            let (slot, redirect, tabs) = (parts.slot, parts.redirects.len(), operator == "<<-");
            self.heredocs.push(Pending { slot, redirect, delimiter, quoted: word.quoted, tabs });
        }
        parts.redirects.push(Redirect { operator: operator.to_owned(), descriptor, target });
        Ok(true)
    }

    /// Reads an assignment, if one stands here.
    fn assignment(&mut self) -> Clear<Option<Assignment>> {
        let rest = &self.bytes()[self.at..];
        let length =
            rest.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_').unwrap_or(rest.len());
        let name = &self.text[self.at..self.at + length];
        if !meddling::is_name(name) {
            return Ok(None);
        }
        let mut end = length;
        if rest.get(end) == Some(&b'[') {
            let digits = rest[end + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits == 0 || rest.get(end + 1 + digits) != Some(&b']') {
                return Err(self.unexpected("may be an element of an array, whose subscript is evaluated,"));
            }
            end += digits + 2;
        }
        let appended = rest.get(end) == Some(&b'+') && rest.get(end + 1) == Some(&b'=');
        if !appended && rest.get(end) != Some(&b'=') {
            return Ok(None);
        }
        let whole = end == length && !appended;
        self.at += end + 1 + usize::from(appended);
        let start = self.at;
        if self.peek(0) == b'(' {
            self.only_in_bash("an array")?;
            self.array()?;
            let text = self.text[start..self.at].to_owned();
            return Ok(Some(Assignment { name: name.to_owned(), value: Word { text, literal: false } }));
        }
        let mut value = if self.at >= self.text.len() || b" \t\n;&|<>()".contains(&self.peek(0)) {
            Word::literal("")
        } else {
            self.word(Mode::Value)?.piece.word
        };
        if self.peek(0) == b'(' {
            return Err(self.unexpected("after an assignment"));
        }
        value.literal &= whole;
        Ok(Some(Assignment { name: name.to_owned(), value }))
    }

    /// `( words )` of an array; their substitutions run.
    fn array(&mut self) -> Clear {
        self.at += 1;
        loop {
            self.blanks()?;
            self.no_heredoc_waits("an array")?;
            self.newlines()?;
            match self.peek(0) {
                b')' => {
                    self.at += 1;
                    return Ok(());
                }
                b'[' => return Err(self.unexpected("is a subscript of an array, which is evaluated, and")),
                _ => self.word(Mode::Word)?,
            };
        }
    }
}
