//! Language models and text end to end: scores by token, audits of words, experiments.

use std::collections::HashMap;
use std::error::Error;
use std::fs;

use backdraft_report::{Record, Report, RunRecord, TargetValue, audit::AuditRecord};
use predicates::prelude::*;
use predicates::str::contains;
use safetensors::SafeTensors;

use crate::data::write_text;
use crate::place::{Outcome, Place};
use crate::refusals::assert_refused;
use crate::shards::assert_merges_in;

const TRAIN: &str = "train --model transformer --data words --epochs 8 --batch-size 4 --learning-rate 0.01 --out net";
const NET: &str = "--model transformer --data words --weights net/best.safetensors";
/// Places of a sequence.
const PLACES: usize = 35;

/// A folder with a text and a language model of it.
fn trained() -> Result<Place, Box<dyn Error>> {
    let place = Place::new()?;
    write_text(&place)?;
    place.backdraft(TRAIN).assert().success();
    Ok(place)
}

/// The rows of a table by its head's names.
fn table(place: &Place, file: &str) -> Result<Vec<HashMap<String, String>>, Box<dyn Error>> {
    let mut reader = csv::Reader::from_path(place.path().join(file))?;
    Ok(reader.deserialize().collect::<Result<_, _>>()?)
}

fn number(row: &HashMap<String, String>, name: &str) -> Result<f64, Box<dyn Error>> {
    Ok(row[name].parse()?)
}

/// The words of a file, line by line, with the ends of lines.
fn lines(place: &Place) -> Result<Vec<Vec<String>>, Box<dyn Error>> {
    let text = fs::read_to_string(place.path().join("words/tiny.train.txt"))?;
    let words = |line: &str| line.split_whitespace().map(String::from).collect();
    Ok(text
        .lines()
        .map(|line| [words(line), vec!["<eos>".to_owned()]].concat())
        .collect())
}

/// That the parts of scores sum to the scores of `top.csv`, and stand where they are said to.
fn assert_tokens(place: &Place, out: &str) -> Result<usize, Box<dyn Error>> {
    let (tokens, lines) = (table(place, &format!("{out}/tokens.csv"))?, lines(place)?);
    let words: Vec<&String> = lines.iter().flatten().collect();
    let mut sums: HashMap<[String; 2], (f64, f64)> = HashMap::new();
    for (index, row) in tokens.iter().enumerate() {
        let (train, at): (usize, usize) = (row["train"].parse()?, row["place"].parse()?);
        assert_eq!(at, index % PLACES);
        let key = ["query", "train"].map(|name| row[name].clone());
        let score = number(row, "score")?;
        let (sum, size) = sums.entry(key).or_default();
        *sum += score;
        *size += score.abs();
        let token = train * PLACES + at;
        assert_eq!(
            [&row["token"], &row["target"]],
            [words[token], words[token + 1]]
        );
        let line: usize = row["line"].parse()?;
        assert!(lines[line - 1].contains(&row["target"]), "{row:?}");
    }
    let top = table(place, &format!("{out}/top.csv"))?;
    assert_eq!(top.len(), sums.len());
    for row in &top {
        let (sum, size) = sums[&["query", "train"].map(|name| row[name].clone())];
        let score = number(row, "score")?;
        assert!((sum - score).abs() < 1e-4 * size, "{sum} {row:?}");
        assert_eq!(row["label"], "", "a sequence has none of its own");
    }
    Ok(sums.len())
}

fn record(place: &Place, out: &str) -> Result<RunRecord, Box<dyn Error>> {
    let json = fs::read(place.path().join(out).join(RunRecord::FILE))?;
    Ok(serde_json::from_slice(&json)?)
}

