//! Least squares, where every stage has a closed form.
//!
//! The trained parameters `s` are the minimum, so that `J` and its Bregman divergence are the same quadratic but for a
//! constant. With `H` the Hessian, `h = 1/N sum over removed z of x_z x_z'` and `g = 1/N sum over z of grad L(z)`, the
//! changes `d` of the parameters are
//!
//! - cold and warm start, and two-stage: `(H - h) d = g`,
//! - proximal and proximal Bregman response: `(H - h + lambda) d = g`,
//! - linearised response and influence: `(H + lambda) d = g`.

use backdraft_attribution::{EvaluationConfig, Measurement, RankBy, SolverConfig};
use backdraft_influence::{ConjugateGradientConfig, response::Removal, statistics::pearson};
use burn::Tensor;

use crate::common::{DAMPING, INPUTS, LeastSquares, N, TO_THE_END, removals};
use backdraft_test_support::{dot, matrix, solve, vector};

/// What is left of gradients that are lowered by 1e13, times condition numbers of about 10.
const TOLERANCE: f64 = 1e-11;

struct Known {
    problem: LeastSquares,
    trained: Vec<f64>,
}

impl Known {
    fn new() -> Self {
        let problem = LeastSquares::new(N, 4);
        let trained = problem.minimum(&[1.0; N]);
        Self { problem, trained }
    }

    /// `d` with the Hessian of the examples that `without` leaves, and damping.
    fn change(&self, removal: &Removal, without: bool, damping: f64) -> Vec<f64> {
        let mut weights = [1.0; N];
        let mut g = vec![0.0; INPUTS];
        for (z, taken) in removal.weights() {
            let residual = self.problem.residual(z, &self.trained);
            for (g, x) in g.iter_mut().zip(&self.problem.x[z]) {
                *g += taken * residual * x;
            }
            weights[z] -= f64::from(u8::from(without)) * taken * N as f64;
        }
        let mut matrix = self.problem.hessian(&weights);
        for (i, row) in matrix.iter_mut().enumerate() {
            row[i] += damping;
        }
        solve(matrix, g)
    }

    fn changes(&self, removal: &Removal) -> [Vec<f64>; 3] {
        [
            self.change(removal, true, 0.0),
            self.change(removal, true, DAMPING),
            self.change(removal, false, DAMPING),
        ]
    }

    /// The mean distance of the outputs.
    fn distance(&self, a: &[f64], b: &[f64]) -> f64 {
        let difference: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        let distances = self.problem.x.iter().map(|x| dot(x, &difference).abs());
        distances.sum::<f64>() / N as f64
    }

    fn moved(&self, change: &[f64]) -> Vec<f64> {
        let pairs = self.trained.iter().zip(change);
        pairs.map(|(theta, d)| theta + d).collect()
    }

    fn retrain(&self, weights: &[f64]) -> Result<Tensor<1>, String> {
        Ok(vector(&self.problem.minimum(weights)))
    }
}

fn config() -> EvaluationConfig {
    EvaluationConfig {
        retraining: TO_THE_END,
        bregman: TO_THE_END,
        solver: SolverConfig::ConjugateGradient(ConjugateGradientConfig {
            tolerance: Some(1e-14),
            ..Default::default()
        }),
        ..EvaluationConfig::new(DAMPING)
    }
}

#[track_caller]
fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let error = (found - expected).abs();
        assert!(error < TOLERANCE, "{found} rather than {expected}");
    }
}

#[test]
fn all_five_gaps_are_those_in_closed_form() {
    let known = Known::new();
    let cost = known.problem.cost(&known.trained);
    let retrain = |weights: &[f64], _: u64| known.retrain(weights);
    let evaluation = config().init(&cost, &retrain).unwrap();
    let mut asked = removals(&[&[0], &[5], &[2, 7, 9]]);
    // Weight added, and half of it taken off.
    asked.push(Removal::downweight(vec![3], -0.1));
    asked.push(Removal::downweight(vec![3], 0.5 / N as f64));
    let found = evaluation.gaps(&asked).unwrap();
    assert_eq!(found.failed, []);
    let mut sums = [0.0; 5];
    for (point, removal) in found.removals.iter().zip(&asked) {
        let [retrained, proximal, linear] = known.changes(removal);
        let expected = [
            0.0,
            known.distance(&retrained, &proximal),
            0.0,
            known.distance(&proximal, &linear),
            0.0,
        ];
        close(&point.gaps.into_array(), &expected);
        assert!(expected[1] > 1e-3 && expected[3] > 1e-4);
        assert!(point.solved && point.residual < 1e-13);
        assert_eq!(point.removed, removal.examples);
        for (sum, gap) in sums.iter_mut().zip(point.gaps.into_array()) {
            *sum += gap;
        }
    }
    close(
        &found.gaps.map(|it| it.mean).into_array(),
        &sums.map(|it| it / 5.0),
    );
    let proximity: Vec<f64> = found.removals.iter().map(|it| it.gaps.proximity).collect();
    let mean = proximity.iter().sum::<f64>() / 5.0;
    let squares: f64 = proximity.iter().map(|it| (it - mean).powi(2)).sum();
    assert!((found.gaps.proximity.std - (squares / 4.0).sqrt()).abs() < 1e-15);
}

