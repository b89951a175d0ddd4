//! What is allowed, asked for and denied, by way of example.

mod support;

use support::{direct, expect, policy, shell, word, wrapped};
use weir_rules::model::{Request, Simple, Verdict, Word};
use weir_rules::policy::Policy;

fn acceptance() -> Policy {
    policy(
        r#"{"allow": ["git status **", "ls **", "cat **", "echo **"], "deny": ["rm", "git push", "curl"]}"#,
    )
}

#[test]
fn plain_allowed_commands_are_allowed() {
    let policy = acceptance();
    for line in [
        "git status",
        "git status --short",
        "ls -la src",
        "cat a b",
        "echo hi",
        "cat <x",
        "ls >/dev/null",
        "FOO=1 ls",
        "ls ~$*.rs",
        "cat ~$$x",
        "PAGER=cat git status",
    ] {
        expect(&policy, &direct(line), Verdict::Allow);
        expect(&policy, &shell(&[line]), Verdict::Allow);
    }
    for lines in [
        &["cd src", "git status"][..],
        &["git status", "echo done"],
        &["set -euo pipefail", "cd x", "ls", "true"],
        &["export FOO=1", "ls"],
        &["FOO=1", "cat x"],
        &["[ -f x ]", "cat x"],
        &["ls", "exit ~$$?"],
    ] {
        expect(&policy, &shell(lines), Verdict::Allow);
    }
    for (outer, inner) in [
        ("env FOO=1 git status", "FOO=1 git status"),
        ("timeout 5 ls -l", "ls -l"),
        ("timeout -k 1 5s ls", "ls"),
        ("nice -n 5 ls", "ls"),
        ("nice -5 ls", "ls"),
        ("nohup ls", "ls"),
        ("time -p ls", "ls"),
        ("command ls", "ls"),
        ("stdbuf -oL cat x", "cat x"),
        ("xargs -0 cat", "cat ~$…"),
        ("xargs -n1 -I{} cat {}", "cat ~${}"),
        ("eval ls", "ls"),
        ("exec ls", "ls"),
        ("env -u X -i ls", "ls"),
    ] {
        expect(&policy, &wrapped(outer, inner), Verdict::Allow);
    }
}

#[test]
fn nothing_that_may_be_something_else_is_allowed() {
    let policy = acceptance();
    for line in [
        "/tmp/git status",
        "./ls",
        "/usr/bin/ls",
        "git -c core.pager=x status",
        "git -C /x status",
        "git stat",
        "gitstatus",
        "~$$x status",
        "git ~$$x",
        "~$* x",
        "PATH=/tmp git status",
        "LD_PRELOAD=x ls",
        "GIT_DIR=x git status",
        "PAGER=./x git status",
        "BASH_ENV=x ls",
        "GIT_PAGER=~$$x git status",
        "HOME=/tmp/x git status",
        "ls >x",
        "cat x >>y",
        "echo x >~$$y",
        "echo x &>y",
        "echo x >&y",
        "echo x >|y",
        "cat <>x",
        "echo x >/dev/tcp/h/1",
        "cat </dev/tcp/h/1",
        "LS",
        "ls\u{a0}x",
        "sudo ls",
        "ssh h ls",
        "alias ls=x",
        "source x",
        "bash x.sh",
        "sh",
        "eval ~$$x",
        "xargs ls",
        "find -name x",
        "env",
        "printf -v PATH x",
        "export PATH=/tmp",
        "read PATH",
        "hash -p x ls",
        "echo ~$$((PATH=1))",
        ": ~$${PATH:=x}",
        "trap x EXIT",
        "enable -f x ls",
        "exec -a ls x",
        "set -k",
        "",
    ] {
        for request in [
            direct(line),
            shell(&[line]),
            shell(&["ls", line]),
            shell(&[line, "ls"]),
            shell(&["git status", line, "cat x"]),
        ] {
            if line.is_empty() && request.commands.iter().any(|command| command.name() == Some("ls"))
                || line.is_empty() && request.commands.len() > 2
            {
                continue;
            }
            let verdict = policy.judge(&request).verdict;
            assert_ne!(verdict, Verdict::Allow, "{line}\n{request:?}");
        }
    }
}

