//! A linear model's fit, whatever its loss, and what is measured of it without each example.

use backdraft_curvature::{Cost, CurvatureError};
use burn::tensor::{Int, Tensor, TensorData};

use super::{ClosedFormError, LeastSquaresFit, LogisticFit};
use crate::Leverage;

/// A linear model at the minimum of its objective: what the removal of an example does to it is exact for least
/// squares, and one Newton step for logistic regression.
#[derive(Clone, Debug)]
pub enum LinearFit {
    /// Least squares, or ridge regression.
    LeastSquares(LeastSquaresFit),
    /// Logistic regression, of two classes or more.
    Logistic(LogisticFit),
}

impl LinearFit {
    /// The coefficients, in the order of a linear layer's weights and bias.
    pub fn parameters(&self) -> &[f64] {
        match self {
            Self::LeastSquares(fit) => fit.parameters(),
            Self::Logistic(fit) => fit.parameters(),
        }
    }

    /// Number of examples.
    pub fn len(&self) -> usize {
        match self {
            Self::LeastSquares(fit) => fit.len(),
            Self::Logistic(fit) => fit.len(),
        }
    }

    /// Whether there is no example; never the case.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether changes are exact, rather than a Newton step.
    pub fn is_exact(&self) -> bool {
        matches!(self, Self::LeastSquares(_))
    }

    /// How far each example is fitted by itself alone.
    ///
    /// # Errors
    /// [`ClosedFormError::Overflow`].
    pub fn leverage(&self) -> Result<Vec<Leverage>, ClosedFormError> {
        match self {
            Self::LeastSquares(fit) => {
                let leverage = fit.leverage().iter();
                let of = |value: &f64| Leverage {
                    values: vec![*value],
                };
                Ok(leverage.map(of).collect())
            }
            Self::Logistic(fit) => fit.leverage(),
        }
    }

    /// Every example's score for its own loss, [`self_influence`](crate::self_influence()).
    pub fn self_influence(&self) -> Vec<f64> {
        match self {
            Self::LeastSquares(fit) => fit.self_influence(),
            Self::Logistic(fit) => fit.self_influence(),
        }
    }

    /// Every example's own loss without it less that with it; `None` for one that is fitted by itself alone.
    ///
    /// # Errors
    /// [`ClosedFormError::Overflow`].
    pub fn own_loss_changes(&self) -> Result<Vec<Option<f64>>, ClosedFormError> {
        match self {
            Self::LeastSquares(fit) => {
                let pairs = fit.deleted_residuals().into_iter().zip(fit.residuals());
                let change =
                    |(deleted, e): (Option<f64>, &f64)| Some(0.5 * (deleted?.powi(2) - e * e));
                Ok(pairs.map(change).collect())
            }
            Self::Logistic(fit) => fit.own_loss_changes(),
        }
    }

    /// The outputs for `input`, which need not be an example's.
    ///
    /// # Errors
    /// [`ClosedFormError::Length`].
    pub fn outputs(&self, input: &[f64]) -> Result<Vec<f64>, ClosedFormError> {
        match self {
            Self::LeastSquares(fit) => Ok(vec![fit.output(input)?]),
            Self::Logistic(fit) => fit.outputs(input),
        }
    }

    /// For each example, the outputs for `input` without it less those with it; `None` for an example that is fitted by
    /// itself alone.
    ///
    /// # Errors
    /// [`ClosedFormError::Length`], [`ClosedFormError::Overflow`].
    pub fn output_changes(&self, input: &[f64]) -> Result<Vec<Option<Vec<f64>>>, ClosedFormError> {
        match self {
            Self::LeastSquares(fit) => {
                let changes = fit.output_changes(input)?.into_iter();
                Ok(changes.map(|change| Some(vec![change?])).collect())
            }
            Self::Logistic(fit) => fit.output_changes(input),
        }
    }

    /// For each example, what is measured of a query without it less that with it, in the measurement's units: through
    /// the measurement itself, with nothing left out. `query` is the measurement as a cost with the query as its only
    /// example, `input` the query's input; where the query's model stands does not matter. `None` for an example that
    /// is fitted by itself alone.
    ///
    /// # Errors
    /// [`ClosedFormError::Length`], [`ClosedFormError::Overflow`], [`ClosedFormError::Measurement`].
    pub fn measured_changes(
        &self,
        input: &[f64],
        query: &Cost,
    ) -> Result<Vec<Option<f64>>, ClosedFormError> {
        let (before, changes) = (self.outputs(input)?, self.output_changes(input)?);
        let mut outputs = before.clone();
        for change in changes.iter().flatten() {
            outputs.extend(before.iter().zip(change).map(|(a, b)| a + b));
        }
        let measured = measured(query, &outputs, before.len())?;
        let mut after = measured[1..].iter();
        let change = |change: Option<Vec<f64>>| Some(*change.map(|_| after.next())?? - measured[0]);
        let found: Vec<Option<f64>> = changes.into_iter().map(change).collect();
        match found.iter().flatten().all(|it| it.is_finite()) {
            true => Ok(found),
            false => Err(ClosedFormError::Overflow {
                what: "what is measured",
            }),
        }
    }
}

/// What a query's only example would measure for each row of outputs.
fn measured(query: &Cost, outputs: &[f64], width: usize) -> Result<Vec<f64>, ClosedFormError> {
    let model = query.model();
    let rows = outputs.len() / width;
    let data = TensorData::new(outputs.to_vec(), [rows, width]);
    let outputs = Tensor::<2>::from_data(data, (model.device(), model.dtype()));
    let first = TensorData::new(vec![0_i64; rows], [rows]);
    let first = Tensor::<1, Int>::from_data(first, model.device());
    let refused = |error: CurvatureError| ClosedFormError::Measurement {
        reason: error.to_string(),
    };
    let targets = query.targets().map_err(refused)?;
    let targets: Vec<_> = targets.iter().map(|it| it.pick(first.clone())).collect();
    let found = query.loss().losses(outputs, &targets);
    let found = found.try_into_vec_as::<f64>();
    found.map_err(|error| ClosedFormError::Measurement {
        reason: error.to_string(),
    })
}
