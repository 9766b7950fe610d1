//! Newton estimates of what removals do to what is measured.

use backdraft_curvature::{Cost, IntoRows, LinearOperator};
use backdraft_influence::{
    DirectConfig, DualConfig, Inverse, KfacConfig, Leverage, NewtonEstimate, NewtonScores,
    SolveError, newton_estimates, newton_scores, newton_step, response::Removal,
};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::{AttributionError, Influence, Measurement, Scores, exact_inverse::exact_inverse};

/// What the Newton estimate says of one training example's removal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewtonPrediction {
    /// The training example.
    pub removed: usize,
    /// The change of what is measured, or why there is no estimate.
    pub outcome: NewtonOutcome,
}

/// The change of what is measured, or why there is no estimate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NewtonOutcome {
    /// There is one.
    Done {
        /// The predicted change `m(without) - m(with)`, one number a row of scores, in the units of `m`, first order in
        /// `m`.
        changes: Vec<f64>,
        /// How far the example is fitted by itself alone; none where the curvature is no sum of squares.
        leverage: Option<Leverage>,
        /// The largest relative residual of the systems behind it.
        true_residual: f64,
    },
    /// There is none, for this reason.
    Failed(String),
}

impl NewtonPrediction {
    /// The predicted change for a row of scores, if there is one.
    pub fn change(&self, row: usize) -> Option<f64> {
        match &self.outcome {
            NewtonOutcome::Done { changes, .. } => changes.get(row).copied(),
            NewtonOutcome::Failed(_) => None,
        }
    }
}

/// The Newton estimates ([`newton_estimates`]) of the removal of each of the training examples `removals` of `train`,
/// for the losses of `queries`, one number each, or if `mean` for their mean. `inverse` is that of `matrix`, the damped
/// curvature.
///
/// # Errors
/// What fails for all removals: [`AttributionError::Solve`], and [`AttributionError::Curvature`] for the queries.
pub fn newton_predictions(
    (train, matrix, inverse): (&Cost, &dyn LinearOperator, &dyn Inverse),
    (queries, mean): (&Cost, bool),
    removals: &[usize],
) -> Result<Vec<NewtonPrediction>, AttributionError> {
    let each = removals
        .iter()
        .map(|&it| Removal::of(vec![it], train.len()));
    let found = newton_estimates(train, matrix, inverse, &each.collect::<Vec<_>>())?;
    let vectors = found.iter().flatten().map(|it| it.vector.clone());
    let mut changes = changes(queries, mean, vectors.collect())?.into_iter();
    let found = removals.iter().zip(found).map(|(&removed, found)| {
        let outcome = match found {
            Ok(NewtonEstimate {
                leverage,
                true_residual,
                ..
            }) => NewtonOutcome::Done {
                changes: changes.next().expect("there is one for each estimate"),
                leverage: Some(leverage),
                true_residual,
            },
            Err(error) => failed(error)?,
        };
        Ok(NewtonPrediction { removed, outcome })
    });
    found.collect()
}

/// What changes of the parameters do to what is measured, to first order: all in one pass.
fn changes(
    queries: &Cost,
    mean: bool,
    vectors: Vec<Tensor<1>>,
) -> Result<Vec<Vec<f64>>, AttributionError> {
    if vectors.is_empty() {
        return Ok(Vec::new());
    }
    let changes = queries.directional_derivatives_many(Tensor::stack(vectors, 0))?;
    let changes = match mean {
        true => changes.mean_dim(1),
        false => changes,
    };
    let columns = changes.dims()[1];
    let changes = changes.try_into_vec_as::<f64>()?;
    Ok(changes.chunks_exact(columns).map(<[f64]>::to_vec).collect())
}

/// A failure of one removal; others concern all.
fn failed(error: SolveError) -> Result<NewtonOutcome, AttributionError> {
    match error {
        SolveError::FittedAlone { .. }
        | SolveError::NotConverged { .. }
        | SolveError::Diverged { .. }
        | SolveError::NegativeCurvature { .. } => Ok(NewtonOutcome::Failed(error.to_string())),
        error => Err(error.into()),
    }
}

/// Settings of [`Influence::newton_scores`].
#[derive(Clone, Debug, PartialEq)]
pub struct NewtonConfig {
    /// The exact dual, taken where its kernel matrix is the smaller one, or the dense matrix is over its limit.
    pub dual: DualConfig,
    /// The dense matrix, whose inverse is taken where it is the smaller one, or the kernel matrix does not fit.
    pub direct: DirectConfig,
    /// Most examples times outputs that are solved for, each as a right-hand side, where the dual does not fit.
    pub solved: usize,
    /// The approximation of all where there are more. It may be far off: that of a network which fits its data can take
    /// leverages for twice what they are, and examples for fitted by themselves alone.
    pub approximation: KfacConfig,
}

impl Default for NewtonConfig {
    fn default() -> Self {
        Self {
            dual: DualConfig::default(),
            direct: DirectConfig::default(),
            solved: 2_000,
            approximation: KfacConfig::default(),
        }
    }
}

/// What is done with an inverse in a part, and how it was found, in words.
type EachInverse<'a> = dyn FnMut(&dyn Inverse, usize, &str) -> Result<(), AttributionError> + 'a;

