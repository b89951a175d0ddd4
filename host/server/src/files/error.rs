//! Why something could not be done with a file.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why something could not be done with a file; every text names the file and what was to be done.
#[derive(Debug, Error)]
pub(crate) enum FileError {
    /// The system said no.
    #[error("cannot {verb} `{}`: {}", path.display(), reason(error))]
    System { verb: &'static str, path: PathBuf, error: io::Error },
    /// It is there, but not what is needed.
    #[error("cannot {verb} `{}`: expected {expected}, saw {seen}", path.display())]
    Kind { verb: &'static str, path: PathBuf, expected: &'static str, seen: &'static str },
    /// A copy of something into itself.
    #[error("cannot copy `{}`: expected a destination outside of it, saw `{}`", path.display(), destination.display())]
    IntoItself { path: PathBuf, destination: PathBuf },
    /// Too large to be given as a whole.
    #[error(
        "cannot read `{}` as a whole: expected at most {limit} bytes, saw {bytes}; `fs/open` and `fs/readBlock` read it in \
         blocks",
        path.display()
    )]
    TooLarge { path: PathBuf, bytes: u64, limit: u64 },
    /// A directory with too many entries to be given as a whole.
    #[error(
        "cannot list `{}` as a whole: expected at most {limit} entries, saw more; `fs/walk` gives a part of them",
        path.display()
    )]
    TooMany { path: PathBuf, limit: u64 },
    /// The work panicked, or the host ends.
    #[error("the host failed at this file")]
    Stopped,
}

impl FileError {
    /// For `map_err`: what the system says.
    pub(crate) fn system(verb: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |error| Self::System { verb, path, error }
    }
}

/// The system's reason, without its number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}
