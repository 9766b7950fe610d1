//! Bounds hold, and say something, for logistic regression on made-up data, whole and in batches.

use backdraft_curvature::{Cost, CrossEntropy, LinearOperator, Model, SquaredError};
use backdraft_dense::{DenseMatrix, Eigen};
use backdraft_influence::{
    response::Removal,
    unlearn::{
        Checkpoints, DescentState, LinearLoss, Regularity, Sensitivity, WeightedDescent,
        descent_to_delete, rewind_to_delete,
    },
};
use backdraft_test_support::{classes, host, matrix, norm, numbers, random, vector};

use super::common::{COLUMNS, L2, N, Trained, apart, config, forward, logistic, of_logistic, plan};

const FORGET: [usize; 2] = [3, 20];

#[test]
fn rewinding_stays_within_its_bound() {
    for (seed, l2, radius, batch_size) in [
        (1, 0.0, None, N),
        (2, L2, None, N),
        (3, 0.0, None, 5),
        (4, L2, None, 5),
        (5, L2, Some(0.4), 7),
        (6, 0.0, Some(0.4), N),
    ] {
        let (cost, design) = logistic(seed, l2);
        let (removal, steps) = (Removal::of(FORGET.to_vec(), N), 40);
        let plan = plan(batch_size, 0.5);
        let keep = [0, 10, 20, 30, 40];
        let of = (&cost, config(radius));
        let trained = Trained::new(of, &removal, &plan, (steps, &keep)).unwrap();
        let regularity = of_logistic(&design, batch_size);
        let sensitivity = Sensitivity::new(&trained.retained, regularity, &plan).unwrap();
        let mut last = f64::INFINITY;
        for rewind in [0, 10, 20, 30] {
            let found = rewind_to_delete(&trained.retained, &trained.full, &plan, rewind).unwrap();
            let (found, bound) = (
                trained.distance(&found),
                sensitivity.rewound(steps, rewind).unwrap(),
            );
            assert!(found > 0.0 && found <= bound, "{seed}: {found} {bound}");
            // The forgotten examples' gradients are a tenth of what they might be, and point apart. A ball brings both
            // together on its edge, of which the bound knows the diameter alone.
            let most = radius.map_or(60.0 * found, |radius| 2.0 * radius);
            assert!(bound <= most, "{seed}: {found} {bound}");
            assert!(bound <= last);
            last = bound;
        }
        assert_eq!(sensitivity.rewound(steps, steps).unwrap(), 0.0);
    }
}

#[test]
fn descending_stays_within_its_bound_and_comes_ever_nearer() {
    for (seed, batch_size) in [(7, N), (8, 6)] {
        let (cost, design) = logistic(seed, L2);
        let removal = Removal::of(FORGET.to_vec(), N);
        let (plan, steps) = (plan(batch_size, 0.5), 60);
        let of = (&cost, config(None));
        let start = norm(&host(cost.model().theta()));
        for further in [0, 20, 80] {
            let end = steps + further;
            let trained = Trained::new(of, &removal, &plan, (end, &[steps])).unwrap();
            let from = trained.full.at(steps).unwrap();
            let found = descent_to_delete(&trained.retained, from, &plan, further).unwrap();
            let regularity = of_logistic(&design, batch_size);
            let sensitivity = Sensitivity::new(&trained.retained, regularity, &plan).unwrap();
            let bound = sensitivity.descended(steps, further, end, start).unwrap();
            let found = trained.distance(&found);
            assert!(found > 0.0 && found <= bound, "{further}: {found} {bound}");
            assert!(bound <= 0.95_f64.powi(further as i32) * 2.0);
            // Beside retraining of fewer steps, which ends elsewhere on the same path.
            if batch_size == N {
                let bound = sensitivity.descended(steps, further, steps, start).unwrap();
                let without = Trained::new(of, &removal, &plan, (steps, &[])).unwrap();
                let other = without
                    .distance(&descent_to_delete(&trained.retained, from, &plan, further).unwrap());
                assert!(other <= bound, "{further}: {other} {bound}");
            }
        }
    }
}

/// `||theta* - theta*_R|| <= s/mu`, and a point of gradient `g` is at most `||g||/mu` from the minimum.
#[test]
fn the_minimum_moves_by_no_more_than_is_said() {
    for seed in 10..14 {
        let (cost, design) = logistic(seed, L2);
        let removal = Removal::of(FORGET.to_vec(), N);
        let plan = plan(N, 1.0);
        // To rounding.
        let of = (&cost, config(None));
        let trained = Trained::new(of, &removal, &plan, (2_000, &[])).unwrap();
        let found = trained.distance(trained.full.trained().unwrap());
        let gradient = of_logistic(&design, N).gradient;
        let bound = gradient * FORGET.len() as f64 / N as f64 / L2;
        assert!(found > 0.02 * bound && found <= bound, "{found} {bound}");
    }
}