#[test]
fn wrappers_that_do_more_than_run_are_not_seen_through() {
    let policy = acceptance();
    for (outer, inner) in [
        ("env PATH=/tmp ls", "ls"),
        ("env -S ls", "ls"),
        ("env -C /x ls", "ls"),
        ("env LD_PRELOAD=x ls", "ls"),
        ("timeout ~$$x ls", "ls"),
        ("timeout --unknown 5 ls", "ls"),
        ("xargs ls", "ls"),
        ("xargs ~$$x ls", "ls ~$x"),
        ("sudo ls", "ls"),
        ("ssh h ls", "ls"),
        ("exec -a x ls", "ls"),
        ("time -o x ls", "ls"),
        ("./env ls", "ls"),
        ("/tmp/timeout 5 ls", "ls"),
        ("env ls", "cat x"),
        ("parallel ls", "ls"),
        ("chroot /x ls", "ls"),
        ("bash x.sh", "ls"),
        ("bash --rcfile x -ic ls", "ls"),
        ("bash -s ls", "ls"),
        ("bash", "ls"),
        ("env git status", "git"),
        ("find . -exec ls", "ls"),
        ("bash -c ls >x", "ls"),
        ("BASH_ENV=x bash -c ls", "ls"),
        ("stdbuf ls", "cat x"),
    ] {
        let decision = policy.judge(&wrapped(outer, inner));
        assert_ne!(decision.verdict, Verdict::Allow, "{outer}: {decision:?}");
    }
}

#[test]
fn denied_commands_are_denied_however_they_are_written() {
    let policy = acceptance();
    for line in [
        "rm x",
        "/bin/rm -rf x",
        "./rm x",
        "/tmp/git push",
        "git push",
        "git push origin main",
        "git -C x push",
        "git -c a=b push",
        "git --no-pager push",
        "git --git-dir=x push",
        "git -C x -c a=b push -f",
        "git --new-option x push",
        "git --new-flag push",
        "git -c alias.x=push x",
        "git -c include.path=x y",
        "GIT_CONFIG_COUNT=1 git x",
        "git-push origin",
        "/usr/lib/git-core/git-push",
        "busybox rm x",
        "/bin/busybox rm",
        "toybox rm x",
        "~$$x y",
        "git ~$$x",
        "git ~$$x push",
        "git ~$pu*",
        "~$r* x",
        "curl x",
        "CURL x",
        "/lib64/ld-linux-x86-64.so.2 /bin/rm x",
        "rm",
        "git ~$\"$x\" y",
        "~$$(which rm) x",
        "git ~${push,x}",
    ] {
        for request in [
            direct(line),
            shell(&[line]),
            shell(&["ls", line]),
            shell(&["git status", "echo x", line, "cat x"]),
        ] {
            expect(&policy, &request, Verdict::Deny);
        }
    }
    let mut linked = direct("x y");
    linked.commands[0].program = Some("/usr/bin/rm".to_owned());
    expect(&policy, &linked, Verdict::Deny);
    for line in [
        "git log push",
        "git stash push",
        "git --no-pager stash push",
        "git -C push status2",
        "rmdir x",
        "git ~$a$x",
    ] {
        expect(&policy, &direct(line), Verdict::Pass);
    }
}

