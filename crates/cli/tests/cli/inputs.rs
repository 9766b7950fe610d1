//! What is done to inputs and targets, what is kept with weights, and which part is which.

use std::error::Error;
use std::fs;

use predicates::{prelude::PredicateBooleanExt, str::contains};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use safetensors::{SafeTensors, serialize};
use serde_json::{Value, json};

use crate::data::regression;
use crate::place::{Outcome, Place};
use crate::refusals::assert_refused;

/// Columns of very different sizes, the sixth says the part, and the last what follows from two of them.
fn table() -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let mut table = String::from("radius,area,age,part,ill\n");
    for row in 0..120 {
        let (radius, area) = (
            rng.random_range(5.0..25.0_f64),
            rng.random_range(100.0..900.0),
        );
        let ill = radius / 25.0 + area / 900.0 + rng.random_range(-0.2..0.2) > 1.2;
        let part = if row % 3 == 0 { "test" } else { "train" };
        let age = rng.random_range(20..80);
        table.push_str(&format!(
            "{radius:.2},{area:.1},{age},{part},{}\n",
            u8::from(ill)
        ));
    }
    table
}

/// The same without the column of the parts.
fn plain() -> String {
    let cells = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
    table()
        .lines()
        .map(cells)
        .map(|it| format!("{},{},{},{}\n", it[0], it[1], it[2], it[4]))
        .collect()
}

pub(super) fn place() -> Result<Place, Box<dyn Error>> {
    let place = Place::new()?;
    place.write("table.csv", plain())?;
    place.write("parts.csv", table())?;
    Ok(place)
}

pub(super) fn train(place: &Place, arguments: &str, out: &str) -> Result<Value, Box<dyn Error>> {
    place
        .backdraft(&format!("train {arguments} --out {out}"))
        .assert()
        .success();
    let bytes = fs::read(place.path().join(out).join("train.json"))?;
    Ok(serde_json::from_slice(&bytes)?)
}

/// Writes the weights of a file as somebody else would, without what we keep with them.
fn strip(place: &Place, from: &str, to: &str) -> Outcome {
    let bytes = fs::read(place.path().join(from))?;
    let file = SafeTensors::deserialize(&bytes)?;
    let stripped = serialize(file.iter(), None)?;
    Ok(place.write(to, stripped)?)
}

fn stderr(place: &Place, arguments: &str) -> Result<String, Box<dyn Error>> {
    let done = place.backdraft(arguments).assert().success();
    Ok(String::from_utf8(done.get_output().stderr.clone())?)
}

#[test]
fn weights_of_others_are_explained_on_their_inputs() -> Outcome {
    let place = place()?;
    let data = "--model lr --data table.csv --target ill";
    let trained = train(&place, &format!("{data} --inputs unit"), "trained")?;
    strip(&place, "trained/last.safetensors", "theirs.safetensors")?;
    let theirs = format!("{data} --weights theirs.safetensors --queries 1");
    let accuracy = &trained["results"]["train"]["accuracy"];
    assert!(accuracy.as_f64() > Some(0.8), "{accuracy}");

    // On others they do worse; that is told, and what to do.
    let said = stderr(&place, &format!("explain {theirs} --out wrong"))?;
    assert!(
        said.contains("warning: with --inputs unit the same weights do much better"),
        "{said}"
    );
    let right = place.explain(&format!("{theirs} --inputs unit"), "right")?;
    assert_eq!(&right.record["metrics"]["train"]["accuracy"], accuracy);
    assert_eq!(
        right.record["metrics"]["train"]["loss"],
        trained["results"]["train"]["loss"]
    );
    assert!(
        right
            .stdout
            .contains("inputs: 3 columns, each divided by its largest absolute value"),
        "{}",
        right.stdout
    );

    // The same by the numbers that were recorded.
    let inputs = &right.record["settings"]["inputs"];
    assert_eq!(inputs["rule"], "unit");
    let moments = inputs["moments"].as_array().ok_or("no moments")?;
    let std: Vec<String> = moments.iter().map(|it| it["std"].to_string()).collect();
    let given = place.explain(&format!("{theirs} --std {}", std.join(",")), "given")?;
    assert_eq!(given.scores, right.scores);
    assert_eq!(given.record["metrics"], right.record["metrics"]);
    assert_eq!(given.record["settings"]["inputs"]["rule"], "given");

    // A warning is for what does much better alone.
    let said = stderr(
        &place,
        &format!("explain {theirs} --inputs unit --out quiet"),
    )?;
    assert!(!said.contains("warning"), "{said}");
    Ok(())
}

