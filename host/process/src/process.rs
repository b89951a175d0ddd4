//! A process as its owner holds it: a command in a cell, its retained output, its standard input.
//!
//! One task a process, the driver, listens to the cell, pumps the streams and feeds the standard input.

mod driver;
pub(crate) mod holders;
pub(crate) mod ingest;
mod input;
mod pump;
pub(crate) mod stdin;

use std::future::Future;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, spawn_blocking};

use self::driver::{Driver, Order, Parts};
use self::holders::Holder;
use self::ingest::Ingest;
use self::pump::Pump;
use self::stdin::{Load, Stdin, StdinQueueFull, Write, WriteStatus};
use crate::cell::{Scope, tree};
use crate::cells::{Cells, Launched, StartError};
use crate::command::Command;
use crate::limits::HeldLimit;
use crate::log::{OutputLog, Overflow, Retention, Store, Stream};
use crate::spill::SpillError;
use crate::spill::file::SpillFile;
use crate::streams::{OtherEnd, Ours};
use crate::terminal::TerminalSize;

/// Orders that wait for the driver. It takes them at once, so more than a few only ever wait when a client floods;
/// more than the writes that may wait, so that those cannot fill it.
const MAX_ORDERS: usize = 2048;

/// How a process is kept.
#[derive(Debug, Clone)]
pub struct ProcessOptions {
    /// What is kept of its output.
    pub retention: Retention,
    /// Stops the tree after so long, whatever it does.
    pub timeout: Option<Duration>,
    /// Stops the tree when none of its streams has carried anything for so long.
    pub idle_timeout: Option<Duration>,
    /// What becomes of the tree when the leader exits.
    pub leftovers: Leftovers,
    /// Between SIGTERM and SIGKILL when the host ends the tree by itself (`timeout`, `idle_timeout`, `leftovers`).
    pub grace: Duration,
    /// Bytes that may wait for the command to read them; see [`Process::write`].
    pub max_stdin_bytes: usize,
    /// Look at who waits for its input, if that is a terminal or is kept open: see [`OutputLog::waiting_for_input`].
    pub watch_input: bool,
    /// Somebody will [follow](OutputLog::follow) its log: it is waited for from the first byte on, as if it did already.
    pub followed: bool,
}

/// What becomes of the rest of the tree when its leader has exited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Leftovers {
    /// It goes on.
    #[default]
    Keep,
    /// It is ended, after a moment in which it may end by itself.
    Terminate,
}

/// A process that was started. Dropping it ends the whole tree (SIGTERM, then SIGKILL after 500 ms, done by the shim
/// without the host) and closes its log: an end that nobody saw is recorded as lost.
#[derive(Debug)]
pub struct Process {
    pid: i32,
    shim: i32,
    log: Arc<OutputLog>,
    orders: mpsc::Sender<Order>,
    /// None if standard input was never kept open.
    stdin: Option<Arc<Load>>,
    max_stdin_bytes: usize,
    tree_gone: watch::Receiver<bool>,
    ends: Vec<(Stream, OtherEnd)>,
    has_terminal: bool,
    limits: Vec<HeldLimit>,
    _driver: Task,
    /// Takes the turns at the disk, where output is spilled.
    _spiller: Option<Task>,
}

/// What a request to end a tree came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terminated {
    /// The leader was running when the request was carried out.
    pub running: bool,
    /// Processes that are left although SIGKILL was sent to them for 2 s. The shim goes on trying.
    pub survivors: Vec<i32>,
}

/// What became of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signalled {
    /// Processes that it was sent to.
    pub delivered: u32,
    /// Why another one could not be sent it; zero if there is none.
    pub errno: i32,
}

/// Too many orders wait: [`Process::signal`] or [`Process::terminate`] was called too often at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{limit} requests are waiting for the process already")]
pub struct TooManyOrders {
    /// How many may wait.
    pub limit: usize,
}

/// Why a terminal keeps its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResizeError {
    /// There is none.
    #[error("the process has no terminal")]
    NoTerminal,
    /// See [`TooManyOrders`].
    #[error(transparent)]
    TooManyOrders(#[from] TooManyOrders),
}

