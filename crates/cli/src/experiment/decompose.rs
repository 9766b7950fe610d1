//! `backdraft decompose`: where an influence estimate and retraining part ways.

use super::{
    args::{Common, Decompose, RemovalArgs},
    draw::Removed,
    folder::{CORRELATIONS, ExperimentFolder},
    output::{open, show},
    plan::{PreparedExperiment, Question, prepare},
    subject::Subject,
};
use crate::{CliError, args::SolverName, progress::say};
use backdraft_report::{
    Record,
    experiment::{CorrelationsRecord, DecompositionRecord, Findings},
};

/// Runs `backdraft decompose`.
pub(crate) fn decompose(args: &Decompose) -> Result<(), CliError> {
    let question = Question {
        tests: args.tests,
        ..question(args.removed, false)
    };
    let prepared = prepare(&args.common, question)?;
    let folder = open(&args.common, &prepared)?;
    let Some((it, correlations)) = decomposition(&args.common, &prepared, &folder)? else {
        return Ok(());
    };
    if let Some(it) = correlations {
        folder.write(CORRELATIONS, it.to_html(&folder.title())?.as_bytes())?;
        folder.write(CorrelationsRecord::FILE, &it.to_json()?)?;
        say(format_args!("\n{}", it.to_table().trim_end()));
    }
    show(&folder, &it)
}

/// What a decomposition asks, by itself or for one value of a sweep.
pub(super) fn question(removed: RemovalArgs, sweep: bool) -> Question {
    Question {
        command: "decompose",
        tests: 0,
        corrupt_labels: None,
        removed: Removed::Drawn(removed),
        solver: SolverName::Lissa,
        tolerance: None,
        sweep,
    }
}

/// The decomposition, with the correlations if there are tests; none if removals are left to other parts.
pub(super) fn decomposition(
    args: &Common,
    prepared: &PreparedExperiment,
    folder: &ExperimentFolder,
) -> Result<Option<(DecompositionRecord, Option<CorrelationsRecord>)>, CliError> {
    let subject = Subject::new(prepared, folder)?;
    let (removals, tests) = (subject.removals(), subject.tests()?);
    let (found, correlations) =
        subject.evaluate(args, |it| it.decompose(&removals, tests.as_ref()))?;
    if !subject.is_whole(found.removals.len() + found.failed.len(), found.left)? {
        return Ok(None);
    }
    let setup = subject.setup();
    let correlations = correlations.map(|it| subject.correlations(it));
    let decomposition = DecompositionRecord::new(setup, found.removals, found.failed);
    Ok(Some((decomposition, correlations)))
}
