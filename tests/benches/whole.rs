//! The whole, measured from outside: an exec host as its client sees it.
//!
//! Measures Weir (`WEIR_BIN`, or the binary of this build) and, given `--peer PATH` or `WEIR_BENCH_PEER`, Codex's
//! `codex exec-server --listen stdio` with the same requests. Samples of the two alternate (A B A B ...), so that
//! what the machine does besides hits both; medians are compared.
//!
//! `cargo bench -p weir-tests -- [--peer PATH] [--samples N] [--mib N] [--starts N] [--only WORD] [--overflow RULE]`

#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

#[path = "whole/input.rs"]
mod input;
#[path = "whole/lines.rs"]
mod lines;
#[path = "whole/measures.rs"]
mod measures;
#[path = "whole/plugins.rs"]
mod plugins;
#[path = "whole/server.rs"]
mod server;
#[path = "whole/table.rs"]
mod table;

use anyhow::{Context, Result, bail};

use crate::server::Subject;
use crate::table::Table;

/// What is measured, and how often.
pub(crate) struct Plan {
    /// Weir first, then the peer if there is one.
    pub(crate) subjects: Vec<Subject>,
    /// Multiplies every count of samples.
    samples: usize,
    /// Output of the flood, in bytes.
    pub(crate) flood_bytes: u64,
    /// Processes that are started at once.
    pub(crate) starts: usize,
    /// The overflow rule asked of Weir in the flood; the default if there is none.
    pub(crate) overflow: Option<String>,
    only: String,
}

impl Plan {
    fn from_arguments() -> Result<Self> {
        let program = weir_tests::settings::shipped_binary()
            .unwrap_or_else(|| env!("CARGO_BIN_EXE_weir-under-test").to_owned());
        let mut peer = std::env::var("WEIR_BENCH_PEER").ok();
        let mut plan = Self {
            subjects: vec![Subject::weir(program)],
            samples: 1,
            flood_bytes: 256 << 20,
            starts: 1_000,
            overflow: None,
            only: String::new(),
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("`{word}` lacks its value"));
            match word.as_str() {
                // What `cargo bench` adds.
                "--bench" => {}
                "--peer" => peer = Some(value()?),
                "--samples" => plan.samples = value()?.parse()?,
                "--mib" => plan.flood_bytes = value()?.parse::<u64>()? << 20,
                "--starts" => plan.starts = value()?.parse()?,
                "--overflow" => plan.overflow = Some(value()?),
                "--only" => plan.only = value()?,
                _ => bail!("no option `{word}`"),
            }
        }
        plan.subjects.extend(peer.map(Subject::codex));
        Ok(plan)
    }

    /// How many samples of a measure whose usual count is `usual`.
    pub(crate) fn samples(&self, usual: usize) -> usize {
        usual * self.samples
    }
}

fn main() -> Result<()> {
    let plan = Plan::from_arguments()?;
    let names: Vec<&str> = plan.subjects.iter().map(|subject| subject.name).collect();
    let mut table = Table::new(&names);
    for (name, measure) in measures::ALL {
        if name.contains(&plan.only) {
            measure(&plan, &mut table).with_context(|| format!("measuring `{name}`"))?;
        }
    }
    Ok(())
}
