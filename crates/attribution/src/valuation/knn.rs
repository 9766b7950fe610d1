//! KNN-Shapley: exact values of nearest neighbours.

use std::{num::NonZeroUsize, thread};

use backdraft_influence::closed::DenseMatrix;
use burn::config::Config;

use super::{
    Parts, ShapleyValues, Sharded, ValuationError,
    recursion::{classification, regression},
};
use crate::store::Digest;

/// Measured examples in a part.
const PART: usize = 64;

/// Settings of the values of training examples for an unweighted nearest-neighbour classifier or regression, in closed
/// form (Jia et al. 2019, "Efficient Task-Specific Data Valuation for Nearest Neighbor Algorithms").
///
/// Neighbours are the nearest by Euclidean distance of features, whatever these are: inputs, or a network's outputs for
/// them. Of equal distances the example of the lower index is nearer. Distances and values are in f64 on the host.
#[derive(Config, Debug, PartialEq)]
pub struct KnnConfig {
    /// Nearest neighbours `K`.
    #[config(default = 5)]
    pub neighbours: usize,
}

impl Default for KnnConfig {
    fn default() -> Self {
        Self::new()
    }
}

/// What is played for each measured example.
trait Played: Sync {
    /// The values for the measured example `test`, by the examples in order, the nearest first; then the worth of all.
    fn values(&self, order: &[usize], test: usize) -> (Vec<f64>, f64);

    /// The worth of the empty coalition.
    fn empty(&self, test: usize) -> f64;
}

impl KnnConfig {
    /// The values where the worth of a coalition is the mean over the measured examples of the share of the `K` nearest
    /// of its members that have their class, counted of `K` also where it has fewer: the probability that the
    /// classifier gives the right class. `train` and `test` are features, `[n, features]` and `[m, features]`; 64
    /// measured examples are a part. Standard errors are those of the measured examples drawn.
    ///
    /// # Errors
    /// [`ValuationError::Empty`], [`ValuationError::Length`], [`ValuationError::Input`];
    /// [`ValuationError::Neighbours`] for more neighbours than examples; [`ValuationError::OneClass`];
    /// [`ValuationError::Setting`] for no neighbours; those of the store.
    pub fn classification(
        &self,
        (train, classes): (&DenseMatrix, &[usize]),
        (test, test_classes): (&DenseMatrix, &[usize]),
        parts: &Parts<'_>,
    ) -> Result<Sharded<ShapleyValues>, ValuationError> {
        ValuationError::check_len("classes", train.rows(), classes.len())?;
        ValuationError::check_len("measured classes", test.rows(), test_classes.len())?;
        self.check(train, test)?;
        if classes.iter().all(|it| *it == classes[0]) {
            return Err(ValuationError::OneClass {
                examples: classes.len(),
                class: classes[0],
            });
        }
        let game = Classes {
            classes,
            test: test_classes,
            k: self.neighbours,
        };
        let digest = digest(
            [classes, test_classes]
                .iter()
                .map(|it| it.iter().flat_map(|class| class.to_le_bytes()).collect()),
        );
        self.run(train, test, &game, &format!("classes {digest}"), parts)
    }

    /// The values where the worth of a coalition is minus the mean over the measured examples of the squared error of
    /// the prediction, the sum of the targets of the `K` nearest of its members over `K`, also where it has fewer: the
    /// empty coalition predicts 0, and targets are best taken about their mean. Otherwise as
    /// [`classification`](Self::classification).
    ///
    /// # Errors
    /// As [`classification`](Self::classification), but for classes.
    pub fn regression(
        &self,
        (train, targets): (&DenseMatrix, &[f64]),
        (test, test_targets): (&DenseMatrix, &[f64]),
        parts: &Parts<'_>,
    ) -> Result<Sharded<ShapleyValues>, ValuationError> {
        ValuationError::check_len("targets", train.rows(), targets.len())?;
        ValuationError::check_len("measured targets", test.rows(), test_targets.len())?;
        self.check(train, test)?;
        for (what, numbers) in [
            ("the target", targets),
            ("the measured target", test_targets),
        ] {
            if let Some(example) = numbers.iter().position(|it| !it.is_finite()) {
                return Err(ValuationError::Input { what, example });
            }
        }
        let game = Numbers {
            targets,
            test: test_targets,
            k: self.neighbours,
        };
        let digest = digest(
            [targets, test_targets]
                .iter()
                .map(|it| it.iter().flat_map(|number| number.to_le_bytes()).collect()),
        );
        self.run(train, test, &game, &format!("numbers {digest}"), parts)
    }

    fn check(&self, train: &DenseMatrix, test: &DenseMatrix) -> Result<(), ValuationError> {
        for (what, matrix) in [("training examples", train), ("measured examples", test)] {
            if matrix.rows() == 0 {
                return Err(ValuationError::Empty { what });
            }
        }
        ValuationError::check_len("measured features", train.columns(), test.columns())?;
        let (neighbours, examples) = (self.neighbours, train.rows());
        if neighbours == 0 {
            let problem = "is 0, must be at least 1";
            return Err(ValuationError::setting("neighbours", problem));
        }
        if neighbours > examples {
            return Err(ValuationError::Neighbours {
                neighbours,
                examples,
            });
        }
        for (what, matrix) in [("a feature", train), ("a measured feature", test)] {
            let broken = matrix.values().iter().position(|it| !it.is_finite());
            if let Some(place) = broken {
                let example = place / matrix.columns();
                return Err(ValuationError::Input { what, example });
            }
        }
        Ok(())
    }

