//! Effects of groups as a record, a table and a report.

use backdraft_attribution::evaluate::{GroupEffect, GroupKind};
use backdraft_report::{
    Record,
    experiment::{Findings, GroupsPointRecord, GroupsRecord},
};
use serde_json::Value;

use super::record::{failed, setup};
use super::{Outcome, page::tags};

/// Two groups of two sizes for each of two kinds; influence is half of every effect, the Newton estimate all of it.
fn record() -> GroupsRecord {
    let effect = |removed: &[usize], actual: [f64; 2]| GroupEffect {
        removed: removed.to_vec(),
        influence: actual.map(|it| 0.5 * it).into(),
        newton: actual.into(),
        actual: actual.into(),
        residual: 1e-9,
        solved: true,
        seconds: [("newton".to_owned(), 0.5)].into(),
    };
    let effects = [
        (GroupKind::Random, effect(&[1, 2], [0.1, -0.2])),
        (GroupKind::Random, effect(&[1, 2, 3, 4], [0.3, -0.5])),
        (GroupKind::Similar, effect(&[0, 2], [-0.1, 0.4])),
        (GroupKind::Similar, effect(&[0, 2, 5, 6], [0.6, 0.7])),
    ];
    let point = GroupsPointRecord::new(0.01, setup(), vec![7, 9], effects, failed());
    GroupsRecord {
        points: vec![point],
        failures: vec![(0.0, "the network <diverged>".into())],
    }
}

#[test]
fn effects_are_summed_up_by_kind_and_size() -> Outcome {
    let record = record();
    let found = &record.points[0].agreements;
    let named: Vec<_> = found
        .iter()
        .map(|it| (it.kind, it.size, it.groups))
        .collect();
    let (random, similar) = (Some(GroupKind::Random), Some(GroupKind::Similar));
    assert_eq!(
        named,
        [
            (None, None, 4),
            (random, None, 2),
            (random, Some(2), 1),
            (random, Some(4), 1),
            (similar, None, 2),
            (similar, Some(2), 1),
            (similar, Some(4), 1),
        ]
    );
    for it in found {
        assert!((it.influence.slope.unwrap_or(0.0) - 0.5).abs() < 1e-12);
        assert!((it.newton.slope.unwrap_or(0.0) - 1.0).abs() < 1e-12);
        assert!((it.influence.spearman.unwrap_or(0.0) - 1.0).abs() < 1e-12);
    }
    let read: GroupsRecord = serde_json::from_slice(&record.to_json()?)?;
    assert_eq!(read, record);
    let json: Value = serde_json::from_slice(&record.to_json()?)?;
    assert_eq!(json["points"][0]["groups"][2]["kind"], "similar");
    Ok(())
}

#[test]
fn they_are_told_as_a_table_a_page_and_rows() -> Outcome {
    let record = record();
    let text = record.to_table();
    assert!(
        text.contains("1 of 2 strengths of the L2 term failed"),
        "{text}"
    );
    assert!(text.contains("1 of 5 removals failed"), "{text}");
    let all = text
        .lines()
        .find(|line| line.trim_start().starts_with("0.01  all"));
    let cells: Vec<&str> = all.unwrap_or_default().split_whitespace().collect();
    assert_eq!(
        cells,
        ["0.01", "all", "all", "4", "1", "1", "0.5", "1", "1", "1"]
    );
    let page = record.to_html("groups")?;
    tags(&page)?;
    for part in [
        "Influence: Spearman 1, slope 0.5",
        "Newton estimate: Spearman 1, slope 1",
        "L2 term 0.01",
        "the network &lt;diverged&gt;",
        "Koh et al. (2019)",
    ] {
        assert!(page.contains(part), "{part} is missing");
    }
    let csv = String::from_utf8(record.to_csv()?)?;
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 9);
    assert_eq!(lines[0], "l2,kind,size,group,query,influence,newton,actual");
    assert_eq!(lines[2], "0.01,random,2,0,9,-0.1,-0.2,-0.2");
    Ok(())
}
