//! The component: types of the interface to and from those of this crate, and nothing else.

use std::cell::OnceCell;

wit_bindgen::generate!({ path: "../../wit", world: "policy-plugin" });

use exports::weir::plugin::{plugin, policy};
use weir::plugin::host;
use weir::plugin::types;

use crate::model;

struct Rules;

thread_local! {
    static POLICY: OnceCell<crate::policy::Policy> = const { OnceCell::new() };
}

impl plugin::Guest for Rules {
    fn init(config: String) -> Result<(), types::Failure> {
        let policy = crate::config::read(&config).map_err(|message| failure("bad-config", message))?;
        POLICY.with(|cell| cell.set(policy)).map_err(|_| {
            failure("bad-state", "expected `init` once for an instance, found a second call".to_owned())
        })
    }
}

impl policy::Guest for Rules {
    fn check(cmd: types::Command, inv: &host::Invocation) -> Result<types::Decision, types::Failure> {
        let script = inv.script();
        let request = model::Request {
            cwd: cmd.cwd,
            env: cmd.env,
            commands: script.commands.into_iter().map(simple).collect(),
            opaque: script.opaque,
        };
        POLICY.with(|cell| match cell.get() {
            Some(policy) => Ok(decision(policy.judge(&request))),
            None => Err(failure("bad-state", "expected `init` before `check`, found none".to_owned())),
        })
    }
}

fn failure(code: &str, message: String) -> types::Failure {
    types::Failure { code: code.to_owned(), message }
}

fn simple(command: host::SimpleCommand) -> model::Simple {
    model::Simple {
        argv: command.argv.into_iter().map(word).collect(),
        program: command.program,
        assignments: command
            .assignments
            .into_iter()
            .map(|set| model::Assignment { name: set.name, value: word(set.value) })
            .collect(),
        redirects: command
            .redirects
            .into_iter()
            .map(|redirect| model::Redirect {
                operator: redirect.operator,
                descriptor: redirect.descriptor,
                target: word(redirect.target),
            })
            .collect(),
        depth: command.depth,
        via: command.via,
        handed: None,
    }
}

fn word(word: host::Word) -> model::Word {
    model::Word { text: word.text, literal: word.literal }
}

fn decision(decision: model::Decision) -> types::Decision {
    types::Decision {
        verdict: match decision.verdict {
            model::Verdict::Pass => types::Verdict::Pass,
            model::Verdict::Allow => types::Verdict::Allow,
            model::Verdict::Ask => types::Verdict::Ask,
            model::Verdict::Deny => types::Verdict::Deny,
        },
        reason: decision.reason,
        rule: decision.rule,
        patch: None,
        notes: decision.notes,
    }
}

export!(Rules);
