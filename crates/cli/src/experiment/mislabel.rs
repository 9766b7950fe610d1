//! `backdraft mislabel`: how soon influence finds wrong labels.

use backdraft::attribution::RankBy;
use backdraft_models::Architecture;

use super::{
    args::Mislabelling,
    draw::Removed,
    output::{open, show},
    plan::{Question, prepare},
    subject::Subject,
};
use crate::{CliError, args::SolverName};
use backdraft_report::{brief, experiment::MislabelRecord};

/// Runs `backdraft mislabel`.
pub(crate) fn mislabel(args: &Mislabelling) -> Result<(), CliError> {
    if args.common.model.kind()? == Architecture::Autoencoder {
        return Err(CliError::Option {
            option: "--model",
            problem: "autoencoder has no use for labels: mislabel takes a model that predicts them"
                .to_owned(),
        });
    }
    let question = Question {
        command: "mislabel",
        tests: 0,
        corrupt_labels: Some(args.corrupt),
        removed: Removed::Each,
        solver: SolverName::Cg,
        tolerance: Some(0.01),
        sweep: false,
    };
    let prepared = prepare(&args.common, question)?;
    let wrong = prepared.wrong();
    if wrong.is_empty() {
        return Err(CliError::Option {
            option: "--corrupt",
            problem: format!(
                "is {}: it makes no label wrong, and there is nothing to find",
                brief(args.corrupt)
            ),
        });
    }
    let folder = open(&args.common, &prepared)?;
    let subject = Subject::new(&prepared, &folder)?;
    let found = subject.evaluate(&args.common, |it| it.mislabel(&wrong, &RankBy::ALL))?;
    let done = prepared.plan.removals.len() - found.left;
    if !subject.is_whole(done, found.left)? {
        return Ok(());
    }
    let found = MislabelRecord {
        setup: subject.setup(),
        failed: found.failed,
        unsolved: found.unsolved,
        corrupt: args.corrupt,
        wrong,
        rankings: found.rankings,
    };
    show(&folder, &found)
}
