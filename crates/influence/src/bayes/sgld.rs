//! Stochastic gradient Langevin dynamics about the trained parameters.

use backdraft_curvature::Cost;
use backdraft_optimize::norm;
use burn::{
    config::Config,
    tensor::{Tensor, TensorData},
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{BayesError, chain::BLOCKS, normal::normals};

/// How often the distance that the localisation allows for a chain may be before it counts as diverged.
const FAR: f64 = 10.0;
/// Random streams of one chain: its steps' noise below, and from the middle on its batches.
const STREAMS: u64 = 1 << 48;

/// How a step is made of a gradient `g` and standard normal numbers `xi`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Integrator {
    /// `theta -= eta g - sqrt(2 eta / nbeta) xi_k`, as Welling and Teh (2011) do. Of a quadratic cost with the curvature
    /// `a`, damping included, it samples a variance that is too large by `1 / (1 - eta a / 2)`.
    Euler,
    /// `theta -= eta g - sqrt(2 eta / nbeta) (xi_k + xi_{k+1}) / 2`: neighbouring steps share noise (Leimkuhler &
    /// Matthews 2013). Of a quadratic cost the variance is right whatever the step, from gradients of all examples.
    LeimkuhlerMatthews,
}

/// Settings of [`Sgld`], and of how much is drawn. `eta` is the step size in units of the cost: a step of gradient
/// descent on `J + lambda/2 ||theta - theta_s||^2` with this learning rate, and noise of the variance `2 eta / nbeta`.
/// The step size `epsilon` of Kreer et al. is `2 eta / nbeta`.
#[derive(Config, Debug, PartialEq)]
pub struct SgldConfig {
    /// The localisation `gamma`, which holds the chain near the trained parameters: `lambda nbeta` for the scores that
    /// influence with the damping `lambda` has.
    pub localisation: f64,
    /// The step size `eta`: below twice the inverse of the largest curvature, damping included.
    pub step_size: f64,
    /// The inverse temperature `nbeta`. `None`: the number of examples `N`.
    pub inverse_temperature: Option<f64>,
    /// Chains, each with noise of its own, all from the trained parameters.
    #[config(default = 4)]
    pub chains: usize,
    /// Draws of each chain that count, at least 16.
    #[config(default = 1_000)]
    pub draws: usize,
    /// Steps of each chain before the first draw.
    #[config(default = 500)]
    pub burn_in: usize,
    /// Steps between two draws, which take a forward pass over all training examples each.
    #[config(default = 5)]
    pub thinning: usize,
    /// Examples that a step's gradient is from, drawn with replacement. `None`, or as many as there are: all of them.
    /// Of a cost that reads its examples anew in each pass ([`Cost::streamed`]) a batch costs as much as all.
    pub batch_size: Option<usize>,
    /// Whether the gradient of a batch at the trained parameters is taken off and that of all examples there put in its
    /// place: a control variate, which leaves noise that vanishes there, for a second gradient a step (Baker et al.
    /// 2019). Without it the noise of small batches heats the chain.
    #[config(default = true)]
    pub control_variate: bool,
    /// Whether the gradient at the trained parameters is taken off the cost, `J - <grad J(theta_s), theta>`, so that
    /// the posterior's mode is there wherever they are, as the minimum of a proximal Bregman objective is. Without it,
    /// as Kreer et al. have it, the chain goes to the minimum of the cost and the localisation together: near
    /// parameters that are no minimum, that is elsewhere.
    #[config(default = true)]
    pub centred: bool,
    /// How steps are made.
    #[config(default = "Integrator::LeimkuhlerMatthews")]
    pub integrator: Integrator,
    /// The seed of all noise and batches.
    #[config(default = 0)]
    pub seed: u64,
}

impl SgldConfig {
    /// The settings under which the first order of the scores is influence with `damping`, for a cost of `examples`.
    pub fn matching(damping: f64, examples: usize, step_size: f64) -> Self {
        Self::new(damping * examples as f64, step_size)
    }

