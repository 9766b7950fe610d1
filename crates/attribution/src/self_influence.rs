//! The self-influence of training examples: of some by solving, of all by whatever way there is time and memory for.

use backdraft_curvature::Cost;
use backdraft_influence::{
    DirectConfig, DualConfig, Inverse, KfacConfig, SolveError, Solver, self_influence,
    self_influence_on, self_influences, self_influences_on,
};
use serde::{Deserialize, Serialize};

use crate::{AttributionError, Influence, Measurement, exact_inverse::exact_inverse};

/// Examples whose self-influence is solved for at once.
const AT_ONCE: usize = 64;

/// Settings of [`Influence::self_influences`].
#[derive(Clone, Debug, PartialEq)]
pub struct SelfInfluenceConfig {
    /// The exact dual, taken where its kernel matrix is the smaller one, or the dense matrix is over its limit.
    pub dual: DualConfig,
    /// The dense matrix, whose inverse is taken where it is the smaller one, or the kernel matrix does not fit.
    pub direct: DirectConfig,
    /// Most training examples that are solved for, each as a right-hand side, where the dual does not fit.
    pub solved: usize,
    /// The approximation of all where there are more.
    pub approximation: KfacConfig,
    /// Of how many of the largest approximate values the exact one is solved for.
    pub top: usize,
}

impl Default for SelfInfluenceConfig {
    fn default() -> Self {
        Self {
            dual: DualConfig::default(),
            direct: DirectConfig::default(),
            solved: 2_000,
            approximation: KfacConfig::default(),
            top: 128,
        }
    }
}

/// Self-influence, `1/N <grad m_i, A^-1 grad L_i>`, where `m` is the loss or what else is measured, and how it was
/// found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SelfInfluences {
    /// Of every training example.
    pub values: Vec<f64>,
    /// Which values are exact, to the tolerance of the solver.
    pub exact: Vec<bool>,
    /// How they were found, in words.
    pub method: String,
}

impl Influence {
    /// The self-influence of the training examples `indices`, `1/N <grad L_i, A^-1 grad L_i>`: each one's score for its
    /// own loss. Not negative for a positive definite matrix; large where the network has memorised the example, as it
    /// must those whose labels are wrong. One solve an example, 64 at once; where there are more, those after the first
    /// 64 gain from what these have learnt ([`Preconditioner::Recycled`](backdraft_influence::Preconditioner)).
    ///
    /// # Errors
    /// [`AttributionError::Solve`].
    pub fn self_influence(&self, indices: &[usize]) -> Result<Vec<f64>, AttributionError> {
        self.solved(None, indices)
    }

    /// What the removal of each of the training examples `indices` is predicted to change of what is measured of
    /// itself, `1/N <grad m_i, A^-1 grad L_i>`, of either sign: one number an example, or one for each of its outputs
    /// in turn ([`Measurement::outputs`]). The targets that the measurement carries are those of these examples, in
    /// this order. Solved for as [`self_influence`](Self::self_influence), which is that of the loss.
    ///
    /// # Errors
    /// [`AttributionError::Setting`] for a mean, as each example is measured by itself;
    /// [`AttributionError::Curvature`] for another number of targets than of examples; [`AttributionError::Solve`].
    pub fn self_influence_of(
        &self,
        measurement: &Measurement,
        indices: &[usize],
    ) -> Result<Vec<f64>, AttributionError> {
        check_own(measurement)?;
        if indices.is_empty() {
            return Ok(Vec::new());
        }
        let measured = measurement.cost_of_training(&self.train, Some(indices))?;
        self.solved(Some(&measured), indices)
    }

    fn solved(
        &self,
        measured: Option<&Cost>,
        indices: &[usize],
    ) -> Result<Vec<f64>, AttributionError> {
        let learning = match indices.len() > AT_ONCE {
            true => Some(self.config.solver.clone().learning().init()?),
            false => None,
        };
        let solver = learning.as_deref().unwrap_or(self.solver());
        let inverse = solver.prepare(self.matrix())?;
        Ok(match measured {
            Some(measured) => self_influence_on(&self.train, measured, &*inverse, indices)?,
            None => self_influence(&self.train, &*inverse, indices)?,
        })
    }

