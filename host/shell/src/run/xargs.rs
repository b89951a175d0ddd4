//! `xargs`: what it appends is not written.

use super::options::Options;
use crate::script::Piece;
use crate::walker::{Place, Walker};

const OPTIONS: Options = Options {
    values: "IJnPLsdEaRS",
    flags: "0rtpxo",
    attached: "iel",
    long_values: &["arg-file", "delimiter", "max-args", "max-procs", "max-chars", "process-slot-var"],
    long_flags: &[
        "null",
        "no-run-if-empty",
        "verbose",
        "interactive",
        "exit",
        "open-tty",
        "replace",
        "eof",
        "max-lines",
        "show-limits",
    ],
    wary: &["process-slot-var"],
};

pub(super) fn look(walker: &mut Walker<'_>, pieces: &[Piece], place: &Place) {
    let (given, at) = OPTIONS.read(walker, "xargs", pieces);
    let replaced = given.iter().rev().find_map(|(option, value)| match option.as_str() {
        "I" | "J" => Some(value.as_ref().map_or("", |value| value.word.text.as_str())),
        "i" | "replace" => Some(value.as_ref().map_or("{}", |value| value.word.text.as_str())),
        _ => None,
    });
    let echo = [Piece::literal("echo")];
    let words = pieces.get(at..).filter(|words| !words.is_empty()).unwrap_or(&echo);
    let mut command: Vec<Piece> = words
        .iter()
        .map(|piece| match replaced {
            Some(mark) if piece.word.text.contains(mark) => Piece::unknown(piece.word.text.clone()),
            _ => piece.clone(),
        })
        .collect();
    if replaced.is_none() {
        command.push(Piece::unknown("{}"));
    }
    walker.run(&command, Vec::new(), &place.inside("xargs"));
}
