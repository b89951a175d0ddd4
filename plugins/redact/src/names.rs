//! Names whose values are secrets: variables, members, flags and headers.

use crate::prefilter::rarest;

/// The patterns that hold unless the configuration gives others. `*` stands for anything; case does not matter.
pub const DEFAULT_NAMES: &[&str] = &[
    "*token",
    "*secret",
    "*secrets",
    "*secret_key",
    "*secretkey",
    "*secret-key",
    "*secret_access_key",
    "*secretaccesskey",
    "*secret_key_base",
    "*client_secret*",
    "*password*",
    "*passwd*",
    "*passphrase",
    "*_pwd",
    "pwd_*",
    "*_pass",
    "*api_key",
    "*apikey",
    "*api-key",
    "*access_key",
    "*accesskey",
    "*account_key",
    "*accountkey",
    "*auth_key",
    "*authkey",
    "*private_key",
    "*privatekey",
    "*private-key",
    "*encryption_key",
    "*signing_key",
    "*master_key",
    "*shared_key",
    "*sharedaccesskey",
    "*_key",
    "*credential",
    "*credentials",
    "*_auth",
];

/// Names that the default patterns would take, and that hold no secret.
const HARMLESS: &[&str] = &[
    "*public_key",
    "*publickey",
    "*pub_key",
    "*cache_key",
    "*cache-key",
    "*primary_key",
    "*foreign_key",
    "*sort_key",
    "*partition_key",
    "*lookup_key",
    "*object_key",
    "*registry_key",
    "*host_key",
    "*map_key",
    "*dict_key",
    "*row_key",
    "*group_key",
    "*translation_key",
    "*password*_file",
    "*password*_path",
    "*password*length",
    "*password*policy",
    "*password*hint",
    "*password_reset*url",
    "*password*_len",
    "*password*field",
    "*password*label",
    "*passwordless*",
    "*passwd_file",
    "*page_token",
    "*next_token",
    "*pagetoken",
    "*nexttoken",
    "*continuationtoken",
    "*cancellationtoken",
];

/// Headers whose whole value is a secret.
const SECRET_HEADERS: &[&str] = &[
    "x-api-key",
    "x-auth-token",
    "x-access-token",
    "x-amz-security-token",
    "x-vault-token",
    "x-gitlab-token",
    "private-token",
    "job-token",
    "deploy-token",
    "x-goog-api-key",
    "x-functions-key",
    "ocp-apim-subscription-key",
    "dd-api-key",
    "dd-application-key",
    "x-shopify-access-token",
    "x-figma-token",
    "x-csrf-token",
];

/// What a name says of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// `Authorization` and `Proxy-Authorization`.
    Authorization,
    Cookie,
    SetCookie,
    SecretHeader,
    /// A name of the patterns; true for passwords, which may be short and plain.
    Assigned(bool),
}

/// The patterns in use.
#[derive(Debug)]
pub struct Names {
    patterns: Vec<String>,
    defaults: bool,
}

impl Names {
    /// The default patterns.
    pub fn standard() -> Names {
        Names { patterns: DEFAULT_NAMES.iter().map(|name| (*name).to_owned()).collect(), defaults: true }
    }

    /// Patterns of one's own, in place of the default ones. Each needs three characters in a row that are not `*`,
    /// all of a name's alphabet: letters, digits, `_`, `-` and `.`.
    pub fn of(patterns: Vec<String>) -> Result<Names, String> {
        for pattern in &patterns {
            if let Some(odd) = pattern.chars().find(|c| *c != '*' && !(c.is_ascii() && is_name(*c as u8))) {
                return Err(format!("expected a name with `*` for anything, saw `{odd}` in `{pattern}`"));
            }
            if !pattern.split('*').any(|part| part.len() >= 3) {
                return Err(format!(
                    "expected at least three characters in a row beside `*`, saw `{pattern}`"
                ));
            }
        }
        Ok(Names {
            patterns: patterns.iter().map(|name| name.to_ascii_lowercase()).collect(),
            defaults: false,
        })
    }

