//! The experiments' files, tables and reports.

mod page;

use std::collections::BTreeMap;
use std::error::Error;

use backdraft::output::experiment::{
    Correlation, Correlations, Decomposition, FailedPoint, Gaps, Mislabel, PointChanges, PointGaps,
    Ranking, Responses, Setup, Spread, Sweep, SweepPoint, paper,
};
use backdraft::output::{Metrics, Quality, Sizes, Versions};
use page::{check, tags};
use serde_json::{Value, json};

type Outcome = Result<(), Box<dyn Error>>;

fn setup() -> Setup {
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
        sizes: Sizes {
            train: 10,
            test: 3,
            parameters: 1234,
        },
        metrics: Metrics {
            train: quality(0.01),
            test: quality(0.2),
        },
        details: details.as_object().cloned().unwrap_or_default(),
    }
}

fn failed() -> Vec<FailedPoint> {
    vec![FailedPoint {
        removed: vec![3, 17, 20, 21, 22],
        stage: "PBRF".into(),
        reason: "the loss became <script>".into(),
    }]
}

fn seconds() -> BTreeMap<String, f64> {
    BTreeMap::from([("pbrf".to_string(), 1.25)])
}

fn decomposition() -> Decomposition {
    let point = |removed, scale: f64| PointGaps {
        removed: vec![removed],
        gaps: Gaps::from_array([0.2, 0.01, 0.3, 1e-5, 2e-4]).map(|gap| gap * scale),
        seconds: seconds(),
    };
    Decomposition::new(setup(), vec![point(4, 1.0), point(9, 3.0)], failed())
}

