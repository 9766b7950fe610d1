//! The command line: `backdraft explain`, `train`, `decompose`, `correlate`, `sweep`, `mislabel`, `models`, `devices`,
//! `compare` and `bench`.

mod args;
mod bench;
mod data;
mod device;
mod differences;
mod error;
mod experiment;
mod explain;
mod failure;
mod fingerprint;
mod half;
mod judge;
mod memory;
mod models;
mod options;
mod present;
mod progress;
mod queries;
mod reading;
mod run_folder;
mod setup;
mod solve;
mod tensors;
mod train;
mod verify;
mod watched;
mod weights;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;

use crate::losses;
use args::{Args, Bench, Command};
pub use error::CliError;
use failure::guarded;

/// Runs an experiment whose device may fail.
fn on_device(
    common: &experiment::Common,
    run: impl FnOnce() -> Result<(), CliError>,
) -> Result<(), CliError> {
    guarded(common.remedy()?, run)
}

/// Burn's version, which the workspace pins.
const BURN: &str = "0.22.1";

/// Runs the command line of this process. A failure is one line on standard error: exit code 2 if the input was wrong, 1 if the
/// computation failed.
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            if let Some(line) = options::refusal(&error) {
                let _ = writeln!(io::stderr(), "error: {line}");
                return ExitCode::from(2);
            }
            // Help and version come this way too, to standard output. A closed pipe leaves nothing to tell.
            let _ = error.print();
            return if error.use_stderr() {
                ExitCode::from(2)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    let outcome = match args.command {
        Some(Command::Explain(explain)) => explain::explain(&explain),
        Some(Command::Train(train)) => train::train(&train),
        Some(Command::Decompose(decompose)) => {
            on_device(&decompose.common, || experiment::decompose(&decompose))
        }
        Some(Command::Correlate(correlate)) => {
            on_device(&correlate.common, || experiment::correlate(&correlate))
        }
        Some(Command::Sweep(sweep)) => on_device(&sweep.common, || experiment::sweep(&sweep)),
        Some(Command::Mislabel(mislabel)) => {
            on_device(&mislabel.common, || experiment::mislabel(&mislabel))
        }
        Some(Command::Models(models)) => models::list(&models),
        Some(Command::Devices) => device::list(),
        Some(Command::Compare(compare)) => device::compare(&compare),
        Some(Command::Bench(Bench::Products(products))) => bench::products(&products),
        None => explain::explain(&args.explain),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A cell of a table or a file's name may hold line breaks. Nobody may be listening.
            let line = format!("error: {error}").replace(['\n', '\r'], " ");
            let _ = writeln!(io::stderr(), "{line}");
            ExitCode::from(error.code())
        }
    }
}
