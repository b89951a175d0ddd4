//! A summary of test runs and compilers' findings: which tests failed, where, and all that they printed.
//!
//! This file holds the bindings alone; everything else knows nothing of them and is tested natively.

#![warn(missing_docs)]

pub mod compiler;
pub mod escape;
pub mod findings;
pub mod lines;
pub mod options;
pub mod place;
pub mod runner;
pub mod scanner;
pub mod source;
pub mod span;
pub mod summary;
pub mod text;
pub mod tool;

#[cfg(target_arch = "wasm32")]
mod guest;
