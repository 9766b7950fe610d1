//! Scores on disk: what is appended, taken up again, damaged, or of another.

use std::{fs, path::Path};

use backdraft_attribution::{
    AttributionError, ChunkConfig, InfluenceConfig, Measurement, ScoreIndex, ScoreStore,
    ScoreStoreError, SolverConfig, TopScores,
    score_store::{ScoreFloat, StoredQuery},
    strongest,
};
use backdraft_influence::DirectConfig;
use backdraft_test_support::{Outcome, assert_close, classes, numbers, random};
use burn::tensor::Tensor;
use safetensors::SafeTensors;
use serde_json::{Map, json};

use crate::common::{INPUTS, N, network};

fn index(examples: usize, float: ScoreFloat) -> ScoreIndex {
    let settings = [("damping", json!(0.1)), ("weights", json!("ab12"))];
    ScoreIndex {
        examples,
        example_ids: None,
        float,
        sign: "positive: removing it raises the loss".into(),
        unit: "nats".into(),
        scale: 1.0,
        settings: Map::from_iter(settings.map(|(name, it)| (name.to_owned(), it))),
    }
}

fn queries<const K: usize>(ids: [&str; K]) -> Vec<StoredQuery> {
    ids.map(StoredQuery::new).to_vec()
}

fn rows(store: &ScoreStore) -> Result<Vec<Vec<f64>>, ScoreStoreError> {
    let rows = (0..store.len()).map(|row| Ok(store.row(row)?.collect()));
    rows.collect()
}

/// The sort that looking at one after another stands in for.
fn sorted(scores: &[f64], count: usize) -> [Vec<(usize, f64)>; 2] {
    [1.0, -1.0].map(|sign| {
        let mut side: Vec<(usize, f64)> = scores.iter().copied().enumerate().collect();
        side.retain(|it| sign * it.1 > 0.0);
        side.sort_by(|a, b| (sign * b.1).total_cmp(&(sign * a.1)));
        side.truncate(count);
        side
    })
}

#[test]
fn the_strongest_are_those_of_a_sort() {
    for seed in 0..20 {
        // Few different numbers, and so many that are equal.
        let scores = numbers(60, seed);
        let scores: Vec<f64> = scores.iter().map(|x| (4.0 * x).round() / 4.0).collect();
        for count in [0, 1, 5, 60, 100] {
            let expected = sorted(&scores, count);
            assert_eq!(strongest(&scores, count), expected, "seed {seed}");
            let mut top = TopScores::new(count);
            // In whatever order they come.
            top.extend(scores.iter().copied().enumerate().rev());
            assert_eq!(top.into_sides(), expected, "seed {seed}");
        }
    }
    assert_eq!(strongest(&[0.0, -0.0], 2), [vec![], vec![]]);
}

#[test]
fn what_is_appended_is_there_later() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("scores");
    let scores = numbers(5 * 7, 1);
    let mut store = ScoreStore::create(&path, index(7, ScoreFloat::F64))?;
    assert!(store.is_empty());
    let mut first = queries(["3", "17"]);
    first[0].details.insert("residual".into(), json!(1e-6));
    store.append(&first, &scores[..14])?;
    store.append(&queries(["new:1", "0", "9"]), &scores[14..])?;

    let found = ScoreStore::open(&path)?;
    for store in [&store, &found] {
        assert_eq!(rows(store)?.concat(), scores);
        assert_eq!(store.place("0"), Some(3));
        assert_eq!(store.place("1"), None);
        let ids: Vec<&str> = store.queries().map(|it| &*it.id).collect();
        assert_eq!(ids, ["3", "17", "new:1", "0", "9"]);
        assert_eq!(store.query(0)?, &first[0]);
        let column: Vec<f64> = store.column(2)?.collect();
        assert_eq!(column, [2, 9, 16, 23, 30].map(|at| scores[at]));
        assert_eq!(store.strongest(3, 2)?, sorted(&scores[21..28], 2));
        assert_eq!(store.strongest_queries(2, 2)?, sorted(&column, 2));
        store.verify(0..5)?;
    }
    // A process with the same settings goes on with it.
    let mut found = ScoreStore::open_or_create(&path, index(7, ScoreFloat::F64))?;
    found.append(&queries(["1"]), &scores[..7])?;
    assert_eq!(ScoreStore::open(&path)?.len(), 6);
    assert!(matches!(
        ScoreStore::create(&path, index(7, ScoreFloat::F64)),
        Err(ScoreStoreError::Exists { .. })
    ));
    Ok(())
}

