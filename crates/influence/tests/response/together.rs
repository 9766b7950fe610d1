//! Several descents at once, against one after another.

use backdraft_curvature::{CurvatureError, Loss};
use backdraft_influence::{
    ResponseError,
    response::{Descended, Descent, Removal, ResponseKind, Responses, Step},
};
use burn::tensor::Tensor;

use crate::common::{DAMPING, N, distance, linear, network, vector};

const KINDS: [ResponseKind; 4] = [
    ResponseKind::Retraining,
    ResponseKind::Proximal,
    ResponseKind::Bregman,
    ResponseKind::Linearized,
];

/// Three passes of batches of 5, 5 and 2 examples, in an order of their own.
fn steps(rate: f64) -> Vec<Step> {
    let order: Vec<usize> = (0..3 * N).map(|i| (7 * i + 3) % N).collect();
    let passes = order.chunks(N).flat_map(|pass| pass.chunks(5));
    let step = |examples: &[usize]| Step {
        rate,
        examples: examples.to_vec(),
    };
    passes.map(step).collect()
}

/// One, three, none, an example with more weight, and more than a batch has.
fn removals() -> Vec<Removal> {
    vec![
        Removal::of(vec![4], N),
        Removal::of(vec![1, 8, 5], N),
        Removal::none(),
        Removal::downweight(vec![4], -0.2),
        Removal::of(vec![0, 2, 4, 6, 8, 10, 11], N),
    ]
}

/// A start of its own for each of `count`.
fn starts<L: Loss>(responses: &Responses<L>, count: usize) -> Tensor<2> {
    let theta = responses.theta();
    let row = |i: usize| theta.clone() + vector(theta.dims()[0], 1.3 + i as f64) * 0.1;
    Tensor::stack((0..count).map(row).collect(), 0)
}

fn row(rows: &Tensor<2>, i: usize) -> Tensor<1> {
    rows.clone().slice(i..i + 1).squeeze_dim(0)
}

fn one_by_one<L: Loss>(
    responses: &Responses<L>,
    kind: ResponseKind,
    removals: &[Removal],
    (descent, steps): (Descent, &[Step]),
) -> Vec<Result<Descended, ResponseError>> {
    let starts = starts(responses, removals.len());
    let run = |(i, removal): (usize, &Removal)| {
        let objective = responses.objective(kind, removal.clone()).unwrap();
        objective.descend(row(&starts, i), descent, steps.to_vec(), |_| {})
    };
    removals.iter().enumerate().map(run).collect()
}

fn together<L: Loss>(
    responses: &Responses<L>,
    kind: ResponseKind,
    removals: &[Removal],
    (descent, steps): (Descent, &[Step]),
) -> Vec<Result<Descended, ResponseError>> {
    let starts = starts(responses, removals.len());
    let found = responses.descend_all(kind, removals, starts, descent, steps.to_vec(), |_| {});
    found.unwrap()
}

fn assert_same<L: Loss>(responses: &Responses<L>, descent: Descent, steps: &[Step]) {
    let starts = starts(responses, removals().len());
    for kind in KINDS {
        let how = (descent, steps);
        let alone = one_by_one(responses, kind, &removals(), how);
        let together = together(responses, kind, &removals(), how);
        assert_eq!(together.len(), alone.len());
        for (i, (a, b)) in together.into_iter().zip(alone).enumerate() {
            let (a, b) = (a.unwrap(), b.unwrap());
            let error = distance(&(a.theta - row(&starts, i)), &(b.theta - row(&starts, i)));
            // Rounding of 1e-16 a step in nine steps; Adam divides by roots of squares, and so enlarges what small gradients have.
            assert!(error < 1e-12, "{kind:?} {descent:?} {i} {error:e}");
            assert_eq!(a.steps, b.steps);
            for (a, b) in a.values.into_iter().zip(b.values) {
                assert!((a - b).abs() < 1e-13, "{kind:?} {descent:?} {i} {a} {b}");
            }
        }
    }
}

