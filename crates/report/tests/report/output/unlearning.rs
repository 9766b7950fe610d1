//! Forgotten training examples: the record, the table, the file and the report.

use backdraft_attribution::{Certificate, Evidence, Membership, Privacy, Regularity};
use backdraft_report::{
    Quality, TargetValue,
    unlearning::{
        CertificateRecord, ForgottenExample, PartQuality, UnlearnedRecord, UnlearningMethod,
        UnlearningRecord, UnlearningReport, unlearn_csv, unlearning_table,
    },
};

use super::{
    Outcome,
    page::check,
    samples::{place, record},
};

const MEMBERSHIP: Membership = Membership {
    auc: 0.625,
    chance: 0.25,
    advantage: 0.5,
};

fn network(method: UnlearningMethod, distance: f64) -> UnlearnedRecord {
    let quality = |loss| Quality {
        loss,
        accuracy: Some(0.75),
    };
    UnlearnedRecord {
        method,
        share: None,
        steps: None,
        seconds: 0.5,
        failed: None,
        parameter_distance: Some(distance),
        forgotten_distance: Some(0.5 * distance),
        test_distance: Some(0.25 * distance),
        quality: Some(PartQuality {
            forgotten: quality(3.0),
            retained: quality(1.0),
            test: quality(2.0),
        }),
        by_loss: Some(MEMBERSHIP),
        calibrated: None,
        certificate: None,
        file: None,
    }
}

/// Of each kind: certified, refused, failed.
fn unlearned() -> UnlearningRecord {
    let stepped = |method, share: f64, distance| UnlearnedRecord {
        share: Some(share),
        steps: Some((8.0 * share) as usize),
        ..network(method, distance)
    };
    let certificate = Certificate {
        distance: 0.5,
        privacy: Privacy {
            epsilon: 1.0,
            delta: 1e-5,
        },
        sigma: 2.5,
    };
    UnlearningRecord {
        run: record(),
        forgotten: vec![ForgottenExample {
            train: 4,
            source: place(4),
            label: TargetValue::Class(1),
        }],
        steps: 8,
        references: 1,
        regularity: Some(Regularity {
            curvature: [-0.5, 0.5],
            gradient: 3.0,
            evidence: Evidence::Given,
        }),
        networks: vec![
            network(UnlearningMethod::Trained, 4.0),
            network(UnlearningMethod::Retrain, 0.0),
            UnlearnedRecord {
                certificate: Some(CertificateRecord::Refused {
                    refused: "no certificate: <it> is not convex".into(),
                }),
                ..stepped(UnlearningMethod::D2d, 0.5, 2.0)
            },
            UnlearnedRecord {
                certificate: Some(CertificateRecord::Certified {
                    certificate,
                    retrained_steps: 8,
                    noisy_test: Some(Quality {
                        loss: 4.0,
                        accuracy: Some(0.5),
                    }),
                }),
                calibrated: Some(MEMBERSHIP),
                ..stepped(UnlearningMethod::R2d, 0.25, 1.0)
            },
            stepped(UnlearningMethod::R2d, 1.0, 0.0),
            UnlearnedRecord {
                failed: Some("it <b>diverged</b>".into()),
                parameter_distance: None,
                quality: None,
                by_loss: None,
                ..network(UnlearningMethod::Newton, 1.0)
            },
        ],
    }
}

#[test]
fn a_record_comes_back_as_it_was() -> Outcome {
    let json = serde_json::to_string(&unlearned())?;
    assert_eq!(
        serde_json::from_str::<UnlearningRecord>(&json)?,
        unlearned()
    );
    let value: serde_json::Value = serde_json::from_str(&json)?;
    assert_eq!(value["settings"]["seed"], 42);
    assert_eq!(value["networks"][3]["certificate"]["sigma"], 2.5);
    assert_eq!(value["regularity"]["evidence"], "given");
    assert_eq!(value["networks"][3]["certificate"]["delta"], 1e-5);
    Ok(())
}

#[test]
fn the_file_has_a_line_a_network() -> Outcome {
    let csv = String::from_utf8(unlearn_csv(&unlearned().networks)?)?;
    let lines: Vec<&str> = csv.lines().collect();
    let columns = lines[0].split(',').count();
    assert_eq!(lines.len(), 7);
    assert!(lines.iter().all(|it| it.split(',').count() == columns));
    assert_eq!(
        lines[4],
        "r2d,0.25,2,0.5,1.0,0.5,0.25,3.0,0.75,1.0,0.75,2.0,0.75,0.625,0.5,0.625,0.5,0.5,8,2.5,4.0,0.5,"
    );
    assert!(lines[3].ends_with(",,,,,,no certificate: <it> is not convex"));
    assert!(lines[6].starts_with("newton,,,0.5,,") && lines[6].ends_with("it <b>diverged</b>"));
    Ok(())
}

#[test]
fn the_table_tells_distances_times_and_certificates() {
    let table = unlearning_table(&unlearned());
    for part in [
        "calibrated AUC",
        "r2d 0.25",
        "75.0 %",
        "100.0 %",
        "by chance ± 0.25",
        "r2d 0.25: at most 0.5 from 8 steps of retraining; noise of 2.5 on each parameter makes it (1, 1.00e-5) alike, and \
         leaves 50.0 % of the test part right",
        "d2d: no certificate: <it> is not convex",
        "between -0.5 and 0.5, the gradient of an example's loss is at most 3, both without the L2 term (given, not checked)",
        "newton failed: it <b>diverged</b>",
    ] {
        assert!(table.contains(part), "no `{part}` in\n{table}");
    }
    let mut bare = unlearned();
    bare.references = 0;
    assert!(!unlearning_table(&bare).contains("calibrated"));
}

#[test]
fn the_report_is_sound_and_draws_each_method() -> Outcome {
    let report = UnlearningReport {
        title: "</title><script>alert(1)</script>".into(),
        record: unlearned(),
    };
    let html = report.to_html()?;
    check(&html)?;
    assert_eq!(html.matches("<svg").count(), 3);
    // By all its steps rewinding is no news.
    assert!(html.contains("Rewind-to-delete comes to 1 with 0.25 of the training"));
    assert!(html.contains("Descent-to-delete comes to 2 with 0.5"));
    assert!(html.contains("&lt;it&gt; is not convex"));
    // Where no method takes steps, there is nothing to draw.
    let mut still = report.clone();
    still.record.networks.retain(|it| it.share.is_none());
    assert!(!still.to_html()?.contains("<svg"));
    Ok(())
}
