//! The place where cells come from: holds the fork server and makes one cell per command.

use std::ffi::OsString;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::{Arc, OnceLock};

use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType, sendmsg,
    socketpair,
};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tracing::{debug, warn};

use crate::cell::frame::{FailureDetail, FromShim, Launch, ToShim};
use crate::cell::{Cell, MAX_DESCRIPTORS, Stage};
use crate::cgroup::{Cgroups, Controller};
use crate::command::{Command, Output};
use crate::environment::Variable;
use crate::input::{InputNotSeen, InputWatch, Watched};
use crate::limits::{Enforcement, HeldLimit, Limit, Limits, Mechanism, NotHeld};
use crate::streams::{OtherEnd, Ours, Streams, StreamsError};

/// How to run this executable, or any that calls [`run_fork_server`](crate::run_fork_server), as the fork server.
#[derive(Debug, Clone)]
pub struct ForkServerCommand {
    /// The executable.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

/// Makes cells. Owns the fork server; a fork server that died is started anew when the next command comes, and the
/// cells of the old one go on. Dropping it lets the fork server end once its last shim has.
#[derive(Debug)]
pub struct Cells {
    command: ForkServerCommand,
    /// The limit of open files that this process had at first: what commands get, whatever the host itself has.
    open_files: Rlimit,
    /// Looked for when they are first asked for.
    cgroups: Arc<OnceLock<Cgroups>>,
    input: InputWatch,
    /// The first fork server, as a child that can be looked at.
    child: i32,
    /// Held over the few microseconds in which a request is handed over, and while a new fork server starts.
    link: Mutex<Link>,
}

/// A connection to a running fork server.
#[derive(Debug)]
struct Link {
    child: Child,
    /// A socket of packets, not of a stream: a request arrives whole.
    socket: UnixStream,
}

/// A command that runs, as the parts that its owner goes on with.
#[derive(Debug)]
pub(crate) struct Launched {
    pub(crate) cell: Cell,
    pub(crate) shim: i32,
    pub(crate) pid: i32,
    pub(crate) streams: Ours,
    pub(crate) limits: Vec<HeldLimit>,
}

/// Why a command does not run.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The kernel refused a step of the start.
    #[error("`{program}` does not run: {stage:?} failed with {errno}", program = program.display())]
    Refused {
        /// The step.
        stage: Stage,
        /// The kernel's reason.
        errno: Errno,
        /// What the command called its program.
        program: PathBuf,
        /// The directory it was to run in; none: the host's.
        cwd: Option<PathBuf>,
        /// What is known beyond the errno.
        detail: FailureDetail,
    },
    /// The host could not make a pipe or a socket; out of descriptors, as a rule.
    #[error("cannot make the streams of a process: {0}")]
    Streams(#[source] io::Error),
    /// The host could not make a terminal.
    #[error("cannot make a terminal: {0}")]
    Terminal(#[source] io::Error),
    /// Nothing on this machine can hold a limit that was asked for.
    #[error("nothing can hold the limit {limit:?} here")]
    LimitNotHeld {
        /// The limit.
        limit: Limit,
    },
    /// The fork server does not run, or ended while it was asked.
    #[error("the fork server does not answer: {0}")]
    ForkServer(#[source] io::Error),
    /// The command was not run, since there is no file for what it prints.
    #[error(transparent)]
    Spill(#[from] crate::spill::SpillError),
}

impl Cells {
    /// Starts the fork server. Needs a tokio runtime with I/O.
    ///
    /// # Errors
    ///
    /// If the fork server's executable cannot be run.
    pub fn launch(command: ForkServerCommand) -> io::Result<Self> {
        let open_files = getrlimit(Resource::Nofile);
        let link = Link::open(&command, open_files)?;
        let child = link.child.id().cast_signed();
        let (cgroups, input, link) = (Arc::default(), InputWatch::default(), Mutex::new(link));
        Ok(Self { command, open_files, cgroups, input, child, link })
    }

    /// Runs `command` in a cell of its own. Dropping the future ends what it has started.
    pub(crate) async fn start(&self, command: &mut Command) -> Result<Launched, StartError> {
        let Enforcement { resources, groups, held } = self.enforcement(command.limits).await?;
        let streams = Streams::open(&mut command.stdin, command.output).map_err(|error| match error {
            StreamsError::Pipes(error) => StartError::Streams(error),
            StreamsError::Terminal(error) => StartError::Terminal(error),
        })?;
        let (ours, shims) = std::os::unix::net::UnixStream::pair().map_err(StartError::Streams)?;
        let ours = ours.set_nonblocking(true).and_then(|()| UnixStream::from_std(ours));
        let mut cell = Cell::new(ours.map_err(StartError::Streams)?);

        let Streams { ours: streams, theirs, which } = streams;
        self.hand_over(which, shims.as_fd(), &theirs).await.map_err(StartError::ForkServer)?;
        // The shim has them now; as long as these copies are open, no stream can end.
        drop((shims, theirs));

        cell.queue(&ToShim::Launch(Launch { resources, groups, ..launch_frame(command) }));
        match cell.next().await {
            Ok(Some(FromShim::Started { shim, pid })) => {
                Ok(Launched { cell, shim, pid, streams, limits: held })
            }
            Ok(Some(FromShim::Failed { stage, errno, detail })) => Err(StartError::Refused {
                stage,
                errno: Errno::from_raw_os_error(errno),
                program: command.program().into(),
                cwd: command.cwd.clone(),
                detail,
            }),
            Ok(_) => Err(StartError::ForkServer(io::ErrorKind::UnexpectedEof.into())),
            Err(error) => Err(StartError::ForkServer(error)),
        }
    }

    /// By which means a limit is held on this machine; none: not at all. At first this looks for control groups:
    /// blocks, for milliseconds.
    pub fn mechanism(&self, limit: Limit) -> Option<Mechanism> {
        limit.mechanism(self.cgroups())
    }

    /// The same for people, with the place of the control groups.
    pub fn describe_mechanism(&self, limit: Limit) -> String {
        match self.mechanism(limit) {
            None => "nothing holds it".to_owned(),
            Some(Mechanism::Process) => "each process by itself (rlimit)".to_owned(),
            Some(Mechanism::User) => "all processes of the user (rlimit)".to_owned(),
            Some(Mechanism::Cgroup) => {
                let controller = if limit == Limit::Memory { Controller::Memory } else { Controller::Pids };
                let place = self.cgroups().describe(controller).unwrap_or_default();
                format!("the whole tree ({place})")
            }
        }
    }

    /// Whether processes that wait for input are seen on this machine, tried out at first. Blocks, for microseconds.
    pub fn sees_waiting_for_input(&self) -> Result<(), &InputNotSeen> {
        self.input.works(self.child).as_ref().copied()
    }

    /// Looks from now on at who waits for `input` in the tree of a shim; none where that is not seen.
    pub(crate) fn watch_input(&self, shim: i32, input: OtherEnd) -> Option<Watched> {
        self.input.watch(shim, input)
    }

    fn cgroups(&self) -> &Cgroups {
        self.cgroups.get_or_init(Cgroups::find)
    }

    async fn enforcement(&self, limits: Limits) -> Result<Enforcement, StartError> {
        if limits == Limits::default() {
            return Ok(Enforcement::default());
        }
        let cgroups = Arc::clone(&self.cgroups);
        let made = spawn_blocking(move || limits.enforcement(cgroups.get_or_init(Cgroups::find))).await;
        match made {
            Ok(made) => made.map_err(|NotHeld(limit)| StartError::LimitNotHeld { limit }),
            Err(failed) => Err(StartError::ForkServer(io::Error::other(failed))),
        }
    }

    /// Gives the fork server the descriptors of one cell. One message, so it arrives whole or not at all.
    async fn hand_over(&self, which: u8, shim: BorrowedFd<'_>, streams: &[OwnedFd]) -> io::Result<()> {
        let mut link = self.link.lock().await;
        let descriptors: Vec<_> = [shim].into_iter().chain(streams.iter().map(AsFd::as_fd)).collect();
        match link.send(which, &descriptors).await {
            Err(error)
                if matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) =>
            {
                warn!("the fork server is gone; starting another");
                link.child.wait()?;
                *link = Link::open(&self.command, self.open_files)?;
                link.send(which, &descriptors).await
            }
            sent => sent,
        }
    }
}

impl Link {
    fn open(command: &ForkServerCommand, open_files: Rlimit) -> io::Result<Self> {
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        #[expect(
            clippy::disallowed_methods,
            reason = "the one process that runs in no cell: it makes the cells"
        )]
        let child = std::process::Command::new(&command.program)
            // Who ends everything of the host's name must not hit what cleans up after it.
            .arg0("cell-server")
            .args(&command.args)
            .stdin(theirs)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        debug!(pid = child.id(), "fork server started");
        // Before it is asked for anything: its children inherit it.
        prlimit(Pid::from_raw(child.id().cast_signed()), Resource::Nofile, open_files)?;
        fcntl_setfl(&ours, OFlags::NONBLOCK)?;
        Ok(Self { child, socket: UnixStream::from_std(ours.into())? })
    }

    async fn send(&self, which: u8, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        self.socket
            .async_io(Interest::WRITABLE, || {
                let mut ancillary = SendAncillaryBuffer::new(&mut space);
                if !ancillary.push(SendAncillaryMessage::ScmRights(descriptors)) {
                    return Err(io::ErrorKind::InvalidInput.into());
                }
                sendmsg(&self.socket, &[IoSlice::new(&[which])], &mut ancillary, SendFlags::NOSIGNAL)?;
                Ok(())
            })
            .await
    }
}

fn launch_frame(command: &Command) -> Launch {
    let mut argv = command.argv.clone();
    if let (Some(first), Some(arg0)) = (argv.first_mut(), &command.arg0) {
        first.clone_from(arg0);
    }
    let pair = |(name, value): &Variable| {
        let mut pair = name.clone();
        pair.push("=");
        pair.push(value);
        pair
    };
    Launch {
        program: command.program().into(),
        argv,
        cwd: command.cwd.clone().map(PathBuf::into_os_string),
        env: command.env.iter().map(pair).collect(),
        terminal: matches!(command.output, Output::Terminal(_)),
        ..Launch::default()
    }
}
