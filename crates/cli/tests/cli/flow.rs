//! `backdraft flow` end to end.

use std::error::Error;
use std::fs;

use backdraft_report::flow::{FlowRecord, RemovalFlows};

use crate::place::{Outcome, Place};
use crate::refusals::assert_refused;
use crate::stops::assert_goes_on;

/// Logistic regression on the embedded cancer data, far enough for an L2 term of 0.1.
const CANCER: &str = "flow --model lr --data cancer --l2 0.1 --times 1,10,200 --tolerance 1e-8";

fn record(place: &Place, out: &str) -> Result<FlowRecord, Box<dyn Error>> {
    let json = fs::read(place.path().join(out).join("run.json"))?;
    Ok(serde_json::from_slice(&json)?)
}

fn distance(removal: &RemovalFlows, switch: f64, time: f64) -> f64 {
    let flow = removal.switched.iter().find(|it| it.switch == switch);
    let states = &flow.expect("the switch was asked for").states;
    let state = states.iter().find(|it| it.time == time);
    state.expect("the time was asked for").distance
}

/// One minimum: whenever the example goes, the flow ends there, and the sooner the nearer it is at any time.
#[test]
fn a_convex_flow_forgets_what_is_removed() -> Outcome {
    let place = Place::new()?;
    let asked = format!("{CANCER} --remove 3 --out out");
    let done = place.backdraft(&asked).assert().success();
    let said = String::from_utf8(done.get_output().stdout.clone())?;
    assert!(
        said.contains("training example 3, distance to the minimum"),
        "{said}"
    );
    let record = record(&place, "out")?;
    let [removal] = record.removals.as_slice() else {
        return Err(format!("{:?}", record.removals).into());
    };
    assert_eq!(removal.changes, [(3, -1.0)]);
    assert!(removal.minimum.converged && record.minimum.converged);
    assert!(removal.minima_apart > 0.0);
    // exp(-0.1 * 200) of the way to the minimum is left of the flow with all.
    let last = record.training.last().ok_or("no time")?;
    assert!(last.time == 200.0 && last.distance < 1e-7, "{last:?}");
    assert!(record.training[0].time == 0.0 && record.training[0].distance > 0.1);
    // After the switch it has 199 or 190 to forget in.
    for switch in [0.0, 1.0, 10.0] {
        let left = distance(removal, switch, 200.0) / removal.minima_apart;
        assert!(left < 1e-3, "{switch}: {left}");
    }
    // What was switched later is less forgotten, and nothing of what was never there is left.
    let left = |of: f64| {
        let flow = removal.switched.iter().find(|it| it.switch == of);
        flow.and_then(|it| it.states.iter().find(|it| it.time == 10.0))
            .map(|it| it.unseen / it.effect)
    };
    assert!(left(0.0) == Some(0.0) && left(10.0) == Some(1.0));
    assert!(
        left(1.0) > Some(0.0) && left(1.0) < Some(1.0),
        "{:?}",
        left(1.0)
    );
    // Where nothing was removed yet it is the flow with all.
    for flow in &removal.switched {
        for state in flow.states.iter().filter(|it| it.time == flow.switch) {
            assert_eq!(state.moved, 0.0);
        }
    }
    // The homotopy: from the whole weight, which is the flow with all, to none, which is that from the start without.
    let [whole, .., none] = removal.weighted.as_slice() else {
        return Err("no weights".into());
    };
    assert!((whole.weight, none.weight) == (1.0, 0.0));
    assert!(whole.states.iter().all(|it| it.moved == 0.0));
    let cold = &removal.switched[0].states;
    assert_eq!(none.states[1..], cold[..]);
    // The weights' ends lie in order on the way of removal, which is the distance of the minima long.
    let across: Vec<f64> = removal
        .weighted
        .iter()
        .filter_map(|it| Some(it.states.last()?.across))
        .collect();
    assert!(
        across.windows(2).all(|pair| pair[0] < pair[1]),
        "{across:?}"
    );
    let way = across[across.len() - 1] - across[0];
    assert!((way / removal.minima_apart - 1.0).abs() < 1e-3, "{way}");
    let report = fs::read_to_string(place.path().join("out/report.html"))?;
    assert!(report.contains("<svg") && report.contains("The homotopy"));
    assert!(
        !report.contains("http:") && !report.contains("https:"),
        "it refers to something else"
    );
    let table = fs::read_to_string(place.path().join("out/flow.csv"))?;
    // Three, three and two ends, and four times of five weights.
    assert_eq!(table.lines().count(), 1 + 3 + 3 + 2 + 4 * 5, "{table}");
    assert!(table.starts_with("removal,switch,weight,time,distance,relative_distance,"));
    Ok(())
}

