//! Tokens in three or five parts with dots between: JSON web tokens (RFC 7519, RFC 7516), Discord's and Telegram's.

use crate::byte_set::{ALNUM, BASE64URL, DOTTED};
use crate::outcome::{Hit, Outcome, Swallow, View};

/// Longest header of a JSON web token; a longer run is base64 of something else.
const LONGEST_HEADER: usize = 2048;
/// So much of the second part makes it certain.
const CERTAIN: usize = 8;

/// Judges `eyJ…` at `at`.
pub fn judge_jwt(view: View<'_>, at: usize, kind: u16) -> Outcome {
    if !view.border(at) {
        return Outcome::Miss;
    }
    let (dot, open) = view.run(at, &BASE64URL, LONGEST_HEADER);
    if open {
        return Outcome::Wait((dot - at >= 12).then_some(at));
    }
    if dot - at < 15 {
        return Outcome::Miss;
    }
    match view.get(dot) {
        Some(b'.') => {}
        _ => return Outcome::Miss,
    }
    let (end, open) = view.run(dot + 1, &DOTTED, CERTAIN);
    if open {
        return Outcome::Wait(Some(at));
    }
    if end - dot - 1 < CERTAIN {
        // The stream may have been cut within the token; a single dot ends a sentence.
        let cut = view.ended && end == view.bytes.len() && end > dot + 1;
        return if cut { Outcome::Hit(Hit::new(at, end, kind)) } else { Outcome::Miss };
    }
    Outcome::Hit(Hit { then: Some(Swallow::While(DOTTED)), ..Hit::new(at, end, kind) })
}

/// The first three bytes of base64 of decimal digits, as Discord's tokens begin.
pub fn discord_anchors() -> Vec<[u8; 3]> {
    let mut anchors = Vec::new();
    for (first, seconds) in [(b'M', &b"Tjz"[..]), (b'N', b"DTjz"), (b'O', b"DT")] {
        for second in seconds {
            for third in b"AEIMQUYcgk" {
                anchors.push([first, *second, *third]);
            }
        }
    }
    anchors
}

/// Judges a bot's token of Discord: 23 to 28, 6 or 7, and 27 to 38 characters.
pub fn judge_discord(view: View<'_>, at: usize, kind: u16) -> Outcome {
    if !view.border(at) {
        return Outcome::Miss;
    }
    let mut from = at;
    for (least, most, last) in [(23, 28, false), (6, 7, false), (27, 38, true)] {
        let (end, open) = view.run(from, if from == at { &ALNUM } else { &BASE64URL }, most + 1);
        if open {
            return Outcome::Wait((end - at >= 26).then_some(at));
        }
        let length = end - from;
        let cut = view.ended && end == view.bytes.len() && last && length >= CERTAIN;
        if length > most || length < least && !cut {
            return Outcome::Miss;
        }
        if last {
            return Outcome::Hit(Hit::new(at, end, kind));
        }
        match view.get(end) {
            Some(b'.') => from = end + 1,
            None if !view.ended => return Outcome::Wait(Some(at)),
            _ => return Outcome::Miss,
        }
    }
    Outcome::Miss
}

/// Judges what follows a Telegram bot's number: `:AA` and 33 characters. The number is no secret and stays.
pub fn judge_telegram(view: View<'_>, at: usize, kind: u16) -> Outcome {
    let digits = view.bytes[..at].iter().rev().take(17).take_while(|byte| byte.is_ascii_digit()).count();
    if !(5..=16).contains(&digits) {
        return Outcome::Miss;
    }
    let (end, open) = view.run(at + 1, &BASE64URL, 36);
    if open {
        return Outcome::Wait((end - at > 4).then_some(at + 1));
    }
    let length = end - at - 1;
    let cut = view.ended && end == view.bytes.len() && length >= 2 + CERTAIN;
    if length == 35 || cut {
        return Outcome::Hit(Hit::new(at + 1, end, kind));
    }
    Outcome::Miss
}
