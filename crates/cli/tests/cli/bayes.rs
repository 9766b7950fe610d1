//! `backdraft bayes` end to end.

use std::error::Error;
use std::fs;

use backdraft_report::Report;
use backdraft_report::bayes::BayesRecord;
use safetensors::SafeTensors;

use crate::place::{Outcome, Place};
use crate::refusals::assert_refused;
use crate::stops::{assert_same, kept};

/// Logistic regression on the embedded cancer data, trained to its minimum.
const CANCER: &str = "bayes --model lr --data cancer --inputs standardised";

fn record(place: &Place, out: &str) -> Result<BayesRecord, Box<dyn Error>> {
    let json = fs::read(place.path().join(out).join("run.json"))?;
    Ok(serde_json::from_slice(&json)?)
}

/// A table of 32-bit numbers of `scores.safetensors` or another file, and its shape.
fn numbers(
    place: &Place,
    file: &str,
    name: &str,
) -> Result<(Vec<usize>, Vec<f32>), Box<dyn Error>> {
    let bytes = fs::read(place.path().join(file))?;
    let file = SafeTensors::deserialize(&bytes)?;
    let tensor = file.tensor(name)?;
    let (numbers, _) = tensor.data().as_chunks();
    let numbers = numbers.iter().map(|it| f32::from_le_bytes(*it)).collect();
    Ok((tensor.shape().to_vec(), numbers))
}

/// A cold posterior and influence with the matched damping say the same.
#[test]
fn scores_stand_beside_influence_with_the_matched_damping() -> Outcome {
    let place = Place::new()?;
    let asked = "--queries 3,17 --inverse-temperature 1e5 --damping 0.1 --draws 400 --burn-in 100";
    let done = place
        .backdraft(&format!("{CANCER} {asked} --out out"))
        .assert()
        .success();
    let said = String::from_utf8(done.get_output().stdout.clone())?;
    assert!(said.contains("matched damping 0.1"), "{said}");
    assert!(
        said.contains("training loss") && said.contains("R-hat"),
        "{said}"
    );
    let record = record(&place, "out")?;
    let sampling = &record.sampling;
    assert_eq!(
        (sampling.chains, sampling.draws, sampling.burn_in),
        (4, 400, 100)
    );
    assert!((sampling.localisation - 1e4).abs() < 1e-6);
    assert!(
        record
            .settings
            .damping
            .is_some_and(|it| (it - 0.1).abs() < 1e-12)
    );
    assert_eq!(record.rows.len(), 2);
    // As narrow as this, the posterior's mean loss is that of the weights but for a few parameters over 1e5.
    let apart = sampling.mean_loss - sampling.loss_at_weights;
    assert!(apart > 0.0 && apart < 1e-3, "{apart}");
    for row in &record.rows {
        let beside = row.influence.as_ref().ok_or("no influence")?;
        assert!(beside.solve.converged);
        assert!(beside.pearson.is_some_and(|it| it > 0.9), "{beside:?}");
        assert!(
            beside.slope.is_some_and(|it| (it - 1.0).abs() < 0.2),
            "{beside:?}"
        );
        assert!(
            row.told_apart > 0.2 && row.convergence.r_hat.is_some(),
            "{row:?}"
        );
    }
    let (shape, scores) = numbers(&place, "out/scores.safetensors", "scores")?;
    let (of_errors, errors) = numbers(&place, "out/scores.safetensors", "standard_errors")?;
    let (of_influence, influence) = numbers(&place, "out/influence.safetensors", "scores")?;
    assert_eq!((&shape, &shape), (&of_errors, &of_influence));
    assert_eq!(shape, [2, record.sizes.train]);
    let beyond = scores.iter().zip(&influence).zip(&errors);
    let beyond = beyond.filter(|((a, b), error)| (**a - **b).abs() > 4.0 * **error);
    assert!(beyond.count() * 50 < scores.len());
    let top = fs::read_to_string(place.path().join("out/top.csv"))?;
    let head = top.lines().next().unwrap_or_default();
    assert!(head.ends_with("standard_error"), "{head}");
    let diagnostics = fs::read_to_string(place.path().join("out/diagnostics.csv"))?;
    let firsts: Vec<&str> = diagnostics
        .lines()
        .filter_map(|it| it.split(',').next())
        .collect();
    assert_eq!(firsts, ["quantity", "training loss", "3", "17"]);
    let bytes = fs::read(place.path().join("out/traces.safetensors"))?;
    let traces = SafeTensors::deserialize(&bytes)?;
    assert_eq!(traces.tensor("losses")?.shape(), [4, 400]);
    assert_eq!(traces.tensor("measured")?.shape(), [2, 4, 400]);
    let report = fs::read_to_string(place.path().join("out").join(Report::FILE))?;
    assert!(report.contains("R-hat") && report.trim_end().ends_with("</html>"));
    Ok(())
}

