//! What follows `Authorization:`, `Cookie:`, `Bearer` and `scheme://`.

use crate::assignment::{LONGEST_HELD, extent};
use crate::byte_set::{ByteSet, TOKEN68};
use crate::judge::{Place, is_placeholder, looks_secret};
use crate::outcome::{Hit, Outcome, Swallow, View};

/// Where a header's value ends: with its line, or with the string that it is written in.
const HEADER: ByteSet = ByteSet::new(b"\x00-\x08\x0a-\x1f\"'`");
const WORDS: ByteSet = ByteSet::new(b"\x00-\x20\"'`,;<>(){}");
const COOKIE: ByteSet = ByteSet::new(b"\x00-\x20\"'`;,");
const SCHEME: ByteSet = ByteSet::new(b"0-9A-Za-z-");
const SCHEMES: &[&str] = &[
    "basic",
    "bearer",
    "token",
    "digest",
    "negotiate",
    "ntlm",
    "kerberos",
    "apikey",
    "api-key",
    "key",
    "aws4-hmac-sha256",
    "aws",
    "hawk",
    "oauth",
    "jwt",
    "dpop",
    "bot",
    "splunk",
    "genie",
    "genkey",
    "sso-key",
    "gss",
    "mac",
    "signature",
    "sharedkey",
    "discogs",
    "klaviyo-api-key",
];
/// Longest user and password of a URL.
const LONGEST_USER: usize = 4096;
const USER: ByteSet = ByteSet::new(b"\x00-\x20/?#\"'`<>\\|^[]{}\x7f");

/// Judges the value of an `Authorization` header at `at`. The scheme stays.
pub fn judge_authorization(view: View<'_>, at: usize, kind: u16) -> Outcome {
    let rest = view.from(at);
    let lead = rest.iter().take(4).take_while(|byte| b"\\\"'`fbru".contains(byte)).count();
    let opened = rest[..lead].iter().any(|byte| b"\"'`".contains(byte));
    if lead == rest.len() && lead < 4 && !view.ended {
        return Outcome::Wait(None);
    }
    let at = if opened { at + lead } else { at };
    let (word, open) = view.run(at, &SCHEME, 32);
    if open {
        return Outcome::Wait((word > at + 16).then_some(at));
    }
    let scheme = &view.bytes[at..word];
    let known = SCHEMES.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(scheme));
    let blanks = view.from(word).iter().take(8).take_while(|byte| **byte == b' ').count();
    if known && word + blanks == view.bytes.len() && !view.ended {
        return Outcome::Wait(None);
    }
    if known && blanks > 0 {
        let parameters = !scheme.eq_ignore_ascii_case(b"basic") && !scheme.eq_ignore_ascii_case(b"bearer");
        return credentials(view, word + blanks, parameters, kind);
    }
    let (found, _) = match extent(view, at, &WORDS) {
        Ok(found) => found,
        Err(outcome) => return outcome,
    };
    let value = &view.bytes[found.start..found.end];
    if !looks_secret(value, Place::Data, true, false) {
        return Outcome::Miss;
    }
    Outcome::Hit(Hit { then: found.then, ..Hit::new(found.start, found.end, kind) })
}

/// Credentials after a scheme: to the end of the line or string where they have parameters, else one word.
fn credentials(view: View<'_>, at: usize, parameters: bool, kind: u16) -> Outcome {
    let mut end = at;
    let stops = if parameters { &HEADER } else { &WORDS };
    // The quotes of parameters belong to them: `username="…"`.
    let quoted =
        |end: usize| parameters && end > at && view.bytes[end] == b'"' && view.bytes[at..end].ends_with(b"=");
    let mut inside = false;
    while end - at < LONGEST_HELD {
        match view.get(end) {
            None if view.ended => break,
            None => return Outcome::Wait((end > at).then_some(at)),
            Some(b'"') if inside => inside = false,
            Some(b'"') if quoted(end) => inside = true,
            Some(b'\n' | b'\r') => break,
            Some(byte) if !inside && (stops.contains(byte) || byte == b'\\') => break,
            Some(_) => {}
        }
        end += 1;
    }
    let value = view.bytes[at..end].trim_ascii_end();
    let plain = value.len() < 16 && value.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b' ');
    if value.len() < 4 || plain || is_placeholder(value) && value.len() < LONGEST_HELD {
        return Outcome::Miss;
    }
    // Prose goes on in words; a template has its variables.
    let words = parameters && value.iter().all(|byte| byte.is_ascii_alphabetic() || b" .,".contains(byte));
    if words && value.contains(&b' ') {
        return Outcome::Miss;
    }
    let long = end - at >= LONGEST_HELD;
    let then = long.then_some(Swallow::Until(if parameters { ByteSet::new(b"\n\r") } else { *stops }, false));
    Outcome::Hit(Hit { then, ..Hit::new(at, if long { end } else { at + value.len() }, kind) })
}

