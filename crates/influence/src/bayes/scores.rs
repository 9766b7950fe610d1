//! Bayesian influence scores, and how far they can be believed.

use super::{BayesError, BayesianInfluence, ChainState, CoMoments, Convergence};

/// The Bayesian influence of every training example on each row that is measured, with Monte-Carlo standard errors and
/// how far the chains have mixed.
#[derive(Clone, Debug, PartialEq)]
pub struct BayesianScores {
    /// `[rows, examples]`, row by row.
    values: Vec<f64>,
    errors: Vec<f64>,
    examples: usize,
    /// The matched damping `gamma / nbeta`.
    pub damping: f64,
    /// The mean training loss at each draw, a list a chain, in the loss's own units.
    pub losses: Vec<Vec<f64>>,
    /// What is measured at each draw: for each row a list a chain, in its own units.
    pub measured: Vec<Vec<Vec<f64>>>,
    /// How far the chains have mixed, by the mean training loss.
    pub loss_convergence: Convergence,
    /// The same by each row that is measured.
    pub convergence: Vec<Convergence>,
    /// Seconds of all chains.
    pub seconds: f64,
}

impl BayesianScores {
    /// What chains come to that are at their end.
    pub(super) fn of(influence: &BayesianInfluence, chains: &[ChainState]) -> Self {
        let (examples, rows) = (influence.examples(), influence.rows());
        let blocks: Vec<&CoMoments> = chains.iter().flat_map(|it| &it.blocks).collect();
        let mut all = CoMoments::default();
        blocks.iter().for_each(|block| all.merge(block));
        let scale = influence.sgld().inverse_temperature() / examples as f64;
        let trace = |row: usize, state: &ChainState| {
            let draws = state.measured.iter().skip(row).step_by(rows);
            draws.copied().collect::<Vec<f64>>()
        };
        let losses: Vec<Vec<f64>> = chains.iter().map(|it| it.losses.clone()).collect();
        let measured: Vec<Vec<Vec<f64>>> = (0..rows)
            .map(|row| chains.iter().map(|state| trace(row, state)).collect())
            .collect();
        let free = (all.count - 1) as f64;
        Self {
            values: all.products.iter().map(|it| scale * it / free).collect(),
            errors: errors(&blocks, &all).map(|it| scale * it).collect(),
            examples,
            damping: influence.sgld().damping(),
            loss_convergence: Convergence::of(&losses),
            convergence: measured.iter().map(|it| Convergence::of(it)).collect(),
            losses,
            measured,
            seconds: chains.iter().map(|it| it.seconds).sum(),
        }
    }

    /// Rows of scores.
    pub fn rows(&self) -> usize {
        self.measured.len()
    }

    /// Number of training examples.
    pub fn examples(&self) -> usize {
        self.examples
    }

    /// All scores, `[rows, examples]`, row by row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Their standard errors, in the same order.
    pub fn all_standard_errors(&self) -> &[f64] {
        &self.errors
    }

    /// The score of each training example for one row, `[examples]`: the predicted change of what is measured, in the
    /// mean over the posterior, when the example is *removed*, `E m(without) - E m(with)`, in the units of `m`, to first
    /// order in the example's weight and with the factor `1/N`: `nbeta/N Cov(L_i, m)`. Positive: removing it raises `m`;
    /// of a loss, the example helped.
    ///
    /// # Errors
    /// [`BayesError::Row`].
    pub fn of_row(&self, row: usize) -> Result<&[f64], BayesError> {
        self.part(&self.values, row)
    }

    /// The Monte-Carlo standard error of each of [`of_row`](Self::of_row), from the scatter of eight blocks of draws a
    /// chain (batch means). It tells nothing of a bias by the step size, nor of where no chain has been.
    ///
    /// # Errors
    /// [`BayesError::Row`].
    pub fn standard_errors(&self, row: usize) -> Result<&[f64], BayesError> {
        self.part(&self.errors, row)
    }

    /// The share of the scores of a row that are twice their standard error or more.
    ///
    /// # Errors
    /// [`BayesError::Row`].
    pub fn told_apart(&self, row: usize) -> Result<f64, BayesError> {
        let pairs = self.of_row(row)?.iter().zip(self.standard_errors(row)?);
        let sure = pairs.filter(|(score, error)| score.abs() >= 2.0 * **error);
        Ok(sure.count() as f64 / self.examples as f64)
    }

    /// Whether all chains have mixed, by the training loss and by all that is measured ([`Convergence::is_good`]).
    pub fn has_mixed(&self) -> bool {
        let all = self.convergence.iter().chain([&self.loss_convergence]);
        all.into_iter().all(|it| it.is_good(self.losses.len()))
    }

    fn part<'a>(&self, all: &'a [f64], row: usize) -> Result<&'a [f64], BayesError> {
        let rows = self.rows();
        if row >= rows {
            return Err(BayesError::Row { row, rows });
        }
        Ok(&all[row * self.examples..][..self.examples])
    }
}

/// The standard errors of covariances: of the mean of products of deviations, from its scatter between the blocks.
fn errors(blocks: &[&CoMoments], all: &CoMoments) -> impl Iterator<Item = f64> {
    let total = all.count as f64;
    let mut squares = vec![0.0; all.products.len()];
    for block in blocks {
        let share = block.count as f64 / total;
        let means = all.products.iter().map(|it| it / total);
        let own = block.products_about(all).zip(means);
        for (sum, (product, mean)) in squares.iter_mut().zip(own) {
            *sum += (share * (product / block.count as f64 - mean)).powi(2);
        }
    }
    let count = blocks.len() as f64;
    squares
        .into_iter()
        .map(move |it| (it * count / (count - 1.0)).sqrt())
}
