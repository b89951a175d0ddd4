//! Filters between a command's stream and its log: what plugins call a filter, as processes know it.

use std::sync::Arc;

use bytes::Bytes;
use weir_plugin::{Fault, FilterStream};
use weir_process::{Ingest, Ingesting, Withhold};

/// The filters of one stream.
pub(crate) struct Filtered(pub(crate) FilterStream);

impl Ingest for Filtered {
    fn push(&mut self, bytes: Bytes) -> Ingesting<'_> {
        Box::pin(async { self.0.push(bytes).await.map_err(withhold) })
    }

    fn idle(&mut self) -> Ingesting<'_> {
        Box::pin(async { self.0.idle().await.map_err(withhold) })
    }

    fn finish(&mut self) -> Ingesting<'_> {
        Box::pin(async { self.0.finish().await.map_err(withhold) })
    }
}

/// The fault was told where it happened; here it means that nothing more may pass.
fn withhold(fault: Box<Fault>) -> Withhold {
    Withhold(Arc::from(format!(
        "the filter `{}` failed ({}): {}",
        fault.plugin,
        fault.kind.word(),
        fault.message
    )))
}
