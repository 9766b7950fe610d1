//! Gradient flow against closed forms, fine Euler steps and minima.

use backdraft_dense::{DenseMatrix, Eigen};
use backdraft_influence::{
    path::{FlowPath, GradientFlow, GradientFlowConfig},
    response::{Removal, ResponseKind, ResponseObjective, Responses, Stop},
};
use backdraft_test_support::{host, random, relative_error};

use crate::response::common::{INPUTS, N, classifier, inputs, linear, network};

pub(super) const L2: f64 = 0.05;

pub(super) fn flow(tolerance: f64) -> GradientFlow {
    let config = GradientFlowConfig {
        relative_tolerance: tolerance,
        absolute_tolerance: tolerance,
        ..GradientFlowConfig::default()
    };
    config.init().unwrap()
}

pub(super) fn objective(responses: &Responses, removal: Removal) -> ResponseObjective<'_> {
    let kind = ResponseKind::Retraining;
    responses.objective(kind, removal).unwrap()
}

pub(super) fn end(path: &FlowPath) -> Vec<f64> {
    host(path.states.last().unwrap().theta.clone())
}

/// Gradient flow of least squares with a weight an example, in closed form:
/// `theta* + V exp(-t values) V' (theta_0 - theta*)`.
struct Quadratic {
    eigen: Eigen,
    minimum: Vec<f64>,
}

impl Quadratic {
    fn new(weights: impl Fn(usize) -> f64) -> Self {
        let (x, y) = (host(inputs()), host(random::<2>([N, 1], 19)));
        let dim = INPUTS + 1;
        let column = |i: usize, j: usize| if j < INPUTS { x[i * INPUTS + j] } else { 1.0 };
        let sum =
            |of: &dyn Fn(usize) -> f64| (0..N).map(|i| weights(i) * of(i)).sum::<f64>() / N as f64;
        let hessian = DenseMatrix::from_fn(dim, dim, |a, b| {
            let diagonal = if a == b { L2 } else { 0.0 };
            sum(&|i| column(i, a) * column(i, b)) + diagonal
        });
        let pull: Vec<f64> = (0..dim).map(|a| sum(&|i| column(i, a) * y[i])).collect();
        let eigen = Eigen::new(&hessian).unwrap();
        let minimum = apply(&eigen, &pull, |value| 1.0 / value);
        Self { eigen, minimum }
    }

    fn at(&self, time: f64, from: &[f64]) -> Vec<f64> {
        let apart: Vec<f64> = from.iter().zip(&self.minimum).map(|(a, b)| a - b).collect();
        let moved = apply(&self.eigen, &apart, |value| (-value * time).exp());
        moved
            .iter()
            .zip(&self.minimum)
            .map(|(a, b)| a + b)
            .collect()
    }
}

/// `V f(values) V' v`.
fn apply(eigen: &Eigen, v: &[f64], function: impl Fn(f64) -> f64) -> Vec<f64> {
    let dim = v.len();
    let mut result = vec![0.0; dim];
    for (k, value) in eigen.values.iter().enumerate() {
        let row = eigen.vectors.row(k);
        let part = function(*value) * row.iter().zip(v).map(|(a, b)| a * b).sum::<f64>();
        result
            .iter_mut()
            .zip(row)
            .for_each(|(it, x)| *it += part * x);
    }
    result
}

#[test]
fn a_quadratic_flows_as_the_matrix_exponential_says() {
    let cost = linear().with_l2(L2);
    let responses = Responses::undamped(&cost).unwrap();
    let start = random::<1>([INPUTS + 1], 3) * 2.0;
    let times = [0.0, 0.3, 1.0, 1.0, 7.0, 40.0];
    for epsilon in [1.0, 0.25, 0.0] {
        let closed = Quadratic::new(|i| if i == 4 { epsilon } else { 1.0 });
        let removal = Removal::downweight(vec![4], (1.0 - epsilon) / N as f64);
        let objective = objective(&responses, removal);
        let path = flow(1e-10)
            .follow(&objective, start.clone(), &times)
            .unwrap();
        assert_eq!(path.states.len(), times.len());
        for (state, time) in path.states.iter().zip(times) {
            assert_eq!(state.time, time);
            let expected = closed.at(time, &host(start.clone()));
            let error = relative_error(&host(state.theta.clone()), &expected);
            // A few times the tolerance of a step, for what errors a flow brings down again.
            assert!(error < 1e-9, "eps {epsilon}, time {time}: {error:.1e}");
            // What is told of the place is of the place.
            let (value, gradient) = objective.value_and_gradient(&state.theta).unwrap();
            assert_eq!(state.value, value);
            let norm = backdraft_test_support::norm(&host(gradient));
            assert!((state.gradient_norm - norm).abs() <= 1e-12 * norm);
        }
        // A time that comes twice is one place.
        let [twice, again] = [2, 3].map(|it| host(path.states[it].theta.clone()));
        assert_eq!(twice, again);
        assert_eq!(path.evaluations, 2 + 6 * (path.steps + path.rejected));
    }
}

