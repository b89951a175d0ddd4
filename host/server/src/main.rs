//! The `weir` binary: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    weir::cli::main()
}
