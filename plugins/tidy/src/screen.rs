//! What the last lines of a terminal show, and the cursor in them.
//!
//! The screen has as many lines as the window says and no end to the right, unless a width is given. Lines that
//! leave it at the top are final and go to [`Fold`].

mod control;
mod row;

use std::collections::VecDeque;

pub use control::Params;
pub use row::next_char;
use row::{Cell, Row};

use crate::fold::{Fold, LIMIT};
use crate::options::{Colors, Options};
use crate::style::Style;

/// Columns that the cursor can be sent to beyond the end of a line, where there is no width.
const REACH: usize = 512;

/// The lines that can still be rewritten.
#[derive(Debug)]
pub struct Screen {
    /// Where final lines go.
    pub fold: Fold,
    rows: VecDeque<Row>,
    /// The cursor's row.
    row: usize,
    /// The cursor's column; none: at the end of a row that is still text.
    column: Option<usize>,
    style: Style,
    saved: Option<Saved>,
    /// Rows that have left at the top, as far as they were counted for `saved`.
    above: u64,
    /// Sum of what the rows counted.
    total: usize,
    alternate: Option<Box<Primary>>,
    /// Alternate screens that had been written to when they ended.
    pub alternates: u64,
    spare: Vec<Row>,
    scratch: Vec<u8>,
    window: usize,
    width: Option<usize>,
    keep_colors: bool,
}

#[derive(Debug)]
struct Saved {
    row: u64,
    column: usize,
    style: Style,
}

/// The screen behind an alternate one.
#[derive(Debug)]
struct Primary {
    rows: VecDeque<Row>,
    row: usize,
    column: Option<usize>,
    saved: Option<Saved>,
    above: u64,
    total: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Newline,
    Open,
}

impl Screen {
    /// An empty screen.
    pub fn new(options: &Options) -> Self {
        Self {
            fold: Fold::new(options.repeats, options.ignore_numbers),
            rows: VecDeque::from([Row::default()]),
            row: 0,
            column: None,
            style: Style::default(),
            saved: None,
            above: 0,
            total: 0,
            alternate: None,
            alternates: 0,
            spare: Vec::new(),
            scratch: Vec::new(),
            window: options.window,
            width: options.width,
            keep_colors: options.colors == Colors::Keep,
        }
    }

    /// Whether sequences that choose colours have a meaning.
    pub fn keeps_colors(&self) -> bool {
        self.keep_colors
    }

    /// Printable ASCII.
    pub fn print_ascii(&mut self, mut text: &[u8]) {
        while !text.is_empty() {
            let (now, later) = if self.at_text_end() {
                let row = &mut self.rows[self.row];
                let (now, later) = text.split_at(text.len().min(LIMIT - row.text.len()));
                row.text.extend_from_slice(now);
                (now, later)
            } else {
                let column = self.room(1);
                // A row never has `LIMIT` columns between two calls.
                let end = self.width.unwrap_or(LIMIT);
                let (now, later) = text.split_at(text.len().min(end - column));
                self.rows[self.row].put_ascii(column, now, self.style);
                self.column = Some(column + now.len());
                (now, later)
            };
            debug_assert!(!now.is_empty(), "there is always room for a byte");
            text = later;
            self.flush_long();
        }
    }

    /// One character: its bytes in UTF-8, or a byte that is none.
    pub fn print(&mut self, char: &[u8]) {
        if self.at_text_end() {
            self.rows[self.row].text.extend_from_slice(char);
        } else {
            let (_, width) = next_char(char);
            let column = self.room(width);
            let column = self.rows[self.row].put(column, Cell::new(char, self.style), width);
            self.column = Some(column);
        }
        self.flush_long();
    }

    /// Line feed, with the carriage return that a terminal's driver adds.
    pub fn line_feed(&mut self) {
        self.account();
        self.column = Some(0);
        if self.row + 1 < self.rows.len() {
            self.row += 1;
            self.shrink();
            return;
        }
        let row = self.spare.pop().unwrap_or_default();
        self.rows.push_back(row);
        self.row += 1;
        while self.rows.len() > self.window {
            self.scroll();
        }
        self.shrink();
    }

    /// Carriage return.
    pub fn carriage_return(&mut self) {
        self.rows[self.row].drop_cells();
        self.column = Some(0);
    }

    /// Backspace: one column to the left.
    pub fn backspace(&mut self) {
        let column = self.clamped();
        self.column = Some(column.saturating_sub(1));
    }

    /// Tab.
    pub fn tab(&mut self) {
        if self.at_text_end() {
            self.rows[self.row].text.push(b'\t');
            self.flush_long();
        } else {
            let column = self.columns();
            self.column = Some((column / 8 * 8 + 8).min(self.reach()));
        }
    }

    /// Gives what is shown and was not yet given; the last line without its end. What is given cannot be taken
    /// back: a line that changes afterwards is given once more when it leaves the window. An alternate screen is
    /// not given, but the one behind it is.
    pub fn give(&mut self) {
        let (rows, cursor) = match &mut self.alternate {
            Some(primary) => (&mut primary.rows, primary.row),
            None => (&mut self.rows, self.row),
        };
        let count = rows.len();
        let last = rows.iter().rposition(|row| !row.is_empty()).map_or(cursor, |row| row.max(cursor));
        for (at, row) in rows.iter_mut().enumerate().take(last + 1) {
            let open = at + 1 == count || (at == last && row.is_empty());
            let end = if open { End::Open } else { End::Newline };
            if emit(&mut self.fold, &mut self.scratch, row, end) {
                let mut shown = row.given.take().unwrap_or_default();
                shown.clear();
                row.render(&mut shown);
                row.given = Some(shown);
            }
        }
    }

