//! A scripted child: runs the instructions in its arguments in order, then exits 0.
//!
//! | instruction | effect |
//! |---|---|
//! | `marker TEXT` | nothing; the word shows in /proc |
//! | `emit STREAM TEXT`, `line STREAM TEXT` | writes TEXT, with a line feed or without |
//! | `emit-bytes STREAM N` | writes the next N bytes of the numbered pattern of that stream |
//! | `piece STREAM PATH FROM TO` | writes the bytes FROM..TO of a file, all at once |
//! | `drip STREAM PATH` | writes the bytes of a file, each once somebody has taken the one before it |
//! | `lines N` | writes N numbered lines to stdout |
//! | `echo` | copies stdin to stdout until the end of file |
//! | `read N` | reads N bytes of stdin |
//! | `wait-fifo PATH`, `tell-fifo PATH` | takes one byte out of a FIFO, puts one in |
//! | `touch PATH` | makes a file |
//! | `hang` | pauses for ever |
//! | `sleep MS` | sleeps |
//! | `ignore SIGNAL`, `kill-self SIGNAL` | |
//! | `fork { ... }` | a child runs the script, then exits 0 |
//! | `double-fork { ... }` | a grandchild does, and its parent is gone |
//! | `reap` | waits for all children |
//! | `setsid` | a session of its own (in a child, if this process leads a group) |
//! | `close STREAM` | stdin, stdout or stderr |
//! | `hold-stream STREAM` | closes stdin, stdout and stderr except this one |
//! | `parent PROGRAM SCRIPT OUT` | starts PROGRAM with pipes, sends it the file SCRIPT, copies what it says to OUT |
//! | `print-env`, `print-args`, `print-cwd`, `print-fds`, `print-signals` | |
//! | `exit N` | |
//!
//! `main` is C's, since that of the standard library ignores SIGPIPE and reopens closed descriptors: what is
//! printed here is what the host has handed on.
#![no_main]
#![allow(unsafe_code, reason = "fork, signals and C's main have no safe form; the process has one thread")]
#![expect(clippy::disallowed_methods, reason = "`sleep` is an instruction and `parent` starts the host")]

use std::ffi::{c_char, c_int};
use std::fs::{self, File};
use std::io::{Read, Write, copy};
use std::os::fd::{BorrowedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio, exit};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use weir_tests::pattern;

/// Starts the script.
// SAFETY: no other object of this program is named `main`.
#[unsafe(no_mangle)]
pub extern "C" fn main(_count: c_int, _arguments: *const *const c_char) -> c_int {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let status = match (Probe { emitted: [0; 3] }).run(&words) {
        Ok(()) => 0,
        Err(error) => {
            let _ = write_all(2, format!("probe: {error:#}\n").as_bytes());
            99
        }
    };
    exit(status)
}

struct Probe {
    emitted: [u64; 3],
}