#[test]
fn changes_of_losses_are_those_in_closed_form() {
    let known = Known::new();
    let cost = known.problem.cost(&known.trained);
    let tests = LeastSquares::new(5, 71);
    let queries = tests.cost(&known.trained);
    let retrain = |weights: &[f64], _: u64| known.retrain(weights);
    let evaluation = config().init(&cost, &retrain).unwrap();
    let mut asked = removals(&[&[0], &[5], &[2, 7, 9]]);
    asked.push(Removal::reweight([(4, -1.0), (9, -0.5), (0, 1.0)], N));
    // Wherever the queries' model is: the trained parameters are the cost's.
    let elsewhere = queries.at(vector(&[0.0; INPUTS])).unwrap().with_l2(0.5);
    let found = evaluation.correlations(&asked, &elsewhere).unwrap();
    let mut pairs = (Vec::new(), Vec::new());
    for (point, removal) in found.removals.iter().zip(&asked) {
        let [retrained, proximal, linear] = known.changes(removal);
        let change = |d: &[f64]| -> Vec<f64> {
            let theta = known.moved(d);
            let loss = |q, theta: &[f64]| 0.5 * tests.residual(q, theta).powi(2);
            (0..5)
                .map(|q| loss(q, &theta) - loss(q, &known.trained))
                .collect()
        };
        let influence: Vec<f64> = (0..5)
            .map(|q| tests.residual(q, &known.trained) * dot(&tests.x[q], &linear))
            .collect();
        close(&point.influence, &influence);
        close(&point.responses.pbrf, &change(&proximal));
        let responses = &point.responses;
        for retraining in [
            &responses.warm_start,
            &responses.two_stage,
            &responses.cold_start,
        ] {
            close(retraining, &change(&retrained));
        }
        pairs.0.extend(influence);
        pairs.1.extend(change(&proximal));
    }
    let expected = pearson(&pairs.0, &pairs.1).unwrap();
    let pearson = found.correlations.pbrf.pearson.unwrap();
    assert!((pearson - expected).abs() < TOLERANCE);
    assert!(pearson > 0.9 && found.correlations.cold_start.spearman_within.is_some());
}

/// An output is linear in the parameters here: what is predicted of it is what the linearised response does.
#[test]
fn changes_of_outputs_are_those_in_closed_form() {
    let known = Known::new();
    let cost = known.problem.cost(&known.trained);
    let tests = LeastSquares::new(5, 71);
    let output = Measurement::output(0);
    let queries = output
        .cost(&cost, matrix(&tests.x.concat(), INPUTS))
        .unwrap();
    let retrain = |weights: &[f64], _: u64| known.retrain(weights);
    let evaluation = config().init(&cost, &retrain).unwrap();
    let mut asked = removals(&[&[0], &[2, 7, 9]]);
    // A weight of its own for each.
    asked.push(Removal::reweight([(4, -1.0), (9, -0.5), (0, 1.0)], N));
    let found = evaluation.correlations(&asked, &queries).unwrap();
    for (point, removal) in found.removals.iter().zip(&asked) {
        let [retrained, proximal, linear] = known.changes(removal);
        let change = |d: &[f64]| -> Vec<f64> { tests.x.iter().map(|x| dot(x, d)).collect() };
        close(&point.influence, &change(&linear));
        close(&point.responses.pbrf, &change(&proximal));
        close(&point.responses.cold_start, &change(&retrained));
    }
}

#[test]
fn wrong_labels_are_ranked_by_the_change_of_their_own_loss() {
    let known = Known::new();
    let cost = known.problem.cost(&known.trained);
    let retrain = |weights: &[f64], _: u64| known.retrain(weights);
    let evaluation = config().init(&cost, &retrain).unwrap();
    let found = evaluation.mislabel(&[4, 10], &RankBy::ALL).unwrap();
    assert_eq!((found.unsolved, found.failed.len()), (0, 0));
    assert_eq!(found.rankings.len(), 4);
    for i in 0..N {
        let [_, proximal, linear] = known.changes(&Removal::of(vec![i], N));
        let before = known.problem.residual(i, &known.trained);
        let influence = before * dot(&known.problem.x[i], &linear);
        let after = known.problem.residual(i, &known.moved(&proximal));
        let score = |by: RankBy| found.rankings[&by].scores[i];
        close(&[score(RankBy::Influence).unwrap()], &[influence]);
        let pbrf = 0.5 * (after * after - before * before);
        close(&[score(RankBy::Pbrf).unwrap()], &[pbrf]);
        close(&[score(RankBy::Loss).unwrap()], &[0.5 * before * before]);
    }
    assert!(found.rankings[&RankBy::Random].scores.is_empty());
    for (by, ranking) in &found.rankings {
        let mut sorted = ranking.order.clone();
        if *by != RankBy::Random {
            let score = |i: usize| ranking.scores[i].unwrap();
            assert!(sorted.windows(2).all(|it| score(it[0]) >= score(it[1])));
        }
        sorted.sort_unstable();
        assert_eq!(sorted, (0..N).collect::<Vec<_>>());
        let place = |wrong| ranking.order.iter().position(|it| *it == wrong).unwrap();
        let (first, last) = (place(4).min(place(10)), place(4).max(place(10)));
        let share = |i| 0.5 * f64::from(u8::from(i >= first) + u8::from(i >= last));
        let curve: Vec<f64> = (0..N).map(share).collect();
        assert_eq!(ranking.found, curve);
        // Trapezoids: each wrong label is found half an example after its place.
        let area = 1.0 - (first as f64 + last as f64 + 1.0) / (2.0 * N as f64);
        assert!((ranking.area - area).abs() < 1e-15);
        assert_eq!(ranking.found_after(1.0), 1.0);
        assert_eq!(ranking.found_after(0.0), 0.0);
    }
}
