//! A person at the terminal, who can be asked as a client can.

use std::fs::{File, OpenOptions};
use std::io::{IsTerminal, Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::oneshot;
use weir_protocol::AskParams;

use crate::questions::{Answer, Asking};

/// The longest answer that is read.
const ANSWER: usize = 256;

/// Whether somebody sits there: what the command reads comes from a terminal, and so does what is said to the person go.
pub(super) fn is_there() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks on the terminal itself, as `sudo` and `ssh` do, and waits for a line for at most `limit`.
pub(super) fn ask(params: AskParams, limit: Duration) -> Asking {
    Box::pin(async move {
        let (sender, answer) = oneshot::channel();
        // A thread of its own: it may wait for as long as the limit, and nothing waits for it when the host ends.
        let asking = thread::Builder::new().name("weir-ask".to_owned()).spawn(move || {
            let _ = sender.send(
                ask_on_terminal(&params, limit)
                    .unwrap_or_else(|error| Answer::None(format!("the terminal cannot be asked: {error}"))),
            );
        });
        match asking {
            Ok(_) => answer.await.unwrap_or_else(|_| Answer::None("the question was given up".to_owned())),
            Err(error) => Answer::None(format!("nobody can be asked: {error}")),
        }
    })
}

fn ask_on_terminal(params: &AskParams, limit: Duration) -> std::io::Result<Answer> {
    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
    // What is shown comes from a command: it must not move the cursor over the question.
    let shown = |text: &str| text.escape_debug().to_string().replace("\\'", "'").replace("\\\"", "\"");
    let command = params.argv.iter().map(|word| shown(word)).collect::<Vec<_>>().join(" ");
    let by = params.plugin.as_ref().map(|plugin| format!("`{plugin}`: ")).unwrap_or_default();
    write!(
        terminal,
        "weir: {by}{}\n  {command}\n  in {}\nRun it? [y/N] ",
        shown(&params.question),
        shown(&params.cwd)
    )?;
    let Some(line) = read_line(&mut terminal, limit)? else {
        writeln!(terminal)?;
        return Ok(Answer::None(format!("nobody answered within {} s", limit.as_secs_f64())));
    };
    let allow = matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes");
    Ok(Answer::Given { allow, remembered: false, reason: None })
}

/// A line of what is typed; none if the time is over, an empty one at the end of input.
fn read_line(terminal: &mut File, limit: Duration) -> std::io::Result<Option<String>> {
    let deadline = Instant::now() + limit;
    let mut line = Vec::new();
    while !line.contains(&b'\n') && line.len() < ANSWER {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).ok();
        if poll(&mut [PollFd::new(terminal, PollFlags::IN)], timeout.as_ref())? == 0 {
            return Ok(None);
        }
        let mut piece = [0; ANSWER];
        let count = terminal.read(&mut piece)?;
        if count == 0 {
            break;
        }
        line.extend_from_slice(&piece[..count]);
    }
    Ok(Some(String::from_utf8_lossy(&line).into_owned()))
}
