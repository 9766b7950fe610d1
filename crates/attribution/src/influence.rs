//! Influence functions of a trained network.

use backdraft_curvature::{
    Cost, Curvature, CurvatureError, Damped, Examples, IntoRows, LinearOperator, Loss, Model, Rows,
};
use backdraft_influence::{
    ConjugateGradientConfig, DiagonalConfig, DirectConfig, DualConfig, KfacConfig, LanczosConfig,
    LissaConfig, NystroemConfig, Preconditioner, SolveError, SolveInfo, Solver,
    response::ResponseKind, scores_many,
};
use burn::{config::Config, module::Module, tensor::Tensor};
use serde::{Deserialize, Serialize};

use crate::{AttributionError, Measurement, Scores};

/// The matrix `A` of `A^-1 grad m`, without its damping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Matrix {
    /// [`Cost::gauss_newton`]: what the proximal Bregman response function has.
    GaussNewton,
    /// [`Cost::hessian`]. It may have negative eigenvalues, beyond which the damping must be.
    Hessian,
    /// [`Cost::fisher`].
    Fisher,
    /// [`Cost::empirical_fisher`].
    EmpiricalFisher,
}

impl Matrix {
    /// The response whose first order it gives.
    pub(crate) fn response(self) -> ResponseKind {
        match self {
            Self::Hessian => ResponseKind::Proximal,
            Self::GaussNewton | Self::Fisher | Self::EmpiricalFisher => ResponseKind::Bregman,
        }
    }

    /// That of `cost`.
    pub(crate) fn of(self, cost: &Cost) -> Curvature {
        match self {
            Self::GaussNewton => cost.gauss_newton(),
            Self::Hessian => cost.hessian(),
            Self::Fisher => cost.fisher(),
            Self::EmpiricalFisher => cost.empirical_fisher(),
        }
    }
}

/// How `A s = b` is solved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SolverConfig {
    /// Conjugate gradients.
    ConjugateGradient(ConjugateGradientConfig),
    /// LiSSA.
    Lissa(LissaConfig),
    /// The dense matrix, for small networks.
    Direct(DirectConfig),
    /// The matrix's diagonal alone: an approximation.
    Diagonal(DiagonalConfig),
    /// A sketch of low rank: an approximation.
    Nystroem(NystroemConfig),
    /// K-FAC or EK-FAC, a Kronecker product a layer: an approximation.
    Kfac(KfacConfig),
    /// The kernel matrix of examples times outputs: exact, for few of them.
    Dual(DualConfig),
    /// The largest eigenvalues that a Krylov space knows: an approximation.
    Lanczos(LanczosConfig),
}

impl Default for SolverConfig {
    fn default() -> Self {
        Self::ConjugateGradient(ConjugateGradientConfig::default())
    }
}

impl SolverConfig {
    /// The solver with these settings.
    ///
    /// # Errors
    /// [`SolveError::Setting`] for settings that make no sense.
    pub fn init(&self) -> Result<Box<dyn Solver>, SolveError> {
        Ok(match self.clone() {
            Self::ConjugateGradient(config) => Box::new(config.init()?),
            Self::Lissa(config) => Box::new(config.init()?),
            Self::Direct(config) => Box::new(config.init()?),
            Self::Diagonal(config) => Box::new(config.init()?),
            Self::Nystroem(config) => Box::new(config.init()?),
            Self::Kfac(config) => Box::new(config.init()?),
            Self::Dual(config) => Box::new(config.init()?),
            Self::Lanczos(config) => Box::new(config.init()?),
        })
    }

    /// Whether solutions are come to step by step, and counted as solved by their residual, rather than in closed form.
    pub(crate) fn is_iterative(&self) -> bool {
        matches!(self, Self::ConjugateGradient(_) | Self::Lissa(_))
    }

    /// The same, with later blocks of right-hand sides solved by what the first has learnt, where nothing else was
    /// asked for.
    pub(crate) fn learning(self) -> Self {
        match self {
            Self::ConjugateGradient(config)
                if config.preconditioner == Preconditioner::None
                    && config.block_size != Some(1) =>
            {
                Self::ConjugateGradient(ConjugateGradientConfig {
                    preconditioner: Preconditioner::Recycled,
                    ..config
                })
            }
            other => other,
        }
    }
}

/// Settings of an [`Influence`].
#[derive(Config, Debug, PartialEq)]
pub struct InfluenceConfig {
    /// The curvature matrix.
    #[config(default = "Matrix::GaussNewton")]
    pub matrix: Matrix,
    /// What is added to all its eigenvalues.
    #[config(default = 1e-3)]
    pub damping: f64,
    /// The strength of the term `l2/2 ||theta||^2` that the network was trained with (a weight decay).
    #[config(default = 0.0)]
    pub l2: f64,
    /// How systems are solved.
    #[config(default = "SolverConfig::default()")]
    pub solver: SolverConfig,
    /// Most examples that go through the network at once.
    #[config(default = 1024)]
    pub batch_size: usize,
}

