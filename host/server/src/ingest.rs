//! Filters between a command's stream and its log: what plugins call a filter, as processes know it.

use std::sync::Arc;

use bytes::Bytes;
use weir_plugin::{Fault, FilterStream};
use weir_process::{Ingest, Ingesting, Stream, Withhold};

use crate::pipeline::ProcessFacts;
use crate::plugins::PluginSet;

/// The filters of one stream.
pub(crate) struct Filtered(pub(crate) FilterStream);

impl Ingest for Filtered {
    fn push<'a>(&'a mut self, bytes: &'a [u8]) -> Ingesting<'a, Option<Bytes>> {
        Box::pin(async { self.0.push_lent(bytes).await.map_err(|fault| withhold(&fault)) })
    }

    fn idle(&mut self) -> Ingesting<'_> {
        Box::pin(async { self.0.idle().await.map_err(|fault| withhold(&fault)) })
    }

    fn finish(&mut self) -> Ingesting<'_> {
        Box::pin(async { self.0.finish().await.map_err(|fault| withhold(&fault)) })
    }
}

/// Words that others have on their command lines, as they may be told: through the filters that the process's own output
/// goes through. None where these fail.
pub(crate) async fn shown(plugins: &PluginSet, facts: &ProcessFacts, words: Vec<String>) -> Vec<String> {
    let Some(chain) = &plugins.ingest else { return words };
    let text = words.join("\n");
    let mut stream = chain.open(facts.of_stream(Stream::Stderr, false));
    let Ok(first) = stream.push(Bytes::from(text)).await else { return Vec::new() };
    let Ok(rest) = stream.finish().await else { return Vec::new() };
    let text = [first, rest].concat();
    String::from_utf8_lossy(&text).split('\n').map(str::to_owned).collect()
}

/// The fault was told where it happened; here it means that nothing more may pass.
fn withhold(fault: &Fault) -> Withhold {
    Withhold(Arc::from(format!(
        "the filter `{}` failed ({}): {}",
        fault.plugin,
        fault.kind.word(),
        fault.message
    )))
}
