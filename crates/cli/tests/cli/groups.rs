//! `--group`: what changes of the weights of groups of training examples do.

use serde_json::{Value, json};

use crate::data::{regression, write_pictures};
use crate::place::{Outcome, Place, Run};
use crate::refusals::assert_refused;

const EXACT: &str = "--precision f64 --solver direct --damping 0.1";

/// A row of `groups.csv`: group, examples, weight change, query, predicted, Newton estimate, actual.
type Row = (String, usize, f64, String, f64, Option<f64>, Option<f64>);

fn rows(run: &Run) -> Result<Vec<Row>, Box<dyn std::error::Error>> {
    let table = run.file("groups.csv")?;
    let mut reader = csv::Reader::from_reader(table.as_slice());
    Ok(reader.deserialize().collect::<Result<_, _>>()?)
}

/// To first order each group does what its scores say, and the response to a quadratic's what the Newton estimate says.
#[test]
fn groups_are_predicted_and_held_against_responses() -> Outcome {
    let place = Place::new()?;
    place.write("table.csv", regression())?;
    let groups = "group,train,weight_change,note\nfirst,3,-1,\nfirst,17,-1,seen\nmixed,3,-0.5,\nmixed,40,1,\nmixed,7,0.25,\n";
    place.write("groups.csv", groups)?;
    let data = "--model lr --data table.csv --target strength --measure output:0";
    let arguments = format!("{data} {EXACT} --queries 2,5 --group groups.csv --verify-removals 3");
    let run = place.explain(&arguments, "out")?;
    let said = "groups.csv: 2 groups of 5 training examples, their weights change by weight_change, -1.25 in sum";
    assert!(run.stdout.contains(said), "{}", run.stdout);
    let found = rows(&run)?;
    assert_eq!(found.len(), 4);
    let changes = |group: &str| -> &[(usize, f64)] {
        match group {
            "first" => &[(3, -1.0), (17, -1.0)],
            _ => &[(3, -0.5), (40, 1.0), (7, 0.25)],
        }
    };
    for (place, (group, examples, sum, query, predicted, newton, actual)) in
        found.iter().enumerate()
    {
        let changes = changes(group);
        let row = place % 2;
        assert_eq!(
            (*examples, query.as_str()),
            (changes.len(), ["2", "5"][row])
        );
        assert_eq!(*sum, changes.iter().map(|it| it.1).sum::<f64>());
        let expected: f64 = changes
            .iter()
            .map(|(i, change)| -change * run.scores[row][*i])
            .sum();
        // Dense solves.
        assert!(
            (predicted - expected).abs() < 1e-8 * expected.abs(),
            "{predicted} {expected}"
        );
        let actual = actual.ok_or("no response")?;
        // What the first order leaves out of two or three of 80 examples.
        assert!(
            (predicted - actual).abs() < 0.2 * actual.abs(),
            "{group}: {predicted} {actual}"
        );
        // Until the gradient has fallen by 1e4.
        let newton = newton.ok_or("no Newton estimate")?;
        assert!(
            (newton - actual).abs() < 1e-3 * actual.abs(),
            "{group}: {newton} {actual}"
        );
    }
    let of_record = run.record["groups"].as_array().ok_or("no groups")?;
    assert_eq!(of_record[1]["name"], json!("mixed"));
    assert_eq!(of_record[1]["weight_change"], json!(0.75));
    assert!(
        of_record[0]["parameter_change"]
            .as_f64()
            .is_some_and(|it| it > 0.0)
    );
    assert_eq!(of_record[0]["changes"][1]["query"], json!(5));
    let report = String::from_utf8(run.file("report.html")?)?;
    assert!(report.contains("Groups of training examples") && report.contains("<td>mixed</td>"));
    let sums = String::from_utf8(run.file("SHA256SUMS")?)?;
    assert!(sums.contains("  groups.csv"));
    Ok(())
}

/// A list of wrong labels is one group; a mean is one row; without a verification there is no actual change.
#[test]
fn files_of_a_run_are_groups() -> Outcome {
    let place = Place::new()?;
    write_pictures(&place, "pictures", false)?;
    let data = "--model lr --data pictures --corrupt-labels 0.1 --seed 3 --verify none";
    place.explain(data, "first")?;
    let arguments = format!("{data} --queries all --group first/wrong-labels.csv");
    let run = place.explain(&arguments, "second")?;
    let [(group, 30, sum, query, predicted, newton, None)] = &rows(&run)?[..] else {
        return Err(format!("{:?}", rows(&run)?).into());
    };
    assert_eq!(
        (group.as_str(), *sum, query.as_str()),
        ("wrong-labels", -30.0, "mean")
    );
    assert!(
        *predicted < 0.0,
        "without wrong labels the loss falls: {predicted}"
    );
    assert!(newton.is_some_and(|it| it < 0.0));
    assert!(
        run.stdout
            .contains("30 training examples, which are removed")
    );
    assert_eq!(run.record["groups"][0]["changes"][0]["query"], Value::Null);
    Ok(())
}

#[test]
fn groups_that_make_no_sense_are_refused() -> Outcome {
    let place = Place::new()?;
    place.write("table.csv", regression())?;
    let all: String = (0..80).map(|i| format!("{i},-1\n")).collect();
    for (name, text, parts) in [
        (
            "none",
            "index\n1\n",
            ["has no column `train`", "weight_change and group"],
        ),
        (
            "beyond",
            "train\n3\n80\n",
            ["line 3 names training example 80", "holds 80"],
        ),
        (
            "word",
            "train\nthree\n",
            ["line 2 has `three` for train", "an index"],
        ),
        (
            "number",
            "train,weight_change\n3,NaN\n",
            ["line 2 has `NaN` for weight_change", "-1 to remove"],
        ),
        (
            "twice",
            "train\n3\n4\n3\n",
            ["line 4 names training example 3 twice", "in group twice"],
        ),
        (
            "ragged",
            "train,group\n3,a\n4\n",
            ["cannot be read", "line"],
        ),
        (
            "empty",
            "train\n",
            ["names no training example", "empty.csv"],
        ),
        (
            "nothing",
            "train,weight_change\n3,0\n",
            ["changes nothing", "in group nothing"],
        ),
        (
            "whole",
            &format!("train,weight_change\n{all}"),
            ["takes all 80", "one must stay"],
        ),
    ] {
        place.write(&format!("{name}.csv"), text)?;
        let arguments = format!(
            "explain --model lr --data table.csv --target strength --out never --group {name}.csv"
        );
        assert_refused(&place, &arguments, &[&["--group"], &parts[..]].concat())?;
    }
    let missing =
        "explain --model lr --data table.csv --target strength --out never --group no.csv";
    assert_refused(&place, missing, &["--group no.csv cannot be read"])?;

    // A run goes on with the same groups alone, to the same numbers.
    place.write("one.csv", "train\n3\n5\n")?;
    place.write("other.csv", "train\n3\n6\n")?;
    let command = |file: &str, out: &str| {
        format!(
            "explain --model lr --data table.csv --target strength --verify-removals 3 --group {file}.csv --out {out}"
        )
    };
    place.backdraft(&command("one", "whole")).assert().success();
    place.stop_at(&command("one", "begun"), "begun/run.json")?;
    assert_refused(&place, &command("other", "begun"), &["begun", "groups"])?;
    place.backdraft(&command("one", "begun")).assert().success();
    let read = |out: &str| std::fs::read(place.path().join(out).join("groups.csv"));
    assert_eq!(read("begun")?, read("whole")?);
    Ok(())
}
