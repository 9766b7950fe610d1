//! Many queries: from files, of other data, in a store, with what solvers are made of kept, and looked at before.

use std::{collections::BTreeMap, error::Error, fs, path::Path};

use backdraft::attribution::ScoreStore;
use backdraft_test_support::relative_error;
use predicates::{prelude::*, str::contains};
use serde_json::Value;

use crate::place::{Outcome, Place, Run};
use crate::refusals::{assert_quiet, assert_refused};

const CANCER: &str = "--model lr --data cancer --verify none --newton none --damping 0.01";
const DIGITS: &str = "--data digits --hidden 6 --verify none --newton none --damping 0.1";

/// The rows of a store by the names of their queries.
fn stored(folder: &Path) -> Result<BTreeMap<String, Vec<f64>>, Box<dyn Error>> {
    let store = ScoreStore::open(folder)?;
    let rows = store.queries().enumerate().map(|(row, query)| {
        let scores: Vec<f64> = store.row(row)?.collect();
        Ok((query.id.clone(), scores))
    });
    rows.collect()
}

fn said(place: &Place, arguments: &str) -> Result<String, Box<dyn Error>> {
    let done = place.backdraft(arguments).assert().success();
    Ok(String::from_utf8(done.get_output().stdout.clone())?)
}

/// The command ends, once it has a network, with an error that has these parts.
fn stopped(place: &Place, arguments: &str, parts: &[&str]) -> Outcome {
    let done = place.backdraft(arguments).assert().code(2);
    let said = String::from_utf8(done.get_output().stderr.clone())?;
    for part in parts {
        assert!(said.contains(part), "{arguments}: no `{part}` in {said}");
    }
    assert_quiet(&said);
    Ok(())
}

#[test]
fn queries_may_be_in_a_file() -> Outcome {
    let place = Place::new()?;
    place.write("list.txt", "3\n\n0-1\n")?;
    place.write("table.csv", "name,query\na,5\nb,4\n")?;
    let run = place.explain(&format!("{CANCER} --queries list.txt,7,table.csv"), "out")?;
    assert_eq!(run.queries, [3, 0, 1, 7, 5, 4]);
    for (text, problems) in [
        ("1\nx\n", ["line 2", "`x`"]),
        ("1\n999999\n", ["line 2", "999999"]),
        ("1\n2\n1\n", ["line 3", "as line 1"]),
        ("a,b\n1,2\n", ["line 1", "query"]),
        ("query\n", ["wrong.csv", "lists no"]),
        ("query\nall\n", ["line 2", "`all`"]),
    ] {
        place.write("wrong.csv", text)?;
        let command = format!("explain {CANCER} --queries wrong.csv --out wrong");
        assert_refused(&place, &command, &["--queries", problems[0], problems[1]])?;
    }
    let command = format!("explain {CANCER} --queries nowhere.csv --out wrong");
    assert_refused(&place, &command, &["--queries", "nowhere.csv"])
}

/// A table whose target is a line, and one of further examples.
fn tables(place: &Place) -> Outcome {
    let row = |i: i32| {
        let [a, b] = [f64::from(i % 7), f64::from((3 * i) % 11)];
        format!("{a},{b},{}\n", 2.0 * a - b + 0.1 * f64::from(i % 3))
    };
    let table =
        |rows: std::ops::Range<i32>| "a,b,y\n".to_owned() + &rows.map(row).collect::<String>();
    place.write("data.csv", table(0..60))?;
    place.write("new.csv", table(100..104))?;
    place.write("other.csv", "a,c,y\n1,2,3\n2,3,4\n")?;
    Ok(())
}

/// They are prepared as the training part is, and change nothing of it: one that is in the test part too has its scores.
#[test]
fn queries_may_be_of_other_data() -> Outcome {
    let place = Place::new()?;
    tables(&place)?;
    let data = "--model lr --data data.csv --target y --damping 0.01 --verify none --newton none";
    let test = place.explain(&format!("{data} --queries 0-2"), "test")?;
    let line = |run: &Run, query: usize| run.record["queries"][query]["source"]["line"].as_u64();
    let table = fs::read_to_string(place.path().join("data.csv"))?;
    let lines: Vec<&str> = table.lines().collect();
    let mut same = vec![lines[0]];
    for query in 0..3 {
        let line = line(&test, query).ok_or("no line")?;
        same.push(lines[line as usize - 1]);
    }
    place.write("same.csv", same.join("\n") + "\n")?;
    let other = place.explain(&format!("{data} --query-data same.csv"), "other")?;
    assert_eq!(other.queries, [0, 1, 2]);
    assert_eq!(test.scores, other.scores);
    assert_eq!(line(&other, 1), Some(3));
    let new = place.explain(&format!("{data} --query-data new.csv --queries 1"), "new")?;
    assert_eq!(new.queries, [1]);
    for (file, problem) in [("other.csv", "columns"), ("nowhere.csv", "nowhere.csv")] {
        let command = format!("explain {data} --query-data {file} --out wrong");
        assert_refused(&place, &command, &[problem])?;
    }
    Ok(())
}

