//! `go test`, with and without `-v`.
//!
//! Go tells the end of a package, but not where it begins, and without `-v` not which test has printed what: then all
//! that stands before the package's `FAIL` is kept with it.

use super::{Runner, Taken};
use crate::{
    findings::{Findings, Run},
    lines::Line,
    place::{self, Place, number, text},
    span::{Span, Spans},
    tool::Tool,
};

/// The recogniser.
pub struct Go {
    open: bool,
    run: Run,
    pieces: Vec<Piece>,
    roots: Vec<Root>,
    /// The root whose lines are read.
    current: Option<usize>,
    /// The failing test that detail lines belong to.
    detail: Option<usize>,
    verbose: bool,
    /// Lines of several tests may be mixed, or somebody pretends.
    mixed: bool,
    panicked: bool,
    /// `FAIL` and `ok` of packages, as they were printed.
    packages: (u64, u64),
    previous_is_pass: bool,
}

struct Piece {
    root: Option<usize>,
    span: Span,
}

/// A top-level test of the package that is being read.
struct Root {
    name: String,
    failed: bool,
    ended: bool,
    paused: bool,
    /// The last `file.go:12: …` of it and the words behind it.
    place: Option<(Place, String)>,
}

/// A package's lines are kept in so many pieces; later ones are one.
const PIECES: usize = 64 * 1024;

impl Default for Go {
    fn default() -> Self {
        Self {
            open: false,
            run: Run::new(Tool::Go),
            pieces: Vec::new(),
            roots: Vec::new(),
            current: None,
            detail: None,
            verbose: false,
            mixed: false,
            panicked: false,
            packages: (0, 0),
            previous_is_pass: false,
        }
    }
}

/// `--- FAIL: TestName (0.00s)`, indented by fours: the verdict's word and the name.
fn verdict(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let body = line.trim_ascii_start().strip_prefix(b"--- ")?;
    let colon = memchr::memchr(b':', body)?;
    let word = &body[..colon];
    if !matches!(word, b"FAIL" | b"PASS" | b"SKIP" | b"BENCH") {
        return None;
    }
    let rest = body[colon..].strip_prefix(b": ")?;
    let open = memchr::memmem::rfind(rest, b" (")?;
    let seconds = rest[open + 2..].strip_suffix(b"s)")?;
    number(seconds)?;
    Some((word, &rest[..open]))
}

/// `=== RUN   TestName`: the word and the name.
fn marker(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let body = line.strip_prefix(b"=== ")?;
    let space = memchr::memchr(b' ', body)?;
    let name = body[space..].trim_ascii_start();
    (matches!(&body[..space], b"RUN" | b"CONT" | b"PAUSE" | b"NAME") && !name.is_empty())
        .then_some((&body[..space], name))
}

enum Package<'a> {
    Failed(&'a [u8]),
    Passed,
    Untested,
}

/// `FAIL\tpackage\t0.1s`, `FAIL\tpackage [build failed]`, `ok  \tpackage\t…`, `?   \tpackage\t[no test files]`.
fn package(line: &[u8]) -> Option<Package<'_>> {
    if let Some(rest) = line.strip_prefix(b"FAIL\t") {
        let name = rest.split(|b| *b == b'\t').next().unwrap_or(rest);
        return (!name.is_empty()).then_some(Package::Failed(name));
    }
    if line.starts_with(b"?   \t") && line.ends_with(b"\t[no test files]") {
        return Some(Package::Untested);
    }
    let rest = line.strip_prefix(b"ok  \t")?;
    memchr::memchr(b'\t', rest).map(|_| Package::Passed)
}

fn root_of(name: &[u8]) -> &[u8] {
    &name[..memchr::memchr(b'/', name).unwrap_or(name.len())]
}

impl Runner for Go {
    fn tool(&self) -> Tool {
        Tool::Go
    }

