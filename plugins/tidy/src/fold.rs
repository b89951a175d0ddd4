//! Final lines on their way out: repeated ones are folded.

use std::mem;

use memchr::memchr;

use crate::scan;

/// Lines of so many bytes and more are given piece by piece, and never folded. Also what a window holds at most.
pub const LIMIT: usize = 64 << 10;

/// Takes final lines in order and writes them to `out`.
///
/// The first line of a run is written at once, the others are counted until the run ends.
#[derive(Debug)]
pub struct Fold {
    /// What was written and not yet taken.
    pub out: Vec<u8>,
    minimum: usize,
    ignore_numbers: bool,
    /// The first line of the run; none at the start, and after a line that cannot begin a run.
    first: Option<Vec<u8>>,
    /// How many lines of the run came after the first.
    more: usize,
    /// Whether all lines of the run are the same bytes.
    exact: bool,
    /// With numbers ignored: the lines after the first, with line feeds, until there are enough of them; then the
    /// last one alone.
    held: Vec<u8>,
    /// Whether the run is long enough to be folded, by lines or by bytes held.
    enough: bool,
    /// How many lines were ever counted instead of written.
    folded: u64,
    /// The line whose beginning was written without its end; 0: what was written last is a whole line.
    open: u64,
    opened: u64,
}

impl Fold {
    /// `minimum`: how many equal lines make a run; none: every line is written.
    pub fn new(minimum: Option<usize>, ignore_numbers: bool) -> Self {
        Self {
            out: Vec::new(),
            minimum: minimum.unwrap_or(0),
            ignore_numbers,
            first: None,
            more: 0,
            exact: true,
            held: Vec::new(),
            enough: false,
            folded: 0,
            open: 0,
            opened: 0,
        }
    }

    /// The line that stands open in the output; 0 if none does.
    pub fn open(&self) -> u64 {
        self.open
    }

    /// Whether lines were counted that are not yet written.
    pub fn holds(&self) -> bool {
        self.more > 0
    }

    /// How many lines were counted instead of written, so far.
    pub fn folded(&self) -> u64 {
        self.folded
    }

    /// A whole line, without its line feed. An open line is ended before.
    pub fn line(&mut self, line: &[u8]) {
        self.close();
        if self.minimum > 0 {
            if let Some(first) = &self.first {
                let same = scan::same(first, line);
                if same || (self.ignore_numbers && equal_but_for_numbers(first, line)) {
                    self.exact &= same;
                    self.more += 1;
                    self.folded += 1;
                    self.hold(line);
                    return;
                }
            }
            self.settle();
            self.begin(line);
        }
        self.out.extend_from_slice(line);
        self.out.push(b'\n');
    }

    /// Whole lines, each with its line feed: the same as [`Fold::line`] for each, and faster.
    pub fn lines(&mut self, text: &[u8]) {
        if text.is_empty() {
            return;
        }
        self.close();
        if self.minimum == 0 {
            self.out.extend_from_slice(text);
            return;
        }
        // What is written and not yet copied begins at `from`; the run's first line ends before `at`.
        let (mut from, mut at) = (0, 0);
        let mut before: Option<&[u8]> = None;
        while let Some(length) = memchr(b'\n', &text[at..]) {
            let line = &text[at..at + length];
            let next = at + length + 1;
            let repeats = match before {
                Some(before) => {
                    scan::same(before, line) || (self.ignore_numbers && equal_but_for_numbers(before, line))
                }
                // A run from an earlier call, or the first line of all.
                None => true,
            };
            if repeats || line.len() >= LIMIT {
                self.out.extend_from_slice(&text[from..at]);
                if let Some(before) = before {
                    self.begin(before);
                }
                self.line(line);
                from = next;
                // With nothing counted the line itself is the run's first.
                before = (self.more == 0 && self.first.is_some()).then_some(line);
            } else {
                before = Some(line);
            }
            at = next;
        }
        self.out.extend_from_slice(&text[from..at]);
        if let Some(before) = before {
            self.begin(before);
        }
    }

    /// Writes the beginning of a line that has no end yet, and gives the line's name. It is not folded.
    pub fn open_line(&mut self, text: &[u8]) -> u64 {
        self.close();
        self.settle();
        self.first = None;
        self.out.extend_from_slice(text);
        self.opened += 1;
        self.open = self.opened;
        self.open
    }

    /// Ends the open line, if there is one.
    pub fn close(&mut self) {
        if self.open != 0 {
            self.out.push(b'\n');
            self.open = 0;
        }
    }

