//! Any words: no panic, the command itself first, and every bound holds.
//!
//! Words are separated by zero bytes; a first byte below 128 puts `bash -c` before them.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use weir_shell::{MAX_COMMANDS, MAX_DEPTH, Setting, see_through};

fuzz_target!(|input: &[u8]| {
    let Some((kind, rest)) = input.split_first() else { return };
    let mut argv: Vec<String> = if *kind < 128 { vec!["bash".into(), "-c".into()] } else { Vec::new() };
    argv.extend(rest.split(|&byte| byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()));
    let setting = Setting { cwd: Path::new("/"), path: None, env_names: &[] };
    let script = see_through(&argv, &setting);
    let first: Vec<&str> = script.commands[0].argv.iter().map(|word| word.text.as_str()).collect();
    assert_eq!(first, argv, "the command itself comes first");
    assert!(script.commands[0].argv.iter().all(|word| word.literal));
    assert!(script.commands.len() <= MAX_COMMANDS);
    for command in &script.commands {
        assert!(command.via.len() <= MAX_DEPTH + 1, "{} levels", command.via.len());
        assert_eq!(command.depth as usize, command.via.len());
    }
});