#[test]
fn scores_are_told_by_word() -> Outcome {
    let place = trained()?;
    let asked = format!("explain {NET} --queries 2,0 --verify none --damping 0.1 --seed 3");
    place.write("groups.csv", "train,group\n0,first\n1,first\n4,other\n")?;
    let command = format!("{asked} --self-influence --group groups.csv --out out");
    place.backdraft(&command).assert().success();
    assert!(assert_tokens(&place, "out")? >= 2);
    let found = record(&place, "out")?;
    for query in &found.queries {
        assert_eq!([query.label, query.predicted], [TargetValue::Tokens; 2]);
    }
    assert_eq!(found.groups.len(), 2);
    let report = fs::read_to_string(place.path().join("out").join(Report::FILE))?;
    for part in [
        "word helpful",
        "word harmful",
        "title=\"place 0, words/tiny.train.txt line",
        "the network says",
    ] {
        assert!(report.contains(part), "no {part}");
    }
    let own = table(&place, "out/self-influence.csv")?;
    assert!(
        own.iter()
            .all(|row| number(row, "self_influence").is_ok_and(|it| it > 0.0))
    );
    let bytes = fs::read(place.path().join("out/scores.safetensors"))?;
    let scores = SafeTensors::deserialize(&bytes)?;
    assert!(scores.tensor("labels").is_err() && scores.tensor("targets").is_err());

    // Stopped where the words of the second query are kept.
    let parts = format!("{asked} --out parts");
    place.stop_at(&parts, "parts/run.json")?;
    place.stop_at(&parts, "parts/parts/tokens-1.json")?;
    place.backdraft(&parts).assert().success();
    for file in ["tokens.csv", "top.csv"] {
        let read = |out: &str| fs::read(place.path().join(out).join(file));
        assert!(read("parts")? == read("out")?, "{file} differs");
    }

    // The mean over the test set, and one word alone.
    let mean = format!("explain {NET} --queries all --verify none --damping 0.1 --out mean");
    place.backdraft(&mean).assert().success();
    assert_tokens(&place, "mean")?;
    let token = format!("explain {NET} --queries 2 --token 4 --verify none --damping 0.1");
    place
        .backdraft(&format!("{token} --measure probability --out token"))
        .assert()
        .success()
        .stdout(contains("probability of its own token at token 4"));
    assert_tokens(&place, "token")?;
    let found = record(&place, "token")?;
    let measure = found.measure.as_ref().ok_or("what was measured?")?;
    assert_eq!(measure.name, "probability at token 4");
    let query = &found.queries[0];
    assert!(matches!(query.label, TargetValue::Class(_)));
    let p = query.measured.ok_or("nothing was measured")?;
    place
        .backdraft(&format!("{token} --out loss"))
        .assert()
        .success();
    let loss = record(&place, "loss")?.queries[0]
        .measured
        .ok_or("no loss")?;
    assert!((p - (-loss).exp()).abs() < 1e-4, "{p} {loss}");
    Ok(())
}

#[test]
fn parts_of_text_come_to_the_same_bits() -> Outcome {
    let place = trained()?;
    let explain = format!(
        "explain {NET} --queries 0-2 --solver lissa --depth 30 --repeats 1 --damping 1 --verify none"
    );
    assert_merges_in(&place, &explain, 3)?;
    assert_tokens(&place, "merged")?;

    // A store has no solutions, of which scores by token are made.
    place
        .backdraft(&format!("{explain} --store-scores --out stored"))
        .assert()
        .success()
        .stdout(contains("scores are by sequence"));
    let [stored, whole] = ["stored", "whole"]
        .map(|out| table(&place, &format!("{out}/top.csv")).map_err(|it| it.to_string()));
    let (stored, whole) = (stored?, whole?);
    assert_eq!(stored.len(), whole.len());
    assert!(!place.path().join("stored/tokens.csv").exists());
    let report = fs::read_to_string(place.path().join("stored").join(Report::FILE))?;
    assert!(report.contains("the network says") && !report.contains("; score "));

    let place = trained()?;
    let audit = format!("audit {NET} --block 8 --by self-influence --damping 0.1");
    assert_merges_in(&place, &audit, 3)?;
    let units = table(&place, "whole/audit.csv")?.len().div_ceil(8) + 2;
    assert_refused(
        &place,
        "audit --model transformer --data words --block 8 --by self-influence --damping 0.1 --out more --shard 1/99",
        &[
            &format!("there are {units} at most"),
            "one is self-influence",
        ],
    )
}

#[test]
fn a_dry_run_looks_at_text() -> Outcome {
    let place = Place::new()?;
    write_text(&place)?;
    place
        .backdraft("explain --model transformer --data words --queries 0-2 --dry-run")
        .assert()
        .success()
        .stdout(contains("predicted, in all"))
        .stdout(contains("Newton estimates").not());
    assert!(!place.path().join("runs").exists());
    Ok(())
}