impl Probe {
    fn run(&mut self, words: &[String]) -> Result<()> {
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            let mut next = || rest.next().with_context(|| format!("`{word}` lacks an operand"));
            match word.as_str() {
                "marker" => drop(next()?),
                "emit" => write_all(stream(next()?)?, next()?.as_bytes())?,
                "line" => write_all(stream(next()?)?, format!("{}\n", next()?).as_bytes())?,
                "emit-bytes" => self.emit_bytes(stream(next()?)?, next()?.parse()?)?,
                "piece" => {
                    let (fd, path) = (stream(next()?)?, next()?);
                    let (from, to): (usize, usize) = (next()?.parse()?, next()?.parse()?);
                    write_all(fd, fs::read(path)?.get(from..to).context("no such piece")?)?;
                }
                "drip" => drip(stream(next()?)?, &fs::read(next()?)?)?,
                "lines" => (1..=next()?.parse::<u64>()?)
                    .try_for_each(|n| write_all(1, format!("{n}\n").as_bytes()))?,
                "echo" => echo()?,
                "read" => (0..next()?.parse::<u64>()?).try_for_each(|_| read_byte())?,
                "wait-fifo" => File::open(next()?)?.read_exact(&mut [0])?,
                "tell-fifo" => File::options().write(true).open(next()?)?.write_all(b".")?,
                "touch" => drop(File::create(next()?)?),
                "hang" => hang(),
                "sleep" => std::thread::sleep(Duration::from_millis(next()?.parse()?)),
                "ignore" => ignore(signal(next()?)?),
                "kill-self" => kill_self(signal(next()?)?),
                "fork" => self.fork(&block(&mut rest)?, false)?,
                "double-fork" => self.fork(&block(&mut rest)?, true)?,
                "reap" => while wait_child() {},
                "setsid" => setsid()?,
                "close" => close(stream(next()?)?),
                "hold-stream" => {
                    let held = stream(next()?)?;
                    (0..3).filter(|fd| *fd != held).for_each(close);
                }
                "parent" => parent(next()?, next()?, next()?)?,
                "print-env" => std::env::vars_os().try_for_each(|(name, value)| {
                    write_all(1, &[name.as_bytes(), b"=", value.as_bytes(), b"\n"].concat())
                })?,
                "print-args" => {
                    std::env::args()
                        .try_for_each(|argument| write_all(1, format!("{argument}\n").as_bytes()))?;
                }
                "print-cwd" => write_all(1, std::env::current_dir()?.as_os_str().as_bytes())?,
                "print-fds" => print_fds()?,
                "print-signals" => print_signals()?,
                "exit" => exit(next()?.parse()?),
                _ => bail!("no instruction `{word}`"),
            }
        }
        Ok(())
    }

    fn emit_bytes(&mut self, fd: RawFd, count: u64) -> Result<()> {
        let end = self.emitted[fd as usize] + count;
        while self.emitted[fd as usize] < end {
            let offset = self.emitted[fd as usize];
            let piece = pattern(offset, (end - offset).min(64 * 1024) as usize);
            write_all(fd, &piece)?;
            self.emitted[fd as usize] += piece.len() as u64;
        }
        Ok(())
    }

    fn fork(&mut self, script: &[String], twice: bool) -> Result<()> {
        // SAFETY: this process has one thread, so the child may do all that the parent could.
        match unsafe { libc::fork() } {
            -1 => Err(std::io::Error::last_os_error()).context("fork"),
            0 if twice => {
                let forked = self.fork(script, false);
                exit(i32::from(forked.is_err()))
            }
            0 => match self.run(script) {
                Ok(()) => exit(0),
                Err(error) => {
                    let _ = write_all(2, format!("probe: {error:#}\n").as_bytes());
                    exit(99)
                }
            },
            child if twice => {
                // SAFETY: `child` is a child of this process; no status is asked for.
                unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// The words up to the brace that closes the one that comes next.
fn block<'w>(rest: &mut impl Iterator<Item = &'w String>) -> Result<Vec<String>> {
    anyhow::ensure!(rest.next().is_some_and(|word| word == "{"), "expected `{{`");
    let mut script = Vec::new();
    let mut depth = 1;
    for word in rest {
        depth += i32::from(word == "{") - i32::from(word == "}");
        if depth == 0 {
            return Ok(script);
        }
        script.push(word.clone());
    }
    bail!("expected `}}`")
}

fn stream(name: &str) -> Result<RawFd> {
    match name {
        "stdin" => Ok(0),
        "stdout" => Ok(1),
        "stderr" => Ok(2),
        _ => bail!("no stream `{name}`"),
    }
}

fn signal(name: &str) -> Result<c_int> {
    Ok(match name {
        "SIGHUP" => libc::SIGHUP,
        "SIGINT" => libc::SIGINT,
        "SIGQUIT" => libc::SIGQUIT,
        "SIGKILL" => libc::SIGKILL,
        "SIGTERM" => libc::SIGTERM,
        "SIGUSR1" => libc::SIGUSR1,
        "SIGSEGV" => libc::SIGSEGV,
        "SIGABRT" => libc::SIGABRT,
        _ => bail!("no signal `{name}`"),
    })
}

fn write_all(fd: RawFd, mut bytes: &[u8]) -> Result<()> {
    // SAFETY: only borrowed for the call; a closed descriptor gives EBADF, which is reported.
    let fd = unsafe { BorrowedFd::borrow_raw(fd) };
    while !bytes.is_empty() {
        match rustix::io::write(fd, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).context("write"),
        }
    }
    Ok(())
}

fn drip(fd: RawFd, bytes: &[u8]) -> Result<()> {
    for byte in bytes {
        write_all(fd, &[*byte])?;
        // Nothing wakes a writer when its pipe has been emptied.
        // SAFETY: only borrowed for the call.
        while rustix::io::ioctl_fionread(unsafe { BorrowedFd::borrow_raw(fd) })? > 0 {
            std::thread::yield_now();
        }
    }
    Ok(())
}

fn read_some(buffer: &mut [u8]) -> Result<usize> {
    // SAFETY: only borrowed for the call.
    Ok(rustix::io::retry_on_intr(|| rustix::io::read(unsafe { BorrowedFd::borrow_raw(0) }, &mut *buffer))?)
}

fn read_byte() -> Result<()> {
    anyhow::ensure!(read_some(&mut [0])? == 1, "stdin is at its end");
    Ok(())
}

fn echo() -> Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match read_some(&mut buffer)? {
            0 => return Ok(()),
            count => write_all(1, &buffer[..count])?,
        }
    }
}

