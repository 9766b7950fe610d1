//! How influence estimates are solved for.

use backdraft_curvature::{BatchOperator, LinearOperator};
use backdraft_influence::{
    ConjugateGradientConfig, DirectConfig, Inverse, LissaConfig, Scale, SolveError, Solver,
};
use serde::{Deserialize, Serialize};

use super::{lab::Lab, stage::StageError};
use crate::{CliError, args::SolverName, counted_operator::CountedOperator, progress::say};
use backdraft_report::{brief, short};

/// The relative residual at which LiSSA's recursion counts as deep enough.
const RESIDUAL: f64 = 0.1;
/// Doublings of LiSSA's depth.
const DOUBLINGS: u32 = 3;
/// Products of LiSSA's power iteration, about.
const PROBE: usize = 160;

/// What was settled for LiSSA.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Settled {
    /// As bits, which come back as they were.
    scale: u64,
    depth: usize,
}

/// How influence estimates are solved for.
#[derive(Clone, Debug)]
pub(super) enum Method {
    Cg(ConjugateGradientConfig),
    Direct,
    Lissa(LissaConfig),
}

impl Method {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::Cg(config) => match config.tolerance {
                Some(tolerance) => {
                    format!("conjugate gradients, residual {}", brief(tolerance))
                }
                None => "conjugate gradients".to_owned(),
            },
            Self::Direct => "Cholesky factorisation".to_owned(),
            Self::Lissa(config) => format!(
                "LiSSA, depth {}, {} repeats, batches of {}, scale {}",
                config.depth,
                config.repeats,
                config.batch_size,
                short(self.scale().unwrap_or(f64::NAN))
            ),
        }
    }

    /// LiSSA's settings.
    pub fn lissa(&self) -> Option<&LissaConfig> {
        match self {
            Self::Lissa(config) => Some(config),
            Self::Cg(_) | Self::Direct => None,
        }
    }

    /// LiSSA's scale.
    pub fn scale(&self) -> Option<f64> {
        match self.lissa()?.scale {
            Scale::Fixed(scale) => Some(scale),
            Scale::Auto => None,
        }
    }

    fn solver(&self) -> Result<Box<dyn Solver>, SolveError> {
        Ok(match self.clone() {
            Self::Cg(config) => Box::new(config.init()?),
            Self::Direct => Box::new(DirectConfig::default().init()?),
            Self::Lissa(config) => Box::new(config.init()?),
        })
    }

    /// Products that one solve takes, about; for conjugate gradients, at most.
    fn products(&self, operator: &dyn BatchOperator) -> usize {
        match self {
            Self::Cg(_) => operator.dim().saturating_mul(10).min(1_000),
            Self::Direct => 1,
            Self::Lissa(config) => products(config, operator.examples()),
        }
    }
}

/// Products that LiSSA takes with so many examples.
fn products(config: &LissaConfig, examples: usize) -> usize {
    // Without chance there is nothing to repeat.
    let repeats = match config.batch_size < examples {
        true => config.repeats,
        false => 1,
    };
    repeats * (config.depth + 1)
}

impl Lab<'_> {
    /// With a solver made ready, does `work`.
    pub fn with_solver<T>(
        &self,
        work: impl FnOnce(&dyn Inverse, &Method) -> Result<T, CliError>,
    ) -> Result<T, CliError> {
        let matrix = self.matrix();
        let matrix = CountedOperator::new(&*matrix, |count| self.bars.steps(count));
        let method = self.method(&matrix)?;
        let mut words = format!("influence by {}", method.words());
        if let (Method::Lissa(_), many @ 2..) = (&method, self.at_once()) {
            words += &format!(", {many} removals at a time");
        }
        self.bars.aside(|| say(words));
        let solver = method.solver()?;
        self.bars.stage("factorisation", matrix.dim());
        let ready = solver.prepare(&matrix)?;
        self.products.set(method.products(&matrix));
        work(&*ready, &method)
    }

    /// The method asked for. What LiSSA leaves open is settled with the first removal.
    fn method(&self, matrix: &CountedOperator<'_>) -> Result<Method, CliError> {
        Ok(match self.plan.solver_name {
            SolverName::Cg => Method::Cg(ConjugateGradientConfig {
                tolerance: self.plan.tolerance,
                ..Default::default()
            }),
            SolverName::Direct => Method::Direct,
            SolverName::Lissa => Method::Lissa(self.lissa(matrix)?),
        })
    }

    /// LiSSA's settings, from the folder if an earlier run settled them.
    fn lissa(&self, matrix: &CountedOperator<'_>) -> Result<LissaConfig, CliError> {
        let plan = self.plan;
        let mut config = LissaConfig {
            depth: plan.max_depth,
            repeats: plan.repeats,
            scale: plan.scale.map_or(Scale::Auto, Scale::Fixed),
            batch_size: self.training.batch_size,
            seed: plan.seed,
            tolerance: plan.tolerance.unwrap_or(RESIDUAL),
        };
        if let Some(settled) = self.store.settled::<Settled>()? {
            config.scale = Scale::Fixed(f64::from_bits(settled.scale));
            config.depth = settled.depth;
            return Ok(config);
        }
        let scale = match plan.scale {
            Some(scale) => scale,
            None => {
                self.bars.stage("LiSSA's scale", PROBE);
                config.clone().init()?.scale(matrix)?
            }
        };
        config.scale = Scale::Fixed(scale);
        if plan.depth.is_none() {
            config.depth = self.depth(matrix, &config)?;
        }
        self.store.settle(&Settled {
            scale: scale.to_bits(),
            depth: config.depth,
        })?;
        Ok(config)
    }

    /// The first depth at which the first removal's residual is small enough, the deepest if none is. If it fails, that
    /// says nothing of the others: the deepest too, and each is left to itself.
    fn depth(&self, matrix: &CountedOperator<'_>, config: &LissaConfig) -> Result<usize, CliError> {
        let first = self.responses.cost().select(&self.plan.removals[0])?;
        let first = first.gradient()?;
        for doubling in (0..=DOUBLINGS).rev() {
            let config = LissaConfig {
                depth: (config.depth >> doubling).max(1),
                ..config.clone()
            };
            self.bars
                .stage("LiSSA's depth", products(&config, matrix.examples()));
            let depth = config.depth;
            match config.init()?.prepare(matrix)?.solve(first.clone()) {
                Ok(_) => return Ok(depth),
                Err(SolveError::NotConverged { .. }) => {}
                Err(error) => match StageError::from(error) {
                    StageError::Run(error) => return Err(error),
                    StageError::Point(_) => break,
                },
            }
        }
        Ok(config.depth)
    }
}
