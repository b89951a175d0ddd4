//! Lines such as `src/a.c:3:7: error: expected ‘;’`. No bindings are called here, so that `cargo test` runs it
//! natively.

use serde::Deserialize;

use crate::weir::plugin::types::{Channel, Diagnostic, Report};

/// Lines that are longer are no findings.
const LINE_MAX: usize = 4096;

/// What was found so far.
#[derive(Default)]
pub struct Findings {
    lines: Vec<String>,
    diagnostics: Vec<Diagnostic>,
    /// The line that has not ended yet, cut at the bound.
    line: Vec<u8>,
    /// Bytes of the channel before that line, and of all that came.
    line_at: u64,
    at: u64,
}

/// There is nothing to configure: refuses every member.
pub fn refuse_members(json: &str) -> Result<(), String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}
    serde_json::from_str(json)
        .map(|Nothing {}| ())
        .map_err(|error| error.to_string())
}

impl Findings {
    /// The next bytes of a channel.
    pub fn push(&mut self, channel: Channel, mut bytes: &[u8]) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.add(&bytes[..end]);
            self.at += 1;
            self.end_line(channel);
            bytes = &bytes[end + 1..];
        }
        self.add(bytes);
    }

    /// The channel has no more.
    pub fn end(&mut self, channel: Channel) {
        self.end_line(channel);
        (self.at, self.line_at) = (0, 0);
    }

    /// None if this was no output with findings.
    pub fn report(self) -> Option<Report> {
        if self.diagnostics.is_empty() {
            return None;
        }
        let count = |severity| {
            self.diagnostics
                .iter()
                .filter(|found| found.severity == severity)
                .count()
        };
        let (errors, warnings) = (count("error"), count("warning"));
        // Lines of the output stand as they are; the summary's own begin with `# `.
        let mut text = format!("# errors: {errors}, warnings: {warnings}\n");
        for line in &self.lines {
            text.push_str(line);
            text.push('\n');
        }
        let notes = vec![
            ("errors".into(), errors.to_string()),
            ("warnings".into(), warnings.to_string()),
        ];
        Some(Report {
            text,
            diagnostics: self.diagnostics,
            notes,
        })
    }

    fn add(&mut self, bytes: &[u8]) {
        self.at += bytes.len() as u64;
        let room = LINE_MAX.saturating_sub(self.line.len());
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn end_line(&mut self, channel: Channel) {
        if self.line.len() < LINE_MAX
            && let Ok(line) = std::str::from_utf8(&self.line)
            && let Some(found) = parse(line.trim_end_matches('\r'))
        {
            self.diagnostics.push(Diagnostic {
                at: Some((channel, self.line_at)),
                ..found
            });
            self.lines.push(line.trim_end_matches('\r').to_owned());
        }
        self.line.clear();
        self.line_at = self.at;
    }
}

/// `path:line:column: severity: message`
fn parse(line: &str) -> Option<Diagnostic> {
    let (place, severity, message) = ["error", "warning"].into_iter().find_map(|severity| {
        let (place, message) = line.split_once(&format!(": {severity}: "))?;
        Some((place, severity, message))
    })?;
    let mut parts = place.rsplitn(3, ':');
    let (column, number, path) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Diagnostic {
        severity: severity.to_owned(),
        message: message.to_owned(),
        path: Some(path.to_owned()),
        line: Some(number.parse().ok()?),
        column: Some(column.parse().ok()?),
        code: None,
        at: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_have_their_place_however_the_output_is_cut() {
        let output = b"cc -c a.c\nsrc/a.c:3:7: error: expected x\nb.c:1:2: warning: unused\n";
        for cut in 0..output.len() {
            let mut findings = Findings::default();
            findings.push(Channel::Stderr, &output[..cut]);
            findings.push(Channel::Stderr, &output[cut..]);
            findings.end(Channel::Stderr);
            let report = findings.report().unwrap();
            let first = &report.diagnostics[0];
            assert_eq!(
                (first.path.as_deref(), first.line, first.column),
                (Some("src/a.c"), Some(3), Some(7))
            );
            assert_eq!(report.diagnostics[1].at, Some((Channel::Stderr, 41)));
            assert!(
                report
                    .text
                    .starts_with("# errors: 1, warnings: 1\nsrc/a.c:3:7: error"),
                "{}",
                report.text
            );
        }
    }

    #[test]
    fn other_output_has_no_report() {
        let mut findings = Findings::default();
        findings.push(
            Channel::Stdout,
            b"error: no place\na:b:c: error: no numbers\n",
        );
        findings.end(Channel::Stdout);
        assert!(findings.report().is_none());
    }
}
