//! Weights that are changed, one an example: predictions against single ones, responses against normal equations.

use backdraft_curvature::LinearOperator;
use backdraft_influence::{
    DirectConfig, ResponseError, SolveError, Solver,
    response::{Descent, Removal, ResponseKind, Responses, Step, Stop, estimate, estimate_all},
};
use backdraft_test_support::{host, random};
use burn::tensor::Tensor;

use super::common::{DAMPING, N, classifier, distance, linear, network, norm};

/// Of some examples: one away, one half, one twice, one a little less, one that stays.
const CHANGES: [(usize, f64); 5] = [(4, -1.0), (9, -0.5), (0, 1.0), (7, -0.01), (2, 0.0)];
const STOP: Stop = Stop {
    tolerance: 1e-11,
    decrease: 0.0,
    max_steps: 500,
};

fn changed() -> Removal {
    Removal::reweight(CHANGES, N)
}

#[test]
fn changes_are_what_is_taken_off() {
    let taken: Vec<(usize, f64)> = changed().weights().collect();
    for ((example, taken), (expected, change)) in taken.into_iter().zip(CHANGES) {
        assert_eq!(example, expected);
        assert!((taken + change / N as f64).abs() < 1e-17);
    }
    // Of one weight for all it is the removal itself, to the bit.
    let all = [(3, -1.0), (5, -1.0)];
    assert_eq!(Removal::reweight(all, N), Removal::of(vec![3, 5], N));
    let none: [(usize, f64); 0] = [];
    assert!(Removal::reweight(none, N).is_none() && Removal::reweight([(1, 0.0)], N).is_none());
}

/// Linear in the weights: the sum of single estimates, each times its own change.
#[test]
fn a_prediction_is_the_sum_of_single_ones() {
    for cost in [classifier().with_l2(0.05), network()] {
        let matrix = cost.gauss_newton().damped(DAMPING);
        let solver = DirectConfig::default().init().unwrap();
        let inverse = solver.prepare(&matrix).unwrap();
        let single = |example: usize| {
            let removal = Removal::of(vec![example], N);
            estimate(&cost, &*inverse, &removal).unwrap().vector
        };
        let sum = |changes: &[(usize, f64)]| {
            let zero = cost.model().theta().zeros_like();
            let add =
                |sum: Tensor<1>, &(example, change): &(usize, f64)| sum - single(example) * change;
            changes.iter().fold(zero, add)
        };
        let other = [(9, 2.0), (11, -3.0), (4, 0.25)];
        let groups = [
            changed(),
            Removal::of(vec![1, 9], N),
            Removal::reweight(other, N),
            Removal::none(),
        ];
        let found = estimate_all(&cost, &*inverse, &groups).unwrap();
        let found: Vec<_> = found.into_iter().map(|it| it.unwrap().vector).collect();
        // Rounding of dense solves.
        assert!(distance(&found[0], &sum(&CHANGES)) < 1e-12);
        assert!(distance(&found[1], &sum(&[(1, -1.0), (9, -1.0)])) < 1e-12);
        assert!(distance(&found[2], &sum(&other)) < 1e-12);
        assert_eq!(norm(found[3].clone()), 0.0);
    }
}

/// For a linear model with squared error every objective is a quadratic, whose minimum is a Newton step away:
/// `(A - sum of eps_z H_z) d = sum of eps_z grad L(z)`, less the gradient where the network is not trained to its end.
#[test]
fn responses_solve_the_normal_equations() {
    let cost = linear().with_l2(0.02);
    let responses = Responses::new(&cost, DAMPING).unwrap();
    for kind in [
        ResponseKind::Retraining,
        ResponseKind::Proximal,
        ResponseKind::Bregman,
        ResponseKind::Linearized,
    ] {
        let objective = responses.objective(kind, changed()).unwrap();
        let theta = objective.theta().clone();
        let moved = objective.minimize(theta.clone(), STOP).unwrap().theta - theta;
        let damping = match kind {
            ResponseKind::Retraining => 0.0,
            _ => DAMPING,
        };
        let mut left = cost
            .gauss_newton()
            .damped(damping)
            .product(moved.clone())
            .unwrap();
        let mut right = match kind {
            ResponseKind::Retraining | ResponseKind::Proximal => -cost.gradient().unwrap(),
            ResponseKind::Bregman | ResponseKind::Linearized => moved.zeros_like(),
        };
        for (example, taken) in changed().weights() {
            let one = cost.select(&[example]).unwrap();
            right = right + one.gradient().unwrap() * taken;
            if kind != ResponseKind::Linearized {
                left = left - one.gauss_newton().product(moved.clone()).unwrap() * taken;
            }
        }
        // Gradients of 1e-11 of the first.
        assert!(
            distance(&left, &right) < 1e-9,
            "{kind:?}: {:e}",
            distance(&left, &right)
        );
    }
}

