//! Games of training again: coalitions as weights, linear models at their minimum, performances.

use backdraft_attribution::{
    LinearRetrain, Minimize, NoStore, Retrain,
    valuation::{
        Game, GroupGame, Parts, Performance, PlayerGroups, RetrainGame, TestPerformance,
        leave_one_out,
    },
};
use backdraft_curvature::{BinaryCrossEntropy, Cost, CrossEntropy, Model, SquaredError};
use backdraft_influence::{
    closed::{DenseMatrix, DesignConfig, LogisticConfig},
    response::Stop,
};
use backdraft_test_support::{Outcome, classes, double, host, matrix, numbers, random, vector};
use burn::{
    nn::{Linear, LinearConfig},
    tensor::{Device, Tensor},
};

use super::{ROUNDING, assert_near, exact};
use crate::common::{INPUTS, LeastSquares, N, Net, fit, inputs, labels};

const L2: f64 = 0.05;
const FEW: usize = 7;

/// Least squares without a constant, trained in closed form.
fn closed(of: &LeastSquares, cost: &Cost) -> Outcome<LinearRetrain> {
    let n = of.t.len();
    let design = DesignConfig {
        intercept: false,
        ridge: L2 * n as f64,
        ..DesignConfig::default()
    };
    let x = DenseMatrix::new(n, INPUTS, of.x.concat());
    Ok(LinearRetrain::least_squares(
        design,
        x,
        of.t.clone(),
        cost.model(),
    )?)
}

fn measured(of: &LeastSquares) -> Cost {
    of.cost(&[0.0; INPUTS])
}

#[test]
fn closed_forms_and_descents_play_the_same_game() -> Outcome {
    let (train, test) = (LeastSquares::new(FEW, 40), LeastSquares::new(9, 50));
    let cost = train.cost(&[0.0; INPUTS]).with_l2(L2);
    let closed = closed(&train, &cost)?;
    let stop = Stop {
        tolerance: 1e-13,
        decrease: 0.0,
        max_steps: 1_000,
    };
    let minimize = Minimize::new(&cost, |_| vector(&[0.0; INPUTS]), stop)?;
    let performance = TestPerformance::new(Performance::Loss, &measured(&test))?;
    let values = |retrain: &dyn Retrain| {
        let empty = vector(&[0.0; INPUTS]);
        exact(&RetrainGame::new(retrain, FEW, &performance, empty, 0))
    };
    let (a, b) = (values(&closed)?, values(&minimize)?);
    // Descents end where the gradient has fallen by 1e13.
    assert_near(&a.values, &b.values, 1e-10);
    let loss = |theta: &[f64]| {
        let squares = (0..9).map(|i| 0.5 * test.residual(i, theta).powi(2));
        squares.sum::<f64>() / 9.0
    };
    assert_near(&[a.empty], &[-loss(&[0.0; INPUTS])], ROUNDING);
    let sum: f64 = a.values.iter().sum();
    assert_near(&[sum], &[a.all - a.empty], ROUNDING);
    Ok(())
}

#[test]
fn twins_are_worth_the_same_and_nothing_is_worth_nothing() -> Outcome {
    let (mut train, test) = (LeastSquares::new(FEW, 60), LeastSquares::new(9, 70));
    (train.x[4], train.t[4]) = (train.x[1].clone(), train.t[1]);
    // Without inputs and a constant it moves nothing.
    train.x[6] = vec![0.0; INPUTS];
    let closed = closed(&train, &measured(&test))?;
    for performance in [Performance::Loss, Performance::R2] {
        let performance = TestPerformance::new(performance, &measured(&test))?;
        let empty = vector(&[0.0; INPUTS]);
        let found = exact(&RetrainGame::new(&closed, FEW, &performance, empty, 0))?;
        assert_near(
            &[found.values[4], found.values[6]],
            &[found.values[1], 0.0],
            ROUNDING,
        );
        assert!(found.values[1].abs() > 1e-4);
    }
    Ok(())
}

/// Of minus the loss, leaving one out has the sign and the size of `loss(without) - loss(with)`.
#[test]
fn values_of_a_loss_have_the_sign_of_scores() -> Outcome {
    let (train, test) = (LeastSquares::new(FEW, 80), LeastSquares::new(9, 90));
    let closed = closed(&train, &measured(&test))?;
    let performance = TestPerformance::new(Performance::Loss, &measured(&test))?;
    let game = RetrainGame::new(&closed, FEW, &performance, vector(&[0.0; INPUTS]), 0);
    let found = leave_one_out(&game, &Parts::new(&NoStore))?
        .whole()
        .unwrap();
    let loss = |weights: &[f64]| -> Outcome<f64> {
        let theta = closed.retrain(weights, 0)?;
        let losses = measured(&test).at(theta)?.losses()?;
        Ok(losses.mean().into_scalar::<f64>())
    };
    let with = loss(&[1.0; FEW])?;
    for (i, value) in found.iter().enumerate() {
        let mut weights = [1.0; FEW];
        weights[i] = 0.0;
        assert_near(&[*value], &[loss(&weights)? - with], ROUNDING);
    }
    Ok(())
}

