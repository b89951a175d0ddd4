//! The policy `rules`: allow, ask and deny by patterns over the words of each simple command.
//!
//! Everything but this file works on types of its own and is tested without a host.

pub mod config;
pub mod environment;
pub mod example;
pub mod glob;
pub mod handed;
pub mod location;
pub mod model;
pub mod neutral;
pub mod option_words;
pub mod path_list;
pub mod pattern;
pub mod policy;
pub mod render;
pub mod rule;
pub mod runner;
pub mod script_state;
pub mod split;
pub mod wrapper;

// Natively the names that it exports are no symbols that a linker takes.
#[cfg(target_family = "wasm")]
mod component;
