//! The proximal Bregman response against closed forms and its own optimality.

use backdraft_curvature::{Cost, CrossEntropy, LinearOperator, Model};
use backdraft_influence::{
    DirectConfig, Pbrf, PbrfConfig, ResponseError, Solver, parameter_change, response::Bregman,
};

use burn::{
    nn::Linear,
    tensor::{Device, Int, Tensor, TensorData},
};

use super::common::{DAMPING, INPUTS, N, distance, inputs, layer, linear, network, norm};
use backdraft_test_support::{host, random};

#[test]
fn the_divergence_is_zero_and_minimal_at_the_reference() {
    let cost = network();
    let divergence = Bregman::of(&cost).unwrap();
    // Exact up to rounding: the same losses are subtracted.
    assert!(
        host(divergence.losses().unwrap())
            .iter()
            .all(|d| d.abs() < 1e-15)
    );
    assert!(norm(divergence.gradient().unwrap()) < 1e-16);
    let step = random([cost.model().dim()], 51);
    let away = divergence.at(cost.model().theta() + step).unwrap();
    assert!(host(away.losses().unwrap()).iter().all(|&d| d >= 0.0));
}

#[test]
fn the_divergence_has_the_gradient_of_its_values() {
    let cost = network();
    let divergence = Bregman::of(&cost).unwrap();
    let dim = cost.model().dim();
    let (theta, v) = (
        cost.model().theta() + random([dim], 51) * 0.3,
        random([dim], 87),
    );
    let h = 1e-5;
    let value = |sign: f64| {
        let moved = divergence
            .at(theta.clone() + v.clone() * (sign * h))
            .unwrap();
        host(moved.value_and_gradient().unwrap().0)[0]
    };
    let central = (value(1.0) - value(-1.0)) / (2.0 * h);
    let gradient = divergence.at(theta.clone()).unwrap().gradient().unwrap();
    let along: f64 = host(gradient * v.clone()).iter().sum();
    // Truncation is h^2 times a third derivative that grows with |v|^3, about 100; rounding 1e-16 / h.
    assert!((along - central).abs() < 1e-9, "{along} {central}");
}

#[test]
fn for_a_linear_model_it_is_its_closed_form() {
    // (G + lambda I - eps H_z) delta = eps grad L(z): the objective is quadratic.
    let cost = linear();
    let config = PbrfConfig {
        tolerance: 1e-11,
        ..PbrfConfig::new(DAMPING)
    };
    let pbrf = Pbrf::new(&cost, config).unwrap();
    let epsilon = 1.0 / N as f64;
    for removed in [0, 7] {
        let delta = pbrf.remove(removed).unwrap().theta - cost.model().theta();
        let one = cost.select(&[removed]).unwrap();
        let left = cost
            .gauss_newton()
            .damped(DAMPING)
            .apply(delta.clone())
            .unwrap()
            - one.gauss_newton().apply(delta).unwrap() * epsilon;
        let right = one.gradient().unwrap() * epsilon;
        let error = norm(left - right.clone()) / norm(right);
        assert!(error < 1e-10, "{error:e}");
    }
}

fn gap(cost: &Cost, epsilon: f64, removed: usize) -> f64 {
    let config = PbrfConfig {
        epsilon: Some(epsilon),
        tolerance: 1e-9,
        ..PbrfConfig::new(DAMPING)
    };
    let response = Pbrf::new(cost, config).unwrap().remove(removed).unwrap();
    let actual = response.theta - cost.model().theta();
    let solver = DirectConfig::default().init().unwrap();
    let matrix = cost.gauss_newton().damped(DAMPING);
    let ready = solver.prepare(&matrix).unwrap();
    // `parameter_change` predicts for epsilon = 1/N, and is linear in it.
    let predicted = parameter_change(cost, &*ready, removed).unwrap() * (epsilon * N as f64);
    norm(actual.clone() - predicted) / norm(actual)
}

#[test]
fn influence_is_its_first_order_in_epsilon() {
    let cost = network();
    let (coarse, fine) = (gap(&cost, 1e-3, 4), gap(&cost, 1e-4, 4));
    // The relative gap is of first order itself: ten times less for a tenth of epsilon.
    assert!(
        coarse < 0.05 && (fine / coarse - 0.1).abs() < 0.01,
        "{coarse} {fine}"
    );
}

