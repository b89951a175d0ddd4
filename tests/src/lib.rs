//! A harness for any implementation of Weir's wire contract.
//!
//! It is independent of the host's crates on purpose: results are `serde_json::Value`, framing and base64 are its
//! own, and only [`Host::in_process`] calls the host's library. `WEIR_BIN` points the same suite at a shipped
//! binary, `WEIR_COMMAND` at whatever starts one. See README.md for the variables that make runs longer.

mod case;
mod client;
mod codex;
mod command_line;
mod framing;
mod gate;
mod host;
mod in_process;
mod json;
mod launch;
mod ledger;
mod live_process;
mod mailbox;
mod pattern;
mod plugin_entry;
mod process;
mod random_tree;
mod rpc_error;
mod schema;
mod screen;
mod transcript;

pub mod settings;

pub use case::Case;
pub use client::Client;
pub use codex::{Codex, Desk, Peer, Session, Turn};
pub use command_line::{CommandLine, Finished};
pub use framing::{FrameReader, Framing};
pub use gate::Gate;
pub use host::Host;
pub use json::{Json, base64};
pub use launch::{Binaries, Launch};
pub use ledger::Ledger;
pub use live_process::{LiveProcess, listing};
pub use mailbox::{Missing, Received};
pub use pattern::{locate, pattern};
pub use plugin_entry::PluginEntry;
pub use process::{Process, chunks_of, merge, outline, pushed};
pub use random_tree::RandomTree;
pub use rpc_error::RpcError;
pub use schema::{Unnamed, Validator};
pub use screen::Screen;
pub use transcript::{Side, Transcript};

/// Where Cargo has put this package's programs, as seen from an integration test or a bench.
#[macro_export]
macro_rules! binaries {
    () => {
        $crate::Binaries {
            host: env!("CARGO_BIN_EXE_weir-under-test"),
            probe: env!("CARGO_BIN_EXE_probe"),
            scratch: env!("CARGO_TARGET_TMPDIR"),
        }
    };
}

/// Makes two tests of each body `fn(Launch)`: one against the binary, one in process.
///
/// With `WEIR_BIN` or `WEIR_COMMAND` the second has nothing to say about that host and passes at once.
#[macro_export]
macro_rules! both_ways {
    ($($name:ident),* $(,)?) => {
        mod binary {
            $(#[test] fn $name() { super::$name($crate::Host::binary($crate::binaries!())); })*
        }
        mod in_process {
            $(#[test] fn $name() {
                if $crate::settings::shipped_command().is_none() {
                    super::$name($crate::Host::in_process($crate::binaries!()));
                }
            })*
        }
    };
}

/// Makes a test of each body `fn(Launch)` against the binary alone.
#[macro_export]
macro_rules! binary_only {
    ($($name:ident),* $(,)?) => {
        mod binary {
            $(#[test] fn $name() { super::$name($crate::Host::binary($crate::binaries!())); })*
        }
    };
}
