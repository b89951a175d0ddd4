//! The plugin interface: bindings and nothing else.

use std::cell::{Cell, RefCell};

use crate::{HeadTail, Options};

wit_bindgen::generate!({ path: "../../wit", world: "filter-plugin" });

use exports::weir::plugin::{filter, plugin};
use weir::plugin::host::StreamContext;
use weir::plugin::types::{Channel, ChunkResult, Failure};

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

struct Stream(RefCell<HeadTail>);

impl filter::GuestFilterStream for Stream {
    fn open(context: &StreamContext) -> Result<Option<filter::FilterStream>, Failure> {
        let channel = match context.channel() {
            Channel::Stdout => "stdout",
            Channel::Stderr => "stderr",
            Channel::Merged => "the merged output",
            Channel::Pty => "the terminal's output",
        };
        let options = OPTIONS.take().unwrap_or_default();
        OPTIONS.set(Some(options.clone()));
        Ok(Some(filter::FilterStream::new(Stream(RefCell::new(HeadTail::new(&options, channel))))))
    }

    fn push(&self, chunk: Vec<u8>) -> Result<ChunkResult, Failure> {
        Ok(self.0.borrow_mut().push(&chunk).map_or(ChunkResult::Unchanged, ChunkResult::Bytes))
    }

    /// Nothing: what is held is either part of the end, and only the end of the stream tells which bytes that is, or
    /// it is left out.
    fn idle(&self) -> Result<Vec<u8>, Failure> {
        Ok(self.0.borrow_mut().idle())
    }

    fn finish(this: filter::FilterStream) -> Result<Vec<u8>, Failure> {
        Ok(this.into_inner::<Stream>().0.into_inner().finish())
    }
}

export!(Plugin);
