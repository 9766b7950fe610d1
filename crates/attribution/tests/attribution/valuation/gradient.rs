//! G-Shapley: what each example's gradient step adds in one pass of training.

use backdraft_attribution::{
    NoStore,
    valuation::{
        GradientWalk, Parts, Performance, PermutationConfig, PermutationWalk, PlayerGroups,
        RateSearch, TestPerformance,
    },
};
use backdraft_test_support::{Outcome, vector};

use super::{ROUNDING, assert_near};
use crate::common::{INPUTS, LeastSquares};

const RATE: f64 = 0.1;
const L2: f64 = 0.2;
const FEW: usize = 5;

fn loss(of: &LeastSquares, theta: &[f64]) -> f64 {
    let n = of.t.len();
    (0..n)
        .map(|i| 0.5 * of.residual(i, theta).powi(2))
        .sum::<f64>()
        / n as f64
}

/// A step along an example's own gradient, with the L2 term.
fn step(of: &LeastSquares, i: usize, theta: &mut [f64]) {
    let residual = of.residual(i, theta);
    for (theta, x) in theta.iter_mut().zip(&of.x[i]) {
        *theta -= RATE * (residual * x + L2 * *theta);
    }
}

#[test]
fn a_walk_makes_a_step_an_example() -> Outcome {
    let (train, test) = (LeastSquares::new(FEW, 1), LeastSquares::new(6, 2));
    let cost = train.cost(&[0.0; INPUTS]).with_l2(L2);
    let performance = TestPerformance::new(Performance::Loss, &test.cost(&[0.0; INPUTS]))?;
    let start = |seed: u64| [seed as f64 * 0.1, -0.3, 0.2];
    let initial = |seed| vector(&start(seed));
    let singles = PlayerGroups::singles(FEW)?;
    let walk = GradientWalk::new(&cost, &singles, &performance, RATE, initial)?;
    let order = [3, 0, 4, 1, 2];
    let found = walk.walk(&order, 7)?;
    let mut theta = start(7);
    let mut expected = vec![-loss(&test, &theta)];
    for i in order {
        step(&train, i, &mut theta);
        expected.push(-loss(&test, &theta));
    }
    assert_near(&found.performance, &expected, ROUNDING);

    let groups = PlayerGroups::new(vec![vec![2, 1], vec![4, 0]], FEW)?;
    let walk = GradientWalk::new(&cost, &groups, &performance, RATE, initial)?;
    let found = walk.walk(&[1, 0], 7)?;
    let mut theta = start(7);
    let mut expected = vec![-loss(&test, &theta)];
    for group in [[4, 0], [2, 1]] {
        group.into_iter().for_each(|i| step(&train, i, &mut theta));
        expected.push(-loss(&test, &theta));
    }
    assert_near(&found.performance, &expected, ROUNDING);
    Ok(())
}

#[test]
fn values_add_up_to_what_a_pass_gains() -> Outcome {
    let (train, test) = (LeastSquares::new(FEW, 1), LeastSquares::new(6, 2));
    let cost = train.cost(&[0.0; INPUTS]);
    let performance = TestPerformance::new(Performance::Loss, &test.cost(&[0.0; INPUTS]))?;
    let singles = PlayerGroups::singles(FEW)?;
    let initial = |_| vector(&[0.0; INPUTS]);
    let walk = GradientWalk::new(&cost, &singles, &performance, RATE, initial)?;
    let config = PermutationConfig::new().with_permutations(30);
    let found = config.run(&walk, &Parts::new(&NoStore))?.whole().unwrap();
    let sum: f64 = found.shapley.values.iter().sum();
    assert_near(&[sum], &[found.shapley.all - found.shapley.empty], ROUNDING);
    assert_near(
        &[found.shapley.empty],
        &[-loss(&test, &[0.0; INPUTS])],
        ROUNDING,
    );
    Ok(())
}

#[test]
fn the_rate_of_the_best_pass_is_found() -> Outcome {
    let (train, mut test) = (LeastSquares::new(40, 1), LeastSquares::new(30, 2));
    let mut train = train;
    for of in [&mut train, &mut test] {
        for (x, t) in of.x.iter().zip(&mut of.t) {
            *t = x[0] - 2.0 * x[1];
        }
    }
    let cost = train.cost(&[0.0; INPUTS]);
    let performance = TestPerformance::new(Performance::Loss, &test.cost(&[0.0; INPUTS]))?;
    let singles = PlayerGroups::singles(40)?;
    let initial = |_| vector(&[0.0; INPUTS]);
    let walk = GradientWalk::new(&cost, &singles, &performance, RATE, initial)?;
    // Steps of 1e20 come to infinity, those of 1e-6 nowhere.
    let found = walk.search(&[1e20, 0.5, 1e-6], 3, 0)?;
    assert_eq!(found.learning_rate, 0.5);
    let known: Vec<bool> = found
        .trials
        .iter()
        .map(|it| it.performance.is_some())
        .collect();
    assert_eq!(known, [false, true, true]);
    assert_eq!(walk.search(&[1e20, 0.5, 1e-6], 3, 0)?, found);
    let told = walk.search(&[1e20], 3, 0).unwrap_err().to_string();
    assert!(told.contains("learning_rate"), "{told}");
    let rates = RateSearch::rates();
    assert_near(
        &[rates[0], rates[1], rates[7]],
        &[0.1, 0.1_f64.powf(1.5), 0.1_f64.powf(4.5)],
        ROUNDING,
    );
    Ok(())
}
