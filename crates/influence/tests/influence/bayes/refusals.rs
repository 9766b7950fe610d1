//! Settings that make no sense, chains that diverge, and chains of others.

use std::slice;

use backdraft_curvature::Loss;
use backdraft_influence::bayes::{BayesError, BayesianInfluence, SgldConfig};
use backdraft_test_support::matrix;
use burn::tensor::Tensor;

use super::common::{INPUTS, LeastSquares};

const THETA: [f64; INPUTS] = [0.3, 1.4, 0.6];

fn good() -> SgldConfig {
    SgldConfig::new(1.0, 0.2).with_draws(16).with_burn_in(0)
}

#[test]
fn settings_that_make_no_sense_are_named() {
    let cost = LeastSquares::new(9, INPUTS, 0.1).cost(&THETA);
    let refused = |config: SgldConfig, setting: &str| match config.init(&cost) {
        Err(BayesError::Setting { name, .. }) => assert_eq!(name, setting),
        Err(error) => panic!("{setting}: {error}"),
        Ok(_) => panic!("{setting} was taken"),
    };
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        refused(SgldConfig::new(bad, 0.2), "localisation");
        refused(SgldConfig::new(1.0, bad), "step_size");
        let temperature = good().with_inverse_temperature(Some(bad));
        refused(temperature, "inverse_temperature");
    }
    refused(
        good().with_inverse_temperature(Some(1e-310)),
        "inverse_temperature",
    );
    refused(good().with_chains(0), "chains");
    for draws in [0, 1, 15] {
        refused(good().with_draws(draws), "draws");
    }
    refused(good().with_thinning(0), "thinning");
    refused(good().with_batch_size(Some(0)), "batch_size");
    for burn_in in [usize::MAX, usize::MAX / 2] {
        refused(good().with_burn_in(burn_in), "burn_in");
    }
    refused(good().with_thinning(usize::MAX / 2), "burn_in");
    let Err(error) = SgldConfig::new(0.0, 0.2).init(&cost) else {
        panic!("it was taken");
    };
    assert!(error.to_string().contains("held near"), "{error}");
    // A batch of more than all is all.
    assert!(good().with_batch_size(Some(usize::MAX)).init(&cost).is_ok());
}

#[test]
fn steps_that_are_too_long_are_told_with_a_remedy() {
    let mut problem = LeastSquares::new(9, INPUTS, 0.1);
    problem.x.iter_mut().flatten().for_each(|x| *x *= 5.0);
    let cost = problem.cost(&THETA);
    // Stable below 2 over the largest eigenvalue, which is more than the mean of the diagonal, about 25/3.
    let config = SgldConfig {
        step_size: 1.0,
        ..good()
    };
    let influence = BayesianInfluence::new(&cost, &cost, true, &config).unwrap();
    let error = influence.run().unwrap_err();
    let BayesError::Diverged {
        chain: 0,
        step_size: 1.0,
        ..
    } = error
    else {
        panic!("{error}");
    };
    assert!(error.to_string().contains("try 2.50e-1"), "{error}");
    let shorter = SgldConfig {
        step_size: 0.02,
        ..good()
    };
    let influence = BayesianInfluence::new(&cost, &cost, true, &shorter).unwrap();
    assert!(influence.run().is_ok());
}

/// The logarithm of the output, which there is of positive ones alone.
#[derive(Clone)]
struct Logarithm;

impl Loss for Logarithm {
    type Targets = Tensor<2>;

    fn per_example(&self, outputs: Tensor<2>, _: Tensor<2>) -> Tensor<1> {
        outputs.log().squeeze_dim(1)
    }
}

#[test]
fn what_is_no_number_on_the_way_is_told() {
    let mut problem = LeastSquares::new(9, INPUTS, 0.1);
    problem.x[4] = vec![0.1, 0.0, 0.0];
    let cost = problem.cost(&THETA);
    let query = cost.select(&[4]).unwrap();
    let query = query.with_loss(Logarithm, matrix(&[0.0], 1)).unwrap();
    let influence = BayesianInfluence::new(&cost, &query, false, &good()).unwrap();
    let error = influence.run().unwrap_err();
    let BayesError::NotFinite { what, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(what, "what is measured of query 0");
    // At the parameters themselves it is the cost that is refused.
    let [a, b, c] = THETA;
    let beyond = problem.cost(&[-a, b, c]);
    let query = beyond.select(&[4]).unwrap();
    let query = query.with_loss(Logarithm, matrix(&[0.0], 1)).unwrap();
    let refused = BayesianInfluence::new(&beyond, &query, false, &good());
    assert!(matches!(refused, Err(BayesError::Curvature(_))));
    let nothing = problem.cost(&[f64::NAN, b, c]);
    assert!(matches!(
        good().init(&nothing),
        Err(BayesError::Curvature(_))
    ));
}

#[test]
fn chains_of_others_are_refused() {
    let cost = LeastSquares::new(9, INPUTS, 0.1).cost(&THETA);
    let influence = BayesianInfluence::new(&cost, &cost, true, &good().with_chains(2)).unwrap();
    let refused = |chains: &[_]| {
        let found = influence.scores(chains);
        assert!(matches!(found, Err(BayesError::Chain { .. })));
    };
    let (mut first, mut second) = (influence.chain(0), influence.chain(1));
    influence.advance(&mut first).unwrap();
    refused(&[first.clone(), second.clone()]);
    for state in [&mut first, &mut second] {
        while !influence.is_done(state) {
            influence.advance(state).unwrap();
        }
    }
    assert!(influence.scores(&[first.clone(), second.clone()]).is_ok());
    refused(slice::from_ref(&first));
    refused(&[second.clone(), first.clone()]);
    let of_each = BayesianInfluence::new(&cost, &cost, false, &good().with_chains(2)).unwrap();
    let found = of_each.scores(&[first.clone(), second]);
    assert!(matches!(found, Err(BayesError::Chain { .. })));
    let longer = good().with_draws(17).with_burn_in(1);
    let longer = BayesianInfluence::new(&cost, &cost, true, &longer).unwrap();
    assert!(matches!(
        longer.advance(&mut first),
        Err(BayesError::Chain { .. })
    ));
    // What is done stays as it is.
    let scores = influence.scores(&[first.clone(), first]);
    assert!(scores.is_err());
}

#[test]
fn rows_that_there_are_not_are_refused() {
    let cost = LeastSquares::new(9, INPUTS, 0.1).cost(&THETA);
    let influence = BayesianInfluence::new(&cost, &cost, true, &good()).unwrap();
    let found = influence.run().unwrap();
    let refused = BayesError::Row { row: 1, rows: 1 }.to_string();
    assert_eq!(found.of_row(1).unwrap_err().to_string(), refused);
    assert_eq!(found.standard_errors(1).unwrap_err().to_string(), refused);
    assert_eq!(found.told_apart(1).unwrap_err().to_string(), refused);
}