#[test]
fn logistic_regression_is_trained_to_its_minimum() -> Outcome {
    let device = Device::flex();
    let linear: Linear = double(LinearConfig::new(2, 1).init(&device));
    let model = Model::new(&linear, |it: &Linear, x: Tensor<2>| it.forward(x))?;
    let x = numbers(20, 5);
    let y: Vec<usize> = (0..10)
        .map(|i| usize::from(x[2 * i] + 0.4 * x[2 * i + 1] > 0.1))
        .collect();
    let targets: Vec<f64> = y.iter().map(|it| *it as f64).collect();
    let cost = Cost::new(
        model,
        BinaryCrossEntropy,
        matrix(&x, 2),
        matrix(&targets, 1),
    )?
    .with_l2(L2);
    let config = LogisticConfig {
        design: DesignConfig {
            ridge: 10.0 * L2,
            ..DesignConfig::default()
        },
        ..LogisticConfig::new(1)
    };
    let inputs = DenseMatrix::new(10, 2, x);
    let retrain = LinearRetrain::logistic(config, inputs, y.clone(), cost.model())?;
    let theta = retrain.retrain(&[1.0; 10], 0)?;
    let gradient = cost.at(theta)?.gradient()?.abs().max().into_scalar::<f64>();
    assert!(gradient < 1e-12, "{gradient}");
    // Without examples the outputs are all alike, which is chance; and one class alone is no failure.
    let performance = TestPerformance::new(Performance::Accuracy, &cost.clone().with_l2(0.0))?;
    let nothing = retrain.retrain(&[0.0; 10], 0)?;
    let game = RetrainGame::new(&retrain, 10, &performance, nothing, 0);
    assert_eq!(game.value(&[false; 10])?, 0.5);
    let alone: Vec<bool> = y.iter().map(|it| *it == 1).collect();
    let share = y.iter().sum::<usize>() as f64 / 10.0;
    assert_eq!(game.value(&alone)?, share);
    Ok(())
}

#[test]
fn performances_are_what_they_are_called() -> Outcome {
    let (test, theta) = (LeastSquares::new(9, 91), [0.3, -0.2, 0.6]);
    let r2 = TestPerformance::new(Performance::R2, &measured(&test))?;
    let mean = test.t.iter().sum::<f64>() / 9.0;
    let spread: f64 = test.t.iter().map(|t| (t - mean).powi(2)).sum();
    let squares: f64 = (0..9).map(|i| test.residual(i, &theta).powi(2)).sum();
    assert_near(
        &[r2.at(vector(&theta))?],
        &[1.0 - squares / spread],
        ROUNDING,
    );

    let model = Model::new(&Net::new(), Net::forward)?;
    let theta = model.theta();
    let cost = Cost::new(model, CrossEntropy, inputs(4), labels())?;
    let outputs = host(cost.outputs()?);
    let labels = labels().into_data().iter::<i64>().collect::<Vec<_>>();
    let right = outputs.chunks(3).zip(&labels).filter(|(y, label)| {
        let class = **label as usize;
        y.iter().all(|it| *it <= y[class])
    });
    let share = right.count() as f64 / N as f64;
    let accuracy = TestPerformance::new(Performance::Accuracy, &cost)?;
    assert_near(&[accuracy.at(theta.clone())?], &[share], ROUNDING);
    // The noise of a share is known; that of 1,000 samples to some percent of it.
    let expected = (share * (1.0 - share) / N as f64).sqrt();
    let noise = accuracy.noise(theta, 3)?;
    assert!((noise / expected - 1.0).abs() < 0.1, "{noise} {expected}");
    Ok(())
}

/// Any module, trained by one of Burn's optimizers.
#[test]
fn groups_of_a_network_add_up() -> Outcome {
    let (retrain, n) = (fit(), N);
    let model = Model::new(&Net::new(), Net::forward)?;
    let empty = model.theta();
    let test = Cost::new(
        model,
        CrossEntropy,
        random([20, INPUTS], 77),
        classes(&[1; 20]),
    )?;
    let performance = TestPerformance::new(Performance::Loss, &test)?;
    let game = RetrainGame::new(&retrain, n, &performance, empty.clone(), 0);
    let groups = PlayerGroups::random(n, 3, 0)?;
    let grouped = GroupGame::new(&game, &groups)?;
    let found = exact(&grouped)?;
    let sum: f64 = found.values.iter().sum();
    assert_near(&[sum], &[found.all - found.empty], ROUNDING);
    let all = test.at(retrain.retrain(&vec![1.0; n], 0)?)?.losses()?;
    assert_near(&[found.all], &[-all.mean().into_scalar::<f64>()], ROUNDING);
    let noise = grouped.noise()?.unwrap();
    assert!(noise > 0.0);
    Ok(())
}

/// A loss that the tests do not compute themselves.
#[test]
fn squared_errors_are_refused_an_accuracy() {
    let test = LeastSquares::new(9, 91);
    let refused = TestPerformance::new(Performance::Accuracy, &measured(&test)).err();
    let told = refused.unwrap().to_string();
    assert!(told.contains("accuracy") && told.contains("R2"), "{told}");
    let cost = measured(&test);
    let same = cost.with_loss(SquaredError, matrix(&[2.0; 9], 1)).unwrap();
    let refused = TestPerformance::new(Performance::R2, &same).err();
    assert!(
        refused
            .unwrap()
            .to_string()
            .contains("all targets are the same")
    );
}