impl Process {
    /// Runs `command`. Dropping the future ends what it has started. Needs a tokio runtime with I/O and time.
    /// What a stream carries goes through what `ingest` gives for it, if anything, before it is retained.
    ///
    /// # Errors
    ///
    /// If the command does not run, with the step that failed; nothing is left of it then.
    pub async fn start(
        cells: &Cells,
        store: &Arc<Store>,
        mut command: Command,
        options: ProcessOptions,
        ingest: impl FnMut(Stream) -> Option<Box<dyn Ingest>>,
    ) -> Result<Self, StartError> {
        let file = match options.retention.overflow {
            // Before anything runs: without the file it would not be kept as was asked for.
            Overflow::Spill => Some(spill_file(store).await?),
            _ => None,
        };
        let Launched { cell, shim, pid, streams, limits } = cells.start(&mut command).await?;
        let Ours { stdin, input, output, terminal } = streams;
        let watched = input.filter(|_| options.watch_input).and_then(|input| cells.watch_input(shim, input));
        let ends: Vec<_> = output.iter().map(|end| (end.stream, end.other_end)).collect();
        let streams: Vec<Stream> = output.iter().map(|end| end.stream).collect();
        let log = store.open_with(options.retention, &streams, file);
        if options.followed {
            log.follow(Waker::noop().clone());
        }
        let spiller = log.spills().then(|| Task::spawn(spill(Arc::clone(&log))));
        let (orders, inbox) = mpsc::channel(MAX_ORDERS);
        let (gone, tree_gone) = watch::channel(false);
        let load = stdin.as_ref().map(|_| Arc::new(Load::default()));
        let stdin = stdin.zip(load.clone()).map(|(end, load)| Stdin::new(end, load));
        let has_terminal = terminal.is_some();
        let pump = Pump::new(Arc::clone(&log), output, ingest);
        let parts = Parts { pid, cell, pump, stdin, terminal, watched, limits: limits.clone() };
        let driver = Driver::new(parts, inbox, gone, &options);
        Ok(Self {
            pid,
            shim,
            log,
            orders,
            stdin: load,
            max_stdin_bytes: options.max_stdin_bytes,
            tree_gone,
            ends,
            has_terminal,
            limits,
            _driver: Task::spawn(driver.run()),
            _spiller: spiller,
        })
    }

    /// The leader's pid. It may belong to another process once the leader has exited.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// The limits that hold for it, and by which means.
    pub fn limits(&self) -> &[HeldLimit] {
        &self.limits
    }

    /// What the process printed, and how it ended.
    pub fn log(&self) -> &Arc<OutputLog> {
        &self.log
    }

    /// Sends `signal` to `scope`. The order is given when this is called; the future only waits for the answer.
    /// Signalling what is gone already reaches nobody and is no error.
    ///
    /// # Errors
    ///
    /// If 2,048 orders wait already.
    pub fn signal(
        &self,
        scope: Scope,
        signal: Signal,
    ) -> Result<impl Future<Output = Signalled> + Send + use<>, TooManyOrders> {
        let (reply, answer) = oneshot::channel();
        self.order(Order::Signal { scope, signal, reply })?;
        Ok(async move { answer.await.unwrap_or(Signalled { delivered: 0, errno: 0 }) })
    }

    /// Ends the whole tree: SIGTERM, `grace`, then SIGKILL until nothing is left; also after the leader has exited.
    /// The order is given when this is called; the future waits until the tree is gone and what it printed is in the
    /// log, or until SIGKILL has had no effect on some process for 2 s.
    ///
    /// # Errors
    ///
    /// If 2,048 orders wait already.
    pub fn terminate(
        &self,
        grace: Duration,
    ) -> Result<impl Future<Output = Terminated> + Send + use<>, TooManyOrders> {
        let (reply, answer) = oneshot::channel();
        self.order(Order::Terminate { grace, reply })?;
        Ok(async move { answer.await.unwrap_or(Terminated { running: false, survivors: Vec::new() }) })
    }

    /// Queues `bytes` for standard input, behind what is queued already. The future waits until the command's end of
    /// the pipe has taken them; dropping it before their turn takes them out of the queue, later it changes nothing.
    /// A `write_id` that was used for one of the last 4,096 writes is accepted and not written again.
    ///
    /// # Errors
    ///
    /// If the queue is full: nothing of `bytes` is taken then.
    pub fn write(
        &self,
        bytes: bytes::Bytes,
        write_id: Option<String>,
    ) -> Result<impl Future<Output = WriteStatus> + Send + use<>, StdinQueueFull> {
        let (reply, answer) = oneshot::channel();
        if let Some(load) = &self.stdin {
            let size = bytes.len();
            load.take(size, self.max_stdin_bytes)?;
            if self.order(Order::Write(Write { bytes, id: write_id, reply })).is_err() {
                load.give_back(size);
                return Err(load.full(self.max_stdin_bytes));
            }
        }
        Ok(async move { answer.await.unwrap_or(WriteStatus::StdinClosed) })
    }

    /// Closes standard input behind what is queued already. A terminal is given its end-of-file character instead,
    /// which its reader takes for an end where it looks for one; it can be written to behind that.
    ///
    /// # Errors
    ///
    /// If 2,048 orders wait already.
    pub fn close_stdin(&self) -> Result<impl Future<Output = WriteStatus> + Send + use<>, TooManyOrders> {
        let (reply, answer) = oneshot::channel();
        self.order(Order::CloseStdin { reply })?;
        Ok(async move { answer.await.unwrap_or(WriteStatus::StdinClosed) })
    }

    /// Sets the size of the terminal. The order is given when this is called. The kernel sends SIGWINCH to the
    /// terminal's foreground group if the size is another one; where nobody is left this changes nothing.
    ///
    /// # Errors
    ///
    /// If the process has no terminal, or 2,048 orders wait already.
    pub fn resize(&self, size: TerminalSize) -> Result<impl Future<Output = ()> + Send + use<>, ResizeError> {
        if !self.has_terminal {
            return Err(ResizeError::NoTerminal);
        }
        let (reply, answer) = oneshot::channel();
        self.order(Order::Resize { size, reply })?;
        Ok(async move { answer.await.unwrap_or(()) })
    }