/// Of a method of fifth order steps get longer with the fifth root of the tolerance, and errors follow it.
#[test]
fn errors_and_steps_follow_the_tolerance() {
    let cost = linear().with_l2(L2);
    let responses = Responses::undamped(&cost).unwrap();
    let objective = objective(&responses, Removal::none());
    let start = random::<1>([INPUTS + 1], 3) * 2.0;
    let expected = Quadratic::new(|_| 1.0).at(5.0, &host(start.clone()));
    let run = |tolerance: f64| {
        let path = flow(tolerance)
            .follow(&objective, start.clone(), &[5.0])
            .unwrap();
        (relative_error(&end(&path), &expected), path.steps as f64)
    };
    let (coarse, few) = run(1e-6);
    let (fine, many) = run(1e-11);
    assert!(coarse < 1e-5 && fine < 1e-10, "{coarse:.1e} {fine:.1e}");
    let orders = (coarse / fine).log10();
    assert!((4.0..6.0).contains(&orders), "{orders}");
    let ratio = many / few;
    // The fifth root of 1e5 is 10; the first steps, which are being looked for, blur it.
    assert!((6.0..12.0).contains(&ratio), "{ratio}");
}

/// `theta(T, s)`: with all data until `s`, without an example from there on.
#[test]
fn a_switch_of_data_is_two_exponentials() {
    let cost = linear().with_l2(L2);
    let responses = Responses::undamped(&cost).unwrap();
    let with = objective(&responses, Removal::none());
    let start = random::<1>([INPUTS + 1], 8);
    let groups = [vec![6], vec![1, 4, 9]];
    for group in groups {
        let without = objective(&responses, Removal::of(group.clone(), N));
        let [all, rest] = [
            Quadratic::new(|_| 1.0),
            Quadratic::new(|i| if group.contains(&i) { 0.0 } else { 1.0 }),
        ];
        let switches = [0.0, 0.5, 3.0, 20.0];
        let before = flow(1e-8).follow(&with, start.clone(), &switches).unwrap();
        for state in &before.states {
            let ends = [state.time, state.time + 2.0, 400.0];
            let after = flow(1e-8).switch(&without, state, &ends).unwrap();
            // Without time for it, the switch does nothing: s = T.
            assert_eq!(
                host(after.states[0].theta.clone()),
                host(state.theta.clone())
            );
            let until = all.at(state.time, &host(start.clone()));
            for found in &after.states {
                let expected = rest.at(found.time - state.time, &until);
                let error = relative_error(&host(found.theta.clone()), &expected);
                assert!(
                    error < 1e-7,
                    "s {}, T {}: {error:.1e}",
                    state.time,
                    found.time
                );
            }
            // For T without end it is the minimum without the examples, whatever s; exp(-400 * 0.05) is left of the way.
            let error = relative_error(&end(&after), &rest.minimum);
            assert!(error < 1e-7, "s {}: {error:.1e}", state.time);
        }
    }
}

