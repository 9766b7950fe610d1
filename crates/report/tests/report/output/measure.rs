//! What is measured, in everything that is written of it.

use backdraft_attribution::verify::PairKind;
use backdraft_report::{Measure, Rise, verification_table};

use super::{
    Outcome,
    samples::{examples, labels, pictures, record, report, scores, table},
};

fn measure(rise: Rise) -> Measure {
    Measure {
        name: "margin".into(),
        words: "margin of its own <class>".into(),
        unit: "logits".into(),
        factor: 1.0,
        rise,
    }
}

/// What a positive score means turns over with what a rise means, and the scores stay as they are.
#[test]
fn tables_say_what_signs_mean() -> Outcome {
    for (rise, positive, negative) in [
        (Rise::Worse, "helpful", "harmful"),
        (Rise::Better, "harmful", "helpful"),
        (Rise::Neither, "lowering", "raising"),
    ] {
        let mut examples = examples(labels());
        examples.measure = measure(rise);
        let csv = String::from_utf8(scores()?.to_csv(&examples, 1)?)?;
        assert!(
            csv.contains(&format!("17,1,{positive},4,nought,0.007,")),
            "{csv}"
        );
        assert!(
            csv.contains(&format!("17,1,{negative},0,nought,-0.0025,")),
            "{csv}"
        );
        assert_eq!(
            examples.measure.kinds().map(PairKind::name),
            [positive, negative]
        );
    }
    let sign = measure(Rise::Better).sign();
    assert!(sign.contains("value(without) - value(with)"), "{sign}");
    assert!(
        sign.contains("raises the margin of its own <class>, it harmed"),
        "{sign}"
    );
    let told = measure(Rise::Neither).told();
    assert!(
        told.contains("in logits; a training example with a positive score lowers it"),
        "{told}"
    );
    Ok(())
}

#[test]
fn reports_say_what_is_measured() -> Outcome {
    let words = "margin of its own &lt;class&gt;";
    for layout in [pictures(), table()] {
        let mut report = report(layout);
        report.record.measure = Some(measure(Rise::Better));
        report.record.queries[0].measured = Some(-1.25);
        let page = report.to_html()?;
        for part in [
            format!(
                "Training example 0 (&lt;b&gt;.csv line 2) helped most: without it, the {words} on test example 17"
            ),
            format!("moved the {words} of the mlp"),
            format!("the {words}, in logits"),
            format!(", {words} -1.25."),
            format!("Positive: removing the example raises the {words}, so the example harmed."),
            format!("predicted change of {words}"),
        ] {
            assert!(page.contains(&part), "{part}");
        }
        assert!(!page.contains("Losses and scores"));
    }
    let mut report = report(pictures());
    report.record.measure = Some(measure(Rise::Neither));
    let page = report.to_html()?;
    assert!(page.contains("Who raised it, who lowered it"));
    assert!(page.contains(&format!("Lowered it most: removing it raises the {words}")));
    assert!(page.contains("● raising") && page.contains("▲ lowering"));

    let mut verification = record().verification.ok_or("no verification")?;
    verification.pairs[0].kind = PairKind::Lowering;
    assert!(verification_table(&verification).contains("   17      4  lowering   +7.00e-3"));
    Ok(())
}

/// Records of before say nothing of it.
#[test]
fn without_a_word_the_loss_is_measured() {
    let record = record();
    assert_eq!(record.measure, None);
    assert_eq!(record.measure(), Measure::loss(&record.unit));
}
