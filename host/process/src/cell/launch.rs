//! Runs a command from inside a shim: clone, prepare, exec.
//!
//! The child shares the shim's memory until it has executed the program (`CLONE_VM | CLONE_VFORK`, as `posix_spawn`
//! does): nothing is copied, and a failure is simply left in the shim's memory.
#![allow(unsafe_code, reason = "children are cloned here; no safe interface can do that")]

use std::ffi::{CString, NulError, OsStr, OsString, c_char, c_int, c_void};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::ptr;

use super::Stage;
use super::frame::{FailureDetail, Launch, ResourceLimit};
use super::group::Group;
use crate::limits::Limit;

/// The search path of a child whose environment has no `PATH`; what `confstr(_CS_PATH)` gives, and `/usr/local/bin`.
const DEFAULT_PATH: &[u8] = b"/usr/local/bin:/usr/bin:/bin";

/// The child's stack until exec. The deepest thing on it is a system call.
const STACK: usize = 64 * 1024;

/// The child's standard streams; none is `/dev/null`, which the shim has on its own three.
#[derive(Debug, Default)]
pub(crate) struct Stdio {
    pub(crate) stdin: Option<OwnedFd>,
    pub(crate) stdout: Option<OwnedFd>,
    pub(crate) stderr: Option<OwnedFd>,
}

/// Why a command does not run.
#[derive(Debug)]
pub(crate) struct LaunchFailure {
    pub(crate) stage: Stage,
    pub(crate) errno: i32,
    pub(crate) detail: FailureDetail,
}

/// Runs the command as leader of a session and a group of its own, with every signal at its default and unblocked,
/// no descriptor but the three streams, the terminal (if its streams are one) as its controlling one, and killed by the kernel if the shim dies. Returns its pid once the program
/// is executed.
pub(crate) fn launch(launch: &Launch, stdio: &Stdio, groups: &[Group]) -> Result<i32, LaunchFailure> {
    let entrances: Vec<RawFd> = groups.iter().map(|group| group.entrance.as_raw_fd()).collect();
    let candidates = candidates(launch);
    // Checked long before; a string with a NUL byte cannot reach the kernel.
    let Prepared { programs, argv, env, cwd } =
        Prepared::new(launch, &candidates).map_err(|_| failure(Stage::Exec, libc::EINVAL))?;
    let (argv, env) = (pointers(&argv), pointers(&env));
    let mut child = Child {
        programs: &programs,
        argv: argv.as_ptr(),
        env: env.as_ptr(),
        cwd: cwd.as_ref().map_or(ptr::null(), |cwd| cwd.as_ptr()),
        streams: [&stdio.stdin, &stdio.stdout, &stdio.stderr]
            .map(|fd| fd.as_ref().map_or(-1, AsRawFd::as_raw_fd)),
        terminal: launch.terminal,
        entrances: &entrances,
        resources: &launch.resources,
        failed: None,
        failed_limit: None,
    };
    let mut stack = Vec::<u8>::with_capacity(STACK);
    // SAFETY: the stack outlives the child's use of it, since with CLONE_VFORK the call returns only when the child
    // has executed a program or ended; stacks grow down from an end aligned to 16 bytes. `child` lives as long, and
    // is not touched by this side meanwhile. `run_child` makes system calls only.
    let pid = unsafe {
        let top = stack.as_mut_ptr().add(STACK);
        let top = top.sub(top as usize % 16);
        libc::clone(
            run_child,
            top.cast(),
            libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD,
            ptr::from_mut(&mut child).cast(),
        )
    };
    if pid < 0 {
        return Err(failure(Stage::Fork, last_errno()));
    }
    let Some((stage, errno)) = child.failed else { return Ok(pid) };
    let detail = match stage {
        Stage::Exec => explain(launch, &candidates, errno),
        Stage::Limits => child.failed_limit.map_or(FailureDetail::None, FailureDetail::Limit),
        _ => FailureDetail::None,
    };
    Err(LaunchFailure { stage, errno, detail })
}

/// The command's strings as the kernel takes them.
struct Prepared {
    programs: Vec<CString>,
    argv: Vec<CString>,
    env: Vec<CString>,
    cwd: Option<CString>,
}

impl Prepared {
    fn new(launch: &Launch, candidates: &[OsString]) -> Result<Self, NulError> {
        let strings =
            |values: &[OsString]| values.iter().map(|value| c_string(value)).collect::<Result<Vec<_>, _>>();
        Ok(Self {
            programs: strings(candidates)?,
            argv: strings(&launch.argv)?,
            env: strings(&launch.env)?,
            cwd: launch.cwd.as_deref().map(c_string).transpose()?,
        })
    }
}

/// Everything that the child needs, prepared before it exists.
struct Child<'a> {
    programs: &'a [CString],
    argv: *const *const c_char,
    env: *const *const c_char,
    cwd: *const c_char,
    streams: [RawFd; 3],
    terminal: bool,
    entrances: &'a [RawFd],
    resources: &'a [ResourceLimit],
    failed: Option<(Stage, i32)>,
    /// The limit that could not be set.
    failed_limit: Option<Limit>,
}

