//! Losses that are not the task's own, and weights of classes.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::data::regression;
use crate::place::{Outcome, Place, Run};
use crate::refusals::assert_refused;

/// Two classes that overlap, a training row of the rare one as often as asked.
fn table(times: usize) -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut table = String::from("name,a,b,part,class\n");
    for row in 0..60 {
        let rare = row % 5 == 0;
        let centre = if rare { 0.6 } else { -0.4 };
        let [a, b] = [(); 2].map(|()| centre + rng.random_range(-1.0..1.0_f64));
        let part = if row % 6 == 3 { "test" } else { "train" };
        let (class, times) = match (rare, part) {
            (true, "train") => ("rare", times),
            (true, _) => ("rare", 1),
            (false, _) => ("usual", 1),
        };
        let line = format!("n{row},{a:.4},{b:.4},{part},{class}\n");
        table.push_str(&line.repeat(times));
    }
    table
}

/// The sum of a query's scores over the rows of each name.
fn by_name(run: &Run) -> Result<BTreeMap<String, f64>, Box<dyn Error>> {
    let bytes = run.file("scores.safetensors")?;
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes)?;
    let metadata = header.metadata().as_ref().ok_or("no metadata")?;
    let names: Vec<String> = serde_json::from_str(&metadata["train_ids"])?;
    let mut sums = BTreeMap::new();
    for (name, score) in names.into_iter().zip(&run.scores[0]) {
        *sums.entry(name).or_insert(0.0) += score;
    }
    Ok(sums)
}

/// A weight of 3 does what three copies of an example do, in the network, its curvature, its scores and the response.
#[test]
fn weights_of_classes_are_copies_of_examples() -> Outcome {
    let place = Place::new()?;
    place.write("once.csv", table(1))?;
    place.write("thrice.csv", table(3))?;
    let asked = "--model mlp --hidden 4 --target class --split part --id name --inputs raw --queries 2 --precision f64 --solver direct";
    let weights = "--class-weights rare=3,usual=1";
    // One network, of either command's own training.
    let weighted = place.explain(
        &format!("{asked} --data once.csv {weights} --damping 0.05 --verify none"),
        "weighted",
    )?;
    assert!(
        weighted
            .stdout
            .contains("weights of classes: rare 3, usual 1"),
        "{}",
        weighted.stdout
    );
    assert_eq!(
        weighted.record["settings"]["class_weights"],
        json!([3.0, 1.0])
    );
    let (n, m) = (
        weighted.scores[0].len() as f64,
        by_name(&weighted)?.len() as f64,
    );
    assert_eq!(n, m);
    let rare = table(1)
        .lines()
        .filter(|it| it.ends_with("train,rare"))
        .count() as f64;
    let copies = n + 2.0 * rare;
    // The mean of the copies' losses is N / M of the weighted mean.
    let damping = 0.05 * n / copies;
    let network = "--weights weighted/model.safetensors";
    let command = format!(
        "{asked} --data thrice.csv {network} --class-weights rare=1 --damping {damping:?} --verify none"
    );
    let repeated = place.explain(&command, "repeated")?;
    let (found, expected) = (by_name(&weighted)?, by_name(&repeated)?);
    assert!(repeated.scores[0].len() as f64 == copies);
    let size = expected.values().map(|it| it.abs()).fold(0.0, f64::max);
    for (name, score) in &found {
        let apart = (score - expected[name]).abs();
        assert!(
            apart < 1e-9 * size,
            "{name}: {score} and {}",
            expected[name]
        );
    }
    // Without the option they are those that are kept with the network, and other weights are another run's.
    let again = place.explain(
        &format!("{asked} --data once.csv {network} --damping 0.05 --verify none"),
        "again",
    )?;
    assert!(weighted.difference(&again) < 1e-12);
    let begun = format!(
        "explain {asked} --data once.csv {weights} --damping 0.05 --verify none --out begun"
    );
    place.stop_at(&begun, "begun/run.json")?;
    let other = begun.replace("rare=3", "rare=2");
    let refused = place.backdraft(&other).assert().code(2);
    assert!(String::from_utf8_lossy(&refused.get_output().stderr).contains("class_weights"));
    Ok(())
}

