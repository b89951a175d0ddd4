//! Against another terminal emulator (crate `vt100`): random sequences of what both know, on a screen of as many
//! lines as the window, with the cursor on its last line, as on a terminal that is in use.

use proptest::prelude::*;
use weir_tidy::{Options, Tidy};

const ROWS: u16 = 8;
const COLUMNS: u16 = 40;

fn piece() -> impl Strategy<Value = String> {
    let count = prop_oneof![Just(String::new()), (1u16..12).prop_map(|n| n.to_string())];
    prop_oneof![
        6 => "[a-z0-9 ]{1,9}",
        1 => "[漢é🎉]{1,3}",
        4 => Just("\r\n".to_owned()),
        3 => Just("\r".to_owned()),
        1 => Just("\x08".to_owned()),
        1 => Just("\t".to_owned()),
        4 => (count.clone(), "[ABCDG]").prop_map(|(n, last)| format!("\x1b[{n}{last}")),
        1 => (count.clone(), "[PX@]").prop_map(|(n, last)| format!("\x1b[{n}{last}")),
        2 => "[0-2]?".prop_map(|n| format!("\x1b[{n}K")),
        1 => "[0-2]?".prop_map(|n| format!("\x1b[{n}J")),
        1 => (1u16..=ROWS, 1u16..COLUMNS).prop_map(|(row, column)| format!("\x1b[{row};{column}H")),
        1 => "[0-9;]{0,4}".prop_map(|n| format!("\x1b[{n}m")),
        1 => Just("\x1b]0;title\x07".to_owned()),
    ]
}

/// The pieces as one text. Where a wrap is due the emulator's cursor stands beyond the last column, that of xterm (and
/// ours) on it; so a carriage return comes before what would tell the difference.
fn comparable(pieces: &[String]) -> String {
    let mut parser = vt100::Parser::new(ROWS, COLUMNS, 0);
    let mut input = "\r\n".repeat(usize::from(ROWS) - 1);
    parser.process(input.as_bytes());
    let wide = pieces.iter().any(|piece| piece.contains(['漢', '🎉']));
    for piece in pieces {
        // The emulator leaves half of a wide character where columns are put in or taken out within it.
        if wide && piece.starts_with('\x1b') && piece.ends_with(['P', 'X', '@']) {
            continue;
        }
        let moves =
            piece.starts_with(['\x08', '\t']) || (piece.starts_with("\x1b[") && !piece.ends_with('m'));
        let before = if moves && parser.screen().cursor_position().1 >= COLUMNS { "\r" } else { "" };
        for text in [before, piece] {
            parser.process(text.as_bytes());
            input += text;
        }
    }
    input
}

/// What the emulator shows, with what has scrolled away.
fn shown(input: &str) -> Vec<String> {
    let mut parser = vt100::Parser::new(ROWS, COLUMNS, 10_000);
    parser.process(input.as_bytes());
    let screen = parser.screen_mut();
    screen.set_scrollback(usize::MAX);
    let mut lines = Vec::new();
    for back in (1..=screen.scrollback()).rev() {
        screen.set_scrollback(back);
        lines.extend(screen.rows(0, COLUMNS).next());
    }
    screen.set_scrollback(0);
    lines.extend(screen.rows(0, COLUMNS));
    lines
}

fn trimmed(lines: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut lines: Vec<String> = lines.into_iter().map(|line| line.trim_end().to_owned()).collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// Tabs of lines that were never rewritten, as blanks.
fn untabbed(line: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for char in line.chars() {
        let columns = match char {
            '\t' => 8 - column % 8,
            '漢' | '🎉' => 2,
            _ => 1,
        };
        if char == '\t' {
            out.extend(std::iter::repeat_n(' ', columns))
        } else {
            out.push(char)
        }
        column += columns;
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn the_lines_are_those_that_a_terminal_shows(pieces in prop::collection::vec(piece(), 0..60)) {
        let input = comparable(&pieces);
        let options = Options {
            repeats: None,
            window: ROWS.into(),
            width: Some(COLUMNS.into()),
            ..Options::default()
        };
        let mut tidy = Tidy::new(&options);
        let mut out = tidy.push(input.as_bytes()).unwrap_or_else(|| input.clone().into_bytes());
        out.extend(tidy.finish());
        let ours = String::from_utf8(out).expect("text");
        let theirs = shown(&input);
        prop_assert_eq!(trimmed(ours.lines().map(untabbed)), trimmed(theirs), "{:?}", input);
    }

    #[test]
    fn lines_that_need_no_wrap_are_the_same_without_a_width(
        lines in prop::collection::vec("[a-z]{0,9}(\r[a-z]{0,4}|\x1b\\[[0-9]?[DGK]|\x08|\x1b\\[m){0,2}[a-z]{0,9}(\r\n|\n|\r\x1b\\[A)", 0..60),
    ) {
        // The driver of a terminal puts a carriage return before each line feed.
        let input = format!("{}{}", "\n".repeat(usize::from(ROWS) - 1), lines.concat());
        let options = Options { repeats: None, window: ROWS.into(), ..Options::default() };
        let mut tidy = Tidy::new(&options);
        let mut out = tidy.push(input.as_bytes()).unwrap_or_else(|| input.clone().into_bytes());
        out.extend(tidy.finish());
        let ours = String::from_utf8(out).expect("text");
        let cooked = input.replace('\n', "\r\n");
        prop_assert_eq!(trimmed(ours.lines().map(untabbed)), trimmed(shown(&cooked)), "{:?}", lines.concat());
    }
}
