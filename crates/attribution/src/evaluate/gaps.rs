//! Where an influence estimate and retraining part ways.

use backdraft_influence::response::Removal;
use serde::Serialize;

use super::{
    DamagedEntry, EvaluateError, Evaluation, FailedRemoval, Stage,
    answers::Answers,
    distance::output_distance,
    error::StageError,
    run::{Found, Measured},
};

/// The five gaps between retraining and an influence estimate (Bae et al. 2022, Section 4): how far apart the outputs
/// are at the parameters of one stage and the next, the Euclidean distance for an example on average over the training
/// set, in units of the network's outputs. Never negative; 0 where both stages say the same of every training example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Gaps {
    /// From cold to warm start.
    pub warm_start: f64,
    /// From warm start to the proximal response.
    pub proximity: f64,
    /// From the proximal response to the proximal Bregman response (PBRF).
    pub non_convergence: f64,
    /// From the PBRF to the linearised PBRF.
    pub linearization: f64,
    /// From the linearised PBRF to the solver's estimate.
    pub solver: f64,
}

impl Gaps {
    /// Their names, in order.
    pub const NAMES: [&'static str; 5] = [
        "warm start",
        "proximity",
        "non-convergence",
        "linearization",
        "solver",
    ];

    /// All five in order.
    pub fn into_array(self) -> [f64; 5] {
        [
            self.warm_start,
            self.proximity,
            self.non_convergence,
            self.linearization,
            self.solver,
        ]
    }

    /// From all five in order.
    pub fn from_array(gaps: [f64; 5]) -> Self {
        let [
            warm_start,
            proximity,
            non_convergence,
            linearization,
            solver,
        ] = gaps;
        Self {
            warm_start,
            proximity,
            non_convergence,
            linearization,
            solver,
        }
    }
}

/// The gaps of one removal.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RemovalGaps {
    /// What was removed.
    pub removal: Removal,
    /// Its gaps.
    pub gaps: Gaps,
    /// The relative residual of the estimate's linear system.
    pub residual: f64,
    /// Whether that is within the solver's tolerance.
    pub solved: bool,
}

/// The gaps of several removals.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decomposition {
    /// Their means over the removals.
    pub mean: Gaps,
    /// Their sample standard deviations; 0 of a single removal.
    pub std: Gaps,
    /// Each removal's, in the order asked for.
    pub removals: Vec<RemovalGaps>,
    /// Those left out, with the reason.
    pub failed: Vec<FailedRemoval>,
    /// What was damaged in the store, and computed anew.
    pub damaged: Vec<DamagedEntry>,
}

impl Measured for RemovalGaps {
    fn numbers(&self) -> Vec<f64> {
        let solved = f64::from(u8::from(self.solved));
        let gaps = self.gaps.into_array();
        [gaps.as_slice(), &[self.residual, solved]].concat()
    }

    fn of(removal: &Removal, numbers: &[f64]) -> Option<Self> {
        let (gaps, rest) = numbers.split_first_chunk()?;
        let &[residual, solved] = rest else {
            return None;
        };
        Some(Self {
            removal: removal.clone(),
            gaps: Gaps::from_array(*gaps),
            residual,
            solved: solved == 1.0,
        })
    }
}

impl Evaluation<'_> {
    /// The five gaps of each of `removals`, and their means (Bae et al. 2022, Section 4): from training again without
    /// the examples over warm start, proximal response, proximal Bregman response and its linearisation to the
    /// influence estimate.
    ///
    /// # Errors
    /// [`EvaluateError::Setting`] for removals that cannot be made; [`EvaluateError::AllFailed`] if none comes to its
    /// end; [`EvaluateError::Store`], and what no removal could be measured with: a device that fails, a program that
    /// cannot be traced.
    pub fn gaps(&self, removals: &[Removal]) -> Result<Decomposition, EvaluateError> {
        let Found {
            done,
            failed,
            damaged,
        } = self.run(|run| run.over(removals, "gaps", gaps))?;
        let spread = |gap: usize| {
            let values: Vec<f64> = done.iter().map(|it| it.gaps.into_array()[gap]).collect();
            spread(&values)
        };
        let spreads: [(f64, f64); 5] = std::array::from_fn(spread);
        Ok(Decomposition {
            mean: Gaps::from_array(spreads.map(|(mean, _)| mean)),
            std: Gaps::from_array(spreads.map(|(_, std)| std)),
            removals: done,
            failed,
            damaged,
        })
    }
}

/// The distances of the outputs on the training set from stage to stage.
fn gaps(answers: &mut Answers<'_, '_>) -> Result<RemovalGaps, StageError> {
    let mut gaps = [0.0; 5];
    let [first, rest @ ..] = Stage::PATH;
    let mut before = answers.get(first)?;
    for (gap, stage) in gaps.iter_mut().zip(rest) {
        let next = answers.get(stage)?;
        *gap = output_distance(answers.run.evaluation.cost(), &before, &next)?;
        if !gap.is_finite() {
            let what = "the distance of two stages' outputs";
            return Err(EvaluateError::NotFinite { what }.into());
        }
        before = next;
    }
    let estimate = answers.estimate()?;
    Ok(RemovalGaps {
        removal: answers.removal().clone(),
        gaps: Gaps::from_array(gaps),
        residual: estimate.residual,
        solved: estimate.solved,
    })
}

/// The mean and the sample standard deviation, 0 of one number.
fn spread(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0).max(1.0)).sqrt())
}
