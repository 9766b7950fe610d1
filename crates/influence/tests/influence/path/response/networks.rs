//! Networks that are at no minimum of their cost: the Bregman objective.

use backdraft_influence::{
    path::{PathConfig, PathPoint, ResponsePath},
    response::{Removal, ResponseKind, Responses, Stop},
};
use backdraft_test_support::host;
use burn::tensor::{Tensor, TensorData};

use super::common::{EXACT, after, direct};
use crate::response::common::{DAMPING, N, distance, network};

const STOP: Stop = Stop {
    tolerance: 1e-10,
    decrease: 0.0,
    max_steps: 2_000,
};

#[test]
fn the_bregman_path_begins_at_the_trained_parameters_and_ends_at_the_pbrf() {
    let (cost, solver) = (network().with_l2(0.01), direct());
    let responses = Responses::new(&cost, DAMPING).unwrap();
    let removal = Removal::of(vec![2], N);
    let objective = responses.objective(ResponseKind::Bregman, removal.clone());
    let path = ResponsePath::new(objective.unwrap(), &solver, EXACT).unwrap();
    let followed = path.follow(|_| {}).unwrap();
    assert!(followed.end().is_whole());
    let first = followed.first();
    assert_eq!(host(first.theta.clone()), host(cost.model().theta()));
    assert_eq!(first.facts.corrections, 0);
    let objective = responses.objective(ResponseKind::Bregman, removal).unwrap();
    let minimum = objective.minimize(cost.model().theta(), STOP).unwrap();
    let error = distance(&followed.last().theta, &minimum.theta);
    // 1e-10 of the example's gradient over a curvature of at least 0.11.
    assert!(error < 1e-9, "{error:e}");
}

/// The derivatives hold for a network whose Hessian changes, with the third derivative of all layers in them.
#[test]
fn the_second_derivative_is_that_of_the_path() {
    let (cost, solver) = (network().with_l2(0.01), direct());
    let responses = Responses::new(&cost, DAMPING).unwrap();
    let config = PathConfig {
        steps: 1_000,
        tolerance: 1e-12,
        ..EXACT
    };
    for kind in [ResponseKind::Bregman, ResponseKind::Proximal] {
        let objective = responses.objective(kind, Removal::of(vec![2, 5], N));
        let path = ResponsePath::new(objective.unwrap(), &solver, config.clone()).unwrap();
        let first = path.start().unwrap();
        let middle = after(&path, &first);
        let last = after(&path, &middle);
        let second = (first.tangent - last.tangent) * 500.0;
        assert!(distance(&second, &middle.second) < 1e-5, "{kind:?}");
    }
}

/// A point that was written and read again goes on to the same bits.
#[test]
fn a_point_decides_what_comes_after_it() {
    let (cost, solver) = (network().with_l2(0.01), direct());
    let responses = Responses::new(&cost, DAMPING).unwrap();
    let objective = || {
        responses
            .objective(ResponseKind::Bregman, Removal::of(vec![2], N))
            .unwrap()
    };
    let path = ResponsePath::new(objective(), &solver, EXACT).unwrap();
    let first = after(&path, &path.start().unwrap());
    let again = |v: &Tensor<1>| {
        let numbers = host(v.clone());
        let count = numbers.len();
        Tensor::<1>::from_data(TensorData::new(numbers, [count]), (&v.device(), v.dtype()))
    };
    let copy = PathPoint {
        theta: again(&first.theta),
        tangent: again(&first.tangent),
        second: again(&first.second),
        facts: first.facts.clone(),
    };
    let other = ResponsePath::new(objective(), &solver, EXACT).unwrap();
    let (a, b) = (after(&path, &first), after(&other, &copy));
    assert_eq!(host(a.theta), host(b.theta));
    assert_eq!(host(a.second), host(b.second));
    assert_eq!(a.facts, b.facts);
}
