//! Groups of training examples, as tables.

use backdraft_report::{GroupPair, GroupRecord, groups_csv, groups_table};

use super::{
    Outcome,
    samples::{record, report, table},
};

fn groups() -> Vec<GroupRecord> {
    let solve = record().queries[0].solve.clone();
    let pair = |query, predicted, newton, actual| GroupPair {
        query,
        predicted,
        newton,
        actual,
    };
    let group = |name: &str, changes, failed: Option<&str>| GroupRecord {
        name: name.into(),
        examples: 2,
        weight_change: -1.5,
        solve: solve.clone(),
        parameter_change: 0.25,
        changes,
        failed: failed.map(String::from),
    };
    vec![
        group(
            "<b>, one",
            vec![
                pair(Some(17), -2.5e-3, Some(-2.75e-3), Some(-2.8e-3)),
                pair(Some(3), 1e-4, None, None),
            ],
            None,
        ),
        group(
            "all",
            vec![pair(None, 0.5, None, None)],
            Some("it diverged"),
        ),
    ]
}

#[test]
fn groups_are_a_row_a_query() -> Outcome {
    let csv = String::from_utf8(groups_csv(&groups())?)?;
    let expected = "group,examples,weight_change,query,predicted,newton,actual\n\
                    \"<b>, one\",2,-1.5,17,-0.0025,-0.00275,-0.0028\n\
                    \"<b>, one\",2,-1.5,3,0.0001,,\n\
                    all,2,-1.5,mean,0.5,,\n";
    assert_eq!(csv, expected);
    let shown = groups_table(&groups());
    assert!(
        shown.contains("<b>, one         2           -1.5     17   -2.50e-3  -2.75e-3  -2.80e-3"),
        "{shown}"
    );
    assert!(
        shown.ends_with("no response to group all: it diverged\n"),
        "{shown}"
    );

    let mut report = report(table());
    assert!(!report.to_html()?.contains("Groups of training examples"));
    report.record.groups = groups();
    let page = report.to_html()?;
    for part in [
        "Groups of training examples",
        "<td>&lt;b&gt;, one</td>",
        "<td>-2.75e-3</td>",
        "No response to group all: it diverged.",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let text = serde_json::to_string(&report.record)?;
    let read: backdraft_report::RunRecord = serde_json::from_str(&text)?;
    assert_eq!(read.groups, report.record.groups);
    Ok(())
}