#[test]
fn weighted_networks_go_through_other_commands() -> Outcome {
    let place = Place::new()?;
    place.write("once.csv", table(1))?;
    let asked = "--model lr --data once.csv --target class --split part --ignore name --class-weights balanced";
    let run = place.explain(
        &format!("{asked} --queries 2,4 --precision f64"),
        "explained",
    )?;
    // What scores predict is what the response to a removal does, which has the weights too.
    assert!(
        run.number("/verification/newton/pearson") > 0.99,
        "{}",
        run.record["verification"]
    );
    place
        .backdraft(&format!("audit {asked} --out audited"))
        .assert()
        .success();
    place
        .backdraft(&format!("decompose {asked} --points 2 --out gaps"))
        .assert()
        .success();
    let gaps: Value = serde_json::from_slice(&fs::read(place.path().join("gaps/decompose.json"))?)?;
    assert!(gaps.to_string().contains("class_weights"));
    place
        .backdraft(&format!("perturb {asked} --queries 1 --out perturbed"))
        .assert()
        .success();
    Ok(())
}

#[test]
fn other_losses_are_explained() -> Outcome {
    let place = Place::new()?;
    place.write("concrete.csv", regression())?;
    let asked = "--model lr --data concrete.csv --target strength --queries 1 --precision f64";
    let huber = place.explain(&format!("{asked} --loss huber --huber-delta 0.5"), "huber")?;
    assert!(
        huber
            .stdout
            .contains("loss: Huber's, linear from a residual of 0.5 on"),
        "{}",
        huber.stdout
    );
    assert!(huber.number("/verification/pearson") > 0.99);
    assert_eq!(huber.record["unit"]["loss"], "Huber's loss of `strength`");
    assert_eq!(
        huber.record["settings"]["loss"],
        json!({"huber": {"delta": 0.5}})
    );
    // With the weights comes their loss.
    let again = place.explain(
        &format!("{asked} --weights huber/model.safetensors --verify none"),
        "again",
    )?;
    assert!(huber.difference(&again) < 1e-12);
    let squared = place.explain(&format!("{asked} --loss squared --verify none"), "squared")?;
    let own = place.explain(&format!("{asked} --verify none"), "own")?;
    assert_eq!(squared.scores, own.scores);

    let mut all = Vec::new();
    let counts: String = regression()
        .lines()
        .enumerate()
        .map(|(row, line)| match row {
            0 => line.replace("strength", "visits") + "\n",
            _ => {
                let cells: Vec<&str> = line.split(',').collect();
                let visits = (cells[2].parse::<f64>().unwrap_or(0.0) / 12.0)
                    .abs()
                    .round();
                all.push(visits);
                format!("{},{},{visits},{}\n", cells[0], cells[1], cells[3])
            }
        })
        .collect();
    place.write("visits.csv", counts)?;
    let asked = "--model lr --data visits.csv --target visits --task regression --queries 1 --precision f64";
    let poisson = place.explain(&format!("{asked} --loss poisson"), "poisson")?;
    assert!(poisson.number("/verification/pearson") > 0.99);
    // Better than their mean for everyone.
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    let constant = mean - mean * mean.ln();
    assert!(
        poisson.number("/metrics/train/loss") < constant,
        "{constant}: {}",
        poisson.record["metrics"]
    );
    Ok(())
}

#[test]
fn losses_that_do_not_fit_are_refused() -> Outcome {
    let place = Place::new()?;
    place.write("concrete.csv", regression())?;
    let concrete = "explain --model lr --data concrete.csv --target strength";
    let cancer = "explain --model lr --data cancer";
    assert_refused(
        &place,
        &format!("{cancer} --loss huber"),
        &["--loss huber is for targets that are numbers"],
    )?;
    assert_refused(
        &place,
        "explain --data digits --loss logistic",
        &["--loss logistic is for two classes"],
    )?;
    assert_refused(
        &place,
        &format!("{concrete} --loss cross-entropy"),
        &["--loss cross-entropy is for", "classes"],
    )?;
    assert_refused(
        &place,
        &format!("{concrete} --loss poisson --targets standardised"),
        &["--loss poisson takes counts"],
    )?;
    assert_refused(
        &place,
        &format!("{concrete} --loss squared --huber-delta 2"),
        &["--huber-delta is of --loss huber"],
    )?;
    assert_refused(
        &place,
        &format!("{concrete} --loss huber --huber-delta 0"),
        &["--huber-delta is 0", "positive"],
    )?;
    assert_refused(
        &place,
        &format!("{concrete} --class-weights balanced"),
        &["--class-weights", "a number is predicted"],
    )?;
    assert_refused(
        &place,
        &format!("{cancer} --class-weights benig=2"),
        &["no class `benig`", "malignant, benign"],
    )?;
    assert_refused(
        &place,
        &format!("{cancer} --class-weights benign"),
        &["--class-weights", "no NAME=WEIGHT"],
    )?;
    assert_refused(
        &place,
        &format!("{cancer} --class-weights benign=-1"),
        &["the weight of `benign` is -1"],
    )
}
