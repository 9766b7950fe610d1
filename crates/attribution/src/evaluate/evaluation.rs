//! A trained network and a way to train it again: what estimates are held against.

use backdraft_curvature::{Cost, CountedOperator, LinearOperator};
use backdraft_influence::{
    Solver,
    response::{Removal, Responses},
};
use burn::tensor::Tensor;

use super::{
    EvaluateError, Progress, Respond, Shard,
    entries::{Entries, Keys},
    estimate::Grouping,
    progress::Meter,
    removals::check,
    run::EvaluationRun,
    settle::{products, settle},
};
use crate::{Matrix, NoStore, Retrain, SolverConfig, Store, store::Digest};

/// Settings of an [`Evaluation`].
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluationConfig {
    /// Strength `lambda` of the proximal terms, and the damping of the estimate's matrix.
    pub damping: f64,
    /// The estimate's matrix. The proximal Bregman response has the Gauss-Newton matrix.
    pub matrix: Matrix,
    /// How estimates are solved for. LiSSA's scale, if it is to be found, is found once.
    pub solver: SolverConfig,
    /// Whether LiSSA's depth is found by the first removal: the least of an eighth, a quarter, a half and all of the
    /// depth at which its residual is within the tolerance; all of it if none is.
    pub settle_depth: bool,
    /// How warm start, proximal response and the two stages of F.2 are computed. A network that was not trained to its
    /// minimum is trained on by it: give it the steps that training would take next.
    pub retraining: Respond,
    /// How the proximal Bregman response and its linearisation are computed.
    pub bregman: Respond,
    /// What [`Retrain`] is given.
    pub seed: u64,
    /// Removals whose estimates are solved for at once, each to the same bits as alone, which spares LiSSA work and
    /// takes memory.
    pub together: usize,
    /// Whether the parameters that each stage finds stay in the store once a removal is measured. Then a second
    /// measurement does not compute them again; without, a store stays small.
    pub keep_parameters: bool,
    /// Whether a removal that failed stays in the store as such, and is not tried again: for trainings that fail the
    /// same way each time.
    pub keep_failures: bool,
}

impl EvaluationConfig {
    /// With proximal terms of strength `damping`, estimates by conjugate gradients with the Gauss-Newton matrix, every
    /// response minimised to its end, and seed 0.
    pub fn new(damping: f64) -> Self {
        Self {
            damping,
            matrix: Matrix::GaussNewton,
            solver: SolverConfig::default(),
            settle_depth: false,
            retraining: Respond::default(),
            bregman: Respond::default(),
            seed: 0,
            together: 1,
            keep_parameters: true,
            keep_failures: false,
        }
    }

    /// An evaluation of the model of `cost` at its present, trained parameters, which `retrain` trains again. It keeps
    /// nothing until it is given a store.
    ///
    /// # Errors
    /// [`EvaluateError::Response`] for a damping that is negative, not finite, or 0 without an L2 term;
    /// [`EvaluateError::Solve`] for the solver's settings; [`EvaluateError::Setting`] for a `together` of 0.
    pub fn init<'a>(
        self,
        cost: &Cost,
        retrain: &'a dyn Retrain,
    ) -> Result<Evaluation<'a>, EvaluateError> {
        if self.together == 0 {
            let problem = "is 0, must be at least 1";
            return Err(EvaluateError::setting("together", problem));
        }
        self.solver.init()?;
        Ok(Evaluation {
            responses: Responses::new(cost, self.damping)?,
            config: self,
            retrain,
            solver: None,
            matrix: None,
            store: &NoStore,
            owns_store: false,
            shard: Shard::WHOLE,
            progress: Box::new(|_| {}),
            name: String::new(),
        })
    }
}

/// Holds influence estimates against what they predict: [`gaps`](Self::gaps), [`correlations`](Self::correlations),
/// both at once ([`decompose`](Self::decompose)) and [`mislabel`](Self::mislabel).
pub struct Evaluation<'a> {
    pub(super) config: EvaluationConfig,
    pub(super) responses: Responses,
    pub(super) retrain: &'a dyn Retrain,
    /// In place of the config's.
    solver: Option<Box<dyn Solver + 'a>>,
    matrix: Option<Box<dyn LinearOperator + 'a>>,
    store: &'a dyn Store,
    owns_store: bool,
    pub(super) shard: Shard,
    progress: Box<dyn Fn(Progress<'_>) + 'a>,
    name: String,
}

impl<'a> Evaluation<'a> {
    /// The same, which keeps what it computes in `store`, and takes from there what is there already.
    #[must_use]
    pub fn with_store(self, store: &'a dyn Store) -> Self {
        Self { store, ..self }
    }

    /// The same with a store for one measurement, of one list of removals, of this evaluation alone: whoever opens it
    /// sees to that. Its keys are the removals' positions, `points/3.json` for the result of the fourth and
    /// `stages/3/pbrf.safetensors` for the parameters on the way to it, and its values what these names say.
    #[must_use]
    pub fn with_own_store(self, store: &'a dyn Store) -> Self {
        let owns_store = true;
        Self {
            store,
            owns_store,
            ..self
        }
    }

    /// The same, which computes the removals of one shard alone, or its blocks of them where a measurement solves for
    /// these at once ([`mislabel`](Self::mislabel)), and takes those of the others from the store as far as they are
    /// there: [`merge`](super::merge) brings stores of their own together.
    #[must_use]
    pub fn with_shard(self, shard: Shard) -> Self {
        Self { shard, ..self }
    }

