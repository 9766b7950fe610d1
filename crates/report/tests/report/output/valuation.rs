//! What training examples are worth: the record, the table, the file and the report.

use backdraft_report::{
    Example, Layout, OutputError, TargetValue,
    valuation::{
        CurveRecord, FoundLabels, MeasuredPerformance, MethodRecord, Player, RandomRecord,
        ValuationRecord, ValuationReport, ValueAgreement, ValueColumn, ends, valuation_table,
        values_csv,
    },
};

use super::{
    Outcome,
    page::check,
    samples::{labels, pictures, place, record, table},
};

fn columns() -> Vec<ValueColumn> {
    vec![
        ValueColumn {
            name: "tmc".into(),
            values: vec![0.25, -0.5, 0.0],
            standard_errors: Some(vec![0.125, 0.0625, 0.5]),
        },
        ValueColumn {
            name: "influence".into(),
            values: vec![1e-3, 2e-3, -3e-3],
            standard_errors: None,
        },
    ]
}

fn players() -> Vec<Player> {
    let player = |train: usize, class| Player {
        name: train.to_string(),
        examples: 1,
        label: Some(TargetValue::Class(class)),
        source: Some(place(train)),
        wrong: usize::from(train == 1),
    };
    vec![player(0, 0), player(1, 1), player(2, 0)]
}

fn valued() -> ValuationRecord {
    let curve = |by: &str| CurveRecord {
        by: by.into(),
        removed: vec![0, 2, 3],
        highest_first: vec![1.0, 0.25, 0.25],
        lowest_first: vec![1.0, 0.5, 0.25],
    };
    let found = |by: &str, area| FoundLabels {
        by: by.into(),
        found: vec![1.0, 1.0, 1.0],
        area,
        found_at_fifth: 1.0,
    };
    ValuationRecord {
        run: record(),
        performance: MeasuredPerformance {
            name: "accuracy".into(),
            unit: "a share".into(),
            measured: 8,
            held_out: 7,
            trained: "trained <b>anew</b>".into(),
            empty: "nobody".into(),
        },
        players: 3,
        grouped: false,
        methods: vec![
            MethodRecord {
                name: "tmc".into(),
                words: "truncated Monte-Carlo".into(),
                empty: Some(0.5),
                all: Some(0.25),
                sum: -0.25,
                standard_error: Some(0.125),
                permutations: Some(120),
                converged: Some(false),
                convergence: vec![(110, None), (120, Some(0.125))],
                looked_at: Some(300),
                ..MethodRecord::default()
            },
            MethodRecord {
                name: "influence".into(),
                words: "predicted".into(),
                ..MethodRecord::default()
            },
        ],
        agreement: vec![ValueAgreement {
            a: "tmc".into(),
            b: "influence".into(),
            pearson: Some(0.5),
            spearman: None,
        }],
        curves: vec![curve("tmc"), curve("influence")],
        random: RandomRecord {
            orders: 2,
            removed: vec![0, 2, 3],
            mean: vec![1.0, 0.5, 0.0],
            std: vec![0.0, 0.25, 0.0],
        },
        found: vec![found("tmc", 0.75), found("random", 0.5)],
        wrong: 1,
    }
}

fn shown(layout: Layout, width: usize) -> ValuationReport {
    let example = |index: usize| Example {
        index,
        source: place(index),
        label: TargetValue::Class(0),
        features: vec![0.5; width],
    };
    ValuationReport {
        title: "a <run>".into(),
        record: valued(),
        labels: labels(),
        layout,
        players: players(),
        columns: columns(),
        examples: (0..3).map(example).collect(),
    }
}

#[test]
fn the_file_has_a_row_a_player() -> Outcome {
    let bytes = values_csv(&players(), &columns(), &labels())?;
    let text = String::from_utf8(bytes)?;
    let lines: Vec<&str> = text.lines().collect();
    let head = "player,examples,label,wrong,tmc,tmc_standard_error,influence,file";
    assert!(lines[0].starts_with(head), "{text}");
    assert_eq!(lines.len(), 4);
    assert!(lines[2].starts_with("1,1,"), "{text}");
    assert!(lines[2].contains(",1,-0.5,0.0625,0.002,"), "{text}");
    let mut short = columns();
    short[1].values.pop();
    let refused = values_csv(&players(), &short, &labels());
    assert!(matches!(refused, Err(OutputError::Length { .. })));
    Ok(())
}

#[test]
fn groups_have_no_place() -> Outcome {
    let group = |name: &str| Player {
        name: name.into(),
        examples: 4,
        label: None,
        source: None,
        wrong: 2,
    };
    let groups = ["a,b", "c", "d"].map(group);
    let text = String::from_utf8(values_csv(&groups, &columns(), &labels())?)?;
    assert!(!text.contains("file"), "{text}");
    assert!(text.contains("\n\"a,b\",4,,2,0.25,"), "{text}");
    Ok(())
}

#[test]
fn the_terminal_tells_how_far_values_came() {
    let table = valuation_table(&valued());
    for part in [
        "truncated Monte-Carlo, 120 permutations, 2.5 players looked at in each, changing by 0.125 yet",
        "removed by",
        "wrong labels by",
        "random",
    ] {
        assert!(table.contains(part), "{part}: {table}");
    }
    let mut converged = valued();
    converged.methods[0].converged = Some(true);
    converged.found.clear();
    let table = valuation_table(&converged);
    assert!(
        table.contains("converged") && !table.contains("wrong"),
        "{table}"
    );
}

#[test]
fn the_ends_are_those_of_the_values() {
    assert_eq!(ends(&[0.25, -0.5, 0.0]), [vec![0, 2, 1], vec![1, 2, 0]]);
    let many: Vec<f64> = (0..50).map(f64::from).collect();
    let [highest, lowest] = ends(&many);
    assert_eq!(
        (highest[0], lowest[0], highest.len(), lowest.len()),
        (49, 0, 10, 10)
    );
}

#[test]
fn the_report_shows_values_and_escapes_what_it_is_told() -> Outcome {
    for (layout, width) in [(pictures(), 4), (table(), 2)] {
        let page = shown(layout, width).to_html()?;
        check(&page)?;
        for part in [
            "a &lt;run&gt;",
            "trained &lt;b&gt;anew&lt;/b&gt;",
            "By tmc, 1 of 3 players have a negative value.",
            "made wrong",
            "-5.00e-1 ± 0.0625",
            "How soon labels that were made wrong are found",
        ] {
            assert!(page.contains(part), "{part}");
        }
    }
    let mut broken = shown(table(), 2);
    broken.columns[0].values.pop();
    assert!(matches!(broken.to_html(), Err(OutputError::Length { .. })));
    Ok(())
}