#[test]
fn an_l2_term_is_a_proximal_term_too() {
    let (cost, config) = (network(), |damping| PbrfConfig {
        tolerance: 1e-10,
        decrease: 0.0,
        ..PbrfConfig::new(damping)
    });
    let minimum = |cost: &Cost, damping| {
        let response = Pbrf::new(cost, config(damping)).unwrap().remove(5);
        response.unwrap().theta - cost.model().theta()
    };
    let plain = minimum(&cost, DAMPING);
    let shared = minimum(&cost.clone().with_l2(0.4 * DAMPING), 0.6 * DAMPING);
    assert!(norm(shared - plain.clone()) < 1e-9 * norm(plain));
}

#[test]
fn without_removal_nothing_moves() {
    let cost = network();
    let config = PbrfConfig {
        epsilon: Some(0.0),
        ..PbrfConfig::new(DAMPING)
    };
    let response = Pbrf::new(&cost, config).unwrap().remove(3).unwrap();
    assert!(norm(response.theta - cost.model().theta()) < 1e-14);
}

/// A class that is ruled out has the output -inf at the reference too: the response is that of a network without it.
#[test]
fn a_class_may_be_ruled_out() {
    let labels: Vec<i64> = (0..N as i64).map(|i| (i * i + 1) % 2).collect();
    let labels = Tensor::<1, Int>::from_data(TensorData::new(labels, [N]), &Device::flex());
    let response = |ruled_out: bool| {
        let forward = move |layer: &Linear, x: Tensor<2>| {
            let y = layer.forward(x);
            let third = Tensor::<1, Int>::arange(0..3, &y.device()).equal_elem(2);
            match ruled_out {
                true => y
                    .clone()
                    .mask_fill(third.unsqueeze::<2>().expand(y.dims()), f64::NEG_INFINITY),
                false => y.narrow(1, 0, 2),
            }
        };
        let model = Model::new(&layer(INPUTS, 3), forward).unwrap();
        let cost = Cost::new(model, CrossEntropy, inputs(), labels.clone()).unwrap();
        let config = PbrfConfig {
            tolerance: 1e-10,
            ..PbrfConfig::new(DAMPING)
        };
        let divergence = Bregman::of(&cost).unwrap();
        let gradient = divergence
            .at(cost.model().theta() * 1.5)
            .unwrap()
            .gradient();
        let response = Pbrf::new(&cost, config).unwrap().remove(3).unwrap();
        (gradient.unwrap(), response.theta)
    };
    let ((gradient, theta), (expected_gradient, expected)) = (response(true), response(false));
    assert!(distance(&gradient, &expected_gradient) < 1e-13);
    // Gradients of 1e-10 over a curvature of at least the damping.
    assert!(distance(&theta, &expected) < 1e-8);
}

#[test]
fn settings_and_examples_are_checked() {
    let cost = linear();
    let refused =
        |config: PbrfConfig| matches!(Pbrf::new(&cost, config), Err(ResponseError::Setting { .. }));
    assert!(refused(PbrfConfig::new(0.0)));
    assert!(refused(PbrfConfig::new(f64::NAN)));
    assert!(refused(PbrfConfig {
        tolerance: 1.5,
        ..PbrfConfig::new(1.0)
    }));
    assert!(refused(PbrfConfig {
        epsilon: Some(f64::INFINITY),
        ..PbrfConfig::new(1.0)
    }));
    let pbrf = Pbrf::new(&cost, PbrfConfig::new(DAMPING)).unwrap();
    assert!(matches!(pbrf.remove(N), Err(ResponseError::Curvature(_))));
    let hasty = PbrfConfig {
        tolerance: 1e-12,
        max_steps: 1,
        ..PbrfConfig::new(DAMPING)
    };
    match Pbrf::new(&cost, hasty).unwrap().remove(0) {
        Err(ResponseError::NotConverged {
            steps: 1, minimum, ..
        }) => {
            assert!(minimum.relative_gradient() < 1.0);
        }
        other => panic!("{other:?}"),
    }
}
