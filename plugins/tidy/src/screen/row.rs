//! One line of the screen.

use unicode_width::UnicodeWidthChar;

use crate::style::Style;

/// A line that can still be rewritten.
///
/// As long as text is only added at the end it is kept as it came (`cells` is none); the first change in its middle
/// makes columns of it.
#[derive(Debug, Default)]
pub struct Row {
    /// The text, where there are no cells.
    pub text: Vec<u8>,
    cells: Option<Vec<Cell>>,
    /// Bytes of this line that were given because the line became too long; `text` and cells hold what came since.
    pub flushed: usize,
    /// What of this line, since `flushed`, stands in the output.
    pub given: Option<Vec<u8>>,
    /// The name of the line in the output, if it was given without its end.
    pub open: u64,
    /// The size when it was last added to the window's sum.
    pub counted: usize,
}

/// A column. A wide character has a spacer after it.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    bytes: [u8; 4],
    /// Bytes of the character; 0 where nothing is written.
    len: u8,
    spacer: bool,
    style: Style,
    /// Combining characters.
    more: Option<Box<[u8]>>,
}

/// Bytes of combining characters that one cell takes; others get a column of their own.
const MORE: usize = 64;

impl Cell {
    /// A character of at most four bytes.
    pub fn new(bytes: &[u8], style: Style) -> Self {
        let mut cell = Self { style, ..Self::default() };
        let len = bytes.len().min(4);
        cell.bytes[..len].copy_from_slice(&bytes[..len]);
        cell.len = u8::try_from(len).unwrap_or(4);
        cell
    }

    fn is_blank(&self) -> bool {
        !self.spacer && (self.len == 0 || (self.bytes[0] == b' ' && self.more.is_none()))
    }
}

/// The next character of a text: its bytes and its columns. A byte that is no UTF-8 is one column.
pub fn next_char(text: &[u8]) -> (&[u8], usize) {
    let Some(&first) = text.first() else { return (text, 0) };
    let len = match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    };
    let char =
        text.get(..len).and_then(|bytes| std::str::from_utf8(bytes).ok()).and_then(|s| s.chars().next());
    match char {
        Some(char) => (&text[..len], char.width().unwrap_or(1)),
        None => (&text[..1], 1),
    }
}

impl Row {
    /// Empties the line for another use.
    pub fn reset(&mut self) {
        self.text.clear();
        // One long line must not keep its memory for as long as the stream lives.
        self.text.shrink_to(4096);
        self.cells = None;
        self.flushed = 0;
        self.given = None;
        self.open = 0;
        self.counted = 0;
    }

    /// Whether the text is kept as it came.
    pub fn is_text(&self) -> bool {
        self.cells.is_none()
    }

    /// Bytes or columns, with what was flushed.
    pub fn size(&self) -> usize {
        self.flushed + self.held()
    }

    /// Bytes or columns that are held.
    pub fn held(&self) -> usize {
        self.cells.as_ref().map_or(self.text.len(), Vec::len)
    }

    /// Whether it shows nothing.
    pub fn is_empty(&self) -> bool {
        match &self.cells {
            None => self.text.is_empty(),
            Some(cells) => cells.iter().all(Cell::is_blank),
        }
    }

    /// What is shown, into `out`. Blanks at the end are left out once the line was rewritten.
    pub fn render(&self, out: &mut Vec<u8>) {
        let Some(cells) = &self.cells else {
            out.extend_from_slice(&self.text);
            return;
        };
        let end = cells.iter().rposition(|cell| !cell.is_blank()).map_or(0, |last| last + 1);
        let mut style = Style::default();
        for cell in cells[..end].iter().filter(|cell| !cell.spacer) {
            if cell.style != style {
                style = cell.style;
                style.write(out);
            }
            if cell.len == 0 {
                out.push(b' ');
            } else {
                out.extend_from_slice(&cell.bytes[..cell.len.into()]);
                out.extend_from_slice(cell.more.as_deref().unwrap_or_default());
            }
        }
        if style != Style::default() {
            Style::default().write(out);
        }
    }

    /// Makes columns of the text; gives their number.
    pub fn make_cells(&mut self) -> usize {
        if self.cells.is_none() {
            self.cells = Some(Vec::with_capacity(self.text.len()));
            let text = std::mem::take(&mut self.text);
            let mut rest = &text[..];
            let mut column = 0;
            while !rest.is_empty() {
                let (char, width) = next_char(rest);
                rest = &rest[char.len()..];
                if char == b"\t" {
                    let stop = column / 8 * 8 + 8;
                    self.pad(stop);
                    column = stop;
                } else {
                    column = self.put(column, Cell::new(char, Style::default()), width);
                }
            }
            self.text = text;
            self.text.clear();
        }
        self.cells.as_ref().map_or(0, Vec::len)
    }

