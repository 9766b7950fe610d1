//! Hold predicted changes against what really happens.

use std::collections::{BTreeMap, HashMap};

use backdraft_curvature::{Cost, Loss};
use backdraft_influence::{
    Pbrf, PbrfConfig, ResponseError,
    statistics::{pearson, slope, spearman},
};
use backdraft_models::computes_in_f64;
use burn::tensor::{DType, Device};
use rand::{SeedableRng, seq::index};
use rand_chacha::ChaCha8Rng;

use super::{CliError, progress};
use crate::output::{Failed, Kind, Pair, Scores, Verification};

/// Strongest examples of each sign verified for every query.
const STRONGEST: usize = 5;
/// Examples drawn at random and verified for every query.
const RANDOM: usize = 10;
/// Relative gradient norm that a response can reach in f32.
const SINGLE: f64 = 0.1;

/// Where responses are computed, and in which float type. The objective's gradient is a small difference of large ones, so in
/// f64: on the device itself if it has that, else on the CPU. Only a build without a CPU backend is left with f32.
pub(super) fn place(device: &Device) -> (Device, DType) {
    if computes_in_f64(device) {
        return (device.clone(), DType::F64);
    }
    #[cfg(feature = "flex")]
    return (Device::flex(), DType::F64);
    #[cfg(not(feature = "flex"))]
    (device.clone(), DType::F32)
}

/// Computes the response to the removal of the strongest and of random training examples, and compares the change of every
/// query's loss with its score.
pub(super) fn verify<L: Loss>(
    train: &Cost<L>,
    queries: &[Cost<L>],
    scores: &Scores,
    damping: f64,
    seed: u64,
) -> Result<Verification, CliError> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let random = index::sample(&mut rng, train.len(), RANDOM.min(train.len())).into_vec();
    let mut chosen = Vec::new();
    for row in 0..queries.len() {
        let strongest = scores.strongest(row, STRONGEST);
        let mut kinds: BTreeMap<usize, Kind> = random.iter().map(|&i| (i, Kind::Random)).collect();
        kinds.extend(strongest.helpful.iter().map(|it| (it.train, Kind::Helpful)));
        kinds.extend(strongest.harmful.iter().map(|it| (it.train, Kind::Harmful)));
        chosen.push(kinds);
    }
    let removed: BTreeMap<usize, ()> = chosen.iter().flatten().map(|(&i, _)| (i, ())).collect();

    // One response serves all queries that ask about the same removal.
    let mut config = PbrfConfig::new(damping);
    if train.model().dtype() != DType::F64 {
        config.tolerance = SINGLE;
    }
    let pbrf = Pbrf::new(train, config)?;
    let before = losses(queries)?;
    let bar = progress::bar("verifying", removed.len() as u64);
    let (mut changes, mut gradient) = (HashMap::new(), 0.0_f64);
    let mut failed = Vec::new();
    for &index in removed.keys() {
        bar.inc(1);
        let response = match pbrf.remove(index) {
            Ok(response) => response,
            Err(error @ (ResponseError::Diverged | ResponseError::NotConverged { .. })) => {
                failed.push(Failed {
                    train: index,
                    reason: error.to_string(),
                });
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        gradient = gradient.max(response.relative_gradient());
        let moved: Vec<_> = queries
            .iter()
            .map(|query| query.at(response.theta.clone()))
            .collect::<Result<_, _>>()?;
        let after = losses(&moved)?;
        let change: Vec<f64> = after
            .iter()
            .zip(&before)
            .map(|(after, before)| after - before)
            .collect();
        changes.insert(index, change);
    }
    bar.finish_and_clear();

    let mut pairs = Vec::new();
    for (row, kinds) in chosen.iter().enumerate() {
        let mut kinds: Vec<_> = kinds
            .iter()
            .map(|(&train, &kind)| (scores.row(row)[train], train, kind))
            .collect();
        kinds.sort_by(|a, b| b.0.total_cmp(&a.0));
        pairs.extend(kinds.into_iter().filter_map(|(predicted, train, kind)| {
            let actual = changes.get(&train)?[row];
            let (query, predicted) = (scores.queries()[row], predicted.into());
            Some(Pair {
                query,
                train,
                predicted,
                actual,
                kind,
            })
        }));
    }
    let predicted: Vec<f64> = pairs.iter().map(|pair| pair.predicted).collect();
    let actual: Vec<f64> = pairs.iter().map(|pair| pair.actual).collect();
    Ok(Verification {
        pearson: pearson(&predicted, &actual),
        spearman: spearman(&predicted, &actual),
        slope: slope(&predicted, &actual),
        max_objective_gradient: Some(gradient),
        pairs,
        failed,
    })
}

/// The loss of every query.
fn losses<L: Loss>(queries: &[Cost<L>]) -> Result<Vec<f64>, CliError> {
    let loss = |query: &Cost<L>| Ok(query.losses()?.into_data().iter::<f64>().sum());
    queries.iter().map(loss).collect()
}
