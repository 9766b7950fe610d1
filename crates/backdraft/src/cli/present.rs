//! Data and results in the form in which a run's files show them.

use std::path::Path;

use backdraft_models::{
    Metrics as Measured,
    data::{Dataset, Split, Targets, Task},
};

use crate::output::{
    Example, Explained, Features, Frame, Labels, Layout, Quality, Report, RunRecord, Scored,
    ScoredExample, Scores, Target,
};

/// Examples of each sign in the report.
const SHOWN: usize = 5;

/// The task and the data's size, in words.
pub(super) fn describe(dataset: &Dataset) -> String {
    let (train, test, columns) = (dataset.train.rows, dataset.test.rows, dataset.train.columns);
    let task = match &dataset.task {
        Task::Binary { names } => format!("classification, {} or {}", names[0], names[1]),
        Task::Classification { names } => format!("classification, {} classes", names.len()),
        Task::Regression => "regression".into(),
        Task::NextToken { vocabulary } => {
            format!("next token, vocabulary of {}", vocabulary.len())
        }
    };
    format!("{task}; {train} training and {test} test examples of {columns} features")
}

/// A measurement as the record holds it.
pub(super) fn quality(measured: &Measured) -> Quality {
    Quality {
        loss: measured.loss,
        accuracy: measured.accuracy,
    }
}

/// The same in words.
pub(super) fn shown(quality: &Quality) -> String {
    match quality.accuracy {
        Some(accuracy) => format!(
            "accuracy {:.2}%, loss {:.4}",
            100.0 * accuracy,
            quality.loss
        ),
        None => format!("loss {:.4}", quality.loss),
    }
}

/// What example `index` should be predicted as.
pub(super) fn target(split: &Split, index: usize) -> Target {
    match &split.targets {
        Targets::Classes(classes) => Target::Class(classes[index]),
        Targets::Values(values) => Target::Value(values[index].into()),
        Targets::Tokens { .. } => panic!("text has no one target for an example"),
    }
}

/// The targets of all training examples.
pub(super) fn labels(dataset: &Dataset) -> Labels {
    match &dataset.train.targets {
        Targets::Classes(of) => Labels::Classes {
            of: of.clone(),
            names: dataset.task.classes().to_vec(),
        },
        Targets::Values(values) => Labels::Values(values.iter().map(|&v| v.into()).collect()),
        Targets::Tokens { .. } => panic!("text has no one target for an example"),
    }
}

/// What the model says of every row, from its outputs `[rows, outputs]`.
pub(super) fn predictions(outputs: &[f64], rows: usize, task: &Task) -> Vec<Target> {
    let decide = |outputs: &[f64]| match task {
        Task::Binary { .. } => Target::Class(i64::from(outputs[0] > 0.0)),
        Task::Regression => Target::Value(outputs[0]),
        Task::Classification { .. } | Task::NextToken { .. } => {
            let best =
                (1..outputs.len()).fold(
                    0,
                    |best, i| if outputs[i] > outputs[best] { i } else { best },
                );
            Target::Class(best as i64)
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
    scores: &Scores,
    labels: Labels,
    record: RunRecord,
) -> Report {
    let example = |split: &Split, index: usize| Example {
        index,
        label: target(split, index),
        features: split.row(index).to_vec(),
    };
    let side = |scored: Vec<Scored>| {
        let shown = |it: Scored| ScoredExample {
            example: example(&dataset.train, it.train),
            score: it.score,
        };
        scored.into_iter().map(shown).collect()
    };
    let explained = scores.queries().iter().enumerate().map(|(row, &query)| {
        let strongest = scores.strongest(row, SHOWN);
        Explained {
            query: example(&dataset.test, query),
            helpful: side(strongest.helpful),
            harmful: side(strongest.harmful),
        }
    });
    let layout = match dataset.image {
        Some(shape) => Layout::Pictures(Frame {
            height: shape.height,
            width: shape.width,
            black: 0.0,
            white: 1.0,
        }),
        None => Layout::Table(Features {
            names: dataset.features.clone(),
            mean: vec![0.0; dataset.features.len()],
            std: vec![1.0; dataset.features.len()],
        }),
    };
    let title = out.file_name().map_or_else(
        || dataset.name.clone(),
        |name| name.to_string_lossy().into(),
    );
    Report {
        title,
        labels,
        layout,
        explained: explained.collect(),
        record,
    }
}