    /// Ends the run: what was counted is written, as it was or as a count.
    pub fn settle(&mut self) {
        let more = mem::take(&mut self.more);
        if more == 0 {
            return;
        }
        let held = mem::take(&mut self.held);
        let enough = mem::take(&mut self.enough);
        let times = |count: usize| if count == 1 { "time" } else { "times" };
        if enough && self.exact {
            self.out.extend_from_slice(format!("# repeated {more} more {}\n", times(more)).as_bytes());
        } else if enough {
            let last = held[..held.len() - 1].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
            if more > 1 {
                let note = format!("# repeated {} more {} but for numbers\n", more - 1, times(more - 1));
                self.out.extend_from_slice(note.as_bytes());
            }
            self.out.extend_from_slice(&held[last..]);
        } else if self.ignore_numbers {
            self.out.extend_from_slice(&held);
        } else if let Some(first) = &self.first {
            for _ in 0..more {
                self.out.extend_from_slice(first);
                self.out.push(b'\n');
            }
        }
        self.exact = true;
    }

    fn hold(&mut self, line: &[u8]) {
        if self.ignore_numbers {
            if self.enough {
                self.held.clear();
            }
            self.held.extend_from_slice(line);
            self.held.push(b'\n');
        }
        self.enough |= self.more + 1 >= self.minimum || self.held.len() >= LIMIT;
    }

    fn begin(&mut self, line: &[u8]) {
        if line.len() >= LIMIT {
            self.first = None;
            return;
        }
        let first = self.first.get_or_insert_default();
        first.clear();
        first.extend_from_slice(line);
    }
}

/// Whether two lines become the same if each run of digits is replaced by one.
fn equal_but_for_numbers(a: &[u8], b: &[u8]) -> bool {
    let (mut a, mut b) = (a, b);
    loop {
        match (a.first(), b.first()) {
            (None, None) => return true,
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                a = after_digits(a);
                b = after_digits(b);
            }
            (Some(x), Some(y)) if x == y => {
                a = &a[1..];
                b = &b[1..];
            }
            _ => return false,
        }
    }
}

fn after_digits(text: &[u8]) -> &[u8] {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    &text[digits..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(minimum: Option<usize>, ignore_numbers: bool, text: &str) -> String {
        let mut one_by_one = Fold::new(minimum, ignore_numbers);
        for line in text.lines() {
            one_by_one.line(line.as_bytes());
        }
        one_by_one.settle();
        for cut in (0..=text.len()).filter(|&at| at == 0 || text.as_bytes()[at - 1] == b'\n') {
            let mut at_once = Fold::new(minimum, ignore_numbers);
            at_once.lines(&text.as_bytes()[..cut]);
            at_once.lines(&text.as_bytes()[cut..]);
            at_once.settle();
            assert_eq!(at_once.out, one_by_one.out, "`{text}` cut at {cut}");
        }
        String::from_utf8(one_by_one.out).expect("text")
    }

    #[test]
    fn a_run_becomes_its_first_line_and_a_count() {
        assert_eq!(folded(Some(3), false, "a\nx\nx\nx\nb\n"), "a\nx\n# repeated 2 more times\nb\n");
        assert_eq!(folded(Some(2), false, "x\nx\n"), "x\n# repeated 1 more time\n");
    }

    #[test]
    fn a_run_that_is_too_short_stays_as_it_is() {
        for text in ["", "\n", "a\nb\na\nb\n", "x\nx\nx\ny\nx\nx\nx\n", "\n\n\na\n\n\n"] {
            assert_eq!(folded(Some(4), false, text), text);
        }
    }

    #[test]
    fn nothing_is_folded_where_folding_is_off() {
        assert_eq!(folded(None, false, "x\nx\nx\nx\nx\n"), "x\nx\nx\nx\nx\n");
    }

    #[test]
    fn lines_that_differ_in_numbers_show_the_first_and_the_last_of_them() {
        let text = "got 1 of 10\ngot 2 of 10\ngot 9 of 10\ngot 10 of 10\ndone\n";
        assert_eq!(folded(Some(4), false, text), text);
        assert_eq!(
            folded(Some(4), true, text),
            "got 1 of 10\n# repeated 2 more times but for numbers\ngot 10 of 10\ndone\n"
        );
        assert_eq!(folded(Some(5), true, text), text);
        assert_eq!(folded(Some(2), true, "1\n2\n"), "1\n2\n");
        assert_eq!(folded(Some(3), true, "a7\na7\na7\n"), "a7\n# repeated 2 more times\n");
    }

    #[test]
    fn a_line_of_the_limit_is_never_folded() {
        let line = "x".repeat(LIMIT);
        let text = format!("{line}\n{line}\n{line}\n{line}\n");
        assert_eq!(folded(Some(2), false, &text).len(), text.len());
        let line = &line[1..];
        let text = format!("{line}\n{line}\n{line}\n{line}\n");
        assert_eq!(folded(Some(2), false, &text), format!("{line}\n# repeated 3 more times\n"));
    }
}
