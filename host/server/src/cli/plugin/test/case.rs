//! Files of cases, as they are written.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use weir_plugin::{Channel, Command, Kind, PluginSpec};

use super::super::sample::{self, Printed};
use super::super::{base64, target};

/// A file of cases.
#[derive(Debug)]
pub(in super::super) struct CaseFile {
    /// What is handed to `init`, if the file says so.
    config: Option<Map<String, Value>>,
    /// The environment of all cases, granted to the plugin.
    pub(super) env: Vec<(String, String)>,
    pub(in super::super) cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenFile {
    config: Option<Map<String, Value>>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    cases: Vec<Value>,
}

/// One case.
#[derive(Debug)]
pub(in super::super) enum Case {
    Policy(PolicyCase),
    Filter(FilterCase),
    Summary(SummaryCase),
}

/// A command, and what is to be said of it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in super::super) struct PolicyCase {
    #[serde(default)]
    name: String,
    command: Option<String>,
    argv: Option<Vec<String>>,
    script: Option<String>,
    cwd: Option<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    pub(super) interactive: Option<bool>,
    #[serde(default)]
    pub(super) tty: bool,
    #[serde(default)]
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) verdict: VerdictWord,
    pub(super) rule: Option<String>,
    pub(super) reason_contains: Option<String>,
    pub(super) argv_after: Option<Vec<String>>,
    pub(super) cwd_after: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum VerdictWord {
    Pass,
    Allow,
    Deny,
    Ask,
}

/// Bytes, and what is to come out.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in super::super) struct FilterCase {
    #[serde(default)]
    name: String,
    input: Option<String>,
    input_base64: Option<String>,
    output: Option<String>,
    output_base64: Option<String>,
    #[serde(default)]
    pub(super) idle: Idle,
    #[serde(default)]
    pub(super) channel: ChannelWord,
    pub(super) argv: Option<Vec<String>>,
    pub(super) cwd: Option<String>,
    #[serde(default)]
    pub(super) view: bool,
    #[serde(default)]
    pub(super) metadata: BTreeMap<String, String>,
    /// What is written above, as bytes.
    #[serde(skip)]
    pub(super) given: Bytes,
    #[serde(skip)]
    pub(super) expected: Vec<u8>,
}

/// What pauses may change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Idle {
    /// Nothing.
    #[default]
    Equal,
    /// Anything: what comes out with pauses is not compared.
    Ignore,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum ChannelWord {
    #[default]
    Stdout,
    Stderr,
    Merged,
    Pty,
}

/// What a command has printed, and what is to be reported.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in super::super) struct SummaryCase {
    #[serde(default)]
    name: String,
    stdout: Option<String>,
    stderr: Option<String>,
    merged: Option<String>,
    pty: Option<String>,
    #[serde(default)]
    argv: Vec<String>,
    cwd: Option<String>,
    exit_code: Option<i32>,
    #[serde(default)]
    pub(super) options: Map<String, Value>,
    /// True: there is to be no report.
    #[serde(default)]
    pub(super) none: bool,
    pub(super) text: Option<String>,
    #[serde(default)]
    pub(super) text_contains: Vec<String>,
    /// As many as there are; each with the members that are to be compared.
    pub(super) diagnostics: Option<Vec<WrittenDiagnostic>>,
    #[serde(default)]
    pub(super) notes: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WrittenDiagnostic {
    pub(super) severity: Option<String>,
    pub(super) message: Option<String>,
    pub(super) path: Option<String>,
    pub(super) line: Option<u32>,
    pub(super) column: Option<u32>,
    pub(super) code: Option<String>,
}

impl CaseFile {
    /// Reads a file. What is wrong with it is said with the number of the case.
    pub(in super::super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = target::read(path)?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let written: WrittenFile = serde_json::from_str(text)?;
        let cases =
            written.cases.into_iter().enumerate().map(|(index, case)| {
                Case::parse(case, index + 1).with_context(|| format!("`cases[{index}]`"))
            });
        let cases = cases.collect::<anyhow::Result<Vec<_>>>()?;
        if cases.is_empty() {
            bail!("`cases`: expected at least one, saw none");
        }
        Ok(Self { config: written.config, env: written.env.into_iter().collect(), cases })
    }

    /// Lets the file's configuration and grants hold.
    pub(in super::super) fn apply(&self, spec: &mut PluginSpec) {
        if let Some(config) = &self.config {
            spec.config = Value::Object(config.clone()).to_string();
        }
        spec.grants.env.extend(self.env.iter().map(|(name, _)| name.clone()));
    }
}

impl Case {
    fn parse(written: Value, number: usize) -> anyhow::Result<Self> {
        let has = |names: &[&str]| names.iter().any(|name| written.get(name).is_some());
        let mut case = if has(&["verdict"]) {
            let case: PolicyCase = parse(written)?;
            case.argv()?;
            Self::Policy(case)
        } else if has(&["input", "inputBase64"]) {
            Self::Filter(parse::<FilterCase>(written)?.decoded()?)
        } else if has(&["stdout", "stderr", "merged", "pty"]) {
            Self::Summary(parse(written)?)
        } else {
            bail!(
                "expected `verdict` (for a policy), `input` or `inputBase64` (for a filter), or `stdout`, `stderr`, \
                 `merged` or `pty` (for a summary), saw none of them"
            );
        };
        let name = match &mut case {
            Self::Policy(PolicyCase { name, .. })
            | Self::Filter(FilterCase { name, .. })
            | Self::Summary(SummaryCase { name, .. }) => name,
        };
        if name.is_empty() {
            *name = format!("case {number}");
        }
        Ok(case)
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Self::Policy(case) => &case.name,
            Self::Filter(case) => &case.name,
            Self::Summary(case) => &case.name,
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Policy(_) => Kind::Policy,
            Self::Filter(_) => Kind::Filter,
            Self::Summary(_) => Kind::Summary,
        }
    }

    /// The command of a case for policies.
    pub(in super::super) fn command(&self) -> Option<Command> {
        match self {
            Self::Policy(case) => Some(case.asked()),
            _ => None,
        }
    }

    /// The bytes of a case for filters.
    pub(in super::super) fn input(&self) -> Option<&[u8]> {
        match self {
            Self::Filter(case) => Some(&case.given),
            _ => None,
        }
    }

    /// The output of a case for summaries.
    pub(in super::super) fn printed(&self) -> Option<Arc<Printed>> {
        match self {
            Self::Summary(case) => Some(Arc::new(case.printed())),
            _ => None,
        }
    }
}

