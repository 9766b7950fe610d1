//! `flow.csv`: flows by time.

use super::{FlowRecord, FlowedState};
use crate::OutputError;

/// The file's name.
pub const FLOW_FILE: &str = "flow.csv";

const HEAD: [&str; 12] = [
    "removal",
    "switch",
    "weight",
    "time",
    "distance",
    "relative_distance",
    "moved",
    "unseen",
    "effect",
    "removed_loss",
    "test_loss",
    "minima_apart",
];

/// All states of all flows. `theta(T, s)` has a `switch`, `theta(t, eps)` a `weight`; the relative distance is that to
/// the minimum without the removed examples, over the distance of the two minima.
///
/// # Errors
/// [`OutputError::Encode`].
pub fn flow_csv(record: &FlowRecord) -> Result<Vec<u8>, OutputError> {
    let refused = |error: ::csv::Error| OutputError::encode(FLOW_FILE, error);
    let mut table = ::csv::Writer::from_writer(Vec::new());
    table.write_record(HEAD).map_err(refused)?;
    for removal in &record.removals {
        let apart = removal.minima_apart;
        let mut write = |switch: Option<f64>, weight: Option<f64>, states: &[FlowedState]| {
            states.iter().try_for_each(|it| {
                let which = [switch, weight].map(|it| it.map_or_else(String::new, number));
                let relative = (apart > 0.0).then(|| number(it.distance / apart));
                let numbers = [
                    it.moved,
                    it.unseen,
                    it.effect,
                    it.removed_loss,
                    it.test_loss,
                    apart,
                ];
                let numbers = numbers.map(number);
                let mut row = vec![removal.name.clone()];
                row.extend(which);
                row.extend([
                    number(it.time),
                    number(it.distance),
                    relative.unwrap_or_default(),
                ]);
                row.extend(numbers);
                table.write_record(row)
            })
        };
        for it in &removal.switched {
            write(Some(it.switch), None, &it.states).map_err(refused)?;
        }
        for it in &removal.weighted {
            write(None, Some(it.weight), &it.states).map_err(refused)?;
        }
    }
    table
        .into_inner()
        .map_err(|error| OutputError::encode(FLOW_FILE, error.error().to_string()))
}

fn number(x: f64) -> String {
    format!("{x:?}")
}
