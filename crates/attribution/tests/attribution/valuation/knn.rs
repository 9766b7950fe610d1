//! Values of nearest neighbours, by the recursion and over all coalitions.

use backdraft_attribution::{
    NoStore,
    valuation::{ClosureGame, KnnConfig, Parts, ShapleyValues},
};
use backdraft_influence::closed::DenseMatrix;
use backdraft_test_support::{Outcome, numbers};

use super::{ROUNDING, assert_near, exact};

const N: usize = 9;
const TESTS: usize = 7;

/// Points on a small grid, some at the same place and many at equal distances.
fn grid(count: usize, seed: u64) -> DenseMatrix {
    let values = numbers(2 * count, seed).into_iter();
    DenseMatrix::new(count, 2, values.map(|it| (1.5 * it).round()).collect())
}

/// The members of a coalition, the nearest to a test point first and equal ones by their index: by definition.
fn nearest(train: &DenseMatrix, to: &[f64], members: &[bool]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..members.len()).filter(|&i| members[i]).collect();
    let distance = |i: usize| -> f64 {
        let pairs = train.row(i).iter().zip(to);
        pairs.map(|(a, b)| (a - b).powi(2)).sum()
    };
    order.sort_by(|&a, &b| distance(a).partial_cmp(&distance(b)).unwrap());
    order
}

fn whole(found: backdraft_attribution::valuation::Sharded<ShapleyValues>) -> ShapleyValues {
    found.whole().expect("it was not shared out")
}

#[test]
fn values_of_a_classifier_are_those_of_all_coalitions() -> Outcome {
    let (train, test) = (grid(N, 11), grid(TESTS, 12));
    let classes: Vec<usize> = (0..N).map(|i| (i * i) % 3).collect();
    let test_classes: Vec<usize> = (0..TESTS).map(|i| i % 3).collect();
    for k in [1, 2, 3, 5, N] {
        let config = KnnConfig::new().with_neighbours(k);
        let parts = Parts::new(&NoStore);
        let found = config.classification((&train, &classes), (&test, &test_classes), &parts)?;
        let found = whole(found);
        let worth = |members: &[bool]| {
            let right = |t: usize| {
                let order = nearest(&train, test.row(t), members);
                let near = order.iter().take(k);
                near.filter(|&&i| classes[i] == test_classes[t]).count() as f64 / k as f64
            };
            (0..TESTS).map(right).sum::<f64>() / TESTS as f64
        };
        let expected = exact(&ClosureGame::new(N, worth))?;
        assert_near(&found.values, &expected.values, ROUNDING);
        assert_near(
            &[found.empty, found.all],
            &[expected.empty, expected.all],
            ROUNDING,
        );
    }
    Ok(())
}

#[test]
fn values_of_a_regression_are_those_of_all_coalitions() -> Outcome {
    let (train, test) = (grid(N, 21), grid(TESTS, 22));
    let (targets, test_targets) = (numbers(N, 23), numbers(TESTS, 24));
    for k in [1, 2, 3, 5, N] {
        let config = KnnConfig::new().with_neighbours(k);
        let parts = Parts::new(&NoStore);
        let found = config.regression((&train, &targets), (&test, &test_targets), &parts)?;
        let found = whole(found);
        let worth = |members: &[bool]| {
            let loss = |t: usize| {
                let order = nearest(&train, test.row(t), members);
                let near = order.iter().take(k);
                let mean = near.map(|&i| targets[i]).sum::<f64>() / k as f64;
                (mean - test_targets[t]).powi(2)
            };
            -(0..TESTS).map(loss).sum::<f64>() / TESTS as f64
        };
        let expected = exact(&ClosureGame::new(N, worth))?;
        assert_near(&found.values, &expected.values, ROUNDING);
        assert_near(
            &[found.empty, found.all],
            &[expected.empty, expected.all],
            ROUNDING,
        );
    }
    Ok(())
}

#[test]
fn two_examples_and_one_neighbour_share_a_test_point() -> Outcome {
    // The nearer one is wrong, the other right: the worth of nearer alone and of both is 0, of the other alone 1.
    let train = DenseMatrix::new(2, 1, vec![0.0, 1.0]);
    let test = DenseMatrix::new(1, 1, vec![0.1]);
    let config = KnnConfig::new().with_neighbours(1);
    let parts = Parts::new(&NoStore);
    let found = whole(config.classification((&train, &[0, 1]), (&test, &[1]), &parts)?);
    assert_near(&found.values, &[-0.5, 0.5], ROUNDING);
    assert_eq!(found.standard_errors, None);
    Ok(())
}

/// More test points than a part has, on several threads: sums, and standard errors from each point by itself.
#[test]
fn standard_errors_are_those_of_the_measured_examples() -> Outcome {
    const MANY: usize = 150;
    let (train, test) = (grid(N, 31), grid(MANY, 32));
    let classes: Vec<usize> = (0..N).map(|i| i % 2).collect();
    let test_classes: Vec<usize> = (0..MANY).map(|i| (i / 3) % 2).collect();
    let config = KnnConfig::new().with_neighbours(3);
    let parts = Parts::new(&NoStore);
    let found = whole(config.classification((&train, &classes), (&test, &test_classes), &parts)?);
    let single = |t: usize| -> Outcome<Vec<f64>> {
        let one = DenseMatrix::new(1, 2, test.row(t).to_vec());
        let measured = (&one, &test_classes[t..=t]);
        Ok(whole(config.classification((&train, &classes), measured, &parts)?).values)
    };
    let each = (0..MANY).map(single).collect::<Outcome<Vec<_>>>()?;
    let count = MANY as f64;
    for i in 0..N {
        let mean = each.iter().map(|it| it[i]).sum::<f64>() / count;
        let square: f64 = each.iter().map(|it| (it[i] - mean).powi(2)).sum();
        let error = (square / (count * (count - 1.0))).sqrt();
        assert_near(&[found.values[i]], &[mean], ROUNDING);
        assert_near(
            &[found.standard_errors.as_ref().unwrap()[i]],
            &[error],
            ROUNDING,
        );
    }
    Ok(())
}