    fn check(&self) -> Result<(), BayesError> {
        let positive = [
            ("localisation", Some(self.localisation)),
            ("step_size", Some(self.step_size)),
            ("inverse_temperature", self.inverse_temperature),
        ];
        for (name, value) in positive {
            if let Some(value) = value.filter(|it| !(it.is_finite() && *it > 0.0)) {
                let mut problem = format!("is {value:?}, must be positive and finite");
                if name == "localisation" && value == 0.0 {
                    problem += ": without it the chain is not held near the trained parameters, and the posterior may have no \
                                end";
                }
                return Err(BayesError::setting(name, problem));
            }
        }
        let counts = [
            ("chains", self.chains, 1),
            ("draws", self.draws, 2 * BLOCKS),
            ("thinning", self.thinning, 1),
            ("batch_size", self.batch_size.unwrap_or(1), 1),
        ];
        for (name, value, least) in counts {
            if value < least {
                let why = if name == "draws" {
                    ": the standard errors are from eight blocks of them"
                } else {
                    ""
                };
                let problem = format!("is {value}, must be at least {least}{why}");
                return Err(BayesError::setting(name, problem));
            }
        }
        let steps = self.steps().filter(|it| (*it as u64) < STREAMS / 4);
        if steps.is_none() || self.chains as u64 > u64::MAX / STREAMS {
            return Err(BayesError::setting(
                "burn_in",
                format!(
                    "is {}, which with {} times {} steps of {} chains is more than can be counted: take fewer",
                    self.burn_in, self.draws, self.thinning, self.chains
                ),
            ));
        }
        Ok(())
    }

    /// Steps of one chain, if they can be counted.
    pub fn steps(&self) -> Option<usize> {
        let counted = self.draws.checked_mul(self.thinning)?;
        counted.checked_add(self.burn_in)
    }

    /// The sampler of the local posterior about the parameters of `cost`.
    ///
    /// # Errors
    /// [`BayesError::Setting`] for numbers that are not positive and finite, no chains, fewer than 16 draws, or more
    /// steps than can be counted; [`BayesError::Curvature`] for a cost that is not a number at its parameters.
    pub fn init(&self, cost: &Cost) -> Result<Sgld, BayesError> {
        self.check()?;
        let (value, gradient) = cost.value_and_gradient()?;
        let value = value.try_into_scalar::<f64>()?;
        let temperature = self.inverse_temperature.unwrap_or(cost.len() as f64);
        let damping = self.localisation / temperature;
        if !(damping.is_finite() && damping > 0.0) {
            let problem = format!("of {temperature:?} is out of proportion to the localisation");
            return Err(BayesError::setting("inverse_temperature", problem));
        }
        let drift = (2.0 * value.abs() / damping).sqrt();
        let spread = (cost.model().dim() as f64 / self.localisation).sqrt();
        Ok(Sgld {
            batch: self.batch_size.filter(|batch| *batch < cost.len()),
            theta: cost.model().theta(),
            cost: cost.clone().unchecked(),
            inverse_temperature: temperature,
            bound: FAR * (drift + spread),
            config: self.clone(),
            gradient,
        })
    }
}

/// Langevin dynamics on `J(theta) + lambda/2 ||theta - theta_s||^2`, of which the local posterior is the law of the
/// long run, but for the step size: [`SgldConfig::init`] makes it.
///
/// Constant steps without a test of acceptance leave a bias in what is sampled, which grows with the step size (see
/// [`Integrator`]) and, with batches, with their noise: halve the step, and look whether scores stay.
///
/// What is random in step `k` of a chain depends on the seed, the chain and `k` alone.
pub struct Sgld {
    config: SgldConfig,
    cost: Cost,
    /// `theta_s`.
    theta: Tensor<1>,
    /// Of the cost there.
    gradient: Tensor<1>,
    inverse_temperature: f64,
    batch: Option<usize>,
    bound: f64,
}