    fn first_bytes(&self) -> &'static [u8] {
        b"-=Fo?"
    }

    fn wakes(&self, line: &Line<'_>) -> bool {
        package(line.text).is_some_and(|package| matches!(package, Package::Failed(_)) || line.whole())
            || matches!(verdict(line.text), Some((b"FAIL", _)))
            || line.text.starts_with(b"=== RUN   ")
    }

    fn before(&mut self, unclaimed: &mut Spans) {
        if !self.verbose {
            for span in std::mem::take(unclaimed).list() {
                self.piece(None, *span);
            }
        }
    }

    fn take(&mut self, line: &Line<'_>, _findings: &mut Findings) -> Taken {
        self.open = true;
        let text_ = line.text;
        let pass = std::mem::replace(&mut self.previous_is_pass, text_ == b"PASS");
        if let Some((word, name)) = marker(text_) {
            self.mark(word, name, line);
            return Taken::Yes;
        }
        if let Some((word, name)) = verdict(text_) {
            if word == b"FAIL" || line.whole() {
                self.verdict(word, name, line);
                return Taken::Yes;
            }
        }
        match package(text_) {
            Some(Package::Failed(name)) => {
                self.package_failed(&text(name), line);
                return Taken::Yes;
            }
            Some(kind @ (Package::Passed | Package::Untested))
                if line.whole() && self.believes_pass(pass) =>
            {
                self.packages.1 += u64::from(matches!(kind, Package::Passed));
                self.forget();
                return Taken::Yes;
            }
            Some(_) => {
                self.run
                    .contradict("a line says that a package is ok while one of its tests runs".to_owned());
            }
            None => {}
        }
        let status = matches!(text_, b"FAIL" | b"PASS") || text_.starts_with(b"exit status ");
        if status && self.current.is_none_or(|at| self.roots[at].ended) {
            return Taken::Yes;
        }
        self.content(line);
        Taken::Perhaps
    }

    fn captive(&self) -> bool {
        self.panicked
    }

    fn channel_end(&mut self, _findings: &mut Findings) {
        // A package without an end: what is known of it is kept.
        if self.open && (!self.pieces.is_empty() || !self.roots.is_empty()) {
            let unfinished = self.roots.iter().any(|root| !root.ended || root.failed);
            if unfinished || self.run.failed {
                self.settle(true);
            }
        }
        self.forget();
    }

    fn finish(&mut self, findings: &mut Findings) {
        let mut this = std::mem::take(self);
        if this.open {
            this.run.ended = this.packages != (0, 0);
            if this.packages.0 > 0 {
                this.run.counts.push(("FAIL".to_owned(), this.packages.0));
            }
            if this.packages.1 > 0 {
                this.run.counts.push(("ok".to_owned(), this.packages.1));
            }
            findings.run(this.run);
        }
    }
}

impl Go {
    fn piece(&mut self, root: Option<usize>, span: Span) {
        let full = self.pieces.len() >= PIECES;
        match self.pieces.last_mut() {
            Some(last)
                if last.root == root && last.span.channel == span.channel && last.span.end == span.start =>
            {
                last.span.end = span.end;
                last.span.lines += span.lines;
            }
            Some(last) if full && last.span.channel == span.channel => {
                last.span.end = span.end;
                last.span.lines += span.lines;
                last.root = None;
                self.mixed = true;
            }
            _ => self.pieces.push(Piece { root, span }),
        }
    }

    fn root(&mut self, name: &[u8]) -> usize {
        let name = text(root_of(name));
        if let Some(at) = self.roots.iter().rposition(|root| root.name == name) {
            return at;
        }
        // Tests that have passed are not needed any more, unless lines are mixed.
        if self.roots.len() >= PIECES {
            self.mixed = true;
            return 0;
        }
        self.roots.push(Root { name, failed: false, ended: false, paused: false, place: None });
        self.roots.len() - 1
    }

    fn mark(&mut self, word: &[u8], name: &[u8], line: &Line<'_>) {
        self.verbose = true;
        let root = self.root(name);
        let running =
            self.current.filter(|at| *at != root && !self.roots[*at].ended && !self.roots[*at].paused);
        match word {
            b"PAUSE" => {
                self.roots[root].paused = true;
                self.mixed = true;
            }
            b"CONT" => self.mixed = true,
            _ => {}
        }
        if running.is_some() && !self.mixed {
            // No test begins while another one runs: this is a print, or they are mixed.
            self.mixed = true;
        }
        if self.mixed && word == b"RUN" && running.is_some() {
            self.piece(None, Span { channel: line.channel, start: line.start, end: line.end, lines: 1 });
        }
        self.current = Some(root);
        self.detail = None;
    }

