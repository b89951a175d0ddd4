//! The policy chain: order, strictness, patches, faults.

use std::sync::Arc;
use std::sync::Mutex;

use proptest::prelude::*;
use weir_plugin::{
    Command, Context, Facts, FaultKind, OnFailure, PolicyChain, Script, SimpleCommand, Verdict, Word,
};

use super::support::{Host, chain, command, context, decide, no_facts, spec};

#[tokio::test]
async fn the_default_holds_if_nobody_has_an_opinion() {
    let host = Host::new();
    let silent = host.fixture("verdict", "{}").await;
    for (default, expected) in [
        (Verdict::Allow, Verdict::Allow),
        (Verdict::Ask, Verdict::Ask),
        (Verdict::Deny, Verdict::Deny),
        (Verdict::Pass, Verdict::Deny),
    ] {
        for policies in [vec![], vec![Arc::clone(&silent)]] {
            let ruling =
                PolicyChain { policies, default }.decide(command("ls"), &context(), &no_facts, false).await;
            assert_eq!((ruling.verdict, ruling.decider), (expected, None));
        }
    }
}

#[tokio::test]
async fn without_policies_no_facts_are_asked_for() {
    let facts = |_: &Command| -> Facts { panic!("asked for facts") };
    chain(&[]).decide(command("ls"), &context(), &facts, false).await;
}

