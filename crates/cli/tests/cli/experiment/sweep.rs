//! One setting varied.

use std::fs;

use predicates::prelude::*;
use predicates::str::contains;
use serde_json::{Value, json};

use super::{CANCER, Outcome, Place};
use crate::refusals::assert_refused;

#[test]
fn the_damping_is_varied() -> Outcome {
    let place = Place::new()?;
    let command = format!("sweep {CANCER} --over damping --values 0.001,0.1 --points 2");
    let done = place.experiment(&command, "out")?;
    assert_eq!(done.record["over"], json!("damping"));
    assert_eq!(done.list("/points").len(), 2);
    for (index, value) in [(0, 0.001), (1, 0.1)] {
        let at = |path: &str| done.number(&format!("/points/{index}/{path}"));
        assert_eq!(at("value"), value);
        assert_eq!(at("decomposition/setup/damping"), value);
        assert_eq!(done.record["points"][index]["failure"], json!(null));
        let points = done.list(&format!("/points/{index}/decomposition/points"));
        assert_eq!(points.len(), 2);
    }
    // The stronger the proximal term, the less the response is like retraining.
    let gap = |index: usize| {
        done.number(&format!(
            "/points/{index}/decomposition/gaps/proximity/mean"
        ))
    };
    assert!(gap(0) < gap(1));
    assert!(done.stdout.contains("damping 0.001") && done.stdout.contains("damping 0.1"));
    assert!(done.report()?.trim_end().ends_with("</html>"));
    assert_eq!(
        done.names()?,
        [
            "damping-0.001",
            "damping-0.1",
            "experiment.json",
            "report.html",
            "sweep.json"
        ]
    );

    // Once more there is nothing to do: the removals are those of before, to the second.
    let again = place.experiment(&command, "out")?;
    assert_eq!(again.record, done.record);
    Ok(())
}

#[test]
fn the_width_and_the_share_removed_are_varied() -> Outcome {
    let place = Place::new()?;
    let small = "--examples 40 --epochs 2 --points 2 --depth 5 --repeats 1";
    let done = place.experiment(&format!("sweep {small} --over width --values 3,6"), "width")?;
    for (index, width) in [(0, 3), (1, 6)] {
        let setup = &done.record["points"][index]["decomposition"]["setup"];
        assert_eq!(setup["network"]["Mlp"]["hidden"], json!([width, width]));
    }
    let done = place.experiment(
        &format!("sweep {CANCER} --points 2 --over removed --values 1,5"),
        "removed",
    )?;
    for (index, count) in [(0, 5), (1, 23)] {
        let setup = &done.record["points"][index]["decomposition"]["setup"];
        assert_eq!(setup["examples_in_a_removal"], json!(count));
    }
    // What the removal of such groups does to test losses, beside both predictions.
    assert!(done.stdout.contains("Newton slope"), "{}", done.stdout);
    let effects = place.path().join("removed/groups-random");
    let effects: Value = serde_json::from_slice(&fs::read(effects.join("groups.json"))?)?;
    let groups = effects["points"][0]["groups"].as_array();
    assert_eq!(groups.map(Vec::len), Some(4));
    // Of so few passes some of the default values are the same.
    let done = place.experiment(
        &format!("sweep {small} --hidden 3 --over epochs").replace("--epochs 2", "--epochs 1"),
        "epochs",
    )?;
    let values = done.list("/points");
    let values: Vec<_> = values.iter().map(|it| &it["value"]).collect();
    assert_eq!(values, [1.0, 2.0, 4.0]);
    Ok(())
}

#[test]
fn a_value_that_fails_is_reported_and_the_others_go_on() -> Outcome {
    let place = Place::new()?;
    // At a learning rate of 0.1 an L2 term of 1000 multiplies the parameters by -99 in each step.
    let small = "--examples 40 --hidden 4 --epochs 3 --points 1 --depth 5 --repeats 1";
    let command = format!("sweep {small} --over weight-decay --values");
    let done = place.experiment(&format!("{command} 1000,0.001"), "out")?;
    let missing = "1 of 2 values failed. The first: weight-decay 1000: training diverged";
    assert!(done.stdout.contains(missing), "{}", done.stdout);
    assert!(done.report()?.contains("1 of 2 values failed"));
    let [failed, good] = [0, 1].map(|index| &done.record["points"][index]);
    assert_eq!(failed["decomposition"], json!(null));
    let reason = failed["failure"].as_str().ok_or("no reason")?;
    assert!(reason.contains("lower the learning rate"), "{reason}");
    assert_eq!(good["failure"], json!(null));

    place
        .backdraft(&format!("{command} 1000,2000 --out none"))
        .assert()
        .code(1)
        .stderr(
            contains("all 2 values failed, the first at weight-decay 1000")
                .and(contains("diverged")),
        );
    assert!(!fs::exists(place.path().join("none/sweep.json"))?);
    Ok(())
}

#[test]
fn parts_make_a_sweep() -> Outcome {
    let place = Place::new()?;
    let command = format!("sweep {CANCER} --over damping --values 0.001,0.1 --points 3");
    let whole = place.experiment(&command, "whole")?;
    for part in ["1", "2"] {
        let part_of = format!("{command} --shard {part}/2 --out part-{part}");
        let done = place.backdraft(&part_of).assert().success();
        done.stdout(contains("2 of 2 values are left to other parts").and(contains("--merge")));
        let file = place.path().join(format!("part-{part}/sweep.json"));
        assert!(!fs::exists(file)?);
    }
    let merged = place.experiment(&format!("{command} --merge part-1,part-2"), "merged")?;
    assert_eq!(merged.timeless(), whole.timeless());
    // One part takes in the other, and nothing of another sweep.
    let taken = place.experiment(&format!("{command} --merge part-2"), "part-1")?;
    assert_eq!(taken.record, merged.record);
    assert_refused(
        &place,
        &format!("{command} --seed 1 --out new --merge part-1"),
        &[
            "--merge part-1/damping-0.001 holds another experiment",
            "seed was 0, not 1",
        ],
    )?;
    let other = command.replace("0.1", "0.2");
    assert_refused(
        &place,
        &format!("{other} --out new --merge part-1"),
        &["--merge part-1 holds another experiment", "values"],
    )
}

#[test]
fn the_papers_values_are_the_papers_presets() -> Outcome {
    let place = Place::new()?;
    place.backdraft("sweep --help").assert().success().stdout(
        contains("paper: up to 8192")
            .and(contains("paper: 100 to 9000"))
            .and(contains("paper: down to 0.000001")),
    );
    // Without a minute of training: the settings are there as soon as it begins.
    for (over, expected) in [
        ("depth", json!([1.0, 3.0, 5.0, 7.0, 9.0, 11.0, 13.0, 15.0])),
        (
            "epochs",
            json!([100.0, 500.0, 1000.0, 3000.0, 5000.0, 7000.0, 9000.0]),
        ),
        (
            "weight-decay",
            json!([
                0.5, 0.1, 0.05, 0.01, 0.005, 0.001, 0.0005, 0.0001, 0.00005, 0.00001
            ]),
        ),
    ] {
        let command =
            format!("sweep --over {over} --preset paper --data digits --points 1 --out {over}");
        let mut child = place.start(&command)?;
        let record = place.path().join(over).join("experiment.json");
        while !record.is_file() {
            assert!(child.try_wait()?.is_none(), "it ended at once");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        child.kill()?;
        child.wait()?;
        let record: serde_json::Value = serde_json::from_slice(&fs::read(record)?)?;
        assert_eq!(record["settings"]["values"], expected);
    }
    Ok(())
}
