//! The one thread that looks at every tree whose input is open.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use tokio::sync::watch;

use super::blocked::ARCHITECTURE_IS_KNOWN;
use super::proc::{Proc, parse_syscall, read_memory};
use super::tree::{Looked, Tree};
use super::{InputNotSeen, WaitingForInput};
use crate::streams::OtherEnd;

/// Between two rounds over the trees: who was given something is looked at in the next one.
const TICK: Duration = Duration::from_millis(100);

/// Looks at trees. Its thread is made with the first of them, sleeps while there are none, and ends after this is
/// dropped; nobody waits for it, since what it reads belongs to others.
#[derive(Debug, Default)]
pub(crate) struct InputWatch {
    inner: Arc<Inner>,
    works: OnceLock<Result<(), InputNotSeen>>,
}

/// A tree that is looked at, for as long as this is kept.
#[derive(Debug)]
pub(crate) struct Watched {
    entry: Arc<Entry>,
    seen: watch::Receiver<Option<WaitingForInput>>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Held to put something in or take it out, never while a tree is looked at.
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Trees that the thread has not taken over yet.
    new: Vec<(Tree, Arc<Entry>)>,
    /// The thread waits for the first tree.
    idle: bool,
    has_thread: bool,
    over: bool,
}

/// What the thread shares with the owner of a tree.
#[derive(Debug)]
struct Entry {
    given: AtomicU64,
    /// It may be elsewhere by now, though nothing was given.
    stirred: AtomicBool,
    ended: AtomicBool,
    /// The latest state alone. Nobody listens any more: the tree is gone.
    seen: watch::Sender<Option<WaitingForInput>>,
}

impl InputWatch {
    /// Whether it sees anything on this machine, tried out on a child of this process, once. Blocks, not for long.
    pub(crate) fn works(&self, child: i32) -> &Result<(), InputNotSeen> {
        self.works.get_or_init(|| try_out(child))
    }

    /// Looks at the tree below `root` from now on, whose input is known as `input`. None where nothing is seen.
    pub(crate) fn watch(&self, root: i32, input: OtherEnd) -> Option<Watched> {
        self.works(root).as_ref().ok()?;
        let (sender, seen) = watch::channel(None);
        let entry = Arc::new(Entry {
            given: AtomicU64::new(0),
            stirred: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            seen: sender,
        });
        let mut state = self.inner.lock();
        if !state.has_thread {
            let inner = Arc::clone(&self.inner);
            let made = thread::Builder::new().name("weir-input".to_owned()).spawn(move || inner.run());
            if let Err(error) = made {
                tracing::warn!(%error, "who waits for input is not seen for a process");
                return None;
            }
            state.has_thread = true;
        }
        state.new.push((Tree::new(root, input), Arc::clone(&entry)));
        if state.idle {
            self.inner.news.notify_one();
        }
        Some(Watched { entry, seen })
    }
}

impl Drop for InputWatch {
    fn drop(&mut self) {
        self.inner.lock().over = true;
        self.inner.news.notify_one();
    }
}

impl Watched {
    /// Something is about to be given as input.
    pub(crate) fn give(&self) {
        self.entry.given.fetch_add(1, Ordering::Release);
    }

    /// Something has happened to the tree: it is looked at soon.
    pub(crate) fn stir(&self) {
        self.entry.stirred.store(true, Ordering::Release);
    }

    /// The input is at its end: nobody waits for it any more.
    pub(crate) fn end(&self) {
        self.entry.ended.store(true, Ordering::Release);
    }

    /// Waits for news. None: there will be no more. Cancel-safe.
    pub(crate) async fn changed(&mut self) -> Option<Option<WaitingForInput>> {
        self.seen.changed().await.ok()?;
        Some(*self.seen.borrow_and_update())
    }
}

impl Inner {
    fn run(&self) {
        let mut proc = Proc::new();
        let mut trees: Vec<(Tree, Arc<Entry>, Instant, u64)> = Vec::new();
        loop {
            let mut state = self.lock();
            if !trees.is_empty() && !state.over {
                state = self.news.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner).0;
            }
            while state.new.is_empty() && trees.is_empty() && !state.over {
                state.idle = true;
                state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.idle = false;
            }
            if state.over {
                return;
            }
            let new = std::mem::take(&mut state.new);
            drop(state);
            let now = Instant::now();
            trees.extend(new.into_iter().map(|(tree, entry)| (tree, entry, now, 0)));
            trees.retain_mut(|(tree, entry, due, given)| entry.round(tree, &mut proc, due, given));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Plain data: a panic among it would be a defect of this file.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// Looks at the tree if it is time. False once it is not to be looked at any more.
    fn round(&self, tree: &mut Tree, proc: &mut Proc, due: &mut Instant, given: &mut u64) -> bool {
        if self.ended.load(Ordering::Acquire) {
            self.tell(None);
            return false;
        }
        if self.seen.is_closed() {
            return false;
        }
        let given_now = self.given.load(Ordering::Acquire);
        let stirred = given_now != *given && tree.is_told() || self.stirred.swap(false, Ordering::AcqRel);
        if stirred || Instant::now() >= *due {
            *given = given_now;
            let Looked { waiting, after } = tree.look(proc, given_now);
            *due = Instant::now() + after;
            self.tell(waiting);
        }
        true
    }

    fn tell(&self, waiting: Option<WaitingForInput>) {
        self.seen.send_if_modified(|seen| std::mem::replace(seen, waiting) != waiting);
    }
}

/// Looks at a child of this process in the way in which trees are looked at.
fn try_out(child: i32) -> Result<(), InputNotSeen> {
    if !ARCHITECTURE_IS_KNOWN {
        return Err(InputNotSeen::Architecture(std::env::consts::ARCH));
    }
    let mut proc = Proc::new();
    let said =
        proc.read(child, "syscall").map_err(|errno| InputNotSeen::Refused { file: "syscall", errno })?;
    let call = parse_syscall(said);
    if call.is_none() && said != "running" && !said.starts_with("-1 ") {
        return Err(InputNotSeen::NotUnderstood { file: "syscall", said: said.to_owned() });
    }
    let refused = |errno| InputNotSeen::Refused { file: "mem", errno };
    let opened = open(format!("/proc/{child}/mem"), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    opened.map_err(refused)?;
    match call {
        Some(call) if !read_memory(child, call.stack, &mut [0]) => Err(refused(Errno::IO)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_that_cannot_be_looked_into_is_told_with_the_file() {
        let watch = InputWatch::default();
        let refused = InputNotSeen::Refused { file: "syscall", errno: Errno::NOENT };
        assert_eq!(watch.works(-1), &Err(refused));
        assert!(watch.watch(-1, OtherEnd::Pipe(0)).is_none());
        let message = "`/proc/PID/syscall` of a child cannot be read: No such file or directory (os error 2)";
        assert_eq!(watch.works(-1).as_ref().map_err(ToString::to_string), Err(message.to_owned()));
        // Tried out once.
        assert!(watch.works(std::process::id().cast_signed()).is_err());
    }

    #[test]
    fn this_process_can_be_looked_into() {
        assert_eq!(try_out(std::process::id().cast_signed()), Ok(()));
    }
}
