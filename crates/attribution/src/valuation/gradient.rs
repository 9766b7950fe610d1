//! G-Shapley: what an example adds in one pass of training, a step an example.

use backdraft_curvature::{Cost, CurvatureError};
use burn::tensor::Tensor;
use rand::{RngCore, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::{PermutationWalk, PlayerGroups, TestPerformance, ValuationError, Walked, game::finite};

/// A walk that trains on, one step of gradient descent an example, and measures after each player (Ghorbani & Zou
/// 2019, Algorithm 2). It begins with initial parameters of the permutation's own seed; a step is along the gradient of
/// one example's loss with the cost's L2 term. A group's steps are made in the order of its members.
///
/// Values are of this training, which sees each example once, and not of training to an end.
pub struct GradientWalk<'a> {
    /// The cost of each example by itself.
    examples: Vec<Cost>,
    groups: &'a PlayerGroups,
    performance: &'a TestPerformance,
    initial: Box<dyn Fn(u64) -> Tensor<1> + 'a>,
    learning_rate: f64,
}

/// A learning rate that was tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateTrial {
    /// The rate.
    pub learning_rate: f64,
    /// The performance after one pass: its mean over the trials less its standard deviation. None if a pass came to NaN
    /// or infinity.
    pub performance: Option<f64>,
}

/// The learning rate that one pass does best with.
#[derive(Clone, Debug, PartialEq)]
pub struct RateSearch {
    /// The best.
    pub learning_rate: f64,
    /// All that were tried.
    pub trials: Vec<RateTrial>,
}

impl RateSearch {
    /// From a tenth to about three hundred-thousandths, two a factor of ten.
    pub fn rates() -> Vec<f64> {
        (2..10)
            .map(|it| 10_f64.powf(-0.5 * f64::from(it)))
            .collect()
    }
}

impl<'a> GradientWalk<'a> {
    /// Of `groups` of the examples of `train`, from the `initial` parameters of a seed, `[dim]`.
    ///
    /// # Errors
    /// [`ValuationError::Length`] for groups of another number of examples; [`ValuationError::Setting`] for a learning
    /// rate that is not finite and positive; [`ValuationError::Curvature`].
    pub fn new(
        train: &Cost,
        groups: &'a PlayerGroups,
        performance: &'a TestPerformance,
        learning_rate: f64,
        initial: impl Fn(u64) -> Tensor<1> + 'a,
    ) -> Result<Self, ValuationError> {
        ValuationError::check_len("the examples of groups", train.len(), groups.examples())?;
        let alone = |i: usize| Ok(train.select(&[i])?.with_l2(train.l2()).unchecked());
        let examples = (0..train.len()).map(alone);
        Self {
            examples: examples.collect::<Result<_, CurvatureError>>()?,
            groups,
            performance,
            initial: Box::new(initial),
            learning_rate,
        }
        .with_learning_rate(learning_rate)
    }

    /// The same with another learning rate.
    ///
    /// # Errors
    /// [`ValuationError::Setting`] for one that is not finite and positive.
    pub fn with_learning_rate(self, learning_rate: f64) -> Result<Self, ValuationError> {
        if !(learning_rate.is_finite() && learning_rate > 0.0) {
            let problem = format!("is {learning_rate}, must be finite and positive");
            return Err(ValuationError::setting("learning_rate", problem));
        }
        Ok(Self {
            learning_rate,
            ..self
        })
    }

    /// The size of its steps.
    pub fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    /// The rate among `rates` after which one pass performs best and most surely, the mean over `trials` orders less
    /// their standard deviation, as in the authors' own program.
    ///
    /// # Errors
    /// [`ValuationError::Empty`] for no rates or trials; [`ValuationError::Setting`] for rates that are not finite and
    /// positive, or all of which come to NaN or infinity; those of measuring.
    pub fn search(
        &self,
        rates: &[f64],
        trials: usize,
        seed: u64,
    ) -> Result<RateSearch, ValuationError> {
        if rates.is_empty() || trials == 0 {
            let what = "learning rates and orders to try them in";
            return Err(ValuationError::Empty { what });
        }
        let mut found = Vec::new();
        for &rate in rates {
            if !(rate.is_finite() && rate > 0.0) {
                let problem = format!("is {rate}, must be finite and positive");
                return Err(ValuationError::setting("learning_rate", problem));
            }
            found.push(RateTrial {
                learning_rate: rate,
                performance: self.tried(rate, trials, seed)?,
            });
        }
        let known = found
            .iter()
            .filter_map(|it| Some((it.learning_rate, it.performance?)));
        // The first of equal ones, which are in falling order as a rule.
        let best = known.reduce(|best, it| if it.1 > best.1 { it } else { best });
        match best {
            Some((learning_rate, _)) => Ok(RateSearch {
                learning_rate,
                trials: found,
            }),
            None => {
                let problem = "is too high wherever it was tried: a pass comes to NaN or infinity";
                Err(ValuationError::setting("learning_rate", problem))
            }
        }
    }

    /// The mean performance after a pass less its deviation, if it is a number.
    fn tried(&self, rate: f64, trials: usize, seed: u64) -> Result<Option<f64>, ValuationError> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(u64::MAX);
        let mut ends = Vec::new();
        for _ in 0..trials {
            let mut order: Vec<usize> = (0..self.groups.members().len()).collect();
            order.shuffle(&mut rng);
            let mut theta = (self.initial)(rng.next_u64());
            for &player in &order {
                theta = self.stepped(theta, player, rate)?;
            }
            match self.performance.at(theta) {
                Ok(end) if end.is_finite() => ends.push(end),
                Ok(_) | Err(ValuationError::Curvature(CurvatureError::NotFinite { .. })) => {
                    return Ok(None);
                }
                Err(error) => return Err(error),
            }
        }
        let count = ends.len() as f64;
        let mean = ends.iter().sum::<f64>() / count;
        let square = ends.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / count;
        Ok(Some(mean - square.sqrt()))
    }

    /// The parameters after the steps of a player.
    fn stepped(
        &self,
        mut theta: Tensor<1>,
        player: usize,
        rate: f64,
    ) -> Result<Tensor<1>, ValuationError> {
        for &example in &self.groups.members()[player] {
            let gradient = self.examples[example].at(theta.clone())?.gradient()?;
            theta = theta - gradient * rate;
        }
        Ok(theta)
    }
}

impl PermutationWalk for GradientWalk<'_> {
    fn name(&self) -> &'static str {
        "g"
    }

    fn players(&self) -> usize {
        self.groups.members().len()
    }

    fn walk(&self, order: &[usize], seed: u64) -> Result<Walked, ValuationError> {
        let mut theta = (self.initial)(seed);
        let mut performance = vec![self.performance.at(theta.clone())?];
        for &player in order {
            theta = self.stepped(theta, player, self.learning_rate)?;
            let value = self.performance.at(theta.clone())?;
            performance.push(finite(value, performance.len(), order.len())?);
        }
        Ok(Walked {
            performance,
            looked_at: order.len(),
        })
    }

    fn settings(&self) -> String {
        format!(
            "rate {:?}, {}, {:?}",
            self.learning_rate,
            self.performance.settings(),
            self.groups.members()
        )
    }
}