    /// Whether nothing is left of the tree.
    pub fn is_tree_gone(&self) -> bool {
        *self.tree_gone.borrow()
    }

    /// Waits until nothing is left of the tree. Cancel-safe.
    pub fn tree_gone(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut gone = self.tree_gone.clone();
        async move {
            // An error means that the driver has ended, and with it the tree.
            let _ = gone.wait_for(|gone| *gone).await;
        }
    }

    /// How many processes of the tree there are, zombies among them. Reads `/proc`: blocks.
    pub fn descendants(&self) -> usize {
        if self.is_tree_gone() { 0 } else { tree::descendants(self.shim).len() }
    }

    /// Who holds a stream open: every process on the machine (that this one may look into) with the writing end of a
    /// stream that has not ended. Reads all of `/proc`: blocks.
    pub fn holders(&self) -> Vec<Holder> {
        let open = self.log.status().streams_open;
        let ends: Vec<_> = self.ends.iter().filter(|(stream, _)| open.contains(stream)).copied().collect();
        if ends.is_empty() {
            return Vec::new();
        }
        let tree = tree::descendants(self.shim);
        holders::find(&ends, &tree)
    }

    fn order(&self, order: Order) -> Result<(), TooManyOrders> {
        match self.orders.try_send(order) {
            // A driver that has ended drops the order, and with it the sender of the answer.
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
            Err(mpsc::error::TrySendError::Full(_)) => Err(TooManyOrders { limit: MAX_ORDERS }),
        }
    }
}

/// A file for the output of one process.
async fn spill_file(store: &Arc<Store>) -> Result<SpillFile, SpillError> {
    let store = Arc::clone(store);
    match spawn_blocking(move || store.spill_file()).await {
        Ok(file) => file,
        // Only if the runtime ends.
        Err(_) => std::future::pending().await,
    }
}

/// Takes the turns of a log at the disk, for as long as the process is kept.
async fn spill(log: Arc<OutputLog>) {
    loop {
        log.disk_work().await;
        let _turn = log.turn().await;
        let log = Arc::clone(&log);
        if spawn_blocking(move || log.disk_turn()).await.is_err() {
            // A defect of the host's, or the end of the runtime: nothing more can be done here.
            return;
        }
    }
}

/// A signal that can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signal(i32);

/// The signals that have one name and one number on this platform.
const SIGNALS: &[(&str, i32)] = &[
    ("HUP", libc::SIGHUP),
    ("INT", libc::SIGINT),
    ("QUIT", libc::SIGQUIT),
    ("ILL", libc::SIGILL),
    ("TRAP", libc::SIGTRAP),
    ("ABRT", libc::SIGABRT),
    ("BUS", libc::SIGBUS),
    ("FPE", libc::SIGFPE),
    ("KILL", libc::SIGKILL),
    ("USR1", libc::SIGUSR1),
    ("SEGV", libc::SIGSEGV),
    ("USR2", libc::SIGUSR2),
    ("PIPE", libc::SIGPIPE),
    ("ALRM", libc::SIGALRM),
    ("TERM", libc::SIGTERM),
    ("STKFLT", libc::SIGSTKFLT),
    ("CHLD", libc::SIGCHLD),
    ("CONT", libc::SIGCONT),
    ("STOP", libc::SIGSTOP),
    ("TSTP", libc::SIGTSTP),
    ("TTIN", libc::SIGTTIN),
    ("TTOU", libc::SIGTTOU),
    ("URG", libc::SIGURG),
    ("XCPU", libc::SIGXCPU),
    ("XFSZ", libc::SIGXFSZ),
    ("VTALRM", libc::SIGVTALRM),
    ("PROF", libc::SIGPROF),
    ("WINCH", libc::SIGWINCH),
    ("IO", libc::SIGIO),
    ("PWR", libc::SIGPWR),
    ("SYS", libc::SIGSYS),
];

impl Signal {
    /// SIGINT.
    pub const INTERRUPT: Self = Self(libc::SIGINT);

    /// SIGCONT.
    pub const CONTINUE: Self = Self(libc::SIGCONT);

    /// SIGPIPE.
    pub const PIPE: Self = Self(libc::SIGPIPE);

    /// The signal of a POSIX name, with or without `SIG`, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_uppercase();
        let short = name.strip_prefix("SIG").unwrap_or(&name);
        SIGNALS.iter().find(|(known, _)| *known == short).map(|(_, number)| Self(*number))
    }

    /// The name of a signal's number with `SIG`; `SIG` and the number where it has none, as real-time signals.
    pub fn name_of(number: i32) -> String {
        match SIGNALS.iter().find(|(_, known)| *known == number) {
            Some((name, _)) => format!("SIG{name}"),
            None => format!("SIG{number}"),
        }
    }

    /// The number on this platform.
    pub fn number(self) -> i32 {
        self.0
    }
}

/// A task that ends with its owner.
#[derive(Debug)]
struct Task(JoinHandle<()>);

impl Task {
    fn spawn(future: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(future))
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}
