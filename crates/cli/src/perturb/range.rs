//! The range of the data, as the network reads them.

use backdraft_models::data::{Dataset, ExampleShape};

/// The least and the greatest number of each input: black and white of pixels, what a table's columns have in the
/// training part.
pub(super) fn of_inputs(dataset: &Dataset) -> Vec<[f64; 2]> {
    let train = &dataset.train;
    let column = |at: usize| match dataset.shape {
        ExampleShape::Picture { .. } => {
            // Restored numbers are a line in those that are read.
            let restored = [0.0, 1.0].map(|x| dataset.restored_input(at, x));
            let slope = restored[1] - restored[0];
            [0.0, 1.0].map(|pixel| (pixel - restored[0]) / slope)
        }
        _ => {
            let cells = train.features[at..].iter().step_by(train.columns);
            let start = [f64::INFINITY, f64::NEG_INFINITY];
            cells.fold(start, |[least, most], &x| {
                [least.min(x.into()), most.max(x.into())]
            })
        }
    };
    (0..train.columns).map(column).collect()
}
