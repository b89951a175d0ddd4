//! `find`: the commands of `-exec` and its kin. What it does itself (`-delete`, `-fprintf`) are words for the rules.

use crate::script::Piece;
use crate::walker::{Place, Walker};

pub(super) fn look(walker: &mut Walker<'_>, pieces: &[Piece], place: &Place) {
    if let Some(piece) = pieces[1..].iter().find(|piece| !piece.tame) {
        walker.note(format!("`find` has words that may be options: `{}`", piece.word.text));
    }
    let mut at = 1;
    while at < pieces.len() {
        let option = pieces[at].lit().unwrap_or("");
        at += 1;
        if option == "-files0-from" {
            walker.note("`find -files0-from` reads its starting points from a file");
        }
        if !["-exec", "-execdir", "-ok", "-okdir"].contains(&option) {
            continue;
        }
        let rest = &pieces[at..];
        let ends = |(index, piece): (usize, &Piece)| match piece.lit() {
            Some(";") => true,
            Some("+") => index > 0 && rest[index - 1].word.text == "{}",
            _ => false,
        };
        let end = rest.iter().enumerate().position(ends).unwrap_or(rest.len());
        let command: Vec<Piece> = rest[..end]
            .iter()
            .map(|piece| {
                if piece.word.text.contains("{}") {
                    Piece::unknown(piece.word.text.clone())
                } else {
                    piece.clone()
                }
            })
            .collect();
        let mut inner = place.inside("find");
        inner.elsewhere |= option.ends_with("dir");
        if command.is_empty() {
            walker.note(format!("`find {option}` has no command"));
        } else {
            walker.run(&command, Vec::new(), &inner);
        }
        at += end + 1;
    }
}
