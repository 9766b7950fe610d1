//! Groups, weights of any sign, replacements, and the partial derivatives.

use backdraft_curvature::Cost;
use backdraft_influence::{
    path::ResponsePath,
    response::{Removal, ResponseKind, Responses, Stop},
};
use burn::Tensor;

use super::common::{EXACT, direct, follow};
use crate::response::common::{DAMPING, N, classifier, distance, network};

const STOP: Stop = Stop {
    tolerance: 1e-12,
    decrease: 0.0,
    max_steps: 2_000,
};
/// One away, one half, one twice, one a little less.
const CHANGES: [(usize, f64); 4] = [(4, -1.0), (9, -0.5), (0, 1.0), (7, -0.01)];

fn cost() -> Cost {
    classifier().with_l2(0.03)
}

#[test]
fn a_group_goes_to_its_weights_one_for_each() {
    let cost = cost();
    let responses = Responses::undamped(&cost).unwrap();
    for changes in [
        CHANGES.to_vec(),
        vec![(1, -1.0), (2, -1.0), (8, -1.0)],
        (0..N).map(|i| (i, -0.1 * (i % 3) as f64)).collect(),
    ] {
        let path = follow(&cost, Removal::reweight(changes.clone(), N), EXACT);
        assert!(path.end().is_whole());
        for point in path.points() {
            let share = 1.0 - point.facts.eps;
            let changes = changes.iter().map(|&(i, change)| (i, share * change));
            let removal = Removal::reweight(changes, N);
            let objective = responses.objective(ResponseKind::Retraining, removal);
            let refit = objective.unwrap().minimize(point.theta.zeros_like(), STOP);
            let error = distance(&point.theta, &refit.unwrap().theta);
            assert!(error < 1e-9, "at {}: {error:e}", point.facts.eps);
        }
    }
}

/// The path's derivative is the sum of the partial ones, each times what its weight changes by.
#[test]
fn the_derivative_is_the_sum_of_the_partial_ones() {
    let (cost, solver) = (network().with_l2(0.03), direct());
    let responses = Responses::new(&cost, DAMPING).unwrap();
    for kind in [ResponseKind::Bregman, ResponseKind::Proximal] {
        let objective = responses
            .objective(kind, Removal::reweight(CHANGES, N))
            .unwrap();
        let path = ResponsePath::new(objective, &solver, EXACT).unwrap();
        let followed = path.follow(|_| {}).unwrap();
        for point in [followed.first(), &followed.points()[2], followed.last()] {
            let examples = CHANGES.map(|(example, _)| example);
            let partials = path.partials(point, &examples).unwrap();
            let mut sum = point.theta.zeros_like();
            for (partial, (_, change)) in partials.into_iter().zip(CHANGES) {
                // As `eps` falls from 1 to 0, the weight goes from 1 to `1 + change`.
                sum = sum - partial.unwrap().vector * change;
            }
            assert!(distance(&sum, &point.tangent) < 1e-10, "{kind:?}");
        }
    }
}

/// An example goes, and another comes in its place.
#[test]
fn a_replacement_comes_as_the_other_goes() {
    let (cost, solver) = (cost(), direct());
    let responses = Responses::undamped(&cost).unwrap();
    let other = cost.select(&[1]).unwrap();
    let removal = || Removal::of(vec![6], N);
    let kind = ResponseKind::Retraining;
    let objective = responses.objective(kind, removal()).unwrap();
    let objective = objective.with_added(&other).unwrap();
    let path = ResponsePath::new(objective, &solver, EXACT).unwrap();
    let followed = path.follow(|_| {}).unwrap();
    // Of the examples of the cost: the one that comes is there twice.
    let twice = [(6, -1.0), (1, 1.0)];
    let same = follow(&cost, Removal::reweight(twice, N), EXACT);
    for (a, b) in followed.points().iter().zip(same.points()) {
        assert!(distance(&a.theta, &b.theta) < 1e-10);
        assert!(distance(&a.second, &b.second) < 1e-9);
    }
    let zero: Tensor<1> = followed.last().theta.zeros_like();
    let refit = path.objective(0.0).minimize(zero, STOP).unwrap();
    assert!(distance(&followed.last().theta, &refit.theta) < 1e-9);
}
