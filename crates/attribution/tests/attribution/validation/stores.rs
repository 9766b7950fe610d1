//! A validation that is stopped, or done in parts, comes to the same bits.

use std::cell::Cell;

use backdraft_attribution::{
    Evaluation, FolderStore, MemoryStore, NoStore, Progress, Shard, Store,
    evaluate::{EvaluateError, ValidationConfig, merge, merge_estimators},
};
use backdraft_curvature::Cost;

use super::{
    POINTS, config, estimators, evaluation, softmax::Known, timeless, untrained, validated,
};
use crate::common::Mortal;

#[test]
fn stopped_at_any_write_it_comes_to_the_same_bits() {
    let expected = validated(&NoStore, Shard::WHOLE).unwrap();
    // The points, the estimators, what was before, and each removal.
    let writes = 1 + estimators().len() + 1 + 1 + POINTS;
    for stop in 0..=writes {
        let store = MemoryStore::new();
        let mortal = Mortal {
            store: &store,
            left: Cell::new(stop),
            after: stop.is_multiple_of(2),
        };
        match validated(&mortal, Shard::WHOLE) {
            Err(EvaluateError::Store(_)) if stop < writes => {}
            Ok(found) if stop == writes => assert_eq!(found, expected),
            other => panic!("stopped at {stop}: {other:?}"),
        }
        assert_eq!(validated(&store, Shard::WHOLE).unwrap(), expected);
    }
}

#[test]
fn parts_are_put_together() {
    let expected = validated(&NoStore, Shard::WHOLE).unwrap();
    let whole = MemoryStore::new();
    for index in 1..=3 {
        let part = MemoryStore::new();
        let found = validated(&part, Shard { index, count: 3 }).unwrap();
        assert_eq!(
            (found.left, found.estimators_left),
            (POINTS - POINTS / 3, [8, 9, 9][index - 1])
        );
        assert_eq!(
            merge_estimators(&whole, &part, estimators().len() + 1).unwrap(),
            [5, 4, 4][index - 1]
        );
        assert_eq!(merge(&whole, &part, POINTS).unwrap(), POINTS / 3);
    }
    let computes = Cell::new(false);
    let (cost, query) = Known::new().costs();
    let evaluation = evaluation().init(&cost, &untrained).unwrap();
    let evaluation: Evaluation<'_> = evaluation.with_own_store(&whole).with_progress(|it| {
        computes
            .set(computes.get() | matches!(it, Progress::Step { .. } | Progress::Estimator { .. }));
    });
    let found = evaluation.validate(&query, &config()).unwrap();
    assert_eq!(timeless(found), expected);
    assert!(!computes.get(), "all of it was there");
}

/// A result that is of another removal, as where two machines chose other points, is not taken.
#[test]
fn results_of_other_points_are_computed_anew() {
    let expected = validated(&NoStore, Shard::WHOLE).unwrap();
    let store = MemoryStore::new();
    validated(&store, Shard::WHOLE).unwrap();
    let first = store.get("points/0.json").unwrap().unwrap();
    store.put("points/5.json", &first).unwrap();
    let mut found = validated(&store, Shard::WHOLE).unwrap();
    let [damaged] = found.damaged.as_slice() else {
        panic!("{:?}", found.damaged);
    };
    assert!(damaged.key == "points/5.json" && damaged.reason.contains("another removal"));
    found.damaged.clear();
    assert_eq!(found, expected);
}

/// One folder serves queries, points and estimators of all kinds.
#[test]
fn a_shared_store_tells_validations_apart() {
    let (cost, query) = Known::new().costs();
    let folder = tempfile::tempdir().unwrap();
    let store = FolderStore::open(folder.path()).unwrap();
    let other = Known::new()
        .tests
        .cost(&Known::new().trained)
        .select(&[1])
        .unwrap();
    let few = ValidationConfig {
        points: 5,
        estimators: estimators()[..2].to_vec(),
        ..config()
    };
    let swapped = ValidationConfig {
        estimators: estimators()[..2].iter().rev().cloned().collect(),
        ..few.clone()
    };
    let alone = |query: &Cost, config: &ValidationConfig| {
        let evaluation = evaluation().init(&cost, &untrained).unwrap();
        timeless(evaluation.validate(query, config).unwrap())
    };
    let shared = |query: &Cost, config: &ValidationConfig| {
        let evaluation = evaluation()
            .init(&cost, &untrained)
            .unwrap()
            .with_store(&store);
        timeless(evaluation.validate(query, config).unwrap())
    };
    for _ in 0..2 {
        for (query, config) in [(&query, &few), (&other, &few), (&query, &swapped)] {
            assert_eq!(shared(query, config), alone(query, config));
        }
    }
}
