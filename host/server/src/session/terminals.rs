//! The `terminal/*` methods of the Agent Client Protocol, said in terms of the process methods. A terminal is a
//! process of the one table, and its id is the process's.

use std::sync::Arc;

use weir_protocol::{
    EnvPolicy, EnvVariable, ErrorKind, ErrorObject, Leftovers, OutputEncoding, Overflow, ReleaseParams,
    Reply, Retention, StartParams, TerminalCreateParams, TerminalParams, TerminateParams, Tty, Until,
    WaitParams,
};

use super::processes::Entry;
use super::{Answer, Notify, Purpose, Session};
use crate::convert;

/// What is kept beyond the limit of a terminal: output gives way by chunks, and the limit is exact.
const LARGEST_CHUNK: u64 = 64 * 1024;

/// What a process is to the agent that has it as a terminal.
#[derive(Debug, Clone)]
pub(super) struct Terminal {
    /// Whose it is: no other session of the agent's can name it.
    session_id: Arc<str>,
    /// How much of its output is given.
    output_byte_limit: Option<u64>,
}

impl Session {
    pub(super) fn terminal_create(&mut self, params: TerminalCreateParams) -> Result<Answer, ErrorObject> {
        let terminal = Terminal {
            session_id: params.session_id.as_str().into(),
            output_byte_limit: params.output_byte_limit,
        };
        let spec = convert::start_spec("terminal/create", start_params(params), &self.shared.config)?;
        // Nothing is pushed: the agent asks.
        self.launch(None, spec, Notify::Nothing, Purpose::Terminal(terminal))
    }

    pub(super) fn terminal_output(&self, params: &TerminalParams) -> Result<Answer, ErrorObject> {
        let (entry, terminal) = self.terminal(params)?;
        let (log, limit) = (Arc::clone(entry.process.log()), terminal.output_byte_limit);
        Ok(Answer::later(async move { Ok(convert::terminal_output_reply(&log.snapshot(), limit)) }))
    }

    pub(super) fn terminal_wait_for_exit(&self, params: TerminalParams) -> Result<Answer, ErrorObject> {
        self.terminal(&params)?;
        let wait = WaitParams { process_id: params.terminal_id, until: Until::Exit, timeout_ms: None };
        Ok(self.wait(&wait)?.map(|reply| match reply {
            Reply::ProcessWait(waited) => {
                Reply::TerminalWaitForExit(convert::terminal_exit_status(waited.exit.as_ref()))
            }
            other => other,
        }))
    }

    pub(super) fn terminal_kill(&self, params: TerminalParams) -> Result<Answer, ErrorObject> {
        self.terminal(&params)?;
        let terminate = TerminateParams { process_id: params.terminal_id, grace_ms: None };
        Ok(self.terminate(&terminate)?.map(|_| Reply::TerminalKill))
    }

    pub(super) fn terminal_release(&mut self, params: TerminalParams) -> Result<Answer, ErrorObject> {
        self.terminal(&params)?;
        let release = ReleaseParams { process_id: params.terminal_id };
        Ok(self.release(release)?.map(|_| Reply::TerminalRelease))
    }

    fn terminal(&self, params: &TerminalParams) -> Result<(&Entry, &Terminal), ErrorObject> {
        let TerminalParams { session_id, terminal_id } = params;
        let entry = self.processes.get(terminal_id)?;
        match &entry.terminal {
            Some(terminal) if *terminal.session_id == **session_id => Ok((entry, terminal)),
            _ => {
                // Not whose it is: that is nobody's business but its session's.
                let message = format!("session `{session_id}` has no terminal `{terminal_id}`");
                Err(ErrorObject::new(ErrorKind::UnknownProcess, message)
                    .with("processId", terminal_id.as_str()))
            }
        }
    }
}

/// What is started for a terminal: both streams in the order of printing, as text, of which the end is kept.
fn start_params(params: TerminalCreateParams) -> StartParams {
    let TerminalCreateParams { session_id, command, args, env, cwd, output_byte_limit } = params;
    let mut argv = vec![command];
    argv.extend(args);
    let mut variables: Vec<(String, String)> = Vec::with_capacity(env.len());
    for EnvVariable { name, value } in env {
        // Each once, the last counts, as in the object that other starts take.
        match variables.iter_mut().find(|(other, _)| *other == name) {
            Some(variable) => variable.1 = value,
            None => variables.push((name, value)),
        }
    }
    StartParams {
        process_id: None,
        argv,
        cwd,
        env: Some(variables),
        // With a policy, `env` is laid over what is inherited.
        env_policy: Some(EnvPolicy::default()),
        env_defaults: None,
        tty: Tty::Off,
        pipe_stdin: false,
        merge_stderr: true,
        arg0: None,
        timeout_ms: None,
        idle_timeout_ms: None,
        limits: None,
        retention: Some(Retention {
            max_bytes: output_byte_limit.map(|limit| limit.saturating_add(LARGEST_CHUNK)),
            overflow: Overflow::DropOldest,
        }),
        leftovers: Leftovers::Keep,
        notify: None,
        output_encoding: OutputEncoding::Utf8,
        metadata: vec![("sessionId".to_owned(), session_id)],
        sandbox: None,
        enforce_managed_network: false,
        managed_network: None,
    }
}
