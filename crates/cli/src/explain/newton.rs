//! The Newton estimates of the strongest examples, beside their scores.

use std::{cell::Cell, time::Instant};

use backdraft::attribution::{
    NewtonOutcome, NewtonPrediction, Store, StoreError, newton_predictions, verify::Selection,
};
use backdraft_curvature::{Cost, CountedOperator, Damped, LinearOperator};
use backdraft_influence::{Inverse, Preconditioner, Solver};
use serde::{Deserialize, Serialize};

use super::run::ExplainRun;
use crate::{
    CliError,
    args::NewtonName,
    progress::{Bar, say, warn},
    solve::{QuerySystems, solver},
    verify::Amount,
};
use backdraft_report::{NewtonChange, NewtonChanges, ScoreRecord};

/// Right-hand sides that are solved for at once.
const TOGETHER: usize = 128;
/// Seconds that `quick` takes, or one block if that takes longer.
const BUDGET: f64 = 60.0;

/// The estimates of some removals, as they are kept.
#[derive(Serialize, Deserialize)]
struct Block {
    seconds: f64,
    predictions: Vec<NewtonPrediction>,
}

/// The Newton estimates of a run.
pub(super) struct NewtonEstimates {
    /// In the units that the network is trained with.
    pub predictions: Vec<NewtonPrediction>,
    /// Removals that were chosen, before any was known.
    pub planned: usize,
    pub seconds: f64,
}

impl NewtonEstimates {
    /// As the files of a run have them, in the unit of the scores.
    pub fn changes(&self, factor: f64) -> NewtonChanges {
        let mut found = NewtonChanges {
            planned: self.planned,
            ..Default::default()
        };
        for prediction in &self.predictions {
            match &prediction.outcome {
                NewtonOutcome::Done {
                    changes, leverage, ..
                } => {
                    let changes = changes.iter().map(|it| factor * it).collect();
                    let change = NewtonChange {
                        changes,
                        leverage: leverage.as_ref().map_or(0.0, |it| it.largest()),
                    };
                    found.of.insert(prediction.removed, change);
                }
                NewtonOutcome::Failed(reason) => {
                    found.failed.insert(prediction.removed, reason.clone());
                }
            }
        }
        found
    }
}

impl ExplainRun<'_> {
    /// The Newton estimates of the strongest examples and some random ones, those that are verified first of all; from
    /// the folder where they are there. None if they are not asked for.
    pub(super) fn newton(
        &self,
        cost: &Cost,
        systems: &QuerySystems<'_>,
        scores: &ScoreRecord,
    ) -> Result<Option<NewtonEstimates>, CliError> {
        // A sequence has too many outputs for a linear system each.
        if self.args.newton == NewtonName::None || self.is_of_tokens() {
            return Ok(None);
        }
        let count = match self.amount() {
            Amount::Removals(count) => Some(count),
            _ => None,
        };
        let rows = 0..scores.rows();
        let rows: Vec<Vec<f64>> = rows.map(|row| scores.row(row).to_vec()).collect();
        let removals = Selection::of(&rows, self.args.run.compute.seed, count).removals;
        let matrix = Damped::new(systems.curvature, systems.dampings[0]);
        let each = match matrix.example_root() {
            Some(root) => root.rows_per_example()?,
            None => return Ok(None),
        };
        let blocks = removals.chunks((TOGETHER / each.max(1)).max(1));
        let bar = Bar::new("correcting", removals.len() as u64);
        let products = Cell::new(0);
        let counted = CountedOperator::new(&matrix, |count| {
            products.set(products.get() + count);
            bar.message(format!("{} products", products.get()));
        });
        let solver = solver(&systems.args, systems.preconditioner)?;
        let correction = NewtonCorrection {
            train: cost,
            measured: (systems.measured, self.measure.mean_over.is_some()),
            matrix: &counted,
            solver: &*solver,
            recycled: *systems.preconditioner == Preconditioner::Recycled,
            store: self.network.store,
        };
        let found = correction.blocks(blocks, self.args.newton == NewtonName::Quick, &bar)?;
        let estimates = NewtonEstimates {
            planned: removals.len(),
            ..found
        };
        bar.aside(|| tell(&estimates));
        Ok(Some(estimates))
    }
}