#[tokio::test]
async fn the_decider_is_the_first_of_the_strictest_with_its_rule_and_reason() {
    let host = Host::new();
    let allow = host.fixture("verdict", r#"{"*": {"verdict": "allow"}}"#).await;
    let asks =
        |rule: &str| format!(r#"{{"*": {{"verdict": "ask", "rule": "{rule}", "reason": "because"}}}}"#);
    let (first, second) =
        (host.fixture("verdict", &asks("one")).await, host.fixture("verdict", &asks("two")).await);
    let ruling = decide(&[&allow, &first, &second], "ls").await;
    let decider = ruling.decider.unwrap();
    assert_eq!(ruling.verdict, Verdict::Ask);
    assert_eq!((decider.rule.as_deref(), decider.reason.as_deref()), (Some("one"), Some("because")));
    assert_eq!(ruling.opinions.len(), 3);
}

#[tokio::test]
async fn a_policy_is_told_all_that_there_is_to_know() {
    let host = Host::new();
    let mut spec = spec("verdict", r#"{"git": {"verdict": "allow", "tell": true}}"#);
    spec.grants.env = vec!["HO*".into(), "?ANG".into()];
    let plugin = host.load(spec).await;
    let facts = |_: &Command| Facts {
        program: Some("/usr/bin/git".into()),
        script: Script {
            commands: vec![SimpleCommand {
                argv: vec![
                    Word { text: "git".into(), literal: true },
                    Word { text: "$x".into(), literal: false },
                ],
                program: Some("/usr/bin/git".into()),
                depth: 2,
                via: vec!["env".into(), "bash".into()],
                ..SimpleCommand::default()
            }],
            opaque: vec!["a heredoc".into()],
        },
        env: Arc::new(
            ["HOME=/root", "LANG=C", "SECRET=x", "XLANG=y"]
                .map(|pair| pair.split_once('=').map(|(name, value)| (name.into(), value.into())).unwrap())
                .to_vec(),
        ),
    };
    let context = Context {
        session: "s9".into(),
        client: "editor".into(),
        interactive: true,
        tty: true,
        metadata: vec![("ticket".into(), "WEIR-1".into())],
    };
    let mut command = command("git status");
    command.env = vec![("A".into(), "1".into()), ("A".into(), "2".into())];
    let ruling = chain(&[&plugin]).decide(command, &context, &facts, false).await;
    let told = |name: &str| {
        let note = ruling.opinions[0].notes.iter().find(|(known, _)| known == name);
        note.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    assert_eq!(
        (told("argv"), told("cwd"), told("set")),
        ("git status".into(), "/work".into(), "A=1 A=2".into())
    );
    assert_eq!(told("env"), "HOME=/root LANG=C", "only what is granted");
    assert_eq!((told("session"), told("client")), ("s9".into(), "editor".into()));
    assert_eq!(
        (told("interactive"), told("tty"), told("final")),
        ("true".into(), "true".into(), "false".into())
    );
    assert_eq!((told("program"), told("metadata")), ("/usr/bin/git".into(), "WEIR-1".into()));
    let script = told("script");
    for part in [r#"text: "$x""#, "literal: false", "depth: 2", r#"["env", "bash"]"#, "a heredoc"] {
        assert!(script.contains(part), "`{part}` is missing in {script}");
    }
}

#[tokio::test]
async fn a_patch_is_seen_by_those_behind_it_at_once_and_by_all_in_the_final_pass() {
    let host = Host::new();
    let tells = r#"{"*": {"verdict": "pass", "tell": true}}"#;
    let before = host.fixture("verdict", tells).await;
    let rewrite =
        host.fixture("rewrite", r#"{"from": "ls", "argv": ["git", "status"], "cwd": "/else"}"#).await;
    let after = host.fixture("verdict", tells).await;
    let seen: Mutex<Vec<String>> = Mutex::default();
    let facts = |command: &Command| {
        seen.lock().unwrap().push(command.argv.join(" "));
        Facts::default()
    };
    let chain = chain(&[&before, &rewrite, &after]);
    let ruling = chain.decide(command("ls"), &context(), &facts, false).await;
    assert_eq!(ruling.verdict, Verdict::Allow);
    assert_eq!(ruling.decider.unwrap().plugin, "rewrite");
    assert_eq!(
        (&ruling.asked.argv[..], &ruling.command.argv[..]),
        (&["ls".into()][..], &["git".into(), "status".into()][..])
    );
    assert_eq!(ruling.command.cwd, "/else");
    let told = |name: &str| -> Vec<(u8, String)> {
        let notes = ruling.opinions.iter().filter(|opinion| !opinion.notes.is_empty());
        notes
            .map(|opinion| {
                (opinion.pass, opinion.notes.iter().find(|(known, _)| known == name).unwrap().1.clone())
            })
            .collect()
    };
    assert_eq!(
        told("argv"),
        [
            (1, "ls".to_owned()),
            (1, "git status".to_owned()),
            (2, "git status".to_owned()),
            (2, "git status".to_owned())
        ]
    );
    assert_eq!(
        told("final").into_iter().map(|(_, last)| last).collect::<Vec<_>>(),
        ["false", "false", "true", "true"]
    );
    assert_eq!(*seen.lock().unwrap(), ["ls", "git status"], "facts are asked once a version");
}

#[tokio::test]
async fn a_rewritten_command_is_denied_by_who_denies_what_it_became() {
    let host = Host::new();
    let guard = host.fixture("verdict", r#"{"rm": {"verdict": "deny", "rule": "no-rm"}}"#).await;
    let rewrite = host.fixture("rewrite", r#"{"from": "ls", "argv": ["rm", "-rf", "/"]}"#).await;
    let ruling = decide(&[&guard, &rewrite], "ls").await;
    assert_eq!((ruling.verdict, ruling.decider.unwrap().rule.as_deref()), (Verdict::Deny, Some("no-rm")));
}

#[tokio::test]
async fn a_patch_in_the_final_pass_is_a_fault_and_denies() {
    let host = Host::new();
    let again = host.fixture("rewrite", r#"{"from": "ls", "argv": ["ls", "-l"], "again": true}"#).await;
    let ruling = decide(&[&again], "ls").await;
    let fault = ruling.fault.unwrap();
    assert_eq!((ruling.verdict, fault.kind), (Verdict::Deny, FaultKind::Protocol));
    assert!(fault.message.contains("final pass"), "{fault}");
    assert_eq!(ruling.decider.unwrap().reason, Some(fault.message));
    assert_eq!(ruling.opinions.iter().map(|opinion| opinion.pass).collect::<Vec<_>>(), [1, 2]);
}

#[tokio::test]
async fn variables_are_taken_away_and_then_set_over_those_that_there_are() {
    let host = Host::new();
    let rewrite = host
        .fixture(
            "rewrite",
            r#"{"from": "ls", "envUnset": ["A", "C", "PAGER"], "envSet": [["B", "new"], ["C", "c"]], "ask": true}"#,
        )
        .await;
    let mut spec = spec("verdict", r#"{"ls": {"verdict": "pass", "tell": true}}"#);
    spec.grants.env = vec!["*".into()];
    let tells = host.load(spec).await;
    let mut command = command("ls");
    command.env = ["A=1", "B=2", "D=4", "B=3"]
        .map(|pair| pair.split_once('=').map(|(name, value)| (name.into(), value.into())).unwrap())
        .to_vec();
    let facts = |command: &Command| {
        let mut env = vec![("PAGER".to_owned(), "less".to_owned())];
        env.extend(command.env.clone());
        Facts { env: Arc::new(env), ..Facts::default() }
    };
    let ruling = chain(&[&rewrite, &tells]).decide(command, &context(), &facts, false).await;
    assert_eq!(ruling.verdict, Verdict::Ask);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(ruling.command.env, [pair("D", "4"), pair("B", "new"), pair("C", "c")]);
    assert_eq!(ruling.env_unset, ["A", "PAGER"], "what the command must not inherit either");
    let seen = &ruling.opinions.last().unwrap().notes.iter().find(|(name, _)| name == "env").unwrap().1;
    assert_eq!(
        seen, "D=4 B=new C=c",
        "a variable that is taken away is not shown as one that the command has"
    );
}

#[tokio::test]
async fn a_fault_denies_or_asks_as_it_is_configured_and_somebody_is_there() {
    let host = Host::new();
    let allow = host.fixture("verdict", r#"{"*": {"verdict": "allow"}}"#).await;
    for (on_failure, interactive, expected) in [
        (OnFailure::Deny, true, Verdict::Deny),
        (OnFailure::Deny, false, Verdict::Deny),
        (OnFailure::Ask, true, Verdict::Ask),
        (OnFailure::Ask, false, Verdict::Deny),
    ] {
        let mut spec = spec("hostile", r#"{"do": "fail", "hook": "check"}"#);
        spec.on_failure = on_failure;
        let broken = host.load(spec).await;
        let context = Context { interactive, ..context() };
        let ruling = chain(&[&broken, &allow]).decide(command("ls"), &context, &no_facts, false).await;
        assert_eq!(ruling.verdict, expected);
        assert_eq!(ruling.fault.unwrap().kind, FaultKind::Failure);
        assert_eq!(ruling.decider.unwrap().plugin, "hostile");
    }
}

#[tokio::test]
async fn a_fault_that_asks_does_not_soften_a_deny() {
    let host = Host::new();
    let mut spec = spec("hostile", r#"{"do": "fail", "hook": "check"}"#);
    spec.on_failure = OnFailure::Ask;
    let broken = host.load(spec).await;
    let deny = host.fixture("verdict", r#"{"*": {"verdict": "deny"}}"#).await;
    let ruling = decide(&[&broken, &deny], "ls").await;
    assert_eq!((ruling.verdict, ruling.fault), (Verdict::Deny, None));
}

#[tokio::test]
async fn the_chain_stops_at_a_deny_unless_all_opinions_are_wanted() {
    let host = Host::new();
    let deny = host.fixture("verdict", r#"{"*": {"verdict": "deny"}}"#).await;
    let allow = host.fixture("verdict", r#"{"*": {"verdict": "allow"}}"#).await;
    let chain = chain(&[&deny, &allow]);
    for (all, opinions) in [(false, 1), (true, 2)] {
        let ruling = chain.decide(command("ls"), &context(), &no_facts, all).await;
        assert_eq!((ruling.verdict, ruling.opinions.len()), (Verdict::Deny, opinions));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_commands_at_once_are_each_answered_for_themselves() {
    let host = Host::new();
    let answers: Vec<String> = (0..40)
        .map(|number| {
            format!(r#""c{number}": {{"verdict": "{}", "rule": "r{number}"}}"#, ["allow", "deny"][number % 2])
        })
        .collect();
    let plugin = host.fixture("verdict", &format!("{{{}}}", answers.join(", "))).await;
    let asked: Vec<_> = (0..40)
        .map(|number| {
            let chain = chain(&[&plugin]);
            tokio::spawn(async move {
                chain.decide(command(&format!("c{number}")), &context(), &no_facts, false).await
            })
        })
        .collect();
    for (number, ruling) in asked.into_iter().enumerate() {
        let ruling = ruling.await.unwrap();
        assert_eq!(ruling.verdict, [Verdict::Allow, Verdict::Deny][number % 2]);
        assert_eq!(ruling.decider.unwrap().rule, Some(format!("r{number}")));
    }
    assert_eq!((plugin.figures().calls, plugin.figures().faults), (40, 0));
}

#[tokio::test]
async fn a_decision_that_is_dropped_costs_an_instance_and_the_next_is_answered() {
    let host = Host::new();
    let spinning = host.fixture("hostile", r#"{"do": "spin", "hook": "check", "after": 1}"#).await;
    assert_eq!(decide(&[&spinning], "ls").await.verdict, Verdict::Allow);
    let chain = chain(&[&spinning]);
    let dropped = async { chain.decide(command("ls"), &context(), &no_facts, false).await };
    tokio::select! {
        biased;
        _ = dropped => panic!("a guest that spins gives way before it is interrupted"),
        () = tokio::task::yield_now() => {}
    }
    // A new instance counts anew: its first call is answered.
    assert_eq!(decide(&[&spinning], "ls").await.verdict, Verdict::Allow);
    assert_eq!(host.faults(), [], "nobody is blamed for what was dropped");
}

/// The rule as a person would write it down: the strictest of what is said, else the default.
fn model(verdicts: &[Verdict], default: Verdict) -> Verdict {
    for strictest in [Verdict::Deny, Verdict::Ask, Verdict::Allow] {
        if verdicts.contains(&strictest) {
            return strictest;
        }
    }
    default
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn the_strictest_opinion_holds_in_every_order(
        said in prop::collection::vec(0_usize..4, 0..8),
        default in 0_usize..3,
        all: bool,
    ) {
        let verdicts = [Verdict::Pass, Verdict::Allow, Verdict::Ask, Verdict::Deny];
        let default = [Verdict::Allow, Verdict::Ask, Verdict::Deny][default];
        let ruling = with_policies(|runtime, policies| {
            let policies = said.iter().map(|index| Arc::clone(&policies[*index])).collect();
            let chain = PolicyChain { policies, default };
            runtime.block_on(chain.decide(command("ls"), &context(), &no_facts, all))
        });
        let said: Vec<Verdict> = said.iter().map(|index| verdicts[*index]).collect();
        prop_assert_eq!(ruling.verdict, model(&said, default));
        let first_deny = said.iter().position(|verdict| *verdict == Verdict::Deny);
        let asked = if all { said.len() } else { first_deny.map_or(said.len(), |index| index + 1) };
        prop_assert_eq!(ruling.opinions.len(), asked);
        let answers: Vec<_> = ruling.opinions.iter().map(|opinion| opinion.verdict.unwrap()).collect();
        prop_assert_eq!(&answers[..], &said[..asked]);
    }
}

/// Four policies, one for each verdict, loaded once for all cases.
fn with_policies<T>(ask: impl FnOnce(&tokio::runtime::Runtime, &[Arc<weir_plugin::Plugin>]) -> T) -> T {
    type Loaded = (tokio::runtime::Runtime, Vec<Arc<weir_plugin::Plugin>>);
    static LOADED: std::sync::OnceLock<Loaded> = std::sync::OnceLock::new();
    let (runtime, policies) = LOADED.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let policies = runtime.block_on(async {
            let host = Host::new();
            let mut policies = Vec::new();
            for verdict in ["pass", "allow", "ask", "deny"] {
                policies
                    .push(host.fixture("verdict", &format!(r#"{{"*": {{"verdict": "{verdict}"}}}}"#)).await);
            }
            policies
        });
        (runtime, policies)
    });
    ask(runtime, policies)
}
