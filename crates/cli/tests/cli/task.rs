//! What a target is taken for: classes of one logit or of two, or numbers.

use std::error::Error;
use std::fs;

use predicates::str::contains;
use safetensors::{SafeTensors, serialize};
use serde_json::{Value, json};

use crate::inputs::{place, train};
use crate::place::Outcome;
use crate::refusals::assert_refused;

#[test]
fn two_logits_for_two_classes_are_softmax() -> Outcome {
    let place = place()?;
    let data = "--model lr --data table.csv --target ill";
    let trained = train(&place, data, "one")?;
    // Logits of -z/2 and z/2 say what a logit of z for the second class does.
    let bytes = fs::read(place.path().join("one/last.safetensors"))?;
    let file = SafeTensors::deserialize(&bytes)?;
    let mut halves = Vec::new();
    for name in ["linear.weight", "linear.bias"] {
        let tensor = file.tensor(name)?;
        let (numbers, _) = tensor.data().as_chunks();
        let half = |sign: f32| {
            numbers
                .iter()
                .map(move |it| sign * 0.5 * f32::from_le_bytes(*it))
        };
        let both: Vec<u8> = half(-1.0)
            .chain(half(1.0))
            .flat_map(f32::to_le_bytes)
            .collect();
        let shape = [&[2], &tensor.shape()[1..]].concat();
        halves.push((name, safetensors::Dtype::F32, shape, both));
    }
    let views = halves.iter().map(|(name, dtype, shape, bytes)| {
        let view = safetensors::tensor::TensorView::new(*dtype, shape.clone(), bytes);
        Ok((*name, view?))
    });
    let views = views.collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    place.write("two.safetensors", serialize(views, None)?)?;

    let queries = "--queries 0,5 --damping 0.1";
    let one = place.explain(
        &format!("{data} --weights one/last.safetensors {queries}"),
        "a",
    )?;
    let two = place.explain(&format!("{data} --weights two.safetensors {queries}"), "b")?;
    assert!(
        two.stdout.contains("a logit for each of the two classes"),
        "{}",
        two.stdout
    );
    for path in [
        "/metrics/train/loss",
        "/metrics/test/loss",
        "/metrics/train/accuracy",
    ] {
        let (one, two) = (one.number(path), two.number(path));
        assert!((one - two).abs() < 1e-6, "{path}: {one} {two}");
    }
    assert_eq!(
        one.record["metrics"]["train"]["accuracy"],
        trained["results"]["train"]["accuracy"]
    );
    let network = &two.record["settings"]["network"];
    assert!(network.to_string().contains(r#""outputs":2"#), "{network}");
    assert_eq!(two.record["settings"]["classes"], json!(["0", "1"]));
    // Named by the option it is the same, and such a network can be trained too.
    train(&place, &format!("{data} --two-logits"), "trained")?;
    let again = format!("{data} --two-logits --weights two.safetensors {queries}");
    assert_eq!(place.explain(&again, "c")?.scores, two.scores);
    assert_refused(
        &place,
        "explain --data digits --two-logits",
        &["--two-logits is for two classes", "digits"],
    )?;
    // What fits neither is told as what fits one.
    place
        .backdraft("explain --model lr --data digits --weights two.safetensors")
        .assert()
        .code(2)
        .stderr(contains("do not fit"));
    Ok(())
}

#[test]
fn the_task_can_be_told() -> Outcome {
    let place = place()?;
    let run = place.explain(
        "--model lr --data table.csv --target ill --task regression",
        "a",
    )?;
    assert!(
        run.stdout
            .contains("`ill` is a number: regression, as asked for")
    );
    assert_eq!(run.record["metrics"]["train"]["accuracy"], Value::Null);
    let text = "x,y\n1,none\n2,0.5\n3,none\n4,0.5\n5,none\n6,0.5\n7,none\n8,0.5\n9,none\n10,0.5\n";
    place.write("names.csv", text)?;
    let run = place.explain(
        "--model lr --data names.csv --target y --task classification",
        "b",
    )?;
    assert_eq!(run.record["settings"]["classes"], json!(["0.5", "none"]));
    assert_refused(
        &place,
        "explain --data cancer --targets raw",
        &["targets are classes"],
    )?;
    assert_refused(
        &place,
        "explain --data table.csv --target ill --std 1,0,1",
        &["--std has 0"],
    )?;
    assert_refused(
        &place,
        "explain --data table.csv --target ill --mean -1,2 --std 1,2,3",
        &["--mean has 2 number(s), --std has 3"],
    )
}
