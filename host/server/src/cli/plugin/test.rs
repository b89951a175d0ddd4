//! `weir plugin test`: cases through a plugin, compared with what was expected.

mod case;
mod filter;
mod policy;
mod summary;

use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use weir_plugin::{Fault, Plugin, PluginSpec};

pub(super) use self::case::{Case, CaseFile};
use super::super::PluginArgs;
use super::target::{self, Listener};
use super::{TestArgs, print, runtime};

/// What the guest wrote, as far as it is shown with a case that fails.
const LINES_SHOWN: usize = 20;

/// How a case went.
enum Outcome {
    /// As expected, with a remark if there is something to say.
    Passed(Option<String>),
    /// Not as expected: what was expected and what was seen, a line each.
    Failed(Vec<String>),
}

pub(super) fn test(args: &TestArgs, configured: &PluginArgs) -> anyhow::Result<ExitCode> {
    let spec = args.target.spec(configured)?;
    let files = args.cases.iter().map(|path| CaseFile::read(path)).collect::<anyhow::Result<Vec<_>>>()?;
    let listener = Arc::<Listener>::default();
    let engine = target::engine(true, &listener)?;
    let runtime = runtime()?;
    let (mut run, mut failed) = (0, 0);
    for file in &files {
        let mut spec = spec.clone();
        file.apply(&mut spec);
        for case in &file.cases {
            // Each has the plugin anew, used as what the case is about: the faults of one must not switch it off for the
            // next. What was compiled is in the cache.
            let spec = PluginSpec { kinds: Some(vec![case.kind()]), ..spec.clone() };
            let plugin = match runtime.block_on(Plugin::load(&engine, spec, 1)) {
                Ok(plugin) => plugin,
                Err(error) => {
                    target::tell_load_error(&error);
                    return Ok(ExitCode::FAILURE);
                }
            };
            listener.take();
            let outcome = runtime.block_on(run_case(&plugin, file, case));
            run += 1;
            failed += usize::from(matches!(outcome, Outcome::Failed(_)));
            print(&told(case, outcome, &listener.take()))?;
        }
    }
    print(&format!("{run} cases, {failed} failed\n"))?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn run_case(plugin: &Arc<Plugin>, file: &CaseFile, case: &Case) -> Outcome {
    match case {
        Case::Policy(case) => policy::run(plugin, case, &file.env).await,
        Case::Filter(case) => filter::run(plugin, case, &file.env).await,
        Case::Summary(case) => summary::run(plugin, case).await,
    }
}

/// One line, and more if it failed.
fn told(case: &Case, outcome: Outcome, lines: &[String]) -> String {
    let name = case.name();
    match outcome {
        Outcome::Passed(None) => format!("ok    {name}\n"),
        Outcome::Passed(Some(remark)) => format!("ok    {name} ({remark})\n"),
        Outcome::Failed(details) => {
            let mut text = format!("FAIL  {name}\n");
            let wrote = lines.iter().rev().take(LINES_SHOWN).rev().map(|line| format!("it wrote: {line}"));
            for detail in details.into_iter().chain(wrote) {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "      {}", detail.replace('\n', "\n      "));
            }
            text
        }
    }
}

impl Outcome {
    /// Failed if there is something to complain of.
    fn of(complaints: Vec<String>) -> Self {
        if complaints.is_empty() { Self::Passed(None) } else { Self::Failed(complaints) }
    }

    /// Nothing was seen but a failure.
    fn fault(fault: &Fault, after: &str) -> Self {
        Self::Failed(vec![format!("{fault}{after}")])
    }
}
