//! The command line.

use std::process::ExitCode;

/// Tensors of megabytes come and go all the time. The system's allocator hands their pages back and faults them in
/// again.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    backdraft_cli::main()
}
