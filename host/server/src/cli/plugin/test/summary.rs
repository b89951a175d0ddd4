//! Cases of summaries: what a command has printed goes in, a report comes out.

use std::sync::Arc;

use serde_json::Value;
use weir_plugin::{Diagnostic, Plugin, Report};

use super::super::sample::Printed;
use super::Outcome;
use super::case::{SummaryCase, WrittenDiagnostic};

/// How the summary's own lines begin.
const OWN: &str = "# ";

pub(super) async fn run(plugin: &Arc<Plugin>, case: &SummaryCase) -> Outcome {
    let printed = Arc::new(case.printed());
    let options = Value::Object(case.options.clone()).to_string();
    let report = plugin.summarize(Arc::<Printed>::clone(&printed), options).await;
    match report {
        Err(fault) => Outcome::fault(&fault, ""),
        Ok(None) if case.none => Outcome::Passed(None),
        Ok(None) => Outcome::Failed(vec!["expected a report, saw none".to_owned()]),
        Ok(Some(report)) if case.none => {
            Outcome::Failed(vec![format!("expected no report, saw `{}`", report.text)])
        }
        Ok(Some(report)) => Outcome::of(compare(case, &report, &printed)),
    }
}

fn compare(case: &SummaryCase, report: &Report, printed: &Printed) -> Vec<String> {
    let mut complaints = Vec::new();
    let text = &report.text;
    if let Some(expected) = case.text.as_ref().filter(|expected| *expected != text) {
        complaints.push(format!("text: expected `{expected}`\nsaw `{text}`"));
    }
    for part in case.text_contains.iter().filter(|part| !text.contains(part.as_str())) {
        complaints.push(format!("textContains: expected `{part}` in it\nsaw `{text}`"));
    }
    if let Some(line) = invented(text, printed) {
        complaints.push(format!(
            "text: expected each line to be a line of the output or to begin with `{OWN}`, saw `{line}`"
        ));
    }
    for (name, expected) in &case.notes {
        let seen = report.notes.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        if seen != Some(expected) {
            complaints.push(format!("notes: expected `{name}` to be `{expected}`, saw {seen:?}"));
        }
    }
    if let Some(expected) = &case.diagnostics {
        let seen = &report.diagnostics;
        if expected.len() != seen.len() {
            complaints.push(format!(
                "diagnostics: expected {}, saw {}: {seen:?}",
                expected.len(),
                seen.len()
            ));
        }
        for (index, (expected, seen)) in expected.iter().zip(seen).enumerate() {
            complaints.extend(differences(index, expected, seen));
        }
    }
    complaints
}

/// A line that stands nowhere in the output.
fn invented<'t>(text: &'t str, printed: &Printed) -> Option<&'t str> {
    let outputs: Vec<_> = printed.channels.iter().map(|(_, bytes)| String::from_utf8_lossy(bytes)).collect();
    let is_printed = |line: &str| outputs.iter().any(|output| output.lines().any(|printed| printed == line));
    text.lines().find(|line| !line.is_empty() && !line.starts_with(OWN) && !is_printed(line))
}

fn differences(index: usize, expected: &WrittenDiagnostic, seen: &Diagnostic) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut compare = |name: &str, expected: Option<String>, seen: Option<String>| {
        if let Some(expected) = expected
            && seen.as_ref() != Some(&expected)
        {
            let seen = seen.map_or("none".to_owned(), |seen| format!("`{seen}`"));
            complaints.push(format!("diagnostics[{index}].{name}: expected `{expected}`, saw {seen}"));
        }
    };
    let text = |number: Option<u32>| number.map(|number| number.to_string());
    compare("severity", expected.severity.clone(), Some(seen.severity.clone()));
    compare("message", expected.message.clone(), Some(seen.message.clone()));
    compare("path", expected.path.clone(), seen.path.clone());
    compare("line", text(expected.line), text(seen.line));
    compare("column", text(expected.column), text(seen.column));
    compare("code", expected.code.clone(), seen.code.clone());
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_plugin::Channel;

    #[test]
    fn a_line_that_was_not_printed_is_found() {
        let printed =
            Printed { channels: vec![(Channel::Stdout, "one\ntwo\n".into())], ..Printed::default() };
        assert_eq!(invented("# two lines\none\n\ntwo\n", &printed), None);
        assert_eq!(invented("# x\non\n", &printed), Some("on"));
    }
}
