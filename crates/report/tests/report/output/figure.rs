//! Figures: drawings of plain data, and the page and table that they go with.

use backdraft_report::figure::{Colour, Drawing, Figure, Layer, Panel, Shape, figure_csv};
use backdraft_report::{OutputError, Versions};
use serde_json::{Map, json};

use super::{Outcome, page};

fn figure(layers: Vec<Layer>, log: bool) -> Figure {
    let drawing = Drawing {
        name: "a <b> & \"c\"".into(),
        titles: ["across <x>".into(), "up".into()],
        log: [log, log],
        layers,
    };
    let panel = Panel {
        title: "the panel".into(),
        caption: "what <is> seen".into(),
        drawing,
    };
    let head = ["name", "value"].map(String::from).to_vec();
    Figure {
        name: "run <1>".into(),
        title: "Title?".into(),
        question: "The question".into(),
        answer: "The answer".into(),
        sections: vec![("Section".into(), vec![panel])],
        tables: vec![("Table".into(), vec![head, vec!["<row>".into(), "7".into()]])],
        guide: vec![("Word".into(), "meaning".into())],
        settings: Map::from_iter([("seed".to_owned(), json!(11))]),
        seconds: vec![("compute".into(), 1.5)],
        versions: Versions {
            backdraft: "0".into(),
            burn: "0".into(),
        },
    }
}

fn line(points: Vec<(f64, f64)>) -> Layer {
    Layer::new("a <line>", Shape::Line, Colour::Series(7), points)
}

#[test]
fn a_page_holds_all_and_refers_to_nothing() -> Outcome {
    let shapes = [Shape::Thin, Shape::Dots, Shape::Rings, Shape::Stars];
    let marks = shapes.map(|it| Layer::new("", it, Colour::Ink, vec![(1.0, 2.0), (3.0, -4.0)]));
    let layers = [line(vec![(0.0, 0.0), (1e-9, 5.0)])]
        .into_iter()
        .chain(marks);
    let page = figure(layers.collect(), false).to_html()?;
    page::check(&page)?;
    for part in [
        "<svg",
        "<polyline",
        "<circle",
        "<polygon",
        "The answer",
        "<dd>11</dd>",
        "1.5 s",
    ] {
        assert!(page.contains(part), "no {part}");
    }
    for raw in ["<b>", "<x>", "<is>", "<row>", "<line>", "<1>"] {
        assert!(!page.contains(raw), "{raw}");
    }
    // What needs no word has no key.
    assert_eq!(page.matches("━").count(), 1);
    assert_eq!(page.matches("★").count(), 0);
    Ok(())
}

#[test]
fn what_cannot_be_drawn_is_left_out() -> Outcome {
    // Nothing at all.
    let page = figure(vec![line(Vec::new())], true).to_html()?;
    assert!(page.contains("There is nothing to draw.") && !page.contains("<svg"));
    // No number, or none with a logarithm.
    for points in [
        vec![(f64::NAN, 1.0), (1.0, f64::INFINITY), (2.0, 2.0)],
        vec![(0.0, 0.0), (-1.0, -1.0)],
        vec![(0.0, 0.0)],
        vec![(1.0, 1e-300), (1.0, 1e290)],
    ] {
        for log in [false, true] {
            let page = figure(vec![line(points.clone())], log).to_html()?;
            assert!(page.contains("<svg"), "{points:?}");
            assert!(!page.contains("NaN"), "{points:?}");
        }
    }
    Ok(())
}

#[test]
fn a_table_keeps_all_digits() -> Outcome {
    let rows = [vec![0.1 + 0.2, f64::NAN], vec![1e-300, -2.0]];
    let table = String::from_utf8(figure_csv("it.csv", &["a", "b"], rows)?)?;
    assert_eq!(table, "a,b\n0.30000000000000004,\n1e-300,-2.0\n");
    let uneven = figure_csv("it.csv", &["a", "b"], [vec![1.0]]);
    assert!(
        matches!(uneven, Err(OutputError::Encode { .. })),
        "{uneven:?}"
    );
    Ok(())
}
