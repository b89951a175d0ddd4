//! All rules of one stream, and which of them applies at a place.

use crate::assignment::{Kinds, judge_assignment};
use crate::block::judge_block;
use crate::config::Config;
use crate::format::Format;
use crate::formats::FORMATS;
use crate::header::{judge_bearer, judge_url};
use crate::jwt::{discord_anchors, judge_discord, judge_jwt, judge_telegram};
use crate::names::Names;
use crate::outcome::{Hit, Outcome, View};
use crate::prefilter::{Prefilter, rarest};
use crate::value::{Form, SHORTEST, Value};

/// Kinds that are no token's.
pub const OTHER_KINDS: &[&str] = &[
    "value",
    "private-key",
    "jwt",
    "discord-token",
    "telegram-token",
    "authorization",
    "cookie",
    "header",
    "url-password",
    "assignment",
];

// Their places in the list, which are their numbers.
const PRIVATE_KEY: u16 = 1;
const JWT: u16 = 2;
const DISCORD_TOKEN: u16 = 3;
const TELEGRAM_TOKEN: u16 = 4;
const AUTHORIZATION: u16 = 5;
const URL_PASSWORD: u16 = 8;

/// A rule, as an anchor names it. Small: there are thousands of anchors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    Value(u16, Form),
    Block,
    Jwt,
    Discord,
    Telegram,
    Format(u16),
    Bearer,
    Url,
    Named,
}

/// The rules of one stream.
#[derive(Debug)]
pub struct Rules {
    filter: Prefilter<Rule>,
    formats: Vec<(Format, u16)>,
    values: Vec<Value>,
    names: Names,
    named: Kinds,
    kinds: Vec<String>,
    allow: Vec<Vec<u8>>,
}

/// Variables whose values cannot be looked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Shorter than six bytes.
    pub short: Vec<String>,
    /// More than there is room for.
    pub crowded: Vec<String>,
}

/// So many values and lines of values are looked for.
const MOST_VALUES: usize = 256;

impl Rules {
    /// Rules for `config` and the variables that are granted.
    pub fn new(config: &Config, variables: &[(String, String)], salt: u64) -> (Rules, Skipped) {
        let mut rules = Rules {
            filter: Prefilter::new(Vec::new()),
            formats: Vec::new(),
            values: Vec::new(),
            names: config.names(),
            named: Kinds::default(),
            kinds: Vec::new(),
            allow: config.allow.iter().map(|text| text.clone().into_bytes()).collect(),
        };
        for kind in OTHER_KINDS {
            rules.kind(kind);
        }
        let skipped = rules.add_values(config, variables, salt);
        let mut anchors = Vec::new();
        for (index, value) in rules.values.iter().enumerate() {
            anchors.extend(
                value.anchors().into_iter().map(|(head, form)| (head, Rule::Value(index as u16, form))),
            );
        }
        let fixed = |rule, heads: &[&[u8; 3]]| heads.iter().map(|head| (**head, rule)).collect::<Vec<_>>();
        for (kind, rule, heads) in [
            ("private-key", Rule::Block, fixed(Rule::Block, &[b"---"])),
            ("jwt", Rule::Jwt, fixed(Rule::Jwt, &[b"eyJ"])),
            ("telegram-token", Rule::Telegram, fixed(Rule::Telegram, &[b":AA"])),
            (
                "discord-token",
                Rule::Discord,
                discord_anchors().into_iter().map(|head| (head, Rule::Discord)).collect(),
            ),
            ("url-password", Rule::Url, fixed(Rule::Url, &[b"://"])),
        ] {
            debug_assert!(heads.iter().all(|(_, other)| *other == rule));
            if config.uses(kind) {
                anchors.extend(heads);
            }
        }
        for format in FORMATS.iter().filter(|format| config.uses(&format.kind)).chain(&config.extra) {
            let kind = rules.kind(&format.kind);
            let index = rules.formats.len() as u16;
            anchors.extend(format.anchors().into_iter().map(|head| (head, Rule::Format(index))));
            rules.formats.push((format.clone(), kind));
        }
        let mut wanted = |kind: &str| config.uses(kind).then(|| rules.kind(kind));
        rules.named = Kinds {
            assignment: wanted("assignment"),
            authorization: wanted("authorization"),
            cookie: wanted("cookie"),
            header: wanted("header"),
        };
        if rules.named.authorization.is_some() {
            let heads = rarest("bea").unwrap_or_default();
            anchors.extend(heads.into_iter().map(|head| (head, Rule::Bearer)));
        }
        let Kinds { assignment, authorization, cookie, header } = rules.named;
        let headers = [authorization, cookie, header].iter().any(Option::is_some);
        let heads = rules.names.anchors(headers, assignment.is_some());
        anchors.extend(heads.into_iter().map(|head| (head, Rule::Named)));
        rules.filter = Prefilter::new(anchors);
        (rules, skipped)
    }

    fn add_values(&mut self, config: &Config, variables: &[(String, String)], salt: u64) -> Skipped {
        let mut skipped = Skipped::default();
        for (name, text) in variables.iter().filter(|(name, _)| config.wants_value(name)) {
            if config.allow.contains(text) || text.is_empty() {
                continue;
            }
            if text.len() < SHORTEST {
                skipped.short.push(name.clone());
                continue;
            }
            let parts = Value::of(text.as_bytes(), salt);
            if self.values.len() + parts.len() > MOST_VALUES {
                skipped.crowded.push(name.clone());
            }
            self.values.extend(parts.into_iter().take(MOST_VALUES - self.values.len()));
        }
        skipped
    }

