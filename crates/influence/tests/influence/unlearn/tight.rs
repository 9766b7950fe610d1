//! Bounds that are reached: nothing smaller would hold.

use backdraft_influence::{
    response::Removal,
    unlearn::{
        Evidence, Regularity, Sensitivity, ShuffledBatches, StepPlan, WeightedDescent,
        descent_to_delete, rewind_to_delete,
    },
};
use backdraft_test_support::host;

use super::common::{Trained, at, config, curved};

const EXAMPLES: usize = 4;
const FORGOTTEN: usize = 2;
/// The slope of the loss that is forgotten, which is the same everywhere.
const SLOPE: f64 = 3.0;
const RATE: f64 = 0.25;

/// Losses of which the one that is forgotten has a slope alone, and the mean of the others the curvature `curvature`.
fn problem(curvature: f64, l2: f64) -> backdraft_curvature::Cost {
    let others = curvature * EXAMPLES as f64 / (EXAMPLES - 1) as f64;
    let mut examples = vec![(0.4, others); EXAMPLES];
    examples[FORGOTTEN] = (-SLOPE, 0.0);
    curved(&examples, l2)
}

fn given(curvature: [f64; 2]) -> Regularity {
    Regularity {
        curvature,
        gradient: SLOPE,
        evidence: Evidence::Given,
    }
}

/// How far rewinding leads from retraining, and the bound.
fn rewound(
    cost: &backdraft_curvature::Cost,
    regularity: Regularity,
    (steps, rewind): (usize, usize),
) -> (f64, f64) {
    let removal = Removal::of(vec![FORGOTTEN], EXAMPLES);
    let plan = ShuffledBatches::new(EXAMPLES, EXAMPLES, RATE, 0).unwrap();
    let keep = [steps - rewind];
    let trained = Trained::new((cost, config(None)), &removal, &plan, (steps, &keep)).unwrap();
    let found = rewind_to_delete(&trained.retained, &trained.full, &plan, rewind).unwrap();
    let bound = Sensitivity::new(&trained.retained, regularity, &plan).unwrap();
    (
        trained.distance(&found),
        bound.rewound(steps, rewind).unwrap(),
    )
}

#[track_caller]
fn reached(found: f64, bound: f64) {
    // Rounding of some ten steps, in differences of numbers that are not much larger.
    assert!(
        (found / bound - 1.0).abs() < 1e-12,
        "{found} of a bound of {bound}"
    );
}

/// `s/L ((1 + eta L)^K - 1) (1 + eta L)^(T - K)` where the objective curves downwards everywhere.
#[test]
fn rewinding_reaches_its_bound_where_the_objective_is_not_convex() {
    let smooth = 0.8;
    let cost = problem(-smooth, 0.0);
    for (steps, rewind) in [(10, 0), (10, 3), (12, 9), (7, 6)] {
        let regularity = Regularity::smooth(smooth, SLOPE);
        let (found, bound) = rewound(&cost, regularity, (steps, rewind));
        reached(found, bound);
        let factor = 1.0 + RATE * smooth;
        let apart = SLOPE / EXAMPLES as f64 / smooth;
        let kept = (steps - rewind) as i32;
        let expected = apart * (factor.powi(kept) - 1.0) * factor.powi(rewind as i32);
        reached(bound, expected);
    }
    let (found, bound) = rewound(&cost, Regularity::smooth(smooth, SLOPE), (8, 8));
    assert_eq!((found, bound), (0.0, 0.0));
}

/// Flat: what was gone apart stays, `eta K m G / n`.
#[test]
fn rewinding_reaches_its_bound_where_the_objective_is_convex() {
    let cost = problem(0.0, 0.0);
    for rewind in [0, 4, 7] {
        let (found, bound) = rewound(&cost, given([0.0, 2.0 / RATE]), (8, rewind));
        reached(found, bound);
        let kept = (8 - rewind) as f64;
        reached(bound, RATE * kept * SLOPE / EXAMPLES as f64);
    }
}

/// Both from the L2 term and from the loss itself.
#[test]
fn rewinding_reaches_its_bound_where_the_objective_is_strongly_convex() {
    for (cost, regularity) in [
        (problem(0.0, 0.9), given([0.0, 0.0])),
        (problem(0.9, 0.0), given([0.9, 0.9])),
    ] {
        for (steps, rewind) in [(9, 0), (9, 5)] {
            let (found, bound) = rewound(&cost, regularity, (steps, rewind));
            reached(found, bound);
        }
    }
}

/// Beside as many steps of retraining, `rho^I s/mu (1 - rho^T)`.
#[test]
fn descending_reaches_its_bound() {
    let (mu, steps, further) = (0.9, 8, 5);
    let cost = problem(0.0, mu);
    let removal = Removal::of(vec![FORGOTTEN], EXAMPLES);
    let plan = ShuffledBatches::new(EXAMPLES, EXAMPLES, RATE, 0).unwrap();
    let end = steps + further;
    let trained = Trained::new((&cost, config(None)), &removal, &plan, (end, &[steps])).unwrap();
    let from = trained.full.at(steps).unwrap();
    let found = descent_to_delete(&trained.retained, from, &plan, further).unwrap();
    let bound = Sensitivity::new(&trained.retained, given([0.0, 0.0]), &plan).unwrap();
    let bound = bound.descended(steps, further, end, 1.0).unwrap();
    reached(trained.distance(&found), bound);
    let factor: f64 = 1.0 - RATE * mu;
    let apart = SLOPE / EXAMPLES as f64 / mu;
    let expected = apart * (1.0 - factor.powi(steps as i32)) * factor.powi(further as i32);
    reached(bound, expected);
}

/// `(L - mu)/(L + mu)` a step of size `2/(mu + L)`, along the directions of the least and the greatest curvature.
#[test]
fn the_best_step_contracts_by_as_much_as_is_said() {
    for curvature in [0.5, 4.0] {
        let (mu, most) = (0.5, 4.0);
        let cost = curved(&[(1.0, curvature), (1.0, curvature)], 0.0);
        let rate = 2.0 / (mu + most);
        let all = WeightedDescent::new(&cost, &Removal::none(), config(None)).unwrap();
        let plan = ShuffledBatches::new(2, 2, rate, 0).unwrap();
        let one = |from: f64| {
            let end = all.run(at(from), plan.steps(0..1), |_| {}).unwrap();
            host(end.theta)[0]
        };
        let factor = (one(2.0) - one(-1.0)).abs() / 3.0;
        assert!((factor - (most - mu) / (most + mu)).abs() < 1e-15);
    }
}
