//! Cases of policies: a command goes in, a decision comes out.

use std::sync::Arc;

use weir_plugin::{Command, Context, Opinion, Plugin, PolicyChain, Verdict};

use super::super::sample;
use super::Outcome;
use super::case::PolicyCase;

pub(super) async fn run(plugin: &Arc<Plugin>, case: &PolicyCase, env: &[(String, String)]) -> Outcome {
    let chain = PolicyChain { policies: vec![Arc::clone(plugin)], default: Verdict::Allow };
    let context = Context {
        interactive: case.interactive.unwrap_or(true),
        tty: case.tty,
        metadata: case.metadata.clone().into_iter().collect(),
        ..sample::context()
    };
    let facts = |command: &Command| sample::facts(command, env);
    let ruling = chain.decide(case.asked(), &context, &facts, true).await;
    // Of both passes, if there were two: the strictest is what holds.
    let strictest = ruling.opinions.iter().max_by_key(|opinion| opinion.verdict.map(strictness));
    if let Some(fault) = ruling.opinions.iter().find_map(|opinion| opinion.fault.as_ref()) {
        return Outcome::fault(fault, "");
    }
    let Some(opinion) = strictest else {
        return Outcome::Failed(vec!["expected an opinion, saw none".to_owned()]);
    };
    let mut complaints = compare(case, opinion);
    let Command { argv, cwd, .. } = &ruling.command;
    if let Some(expected) = case.argv_after.as_ref().filter(|expected| *expected != argv) {
        complaints.push(format!("argvAfter: expected {expected:?}, saw {argv:?}"));
    }
    if let Some(expected) = case.cwd_after.as_ref().filter(|expected| *expected != cwd) {
        complaints.push(format!("cwdAfter: expected `{expected}`, saw `{cwd}`"));
    }
    Outcome::of(complaints)
}

fn compare(case: &PolicyCase, opinion: &Opinion) -> Vec<String> {
    let mut complaints = Vec::new();
    let (rule, reason) = (opinion.rule.as_deref(), opinion.reason.as_deref());
    let verdict = opinion.verdict.map_or("none", Verdict::word);
    if verdict != case.verdict.word() {
        let why = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        let by = rule.map(|rule| format!(" by rule `{rule}`")).unwrap_or_default();
        complaints.push(format!("verdict: expected {}, saw {verdict}{by}{why}", case.verdict.word()));
    }
    if let Some(expected) = case.rule.as_deref().filter(|expected| Some(*expected) != rule) {
        complaints.push(format!("rule: expected `{expected}`, saw {}", quoted(rule)));
    }
    if let Some(part) = &case.reason_contains
        && !reason.is_some_and(|reason| reason.contains(part))
    {
        complaints.push(format!("reasonContains: expected `{part}` in it, saw {}", quoted(reason)));
    }
    complaints
}

fn quoted(text: Option<&str>) -> String {
    text.map_or("none".to_owned(), |text| format!("`{text}`"))
}

fn strictness(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Pass => 0,
        Verdict::Allow => 1,
        Verdict::Ask => 2,
        Verdict::Deny => 3,
    }
}
