//! The command line: `backdraft explain`, `audit`, `bayes`, `perturb`, `path`, `shapley`, `unlearn`, `flow`,
//! `illustrate`, `train`, `decompose`, `correlate`, `sweep`, `mislabel`, `validate`, `models`, `devices`, `compare`,
//! `bench`, `completions` and `man`.

mod args;
mod audit;
mod bayes;
mod bench;
mod choice;
mod dampings;
mod device;
mod display;
mod error;
mod estimators;
mod experiment;
mod explain;
mod failure;
mod fingerprint;
mod flow;
mod groups;
mod illustrate;
mod inputs;
mod kept_factors;
mod memory;
mod mixed_precision;
mod models;
mod network_record;
mod network_run;
mod network_settings;
mod opening;
mod path;
mod perturb;
mod preparation;
mod progress;
mod quality;
mod queries;
mod query_data;
mod query_file;
mod query_solutions;
mod run_folder;
mod shapley;
mod shell;
mod solve;
mod system_settings;
mod tensors;
mod train;
mod unlearn;
mod verify;
mod weights;
mod words;

use std::{
    env,
    ffi::OsString,
    io::{self, ErrorKind, Write},
    process::ExitCode,
};

use backdraft_models::quote;
use clap::Parser;

use args::{Args, BenchCommand, Command};
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

/// Runs the command line of this process. A failure is one line on standard error: exit code 2 if the input was wrong,
/// 1 if the computation failed.
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return refused(&error),
    };
    let outcome = match args.command {
        Some(Command::Explain(explain)) => explain::explain(&explain),
        Some(Command::Perturb(perturb)) => perturb::perturb(&perturb),
        Some(Command::Audit(audit)) => audit::audit(&audit),
        Some(Command::Bayes(bayes)) => bayes::bayes(&bayes),
        Some(Command::Shapley(shapley)) => shapley::shapley(&shapley),
        Some(Command::Unlearn(unlearn)) => unlearn::unlearn(&unlearn),
        Some(Command::Flow(flow)) => flow::flow(&flow),
        Some(Command::Path(paths)) => path::path(&paths),
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
        Some(Command::Validate(validate)) => match validate.common() {
            Ok(common) => on_device(&common, || experiment::validate(&validate)),
            Err(error) => Err(error),
        },
        Some(Command::Illustrate(illustrate)) => illustrate::illustrate(&illustrate),
        Some(Command::Models(models)) => models::list(&models),
        Some(Command::Devices) => device::list(),
        Some(Command::Compare(compare)) => device::compare(&compare),
        Some(Command::Bench(BenchCommand::Products(products))) => bench::products(&products),
        Some(Command::Bench(BenchCommand::Solves(solves))) => bench::solves(&solves),
        Some(Command::Bench(BenchCommand::Estimators(estimators))) => {
            bench::estimators(&estimators)
        }
        Some(Command::Bench(BenchCommand::Size(size))) => bench::size(&size),
        Some(Command::Completions(completions)) => shell::completions(&completions),
        Some(Command::Man(manual)) => shell::man(&manual),
        None => explain::explain(&args.explain),
    };
    let said = || match progress::unsaid() {
        // Who stopped reading knows.
        Some(error) if error.kind() != ErrorKind::BrokenPipe => Err(CliError::Unsaid(error)),
        _ => Ok(()),
    };
    match outcome.and_then(|()| said()) {
        Ok(()) if progress::unsaid().is_none() => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        Err(error) => {
            // A cell of a table or a file's name may hold line breaks. Nobody may be listening.
            let line = quote::lines(&format!("error: {error}")).replace('\n', " ");
            let _ = writeln!(io::stderr(), "{line}");
            ExitCode::from(error.code())
        }
    }
}

/// Arguments that clap refuses, or that ask for help or the version, which come this way too, to standard output.
fn refused(error: &clap::Error) -> ExitCode {
    if let Some(line) = args::number::refusal(error) {
        let line = quote::lines(&line).replace('\n', " ");
        let _ = writeln!(io::stderr(), "error: {line}");
        return ExitCode::from(2);
    }
    // What could be mistaken for the terminal's own is shown without colours.
    let plain = |argument: OsString| {
        let argument = argument.to_string_lossy();
        quote::text(&argument) == argument
    };
    let printed = match !error.use_stderr() || env::args_os().all(plain) {
        true => error.print(),
        false => {
            let text = error.render().to_string();
            let lines: Vec<String> = text.lines().map(quote::reason).collect();
            writeln!(io::stderr(), "{}", lines.join("\n"))
        }
    };
    match printed.and_then(|()| io::stdout().flush()) {
        _ if error.use_stderr() => ExitCode::from(2),
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
