//! Small records to try things on.

use backdraft_attribution::evaluate::{
    ByResponse, Changes, FailedRemoval, Gaps, RankBy, Ranking, RemovalGaps, Stage,
};
use std::collections::BTreeMap;

use backdraft_report::experiment::{
    CorrelationsRecord, DecompositionRecord, MislabelRecord, Setup, SweepPointRecord, SweepRecord,
};
use backdraft_report::{At, ModelQuality, Place, Quality, Sizes, Unit, Versions};
use serde_json::json;

/// Of MNIST's digits.
fn place(index: usize) -> Place {
    Place {
        file: "train-images-idx3-ubyte".into(),
        at: Some(At::Index(index as u64)),
        id: None,
    }
}

pub fn setup() -> Setup {
    let quality = |loss| Quality {
        loss,
        accuracy: Some(0.9),
    };
    let details = json!({"depth": 5000, "note": "<script>"});
    Setup {
        model: "mlp".into(),
        data: "mnist".into(),
        preset: "quick".into(),
        epochs: 20,
        damping: 0.001,
        matrix: "gauss-newton".into(),
        solver: "cg <script>".into(),
        device: "flex".into(),
        seed: 42,
        versions: Versions {
            backdraft: "0.1.0".into(),
            burn: "0.22.1".into(),
        },
        unit: Unit::nats(),
        train: [3, 17].map(|index| (index, place(index))).into(),
        tests: BTreeMap::new(),
        sizes: Sizes {
            train: 10,
            test: 3,
            parameters: 1234,
        },
        metrics: ModelQuality {
            train: quality(0.01),
            test: quality(0.2),
            gradient_norm: 0.5,
        },
        details: details.as_object().cloned().unwrap_or_default(),
    }
}

pub fn failed() -> Vec<FailedRemoval> {
    vec![FailedRemoval {
        removed: vec![3, 17, 20, 21, 22],
        stage: Stage::Pbrf,
        reason: "the loss became <script>".into(),
    }]
}

pub fn seconds() -> BTreeMap<String, f64> {
    BTreeMap::from([("pbrf".to_string(), 1.25)])
}

pub fn decomposition() -> DecompositionRecord {
    let point = |removed, scale: f64| RemovalGaps {
        removed: vec![removed],
        gaps: Gaps::from_array([0.2, 0.01, 0.3, 1e-5, 2e-4]).map(|gap| gap * scale),
        residual: 0.1 * scale,
        solved: scale < 2.0,
        seconds: seconds(),
    };
    DecompositionRecord::new(setup(), vec![point(4, 1.0), point(9, 3.0)], failed())
}

pub fn correlations() -> CorrelationsRecord {
    let point = |removed, influence: [f64; 3], pbrf: [f64; 3], warm: [f64; 3]| Changes {
        removed: vec![removed],
        influence: influence.into(),
        responses: ByResponse {
            pbrf: pbrf.into(),
            warm_start: warm.into(),
            ..ByResponse::default()
        },
        residual: 0.05,
        solved: true,
        seconds: seconds(),
    };
    let points = vec![
        point(
            4,
            [1e-4, -2e-4, 3e-5],
            [2e-4, -4e-4, 6e-5],
            [0.1, 0.3, -0.2],
        ),
        point(9, [4e-4, 0.0, 1e-5], [8e-4, 0.0, 2e-5], [-0.1, 0.2, 0.0]),
    ];
    CorrelationsRecord::new(setup(), vec![5, 0, 2], points, failed())
}

pub fn sweep() -> SweepRecord {
    let point = |value, decomposition, failure: Option<&str>| SweepPointRecord {
        value,
        decomposition,
        failure: failure.map(String::from),
    };
    SweepRecord {
        over: "width".into(),
        points: vec![
            point(16.0, None, Some("training diverged")),
            point(128.0, Some(decomposition()), None),
            point(1024.0, Some(decomposition()), None),
        ],
    }
}

/// Ten examples, the labels of 2 and 7 wrong.
pub fn mislabel() -> MislabelRecord {
    let wrong = vec![2, 7];
    let scores = [0.1, 0.2, 0.9, f64::NAN, 0.2, 0.0, -0.0, 0.8, 1.0, 0.1];
    let scores = scores.map(|it: f64| it.is_finite().then_some(it));
    let ranking = Ranking::of(scores.into(), &wrong);
    let random = Ranking::ordered((0..10).rev().collect(), &wrong);
    MislabelRecord {
        setup: setup(),
        failed: failed(),
        unsolved: 4,
        corrupt: 0.2,
        rankings: BTreeMap::from([
            (RankBy::Influence, ranking.clone()),
            (RankBy::Pbrf, ranking),
            (RankBy::Random, random),
        ]),
        wrong,
    }
}

/// Records of nothing, and of what is not a number.
pub fn odd() -> (
    Vec<DecompositionRecord>,
    Vec<CorrelationsRecord>,
    Vec<SweepRecord>,
    Vec<MislabelRecord>,
) {
    let numbers = [f64::NAN, f64::INFINITY, -1e300, f64::MAX, 1e-320, -0.0];
    let gaps = |value: f64| RemovalGaps {
        removed: vec![],
        gaps: Gaps::from_array([value; 5]),
        residual: value,
        solved: value == 0.0,
        seconds: BTreeMap::new(),
    };
    let changes = |value: f64| Changes {
        removed: vec![],
        influence: vec![value; 2],
        responses: ByResponse::from_array([0.0; 4]).map(|it| vec![it, value]),
        residual: value,
        solved: false,
        seconds: BTreeMap::new(),
    };
    let lists = || {
        let each = numbers.iter().map(|&it| vec![it]);
        each.chain([vec![], numbers.to_vec()])
    };
    let decompositions: Vec<DecompositionRecord> = lists()
        .map(|list| DecompositionRecord::new(setup(), list.into_iter().map(gaps).collect(), vec![]))
        .collect();
    let correlations = lists().map(|list| {
        let points = list.into_iter().map(changes).collect();
        CorrelationsRecord::new(setup(), vec![0, 1], points, vec![])
    });
    let sweep = |decomposition: &DecompositionRecord| SweepRecord {
        over: "width".into(),
        points: numbers
            .iter()
            .map(|&value| SweepPointRecord {
                value,
                decomposition: Some(decomposition.clone()),
                failure: None,
            })
            .collect(),
    };
    let empty = SweepRecord {
        over: "width".into(),
        points: vec![],
    };
    let mislabels = lists().flat_map(|list| {
        [vec![], vec![0], vec![99]].map(|wrong| MislabelRecord {
            rankings: BTreeMap::from([(
                RankBy::Loss,
                Ranking::of(list.iter().copied().map(Some).collect(), &wrong),
            )]),
            wrong,
            failed: vec![],
            ..mislabel()
        })
    });
    (
        decompositions.clone(),
        correlations.collect(),
        decompositions.iter().map(sweep).chain([empty]).collect(),
        mislabels.collect(),
    )
}
