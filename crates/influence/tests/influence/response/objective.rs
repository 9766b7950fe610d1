//! The objectives: their derivatives, their minima, and what they have in common.

use backdraft_curvature::{BatchOperator, Cost};
use backdraft_influence::{
    ConjugateGradientConfig, DirectConfig, ResponseError, SolveError, Solver, parameter_change,
    response::{
        Descent, Minimum, Removal, ResponseKind, ResponseObjective, Responses, Step, Stop, estimate,
    },
};
use burn::tensor::Tensor;

use super::common::{DAMPING, N, distance, linear, network, norm};
use backdraft_test_support::{host, random};

const KINDS: [ResponseKind; 4] = [
    ResponseKind::Retraining,
    ResponseKind::Proximal,
    ResponseKind::Bregman,
    ResponseKind::Linearized,
];

const STOP: Stop = Stop {
    tolerance: 1e-12,
    decrease: 0.0,
    max_steps: 2_000,
};

fn removals() -> [Removal; 3] {
    [
        Removal::of(vec![4], N),
        Removal::of(vec![1, 8, 5], N),
        Removal::none(),
    ]
}

#[test]
fn gradients_are_those_of_the_values() {
    for l2 in [0.0, 0.05] {
        let cost = network().with_l2(l2);
        let responses = Responses::new(&cost, DAMPING).unwrap();
        let dim = cost.model().dim();
        let theta = cost.model().theta() + random([dim], 51) * 0.3;
        let v = random([dim], 87);
        for (kind, removal) in KINDS
            .into_iter()
            .flat_map(|kind| removals().map(|r| (kind, r)))
        {
            let objective = responses.objective(kind, removal).unwrap();
            let h = 1e-5;
            let at = |sign: f64| objective.value(&(theta.clone() + v.clone() * (sign * h)));
            let central = (at(1.0).unwrap() - at(-1.0).unwrap()) / (2.0 * h);
            let (value, gradient) = objective.value_and_gradient(&theta).unwrap();
            let along: f64 = host(gradient * v.clone()).iter().sum();
            // Truncation is h^2 times a third derivative of about 100; rounding 1e-16 / h.
            assert!((along - central).abs() < 1e-9, "{kind:?} {along} {central}");
            assert!((value - objective.value(&theta).unwrap()).abs() < 1e-14);
        }
    }
}

#[test]
fn without_a_removal_the_trained_parameters_are_the_bregman_optimum() {
    let cost = network().with_l2(0.02);
    let responses = Responses::new(&cost, DAMPING).unwrap();
    for kind in [ResponseKind::Bregman, ResponseKind::Linearized] {
        let objective = responses.objective(kind, Removal::none()).unwrap();
        let (value, gradient) = objective.value_and_gradient(responses.theta()).unwrap();
        // The same losses are subtracted: zero up to their rounding.
        assert!(value.abs() < 1e-15 && norm(gradient) < 1e-16, "{kind:?}");
    }
}

fn minimum(responses: &Responses, kind: ResponseKind, removal: &Removal) -> Minimum {
    responses
        .objective(kind, removal.clone())
        .unwrap()
        .minimize(responses.theta().clone(), STOP)
        .unwrap()
}

fn influence(cost: &Cost, damping: f64, index: usize) -> Tensor<1> {
    let solver = DirectConfig::default().init().unwrap();
    let matrix = cost.gauss_newton().damped(damping);
    let ready = solver.prepare(&matrix).unwrap();
    parameter_change(cost, &*ready, index).unwrap()
}

#[test]
fn the_linearised_minimum_is_the_influence_estimate() {
    let cost = network().with_l2(0.02);
    let responses = Responses::new(&cost, DAMPING).unwrap();
    let found = minimum(
        &responses,
        ResponseKind::Linearized,
        &Removal::of(vec![4], N),
    );
    let moved = found.theta - cost.model().theta();
    // L-BFGS ends at 1e-12 of the first gradient, and the condition number is about 10.
    let error = distance(&moved, &influence(&cost, DAMPING, 4));
    assert!(error < 1e-10, "{error:e}");
}

#[test]
fn for_a_linear_model_the_linearised_objective_has_the_bregman_hessian_without_the_example() {
    // Squared error: both are quadratic, and differ by eps H_z alone.
    let cost = linear();
    let responses = Responses::new(&cost, DAMPING).unwrap();
    let d = random([cost.model().dim()], 22);
    let theta = cost.model().theta() + d.clone();
    let removal = Removal::of(vec![7], N);
    let gradient = |kind| {
        let objective = responses.objective(kind, removal.clone()).unwrap();
        objective.value_and_gradient(&theta).unwrap().1
    };
    use backdraft_curvature::LinearOperator;
    let one = cost.select(&[7]).unwrap().gauss_newton();
    let expected = gradient(ResponseKind::Linearized) - one.apply(d).unwrap() / N as f64;
    assert!(distance(&gradient(ResponseKind::Bregman), &expected) < 1e-13);
}

