//! Who waits for input: which process of a tree blocks reading its terminal, or the standard input that is kept open.
//!
//! Seen from the kernel, never guessed from what was printed: a thread that sleeps in a system call which only what is
//! typed or written can end. [`watch`] looks at the trees, one thread for all of them; [`tree`] is what is known of one;
//! [`blocked`] says what a thread waits for, [`descriptor`] what a descriptor is.
//!
//! Knows nothing of output: the driver sees to it that what was printed before is told before.

mod blocked;
mod descriptor;
mod proc;
mod socket_pair;
mod tree;
mod watch;

use std::time::SystemTime;

use rustix::io::Errno;

pub(crate) use self::watch::{InputWatch, Watched};

/// A process that waits for input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitingForInput {
    /// When it was first seen to wait: at most a second late.
    pub since: SystemTime,
    /// The process.
    pub pid: i32,
    /// The descriptor that it waits at.
    pub descriptor: i32,
}

/// Why nobody is seen waiting for input on this machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputNotSeen {
    /// The numbers of the system calls are others here.
    #[error("the system calls of {0} are not known")]
    Architecture(&'static str),
    /// The kernel does not show what a process waits for, or not to this user.
    #[error("`/proc/PID/{file}` of a child cannot be read: {errno}")]
    Refused {
        /// The file.
        file: &'static str,
        /// The kernel's reason.
        errno: Errno,
    },
    /// What it shows has another form.
    #[error("`/proc/PID/{file}` of a child says `{said}`, which is not understood")]
    NotUnderstood {
        /// The file.
        file: &'static str,
        /// Its text.
        said: String,
    },
}
