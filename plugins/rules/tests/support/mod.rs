//! Requests for tests. A script is written as lines of words; the host's part (taking shell text apart) is not here.
#![allow(dead_code, reason = "each test file uses a part")]

use weir_rules::config;
use weir_rules::model::{Assignment, Decision, Redirect, Request, Simple, Verdict, Word};
use weir_rules::policy::Policy;

/// The policy of a configuration that must be right.
pub fn policy(config: &str) -> Policy {
    config::read(config).unwrap_or_else(|error| panic!("{error}\n{config}"))
}

/// A word: literal unless it begins with `~$` (then the rest is as written).
pub fn word(text: &str) -> Word {
    match text.strip_prefix("~$") {
        Some(open) => Word { text: open.to_owned(), literal: false },
        None => Word::plain(text),
    }
}

/// A command at a depth, in words that blanks separate; `NAME=value` in front are assignments, `>file` and the like
/// are redirects.
pub fn at(depth: u32, line: &str) -> Simple {
    let mut simple = Simple { depth, ..Simple::default() };
    for text in line.split(' ').filter(|text| !text.is_empty()) {
        if let Some((name, value)) = text.split_once('=')
            && simple.argv.is_empty()
            && !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            simple.assignments.push(Assignment { name: name.to_owned(), value: word(value) });
        } else if let Some(operator) = ["&>>", "&>", ">>", ">|", ">&", "<>", ">", "<<<", "<"]
            .into_iter()
            .find(|operator| text.starts_with(operator))
        {
            let target = word(&text[operator.len()..]);
            simple.redirects.push(Redirect { operator: operator.to_owned(), descriptor: None, target });
        } else {
            simple.argv.push(word(text));
        }
    }
    simple.via = (0..depth).map(|_| "bash".to_owned()).collect();
    simple
}

/// What `bash -lc` gives for these commands.
pub fn shell(lines: &[&str]) -> Request {
    let text = lines.join("; ");
    let mut outer = Simple::plain(&["bash", "-lc", &text]);
    outer.program = Some("/usr/bin/bash".to_owned());
    let mut commands = vec![outer];
    commands.extend(lines.iter().map(|line| at(1, line)));
    Request { cwd: "/home/me/work".to_owned(), commands, ..Request::default() }
}

/// A command without a shell.
pub fn direct(line: &str) -> Request {
    Request { cwd: "/home/me/work".to_owned(), commands: vec![at(0, line)], ..Request::default() }
}

/// A wrapper with what it runs.
pub fn wrapped(outer: &str, inner: &str) -> Request {
    Request {
        cwd: "/home/me/work".to_owned(),
        commands: vec![at(0, outer), at(1, inner)],
        ..Request::default()
    }
}

/// The verdict, shown with its reason if it is another.
pub fn expect(policy: &Policy, request: &Request, expected: Verdict) -> Decision {
    let decision = policy.judge(request);
    assert_eq!(decision.verdict, expected, "{decision:?}\n{request:?}");
    decision
}