    /// Three bytes of every name that matches. `headers` adds those of headers, `assigned` those of the patterns.
    pub fn anchors(&self, headers: bool, assigned: bool) -> Vec<[u8; 3]> {
        let mut words: Vec<&str> = Vec::new();
        if headers {
            words.extend(["authorization", "cookie"]);
            words.extend(SECRET_HEADERS);
        }
        if assigned {
            let longest = |name: &'_ String| name.split('*').map(str::len).max();
            for name in &self.patterns {
                words.extend(name.split('*').find(|part| Some(part.len()) == longest(name)));
            }
        }
        let mut anchors: Vec<[u8; 3]> = words.iter().filter_map(|word| rarest(word)).flatten().collect();
        anchors.sort_unstable();
        anchors.dedup();
        anchors
    }

    /// What `name` is; none if its value is no secret.
    pub fn classify(&self, name: &[u8]) -> Option<Class> {
        let mut lower = [0; 192];
        let lower = lower.get_mut(..name.len())?;
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        let lower = &*lower;
        match lower {
            b"authorization" | b"proxy-authorization" => return Some(Class::Authorization),
            b"cookie" => return Some(Class::Cookie),
            b"set-cookie" | b"set-cookie2" => return Some(Class::SetCookie),
            _ if SECRET_HEADERS.iter().any(|header| header.as_bytes() == lower) => {
                return Some(Class::SecretHeader);
            }
            _ => {}
        }
        let any = |patterns: &[&str]| patterns.iter().any(|pattern| fits(pattern.as_bytes(), lower));
        if !self.patterns.iter().any(|pattern| fits(pattern.as_bytes(), lower))
            || self.defaults && any(HARMLESS)
        {
            return None;
        }
        Some(Class::Assigned(any(&["*pass*", "*pwd*"])))
    }
}

/// Whether names may hold the byte.
pub fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

fn fits(pattern: &[u8], name: &[u8]) -> bool {
    // Nearly all patterns are ends of names.
    if let Some((b'*', end)) = pattern.split_first() {
        if !end.contains(&b'*') {
            return name.ends_with(end);
        }
    }
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p + 1, n));
            p += 1;
        } else if pattern.get(p) == Some(&name[n]) {
            (p, n) = (p + 1, n + 1);
        } else if let Some((after, from)) = star {
            star = Some((after, from + 1));
            (p, n) = (after, from + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_told_from_others() {
        let names = Names::standard();
        for name in [
            "GITHUB_TOKEN",
            "token",
            "dbPassword",
            "PASSWORD_2",
            "aws_secret_access_key",
            "X_API_KEY",
            "apiKey",
        ] {
            assert!(matches!(names.classify(name.as_bytes()), Some(Class::Assigned(_))), "{name}");
        }
        for name in
            ["tokens", "keyboard", "PUBLIC_KEY", "author", "monkey", "password_file", "secretary", "PWD"]
        {
            assert_eq!(names.classify(name.as_bytes()), None, "{name}");
        }
        assert_eq!(names.classify(b"Proxy-Authorization"), Some(Class::Authorization));
    }

    #[test]
    fn every_pattern_has_an_anchor_in_every_name_that_it_takes() {
        let names = Names::standard();
        let anchors = names.anchors(true, true);
        for pattern in DEFAULT_NAMES {
            let name = pattern.replace('*', "X").to_uppercase();
            assert!(
                name.as_bytes().windows(3).any(|part| anchors.iter().any(|anchor| anchor == part)),
                "{name}"
            );
        }
    }

    #[test]
    fn patterns_that_would_match_nearly_everything_are_refused() {
        assert!(Names::of(vec!["*".to_owned()]).unwrap_err().contains("three characters"));
        assert!(Names::of(vec!["*a b*".to_owned()]).unwrap_err().contains("` `"));
        let names = Names::of(vec!["MY_*_X".to_owned()]).unwrap();
        assert!(names.classify(b"my_little_x").is_some());
        assert!(names.classify(b"token").is_none());
    }
}