    /// Gives all lines as final.
    pub fn finish(&mut self) {
        self.leave_alternate();
        self.give();
    }

    /// Whether all of it is text, with the cursor at its end, so that it could as well be kept as bytes.
    pub fn is_calm(&self) -> bool {
        let cursor = self.row + 1 == self.rows.len()
            && (self.column.is_none() || (self.column == Some(0) && self.rows[self.row].is_empty()));
        cursor
            && self.width.is_none()
            && self.style == Style::default()
            && self.alternate.is_none()
            && self.fold.open() == 0
            && self.rows.iter().all(|row| row.is_text() && row.flushed == 0 && row.given.is_none())
    }

    /// Moves the rows of a calm screen to `text`, with line feeds between them.
    pub fn unload(&mut self, text: &mut Vec<u8>) {
        for (at, row) in self.rows.iter_mut().enumerate() {
            if at > 0 {
                text.push(b'\n');
            }
            text.extend_from_slice(&row.text);
            row.reset();
        }
        while self.rows.len() > 1 {
            self.spare.extend(self.rows.pop_back());
        }
        self.row = 0;
        self.column = None;
        self.total = 0;
    }

    /// The opposite of [`Screen::unload`].
    pub fn load(&mut self, text: &[u8]) {
        for (at, line) in text.split(|&byte| byte == b'\n').enumerate() {
            if at > 0 {
                self.account();
                let row = self.spare.pop().unwrap_or_default();
                self.rows.push_back(row);
                self.row += 1;
            }
            self.rows[self.row].text.extend_from_slice(line);
        }
        self.column = None;
    }

    /// Lines that have left a calm screen while it was kept as bytes.
    pub fn pass(&mut self, lines: &[u8]) {
        if self.saved.is_some() {
            self.above += memchr::memchr_iter(b'\n', lines).count() as u64;
        }
    }

    /// Whether a character can simply be added to the row's text.
    fn at_text_end(&mut self) -> bool {
        if self.style != Style::default() || self.width.is_some() {
            return false;
        }
        let row = &mut self.rows[self.row];
        if self.column == Some(0) && row.drop_cells() {
            self.column = None;
        }
        self.column.is_none()
    }

    /// The column for a character of so many columns: in the next row, if it has no place in this one.
    fn room(&mut self, width: usize) -> usize {
        let column = self.columns();
        if self.width.is_some_and(|columns| column + width > columns) {
            self.line_feed();
        }
        self.columns()
    }

    /// The cursor's column as a number, the row made of columns.
    fn columns(&mut self) -> usize {
        let columns = self.rows[self.row].make_cells();
        let column = self.column.unwrap_or(columns);
        self.column = Some(column);
        column
    }

    fn reach(&self) -> usize {
        match self.width {
            Some(width) => width - 1,
            None => self.rows[self.row].held().max(REACH - 1),
        }
    }

    /// A row that is too long for memory: what it has is given, and can no longer be rewritten.
    fn flush_long(&mut self) {
        if self.rows[self.row].held() < LIMIT {
            return;
        }
        while self.row > 0 {
            self.scroll();
        }
        let row = &mut self.rows[0];
        if self.alternate.is_none() {
            emit(&mut self.fold, &mut self.scratch, row, End::Open);
        }
        let (flushed, open) = (row.size(), row.open);
        self.total -= row.counted;
        row.reset();
        row.flushed = flushed;
        row.open = open;
        self.column = None;
        self.account();
    }

    /// Adds to the sum what the cursor's row has grown by.
    fn account(&mut self) {
        let row = &mut self.rows[self.row];
        let size = row.size();
        self.total = self.total + size - row.counted;
        row.counted = size;
    }

    /// Gives lines away while there is more than the window may hold.
    fn shrink(&mut self) {
        while self.total >= LIMIT && self.rows.len() > 1 {
            self.scroll();
        }
    }

    /// The first row leaves.
    fn scroll(&mut self) {
        let Some(mut row) = self.rows.pop_front() else { return };
        if self.alternate.is_none() {
            emit(&mut self.fold, &mut self.scratch, &mut row, End::Newline);
        }
        self.total -= row.counted;
        row.reset();
        if self.spare.len() < self.window {
            self.spare.push(row);
        }
        self.above += 1;
        if self.row > 0 {
            self.row -= 1;
        } else {
            self.column = Some(0);
        }
    }
}

/// Writes what of a row is not yet written. False if there is nothing of it in the output.
fn emit(fold: &mut Fold, shown: &mut Vec<u8>, row: &mut Row, end: End) -> bool {
    if row.is_text() && row.given.is_none() && row.open == 0 && end == End::Newline {
        // The common case, without a copy.
        fold.line(&row.text);
        return true;
    }
    shown.clear();
    row.render(shown);
    let given = row.given.as_deref();
    if row.open != 0 && row.open == fold.open() {
        // The row stands open in the output: it goes on, if it only became longer.
        if let Some(rest) = shown.strip_prefix(given.unwrap_or_default()) {
            fold.out.extend_from_slice(rest);
        } else if shown.is_empty() && end == End::Open {
            // What stands in the output is left there; it may come back.
            return false;
        } else if !shown.is_empty() {
            row.open = if end == End::Open { fold.open_line(shown) } else { 0 };
            if end == End::Newline {
                fold.line(shown);
            }
            return true;
        }
        if end == End::Newline {
            fold.close();
        }
        return true;
    }
    if given.is_some_and(|given| given == &shown[..] || shown.is_empty()) {
        return true;
    }
    if end == End::Newline {
        fold.line(shown);
    } else if shown.is_empty() {
        return false;
    } else {
        row.open = fold.open_line(shown);
    }
    true
}