/// Euler's steps have an error of first order, of which twice as many steps take off half: what is left is of second.
#[test]
fn a_network_flows_as_fine_steps_of_euler_do() {
    let cost = network().with_l2(0.01);
    let responses = Responses::undamped(&cost).unwrap();
    let objective = objective(&responses, Removal::of(vec![5], N));
    let start = cost.model().theta();
    let time = 2.0;
    let euler = |steps: usize| {
        let mut theta = start.clone();
        for _ in 0..steps {
            let (_, gradient) = objective.value_and_gradient(&theta).unwrap();
            theta = theta - gradient * (time / steps as f64);
        }
        host(theta)
    };
    let [coarse, fine] = [400, 800].map(euler);
    let expected: Vec<f64> = coarse.iter().zip(&fine).map(|(a, b)| 2.0 * b - a).collect();
    let path = flow(1e-9)
        .follow(&objective, start.clone(), &[time])
        .unwrap();
    let found = end(&path);
    let first = relative_error(&fine, &found);
    let second = relative_error(&expected, &found);
    assert!(first < 1e-3 && second < 2e-6, "{first:.1e} {second:.1e}");
    assert!(second < first / 100.0, "{first:.1e} {second:.1e}");
    // It has gone somewhere, and down.
    assert!(relative_error(&found, &host(start.clone())) > 0.1);
    assert!(path.states[0].value < objective.value(&start).unwrap() - 0.01);
}

#[test]
fn a_flow_ends_in_the_minimum() {
    let stop = Stop {
        tolerance: 1e-10,
        decrease: 0.0,
        max_steps: 500,
    };
    for cost in [linear().with_l2(L2), classifier().with_l2(L2)] {
        let responses = Responses::undamped(&cost).unwrap();
        let objective = objective(&responses, Removal::of(vec![2], N));
        let start = cost.model().theta();
        let minimum = objective.minimize(start.clone(), stop).unwrap();
        let path = flow(1e-9).follow(&objective, start, &[500.0]).unwrap();
        let error = relative_error(&end(&path), &host(minimum.theta));
        // exp(-500 * 0.05) of the way is left.
        assert!(error < 1e-8, "{error:.1e}");
        assert!(path.states[0].gradient_norm < 1e-8);
    }
}

/// Every kind of objective flows to its minimum.
#[test]
fn proximal_bregman_objectives_flow_too() {
    let cost = network().with_l2(0.01);
    let responses = Responses::new(&cost, 0.1).unwrap();
    let removal = Removal::of(vec![3], N);
    let objective = responses.objective(ResponseKind::Bregman, removal).unwrap();
    let start = responses.theta().clone();
    let stop = Stop {
        tolerance: 1e-9,
        decrease: 0.0,
        max_steps: 500,
    };
    let minimum = objective.minimize(start.clone(), stop).unwrap();
    let path = flow(1e-9).follow(&objective, start, &[200.0]).unwrap();
    let error = relative_error(&end(&path), &host(minimum.theta));
    assert!(error < 1e-7, "{error:.1e}");
}

#[test]
fn the_homotopy_has_a_path_for_every_weight() {
    let cost = classifier().with_l2(L2);
    let responses = Responses::undamped(&cost).unwrap();
    let (start, times, method) = (cost.model().theta(), [0.5, 4.0], flow(1e-7));
    let weights = [1.0, 0.5, 0.0];
    let surface = method
        .surface(&responses, &[7], &weights, &start, &times)
        .unwrap();
    assert_eq!(surface.len(), weights.len());
    for (path, removal) in [
        (&surface[0], Removal::none()),
        (&surface[2], Removal::of(vec![7], N)),
    ] {
        let alone = method.follow(&objective(&responses, removal), start.clone(), &times);
        let alone = alone.unwrap();
        for (a, b) in path.states.iter().zip(&alone.states) {
            // The weight 1 takes 0 off, which may round otherwise than taking nothing off.
            let error = relative_error(&host(a.theta.clone()), &host(b.theta.clone()));
            assert!(error < 1e-12, "{error:.1e}");
        }
    }
    // What it comes to moves with the weight.
    let [one, half, none] = [0, 1, 2].map(|it| end(&surface[it]));
    let apart = |a: &[f64], b: &[f64]| relative_error(a, b);
    assert!(apart(&none, &one) > apart(&half, &one) && apart(&half, &one) > 1e-4);
}

#[test]
fn the_same_flow_comes_to_the_same_bits() {
    let cost = network().with_l2(0.01);
    let responses = Responses::undamped(&cost).unwrap();
    let run = || {
        let objective = objective(&responses, Removal::of(vec![1], N));
        let path = flow(1e-6).follow(&objective, cost.model().theta(), &[0.1, 3.0]);
        path.unwrap()
    };
    let (a, b) = (run(), run());
    assert_eq!(end(&a), end(&b));
    assert_eq!((a.steps, a.evaluations), (b.steps, b.evaluations));
}
