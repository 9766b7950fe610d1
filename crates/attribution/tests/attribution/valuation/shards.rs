//! Valuations that are shared out, stopped and put together.

use std::cell::Cell;

use backdraft_attribution::{
    FolderStore, MemoryStore, NoStore, Shard, Store,
    valuation::{
        ClosureGame, CurveConfig, ExactConfig, KnnConfig, Parts, PermutationConfig, Sharded,
        TruncatedWalk, Truncation, ValuationError, leave_one_out,
    },
};
use backdraft_influence::closed::DenseMatrix;
use backdraft_test_support::{Outcome, numbers};

use super::worths;
use crate::common::Mortal;

const PLAYERS: usize = 8;

/// All that a valuation computes, as one line of words to the bit.
fn everything(parts: &Parts<'_>) -> Result<Vec<Sharded<String>>, ValuationError> {
    let worth = worths(PLAYERS, 2);
    let game = ClosureGame::new(20, move |it: &[bool]| {
        worth(&it[..PLAYERS]) + worth(&it[12..])
    });
    let few = ClosureGame::new(PLAYERS, worths(PLAYERS, 3));
    let walk = TruncatedWalk::new(&game, Truncation::Within(0.01))?;
    let config = PermutationConfig::new()
        .with_permutations(400)
        .with_convergence(Some(0.2));
    let (features, tests) = (numbers(60, 4), numbers(400, 5));
    let (features, tests) = (
        DenseMatrix::new(30, 2, features),
        DenseMatrix::new(200, 2, tests),
    );
    let classes: Vec<usize> = (0..30).map(|i| i % 2).collect();
    let targets = numbers(200, 6);
    let knn = KnnConfig::new();
    let curves = CurveConfig::new();
    let scores = numbers(20, 7);
    Ok(vec![
        ExactConfig::new()
            .run(&few, parts)?
            .map(|it| format!("{it:?}")),
        config.run(&walk, parts)?.map(|it| format!("{it:?}")),
        leave_one_out(&game, parts)?.map(|it| format!("{it:?}")),
        curves
            .run(&game, &scores, parts)?
            .map(|it| format!("{it:?}")),
        curves.random(&game, parts)?.map(|it| format!("{it:?}")),
        knn.classification((&features, &classes), (&tests, &[1; 200]), parts)?
            .map(|it| format!("{it:?}")),
        knn.regression((&features, &targets[..30]), (&tests, &targets), parts)?
            .map(|it| format!("{it:?}")),
    ])
}

fn whole() -> Outcome<Vec<Sharded<String>>> {
    let found = everything(&Parts::new(&NoStore))?;
    assert!(found.iter().all(|it| matches!(it, Sharded::Whole(_))));
    Ok(found)
}

#[test]
fn shards_put_together_are_one_run() -> Outcome {
    let expected = whole()?;
    let stores = [MemoryStore::new(), MemoryStore::new(), MemoryStore::new()];
    for (index, store) in (1..).zip(&stores) {
        let shard = Shard { index, count: 3 };
        for found in everything(&Parts::new(store).with_shard(shard))? {
            match found {
                // Few enough parts may all be one shard's.
                Sharded::Whole(_) => {}
                Sharded::Part { done, left } => assert!(left > 0, "{done}"),
            }
        }
    }
    let (first, others) = stores.split_first().unwrap();
    let others: Vec<&dyn Store> = others.iter().map(|it| it as &dyn Store).collect();
    // The whole is in the shards: the shard that puts them together computes nothing of others.
    let none = Shard {
        index: 1,
        count: usize::MAX,
    };
    let parts = Parts::new(first).with_others(others).with_shard(none);
    assert_eq!(everything(&parts)?, expected);
    // And now it has it all.
    assert_eq!(everything(&Parts::new(first).with_shard(none))?, expected);
    Ok(())
}

#[test]
fn a_run_that_was_stopped_goes_on_to_the_same_bits() -> Outcome {
    let expected = whole()?;
    let store = MemoryStore::new();
    let mut stops = 0;
    loop {
        let mortal = Mortal {
            store: &store,
            left: Cell::new(40),
            after: stops % 2 == 0,
        };
        match everything(&Parts::new(&mortal)) {
            Err(ValuationError::Store(_)) => stops += 1,
            found => {
                assert_eq!(found?, expected);
                break;
            }
        }
    }
    assert!(stops > 3, "{stops}");
    Ok(())
}

#[test]
fn what_is_damaged_is_computed_anew() -> Outcome {
    let folder = tempfile::tempdir()?;
    let store = FolderStore::open(folder.path())?;
    let game = ClosureGame::new(PLAYERS, worths(PLAYERS, 3));
    let run = || ExactConfig::new().run(&game, &Parts::new(&store));
    let expected = run()?;
    let files: Vec<_> = std::fs::read_dir(folder.path())?.collect::<Result<_, _>>()?;
    assert_eq!(files.len(), 4);
    let mut bytes = std::fs::read(files[1].path())?;
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(files[1].path(), bytes)?;
    std::fs::write(files[2].path(), b"")?;
    assert_eq!(run()?, expected);
    Ok(())
}

#[test]
fn other_settings_have_parts_of_their_own() -> Outcome {
    let store = MemoryStore::new();
    let game = ClosureGame::new(PLAYERS, worths(PLAYERS, 3));
    let parts = Parts::new(&store);
    let of = |truncation, seed| -> Outcome<_> {
        let walk = TruncatedWalk::new(&game, truncation)?;
        let config = PermutationConfig::new()
            .with_permutations(5)
            .with_seed(seed);
        let kept = config.run(&walk, &parts)?;
        let fresh = config.run(&walk, &Parts::new(&NoStore))?;
        assert_eq!(kept, fresh);
        Ok(kept)
    };
    let found = of(Truncation::Never, 0)?;
    assert_ne!(found, of(Truncation::Never, 1)?);
    assert_ne!(found, of(Truncation::Within(0.5), 0)?);
    Ok(())
}
