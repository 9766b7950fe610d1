//! Wrong labels looked for by estimates that are solved for as blocks.

use std::cell::Cell;

use backdraft_attribution::{
    EvaluationConfig, MemoryStore, Mislabel, RankBy, Shard, SolverConfig, Store,
    evaluate::{EvaluationTask, Progress, merge},
};
use backdraft_influence::ConjugateGradientConfig;

use crate::common::{DAMPING, N, fit, network};

const INFLUENCE: &[RankBy] = &[RankBy::Influence];

fn config(block_size: Option<usize>) -> EvaluationConfig {
    EvaluationConfig {
        solver: SolverConfig::ConjugateGradient(ConjugateGradientConfig {
            block_size,
            ..Default::default()
        }),
        ..EvaluationConfig::new(DAMPING)
    }
}

fn of_shard(store: &dyn Store, shard: Shard) -> Mislabel {
    let (cost, fit) = (network(), fit());
    let evaluation = config(None).init(&cost, &fit).unwrap();
    let evaluation = evaluation.with_own_store(store).with_shard(shard);
    evaluation.mislabel(&[3], INFLUENCE).unwrap()
}

#[test]
fn a_block_finds_the_same_with_fewer_products() {
    let (cost, fit) = (network(), fit());
    let found = [None, Some(1)].map(|block_size| {
        let (products, of_this) = (Cell::new(0), Cell::new(0));
        let evaluation = config(block_size).init(&cost, &fit).unwrap();
        let evaluation = evaluation.with_progress(|progress| {
            if let Progress::Step {
                task: EvaluationTask::Stage(_),
                done,
                ..
            } = progress
            {
                products.set(products.get() + done.saturating_sub(of_this.replace(done)));
            }
        });
        let found = evaluation.mislabel(&[3], INFLUENCE).unwrap();
        assert_eq!((found.unsolved, found.failed.len()), (0, 0));
        (found.rankings[&RankBy::Influence].clone(), products.get())
    });
    let [(blocks, few), (alone, many)] = found;
    assert_eq!(blocks.order, alone.order);
    for (a, b) in blocks.scores.iter().zip(&alone.scores) {
        let (a, b) = (a.unwrap(), b.unwrap());
        assert!((a - b).abs() <= 1e-8 * b.abs(), "{a} {b}");
    }
    assert!(few < many, "{few} {many}");
}

/// A shard has whole blocks, of two examples here, so that none is solved for twice, and the bits are the same.
#[test]
fn shards_come_to_the_same_bits() {
    let whole = of_shard(&MemoryStore::new(), Shard::WHOLE);
    let parts = [1, 2, 3].map(|index| {
        let store = MemoryStore::new();
        let found = of_shard(&store, Shard { index, count: 3 });
        assert_eq!(found.left, N - 4);
        store
    });
    let [one, others @ ..] = &parts;
    for other in others {
        assert_eq!(merge(one, other, N).unwrap(), 4);
    }
    assert_eq!(of_shard(one, Shard::WHOLE), whole);
}
