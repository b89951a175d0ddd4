//! What is given when nothing comes for a while, and how it goes on.

use weir_tidy::{Options, Tidy};

/// Pushes the parts with a pause after each; gives what came at each pause, then what came at the end.
fn paused(parts: &[&str]) -> Vec<String> {
    let mut tidy = Tidy::new(&Options::default());
    let mut given = Vec::new();
    for part in parts {
        let mut out = tidy.push(part.as_bytes()).unwrap_or_else(|| part.as_bytes().to_vec());
        out.extend(tidy.idle());
        given.push(String::from_utf8(out).expect("text"));
        assert_eq!(tidy.idle(), b"", "a second pause after `{part}`");
    }
    given.push(String::from_utf8(tidy.finish()).expect("text"));
    given
}

#[test]
fn a_prompt_is_given_and_its_answer_continues_it() {
    assert_eq!(paused(&["log\nName: ", "Ann\nok\n"]), ["log\nName: ", "Ann\nok\n", ""]);
    assert_eq!(paused(&["Name: ", "A", "n", "n\n"]), ["Name: ", "A", "n", "n\n", ""]);
    assert_eq!(paused(&["Name: "]), ["Name: ", ""]);
}

#[test]
fn a_prompt_that_is_rewritten_is_ended_and_given_again() {
    assert_eq!(paused(&["50%", "\r100%\n"]), ["50%", "\n100%\n", ""]);
    assert_eq!(paused(&["50%", "\r\x1b[K", "done\n"]), ["50%", "", "\ndone\n", ""]);
    assert_eq!(paused(&["50%", "\r\x1b[K"]), ["50%", "", ""]);
}

#[test]
fn lines_that_were_given_come_again_only_if_they_changed() {
    assert_eq!(paused(&["a: 1\nb: 1\n", "\x1b[2A\x1b[2Ka: 2\n\x1b[B"]), ["a: 1\nb: 1\n", "a: 2\n", ""]);
    assert_eq!(
        paused(&["a: 1\nb: 1\n", "\x1b[2A\x1b[2Ka: 1\n\x1b[B", "c\n"]),
        ["a: 1\nb: 1\n", "", "c\n", ""]
    );
}

#[test]
fn a_line_above_an_open_one_ends_it() {
    assert_eq!(paused(&["a\nb> ", "\x1b[A\rx\x1b[B\r\x1b[3Cy\n"]), ["a\nb> ", "\nx\nb> y\n", ""]);
}

#[test]
fn a_count_waits_for_the_end_of_the_run_and_comes_before_a_prompt() {
    assert_eq!(
        paused(&["x\nx\n", "x\nx\n", "x\n", "go? "]),
        ["x\n", "", "", "# repeated 4 more times\ngo? ", ""]
    );
}

#[test]
fn half_a_character_or_sequence_waits() {
    let mut tidy = Tidy::new(&Options::default());
    assert_eq!(tidy.push(b"a\xe6\xbc"), Some(Vec::new()));
    assert_eq!(tidy.idle(), b"a");
    tidy.push(b"\xa2b\x1b[3");
    assert_eq!(tidy.idle(), "漢b".as_bytes());
    tidy.push(b"1mc\n");
    assert_eq!(tidy.idle(), b"c\n");
}

#[test]
fn a_full_screen_display_is_not_given() {
    assert_eq!(
        paused(&["a\n\x1b[?1049hmenu", "\x1b[?1049lb\n"]),
        ["a\n", "b\n", "# 1 full-screen display removed\n"]
    );
}

#[test]
fn long_lines_go_on_after_a_pause() {
    let long = "x".repeat(70 << 10);
    assert_eq!(paused(&[&long, &long, "\n", "end\n"]).concat(), format!("{long}{long}\nend\n"));
}
