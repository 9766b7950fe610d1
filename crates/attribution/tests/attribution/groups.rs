//! Groups of examples: how they are drawn, and what their removal does to least squares and a convex network.

use backdraft_attribution::{
    EvaluateError, EvaluationConfig, Minimize, SolverConfig,
    evaluate::{GroupAgreement, GroupEffect, GroupKind, GroupSource, RetrainFrom},
};
use backdraft_curvature::{Cost, CrossEntropy, LinearOperator, Model};
use backdraft_influence::{
    ConjugateGradientConfig,
    response::{Removal, Stop},
};
use backdraft_test_support::{classes, double, matrix, numbers, vector};
use burn::{
    nn::{Linear, LinearConfig},
    tensor::{Device, Tensor},
};

use crate::common::{INPUTS, LeastSquares, N, TO_THE_END};

/// The L2 term, which stands in for damping.
const L2: f64 = 0.02;

fn config() -> EvaluationConfig {
    EvaluationConfig {
        retraining: TO_THE_END,
        solver: SolverConfig::ConjugateGradient(ConjugateGradientConfig {
            tolerance: Some(1e-13),
            ..Default::default()
        }),
        ..EvaluationConfig::new(0.0)
    }
}

/// At the minimum of a cost, by its own retraining.
fn minimum(cost: &Cost) -> Cost {
    let stop = Stop {
        tolerance: 1e-13,
        decrease: 0.0,
        max_steps: 1_000,
    };
    let start = cost.model().theta();
    let retrain = Minimize::new(cost, |_| start.clone(), stop).unwrap();
    let weights = vec![1.0; cost.len()];
    let theta = backdraft_attribution::Retrain::retrain(&retrain, &weights, 0).unwrap();
    cost.at(theta).unwrap()
}

/// One Newton step is the whole way where the objective is quadratic; influence has the group's curvature too much.
#[test]
fn the_newton_estimate_of_a_group_is_retraining_for_least_squares() {
    let problem = LeastSquares::new(N, 4);
    let cost = minimum(&problem.cost(&[0.0; INPUTS]).with_l2(L2));
    let tests = LeastSquares::new(5, 71);
    let queries = tests.cost(&[0.0; INPUTS]);
    let groups: Vec<Removal> = [&[0][..], &[2, 7, 9], &[1, 3, 5, 6, 8, 11]]
        .map(|it| Removal::of(it.to_vec(), N))
        .into();
    let start = cost.model().theta();
    let stop = Stop {
        tolerance: 1e-13,
        decrease: 0.0,
        max_steps: 1_000,
    };
    let retrain = Minimize::new(&cost, |_| start.zeros_like(), stop).unwrap();
    let evaluation = config().init(&cost, &retrain).unwrap();
    let warm = evaluation.group_effects(&groups, &queries, RetrainFrom::Trained);
    let cold = evaluation.group_effects(&groups, &queries, RetrainFrom::Initial);
    let (warm, cold) = (warm.unwrap(), cold.unwrap());
    assert_eq!((warm.failed.len(), warm.left), (0, 0));
    let theta = backdraft_test_support::host(start.clone());
    for (group, (effect, other)) in groups.iter().zip(warm.effects.iter().zip(&cold.effects)) {
        assert_eq!(effect.removed, group.examples);
        assert!(effect.solved && effect.residual < 1e-12);
        let matrix = cost.gauss_newton();
        let mut pull = vec![0.0; INPUTS];
        for &z in &group.examples {
            let residual = problem.residual(z, &theta);
            for (sum, x) in pull.iter_mut().zip(&problem.x[z]) {
                *sum += residual * x / N as f64;
            }
        }
        let dense = backdraft_curvature::to_dense(&matrix).unwrap();
        let rows = dense.chunks(matrix.dim()).map(<[f64]>::to_vec).collect();
        let change = backdraft_test_support::solve(rows, pull);
        for query in 0..5 {
            let slope = tests.residual(query, &theta);
            let influence = slope * backdraft_test_support::dot(&tests.x[query], &change);
            assert!((effect.influence[query] - influence).abs() < 1e-11);
            // Gradients that are lowered by 1e13.
            assert!((effect.newton[query] - effect.actual[query]).abs() < 1e-10);
            assert!((effect.actual[query] - other.actual[query]).abs() < 1e-10);
            assert!(effect.actual[query].abs() > 1e-6);
        }
    }
    let by = |of: fn(&GroupEffect) -> &[f64]| GroupAgreement::of(&warm.effects, of);
    let newton = by(|it| &it.newton);
    assert!((newton.slope.unwrap() - 1.0).abs() < 1e-8);
    assert!(newton.pearson.unwrap() > 1.0 - 1e-12);
    // Effects are underestimated: half the examples go, and influence keeps their curvature.
    let influence = by(|it| &it.influence);
    assert!(influence.slope.unwrap() < 0.8, "{influence:?}");
}