fn correlations() -> Correlations {
    let point = |removed, influence: [f64; 3], pbrf: [f64; 3], warm: [f64; 3]| PointChanges {
        removed: vec![removed],
        influence: influence.into(),
        responses: Responses {
            pbrf: pbrf.into(),
            warm_start: warm.into(),
            ..Responses::default()
        },
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
    Correlations::new(setup(), vec![5, 0, 2], points, failed())
}

fn sweep() -> Sweep {
    let point = |value, decomposition, failure: Option<&str>| SweepPoint {
        value,
        decomposition,
        failure: failure.map(String::from),
    };
    Sweep {
        over: "width".into(),
        points: vec![
            point(16.0, None, Some("training diverged")),
            point(128.0, Some(decomposition()), None),
            point(1024.0, Some(decomposition()), None),
        ],
    }
}

/// Ten examples, the labels of 2 and 7 wrong.
fn mislabel() -> Mislabel {
    let wrong = vec![2, 7];
    let scores = [0.1, 0.2, 0.9, f64::NAN, 0.2, 0.0, -0.0, 0.8, 1.0, 0.1];
    let ranking = Ranking::of(scores.into(), &wrong);
    let random = Ranking::random((0..10).rev().collect(), &wrong);
    Mislabel {
        setup: setup(),
        failed: failed(),
        corrupt: 0.2,
        rankings: BTreeMap::from([
            ("influence".to_string(), ranking.clone()),
            ("pbrf".to_string(), ranking),
            ("random".to_string(), random),
        ]),
        wrong,
    }
}

/// Records of nothing, and of what is not a number.
fn odd() -> (
    Vec<Decomposition>,
    Vec<Correlations>,
    Vec<Sweep>,
    Vec<Mislabel>,
) {
    let numbers = [f64::NAN, f64::INFINITY, -1e300, f64::MAX, 1e-320, -0.0];
    let gaps = |value: f64| PointGaps {
        removed: vec![],
        gaps: Gaps::from_array([value; 5]),
        seconds: BTreeMap::new(),
    };
    let changes = |value: f64| PointChanges {
        removed: vec![],
        influence: vec![value; 2],
        responses: Responses::from_array([0.0; 4]).map(|it| vec![it, value]),
        seconds: BTreeMap::new(),
    };
    let lists = || {
        let each = numbers.iter().map(|&it| vec![it]);
        each.chain([vec![], numbers.to_vec()])
    };
    let decompositions: Vec<Decomposition> = lists()
        .map(|list| Decomposition::new(setup(), list.into_iter().map(gaps).collect(), vec![]))
        .collect();
    let correlations = lists().map(|list| {
        let points = list.into_iter().map(changes).collect();
        Correlations::new(setup(), vec![0, 1], points, vec![])
    });
    let sweep = |decomposition: &Decomposition| Sweep {
        over: "width".into(),
        points: numbers
            .iter()
            .map(|&value| SweepPoint {
                value,
                decomposition: Some(decomposition.clone()),
                failure: None,
            })
            .collect(),
    };
    let empty = Sweep {
        over: "width".into(),
        points: vec![],
    };
    let mislabels = lists().flat_map(|list| {
        [vec![], vec![0], vec![99]].map(|wrong| Mislabel {
            rankings: BTreeMap::from([("loss".to_string(), Ranking::of(list.clone(), &wrong))]),
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

#[test]
fn spreads_are_of_samples() {
    let close = |a: Spread, mean: f64, std: f64| {
        assert!(
            (a.mean - mean).abs() < 1e-15 && (a.std - std).abs() < 1e-15,
            "{a:?}"
        );
    };
    // Deviations -1.5 .. 1.5: 5 / 3.
    close(Spread::of(&[1.0, 2.0, 3.0, 4.0]), 2.5, (5f64 / 3.0).sqrt());
    close(Spread::of(&[7.0]), 7.0, 0.0);
    let none = Spread::of(&[]);
    assert!(none.mean.is_nan() && none.std.is_nan(), "{none:?}");
}

#[test]
fn gaps_and_responses_go_by_their_names() -> Outcome {
    let gaps = Gaps::from_array([1, 2, 3, 4, 5]);
    let json = serde_json::to_value(gaps)?;
    for (name, gap) in gaps.iter() {
        assert_eq!(json[name.key], json!(gap), "{}", name.title);
    }
    assert_eq!(gaps.map(|gap| gap * 2).into_array(), [2, 4, 6, 8, 10]);

    let responses = Responses::from_array([1, 2, 3, 4]);
    let json = serde_json::to_value(responses)?;
    for (name, response) in responses.iter() {
        assert_eq!(json[name.key], json!(response), "{}", name.title);
    }
    assert_eq!(responses.map(|it| it * 2).into_array(), [2, 4, 6, 8]);
    Ok(())
}

#[test]
fn correlations_are_pooled_and_within() {
    // Two removals, three test examples; the second response is an offset of each test example.
    let first = [[1.0, 2.0, 3.0], [2.0, 4.0, 3.5]];
    let offset = first.map(|row| [row[0] + 10.0, row[1] - 10.0, row[2]]);
    let pairs = [(&first[0][..], &offset[0][..]), (&first[1], &offset[1])];
    let found = Correlation::of(&pairs);
    // Within a test example the offset does not matter; over all it turns the order around.
    assert_eq!(
        (found.pearson_within, found.spearman_within),
        (Some(1.0), Some(1.0))
    );
    assert!(found.pearson.is_some_and(|r| r < 0.0), "{found:?}");
    assert!(found.spearman.is_some_and(|r| r < 0.0), "{found:?}");

    // A response that does not vary has no correlation, and a single removal none within.
    let constant = [0.0; 3];
    assert_eq!(
        Correlation::of(&[(&first[0], &constant)]),
        Correlation::default()
    );
    let single = Correlation::of(&[(&first[0], &first[0])]);
    assert_eq!((single.pearson, single.pearson_within), (Some(1.0), None));
    assert_eq!(Correlation::of(&[]), Correlation::default());
}

#[test]
fn responses_not_asked_for_have_no_correlation() {
    let found = correlations().correlations;
    // Twice the influence: exact powers of two but for the rounding of the mean.
    assert!(found.pbrf.pearson.is_some_and(|r| (r - 1.0).abs() < 1e-14));
    assert_eq!(found.pbrf.spearman, Some(1.0));
    assert!(found.warm_start.pearson.is_some());
    assert_eq!(found.cold_start, Correlation::default());
    assert_eq!(found.two_stage, Correlation::default());
}

#[test]
fn rankings_count_what_they_find() {
    let Mislabel { rankings, .. } = mislabel();
    let ranking = &rankings["influence"];
    // 8 is not wrong; 1 and 4, 0 and 9, 5 and 6 tie; 3 failed.
    assert_eq!(ranking.order, [8, 2, 7, 1, 4, 0, 9, 5, 6, 3]);
    assert_eq!(
        ranking.found,
        [0.0, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    );
    // Trapezoids of width 1/10: 0, 1/4, 3/4, and seven of 1.
    assert!((ranking.area - 0.8).abs() < 1e-15, "{}", ranking.area);
    assert_eq!(ranking.found_at_fifth, 0.5);
    assert_eq!(
        [0.0, 0.1, 0.3, 1.0].map(|share| ranking.found_after(share)),
        [0.0, 0.0, 1.0, 1.0]
    );

    // 9 8 7 .. 2 1 0: wrong ones third and eighth.
    let random = &rankings["random"];
    assert_eq!(
        random.found,
        [0.0, 0.0, 0.5, 0.5, 0.5, 0.5, 0.5, 1.0, 1.0, 1.0]
    );
    assert!(random.scores.is_empty());
    assert!((random.area - 0.5).abs() < 1e-15, "{}", random.area);

    let nothing = Ranking::of(vec![1.0, 2.0], &[]);
    assert!(nothing.area.is_nan() && nothing.found_at_fifth.is_nan());
    assert_eq!(nothing.order, [1, 0]);
}

#[test]
fn the_paper_is_found_by_model_data_and_matrix() {
    let gaps = |model, data, matrix| {
        let found: Option<(Gaps<Spread>, u8)> = paper::gaps(model, data, matrix);
        found.map(|(gaps, table)| (gaps.map(|gap| gap.mean).into_array(), table))
    };
    assert_eq!(
        gaps("mlp", "mnist", "gauss-newton"),
        Some(([0.208, 0.006, 0.211, 0.0, 0.001], 5))
    );
    assert_eq!(
        gaps("mlp", "Fashion-MNIST", "hessian"),
        Some(([2.968, 0.385, 0.408, 0.0, 0.009], 4))
    );
    assert_eq!(
        gaps("resnet20", "cifar-10", "gauss-newton"),
        Some(([5.827, 4.435, 3.280, 0.0, 0.003], 5))
    );
    assert_eq!(
        gaps("transformer", "PTB", "gauss-newton"),
        Some(([57.926, 30.756, 61.675, 5.002, 3.316], 5))
    );
    for model in ["lr", "logistic-regression"] {
        assert_eq!(
            gaps(model, "cancer.csv", "gauss-newton"),
            Some(([0.0; 5], 5))
        );
    }
    let [.., solver] = paper::gaps("transformer", "text", "gauss-newton")
        .map(|(gaps, _)| gaps.into_array().map(|gap| gap.std))
        .unwrap_or_default();
    assert_eq!(solver, 2.630);
    for (model, data, matrix) in [
        ("lenet", "mnist", "hessian"),
        ("mlp", "emnist", "gauss-newton"),
        ("mlp", "digits", "gauss-newton"),
        ("gpt", "mnist", "gauss-newton"),
        ("mlp", "mnist", "fisher"),
    ] {
        assert_eq!(gaps(model, data, matrix), None, "{model} {data} {matrix}");
    }

    let correlations = |model, data, matrix| {
        let found = paper::correlations(model, data, matrix);
        found
            .map(|it| it.map(|it| (it.pearson, it.spearman, it.table)))
            .into_array()
    };
    assert_eq!(
        correlations("vgg13", "mnist", "gauss-newton"),
        [
            Some((0.98, 0.77, 2)),
            Some((-0.28, -0.51, 2)),
            Some((0.45, -0.07, 2)),
            None
        ]
    );
    assert_eq!(
        correlations("mlp", "concrete", "gauss-newton"),
        [
            Some((0.93, 0.94, 6)),
            Some((0.09, 0.11, 6)),
            Some((-0.11, 0.12, 6)),
            Some((0.52, 0.61, 8))
        ]
    );
    assert_eq!(
        correlations("mlp", "mnist", "hessian"),
        [
            Some((0.98, 0.81, 7)),
            Some((0.21, -0.14, 7)),
            Some((-0.16, -0.12, 7)),
            Some((0.73, 0.53, 8))
        ]
    );
    assert_eq!(correlations("lr", "cancer", "gauss-newton"), [None; 4]);
    assert_eq!(
        paper::subject("lenet", "mnist").as_deref(),
        Some("LeNet on a tenth of MNIST")
    );
}

#[test]
fn json_has_its_values_at_their_paths() -> Outcome {
    let decomposition = decomposition();
    let json: Value = serde_json::from_slice(&decomposition.to_json()?)?;
    assert_eq!(
        json.pointer("/gaps/warm_start/mean"),
        Some(&json!(decomposition.gaps.warm_start.mean))
    );
    for (name, gap) in decomposition.gaps.iter() {
        assert_eq!(json["gaps"][name.key]["std"], json!(gap.std));
        assert_eq!(
            json["points"][0]["gaps"][name.key],
            json!(
                decomposition.points[0]
                    .gaps
                    .iter()
                    .find(|it| it.0 == name)
                    .map(|it| it.1)
            )
        );
    }
    assert_eq!(
        json.pointer("/paper/non_convergence/std"),
        Some(&json!(0.745))
    );
    assert_eq!(json["paper_table"], json!(5));
    assert_eq!(json.pointer("/setup/depth"), Some(&json!(5000)));
    assert_eq!(json.pointer("/failed/0/stage"), Some(&json!("PBRF")));

    let correlations = correlations();
    let json: Value = serde_json::from_slice(&correlations.to_json()?)?;
    for (name, found) in correlations.correlations.iter() {
        let at = &json["correlations"][name.key];
        assert_eq!(
            at.get("pearson"),
            Some(&json!(found.pearson)),
            "{}",
            name.key
        );
        assert_eq!(
            at.get("spearman"),
            Some(&json!(found.spearman)),
            "{}",
            name.key
        );
    }
    assert_eq!(
        json["paper"]["pbrf"],
        json!({"pearson": 0.98, "spearman": 0.99, "table": 2})
    );
    assert_eq!(
        json.pointer("/points/1/responses/cold_start"),
        Some(&json!([]))
    );

    let json: Value = serde_json::from_slice(&sweep().to_json()?)?;
    assert_eq!(json["over"], json!("width"));
    assert_eq!(
        json.pointer("/points/0/failure"),
        Some(&json!("training diverged"))
    );
    assert!(
        json.pointer("/points/1/decomposition/gaps/solver/mean")
            .is_some_and(Value::is_f64)
    );

    let json: Value = serde_json::from_slice(&mislabel().to_json()?)?;
    assert_eq!(
        json.pointer("/rankings/influence/scores/3"),
        Some(&Value::Null)
    );
    assert_eq!(
        json.pointer("/rankings/pbrf/found_at_fifth"),
        Some(&json!(0.5))
    );
    assert_eq!(json["wrong"], json!([2, 7]));
    Ok(())
}

#[test]
fn records_come_back_from_json() -> Outcome {
    // These numbers are short; the last bit of longer ones is the next test's.
    let read: Decomposition = serde_json::from_slice(&decomposition().to_json()?)?;
    assert_eq!(read.points, decomposition().points);
    let read: Sweep = serde_json::from_slice(&sweep().to_json()?)?;
    assert_eq!(read.points[0], sweep().points[0]);
    let read: Correlations = serde_json::from_slice(&correlations().to_json()?)?;
    assert_eq!(
        (&read.setup, &read.points),
        (&correlations().setup, &correlations().points)
    );

    let read: Mislabel = serde_json::from_slice(&mislabel().to_json()?)?;
    assert!(read.rankings["influence"].scores[3].is_nan());
    assert_eq!(
        read.rankings["influence"].order,
        mislabel().rankings["influence"].order
    );
    assert_eq!(read.rankings["random"], mislabel().rankings["random"]);

    let (decompositions, correlations, sweeps, mislabels) = odd();
    for record in decompositions {
        serde_json::from_slice::<Decomposition>(&record.to_json()?)?;
    }
    for record in correlations {
        serde_json::from_slice::<Correlations>(&record.to_json()?)?;
    }
    for mut record in sweeps {
        // A value itself is always a number.
        record.points.retain(|point| point.value.is_finite());
        serde_json::from_slice::<Sweep>(&record.to_json()?)?;
    }
    for record in mislabels {
        serde_json::from_slice::<Mislabel>(&record.to_json()?)?;
    }
    Ok(())
}

#[test]
fn every_digit_is_written() -> Outcome {
    let mut bits = 0x9E37_79B9_7F4A_7C15u64;
    for _ in 0..2000 {
        bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        // 2^-64 .. 2^64.
        let exponent = 1023 - 64 + (bits >> 57);
        let value = f64::from_bits(exponent << 52 | bits & ((1 << 52) - 1));
        let spread = Spread {
            mean: value,
            std: 0.0,
        };
        let text = serde_json::to_string(&spread)?;
        let digits = text.split([':', ',']).nth(1).ok_or("no number")?;
        assert_eq!(digits.parse::<f64>()?, value, "{text}");
        // serde_json reads with the rounding of two operations.
        let read: Spread = serde_json::from_str(&text)?;
        assert!(
            (read.mean - value).abs() <= 2.0 * f64::EPSILON * value,
            "{text}"
        );
    }
    Ok(())
}

const MISSING: &str = "1 of 3 removals failed and are left out. \
                       The first: examples 3, 17, 20 and 2 more, PBRF: the loss became <script>.";

#[test]
fn gaps_stand_beside_the_papers() {
    let expected = "\
gap                 mean  ± std      paper  ± std
warm start           0.4  ± 0.2828   0.208  ± 0.732
proximity           0.02  ± 0.01414  0.006  ± 0.024
non-convergence      0.6  ± 0.4243   0.211  ± 0.745
linearization    2.00e-5  ± 1.41e-5  0.000  ± 0.000
solver           4.00e-4  ± 2.83e-4  0.001  ± 0.004

mean over the training set of the L2 distance between outputs, over 2 removals
paper: Table 5, MLP on a tenth of MNIST
";
    let mut decomposition = decomposition();
    assert_eq!(decomposition.to_table(), format!("{MISSING}\n\n{expected}"));
    decomposition.failed.clear();
    assert_eq!(decomposition.to_table(), expected);

    decomposition.setup.data = "digits".into();
    let Decomposition { setup, points, .. } = decomposition;
    let alone = Decomposition::new(setup, points, vec![]).to_table();
    assert!(
        alone.starts_with("gap                 mean  ± std\n"),
        "{alone}"
    );
    assert!(!alone.contains("paper"), "{alone}");
}

#[test]
fn correlations_stand_beside_the_papers() {
    let expected = "\
response    Pearson  Spearman  P within  S within  paper P  paper S  from
PBRF              1         1         1         1     0.98     0.99  Table 2
warm start  -0.6169   -0.7143        -1        -1     0.22     0.35  Table 2
";
    let text = correlations().to_table();
    assert!(
        text.starts_with(&format!("{MISSING}\n\n{expected}\n")),
        "{text}"
    );
    assert!(text.ends_with("paper: MLP on a tenth of MNIST\n"), "{text}");
}

#[test]
fn a_sweep_has_a_row_a_value() {
    let expected = "\
width  warm start  proximity  non-convergence  linearization   solver  removals
   16           –          –                –              –        –    failed
  128         0.4       0.02              0.6        2.00e-5  4.00e-4         2
 1024         0.4       0.02              0.6        2.00e-5  4.00e-4         2
";
    let text = sweep().to_table();
    let told =
        "1 of 3 values failed. The first: width 16: training diverged. 2 of 6 removals failed";
    assert!(text.starts_with(told), "{text}");
    assert!(text.contains(&format!("\n\n{expected}\n")), "{text}");
}

#[test]
fn rankings_are_told_by_what_they_find() {
    let expected = "\
inspected by     10 %    20 %     30 %  area
self-influence  0.0 %  50.0 %  100.0 %   0.8
PBRF            0.0 %  50.0 %  100.0 %   0.8
random          0.0 %   0.0 %   50.0 %   0.5
";
    let text = mislabel().to_table();
    let told = "1 of 10 examples failed and are ranked last. The first: examples 3";
    assert!(text.starts_with(told), "{text}");
    assert!(text.contains(&format!("\n\n{expected}\n")), "{text}");
}

#[test]
fn tables_survive_the_oddest_numbers() {
    let (decompositions, correlations, sweeps, mislabels) = odd();
    let texts = [
        decompositions.iter().map(|it| it.to_table()).collect(),
        correlations.iter().map(|it| it.to_table()).collect(),
        sweeps.iter().map(|it| it.to_table()).collect::<Vec<_>>(),
        mislabels.iter().map(|it| it.to_table()).collect(),
    ];
    for text in texts.iter().flatten() {
        assert!(text.ends_with('\n') && text.lines().count() >= 3, "{text}");
    }
}

/// The drawings of a page; every number in them is one.
fn drawings(page: &str) -> Result<Vec<&str>, Box<dyn Error>> {
    let drawings: Vec<&str> = page
        .split("<svg ")
        .skip(1)
        .filter_map(|rest| rest.split("</svg>").next())
        .collect();
    for drawing in &drawings {
        assert!(!drawing.contains("xmlns"), "{drawing}");
        let labels = drawing.lines().map(|line| line.trim_start_matches('-'));
        assert!(
            labels.clone().all(|it| !["NaN", "inf"].contains(&it)),
            "{drawing}"
        );
    }
    for (name, attributes) in tags(page)? {
        if name == "circle" {
            for place in ["cx=\"", "cy=\""] {
                let place = attributes
                    .split(place)
                    .nth(1)
                    .and_then(|it| it.split('"').next());
                place.ok_or("a circle without a place")?.parse::<i32>()?;
            }
        }
    }
    Ok(drawings)
}

fn shows(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "{part} is missing");
    }
}

#[test]
fn reports_are_balanced_escaped_and_load_nothing() -> Outcome {
    let mut sweep = sweep();
    sweep.over = "<script>".into();
    let title = "</title><script>";
    for page in [
        decomposition().to_html(title)?,
        correlations().to_html(title)?,
        sweep.to_html(title)?,
        mislabel().to_html(title)?,
    ] {
        check(&page)?;
        drawings(&page)?;
        shows(
            &page,
            &[
                "&lt;/title&gt;&lt;script&gt;",
                "cg &lt;script&gt;",
                "the loss became &lt;script&gt;",
            ],
        );
        // At the top, before anything that was found.
        let banner = page.find("class=\"banner\"").ok_or("no banner")?;
        assert!(banner < page.find("<h1>").unwrap_or(0));
    }
    Ok(())
}

#[test]
fn a_decomposition_is_shown_beside_the_papers() -> Outcome {
    let mut decomposition = decomposition();
    let page = decomposition.to_html("first")?;
    shows(
        &page,
        &[
            "0.4 ± 0.2828",
            "0.208 ± 0.732",
            "Table 5, MLP on a tenth of MNIST",
            "come to 1.02;",
        ],
    );
    let [bars] = drawings(&page)?[..] else {
        return Err("one drawing".into());
    };
    // Ours are five bars; of the paper's, linearization is 0.000 and has no place among powers of ten.
    let count = |colour| bars.matches(colour).count();
    assert_eq!(
        (count("fill=\"#0072B2\""), count("fill=\"#6F7680\"")),
        (5, 4)
    );
    shows(bars, &["10⁻⁵", "10⁰", "non-convergence"]);

    // Within two powers of ten an axis is linear.
    for point in &mut decomposition.points {
        point.gaps = point.gaps.map(|_| 0.5);
    }
    let Decomposition { setup, points, .. } = decomposition;
    let even = Decomposition::new(
        Setup {
            data: "digits".into(),
            ..setup
        },
        points,
        vec![],
    );
    let page = even.to_html("first")?;
    assert!(
        !page.contains("10⁻") && !page.contains("the paper&#39;s"),
        "{page}"
    );
    assert!(!page.contains("class=\"banner\""), "nothing failed");
    Ok(())
}

#[test]
fn each_response_has_a_scatter_of_its_own() -> Outcome {
    let correlations = correlations();
    let page = correlations.to_html("first")?;
    shows(
        &page,
        &[
            "PBRF: Pearson 1, Spearman 1",
            "warm start: Pearson -0.6169",
            "Table 2",
        ],
    );
    let drawings = drawings(&page)?;
    assert_eq!(drawings.len(), 2);
    for drawing in drawings {
        // Two removals by three test examples.
        assert_eq!(drawing.matches("<circle ").count(), 6);
    }

    let mut many = correlations.clone();
    many.points = vec![many.points[0].clone(); 1500];
    let page = many.to_html("first")?;
    shows(&page, &["One in 3 of 4,500 pairs is drawn."]);
    assert_eq!(page.matches("<circle ").count(), 2 * 1500);
    Ok(())
}

#[test]
fn a_sweep_has_a_line_a_gap() -> Outcome {
    let page = sweep().to_html("first")?;
    let [drawing] = drawings(&page)?[..] else {
        return Err("one drawing".into());
    };
    for colour in ["#0072B2", "#D55E00", "#009E73", "#A6518B", "#8A6D00"] {
        let line = format!("stroke=\"{colour}\" stroke-width=\"4\" points=");
        assert!(drawing.contains(&line), "{colour} in {drawing}");
    }
    shows(
        &page,
        &[
            "2 of 3 values",
            "width 16: training diverged",
            "0.4 ± 0.2828",
            "failed",
        ],
    );
    Ok(())
}

#[test]
fn wrong_labels_have_a_curve_a_ranking_and_suspects() -> Outcome {
    let page = mislabel().to_html("first")?;
    let [drawing] = drawings(&page)?[..] else {
        return Err("one drawing".into());
    };
    assert_eq!(drawing.matches("stroke-width=\"5\"").count(), 3);
    shows(
        &page,
        &[
            "self-influence 50.0 %",
            "#2 wrong",
            "#8 right",
            "random 0.0 %",
        ],
    );
    Ok(())
}

#[test]
fn reports_survive_the_oddest_numbers() -> Outcome {
    let (decompositions, correlations, sweeps, mislabels) = odd();
    let mut pages = Vec::new();
    for record in decompositions {
        pages.push(record.to_html("odd")?);
    }
    for record in correlations {
        pages.push(record.to_html("odd")?);
    }
    for record in sweeps {
        pages.push(record.to_html("odd")?);
    }
    for record in mislabels {
        pages.push(record.to_html("odd")?);
    }
    for page in pages {
        check(&page)?;
        drawings(&page)?;
    }
    Ok(())
}