impl InfluenceConfig {
    /// The influence functions of a trained `module`, seen through `forward`, and its training set.
    ///
    /// # Errors
    /// [`AttributionError::Curvature`] as [`Model::new`] and [`Cost::new`]; otherwise as [`over`](Self::over).
    pub fn init<M, F, X, L, const O: usize>(
        &self,
        module: &M,
        forward: F,
        loss: L,
        (inputs, targets): (X, L::Targets),
    ) -> Result<Influence, AttributionError>
    where
        M: Module + Sync + 'static,
        F: Fn(&M, X) -> Tensor<O> + Send + Sync + 'static,
        X: Examples + 'static,
        L: Loss,
    {
        let cost = Cost::new(Model::new(module, forward)?, loss, inputs, targets)?;
        self.over(cost.with_batch_size(self.batch_size)?.with_l2(self.l2))
    }

    /// The same of a cost that is made already: of some parameters alone, of examples that do not fit into memory, with
    /// matrix products in 16 bits. Its batch size and L2 term stay as they are.
    ///
    /// # Errors
    /// [`AttributionError::Setting`] for a damping that is negative or not finite; [`AttributionError::Solve`] for the
    /// solver's settings.
    pub fn over(&self, train: Cost) -> Result<Influence, AttributionError> {
        if !(self.damping.is_finite() && self.damping >= 0.0) {
            return Err(AttributionError::Setting {
                name: "damping",
                problem: format!("is {:e}, must be finite and not negative", self.damping),
            });
        }
        Ok(Influence {
            config: self.clone(),
            matrix: self.matrix.of(&train).damped(self.damping),
            solver: self.solver.init()?,
            train,
        })
    }
}

/// The influence functions of a trained network: what its training examples, one by one, did to what is measured of it
/// (Koh & Liang 2017; Bae et al. 2022, Eqn 4).
pub struct Influence {
    pub(crate) config: InfluenceConfig,
    pub(crate) train: Cost,
    matrix: Damped<Curvature>,
    solver: Box<dyn Solver>,
}

impl Influence {
    /// The cost of the training set.
    pub fn train(&self) -> &Cost {
        &self.train
    }

    /// The damped curvature matrix.
    pub fn matrix(&self) -> &dyn LinearOperator {
        &self.matrix
    }

    pub(crate) fn solver(&self) -> &dyn Solver {
        &*self.solver
    }

    /// The scores of all training examples for what is measured of the queries `inputs`: one solve a query, one a query
    /// and output for [`Measurement::outputs`], or one in all for a mean.
    ///
    /// # Errors
    /// [`AttributionError::Curvature`] for queries that are not what the network reads; [`AttributionError::Query`] for
    /// one whose system is not solved to the tolerance.
    pub fn scores(
        &self,
        measurement: &Measurement,
        inputs: impl IntoRows,
    ) -> Result<Scores, AttributionError> {
        let (queries, outputs) = self.measured(measurement, inputs.rows())?;
        let mean = measurement.is_mean();
        let solved = self.solutions(&queries, mean);
        let (solutions, solves) = solved.map_err(|error| error.of_query(outputs))?;
        let solutions: Tensor<2> = Tensor::stack(solutions, 0);
        Ok(Scores {
            values: scores_many(&self.train, solutions.clone())?,
            solutions: Some(solutions),
            solves,
            queries,
            outputs,
            mean,
            of_loss: measurement.is_loss(),
        })
    }

    /// The cost whose examples' losses are what is measured, and how many of them a query has: rows of its scores.
    pub(crate) fn measured(
        &self,
        measurement: &Measurement,
        inputs: Vec<Rows>,
    ) -> Result<(Cost, usize), AttributionError> {
        let count = inputs.first().map_or(0, Rows::len).max(1);
        let queries = measurement.cost(&self.train, inputs)?;
        let outputs = match measurement.is_mean() {
            true => 1,
            false => queries.len() / count,
        };
        Ok((queries, outputs))
    }

    /// `A^-1 grad m` for each of the queries, which are the examples of the cost, or for their mean.
    pub(crate) fn solutions(
        &self,
        queries: &Cost,
        mean: bool,
    ) -> Result<(Vec<Tensor<1>>, Vec<SolveInfo>), AttributionError> {
        self.solutions_of(&self.matrix, queries, mean)
    }

    /// The same with another form of the matrix.
    pub(crate) fn solutions_of(
        &self,
        matrix: &dyn LinearOperator,
        queries: &Cost,
        mean: bool,
    ) -> Result<(Vec<Tensor<1>>, Vec<SolveInfo>), AttributionError> {
        let gradients = match mean {
            true => vec![queries.gradient()?],
            false => (0..queries.len())
                .map(|row| queries.select(&[row])?.gradient())
                .collect::<Result<_, CurvatureError>>()?,
        };
        let inverse = self.solver.prepare(matrix)?;
        let (mut solutions, mut solves) = (Vec::new(), Vec::new());
        for (query, solution) in inverse.solve_many(gradients)?.into_iter().enumerate() {
            let solution = solution.map_err(|source| AttributionError::Query { query, source })?;
            solutions.push(solution.vector);
            solves.push(solution.info);
        }
        Ok((solutions, solves))
    }
}
