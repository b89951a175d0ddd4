//! Weir's filter for views that gives what a terminal would finally show. See the README for what it does; the
//! logic is in [`Tidy`] and knows nothing of the plugin interface.

mod fold;
mod options;
mod parser;
#[cfg(target_family = "wasm")]
mod plugin;
mod scan;
mod screen;
mod style;
mod tidy;

pub use options::{Colors, Options};
pub use tidy::Tidy;
