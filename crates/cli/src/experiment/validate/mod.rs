//! `backdraft validate`: which estimator of influence comes near what removals do.

mod args;
mod query;
mod settings;

use backdraft_report::experiment::ValidationRecord;

pub(crate) use self::args::Validating;
pub(super) use self::settings::ValidationSettings;

use super::{
    draw::Removed,
    output::{open, show},
    plan::{Question, prepare},
    subject::Subject,
};
use crate::{CliError, args::SolverName, progress::say};

/// Runs `backdraft validate`.
pub(crate) fn validate(args: &Validating) -> Result<(), CliError> {
    let common = args.common()?;
    let question = Question {
        command: "validate",
        tests: 0,
        corrupt_labels: None,
        removed: Removed::Largest,
        solver: SolverName::Cg,
        tolerance: None,
        sweep: false,
    };
    let mut prepared = prepare(&common, question)?;
    let settings = ValidationSettings::of(args, &prepared)?;
    prepared.plan.validation = Some(settings.clone());
    let folder = open(&common, &prepared)?;
    let subject = Subject::new(&prepared, &folder)?;
    let mut query = subject.query(settings.query)?;
    say(format_args!(
        "query: test example {} ({}), {}{}",
        query.index,
        query.place,
        query.rule,
        match (&query.label, &query.predicted) {
            (Some(label), Some(predicted)) => format!(": a `{label}`, taken for `{predicted}`"),
            _ => String::new(),
        }
    ));
    let cost = subject.test_cost(&[query.index])?;
    let config = settings.config(subject.cost());
    let found = subject.evaluate(&common, |it| it.validate(&cost, &config))?;
    let left = found.left + found.estimators_left;
    if !subject.is_whole(found.changes.len() + found.failed.len(), left)? {
        return Ok(());
    }
    query.loss = found.before;
    let mut setup = subject.setup();
    setup.solver = format!("{}, to choose the examples", setup.solver);
    setup.train = subject.train_places(&found.points);
    setup.tests = [(query.index, query.place.clone())].into();
    let record = ValidationRecord::new(setup, query, settings.refit_words(), found);
    folder.write(ValidationRecord::TABLE, &record.to_csv()?)?;
    show(&folder, &record)
}
