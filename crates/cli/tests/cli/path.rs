//! `backdraft path` end to end.

use std::{error::Error, fs};

use backdraft_influence::path::PathEnd;
use backdraft_report::{Report, path::PathsRecord};

use crate::{
    place::{Outcome, Place},
    refusals::assert_refused,
    stops::assert_goes_on,
};

fn record(place: &Place, out: &str) -> Result<PathsRecord, Box<dyn Error>> {
    let json = fs::read(place.path().join(out).join("run.json"))?;
    Ok(serde_json::from_slice(&json)?)
}

/// Logistic regression from its minimum: what the identities of the path say of its numbers.
#[test]
fn a_logistic_regression_is_followed_from_end_to_end() -> Outcome {
    let place = Place::new()?;
    let command =
        "path --model lr --data cancer --examples 3,17-18 --queries 7,2 --steps 5 --out out";
    let done = place.backdraft(command).assert().success();
    let said = String::from_utf8(done.get_output().stdout.clone())?;
    assert!(
        said.contains("objective retraining: ") && said.contains("chord/arc"),
        "{said}"
    );
    let record = record(&place, "out")?;
    assert_eq!(record.objective.kind, "retraining");
    assert!(record.objective.l2 > 0.0 && record.objective.proximal == 0.0);
    let names: Vec<&str> = record.paths.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["train 3", "train 17", "train 18"]);
    for path in &record.paths {
        assert_eq!(path.ended, PathEnd::Whole);
        assert_eq!((path.examples, path.weight_change), (1, -1.0));
        let steps: Vec<f64> = path.points.iter().map(|it| it.facts.eps).collect();
        assert_eq!(steps, [1.0, 0.8, 0.6, 0.4, 0.2, 0.0]);
        for point in &path.points {
            let facts = &point.facts;
            assert!(facts.gradient <= 1e-8 && facts.true_residual < 1e-8);
            // The least value rises with the weight of a loss that is not negative, which falls as it counts more.
            assert!(facts.taken >= 0.0 && facts.taken_slope <= 0.0 && facts.curvature > 0.0);
        }
        let gap = &path.tangent_gap;
        assert!(gap.difference <= 1.01 * gap.integral && gap.integral <= gap.bound * 1.0001);
        assert!(path.straightness.ratio > 0.9 && path.straightness.ratio < 1.0001);
        // The network was trained to the minimum, to the gradient at which training ends.
        assert!(path.from_trained < 0.1 * path.straightness.chord.max(1.0));
        let landings = &path.landings;
        let newton = landings.newton.ok_or("no Newton estimate")?;
        assert!(newton.relative < landings.influence_at_one.relative);
        for (place, query) in path.queries.iter().enumerate() {
            let losses: Vec<f64> = path.points.iter().map(|it| it.losses[place]).collect();
            // JSON numbers may lose their last bit on the way back.
            assert!((query.actual - (losses[5] - losses[0])).abs() < 1e-14);
            assert!((query.influence_at_one + path.points[0].slopes[place]).abs() < 1e-14);
            // Between what the two ends predict, or beyond by little.
            let error = |predicted: f64| (predicted - query.actual).abs();
            assert!(error(query.newton.ok_or("no Newton")?) <= error(query.influence_at_one));
        }
    }
    let table = fs::read_to_string(place.path().join("out/path.csv"))?;
    assert_eq!(table.lines().count(), 1 + 3 * 6);
    let table = fs::read_to_string(place.path().join("out/path-queries.csv"))?;
    assert_eq!(table.lines().count(), 1 + 3 * 6 * 2);
    let report = fs::read_to_string(place.path().join("out").join(Report::FILE))?;
    assert!(report.contains("3 of 3 paths") && report.trim_end().ends_with("</html>"));
    Ok(())
}