/// Without a choice it is the example that the trained network fits worst; groups have names.
#[test]
fn groups_and_a_default_are_removed() -> Outcome {
    let place = Place::new()?;
    let small = "flow --data cancer --hidden 4 --times 1,4 --eps 1,0";
    place
        .backdraft(&format!("{small} --out worst"))
        .assert()
        .success();
    let worst = record(&place, "worst")?;
    let removal = &worst.removals[0];
    let loss = |of: f64| {
        removal
            .weighted
            .iter()
            .find(|it| it.weight == of)
            .map(|it| it.states[2].removed_loss)
    };
    // Removed, it is fitted even worse.
    assert!(loss(0.0) > loss(1.0), "{removal:?}");
    fs::write(
        place.path().join("groups.csv"),
        "train,group\n1,few\n2,few\n7,few\n",
    )?;
    let asked = format!("{small} --group groups.csv --out groups");
    place.backdraft(&asked).assert().success();
    let groups = record(&place, "groups")?;
    assert_eq!(groups.removals.len(), 1);
    assert_eq!(
        (
            groups.removals[0].name.as_str(),
            groups.removals[0].sources.len()
        ),
        ("few", 3)
    );
    Ok(())
}

#[test]
fn a_stopped_run_goes_on_to_the_same_bits() -> Outcome {
    let command =
        "flow --model lr --data cancer --times 1,3 --eps 0.5 --remove 3,8 --seed 2 --out out";
    let files = [
        "run.json",
        "parts/flow-training.safetensors",
        "parts/minimum-removal-0.safetensors",
        "parts/switched-removal-1-1.json",
        "parts/weighted-removal-1-0.json",
        "flow.csv",
        "report.html",
    ];
    assert_goes_on(command, &files)?;
    Ok(())
}

#[test]
fn what_makes_no_sense_is_refused() -> Outcome {
    let place = Place::new()?;
    let cases: [(&str, &[&str]); 11] = [
        ("--remove 5000", &["--remove 5000: there are"]),
        (
            "--switches 200 --times 1,100",
            &["--switches has 200", "--times, 100"],
        ),
        ("--times 0", &["--times is 0", "positive"]),
        ("--times nan", &["--times is nan", "positive"]),
        ("--switches -1", &["--switches is -1", "zero or positive"]),
        ("--eps 1.5", &["--eps is 1.5", "from 0 to 1"]),
        ("--l2 0", &["--l2 is 0", "positive"]),
        ("--tolerance 1", &["--tolerance is 1", "between 0 and 1"]),
        ("--max-steps 0", &["--max-steps is 0", "at least 1"]),
        ("--group nowhere.csv", &["--group", "nowhere.csv"]),
        ("--overwrite", &["--overwrite", "--out"]),
    ];
    for (options, words) in cases {
        let asked = format!("flow --model lr --data cancer {options}");
        assert_refused(&place, &asked, words)?;
    }
    // What shows when it is followed: steps that do not suffice, and a tolerance that 64 bits do not tell.
    for (options, code, words) in [
        ("--max-steps 3", 1, "Raise the number of steps"),
        ("--tolerance 1e-17", 2, "raise it"),
    ] {
        let asked = format!("flow --model lr --data cancer --out short {options}");
        let failed = place.backdraft(&asked).assert().code(code);
        let said = String::from_utf8(failed.get_output().stderr.clone())?;
        assert!(said.contains(words), "{said}");
        assert!(!place.path().join("short").exists(), "{options}");
    }
    Ok(())
}