/// As those of a network whose inputs were divided by their maxima before anything was held out.
#[test]
fn weights_may_know_the_moments_of_all_rows() -> Outcome {
    let place = place()?;
    let data = "--model lr --data table.csv --target ill";
    let probe = place.explain(
        &format!("{data} --queries 0 --verify none --newton none"),
        "probe",
    )?;
    let top = String::from_utf8(probe.file("top.csv")?)?;
    let mut lines = top.lines().map(|line| line.split(','));
    let column = lines
        .next()
        .and_then(|mut head| head.position(|it| it == "query_line"));
    let held_out = lines
        .next()
        .zip(column)
        .and_then(|(mut row, column)| row.nth(column));
    let line: usize = held_out.ok_or("no line")?.parse()?;
    // The largest of a column is held out.
    let table = plain();
    let mut rows: Vec<&str> = table.lines().collect();
    let mut cells: Vec<&str> = rows[line - 1].split(',').collect();
    cells[1] = "4500";
    let outlier = cells.join(",");
    rows[line - 1] = &outlier;
    place.write("table.csv", rows.join("\n"))?;

    let all = "--inputs unit --moments all";
    // Without much of an L2 term, which would keep the weight of that column small.
    let decayed = format!("{data} {all} --weight-decay 1e-5");
    let trained = train(&place, &decayed, "trained")?;
    assert_eq!(trained["settings"]["inputs"]["of"], "all");
    strip(&place, "trained/last.safetensors", "theirs.safetensors")?;
    let theirs = format!("{data} --weights theirs.safetensors --queries 1 --verify none");
    // Whether somebody chose or nobody did.
    for (number, wrong) in ["", "--inputs unit", "--inputs standardised", "--std 2"]
        .iter()
        .enumerate()
    {
        let said = stderr(
            &place,
            &format!("explain {theirs} {wrong} --out wrong{number}"),
        )?;
        assert!(
            said.contains(&format!(
                "warning: with {all} the same weights do much better"
            )),
            "{wrong}: {said}"
        );
    }
    let right = place.explain(&format!("{theirs} {all}"), "right")?;
    for metric in ["accuracy", "loss"] {
        assert_eq!(
            right.record["metrics"]["train"][metric],
            trained["results"]["train"][metric]
        );
    }
    assert!(
        right
            .stdout
            .contains("its largest absolute value among all examples"),
        "{}",
        right.stdout
    );
    let said = stderr(&place, &format!("explain {theirs} {all} --out quiet"))?;
    assert!(!said.contains("warning"), "{said}");
    assert_refused(
        &place,
        &format!("explain {data} --inputs raw --moments all"),
        &["--moments all", "nothing is measured"],
    )
}

#[test]
fn what_is_kept_with_weights_is_used() -> Outcome {
    let place = place()?;
    let data = "--model lr --target ill";
    train(
        &place,
        &format!("{data} --data table.csv --mean 1,-2,3 --std 10,400,50"),
        "a",
    )?;
    for file in ["best", "last"] {
        let weights = format!("{data} --weights a/{file}.safetensors --queries 0");
        let run = place.explain(&format!("{weights} --data table.csv"), file)?;
        let inputs = &run.record["settings"]["inputs"];
        assert_eq!(inputs["rule"], "given");
        assert_eq!(inputs["moments"][1], json!({ "mean": -2.0, "std": 400.0 }));
        // What the options say counts for more.
        let raw = format!("{weights} --data table.csv --inputs raw");
        let run = place.explain(&raw, &format!("{file}-raw"))?;
        assert_eq!(run.record["settings"]["inputs"]["rule"], "raw");
        let said = stderr(&place, &format!("explain {raw} --out {file}-told"))?;
        assert!(
            said.contains("did much better where they were trained"),
            "{said}"
        );
    }

    // A model that explain trained, on other rows: scaled as there, not by these rows.
    let trained = place.explain(&format!("{data} --data table.csv --queries 0"), "b")?;
    let fewer: String = plain()
        .lines()
        .take(60)
        .map(|line| format!("{line}\n"))
        .collect();
    place.write("fewer.csv", fewer)?;
    let weights = format!("{data} --data fewer.csv --weights b/model.safetensors --queries 0");
    let run = place.explain(&weights, "c")?;
    let inputs = |run: &crate::place::Run| run.record["settings"]["inputs"].clone();
    assert_eq!(inputs(&run), inputs(&trained));

    // Columns in another order are other columns.
    let swapped: String = plain()
        .lines()
        .map(|line| line.split(',').collect::<Vec<_>>())
        .map(|it| format!("{},{},{},{}\n", it[1], it[0], it[2], it[3]))
        .collect();
    place.write("swapped.csv", swapped)?;
    let swapped = format!("explain {data} --data swapped.csv --weights b/model.safetensors");
    assert_refused(
        &place,
        &swapped,
        &[
            "--weights were trained on other columns",
            "`area` stands where they have `radius`",
        ],
    )?;
    let narrow = "explain --model lr --data cancer --weights b/model.safetensors";
    assert_refused(
        &place,
        narrow,
        &["--weights", "3 means and standard deviations", "30 columns"],
    )
}

