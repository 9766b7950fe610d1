//! The folder of an experiment, from its beginning to its results.

use backdraft_models::quote;

use super::{
    args::Common,
    folder::{EXPERIMENT, ExperimentFolder, REPORT, check_parts},
    plan::PreparedExperiment,
};
use crate::{
    CliError,
    inputs::{WRONG_LABELS, wrong_labels},
    progress::say,
};
use backdraft_report::experiment::Findings;

/// Opens the folder, with what other folders have done.
pub(super) fn open(
    args: &Common,
    prepared: &PreparedExperiment,
) -> Result<ExperimentFolder, CliError> {
    check_parts(&args.merge, &prepared.plan, &prepared.out)?;
    let folder = ExperimentFolder::open(
        &prepared.out,
        EXPERIMENT,
        &prepared.plan,
        args.folder.overwrite,
    )?;
    prepared.announce();
    folder.merge(&args.merge, &prepared.plan)?;
    if let Some(noise) = &prepared.noise {
        let table = wrong_labels(noise, &prepared.dataset)?;
        folder.write(WRONG_LABELS, table.as_bytes())?;
    }
    Ok(folder)
}

/// Puts the results in place, and shows them.
pub(super) fn show<T: Findings>(folder: &ExperimentFolder, found: &T) -> Result<(), CliError> {
    folder.write(REPORT, found.to_html(&folder.title())?.as_bytes())?;
    // Last: it says that the experiment is whole.
    folder.write(T::FILE, &found.to_json()?)?;
    say(format_args!("\n{}", found.to_table().trim_end()));
    say(format_args!(
        "\nwritten to {}; open {}",
        quote::path(folder.path()),
        quote::path(&folder.path().join(REPORT))
    ));
    Ok(())
}
