//! An evaluation that was stopped goes on, and comes to the same bits.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use backdraft_attribution::{
    Correlations, Decomposition, EvaluateError, EvaluationConfig, FolderStore, MemoryStore,
    Mislabel, NoStore, Progress, RankBy, Retrain, RetrainError, Shard, SolverConfig, Store,
    StoreError,
    evaluate::{merge, missing},
};
use backdraft_curvature::Cost;
use backdraft_influence::{LissaConfig, Scale, response::Removal};
use burn::Tensor;

use crate::common::{
    DAMPING, Mortal, fit, inputs, labels, network, removals, steps, timeless, timeless_changes,
};

fn config() -> EvaluationConfig {
    EvaluationConfig {
        retraining: steps(),
        bregman: steps(),
        ..EvaluationConfig::new(DAMPING)
    }
}

fn asked() -> Vec<Removal> {
    removals(&[&[4], &[1, 7]])
}

/// A network, queries, and a training that is counted.
struct Subject {
    cost: Cost,
    queries: Cost,
    trainings: Cell<usize>,
}

type Found = (Decomposition, Correlations, Mislabel);

impl Subject {
    fn new() -> Self {
        let cost = network();
        let queries = cost.with_examples(inputs(29), labels()).unwrap();
        let queries = queries.select(&[0, 1, 2]).unwrap();
        Self {
            queries,
            cost,
            trainings: Cell::new(0),
        }
    }

    fn evaluate(
        &self,
        store: &dyn Store,
        config: EvaluationConfig,
    ) -> Result<Found, EvaluateError> {
        let fit = fit();
        let retrain = |weights: &[f64], seed: u64| -> Result<Tensor<1>, RetrainError> {
            self.trainings.set(self.trainings.get() + 1);
            fit.retrain(weights, seed)
        };
        let evaluation = config.init(&self.cost, &retrain)?.with_store(store);
        Ok((
            timeless(evaluation.gaps(&asked())?),
            timeless_changes(evaluation.correlations(&asked(), &self.queries)?),
            evaluation.mislabel(&[3], &[RankBy::Influence])?,
        ))
    }
}

#[test]
fn stopped_anywhere_it_comes_to_the_same_bits() {
    let subject = Subject::new();
    let expected = subject.evaluate(&NoStore, config()).unwrap();
    // Without a store each of two measurements trains for each of two removals.
    assert_eq!(subject.trainings.replace(0), 4);
    for after in [false, true] {
        let mut stops = 0;
        loop {
            let store = MemoryStore::new();
            let mortal = Mortal {
                store: &store,
                left: Cell::new(stops),
                after,
            };
            match subject.evaluate(&mortal, config()) {
                Err(EvaluateError::Store(_)) => {}
                other => {
                    assert_eq!(other.unwrap(), expected);
                    break;
                }
            }
            let found = subject.evaluate(&store, config()).unwrap();
            assert_eq!(found, expected, "stopped at write {stops}");
            stops += 1;
        }
        // Five stages, an estimate and the gaps for two removals; two stages for them, one of them shared, and the
        // changes; an estimate and a result for each of twelve examples, which are solved for as blocks.
        assert_eq!(stops, 14 + 3 + 2 + 24);
    }
}

/// Stopped at every write, one after the other, with nothing kept that is not needed any more.
#[test]
fn stopped_at_every_write_it_computes_nothing_twice() {
    let (subject, store) = (Subject::new(), MemoryStore::new());
    let config = EvaluationConfig {
        keep_parameters: false,
        ..config()
    };
    let expected = subject.evaluate(&NoStore, config.clone()).unwrap();
    assert_eq!(subject.trainings.replace(0), 4);
    let mut stops = 0;
    let found = loop {
        let mortal = Mortal {
            store: &store,
            left: Cell::new(0),
            after: true,
        };
        match subject.evaluate(&mortal, config.clone()) {
            Err(EvaluateError::Store(_)) => stops += 1,
            other => break other.unwrap(),
        }
    };
    assert_eq!(found, expected);
    assert_eq!(subject.trainings.get(), 4);
    assert!(stops > 43, "{stops}");
}

#[test]
fn a_second_measurement_finds_what_the_first_computed() {
    let subject = Subject::new();
    subject.evaluate(&MemoryStore::new(), config()).unwrap();
    assert_eq!(subject.trainings.get(), 2);
}

/// Keys and their bytes.
#[derive(Default)]
struct Listed(RefCell<BTreeMap<String, Vec<u8>>>);

impl Store for Listed {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.borrow().get(key).cloned())
    }

    fn put(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.0.borrow_mut().insert(key.into(), value.into());
        Ok(())
    }

    fn remove(&self, key: &str) -> Result<(), StoreError> {
        self.0.borrow_mut().remove(key);
        Ok(())
    }
}

