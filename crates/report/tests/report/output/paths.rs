//! Response paths: the record, the tables, the files and the report.

use backdraft_influence::path::{
    Landing, Landings, PathEnd, PointFacts, Projection, Straightness, TangentGap,
};
use backdraft_report::{
    OutputError, TargetValue,
    path::{
        FollowedPathRecord, ObjectiveRecord, PathExample, PathPointRecord, PathQueryRecord,
        PathsRecord, PathsReport, path_queries_csv, paths_csv, paths_table,
    },
};

use super::{
    Outcome,
    page::check,
    samples::{labels, place, record},
};

fn point(eps: f64, step: f64, losses: [f64; 2]) -> PathPointRecord {
    PathPointRecord {
        facts: PointFacts {
            eps,
            step,
            value: 0.5,
            taken: 0.25,
            taken_slope: -0.125,
            speed: 2.0,
            acceleration: 4.0,
            stretch: -1.0,
            curvature: 0.03125,
            gradient: 1e-10,
            corrections: 2,
            corrected: 0.01,
            true_residual: 1e-12,
            products: 7.0,
        },
        losses: losses.to_vec(),
        slopes: vec![-1.0, 0.5],
    }
}

/// A path of one example that is whole, and one of a group that folds halfway.
fn paths() -> PathsRecord {
    let landing = |relative| Landing {
        distance: 2.0 * relative,
        relative,
    };
    let query = |query, newton| PathQueryRecord {
        query,
        actual: 1.0,
        influence_at_one: 0.5,
        influence_at_end: 2.0,
        newton,
    };
    let whole = FollowedPathRecord {
        name: "train 4".into(),
        train: Some(4),
        source: Some(place(4)),
        label: Some(TargetValue::Class(1)),
        examples: 1,
        weight_change: -1.0,
        ended: PathEnd::Whole,
        from_trained: 0.0,
        points: vec![
            point(1.0, 0.0, [2.0, 0.25]),
            point(0.5, 0.5, [2.25, 0.0]),
            point(0.0, 0.5, [3.0, 1.25]),
        ],
        straightness: Straightness {
            chord: 2.0,
            arc: 2.5,
            ratio: 0.8,
            angle: 30.0,
            widest: 20.0,
        },
        tangent_gap: TangentGap {
            at_one: 2.0,
            at_end: 3.0,
            difference: 1.0,
            integral: 2.0,
            bound: 4.0,
        },
        landings: Landings {
            influence_at_one: landing(0.5),
            influence_at_end: landing(0.75),
            second_order: landing(0.25),
            newton: Some(landing(0.125)),
        },
        no_newton: None,
        projection: Projection {
            points: vec![[0.0, 0.0], [1.0, 0.5], [2.0, 0.0]],
            others: vec![[1.0, 0.25], [3.0, -0.5], [1.5, 0.0], [1.75, 0.125]],
            share: 1.0,
        },
        queries: vec![query(17, Some(0.75)), query(3, Some(0.875))],
    };
    let mut folded = FollowedPathRecord {
        name: "<i>group</i>".into(),
        train: None,
        source: None,
        label: None,
        examples: 3,
        weight_change: -2.5,
        ended: PathEnd::Fold {
            last: 0.5,
            fold: Some(0.4375),
            cause: "a pivot is not positive".into(),
        },
        no_newton: Some("the rest is not positive definite".into()),
        queries: vec![query(17, None), query(3, None)],
        ..whole.clone()
    };
    folded.points.pop();
    folded.projection.points.pop();
    folded.projection.others.pop();
    folded.landings.newton = None;
    let example = |index| PathExample {
        index,
        source: place(index),
        label: TargetValue::Class(0),
        predicted: TargetValue::Class(1),
        loss: 2.0,
    };
    PathsRecord {
        run: record(),
        examples: vec![example(17), example(3)],
        objective: ObjectiveRecord {
            kind: "bregman".into(),
            l2: 0.0,
            proximal: 0.03,
            reason: "the trained parameters are its minimum".into(),
        },
        paths: vec![whole, folded],
    }
}

