//! What is known of a linear model in closed form, in the files of a run.

use backdraft_attribution::verify::PairKind;
use backdraft_report::{
    ClosedFormAgreement, ClosedFormChange, ClosedFormRecord, ClosedFormTable, closed_form_csv,
};

use super::samples::{examples, labels, report, scores, table};
use super::{Outcome, page::tags};

fn known() -> ClosedFormTable {
    ClosedFormTable {
        exact: true,
        leverage: vec![0.25, 0.5, 1.0, 0.125, 0.125],
        own: vec![
            (0.5, Some(1.0)),
            (0.25, Some(0.5)),
            (0.0, None),
            (0.1, Some(0.2)),
            (0.1, Some(0.2)),
        ],
        diagnostics: vec![(
            "residual",
            vec![Some(1.0), Some(-2.0), None, Some(0.5), Some(0.0)],
        )],
        changes: vec![
            vec![Some(-0.003), Some(2e-4), None, Some(1e-4), Some(0.008)],
            vec![Some(0.0), Some(-1e-5), None, Some(-3e-5), Some(-5e-5)],
        ],
    }
}

fn record() -> ClosedFormRecord {
    let agreement = ClosedFormAgreement {
        query: Some(17),
        pearson: Some(0.9999),
        spearman: Some(1.0),
        slope: Some(1.125),
    };
    let change = |train, kind, score, leave_one_out| ClosedFormChange {
        query: Some(17),
        train,
        kind,
        score,
        leverage: 0.25,
        leave_one_out,
    };
    ClosedFormRecord {
        model: "least squares".into(),
        exact: true,
        l2: 0.001,
        l2_from: "training".into(),
        distance: 2e-8,
        gradient_norm: 1e-9,
        effective_parameters: 2.0,
        most: (2, 1.0),
        alone: vec![2],
        agreement: vec![agreement],
        strongest: vec![
            change(4, PairKind::Helpful, 7e-3, Some(8e-3)),
            change(3, PairKind::Helpful, 1e-4, Some(1e-4)),
            change(0, PairKind::Harmful, -2.5e-3, None),
        ],
    }
}

#[test]
fn it_stands_beside_scores_and_in_a_table_of_its_own() -> Outcome {
    let scores = scores()?.with_closed_form(Some(known()));
    let csv = String::from_utf8(scores.to_csv(&examples(labels()), 1)?)?;
    let expected = "query,rank,kind,train,label,score,file,line,query_file,query_line,leverage,leave_one_out\n\
         17,1,helpful,4,nought,0.007,<b>.csv,6,<b>.csv,119,0.125,0.008\n\
         17,1,harmful,0,nought,-0.0025,<b>.csv,2,<b>.csv,119,0.25,-0.003\n\
         3,1,helpful,0,nought,1e-6,<b>.csv,2,<b>.csv,105,0.25,0.0\n\
         3,1,harmful,4,nought,-4e-5,<b>.csv,6,<b>.csv,105,0.125,-5e-5\n";
    assert_eq!(csv, expected);
    let csv = String::from_utf8(closed_form_csv(&scores, &examples(labels()))?)?;
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 6);
    assert_eq!(
        lines[0],
        "train,label,leverage,residual,self_influence,self_leave_one_out,score_17,leave_one_out_17,score_3,leave_one_out_3,file,line"
    );
    // Nothing is made up of an example that is fitted by itself alone.
    assert!(lines[3].starts_with("2,"), "{}", lines[3]);
    assert!(lines[3].contains(",1.0,,0.0,,0.0,,"), "{}", lines[3]);
    let step = ClosedFormTable {
        exact: false,
        ..known()
    };
    let scores = scores.with_closed_form(Some(step));
    let csv = String::from_utf8(scores.to_csv(&examples(labels()), 1)?)?;
    assert!(
        csv.lines()
            .next()
            .is_some_and(|it| it.ends_with("leverage,one_step"))
    );
    let mut short = known();
    short.changes.pop();
    let scores = scores.with_closed_form(Some(short));
    assert!(closed_form_csv(&scores, &examples(labels())).is_err());
    Ok(())
}

#[test]
fn the_report_and_the_terminal_tell_of_it() -> Outcome {
    let mut report = report(table());
    let before = report.to_html()?;
    assert!(!before.contains("in closed form"));
    report.record.closed_form = Some(record());
    let page = report.to_html()?;
    tags(&page)?;
    for part in [
        "Leaving an example out, in closed form",
        "exact leave-one-out",
        "fitted by itself alone",
        "Least squares with the L2 term 0.001 of the training",
        "aria-label=\"Scores against exact leave-one-out\"",
    ] {
        assert!(page.contains(part), "{part} is missing");
    }
    let expected = "\
query  train  kind        score  leverage  exact leave-one-out
   17      4  helpful  +7.00e-3      0.25             +8.00e-3
   17      0  harmful  -2.50e-3      0.25         fitted alone
query 17: all scores against these: Pearson 0.9999, Spearman 1, slope 1.125
";
    assert_eq!(record().to_table(1), expected);
    Ok(())
}