/// A multinomial logistic regression: the Newton estimate is nearer to retraining than influence is.
#[test]
fn the_newton_estimate_is_nearer_to_retraining_than_influence() {
    let count = 60;
    let linear: Linear = double(LinearConfig::new(INPUTS, 3).init(&Device::flex()));
    let model = Model::new(&linear, |it: &Linear, x: Tensor<2>| it.forward(x)).unwrap();
    let x = numbers(count * INPUTS, 31);
    let noise = numbers(count, 32);
    let labels: Vec<i64> = (0..count)
        .map(|i| ((x[i * INPUTS] + 0.6 * noise[i]) * 1.5 + 1.5).clamp(0.0, 2.9) as i64)
        .collect();
    let cost = Cost::new(model, CrossEntropy, matrix(&x, INPUTS), classes(&labels)).unwrap();
    let cost = minimum(&cost.with_l2(L2));
    let inputs: Vec<f32> = x.iter().map(|it| *it as f32).collect();
    let source = GroupSource {
        examples: count,
        classes: Some(&labels),
        inputs: &inputs,
        seed: 3,
    };
    let mut groups = Vec::new();
    for kind in GroupKind::ALL {
        for size in [3, 6, 12] {
            groups.extend(source.groups(kind, size, 2).unwrap().unwrap());
        }
    }
    let removals: Vec<_> = groups
        .iter()
        .map(|it| Removal::of(it.examples.clone(), count))
        .collect();
    let queries = cost
        .with_examples(
            matrix(&numbers(4 * INPUTS, 33), INPUTS),
            classes(&[0, 1, 2, 1]),
        )
        .unwrap();
    let retrain = |_: &[f64], _: u64| Ok::<_, String>(vector(&[0.0]));
    let evaluation = config().init(&cost, &retrain).unwrap();
    let found = evaluation
        .group_effects(&removals, &queries, RetrainFrom::Trained)
        .unwrap();
    assert_eq!(found.effects.len(), 18);
    let off = |of: fn(&GroupEffect) -> &[f64]| -> f64 {
        let pairs = found.effects.iter();
        pairs
            .flat_map(|it| of(it).iter().zip(&it.actual))
            .map(|(a, b)| (a - b).powi(2))
            .sum()
    };
    let (influence, newton) = (off(|it| &it.influence), off(|it| &it.newton));
    assert!(newton < 0.2 * influence, "{newton:e} {influence:e}");
    let by = |of: fn(&GroupEffect) -> &[f64]| GroupAgreement::of(&found.effects, of);
    let (influence, newton) = (by(|it| &it.influence), by(|it| &it.newton));
    // In order both are right, in size influence falls short.
    assert!(influence.spearman.unwrap() > 0.95, "{influence:?}");
    assert!(influence.slope.unwrap() < 0.95, "{influence:?}");
    assert!((newton.slope.unwrap() - 1.0).abs() < 0.1, "{newton:?}");
}

#[test]
fn groups_are_what_their_kinds_say() {
    let count = 40;
    let inputs: Vec<f32> = numbers(count * 2, 8).iter().map(|it| *it as f32).collect();
    let labels: Vec<i64> = (0..count as i64).map(|i| i64::from(i % 4 == 0)).collect();
    let source = GroupSource {
        examples: count,
        classes: Some(&labels),
        inputs: &inputs,
        seed: 7,
    };
    for kind in GroupKind::ALL {
        let groups = source.groups(kind, 6, 5).unwrap().unwrap();
        assert_eq!(groups, source.groups(kind, 6, 5).unwrap().unwrap());
        // The first stay what they are where more are asked for.
        assert_eq!(groups[..2], source.groups(kind, 6, 2).unwrap().unwrap());
        for group in &groups {
            assert_eq!(group.kind, kind);
            let mut once = group.examples.clone();
            once.dedup();
            assert!(once.len() == 6 && once.is_sorted());
        }
        let other = GroupSource { seed: 8, ..source };
        assert_ne!(groups, other.groups(kind, 6, 5).unwrap().unwrap());
    }
    for group in source.groups(GroupKind::Class, 6, 5).unwrap().unwrap() {
        let of = |i: &usize| labels[*i];
        assert!(
            group
                .examples
                .iter()
                .all(|i| of(i) == of(&group.examples[0]))
        );
    }
    let squared = |i: usize, j: usize| -> f32 {
        (0..2)
            .map(|k| (inputs[2 * i + k] - inputs[2 * j + k]).powi(2))
            .sum()
    };
    for group in source.groups(GroupKind::Similar, 6, 5).unwrap().unwrap() {
        // One of them has the others nearest to it.
        let is_centre = |&centre: &usize| {
            let farthest = group.examples.iter().map(|&i| squared(i, centre));
            let farthest = farthest.fold(0.0, f32::max);
            let outside = (0..count).filter(|i| !group.examples.contains(i));
            outside.map(|i| squared(i, centre)).all(|it| it >= farthest)
        };
        assert!(group.examples.iter().any(is_centre));
    }
    // The larger class has 30, the other 10.
    assert!(source.groups(GroupKind::Class, 30, 1).unwrap().is_some());
    assert!(source.groups(GroupKind::Class, 31, 1).unwrap().is_none());
    let bare = GroupSource {
        classes: None,
        ..source
    };
    let refused = [
        source.groups(GroupKind::Random, 0, 1),
        source.groups(GroupKind::Random, count, 1),
        bare.groups(GroupKind::Class, 3, 1),
        GroupSource {
            inputs: &inputs[1..],
            ..source
        }
        .groups(GroupKind::Similar, 3, 1),
    ];
    for refused in refused {
        let error = refused.unwrap_err();
        assert!(matches!(error, EvaluateError::Setting { .. }), "{error}");
    }
    assert!(bare.groups(GroupKind::Similar, 3, 1).unwrap().is_some());
}