/// Scores in a store are those of a run without one, whatever the queries at a time, and later runs add to it.
#[test]
fn a_store_is_added_to() -> Outcome {
    let place = Place::new()?;
    let plain = place.explain(&format!("{CANCER} --queries 0-24"), "plain")?;
    let first = format!("explain {CANCER} --queries 0-24 --store-scores all");
    let told = said(&place, &format!("{first} --out first"))?;
    assert!(
        told.contains("scores of 25 queries in all: 25 computed now, 25 at a time"),
        "{told}"
    );
    let rows = stored(&place.path().join("all"))?;
    for (query, expected) in plain.queries.iter().zip(&plain.scores) {
        // Both are solved for to a residual of 1e-5.
        assert!(relative_error(&rows[&query.to_string()], expected) < 1e-3);
    }
    let out = place.path().join("first");
    assert!(!out.join("scores.safetensors").exists() && !out.join("parts").exists());
    let record: Value = serde_json::from_slice(&fs::read(out.join("run.json"))?)?;
    assert_eq!(record["queries"].as_array().map(Vec::len), Some(20));
    assert_eq!(record["settings"]["store"]["queries"], 25);
    // The strongest of all queries are in the table.
    let top = fs::read_to_string(out.join("top.csv"))?;
    let queries: std::collections::BTreeSet<&str> = top
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').next())
        .collect();
    assert_eq!(queries.len(), 25);
    let strongest = plain.top.iter().find(|row| row.0 == "24").ok_or("no row")?;
    let line = top
        .lines()
        .find(|line| line.starts_with("24,1,"))
        .ok_or("no line")?;
    assert!(
        line.starts_with(&format!("24,1,{},{},", strongest.2, strongest.3)),
        "{line}"
    );

    let more = format!("explain {CANCER} --queries 20-29 --store-scores all --out more");
    let told = said(&place, &more)?;
    assert!(
        told.contains("scores of 10 queries in all: 5 computed now"),
        "{told}"
    );
    let later = stored(&place.path().join("all"))?;
    assert_eq!(later.len(), 30);
    assert!(rows.iter().all(|(query, scores)| later[query] == *scores));

    // Of another damping: not this store's.
    let other =
        "explain --model lr --data cancer --verify none --queries 1 --store-scores all --out x";
    stopped(
        &place,
        &format!("{other} --newton none --damping 0.2"),
        &["--store-scores", "another `damping`: 0.01, where 0.2"],
    )?;
    for option in ["--damping 0.1,0.2", "--damping 0.1 --newton all"] {
        assert_refused(&place, &format!("{other} {option}"), &["--store-scores"])?;
    }
    Ok(())
}

/// What a store lost is computed anew, to the same bits, and what is damaged is told of.
#[test]
fn a_store_is_mended() -> Outcome {
    let place = Place::new()?;
    // Some kilobytes: a query at a time.
    let command = format!("explain {CANCER} --queries 0-9 --memory 0.00002 --store-scores");
    said(&place, &format!("{command} --out out"))?;
    let scores = place.path().join("out/scores");
    let whole = stored(&scores)?;
    assert_eq!(whole.len(), 10);
    assert_eq!(fs::read_dir(&scores)?.count(), 11);
    fs::remove_file(scores.join("scores-000001.safetensors"))?;
    let told = said(&place, &format!("{command} out/scores --out again"))?;
    assert!(told.contains("1 computed now, 1 at a time"), "{told}");
    assert_eq!(stored(&scores)?, whole);

    let file = scores.join("scores-000000.safetensors");
    let bytes = fs::read(&file)?;
    fs::write(&file, &bytes[..bytes.len() - 3])?;
    let parts = ["--store-scores", "scores-000000.safetensors is damaged"];
    stopped(&place, &format!("{command} out/scores --out third"), &parts)
}