/// Other readers of safetensors find them under the names that are told.
#[test]
fn the_files_are_safetensors() -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut store = ScoreStore::create(folder.path(), index(3, ScoreFloat::F32))?;
    store.append(&queries(["a", "b"]), &[1.0, -2.5, 0.1, 0.0, 4.0, 1e-3])?;
    let bytes = fs::read(folder.path().join("scores-000000.safetensors"))?;
    let (_, header) = SafeTensors::read_metadata(&bytes)?;
    let texts = header.metadata().clone().unwrap_or_default();
    assert_eq!(texts["queries"], r#"[{"id":"a"},{"id":"b"}]"#);
    let file = SafeTensors::deserialize(&bytes)?;
    let scores = file.tensor("scores")?;
    assert_eq!(
        (scores.dtype(), scores.shape()),
        (safetensors::Dtype::F32, &[2, 3][..])
    );
    assert_eq!(scores.data()[4..8], (-2.5_f32).to_le_bytes());
    assert_eq!(bytes.len() % 8, 0);
    // As they were rounded to 32 bits, and not where these do not hold the largest.
    assert_eq!(rows(&store)?[0][2], f64::from(0.1_f32));
    store.append(&queries(["tiny"]), &[1e-60, 2e-60, 0.0])?;
    assert_eq!(rows(&store)?[2], [1e-60, 2e-60, 0.0]);
    Ok(())
}

#[test]
fn what_cannot_be_stored_is_refused() -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut store = ScoreStore::create(folder.path(), index(2, ScoreFloat::F32))?;
    store.append(&queries(["a"]), &[1.0, 2.0])?;
    let mut refused = |ids: &[StoredQuery], scores: &[f64]| {
        let error = store.append(ids, scores).map(drop);
        error.expect_err("it was taken").to_string()
    };
    let told = refused(&queries(["a"]), &[1.0, 2.0]);
    assert_eq!(told, "query `a` has scores already");
    let told = refused(&queries(["b", "b"]), &[1.0; 4]);
    assert_eq!(told, "query `b` has scores already");
    let told = refused(&queries(["b"]), &[1.0; 3]);
    assert_eq!(told, "1 queries of 2 examples have 2 scores, not 3");
    let told = refused(&queries(["b", "c"]), &[1.0, 2.0, 3.0, f64::NAN]);
    assert_eq!(
        told,
        "the score of training example 1 for query `c` is not finite"
    );
    assert_eq!(ScoreStore::open(folder.path())?.len(), 1);
    assert!(matches!(
        store.row(1).map(drop),
        Err(ScoreStoreError::NoSuchRow { row: 1, len: 1 })
    ));
    assert!(matches!(
        store.column(2).map(drop),
        Err(ScoreStoreError::NoSuchExample { example: 2, len: 2 })
    ));
    Ok(())
}

#[test]
fn scores_of_another_are_not_added_to() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path();
    ScoreStore::create(path, index(2, ScoreFloat::F32))?;
    let refused = |index: ScoreIndex| {
        let error = ScoreStore::open_or_create(path, index).map(drop);
        error.expect_err("it was taken").to_string()
    };
    let mut other = index(2, ScoreFloat::F32);
    other.settings.insert("damping".into(), json!(0.01));
    let told = refused(other);
    assert!(
        told.contains("another `damping`: 0.1, where 0.01 is asked for"),
        "{told}"
    );
    let told = refused(index(3, ScoreFloat::F32));
    assert!(told.contains("another `examples`: 2, where 3"), "{told}");
    let mut other = index(2, ScoreFloat::F32);
    other.settings.insert("solver".into(), json!("cg"));
    let told = refused(other);
    assert!(
        told.contains("another `solver`: nothing, where \"cg\""),
        "{told}"
    );

    let empty = tempfile::tempdir()?;
    let told = ScoreStore::open(empty.path())
        .map(drop)
        .expect_err("it is empty");
    assert!(matches!(told, ScoreStoreError::NotAStore { .. }), "{told}");
    fs::write(empty.path().join("index.json"), "{}")?;
    let told = ScoreStore::open(empty.path())
        .map(drop)
        .expect_err("it is no index");
    assert!(matches!(told, ScoreStoreError::NotAStore { .. }), "{told}");
    Ok(())
}

/// Opens a store of three files of which the second was changed.
fn damaged(
    change: impl FnOnce(&Path, Vec<u8>) -> Outcome,
) -> Outcome<Result<ScoreStore, ScoreStoreError>> {
    let folder = tempfile::tempdir()?;
    let mut store = ScoreStore::create(folder.path(), index(4, ScoreFloat::F32))?;
    for (place, id) in ["a", "b", "c"].into_iter().enumerate() {
        store.append(&queries([id]), &numbers(4, place as u64))?;
    }
    let file = folder.path().join("scores-000001.safetensors");
    let bytes = fs::read(&file)?;
    // The files that are mapped stay as they are: another is put in the place.
    fs::remove_file(&file)?;
    change(&file, bytes)?;
    Ok(ScoreStore::open(folder.path()))
}

