//! `explain --model lr`: what is known in closed form beside every score.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;

use serde_json::Value;

use crate::data::{classification, regression};
use crate::place::{Outcome, Place, Run};

type Row = BTreeMap<String, String>;

/// The rows of a table by the names of their columns.
fn rows(place: &Place, name: &str) -> Result<Vec<Row>, Box<dyn Error>> {
    let text = fs::read_to_string(place.path().join(name))?;
    let mut lines = text.lines().map(|line| line.split(',').map(String::from));
    let head: Vec<String> = lines.next().ok_or("an empty table")?.collect();
    Ok(lines
        .map(|line| head.iter().cloned().zip(line).collect())
        .collect())
}

fn number(row: &Row, column: &str) -> f64 {
    let cell = row.get(column).and_then(|it| it.parse().ok());
    cell.unwrap_or(f64::NAN)
}

fn at<'a>(run: &'a Run, path: &str) -> &'a Value {
    run.record.pointer(path).unwrap_or(&Value::Null)
}

/// The proximal Bregman response of least squares with the L2 term as its damping is leave-one-out: what verification
/// minimises for is what the closed form says.
#[test]
fn of_a_regression_it_is_what_leaving_out_does() -> Outcome {
    let place = Place::new()?;
    place.write("concrete.csv", regression())?;
    let arguments = "--model lr --data concrete.csv --target strength --queries 3,7 --verify full";
    let run = place.explain(arguments, "out")?;
    assert!(
        run.stdout
            .contains("least squares with the L2 term 0.001 of the training")
    );
    assert!(run.stdout.contains("exact leave-one-out"), "{}", run.stdout);
    assert_eq!(at(&run, "/closed_form/exact"), true);
    // Weights are kept in 32 bits.
    let distance = at(&run, "/closed_form/distance")
        .as_f64()
        .ok_or("no distance")?;
    assert!(distance < 1e-6, "{distance}");
    let settled = at(&run, "/closed_form/effective_parameters").as_f64();
    assert!(
        settled.is_some_and(|it| (3.9..4.0).contains(&it)),
        "{settled:?}"
    );

    let all = rows(&place, "out/closed-form.csv")?;
    assert_eq!(all.len(), 80);
    let leverages: f64 = all.iter().map(|row| number(row, "leverage")).sum();
    assert!((leverages - settled.unwrap_or(0.0)).abs() < 1e-9);
    let pairs = at(&run, "/verification/pairs")
        .as_array()
        .ok_or("no pairs")?;
    assert!(pairs.len() > 20);
    for pair in pairs {
        let of = |name: &str| pair[name].as_f64().unwrap_or(f64::NAN);
        let row = &all[of("train") as usize];
        let exact = number(row, &format!("leave_one_out_{}", of("query")));
        // Responses are minimised until their gradients have fallen by 1e4.
        let error = (exact - of("actual")).abs();
        assert!(
            error < 1e-3 * exact.abs() + 1e-5,
            "{exact} {}",
            of("actual")
        );
    }
    // The deleted residual, whose square's half is the own loss without the example.
    for row in &all {
        let (residual, leverage) = (number(row, "residual"), number(row, "leverage"));
        let without = residual / (1.0 - leverage);
        let change = 0.5 * (without * without - residual * residual);
        let found = number(row, "self_leave_one_out");
        assert!((found - change).abs() < 1e-9 * change.abs().max(1.0));
        assert!(number(row, "cook") >= 0.0 && number(row, "studentized").is_finite());
        assert!(number(row, "dffits") * residual >= 0.0);
    }
    for row in rows(&place, "out/top.csv")? {
        let own = &all[number(&row, "train") as usize];
        let column = format!("leave_one_out_{}", row["query"]);
        assert_eq!(row["leave_one_out"], own[&column]);
        assert_eq!(row["leverage"], own["leverage"]);
    }
    let sums = fs::read_to_string(place.path().join("out/SHA256SUMS"))?;
    assert!(sums.contains("  closed-form.csv\n"));
    let report = fs::read_to_string(place.path().join("out/report.html"))?;
    assert!(report.contains("Leaving an example out, in closed form"));
    Ok(())
}

