//! What many numbers come to, and what the paper has.

use backdraft_attribution::evaluate::{ByResponse, Correlation, Gaps, RankBy, Ranking, Spread};
use backdraft_report::experiment::{MislabelRecord, paper};
use serde_json::json;

use super::Outcome;
use super::record::{correlations, mislabel};

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

    let responses = ByResponse::from_array([1, 2, 3, 4]);
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
    let MislabelRecord { rankings, .. } = mislabel();
    let ranking = &rankings[&RankBy::Influence];
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
    let random = &rankings[&RankBy::Random];
    assert_eq!(
        random.found,
        [0.0, 0.0, 0.5, 0.5, 0.5, 0.5, 0.5, 1.0, 1.0, 1.0]
    );
    assert!(random.scores.is_empty());
    assert!((random.area - 0.5).abs() < 1e-15, "{}", random.area);

    let nothing = Ranking::of(vec![Some(1.0), Some(2.0)], &[]);
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
