//! What comes out for what goes in, a case at a time.

use weir_tidy::{Options, Tidy};

fn tidied_with(config: &str, input: &[u8]) -> String {
    let options = Options::parse(config).expect("a good configuration");
    let mut at_once = Tidy::new(&options);
    let mut whole = at_once.push(input).unwrap_or_else(|| input.to_vec());
    whole.extend(at_once.finish());
    let mut by_byte = Tidy::new(&options);
    let mut parts = Vec::new();
    for byte in input {
        parts.extend(by_byte.push(&[*byte]).unwrap_or_else(|| vec![*byte]));
    }
    parts.extend(by_byte.finish());
    let whole = String::from_utf8_lossy(&whole).into_owned();
    assert_eq!(
        String::from_utf8_lossy(&parts),
        whole,
        "cut at every byte: {:?}",
        String::from_utf8_lossy(input)
    );
    whole
}

fn tidied(input: impl AsRef<[u8]>) -> String {
    tidied_with("{}", input.as_ref())
}

#[test]
fn plain_text_stays_as_it_is() {
    for text in ["", "\n", "one", "one\n", "one\n\n\ttwo  \nthree", "naïve – 漢字 🎉\n", "\n\n\n"] {
        assert_eq!(tidied(text), text);
    }
}

#[test]
fn line_ends_of_a_terminal_become_line_feeds() {
    assert_eq!(tidied("one\r\ntwo\r\r\n\r\n"), "one\ntwo\n\n");
}

#[test]
fn a_progress_bar_shows_its_last_state() {
    assert_eq!(tidied(" 10%\r 50%\r100%\ndone\n"), "100%\ndone\n");
    assert_eq!(tidied("fetching a long name\rok\x1b[K\n"), "ok\n");
    assert_eq!(tidied("fetching\r\x1b[2Kdone\n"), "done\n");
    assert_eq!(tidied("fetching\r        \rdone\n"), "done\n");
    assert_eq!(tidied("fetching\r        \r"), "");
    assert_eq!(tidied("abc\rX"), "Xbc");
    assert_eq!(tidied("|\x08/\x08-\x08\\\x08 \x08ok\n"), "ok\n");
}