#[test]
fn descents_together_are_those_one_by_one() {
    for l2 in [0.0, 0.05] {
        let responses = Responses::new(&network().with_l2(l2), DAMPING).unwrap();
        assert_same(&responses, Descent::Sgd { momentum: 0.0 }, &steps(0.1));
        assert_same(&responses, Descent::Sgd { momentum: 0.9 }, &steps(0.03));
        assert_same(&responses, Descent::Adam, &steps(1e-2));
    }
    // Batches of the cost's own, smaller than a step's.
    let responses = Responses::new(&linear().with_batch_size(3).unwrap(), DAMPING).unwrap();
    assert_same(&responses, Descent::Sgd { momentum: 0.9 }, &steps(0.03));
}

#[test]
fn one_that_diverges_does_not_stop_the_others() {
    let responses = Responses::new(&linear(), DAMPING).unwrap();
    // So much weight taken off that the objective is not convex any more: numbers overflow within 90 passes.
    let lost = Removal::downweight(vec![4], 1e4);
    let removals = [Removal::of(vec![2], N), lost, Removal::of(vec![7], N)];
    let steps: Vec<Step> = std::iter::repeat_with(|| steps(0.05))
        .take(30)
        .flatten()
        .collect();
    let how = (Descent::Sgd { momentum: 0.0 }, &steps[..]);
    let kind = ResponseKind::Proximal;
    let alone = one_by_one(&responses, kind, &removals, how);
    let together = together(&responses, kind, &removals, how);
    for (a, b) in together.iter().zip(&alone) {
        match (a, b) {
            (Ok(a), Ok(b)) => assert!(distance(&a.theta, &b.theta) < 1e-12),
            (
                Err(ResponseError::NotFinite { step: a }),
                Err(ResponseError::NotFinite { step: b }),
            ) => assert!(a == b && *a < steps.len(), "{a} {b}"),
            other => panic!("{other:?}"),
        }
    }
    assert!(together[1].is_err() && together[2].is_ok());
}

#[test]
fn steps_are_counted_and_wrong_starts_refused() {
    let responses = Responses::new(&network(), DAMPING).unwrap();
    let descent = Descent::Sgd { momentum: 0.0 };
    let kind = ResponseKind::Retraining;
    let run = |removals: &[Removal], from: Tensor<2>| {
        let mut seen = Vec::new();
        let found = responses.descend_all(kind, removals, from, descent, steps(0.1), |step| {
            seen.push(step);
        });
        found.map(|found| (found.len(), seen))
    };
    let two = [Removal::of(vec![4], N), Removal::none()];
    let (count, seen) = run(&two, starts(&responses, 2)).unwrap();
    assert_eq!((count, seen), (2, (1..=9).collect()));
    assert_eq!(run(&[], starts(&responses, 2).slice(0..0)).unwrap().0, 0);

    let message = run(&two, starts(&responses, 3)).unwrap_err().to_string();
    assert!(message.contains("3 rows for 2 removals"), "{message}");
    let narrow = starts(&responses, 2).slice([0..2, 0..5]);
    assert!(matches!(
        run(&two, narrow),
        Err(ResponseError::Curvature(CurvatureError::Dimension { .. }))
    ));
    let twice = [Removal::of(vec![4, 4], N)];
    assert!(run(&twice, starts(&responses, 1)).is_err());
}

#[test]
fn small_networks_gain_from_going_together() {
    let responses = Responses::new(&network(), DAMPING).unwrap();
    let dim = responses.theta().dims()[0];
    let faster = |kind, batch| responses.together_is_faster(kind, batch);
    assert!(faster(ResponseKind::Retraining, 100_000 / dim));
    assert!(!faster(ResponseKind::Retraining, 100_000 / dim + 1));
    assert!(faster(ResponseKind::Linearized, 1 << 20));
}
