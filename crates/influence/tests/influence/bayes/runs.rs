//! Runs: the same bits, means over queries, chains that were left and went on, networks that are at no minimum.

use backdraft_influence::bayes::{BayesianInfluence, ChainState, SgldConfig};
use backdraft_test_support::assert_close;

use super::common::{INPUTS, LeastSquares, sampled};
use crate::response::common::network;

const THETA: [f64; INPUTS] = [0.3, 1.4, 0.6];

fn config() -> SgldConfig {
    SgldConfig::new(3.0, 0.2)
        .with_chains(2)
        .with_draws(16)
        .with_burn_in(7)
        .with_thinning(3)
        .with_batch_size(Some(4))
        .with_seed(3)
}

#[test]
fn the_seed_decides_every_bit() {
    let cost = LeastSquares::new(9, INPUTS, 0.1).cost(&THETA);
    let scores = |seed: u64| sampled(&cost, &config().with_seed(seed));
    let (first, again, other) = (scores(3), scores(3), scores(4));
    assert_eq!(first.values(), again.values());
    assert_eq!(first.all_standard_errors(), again.all_standard_errors());
    assert_eq!(first.losses, again.losses);
    assert_ne!(first.values(), other.values());
    // And every chain goes its own way.
    assert_ne!(first.losses[0], first.losses[1]);
}

/// As a later process finds it: without what is kept for speed.
fn left(state: &ChainState) -> ChainState {
    let mut left = ChainState::resumed(state.chain, state.theta.clone(), state.steps);
    left.blocks.clone_from(&state.blocks);
    left.losses.clone_from(&state.losses);
    left.measured.clone_from(&state.measured);
    left
}

#[test]
fn chains_that_were_left_anywhere_go_on_to_the_same_bits() {
    let cost = LeastSquares::new(9, INPUTS, 0.1).cost(&THETA);
    let queries = cost.select(&[2, 5]).unwrap();
    let influence = BayesianInfluence::new(&cost, &queries, false, &config()).unwrap();
    let whole = influence.run().unwrap();
    let mut chains = Vec::new();
    for chain in 0..2 {
        let mut state = influence.chain(chain);
        while !influence.is_done(&state) {
            state = left(&state);
            influence.advance(&mut state).unwrap();
        }
        assert_eq!(state.steps, 7 + 16 * 3);
        chains.push(state);
    }
    let found = influence.scores(&chains).unwrap();
    assert_eq!(found.values(), whole.values());
    assert_eq!(found.all_standard_errors(), whole.all_standard_errors());
    assert_eq!(found.losses, whole.losses);
    assert_eq!(found.measured, whole.measured);
}

#[test]
fn a_mean_has_the_mean_of_the_scores() {
    let cost = LeastSquares::new(9, INPUTS, 0.1).cost(&THETA);
    let run = |mean: bool| {
        let influence = BayesianInfluence::new(&cost, &cost, mean, &config()).unwrap();
        influence.run().unwrap()
    };
    let (each, mean) = (run(false), run(true));
    assert_eq!((each.rows(), mean.rows()), (9, 1));
    let column = |i: usize| (0..9).map(|q| each.of_row(q).unwrap()[i]).sum::<f64>() / 9.0;
    let expected: Vec<f64> = (0..9).map(column).collect();
    assert_close(mean.of_row(0).unwrap(), &expected, 1e-12);
}

/// Example by example the score is that of the whole chain held at once.
#[test]
fn online_covariances_are_those_of_all_draws() {
    let cost = network();
    let influence = BayesianInfluence::new(&cost, &cost, true, &config()).unwrap();
    let mut chains = vec![influence.chain(0), influence.chain(1)];
    let (mut losses, mut measured) = (Vec::new(), Vec::new());
    for state in &mut chains {
        while !influence.is_done(state) {
            let before = state.draws();
            influence.advance(state).unwrap();
            if state.draws() > before {
                let here = cost.at(state.theta.clone()).unwrap();
                let found: Vec<f64> = here.losses().unwrap().into_data().iter::<f64>().collect();
                measured.push(found.iter().sum::<f64>() / found.len() as f64);
                losses.push(found);
            }
        }
    }
    let count = measured.len() as f64;
    assert_eq!(count, 32.0);
    let mean = measured.iter().sum::<f64>() / count;
    let covariance = |i: usize| {
        let own = losses.iter().map(|it| it[i]).sum::<f64>() / count;
        let products = losses.iter().zip(&measured);
        products
            .map(|(l, m)| (l[i] - own) * (m - mean))
            .sum::<f64>()
            / (count - 1.0)
    };
    // nbeta is N.
    let expected: Vec<f64> = (0..cost.len()).map(covariance).collect();
    let found = influence.scores(&chains).unwrap();
    assert_close(found.values(), &expected, 1e-12);
    let traces = found.measured[0].concat();
    assert_close(&traces, &measured, 1e-14);
}

/// Damped influence with the curvature of a network, at parameters of no training at all, is what a cold posterior
/// gives that is centred there.
#[test]
fn a_cold_centred_posterior_gives_damped_influence_of_any_network() {
    use backdraft_influence::{DirectConfig, Solver, scores};
    use backdraft_test_support::host;
    let cost = network();
    let nbeta = 1e6;
    // Beyond the negative eigenvalues.
    let damping = 1.0;
    let config = SgldConfig::new(damping * nbeta, 0.5)
        .with_inverse_temperature(Some(nbeta))
        .with_centred(true)
        .with_draws(1_000)
        .with_thinning(4);
    let influence = BayesianInfluence::new(&cost, &cost, true, &config).unwrap();
    let found = influence.run().unwrap();
    let matrix = cost.hessian().damped(damping);
    let solver = DirectConfig::default().init().unwrap();
    let solution = solver.solve(&matrix, cost.gradient().unwrap()).unwrap();
    let expected = host(scores(&cost, solution.vector).unwrap());
    super::common::assert_sampled(&found, &expected);
}