/// Of the Hessian's eigenvalues and of gradients, at parameters of any size, for each loss.
#[test]
fn linear_models_stay_within_what_is_derived_for_them() {
    let x = numbers(N * COLUMNS, 30);
    let design = DenseMatrix::from_fn(N, COLUMNS + 1, |i, j| match j {
        COLUMNS => 1.0,
        j => x[i * COLUMNS + j],
    });
    let labels: Vec<i64> = (0..N as i64).map(|i| i * i % 3).collect();
    let targets = numbers(N * 3, 31);
    let layer = super::super::response::common::layer(COLUMNS, 3);
    let model = || Model::new(&layer, forward).unwrap();
    let (inputs, largest) = (matrix(&x, COLUMNS), 2.0);
    let rows = targets.chunks(3).map(norm);
    let squares = LinearLoss::Squares {
        radius: largest,
        target: rows.fold(0.0, f64::max),
    };
    let costs = [
        (
            Cost::new(model(), CrossEntropy, inputs.clone(), classes(&labels)).unwrap(),
            LinearLoss::Softmax,
        ),
        (
            Cost::new(model(), SquaredError, inputs, matrix(&targets, 3)).unwrap(),
            squares,
        ),
        (logistic(30, 0.0).0, LinearLoss::Logistic),
    ];
    for (cost, loss) in costs {
        let whole = Regularity::of_linear(&design, loss, true, 1.0).unwrap();
        let batches = Regularity::of_linear(&design, loss, false, 1.0).unwrap();
        assert!(batches.curvature[1] >= whole.curvature[1]);
        let (mut curved, mut steep) = (0.0_f64, 0.0_f64);
        for seed in 0..20 {
            let theta = random([cost.model().dim()], 40 + seed);
            let size = norm(&host(theta.clone()));
            // From nothing to the edge of the ball.
            let there = cost
                .at(theta * (largest * seed as f64 / 19.0 / size))
                .unwrap();
            let dim = cost.model().dim();
            let dense = dense_hessian(&there);
            let eigen = Eigen::new(&DenseMatrix::new(dim, dim, dense)).unwrap();
            assert!(eigen.values[0] > -1e-12);
            curved = curved.max(eigen.values[dim - 1]);
            let norms = host(there.gradient_norms().unwrap());
            steep = norms.into_iter().fold(steep, f64::max);
        }
        // At the least uncertain labels the bounds of curvature are reached, for squares everywhere.
        assert!(curved <= whole.curvature[1] * (1.0 + 1e-12));
        assert!(curved > 0.5 * whole.curvature[1]);
        assert!(steep <= whole.gradient && steep > 0.4 * whole.gradient);
    }
}

/// Row by row, which are its columns.
fn dense_hessian(cost: &Cost) -> Vec<f64> {
    let hessian = cost.hessian();
    let dim = cost.model().dim();
    let columns = (0..dim).map(|column| {
        let mut unit = vec![0.0; dim];
        unit[column] = 1.0;
        host(hessian.apply(vector(&unit)).unwrap())
    });
    columns.flatten().collect()
}

/// A checkpoint of the full training beside one of retraining: what the bound of the first steps is of.
#[test]
fn the_bound_grows_as_the_two_trainings_part() {
    let (cost, design) = logistic(50, 0.0);
    let removal = Removal::of(FORGET.to_vec(), N);
    let plan = plan(6, 0.5);
    let start = || DescentState::start(cost.model().theta());
    let [all, retained] = [&Removal::none(), &removal]
        .map(|it| WeightedDescent::new(&cost, it, config(None)).unwrap());
    let sensitivity = Sensitivity::new(&retained, of_logistic(&design, 6), &plan).unwrap();
    for steps in [1, 5, 25] {
        let [with, without] = [&all, &retained].map(|it| {
            let kept = Checkpoints::train(it, start(), &plan, steps, &[]).unwrap();
            kept.trained().unwrap().theta.clone()
        });
        let bound = sensitivity.rewound(steps, 0).unwrap();
        let found = apart(&with, &without);
        assert!(found <= bound);
        // Nothing moves them apart before a batch has one of the forgotten.
        assert_eq!(bound == 0.0, found == 0.0);
    }
}
