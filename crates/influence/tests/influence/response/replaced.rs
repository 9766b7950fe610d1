//! Responses to examples in whose place another is put: the same as of changed data, and their minima.

use backdraft_curvature::Cost;
use backdraft_influence::{
    DirectConfig, Inverse, Solver, replacement_changes,
    response::{Descent, Removal, ResponseKind, ResponseObjective, Responses, Step, Stop},
};
use burn::tensor::Tensor;

use super::common::{DAMPING, INPUTS, N, classifier, distance, inputs, linear, network, norm};
use backdraft_test_support::{classes, host, matrix, random};

const STOP: Stop = Stop {
    tolerance: 1e-12,
    decrease: 0.0,
    max_steps: 2_000,
};
const REPLACED: usize = 4;

/// The inputs and targets of all, with one example moved far.
fn changed(cost: &Cost) -> (Cost, Cost) {
    let mut x = host(inputs());
    for (x, d) in x[REPLACED * INPUTS..][..INPUTS]
        .iter_mut()
        .zip([0.5, -0.8, 0.2])
    {
        *x += d;
    }
    let targets = cost.targets().unwrap();
    let all = cost.with_examples(matrix(&x, INPUTS), targets).unwrap();
    let one = all.select(&[REPLACED]).unwrap();
    (all.with_l2(cost.l2()), one)
}

fn replaced<'a>(responses: &'a Responses, kind: ResponseKind, by: &Cost) -> ResponseObjective<'a> {
    let removal = Removal::of(vec![REPLACED], N);
    let objective = responses.objective(kind, removal).unwrap();
    // Wherever its model is.
    let by = by.at(responses.theta().clone() * 0.5).unwrap();
    objective.with_added(&by).unwrap()
}

#[test]
fn retraining_is_that_of_the_changed_data() {
    let cost = network().with_l2(0.05);
    let (all, one) = changed(&cost);
    let (own, other) = (
        Responses::new(&cost, DAMPING).unwrap(),
        Responses::new(&all, DAMPING).unwrap(),
    );
    let dim = cost.model().dim();
    let theta = cost.model().theta() + random([dim], 51) * 0.3;
    for kind in [ResponseKind::Retraining, ResponseKind::Proximal] {
        let found = replaced(&own, kind, &one);
        let expected = other.objective(kind, Removal::none()).unwrap();
        let (value, gradient) = found.value_and_gradient(&theta).unwrap();
        let (whole, slope) = expected.value_and_gradient(&theta).unwrap();
        assert!((value - whole).abs() < 1e-14 && distance(&gradient, &slope) < 1e-13);
        assert!((found.value(&theta).unwrap() - whole).abs() < 1e-14);
    }
}

#[test]
fn gradients_are_those_of_the_values() {
    let cost = network().with_l2(0.05);
    let (_, one) = changed(&cost);
    let responses = Responses::new(&cost, DAMPING).unwrap();
    let dim = cost.model().dim();
    let theta = cost.model().theta() + random([dim], 51) * 0.3;
    let v = random([dim], 87);
    for kind in [ResponseKind::Bregman, ResponseKind::Linearized] {
        let objective = replaced(&responses, kind, &one);
        let h = 1e-5;
        let at = |sign: f64| objective.value(&(theta.clone() + v.clone() * (sign * h)));
        let central = (at(1.0).unwrap() - at(-1.0).unwrap()) / (2.0 * h);
        let (_, gradient) = objective.value_and_gradient(&theta).unwrap();
        let along: f64 = host(gradient * v.clone()).iter().sum();
        // Truncation is h^2 times a third derivative of about 100; rounding 1e-16 / h.
        assert!((along - central).abs() < 1e-9, "{kind:?} {along} {central}");
    }
}

/// The linearised response is what is predicted, to the bit of the solver.
#[test]
fn the_linearised_minimum_is_the_prediction() {
    let cost = network();
    let (_, one) = changed(&cost);
    let responses = Responses::new(&cost, DAMPING).unwrap();
    let objective = replaced(&responses, ResponseKind::Linearized, &one);
    let found = objective.minimize(responses.theta().clone(), STOP).unwrap();
    let matrix = cost.gauss_newton().damped(DAMPING);
    let solver = DirectConfig::default().init().unwrap();
    let ready = solver.prepare(&matrix).unwrap();
    let change = replacement_changes(&cost, &*ready, &[REPLACED], &one).unwrap();
    let change = change.into_iter().next().unwrap().unwrap().vector;
    let moved = found.theta - responses.theta().clone();
    assert!(distance(&moved, &change) < 1e-9);
}

/// Least squares at its minimum: retraining with the example replaced, from where it was and by hand.
#[test]
fn the_minimum_of_least_squares_is_that_of_the_changed_data() {
    let cost = linear().with_l2(0.1);
    let (all, one) = changed(&cost);
    let newton = |cost: &Cost| -> Tensor<1> {
        let hessian = cost.hessian();
        let step = DirectConfig::default().init().unwrap();
        let step = step.factor(&hessian).unwrap();
        let step = step.solve(cost.gradient().unwrap()).unwrap().vector;
        cost.model().theta() - step
    };
    let trained = cost.at(newton(&cost)).unwrap();
    let responses = Responses::new(&trained, 0.0).unwrap();
    let objective = replaced(&responses, ResponseKind::Retraining, &one);
    let found = objective.minimize(responses.theta().clone(), STOP).unwrap();
    assert!(distance(&found.theta, &newton(&all)) < 1e-10);
}

/// A descent whose only batch is all examples is gradient descent on the whole objective.
#[test]
fn batches_have_the_added_examples_too() {
    let cost = classifier().with_l2(0.02);
    let one = cost
        .with_examples(random([1, INPUTS], 3), classes(&[2]))
        .unwrap();
    let responses = Responses::new(&cost, DAMPING).unwrap();
    let start = cost.model().theta() + random([cost.model().dim()], 13) * 0.2;
    for kind in [
        ResponseKind::Retraining,
        ResponseKind::Proximal,
        ResponseKind::Bregman,
        ResponseKind::Linearized,
    ] {
        let objective = replaced(&responses, kind, &one);
        let step = Step {
            rate: 0.1,
            examples: (0..N).rev().collect(),
        };
        let descent = Descent::Sgd { momentum: 0.0 };
        let found = objective.descend(start.clone(), descent, vec![step], |_| {});
        let moved = found.unwrap().theta - start.clone();
        let (_, gradient) = objective.value_and_gradient(&start).unwrap();
        assert!(norm(gradient.clone()) > 1e-3);
        // Two sums of the same terms in another order.
        assert!(distance(&moved, &(gradient * -0.1)) < 1e-12, "{kind:?}");
    }
}
