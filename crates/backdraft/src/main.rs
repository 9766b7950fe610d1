//! The command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    backdraft::cli::main()
}