/// Multinomial logistic regression at its optimum: strongly convex, and all responses but the linearised one are the
/// same function of `eps` there.
fn converged() -> Cost {
    let cost = super::common::classifier().with_l2(0.1);
    // From anywhere: proximal to itself without a proximal term.
    let responses = Responses::new(&cost, 0.0).unwrap();
    let found = minimum(&responses, ResponseKind::Retraining, &Removal::none());
    cost.at(found.theta).unwrap()
}

/// The influence estimate by a dense factorisation of `matrix`.
fn estimated(cost: &Cost, matrix: &dyn BatchOperator, removal: &Removal) -> Tensor<1> {
    let solver = DirectConfig::default().init().unwrap();
    let ready = solver.prepare(matrix).unwrap();
    estimate(cost, &*ready, removal).unwrap().vector
}

#[test]
fn on_a_strongly_convex_problem_at_its_optimum_all_agree_to_first_order() {
    let cost = converged();
    let responses = Responses::new(&cost, 0.0).unwrap();
    for examples in [vec![4], vec![1, 8, 5]] {
        let removal = |epsilon| Removal::downweight(examples.clone(), epsilon);
        let unit = removal(1.0);
        let first = estimated(&cost, &cost.gauss_newton(), &unit);
        // A model linear in its parameters: its Hessian is the Gauss-Newton matrix.
        let hessian = estimated(&cost, &cost.hessian(), &unit);
        assert!(distance(&hessian, &first) < 1e-12);

        let errors = |response: &dyn Fn(Removal) -> Tensor<1>| {
            [1e-3, 1e-4].map(|epsilon| {
                let moved = response(removal(epsilon)) - cost.model().theta();
                distance(&moved, &(first.clone() * epsilon))
            })
        };
        let kind = |kind| {
            let responses = &responses;
            move |removal: Removal| minimum(responses, kind, &removal).theta
        };
        let cold = |removal: Removal| {
            let objective = responses.objective(ResponseKind::Retraining, removal);
            let elsewhere = random([cost.model().dim()], 9);
            objective.unwrap().minimize(elsewhere, STOP).unwrap().theta
        };
        let two_stage = |removal: Removal| {
            let retrained = responses.two_stage(removal, |objective| {
                let from = responses.theta().clone();
                Ok::<_, ResponseError>(objective.minimize(from, STOP)?.theta)
            });
            retrained.unwrap()
        };
        let rows: [(&str, &dyn Fn(Removal) -> Tensor<1>); 5] = [
            ("cold start", &cold),
            ("warm start", &kind(ResponseKind::Retraining)),
            ("proximal", &kind(ResponseKind::Proximal)),
            ("pbrf", &kind(ResponseKind::Bregman)),
            ("two-stage", &two_stage),
        ];
        for (name, row) in rows {
            let [coarse, fine] = errors(row);
            // What is left is of first order in epsilon, relative to the change itself: ten times less for a tenth.
            assert!(
                coarse < 0.02 && (fine / coarse - 0.1).abs() < 0.01,
                "{name} {examples:?}: {coarse:e} {fine:e}"
            );
        }
        // These are linear in epsilon: nothing is left but the solvers' precision.
        let linear = errors(&kind(ResponseKind::Linearized));
        assert!(linear.iter().all(|&e| e < 1e-8), "{linear:?}");
        let influence = |removal: Removal| {
            estimated(&cost, &cost.gauss_newton(), &removal) + cost.model().theta()
        };
        let influence = errors(&influence);
        assert!(influence.iter().all(|&e| e < 1e-11), "{influence:?}");
    }
}

#[test]
fn for_a_linear_model_with_squared_error_the_linearised_response_is_the_influence_estimate() {
    let cost = linear().with_l2(0.02);
    let responses = Responses::new(&cost, DAMPING).unwrap();
    for removal in [
        Removal::of(vec![7], N),
        Removal::of(vec![0, 3, 9], N),
        Removal::downweight(vec![2], -0.4),
    ] {
        let matrix = cost.gauss_newton().damped(DAMPING);
        let predicted = estimated(&cost, &matrix, &removal);
        let moved = minimum(&responses, ResponseKind::Linearized, &removal).theta;
        // L-BFGS ends at 1e-12 of the first gradient, the condition number is about 10.
        let error = distance(&(moved - cost.model().theta()), &predicted);
        assert!(error < 1e-10, "{removal:?}: {error:e}");
    }
}

