//! Whether a value that is assigned looks like a secret, or like source code, prose or a placeholder.

/// How sure the place makes it that a value, and no expression, is assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// `NAME=value` in capitals: the environment, shells, `.env` files.
    Environment,
    /// `"name": "value"`, `--name=value`, `?name=value&`.
    Data,
    /// Anything else: it may be source code.
    Loose,
}

/// Whether `value` looks like a secret in such a place.
pub fn looks_secret(value: &[u8], place: Place, quoted: bool, password: bool) -> bool {
    let least = if password && place != Place::Loose { 6 } else { 8 };
    if value.len() < least || is_placeholder(value) {
        return false;
    }
    let count = |test: fn(&u8) -> bool| value.iter().filter(|byte| test(byte)).count();
    let digits = count(u8::is_ascii_digit);
    let letters = count(u8::is_ascii_alphabetic);
    let mixed =
        digits > 0 && letters > 0 && count(u8::is_ascii_uppercase) > 0 && count(u8::is_ascii_lowercase) > 0;
    if value.windows(3).any(|part| part == b"://")
        || is_path(value) && !mixed
        || count(u8::is_ascii_control) > 0
    {
        return false;
    }
    if place == Place::Environment {
        return quoted || !value.ends_with(b"(");
    }
    if value.contains(&b' ') || value.contains(&b'{') || value.contains(&b'(') {
        return false;
    }
    let words = value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-.:/".contains(byte));
    let turns =
        value.windows(2).filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase()).count();
    if place == Place::Data || quoted {
        if digits > 0 && letters > 0 {
            return true;
        }
        let alphabetic = letters == value.len();
        let long = place == Place::Data && alphabetic && value.len() >= 16;
        return long || alphabetic && turns >= 4 || !words && letters > 0 && value.len() >= least;
    }
    if digits == 0 || letters == 0 || value.iter().any(|byte| b"()[]{}<>,;|`\"'*&".contains(byte)) {
        return false;
    }
    if password && !value.iter().any(|byte| b"_.:".contains(byte)) {
        return digits < value.len();
    }
    if is_expression(value) {
        return mixed && value.len() >= 16 && digits >= 3 && !value.contains(&b'_') && !value.contains(&b'.')
            || digits >= 4
                && value.len() >= 24
                && !value.contains(&b'.')
                && value.iter().filter(|b| **b == b'_').count() < 2;
    }
    !value.windows(2).any(|pair| pair == b"::")
}

/// Identifiers with dots between.
fn is_expression(value: &[u8]) -> bool {
    value.split(|byte| *byte == b'.').all(|part| {
        part.first().is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
            && part.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    })
}

fn is_path(value: &[u8]) -> bool {
    let begins = [&b"/"[..], b"./", b"../", b"~/"].iter().any(|start| value.starts_with(start));
    begins && value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"/._-~".contains(byte))
}

/// Whether `value` stands for something that is not there.
pub fn is_placeholder(value: &[u8]) -> bool {
    const STARTS: &[&[u8]] = &[
        b"your",
        b"changeme",
        b"change-me",
        b"change_me",
        b"example",
        b"placeholder",
        b"dummy",
        b"insert",
        b"replace",
        b"undefined",
        b"process.env",
        b"os.environ",
        b"os.getenv",
        b"secrets.",
        b"-----",
        b"[redacted",
        b"redacted",
        b"xxxx",
        b"****",
        b"none",
        b"null",
        b"true",
        b"false",
        b"required",
        b"optional",
        b"password",
        b"secret",
    ];
    let Some(first) = value.first() else { return true };
    if b"$<{[(%=!&|>,;:)]}".contains(first)
        && !(matches!(first, b'!' | b'&' | b'%' | b':') && value.len() >= 8 && has_digit(value))
    {
        return true;
    }
    let inside: [&[u8]; 6] = [b"${", b"{{", b"$(", b"[redacted:", b"...", b"***"];
    if inside.iter().any(|part| value.windows(part.len()).any(|window| window == *part)) {
        return true;
    }
    let starts =
        |start: &&&[u8]| value.len() >= start.len() && value[..start.len()].eq_ignore_ascii_case(start);
    if let Some(start) = STARTS.iter().find(starts) {
        let rest = &value[start.len()..];
        return !has_digit(rest)
            || matches!(start, &b"process.env" | &b"os.environ" | &b"secrets." | &b"-----" | &b"[redacted");
    }
    value.iter().all(|byte| byte == first)
}

fn has_digit(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_digit)
}
