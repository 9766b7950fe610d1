//! Chains of a posterior, and the scores that come of them.

use std::time::Instant;

use backdraft_curvature::Cost;

use super::{BayesError, BayesianScores, ChainState, Sgld, SgldConfig, chain::block};

/// Bayesian influence of the examples of a cost on what is measured: chains of [`Sgld`], and covariances along them.
///
/// A chain takes a gradient a step and a forward pass over all training examples and queries a draw, and no product
/// with a curvature matrix: it works at any parameters, of any network and loss. Held are two numbers a draw, and the
/// moments of eight blocks of draws a chain, `8 chains * rows * N` numbers in all.
pub struct BayesianInfluence {
    sgld: Sgld,
    train: Cost,
    queries: Cost,
    mean: bool,
    /// The mean training loss, and what is measured, at the trained parameters.
    start: (f64, Vec<f64>),
}

impl BayesianInfluence {
    /// Of the examples of `train`, on the losses of the examples of `queries`, a cost of the same network: a row each,
    /// or if `mean` one for their mean.
    ///
    /// # Errors
    /// As [`SgldConfig::init`]; [`BayesError::Curvature`] for costs that are not numbers at the parameters of `train`.
    pub fn new(
        train: &Cost,
        queries: &Cost,
        mean: bool,
        config: &SgldConfig,
    ) -> Result<Self, BayesError> {
        let sgld = config.init(train)?;
        let queries = queries.at(sgld.theta().clone())?;
        let losses = train.losses()?.try_into_vec_as::<f64>()?;
        let loss = losses.iter().sum::<f64>() / losses.len() as f64;
        let measured = averaged(queries.losses()?.try_into_vec_as::<f64>()?, mean);
        Ok(Self {
            start: (loss, measured),
            train: train.clone().unchecked(),
            queries: queries.unchecked(),
            mean,
            sgld,
        })
    }

    /// The sampler.
    pub fn sgld(&self) -> &Sgld {
        &self.sgld
    }

    /// Number of training examples.
    pub fn examples(&self) -> usize {
        self.train.len()
    }

    /// Rows of scores.
    pub fn rows(&self) -> usize {
        self.start.1.len()
    }

    /// The mean training loss, and what is measured, `[rows]`, at the trained parameters.
    pub fn start(&self) -> (f64, &[f64]) {
        (self.start.0, &self.start.1)
    }

    /// The chain number `chain`, counted from 0, before its first step.
    pub fn chain(&self, chain: usize) -> ChainState {
        ChainState::resumed(chain, self.sgld.theta().clone(), 0)
    }

    /// Whether a chain is at its end.
    pub fn is_done(&self, state: &ChainState) -> bool {
        state.draws() >= self.sgld.config().draws
    }

    /// Goes on to the next draw, or by as many steps of the burn-in as lie between two draws. Does nothing at the end.
    ///
    /// # Errors
    /// [`BayesError::Diverged`], [`BayesError::NotFinite`]; [`BayesError::Chain`] for one that is not of these settings;
    /// [`BayesError::Curvature`].
    pub fn advance(&self, state: &mut ChainState) -> Result<(), BayesError> {
        self.check(state)?;
        if self.is_done(state) {
            return Ok(());
        }
        let began = Instant::now();
        let config = self.sgld.config();
        let steps = match config.burn_in.saturating_sub(state.steps) {
            0 => config.thinning,
            left => left.min(config.thinning),
        };
        let (chain, counts) = (state.chain, state.steps >= config.burn_in);
        let mut theta = state.theta.clone();
        let noise = state.noise.take();
        let mut noise = noise.unwrap_or_else(|| self.sgld.noise((chain, state.steps)));
        for step in state.steps..state.steps + steps {
            theta = self.sgld.step(theta, &mut noise, (chain, step))?;
        }
        self.sgld.check(&theta, (chain, state.steps + steps))?;
        if counts {
            let losses = self.train.at(theta.clone())?.losses()?;
            let losses = losses.try_into_vec_as::<f64>()?;
            let measured = self.queries.at(theta.clone())?.losses()?;
            let measured = measured.try_into_vec_as::<f64>()?;
            finite("the loss of training example", &losses, state)?;
            finite("what is measured of query", &measured, state)?;
            state.draw(&losses, &averaged(measured, self.mean), config.draws);
        }
        state.theta = theta;
        state.steps += steps;
        state.noise = Some(noise);
        state.seconds += began.elapsed().as_secs_f64();
        Ok(())
    }