#[test]
fn two_stages_forget_what_further_training_does() {
    // Far from converged: a few steps move the network much, and the removal little.
    let cost = network();
    let responses = Responses::new(&cost, DAMPING).unwrap();
    let step = Step {
        rate: 0.2,
        examples: (0..N).collect(),
    };
    let retrain = |objective: &ResponseObjective<'_>| {
        let descent = Descent::Sgd { momentum: 0.9 };
        let steps = vec![step.clone(); 10];
        let found = objective.descend(responses.theta().clone(), descent, steps, |_| {})?;
        Ok::<_, ResponseError>(found.theta)
    };
    let removal = |epsilon| Removal::downweight(vec![4], epsilon);
    let moved = |epsilon| {
        let found = responses.two_stage(removal(epsilon), retrain).unwrap();
        found - responses.theta().clone()
    };
    assert_eq!(norm(moved(0.0)), 0.0);
    let warm = responses
        .objective(ResponseKind::Retraining, removal(1e-3))
        .unwrap();
    let warm = retrain(&warm).unwrap() - responses.theta().clone();
    assert!(norm(moved(1e-3)) < 0.01 * norm(warm));
    // It is linear in epsilon but for what is of its second order.
    let error = distance(&(moved(1e-4) * 10.0), &moved(1e-3));
    assert!(error < 1e-2, "{error:e}");
}

#[test]
fn an_estimate_that_is_cut_short_is_one_all_the_same() {
    let cost = network();
    let matrix = cost.gauss_newton().damped(DAMPING);
    let config = ConjugateGradientConfig {
        max_iterations: Some(2),
        ..Default::default()
    };
    let solver = config.init().unwrap();
    let ready = solver.prepare(&matrix).unwrap();
    let at = |removal: &Removal| match estimate(&cost, &*ready, removal) {
        Err(SolveError::NotConverged { solution, .. }) => solution.vector,
        other => panic!("{other:?}"),
    };
    let (one, two) = (
        at(&Removal::downweight(vec![4], 1e-3)),
        at(&Removal::downweight(vec![4], 2e-3)),
    );
    assert!(distance(&(one * 2.0), &two) < 1e-14);
    let nothing = estimate(&cost, &*ready, &Removal::none()).unwrap();
    assert_eq!(norm(nothing.vector), 0.0);
    assert!(estimate(&cost, &*ready, &Removal::of(vec![N], N)).is_err());
}

#[test]
fn a_minimisation_tells_of_its_steps() {
    let cost = network();
    let responses = Responses::new(&cost, DAMPING).unwrap();
    let objective = responses.objective(ResponseKind::Bregman, Removal::of(vec![4], N));
    let objective = objective.unwrap();
    let mut seen = Vec::new();
    let from = responses.theta().clone();
    let found = objective
        .minimize_with(from, STOP, |step, gradient| seen.push((step, gradient)))
        .unwrap();
    let norms = &found.gradient_norms;
    assert_eq!(seen.len(), norms.len() - 1);
    for (i, (step, gradient)) in seen.into_iter().enumerate() {
        assert_eq!((step, gradient), (i + 1, norms[i + 1] / norms[0]));
    }
}

#[test]
fn retraining_from_anywhere_ends_at_the_same_optimum() {
    let cost = converged();
    let responses = Responses::new(&cost, 0.0).unwrap();
    let removal = Removal::of(vec![2], N);
    let objective = responses
        .objective(ResponseKind::Retraining, removal)
        .unwrap();
    let warm = objective
        .minimize(responses.theta().clone(), STOP)
        .unwrap()
        .theta;
    let elsewhere = random([cost.model().dim()], 9);
    let cold = objective.minimize(elsewhere, STOP).unwrap().theta;
    // Gradients of 1e-12 over a curvature of at least 0.1.
    assert!(distance(&cold, &warm) < 1e-10);
}

#[test]
fn settings_are_checked() {
    let cost = network();
    let setting = |damping| {
        matches!(
            Responses::new(&cost, damping),
            Err(ResponseError::Setting {
                name: "damping",
                ..
            })
        )
    };
    assert!(setting(0.0) && setting(-1.0) && setting(f64::NAN));
    let responses = Responses::new(&cost, DAMPING).unwrap();
    let refused = |removal| {
        responses
            .objective(ResponseKind::Proximal, removal)
            .err()
            .unwrap()
    };
    let message = |examples: Vec<usize>| refused(Removal::of(examples, N)).to_string();
    assert!(message(vec![3, 1, 3]).contains("names the example 3 twice"));
    assert!(message((0..N).collect()).contains("takes away 12 of 12"));
    assert!(message(vec![N]).contains("12"));
    let nan = refused(Removal::downweight(vec![1], f64::NAN));
    assert!(matches!(
        nan,
        ResponseError::Setting {
            name: "epsilon",
            ..
        }
    ));
}
