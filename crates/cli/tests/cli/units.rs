//! A table's own values, units and lines in everything that is written of it.

use std::fs;

use safetensors::SafeTensors;
use serde_json::{Value, json};

use crate::data::{regression, write_pictures};
use crate::place::{Outcome, Place, Run};

/// Concrete, of which line 4 has an age of 270 days and a strength of 40.27 MPa; all strengths are `times` as much.
fn concrete(times: f64) -> String {
    let mut table = String::from("cement,age,strength\n");
    for row in 0..60_u32 {
        let (cement, age) = (
            100 + row * 37 % 250,
            [28, 28, 270, 365, 7, 90][row as usize % 6],
        );
        // Halves and eighths, which every power of two leaves exact.
        let strength = f64::from(cement) / 8.0 + f64::from(age) / 64.0 + f64::from(row * 13 % 8);
        let strength = (strength * 8.0).round() / 8.0 + 0.125 * f64::from(row % 2);
        let strength = match row {
            2 => "40.27".to_owned(),
            _ => (times * strength).to_string(),
        };
        table.push_str(&format!("{cement},{age},{strength}\n"));
    }
    table
}

const DATA: &str = "--data concrete.csv --target strength";

/// The numbers of a line, counted from 1, the header included.
fn line(table: &str, number: u64) -> Result<[f64; 3], Box<dyn std::error::Error>> {
    let line = table
        .lines()
        .nth(number as usize - 1)
        .ok_or("no such line")?;
    let numbers: Vec<f64> = line.split(',').map(str::parse).collect::<Result<_, _>>()?;
    Ok(numbers.try_into().map_err(|_| "not three numbers")?)
}

fn read(place: &Place, name: &str) -> Result<Value, Box<dyn std::error::Error>> {
    Ok(serde_json::from_slice(&fs::read(place.path().join(name))?)?)
}

fn place_of(value: &Value) -> (Option<&str>, Option<u64>) {
    (
        value["source"]["file"].as_str(),
        value["source"]["line"].as_u64(),
    )
}

/// Line and strength of every training example, by index.
fn training(run: &Run) -> Result<Vec<(i64, f64)>, Box<dyn std::error::Error>> {
    let bytes = run.file("scores.safetensors")?;
    let file = SafeTensors::deserialize(&bytes)?;
    let (lines, _) = file.tensor("train_line")?.data().as_chunks();
    let (targets, _) = file.tensor("targets")?.data().as_chunks();
    let lines = lines.iter().map(|it| i64::from_le_bytes(*it));
    let targets = targets.iter().map(|it| f64::from_le_bytes(*it));
    Ok(lines.zip(targets).collect())
}

