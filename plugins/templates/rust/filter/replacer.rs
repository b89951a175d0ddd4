//! Replacing, chunk by chunk. No bindings are called here, so that `cargo test` runs it natively.

use memchr::memmem::Finder;
use serde::Deserialize;

/// The configuration. Whatever is not named here is refused.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// What is looked for; with nothing to look for no stream is filtered.
    #[serde(default)]
    find: String,
    /// What stands in its place.
    #[serde(default)]
    replace: String,
}

/// One stream on its way.
pub struct Replacer {
    finder: Finder<'static>,
    replace: Vec<u8>,
    /// The end of what came so far, as far as it is a beginning of what is looked for.
    held: Vec<u8>,
}

impl Config {
    pub fn parse(config: &str) -> Result<Self, String> {
        serde_json::from_str(config).map_err(|error| error.to_string())
    }
}

impl Replacer {
    /// None if there is nothing to look for.
    pub fn new(config: &Config) -> Option<Self> {
        let finder = Finder::new(config.find.as_bytes()).into_owned();
        let replace = config.replace.clone().into_bytes();
        (!config.find.is_empty()).then(|| Self {
            finder,
            replace,
            held: Vec::new(),
        })
    }

    /// What to pass on for `chunk`; `None` for the chunk as it is, which saves copying it.
    pub fn push(&mut self, chunk: &[u8]) -> Option<Vec<u8>> {
        let joined;
        let input = if self.held.is_empty() {
            chunk
        } else {
            joined = [&std::mem::take(&mut self.held), chunk].concat();
            &joined
        };
        let mut output = Vec::new();
        let mut done = 0;
        while let Some(found) = self.finder.find(&input[done..]) {
            output.extend_from_slice(&input[done..done + found]);
            output.extend_from_slice(&self.replace);
            done += found + self.finder.needle().len();
        }
        let rest = &input[done..];
        let keep = beginning_at_end(rest, self.finder.needle());
        if done == 0 && keep == 0 && input.len() == chunk.len() {
            return None;
        }
        output.extend_from_slice(&rest[..rest.len() - keep]);
        self.held.extend_from_slice(&rest[rest.len() - keep..]);
        Some(output)
    }

    /// The rest: what was held back is nothing but itself now.
    pub fn finish(self) -> Vec<u8> {
        self.held
    }
}

/// Length of the longest end of `text` that `needle` begins with.
fn beginning_at_end(text: &[u8], needle: &[u8]) -> usize {
    let most = text.len().min(needle.len() - 1);
    (1..=most)
        .rev()
        .find(|length| text.ends_with(&needle[..*length]))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(input: &[u8], cut: usize) -> String {
        let config = Config::parse(r#"{"find": "abab", "replace": "X"}"#).unwrap();
        let mut replacer = Replacer::new(&config).unwrap();
        let mut output = Vec::new();
        for chunk in [&input[..cut], &input[cut..]]
            .into_iter()
            .filter(|chunk| !chunk.is_empty())
        {
            output.extend(replacer.push(chunk).unwrap_or_else(|| chunk.to_vec()));
        }
        output.extend(replacer.finish());
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn the_result_does_not_depend_on_where_the_input_is_cut() {
        for (input, expected) in [
            ("ab abab ababab aba", "ab X Xab aba"),
            ("abaabab", "abaX"),
            ("none", "none"),
        ] {
            for cut in 0..=input.len() {
                assert_eq!(
                    run(input.as_bytes(), cut),
                    expected,
                    "`{input}` cut at {cut}"
                );
            }
        }
    }

    #[test]
    fn a_bad_configuration_is_refused_by_name() {
        let error = Config::parse(r#"{"fnd": "x"}"#).unwrap_err();
        assert!(error.contains("fnd"), "{error}");
        assert!(Replacer::new(&Config::default()).is_none());
    }
}
