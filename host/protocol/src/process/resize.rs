//! `process/resize`: the size of a process's terminal.

use serde::Deserialize;

use super::start::not_zero;
use crate::ProcessId;
use crate::params::{Fault, Params, from_json};

/// Params of `process/resize`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResizeParams {
    /// The process.
    pub process_id: ProcessId,
    /// Characters in a line. Never zero.
    pub cols: u16,
    /// Lines. Never zero.
    pub rows: u16,
}

impl Params for ResizeParams {
    fn decode(text: &str) -> Result<Self, Fault> {
        let params: Self = from_json(text)?;
        not_zero("cols", Some(params.cols.into()))?;
        not_zero("rows", Some(params.rows.into()))?;
        Ok(params)
    }
}
