//! What a session's tasks come back with: the ends of requests, of starts, of processes.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{self, JoinError};
use tokio::time::timeout;
use tracing::{error, warn};
use weir_process::{Process, Until};
use weir_protocol::{ErrorKind, ErrorObject, ProcessId, Reply, RequestId, TerminalCreateResult};

use super::handlers::run_result;
use super::processes::{Entry, Key};
use super::requests::Concern;
use super::{CLOSE_DELAY, Done, Ended, Notify, Phase, Purpose, Session, Started, Watched};
use crate::push::Push;
use crate::{convert, pipeline};

impl Session {
    pub(super) fn task_ended(&mut self, done: Result<(task::Id, Done), JoinError>) {
        let (task, done) = match done {
            Ok((task, done)) => (task, Ok(done)),
            Err(failed) => (failed.id(), Err(failed)),
        };
        let request = self.requests.task_ended(task);
        self.cancelled_starts.remove(&task);
        match (request, done) {
            (Some(id), Ok(Done::Answered(outcome))) => self.answer(id, outcome, None),
            (Some(id), Ok(Done::Started(started))) => self.started(id, *started),
            (Some(id), Ok(Done::Watching(watching))) => self.watching(id, watching),
            (request, Ok(Done::Released(process, outcome))) => {
                let deferred = self.processes.released(&process);
                if let Some(id) = request {
                    self.answer(id, outcome, None);
                }
                for (waiting, call) in deferred {
                    self.dispatch(waiting, call);
                }
            }
            (Some(id), Err(failed)) => {
                error!(%id, %failed, "a request's task failed");
                let concern = self.requests.concern(&id).cloned();
                self.answer(
                    id,
                    Err(ErrorObject::new(ErrorKind::Internal, "the host failed at this request")),
                    None,
                );
                if let Some(Concern::Start(process, _)) = concern {
                    self.abandon(&process);
                }
            }
            // Cancelled and answered: what it has started is stopped like everything else.
            (None, Ok(Done::Started(started))) => {
                if let Ok(started) = started.result {
                    self.stop(Arc::new(started.process), self.shared.config.lost_client_grace);
                }
            }
            (None, _) => {}
        }
    }

    fn started(&mut self, request: RequestId, started: Started) {
        let Started { id, result, metadata, encoding, notify, purpose } = started;
        let pipeline::Started { process, decision, argv, plugins, facts, .. } = match result {
            Ok(started) => started,
            Err(failed) => {
                self.answer(request, Err(convert::start_failure(&failed)), None);
                return self.abandon(&id);
            }
        };
        let (process, decision) = (Arc::new(process), Arc::new(decision));
        let key = self.processes.new_key();
        self.watch(&process, id.clone(), key);
        let log = Arc::clone(process.log());
        let push = match notify {
            Notify::Nothing => None,
            _ => {
                let output = notify == Notify::Everything;
                Some(Push::new(id.clone(), encoding, output, log, Arc::clone(&self.outbox)))
            }
        };
        let entry = Entry {
            process: Arc::clone(&process),
            argv,
            metadata,
            encoding,
            decision,
            plugins,
            facts,
            views: Arc::default(),
            terminal: match &purpose {
                Purpose::Terminal(terminal) => Some(terminal.clone()),
                Purpose::Start | Purpose::Run(_) => None,
            },
            reads_acknowledge: notify != Notify::Everything,
            key,
        };
        let deferred = self.processes.insert(id.clone(), entry.clone());
        match purpose {
            Purpose::Start => {
                let reply = convert::start_result(&id, process.pid(), &entry.argv, &entry.decision);
                self.answer(request, Ok(Reply::ProcessStart(reply)), push);
            }
            Purpose::Terminal(_) => {
                let reply = TerminalCreateResult { terminal_id: id };
                self.answer(request, Ok(Reply::TerminalCreate(reply)), push);
            }
            Purpose::Run(plan) => {
                // Its response comes last of all: what is pushed cannot wait for it.
                if let Some(push) = push {
                    push.begin();
                }
                // Its name was checked before anything ran.
                let view = plan.view.as_ref().and_then(|name| self.view(&entry, name).ok());
                let task = self.tasks.spawn(run_result(id.clone(), entry, plan, view));
                self.requests.attend(&request, task, Concern::Run(id));
            }
        }
        // Too late for this session: it is stopped like the others.
        if !matches!(self.phase, Phase::Serving) {
            self.stop(process, self.shared.config.grace);
        }
        for (waiting, call) in deferred {
            self.dispatch(waiting, call);
        }
    }

    /// A start that came to nothing: what has waited for it has its turn.
    pub(super) fn abandon(&mut self, id: &ProcessId) {
        for (waiting, call) in self.processes.abandon(id) {
            self.dispatch(waiting, call);
        }
    }

    fn watch(&mut self, process: &Arc<Process>, id: ProcessId, key: Key) {
        let log = Arc::clone(process.log());
        self.watches.spawn(async move {
            log.wait(Until::Close).await;
            Watched::Closed(id, key)
        });
        let tree_gone = process.tree_gone();
        self.watches.spawn(async move {
            tree_gone.await;
            Watched::TreeGone(key)
        });
    }

    pub(super) fn watched(&mut self, watched: Result<Watched, JoinError>) {
        match watched {
            Ok(Watched::Closed(id, key)) => self.processes.closed(id, key, self.shared.config.retention),
            Ok(Watched::TreeGone(key)) => self.processes.tree_gone(key),
            Ok(Watched::Stopped) => self.stopping -= 1,
            Ok(Watched::Nothing) => {}
            Err(failed) => error!(%failed, "a watch failed"),
        }
    }

    /// Stops every process; the session is over once that is done.
    pub(super) fn end(&mut self, ended: Ended, grace: Duration) {
        self.phase = Phase::Ending(ended);
        self.stop_all(grace);
    }

    pub(super) fn stop_all(&mut self, grace: Duration) {
        for process in self.processes.all() {
            self.stop(process, grace);
        }
    }

    pub(super) fn stop(&mut self, process: Arc<Process>, grace: Duration) {
        self.stopping += 1;
        self.watches.spawn(async move {
            match process.terminate(grace) {
                Ok(terminated) => {
                    terminated.await;
                }
                Err(too_many) => {
                    warn!(%too_many, "a process is not told to end; its tree ends with the host")
                }
            }
            // Its last words are part of its output.
            if process.is_tree_gone() {
                let _ = timeout(CLOSE_DELAY, process.log().wait(Until::Close)).await;
            }
            Watched::Stopped
        });
    }
}
