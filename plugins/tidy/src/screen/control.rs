//! Control sequences that move the cursor, erase, or choose attributes (ECMA-48, and xterm's).

use std::mem;

use super::{Primary, Row, Saved, Screen};
use crate::style::Style;

/// The parameters of a control sequence; of more than 32 the rest is left out.
#[derive(Debug)]
pub struct Params {
    private: Option<u8>,
    values: [u16; 32],
    colon: [bool; 33],
    count: usize,
}

impl Params {
    /// Reads what stands between `ESC [` and the final byte. None if there are intermediate bytes: those sequences
    /// change nothing that is shown.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (private, text) = match text.split_first() {
            Some((&first @ b'<'..=b'?', rest)) => (Some(first), rest),
            _ => (None, text),
        };
        let mut params = Self { private, values: [0; 32], colon: [false; 33], count: 1 };
        for &byte in text {
            match byte {
                b'0'..=b'9' => {
                    let value = &mut params.values[params.count - 1];
                    *value = value.saturating_mul(10).saturating_add(u16::from(byte - b'0'));
                }
                b':' | b';' if params.count == params.values.len() => break,
                b':' | b';' => {
                    params.colon[params.count] = byte == b':';
                    params.count += 1;
                }
                _ => return None,
            }
        }
        Some(params)
    }

    /// A parameter that counts: 0 and none mean 1.
    fn count(&self, at: usize) -> usize {
        self.number(at).max(1)
    }

    fn number(&self, at: usize) -> usize {
        self.values.get(at).copied().unwrap_or(0).into()
    }

    fn name_alternate(&self) -> bool {
        self.all().iter().any(|mode| matches!(mode, 47 | 1047 | 1049))
    }

    fn all(&self) -> &[u16] {
        &self.values[..self.count]
    }
}

impl Screen {
    /// A control sequence. What does not change what is shown is ignored.
    pub fn control(&mut self, params: &Params, last: u8) {
        match (params.private, last) {
            (None, b'm') if self.keep_colors => self.style.apply(params.all(), &params.colon),
            (None | Some(b'?'), b'J') => self.erase_display(params.number(0)),
            (None | Some(b'?'), b'K') => self.erase_line(params.number(0)),
            (Some(b'?'), b'h') if params.name_alternate() => self.enter_alternate(),
            (Some(b'?'), b'l') if params.name_alternate() => self.leave_alternate(),
            (None, _) => self.plain_control(params, last),
            _ => {}
        }
    }

    fn plain_control(&mut self, params: &Params, last: u8) {
        let count = params.count(0);
        match last {
            b'A' => self.up(count),
            b'B' | b'e' => self.down(count),
            b'C' | b'a' => self.right(count),
            b'D' => self.left(count),
            b'E' => {
                self.down(count);
                self.carriage_return();
            }
            b'F' => {
                self.up(count);
                self.carriage_return();
            }
            b'G' | b'`' => self.go_to_column(count - 1),
            b'H' | b'f' => {
                self.go_to_row(count - 1);
                self.go_to_column(params.count(1) - 1);
            }
            b'd' => self.go_to_row(count - 1),
            b'I' => (0..count.min(64)).for_each(|_| self.tab_stop()),
            b'Z' => {
                let column = self.clamped();
                self.column = Some((column.div_ceil(8)).saturating_sub(count) * 8);
            }
            b'P' => {
                let column = self.clamped();
                self.rows[self.row].delete(column, count);
            }
            b'@' => {
                let column = self.clamped();
                let width = self.width;
                let row = &mut self.rows[self.row];
                row.insert(column, count.min(super::REACH));
                if let Some(width) = width {
                    row.truncate(width);
                }
                self.flush_long();
            }
            b'X' => {
                let column = self.clamped();
                self.rows[self.row].erase(column, column.saturating_add(count));
            }
            b'b' => {
                let column = self.columns();
                let reach = self.width.unwrap_or(usize::MAX);
                let times = count.min(super::REACH).min(reach.saturating_sub(column));
                self.column = Some(self.rows[self.row].repeat(column, times));
                self.flush_long();
            }
            b'L' | b'M' => self.shift_rows(count, last == b'L'),
            b's' => self.save(),
            b'u' => self.restore(),
            _ => {}
        }
    }

    /// An escape with one final byte.
    pub fn escape(&mut self, last: u8) {
        match last {
            b'7' => self.save(),
            b'8' => self.restore(),
            b'D' => {
                let column = self.columns();
                self.line_feed();
                self.columns();
                self.column = Some(column);
            }
            b'E' => self.line_feed(),
            b'M' => self.up(1),
            b'c' => {
                self.leave_alternate();
                self.style = Style::default();
                self.saved = None;
                self.go_to_row(0);
                self.carriage_return();
                self.erase_display(2);
            }
            _ => {}
        }
    }