#[test]
fn damage_is_told() -> Outcome {
    let told = |found: Result<ScoreStore, ScoreStoreError>| {
        let error = found.map(drop).expect_err("it was opened");
        assert!(matches!(error, ScoreStoreError::Damaged { .. }), "{error}");
        error.to_string()
    };
    for length in [0, 5, 100, 400] {
        let found =
            damaged(|file, bytes| Ok(fs::write(file, &bytes[..length.min(bytes.len() - 1)])?))?;
        assert!(told(found).contains("scores-000001.safetensors is damaged"));
    }
    let found = damaged(|file, bytes| {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let at = text.find("\"fingerprint\":\"").ok_or("no fingerprint")? + 15;
        let mut bytes = bytes;
        bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
        Ok(fs::write(file, bytes)?)
    })?;
    assert!(told(found).contains("of another store"));
    // A number that was changed is seen where all are read.
    let found = damaged(|file, mut bytes| {
        *bytes.last_mut().ok_or("it is empty")? ^= 1;
        Ok(fs::write(file, bytes)?)
    })??;
    found.verify([0, 2])?;
    assert!(matches!(
        found.verify([1]),
        Err(ScoreStoreError::Damaged { .. })
    ));
    // What was removed is to be computed anew.
    let found = damaged(|_, _| Ok(()))??;
    assert_eq!(
        (found.len(), found.place("b"), found.place("c")),
        (2, None, Some(1))
    );
    Ok(())
}

/// Whatever the chunks are, and where ever it was stopped: each score is as without them, to rounding.
#[test]
fn scores_by_chunks_are_those_of_all_at_once() -> Outcome {
    let direct = SolverConfig::Direct(DirectConfig::default());
    let config = InfluenceConfig::new()
        .with_damping(0.05)
        .with_solver(direct);
    let influence = config.over(network())?;
    let inputs: Tensor<2> = random([7, INPUTS], 9);
    let measurement = Measurement::loss(classes(&[0, 1, 2, 2, 1, 0, 1]));
    let all = influence.scores(&measurement, inputs.clone())?;
    let ids: Vec<String> = (0..7).map(|query| query.to_string()).collect();
    let folder = tempfile::tempdir()?;
    let mut places = Vec::new();
    for (place, at_once) in [1, 3, 128].into_iter().enumerate() {
        let path = folder.path().join(place.to_string());
        let scaled = ScoreIndex {
            scale: 2.0,
            ..index(N, ScoreFloat::F64)
        };
        let mut store = ScoreStore::create(&path, scaled)?;
        let config = ChunkConfig {
            queries: at_once,
            ..Default::default()
        };
        influence.store_scores(&measurement, inputs.clone(), &ids, &mut store, &config)?;
        for (query, row) in rows(&store)?.iter().enumerate() {
            let expected: Vec<f64> = all.of(query)?.iter().map(|score| 2.0 * score).collect();
            assert_close(row, &expected, 1e-13);
        }
        places.push(path);
    }
    // A file that is lost is made anew, with the same bits.
    let lost = places[1].join("scores-000001.safetensors");
    let before = fs::read(&lost)?;
    fs::remove_file(&lost)?;
    let mut store = ScoreStore::open(&places[1])?;
    let config = ChunkConfig {
        queries: 3,
        ..Default::default()
    };
    influence.store_scores(&measurement, inputs.clone(), &ids, &mut store, &config)?;
    assert_eq!(
        fs::read(places[1].join("scores-000003.safetensors"))?,
        before
    );
    let error = influence.store_scores(&measurement, inputs, &ids[1..], &mut store, &config);
    assert!(matches!(
        error,
        Err(AttributionError::Setting { name: "ids", .. })
    ));
    Ok(())
}

#[test]
fn a_chunk_has_as_many_queries_as_its_memory_holds() {
    let config = ChunkConfig {
        memory: 1 << 30,
        queries: 128,
    };
    assert_eq!(config.rows(1_000, 4, 1_000), 128);
    let each = ChunkConfig::bytes(10_000_000, 4, 1_000_000);
    assert_eq!(config.rows(10_000_000, 4, 1_000_000), (1 << 30) / each);
    // One is always gone through.
    assert_eq!(config.rows(1_000_000_000, 4, 1_000), 1);
}
