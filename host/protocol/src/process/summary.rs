//! `process/summary`: a plugin's report on what a closed process has printed.

use serde::{Deserialize, Serialize};

use super::Stream;
use crate::incoming::{is_empty_array, kind_of};
use crate::json;
use crate::params::{Fault, Params, from_json};
use crate::{Opaque, ProcessId};

/// Params of `process/summary`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SummaryParams {
    /// The process.
    pub process_id: ProcessId,
    /// The configured name of the plugin.
    pub plugin: String,
    /// For the plugin. Always an object, if there are any.
    pub options: Option<Opaque>,
}

/// Result of `process/summary`. Members that do not apply are left out on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SummaryResult {
    /// The process.
    pub process_id: ProcessId,
    /// The configured name of the plugin.
    pub plugin: String,
    /// Whether the plugin knows this kind of output. If not, it has nothing to say.
    pub recognised: bool,
    /// For a person or a model. Each line is a line of the output, or begins with `# `: then it is the plugin's own.
    pub text: String,
    /// Findings, in the plugin's order.
    pub diagnostics: Vec<Diagnostic>,
    /// Counts and the like: an object on the wire, where of several with one name the last counts.
    #[serde(serialize_with = "json::string_map")]
    pub notes: Vec<(String, String)>,
    /// The exit code, from the host; none if the end was not seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// How much of what was printed the plugin could not see, since it is no longer retained.
    pub dropped_bytes: u64,
}

/// A finding, with its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnostic {
    /// The plugin's word: `error`, `warning`, `note` or `help`.
    pub severity: String,
    /// What was found.
    pub message: String,
    /// The file as it was printed: absolute, or relative to the command's directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The line in it, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The column in it, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The tool's own code, as `E0382`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Where in the output it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<OutputPlace>,
}

/// A place in what a process has printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputPlace {
    /// The stream.
    pub stream: Stream,
    /// The place in it, in bytes from its beginning.
    pub offset: u64,
}

impl Params for SummaryParams {
    fn decode(text: &str) -> Result<Self, Fault> {
        let mut params: Self = from_json(text)?;
        params.options.take_if(|options| is_empty_array(options.as_str()));
        if let Some(kind) = params.options.as_ref().and_then(|options| kind_of(options.as_str())) {
            return Err(Fault::new("options", format!("expected an object, saw {kind}")));
        }
        Ok(params)
    }
}
