//! Bayesian influence on measurements, and chains that are kept.

use std::{cell::Cell, time::Duration};

use backdraft_attribution::{
    AttributionError, BayesianScores, ChainStore, FolderStore, Influence, InfluenceConfig, Matrix,
    Measurement, MemoryStore, SgldConfig, SolverConfig, Store,
};
use backdraft_influence::{DirectConfig, bayes::BayesError};
use backdraft_test_support::{assert_close, classes};

use crate::common::{Mortal, N, inputs, labels, network};

/// Beyond the Hessian's negative eigenvalues.
const DAMPING: f64 = 0.5;

fn influence() -> Influence {
    let config = InfluenceConfig::new()
        .with_matrix(Matrix::Hessian)
        .with_damping(DAMPING)
        .with_solver(SolverConfig::Direct(DirectConfig::default()));
    config.over(network()).unwrap()
}

fn few(influence: &Influence) -> SgldConfig {
    let config = influence.bayesian_config().unwrap();
    config.with_chains(2).with_draws(16).with_burn_in(5)
}

#[test]
fn the_settings_of_an_influence_are_those_that_it_is_the_first_order_of() {
    let influence = influence();
    let config = influence.bayesian_config().unwrap();
    let expected = DAMPING * N as f64;
    assert!((config.localisation - expected).abs() < 1e-12);
    // Steps of half the inverse of the largest curvature, where that does not grow.
    let (dim, dense) = (
        influence.matrix().dim(),
        backdraft_curvature::to_dense(influence.matrix()).unwrap(),
    );
    let trace: f64 = (0..dim).map(|i| dense[i * dim + i]).sum();
    assert!(config.step_size >= 0.4 / trace && config.step_size < 0.5 / DAMPING);

    // Cold, and centred at parameters that are no minimum: the first order is all that there is.
    let cold = 1e4;
    let config = SgldConfig {
        localisation: DAMPING * cold * N as f64,
        inverse_temperature: Some(cold * N as f64),
        // What is as cold has the curvature that there is at the parameters.
        step_size: 2.0 * config.step_size,
        draws: 500,
        thinning: 4,
        ..config
    };
    for measurement in [Measurement::loss(labels()), Measurement::outputs()] {
        let exact = influence.scores(&measurement, inputs(4)).unwrap();
        let found = influence.bayesian_scores(&measurement, inputs(4), &config);
        let found = found.unwrap();
        assert_eq!([found.rows(), found.examples()], exact.values().dims());
        let (mut squares, mut worst, mut sizes) = (0.0, 0.0_f64, 0.0);
        for row in 0..found.rows() {
            let pairs = exact
                .of(row)
                .unwrap()
                .into_iter()
                .zip(found.of_row(row).unwrap());
            for ((exact, found), error) in pairs.zip(found.standard_errors(row).unwrap()) {
                let apart = (found - exact) / error;
                worst = worst.max(apart.abs());
                squares += apart * apart;
                sizes += (exact / error).powi(2);
            }
        }
        let typical = (squares / found.values().len() as f64).sqrt();
        // The errors of eight blocks of four chains scatter themselves, by an eighth.
        assert!(worst < 6.0 && typical < 1.6, "{worst} {typical}");
        // And are small beside what there is to see.
        assert!(sizes > 9.0 * found.values().len() as f64, "{sizes}");
    }
}

#[test]
fn measurements_have_a_row_each_or_one_for_their_mean() {
    let influence = influence();
    let config = few(&influence);
    let run = |of: Measurement| influence.bayesian_scores(&of, inputs(4), &config).unwrap();
    let (each, mean) = (
        run(Measurement::probability(labels())),
        run(Measurement::probability(labels()).mean()),
    );
    assert_eq!((each.rows(), mean.rows()), (N, 1));
    let column = |i: usize| (0..N).map(|q| each.of_row(q).unwrap()[i]).sum::<f64>() / N as f64;
    let expected: Vec<f64> = (0..N).map(column).collect();
    assert_close(mean.of_row(0).unwrap(), &expected, 1e-12);
}

fn kept(influence: &Influence, store: &dyn Store) -> Result<BayesianScores, AttributionError> {
    let measurement = Measurement::loss(labels());
    let chains = influence.bayesian(&measurement, inputs(4), &few(influence))?;
    ChainStore::new(&chains, store, Duration::ZERO)?.run(|_| {})
}

#[test]
fn chains_stopped_at_any_write_end_with_the_same_bits() {
    let influence = influence();
    let whole = kept(&influence, &MemoryStore::new()).unwrap();
    for left in [0, 1, 7, 20] {
        for after in [false, true] {
            let memory = MemoryStore::new();
            let store = Mortal {
                store: &memory,
                left: Cell::new(left),
                after,
            };
            let stopped = kept(&influence, &store);
            assert!(matches!(stopped, Err(AttributionError::Store(_))));
            let found = kept(&influence, &memory).unwrap();
            assert_eq!(found.values(), whole.values());
            assert_eq!(found.all_standard_errors(), whole.all_standard_errors());
            assert_eq!(
                (&found.losses, &found.measured),
                (&whole.losses, &whole.measured)
            );
        }
    }
}

#[test]
fn chains_that_are_done_are_taken_and_damaged_ones_made_anew() {
    let influence = influence();
    let folder = tempfile::tempdir().unwrap();
    let store = FolderStore::open(folder.path()).unwrap();
    let first = kept(&influence, &store).unwrap();
    let again = kept(&influence, &store).unwrap();
    // To the clock's bits: nothing was sampled.
    assert_eq!(first, again);
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let path = file.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        std::fs::write(&path, bytes).unwrap();
    }
    let anew = kept(&influence, &store).unwrap();
    assert_eq!(first.values(), anew.values());
    assert_ne!(first.seconds, anew.seconds);
    // What is under a key and whole, and no chain, is none.
    let other = MemoryStore::new();
    let spy = Spy {
        store: &other,
        wrong: true,
    };
    assert_eq!(kept(&influence, &spy).unwrap().values(), first.values());
}

/// A store whose entries are of something else.
struct Spy<'a> {
    store: &'a MemoryStore,
    wrong: bool,
}

impl Store for Spy<'_> {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, backdraft_attribution::StoreError> {
        match self.wrong {
            true => Ok(Some(b"nothing of the kind".to_vec())),
            false => self.store.get(key),
        }
    }

    fn put(&self, key: &str, value: &[u8]) -> Result<(), backdraft_attribution::StoreError> {
        self.store.put(key, value)
    }
}

#[test]
fn bad_settings_and_queries_are_refused() {
    let influence = influence();
    let measurement = Measurement::loss(labels());
    let config = few(&influence).with_chains(0);
    let refused = influence.bayesian_scores(&measurement, inputs(4), &config);
    let Err(AttributionError::Bayes(BayesError::Setting { name: "chains", .. })) = refused else {
        panic!("it was taken");
    };
    let two = Measurement::loss(classes(&[0, 1]));
    let refused = influence.bayesian_scores(&two, inputs(4), &few(&influence));
    assert!(matches!(refused, Err(AttributionError::Curvature(_))));
    // Without damping there is nothing that holds the chain.
    let config = InfluenceConfig::new().with_damping(0.0);
    let influence = config.over(network()).unwrap();
    let refused = influence.bayesian_config();
    let Err(AttributionError::Bayes(BayesError::Setting { name, .. })) = refused else {
        panic!("it was taken");
    };
    assert_eq!(name, "localisation");
}
