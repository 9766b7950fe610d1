//! Estimators of influence: what stands in for the inverse of the damped curvature, to be held against others.

use std::time::Instant;

use backdraft_curvature::{Cost, CurvatureError, LinearOperator};
use backdraft_influence::{Inverse, LissaConfig, Scale, SolveError, scores_many};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::{AttributionError, Matrix, NewtonPrediction, SolverConfig, newton::newton_predictions};

/// An estimator of influence: a matrix, what stands in for its inverse, and the parameters that it looks at.
///
/// ```
/// use backdraft_attribution::{Estimator, Matrix, SolverConfig};
/// use backdraft_influence::DiagonalConfig;
///
/// let exact = Estimator::new("cg", SolverConfig::default());
/// let diagonal = Estimator::new("diagonal", SolverConfig::Diagonal(DiagonalConfig::default()));
/// let outer_product = exact.clone().with_name("outer product").with_matrix(Matrix::EmpiricalFisher);
/// let last_layer = exact.clone().with_name("last layer").only(["output"]);
/// # let _ = (exact, diagonal, outer_product, last_layer);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimator {
    /// What it is called.
    pub name: String,
    /// The matrix.
    pub matrix: Matrix,
    /// What stands in for its inverse, damped; none for the identity, which makes scores inner products of gradients.
    pub solver: Option<SolverConfig>,
    /// The parameters that it looks at, as [`Cost::only`] names them: the others are taken for constants. Empty: all.
    pub parameters: Vec<String>,
}

/// Scores of all training examples by an estimator, and what they took.
#[derive(Clone, Debug, PartialEq)]
pub struct EstimatorScores {
    /// The score of each training example, one row a query: the predicted change of what is measured when the example
    /// is removed, `m(without) - m(with)`, in the units of `m`, factor `1/N` included.
    pub values: Vec<Vec<f64>>,
    /// Wall-clock seconds from the matrix to the scores, without the residuals of closed forms.
    pub seconds: f64,
    /// The largest of all queries: how well the damped system is solved, relative to its right-hand side; with the
    /// last layer alone, that layer's own system. None of another matrix, whose system says nothing of the curvature's.
    pub true_residual: Option<f64>,
    /// What the inverse is made of, in words.
    pub described: Option<String>,
    /// LiSSA's scale, as it was given or found.
    pub scale: Option<f64>,
}

impl Estimator {
    /// By the Gauss-Newton matrix of all parameters, and `solver`.
    pub fn new(name: impl Into<String>, solver: SolverConfig) -> Self {
        Self {
            name: name.into(),
            matrix: Matrix::GaussNewton,
            solver: Some(solver),
            parameters: Vec::new(),
        }
    }

    /// Inner products of gradients: as if the curvature were the identity.
    pub fn gradients(name: impl Into<String>) -> Self {
        Self {
            solver: None,
            ..Self::new(name, SolverConfig::default())
        }
    }

    /// The same under another name.
    #[must_use]
    pub fn with_name(self, name: impl Into<String>) -> Self {
        let name = name.into();
        Self { name, ..self }
    }

    /// The same with another matrix.
    #[must_use]
    pub fn with_matrix(self, matrix: Matrix) -> Self {
        Self { matrix, ..self }
    }

    /// The same of some parameters alone.
    #[must_use]
    pub fn only<S: Into<String>>(self, patterns: impl IntoIterator<Item = S>) -> Self {
        let parameters = patterns.into_iter().map(Into::into).collect();
        Self { parameters, ..self }
    }

    /// The scores of all examples of `train` for what is measured of each query: the loss of an example of `queries`,
    /// a cost of the same network. The matrix is damped by `damping`, beside the L2 term of `train`, which is damping
    /// of a matrix that has no part for it (the empirical Fisher matrix). What an iterative solver reaches counts,
    /// converged or not: the residual says how far that is.
    ///
    /// # Errors
    /// [`AttributionError::Solve`] for what the solver refuses, or fails at; [`AttributionError::Curvature`];
    /// [`AttributionError::Setting`] for parameters that are all there are.
    pub fn scores(
        &self,
        train: &Cost,
        queries: &Cost,
        damping: f64,
    ) -> Result<EstimatorScores, AttributionError> {
        let (train, queries) = self.seen(train, queries)?;
        let gradients: Vec<Tensor<1>> = (0..queries.len())
            .map(|query| queries.select(&[query])?.gradient())
            .collect::<Result<_, CurvatureError>>()?;
        let start = Instant::now();
        let Some(solver) = &self.solver else {
            let values = rows(&train, Tensor::stack(gradients, 0))?;
            return Ok(EstimatorScores {
                values,
                seconds: start.elapsed().as_secs_f64(),
                true_residual: None,
                described: None,
                scale: None,
            });
        };
        let matrix = self
            .matrix
            .of(&train)
            .damped(self.strength(&train, damping));
        let settled = settled(solver, &matrix)?;
        let solver = settled.init()?;
        let inverse = solver.prepare(&matrix)?;
        let (values, seconds, true_residual) = match settled.is_iterative() {
            true => {
                let (vectors, residual) = solutions(&*inverse, gradients)?;
                let values = rows(&train, vectors)?;
                (values, start.elapsed().as_secs_f64(), residual)
            }
            false => {
                let vectors = inverse.apply_many(Tensor::stack(gradients.clone(), 0))?;
                let values = rows(&train, vectors)?;
                let seconds = start.elapsed().as_secs_f64();
                // Evidence, which takes a product a query.
                (values, seconds, solutions(&*inverse, gradients)?.1)
            }
        };
        Ok(EstimatorScores {
            values,
            seconds,
            true_residual: (self.matrix != Matrix::EmpiricalFisher).then_some(true_residual),
            described: inverse.describe(),
            scale: match settled {
                SolverConfig::Lissa(LissaConfig {
                    scale: Scale::Fixed(scale),
                    ..
                }) => Some(scale),
                _ => None,
            },
        })
    }

