//! Shapley values: against their definition, worked examples and each other.

mod curves;
mod exact;
mod failures;
mod gradient;
mod groups;
mod knn;
mod permutations;
mod retraining;
mod shards;

use backdraft_attribution::{
    NoStore,
    valuation::{ExactConfig, Game, Parts, ShapleyValues},
};
use backdraft_test_support::{Outcome, numbers};

/// Of eight numbers each between -1 and 1, rounding leaves less.
const ROUNDING: f64 = 1e-12;

/// The values by definition.
fn exact(game: &dyn Game) -> Outcome<ShapleyValues> {
    let found = ExactConfig::new().run(game, &Parts::new(&NoStore))?;
    Ok(found.whole().expect("it was not shared out"))
}

/// A worth for each of the coalitions of `players`, that looks random.
fn worths(players: usize, seed: u64) -> impl Fn(&[bool]) -> f64 + Clone {
    let worths = numbers(1 << players, seed);
    move |members: &[bool]| {
        let place = members
            .iter()
            .rev()
            .fold(0, |bits, &it| 2 * bits + usize::from(it));
        worths[place]
    }
}

#[track_caller]
fn assert_near(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (place, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= tolerance, "{place}: {a} and not {b}");
    }
}
