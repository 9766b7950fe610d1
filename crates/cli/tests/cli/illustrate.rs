//! `backdraft illustrate` end to end: the numbers in its files against closed forms.

use std::error::Error;
use std::fs;

use serde_json::Value;

use crate::place::{Outcome, Place};
use crate::refusals::assert_refused;
use crate::stops::{assert_same, kept};

/// Runs it, checks its files, and has what it computed.
fn data(place: &Place, asked: &str, out: &str) -> Result<Value, Box<dyn Error>> {
    let command = format!("illustrate {asked} --out {out}");
    let done = place.backdraft(&command).assert().success();
    let said = String::from_utf8(done.get_output().stdout.clone())?;
    assert!(said.contains("written to"), "{said}");
    let folder = place.path().join(out);
    let page = fs::read_to_string(folder.join("report.html"))?;
    assert!(
        page.contains("<svg") && page.contains("<dt>seed</dt>"),
        "{asked}"
    );
    for outside in ["http:", "https:", "src=", "href=", "url("] {
        assert!(!page.contains(outside), "{asked}: the page has {outside}");
    }
    let table = fs::read_to_string(folder.join("figure.csv"))?;
    assert!(table.lines().count() > 5, "{table}");
    let record: Value = serde_json::from_slice(&fs::read(folder.join("run.json"))?)?;
    assert!(
        record["settings"]["seed"].is_u64(),
        "{}",
        record["settings"]
    );
    Ok(record["data"].clone())
}

