//! Values that are given to a name: `NAME=value`, `name: value`, `"name": "value"`, and headers.

use crate::byte_set::ByteSet;
use crate::header;
use crate::judge::{Place, looks_secret};
use crate::names::{Class, Names, is_name};
use crate::outcome::{Hit, Outcome, Swallow, View};

/// Longest part of a name before and after the anchor.
const LONGEST_NAME: usize = 64;
/// Most blanks on a side of the operator.
const BLANKS: usize = 16;
/// A longer value is swallowed instead of held.
pub const LONGEST_HELD: usize = 1024;

/// Where bare values end.
pub const BARE: ByteSet = ByteSet::new(b"\x00-\x20\"'`,;&|<>()[]{}\x7f");
/// Where the value of a variable that stands at the beginning of a line ends.
const LINE: ByteSet = ByteSet::new(b"\x00-\x20\"'`\x7f");
const LINE_END: ByteSet = ByteSet::new(b"\x00-\x08\x0a-\x1f");

/// Kinds for what is found: of an assignment, an authorization, a cookie, another header. None: not wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kinds {
    pub assignment: Option<u16>,
    pub authorization: Option<u16>,
    pub cookie: Option<u16>,
    pub header: Option<u16>,
}

/// What stands between a name and its value.
struct Gap {
    value: usize,
    quoted_name: bool,
    spaced: bool,
    equals: bool,
}

/// Where a value stands, and how it would go on.
pub struct Extent {
    pub start: usize,
    pub end: usize,
    /// Longer than is held: what ends it.
    pub then: Option<Swallow>,
}

/// Judges the name around `at`.
pub fn judge_assignment(view: View<'_>, at: usize, names: &Names, kinds: Kinds) -> Outcome {
    let before = &view.bytes[..at];
    let start = at - before.iter().rev().take(LONGEST_NAME).take_while(|byte| is_name(**byte)).count();
    // The letter of an escape before it is no part of the name: `\nTOKEN=`.
    let escape =
        view.bytes[..start].last() == Some(&b'\\') && matches!(view.get(start), Some(b'n' | b'r' | b't'));
    let start = if escape && start < at { start + 1 } else { start };
    let rest = view.from(at);
    let length = rest.iter().take(LONGEST_NAME).take_while(|byte| is_name(**byte)).count();
    if length == rest.len() && !view.ended {
        return Outcome::Wait(None);
    }
    let end = at + length;
    // What can follow a name before its value; most words of a log end here.
    if !view.get(end).is_some_and(|byte| b"\"'\\ \t=:?".contains(&byte)) {
        return Outcome::Miss;
    }
    let written = &view.bytes[start..end];
    let name = written.trim_ascii();
    let flag = name.starts_with(b"--");
    let name = &name[name.iter().take_while(|byte| matches!(byte, b'-' | b'.')).count()..];
    let Some(class) = names.classify(name) else { return Outcome::Miss };
    let quote = view.bytes[..start].last().is_some_and(|byte| matches!(byte, b'"' | b'\''));
    let gap = match gap(view, end, quote) {
        Ok(gap) => gap,
        Err(outcome) => return outcome,
    };
    match class {
        Class::Authorization => match kinds.authorization {
            Some(kind) => header::judge_authorization(view, gap.value, kind),
            None => Outcome::Miss,
        },
        Class::Cookie | Class::SetCookie => match kinds.cookie {
            Some(kind) if !gap.equals => {
                header::judge_cookie(view, gap.value, class == Class::SetCookie, kind)
            }
            _ => Outcome::Miss,
        },
        Class::SecretHeader | Class::Assigned(_) => {
            let password = class == Class::Assigned(true);
            let kind = if class == Class::SecretHeader { kinds.header } else { kinds.assignment };
            let Some(kind) = kind else { return Outcome::Miss };
            let parent = view.bytes[..start].last().copied();
            let capitals =
                !name.iter().any(u8::is_ascii_lowercase) && name.contains(&b'_') | (name.len() >= 5);
            let place = if capitals && gap.equals && !gap.spaced && !gap.quoted_name {
                Place::Environment
            } else if gap.quoted_name
                || flag
                || class == Class::SecretHeader
                || matches!(parent, Some(b'?' | b'&'))
            {
                Place::Data
            } else {
                Place::Loose
            };
            let line = place == Place::Environment && begins_line(&view.bytes[..start]);
            judge_value(view, gap.value, place, line, password, kind)
        }
    }
}

/// Whether a line begins here, but for `export`, `declare -x` and the mark of a shell's trace.
fn begins_line(before: &[u8]) -> bool {
    let mut before = &before[before.len().saturating_sub(24)..];
    for word in [&b"export "[..], b"declare -x ", b"+ ", b"set "] {
        before = before.strip_suffix(word).unwrap_or(before);
    }
    before.last().is_none_or(|byte| matches!(byte, b'\n' | b'\r'))
}

