//! `backdraft compare`.

use predicates::prelude::*;
use predicates::str::{contains, starts_with};
use serde_json::Value;

use crate::place::{Outcome, Place};
use crate::refusals::assert_refused;

const QUANTITIES: [&str; 10] = [
    "outputs", "losses", "gradient", "jvp", "gnvp", "hvp", "solution", "scores", "lissa", "pbrf",
];

/// A device is no further from itself than nothing, and 16 bits are further from 32 than rounding in those explains.
#[test]
fn devices_and_products_are_compared() -> Outcome {
    let place = Place::new()?;
    let arguments = "compare --devices flex,flex,flex:bf16 --models lr,mlp --seed 3";
    let done = place
        .backdraft(&format!("{arguments} --json"))
        .assert()
        .success();
    let text = String::from_utf8(done.get_output().stdout.clone())?;
    let lines = text.lines().map(serde_json::from_str::<Value>);
    let lines = lines.collect::<Result<Vec<_>, _>>()?;
    assert_eq!(lines.len(), 2 * 2 * QUANTITIES.len());
    for (model, lines) in ["lr", "mlp"].iter().zip(lines.chunks(2 * QUANTITIES.len())) {
        for (quantity, pair) in QUANTITIES.iter().zip(lines.chunks(2)) {
            for (line, device) in pair.iter().zip(["flex", "flex:bf16"]) {
                assert_eq!(line["model"], *model);
                assert_eq!(line["quantity"], *quantity);
                assert_eq!(line["device"], device);
                assert_eq!(line["reference"], "flex");
                assert_eq!(line["seed"], 3);
            }
            assert_eq!(pair[0]["error"], 0.0, "{quantity}");
            assert!(pair[0]["bound"].as_f64() <= Some(1e-3));
            let error = pair[1]["error"].as_f64().unwrap_or(f64::NAN);
            assert!(
                error > 1e-4 && error < 0.1,
                "{model} {quantity} in bf16: {error}"
            );
            assert!(pair[1]["bound"].is_null());
        }
    }
    let table = place.backdraft(arguments).assert().success().stderr("");
    table
        .stdout(starts_with("relative errors against flex, seed 3\n"))
        .stdout(contains("model  quantity").and(contains("flex:bf16")))
        .stdout(contains("mlp    pbrf"));
    assert!(place.contents()?.is_empty());
    Ok(())
}

#[test]
fn what_cannot_be_compared_is_refused() -> Outcome {
    let place = Place::new()?;
    let cases: [(&str, &[&str]); 2] = [
        ("--devices flex", &["--devices needs two", "there is 1"]),
        ("--models cnn", &["no model `cnn`"]),
    ];
    for (arguments, parts) in cases {
        assert_refused(&place, &format!("compare {arguments}"), parts)?;
    }
    Ok(())
}