    fn kind(&mut self, name: &str) -> u16 {
        let known = self.kinds.iter().position(|kind| kind == name);
        known.unwrap_or_else(|| {
            self.kinds.push(name.to_owned());
            self.kinds.len() - 1
        }) as u16
    }

    /// Whether it is known by what stands before it: the last ones of `OTHER_KINDS`.
    pub fn is_named(&self, kind: u16) -> bool {
        (AUTHORIZATION..OTHER_KINDS.len() as u16).contains(&kind)
    }

    /// The name of a kind.
    pub fn kind_name(&self, kind: u16) -> &str {
        &self.kinds[usize::from(kind)]
    }

    /// The next place at or after `from` at which something may begin.
    pub fn next(&self, view: View<'_>, from: usize) -> Option<usize> {
        self.filter.next(view.bytes, from)
    }

    /// Where something may begin of which too little has come to tell; the end if nowhere.
    pub fn tail(&self, view: View<'_>, from: usize) -> usize {
        self.filter.tail(view.bytes, from)
    }

    /// Judges the place: the first rule that does not miss decides, among values the one that reaches furthest.
    pub fn judge(&self, view: View<'_>, at: usize) -> Outcome {
        self.judge_with(view, at, true)
    }

    fn judge_with(&self, view: View<'_>, at: usize, named: bool) -> Outcome {
        let mut best: Option<Hit> = None;
        for (_, rule) in self.filter.rules(view.bytes, at) {
            if best.is_some() && !matches!(rule, Rule::Value(..)) {
                break;
            }
            if !named && *rule == Rule::Named {
                continue;
            }
            match self.apply(*rule, view, at) {
                Outcome::Miss => {}
                Outcome::Wait(evidence) => return Outcome::Wait(evidence),
                Outcome::Hit(hit) if best.as_ref().is_some_and(|best| best.end >= hit.end) => {}
                Outcome::Hit(hit) => best = Some(hit),
            }
            if best.as_ref().is_some_and(|hit| hit.tag.is_none()) {
                break;
            }
        }
        match best {
            Some(hit) if named => self.widen(view, at, hit),
            Some(hit) => Outcome::Hit(hit),
            None => Outcome::Miss,
        }
    }

    fn apply(&self, rule: Rule, view: View<'_>, at: usize) -> Outcome {
        let outcome = match rule {
            Rule::Value(index, form) => return self.values[usize::from(index)].judge(view, at, form, 0),
            Rule::Block => judge_block(view, at, PRIVATE_KEY),
            Rule::Jwt => judge_jwt(view, at, JWT),
            Rule::Discord => judge_discord(view, at, DISCORD_TOKEN),
            Rule::Telegram => judge_telegram(view, at, TELEGRAM_TOKEN),
            Rule::Format(index) => {
                let (format, kind) = &self.formats[usize::from(index)];
                format.judge(view, at, *kind)
            }
            Rule::Bearer => judge_bearer(view, at, AUTHORIZATION),
            Rule::Url => judge_url(view, at, URL_PASSWORD),
            Rule::Named => judge_assignment(view, at, &self.names, self.named),
        };
        let Outcome::Hit(hit) = outcome else { return outcome };
        let text = &view.bytes[hit.start..hit.end];
        let allowed = hit.then.is_none() && self.allow.iter().any(|allowed| allowed == text);
        if allowed {
            return Outcome::Miss;
        }
        if matches!(rule, Rule::Named | Rule::Bearer) { self.refine(view, hit) } else { Outcome::Hit(hit) }
    }

    /// A value that is as a whole a token, or known, is named as that.
    fn refine(&self, view: View<'_>, hit: Hit) -> Outcome {
        match self.judge_with(view, hit.start, false) {
            Outcome::Wait(_) => Outcome::Wait(Some(hit.start)),
            Outcome::Hit(inner) if inner.then.is_some() || hit.then.is_none() && inner.end >= hit.end => {
                Outcome::Hit(inner)
            }
            _ => Outcome::Hit(hit),
        }
    }

    /// Takes in known values that begin before the end of `hit` and reach over one of its ends.
    fn widen(&self, view: View<'_>, at: usize, mut hit: Hit) -> Outcome {
        if self.values.is_empty() || hit.then.is_some() {
            return Outcome::Hit(hit);
        }
        let mut from = at + 1;
        while let Some(place) = self.filter.next(view.bytes, from).filter(|place| *place < hit.end) {
            for (_, rule) in self.filter.rules(view.bytes, place) {
                if !matches!(rule, Rule::Value(..)) {
                    break;
                }
                match self.apply(*rule, view, place) {
                    Outcome::Miss => {}
                    Outcome::Wait(_) => return Outcome::Wait(Some(hit.start.min(place))),
                    Outcome::Hit(value) if value.start >= hit.start && value.end <= hit.end => {}
                    Outcome::Hit(value) => {
                        let (start, end) = (hit.start.min(value.start), hit.end.max(value.end));
                        hit = Hit { start, end, ..value };
                    }
                }
            }
            from = place + 1;
        }
        // Two bytes of a value may stand at the very end.
        if !view.ended && hit.end + 2 > view.bytes.len() && self.tail(view, from) < hit.end {
            return Outcome::Wait(Some(hit.start));
        }
        Outcome::Hit(hit)
    }

    /// From where on the bytes at `at` are evidence of a secret, whichever rule says so.
    pub fn evidence(&self, view: View<'_>, at: usize) -> Option<usize> {
        let found = self.filter.rules(view.bytes, at).iter().filter_map(|(_, rule)| {
            match self.apply(*rule, view, at) {
                Outcome::Miss => None,
                Outcome::Wait(evidence) => evidence,
                Outcome::Hit(hit) => Some(hit.start),
            }
        });
        found.min()
    }
}
