//! Properties that hold for every rule and every command.

mod support;

use std::sync::LazyLock;

use proptest::prelude::*;
use support::{at, policy};
use weir_rules::model::{Request, Simple, Verdict, Word};
use weir_rules::pattern::{Argument, Match, Pattern};
use weir_rules::policy::Policy;

/// The simplest matcher of a plain pattern.
fn reference(pattern: &[&str], words: &[&str]) -> bool {
    match (pattern.split_first(), words.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), _) => (0..=words.len()).any(|skip| reference(rest, &words[skip..])),
        (Some((&"*", pattern)), Some((_, words))) => reference(pattern, words),
        (Some((expected, pattern)), Some((word, words))) => expected == word && reference(pattern, words),
        _ => false,
    }
}

/// The simplest matcher of a strict pattern without options in it: what follows does not matter, and options, with or
/// without a value, may stand before any word.
fn strict_reference(pattern: &[&str], words: &[&str]) -> bool {
    if pattern.iter().all(|word| *word == "**") {
        return true;
    }
    let Some((word, rest)) = words.split_first() else {
        return false;
    };
    let skipped = word.starts_with('-')
        && (strict_reference(pattern, rest) || !rest.is_empty() && strict_reference(pattern, &rest[1..]));
    let taken = match pattern.split_first() {
        Some((&"**", after)) => strict_reference(after, words) || strict_reference(pattern, rest),
        Some((&"*", after)) => strict_reference(after, rest),
        Some((expected, after)) => expected == word && strict_reference(after, rest),
        None => true,
    };
    skipped || taken
}

fn arguments(words: &[Word]) -> Vec<Argument<'_>> {
    words.iter().map(Argument::new).collect()
}

fn some_words() -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "-x", "--yes"]), 0..6)
}

fn some_pattern() -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "*", "**"]), 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn plain_matching_is_what_the_reference_does(pattern in some_pattern(), words in some_words()) {
        let compiled = Pattern::parse(&format!("p {}", pattern.join(" "))).unwrap();
        let argv: Vec<Word> = words.iter().map(|word| Word::plain(word)).collect();
        prop_assert_eq!(compiled.matches_plainly(&argv), reference(&pattern, &words));
    }

    #[test]
    fn strict_matching_is_what_the_reference_does(pattern in some_pattern(), words in some_words()) {
        let compiled = Pattern::parse(&format!("p {}", pattern.join(" "))).unwrap();
        let argv: Vec<Word> = words.iter().map(|word| Word::plain(word)).collect();
        let expected = if strict_reference(&pattern, &words) { Match::Yes } else { Match::No };
        prop_assert_eq!(compiled.matches_strictly("p", &arguments(&argv), false), expected);
    }

    #[test]
    fn what_matches_plainly_matches_strictly(pattern in some_pattern(), words in some_words()) {
        let compiled = Pattern::parse(&format!("p {}", pattern.join(" "))).unwrap();
        let argv: Vec<Word> = words.iter().map(|word| Word::plain(word)).collect();
        if compiled.matches_plainly(&argv) {
            prop_assert_eq!(compiled.matches_strictly("p", &arguments(&argv), false), Match::Yes);
        }
    }

    #[test]
    fn hiding_words_in_an_expansion_never_escapes_a_strict_pattern(
        pattern in some_pattern(), words in some_words(), from in 0_usize..6, length in 0_usize..4,
    ) {
        let compiled = Pattern::parse(&format!("p {}", pattern.join(" "))).unwrap();
        let plain: Vec<Word> = words.iter().map(|word| Word::plain(word)).collect();
        let from = from.min(plain.len());
        let to = (from + length).min(plain.len());
        let mut hidden = plain.clone();
        hidden.splice(from..to, [Word { text: "$x".to_owned(), literal: false }]);
        if compiled.matches_strictly("p", &arguments(&plain), false) != Match::No {
            prop_assert_ne!(compiled.matches_strictly("p", &arguments(&hidden), false), Match::No);
        }
    }

    #[test]
    fn the_strictest_verdict_wins(lines in prop::collection::vec(some_line(), 1..5), opaque in any::<bool>()) {
        let policy = policy(RULES);
        let commands: Vec<Simple> = lines.iter().map(|line| at(1, line)).collect();
        let request = Request {
            cwd: "/w".to_owned(), commands, opaque: opaque.then(|| "x".to_owned()).into_iter().collect(), ..Request::default()
        };
        let verdict = policy.judge(&request).verdict;
        let has = |word: &str| lines.iter().any(|line| line.contains(word));
        let expected = if has("deny") {
            Verdict::Deny
        } else if has("ask") || opaque {
            Verdict::Ask
        } else if !has("other") && has("allow") {
            Verdict::Allow
        } else {
            Verdict::Pass
        };
        prop_assert_eq!(verdict, expected);
    }

    #[test]
    fn one_command_more_never_makes_a_verdict_milder_but_for_neutral_ones(
        lines in prop::collection::vec(some_line(), 1..4), more in some_line(), at_front in any::<bool>(),
    ) {
        let policy = policy(RULES);
        let mut commands: Vec<Simple> = lines.iter().map(|line| at(1, line)).collect();
        let judge = |commands: Vec<Simple>| {
            policy.judge(&Request { cwd: "/w".to_owned(), commands, ..Request::default() }).verdict
        };
        let before = judge(commands.clone());
        commands.insert(if at_front { 0 } else { commands.len() }, at(1, more));
        let after = judge(commands);
        let rank = |verdict| match verdict { Verdict::Allow => 0, Verdict::Pass => 1, Verdict::Ask => 2, Verdict::Deny => 3 };
        let all_neutral = lines.iter().all(|line| *line == "true");
        prop_assert!(rank(after) >= rank(before) || all_neutral && before == Verdict::Pass);
    }

    #[test]
    fn no_configuration_and_no_command_panics(config in "\\PC{0,40}", words in prop::collection::vec("\\PC{0,12}", 0..6), literal in any::<bool>()) {
        let _ = weir_rules::config::read(&config);
        let _ = weir_rules::config::read(&serde_json::json!({"deny": words, "ask": [config.clone()]}).to_string());
        let argv = words.iter().map(|text| Word { text: text.clone(), literal }).collect();
        let commands = vec![Simple { argv, program: Some(config.clone()), ..Simple::default() }];
        let request = Request { cwd: config.clone(), commands, env: vec![(config.clone(), config)], ..Request::default() };
        prop_assert_ne!(CAUTIOUS.judge(&request).verdict, Verdict::Allow);
    }
}

static CAUTIOUS: LazyLock<Policy> = LazyLock::new(|| policy(r#"{"preset": "cautious"}"#));

const RULES: &str = r#"{"allow": ["allow **"], "ask": ["ask"], "deny": ["deny"]}"#;

fn some_line() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["allow", "allow x", "ask", "ask x", "deny", "deny x", "other", "true"])
}
