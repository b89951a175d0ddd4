//! What a configuration may say, and how a wrong one is refused.

use weir_rules::config::read;

#[test]
fn what_is_wrong_is_named_with_its_path() {
    for (config, expected) in [
        ("[]", "config: expected an object, found a list"),
        (
            r#"{"deni": []}"#,
            "deni: expected one of `preset`, `without`, `allow`, `ask`, `deny`, `rules`, `opaque`, `trustedDirs`, `harmlessEnv`, `writes`, found `deni`",
        ),
        (r#"{"deny": "rm"}"#, "deny: expected a list, found the string `rm`"),
        (r#"{"deny": ["rm", 1]}"#, "deny[1]: expected a string, found the number `1`"),
        (r#"{"deny": [""]}"#, "deny[0]: expected words, found none"),
        (r#"{"allow": ["a 'b"]}"#, "allow[0]: expected a closing `'`, found the end"),
        (r#"{"allow": ["* x"]}"#, "allow[0]: expected a rule that allows to name its program, found `* x`"),
        (
            r#"{"deny": ["** x"]}"#,
            "deny[0]: expected a program as the first word (`*` stands for any), found `**`",
        ),
        (r#"{"preset": "bold"}"#, "preset: expected `cautious` or `none`, found `bold`"),
        (r#"{"opaque": "allow"}"#, "opaque: expected `ask`, `deny` or `pass`, found `allow`"),
        (
            r#"{"rules": [{"words": "x"}]}"#,
            "rules[0].verdict: expected `allow`, `ask` or `deny`, found nothing",
        ),
        (
            r#"{"rules": [{"verdict": "no"}]}"#,
            "rules[0].verdict: expected `allow`, `ask` or `deny`, found `no`",
        ),
        (
            r#"{"rules": [{"verdict": "allow", "cwd": "/x"}]}"#,
            "rules[0]: expected `words` or `program` in a rule that allows, found neither",
        ),
        (
            r#"{"rules": [{"verdict": "deny"}]}"#,
            "rules[0]: expected a condition (`words`, `program`, `cwd`, `redirect`, `path` or `env`), found none",
        ),
        (
            r#"{"rules": [{"verdict": "deny", "words": []}]}"#,
            "rules[0].words: expected at least one string, found an empty list",
        ),
        (
            r#"{"rules": [{"verdict": "deny", "words": {}}]}"#,
            "rules[0].words: expected a string or a list of strings, found an object",
        ),
        (
            r#"{"rules": [{"verdict": "allow", "words": "x", "path": "/y"}]}"#,
            "rules[0].path: expected it with `ask` or `deny` only, found it with `allow`",
        ),
        (
            r#"{"rules": [{"verdict": "deny", "words": "x", "cwd": "y"}]}"#,
            "rules[0].cwd[0]: expected an absolute directory or one below `~/`, found `y`",
        ),
        (
            r#"{"rules": [{"verdict": "deny", "words": "x", "except": "y"}]}"#,
            "rules[0].except[0]: expected an option (`-x` or `--long`), found `y`",
        ),
        (
            r#"{"rules": [{"verdict": "deny", "words": "x", "id": "a"}, {"verdict": "deny", "words": "y", "id": "a"}]}"#,
            "rules[0].id: expected an id of its own, found `a` a second time",
        ),
        (r#"{"without": ["x"]}"#, "without[0]: expected the id of a rule of the preset `none`, found `x`"),
        (
            r#"{"preset": "cautious", "rules": [{"verdict": "deny", "words": "x", "id": "push"}]}"#,
            "rules: expected ids that the preset does not have, found `push`",
        ),
    ] {
        assert_eq!(read(config).err().as_deref(), Some(expected), "{config}");
    }
    assert!(read("{").unwrap_err().starts_with("config: expected JSON, found "));
}

#[test]
fn examples_are_checked() {
    let rule = |member: &str, example: &str| {
        read(&format!(r#"{{"rules": [{{"id": "r", "verdict": "deny", "words": "git push", "{member}": ["{example}"]}}]}}"#)).err()
    };
    assert_eq!(rule("match", "git -C x push 'a b'"), None);
    assert_eq!(rule("notMatch", "git pull"), None);
    assert_eq!(
        rule("match", "git pull").as_deref(),
        Some("rules[0].match[0]: expected the rule `r` to match `git pull`, and it does not")
    );
    assert_eq!(
        rule("notMatch", "git push").as_deref(),
        Some("rules[0].notMatch[0]: expected the rule `r` to not match `git push`, and it does")
    );
    for (example, character) in [
        ("a | b", "|"),
        ("a $x", "$"),
        ("a; b", ";"),
        ("a &", "&"),
        ("a `b`", "`"),
        ("a *.rs", "*"),
        ("~/x", "~"),
        ("a {b,c}", "{"),
        ("a 2>x", ">"),
    ] {
        assert_eq!(
            rule("match", example).unwrap(),
            format!(
                "rules[0].match[0]: expected a simple command with plain words, found `{character}`; put it in quotes if it is meant as it stands"
            )
        );
    }
    assert_eq!(rule("match", "").unwrap(), "rules[0].match[0]: expected a command, found nothing");
}

#[test]
fn examples_may_set_and_write() {
    let config = r#"{"rules": [
        {"verdict": "deny", "env": "LD_PRELOAD", "match": ["LD_PRELOAD=x ls"], "notMatch": ["ls"]},
        {"verdict": "ask", "redirect": "/etc/**", "match": ["echo x > /etc/y", "echo x >> /etc/y"], "notMatch": ["cat < /etc/y"]},
        {"verdict": "deny", "program": "/usr/bin/x*", "match": ["/usr/bin/xy a"], "notMatch": ["xy a"]},
        {"verdict": "allow", "words": "cargo test **", "cwd": "~/work", "match": ["cargo test -p x"], "notMatch": ["cargo run"]}
    ]}"#;
    assert_eq!(read(config).err(), None);
}