    fn run(
        &self,
        train: &DenseMatrix,
        test: &DenseMatrix,
        game: &dyn Played,
        settings: &str,
        parts: &Parts<'_>,
    ) -> Result<Sharded<ShapleyValues>, ValuationError> {
        let (n, m) = (train.rows(), test.rows());
        let features = digest(
            [train, test]
                .iter()
                .map(|it| it.values().iter().flat_map(|x| x.to_le_bytes()).collect()),
        );
        let settings = [settings, &features, &self.neighbours.to_string()];
        let kept = parts.of("knn", &settings, m.div_ceil(PART));
        let found = kept.all(
            |_| 2 * n + 2,
            |position| {
                let tests = (position * PART)..((position + 1) * PART).min(m);
                let tests: Vec<usize> = tests.collect();
                Ok(summed(train, test, game, &tests))
            },
        )?;
        Ok(found.map(|parts| averaged(&parts, n, m)))
    }
}

/// The sums over measured examples of values, of their squares, and of the worths of nobody and of all.
fn summed(train: &DenseMatrix, test: &DenseMatrix, game: &dyn Played, tests: &[usize]) -> Vec<f64> {
    let n = train.rows();
    let of = |&test_row: &usize| {
        let order = nearest(train, test.row(test_row));
        let (values, all) = game.values(&order, test_row);
        (order, values, all)
    };
    // Each thread has some of them; the sums are made in their order, whatever the number of threads.
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let found: Vec<_> = thread::scope(|scope| {
        let shares = tests.chunks(tests.len().div_ceil(threads).max(1));
        let running: Vec<_> = shares
            .map(|share| scope.spawn(move || share.iter().map(of).collect::<Vec<_>>()))
            .collect();
        let joined = running.into_iter().map(|it| it.join());
        joined
            .flat_map(|it| it.expect("a thread does nothing that panics"))
            .collect()
    });
    let mut sums = vec![0.0; 2 * n + 2];
    for ((order, values, all), &test_row) in found.into_iter().zip(tests) {
        for (&example, value) in order.iter().zip(values) {
            sums[example] += value;
            sums[n + example] += value * value;
        }
        sums[2 * n] += game.empty(test_row);
        sums[2 * n + 1] += all;
    }
    sums
}

/// Means over all measured examples, with their standard errors.
fn averaged(parts: &[Vec<f64>], n: usize, m: usize) -> ShapleyValues {
    let mut sums = vec![0.0; 2 * n + 2];
    for part in parts {
        for (sum, it) in sums.iter_mut().zip(part) {
            *sum += it;
        }
    }
    let count = m as f64;
    let means: Vec<f64> = sums.iter().map(|it| it / count).collect();
    let error = |i: usize| {
        let variance = (means[n + i] - means[i] * means[i]).max(0.0);
        (variance / (count - 1.0)).sqrt()
    };
    ShapleyValues {
        standard_errors: (m > 1).then(|| (0..n).map(error).collect()),
        empty: means[2 * n],
        all: means[2 * n + 1],
        values: means[..n].to_vec(),
    }
}

/// The examples, the nearest first.
fn nearest(train: &DenseMatrix, to: &[f64]) -> Vec<usize> {
    let distance = |i: usize| -> f64 {
        let pairs = train.row(i).iter().zip(to);
        pairs.map(|(a, b)| (a - b) * (a - b)).sum()
    };
    let distances: Vec<f64> = (0..train.rows()).map(distance).collect();
    let mut order: Vec<usize> = (0..train.rows()).collect();
    order.sort_unstable_by(|&a, &b| distances[a].total_cmp(&distances[b]).then(a.cmp(&b)));
    order
}

/// Of some lists of bytes.
fn digest(parts: impl Iterator<Item = Vec<u8>>) -> String {
    let digest = parts.fold(Digest::default(), |digest, it| digest.part(&it));
    digest.short()
}

struct Classes<'a> {
    classes: &'a [usize],
    test: &'a [usize],
    k: usize,
}

impl Played for Classes<'_> {
    fn values(&self, order: &[usize], test: usize) -> (Vec<f64>, f64) {
        let class = self.test[test];
        let right: Vec<bool> = order.iter().map(|&i| self.classes[i] == class).collect();
        let found = right.iter().take(self.k).filter(|it| **it).count();
        (classification(&right, self.k), found as f64 / self.k as f64)
    }

    fn empty(&self, _test: usize) -> f64 {
        0.0
    }
}

struct Numbers<'a> {
    targets: &'a [f64],
    test: &'a [f64],
    k: usize,
}

impl Played for Numbers<'_> {
    fn values(&self, order: &[usize], test: usize) -> (Vec<f64>, f64) {
        let y: Vec<f64> = order.iter().map(|&i| self.targets[i]).collect();
        let mean = y.iter().take(self.k).sum::<f64>() / self.k as f64;
        let target = self.test[test];
        (regression(&y, target, self.k), -(mean - target).powi(2))
    }

    fn empty(&self, test: usize) -> f64 {
        -self.test[test].powi(2)
    }
}
