//! Input that is made to be large, deep or slow.

use std::ffi::OsStr;
use std::path::Path;
use std::time::{Duration, Instant};

use weir_shell::{MAX_COMMANDS, MAX_DEPTH, MAX_TEXT, Setting, see_through};

use crate::common::{bash, look};

#[test]
fn deep_texts_are_opaque_and_bounded() {
    let deep = |open: &str, middle: &str, close: &str, times: usize| {
        format!("{}{middle}{}", open.repeat(times), close.repeat(times))
    };
    for times in [20, 60, 1_000, 10_000] {
        for text in [
            deep("(", "ls", ")", times),
            deep("{ ", "ls", "; }", times),
            deep("$(", "ls", ")", times),
            deep("echo ${x:-", "y", "}", times),
            deep("echo \"$(", "ls", ")\"", times),
            deep("if ls; then ", "ls", "; fi", times),
            deep("case a in a) ", "ls", " ;; esac", times),
            deep("case a in a) ", "ls", " esac", times),
            deep("f() { ", "ls", "; }", times),
            deep("! ", "ls", "", times),
            deep("time ", "ls", "", times),
            deep("coproc ", "ls", "", times),
            deep("echo $((", "1", "))", times),
            deep("eval ", "ls", "", times),
            deep("env ", "ls", "", times),
            deep("xargs ", "ls", "", times),
            deep("find . -exec ", "ls", "", times),
            deep("<(", "ls", ")", times),
            "`".repeat(times),
            deep("env -S ", "ls", "", times),
            deep("npx ", "ls", "", times),
            deep("pnpm -x ", "exec ls", "", times),
            format!("cat <<{}\n{}", "a".repeat(60), "a\\\n".repeat(times)),
        ] {
            let began = Instant::now();
            let script = bash(&text);
            let start: String = text.chars().take(40).collect();
            assert!(began.elapsed() < Duration::from_secs(5), "{start} x {times} took {:?}", began.elapsed());
            assert!(!script.opaque.is_empty() || times == 20, "{start} x {times} is not opaque");
            assert!(
                script.commands.iter().all(|command| command.via.len() <= MAX_DEPTH + 1),
                "{start} x {times}"
            );
        }
    }
}

#[test]
fn shells_within_shells_are_seen_to_sixteen_levels() {
    let nested = |levels: usize| {
        let mut argv = vec!["env"; levels];
        argv.push("rm");
        look(&argv)
    };
    let script = nested(MAX_DEPTH);
    assert!(script.opaque.is_empty(), "{:?}", script.opaque);
    let last = script.commands.last().expect("commands");
    assert_eq!((last.argv[0].text.as_str(), last.depth), ("rm", 16));
    assert!(!nested(MAX_DEPTH + 1).opaque.is_empty());
}

#[test]
fn long_texts_and_many_commands_are_opaque() {
    let script = bash(&"ls;".repeat(MAX_COMMANDS + 5));
    assert_eq!(script.commands.len(), MAX_COMMANDS);
    assert!(!script.opaque.is_empty());
    assert!(!bash(&format!("ls {}", "x".repeat(MAX_TEXT))).opaque.is_empty());
    let long = "x".repeat(4 * MAX_TEXT);
    assert!(look(&["ls", &long]).opaque.is_empty(), "a long argument of a plain program is just that");
    assert!(!look(&["env", "ls", &long]).opaque.is_empty());
}

#[test]
fn reasons_are_few_short_and_printable() {
    let many: Vec<String> = (0..500).map(|number| format!("$x{number}")).collect();
    let script = bash(&many.join(";"));
    assert!(script.opaque.len() <= 32);
    let script = bash(&format!("'{}' | $'\u{1b}' $(", "é".repeat(1000)));
    assert!(
        script.opaque.iter().all(|line| line.len() < 300 && !line.contains(char::is_control)),
        "{:?}",
        script.opaque
    );
}

#[test]
fn variables_of_the_environment_that_run_something_are_reported() {
    for name in ["BASH_ENV", "BASH_FUNC_ls%%", "LD_PRELOAD", "SHELLOPTS"] {
        let names = [OsStr::new("HOME"), OsStr::new(name)];
        let setting = Setting { cwd: Path::new("/"), path: None, env_names: &names };
        assert_eq!(see_through(&["ls".to_owned()], &setting).opaque.len(), 1, "{name}");
    }
}

#[test]
fn no_program_is_opaque() {
    assert!(!look(&[]).opaque.is_empty());
}

#[test]
fn programs_are_resolved_unless_the_script_may_have_moved_them() {
    let dir = tempfile::tempdir().expect("a directory");
    let root = dir.path().canonicalize().expect("its path");
    std::os::unix::fs::symlink("/bin/bash", root.join("ls")).expect("a link");
    let path = root.clone().into_os_string();
    let setting = Setting { cwd: &root, path: Some(&path), env_names: &[] };
    let look = |words: &[&str]| {
        let argv: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        see_through(&argv, &setting)
    };
    let script = look(&["./ls", "-c", "rm x"]);
    assert_eq!(script.commands[1].argv[0].text, "rm", "a link to a shell is a shell");
    assert_eq!(script.commands[1].via, ["ls"]);
    let script = look(&["./ls", "-c", "./ls; cd /; ./ls; echo"]);
    assert!(script.commands[1].program.is_some());
    assert_eq!(script.commands[3].program, None, "after cd");
    assert_eq!(script.commands[4].program, None, "a builtin");
}
