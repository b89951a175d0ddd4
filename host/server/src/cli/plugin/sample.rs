//! Ordinary things to try plugins on: commands, and the output of a build.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use weir_plugin::{Channel, Command, Context, Facts, RetainedOutput, Script, StreamFacts};
use weir_shell::Setting;

use crate::convert;

/// Commands that are asked about every day.
pub(super) const COMMANDS: [&[&str]; 6] = [
    &["git", "status", "--short"],
    &["cargo", "test", "--workspace", "--locked"],
    &["ls", "-la", "src"],
    &["bash", "-c", "cd src && grep -rn 'fn main' . | head -20"],
    &["env", "RUST_BACKTRACE=1", "cargo", "run"],
    &["npm", "install", "--save-dev", "typescript"],
];

/// What a policy is told beside the command.
pub(super) fn context() -> Context {
    Context {
        session: "weir-plugin".to_owned(),
        client: "weir plugin".to_owned(),
        interactive: true,
        tty: false,
        metadata: Vec::new(),
    }
}

/// A command in this directory.
pub(super) fn command(argv: &[&str]) -> Command {
    Command { argv: argv.iter().map(|word| (*word).to_owned()).collect(), cwd: directory(), env: Vec::new() }
}

/// This directory, or the root where it cannot be told.
pub(super) fn directory() -> String {
    std::env::current_dir().map_or("/".to_owned(), |directory| directory.to_string_lossy().into_owned())
}

/// What the host sees in a command with this environment, over which the command's own is laid.
pub(super) fn facts(command: &Command, env: &[(String, String)]) -> Facts {
    let mut env = env.to_vec();
    for (name, value) in &command.env {
        match env.iter_mut().find(|(known, _)| known == name) {
            Some((_, slot)) => slot.clone_from(value),
            None => env.push((name.clone(), value.clone())),
        }
    }
    let given = env.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.into());
    let path = given.or_else(|| std::env::var_os("PATH"));
    let names: Vec<_> = env.iter().map(|(name, _)| std::ffi::OsStr::new(name)).collect();
    let setting = Setting { cwd: Path::new(&command.cwd), path: path.as_deref(), env_names: &names };
    let program = command.argv.first().and_then(|word| weir_shell::resolve(word, &setting));
    Facts {
        program: program.map(|path| path.to_string_lossy().into_owned()),
        script: script(command, &setting),
        env: Arc::new(env),
    }
}

fn script(command: &Command, setting: &Setting<'_>) -> Script {
    convert::script(weir_shell::see_through(&command.argv, setting))
}

/// A stream of a build.
pub(super) fn stream() -> StreamFacts {
    StreamFacts {
        process_id: "1".to_owned(),
        channel: Channel::Stdout,
        argv: vec!["make".to_owned()],
        cwd: directory(),
        env: Arc::new(Vec::new()),
        view: false,
        metadata: Vec::new(),
    }
}

/// What a build prints, of about this many bytes: lines of 20 to 120 characters, now and then a warning.
pub(super) fn build_log(bytes: usize) -> Vec<u8> {
    let mut log = String::with_capacity(bytes + 200);
    let mut line = 0_u64;
    while log.len() < bytes {
        line += 1;
        // Writing to a string cannot fail.
        let _ = match line % 50 {
            0 => writeln!(
                log,
                "src/module_{}.c:{}:7: warning: unused variable 'x' [-Wunused]",
                line / 50,
                line % 900
            ),
            1 => writeln!(log, "make[2]: Entering directory '/home/user/project/build/part-{line}'"),
            _ => writeln!(
                log,
                "[{:3}%] Building C object lib/CMakeFiles/core.dir/src/part_{}/file_{line}.c.o",
                line % 100,
                line % 37
            ),
        };
    }
    log.into_bytes()
}

/// Output in memory, for summaries.
#[derive(Debug, Default)]
pub(super) struct Printed {
    pub(super) channels: Vec<(Channel, Bytes)>,
    pub(super) exit_code: Option<i32>,
    pub(super) argv: Vec<String>,
    pub(super) cwd: String,
}

impl Printed {
    fn of(&self, channel: Channel) -> Bytes {
        self.channels
            .iter()
            .find(|(known, _)| *known == channel)
            .map(|(_, bytes)| bytes.clone())
            .unwrap_or_default()
    }
}

impl RetainedOutput for Printed {
    fn channels(&self) -> Vec<Channel> {
        self.channels.iter().map(|(channel, _)| *channel).collect()
    }

    fn size(&self, channel: Channel) -> u64 {
        self.of(channel).len() as u64
    }

    fn read(&self, channel: Channel, offset: u64, max: u32) -> Bytes {
        let bytes = self.of(channel);
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        bytes.slice(from..bytes.len().min(from.saturating_add(max as usize)))
    }

    fn gaps(&self, _channel: Channel) -> Vec<(u64, u64)> {
        Vec::new()
    }

    fn exit_code(&self) -> Option<i32> {
        self.exit_code
    }

    fn argv(&self) -> Vec<String> {
        self.argv.clone()
    }

    fn cwd(&self) -> String {
        self.cwd.clone()
    }
}
