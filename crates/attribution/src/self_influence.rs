//! The self-influence of all training examples, by whatever way there is time and memory for.

use backdraft_influence::{DualConfig, KfacConfig, SolveError, Solver, self_influences};

use crate::{AttributionError, Influence};

/// Settings of [`Influence::self_influences`].
#[derive(Clone, Debug, PartialEq)]
pub struct SelfInfluenceConfig {
    /// The exact dual, taken where its kernel matrix fits.
    pub dual: DualConfig,
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
            solved: 2_000,
            approximation: KfacConfig::default(),
            top: 128,
        }
    }
}

/// Self-influence, `1/N <grad L_i, A^-1 grad L_i>`, and how it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct SelfInfluences {
    /// Of every training example.
    pub values: Vec<f64>,
    /// Which values are exact, to the tolerance of the solver.
    pub exact: Vec<bool>,
    /// How they were found, in words.
    pub method: String,
}

impl Influence {
    /// The self-influence of all training examples: exact through a kernel matrix of examples times outputs where that
    /// fits into memory; else solved for, up to a number of examples; else approximated by EK-FAC, with exact values
    /// for those that are largest. What was done is said.
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
        let (train, count) = (self.train(), self.train().len());
        let dual = config.dual.clone().init()?;
        match dual.factor(self.matrix()) {
            Ok(inverse) => {
                let rows = inverse.eigenvalues().len();
                return Ok(SelfInfluences {
                    values: self_influences(train, &inverse)?,
                    exact: vec![true; count],
                    method: format!("exact, through a kernel matrix of {rows} x {rows}"),
                });
            }
            Err(SolveError::TooManyRows { .. } | SolveError::NoExamples { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        if count <= config.solved {
            let all: Vec<usize> = (0..count).collect();
            return Ok(SelfInfluences {
                values: self.self_influence(&all)?,
                exact: vec![true; count],
                method: format!("exact, {count} systems solved"),
            });
        }
        self.approximate(config)
    }

    fn approximate(
        &self,
        config: &SelfInfluenceConfig,
    ) -> Result<SelfInfluences, AttributionError> {
        let train = self.train();
        let solver = config.approximation.clone().init()?;
        let inverse = solver.prepare(self.matrix())?;
        let mut values = self_influences(train, &*inverse)?;
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
        order.truncate(config.top);
        let mut exact = vec![false; values.len()];
        for (&example, value) in order.iter().zip(self.self_influence(&order)?) {
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