/// Judges `Bearer …` that is no header: a token of at least 16 characters with a digit among them.
pub fn judge_bearer(view: View<'_>, at: usize, kind: u16) -> Outcome {
    match view.literal(at, b"bearer ", true) {
        None => return Outcome::Wait(None),
        Some(false) => return Outcome::Miss,
        Some(true) if !view.border(at) => return Outcome::Miss,
        Some(true) => {}
    }
    let start = at + 7;
    let (end, open) = view.run(start, &TOKEN68, LONGEST_HELD);
    if open {
        return Outcome::Wait((end - start >= 4).then_some(start));
    }
    let value = &view.bytes[start..end];
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    if value.len() < 16 || digits < 2 || is_placeholder(value) {
        return Outcome::Miss;
    }
    let then = (end - start >= LONGEST_HELD).then_some(Swallow::While(TOKEN68));
    Outcome::Hit(Hit { then, ..Hit::new(start, end, kind) })
}

/// Judges the value of a `Cookie` header, which is masked whole, or of a `Set-Cookie` header, of which the name of
/// the cookie and its attributes stay.
pub fn judge_cookie(view: View<'_>, at: usize, set: bool, kind: u16) -> Outcome {
    let at = at + usize::from(matches!(view.get(at), Some(b'"' | b'\'')));
    let name = ByteSet::new(b"0-9A-Za-z!#$%*+.^_|~-");
    let (equals, open) = view.run(at, &name, 128);
    if open || equals == view.bytes.len() && !view.ended {
        return Outcome::Wait(None);
    }
    if equals == at || view.get(equals) != Some(b'=') {
        return Outcome::Miss;
    }
    let start = equals + 1;
    let mut end = start;
    let stops = if set { &COOKIE } else { &HEADER };
    while end - start < LONGEST_HELD {
        match view.get(end) {
            None if view.ended => break,
            None => return Outcome::Wait((end > start).then_some(start)),
            Some(byte) if stops.contains(byte) || byte == b'\\' => break,
            Some(_) => end += 1,
        }
    }
    let value = &view.bytes[start..end];
    if value.len() < 8 || is_placeholder(value) || value.contains(&b'(') || value.contains(&b'{') {
        return Outcome::Miss;
    }
    let then = (end - start >= LONGEST_HELD).then_some(Swallow::Until(*stops, false));
    Outcome::Hit(Hit { then, ..Hit::new(start, end, kind) })
}

/// Judges what follows `://` at `at`: `user:password@`, or a token alone in the place of the user (RFC 3986, 3.2.1).
pub fn judge_url(view: View<'_>, at: usize, kind: u16) -> Outcome {
    let from = at + 3;
    if at == 0 || !view.bytes[at - 1].is_ascii_alphanumeric() {
        return Outcome::Miss;
    }
    let rest = view.from(from);
    let rest = &rest[..rest.len().min(LONGEST_USER)];
    let length = rest.iter().take_while(|byte| !USER.contains(**byte)).count();
    let user = &rest[..length];
    let colon = user.iter().position(|byte| *byte == b':');
    if length == rest.len() && rest.len() < LONGEST_USER && !view.ended {
        // A port is no evidence, nor is a host.
        let shown =
            colon.filter(|colon| !user[colon + 1..].iter().all(u8::is_ascii_digit) || user.contains(&b'@'));
        let token =
            (colon.is_none() && length >= 16 && user.iter().filter(|b| b.is_ascii_digit()).count() >= 3)
                .then_some(from);
        return Outcome::Wait(shown.map(|colon| from + colon + 1).or(token));
    }
    let Some(sign) = user.iter().rposition(|byte| *byte == b'@') else {
        // Cut by the end of the stream: a password is masked unless it may be a port.
        let cut = view.ended && length == rest.len() && length < LONGEST_USER;
        return match colon {
            Some(colon) if cut && length - colon > 8 && !user[colon + 1..].iter().all(u8::is_ascii_digit) => {
                Outcome::Hit(Hit::new(from + colon + 1, from + length, kind))
            }
            _ => Outcome::Miss,
        };
    };
    match colon.filter(|colon| *colon < sign) {
        Some(colon) => {
            let password = &user[colon + 1..sign];
            let plain = [&b"password"[..], b"pass", b"passwd", b"pwd", b"pw"].contains(&password);
            if password.is_empty() || plain || is_placeholder(password) && password.len() > 1 {
                return Outcome::Miss;
            }
            Outcome::Hit(Hit::new(from + colon + 1, from + sign, kind))
        }
        None => {
            let token = &user[..sign];
            let digits = token.iter().filter(|byte| byte.is_ascii_digit()).count();
            if token.len() < 20 || digits < 3 || token.contains(&b'.') {
                return Outcome::Miss;
            }
            Outcome::Hit(Hit::new(from, from + sign, kind))
        }
    }
}