#[test]
fn the_record_is_read_as_it_was_written() -> Outcome {
    use backdraft_report::Record;
    let json = paths().to_json()?;
    assert_eq!(serde_json::from_slice::<PathsRecord>(&json)?, paths());
    let json: serde_json::Value = serde_json::from_slice(&json)?;
    assert_eq!(json["paths"][0]["points"][1]["eps"], 0.5);
    assert_eq!(json["paths"][1]["ended"]["end"], "fold");
    assert_eq!(json["paths"][1]["ended"]["fold"], 0.4375);
    Ok(())
}

#[test]
fn a_row_for_each_point_and_each_query_of_it() -> Outcome {
    let text = String::from_utf8(paths_csv(&paths())?)?;
    let rows: Vec<&str> = text.lines().collect();
    assert_eq!(rows.len(), 1 + 3 + 2);
    assert_eq!(
        rows[2],
        "train 4,0.5,0.5,0.5,0.25,-0.125,2.0,4.0,0.03125,1e-10,2,0.01,1e-12,7.0"
    );
    let text = String::from_utf8(path_queries_csv(&paths())?)?;
    let rows: Vec<&str> = text.lines().collect();
    assert_eq!(rows.len(), 1 + 2 * (3 + 2));
    assert!(rows[0].starts_with("path,eps,query,loss,slope,change"));
    // Half of what influence at 1 says; the tangent at the end goes through it; half of Newton's.
    assert_eq!(rows[3], "train 4,0.5,17,2.25,-1.0,0.25,0.25,0.0,0.375");
    // All of it at the end.
    assert_eq!(rows[5], "train 4,0.0,17,3.0,-1.0,1.0,0.5,1.0,0.75");
    // A path that ends halfway has come to its end there, and no Newton estimate is no number.
    assert_eq!(rows[9], "<i>group</i>,0.5,17,2.25,-1.0,0.25,0.5,1.0,");
    Ok(())
}

#[test]
fn the_table_says_how_straight_and_what_was_not_reached() {
    let table = paths_table(&paths());
    for told in [
        "chord/arc",
        "0.8",
        "30°",
        "the rest is not positive definite",
        "folds near eps = 0.4375, followed to 0.5: a pivot is not positive",
    ] {
        assert!(table.contains(told), "{told}: {table}");
    }
    // The gap of the tangents and its bound, in lengths of the tangent at 1.
    let row = table.lines().nth(1).unwrap();
    assert!(
        row.starts_with("train 4") && row.contains("0.5") && row.contains(" 2 "),
        "{row}"
    );
}

#[test]
fn the_report_is_a_page_without_markup_of_others() -> Outcome {
    let report = PathsReport {
        title: "paths".into(),
        record: paths(),
        labels: labels(),
    };
    let html = report.to_html()?;
    check(&html)?;
    assert!(html.contains("1 of 2 paths were followed to eps = 0."));
    assert!(html.contains("&lt;i&gt;group&lt;/i&gt;") && !html.contains("<i>group"));
    // The plane and two queries, twice.
    assert_eq!(html.matches("<svg ").count(), 6);
    assert!(html.contains("influence at the end"));

    let mut short = report.clone();
    short.record.paths[0].points[1].losses.pop();
    let error = short.to_html().err();
    assert!(
        matches!(error, Some(OutputError::Length { .. })),
        "{error:?}"
    );
    Ok(())
}

/// What cannot be drawn is said, not drawn wrongly.
#[test]
fn a_path_of_one_point_has_nothing_to_draw() -> Outcome {
    let mut record = paths();
    record.paths.truncate(1);
    record.paths[0].points.truncate(1);
    record.paths[0].projection.points.truncate(1);
    let html = PathsReport {
        title: "paths".into(),
        record,
        labels: labels(),
    }
    .to_html()?;
    assert_eq!(html.matches("<svg ").count(), 0);
    assert_eq!(html.matches("There is nothing to draw.").count(), 3);
    Ok(())
}
