//! One step, where it is all that there is to do: least squares.

use backdraft_curvature::{Cost, Model, SquaredError};
use backdraft_influence::{
    DirectConfig,
    response::Removal,
    unlearn::{
        Checkpoints, DescentState, OneShot, ShuffledBatches, UnlearnError, WeightedDescent,
        one_shot,
    },
};
use backdraft_test_support::{matrix, numbers};

use super::{
    super::response::common::layer,
    common::{apart, config, forward},
};

const N: usize = 16;
const L2: f64 = 0.2;

fn squares() -> Cost {
    let model = Model::new(&layer(3, 2), forward).unwrap();
    let (x, y) = (numbers(N * 3, 1), numbers(N * 2, 2));
    Cost::new(model, SquaredError, matrix(&x, 3), matrix(&y, 2))
        .unwrap()
        .with_l2(L2)
}

/// Of the objective that `removal` leaves.
fn minimum(cost: &Cost, removal: &Removal) -> burn::Tensor<1> {
    let descent = WeightedDescent::new(cost, removal, config(None)).unwrap();
    let plan = ShuffledBatches::new(N, N, 0.7, 0).unwrap();
    let start = DescentState::start(cost.model().theta());
    let kept = Checkpoints::train(&descent, start, &plan, 500, &[]).unwrap();
    kept.trained().unwrap().theta.clone()
}

#[test]
fn a_newton_step_on_least_squares_forgets_all() {
    let cost = squares();
    let cost = cost.at(minimum(&cost, &Removal::none())).unwrap();
    let removal = Removal::of(vec![0, 5, 11], N);
    let without = minimum(&cost, &removal);
    let moved = apart(&cost.model().theta(), &without);
    let matrix = cost.hessian().damped(0.0);
    let solver = DirectConfig::default().init().unwrap();
    let found = |kind| one_shot(kind, &cost, &matrix, &solver, &removal).unwrap().0;
    // The minimum is known to rounding by 500 steps, which contract by 0.86 each.
    assert!(apart(&found(OneShot::Newton), &without) < 1e-12 * moved);
    // Influence leaves out that the curvature goes with the examples: a part of the move, not all.
    let left = apart(&found(OneShot::Influence), &without) / moved;
    assert!(left > 0.05 && left < 0.7, "{left}");
}

#[test]
fn what_cannot_be_forgotten_is_refused() {
    let cost = squares();
    let matrix = cost.gauss_newton().damped(0.1);
    let solver = DirectConfig::default().init().unwrap();
    for kind in [OneShot::Influence, OneShot::Newton] {
        let with = |examples| one_shot(kind, &cost, &matrix, &solver, &Removal::of(examples, N));
        assert!(matches!(
            with(vec![N]),
            Err(UnlearnError::Example { index: N, len: N })
        ));
        assert!(matches!(
            with(vec![1, 1]),
            Err(UnlearnError::Setting { .. })
        ));
        assert!(matches!(
            with((0..N).collect()),
            Err(UnlearnError::Setting { .. })
        ));
    }
}
