//! Descent by batches.

use backdraft_curvature::LinearOperator;
use backdraft_influence::{
    ResponseError,
    response::{Descent, Removal, ResponseKind, Responses, Step},
};
use burn::tensor::Tensor;

use super::common::{DAMPING, N, distance, network, norm};
use backdraft_test_support::random;

/// Batches of 5, 5 and 2 examples, in an order of their own.
fn batches(rate: f64) -> Vec<Step> {
    let order: Vec<usize> = (0..N).map(|i| (7 * i + 3) % N).collect();
    let step = |batch: &[usize]| Step {
        rate,
        examples: batch.to_vec(),
    };
    order.chunks(5).map(step).collect()
}

const KINDS: [ResponseKind; 4] = [
    ResponseKind::Retraining,
    ResponseKind::Proximal,
    ResponseKind::Bregman,
    ResponseKind::Linearized,
];

#[test]
fn one_batch_of_all_is_gradient_descent() {
    for l2 in [0.0, 0.05] {
        let cost = network().with_l2(l2);
        let responses = Responses::new(&cost, DAMPING).unwrap();
        let start = cost.model().theta() + random([cost.model().dim()], 13) * 0.2;
        for (kind, removed) in KINDS
            .into_iter()
            .flat_map(|kind| [vec![4], vec![2, 9], vec![]].map(|r| (kind, r)))
        {
            let objective = responses.objective(kind, Removal::of(removed, N)).unwrap();
            let step = Step {
                rate: 0.1,
                examples: (0..N).rev().collect(),
            };
            let descent = Descent::Sgd { momentum: 0.9 };
            let found = objective
                .descend(start.clone(), descent, vec![step.clone(), step], |_| {})
                .unwrap();
            let mut theta = start.clone();
            let mut velocity = Tensor::zeros_like(&theta);
            for _ in 0..2 {
                let (_, gradient) = objective.value_and_gradient(&theta).unwrap();
                velocity = velocity * 0.9 + gradient;
                theta = theta - velocity.clone() * 0.1;
            }
            let moved = found.theta - start.clone();
            // Two sums of the same terms in another order.
            assert!(
                distance(&moved, &(theta - start.clone())) < 1e-12,
                "{kind:?}"
            );
            assert_eq!(found.steps, 2);
        }
    }
}

#[test]
fn batches_estimate_the_gradient_without_bias() {
    let cost = network().with_l2(0.05);
    let responses = Responses::new(&cost, DAMPING).unwrap();
    let theta = cost.model().theta() + random([cost.model().dim()], 13) * 0.2;
    for kind in KINDS {
        let objective = responses.objective(kind, Removal::of(vec![4], N)).unwrap();
        // One step from the same place for each batch: the mean step, weighted by the batches' sizes, is the whole
        // gradient.
        let mut mean = Tensor::zeros_like(&theta);
        for step in batches(1.0) {
            let share = step.examples.len() as f64 / N as f64;
            let found = objective.descend(
                theta.clone(),
                Descent::Sgd { momentum: 0.0 },
                vec![step],
                |_| {},
            );
            mean = mean + (theta.clone() - found.unwrap().theta) * share;
        }
        let (_, gradient) = objective.value_and_gradient(&theta).unwrap();
        assert!(distance(&mean, &gradient) < 1e-12, "{kind:?}");
    }
}

#[test]
fn a_large_group_takes_turns() {
    let cost = network();
    let responses = Responses::new(&cost, DAMPING).unwrap();
    // Seven removed, five to a batch: after seven steps each took part five times, as often as the others.
    let removal = Removal::of(vec![0, 1, 2, 3, 4, 5, 6], N);
    let objective = responses
        .objective(ResponseKind::Retraining, removal)
        .unwrap();
    let same = Step {
        rate: 1e-9,
        examples: vec![7, 8, 9, 10, 11],
    };
    let start = cost.model().theta();
    let found = objective
        .descend(
            start.clone(),
            Descent::Sgd { momentum: 0.0 },
            vec![same; 7],
            |_| {},
        )
        .unwrap();
    let batch = cost.select(&[7, 8, 9, 10, 11]).unwrap().gradient().unwrap();
    let group = cost
        .select(&[0, 1, 2, 3, 4, 5, 6])
        .unwrap()
        .gradient()
        .unwrap();
    let expected = (batch - group * (7.0 / N as f64)) * -7e-9;
    // Steps so small that the gradient hardly changes: by 1e-8 of itself.
    assert!(distance(&(found.theta - start), &expected) < 1e-6);
}