#[test]
fn regressions_keep_the_scale_of_their_targets() -> Outcome {
    let place = Place::new()?;
    place.write("concrete.csv", regression())?;
    let data = "--model lr --data concrete.csv --target strength";
    let options = "--inputs raw --target-mean 30 --target-std 2";
    let trained = train(&place, &format!("{data} {options}"), "a")?;
    assert_eq!(
        trained["settings"]["targets"],
        json!({ "rule": "given", "moments": [{ "mean": 30.0, "std": 2.0 }] })
    );
    let run = place.explain(&format!("{data} --weights a/last.safetensors"), "b")?;
    assert!(
        run.stdout
            .contains("targets: numbers less the mean that was given"),
        "{}",
        run.stdout
    );
    for key in ["inputs", "targets"] {
        assert_eq!(run.record["settings"][key], trained["settings"][key]);
    }
    // Both in the table's own unit.
    let loss = trained["results"]["train"]["loss"].as_f64();
    let found = run.number("/metrics/train/loss");
    assert!(
        loss.is_some_and(|it| (found / it - 1.0).abs() < 1e-12),
        "{found} {loss:?}"
    );

    // Somebody else's, on raw inputs and targets.
    train(&place, &format!("{data} --inputs raw --targets raw"), "c")?;
    strip(&place, "c/last.safetensors", "theirs.safetensors")?;
    let said = stderr(
        &place,
        &format!("explain {data} --weights theirs.safetensors --out d"),
    )?;
    assert!(
        said.contains("with --inputs raw --targets raw the same weights"),
        "{said}"
    );
    let told = format!("explain {data} --inputs raw --weights theirs.safetensors --out e");
    let said = stderr(&place, &told)?;
    assert!(
        said.contains("with --inputs raw --targets raw the same weights"),
        "{said}"
    );
    Ok(())
}

#[test]
fn another_choice_is_refused_where_a_run_goes_on() -> Outcome {
    let place = place()?;
    let data = "--model lr --data table.csv --target ill";
    train(&place, data, "a")?;
    place.write("other.csv", plain())?;
    for (other, key) in [
        ("--inputs unit", "inputs.rule"),
        ("--mean 0.5", "inputs.moments"),
        ("--two-logits", "network"),
        ("--test other.csv", "parts"),
    ] {
        let command = format!("train {data} {other} --out a");
        let done = place.backdraft(&command).assert().code(2);
        let said = String::from_utf8(done.get_output().stderr.clone())?;
        assert!(said.contains(key), "{other}: {said}");
    }
    let decompose = format!("decompose {data} --points 1 --out b");
    place.backdraft(&decompose).assert().success();
    place
        .backdraft(&format!("{decompose} --inputs raw"))
        .assert()
        .code(2)
        .stderr(contains("holds an experiment with other settings").and(contains("inputs.rule")));
    Ok(())
}

#[test]
fn the_parts_can_be_named() -> Outcome {
    let place = place()?;
    let data = "--model lr --target ill --queries 3";
    let column = place.explain(&format!("{data} --data parts.csv --split part"), "a")?;
    let settings = &column.record["settings"];
    assert_eq!(settings["parts"], json!({ "column": { "name": "part" } }));
    assert_eq!(column.record["sizes"]["train"], 80);
    assert!(
        column
            .stdout
            .contains("parts: 80 to train and 40 to test, as the column `part` says"),
        "{}",
        column.stdout
    );

    // The same parts as two files.
    let rows = |part: &str| -> String {
        let header = std::iter::once("radius,area,age,ill\n".to_owned());
        let text = table();
        let lines = text.lines().filter(|line| line.contains(part));
        let lines = lines.map(|line| line.replace(&format!(",{part},"), ",") + "\n");
        header.chain(lines).collect()
    };
    place.write("train.csv", rows("train"))?;
    place.write("test.csv", rows("test"))?;
    let files = place.explain(&format!("{data} --data train.csv --test test.csv"), "b")?;
    assert_eq!(files.scores, column.scores);
    assert_eq!(
        files.record["settings"]["parts"],
        json!({ "test": { "path": "test.csv" } })
    );

    // What nobody names is drawn, and told.
    let drawn = place.explain(&format!("{data} --data table.csv"), "c")?;
    assert_eq!(
        drawn.record["settings"]["parts"],
        json!({ "drawn": { "seed": 2022, "one_of": 5 } })
    );
    assert!(
        drawn
            .stdout
            .contains("one example of 5 held out for testing, drawn by seed 2022"),
        "{}",
        drawn.stdout
    );
    let explain = format!("explain {data}");
    assert_refused(
        &place,
        &format!("{explain} --data table.csv --split age"),
        &[
            "line 2, column `age`",
            "none of `train`, `valid` and `test`",
        ],
    )?;
    assert_refused(
        &place,
        "explain --data digits --split part",
        &["only a table"],
    )?;
    assert_refused(
        &place,
        &format!("{explain} --data table.csv --test nowhere"),
        &["nowhere"],
    )
}
