//! What a command line means: shell text and wrappers taken apart into the simple commands that they run.
//!
//! [`see_through`] takes an argv and gives every simple command that may run, with words after quotes are taken
//! away, and the reasons why something else may run as well. It is meant for judging a command before it is spawned,
//! so it errs on one side: **what is not certain is never plain**. A word that a shell would expand is not literal; a
//! construct that shells read differently, that is rare, or that this crate does not know is a line in
//! [`Script::opaque`]. Nothing of a text is dropped silently.
//!
//! # What is seen through
//!
//! - `sh`, `bash`, `dash`, `ash`, `ksh`, `zsh` and their likes with `-c`, in all spellings; a shell that reads its commands from a
//!   file or from standard input is opaque. Startup files (`-l`, `--rcfile`) are part of the setting and not read; `-i` is
//!   opaque, since aliases and history then change words.
//! - The builtins that run text or arguments (`eval`, `trap`, `command`, `exec`, `builtin`), and those that change what
//!   later words mean (`alias`, `hash`, `enable`, `shopt`, `set`): opaque.
//! - Programs that run their arguments (`env`, `xargs`, `find -exec`, `timeout`, `sudo`, …): the inner command is listed. A
//!   wrapper is transparent only if it does nothing else: one that writes a file (`time -o`), changes the root
//!   (`chroot`) or leaves the machine (`ssh`) is opaque as well.
//! - Programs that find or fetch what they run (`npx`, `uv run`, `bundle exec`, …): the inner command is listed, and opaque as
//!   well, since it may be another program than that of PATH.
//! - Programs that take code as an argument (`python -c`, `perl -e`, `awk 'BEGIN { system(…) }'`, `git -c core.pager=…`, `tar
//!   --to-command`): opaque. `awk` and `sed` programs are read far enough to tell `{print $1}` and `1,5p` from those that run or
//!   write something.
//!
//! # What is not
//!
//! A program that is not in these tables is taken to be just what its words say: what it does is for the rules. Files
//! are not read: neither scripts, nor makefiles, nor the configuration of git.
//!
//! # Bounds
//!
//! Time and memory are linear in the text, which is at most [`MAX_TEXT`] bytes at a level; at most [`MAX_COMMANDS`] are
//! listed and [`MAX_DEPTH`] levels entered. Beyond a bound the rest is opaque. The grammar is read by a parser without
//! backtracking of its own, whose recursion is bounded; nothing here panics.

mod run;
mod script;
mod setting;
mod text;
mod walker;

pub use script::{Assignment, Redirect, Script, SimpleCommand, Word};
pub use setting::{Setting, resolve};
pub use walker::{MAX_COMMANDS, MAX_DEPTH, MAX_TEXT, see_through};