fn numbers(value: &Value) -> Vec<f64> {
    let all = value.as_array().into_iter().flatten();
    all.filter_map(Value::as_f64).collect()
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

/// Gradient descent on least squares without full rank ends at `theta_0 + X^+ (y - X theta_0)`.
#[test]
fn descent_ends_where_the_pseudo_inverse_says() -> Outcome {
    let place = Place::new()?;
    for (seed, options) in [(0, ""), (5, " --examples 7 --removed 2")] {
        let out = format!("out-{seed}");
        let found = data(&place, &format!("warm-start --seed {seed}{options}"), &out)?;
        let inputs: Vec<Vec<f64>> = list(&found["inputs"]).iter().map(numbers).collect();
        let targets = numbers(&found["targets"]);
        let removed = found["removed"].as_u64().ok_or("no example")? as usize;
        // X is a u' with a unit vector u, so X^+ = u a' / a'a.
        let size = |x: &Vec<f64>| x[0].hypot(x[1]);
        let u = [
            inputs[0][0] / size(&inputs[0]),
            inputs[0][1] / size(&inputs[0]),
        ];
        let floor = |without: Option<usize>| {
            let kept = (0..targets.len()).filter(|it| Some(*it) != without);
            let (mut pull, mut square) = (0.0, 0.0);
            for i in kept {
                let a = size(&inputs[i]);
                (pull, square) = (pull + a * targets[i], square + a * a);
            }
            pull / square
        };
        let check = |path: &Value, floor: f64| {
            let points: Vec<Vec<f64>> = list(&path["points"]).iter().map(numbers).collect();
            let (start, end) = (&points[0], &points[points.len() - 1]);
            let off = floor - (u[0] * start[0] + u[1] * start[1]);
            for (it, along) in u.iter().enumerate() {
                let expected = start[it] + along * off;
                // 0.7^100 of the way is left, and roundings.
                assert!((end[it] - expected).abs() < 1e-13, "{} {expected}", end[it]);
                assert!((numbers(&path["nearest"])[it] - expected).abs() < 1e-13);
            }
            (start.clone(), end.clone())
        };
        let with = list(&found["with"]);
        let ends = with
            .iter()
            .map(|it| check(it, floor(None)).1)
            .collect::<Vec<_>>();
        let without = list(&found["without"]);
        let paths: Vec<_> = without
            .iter()
            .map(|it| check(it, floor(Some(removed))))
            .collect();
        let [(warm_start, warm), (_, cold), (zero, least)] = paths.as_slice() else {
            return Err("three starts".into());
        };
        assert_eq!(*warm_start, ends[0]);
        assert_eq!(*zero, [0.0; 2]);
        // From zero it is the shortest of all minima, and the others are elsewhere.
        for other in [cold, warm] {
            assert!(size(least) < size(other));
        }
        assert!((cold[0] - warm[0]).hypot(cold[1] - warm[1]) > 0.01);
    }
    Ok(())
}

/// The minimum moves from that with all examples, and influence leaves in its direction.
#[test]
fn minima_follow_the_weight_of_an_example() -> Outcome {
    let place = Place::new()?;
    let found = data(&place, "homotopy --time 20 --steps 20 --points 8,12", "out")?;
    let points = list(&found["points"]);
    assert_eq!(points.len(), 2);
    for point in &points {
        let path = list(&point["path"]);
        assert_eq!(path.len(), 21);
        let weights: Vec<f64> = path.iter().filter_map(|it| it["weight"].as_f64()).collect();
        assert!(weights[0] == 1.0 && weights[20] == 0.0);
        for state in &path {
            assert!(state["gradient_norm"].as_f64() < Some(1e-8), "{state}");
        }
        let unit = |it: &Value| {
            ["input_weight", "bias", "output_weight"].map(|of| it[of].as_f64().unwrap_or(f64::NAN))
        };
        // One step of the weight against a twentieth of what influence predicts of twenty.
        let (first, next) = (unit(&path[0]["unit"]), unit(&path[1]["unit"]));
        let predicted = unit(&point["predicted"]);
        let step: Vec<f64> = (0..3).map(|it| next[it] - first[it]).collect();
        let straight: Vec<f64> = (0..3)
            .map(|it| (predicted[it] - first[it]) / 20.0)
            .collect();
        let norm = |v: &[f64]| v.iter().map(|it| it * it).sum::<f64>().sqrt();
        let off: Vec<f64> = step.iter().zip(&straight).map(|(a, b)| a - b).collect();
        assert!(norm(&off) < 0.2 * norm(&step), "{step:?} {straight:?}");
        assert!(list(&point["jumps"]).is_empty());
        let flows = list(&point["flows"]);
        assert_eq!(flows.len(), 5);
        let starts: Vec<Value> = flows.iter().map(|it| it[0].clone()).collect();
        assert!(starts.iter().all(|it| *it == starts[0]));
    }
    // The noisiest example's minimum vanishes on the way, which is told.
    let found = data(&place, "homotopy --time 1 --points 6", "jump")?;
    assert_eq!(
        list(&found["points"][0]["jumps"]).len(),
        1,
        "{}",
        found["points"][0]["jumps"]
    );
    Ok(())
}

/// Influence and the response change the network near the example, training again everywhere.
#[test]
fn a_removal_moves_the_boundary_near_it() -> Outcome {
    let place = Place::new()?;
    let found = data(&place, "boundary --retraining-steps 200", "out")?;
    let stages = list(&found["stages"]);
    let number = |stage: usize, of: &str| stages[stage][of].as_f64().unwrap_or(f64::NAN);
    assert_eq!(stages.len(), 4);
    assert_eq!(number(0, "distance"), 0.0);
    let ratio = |stage: usize| number(stage, "near") / number(stage, "elsewhere");
    for local in [1, 2] {
        assert!(
            ratio(local) > 2.0 * ratio(3),
            "{} {}",
            ratio(local),
            ratio(3)
        );
        assert!(number(3, "elsewhere") > 2.0 * number(local, "elsewhere"));
        // Without it the example is fitted worse.
        assert!(number(local, "removed_loss") > number(0, "removed_loss"));
    }
    // Training again is training on.
    assert!(number(3, "others_loss") < number(1, "others_loss"));
    let grid = numbers(&found["across"]).len() * numbers(&found["up"]).len();
    let table = fs::read_to_string(place.path().join("out/figure.csv"))?;
    assert_eq!(table.lines().count(), 1 + grid);
    Ok(())
}

#[test]
fn the_same_seed_draws_the_same() -> Outcome {
    let place = Place::new()?;
    for asked in [
        "homotopy --time 5 --steps 4 --points 1 --seed 9",
        "warm-start --seed 9",
        "boundary --seed 9 --steps 20 --retraining-steps 20",
    ] {
        let folders = ["a", "b"].map(|it| format!("{it}-{}", &asked[..4]));
        for out in &folders {
            data(&place, asked, out)?;
        }
        let [a, b] = folders.map(|it| kept(&place.path().join(it)));
        assert_same(&a?, &b?);
    }
    // The figure of another seed is another.
    let other = data(&place, "warm-start --seed 8", "other")?;
    let same = data(&place, "warm-start --seed 9", "again")?;
    assert_ne!(other, same);
    assert_refused(
        &place,
        "illustrate warm-start --seed 9 --out again",
        &["again holds an earlier run", "--overwrite"],
    )
}

#[test]
fn what_makes_no_sense_is_refused() -> Outcome {
    let place = Place::new()?;
    let cases: [(&str, &[&str]); 8] = [
        ("homotopy --points 20", &["there are 20, counted from 0"]),
        ("homotopy --unit 3", &["`unit` is 3", "there are 3"]),
        ("homotopy --noise -1", &["--noise is -1"]),
        ("homotopy --examples 2", &["`examples` is 2", "at least 3"]),
        ("warm-start --removed 4", &["is 4: there are 4"]),
        ("warm-start --examples 1", &["at least 2"]),
        ("boundary --damping 0", &["--damping is 0", "positive"]),
        ("boundary --overwrite", &["--overwrite", "--out"]),
    ];
    for (asked, words) in cases {
        assert_refused(&place, &format!("illustrate {asked}"), words)?;
    }
    Ok(())
}