#[test]
fn lines_above_are_rewritten_within_the_window() {
    let input = "a: waiting\nb: waiting\n\x1b[2A\x1b[2Ka: done\r\x1b[1B\x1b[2Kb: 50%\r\x1b[1B\x1b[1A\x1b[2Kb: done\r\x1b[1Bend\n";
    assert_eq!(tidied(input), "a: done\nb: done\nend\n");
    assert_eq!(tidied("1\n2\n3\n\x1b[3Fx\x1b[Jdone\n"), "xdone\n");
    assert_eq!(tidied_with(r#"{"window":2}"#, b"1\n2\n3\n\x1b[3Fx\n"), "1\n2\nx\n");
}

#[test]
fn what_is_cleared_is_gone_and_what_had_left_the_window_stays() {
    assert_eq!(tidied("old\n\x1b[H\x1b[2Jnew\n"), "new\n");
    assert_eq!(tidied("old\n\x1bcnew\n"), "new\n");
    assert_eq!(tidied_with(r#"{"window":2}"#, b"1\n2\n3\n\x1b[H\x1b[2Jnew\n"), "1\n2\nnew\n");
}

#[test]
fn colors_titles_links_and_other_escapes_are_removed_and_text_stays() {
    assert_eq!(tidied("\x1b[1;31merror\x1b[0m: \x1b[38;5;12mbad\x1b[m\n"), "error: bad\n");
    assert_eq!(tidied("\x1b]0;title\x07text\x1b]2;other\x1b\\ more\n"), "text more\n");
    assert_eq!(tidied("\x1b]8;;http://x/\x1b\\link\x1b]8;;\x1b\\ end\n"), "link end\n");
    assert_eq!(
        tidied("\x1bPq#0;2\x1b\\a\x1b_Gm=1;AAAA\x1b\\b\x1bXsos\x1b\\c\x1b^pm\x1b\\d\x1bktmux\x1b\\e\n"),
        "abcde\n"
    );
    assert_eq!(tidied("\u{9b}31mred\u{9b}m \u{9d}0;t\u{9c}x\u{90}dcs\u{9c}y\n"), "red xy\n");
    assert_eq!(tidied("\x1b[?25l\x1b[?2004h\x1b=\x1b>\x1b[>c\x1b[6n\x1b[ qa\x07\0b\x7f\n"), "ab\n");
}

#[test]
fn line_drawing_is_drawn() {
    assert_eq!(tidied("\x1b(0lqk\x1b(B lqk\n\x1b)0\x0ex\x0fx\n"), "┌─┐ lqk\n│x\n");
    assert_eq!(tidied("\x0eno set was chosen\x0f\n"), "no set was chosen\n");
}

#[test]
fn a_sequence_that_breaks_off_swallows_no_text() {
    assert_eq!(tidied("\x1b]0;title\nreal text\n"), "0;title\nreal text\n");
    assert_eq!(tidied("\x1b]0;title\x1b[31mreal\x1b[m text\n"), "0;titlereal text\n");
    assert_eq!(tidied("\x1bPunending"), "unending");
    assert_eq!(tidied("a\x1b[12"), "a12");
    assert_eq!(tidied("a\x1b[12é\n"), "a12é\n");
    assert_eq!(tidied("a\x1b[31\nb\n"), "a31\nb\n");
    assert_eq!(tidied("a\x1b"), "a");
    assert_eq!(tidied("a\x1b[31\x18b\x1b]0;t\x18c\n"), "abc\n");
    assert_eq!(tidied(format!("\x1b[{}m\n", "1;".repeat(200))), format!("{}m\n", "1;".repeat(200)));
    let long = format!("\x1b]52;c;{}", "A".repeat(300 << 10));
    assert_eq!(tidied(&long), long[2..]);
    assert_eq!(tidied(format!("\x1b]52;c;{}\x07x\n", "A".repeat(200 << 10))), "x\n");
}

#[test]
fn many_introducers_without_an_end_cost_no_more_than_their_bytes() {
    let input = "\u{9d}a".repeat(80 << 10);
    let text = tidied(format!("{input}\nend\n"));
    assert!(text.ends_with("a\nend\n"));
    assert_eq!(text.matches('a').count(), 80 << 10);
}

#[test]
fn bytes_that_are_no_utf8_pass() {
    let options = Options::default();
    for input in [
        &b"a\xff\xfeb\n"[..],
        b"\xc3(\n",
        b"\xe2\x82",
        b"\xf0\x9f\x98\n",
        b"\x80\x9b31m\n",
        b"\xed\xa0\x80\n",
    ] {
        let mut tidy = Tidy::new(&options);
        let mut out = tidy.push(input).expect("held back");
        out.extend(tidy.finish());
        assert_eq!(out, input);
    }
    let mut tidy = Tidy::new(&options);
    let mut out = tidy.push(b"a\xff\xfeb\x1b[3GX\n").expect("held back");
    out.extend(tidy.finish());
    assert_eq!(out, b"a\xffXb\n");
}

#[test]
fn invisible_characters_are_removed_and_counted() {
    assert_eq!(tidied("ad\u{202e}min\u{200b}\u{e0041}\n"), "admin\n# 3 invisible characters removed\n");
    assert_eq!(tidied("a\u{2066}b"), "ab\n# 1 invisible character removed\n");
    assert_eq!(tidied("\u{feff}a\u{feff}b\n"), "ab\n# 1 invisible character removed\n");
    assert_eq!(tidied("\u{feff}plain\n"), "plain\n");
}

#[test]
fn wide_and_combining_characters_keep_their_columns() {
    assert_eq!(tidied("漢字ab\r\x1b[4CX\n"), "漢字Xb\n");
    assert_eq!(tidied("漢字ab\rX\n"), "X 字ab\n");
    assert_eq!(tidied("漢字ab\x1b[4GX\n"), "漢 Xab\n");
    assert_eq!(tidied("e\u{301}x\r\x1b[CY\n"), "e\u{301}Y\n");
    assert_eq!(tidied("abc\rd\u{301}\n"), "d\u{301}bc\n");
}

#[test]
fn characters_are_inserted_deleted_erased_and_repeated() {
    assert_eq!(tidied("abcdef\x1b[2G\x1b[2P\n"), "adef\n");
    assert_eq!(tidied("abc\x1b[2G\x1b[2@\n"), "a  bc\n");
    assert_eq!(tidied("abcdef\x1b[2G\x1b[2X\n"), "a  def\n");
    assert_eq!(tidied("ab\x1b[3b\n"), "abbbb\n");
    assert_eq!(tidied("abc\x1b[2G\x1b[1K\n"), "  c\n");
    assert_eq!(tidied("a\nb\nc\n\x1b[3A\x1b[M"), "b\nc\n");
    assert_eq!(tidied("a\nb\nc\n\x1b[3A\x1b[Lx\x1b[3B"), "x\na\nb\nc");
}

#[test]
fn tabs_stay_where_nothing_is_rewritten_and_become_blanks_elsewhere() {
    assert_eq!(tidied("a\tb\n"), "a\tb\n");
    assert_eq!(tidied("a\tb\rX\n"), "X       b\n");
    assert_eq!(tidied("aaaaaaaaaa\r\tb\n"), "aaaaaaaaba\n");
}

#[test]
fn an_alternate_screen_leaves_nothing_but_a_count() {
    assert_eq!(
        tidied("before\n\x1b[?1049h\x1b[2J\x1b[Hvi\n~\n\x1b[?1049lafter\n"),
        "before\nafter\n# 1 full-screen display removed\n"
    );
    assert_eq!(tidied("a\n\x1b[?1049hkilled"), "a\n# 1 full-screen display removed\n");
    assert_eq!(tidied("a\n\x1b[?1049h\x1b[?1049lb\n"), "a\nb\n");
}

#[test]
fn repeated_lines_are_folded_after_they_are_tidied() {
    let input = "\x1b[32mwait\x1b[m\nwait\r\nwait...\r\x1b[Kwait\nwait\nwait\ngo\n";
    assert_eq!(tidied(input), "wait\n# repeated 4 more times\ngo\n");
    assert_eq!(tidied_with(r#"{"repeats":false}"#, b"x\nx\nx\nx\nx\n"), "x\nx\nx\nx\nx\n");
    assert_eq!(tidied(format!("{}y\n", "x\n".repeat(1000))), "x\n# repeated 999 more times\ny\n");
}

#[test]
fn colors_are_kept_as_what_is_finally_shown_where_that_is_asked_for() {
    let keep = r#"{"colors":"keep"}"#;
    assert_eq!(tidied_with(keep, b"\x1b[1m\x1b[31merror\x1b[0m: bad\n"), "\x1b[0;1;31merror\x1b[m: bad\n");
    assert_eq!(tidied_with(keep, b"\x1b[32mwait\r\x1b[31mfail\n\x1b[mx\n"), "\x1b[0;31mfail\x1b[m\nx\n");
    assert_eq!(tidied_with(keep, b"\x1b[32mone\ntwo\x1b[m\n"), "\x1b[0;32mone\x1b[m\n\x1b[0;32mtwo\x1b[m\n");
}

#[test]
fn lines_wrap_where_there_is_a_width() {
    assert_eq!(tidied_with(r#"{"width":4}"#, b"abcdef\nab\n"), "abcd\nef\nab\n");
    assert_eq!(tidied_with(r#"{"width":4}"#, b"abcd\rX\n"), "Xbcd\n");
    assert_eq!(tidied_with(r#"{"width":4}"#, "abc漢\n".as_bytes()), "abc\n漢\n");
}

#[test]
fn a_line_without_end_is_given_as_it_is_and_not_held() {
    let options = Options::default();
    for input in [vec![b'x'; 64 << 10], [&b"\x1b[m"[..], &vec![b'y'; 64 << 10]].concat()] {
        let mut tidy = Tidy::new(&options);
        let mut seen = 0;
        for round in 1..=50 {
            seen += tidy.push(&input).map_or(input.len(), |out| out.len());
            assert!(seen + (64 << 10) >= round * (64 << 10), "round {round}: {seen} bytes given");
        }
        seen += tidy.finish().len();
        assert_eq!(seen, 50 * (64 << 10));
    }
}

#[test]
fn nothing_is_copied_where_nothing_is_held_or_changed() {
    let options = Options::parse(r#"{"window":1}"#).expect("good");
    let mut tidy = Tidy::new(&options);
    let log: String = (0..500).map(|line| format!("line {line} of a log\n")).collect();
    tidy.push(b"begin\n");
    assert_eq!(tidy.push(log.as_bytes()), Some(log.clone().into_bytes()));
    assert_eq!(tidy.push(log.as_bytes()), None);
    assert_eq!(tidy.push(format!("{log}part").as_bytes()), Some(log.clone().into_bytes()));
    assert_eq!(tidy.push(log.as_bytes()), Some(format!("part{log}").into_bytes()));
    let repeated = format!("{log}x\nx\n");
    assert_eq!(tidy.push(repeated.as_bytes()), Some(format!("{log}x\n").into_bytes()));
}