    /// The same under a name, which is part of the store's keys: all that settles the results and cannot be seen here.
    /// That is what a closure trains by (epochs, step sizes, the optimizer), and a solver or a matrix of one's own.
    #[must_use]
    pub fn with_name(self, name: impl Into<String>) -> Self {
        let name = name.into();
        Self { name, ..self }
    }

    /// The same, with estimates by a solver of one's own in place of the config's.
    #[must_use]
    pub fn with_solver(self, solver: impl Solver + 'a) -> Self {
        let solver: Option<Box<dyn Solver + 'a>> = Some(Box::new(solver));
        Self { solver, ..self }
    }

    /// The same, with estimates by a matrix of one's own, damped already, in place of the config's.
    #[must_use]
    pub fn with_matrix(self, matrix: impl LinearOperator + 'a) -> Self {
        Self {
            matrix: Some(Box::new(matrix)),
            ..self
        }
    }

    /// The same, which tells `progress` what it does.
    #[must_use]
    pub fn with_progress(self, progress: impl Fn(Progress<'_>) + 'a) -> Self {
        let progress = Box::new(progress);
        Self { progress, ..self }
    }

    /// The cost at the trained parameters.
    pub fn cost(&self) -> &Cost {
        self.responses.cost()
    }

    /// The trained parameters, `[dim]`.
    pub fn theta(&self) -> &Tensor<1> {
        self.responses.theta()
    }

    /// Does `work` with what all of `removals` share. `in_blocks`: these are all that the measurement can ever be of,
    /// and conjugate gradients solve for many of them as one block.
    pub(super) fn run<T>(
        &self,
        removals: &[Removal],
        in_blocks: bool,
        work: impl FnOnce(&EvaluationRun<'_>) -> Result<T, EvaluateError>,
    ) -> Result<T, EvaluateError> {
        check(removals, self.cost().len())?;
        self.open(removals, in_blocks, work)
    }

    /// The same, of removals that are checked, or not known yet.
    pub(super) fn open<T>(
        &self,
        removals: &[Removal],
        in_blocks: bool,
        work: impl FnOnce(&EvaluationRun<'_>) -> Result<T, EvaluateError>,
    ) -> Result<T, EvaluateError> {
        let keys = match self.owns_store {
            true => Keys::Own,
            false => Keys::Shared {
                evaluation: self.fingerprint()?,
            },
        };
        let meter = Meter::new(&*self.progress);
        let entries = Entries::new(keys, self.store, &meter);
        let damped = self.config.matrix.of(self.cost());
        let damped = damped.damped(self.config.damping);
        let matrix: &dyn LinearOperator = match &self.matrix {
            Some(matrix) => &**matrix,
            None => &damped,
        };
        let matrix = CountedOperator::new(matrix, |count| meter.add(count));
        let (config, cost) = (&self.config, self.cost());
        let (own, products, grouping);
        let solver: &dyn Solver = match &self.solver {
            Some(solver) => {
                (products, grouping) = (0, Grouping::Open(config.together));
                &**solver
            }
            None => {
                let settled = settle(config, cost, &matrix, removals, &entries, &meter)?;
                meter.tell(Progress::Solver(&settled));
                products = self::products(&settled, &matrix);
                grouping = match &settled {
                    SolverConfig::ConjugateGradient(config) if in_blocks => {
                        Grouping::block(config, removals.len(), matrix.dim())
                    }
                    SolverConfig::Lissa(_) => Grouping::Open(config.together),
                    _ => Grouping::Open(1),
                };
                own = settled.init()?;
                &*own
            }
        };
        let run = EvaluationRun::new(self, &entries, &meter, &matrix, solver, products, grouping);
        work(&run)
    }

    /// The name of a measurement of `queries`, which are told apart where others may use the store too.
    pub(super) fn named(&self, name: &str, queries: &Cost) -> Result<String, EvaluateError> {
        match self.owns_store {
            true => Ok(name.to_owned()),
            false => {
                let digest = examined(Digest::default(), queries)?;
                Ok(format!("{name}-{}", digest.name()))
            }
        }
    }

    /// What all keys begin with: a digest of all that results depend on, as far as it can be seen.
    fn fingerprint(&self) -> Result<String, EvaluateError> {
        let config = EvaluationConfig {
            // What does not change a bit.
            together: 1,
            keep_parameters: true,
            keep_failures: false,
            ..self.config.clone()
        };
        let (cost, model) = (self.cost(), self.cost().model());
        let settings = [
            env!("CARGO_PKG_VERSION").to_owned(),
            format!("{config:?}"),
            // What changes digits, if nothing else.
            format!("{:?} {:?}", cost.l2(), cost.batch_size()),
            format!(
                "{:?} {:?} {:?}",
                model.device(),
                model.dtype(),
                model.products()
            ),
            self.retrain.settings(),
            self.name.clone(),
        ];
        let digest = Digest::default().part(self.theta().to_data().as_bytes());
        let digest = settings
            .iter()
            .fold(digest, |digest, it| digest.part(it.as_bytes()));
        Ok(examined(digest, cost)?.name())
    }
}

/// The digest with what tells examples apart: their losses, and their mean's gradient.
fn examined(digest: Digest, cost: &Cost) -> Result<Digest, EvaluateError> {
    let losses = cost.losses()?.into_data();
    let gradient = cost.gradient()?.into_data();
    Ok(digest.part(losses.as_bytes()).part(gradient.as_bytes()))
}
