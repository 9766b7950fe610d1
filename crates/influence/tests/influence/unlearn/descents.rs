//! Where descents come: by hand, to the bit, and within the ball.

use backdraft_influence::{
    response::{Descent, Removal, Step},
    unlearn::{
        Checkpoints, DescentConfig, DescentState, ShuffledBatches, StepPlan, WeightedDescent,
        descent_to_delete, rewind_to_delete,
    },
};
use backdraft_test_support::{assert_close, host, norm, vector};

use super::common::{L2, N, Trained, at, bits, config, curved, logistic, plan};

/// A quadratic of one parameter: `theta* + (1 - eta h)^t (theta_0 - theta*)`.
#[test]
fn steps_on_a_quadratic_are_those_of_its_closed_form() {
    let examples = [(1.0, 2.0), (-3.0, 1.0), (0.5, 0.25), (2.0, 4.0)];
    let cost = curved(&examples, 0.3);
    let removal = Removal::of(vec![1], 4);
    let retained = WeightedDescent::new(&cost, &removal, config(None)).unwrap();
    assert_eq!(retained.weights(), [1.0, 0.0, 1.0, 1.0]);
    let plan = ShuffledBatches::new(4, 4, 0.4, 0).unwrap();
    let end = retained.run(at(1.5), plan.steps(0..9), |_| {}).unwrap();
    let (slope, curvature) = (3.5 / 4.0, 6.25 / 4.0 + 0.3);
    let minimum = -slope / curvature;
    let expected = minimum + (1.0_f64 - 0.4 * curvature).powi(9) * (1.5 - minimum);
    // Rounding of nine steps.
    assert_close(&host(end.theta), &[expected], 1e-14);
    assert_eq!(end.step, 9);
}

/// The mean over those that are left, as the papers have it.
#[test]
fn weights_say_what_the_mean_is_over() {
    let cost = curved(&[(1.0, 0.0), (-3.0, 0.0), (0.5, 0.0), (2.0, 0.0)], 0.0);
    let changes = [(0, 1.0 / 3.0), (1, -1.0), (2, 1.0 / 3.0), (3, 1.0 / 3.0)];
    let removal = Removal::reweight(changes, 4);
    let retained = WeightedDescent::new(&cost, &removal, config(None)).unwrap();
    let plan = ShuffledBatches::new(4, 4, 1.0, 0).unwrap();
    let end = retained.run(at(0.0), plan.steps(0..1), |_| {}).unwrap();
    assert_close(&host(end.theta), &[-3.5 / 3.0], 1e-15);
}

#[test]
fn rewinding_by_nothing_is_to_stay_and_by_all_to_retrain_to_the_bit() {
    let (cost, _) = logistic(3, L2);
    let removal = Removal::of(vec![2, 11, 17], N);
    let descents = [
        Descent::Sgd { momentum: 0.0 },
        Descent::Sgd { momentum: 0.9 },
        Descent::Adam,
    ];
    for (descent, batch_size) in descents.into_iter().flat_map(|it| [(it, N), (it, 5)]) {
        let config = DescentConfig {
            descent,
            radius: Some(1.5),
        };
        let plan = plan(batch_size, 0.2);
        let trained = Trained::new((&cost, config), &removal, &plan, (17, &[0, 6])).unwrap();
        let rewound = |steps| rewind_to_delete(&trained.retained, &trained.full, &plan, steps);
        let last = trained.full.trained().unwrap();
        let descended =
            |further| descent_to_delete(&trained.retained, last, &plan, further).unwrap();
        assert_eq!(bits(&rewound(0).unwrap()), bits(last));
        assert_eq!(bits(&descended(0)), bits(last));
        assert_eq!(
            bits(&rewound(17).unwrap()),
            bits(trained.without.trained().unwrap())
        );
        // In between it is descent-to-delete from the checkpoint.
        let from = trained.full.at(6).unwrap();
        let further = descent_to_delete(&trained.retained, from, &plan, 11).unwrap();
        assert_eq!(bits(&rewound(11).unwrap()), bits(&further));
        // In two goes as in one, with what momentum and Adam remember.
        let half = descent_to_delete(&trained.retained, last, &plan, 4).unwrap();
        let whole = descent_to_delete(&trained.retained, &half, &plan, 3).unwrap();
        assert_eq!(bits(&whole), bits(&descended(7)));
        assert!(trained.distance(&descended(7)) > 0.0);
    }
}

