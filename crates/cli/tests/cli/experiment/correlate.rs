//! Predicted against actual changes of test losses.

use std::collections::HashSet;

use serde_json::json;

use super::{CANCER, Done, Outcome, Place, indices, numbers};

const RESPONSES: [&str; 4] = ["pbrf", "warm_start", "cold_start", "two_stage"];

/// All pairs of a predicted and an actual change, one removal after another.
fn pairs(done: &Done, response: &str) -> Vec<(f64, f64)> {
    let points = done.list("/points");
    let of = |point: &serde_json::Value| {
        let actual = numbers(&point["responses"][response]);
        let predicted = numbers(&point["influence"]);
        assert_eq!(predicted.len(), actual.len());
        predicted.into_iter().zip(actual).collect::<Vec<_>>()
    };
    points.iter().flat_map(of).collect()
}

fn assert_consistent(done: &Done, points: usize, tests: usize) -> Outcome {
    assert_eq!(done.list("/points").len(), points);
    let chosen = indices(&done.record["tests"]);
    assert_eq!(chosen.iter().collect::<HashSet<_>>().len(), tests);
    let held_out = done.number("/setup/sizes/test");
    assert!(chosen.iter().all(|&index| (index as f64) < held_out));
    for response in RESPONSES {
        let pairs = pairs(done, response);
        assert_eq!(pairs.len(), points * tests);
        assert!(pairs.iter().all(|(x, y)| x.is_finite() && y.is_finite()));
        for statistic in ["pearson", "spearman", "pearson_within", "spearman_within"] {
            let found = done.number(&format!("/correlations/{response}/{statistic}"));
            assert!(
                found.abs() <= 1.0 + 1e-12,
                "{response} {statistic}: {found}"
            );
        }
        let title = response.replace('_', " ").replace("two ", "two-");
        let title = title.replace("pbrf", "PBRF");
        assert!(done.stdout.contains(&title), "{}", done.stdout);
        assert!(done.report()?.contains(&title));
    }
    assert!(done.report()?.trim_end().ends_with("</html>"));
    Ok(())
}

#[test]
fn what_is_predicted_is_the_first_order() -> Outcome {
    let place = Place::new()?;
    let done = place.experiment(&format!("correlate {CANCER} --points 6 --tests 5"), "out")?;
    assert_consistent(&done, 6, 5)?;
    for statistic in ["pearson", "pearson_within"] {
        let found = done.number(&format!("/correlations/pbrf/{statistic}"));
        assert!(found > 0.99, "{statistic}: {found}");
    }
    // Not in proportion only, but in size and sign: the slope of the line through zero. Removing one of 456 examples
    // from a convex problem is off its first order by some percent of its own.
    let (mut up, mut down) = (0.0, 0.0);
    for (predicted, actual) in pairs(&done, "pbrf") {
        up += predicted * actual;
        down += predicted * predicted;
    }
    assert!((up / down - 1.0).abs() < 0.05, "slope {}", up / down);
    // Convex: all retrainings end at one place.
    for (warm, cold) in [("warm_start", "cold_start"), ("warm_start", "two_stage")] {
        for ((_, warm), (_, cold)) in pairs(&done, warm).into_iter().zip(pairs(&done, cold)) {
            assert!((warm - cold).abs() < 1e-7, "{warm} {cold}");
        }
    }
    Ok(())
}

#[test]
fn a_network_is_correlated() -> Outcome {
    let place = Place::new()?;
    let command = "correlate --data digits --examples 60 --hidden 6 --epochs 6 --points 3 --tests 7 --solver cg";
    let done = place.experiment(command, "out")?;
    assert_consistent(&done, 3, 7)?;
    assert_eq!(done.record["setup"]["precision"], json!("f64"));
    assert_eq!(done.record["setup"]["solver"], json!("conjugate gradients"));
    Ok(())
}