/// What the estimates are made with.
struct NewtonCorrection<'a> {
    train: &'a Cost,
    /// The queries, and whether their mean is measured.
    measured: (&'a Cost, bool),
    matrix: &'a dyn LinearOperator,
    solver: &'a dyn Solver,
    /// Whether blocks learn from those before: then each is by itself, so that a run that goes on has the same bits.
    recycled: bool,
    store: &'a dyn Store,
}

impl NewtonCorrection<'_> {
    /// Block after block; if `quick`, as many as there is time for.
    fn blocks<'b>(
        &self,
        blocks: impl Iterator<Item = &'b [usize]>,
        quick: bool,
        bar: &Bar,
    ) -> Result<NewtonEstimates, CliError> {
        let mut found = NewtonEstimates {
            predictions: Vec::new(),
            planned: 0,
            seconds: 0.0,
        };
        let mut inverse: Option<Box<dyn Inverse + '_>> = None;
        for (place, removals) in blocks.enumerate() {
            let key = format!("newton-{place}.json");
            let kept = self.kept(&key)?;
            if kept.is_none() && quick && place > 0 {
                let each = found.seconds / place as f64;
                if found.seconds + each > BUDGET {
                    break;
                }
            }
            let block = match kept {
                Some(block) => block,
                None => {
                    let start = Instant::now();
                    if inverse.is_none() || self.recycled {
                        inverse = Some(self.solver.prepare(self.matrix)?);
                    }
                    let inverse = inverse.as_deref().expect("it was just made ready");
                    let predictions = newton_predictions(
                        (self.train, self.matrix, inverse),
                        self.measured,
                        removals,
                    )?;
                    self.keep(&key, start.elapsed().as_secs_f64(), predictions)?
                }
            };
            found.seconds += block.seconds;
            found.predictions.extend(block.predictions);
            bar.set(found.predictions.len() as u64);
        }
        Ok(found)
    }

    /// What is damaged is computed anew.
    fn kept(&self, key: &str) -> Result<Option<Block>, CliError> {
        match self.store.get(key) {
            Ok(bytes) => Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok())),
            Err(StoreError::Damaged { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps a block, which is returned as a later run finds it.
    fn keep(
        &self,
        key: &str,
        seconds: f64,
        predictions: Vec<NewtonPrediction>,
    ) -> Result<Block, CliError> {
        let block = Block {
            seconds,
            predictions,
        };
        let unencoded = |error: serde_json::Error| StoreError::Other(error.into());
        let json = serde_json::to_vec(&block).map_err(unencoded)?;
        self.store.put(key, &json)?;
        Ok(serde_json::from_slice(&json).map_err(unencoded)?)
    }
}

/// Says how far examples are fitted by themselves alone, and what has no estimate.
fn tell(found: &NewtonEstimates) {
    let mut alone = 0;
    let mut largest: Option<(usize, f64)> = None;
    for prediction in &found.predictions {
        match &prediction.outcome {
            NewtonOutcome::Done {
                leverage: Some(leverage),
                ..
            } => {
                alone += usize::from(leverage.is_alone());
                if largest.is_none_or(|(_, most)| leverage.largest() > most) {
                    largest = Some((prediction.removed, leverage.largest()));
                }
            }
            NewtonOutcome::Done { .. } => {}
            NewtonOutcome::Failed(reason) => warn(format_args!(
                "no Newton estimate of example {}: {reason}",
                prediction.removed
            )),
        }
    }
    if let Some((example, leverage)) = largest {
        let alone = match alone {
            0 => String::new(),
            1 => "; one is above 0.9, fitted almost by itself alone".into(),
            alone => format!("; {alone} are above 0.9, fitted almost by themselves alone"),
        };
        say(format_args!(
            "Newton estimates of {} of {} removals: the largest leverage is {leverage:.3}, of example {example}{alone}",
            found.predictions.len(),
            found.planned
        ));
    }
}