impl Sgld {
    /// The settings.
    pub fn config(&self) -> &SgldConfig {
        &self.config
    }

    /// The inverse temperature `nbeta`.
    pub fn inverse_temperature(&self) -> f64 {
        self.inverse_temperature
    }

    /// The matched damping `gamma / nbeta`: with it, influence is the first order of the scores.
    pub fn damping(&self) -> f64 {
        self.config.localisation / self.inverse_temperature
    }

    /// The trained parameters `theta_s`, `[dim]`.
    pub fn theta(&self) -> &Tensor<1> {
        &self.theta
    }

    /// Step number `step` of `chain`, both counted from 0: from `theta`, `[dim]`, to the next. `noise` is what
    /// [`noise`](Self::noise) gives for this step, and becomes that for the next.
    pub(super) fn step(
        &self,
        theta: Tensor<1>,
        noise: &mut Tensor<1>,
        (chain, step): (usize, usize),
    ) -> Result<Tensor<1>, BayesError> {
        let eta = self.config.step_size;
        let drift = self.drift(&theta, (chain, step))?;
        let next = self.noise((chain, step + 1));
        let now = std::mem::replace(noise, next.clone());
        let xi = match self.config.integrator {
            Integrator::Euler => now,
            Integrator::LeimkuhlerMatthews => (now + next) * 0.5,
        };
        let width = (2.0 * eta / self.inverse_temperature).sqrt();
        Ok(theta - drift * eta + xi * width)
    }

    /// An estimate of the gradient of the cost and the localisation.
    fn drift(&self, theta: &Tensor<1>, place: (usize, usize)) -> Result<Tensor<1>, BayesError> {
        let apart = theta.clone() - self.theta.clone();
        let pull = apart.clone() * self.damping();
        let gradient = match self.drawn(place) {
            None => self.cost.at(theta.clone())?.gradient()?,
            Some(batch) => {
                // Without an L2 term.
                let part = self.cost.select(&batch)?;
                let l2 = self.cost.l2();
                let gradient = part.at(theta.clone())?.gradient()?;
                match self.config.control_variate {
                    true => gradient - part.gradient()? + apart * l2 + self.gradient.clone(),
                    false => gradient + theta.clone() * l2,
                }
            }
        };
        Ok(match self.config.centred {
            true => gradient - self.gradient.clone() + pull,
            false => gradient + pull,
        })
    }

    /// The examples of a step, if not all.
    fn drawn(&self, place: (usize, usize)) -> Option<Vec<usize>> {
        let (size, len) = (self.batch?, self.cost.len());
        let mut rng = self.rng(place, STREAMS / 2);
        Some((0..size).map(|_| rng.random_range(0..len)).collect())
    }

    /// The standard normal numbers of a step, `[dim]`.
    pub(super) fn noise(&self, place: (usize, usize)) -> Tensor<1> {
        let [dim] = self.theta.dims();
        let numbers = normals(&mut self.rng(place, 0), dim);
        let options = (&self.theta.device(), self.theta.dtype());
        Tensor::from_data(TensorData::new(numbers, [dim]), options)
    }

    fn rng(&self, (chain, step): (usize, usize), offset: u64) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.config.seed);
        rng.set_stream(STREAMS * chain as u64 + offset + step as u64);
        rng
    }

    /// Refuses parameters that no chain with short enough steps reaches, after `steps` of them.
    pub(super) fn check(
        &self,
        theta: &Tensor<1>,
        (chain, steps): (usize, usize),
    ) -> Result<(), BayesError> {
        let distance = norm(&(theta.clone() - self.theta.clone()))?;
        if distance <= self.bound {
            return Ok(());
        }
        Err(BayesError::Diverged {
            chain,
            step: steps,
            distance,
            bound: self.bound,
            step_size: self.config.step_size,
        })
    }
}