#[test]
fn the_mean_of_a_measurement_is_sampled_without_any_system() -> Outcome {
    let place = Place::new()?;
    let asked = "--queries all --measure margin --compare none --draws 32 --burn-in 8 --chains 2 --localisation 50";
    let done = place
        .backdraft(&format!("{CANCER} {asked} --out out"))
        .assert()
        .success();
    let output = done.get_output();
    let warned = String::from_utf8(output.stderr.clone())?;
    // So few draws are not enough, which is said.
    assert!(warned.contains("have not mixed well"), "{warned}");
    let record = record(&place, "out")?;
    assert!(!record.sampling.mixed && record.verdict().contains("NOT mixed"));
    let [row] = record.rows.as_slice() else {
        return Err("a row for the mean".into());
    };
    assert_eq!((row.index, row.influence.is_none()), (None, true));
    assert_eq!(record.settings.solver, None);
    let nbeta = record.sampling.inverse_temperature;
    assert_eq!(nbeta, record.sizes.train as f64);
    assert!(
        record
            .settings
            .damping
            .is_some_and(|it| (it - 50.0 / nbeta).abs() < 1e-12)
    );
    assert!(!place.path().join("out/influence.safetensors").exists());
    Ok(())
}

/// Stopped where a file cannot be written, a chain among them, a run goes on to the same bits.
#[test]
fn a_stopped_run_goes_on_to_the_same_bits() -> Outcome {
    let command = format!(
        "{CANCER} --queries 7 --draws 24 --burn-in 5 --chains 2 --batch 30 --checkpoint-every 0 --seed 5"
    );
    let command = format!("{command} --out out");
    let whole = Place::new()?;
    whole.backdraft(&command).assert().success();
    let expected = kept(&whole.path().join("out"))?;
    let place = Place::new()?;
    let out = place.path().join("out");
    for file in ["out/run.json", "out/parts/solution-0.safetensors"] {
        place.stop_at(&command, file)?;
    }
    // The chains are there, each under a digest of what it is of.
    let mut chains = Vec::new();
    for entry in fs::read_dir(out.join("parts"))? {
        let name = entry?.file_name().into_string().map_err(|_| "a name")?;
        chains.extend(
            name.starts_with("bayes-")
                .then(|| format!("out/parts/{name}")),
        );
    }
    chains.sort();
    assert_eq!(chains.len(), 2);
    let parts = Place::new()?;
    parts.stop_at(&command, "out/run.json")?;
    for file in chains
        .iter()
        .map(String::as_str)
        .chain(["out/scores.safetensors", "out/report.html"])
    {
        parts.stop_at(&command, file)?;
        assert!(!parts.path().join("out/run.json").exists(), "{file}");
    }
    for place in [place, parts] {
        place.backdraft(&command).assert().success();
        assert_same(&kept(&place.path().join("out"))?, &expected);
    }
    Ok(())
}

#[test]
fn steps_that_are_too_long_are_told_of() -> Outcome {
    let place = Place::new()?;
    let command = format!("{CANCER} --step-size 1000 --draws 16 --out out");
    let done = place.backdraft(&command).assert().failure().code(1);
    let said = String::from_utf8(done.get_output().stderr.clone())?;
    assert!(said.contains("diverged") && said.contains("try"), "{said}");
    Ok(())
}

#[test]
fn what_makes_no_sense_is_refused() -> Outcome {
    let place = Place::new()?;
    for (options, problem) in [
        ("--chains 0", "--chains"),
        ("--draws 1", "at least 16"),
        ("--draws 0", "--draws"),
        ("--thinning 0", "--thinning"),
        ("--burn-in -1", "--burn-in"),
        ("--burn-in 99999999999999", "--burn-in"),
        ("--step-size 0", "--step-size"),
        ("--step-size -0.1", "--step-size"),
        ("--step-size nan", "--step-size"),
        ("--localisation 0", "--localisation"),
        ("--localisation 1e-60", "--localisation"),
        ("--inverse-temperature inf", "--inverse-temperature"),
        ("--damping 0", "--damping"),
        ("--damping 0.1,0.2", "one posterior"),
        ("--batch 0", "--batch"),
        ("--queries 9999", "9999"),
        ("--measure output:0", "--measure"),
    ] {
        assert_refused(&place, &format!("{CANCER} {options} --out out"), &[problem])?;
    }
    Ok(())
}