    /// The self-influence of all training examples: exact through the smaller of two matrices, the kernel matrix of
    /// examples times outputs and the dense one of parameters, as far as they are within their limits; else solved for, up to a number of examples;
    /// else approximated by EK-FAC, with exact values for those that are largest. What was done is said.
    ///
    /// An approximation is off by what its residual says, and may miss an example that belongs to the largest: take
    /// more of these, or more that are solved.
    ///
    /// # Errors
    /// [`AttributionError::Solve`].
    pub fn self_influences(
        &self,
        config: &SelfInfluenceConfig,
    ) -> Result<SelfInfluences, AttributionError> {
        self.all(None, config)
    }

    /// What the removal of each training example is predicted to change of what is measured of itself, as
    /// [`self_influence_of`](Self::self_influence_of), for all of them, in the way of
    /// [`self_influences`](Self::self_influences); the largest are those that are furthest from 0. The targets that the
    /// measurement carries are those of the training set.
    ///
    /// # Errors
    /// As [`self_influence_of`](Self::self_influence_of); [`AttributionError::Setting`] for
    /// [`Measurement::outputs`]: one output is measured at a time.
    pub fn self_influences_of(
        &self,
        measurement: &Measurement,
        config: &SelfInfluenceConfig,
    ) -> Result<SelfInfluences, AttributionError> {
        check_own(measurement)?;
        let measured = measurement.cost_of_training(&self.train, None)?;
        if measured.len() != self.train.len() {
            return Err(AttributionError::Setting {
                name: "measurement",
                problem: "is of all outputs at once: measure one of them".into(),
            });
        }
        self.all(Some(&measured), config)
    }

    fn all(
        &self,
        measured: Option<&Cost>,
        config: &SelfInfluenceConfig,
    ) -> Result<SelfInfluences, AttributionError> {
        let count = self.train.len();
        let exact = exact_inverse(self.matrix(), &config.dual, &config.direct)?;
        if let Some((inverse, method)) = exact {
            return Ok(SelfInfluences {
                values: self.applied(measured, &*inverse)?,
                exact: vec![true; count],
                method,
            });
        }
        if count <= config.solved {
            let all: Vec<usize> = (0..count).collect();
            return Ok(SelfInfluences {
                values: self.solved(measured, &all)?,
                exact: vec![true; count],
                method: format!("exact, {count} systems solved"),
            });
        }
        self.approximate(measured, config)
    }

    fn applied(
        &self,
        measured: Option<&Cost>,
        inverse: &dyn Inverse,
    ) -> Result<Vec<f64>, SolveError> {
        match measured {
            Some(measured) => self_influences_on(&self.train, measured, inverse),
            None => self_influences(&self.train, inverse),
        }
    }

    fn approximate(
        &self,
        measured: Option<&Cost>,
        config: &SelfInfluenceConfig,
    ) -> Result<SelfInfluences, AttributionError> {
        let solver = config.approximation.clone().init()?;
        let inverse = solver.prepare(self.matrix())?;
        let mut values = self.applied(measured, &*inverse)?;
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| values[b].abs().total_cmp(&values[a].abs()));
        order.truncate(config.top);
        let largest = measured.filter(|_| !order.is_empty());
        let largest = largest.map(|it| it.select(&order)).transpose()?;
        let mut exact = vec![false; values.len()];
        let solved = self.solved(largest.as_ref(), &order)?;
        for (&example, value) in order.iter().zip(solved) {
            values[example] = value;
            exact[example] = true;
        }
        let name = if config.approximation.corrected {
            "EK-FAC"
        } else {
            "K-FAC"
        };
        Ok(SelfInfluences {
            values,
            exact,
            method: format!("{name}, and exact for the {} largest", order.len()),
        })
    }
}

/// Refuses a mean of what is measured.
fn check_own(measurement: &Measurement) -> Result<(), AttributionError> {
    match measurement.is_mean() {
        true => Err(AttributionError::Setting {
            name: "measurement",
            problem: "is a mean: self-influence is of each example by itself".into(),
        }),
        false => Ok(()),
    }
}
