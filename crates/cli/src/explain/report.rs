//! Scores in the form in which a run's files show them.

use std::path::Path;

use backdraft_models::data::{Dataset, Split};

use backdraft_report::{
    Example, ExampleInfo, Explained, Measure, Place, Report, RunRecord, ScoreRecord, Scored,
    ScoredExample, Unit,
};

use crate::display::{labels, layout, target};

/// Examples of each sign in the report.
pub(super) const SHOWN: usize = 5;

/// What is known of all examples.
pub(crate) fn examples(dataset: &Dataset, unit: &Unit, measure: &Measure) -> ExampleInfo {
    let (train, test) = (0..dataset.train.rows, 0..dataset.test.rows);
    ExampleInfo {
        labels: labels(dataset),
        train: train.map(|row| dataset.train_place(row)).collect(),
        test: test.map(|row| dataset.test_place(row)).collect(),
        unit: unit.clone(),
        measure: measure.clone(),
    }
}

/// The report of a run: its record, and the queries beside their strongest examples.
pub(super) fn report(
    dataset: &Dataset,
    out: &Path,
    scores: &ScoreRecord,
    examples: &ExampleInfo,
    record: RunRecord,
) -> Report {
    let title = out.file_name().map_or_else(
        || dataset.name.clone(),
        |name| name.to_string_lossy().into(),
    );
    Report {
        title,
        labels: examples.labels.clone(),
        layout: layout(dataset),
        explained: explained(dataset, scores, examples),
        record,
    }
}

/// The queries beside their strongest examples, one a row of scores.
pub(crate) fn explained(
    dataset: &Dataset,
    scores: &ScoreRecord,
    examples: &ExampleInfo,
) -> Vec<Explained> {
    let example = |split: &Split, index: usize, places: &[Place]| Example {
        index,
        source: places[index].clone(),
        label: target(dataset, split, index),
        features: dataset.original_inputs(split.row(index)),
    };
    let side = |row: usize, scored: Vec<Scored>| {
        let newton = |train| Some(scores.newton()?.get(row, train)?.0);
        let shown = |it: Scored| ScoredExample {
            example: example(&dataset.train, it.train, &examples.train),
            score: it.score,
            newton: newton(it.train),
        };
        scored.into_iter().map(shown).collect()
    };
    let explained = (0..scores.rows()).map(|row| {
        let strongest = scores.strongest(row, SHOWN);
        let query = scores.query(row);
        Explained {
            query: query.map(|query| example(&dataset.test, query, &examples.test)),
            positive: side(row, strongest.positive),
            negative: side(row, strongest.negative),
        }
    });
    explained.collect()
}
