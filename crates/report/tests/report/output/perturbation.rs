//! Changed training examples: the record, the table, the file and the report.

use std::io;

use backdraft_report::{
    Example, Layout, OutputError, TargetValue,
    perturbation::{
        ChangeAgreement, ChangeKind, ChangeOutcome, ChangeRecord, LabelChange, MovedExample,
        PerturbationRecord, PerturbationReport, perturbation_table, perturbations_csv,
    },
};

use super::{
    Outcome,
    page::check,
    samples::{labels, pictures, place, record, table},
};

/// A moved input and another label for the first query, a label whose response failed for the second.
fn changes() -> Vec<ChangeRecord> {
    let change = |query, kind, train, to: Option<i64>, predicted| ChangeRecord {
        query,
        rank: 1,
        kind,
        train,
        source: place(train),
        label: LabelChange {
            label: TargetValue::Class(0),
            to: to.map(TargetValue::Class),
        },
        predicted,
        first_order: None,
        response: None,
        retrained: None,
    };
    vec![
        ChangeRecord {
            first_order: Some(-0.25),
            response: Some(ChangeOutcome::Found(-0.125)),
            ..change(17, ChangeKind::Inputs, 4, None, -0.5)
        },
        ChangeRecord {
            retrained: Some(ChangeOutcome::Found(-2.0)),
            ..change(17, ChangeKind::Label, 0, Some(1), -1.0)
        },
        ChangeRecord {
            response: Some(ChangeOutcome::Failed("<b>no minimum</b>".into())),
            ..change(3, ChangeKind::Label, 2, Some(1), -0.75)
        },
    ]
}

fn perturbed() -> PerturbationRecord {
    let agreement = |kind, changes, failed| ChangeAgreement {
        kind,
        pearson: None,
        spearman: None,
        slope: Some(0.25),
        changes,
        failed,
    };
    PerturbationRecord {
        run: record(),
        changes: changes(),
        response: vec![
            agreement(ChangeKind::Inputs, 1, 0),
            agreement(ChangeKind::Label, 0, 1),
        ],
        retraining: vec![],
    }
}

fn report(layout: Layout) -> PerturbationReport {
    let example = |index| Example {
        index,
        source: place(index),
        label: TargetValue::Class(0),
        features: vec![0.0, 1.0, 2.0, 0.5],
    };
    PerturbationReport {
        title: "</title><script>alert(1)</script>".into(),
        record: perturbed(),
        labels: labels(),
        layout,
        queries: vec![example(17), example(3)],
        moved: vec![MovedExample {
            example: example(4),
            moved: vec![0.1, 1.0, 1.9, 0.5],
            gradient: vec![-4.0, 0.0, 2.0, 1.0],
            parts: vec![-0.2, 0.0, -0.05, 0.0],
        }],
    }
}

#[test]
fn a_record_comes_back_as_it_was() -> Outcome {
    let json = serde_json::to_string(&perturbed())?;
    assert_eq!(
        serde_json::from_str::<PerturbationRecord>(&json)?,
        perturbed()
    );
    // What every run has stands beside the changes.
    let value: serde_json::Value = serde_json::from_str(&json)?;
    assert_eq!(value["settings"]["seed"], 42);
    assert_eq!(value["changes"][1]["to"], 1);
    assert_eq!(value["changes"][2]["response"], "<b>no minimum</b>");
    Ok(())
}

#[test]
fn the_file_has_a_row_a_change() -> Outcome {
    let csv = String::from_utf8(perturbations_csv(&changes(), &labels())?)?;
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(
        lines[0],
        "query,rank,kind,train,label,to,predicted,first_order,response,retrained,file,line"
    );
    assert_eq!(
        lines[1],
        "17,1,inputs,4,nought,,-0.5,-0.25,-0.125,,<b>.csv,6"
    );
    assert_eq!(
        lines[2],
        "17,1,label,0,nought,<script>alert('one')</script>,-1.0,,,-2.0,<b>.csv,2"
    );
    // What failed has no number.
    assert!(lines[3].contains("-0.75,,,,"), "{}", lines[3]);
    assert_eq!(lines.len(), 4);
    Ok(())
}

#[test]
fn the_table_tells_what_was_found_and_what_failed() {
    let table = perturbation_table(&perturbed(), &labels());
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].contains("response") && lines[0].contains("retrained"));
    assert!(lines[2].contains("nought -> <script>"), "{}", lines[2]);
    assert!(lines[3].contains("failed"), "{}", lines[3]);
    assert!(table.contains("response, inputs: Pearson –"), "{table}");
    assert!(table.contains("over 0 changes, 1 failed"), "{table}");
    assert!(!table.contains("retraining"), "{table}");
    let bare = PerturbationRecord {
        changes: vec![ChangeRecord {
            response: None,
            ..changes().remove(0)
        }],
        response: vec![],
        ..perturbed()
    };
    assert!(!perturbation_table(&bare, &labels()).contains("response"));
}

#[test]
fn the_report_is_balanced_loads_nothing_and_escapes() -> Outcome {
    for layout in [pictures(), table()] {
        let page = report(layout).to_html()?;
        check(&page)?;
        assert!(!page.contains("<script"), "markup got through");
    }
    let page = report(table()).to_html()?;
    assert!(
        page.contains("&lt;b&gt;depth&lt;/b&gt;"),
        "a feature's name"
    );
    // The part of the first feature comes first, for it does most.
    let at = |name: &str| page.find(&format!("<th>{name}</th>"));
    assert!(at("radius").is_some_and(|it| it < at("width").unwrap_or_default()));
    Ok(())
}

/// White where nothing matters, the two colours at the ends.
#[test]
fn a_saliency_map_has_the_signs_colours() -> Outcome {
    use base64::Engine;
    let page = report(pictures()).to_html()?;
    let sources: Vec<&str> = page
        .split("src=\"data:image/png;base64,")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    // The first query, its training picture, where that matters, the moved one; the second query.
    assert_eq!(sources.len(), 5);
    let file = base64::engine::general_purpose::STANDARD.decode(sources[2])?;
    let mut reader = png::Decoder::new(io::Cursor::new(file)).read_info()?;
    let mut pixels = vec![0; 12];
    reader.next_frame(&mut pixels)?;
    let [lowers, raises, white] = [[0, 103, 163], [184, 78, 0], [255; 3]];
    assert_eq!(pixels[..3], lowers);
    assert_eq!(pixels[3..6], white);
    // Half of the largest is half of the way.
    let half = raises.map(|end| (255.0_f64 + 0.5 * (f64::from(end) - 255.0)).round() as u8);
    assert_eq!(pixels[6..9], half);
    Ok(())
}

#[test]
fn parts_that_do_not_belong_together_are_refused() {
    let length = |report: PerturbationReport| match report.to_html() {
        Err(OutputError::Length { what, .. }) => what,
        found => panic!("{found:?}"),
    };
    let mut few = report(pictures());
    few.queries.pop();
    assert_eq!(length(few), "queries");
    let mut few = report(pictures());
    few.moved.clear();
    assert_eq!(length(few), "moved examples");
    let mut short = report(table());
    short.moved[0].gradient.pop();
    assert_eq!(length(short), "features of a gradient");
    let mut large = report(pictures());
    large.queries[1].features.push(0.0);
    assert_eq!(length(large), "pixels of a picture");
}