/// Value and gradient of the objectives of a network, by each example's own loss.
#[test]
fn every_loss_counts_by_its_weight() {
    let cost = network().with_l2(0.05);
    let responses = Responses::new(&cost, DAMPING).unwrap();
    let theta = cost.model().theta() + random([cost.model().dim()], 13) * 0.2;
    for kind in [
        ResponseKind::Retraining,
        ResponseKind::Proximal,
        ResponseKind::Bregman,
    ] {
        let of = |removal| {
            let objective = responses.objective(kind, removal).unwrap();
            let (value, gradient) = objective.value_and_gradient(&theta).unwrap();
            assert!((objective.value(&theta).unwrap() - value).abs() < 1e-14);
            (value, gradient)
        };
        let (mut value, mut gradient) = of(Removal::none());
        for (example, taken) in changed().weights() {
            let one = cost.select(&[example]).unwrap().at(theta.clone()).unwrap();
            value -= taken * host(one.losses().unwrap())[0];
            gradient = gradient - one.gradient().unwrap() * taken;
        }
        let (found, slope) = of(changed());
        assert!((found - value).abs() < 1e-14, "{kind:?}: {found} {value}");
        assert!(distance(&slope, &gradient) < 1e-13, "{kind:?}");
    }
}

/// A batch of all examples has all that are weighed, each with its weight: a step is the gradient.
#[test]
fn batches_weigh_examples_as_the_whole_does() {
    let cost = network().with_l2(0.05);
    let responses = Responses::new(&cost, DAMPING).unwrap();
    let start = cost.model().theta() + random([cost.model().dim()], 13) * 0.2;
    const RATE: f64 = 1e-3;
    for kind in [
        ResponseKind::Proximal,
        ResponseKind::Bregman,
        ResponseKind::Linearized,
    ] {
        let objective = responses.objective(kind, changed()).unwrap();
        let step = |examples: Vec<usize>| Step {
            rate: RATE,
            examples,
        };
        let descend = |steps: Vec<Step>| {
            let descent = Descent::Sgd { momentum: 0.0 };
            let found = objective.descend(start.clone(), descent, steps, |_| {});
            found.unwrap().theta - start.clone()
        };
        let whole = objective.value_and_gradient(&start).unwrap().1;
        let all = descend(vec![step((0..N).collect())]) / -RATE;
        assert!(distance(&all, &whole) < 1e-11, "{kind:?}");
    }
}

#[test]
fn weights_that_make_no_sense_are_refused() {
    let cost = network();
    let responses = Responses::new(&cost, DAMPING).unwrap();
    let refused = |changes: &[(usize, f64)]| {
        let removal = Removal::reweight(changes.to_vec(), N);
        let error = responses.objective(ResponseKind::Bregman, removal).err();
        error.expect("it makes no sense")
    };
    for wrong in [f64::NAN, f64::INFINITY] {
        let error = refused(&[(1, -1.0), (2, wrong)]);
        assert!(
            matches!(
                error,
                ResponseError::Setting {
                    name: "epsilon",
                    ..
                }
            ),
            "{error}"
        );
        let matrix = cost.gauss_newton().damped(DAMPING);
        let solver = DirectConfig::default().init().unwrap();
        let inverse = solver.prepare(&matrix).unwrap();
        let removal = Removal::reweight([(1, -1.0), (2, wrong)], N);
        let error = estimate(&cost, &*inverse, &removal).err();
        assert!(matches!(
            error,
            Some(SolveError::Setting {
                name: "epsilon",
                ..
            })
        ));
    }
    assert!(
        refused(&[(1, -1.0), (1, 1.0)])
            .to_string()
            .contains("the example 1 twice")
    );
    assert!(refused(&[(N, -1.0), (1, 1.0)]).to_string().contains("12"));
    let all: Vec<(usize, f64)> = (0..N).map(|i| (i, -1.0 - i as f64)).collect();
    assert!(refused(&all).to_string().contains("takes away 12 of 12"));
    // All of them may change as long as something stays.
    let all: Vec<(usize, f64)> = (0..N).map(|i| (i, -0.1 * (i % 3) as f64)).collect();
    let objective = responses.objective(ResponseKind::Bregman, Removal::reweight(all, N));
    let objective = objective.unwrap();
    assert!(objective.minimize(responses.theta().clone(), STOP).is_ok());
    // What takes one weight for all says so.
    let error = objective.with_added(&cost.select(&[0]).unwrap()).err();
    assert!(error.unwrap().to_string().contains("one for each example"));
}