#[test]
fn a_tables_own_values_and_lines_are_everywhere() -> Outcome {
    let place = Place::new()?;
    let table = concrete(1.0);
    place.write("concrete.csv", &table)?;
    let run = place.explain(&format!("--model lr {DATA} --queries 0-11"), "out")?;

    let training = training(&run)?;
    for &(number, target) in &training {
        assert_eq!(line(&table, number as u64)?[2], target, "line {number}");
    }
    let mut seen: Vec<u64> = training.iter().map(|it| it.0 as u64).collect();
    for query in run.record["queries"].as_array().ok_or("no queries")? {
        let (file, number) = place_of(query);
        let number = number.ok_or("a query without a line")?;
        assert_eq!(file, Some("concrete.csv"));
        let [.., strength] = line(&table, number)?;
        assert_eq!(query["label"], json!(strength), "line {number}");
        // The loss is what label and prediction say it is.
        let predicted = query["predicted"].as_f64().ok_or("no prediction")?;
        let loss = query["loss"].as_f64().ok_or("no loss")?;
        let expected = 0.5 * (predicted - strength).powi(2);
        assert!(
            (loss - expected).abs() < 1e-4 * expected + 1e-6,
            "{loss} {expected}"
        );
        seen.push(number);
    }
    // Every line once, and line 4 with the rest.
    seen.sort_unstable();
    assert_eq!(seen, (2..=61).collect::<Vec<u64>>());

    for pair in run.record["verification"]["pairs"]
        .as_array()
        .ok_or("no pairs")?
    {
        let train = pair["train"].as_u64().ok_or("no example")? as usize;
        let number = Some(training[train].0 as u64);
        assert_eq!(place_of(pair), (Some("concrete.csv"), number));
    }
    let top = String::from_utf8(run.file("top.csv")?)?;
    let mut rows = top.lines();
    let head = "query,rank,kind,train,label,score,file,line,query_file,query_line,newton,leverage,leave_one_out,bound";
    assert_eq!(rows.next(), Some(head));
    for row in rows {
        let cells: Vec<&str> = row.split(',').collect();
        let train: usize = cells[3].parse()?;
        let (number, target) = training[train];
        assert_eq!([cells[6], cells[7]], ["concrete.csv", &number.to_string()]);
        assert_eq!(cells[4].parse::<f64>()?, target);
    }
    let report = String::from_utf8(run.file("report.html")?)?;
    assert!(report.contains("concrete.csv line "), "places");
    let unit = "half the square of `strength`";
    assert_eq!(run.record["unit"]["loss"], json!(unit));
    assert!(
        report.contains(unit) && run.stdout.contains(unit),
        "{}",
        run.stdout
    );
    // The row of line 4 as it is, wherever it is shown.
    let query = run.record["queries"].as_array().ok_or("no queries")?;
    let shown = query.iter().any(|it| it["label"] == json!(40.27));
    assert!(shown || top.contains(",40.27,") || report.contains("40.27"));
    assert!(report.contains(">270<"), "an age of 270 days");
    Ok(())
}

/// Linear regression in closed form, from the numbers of the file alone.
#[test]
fn scores_are_changes_of_the_loss_in_the_targets_units() -> Outcome {
    let place = Place::new()?;
    let table = concrete(1.0);
    place.write("concrete.csv", &table)?;
    let arguments = format!("--model lr {DATA} --queries 3 --precision f64 --damping 0.001");
    let run = place.explain(&arguments, "out")?;
    let rows = training(&run)?;
    let rows: Vec<[f64; 3]> = rows
        .iter()
        .map(|it| line(&table, it.0 as u64))
        .collect::<Result<_, _>>()?;
    let n = rows.len() as f64;
    let moments: Vec<(f64, f64)> = (0..3)
        .map(|column| {
            let mean = rows.iter().map(|row| row[column]).sum::<f64>() / n;
            let variance = rows
                .iter()
                .map(|row| (row[column] - mean).powi(2))
                .sum::<f64>()
                / n;
            (mean, variance.sqrt())
        })
        .collect();
    let scaled = |row: &[f64; 3]| {
        let z = |column: usize| (row[column] - moments[column].0) / moments[column].1;
        ([z(0), z(1), 1.0], z(2))
    };
    // (X'X/n + 0.001 I), which training's L2 term and the damping both give.
    let mut matrix = [[0.0; 3]; 3];
    let mut right = [0.0; 3];
    for row in &rows {
        let (x, y) = scaled(row);
        for i in 0..3 {
            for j in 0..3 {
                matrix[i][j] += x[i] * x[j] / n;
            }
            right[i] += x[i] * y / n;
        }
    }
    for (i, row) in matrix.iter_mut().enumerate() {
        row[i] += 0.001;
    }
    let dot = |a: &[f64; 3], b: &[f64; 3]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let theta = solve(matrix, right);
    let gradient = |row: &[f64; 3]| {
        let (x, y) = scaled(row);
        let residual = dot(&theta, &x) - y;
        x.map(|x| x * residual)
    };
    let number = run.record["queries"][0]["source"]["line"].as_u64();
    let query = gradient(&line(&table, number.ok_or("no line")?)?);
    let solution = solve(matrix, query);
    let std = moments[2].1;
    assert!((run.number("/unit/output_factor") / std - 1.0).abs() < 1e-12);
    // The network is trained in f64 and kept in f32.
    let largest = run.scores[0]
        .iter()
        .fold(0.0_f64, |most, x| most.max(x.abs()));
    for (row, score) in rows.iter().zip(&run.scores[0]) {
        let expected = std * std * dot(&gradient(row), &solution) / n;
        assert!(
            (score - expected).abs() < 1e-5 * largest,
            "{score} {expected}"
        );
    }
    Ok(())
}