#[test]
fn parameters_are_let_go_of_if_asked_for() {
    let (subject, store) = (Subject::new(), Listed::default());
    let small = EvaluationConfig {
        keep_parameters: false,
        ..config()
    };
    subject.evaluate(&store, small).unwrap();
    let keys = store.0.borrow();
    // What is left: results, and the training on with all examples, which all removals share.
    let parameters: Vec<_> = keys
        .keys()
        .filter(|key| {
            let name = key.rsplit('/').next().unwrap();
            let result = ["gaps", "self-influence"].contains(&name) || name.starts_with("changes-");
            !result || name.contains('.')
        })
        .collect();
    let [shared] = parameters.as_slice() else {
        panic!("{parameters:?}");
    };
    assert!(shared.ends_with("/all/warm-start"), "{shared}");
}

#[test]
fn what_is_of_another_evaluation_is_not_taken() {
    let (subject, store) = (Subject::new(), MemoryStore::new());
    let first = subject.evaluate(&store, config()).unwrap();
    let damped = EvaluationConfig {
        damping: 2.0 * DAMPING,
        ..config()
    };
    let second = subject.evaluate(&store, damped.clone()).unwrap();
    assert_ne!(first.0, second.0);
    assert_eq!(second, subject.evaluate(&NoStore, damped).unwrap());

    // Other data, at the same parameters.
    let others = subject.cost.with_examples(inputs(50), labels()).unwrap();
    let other = Subject {
        cost: others,
        ..Subject::new()
    };
    let third = other.evaluate(&store, config()).unwrap();
    assert_eq!(third, other.evaluate(&NoStore, config()).unwrap());
    assert_ne!(first.0, third.0);

    // What cannot be seen has a name.
    let trainings = Cell::new(0);
    let fit = fit();
    let retrain = |weights: &[f64], seed: u64| -> Result<Tensor<1>, RetrainError> {
        trainings.set(trainings.get() + 1);
        fit.retrain(weights, seed)
    };
    for (name, expected) in [("a", 2), ("a", 2), ("b", 4)] {
        let evaluation = config().init(&subject.cost, &retrain).unwrap();
        let evaluation = evaluation.with_store(&store).with_name(name);
        evaluation.gaps(&asked()).unwrap();
        assert_eq!(trainings.get(), expected);
    }
}

#[test]
fn estimates_together_have_the_same_bits() {
    let cost = network();
    let fit = fit();
    let found = [1, 2, 5].map(|together| {
        let config = EvaluationConfig {
            together,
            solver: SolverConfig::Lissa(LissaConfig {
                depth: 20,
                repeats: 2,
                scale: Scale::Fixed(5.0),
                batch_size: 4,
                seed: 1,
                tolerance: 0.5,
            }),
            ..config()
        };
        let evaluation = config.init(&cost, &fit).unwrap();
        evaluation.mislabel(&[3], &[RankBy::Influence]).unwrap()
    });
    assert_eq!(found[0], found[1]);
    assert_eq!(found[0], found[2]);
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found.sort();
    found
}

#[test]
fn a_damaged_entry_is_computed_anew_and_told_of() {
    let subject = Subject::new();
    let folder = tempfile::tempdir().unwrap();
    let store = FolderStore::open(folder.path().join("evaluation")).unwrap();
    let fit = fit();
    let gaps = |store: &dyn Store| {
        let evaluation = config().init(&subject.cost, &fit).unwrap();
        timeless(evaluation.with_store(store).gaps(&asked()).unwrap())
    };
    let expected = gaps(&store);
    assert_eq!(expected, gaps(&NoStore));
    let all = files(store.path());
    // Five stages, an estimate and the gaps for each of two removals.
    assert_eq!(all.len(), 14);
    for path in &all {
        let whole = fs::read(path).unwrap();
        let mut bit = whole.clone();
        bit[40] ^= 1;
        for damaged in [bit, whole[..20].to_vec(), whole[..whole.len() - 8].to_vec()] {
            fs::write(path, damaged).unwrap();
            // Where the result is there, nobody asks for the stages.
            let result = path.with_file_name("gaps");
            if *path != result {
                fs::remove_file(&result).unwrap();
            }
            let found = gaps(&store);
            assert_eq!(found.removals, expected.removals);
            let [entry] = found.damaged.as_slice() else {
                panic!("{:?} of {path:?}", found.damaged);
            };
            let key = path.strip_prefix(store.path()).unwrap();
            assert_eq!(Path::new(&entry.key), key);
            assert!(entry.reason.contains("digest"), "{}", entry.reason);
        }
    }
    // A whole file in the place of another is no better.
    fs::copy(&all[0], all[0].with_file_name("influence")).unwrap();
    let found = [0, 1].map(|_| {
        let _ = fs::remove_file(all[0].with_file_name("gaps"));
        gaps(&store)
    });
    assert_eq!(found[0].removals, expected.removals);
    assert_eq!(found[0].damaged.len(), 1);
    assert_eq!(found[1], expected);
}

