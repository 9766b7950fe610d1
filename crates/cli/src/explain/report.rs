//! Data and scores in the form in which a run's files show them.

use std::path::Path;

use backdraft_models::data::{Dataset, Split, Targets, Task};

use backdraft_report::{
    Example, ExampleInfo, Explained, Features, Frame, Labels, Layout, Measure, Place, Report,
    RunRecord, ScoreRecord, Scored, ScoredExample, TargetValue, Unit,
};

/// Examples of each sign in the report.
const SHOWN: usize = 5;

/// What example `index` of a part should be predicted as, in the source's own units.
pub(crate) fn target(dataset: &Dataset, split: &Split, index: usize) -> TargetValue {
    match &split.targets {
        Targets::Classes(classes) => TargetValue::Class(classes[index]),
        Targets::Values(values) => TargetValue::Value(dataset.original_target(values[index])),
        Targets::Tokens { .. } => panic!("text has no one target for an example"),
    }
}

/// The targets of all training examples, in the source's own units.
pub(crate) fn labels(dataset: &Dataset) -> Labels {
    match &dataset.train.targets {
        Targets::Classes(of) => Labels::Classes {
            of: of.clone(),
            names: dataset.task.classes().to_vec(),
        },
        Targets::Values(values) => {
            let values = values.iter().map(|&value| dataset.original_target(value));
            Labels::Values(values.collect())
        }
        Targets::Tokens { .. } => panic!("text has no one target for an example"),
    }
}

/// What is known of all examples.
pub(super) fn examples(dataset: &Dataset, unit: &Unit, measure: &Measure) -> ExampleInfo {
    let (train, test) = (0..dataset.train.rows, 0..dataset.test.rows);
    ExampleInfo {
        labels: labels(dataset),
        train: train.map(|row| dataset.train_place(row)).collect(),
        test: test.map(|row| dataset.test_place(row)).collect(),
        unit: unit.clone(),
        measure: measure.clone(),
    }
}

/// What the model says of every row, from its outputs `[rows, outputs]`, in the source's own units.
pub(crate) fn predictions(outputs: &[f64], rows: usize, dataset: &Dataset) -> Vec<TargetValue> {
    let decide = |outputs: &[f64]| match &dataset.task {
        Task::Binary { .. } => TargetValue::Class(i64::from(outputs[0] > 0.0)),
        Task::Regression => TargetValue::Value(dataset.restored_output(outputs[0])),
        Task::Classification { .. } | Task::NextToken { .. } => {
            let best =
                (1..outputs.len()).fold(
                    0,
                    |best, i| if outputs[i] > outputs[best] { i } else { best },
                );
            TargetValue::Class(best as i64)
        }
    };
    outputs
        .chunks_exact(outputs.len() / rows)
        .map(decide)
        .collect()
}

/// The report of a run: its record, and the queries beside their strongest examples.
pub(super) fn report(
    dataset: &Dataset,
    out: &Path,
    scores: &ScoreRecord,
    examples: &ExampleInfo,
    record: RunRecord,
) -> Report {
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
    let title = out.file_name().map_or_else(
        || dataset.name.clone(),
        |name| name.to_string_lossy().into(),
    );
    Report {
        title,
        labels: examples.labels.clone(),
        layout: layout(dataset),
        explained: explained.collect(),
        record,
    }
}

/// How examples are shown.
pub(crate) fn layout(dataset: &Dataset) -> Layout {
    match dataset.image {
        Some(shape) => Layout::Pictures(Frame {
            height: shape.height,
            width: shape.width,
            black: 0.0,
            white: 1.0,
        }),
        None => Layout::Table(features(dataset)),
    }
}

/// The columns of a table, and how the training examples are spread in each, in the source's own units.
fn features(dataset: &Dataset) -> Features {
    let Split {
        rows,
        columns,
        features,
        ..
    } = &dataset.train;
    let mut mean = vec![0.0; *columns];
    let mut square = vec![0.0; *columns];
    // Of what the network reads, which is centred as a rule, so that nothing cancels.
    for row in features.chunks_exact(*columns) {
        for (column, &x) in row.iter().enumerate() {
            mean[column] += f64::from(x) / *rows as f64;
        }
    }
    for row in features.chunks_exact(*columns) {
        for (column, &x) in row.iter().enumerate() {
            square[column] += (f64::from(x) - mean[column]).powi(2) / *rows as f64;
        }
    }
    let (mut means, mut stds) = (Vec::new(), Vec::new());
    for (column, (mean, square)) in mean.into_iter().zip(square).enumerate() {
        let restored = |x| dataset.restored_input(column, x);
        // Rounding in the mean must not give a constant column a deviation.
        let mut cells = features[column..].iter().step_by(*columns);
        let std = match cells.all(|x| *x == features[column]) {
            true => 0.0,
            false => square.sqrt(),
        };
        means.push(restored(mean));
        stds.push(restored(mean + std) - restored(mean));
    }
    Features {
        names: dataset.features.clone(),
        mean: means,
        std: stds,
    }
}