/// By elimination; the matrix is positive definite.
fn solve(mut matrix: [[f64; 3]; 3], mut right: [f64; 3]) -> [f64; 3] {
    for pivot in 0..3 {
        for row in pivot + 1..3 {
            let factor = matrix[row][pivot] / matrix[pivot][pivot];
            let above = matrix[pivot];
            for (cell, above) in matrix[row].iter_mut().zip(above) {
                *cell -= factor * above;
            }
            right[row] -= factor * right[pivot];
        }
    }
    for row in (0..3).rev() {
        let known: f64 = (row + 1..3)
            .map(|column| matrix[row][column] * right[column])
            .sum();
        right[row] = (right[row] - known) / matrix[row][row];
    }
    right
}

/// Everything is of degree one or two in the target: numbers of a table that holds four times as much are four or
/// sixteen times those of the other, and nothing else differs.
#[test]
fn the_targets_unit_is_that_of_losses_gaps_and_changes() -> Outcome {
    let places = [1.0, 4.0].map(|times| -> Result<Place, std::io::Error> {
        let place = Place::new()?;
        let mut table = concrete(times);
        if times != 1.0 {
            // Scaled like the others.
            table = table.replace(",40.27\n", ",161.08\n");
        }
        place.write("concrete.csv", table)?;
        Ok(place)
    });
    let [one, four] = places;
    let (one, four) = (one?, four?);
    let compare = |file: &str, paths: &[(&str, f64)]| -> Outcome {
        let (a, b) = (read(&one, file)?, read(&four, file)?);
        for (path, times) in paths {
            let of = |it: &Value| {
                it.pointer(path)
                    .and_then(Value::as_f64)
                    .ok_or(path.to_string())
            };
            let (a, b) = (of(&a)?, of(&b)?);
            assert!(
                a != 0.0 && (b / a / times - 1.0).abs() < 1e-6,
                "{file} {path}: {a} {b}"
            );
        }
        Ok(())
    };
    for place in [&one, &four] {
        let lr = format!("--model lr {DATA}");
        place.explain(&format!("{lr} --queries 2 --precision f64"), "out")?;
        let removed = "--points 2 --solver cg";
        for command in [
            format!("decompose {lr} {removed} --out gaps"),
            format!("correlate {lr} {removed} --tests 3 --out changes"),
            format!("train {lr} --out trained"),
        ] {
            place.backdraft(&command).assert().success();
        }
    }
    compare(
        "out/run.json",
        &[
            ("/unit/output_factor", 4.0),
            ("/unit/loss_factor", 16.0),
            ("/metrics/train/loss", 16.0),
            ("/metrics/test/loss", 16.0),
            ("/queries/0/label", 4.0),
            ("/queries/0/predicted", 4.0),
            ("/queries/0/loss", 16.0),
            ("/verification/pairs/0/predicted", 16.0),
            ("/verification/pairs/0/actual", 16.0),
            ("/verification/slope", 1.0),
            ("/queries/0/source/line", 1.0),
        ],
    )?;
    compare(
        "gaps/decompose.json",
        &[
            ("/setup/unit/output_factor", 4.0),
            ("/setup/metrics/test/loss", 16.0),
            ("/gaps/proximity/mean", 4.0),
            ("/points/0/gaps/proximity", 4.0),
        ],
    )?;
    compare(
        "changes/correlate.json",
        &[
            ("/points/0/influence/0", 16.0),
            ("/points/0/responses/pbrf/0", 16.0),
            ("/points/1/responses/cold_start/2", 16.0),
            ("/correlations/pbrf/pearson", 1.0),
        ],
    )?;
    compare(
        "trained/train.json",
        &[("/results/test/loss", 16.0), ("/results/test/r2", 1.0)],
    )?;

    // Where removed and measured examples stand.
    let table = concrete(1.0);
    let found = read(&one, "changes/correlate.json")?;
    for (named, indices) in [
        ("train", &found["points"][0]["removed"]),
        ("tests", &found["tests"]),
    ] {
        for index in indices.as_array().ok_or("no indices")? {
            let at = &found["setup"][named][index.to_string()];
            assert_eq!(at["file"], json!("concrete.csv"), "{named} {index}");
            line(&table, at["line"].as_u64().ok_or("no line")?)?;
        }
    }
    Ok(())
}