#[test]
fn what_sequences_do_not_have_is_refused() -> Outcome {
    let place = Place::new()?;
    write_text(&place)?;
    let text = "--model transformer --data words";
    let cases: [(&str, &[&str]); 9] = [
        ("explain --token 35", &["--token is 35", "35 places"]),
        ("explain --token -1", &["--token", "at least 0"]),
        (
            "explain --measure margin",
            &["--measure", "name the place with --token"],
        ),
        (
            "explain --newton full",
            &["--newton", "490", "leave it out"],
        ),
        (
            "explain --token 3 --measure logit:14",
            &["--measure logit:14", "has 14"],
        ),
        (
            "explain --token 3 --measure output:0",
            &["--measure output:0", "logit:0"],
        ),
        ("explain --query-data words", &["words", "test"]),
        ("audit --by left-out", &["--by", "rank text by margin"]),
        ("audit --by newton", &["--by", "self-influence"]),
    ];
    for (command, parts) in cases {
        assert_refused(&place, &format!("{command} {text}"), parts)?;
    }
    assert_refused(&place, "explain --token 3", &["--token", "one target each"])?;
    place.write("fix.csv", "train,fix\n2,word\n")?;
    let fix = format!("audit {text} --fix fix.csv");
    assert_refused(
        &place,
        &fix,
        &["line 2 has `word`", "correct words in the text"],
    )
}

#[test]
fn an_audit_names_words_and_their_lines() -> Outcome {
    let place = Place::new()?;
    write_text(&place)?;
    let audit = "audit --model transformer --data words --corrupt-labels 0.3 --top 4 --damping 0.1";
    place
        .backdraft(&format!("{audit} --out out"))
        .assert()
        .success()
        .stdout(contains("a word of"))
        .stdout(contains("network says"));
    let json = fs::read(place.path().join("out/run.json"))?;
    let found: AuditRecord = serde_json::from_slice(&json)?;
    let planted = found.planted.as_ref().ok_or("none were planted")?;
    assert_eq!((found.suspects.len(), planted.rankings.len()), (4, 3));
    assert!(
        found
            .suspects
            .windows(2)
            .all(|it| it[0].margin <= it[1].margin)
    );
    let (rows, lines) = (table(&place, "out/audit.csv")?, lines(&place)?);
    assert_eq!(rows.len(), found.run.sizes.train);
    let wrong = table(&place, "out/wrong-labels.csv")?;
    for row in &rows {
        let words: Vec<&str> = row["words"].split(' ').collect();
        assert_eq!(words.len(), PLACES + 1);
        let at: usize = row["place"].parse()?;
        assert_eq!(words[at + 1], row["label"]);
        let line: usize = row["place_in_file"].parse()?;
        // What was made wrong on purpose does not stand in the file.
        let truth = wrong
            .iter()
            .find(|it| it["train"] == row["train"] && it["place"] == row["place"]);
        let word = truth.map_or(&row["label"], |it| &it["truth"]);
        assert!(lines[line - 1].contains(word), "{row:?}");
        let unknown = ["left_out_margin", "newton", "leverage", "self_influence"];
        assert!(unknown.iter().all(|it| row[*it].is_empty()) && !row["score"].is_empty());
    }
    let report = fs::read_to_string(place.path().join("out").join(Report::FILE))?;
    assert!(report.contains("Which of these words are wrong?"));
    assert_eq!(report.matches("random marked").count(), 4);

    place
        .backdraft(&format!("{audit} --by self-influence --out own"))
        .assert()
        .success()
        .stdout(contains("self-influence: exact"));
    let rows = table(&place, "own/audit.csv")?;
    let own = rows.iter().map(|row| number(row, "self_influence"));
    let own = own.collect::<Result<Vec<_>, _>>()?;
    assert!(own.is_sorted_by(|a, b| a >= b) && own[0] > 0.0);
    let report = fs::read_to_string(place.path().join("own").join(Report::FILE))?;
    assert!(report.contains("; self-influence +"));

    place.write("fix.csv", "train,fix\n2,remove\n0,\n")?;
    place
        .backdraft(&format!("{audit} --fix fix.csv --out fixed"))
        .assert()
        .success()
        .stdout(contains("0 targets corrected and 1 example removed"));
    Ok(())
}

#[test]
fn experiments_take_text() -> Outcome {
    let place = Place::new()?;
    write_text(&place)?;
    let net = "--model transformer --data words --examples 6 --epochs 1";
    for command in [
        "correlate --points 2 --tests 2 --depth 2 --repeats 1 --out tests",
        "mislabel --corrupt 0.4 --damping 1 --out wrong",
    ] {
        place
            .backdraft(&format!("{command} {net}"))
            .assert()
            .success();
    }
    Ok(())
}
