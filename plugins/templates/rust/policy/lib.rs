//! A policy that denies the commands of a list, whatever shell or wrapper they are run by.

mod deny_list;

wit_bindgen::generate!({ path: "wit", world: "policy-plugin" });

use std::sync::OnceLock;

use deny_list::DenyList;
use exports::weir::plugin::{plugin, policy};
use weir::plugin::host::Invocation;
use weir::plugin::types::{Command, Decision, Failure};

/// Each instance is initialized once.
static LIST: OnceLock<DenyList> = OnceLock::new();

struct Component;

impl plugin::Guest for Component {
    fn init(config: String) -> Result<(), Failure> {
        let list = DenyList::parse(&config).map_err(|message| Failure {
            code: "bad-config".into(),
            message,
        })?;
        LIST.get_or_init(|| list);
        Ok(())
    }
}

impl policy::Guest for Component {
    fn check(_cmd: Command, inv: &Invocation) -> Result<Decision, Failure> {
        let Some(list) = LIST.get() else {
            return Err(Failure {
                code: "no-config".into(),
                message: "expected `init` first".into(),
            });
        };
        // Not the words of the command: what they run, as far as the host can see through them.
        Ok(list.judge(&inv.script()))
    }
}

export!(Component);
