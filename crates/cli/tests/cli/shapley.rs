//! `backdraft shapley` end to end.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;

use backdraft_report::valuation::ValuationRecord;

use crate::data::regression;
use crate::place::{Outcome, Place};
use crate::refusals::assert_refused;
use crate::stops::{assert_same, kept};

/// Logistic regression on a few of the embedded examples.
const CANCER: &str = "shapley --model lr --data cancer --steps 4 --orders 2";

fn record(place: &Place, out: &str) -> Result<ValuationRecord, Box<dyn Error>> {
    let json = fs::read(place.path().join(out).join("run.json"))?;
    Ok(serde_json::from_slice(&json)?)
}

/// The columns of `values.csv` by their names.
fn table(place: &Place, out: &str) -> Result<BTreeMap<String, Vec<String>>, Box<dyn Error>> {
    let mut reader = csv::Reader::from_path(place.path().join(out).join("values.csv"))?;
    let head = reader.headers()?.clone();
    let mut columns: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in reader.records() {
        for (name, cell) in head.iter().zip(row?.iter()) {
            columns
                .entry(name.to_owned())
                .or_default()
                .push(cell.to_owned());
        }
    }
    Ok(columns)
}

fn numbers(table: &BTreeMap<String, Vec<String>>, name: &str) -> Result<Vec<f64>, Box<dyn Error>> {
    let column = table.get(name).ok_or_else(|| format!("no column {name}"))?;
    Ok(column
        .iter()
        .map(|it| it.parse())
        .collect::<Result<_, _>>()?)
}

fn run(place: &Place, arguments: &str) -> Result<String, Box<dyn Error>> {
    let done = place.backdraft(arguments).assert().success();
    Ok(String::from_utf8(done.get_output().stdout.clone())?)
}

#[test]
fn all_methods_tell_values_that_add_up() -> Outcome {
    let place = Place::new()?;
    let said = run(
        &place,
        &format!(
            "{CANCER} --method all --examples 24 --permutations 120 --convergence 0 --tolerance none \
             --corrupt-labels 0.25 --out out"
        ),
    )?;
    assert!(
        said.contains("one pass is best with a learning rate of"),
        "{said}"
    );
    assert!(
        said.contains("truncated Monte-Carlo, 120 permutations"),
        "{said}"
    );
    let (record, table) = (record(&place, "out")?, table(&place, "out")?);
    assert_eq!(
        (record.players, record.grouped, record.wrong),
        (24, false, 6)
    );
    assert_eq!(record.performance.name, "accuracy");
    let names: Vec<&str> = record.methods.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["tmc", "g", "knn", "leave-one-out", "influence"]);
    for method in &record.methods {
        let values = numbers(&table, &method.name)?;
        assert_eq!(values.len(), 24);
        let sum: f64 = values.iter().sum();
        assert!((sum - method.sum).abs() < 1e-12, "{method:?}");
        if let (Some(empty), Some(all)) = (method.empty, method.all) {
            assert!((sum - (all - empty)).abs() < 1e-10, "{method:?}");
            let errors = numbers(&table, &format!("{}_standard_error", method.name))?;
            assert!(errors.iter().all(|it| *it > 0.0), "{method:?}");
        }
    }
    // Nothing is known without examples: of two classes guessing is right half the time.
    let tmc = &record.methods[0];
    assert_eq!((tmc.empty, tmc.permutations), (Some(0.5), Some(120)));
    assert_eq!(tmc.looked_at, Some(24 * 120));
    assert_eq!(
        tmc.convergence.iter().map(|it| it.0).collect::<Vec<_>>(),
        [110, 120]
    );
    let wrong: usize = table["wrong"].iter().filter(|it| *it == "1").count();
    assert_eq!(wrong, 6);
    assert_eq!(record.found.len(), 6);
    let areas: BTreeMap<&str, f64> = record
        .found
        .iter()
        .map(|it| (it.by.as_str(), it.area))
        .collect();
    assert!(areas["tmc"] > 0.6 && areas["knn"] > 0.6, "{areas:?}");
    // The same networks at both ends of all curves.
    for curve in &record.curves {
        assert_eq!(curve.removed, [0, 6, 12, 18, 24]);
        assert_eq!(curve.highest_first[0], record.random.mean[0]);
        assert_eq!([curve.highest_first[4], curve.lowest_first[4]], [0.5, 0.5]);
    }
    let report = fs::read_to_string(place.path().join("out/report.html"))?;
    for part in [
        "What are the training examples worth?",
        "made wrong",
        "Have they converged?",
        "<svg",
    ] {
        assert!(report.contains(part), "{part}");
    }
    assert!(place.path().join("out/wrong-labels.csv").exists());
    assert!(!place.path().join("out/parts").exists());
    Ok(())
}