/// Each example once a pass, the same whenever it is asked for.
#[test]
fn batches_are_each_passes_own_order() {
    let plan = ShuffledBatches::new(10, 4, 0.5, 3).unwrap();
    assert_eq!(plan.steps_a_pass(), 3);
    let all: Vec<Step> = plan.steps(0..9).collect();
    let sizes: Vec<usize> = all.iter().map(|it| it.examples.len()).collect();
    assert_eq!(sizes, [4, 4, 2, 4, 4, 2, 4, 4, 2]);
    let mut orders = Vec::new();
    for pass in all.chunks(3) {
        let order: Vec<usize> = pass.iter().flat_map(|it| it.examples.clone()).collect();
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..10).collect::<Vec<_>>());
        orders.push(order);
    }
    assert!(orders[0] != orders[1] && orders[1] != orders[2]);
    assert_eq!(plan.steps(4..9).collect::<Vec<_>>(), all[4..]);
    let other = ShuffledBatches::new(10, 4, 0.5, 4).unwrap();
    assert_ne!(other.steps(0..9).collect::<Vec<_>>(), all);
    // A plan of one's own is a closure.
    let own = |range: std::ops::Range<usize>| {
        range.map(|step| Step {
            rate: 1.0 / (step + 1) as f64,
            examples: vec![step % 4],
        })
    };
    assert_eq!(StepPlan::steps(&own, 2..3).next().unwrap().examples, [2]);
}

#[test]
fn a_step_on_a_batch_is_its_mean_with_weights() {
    let cost = curved(&[(1.0, 0.0), (-3.0, 0.0), (0.5, 0.0), (2.0, 0.0)], 0.0);
    let removal = Removal::downweight(vec![3], 0.125);
    let retained = WeightedDescent::new(&cost, &removal, config(None)).unwrap();
    let step = Step {
        rate: 1.0,
        examples: vec![3, 1],
    };
    // Half of example 3, and all of example 1, over two.
    let end = retained.run(at(0.0), [step], |_| {}).unwrap();
    assert_close(&host(end.theta), &[1.0], 1e-15);
}

#[test]
fn a_ball_holds_every_step() {
    let (cost, _) = logistic(5, 0.0);
    let plan = plan(4, 5.0);
    let radius = 0.7;
    let start = || DescentState::start(cost.model().theta() * 0.0);
    let ball = WeightedDescent::new(&cost, &Removal::none(), config(Some(radius))).unwrap();
    let free = WeightedDescent::new(&cost, &Removal::none(), config(None)).unwrap();
    let mut at_edge = 0;
    ball.run(start(), plan.steps(0..30), |state| {
        let size = norm(&host(state.theta.clone()));
        // Rounding of the norm.
        assert!(size <= radius * (1.0 + 1e-14));
        at_edge += usize::from(size > radius * (1.0 - 1e-14));
    })
    .unwrap();
    assert!(at_edge > 0);
    // One free step, moved back along its own direction.
    let step = plan.steps(0..1).next().unwrap();
    let [held, loose] = [&ball, &free].map(|it| {
        let end = it.run(start(), [step.clone()], |_| {}).unwrap();
        host(end.theta)
    });
    let size = norm(&loose);
    assert!(size > radius);
    let expected: Vec<f64> = loose.iter().map(|x| x * radius / size).collect();
    assert_close(&held, &expected, 1e-14);
    // From 0, which has no direction, and within the ball nothing is moved.
    let small = curved(&[(1e-3, 0.0)], 0.0);
    let ball = WeightedDescent::new(&small, &Removal::none(), config(Some(1.0))).unwrap();
    let still = Step {
        rate: 0.0,
        examples: vec![0],
    };
    let end = ball.run(at(0.0), [still.clone()], |_| {}).unwrap();
    assert_eq!(host(end.theta), [0.0]);
    let end = ball.run(at(0.3), [still], |_| {}).unwrap();
    assert_eq!(host(end.theta), [0.3]);
}

#[test]
fn checkpoints_are_where_they_were_asked_for() {
    let cost = curved(&[(1.0, 1.0), (2.0, 1.0)], 0.0);
    let all = WeightedDescent::new(&cost, &Removal::none(), config(None)).unwrap();
    let plan = ShuffledBatches::new(2, 1, 0.1, 0).unwrap();
    let start = DescentState::start(vector(&[4.0]));
    let kept = Checkpoints::train(&all, start.clone(), &plan, 6, &[0, 2, 5]).unwrap();
    assert_eq!(host(kept.at(0).unwrap().theta.clone()), [4.0]);
    assert_eq!(kept.trained().unwrap().step, 6);
    // Taken up at one of them, it ends with the same bits.
    let again = Checkpoints::train(&all, kept.at(2).unwrap().clone(), &plan, 6, &[]).unwrap();
    assert_eq!(
        bits(again.trained().unwrap()),
        bits(kept.trained().unwrap())
    );
    let missing = kept.at(3).unwrap_err().to_string();
    assert_eq!(
        missing,
        "there is no checkpoint at step 3: the training kept those at 0, 2, 5, 6"
    );
}