#[test]
fn steps_too_long_are_reported() {
    let cost = network();
    let responses = Responses::new(&cost, DAMPING).unwrap();
    let objective = responses
        .objective(ResponseKind::Proximal, Removal::of(vec![4], N))
        .unwrap();
    let run = |rate: f64, passes: usize| {
        let steps = std::iter::repeat_with(|| batches(rate))
            .take(passes)
            .flatten();
        let descent = Descent::Sgd { momentum: 0.0 };
        objective.descend(cost.model().theta(), descent, steps, |_| {})
    };
    assert!(matches!(run(100.0, 3), Err(ResponseError::Grew { .. })));
    assert!(matches!(run(1e6, 40), Err(ResponseError::NotFinite { .. })));
    let message = run(100.0, 3).err().unwrap().to_string();
    assert!(message.contains("lower the learning rate"), "{message}");
}

#[test]
fn steps_a_little_too_long_are_reported_too() {
    let cost = network();
    let responses = Responses::new(&cost, DAMPING).unwrap();
    let matrix = cost.gauss_newton().damped(DAMPING);
    let mut top = random([cost.model().dim()], 7);
    for _ in 0..200 {
        let product = matrix.apply(top).unwrap();
        top = product.clone() / norm(product);
    }
    let largest = norm(matrix.apply(top).unwrap());
    let descent = Descent::Sgd { momentum: 0.0 };
    for kind in [ResponseKind::Bregman, ResponseKind::Linearized] {
        let objective = responses.objective(kind, Removal::of(vec![4], N)).unwrap();
        let run = |rate: f64, steps: usize| {
            let step = Step {
                rate,
                examples: (0..N).collect(),
            };
            objective.descend(cost.model().theta(), descent, vec![step; steps], |_| {})
        };
        // The top direction grows by a half each step: the objective to where it began within a few, and far beyond in
        // some more.
        let mut seen = 0;
        for steps in 1..12 {
            match run(2.5 / largest, steps) {
                Ok(found) => assert!(found.values[1] <= found.values[0], "{kind:?} {steps}"),
                Err(ResponseError::Grew { from, to, .. }) => {
                    assert!(to > from);
                    // By less than 1, which is much beside what removing an example lowers it by: about 1e-3.
                    seen += usize::from(to - from < 1.0);
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(seen > 0, "{kind:?}: no growth between");
        let good = run(1.5 / largest, 11).unwrap();
        assert!(good.values[1] < good.values[0]);
    }
}

#[test]
fn without_a_removal_rounding_is_no_growth() {
    let cost = network().with_l2(0.05);
    let responses = Responses::new(&cost, DAMPING).unwrap();
    for kind in [ResponseKind::Bregman, ResponseKind::Linearized] {
        let objective = responses.objective(kind, Removal::none()).unwrap();
        let steps = std::iter::repeat_with(|| batches(0.1)).take(20).flatten();
        let descent = Descent::Sgd { momentum: 0.9 };
        let found = objective.descend(cost.model().theta(), descent, steps, |_| {});
        // It begins at its minimum: whatever moves is rounding.
        let found = found.unwrap();
        assert!(norm(found.theta - cost.model().theta()) < 1e-14);
    }
}

#[test]
fn adam_descends_as_its_authors_say() {
    let cost = network();
    let responses = Responses::new(&cost, DAMPING).unwrap();
    let objective = responses
        .objective(ResponseKind::Bregman, Removal::of(vec![4], N))
        .unwrap();
    let start = cost.model().theta();
    let mut steps = 0;
    let all = Step {
        rate: 1e-3,
        examples: (0..N).collect(),
    };
    let found = objective
        .descend(start.clone(), Descent::Adam, vec![all; 1], |step| {
            steps = step
        })
        .unwrap();
    // The first step is the rate times the signs of the gradient, where that is not as small as the guard of 1e-8.
    let (_, gradient) = objective.value_and_gradient(&start).unwrap();
    let expected = (gradient.clone() / (gradient.abs() + 1e-8)) * -1e-3;
    assert!(distance(&(found.theta - start), &expected) < 1e-9);
    assert_eq!(steps, 1);
    assert!(found.values[1] < found.values[0]);
}
