//! `redact`: masks secrets in what commands print, before anything is kept.
//!
//! This file is the component's surface and nothing more; `Redactor` holds the stream, `Rules` what a secret is.

pub mod assignment;
pub mod block;
pub mod byte_set;
pub mod config;
pub mod escapes;
pub mod format;
pub mod formats;
pub mod header;
pub mod invisible;
pub mod judge;
pub mod jwt;
pub mod matcher;
pub mod names;
pub mod outcome;
pub mod prefilter;
pub mod redactor;
pub mod rules;
pub mod tag;
pub mod value;

/// The component's exports; there are none natively, where only the logic is built, for its tests.
#[cfg(target_family = "wasm")]
mod component {
    use std::cell::RefCell;
    use std::rc::Rc;

    wit_bindgen::generate!({ path: "../../wit", world: "filter-plugin" });

    use exports::weir::plugin::{filter, plugin};
    use weir::plugin::host::{self, Level, StreamContext};
    use weir::plugin::types::{ChunkResult, Failure};

    use crate::config::Config;
    use crate::redactor::{Pushed, Redactor};
    use crate::rules::Rules;

    struct Redact;

    thread_local! {
        static CONFIG: RefCell<Config> = RefCell::default();
    }

    impl plugin::Guest for Redact {
        fn init(config: String) -> Result<(), Failure> {
            let config = Config::parse(&config)
                .map_err(|message| Failure { code: "bad-config".to_owned(), message })?;
            CONFIG.set(config);
            Ok(())
        }
    }

    impl filter::Guest for Redact {
        type FilterStream = Stream;
    }

    struct Stream(RefCell<Redactor>);

    impl Stream {
        /// Tells the host of the masks that were made.
        fn report(redactor: &mut Redactor) {
            for masked in redactor.take_masked() {
                host::masked(&masked.mask, &masked.kind);
            }
        }
    }

    impl filter::GuestFilterStream for Stream {
        fn open(context: &StreamContext) -> Result<Option<filter::FilterStream>, Failure> {
            let salt = host::salt();
            let variables = context.env();
            let redactor = CONFIG.with_borrow(|config| {
                let (rules, skipped) = Rules::new(config, &variables, salt);
                for name in skipped.short {
                    let message = format!("the value of `{name}` is not masked: it has fewer than 6 bytes");
                    host::log(Level::Warn, &message);
                }
                for name in skipped.crowded {
                    let message =
                        format!("the value of `{name}` is not masked in full: there are too many values");
                    host::log(Level::Warn, &message);
                }
                for name in
                    config.named_values().filter(|name| !variables.iter().any(|(known, _)| known == name))
                {
                    host::log(Level::Debug, &format!("`{name}` of `values` is not granted, or not set"));
                }
                Redactor::new(Rc::new(rules), salt)
            });
            Ok(Some(filter::FilterStream::new(Stream(RefCell::new(redactor)))))
        }

        fn push(&self, chunk: Vec<u8>) -> Result<ChunkResult, Failure> {
            let mut redactor = self.0.borrow_mut();
            let pushed = redactor.push(&chunk);
            Stream::report(&mut redactor);
            Ok(match pushed {
                Pushed::Unchanged => ChunkResult::Unchanged,
                Pushed::Bytes(bytes) => ChunkResult::Bytes(bytes),
            })
        }

        fn idle(&self) -> Result<Vec<u8>, Failure> {
            Ok(self.0.borrow_mut().idle())
        }

        fn finish(this: filter::FilterStream) -> Result<Vec<u8>, Failure> {
            let stream = this.into_inner::<Stream>();
            let mut redactor = stream.0.into_inner();
            let rest = redactor.finish();
            Stream::report(&mut redactor);
            Ok(rest)
        }
    }

    export!(Redact);
}