    fn verdict(&mut self, word: &[u8], name: &[u8], line: &Line<'_>) {
        let failed = word == b"FAIL";
        let top = root_of(name) == name;
        let root = self.root(name);
        if top {
            if self.roots[root].ended && self.roots[root].failed != failed {
                self.mixed = true;
                self.run.contradict(format!("`{}` is said to have passed and to have failed", text(name)));
            }
            self.roots[root].ended = true;
        }
        self.roots[root].failed |= failed;
        self.detail = None;
        if failed {
            self.detail = self.run.failure(&text(name), line);
            // With -v the details stand before the verdict.
            if let Some((place, words)) = self.roots[root].place.clone() {
                if let Some(failure) = self.detail.and_then(|at| self.run.failures.get_mut(at)) {
                    failure.place.get_or_insert(place);
                    failure.message.get_or_insert(words);
                }
            }
        }
        if top {
            self.current = None;
        }
    }

    /// Whether `ok  package` can be true: no test of it is still running.
    fn believes_pass(&self, after_pass: bool) -> bool {
        let running = self.roots.iter().any(|root| !root.ended || root.failed);
        !running && (after_pass || self.pieces.is_empty())
    }

    fn content(&mut self, line: &Line<'_>) {
        let text_ = line.text;
        let span = Span { channel: line.channel, start: line.start, end: line.end, lines: 1 };
        if text_.starts_with(b"panic: ") && !self.panicked {
            self.panicked = true;
            let named = self.detail.or_else(|| self.run.failures.len().checked_sub(1));
            if let Some(failure) = named.and_then(|at| self.run.failures.get_mut(at)) {
                failure.message.get_or_insert(text(text_));
            }
        }
        if self.panicked {
            // The first frame within a test's file is the one that a person looks for.
            if let Some(found) = text_.strip_prefix(b"\t").and_then(place::located) {
                let test = found.path.ends_with(b"_test.go");
                let named = self.detail.or_else(|| self.run.failures.len().checked_sub(1));
                if let Some(failure) = named.filter(|_| test).and_then(|at| self.run.failures.get_mut(at)) {
                    failure.place.get_or_insert(found.place());
                }
            }
        }
        let indented = text_.starts_with(b"    ");
        if indented {
            if let Some(found) =
                place::located(text_.trim_ascii_start()).filter(|found| found.path.ends_with(b".go"))
            {
                let words = text(found.rest.strip_prefix(b": ").unwrap_or(found.rest));
                match (self.detail, self.current) {
                    (Some(at), _) => {
                        let failure = &mut self.run.failures[at];
                        failure.place = Some(found.place());
                        failure.message = Some(words);
                    }
                    (None, Some(root)) => self.roots[root].place = Some((found.place(), words)),
                    (None, None) => {}
                }
            }
            if let (Some(at), false) = (self.detail, self.mixed) {
                self.run.failures[at].spans.push(line);
                return;
            }
        } else if !text_.is_empty() && !self.panicked {
            self.detail = None;
        }
        match self.detail.filter(|_| self.panicked && !self.mixed) {
            Some(at) => self.run.failures[at].spans.push(line),
            None => self.piece(self.current, span),
        }
    }

    fn package_failed(&mut self, name: &str, line: &Line<'_>) {
        self.packages.0 += 1;
        self.run.failed = true;
        self.run.results.push(line);
        let named = self.roots.iter().any(|root| root.failed);
        if !named {
            let at = self.run.failure(name, line);
            if let Some(failure) = at.and_then(|at| self.run.failures.get_mut(at)) {
                let said = self.pieces.iter().map(|piece| piece.span).collect::<Vec<_>>();
                for span in said {
                    failure.spans.push_span(span);
                }
            }
            self.pieces.clear();
        }
        self.settle(false);
        self.forget();
    }

    /// Gives the lines of the package to its failing tests, and what cannot be told apart to the run.
    fn settle(&mut self, cut: bool) {
        if cut {
            self.run.failed = true;
            for root in self.roots.iter().filter(|root| !root.ended) {
                self.run.contradict(format!("`{}` has begun and not ended", root.name));
            }
        }
        for piece in std::mem::take(&mut self.pieces) {
            match piece.root.map(|at| &self.roots[at]) {
                Some(root) if !self.mixed && root.ended && !root.failed => {}
                Some(root) if !self.mixed && root.failed => match self.run.find(&root.name) {
                    Some(at) => self.run.failures[at].spans.push_span(piece.span),
                    None => self.run.loose.push_span(piece.span),
                },
                _ => self.run.loose.push_span(piece.span),
            }
        }
    }

    fn forget(&mut self) {
        self.pieces.clear();
        self.roots.clear();
        self.current = None;
        self.detail = None;
        self.mixed = false;
        self.panicked = false;
        self.verbose = false;
    }
}
