//! What is known of the losses' derivatives.

use backdraft_influence::{
    closed::DenseMatrix,
    unlearn::{LinearLoss, Regularity, UnlearnError},
};
use backdraft_models::{
    Architecture,
    data::{Dataset, Targets, Task},
};

use crate::{
    args::{BatchSize, Unlearn},
    inputs::Inputs,
};

/// The bounds that certificates go by: those that were given, or those that follow from a linear model and its data;
/// or why there are none.
pub(super) fn regularity(args: &Unlearn, inputs: &Inputs) -> Result<Regularity, String> {
    if let (Some(smoothness), Some(gradient)) = (args.smoothness, args.gradient_bound) {
        return Ok(Regularity::smooth(smoothness, gradient));
    }
    if inputs.kind != Architecture::LogisticRegression {
        return Err(format!(
            "the losses of {} have no bounds of their derivatives that hold everywhere: give --smoothness and \
             --gradient-bound if you know some, say in the ball of --radius",
            inputs.kind
        ));
    }
    let dataset = &inputs.dataset;
    let rows = dataset.train.rows;
    let batch = args.descent.batch_size.unwrap_or(BatchSize::All);
    let loss = match (&dataset.task, args.descent.radius) {
        (Task::Binary { .. }, _) => LinearLoss::Logistic,
        (Task::Regression, None) => {
            return Err(
                "gradients of squared errors are bounded in a ball only: give --radius".into(),
            );
        }
        (Task::Regression, Some(radius)) => LinearLoss::Squares {
            radius,
            target: largest_target(dataset),
        },
        _ => LinearLoss::Softmax,
    };
    let found = Regularity::of_linear(&design(dataset), loss, batch.of(rows) == rows, 1.0);
    found.map_err(|error| error.to_string())
}

/// The largest curvature of the mean loss of a linear model, of all examples or of a batch.
pub(super) fn largest_curvature(dataset: &Dataset, full_batch: bool) -> Result<f64, UnlearnError> {
    let loss = match &dataset.task {
        Task::Binary { .. } => LinearLoss::Logistic,
        // Its curvature depends on neither.
        Task::Regression => LinearLoss::Squares {
            radius: 1.0,
            target: 0.0,
        },
        _ => LinearLoss::Softmax,
    };
    let found = Regularity::of_linear(&design(dataset), loss, full_batch, 1.0)?;
    Ok(found.curvature[1])
}

/// The training examples with the 1 that a bias is multiplied by.
fn design(dataset: &Dataset) -> DenseMatrix {
    let (train, columns) = (&dataset.train, dataset.train.columns);
    DenseMatrix::from_fn(train.rows, columns + 1, |row, column| {
        match column == columns {
            true => 1.0,
            false => f64::from(train.features[row * columns + column]),
        }
    })
}

fn largest_target(dataset: &Dataset) -> f64 {
    match &dataset.train.targets {
        Targets::Values(values) => values.iter().fold(0.0, |most, it| {
            let size = f64::from(it.abs());
            size.max(most)
        }),
        _ => 0.0,
    }
}