/// What the solver is made of is taken up by a run with other queries, to the same bits.
#[test]
fn factors_are_kept_for_later_queries() -> Outcome {
    let place = Place::new()?;
    for solver in ["ekfac", "nystroem --rank 5", "dual"] {
        let data = format!("{CANCER} --solver {solver}");
        let alone = place.explain(&format!("{data} --queries 3-5 --overwrite"), "alone")?;
        let cached = format!("{data} --cache kept --overwrite --queries");
        let first = place.explain(&format!("{cached} 0-2"), "first")?;
        let later = place.explain(&format!("{cached} 3-5"), "later")?;
        let kept = "was kept by an earlier run";
        assert!(
            !first.stdout.contains(kept) && later.stdout.contains(kept),
            "{solver}"
        );
        assert_eq!(later.scores, alone.scores, "{solver}");
        // Of another damping it is not taken.
        let other = cached.replace("--damping 0.01", "--damping 0.02");
        let other = place.explain(&format!("{other} 3-5"), "other")?;
        assert!(!other.stdout.contains(kept), "{solver}");
    }
    let data = format!("{CANCER} --preconditioner recycled --cache kept");
    let products = |run: &Run| run.number("/queries/0/solve/iterations");
    let first = place.explain(&format!("{data} --queries 0-9"), "space")?;
    let later = place.explain(&format!("{data} --queries 20"), "later-query")?;
    let alone = place.explain(&format!("{CANCER} --queries 20"), "alone-query")?;
    assert!(products(&first) > 0.0);
    assert!(products(&later) < products(&alone), "{}", products(&later));
    assert!(later.difference(&alone) < 1e-3);
    Ok(())
}

/// The number before `unit` after `label` in what was said.
fn told_bytes(said: &str, label: &str) -> Result<f64, Box<dyn Error>> {
    let at = said.find(label).ok_or(format!("no `{label}` in {said}"))?;
    let rest = &said[at + label.len()..];
    let mut words = rest.split_whitespace();
    let number: f64 = words.next().ok_or("no number")?.parse()?;
    match words.next() {
        Some(unit) if unit.starts_with("GB") => Ok(1e9 * number),
        Some(unit) if unit.starts_with("MB") => Ok(1e6 * number),
        unit => Err(format!("a unit of {unit:?}").into()),
    }
}

/// It tells time and memory and writes nothing, and the memory suffices.
#[test]
fn a_dry_run_tells_what_it_would_take() -> Outcome {
    let place = Place::new()?;
    for solver in [
        "cg", "ekfac", "nystroem", "dual", "direct", "lanczos", "diagonal", "lissa",
    ] {
        let command =
            format!("explain {CANCER} --solver {solver} --queries 0-9 --dry-run --out out");
        let told = said(&place, &command)?;
        for words in [
            "counted",
            "measured",
            "predicted, in all",
            "nothing is written",
        ] {
            assert!(told.contains(words), "{solver}: {told}");
        }
    }
    assert!(
        place.contents()?.is_empty(),
        "{:?}",
        place.contents()?.keys()
    );
    let command = format!("explain {DIGITS} --queries 0-9");
    let told = said(&place, &format!("{command} --dry-run"))?;
    assert!(place.contents()?.is_empty());
    let most = told_bytes(&told, "memory at most: ")?;
    let mut child = place.start(&format!("{command} --out out"))?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak: Option<f64> = None;
    while child.try_wait()?.is_none() {
        if let Ok(text) = fs::read_to_string(&status)
            && let Some(line) = text.lines().find(|line| line.starts_with("VmHWM:"))
        {
            let kib = line
                .split_whitespace()
                .nth(1)
                .and_then(|it| it.parse::<f64>().ok());
            peak = kib.map(|kib| 1024.0 * kib).or(peak);
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    // Elsewhere than on Linux nothing tells.
    if let Some(peak) = peak {
        assert!(peak <= most, "{peak} of {most} bytes: {told}");
        assert!(most <= 8.0 * peak, "{peak} of {most} bytes: {told}");
    }
    let all = told.contains("predicted for a block of 10");
    assert!(all, "{told}");
    // How many products it really took lies within what was predicted.
    let record: Value = serde_json::from_slice(&fs::read(place.path().join("out/run.json"))?)?;
    let took = record["queries"][0]["solve"]["iterations"]
        .as_f64()
        .ok_or("no iterations")?;
    let line = told
        .lines()
        .find(|line| line.starts_with("products: "))
        .ok_or("no products")?;
    let range = line.split("then ").nth(1).ok_or("no range")?;
    let numbers: Vec<f64> = range
        .split_whitespace()
        .take(3)
        .filter_map(|it| it.parse().ok())
        .collect();
    let [least, largest] = numbers[..] else {
        return Err(format!("no range in {line}").into());
    };
    assert!((least - 1.0..=largest).contains(&took), "{took}: {line}");
    place
        .backdraft("explain --memory 0 --dry-run")
        .assert()
        .failure()
        .stderr(contains("gigabytes").and(contains("--memory")));
    Ok(())
}
