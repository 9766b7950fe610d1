//! Labels that are made wrong on purpose.

use rand::seq::index;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::dataset::Dataset;
use super::source::{Place, PlaceColumns};
use super::split::{Split, Targets};
use crate::number::brief;

/// Which training labels were made wrong, and what they were.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelNoise {
    /// The fraction of labels asked for.
    pub fraction: f64,
    /// The seed of the choice.
    pub seed: u64,
    /// The labels that were made wrong, by row.
    pub changes: Vec<LabelChange>,
}

/// A label that was made wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelChange {
    /// The row among the training examples, counted from 0.
    pub row: usize,
    /// Where the example stood in its source: [`Split::origin`].
    pub origin: usize,
    /// The class that the source gives.
    pub truth: i64,
    /// The class that it was given instead.
    pub label: i64,
    /// Of a sequence the place whose next token it is, counted from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<usize>,
}

/// Why labels could not be made wrong.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NoiseError {
    /// The targets are numbers.
    #[error(
        "{name}: its targets are numbers, which have no other class to be given; label noise is for classes"
    )]
    Regression {
        /// The data set.
        name: String,
    },
    /// The text has one token alone.
    #[error("{name}: its text has one token alone, which has no other to be given in its place")]
    OneToken {
        /// The data set.
        name: String,
    },
    /// The fraction is not between 0 and 1.
    #[error(
        "a fraction of {} of the labels cannot be made wrong; give a number from 0 to 1",
        brief(*.fraction)
    )]
    Fraction {
        /// The fraction asked for.
        fraction: f64,
    },
}

impl Dataset {
    /// Gives `round(fraction * N)` of the N training examples, drawn without replacement, another class than their
    /// own, each other class being as likely as the next. The same seed makes the same choice (ChaCha8).
    /// The rest of the data set stays as it is.
    ///
    /// Of a text, each of so many sequences has one token replaced by another, both drawn alike: where it is to be
    /// predicted, and where the sequence goes on with it, as if the file had another word there.
    ///
    /// # Errors
    ///
    /// If the targets are numbers, there is no other class, or the fraction is not from 0 to 1.
    pub fn corrupt_labels(&mut self, fraction: f64, seed: u64) -> Result<LabelNoise, NoiseError> {
        if !(0.0..=1.0).contains(&fraction) {
            return Err(NoiseError::Fraction { fraction });
        }
        let count = self.task.classes().len();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let rows = self.train.rows;
        let wrong = (fraction * rows as f64).round() as usize;
        let mut drawn = index::sample(&mut rng, rows, wrong).into_vec();
        drawn.sort_unstable();
        let name = || self.name.clone();
        match &self.train.targets {
            Targets::Values(_) => return Err(NoiseError::Regression { name: name() }),
            Targets::Tokens { .. } if count < 2 => {
                return Err(NoiseError::OneToken { name: name() });
            }
            Targets::Classes(_) | Targets::Tokens { .. } => {}
        }
        let changes = drawn
            .into_iter()
            .map(|row| self.train.corrupt(row, count, &mut rng));
        let changes = changes.collect();
        self.train = self.weighted(self.train.clone());
        Ok(LabelNoise {
            fraction,
            seed,
            changes,
        })
    }
}

impl Split {
    /// Gives the example `row` another of `count` classes, or one of its places another token.
    fn corrupt(&mut self, row: usize, count: usize, rng: &mut ChaCha8Rng) -> LabelChange {
        let (at, place) = match &self.targets {
            Targets::Tokens { length, .. } => {
                // The last is the first token of the next sequence, which it must go on with.
                let place = rng.random_range(0..(length - 1).max(1));
                (row * length + place, Some(place))
            }
            _ => (row, None),
        };
        let (Targets::Classes(ids) | Targets::Tokens { ids, .. }) = &mut self.targets else {
            unreachable!("numbers were refused")
        };
        let truth = ids[at];
        let other = rng.random_range(0..count as i64 - 1);
        let label = if other < truth { other } else { other + 1 };
        ids[at] = label;
        if place.is_some_and(|place| place + 1 < self.columns) {
            self.features[at + 1] = label as f32;
        }
        LabelChange {
            row,
            origin: self.origin[row],
            truth,
            label,
            place,
        }
    }
}

impl LabelNoise {
    /// Whether each of `rows` training examples has a wrong label.
    ///
    /// # Panics
    ///
    /// If there were more examples than `rows`.
    pub fn mask(&self, rows: usize) -> Vec<bool> {
        let mut mask = vec![false; rows];
        for change in &self.changes {
            mask[change.row] = true;
        }
        mask
    }

    /// The changes as a CSV table with the columns `train`, the row among the training examples, `origin`, `truth` and
    /// `label`, the classes by their names, of sequences also `place`, and where the examples of `dataset`, whose
    /// labels these are, stand in its source, as [`PlaceColumns`] has it.
    ///
    /// # Errors
    ///
    /// If a row cannot be written, which memory alone can be the reason of.
    pub fn csv(&self, dataset: &Dataset) -> Result<String, csv::Error> {
        let places: Vec<Place> = self
            .changes
            .iter()
            .map(|change| dataset.train_place(change.row))
            .collect();
        let columns = PlaceColumns::of(&places);
        let mut table = csv::Writer::from_writer(Vec::new());
        let of_places = self.changes.iter().find_map(|change| change.place);
        let head = ["train", "origin", "truth", "label"].into_iter();
        let head = head.chain(of_places.map(|_| "place"));
        table.write_record(head.chain(columns.head()))?;
        let names = dataset.task.classes();
        for (change, place) in self.changes.iter().zip(places) {
            let [truth, label] =
                [change.truth, change.label].map(|class| names[class as usize].clone());
            let (row, origin) = (change.row.to_string(), change.origin.to_string());
            let at = change.place.map(|at| at.to_string());
            let record = [row, origin, truth, label].into_iter().chain(at);
            table.write_record(record.chain(columns.cells(&place)))?;
        }
        let table = table.into_inner().map_err(|error| error.into_error())?;
        Ok(String::from_utf8_lossy(&table).into_owned())
    }
}
