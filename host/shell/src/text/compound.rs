//! Compound commands: groups, loops, cases, functions.

use super::Text;
use super::word::Mode;
use crate::run::meddling;
use crate::walker::{Clear, Dialect, Unclear};

impl Text<'_, '_, '_> {
    /// Reads one command of a pipeline.
    pub(super) fn command(&mut self) -> Clear {
        self.blanks()?;
        let piped = std::mem::take(&mut self.piped);
        if self.peek(0) == b'(' {
            return self.parenthesis();
        }
        let keyword = self.keyword();
        match keyword {
            "!" => {
                self.at += 1;
                self.piped = piped;
                self.nested(None, Self::command)
            }
            "{" => self.closed("{", "}"),
            "if" => self.compound(Self::if_clause),
            "while" | "until" => self.compound(|text| {
                text.at += keyword.len();
                text.list()?;
                text.expect("do")?;
                text.list()?;
                text.expect("done")
            }),
            "for" | "select" => self.compound(|text| text.for_clause(keyword.len())),
            "case" => self.compound(Self::case_clause),
            "[[" => self.compound(Self::test_clause),
            "function" => self.function_keyword(),
            "coproc" => self.coproc(),
            "time" if !piped => self.time(),
            "time" => self.time_program(),
            "repeat" | "foreach" | "noglob" | "nocorrect" if self.dialect() == Dialect::Zsh => {
                Err(Unclear(format!("zsh's `{keyword}`")))
            }
            "in" | "]]" => Err(self.unexpected("in place of a command")),
            _ if super::ENDS.contains(&keyword) => Err(self.unexpected("in place of a command")),
            _ => self.simple(),
        }
    }

    /// Reads a compound command and the redirects after it.
    fn compound(&mut self, read: impl FnOnce(&mut Self) -> Clear) -> Clear {
        self.nested(None, read)?;
        self.redirects_alone()
    }

    fn closed(&mut self, open: &str, close: &str) -> Clear {
        self.compound(|text| {
            text.at += open.len();
            text.list()?;
            text.expect(close)
        })
    }

    /// `( … )` or `(( … ))`.
    fn parenthesis(&mut self) -> Clear {
        self.compound(|text| {
            if text.peek(1) == b'(' {
                text.only_in_bash("`((`")?;
                text.at += 2;
                return text.arithmetic(false);
            }
            text.at += 1;
            text.list()?;
            text.close_parenthesis()
        })
    }

    pub(super) fn close_parenthesis(&mut self) -> Clear {
        self.newlines()?;
        if self.peek(0) != b')' {
            return Err(self.unexpected("in place of `)`"));
        }
        self.at += 1;
        Ok(())
    }

    /// Small shells take the words of bash for commands.
    pub(super) fn only_in_bash(&self, what: &str) -> Clear {
        match self.dialect() {
            Dialect::Posix => Err(Unclear(format!("{what} is not the same in every `sh`"))),
            _ => Ok(()),
        }
    }

    fn if_clause(&mut self) -> Clear {
        self.at += "if".len();
        self.list()?;
        self.expect("then")?;
        loop {
            self.list()?;
            self.newlines()?;
            match self.keyword() {
                "elif" => {
                    self.at += "elif".len();
                    self.list()?;
                    self.expect("then")?;
                }
                "else" => {
                    self.at += "else".len();
                    self.list()?;
                    return self.expect("fi");
                }
                _ => return self.expect("fi"),
            }
        }
    }

    fn for_clause(&mut self, keyword: usize) -> Clear {
        self.at += keyword;
        self.blanks()?;
        if self.starts("((") {
            self.only_in_bash("`for ((`")?;
            self.at += 2;
            self.arithmetic(true)?;
            self.blanks()?;
        } else {
            let name = self.word(Mode::Word)?;
            let Some(name) = name.piece.lit().filter(|name| meddling::is_name(name)) else {
                return Err(self.unexpected("after the variable of a loop"));
            };
            meddling::assigned(self.walker, name, None);
            self.newlines()?;
            if self.keyword() == "in" {
                self.at += "in".len();
                loop {
                    self.blanks()?;
                    if self.peek(0) == b';' || self.peek(0) == b'\n' {
                        break;
                    }
                    self.word(Mode::Word)?;
                }
            }
        }
        if self.peek(0) == b';' {
            self.at += 1;
        }
        self.expect("do")?;
        self.list()?;
        self.expect("done")
    }

    fn case_clause(&mut self) -> Clear {
        self.at += "case".len();
        self.blanks()?;
        self.word(Mode::Value)?;
        self.expect("in")?;
        loop {
            self.newlines()?;
            if self.keyword() == "esac" {
                self.at += "esac".len();
                return Ok(());
            }
            if self.peek(0) == b'(' {
                self.at += 1;
                self.blanks()?;
            }
            loop {
                self.word(Mode::Word)?;
                self.blanks()?;
                if self.peek(0) != b'|' {
                    break;
                }
                self.at += 1;
                self.blanks()?;
            }
            if self.peek(0) != b')' {
                return Err(self.unexpected("after the pattern of a case"));
            }
            self.at += 1;
            self.list()?;
            if self.starts(";;&") {
                self.only_in_bash("`;;&`")?;
                self.at += 3;
            } else if self.starts(";;") {
                self.at += 2;
            } else if self.starts(";&") {
                self.only_in_bash("`;&`")?;
                self.at += 2;
            } else {
                return self.expect("esac");
            }
        }
    }

    /// `[[ … ]]`: listed as a command, since its words may be judged; its substitutions run.
    fn test_clause(&mut self) -> Clear {
        self.only_in_bash("`[[`")?;
        let slot = self.walker.reserve(&self.place);
        let mut pieces = vec![crate::script::Piece::literal("[[")];
        self.at += 2;
        loop {
            self.newlines()?;
            let (first, second) = (self.peek(0), self.peek(1));
            if self.keyword() == "]]" {
                self.at += 2;
                break;
            }
            let operator = match (first, second) {
                (b'&', b'&') | (b'|', b'|') => 2,
                (b'(' | b')', _) => 1,
                (b'<' | b'>', second) if second != b'(' => 1,
                _ => 0,
            };
            if operator > 0 {
                pieces.push(crate::script::Piece::literal(&self.text[self.at..self.at + operator]));
                self.at += operator;
                continue;
            }
            let regex = pieces.last().and_then(crate::script::Piece::lit) == Some("=~");
            let word = self.word(if regex { Mode::Regex } else { Mode::Word })?;
            pieces.push(word.piece);
        }
        pieces.push(crate::script::Piece::literal("]]"));
        let place = self.place.clone();
        self.walker.fill(slot, &pieces, Vec::new(), Vec::new(), &place);
        Ok(())
    }

    fn function_keyword(&mut self) -> Clear {
        self.only_in_bash("`function`")?;
        self.at += "function".len();
        self.blanks()?;
        let name = self.word(Mode::Word)?;
        self.blanks()?;
        if self.peek(0) == b'(' {
            self.at += 1;
            self.blanks()?;
            self.close_parenthesis()?;
        }
        let Some(name) = name.piece.lit().map(str::to_owned) else {
            return Err(Unclear("a function whose name is not literal".into()));
        };
        self.function(name)
    }

    /// Reads the body of a function after its name and parentheses.
    pub(super) fn function(&mut self, name: String) -> Clear {
        if self.walker.functions.len() >= 1024 {
            return Err(Unclear("the text defines more than 1024 functions".into()));
        }
        self.walker.functions.insert(name);
        self.newlines()?;
        if self.peek(0) != b'('
            && !["{", "if", "while", "until", "for", "select", "case", "[["].contains(&self.keyword())
        {
            return Err(self.unexpected("in place of a function's body"));
        }
        self.nested(Some("function"), Self::command)
    }

    fn coproc(&mut self) -> Clear {
        self.only_in_bash("`coproc`")?;
        self.at += "coproc".len();
        self.blanks()?;
        let start = self.at;
        if !super::RESERVED.contains(&self.keyword()) {
            let rest = &self.text[self.at..];
            let end = rest
                .bytes()
                .position(|byte| !byte.is_ascii_alphanumeric() && byte != b'_')
                .unwrap_or(rest.len());
            self.at += end;
            self.blanks()?;
            if end > 0 && self.at > start + end && (self.peek(0) == b'(' || self.keyword() == "{") {
                meddling::assigned(self.walker, &rest[..end], None);
            } else {
                self.at = start;
            }
        }
        self.piped = true;
        self.nested(Some("coproc"), Self::command)
    }

    /// `time` where bash takes it for a program; others, and other versions, may not.
    fn time_program(&mut self) -> Clear {
        let start = self.at;
        self.at += "time".len();
        self.blanks()?;
        if super::RESERVED.contains(&self.keyword()) || self.peek(0) == b'(' {
            return Err(self.unexpected("after `time` in a pipeline"));
        }
        self.at = start;
        self.simple()
    }

    /// The keyword of bash; where there is none, the program takes the same words, but not a compound command.
    fn time(&mut self) -> Clear {
        let start = self.at;
        self.at += "time".len();
        self.blanks()?;
        if self.starts("-p ") {
            self.at += 3;
            self.blanks()?;
        }
        if self.peek(0) == b'-' {
            self.at = start;
            return self.simple();
        }
        if self.peek(0) == b'('
            || ["{", "!", "if", "while", "until", "for", "case", "[["].contains(&self.keyword())
        {
            self.only_in_bash("`time` before a compound command")?;
        }
        if self.at >= self.text.len() || b"\n;&|)".contains(&self.peek(0)) {
            return Ok(());
        }
        self.nested(Some("time"), Self::command)
    }
}
