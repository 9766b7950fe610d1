//! What can go wrong while a posterior is sampled.

use backdraft_curvature::CurvatureError;
use burn::tensor::TensorReadError;

/// Error of Bayesian influence. The message says what to change.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BayesError {
    /// A setting that makes no sense.
    #[error("the setting `{name}` {problem}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A chain that went further from the trained parameters than any chain of this posterior with a step that is short
    /// enough.
    #[error(
        "chain {chain} diverged: by step {step} it was {distance:.2e} away from the trained parameters, where {bound:.2e} is far \
         already. Steps of {step_size:.2e} are too long for this cost, whose largest curvature they must not exceed twice the \
         inverse of: try {:.2e}, or a higher localisation",
        .step_size / 4.0
    )]
    Diverged {
        /// The chain, counted from 0.
        chain: usize,
        /// The step at which it was seen, counted from 1.
        step: usize,
        /// `||theta - theta_s||`; NaN after overflow.
        distance: f64,
        /// Ten times what the localisation allows for.
        bound: f64,
        /// The step size in use.
        step_size: f64,
    },
    /// A loss or a measurement that is no number somewhere on the way.
    #[error(
        "{what} is {value} at draw {draw} of chain {chain}: the posterior reaches where it is not defined. Raise the localisation, \
         or the inverse temperature"
    )]
    NotFinite {
        /// Which one.
        what: String,
        /// Its value.
        value: f64,
        /// The draw, counted from 0.
        draw: usize,
        /// The chain, counted from 0.
        chain: usize,
    },
    /// A chain that is of other settings or data, or not at its end.
    #[error("chain {chain} does not belong here: {problem}")]
    Chain {
        /// The chain, counted from 0.
        chain: usize,
        /// What does not fit.
        problem: String,
    },
    /// A row of scores that there is not.
    #[error("row {row} does not exist: there are {rows}, counted from 0")]
    Row {
        /// The row.
        row: usize,
        /// How many there are.
        rows: usize,
    },
    /// A loss or a gradient could not be computed.
    #[error(transparent)]
    Curvature(#[from] CurvatureError),
    /// A result could not be read back from the device.
    #[error("a result could not be read back from the device: {0}")]
    Read(#[from] TensorReadError),
}

impl BayesError {
    pub(super) fn setting(name: &'static str, problem: impl Into<String>) -> Self {
        let problem = problem.into();
        Self::Setting { name, problem }
    }
}
