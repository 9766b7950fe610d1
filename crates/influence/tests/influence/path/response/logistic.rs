//! Logistic regression in f64: refits, and the identities of the notes at both ends and between.

use backdraft_curvature::{Cost, LinearOperator, to_dense};
use backdraft_influence::{
    ConjugateGradientConfig, Solver,
    path::{PathConfig, ResponsePath},
    response::{Removal, ResponseKind, Responses, Stop},
};
use backdraft_test_support::{dot, host, solve};
use burn::Tensor;

use super::common::{EXACT, after, direct, follow};
use crate::response::common::{N, classifier, distance};

const L2: f64 = 0.02;
const STOP: Stop = Stop {
    tolerance: 1e-12,
    decrease: 0.0,
    max_steps: 2_000,
};

/// At its minimum, where one example is all that is changed.
fn cost() -> Cost {
    let cost = classifier().with_l2(L2);
    let responses = Responses::undamped(&cost).unwrap();
    let none = responses.objective(ResponseKind::Retraining, Removal::none());
    let minimum = none.unwrap().minimize(responses.theta().clone(), STOP);
    cost.at(minimum.unwrap().theta).unwrap()
}

#[test]
fn every_point_is_a_refit_with_the_weight() {
    let cost = cost();
    let responses = Responses::undamped(&cost).unwrap();
    for example in [0, 5, 11] {
        let path = follow(&cost, Removal::of(vec![example], N), EXACT);
        assert!(path.end().is_whole() && path.points().len() == 6);
        for point in path.points() {
            let taken = (1.0 - point.facts.eps) / N as f64;
            let removal = Removal::downweight(vec![example], taken);
            let objective = responses.objective(ResponseKind::Retraining, removal);
            let objective = objective.unwrap();
            // Not from near by.
            let refit = objective
                .minimize(cost.model().theta().zeros_like(), STOP)
                .unwrap();
            let value = objective.value(&refit.theta).unwrap();
            let error = distance(&point.theta, &refit.theta);
            // Gradients of about 1e-12 over the least curvature, 0.02.
            assert!(error < 1e-9, "{example} at {}: {error:e}", point.facts.eps);
            assert!((point.facts.value - value).abs() < 1e-14);
        }
    }
}

/// Conjugate gradients find the same path, as do steps of another length.
#[test]
fn solver_and_steps_do_not_matter() {
    let cost = cost();
    let removal = || Removal::of(vec![3], N);
    let whole = follow(&cost, removal(), EXACT);
    let finer = follow(&cost, removal(), PathConfig { steps: 20, ..EXACT });
    let responses = Responses::undamped(&cost).unwrap();
    let objective = responses.objective(ResponseKind::Retraining, removal());
    let config = ConjugateGradientConfig {
        tolerance: Some(1e-12),
        ..Default::default()
    };
    let solver = config.init().unwrap();
    let path = ResponsePath::new(objective.unwrap(), &solver, EXACT).unwrap();
    let by_cg = path.follow(|_| {}).unwrap();
    for (k, point) in whole.points().iter().enumerate() {
        let other = &finer.points()[4 * k];
        assert_eq!(point.facts.eps, other.facts.eps);
        for (a, b) in [
            (&point.theta, &other.theta),
            (&point.second, &other.second),
            (&point.theta, &by_cg.points()[k].theta),
            (&point.second, &by_cg.points()[k].second),
        ] {
            assert!(distance(a, b) < 1e-8, "{:e}", distance(a, b));
        }
        assert!(by_cg.points()[k].facts.true_residual < 1e-11);
    }
}

