//! A summary of what compilers say: errors and warnings with their places.

mod findings;

wit_bindgen::generate!({ path: "wit", world: "summary-plugin" });

use exports::weir::plugin::{plugin, summary};
use findings::{Findings, refuse_members};
use weir::plugin::host::Retained;
use weir::plugin::types::{Failure, Report};

/// What is read at once.
const PAGE: u32 = 256 * 1024;

struct Component;

impl plugin::Guest for Component {
    fn init(config: String) -> Result<(), Failure> {
        refuse_members(&config).map_err(|message| Failure {
            code: "bad-config".into(),
            message,
        })
    }
}

impl summary::Guest for Component {
    fn summarize(output: &Retained, options: String) -> Result<Option<Report>, Failure> {
        refuse_members(&options).map_err(|message| Failure {
            code: "bad-options".into(),
            message,
        })?;
        let mut findings = Findings::default();
        for channel in output.channels() {
            // Page by page: what was printed may be larger than this plugin's memory.
            let size = output.size(channel);
            let mut offset = 0;
            while offset < size {
                let page = output.read(channel, offset, PAGE);
                if page.is_empty() {
                    break;
                }
                offset += page.len() as u64;
                findings.push(channel, &page);
            }
            findings.end(channel);
        }
        Ok(findings.report())
    }
}

export!(Component);
