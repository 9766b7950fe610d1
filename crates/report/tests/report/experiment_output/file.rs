//! Records as JSON.

use backdraft_attribution::evaluate::{RankBy, Spread};
use backdraft_report::Record;
use backdraft_report::experiment::{
    CorrelationsRecord, DecompositionRecord, MislabelRecord, SweepRecord,
};
use serde_json::{Value, json};

use super::Outcome;
use super::record::{correlations, decomposition, mislabel, odd, sweep};

#[test]
fn json_has_its_values_at_their_paths() -> Outcome {
    let decomposition = decomposition();
    let json: Value = serde_json::from_slice(&decomposition.to_json()?)?;
    assert_eq!(
        json.pointer("/gaps/warm_start/mean"),
        Some(&json!(decomposition.gaps.warm_start.mean))
    );
    for (name, gap) in decomposition.gaps.iter() {
        assert_eq!(json["gaps"][name.key]["std"], json!(gap.std));
        assert_eq!(
            json["points"][0]["gaps"][name.key],
            json!(
                decomposition.points[0]
                    .gaps
                    .iter()
                    .find(|it| it.0 == name)
                    .map(|it| it.1)
            )
        );
    }
    assert_eq!(
        json.pointer("/paper/non_convergence/std"),
        Some(&json!(0.745))
    );
    assert_eq!(json["paper_table"], json!(5));
    assert_eq!(json.pointer("/setup/depth"), Some(&json!(5000)));
    assert_eq!(json.pointer("/failed/0/stage"), Some(&json!("pbrf")));

    let correlations = correlations();
    let json: Value = serde_json::from_slice(&correlations.to_json()?)?;
    for (name, found) in correlations.correlations.iter() {
        let at = &json["correlations"][name.key];
        assert_eq!(
            at.get("pearson"),
            Some(&json!(found.pearson)),
            "{}",
            name.key
        );
        assert_eq!(
            at.get("spearman"),
            Some(&json!(found.spearman)),
            "{}",
            name.key
        );
    }
    assert_eq!(
        json["paper"]["pbrf"],
        json!({"pearson": 0.98, "spearman": 0.99, "table": 2})
    );
    assert_eq!(
        json.pointer("/points/1/responses/cold_start"),
        Some(&json!([]))
    );

    let json: Value = serde_json::from_slice(&sweep().to_json()?)?;
    assert_eq!(json["over"], json!("width"));
    assert_eq!(
        json.pointer("/points/0/failure"),
        Some(&json!("training diverged"))
    );
    assert!(
        json.pointer("/points/1/decomposition/gaps/solver/mean")
            .is_some_and(Value::is_f64)
    );

    let json: Value = serde_json::from_slice(&mislabel().to_json()?)?;
    assert_eq!(
        json.pointer("/rankings/influence/scores/3"),
        Some(&Value::Null)
    );
    assert_eq!(
        json.pointer("/rankings/pbrf/found_at_fifth"),
        Some(&json!(0.5))
    );
    assert_eq!(json["wrong"], json!([2, 7]));
    Ok(())
}

#[test]
fn records_come_back_from_json() -> Outcome {
    // These numbers are short; the last bit of longer ones is the next test's.
    let read: DecompositionRecord = serde_json::from_slice(&decomposition().to_json()?)?;
    assert_eq!(read.points, decomposition().points);
    let read: SweepRecord = serde_json::from_slice(&sweep().to_json()?)?;
    assert_eq!(read.points[0], sweep().points[0]);
    let read: CorrelationsRecord = serde_json::from_slice(&correlations().to_json()?)?;
    assert_eq!(
        (&read.setup, &read.points),
        (&correlations().setup, &correlations().points)
    );

    let read: MislabelRecord = serde_json::from_slice(&mislabel().to_json()?)?;
    assert!(read.rankings[&RankBy::Influence].scores[3].is_none());
    assert_eq!(
        read.rankings[&RankBy::Influence].order,
        mislabel().rankings[&RankBy::Influence].order
    );
    assert_eq!(
        read.rankings[&RankBy::Random],
        mislabel().rankings[&RankBy::Random]
    );

    let (decompositions, correlations, sweeps, mislabels) = odd();
    for record in decompositions {
        serde_json::from_slice::<DecompositionRecord>(&record.to_json()?)?;
    }
    for record in correlations {
        serde_json::from_slice::<CorrelationsRecord>(&record.to_json()?)?;
    }
    for mut record in sweeps {
        // A value itself is always a number.
        record.points.retain(|point| point.value.is_finite());
        serde_json::from_slice::<SweepRecord>(&record.to_json()?)?;
    }
    for record in mislabels {
        serde_json::from_slice::<MislabelRecord>(&record.to_json()?)?;
    }
    Ok(())
}

#[test]
fn every_digit_is_written() -> Outcome {
    let mut bits = 0x9E37_79B9_7F4A_7C15u64;
    for _ in 0..2000 {
        bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        // 2^-64 .. 2^64.
        let exponent = 1023 - 64 + (bits >> 57);
        let value = f64::from_bits(exponent << 52 | bits & ((1 << 52) - 1));
        let spread = Spread {
            mean: value,
            std: 0.0,
        };
        let text = serde_json::to_string(&spread)?;
        let digits = text.split([':', ',']).nth(1).ok_or("no number")?;
        assert_eq!(digits.parse::<f64>()?, value, "{text}");
        // serde_json reads with the rounding of two operations.
        let read: Spread = serde_json::from_str(&text)?;
        assert!(
            (read.mean - value).abs() <= 2.0 * f64::EPSILON * value,
            "{text}"
        );
    }
    Ok(())
}