/// `Q`, the derivative of the least value in `eps`, is the example's loss there; and
/// `d/deps l_j = -grad l_j' H^-1 grad l_j`, of sums: times `N` of ours.
#[test]
fn the_derivatives_of_value_and_loss_are_those_of_the_notes() {
    let cost = cost();
    let path = follow(&cost, Removal::of(vec![7], N), EXACT);
    let n = N as f64;
    for point in path.points() {
        let at = cost.at(point.theta.clone()).unwrap();
        let one = at.select(&[7]).unwrap();
        let (loss, slope) = one.value_and_gradient().unwrap();
        let (loss, slope) = (host(loss)[0], host(slope));
        assert!((n * point.facts.taken - loss).abs() < 1e-14);
        // The Hessian of `R_j + eps l_j`, a sum.
        let share = 1.0 - point.facts.eps;
        let all = to_dense(&at.hessian()).unwrap();
        let own = to_dense(&one.hessian()).unwrap();
        let sum: Vec<f64> = all
            .iter()
            .zip(&own)
            .map(|(a, b)| n * a - share * b)
            .collect();
        let rows: Vec<Vec<f64>> = sum.chunks(slope.len()).map(<[f64]>::to_vec).collect();
        let expected = -dot(&slope, &solve(rows, slope.clone()));
        let found = n * point.facts.taken_slope;
        assert!((found / expected - 1.0).abs() < 1e-10, "{found} {expected}");
    }
}

/// `theta''`, `Q` and `d/deps l_j` by central differences, in the middle of three points a thousandth apart.
#[test]
fn derivatives_are_those_of_the_path() {
    let cost = cost();
    let (responses, solver) = (Responses::undamped(&cost).unwrap(), direct());
    let steps = 1_000;
    let config = PathConfig {
        steps,
        tolerance: 1e-12,
        ..EXACT
    };
    let path = |changes: &[(usize, f64)]| {
        let removal = Removal::reweight(changes.to_vec(), N);
        let objective = responses.objective(ResponseKind::Retraining, removal);
        ResponsePath::new(objective.unwrap(), &solver, config.clone()).unwrap()
    };
    for path in [path(&[(7, -1.0)]), path(&[(7, -1.0), (2, 1.0), (4, -0.5)])] {
        let first = path.start().unwrap();
        let middle = after(&path, &first);
        let last = after(&path, &middle);
        let width = 2.0 / steps as f64;
        let difference = |high: &Tensor<1>, low: &Tensor<1>| (high.clone() - low.clone()) / width;
        let tangent = difference(&first.theta, &last.theta);
        let second = difference(&first.tangent, &last.tangent);
        // A sixth of the third derivative times the square of a thousandth.
        assert!(distance(&tangent, &middle.tangent) < 1e-5);
        assert!(distance(&second, &middle.second) < 1e-5);
        let slope = |of: fn(&backdraft_influence::path::PointFacts) -> f64| {
            (of(&first.facts) - of(&last.facts)) / width
        };
        let near = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-5, "{a} {b}");
        near(slope(|it| it.value), middle.facts.taken);
        near(slope(|it| it.taken), middle.facts.taken_slope);
        near(slope(|it| 0.5 * it.speed * it.speed), middle.facts.stretch);
    }
}

/// The bound on the difference of the tangents holds, and their size is that of influence.
#[test]
fn the_second_derivative_bounds_what_the_tangents_differ() {
    let cost = cost();
    let config = PathConfig { steps: 20, ..EXACT };
    let path = follow(&cost, Removal::of(vec![7], N), config);
    let gap = path.tangent_gap().unwrap();
    assert!(
        gap.difference <= gap.integral * 1.001 && gap.integral <= gap.bound,
        "{gap:?}"
    );
    assert!(gap.difference > 0.0);
    // Influence with the Hessian at the trained parameters.
    let hessian = cost.hessian();
    let gradient = cost.select(&[7]).unwrap().gradient().unwrap();
    let change = direct().solve(&hessian, gradient / N as f64).unwrap();
    assert!(distance(&-change.vector, &path.first().tangent) < 1e-9);
    let landings = path.landings(None).unwrap();
    assert!(landings.newton.is_none());
    assert!(landings.second_order.relative < landings.influence_at_one.relative);
    assert_eq!(hessian.dim(), path.first().theta.dims()[0]);
}
