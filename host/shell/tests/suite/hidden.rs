//! `rm`, hidden by a generator of spellings and wrappers: it is seen, or something is opaque.

use proptest::prelude::*;

use crate::common::{bash, quoted};

/// Ways to write `rm` that are still `rm`.
fn spelling() -> impl Strategy<Value = String> {
    let part = |char: char| {
        prop_oneof![
            Just(char.to_string()),
            Just(format!("\\{char}")),
            Just(format!("'{char}'")),
            Just(format!("\"{char}\"")),
            Just(format!("$'{char}'")),
            Just(format!("$'\\x{:02x}'", u32::from(char))),
            Just(format!("$'\\{:03o}'", u32::from(char))),
            Just(format!("''{char}\"\"")),
            Just(format!("\\\n{char}")),
            Just(format!("$(echo {char})")),
            Just(format!("${{nothing:-{char}}}")),
            Just(format!("`echo {char}`")),
            Just(format!("[{char}]")),
            Just(format!("{{{char},}}")),
        ]
    };
    (prop_oneof![Just(""), Just("/bin/"), Just("''")], part('r'), part('m'))
        .prop_map(|(begin, r, m)| format!("{begin}{r}{m}"))
}

/// Ways to run a simple command by its words.
fn prefixed(command: String) -> impl Strategy<Value = String> {
    let prefixes = vec![
        "",
        "env ",
        "env -i A=1 ",
        "env -S ",
        "nohup ",
        "nice -n 3 ",
        "timeout -k 1 5 ",
        "stdbuf -oL ",
        "sudo -u root ",
        "xargs -n1 ",
        "find . -exec ",
        "/usr/bin/time -p ",
        "setsid -w ",
        "ionice -c3 ",
        "busybox ",
        "doas ",
        "flock x ",
        "strace -f ",
        "git -c a=b ",
        "command ",
        "taskset -c 0 ",
        "chrt -b 0 ",
        "watch ",
        "unshare -r ",
        "nice -5 ",
        "xargs -I% ",
    ];
    prop::sample::select(prefixes).prop_map(move |prefix| format!("{prefix}{command}"))
}

/// Ways to run a text by another.
fn wrapped(command: String) -> impl Strategy<Value = String> {
    let c = command.as_str();
    let texts = vec![
        c.to_owned(),
        format!("ls; {c}"),
        format!("ls && {c} || ls"),
        format!("ls | {c}"),
        format!("ls\n{c}"),
        format!("ls & {c}"),
        format!("if ls; then {c}; fi"),
        format!("for i in 1; do {c}; done"),
        format!("case a in a) {c};; esac"),
        format!("while {c}; do break; done"),
        format!("f() {{ {c}; }}; f"),
        format!("( {c} )"),
        format!("{{ {c}; }} 2>&1"),
        format!("! {c}"),
        format!("time {c}"),
        format!("coproc {c}"),
        format!("echo $({c})"),
        format!("echo \"a $({c}) b\""),
        format!("echo ${{x:-$({c})}}"),
        format!("x=$({c})"),
        format!("cat <({c})"),
        format!("cat < <({c})"),
        format!("cat <<E\n$({c})\nE"),
        format!("cat <<'E'\nls\nE\n{c}"),
        format!("echo $((1 + $({c})))"),
        format!("[[ -n $({c}) ]]"),
        format!("eval {}", quoted(c)),
        format!("trap {} EXIT", quoted(c)),
        format!("bash -c {}", quoted(c)),
        format!("sh -ec {}", quoted(c)),
        format!("zsh -c {}", quoted(c)),
        format!("env bash -lc {}", quoted(c)),
        format!("flock x -c {}", quoted(c)),
        format!("echo {} | sh", quoted(c)),
        format!("bash <<< {}", quoted(c)),
    ];
    prop::sample::select(texts)
}

fn hidden() -> impl Strategy<Value = String> {
    spelling()
        .prop_map(|program| format!("{program} -rf x"))
        .prop_flat_map(prefixed)
        .prop_flat_map(prefixed)
        .prop_flat_map(wrapped)
        .prop_flat_map(wrapped)
        .prop_flat_map(wrapped)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_hidden_rm_is_seen_or_something_is_opaque(text in hidden()) {
        let script = bash(&text);
        let seen = script.commands.iter().filter_map(|command| command.argv.first()).any(|word| {
            !word.literal || word.text == "rm" || word.text == "/bin/rm"
        });
        prop_assert!(seen || !script.opaque.is_empty(), "{script:#?}");
    }

    #[test]
    fn any_text_is_taken_without_a_panic(text in ".{0,200}") {
        bash(&text);
    }

    #[test]
    fn any_words_of_shells_are_taken_without_a_panic(
        parts in prop::collection::vec(prop::sample::select(vec![
            "a", " ", "\n", ";", "&", "|", "(", ")", "{", "}", "$", "`", "'", "\"", "\\", "<", ">", "<<E", "E", "#", "if", "then", "fi",
            "case", "in", "esac", "for", "do", "done", "[[", "]]", "((", "))", "$((", "${", "env", "-S", "xargs", "find", "-exec", "sed", "s/a/b/",
            "bash", "-c", "eval", "trap", "=", "+=", "[", "]", "é", "\u{0}", "~", "*", "1", "git", "awk", "timeout", "python", "-m", "sudo",
        ]), 0..60),
    ) {
        bash(&parts.concat());
        bash(&parts.join(" "));
        let words: Vec<&str> = parts.iter().map(|part| &**part).collect();
        crate::common::look(&words);
    }
}
