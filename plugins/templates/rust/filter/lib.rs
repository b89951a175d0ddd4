//! A filter that replaces a text by another, wherever the output is cut into chunks.

mod replacer;

wit_bindgen::generate!({ path: "wit", world: "filter-plugin" });

use std::cell::RefCell;
use std::sync::OnceLock;

use exports::weir::plugin::{filter, plugin};
use replacer::{Config, Replacer};
use weir::plugin::host::StreamContext;
use weir::plugin::types::{ChunkResult, Failure};

/// Each instance is initialized once.
static CONFIG: OnceLock<Config> = OnceLock::new();

struct Component;

impl plugin::Guest for Component {
    fn init(config: String) -> Result<(), Failure> {
        let config = Config::parse(&config).map_err(|message| Failure {
            code: "bad-config".into(),
            message,
        })?;
        CONFIG.get_or_init(|| config);
        Ok(())
    }
}

impl filter::Guest for Component {
    type FilterStream = Stream;
}

/// One stream. The host calls one function at a time.
struct Stream(RefCell<Replacer>);

impl filter::GuestFilterStream for Stream {
    fn open(_context: &StreamContext) -> Result<Option<filter::FilterStream>, Failure> {
        let Some(config) = CONFIG.get() else {
            return Err(Failure {
                code: "no-config".into(),
                message: "expected `init` first".into(),
            });
        };
        // Nothing to look for: not for this filter, and the stream costs nothing from here on.
        Ok(Replacer::new(config)
            .map(|replacer| filter::FilterStream::new(Self(RefCell::new(replacer)))))
    }

    fn push(&self, chunk: Vec<u8>) -> Result<ChunkResult, Failure> {
        Ok(match self.0.borrow_mut().push(&chunk) {
            Some(bytes) => ChunkResult::Bytes(bytes),
            None => ChunkResult::Unchanged,
        })
    }

    fn idle(&self) -> Result<Vec<u8>, Failure> {
        // A filter that waits for whole lines would give the line that it has so far. This one holds nothing but a
        // beginning of what it looks for: given now, it could not be replaced any more.
        Ok(Vec::new())
    }

    fn finish(this: filter::FilterStream) -> Result<Vec<u8>, Failure> {
        Ok(this.into_inner::<Self>().0.into_inner().finish())
    }
}

export!(Component);
