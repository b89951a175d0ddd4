//! What the environment can change about a run of the suite.

use std::str::FromStr;
use std::sync::OnceLock;
use std::time::Duration;

/// The one deadline for everything that is waited for: `WEIR_DEADLINE_MS`, 20 s by default.
#[must_use]
pub fn deadline() -> Duration {
    static DEADLINE: OnceLock<Duration> = OnceLock::new();
    *DEADLINE.get_or_init(|| Duration::from_millis(number("WEIR_DEADLINE_MS", 20_000)))
}

/// How many bytes of a message a failure's transcript shows: `WEIR_TRANSCRIPT_WIDTH`, 1,500 by default.
#[must_use]
pub fn transcript_width() -> usize {
    static WIDTH: OnceLock<usize> = OnceLock::new();
    *WIDTH.get_or_init(|| number("WEIR_TRANSCRIPT_WIDTH", 1_500))
}

/// The shipped binary that the suite is pointed at with `WEIR_BIN`, if it is.
#[must_use]
pub fn shipped_binary() -> Option<String> {
    std::env::var("WEIR_BIN").ok().filter(|path| !path.is_empty())
}

/// The command line of the host that the suite is pointed at, if it is: `WEIR_COMMAND`, words with blanks between, as
/// `ssh HOST weir`; or `WEIR_BIN` alone.
#[must_use]
pub fn shipped_command() -> Option<Vec<String>> {
    let words = std::env::var("WEIR_COMMAND").unwrap_or_default();
    let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
    if words.is_empty() { shipped_binary().map(|path| vec![path]) } else { Some(words) }
}

/// A number out of the environment variable `name`.
///
/// # Panics
///
/// If it is set to something else: a typing error must not make a long run a short one.
#[must_use]
pub fn number<T: FromStr>(name: &str, default: T) -> T {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("expected a number in {name}, saw `{text}`")),
        Err(_) => default,
    }
}