    /// Back to text, if nothing is there.
    pub fn drop_cells(&mut self) -> bool {
        if self.cells.as_ref().is_some_and(Vec::is_empty) {
            self.cells = None;
        }
        self.cells.is_none() && self.text.is_empty()
    }

    /// Writes a character over what is at `column`; gives the column after it. A character without width joins the
    /// one before.
    pub fn put(&mut self, column: usize, cell: Cell, width: usize) -> usize {
        if width == 0 && self.join(column, &cell) {
            return column;
        }
        let width = width.max(1);
        self.pad(column + width);
        self.split_wide(column);
        self.split_wide(column + width);
        let cells = self.cells_mut();
        let style = cell.style;
        cells[column] = cell;
        for spacer in &mut cells[column + 1..column + width] {
            *spacer = Cell { spacer: true, style, ..Cell::default() };
        }
        column + width
    }

    /// Writes printable ASCII over what is at `column`.
    pub fn put_ascii(&mut self, column: usize, text: &[u8], style: Style) {
        let end = column + text.len();
        self.pad(end);
        self.split_wide(column);
        self.split_wide(end);
        for (cell, &byte) in self.cells_mut()[column..end].iter_mut().zip(text) {
            cell.bytes = [byte, 0, 0, 0];
            cell.len = 1;
            cell.spacer = false;
            cell.style = style;
            if cell.more.is_some() {
                cell.more = None;
            }
        }
    }

    /// Repeats the character before `column` so many times; gives the column after them.
    pub fn repeat(&mut self, column: usize, times: usize) -> usize {
        let cells = self.cells_mut();
        let Some(cell) =
            column.checked_sub(1).and_then(|at| cells.get(at)).filter(|cell| !cell.spacer).cloned()
        else {
            return column;
        };
        (0..times).fold(column, |column, _| self.put(column, cell.clone(), 1))
    }

    /// Erases the columns of the range.
    pub fn erase(&mut self, from: usize, to: usize) {
        let to = to.min(self.make_cells());
        if from >= to {
            return;
        }
        self.split_wide(from);
        self.split_wide(to);
        let cells = self.cells_mut();
        if to == cells.len() {
            cells.truncate(from);
        } else {
            cells[from..to].fill(Cell::default());
        }
    }

    /// Takes `count` columns out at `column`; what is behind moves there.
    pub fn delete(&mut self, column: usize, count: usize) {
        let len = self.make_cells();
        if column < len {
            let end = column.saturating_add(count).min(len);
            self.split_wide(column);
            self.split_wide(end);
            self.cells_mut().drain(column..end);
        }
    }

    /// Puts `count` empty columns in at `column`.
    pub fn insert(&mut self, column: usize, count: usize) {
        if column < self.make_cells() {
            self.split_wide(column);
            self.cells_mut().splice(column..column, (0..count).map(|_| Cell::default()));
        }
    }

    /// Keeps at most so many columns.
    pub fn truncate(&mut self, columns: usize) {
        self.erase(columns, usize::MAX);
    }

    fn join(&mut self, column: usize, mark: &Cell) -> bool {
        let cells = self.cells_mut();
        let mut at = column.min(cells.len());
        while let Some(cell) = at.checked_sub(1).map(|before| &mut cells[before]) {
            if !cell.spacer {
                let more = cell.more.as_deref().unwrap_or_default();
                let fits = cell.len > 0 && more.len() + usize::from(mark.len) <= MORE;
                if fits {
                    cell.more = Some([more, &mark.bytes[..mark.len.into()]].concat().into());
                }
                return fits;
            }
            at -= 1;
        }
        false
    }

    fn pad(&mut self, columns: usize) {
        let cells = self.cells_mut();
        if cells.len() < columns {
            cells.resize(columns, Cell::default());
        }
    }

    /// A wide character that lies across the border before `column` is erased.
    fn split_wide(&mut self, column: usize) {
        let cells = self.cells_mut();
        if column > 0 && cells.get(column).is_some_and(|cell| cell.spacer) {
            cells[column - 1] = Cell::default();
            cells[column] = Cell::default();
        }
    }

    fn cells_mut(&mut self) -> &mut Vec<Cell> {
        self.cells.get_or_insert_default()
    }
}