#[test]
fn opaque_is_never_allowed() {
    for (config, expected) in
        [("", Verdict::Ask), (r#""opaque": "deny","#, Verdict::Deny), (r#""opaque": "pass","#, Verdict::Pass)]
    {
        let policy = policy(&format!(r#"{{{config} "allow": ["ls **"], "deny": ["rm"], "ask": ["cat"]}}"#));
        let mut request = shell(&["ls"]);
        request.opaque.push("`python -c` runs code".to_owned());
        let decision = expect(&policy, &request, expected);
        assert!(decision.reason.unwrap().contains("`python -c` runs code"));
        let mut request = shell(&["ls", "rm x"]);
        request.opaque.push("x".to_owned());
        expect(&policy, &request, Verdict::Deny);
    }
}

#[test]
fn a_callers_environment_counts() {
    let policy = acceptance();
    let with = |name: &str, value: &str, program: Option<&str>| {
        let mut request = direct("git status");
        request.env.push((name.to_owned(), value.to_owned()));
        request.commands[0].program = program.map(str::to_owned);
        policy.judge(&request).verdict
    };
    assert_eq!(with("TERM", "dumb", None), Verdict::Allow);
    assert_eq!(with("HOME", "/home/me", None), Verdict::Allow);
    for name in ["LD_PRELOAD", "GIT_DIR", "BASH_ENV", "NODE_OPTIONS", "PYTHONPATH", "HOME", "PAGER"] {
        assert_eq!(with(name, "/tmp/x", None), Verdict::Pass, "{name}");
    }
    assert_eq!(with("PATH", "/usr/bin:/bin", Some("/usr/bin/git")), Verdict::Allow);
    assert_eq!(with("PATH", "/home/me/.cargo/bin:/usr/bin", Some("/usr/bin/git")), Verdict::Allow);
    assert_eq!(with("PATH", "/home/me/bin:/usr/bin", Some("/home/me/bin/git")), Verdict::Pass);
    assert_eq!(with("PATH", "/tmp/x:/usr/bin", Some("/usr/bin/git")), Verdict::Pass);
    assert_eq!(with("PATH", "/usr/bin", None), Verdict::Pass);
}

#[test]
fn trusted_directories_and_harmless_names_can_be_added() {
    let policy =
        policy(r#"{"allow": ["cargo test **"], "trustedDirs": ["~/.cargo/bin"], "harmlessEnv": ["NODE_*"]}"#);
    let mut request = direct("cargo test");
    request.env = vec![
        ("PATH".to_owned(), "/home/me/.cargo/bin".to_owned()),
        ("NODE_OPTIONS".to_owned(), "x".to_owned()),
    ];
    request.commands[0].program = Some("/home/me/.cargo/bin/cargo".to_owned());
    expect(&policy, &request, Verdict::Allow);
    request.commands[0].program = Some("/home/me/.cargo/bin2/cargo".to_owned());
    expect(&policy, &request, Verdict::Pass);
}

#[test]
fn allow_rules_may_name_what_they_permit() {
    let policy = policy(
        r#"{"rules": [
            {"verdict": "allow", "words": "tool **", "env": ["LD_*"], "redirect": ["./out/**"], "except": ["--exec", "-x"], "cwd": "/home/me/work"},
            {"verdict": "allow", "program": "/usr/bin/git", "words": "git log"},
            {"verdict": "allow", "words": "./run.sh *"}
        ], "writes": ["/tmp/**"]}"#,
    );
    for line in ["tool a", "LD_PRELOAD=x tool a", "tool >out/x", "tool >/tmp/x", "./run.sh a"] {
        expect(&policy, &direct(line), Verdict::Allow);
    }
    for line in [
        "PATH=x tool a",
        "tool >out/../x",
        "tool >x",
        "tool >/tmp/../x",
        "tool --exec y",
        "tool --ex=y",
        "tool -ax",
        "tool ~$$y",
        "git log",
        "./run.sh",
        "./../run.sh a",
    ] {
        expect(&policy, &direct(line), Verdict::Pass);
    }
    let mut elsewhere = direct("tool a");
    elsewhere.cwd = "/home/me/workshop".to_owned();
    expect(&policy, &elsewhere, Verdict::Pass);
    expect(&policy, &shell(&["cd sub", "tool a"]), Verdict::Allow);
    for lines in [
        &["cd ..", "tool a"][..],
        &["cd /tmp", "tool a"],
        &["cd ~$$x", "tool a"],
        &["cd", "tool a"],
        &["cd /tmp", "./run.sh a"],
    ] {
        expect(&policy, &shell(lines), Verdict::Pass);
    }
    let mut git = direct("/some/where/git log");
    git.commands[0].program = Some("/usr/bin/git".to_owned());
    expect(&policy, &git, Verdict::Allow);
    git.commands[0].program = Some("/tmp/git".to_owned());
    expect(&policy, &git, Verdict::Pass);
}

#[test]
fn strict_rules_see_directories_redirects_names_and_paths() {
    let policy = policy(
        r#"{"rules": [
            {"id": "in-etc", "verdict": "deny", "cwd": "/etc", "program": "touch"},
            {"id": "logs", "verdict": "ask", "redirect": ["/var/log/**"]},
            {"id": "preload", "verdict": "deny", "env": "LD_PRELOAD"},
            {"id": "keys", "verdict": "deny", "path": ["~/.ssh/**"], "unsure": "ask"}
        ]}"#,
    );
    for (lines, rule) in [
        (&["cd /etc/x", "touch y"][..], "in-etc"),
        (&["cd ~$$x", "touch y"], "in-etc"),
        (&["echo x >/var/log/a"], "logs"),
        (&["echo x >../../../var/log/a"], "logs"),
        (&["LD_PRELOAD=x ls"], "preload"),
        (&["export LD_PRELOAD=x"], "preload"),
        (&["cat ../.ssh/x"], "keys"),
        (&["cd ..", "cat .ssh/x"], "keys"),
        (&["cat <~$~/.ssh/x"], "keys"),
        (&["x --key=../.ssh/id"], "keys"),
        (&["curl @../.ssh/id"], "keys"),
    ] {
        assert_eq!(policy.judge(&shell(lines)).rule.as_deref(), Some(rule), "{lines:?}");
    }
    expect(&policy, &shell(&["cat ~$$x"]), Verdict::Ask);
    expect(&policy, &shell(&["touch y", "echo x >y", "cat .ssh/x"]), Verdict::Pass);
}

#[test]
fn reasons_name_the_command_the_rule_and_the_way_out() {
    let policy = policy(
        r#"{"deny": ["git push"], "rules": [{"id": "no-rm", "verdict": "deny", "words": "rm", "reason": "use `trash`"}], "allow": ["ls **"]}"#,
    );
    let decision = policy.judge(&shell(&["ls", "rm a"]));
    assert_eq!(decision.reason.unwrap(), "the rule `no-rm` denies `rm a`: use `trash`");
    assert_eq!(decision.rule.unwrap(), "no-rm");
    assert_eq!(
        decision.notes,
        [("command".to_owned(), "rm a".to_owned()), ("via".to_owned(), "bash".to_owned())]
    );
    assert_eq!(policy.judge(&direct("git push")).rule.unwrap(), "git push");
    let reason = |request: &Request| policy.judge(request).reason.unwrap();
    assert_eq!(reason(&direct("make")), "no rule allows `make`");
    assert_eq!(reason(&direct("ls >x")), "`ls > x` is not allowed by `ls **`: it writes to `x`");
    assert!(reason(&direct("~$$x a")).contains("not all of it is known before it runs"));
}

#[test]
fn an_empty_configuration_has_no_opinion() {
    let policy = policy("{}");
    for request in [direct("rm -rf /"), shell(&["ls"]), Request::default()] {
        assert_eq!(policy.judge(&request).verdict, Verdict::Pass);
    }
}

#[test]
fn arithmetic_that_runs_commands_is_not_neutral() {
    let policy = acceptance();
    for words in [
        ["[[", "a[$(rm x)]", "-eq", "1", "]]"],
        ["test", "-v", "a[$(rm x)]", "-a", "x"],
        ["printf", "-v", "a[$(rm)]", "x", "y"],
    ] {
        let mut request = shell(&["ls"]);
        request.commands.push(Simple { depth: 1, ..Simple::plain(&words) });
        assert_eq!(policy.judge(&request).verdict, Verdict::Pass, "{words:?}");
    }
    let mut request = shell(&["ls"]);
    let mut assignment = Simple { depth: 1, ..Simple::default() };
    assignment
        .assignments
        .push(weir_rules::model::Assignment { name: "x".to_owned(), value: Word::plain("a[$(rm)]") });
    request.commands.push(assignment);
    assert_eq!(policy.judge(&request).verdict, Verdict::Pass);
    assert!(!word("~$$x").literal);
}
