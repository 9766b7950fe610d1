//! `backdraft correlate`: what influence estimates predict.

use super::{
    args::Correlate,
    draw::Removed,
    output::{open, show},
    plan::{Question, prepare},
    subject::Subject,
};
use crate::{CliError, args::SolverName};

/// Runs `backdraft correlate`.
pub(crate) fn correlate(args: &Correlate) -> Result<(), CliError> {
    let question = Question {
        command: "correlate",
        tests: args.tests,
        corrupt_labels: None,
        removed: Removed::Drawn(args.removed),
        solver: SolverName::Lissa,
        tolerance: None,
        sweep: false,
    };
    let nothing = || CliError::Option {
        option: "--tests",
        problem: "is 0: there is nothing to predict".to_owned(),
    };
    if args.tests == 0 {
        return Err(nothing());
    }
    let prepared = prepare(&args.common, question)?;
    let folder = open(&args.common, &prepared)?;
    let subject = Subject::new(&prepared, &folder)?;
    let (removals, tests) = (subject.removals(), subject.tests()?.ok_or_else(nothing)?);
    let found = subject.evaluate(&args.common, |it| it.correlations(&removals, &tests))?;
    if !subject.is_whole(found.removals.len() + found.failed.len(), found.left)? {
        return Ok(());
    }
    show(&folder, &subject.correlations(found))
}