fn hang() -> ! {
    loop {
        // SAFETY: has no arguments and no effect on memory.
        unsafe { libc::pause() };
    }
}

fn ignore(signal: c_int) {
    // SAFETY: SIG_IGN runs no handler.
    unsafe { libc::signal(signal, libc::SIG_IGN) };
}

fn kill_self(signal: c_int) {
    // SAFETY: plain system calls on this process. The default action brings a core dump, which is not wanted.
    unsafe {
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        libc::setrlimit(libc::RLIMIT_CORE, &none);
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}

fn wait_child() -> bool {
    // SAFETY: no status is asked for.
    unsafe { libc::wait(std::ptr::null_mut()) > 0 }
}

fn setsid() -> Result<()> {
    // SAFETY: plain system calls. A leader of a group cannot leave its session, so it goes on as its own child.
    unsafe {
        if libc::setsid() == -1 {
            match libc::fork() {
                -1 => bail!("fork: {}", std::io::Error::last_os_error()),
                0 => drop(libc::setsid()),
                _ => exit(0),
            }
        }
    }
    Ok(())
}

fn close(fd: RawFd) {
    // SAFETY: nothing in this program owns descriptors 0 to 2.
    unsafe { libc::close(fd) };
}

fn parent(program: &str, script: &str, out: &str) -> Result<()> {
    let mut host = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut stdin = host.stdin.take().context("stdin is piped")?;
    copy(&mut File::open(script)?, &mut stdin)?;
    copy(&mut host.stdout.take().context("stdout is piped")?, &mut File::create(out)?)?;
    Ok(())
}

fn print_fds() -> Result<()> {
    // The descriptor that lists them is its own and not reported.
    let own = File::open("/proc/self/fd")?;
    let listing = fs::read_dir("/proc/self/fd")?;
    drop(own);
    for entry in listing {
        let entry = entry?;
        let target = fs::read_link(entry.path()).unwrap_or_default();
        let target = target.display().to_string();
        if !target.ends_with(&format!("/proc/{}/fd", std::process::id())) && !target.is_empty() {
            write_all(1, format!("{} {target}\n", entry.file_name().display()).as_bytes())?;
        }
    }
    Ok(())
}

fn print_signals() -> Result<()> {
    let status = fs::read_to_string("/proc/self/status")?;
    let masks =
        status.lines().filter(|line| ["SigBlk:", "SigIgn:", "SigCgt:"].iter().any(|m| line.starts_with(m)));
    masks.map(|line| line.replace('\t', " ") + "\n").try_for_each(|line| write_all(1, line.as_bytes()))
}