    /// The Newton estimates of the removal of each of `examples`, from the same matrix and solver: influence with the
    /// curvature that is left without the example, for the mean of what is measured of the queries. A solve for each
    /// output of each example ([`newton_estimates`](backdraft_influence::newton_estimates)).
    ///
    /// # Errors
    /// As [`scores`](Self::scores); [`AttributionError::Setting`] without a solver; what fails for one example is its
    /// outcome.
    pub fn newton(
        &self,
        train: &Cost,
        queries: &Cost,
        damping: f64,
        examples: &[usize],
    ) -> Result<Vec<NewtonPrediction>, AttributionError> {
        let (train, queries) = self.seen(train, queries)?;
        let Some(solver) = &self.solver else {
            return Err(AttributionError::Setting {
                name: "solver",
                problem: "is none: the Newton estimate corrects an inverse".into(),
            });
        };
        let matrix = self
            .matrix
            .of(&train)
            .damped(self.strength(&train, damping));
        let solver = solver.init()?;
        let inverse = solver.prepare(&matrix)?;
        newton_predictions((&train, &matrix, &*inverse), (&queries, true), examples)
    }

    /// What is added to the matrix's eigenvalues, beside what it has of an L2 term itself.
    fn strength(&self, train: &Cost, damping: f64) -> f64 {
        match self.matrix {
            Matrix::EmpiricalFisher => damping + train.l2(),
            Matrix::GaussNewton | Matrix::Hessian | Matrix::Fisher => damping,
        }
    }

    /// The costs as functions of the parameters that are looked at.
    fn seen(&self, train: &Cost, queries: &Cost) -> Result<(Cost, Cost), AttributionError> {
        if self.parameters.is_empty() {
            return Ok((train.clone(), queries.clone()));
        }
        let patterns: Vec<&str> = self.parameters.iter().map(String::as_str).collect();
        let (some, queries) = (train.only(&patterns)?, queries.only(&patterns)?);
        if some.model().dim() == train.model().dim() {
            return Err(AttributionError::Setting {
                name: "parameters",
                problem: format!(
                    "are `{}`, which is all that the network has: the estimator of all parameters says the same",
                    self.parameters.join("`, `")
                ),
            });
        }
        Ok((some, queries))
    }
}

/// The solver with LiSSA's scale found, if it is to be.
fn settled(solver: &SolverConfig, matrix: &dyn LinearOperator) -> Result<SolverConfig, SolveError> {
    let SolverConfig::Lissa(lissa) = solver else {
        return Ok(solver.clone());
    };
    let scale = lissa.clone().init()?.scale(matrix)?;
    Ok(SolverConfig::Lissa(LissaConfig {
        scale: Scale::Fixed(scale),
        ..lissa.clone()
    }))
}

/// The solutions, or the best there are, as rows, with the largest of their true residuals.
fn solutions(
    inverse: &dyn Inverse,
    gradients: Vec<Tensor<1>>,
) -> Result<(Tensor<2>, f64), SolveError> {
    let (mut vectors, mut true_residual) = (Vec::new(), 0.0_f64);
    for found in inverse.solve_many(gradients)? {
        let solution = match found {
            Err(SolveError::NotConverged { solution, .. }) => *solution,
            other => other?,
        };
        true_residual = true_residual.max(solution.info.true_residual);
        vectors.push(solution.vector);
    }
    Ok((Tensor::stack(vectors, 0), true_residual))
}

/// The scores of all examples by each of the solutions, `[k, dim]`.
fn rows(train: &Cost, solutions: Tensor<2>) -> Result<Vec<Vec<f64>>, AttributionError> {
    let values = scores_many(train, solutions)?;
    let examples = values.dims()[1];
    let values = values.flatten::<1>(0, 1).try_into_vec_as::<f64>()?;
    Ok(values.chunks(examples).map(<[f64]>::to_vec).collect())
}