/// Of a loss: all coalitions, beside permutations of them.
#[test]
fn permutations_estimate_what_coalitions_say() -> Outcome {
    let place = Place::new()?;
    run(
        &place,
        &format!(
            "{CANCER} --method exact,tmc --performance loss --examples 7 --seed 2 --permutations 300 --convergence 0 \
             --tolerance none --held-out 0 --out out"
        ),
    )?;
    let (record, table) = (record(&place, "out")?, table(&place, "out")?);
    assert_eq!(
        (
            record.performance.name.as_str(),
            record.performance.held_out
        ),
        ("loss", 0)
    );
    let (exact, tmc) = (numbers(&table, "exact")?, numbers(&table, "tmc")?);
    let errors = numbers(&table, "tmc_standard_error")?;
    for ((exact, tmc), error) in exact.iter().zip(&tmc).zip(&errors) {
        assert!((exact - tmc).abs() < 5.0 * error, "{exact} {tmc} {error}");
    }
    let [first, second] = [&record.methods[0], &record.methods[1]];
    assert_eq!((first.name.as_str(), first.standard_error), ("exact", None));
    assert_eq!((first.empty, first.all), (second.empty, second.all));
    // Minus the logarithm of 2 without examples, and less with all.
    assert!(
        first.empty.is_some_and(|it| (it + 2_f64.ln()).abs() < 1e-6),
        "{first:?}"
    );
    assert!(first.all > first.empty);
    Ok(())
}

#[test]
fn parts_put_together_are_one_run() -> Outcome {
    let place = Place::new()?;
    let command = format!(
        "{CANCER} --method tmc,exact,knn --examples 9 --permutations 40 --convergence 0 --antithetic"
    );
    run(&place, &format!("{command} --out whole"))?;
    for part in 1..=2 {
        let said = run(
            &place,
            &format!("{command} --shard {part}/2 --out part-{part}"),
        )?;
        assert!(
            said.contains("left to others; `--merge DIR,..` puts them together"),
            "{said}"
        );
    }
    run(
        &place,
        &format!("{command} --merge part-1,part-2 --out merged"),
    )?;
    let [mut whole, mut merged] =
        ["whole", "merged"].map(|it| kept(&place.path().join(it)).unwrap());
    for it in [&mut whole, &mut merged] {
        it.1["settings"]["out"] = serde_json::Value::Null;
    }
    assert_same(&merged, &whole);
    let other = format!(
        "{CANCER} --method tmc,exact,knn --examples 8 --permutations 40 --convergence 0 --antithetic"
    );
    let refused = [
        ("part-1", "holds another valuation"),
        ("nowhere", "holds no valuation: there is no shapley.json"),
    ];
    for (part, problem) in refused {
        assert_refused(
            &place,
            &format!("{other} --merge {part} --out new"),
            &["--merge", problem],
        )?;
    }
    Ok(())
}

#[test]
fn a_stopped_run_goes_on_to_the_same_bits() -> Outcome {
    let place = Place::new()?;
    let command = format!("{CANCER} --method tmc,g --examples 9 --permutations 20 --out out");
    run(&place, &command)?;
    let whole = kept(&place.path().join("out"))?;
    fs::rename(place.path().join("out"), place.path().join("earlier"))?;
    let kept_parts = || {
        let parts = fs::read_dir(place.path().join("out/parts"));
        parts.map_or(0, Iterator::count)
    };
    assert!(place.kill_when(&command, || kept_parts() > 10)?);
    let damaged = fs::read_dir(place.path().join("out/parts"))?
        .filter_map(Result::ok)
        .find(|it| it.file_name().to_string_lossy().starts_with("tmc"));
    fs::write(damaged.ok_or("no permutation")?.path(), "nothing")?;
    run(&place, &command)?;
    assert_same(&kept(&place.path().join("out"))?, &whole);
    Ok(())
}

