//! The record, the tables and the report of Bayesian influence.

use backdraft_attribution::Convergence;
use backdraft_report::{
    Explained, Labels, Layout, Measure, ModelQuality, Quality, Record, RunSettings, Sizes,
    SolveRecord, Unit, Versions,
    bayes::{
        BayesAgreement, BayesRecord, BayesReport, BayesRow, SampledRow, SamplingRecord,
        bayes_table, diagnostics_csv,
    },
};
use backdraft_test_support::Outcome;

const GOOD: Convergence = Convergence {
    r_hat: Some(1.002),
    bulk_ess: Some(900.0),
    tail_ess: Some(800.0),
};
const STUCK: Convergence = Convergence {
    r_hat: Some(f64::INFINITY),
    bulk_ess: Some(2.0),
    tail_ess: None,
};

fn record(of_row: Convergence, mixed: bool) -> BayesRecord {
    let quality = Quality {
        loss: 0.5,
        accuracy: None,
    };
    BayesRecord {
        settings: RunSettings {
            model: "mlp".into(),
            data: "digits".into(),
            task: "classification".into(),
            solver: Some("cg".into()),
            weights: None,
            damping: Some(0.25),
            device: "flex".into(),
            seed: 0,
            out: "out".into(),
            details: serde_json::Map::new(),
        },
        versions: Versions {
            backdraft: "0".into(),
            burn: "0".into(),
        },
        unit: Unit::nats(),
        measure: Measure::loss(&Unit::nats()),
        sizes: Sizes {
            train: 3,
            test: 2,
            parameters: 7,
        },
        timings: Vec::new(),
        metrics: ModelQuality {
            train: quality,
            test: quality,
            gradient_norm: 0.1,
        },
        sampling: SamplingRecord {
            chains: 2,
            draws: 16,
            burn_in: 1,
            thinning: 1,
            step_size: 0.1,
            largest_curvature: None,
            localisation: 1.0,
            inverse_temperature: 4.0,
            loss_at_weights: 0.5,
            mean_loss: 0.75,
            convergence: GOOD,
            mixed,
        },
        rows: vec![BayesRow {
            index: Some(1),
            source: None,
            label: None,
            predicted: None,
            at_weights: 2.0,
            mean: 2.5,
            convergence: of_row,
            told_apart: 1.0 / 3.0,
            influence: Some(BayesAgreement {
                pearson: Some(0.9),
                spearman: Some(0.8),
                slope: None,
                solve: SolveRecord {
                    converged: true,
                    iterations: 1,
                    true_residual: 0.0,
                    residuals: Vec::new(),
                },
            }),
        }],
    }
}

#[test]
fn the_verdict_says_whether_the_chains_have_mixed() {
    let verdict = record(GOOD, true).verdict();
    assert!(
        verdict.starts_with("The 2 chains have mixed: R-hat is 1.002"),
        "{verdict}"
    );
    assert!(verdict.contains("33.3 % of the scores"), "{verdict}");
    assert!(
        verdict.contains("damping 0.25: Pearson 0.9, Spearman 0.8."),
        "{verdict}"
    );
    let verdict = record(STUCK, false).verdict();
    assert!(
        verdict.contains("NOT mixed well: R-hat of some quantity is not finite"),
        "{verdict}"
    );
    assert!(verdict.contains("at least 200"), "{verdict}");
}

#[test]
fn diagnostics_have_a_line_a_quantity() -> Outcome {
    let table = String::from_utf8(diagnostics_csv(&record(STUCK, false))?)?;
    let expected = "quantity,at_weights,mean,r_hat,bulk_ess,tail_ess,good\n\
                    training loss,0.5,0.75,1.002,900.0,800.0,true\n\
                    1,2.0,2.5,inf,2.0,,false\n";
    assert_eq!(table, expected);
    let text = bayes_table(&record(GOOD, true));
    assert!(
        text.contains("query 1") && text.contains("33.3 %"),
        "{text}"
    );
    Ok(())
}

#[test]
fn a_report_has_the_traces_and_refuses_what_does_not_belong() -> Outcome {
    let chains = vec![vec![1.0, 2.0, 1.5], vec![2.0, 1.0, f64::NAN]];
    let row = SampledRow {
        explained: Explained {
            query: None,
            positive: Vec::new(),
            negative: Vec::new(),
        },
        traces: chains.clone(),
        scores: vec![0.1, -0.2, 0.0],
        errors: vec![0.1; 3],
        influence: vec![0.1, -0.1, 0.0],
    };
    let report = BayesReport {
        title: "bayes".into(),
        record: record(GOOD, true),
        labels: Labels::Values(vec![0.0; 3]),
        layout: Layout::Table(backdraft_report::Features {
            names: Vec::new(),
            mean: Vec::new(),
            std: Vec::new(),
        }),
        losses: chains,
        rows: vec![row],
    };
    let page = report.to_html()?;
    assert_eq!(page.matches("<svg").count(), 3);
    assert!(page.contains("R-hat") && page.contains("standard error"));
    let mut short = report.clone();
    short.rows[0].errors.pop();
    assert!(short.to_html().is_err());
    let none = BayesReport {
        rows: Vec::new(),
        ..report
    };
    assert!(none.to_html().is_err());
    // JSON has no infinity: what is not finite is null there, and reads as nothing.
    let json = record(STUCK, false).to_json()?;
    let read: BayesRecord = serde_json::from_slice(&json)?;
    assert_eq!(read.rows[0].convergence.r_hat, None);
    Ok(())
}