/// Of another measurement than the loss, and of weights from a file, whose L2 term nobody knows.
#[test]
fn of_an_output_it_is_its_change() -> Outcome {
    let place = Place::new()?;
    place.write("concrete.csv", regression())?;
    let data = "--model lr --data concrete.csv --target strength --queries 3 --verify none";
    place.explain(data, "first")?;
    let of = |damping: f64, out: &str| {
        let weights = "--weights first/model.safetensors --measure output:0 --precision f64";
        place.explain(&format!("{data} {weights} --damping {damping}"), out)
    };
    let run = of(0.001, "second")?;
    assert_eq!(at(&run, "/closed_form/l2_from"), "damping");
    assert_eq!(at(&run, "/closed_form/l2"), 0.001);
    for row in rows(&place, "second/closed-form.csv")? {
        let (score, exact) = (number(&row, "score_3"), number(&row, "leave_one_out_3"));
        // An output is linear in the weights: the two part by the leverage alone, beside weights in 32 bits.
        let left = 1.0 - number(&row, "leverage");
        let error = (exact * left - score).abs();
        assert!(error < 1e-4 * score.abs() + 1e-6, "{score} {exact}");
    }
    // The weights are those of another L2 term, which is told.
    let distance = at(&of(0.05, "third")?, "/closed_form/distance").as_f64();
    assert!(distance.is_some_and(|it| it > 1e-3), "{distance:?}");
    Ok(())
}

/// The mean over the test examples is that of the changes of each.
#[test]
fn of_the_mean_it_is_the_mean() -> Outcome {
    let place = Place::new()?;
    place.write("concrete.csv", regression())?;
    let data = "--model lr --data concrete.csv --target strength --verify none --newton none";
    let mean = place.explain(&format!("{data} --queries all"), "mean")?;
    assert_eq!(at(&mean, "/closed_form/agreement/0/query"), &Value::Null);
    assert!(mean.stdout.contains("the mean: all scores against these"));
    place.explain(&format!("{data} --queries 0-19"), "each")?;
    let of_mean = rows(&place, "mean/closed-form.csv")?;
    let of_each = rows(&place, "each/closed-form.csv")?;
    assert_eq!(of_mean.len(), 80);
    for (row, each) in of_mean.iter().zip(&of_each) {
        let of = |query: usize| number(each, &format!("leave_one_out_{query}"));
        let expected = (0..20).map(of).sum::<f64>() / 20.0;
        let found = number(row, "leave_one_out_mean");
        assert!((found - expected).abs() < 1e-9 * expected.abs() + 1e-12);
    }
    Ok(())
}

#[test]
fn of_classes_it_is_one_newton_step() -> Outcome {
    let place = Place::new()?;
    place.write("iris.csv", classification())?;
    let data = "--data iris.csv --target species --queries 1,4 --verify none";
    let run = place.explain(&format!("--model lr {data}"), "out")?;
    assert_eq!(at(&run, "/closed_form/exact"), false);
    assert!(run.stdout.contains("logistic regression with the L2 term"));
    let agreement = at(&run, "/closed_form/agreement")
        .as_array()
        .ok_or("none")?;
    assert_eq!(agreement.len(), 2);
    for it in agreement {
        let of = |name: &str| it[name].as_f64().unwrap_or(f64::NAN);
        assert!(of("pearson") > 0.95 && of("slope") > 1.0, "{it}");
    }
    let all = rows(&place, "out/closed-form.csv")?;
    assert!(all[0].contains_key("one_step_1") && !all[0].contains_key("residual"));
    for row in rows(&place, "out/top.csv")? {
        // The Newton estimate is the same step, to first order in the query's loss.
        let (newton, step) = (number(&row, "newton"), number(&row, "one_step"));
        if !newton.is_nan() {
            assert!(
                (newton - step).abs() < 0.3 * step.abs() + 1e-4,
                "{newton} {step}"
            );
        }
    }
    // Of a network there is none.
    let other = place.explain(&format!("--model mlp {data}"), "mlp")?;
    assert_eq!(at(&other, "/closed_form"), &Value::Null);
    assert!(!place.path().join("mlp/closed-form.csv").exists());
    Ok(())
}