/// The other sources, each as it counts.
#[test]
fn every_source_says_where_its_examples_stand() -> Outcome {
    let place = Place::new()?;
    write_pictures(&place, "pictures", true)?;
    let run = place.explain("--model lr --data pictures --queries 7", "idx")?;
    let source = &run.record["queries"][0]["source"];
    let file = "pictures/t10k-images-idx3-ubyte.gz";
    assert_eq!(*source, json!({ "file": file, "index": 7 }));
    let (_, _, _, train, ..) = run.top[0];
    let top = String::from_utf8(run.file("top.csv")?)?;
    let expected = format!(",pictures/train-images-idx3-ubyte.gz,{train},{file},7,");
    assert!(top.contains(&expected), "{expected} in {top}");
    assert_eq!(run.record["unit"]["loss"], json!("nats"));

    let wrong = "mislabel --model lr --data cancer --examples 60 --out wrong";
    place.backdraft(wrong).assert().success();
    let found = read(&place, "wrong/mislabel.json")?;
    let listed = fs::read_to_string(place.path().join("wrong/wrong-labels.csv"))?;
    let mut lines = listed.lines();
    assert_eq!(lines.next(), Some("train,origin,truth,label,file,row"));
    for row in lines {
        let cells: Vec<&str> = row.split(',').collect();
        let [train, origin, truth, label, file, at] = cells[..] else {
            return Err(format!("{row} is not six cells").into());
        };
        assert_eq!((origin, file), (at, "cancer"));
        assert!(["malignant", "benign"].contains(&truth) && truth != label);
        let setup = &found["setup"]["train"][train];
        assert_eq!(
            *setup,
            json!({ "file": "cancer", "row": at.parse::<u64>()? })
        );
    }

    // An empty line and one that breaks in a cell are lines to an editor.
    let table = regression().replacen('\n', "\r\n\r\n", 3);
    place.write("gaps.csv", &table)?;
    let run = place.explain("--model lr --data gaps.csv --target strength", "lines")?;
    for query in run.record["queries"].as_array().ok_or("no queries")? {
        let number = query["source"]["line"].as_u64().ok_or("no line")? as usize;
        let cells = table.split('\n').nth(number - 1).ok_or("no such line")?;
        let strength: f64 = cells.split(',').nth(2).ok_or("no strength")?.parse()?;
        assert_eq!(query["label"], json!(strength), "line {number}");
    }

    // A part to test on has a file of its own.
    place.write("later.csv", regression())?;
    let parts = "--data gaps.csv --test later.csv --target strength --queries 4";
    let run = place.explain(&format!("--model lr {parts}"), "parts")?;
    let source = &run.record["queries"][0]["source"];
    assert_eq!(*source, json!({ "file": "later.csv", "line": 6 }));
    let top = String::from_utf8(run.file("top.csv")?)?;
    assert!(top.contains(",gaps.csv,") && top.contains(",later.csv,6,"));
    Ok(())
}
