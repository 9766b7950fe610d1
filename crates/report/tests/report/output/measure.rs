//! What is measured, in everything that is written of it.

use backdraft_attribution::verify::PairKind;
use backdraft_report::{Float, MeanRecord, Measure, Rise, ScoreRecord, verification_table};
use safetensors::SafeTensors;

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
        mean_over: None,
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
            format!("s {words}, in logits"),
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

/// One row, for the mean over all test examples.
#[test]
fn a_mean_is_one_row_of_no_query() -> Outcome {
    let values = vec![-2.5e-3, 1e-4, 0.0, 1e-4, 7e-3];
    let scores = ScoreRecord::of_mean(vec![0, 1, 2], 5, values, Float::F32)?;
    assert_eq!((scores.rows(), scores.query(0)), (1, None));
    let mut examples = examples(labels());
    examples.measure = examples.measure.mean(3);
    let csv = String::from_utf8(scores.to_csv(&examples, 1)?)?;
    let expected = "query,rank,kind,train,label,score,file,line\n\
                    mean,1,helpful,4,nought,0.007,<b>.csv,6\n\
                    mean,1,harmful,0,nought,-0.0025,<b>.csv,2\n";
    assert_eq!(csv, expected);
    let bytes = scores.to_safetensors(&examples, 0)?;
    let file = SafeTensors::deserialize(&bytes)?;
    assert_eq!(file.tensor("scores")?.shape(), [1, 5]);
    assert_eq!(file.tensor("queries")?.shape(), [3]);
    let (_, header) = SafeTensors::read_metadata(&bytes)?;
    let metadata = header.metadata().clone().unwrap_or_default();
    assert_eq!(metadata.get("mean_over").map(String::as_str), Some("3"));
    assert!(metadata["sign"].contains("change of the mean loss over 3 test examples when"));

    for layout in [pictures(), table()] {
        let mut report = report(layout);
        report.record.measure = Some(Measure::loss(&report.record.unit).mean(1_200));
        let solve = report.record.queries[0].solve.clone();
        report.record.queries.clear();
        report.record.mean = Some(MeanRecord {
            examples: 1_200,
            loss: 0.5,
            measured: None,
            solve,
        });
        report.explained.truncate(1);
        report.explained[0].query = None;
        if let Some(verification) = &mut report.record.verification {
            verification.pairs[0].query = None;
            let shown = verification_table(verification);
            assert!(shown.contains(" mean      4  helpful"), "{shown}");
        }
        let page = report.to_html()?;
        for part in [
            "moved the mean loss of the mlp &lt;script&gt; on 1,200 test examples",
            "The mean over 1,200 test examples",
            "Mean loss 0.5.",
            "without it, the mean loss over 1,200 test examples is predicted to change by +7.00e-3",
            "<td>mean</td>",
        ] {
            assert!(page.contains(part), "{part}");
        }
        assert!(!page.contains("the query, ") && !page.contains(">the query<"));
        report.record.mean = None;
        assert!(report.to_html().is_err());
    }
    let diverged = ScoreRecord::of_mean(vec![0, 1], 1, vec![f64::NAN], Float::F64);
    let said = diverged.err().ok_or("it is no number")?.to_string();
    assert!(
        said.contains("for the mean over the queries is not finite"),
        "{said}"
    );
    Ok(())
}

/// Records of before say nothing of it.
#[test]
fn without_a_word_the_loss_is_measured() {
    let record = record();
    assert_eq!(record.measure, None);
    assert_eq!(record.measure(), Measure::loss(&record.unit));
}
