//! Data in the form in which a run's files show them.

use backdraft_models::data::{Dataset, Split, Targets, Task};

use backdraft_report::{Features, Frame, Labels, Layout, Sequences, TargetValue};

/// What example `index` of a part should be predicted as, in the source's own units.
pub(super) fn target(dataset: &Dataset, split: &Split, index: usize) -> TargetValue {
    match &split.targets {
        Targets::Classes(classes) => TargetValue::Class(classes[index]),
        Targets::Values(values) => TargetValue::Value(dataset.original_target(values[index])),
        Targets::Tokens { .. } => TargetValue::Tokens,
    }
}

/// The targets of all training examples, in the source's own units.
pub(super) fn labels(dataset: &Dataset) -> Labels {
    match &dataset.train.targets {
        Targets::Classes(of) => Labels::Classes {
            of: of.clone(),
            names: dataset.task.classes().to_vec(),
        },
        Targets::Values(values) => {
            let values = values.iter().map(|&value| dataset.original_target(value));
            Labels::Values(values.collect())
        }
        Targets::Tokens { .. } => Labels::Tokens {
            examples: dataset.train.rows,
            vocabulary: dataset.task.classes().to_vec(),
        },
    }
}

/// What the model says of every row, from its outputs `[rows, outputs]`, in the source's own units.
pub(super) fn predictions(outputs: &[f64], rows: usize, dataset: &Dataset) -> Vec<TargetValue> {
    let decide = |outputs: &[f64]| match &dataset.task {
        Task::Binary { .. } => TargetValue::Class(i64::from(outputs[0] > 0.0)),
        Task::Regression => TargetValue::Value(dataset.prediction(outputs[0])),
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

/// How examples are shown; of a text, without the sequences.
pub(super) fn layout(dataset: &Dataset) -> Layout {
    if let Task::NextToken { vocabulary } = &dataset.task {
        return Layout::Text(Sequences {
            vocabulary: vocabulary.clone(),
            ..Sequences::default()
        });
    }
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
