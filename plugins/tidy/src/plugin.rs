//! The plugin interface: bindings and nothing else.

use std::cell::{Cell, RefCell};

use crate::{Options, Tidy};

wit_bindgen::generate!({ path: "../../wit", world: "filter-plugin" });

use exports::weir::plugin::{filter, plugin};
use weir::plugin::host::StreamContext;
use weir::plugin::types::{ChunkResult, Failure};

thread_local! {
    static OPTIONS: Cell<Option<Options>> = const { Cell::new(None) };
}

struct Plugin;

impl plugin::Guest for Plugin {
    fn init(config: String) -> Result<(), Failure> {
        let options =
            Options::parse(&config).map_err(|message| Failure { code: "bad-config".to_owned(), message })?;
        OPTIONS.set(Some(options));
        Ok(())
    }
}

impl filter::Guest for Plugin {
    type FilterStream = Stream;
}

struct Stream(RefCell<Tidy>);

impl filter::GuestFilterStream for Stream {
    fn open(_context: &StreamContext) -> Result<Option<filter::FilterStream>, Failure> {
        let options = OPTIONS.take().unwrap_or_default();
        OPTIONS.set(Some(options.clone()));
        Ok(Some(filter::FilterStream::new(Stream(RefCell::new(Tidy::new(&options))))))
    }

    fn push(&self, chunk: Vec<u8>) -> Result<ChunkResult, Failure> {
        Ok(self.0.borrow_mut().push(&chunk).map_or(ChunkResult::Unchanged, ChunkResult::Bytes))
    }

    fn idle(&self) -> Result<Vec<u8>, Failure> {
        Ok(self.0.borrow_mut().idle())
    }

    fn finish(this: filter::FilterStream) -> Result<Vec<u8>, Failure> {
        Ok(this.into_inner::<Stream>().0.into_inner().finish())
    }
}

export!(Plugin);
