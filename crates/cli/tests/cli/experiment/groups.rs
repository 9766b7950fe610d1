//! `sweep --over removed --groups`.

use std::fs;

use serde_json::{Value, json};

use super::{CANCER, Outcome, Place, numbers, timeless};
use crate::refusals::assert_refused;

const GROUPS: &str =
    "--over removed --groups random,class,similar --values 2,20 --points 2 --tests 4";

fn record(place: &Place, out: &str) -> Result<Value, Box<dyn std::error::Error>> {
    let bytes = fs::read(place.path().join(out).join("groups.json"))?;
    Ok(serde_json::from_slice(&bytes)?)
}

#[test]
fn influence_falls_short_of_groups_and_the_newton_estimate_does_not() -> Outcome {
    let place = Place::new()?;
    let command = format!("sweep {CANCER} {GROUPS} --l2 0.1,0.01 --out out");
    let done = place.backdraft(&command).assert().success();
    let stdout = String::from_utf8(done.get_output().stdout.clone())?;
    assert!(
        stdout.contains("Newton slope") && stdout.contains("l2 0.01"),
        "{stdout}"
    );
    let found = record(&place, "out")?;
    assert_eq!(found["failures"], json!([]));
    for (point, l2) in [(0, 0.1), (1, 0.01)] {
        let point = &found["points"][point];
        assert_eq!(point["l2"], json!(l2));
        assert_eq!(point["setup"]["damping"], json!(0.0));
        let groups = point["groups"].as_array().ok_or("no groups")?;
        assert_eq!(groups.len(), 12);
        for group in groups {
            assert_eq!(numbers(&group["actual"]).len(), 4);
            assert_eq!(group["solved"], json!(true));
        }
        let all = &point["agreements"][0];
        let of = |by: &str, what: &str| all[by][what].as_f64().unwrap_or(f64::NAN);
        assert!(of("influence", "slope") < 0.95, "{all}");
        assert!(
            of("influence", "pearson") > 0.9 && of("newton", "pearson") > 0.98,
            "{all}"
        );
        let [influence, newton] = ["influence", "newton"].map(|by| (of(by, "slope") - 1.0).abs());
        assert!(newton < influence, "{all}");
    }
    // The same groups at every strength.
    let removed = |point: usize| -> Vec<Value> {
        let groups = found["points"][point]["groups"].as_array();
        groups
            .into_iter()
            .flatten()
            .map(|it| it["removed"].clone())
            .collect()
    };
    assert_eq!(removed(0), removed(1));
    let csv = fs::read_to_string(place.path().join("out/groups.csv"))?;
    assert_eq!(csv.lines().count(), 1 + 2 * 12 * 4);
    let page = fs::read_to_string(place.path().join("out/report.html"))?;
    assert!(page.contains("Newton estimate: Spearman"));
    // It is whole, and comes to the same where it is asked for again.
    place.backdraft(&command).assert().success();
    assert_eq!(timeless(record(&place, "out")?), timeless(found.clone()));
    // Two halves on two machines are the whole.
    for part in [1, 2] {
        let half =
            format!("sweep {CANCER} {GROUPS} --l2 0.1,0.01 --shard {part}/2 --out half{part}");
        place.backdraft(&half).assert().success();
    }
    let merged = format!("sweep {CANCER} {GROUPS} --l2 0.1,0.01 --merge half1,half2 --out merged");
    place.backdraft(&merged).assert().success();
    assert_eq!(timeless(record(&place, "merged")?), timeless(found));
    Ok(())
}

#[test]
fn what_makes_no_groups_is_refused() -> Outcome {
    let place = Place::new()?;
    let refused = |more: &str, parts: &[&str]| {
        assert_refused(&place, &format!("sweep {CANCER} {more} --out out"), parts)
    };
    refused(
        "--over damping --groups random",
        &["--groups", "--over removed"],
    )?;
    refused("--over removed --l2 0.1", &["--groups"])?;
    refused(
        "--over removed --groups random,random",
        &["--groups", "twice"],
    )?;
    refused(
        "--over removed --groups random --l2 0.1,0.1",
        &["--l2", "twice"],
    )?;
    refused("--over removed --groups random --l2 -1", &["--l2"])?;
    let both = "--over removed --groups random --l2 0.1 --weight-decay 0.1";
    refused(both, &["--l2", "--weight-decay"])?;
    refused(
        "--over removed --groups class --values 99",
        &["--values", "no class"],
    )?;
    refused("--over removed --groups random --tests 0", &["--tests"])?;
    refused("--over removed --groups random --tests 5000", &["--tests"])?;
    place.write("strength.csv", crate::data::regression())?;
    assert_refused(
        &place,
        "sweep --model lr --data strength.csv --target strength --over removed --groups class --out out",
        &["--groups", "class"],
    )?;
    assert!(!place.path().join("out").exists());
    Ok(())
}
