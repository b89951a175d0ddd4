//! What plugins do and what is done about it: real components in the real engine.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests and what they share")]

mod behaviour {
    mod assembly;
    mod cache;
    mod chain;
    mod grants;
    mod hostile;
    mod limits;
    mod loading;
    mod streams;
    mod summaries;
    mod support;
}