    /// All chains, one after another, and what they come to.
    ///
    /// # Errors
    /// As [`advance`](Self::advance).
    pub fn run(&self) -> Result<BayesianScores, BayesError> {
        let mut chains = Vec::new();
        for chain in 0..self.sgld.config().chains {
            let mut state = self.chain(chain);
            while !self.is_done(&state) {
                self.advance(&mut state)?;
            }
            chains.push(state);
        }
        self.scores(&chains)
    }

    /// What chains that are at their end come to.
    ///
    /// # Errors
    /// [`BayesError::Chain`] for chains that are not those of these settings, all of them, in their order and at their
    /// end.
    pub fn scores(&self, chains: &[ChainState]) -> Result<BayesianScores, BayesError> {
        let expected = self.sgld.config().chains;
        if chains.len() != expected {
            return Err(BayesError::Chain {
                chain: chains.len(),
                problem: format!("there are {} of {expected}", chains.len()),
            });
        }
        for (place, state) in chains.iter().enumerate() {
            self.check(state)?;
            let problem = if state.chain != place {
                format!("it is in the place of chain {place}")
            } else if !self.is_done(state) {
                format!(
                    "it has {} of {} draws",
                    state.draws(),
                    self.sgld.config().draws
                )
            } else {
                continue;
            };
            let chain = state.chain;
            return Err(BayesError::Chain { chain, problem });
        }
        Ok(BayesianScores::of(self, chains))
    }

    /// Whether a chain is as these settings and data make it.
    fn check(&self, state: &ChainState) -> Result<(), BayesError> {
        let config = self.sgld.config();
        let (draws, rows) = (state.draws(), self.rows());
        let wrong = |problem: &str| {
            Err(BayesError::Chain {
                chain: state.chain,
                problem: problem.to_owned(),
            })
        };
        if state.theta.dims() != self.sgld.theta().dims() {
            return wrong("it is of a network with another number of parameters");
        }
        if state.chain >= config.chains {
            return wrong("there are not as many chains");
        }
        let steps = match draws {
            0 => state.steps.min(config.burn_in),
            _ => config.burn_in + draws * config.thinning,
        };
        if state.steps != steps || draws > config.draws {
            return wrong("its steps and draws are not those of these settings");
        }
        let begun = draws
            .checked_sub(1)
            .map_or(0, |last| block(last, config.draws) + 1);
        let counted = state.blocks.iter().map(|it| it.count).sum::<usize>();
        let lengths = |it: &super::CoMoments| {
            let lengths = (it.losses.len(), it.measured.len(), it.products.len());
            lengths == (self.examples(), rows, self.examples() * rows)
        };
        if state.measured.len() != draws * rows
            || state.blocks.len() != begun
            || counted != draws
            || !state.blocks.iter().all(lengths)
        {
            return wrong("its moments are of other examples, queries or numbers of draws");
        }
        Ok(())
    }
}

/// The numbers, or their mean.
fn averaged(numbers: Vec<f64>, mean: bool) -> Vec<f64> {
    match mean {
        true => vec![numbers.iter().sum::<f64>() / numbers.len() as f64],
        false => numbers,
    }
}

fn finite(what: &str, numbers: &[f64], state: &ChainState) -> Result<(), BayesError> {
    match numbers.iter().position(|it| !it.is_finite()) {
        None => Ok(()),
        Some(index) => Err(BayesError::NotFinite {
            what: format!("{what} {index}"),
            value: numbers[index],
            draw: state.draws(),
            chain: state.chain,
        }),
    }
}