/// The child: shares the shim's memory, has its own stack, descriptors, directory and signal dispositions.
extern "C" fn run_child(argument: *mut c_void) -> c_int {
    // SAFETY: `argument` is the `Child` of `launch`, which waits meanwhile.
    let child = unsafe { &mut *argument.cast::<Child<'_>>() };
    let failed = prepare_and_execute(child);
    child.failed = Some(failed);
    // SAFETY: ends the child alone, without running the shim's exit handlers.
    unsafe { libc::_exit(127) }
}

/// Returns only on failure. No allocation, no lock, no panic.
fn prepare_and_execute(child: &mut Child<'_>) -> (Stage, i32) {
    // SAFETY: plain system calls on valid pointers and descriptors; signal dispositions are not shared with the shim
    // (no CLONE_SIGHAND), nor are descriptors (no CLONE_FILES) and the working directory (no CLONE_FS).
    unsafe {
        // The kernel's own call: the C library keeps two signals to itself, and they are inherited like the others.
        let default = [0_usize; 4];
        for signal in 1..=64 {
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                default.as_ptr(),
                ptr::null_mut::<usize>(),
                8_usize,
            );
        }
        libc::setsid();
        for entrance in child.entrances {
            if libc::write(*entrance, c"0".as_ptr().cast(), 1) < 0 {
                return (Stage::Limits, last_errno());
            }
        }
        for (target, source) in child.streams.iter().enumerate() {
            if *source >= 0 && libc::dup2(*source, target as c_int) < 0 {
                return (Stage::Exec, last_errno());
            }
        }
        // The session is new and has none; the terminal is new and controls none.
        if child.terminal && libc::ioctl(libc::STDIN_FILENO, libc::TIOCSCTTY, 0) < 0 {
            return (Stage::Pty, last_errno());
        }
        if !child.cwd.is_null() && libc::chdir(child.cwd) < 0 {
            return (Stage::Chdir, last_errno());
        }
        // Only the leader can be covered like this; its descendants come to the fork server if the shim dies.
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
        let mut none = std::mem::zeroed::<libc::sigset_t>();
        libc::sigemptyset(&mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &none, ptr::null_mut());
        // Last of all, so that nothing but the program has to get along with them.
        for limit in child.resources {
            let value = libc::rlimit { rlim_cur: limit.soft, rlim_max: limit.hard };
            if libc::setrlimit(limit.resource as _, &value) < 0 {
                child.failed_limit = Some(limit.limit);
                return (Stage::Limits, last_errno());
            }
        }
        // As execvp does it: the first candidate that runs; a file that may not be run is remembered, since it says
        // more than the absence of the others.
        let mut errno = libc::ENOENT;
        for program in child.programs {
            libc::execve(program.as_ptr(), child.argv, child.env);
            match last_errno() {
                libc::ENOENT | libc::ENOTDIR => {}
                libc::EACCES => errno = libc::EACCES,
                other => return (Stage::Exec, other),
            }
        }
        (Stage::Exec, errno)
    }
}

/// The files to try, in order: the program itself if it has a slash, else its name in each directory of the child's
/// `PATH`.
fn candidates(launch: &Launch) -> Vec<OsString> {
    let program = launch.program.as_bytes();
    if program.contains(&b'/') || program.is_empty() {
        return vec![launch.program.clone()];
    }
    search_path(launch)
        .split(|byte| *byte == b':')
        .map(|directory| {
            let directory = if directory.is_empty() { b".".as_slice() } else { directory };
            OsString::from_vec([directory, b"/", program].concat())
        })
        .collect()
}

fn search_path(launch: &Launch) -> &[u8] {
    launch.env.iter().find_map(|pair| pair.as_bytes().strip_prefix(b"PATH=")).unwrap_or(DEFAULT_PATH)
}

/// Finds out what an errno of exec hides.
fn explain(launch: &Launch, candidates: &[OsString], errno: i32) -> FailureDetail {
    // Relative candidates are meant from the child's directory.
    let base = launch.cwd.as_deref().unwrap_or(OsStr::new("."));
    let found = candidates.iter().map(|file| Path::new(base).join(file)).find(|file| file.exists());
    match (errno, found) {
        (libc::ENOENT, None) if !launch.program.as_bytes().contains(&b'/') => {
            FailureDetail::NotInPath(OsString::from_vec(search_path(launch).to_vec()))
        }
        (libc::ENOENT, Some(file)) => {
            interpreter(&file).map_or(FailureDetail::None, FailureDetail::NoInterpreter)
        }
        (libc::EACCES, Some(file)) if file.is_dir() => FailureDetail::IsDirectory,
        _ => FailureDetail::None,
    }
}

/// What a script's first line names.
fn interpreter(script: &Path) -> Option<OsString> {
    let mut start = Vec::new();
    File::open(script).ok()?.take(256).read_to_end(&mut start).ok()?;
    let line = start.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?.trim_ascii();
    let name = line.split(|byte| byte.is_ascii_whitespace()).next()?;
    Some(OsString::from_vec(name.to_vec()))
}

fn failure(stage: Stage, errno: i32) -> LaunchFailure {
    LaunchFailure { stage, errno, detail: FailureDetail::None }
}

fn c_string(value: &OsStr) -> Result<CString, NulError> {
    CString::new(value.as_bytes())
}

/// A null-terminated array for exec; valid as long as `strings`.
fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    strings.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect()
}

fn last_errno() -> i32 {
    // SAFETY: the address of this thread's errno is always valid.
    unsafe { *libc::__errno_location() }
}
