//! Weir's filter for views that gives the beginning and the end of a long output, and says exactly what is between
//! them. See the README for what it does; the logic is in [`HeadTail`] and knows nothing of the plugin interface.

mod head_tail;
mod options;
#[cfg(target_family = "wasm")]
mod plugin;
mod tail;

pub use head_tail::HeadTail;
pub use options::Options;
