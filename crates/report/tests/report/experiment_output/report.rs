//! Records as pages.

use std::error::Error;

use backdraft_report::experiment::{DecompositionRecord, Findings, Setup};

use super::Outcome;
use super::page::{check, tags};
use super::record::{correlations, decomposition, mislabel, odd, sweep};

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
    let DecompositionRecord { setup, points, .. } = decomposition;
    let even = DecompositionRecord::new(
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