    fn up(&mut self, count: usize) {
        self.move_to(self.row.saturating_sub(count));
    }

    /// Not beyond the last line: there a terminal's screen ends, once it is full.
    fn down(&mut self, count: usize) {
        self.move_to(self.row.saturating_add(count).min(self.rows.len() - 1));
    }

    fn go_to_row(&mut self, row: usize) {
        let row = row.min(self.window - 1);
        while self.rows.len() <= row {
            self.rows.push_back(Row::default());
        }
        self.move_to(row);
    }

    fn move_to(&mut self, row: usize) {
        if row == self.row {
            return;
        }
        let column = match self.column {
            // The first column is the same in every row, whatever it is made of.
            Some(0) => 0,
            _ => self.clamped(),
        };
        self.account();
        let above = self.above;
        self.row = row;
        self.shrink();
        if row as u64 + above >= self.above {
            self.column = Some(column);
            if column > 0 {
                self.columns();
            }
        }
    }

    fn left(&mut self, count: usize) {
        let column = self.clamped();
        self.column = Some(column.saturating_sub(count));
    }

    fn right(&mut self, count: usize) {
        let column = self.columns();
        self.go_to_column(column.saturating_add(count));
    }

    fn go_to_column(&mut self, column: usize) {
        self.columns();
        self.column = Some(column.min(self.reach()));
    }

    fn tab_stop(&mut self) {
        let column = self.columns();
        self.go_to_column(column / 8 * 8 + 8);
    }

    /// The cursor's column, on the last one if a wrap is due.
    pub(super) fn clamped(&mut self) -> usize {
        let column = self.columns();
        let column = self.width.map_or(column, |width| column.min(width - 1));
        self.column = Some(column);
        column
    }

    fn erase_line(&mut self, what: usize) {
        if self.column == Some(0) && matches!(what, 0 | 2) {
            let row = &mut self.rows[self.row];
            row.erase(0, usize::MAX);
            row.drop_cells();
            return;
        }
        if self.column.is_none() && what == 0 {
            return;
        }
        let column = self.clamped();
        let row = &mut self.rows[self.row];
        match what {
            0 => row.erase(column, usize::MAX),
            1 => row.erase(0, column + 1),
            2 => row.erase(0, usize::MAX),
            _ => {}
        }
    }

    fn erase_display(&mut self, what: usize) {
        let rows = match what {
            0 => self.row + 1..self.rows.len(),
            1 => 0..self.row,
            2 => 0..self.rows.len(),
            _ => return,
        };
        if what < 2 {
            self.erase_line(what);
        } else {
            self.columns();
        }
        for at in rows {
            let row = &mut self.rows[at];
            row.erase(0, usize::MAX);
            if at != self.row {
                row.drop_cells();
                self.total = self.total + row.size() - row.counted;
                row.counted = row.size();
            }
        }
    }

    /// Inserts empty rows at the cursor, or takes rows out there. The number of rows stays.
    fn shift_rows(&mut self, count: usize, insert: bool) {
        self.carriage_return();
        let count = count.min(self.rows.len() - self.row);
        for _ in 0..count {
            let (from, to) =
                if insert { (self.rows.len() - 1, self.row) } else { (self.row, self.rows.len() - 1) };
            if let Some(row) = self.rows.remove(from) {
                self.total -= row.counted;
            }
            self.rows.insert(to, Row::default());
        }
    }

    fn save(&mut self) {
        let column = self.clamped();
        self.saved = Some(Saved { row: self.above + self.row as u64, column, style: self.style });
    }

    fn restore(&mut self) {
        let Some(saved) = &self.saved else { return };
        let (row, column, style) = (saved.row.saturating_sub(self.above), saved.column, saved.style);
        self.style = style;
        self.go_to_row(usize::try_from(row).unwrap_or(usize::MAX).min(self.rows.len() - 1));
        self.go_to_column(column);
    }

    fn enter_alternate(&mut self) {
        if self.alternate.is_some() {
            return;
        }
        self.account();
        self.alternate = Some(Box::new(Primary {
            rows: mem::replace(&mut self.rows, [Row::default()].into()),
            row: mem::take(&mut self.row),
            column: self.column.replace(0),
            saved: self.saved.take(),
            above: self.above,
            total: mem::take(&mut self.total),
        }));
    }

    /// Back to the screen behind, as it was; what the alternate one showed is gone, as in a terminal.
    pub(super) fn leave_alternate(&mut self) {
        let shown = self.rows.iter().any(|row| !row.is_empty());
        let Some(primary) = self.alternate.take() else { return };
        let scrolled = self.above > primary.above;
        self.alternates += u64::from(shown || scrolled);
        self.rows = primary.rows;
        self.row = primary.row;
        self.column = primary.column;
        self.saved = primary.saved;
        self.above = primary.above;
        self.total = primary.total;
        self.style = Style::default();
    }
}