/// Nothing is named: the example that influence says matters most, and the Bregman objective, whose minimum the network
/// is, wherever its training stopped.
#[test]
fn a_network_begins_where_it_is() -> Outcome {
    let place = Place::new()?;
    let command = "path --data digits --hidden 4 --damping 0.1 --steps 2 --tolerance 1e-6 --queries 7 --out out";
    let done = place.backdraft(command).assert().success();
    let said = String::from_utf8(done.get_output().stdout.clone())?;
    assert!(said.contains("matters most to query 7"), "{said}");
    let record = record(&place, "out")?;
    assert_eq!(record.objective.kind, "bregman");
    assert_eq!(record.objective.proximal, 0.1);
    let [path] = record.paths.as_slice() else {
        return Err("one path was asked for".into());
    };
    assert_eq!(path.from_trained, 0.0);
    assert_eq!(path.points[0].facts.corrections, 0);
    assert!(path.train.is_some() && path.source.is_some());
    Ok(())
}

#[test]
fn a_group_goes_to_its_weights() -> Outcome {
    let place = Place::new()?;
    place.write(
        "groups.csv",
        "train,weight_change,group\n4,-1,a\n9,-0.5,a\n0,1,a\n5,-1,b\n",
    )?;
    let command = "path --model lr --data cancer --group groups.csv --queries 7 --steps 2 --solver cg --out out";
    place.backdraft(command).assert().success();
    let of_groups = record(&place, "out")?;
    let [a, b] = of_groups.paths.as_slice() else {
        return Err("two groups were asked for".into());
    };
    assert_eq!(
        (a.name.as_str(), a.examples, a.weight_change),
        ("a", 3, -0.5)
    );
    assert!(a.train.is_none() && a.ended.is_whole());
    // A group of one is that one, whoever solves.
    let command = "path --model lr --data cancer --examples 5 --queries 7 --steps 2 --solver direct --out one";
    place.backdraft(command).assert().success();
    let one = record(&place, "one")?;
    for (left, right) in b.points.iter().zip(&one.paths[0].points) {
        let ratio = left.facts.speed / right.facts.speed;
        assert!((ratio - 1.0).abs() < 1e-6, "{ratio}");
    }
    Ok(())
}

#[test]
fn a_stopped_run_goes_on_to_the_same_bits() -> Outcome {
    let command = "path --model lr --data cancer --examples 3,17 --queries 7 --steps 3 --out out";
    let files = [
        "run.json",
        "parts/model.safetensors",
        "parts/path-0-2.safetensors",
        "parts/path-0.json",
        "parts/path-1-1.safetensors",
        "path.csv",
    ];
    assert_goes_on(command, &files)?;
    Ok(())
}

#[test]
fn what_makes_no_sense_is_refused() -> Outcome {
    let place = Place::new()?;
    place.write("none.csv", "group\na\n")?;
    for (command, words) in [
        ("path --steps 0", &["--steps"] as &[&str]),
        (
            "path --tolerance 0",
            &["--tolerance is 0", "between 0 and 1"],
        ),
        ("path --shortest nan", &["--shortest"]),
        ("path --shortest 0.5", &["--shortest", "a whole step, 0.1"]),
        ("path --l2 -1", &["--l2"]),
        (
            "path --examples 100000",
            &["--examples", "100000", "counted from 0"],
        ),
        (
            "path --examples 3,3",
            &["--examples", "training example 3 twice"],
        ),
        (
            "path --examples all",
            &["--examples", "name training examples"],
        ),
        ("path --queries 7,7", &["--queries", "twice"]),
        (
            "path --queries all",
            &["--queries all", "path asks about one"],
        ),
        ("path --group none.csv", &["none.csv", "no column `train`"]),
        ("path --group gone.csv", &["--group", "gone.csv"]),
        ("path --damping 0.1,0.2", &["--damping has several"]),
        (
            "path --model lr --data cancer --damping 0.1",
            &["--damping", "--objective retraining"],
        ),
        (
            "path --model autoencoder",
            &["path takes a model that predicts one"],
        ),
        ("path --overwrite", &["--overwrite", "--out"]),
    ] {
        assert_refused(&place, command, words)?;
    }
    Ok(())
}
