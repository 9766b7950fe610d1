//! A run and its report, with everything in them that can go wrong.

use backdraft_attribution::{PredictedToken, verify::PairKind};
use backdraft_report::{
    At, Example, ExampleInfo, Explained, Features, Float, Frame, Labels, Layout, Measure,
    ModelQuality, OutputError, Pair, Place, Quality, QueryRecord, Report, RunRecord, RunSettings,
    ScoreRecord, ScoredExample, Sequence, Sequences, Sizes, SolveRecord, TargetValue, Timing, Unit,
    VerificationRecord, Versions,
};
use serde_json::json;

/// Two queries against five training examples: a tie (1 and 3) and a zero (2) in the first row.
pub fn scores() -> Result<ScoreRecord, OutputError> {
    let first = [-2.5e-3, 1e-4, 0.0, 1e-4, 7e-3];
    let second = [1e-6, -1e-5, -2e-5, -3e-5, -4e-5];
    ScoreRecord::new(vec![17, 3], 5, [first, second].concat(), Float::F32)
}

pub fn labels() -> Labels {
    Labels::Classes {
        of: vec![0, 1, 2, 1, 0],
        names: vec!["nought".into(), "<script>alert('one')</script>".into()],
    }
}

/// Lines of a table from 2 on.
pub fn place(index: usize) -> Place {
    Place {
        file: "<b>.csv".into(),
        at: Some(At::Line(2 + index as u64)),
        id: None,
    }
}

/// Five training examples and twenty to test on.
pub fn examples(labels: Labels) -> ExampleInfo {
    ExampleInfo {
        train: (0..labels.len()).map(place).collect(),
        test: (100..120).map(place).collect(),
        labels,
        measure: Measure::loss(&Unit::squared("strength", 3.0)),
        unit: Unit::squared("strength", 3.0),
    }
}

pub fn record() -> RunRecord {
    let query = |index, predicted| QueryRecord {
        index,
        source: Some(place(100 + index)),
        label: TargetValue::Class(0),
        predicted: TargetValue::Class(predicted),
        loss: 2.5,
        measured: None,
        solve: SolveRecord {
            converged: true,
            iterations: 3,
            true_residual: 1.5e-7,
            residuals: vec![1e-1, 3e-4, 1e-7],
        },
    };
    let pair = |query, train, predicted, actual, kind| Pair {
        query: Some(query),
        train,
        source: Some(place(train)),
        predicted,
        newton: None,
        actual,
        kind,
    };
    let details = json!({"solver_settings": {"tolerance": 1e-6}, "note": "<script>"});
    RunRecord {
        settings: RunSettings {
            model: "mlp <script>".into(),
            data: "digits".into(),
            task: "classification, 3 classes".into(),
            solver: Some("cg".into()),
            weights: None,
            damping: Some(0.001),
            device: "flex".into(),
            seed: 42,
            out: "runs/first".into(),
            details: details.as_object().cloned().unwrap_or_default(),
        },
        versions: Versions {
            backdraft: "0.1.0".into(),
            burn: "0.22.1".into(),
        },
        started: None,
        unit: Unit::nats(),
        measure: None,
        sizes: Sizes {
            train: 5,
            test: 20,
            parameters: 1234,
        },
        timings: vec![Timing {
            stage: "train".into(),
            seconds: 1.25,
        }],
        metrics: ModelQuality {
            train: Quality {
                loss: 0.01,
                accuracy: Some(1.0),
            },
            test: Quality {
                loss: 0.2,
                accuracy: Some(0.95),
            },
            gradient_norm: 0.25,
        },
        queries: vec![query(17, 1), query(3, 0)],
        mean: None,
        groups: Vec::new(),
        closed_form: None,
        verification: Some(VerificationRecord {
            pearson: Some(0.9987),
            spearman: None,
            slope: Some(1.02),
            newton: None,
            intervals: None,
            max_objective_gradient: Some(1e-8),
            coverage: None,
            failed: Vec::new(),
            pairs: vec![
                pair(17, 4, 7e-3, 7.1e-3, PairKind::Helpful),
                pair(17, 0, -2.5e-3, -2.4e-3, PairKind::Harmful),
                pair(3, 2, -2e-5, -1e-5, PairKind::Random),
            ],
        }),
    }
}

/// A report of four pixels or features an example: one query's training examples on each side, the
/// other's on one.
pub fn report(layout: Layout) -> Report {
    let example = |index, class| Example {
        index,
        source: place(index),
        label: TargetValue::Class(class),
        features: vec![0.0, 1.0, 2.0, index as f64],
    };
    let scored = |index, class, score| ScoredExample {
        example: example(index, class),
        score,
        newton: None,
    };
    Report {
        title: "</title><script>alert(1)</script>".into(),
        record: record(),
        labels: labels(),
        layout,
        explained: vec![
            Explained {
                query: Some(example(17, 0)),
                positive: vec![scored(4, 0, 7e-3), scored(1, 1, 1e-4)],
                negative: vec![scored(0, 0, -2.5e-3)],
            },
            Explained {
                query: Some(example(3, 0)),
                positive: vec![scored(0, 0, 1e-6)],
                negative: vec![],
            },
        ],
    }
}

pub fn pictures() -> Layout {
    Layout::Pictures(Frame {
        height: 2,
        width: 2,
        black: 0.0,
        white: 2.0,
    })
}

pub fn table() -> Layout {
    Layout::Table(Features {
        names: ["radius", "width", "<b>depth</b>", "index"]
            .map(String::from)
            .into(),
        mean: vec![0.0, 1.0, 1.0, 0.0],
        std: vec![1.0, 1.0, 0.5, 0.0],
    })
}

/// Sequences of two tokens, with names that are markup.
pub fn text() -> Layout {
    let sequence = |index: usize| Sequence {
        inputs: vec![2, 0],
        tokens: vec![token(0, 0, 0.5), token(1, index % 3, 2.0)],
        places: vec![place(index), place(index)],
    };
    let sequences = |indices: &[usize]| indices.iter().map(|&it| (it, sequence(it))).collect();
    let scores = [
        (17, 4, [8e-3, -1e-3]),
        (17, 1, [2e-4, -1e-4]),
        (17, 0, [-1e-3, -1.5e-3]),
        (3, 0, [1e-6, 0.0]),
    ];
    let scores = scores.map(|(query, train, parts)| ((Some(query), train), parts.to_vec()));
    Layout::Text(Sequences {
        vocabulary: ["the", "<script>", "a \"word\""].map(String::from).into(),
        train: sequences(&[0, 1, 4]),
        test: sequences(&[3, 17]),
        scores: scores.into(),
        measured: Some(1),
    })
}

fn token(place: usize, token: usize, loss: f64) -> PredictedToken {
    PredictedToken {
        place,
        token,
        loss,
        margin: -loss,
        predicted: 1,
        probability: 0.625,
    }
}