/// Reads the operator after a name.
fn gap(view: View<'_>, from: usize, opened: bool) -> Result<Gap, Outcome> {
    let need = if view.ended { Outcome::Miss } else { Outcome::Wait(None) };
    let mut at = from;
    let mut quoted_name = false;
    let slashes = view.from(at).iter().take(4).take_while(|byte| **byte == b'\\').count();
    match view.get(at + slashes) {
        None => return Err(need),
        Some(b'"' | b'\'') if opened || slashes > 0 => {
            quoted_name = true;
            at += slashes + 1;
            match view.get(at) {
                None => return Err(need),
                Some(b']') => at += 1,
                Some(_) => {}
            }
        }
        Some(_) if slashes > 0 => return Err(Outcome::Miss),
        Some(_) => {}
    }
    let blank = |byte: &&u8| matches!(**byte, b' ' | b'\t');
    let before = view.from(at).iter().take(BLANKS).take_while(blank).count();
    at += before;
    let operators: [(&[u8], bool); 9] = [
        (b"===", false),
        (b"==", false),
        (b"=~", false),
        (b"::", false),
        (b"=>", true),
        (b":=", true),
        (b"?=", true),
        (b"=", true),
        (b":", true),
    ];
    let mut equals = None;
    for (operator, good) in operators {
        match view.literal(at, operator, false) {
            None => return Err(need),
            Some(true) if good => {
                at += operator.len();
                equals = Some(operator != b":");
                break;
            }
            Some(true) => return Err(Outcome::Miss),
            Some(false) => {}
        }
    }
    let Some(equals) = equals else { return Err(Outcome::Miss) };
    let after = view.from(at).iter().take(BLANKS).take_while(blank).count();
    at += after;
    if view.get(at).is_none() {
        return Err(need);
    }
    Ok(Gap { value: at, quoted_name, spaced: before + after > 0, equals })
}

fn judge_value(view: View<'_>, at: usize, place: Place, line: bool, password: bool, kind: u16) -> Outcome {
    let stops = if line { &LINE } else { &BARE };
    let (extent, quoted) = match extent(view, at, stops) {
        Ok(found) => found,
        Err(outcome) => return outcome,
    };
    if !looks_secret(&view.bytes[extent.start..extent.end], place, quoted, password) {
        return Outcome::Miss;
    }
    Outcome::Hit(Hit { then: extent.then, ..Hit::new(extent.start, extent.end, kind) })
}

/// Where the value at `at` begins and ends, and whether it is quoted.
pub fn extent(view: View<'_>, at: usize, stops: &ByteSet) -> Result<(Extent, bool), Outcome> {
    let need = |evidence: bool, start: usize| match view.ended {
        true => Outcome::Miss,
        false => Outcome::Wait(evidence.then_some(start)),
    };
    // `b"…"`, `f'…'`: a letter or two before the quote; `\"` in JSON within a string.
    let rest = view.from(at);
    let lead = rest.iter().take(4).take_while(|byte| **byte == b'\\' || b"bBrRuUfFL".contains(*byte)).count();
    let lead = match rest.get(lead) {
        None if rest.len() < 4 && !view.ended => return Err(need(lead == rest.len() && lead > 2, at)),
        Some(b'"' | b'\'' | b'`') => Some(lead),
        _ => None,
    };
    let Some(lead) = lead else {
        let (end, open) = bare(view, at, stops);
        if open {
            return Err(need(end > at, at));
        }
        let then = (end - at >= LONGEST_HELD).then_some(Swallow::Until(*stops, false));
        return Ok((Extent { start: at, end, then }, false));
    };
    let quote = rest[lead];
    let start = at + lead + 1;
    let escaped = rest[..lead].contains(&b'\\');
    let mut end = start;
    let mut slash = false;
    loop {
        let Some(byte) = view.get(end) else {
            // Quotes that are not closed when the stream ends may have been cut.
            return if view.ended {
                Ok((Extent { start, end, then: None }, true))
            } else {
                Err(need(end > start, start))
            };
        };
        if byte == quote && (!slash || escaped) {
            let end = if escaped {
                end - view.bytes[start..end].iter().rev().take_while(|b| **b == b'\\').count()
            } else {
                end
            };
            return Ok((Extent { start, end, then: None }, true));
        }
        if LINE_END.contains(byte) {
            return Err(Outcome::Miss);
        }
        if end - start >= LONGEST_HELD {
            let mut ends = [b'\n', b'\r', quote];
            ends.sort_unstable();
            let then = Swallow::Until(ByteSet::new(&ends), slash);
            return Ok((Extent { start, end, then: Some(then) }, true));
        }
        slash = byte == b'\\' && !slash;
        end += 1;
    }
}

/// The end of a bare value; a backslash ends it if what follows is a line end or a quote in some string.
fn bare(view: View<'_>, at: usize, stops: &ByteSet) -> (usize, bool) {
    let mut end = at;
    while end - at < LONGEST_HELD {
        match view.get(end) {
            None => return (end, !view.ended),
            Some(byte) if stops.contains(byte) => break,
            Some(b'\\') => match view.get(end + 1) {
                None if !view.ended => return (end, true),
                None | Some(b'n' | b'r' | b't' | b'"' | b'\'' | b'\\' | b'\n' | b'\r') => break,
                Some(_) => end += 1,
            },
            Some(_) => end += 1,
        }
    }
    (end, false)
}
