//! What a failed call was: whose fault, and which.

use wasmtime::{Store, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use super::patience::WaitedTooLong;
use super::state::GuestState;
use crate::fault::{Fault, FaultKind, Hook};

/// Functions of the guest that a trap names, innermost first.
const FRAMES: usize = 6;

/// Makes the fault of a call that was not answered, and counts and reports it if the plugin is in use.
pub(crate) fn fault(
    store: &mut Store<GuestState>,
    hook: Hook,
    failed: Result<wasmtime::Result<()>, WaitedTooLong>,
    published: bool,
) -> Box<Fault> {
    let state = store.data_mut();
    let (kind, message) = match failed {
        Err(WaitedTooLong) => (FaultKind::Deadline, deadline(state, hook, "it waited")),
        Ok(Err(error)) => judge(state, hook, &error),
        Ok(Ok(())) => (FaultKind::Trap, String::from("no answer")),
    };
    let log = state.log.end_call(true);
    let fault = state.account.fault(hook, kind, message, log);
    if published {
        state.account.report(&fault);
    }
    fault
}

fn judge(state: &mut GuestState, hook: Hook, error: &wasmtime::Error) -> (FaultKind, String) {
    if let Some(blame) = state.blame.take() {
        return blame;
    }
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        return (FaultKind::Trap, format!("it called `exit` with status {}", exit.0));
    }
    let trap = error.downcast_ref::<Trap>();
    if trap == Some(&Trap::Interrupt) {
        return (FaultKind::Deadline, deadline(state, hook, "it ran"));
    }
    if let Some(refused) = state.memory.refusal() {
        return (FaultKind::Memory, refused);
    }
    if error.is::<wasmtime::PoolConcurrencyLimitError>() {
        return (
            FaultKind::Memory,
            String::from("too many instances of plugins live: there is no room for another"),
        );
    }
    match trap {
        Some(
            Trap::CannotEnterComponent
            | Trap::CannotLeaveComponent
            | Trap::InvalidChar
            | Trap::InvalidDiscriminant
            | Trap::ListOutOfBounds
            | Trap::StringOutOfBounds
            | Trap::UnalignedPointer,
        ) => (FaultKind::Protocol, format!("it handed over what is not valid: {}", error.root_cause())),
        Some(trap) => (FaultKind::Trap, format!("{trap}{}", place(error))),
        None => {
            let cause = format!("{}", error.root_cause());
            // The runtime has no type for it that others can see.
            if cause.contains("fuel allocated for hostcalls has been exhausted") {
                let limit = state.account.spec.limits.output_bytes;
                return (
                    FaultKind::Output,
                    format!("it handed out more than {limit} bytes in one call (`outputBytes`)"),
                );
            }
            (FaultKind::Protocol, format!("it broke the rules of the interface: {cause}"))
        }
    }
}

fn deadline(state: &GuestState, hook: Hook, what: &str) -> String {
    let limits = &state.account.spec.limits;
    let (limit, name) = match hook {
        Hook::Init => (limits.init_time, "initTime"),
        Hook::Summarize => (limits.summary_time, "summaryTime"),
        _ => (limits.time, "time"),
    };
    format!("{what} longer than the {} ms that it may (`{name}`)", limit.as_millis())
}

/// ` in a, called by b`: the guest's functions, without what the standard library adds to a panic.
fn place(error: &wasmtime::Error) -> String {
    let Some(trace) = error.downcast_ref::<WasmBacktrace>() else { return String::new() };
    // The trace writes names as people read them: `  0:  0x1f2 - crate.wasm!module::function`.
    let text = trace.to_string();
    let mut names: Vec<String> = Vec::new();
    for line in text.lines() {
        let Some((_, name)) = line.split_once('!') else { continue };
        let name = without_hashes(name.trim());
        if !is_plumbing(&name) && names.last() != Some(&name) && names.len() < FRAMES {
            names.push(name);
        }
    }
    if names.is_empty() { String::new() } else { format!(", in {}", names.join(", called by ")) }
}

/// `std[8746f4a4f3d62483]::process::abort` as `std::process::abort`: which build of a crate it was helps nobody.
fn without_hashes(name: &str) -> String {
    let mut short = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, behind)) = rest.split_once('[') {
        short.push_str(before);
        match behind.split_once(']') {
            Some((hash, after)) if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                rest = after
            }
            _ => {
                short.push('[');
                rest = behind;
            }
        }
    }
    short + rest
}

fn is_plumbing(name: &str) -> bool {
    ["std::", "core::", "alloc::", "__rust", "rust_", "<std::", "<core::", "<alloc::", "abort", "__wasm"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_hashes_and_nothing_else() {
        for (name, expected) in [
            ("std[8746f4a4f3d62483]::process::abort", "std::process::abort"),
            ("<a[0123456789abcdef]::B as c[0123456789abcdef]::D>::e", "<a::B as c::D>::e"),
            ("f::<[u8; 4]>", "f::<[u8; 4]>"),
            ("f[12]", "f[12]"),
            ("open[", "open["),
            ("plain", "plain"),
        ] {
            assert_eq!(without_hashes(name), expected);
        }
    }
}
