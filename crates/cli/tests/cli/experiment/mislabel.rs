//! Wrong labels, and how soon they are found.

use std::fs;

use backdraft::influence::statistics::pearson;
use serde_json::json;

use super::{CANCER, Done, Outcome, Place, indices, numbers};

fn assert_consistent(done: &Done, train: usize, wrong: usize) -> Outcome {
    let listed = fs::read_to_string(done.folder.join("wrong-labels.csv"))?;
    let rows = listed.lines().skip(1).map(|line| line.split(',').next());
    let rows: Vec<u64> = rows
        .map(|row| Ok(row.ok_or("no row")?.parse()?))
        .collect::<Result<_, Box<dyn std::error::Error>>>()?;
    assert_eq!(indices(&done.record["wrong"]), rows);
    assert_eq!(rows.len(), wrong);
    assert_eq!(done.record["failed"], json!([]));
    for (name, scored) in [
        ("influence", true),
        ("pbrf", true),
        ("loss", true),
        ("random", false),
    ] {
        let ranking = &done.record["rankings"][name];
        let order = indices(&ranking["order"]);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..train as u64), "{name}");
        let scores = numbers(&ranking["scores"]);
        assert_eq!(scores.len(), if scored { train } else { 0 });
        assert!(scores.iter().all(|score| score.is_finite()), "{name}");
        if scored {
            let falling = order
                .windows(2)
                .all(|pair| scores[pair[0] as usize] >= scores[pair[1] as usize]);
            assert!(falling, "{name}");
        }
        let found = numbers(&ranking["found"]);
        assert_eq!(found.len(), train);
        assert_eq!(found[train - 1], 1.0);
        for (inspected, (share, example)) in found.iter().zip(&order).enumerate() {
            let before = if inspected > 0 {
                found[inspected - 1]
            } else {
                0.0
            };
            let hit = f64::from(u8::from(rows.contains(example)));
            assert!(
                (share - before - hit / wrong as f64).abs() < 1e-12,
                "{name}"
            );
        }
        let area = ranking["area"].as_f64().ok_or("no area")?;
        assert!((0.0..=1.0).contains(&area), "{name}: {area}");
    }
    assert!(done.report()?.trim_end().ends_with("</html>"));
    assert!(done.stdout.contains("self-influence"), "{}", done.stdout);
    Ok(())
}

#[test]
fn wrong_labels_are_ranked() -> Outcome {
    let place = Place::new()?;
    let done = place.experiment(
        "mislabel --data digits --examples 100 --hidden 8 --epochs 10",
        "out",
    )?;
    assert_consistent(&done, 100, 10)?;
    assert!(done.stdout.contains("10 of 100 training labels made wrong"));
    Ok(())
}

#[test]
fn the_order_at_random_is_the_seeds() -> Outcome {
    let place = Place::new()?;
    let command = format!("mislabel {CANCER} --examples 80");
    let first = place.experiment(&command, "first")?;
    assert_consistent(&first, 80, 8)?;
    // A linear model that fits finds labels that do not: by far more than chance.
    for name in ["influence", "pbrf", "loss"] {
        let area = first.number(&format!("/rankings/{name}/area"));
        assert!(area > 0.7, "{name}: {area}");
    }
    let order = |done: &Done| indices(&done.record["rankings"]["random"]["order"]);
    let damped = place.experiment(&format!("{command} --damping 0.1"), "damped")?;
    assert_eq!(order(&damped), order(&first));
    // Removed, an example is always fitted less; and where the damping holds the response back, by what the first order
    // says.
    let scores = |name: &str| numbers(&damped.record["rankings"][name]["scores"]);
    let (predicted, actual) = (scores("influence"), scores("pbrf"));
    assert!(predicted.iter().chain(&actual).all(|&change| change > 0.0));
    assert!(pearson(&predicted, &actual) > Some(0.99));
    assert_eq!(damped.record["wrong"], first.record["wrong"]);
    let other = place.experiment(&format!("{command} --seed 1"), "other")?;
    assert_ne!(order(&other), order(&first));
    Ok(())
}