#[test]
fn groups_play_as_one() -> Outcome {
    let place = Place::new()?;
    let network =
        "shapley --data cancer --hidden 4 --steps 2 --orders 1 --method exact,g --permutations 4";
    place.write(
        "groups.csv",
        "train,group\n0,few\n1,few\n2,many\n3,many\n4,many\n5,many\n",
    )?;
    run(&place, &format!("{network} --groups groups.csv --out file"))?;
    let table = table(&place, "file")?;
    assert_eq!(table["player"], ["few", "many", "others"]);
    assert_eq!(table["examples"][..2], ["2", "4"]);
    assert!(!table.contains_key("file"));
    let record = record(&place, "file")?;
    assert!(record.grouped && record.players == 3);
    assert_eq!(record.performance.empty, "the network before training");
    let [exact, _] = [&record.methods[0], &record.methods[1]];
    let sum: f64 = numbers(&table, "exact")?.iter().sum();
    assert!((sum - (exact.all.unwrap() - exact.empty.unwrap())).abs() < 1e-12);

    run(
        &place,
        &format!("{CANCER} --groups classes --method exact --out classes"),
    )?;
    let classes = self::table(&place, "classes")?;
    assert_eq!(classes["player"].len(), 2);
    Ok(())
}

#[test]
fn numbers_have_values_too() -> Outcome {
    let place = Place::new()?;
    place.write("table.csv", regression())?;
    let arguments = "shapley --model lr --data table.csv --target strength --method tmc,knn --examples 12 --permutations 30 \
                     --steps 3 --orders 2 --out out";
    run(&place, arguments)?;
    let (record, table) = (record(&place, "out")?, table(&place, "out")?);
    assert_eq!(record.performance.name, "r2");
    assert_eq!(numbers(&table, "knn")?.len(), 12);
    assert!(
        record.methods[0].all.is_some_and(|it| it > 0.5),
        "{:?}",
        record.methods
    );
    let report = fs::read_to_string(place.path().join("out/report.html"))?;
    assert!(report.contains("a share of the variance of the targets"));
    Ok(())
}

#[test]
fn what_cannot_be_is_refused_before_any_training() -> Outcome {
    let place = Place::new()?;
    place.write("table.csv", regression())?;
    place.write("groups.csv", "train,weight_change,group\n0,-0.5,a\n")?;
    place.write("twice.csv", "train,group\n0,a\n0,b\n")?;
    let lr = "shapley --model lr --data cancer";
    for (arguments, parts) in [
        (
            format!("{lr} --examples 100000"),
            &["--examples is 100000", "holds 456"][..],
        ),
        (
            format!("{lr} --examples 1"),
            &["--examples are 1, all of the class"],
        ),
        (format!("{lr} --examples 0"), &["--examples"]),
        (format!("{lr} --held-out 1"), &["--held-out"]),
        (
            format!("{lr} --performance r2"),
            &["--performance r2 is of numbers", "has classes"],
        ),
        (
            format!("{lr} --permutations 7 --antithetic"),
            &["--permutations must be even"],
        ),
        (
            format!("{lr} --groups classes --method knn"),
            &["--groups", "nearest neighbours"],
        ),
        (format!("{lr} --groups random:0"), &["random:K"]),
        (
            format!("{lr} --groups random:10000"),
            &["--groups", "are 10000 of 456"],
        ),
        (
            format!("{lr} --groups groups.csv"),
            &["--groups groups.csv changes weights in group a"],
        ),
        (
            format!("{lr} --groups twice.csv"),
            &["--groups", "names example 0 twice"],
        ),
        (
            format!("{lr} --groups nowhere.csv"),
            &["--groups nowhere.csv cannot be read"],
        ),
        (
            format!("{lr} --groups groups.csv --examples 9"),
            &["--examples", "leave one of them out"],
        ),
        (
            format!("{lr} --method exact --examples 17"),
            &["17 players have 2^17 coalitions", "16 players"],
        ),
        (
            format!("{lr} --method knn --examples 4 --neighbours 9"),
            &["--neighbours: 9 nearest neighbours are asked for among 4"],
        ),
        (format!("{lr} --tolerance -1"), &["--tolerance"]),
        (format!("{lr} --tolerance much"), &["--tolerance"]),
        (format!("{lr} --shard 3/2"), &["--shard"]),
        (
            format!("{lr} --damping 0.1,0.2"),
            &["--damping has several"],
        ),
        (
            "shapley --model autoencoder --data digits".to_owned(),
            &["--model autoencoder"],
        ),
        (
            "shapley --model lr --data table.csv --target strength --performance accuracy"
                .to_owned(),
            &[
                "--performance accuracy is of classes",
                "has a number to predict",
            ],
        ),
        (
            "shapley --model lr --data table.csv --target strength --groups classes".to_owned(),
            &["--groups classes", "has a number to predict"],
        ),
    ] {
        assert_refused(&place, &arguments, parts)?;
    }
    Ok(())
}