#[test]
fn what_is_whole_and_yet_nonsense_is_computed_anew() {
    let (subject, store) = (Subject::new(), Listed::default());
    let fit = fit();
    let gaps = || {
        let evaluation = config().init(&subject.cost, &fit).unwrap();
        timeless(evaluation.with_store(&store).gaps(&asked()).unwrap())
    };
    let expected = gaps();
    let keys: Vec<String> = store.0.borrow().keys().cloned().collect();
    for key in keys {
        store
            .0
            .borrow_mut()
            .retain(|it, _| !it.ends_with("/gaps") || *it == key);
        store.0.borrow_mut().insert(key.clone(), vec![1, 2, 3]);
        let found = gaps();
        assert_eq!(found.removals, expected.removals);
        assert_eq!(found.damaged.len(), 1, "{key}");
        assert_eq!(found.damaged[0].key, key);
    }
}

#[test]
fn a_folder_takes_no_key_that_leads_out_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = FolderStore::open(folder.path()).unwrap();
    for key in [
        "", "..", "a/../b", "/a", "a//b", ".hidden", "a b", "a\\b", "a/",
    ] {
        assert!(
            matches!(store.get(key), Err(StoreError::Key { .. })),
            "{key}"
        );
        assert!(
            matches!(store.put(key, b""), Err(StoreError::Key { .. })),
            "{key}"
        );
    }
    store.put("a/b.c", b"x").unwrap();
    store.put("a/b.c", b"").unwrap();
    assert_eq!(store.get("a/b.c").unwrap(), Some(Vec::new()));
    store.remove("a/b.c").unwrap();
    store.remove("a/b.c").unwrap();
    assert_eq!(store.get("a/b.c").unwrap(), None);
    // Where a folder is, no file can be.
    assert!(matches!(store.put("a", b""), Err(StoreError::File { .. })));
}

/// A store of an evaluation's own: shards of it make the whole.
#[test]
fn shards_that_are_merged_make_the_whole() {
    let subject = Subject::new();
    let fit = fit();
    let asked = removals(&[&[4], &[1, 7], &[2]]);
    let decompose = |store: &dyn Store, shard: Shard| {
        let evaluation = config().init(&subject.cost, &fit).unwrap();
        let evaluation = evaluation.with_own_store(store).with_shard(shard);
        let (gaps, changes) = evaluation
            .decompose(&asked, Some(&subject.queries))
            .unwrap();
        (timeless(gaps), timeless_changes(changes.unwrap()))
    };
    let whole = decompose(&NoStore, Shard::WHOLE);
    assert_eq!(whole.0.left, 0);
    let parts = [Listed::default(), Listed::default()];
    for (index, (store, done)) in parts.iter().zip([2, 1]).enumerate() {
        let (index, count) = (index + 1, 2);
        let (gaps, changes) = decompose(store, Shard { index, count });
        assert_eq!((gaps.removals.len(), gaps.left), (done, 3 - done));
        assert_eq!((changes.removals.len(), changes.left), (done, 3 - done));
        assert!(
            store
                .0
                .borrow()
                .contains_key(&format!("points/{}.json", index - 1))
        );
    }
    let [one, two] = &parts;
    assert_eq!(missing(one, 3).unwrap(), [1]);
    assert_eq!(merge(one, two, 3).unwrap(), 1);
    assert_eq!(merge(one, two, 3).unwrap(), 0);
    assert_eq!(missing(one, 3).unwrap(), [0; 0]);
    let nobody =
        |_: &[f64], _: u64| -> Result<Tensor<1>, RetrainError> { unreachable!("all is there") };
    let evaluation = config().init(&subject.cost, &nobody).unwrap();
    let (gaps, _) = evaluation
        .with_own_store(one)
        .decompose(&asked, Some(&subject.queries))
        .unwrap();
    assert_eq!(timeless(gaps), whole.0);
}

/// What is found for LiSSA is found once, and a removal that failed is not tried again where that is asked for.
#[test]
fn what_was_settled_and_what_failed_stays_so() {
    let cost = network();
    let trainings = Cell::new(0);
    let retrain = |_: &[f64], _: u64| -> Result<Tensor<1>, RetrainError> {
        trainings.set(trainings.get() + 1);
        Err(RetrainError::of("it never ends"))
    };
    let store = Listed::default();
    let config = EvaluationConfig {
        solver: SolverConfig::Lissa(LissaConfig {
            depth: 400,
            batch_size: 6,
            tolerance: 0.5,
            ..Default::default()
        }),
        settle_depth: true,
        keep_failures: true,
        ..config()
    };
    for _ in 0..2 {
        let settled = RefCell::new(None);
        let evaluation = config.clone().init(&cost, &retrain).unwrap();
        let evaluation = evaluation.with_own_store(&store).with_progress(|progress| {
            if let Progress::Solver(SolverConfig::Lissa(config)) = progress {
                settled.replace(Some(config.clone()));
            }
        });
        let error = evaluation.gaps(&asked()).unwrap_err();
        assert!(error.to_string().ends_with("it never ends"), "{error}");
        let settled = settled.take().expect("it is told");
        assert!([50, 100, 200, 400].contains(&settled.depth));
        assert!(matches!(settled.scale, Scale::Fixed(scale) if scale > 0.0));
        assert_eq!(trainings.get(), 2);
        let entries = store.0.borrow().keys().cloned().collect::<Vec<_>>();
        assert_eq!(entries, ["lissa.json", "points/0.json", "points/1.json"]);
    }
}