impl Influence {
    /// What the Newton estimate says of the removal of each of the training examples `removals`, for the queries of
    /// `scores`: influence with the curvature that is left without the example, which tells the size of a change where
    /// an example has a large part in the curvature. A solve for each output of each removed example, in blocks; for
    /// the Hessian, whose parts are no sums of squares, a solve with another matrix for each.
    ///
    /// # Errors
    /// [`AttributionError::Solve`] for what fails for all; what fails for one is its outcome.
    pub fn newton(
        &self,
        scores: &Scores,
        removals: &[usize],
    ) -> Result<Vec<NewtonPrediction>, AttributionError> {
        let measured = (&scores.queries, scores.mean);
        if self.matrix().example_root().is_some() {
            let inverse = self.solver().prepare(self.matrix())?;
            return newton_predictions((&self.train, self.matrix(), &*inverse), measured, removals);
        }
        let found = removals.iter().map(|&removed| {
            let removal = Removal::of(vec![removed], self.train.len());
            let outcome = match newton_step(&self.train, self.matrix(), self.solver(), &removal) {
                Ok(found) => NewtonOutcome::Done {
                    changes: changes(measured.0, measured.1, vec![found.vector])?.remove(0),
                    leverage: None,
                    true_residual: found.info.true_residual,
                },
                Err(error) => failed(error)?,
            };
            Ok(NewtonPrediction { removed, outcome })
        });
        found.collect()
    }

    /// The Newton estimate of the removal of every training example, for what is measured of the queries `inputs`, and
    /// every example's leverage, which depends on no query: exact through the smaller of two matrices, the kernel
    /// matrix of examples times outputs and the dense one of parameters, as far as they are within their limits; else
    /// solved for, up to a number of them, else what EK-FAC makes of the examples' part. How it was found is said in words.
    ///
    /// # Errors
    /// As [`scores`](Self::scores); [`SolveError::NoRoot`] for the Hessian.
    pub fn newton_scores(
        &self,
        measurement: &Measurement,
        inputs: impl IntoRows,
        config: &NewtonConfig,
    ) -> Result<(NewtonScores, String), AttributionError> {
        let queries = measurement.cost(&self.train, inputs)?;
        let (solutions, _) = self.solutions(&queries, measurement.is_mean())?;
        self.newton_scores_from(&Tensor::stack(solutions, 0), config)
    }

    /// The same from solutions `A^-1 grad m` that are known, the rows of `solutions`, `[k, dim]`; of none, the
    /// leverages alone.
    ///
    /// # Errors
    /// [`AttributionError::Solve`].
    pub fn newton_scores_from(
        &self,
        solutions: &Tensor<2>,
        config: &NewtonConfig,
    ) -> Result<(NewtonScores, String), AttributionError> {
        self.by_some_inverse(config, |inverse| {
            newton_scores(&self.train, self.matrix(), inverse, solutions)
        })
    }

    /// The leverage of every training example, as [`newton_scores`](Self::newton_scores) has it.
    ///
    /// # Errors
    /// [`AttributionError::Solve`].
    pub fn leverages(
        &self,
        config: &NewtonConfig,
    ) -> Result<(Vec<Leverage>, String), AttributionError> {
        let matrix = self.matrix();
        let none = Tensor::zeros([0, matrix.dim()], (&matrix.device(), matrix.dtype()));
        let (found, method) = self.newton_scores_from(&none, config)?;
        Ok((found.leverages, method))
    }

    /// What `found` makes of the exact inverse through the examples where that fits, else of the dense one for a small
    /// network, else of the solver where there are few enough rows, else of an approximation; and which it was, in
    /// words.
    pub(crate) fn by_some_inverse<T>(
        &self,
        config: &NewtonConfig,
        found: impl FnOnce(&dyn Inverse) -> Result<T, SolveError>,
    ) -> Result<(T, String), AttributionError> {
        let (mut found, mut done) = (Some(found), None);
        self.part_by_part(config, 1, &mut |inverse, _, method| {
            let found = found.take().expect("there is one part");
            done = Some((found(inverse)?, method.to_owned()));
            Ok(())
        })?;
        Ok(done.expect("there is one part"))
    }

    /// The same, part by part: `each` is given that inverse, which part it is of `count`, and the words. What one part
    /// finds does not depend on the others.
    pub(crate) fn part_by_part(
        &self,
        config: &NewtonConfig,
        count: usize,
        each: &mut EachInverse<'_>,
    ) -> Result<(), AttributionError> {
        let matrix = self.matrix();
        let Some(root) = matrix.example_root() else {
            let name = matrix.law().name;
            return Err(SolveError::NoRoot { name }.into());
        };
        let rows = root.count().map_err(SolveError::from)?;
        if let Some((inverse, method)) = exact_inverse(matrix, &config.dual, &config.direct)? {
            return (0..count).try_for_each(|part| each(&*inverse, part, &method));
        }
        if rows <= config.solved {
            let solver = self.config.solver.clone().learning().init()?;
            let method = format!("exact, {rows} systems solved");
            // It learns from one system for the next.
            return (0..count).try_for_each(|part| {
                let inverse = solver.prepare(matrix)?;
                each(&*inverse, part, &method)
            });
        }
        let solver = config.approximation.clone().init()?;
        let name = if config.approximation.corrected {
            "EK-FAC"
        } else {
            "K-FAC"
        };
        let inverse = solver.factor(matrix)?;
        let method =
            format!("approximate, by {name}, which can take leverages for twice what they are");
        (0..count).try_for_each(|part| each(&inverse, part, &method))
    }
}