fn parse<T: DeserializeOwned>(written: Value) -> anyhow::Result<T> {
    Ok(serde_json::from_value(written)?)
}

impl PolicyCase {
    /// The command that is asked about.
    pub(super) fn asked(&self) -> Command {
        Command {
            // Was tried when the case was read.
            argv: self.argv().unwrap_or_default(),
            cwd: self.cwd.clone().unwrap_or_else(sample::directory),
            env: self.env.clone().into_iter().collect(),
        }
    }

    fn argv(&self) -> anyhow::Result<Vec<String>> {
        let argv = match (&self.command, &self.argv, &self.script) {
            (Some(line), None, None) if line.contains(['\'', '"', '\\']) => {
                bail!(
                    "`command`: expected plain words with blanks between them, saw `{line}`: use `argv` or `script`"
                )
            }
            (Some(line), None, None) => line.split_whitespace().map(str::to_owned).collect(),
            (None, Some(argv), None) => argv.clone(),
            (None, None, Some(script)) => vec!["bash".to_owned(), "-c".to_owned(), script.clone()],
            _ => bail!("expected one of `command`, `argv` and `script`"),
        };
        if argv.is_empty() {
            bail!("expected a command, saw no words");
        }
        Ok(argv)
    }
}

impl FilterCase {
    fn decoded(mut self) -> anyhow::Result<Self> {
        let bytes = |text: &Option<String>, encoded: &Option<String>, name: &str| match (text, encoded) {
            (Some(text), None) => Ok(text.clone().into_bytes()),
            (None, Some(encoded)) => base64::decode(encoded)
                .with_context(|| format!("`{name}Base64`: expected padded base64, saw `{encoded}`")),
            _ => bail!("expected either `{name}` or `{name}Base64`"),
        };
        self.given = bytes(&self.input, &self.input_base64, "input")?.into();
        self.expected = bytes(&self.output, &self.output_base64, "output")?;
        Ok(self)
    }
}

impl SummaryCase {
    pub(super) fn printed(&self) -> Printed {
        let channels = [
            (Channel::Stdout, &self.stdout),
            (Channel::Stderr, &self.stderr),
            (Channel::Merged, &self.merged),
            (Channel::Pty, &self.pty),
        ];
        let channels =
            channels.into_iter().filter_map(|(channel, text)| Some((channel, text.clone()?.into())));
        Printed {
            channels: channels.collect(),
            exit_code: self.exit_code,
            argv: self.argv.clone(),
            cwd: self.cwd.clone().unwrap_or_else(sample::directory),
        }
    }
}

impl VerdictWord {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Ask => "ask",
        }
    }
}

impl From<ChannelWord> for Channel {
    fn from(word: ChannelWord) -> Self {
        match word {
            ChannelWord::Stdout => Self::Stdout,
            ChannelWord::Stderr => Self::Stderr,
            ChannelWord::Merged => Self::Merged,
            ChannelWord::Pty => Self::Pty,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_case_is_said_with_its_place() {
        for (case, expected) in [
            (r#"{"verdict": "deny"}"#, "expected one of `command`, `argv` and `script`"),
            (r#"{"verdict": "no", "command": "x"}"#, "unknown variant `no`"),
            (r#"{"verdict": "deny", "command": "x", "reson": "y"}"#, "unknown field `reson`"),
            (r#"{"verdict": "deny", "command": "echo 'a b'"}"#, "`command`: expected plain words"),
            (r#"{"verdict": "deny", "argv": []}"#, "saw no words"),
            (r#"{"input": "x"}"#, "either `output` or `outputBase64`"),
            (r#"{"inputBase64": "%", "output": ""}"#, "`inputBase64`: expected padded base64, saw `%`"),
            (r#"{"name": "x"}"#, "saw none of them"),
        ] {
            let error = CaseFile::parse(&format!(r#"{{"cases": [{case}]}}"#)).unwrap_err();
            let seen = format!("{error:#}");
            assert!(seen.starts_with("`cases[0]`: ") && seen.contains(expected), "{case}: {seen}");
        }
        assert!(format!("{:#}", CaseFile::parse(r#"{"cases": []}"#).unwrap_err()).contains("at least one"));
    }

    #[test]
    fn a_script_is_run_by_bash() {
        let file = CaseFile::parse(r#"{"cases": [{"script": "a | b", "verdict": "ask"}]}"#).unwrap();
        let command = file.cases[0].command().unwrap();
        assert_eq!(command.argv, ["bash", "-c", "a | b"]);
        assert_eq!(file.cases[0].name(), "case 1");
    }
}
